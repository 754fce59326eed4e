import assert from "node:assert/strict";
import { test } from "node:test";
import { countBelow } from "./statistics.ts";

test("counts what is below, with or without what is equal", () => {
  const ascending = [1, 2, 2, 5];
  assert.deepEqual(
    [0, 1, 2, 3, 5, 9].map((value) => countBelow(ascending, value)),
    [0, 0, 1, 3, 3, 4],
  );
  assert.deepEqual(
    [0, 1, 2, 3, 5, 9].map((value) => countBelow(ascending, value, true)),
    [0, 1, 3, 3, 4, 4],
  );
  assert.equal(countBelow([], 1), 0);
});
