import assert from "node:assert/strict";
import { test } from "node:test";
import { innerProduct } from "./inner-product.ts";

test("multiplies two stretches element by element: 2 · 10 + 3 · 100", () => {
  assert.equal(innerProduct([1, 2, 3, 4], 1, Float64Array.of(9, 9, 10, 100), 2, 2), 320);
});

test("sums in double precision: single precision would lose the 1 next to 2 ** 24", () => {
  const a = Float32Array.of(2 ** 24, 1, -(2 ** 24));
  assert.equal(innerProduct(a, 0, Float32Array.of(1, 1, 1), 0, 3), 1);
});
