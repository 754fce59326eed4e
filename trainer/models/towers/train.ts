/**
 * Trains the two towers: shuffled first interactions, mixed-negative sampled softmax, the history pooled from a matrix of
 * all post vectors that is refreshed each epoch (its gradient stops there, as in YoutubeDNN).
 */
import type { OnProgress } from "../../../db/progress.ts";
import type { Community } from "../../data/replay/community.ts";
import type { PerUserCap } from "../../data/replay/per-user-cap.ts";
import { Random } from "../nn/random.ts";
import type { TowerHyperparameters } from "./hyperparameters.ts";
import { newTowers, TowerData, type Towers } from "./model.ts";
import { positivesBefore, withOlder } from "./positives.ts";
import { type TrainerOptions, towerTrainer } from "./tower-trainer.ts";

export type TowerOptions = TowerHyperparameters & {
  seed: number;
  /** The history an example sees; default: what came before it. */
  histories?: TrainerOptions["histories"];
  /** What one person may have of the positives; default: `positivesCap`. */
  bound?: PerUserCap;
  /** Posts have no ID embedding; default: they have one. Towers that have learned none go on without. */
  withoutPostIds?: boolean;
  /** Only what happened before this instant (milliseconds) is learned from. */
  until: number;
  /** Default: `epochsOf` these histories. */
  epochs?: number;
  /** Asked after each epoch but the last, by its number from 1: false ends the training there. */
  goesOn?: (epoch: number, trained: Pick<TrainedTowers, "towers" | "data">) => boolean;
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
  const { histories = "before" } = options;
  const { epochs = options.epochsOf[histories] } = options;
  const random = new Random(options.seed);
  const data = from?.data ?? new TowerData(community, options);
  const towers = from?.towers ?? newTowers(community, data, options.until, options, random);
  const all = positivesBefore(community, options.until, options.mostPositives, options.bound);
  const positives = options.from === undefined ? all : withOlder(all, options.from, options.olderPerNew, random);
  // nothing is new
  if (from && positives.at.length === 0) return from;
  const batch = Math.min(positives.at.length, batchOf(all.at.length, options));
  const withoutPostIds = from ? !towers.postIdEmbeddings.weights.values.some(Boolean) : options.withoutPostIds;
  const postIdEmbeddingDropout = withoutPostIds ? 1 : options.idEmbeddingDropout;
  const each = { ...options, histories, epochs, batch, postIdEmbeddingDropout };
  const trainer = towerTrainer(community, towers, data, positives, each, random, from?.steps);
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
    if (epoch + 1 < epochs && options.goesOn?.(epoch + 1, { towers, data }) === false) {
      const done = losses.length * steps;
      onProgress({ step: "two-tower training", done, total: done });
      break;
    }
  }
  return {
    towers,
    data,
    losses: [...(from?.losses ?? []), ...losses],
    examples: positives.at.length,
    steps: (from?.steps ?? 0) + losses.length * steps,
  };
}
