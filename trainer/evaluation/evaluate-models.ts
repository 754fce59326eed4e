/** Protocol 1 for models that were trained before, instead of one that is trained for it: each retrieves and ranks as it would serve. */
import { type Head, kinds } from "../../supabase/functions/_shared/features/kinds.ts";
import type { LoadedCommunity } from "../community/from-database.ts";
import type { Request } from "../dlrm/requests.ts";
import { HeldOutMetrics } from "../gate/held-out-metrics.ts";
import type { RankedRequest, ReplayedModel } from "../gate/ranked-requests.ts";
import type { PipelineOptions } from "../pipeline.ts";
import { aboutData, aboutModel } from "./about.ts";
import { hardestBaseline, replayBaselines } from "./baselines/all.ts";
import {
  beginning,
  byHead,
  checkIndex,
  closing,
  type Evaluated,
  type Evaluation,
  importanceOf,
  keepEvery,
  sizesOf,
  ticking,
  withExternalIds,
  worstBeside,
} from "./evaluate.ts";
import type { GivenModel } from "./given-models.ts";
import { headsOfPages } from "./heads-of-pages.ts";
import {
  commonCandidates,
  type HeadMetrics,
  headRows,
  learnedFromPages,
  rankerMetrics,
  withoutProbabilities,
} from "./metrics/ranker-metrics.ts";
import { type ReplayOptions, runReplay } from "./protocols/replay.ts";
import { writeReplay } from "./report/output.ts";
import type { ReportExtras } from "./report/report.ts";
import { table } from "./report/table.ts";
import { pairedHeadRows, pairedRows, rankerTable, replayTable } from "./report/tables.ts";
import { requestsOf } from "./system/ranker-requests.ts";
import { ReplayedSystem } from "./system/replayed-system.ts";
import { System } from "./system/system.ts";

/** The tables and the report; the first of the models is what the others are compared with. */
export async function evaluateModels(
  loaded: LoadedCommunity,
  options: ReplayOptions,
  models: GivenModel[],
  { database, meter, pipeline, out }: Evaluation,
): Promise<Evaluated> {
  const onProgress = pipeline.onProgress ?? (() => {});
  const systems: System[] = [];
  const served: Record<string, ReplayedModel> = {};
  for (const model of models) {
    const replayed = new ReplayedSystem(loaded, pipeline);
    served[model.label] = await model.load(loaded.community, { onProgress, signal: pipeline.signal });
    replayed.serveGiven(served[model.label]);
    systems.push(new System(replayed, model.label, systems.length === 0 ? keepEvery(loaded, options) : undefined));
  }
  const results = await runReplay(
    loaded.community,
    options,
    [...systems, ...replayBaselines(sizesOf(loaded.community))],
    { onProgress: ticking(pipeline, "replaying"), onTraining: beginning(pipeline, Object.keys(served)) },
  );
  meter.begin("metrics");
  const requests = requestsOf(loaded, results[0].events, options.testFrom);
  const heads = await headsOf(loaded, systems, requests, { models, served, options, pipeline });
  const ann = await checkIndex(database, meter, systems[0]);
  const importance = await importanceOf(systems[0], requests, pipeline);
  meter.begin("report");
  const between = models.length > 1 ? [pairedRows(results.slice(0, models.length)), ...heads.between] : [];
  const extras: ReportExtras = {
    importance,
    ...worstBeside(results, loaded),
    about: [...aboutData(loaded, options, results), ...models.map(aboutModel)],
    heads: heads.byHead,
    headNotes: heads.notes,
    between,
    ann,
    steps: meter.end(),
  };
  const report = await writeReplay(out, withExternalIds(loaded.community), options, results, {
    primary: models[0].label,
    baseline: hardestBaseline,
    extras,
  });
  const tables = [
    replayTable(results, hardestBaseline),
    ...between.map(({ header, rows }) => table(header, rows)),
    [rankerTable(heads.metrics), ...heads.notes].join("\n"),
  ];
  return { text: [...tables, ...closing(extras)].join("\n\n"), report };
}

interface Heads {
  metrics: HeadMetrics[];
  byHead: NonNullable<ReportExtras["heads"]>;
  notes: string[];
  between: NonNullable<ReportExtras["between"]>;
}

/** How good the models' probabilities are on the same rows: what all of them retrieved at the same events, and what was shown on pages. */
async function headsOf(
  loaded: LoadedCommunity,
  systems: System[],
  requests: Request[],
  {
    models,
    served,
    options,
    pipeline,
  }: { models: GivenModel[]; served: Record<string, ReplayedModel>; options: ReplayOptions; pipeline: PipelineOptions },
): Promise<Heads> {
  const names = Object.keys(served);
  const lists = commonCandidates(systems, ["recency baseline", "popularity"]);
  const rows = headRows(lists, requests);
  const ofPages = models.filter(({ metrics }) => metrics.learned_from === "pages").map(({ label }) => label);
  const ofInteractions = names.filter((name) => !ofPages.includes(name));
  const metrics = withoutProbabilities(rankerMetrics(lists, rows), ofPages);
  const { scoreWeights, onProgress = () => {}, signal } = pipeline;
  const [view, vote, comment] = scoreWeights;
  const weights = { view, vote, comment };
  const shown = await headsOfPages(loaded, served, options, { weights, onProgress, signal });
  const ofShown = withoutProbabilities(shown?.metrics ?? [], ofInteractions);
  const paired = new HeldOutMetrics(names);
  for (const [i, request] of requests.entries()) paired.add(request, namedLists(systems, i));
  const columns = [
    ...rows.map((each) => ({ ...each, paired, except: ofPages })),
    ...(shown?.rows ?? []).map((each) => ({ ...each, paired: shown?.paired ?? paired, except: ofInteractions })),
  ].map(({ head, labels, paired: metrics, except }) => ({
    head,
    positives: labels.filter((label) => label === 1).length,
    difference: (name: string, other: string) =>
      except.includes(name) || except.includes(other)
        ? undefined
        : metrics.worse(name, other, `cross-entropy ${head.split(",")[0] as Head}`),
  }));
  const count = (value: number) => value.toLocaleString("en");
  return {
    metrics: [...metrics, ...ofShown],
    byHead: [...byHead(metrics, rows), ...byHead(ofShown, shown?.rows ?? [])],
    notes: [
      ...(models.length > 1
        ? ["the heads' rows are the candidates that all models retrieved, at the same events"]
        : []),
      ...learnedFromPages(ofPages),
      ...(shown ? shownNotes(count(shown.pages), ofInteractions) : []),
    ],
    between: columns.length > 0 ? [pairedHeadRows(names, columns)] : [],
  };
}

function namedLists(systems: System[], i: number): Record<string, RankedRequest> {
  return Object.fromEntries(
    systems.map(({ name, lists }): [string, RankedRequest] => {
      const { posts, probabilities } = lists[i];
      // of the lists the replay itself speaks
      return [name, { posts, probabilities: probabilities.DLRM, heads: kinds, rank: Infinity, recencyRank: Infinity }];
    }),
  );
}

function shownNotes(pages: string, ofInteractions: string[]): string[] {
  return [
    `shown: what was shown on ${pages} pages, and what came of it within a day; a post is given its probability at the top of a page, wherever it stood`,
    ...(ofInteractions.length > 0
      ? [
          `AUC and GAUC alone of ${ofInteractions.join(", ")} there: learned from first interactions, so the probabilities are of all candidates`,
        ]
      : []),
  ];
}
