/** What moved between two feeds of one person, and why. */
import { type Act, whyGone } from "./actions.ts";
import type { AppPost, Item } from "./app-tables.ts";
import { type Names, sayWhy } from "./format.ts";

export interface FeedChange {
  post_id: string;
  title: string;
  /** Its place in the feed before; undefined: it was not there. */
  from: number | undefined;
  /** Its place now; undefined: it is gone. */
  to: number | undefined;
  /** How many posts of both feeds it passed on its way up, or below zero passed it; 0: it is in one of them alone. */
  by: number;
  why: string;
}

/** Compares the first pages of two feeds. Leaves out posts that moved only because others came or left. In the order of the new feed, then the posts that are gone. */
export function changesBetween(
  before: readonly Item[],
  after: readonly Item[],
  acts: Act[],
  posts: ReadonlyMap<string, AppPost>,
  names: Names,
): FeedChange[] {
  const placeBefore = new Map(before.map(({ post_id }, i) => [post_id, i + 1]));
  const stays = new Set(after.map(({ post_id }) => post_id));
  const ofBoth = before.filter(({ post_id }) => stays.has(post_id));
  const rankBefore = new Map(ofBoth.map(({ post_id }, i) => [post_id, i]));
  let rank = 0;
  const moved = after.flatMap((item, i): FeedChange[] => {
    const { post_id, title } = item;
    const earlier = rankBefore.get(post_id);
    const by = earlier === undefined ? 0 : earlier - rank++;
    if (earlier !== undefined && by === 0) return [];
    const why = sayWhy(item.why, item.basis, names);
    return [{ post_id, title, from: placeBefore.get(post_id), to: i + 1, by, why }];
  });
  const gone = before.flatMap(({ post_id, title }, i): FeedChange[] => {
    if (stays.has(post_id)) return [];
    const why = whyGone(post_id, posts.get(post_id), acts) ?? `Others come before it now`;
    return [{ post_id, title, from: i + 1, to: undefined, by: 0, why }];
  });
  return [...moved, ...gone];
}
