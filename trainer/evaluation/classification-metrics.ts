/** Metrics of predicted probabilities against what happened (labels 0 or 1), row by row. */

/** Chance that a positive row is scored above a negative one, equal scores counting half; NaN without both. */
export function auc(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  const order = Uint32Array.from({ length: labels.length }, (_, i) => i).sort((a, b) => scores[a] - scores[b]);
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && scores[order[end]] === scores[order[start]]) end++;
    const meanRank = (start + 1 + end) / 2;
    for (let i = start; i < end; i++) {
      if (labels[order[i]] > 0) {
        positives++;
        rankSum += meanRank;
      }
    }
    start = end;
  }
  const negatives = order.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** AUC within each group (a user or a request), averaged by the groups' rows; groups of one label only are left out. */
export function gauc(labels: ArrayLike<number>, scores: ArrayLike<number>, groups: ArrayLike<number>): number {
  const rows = Map.groupBy(
    Array.from(groups, (group, i) => ({ group, i })),
    ({ group }) => group,
  );
  let sum = 0;
  let weight = 0;
  for (const group of rows.values()) {
    const value = auc(
      group.map(({ i }) => labels[i]),
      group.map(({ i }) => scores[i]),
    );
    if (Number.isNaN(value)) continue;
    sum += value * group.length;
    weight += group.length;
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

/** Log loss over that of always saying the base rate: below 1 is better than knowing nothing but the base rate. */
export function normalisedEntropy(labels: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  let positives = 0;
  for (let i = 0; i < labels.length; i++) positives += labels[i];
  const rate = positives / labels.length;
  return logLoss(labels, probabilities) / -(rate * Math.log(rate) + (1 - rate) * Math.log1p(-rate));
}

/** Σp/Σy: 1 is calibrated on the whole, above it promises too much. */
export function calibration(labels: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  let promised = 0;
  let happened = 0;
  for (let i = 0; i < labels.length; i++) {
    promised += probabilities[i];
    happened += labels[i];
  }
  return promised / happened;
}

/** A reliability bin: what was promised on average, beside what happened. */
export interface CalibrationBin {
  rows: number;
  promised: number;
  happened: number;
}

/**
 * Bins in order of probability, each with an equal share of what was promised in total: where positives are rare, bins of
 * equally many rows would put nearly all of them into the last.
 */
export function calibrationBins(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  bins = 10,
): CalibrationBin[] {
  const order = Uint32Array.from({ length: labels.length }, (_, i) => i).sort(
    (a, b) => probabilities[a] - probabilities[b],
  );
  const total = order.reduce((sum, i) => sum + probabilities[i], 0);
  const found: CalibrationBin[] = [];
  let sum = 0;
  let start = 0;
  for (const [place, i] of order.entries()) {
    sum += probabilities[i];
    const isLast = place + 1 === order.length;
    if (sum < ((found.length + 1) / bins) * total && !isLast) continue;
    // what rounding leaves of the last share belongs to its bin
    if (found.length === bins - 1 && !isLast) continue;
    const rows = order.subarray(start, place + 1);
    const mean = (values: ArrayLike<number>) => rows.reduce((all, row) => all + values[row], 0) / rows.length;
    found.push({ rows: rows.length, promised: mean(probabilities), happened: mean(labels) });
    start = place + 1;
  }
  return found;
}
