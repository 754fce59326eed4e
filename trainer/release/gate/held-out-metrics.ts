/** How well models did on the same requests: metrics of each, and what lies between two of them, paired by request. */
import { allHeads, kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { recallAt, reciprocalRank } from "../../evaluation/metrics/list-metrics.ts";
import { type Estimate, estimate, meanOf } from "../../evaluation/metrics/statistics.ts";
import { groupBy } from "../../models/nn/group-by.ts";
import type { RankerRequest } from "../../models/ranker/page-requests.ts";
import { type Labels, unknown } from "../../models/ranker/requests.ts";
import type { RankedRequest } from "./ranked-requests.ts";

/**
 * Of the list a user would have seen: 0 where the post they chose is not in it. Of a page that was shown, MRR alone: where the first post
 * they interacted with would have stood in it. Higher is better.
 */
export const listMetricNames = ["mrr", "recall@20"] as const;

/**
 * For each head that all models have, the normalised cross-entropy on the posts that all retrieved, so that finding
 * a further post costs no model anything. Lower is better.
 */
export const headMetrics = allHeads.map((head) => `cross-entropy ${head}` as const);

export type Metric = (typeof listMetricNames)[number] | (typeof headMetrics)[number];

/** Fewer positives than this say too little of a head. */
const enoughPositives = 20;

/** Gathers what models made of requests. Where people are weighed each counts once: means are over people, of the mean of their requests. */
export class HeldOutMetrics<Name extends string> {
  private readonly values: Record<Name, Record<string, number[]>>;
  private readonly positives = allHeads.map(() => 0);
  private readonly rows = allHeads.map(() => 0);
  private readonly names: Name[];
  /** Whose each value of a metric is. */
  private readonly users: Record<string, number[]>;
  private readonly weighsPeople: boolean;
  requests = 0;

  constructor(names: Name[], { weighsPeople = false } = {}) {
    this.names = names;
    this.weighsPeople = weighsPeople;
    const empty = () =>
      Object.fromEntries([...listMetricNames, ...headMetrics].map((metric) => [metric, [] as number[]]));
    this.values = Object.fromEntries(names.map((name) => [name, empty()])) as typeof this.values;
    this.users = empty();
  }

  /** The labels of a page are those of `allHeads`. */
  add(request: RankerRequest, ranked: Record<Name, RankedRequest>): void {
    this.requests++;
    const shared = sharedPosts(this.names.map((name) => ranked[name]));
    const labelsOf = new Map<number, Labels>();
    for (const { post, labels } of "shown" in request ? request.shown : [request]) labelsOf.set(post, labels);
    const measured = "shown" in request ? allHeads.length : kinds.length;
    const label = (post: number, head: number) => labelsOf.get(post)?.[head] ?? 0;
    for (let head = 0; head < measured; head++)
      for (const post of shared) {
        if (label(post, head) === unknown) continue;
        this.rows[head]++;
        this.positives[head] += label(post, head);
      }
    for (const name of this.names) {
      const { rank, posts, probabilities, heads } = ranked[name];
      const push = (metric: Metric, value: number) => {
        this.values[name][metric].push(value);
        if (name === this.names[0]) this.users[metric].push(request.user);
      };
      if (!("shown" in request)) push("recall@20", recallAt(20, [rank], 1));
      // a page without a positive has no order to be right or wrong
      if (!("shown" in request) || Number.isFinite(rank)) push("mrr", reciprocalRank([rank]));
      for (let head = 0; head < measured; head++) {
        if (!this.names.every((each) => ranked[each].heads.includes(allHeads[head]))) continue;
        const column = heads.indexOf(allHeads[head]);
        let loss = 0;
        for (const [i, each] of posts.entries()) {
          if (!shared.has(each) || label(each, head) === unknown) continue;
          loss -= logLikelihood(probabilities[heads.length * i + column], label(each, head));
        }
        push(headMetrics[head], loss);
      }
    }
  }

  /** The mean of a metric; undefined: nothing to say it by. */
  mean(name: Name, metric: Metric): number | undefined {
    const scale = this.scaleOf(metric);
    const values = this.values[name][metric];
    return scale === undefined || values.length === 0 ? undefined : this.estimate(metric, values).mean / scale;
  }

  /** How much worse `name` is than `other`, paired by request; undefined: nothing to say it by. */
  worse(name: Name, other: Name, metric: Metric): Estimate | undefined {
    const scale = this.scaleOf(metric);
    if (scale === undefined) return undefined;
    const sign = isListMetric(metric) ? -1 : 1;
    const [own, others] = [this.values[name][metric], this.values[other][metric]];
    if (own.length === 0) return undefined;
    return this.estimate(
      metric,
      own.map((value, i) => (sign * (value - others[i])) / scale),
    );
  }

  private estimate(metric: Metric, values: number[]): Estimate {
    if (!this.weighsPeople) return estimate(values);
    const ofPeople = groupBy(values.keys(), (i) => this.users[metric][i]);
    return estimate(Array.from(ofPeople.values(), (own) => meanOf(own.map((i) => values[i]))));
  }

  /** What a request's loss is divided by: the entropy of the base rate, of as many rows as a request has. */
  private scaleOf(metric: Metric): number | undefined {
    if (isListMetric(metric)) return 1;
    const head = headMetrics.indexOf(metric);
    const [positives, rows] = [this.positives[head], this.rows[head]];
    if (positives < enoughPositives) return undefined;
    const rate = positives / rows;
    const entropy = -(rate * Math.log(rate) + (1 - rate) * Math.log1p(-rate));
    return (entropy * rows) / this.requests;
  }
}

function isListMetric(metric: Metric): metric is (typeof listMetricNames)[number] {
  return (listMetricNames as readonly Metric[]).includes(metric);
}

function sharedPosts([first, ...others]: RankedRequest[]): Set<number> {
  const sets = others.map(({ posts }) => new Set(posts));
  return new Set(first.posts.filter((post) => sets.every((set) => set.has(post))));
}

/** Probabilities are kept 1e-15 away from 0 and 1. */
function logLikelihood(probability: number, label: number): number {
  const p = Math.min(1 - 1e-15, Math.max(1e-15, probability));
  return label * Math.log(p) + (1 - label) * Math.log1p(-p);
}
