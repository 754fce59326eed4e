/** What moved between two feeds of one person, and why. */
import { type Act, whyGone } from "./acts.ts";
import type { AppPost, Item } from "./app-tables.ts";
import { type Names, sayWhy } from "./say.ts";

export interface FeedChange {
  post_id: string;
  title: string;
  /** Its place in the feed before; undefined: it was not there. */
  from: number | undefined;
  /** Its place now; undefined: it is gone. */
  to: number | undefined;
  why: string;
}

/** Compares the first pages of both; what kept its place is not in it. The order: as in the new feed, then what is gone. */
export function changesBetween(
  before: readonly Item[],
  after: readonly Item[],
  acts: Act[],
  posts: ReadonlyMap<string, AppPost>,
  names: Names,
): FeedChange[] {
  const placeBefore = new Map(before.map(({ post_id }, i) => [post_id, i + 1]));
  const stays = new Set(after.map(({ post_id }) => post_id));
  const moved = after.flatMap((item, i): FeedChange[] => {
    const from = placeBefore.get(item.post_id);
    if (from === i + 1) return [];
    return [{ post_id: item.post_id, title: item.title, from, to: i + 1, why: sayWhy(item.why, item.basis, names) }];
  });
  const gone = before.flatMap(({ post_id, title }, i): FeedChange[] => {
    if (stays.has(post_id)) return [];
    const why = whyGone(post_id, posts.get(post_id), acts) ?? `Others come before it now`;
    return [{ post_id, title, from: i + 1, to: undefined, why }];
  });
  return [...moved, ...gone];
}
