/** A whole training: the community out of the database, the model into a folder that `publish` reads. */
import { join } from "node:path";
import type { Database } from "../db/connect.ts";
import type { OnProgress } from "../db/progress.ts";
import { readCommunityId, readScoreWeights } from "../db/settings.ts";
import { communityFromDatabase, trainingEvents } from "./community/from-database.ts";
import type { RankingExamples } from "./dlrm/ranking-examples.ts";
import { type Backend, startBackend } from "./engine/backend.ts";
import { dlrmGraph } from "./export/dlrm.ts";
import { postTowerGraph, userTowerGraph } from "./export/towers.ts";
import { sampledRequests, samplesOf } from "./gate/samples.ts";
import { idEmbeddingsOf } from "./model-folder/id-embeddings.ts";
import { writeModelFolder } from "./model-folder/model-folder.ts";
import { type TrainedModel, trainModel } from "./pipeline.ts";

export interface TrainingContext {
  database: Database;
  onProgress: OnProgress;
  signal: AbortSignal;
  /** Says which backend trains. */
  print(line: string): void;
}

export interface TrainingOptions {
  seed: number;
  /** Default: the first that loads. */
  backend?: Backend;
  /** The model's folder; default: one named after the model in `parent`. */
  out?: string;
  parent: string;
}

/** Trains towers and ranker on everything the database holds, and returns the folder of the model. */
export async function trainIntoFolder(
  { database, onProgress, signal, print }: TrainingContext,
  { seed, backend, out, parent }: TrainingOptions,
): Promise<string> {
  const started = await startBackend(backend);
  print(`training on the ${started} backend, seed ${seed}`);
  const loaded = await communityFromDatabase(database, onProgress, trainingEvents);
  const scoreWeights = await readScoreWeights(database);
  let sampled: RankingExamples[] = [];
  const onExamples = (examples: RankingExamples) => {
    sampled = sampledRequests(examples);
  };
  const model = await trainModel(loaded, { seed, scoreWeights, onExamples, onProgress, signal });
  const trainedAt = new Date().toISOString();
  const name = `model-${trainedAt.slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}`;
  const folder = out ?? join(parent, name);
  const { towers } = model.towers;
  await writeModelFolder(folder, {
    name,
    community: await readCommunityId(database),
    trained_at: trainedAt,
    learned_until: new Date(Math.ceil(loaded.timeline.at[loaded.timeline.length - 1])).toISOString(),
    seed,
    backend: started,
    metrics: metricsOf(model),
    graphs: { user_tower: userTowerGraph(towers), post_tower: postTowerGraph(towers), dlrm: dlrmGraph(model.dlrm) },
    userIdEmbeddings: idEmbeddingsOf(loaded.community.users.ids, towers.userIdEmbeddings),
    postIdEmbeddings: idEmbeddingsOf(loaded.community.posts.ids, towers.postIdEmbeddings),
    heldBack: model.heldBack,
    samples: samplesOf(loaded.community, model, sampled),
  });
  return folder;
}

function metricsOf(model: TrainedModel): Record<string, unknown> {
  return {
    tower_examples: model.towers.examples,
    tower_losses: model.towers.losses,
    ranker_requests: model.requests,
    ranker_losses: model.dlrmLosses,
  };
}
