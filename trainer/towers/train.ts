/**
 * Trains the two towers: shuffled first interactions, mixed-negative sampled softmax, the history pooled from a matrix of all
 * post vectors that is refreshed each epoch (its gradient stops there, as in YoutubeDNN).
 */
import type { OnProgress } from "../../db/progress.ts";
import type { Community } from "../community/community.ts";
import { Random } from "../engine/random.ts";
import { newTowers, TowerData, type Towers } from "./model.ts";
import { positivesBefore } from "./positives.ts";
import { TowerTrainer } from "./tower-trainer.ts";

export interface TowerOptions {
  seed: number;
  /** Only what happened before this instant (milliseconds) is learned from. */
  until: number;
  /** Left out: `epochsOf` the histories. */
  epochs?: number;
  /** Positives a step, at most: `batchOf` makes it smaller where there are few. */
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
  /** How often a id_embedding is left out, so that text and history must stand alone (DropoutNet). */
  idEmbeddingDropout: number;
  /** How often a number is left out of a vector before it is normalised, so that no few dimensions carry a taste alone. */
  vectorDropout: number;
  /** How often an example's user is shown as new, with the profile alone: neither id_embedding nor history. */
  coldUsers: number;
  /** How often a word is left out, so that rare words of a profile are not learned as the user's name. */
  tokenDropout: number;
}

export const towerDefaults = {
  batch: 512,
  uniformNegatives: 256,
  temperature: 0.2,
  learningRate: 0.003,
  idEmbeddingDropout: 0.2,
  vectorDropout: 0.2,
  coldUsers: 0.2,
  tokenDropout: 0.3,
  histories: "before" as const,
};

/**
 * Where time runs, tastes drift and what is learned of the past soon fits only that: the share of fresh posts ranked
 * below the positive is .770, .771, .762 after 2, 3, 4 epochs of the synthetic community, .651 and .648 after 3 and 5
 * of travel-se. A random split has no drift, and on ml-100k R@20 grows on: .430 at 10, .441 at 20, .450 at 30, .454 at 60.
 */
export const epochsOf = { before: 3, others: 60 };

/**
 * A small community gets smaller batches, so that an epoch is 64 steps at least: of travel-se's first nine months, 3 epochs
 * of 512 leave the towers half-trained (share of fresh posts ranked below the positive .58, R@100 .07; 128: .63, .16).
 */
export function batchOf(positives: number, most: number): number {
  return Math.min(most, Math.max(64, Math.ceil(positives / 64)));
}

/** The latest first interactions that are learned from: an epoch of them is 977 steps, one of travel-se 227. */
const mostPositives = 500_000;

export interface TrainedTowers {
  towers: Towers;
  data: TowerData;
  losses: number[];
  examples: number;
  /** Optimiser steps so far. */
  steps: number;
}

/**
 * Trains the towers of a community, from the start or on from where `from` stopped (whose weights it then changes);
 * throws an AbortError when `signal` says stop.
 */
export async function trainTowers(
  community: Community,
  options: TowerOptions,
  onProgress: OnProgress = () => {},
  signal?: AbortSignal,
  from?: TrainedTowers,
): Promise<TrainedTowers> {
  const { epochs = epochsOf[options.histories] } = options;
  const random = new Random(options.seed);
  const data = from?.data ?? new TowerData(community);
  const towers = from?.towers ?? newTowers(community, data, options.until, random);
  const positives = positivesBefore(community, options.until, mostPositives);
  const batch = batchOf(positives.at.length, options.batch);
  const trainer = new TowerTrainer(
    community,
    towers,
    data,
    positives,
    { ...options, epochs, batch },
    random,
    from?.steps,
  );
  const steps = Math.ceil(positives.at.length / batch);
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    trainer.refreshPostVectors();
    const order = random.shuffle(Uint32Array.from(positives.at.keys()));
    let sum = 0;
    for (let s = 0; s < steps; s++) {
      signal?.throwIfAborted();
      sum += trainer.step(order.subarray(s * batch, (s + 1) * batch));
      onProgress({ step: "two-tower training", done: epoch * steps + s + 1, total: epochs * steps });
      if (s % 8 === 0) await new Promise(setImmediate);
    }
    losses.push(sum / steps);
  }
  return {
    towers,
    data,
    losses: [...(from?.losses ?? []), ...losses],
    examples: positives.at.length,
    steps: (from?.steps ?? 0) + epochs * steps,
  };
}
