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
  return {
    of: (i) => diversity * nearest[i],
    chose(chosen) {
      const vector = pool[chosen].post.embedding;
      if (vector === null || diversity === 0) return;
      for (const [i, { post }] of pool.entries()) {
        if (post.embedding === null) continue;
        const cosine = innerProduct(vector, 0, post.embedding, 0, dimensions);
        if (cosine > nearest[i]) nearest[i] = cosine;
      }
    },
  };
}
