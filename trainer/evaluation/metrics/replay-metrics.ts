import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { ndcgAt, recallAt, reciprocalRank } from "./ranking-metrics.ts";
import { type Estimate, estimate } from "./statistics.ts";

/** One list: asked at `at` for `user`, who then acted on `post`. */
export interface ReplayEvent {
  user: number;
  post: number;
  at: number;
  cold: boolean;
  /** Age of the post in milliseconds. */
  age: number;
  /** From 1; Infinity where the recommender left the post out. */
  rank: number;
  /** Post numbers, best first. */
  top: Int32Array;
}

const sevenDays = 7 * 24 * hour;

/** Which events a slice takes. */
const slices = {
  all: () => true,
  "cold users": (event) => event.cold,
  "warm users": (event) => !event.cold,
  "posts ≤ 7 days": (event) => event.age <= sevenDays,
  "posts > 7 days": (event) => event.age > sevenDays,
} satisfies Record<string, (event: ReplayEvent) => boolean>;
type Slice = keyof typeof slices;

/** What one list scores: there is one right post, so recall is 0 or 1. */
const listMetrics = {
  "recall@20": ({ rank }) => recallAt(20, [rank], 1),
  "recall@100": ({ rank }) => recallAt(100, [rank], 1),
  "ndcg@20": ({ rank }) => ndcgAt(20, [rank], 1),
  mrr: ({ rank }) => reciprocalRank([rank]),
} satisfies Record<string, (event: ReplayEvent) => number>;
type ListMetric = keyof typeof listMetrics;

type SliceMetrics = { events: number } & Record<ListMetric, Estimate>;
export type ReplayMetrics = Record<Slice, SliceMetrics>;

/** Every metric in every slice, with its standard error. */
export function replayMetrics(events: ReplayEvent[]): ReplayMetrics {
  return bySlice(events, (event, metric) => listMetrics[metric](event));
}

/** Differences (events − baseline, paired by list) in every slice. Throws where the two are not of the same lists. */
export function pairedDifferences(events: ReplayEvent[], baseline: ReplayEvent[]): ReplayMetrics {
  const partner = new Map(events.map((event, i) => [event, baseline[i]]));
  for (const [event, other] of partner) {
    if (event.user !== other?.user || event.post !== other.post || event.at !== other.at) {
      throw new Error("A paired difference needs both results on the same events.");
    }
  }
  return bySlice(events, (event, metric) => {
    const other = partner.get(event) as ReplayEvent;
    return listMetrics[metric](event) - listMetrics[metric](other);
  });
}

function bySlice(events: ReplayEvent[], value: (event: ReplayEvent, metric: ListMetric) => number): ReplayMetrics {
  const entries = Object.entries(slices).map(([slice, takes]) => {
    const taken = events.filter(takes);
    const metrics = (Object.keys(listMetrics) as ListMetric[]).map((metric) => [
      metric,
      estimate(taken.map((event) => value(event, metric))),
    ]);
    return [slice, { events: taken.length, ...Object.fromEntries(metrics) }];
  });
  return Object.fromEntries(entries);
}
