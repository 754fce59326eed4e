import { describe, type FloatTensor, like, stridesOf } from "../tensor.ts";
import { stridedPlaces } from "./broadcast.ts";
import { integersAttribute, type Operator, required } from "./operator.ts";
import { pick } from "./pick.ts";

/** Transpose: axes in the order of `perm`, reversed where it is left out. */
export const transpose: Operator = (inputs, attributes) => {
  const input = required(inputs, 0);
  const rank = input.dims.length;
  const order = integersAttribute(attributes, "perm") ?? input.dims.map((_, axis) => rank - 1 - axis);
  if (order.length !== rank || !input.dims.every((_, axis) => order.includes(axis))) {
    throw new Error(`[${order.join(", ")}] is no order of the axes of ${describe(input)}`);
  }
  const strides = stridesOf(input.dims);
  const dims = order.map((axis) => input.dims[axis]);
  const places = stridedPlaces(
    dims,
    order.map((axis) => strides[axis]),
  );
  return pick(input, dims, places);
};

/** A float32 matrix [rows, columns] turned to [columns, rows]. */
export function transposeMatrix(matrix: FloatTensor): FloatTensor {
  const [rows, columns] = matrix.dims;
  const output = like(matrix, [columns, rows]) as FloatTensor;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      output.data[column * rows + row] = matrix.data[row * columns + column];
    }
  }
  return output;
}
