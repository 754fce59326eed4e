import assert from "node:assert/strict";
import { before, test } from "node:test";
import { startBackend } from "../nn/backend.ts";
import { Random } from "../nn/random.ts";
import {
  activityColumns,
  denseWidth,
  logAgeColumn,
  logIdleColumn,
  popularityColumn,
  similarityColumn,
} from "./dense-features.ts";
import { dlrmForward } from "./forward.ts";
import { type Dlrm, newDlrm } from "./model.ts";
import { fitNewUserBlend } from "./new-users.ts";
import type { RankingExamples } from "./ranking-examples.ts";
import { randomExamples, testOptions } from "./testing.ts";
import { widePriorScores } from "./wide-prior.ts";

before(() => startBackend());

const rows = 12;

/** Requests of people who have done nothing, whose positives stand out by what `plant` does to them. */
function asNew(requests: number, plant: (dense: Float32Array) => void): RankingExamples {
  const examples = randomExamples(new Random(1), requests, rows, plant);
  for (let row = 0; row < requests * rows; row++)
    for (const column of activityColumns) examples.dense[row * denseWidth + column] = 0;
  return examples;
}

/** A ranker that knows the recency baseline and, as its own word, that similar posts are better. */
function rankerOf(examples: RankingExamples) {
  const dlrm = newDlrm(examples, Uint32Array.from(examples.requests.keys()), testOptions, new Random(1));
  dlrm.dense.values("wide/recency_baseline").fill(1);
  const wide = dlrm.dense.values("wide/dense");
  for (let head = 0; head < 3; head++) wide[similarityColumn * 3 + head] = 2;
  return dlrm;
}

/** The rows of a request in the order of the ranker's votes. */
function orderOf(dlrm: Dlrm, examples: RankingExamples, request: number): number[] {
  const logits = dlrmForward(dlrm, examples, Uint32Array.of(request));
  return [...Array(rows).keys()].sort((a, b) => logits[b * 3 + 1] - logits[a * 3 + 1]);
}

/** The same by a dense feature, the most first. */
function orderBy({ dense }: RankingExamples, request: number, column: number): number[] {
  const of = (row: number) => dense[(request * rows + row) * denseWidth + column];
  return [...Array(rows).keys()].sort((a, b) => of(b) - of(a));
}

/** No user was new; all are shown as if they were. */
const shownAsNew = (asNew: RankingExamples) => ({ requests: new Uint32Array(), examples: asNew, asNew });

test("where its own word helps new people it counts, and where it misleads them the baseline stands alone", () => {
  const helps = asNew(200, (dense) => {
    dense[similarityColumn] += 2;
  });
  const good = rankerOf(helps);
  fitNewUserBlend(good, shownAsNew(helps), testOptions.scoreWeights);
  assert.ok(good.newUserStrength >= 0.5, `${good.newUserStrength}`);
  const misleads = asNew(200, (dense) => {
    dense[logIdleColumn] -= 2;
    dense[similarityColumn] -= 1;
  });
  const bad = rankerOf(helps);
  fitNewUserBlend(bad, shownAsNew(misleads), testOptions.scoreWeights);
  assert.equal(bad.newUserStrength, 0);
});

test("where requests of people who were new are sure enough, they decide, whatever veterans shown as new would say", () => {
  const helps = asNew(200, (dense) => {
    dense[similarityColumn] += 2;
  });
  const misleads = asNew(200, (dense) => {
    dense[logIdleColumn] -= 2;
    dense[similarityColumn] -= 1;
  });
  const dlrm = rankerOf(helps);
  const fit = (requests: Uint32Array, asNew: RankingExamples) => {
    fitNewUserBlend(dlrm, { requests, examples: helps, asNew }, testOptions.scoreWeights);
    return dlrm.newUserStrength;
  };
  assert.ok(
    fit(
      Uint32Array.from({ length: 60 }, (_, i) => i),
      misleads,
    ) >= 0.5,
  );
  assert.equal(fit(Uint32Array.of(3), misleads), 0, "one request says nothing for sure");
});

test("where popularity surely orders more of the pages of new people right than the recency baseline, it is their list", () => {
  const popular = asNew(200, (dense) => {
    dense[popularityColumn] += 2;
    dense[similarityColumn] -= 1;
  });
  const dlrm = rankerOf(popular);
  fitNewUserBlend(dlrm, shownAsNew(popular), testOptions.scoreWeights);
  assert.equal(dlrm.newUserStrength, 0, "what the ranker says misleads");
  assert.ok(dlrm.newUserPopularity > 0, `${dlrm.newUserPopularity}`);
  assert.deepEqual(orderOf(dlrm, popular, 1), orderBy(popular, 1, popularityColumn));
  const recent = asNew(200, (dense) => {
    dense[popularityColumn] += 0.5;
    dense[logIdleColumn] -= 3;
  });
  fitNewUserBlend(dlrm, shownAsNew(recent), testOptions.scoreWeights);
  assert.equal(dlrm.newUserPopularity, 0);
});

test("of posts that the list cannot tell apart none stands first", () => {
  const examples = asNew(200, (dense) => {
    dense[similarityColumn] += 2;
  });
  for (let at = 0; at < examples.dense.length; at += denseWidth)
    for (const column of [logIdleColumn, logAgeColumn, popularityColumn]) examples.dense[at + column] = 1;
  const dlrm = rankerOf(examples);
  fitNewUserBlend(dlrm, shownAsNew(examples), testOptions.scoreWeights);
  assert.ok(dlrm.newUserStrength >= 0.5, `${dlrm.newUserStrength}`);
});

test("a handful of requests is too few to be sure; without any, new people get the baseline", () => {
  const few = asNew(3, (dense) => {
    dense[similarityColumn] += 2;
  });
  const dlrm = rankerOf(few);
  few.found.fill(0);
  fitNewUserBlend(dlrm, shownAsNew(few), testOptions.scoreWeights);
  assert.equal(dlrm.newUserStrength, 0);
});

test("with a strength of 0 people who have done nothing get the order of the recency baseline, and all others the ranker's", () => {
  const examples = asNew(4, () => {});
  const dlrm = rankerOf(examples);
  // the second request is of a user who voted once
  for (let i = 0; i < rows; i++) examples.dense[(rows + i) * denseWidth + activityColumns[1]] = Math.log(2);
  const requests = Uint32Array.of(0, 1);
  const own = dlrmForward(dlrm, examples, requests);
  dlrm.newUserStrength = 0;
  const leaning = dlrmForward(dlrm, examples, requests);
  const order = (values: (row: number) => number) =>
    Array.from({ length: rows }, (_, i) => i).sort((a, b) => values(b) - values(a));
  const baseline = widePriorScores(examples, requests, { recencyBaseline: 1, weights: [0, 0, 0] });
  assert.deepEqual(
    order((row) => leaning[row * 3]),
    order((row) => baseline[row]),
  );
  assert.notDeepEqual(
    order((row) => own[row * 3]),
    order((row) => baseline[row]),
  );
  assert.deepEqual(leaning.subarray(rows * 3), own.subarray(rows * 3));
});
