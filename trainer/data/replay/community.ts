/** A community in memory: what the trainer and the evaluation walk through. Users and posts are numbered from 0. */
import type { Components } from "../../../supabase/functions/_shared/features/vector-match.ts";

export interface Community {
  users: Users;
  posts: Posts;
  /** In order of time; events of the same instant keep the order in which they happened. */
  interactions: Interactions;
  /** Left out: no follows. */
  follows?: Follows;
  /** Left out: no followed topics. */
  topics?: FollowedTopics;
  /** What people do that those who follow them may read, as numbers of `kinds`; left out: all of it. */
  readable?: number[] | undefined;
  /**
   * The days that a post stays in the index of vectors without interactions (recsys.settings.index_window_days);
   * left out: for ever.
   */
  indexedDays?: number | undefined;
  /** The posts that users interacted with because they were promoted, as user * posts + post; left out: none. */
  pushed?: Set<number> | undefined;
}

export interface Users {
  /** uuids where the community comes from a database, a bundle's ids where it comes from a bundle. */
  ids: string[];
  /** The ids they had in the bundle that the database imported; the uuid where there was none. */
  externalIds?: string[];
  passions: string[][];
  projects: string[][];
  bios: string[];
  /** Milliseconds since 1970. */
  createdAt: Float64Array;
  /** As of posts, where the towers read those of users, too. */
  vectors?: (Float32Array | null)[];
}

export interface Posts {
  ids: string[];
  externalIds?: string[];
  /** User number of the author, -1 where there is none. */
  authors: Int32Array;
  titles: string[];
  descriptions: string[];
  tags: string[][];
  createdAt: Float64Array;
  /** Of each the components [64] of the vector that the app keeps of it, null where it keeps none. Left out: of none. */
  vectors?: (Float32Array | null)[];
  /** 1: it is for those alone who follow its author (recsys.source_withheld). Left out: none is. */
  withheld?: Uint8Array;
  /** 1: it waits (recsys_engine.listed_posts), so it is not among the newest. Left out: none does. */
  waits?: Uint8Array;
}

/** The components of some posts' own vectors, null where one has none. */
export function componentsOf({ posts: { vectors } }: Community, posts: number[]): Components[] {
  return posts.map((post) => vectors?.[post] ?? null);
}

/** The community as if its app kept no vectors. */
export function withoutVectors(community: Community): Community {
  const { vectors: ofPosts, ...posts } = community.posts;
  const { vectors: ofUsers, ...users } = community.users;
  return { ...community, posts, users };
}

export interface Interactions {
  users: Int32Array;
  posts: Int32Array;
  /** Numbers of `kinds`. */
  kinds: Uint8Array;
  at: Float64Array;
  /** 1 where an interaction is its user's first with its post (see first-interactions.ts). */
  first: Uint8Array;
}

/** Who follows which topics and groups. */
export interface FollowedTopics {
  /** In small letters, as in recsys_engine.post_tags. */
  names: string[];
  /** The posts of each, in order of time. */
  posts: Int32Array[];
  /** `people` are numbers of topics. */
  follows: Follows;
}

/** Who follows whom, in order of time. */
export interface Follows {
  /** User numbers. */
  users: Int32Array;
  people: Int32Array;
  /** Milliseconds since 1970; −Infinity: from the beginning. */
  at: Float64Array;
}
