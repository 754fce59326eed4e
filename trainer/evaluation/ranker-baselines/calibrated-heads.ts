/** A baseline's three heads: fitted to the rows the ranker was trained on, calibrated as the ranker is. */
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { calibrate, shiftToBaseRate } from "../../dlrm/calibrate.ts";
import type { RankerParts, RankingExamples } from "../../dlrm/ranking-examples.ts";
import { type LabelledRows, labelledRows, rowsOfRequests, rowWidth } from "./labelled-rows.ts";

/** The logit of a candidate's row. */
type Logit = (row: Float32Array) => number;

/** Learns one head from the `training` rows; the `heldOut` ones may choose its settings. */
export type FitHead = (
  rows: LabelledRows,
  parts: { training: Uint32Array; heldOut: Uint32Array },
) => Logit | Promise<Logit>;

/** Writes the probabilities of a candidate's row into `out` [3]. */
export type Probabilities = (row: Float32Array, out: Float32Array) => void;

/** Fits the heads and calibrates them as `calibrateHeads` does: sharpness from the held-out requests, the rate from all. */
export async function calibratedHeads(
  fit: FitHead,
  examples: RankingExamples,
  parts: RankerParts,
): Promise<Probabilities> {
  const training = rowsOfRequests(examples, parts.training);
  const heldOut = rowsOfRequests(examples, parts.heldOut);
  const window = Uint32Array.of(...parts.training, ...parts.heldOut);
  const fitted: { logit: Logit; scale: number; shift: number }[] = [];
  for (let head = 0; head < kinds.length; head++) {
    const rows = labelledRows(examples, head);
    const known = training.some((row) => rows.labels[row] === 1);
    // what nobody ever did has nothing but a rate to learn
    const logit = known ? await fit(rows, { training, heldOut }) : () => 0;
    const seen = columnOf(rows, logit, rowsOfRequests(examples, window));
    const unseen = columnOf(rows, logit, heldOut);
    const { scale } = calibrate(unseen.logits, unseen.labels, unseen.weights);
    const sharpened = seen.logits.map((value) => scale * value);
    fitted.push({ logit, scale, shift: shiftToBaseRate(sharpened, seen.labels, seen.weights) });
  }
  return (row, out) => {
    for (const [head, { logit, scale, shift }] of fitted.entries()) {
      out[head] = 1 / (1 + Math.exp(-(scale * logit(row) + shift)));
    }
  };
}

function columnOf({ read, labels, weights }: LabelledRows, logit: Logit, rows: Uint32Array) {
  const row = new Float32Array(rowWidth);
  return {
    logits: Float32Array.from(rows, (number) => {
      read(number, row);
      return logit(row);
    }),
    labels: Float32Array.from(rows, (number) => labels[number]),
    weights: Float32Array.from(rows, (number) => weights[number]),
  };
}
