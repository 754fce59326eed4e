/**
 * How good lists are. `ranks` are the ranks (from 1; Infinity: not in the list) of the posts that were right, in any order; `relevant` is how
 * many were right in all.
 */
import { type Estimate, estimate } from "./statistics.ts";

/** Share of the right posts within the first k; the denominator is min(k, relevant), so that 1 can be reached. */
export function recallAt(k: number, ranks: ArrayLike<number>, relevant: number): number {
  let hits = 0;
  for (let i = 0; i < ranks.length; i++) if (ranks[i] <= k) hits++;
  return hits / Math.min(k, relevant);
}

/** Σ 1/log₂(1 + rank) within the first k, divided by the most this could be. */
export function ndcgAt(k: number, ranks: ArrayLike<number>, relevant: number): number {
  let gain = 0;
  for (let i = 0; i < ranks.length; i++) if (ranks[i] <= k) gain += 1 / Math.log2(1 + ranks[i]);
  let best = 0;
  for (let rank = 1; rank <= Math.min(k, relevant); rank++) best += 1 / Math.log2(1 + rank);
  return gain / best;
}

/** 1 / the best rank; its mean over lists is MRR. */
export function reciprocalRank(ranks: ArrayLike<number>): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ranks.length; i++) best = Math.min(best, ranks[i]);
  return 1 / best;
}

/** What one list scores. */
const ofOneList = {
  "recall@20": (ranks: number[]) => recallAt(20, ranks, ranks.length),
  "recall@100": (ranks: number[]) => recallAt(100, ranks, ranks.length),
  "ndcg@20": (ranks: number[]) => ndcgAt(20, ranks, ranks.length),
  mrr: reciprocalRank,
};
export type ListMetric = keyof typeof ofOneList;
export type ListMetrics = { lists: number } & Record<ListMetric, Estimate>;

/** Means over the ranks of lists, with their standard errors; with a `baseline` on the same lists those of the differences to it, list by list. */
export function listMetrics(lists: number[][], baseline?: number[][]): ListMetrics {
  const entries = Object.entries(ofOneList).map(([metric, value]) => [
    metric,
    estimate(lists.map((ranks, i) => value(ranks) - (baseline ? value(baseline[i]) : 0))),
  ]);
  return { lists: lists.length, ...Object.fromEntries(entries) };
}

// The replay, whose lists have one right post each, so that recall is 0 or 1.

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

const sevenDays = 7 * 24 * 3_600_000;

/** Which events a slice takes. */
const slices = {
  all: () => true,
  "cold users": (event) => event.cold,
  "warm users": (event) => !event.cold,
  "posts ≤ 7 days": (event) => event.age <= sevenDays,
  "posts > 7 days": (event) => event.age > sevenDays,
} satisfies Record<string, (event: ReplayEvent) => boolean>;

export type ReplayMetrics = Record<keyof typeof slices, ListMetrics>;

/** `listMetrics` of the events of every slice. Throws where the baseline is not of the same events. */
export function replayMetrics(events: ReplayEvent[], baseline?: ReplayEvent[]): ReplayMetrics {
  const isSame = ({ user, post, at }: ReplayEvent, other?: ReplayEvent) =>
    user === other?.user && post === other.post && at === other.at;
  if (baseline && !events.every((event, i) => isSame(event, baseline[i])))
    throw new Error("A paired difference needs both results on the same events.");
  const ranksIn = (of: ReplayEvent[], takes: (event: ReplayEvent) => boolean) =>
    of.filter((_, i) => takes(events[i])).map(({ rank }) => [rank]);
  const entries = Object.entries(slices).map(([slice, takes]) => [
    slice,
    listMetrics(ranksIn(events, takes), baseline && ranksIn(baseline, takes)),
  ]);
  return Object.fromEntries(entries);
}
