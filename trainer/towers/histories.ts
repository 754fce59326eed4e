/** A user's history at an instant, as the towers and the ranker see it. */
import { retrieval } from "../../supabase/functions/_shared/features/retrieval.ts";
import type { Community } from "../community/community.ts";

/** What each user interacted with and what they wrote, both in order of time. */
export class Histories {
  private readonly interacted: ByUser;
  private readonly written: ByUser;

  /** Packs the interactions and own posts of a community before an instant. */
  constructor({ users, posts, interactions }: Community, until: number) {
    const acted = countBefore(interactions.at, until);
    const every = Uint32Array.from({ length: acted }, (_, i) => i);
    this.interacted = byUser(every, interactions.users, interactions.posts, interactions.at, users.ids.length);
    const own = Uint32Array.from(posts.authors.keys()).filter(
      (post) => posts.authors[post] >= 0 && posts.createdAt[post] < until,
    );
    this.written = byUser(own, posts.authors, Int32Array.from(posts.authors.keys()), posts.createdAt, users.ids.length);
  }

  /**
   * What recsys.user_history answers: the last 50 posts a user wrote or, within their last 200 interactions, interacted
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
