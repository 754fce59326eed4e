import type { Statement } from "../database/database.ts";
import type { Candidate } from "../features/ranker-features.ts";
import type { Source } from "../features/retrieval.ts";

/** What the driver hands over in another form than the features take. */
interface Encoded {
  created_at: Date;
  last_active_at: Date | null;
  last_comment_at: Date | null;
  embedding: string | null;
}

/** A row of recsys.candidates: the columns are those of `Candidate`; what is null where nothing has happened may be null. */
export type CandidateRow = { post_id: string } & Encoded &
  Record<`${Source}_rank`, number | null> &
  Nullable<Omit<Candidate, keyof Encoded | "ranks">>;

type Nullable<Row> = { [Column in keyof Row]: Row[Column] | null };

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
