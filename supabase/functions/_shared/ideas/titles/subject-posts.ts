/**
 * What posts about a subject have in common and others have not: of what an idea could speak, and which tags it would bear. Titles of the same form have their
 * form in common, whatever they are about. So posts count by what they name, and by how much more often than chance has it (Dunning, "Accurate Methods for
 * the Statistics of Surprise and Coincidence", 1993).
 */
import { words } from "../../features/words.ts";
import { severalAuthors } from "./authors-of.ts";
import type { Phrasebook } from "./phrasebook.ts";
import { isWord, partsOf, titleOfParts } from "./title-words.ts";

export interface SpeakingPost {
  title: string;
  /** The beginning of what is under it. */
  text: string;
  tags: string[];
  /** A number from 0; negative: nobody who is known. */
  author: number;
}

/** Of fewer posts, or fewer authors, nothing is said: it is chance, or one person's. */
const leastPosts = 3;
/** Twice the log-likelihood ratio of what goes together by more than chance: of some thousand terms that do not, one or two reach it. */
const leastRatio = 12;
/** And so many times as often as among all posts: in a large community it is no chance that "hotel" goes with a town. */
const leastLift = 4;
/** A tag of a subject is on at least this share of its posts. */
const tagShare = 0.25;
const [pointsAtMost, tagsAtMost] = [3, 3];
/** A term of which this share stands next to the same word is a part of a longer one: "repair" of "cornice repair". */
const alwaysNext = 0.75;
const wordsAtMost = 4;

/** What posts about something speak of. */
interface Said {
  key: string;
  ratio: number;
  posts: number;
}

export class SubjectPosts {
  private readonly book: Phrasebook;
  private readonly posts: readonly SpeakingPost[];
  /** Of each post what it speaks of, each once. */
  private readonly terms: string[][];
  private readonly tags: string[][];
  private readonly byTerm: Map<string, number[]>;
  private readonly byTag: Map<string, number[]>;
  private readonly wholes = new Map<string, string | undefined>();

  constructor(book: Phrasebook, posts: readonly SpeakingPost[]) {
    this.book = book;
    this.posts = posts;
    this.terms = posts.map(({ title, text }) => [...new Set([...book.subjectsOf(title), ...book.subjectsOf(text)])]);
    this.tags = posts.map(({ tags }) => [...new Set(tags)]);
    this.byTerm = placesOf(this.terms);
    this.byTag = placesOf(this.tags);
  }

  /** The posts that speak of all of some terms (in small letters), by their places; none: they are too few, or of too few authors. */
  about(terms: readonly string[]): number[] {
    const [first, ...others] = terms.map((term) => this.byTerm.get(term) ?? []).sort((a, b) => a.length - b.length);
    if (!first) return [];
    const rest = others.map((places) => new Set(places));
    const found = first.filter((place) => rest.every((places) => places.has(place)));
    return this.areSeveral(found) ? found : [];
  }

  /** What some posts speak of far more often than others, and the title not yet: three at most, as most people write it. */
  pointsOf(about: readonly number[], title: string): string[] {
    const said = new Set(words(title));
    const points: string[] = [];
    for (const { key } of this.commonTo(about, this.terms, this.byTerm)) {
      const point = this.wholeOf(key);
      const parts = words(point ?? "");
      if (!point || parts.length === 0 || parts.some((word) => said.has(word))) continue;
      points.push(point);
      for (const word of parts) said.add(word);
      if (points.length === pointsAtMost) break;
    }
    return points;
  }

  /** The tags that set some posts apart, and that many of them bear: three at most. */
  tagsOf(about: readonly number[]): string[] {
    return this.commonTo(about, this.tags, this.byTag)
      .filter(({ posts }) => posts >= tagShare * about.length)
      .slice(0, tagsAtMost)
      .map(({ key }) => key);
  }

  /** Whether all that a text names, the title aside, is what some posts speak of far more often than others. */
  isOf(about: readonly number[], text: string, title: string): boolean {
    const common = new Set(this.commonTo(about, this.terms, this.byTerm).map(({ key }) => key));
    const own = new Set(this.book.subjectsOf(title));
    return this.book.subjectsOf(text).every((term) => own.has(term) || common.has(term));
  }

  /** What sets some posts apart, the strongest first. */
  private commonTo(about: readonly number[], of: readonly string[][], places: Map<string, number[]>): Said[] {
    const counts = new Map<string, number>();
    for (const place of about) for (const key of of[place]) counts.set(key, (counts.get(key) ?? 0) + 1);
    const found: Said[] = [];
    for (const [key, posts] of counts) {
      if (posts < leastPosts) continue;
      const all = places.get(key)?.length ?? 0;
      if ((posts / about.length) * (this.posts.length / all) < leastLift) continue;
      const ratio = logLikelihoodRatio(posts, about.length, all, this.posts.length);
      if (ratio < leastRatio || !this.areSeveral(about.filter((place) => of[place].includes(key)))) continue;
      found.push({ key, ratio, posts });
    }
    // code units decide between equals, so that the same posts say the same
    return found.sort((a, b) => b.ratio - a.ratio || (a.key < b.key ? -1 : 1));
  }

  /** Whether some posts are enough, and of several authors. */
  private areSeveral(places: readonly number[]): boolean {
    const authors = new Set(places.flatMap((place) => (this.posts[place].author < 0 ? [] : [this.posts[place].author])));
    return places.length >= leastPosts && authors.size >= severalAuthors;
  }

  /** A term with the words that nearly always stand next to it, as most people write it. */
  private wholeOf(term: string): string | undefined {
    if (!this.wholes.has(term)) this.wholes.set(term, this.lengthened(term));
    return this.wholes.get(term);
  }

  private lengthened(term: string): string | undefined {
    const own = term.split(" ");
    let uses: Use[] = [];
    for (const place of this.byTerm.get(term) ?? []) {
      const { title, text, author } = this.posts[place];
      for (const written of [title, text]) uses.push(...usesOf(own, partsOf(written), author));
    }
    for (let length = own.length; length < wordsAtMost; length++) {
      const longer = mostUsed(uses, -1) ?? mostUsed(uses, 1);
      if (!longer) break;
      uses = longer;
    }
    return mostWritten(uses);
  }
}

/** Where a term stands in a text. */
interface Use {
  parts: string[];
  start: number;
  end: number;
  author: number;
}

function usesOf(term: readonly string[], parts: string[], author: number): Use[] {
  const small = parts.map((part) => part.toLowerCase());
  const uses: Use[] = [];
  for (let start = 0; start + term.length <= parts.length; start++)
    if (term.every((word, i) => small[start + i] === word))
      uses.push({ parts, start, end: start + term.length, author });
  return uses;
}

/** The uses in which the same word stands before (-1) or behind (1), with that word, where these are nearly all. */
function mostUsed(uses: readonly Use[], side: -1 | 1): Use[] | undefined {
  const found = new Map<string, Use[]>();
  for (const { parts, start, end, author } of uses) {
    const next = parts[side < 0 ? start - 1 : end]?.toLowerCase();
    if (next === undefined || !isWord(next)) continue;
    const own = found.get(next) ?? [];
    found.set(next, own);
    own.push({ parts, start: side < 0 ? start - 1 : start, end: side < 0 ? end : end + 1, author });
  }
  return [...found.values()].find(
    (own) => own.length >= alwaysNext * uses.length && new Set(own.map(({ author }) => author)).size >= severalAuthors,
  );
}

function mostWritten(uses: readonly Use[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { parts, start, end } of uses) {
    const written = titleOfParts(parts.slice(start, end));
    // the first word of a text has its capital letter for being the first
    counts.set(written, (counts.get(written) ?? 0) + (start === 0 ? 0.1 : 1));
  }
  let [best, most]: [string | undefined, number] = [undefined, 0];
  for (const [written, count] of counts) if (count > most) [best, most] = [written, count];
  return best;
}

/** Where each key stands. */
function placesOf(keys: readonly string[][]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [i, own] of keys.entries())
    for (const key of own) {
      const list = places.get(key);
      if (list) list.push(i);
      else places.set(key, [i]);
    }
  return places;
}

/** Twice the logarithm of how much likelier it is that `n` posts have their own share (`a` of them) than that of all (`all` of `total`). */
function logLikelihoodRatio(a: number, n: number, all: number, total: number): number {
  const part = (observed: number, expected: number) => (observed > 0 ? observed * Math.log(observed / expected) : 0);
  const expected = (n * all) / total;
  return (
    2 *
    (part(a, expected) +
      part(n - a, n - expected) +
      part(all - a, all - expected) +
      part(total - n - all + a, total - n - all + expected))
  );
}
