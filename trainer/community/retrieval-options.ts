/** What retrieval in a replay is asked with, and what it gives. */
import type { Candidate } from "../../supabase/functions/_shared/features/ranker-features.ts";

export interface NumberedCandidate extends Candidate {
  /** Post number. */
  post: number;
}

/** What narrows or shortens a retrieval; without it every post that exists may be found. */
export interface RetrievalOptions {
  /** [posts] 1: the user may not read the post. */
  hidden?: Uint8Array;
  /** Numbers of posts that are left out beside the user's own and those they interacted with. */
  excluded?: Iterable<number>;
  /** The numbers of the posts most similar to the user's vector, the nearest first, where they are known already. */
  similar?: ArrayLike<number>;
  /** Whether nothing is known of what the user did, nor of whom they follow. */
  isNew?: boolean;
  /** Numbers of posts that were shown, and are found whether or not a source brings them. */
  shown?: Iterable<number> | undefined;
}
