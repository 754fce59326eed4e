/** The networks that another trainer has trained on an export, in place of training them here. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { UserError } from "../../db/user-error.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import type { Head } from "../../supabase/functions/_shared/features/kinds.ts";
import type { Community } from "../data/replay/community.ts";
import { EmbeddingTable } from "../models/nn/embedding-table.ts";
import { TowerData } from "../models/towers/model.ts";
import type { VectorsRead } from "../models/towers/network.ts";
import type { TrainedTowers } from "../models/towers/train.ts";
import type { Trainers } from "../pipeline.ts";
import { factsOf } from "../storage/parquet-file.ts";
import { digestOfIds, type Manifest } from "./manifest.ts";
import { readSafetensors } from "./safetensors.ts";
import { identityOf, readRankerStage, type StageName, stageNames } from "./stage.ts";
import { dlrmOfWeights, towersOfWeights } from "./weights.ts";

/** Of towers that began at the factors of ALS (models/towers/best-towers.ts) the names of start and weights have this before their ending. */
export const fromFactors = "-from-factors";
/** And of towers that were trained without ID embeddings of posts this; cluster/train.py goes by it. */
export const withoutPostIds = "-without-post-ids";

export interface TrainedElsewhere extends Trainers {
  /** Where towers that were read had been left, within the folder and without the ending. */
  pathOf(towers: TrainedTowers): string | undefined;
}

/** Throws a `UserError` for the first thing that is wrong with the weights of a folder, before any long work; gives what trained them. */
export async function checkTrained(folder: string, manifest: Manifest): Promise<string> {
  const { towers, ranker } = manifest.config;
  const reads = readBy(manifest);
  let trainer = "another trainer";
  for (const stage of stageNames) {
    const { path, tensors, metadata } = await readTrained(folder, manifest, stage);
    if (stage === "ranker")
      dlrmOfWeights(
        tensors,
        (await readRankerStage(folder)).inputs.heads as Head[],
        { ...ranker, hasVectors: reads.posts },
        path,
      );
    else towersOfWeights(tensors, manifest.vocabulary, { ...towers, reads }, path);
    trainer = metadata.trainer ?? trainer;
  }
  return trainer;
}

/** Reads the weights that a training has left in an export's folder, when the pipeline asks for them. */
export function trainedElsewhere(folder: string, manifest: Manifest): TrainedElsewhere {
  const paths = new Map<TrainedTowers, string>();
  const reads = readBy(manifest);
  const read = (stage: StageName, name?: string) => readTrained(folder, manifest, stage, name);
  return {
    elsewhere: true,
    pathOf: (towers) => paths.get(towers),
    towers: async (community, options, _onProgress, _signal, from) => {
      const stage = from && from.steps > 0 ? "fine-tuning" : "towers";
      const way = from ? fromFactors : options.withoutPostIds ? withoutPostIds : "";
      const name = stage === "towers" ? `weights${way}` : "weights";
      const { path, tensors, metadata, losses, steps } = await read(stage, name);
      const towers = towersOfWeights(tensors, manifest.vocabulary, { ...options, reads }, path);
      const trained = {
        towers: {
          ...towers,
          userIdEmbeddings: await inNumbersOf(community, towers.userIdEmbeddings, "users", folder, manifest),
          postIdEmbeddings: await inNumbersOf(community, towers.postIdEmbeddings, "posts", folder, manifest),
        },
        data: from?.data ?? new TowerData(community, options),
        losses: [...(from?.losses ?? []), ...losses],
        examples: Number(metadata.examples ?? 0),
        steps: (from?.steps ?? 0) + steps,
      };
      paths.set(trained, join(stage, name));
      return trained;
    },
    ranker: async ({ heads }, _parts, options) => {
      const { path, tensors, metadata, losses } = await read("ranker");
      return {
        dlrm: dlrmOfWeights(tensors, heads, { ...options, hasVectors: reads.posts }, path),
        losses,
        heldOutLosses: numbersOf(metadata.held_out_losses),
        epoch: Number(metadata.epoch ?? losses.length),
      };
    },
  };
}

function readBy({ vectors }: Manifest): VectorsRead {
  return { posts: vectors !== null, users: vectors?.users === true };
}

async function readTrained(folder: string, manifest: Manifest, stage: StageName, name = "weights") {
  const path = join(folder, stage, `${name}.safetensors`);
  const { tensors, metadata } = await readSafetensors(path);
  for (const [key, value] of Object.entries(identityOf(manifest, stage)))
    if (metadata[key] !== value)
      throw new UserError(
        `${path} was not trained on the export in ${folder}: its ${key} is ${metadata[key] ?? "missing"}, not ${value}`,
      );
  if (stage !== "towers" && !(await digestsOfTowers(folder)).includes(metadata.towers))
    throw new UserError(
      `${path} goes on from other towers than ${join(folder, "towers")} holds: \`recsys export --stage ranker\` again, and train again`,
    );
  return { path, tensors, metadata, losses: numbersOf(metadata.losses), steps: Number(metadata.steps ?? 0) };
}

/** sha256 of the weights of towers that a folder holds, of one start or two. */
async function digestsOfTowers(folder: string): Promise<string[]> {
  const names = (await readdir(join(folder, "towers"))).filter((name) => /^weights.*\.safetensors$/.test(name));
  return await Promise.all(names.map(async (name) => (await factsOf(join(folder, "towers", name))).sha256));
}

function numbersOf(json: string | undefined): number[] {
  return json === undefined ? [] : JSON.parse(json);
}

/** A table in the numbers of the community as it is now: who is gone is left out, and who is new has learned nothing. */
async function inNumbersOf(
  community: Community,
  table: EmbeddingTable,
  kind: "users" | "posts",
  folder: string,
  manifest: Manifest,
): Promise<EmbeddingTable> {
  const { ids } = community[kind];
  if (digestOfIds(ids) === manifest[`${kind}_digest`]) return table;
  const numbers = new Map(ids.map((id, number) => [id, number]));
  const values = new Float32Array(ids.length * dimensions);
  for (const { number, id } of await exportedIds(folder, kind)) {
    const now = numbers.get(id);
    if (now !== undefined)
      values.set(table.weights.values.subarray(number * dimensions, (number + 1) * dimensions), now * dimensions);
  }
  return new EmbeddingTable(ids.length, dimensions, values);
}

async function exportedIds(folder: string, kind: "users" | "posts"): Promise<{ number: number; id: string }[]> {
  const idColumn = { users: "user_id", posts: "post_id" }[kind];
  const names = (await readdir(join(folder, "towers"))).filter((name) => new RegExp(`^${kind}(\\.|$)`).test(name));
  const found: { number: number; id: string }[] = [];
  for (const name of names.filter((each) => each.endsWith(".parquet"))) {
    const file = await asyncBufferFromFile(join(folder, "towers", name));
    for (const row of await parquetReadObjects({ file, columns: ["number", idColumn] }))
      found.push({ number: row.number, id: row[idColumn] });
  }
  return found;
}
