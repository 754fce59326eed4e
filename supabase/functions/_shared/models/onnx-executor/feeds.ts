import type { ValueInfo } from "./model.ts";
import { describe, sizeOf, type Tensor } from "./tensor.ts";

/**
 * Checks feeds against a graph's declared inputs: names, element types, fixed dims, and that a symbol such as "N" is the
 * same size wherever it stands. Throws a one-line error.
 */
export function checkFeeds(inputs: ValueInfo[], feeds: Record<string, Tensor>): void {
  const symbols = new Map<string, number>();
  for (const input of inputs) {
    const feed = Object.hasOwn(feeds, input.name) ? feeds[input.name] : undefined;
    if (!feed) throw new Error(`input ${input.name} is missing`);
    checkFeed(input, feed, symbols);
  }
  const names = inputs.map((input) => input.name);
  const stranger = Object.keys(feeds).find((name) => !names.includes(name));
  if (stranger !== undefined) throw new Error(`the graph has no input ${stranger}, only ${names.join(", ")}`);
}

function checkFeed(input: ValueInfo, feed: Tensor, symbols: Map<string, number>): void {
  const type = input.elementType === 1 ? "float32" : input.elementType === 7 ? "int64" : undefined;
  if (!type) throw new Error(`input ${input.name} is declared as ONNX element type ${input.elementType}`);
  const fits = type === "float32" ? feed.data instanceof Float32Array : feed.data instanceof BigInt64Array;
  if (feed.type !== type || !fits) throw new Error(`input ${input.name} must be ${type}, not ${describe(feed)}`);
  if (feed.data.length !== sizeOf(feed.dims)) {
    throw new Error(`input ${input.name} has ${feed.data.length} elements for ${describe(feed)}`);
  }
  if (feed.data.length === 0) throw new Error(`input ${input.name} is empty, ${describe(feed)}`);
  if (!input.dims) return;
  const wanted = `${type} [${input.dims.join(", ")}]`;
  if (feed.dims.length !== input.dims.length)
    throw new Error(`input ${input.name} must be ${wanted}, not ${describe(feed)}`);
  for (let axis = 0; axis < feed.dims.length; axis++) {
    const dim = input.dims[axis];
    const size = typeof dim === "string" ? (symbols.get(dim) ?? feed.dims[axis]) : dim;
    if (typeof dim === "string" && dim !== "?") symbols.set(dim, size);
    if (size !== feed.dims[axis]) {
      const where = typeof dim === "string" ? `, where ${dim} is ${size}` : "";
      throw new Error(`input ${input.name} must be ${wanted}, not ${describe(feed)}${where}`);
    }
  }
}
