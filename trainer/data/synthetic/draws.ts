import { createHash } from "node:crypto";
import { Random } from "../../models/nn/random.ts";

/** A stream of randomness of its own for each purpose, so that drawing more of one thing changes nothing else. */
export function stream(seed: number, purpose: string): Random {
  // hashed, because the generator's first numbers lie close together for neighbouring seeds
  return new Random(createHash("sha256").update(`${seed} ${purpose}`).digest().readInt32LE());
}

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.below(values.length)];
}

/** `count` different values, in random order. */
export function pickSome<T>(random: Random, values: readonly T[], count: number): T[] {
  return random.shuffle([...values]).slice(0, count);
}

/** An index into `weights`, drawn in proportion to them. */
export function pickWeighted(random: Random, weights: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i];
  let left = random.uniform() * total;
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i];
    if (left < 0) return i;
  }
  return weights.length - 1;
}

/** The number of events where `mean` are expected (Poisson). */
export function poisson(random: Random, mean: number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.uniform(); product > limit; product *= random.uniform()) count++;
  return count;
}

/** How many failures before a success of probability `p`. */
export function geometric(random: Random, p: number): number {
  return Math.floor(Math.log(1 - random.uniform()) / Math.log(1 - p));
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
