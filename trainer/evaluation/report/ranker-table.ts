import type { HeadMetrics } from "../metrics/ranker-metrics.ts";
import { share, table } from "./table.ts";

const count = (value: number) => Math.round(value).toLocaleString("en");
const smallNumber = (value: number) => (Number.isFinite(value) ? value.toFixed(5) : "–");

/** How the metrics are shown, in this order. */
export const rankerColumns = [
  { metric: "rows", label: "rows", format: count },
  { metric: "positives", label: "positives", format: count },
  { metric: "auc", label: "AUC", format: share },
  { metric: "gauc", label: "GAUC", format: share },
  { metric: "logLoss", label: "log loss", format: smallNumber },
  { metric: "normalisedEntropy", label: "norm. entropy", format: share },
  { metric: "calibration", label: "Σp/Σy", format: share },
] as const;

/** The metrics for the terminal. */
export function rankerTable(metrics: HeadMetrics[]): string {
  return table(
    ["head", "ranked by", ...rankerColumns.map(({ label }) => label)],
    metrics.map((each) => [each.head, each.by, ...rankerColumns.map(({ metric, format }) => format(each[metric]))]),
  );
}
