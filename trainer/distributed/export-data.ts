/** A whole export: the tables, and what the towers learn from; later, when the towers are trained, what the ranker learns from. */
import { join } from "node:path";
import type { Database } from "../../db/connect.ts";
import type { OnProgress, WorkContext } from "../../db/progress.ts";
import { reading } from "../../db/reading.ts";
import { readCommunityId, readScoreWeights } from "../../db/settings.ts";
import { UserError } from "../../db/user-error.ts";
import { categoryRows } from "../../supabase/functions/_shared/features/categories.ts";
import { featureSpecDigest, type VectorSpec } from "../../supabase/functions/_shared/features/feature-spec.ts";
import { buildRankerExamples } from "../build-ranker-examples.ts";
import { preparedVectors, prepareVectors, vectorSpecOf } from "../data/app-embeddings/prepare-vectors.ts";
import { withVectors } from "../data/app-embeddings/read-vectors.ts";
import type { Community } from "../data/replay/community.ts";
import { communityFromDatabase, type LoadedCommunity, trainingEvents } from "../data/replay/from-database.ts";
import { rollUpAll } from "../data/replay/roll-up.ts";
import { Random } from "../models/nn/random.ts";
import { factorisedTowers } from "../models/towers/als-init.ts";
import { trainBestTowers } from "../models/towers/best-towers.ts";
import { newTowers, TowerData } from "../models/towers/model.ts";
import { informativePages } from "../models/towers/pairwise-page-accuracy.ts";
import { factsOf } from "../storage/parquet-file.ts";
import { settledUntil } from "../train-into-folder.ts";
import { dlrmOptionsOf } from "../train-ranker.ts";
import type { Config } from "../training/config/config.ts";
import { type Plan, planTraining, trainingScopeOf } from "../training-plan.ts";
import { fromFactors, trainedElsewhere, withoutPostIds } from "./imported-model.ts";
import { digestOfIds, type Manifest, type ManifestHead, readManifest, writeManifest } from "./manifest.ts";
import { writeRankerStage } from "./ranker-stage.ts";
import type { ExampleFiles } from "./row-groups.ts";
import type { Shard } from "./shard.ts";
import { identityOf, type StageName } from "./stage.ts";
import { exportTables } from "./tables.ts";
import { writeTowerStage } from "./tower-stage.ts";

export interface ExportContext extends WorkContext {
  print(line: string): void;
}

export interface ExportOptions {
  folder: string;
  shard: Shard;
  /** Of interactions and impressions; default: from the beginning. */
  from?: Date | undefined;
  /** What happened before it is exported and learned from; default: all that has settled. */
  to?: Date | undefined;
  seed: number;
  config: Config;
}

/** Exports the tables, and what the towers learn from where there is enough to learn from. */
export async function exportData(context: ExportContext, options: ExportOptions): Promise<void> {
  const { database, onProgress, signal, print } = context;
  const { folder, shard, from, seed, config } = options;
  const settled = await settledUntil(database);
  const to = Math.floor(Math.min(settled, options.to?.getTime() ?? settled));
  await rollUpAll(database, onProgress, signal);
  const prepared = await prepareVectors(database.pool, onProgress, { signal });
  const vectors = prepared ? vectorSpecOf(prepared) : null;
  const loaded = await communityToExport(database, onProgress, vectors);
  const head = await headOf(database, loaded.community, { from, to, seed, config, vectors });
  const files: ExampleFiles = { folder, shard, facts: {}, onProgress, signal };
  const bounds = { folder, shard, from: from?.getTime() ?? Number.NEGATIVE_INFINITY, to, onProgress, signal };
  Object.assign(files.facts, await reading(database, (client) => exportTables(client, bounds)));
  const plan = planOrReason(loaded, { seed, config, until: to });
  if (typeof plan === "string") print(`there are no examples: ${plan}`);
  else await writeFirstStage(files, loaded, plan, head);
  await writeManifest(folder, shard, head, files.facts);
}

/** What the towers begin from: at zero, where pages tell once more without ID embeddings of posts, and where the model has neighbours of posts at the factors of ALS. */
async function writeFirstStage(files: ExampleFiles, loaded: LoadedCommunity, plan: Plan, head: ManifestHead) {
  const { community } = loaded;
  const { towers: options, cameTo, requests } = plan;
  const data = new TowerData(community, options);
  const towers = newTowers(community, data, options.until, options, new Random(options.seed));
  const factors = plan.neighbours && factorisedTowers(community, cameTo, options).towers;
  const starts = {
    start: towers,
    ...(informativePages(requests).length > 0 && { [`start${withoutPostIds}`]: towers }),
    ...(factors && { [`start${fromFactors}`]: factors }),
  };
  const stage = { name: "towers" as const, identity: identityOf(head, "towers"), options, starts, towers };
  await writeTowerStage(files, community, data, stage);
}

/** Exports what the ranker learns from, and what the towers are fine-tuned on: with the towers that were trained on the first half of the export. */
export async function exportForRanker(context: ExportContext, folder: string, shard: Shard): Promise<void> {
  const { database, onProgress, signal } = context;
  const manifest = await readManifest(folder);
  const { config, seed } = manifest;
  await requireCommunity(database, manifest);
  await preparedVectors(database.pool, manifest.vectors, onProgress, signal);
  const loaded = await communityToExport(database, onProgress, manifest.vectors);
  const { community } = loaded;
  const head = await headOf(database, community, headOptionsOf(manifest));
  for (const kind of ["users", "posts"] as const)
    if (head[`${kind}_digest`] !== manifest[`${kind}_digest`])
      throw new UserError(`there are other ${kind} than when ${folder} was exported: export again from the start`);
  const until = Date.parse(manifest.to);
  const plan = planTraining(loaded, trainingScopeOf(loaded, { seed, config, until }), { seed, config });
  const trainers = trainedElsewhere(folder, manifest);
  const towers = await trainBestTowers(loaded, plan, trainers, onProgress, signal);
  const files: ExampleFiles = { folder, shard, facts: {}, onProgress, signal };
  const options = {
    seed,
    until,
    config,
    scoreWeights: await readScoreWeights(database),
    onProgress,
    signal,
  };
  const from = trainers.pathOf(towers) as string;
  const { sha256 } = await factsOf(join(folder, `${from}.safetensors`));
  const ofStage = (stage: StageName) => ({ ...identityOf(head, stage), towers: sha256 });
  const retrieving = { ...towers, neighbours: plan.neighbours };
  const { examples, parts } = await buildRankerExamples(loaded, plan.requests, plan.heads, retrieving, options);
  await writeRankerStage(files, examples, parts, dlrmOptionsOf(plan.requests, options), ofStage("ranker"));
  await writeTowerStage(files, community, towers.data, {
    name: "fine-tuning",
    identity: ofStage("fine-tuning"),
    options: plan.fineTuning,
    starts: { from },
    towers: towers.towers,
  });
  await writeManifest(folder, shard, head, files.facts, "manifest-ranker");
}

/** Throws a `UserError` where an export is of another community than the database holds. */
export async function requireCommunity(database: Database, { community }: Manifest): Promise<void> {
  if ((await readCommunityId(database)) !== community)
    throw new UserError("this was exported from the database of another community: name that one with --database");
}

async function communityToExport(
  database: Database,
  onProgress: OnProgress,
  vectors: VectorSpec | null,
): Promise<LoadedCommunity> {
  const loaded = await communityFromDatabase(database, onProgress, trainingEvents);
  return { ...loaded, community: await withVectors(database, loaded.community, vectors) };
}

interface HeadOptions {
  from?: Date | undefined;
  /** Milliseconds since 1970. */
  to: number;
  seed: number;
  config: Config;
  vectors: VectorSpec | null;
}

function headOptionsOf({ from, to, seed, config, vectors }: Manifest): HeadOptions {
  return { from: from === null ? undefined : new Date(from), to: Date.parse(to), seed, config, vectors };
}

async function headOf(
  database: Database,
  { users, posts }: Community,
  { from, to, seed, config, vectors }: HeadOptions,
): Promise<ManifestHead> {
  return {
    community: await readCommunityId(database),
    feature_spec_digest: await featureSpecDigest(),
    from: from?.toISOString() ?? null,
    to: new Date(to).toISOString(),
    seed,
    config,
    vectors,
    vocabulary: {
      tokens: config.towers.tokenRows,
      users: users.ids.length,
      posts: posts.ids.length,
      categories: categoryRows,
    },
    users_digest: digestOfIds(users.ids),
    posts_digest: digestOfIds(posts.ids),
  };
}

function planOrReason(
  loaded: LoadedCommunity,
  options: { seed: number; config: Config; until: number },
): Plan | string {
  try {
    return planTraining(loaded, trainingScopeOf(loaded, options), options);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
