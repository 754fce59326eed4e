/** What a post is worth by the probabilities of a model's heads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, double, property, tuple } from "fast-check";
import { isHeadList, weightsOf } from "../../features/kinds.ts";
import { combineHeads, isFiniteRow } from "./run-ranker.ts";

const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-7, `${actual}`);

test("a score is the weighted sum of what speaks for a post, row by row", () => {
  const probabilities = Float32Array.of(0.5, 0.25, 0.125, 0.1, 0.2, 0.3);
  near(combineHeads({ probabilities }, 0, [0.2, 1, 2]), 0.1 + 0.25 + 0.25);
  near(combineHeads({ probabilities }, 1, [0.2, 1, 2]), 0.02 + 0.2 + 0.6);
  near(combineHeads({ probabilities, boost: Float32Array.of(3, 0.5) }, 1, [0.2, 1, 2]), 0.5 * (0.02 + 0.2 + 0.6));
});

test("a small loss is subtracted, and a large one never makes it negative or nothing", () => {
  const score = (dismiss: number, weight = -1) =>
    combineHeads({ probabilities: Float32Array.of(0.5, 0.2, 0.1, dismiss) }, 0, [0.2, 1, 1, weight]);
  near(score(0), 0.4);
  near(score(0.3, 0), 0.4);
  near(score(0.01), 0.4 * Math.exp(-0.01 / 0.4));
  assert.ok(Math.abs(score(0.01) - 0.39) < 2e-4);
  near(score(0.4), 0.4 / Math.E);
  assert.ok(score(1, -1e6) > 1e-14, "the log has 32 bits for it");
  assert.equal(combineHeads({ probabilities: Float32Array.of(0, 0, 0, 1) }, 0, [0.2, 1, 1, -1]), 0);
  assert.equal(combineHeads({ probabilities: Float32Array.of(0.5, 0.5, 0.5, 1) }, 0, [0, 0, 0, -1]), 0);
  assert.ok(
    Number.isNaN(combineHeads({ probabilities: Float32Array.of(0.5, 0.5, 0.5, Number.NaN) }, 0, [0.2, 1, 1, -1])),
  );
});

test("a row is finite where all of its heads are", () => {
  const probabilities = Float32Array.of(
    0.1,
    0.2,
    0.3,
    0.4,
    0.1,
    0.2,
    0.3,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    0,
    0,
    0,
  );
  assert.deepEqual(
    [0, 1, 2].map((i) => isFiniteRow(probabilities, i, 4)),
    [true, false, false],
  );
});

test("less likely dismissed is worth no less, and more likely viewed no less either", () => {
  const probability = double({ min: 0, max: 1, noNaN: true });
  check(
    property(
      tuple(probability, probability, probability, probability),
      double({ min: -20, max: 0, noNaN: true }),
      (of, weight) => {
        const [view, more, dismiss, less] = [
          of[0],
          Math.max(of[0], of[1]),
          Math.max(of[2], of[3]),
          Math.min(of[2], of[3]),
        ];
        const score = (v: number, d: number) =>
          combineHeads({ probabilities: Float32Array.of(v, 0.1, 0.1, d) }, 0, [0.2, 1, 1, weight]);
        assert.ok(score(view, less) >= score(view, dismiss));
        assert.ok(score(more, dismiss) >= score(view, dismiss) - 1e-12);
      },
    ),
  );
});

test("each head has its own weight, wherever it stands", () => {
  const weights = { view: 1, vote: 2, comment: 3, dismiss: -4, long_view: 5 };
  assert.deepEqual(weightsOf(["view", "vote", "comment", "long_view"], weights), [1, 2, 3, 5]);
  assert.deepEqual(weightsOf(["view", "vote", "comment", "dismiss", "long_view"], weights), [1, 2, 3, -4, 5]);
});

test("heads are the three, and after them optional ones in their order; nothing else is", () => {
  for (const more of [[], ["dismiss"], ["long_view"], ["dismiss", "long_view"]])
    assert.ok(isHeadList(["view", "vote", "comment", ...more]), more.join());
  for (const wrong of [
    [],
    ["view", "vote"],
    ["vote", "view", "comment"],
    ["dismiss", "view", "vote", "comment"],
    ["view", "vote", "comment", "long_view", "dismiss"],
    ["view", "vote", "comment", "dismiss", "dismiss"],
    ["view", "vote", "comment", "share"],
    ["view", "vote", "comment", null],
  ])
    assert.ok(!isHeadList(wrong), wrong.join());
  check(property(array(double()), (names) => assert.ok(!isHeadList(names))));
});
