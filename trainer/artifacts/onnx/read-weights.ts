/** From graphs back to weights: what towers.ts and dlrm.ts wrote, to fine-tune a published model. */
import onnxProto from "onnx-proto";
import { categoryRows } from "../../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { type Head, kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { userFeatures } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import type { DenseWeights } from "../../models/nn/dense.ts";
import { EmbeddingTable } from "../../models/nn/embedding-table.ts";
import { Random } from "../../models/nn/random.ts";
import { boostWidth } from "../../models/ranker/boost.ts";
import { denseWidth } from "../../models/ranker/dense-features.ts";
import type { Dlrm } from "../../models/ranker/model.ts";
import { type HiddenWidths, newDlrmWeights } from "../../models/ranker/network.ts";
import { startColumns } from "../../models/ranker/wide-prior.ts";
import type { Towers } from "../../models/towers/model.ts";
import { newTowerWeights, vectorsRead } from "../../models/towers/network.ts";
import { type Config, defaultConfig } from "../../training/config/config.ts";

const { ModelProto, TensorProto } = onnxProto.onnx;

/** The towers of two graphs, but for the ID embeddings, which are not in them. Throws where a weight is missing or of another size than the config's. */
export function towersOf(
  userTower: Uint8Array,
  postTower: Uint8Array,
  { towers }: Config = defaultConfig,
): Pick<Towers, "tokens" | "dense"> {
  const stored = new Map([...weightsOf(postTower), ...weightsOf(userTower)]);
  const dense = newTowerWeights(towers, new Random(1), vectorsRead([...stored.keys()]));
  fill(dense, stored);
  const tokens = take(stored, "tokens", towers.tokenRows * dimensions);
  return { tokens: new EmbeddingTable(towers.tokenRows, dimensions, tokens), dense };
}

/** The ranker of a graph, which has these heads. Throws where a weight is missing or of another size than the config's. */
export function dlrmOf(graph: Uint8Array, names: readonly Head[] = kinds, { ranker }: Config = defaultConfig): Dlrm {
  const stored = weightsOf(graph);
  const dlrm = blankDlrm(names, ranker, stored.has("wide/vector_match"));
  fill(dlrm.dense, stored);
  const { embeddings, wide, mean, deviation } = dlrm;
  const tables = { embeddings: embeddings.weights.values, wide: wide.weights.values, mean, deviation };
  for (const [name, values] of Object.entries(tables)) values.set(take(stored, name, values.length));
  return {
    ...dlrm,
    boost: boostOf(stored),
    newUserStrength: take(stored, "new_user_strength", 1)[0],
    // the heads of dismissals and the like, which it is nothing to, are the last
    newUserPopularity: stored.get("new_user_popularity")?.[0] ?? 0,
    calibration: {
      scale: take(stored, "calibration/scale", names.length),
      shift: take(stored, "calibration/shift", names.length),
    },
  };
}

/** A ranker with these heads whose weights are still to be filled in. */
export function blankDlrm(names: readonly Head[], widths: HiddenWidths, readsVectors: boolean): Dlrm {
  const heads = names.length;
  const nothing = { recencyBaseline: 0, wide: startColumns.map(() => 0), bias: new Float32Array(heads) };
  const baseRate = { dense: new Float32Array(userFeatures.length * heads), bias: new Float32Array(heads) };
  return {
    heads: names,
    dense: newDlrmWeights(names, widths, { ...nothing, baseRate }, new Random(1), readsVectors),
    embeddings: new EmbeddingTable(categoryRows, dimensions),
    wide: new EmbeddingTable(categoryRows, heads),
    mean: new Float32Array(denseWidth),
    deviation: new Float32Array(denseWidth),
    newUserStrength: 1,
    newUserPopularity: 0,
    calibration: { scale: new Float32Array(heads).fill(1), shift: new Float32Array(heads) },
  };
}

/** The numbers stored in a graph, by name. */
function weightsOf(graph: Uint8Array): Map<string, Float32Array> {
  const initialisers = ModelProto.decode(graph).graph?.initializer ?? [];
  return new Map(
    initialisers
      .filter(({ dataType }) => dataType === TensorProto.DataType.FLOAT)
      // a copy, because the bytes need not lie at a multiple of four
      .map(({ name, rawData }) => [name ?? "", new Float32Array(Uint8Array.from(rawData ?? []).buffer)]),
  );
}

/** undefined where the graph has none. */
function boostOf(stored: Map<string, Float32Array>): Float32Array | undefined {
  if (!stored.has("boost/post")) return undefined;
  const parts = { post: dimensions, dense: boostWidth - dimensions };
  return Float32Array.from(
    Object.entries(parts).flatMap(([name, length]) => [...take(stored, `boost/${name}`, length)]),
  );
}

function fill(dense: DenseWeights, stored: Map<string, Float32Array>): void {
  for (const [name, { values }] of Object.entries(dense.matrices())) values.set(take(stored, name, values.length));
}

function take(stored: Map<string, Float32Array>, name: string, length: number): Float32Array {
  const values = stored.get(name);
  if (values?.length !== length)
    throw new Error(
      `the graph has ${values ? `${values.length} numbers` : "nothing"} for ${name}, not ${length} numbers`,
    );
  return values;
}
