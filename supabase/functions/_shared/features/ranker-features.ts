/**
 * Features of the ranker (DLRM) from the state of user and posts at a time, shared by training and serving to avoid
 * skew. Counts and times are log(1 + x); the graph standardises and clips.
 */
import { categories, hourOfDay, postCategoryRow, requestCategories, requestCategoryRow } from "./categories.ts";
import { decay, halfLives, weekHalfLifeIndex } from "./decay.ts";
import type { Text } from "./documents.ts";
import { historyMatches } from "./history-match.ts";
import { hoursBetween, logHours } from "./hours.ts";
import type { Kind } from "./kinds.ts";
import { ranksOf } from "./ranks.ts";
import { type RecentHabit, type RecentInteraction, recentHabit } from "./recent-habit.ts";
import { type RankedSource, type Ranks, rankedSources, sources } from "./retrieval.ts";
import { tagMatches } from "./tag-match.ts";
import { textMatches } from "./text-match.ts";
import type { Components } from "./vector-match.ts";

/* Input types. Times are milliseconds since 1970, or null for never. */

/** State of the user as of a time. */
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
  /** Number of users they follow. */
  follows: number;
  /** Result of recsys_engine.recent_interactions, latest first. */
  recent_interactions: RecentInteraction[];
  /** Vectors [32] of the posts in their history, latest first, as the user tower sees them. */
  history: ArrayLike<number>[];
  /** Components of the own vectors of the same posts; left out if the model reads none. */
  own_history?: Components[];
}

/**
 * Interactions of other users with a post as of a time, each user counted once, as in recsys_engine.post_stats. This is
 * the state of a post without interactions.
 */
export const emptyPostState = {
  last_active_at: null as number | null,
  /** Kind of the last counted interaction. */
  kind: null as Kind | null,
  views: 0,
  votes: 0,
  comments: 0,
  participants: 0,
  last_comment_at: null as number | null,
  /** Decayed counts as of last_active_at, one per half-life. */
  recent: halfLives.map(() => 0) as ArrayLike<number>,
};
export type PostState = typeof emptyPostState;

/** A post that may be shown, as of a time. */
export interface Candidate extends Text {
  author_id: string | null;
  created_at: number;
  /** Its snapshot state, from recsys_engine.post_snapshots. */
  state: PostState;
  /** The post tower's vector [32]; null if the post has none yet. */
  embedding: ArrayLike<number> | null;
  /** Components of its own vector; left out means null. */
  components?: Components;
  similarity: number;
  ranks: Ranks;
  author_affinity: number;
  /** Whether the user follows its author. */
  follows_author: boolean;
  /** Number of followees who recently interacted with it (recsys_engine.with_followee_engagements). */
  touches: number;
}

/** Inputs of the user formulas. */
interface UserFacts {
  user: UserState;
  habit: RecentHabit | null;
  /** Decayed with a half-life of a week. */
  logins: number;
  now: number;
  /** The hour of the day as an angle. */
  angle: number;
}

/** Inputs of the pair formulas: one object that is reused for all candidates. */
interface PairMoment {
  candidate: Candidate;
  similarityRank: number;
  /** Difference in log hours of the post's age and idle time from the user's habit; 0 if the user has none. */
  age: number;
  idle: number;
  /** The same for the user's latest interactions, and for the number of comments. */
  recentAge: number;
  recentIdle: number;
  recentComments: number;
  textMatch: number;
  textMatchRank: number;
  tagMatch: number;
  tagMatchRank: number;
  historyBest: number;
  historyBestFive: number;
  historyRank: number;
}

/* Each feature is one line with its name and formula, in the order of the ranker's input. */

const userFormulas = {
  log_views: ({ user }) => Math.log1p(user.views),
  log_votes: ({ user }) => Math.log1p(user.votes),
  log_comments: ({ user }) => Math.log1p(user.comments),
  log_logins: ({ user }) => Math.log1p(user.logins),
  log_follows: ({ user }) => Math.log1p(user.follows),
  ...eachHalfLife(
    (h) =>
      ({ user, now }: UserFacts) =>
        Math.log1p(decayedAt(user.recent, user.last_active_at, now, h)),
  ),
  log_login_frequency: ({ logins }) => Math.log1p(logins),
  log_since_action: ({ user, now }) => logHours(user.last_active_at ?? user.created_at, now),
  log_account_age: ({ user, now }) => logHours(user.created_at, now),
  has_habit: ({ user }) => (user.habit_log_age === null ? 0 : 1),
  hour_sin: ({ angle }) => Math.sin(angle),
  hour_cos: ({ angle }) => Math.cos(angle),
  recent_log_age: ({ habit }) => habit?.logAge ?? 0,
  recent_log_idle: ({ habit }) => habit?.logIdle ?? 0,
  recent_log_comments: ({ habit }) => habit?.logComments ?? 0,
} satisfies Record<string, (moment: UserFacts) => number>;

const postFormulas = {
  log_age: ({ created_at }, now) => logHours(created_at, now),
  log_idle: ({ created_at, state }, now) => logHours(state.last_active_at ?? created_at, now),
  log_comment_idle: ({ created_at, state }, now) => logHours(state.last_comment_at ?? created_at, now),
  has_comment: ({ state }) => (state.last_comment_at === null ? 0 : 1),
  ...eachHalfLife(
    (h) =>
      ({ state }: Candidate, now: number) =>
        Math.log1p(decayedAt(state.recent, state.last_active_at, now, h)),
  ),
  log_views: ({ state }) => logOf(state.views),
  log_votes: ({ state }) => logOf(state.votes),
  log_comments: ({ state }) => logOf(state.comments),
  log_participants: ({ state }) => logOf(state.participants),
  log_click_rate: ({ state }) => Math.log(clickRate(state)),
} satisfies Record<string, (post: Candidate, now: number) => number>;

const pairFormulas = {
  ...eachSource(
    (source) =>
      ({ candidate }: PairMoment) =>
        logOf(candidate.ranks[source] ?? sources[source].size + 1),
  ),
  similarity: ({ candidate }) => candidate.similarity,
  log_similarity_rank: ({ similarityRank }) => logOf(similarityRank),
  log_author_affinity: ({ candidate }) => logOf(candidate.author_affinity),
  follows_author: ({ candidate }) => (candidate.follows_author ? 1 : 0),
  log_touches: ({ candidate }) => logOf(candidate.touches),
  age_vs_habit: ({ age }) => age,
  idle_vs_habit: ({ idle }) => idle,
  age_off_habit: ({ age }) => Math.abs(age),
  idle_off_habit: ({ idle }) => Math.abs(idle),
  age_vs_recent: ({ recentAge }) => recentAge,
  idle_vs_recent: ({ recentIdle }) => recentIdle,
  comments_vs_recent: ({ recentComments }) => recentComments,
  age_off_recent: ({ recentAge }) => Math.abs(recentAge),
  idle_off_recent: ({ recentIdle }) => Math.abs(recentIdle),
  text_match: ({ textMatch }) => textMatch,
  log_text_match_rank: ({ textMatchRank }) => logOf(textMatchRank),
  tag_match: ({ tagMatch }) => tagMatch,
  log_tag_match_rank: ({ tagMatchRank }) => logOf(tagMatchRank),
  history_best: ({ historyBest }) => historyBest,
  history_best_five: ({ historyBestFive }) => historyBestFive,
  log_history_rank: ({ historyRank }) => logOf(historyRank),
} satisfies Record<string, (moment: PairMoment) => number>;

export const userFeatures = Object.keys(userFormulas);
export const postFeatures = Object.keys(postFormulas);
export const pairFeatures = Object.keys(pairFormulas);

const ofUser: ((moment: UserFacts) => number)[] = Object.values(userFormulas);
const ofPost: ((post: Candidate, now: number) => number)[] = Object.values(postFormulas);
const ofPair: ((moment: PairMoment) => number)[] = Object.values(pairFormulas);

/** One formula for each half-life of the decayed counts. */
function eachHalfLife<Formula>(formulaOf: (h: number) => Formula): Record<`log_recent_${number}h`, Formula> {
  return Object.fromEntries(halfLives.map((hours, h) => [`log_recent_${hours}h`, formulaOf(h)]));
}

/**
 * One formula for each source whose rank is a feature. A post that the source did not
 * bring ranks behind all of its posts.
 */
function eachSource<Formula>(
  formulaOf: (source: RankedSource) => Formula,
): Record<`log_${RankedSource}_rank`, Formula> {
  return Object.fromEntries(rankedSources.map((source) => [`log_${source}_rank`, formulaOf(source)])) as never;
}

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

/** The features of a candidate that depend only on the post and the time. */
export interface PostRow {
  /** [P] */
  features: ArrayLike<number>;
  /** Its own rows of the embedding table. */
  categories: number[];
}

/** Indices of the post features that pair features use. */
const logAgeAt = postFeatures.indexOf("log_age");
const logIdleAt = postFeatures.indexOf("log_idle");
const logCommentsAt = postFeatures.indexOf("log_comments");

/** Returns the post row of a candidate. */
export type RowOf = (candidate: Candidate, now: number) => PostRow;

/**
 * All features of N candidates for one user at `now` (milliseconds). `rowOf` returns the candidates' post rows; a
 * caller that ranks for many users at one time can cache them.
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
  const pair = {} as PairMoment;
  for (let i = 0; i < n; i++) {
    const candidate = candidates[i];
    const post = rowOf(candidate, now);
    const logAge = post.features[logAgeAt];
    const logIdle = post.features[logIdleAt];
    // an element-wise copy is faster than `set` for so few elements
    for (let f = 0; f < postFeatures.length; f++) posts[i * postFeatures.length + f] = post.features[f];
    pair.candidate = candidate;
    pair.similarityRank = similarityRanks[i];
    pair.age = user.habit_log_age === null ? 0 : logAge - user.habit_log_age;
    pair.idle = user.habit_log_idle === null ? 0 : logIdle - user.habit_log_idle;
    pair.recentAge = habit === null ? 0 : logAge - habit.logAge;
    pair.recentIdle = habit === null ? 0 : logIdle - habit.logIdle;
    pair.recentComments = habit === null ? 0 : post.features[logCommentsAt] - habit.logComments;
    pair.textMatch = matches[i];
    pair.textMatchRank = matchRanks[i];
    pair.tagMatch = tagged[i];
    pair.tagMatchRank = taggedRanks[i];
    pair.historyBest = near.best[i];
    pair.historyBestFive = near.bestFive[i];
    pair.historyRank = nearRanks[i];
    // written in place: a feed has about 600 rows, too many for temporary arrays
    for (let f = 0; f < ofPair.length; f++) pairs[i * ofPair.length + f] = ofPair[f](pair);
    for (let c = 0; c < categories.length; c++)
      ids[i * categories.length + c] = c < requestCategories ? ofRequest[c] : post.categories[c - requestCategories];
  }
  const moment = { user, habit, logins, now, angle: (hourOfDay(now) / 24) * 2 * Math.PI };
  return { user: Float32Array.from(ofUser, (formula) => formula(moment)), posts, pairs, categories: ids };
}

/** The row of a candidate's post at a time. */
export function postRow(post: Candidate, now: number): PostRow {
  return postRowIn(new Float64Array(postFeatures.length))(post, now);
}

/** Reuses one array for all rows, because a new one each would double the cost in garbage collection. */
function postRowIn(features: Float64Array): RowOf {
  return (post, now) => {
    for (let f = 0; f < ofPost.length; f++) features[f] = ofPost[f](post, now);
    return { features, categories: postCategoryRow(post.state) };
  };
}

/** Precomputed log(1 + count) of small counts. */
const logsOfCounts = Float64Array.from({ length: 1024 }, (_, count) => Math.log1p(count));

/** log(1 + count) of a whole number. */
function logOf(count: number): number {
  return count < logsOfCounts.length ? logsOfCounts[count] : Math.log1p(count);
}

/** Prior of the click rate: 10 % of 10 views (as in metarank's counters). */
export const clickRatePrior = { clicks: 1, views: 10 };

/** (votes + comments) per view, smoothed towards the prior. */
function clickRate(post: { views: number; votes: number; comments: number }): number {
  return (post.votes + post.comments + clickRatePrior.clicks) / (post.views + clickRatePrior.views);
}

/** Logins decayed with a half-life of a week. */
function loginFrequency(user: UserState, now: number): number {
  return decayedAt(user.recent_logins, user.last_active_at, now, weekHalfLifeIndex);
}

/** The count with the h-th half-life, as of `at`, aged until `now`. */
export function decayedAt(counts: ArrayLike<number>, at: number | null, now: number, h: number): number {
  return decay(counts[h] ?? 0, at === null ? 0 : hoursBetween(at, now), halfLives[h]);
}
