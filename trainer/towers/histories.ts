/** A user's history at an instant, as the towers and the ranker see it. */
import { retrieval } from "../../supabase/functions/_shared/features/retrieval.ts";
import type { Community } from "../community/community.ts";

/** What each user interacted with or wrote, in order of time. */
export class Histories {
  private readonly starts: Int32Array;
  private readonly posts: Int32Array;
  /** 1 where the user wrote the post, 0 where they interacted with it. */
  private readonly isWritten: Uint8Array;
  private readonly at: Float64Array;

  /** Packs the interactions and own posts of a community before an instant. */
  constructor(community: Community, until: number) {
    const { interactions, posts } = community;
    const [acted, written] = [countBefore(interactions.at, until), countBefore(posts.createdAt, until)];
    const users = new Int32Array(acted + written);
    const known = new Int32Array(users.length);
    const isWritten = new Uint8Array(users.length);
    const at = new Float64Array(users.length);
    let count = 0;
    const add = (user: number, post: number, time: number, written: boolean) => {
      users[count] = user;
      known[count] = post;
      isWritten[count] = written ? 1 : 0;
      at[count++] = time;
    };
    let post = 0;
    const write = (before: number) => {
      for (; post < written && posts.createdAt[post] < before; post++)
        if (posts.authors[post] >= 0) add(posts.authors[post], post, posts.createdAt[post], true);
    };
    for (let i = 0; i < acted; i++) {
      write(interactions.at[i]);
      add(interactions.users[i], interactions.posts[i], interactions.at[i], false);
    }
    write(until);
    const { starts, order } = byUser(users.subarray(0, count), community.users.ids.length);
    this.starts = starts;
    this.posts = Int32Array.from(order, (i) => known[i]);
    this.isWritten = Uint8Array.from(order, (i) => isWritten[i]);
    this.at = Float64Array.from(order, (i) => at[i]);
  }

  /**
   * What recsys.user_history answers: the last 50 posts a user interacted with or wrote before an instant, the latest
   * first, each once, within their last 200 interactions; never `except`.
   */
  latest(user: number, before: number, except = -1): number[] {
    let end = this.starts[user + 1];
    const start = this.starts[user];
    let low = start;
    while (low < end) {
      const middle = (low + end) >> 1;
      if (this.at[middle] < before) low = middle + 1;
      else end = middle;
    }
    const found: number[] = [];
    let interactions = 0;
    for (let i = low - 1; i >= start && found.length < retrieval.historyLength; i--) {
      const post = this.posts[i];
      if (this.isWritten[i] === 0 && ++interactions > retrieval.historyInteractions) continue;
      if (post !== except && !found.includes(post)) found.push(post);
    }
    return found;
  }
}

/** How many of some ascending times lie before an instant. */
function countBefore(times: Float64Array, until: number): number {
  let count = 0;
  while (count < times.length && times[count] < until) count++;
  return count;
}

/** Numbers of events, those of each user together in the order they had: user u's begin at starts[u]. */
function byUser(users: Int32Array, count: number): { starts: Int32Array; order: Uint32Array } {
  const starts = new Int32Array(count + 1);
  for (const user of users) starts[user + 1]++;
  for (let user = 0; user < count; user++) starts[user + 1] += starts[user];
  const next = starts.slice();
  const order = new Uint32Array(users.length);
  for (const [i, user] of users.entries()) order[next[user]++] = i;
  return { starts, order };
}
