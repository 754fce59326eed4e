/** Limits of retrieval that the functions and the trainer share with SQL. */
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

/** Where fewer posts have a count of so many people, with the half-life of a week, that week says little: there `popular` brings posts (recsys_engine.is_trend_sparse). */
export const sparseTrendThreshold = { posts: 50, people: 2 };

/** Those of which the ranker is told. What is popular it knows by the counts of the post; without the rank, models of 1.0.0 go on being served. */
export const rankedSources = sourceNames.filter((source): source is RankedSource => sources[source].isRankerFeature);
export type RankedSource = { [S in Source]: (typeof sources)[S]["isRankerFeature"] extends true ? S : never }[Source];

/** A post's rank in each source, from 1; null: that one did not bring it. */
export type Ranks = Record<Source, number | null>;

/** Those of a post that no source brought. */
export const emptyRanks = (): Ranks => ({ ...noRanks });
const noRanks = Object.fromEntries(sourceNames.map((source) => [source, null])) as Ranks;

/** Those that are common; what is written since they were read comes on top of those that begin with it. */
export const globalSources = sourceNames.filter((source) => sources[source].isGlobal);

/** How many posts that search of the index keeps in view (hnsw.ef_search): more than it finds, or it would find worse ones. */
export const hnswEfSearch = 200;

export const retrieval = {
  /** trending: posts with an interaction in this many hours, ranked by their interactions with a half-life of as many. */
  trendingHours: 168,
  /** followed: of how many the user follows, the latest, and of how many authors whose posts they interacted with most. */
  follows: 1000,
  followedAuthors: 50,
  /** How many of the topics that the user followed last are looked at, and of how many, those in which somebody wrote last, `followed` brings posts. */
  topicsRead: 100,
  topics: 10,
  /** touched: how many of those whom the user follows are asked for what they came to, those followed last; and for how many interactions each. */
  touchedBy: 100,
  touchedInteractions: 50,
  /** The user tower's mean of the followed: how many of them, those followed last, and how many posts that each came to or wrote last. */
  followedMeant: 50,
  followedPosts: 5,
  /** A user's history and habits are made of at most this many of their last interactions. */
  historyInteractions: 200,
  /** And of at most this many different posts. */
  historyLength: 50,
};
