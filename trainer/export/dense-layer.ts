import type { DenseWeights } from "../engine/dense.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";

/** A layer of a model in its graph, under the names its weights have in training: read-weights.ts finds them by these. */
export function denseLayer(g: GraphBuilder, weights: DenseWeights, name: string, x: string): string {
  return g.dense(x, weights.values(`${name}/weight`), weights.values(`${name}/bias`), name);
}
