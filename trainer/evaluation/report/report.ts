import type { AnnRecall } from "../ann-recall.ts";
import type { CalibrationBin } from "../metrics/classification-metrics.ts";
import type { Diversity } from "../metrics/diversity.ts";
import type { Importance } from "../metrics/importance.ts";
import type { Estimate } from "../metrics/statistics.ts";
import type { Worst } from "../metrics/worst.ts";
import { page, section, sectionsOf, tableOf } from "./plots/page.ts";
import { barPlot, escapeHtml, type Line, linePlot, rolesOf, whiskers } from "./plots/svg.ts";
import { type StepUse, stepsLine } from "./step-meter.ts";
import { pairedCell, shareCell, table } from "./table.ts";
import { estimateCell, type ReportTable, tablesOf } from "./tables.ts";

type Metrics = { lists: number } & { [metric: string]: Estimate | number };

/** What only the system has: the losses of its training, how good its probabilities are, what it took. */
export interface ReportExtras {
  /** Losses of each model by epoch; `first` is the epoch of the first value, 0: before training. */
  losses?: { model: string; curves: { name: string; first: number; values: number[] }[] }[];
  /** Metrics on the candidates of all lists: by head, for each of the rankers compared. */
  heads?: {
    head: string;
    models: { name: string; metrics: Record<string, number>; bins?: CalibrationBin[] }[];
  }[];
  /** What must be known to read these. */
  headNotes?: string[];
  /** What lies between several models under test, as tables. */
  between?: ReportTable[];
  /** The vector index against exact search. */
  ann?: AnnRecall;
  steps?: StepUse[];
  /** What the data were and what was trained with, as pairs of a name and what is to be said. */
  about?: { title: string; facts: [name: string, value: string][] }[];
  importance?: Importance;
  /** Where the recommender under test is furthest behind the baseline. */
  worst?: { users: Worst[]; posts: Worst[] };
}

/** The content of metrics.json, which the HTML page is drawn from. */
export interface EvaluationReport {
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

export function reportTitle(protocol: EvaluationReport["protocol"]): string {
  return `Evaluation: ${protocol === "replay" ? "live replay" : "one cut, full catalogue"}`;
}

/** What the terminal shows. */
export function reportText(report: EvaluationReport): string {
  const { between = [], headNotes = [], ann, steps = [] } = report.extras;
  const [results, paired, ...heads] = tablesOf({ ...report, heads: report.extras.heads }, estimateCell);
  const recalls = ann?.recall.map(({ k, mean }) => `recall@${k} ${shareCell(mean)}`).join(", ");
  return [
    ...[results, paired, ...between, ...heads].map(({ header, rows }) => table(header, rows)),
    ...(headNotes.length > 0 ? [headNotes.join("\n")] : []),
    ...(ann ? [`vector index against exact search, ${ann.users} users, ${ann.posts} posts: ${recalls}`] : []),
    `wall time and peak memory: ${stepsLine(steps)}`,
  ].join("\n\n");
}

/** One self-contained HTML page. */
export function reportPage(report: EvaluationReport): string {
  const { recommenders, settings, extras } = report;
  const ranked = recommenders.toSorted((a, b) => mean(b.metrics.all, "recall@20") - mean(a.metrics.all, "recall@20"));
  const role = rolesOf(report);
  const [results, paired, ...heads] = tablesOf({ ...report, recommenders: ranked, heads: extras.heads }, estimateCell);
  const bars = (slice: string, metric: string) =>
    barPlot(
      `${metric}, ${slice} (${recommenders[0].metrics[slice].lists.toLocaleString("en")} lists)`,
      ranked.map(({ name, metrics }) => ({
        label: name,
        role: role(name),
        ...whiskers(estimateOf(metrics[slice], metric)),
      })),
      1,
    );
  const slices = Object.keys(recommenders[0].metrics).filter((slice) => recommenders[0].metrics[slice].lists > 0);
  const sections = [
    section(
      "Results",
      `${[results, paired].map(({ header, rows }) => tableOf(header, rows, { roleOf: role })).join("<br>")}<p>± one standard error; of how many lists is in brackets. The differences are paired, on the same lists.</p>`,
    ),
    ...sectionsOf(extras.between ?? []),
    ...(extras.about ?? []).map(({ title, facts }) => section(title, tableOf(["", ""], facts, { texts: [1] }))),
    section(
      "How far down the right post is",
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
    ...modelSections(extras, heads),
    ...importanceSection(extras),
    ...worstSections(report),
  ];
  return page(reportTitle(report.protocol), settings, sections);
}

function diversityTable(ranked: EvaluationReport["recommenders"]): string {
  const rows = ranked.map(({ name, diversity }) => [
    name,
    ...[diversity.coverage, diversity.gini, diversity.intraListSimilarity].map(shareCell),
  ]);
  return `${tableOf(["first 20 of each list", "coverage", "Gini of exposure", "intra-list similarity"], rows)}
    <p>Coverage: share of all posts shown to anyone. Gini: 0 all posts equally often, 1 one post only. Similarity: TF-IDF cosine.</p>`;
}

function modelSections(
  { losses = [], heads = [], headNotes = [], ann, steps = [] }: ReportExtras,
  headTables: ReportTable[],
): string[] {
  const sections: string[] = [];
  if (losses.length > 0) {
    const plots = losses.map(({ model, curves }) => {
      const lines = curves.map(({ name, first, values }, i): Line => {
        const points = values.map((value, epoch): [number, number] => [first + epoch, value]);
        return { name, role: i === 0 ? "primary" : "baseline", points };
      });
      return linePlot(`loss of ${model}`, "epoch", lines, false);
    });
    sections.push(section("Training", `<div class="grid">${plots.join("")}</div>`));
  }
  if (headNotes.length > 0)
    sections.push(section("Heads", headNotes.map((note) => `<p>${escapeHtml(note)}.</p>`).join("")));
  for (const [h, { head, models }] of heads.entries()) {
    const { header, rows } = headTables[h];
    const roleOf = rolesOf({ primary: models[0]?.name, baseline: "" });
    const plots = models.flatMap(({ name, bins, metrics }, i) => {
      if (!bins) return [];
      const points = bins.map(({ predicted, observed }): [number, number] => [predicted, observed]);
      const most = Math.max(...points.flat());
      const perfect = [0, most].map((p): [number, number] => [p, p]);
      return linePlot(`calibration of ${name}, ${metrics.positives} positives`, "predicted", [
        { name: "perfect", role: "other", points: perfect },
        { name: "observed", role: i === 0 ? "primary" : "baseline", points },
      ]);
    });
    sections.push(
      section(
        `Head: ${head}`,
        `${tableOf(["ranked by", ...header.slice(1)], rows, { roleOf })}<div class="grid">${plots.join("")}</div>`,
      ),
    );
  }
  if (ann) {
    const rows = ann.recall.map(({ k, mean: value }) => [`recall@${k}`, shareCell(value)]);
    const text = `The posts that the HNSW index finds (asked as in serving), against exact search: ${ann.posts.toLocaleString("en")} posts, ${ann.users} users.`;
    sections.push(section("Vector index", `${tableOf(["", "mean"], rows)}<p>${text}</p>`));
  }
  if (steps.length > 0) {
    const rows = steps.map(({ step, seconds, megabytes }) => [
      step,
      seconds.toFixed(1),
      megabytes.toLocaleString("en"),
    ]);
    const text = "Memory: RSS of the evaluating process, without the database.";
    sections.push(section("Time and memory", `${tableOf(["step", "seconds", "peak MB"], rows)}<p>${text}</p>`));
  }
  return sections;
}

/** Features that no head loses by are many, and say nothing. */
const mostFeatures = 25;

function importanceSection({ importance }: ReportExtras): string[] {
  if (!importance) return [];
  const { lists, positives, features } = importance;
  const heads = Object.keys(positives);
  const rows = features
    .slice(0, mostFeatures)
    .map(({ feature, added }) => [feature, ...heads.map((head) => pairedCell(added[head]))]);
  const header = ["feature", ...heads.map((head) => `${head} (${positives[head]} positives)`)];
  const text = `What is added to a head's log loss, as a share of it, when the feature is shuffled among the candidates of a list, or between lists where all candidates share it;
    ± one standard error, on ${lists} lists. The first ${rows.length} of ${features.length}; features that say the same stand in for each other.`;
  return [section("What each feature is worth", `${tableOf(header, rows)}<p>${text}</p>`)];
}

function worstSections({ extras: { worst }, primary, baseline }: EvaluationReport): string[] {
  if (!worst) return [];
  const rank = (value: number | null) => (value === null ? "not in the list" : String(value));
  return Object.entries(worst).flatMap(([what, all]) => {
    if (all.length === 0) return [];
    const rows = all.map(({ id, title, events, own, other, example }) => [
      title ? `${title} (${id})` : id,
      String(events),
      shareCell(own),
      shareCell(other),
      `${example.at.slice(0, 16).replace("T", " ")}: ${example.post}`,
      `${rank(example.rank)}, ${rank(example.otherRank)}`,
      example.top.join(" · "),
    ]);
    const figures = ["events", `MRR ${primary}`, `MRR ${baseline}`];
    const header = [what, ...figures, "worst event", "its rank in both", `top of the list of ${primary}`];
    return [section(`Where it loses most: ${what}`, tableOf(header, rows, { texts: [0, 4, 6] }))];
  });
}

function estimateOf(metrics: Record<string, Estimate | number>, metric: string): Estimate {
  const value = metrics[metric];
  return typeof value === "object" ? value : { mean: Number.NaN, error: Number.NaN };
}

function mean(metrics: Metrics, metric: string): number {
  return estimateOf(metrics, metric).mean;
}
