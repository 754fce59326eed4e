import { colors, element, label, type Role, ticks } from "./svg.ts";

/** A bar with whiskers of ± 1.96 standard errors. */
export interface Bar {
  label: string;
  role: Role;
  mean: number;
  error: number;
}

/** Horizontal bars, one per line, each with its value; an SVG. */
export function barPlot(title: string, bars: Bar[]): string {
  const [width, left, right, top, line] = [520, 175, 50, 26, 20];
  const bottom = top + bars.length * line;
  const most = Math.max(0, ...bars.map(({ mean, error }) => (mean || 0) + 1.96 * (error || 0)));
  const axis = ticks(0, most || 1);
  const x = (value: number) => left + (value / axis[axis.length - 1]) * (width - left - right);
  const parts = [label(0, 14, title, "start", "#1f2937", 600)];
  for (const tick of axis) {
    parts.push(element("line", { x1: x(tick), x2: x(tick), y1: top, y2: bottom, stroke: "#e5e7eb" }));
    parts.push(label(x(tick), bottom + 14, String(tick), "middle"));
  }
  for (const [i, bar] of bars.entries()) {
    const y = top + i * line;
    const strong = bar.role === "other" ? 400 : 600;
    parts.push(label(left - 8, y + 14, bar.label, "end", bar.role === "other" ? "#4b5563" : colors[bar.role], strong));
    if (!Number.isFinite(bar.mean)) continue;
    parts.push(element("rect", { x: left, y: y + 4, width: x(bar.mean) - left, height: 12, fill: colors[bar.role] }));
    const reach = Number.isFinite(bar.error) ? 1.96 * bar.error : 0;
    const [low, high] = [x(Math.max(0, bar.mean - reach)), x(bar.mean + reach)];
    parts.push(element("line", { x1: low, x2: high, y1: y + 10, y2: y + 10, stroke: "#111827" }));
    parts.push(label(high + 5, y + 14, bar.mean.toFixed(3)));
  }
  const height = bottom + 22;
  return element(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height, role: "img" },
    parts.join(""),
  );
}
