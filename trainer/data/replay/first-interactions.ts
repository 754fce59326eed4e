/**
 * First interactions: the towers learn from them, the ranker is asked at them, and an evaluation counts them. Of a user's interactions with
 * a post the earliest (ties: lower id), if another wrote it and it existed by then, as recsys_engine.post_stats.first_interaction.
 */
import type { Community, Posts } from "./community.ts";

/** Events in order of time, such as interactions or a timeline; a post of −1 is none. */
interface Events {
  users: Int32Array;
  posts: Int32Array;
  at: Float64Array;
  first: Uint8Array;
}

/** Numbers of the events from `start` up to `end` that are first interactions, ascending. */
export function firstInteractions(
  posts: Posts,
  events: Events,
  { start = 0, end = events.at.length }: { start?: number; end?: number } = {},
): Uint32Array {
  const found = new Uint32Array(end - start);
  let count = 0;
  for (let event = start; event < end; event++) {
    if (events.first[event] === 0) continue;
    const post = events.posts[event];
    if (posts.authors[post] !== events.users[event] && posts.createdAt[post] <= events.at[event])
      found[count++] = event;
  }
  return found.subarray(0, count);
}

/** How many interactions before an instant are older than their post: clocks that disagree, or a post that was dated again. They teach nothing. */
export function beforeTheirPost({ posts, interactions }: Community, until: number): number {
  const { at, posts: of } = interactions;
  let count = 0;
  for (let i = 0; i < at.length && at[i] < until; i++) if (at[i] < posts.createdAt[of[i]]) count++;
  return count;
}

/** Tells from the number of an interaction whether its user was cold then: no interaction before it and no own post. */
export function coldUsers({ users, posts, interactions }: Community): (interaction: number) => boolean {
  const earliest = new Int32Array(users.ids.length).fill(-1);
  for (const [i, user] of interactions.users.entries()) if (earliest[user] < 0) earliest[user] = i;
  const firstPostAt = new Float64Array(users.ids.length).fill(Number.POSITIVE_INFINITY);
  for (const [post, author] of posts.authors.entries())
    if (author >= 0) firstPostAt[author] = Math.min(firstPostAt[author], posts.createdAt[post]);
  return (i) => {
    const user = interactions.users[i];
    return earliest[user] === i && firstPostAt[user] > interactions.at[i];
  };
}
