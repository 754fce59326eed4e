/** What a batch of requests is to the network: plain arrays by the names that dlrmLogits and the loss read. */
import { categories } from "../../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { vectorMatchInputs } from "../../../supabase/functions/_shared/features/vector-match.ts";
import type { Matrix } from "../nn/dense.ts";
import type { EmbeddingTable } from "../nn/embedding-table.ts";
import type { Random } from "../nn/random.ts";
import { vectorAt } from "../nn/vector-at.ts";
import { denseWidth, isNewUser, popularityColumn, recencyBaselineMatrix } from "./dense-features.ts";
import type { Dlrm } from "./model.ts";
import { distinctDots, type HiddenWidths, listWeights, maskWidths } from "./network.ts";
import type { RankingExamples } from "./ranking-examples.ts";

/** What of a batch is not learned: features, vectors, standardisation, the rows' weights. */
export function constants(dlrm: Dlrm, examples: RankingExamples, requests: Uint32Array): Record<string, Matrix> {
  const batch = examples.rowsOf(requests);
  const n = batch.length;
  const dense = new Float32Array(n * denseWidth);
  const user = new Float32Array(n * dimensions);
  const post = new Float32Array(n * dimensions);
  for (const [i, row] of batch.entries()) {
    const request = Math.floor(row / examples.rows);
    dense.set(examples.dense.subarray(row * denseWidth, (row + 1) * denseWidth), i * denseWidth);
    user.set(vectorAt(examples.users, request), i * dimensions);
    post.set(vectorAt(examples.postVectors, row), i * dimensions);
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
    logPositions: {
      values: Float32Array.from(batch, (row) => examples.logPositions[row]),
      shape: [n, 1],
    },
    // training leaves it at 1
    ...(dlrm.newUserStrength < 1 && ofNewUsers(dlrm, dense)),
    ...(examples.vectorMatches.length > 0 && { vector_match: matchesOf(examples, batch) }),
    distinct: distinctDots(),
    recencyBaseline: recencyBaselineMatrix(),
  };
}

function matchesOf({ vectorMatches }: RankingExamples, batch: Uint32Array): Matrix {
  const values = Float32Array.from(
    { length: batch.length * vectorMatchInputs },
    (_, i) => vectorMatches[batch[Math.floor(i / vectorMatchInputs)] * vectorMatchInputs + (i % vectorMatchInputs)],
  );
  return { values, shape: [batch.length, vectorMatchInputs] };
}

/** What counts of the ranker's own word in each row of dense features, and what the rows of new people have of popularity instead. */
function ofNewUsers({ heads, newUserStrength, newUserPopularity }: Dlrm, dense: Float32Array): Record<string, Matrix> {
  const n = dense.length / denseWidth;
  const strengths = Float32Array.from({ length: n }, (_, row) =>
    isNewUser(dense, row * denseWidth) ? newUserStrength : 1,
  );
  const ofCounts = { strengths: { values: strengths, shape: [n, 1] } };
  if (newUserPopularity === 0) return ofCounts;
  const weights = listWeights(heads, newUserPopularity);
  const values = Float32Array.from({ length: n * heads.length }, (_, i) => {
    const row = Math.floor(i / heads.length);
    return (1 - strengths[row]) * weights[i % heads.length] * dense[row * denseWidth + popularityColumn];
  });
  return { ...ofCounts, popularity: { values, shape: [n, heads.length] } };
}

/** Everything the network reads. */
export function inputsOf(dlrm: Dlrm, examples: RankingExamples, requests: Uint32Array): Record<string, Matrix> {
  return {
    ...constants(dlrm, examples, requests),
    ...lookUps(dlrm, examples, examples.rowsOf(requests)),
    ...dlrm.dense.matrices(),
  };
}

/** The looked-up rows of the categories: embeddings [N, C, 32] and wide [N, C, H]. */
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

/**
 * Labels [requests · rows, H] of the user's actions; gains [requests · rows], each row's share of a request's reward; weights [requests ·
 * rows]. With optional heads also known labels [requests · rows, H], and requests with a positive [requests]: without them all.
 */
export function targetsOf(
  examples: RankingExamples,
  requests: Uint32Array,
  scoreWeights: number[],
): Record<string, Matrix> {
  const { rows } = examples;
  const heads = examples.heads.length;
  const n = requests.length * rows;
  const labels = new Float32Array(n * heads);
  const gains = new Float32Array(n);
  const weights = new Float32Array(n);
  for (const [i, request] of requests.entries()) {
    for (let j = 0; j < rows; j++)
      for (let head = 0; head < heads; head++)
        labels[(i * rows + j) * heads + head] = examples.label(examples.rowOf(request, j), head);
    examples.gains(request, scoreWeights, gains.subarray(i * rows, (i + 1) * rows));
    weights.set(examples.lossWeights.subarray(examples.rowOf(request), examples.rowOf(request + 1)), i * rows);
  }
  return {
    labels: { values: labels, shape: [n, heads] },
    gains: { values: gains, shape: [n] },
    weights: { values: weights, shape: [n] },
    ...(heads > kinds.length && ofOptionalHeads(examples, requests)),
  };
}

function ofOptionalHeads(examples: RankingExamples, requests: Uint32Array): Record<string, Matrix> {
  const heads = examples.heads.length;
  const rows = examples.rowsOf(requests);
  const known = Float32Array.from({ length: rows.length * heads }, (_, i) =>
    examples.isKnown(rows[Math.floor(i / heads)], i % heads) ? 1 : 0,
  );
  return {
    known: { values: known, shape: [rows.length, heads] },
    cameTo: { values: Float32Array.from(requests, (request) => examples.found[request]), shape: [requests.length] },
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
