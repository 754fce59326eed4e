/**
 * The two towers' dense part. Text has become one vector per field by then (token-bags.ts):
 *
 *   user = normalise( Σ_f a_f · field_f  +  vector · U  +  history · H  +  followed · F  +  MLP(fields, history, numbers, vector)  +  ID embedding )
 *   post = normalise( Σ_f a_f · field_f  +  vector · V  +  MLP(fields, numbers, vector)  +  ID embedding )
 *
 * A history of n posts is shrunk to n / (n + prior) of its mean vector, with a learned prior. Otherwise the first act makes the tower forget the profile: of the
 * true law's page 150 people's by similarity earns 0.63 before it and 0.42 after it (synthetic community, seed 1), and 0.59 so.
 * The vector is that of an app's own encoder, reduced to its components, where the community has any of posts, and of users; U and V start at the first 32 of them.
 * The MLPs' last layers start at zero, H at the identity, so an untrained model already is a text kNN,
 * and F at zero: the data decide the weight of follows. Without follows it stays zero, and the vectors are the same to the bit.
 */
import * as tf from "@tensorflow/tfjs-core";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { vectorInputs } from "../../../supabase/functions/_shared/features/text-vector.ts";
import { postFields, userFields } from "../../../supabase/functions/_shared/features/tokens.ts";
import {
  logHistoryLength,
  postNumbers,
  userNumbers,
} from "../../../supabase/functions/_shared/features/tower-inputs.ts";
import { DenseWeights } from "../nn/dense.ts";
import type { Random } from "../nn/random.ts";

export interface TowerInputs {
  /** [N, fields · 32] */
  fields: tf.Tensor;
  /** [N, numbers] */
  numbers: tf.Tensor;
  /** [N, 32] */
  id_embedding: tf.Tensor;
  /** [N, 32], users only */
  history?: tf.Tensor;
  /** [N, 32], users only */
  followed?: tf.Tensor;
  /** [N, 65], where this tower reads the app's own vectors */
  text_vector?: tf.Tensor | undefined;
  /** [N, 32], training only: what of each vector is left out before it is normalised, 0 or 1 / (1 − dropout) */
  mask?: tf.Tensor;
}

/** Whether the towers read the app's own vectors of posts, and of users. */
export interface VectorsRead {
  posts: boolean;
  users: boolean;
}

/** Posts of a history that weigh as much as the profile, where it begins: after 6 epochs it is 4.1 to 4.3 (synthetic community, seeds 1 to 3). */
const firstPrior = 3;

/** Fresh dense weights of both towers; `hidden` is the width of the hidden layer of both MLPs. */
export function newTowerWeights(
  { hidden, biasDeviation, vectorScale }: { hidden: number; biasDeviation: number; vectorScale: number },
  random: Random,
  reads: VectorsRead = { posts: false, users: false },
): DenseWeights {
  const weights = new DenseWeights();
  const userInputs = (userFields.length + 1) * dimensions + userNumbers.length + (reads.users ? vectorInputs : 0);
  const postInputs = postFields.length * dimensions + postNumbers.length + (reads.posts ? vectorInputs : 0);
  weights.add("user/mix", [1, userFields.length, 1], new Float32Array(userFields.length).fill(1));
  weights.add("post/mix", [1, postFields.length, 1], new Float32Array(postFields.length).fill(1));
  weights.add("user/history", [dimensions, dimensions], identity(dimensions));
  weights.add("user/history_prior", [1], Float32Array.of(Math.log(firstPrior)));
  weights.add("user/followed", [dimensions, dimensions], new Float32Array(dimensions * dimensions));
  weights.addLayer("user/hidden", userInputs, hidden, random);
  weights.addLayer("user/output", hidden, dimensions, random, 0);
  weights.addLayer("post/hidden", postInputs, hidden, random);
  weights.addLayer("post/output", hidden, dimensions, random, 0);
  if (reads.posts) weights.add("post/vector", [vectorInputs, dimensions], scaledIdentity(vectorScale));
  if (reads.users) weights.add("user/vector", [vectorInputs, dimensions], scaledIdentity(vectorScale));
  // never exactly zero: a user of whom nothing is known still gets a vector of unit length
  for (const bias of ["user/output/bias", "post/output/bias"]) {
    const values = weights.values(bias);
    for (let d = 0; d < dimensions; d++) values[d] = biasDeviation * random.normal();
  }
  return weights;
}

/** Whose own vectors towers read that have weights of these names. */
export function vectorsRead(names: string[]): VectorsRead {
  return { posts: names.includes("post/vector"), users: names.includes("user/vector") };
}

/** The same of trained towers. */
export function readsVectors(weights: DenseWeights): VectorsRead {
  return vectorsRead(weights.entries().map(([name]) => name));
}

/** The inputs that the graph of such a tower has beyond those that every one has. */
export function moreInputNames(weights: DenseWeights, side: keyof VectorsRead): string[] {
  return readsVectors(weights)[side] ? ["text_vector"] : [];
}

/** The user tower: [N, 32], unit length. */
export function userTower(
  weights: Record<string, tf.Tensor>,
  inputs: TowerInputs & { history: tf.Tensor; followed: tf.Tensor },
): tf.Tensor2D {
  const history = tf.mul(inputs.history, historyTrust(weights, inputs)) as tf.Tensor2D;
  const seen = tf.add(
    tf.matMul(history, weights["user/history"] as tf.Tensor2D),
    tf.matMul(inputs.followed as tf.Tensor2D, weights["user/followed"] as tf.Tensor2D),
  );
  const said = ofVector(weights, "user", inputs);
  const x = tf.concat([inputs.fields, history, inputs.numbers, ...vectorOf(inputs)], 1);
  return tower(weights, "user", inputs, x, userFields.length, said ? tf.add(seen, said) : seen);
}

/** [N, 1]: n / (n + prior) of histories of n posts, by log(1 + n) and the logarithm of the prior. */
function historyTrust(weights: Record<string, tf.Tensor>, { numbers }: TowerInputs): tf.Tensor {
  const length = tf.sub(tf.exp(tf.slice(numbers as tf.Tensor2D, [0, logHistoryLength], [-1, 1])), 1);
  return tf.div(length, tf.add(length, tf.exp(weights["user/history_prior"])));
}

/** The post tower: [N, 32], unit length. */
export function postTower(weights: Record<string, tf.Tensor>, inputs: TowerInputs): tf.Tensor2D {
  const x = tf.concat([inputs.fields, inputs.numbers, ...vectorOf(inputs)], 1);
  return tower(weights, "post", inputs, x, postFields.length, ofVector(weights, "post", inputs));
}

function vectorOf({ text_vector }: TowerInputs): tf.Tensor[] {
  return text_vector ? [text_vector] : [];
}

function ofVector(weights: Record<string, tf.Tensor>, name: "user" | "post", { text_vector }: TowerInputs) {
  return text_vector && tf.matMul(text_vector as tf.Tensor2D, weights[`${name}/vector`] as tf.Tensor2D);
}

function tower(
  weights: Record<string, tf.Tensor>,
  name: "user" | "post",
  inputs: TowerInputs,
  x: tf.Tensor,
  fieldCount: number,
  seen?: tf.Tensor,
): tf.Tensor2D {
  const n = x.shape[0];
  const mixed = tf.sum(tf.mul(tf.reshape(inputs.fields, [n, fieldCount, dimensions]), weights[`${name}/mix`]), 1);
  const layer = tf.relu(
    tf.add(
      tf.matMul(x as tf.Tensor2D, weights[`${name}/hidden/weight`] as tf.Tensor2D),
      weights[`${name}/hidden/bias`],
    ),
  );
  const learned = tf.add(
    tf.matMul(layer as tf.Tensor2D, weights[`${name}/output/weight`] as tf.Tensor2D),
    weights[`${name}/output/bias`],
  );
  const parts = [mixed, learned, inputs.id_embedding, ...(seen ? [seen] : [])];
  const vector = parts.reduce((sum, part) => tf.add(sum, part));
  return normalise((inputs.mask ? tf.mul(vector, inputs.mask) : vector) as tf.Tensor2D);
}

/** Rows to unit length; the epsilon under the root keeps an empty row finite and its gradient too. */
function normalise(x: tf.Tensor2D): tf.Tensor2D {
  return tf.div(x, tf.sqrt(tf.add(tf.sum(tf.square(x), 1, true), 1e-12))) as tf.Tensor2D;
}

/** [65, 32]: the first 32 numbers of a vector as they are, times `scale`; the others and the bit count for nothing yet. */
function scaledIdentity(scale: number): Float32Array {
  return Float32Array.from({ length: vectorInputs * dimensions }, (_, i) =>
    i % (dimensions + 1) === 0 && i < dimensions * dimensions ? scale : 0,
  );
}

function identity(n: number): Float32Array {
  return Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
}
