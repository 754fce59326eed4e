import assert from "node:assert/strict";
import { test } from "node:test";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { ranksOf } from "./ranks.ts";

test("ranks are one more than the number of higher values, whatever the number and the likeness of values", () => {
  const random = xoroshiro128plus(1);
  for (let n = 0; n <= 100; n++)
    for (const different of [1, 3, 1000]) {
      const values = Float64Array.from({ length: n }, () => uniformInt(random, -different, different) / 7);
      const expected = Int32Array.from(values, (value) => 1 + values.filter((other) => other > value).length);
      assert.deepEqual(ranksOf(values), expected);
    }
});

test("NaN and infinities do not disturb the others", () => {
  const values = Float64Array.of(1, Number.NaN, 3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2, -0, 0);
  assert.deepEqual([...ranksOf(values)], [5, 1, 3, 1, 8, 4, 6, 6]);
});
