/** A model's graph at work: what it fails at is the model's fault, and is said by its name. */
import type { Feeds, Tensor } from "../features/tensors.ts";
import type { GraphName } from "./contracts.ts";
import { modelCorruptError, type ServingModel } from "./models.ts";

/** A model's graph, and the name that errors give the model. */
export type WithGraph<Graph extends GraphName> = Pick<ServingModel<Graph>, "name" | "graphs">;

/** What a graph gives. Throws AppError where it fails to run. */
export async function runGraph<Graph extends GraphName>(
  model: WithGraph<Graph>,
  graph: Graph,
  feeds: Feeds,
): Promise<Record<string, Tensor | undefined>> {
  return await model.graphs[graph].run(feeds).catch((error) => {
    throw modelCorruptError(model, graph, "fails to run", error);
  });
}

/** The numbers of an output, of which there are `size`. Throws AppError where they are others. */
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
