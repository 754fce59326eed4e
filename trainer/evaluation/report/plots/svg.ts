import type { Estimate } from "../../metrics/statistics.ts";

/** What a bar or line stands for: the recommender under test, what it is compared with, or another. */
export type Role = "primary" | "baseline" | "other";

/** The roles of recommenders by name; where rankers are compared, it is the DLRM that is under test. */
export function rolesOf({ primary, baseline }: { primary: string; baseline: string }): (name: string) => Role {
  return (name) => (name === primary || name === "DLRM" ? "primary" : name === baseline ? "baseline" : "other");
}

export const colors: Record<Role, string> = { primary: "#1d4ed8", baseline: "#d97706", other: "#9ca3af" };

/** Text made safe for HTML and SVG. */
export function escapeHtml(text: string | number): string {
  return String(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** An SVG element with its attributes. */
export function element(name: string, attributes: Record<string, string | number>, content = ""): string {
  const list = Object.entries(attributes).map(([key, value]) => {
    const short = typeof value === "number" ? Number(value.toFixed(2)) : escapeHtml(value);
    return ` ${key}="${short}"`;
  });
  return `<${name}${list.join("")}>${content}</${name}>`;
}

/** A whole plot under its title. */
export function plotOf(title: string, width: number, height: number, parts: string[]): string {
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
  };
  return element("svg", attributes, [label(0, 14, title, "start", "#1f2937", 600), ...parts].join(""));
}

/** The name of a bar or line, in its colour; only those that matter are bold. */
export function nameLabel(x: number, y: number, name: string, role: Role, anchor = "start"): string {
  const [color, weight] = role === "other" ? ["#4b5563", 400] : [colors[role], 600];
  return label(x, y, fitted(name).text, anchor, color as string, weight as number);
}

/** A line of text; `anchor` is start, middle or end. */
export function label(x: number, y: number, text: string, anchor = "start", color = "#4b5563", weight = 400): string {
  const font = { "font-family": "system-ui, sans-serif", "font-size": 12, "font-weight": weight };
  return element("text", { x, y, fill: color, "text-anchor": anchor, ...font }, escapeHtml(text));
}

/** A name as long as a plot has room for, and the pixels it takes: 7.3 of each letter where it is bold. */
export function fitted(name: string): { text: string; width: number } {
  const text = name.length > longest ? `${name.slice(0, longest - 1)}…` : name;
  return { text, width: 7.3 * text.length };
}

const longest = 32;

/** Round numbers from 0 or `from` to at least `to`, about five of them. */
export function ticks(from: number, to: number): number[] {
  const rough = (to - from) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10);
  const first = Math.floor(from / step + 1e-9);
  const last = Math.ceil(to / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(10)));
}

export interface Line {
  name: string;
  role: Role;
  points: [x: number, y: number][];
}

/**
 * Lines with their names at the right end; an SVG. Points that are not finite are left out. The vertical axis starts at 0
 * unless `fromZero` is false.
 */
export function linePlot(title: string, xLabel: string, lines: Line[], fromZero = true): string {
  const clean = lines.map((line) => ({ ...line, points: line.points.filter((point) => point.every(Number.isFinite)) }));
  const points = clean.flatMap((line) => line.points);
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const xTicks = ticks(smallest(xs), largest(xs));
  const yTicks = ticks(fromZero ? Math.min(0, smallest(ys)) : smallest(ys), largest(ys));
  const right = Math.max(170, ...lines.map(({ name }) => 10 + fitted(name).width));
  const [width, height, top, bottom] = [620, 320, 30, 36];
  // 7 pixels per digit
  const left = Math.max(44, ...yTicks.map((tick) => 10 + 7 * String(tick).length));
  const x = scale(xTicks, left, width - right);
  const y = scale(yTicks, height - bottom, top);
  const parts = [label(width - right, height - 4, xLabel, "middle")];
  for (const tick of yTicks) {
    parts.push(element("line", { x1: left, x2: width - right, y1: y(tick), y2: y(tick), stroke: "#e5e7eb" }));
    parts.push(label(left - 6, y(tick) + 4, String(tick), "end"));
  }
  // between two epochs there is nothing to label
  const isWhole = xs.every(Number.isInteger);
  for (const tick of xTicks.filter((value) => !isWhole || Number.isInteger(value)))
    parts.push(label(x(tick), height - bottom + 16, String(tick), "middle"));
  // those that matter are drawn last, on top
  const order = { other: 0, baseline: 1, primary: 2 };
  for (const line of clean.toSorted((a, b) => order[a.role] - order[b.role])) {
    const path = line.points.map(([px, py], i) => `${i === 0 ? "M" : "L"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`);
    const strokeWidth = line.role === "other" ? 1.5 : 2.5;
    // a path of one point, such as the loss of one epoch, is not drawn
    for (const [px, py] of line.points.length === 1 ? line.points : [])
      parts.push(element("circle", { cx: x(px), cy: y(py), r: 3, fill: colors[line.role] }));
    parts.push(
      element("path", { d: path.join(""), fill: "none", stroke: colors[line.role], "stroke-width": strokeWidth }),
    );
  }
  const ends = clean
    .filter((line) => line.points.length > 0)
    .map((line) => ({ line, end: y(line.points[line.points.length - 1][1]) }))
    .sort((a, b) => a.end - b.end);
  // names keep 13 pixels from each other: pushed down in order, then up again where the lowest would leave the plot
  for (const [i, entry] of ends.entries()) if (i > 0) entry.end = Math.max(entry.end, ends[i - 1].end + 13);
  let limit = height - bottom;
  for (const entry of ends.toReversed()) {
    entry.end = Math.min(entry.end, limit);
    limit = entry.end - 13;
  }
  for (const { line, end } of ends) parts.push(nameLabel(width - right + 6, end + 4, line.name, line.role));
  return plotOf(title, width, height, parts);
}

function scale(axis: number[], from: number, to: number): (value: number) => number {
  const [low, high] = [axis[0], axis[axis.length - 1]];
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

const smallest = (values: number[]) => values.reduce((a, b) => Math.min(a, b), values[0] ?? 0);
const largest = (values: number[]) => values.reduce((a, b) => Math.max(a, b), values[0] ?? 1);

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
