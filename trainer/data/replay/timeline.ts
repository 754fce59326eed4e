/**
 * A community's events with the feature store's rows, in typed arrays: 300 bytes less per event than objects. A row is the state after its
 * event. Invariant of a bounded timeline: up to `history` interactions without rows (30 bytes), up to `wholeFrom` last events, then all.
 */
import { halfLives } from "../../../supabase/functions/_shared/features/decay.ts";
import {
  emptyPostState,
  type PostState,
  type UserState,
} from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { StatsColumns } from "./stats-columns.ts";

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
  /** Whether it is the user's first interaction with the post. */
  isFirst: boolean;
  /** How much it counts compared with others of its kind (recsys.kinds.weight); default: 1. */
  weight?: number;
}

/** A row of recsys_engine.post_stats, as far as the ranker is told of it and its event does not say it. */
export type PostStats = Omit<PostState, "last_active_at" | "kind">;

/** A row of recsys_engine.user_stats, as far as the ranker is told of it. */
export type UserStats = Pick<
  UserState,
  "views" | "votes" | "comments" | "logins" | "habit_log_age" | "habit_log_idle" | "recent" | "recent_logins"
>;

type PostColumn = Exclude<keyof PostStats, "recent">;
/** Numbers, truths and times; the decayed counts stand next to them. */
export const postColumns = (Object.keys(emptyPostState) as (keyof PostState)[]).filter(
  (column): column is PostColumn => !["last_active_at", "kind", "recent"].includes(column),
);
export const isTime = (column: string) => column.endsWith("_at");
const times = postColumns.filter(isTime);
const counts = postColumns.filter((column) => !isTime(column));
const userColumns = ["views", "votes", "comments", "logins", "habit_log_age", "habit_log_idle"] as const;
const decayed = halfLives.length;

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
  /** How much an interaction counts compared with others of its kind; 1 of a login. */
  weights = new Float32Array(1024);
  /** 1 where an interaction is its user's first with its post. */
  first = new Uint8Array(1024);
  /**
   * 1 where an event changed the state of its post: the first of each kind by a person with a post of another
   * author.
   */
  changesPost = new Uint8Array(1024);
  /** [history] When the post was last active before the event, milliseconds; NaN: never. */
  foundAt = new Float64Array(0);
  /** [history] Its comments before the event. */
  foundComments = new Int32Array(0);
  private readonly postStats = new StatsColumns(counts, decayed);
  /** Milliseconds, for which 32 bits are too few; NaN: null. */
  private readonly postTimes = new StatsColumns(times, 0, Float64Array);
  private readonly userStats = new StatsColumns(userColumns, 2 * decayed);

  /** Adds an event with the state it left of its post (null: it changed none) and its user (null: another event follows that has it); both are copied. */
  push(event: TimelineEvent, post: PostStats | null, user: UserStats | null): void {
    const row = this.length - this.history;
    this.add(event, post !== null);
    this.postStats.set(row, post, post ? [post.recent] : []);
    this.postTimes.set(row, post, []);
    this.userStats.set(row, user, user ? [user.recent, user.recent_logins] : []);
  }

  /** Adds an interaction without its rows: all of these come before the first `push`. */
  pushHistory(event: TimelineEvent, found: { at: number | null; comments: number }): void {
    if (this.history === this.foundAt.length) {
      this.foundAt = doubled(this.foundAt);
      this.foundComments = doubled(this.foundComments);
    }
    this.foundAt[this.history] = found.at ?? Number.NaN;
    this.foundComments[this.history] = found.comments;
    this.add(event, false);
    this.history = this.wholeFrom = this.length;
  }

  /** The state of a post right after an event that changed it; the recent counts are not copied. */
  postAfter(event: number): PostStats {
    const row = event - this.history;
    const { postStats, postTimes } = this;
    const state: Record<string, unknown> = { recent: postStats.vector(row, 0, decayed) };
    for (const column of counts) {
      const value = postStats.at(row, column);
      state[column] = typeof emptyPostState[column] === "boolean" ? value === 1 : value;
    }
    for (const column of times) state[column] = orNull(postTimes.at(row, column));
    return state as unknown as PostStats;
  }

  /** The state of an event's user right after it; the recent counts are not copied. */
  userAfter(event: number): UserStats {
    const row = event - this.history;
    const { userStats } = this;
    return {
      views: userStats.at(row, "views"),
      votes: userStats.at(row, "votes"),
      comments: userStats.at(row, "comments"),
      logins: userStats.at(row, "logins"),
      habit_log_age: orNull(userStats.at(row, "habit_log_age")),
      habit_log_idle: orNull(userStats.at(row, "habit_log_idle")),
      recent: userStats.vector(row, 0, decayed),
      recent_logins: userStats.vector(row, decayed, decayed),
    };
  }

  private add({ at, user, post, kind, isFirst, weight = 1 }: TimelineEvent, changesPost: boolean): void {
    const i = this.length++;
    if (i === this.at.length) {
      this.at = doubled(this.at);
      this.users = doubled(this.users);
      this.posts = doubled(this.posts);
      this.kinds = doubled(this.kinds);
      this.weights = doubled(this.weights);
      this.first = doubled(this.first);
      this.changesPost = doubled(this.changesPost);
    }
    this.at[i] = at;
    this.users[i] = user;
    this.posts[i] = post;
    this.kinds[i] = kind;
    this.weights[i] = weight;
    this.first[i] = isFirst ? 1 : 0;
    this.changesPost[i] = changesPost ? 1 : 0;
  }
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function doubled<A extends Float64Array | Float32Array | Int32Array | Uint8Array>(array: A): A {
  const larger = new (array.constructor as new (length: number) => A)(Math.max(1024, 2 * array.length));
  larger.set(array);
  return larger;
}
