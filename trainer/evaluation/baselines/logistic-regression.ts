import { firstInteractions } from "../../community/first-interactions.ts";
import { fitLogisticRegression } from "../../engine/logistic-regression.ts";
import { Random } from "../../engine/random.ts";
import { type CommunityEvent, EventWalk } from "../history/event-walk.ts";
import { TfIdf } from "../metrics/tf-idf.ts";
import { Exclusion, topOf } from "../protocols/rank.ts";
import type { History, Recommender, Sizes } from "../protocols/recommender.ts";
import { LogisticFeatures, logisticFeatures } from "./logistic-features.ts";

/** Each of the latest first interactions before the test is one request: the post acted on, and posts that were not. */
const requests = 6000;
/** Negatives of a request: some that are hard to tell apart, many from everywhere, because every post will be ranked. */
const activeNegatives = 5;
const poolSize = 250;
const randomNegatives = 50;

/** Logistic regression on 19 hand-made features of momentum, age, counts, text and affinity. */
export class LogisticRegression implements Recommender {
  readonly name = "logistic regression";
  private readonly sizes: Sizes;
  private readonly seed: number;
  private readonly features: LogisticFeatures;
  private readonly posts: number[] = [];
  private readonly row = new Float64Array(logisticFeatures.length);
  model: LogisticModel = { weights: new Float64Array(logisticFeatures.length), bias: 0 };

  constructor(sizes: Sizes, seed = 1) {
    this.sizes = sizes;
    this.seed = seed;
    this.features = new LogisticFeatures(sizes);
  }

  observe(event: CommunityEvent): void {
    this.features.observe(event);
    if (event.type === "post") this.posts.push(event.post);
  }

  /** Walks the history again, so that every row is as of its time. */
  train({ community }: History): void {
    this.features.train();
    const { posts, interactions } = community;
    const tfIdf = new TfIdf();
    for (const [post, title] of posts.titles.entries()) {
      tfIdf.count(`${title} ${posts.descriptions[post]} ${posts.tags[post].join(" ")}`);
    }
    const features = new LogisticFeatures(this.sizes, tfIdf);
    features.train();
    const exclusion = new Exclusion(this.sizes);
    const walk = new EventWalk(community);
    const random = new Random(this.seed);
    const size = logisticFeatures.length;
    const rows = new Float64Array(requests * (1 + activeNegatives + randomNegatives) * size);
    const labels: number[] = [];
    const add = (post: number, at: number, label: number) => {
      features.row(post, at, rows.subarray(labels.length * size));
      labels.push(label);
    };
    for (const index of firstInteractions(posts, interactions).slice(-requests)) {
      for (const event of walk.until(index)) {
        features.observe(event);
        exclusion.observe(event);
      }
      const user = interactions.users[index];
      const positive = interactions.posts[index];
      const at = interactions.at[index];
      const candidates = exclusion.candidatesOf(user);
      const active = topOf(features.lastActiveAt, candidates, poolSize);
      const { clock } = walk;
      features.begin(user, at);
      add(positive, at, 1);
      for (let n = 0; n < activeNegatives + randomNegatives; n++) {
        const post = n < activeNegatives ? active[random.below(active.length)] : random.below(clock.posts);
        if (post !== positive && candidates[post] === 1) add(post, at, 0);
      }
      exclusion.release(user);
    }
    this.model = fitLogistic(rows.subarray(0, labels.length * size), labels, size);
  }

  scores(user: number, at: number, out: Float64Array): void {
    const { features, row } = this;
    const { weights, bias } = this.model;
    features.begin(user, at);
    for (const post of this.posts) {
      features.row(post, at, row);
      let logit = bias;
      for (let f = 0; f < row.length; f++) logit += weights[f] * row[f];
      out[post] = logit;
    }
  }
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
