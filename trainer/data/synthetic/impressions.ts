import type { Random } from "../../models/nn/random.ts";
import type { Applause } from "./applause.ts";
import { geometric, pickWeighted } from "./draws.ts";
import type { Person } from "./people.ts";
import { facets } from "./topics.ts";
import type { Writing } from "./writings.ts";

const rememberedViews = 128;

/** What the app shows: a mix of fresh, popular and topical posts, never one's own and none that one has just read or dismissed. */
export function impressionsOf(random: Random, people: number, writings: Writing[], applause: Applause) {
  const byFacet: number[][] = facets.map(() => []);
  /** The latest views and dismissals, one ring buffer per person: memory does not grow with what happens. Empty entries are -1. */
  const views = new Int32Array(people * rememberedViews).fill(-1);
  const viewCounts = new Int32Array(people);
  let published = 0;

  function candidate(person: Person, chart: number[]): number | undefined {
    const source = random.uniform();
    if (source < 0.3) return fromEnd(published, geometric(random, 0.05));
    if (source < 0.55) return chart[geometric(random, 0.06)];
    const posts = byFacet[pickWeighted(random, person.tastes)];
    return posts[posts.length - 1 - geometric(random, 0.15)];
  }

  const leftOutOf = (user: number) => views.subarray(user * rememberedViews, (user + 1) * rememberedViews);

  return {
    /** What a person has just read or dismissed; -1 where that is less than is remembered. */
    leftOutOf,
    /** Up to `size` posts for a person at an instant; call in order of time. */
    next(user: number, person: Person, now: number, size: number): number[] {
      while (published < writings.length && writings[published].createdAt <= now)
        byFacet[writings[published].facet].push(published++);
      const chart = applause.chart(published, now);
      const leftOut = leftOutOf(user);
      const posts: number[] = [];
      for (let attempt = 0; attempt < 3 * size && posts.length < size; attempt++) {
        const post = candidate(person, chart);
        if (post === undefined || posts.includes(post)) continue;
        if (writings[post].author !== user && !leftOut.includes(post)) posts.push(post);
      }
      return posts;
    },
    /** Remembers that a person has read or dismissed a post. */
    leavesOut(user: number, post: number): void {
      views[user * rememberedViews + (viewCounts[user]++ % rememberedViews)] = post;
    },
  };
}

function fromEnd(length: number, back: number): number | undefined {
  return back < length ? length - 1 - back : undefined;
}
