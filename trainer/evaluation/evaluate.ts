/** Runs both protocols with the system and every baseline: tables for the terminal, and files to recompute every number from. */
import type { Database } from "../../db/connect.ts";
import type { OnProgress } from "../../db/progress.ts";
import { UserError } from "../../db/user-error.ts";
import type { TrainedModel } from "../artifacts/model-folder/trained-model.ts";
import type { Community } from "../data/replay/community.ts";
import { firstInteractions } from "../data/replay/first-interactions.ts";
import type { LoadedCommunity } from "../data/replay/from-database.ts";
import { requestsOf } from "../models/ranker/requests.ts";
import type { PipelineOptions } from "../pipeline.ts";
import { aboutData, aboutTraining } from "./about.ts";
import { type AnnRecall, annRecall } from "./ann-recall.ts";
import { cutBaselines, hardestBaseline, replayBaselines } from "./baselines/all.ts";
import { calibrationBins } from "./metrics/classification-metrics.ts";
import { type Importance, permutationImportance } from "./metrics/importance.ts";
import {
  type HeadMetrics,
  type HeadRows,
  headRows,
  type ListOutcome,
  learnedFromPages,
  rankerMetrics,
  sideBySide,
  withoutProbabilities,
} from "./metrics/ranker-metrics.ts";
import { worstOf } from "./metrics/worst.ts";
import { type CutOptions, runCut } from "./protocols/cut.ts";
import { type ReplayOptions, type ReplayResult, runReplay } from "./protocols/replay.ts";
import { rankerBaselines } from "./ranker-baselines/ranked-by.ts";
import { writeCut, writeReplay } from "./report/output.ts";
import { type EvaluationReport, type ReportExtras, reportText } from "./report/report.ts";
import type { StepMeter } from "./report/step-meter.ts";
import { ReplayedSystem } from "./system/replayed-system.ts";
import { System, TowersAlone } from "./system/system.ts";
import { SystemInCut, towersInCut } from "./system/system-in-cut.ts";

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
  report: EvaluationReport;
}

/** Protocol 1, live replay. */
export async function evaluateReplay(
  loaded: LoadedCommunity,
  options: ReplayOptions,
  evaluation: Evaluation,
): Promise<Evaluated> {
  const { pipeline, meter } = evaluation;
  const replayed = new ReplayedSystem(loaded, pipeline);
  const system = new System(replayed, primary, keepEvery(loaded, options));
  const rankedBy = rankerBaselines(replayed, pipeline.seed);
  const recommenders = [
    system,
    ...rankedBy,
    new TowersAlone(replayed),
    ...replayBaselines(sizesOf(loaded.community), loaded.community.follows),
  ];
  const results = await runReplay(loaded.community, options, recommenders, {
    onProgress: ticking(pipeline, "replaying"),
    onTraining: beginning(pipeline),
  });
  meter.begin("metrics");
  const requests = requestsOf(loaded, results[0].events, options.testFrom);
  const lists = sideBySide([system, ...rankedBy].map((ranker) => ranker.lists));
  const rows = headRows(lists, requests);
  const { learnedFrom } = replayed.trainedModel;
  const ofPages = learnedFrom === "pages" ? rows[0]?.probabilities.map(({ by }) => by) : [];
  return await reportReplay(loaded, options, results, system, requests, evaluation, {
    ...lossesOf(replayed.trainedModel),
    heads: byHead(withoutProbabilities(rankerMetrics(lists, rows), ofPages), rows),
    headNotes: learnedFromPages(ofPages),
    about: [...aboutData(loaded, options, results), aboutTraining(pipeline)],
  });
}

/** The report of a replay, whose first result is that of the `system` under test. */
export async function reportReplay(
  loaded: LoadedCommunity,
  options: ReplayOptions,
  results: ReplayResult[],
  system: System,
  requests: ListOutcome[],
  { database, meter, pipeline, out }: Evaluation,
  found: ReportExtras,
): Promise<Evaluated> {
  const ann = await checkIndex(database, meter, system);
  const importance = await importanceOf(system, requests, pipeline);
  meter.begin("report");
  const extras = { ...found, ann, importance, ...worstAgainst(results, loaded), steps: meter.end() };
  const names = { primary: system.name, baseline: hardestBaseline };
  const report = await writeReplay(out, withExternalIds(loaded.community), options, results, { ...names, extras });
  return { text: reportText(report), report };
}

/** Of so many lists what the ranker was told is kept: the importance of 62 features takes some 4 ms for each of them and list. */
const importanceLists = 60;

export function keepEvery({ community }: LoadedCommunity, { sample, testFrom }: ReplayOptions): number {
  const { posts, interactions } = community;
  const events = firstInteractions(posts, interactions).filter((i) => interactions.at[i] >= testFrom).length;
  return Math.max(1, Math.floor(Math.min(events, sample ?? events) / importanceLists));
}

async function importanceOf(
  { replayed, told }: System,
  requests: ListOutcome[],
  { seed, onProgress, signal }: PipelineOptions,
): Promise<Importance> {
  const lists = [...told].flatMap(([number, { posts, feeds }]) =>
    feeds ? [{ posts, feeds, outcome: requests[number] }] : [],
  );
  const watched = ticking({ onProgress: onProgress ?? (() => {}), signal }, "importance of features");
  return await permutationImportance(replayed.model, lists.slice(0, importanceLists), seed, watched);
}

function worstAgainst(results: ReplayResult[], { community }: LoadedCommunity): Pick<ReportExtras, "worst"> {
  const base = results.find(({ name }) => name === hardestBaseline);
  if (!base) return {};
  const known = withExternalIds(community);
  const of = (by: "user" | "post") => worstOf(by, results[0].events, base.events, known);
  return { worst: { users: of("user"), posts: of("post") } };
}

/** Protocol 2, one cut. */
export async function evaluateCut(
  community: Community,
  options: CutOptions,
  { database, meter, pipeline, out }: Evaluation,
): Promise<Evaluated> {
  const last = community.interactions.at.at(-1) as number;
  if (options.split !== "random" && last < options.split)
    throw new UserError(
      `nothing happened from ${new Date(options.split).toISOString()} on to be tested by: the last interaction is of ${new Date(last).toISOString()}, so split before it`,
    );
  const systemInCut = new SystemInCut(options.split, pipeline);
  const recommenders = [
    systemInCut,
    towersInCut({ ...pipeline, split: options.split }),
    ...cutBaselines(sizesOf(community), community.follows),
  ];
  const results = await runCut(community, options, recommenders, {
    onProgress: ticking(pipeline, "ranking the catalogue"),
    onTraining: beginning(pipeline),
  });
  const baseline = "popularity";
  const { system } = systemInCut;
  const ann = await checkIndex(database, meter, system);
  meter.begin("report");
  const extras = { ...lossesOf(system.replayed.trainedModel), ann, steps: meter.end() };
  const report = await writeCut(out, withExternalIds(community), options, results, { primary, baseline, extras });
  return { text: reportText(report), report };
}

/** Each recommender's training is a step, but for those that name their own steps as they go, or are trained already. */
export function beginning({ onProgress = () => {} }: PipelineOptions, except = [primary]): (name: string) => void {
  return (name) => {
    if (!except.includes(name)) onProgress({ step: `training ${name}`, done: 0, total: 1 });
  };
}

async function checkIndex(database: Database, meter: StepMeter, { replayed, vectors }: System): Promise<AnnRecall> {
  meter.begin("checking the vector index");
  return await annRecall(database, replayed.model.postVectors, vectors);
}

export function sizesOf({ users, posts }: Community): { users: number; posts: number } {
  return { users: users.ids.length, posts: posts.ids.length };
}

export function ticking(
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
export function byHead(
  metrics: HeadMetrics[],
  rows: Pick<HeadRows, "head" | "labels" | "probabilities">[],
): NonNullable<ReportExtras["heads"]> {
  return rows.map(({ head, labels, probabilities }) => ({
    head,
    models: metrics
      .filter((each) => each.head === head)
      .map(({ by, head: _, ...values }) => {
        const own = probabilities.find((each) => each.by === by);
        return {
          name: by,
          metrics: values,
          ...(own && Number.isFinite(values.logLoss) ? { bins: calibrationBins(labels, own.values, 10) } : {}),
        };
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
