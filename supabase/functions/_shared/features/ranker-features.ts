/**
 * Features of the ranker (DLRM) from the state of user and posts at an instant. Training calls this with states as of
 * each example's time, serving with the latest: the same code, so no skew. Everything that is a count or a time is
 * log(1 + x) here; standardising and clipping live inside the graph.
 */
import { categories, hourOfDay, postCategoryRow, requestCategories, requestCategoryRow } from "./categories.ts";
import { decay, halfLives, week } from "./decay.ts";
import { historyMatches } from "./history-match.ts";
import { hoursBetween, logHours } from "./hours.ts";
import type { Kind } from "./kinds.ts";
import { ranksOf } from "./ranks.ts";
import { type RecentHabit, type RecentInteraction, recentHabit } from "./recent-habit.ts";
import { type Source, sourceNames, sources } from "./retrieval.ts";
import { tagMatches } from "./tag-match.ts";
import { textMatches } from "./text-match.ts";

/*
 * What the ranker is told of a user and of a candidate. Times are milliseconds since 1970; null: never.
 */

/** State of the user as of an instant. */
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
  /** What recsys.recent_interactions returns, the latest first. */
  recent_interactions: RecentInteraction[];
  /** Vectors [32] of the posts of their history, latest first, as the user tower sees them. */
  history: ArrayLike<number>[];
}

/** What recsys.candidates returns of a post, as of an instant. */
export interface Candidate {
  title: string;
  tags: string[];
  author_id: string | null;
  created_at: number;
  /** The post tower's vector [32]; null where the post has none yet. */
  embedding: ArrayLike<number> | null;
  similarity: number;
  /** Its rank in each source, from 1; null: that one did not bring it. */
  ranks: Record<Source, number | null>;
  last_active_at: number | null;
  /** Of the last interaction. */
  kind: Kind | null;
  views: number;
  votes: number;
  comments: number;
  participants: number;
  last_comment_at: number | null;
  by_author: boolean;
  /** Decayed counts as of last_active_at, one per half-life. */
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
  ...sourceNames.map((source) => `log_${source}_rank`),
  "similarity",
  "log_similarity_rank",
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
  "log_text_match_rank",
  "tag_match",
  "log_tag_match_rank",
  "history_best",
  "history_best_five",
  "log_history_rank",
];

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

/** What of a candidate's features depends on the post and the instant alone. */
export interface PostRow {
  /** [P] */
  features: ArrayLike<number>;
  /** Its own rows of the embedding table. */
  categories: number[];
}

/** Where those features of a post are that its pair with a user is made of. */
const logAgeAt = postFeatures.indexOf("log_age");
const logIdleAt = postFeatures.indexOf("log_idle");
const logCommentsAt = postFeatures.indexOf("log_comments");

/** Gives the post row of a candidate. */
export type RowOf = (candidate: Candidate, now: number) => PostRow;

/**
 * All features of N candidates for one user at `now` (milliseconds). `rowOf` gives the candidates' post rows, by default
 * worked out here; who ranks for many users at one instant keeps them.
 */
export function rankerFeatures(
  user: UserState,
  candidates: Candidate[],
  now: number,
  rowOf: RowOf = postRowIn(new Float64Array(postFeatures.length)),
): RankerFeatures {
  const n = candidates.length;
  const posts = new Float32Array(n * postFeatures.length);
  const pairs = new Float32Array(n * pairFeatures.length);
  const ids = new Int32Array(n * categories.length);
  const similarities = new Float64Array(n);
  for (let i = 0; i < n; i++) similarities[i] = candidates[i].similarity;
  const similarityRanks = ranksOf(similarities);
  const matches = textMatches(user.recent_interactions, candidates);
  const matchRanks = ranksOf(matches);
  const tagged = tagMatches(user.recent_interactions, candidates);
  const taggedRanks = ranksOf(tagged);
  const near = historyMatches(
    user.history,
    candidates.map(({ embedding }) => embedding),
  );
  const nearRanks = ranksOf(near.bestFive);
  const habit = recentHabit(user.recent_interactions);
  const logins = loginFrequency(user, now);
  const ofRequest = requestCategoryRow(logins, now);
  for (let i = 0; i < n; i++) {
    const candidate = candidates[i];
    const post = rowOf(candidate, now);
    const logAge = post.features[logAgeAt];
    const logIdle = post.features[logIdleAt];
    // element by element: a call of `set` costs more than so few elements
    for (let f = 0; f < postFeatures.length; f++) posts[i * postFeatures.length + f] = post.features[f];
    // written where they belong, not as arrays that are joined: there are 600 rows a feed
    let at = i * pairFeatures.length;
    for (let s = 0; s < sourceNames.length; s++) pairs[at++] = logOf(candidate.ranks[sourceNames[s]] ?? unbrought[s]);
    pairs[at++] = candidate.similarity;
    pairs[at++] = logOf(similarityRanks[i]);
    pairs[at++] = logOf(candidate.author_affinity);
    const age = user.habit_log_age === null ? 0 : logAge - user.habit_log_age;
    const idle = user.habit_log_idle === null ? 0 : logIdle - user.habit_log_idle;
    pairs[at++] = age;
    pairs[at++] = idle;
    pairs[at++] = Math.abs(age);
    pairs[at++] = Math.abs(idle);
    // how far the post is from what the user's latest interactions were like
    const ageBeside = habit === null ? 0 : logAge - habit.logAge;
    const idleBeside = habit === null ? 0 : logIdle - habit.logIdle;
    pairs[at++] = ageBeside;
    pairs[at++] = idleBeside;
    pairs[at++] = habit === null ? 0 : post.features[logCommentsAt] - habit.logComments;
    pairs[at++] = Math.abs(ageBeside);
    pairs[at++] = Math.abs(idleBeside);
    pairs[at++] = matches[i];
    pairs[at++] = logOf(matchRanks[i]);
    pairs[at++] = tagged[i];
    pairs[at++] = logOf(taggedRanks[i]);
    pairs[at++] = near.best[i];
    pairs[at++] = near.bestFive[i];
    pairs[at++] = logOf(nearRanks[i]);
    if (at !== (i + 1) * pairFeatures.length)
      throw new Error("a feature of a pair has a name and no value, or a value and no name");
    for (let c = 0; c < categories.length; c++)
      ids[i * categories.length + c] = c < requestCategories ? ofRequest[c] : post.categories[c - requestCategories];
  }
  const ofUser = userRow(user, habit, logins, now);
  if (ofUser.length !== userFeatures.length)
    throw new Error("a feature of the user has a name and no value, or a value and no name");
  return { user: Float32Array.from(ofUser), posts, pairs, categories: ids };
}

function userRow(user: UserState, habit: RecentHabit | null, logins: number, now: number): number[] {
  const angle = (hourOfDay(now) / 24) * 2 * Math.PI;
  return [
    Math.log1p(user.views),
    Math.log1p(user.votes),
    Math.log1p(user.comments),
    Math.log1p(user.logins),
    ...logDecayed(user.recent, user.last_active_at, now),
    Math.log1p(logins),
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

/** The row of a candidate's post at an instant. */
export function postRow(post: Candidate, now: number): PostRow {
  return postRowIn(new Float64Array(postFeatures.length))(post, now);
}

/** Writes each row over the one before it: as arrays of their own, 550 of them cost a feed as much again in garbage. */
function postRowIn(features: Float64Array): RowOf {
  return (post, now) => {
    let at = 0;
    features[at++] = logHours(post.created_at, now);
    features[at++] = logHours(post.last_active_at ?? post.created_at, now);
    features[at++] = logHours(post.last_comment_at ?? post.created_at, now);
    features[at++] = post.last_comment_at === null ? 0 : 1;
    for (let h = 0; h < halfLives.length; h++)
      features[at++] = Math.log1p(decayedAt(post.recent, post.last_active_at, now, h));
    features[at++] = logOf(post.views);
    features[at++] = logOf(post.votes);
    features[at++] = logOf(post.comments);
    features[at++] = logOf(post.participants);
    features[at++] = Math.log(clickRate(post));
    features[at++] = post.by_author ? 1 : 0;
    if (at !== features.length) throw new Error("a feature of a post has a name and no value, or a value and no name");
    return { features, categories: postCategoryRow(post) };
  };
}

/** The rank of a post that a source did not bring. */
const unbrought = sourceNames.map((source) => sources[source].size + 1);

/** log(1 + count) of the counts that come again and again. */
const logsOfCounts = Float64Array.from({ length: 1024 }, (_, count) => Math.log1p(count));

/** log(1 + count) of a whole number. */
function logOf(count: number): number {
  return count < logsOfCounts.length ? logsOfCounts[count] : Math.log1p(count);
}

/** What a click rate is believed to be before anybody has seen the post: 10 % of 10 views (metarank's counters do the same). */
export const clickRatePrior = { clicks: 1, views: 10 };

/** (votes + comments) per view, smoothed towards the prior. */
function clickRate(post: { views: number; votes: number; comments: number }): number {
  return (post.votes + post.comments + clickRatePrior.clicks) / (post.views + clickRatePrior.views);
}

/** Logins decayed with a half-life of a week. */
function loginFrequency(user: UserState, now: number): number {
  return decayedAt(user.recent_logins, user.last_active_at, now, week);
}

function logDecayed(counts: ArrayLike<number>, at: number | null, now: number): number[] {
  return halfLives.map((_, h) => Math.log1p(decayedAt(counts, at, now, h)));
}

/** The count with the h-th half-life, as of `at`, aged until now. */
export function decayedAt(counts: ArrayLike<number>, at: number | null, now: number, h: number): number {
  return decay(counts[h] ?? 0, at === null ? 0 : hoursBetween(at, now), halfLives[h]);
}
