/** Models that were trained before, to be evaluated as they would serve: out of folders, or published. */
import { stat } from "node:fs/promises";
import type { Database } from "../../db/connect.ts";
import { readCommunityId } from "../../db/settings.ts";
import { UserError } from "../../db/user-error.ts";
import { AppError } from "../../supabase/functions/_shared/http/errors.ts";
import type { Community } from "../community/community.ts";
import { publishedModel } from "../gate/active-model.ts";
import { modelInMemory } from "../gate/model-in-memory.ts";
import type { RankOptions, ReplayedModel } from "../gate/ranked-requests.ts";
import { readModelFolder } from "../model-folder/model-folder.ts";

export interface GivenModel {
  name: string;
  /** Milliseconds since 1970; Infinity: not known. */
  learnedUntil: number;
  /** What it says of its training. */
  metrics: Record<string, unknown>;
  load(community: Community, watched: Pick<RankOptions, "onProgress" | "signal">): Promise<ReplayedModel>;
}

/**
 * Finds models by folder, name or number. Throws a `UserError` where there is none, two have one name, it is of another community, or it has
 * learned from what happened at or after `testFrom` (milliseconds): it would be asked what it was told.
 */
export async function givenModels(database: Database, wanted: string[], testFrom: number): Promise<GivenModel[]> {
  const community = await readCommunityId(database);
  const models: GivenModel[] = [];
  for (const each of wanted) {
    const isFolder = await stat(each).then(
      (found) => found.isDirectory(),
      () => false,
    );
    const model = isFolder ? await fromFolder(each, community) : await fromDatabase(database, each);
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

async function fromFolder(folder: string, community: string): Promise<GivenModel> {
  const model = await readModelFolder(folder);
  const { name } = model;
  if (model.community !== community)
    throw new UserError(`model ${name} was trained on another community than this one: train it here`);
  return {
    name,
    learnedUntil: Date.parse(model.learned_until),
    metrics: model.metrics,
    load: (loaded, watched) => modelInMemory(name, loaded, { ...model, dlrm: model.graphs.dlrm }, watched),
  };
}

async function fromDatabase(database: Database, wanted: string): Promise<GivenModel> {
  const { rows } = await database.pool.query(
    `select model_id, name, feature_spec_digest, learned_until, metrics from recsys.models
     where (name = $1 or model_id::text = $1) and status in ('ready', 'active', 'retired', 'rolled_back')`,
    [wanted],
  );
  if (rows.length === 0) {
    const { rows: all } = await database.pool.query(
      "select name from recsys.models where status in ('ready', 'active', 'retired', 'rolled_back') order by model_id desc limit 5",
    );
    const names = all.map(({ name }) => name).join(", ") || "none";
    throw new UserError(`${wanted} is neither a folder nor a published model: published are ${names}`);
  }
  const { model_id, name, feature_spec_digest, learned_until, metrics } = rows[0];
  return {
    name,
    learnedUntil: learned_until?.getTime() ?? Number.POSITIVE_INFINITY,
    metrics,
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
