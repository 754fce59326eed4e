/**
 * Whether what a title speaks of belongs together: its terms have been near each other in posts, that is under the same topics and tags, and among posts of
 * like vectors where the app has any. "Nylon strings and lead paint" is grammatical, and nobody's subject.
 */
import { words } from "../../features/words.ts";
import type { Phrasebook, TitleForm } from "./phrasebook.ts";
import type { TermVectors } from "./term-vectors.ts";

export interface ContextPost {
  /** Of its title (Phrasebook.subjectsOf). */
  terms: readonly string[];
  tags: string[];
  topicId: number | null;
}

/** The share of real titles that hold together less than a new one has to. */
const leastShare = 0.25;
/**
 * A term that takes another's place is at least a quarter as near to each word and term of the title, of those to which the other was this near. Of 24 forms of
 * travel-se that were filled again .84 to .88 of the real terms pass, and half of those that stand in the same places elsewhere.
 */
const [asNear, nearAtLeast] = [0.25, 0.4];
/** Where vectors say how near terms are, so near is one to the only one that a form had. "Do I actually need an EHIC?" lends nothing to an Indonesian citizen, at .02. */
const nearToOnly = 0.1;
/** With fewer real titles of several terms nobody knows how well terms have to hold together. */
const titlesAtLeast = 30;

export class Coherence {
  private readonly book: Phrasebook;
  private readonly vectors: TermVectors | undefined;
  /** Of each term the topics and tags that it stands under, weighed, of length 1. */
  private readonly contexts = new Map<string, Map<string, number>>();
  /** What a new title has to reach; undefined: nobody knows. */
  private readonly least: number | undefined;

  /** `vectors`: of the terms of these posts, where posts have any. */
  constructor(book: Phrasebook, posts: readonly ContextPost[], vectors?: TermVectors) {
    this.book = book;
    this.vectors = vectors;
    const inAll = new Map<string, number>();
    const inTitles = new Map<string, number>();
    for (const { terms, tags, topicId } of posts) {
      const under = new Set(tags.map((tag) => tag.toLowerCase()));
      if (topicId !== null) under.add(`topic ${topicId}`);
      for (const context of under) count(inAll, context);
      for (const term of terms) {
        count(inTitles, term);
        const own = this.contexts.get(term) ?? new Map<string, number>();
        this.contexts.set(term, own);
        for (const context of under) count(own, context);
      }
    }
    for (const [term, own] of this.contexts) weigh(own, inTitles.get(term) ?? 0, inAll, posts.length);
    const real = posts
      .filter(({ terms }) => terms.length > 1)
      .map(({ terms }) => this.nearness(terms))
      .sort((a, b) => a - b);
    this.least = real.length < titlesAtLeast ? undefined : real[Math.floor(real.length * leastShare)];
  }

  /** Whether a title holds together as three quarters of the real ones do, by the two of its terms that are least near to each other; where nobody knows, it does. */
  isCoherent(title: string): boolean {
    return this.holdTogether(this.book.subjectsOf(title));
  }

  private holdTogether(terms: readonly string[]): boolean {
    return terms.length < 2 || this.least === undefined || this.nearness(terms) >= this.least;
  }

  /**
   * Whether a form may be filled with another term, as `title`. One that several filled with what does not belong together says nothing of its own; any
   * other is about something, as "My notes on _ and breath support" is, and goes with what belongs to most that it was filled with.
   */
  fits(form: TitleForm, term: string, title: string): boolean {
    const { least } = this;
    const fillings = this.book.fillingsOf(form);
    if (least === undefined) return fillings.length > 0;
    const terms = this.book.subjectsOf(title);
    if (!this.holdTogether(terms) || !this.takesPlace(form.term, term, [...terms, ...words(title)])) return false;
    // real titles of a small community are nearly all of one subject: their quarter is too much to ask of what several titles have
    if (fillings.length === 0) return this.near(term, form.term) >= (this.vectors ? nearToOnly : least / 2);
    return this.isOpen(fillings, least / 2) || this.belongs(term, fillings, least / 2);
  }

  /** Whether a term is about as near to what else a title says (`said`) as the one was that stood there: "London to Oxford by boat" is a journey, and to Krakow none. */
  private takesPlace(own: string, term: string, said: readonly string[]): boolean {
    const itself = [term, ...words(term)];
    return said.every((other) => {
      if (itself.includes(other)) return true;
      const before = this.near(own, other);
      return before < nearAtLeast || this.near(term, other) >= asNear * before;
    });
  }

  private belongs(term: string, to: readonly string[], least: number): boolean {
    return to.filter((other) => this.near(term, other) >= least).length > to.length / 2;
  }

  /** Whether most of some terms do not belong together. */
  private isOpen(terms: readonly string[], least: number): boolean {
    const pairs = terms.flatMap((one, i) => terms.slice(i + 1).map((other) => this.near(one, other) >= least));
    return pairs.filter((together) => !together).length > pairs.length / 2;
  }

  /** How near the two are that are least near to each other. */
  private nearness(terms: readonly string[]): number {
    let least = 1;
    for (const [i, one] of terms.entries())
      for (const other of terms.slice(i + 1)) least = Math.min(least, this.near(one, other));
    return least;
  }

  /** Cosine of the contexts of two terms or words and of their vectors, summed; 0: nothing is known of one. */
  private near(one: string, other: string): number {
    let dot = this.vectors?.near(one, other) ?? 0;
    const others = this.contexts.get(other);
    for (const [context, weight] of this.contexts.get(one) ?? []) dot += weight * (others?.get(context) ?? 0);
    return dot;
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Positive pointwise mutual information with each context (Church and Hanks 1990), and less of what was seen once; in place. */
function weigh(own: Map<string, number>, titles: number, inAll: Map<string, number>, posts: number): void {
  let square = 0;
  for (const [context, times] of own) {
    const information = Math.log((times / titles) * (posts / (inAll.get(context) ?? 1)));
    const weight = Math.max(0, information) * Math.sqrt(times);
    own.set(context, weight);
    square += weight * weight;
  }
  const length = Math.sqrt(square) || 1;
  for (const [context, weight] of own) own.set(context, weight / length);
}
