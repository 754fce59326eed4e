/** The calibration of a trained ranker. */
import { calibrate, shiftToBaseRate, shiftToMean } from "./calibrate.ts";
import { dlrmForward } from "./forward.ts";
import type { Dlrm } from "./model.ts";
import type { RankerParts, RankingExamples } from "./ranking-examples.ts";

/**
 * Fits each head to all candidates of its requests, with and without a retrieved positive: the scale on requests it did not train on, the
 * rate on the whole window, since kinds come in waves (a small community's held-out days had 1.6 times the votes of the next ones).
 */
export function calibrateHeads(dlrm: Dlrm, examples: RankingExamples, { training, heldOut }: RankerParts): void {
  const window = Uint32Array.of(...training, ...heldOut);
  const logits = dlrmForward(dlrm, examples, window);
  const { rows } = examples;
  const from = training.length * rows;
  const rowNumbers = examples.rowsOf(window);
  const heads = dlrm.heads.length;
  for (let head = 0; head < heads; head++) {
    const weights = Float32Array.from(rowNumbers, (row) => examples.countsFor(row, head));
    const column = Float32Array.from(weights, (_, i) => logits[i * heads + head]);
    const labels = Float32Array.from(rowNumbers, (row) => examples.label(row, head));
    const { scale } = calibrate(column.subarray(from), labels.subarray(from), weights.subarray(from));
    dlrm.calibration.scale[head] = scale;
    dlrm.calibration.shift[head] = shiftToBaseRate(
      column.map((logit) => scale * logit),
      labels,
      weights,
    );
  }
}

/** How many positives of each head a calibrated ranker expects in some requests, [heads]. */
export function expectedPositives(dlrm: Dlrm, examples: RankingExamples, requests: Uint32Array): number[] {
  return scaled(dlrm, examples, requests).map(({ logits, weights }, head) => {
    const shift = dlrm.calibration.shift[head];
    return logits.reduce((sum, logit, i) => sum + weights[i] / (1 + Math.exp(-logit - shift)), 0);
  });
}

/**
 * Shifts the heads of a calibrated ranker that went on learning: a night's few positives count as often as there are requests, and
 * its earlier expectation for the rest of a `whole` window. The scale stays: each request was new to the ranker.
 */
export function shiftHeads(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  expected: number[],
  whole: number,
): void {
  const share = Math.min(1, requests.length / whole);
  for (const [head, { logits, weights }] of scaled(dlrm, examples, requests).entries()) {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    // an optional head without any known label, since the operator has switched it off: it stays as it is
    if (total === 0) continue;
    const positives = requests.reduce((sum, request) => sum + examples.positives(request, head), 0);
    // one more positive in a whole window: what never happened stays possible
    const mean = (share * (positives + 1) + (1 - share) * expected[head]) / (total + 2);
    dlrm.calibration.shift[head] = shiftToMean(logits, weights, mean);
  }
}

/** Of each head, over the rows of some requests: the logits times its scale, and how much each row counts. */
function scaled(dlrm: Dlrm, examples: RankingExamples, requests: Uint32Array) {
  const all = dlrmForward(dlrm, examples, requests);
  const rowNumbers = examples.rowsOf(requests);
  return Array.from(dlrm.calibration.scale, (scale, head) => ({
    logits: Float32Array.from(rowNumbers, (_, i) => scale * all[i * dlrm.heads.length + head]),
    weights: Float32Array.from(rowNumbers, (row) => examples.countsFor(row, head)),
  }));
}
