import assert from "node:assert/strict";
import { test } from "node:test";
import { matchTopics } from "./match.ts";

const of = (...parts: [number, number][]) =>
  Int32Array.from(parts.flatMap(([topic, times]) => Array(times).fill(topic)));

test("a topic goes on as the one with most of whose posts it shares, whatever their order and numbers", () => {
  // earlier 7, 8, 9; now 0 has those of 9, 1 those of 7, 2 those of 8 and two of 7's
  assert.deepEqual(matchTopics(of([7, 10], [8, 10], [9, 10]), of([1, 8], [2, 12], [0, 10]), 3), [9, 7, 8]);
});

test("of a topic that was split the larger part keeps the id, of two that became one the larger gives it", () => {
  assert.deepEqual(matchTopics(of([5, 10]), of([0, 3], [1, 7]), 2), [null, 5]);
  assert.deepEqual(matchTopics(of([5, 4], [6, 9]), of([0, 13]), 1), [6]);
});

test("what shares less than a fifth is another topic, and new posts count", () => {
  assert.deepEqual(matchTopics(of([5, 2], [-1, 9]), of([0, 11]), 1), [null]);
  assert.deepEqual(matchTopics(of([5, 2], [-1, 8]), of([0, 10]), 1), [5]);
});

test("no earlier topic is kept twice, and equals are settled the same way each time", () => {
  const matched = matchTopics(of([5, 6]), of([0, 3], [1, 3]), 2);
  assert.deepEqual(matched, [5, null]);
  assert.deepEqual(matchTopics(new Int32Array(0), new Int32Array(0), 0), []);
});
