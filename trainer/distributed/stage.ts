/** A stage of a training as a folder: its examples, and stage.json with all that a trainer needs to know besides. It leaves `weights.safetensors` there. */

import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../db/user-error.ts";
import { isHeadList } from "../../supabase/functions/_shared/features/kinds.ts";
import type { Matrix } from "../models/nn/dense.ts";
import { factsOf } from "../storage/parquet-file.ts";
import { configDigest } from "../training/config/config.ts";
import type { ManifestHead } from "./manifest.ts";
import type { ExampleFiles } from "./row-groups.ts";
import { writeSafetensors } from "./safetensors.ts";

/** The folders of the stages, in the order in which they are trained. */
export const stageNames = ["towers", "ranker", "fine-tuning"] as const;
export type StageName = (typeof stageNames)[number];

/** What a trainer copies into the metadata of its weights, so that they come back to the data that they were trained on. */
export interface StageIdentity {
  stage: StageName;
  community: string;
  feature_spec_digest: string;
  /** sha256 of all hyperparameters. */
  config_digest: string;
  /** Of the posts' own vectors, of models that read them. */
  basis?: string;
  /** Where it is not posts alone. */
  vectors_of?: string;
  users_digest: string;
  posts_digest: string;
  to: string;
  /** sha256 of the weights of the towers that the stage goes on from; not of the first stage. */
  towers?: string;
}

export function identityOf(
  { community, feature_spec_digest, config, vectors, users_digest, posts_digest, to }: ManifestHead,
  stage: StageName,
): StageIdentity {
  const basis = vectors ? { basis: vectors.basis, ...(vectors.users && { vectors_of: "posts and users" }) } : {};
  return {
    stage,
    community,
    feature_spec_digest,
    config_digest: configDigest(config),
    ...basis,
    users_digest,
    posts_digest,
    to,
  };
}

/** Writes what a stage starts from, and stage.json: the first shard's work, since all would write the same. */
export async function writeStage(
  { folder, shard, facts }: ExampleFiles,
  name: StageName,
  starts: Record<string, Record<string, Matrix>>,
  stage: object,
): Promise<void> {
  if (shard.number > 1) return;
  const path = `${name}/stage.json`;
  for (const [start, weights] of Object.entries(starts)) {
    const file = `${name}/${start}.safetensors`;
    await writeSafetensors(join(folder, file), weights);
    facts[file] = await factsOf(join(folder, file));
  }
  await writeFile(join(folder, `${path}.partial`), `${JSON.stringify(stage, null, 2)}\n`);
  await rename(join(folder, `${path}.partial`), join(folder, path));
  facts[path] = await factsOf(join(folder, path));
}

/** The part of a stage that an import of its weights reads. */
const stageSchema = z.object({ inputs: z.object({ heads: z.array(z.string()).refine(isHeadList) }) });

/** Reads the ranker's stage; throws a `UserError` where there is none. */
export async function readRankerStage(folder: string): Promise<z.output<typeof stageSchema>> {
  const path = join(folder, "ranker", "stage.json");
  const text = await readFile(path, "utf8").catch(() => {
    throw new UserError(`there is no ${path}: \`recsys export --out ${folder} --stage ranker\` writes it`);
  });
  try {
    return stageSchema.parse(JSON.parse(text));
  } catch {
    throw new UserError(`${path} is damaged: export again`);
  }
}
