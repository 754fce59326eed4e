import assert from "node:assert/strict";
import { test } from "node:test";
import { dimensions } from "./history.ts";
import { historyMatches } from "./history-match.ts";

/** A vector with these first two elements and zeros. */
const vector = (x: number, y: number) => [x, y, ...new Array(dimensions - 2).fill(0)];
const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);

test("no history or no vector matches nothing", () => {
  const nothing = { best: Float64Array.of(0), bestFive: Float64Array.of(0) };
  assert.deepEqual(historyMatches([], [vector(1, 0)]), nothing);
  assert.deepEqual(historyMatches([vector(1, 0)], [null]), nothing);
});

test("of a short history all count, wherever the nearest stands", () => {
  const match = historyMatches([vector(0, 1), vector(0.5, 0), vector(1, 0)], [vector(1, 0)]);
  close(match.best[0], 1);
  close(match.bestFive[0], 0.5);
});

test("of a long history the five nearest count", () => {
  const history = [-1, 0.9, 0.1, 0.5, -0.2, 0.7, 0.3, 0.2].map((x) => vector(x, 0));
  const match = historyMatches(history, [vector(1, 0)]);
  close(match.best[0], 0.9);
  close(match.bestFive[0], (0.9 + 0.7 + 0.5 + 0.3 + 0.2) / 5);
});
