import assert from "node:assert/strict";
import { test } from "node:test";
import type { NumberedCandidate } from "../../data/replay/retrieval-options.ts";
import { Random } from "../nn/random.ts";
import type { PageRequest } from "./page-requests.ts";
import { pageRows } from "./sampled-rows.ts";

const candidates = Array.from({ length: 12 }, (_, i) => ({ post: 10 + i }) as NumberedCandidate);

function page(...shown: [post: number, view: number][]): PageRequest {
  return {
    event: 0,
    user: 0,
    at: 0,
    shown: shown.map(([post, view], i) => ({ post, position: i + 1, labels: [view, 0, 0] })),
  };
}

test("what was shown comes first, with its place and labels; then a sample that stands for the rest and counts little", () => {
  const rows = pageRows(candidates, page([15, 0], [11, 1], [20, 0]), 6, 0.01, new Random(1));
  assert.equal(rows.found, true);
  assert.deepEqual(rows.chosen.slice(0, 3), [5, 1, 10]);
  assert.equal(new Set(rows.chosen).size, 6);
  assert.deepEqual(rows.weights, [1, 1, 1, 3, 3, 3]);
  assert.deepEqual(rows.lossWeights, [1, 1, 1, 0.03, 0.03, 0.03]);
  assert.deepEqual(rows.logPositions, [0, Math.log(2), Math.log(3)]);
  assert.deepEqual(
    rows.deeds.map(({ labels }) => labels),
    [
      [0, 0, 0],
      [1, 0, 0],
      [0, 0, 0],
    ],
  );
});

test("a page that no user interacted with has no positive; one longer than the rows is cut", () => {
  assert.equal(pageRows(candidates, page([15, 0]), 6, 0.01, new Random(1)).found, false);
  const cut = pageRows(candidates, page([10, 0], [11, 0], [12, 0], [13, 1]), 3, 0.01, new Random(1));
  assert.deepEqual(cut.chosen, [0, 1, 2]);
  assert.equal(cut.found, false, "a positive beyond the rows is no positive of theirs");
});

test("few candidates are all taken", () => {
  const { chosen, weights } = pageRows(candidates.slice(0, 3), page([11, 1]), 6, 0.5, new Random(1));
  assert.deepEqual([...chosen].sort(), [0, 1, 2]);
  assert.deepEqual(weights, [1, 1, 1]);
});
