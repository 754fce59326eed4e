/** Titles that nobody has written: forms of titles that many came to, with other terms in them. */
import { distinctWordsOf, type Neighbour, type TitleIndex } from "../forecast/title-index.ts";
import type { Coherence } from "./coherence.ts";
import type { Phrasebook, TitleForm } from "./phrasebook.ts";
import { titleOfParts } from "./title-words.ts";

/** No new title is as near as this to one that exists: cosine of their words, each once, rare ones weighing more. One that asks the same has more. */
export const nearestAllowed = 0.85;
/** A term takes another's place where they are at least so alike. Of 60 titles of travel-se read at .12, all were grammatical, and 6 made no sense ("Getting from Toronto to New Year's Eve"). */
const leastAlike = 0.14;
/** "Are there ferries from Europe to ⟨⟩?" wants more than any place. With this, 3 of 50 made no sense: what boats and borders allow, no word says. */
const leastAlikeWithOther = 0.2;
const termsPerForm = 6;

export interface NewTitle {
  title: string;
  /** The term that was put in, as it is written. */
  term: string;
  /** How alike it is to the one that stood there. */
  alike: number;
}

/** All that a phrasebook gives and nobody has written; of each form at most six, those whose term is most like the one that stood there. */
export function* newTitles(book: Phrasebook, coherence: Coherence): Generator<NewTitle> {
  for (const form of book.forms) {
    if (!isEverybodys(book, form)) continue;
    const own = book.spelt(form.term);
    const least = form.hasOther ? leastAlikeWithOther : leastAlike;
    const shared = book.fillingsOf(form).length > 0;
    // who filled it with several said that it goes with others like them; those that stand there have it written mostly
    const terms = [...new Set([...book.termsFor(form), ...(shared ? book.termsLike(form.term) : [])])]
      .map((term) => ({ term, alike: book.alike(form.term, term) }))
      .filter(({ term, alike }) => alike >= least && fits(book, form, own, term, shared))
      .sort((a, b) => b.alike - a.alike);
    let made = 0;
    for (const { term, alike } of terms) {
      const spelt = book.spelt(term);
      const title = titleOfParts([...form.before, spelt, ...form.behind]);
      if (book.isWritten(title)) continue;
      if (!coherence.fits(form, term, title)) continue;
      yield { title, term: spelt, alike };
      if (++made === termsPerForm) break;
    }
  }
}

/** Every part is in titles of several authors, and every two next to each other are: nothing in it is one person's own, or a rare subject of its own. */
function isEverybodys(book: Phrasebook, { before, behind }: TitleForm): boolean {
  return (
    [...before, ...behind].every((part) => book.isKnown(part)) &&
    before.every((part, at) => book.isUsual(before[at - 1], part)) &&
    behind.every((part, at) => book.isUsual(part, behind[at + 1]))
  );
}

/** Whether a term can stand there: it is no part of the title, is written alike, and its neighbours are used to it. */
function fits(
  book: Phrasebook,
  { before, behind, term: own }: TitleForm,
  spelling: string,
  term: string,
  anyMayStandThere: boolean,
): boolean {
  if (term === own) return false;
  const spelt = book.spelt(term);
  const words = term.split(" ");
  const others = [...before, ...behind].map((part) => part.toLowerCase());
  return (
    isCapital(spelt) === isCapital(spelling) &&
    isPlural(spelt) === isPlural(spelling) &&
    !words.some((word) => others.includes(word)) &&
    (anyMayStandThere || book.isUsual(before.at(-1), words[0])) &&
    words.every((word, at) => at === 0 || book.isUsual(words[at - 1], word))
  );
}

function isCapital(word: string): boolean {
  return /^\p{Lu}/u.test(word);
}

/** In many languages of Europe; elsewhere it parts words at random, which costs a few titles. */
function isPlural(word: string): boolean {
  return /[^s]s$/u.test(word);
}

/** Whether a title is none that exists: by its nearest. */
export function isNew(title: string, index: TitleIndex): boolean {
  const [nearest] = index.nearest(distinctWordsOf({ title, tags: [] }), 1) as (Neighbour | undefined)[];
  return nearest === undefined || nearest.similarity < nearestAllowed;
}
