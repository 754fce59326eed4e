/**
 * A trained model as a folder: model.json, three ONNX graphs, ID embeddings, neighbours of posts; for the gate, samples of the
 * trainer's answers, and the towers before they learned from the held-out requests. `train` writes it, `publish` reads it.
 */
import { createHash } from "node:crypto";
import { lstat, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { z } from "zod";
import { UserError } from "../../../db/user-error.ts";
import { featureSpecDigest, featureSpecOf } from "../../../supabase/functions/_shared/features/feature-spec.ts";
import { type Head, isHeadList, kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import {
  contracts,
  contractsOf,
  type GraphName,
  graphNames,
} from "../../../supabase/functions/_shared/models/contracts.ts";
import { tokenRowsOf } from "../../../supabase/functions/_shared/models/token-rows.ts";
import type { IdNeighbours } from "../../data/replay/neighbours.ts";
import { assertContract } from "../onnx/contract.ts";
import { type IdEmbeddings, readIdEmbeddings, writeIdEmbeddings } from "./id-embeddings.ts";
import { readNeighboursFile, writeNeighboursFile } from "./neighbours-file.ts";
import { readRegular } from "./read-regular.ts";
import { type Sample, samplesFromJson, samplesToJson } from "./samples.ts";
import type { HoldoutTowers } from "./trained-model.ts";

/** What a model's graphs may weigh together: they travel to every fresh worker of an Edge Function. */
const maximumBytes = 5_000_000;

/** From 1970 on; a clock may be ahead by a day. */
const time = z.iso.datetime().refine((iso) => Date.parse(iso) >= 0 && Date.parse(iso) <= Date.now() + 86_400_000);

const description = z.object({
  // it stands in lines of logs and in the pages of the console
  name: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^\p{C}\u2028\u2029]+$/u),
  /** recsys.settings.community_id of the database it was trained on. */
  community: z.guid(),
  trained_at: time,
  /** What happened before this instant it learned from. */
  learned_until: time,
  held_back_from: time,
  seed: z.number().int(),
  backend: z.string().max(40),
  feature_spec_digest: z.string(),
  heads: z
    .array(z.string())
    .refine(isHeadList)
    .default([...kinds]),
  metrics: z.record(z.string(), z.unknown()),
  /** Whose vectors of posts, and of users, it reads; left out: none. */
  vectors: z
    .object({
      basis: z.string().max(64),
      encoder: z.string().max(200),
      dimension: z.int().min(2).max(4096),
      users: z.literal(true).optional(),
    })
    .optional(),
  /** How the features of what the ranker learned from are distributed, in their order; empty where it is not known. */
  training_features: z.array(
    z.object({ feature: z.string(), edges: z.array(z.number()), shares: z.array(z.number()) }),
  ),
  sha256: z.record(z.enum(graphNames), z.string()),
});
/** What model.json has not had from the start. */
const newer = ["community", "learned_until", "held_back_from", "training_features"];

const heldBackGraphs = ["user_tower", "post_tower"] as const;

/** What model.json says, but for what follows from the rest of the folder. */
type Description = Omit<z.infer<typeof description>, "held_back_from" | "feature_spec_digest" | "sha256" | "heads"> & {
  /** What its ranker predicts. */
  heads: Head[];
};

export interface ModelFolder extends Description {
  graphs: Record<GraphName, Uint8Array>;
  userIdEmbeddings: IdEmbeddings;
  postIdEmbeddings: IdEmbeddings;
  /** Empty: it has none. */
  neighbours: IdNeighbours;
  heldBack: HoldoutTowers;
  samples: Sample[];
}

/** Writes a model whole or not at all: into a folder next to it, which is then renamed. Throws where a graph breaks the contract. */
export async function writeModelFolder(folder: string, model: ModelFolder): Promise<void> {
  assertGraphs(model.graphs, model.heads);
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await writeTowers(partial, model);
  await writeTowers(join(partial, "held-back"), model.heldBack);
  const { graphs, userIdEmbeddings, postIdEmbeddings, neighbours, heldBack, samples, ...described } = model;
  const json = {
    ...described,
    held_back_from: new Date(heldBack.from).toISOString(),
    feature_spec_digest: await featureSpecDigest(),
    sha256: Object.fromEntries(graphNames.map((graph) => [graph, sha256(graphs[graph])])),
    feature_spec: featureSpecOf(tokenRowsOf(model.graphs.post_tower), model.vectors),
  };
  await writeFile(join(partial, "samples.json"), samplesToJson(samples));
  await writeFile(join(partial, "model.json"), `${JSON.stringify(json, null, 2)}\n`);
  await rename(partial, folder);
}

/** Reads and verifies a model; throws a `UserError` that names the file and the cure. */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const json = await readDescription(folder);
  if (json.feature_spec_digest !== (await featureSpecDigest())) {
    throw new UserError(`${folder} was trained for other features than this version computes: train again`);
  }
  const bytes = {} as Record<GraphName, Uint8Array>;
  for (const graph of graphNames) {
    bytes[graph] = await readRegular(join(folder, `${graph}.onnx`)).catch(() => {
      throw damaged(folder, `${graph}.onnx`);
    });
    if (sha256(bytes[graph]) !== json.sha256[graph]) throw damaged(folder, `${graph}.onnx`);
  }
  try {
    assertGraphs(bytes, json.heads);
    const heldBack = await readHeldBack(join(folder, "held-back"), Date.parse(json.held_back_from));
    const written = (await readRegular(join(folder, "samples.json"))).toString();
    const samples = parseJson(written) === undefined ? undefined : samplesFromJson(written);
    if (!samples) throw new Error("samples.json");
    return { ...json, graphs: bytes, ...(await readEmbeddings(folder)), heldBack, samples };
  } catch (error) {
    // of a file that is missing the name, of one that is no JSON what stands in it is left out
    const { message, path } = error as NodeJS.ErrnoException;
    throw damaged(folder, path ? `${relative(folder, path)} is missing` : message.split("\n")[0]);
  }
}

async function writeTowers(
  folder: string,
  { graphs, userIdEmbeddings, postIdEmbeddings, neighbours }: Omit<HoldoutTowers, "from">,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [graph, bytes] of Object.entries(graphs)) await writeFile(join(folder, `${graph}.onnx`), bytes);
  await writeIdEmbeddings(join(folder, "user-id-embeddings"), userIdEmbeddings);
  await writeIdEmbeddings(join(folder, "post-id-embeddings"), postIdEmbeddings);
  await writeNeighboursFile(join(folder, "neighbours.ndjson"), neighbours);
}

async function readEmbeddings(folder: string) {
  const userIdEmbeddings = await readIdEmbeddings(join(folder, "user-id-embeddings"));
  const postIdEmbeddings = await readIdEmbeddings(join(folder, "post-id-embeddings"));
  return {
    userIdEmbeddings,
    postIdEmbeddings,
    neighbours: await readNeighboursFile(join(folder, "neighbours.ndjson")),
  };
}

async function readHeldBack(folder: string, from: number): Promise<HoldoutTowers> {
  if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is no folder`);
  const [user_tower, post_tower] = await Promise.all(
    heldBackGraphs.map(async (graph) => {
      const bytes = await readRegular(join(folder, `${graph}.onnx`));
      assertContract(bytes, contracts[graph]);
      return bytes;
    }),
  );
  return { from, graphs: { user_tower, post_tower }, ...(await readEmbeddings(folder)) };
}

/** The newest of the models in `parent` that were trained on a community; undefined where there is none. */
export async function newestModelFolder(parent: string, community: string): Promise<string | undefined> {
  const names = await readdir(parent).catch(() => []);
  // their names begin with the time of training
  for (const name of names
    .filter((each) => !each.endsWith(".partial"))
    .sort()
    .reverse()) {
    const folder = join(parent, name);
    const description = await readDescription(folder).catch(() => undefined);
    if (description?.community === community) return folder;
  }
  return undefined;
}

/** What model.json says; throws a `UserError` where it is missing, damaged or of an older version. */
export async function readDescription(folder: string): Promise<z.infer<typeof description>> {
  const bytes = await readRegular(join(folder, "model.json")).catch(() => {
    throw new UserError(`${folder} holds no model.json: name a folder that \`recsys train\` wrote`);
  });
  const parsed = description.safeParse(parseJson(bytes.toString()));
  if (!parsed.success) {
    const isOlder = parsed.error.issues.every(
      ({ path, code }) => code === "invalid_type" && newer.includes(path[0] as string),
    );
    if (isOlder) throw new UserError(`the model in ${folder} was written by an older version: train again`);
    throw damaged(folder, "model.json");
  }
  return parsed.data;
}

/** sha256 in hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function assertGraphs(bytes: Record<GraphName, Uint8Array>, heads: readonly Head[]): void {
  const contracts = contractsOf(heads);
  for (const graph of graphNames) assertContract(bytes[graph], contracts[graph]);
  assertSize(bytes);
}

/** Throws where the graphs weigh more than a function should have to load. */
export function assertSize(bytes: Record<GraphName, Uint8Array>): void {
  const total = graphNames.reduce((sum, graph) => sum + bytes[graph].length, 0);
  if (total > maximumBytes) throw new Error(`the graphs weigh ${total} bytes together, more than ${maximumBytes}`);
}

function damaged(folder: string, what: string): UserError {
  return new UserError(`the model in ${folder} is damaged (${what}): train again`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
