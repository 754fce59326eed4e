/**
 * Maximal marginal relevance (Carbonell and Goldstein, 1998): a post is worth less the more it is like one that is shown already. It
 * is subtracted from the logarithm of the score, so that it means the same whatever the scores' scale: at `diversity` 0.5 a post
 * with the vector of one above it needs 1.65 times the score of one that is like nothing above it.
 */
import { dimensions } from "../../features/history.ts";
import { innerProduct } from "../../features/inner-product.ts";
import type { Penalty, Selectable } from "./selectable.ts";

/** `diversity` times the cosine with the nearest chosen post; being unlike all of them is no merit. */
export function likeness(pool: Selectable[], diversity: number): Penalty {
  const nearest = new Float64Array(pool.length);
  // side by side, since each is read once for each place of the page; zeros are like nothing
  const vectors = new Float32Array(pool.length * dimensions);
  for (const [i, { post }] of pool.entries()) if (post.embedding) vectors.set(post.embedding, i * dimensions);
  return ({ post: { embedding } }, values) => {
    if (embedding === null) return;
    for (let i = 0; i < values.length; i++) {
      // taken, or worth nothing
      if (values[i] === Number.NEGATIVE_INFINITY) continue;
      const cosine = innerProduct(embedding, 0, vectors, i * dimensions, dimensions);
      if (cosine <= nearest[i]) continue;
      values[i] -= diversity * (cosine - nearest[i]);
      nearest[i] = cosine;
    }
  };
}
