/** The stage that makes a page of the scored candidates: the best, each beside what stands above it, but for places that are filled otherwise. */
import { mayFold, openConversation } from "./fold.ts";
import { type CandidatePool, candidatePool } from "./pool.ts";
import type { Selectable, SelectionSettings } from "./selectable.ts";

/** A post of the page. */
export interface Selected<Post> {
  chosen: Post;
  /** It is there because it is under trial. */
  explored: boolean;
  /** It got its place by lot. */
  drawn: boolean;
  /** The chance with which it got its place below those above it, and 1 where no lot was cast; null: not known, it is there to be explored. */
  propensity: number | null;
  /** The candidates that are one conversation with it; left out: there are none. */
  folded?: Post[];
}

/** The next place of a page. */
export interface OpenPlace<Post extends Selectable> {
  /** In the feed, from 1. */
  position: number;
  /** The candidates that are not on the page yet. */
  left(): Post[];
  pool: CandidatePool<Post>;
}

/** Gives a place to another post than the best; undefined: not this one. */
export type Filler<Post extends Selectable> = (place: OpenPlace<Post>) => Selected<Post> | undefined;

/**
 * A page of at most `limit` posts, in order; `served`: how many the feed had before it. Equals stand in the order of `better`. The first
 * of `fillers` that wants a place has it. What is one conversation with a post of the page is folded into it, where it was not said before.
 */
export function select<Post extends Selectable>(
  posts: Post[],
  limit: number,
  settings: SelectionSettings,
  served = 0,
  fillers: Filler<Post>[] = [],
): Selected<Post>[] {
  let pool = candidatePool(
    posts.filter(({ post }) => !post.on_trial),
    limit,
    settings,
  );
  const taken = new Set<Post>();
  const conversationOf = openConversation(posts);
  const left = () => posts.filter((post) => !taken.has(post));
  const page: Selected<Post>[] = [];
  while (page.length < limit && taken.size < posts.length) {
    const place = { position: served + page.length + 1, left, pool };
    let selected: Selected<Post> | undefined;
    for (const fill of fillers) selected ??= fill(place);
    const best = pool.best();
    if (!selected && best < 0) {
      // more was folded than the pool had beyond the page
      const rest = left().filter(({ post }) => !post.on_trial);
      if (rest.length === 0) break;
      pool = candidatePool(rest, limit, settings);
      continue;
    }
    selected ??= { chosen: pool.posts[best], explored: false, drawn: false, propensity: 1 };
    const { chosen } = selected;
    taken.add(chosen);
    pool.take(chosen);
    const folded = conversationOf(chosen).filter((post) => !taken.has(post) && mayFold(post, chosen));
    for (const post of folded) {
      taken.add(post);
      pool.leaveOut(post);
    }
    page.push(folded.length > 0 ? { ...selected, folded } : selected);
  }
  return page;
}
