// Written by `npm run types` from recsys_engine.sources (supabase/schemas/retrieval/sources.sql), whose comments say what each field means.

/** The sources in the order of the ranker's inputs. */
export const sources = {
  /** Posts nearest to the user's vector. */
  similar: { size: 100, fetchLimit: 160, maxPerAuthor: 10, isGlobal: false, prependsNewPosts: false, isRankerFeature: true, reasonPriority: 1 },
  /** Posts with the latest interaction or creation. */
  active: { size: 300, fetchLimit: 420, maxPerAuthor: 30, isGlobal: true, prependsNewPosts: true, isRankerFeature: true, reasonPriority: 7 },
  /** Newest posts. */
  fresh: { size: 100, fetchLimit: 140, maxPerAuthor: 10, isGlobal: true, prependsNewPosts: true, isRankerFeature: true, reasonPriority: 8 },
  /** Posts with most users in the last week. */
  trending: { size: 50, fetchLimit: 125, maxPerAuthor: 5, isGlobal: true, prependsNewPosts: false, isRankerFeature: true, reasonPriority: 5 },
  /** Posts with most users, by a half-life of a month, where the last week says little. */
  popular: { size: 100, fetchLimit: 250, maxPerAuthor: 10, isGlobal: true, prependsNewPosts: false, isRankerFeature: false, reasonPriority: 6 },
  /** Newest posts by followed authors, in followed topics, and by authors the user interacted with most. */
  followed: { size: 50, fetchLimit: 100, maxPerAuthor: 5, isGlobal: false, prependsNewPosts: false, isRankerFeature: true, reasonPriority: 3 },
  /** Posts that most followed people interacted with. */
  touched: { size: 100, fetchLimit: 140, maxPerAuthor: 10, isGlobal: false, prependsNewPosts: false, isRankerFeature: true, reasonPriority: 4 },
  /** Posts that users of the same posts interacted with. */
  covisited: { size: 100, fetchLimit: 140, maxPerAuthor: 10, isGlobal: false, prependsNewPosts: false, isRankerFeature: true, reasonPriority: 2 },
} as const;

/** Lists that take turns in a source. */
export const partialSources = {
  /** Newest posts of one followed topic, which take turns in the source followed. */
  topic: { size: 20, fetchLimit: 40, maxPerAuthor: 2, isGlobal: false, prependsNewPosts: false, isRankerFeature: false, reasonPriority: null },
} as const;
