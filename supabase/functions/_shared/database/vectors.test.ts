import assert from "node:assert/strict";
import { test } from "node:test";
import { parseVector, parseVectors } from "./vectors.ts";

test("vectors are read from pgvector's text", () => {
  assert.deepEqual(parseVector("[1,-0.5,1e-05]"), [1, -0.5, 0.00001]);
});

test("arrays of vectors too, empty ones included", () => {
  assert.deepEqual(parseVectors('{"[1,2]","[3,4]"}'), [
    [1, 2],
    [3, 4],
  ]);
  // a vector of one number has no quotes
  assert.deepEqual(parseVectors("{[1],[2]}"), [[1], [2]]);
  assert.deepEqual(parseVectors("{}"), []);
});
