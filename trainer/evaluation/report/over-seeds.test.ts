import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { overSeedsOf, overSeedsTable, spreadOf, writeOverSeeds } from "./over-seeds.ts";
import type { EvaluationReport } from "./report.ts";

/** A report of two recommenders; `votes` undefined: no votes in the seed's sample. */
function reportOf(seed: number, recall: number, difference: number, votes: number | undefined): EvaluationReport {
  const slice = (mean: number) => ({ all: { lists: 10, "recall@20": { mean, error: 0.1 } } });
  const rest = { recall: [], diversity: { coverage: 0, gini: 0, intraListSimilarity: 0 } };
  const seconds = { train: 0, observe: 0, score: 0 };
  return {
    protocol: "replay",
    settings: { test_from: "2017-04-01", seed },
    primary: "system",
    baseline: "last active",
    recommenders: [
      { name: "system", metrics: slice(recall), differences: slice(difference), ...rest, seconds },
      { name: "last active", metrics: slice(0.5), differences: {}, ...rest, seconds },
    ],
    extras: {
      heads: votes === undefined ? [] : [{ head: "vote", models: [{ name: "DLRM", metrics: { auc: votes } }] }],
      ann: { posts: 5, users: 2, recall: [{ k: 20, mean: 1 }], seconds: { build: 0, search: 0 } },
    },
  };
}

const reports = [reportOf(4, 0.5, 0, 0.875), reportOf(7, 0.75, 0.25, undefined), reportOf(9, 1, 0.5, 0.625)];

test("mean and range by hand", () => {
  assert.deepEqual(spreadOf([2, 6, 1]), { mean: 3, lowest: 1, highest: 6, each: [2, 6, 1] });
});

test("every figure over the seeds; what a seed does not have is left out", () => {
  const { settings, seeds, recommenders, heads, ann } = overSeedsOf([4, 7, 9], reports);
  assert.deepEqual(settings, { test_from: "2017-04-01" });
  assert.deepEqual(seeds, [4, 7, 9]);
  assert.deepEqual(recommenders[0].metrics.all["recall@20"], {
    mean: 0.75,
    lowest: 0.5,
    highest: 1,
    each: [0.5, 0.75, 1],
  });
  assert.equal(recommenders[0].differences.all["recall@20"].mean, 0.25);
  assert.deepEqual(recommenders[1].differences, {});
  assert.deepEqual(heads[0].models[0].metrics.auc, { mean: 0.75, lowest: 0.625, highest: 0.875, each: [0.875, 0.625] });
  assert.equal(ann["recall@20"].lowest, 1);
});

test("a seed that had no event of a slice is left out of its figure", () => {
  const [none, ...some] = [Number.NaN, 0.25, 0.75].map((recall, seed) => reportOf(seed, recall, 0, undefined));
  const { recommenders } = overSeedsOf([0, 1, 2], [none, ...some]);
  assert.deepEqual(recommenders[0].metrics.all["recall@20"], {
    mean: 0.5,
    lowest: 0.25,
    highest: 0.75,
    each: [0.25, 0.75],
  });
  assert.match(overSeedsTable(overSeedsOf([0], [none])), /^system +–/m);
});

test("the folder of several seeds, and the table of the terminal", async () => {
  const report = overSeedsOf([4, 7, 9], reports);
  assert.match(overSeedsTable(report), /system +0\.750 \(0\.500\sto\s1\.000\)/);
  const folder = await mkdtemp(join(tmpdir(), "over-seeds-"));
  try {
    await writeOverSeeds(folder, report);
    assert.deepEqual(JSON.parse(await readFile(join(folder, "metrics.json"), "utf8")), report);
    const html = await readFile(join(folder, "report.html"), "utf8");
    assert.match(html, /recall@20, all, 3 seeds of 10 lists/);
    assert.match(html, /href="seed-7\/report.html"/);
    assert.doesNotMatch(html, /NaN|undefined/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
