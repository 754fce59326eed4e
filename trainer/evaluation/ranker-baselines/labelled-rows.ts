/** What a baseline of the ranker learns one head from: the rows the ranker itself was trained on. */

import { categories } from "../../../supabase/functions/_shared/features/categories.ts";
import { denseWidth } from "../../dlrm/dense-features.ts";
import type { RankingExamples } from "../../dlrm/ranking-examples.ts";

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
 * order of `featuresOf`, which reads the same row from the feeds of serving.
 */
export const rowWidth = denseWidth + categories.length;

/** Writes a row of the ranker's training set into `out` [rowWidth]. */
export function readExample({ dense, categories: ids }: RankingExamples, row: number, out: Float32Array): void {
  out.set(dense.subarray(row * denseWidth, (row + 1) * denseWidth));
  out.set(ids.subarray(row * categories.length, (row + 1) * categories.length), denseWidth);
}
