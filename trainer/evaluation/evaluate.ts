/** Both protocols with the system and every baseline: runs, tables for the terminal, files for whoever recomputes. */
import type { OnProgress } from "../../db/progress.ts";
import type { Community } from "../community/community.ts";
import type { LoadedCommunity } from "../community/from-database.ts";
import type { PipelineOptions, TrainedModel } from "../pipeline.ts";
import { cutBaselines, hardestBaseline, replayBaselines } from "./baselines/all.ts";
import { calibrationBins } from "./classification-metrics.ts";
import { type CutOptions, runCut } from "./cut.ts";
import { cutTable } from "./cut-table.ts";
import { writeCut, writeReplay } from "./output.ts";
import { rankerBaselines } from "./ranker-baselines/ranked-by.ts";
import { requestsOf } from "./ranker-requests.ts";
import { type HeadMetrics, type HeadRows, headRows, rankerMetrics, rankerTable } from "./ranker-rows.ts";
import { type ReplayOptions, runReplay } from "./replay.ts";
import { replayTable } from "./replay-table.ts";
import type { ReportExtras } from "./report.ts";
import { System, TowersAlone } from "./system.ts";
import { SystemInCut } from "./system-in-cut.ts";
import { TowersInCut } from "./towers-recommender.ts";

const primary = "two-tower + DLRM";

/** Protocol 1. Returns what to print; writes its folder where `out` names one. */
export async function evaluateReplay(
  loaded: LoadedCommunity,
  options: ReplayOptions,
  pipeline: PipelineOptions,
  out?: string,
): Promise<string> {
  const system = new System(loaded, pipeline);
  const recommenders = [
    system,
    ...rankerBaselines(system, pipeline.seed),
    new TowersAlone(system),
    ...replayBaselines(sizesOf(loaded.community)),
  ];
  const results = await runReplay(loaded.community, options, recommenders, {
    onProgress: ticking(pipeline, "replaying"),
  });
  const requests = requestsOf(loaded, results[0].events, options.testFrom);
  const rows = headRows(system.lists, requests);
  const heads = rankerMetrics(system.lists, rows);
  if (out !== undefined) {
    const extras = { ...lossesOf(system.model), heads: byHead(heads, rows) };
    await writeReplay(out, withExternalIds(loaded.community), options, results, {
      primary,
      baseline: hardestBaseline,
      extras,
    });
  }
  return `${replayTable(results, hardestBaseline)}\n\n${rankerTable(heads)}`;
}

/** Protocol 2. Returns what to print; writes its folder where `out` names one. */
export async function evaluateCut(
  community: Community,
  options: CutOptions,
  pipeline: PipelineOptions,
  out?: string,
): Promise<string> {
  const system = new SystemInCut(pipeline);
  const recommenders = [
    system,
    new TowersInCut({ ...pipeline, histories: options.split === "random" ? "others" : "before" }),
    ...cutBaselines(sizesOf(community)),
  ];
  const results = await runCut(community, options, recommenders, {
    onProgress: ticking(pipeline, "ranking the catalogue"),
  });
  const baseline = "popularity";
  if (out !== undefined) {
    await writeCut(out, withExternalIds(community), options, results, {
      primary,
      baseline,
      extras: lossesOf(system.system?.model),
    });
  }
  return cutTable(results, baseline);
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

function lossesOf(model: TrainedModel | undefined): ReportExtras {
  if (!model) return {};
  return {
    losses: [
      { name: "two-tower, training", values: model.towers.losses },
      { name: "DLRM, training", values: model.dlrmLosses },
      { name: "DLRM, held out", values: model.heldOutLosses },
    ],
  };
}

/** The metrics of each head, with the reliability bins of those that give probabilities of their own. */
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

/** The same community under the ids of its bundle, for the files that leave the house. */
function withExternalIds(community: Community): Community {
  const { users, posts } = community;
  return {
    ...community,
    users: { ...users, ids: users.externalIds ?? users.ids },
    posts: { ...posts, ids: posts.externalIds ?? posts.ids },
  };
}
