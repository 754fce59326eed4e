/** One step of the two towers: what a batch sees, its loss, and what its gradients change. */

import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import type { Community } from "../community/community.ts";
import type { Matrix } from "../engine/dense.ts";
import type { EmbeddingTable } from "../engine/embedding-table.ts";
import type { Random } from "../engine/random.ts";
import { embedPosts } from "./embed.ts";
import { Histories } from "./histories.ts";
import { batchLoss, corrections, logSamplingChance } from "./loss.ts";
import { poolHistories, postInputs, type TowerData, type Towers, userInputs } from "./model.ts";
import type { Positives } from "./positives.ts";
import type { TokenDropout } from "./token-bags.ts";

/** See hyperparameters.ts. */
export interface TrainerOptions {
  until: number;
  /**
   * The history an example sees: what came before it, as in serving; or all the user's others, where a random split has
   * made time meaningless: there the posts to be found lie between those of the history.
   */
  histories: "before" | "others";
  epochs: number;
  batch: number;
  uniformNegatives: number;
  temperature: number;
  learningRate: number;
  finalLearningRate: number;
  idEmbeddingDropout: number;
  vectorDropout: number;
  coldUsers: number;
  tokenDropout: number;
}

/** Takes a community's towers through optimiser steps on some of its positives. */
export class TowerTrainer {
  private readonly share: Float32Array;
  private readonly histories: Histories;
  private readonly trainable: Int32Array;
  private postVectors: Float32Array = new Float32Array(0);
  private readonly totalSteps: number;
  /** Of this trainer; Adam also counts the `before` it. */
  private steps = 0;
  private readonly community: Community;
  private readonly towers: Towers;
  private readonly data: TowerData;
  private readonly positives: Positives;
  private readonly options: TrainerOptions;
  private readonly random: Random;
  private readonly before: number;

  constructor(
    community: Community,
    towers: Towers,
    data: TowerData,
    positives: Positives,
    options: TrainerOptions,
    random: Random,
    before = 0,
  ) {
    this.before = before;
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

  /** Embeds all posts anew: the histories of the steps to come are pooled from these vectors. */
  refreshPostVectors(): void {
    this.postVectors = embedPosts(this.towers, this.data, this.community.posts.ids.length);
  }

  /** One optimiser step on some positives (their numbers); returns the loss before it. */
  step(batch: Uint32Array): number {
    const { towers, data, positives, random, options } = this;
    const users = Int32Array.from(batch, (i) => positives.users[i]);
    const targets = Array.from(batch, (i) => positives.posts[i]);
    const uniform = Array.from(
      { length: options.uniformNegatives },
      () => this.trainable[random.below(this.trainable.length)],
    );
    const posts = Int32Array.from([...targets, ...uniform]);
    const dropout = { rate: options.tokenDropout, seed: random.below(2 ** 31) };
    const isCold = users.map(() => (random.uniform() < options.coldUsers ? 1 : 0));
    const histories = Array.from(batch, (i, row) =>
      isCold[row]
        ? []
        : this.histories.latest(
            positives.users[i],
            options.histories === "before" ? positives.at[i] : Number.POSITIVE_INFINITY,
            positives.posts[i],
          ),
    );
    const pooled = poolHistories(histories, this.postVectors);
    const counts = histories.map((history) => history.length);
    const userSide = userInputs(towers, data, users, pooled, counts, dropout);
    const postSide = postInputs(towers, data, posts, dropout);
    const kept = {
      users: dropIdEmbeddings(userSide.id_embedding, options.idEmbeddingDropout, random, isCold),
      posts: dropIdEmbeddings(postSide.id_embedding, options.idEmbeddingDropout, random),
    };
    const logQ = logSamplingChance(posts, this.share, this.trainable.length, users.length, uniform.length);
    const inputs = {
      users: { ...userSide, mask: vectorMask(users.length, options.vectorDropout, random) },
      posts: { ...postSide, mask: vectorMask(posts.length, options.vectorDropout, random) },
      correction: { values: corrections(posts, logQ, users.length), shape: [users.length, posts.length] },
    };
    const result = batchLoss(towers, inputs, options.temperature);
    this.update(users, posts, kept, result.gradients, dropout);
    return result.loss;
  }

  private update(
    users: Int32Array,
    posts: Int32Array,
    kept: { users: boolean[]; posts: boolean[] },
    gradients: Record<string, Float32Array>,
    dropout: TokenDropout,
  ): void {
    const { towers, data } = this;
    const { learningRate, finalLearningRate } = this.options;
    const fallen = ((1 - finalLearningRate) * this.steps) / this.totalSteps;
    const options = { learningRate: learningRate * (1 - fallen) };
    const step = this.before + ++this.steps;
    data.userBags.addGradient(towers.tokens, users, gradients["u.fields"], dropout);
    data.postBags.addGradient(towers.tokens, posts, gradients["p.fields"], dropout);
    addRows(towers.userIdEmbeddings, users, kept.users, gradients["u.id_embedding"]);
    addRows(towers.postIdEmbeddings, posts, kept.posts, gradients["p.id_embedding"]);
    for (const table of [towers.tokens, towers.userIdEmbeddings, towers.postIdEmbeddings]) table.step(step, options);
    towers.dense.step(gradients, step, options);
  }
}

function addRows(table: EmbeddingTable, rows: Int32Array, kept: boolean[], gradient: Float32Array): void {
  for (const [i, row] of rows.entries()) if (kept[i]) table.addGradient(row, 1, gradient, i * table.width);
}

// What a training step leaves out of vectors and ID embeddings.

/** A factor for each number of vectors [rows, 32]: 0, or 1 / (1 − rate). */
function vectorMask(rows: number, rate: number, random: Random): Matrix {
  const kept = 1 / (1 - rate);
  const values = Float32Array.from({ length: rows * dimensions }, () => (random.uniform() < rate ? 0 : kept));
  return { values, shape: [rows, dimensions] };
}

/** Zeroes a share of the rows in place, and those of cold users; says which rows were kept. */
function dropIdEmbeddings({ values, shape }: Matrix, rate: number, random: Random, isCold?: Int32Array): boolean[] {
  return Array.from({ length: shape[0] }, (_, row) => {
    const keep = random.uniform() >= rate && !isCold?.[row];
    if (!keep) values.fill(0, row * dimensions, (row + 1) * dimensions);
    return keep;
  });
}
