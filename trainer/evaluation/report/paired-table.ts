import { pairedDifferences } from "../metrics/replay-metrics.ts";
import type { ReplayResult } from "../protocols/replay.ts";
import { sliceColumns } from "./replay-table.ts";
import { intervalCell, ofEvents, table } from "./table.ts";

/** What lies between each of some results and the first of them, on the same events: differences with 95 % intervals. */
export function pairedTable([first, ...others]: ReplayResult[]): string {
  const rows = others.map(({ name, events }) => {
    const { all, "cold users": cold, "posts > 7 days": old } = pairedDifferences(events, first.events);
    const cells = [all["recall@20"], all.mrr, cold["recall@20"], cold.mrr, old["recall@20"]];
    return [name, ...cells.map(intervalCell)];
  });
  return table(
    [`beside ${first.name}, 95 %`, ofEvents("R@20", first.events.length), "MRR", ...sliceColumns(first.metrics)],
    rows,
  );
}
