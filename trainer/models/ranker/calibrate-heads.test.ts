import assert from "node:assert/strict";
import { before, test } from "node:test";
import { startBackend } from "../nn/backend.ts";
import { Random } from "../nn/random.ts";
import { calibrateHeads, expectedPositives, shiftHeads } from "./calibrate-heads.ts";
import { type Dlrm, newDlrm } from "./model.ts";
import { unknown } from "./requests.ts";
import { randomExamples, testOptions } from "./testing.ts";

before(() => startBackend("js"));

const rows = 12;
// a view never, a vote in every fourth request, a comment in all
const examples = randomExamples(new Random(1), 40, rows);
const requests = Uint32Array.from(examples.requests.keys());

/** An untrained ranker that expects three times what happens. */
function sanguine(): Dlrm {
  const dlrm = newDlrm(examples, requests, testOptions, new Random(1));
  for (let round = 0; round < 20; round++)
    for (const [head, expected] of expectedPositives(dlrm, examples, requests).entries())
      dlrm.calibration.shift[head] += Math.log((3 * [1, 10, 40][head]) / expected);
  return dlrm;
}

const close = (actual: number[], expected: number[], tolerance: number) =>
  assert.ok(
    actual.every((value, i) => Math.abs(value - expected[i]) < tolerance),
    `${actual} is not ${expected}`,
  );

test("a whole window of requests says all, half of one says half", () => {
  const made = sanguine();
  const expected = expectedPositives(made, examples, requests);
  close(expected, [3, 30, 120], 1);
  for (const [whole, positives] of [
    [40, [1, 11, 41]],
    [20, [1, 11, 41]],
    [80, [2, 20.5, 80.5]],
    [4_000_000, expected],
  ] as const) {
    const { scale, shift } = made.calibration;
    const dlrm = { ...made, calibration: { scale: scale.slice(), shift: shift.slice() } };
    shiftHeads(dlrm, examples, requests, expected, whole);
    close(expectedPositives(dlrm, examples, requests), [...positives], 1);
    assert.deepEqual(dlrm.calibration.scale, scale);
  }
});

/** Examples whose rows were dismissed with a chance of a tenth, but for unknown ones. */
function dismissing(known: (row: number) => boolean) {
  const random = new Random(2);
  const of = randomExamples(random, 40, rows, () => {}, ["view", "vote", "comment", "dismiss"]);
  for (let row = 0; row < 40 * rows; row++) {
    const label = random.uniform() < 0.1 ? 1 : 0;
    of.labels[row * 4 + 3] = known(row) ? label : unknown;
  }
  return of;
}

test("a head expects as many as there were among the labels that count, also where no view was", () => {
  const of = dismissing((row) => row % 3 > 0);
  of.found.fill(0);
  const dlrm = newDlrm(of, requests, testOptions, new Random(1));
  calibrateHeads(dlrm, of, { training: requests.subarray(0, 30), heldOut: requests.subarray(30) });
  const happened = requests.reduce((sum, request) => sum + of.positives(request, 3), 0);
  const expected = expectedPositives(dlrm, of, requests)[3];
  assert.ok(happened > 20 && Math.abs(expected - happened) < 2, `${expected} expected of ${happened}`);
});

test("a head of which nobody knows any label stays as it is", () => {
  const of = dismissing(() => false);
  const dlrm = newDlrm(
    dismissing(() => true),
    requests,
    testOptions,
    new Random(1),
  );
  const before = [...dlrm.calibration.shift];
  shiftHeads(dlrm, of, requests, expectedPositives(dlrm, of, requests), 40);
  assert.equal(dlrm.calibration.shift[3], before[3]);
  assert.ok([...dlrm.calibration.shift].every(Number.isFinite));
});
