/** The weights of both networks by name: what an export gives another trainer to start from, and what it must give back. */

import { UserError } from "../../db/user-error.ts";
import { categoryRows } from "../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import type { Head } from "../../supabase/functions/_shared/features/kinds.ts";
import { blankDlrm } from "../artifacts/onnx/read-weights.ts";
import type { Matrix } from "../models/nn/dense.ts";
import { EmbeddingTable } from "../models/nn/embedding-table.ts";
import { Random } from "../models/nn/random.ts";
import { denseWidth } from "../models/ranker/dense-features.ts";
import type { Dlrm } from "../models/ranker/model.ts";
import type { HiddenWidths } from "../models/ranker/network.ts";
import type { Towers } from "../models/towers/model.ts";
import { newTowerWeights, type VectorsRead } from "../models/towers/network.ts";

type Weights = Record<string, Matrix>;

/** The towers' weights: those of their dense layers, and the three tables. They share their numbers with the towers. */
export function weightsOfTowers(towers: Towers): Weights {
  return {
    ...towers.dense.matrices(),
    tokens: tableMatrix(towers.tokens),
    user_id_embeddings: tableMatrix(towers.userIdEmbeddings),
    post_id_embeddings: tableMatrix(towers.postIdEmbeddings),
  };
}

/** The ranker's weights, and the standardisation of its dense features. They share their numbers with the ranker. */
export function weightsOfDlrm(dlrm: Dlrm): Weights {
  return {
    ...dlrm.dense.matrices(),
    embeddings: { values: dlrm.embeddings.weights.values, shape: [categoryRows, dimensions] },
    wide: { values: dlrm.wide.weights.values, shape: [categoryRows, dlrm.heads.length] },
    mean: { values: dlrm.mean, shape: [denseWidth] },
    deviation: { values: dlrm.deviation, shape: [denseWidth] },
  };
}

/** The shape of each weight by its name: the contract of what comes back. */
export function shapesOf(weights: Weights): Record<string, number[]> {
  return Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
}

/** Throws a `UserError` that names the first weight which is missing, unknown, of another shape, or no finite number. */
export function assertWeights(found: Weights, shapes: Record<string, number[]>, path: string): void {
  const missing = Object.keys(shapes).find((name) => !found[name]);
  if (missing) throw new UserError(`${path} has no weights named ${missing}: train with this version's cluster/`);
  for (const [name, { shape, values }] of Object.entries(found)) {
    const wanted = shapes[name];
    if (!wanted) throw new UserError(`${path} has weights named ${name}, which no network of this version has`);
    if (shape.join() !== wanted.join())
      throw new UserError(`${path} has ${name} of shape [${shape.join(", ")}], not [${wanted.join(", ")}]`);
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0)
      throw new UserError(`${path} has ${values[wrong]} in ${name}: the training diverged; try a lower learning rate`);
  }
}

/** Towers of some weights; throws a `UserError` where these are not those of a vocabulary and some hyperparameters. */
export function towersOfWeights(
  found: Weights,
  { tokens, users, posts }: { tokens: number; users: number; posts: number },
  options: Parameters<typeof newTowerWeights>[0] & { reads: VectorsRead },
  path: string,
): Towers {
  const table = (rows: number) => new EmbeddingTable(rows, dimensions);
  const towers = {
    tokens: table(tokens),
    userIdEmbeddings: table(users),
    postIdEmbeddings: table(posts),
    dense: newTowerWeights(options, new Random(1), options.reads),
  };
  fillFrom(weightsOfTowers(towers), found, path);
  return towers;
}

/** The ranker of some weights, not calibrated yet; throws a `UserError` where these are not those of its heads and some hyperparameters. */
export function dlrmOfWeights(
  found: Weights,
  heads: readonly Head[],
  options: HiddenWidths & { hasVectors: boolean },
  path: string,
): Dlrm {
  const dlrm = blankDlrm(heads, options, options.hasVectors);
  fillFrom(weightsOfDlrm(dlrm), found, path);
  return dlrm;
}

function fillFrom(weights: Weights, found: Weights, path: string): void {
  assertWeights(found, shapesOf(weights), path);
  for (const [name, { values }] of Object.entries(weights)) values.set(found[name].values);
}

function tableMatrix({ rows, width, weights }: EmbeddingTable): Matrix {
  return { values: weights.values, shape: [rows, width] };
}
