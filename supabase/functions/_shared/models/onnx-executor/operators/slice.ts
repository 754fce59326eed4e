import { stridesOf, toAxis } from "../tensor.ts";
import { stridedPlaces } from "./broadcast.ts";
import { integersOf, type Operator, required } from "./operator.ts";
import { pick } from "./pick.ts";

/** Slice: from `starts` to before `ends` along `axes`, every `steps`-th; ends beyond the tensor are cut to it. */
export const slice: Operator = (inputs) => {
  const input = required(inputs, 0);
  const starts = integersOf(inputs, 1);
  const ends = integersOf(inputs, 2);
  if (!starts || starts.length !== ends?.length) throw new Error("starts and ends must be of one length");
  const axes = integersOf(inputs, 3) ?? starts.map((_, index) => index);
  const steps = integersOf(inputs, 4) ?? starts.map(() => 1);
  const strides = stridesOf(input.dims);
  const dims = [...input.dims];
  let first = 0;
  for (let index = 0; index < axes.length; index++) {
    const axis = toAxis(axes[index], dims.length);
    const [size, step] = [input.dims[axis], steps[index]];
    if (step === 0) throw new Error("a step of 0");
    const start = clamp(starts[index], size, 0, step > 0 ? size : size - 1);
    const end = clamp(ends[index], size, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
    dims[axis] = Math.max(0, Math.ceil((end - start) / step));
    first += start * strides[axis];
    strides[axis] *= step;
  }
  return pick(input, dims, stridedPlaces(dims, strides, first));
};

function clamp(index: number, size: number, low: number, high: number): number {
  return Math.min(Math.max(index < 0 ? index + size : index, low), high);
}
