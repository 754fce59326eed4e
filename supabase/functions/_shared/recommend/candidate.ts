import { dimensions } from "../features/history.ts";
import { innerProduct } from "../features/inner-product.ts";
import type { Source } from "../features/retrieval.ts";
import type { KnownPost } from "./known-posts.ts";
import type { PostCandidate } from "./states.ts";

/** What a post is to one user. */
export interface Found {
  ranks: Record<Source, number | null>;
  author_affinity: number;
  served_key: number;
}

/** A post as a candidate for the user whose vector [32] this is; null without a model. Every field by its name: spreading took twice as long. */
export function candidateOf(post: KnownPost, found: Found, vector: Float32Array | null): PostCandidate {
  const { embedding } = post;
  return {
    post_id: post.post_id,
    title: post.title,
    tags: post.tags,
    author_id: post.author_id,
    created_at: post.created_at,
    author_affinity: found.author_affinity,
    served_key: found.served_key,
    ranks: found.ranks,
    embedding,
    // in 32 bits, as pgvector has it
    similarity: embedding && vector ? Math.fround(innerProduct(vector, 0, embedding, 0, dimensions)) : 0,
    last_active_at: post.last_active_at,
    last_comment_at: post.last_comment_at,
    kind: post.kind,
    views: post.views,
    votes: post.votes,
    comments: post.comments,
    participants: post.participants,
    by_author: post.by_author,
    recent: post.recent,
  };
}
