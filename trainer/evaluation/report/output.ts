/**
 * What an evaluation leaves in its folder: the lists of the recommender under test (rankings.ndjson) and of every other
 * (baselines/<name>.ndjson), so that anyone can recompute every number; metrics.json; and the report.
 */
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Community } from "../../data/replay/community.ts";
import { diversityOf, textSimilarity } from "../metrics/diversity.ts";
import { type ListMetrics, listMetrics, recallAt, replayMetrics } from "../metrics/list-metrics.ts";
import { type CutOptions, type CutResult, testShare } from "../protocols/cut.ts";
import type { ReplayOptions, ReplayResult } from "../protocols/replay.ts";
import { type EvaluationReport, type ReportExtras, reportPage } from "./report.ts";

interface OutputOptions {
  /** Name of the recommender under test. */
  primary: string;
  /** Name of the recommender that the others are compared with. */
  baseline: string;
  /** What only the system has, for the report and metrics.json. */
  extras?: ReportExtras;
}

/** What the results of one protocol say in its report. */
interface Protocol<Result> {
  protocol: EvaluationReport["protocol"];
  settings: EvaluationReport["settings"];
  /** How many posts there were to show. */
  posts: number;
  /** The lines of a recommender's file. */
  rows(result: Result): object[];
  differences(result: Result, base: Result): Record<string, ListMetrics>;
  /** Of each list: the ranks of the right posts, and its head. */
  lists(result: Result): { ranks: number[]; top: Int32Array }[];
}

/** The report of a replay; writes its folder where one is named. */
export async function writeReplay(
  folder: string | undefined,
  community: Community,
  { validFrom, testFrom, seed = 1 }: ReplayOptions,
  results: ReplayResult[],
  output: OutputOptions,
): Promise<EvaluationReport> {
  const { users, posts } = community;
  const last = Math.max(...results[0].events.map(({ at }) => at));
  return await write(folder, community, results, output, {
    protocol: "replay",
    settings: {
      valid_from: new Date(validFrom).toISOString(),
      test_from: new Date(testFrom).toISOString(),
      events: results[0].events.length,
      seed,
    },
    posts: posts.createdAt.filter((at) => at <= last).length,
    rows: ({ events }) =>
      events.map(({ user, post, at, rank, top }) => ({
        user_id: users.ids[user],
        post_id: posts.ids[post],
        at: new Date(at).toISOString(),
        rank: Number.isFinite(rank) ? rank : null,
        top: Array.from(top, (number) => posts.ids[number]),
      })),
    differences: (result, base) => replayMetrics(result.events, base.events),
    lists: ({ events }) => events.map(({ rank, top }) => ({ ranks: [rank], top })),
  });
}

/** The report of a cut; writes its folder where one is named. */
export async function writeCut(
  folder: string | undefined,
  community: Community,
  { split, seed = 42 }: CutOptions,
  results: CutResult[],
  output: OutputOptions,
): Promise<EvaluationReport> {
  const { users, posts } = community;
  return await write(folder, community, results, output, {
    protocol: "cut",
    settings: {
      split: split === "random" ? "random" : new Date(split).toISOString(),
      ...(split === "random" ? { test_share: testShare, seed } : {}),
      users: results[0].lists.length,
    },
    posts: split === "random" ? posts.ids.length : posts.createdAt.filter((at) => at < split).length,
    rows: ({ lists }) =>
      lists.map(({ user, test, top }) => ({
        user_id: users.ids[user],
        test: test.map((post) => posts.ids[post]),
        top: Array.from(top, (post) => posts.ids[post]),
      })),
    differences: ({ lists }, base) => ({
      all: listMetrics(
        lists.map(({ ranks }) => ranks),
        base.lists.map(({ ranks }) => ranks),
      ),
    }),
    lists: (result) => result.lists,
  });
}

async function write<Result extends Pick<EvaluationReport["recommenders"][number], "name" | "metrics" | "seconds">>(
  folder: string | undefined,
  community: Community,
  results: Result[],
  { primary, baseline, extras = {} }: OutputOptions,
  { protocol, settings, posts, rows, differences, lists }: Protocol<Result>,
): Promise<EvaluationReport> {
  const similarity = textSimilarity(community);
  const base = results.find(({ name }) => name === baseline);
  const recommenders = results.map((result) => {
    const all = lists(result);
    const tops = all.map(({ top }) => top);
    return {
      name: result.name,
      metrics: result.metrics,
      differences: base && result !== base ? differences(result, base) : {},
      recall: recallCurve(all),
      diversity: diversityOf(tops, posts, similarity),
      seconds: result.seconds,
    };
  });
  const report: EvaluationReport = { protocol, settings, primary, baseline, recommenders, extras };
  if (folder !== undefined) await writeFolder(folder, results, rows, report);
  return report;
}

/** Mean recall at 1 to 100. */
function recallCurve(lists: { ranks: number[] }[]): number[] {
  return Array.from(
    { length: 100 },
    (_, i) => lists.reduce((sum, { ranks }) => sum + recallAt(i + 1, ranks, ranks.length), 0) / lists.length,
  );
}

async function writeFolder<Result extends { name: string }>(
  folder: string,
  results: Result[],
  rows: (result: Result) => object[],
  report: EvaluationReport,
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
