import { Random } from "../../engine/random.ts";

/** `size` of the numbers 0 to n − 1 in rising order, uniformly by seed; all of them where there are no more. */
export function sample(n: number, size: number, seed: number): Int32Array {
  const order = new Random(seed).shuffle(Int32Array.from({ length: n }, (_, i) => i));
  return order.subarray(0, size).sort();
}
