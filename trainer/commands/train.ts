import { join } from "node:path";
import type { Database } from "../../db/connect.ts";
import { communityFromDatabase, trainingEvents } from "../community/from-database.ts";
import { type Backend, startBackend } from "../engine/backend.ts";
import { dlrmGraph } from "../export/dlrm.ts";
import { postTowerGraph, userTowerGraph } from "../export/towers.ts";
import { idEmbeddingsOf } from "../model-folder/id-embeddings.ts";
import { type ModelFolder, writeModelFolder } from "../model-folder/model-folder.ts";
import { type TrainedModel, trainModel } from "../pipeline.ts";
import { type CommandContext, type DatabaseOption, session } from "./session.ts";

export interface TrainOptions {
  seed: number;
  backend?: Backend;
  out?: string;
}

/** Where models are written unless `--out` says otherwise. */
export const modelsFolder = join(".recsys", "models");

/** `recsys train`: learns from the database and writes a model folder. */
export async function trainCommand(options: DatabaseOption & TrainOptions): Promise<void> {
  await session(options, {}, async (running) => {
    const folder = await train(running, options);
    running.print(`model written to ${folder}; \`npx recsys publish\` puts it into the database and lets it serve`);
  });
}

/** Trains towers and ranker on everything the database holds, and returns the folder of the model. */
export async function train(
  { database, onProgress, signal, print }: CommandContext,
  { seed, backend, out }: TrainOptions,
): Promise<string> {
  const started = await startBackend(backend);
  print(`training on the ${started} backend, seed ${seed}`);
  const loaded = await communityFromDatabase(database, onProgress, trainingEvents);
  const scoreWeights = await readScoreWeights(database);
  const model = await trainModel(loaded, { seed, scoreWeights, onProgress, signal });
  const name = `model-${new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}`;
  const folder = out ?? join(modelsFolder, name);
  await writeModelFolder(folder, {
    name,
    trained_at: new Date().toISOString(),
    seed,
    backend: started,
    metrics: metricsOf(model),
    graphs: {
      user_tower: userTowerGraph(model.towers.towers),
      post_tower: postTowerGraph(model.towers.towers),
      dlrm: dlrmGraph(model.dlrm),
    },
    userIdEmbeddings: idEmbeddingsOf(loaded.community.users.ids, model.towers.towers.userIdEmbeddings),
    postIdEmbeddings: idEmbeddingsOf(loaded.community.posts.ids, model.towers.towers.postIdEmbeddings),
  } satisfies ModelFolder);
  return folder;
}

/** The weights of view, vote and comment in the score, from recsys.settings. */
export async function readScoreWeights(database: Database): Promise<number[]> {
  const settings = await database.kysely
    .selectFrom("recsys.settings")
    .select(["view_weight", "vote_weight", "comment_weight"])
    .executeTakeFirstOrThrow();
  return [settings.view_weight, settings.vote_weight, settings.comment_weight];
}

function metricsOf(model: TrainedModel): Record<string, unknown> {
  return {
    tower_examples: model.towers.examples,
    tower_losses: model.towers.losses,
    ranker_requests: model.requests,
    ranker_losses: model.dlrmLosses,
  };
}
