import assert from "node:assert/strict";
import { test } from "node:test";
import { reduceVector, vectorInputs, vectorRow, vectorWidth } from "./text-vector.ts";

/**
 * A basis for 3 elements with the mean (0.5, 0, 0): component 1 is element 2, component 2 is element 1, the rest is 0.
 */
const weights = new Float32Array(3 * vectorInputs);
weights[0] = 0.5;
weights[2] = 1;
weights[vectorInputs + 1] = 1;
const basis = { id: "b", encoder: "e", dimension: 3, weights };

test("a vector is brought to unit length, centred, and turned to the components", () => {
  const reduced = reduceVector([3, 4, 0], basis);
  assert.equal(reduced?.length, vectorWidth);
  assert.deepEqual([...(reduced ?? [])].slice(0, 3), [...Float32Array.of(0.8, 0.6 - 0.5, 0)]);
  assert.deepEqual(reduceVector([30, 40, 0], basis), reduced, "its length says nothing");
});

test("what says nothing is no vector", () => {
  for (const vector of [[], [1, 2], [1, 2, 3, 4], [0, 0, 0], [1, Number.NaN, 0], [1, Number.POSITIVE_INFINITY, 0]])
    assert.equal(reduceVector(vector, basis), null, `${vector}`);
  // JSON has no non-finite numbers
  assert.equal(reduceVector([1, "NaN", 0] as never, basis), null);
  assert.equal(reduceVector([1, null, Number.NaN] as never, basis), null);
});

test("the tower is told whether there is one", () => {
  assert.deepEqual([...vectorRow(null)], Array(vectorInputs).fill(0));
  const row = vectorRow(new Float32Array(vectorWidth).fill(0.25));
  assert.deepEqual([...row], [...Array(vectorWidth).fill(0.25), 1]);
});
