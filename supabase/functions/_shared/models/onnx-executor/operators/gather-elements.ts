import { describe, stridesOf, toAxis } from "../tensor.ts";
import { stridedPlaces } from "./broadcast.ts";
import { toPicks } from "./gather.ts";
import { numberAttribute, type Operator, required } from "./operator.ts";
import { pick } from "./pick.ts";

/** GatherElements: the element at each place of the ids, but with the id as its index along `axis`. */
export const gatherElements: Operator = (inputs, attributes) => {
  const [input, ids] = [required(inputs, 0), required(inputs, 1)];
  if (ids.type !== "int64") throw new Error(`ids must be int64, not ${describe(ids)}`);
  const axis = toAxis(numberAttribute(attributes, "axis", 0), input.dims.length);
  const inside = ids.dims.every((dim, at) => at === axis || dim <= input.dims[at]);
  if (ids.dims.length !== input.dims.length || !inside)
    throw new Error(`cannot gather ${describe(ids)} from ${describe(input)}`);
  const strides = stridesOf(input.dims);
  const places = stridedPlaces(ids.dims, strides.with(axis, 0));
  const picks = toPicks(ids.data, input.dims[axis]);
  for (let index = 0; index < places.length; index++) places[index] += picks[index] * strides[axis];
  return pick(input, ids.dims, places);
};
