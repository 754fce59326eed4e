/** The towers' training examples. */
import type { Community } from "../../data/replay/community.ts";
import { firstInteractions } from "../../data/replay/first-interactions.ts";
import { capPerUser, positivesCap } from "../../data/replay/per-user-cap.ts";
import type { Random } from "../nn/random.ts";

/** First interactions. */
export interface Positives {
  users: Int32Array;
  posts: Int32Array;
  at: Float64Array;
}

/**
 * First interactions of others' posts before an instant, in order of time: the latest `most` of them, each person
 * with a limited share.
 */
export function positivesBefore(
  community: Community,
  until: number,
  most = Number.POSITIVE_INFINITY,
  bound = positivesCap,
): Positives {
  const { users, posts, at } = community.interactions;
  const first = firstInteractions(community.posts, community.interactions).filter((i) => at[i] < until);
  const all = pick({ users, posts, at }, first);
  return pick(all, capPerUser(all, bound, most));
}

/** The positives from an instant on, and `olderPerNew` times as many drawn from those before it, each at most once. */
export function withOlder(positives: Positives, from: number, olderPerNew: number, random: Random): Positives {
  const all = Uint32Array.from(positives.at.keys());
  const isNew = (i: number) => positives.at[i] >= from;
  const recent = all.filter(isNew);
  const older = random.shuffle(all.filter((i) => !isNew(i))).subarray(0, olderPerNew * recent.length);
  return pick(positives, Uint32Array.from([...older.sort(), ...recent]));
}

function pick({ users, posts, at }: Positives, numbers: Uint32Array): Positives {
  return {
    users: Int32Array.from(numbers, (i) => users[i]),
    posts: Int32Array.from(numbers, (i) => posts[i]),
    at: Float64Array.from(numbers, (i) => at[i]),
  };
}
