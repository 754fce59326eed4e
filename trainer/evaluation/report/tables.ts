/** What an evaluation found as tables, for the terminal and for the page alike; so is what several seeds found. */
import { type ListMetric, type ReplayMetrics, replayMetrics } from "../metrics/list-metrics.ts";
import type { Estimate } from "../metrics/statistics.ts";
import type { ReplayResult } from "../protocols/replay.ts";
import { intervalCell, shareCell, signedCell } from "./table.ts";

export interface ReportTable {
  /** The first says what the table is of. */
  header: string[];
  rows: string[][];
}

type Column = [label: string, slice: keyof ReplayMetrics, metric: ListMetric];
const ofAll: Column[] = [
  ["R@20", "all", "recall@20"],
  ["R@100", "all", "recall@100"],
  ["NDCG@20", "all", "ndcg@20"],
  ["MRR", "all", "mrr"],
];
const columnsOf: Record<"replay" | "cut", Column[]> = {
  replay: [
    ...ofAll,
    ["R@20 cold", "cold users", "recall@20"],
    ["MRR cold", "cold users", "mrr"],
    ["R@20 > 7 days", "posts > 7 days", "recall@20"],
  ],
  cut: ofAll,
};

const count = (value: number) => Math.round(value).toLocaleString("en");
const smallNumber = (value: number) => (Number.isFinite(value) ? value.toFixed(5) : "–");
const headColumns: [label: string, metric: string, format: (value: number) => string][] = [
  ["rows", "rows", count],
  ["positives", "positives", count],
  ["AUC", "auc", shareCell],
  ["GAUC", "gauc", shareCell],
  ["log loss", "logLoss", smallNumber],
  ["norm. entropy", "normalisedEntropy", shareCell],
  ["Σp/Σy", "calibration", shareCell],
];

/** The figures of one seed, or those of several; `Figure` is what stands for one of them. */
interface Figures<Figure> {
  protocol: "replay" | "cut";
  baseline: string;
  recommenders: {
    name: string;
    /** By slice and metric; how many lists there are is among them. */
    metrics: Record<string, Record<string, Figure>>;
    /** Paired, to the baseline. */
    differences: Record<string, Record<string, Figure>>;
    seconds?: Record<"train" | "observe" | "score", number>;
  }[];
  heads?: { head: string; models: { name: string; metrics: Record<string, Figure> }[] }[] | undefined;
}

/** All recommenders, their paired differences to the baseline, and the heads; each column with how many lists it is of: a figure of three says nothing. */
export function tablesOf<Figure>(
  { protocol, baseline, recommenders, heads = [] }: Figures<Figure>,
  cell: (figure: Figure | undefined, format: (value: number) => string) => string,
): ReportTable[] {
  const columns = columnsOf[protocol];
  const { metrics } = recommenders[0];
  const header = columns.map(([label, slice]) => `${label} (${cell(metrics[slice]?.lists, count)})`);
  const rowsOf = (part: "metrics" | "differences", format: (value: number) => string) =>
    recommenders
      .filter((each) => Object.keys(each[part]).length > 0)
      .map((each) => [each.name, ...columns.map(([, slice, metric]) => cell(each[part][slice]?.[metric], format))]);
  const seconds = recommenders
    .flatMap((each) => each.seconds ?? [])
    .map(({ train, observe, score }) => train + observe + score);
  return [
    {
      header: ["recommender", ...header, ...(seconds.length > 0 ? ["seconds"] : [])],
      rows: rowsOf("metrics", shareCell).map((row, i) => [
        ...row,
        ...seconds.slice(i, i + 1).map((each) => each.toFixed(1)),
      ]),
    },
    { header: [`paired with ${baseline}`, ...header], rows: rowsOf("differences", signedCell) },
    ...heads.map(({ head, models }) => ({
      header: [`head: ${head}`, ...headColumns.map(([label]) => label)],
      rows: models.map(({ name, metrics }) => [
        name,
        ...headColumns.map(([, metric, format]) => cell(metrics[metric], format)),
      ]),
    })),
  ];
}

/** A figure of one seed, with its standard error. */
export function estimateCell(figure: Estimate | number | undefined, format: (value: number) => string): string {
  const { mean, error } = typeof figure === "object" ? figure : { mean: figure ?? Number.NaN, error: Number.NaN };
  if (Number.isNaN(mean)) return "–";
  return Number.isFinite(error) ? `${format(mean)} ± ${shareCell(error)}` : format(mean);
}

/** What lies between each of some results and the first of them, on the same events: differences with 95 % intervals. */
export function pairedRows([first, ...others]: ReplayResult[]): ReportTable {
  const columns = columnsOf.replay;
  return {
    header: [`vs ${first.name}, 95 %`, ...columns.map(([label, slice]) => `${label} (${first.metrics[slice].lists})`)],
    rows: others.map(({ name, events }) => {
      const differences = replayMetrics(events, first.events);
      return [name, ...columns.map(([, slice, metric]) => intervalCell(differences[slice][metric]))];
    }),
  };
}

/** The same of each head's normalised entropy on the same rows; less is better. */
export function pairedHeadRows(
  [first, ...others]: string[],
  heads: {
    head: string;
    positives: number;
    /** undefined: there is nothing to say it by. */
    difference(name: string, other: string): Estimate | undefined;
  }[],
): ReportTable {
  const columns = heads
    .map(({ head, positives, difference }) => ({
      label: `${head} (${positives} positives)`,
      found: others.map((name) => difference(name, first)),
    }))
    .filter(({ found }) => found.some((each) => each !== undefined));
  return {
    header: [`norm. entropy vs ${first}, 95 %`, ...columns.map(({ label }) => label)],
    rows: others.map((name, i) => [name, ...columns.map(({ found }) => (found[i] ? intervalCell(found[i]) : "–"))]),
  };
}
