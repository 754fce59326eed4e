/**
 * A community's events with the feature store's rows beside them, in typed arrays: 300 bytes an event less than as objects.
 * Row i of a column is the state right after event i.
 */
import { halfLives } from "../../supabase/functions/_shared/ranker-features.ts";

export const login = 3;

export class Timeline {
  length = 0;
  /** Milliseconds since 1970. */
  at = new Float64Array(1024);
  users = new Int32Array(1024);
  /** −1 for a login. */
  posts = new Int32Array(1024);
  /** A number of `kinds`, or `login`. */
  kinds = new Uint8Array(1024);
  /** Milliseconds; NaN where the post has no comment yet. */
  lastCommentAt = new Float64Array(1024);
  /** views, votes, comments, participants, by_author, recent counts. */
  postStats = new Float32Array(1024 * postStatsWidth);
  /** views, votes, comments, logins, habit_log_age, habit_log_idle (NaN: none yet), recent counts, recent logins. */
  userStats = new Float32Array(1024 * userStatsWidth);

  /** Adds an event; the two stats rows are copied. */
  push(event: {
    at: number;
    user: number;
    post: number;
    kind: number;
    lastCommentAt: number;
    postStats: number[];
    userStats: number[];
  }): void {
    const i = this.length++;
    if (i === this.at.length) this.grow();
    this.at[i] = event.at;
    this.users[i] = event.user;
    this.posts[i] = event.post;
    this.kinds[i] = event.kind;
    this.lastCommentAt[i] = event.lastCommentAt;
    this.postStats.set(event.postStats, i * postStatsWidth);
    this.userStats.set(event.userStats, i * userStatsWidth);
  }

  private grow(): void {
    this.at = doubled(this.at);
    this.users = doubled(this.users);
    this.posts = doubled(this.posts);
    this.kinds = doubled(this.kinds);
    this.lastCommentAt = doubled(this.lastCommentAt);
    this.postStats = doubled(this.postStats);
    this.userStats = doubled(this.userStats);
  }
}

export const postStatsWidth = 5 + halfLives.length;
export const userStatsWidth = 6 + 2 * halfLives.length;

function doubled<A extends Float64Array | Float32Array | Int32Array | Uint8Array>(array: A): A {
  const larger = new (array.constructor as new (length: number) => A)(2 * array.length);
  larger.set(array);
  return larger;
}
