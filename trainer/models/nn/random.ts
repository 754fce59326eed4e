/** Seeded randomness: the same seed gives the same weights, batches and samples. */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export class Random {
  private readonly generator;

  constructor(seed: number) {
    this.generator = xoroshiro128plus(seed);
  }

  /** A whole number from 0 to n − 1. */
  below(n: number): number {
    return uniformInt(this.generator, 0, n - 1);
  }

  /** A number from 0 up to, not including, 1. */
  uniform(): number {
    return uniformFloat64(this.generator);
  }

  /** A draw of the normal distribution with mean 0 and deviation 1 (Box-Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Puts an array in random order, in place (Fisher-Yates), and returns it. */
  shuffle<A extends { readonly length: number; [i: number]: unknown }>(values: A): A {
    const items: { readonly length: number; [i: number]: unknown } = values;
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = items[i];
      items[i] = items[j];
      items[j] = kept;
    }
    return values;
  }
}
