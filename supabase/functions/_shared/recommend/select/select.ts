/** The stage that makes a page of the scored candidates: the best, each beside what stands above it, and one under trial. */
import { better } from "../order.ts";
import { repeatedAuthor } from "./authors.ts";
import { likeness } from "./diversity.ts";
import type { Exploration, Triable } from "./exploration.ts";
import type { Penalty, Selectable, SelectionSettings } from "./selectable.ts";

/** A post of the page. */
export interface Selected<Post> {
  chosen: Post;
  /** It is there because it is under trial. */
  explored: boolean;
}

/** How many of the best candidates a page of `limit` is chosen from: each chosen post is compared with all that are left of these. */
export function poolSize(limit: number): number {
  return Math.max(100, limit + 25);
}

/**
 * A page of at most `limit` posts, in order; `served`: how many the feed had before it; `explore` null: nothing is tried. Equals stand in
 * the order of `better`.
 */
export function select<Post extends Selectable & Triable>(
  posts: Post[],
  limit: number,
  settings: SelectionSettings,
  served = 0,
  explore: Exploration | null = null,
): Selected<Post>[] {
  const { diversity, author_decay } = settings;
  posts.sort(better);
  const pool = posts.slice(0, poolSize(limit));
  const values = Float64Array.from(pool, ({ score }) => Math.log(score));
  const penalties: Penalty[] = [];
  if (diversity > 0) penalties.push(likeness(pool, diversity));
  if (author_decay < 1) penalties.push(repeatedAuthor(pool, author_decay));
  const taken = new Set<Post>();
  const page: Selected<Post>[] = [];
  while (page.length < limit && page.length < posts.length) {
    const tried =
      served + page.length + 1 === explore?.place ? explore.draw(posts.filter((post) => !taken.has(post))) : undefined;
    const chosen = tried ?? pool[best()];
    taken.add(chosen);
    const place = pool.indexOf(chosen);
    if (place >= 0) values[place] = Number.NEGATIVE_INFINITY;
    for (const penalty of penalties) penalty(chosen, values);
    page.push({ chosen, explored: tried !== undefined });
  }
  return page;

  /** Which of the pool has the highest value among those that are not taken; of equals the first. */
  function best(): number {
    let [found, highest] = [-1, 0];
    for (let i = 0; i < pool.length; i++) {
      if ((found >= 0 && !(values[i] > highest)) || taken.has(pool[i])) continue;
      [found, highest] = [i, values[i]];
    }
    return found;
  }
}
