import { ndcgAt, recallAt, reciprocalRank } from "./ranking-metrics.ts";
import { type Estimate, estimate } from "./statistics.ts";

/** One user's list. */
export interface CutList {
  user: number;
  test: number[];
  /** Rank of each test post, from 1; Infinity where the recommender left it out. */
  ranks: number[];
  top: Int32Array;
}

/** What one user's list scores. */
const userMetrics = {
  "recall@20": ({ ranks }) => recallAt(20, ranks, ranks.length),
  "recall@100": ({ ranks }) => recallAt(100, ranks, ranks.length),
  "ndcg@20": ({ ranks }) => ndcgAt(20, ranks, ranks.length),
  mrr: ({ ranks }) => reciprocalRank(ranks),
} satisfies Record<string, (list: CutList) => number>;
type UserMetric = keyof typeof userMetrics;

export type CutMetrics = { users: number } & Record<UserMetric, Estimate>;

/** Means over users, with their standard errors. */
export function cutMetrics(lists: CutList[]): CutMetrics {
  return overUsers(lists, (list, metric) => userMetrics[metric](list));
}

/** Differences (lists − baseline, paired by user). Throws where the two are not of the same users. */
export function pairedCutDifferences(lists: CutList[], baseline: CutList[]): CutMetrics {
  const partner = new Map(baseline.map((list) => [list.user, list]));
  return overUsers(lists, (list, metric) => {
    const other = partner.get(list.user);
    if (!other) throw new Error("A paired difference needs both results on the same users.");
    return userMetrics[metric](list) - userMetrics[metric](other);
  });
}

function overUsers(lists: CutList[], value: (list: CutList, metric: UserMetric) => number): CutMetrics {
  const entries = (Object.keys(userMetrics) as UserMetric[]).map((metric) => [
    metric,
    estimate(lists.map((list) => value(list, metric))),
  ]);
  return { users: lists.length, ...Object.fromEntries(entries) };
}
