import { pairedDifferences } from "../metrics/replay-metrics.ts";
import type { ReplayResult } from "../protocols/replay.ts";
import { intervalCell, table } from "./table.ts";

/** What lies between each of some results and the first of them, on the same events: differences with 95 % intervals. */
export function pairedTable([first, ...others]: ReplayResult[]): string {
  const rows = others.map(({ name, events }) => {
    const { all, "cold users": cold, "posts > 7 days": old } = pairedDifferences(events, first.events);
    return [name, all["recall@20"], all.mrr, cold["recall@20"], cold.mrr, old["recall@20"]].map((each) =>
      typeof each === "string" ? each : intervalCell(each),
    );
  });
  return table([`beside ${first.name}, 95 %`, "R@20", "MRR", "R@20 cold", "MRR cold", "R@20 > 7 days"], rows);
}
