import { dayLength } from "./calendar.ts";

const halfLife = 2 * dayLength;
const refreshEvery = dayLength / 4;
const chartLength = 60;
const chartWindow = 30 * dayLength;

/** Recent applause of each post, and the chart of what is most applauded, drawn up every six hours as such charts are. */
export class Applause {
  readonly #applause: Float64Array;
  readonly #at: Float64Array;
  readonly #createdAt: Float64Array;
  #chart: number[] = [];
  #chartAt = Number.NEGATIVE_INFINITY;

  constructor(createdAt: Float64Array) {
    this.#createdAt = createdAt;
    this.#applause = new Float64Array(createdAt.length);
    this.#at = new Float64Array(createdAt.length);
  }

  /** Votes and comments so far, with a half-life of two days. */
  applause(post: number, now: number): number {
    return this.#applause[post] * 2 ** (-Math.max(0, now - this.#at[post]) / halfLife);
  }

  applaud(post: number, now: number): void {
    this.#applause[post] = 1 + this.applause(post, now);
    this.#at[post] = now;
  }

  /** The most applauded of the first `published` posts, best first. */
  chart(published: number, now: number): number[] {
    if (now - this.#chartAt < refreshEvery) return this.#chart;
    const candidates: { post: number; applause: number }[] = [];
    for (let post = published - 1; post >= 0 && now - this.#createdAt[post] < chartWindow; post--) {
      candidates.push({ post, applause: this.applause(post, now) });
    }
    candidates.sort((a, b) => b.applause - a.applause);
    this.#chart = candidates.slice(0, chartLength).map(({ post }) => post);
    this.#chartAt = now;
    return this.#chart;
  }
}
