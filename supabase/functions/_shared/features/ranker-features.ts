/**
 * Features of the ranker (DLRM) from the state of user and posts at an instant. Training calls this with states as of
 * each example's time, serving with the latest: the same code, so no skew. Everything that is a count or a time is
 * log(1 + x) here; standardising and clipping live inside the graph.
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
  /** How many people they follow. */
  follows: number;
  /** What recsys_engine.recent_interactions returns, the latest first. */
  recent_interactions: RecentInteraction[];
  /** Vectors [32] of the posts of their history, latest first, as the user tower sees them. */
  history: ArrayLike<number>[];
  /** Of the same posts their own vectors' components; left out: the model reads none. */
  own_history?: Components[];
}

/** What people other than its author did with a post as of an instant, each counted once, of which a row of recsys_engine.post_stats has a column each; this is a post that nobody came to. */
export const emptyPostState = {
  last_active_at: null as number | null,
  /** Of the last interaction that counts. */
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

/** A post that may be shown, as of an instant. */
export interface Candidate extends Text {
  author_id: string | null;
  created_at: number;
  /** What the engine knows of it, handed on as one value from recsys_engine.post_snapshots to the formulas. */
  state: PostState;
  /** The post tower's vector [32]; null where the post has none yet. */
  embedding: ArrayLike<number> | null;
  /** Of its own vector; left out: as null. */
  components?: Components;
  similarity: number;
  ranks: Ranks;
  author_affinity: number;
  /** Whether the user follows its author. */
  follows_author: boolean;
  /** How many of those whom the user follows interacted with it lately (recsys_engine.with_followee_engagements). */
  touches: number;
}

/** What the features of a user are made of. */
interface UserFacts {
  user: UserState;
  habit: RecentHabit | null;
  /** Decayed with a half-life of a week. */
  logins: number;
  now: number;
  /** The hour of the day as an angle. */
  angle: number;
}

/** What the features of a user with a post are made of; one object that is written over for each candidate, of which a feed has 600. */
interface PairMoment {
  candidate: Candidate;
  similarityRank: number;
  /** How far the post's age and idleness are from what the user's habit is; 0: they have none. */
  age: number;
  idle: number;
  /** The same for the user's latest interactions, and for comments. */
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

/*
 * A feature is a line: its name, and the formula that fills it. One cannot be there without the other, and the lines are in the order of the
 * ranker's input.
 */

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

/** A formula for each half-life of the decayed counts. */
function eachHalfLife<Formula>(formulaOf: (h: number) => Formula): Record<`log_recent_${number}h`, Formula> {
  return Object.fromEntries(halfLives.map((hours, h) => [`log_recent_${hours}h`, formulaOf(h)]));
}

/** A formula for each source of which the ranker is told; a post that one did not bring ranks behind all that it could have brought. */
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
  const pair = {} as PairMoment;
  for (let i = 0; i < n; i++) {
    const candidate = candidates[i];
    const post = rowOf(candidate, now);
    const logAge = post.features[logAgeAt];
    const logIdle = post.features[logIdleAt];
    // element by element: a call of `set` costs more than so few elements
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
    // written where they belong, not as arrays that are joined: there are 600 rows a feed
    for (let f = 0; f < ofPair.length; f++) pairs[i * ofPair.length + f] = ofPair[f](pair);
    for (let c = 0; c < categories.length; c++)
      ids[i * categories.length + c] = c < requestCategories ? ofRequest[c] : post.categories[c - requestCategories];
  }
  const moment = { user, habit, logins, now, angle: (hourOfDay(now) / 24) * 2 * Math.PI };
  return { user: Float32Array.from(ofUser, (formula) => formula(moment)), posts, pairs, categories: ids };
}

/** The row of a candidate's post at an instant. */
export function postRow(post: Candidate, now: number): PostRow {
  return postRowIn(new Float64Array(postFeatures.length))(post, now);
}

/** Writes each row over the one before it: as arrays of their own, 550 of them cost a feed as much again in garbage. */
function postRowIn(features: Float64Array): RowOf {
  return (post, now) => {
    for (let f = 0; f < ofPost.length; f++) features[f] = ofPost[f](post, now);
    return { features, categories: postCategoryRow(post.state) };
  };
}

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
  return decayedAt(user.recent_logins, user.last_active_at, now, weekHalfLifeIndex);
}

/** The count with the h-th half-life, as of `at`, aged until now. */
export function decayedAt(counts: ArrayLike<number>, at: number | null, now: number, h: number): number {
  return decay(counts[h] ?? 0, at === null ? 0 : hoursBetween(at, now), halfLives[h]);
}
