/**
 * Texts as words, the same in Node and in Deno: towers, ranker, topics and ideas count by them, and mutes hide by them. Accents are
 * no letters (é is e, and Arabic and Hebrew vowel points go), but marks that are (the vowels of Hindi and Thai, が as opposed to か) stay.
 */

/** Letters of the scripts without spaces between words, for a class of a regular expression with the flag v. */
const byDictionary = "[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}ー\\u3099\\u309a\\p{sc=Thai}\\p{sc=Myanmar}]";
const byPairs = "[\\p{sc=Khmer}\\p{sc=Lao}]";
const letters = "[\\p{L}\\p{N}\\p{M}]";
/** A letter, digit or mark of a script without spaces between words. */
export const unspaced = `[[${byDictionary}${byPairs}]&&${letters}]`;

/** How such scripts are split, for the feature spec: a model knows words that were split so. */
export const wordBreaks = { dictionary: byDictionary, pairs: byPairs };

/** And what else has no width: the fillers of Hangul and two vowels of Khmer are letters by Unicode. */
const accents =
  /[[[\p{M}&&[\p{sc=Inherited}\p{sc=Common}\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}\p{sc=Arabic}\p{sc=Hebrew}\p{sc=Syriac}\p{sc=Coptic}\p{sc=Glagolitic}\p{sc=Ethiopic}\p{sc=Hangul}\p{sc=Mongolian}]]--[\u3099\u309a]]\p{Cf}\u115f\u1160\u17b4\u17b5]+/gv;
const notAscii = /[^ -~\t\n\r]/;
/** Of Latin letters, their accents and signs nothing is asked of Unicode's scripts: 1,861 titles in French took 5.6 ms instead of 4.4. */
const notLatin = /[^ -\u036f\u1e00-\u1eff\u2000-\u2bff\t\n\r]/;
const anyUnspaced = new RegExp(unspaced, "v");
const eachUnspaced = new RegExp(unspaced, "gv");
const runs = new RegExp(
  `[${byDictionary}&&${letters}]+|[${byPairs}&&${letters}]+|[[\\p{L}\\p{N}]--${unspaced}][${letters}--${unspaced}]*`,
  "gv",
);
const isOfPairs = new RegExp(`^${byPairs}`, "v");
/** A letter with the vowel written before it, the consonant under it (behind U+17D2), its marks and the vowels behind it. */
const clusters = /[ເ-ໄ]?[\p{L}\p{N}](?:\u17d2\p{L}|[\p{M}ະາຳ])*/gu;

/** Lower-case words without accents; letters, their marks and digits of any script. */
export function words(text: string): string[] {
  // nearly all text of a community in English: 6.6 ms where the general way takes 7.9
  if (!notAscii.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  if (!notLatin.test(text)) return plainLatin(text).match(/[\p{L}\p{N}]+/gu) ?? [];
  const found = plain(text).match(runs) ?? [];
  return found.some((run) => anyUnspaced.test(run)) ? found.flatMap(splitAlike) : found;
}

/**
 * A text as muted words are looked for in it, both folded: in small letters, compatible forms as one, without accents, soft hyphens and
 * what else has no width. Letters of scripts without spaces stand apart, so that a word is found inside a sentence. As recsys_engine.fold_text().
 */
export function folded(text: string): string {
  if (!notAscii.test(text)) return text.toLowerCase();
  return notLatin.test(text) ? plain(text).replace(eachUnspaced, " $& ") : plainLatin(text);
}

/** The runs of letters, their marks and digits in a folded text. */
export function foldedParts(text: string): string[] {
  return text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
}

/** What stands in a run of letters, in order: the words of a script without spaces, anything else as it is. */
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
      // the one letter of Thai and Lao that a compatible form has as two, which no dictionary knows; and as PostgreSQL has it in small letters
      .replace(/\u0e4d\u0e32|\u0ecd\u0eb2|ς/g, (sign) => (sign === "ς" ? "σ" : sign[0] === "\u0e4d" ? "ำ" : "ຳ"))
  );
}

/**
 * Node 24 (ICU 78) and Deno 2.1.4 split all of the Universal Declaration of Human Rights alike in Chinese, Japanese, Thai and Burmese,
 * but not in Khmer and Lao (9 and 10 of 100 words): these two are read as pairs of letters with their signs, each pair overlapping the next.
 */
function splitAlike(run: string): string[] {
  if (!isOfPairs.test(run)) return wordsOfRun(run).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const found = run.match(clusters) ?? [];
  return found.length < 2 ? found : found.slice(1).map((cluster, i) => found[i] + cluster);
}

/** Whether one of some texts in small letters stands anywhere in a text: recsys_engine.contains_any() of its small letters. */
export function containsAny(text: string, parts: readonly string[]): boolean {
  if (parts.length === 0) return false;
  const written = text.toLowerCase();
  return parts.some((part) => written.includes(part));
}
