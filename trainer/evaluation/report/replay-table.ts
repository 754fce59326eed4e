import { pairedDifferences, type ReplayMetrics } from "../metrics/replay-metrics.ts";
import type { ReplayResult } from "../protocols/replay.ts";
import { ofEvents, pairedCell, share, table } from "./table.ts";

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
      .map(({ name, events }) => {
        const { all, "cold users": cold, "posts > 7 days": old } = pairedDifferences(events, base.events);
        const cells = [all["recall@20"], all.mrr, cold["recall@20"], cold.mrr, old["recall@20"]];
        return [name, ...cells.map(pairedCell)];
      });
    tables.push(table([`paired with ${base.name}`, ofEvents("R@20", events), "MRR", ...slices], differences));
  }
  return tables.join("\n\n");
}

/** The columns of slices, each with how many events it is of: a figure of three says nothing. */
export function sliceColumns(metrics: ReplayMetrics): string[] {
  const [cold, old] = [metrics["cold users"].events, metrics["posts > 7 days"].events];
  return [ofEvents("R@20 cold", cold), ofEvents("MRR cold", cold), ofEvents("R@20 > 7 days", old)];
}
