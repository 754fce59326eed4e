/** Who interacted with what and when, packed by user: the towers' training examples, and the history each of them may see. */
import { historyLength } from "../../supabase/functions/_shared/features/history.ts";
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

/** What each user interacted with or wrote, in order of time. */
export class Histories {
  private readonly starts: Int32Array;
  private readonly posts: Int32Array;
  private readonly at: Float64Array;

  /** Packs the interactions and own posts of a community before an instant. */
  constructor(community: Community, until: number) {
    const { interactions, posts } = community;
    const [done, written] = [countBefore(interactions.at, until), countBefore(posts.createdAt, until)];
    const users = new Int32Array(done + written);
    const interactedPosts = new Int32Array(users.length);
    const at = new Float64Array(users.length);
    let count = 0;
    const add = (user: number, post: number, time: number) => {
      users[count] = user;
      interactedPosts[count] = post;
      at[count++] = time;
    };
    let post = 0;
    const write = (before: number) => {
      for (; post < written && posts.createdAt[post] < before; post++)
        if (posts.authors[post] >= 0) add(posts.authors[post], post, posts.createdAt[post]);
    };
    for (let i = 0; i < done; i++) {
      write(interactions.at[i]);
      add(interactions.users[i], interactions.posts[i], interactions.at[i]);
    }
    write(until);
    const { starts, order } = byUser(users.subarray(0, count), community.users.ids.length);
    this.starts = starts;
    this.posts = Int32Array.from(order, (i) => interactedPosts[i]);
    this.at = Float64Array.from(order, (i) => at[i]);
  }

  /** Up to 50 posts a user interacted with or wrote before an instant, the latest first, each once; never `except`. */
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
    for (let i = low - 1; i >= start && found.length < historyLength; i--) {
      const post = this.posts[i];
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
