import assert from "node:assert/strict";
import { test } from "node:test";
import { firstRows, pickRows } from "./columns.ts";

test("picks rows of every kind of column, in the order asked for", () => {
  const table = {
    names: ["a", "b", "c"],
    at: Float64Array.of(1, 2, 3),
    kinds: Uint8Array.of(7, 8, 9),
    tags: [["x"], [], ["y"]],
  };
  assert.deepEqual(pickRows(table, [2, 0]), {
    names: ["c", "a"],
    at: Float64Array.of(3, 1),
    kinds: Uint8Array.of(9, 7),
    tags: [["y"], ["x"]],
  });
  assert.deepEqual(pickRows({ names: ["a"], at: undefined }, new Uint32Array()), { names: [], at: undefined });
});

test("cuts a table off after some rows", () => {
  assert.deepEqual(firstRows({ names: ["a", "b"], at: Float64Array.of(1, 2), more: undefined }, 1), {
    names: ["a"],
    at: Float64Array.of(1),
    more: undefined,
  });
});
