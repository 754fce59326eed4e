import { hashOf } from "../../features/documents.ts";
import { dimensions } from "../../features/history.ts";
import { innerProduct } from "../../features/inner-product.ts";
import type { Candidate } from "../../features/ranker-features.ts";
import type { PostCandidate } from "../context/user-state.ts";
import type { Post } from "../post-cache/post-cache.ts";
import type { PostSnapshot } from "../post-cache/snapshot-store.ts";

/** What a post is to one user. */
export type CallerSignals = Pick<
  PostCandidate,
  | "ranks"
  | "author_affinity"
  | "follows_author"
  | "followed_topic"
  | "touches"
  | "touchers"
  | "leaning"
  | "served_key"
  | "of_circle"
  | "standing"
>;

/** A post as a candidate for the user whose vector [32] this is; null without a model. */
export function candidateOf(
  post: Post,
  known: PostSnapshot,
  found: CallerSignals,
  vector: Float32Array | null,
): PostCandidate {
  // once of what is common to many feeds
  post.hash ??= hashOf(post);
  return {
    post_id: post.post_id,
    title: post.title,
    tags: post.tags,
    hash: post.hash,
    author_id: post.author_id,
    created_at: post.created_at,
    state: known.state,
    author_affinity: found.author_affinity,
    follows_author: found.follows_author,
    followed_topic: found.followed_topic,
    touches: found.touches,
    touchers: found.touchers,
    leaning: found.leaning,
    served_key: found.served_key,
    of_circle: found.of_circle,
    standing: found.standing,
    ranks: found.ranks,
    embedding: known.embedding,
    components: known.components,
    similarity: similarityOf(known.embedding, vector),
  };
}

/** In 32 bits, as pgvector has it. */
export function similarityOf(embedding: Candidate["embedding"], vector: Float32Array | null): number {
  return embedding && vector ? Math.fround(innerProduct(vector, 0, embedding, 0, dimensions)) : 0;
}
