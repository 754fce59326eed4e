import assert from "node:assert/strict";
import { before, test } from "node:test";
import { startBackend } from "./backend.ts";
import { principalComponents } from "./principal-components.ts";
import { Random } from "./random.ts";

before(async () => {
  await startBackend();
});

/** Rows around a mean, spread along axes of these deviations. */
function spreadRows(count: number, deviations: number[], mean: number[]): Float32Array {
  const random = new Random(1);
  return Float32Array.from({ length: count * mean.length }, (_, i) => {
    const d = i % mean.length;
    return mean[d] + deviations[d] * random.normal();
  });
}

test("the widest axes come first, around the mean", () => {
  const deviations = [0.1, 3, 0.2, 1, 0];
  const { mean, components } = principalComponents(spreadRows(2000, deviations, [1, 2, 3, 4, 5]), 5, 3);
  for (const [d, value] of mean.entries()) assert.ok(Math.abs(value - (d + 1)) < 0.2, `${value}`);
  for (const [component, axis] of [1, 3, 2].entries())
    assert.ok(Math.abs(components[axis * 3 + component]) > 0.99, `component ${component} is along ${axis}`);
});

test("components are orthonormal, the same each time, and zeros where there are no more", () => {
  const rows = spreadRows(6, [1, 2, 3, 4], [0, 0, 0, 0]);
  const { components } = principalComponents(rows, 4, 8);
  assert.deepEqual(principalComponents(rows, 4, 8).components, components);
  const dot = (a: number, b: number) =>
    [0, 1, 2, 3].reduce((sum, d) => sum + components[d * 8 + a] * components[d * 8 + b], 0);
  for (let a = 0; a < 8; a++)
    for (let b = 0; b < 8; b++) {
      const wanted = a === b && a < 4 ? 1 : 0;
      assert.ok(Math.abs(dot(a, b) - wanted) < 1e-5, `${a} and ${b}: ${dot(a, b)}`);
    }
});

test("rows that are all the same have no components", () => {
  const { components } = principalComponents(new Float32Array(400).fill(0.5), 4, 2);
  assert.deepEqual([...components], Array(8).fill(0));
});
