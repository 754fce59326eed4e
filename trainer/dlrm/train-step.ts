/** One step of the ranker's training, and the weights it changes. */
import { categories } from "../../supabase/functions/_shared/features/categories.ts";
import type { AdamOptions } from "../engine/adam.ts";
import { lossAndGradients } from "../engine/dense.ts";
import type { Random } from "../engine/random.ts";
import { constants, lookUps, type MaskOptions, masks, targetsOf } from "./batch.ts";
import { dlrmLoss, type LossOptions } from "./loss.ts";
import type { Dlrm } from "./model.ts";
import type { RankingExamples } from "./ranking-examples.ts";

type StepOptions = AdamOptions & LossOptions & MaskOptions;

/** Takes the ranker through its `step`-th optimiser step (from 1) on some requests; returns the loss before it. */
export function trainStep(
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
export function arraysOf(dlrm: Dlrm): Float32Array[] {
  const dense = Object.values(dlrm.dense.matrices()).map(({ values }) => values);
  return [...dense, dlrm.embeddings.weights.values, dlrm.wide.weights.values];
}
