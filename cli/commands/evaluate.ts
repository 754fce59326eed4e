/** `recsys evaluate`: how good the system is on a community's own history, compared with simple baselines. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { importBundle } from "../../db/import/import-bundle.ts";
import { readScoreWeights } from "../../db/settings.ts";
import { UserError } from "../../db/user-error.ts";
import { prepareVectors, vectorSpecOf } from "../../trainer/data/app-embeddings/prepare-vectors.ts";
import { withVectors } from "../../trainer/data/app-embeddings/read-vectors.ts";
import type { Community } from "../../trainer/data/replay/community.ts";
import { communityFromDatabase } from "../../trainer/data/replay/from-database.ts";
import { evaluateCut, evaluateReplay } from "../../trainer/evaluation/evaluate.ts";
import { evaluateModels } from "../../trainer/evaluation/evaluate-models.ts";
import { givenModels } from "../../trainer/evaluation/given-models.ts";
import { evaluateIdeas } from "../../trainer/evaluation/ideas/evaluate-ideas.ts";
import { defaultWindow } from "../../trainer/evaluation/protocols/replay.ts";
import { overSeedsOf, overSeedsTable, writeOverSeeds } from "../../trainer/evaluation/report/over-seeds.ts";
import type { EvaluationReport } from "../../trainer/evaluation/report/report.ts";
import { StepMeter } from "../../trainer/evaluation/report/step-meter.ts";
import { type Backend, startBackend } from "../../trainer/models/nn/backend.ts";
import type { Config } from "../../trainer/training/config/config.ts";
import { readConfig } from "../../trainer/training/config/config-file.ts";
import { requireFolder } from "./out-folder.ts";
import { type CommandContext, type DatabaseOption, inDatabase } from "./with-database.ts";

export interface EvaluateOptions extends DatabaseOption {
  data?: string;
  protocol: "replay" | "cut" | "ideas";
  seed: number[];
  backend?: Backend;
  validFrom?: Date;
  testFrom?: Date;
  sample?: number;
  split?: "random" | Date;
  out?: string;
  config?: string;
  /** Folders, names or numbers of models that were trained before; without them a model is trained. */
  model?: string[];
}

/** Options that mean nothing to another protocol, and the protocols they belong to. */
const belongsTo = {
  model: ["replay"],
  validFrom: ["replay"],
  testFrom: ["replay", "ideas"],
  sample: ["replay"],
  split: ["cut"],
} satisfies Partial<Record<keyof EvaluateOptions, EvaluateOptions["protocol"][]>>;

/** The split of a cut is the same for every seed, so that seeds differ in the models alone. */
const splitSeed = 42;

/** Evaluates on the database, or on a bundle that is imported into a database made for it and removed afterwards. */
export async function evaluateCommand(options: EvaluateOptions): Promise<void> {
  const { data } = options;
  const meter = new StepMeter();
  if (data !== undefined && options.database !== undefined) {
    throw new UserError("--data and --database exclude each other: a bundle is evaluated in a database of its own");
  }
  for (const [name, protocols] of Object.entries(belongsTo) as [keyof typeof belongsTo, string[]][]) {
    const option = `--${name.replace("From", "-from")}`;
    if (options[name] !== undefined && !protocols.includes(options.protocol))
      throw new UserError(`${option} goes with --protocol ${protocols.join(" or ")}: leave it out, or name that`);
  }
  for (const [option, value] of Object.entries({ "--config": options.config, "--backend": options.backend }))
    if (options.model && value !== undefined)
      throw new UserError(`${option} says how to train, and with --model nothing is trained: leave out one`);
  const config = await readConfig(options.config);
  await requireFolder(options.out);
  const folder = data === undefined ? undefined : await mkdtemp(join(tmpdir(), "recsys-evaluate-"));
  try {
    await inDatabase(options, folder === undefined ? {} : { folder }, async (running) => {
      const { database, signal } = running;
      const onProgress = meter.watch(running.onProgress);
      if (data !== undefined) await importBundle(database, data, { onProgress, signal });
      await evaluate({ ...running, onProgress }, options, meter, config);
    });
  } finally {
    await meter.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function evaluate(
  { database, onProgress, signal, print }: CommandContext,
  options: EvaluateOptions,
  meter: StepMeter,
  config: Config,
): Promise<void> {
  const { seed: seeds, out, protocol } = options;
  const backend = options.model ? undefined : await startBackend(options.backend);
  meter.begin("reading the timeline");
  const loaded = await communityFromDatabase(database, onProgress);
  // a bundle says nothing of who may read what: the policies of the example app are not its community's
  if (options.data !== undefined) loaded.community.readable = undefined;
  const scoreWeights = await readScoreWeights(database);
  if (loaded.community.interactions.at.length === 0) {
    throw new UserError("there are no interactions to evaluate on: import a community first");
  }
  loaded.community = await communityWithVectors(loaded.community, { database, onProgress, signal }, options);
  if (protocol === "ideas") {
    const { testFrom } = windowOf(loaded.community, options);
    const text = await evaluateIdeas(loaded.community, { testFrom, seeds, out }, { config, onProgress, signal });
    print(
      `audiences of what was written from ${new Date(testFrom).toISOString()} on (${backend}, seeds of the towers ${seeds.join(", ")})\n\n${text}\n`,
    );
    if (out !== undefined) print(`forecasts.ndjson and metrics.json are in ${out}`);
    return;
  }
  const before = meter.end();
  const reports: EvaluationReport[] = [];
  for (const seed of seeds) {
    meter.restart(before);
    const folder = out === undefined || seeds.length === 1 ? out : join(out, `seed-${seed}`);
    const evaluation = {
      database,
      meter,
      pipeline: { seed, scoreWeights, config, onProgress, signal },
      out: folder,
    };
    if (protocol === "replay") {
      const { validFrom, testFrom } = windowOf(loaded.community, options);
      const window = { validFrom, testFrom, sample: options.sample ?? 1000, seed };
      const models = options.model && (await givenModels(database, loaded, options.model, testFrom));
      const { text, report } = models
        ? await evaluateModels(loaded, window, models, evaluation)
        : await evaluateReplay(loaded, window, evaluation);
      reports.push(report);
      const how = models
        ? `models trained before (sample ${seed})`
        : `trained on the time before (${backend}, seed ${seed})`;
      print(`live replay from ${new Date(testFrom).toISOString()} on, ${how}\n\n${text}\n`);
    } else {
      const { split: at = "random" } = options;
      const split = at === "random" ? at : at.getTime();
      const { text, report } = await evaluateCut(loaded.community, { split, seed: splitSeed }, evaluation);
      reports.push(report);
      print(`one cut, whole catalogue (${backend}, seed ${seed})\n\n${text}\n`);
    }
  }
  if (seeds.length > 1) {
    const overSeeds = overSeedsOf(seeds, reports);
    print(`seeds ${seeds.join(", ")}: mean (lowest to highest)\n\n${overSeedsTable(overSeeds)}\n`);
    if (out !== undefined) await writeOverSeeds(out, overSeeds);
  }
  if (out !== undefined) {
    print(
      `rankings, metrics.json and report.html are in ${out}${seeds.length > 1 ? ", those of each seed in a folder below it" : ""}`,
    );
  }
}

/** With the own vectors of posts and users; those of a bundle are reduced by what was written before the test, those of a database as a training does. */
async function communityWithVectors(
  community: Community,
  { database, onProgress, signal }: Pick<CommandContext, "database" | "onProgress" | "signal">,
  options: EvaluateOptions,
): Promise<Community> {
  const { split = "random" } = options;
  const testFrom = () => {
    if (options.protocol !== "cut") return windowOf(community, options).testFrom;
    return split === "random" ? undefined : split.getTime();
  };
  const until = options.data === undefined ? undefined : testFrom();
  const vectors = await prepareVectors(database.pool, onProgress, { until, signal });
  return await withVectors(database, community, vectors && vectorSpecOf(vectors));
}

/** The window asked for. */
function windowOf({ interactions }: Community, options: EvaluateOptions): { validFrom: number; testFrom: number } {
  const { at } = interactions;
  const byDefault = defaultWindow({ interactions });
  const testFrom = options.testFrom?.getTime() ?? byDefault.testFrom;
  const validFrom = options.validFrom?.getTime() ?? byDefault.validFrom;
  const last = at[at.length - 1];
  if (!(at[0] < testFrom && testFrom <= last)) {
    throw new UserError(
      `--test-from must lie between the first interaction (${new Date(at[0]).toISOString()}) and the last (${new Date(last).toISOString()})`,
    );
  }
  if (options.validFrom && validFrom >= testFrom)
    throw new UserError(
      `--valid-from (${new Date(validFrom).toISOString()}) must lie before the test begins (${new Date(testFrom).toISOString()}): name an earlier one, or a later --test-from`,
    );
  // of a test that begins early the default would lie in it
  return { validFrom: Math.min(validFrom, testFrom), testFrom };
}
