/** Models that were trained before, to be evaluated as they would serve: out of folders, or published. */
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { sql } from "kysely";
import type { Database } from "../../db/connect.ts";
import { readCommunityId } from "../../db/settings.ts";
import { UserError } from "../../db/user-error.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { AppError } from "../../supabase/functions/_shared/http/errors.ts";
import { type ModelFolder, readModelFolder } from "../artifacts/model-folder/model-folder.ts";
import { dataDigest } from "../artifacts/model-folder/provenance.ts";
import type { Community } from "../data/replay/community.ts";
import type { LoadedCommunity } from "../data/replay/from-database.ts";
import { publishedModel } from "../release/gate/active-model.ts";
import { modelInMemory } from "../release/gate/model-in-memory.ts";
import type { RankOptions, ReplayedModel } from "../release/gate/ranked-requests.ts";
import { replayBaselines } from "./baselines/all.ts";
import { fileName } from "./report/output.ts";

export interface GivenModel {
  name: string;
  /** What figures are under: the name of its folder; of a published model, and where a folder's is taken, the model's own. */
  label: string;
  /** Milliseconds since 1970; Infinity: not known. */
  learnedUntil: number;
  /** What it says of its training, with seed, backend and when it was trained. */
  metrics: Record<string, unknown>;
  load(community: Community, watched: Pick<RankOptions, "onProgress" | "signal">): Promise<ReplayedModel>;
}

/**
 * Finds models by folder, name or number. Throws a `UserError` where there is none, two have one name, it learned from other data than these, or it
 * has learned from what happened at or after `testFrom` (milliseconds): it would be asked what it was told.
 */
export async function givenModels(
  database: Database,
  loaded: LoadedCommunity,
  wanted: string[],
  testFrom: number,
): Promise<GivenModel[]> {
  const community = await readCommunityId(database);
  const models: GivenModel[] = [];
  const taken = replayBaselines({ users: 0, posts: 0 }).map(({ name }) => fileName(name));
  for (const each of wanted) {
    const isFolder = await stat(each).then(
      (found) => found.isDirectory(),
      () => false,
    );
    const model = isFolder ? await fromFolder(each, community, loaded) : await fromDatabase(database, each);
    // each has a file of its lists
    if (!fileName(model.label) || taken.includes(fileName(model.label))) model.label = model.name;
    taken.push(fileName(model.label));
    if (models.some(({ name }) => name === model.name)) throw new UserError(`model ${model.name} was given twice`);
    if (!(model.learnedUntil <= testFrom)) throw new UserError(knowsTheTest(model, testFrom));
    models.push(model);
  }
  return models;
}

function knowsTheTest({ name, learnedUntil }: GivenModel, testFrom: number): string {
  const test = `the test begins at ${new Date(testFrom).toISOString()}`;
  if (!Number.isFinite(learnedUntil))
    return `model ${name} does not say until when it learned, and ${test}: train again`;
  const until = new Date(learnedUntil).toISOString();
  return `model ${name} has learned from what happened until ${until}, and ${test}: give --test-from ${until} or later, or train it with --until`;
}

async function fromFolder(folder: string, community: string, loaded: LoadedCommunity): Promise<GivenModel> {
  const model = await readModelFolder(folder);
  const { name, seed, backend, trained_at } = model;
  if (model.community !== community && !learnedFromThese(model, loaded))
    throw new UserError(
      `model ${name} (${folder}) was trained on another community, or on more than is here: evaluate it on the database that it was trained on, or train it here`,
    );
  return {
    name,
    label: basename(resolve(folder)),
    learnedUntil: Date.parse(model.learned_until),
    metrics: { ...model.metrics, seed, backend, trained_at },
    load: (loaded, watched) => modelInMemory(name, loaded, { ...model, dlrm: model.graphs.dlrm }, watched),
  };
}

/** Whether what it learned from is here to the last event, though in another database: a bundle is the same community wherever it is imported. */
function learnedFromThese({ community, learned_until, metrics }: ModelFolder, loaded: LoadedCommunity): boolean {
  const { digest } = (metrics.data ?? {}) as { digest?: string };
  return digest !== undefined && dataDigest(loaded, community, Date.parse(learned_until)) === digest;
}

async function fromDatabase(database: Database, wanted: string): Promise<GivenModel> {
  const published = db.selectFrom("recsys.models").where("status", "in", ["ready", "active", "retired", "rolled_back"]);
  const named = published
    .select(["model_id", "name", "feature_spec_digest", "learned_until", "metrics"])
    .where((model) => model("name", "=", wanted).or(sql`${model.ref("model_id")}::text`, "=", wanted));
  const [found] = await run(database.pool, named);
  if (!found) {
    const all = await run(database.pool, published.select("name").orderBy("model_id", "desc").limit(5));
    const names = all.map(({ name }) => name).join(", ");
    const there =
      all.length > 0
        ? `published are ${names}`
        : "none is published in this database, so name a folder that `recsys train` wrote";
    throw new UserError(`${wanted || '""'} is neither a folder nor a published model: ${there}`);
  }
  const { model_id, name, feature_spec_digest, learned_until, metrics } = found;
  return {
    name,
    label: name,
    learnedUntil: learned_until?.getTime() ?? Number.POSITIVE_INFINITY,
    metrics: metrics as Record<string, unknown>,
    load: async (community) => {
      try {
        return await publishedModel(
          database,
          { id: model_id, name, featureSpecDigest: feature_spec_digest },
          community,
        );
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        throw new UserError(`model ${name} cannot serve (${error.message}): train again`);
      }
    },
  };
}
