/** Where a recommender loses most against another on the same events: by user and by post, each with the list of its worst event. */
import type { Community } from "../../data/replay/community.ts";
import type { ReplayEvent } from "./list-metrics.ts";

export interface Worst {
  /** The user's or post's id. */
  id: string;
  /** What the post is called; of a user, empty. */
  title: string;
  events: number;
  /** Mean reciprocal ranks of both on these. */
  own: number;
  other: number;
  /** The event with the largest loss: where the right post stood in either list, and what stood at the top. */
  example: { at: string; post: string; rank: number | null; otherRank: number | null; top: string[] };
}

const most = 10;
const shown = 5;

/** Those whose reciprocal ranks are the furthest behind in sum; only where they are behind at all. */
export function worstOf(
  by: "user" | "post",
  events: ReplayEvent[],
  others: ReplayEvent[],
  { users, posts }: Community,
): Worst[] {
  const groups = new Map<number, number[]>();
  for (const [i, event] of events.entries()) groups.set(event[by], [...(groups.get(event[by]) ?? []), i]);
  const behind = (i: number) => 1 / others[i].rank - 1 / events[i].rank;
  const sum = (of: number[], value: (i: number) => number) => of.reduce((total, i) => total + value(i), 0);
  return [...groups]
    .map(([number, of]) => ({ number, of, loss: sum(of, behind) }))
    .filter(({ loss }) => loss > 0)
    .sort((a, b) => b.loss - a.loss)
    .slice(0, most)
    .map(({ number, of }) => {
      const worst = of.reduce((a, b) => (behind(b) > behind(a) ? b : a));
      const { at, post, rank, top } = events[worst];
      return {
        id: (by === "user" ? users : posts).ids[number],
        title: by === "post" ? posts.titles[number] : "",
        events: of.length,
        own: sum(of, (i) => 1 / events[i].rank) / of.length,
        other: sum(of, (i) => 1 / others[i].rank) / of.length,
        example: {
          at: new Date(at).toISOString(),
          post: posts.titles[post],
          rank: finite(rank),
          otherRank: finite(others[worst].rank),
          top: Array.from(top.subarray(0, shown), (each) => posts.titles[each]),
        },
      };
    });
}

function finite(rank: number): number | null {
  return Number.isFinite(rank) ? rank : null;
}
