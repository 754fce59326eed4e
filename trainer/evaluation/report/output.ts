/**
 * What an evaluation leaves in its folder: the lists of the recommender under test (rankings.ndjson) and of every other
 * (baselines/<name>.ndjson), so that anyone can recompute every number; metrics.json; and the report.
 */
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Community } from "../../community/community.ts";
import { pairedCutDifferences } from "../metrics/cut-metrics.ts";
import { diversityOf, textSimilarity } from "../metrics/diversity.ts";
import { pairedDifferences } from "../metrics/replay-metrics.ts";
import type { CutOptions, CutResult } from "../protocols/cut.ts";
import type { ReplayOptions, ReplayResult } from "../protocols/replay.ts";
import { type Report, type ReportExtras, reportPage } from "./report.ts";

export interface OutputOptions {
  /** Name of the recommender under test. */
  primary: string;
  /** Name of the recommender that the others are compared with. */
  baseline: string;
  /** What only the system has, for the report and metrics.json. */
  extras?: ReportExtras;
}

/** The report of a replay; writes its folder where one is named. */
export async function writeReplay(
  folder: string | undefined,
  community: Community,
  options: ReplayOptions,
  results: ReplayResult[],
  output: OutputOptions,
): Promise<Report> {
  const { ids } = community.posts;
  const rows = (result: ReplayResult) =>
    result.events.map(({ user, post, at, rank, top }) => ({
      user_id: community.users.ids[user],
      post_id: ids[post],
      at: new Date(at).toISOString(),
      rank: Number.isFinite(rank) ? rank : null,
      top: Array.from(top, (number) => ids[number]),
    }));
  const last = Math.max(...results[0].events.map(({ at }) => at));
  const posts = community.posts.createdAt.filter((at) => at <= last).length;
  const similarity = textSimilarity(community);
  const base = results.find(({ name }) => name === output.baseline);
  const report: Report = {
    protocol: "replay",
    settings: {
      valid_from: new Date(options.validFrom).toISOString(),
      test_from: new Date(options.testFrom).toISOString(),
      events: results[0].events.length,
      seed: options.seed ?? 1,
    },
    primary: output.primary,
    baseline: output.baseline,
    recommenders: results.map((result) => ({
      name: result.name,
      metrics: Object.fromEntries(
        Object.entries(result.metrics).map(([slice, { events, ...metrics }]) => [slice, { lists: events, ...metrics }]),
      ),
      differences: base && result !== base ? pairedDifferences(result.events, base.events) : {},
      recall: recallCurve(result.events.map(({ rank }) => [rank])),
      diversity: diversityOf(
        result.events.map(({ top }) => top),
        posts,
        similarity,
      ),
      seconds: result.seconds,
    })),
    extras: output.extras ?? {},
  };
  if (folder !== undefined) await writeFolder(folder, results, rows, report);
  return report;
}

/** The report of a cut; writes its folder where one is named. */
export async function writeCut(
  folder: string | undefined,
  community: Community,
  options: CutOptions,
  results: CutResult[],
  output: OutputOptions,
): Promise<Report> {
  const { ids } = community.posts;
  const rows = (result: CutResult) =>
    result.lists.map(({ user, test, top }) => ({
      user_id: community.users.ids[user],
      test: test.map((post) => ids[post]),
      top: Array.from(top, (post) => ids[post]),
    }));
  const { split } = options;
  const catalogue = split === "random" ? ids.length : community.posts.createdAt.filter((at) => at < split).length;
  const similarity = textSimilarity(community);
  const base = results.find(({ name }) => name === output.baseline);
  const report: Report = {
    protocol: "cut",
    settings: {
      split: split === "random" ? "random" : new Date(split).toISOString(),
      ...(split === "random" ? { test_share: options.testShare ?? 0.2, seed: options.seed ?? 42 } : {}),
      users: results[0].lists.length,
    },
    primary: output.primary,
    baseline: output.baseline,
    recommenders: results.map((result) => {
      const { users, ...metrics } = result.metrics;
      return {
        name: result.name,
        metrics: { all: { lists: users, ...metrics } },
        differences: base && result !== base ? { all: pairedCutDifferences(result.lists, base.lists) } : {},
        recall: recallCurve(result.lists.map(({ ranks }) => ranks)),
        diversity: diversityOf(
          result.lists.map(({ top }) => top),
          catalogue,
          similarity,
        ),
        seconds: result.seconds,
      };
    }),
    extras: output.extras ?? {},
  };
  if (folder !== undefined) await writeFolder(folder, results, rows, report);
  return report;
}

/** Mean recall at 1 to 100, denominators min(k, right posts). */
function recallCurve(lists: number[][]): number[] {
  return Array.from({ length: 100 }, (_, i) => {
    const k = i + 1;
    const sum = lists.reduce(
      (total, ranks) => total + ranks.filter((rank) => rank <= k).length / Math.min(k, ranks.length),
      0,
    );
    return sum / lists.length;
  });
}

async function writeFolder<Result extends { name: string }>(
  folder: string,
  results: Result[],
  rows: (result: Result) => object[],
  report: Report,
): Promise<void> {
  await mkdir(join(folder, "baselines"), { recursive: true });
  for (const result of results) {
    const file = result.name === report.primary ? "rankings.ndjson" : `baselines/${fileName(result.name)}.ndjson`;
    await pipeline(
      Readable.from(rows(result).map((row) => `${JSON.stringify(row)}\n`)),
      createWriteStream(join(folder, file)),
    );
  }
  await writeFile(join(folder, "metrics.json"), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(join(folder, "report.html"), reportPage(report));
}

/** What a recommender's file of lists is called. */
export function fileName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll("×", "x")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
