/** Where a leaf is best split in two: the gain of a second-order loss (Chen and Guestrin 2016, equation 7). */
import type { Histogram } from "./histogram.ts";
import { binCount } from "./quantile-bins.ts";

export interface SplitOptions {
  /** Added to the curvature of a leaf: pulls the values of small leaves towards 0. */
  l2: number;
  /** The least sum of curvatures (weight · p · (1 − p)) in a leaf. */
  minChildWeight: number;
}

export interface Split {
  feature: number;
  /** Rows whose bin is this or lower go left. */
  bin: number;
  gain: number;
}

/** The best split of a leaf's histogram; undefined where none gains anything. */
export function bestSplit(histogram: Histogram, { l2, minChildWeight }: SplitOptions): Split | undefined {
  let best: Split | undefined;
  let gradients = 0;
  let curvatures = 0;
  // every feature's bins sum to the same
  for (let bin = 0; bin < binCount; bin++) {
    gradients += histogram[bin * 2];
    curvatures += histogram[bin * 2 + 1];
  }
  const whole = gradients ** 2 / (curvatures + l2);
  const features = histogram.length / (binCount * 2);
  for (let feature = 0; feature < features; feature++) {
    let left = 0;
    let leftCurvature = 0;
    for (let bin = 0; bin < binCount - 1; bin++) {
      const at = (feature * binCount + bin) * 2;
      // an empty bin changes nothing
      if (histogram[at + 1] === 0) continue;
      left += histogram[at];
      leftCurvature += histogram[at + 1];
      const rightCurvature = curvatures - leftCurvature;
      if (leftCurvature < minChildWeight) continue;
      if (rightCurvature < minChildWeight) break;
      const gain = left ** 2 / (leftCurvature + l2) + (gradients - left) ** 2 / (rightCurvature + l2) - whole;
      if (gain > (best?.gain ?? 1e-9)) best = { feature, bin, gain };
    }
  }
  return best;
}
