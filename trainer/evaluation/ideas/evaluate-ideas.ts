/** Runs the protocol of ideas with the forecaster that serves and every baseline: a table for the terminal, and files to recompute it from. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../../db/user-error.ts";
import type { Community } from "../../data/replay/community.ts";
import type { PipelineOptions } from "../../pipeline.ts";
import { meanOf } from "../metrics/statistics.ts";
import { shareCell, table } from "../report/table.ts";
import { type ForecastResult, type Forecasts, runForecasts } from "./forecast-protocol.ts";
import { type NeededTopics, neededTopics } from "./needed-topics.ts";
import { authorMeanForecaster, servedForecaster } from "./text-forecasters.ts";
import { towerForecasters } from "./tower-forecasters.ts";

interface IdeasEvaluationOptions {
  testFrom: number;
  /** Of the towers among the baselines; nothing else is random. */
  seeds: number[];
  /** The folder for forecasts.ndjson and metrics.json. */
  out?: string | undefined;
}

/** Returns the table. Throws a `UserError` where nothing was written from the instant on. */
export async function evaluateIdeas(
  community: Community,
  { testFrom, seeds, out }: IdeasEvaluationOptions,
  { config, onProgress, signal }: Pick<PipelineOptions, "config" | "onProgress" | "signal">,
): Promise<string> {
  const ticking = (done: number, total: number) => {
    signal?.throwIfAborted();
    onProgress?.({ step: "forecasting audiences", done, total });
  };
  const fixed = [
    servedForecaster(),
    authorMeanForecaster(),
    servedForecaster("100 nearest titles", "nearest"),
    servedForecaster("ridge on words", "words"),
  ];
  const forecasts = await runForecasts(community, testFrom, fixed, ticking);
  if (forecasts.posts.length === 0)
    throw new UserError(`nothing was written from ${new Date(testFrom).toISOString()} on: give an earlier --test-from`);
  const bySeed: ForecastResult[][] = [];
  const needed: NeededTopics[] = [];
  for (const seed of seeds) {
    const { forecasters, vectorsAt } = towerForecasters(community, { seed, config, onProgress, signal });
    bySeed.push((await runForecasts(community, testFrom, forecasters, ticking)).results);
    needed.push(await neededTopics(community, (await vectorsAt(testFrom)).posts, testFrom, seed));
  }
  const rows = [...forecasts.results.map((each) => [each]), ...bySeed[0].map((_, r) => bySeed.map((each) => each[r]))];
  if (out !== undefined) await write(out, community, { testFrom, seeds }, forecasts, { rows, needed });
  const header = ["forecast by", "Spearman", "best tenth", "seconds"];
  const lines = needed.map(
    ({ topics, needed, lift }, i) =>
      `seed ${seeds[i]}: posts of the ${needed} needed of ${topics} topics got ${lift.toFixed(2)} times what a post of the average topic got in the quarter`,
  );
  return [table(header, rows.map(rowOf)), lines.join("\n")].join("\n\n");
}

/** A forecaster's figures, the same for every seed or their mean and range. */
function rowOf(results: ForecastResult[]): string[] {
  const cell = (of: (result: ForecastResult) => number) => {
    const values = results.map(of);
    const mean = shareCell(meanOf(values));
    return values.length > 1
      ? `${mean} (${shareCell(Math.min(...values))} to ${shareCell(Math.max(...values))})`
      : mean;
  };
  return [
    results[0].name,
    cell((result) => result.spearman),
    cell((result) => result.bestTenth),
    meanOf(results.map(({ seconds }) => seconds)).toFixed(1),
  ];
}

async function write(
  folder: string,
  { posts: { ids, externalIds } }: Community,
  { testFrom, seeds }: IdeasEvaluationOptions,
  { posts, people, results }: Forecasts,
  { rows, needed }: { rows: ForecastResult[][]; needed: NeededTopics[] },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const lines = Array.from(posts, (post, i) =>
    JSON.stringify({ post_id: (externalIds ?? ids)[post], forecast: results[0].forecasts[i], people: people[i] }),
  );
  await writeFile(join(folder, "forecasts.ndjson"), lines.map((line) => `${line}\n`).join(""));
  const metrics = {
    protocol: "ideas",
    settings: { test_from: new Date(testFrom).toISOString(), posts: posts.length, seeds },
    forecasters: rows.map((each) => ({
      name: each[0].name,
      spearman: each.map(({ spearman }) => spearman),
      best_tenth: each.map(({ bestTenth }) => bestTenth),
    })),
    needed_topics: needed,
  };
  await writeFile(join(folder, "metrics.json"), `${JSON.stringify(metrics, null, 2)}\n`);
}
