/** The benchmarks of serving, in the order in which they run. What they load, names alone do without. */
export const benchmarkNames = [
  "feed",
  "pooler",
  "replica",
  "worker",
  "recall",
  "start",
  "ranker",
  "bundle",
  "scale",
  "publish",
] as const;
export type Name = (typeof benchmarkNames)[number];
