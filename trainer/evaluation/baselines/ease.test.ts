import assert from "node:assert/strict";
import { test } from "node:test";
import { invert } from "../../models/nn/minimise.ts";
import { Random } from "../../models/nn/random.ts";
import { scoresAfter, sizesOf, smallCommunity } from "../testing.ts";
import { ease } from "./collaborative.ts";

test("invert: matrix times inverse is the identity", () => {
  const n = 12;
  const random = new Random(3);
  const half = Float64Array.from({ length: n * n }, () => random.normal());
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) matrix[i * n + j] += half[i * n + k] * half[j * n + k];
  }
  const inverse = invert(matrix.slice(), n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += matrix[i * n + k] * inverse[k * n + j];
      assert.ok(Math.abs(sum - (i === j ? 1 : 0)) < 1e-8, `(${i}, ${j}) is ${sum}`);
    }
  }
  assert.throws(() => invert(new Float64Array([1, 2, 2, 1]), 2), /not positive definite/);
});

test("two posts by hand: G = [[2 + λ, 1], [1, 1 + λ]], B₀₁ = 1 / (2 + λ)", async () => {
  // post 0: users 0, 1; post 1: user 0; user 2 wrote neither and interacted with nothing
  const community = smallCommunity(
    3,
    [
      [-1, 0],
      [-1, 0],
    ],
    [
      [0, 0, 1],
      [0, 1, 2],
      [1, 0, 3],
    ],
  );
  const near = (actual: number[], expected: number[]) =>
    expected.forEach((value, i) => void assert.ok(Math.abs(actual[i] - value) < 1e-12, `${actual} ≠ ${expected}`));
  // P ∝ [[1 + λ, −1], [−1, 2 + λ]]: B₀₁ = −P₀₁/P₁₁ = 1/(2 + λ), B₁₀ = −P₁₀/P₀₀ = 1/(1 + λ)
  near(await scoresAfter(community, ease(sizesOf(community), 3), 1, 9), [0, 1 / 5]);
  near(await scoresAfter(community, ease(sizesOf(community), 3), 0, 9), [1 / 4, 1 / 5]);
  near(await scoresAfter(community, ease(sizesOf(community), 3), 2, 9), [0, 0]);
});
