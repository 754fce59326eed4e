/** For tests: trainings whose stages are kept in `.recsys/test-models/`, for the next test or run that trains the same. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serialize } from "node:v8";
import { getBackend } from "@tensorflow/tfjs-core";
import type { Community } from "./data/replay/community.ts";
import type { Stages } from "./pipeline.ts";
import { type Config, defaultConfig } from "./training/config/config.ts";
import { Checkpoint } from "./training/queue/checkpoint.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const week = 7 * 86_400_000;

/** What a training depends on besides the code. */
export interface KeptTraining {
  community: Community;
  /** Default: what every hyperparameter is by default. */
  config?: Config | undefined;
  /** The seed, the end of its data, and everything else that changes the weights. */
  others: unknown;
}

/**
 * The stages of a training from scratch: as they were kept, or else as they are run, and kept then. Processes that train the same at the same time each
 * train it, and what the first of them leaves is kept. Trainings that no test has asked for in a week are removed.
 */
export function keptStages(training: KeptTraining, folder = join(repository, ".recsys/test-models")): Stages {
  const { community, config = defaultConfig } = training;
  const kept = join(folder, trainingDigest(training));
  const own = `${kept}-${process.pid}-${trainings++}`;
  let opened: Promise<Checkpoint> | undefined;
  const stages = async () => {
    opened ??= open(kept, own);
    return (await opened).stages(community, config);
  };
  return {
    towers: async (train) => await (await stages()).towers(train),
    ranker: async (train) => {
      const ranker = await (await stages()).ranker(train);
      // where another process was first, its folder is there
      await rename(own, kept).catch(() => rm(own, { recursive: true, force: true }));
      await removeUnused(folder);
      return ranker;
    },
  };
}

let trainings = 0;

/** Opens the kept training and marks it as used; without one, a folder of this process. */
async function open(kept: string, own: string): Promise<Checkpoint> {
  const identity = { community: "", request: 0, featureSpecDigest: "", configDigest: "", backend: "" };
  const now = new Date();
  const isKept = await utimes(kept, now, now).then(
    () => true,
    () => false,
  );
  return await Checkpoint.open(isKept ? kept : own, { ...identity, startedFrom: null, vectors: null }, 0);
}

async function removeUnused(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    // another process may remove it first
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (mtimeMs < Date.now() - week) await rm(path, { recursive: true, force: true });
  }
}

/** 24 hex digits that change with the code that trains, the backend, the config, the community and the others. */
export function trainingDigest(training: KeptTraining, code = digestOfCode()): string {
  const { community, config = defaultConfig, others } = training;
  return createHash("sha256")
    .update(code)
    .update(getBackend())
    .update(serialize({ community, config, others }))
    .digest("hex")
    .slice(0, 24);
}

let ofCode: string | undefined;

/** Of the sources of the trainer and of the features, without tests, and of the versions of packages. */
function digestOfCode(): string {
  ofCode ??= digestOfFiles(repository, [
    "package-lock.json",
    ...globSync("{trainer,supabase/functions/_shared}/**/*.ts", {
      cwd: repository,
      exclude: (name) => name.endsWith(".test.ts"),
    }).sort(),
  ]);
  return ofCode;
}

/** Changes with the name and the content of each file. */
export function digestOfFiles(root: string, files: string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}
