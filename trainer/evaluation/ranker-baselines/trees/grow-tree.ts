/** Grows a tree leaf by leaf, always where the gain is largest, as LightGBM does (Ke et al. 2017). */
import { countBelow } from "../../metrics/statistics.ts";

export interface GrowOptions extends SplitOptions {
  leaves: number;
  /** The most a leaf may say: where positives are rare, a Newton step from the base rate leaps far past the log odds. */
  maximumStep: number;
  /** The share of that step that counts. */
  learningRate: number;
}

interface BinnedRows {
  /** [rows, features] */
  bins: Uint8Array;
  /** Of each feature, in its own unit. */
  cuts: Float32Array[];
}

/** A regression tree, or a part of one. */
export interface Tree {
  /** What it adds to the logit where it is not split. */
  value: number;
  split?: TreeSplit;
}

interface TreeSplit {
  feature: number;
  /** A row whose feature is this or lower goes left; `bin` says the same of a binned row. */
  threshold: number;
  bin: number;
  left: Tree;
  right: Tree;
}

/** What a tree says of a row, which is to the left of a split or to the right. */
export function treeValue(tree: Tree, goesLeft: (split: TreeSplit) => boolean): number {
  let part = tree;
  while (part.split) part = goesLeft(part.split) ? part.split.left : part.split.right;
  return part.value;
}

interface Leaf {
  tree: Tree;
  rows: Uint32Array;
  histogram: Histogram;
  split: Split | undefined;
}

/** One tree for the gradients and curvatures (one per row) of some rows. */
export function growTree(
  { bins, cuts }: BinnedRows,
  rows: Uint32Array,
  gradients: Float64Array,
  curvatures: Float64Array,
  options: GrowOptions,
): Tree {
  const width = cuts.length;
  const { l2, maximumStep, learningRate } = options;
  const sumsOf = (members: Uint32Array) => histogramOf(bins, width, members, gradients, curvatures);
  const leafOf = (members: Uint32Array, histogram: Histogram): Leaf => {
    let [gradient, curvature] = [0, 0];
    for (const row of members) {
      gradient += gradients[row];
      curvature += curvatures[row];
    }
    // the Newton step that lowers the loss
    const step = Math.max(-maximumStep, Math.min(maximumStep, -gradient / (curvature + l2)));
    const tree = { value: step * learningRate };
    return { tree, rows: members, histogram, split: bestSplit(histogram, options) };
  };
  const whole = leafOf(rows, sumsOf(rows));
  const open = [whole];
  const gainOf = ({ split }: Leaf) => split?.gain ?? 0;
  while (open.length < options.leaves) {
    const next = open.reduce((best, leaf, i) => (gainOf(leaf) > gainOf(open[best]) ? i : best), 0);
    const { tree, rows: members, histogram, split } = open[next];
    if (!split) break;
    const { feature, bin } = split;
    const left = members.filter((row) => bins[row * width + feature] <= bin);
    const right = members.filter((row) => bins[row * width + feature] > bin);
    const isLeftSmaller = left.length < right.length;
    const smaller = sumsOf(isLeftSmaller ? left : right);
    const larger = subtract(histogram, smaller);
    const children = [leafOf(left, isLeftSmaller ? smaller : larger), leafOf(right, isLeftSmaller ? larger : smaller)];
    open.splice(next, 1, ...children);
    tree.split = { feature, bin, threshold: cuts[feature][bin], left: children[0].tree, right: children[1].tree };
  }
  return whole.tree;
}

// Where a leaf is best split in two: the gain of a second-order loss (Chen and Guestrin 2016, equation 7).

interface SplitOptions {
  /** Added to the curvature of a leaf: pulls the values of small leaves towards 0. */
  l2: number;
  /** The least sum of curvatures (weight · p · (1 − p)) in a leaf. */
  minChildWeight: number;
}

interface Split {
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

// Sums of gradients and curvatures by feature and bin, [features, 64, 2]: all a split needs to know of its rows.

type Histogram = Float64Array;

/** The histogram of some rows; `bins` [rows, features]. */
export function histogramOf(
  bins: Uint8Array,
  width: number,
  rows: Uint32Array,
  gradients: Float64Array,
  curvatures: Float64Array,
): Histogram {
  const sums = new Float64Array(width * binCount * 2);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    const gradient = gradients[row];
    const curvature = curvatures[row];
    const first = row * width;
    for (let f = 0; f < width; f++) {
      const at = (f * binCount + bins[first + f]) * 2;
      sums[at] += gradient;
      sums[at + 1] += curvature;
    }
  }
  return sums;
}

/** Subtracts a child's histogram from its parent's, in place: what is left is the other child's, without reading its rows. */
function subtract(parent: Histogram, child: Histogram): Histogram {
  for (let i = 0; i < parent.length; i++) parent[i] -= child[i];
  return parent;
}

// Features as bins: with 64 values per feature to choose from, a leaf finds its split in one pass over its rows.

/** A bin fits into a byte, and a leaf's histogram of 60 features (61 kB) into a core's second-level cache. */
export const binCount = 64;

/** Writes the features of a row into `out`. */
type ReadRow = (row: number, out: Float32Array) => void;

/**
 * Where a feature is cut, in ascending order, at most `binCount − 1` times: a value goes into the bin numbered by how many
 * cuts are below it. Few distinct values get a bin each; many get bins of about as many rows.
 */
export function cutsOf(values: Float32Array): Float32Array {
  const sorted = values.slice().sort();
  const distinct = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
  if (distinct.length <= binCount) {
    return Float32Array.from({ length: distinct.length - 1 }, (_, i) => (distinct[i] + distinct[i + 1]) / 2);
  }
  const quantiles = Float32Array.from(
    { length: binCount - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / binCount)],
  );
  return quantiles.filter((value, i) => i === 0 || value !== quantiles[i - 1]);
}

/** The cuts of each of `width` features, from at most 50,000 of the rows, evenly spread. */
export function cutsOfRows(rows: Uint32Array, width: number, read: ReadRow): Float32Array[] {
  const count = Math.min(rows.length, 50_000);
  const columns = Array.from({ length: width }, () => new Float32Array(count));
  const out = new Float32Array(width);
  for (let i = 0; i < count; i++) {
    read(rows[Math.floor((i * rows.length) / count)], out);
    for (let f = 0; f < width; f++) columns[f][i] = out[f];
  }
  return columns.map(cutsOf);
}

/** The bins of rows, [rows, features]. */
export function binRows(rows: Uint32Array, cuts: Float32Array[], read: ReadRow): Uint8Array {
  const width = cuts.length;
  const bins = new Uint8Array(rows.length * width);
  const out = new Float32Array(width);
  for (const [i, row] of rows.entries()) {
    read(row, out);
    for (let f = 0; f < width; f++) bins[i * width + f] = countBelow(cuts[f], out[f]);
  }
  return bins;
}
