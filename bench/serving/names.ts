/** The benchmarks of serving, in the order in which they run. What they load, names alone do without. */
export const names = ["feed", "pooler", "worker", "recall", "start", "ranker", "bundle", "scale", "publish"] as const;
export type Name = (typeof names)[number];
