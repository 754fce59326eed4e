import { pairedDifferences } from "../metrics/replay-metrics.ts";
import type { ReplayResult } from "../protocols/replay.ts";
import { pairedCell, share, table } from "./table.ts";

/** The results of a replay for the terminal; with a baseline's name also the paired differences to it. */
export function replayTable(results: ReplayResult[], baseline?: string): string {
  const header = [
    "recommender",
    "R@20",
    "±",
    "R@100",
    "NDCG@20",
    "MRR",
    "±",
    "R@20 cold",
    "MRR cold",
    "R@20 > 7 days",
    "seconds",
  ];
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
    tables.push(
      table([`paired with ${base.name}`, "R@20", "MRR", "R@20 cold", "MRR cold", "R@20 > 7 days"], differences),
    );
  }
  return tables.join("\n\n");
}
