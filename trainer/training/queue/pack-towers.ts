/** Trained towers as plain arrays, with the optimiser's moments: fine-tuning continues from these as if nothing had happened. */
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import type { Community } from "../../data/replay/community.ts";
import type { Weights } from "../../models/nn/adam.ts";
import { DenseWeights } from "../../models/nn/dense.ts";
import { EmbeddingTable } from "../../models/nn/embedding-table.ts";
import type { TowerData } from "../../models/towers/model.ts";
import type { TrainedTowers } from "../../models/towers/train.ts";

type Moments = Pick<Weights, "values" | "mean" | "square">;

export interface PackedTowers {
  tokens: Moments;
  /** By id: numbers change when users come and go. */
  users: { ids: string[]; weights: Moments };
  posts: { ids: string[]; weights: Moments };
  dense: { name: string; shape: number[]; weights: Moments }[];
  losses: number[];
  examples: number;
  steps: number;
}

export function packTowers(
  { towers, losses, examples, steps }: TrainedTowers,
  { users, posts }: Community,
): PackedTowers {
  return {
    tokens: momentsOf(towers.tokens.weights),
    users: { ids: users.ids, weights: momentsOf(towers.userIdEmbeddings.weights) },
    posts: { ids: posts.ids, weights: momentsOf(towers.postIdEmbeddings.weights) },
    dense: towers.dense.entries().map(([name, { shape, weights }]) => ({ name, shape, weights: momentsOf(weights) })),
    ...{ losses, examples, steps },
  };
}

/** In the numbers of the community as it is now. */
export function unpackTowers(
  { tokens, users, posts, dense, losses, examples, steps }: PackedTowers,
  community: Community,
  data: TowerData,
): TrainedTowers {
  const table = new EmbeddingTable(tokens.values.length / dimensions, dimensions);
  copy(tokens, table.weights);
  const weights = new DenseWeights();
  for (const { name, shape } of dense) weights.add(name, shape);
  for (const [i, [, entry]] of weights.entries().entries()) copy(dense[i].weights, entry.weights);
  const towers = {
    tokens: table,
    userIdEmbeddings: byId(users, community.users.ids),
    postIdEmbeddings: byId(posts, community.posts.ids),
    dense: weights,
  };
  return { towers, data, losses, examples, steps };
}

function momentsOf({ values, mean, square }: Weights): Moments {
  return { values, mean, square };
}

function copy(from: Moments, to: Weights, offset = 0): void {
  to.values.set(from.values, offset);
  to.mean.set(from.mean, offset);
  to.square.set(from.square, offset);
}

function byId({ ids, weights }: PackedTowers["users"], now: string[]): EmbeddingTable {
  const table = new EmbeddingTable(now.length, dimensions);
  const rows = new Map(ids.map((id, i) => [id, i * dimensions]));
  for (const [i, id] of now.entries()) {
    const start = rows.get(id);
    if (start === undefined) continue;
    const row = (values: Float32Array) => values.subarray(start, start + dimensions);
    copy(
      { values: row(weights.values), mean: row(weights.mean), square: row(weights.square) },
      table.weights,
      i * dimensions,
    );
  }
  return table;
}
