import type { CalibrationBin } from "./classification-metrics.ts";
import type { Diversity } from "./diversity.ts";
import type { Estimate } from "./estimate.ts";
import { barPlot } from "./plots/bar-plot.ts";
import { linePlot } from "./plots/line-plot.ts";
import { escapeHtml } from "./plots/svg.ts";
import { pairedCell, share } from "./table.ts";

type Metrics = { lists: number } & { [metric: string]: Estimate | number };

/** What the models add: curves of their training, and how well their probabilities hold. */
export interface ReportExtras {
  /** Loss by step or epoch, a curve a line. */
  losses?: { name: string; values: number[] }[];
  /** Metrics on the later slice's rows: heads by name, each with the models compared on it. */
  heads?: {
    head: string;
    models: { name: string; metrics: Record<string, number>; bins?: CalibrationBin[] }[];
  }[];
  /** Anything else worth a line, such as wall time and peak memory of a step. */
  notes?: Record<string, string | number>;
}

/** The content of metrics.json, which the page is drawn from. */
export interface Report {
  protocol: "replay" | "cut";
  settings: Record<string, string | number>;
  primary: string;
  baseline: string;
  recommenders: {
    name: string;
    /** By slice. */
    metrics: Record<string, Metrics>;
    /** Paired, to the baseline; by slice. */
    differences: Record<string, Record<string, Estimate | number>>;
    /** At 1 to 100. */
    recall: number[];
    diversity: Diversity;
    seconds: { train: number; observe: number; score: number };
  }[];
  extras: ReportExtras;
}

/** One self-contained HTML page. */
export function reportPage(report: Report): string {
  const { recommenders, primary, baseline, settings } = report;
  const ranked = recommenders.toSorted((a, b) => mean(b.metrics.all, "recall@20") - mean(a.metrics.all, "recall@20"));
  const role = (name: string) => (name === primary ? "primary" : name === baseline ? "baseline" : "other");
  const bars = (slice: string, metric: string) =>
    barPlot(
      `${metric}, ${slice} (${recommenders[0].metrics[slice].lists.toLocaleString("en")} lists)`,
      ranked.map(({ name, metrics }) => ({ label: name, role: role(name), ...estimateOf(metrics[slice], metric) })),
    );
  const slices = Object.keys(recommenders[0].metrics).filter((slice) => recommenders[0].metrics[slice].lists > 0);
  const sections = [
    section("Results", resultTable(report, ranked)),
    section(
      "How far down the right post stands",
      linePlot(
        "recall@k",
        "k",
        ranked.map(({ name, recall }) => ({
          name,
          role: role(name),
          points: recall.map((value, i): [number, number] => [i + 1, value]),
        })),
      ),
    ),
    section(
      "By slice",
      `<div class="grid">${slices.flatMap((slice) => [bars(slice, "recall@20"), bars(slice, "mrr")]).join("")}</div>
       <p>Whiskers: ± 1.96 standard errors.</p>`,
    ),
    section("Beyond accuracy", diversityTable(ranked)),
    ...modelSections(report.extras),
  ];
  const title = `Evaluation: ${report.protocol === "replay" ? "live replay" : "one cut, full catalogue"}`;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head>
<body>
<h1>${title}</h1>
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
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } .scroll { overflow-x: auto; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #e5e7eb; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; color: #4b5563; }
tr.primary td { font-weight: 600; color: #1d4ed8; } tr.baseline td { color: #b45309; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(500px, 1fr)); gap: 1rem; }
svg { max-width: 100%; height: auto; } p { color: #4b5563; margin: .5rem 0; }`;

function section(title: string, body: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>\n${body}</section>`;
}

function tableOf(header: string[], rows: { cells: string[]; role?: string }[]): string {
  const cells = (values: string[], tag: string) =>
    values.map((value) => `<${tag}>${escapeHtml(value)}</${tag}>`).join("");
  return `<div class="scroll"><table><thead><tr>${cells(header, "th")}</tr></thead><tbody>${rows
    .map(({ cells: values, role = "other" }) => `<tr class="${role}">${cells(values, "td")}</tr>`)
    .join("")}</tbody></table></div>`;
}

function resultTable({ primary, baseline }: Report, ranked: Report["recommenders"]): string {
  const metrics = Object.keys(ranked[0].metrics.all).filter((metric) => metric !== "lists");
  const rows = ranked.map(({ name, metrics: values, differences, seconds }) => ({
    role: name === primary ? "primary" : name === baseline ? "baseline" : "other",
    cells: [
      name,
      ...metrics.map((metric) => {
        const { mean: value, error } = estimateOf(values.all, metric);
        return `${share(value)} ± ${share(error)}`;
      }),
      ...["recall@20", "mrr"].map((metric) =>
        differences.all ? pairedCell(estimateOf(differences.all, metric)) : "–",
      ),
      (seconds.train + seconds.observe + seconds.score).toFixed(1),
    ],
  }));
  const header = ["recommender", ...metrics, "Δ recall@20", "Δ mrr", "seconds"];
  return `${tableOf(header, rows)}<p>± one standard error. Δ: paired difference to ${escapeHtml(baseline)} on the same lists.</p>`;
}

function diversityTable(ranked: Report["recommenders"]): string {
  const rows = ranked.map(({ name, diversity }) => ({
    cells: [name, share(diversity.coverage), share(diversity.gini), share(diversity.intraListSimilarity)],
  }));
  return `${tableOf(["first 20 of each list", "coverage", "Gini of exposure", "intra-list similarity"], rows)}
    <p>Coverage: share of all posts shown to anyone. Gini: 0 all posts equally often, 1 one post only. Similarity: TF-IDF cosine.</p>`;
}

function modelSections({ losses = [], heads = [], notes = {} }: ReportExtras): string[] {
  const sections: string[] = [];
  if (losses.length > 0) {
    const plots = losses.map(({ name, values }) => {
      const points = values.map((value, i): [number, number] => [i + 1, value]);
      return linePlot(name, "step", [{ name, role: "primary", points }], false);
    });
    sections.push(section("Training", `<div class="grid">${plots.join("")}</div>`));
  }
  for (const { head, models } of heads) {
    const metrics = [...new Set(models.flatMap((model) => Object.keys(model.metrics)))];
    const rows = models.map((model) => ({
      cells: [model.name, ...metrics.map((metric) => share(model.metrics[metric] ?? Number.NaN))],
    }));
    const plots = models.flatMap(({ name, bins }, i) => {
      if (!bins) return [];
      const points = bins.map(({ promised, happened }): [number, number] => [promised, happened]);
      const most = Math.max(...points.flat());
      return linePlot(`calibration of ${name}`, "promised", [
        {
          name: "perfect",
          role: "other",
          points: [
            [0, 0],
            [most, most],
          ],
        },
        { name: "happened", role: i === 0 ? "primary" : "baseline", points },
      ]);
    });
    sections.push(
      section(`Head: ${head}`, `${tableOf(["model", ...metrics], rows)}<div class="grid">${plots.join("")}</div>`),
    );
  }
  const lines = Object.entries(notes).map(([name, value]) => ({ cells: [name, String(value)] }));
  if (lines.length > 0) sections.push(section("Notes", tableOf(["", ""], lines)));
  return sections;
}

function estimateOf(metrics: Record<string, Estimate | number>, metric: string): Estimate {
  const value = metrics[metric];
  return typeof value === "object" ? value : { mean: Number.NaN, error: Number.NaN };
}

function mean(metrics: Metrics, metric: string): number {
  return estimateOf(metrics, metric).mean;
}
