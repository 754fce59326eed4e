/**
 * The quality of a new model on requests that its ranker has not learned from, against the recency baseline, with towers from before them. A
 * fine-tuning asks all new requests before it learns (test, then train: Blum, Kalai & Langford, "Beating the hold-out", 1999).
 */

import type { ModelWithHoldoutTowers } from "../../artifacts/model-folder/trained-model.ts";
import { dlrmGraph } from "../../artifacts/onnx/dlrm.ts";
import type { LoadedCommunity } from "../../data/replay/from-database.ts";
import { mostRequests } from "./compare.ts";
import { HeldOutMetrics, listMetricNames } from "./held-out-metrics.ts";
import { modelInMemory } from "./model-in-memory.ts";
import { heldOutOf, type RankOptions, rankedRequests } from "./ranked-requests.ts";

type ComparedMetric = (typeof listMetricNames)[number];

/** One metric of the model and of the baseline; `standard_error` is that of their difference, paired by request. */
export interface AgainstBaseline {
  model: number;
  baseline: number;
  difference: number;
  standard_error: number;
}

export interface HeldOutQuality {
  requests: number;
  /** Whether it went on from an earlier model, and these are what that model made of the requests it then learned from. */
  before_learning: boolean;
  /** When the first and the last of them was, ISO 8601. */
  from: string;
  to: string;
  /** Of pages that were shown there is no recall. */
  metrics: Partial<Record<ComparedMetric, AgainstBaseline>>;
}

/**
 * Asks up to 500 of these requests, the latest before `until` (milliseconds), which leaves the rest for an evaluation. Undefined:
 * none. They chose the ranker's epoch and the heads' scale, which favours it a little; requests asked before learning chose nothing.
 */
export async function heldOutQuality(
  loaded: LoadedCommunity,
  { heldBack, dlrm, rankerBefore, learnedFrom }: ModelWithHoldoutTowers,
  options: RankOptions & { until: number },
): Promise<HeldOutQuality | undefined> {
  const requests = heldOutOf(loaded, heldBack.from, learnedFrom === "pages", options.until).slice(-mostRequests);
  if (requests.length === 0) return undefined;
  const model = await modelInMemory(
    "held back",
    loaded.community,
    { ...heldBack, heads: dlrm.heads, dlrm: rankerBefore ?? dlrmGraph(dlrm) },
    options,
  );
  const gathered = new HeldOutMetrics(["model", "baseline"]);
  for await (const [request, { model: ranked }] of rankedRequests(loaded, requests, { model }, options))
    gathered.add(request, { model: ranked, baseline: { ...ranked, rank: ranked.recencyRank } });
  const metrics: HeldOutQuality["metrics"] = {};
  for (const metric of listMetricNames) {
    const [own, other] = [gathered.mean("model", metric), gathered.mean("baseline", metric)];
    const worse = gathered.worse("model", "baseline", metric);
    if (own === undefined || other === undefined || !worse) continue;
    metrics[metric] = { model: own, baseline: other, difference: -worse.mean, standard_error: worse.error };
  }
  const [first, last] = [requests[0], requests[requests.length - 1]];
  return {
    requests: requests.length,
    before_learning: rankerBefore !== undefined,
    from: new Date(first.at).toISOString(),
    to: new Date(last.at).toISOString(),
    metrics,
  };
}

/** The quality in one line. */
export function qualityLine({ requests, before_learning, metrics }: HeldOutQuality): string {
  const each = Object.entries(metrics).map(
    ([name, { model, baseline, difference, standard_error }]) =>
      `${name} ${model.toFixed(3)} (recency baseline ${baseline.toFixed(3)}, difference ${difference < 0 ? "−" : "+"}${Math.abs(difference).toFixed(3)} ± ${standard_error.toFixed(3)})`,
  );
  const which = before_learning ? "new requests, before it learned from them" : "held-out requests";
  return `on ${requests} ${which}: ${each.join(", ")}`;
}
