/** A model out of weights that were trained elsewhere: the pipeline as ever, but for the training of the networks. */

import { preparedVectors } from "../data/app-embeddings/prepare-vectors.ts";
import { type TrainingContext, train } from "../train-into-folder.ts";
import { requireCommunity } from "./export-data.ts";
import { checkTrained, trainedElsewhere } from "./imported-model.ts";
import { readManifest } from "./manifest.ts";

interface ImportedModel {
  /** The export, with the weights of its stages. */
  folder: string;
  /** Where the model of a name goes. */
  folderOf(name: string): string;
}

/** Makes a model folder of an export's trained weights, and returns it: calibrated, with neighbours and what the gate asks for. Throws a `UserError` where they do not fit. */
export async function importTrained(context: TrainingContext, { folder, folderOf }: ImportedModel): Promise<string> {
  const manifest = await readManifest(folder);
  await requireCommunity(context.database, manifest);
  const backend = await checkTrained(folder, manifest);
  const { seed, config, to } = manifest;
  const vectors = await preparedVectors(context.database.pool, manifest.vectors, context.onProgress, context.signal);
  const trainers = trainedElsewhere(folder, manifest);
  return await train(context, { seed, backend, trainers, config, learnedUntil: Date.parse(to), folderOf, vectors });
}
