/**
 * Vectors of titles' terms and words: the mean of the own vectors of the posts whose titles have them. They tell which
 * terms belong together better than topics and tags do.
 */
import { innerProduct } from "../../features/inner-product.ts";
import { vectorWidth } from "../../features/text-vector.ts";
import type { Components } from "../../features/vector-match.ts";

export class TermVectors {
  /** Unit vector of each term's posts. */
  private readonly directions = new Map<string, Float32Array>();
  /** Mean length of the posts' vectors. */
  private readonly length: number;

  /** `terms`: the distinct terms and words of each post's title; `vectors`: its components [64], or null. */
  constructor(terms: readonly (readonly string[])[], vectors: readonly Components[]) {
    let [length, count] = [0, 0];
    for (const [i, components] of vectors.entries()) {
      if (!components) continue;
      const own = Math.hypot(...Array.from(components));
      length += own;
      count++;
      for (const term of terms[i]) {
        const sum = this.directions.get(term) ?? new Float32Array(vectorWidth);
        this.directions.set(term, sum);
        for (let d = 0; d < vectorWidth && own > 0; d++) sum[d] += components[d] / own;
      }
    }
    this.length = count > 0 ? length / count : 0;
    for (const sum of this.directions.values()) scale(sum, 1);
  }

  /** Cosine of two terms' vectors; 0 if one is unknown. */
  near(one: string, other: string): number {
    const [a, b] = [this.directions.get(one), this.directions.get(other)];
    return a && b ? innerProduct(a, 0, b, 0, vectorWidth) : 0;
  }

  /** Components [64] that a post with these terms may have, of a post's mean length; null if all terms are unknown. */
  mean(terms: readonly string[]): Float32Array | null {
    const known = terms.flatMap((term) => this.directions.get(term) ?? []);
    const sum = new Float32Array(vectorWidth);
    for (const direction of known) for (let d = 0; d < vectorWidth; d++) sum[d] += direction[d];
    return scale(sum, this.length) ? sum : null;
  }
}

/** Scales a vector to this length in place; false if it is zero. */
function scale(vector: Float32Array, length: number): boolean {
  const own = Math.hypot(...vector);
  if (own === 0) return false;
  for (let d = 0; d < vector.length; d++) vector[d] *= length / own;
  return true;
}
