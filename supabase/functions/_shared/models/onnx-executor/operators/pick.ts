import { like, type Value } from "../tensor.ts";

/** A tensor of the same type with dims `dims`, whose elements stand in `input` at the indices `places`. */
export function pick(input: Value, dims: number[], places: Int32Array): Value {
  const output = like(input, dims);
  // Two calls, so that the loop for float32, where the time goes, is compiled for that alone.
  if (input.type === "float32") pickFloats(input.data, output.data as Float32Array, places);
  else pickAny(input.data, output.data, places);
  return output;
}

function pickFloats(from: Float32Array, to: Float32Array, places: Int32Array): void {
  for (let index = 0; index < places.length; index++) to[index] = from[places[index]];
}

function pickAny(from: Value["data"], to: Value["data"], places: Int32Array): void {
  for (let index = 0; index < places.length; index++) to[index] = from[places[index]];
}

/** Copies `count` elements of one type from `from` at `read` to `to` at `write`. */
export function copy(from: Value["data"], read: number, to: Value["data"], write: number, count: number): void {
  if (from instanceof Float32Array) copyFloats(from, read, to as Float32Array, write, count);
  else for (let offset = 0; offset < count; offset++) to[write + offset] = from[read + offset];
}

function copyFloats(from: Float32Array, read: number, to: Float32Array, write: number, count: number): void {
  for (let offset = 0; offset < count; offset++) to[write + offset] = from[read + offset];
}
