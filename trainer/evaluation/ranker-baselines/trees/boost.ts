/** Gradient-boosted trees for a label of 0 or 1: log loss, second order, stopped early on rows that were held out. */

import { Random } from "../../../models/nn/random.ts";
import type { FitHead, LabelledRows } from "../calibrated-heads.ts";
import { binRows, cutsOfRows, type GrowOptions, growTree, type Tree, treeValue } from "./grow-tree.ts";

export interface BoostOptions extends GrowOptions {
  /** The most there may be. */
  trees: number;
  /** Boosting stops after this many trees without a lower loss on the held-out rows. */
  patience: number;
  /** Draws the rows that each tree sees; without it each sees all. */
  seed?: number;
}

interface BoostedTrees {
  /** The logit before the first tree: that of the base rate. */
  base: number;
  trees: Tree[];
  /** Mean weighted log loss on the held-out rows: of the base rate, then after each tree that was grown. */
  heldOutLosses: number[];
}

/** Boosts trees on the `training` rows and keeps as many as do best on the `heldOut` ones. */
export async function boost(
  rows: LabelledRows,
  parts: { training: Uint32Array; heldOut: Uint32Array },
  options: BoostOptions,
): Promise<BoostedTrees> {
  const { width, read } = rows;
  const cuts = cutsOfRows(parts.training, width, read);
  const training = partOf(rows, parts.training, cuts);
  const heldOut = partOf(rows, parts.heldOut, cuts);
  const base = logOdds(training);
  training.logits.fill(base);
  heldOut.logits.fill(base);
  const gradients = new Float64Array(parts.training.length);
  const curvatures = new Float64Array(parts.training.length);
  const all = Uint32Array.from(gradients.keys());
  const random = options.seed === undefined ? undefined : new Random(options.seed);
  const trees: Tree[] = [];
  const heldOutLosses = [lossOf(heldOut)];
  let best = 0;
  while (trees.length < options.trees && trees.length - best < options.patience) {
    for (let i = 0; i < gradients.length; i++) {
      const p = 1 / (1 + Math.exp(-training.logits[i]));
      gradients[i] = training.weights[i] * (p - training.labels[i]);
      curvatures[i] = training.weights[i] * p * (1 - p);
    }
    const seen = random ? sampleRows(gradients, curvatures, random) : all;
    const tree = growTree({ cuts, bins: training.bins }, seen, gradients, curvatures, options);
    for (const { bins, logits } of [training, heldOut])
      for (let i = 0; i < logits.length; i++)
        logits[i] += treeValue(tree, ({ feature, bin }) => bins[i * width + feature] <= bin);
    trees.push(tree);
    heldOutLosses.push(lossOf(heldOut));
    if (heldOutLosses[trees.length] < heldOutLosses[best]) best = trees.length;
    await new Promise(setImmediate);
  }
  return { base, trees: trees.slice(0, best), heldOutLosses };
}

/** The logit of a row. */
export function boostedLogit({ base, trees }: BoostedTrees, row: Float32Array): number {
  let logit = base;
  for (const tree of trees) logit += treeValue(tree, ({ feature, threshold }) => row[feature] <= threshold);
  return logit;
}

interface NodePart {
  bins: Uint8Array;
  labels: Float64Array;
  weights: Float64Array;
  logits: Float64Array;
}

function partOf({ labels, weights, read }: LabelledRows, numbers: Uint32Array, cuts: Float32Array[]): NodePart {
  return {
    bins: binRows(numbers, cuts, read),
    labels: Float64Array.from(numbers, (row) => labels[row]),
    weights: Float64Array.from(numbers, (row) => weights[row]),
    logits: new Float64Array(numbers.length),
  };
}

/** The logit of the weighted base rate, one more positive and one more negative counted in as the ranker's calibration does. */
function logOdds({ labels, weights }: NodePart): number {
  let positives = 1;
  let total = 2;
  for (let i = 0; i < labels.length; i++) {
    positives += weights[i] * labels[i];
    total += weights[i];
  }
  return Math.log(positives / (total - positives));
}

function lossOf({ labels, weights, logits }: NodePart): number {
  let loss = 0;
  let total = 0;
  for (const [i, logit] of logits.entries()) {
    loss += weights[i] * (Math.max(logit, 0) - labels[i] * logit + Math.log1p(Math.exp(-Math.abs(logit))));
    total += weights[i];
  }
  return loss / total;
}

// Gradient-based one-side sampling (Ke et al. 2017): a tree sees all rows that are badly predicted, and some of the rest.

/** The share of the rows with the steepest gradients that is kept, and the share of all rows drawn from the others. */
const steepest = 0.1;
const drawn = 0.1;

/** Numbers of the rows to grow a tree on, ascending. Multiplies the drawn ones' gradients and curvatures to stand for all they were drawn from. */
export function sampleRows(gradients: Float64Array, curvatures: Float64Array, random: Random): Uint32Array {
  const step = Math.max(1, Math.floor(gradients.length / 10_000));
  const some = Float64Array.from({ length: Math.floor(gradients.length / step) }, (_, i) =>
    Math.abs(gradients[i * step]),
  ).sort();
  const limit = some[Math.floor((1 - steepest) * some.length)] ?? 0;
  const chance = drawn / (1 - steepest);
  const rows = new Uint32Array(gradients.length);
  let count = 0;
  for (let row = 0; row < gradients.length; row++) {
    if (Math.abs(gradients[row]) < limit) {
      if (random.uniform() >= chance) continue;
      gradients[row] /= chance;
      curvatures[row] /= chance;
    }
    rows[count++] = row;
  }
  return rows.slice(0, count);
}

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
