/** The vectors of some thousand posts, among which the nearest to a reader are found exactly: 10,000 take 1.2 ms. */
import { unpackVectors } from "../database/vectors.ts";
import { dimensions } from "../features/history.ts";

export interface Vectors {
  count: number;
  /** The ids of the `most` posts nearest to a vector [32] by inner product, the nearest first, of equally near ones those with the lower id. */
  nearest(vector: Float32Array, most: number): string[];
}

/** What recsys_engine.readable_vectors returns, in the order of the ids. */
export function openVectors({ post_ids, embeddings }: { post_ids: string | null; embeddings: string | null }): Vectors {
  const ids = Uint8Array.from(atob(post_ids ?? ""), (byte) => byte.charCodeAt(0));
  const [first] = unpackVectors(embeddings);
  const numbers = new Float32Array(first?.buffer ?? 0);
  const count = numbers.length / dimensions;
  const near = new Float32Array(count);
  return {
    count,
    nearest(vector, most) {
      for (let post = 0, at = 0; post < count; post++) {
        let sum = 0;
        for (let d = 0; d < dimensions; d++) sum += numbers[at++] * vector[d];
        near[post] = sum;
      }
      const least = most < count ? near.toSorted()[count - most] : Number.NEGATIVE_INFINITY;
      const places: number[] = [];
      for (let post = 0; post < count; post++) if (near[post] >= least) places.push(post);
      places.sort((a, b) => near[b] - near[a] || a - b);
      return places.slice(0, most).map((post) => idAt(ids, post));
    },
  };
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function idAt(bytes: Uint8Array, place: number): string {
  let id = "";
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) id += "-";
    id += hex[bytes[16 * place + i]];
  }
  return id;
}
