/** The graphs that are served, with random weights, and feeds for any number of rows: for tests and benchmarks. */
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { type Feeds, float32, int64, type Tensor } from "../../supabase/functions/_shared/features/tensors.ts";
import { tokenRows } from "../../supabase/functions/_shared/features/tokens.ts";
import { type Contract, contracts, type GraphName } from "../../supabase/functions/_shared/models/contracts.ts";
import { dlrmGraph } from "../../trainer/artifacts/onnx/dlrm.ts";
import { postTowerGraph, userTowerGraph } from "../../trainer/artifacts/onnx/towers.ts";
import type { DenseWeights } from "../../trainer/models/nn/dense.ts";
import { EmbeddingTable } from "../../trainer/models/nn/embedding-table.ts";
import { Random } from "../../trainer/models/nn/random.ts";
import { newDlrm } from "../../trainer/models/ranker/model.ts";
import { randomExamples, testOptions } from "../../trainer/models/ranker/testing.ts";
import { towerDefaults } from "../../trainer/models/towers/hyperparameters.ts";
import { newTowerWeights } from "../../trainer/models/towers/network.ts";

/** A graph with random weights. */
export interface RandomModel {
  bytes: Uint8Array;
  /** Random feeds of `count` rows, or of candidates. */
  feeds(count: number): Feeds;
  output: string;
}

/** One of the three graphs; no layer of it is 0, so that each input counts. */
export function randomModel(name: GraphName, seed: number): RandomModel {
  const random = new Random(seed);
  const bytes = name === "dlrm" ? randomDlrm(random) : randomTower(name, random);
  const contract: Contract = contracts[name];
  return {
    bytes,
    output: Object.keys(contract.outputs)[0],
    feeds: (count) =>
      Object.fromEntries(
        Object.entries(contract.inputs).map(([input, { dims }]) => {
          const shape = dims.map((dim) => (typeof dim === "number" ? dim : count));
          return [input, randomFeed(random, input, shape)];
        }),
      ),
  };
}

function randomDlrm(random: Random): Uint8Array {
  const examples = randomExamples(random, 20, 30);
  const dlrm = newDlrm(examples, Uint32Array.from(examples.requests.keys()), testOptions, random);
  shake(dlrm.dense, random);
  for (const table of [dlrm.embeddings, dlrm.wide]) add(table.weights.values, random, 0.3);
  add(dlrm.calibration.scale, random, 0.1);
  add(dlrm.calibration.shift, random, 0.1);
  return dlrmGraph(dlrm);
}

function randomTower(name: "user_tower" | "post_tower", random: Random): Uint8Array {
  const tokens = new EmbeddingTable(tokenRows, dimensions, normals(random, tokenRows * dimensions, 0.3));
  const none = new EmbeddingTable(1, dimensions, new Float32Array(dimensions));
  const dense = newTowerWeights(towerDefaults, random);
  shake(dense, random);
  const towers = { tokens, dense, userIdEmbeddings: none, postIdEmbeddings: none };
  return name === "user_tower" ? userTowerGraph(towers) : postTowerGraph(towers);
}

/** Moves every weight off where training starts it. */
function shake(weights: DenseWeights, random: Random): void {
  for (const name of Object.keys(weights.matrices())) add(weights.values(name), random, 0.1);
}

function randomFeed(random: Random, input: string, dims: number[]): Tensor {
  const size = dims.reduce((product, dim) => product * dim, 1);
  // those of the request are alike in all rows
  if (input === "categories") return int64(randomExamples(random, 1, dims[0]).categories, dims);
  if (input === "token_ids")
    return int64(
      Int32Array.from({ length: size }, () => random.below(tokenRows)),
      dims,
    );
  // a vector has about unit length; features are what log(1 + count) gives
  const isVector = dims[1] === dimensions;
  return float32(
    isVector ? normals(random, size, 1 / Math.sqrt(dimensions)) : normals(random, size).map((x) => x + 2),
    dims,
  );
}

function normals(random: Random, count: number, deviation = 1): Float32Array {
  return Float32Array.from({ length: count }, () => deviation * random.normal());
}

function add(to: Float32Array, random: Random, deviation: number): void {
  for (let i = 0; i < to.length; i++) to[i] += deviation * random.normal();
}
