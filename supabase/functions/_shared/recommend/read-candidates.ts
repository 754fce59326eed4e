import type { Statement } from "../database/database.ts";

/** A row of recsys.candidates. */
export interface CandidateRow {
  post_id: string;
  title: string;
  tags: string[];
  author_id: string | null;
  created_at: Date;
  embedding: string | null;
  similarity: number | null;
  similar_rank: number | null;
  active_rank: number | null;
  fresh_rank: number | null;
  trending_rank: number | null;
  followed_rank: number | null;
  last_active_at: Date | null;
  kind: "view" | "vote" | "comment" | null;
  views: number | null;
  votes: number | null;
  comments: number | null;
  participants: number | null;
  last_comment_at: Date | null;
  by_author: boolean | null;
  recent: number[] | null;
  author_affinity: number;
}

/** Candidates as of the transaction's recsys.clock(), the same instant as the context's. */
export function readCandidates(
  userId: string,
  modelId: string | null,
  embedding: Float32Array | null,
): Statement<CandidateRow> {
  return {
    text: "select * from recsys.candidates($1::uuid, $2::bigint, $3::text::extensions.vector, recsys.clock())",
    values: [userId, modelId, embedding && JSON.stringify(Array.from(embedding))],
  };
}
