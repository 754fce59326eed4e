import { checkSize, sizeOf } from "../tensor.ts";

/** The dims of two or more tensors stretched over each other, NumPy's rules. Throws where they do not fit. */
export function broadcastDims(...shapes: number[][]): number[] {
  const rank = Math.max(...shapes.map((dims) => dims.length));
  const result = new Array<number>(rank).fill(1);
  for (const dims of shapes) {
    for (let axis = 0; axis < dims.length; axis++) {
      const resultAxis = rank - dims.length + axis;
      if (dims[axis] === result[resultAxis] || dims[axis] === 1) continue;
      if (result[resultAxis] !== 1) {
        throw new Error(`shapes ${shapes.map((each) => `[${each.join(", ")}]`).join(" and ")} do not fit together`);
      }
      result[resultAxis] = dims[axis];
    }
  }
  return result;
}

/** For each element of a tensor of dims `to`, in order, the index of its element in a tensor of dims `from`. */
export function broadcastPlaces(from: number[], to: number[]): Int32Array {
  const strides = new Array<number>(to.length).fill(0);
  let stride = 1;
  for (let axis = from.length - 1; axis >= 0; axis--) {
    if (from[axis] !== 1) strides[to.length - from.length + axis] = stride;
    stride *= from[axis];
  }
  return stridedPlaces(to, strides);
}

/** Indices in row-major order of `dims`, where a step along an axis moves by its stride, beginning at `start`. */
export function stridedPlaces(dims: number[], strides: number[], start = 0): Int32Array {
  checkSize(sizeOf(dims));
  let places = Int32Array.of(start);
  for (let axis = 0; axis < dims.length; axis++) {
    const count = dims[axis];
    const stride = strides[axis];
    const next = new Int32Array(places.length * count);
    for (let outer = 0, write = 0; outer < places.length; outer++) {
      for (let step = 0, place = places[outer]; step < count; step++, place += stride) next[write++] = place;
    }
    places = next;
  }
  return places;
}

/** Whether a tensor's dims, leading 1s aside, are the last of `over`, so that its data repeats over that as one block. */
export function repeatsOver(dims: number[], over: number[]): boolean {
  let first = 0;
  while (dims[first] === 1) first++;
  const offset = over.length - dims.length;
  for (let axis = first; axis < dims.length; axis++) if (dims[axis] !== over[offset + axis]) return false;
  return true;
}
