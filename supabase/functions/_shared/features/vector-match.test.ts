import assert from "node:assert/strict";
import { test } from "node:test";
import { historyLength } from "./history.ts";
import { vectorWidth } from "./text-vector.ts";
import { vectorMatches } from "./vector-match.ts";

const vector = (...numbers: number[]) => Float32Array.from({ length: vectorWidth }, (_, i) => numbers[i] ?? 0);
const [x, y] = [vector(2), vector(0, 2)];

test("a candidate is as near to a history as its components are to their mean, the latest of most weight", () => {
  const found = vectorMatches([x], [x, vector(-1), y, vector(4, 3)]);
  assert.deepEqual([...found], [1, 1, -1, 1, 0, 1, Math.fround(0.8), 1]);
  const [ofX, , ofY] = vectorMatches([x, y], [x, y]);
  assert.ok(Math.abs(ofY / ofX - 0.9) < 1e-6);
  // a post of the history without a vector still counts as a step
  const [later, , earlier] = vectorMatches([x, null, y], [x, y]);
  assert.ok(Math.abs(earlier / later - 0.81) < 1e-6);
  const long = [
    ...Array.from({ length: historyLength }, () => x),
    ...Array.from({ length: 1000 }, () => vector(0, 1e6)),
  ];
  assert.deepEqual([...vectorMatches(long, [x])], [1, 1], "of a long history the latest count");
});

test("what has no vector, or one that says nothing, matches nothing", () => {
  assert.deepEqual([...vectorMatches([x], [null, vector(), x])], [0, 0, 0, 0, 1, 1]);
  for (const history of [[], [null, null], [vector()]]) assert.deepEqual([...vectorMatches(history, [x])], [0, 0]);
});
