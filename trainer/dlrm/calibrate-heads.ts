/** The calibration of a trained ranker. */
import { calibrate, shiftToBaseRate } from "./calibrate.ts";
import { dlrmForward } from "./forward.ts";
import type { Dlrm } from "./model.ts";
import { heads } from "./network.ts";
import type { RankerParts, RankingExamples } from "./ranking-examples.ts";

/**
 * Fits each head to all candidates of its requests, also of requests whose positive retrieval did not bring. How sharp
 * the heads may be shows on requests they were not trained on; how many interactions there are of each kind, on the
 * whole window: kinds come in waves, and the few held-out days of a small community had 1.6 times the votes of what
 * followed.
 */
export function calibrateHeads(
  dlrm: Dlrm,
  examples: RankingExamples,
  { training, heldOut }: RankerParts,
  postVectors: Float32Array,
): void {
  const window = Uint32Array.of(...training, ...heldOut);
  const logits = dlrmForward(dlrm, examples, window, postVectors);
  const { rows } = examples;
  const from = training.length * rows;
  const weights = Float32Array.from(examples.rowsOf(window), (row) => examples.weights[row]);
  for (let head = 0; head < heads; head++) {
    const column = Float32Array.from(weights, (_, i) => logits[i * heads + head]);
    const labels = new Float32Array(weights.length);
    for (const [i, request] of window.entries()) labels[i * rows] = examples.label(request, head);
    const { scale } = calibrate(column.subarray(from), labels.subarray(from), weights.subarray(from));
    dlrm.calibration.scale[head] = scale;
    dlrm.calibration.shift[head] = shiftToBaseRate(
      column.map((logit) => scale * logit),
      labels,
      weights,
    );
  }
}
