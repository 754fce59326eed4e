/** `recsys evaluate`: how good is the system on a community's own history, beside what needs no model. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { importBundle } from "../../db/import/import-bundle.ts";
import { UserError } from "../../db/user-error.ts";
import { communityFromDatabase, type LoadedCommunity } from "../community/from-database.ts";
import { type Backend, startBackend } from "../engine/backend.ts";
import { LastActive } from "../evaluation/baselines/last-active.ts";
import { LastActiveWithAge } from "../evaluation/baselines/last-active-with-age.ts";
import { MostRecent } from "../evaluation/baselines/most-recent.ts";
import { Popularity } from "../evaluation/baselines/popularity.ts";
import { requestsOf } from "../evaluation/ranker-requests.ts";
import { rankerMetrics, rankerTable } from "../evaluation/ranker-rows.ts";
import { runReplay } from "../evaluation/replay.ts";
import { replayTable } from "../evaluation/replay-table.ts";
import { System, TowersAlone } from "../evaluation/system.ts";
import { type DatabaseOption, type Session, session } from "./session.ts";
import { readScoreWeights } from "./train.ts";

export interface EvaluateOptions extends DatabaseOption {
  data?: string;
  seed: number;
  backend?: Backend;
  validFrom?: Date;
  testFrom?: Date;
  sample: number;
}

/** Evaluates on the database, or on a bundle that is imported into a database made for it and removed afterwards. */
export async function evaluateCommand(options: EvaluateOptions): Promise<void> {
  const { data } = options;
  if (data !== undefined && options.database !== undefined) {
    throw new UserError("--data and --database exclude each other: a bundle is evaluated in a database of its own");
  }
  const folder = data === undefined ? undefined : await mkdtemp(join(tmpdir(), "recsys-evaluate-"));
  try {
    await session(options, folder === undefined ? {} : { folder }, async (running) => {
      if (data !== undefined) await importBundle(running.database, data, { onProgress: running.onProgress });
      await evaluate(running, options);
    });
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function evaluate({ database, onProgress, signal, print }: Session, options: EvaluateOptions): Promise<void> {
  const backend = await startBackend(options.backend);
  const loaded = await communityFromDatabase(database, onProgress);
  const { validFrom, testFrom } = splitOf(loaded, options);
  const { users, posts } = loaded.community;
  const sizes = { users: users.ids.length, posts: posts.ids.length };
  const scoreWeights = await readScoreWeights(database);
  const system = new System(loaded, { seed: options.seed, scoreWeights, onProgress, signal });
  const baselines = [
    new MostRecent(sizes),
    new LastActive(sizes),
    new LastActiveWithAge(),
    new Popularity(sizes),
    new Popularity(sizes, 7 * 24),
  ];
  const progress = {
    onProgress: (done: number, total: number) => {
      signal.throwIfAborted();
      onProgress({ step: "replaying", done, total });
    },
  };
  const recommenders = [system, new TowersAlone(system), ...baselines];
  const results = await runReplay(
    loaded.community,
    { validFrom, testFrom, sample: options.sample, seed: options.seed },
    recommenders,
    progress,
  );
  const day = (time: number) => new Date(time).toISOString().slice(0, 10);
  print(
    `live replay from ${day(testFrom)} on, ${results[0].events.length} events, trained on the time before (${backend}, seed ${options.seed})\n`,
  );
  print(`${replayTable(results, "last active with age")}\n`);
  print(rankerTable(rankerMetrics(system.lists, requestsOf(loaded, results[0].events, testFrom))));
}

/** The split asked for, or the last tenth of first touches as the test and the tenth before for validation. */
function splitOf({ community }: LoadedCommunity, options: EvaluateOptions): { validFrom: number; testFrom: number } {
  const { at } = community.interactions;
  if (at.length === 0) throw new UserError("there are no interactions to evaluate on: import a community first");
  const testFrom = options.testFrom?.getTime() ?? at[Math.floor(0.9 * at.length)];
  const validFrom = options.validFrom?.getTime() ?? at[Math.floor(0.8 * at.length)];
  const last = at[at.length - 1];
  if (!(at[0] < testFrom && testFrom <= last)) {
    throw new UserError(
      `--test-from must lie between the first interaction (${new Date(at[0]).toISOString()}) and the last (${new Date(last).toISOString()})`,
    );
  }
  return { validFrom: Math.min(validFrom, testFrom), testFrom };
}
