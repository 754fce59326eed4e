/** The ranker's logits and its loss on requests, where no gradients are needed. */
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { forward } from "../nn/dense.ts";
import { inputsOf, targetsOf } from "./batch.ts";
import { dlrmLoss, type LossOptions } from "./loss.ts";
import type { Dlrm } from "./model.ts";
import { dlrmLogits } from "./network.ts";
import type { RankingExamples } from "./ranking-examples.ts";

/** Requests that go through the network together. */
const chunk = 64;

/** Logits [requests · rows, heads] of some requests. */
export function dlrmForward(dlrm: Dlrm, examples: RankingExamples, requests: Uint32Array): Float32Array {
  const heads = dlrm.heads.length;
  const logits = new Float32Array(requests.length * examples.rows * heads);
  for (let start = 0; start < requests.length; start += chunk) {
    const inputs = inputsOf(dlrm, examples, requests.subarray(start, start + chunk));
    logits.set(forward(inputs, dlrmLogits), start * examples.rows * heads);
  }
  return logits;
}

/** What the calibrated ranker scores row `i` of some logits: the weighted sum of its probabilities of view, vote and comment. */
export function scoreAt(
  { heads, calibration: { scale, shift } }: Dlrm,
  logits: Float32Array,
  i: number,
  weights: number[],
): number {
  let score = 0;
  for (let head = 0; head < kinds.length; head++)
    score += weights[head] / (1 + Math.exp(-scale[head] * logits[i * heads.length + head] - shift[head]));
  return score;
}

/** The mean loss of some requests. */
export function meanLoss(dlrm: Dlrm, examples: RankingExamples, requests: Uint32Array, options: LossOptions): number {
  let sum = 0;
  for (let start = 0; start < requests.length; start += chunk) {
    const part = requests.subarray(start, start + chunk);
    const inputs = {
      ...inputsOf(dlrm, examples, part),
      ...targetsOf(examples, part, options.scoreWeights),
    };
    sum += part.length * forward(inputs, (t) => dlrmLoss(t, examples.rows, options))[0];
  }
  return sum / requests.length;
}
