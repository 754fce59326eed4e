/**
 * A community's events with the feature store's rows beside them, in typed arrays: 300 bytes an event less than as objects.
 * A row is the state of post and user right after its event.
 *
 * A bounded timeline does not begin with the community. What it needs of the time before stands in front, in two stretches:
 * `history`, the interactions that users' histories are made of, 29 bytes each, without rows; and behind them, up to
 * `wholeFrom`, the last event of each post and of each user, for their rows. Both are 0 where nothing was left out.
 */
import { halfLives } from "../../supabase/functions/_shared/features/ranker-features.ts";

export const login = 3;

/** What happened. */
export interface TimelineEvent {
  /** Milliseconds since 1970. */
  at: number;
  user: number;
  /** −1 for a login. */
  post: number;
  /** A number of `kinds`, or `login`. */
  kind: number;
}

export class Timeline {
  length = 0;
  /** Events 0 to history − 1 have no rows. */
  history = 0;
  /** Events from here on are both: a change of state, and history. */
  wholeFrom = 0;
  at = new Float64Array(1024);
  users = new Int32Array(1024);
  posts = new Int32Array(1024);
  kinds = new Uint8Array(1024);
  /** [history] When the post had been active last before the event, milliseconds; NaN: never. */
  foundAt = new Float64Array(0);
  /** [history] Its comments before the event. */
  foundComments = new Int32Array(0);
  /** [rows] Milliseconds; NaN where the post has no comment yet. */
  private lastComments = new Float64Array(1024);
  private postStats = new Float32Array(1024 * postStatsWidth);
  private userStats = new Float32Array(1024 * userStatsWidth);

  /** Adds an event with the state it left; the two stats rows are copied. */
  push(event: TimelineEvent & { lastCommentAt: number; postStats: number[]; userStats: number[] }): void {
    const row = this.length - this.history;
    if (row === this.lastComments.length) {
      this.lastComments = doubled(this.lastComments);
      this.postStats = doubled(this.postStats);
      this.userStats = doubled(this.userStats);
    }
    this.add(event);
    this.lastComments[row] = event.lastCommentAt;
    this.postStats.set(event.postStats, row * postStatsWidth);
    this.userStats.set(event.userStats, row * userStatsWidth);
  }

  /** Adds an interaction without its rows: all of these come before the first `push`. */
  pushHistory(event: TimelineEvent & { foundAt: number; foundComments: number }): void {
    if (this.history === this.foundAt.length) {
      this.foundAt = doubled(this.foundAt);
      this.foundComments = doubled(this.foundComments);
    }
    this.foundAt[this.history] = event.foundAt;
    this.foundComments[this.history] = event.foundComments;
    this.add(event);
    this.history = this.wholeFrom = this.length;
  }

  /** When the post of an event had been commented last, right after it, milliseconds; NaN: never. */
  lastCommentAt(event: number): number {
    return this.lastComments[event - this.history];
  }

  /** Its post right after an event: views, votes, comments, participants, by_author, recent counts. */
  postRow(event: number): Float32Array {
    const row = event - this.history;
    return this.postStats.subarray(row * postStatsWidth, (row + 1) * postStatsWidth);
  }

  /** Its user right after: views, votes, comments, logins, habit_log_age, habit_log_idle (NaN: none yet), recent counts, recent logins. */
  userRow(event: number): Float32Array {
    const row = event - this.history;
    return this.userStats.subarray(row * userStatsWidth, (row + 1) * userStatsWidth);
  }

  private add({ at, user, post, kind }: TimelineEvent): void {
    const i = this.length++;
    if (i === this.at.length) {
      this.at = doubled(this.at);
      this.users = doubled(this.users);
      this.posts = doubled(this.posts);
      this.kinds = doubled(this.kinds);
    }
    this.at[i] = at;
    this.users[i] = user;
    this.posts[i] = post;
    this.kinds[i] = kind;
  }
}

const postStatsWidth = 5 + halfLives.length;
const userStatsWidth = 6 + 2 * halfLives.length;

function doubled<A extends Float64Array | Float32Array | Int32Array | Uint8Array>(array: A): A {
  const larger = new (array.constructor as new (length: number) => A)(Math.max(1024, 2 * array.length));
  larger.set(array);
  return larger;
}
