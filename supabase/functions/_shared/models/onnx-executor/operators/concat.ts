import { describe, like, sizeOf, toAxis, type Value } from "../tensor.ts";
import { numberAttribute, type Operator, required } from "./operator.ts";
import { copy } from "./pick.ts";

/** Concat: tensors of one type laid end to end along `axis`. */
export const concat: Operator = (inputs, attributes) => {
  const parts = inputs.map((_, index) => required(inputs, index));
  const first = required(inputs, 0);
  const axis = toAxis(numberAttribute(attributes, "axis", Number.NaN), first.dims.length);
  for (const part of parts) {
    if (part.type !== first.type || !fits(part, first, axis)) {
      throw new Error(`${describe(first)} and ${describe(part)} do not fit together along axis ${axis}`);
    }
  }
  const dims = first.dims.with(
    axis,
    parts.reduce((total, part) => total + part.dims[axis], 0),
  );
  const output = like(first, dims);
  const outer = sizeOf(dims.slice(0, axis));
  const stride = sizeOf(dims.slice(axis));
  let start = 0;
  for (const part of parts) {
    const width = sizeOf(part.dims.slice(axis));
    for (let block = 0; block < outer; block++) {
      copy(part.data, block * width, output.data, start + block * stride, width);
    }
    start += width;
  }
  return output;
};

function fits(part: Value, first: Value, axis: number): boolean {
  return part.dims.length === first.dims.length && part.dims.every((dim, at) => at === axis || dim === first.dims[at]);
}
