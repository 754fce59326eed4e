/**
 * Checks whether a title's terms belong together: in posts, they occur under the same topics and tags and, if the app
 * has vectors, in similar posts. "Nylon strings and lead paint" is grammatical, but about nothing.
 */
import { words } from "../../features/words.ts";
import type { Phrasebook, TitleForm } from "./phrasebook.ts";
import type { TermVectors } from "./term-vectors.ts";

export interface ContextPost {
  /** Terms of its title (Phrasebook.subjectsOf). */
  terms: readonly string[];
  tags: string[];
  topicId: number | null;
}

/** Quantile of real titles' coherence that a new title has to reach. */
const leastShare = 0.25;
/**
 * A replacement term needs at least `asNear` × the replaced term's nearness to each other word of the title, for words
 * that were at least `nearAtLeast` near to that term.
 */
const [asNear, nearAtLeast] = [0.25, 0.4];
/** Minimum nearness of a replacement to the only term that a form had, if there are vectors. */
const nearToOnly = 0.1;
/** Minimum number of real titles with several terms; fewer give no threshold. */
const titlesAtLeast = 30;

export class Coherence {
  private readonly book: Phrasebook;
  private readonly vectors: TermVectors | undefined;
  /** For each term: its topics and tags, weighted, of unit length. */
  private readonly contexts = new Map<string, Map<string, number>>();
  /** Minimum coherence of a new title; undefined if unknown. */
  private readonly least: number | undefined;

  /** `vectors`: of the posts' terms, if posts have vectors. */
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

  /**
   * Whether a title's least related pair of terms is as near as in three quarters of
   * real titles; true if that is unknown.
   */
  isCoherent(title: string): boolean {
    return this.holdTogether(this.book.subjectsOf(title));
  }

  private holdTogether(terms: readonly string[]): boolean {
    return terms.length < 2 || this.least === undefined || this.nearness(terms) >= this.least;
  }

  /**
   * Whether `term` may fill a form, giving `title`. A form whose fillings are unrelated takes any term; any other one
   * has a subject ("My notes on _ and breath support"), so the term has to be near most of its fillings.
   */
  fits(form: TitleForm, term: string, title: string): boolean {
    const { least } = this;
    const fillings = this.book.fillingsOf(form);
    if (least === undefined) return fillings.length > 0;
    const terms = this.book.subjectsOf(title);
    if (!this.holdTogether(terms) || !this.takesPlace(form.term, term, [...terms, ...words(title)])) return false;
    // real titles of a small community are about one subject, so their quantile is too strict for a single form
    if (fillings.length === 0) return this.near(term, form.term) >= (this.vectors ? nearToOnly : least / 2);
    return this.isOpen(fillings, least / 2) || this.belongs(term, fillings, least / 2);
  }

  /**
   * Whether a term is about as near to the other words of a title (`said`) as the replaced one: "London to Oxford by
   * boat" is possible, but to Krakow is not.
   */
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

  /** Whether most pairs of terms are unrelated. */
  private isOpen(terms: readonly string[], least: number): boolean {
    const pairs = terms.flatMap((one, i) => terms.slice(i + 1).map((other) => this.near(one, other) >= least));
    return pairs.filter((together) => !together).length > pairs.length / 2;
  }

  /** Nearness of the least related pair of terms. */
  private nearness(terms: readonly string[]): number {
    let least = 1;
    for (const [i, one] of terms.entries())
      for (const other of terms.slice(i + 1)) least = Math.min(least, this.near(one, other));
    return least;
  }

  /** Cosine of two terms' contexts plus that of their vectors; 0 if one is unknown. */
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

/**
 * Weights contexts in place by positive pointwise mutual information (Church and Hanks, 1990) × √count, at unit length.
 */
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
