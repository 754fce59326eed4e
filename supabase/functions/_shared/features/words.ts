/**
 * Splits text into words, identically in Node and Deno: used by towers, ranker, topics, ideas and mutes. Accents and
 * optional vowel points are removed (é → e; Arabic, Hebrew); marks that are letters stay (Hindi vowels, が versus か).
 */

/** Letters of scripts without spaces between words, for a character class of a regular expression with flag v. */
const byDictionary = "[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}ー\\u3099\\u309a\\p{sc=Thai}\\p{sc=Myanmar}]";
const byPairs = "[\\p{sc=Khmer}\\p{sc=Lao}]";
const letters = "[\\p{L}\\p{N}\\p{M}]";
/** Matches one letter, digit or mark of a script without spaces between words. */
export const unspaced = `[[${byDictionary}${byPairs}]&&${letters}]`;

/** How those scripts are split; part of the feature spec, since a model knows only words that were split this way. */
export const wordBreaks = { dictionary: byDictionary, pairs: byPairs };

/** Accents and zero-width characters; Unicode counts the Hangul fillers and two Khmer vowels as letters. */
const accents =
  /[[[\p{M}&&[\p{sc=Inherited}\p{sc=Common}\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}\p{sc=Arabic}\p{sc=Hebrew}\p{sc=Syriac}\p{sc=Coptic}\p{sc=Glagolitic}\p{sc=Ethiopic}\p{sc=Hangul}\p{sc=Mongolian}]]--[\u3099\u309a]]\p{Cf}\u115f\u1160\u17b4\u17b5]+/gv;
const notAscii = /[^ -~\t\n\r]/;
/**
 * Matches characters other than Latin letters, their accents and common signs; without them, script checks are skipped.
 */
const notLatin = /[^ -\u036f\u1e00-\u1eff\u2000-\u2bff\t\n\r]/;
const anyUnspaced = new RegExp(unspaced, "v");
const eachUnspaced = new RegExp(unspaced, "gv");
const runs = new RegExp(
  `[${byDictionary}&&${letters}]+|[${byPairs}&&${letters}]+|[[\\p{L}\\p{N}]--${unspaced}][${letters}--${unspaced}]*`,
  "gv",
);
const isOfPairs = new RegExp(`^${byPairs}`, "v");
/**
 * A consonant cluster: a letter with the vowel before it, the consonant below it (after
 * U+17D2), its marks and later vowels.
 */
const clusters = /[ເ-ໄ]?[\p{L}\p{N}](?:\u17d2\p{L}|[\p{M}ະາຳ])*/gu;

/** Lower-case words without accents: runs of letters, their marks and digits of any script. */
export function words(text: string): string[] {
  // fast path: most text of an English community is ASCII
  if (!notAscii.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  if (!notLatin.test(text)) return plainLatin(text).match(/[\p{L}\p{N}]+/gu) ?? [];
  const found = plain(text).match(runs) ?? [];
  return found.some((run) => anyUnspaced.test(run)) ? found.flatMap(splitAlike) : found;
}

/**
 * Folds text for matching muted words, as recsys_engine.fold_text() does: lower case, compatibility forms, no accents
 * or zero-width characters. Letters of scripts without spaces are separated, so that a word is found within a sentence.
 */
export function folded(text: string): string {
  if (!notAscii.test(text)) return text.toLowerCase();
  return notLatin.test(text) ? plain(text).replace(eachUnspaced, " $& ") : plainLatin(text);
}

/** The runs of letters, their marks and digits in a folded text. */
export function foldedParts(text: string): string[] {
  return text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
}

/** The words of a run of letters in order; a run of a script with spaces is one word. */
export function wordsOfRun(run: string): string[] {
  if (!anyUnspaced.test(run)) return [run];
  segmenter ??= new Intl.Segmenter("und", { granularity: "word" });
  return Array.from(segmenter.segment(run), ({ segment }) => segment);
}
let segmenter: Intl.Segmenter | undefined;

function plainLatin(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/[\p{M}\p{Cf}]+/gu, "")
    .toLowerCase();
}

function plain(text: string): string {
  return (
    text
      .normalize("NFKD")
      .replace(accents, "")
      .toLowerCase()
      .normalize("NFC")
      // the letter of Thai and Lao that NFKD splits in two, unknown to dictionaries; and
      // final sigma, as PostgreSQL lower-cases it
      .replace(/\u0e4d\u0e32|\u0ecd\u0eb2|ς/g, (sign) => (sign === "ς" ? "σ" : sign[0] === "\u0e4d" ? "ำ" : "ຳ"))
  );
}

/**
 * Splits a run the same way in Node (ICU 78) and Deno 2.1. Their dictionaries differ for Khmer and Lao, so these
 * scripts become overlapping pairs of consonant clusters.
 */
function splitAlike(run: string): string[] {
  if (!isOfPairs.test(run)) return wordsOfRun(run).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const found = run.match(clusters) ?? [];
  return found.length < 2 ? found : found.slice(1).map((cluster, i) => found[i] + cluster);
}

/** Whether a text contains one of the lower-case parts; recsys_engine.contains_any() on the lower-case text. */
export function containsAny(text: string, parts: readonly string[]): boolean {
  if (parts.length === 0) return false;
  const written = text.toLowerCase();
  return parts.some((part) => written.includes(part));
}
