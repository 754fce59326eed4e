/** Retrieval limits that functions and trainer share with SQL. */
import { partialSources, sources } from "./sources.ts";

export { partialSources, sources };
export type Source = keyof typeof sources;
export const sourceNames = Object.keys(sources) as Source[];

interface SourceOptions {
  size: number;
  fetchLimit: number;
  maxPerAuthor: number;
  isGlobal: boolean;
  prependsNewPosts: boolean;
  isRankerFeature: boolean;
  reasonPriority: number;
}
export const sourceOptions: Record<Source, SourceOptions> = sources;

/**
 * `popular` brings posts only if fewer than `posts` posts have a decayed count (half-life of a week) of at least
 * `people` users (recsys_engine.is_trend_sparse).
 */
export const sparseTrendThreshold = { posts: 50, people: 2 };

/** Sources whose rank is a ranker feature. `popular` is not: the post's counts say the same. */
export const rankedSources = sourceNames.filter((source): source is RankedSource => sources[source].isRankerFeature);
export type RankedSource = { [S in Source]: (typeof sources)[S]["isRankerFeature"] extends true ? S : never }[Source];

/** A post's rank in each source, from 1; null if the source did not bring it. */
export type Ranks = Record<Source, number | null>;

/** The ranks of a post that no source brought. */
export const emptyRanks = (): Ranks => ({ ...noRanks });
const noRanks = Object.fromEntries(sourceNames.map((source) => [source, null])) as Ranks;

/**
 * Global sources, the same for all users. Some of them (`prependsNewPosts`) put posts newer than the cached list first.
 */
export const globalSources = sourceNames.filter((source) => sources[source].isGlobal);

/** Size of the HNSW search queue (hnsw.ef_search): larger than the number of results, since recall falls otherwise. */
export const hnswEfSearch = 200;

export const retrieval = {
  /** trending: posts with an interaction in this many hours, ranked by interactions decayed with this half-life. */
  trendingHours: 168,
  /** followed: maximum number of followed users (latest follows first), and of authors with most interactions. */
  follows: 1000,
  followedAuthors: 50,
  /**
   * followed: maximum number of followed topics that are read (latest follows first), and of those
   * that bring posts (latest posts first); and of posts of each, which the digest of published models includes.
   */
  topicsRead: 100,
  topics: 10,
  topicPosts: partialSources.topic.size,
  /** touched: maximum number of followees (latest follows first), and of interactions of each. */
  touchedBy: 100,
  touchedInteractions: 50,
  /**
   * The user tower's mean of followees: maximum number of followees (latest follows first), and of the latest
   * posts that each engaged with or wrote.
   */
  followedMeant: 50,
  followedPosts: 5,
  /** Maximum number of a user's latest interactions that history and habits use. */
  historyInteractions: 200,
  /** Maximum number of different posts in a user's history. */
  historyLength: 50,
};
