/**
 * Re-embeds changed posts and users in batches, with the active model and then those of experiments.
 *
 *   claim ──> texts ──> towers ──> vectors and acknowledgement
 *   \- one transaction -/ (ONNX) \- one transaction -/
 *
 * When a worker dies, its jobs are claimed again after their lease: invariant: a batch is never half-written.
 */

import { type Pool, run } from "../database/database.ts";
import { service, transactAs } from "../database/run-as-caller.ts";
import { parseVector } from "../database/vectors.ts";
import { type PostInput, postTextInput, postTowerInputs, userTowerInputs } from "../features/tower-inputs.ts";
import type { ModelCache } from "../models/models.ts";
import { towerVectors } from "../towers/tower-vectors.ts";
import { userInput } from "../towers/user-input.ts";
import { embedForVariants } from "./embed-variants.ts";
import { queueEncoding } from "./encode-posts.ts";
import { type OwnVectors, ownVectors } from "./own-vectors.ts";
import { claimJobs, type Job, type PostToEmbed, readPosts, readUsers, readWork } from "./read-jobs.ts";
import { completeJobs, type EmbeddingOutcome, failJobs } from "./write-vectors.ts";

/** Services that embedding needs. */
export interface EmbedServices {
  pool: Pool;
  models: ModelCache;
}

/** Counts of a batch. */
export interface Embedded {
  /** Jobs whose vector was written, or whose post or user no longer exists. */
  completed: number;
  failed: number;
}

export const batchSize = 100;

/** Lease of a claim. A batch takes less than 1 s, and two requests that wait for a slow database 15 s. */
const lease = "30 seconds";

/**
 * Embeds up to `batchSize` entities, those of experiments' models last; null if there was nothing to do. Throws
 * AppError if the model cannot be used.
 */
export async function embedBatch({ pool, models }: EmbedServices): Promise<Embedded | null> {
  const work = await transactAs(pool, service, readWork(), async (connection, [active]) => {
    if (!active) return null;
    // loaded before the claim, so that a broken model costs no job an attempt
    const published = { ...active, featureSpecDigest: active.feature_spec_digest };
    const model = await models(published, connection, ["post_tower", "user_tower"]);
    const jobs = await run(connection, claimJobs(batchSize, lease));
    const idsOf = (kind: Job["kind"]) => jobs.filter((job) => job.kind === kind).map(({ entity_id }) => entity_id);
    const posts = await run(connection, readPosts(active.id, idsOf("post")));
    const users = await run(connection, readUsers(active.id, idsOf("user")));
    const own = await ownVectors(connection, "post", active.basis, idsOf("post"));
    const ofUsers = new Map<string | null, OwnVectors>();
    // for the bases of all serving models, since a feed reads the vectors of the model that an experiment chooses
    for (const basis of active.user_bases)
      ofUsers.set(basis, await ownVectors(connection, "user", basis, idsOf("user")));
    const ownOfUsers = active.reads_users ? ofUsers.get(active.basis) : undefined;
    if (active.encoder) await queueEncoding(connection, active.encoder, posts);
    return { modelId: active.id, model, jobs, posts, users, own, ownOfUsers };
  });
  if (!work || work.jobs.length === 0) {
    const completed = await embedForVariants({ pool, models });
    return completed > 0 ? { completed, failed: 0 } : null;
  }

  const { modelId, model, jobs, posts: rows, own, ownOfUsers } = work;
  const users = work.users.map((row) => ({ ...userInput(row), id: row.id, vector: ownOfUsers?.get(row.id) ?? null }));
  const posts = rows.map((row) => postInput(row, own));
  const { post_tower, user_tower } = model.graphs;
  const vectors = {
    post: byId(posts, await towerVectors(post_tower, posts, postTowerInputs)),
    user: byId(users, await towerVectors(user_tower, users, userTowerInputs)),
  };
  // topics use vectors of the text alone (trainer/topics/read-posts.ts)
  const ofText = byId(posts, await towerVectors(post_tower, posts.map(postTextInput), postTowerInputs));
  const outcomes = jobs.map((job): EmbeddingOutcome => {
    const topicVector = job.kind === "post" ? ofText.get(job.entity_id) : undefined;
    return {
      job,
      vector: vectors[job.kind].get(job.entity_id) ?? null,
      topicVector: topicVector instanceof Float32Array ? topicVector : null,
    };
  });
  const done = outcomes.filter(({ vector }) => !(vector instanceof Error));
  const failed = outcomes.filter(({ vector }) => vector instanceof Error);
  const [{ claim }] = jobs;
  const completed = await transactAs(pool, service, completeJobs(modelId, claim, done), async (connection, [row]) => {
    if (failed.length > 0) await run(connection, failJobs(claim, failed));
    return row.complete_embedding_jobs;
  });
  return { completed, failed: failed.length };
}

function postInput(row: PostToEmbed, own: OwnVectors): PostInput & { id: string } {
  const id_embedding = row.id_embedding === null ? null : parseVector(row.id_embedding);
  return { ...row, vector: own.get(row.id) ?? null, id_embedding };
}

function byId<Value>(rows: { id: string }[], values: Value[]): Map<string, Value> {
  return new Map(rows.map(({ id }, i) => [id, values[i]]));
}
