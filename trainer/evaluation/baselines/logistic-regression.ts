import type { Community } from "../../data/replay/community.ts";
import { firstInteractions } from "../../data/replay/first-interactions.ts";
import { fitLogisticRegression } from "../../models/nn/logistic-regression.ts";
import { Random } from "../../models/nn/random.ts";
import { EventWalk } from "../history/event-walk.ts";
import { TfIdf } from "../metrics/tf-idf.ts";
import { Exclusion, topOf } from "../protocols/rank.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";
import { logisticFeatureNames, logisticFeatures } from "./logistic-features.ts";

/** Each of the latest first interactions before the test is one request: the post acted on, and posts that were not. */
const requests = 6000;
/** Negatives of a request: some that are hard to tell apart, many from everywhere, because every post will be ranked. */
const activeNegatives = 5;
const poolSize = 250;
const randomNegatives = 50;

/** Logistic regression on 19 hand-made features of momentum, age, counts, text and affinity. */
export function logisticRegression(sizes: Sizes, seed = 1): Recommender {
  const features = logisticFeatures(sizes);
  const posts: number[] = [];
  const row = new Float64Array(logisticFeatureNames.length);
  let model: LogisticModel = { weights: new Float64Array(logisticFeatureNames.length), bias: 0 };
  return {
    name: "logistic regression",
    observe(event) {
      features.observe(event);
      if (event.type === "post") posts.push(event.post);
    },
    train({ community }) {
      features.train();
      model = learn(community, sizes, seed);
    },
    scores(user, at, out) {
      features.begin(user, at);
      for (const post of posts) {
        features.row(post, at, row);
        let logit = model.bias;
        for (let f = 0; f < row.length; f++) logit += model.weights[f] * row[f];
        out[post] = logit;
      }
    },
  };
}

/** Walks the history again, so that every row is as of its time. */
function learn(community: Community, sizes: Sizes, seed: number): LogisticModel {
  const { posts, interactions } = community;
  const tfIdf = new TfIdf();
  for (const [post, title] of posts.titles.entries()) {
    tfIdf.count(`${title} ${posts.descriptions[post]} ${posts.tags[post].join(" ")}`);
  }
  const features = logisticFeatures(sizes, tfIdf);
  features.train();
  const exclusion = new Exclusion(sizes);
  const walk = new EventWalk(community);
  const random = new Random(seed);
  const size = logisticFeatureNames.length;
  const rows = new Float64Array(requests * (1 + activeNegatives + randomNegatives) * size);
  const labels: number[] = [];
  let known = 0;
  const add = (post: number, at: number, label: number) => {
    features.row(post, at, rows.subarray(labels.length * size));
    labels.push(label);
  };
  for (const index of firstInteractions(posts, interactions).slice(-requests)) {
    for (const event of walk.until(index)) {
      features.observe(event);
      exclusion.observe(event);
      if (event.type === "post") known++;
    }
    const [user, positive, at] = [interactions.users[index], interactions.posts[index], interactions.at[index]];
    const candidates = exclusion.candidatesOf(user);
    const active = topOf(features.lastActiveAt, candidates, poolSize);
    features.begin(user, at);
    add(positive, at, 1);
    for (let n = 0; n < activeNegatives + randomNegatives; n++) {
      const post = n < activeNegatives ? active[random.below(active.length)] : random.below(known);
      if (post !== positive && candidates[post] === 1) add(post, at, 0);
    }
    exclusion.release(user);
  }
  return fitLogistic(rows.subarray(0, labels.length * size), labels, size);
}

/** A logistic model over raw features: p = 1 / (1 + exp(−(bias + weights · x))). */
interface LogisticModel {
  weights: Float64Array;
  bias: number;
}

/**
 * Fits a logistic regression by Newton's method on standardised features with a ridge (on the weights only).
 * `rows` is [N, features] row by row, `labels` [N] of 0 and 1.
 */
export function fitLogistic(rows: Float64Array, labels: ArrayLike<number>, features: number, ridge = 1): LogisticModel {
  const { means, deviations } = moments(rows, features);
  const read = (row: number, x: Float64Array) => {
    for (let f = 0; f < features; f++) x[f] = (rows[row * features + f] - means[f]) / deviations[f];
  };
  const weights = fitLogisticRegression({ count: labels.length, width: features, read, labels }, ridge);
  const raw = Float64Array.from({ length: features }, (_, f) => weights[f] / deviations[f]);
  const bias = raw.reduce((sum, weight, f) => sum - weight * means[f], weights[features]);
  return { weights: raw, bias };
}

function moments(rows: Float64Array, features: number): { means: Float64Array; deviations: Float64Array } {
  const n = rows.length / features;
  const means = new Float64Array(features);
  const deviations = new Float64Array(features);
  for (let i = 0; i < rows.length; i++) means[i % features] += rows[i] / n;
  for (let i = 0; i < rows.length; i++) deviations[i % features] += (rows[i] - means[i % features]) ** 2 / n;
  // a feature that never changes says nothing: its weight stays 0 (its variance is that only up to rounding)
  const changes = (variance: number, f: number) => variance > 1e-12 * (1 + means[f] ** 2);
  return { means, deviations: deviations.map((variance, f) => (changes(variance, f) ? Math.sqrt(variance) : 1)) };
}
