/**
 * Finds a community's subjects without using capital letters: phrases that fill the same gap in otherwise equal titles,
 * such as "Is ⟨backfills⟩ worth the money?", in at least two forms.
 */
import { DistinctAuthorCounts, severalAuthors } from "./distinct-authors.ts";
import { isPlain, isWord } from "./title-words.ts";

/** A word in more titles than this share is a function word, and no phrase begins or ends with it. */
const commonShare = 0.01;
const commonAtLeast = 20;
const longestPhrase = 3;
/** Minimum number of forms with the phrase; a single form also has half sentences: "How to ⟨avoid drinking vodka⟩?" */
const formsAtLeast = 2;

/** Phrases in lower case. `titles`: as lower-case parts; `authors`: their author numbers, from 0. */
export function phrasesOfForms(titles: readonly string[][], authors: ArrayLike<number>): Set<string> {
  const isCommon = commonWords(titles);
  // skips titles whose first or last two words are unique: their forms cannot be shared
  const edges = new DistinctAuthorCounts<string>();
  for (const [i, parts] of titles.entries())
    for (const edge of [openingOf(parts), closingOf(parts)]) edges.add(edge, authors[i]);
  const isShared = (edge: string) => edges.count(edge) >= severalAuthors;
  const users = new DistinctAuthorCounts<string>();
  const phrases = new DistinctAuthorCounts<string>();
  const numbers = new Map<string, number>();
  const numberOf = (key: string) => {
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  };
  for (const [i, parts] of titles.entries())
    for (const [phrase, form] of phrasesIn(parts, isCommon, isShared)) {
      users.add(form, authors[i]);
      phrases.add(form, numberOf(phrase));
    }
  const filled = new DistinctAuthorCounts<string>();
  for (const parts of titles)
    for (const [phrase, form] of phrasesIn(parts, isCommon, isShared))
      if (users.count(form) >= severalAuthors && phrases.count(form) >= severalAuthors)
        filled.add(phrase, numberOf(form));
  const found = new Set<string>();
  for (const phrase of filled.keys()) if (filled.count(phrase) >= formsAtLeast) found.add(phrase);
  return found;
}

/** Every phrase of a title after its first word, with the title around it. */
function* phrasesIn(
  parts: string[],
  isCommon: (word: string) => boolean,
  isShared: (edge: string) => boolean,
): Generator<[phrase: string, form: string]> {
  if (!isPlain(parts.join(" "), parts)) return;
  const [opens, closes] = [isShared(openingOf(parts)), isShared(closingOf(parts))];
  for (let start = 1; start < parts.length && (start < 2 || opens); start++) {
    if (!isWord(parts[start]) || isCommon(parts[start])) continue;
    for (let end = start + 1; end <= Math.min(parts.length, start + longestPhrase) && isWord(parts[end - 1]); end++)
      if (!isCommon(parts[end - 1]) && (closes || end > parts.length - 2))
        yield [parts.slice(start, end).join(" "), `${parts.slice(0, start).join(" ")} _ ${parts.slice(end).join(" ")}`];
  }
}

function openingOf(parts: string[]): string {
  return `${parts[0]} ${parts[1]} _`;
}

function closingOf(parts: string[]): string {
  return `_ ${parts[parts.length - 2]} ${parts[parts.length - 1]}`;
}

function commonWords(titles: readonly string[][]): (word: string) => boolean {
  const counts = new Map<string, number>();
  for (const parts of titles) for (const part of new Set(parts)) counts.set(part, (counts.get(part) ?? 0) + 1);
  const most = Math.max(commonAtLeast, commonShare * titles.length);
  return (word) => (counts.get(word) ?? 0) > most;
}
