/** Makes new titles: forms of successful titles, filled with other terms. */
import { distinctWordsOf, type Neighbour, type TitleIndex } from "../forecast/title-index.ts";
import type { Coherence } from "./coherence.ts";
import type { Phrasebook, TitleForm } from "./phrasebook.ts";
import { titleOfParts } from "./title-words.ts";

/** Maximum similarity of a new title to an existing one: cosine of TF-IDF vectors with binary counts. */
export const nearestAllowed = 0.85;
/** Minimum similarity of a term to the one that it replaces; lower values gave titles without sense. */
const leastAlike = 0.14;
/**
 * The same for a form with a second term, to which the new one has to fit too ("Are there ferries from Europe to ⟨⟩?").
 */
const leastAlikeWithOther = 0.2;
const termsPerForm = 6;

export interface NewTitle {
  title: string;
  /** The inserted term, in its usual spelling. */
  term: string;
  /** Its similarity to the replaced term. */
  alike: number;
}

/** All new titles of a phrasebook; at most six per form, those whose term is most similar to the replaced one. */
export function* newTitles(book: Phrasebook, coherence: Coherence): Generator<NewTitle> {
  for (const form of book.forms) {
    if (!isEverybodys(book, form)) continue;
    const own = book.spelt(form.term);
    const least = form.hasOther ? leastAlikeWithOther : leastAlike;
    const shared = book.fillingsOf(form).length > 0;
    // a form that several authors filled also takes similar terms; otherwise only terms seen between the same words
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

/**
 * Whether several authors used every part and every adjacent pair, so that the form reveals no single author's wording.
 */
function isEverybodys(book: Phrasebook, { before, behind }: TitleForm): boolean {
  return (
    [...before, ...behind].every((part) => book.isKnown(part)) &&
    before.every((part, at) => book.isUsual(before[at - 1], part)) &&
    behind.every((part, at) => book.isUsual(part, behind[at + 1]))
  );
}

/**
 * Whether a term fits a gap: not yet in the title, written alike (capital, plural), and common next to its neighbours.
 */
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

/** A plural in many European languages; elsewhere it splits words arbitrarily, which costs a few titles. */
function isPlural(word: string): boolean {
  return /[^s]s$/u.test(word);
}

/** Whether a title is not too similar to an existing one. */
export function isNew(title: string, index: TitleIndex): boolean {
  const [nearest] = index.nearest(distinctWordsOf({ title, tags: [] }), 1) as (Neighbour | undefined)[];
  return nearest === undefined || nearest.similarity < nearestAllowed;
}
