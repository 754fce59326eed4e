/** The towers' training examples. */
import type { Community } from "../community/community.ts";
import { firstInteractions } from "../community/first-interactions.ts";

/** First interactions. */
export interface Positives {
  users: Int32Array;
  posts: Int32Array;
  at: Float64Array;
}

/** First interactions of others' posts before an instant, in order of time: the latest `most` of them. */
export function positivesBefore(community: Community, until: number, most = Number.POSITIVE_INFINITY): Positives {
  const { users, posts, at } = community.interactions;
  const first = firstInteractions(community.posts, community.interactions).filter((i) => at[i] < until);
  const kept = first.slice(Math.max(0, first.length - most));
  return {
    users: Int32Array.from(kept, (i) => users[i]),
    posts: Int32Array.from(kept, (i) => posts[i]),
    at: Float64Array.from(kept, (i) => at[i]),
  };
}
