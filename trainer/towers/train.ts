/**
 * Trains the two towers: shuffled first interactions, mixed-negative sampled softmax, the history pooled from a matrix of
 * all post vectors that is refreshed each epoch (its gradient stops there, as in YoutubeDNN).
 */
import type { OnProgress } from "../../db/progress.ts";
import type { Community } from "../community/community.ts";
import { Random } from "../engine/random.ts";
import { newTowers, TowerData, type Towers } from "./model.ts";
import { positivesBefore, withOlder } from "./positives.ts";
import { TowerTrainer, type TrainerOptions } from "./tower-trainer.ts";

/** The towers' hyperparameters. docs/experiments.md has the tables that the figures come from. */
export const towerDefaults = {
  // --- the training set ---
  /** The latest first interactions that are learned from: an epoch of them is 977 steps, one of travel-se 227. */
  mostPositives: 500_000,
  /** The history an example sees (`TrainerOptions`); a random split asks for "others". */
  histories: "before" as TrainerOptions["histories"],
  /**
   * Where time runs, tastes drift, and what is learned of the past soon fits the past alone: the share of fresh posts ranked
   * below the positive is .770, .771, .762 after 2, 3, 4 epochs of the synthetic community, .651 and .648 after 3 and 5
   * of travel-se. A random split has no drift, and on ml-100k R@20 keeps growing: .430 at 10, .441 at 20, .450 at 30, .454
   * at 60.
   */
  epochsOf: { before: 3, others: 60 },
  /**
   * Of the towers, after the ranker was trained. The held pairs of a random split need more of it than the last days of a
   * community: 4 epochs at .001 leave R@20 on ml-100k at .447, 12 at .002 bring .453.
   */
  fineTuning: {
    before: { learningRate: 0.001, epochs: 1 },
    others: { learningRate: 0.002, epochs: 12 },
  },

  /**
   * Of a training that goes on from an earlier model: on what is new and, for each of that, as many older positives drawn at
   * random. Where what is new makes up much of it, the towers learn that its posts are popular, and bring the ranker similarities
   * it does not know. The ranker's loss on the month after a month of news (travel-se), 1, 5 and all 40 older ones for each: 3.569,
   * 3.499, 3.473; without any of it 3.497. On the requests after a week of news, 20 and 100: 3.009, 2.989; without 3.001.
   */
  further: { learningRate: 0.001, epochs: 1 },
  olderPerNew: 100,

  /**
   * Where the exposure log says what came of the first pages of new people. Synthetic community, seed 1, the cold users' utility by similarity
   * alone, and what a page of the whole system brings them: .610 and 3.77 with what holds elsewhere, .674 and 3.99 with this.
   */
  withPages: { vectorDropout: 0, coldUsers: 0.5, epochs: 6 },

  // --- the network ---
  /** Width of the hidden layer of both MLPs. Not tuned. */
  hidden: 64,
  /**
   * A word starts with deviation idf / 300, so short that what is learned of it soon outweighs where it began: travel-se,
   * 3 epochs, share of fresh posts ranked below the positive: .62 at ten times the length, .65 at this.
   */
  idfDivisor: 300,
  /** Standard deviation of the output layers' first biases. Not tuned: it need only differ from 0. */
  biasDeviation: 0.01,
  /**
   * How often an ID embedding is left out, so that text and history must stand alone (DropoutNet). R@20 on ml-100k, 20
   * epochs: .446, and .441 at .35.
   */
  idEmbeddingDropout: 0.2,
  /**
   * How often a number is left out of a vector before it is normalised, so that no few dimensions carry a taste alone:
   * R@20 on ml-100k is .447 without and .452 with it.
   */
  vectorDropout: 0.2,
  /**
   * How often an example's user is shown as a cold one, with the profile alone: neither ID embedding nor history. R@20 of the
   * synthetic community's cold users, by an earlier measure: .232 at 0, .348 at .15, .366 at .3.
   */
  coldUsers: 0.2,
  /** How often a word is left out, so that the rare words of a profile are not learned as if they were the user's name. Not tuned. */
  tokenDropout: 0.3,

  // --- the loss and the optimiser ---
  /** Positives per step, at most. Not tuned. */
  batch: 512,
  /**
   * A small community gets smaller batches, so that an epoch is 64 steps at least: of travel-se's first nine months, 3
   * epochs of 512 leave the towers half-trained (share of fresh posts ranked below the positive .58, R@100 .07; batches
   * of 128: .63, .16). But none smaller than 64 positives.
   */
  leastSteps: 64,
  leastBatch: 64,
  /** Uniform negatives per batch, shared by its rows. R@20 on ml-100k: none in 10 epochs .428, 512 in 20 epochs .433. */
  uniformNegatives: 256,
  /**
   * Of the softmax over cosines: small fits the training set, large generalises. R@20 on ml-100k, ID embeddings alone, 15 epochs:
   * .447, and .415 at .1; with text, 10 epochs: .420 at .15, .433 at .25.
   */
  temperature: 0.2,
  /** At the start. Not tuned. */
  learningRate: 0.003,
  /** The learning rate falls in a straight line to this share of itself. Not tuned. */
  finalLearningRate: 1 / 20,
};

export type TowerOptions = typeof towerDefaults & {
  seed: number;
  /** Only what happened before this instant (milliseconds) is learned from. */
  until: number;
  /** Default: `epochsOf` these histories. */
  epochs?: number;
  /** Only what happened from this instant on is learned from, with `olderPerNew` times as much of what happened before. */
  from?: number;
};

/** Positives per step in a community with that many positives. */
export function batchOf(
  positives: number,
  { batch, leastSteps, leastBatch }: Pick<TowerOptions, "batch" | "leastSteps" | "leastBatch">,
): number {
  return Math.min(batch, Math.max(leastBatch, Math.ceil(positives / leastSteps)));
}

export interface TrainedTowers {
  towers: Towers;
  data: TowerData;
  losses: number[];
  examples: number;
  /** Optimiser steps so far. */
  steps: number;
}

/**
 * Trains the towers of a community, from the start or on from where `from` stopped (whose weights it then changes).
 * Throws an AbortError when `signal` aborts.
 */
export async function trainTowers(
  community: Community,
  options: TowerOptions,
  onProgress: OnProgress = () => {},
  signal?: AbortSignal,
  from?: TrainedTowers,
): Promise<TrainedTowers> {
  const { epochs = options.epochsOf[options.histories] } = options;
  const random = new Random(options.seed);
  const data = from?.data ?? new TowerData(community);
  const towers = from?.towers ?? newTowers(community, data, options.until, options, random);
  const all = positivesBefore(community, options.until, options.mostPositives);
  const positives = options.from === undefined ? all : withOlder(all, options.from, options.olderPerNew, random);
  const batch = Math.min(positives.at.length, batchOf(all.at.length, options));
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
