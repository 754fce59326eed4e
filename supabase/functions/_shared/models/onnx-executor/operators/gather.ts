import { describe, like, sizeOf, toAxis } from "../tensor.ts";
import { numberAttribute, type Operator, required } from "./operator.ts";
import { copy } from "./pick.ts";

/** Gather: slices of the first input along `axis`, picked by int64 ids; negative ids count from the back. */
export const gather: Operator = (inputs, attributes) => {
  const [table, ids] = [required(inputs, 0), required(inputs, 1)];
  if (ids.type !== "int64") throw new Error(`ids must be int64, not ${describe(ids)}`);
  const axis = toAxis(numberAttribute(attributes, "axis", 0), table.dims.length);
  const count = table.dims[axis];
  const outer = sizeOf(table.dims.slice(0, axis));
  const width = sizeOf(table.dims.slice(axis + 1));
  const output = like(table, [...table.dims.slice(0, axis), ...ids.dims, ...table.dims.slice(axis + 1)]);
  const picks = toPicks(ids.data, count);
  for (let block = 0; block < outer; block++) {
    const [start, at] = [block * count * width, block * picks.length * width];
    for (let index = 0; index < picks.length; index++) {
      copy(table.data, start + picks[index] * width, output.data, at + index * width, width);
    }
  }
  return output;
};

/** Ids as indices from 0 to count − 1. Throws where one is outside. */
export function toPicks(ids: BigInt64Array, count: number): Int32Array {
  // The two halves of each id, because a bigint for each would take longer than copying the row.
  const halves = new Int32Array(ids.buffer, ids.byteOffset, 2 * ids.length);
  const picks = new Int32Array(ids.length);
  for (let index = 0; index < picks.length; index++) {
    const id = halves[2 * index];
    if (halves[2 * index + 1] !== id >> 31 || id < -count || id >= count) {
      throw new Error(`id ${ids[index]} is outside a table of ${count}`);
    }
    picks[index] = id < 0 ? id + count : id;
  }
  return picks;
}
