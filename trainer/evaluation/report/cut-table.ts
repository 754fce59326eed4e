import { pairedCutDifferences } from "../metrics/cut-metrics.ts";
import type { CutResult } from "../protocols/cut.ts";
import { pairedCell, share, table } from "./table.ts";

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
