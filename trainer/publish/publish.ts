/**
 * Publishes a trained model: row, graphs and vectors are written beside the active model, then one transaction builds the
 * index, attaches the vectors and activates. Killed before that transaction's end, it leaves the old model serving and a
 * model in status building, which the next publish removes.
 */
import type pg from "pg";
import type { Database } from "../../db/connect.ts";
import type { OnProgress } from "../../db/progress.ts";
import { readCommunityId } from "../../db/settings.ts";
import { UserError } from "../../db/user-error.ts";
import { featureSpec, featureSpecDigest } from "../../supabase/functions/_shared/features/feature-spec.ts";
import { graphNames } from "../../supabase/functions/_shared/models/contracts.ts";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { type ModelFolder, sha256 } from "../model-folder/model-folder.ts";
import { writePostEmbeddings, writeUserEmbeddings } from "./write-embeddings.ts";

export interface PublishOptions {
  /** Whether the model serves from then on; otherwise it waits in status ready. */
  activate: boolean;
  /** Whether a model that was trained on another community is taken too. */
  fromAnotherCommunity?: boolean | undefined;
  onProgress?: OnProgress;
  signal?: AbortSignal | undefined;
}

/**
 * Publishes a model and returns its model_id. Throws a `UserError` where its name is taken, another publish runs, or it
 * was trained on another community than the database holds.
 */
export async function publish(database: Database, model: ModelFolder, options: PublishOptions): Promise<number> {
  const { onProgress = () => {}, signal } = options;
  const client = await database.pool.connect();
  let locked = false;
  try {
    locked = (await client.query("select pg_try_advisory_lock(hashtext('recsys.publish')) as locked")).rows[0].locked;
    if (!locked) throw new UserError("another publish is running on this database: wait for it, or end it");
    if (!options.fromAnotherCommunity) await refuseStranger(database, model);
    await removeLeftovers(client);
    const modelId = await createModel(client, model);
    const progress: OnProgress = (step) => {
      signal?.throwIfAborted();
      onProgress(step);
    };
    const run = { client, modelId, onProgress: progress };
    const { createSession } = await loadRuntime();
    const postTower = await createSession(model.graphs.post_tower);
    const userTower = await createSession(model.graphs.user_tower);
    const postVectors = await writePostEmbeddings(run, postTower, model.postIdEmbeddings);
    await writeUserEmbeddings(run, userTower, model.userIdEmbeddings, postVectors);
    onProgress({ step: "building the index", done: 0, total: 1 });
    await client.query("begin");
    await client.query("select recsys.complete_model($1)", [modelId]);
    if (options.activate) await client.query("select recsys.activate_model($1)", [modelId]);
    await client.query("commit");
    onProgress({ step: "building the index", done: 1, total: 1 });
    return modelId;
  } catch (error) {
    await client.query("rollback").catch(() => {});
    await removeLeftovers(client).catch(() => {});
    throw error;
  } finally {
    if (locked) await client.query("select pg_advisory_unlock(hashtext('recsys.publish'))").catch(() => {});
    client.release();
  }
}

/** A model of another community does rank, but what it learned is about other people and posts. */
async function refuseStranger(database: Database, { name, community }: ModelFolder): Promise<void> {
  if (community === (await readCommunityId(database))) return;
  throw new UserError(
    `model ${name} was trained on another community than this database holds: train here, or add --from-another-community`,
  );
}

/** Models that a publish began and never completed; under the lock nobody can be working on one. */
async function removeLeftovers(client: pg.ClientBase): Promise<void> {
  await client.query("select recsys.drop_model(model_id) from recsys.models where status = 'building'");
}

async function createModel(client: pg.ClientBase, model: ModelFolder): Promise<number> {
  const { rowCount } = await client.query("select from recsys.models where name = $1", [model.name]);
  if (rowCount)
    throw new UserError(`model ${model.name} is already published: \`recsys activate ${model.name}\` makes it serve`);
  const metrics = { ...model.metrics, trained_at: model.trained_at, seed: model.seed, backend: model.backend };
  await client.query("begin");
  const created = await client.query("select recsys.create_model($1, $2, $3, $4) as id", [
    model.name,
    JSON.stringify(featureSpec),
    await featureSpecDigest(),
    JSON.stringify(metrics),
  ]);
  const modelId: number = created.rows[0].id;
  for (const graph of graphNames) {
    await client.query("insert into recsys.model_artifacts (model_id, graph, onnx, sha256) values ($1, $2, $3, $4)", [
      modelId,
      graph,
      Buffer.from(model.graphs[graph]),
      sha256(model.graphs[graph]),
    ]);
  }
  await client.query("commit");
  return modelId;
}
