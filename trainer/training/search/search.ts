/**
 * Many trainings, each with other hyperparameters, on the same data: which is best on its held-out requests. Each leaves a model in a folder
 * of its own, so a search that was stopped goes on where it was, and the best can be published as it is.
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import { readCommunityId } from "../../../db/settings.ts";
import { UserError } from "../../../db/user-error.ts";
import { readDescription } from "../../artifacts/model-folder/model-folder.ts";
import { inOrder, readRuns, type TrainedRun } from "../../artifacts/model-folder/runs.ts";
import { type Backend, startBackend } from "../../models/nn/backend.ts";
import { settledUntil, type TrainingContext, train } from "../../train-into-folder.ts";
import { type Config, configDigest } from "../config/config.ts";
import { configsOf, drawsOf, gridOf, type SearchTrial, type Space } from "./space.ts";

interface SearchOptions {
  space: Space;
  /** What is tried is changed in this. */
  config: Config;
  /** How many draws; without, all combinations. */
  draws?: number | undefined;
  seed: number;
  backend?: Backend | undefined;
  until?: Date | undefined;
  out: string;
}

/** Trains whatever is not trained yet, and returns all trials of the search, the best by MRR first. Throws a `UserError` where the folder holds another search. */
export async function search(context: TrainingContext, options: SearchOptions): Promise<TrainedRun[]> {
  const { space, config, draws, seed, out } = options;
  const trials = draws === undefined ? gridOf(space) : drawsOf(space, draws, seed, config);
  const configs = configsOf(trials, config);
  const backend = await startBackend(options.backend);
  const community = await readCommunityId(context.database);
  const settled = await settledUntil(context.database);
  const identity = {
    space,
    how: draws === undefined ? "grid" : "draws",
    config: configDigest(config),
    seed,
    backend,
    community,
    until: options.until?.toISOString() ?? null,
  };
  const learnedUntil = await openSearch(out, identity, Math.min(settled, options.until?.getTime() ?? settled));
  for (const [i, trial] of trials.entries()) {
    const folder = join(out, trialName(i));
    if (await readDescription(folder).catch(() => undefined)) continue;
    // what cannot be read is in the way of what can
    await rm(folder, { recursive: true, force: true });
    context.print(`${i + 1} of ${trials.length}: ${trialText(trial)}`);
    await train(context, { seed, backend, config: configs[i], learnedUntil, folderOf: () => folder });
  }
  const { runs } = await readRuns(out);
  const ofSearch = runs.filter(({ folder }) => folder < trialName(trials.length));
  const best = inOrder(ofSearch, "mrr");
  await writeFile(join(out, "best.yaml"), stringify(nested(best[0].config)));
  return best;
}

/** Notes what is searched, or goes on with what was noted; the instant up to which all trials learn. */
async function openSearch(out: string, identity: object, learnedUntil: number): Promise<number> {
  const path = join(out, "search.json");
  const found = await readFile(path, "utf8").catch(() => undefined);
  if (found === undefined) {
    await mkdir(out, { recursive: true });
    await writeFile(`${path}.partial`, `${JSON.stringify({ ...identity, learnedUntil }, null, 2)}\n`);
    await rename(`${path}.partial`, path);
    return learnedUntil;
  }
  const noted = parsed(found);
  const others = Object.entries(identity).filter(([name, value]) => !isDeepStrictEqual(noted?.[name], value));
  if (!noted || others.length > 0)
    throw new UserError(
      `${out} holds another search (${noted ? `other ${others.map(([name]) => name).join(", ")}` : "search.json is damaged"}): name another folder, or ask for the same again to go on with it`,
    );
  return noted.learnedUntil;
}

function parsed(text: string): { learnedUntil: number; [name: string]: unknown } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Names in the order of the trials; five digits hold any grid. */
function trialName(i: number): string {
  return `trial-${String(i + 1).padStart(5, "0")}`;
}

function trialText(trial: SearchTrial): string {
  return Object.entries(trial)
    .map(([path, value]) => `${path}=${JSON.stringify(value)}`)
    .join(" ");
}

/** Values by path as a config file has them. */
function nested(values: Record<string, unknown>): object {
  const out: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const names = path.split(".");
    const last = names.pop() as string;
    let at = out;
    for (const name of names) {
      at[name] ??= {};
      at = at[name] as Record<string, unknown>;
    }
    at[last] = value;
  }
  return out;
}
