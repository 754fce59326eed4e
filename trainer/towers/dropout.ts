/** What a training step leaves out of vectors and ID embeddings. */
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import type { Matrix } from "../engine/dense.ts";
import type { Random } from "../engine/random.ts";

/** A factor for each number of vectors [rows, 32]: 0, or 1 / (1 − rate). */
export function vectorMask(rows: number, rate: number, random: Random): Matrix {
  const kept = 1 / (1 - rate);
  const values = Float32Array.from({ length: rows * dimensions }, () => (random.uniform() < rate ? 0 : kept));
  return { values, shape: [rows, dimensions] };
}

/** Zeroes a share of the rows in place, and those of cold users; says which rows were kept. */
export function dropIdEmbeddings(
  { values, shape }: Matrix,
  rate: number,
  random: Random,
  isCold?: Int32Array,
): boolean[] {
  return Array.from({ length: shape[0] }, (_, row) => {
    const keep = random.uniform() >= rate && !isCold?.[row];
    if (!keep) values.fill(0, row * dimensions, (row + 1) * dimensions);
    return keep;
  });
}
