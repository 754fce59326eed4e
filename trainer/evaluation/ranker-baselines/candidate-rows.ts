/** A candidate as one row of numbers: all the ranker knows of it but the vectors, whose inner product is among them. */
import { categories } from "../../../supabase/functions/_shared/features/categories.ts";
import { denseWidth } from "../../dlrm/dense-features.ts";
import type { RankingExamples } from "../../dlrm/ranking-examples.ts";

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
