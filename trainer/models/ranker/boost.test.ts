import assert from "node:assert/strict";
import { before, test } from "node:test";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { dlrmGraph } from "../../artifacts/onnx/dlrm.ts";
import { startBackend } from "../nn/backend.ts";
import { Random } from "../nn/random.ts";
import { boostOf, fitBoost } from "./boost.ts";
import { type Dlrm, newDlrm } from "./model.ts";
import type { RankingExamples } from "./ranking-examples.ts";
import { randomExamples, randomVectors, testOptions } from "./testing.ts";

before(() => startBackend());

const rows = 12;
/** So many are needed to say that weights do not hang on the posts. */
const many = 2000;
const vectors = randomVectors(new Random(5), rows);
const { scoreWeights } = testOptions;
const isHeavy = (post: number) => vectors[post * dimensions] > 0;

/** Requests without a preferred post in which actions on some posts weigh `heavy`. */
function made(heavy: number, requests = 1000): { examples: RankingExamples; dlrm: Dlrm; fit: () => Dlrm } {
  const examples = randomExamples(new Random(2), requests, rows);
  for (let row = 0; row < requests * rows; row++)
    if (isHeavy(examples.posts[row])) examples.deedWeights.fill(heavy, row * 3, row * 3 + 3);
  const every = Uint32Array.from(examples.requests.keys());
  const parts = { training: every.subarray(0, 0.8 * requests), heldOut: every.subarray(0.8 * requests) };
  const dlrm = newDlrm(examples, parts.training, testOptions, new Random(1));
  const fit = () => {
    fitBoost(dlrm, examples, parts, scoreWeights);
    return dlrm;
  };
  return { examples, dlrm, fit };
}

test("posts are worth as many times more as what people do with them weighs more", () => {
  const { examples, fit } = made(5, many);
  const dlrm = fit();
  const sums = { heavy: 0, light: 0, heavies: 0, lights: 0 };
  for (let request = 0; request < many; request++)
    for (const [j, boost] of boostOf(dlrm, examples, request).entries()) {
      const isOne = isHeavy(examples.posts[examples.rowOf(request, j)]);
      sums[isOne ? "heavy" : "light"] += Math.log(boost);
      sums[isOne ? "heavies" : "lights"]++;
    }
  const ratio = Math.exp(sums.heavy / sums.heavies - sums.light / sums.lights);
  assert.ok(ratio > 3 && ratio < 7, `${ratio}`);
});

test("a ranker's graph is to the bit what it was where everything weighs the same, whatever that is", () => {
  const { dlrm, fit } = made(1);
  const before = dlrmGraph(dlrm);
  assert.deepEqual(dlrmGraph(fit()), before);
  const same = made(1);
  same.examples.deedWeights.fill(7);
  assert.equal(same.fit().boost, undefined);
});

test("nothing of a ranker but its boost changes", () => {
  const { dlrm, fit } = made(5);
  const before = dlrmGraph(dlrm);
  const { boost, ...heads } = fit();
  assert.ok(boost);
  assert.deepEqual(dlrmGraph(heads), before);
});

test("where weights fall on anything, held-out requests say so, and there is no boost", () => {
  const { examples, fit } = made(1, many);
  const random = new Random(9);
  for (let row = 0; row < many * rows; row++)
    examples.deedWeights.fill(random.uniform() < 0.5 ? 1 : 5, row * 3, row * 3 + 3);
  assert.equal(fit().boost, undefined);
});

test("what weighs a thousand times as much is no overflow", () => {
  const { examples, fit } = made(1000);
  const dlrm = fit();
  assert.ok(dlrm.boost?.every(Number.isFinite));
  assert.ok(boostOf(dlrm, examples, 0).every((boost) => boost > 0 && Number.isFinite(boost)));
});
