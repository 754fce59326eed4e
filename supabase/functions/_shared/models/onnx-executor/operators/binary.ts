import {
  type BooleanTensor,
  describe,
  type FloatTensor,
  type IntegerTensor,
  like,
  sizeOf,
  type Value,
} from "../tensor.ts";
import { broadcastDims, broadcastPlaces, repeatsOver } from "./broadcast.ts";
import { type Operator, required } from "./operator.ts";

type Arithmetic = "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min";
type Comparison = "Equal" | "Greater" | "Less";

/** Operators of two inputs of one type, broadcast over each other; Max and Min of any number of them. */
export const binary: Record<string, Operator> = {
  Add: (inputs) => calculate("Add", ...pair(inputs)),
  Sub: (inputs) => calculate("Sub", ...pair(inputs)),
  Mul: (inputs) => calculate("Mul", ...pair(inputs)),
  Div: (inputs) => calculate("Div", ...pair(inputs)),
  Max: (inputs) => fold("Max", inputs),
  Min: (inputs) => fold("Min", inputs),
  Equal: (inputs) => compare("Equal", ...pair(inputs)),
  Greater: (inputs) => compare("Greater", ...pair(inputs)),
  Less: (inputs) => compare("Less", ...pair(inputs)),
};

function calculate(name: Arithmetic, a: Value, b: Value): Value {
  const output = like(a, broadcastDims(a.dims, b.dims));
  if (a.type === "float32") calculateFloats(name, a, b as FloatTensor, output as FloatTensor);
  else if (a.type === "int64") calculateIntegers(name, a, b as IntegerTensor, output as IntegerTensor);
  else throw new Error(`cannot calculate with ${describe(a)}`);
  return output;
}

function fold(name: Arithmetic, inputs: (Value | undefined)[]): Value {
  let result = required(inputs, 0);
  for (let index = 1; index < inputs.length; index++) result = calculate(name, ...pair([result, inputs[index]]));
  return result;
}

function calculateFloats(name: Arithmetic, a: FloatTensor, b: FloatTensor, output: FloatTensor): void {
  const [x, y, to] = [a.data, b.data, output.data];
  if (x.length === to.length && repeatsOver(b.dims, output.dims)) {
    // The common cases, one shape, or a row or scalar against a matrix, need no table of indices.
    for (let start = 0; start < to.length; start += y.length) {
      for (let index = 0; index < y.length; index++) to[start + index] = compute(name, x[start + index], y[index]);
    }
    return;
  }
  const aPlaces = broadcastPlaces(a.dims, output.dims);
  const bPlaces = broadcastPlaces(b.dims, output.dims);
  for (let index = 0; index < to.length; index++) to[index] = compute(name, x[aPlaces[index]], y[bPlaces[index]]);
}

/** Inlined into the loops, which a closure for each operator is not: that costs 5 times as much. */
function compute(name: Arithmetic, x: number, y: number): number {
  switch (name) {
    case "Add":
      return x + y;
    case "Mul":
      return x * y;
    case "Sub":
      return x - y;
    case "Div":
      return x / y;
    case "Max":
      return Math.max(x, y);
    case "Min":
      return Math.min(x, y);
  }
}

const integers: Record<Arithmetic, (x: bigint, y: bigint) => bigint> = {
  Add: (x, y) => x + y,
  Sub: (x, y) => x - y,
  Mul: (x, y) => x * y,
  Div: (x, y) => x / y,
  Max: (x, y) => (x - y > 0n ? x : y),
  Min: (x, y) => (x - y < 0n ? x : y),
};

function calculateIntegers(name: Arithmetic, a: IntegerTensor, b: IntegerTensor, output: IntegerTensor): void {
  const aPlaces = broadcastPlaces(a.dims, output.dims);
  const bPlaces = broadcastPlaces(b.dims, output.dims);
  for (let index = 0; index < output.data.length; index++) {
    output.data[index] = integers[name](a.data[aPlaces[index]], b.data[bPlaces[index]]);
  }
}

const comparisons: Record<Comparison, (x: number | bigint, y: number | bigint) => boolean> = {
  Equal: (x, y) => x === y,
  Greater: (x, y) => x > y,
  Less: (x, y) => x < y,
};

function compare(name: Comparison, a: Value, b: Value): BooleanTensor {
  const dims = broadcastDims(a.dims, b.dims);
  const output: BooleanTensor = { type: "bool", dims, data: new Uint8Array(sizeOf(dims)) };
  const aPlaces = broadcastPlaces(a.dims, dims);
  const bPlaces = broadcastPlaces(b.dims, dims);
  for (let index = 0; index < output.data.length; index++) {
    output.data[index] = comparisons[name](a.data[aPlaces[index]], b.data[bPlaces[index]]) ? 1 : 0;
  }
  return output;
}

function pair(inputs: (Value | undefined)[]): [Value, Value] {
  const [a, b] = [required(inputs, 0), required(inputs, 1)];
  if (a.type !== b.type) throw new Error(`its inputs are of two types, ${describe(a)} and ${describe(b)}`);
  return [a, b];
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
