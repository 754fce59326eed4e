import { pairedCutDifferences } from "../metrics/cut-metrics.ts";
import type { HeadMetrics } from "../metrics/ranker-metrics.ts";
import { pairedDifferences, type ReplayMetrics } from "../metrics/replay-metrics.ts";
import type { Estimate } from "../metrics/statistics.ts";
import type { CutResult } from "../protocols/cut.ts";
import type { ReplayResult } from "../protocols/replay.ts";
import { intervalCell, ofEvents, pairedCell, share, table } from "./table.ts";

/** The results of a replay for the terminal; with a baseline's name also the paired differences to it. */
export function replayTable(results: ReplayResult[], baseline?: string): string {
  const slices = sliceColumns(results[0].metrics);
  const { events } = results[0].metrics.all;
  const header = ["recommender", ofEvents("R@20", events), "±", "R@100", "NDCG@20", "MRR", "±", ...slices, "seconds"];
  const rows = results.map(({ name, metrics, seconds }) => [
    name,
    share(metrics.all["recall@20"].mean),
    share(metrics.all["recall@20"].error),
    share(metrics.all["recall@100"].mean),
    share(metrics.all["ndcg@20"].mean),
    share(metrics.all.mrr.mean),
    share(metrics.all.mrr.error),
    share(metrics["cold users"]["recall@20"].mean),
    share(metrics["cold users"].mrr.mean),
    share(metrics["posts > 7 days"]["recall@20"].mean),
    (seconds.train + seconds.observe + seconds.score).toFixed(1),
  ]);
  const tables = [table(header, rows)];
  const base = results.find(({ name }) => name === baseline);
  if (base) {
    const differences = results
      .filter((result) => result !== base)
      .map((result) => [result.name, ...differencesTo(base, result).map(pairedCell)]);
    tables.push(table([`paired with ${base.name}`, ofEvents("R@20", events), "MRR", ...slices], differences));
  }
  return tables.join("\n\n");
}

/** Paired differences to another result: R@20 and MRR of all, then those of `sliceColumns`. */
function differencesTo(base: ReplayResult, { events }: ReplayResult): Estimate[] {
  const { all, "cold users": cold, "posts > 7 days": old } = pairedDifferences(events, base.events);
  return [all["recall@20"], all.mrr, cold["recall@20"], cold.mrr, old["recall@20"]];
}

/** The columns of slices, each with how many events it is of: a figure of three says nothing. */
function sliceColumns(metrics: ReplayMetrics): string[] {
  const [cold, old] = [metrics["cold users"].events, metrics["posts > 7 days"].events];
  return [ofEvents("R@20 cold", cold), ofEvents("MRR cold", cold), ofEvents("R@20 > 7 days", old)];
}

/** The results of a cut for the terminal; with a baseline's name also the paired differences to it. */
export function cutTable(results: CutResult[], baseline?: string): string {
  const rows = results.map(({ name, metrics, seconds }) => [
    name,
    share(metrics["recall@20"].mean),
    share(metrics["recall@20"].error),
    share(metrics["recall@100"].mean),
    share(metrics["ndcg@20"].mean),
    share(metrics.mrr.mean),
    (seconds.train + seconds.observe + seconds.score).toFixed(1),
  ]);
  const recall = `R@20 (${results[0].metrics.users} users)`;
  const tables = [table(["recommender", recall, "±", "R@100", "NDCG@20", "MRR", "seconds"], rows)];
  const base = results.find(({ name }) => name === baseline);
  if (base) {
    const differences = results
      .filter((result) => result !== base)
      .map(({ name, lists }) => {
        const paired = pairedCutDifferences(lists, base.lists);
        return [name, ...[paired["recall@20"], paired["recall@100"], paired["ndcg@20"], paired.mrr].map(pairedCell)];
      });
    tables.push(table([`paired with ${base.name}`, recall, "R@100", "NDCG@20", "MRR"], differences));
  }
  return tables.join("\n\n");
}

interface Rows {
  header: string[];
  rows: string[][];
}

/** What lies between each of some results and the first of them, on the same events: differences with 95 % intervals. */
export function pairedRows([first, ...others]: ReplayResult[]): Rows {
  const rows = others.map((result) => [result.name, ...differencesTo(first, result).map(intervalCell)]);
  const { length } = first.events;
  return {
    header: [`beside ${first.name}, 95 %`, ofEvents("R@20", length), "MRR", ...sliceColumns(first.metrics)],
    rows,
  };
}

/** The same of each head's normalised entropy on the same rows, of which less is better. */
export function pairedHeadRows(
  [first, ...others]: string[],
  heads: {
    head: string;
    positives: number;
    /** undefined: there is nothing to say it by. */
    difference(name: string, other: string): Estimate | undefined;
  }[],
): Rows {
  const columns = heads
    .map(({ head, positives, difference }) => ({
      label: `${head} (${positives} positives)`,
      found: others.map((name) => difference(name, first)),
    }))
    .filter(({ found }) => found.some((each) => each !== undefined));
  return {
    header: [`norm. entropy beside ${first}, 95 %`, ...columns.map(({ label }) => label)],
    rows: others.map((name, i) => [name, ...columns.map(({ found }) => (found[i] ? intervalCell(found[i]) : "–"))]),
  };
}

const count = (value: number) => Math.round(value).toLocaleString("en");
const smallNumber = (value: number) => (Number.isFinite(value) ? value.toFixed(5) : "–");

/** How the metrics are shown, in this order. */
export const rankerColumns = [
  { metric: "rows", label: "rows", format: count },
  { metric: "positives", label: "positives", format: count },
  { metric: "auc", label: "AUC", format: share },
  { metric: "gauc", label: "GAUC", format: share },
  { metric: "logLoss", label: "log loss", format: smallNumber },
  { metric: "normalisedEntropy", label: "norm. entropy", format: share },
  { metric: "calibration", label: "Σp/Σy", format: share },
] as const;

/** The metrics for the terminal. */
export function rankerTable(metrics: HeadMetrics[]): string {
  return table(
    ["head", "ranked by", ...rankerColumns.map(({ label }) => label)],
    metrics.map((each) => [each.head, each.by, ...rankerColumns.map(({ metric, format }) => format(each[metric]))]),
  );
}
