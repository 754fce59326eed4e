/** What a run of the suite found, as a table and as JSON. */
import { cpus, totalmem } from "node:os";
import { table } from "../../trainer/evaluation/report/table.ts";
import { type Figure, type Finding, ratioOf, reaches } from "./figure.ts";
import type { Name } from "./names.ts";

/** A benchmark that ran, or failed. */
export type MeasuredBenchmark = {
  name: Name;
  /** Of the machine when it began: how many processes wanted a core in the minute before, among them the benchmark before. */
  load: number;
  /** How long it took, with all that it needs. */
  seconds: number;
} & (Finding | { error: string });

export interface Run {
  began: Date;
  options: { posts: number; requests: number; seconds: number };
  measured: MeasuredBenchmark[];
}

export function asTable({ measured }: Run): string {
  const rows = measured.flatMap((each) =>
    "error" in each
      ? [[`${each.name} failed: ${each.error.split("\n")[0]}`, "", "", "", ""]]
      : each.figures.map((figure) => [
          figure.what,
          amount(figure.value, figure.unit),
          figure.floor ? `${amount(figure.floor.value, figure.unit)} (${figure.floor.what})` : "",
          ratio(ratioOf(figure)),
          bar(figure),
        ]),
  );
  return table(["what", "measured", "floor", "ratio", "bar"], rows);
}

export function asJson({ began, options, measured }: Run): string {
  const machine = { processor: cpus()[0]?.model, cores: cpus().length, memory_gb: Math.round(totalmem() / 2 ** 30) };
  const benchmarks = measured.map((each) =>
    "error" in each
      ? each
      : {
          ...each,
          figures: each.figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), reached: reaches(figure) })),
        },
  );
  const run = { began: began.toISOString(), node: process.version, machine, options, benchmarks };
  return `${JSON.stringify(run, null, 2)}\n`;
}

function bar(figure: Figure): string {
  if (!figure.bar) return "";
  const { of, must, limit } = figure.bar;
  const allowed = `${must === "be at most" ? "≤" : "≥"} ${of === "value" ? amount(limit, figure.unit) : ratio(limit)}`;
  return `${allowed} ${reaches(figure) ? "✓" : "✗"}`;
}

function ratio(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "" : value.toFixed(2);
}

function amount(value: number, unit: string): string {
  const digits = value >= 1000 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 3;
  const number = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return unit ? `${number} ${unit}` : number;
}
