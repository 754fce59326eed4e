/**
 * The baselines against the figures an independent implementation got on public data. The data is not part of the
 * repository: COMMUNITY_DATA names its folder, ../shared/data next to the repository by default.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { communityFromBundle } from "../../data/replay/testing-bundle.ts";
import { runCut } from "../protocols/cut.ts";
import { runReplay } from "../protocols/replay.ts";
import { sizesOf } from "../testing.ts";
import { als, ease, itemKnn } from "./collaborative.ts";
import { lastActive, mostRecent, popularity, recencyBaselineRecommender } from "./simple.ts";
import { textKnn, textKnnRecency } from "./text-knn.ts";

const data = process.env.COMMUNITY_DATA ?? join(import.meta.dirname, "../../../../shared/data");
const skip = (name: string) =>
  existsSync(join(data, name)) ? false : `no real community: set COMMUNITY_DATA to a folder with ${name}`;

test("ml-100k, random split of seed 42: within .01", { skip: skip("ml-100k") }, async () => {
  const community = await communityFromBundle(join(data, "ml-100k"));
  const sizes = sizesOf(community);
  const expected: [recall20: number, recall100: number, ndcg20: number][] = [
    [0.229, 0.431, 0.217],
    [0.358, 0.568, 0.355],
    [0.459, 0.708, 0.444],
    [0.464, 0.726, 0.447],
  ];
  const recommenders = [popularity(sizes), itemKnn(sizes, 100), ease(sizes), als(sizes, { factors: 32 })];
  const results = await runCut(community, { split: "random", seed: 42 }, recommenders);
  for (const [r, { name, lists, metrics }] of results.entries()) {
    assert.equal(lists.length, 942);
    for (const [m, metric] of (["recall@20", "recall@100", "ndcg@20"] as const).entries()) {
      const { mean } = metrics.all[metric];
      assert.ok(Math.abs(mean - expected[r][m]) < 0.01, `${name}: ${metric} ${mean}, not ${expected[r][m]}`);
    }
  }
});

test("travel-se, live replay of 2,000 events: within two standard errors", { skip: skip("travel-se") }, async () => {
  const community = await communityFromBundle(join(data, "travel-se"));
  const sizes = sizesOf(community);
  const expected: [recall20: number, mrr: number][] = [
    [0.777, 0.353],
    [0.76, 0.301],
    [0.713, 0.339],
    [0.169, 0.053],
    [0.173, 0.089],
    [0.714, 0.281],
    [0.034, 0.011],
  ];
  const recommenders = [
    recencyBaselineRecommender(),
    lastActive(sizes),
    mostRecent(sizes),
    popularity(sizes, 7 * 24),
    itemKnn(sizes),
    textKnnRecency(sizes),
    textKnn(sizes),
  ];
  const options = { validFrom: Date.parse("2017-01-01"), testFrom: Date.parse("2017-04-01"), sample: 2000, seed: 1 };
  const results = await runReplay(community, options, recommenders);
  for (const [r, { name, metrics }] of results.entries()) {
    const { "recall@20": recall, mrr } = metrics.all;
    assert.ok(Math.abs(recall.mean - expected[r][0]) < 2 * recall.error, `${name}: R@20 ${recall.mean}`);
    assert.ok(Math.abs(mrr.mean - expected[r][1]) < 2 * mrr.error, `${name}: MRR ${mrr.mean}`);
  }
});
