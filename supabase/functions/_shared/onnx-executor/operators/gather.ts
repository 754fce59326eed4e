import { describe, like, sizeOf, toAxis } from "../tensor.ts";
import { numberAttribute, type Operator, required } from "./operator.ts";

/** Gather: slices of the first input along `axis`, picked by int64 ids; negative ids count from the back. */
export const gather: Operator = (inputs, attributes) => {
  const [table, ids] = [required(inputs, 0), required(inputs, 1)];
  if (ids.type !== "int64") throw new Error(`ids must be int64, not ${describe(ids)}`);
  const axis = toAxis(numberAttribute(attributes, "axis", 0), table.dims.length);
  const count = table.dims[axis];
  const outer = sizeOf(table.dims.slice(0, axis));
  const width = sizeOf(table.dims.slice(axis + 1));
  const output = like(table, [...table.dims.slice(0, axis), ...ids.dims, ...table.dims.slice(axis + 1)]);
  const picks = Int32Array.from({ length: ids.data.length }, (_, index) => {
    const id = Number(ids.data[index]);
    if (id < -count || id >= count) throw new Error(`id ${id} is outside a table of ${count}`);
    return id < 0 ? id + count : id;
  });
  let write = 0;
  for (let block = 0; block < outer; block++) {
    const start = block * count * width;
    for (let index = 0; index < picks.length; index++) {
      const from = start + picks[index] * width;
      for (let offset = 0; offset < width; offset++) output.data[write++] = table.data[from + offset];
    }
  }
  return output;
};
