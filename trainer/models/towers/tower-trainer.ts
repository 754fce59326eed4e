/** One step of the two towers: what a batch sees, its loss, and what its gradients change. */

import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import type { Community } from "../../data/replay/community.ts";
import type { Matrix } from "../nn/dense.ts";
import type { EmbeddingTable } from "../nn/embedding-table.ts";
import type { Random } from "../nn/random.ts";
import { embedPosts } from "./embed.ts";
import { examplesOfTowers, type HistoryOptions } from "./examples.ts";
import type { TowerHyperparameters } from "./hyperparameters.ts";
import { batchLoss, corrections, logSamplingChance } from "./loss.ts";
import { meanVectorOf, poolHistories, postInputs, type TowerData, type Towers, userInputs } from "./model.ts";
import type { Positives } from "./positives.ts";

export interface TrainerOptions extends TowerHyperparameters, HistoryOptions {
  epochs: number;
  /** `idEmbeddingDropout` of posts; 1: they learn none. */
  postIdEmbeddingDropout: number;
}

/** Takes a community's towers through optimiser steps on some of its positives; Adam also counts the steps `before` them. */
export function towerTrainer(
  community: Community,
  towers: Towers,
  data: TowerData,
  positives: Positives,
  options: TrainerOptions,
  random: Random,
  before = 0,
) {
  const { ids } = community.posts;
  const totalSteps = options.epochs * Math.ceil(positives.at.length / options.batch);
  const { trainable, share, historyOf, followedOf } = examplesOfTowers(community, positives, options);
  let postVectors: Float32Array = new Float32Array(0);
  // they change with the vectors of posts alone
  const followedMeans = new Map<number, Float32Array | null>();
  let steps = 0;

  /** One optimiser step on some positives (their numbers); returns the loss before it. */
  function step(batch: Uint32Array): number {
    const users = Int32Array.from(batch, (i) => positives.users[i]);
    const targets = Array.from(batch, (i) => positives.posts[i]);
    const uniform = Array.from({ length: options.uniformNegatives }, () => trainable[random.below(trainable.length)]);
    const posts = Int32Array.from([...targets, ...uniform]);
    const dropout = { rate: options.tokenDropout, seed: random.below(2 ** 31) };
    const isCold = users.map(() => (random.uniform() < options.coldUsers ? 1 : 0));
    const histories = Array.from(batch, (i, row) => (isCold[row] ? [] : historyOf(i)));
    const pooled = poolHistories(histories, postVectors);
    const followed = new Float32Array(users.length * dimensions);
    for (const [row, user] of users.entries()) {
      const mean = followedMean(user);
      if (mean) followed.set(mean, row * dimensions);
    }
    const counts = histories.map((history) => history.length);
    const userSide = userInputs(towers, data, users, pooled, followed, counts, dropout);
    const postSide = postInputs(towers, data, posts, dropout);
    for (const { text_vector } of [postSide, userSide])
      if (text_vector) dropVectors(text_vector, options.vectorless, random);
    const kept = {
      users: dropIdEmbeddings(userSide.id_embedding, options.idEmbeddingDropout, random, isCold),
      posts: dropIdEmbeddings(postSide.id_embedding, options.postIdEmbeddingDropout, random),
    };
    const logQ = logSamplingChance(posts, share, trainable.length, users.length, uniform.length);
    const corrected = logQ.map((value) => options.samplingCorrection * value);
    const inputs = {
      users: { ...userSide, mask: vectorMask(users.length, options.vectorDropout, random) },
      posts: { ...postSide, mask: vectorMask(posts.length, options.vectorDropout, random) },
      correction: { values: corrections(posts, corrected, users.length), shape: [users.length, posts.length] },
    };
    const { loss, gradients } = batchLoss(towers, inputs, options.temperature);
    data.userBags.addGradient(towers.tokens, users, gradients["u.fields"], dropout);
    data.postBags.addGradient(towers.tokens, posts, gradients["p.fields"], dropout);
    addRows(towers.userIdEmbeddings, users, kept.users, gradients["u.id_embedding"]);
    addRows(towers.postIdEmbeddings, posts, kept.posts, gradients["p.id_embedding"]);
    const fallen = ((1 - options.finalLearningRate) * steps) / totalSteps;
    const adam = { learningRate: options.learningRate * (1 - fallen) };
    const number = before + ++steps;
    for (const table of [towers.tokens, towers.userIdEmbeddings, towers.postIdEmbeddings]) table.step(number, adam);
    towers.dense.step(gradients, number, adam, {
      "post/vector": options.vectorLearningRate,
      "user/vector": options.vectorLearningRate,
    });
    return loss;
  }

  /** The mean vector of `followedOf` a user; null: it has no posts. */
  function followedMean(user: number): Float32Array | null {
    const known = followedMeans.get(user);
    if (known !== undefined) return known;
    const mean = meanVectorOf(followedOf(user), postVectors);
    followedMeans.set(user, mean);
    return mean;
  }

  return {
    /** Embeds all posts from scratch: the histories of the steps to come are pooled from these vectors. */
    refreshPostVectors() {
      postVectors = embedPosts(towers, data, ids.length);
      followedMeans.clear();
    },
    step,
  };
}

function addRows(table: EmbeddingTable, rows: Int32Array, kept: boolean[], gradient: Float32Array): void {
  for (const [i, row] of rows.entries()) if (kept[i]) table.addGradient(row, 1, gradient, i * table.width);
}

// What a training step leaves out of vectors and ID embeddings.

/** A factor for each number of vectors [rows, 32]: 0, or 1 / (1 − rate). */
function vectorMask(rows: number, rate: number, random: Random): Matrix {
  const kept = 1 / (1 - rate);
  const values = new Float32Array(rows * dimensions);
  for (let i = 0; i < values.length; i++) values[i] = random.uniform() < rate ? 0 : kept;
  return { values, shape: [rows, dimensions] };
}

/** Zeroes a share of the rows in place, as if these posts or users had no vector. */
function dropVectors({ values, shape: [rows, width] }: Matrix, rate: number, random: Random): void {
  for (let row = 0; row < rows; row++) if (random.uniform() < rate) values.fill(0, row * width, (row + 1) * width);
}

/** Zeroes a share of the rows in place, and those of cold users; says which rows were kept. */
function dropIdEmbeddings({ values, shape }: Matrix, rate: number, random: Random, isCold?: Int32Array): boolean[] {
  return Array.from({ length: shape[0] }, (_, row) => {
    const keep = random.uniform() >= rate && !isCold?.[row];
    if (!keep) values.fill(0, row * dimensions, (row + 1) * dimensions);
    return keep;
  });
}
