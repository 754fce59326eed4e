import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../../../../trainer/engine/random.ts";
import { drawBeta } from "./beta.ts";

const draws = 20_000;

function drawn(a: number, b: number): number[] {
  const random = new Random(1);
  return Array.from({ length: draws }, () => drawBeta(a, b, () => random.uniform()));
}

test("mean and variance are those of the distribution, also where it has no peak", () => {
  for (const [a, b] of [
    [1, 1],
    [0.2, 9.8],
    [0.5, 0.5],
    [3, 7],
    [40, 2],
    [1, 5_000],
    [900, 100],
  ]) {
    const values = drawn(a, b);
    const mean = values.reduce((sum, x) => sum + x, 0) / draws;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws;
    const [expected, spread] = [a / (a + b), (a * b) / ((a + b) ** 2 * (a + b + 1))];
    // five standard errors of a mean of so many
    assert.ok(Math.abs(mean - expected) < 5 * Math.sqrt(spread / draws), `mean of Beta(${a}, ${b}): ${mean}`);
    assert.ok(Math.abs(variance / spread - 1) < 0.1, `variance of Beta(${a}, ${b}): ${variance}, not ${spread}`);
    assert.ok(values.every((x) => x >= 0 && x <= 1));
  }
});

test("so are its quantiles, where they can be written down", () => {
  // P(x ≤ q) is q^a for Beta(a, 1), and 1 − (1 − q)^b for Beta(1, b)
  const below = (values: number[], q: number) => values.filter((x) => x <= q).length / draws;
  for (const q of [0.05, 0.3, 0.5, 0.9]) {
    assert.ok(Math.abs(below(drawn(0.3, 1), q) - q ** 0.3) < 0.015);
    assert.ok(Math.abs(below(drawn(4, 1), q) - q ** 4) < 0.015);
    assert.ok(Math.abs(below(drawn(1, 12), q) - (1 - (1 - q) ** 12)) < 0.015);
  }
});

test("where the parameters are too small for what is drawn, it is a number all the same", () => {
  for (const [a, b] of [
    [1e-300, 1e-300],
    [1e-9, 10],
    [10, 1e-9],
  ])
    assert.ok(drawn(a, b).every((x) => x >= 0 && x <= 1));
});
