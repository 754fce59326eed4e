import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { startBackend } from "./backend.ts";
import { Random } from "./random.ts";

before(() => startBackend("wasm"));

/** Sum over k of a[i, k] · b[k, j], where the stored matrix is transposed when `transposedA` or `transposedB` says so. */
function product(a: number[][], b: number[][], transposedA: boolean, transposedB: boolean): number[][] {
  const left = transposedA ? a[0].map((_, i) => a.map((row) => row[i])) : a;
  const right = transposedB ? b : b[0].map((_, j) => b.map((row) => row[j]));
  return left.map((row) => right.map((column) => row.reduce((sum, value, k) => sum + value * column[k], 0)));
}

for (const [transposedA, transposedB] of [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
]) {
  test(`products on WASM are right with a ${transposedA ? "transposed" : "plain"}, b ${transposedB ? "transposed" : "plain"}`, () => {
    const random = new Random(1);
    const matrix = (rows: number, columns: number) =>
      Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.normal()));
    const batches = [0, 1].map(() => {
      const a = transposedA ? matrix(3, 2) : matrix(2, 3);
      const b = transposedB ? matrix(4, 3) : matrix(3, 4);
      return { a, b, expected: product(a, b, transposedA, transposedB) };
    });
    const close = (found: tf.Tensor, expected: number[]) => {
      for (const [i, value] of found.dataSync().entries()) assert.ok(Math.abs(value - expected[i]) < 1e-5);
    };
    const tensors = tf.memory().numTensors;
    tf.tidy(() => {
      const [{ a, b, expected }] = batches;
      const found = tf.matMul(tf.tensor2d(a), tf.tensor2d(b), transposedA, transposedB);
      assert.deepEqual(found.shape, [2, 4]);
      close(found, expected.flat());
      const stacked = tf.matMul(
        tf.tensor3d(batches.map((batch) => batch.a)),
        tf.tensor3d(batches.map((batch) => batch.b)),
        transposedA,
        transposedB,
      );
      close(
        stacked,
        batches.flatMap((batch) => batch.expected.flat()),
      );
    });
    assert.equal(tf.memory().numTensors, tensors);
  });
}
