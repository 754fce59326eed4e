import assert from "node:assert/strict";
import { test } from "node:test";
import { tinyGraphs } from "../../../testing/community.ts";
import { smallCommunity } from "../../evaluation/testing.ts";
import { Random } from "../../models/nn/random.ts";
import { boostWidth } from "../../models/ranker/boost.ts";
import { newDlrm } from "../../models/ranker/model.ts";
import { randomExamples, testOptions } from "../../models/ranker/testing.ts";
import { towerDefaults } from "../../models/towers/hyperparameters.ts";
import { newTowers, TowerData } from "../../models/towers/model.ts";
import { dlrmGraph } from "./dlrm.ts";
import { dlrmOf, towersOf } from "./read-weights.ts";
import { postTowerGraph, userTowerGraph } from "./towers.ts";

const random = new Random(3);

test("the towers are read back from their graphs to the bit", () => {
  const community = smallCommunity(2, [[0, 0, "garden chess"]], [[1, 0, 1]]);
  const towers = newTowers(community, new TowerData(community, towerDefaults), 1e12, towerDefaults, random);
  for (const { values } of Object.values(towers.dense.matrices())) shake(values);
  const read = towersOf(userTowerGraph(towers), postTowerGraph(towers));
  assert.deepEqual(read.dense.matrices(), towers.dense.matrices());
  assert.deepEqual(read.tokens.weights.values, towers.tokens.weights.values);
});

test("the ranker is read back from its graph to the bit", () => {
  const examples = randomExamples(random, 20, 12);
  const dlrm = newDlrm(examples, Uint32Array.from(examples.requests.keys()), testOptions, random);
  for (const { values } of Object.values(dlrm.dense.matrices())) shake(values);
  for (const values of [dlrm.wide.weights.values, dlrm.calibration.scale, dlrm.calibration.shift]) shake(values);
  dlrm.newUserStrength = 0.75;
  const before = dlrmOf(dlrmGraph(dlrm));
  assert.deepEqual([before.boost, before.newUserPopularity], [undefined, 0]);
  dlrm.newUserPopularity = 1.5;
  dlrm.boost = Float32Array.from({ length: boostWidth }, () => random.normal());
  const read = dlrmOf(dlrmGraph(dlrm));
  assert.deepEqual([read.newUserStrength, read.newUserPopularity], [0.75, 1.5]);
  assert.deepEqual(read.boost, dlrm.boost);
  assert.deepEqual(read.dense.matrices(), dlrm.dense.matrices());
  for (const table of ["embeddings", "wide"] as const)
    assert.deepEqual(read[table].weights.values, dlrm[table].weights.values, table);
  for (const values of ["mean", "deviation", "calibration"] as const) assert.deepEqual(read[values], dlrm[values]);
});

test("a ranker with optional heads is read back by their names, and by no others", () => {
  const heads = ["view", "vote", "comment", "dismiss", "long_view"] as const;
  const examples = randomExamples(random, 20, 12, () => {}, heads);
  const dlrm = newDlrm(examples, Uint32Array.from(examples.requests.keys()), testOptions, random);
  for (const { values } of Object.values(dlrm.dense.matrices())) shake(values);
  const read = dlrmOf(dlrmGraph(dlrm), heads);
  assert.deepEqual(read.heads, heads);
  assert.deepEqual(read.dense.matrices(), dlrm.dense.matrices());
  assert.throws(() => dlrmOf(dlrmGraph(dlrm)), /the graph has 160 numbers for top\/3\/weight, not 96 numbers/);
});

test("graphs with other weights are refused", () => {
  const { user_tower, post_tower, dlrm } = tinyGraphs();
  assert.throws(() => towersOf(user_tower, post_tower), /the graph has nothing for user\/mix, not 3 numbers/);
  assert.throws(() => dlrmOf(dlrm), /the graph has nothing for bottom\/1\/weight/);
});

function shake(values: Float32Array): void {
  for (let i = 0; i < values.length; i++) values[i] += random.normal();
}
