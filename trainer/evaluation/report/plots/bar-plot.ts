import type { Estimate } from "../../metrics/statistics.ts";
import { colors, element, fitted, label, nameLabel, plotOf, type Role, ticks } from "./svg.ts";

/** A bar with whiskers. */
interface Bar {
  label: string;
  role: Role;
  mean: number;
  /** Where the whiskers end; NaN: there are none. */
  low: number;
  high: number;
}

/** The whiskers of an estimate: ± 1.96 standard errors. */
export function whiskers({ mean, error }: Estimate): Pick<Bar, "mean" | "low" | "high"> {
  return { mean, low: mean - 1.96 * error, high: mean + 1.96 * error };
}

/** Horizontal bars, one per line, each with its value; an SVG. `limit`: what no value can be above, such as 1 for a share. */
export function barPlot(title: string, bars: Bar[], limit = Number.POSITIVE_INFINITY): string {
  const left = Math.max(175, ...bars.map((bar) => 10 + fitted(bar.label).width));
  const [width, right, top, line] = [520, 50, 26, 20];
  const bottom = top + bars.length * line;
  const most = Math.min(limit, Math.max(0, ...bars.map(({ mean, high }) => high || mean || 0)));
  const axis = ticks(0, most || 1);
  const x = (value: number) => left + (value / axis[axis.length - 1]) * (width - left - right);
  const parts: string[] = [];
  for (const tick of axis) {
    parts.push(element("line", { x1: x(tick), x2: x(tick), y1: top, y2: bottom, stroke: "#e5e7eb" }));
    parts.push(label(x(tick), bottom + 14, String(tick), "middle"));
  }
  for (const [i, bar] of bars.entries()) {
    const y = top + i * line;
    parts.push(nameLabel(left - 8, y + 14, bar.label, bar.role, "end"));
    if (!Number.isFinite(bar.mean)) continue;
    parts.push(element("rect", { x: left, y: y + 4, width: x(bar.mean) - left, height: 12, fill: colors[bar.role] }));
    const within = (value: number) => x(Math.min(limit, Math.max(0, Number.isFinite(value) ? value : bar.mean)));
    const [low, high] = [within(bar.low), within(bar.high)];
    parts.push(element("line", { x1: low, x2: high, y1: y + 10, y2: y + 10, stroke: "#111827" }));
    parts.push(label(high + 5, y + 14, bar.mean.toFixed(3)));
  }
  return plotOf(title, width, bottom + 22, parts);
}
