/** Runs both protocols with the system and every baseline: tables for the terminal, and files to recompute every number from. */
import type { Database } from "../../db/connect.ts";
import type { OnProgress } from "../../db/progress.ts";
import { kinds } from "../../supabase/functions/_shared/features/kinds.ts";
import type { Community } from "../community/community.ts";
import { firstInteractions } from "../community/first-interactions.ts";
import type { LoadedCommunity } from "../community/from-database.ts";
import type { PipelineOptions, TrainedModel } from "../pipeline.ts";
import { aboutData, aboutModel, aboutTraining } from "./about.ts";
import { type AnnRecall, annRecall } from "./ann-recall.ts";
import { cutBaselines, hardestBaseline, replayBaselines } from "./baselines/all.ts";
import type { GivenModel } from "./given-models.ts";
import { type Importance, permutationImportance } from "./importance.ts";
import { calibrationBins } from "./metrics/classification-metrics.ts";
import {
  type HeadMetrics,
  type HeadRows,
  headRows,
  type Outcome,
  rankerMetrics,
  sideBySide,
} from "./metrics/ranker-metrics.ts";
import { type CutOptions, runCut } from "./protocols/cut.ts";
import { type ReplayOptions, type ReplayResult, runReplay } from "./protocols/replay.ts";
import { rankerBaselines } from "./ranker-baselines/ranked-by.ts";
import { cutTable } from "./report/cut-table.ts";
import { writeCut, writeReplay } from "./report/output.ts";
import { pairedTable } from "./report/paired-table.ts";
import { rankerTable } from "./report/ranker-table.ts";
import { replayTable } from "./report/replay-table.ts";
import type { Report, ReportExtras } from "./report/report.ts";
import { type StepMeter, stepsLine } from "./report/step-meter.ts";
import { share } from "./report/table.ts";
import { requestsOf } from "./system/ranker-requests.ts";
import { ReplayedSystem } from "./system/replayed-system.ts";
import { System, TowersAlone } from "./system/system.ts";
import { SystemInCut } from "./system/system-in-cut.ts";
import { TowersInCut } from "./system/towers-in-cut.ts";
import { worstOf } from "./worst.ts";

const primary = "two-tower + DLRM";

/** What both protocols need. */
export interface Evaluation {
  /** For the check of the vector index; nothing stays in it. */
  database: Database;
  meter: StepMeter;
  pipeline: PipelineOptions;
  /** The folder to write to. */
  out?: string | undefined;
}

/** The result: tables for the terminal, and the whole report. */
export interface Evaluated {
  text: string;
  report: Report;
}

/** Protocol 1, live replay. */
export async function evaluateReplay(
  loaded: LoadedCommunity,
  options: ReplayOptions,
  { database, meter, pipeline, out }: Evaluation,
): Promise<Evaluated> {
  const replayed = new ReplayedSystem(loaded, pipeline);
  const system = new System(replayed, primary, keepEvery(loaded, options));
  const rankedBy = rankerBaselines(replayed, pipeline.seed);
  const recommenders = [system, ...rankedBy, new TowersAlone(replayed), ...replayBaselines(sizesOf(loaded.community))];
  const results = await runReplay(loaded.community, options, recommenders, {
    onProgress: ticking(pipeline, "replaying"),
    onTraining: beginning(pipeline),
  });
  meter.begin("metrics");
  const requests = requestsOf(loaded, results[0].events, options.testFrom);
  const lists = sideBySide([system, ...rankedBy].map((ranker) => ranker.lists));
  const rows = headRows(lists, requests);
  const heads = rankerMetrics(lists, rows);
  const ann = await checkIndex(database, meter, system);
  const importance = await importanceOf(system, requests, pipeline);
  meter.begin("report");
  const extras: ReportExtras = {
    ...lossesOf(replayed.model),
    heads: byHead(heads, rows),
    ann,
    importance,
    ...worstBeside(results, loaded),
    about: aboutData(loaded, options, results),
    steps: meter.end(),
  };
  extras.about?.push(aboutTraining(pipeline));
  const report = await writeReplay(out, withExternalIds(loaded.community), options, results, {
    primary,
    baseline: hardestBaseline,
    extras,
  });
  const text = [replayTable(results, hardestBaseline), rankerTable(heads), ...closing(extras)].join("\n\n");
  return { text, report };
}

/** Protocol 1 for models that were trained before, instead of one that is trained for it: each retrieves and ranks as it would serve. */
export async function evaluateModels(
  loaded: LoadedCommunity,
  options: ReplayOptions,
  models: GivenModel[],
  { database, meter, pipeline, out }: Evaluation,
): Promise<Evaluated> {
  const onProgress = pipeline.onProgress ?? (() => {});
  const systems: System[] = [];
  for (const model of models) {
    const replayed = new ReplayedSystem(loaded, pipeline);
    replayed.serveGiven(await model.load(loaded.community, { onProgress, signal: pipeline.signal }));
    systems.push(new System(replayed, model.name, systems.length === 0 ? keepEvery(loaded, options) : undefined));
  }
  const results = await runReplay(
    loaded.community,
    options,
    [...systems, ...replayBaselines(sizesOf(loaded.community))],
    { onProgress: ticking(pipeline, "replaying"), onTraining: beginning(pipeline) },
  );
  meter.begin("metrics");
  const requests = requestsOf(loaded, results[0].events, options.testFrom);
  // each has candidates of its own, so the rows of one are not those of another
  const measured = systems.map(({ name, lists }) => {
    const own = lists.map(({ posts, probabilities }) => ({
      posts,
      probabilities: { [name]: probabilities.DLRM },
      scores: {},
    }));
    const rows = headRows(own, requests);
    return { rows, metrics: rankerMetrics(own, rows).filter(({ by }) => by === name) };
  });
  const heads = measured.flatMap(({ metrics }) => metrics);
  const ann = await checkIndex(database, meter, systems[0]);
  const importance = await importanceOf(systems[0], requests, pipeline);
  meter.begin("report");
  const extras: ReportExtras = {
    importance,
    ...worstBeside(results, loaded),
    about: [...aboutData(loaded, options, results), ...models.map(aboutModel)],
    heads: mergedHeads(measured.map(({ rows, metrics }) => byHead(metrics, rows))),
    ann,
    steps: meter.end(),
  };
  const report = await writeReplay(out, withExternalIds(loaded.community), options, results, {
    primary: models[0].name,
    baseline: hardestBaseline,
    extras,
  });
  const between = models.length > 1 ? [pairedTable(results.slice(0, models.length))] : [];
  const tables = [replayTable(results, hardestBaseline), ...between, rankerTable(inOrderOfHeads(heads))];
  return { text: [...tables, ...closing(extras)].join("\n\n"), report };
}

/** Of so many lists what the ranker was told is kept: the importance of 62 features takes some 4 ms for each of them and list. */
const importanceLists = 60;

function keepEvery({ community }: LoadedCommunity, { sample, testFrom }: ReplayOptions): number {
  const { posts, interactions } = community;
  const events = firstInteractions(posts, interactions).filter((i) => interactions.at[i] >= testFrom).length;
  return Math.max(1, Math.floor(Math.min(events, sample ?? events) / importanceLists));
}

async function importanceOf(
  { replayed, told }: System,
  requests: Outcome[],
  { seed, onProgress, signal }: PipelineOptions,
): Promise<Importance> {
  const lists = [...told].flatMap(([number, { posts, feeds }]) =>
    feeds ? [{ posts, feeds, outcome: requests[number] }] : [],
  );
  const watched = ticking({ onProgress: onProgress ?? (() => {}), signal }, "importance of features");
  return await permutationImportance(replayed.graphs, lists.slice(0, importanceLists), seed, watched);
}

function worstBeside(results: ReplayResult[], { community }: LoadedCommunity): Pick<ReportExtras, "worst"> {
  const base = results.find(({ name }) => name === hardestBaseline);
  if (!base) return {};
  const known = withExternalIds(community);
  const of = (by: "user" | "post") => worstOf(by, results[0].events, base.events, known);
  return { worst: { users: of("user"), posts: of("post") } };
}

/** The models of each head that any of them has. */
function mergedHeads(all: NonNullable<ReportExtras["heads"]>[]): NonNullable<ReportExtras["heads"]> {
  return kinds.flatMap((head) => {
    const models = all.flatMap((heads) => heads.filter((each) => each.head === head).flatMap((each) => each.models));
    return models.length > 0 ? [{ head, models }] : [];
  });
}

function inOrderOfHeads(metrics: HeadMetrics[]): HeadMetrics[] {
  return kinds.flatMap((head) => metrics.filter((each) => each.head === head));
}

/** Protocol 2, one cut. */
export async function evaluateCut(
  community: Community,
  options: CutOptions,
  { database, meter, pipeline, out }: Evaluation,
): Promise<Evaluated> {
  const systemInCut = new SystemInCut(options.split, pipeline);
  const recommenders = [
    systemInCut,
    new TowersInCut({ ...pipeline, histories: options.split === "random" ? "others" : "before" }),
    ...cutBaselines(sizesOf(community)),
  ];
  const results = await runCut(community, options, recommenders, {
    onProgress: ticking(pipeline, "ranking the catalogue"),
    onTraining: beginning(pipeline),
  });
  const baseline = "popularity";
  const { system } = systemInCut;
  const ann = await checkIndex(database, meter, system);
  meter.begin("report");
  const extras = { ...lossesOf(system.replayed.model), ann, steps: meter.end() };
  const report = await writeCut(out, withExternalIds(community), options, results, { primary, baseline, extras });
  return { text: [cutTable(results, baseline), ...closing(extras)].join("\n\n"), report };
}

/** Each recommender's training is a step; that of the system names its own steps as it goes, and the others go without a word. */
function beginning({ onProgress = () => {} }: PipelineOptions): (name: string) => void {
  return (name) => {
    if (name !== primary) onProgress({ step: `training ${name}`, done: 0, total: 1 });
  };
}

async function checkIndex(database: Database, meter: StepMeter, { replayed, vectors }: System): Promise<AnnRecall> {
  meter.begin("checking the vector index");
  return await annRecall(database, replayed.postVectors, vectors);
}

/** The lines below the tables. */
function closing({ ann, steps = [] }: ReportExtras): string[] {
  if (!ann) return [`wall time and peak memory: ${stepsLine(steps)}`];
  const recalls = ann.recall.map(({ k, mean }) => `recall@${k} ${share(mean)}`).join(", ");
  return [
    `vector index against exact search, ${ann.users} users, ${ann.posts} posts: ${recalls}`,
    `wall time and peak memory: ${stepsLine(steps)}`,
  ];
}

function sizesOf({ users, posts }: Community): { users: number; posts: number } {
  return { users: users.ids.length, posts: posts.ids.length };
}

function ticking(
  { onProgress = () => {}, signal }: { onProgress?: OnProgress; signal?: AbortSignal | undefined },
  step: string,
) {
  return (done: number, total: number) => {
    signal?.throwIfAborted();
    onProgress({ step, done, total });
  };
}

function lossesOf(model: TrainedModel): ReportExtras {
  return {
    losses: [
      { model: "the two towers", curves: [{ name: "training", first: 1, values: model.towers.losses }] },
      {
        model: "the DLRM",
        curves: [
          { name: "training", first: 1, values: model.dlrmLosses },
          { name: "held out", first: 0, values: model.heldOutLosses },
        ],
      },
    ],
  };
}

/** The metrics of each head, with the reliability bins of the rankers that give probabilities. */
function byHead(metrics: HeadMetrics[], rows: HeadRows[]): NonNullable<ReportExtras["heads"]> {
  return rows.map(({ head, labels, probabilities }) => ({
    head,
    models: metrics
      .filter((each) => each.head === head)
      .map(({ by, head: _, ...values }) => {
        const own = probabilities.find((each) => each.by === by);
        return { name: by, metrics: values, ...(own ? { bins: calibrationBins(labels, own.values, 10) } : {}) };
      }),
  }));
}

/** The same community under the ids of its bundle: those of the database mean nothing to a reader of the files. */
function withExternalIds(community: Community): Community {
  const { users, posts } = community;
  return {
    ...community,
    users: { ...users, ids: users.externalIds ?? users.ids },
    posts: { ...posts, ids: posts.externalIds ?? posts.ids },
  };
}
