import assert from "node:assert/strict";
import { test } from "node:test";
import { minimise } from "./minimise.ts";

const limits = { tolerance: 1e-12, iterations: 50 };

test("one step reaches the minimum of a quadratic, by hand: x² + xy + y² − 4x − 5y is least at (1, 2)", () => {
  let calls = 0;
  const found = minimise({
    ...limits,
    start: Float64Array.of(10, -10),
    derivatives: ([x, y]) => {
      calls++;
      return {
        // 10 is added so that the least value, −7, is positive as a loss is
        value: 10 + x * x + x * y + y * y - 4 * x - 5 * y,
        gradient: Float64Array.of(2 * x + y - 4, x + 2 * y - 5),
        // the upper triangle is not read
        hessian: Float64Array.of(2, Number.NaN, 1, 2),
      };
    },
  });
  assert.ok(Math.abs(found[0] - 1) < 1e-12 && Math.abs(found[1] - 2) < 1e-12, `${found}`);
  assert.ok(calls <= 4, `${calls} evaluations`);
});

/** log(1 + exp(x)) + log(1 + exp(−x)): least at 0, and so flat far out that full steps leap ever further past it. */
const valley = ([x]: Float64Array) => {
  const p = 1 / (1 + Math.exp(-x));
  return {
    value: Math.log1p(Math.exp(x)) + Math.log1p(Math.exp(-x)),
    gradient: Float64Array.of(2 * p - 1),
    hessian: Float64Array.of(2 * p * (1 - p)),
  };
};

test("where a full step makes it worse, half of it is tried, and half of that", () => {
  // from 4 a full step ends near −23, half of it near −10, a quarter near −3
  const tried: number[] = [];
  const [x] = minimise({
    ...limits,
    start: Float64Array.of(4),
    derivatives: (weights) => {
      tried.push(weights[0]);
      return valley(weights);
    },
  });
  assert.ok(Math.abs(x) < 1e-6, `${x}`);
  const full = tried[1] - 4;
  assert.ok(full < -20, `the full step is ${full}`);
  assert.ok(Math.abs(tried[2] - 4 - full / 2) < 1e-12 && Math.abs(tried[3] - 4 - full / 4) < 1e-12, `${tried}`);
});

test("stops after the given number of steps, and stays where no step makes it better", () => {
  const start = Float64Array.of(1);
  const once = minimise({ ...limits, iterations: 1, start, derivatives: valley });
  const twice = minimise({ ...limits, iterations: 2, start, derivatives: valley });
  assert.ok(Math.abs(twice[0]) < Math.abs(once[0]));
  const uphill = (weights: Float64Array) => ({ ...valley(weights), gradient: valley(weights).gradient.map((g) => -g) });
  assert.deepEqual(minimise({ ...limits, start, derivatives: uphill }), start);
});
