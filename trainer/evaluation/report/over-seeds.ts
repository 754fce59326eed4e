/** The evaluations of several seeds as one: the mean of each figure, and how far the seeds lie apart. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Estimate, meanOf } from "../metrics/statistics.ts";
import { page, section, sectionsOf } from "./plots/page.ts";
import { barPlot, rolesOf } from "./plots/svg.ts";
import { type EvaluationReport, reportTitle } from "./report.ts";
import { shareCell, table } from "./table.ts";
import { type ReportTable, tablesOf } from "./tables.ts";

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
  protocol: EvaluationReport["protocol"];
  /** Those that all seeds share. */
  settings: EvaluationReport["settings"];
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

/**
 * Mean and range of every figure; a seed without one (a head without positives in its sample) is left out of that
 * figure.
 */
export function overSeedsOf(seeds: number[], reports: EvaluationReport[]): OverSeeds {
  const { protocol, settings, primary, baseline, recommenders } = reports[0];
  const shared = Object.entries(settings).filter(([name, value]) =>
    reports.every(({ settings }) => settings[name] === value),
  );
  return {
    protocol,
    settings: Object.fromEntries(shared),
    seeds,
    primary,
    baseline,
    recommenders: recommenders.map(({ name }, i) => ({
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

function headsOver(reports: EvaluationReport[]): OverSeeds["heads"] {
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
  const figureOf = (value: Estimate | number) => (typeof value === "number" ? value : value.mean);
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

function tablesOver(report: OverSeeds): ReportTable[] {
  const ann = Object.entries(report.ann).map(([k, spread]) => [k, spreadCell(spread)]);
  return [...tablesOf(report, spreadCell), { header: ["vector index against exact search", "mean"], rows: ann }];
}

/** The means with their ranges for the terminal. */
export function overSeedsTable(report: OverSeeds): string {
  return tablesOver(report)
    .map(({ header, rows }) => table(header, rows))
    .join("\n\n");
}

/** Writes metrics.json and report.html of all seeds into a folder. */
export async function writeOverSeeds(folder: string, report: OverSeeds): Promise<void> {
  const { seeds, protocol, settings } = report;
  const links = seeds.map((seed) => `<a href="seed-${seed}/report.html">seed ${seed}</a>`).join(" · ");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "metrics.json"), `${JSON.stringify(report, null, 2)}\n`);
  const sections = sectionsOf(tablesOver(report), rolesOf(report));
  const html = page(
    `${reportTitle(protocol)}, mean over seeds (lowest to highest)`,
    { ...settings, seeds: seeds.join(", ") },
    [`<p>${links}</p>`, plotsOf(report), ...sections],
  );
  await writeFile(join(folder, "report.html"), html);
}

/** The means as bars, with whiskers from the lowest seed to the highest. */
function plotsOf({ recommenders, seeds, ...report }: OverSeeds): string {
  const roleOf = rolesOf(report);
  const lists = spreadCell(recommenders[0].metrics.all?.lists, String);
  const bars = ["recall@20", "mrr"].map((metric) =>
    barPlot(
      `${metric}, all, ${seeds.length} seeds of ${lists} lists`,
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

function spreadCell(spread: Spread | undefined, format = shareCell): string {
  if (!spread || !Number.isFinite(spread.mean)) return "–";
  if (spread.lowest === spread.highest) return format(spread.mean);
  // spaces that do not break, so that a range stays on one line
  return `${format(spread.mean)} (${format(spread.lowest)}\u00a0to\u00a0${format(spread.highest)})`;
}
