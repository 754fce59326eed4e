import type { Attribute } from "../model.ts";
import { describe, type FloatTensor, type Value } from "../tensor.ts";

/** One ONNX operator with one output; inputs left out by the graph are undefined. Throws on what it cannot take. */
export type Operator = (inputs: (Value | undefined)[], attributes: Map<string, Attribute>) => Value;

/** Input number `index`, which must be there. */
export function required(inputs: (Value | undefined)[], index: number): Value {
  const value = inputs[index];
  if (!value) throw new Error(`input ${index} is missing`);
  return value;
}

/** Input number `index`, which must be float32. */
export function requiredFloat(inputs: (Value | undefined)[], index: number): FloatTensor {
  const value = required(inputs, index);
  if (value.type !== "float32") throw new Error(`input ${index} must be float32, not ${describe(value)}`);
  return value;
}

/** Input number `index` as plain integers (axes, a shape, starts); undefined where the graph leaves it out. */
export function integersOf(inputs: (Value | undefined)[], index: number): number[] | undefined {
  const value = inputs[index];
  if (!value) return undefined;
  if (value.type !== "int64") throw new Error(`input ${index} must be int64, not ${describe(value)}`);
  return Array.from(value.data, Number);
}

/** A numeric attribute, or its default. */
export function numberAttribute(attributes: Map<string, Attribute>, name: string, otherwise: number): number {
  const value = attributes.get(name) ?? otherwise;
  if (typeof value !== "number") throw new Error(`attribute ${name} must be a number`);
  return value;
}

/** An attribute that is a list of integers; undefined where the graph leaves it out. */
export function integersAttribute(attributes: Map<string, Attribute>, name: string): number[] | undefined {
  const value = attributes.get(name);
  if (value !== undefined && !Array.isArray(value)) throw new Error(`attribute ${name} must be a list of integers`);
  return value;
}
