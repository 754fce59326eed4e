/** What the worker tells the database when it has embedded: vectors, and why others failed. */
import type { Statement } from "../database/database.ts";
import type { Job } from "./read-jobs.ts";

/** A job with its vector, the reason why there is none, or null where the entity is gone. */
export interface EmbeddingOutcome {
  job: Job;
  vector: Float32Array | Error | null;
  /** What places a post among topics; null: nothing does. */
  topicVector: Float32Array | null;
}

/** Writes vectors and acknowledges their jobs. */
export function completeJobs(
  modelId: string,
  claim: string,
  done: EmbeddingOutcome[],
): Statement<{ completed: number }> {
  return {
    text: `select recsys.complete_embedding_jobs($1::bigint, $2::bigint, $3::text[], $4::uuid[], $5::text[], $6::text[]) as completed`,
    values: [
      claim,
      modelId,
      ...keys(done),
      done.map(({ vector }) => (vector instanceof Float32Array ? JSON.stringify([...vector]) : null)),
      done.map(({ topicVector }) => (topicVector ? JSON.stringify([...topicVector]) : null)),
    ],
  };
}

/** Gives jobs back with the reasons of their failures. */
export function failJobs(claim: string, failed: EmbeddingOutcome[]): Statement<unknown> {
  return {
    text: "select recsys.fail_embedding_jobs($1::bigint, $2::text[], $3::uuid[], $4::text[])",
    values: [claim, ...keys(failed), failed.map(({ vector }) => (vector as Error).message)],
  };
}

function keys(outcomes: EmbeddingOutcome[]): [kinds: string[], ids: string[]] {
  return [outcomes.map(({ job }) => job.kind), outcomes.map(({ job }) => job.entity_id)];
}
