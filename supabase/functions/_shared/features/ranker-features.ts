/**
 * Features of the ranker (DLRM) from the state of user and posts at an instant. Training calls this with states as of
 * each example's time, serving with the latest: the same code, so no skew. Everything that is a count or a time is
 * log(1 + x) here; standardising and clipping live inside the graph.
 */
import { historyMatches } from "./history-match.ts";
import { logHours, type RecentHabit, type RecentInteraction, recentHabit } from "./recent-habit.ts";
import { textMatches } from "./text-match.ts";

/** Half-lives of the decayed counts of the feature store, in hours (recsys.decay). */
export const halfLives = [1, 6, 24, 168, 720];

/** The ranks of a source go up to this; a post outside a source has the rank behind its last. */
export const sourceSizes = { similar: 200, active: 300, fresh: 300, trending: 50, followed: 50 };
export type Source = keyof typeof sourceSizes;
export const sources = Object.keys(sourceSizes) as Source[];

/** State of the user as of `now`. Times are milliseconds since 1970; null: never. */
export interface UserState {
  created_at: number;
  last_active_at: number | null;
  views: number;
  votes: number;
  comments: number;
  logins: number;
  /** Decayed counts as of last_active_at, one per half-life. */
  recent: ArrayLike<number>;
  /** The same for logins. */
  recent_logins: ArrayLike<number>;
  habit_log_age: number | null;
  habit_log_idle: number | null;
  /** The last 50 first interactions of others' posts within the last 200 interactions, latest first. */
  recent_interactions: RecentInteraction[];
  /** Vectors [32] of the posts of their history, latest first, as the user tower sees them. */
  history: ArrayLike<number>[];
}

/** A candidate as of `now`: what recsys.candidates returns, times as milliseconds. */
export interface Candidate {
  title: string;
  tags: string[];
  author_id: string | null;
  created_at: number;
  /** The post tower's vector [32]; null where the post has none yet. */
  embedding: ArrayLike<number> | null;
  similarity: number;
  ranks: Record<Source, number | null>;
  last_active_at: number | null;
  kind: "view" | "vote" | "comment" | null;
  views: number;
  votes: number;
  comments: number;
  participants: number;
  last_comment_at: number | null;
  by_author: boolean;
  recent: ArrayLike<number>;
  author_affinity: number;
}

export const userFeatures = [
  "log_views",
  "log_votes",
  "log_comments",
  "log_logins",
  ...halfLives.map((hours) => `log_recent_${hours}h`),
  "log_login_frequency",
  "log_since_action",
  "log_account_age",
  "has_habit",
  "hour_sin",
  "hour_cos",
  "recent_log_age",
  "recent_log_idle",
  "recent_log_comments",
];

export const postFeatures = [
  "log_age",
  "log_idle",
  "log_comment_idle",
  "has_comment",
  ...halfLives.map((hours) => `log_recent_${hours}h`),
  "log_views",
  "log_votes",
  "log_comments",
  "log_participants",
  "log_click_rate",
  "by_author",
];

export const pairFeatures = [
  ...sources.map((source) => `log_${source}_rank`),
  "similarity",
  "log_similarity_place",
  "log_author_affinity",
  "age_beside_habit",
  "idle_beside_habit",
  "age_off_habit",
  "idle_off_habit",
  "age_beside_recent",
  "idle_beside_recent",
  "comments_beside_recent",
  "age_off_recent",
  "idle_off_recent",
  "text_match",
  "log_text_match_place",
  "history_best",
  "history_best_five",
  "log_history_place",
];

/**
 * Categorical inputs: each has its own stretch of one embedding table. The author's id is not among them: it lets the
 * ranker learn its window by heart (travel-se, a later quarter: MRR .398 with it, .410 without).
 */
export const categories = [
  { name: "hour", size: 24 },
  { name: "login_bucket", size: 16 },
  { name: "last_activity", size: 8 },
  { name: "views_bucket", size: 16 },
  { name: "comments_bucket", size: 16 },
];
/** The first categories are the same for all candidates of a request. */
export const requestCategories = 2;
export const categoryRows = categories.reduce((sum, category) => sum + category.size, 0);

export interface RankerFeatures {
  /** [U] */
  user: Float32Array;
  /** [N, P] */
  posts: Float32Array;
  /** [N, Q] */
  pairs: Float32Array;
  /** [N, C] rows of the embedding table */
  categories: Int32Array;
}

/** All features of N candidates for one user at `now` (milliseconds). */
export function rankerFeatures(user: UserState, candidates: Candidate[], now: number): RankerFeatures {
  const n = candidates.length;
  const posts = new Float32Array(n * postFeatures.length);
  const pairs = new Float32Array(n * pairFeatures.length);
  const ids = new Int32Array(n * categories.length);
  const places = placesOf(Float64Array.from(candidates, ({ similarity }) => similarity));
  const matches = textMatches(user.recent_interactions, candidates);
  const matchPlaces = placesOf(matches);
  const near = historyMatches(
    user.history,
    candidates.map(({ embedding }) => embedding),
  );
  const nearPlaces = placesOf(Float64Array.from(near, ({ bestFive }) => bestFive));
  const habit = recentHabit(user.recent_interactions);
  for (const [i, candidate] of candidates.entries()) {
    const post = postRow(candidate, now);
    posts.set(post, i * postFeatures.length);
    const pair = [
      ...pairRow(user, candidate, post, places[i]),
      ...besideRecent(habit, post, candidate),
      matches[i],
      Math.log1p(matchPlaces[i]),
      near[i].best,
      near[i].bestFive,
      Math.log1p(nearPlaces[i]),
    ];
    pairs.set(pair, i * pairFeatures.length);
    ids.set(categoryRow(user, candidate, now), i * categories.length);
  }
  return { user: Float32Array.from(userRow(user, habit, now)), posts, pairs, categories: ids };
}

function userRow(user: UserState, habit: RecentHabit | null, now: number): number[] {
  const angle = (hourOfDay(now) / 24) * 2 * Math.PI;
  return [
    Math.log1p(user.views),
    Math.log1p(user.votes),
    Math.log1p(user.comments),
    Math.log1p(user.logins),
    ...decayed(user.recent, user.last_active_at, now).map(Math.log1p),
    Math.log1p(loginFrequency(user, now)),
    logHours(user.last_active_at ?? user.created_at, now),
    logHours(user.created_at, now),
    user.habit_log_age === null ? 0 : 1,
    Math.sin(angle),
    Math.cos(angle),
    habit?.logAge ?? 0,
    habit?.logIdle ?? 0,
    habit?.logComments ?? 0,
  ];
}

function postRow(post: Candidate, now: number): number[] {
  return [
    logHours(post.created_at, now),
    logHours(post.last_active_at ?? post.created_at, now),
    logHours(post.last_comment_at ?? post.created_at, now),
    post.last_comment_at === null ? 0 : 1,
    ...decayed(post.recent, post.last_active_at, now).map(Math.log1p),
    Math.log1p(post.views),
    Math.log1p(post.votes),
    Math.log1p(post.comments),
    Math.log1p(post.participants),
    Math.log(clickRate(post)),
    post.by_author ? 1 : 0,
  ];
}

function pairRow(user: UserState, candidate: Candidate, post: number[], place: number): number[] {
  const [logAge, logIdle] = post;
  const age = user.habit_log_age === null ? 0 : logAge - user.habit_log_age;
  const idle = user.habit_log_idle === null ? 0 : logIdle - user.habit_log_idle;
  return [
    ...sources.map((source) => Math.log1p(candidate.ranks[source] ?? sourceSizes[source] + 1)),
    candidate.similarity,
    Math.log1p(place),
    Math.log1p(candidate.author_affinity),
    age,
    idle,
    Math.abs(age),
    Math.abs(idle),
  ];
}

/** How far a post is from what the user's latest interactions were like. */
function besideRecent(habit: RecentHabit | null, [logAge, logIdle]: number[], { comments }: Candidate): number[] {
  if (habit === null) return [0, 0, 0, 0, 0];
  const age = logAge - habit.logAge;
  const idle = logIdle - habit.logIdle;
  return [age, idle, Math.log1p(comments) - habit.logComments, Math.abs(age), Math.abs(idle)];
}

function categoryRow(user: UserState, post: Candidate, now: number): number[] {
  const values = [
    hourOfDay(now),
    Math.min(15, Math.floor(4 * Math.log2(1 + loginFrequency(user, now)))),
    (post.kind === null ? 0 : { view: 1, vote: 2, comment: 3 }[post.kind]) * 2 + (post.by_author ? 1 : 0),
    Math.min(15, Math.floor(2 * Math.log2(1 + post.views))),
    Math.min(15, post.comments),
  ];
  let offset = 0;
  return values.map((value, c) => {
    const row = offset + value;
    offset += categories[c].size;
    return row;
  });
}

/** (votes + comments) per view, smoothed towards 10 % with the weight of 10 views (metarank's counters do the same). */
export function clickRate(post: { views: number; votes: number; comments: number }): number {
  return (post.votes + post.comments + 1) / (post.views + 10);
}

/** Logins decayed with a half-life of 7 days. */
function loginFrequency(user: UserState, now: number): number {
  return decayed(user.recent_logins, user.last_active_at, now)[3];
}

function decayed(counts: ArrayLike<number>, at: number | null, now: number): number[] {
  const hours = at === null ? 0 : Math.max(0, now - at) / 3_600_000;
  return halfLives.map((halfLife, i) => (counts[i] ?? 0) * 0.5 ** (hours / halfLife));
}

/** The place of each value from 1, the highest first; equal values share the best of their places, so that no order of rows shows. */
function placesOf(values: Float64Array): Int32Array {
  const sorted = values.slice().sort();
  return Int32Array.from(values, (value) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] <= value) low = middle + 1;
      else high = middle;
    }
    return 1 + sorted.length - low;
  });
}

/**
 * Whole hours (UTC): sources that round the times of votes to the day would give them away at midnight to the millisecond
 * (travel-se: 66 to 82 % of the votes), and nobody asks for a feed then.
 */
function hourOfDay(now: number): number {
  return Math.floor(now / 3_600_000) % 24;
}
