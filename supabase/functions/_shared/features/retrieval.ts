/** What retrieval brings: the lists of recsys_engine.global_sources and recsys_engine.personal_sources in SQL hold the same numbers, and retrieval.test.ts holds the two together. */

/** What is known of a source besides its SQL. */
interface SourceOptions {
  /** How many posts it brings at most. A post that it did not bring has the rank after its last. */
  size: number;
  /** How many of its posts are found before it is asked which of them a caller may see: more than it brings, and more where people know most already, or where an author's surplus fills places. */
  kept: number;
  /** How many posts of an author come before all others': a tenth. Places that are left go to more of theirs. */
  share: number;
  /** Whether it brings everybody the same, but for what is hidden from them, known to them or served; and whether it begins with what was written last. */
  common: boolean;
  beginsWithNew?: boolean;
  /** Of two sources that rank a post alike, the one with the lower number says more about why it is shown. */
  telling: number;
  /** Whether the ranker is told where it ranks a post. */
  ranked: boolean;
}

/** The sources in the order of the ranker's inputs: the nearest to the user's vector, the last active, the newest, those to which most people came in the last week, where a week says little those to which most came in all, a month ago counting half, the newest of the authors and topics they follow and of the authors they came to most, what those whom they follow came to, and where those who came to what they came to also came to. */
export const sources = {
  similar: { size: 100, kept: 160, share: 10, common: false, telling: 1, ranked: true },
  active: { size: 300, kept: 420, share: 30, common: true, beginsWithNew: true, telling: 7, ranked: true },
  fresh: { size: 100, kept: 140, share: 10, common: true, beginsWithNew: true, telling: 8, ranked: true },
  trending: { size: 50, kept: 125, share: 5, common: true, telling: 5, ranked: true },
  popular: { size: 100, kept: 250, share: 10, common: true, telling: 6, ranked: false },
  followed: { size: 50, kept: 100, share: 5, common: false, telling: 3, ranked: true },
  touched: { size: 100, kept: 140, share: 10, common: false, telling: 4, ranked: true },
  covisited: { size: 100, kept: 140, share: 10, common: false, telling: 2, ranked: true },
} satisfies Record<string, SourceOptions>;
export type Source = keyof typeof sources;
export const sourceNames = Object.keys(sources) as Source[];
export const sourceOptions: Record<Source, SourceOptions> = sources;

/** Where fewer posts have a count of so many people, with the half-life of a week, that week says little: there `popular` brings posts (recsys_engine.is_trend_sparse). */
export const sparseTrendThreshold = { posts: 50, people: 2 };

/** Those of which the ranker is told. What is popular it knows by the counts of the post; without the rank, models of 1.0.0 go on being served. */
export const rankedSources = sourceNames.filter((source): source is RankedSource => sources[source].ranked);
export type RankedSource = { [S in Source]: (typeof sources)[S]["ranked"] extends true ? S : never }[Source];

/** A post's rank in each source, from 1; null: that one did not bring it. */
export type Ranks = Record<Source, number | null>;

/** Those of a post that no source brought. */
export const emptyRanks = (): Ranks => ({ ...noRanks });
const noRanks = Object.fromEntries(sourceNames.map((source) => [source, null])) as Ranks;

/** Those that are common; what is written since they were read comes on top of those that begin with it. */
export const globalSources = sourceNames.filter((source) => sources[source].common);

/** How many posts that search of the index keeps in view (hnsw.ef_search): more than it finds, or it would find worse ones. */
export const hnswEfSearch = 200;

export const retrieval = {
  /** trending: posts with an interaction in this many hours, ranked by their interactions with a half-life of as many. */
  trendingHours: 168,
  /** followed: of how many the user follows, the latest, and of how many authors whose posts they interacted with most. */
  follows: 1000,
  followedAuthors: 50,
  /** How many of the topics that the user followed last are looked at, and of how many, those in which somebody wrote last, `followed` brings posts; and how many it finds of each. */
  topicsRead: 100,
  topics: 10,
  topicPosts: 20,
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
