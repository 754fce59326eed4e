/** Metrics of predicted probabilities against what happened (labels 0 or 1), row by row. */
import { countBelow } from "./statistics.ts";

/** Chance that a positive row is scored above a negative one, equal scores counting half; NaN without both. */
export function auc(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  const sorted = Float64Array.from(scores).sort();
  let positives = 0;
  let rankSum = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] <= 0) continue;
    positives++;
    // the mean rank of all that score the same
    rankSum += (countBelow(sorted, scores[i]) + 1 + countBelow(sorted, scores[i], true)) / 2;
  }
  const negatives = labels.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** AUC within each group (a user or a request), averaged by the groups' rows; groups of one label only are left out. */
export function gauc(labels: ArrayLike<number>, scores: ArrayLike<number>, groups: ArrayLike<number>): number {
  const members = new Map<number, number[]>();
  for (let i = 0; i < groups.length; i++) {
    const group = members.get(groups[i]);
    if (group) group.push(i);
    else members.set(groups[i], [i]);
  }
  let sum = 0;
  let weight = 0;
  for (const rows of members.values()) {
    const value = auc(
      rows.map((i) => labels[i]),
      rows.map((i) => scores[i]),
    );
    if (Number.isNaN(value)) continue;
    sum += value * rows.length;
    weight += rows.length;
  }
  return sum / weight;
}

/** Mean of −log p(label), in nats; probabilities are kept 1e-15 away from 0 and 1. */
export function logLoss(labels: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    const p = Math.min(1 - 1e-15, Math.max(1e-15, probabilities[i]));
    sum -= labels[i] * Math.log(p) + (1 - labels[i]) * Math.log1p(-p);
  }
  return sum / labels.length;
}

/** Log loss divided by that of always saying the base rate: below 1 is better than knowing nothing but the base rate. */
export function normalisedEntropy(labels: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  let positives = 0;
  for (let i = 0; i < labels.length; i++) positives += labels[i];
  const rate = positives / labels.length;
  return logLoss(labels, probabilities) / -(rate * Math.log(rate) + (1 - rate) * Math.log1p(-rate));
}

/** Σp/Σy: at 1 the sum is right, above 1 too much is predicted. */
export function calibration(labels: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  let predicted = 0;
  let observed = 0;
  for (let i = 0; i < labels.length; i++) {
    predicted += probabilities[i];
    observed += labels[i];
  }
  return predicted / observed;
}

/** A reliability bin: what was predicted on average, and what was observed. */
export interface CalibrationBin {
  rows: number;
  predicted: number;
  observed: number;
}

/**
 * Bins in order of probability, each with about an equal share of what was predicted in total: where positives are rare,
 * bins of equally many rows would put nearly all of them into the last. Equal probabilities share a bin.
 */
export function calibrationBins(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  bins = 10,
): CalibrationBin[] {
  const sorted = Float64Array.from(probabilities).sort();
  const total = sorted.reduce((sum, p) => sum + p, 0);
  // the highest probability of each bin but the last
  const limits: number[] = [];
  let sum = 0;
  for (const p of sorted) {
    sum += p;
    if (limits.length < bins - 1 && sum >= ((limits.length + 1) / bins) * total && p !== limits.at(-1)) limits.push(p);
  }
  const ends = Float64Array.from(limits);
  const found = Array.from({ length: bins }, (): CalibrationBin => ({ rows: 0, predicted: 0, observed: 0 }));
  for (let i = 0; i < labels.length; i++) {
    const bin = found[countBelow(ends, probabilities[i])];
    bin.rows++;
    bin.predicted += probabilities[i];
    bin.observed += labels[i];
  }
  return found
    .filter(({ rows }) => rows > 0)
    .map(({ rows, predicted, observed }) => ({ rows, predicted: predicted / rows, observed: observed / rows }));
}
