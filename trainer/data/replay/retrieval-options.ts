/** What retrieval in a replay is asked with, and what it gives. */
import type { Candidate } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import type { FolloweeEngagement } from "./follow-replay.ts";
import type { Neighbours } from "./neighbours.ts";

export interface NumberedCandidate extends Candidate {
  /** Post number. */
  post: number;
}

/** What narrows or shortens a retrieval; without it every post that exists may be found. */
export interface RetrievalOptions {
  /** [posts] 1: the user may not read the post. */
  hidden?: Uint8Array;
  /** Up to when the user's acts are counted in recsys_engine.user_affinities, those with posts that they may not read any more among them; later ones count as far as they may. */
  countedUntil?: number | undefined;
  /** Numbers of posts that are left out besides the user's own and those they interacted with. */
  excluded?: Iterable<number>;
  /** The numbers of the posts most similar to the user's vector, the nearest first, where they are known already. */
  similar?: ArrayLike<number>;
  /** So many of the user's latest acts are known, as if there were no others; left out: all. */
  acts?: number;
  /** Whether nothing is known of whom and what they follow. */
  followsNobody?: boolean;
  /** Those of the model that asks; left out: it has none. */
  neighbours?: Neighbours | undefined;
  /** Numbers of posts that were shown, and are found whether or not a source brings them. */
  shown?: Iterable<number> | undefined;
  /** Of these posts the first `most` that the user may be shown and no source brings. */
  floor?: { posts: readonly number[]; most: number };
}

/** What the sources are asked with. */
export interface SourceInputs {
  hidden: Uint8Array | undefined;
  similar: ArrayLike<number> | undefined;
  now: number;
  vector: Float32Array;
  postVectors: Float32Array;
  /** How often the user interacted with the posts of each other author. */
  affinities: Map<number, number>;
  /** Whom the user follows, the latest first. */
  follows: number[];
  /** The posts of each topic that they follow, the newest first. */
  topics: Iterable<number>[];
  touched: Map<number, FolloweeEngagement>;
  covisited: number[];
  /** Whether a post may be in the feed at work. */
  eligible(post: number): boolean;
}
