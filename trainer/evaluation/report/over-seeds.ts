/** The evaluations of several seeds as one: the mean of each figure, and how far the seeds lie apart. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Estimate, meanOf } from "../metrics/statistics.ts";
import { barPlot } from "./plots/bar-plot.ts";
import { page, section, tableOf } from "./plots/page.ts";
import { rolesOf } from "./plots/svg.ts";
import type { Report } from "./report.ts";
import { share, signed, table } from "./table.ts";
import { rankerColumns } from "./tables.ts";

interface Spread {
  mean: number;
  lowest: number;
  highest: number;
  /** In the order of the seeds. */
  each: number[];
}

type Spreads = Record<string, Spread>;

/** The content of metrics.json in the folder above those of the seeds. */
interface OverSeeds {
  protocol: Report["protocol"];
  /** Those that all seeds share. */
  settings: Report["settings"];
  seeds: number[];
  primary: string;
  baseline: string;
  recommenders: {
    name: string;
    /** By slice and metric. */
    metrics: Record<string, Spreads>;
    /** Paired, to the baseline. */
    differences: Record<string, Spreads>;
  }[];
  heads: { head: string; models: { name: string; metrics: Spreads }[] }[];
  /** Recall of the vector index against exact search, by k. */
  ann: Spreads;
}

/** Mean and range of every figure; a seed without one (a head nobody used in its sample) is left out of that figure. */
export function overSeedsOf(seeds: number[], reports: Report[]): OverSeeds {
  const [first] = reports;
  const shared = Object.entries(first.settings).filter(([name, value]) =>
    reports.every(({ settings }) => settings[name] === value),
  );
  return {
    protocol: first.protocol,
    settings: Object.fromEntries(shared),
    seeds,
    primary: first.primary,
    baseline: first.baseline,
    recommenders: first.recommenders.map(({ name }, i) => ({
      name,
      metrics: slicesOver(reports.map(({ recommenders }) => recommenders[i].metrics)),
      differences: slicesOver(reports.map(({ recommenders }) => recommenders[i].differences)),
    })),
    heads: headsOver(reports),
    ann: spreadsOf(
      reports.map(({ extras }) =>
        Object.fromEntries((extras.ann?.recall ?? []).map(({ k, mean }) => [`recall@${k}`, mean])),
      ),
    ),
  };
}

type Values = Record<string, Estimate | number>;

function slicesOver(reports: Record<string, Values>[]): Record<string, Spreads> {
  return Object.fromEntries(namesOf(reports).map((slice) => [slice, spreadsOf(reports.map((each) => each[slice]))]));
}

function headsOver(reports: Report[]): OverSeeds["heads"] {
  const all = reports.map(({ extras }) => extras.heads ?? []);
  const names = [...new Set(all.flatMap((heads) => heads.map(({ head }) => head)))];
  return names.map((head) => {
    const models = all.map((heads) => heads.find((each) => each.head === head)?.models ?? []);
    const rankers = [...new Set(models.flatMap((each) => each.map(({ name }) => name)))];
    return {
      head,
      models: rankers.map((name) => ({
        name,
        metrics: spreadsOf(models.map((each) => each.find((model) => model.name === name)?.metrics ?? {})),
      })),
    };
  });
}

function spreadsOf(records: (Values | undefined)[]): Spreads {
  const found = records.filter((record) => record !== undefined);
  return Object.fromEntries(
    namesOf(found).map((metric) => [
      metric,
      // NaN: of no event
      spreadOf(found.flatMap((record) => (metric in record ? [figureOf(record[metric])] : [])).filter(Number.isFinite)),
    ]),
  );
}

/** Mean and range of some values. */
export function spreadOf(values: number[]): Spread {
  return { mean: meanOf(values), lowest: Math.min(...values), highest: Math.max(...values), each: values };
}

function namesOf(records: Record<string, unknown>[]): string[] {
  return [...new Set(records.flatMap(Object.keys))];
}

function figureOf(value: Estimate | number): number {
  return typeof value === "number" ? value : value.mean;
}

/** Without the number of rows, which says nothing of a ranker. */
const headColumns = rankerColumns.filter(({ metric }) => metric !== "rows");

/** The figures that matter most as tables, header and rows each. */
function tablesOf({ recommenders, heads, ann, protocol, baseline }: OverSeeds): [header: string[], rows: string[][]][] {
  const columns: [label: string, slice: string, metric: string][] = [
    ["R@20", "all", "recall@20"],
    ["R@100", "all", "recall@100"],
    ["MRR", "all", "mrr"],
  ];
  if (protocol === "cut") columns.push(["NDCG@20", "all", "ndcg@20"]);
  else
    columns.push(
      ["R@20 cold", "cold users", "recall@20"],
      ["MRR cold", "cold users", "mrr"],
      ["R@20 > 7 days", "posts > 7 days", "recall@20"],
    );
  const header = columns.map(([label, slice]) => {
    const lists = recommenders[0].metrics[slice]?.lists;
    return lists ? `${label} (${counted(lists)})` : label;
  });
  const rowsOf = (part: "metrics" | "differences", format: (value: number) => string) =>
    recommenders
      .filter((each) => Object.keys(each[part]).length > 0)
      .map((each) => [
        each.name,
        ...columns.map(([, slice, metric]) => spreadCell(each[part][slice]?.[metric], format)),
      ]);
  return [
    [["recommender", ...header], rowsOf("metrics", share)],
    [[`paired with ${baseline}`, ...header], rowsOf("differences", signed)],
    ...heads.map(({ head, models }): [string[], string[][]] => [
      [`head: ${head}`, ...headColumns.map(({ label }) => label)],
      models.map(({ name, metrics }) => [
        name,
        ...headColumns.map(({ metric, format }) => spreadCell(metrics[metric], format)),
      ]),
    ]),
    [["vector index against exact search", "mean"], Object.entries(ann).map(([k, spread]) => [k, spreadCell(spread)])],
  ];
}

/** The means with their ranges for the terminal. */
export function overSeedsTable(report: OverSeeds): string {
  return tablesOf(report)
    .map(([header, rows]) => table(header, rows))
    .join("\n\n");
}

/** Writes metrics.json and report.html of all seeds into a folder. */
export async function writeOverSeeds(folder: string, report: OverSeeds): Promise<void> {
  const roleOf = rolesOf(report);
  const sections = tablesOf(report).map(([[title, ...header], rows]) =>
    section(title, tableOf(["", ...header], rows, { roleOf: (name) => (name === "DLRM" ? "primary" : roleOf(name)) })),
  );
  const plots = plotsOf(report);
  const { seeds, protocol, settings } = report;
  const links = seeds.map((seed) => `<a href="seed-${seed}/report.html">seed ${seed}</a>`).join(" · ");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "metrics.json"), `${JSON.stringify(report, null, 2)}\n`);
  const title = `Evaluation: ${protocol === "replay" ? "live replay" : "one cut, full catalogue"}, mean over seeds (lowest to highest)`;
  const html = page(title, { ...settings, seeds: seeds.join(", ") }, [`<p>${links}</p>`, plots, ...sections]);
  await writeFile(join(folder, "report.html"), html);
}

/** The means as bars, with whiskers from the lowest seed to the highest. */
function plotsOf({ recommenders, seeds, ...report }: OverSeeds): string {
  const roleOf = rolesOf(report);
  const bars = ["recall@20", "mrr"].map((metric) =>
    barPlot(
      `${metric}, all, ${seeds.length} seeds of ${counted(recommenders[0].metrics.all?.lists)} lists`,
      recommenders
        .flatMap(({ name, metrics: { all } }) => (all?.[metric] ? [{ name, ...all[metric] }] : []))
        .map(({ name, mean, lowest, highest }) => ({
          label: name,
          role: roleOf(name),
          mean,
          low: lowest,
          high: highest,
        }))
        .sort((a, b) => b.mean - a.mean),
      1,
    ),
  );
  return section(
    "Over the seeds",
    `<div class="grid">${bars.join("")}</div><p>Whiskers: the lowest and the highest seed.</p>`,
  );
}

function counted(lists: Spread | undefined): string {
  if (!lists) return "–";
  return lists.lowest === lists.highest ? `${lists.lowest}` : `${lists.lowest} to ${lists.highest}`;
}

function spreadCell(spread: Spread | undefined, format = share): string {
  if (!spread || !Number.isFinite(spread.mean)) return "–";
  if (spread.lowest === spread.highest) return format(spread.mean);
  // spaces that do not break, so that a range stays on one line
  return `${format(spread.mean)} (${format(spread.lowest)}\u00a0to\u00a0${format(spread.highest)})`;
}
