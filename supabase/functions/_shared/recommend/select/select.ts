/** The stage that makes a page of the scored candidates: the best, each beside what stands above it, and some to explore. */
import { better } from "../order.ts";
import { repeatedAuthor } from "./authors.ts";
import { likeness } from "./diversity.ts";
import { isForExploration, isUnexplored } from "./exploration.ts";
import type { Selectable, SelectionSettings } from "./selectable.ts";

/** A post of the page. */
export interface Selected<Post> {
  chosen: Post;
  /** It is there because little is known of it. */
  explored: boolean;
}

/**
 * How many of the best candidates a page of `limit` is chosen from. Each chosen post is compared with all of these: 20 from 100
 * are 2,000 inner products.
 */
export function poolSize(limit: number): number {
  return limit + 80;
}

/** A page of at most `limit` posts, in order; `served`: how many the feed had before it. Equals stand in the order of `better`. */
export function select<Post extends Selectable>(
  posts: Post[],
  limit: number,
  settings: SelectionSettings,
  served = 0,
): Selected<Post>[] {
  const { diversity, author_decay, exploration_share } = settings;
  posts.sort(better);
  const inReach = Math.min(posts.length, poolSize(limit));
  // behind those, what can only be chosen to be explored: it too speaks against what is like it
  const further = exploration_share > 0 ? posts.slice(inReach).filter(isUnexplored) : [];
  const pool = [...posts.slice(0, inReach), ...further];
  const values = Float64Array.from(pool, ({ score }) => Math.log(score));
  const penalties = [likeness(pool, diversity), repeatedAuthor(pool, author_decay)];
  const taken = new Uint8Array(pool.length);
  const page: Selected<Post>[] = [];
  while (page.length < limit && page.length < posts.length) {
    const toExplore = isForExploration(served + page.length + 1, exploration_share) ? bestUnexplored() : -1;
    const i = toExplore >= 0 ? toExplore : best();
    taken[i] = 1;
    for (const penalty of penalties) penalty.chose(i);
    page.push({ chosen: pool[i], explored: i === toExplore });
  }
  return page;

  function bestUnexplored(): number {
    return pool.findIndex((post, i) => taken[i] === 0 && isUnexplored(post));
  }

  /** The one of the highest value that is not taken; of equals the first. */
  function best(): number {
    let [found, highest] = [-1, 0];
    for (let i = 0; i < inReach; i++) {
      if (taken[i] === 1) continue;
      let value = values[i];
      for (const penalty of penalties) value -= penalty.of(i);
      if (found < 0 || value > highest) [found, highest] = [i, value];
    }
    return found;
  }
}
