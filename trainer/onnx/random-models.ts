import type { Tensor } from "../../supabase/functions/_shared/models/onnx-executor/tensor.ts";
import { Random } from "../engine/random.ts";
import { GraphBuilder } from "./graph-builder.ts";

/** A graph with random weights and the size of a real one, and feeds for any number of rows: for tests and benchmarks. */
export interface RandomModel {
  bytes: Uint8Array;
  feeds(count: number): Record<string, Tensor>;
  output: string;
}

const d = 32;

/** A tower: text in fields of hashed tokens, numbers, a hidden layer, unit-length output [N, 32]. */
export function randomTower(seed: number, rows = 20_000): RandomModel {
  const random = new Random(seed);
  const fields = [16, 48];
  const tokens = 64;
  const numbers = 6;
  const g = new GraphBuilder("tower");
  const ids = g.input("token_ids", "int64", ["N", tokens]);
  const weights = g.input("token_weights", "float32", ["N", tokens]);
  const x = g.input("numbers", "float32", ["N", numbers]);
  const table = g.weights(normals(random, rows * d), [rows, d], "token_table");
  const text = g.fieldBags(table, ids, weights, fields);
  const scaled = g.standardise(x, normals(random, numbers), positives(random, numbers));
  const hidden = g.relu(layer(g, random, g.concat([text, scaled], 1), 64));
  g.output("embedding", g.l2Normalise(layer(g, random, hidden, d)), ["N", d]);
  return {
    bytes: g.build(),
    output: "embedding",
    feeds: (count) => ({
      token_ids: int64(random, rows, [count, tokens]),
      token_weights: float32(positives(random, count * tokens), [count, tokens]),
      numbers: float32(normals(random, count * numbers, 8), [count, numbers]),
    }),
  };
}

/** A DLRM: bottom 64-32, two tower vectors and `categories` embeddings as slots, pairwise dots, top 128-64, three heads. */
export function randomDlrm(seed: number, categories = 8): RandomModel {
  const random = new Random(seed);
  const rows = 1000;
  const sizes = { user_features: 8, post_features: 16, pair_features: 16 };
  const width = 40;
  const g = new GraphBuilder("dlrm");
  const posts = g.input("posts", "float32", ["N", d]);
  const user = g.expand(g.input("user", "float32", [1, d]), posts);
  const post = g.input("post_features", "float32", ["N", sizes.post_features]);
  const one = g.input("user_features", "float32", [1, sizes.user_features]);
  const ids = g.input("categories", "int64", ["N", categories]);
  const pair = g.input("pair_features", "float32", ["N", sizes.pair_features]);
  const users = g.expand(one, g.slice(post, 1, 0, 1));
  const all = g.concat([users, post, pair], 1);
  const dense = g.standardise(all, normals(random, width), positives(random, width));
  const bottom = g.relu(layer(g, random, g.relu(layer(g, random, dense, 64)), d));
  const table = g.weights(normals(random, rows * d), [rows, d], "category_table");
  const slots = g.concat([g.stack([bottom, user, posts]), g.gather(table, ids)], 1);
  const x = g.concat([bottom, g.pairwiseDots(slots)], 1);
  const top = g.relu(layer(g, random, g.relu(layer(g, random, x, 128)), 64));
  const wide = layer(g, random, dense, 3);
  g.output("probabilities", g.sigmoid(g.add(layer(g, random, top, 3), wide)), ["N", 3]);
  return {
    bytes: g.build(),
    output: "probabilities",
    feeds: (count) => ({
      user: float32(normals(random, d, 1 / Math.sqrt(d)), [1, d]),
      posts: float32(normals(random, count * d, 1 / Math.sqrt(d)), [count, d]),
      user_features: float32(normals(random, sizes.user_features), [1, sizes.user_features]),
      post_features: float32(normals(random, count * sizes.post_features), [count, sizes.post_features]),
      pair_features: float32(normals(random, count * sizes.pair_features), [count, sizes.pair_features]),
      categories: int64(random, rows, [count, categories]),
    }),
  };
}

function layer(g: GraphBuilder, random: Random, x: string, out: number): string {
  const width = g.shapeOf(x).at(-1) as number;
  return g.dense(x, normals(random, width * out, 1 / Math.sqrt(width)), normals(random, out, 0.1));
}

function normals(random: Random, count: number, deviation = 1): Float32Array {
  return Float32Array.from({ length: count }, () => deviation * random.normal());
}

function positives(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => 0.5 + random.uniform());
}

function float32(data: Float32Array, dims: number[]): Tensor {
  return { type: "float32", data, dims };
}

function int64(random: Random, below: number, dims: number[]): Tensor {
  const data = BigInt64Array.from({ length: dims[0] * dims[1] }, () => BigInt(random.below(below)));
  return { type: "int64", data, dims };
}
