/** A whole training: the community out of the database, the model into a folder that `publish` reads. */
import { join } from "node:path";
import type { Database } from "../db/connect.ts";
import type { WorkContext } from "../db/progress.ts";
import { readClock, readCommunityId, readFeedSettings, readKinds, readScoreWeights } from "../db/settings.ts";
import { hour } from "../supabase/functions/_shared/features/hours.ts";
import { headWeights } from "../supabase/functions/_shared/recommend/request/feed-settings.ts";
import { idEmbeddingsOf } from "./artifacts/model-folder/id-embeddings.ts";
import { writeModelFolder } from "./artifacts/model-folder/model-folder.ts";
import { provenanceOf } from "./artifacts/model-folder/provenance.ts";
import { samplesOf } from "./artifacts/model-folder/samples.ts";
import type { TrainedModel } from "./artifacts/model-folder/trained-model.ts";
import { dlrmGraph } from "./artifacts/onnx/dlrm.ts";
import { postTowerGraph, userTowerGraph } from "./artifacts/onnx/towers.ts";
import { type PreparedVectors, prepareVectors, vectorSpecOf } from "./data/app-embeddings/prepare-vectors.ts";
import { withVectors } from "./data/app-embeddings/read-vectors.ts";
import type { Community } from "./data/replay/community.ts";
import { communityFromDatabase, trainingEvents } from "./data/replay/from-database.ts";
import { neighboursById } from "./data/replay/neighbours.ts";
import { rollUpAll } from "./data/replay/roll-up.ts";
import { type Backend, startBackend } from "./models/nn/backend.ts";
import { readsVectors, type VectorsRead } from "./models/towers/network.ts";
import { type Stages, type Trainers, trainModel } from "./pipeline.ts";
import { heldOutQuality, qualityLine } from "./release/gate/held-out-quality.ts";
import { Stopwatch } from "./stopwatch.ts";
import { type Config, defaultConfig } from "./training/config/config.ts";
import { earlierModel, type WarmStart, type WithoutVectors } from "./warm-start.ts";

/**
 * Events of the last hour before a training are left to the next one. By then users have acted on what they viewed: within an hour
 * come 99.3 % of Travel's comments and 99.0 % of its votes of a day after the first interaction. Late commits are there, too.
 */
const settledAfter = hour;

export interface TrainingContext extends WorkContext {
  /** Says which backend trains. */
  print(line: string): void;
}

export interface TrainingOptions {
  seed: number;
  /** Default: the first that loads. */
  backend?: Backend;
  config?: Config;
  /** Only what happened before this instant is learned from; default: all that has settled. */
  until?: Date;
  /** The model's folder; default: one named after the model in `parent`. */
  out?: string;
  parent: string;
}

/** Trains towers and ranker from scratch on everything the database holds, and returns the folder of the model. */
export async function trainIntoFolder(
  context: TrainingContext,
  { seed, backend: wish, config = defaultConfig, until, out, parent }: TrainingOptions,
): Promise<string> {
  const backend = await startBackend(wish);
  context.print(`training on the ${backend} backend, seed ${seed}`);
  const settled = await settledUntil(context.database);
  const learnedUntil = Math.min(settled, until?.getTime() ?? settled);
  const vectors = await prepareVectors(context.database.pool, context.onProgress, context);
  const folderOf = (name: string) => out ?? join(parent, name);
  return await train(context, { seed, backend, config, learnedUntil, vectors, folderOf });
}

/** The instant up to which a training that begins now learns, milliseconds since 1970; where its ranker learns from pages, a day less (pipeline.ts). */
export async function settledUntil(database: Database): Promise<number> {
  return (await readClock(database)) - settledAfter;
}

interface Training {
  seed: number;
  /** Has been started; or what else trained the networks. */
  backend: string;
  /** Default: this process, on the backend. */
  trainers?: Trainers | undefined;
  config?: Config;
  /** Milliseconds since 1970. */
  learnedUntil: number;
  folderOf(name: string): string;
  /** What is known of the app's own vectors; left out: it keeps none. */
  vectors?: PreparedVectors | undefined;
  /** The model to go on from; without it, training starts from scratch. */
  from?: WarmStart | undefined;
  checkpoint?: FinishedStages;
}

/** What an interrupted training resumes with: the stages that it finished, and the time that they took. */
export interface FinishedStages {
  stopwatch: Stopwatch;
  stages(community: Community, config: Config): Stages;
}

/** Trains on what happened up to an instant, from scratch or on from the active model, and returns the folder of the model. */
export async function train(
  { database, onProgress, signal, print }: TrainingContext,
  { seed, backend, trainers, config = defaultConfig, learnedUntil, folderOf, vectors, from, checkpoint }: Training,
): Promise<string> {
  const stopwatch = checkpoint?.stopwatch ?? new Stopwatch();
  // all that is read is read before: a database that is away while the training runs costs nothing
  const communityId = await readCommunityId(database);
  const scoreWeights = await readScoreWeights(database);
  const weights = headWeights(await readFeedSettings(database));
  const kinds = await readKinds(database.pool);
  await rollUpAll(database, onProgress, signal);
  const read = await communityFromDatabase(database, onProgress, trainingEvents);
  const community = await withVectors(database, read.community, vectors && vectorSpecOf(vectors));
  const loaded = { ...read, community };
  const model = await trainModel(loaded, {
    seed,
    until: learnedUntil,
    scoreWeights,
    config,
    from: from && earlierModel(from, community),
    stages: checkpoint?.stages(community, config),
    trainers,
    onProgress,
    signal,
  });
  const reads = readsVectors(model.towers.towers.dense);
  if (vectors) print(vectorsLine(vectors, reads));
  // what follows measures the model, and is no part of what a training costs
  const used = stopwatch.read();
  const until = Math.min(model.learnedUntil, learnedUntil);
  const provenance = provenanceOf(loaded, communityId, { config, scoreWeights, learnedUntil: until });
  const quality = await heldOutQuality(loaded, model, { weights, until: learnedUntil, onProgress, signal });
  const trainedAt = new Date().toISOString();
  // to the millisecond, since two trainings on little may end within a second
  const name = `model-${trainedAt.slice(0, 23).replace(/[-:.]/g, "").replace("T", "-")}`;
  const folder = folderOf(name);
  const { towers } = model.towers;
  const graphs = {
    user_tower: userTowerGraph(towers),
    post_tower: postTowerGraph(towers),
    dlrm: dlrmGraph(model.dlrm),
  };
  const earlier = model.wentOn ? from : undefined;
  await writeModelFolder(folder, {
    name,
    community: communityId,
    trained_at: trainedAt,
    learned_until: new Date(until).toISOString(),
    seed,
    backend,
    heads: [...model.dlrm.heads],
    metrics: {
      ...metricsOf(model),
      ...provenance,
      without_vectors: vectors ? refusedVectors(vectors, reads) : null,
      held_out: quality ?? null,
      kinds,
      community: communityId,
      started_from: earlier?.name ?? null,
      seconds: used.wall,
      processor_seconds: used.processor,
      seconds_from_scratch: earlier?.secondsFromScratch ?? used.wall,
      learned_from_scratch: earlier?.learnedFromScratch ?? model.newInteractions,
      learned_since: earlier ? earlier.learnedSince + model.newInteractions : 0,
    },
    // a night's few requests say little: what they go on from says more
    training_features: model.features.length > 0 ? model.features : (from?.trainingFeatures ?? []),
    graphs,
    userIdEmbeddings: idEmbeddingsOf(community.users.ids, towers.userIdEmbeddings),
    postIdEmbeddings: idEmbeddingsOf(community.posts.ids, towers.postIdEmbeddings),
    neighbours: neighboursById(model.neighbours, community),
    vectors:
      vectors && reads.posts ? vectorSpecOf({ ...vectors, users: reads.users ? vectors.users : undefined }) : undefined,
    heldBack: model.heldBack,
    samples: samplesOf(community, model, model.sampled),
  });
  if (provenance.data.before_their_post > 0)
    print(`left out: ${provenance.data.before_their_post} interactions that are older than their post`);
  if (quality) print(qualityLine(quality));
  return folder;
}

/** What the towers find no more with and so do without, for trainings that go on from the model. */
function refusedVectors({ basis: { id }, users }: PreparedVectors, reads: VectorsRead): WithoutVectors {
  if (!reads.posts) return { basis: id, of: "all" };
  return users !== undefined && !reads.users ? { basis: id, of: "users" } : null;
}

function vectorsLine({ basis: { encoder, dimension }, share, users }: PreparedVectors, reads: VectorsRead): string {
  const ofPosts = `${Math.round(100 * share)} % of posts have a vector by ${encoder} (${dimension} numbers)`;
  const doesWithout = "does without: of what people interact with later they find less with them";
  if (!reads.posts) return `${ofPosts}, which the post tower ${doesWithout}`;
  const read = `${ofPosts}, which the post tower reads`;
  if (users === undefined) return read;
  return `${read}; so have ${users} users, whose the user tower ${reads.users ? "reads" : doesWithout}`;
}

function metricsOf(model: TrainedModel): Record<string, unknown> {
  return {
    new_interactions: model.newInteractions,
    tower_examples: model.towers.examples,
    learned_from: model.learnedFrom,
    people: model.people,
    has_neighbours: model.neighbours !== undefined,
    tower_losses: model.towers.losses,
    ranker_requests: model.requests,
    ranker_losses: model.dlrmLosses,
  };
}
