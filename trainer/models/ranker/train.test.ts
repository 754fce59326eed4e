import assert from "node:assert/strict";
import { before, test } from "node:test";
import { categories } from "../../../supabase/functions/_shared/features/categories.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { startBackend } from "../nn/backend.ts";
import { Random } from "../nn/random.ts";
import { logAgeColumn, logIdleColumn } from "./dense-features.ts";
import { dlrmForward } from "./forward.ts";
import { newDlrm } from "./model.ts";
import type { RankingExamples } from "./ranking-examples.ts";
import { randomExamples, testOptions } from "./testing.ts";
import { trainDlrm } from "./train.ts";
import { fitWidePrior, widePriorScores } from "./wide-prior.ts";

before(() => startBackend());

const rows = 12;
const requestsOf = (examples: RankingExamples) => Uint32Array.from(examples.requests.keys());
/** The positive has this column 2 deviations above the others. */
const column = logAgeColumn + 4;
const lifted = (dense: Float32Array) => {
  dense[column] += 2;
};

test("an untrained ranker orders as its start says, in every head, and its probabilities sum to the interactions", () => {
  const examples = randomExamples(new Random(1), 40, rows);
  const requests = requestsOf(examples);
  const logits = dlrmForward(newDlrm(examples, requests, testOptions, new Random(1)), examples, requests);
  const scores = widePriorScores(examples, requests, fitWidePrior(examples, requests, testOptions.scoreWeights));
  const order = (value: (row: number) => number, request: number) =>
    Array.from({ length: rows }, (_, i) => request * rows + i).sort((a, b) => value(b) - value(a));
  for (const request of requests)
    for (let head = 0; head < kinds.length; head++)
      assert.deepEqual(
        order((row) => logits[row * kinds.length + head], request),
        order((row) => scores[row], request),
      );
  for (const [head, positives] of [
    [1, 10],
    [2, 40],
  ]) {
    let sum = 0;
    for (let row = 0; row < 40 * rows; row++) sum += 1 / (1 + Math.exp(-logits[row * kinds.length + head]));
    assert.ok(Math.abs(sum - positives) < 0.1 * positives, `head ${head} predicts ${sum} of ${positives}`);
  }
});

test("learns what marks the positive, and ranks new requests by it", async () => {
  const examples = randomExamples(new Random(2), 400, rows, lifted);
  const { training, heldOut } = split(examples);
  const { dlrm, heldOutLosses, epoch } = await trainDlrm(examples, { training, heldOut }, testOptions);
  assert.ok(epoch > 0);
  assert.ok(heldOutLosses[epoch] < heldOutLosses[0] - 0.5, heldOutLosses.join(" "));
  const fresh = randomExamples(new Random(3), 200, rows, lifted);
  const logits = dlrmForward(dlrm, fresh, requestsOf(fresh));
  let ahead = 0;
  for (let r = 0; r < 200; r++)
    for (let i = 1; i < rows; i++)
      if (logits[(r * rows + i) * kinds.length + 2] > logits[r * rows * kinds.length + 2]) ahead++;
  assert.ok(ahead / 200 < 2.5, `${ahead / 200} posts rank above the positive, 5.5 would be chance`);
});

test("keeps the start where training only fits noise, and ends with the first epoch that does no better", async () => {
  const examples = randomExamples(new Random(4), 60, rows, (dense) => {
    dense[logIdleColumn] -= 3;
  });
  const { training, heldOut } = split(examples);
  // so fast that the first epoch already knows nothing but its window
  const options = { ...testOptions, learningRate: 0.3, epochs: 2 };
  const { dlrm, heldOutLosses, epoch } = await trainDlrm(examples, { training, heldOut }, options);
  assert.equal(heldOutLosses.length, 2);
  assert.ok(heldOutLosses[1] > heldOutLosses[0], heldOutLosses.join(" "));
  assert.equal(epoch, 0);
  const untrained = newDlrm(examples, training, testOptions, new Random(testOptions.seed));
  assert.deepEqual(dlrm.wide.weights.values, untrained.wide.weights.values);
  assert.deepEqual(dlrm.dense.values("wide/recency_baseline"), untrained.dense.values("wide/recency_baseline"));
});

test("requests whose post was not found teach nothing", async () => {
  const examples = randomExamples(new Random(6), 120, rows, lifted);
  const parts = split(examples);
  examples.found.fill(0, 0, 60);
  const train = async () => {
    const { dlrm, epoch } = await trainDlrm(examples, parts, { ...testOptions, epochs: 1 });
    assert.equal(epoch, 1);
    return dlrm.dense.values("top/3/weight");
  };
  const before = await train();
  examples.labels.subarray(0, 60 * rows * kinds.length).reverse();
  assert.deepEqual(await train(), before);
});

test("where retrieval found none of the positives, the start stays", async () => {
  const examples = randomExamples(new Random(9), 40, rows);
  examples.found.fill(0);
  const { dlrm, epoch } = await trainDlrm(examples, split(examples), testOptions);
  assert.equal(epoch, 0);
  assert.ok(dlrmForward(dlrm, examples, Uint32Array.of(0)).every(Number.isFinite));
});

test("where nothing is held out, the last epoch is kept, and a ranker that is given goes on learning", async () => {
  const examples = randomExamples(new Random(2), 200, rows, lifted);
  const parts = { training: requestsOf(examples), heldOut: new Uint32Array() };
  const first = await trainDlrm(examples, parts, { ...testOptions, epochs: 2 });
  assert.equal(first.epoch, 2);
  const further = await trainDlrm(examples, parts, { ...testOptions, epochs: 1 }, undefined, undefined, first.dlrm);
  assert.equal(further.dlrm, first.dlrm);
  assert.ok(further.losses[0] < first.losses[1], `${further.losses} after ${first.losses}`);
});

test("only categories that occurred move", async () => {
  const examples = randomExamples(new Random(7), 200, rows, lifted);
  const [{ size }] = categories;
  for (let row = 0; row < 200 * rows; row++) examples.categories[row * categories.length] %= size / 2;
  const { training, heldOut } = split(examples);
  const untrained = newDlrm(examples, training, testOptions, new Random(testOptions.seed));
  const { dlrm, epoch } = await trainDlrm(examples, { training, heldOut }, { ...testOptions, epochs: 3 });
  assert.ok(epoch > 0);
  const moved = (row: number) =>
    dlrm.embeddings.weights.values
      .subarray(row * 32, (row + 1) * 32)
      .some((x, d) => x !== untrained.embeddings.weights.values[row * 32 + d]);
  for (let row = 0; row < size; row++) assert.equal(moved(row), row < size / 2, `row ${row}`);
});

test("same seed, same weights; another seed, others", async () => {
  const examples = randomExamples(new Random(8), 80, rows, lifted);
  const parts = split(examples);
  const train = async (seed: number) => {
    const { dlrm } = await trainDlrm(examples, parts, { ...testOptions, seed, epochs: 2 });
    return [...dlrm.dense.values("top/3/weight"), ...dlrm.embeddings.weights.values];
  };
  assert.deepEqual(await train(1), await train(1));
  assert.notDeepEqual(await train(1), await train(2));
});

function split(examples: RankingExamples): { training: Uint32Array; heldOut: Uint32Array } {
  const all = requestsOf(examples);
  const at = Math.floor(0.8 * all.length);
  return { training: all.subarray(0, at), heldOut: all.subarray(at) };
}
