/** A user's history at an instant, as the towers and the ranker see it. */

import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { retrieval } from "../../../supabase/functions/_shared/features/retrieval.ts";
import type { Community } from "../../data/replay/community.ts";

/** What each user interacted with and what they wrote, both in order of time, and whom they follow. */
export class Histories {
  private readonly interacted: ByUser;
  private readonly written: ByUser;
  /** Each user's follows, and the actions that followers may read; left out: no follows. */
  private readonly follows: { people: ByUser; acts: ByUser } | undefined;

  /** Packs the interactions and own posts of a community before an instant. */
  constructor({ users, posts, interactions, follows, readable }: Community, until: number) {
    const acted = countBefore(interactions.at, until);
    const every = Uint32Array.from({ length: acted }, (_, i) => i);
    this.interacted = byUser(every, interactions.users, interactions.posts, interactions.at, users.ids.length);
    const own = Uint32Array.from(posts.authors.keys()).filter(
      (post) => posts.authors[post] >= 0 && posts.createdAt[post] < until,
    );
    this.written = byUser(own, posts.authors, Int32Array.from(posts.authors.keys()), posts.createdAt, users.ids.length);
    if (!follows) return;
    const all = Uint32Array.from(follows.at.keys());
    const may = (event: number) => readable?.includes(interactions.kinds[event]) ?? true;
    this.follows = {
      people: byUser(all, follows.users, follows.people, follows.at, users.ids.length),
      acts:
        (readable?.length ?? kinds.length) === kinds.length
          ? this.interacted
          : byUser(every.filter(may), interactions.users, interactions.posts, interactions.at, users.ids.length),
    };
  }

  /** What recsys_engine.followed_vector is the mean of: the posts that those whom a user follows interacted with and wrote last before an instant, of those that the user may read. */
  followed(user: number, before: number, mayRead = (_post: number) => true): number[] {
    if (!this.follows) return [];
    const { people, acts } = this.follows;
    const followed = lastOf(people, user, before, retrieval.followedMeant, () => true);
    return followed.flatMap((person) =>
      [acts, this.written].flatMap((of) => lastOf(of, person, before, retrieval.followedPosts, mayRead)),
    );
  }

  /**
   * What recsys_engine.user_history answers: the last 50 posts a user wrote or, within their last 200 interactions, interacted
   * with before an instant, the latest first, each once; never `except`.
   */
  latest(user: number, before: number, except = -1): number[] {
    const { interacted, written } = this;
    let [i, w] = [lastBefore(interacted, user, before), lastBefore(written, user, before)];
    const firstInteraction = Math.max(interacted.starts[user], i + 1 - retrieval.historyInteractions);
    const found: number[] = [];
    while (found.length < retrieval.historyLength) {
      const [hasInteraction, hasWritten] = [i >= firstInteraction, w >= written.starts[user]];
      if (!hasInteraction && !hasWritten) break;
      const isWritten = hasWritten && (!hasInteraction || written.at[w] >= interacted.at[i]);
      const post = isWritten ? written.posts[w--] : interacted.posts[i--];
      if (post !== except && !found.includes(post)) found.push(post);
    }
    return found;
  }
}

/** Posts and times of all users' events, those of each user together in order of time: user u's begin at starts[u]. */
interface ByUser {
  starts: Int32Array;
  posts: Int32Array;
  at: Float64Array;
}

function byUser(
  events: Uint32Array,
  users: Int32Array,
  posts: Int32Array,
  at: Float64Array,
  userCount: number,
): ByUser {
  const starts = new Int32Array(userCount + 1);
  for (const event of events) starts[users[event] + 1]++;
  for (let user = 0; user < userCount; user++) starts[user + 1] += starts[user];
  const next = starts.slice();
  const packed: ByUser = { starts, posts: new Int32Array(events.length), at: new Float64Array(events.length) };
  for (const event of events) {
    const slot = next[users[event]]++;
    packed.posts[slot] = posts[event];
    packed.at[slot] = at[event];
  }
  return packed;
}

/** The last of a user's posts before an instant that are chosen, the latest first. */
function lastOf(events: ByUser, user: number, before: number, most: number, isChosen: (post: number) => boolean) {
  const found: number[] = [];
  for (let i = lastBefore(events, user, before); i >= events.starts[user] && found.length < most; i--)
    if (isChosen(events.posts[i])) found.push(events.posts[i]);
  return found;
}

/** Where the last of a user's events before an instant stands; one before their first where there is none. */
function lastBefore({ starts, at }: ByUser, user: number, before: number): number {
  let [low, high] = [starts[user], starts[user + 1]];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at[middle] < before) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** How many of some ascending times lie before an instant. */
function countBefore(times: Float64Array, until: number): number {
  let count = 0;
  while (count < times.length && times[count] < until) count++;
  return count;
}
