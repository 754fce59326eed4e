/**
 * Trains the two towers: shuffled first touches, mixed-negative sampled softmax, the history pooled from a matrix of all
 * post vectors that is refreshed each epoch (its gradient stops there, as in YoutubeDNN).
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { OnProgress } from "../../db/progress.ts";
import { dimensions } from "../../supabase/functions/_shared/history.ts";
import type { Community } from "../community/community.ts";
import { lossAndGradients, type Matrix } from "../engine/dense.ts";
import type { EmbeddingTable } from "../engine/embedding-table.ts";
import { Random } from "../engine/random.ts";
import { embedPosts } from "./embed.ts";
import { corrections, logSamplingChance, sampledSoftmax } from "./loss.ts";
import { newTowers, poolHistories, postInputs, TowerData, type Towers, userInputs } from "./model.ts";
import { postTower, type TowerInputs, userTower } from "./network.ts";
import { Histories, type Positives, positivesBefore } from "./positives.ts";

export interface TowerOptions {
  seed: number;
  /** Only what happened before this instant (milliseconds) is learned from. */
  until: number;
  epochs: number;
  batch: number;
  /** Uniform negatives a batch, shared by its rows. */
  uniformNegatives: number;
  /** Of the softmax over cosines: small fits the training set, large generalises. */
  temperature: number;
  /** At the start; it falls linearly to a twentieth of that. */
  learningRate: number;
  /**
   * The history an example sees: what came before it, as in life; or the user's others, where a random split has made
   * time meaningless: there the posts to be found lie between those of the history.
   */
  histories: "before" | "others";
  /** How often a residual is left out, so that text and history must stand alone (DropoutNet). */
  residualDropout: number;
}

export const towerDefaults = {
  epochs: 12,
  batch: 512,
  uniformNegatives: 256,
  temperature: 0.2,
  learningRate: 0.003,
  residualDropout: 0.2,
  histories: "before" as const,
};

export interface TrainedTowers {
  towers: Towers;
  data: TowerData;
  losses: number[];
  examples: number;
}

/** Trains the towers of a community; throws an AbortError when `signal` says stop. */
export async function trainTowers(
  community: Community,
  options: TowerOptions,
  onProgress: OnProgress = () => {},
  signal?: AbortSignal,
): Promise<TrainedTowers> {
  const random = new Random(options.seed);
  const data = new TowerData(community);
  const towers = newTowers(community, data, options.until, random);
  const positives = positivesBefore(community, options.until);
  const trainer = new Trainer(community, towers, data, positives, options, random);
  const steps = Math.ceil(positives.at.length / options.batch);
  const losses: number[] = [];
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    trainer.refreshPostVectors();
    const order = random.shuffle(Uint32Array.from(positives.at.keys()));
    let sum = 0;
    for (let s = 0; s < steps; s++) {
      signal?.throwIfAborted();
      sum += trainer.step(order.subarray(s * options.batch, (s + 1) * options.batch));
      onProgress({ step: "two-tower training", done: epoch * steps + s + 1, total: options.epochs * steps });
      if (s % 8 === 0) await new Promise(setImmediate);
    }
    losses.push(sum / steps);
  }
  return { towers, data, losses, examples: positives.at.length };
}

class Trainer {
  private readonly share: Float32Array;
  private readonly histories: Histories;
  private readonly trainable: Int32Array;
  private postVectors: Float32Array = new Float32Array(0);
  private readonly totalSteps: number;
  private steps = 0;
  private readonly community: Community;
  private readonly towers: Towers;
  private readonly data: TowerData;
  private readonly positives: Positives;
  private readonly options: TowerOptions;
  private readonly random: Random;

  constructor(
    community: Community,
    towers: Towers,
    data: TowerData,
    positives: Positives,
    options: TowerOptions,
    random: Random,
  ) {
    this.community = community;
    this.towers = towers;
    this.data = data;
    this.positives = positives;
    this.options = options;
    this.random = random;
    this.totalSteps = options.epochs * Math.ceil(positives.at.length / options.batch);
    this.histories = new Histories(community, options.until);
    // posts of the training window, so that negatives never come from a future the positives cannot reach
    this.trainable = Int32Array.from(community.posts.ids.keys()).filter(
      (p) => community.posts.createdAt[p] < options.until,
    );
    this.share = new Float32Array(community.posts.ids.length);
    for (const post of positives.posts) this.share[post] += 1 / positives.at.length;
  }

  refreshPostVectors(): void {
    this.postVectors = embedPosts(this.towers, this.data, this.community.posts.ids.length);
  }

  /** One optimiser step on some positives (their numbers); the loss before it. */
  step(batch: Uint32Array): number {
    const { towers, data, positives, random, options } = this;
    const users = Int32Array.from(batch, (i) => positives.users[i]);
    const targets = Array.from(batch, (i) => positives.posts[i]);
    const uniform = Array.from(
      { length: options.uniformNegatives },
      () => this.trainable[random.below(this.trainable.length)],
    );
    const posts = Int32Array.from([...targets, ...uniform]);
    const histories = Array.from(batch, (i) =>
      this.histories.latest(
        positives.users[i],
        options.histories === "before" ? positives.at[i] : Number.POSITIVE_INFINITY,
        positives.posts[i],
      ),
    );
    const inputs = {
      ...prefixed(
        "u",
        userInputs(
          towers,
          data,
          users,
          poolHistories(histories, this.postVectors),
          histories.map((h) => h.length),
        ),
      ),
      ...prefixed("p", postInputs(towers, data, posts)),
    };
    const kept = {
      users: this.dropResiduals(inputs["u.residual"]),
      posts: this.dropResiduals(inputs["p.residual"]),
    };
    const { "u.history": history, "u.numbers": userNumbers, "p.numbers": postNumbers, ...learned } = inputs;
    const logQ = logSamplingChance(posts, this.share, this.trainable.length, users.length, uniform.length);
    const result = lossAndGradients(
      { ...towers.dense.matrices(), ...learned },
      {
        "u.history": history,
        "u.numbers": userNumbers,
        "p.numbers": postNumbers,
        correction: { values: corrections(posts, logQ, users.length), shape: [users.length, posts.length] },
      },
      (t) =>
        sampledSoftmax(
          userTower(t, side(t, "u")),
          postTower(t, side(t, "p")),
          options.temperature,
          t.correction as tf.Tensor2D,
        ),
    );
    this.update(users, posts, kept, result.gradients);
    return result.loss;
  }

  private update(
    users: Int32Array,
    posts: Int32Array,
    kept: { users: boolean[]; posts: boolean[] },
    gradients: Record<string, Float32Array>,
  ): void {
    const { towers, data } = this;
    const step = ++this.steps;
    const options = { learningRate: this.options.learningRate * (1 - (0.95 * (step - 1)) / this.totalSteps) };
    data.userBags.addGradient(towers.tokens, users, gradients["u.fields"]);
    data.postBags.addGradient(towers.tokens, posts, gradients["p.fields"]);
    addRows(towers.userResiduals, users, kept.users, gradients["u.residual"]);
    addRows(towers.postResiduals, posts, kept.posts, gradients["p.residual"]);
    for (const table of [towers.tokens, towers.userResiduals, towers.postResiduals]) table.step(step, options);
    towers.dense.step(gradients, step, options);
  }

  /** Zeroes a share of the rows in place; says which rows were kept. */
  private dropResiduals({ values, shape }: Matrix): boolean[] {
    return Array.from({ length: shape[0] }, (_, row) => {
      const keep = this.random.uniform() >= this.options.residualDropout;
      if (!keep) values.fill(0, row * dimensions, (row + 1) * dimensions);
      return keep;
    });
  }
}

function addRows(table: EmbeddingTable, rows: Int32Array, kept: boolean[], gradient: Float32Array): void {
  for (const [i, row] of rows.entries()) if (kept[i]) table.addGradient(row, 1, gradient, i * table.width);
}

function prefixed(prefix: string, matrices: Record<string, Matrix>): Record<string, Matrix> {
  return Object.fromEntries(Object.entries(matrices).map(([name, matrix]) => [`${prefix}.${name}`, matrix]));
}

function side(t: Record<string, tf.Tensor>, prefix: string): TowerInputs & { history: tf.Tensor } {
  return {
    fields: t[`${prefix}.fields`],
    numbers: t[`${prefix}.numbers`],
    residual: t[`${prefix}.residual`],
    history: t[`${prefix}.history`],
  };
}
