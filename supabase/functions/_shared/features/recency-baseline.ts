/** A strong simple ranking: the order of feeds without a model, and the initial weights of the ranker's wide part. */
import { logHours } from "./hours.ts";

/** Weights of log(1 + hours since the last activity) and log(1 + age in hours). */
export const recencyBaselineWeights = { log_idle: -1, log_age: -0.25 };

/** Last active first, then newer: −log(1 + hours since the last activity) − ¼ log(1 + age in hours). */
export function recencyBaseline(createdAt: number, lastActiveAt: number | null, now: number): number {
  const { log_idle, log_age } = recencyBaselineWeights;
  return log_idle * logHours(lastActiveAt ?? createdAt, now) + log_age * logHours(createdAt, now);
}
