/** Statements after embedding: vectors, and reasons of failures. */
import { call } from "../database/database.ts";
import type { Job } from "./read-jobs.ts";

/** A job with its vector, an error, or null if the post or user no longer exists. */
export interface EmbeddingOutcome {
  job: Job;
  vector: Float32Array | Error | null;
  /** The vector by which a post is assigned to topics; null if there is none. */
  topicVector: Float32Array | null;
}

/** Writes vectors and acknowledges their jobs. */
export function completeJobs(modelId: number, claim: number, done: EmbeddingOutcome[]) {
  return call("recsys_engine.complete_embedding_jobs", {
    p_claim: claim,
    p_model_id: modelId,
    ...keys(done),
    p_embeddings: done.map(({ vector }) => (vector instanceof Float32Array ? JSON.stringify([...vector]) : null)),
    p_topic_vectors: done.map(({ topicVector }) => (topicVector ? JSON.stringify([...topicVector]) : null)),
  });
}

/** Releases failed jobs with their errors. */
export function failJobs(claim: number, failed: EmbeddingOutcome[]) {
  const errors = failed.map(({ vector }) => (vector as Error).message);
  return call("recsys_engine.fail_embedding_jobs", { p_claim: claim, ...keys(failed), p_errors: errors });
}

function keys(outcomes: EmbeddingOutcome[]) {
  return { p_kinds: outcomes.map(({ job }) => job.kind), p_entity_ids: outcomes.map(({ job }) => job.entity_id) };
}
