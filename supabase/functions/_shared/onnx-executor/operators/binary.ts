import { type BooleanTensor, describe, like, sizeOf, type Value } from "../tensor.ts";
import { broadcastDims, broadcastPlaces } from "./broadcast.ts";
import { type Operator, required } from "./operator.ts";

/** Operators of two inputs of one type, broadcast over each other. */
export const binary: Record<string, Operator> = {
  Add: arithmetic(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  Sub: arithmetic(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  Mul: arithmetic(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  Div: arithmetic(
    (a, b) => a / b,
    (a, b) => a / b,
  ),
  Max: folded(arithmetic(Math.max, (a, b) => (a - b > 0n ? a : b))),
  Min: folded(arithmetic(Math.min, (a, b) => (a - b < 0n ? a : b))),
  Equal: comparison((a, b) => a === b),
  Greater: comparison((a, b) => a > b),
  Less: comparison((a, b) => a < b),
};

function arithmetic(floats: (a: number, b: number) => number, integers: (a: bigint, b: bigint) => bigint): Operator {
  const floatLoop = loopOf<number>(floats);
  const integerLoop = loopOf<bigint>(integers);
  return (inputs) => {
    const [a, b] = pair(inputs);
    const dims = broadcastDims(a.dims, b.dims);
    const output = like(a, dims);
    if (a.type === "float32")
      floatLoop(a.data, a.dims, b.data as Float32Array, b.dims, output.data as Float32Array, dims);
    else if (a.type === "int64") {
      integerLoop(a.data, a.dims, b.data as BigInt64Array, b.dims, output.data as BigInt64Array, dims);
    } else throw new Error(`cannot calculate with ${describe(a)}`);
    return output;
  };
}

function comparison(holds: (a: number | bigint, b: number | bigint) => boolean): Operator {
  const loop = loopOf<number | bigint>((a, b) => (holds(a, b) ? 1 : 0));
  return (inputs) => {
    const [a, b] = pair(inputs);
    const dims = broadcastDims(a.dims, b.dims);
    const output: BooleanTensor = { type: "bool", dims, data: new Uint8Array(sizeOf(dims)) };
    loop(a.data, a.dims, b.data, b.dims, output.data, dims);
    return output;
  };
}

function folded(operator: Operator): Operator {
  return (inputs, attributes) => {
    let result = required(inputs, 0);
    for (let place = 1; place < inputs.length; place++) result = operator([result, inputs[place]], attributes);
    return result;
  };
}

function pair(inputs: (Value | undefined)[]): [Value, Value] {
  const [a, b] = [required(inputs, 0), required(inputs, 1)];
  if (a.type !== b.type) throw new Error(`its inputs are of two types, ${describe(a)} and ${describe(b)}`);
  return [a, b];
}

type Elements<T> = { length: number; [index: number]: T };

/** The common cases, same shape and a scalar or row against a matrix, need no table of places. */
function loopOf<T>(compute: (a: T, b: T) => T) {
  return (a: Elements<T>, aDims: number[], b: Elements<T>, bDims: number[], to: Elements<T>, dims: number[]): void => {
    if (a.length === to.length && isSuffix(bDims, dims)) {
      const period = b.length;
      for (let start = 0; start < to.length; start += period) {
        for (let index = 0; index < period; index++) to[start + index] = compute(a[start + index], b[index]);
      }
      return;
    }
    const aPlaces = broadcastPlaces(aDims, dims);
    const bPlaces = broadcastPlaces(bDims, dims);
    for (let index = 0; index < to.length; index++) to[index] = compute(a[aPlaces[index]], b[bPlaces[index]]);
  };
}

/** Whether `dims`, leading ones aside, are the last of `of`, so that the data repeats as a block. */
function isSuffix(dims: number[], of: number[]): boolean {
  let first = 0;
  while (dims[first] === 1) first++;
  const offset = of.length - dims.length;
  for (let axis = first; axis < dims.length; axis++) if (dims[axis] !== of[offset + axis]) return false;
  return true;
}

/** Where: the second input where the first holds, else the third, all broadcast over each other. */
export const where: Operator = (inputs) => {
  const condition = required(inputs, 0);
  if (condition.type !== "bool") throw new Error(`its condition must be bool, not ${describe(condition)}`);
  const [yes, no] = pair(inputs.slice(1));
  const dims = broadcastDims(condition.dims, yes.dims, no.dims);
  const output = like(yes, dims);
  const places = [condition, yes, no].map((value) => broadcastPlaces(value.dims, dims));
  for (let index = 0; index < output.data.length; index++) {
    output.data[index] = condition.data[places[0][index]] ? yes.data[places[1][index]] : no.data[places[2][index]];
  }
  return output;
};
