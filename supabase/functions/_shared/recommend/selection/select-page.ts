/** The stage that makes a page of the scored candidates: the best, each given what stands above it, except for places that are filled otherwise. */

import { type CandidatePool, candidatePool } from "./candidate-pool.ts";
import { createDuplicateIndex, isCanonical } from "./duplicates.ts";
import type { Selectable, SelectionSettings } from "./selectable.ts";

/** A post of the page. */
export interface SelectedPost<Post> {
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
export interface OpenPosition<Post extends Selectable> {
  /** In the feed, from 1. */
  position: number;
  /** The candidates that are not on the page yet. */
  left(): Post[];
  pool: CandidatePool<Post>;
}

/** Gives a place to another post than the best; undefined: not this one. */
export type PositionFiller<Post extends Selectable> = (place: OpenPosition<Post>) => SelectedPost<Post> | undefined;

/**
 * A page of at most `limit` posts, in order; `served`: how many the feed had before it. Equals stand in the order of `better`. The first
 * of `fillers` that wants a place has it. What is one conversation with a post of the page is folded into it.
 */
export function selectPage<Post extends Selectable>(
  posts: Post[],
  limit: number,
  settings: SelectionSettings,
  served = 0,
  fillers: PositionFiller<Post>[] = [],
): SelectedPost<Post>[] {
  const conversationOf = createDuplicateIndex(posts);
  const out = new Set<Post>();
  const page = (may: typeof isCanonical) =>
    filled(
      posts.filter((post) => !out.has(post)),
      limit,
      settings,
      served,
      fillers,
      (chosen) => conversationOf(chosen).filter((post) => !out.has(post) && !may(post, chosen)),
    );
  let found = page(isCanonical);
  for (let passes = 1; ; passes++) {
    const led = ledOn(found, conversationOf);
    if (led.size === 0) break;
    // an author who writes many pairs on purpose causes as many passes: 99 took 51 to 132 ms
    if (passes === mostPasses) {
      found = page(nobody);
      break;
    }
    for (const post of led) out.add(post);
    found = page(isCanonical);
  }
  for (;;) {
    const shown = new Set(found.map(({ chosen }) => chosen));
    const lost = [...out].filter((post) => !conversationOf(post).some((other) => shown.has(other)));
    if (lost.length === 0) return withFolded(found, conversationOf);
    // what led them is not there after all, since it is one conversation with another post, too
    for (const post of lost) out.delete(post);
    found = page(nobody);
  }
}

/** Of conversations that meet on a page: more than real pages have. */
const mostPasses = 5;

const nobody = () => false;

/** The posts of some posts that are one conversation with one of them. */
type ConversationOf<Post> = (post: Post) => Post[];

/** Of each conversation of which a page has two posts: those that the one which leads is to stand for. */
function ledOn<Post extends Selectable>(page: SelectedPost<Post>[], conversationOf: ConversationOf<Post>): Set<Post> {
  const led = new Set<Post>();
  for (const { chosen } of page.toReversed()) {
    if (led.has(chosen)) continue;
    const conversation = conversationOf(chosen);
    if (!page.some((other) => other.chosen !== chosen && conversation.includes(other.chosen))) continue;
    for (const post of conversation) if (isCanonical(chosen, post)) led.add(post);
  }
  return led;
}

/** Each post is folded into one. */
function withFolded<Post extends Selectable>(
  page: SelectedPost<Post>[],
  conversationOf: ConversationOf<Post>,
): SelectedPost<Post>[] {
  const named = new Set(page.map(({ chosen }) => chosen));
  return page.map((selected) => {
    const folded = conversationOf(selected.chosen).filter((post) => !named.has(post));
    for (const post of folded) named.add(post);
    return folded.length > 0 ? { ...selected, folded } : selected;
  });
}

/** A page of which each post has left out some others of its conversation. */
function filled<Post extends Selectable>(
  posts: Post[],
  limit: number,
  settings: SelectionSettings,
  served: number,
  fillers: PositionFiller<Post>[],
  leftOutBy: ConversationOf<Post>,
): SelectedPost<Post>[] {
  let pool = candidatePool([...posts], limit, settings, served === 0);
  const taken = new Set<Post>();
  const left = () => posts.filter((post) => !taken.has(post));
  const page: SelectedPost<Post>[] = [];
  while (page.length < limit && taken.size < posts.length) {
    const place = { position: served + page.length + 1, left, pool };
    let selected: SelectedPost<Post> | undefined;
    for (const fill of fillers) selected ??= fill(place);
    const best = pool.best();
    if (!selected && best < 0) {
      // more was folded than the pool had beyond the page
      pool = candidatePool(left(), limit, settings);
      continue;
    }
    selected ??= { chosen: pool.posts[best], explored: false, drawn: false, propensity: 1 };
    const { chosen } = selected;
    taken.add(chosen);
    pool.take(chosen);
    for (const post of leftOutBy(chosen)) {
      if (taken.has(post)) continue;
      taken.add(post);
      pool.leaveOut(post);
    }
    page.push(selected);
  }
  return page;
}
