/** Trains the ranker on requests: shuffled, a few at a time, all rows of a request together. */
import type { OnProgress } from "../../../db/progress.ts";
import { categories } from "../../../supabase/functions/_shared/features/categories.ts";
import type { AdamOptions } from "../nn/adam.ts";
import { lossAndGradients } from "../nn/dense.ts";
import { Random } from "../nn/random.ts";
import { constants, lookUps, type MaskOptions, masks, targetsOf } from "./batch.ts";
import { meanLoss } from "./forward.ts";
import type { DlrmHyperparameters } from "./hyperparameters.ts";
import { dlrmLoss, type LossOptions } from "./loss.ts";
import { type Dlrm, newDlrm, type RankerOptions } from "./model.ts";
import type { RankerParts, RankingExamples } from "./ranking-examples.ts";

type DlrmOptions = DlrmHyperparameters & RankerOptions & { seed: number };

interface TrainedDlrm {
  dlrm: Dlrm;
  /** The mean loss of each epoch. */
  losses: number[];
  /** On the held-out requests: before training, then after each epoch. */
  heldOutLosses: number[];
  /** The epoch whose weights were kept; 0: the start was not beaten. */
  epoch: number;
}

/**
 * Trains a ranker on the requests with these numbers, from scratch or on from `from` (it changes its weights), and keeps the epoch
 * that is best on later held-out ones: the first epoch without a gain is the last. Without held-out requests it keeps the last.
 */
export async function trainDlrm(
  examples: RankingExamples,
  { training, heldOut }: RankerParts,
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
  const heldOutLosses = [meanLoss(dlrm, examples, unseen, options)];
  const best = { epoch: 0, weights: copyOf(dlrm) };
  let step = 0;
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    random.shuffle(order);
    let sum = 0;
    for (let s = 0; s < steps; s++) {
      signal?.throwIfAborted();
      const batch = order.subarray(s * options.batch, (s + 1) * options.batch);
      const learningRate = options.learningRate * (1 - step / (options.epochs * steps));
      sum += trainStep(dlrm, examples, batch, { ...options, learningRate }, ++step, random);
      onProgress({ step: "DLRM training", done: step, total: options.epochs * steps });
      if (s % 8 === 0) await new Promise(setImmediate);
    }
    losses.push(sum / steps);
    heldOutLosses.push(meanLoss(dlrm, examples, unseen, options));
    if (heldOut.length === 0 || heldOutLosses[epoch] < heldOutLosses[best.epoch])
      Object.assign(best, { epoch, weights: copyOf(dlrm) });
    else {
      // an epoch without a lower held-out loss overfits, and later epochs do so more
      onProgress({ step: "DLRM training", done: step, total: step });
      break;
    }
  }
  for (const [i, values] of arraysOf(dlrm).entries()) values.set(best.weights[i]);
  return { dlrm, losses, heldOutLosses, epoch: best.epoch };
}

function copyOf(dlrm: Dlrm): Float32Array[] {
  return arraysOf(dlrm).map((values) => values.slice());
}

type StepOptions = AdamOptions & LossOptions & MaskOptions;

/** Takes the ranker through its `step`-th optimiser step (from 1) on some requests; returns the loss before it. */
function trainStep(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  options: StepOptions,
  step: number,
  random: Random,
): number {
  const batch = examples.rowsOf(requests);
  const { loss, gradients } = lossAndGradients(
    { ...dlrm.dense.matrices(), ...lookUps(dlrm, examples, batch) },
    {
      ...constants(dlrm, examples, requests),
      ...targetsOf(examples, requests, options.scoreWeights),
      ...masks(requests.length, options, random),
    },
    (t) => dlrmLoss(t, examples.rows, options),
  );
  dlrm.dense.step(gradients, step, options);
  const width = categories.length;
  for (const [table, gradient] of [
    [dlrm.embeddings, gradients.embeddings],
    [dlrm.wide, gradients.wide],
  ] as const) {
    for (const [i, row] of batch.entries()) {
      for (let c = 0; c < width; c++) {
        table.addGradient(examples.categories[row * width + c], 1, gradient, (i * width + c) * table.width);
      }
    }
    table.step(step, options);
  }
  return loss;
}

/** Every array that training changes. */
function arraysOf(dlrm: Dlrm): Float32Array[] {
  const dense = Object.values(dlrm.dense.matrices()).map(({ values }) => values);
  return [...dense, dlrm.embeddings.weights.values, dlrm.wide.weights.values];
}
