/**
 * Metrics of one list. `ranks` are the ranks (from 1; Infinity: not in the list) of the posts that were right, in any
 * order; `relevant` is how many were right in all.
 */

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
