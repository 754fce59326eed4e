/**
 * What retrieval brings, declared once: recsys.retrieve and its sources hold the same numbers in SQL, the trainer replays
 * them, and retrieval.test.ts holds both to this file.
 */

/**
 * The sources in the order of the ranker's inputs, each with how many posts it brings at most: the nearest to the user's
 * vector, the last active, the newest, the most popular of the week, the newest of the authors they follow. A post that a
 * source did not bring has the rank after its last. `telling`: of two sources that rank a post alike, the one with the
 * lower number says more about why it is shown.
 */
export const sources = {
  similar: { size: 100, telling: 1 },
  active: { size: 300, telling: 4 },
  fresh: { size: 100, telling: 5 },
  trending: { size: 50, telling: 3 },
  followed: { size: 50, telling: 2 },
};
export type Source = keyof typeof sources;
export const sourceNames = Object.keys(sources) as Source[];

/** The sources that bring everybody the same, but for what is hidden from them, known to them or served. */
export const commonSources = ["active", "fresh", "trending"] as const;
export type CommonSource = (typeof commonSources)[number];

/** How many posts of each are kept for all feeds (recsys.common_posts): 1.4 times what a feed takes, and more where people know most of it already. */
export const commonSizes: Record<CommonSource, number> = { active: 420, fresh: 140, trending: 125 };

/** How many nearest posts, and newest of followed authors, are found before it is asked which of them a caller may see. */
export const similarFound = 160;
export const followedFound = 70;

/** How many posts that search of the index keeps in view (hnsw.ef_search): more than it finds, or it would find worse ones. */
export const searchWidth = 200;

export const retrieval = {
  /** trending: posts with an interaction in this many hours, ranked by their interactions with a half-life of as many. */
  trendingHours: 168,
  /** followed: how many authors are asked for, those whose posts the user interacted with most. */
  followedAuthors: 50,
  /** A user's history and habits are made of at most this many of their last interactions. */
  historyInteractions: 200,
  /** And of at most this many different posts. */
  historyLength: 50,
};
