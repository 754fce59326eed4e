/** Runs a model's graphs and reports their failures with the model's name. */
import type { Feeds, Tensor } from "../features/tensors.ts";
import type { GraphName } from "./contracts.ts";
import { modelCorruptError, type ServingModel } from "./models.ts";

/** A model's graph, and the model's name for errors. */
export type WithGraph<Graph extends GraphName> = Pick<ServingModel<Graph>, "name" | "graphs">;

/** Runs a graph and returns its outputs. Throws AppError if it fails. */
export async function runGraph<Graph extends GraphName>(
  model: WithGraph<Graph>,
  graph: Graph,
  feeds: Feeds,
): Promise<Record<string, Tensor | undefined>> {
  return await model.graphs[graph].run(feeds).catch((error) => {
    throw modelCorruptError(model, graph, "fails to run", error);
  });
}

/** The numbers of an output, of length `size`. Throws AppError if it has another type or length. */
export function numbersOf<Graph extends GraphName>(
  model: WithGraph<Graph>,
  graph: Graph,
  output: Tensor | undefined,
  size: number,
): Float32Array {
  const data = output?.data;
  if (!(data instanceof Float32Array) || data.length !== size)
    throw modelCorruptError(model, graph, `does not give ${size} numbers`);
  return data;
}
