import { describe, type FloatTensor, sizeOf, zeros } from "../tensor.ts";
import { broadcastDims, broadcastPlaces } from "./broadcast.ts";
import { multiply } from "./multiply.ts";
import { numberAttribute, type Operator, requiredFloat } from "./operator.ts";
import { transposeMatrix } from "./transpose.ts";

/** MatMul: matrices in the last two axes, the axes before them broadcast. */
export const matMul: Operator = (inputs) => {
  const [a, b] = [requiredFloat(inputs, 0), requiredFloat(inputs, 1)];
  const [rows, inner] = a.dims.slice(-2);
  const [innerB, columns] = b.dims.slice(-2);
  if (a.dims.length < 2 || b.dims.length < 2 || inner !== innerB) {
    throw new Error(`cannot multiply ${describe(a)} by ${describe(b)}`);
  }
  const [aBatch, bBatch] = [a.dims.slice(0, -2), b.dims.slice(0, -2)];
  if (sizeOf(bBatch) === 1 && aBatch.length >= bBatch.length) {
    // One matrix on the right: all batches of the left are just more rows of one product.
    const dims = [...aBatch, rows, columns];
    const data = zeros("float32", sizeOf(dims));
    multiply(a.data, b.data, data, sizeOf(aBatch) * rows, inner, columns);
    return { type: "float32", dims, data };
  }
  const batch = broadcastDims(aBatch, bBatch);
  const dims = [...batch, rows, columns];
  const data = zeros("float32", sizeOf(dims));
  const aPlaces = broadcastPlaces(aBatch, batch);
  const bPlaces = broadcastPlaces(bBatch, batch);
  for (let index = 0; index < aPlaces.length; index++) {
    const [aStart, bStart] = [aPlaces[index] * rows * inner, bPlaces[index] * inner * columns];
    multiply(a.data, b.data, data, rows, inner, columns, aStart, bStart, index * rows * columns);
  }
  return { type: "float32", dims, data };
};

/** Gemm: alpha · a · b + beta · c on two matrices, either transposed first, c broadcast. */
export const gemm: Operator = (inputs, attributes) => {
  const a = oriented(requiredFloat(inputs, 0), numberAttribute(attributes, "transA", 0));
  const b = oriented(requiredFloat(inputs, 1), numberAttribute(attributes, "transB", 0));
  const alpha = numberAttribute(attributes, "alpha", 1);
  const beta = numberAttribute(attributes, "beta", 1);
  const [rows, inner] = a.dims;
  const columns = b.dims[1];
  if (inner !== b.dims[0]) throw new Error(`cannot multiply ${describe(a)} by ${describe(b)}`);
  const data = zeros("float32", rows * columns);
  multiply(a.data, b.data, data, rows, inner, columns);
  if (alpha !== 1) for (let index = 0; index < data.length; index++) data[index] *= alpha;
  if (inputs[2]) addBias(data, rows, columns, requiredFloat(inputs, 2), beta);
  return { type: "float32", dims: [rows, columns], data };
};

function oriented(matrix: FloatTensor, transposed: number): FloatTensor {
  if (matrix.dims.length !== 2) throw new Error(`a matrix is needed, not ${describe(matrix)}`);
  return transposed ? transposeMatrix(matrix) : matrix;
}

function addBias(data: Float32Array, rows: number, columns: number, bias: FloatTensor, beta: number): void {
  const dims = [rows, columns];
  if (`${broadcastDims(dims, bias.dims)}` !== `${dims}`) throw new Error(`cannot add ${describe(bias)} to [${dims}]`);
  if (bias.data.length === columns && (bias.dims.at(-1) === columns || columns === 1)) {
    for (let start = 0; start < data.length; start += columns) {
      for (let column = 0; column < columns; column++) data[start + column] += beta * bias.data[column];
    }
    return;
  }
  const places = broadcastPlaces(bias.dims, dims);
  for (let index = 0; index < data.length; index++) data[index] += beta * bias.data[places[index]];
}
