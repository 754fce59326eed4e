/** The stage that makes a page of the scored candidates: the best, each beside what stands above it, some drawn, and one under trial. */
import { chances, type Draw, drawnBy } from "./draw.ts";
import type { Exploration, Triable } from "./exploration.ts";
import { candidatePool } from "./pool.ts";
import type { Selectable, SelectionSettings } from "./selectable.ts";

/** A post of the page. */
export interface Selected<Post> {
  chosen: Post;
  /** It is there because it is under trial. */
  explored: boolean;
  /** It was drawn for its place. */
  drawn: boolean;
  /** The chance with which it got its place below those above it, and 1 where it was not drawn; null: not known, it is there to be explored. */
  propensity: number | null;
}

/** What of a page is left to chance. */
export interface Chance {
  /** null: nothing is tried. */
  explore?: Exploration | null | undefined;
  /** Without it no place is drawn. */
  draw?: Draw | undefined;
}

/** A page of at most `limit` posts, in order; `served`: how many the feed had before it. Equals stand in the order of `better`. */
export function select<Post extends Selectable & Triable>(
  posts: Post[],
  limit: number,
  settings: SelectionSettings,
  served = 0,
  { explore, draw }: Chance = {},
): Selected<Post>[] {
  const pool = candidatePool(posts, limit, settings);
  const taken = new Set<Post>();
  const page: Selected<Post>[] = [];
  while (page.length < limit && page.length < posts.length) {
    const tried =
      served + page.length + 1 === explore?.place ? explore.draw(posts.filter((post) => !taken.has(post))) : undefined;
    const place: Selected<Post> = tried
      ? { chosen: tried, explored: true, drawn: false, propensity: null }
      : (drawnPlace() ?? { chosen: pool.posts[pool.best()], explored: false, drawn: false, propensity: 1 });
    taken.add(place.chosen);
    pool.take(place.chosen);
    page.push(place);
  }
  return page;

  /** What chance gives the next place to; undefined: it is none of those that are drawn, or nothing is left to draw from. */
  function drawnPlace(): Selected<Post> | undefined {
    if (!draw || draw.share === 0 || draw.random() >= draw.share) return undefined;
    const each = chances(pool.values, draw.temperature);
    if (!each) return undefined;
    const i = drawnBy(each, draw.random());
    return { chosen: pool.posts[i], explored: false, drawn: true, propensity: each[i] };
  }
}
