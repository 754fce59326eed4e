import type { Random } from "../engine/random.ts";
import type { Applause } from "./applause.ts";
import { geometric, pickWeighted } from "./draws.ts";
import type { Person } from "./people.ts";
import { facets } from "./topics.ts";
import type { Writing } from "./writings.ts";

const rememberedViews = 128;

/** What the app shows: a mix of fresh, popular and topical posts, never one's own and none that one has just read or dismissed. */
export class Impressions {
  readonly #random: Random;
  readonly #writings: Writing[];
  readonly #applause: Applause;
  readonly #byFacet: number[][] = facets.map(() => []);
  /** The latest views and dismissals, one ring buffer per person: memory does not grow with what happens. Empty entries are -1. */
  readonly #views: Int32Array;
  readonly #viewCounts: Int32Array;
  #published = 0;

  constructor(random: Random, people: number, writings: Writing[], applause: Applause) {
    this.#random = random;
    this.#writings = writings;
    this.#applause = applause;
    this.#views = new Int32Array(people * rememberedViews).fill(-1);
    this.#viewCounts = new Int32Array(people);
  }

  /** Up to `size` posts for a person at an instant; call in order of time. */
  next(user: number, person: Person, now: number, size: number): number[] {
    while (this.#published < this.#writings.length && this.#writings[this.#published].createdAt <= now) {
      this.#byFacet[this.#writings[this.#published].facet].push(this.#published++);
    }
    const chart = this.#applause.chart(this.#published, now);
    const posts: number[] = [];
    for (let attempt = 0; attempt < 3 * size && posts.length < size; attempt++) {
      const post = this.#candidate(person, chart);
      if (post === undefined || posts.includes(post)) continue;
      if (this.#writings[post].author !== user && !this.#isLeftOut(user, post)) posts.push(post);
    }
    return posts;
  }

  /** Remembers that a person has read or dismissed a post. */
  leavesOut(user: number, post: number): void {
    this.#views[user * rememberedViews + (this.#viewCounts[user]++ % rememberedViews)] = post;
  }

  #isLeftOut(user: number, post: number): boolean {
    const start = user * rememberedViews;
    return this.#views.subarray(start, start + rememberedViews).includes(post);
  }

  #candidate(person: Person, chart: number[]): number | undefined {
    const source = this.#random.uniform();
    if (source < 0.3) return fromEnd(this.#published, geometric(this.#random, 0.05));
    if (source < 0.55) return chart[geometric(this.#random, 0.06)];
    const posts = this.#byFacet[pickWeighted(this.#random, person.tastes)];
    return posts[posts.length - 1 - geometric(this.#random, 0.15)];
  }
}

function fromEnd(length: number, back: number): number | undefined {
  return back < length ? length - 1 - back : undefined;
}
