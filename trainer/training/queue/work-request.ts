/** One request of the training queue, from its claim to the model that serves. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Database } from "../../../db/connect.ts";
import { readCommunityId } from "../../../db/settings.ts";
import { UserError } from "../../../db/user-error.ts";
import { call, run } from "../../../supabase/functions/_shared/database/database.ts";
import { db, instantOf } from "../../../supabase/functions/_shared/database/query.ts";
import { featureSpecDigest } from "../../../supabase/functions/_shared/features/feature-spec.ts";
import { toAppError } from "../../../supabase/functions/_shared/http/errors.ts";
import { type ModelFolder, readModelFolder } from "../../artifacts/model-folder/model-folder.ts";
import { prepareVectors, vectorSpecOf } from "../../data/app-embeddings/prepare-vectors.ts";
import { startBackend } from "../../models/nn/backend.ts";
import { labelWindow } from "../../models/ranker/requests.ts";
import { publish } from "../../release/publish/publish.ts";
import { settledUntil, type TrainingContext, train } from "../../train-into-folder.ts";
import { readWarmStart, retrainFromScratchReason, type WarmStart } from "../../warm-start.ts";
import { type Config, configDigest, defaultConfig } from "../config/config.ts";
import { Checkpoint } from "./checkpoint.ts";
import { Lease, LeaseLost } from "./lease.ts";
import type { Claim } from "./training-queue.ts";

/** `done`: a model serves, or nothing was new; `released`: this worker is told to end; `lost`: another worker has it. */
export type TrainingOutcome = "done" | "failed" | "released" | "lost";

/** What a finished training brought. */
interface Outcome {
  /** null: nothing was new, so there is no new model. */
  modelId: number | null;
  newInteractions: number;
  seconds: number;
  /** Of the seconds to those of the last training that started from scratch; null where these are not known. */
  ratio: number | null;
}

/** Between two tries to publish while the database does not answer, or while another publish runs; milliseconds. */
const patience = 5_000;

/** Works a claimed request: trains in a folder of its own below `parent`, publishes, records. Throws where the database is gone for good. */
export async function processTrainingRequest(
  context: TrainingContext,
  claim: Claim,
  parent: string,
  config = defaultConfig,
): Promise<TrainingOutcome> {
  const { database, print } = context;
  const lease = new Lease(context, claim);
  try {
    const outcome = await trainAndPublish(
      { ...context, onProgress: lease.onProgress, signal: lease.signal },
      claim,
      lease,
      { parent, config },
    );
    const { modelId, newInteractions, seconds, ratio } = outcome;
    const completed = call("recsys_engine.complete_training_request", {
      p_claim: claim.claim,
      p_model_id: modelId,
      p_new_interactions: newInteractions,
      p_seconds: seconds,
      p_ratio: ratio,
    });
    await whileUnreachable(context, () => run(database.pool, completed));
    return "done";
  } catch (error) {
    if (lease.signal.reason instanceof LeaseLost) {
      print(`training request ${claim.request}: ${lease.signal.reason.message}`);
      return "lost";
    }
    if (context.signal.aborted) {
      await run(database.pool, call("recsys_engine.release_training_request", { p_claim: claim.claim }));
      print(`training request ${claim.request} is given back: the next worker goes on with it`);
      return "released";
    }
    return await giveBack(context, claim, error);
  } finally {
    lease.stop();
  }
}

async function trainAndPublish(
  context: TrainingContext,
  claim: Claim,
  lease: Lease,
  { parent, config }: { parent: string; config: Config },
): Promise<Outcome> {
  const { database, print } = context;
  const community = await readCommunityId(database);
  await removeOthers(join(parent, community), `${claim.request}`);
  const folder = join(parent, community, `${claim.request}`);
  const published = await publishedBefore(database, folder);
  if (published) return published;
  const backend = await startBackend();
  const vectors = await prepareVectors(database.pool, context.onProgress, context);
  const active = await readWarmStart(database, config, vectors && vectorSpecOf(vectors));
  const fromScratch = typeof active === "string" ? active : retrainFromScratchReason(active);
  const from = typeof active === "string" || fromScratch ? undefined : active;
  const identity = {
    community,
    request: claim.request,
    featureSpecDigest: await featureSpecDigest(),
    configDigest: configDigest(config),
    backend,
    startedFrom: from?.modelId ?? null,
    vectors: vectors ? vectorSpecOf(vectors) : null,
  };
  const checkpoint = await Checkpoint.open(folder, identity, await settledUntil(database));
  let model = await readModelFolder(checkpoint.modelFolder).catch(() => undefined);
  if (model) print(`training request ${claim.request} was trained before: publishing`);
  else {
    if (typeof active !== "string" && !(await hasNews(database, active, checkpoint.learnedUntil))) {
      print(`training request ${claim.request}: nothing new since model ${active.name}`);
      await checkpoint.remove();
      return { modelId: null, newInteractions: 0, seconds: checkpoint.stopwatch.read().wall, ratio: null };
    }
    print(
      `training request ${claim.request} on the ${backend} backend, ${from ? `from model ${from.name}` : `from scratch: ${fromScratch}`}`,
    );
    // a model that cannot be read is in the way of one that can
    await rm(checkpoint.modelFolder, { recursive: true, force: true });
    const { learnedUntil } = checkpoint;
    const training = { seed: claim.request, backend, config, learnedUntil, vectors, from, checkpoint };
    model = await readModelFolder(await train(context, { ...training, folderOf: () => checkpoint.modelFolder }));
  }
  const { signal, onProgress } = context;
  const modelId = await whileUnreachable(context, async () => {
    await lease.renew();
    // the connection may have been lost after the commit
    return (await publishedAs(database, model)) ?? publish(database, model, { activate: true, onProgress, signal });
  });
  await checkpoint.remove();
  const outcome = outcomeOf(model, modelId);
  const share = from
    ? `, ${outcome.ratio.toFixed(2)} of the last from scratch (${from.secondsFromScratch.toFixed(0)} s)`
    : "";
  print(
    `model ${model.name} serves: trained in ${outcome.seconds.toFixed(0)} s${share} on ${outcome.newInteractions} new interactions`,
  );
  return outcome;
}

/** What a request brought whose worker was lost after publishing and before saying so. */
async function publishedBefore(database: Database, folder: string): Promise<Outcome | undefined> {
  const model = await readModelFolder(join(folder, "model")).catch(() => undefined);
  const modelId = model && (await publishedAs(database, model));
  return modelId ? outcomeOf(model, modelId) : undefined;
}

/** The model_id of a model that serves or has served. */
async function publishedAs({ pool }: Database, { name }: ModelFolder): Promise<number | undefined> {
  const activations = db
    .selectFrom("recsys_engine.model_activations")
    .select("model_id")
    .where("name", "=", name)
    .limit(1);
  return (await run(pool, activations))[0]?.model_id;
}

function outcomeOf({ metrics }: ModelFolder, modelId: number) {
  const { seconds, seconds_from_scratch, new_interactions } = metrics as Record<string, number>;
  return { modelId, newInteractions: new_interactions, seconds, ratio: seconds / seconds_from_scratch };
}

/** Whether a community has any first interaction that a model has not learned from. */
async function hasNews({ pool }: Database, { learnedUntil, learnedFrom }: WarmStart, until: number): Promise<boolean> {
  const settled = learnedFrom === "pages" ? until - labelWindow : until;
  const news = db
    .selectFrom("recsys_engine.post_stats as event")
    .innerJoin("recsys.source_posts as post", "post.post_id", "event.post_id")
    .select("event.last_active_at")
    .where("event.first_interaction", "=", true)
    .where("event.last_active_at", ">=", instantOf(learnedUntil))
    .where("event.last_active_at", "<", instantOf(settled))
    .whereRef("post.author_id", "is distinct from", "event.user_id")
    .whereRef("post.created_at", "<=", "event.last_active_at")
    .limit(1);
  return (await run(pool, news)).length > 0;
}

/** Does something that needs the database again and again while it does not answer or another publish runs, for an hour at most. */
async function whileUnreachable<Result>(
  { signal, print }: TrainingContext,
  work: () => Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + 3_600_000;
  for (let told = false; ; told = true) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !isPassing(error) || performance.now() > deadline) throw error;
      if (!told) print(`waiting: ${(error as Error).message}`);
      await setTimeout(patience, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/** Whether it may go well a little later. */
function isPassing(error: unknown): boolean {
  const { code } = toAppError(error);
  return (
    code === "database_unavailable" ||
    code === "database_timeout" ||
    (error instanceof UserError && /another publish is running/.test(error.message))
  );
}

/** Records a failure; one that is told to the user as such would only repeat itself. */
async function giveBack(context: TrainingContext, claim: Claim, error: unknown): Promise<TrainingOutcome> {
  const reason = error instanceof Error ? error.message : String(error);
  const isFinal = error instanceof UserError && !isPassing(error);
  const failed = call("recsys_engine.fail_training_request", {
    p_claim: claim.claim,
    p_error: reason,
    p_is_final: isFinal,
  });
  const [{ fail_training_request: due }] = await whileUnreachable(context, () => run(context.database.pool, failed));
  context.print(
    `training request ${claim.request} failed: ${reason}${due ? `; again from ${due.toISOString()} on` : ""}`,
  );
  return "failed";
}

/** What earlier requests left that were given up, or done on another machine. */
async function removeOthers(parent: string, kept: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => []))
    if (name !== kept) await rm(join(parent, name), { recursive: true, force: true });
}
