import { colors, element, fitted, label, nameLabel, plotOf, type Role, ticks } from "./svg.ts";

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
