/** What a bar or line stands for: the recommender under test, what it is compared with, or another. */
export type Role = "primary" | "baseline" | "other";

/** The roles of recommenders by name. */
export function rolesOf({ primary, baseline }: { primary: string; baseline: string }): (name: string) => Role {
  return (name) => (name === primary ? "primary" : name === baseline ? "baseline" : "other");
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
