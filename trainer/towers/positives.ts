/** Who touched what and when, packed by user: the towers' training examples, and the history each of them may see. */
import { historyLength } from "../../supabase/functions/_shared/history.ts";
import type { Community } from "../community/community.ts";

/** The first time a user touched a post that is not their own. */
export interface Positives {
  users: Int32Array;
  posts: Int32Array;
  at: Float64Array;
}

/** First touches of others' posts before an instant, in order of time. */
export function positivesBefore(community: Community, until: number): Positives {
  const { users, posts, at } = community.interactions;
  const touched = new Set<number>();
  const kept: number[] = [];
  for (let i = 0; i < at.length && at[i] < until; i++) {
    const pair = users[i] * community.posts.ids.length + posts[i];
    if (community.posts.authors[posts[i]] === users[i] || touched.has(pair)) continue;
    touched.add(pair);
    kept.push(i);
  }
  return {
    users: Int32Array.from(kept, (i) => users[i]),
    posts: Int32Array.from(kept, (i) => posts[i]),
    at: Float64Array.from(kept, (i) => at[i]),
  };
}

/** What each user touched or wrote, in order of time. */
export class Histories {
  private readonly starts: Int32Array;
  private readonly posts: Int32Array;
  private readonly at: Float64Array;

  /** Packs the interactions and own posts of a community before an instant. */
  constructor(community: Community, until: number) {
    const { interactions } = community;
    const events: { user: number; post: number; at: number }[] = [];
    for (let i = 0; i < interactions.at.length && interactions.at[i] < until; i++) {
      events.push({ user: interactions.users[i], post: interactions.posts[i], at: interactions.at[i] });
    }
    for (const [post, author] of community.posts.authors.entries()) {
      const at = community.posts.createdAt[post];
      if (author >= 0 && at < until) events.push({ user: author, post, at });
    }
    events.sort((a, b) => a.user - b.user || a.at - b.at);
    this.starts = new Int32Array(community.users.ids.length + 1);
    for (const event of events) this.starts[event.user + 1]++;
    for (let u = 0; u < this.starts.length - 1; u++) this.starts[u + 1] += this.starts[u];
    this.posts = Int32Array.from(events, (event) => event.post);
    this.at = Float64Array.from(events, (event) => event.at);
  }

  /** Up to 50 posts a user touched or wrote before an instant, the latest first, each once; never `except`. */
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
