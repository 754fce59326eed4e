/** A baseline's three heads: fitted to the rows the ranker was trained on, calibrated as the ranker is. */
import { categories, categoryRows } from "../../../supabase/functions/_shared/features/categories.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { fitLogisticRegression } from "../../models/nn/logistic-regression.ts";
import { calibrate, shiftToBaseRate } from "../../models/ranker/calibrate.ts";
import { denseWidth, type Standardisation, standardised } from "../../models/ranker/dense-features.ts";
import type { RankerParts, RankingExamples } from "../../models/ranker/ranking-examples.ts";

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
    // a head without positives has nothing but a rate to learn
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

// What a baseline of the ranker learns one head from: the rows the ranker itself was trained on.

export interface LabelledRows {
  width: number;
  /** Writes the features of a row into `out` [width]. */
  read: (row: number, out: Float32Array) => void;
  /** 0 or 1, and how many candidates the row stands for; by row number. */
  labels: ArrayLike<number>;
  weights: ArrayLike<number>;
}

/** A head's view of the ranker's training set. */
export function labelledRows(examples: RankingExamples, head: number): LabelledRows {
  const labels = Uint8Array.from(examples.lossWeights, (_, row) => examples.label(row, head));
  const read = (row: number, out: Float32Array) => readExample(examples, row, out);
  return { width: rowWidth, read, labels, weights: examples.lossWeights };
}

/** Numbers of the rows of some requests, without those that stand for no candidate. */
export function rowsOfRequests(examples: RankingExamples, requests: Uint32Array): Uint32Array {
  return examples.rowsOf(requests).filter((row) => examples.weights[row] > 0);
}

// A candidate as one row of numbers: all the ranker knows of it but the vectors, whose inner product is among them.

/**
 * The dense features, then the categories as whole numbers (each category's are in an order that means something): the
 * order of `loggedFeatures`, which reads the same row from the feeds of serving.
 */
export const rowWidth = denseWidth + categories.length;

/** Writes a row of the ranker's training set into `out` [rowWidth]. */
export function readExample({ dense, categories: ids }: RankingExamples, row: number, out: Float32Array): void {
  out.set(dense.subarray(row * denseWidth, (row + 1) * denseWidth));
  out.set(ids.subarray(row * categories.length, (row + 1) * categories.length), denseWidth);
}

// Logistic regression on all features: the dense ones standardised and clipped as in the DLRM, one weight per category.

/** The penalty on the weights: that of a feature on which nothing depends stays near 0. */
const ridge = 1;

/** Fits one head; `standardisation` is that of the DLRM trained on the same rows. */
export function fitLogisticHead(standardisation: Standardisation): FitHead {
  return ({ read, labels, weights }, { training }) => {
    const raw = new Float32Array(rowWidth);
    const fitted = fitLogisticRegression(
      {
        count: training.length,
        width: denseWidth + categoryRows,
        read: (i, x) => {
          read(training[i], raw);
          expand(raw, standardisation, x);
        },
        labels: Uint8Array.from(training, (row) => labels[row]),
        weights: Float32Array.from(training, (row) => weights[row]),
      },
      ridge,
    );
    return (row) => {
      let logit = fitted[denseWidth + categoryRows];
      for (let f = 0; f < denseWidth; f++) logit += fitted[f] * standardised(row[f], f, standardisation);
      for (let c = denseWidth; c < rowWidth; c++) logit += fitted[denseWidth + row[c]];
      return logit;
    };
  };
}

/** A row as the regression sees it: standardised features, then a 1 at each of its categories. */
function expand(row: Float32Array, standardisation: Standardisation, x: Float64Array): void {
  for (let f = 0; f < denseWidth; f++) x[f] = standardised(row[f], f, standardisation);
  x.fill(0, denseWidth, denseWidth + categoryRows);
  for (let c = denseWidth; c < rowWidth; c++) x[denseWidth + row[c]] = 1;
}
