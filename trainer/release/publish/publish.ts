/**
 * Publishes a trained model: writes row, graphs and vectors next to the active model, the gate judges, one transaction builds the index and
 * attaches the vectors, and another switches. Killed anywhere, the old model serves, and the next publish removes the candidate.
 */
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import type { Database } from "../../../db/connect.ts";
import { holdLock } from "../../../db/hold-lock.ts";
import type { OnProgress } from "../../../db/progress.ts";
import { readCommunityId } from "../../../db/settings.ts";
import { UserError } from "../../../db/user-error.ts";
import { call, run } from "../../../supabase/functions/_shared/database/database.ts";
import { db, fn } from "../../../supabase/functions/_shared/database/query.ts";
import { readBasis } from "../../../supabase/functions/_shared/embed/vector-bases.ts";
import {
  featureSpecDigest,
  featureSpecOf,
  type VectorSpec,
} from "../../../supabase/functions/_shared/features/feature-spec.ts";
import { graphNames } from "../../../supabase/functions/_shared/models/contracts.ts";
import { loadRuntime } from "../../../supabase/functions/_shared/models/inference.ts";
import { tokenRowsOf } from "../../../supabase/functions/_shared/models/token-rows.ts";
import { type ModelFolder, sha256 } from "../../artifacts/model-folder/model-folder.ts";
import { reduceMissing } from "../../data/app-embeddings/prepare-vectors.ts";
import { writeNeighbours } from "../../models/neighbours/stored-neighbours.ts";
import { type ActiveModel, readActiveModel } from "../gate/active-model.ts";
import { compare } from "../gate/compare.ts";
import { judgeGraphs, verdictOf } from "../gate/gate.ts";
import type { Verdict } from "../gate/verdict.ts";
import { writePostEmbeddings, writeUserEmbeddings } from "./write-embeddings.ts";

export interface PublishOptions {
  /** Whether the model serves from then on; otherwise it waits in status ready. */
  activate: boolean;
  /** Whether a model that was trained on another community is taken too. */
  fromAnotherCommunity?: boolean | undefined;
  /** Told what the gate said, before it counts. */
  onVerdict?: ((verdict: Verdict) => void) | undefined;
  onProgress?: OnProgress;
  signal?: AbortSignal | undefined;
}

/**
 * Publishes a model and returns its model_id. Throws a `UserError` where its name is taken, another publish runs, its community is
 * another one, the gate rejects it (it stays as rejected), or the active model was switched meanwhile (it stays ready).
 */
export async function publish(database: Database, model: ModelFolder, options: PublishOptions): Promise<number> {
  const release = await holdLock(database, "publish");
  if (!release) throw new UserError("another publish is running on this database: wait for it, or end it");
  try {
    const client = await database.pool.connect();
    try {
      return await publishLocked(database, client, model, options);
    } catch (error) {
      await client.query("rollback").catch(() => {});
      await removeLeftovers(client).catch(() => {});
      throw error;
    } finally {
      client.release();
    }
  } finally {
    await release();
  }
}

async function publishLocked(
  database: Database,
  client: pg.ClientBase,
  model: ModelFolder,
  options: PublishOptions,
): Promise<number> {
  const { signal } = options;
  const onProgress: OnProgress = (step) => {
    signal?.throwIfAborted();
    options.onProgress?.(step);
  };
  if (!options.fromAnotherCommunity) await refuseStranger(database, model);
  await removeLeftovers(client);
  if (model.vectors) await requireVectors(client, model, model.vectors, onProgress);
  const active = await readActiveModel(database);
  const modelId = await createModel(client, model);
  const embedding = { client, modelId, vectors: model.vectors, onProgress };
  const judgeAndStop = async (verdict: Verdict) => {
    options.onVerdict?.(verdict);
    if (!verdict.passed) await reject(client, modelId, model, verdict);
  };
  const graphs = await judgeGraphs(model);
  if (graphs.reasons.length > 0) await judgeAndStop(verdictOf(graphs, { skipped: "its graphs cannot be trusted" }));
  const { createSession } = await loadRuntime();
  const postTower = await createSession(model.graphs.post_tower);
  const userTower = await createSession(model.graphs.user_tower);
  const postVectors = await writePostEmbeddings(embedding, postTower, model.postIdEmbeddings);
  const verdict = verdictOf(graphs, await compare({ database, onProgress, signal }, { model, postVectors }, active));
  await judgeAndStop(verdict);
  await writeUserEmbeddings(embedding, userTower, model.userIdEmbeddings, postVectors);
  await writeNeighbours(client, modelId, model.neighbours, (post) => postVectors.has(post));
  onProgress({ step: "building the index", done: 0, total: 1 });
  await complete(database, client, modelId, verdict, signal);
  if (options.activate) await activate(client, modelId, model, active);
  options.onProgress?.({ step: "building the index", done: 1, total: 1 });
  await dropOldModels(client);
  return modelId;
}

/** Builds the index and attaches the vectors; minutes of one statement, so it is cancelled where the signal aborts. */
async function complete(
  { pool, embedded }: Database,
  client: pg.ClientBase,
  modelId: number,
  verdict: Verdict,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { rows } = await client.query("select pg_backend_pid() as pid");
  const cancel = () => void pool.query("select pg_cancel_backend($1)", [rows[0].pid]).catch(() => {});
  await client.query("begin");
  // Supabase ends statements after two minutes, and an index of a million posts takes longer
  await client.query("set local statement_timeout = 0");
  // a killed publish must not go on building, or the next one is refused so long
  if (!embedded) await client.query("set local client_connection_check_interval = '1s'");
  if (!embedded) signal?.addEventListener("abort", cancel);
  try {
    await run(client, call("recsys_engine.complete_model", { p_model_id: modelId, p_gate: JSON.stringify(verdict) }));
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
  await client.query("commit");
}

/** Switches, unless the active model has changed since the gate compared: its verdict is about another model then. */
async function activate(
  client: pg.ClientBase,
  modelId: number,
  { name }: ModelFolder,
  active: ActiveModel | undefined,
): Promise<void> {
  try {
    await run(client, call("recsys.activate_model", { p_model_id: modelId, p_instead_of: active?.id }));
  } catch (error) {
    if ((error as pg.DatabaseError).code !== otherState) throw error;
    throw new UserError(
      `another model was activated or rolled back while ${name} was published: it is ready, and \`recsys activate ${name}\` lets it serve`,
    );
  }
}

async function reject(client: pg.ClientBase, modelId: number, { name }: ModelFolder, verdict: Verdict): Promise<never> {
  await run(client, call("recsys_engine.reject_model", { p_model_id: modelId, p_gate: JSON.stringify(verdict) }));
  throw new UserError(`model ${name} is rejected, and nothing changes: ${verdict.reasons.join("; ")}`);
}

/** A model of another community does rank, but what it learned is about other people and posts. */
async function refuseStranger(database: Database, { name, community }: ModelFolder): Promise<void> {
  if (community === (await readCommunityId(database))) return;
  throw new UserError(
    `model ${name} was trained on another community than this database holds: train here, or add --from-another-community`,
  );
}

/** Reduces the vectors of posts, and of users, that came since the training. Throws where the model reads them by a basis that is not here. */
async function requireVectors(client: pg.ClientBase, { name }: ModelFolder, spec: VectorSpec, onProgress: OnProgress) {
  const basis = await readBasis(client, spec.basis);
  if (!basis)
    throw new UserError(`model ${name} reads vectors by a basis that this database does not have: train it here again`);
  for (const entity of spec.users ? (["post", "user"] as const) : (["post"] as const))
    await reduceMissing(client, entity, basis, (done) =>
      onProgress({ step: `reading vectors of ${entity}s`, done, total: done }),
    );
}

/** Models that a publish began and never completed; under the lock no other publish can be working on one. */
async function removeLeftovers(client: pg.ClientBase): Promise<void> {
  const leftovers = db.selectFrom("recsys.models").where("status", "=", "candidate");
  await patiently(() =>
    run(
      client,
      leftovers.select((model) => fn("recsys_engine.drop_model", { p_model_id: model.ref("model_id") }).as("dropped")),
    ),
  );
}

/** What is still being read stays: pg_cron, or the next publish, comes back to it. */
async function dropOldModels(client: pg.ClientBase): Promise<void> {
  const dropOne = async () => (await run(client, call("recsys_engine.drop_old_model", {})))[0].drop_old_model;
  try {
    while ((await patiently(dropOne)) !== null);
  } catch (error) {
    if ((error as pg.DatabaseError).code !== lockNotAvailable) throw error;
  }
}

const lockNotAvailable = "55P03";
const otherState = "55000";

/** Retries for two seconds an attempt that fails at once while another session holds a lock. */
async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 20; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || (error as pg.DatabaseError).code !== lockNotAvailable) throw error;
      await setTimeout(100);
    }
  }
}

async function createModel(client: pg.ClientBase, model: ModelFolder): Promise<number> {
  const named = db.selectFrom("recsys.models").select(["model_id", "status"]).where("name", "=", model.name);
  const [known] = await run(client, named);
  // judged again: the settings or the active model may be others now
  if (known?.status === "rejected") await run(client, call("recsys_engine.drop_model", { p_model_id: known.model_id }));
  else if (known)
    throw new UserError(`model ${model.name} is already published: \`recsys activate ${model.name}\` makes it serve`);
  const metrics = { ...model.metrics, trained_at: model.trained_at, seed: model.seed, backend: model.backend };
  await client.query("begin");
  const created = call("recsys_engine.create_model", {
    p_name: model.name,
    p_feature_spec: JSON.stringify(featureSpecOf(tokenRowsOf(model.graphs.post_tower), model.vectors)),
    p_feature_spec_digest: await featureSpecDigest(),
    p_metrics: JSON.stringify(metrics),
    p_learned_until: model.learned_until,
    p_heads: model.heads,
  });
  const [{ create_model: modelId }] = await run(client, created);
  const artifacts = graphNames.map((graph) => {
    const onnx = Buffer.from(model.graphs[graph]);
    return { model_id: modelId, graph, onnx, sha256: sha256(onnx) };
  });
  await run(client, db.insertInto("recsys_engine.model_artifacts").values(artifacts));
  const features = model.training_features.map(({ feature, edges, shares }, i) => ({
    model_id: modelId,
    number: i + 1,
    feature,
    edges,
    shares,
  }));
  if (features.length > 0) await run(client, db.insertInto("recsys_engine.training_features").values(features));
  await client.query("commit");
  return modelId;
}
