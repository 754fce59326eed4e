/**
 * The ranker: a DLRM (Naumov et al. 2019) with a wide part (Cheng et al. 2016) that starts as the recency baseline.
 *
 *   x       = clip((dense − mean) / deviation, ±5)                   dense: user, post and pair features
 *   bottom  = relu(relu(x · hidden) · 32)
 *   slots   = [bottom, user vector, post vector, one embedding per category]       k vectors of 32
 *   deep    = MLP([bottom, distinct dots of slots without the diagonal])           the last layer starts at 0
 *   wide    = weight · recency baseline + x · W + Σ one weight per post category   starts as wide-prior.ts says
 *   s       = deep + wide                                                          view, vote, comment, and the optional heads
 *             for a new user: weight · recency baseline + strength · the rest, as new-users.ts says
 *   base    = sigmoid(x of the user · R + Σ one weight per request category + r)   starts as wide-prior.ts says
 *   p       = sigmoid(s − log Σ exp(s) over the request's candidates + log base + bias + position · log place)
 *
 * Where posts have vectors of their own, how near one is to the reader's history (vector-match.ts) is added to the first layer of `bottom` and to `wide`,
 * by weights that start at 0.
 *
 * The place is where a post was shown: serving holds it constant, at the first, so that a post far down the page is not taken for a bad one.
 *
 * `base` is the base rate. An untrained ranker orders by the best mix of simple recommenders, and training learns
 * corrections to it. The bias starts where its probabilities sum to the positives. Each head is measured against the other
 * candidates of the request: a user acts on one post or two of a feed, however lively the community is that month.
 * Without that, the sum of the probabilities drifted to 0.79 of the interactions within three months.
 */
import * as tf from "@tensorflow/tfjs-core";
import { categories, requestCategories } from "../../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import type { Head } from "../../../supabase/functions/_shared/features/kinds.ts";
import { userFeatures } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { vectorMatchInputs } from "../../../supabase/functions/_shared/features/vector-match.ts";
import { DenseWeights, type Matrix } from "../nn/dense.ts";
import type { Random } from "../nn/random.ts";
import { covisitedColumn, denseWidth } from "./dense-features.ts";
import { startColumns } from "./wide-prior.ts";

const slotCount = 3 + categories.length;
const dotCount = (slotCount * (slotCount - 1)) / 2;

/** Widths of the hidden layers; the bottom MLP ends in the width of a vector, because it is one of the slots. */
export interface HiddenWidths {
  bottomHidden: number;
  topHidden: [number, number];
}

/** What the weights that do not start at random start with. */
interface FirstWeights {
  /** [H]: what the heads add. */
  bias: Float32Array;
  /** Of the recency baseline and of each of `startColumns`, standardised, in the wide part, but for heads that begin without (`startsBlank`). */
  recencyBaseline: number;
  wide: number[];
  /** [userFeatures, H] and [H] */
  baseRate: { dense: Float32Array; bias: Float32Array };
}

/** Whether a head begins with all candidates alike: what people are soonest to interact with is not what they are soonest to dismiss. */
export function startsBlank(head: Head): boolean {
  return head === "dismiss";
}

/** [H]: what a simple list weighs in each head. */
export function listWeights(heads: readonly Head[], weight: number): Float32Array {
  return Float32Array.from(heads, (head) => (startsBlank(head) ? 0 : weight));
}

/** Fresh dense weights of a ranker with these H heads. */
export function newDlrmWeights(
  names: readonly Head[],
  { bottomHidden, topHidden }: HiddenWidths,
  { bias, recencyBaseline, wide, baseRate }: FirstWeights,
  random: Random,
  readsVectors = false,
): DenseWeights {
  const heads = names.length;
  const weights = new DenseWeights();
  weights.addLayer("bottom/1", denseWidth, bottomHidden, random, 1, covisitedColumn);
  weights.addLayer("bottom/2", bottomHidden, dimensions, random);
  weights.addLayer("top/1", dimensions + dotCount, topHidden[0], random);
  weights.addLayer("top/2", topHidden[0], topHidden[1], random);
  weights.addLayer("top/3", topHidden[1], heads, random, 0);
  weights.add("position", [1, heads]);
  weights.add("base_rate/weight", [userFeatures.length, heads], baseRate.dense);
  weights.add("base_rate/bias", [heads], baseRate.bias);
  weights.add("bias", [heads], bias);
  const ofEach = (value: number) => listWeights(names, value);
  weights.add("wide/recency_baseline", [1, heads], ofEach(recencyBaseline));
  weights.add("wide/dense", [denseWidth, heads]);
  if (readsVectors) {
    weights.add("bottom/vector_match", [vectorMatchInputs, bottomHidden]);
    weights.add("wide/vector_match", [vectorMatchInputs, heads]);
  }
  for (const [i, column] of startColumns.entries()) weights.values("wide/dense").set(ofEach(wide[i]), column * heads);
  return weights;
}

type Tensors = Record<string, tf.Tensor>;

/** log Σ exp along an axis, which stays as 1. */
export function logSumExp(x: tf.Tensor, axis: number): tf.Tensor {
  const highest = tf.max(x, axis, true);
  return tf.add(tf.log(tf.sum(tf.exp(tf.sub(x, highest)), axis, true)), highest);
}

/** What training may leave out: each mask is [requests, 1, width]. */
export function maskWidths({ bottomHidden, topHidden }: HiddenWidths) {
  return { "mask/bottom": bottomHidden, "mask/dots": dotCount, "mask/top": topHidden[0] };
}

/**
 * Logits [N, H] = f(tensors): dense weights by name; dense [N, F]; mean and deviation [1, F]; user and post [N, 32];
 * embeddings [N, C, 32] and wide [N, C, H] of the categories; logPositions [N, 1]; logWeights [requests, rows, 1],
 * the candidates that each row stands for; strengths [N, 1], the weight of all but the recency baseline (1 if left
 * out), or with popularity [N, H] of all but that; in training the masks.
 */
export function dlrmLogits(t: Tensors): tf.Tensor2D {
  const x = tf.clipByValue(tf.div(tf.sub(t.dense, t.mean), t.deviation), -5, 5) as tf.Tensor2D;
  const first = withMatch(t, "bottom", layer(t, "bottom/1", x));
  const bottom = tf.relu(layer(t, "bottom/2", masked(t, "mask/bottom", tf.relu(first)))) as tf.Tensor2D;
  const n = bottom.shape[0];
  const slots = tf.concat([tf.stack([bottom, t.user, t.post], 1), t.embeddings], 1) as tf.Tensor3D;
  const products = tf.reshape(tf.matMul(slots, slots, false, true), [n, slotCount * slotCount]);
  const dots = masked(t, "mask/dots", tf.matMul(products, t.distinct as tf.Tensor2D));
  const hidden = masked(t, "mask/top", tf.relu(layer(t, "top/1", tf.concat([bottom, dots], 1) as tf.Tensor2D)));
  const deep = layer(t, "top/3", tf.relu(layer(t, "top/2", hidden)) as tf.Tensor2D);
  const recencyBaseline = tf.matMul(t.dense as tf.Tensor2D, t.recencyBaseline as tf.Tensor2D);
  const [ofRequest, ofPost] = tf.split(t.wide, [requestCategories, categories.length - requestCategories], 1);
  const baseline = tf.mul(recencyBaseline, t["wide/recency_baseline"]);
  const wide = withMatch(t, "wide", tf.add(tf.matMul(x, t["wide/dense"] as tf.Tensor2D), tf.sum(ofPost, 1)));
  const counted = (x: tf.Tensor) => (t.strengths ? tf.mul(x, t.strengths) : x);
  const own = tf.add(deep, wide);
  const sum = t.popularity ? tf.add(counted(tf.add(own, baseline)), t.popularity) : tf.add(counted(own), baseline);
  const [requests, rows] = t.logWeights.shape;
  const heads = t.bias.size;
  const scores = tf.reshape(sum, [requests, rows, heads]);
  const shares = tf.sub(scores, logSumExp(tf.add(scores, t.logWeights), 1));
  const user = tf.slice(x, [0, 0], [n, userFeatures.length]);
  const baseRate = tf.sigmoid(tf.add(layer(t, "base_rate", user as tf.Tensor2D), tf.sum(ofRequest, 1)));
  const logBaseRate = tf.log(tf.add(baseRate, leastBaseRate));
  const ofPosition = tf.mul(t.logPositions, t.position);
  return tf.add(tf.add(tf.add(tf.reshape(shares, [n, heads]), logBaseRate), t.bias), ofPosition) as tf.Tensor2D;
}

/** Added to a base rate before its logarithm is taken: each runtime rounds a sigmoid of −20 in its own way. */
export const leastBaseRate = 1e-5;

/**
 * [k · k, k (k − 1) / 2]: picks the distinct dots (0,1), (0,2) … out of the flattened dot matrix; a product costs less
 * than a gather and its gradient.
 */
export function distinctDots(): Matrix {
  const values = new Float32Array(slotCount * slotCount * dotCount);
  let column = 0;
  for (let i = 0; i < slotCount; i++) {
    for (let j = i + 1; j < slotCount; j++) values[(i * slotCount + j) * dotCount + column++] = 1;
  }
  return { values, shape: [slotCount * slotCount, dotCount] };
}

function masked(t: Tensors, name: string, x: tf.Tensor): tf.Tensor2D {
  const mask = t[name];
  if (!mask) return x as tf.Tensor2D;
  const [requests, , width] = mask.shape;
  return tf.reshape(tf.mul(tf.reshape(x, [requests, -1, width]), mask), x.shape as [number, number]);
}

/** Whether a ranker of these weights is told how near posts' own vectors are to the reader's history. */
export function readsMatches(weights: DenseWeights): boolean {
  return weights.entries().some(([name]) => name === "wide/vector_match");
}

/** Adds what a part of the network makes of the match of vectors, where it has learned any. */
function withMatch(t: Tensors, part: "bottom" | "wide", sum: tf.Tensor): tf.Tensor {
  const weights = t[`${part}/vector_match`];
  return weights ? tf.add(sum, tf.matMul(t.vector_match as tf.Tensor2D, weights as tf.Tensor2D)) : sum;
}

function layer(t: Tensors, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return tf.add(tf.matMul(x, t[`${name}/weight`] as tf.Tensor2D), t[`${name}/bias`]) as tf.Tensor2D;
}
