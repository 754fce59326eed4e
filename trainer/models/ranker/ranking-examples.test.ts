import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../nn/random.ts";
import { unknown } from "./requests.ts";
import { randomExamples } from "./testing.ts";

test("the rows of some requests come in the order of the requests", () => {
  const examples = randomExamples(new Random(1), 4, 3);
  assert.deepEqual([...examples.rowsOf(Uint32Array.of(2, 0))], [6, 7, 8, 0, 1, 2]);
});

test("a label that does not count is none, and its row counts for the other heads", () => {
  const examples = randomExamples(new Random(1), 2, 3, () => {}, ["view", "vote", "comment", "dismiss"]);
  examples.labels[3] = unknown;
  examples.labels[7] = 1;
  assert.deepEqual([examples.label(0, 3), examples.label(1, 3), examples.positives(0, 3)], [0, 1, 1]);
  assert.deepEqual([examples.countsFor(0, 3), examples.countsFor(0, 2), examples.countsFor(1, 3)], [0, 1, 1]);
});

test("a page of which something was dismissed and nothing viewed says something; one of which nothing was does not", () => {
  const examples = randomExamples(new Random(1), 2, 3, () => {}, ["view", "vote", "comment", "dismiss"]);
  examples.found.fill(0);
  examples.labels.fill(0);
  examples.labels[3] = 1;
  assert.deepEqual([examples.saysSomething(0), examples.saysSomething(1)], [true, false]);
  const gains = new Float32Array(3);
  examples.gains(0, [0.2, 1, 1], gains);
  assert.deepEqual([...gains], [0, 0, 0], "and gained nothing");
});

test("what was done with a post weighs the mean of its kinds, by what each head counts in the score", () => {
  const examples = randomExamples(new Random(1), 2, 3);
  examples.labels.set([1, 1, 0], 3);
  examples.deedWeights.set([1, 5, 100], 3);
  const weight = examples.deedWeight(1, [0.2, 1, 1]);
  assert.ok(Math.abs(weight - (0.2 + 5) / 1.2) < 1e-9, `${weight}`);
  assert.equal(examples.deedWeight(0, [0.2, 1, 1]), 1);
});

test("a positive that retrieval did not bring has no label", () => {
  const examples = randomExamples(new Random(1), 2, 3);
  examples.found[1] = 0;
  assert.deepEqual(
    [0, 1].map((request) => examples.label(request, 2)),
    [1, 0],
  );
});
