/** Trains the ranker on requests: shuffled, a few at a time, all rows of a request together. */
import type { OnProgress } from "../../db/progress.ts";
import { Random } from "../engine/random.ts";
import { meanLoss } from "./forward.ts";
import { type Dlrm, newDlrm, type StartOptions } from "./model.ts";
import type { RankerParts, RankingExamples } from "./ranking-examples.ts";
import { arraysOf, trainStep } from "./train-step.ts";

/**
 * The ranker's hyperparameters. Figures are R@20 and MRR on two windows of travel-se (6,000 and 3,300 requests) that
 * no reported figure comes from; docs/experiments.md has the tables.
 */
export const dlrmDefaults = {
  // --- the training set (its labels are what happened within a day: requests.ts, which labels for the evaluation too) ---
  /** The ranker learns from at most this many of the latest requests. Not tuned: they take some 200 MB. */
  maximumRequests: 6000,
  /** And from one first interaction in this many: the towers learn from the others. Not tuned. */
  interactionsPerRequest: 3,
  /** The last part of the requests, which chooses the epoch and how sharp the heads are. Not tuned. */
  heldOut: 0.15,
  /** Candidates per request in training: the positive and negatives. Not tuned. */
  rows: 96,
  /** Of them the best by the recency baseline; the other negatives are sampled and stand for the rest. Not tuned. */
  hardNegatives: 48,

  /** Rows of a page in training: what was shown, and candidates that were not. 96 take twice the time and end within .03 of a visit. */
  pageRows: 32,
  /** The share of pages that are shown to the ranker as those of somebody who has just signed up. */
  newUsers: 0.2,
  /** What a candidate that was not shown counts beside a post of a page that was passed by. */
  unseenWeight: 0.0001,
  /** With fewer pages that something came of, the ranker learns from first interactions. Not tuned. */
  enoughPages: 500,

  // --- the network ---
  /** Hidden layer of the bottom MLP, whose output is as wide as a vector: 32. Not tuned. */
  bottomHidden: 64,
  /** Hidden layers of the top MLP. Not tuned. */
  topHidden: [64, 32] as [number, number],
  /** Standard deviation of the categories' embeddings at the start. Not tuned. */
  embeddingDeviation: 0.1,
  /** Penalty on the weights of the base rate's first fit: those on which nothing depends stay near 0. Not tuned. */
  baseRateRidge: 1,
  /** How often a hidden unit is left out of a request. From .1 to .3 all end within .005. */
  dropout: 0.2,
  /**
   * The same for the dots: they know posts one by one, so they are the first to fit the window they were trained on. Not
   * tuned.
   */
  dotDropout: 0.5,

  // --- the loss and the optimiser ---
  /**
   * Of a training that goes on from an earlier model, on requests that this has not seen: nothing is seen twice, so nothing
   * need be left out. Loss on the month after 30 nights of it (travel-se): 3.4273 at .001, 3.4208 at .0003, 3.4231 at .0001,
   * 3.4255 without any.
   */
  further: { learningRate: 0.0003, epochs: 1, dropout: 0, dotDropout: 0 },
  /**
   * The same for pages, of which a night has many, and which the ranker itself chose: it must learn soon what it was wrong about. Closed loop, seed 1,
   * reward of a visit on days 4 to 10 through that of the true law: .66 in 1 epoch at .0003, .74 in 2 at .002.
   */
  furtherPages: { learningRate: 0.002, epochs: 2, dropout: 0, dotDropout: 0 },
  /** 6: .775, .421; 10: .773, .420. */
  epochs: 6,
  /** Requests per batch. 16 in 8 epochs: .774, .422. */
  batch: 32,
  /** At the start; it falls to nothing in a straight line. .001 and .004 end within .005. */
  learningRate: 0.002,
  /** .05 ends within .005. */
  weightDecay: 0.01,
  /** Weight of the heads' cross-entropy beside the listwise loss. Not tuned. */
  headWeight: 0.2,
};

export type DlrmOptions = typeof dlrmDefaults & StartOptions & { seed: number };

export interface TrainedDlrm {
  dlrm: Dlrm;
  /** The mean loss of each epoch. */
  losses: number[];
  /** On the held-out requests: before training, then after each epoch. */
  heldOutLosses: number[];
  /** The epoch whose weights were kept; 0: the start was not beaten. */
  epoch: number;
}

/**
 * Trains a ranker on some of the examples' requests (their numbers), anew or on from `from` (whose weights it then changes),
 * and keeps the epoch that does best on the held-out ones, which should be later: a ranker that fits its window too well
 * shows there. Where none are held out it keeps the last. `postVectors` [posts, 32].
 */
export async function trainDlrm(
  examples: RankingExamples,
  { training, heldOut }: RankerParts,
  postVectors: Float32Array,
  options: DlrmOptions,
  onProgress: OnProgress = () => {},
  signal?: AbortSignal,
  from?: Dlrm,
): Promise<TrainedDlrm> {
  const random = new Random(options.seed);
  const order = training.filter((request) => examples.saysSomething(request));
  const unseen = heldOut.filter((request) => examples.saysSomething(request));
  const dlrm = from ?? newDlrm(examples, training, options, random);
  const steps = Math.ceil(order.length / options.batch);
  const losses: number[] = [];
  const heldOutLosses = [meanLoss(dlrm, examples, unseen, postVectors, options)];
  const best = { epoch: 0, weights: copyOf(dlrm) };
  let step = 0;
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    random.shuffle(order);
    let sum = 0;
    for (let s = 0; s < steps; s++) {
      signal?.throwIfAborted();
      const batch = order.subarray(s * options.batch, (s + 1) * options.batch);
      const learningRate = options.learningRate * (1 - step / (options.epochs * steps));
      sum += trainStep(dlrm, examples, batch, postVectors, { ...options, learningRate }, ++step, random);
      onProgress({ step: "DLRM training", done: step, total: options.epochs * steps });
      if (s % 8 === 0) await new Promise(setImmediate);
    }
    losses.push(sum / steps);
    heldOutLosses.push(meanLoss(dlrm, examples, unseen, postVectors, options));
    if (heldOut.length === 0 || heldOutLosses[epoch] < heldOutLosses[best.epoch])
      Object.assign(best, { epoch, weights: copyOf(dlrm) });
  }
  for (const [i, values] of arraysOf(dlrm).entries()) values.set(best.weights[i]);
  return { dlrm, losses, heldOutLosses, epoch: best.epoch };
}

function copyOf(dlrm: Dlrm): Float32Array[] {
  return arraysOf(dlrm).map((values) => values.slice());
}
