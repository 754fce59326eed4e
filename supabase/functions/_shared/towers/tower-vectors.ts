/** Embeds rows with a tower so that one failing row does not affect the others. */
import { dimensions } from "../features/history.ts";
import type { Feeds } from "../features/tensors.ts";
import type { TowerShape } from "../features/tower-inputs.ts";
import type { InferenceSession } from "../models/inference.ts";

/** Runs a tower and returns the vector [32] of each of its N rows. */
export async function embeddingsOf(tower: InferenceSession, feeds: Feeds): Promise<Float32Array[]> {
  const { embedding } = await tower.run(feeds);
  const values = embedding.data as Float32Array;
  return Array.from({ length: embedding.dims[0] }, (_, i) => values.slice(i * dimensions, (i + 1) * dimensions));
}

/** The vectors of rows in order, each or its error. */
export async function towerVectors<Row>(
  tower: InferenceSession,
  rows: Row[],
  inputs: (rows: Row[], tower: TowerShape) => Feeds,
): Promise<(Float32Array | Error)[]> {
  if (rows.length === 0) return [];
  try {
    const vectors = await embeddingsOf(tower, inputs(rows, tower));
    return rows.map((_, i) => unitLength(vectors[i]));
  } catch (error) {
    if (rows.length === 1) return [error instanceof Error ? error : new Error(String(error))];
    // one row may have made the graph fail: retry each alone
    const single: (Float32Array | Error)[] = [];
    for (const row of rows) single.push(...(await towerVectors(tower, [row], inputs)));
    return single;
  }
}

/** The vector if it has unit length, as the database requires, or else an error (also for NaN). */
function unitLength(vector: Float32Array): Float32Array | Error {
  const length = Math.hypot(...vector);
  if (vector.length === dimensions && Math.abs(length - 1) < 0.001) return vector;
  return new Error(`the tower gives a vector of length ${length}, not 1`);
}
