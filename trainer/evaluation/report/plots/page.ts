import type { ReportTable } from "../tables.ts";
import { escapeHtml, type Role } from "./svg.ts";

/** One self-contained HTML page: a title, a line of settings, sections. */
export function page(title: string, settings: Record<string, string | number>, sections: string[]): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${style}</style></head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${Object.entries(settings)
    .map(([name, value]) => `${escapeHtml(name.replaceAll("_", " "))} <b>${escapeHtml(value)}</b>`)
    .join(" · ")}</p>
${sections.join("\n")}
</body>
</html>
`;
}

const style = `
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2937; background: #fff; max-width: 1240px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; } .scroll { overflow-x: auto; }
th, td { padding: .25rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #e5e7eb; }
th:first-child, td:first-child, .text { text-align: left; } td.text { white-space: normal; min-width: 9rem; overflow-wrap: anywhere; } th { font-weight: 600; color: #4b5563; }
tr.primary td { font-weight: 600; color: #1d4ed8; } tr.baseline td { color: #b45309; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 500px), 1fr)); gap: 1rem; margin-top: 1rem; }
svg { max-width: 100%; height: auto; } p { color: #4b5563; margin: .5rem 0; }`;

export function section(title: string, body: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>\n${body}</section>`;
}

/** A table; `roleOf` colours a row by its first cell as its plots are coloured. The columns with the numbers `texts` are sentences, and may break. */
export function tableOf(
  header: string[],
  rows: string[][],
  { roleOf = () => "other", texts = [] }: { roleOf?: ((name: string) => Role) | undefined; texts?: number[] } = {},
): string {
  const cells = (values: string[], tag: string) =>
    values
      .map((value, i) => `<${tag}${texts.includes(i) ? ' class="text"' : ""}>${escapeHtml(value)}</${tag}>`)
      .join("");
  const body = rows.map((values) => `<tr class="${roleOf(values[0])}">${cells(values, "td")}</tr>`).join("");
  return `<div class="scroll"><table><thead><tr>${cells(header, "th")}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** A section for each table, whose first header is its title. */
export function sectionsOf(tables: ReportTable[], roleOf?: (name: string) => Role): string[] {
  return tables.map(({ header: [title, ...header], rows }) =>
    section(title, tableOf(["", ...header], rows, { roleOf })),
  );
}
