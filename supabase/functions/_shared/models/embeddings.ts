import { dimensions } from "../features/history.ts";
import type { InferenceSession } from "./inference.ts";
import type { Feeds } from "./tensors.ts";

/** Runs a tower and gives the vector [32] of each of its N rows. */
export async function embeddingsOf(tower: InferenceSession, feeds: Feeds): Promise<Float32Array[]> {
  const { embedding } = await tower.run(feeds);
  const values = embedding.data as Float32Array;
  return Array.from({ length: embedding.dims[0] }, (_, i) => values.slice(i * dimensions, (i + 1) * dimensions));
}
