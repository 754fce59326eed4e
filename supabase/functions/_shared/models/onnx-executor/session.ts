import { checkFeeds } from "./feeds.ts";
import { type Model, type Node, readModel } from "./model.ts";
import { operators } from "./operators/index.ts";
import type { Operator } from "./operators/operator.ts";
import type { Tensor, Value } from "./tensor.ts";

export type { Tensor } from "./tensor.ts";

/**
 * A graph that is ready to run; the shape that all three ONNX runtimes are brought to. Never run it with N = 0: the
 * platform's runtime returns nothing then.
 */
export interface InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Takes one tensor for each input name, gives one for each output name. Rejects with a one-line error on wrong feeds. */
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
}

interface Step {
  operator: Operator;
  node: Node;
  /** Names that no later step reads: dropped, so that memory holds only what is in use. */
  done: string[];
}

/**
 * Loads an ONNX graph to be run in plain TypeScript, for runtimes that have no native ONNX.
 * Rejects with a one-line error when the bytes are not a whole ONNX file or use what the executor does not know.
 */
export async function createSession(bytes: Uint8Array): Promise<InferenceSession> {
  const model = readModel(bytes);
  const steps = foldConstants(model, plan(model));
  return {
    inputNames: model.inputs.map((input) => input.name),
    outputNames: model.outputs.map((output) => output.name),
    run: async (feeds) => run(model, steps, feeds),
  };
}

function plan(model: Model): Step[] {
  // Before 13 the axes of Squeeze and its like were attributes; after 18 is untested.
  if (model.opset < 13 || model.opset > 18) throw new Error(`the executor runs opset 13 to 18, not ${model.opset}`);
  const known = new Set([...model.initialisers.keys(), ...model.inputs.map((input) => input.name)]);
  const steps = model.nodes.map((node): Step => {
    const operator = operators.get(node.operator);
    if (!operator) throw new Error(`the executor has no operator ${node.operator}`);
    if (node.outputs.length !== 1) throw new Error(`${node.operator} with ${node.outputs.length} outputs, not 1`);
    const missing = node.inputs.find((name) => name !== "" && !known.has(name));
    if (missing) throw new Error(`${node.operator} ${node.outputs[0]} reads ${missing}, which nothing before it gives`);
    known.add(node.outputs[0]);
    return { operator, node, done: [] };
  });
  for (const { name } of model.outputs) if (!known.has(name)) throw new Error(`nothing gives the output ${name}`);
  const read = new Set([...model.initialisers.keys(), ...model.outputs.map((output) => output.name)]);
  for (const step of steps.toReversed()) {
    for (const name of step.node.inputs) {
      if (name !== "" && !read.has(name)) step.done.push(name);
      read.add(name);
    }
  }
  return steps;
}

/** Runs the steps that read constants alone, once for all; their results become constants. Returns the other steps. */
function foldConstants(model: Model, steps: Step[]): Step[] {
  return steps.filter(({ operator, node }) => {
    if (!node.inputs.every((name) => name === "" || model.initialisers.has(name))) return true;
    model.initialisers.set(node.outputs[0], apply(operator, node, model.initialisers));
    return false;
  });
}

function run(model: Model, steps: Step[], feeds: Record<string, Tensor>): Record<string, Tensor> {
  checkFeeds(model.inputs, feeds);
  const values = new Map<string, Value>(model.initialisers);
  for (const { name } of model.inputs) values.set(name, feeds[name]);
  for (const { operator, node, done } of steps) {
    values.set(node.outputs[0], apply(operator, node, values));
    for (const name of done) values.delete(name);
  }
  return Object.fromEntries(model.outputs.map(({ name }) => [name, toTensor(name, values.get(name))]));
}

function apply(operator: Operator, node: Node, values: Map<string, Value>): Value {
  try {
    return operator(
      node.inputs.map((name) => values.get(name)),
      node.attributes,
    );
  } catch (error) {
    throw new Error(`${node.operator} ${node.outputs[0]}: ${(error as Error).message}`, { cause: error });
  }
}

function toTensor(name: string, value: Value | undefined): Tensor {
  if (!value || value.type === "bool") throw new Error(`output ${name} is bool, not float32 or int64`);
  return value;
}
