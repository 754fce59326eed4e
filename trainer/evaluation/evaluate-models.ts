/** Protocol 1 for models that were trained before, instead of one that is trained for it: each retrieves and ranks as it would serve. */
import { allHeads, type Head, kinds } from "../../supabase/functions/_shared/features/kinds.ts";
import type { LoadedCommunity } from "../data/replay/from-database.ts";
import type { Request } from "../models/ranker/requests.ts";
import { requestsOf, unknown } from "../models/ranker/requests.ts";
import type { PipelineOptions } from "../pipeline.ts";
import { HeldOutMetrics } from "../release/gate/held-out-metrics.ts";
import {
  heldOutOf,
  type RankedRequest,
  type RankOptions,
  type ReplayedModel,
  rankedRequests,
} from "../release/gate/ranked-requests.ts";
import { aboutData, aboutModel } from "./about.ts";
import { replayBaselines } from "./baselines/all.ts";
import {
  beginning,
  byHead,
  type Evaluated,
  type Evaluation,
  keepEvery,
  reportReplay,
  sizesOf,
  ticking,
} from "./evaluate.ts";
import type { GivenModel } from "./given-models.ts";
import {
  commonCandidates,
  type HeadMetrics,
  type HeadRows,
  headRows,
  learnedFromPages,
  rankerMetrics,
  withoutProbabilities,
} from "./metrics/ranker-metrics.ts";
import { sample } from "./protocols/rank.ts";
import { type ReplayOptions, runReplay } from "./protocols/replay.ts";
import type { ReportExtras } from "./report/report.ts";
import { pairedHeadRows, pairedRows } from "./report/tables.ts";
import { ReplayedSystem } from "./system/replayed-system.ts";
import { System } from "./system/system.ts";

/** The tables and the report; the first of the models is what the others are compared with. */
export async function evaluateModels(
  loaded: LoadedCommunity,
  options: ReplayOptions,
  models: GivenModel[],
  evaluation: Evaluation,
): Promise<Evaluated> {
  const { pipeline } = evaluation;
  const onProgress = pipeline.onProgress ?? (() => {});
  const systems: System[] = [];
  const served: Record<string, ReplayedModel> = {};
  for (const model of models) {
    const replayed = new ReplayedSystem(loaded, pipeline);
    served[model.label] = await model.load(loaded.community, { onProgress, signal: pipeline.signal });
    replayed.serve(served[model.label]);
    systems.push(new System(replayed, model.label, systems.length === 0 ? keepEvery(loaded, options) : undefined));
  }
  const results = await runReplay(
    loaded.community,
    options,
    [...systems, ...replayBaselines(sizesOf(loaded.community), loaded.community.follows)],
    { onProgress: ticking(pipeline, "replaying"), onTraining: beginning(pipeline, Object.keys(served)) },
  );
  evaluation.meter.begin("metrics");
  const requests = requestsOf(loaded, results[0].events, options.testFrom);
  const { between, ...heads } = await headsOf(loaded, systems, requests, { models, served, options, pipeline });
  return await reportReplay(loaded, options, results, systems[0], requests, evaluation, {
    ...heads,
    between: models.length > 1 ? [pairedRows(results.slice(0, models.length)), ...between] : [],
    about: [...aboutData(loaded, options, results), ...models.map(aboutModel)],
  });
}

type Heads = Required<Pick<ReportExtras, "heads" | "headNotes" | "between">>;

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
    heads: [...byHead(metrics, rows), ...byHead(ofShown, shown?.rows ?? [])],
    headNotes: [
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

// What models say of posts that were shown, against what came of them: the same rows for every model, whatever it would have retrieved. Where
// models learn from pages, their probabilities are of just this.

interface HeadsOfPages {
  pages: number;
  rows: HeadRows[];
  metrics: HeadMetrics[];
  /** The same rows, paired by page. */
  paired: HeldOutMetrics<string>;
}

/** Of pages since `testFrom`, `sample` at most, drawn by seed. undefined: none was shown whose day is over. */
export async function headsOfPages(
  loaded: LoadedCommunity,
  models: Record<string, ReplayedModel>,
  { testFrom, sample: most = Number.POSITIVE_INFINITY, seed = 1 }: Pick<ReplayOptions, "testFrom" | "sample" | "seed">,
  options: RankOptions,
): Promise<HeadsOfPages | undefined> {
  const all = heldOutOf(loaded, testFrom, true);
  const requests = Array.from(sample(all.length, most, seed), (i) => all[i]);
  if (requests.length === 0) return undefined;
  const names = Object.keys(models);
  const paired = new HeldOutMetrics(names);
  const heads = allHeads.filter((head) => names.every((name) => models[name].heads.includes(head)));
  const columns = heads.map(() => ({
    labels: [] as number[],
    lists: [] as number[],
    values: names.map((): number[] => []),
  }));
  for await (const [request, ranked] of rankedRequests(loaded, requests, models, options)) {
    paired.add(request, ranked);
    if (!("shown" in request)) continue;
    for (const { post, labels } of request.shown)
      for (const [h, { labels: ofHead, lists, values }] of columns.entries()) {
        const label = labels[allHeads.indexOf(heads[h])];
        if (label === unknown) continue;
        ofHead.push(label);
        lists.push(paired.requests);
        for (const [n, name] of names.entries()) {
          const { posts, heads: own, probabilities } = ranked[name];
          values[n].push(probabilities[posts.indexOf(post) * own.length + own.indexOf(heads[h])]);
        }
      }
  }
  const rows = columns
    .map(
      ({ labels, lists, values }, h): HeadRows => ({
        head: `${heads[h]}, shown`,
        labels: Float64Array.from(labels),
        probabilities: names.map((by, n) => ({ by, values: Float32Array.from(values[n]) })),
        lists: Int32Array.from(lists),
      }),
    )
    .filter(({ labels }) => labels.includes(1));
  return { pages: requests.length, rows, metrics: rankerMetrics([], rows), paired };
}
