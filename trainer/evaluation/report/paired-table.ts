import type { Estimate } from "../metrics/estimate.ts";
import { pairedDifferences } from "../metrics/replay-metrics.ts";
import type { ReplayResult } from "../protocols/replay.ts";
import { sliceColumns } from "./replay-table.ts";
import { intervalCell, ofEvents } from "./table.ts";

export interface Rows {
  header: string[];
  rows: string[][];
}

/** What lies between each of some results and the first of them, on the same events: differences with 95 % intervals. */
export function pairedRows([first, ...others]: ReplayResult[]): Rows {
  const rows = others.map(({ name, events }) => {
    const { all, "cold users": cold, "posts > 7 days": old } = pairedDifferences(events, first.events);
    const cells = [all["recall@20"], all.mrr, cold["recall@20"], cold.mrr, old["recall@20"]];
    return [name, ...cells.map(intervalCell)];
  });
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
