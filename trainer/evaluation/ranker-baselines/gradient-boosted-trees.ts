import type { FitHead } from "./calibrated-heads.ts";
import { boost, boostedLogit } from "./trees/boost.ts";

const settings = {
  leaves: 8,
  l2: 1,
  minChildWeight: 5,
  maximumStep: 3,
  learningRate: 0.1,
  trees: 300,
  patience: 20,
};

/** Gradient-boosted trees for one head, as many as do best on the held-out requests. */
export function fitTreesHead(seed: number): FitHead {
  return async (rows, parts) => {
    const trees = await boost(rows, parts, { ...settings, seed });
    return (row) => boostedLogit(trees, row);
  };
}
