/**
 * Words and phrases of a post by which its topic may be named: single words, two words that stand next to each other in the title, and
 * tags. A key compares them, whatever the letters' case and accents; how most people write it is what is shown.
 */
import * as stopword from "stopword";
import { folded, foldedParts, unspaced, words, wordsOfRun } from "../../supabase/functions/_shared/features/words.ts";
import { titleOfParts } from "../../supabase/functions/_shared/ideas/titles/title-words.ts";

export interface PostWords {
  title: string;
  description: string;
  tags: string[];
  language: string | null;
}

/** Letters of a description that are read: the beginning says what it is about. */
const descriptionLetters = 300;
const fewestLetters = 2;

/** Calls `found` for each term of a post, each key as often as it stands there; `shown`: as it is written, null: where a sentence begins, or in a tag. */
export function termsOf(post: PostWords, found: (key: string, shown: string | null) => void): void {
  const stopWords = stopWordsOf(post.language);
  let last: Word | undefined;
  for (const word of read(post.title)) {
    if (isTerm(word.key, stopWords)) found(word.key, word.isFirst ? null : word.shown);
    if (
      last &&
      word.follows &&
      [last, word].every(({ key }) => isPart(key, stopWords)) &&
      ![last, word].every(({ key }) => isNumber(key))
    )
      found(`${last.key} ${word.key}`, last.isFirst ? null : titleOfParts([last.shown, word.shown]));
    last = word;
  }
  for (const word of read(post.description.slice(0, descriptionLetters)))
    if (isTerm(word.key, stopWords)) found(word.key, word.isFirst ? null : word.shown);
  for (const tag of post.tags) {
    const key = termKeyOf(tag);
    if (key.includes(" ") || isTerm(key, stopWords)) found(key, null);
  }
}

interface Word {
  key: string;
  shown: string;
  /** Whether it begins a text or a sentence, and so may have a capital letter for that alone. */
  isFirst: boolean;
  /** Whether only a space or a hyphen is between it and the word before. */
  follows: boolean;
}

const word = new RegExp(
  `${unspaced}+|[[\\p{L}\\p{N}]--${unspaced}][[\\p{L}\\p{N}\\p{M}]--${unspaced}]*(?:['’][[\\p{L}\\p{M}]--${unspaced}]+)?`,
  "gv",
);

function* read(text: string): Generator<Word> {
  let end = 0;
  for (const match of text.matchAll(word)) {
    const between = text.slice(end, match.index);
    const isFirst = /^[^\p{L}\p{N}]*$/u.test(text.slice(0, match.index)) || /[.!?:。！？：]/.test(between);
    // words of a script without spaces follow each other with nothing between
    const follows = /^[ -]$/.test(between) || (between === "" && end > 0);
    for (const [i, own] of wordsOfRun(match[0]).entries()) {
      const shown = own.replace(/['’]s$/iu, "");
      yield { key: lettersOf(shown), shown, isFirst: isFirst && i === 0, follows: follows || i > 0 };
    }
    end = match.index + match[0].length;
  }
}

/** What a word is compared by. */
function lettersOf(word: string): string {
  return foldedParts(folded(word)).join("");
}

/** The key of a term that is written like this. */
export function termKeyOf(text: string): string {
  return Array.from(read(text), ({ key }) => key).join(" ");
}

function isTerm(key: string, stopWords: Set<string>): boolean {
  return isPart(key, stopWords) && !inPhrases.has(key) && !isNumber(key);
}

function isPart(key: string, stopWords: Set<string>): boolean {
  return key.length >= fewestLetters && (!stopWords.has(key) || inPhrases.has(key));
}

function isNumber(key: string): boolean {
  return /^\p{N}+$/u.test(key);
}

/**
 * The package's lists, whose names are those of ISO 639-3, by the first part of a BCP 47 tag. Where the language is not known, or has no list
 * here, those of English hold, and of the languages whose script says enough: no word of one is a word of another.
 */
const lists = new Map(
  Object.entries(stopword)
    .filter(([name]) => /^[a-z]{3}$/.test(name))
    .map(([name, list]) => [Intl.getCanonicalLocales(name)[0], list]),
).set("no", stopword.nob);
/** What posts on any topic in English say, besides what that list has: the words of questions, and verbs that go with anything. */
const more =
  "also another anyone anything ask asking asked available avoid best better bring cannot cant changing coming could different does doesnt doing done dont every everyone find found get gets getting give given go goes going good got happen happened happens help how id ill im instead ive keep kind know known leave left less let like long look looking looks lot made make makes making many may maybe mean means might more most much need needed needs never new next not now often one ones only possible put question questions really recommend see shall show so some somebody someone something start still stop sure take takes taken taking tell than thing things think tip tips too tried try trying turn upon usage use used useful using various via visit visiting want wants way ways well went what when where whether which while who whose why will within without wont work working works worth would yes yet".split(
    " ",
  );
/** Which stand in names all the same. */
const inPhrases = new Set(["new"]);
const byScript = ["ar", "bn", "el", "gu", "he", "hi", "hy", "ja", "ko", "my", "ru", "th", "zh"];
const sets = new Map<string, Set<string>>();

function stopWordsOf(language: string | null): Set<string> {
  const code = language?.split("-")[0] ?? "en";
  const name = lists.has(code) ? code : "en";
  let set = sets.get(name);
  if (!set) {
    const codes = name === "en" ? ["en", ...byScript] : [name];
    const all = [...codes.flatMap((each) => lists.get(each) ?? []), ...(name === "en" ? more : [])];
    set = new Set(all.flatMap((word) => [lettersOf(word), ...words(word)]));
    sets.set(name, set);
  }
  return set;
}
