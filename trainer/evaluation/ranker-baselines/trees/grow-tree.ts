/** Grows a tree leaf by leaf, always where the gain is largest, as LightGBM does (Ke et al. 2017). */
import { bestSplit, type Split, type SplitOptions } from "./best-split.ts";
import { type Histogram, histogramOf, subtract } from "./histogram.ts";
import type { Tree } from "./tree.ts";

export interface GrowOptions extends SplitOptions {
  leaves: number;
  /** The most a leaf may say: where positives are rare, a Newton step from the base rate leaps far past the log odds. */
  maximumStep: number;
}

export interface BinnedRows {
  /** [rows, features] */
  bins: Uint8Array;
  /** Of each feature, in its own unit. */
  cuts: Float32Array[];
}

interface Leaf {
  node: number;
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
  const tree: Tree = { features: [], thresholds: [], bins: [], left: [], right: [], values: [] };
  const leafOf = (members: Uint32Array, histogram: Histogram): Leaf => {
    const node = addLeaf(tree, leafValue(members, gradients, curvatures, options));
    return { node, rows: members, histogram, split: bestSplit(histogram, options) };
  };
  const open = [leafOf(rows, histogramOf(bins, width, rows, gradients, curvatures))];
  while (open.length < options.leaves) {
    const next = open.reduce((best, leaf, i) => (gainOf(leaf) > gainOf(open[best]) ? i : best), 0);
    const { node, rows: members, histogram, split } = open[next];
    if (!split) break;
    const { feature, bin } = split;
    const left = members.filter((row) => bins[row * width + feature] <= bin);
    const right = members.filter((row) => bins[row * width + feature] > bin);
    const isLeftSmaller = left.length < right.length;
    const smaller = histogramOf(bins, width, isLeftSmaller ? left : right, gradients, curvatures);
    const larger = subtract(histogram, smaller);
    const children = [leafOf(left, isLeftSmaller ? smaller : larger), leafOf(right, isLeftSmaller ? larger : smaller)];
    open.splice(next, 1, ...children);
    tree.features[node] = feature;
    tree.thresholds[node] = cuts[feature][bin];
    tree.bins[node] = bin;
    [tree.left[node], tree.right[node]] = children.map((child) => child.node);
  }
  return tree;
}

function gainOf({ split }: Leaf): number {
  return split?.gain ?? 0;
}

/** The Newton step that lowers a leaf's loss, within ± `maximumStep`. */
function leafValue(
  rows: Uint32Array,
  gradients: Float64Array,
  curvatures: Float64Array,
  { l2, maximumStep }: GrowOptions,
): number {
  let gradient = 0;
  let curvature = 0;
  for (let i = 0; i < rows.length; i++) {
    gradient += gradients[rows[i]];
    curvature += curvatures[rows[i]];
  }
  const step = -gradient / (curvature + l2);
  return Math.max(-maximumStep, Math.min(maximumStep, step));
}

function addLeaf(tree: Tree, value: number): number {
  tree.features.push(-1);
  tree.thresholds.push(0);
  tree.bins.push(0);
  tree.left.push(-1);
  tree.right.push(-1);
  return tree.values.push(value) - 1;
}
