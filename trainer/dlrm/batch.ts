/** What a batch of requests is to the network: plain arrays by the names that dlrmLogits and the loss read. */
import { categories } from "../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import type { Matrix } from "../engine/dense.ts";
import type { EmbeddingTable } from "../engine/embedding-table.ts";
import type { Random } from "../engine/random.ts";
import { vectorAt } from "../engine/vector-at.ts";
import { denseWidth, recencyBaselineMatrix } from "./dense-features.ts";
import type { Dlrm } from "./model.ts";
import { distinctDots, type HiddenWidths, heads, maskWidths } from "./network.ts";
import type { RankingExamples } from "./ranking-examples.ts";

/** What of a batch is not learned: features, vectors, standardisation, the rows' weights. */
export function constants(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  postVectors: Float32Array,
): Record<string, Matrix> {
  const batch = examples.rowsOf(requests);
  const n = batch.length;
  const dense = new Float32Array(n * denseWidth);
  const user = new Float32Array(n * dimensions);
  const post = new Float32Array(n * dimensions);
  for (const [i, row] of batch.entries()) {
    const request = Math.floor(row / examples.rows);
    dense.set(examples.dense.subarray(row * denseWidth, (row + 1) * denseWidth), i * denseWidth);
    user.set(vectorAt(examples.users, request), i * dimensions);
    post.set(vectorAt(postVectors, examples.posts[row]), i * dimensions);
  }
  return {
    dense: { values: dense, shape: [n, denseWidth] },
    user: { values: user, shape: [n, dimensions] },
    post: { values: post, shape: [n, dimensions] },
    mean: { values: dlrm.mean, shape: [1, denseWidth] },
    deviation: { values: dlrm.deviation, shape: [1, denseWidth] },
    logWeights: {
      values: Float32Array.from(batch, (row) => Math.log(Math.max(examples.weights[row], 1e-30))),
      shape: [requests.length, examples.rows, 1],
    },
    distinct: distinctDots(),
    recencyBaseline: recencyBaselineMatrix(),
  };
}

/** Everything the network reads. */
export function inputsOf(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  postVectors: Float32Array,
): Record<string, Matrix> {
  return {
    ...constants(dlrm, examples, requests, postVectors),
    ...lookUps(dlrm, examples, examples.rowsOf(requests)),
    ...dlrm.dense.matrices(),
  };
}

/** The looked-up rows of the categories: embeddings [N, C, 32] and wide [N, C, 3]. */
export function lookUps(dlrm: Dlrm, examples: RankingExamples, batch: Uint32Array): Record<string, Matrix> {
  const width = categories.length;
  const gather = (table: EmbeddingTable): Matrix => {
    const values = new Float32Array(batch.length * width * table.width);
    for (const [i, row] of batch.entries()) {
      for (let c = 0; c < width; c++) {
        table.addRow(examples.categories[row * width + c], 1, values, (i * width + c) * table.width);
      }
    }
    return { values, shape: [batch.length, width, table.width] };
  };
  return { embeddings: gather(dlrm.embeddings), wide: gather(dlrm.wide) };
}

/** Labels [requests · rows, 3], what the user did with the positive and 0 for the negatives, and the rows' weights. */
export function targetsOf(examples: RankingExamples, requests: Uint32Array): Record<string, Matrix> {
  const { rows } = examples;
  const labels = new Float32Array(requests.length * rows * heads);
  const weights = new Float32Array(requests.length * rows);
  for (const [i, request] of requests.entries()) {
    for (let head = 0; head < heads; head++) labels[i * rows * heads + head] = examples.label(request, head);
    weights.set(examples.weights.subarray(examples.rowOf(request), examples.rowOf(request + 1)), i * rows);
  }
  return {
    labels: { values: labels, shape: [requests.length * rows, heads] },
    weights: { values: weights, shape: [requests.length * rows] },
  };
}

export interface MaskOptions extends HiddenWidths {
  dropout: number;
  dotDropout: number;
}

/**
 * What each request leaves out of the hidden layers and of the dots, [requests, 1, width]: 0, or 1 / (1 − dropout). All
 * rows of a request lose the same, so that the request is ranked by one network; it also takes a hundredth of the draws.
 */
export function masks(requests: number, options: MaskOptions, random: Random): Record<string, Matrix> {
  const { dropout, dotDropout } = options;
  const mask = (width: number, rate: number): Matrix => ({
    values: Float32Array.from({ length: requests * width }, () => (random.uniform() < rate ? 0 : 1 / (1 - rate))),
    shape: [requests, 1, width],
  });
  return Object.fromEntries(
    Object.entries(maskWidths(options)).map(([name, width]) => [
      name,
      mask(width, name === "mask/dots" ? dotDropout : dropout),
    ]),
  );
}
