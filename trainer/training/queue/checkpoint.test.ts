import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { hour, smallCommunity } from "../../evaluation/testing.ts";
import { startBackend } from "../../models/nn/backend.ts";
import { Random } from "../../models/nn/random.ts";
import { newDlrm } from "../../models/ranker/model.ts";
import { sampledRequests } from "../../models/ranker/ranking-examples.ts";
import { randomExamples, testOptions } from "../../models/ranker/testing.ts";
import { towerDefaults } from "../../models/towers/hyperparameters.ts";
import { trainTowers } from "../../models/towers/train.ts";
import { temporaryFolder } from "../../testing.ts";
import { Checkpoint, type TrainingIdentity } from "./checkpoint.ts";

const identity: TrainingIdentity = {
  community: "0b9c1a52-6a3e-4f0d-9d0b-1d2f3a4b5c6d",
  request: 7,
  featureSpecDigest: "abc",
  configDigest: "one",
  backend: "js",
  startedFrom: null,
  vectors: null,
};

function community() {
  const random = new Random(5);
  const posts = Array.from({ length: 12 }, (_, p) => [-1, 0, `post word${p}`] as [number, number, string]);
  const interactions = Array.from(
    { length: 60 },
    (_, i) => [i % 8, random.below(12), 1 + i] as [number, number, number],
  );
  return smallCommunity(8, posts, interactions);
}

const options = { ...towerDefaults, epochs: 1, batch: 16, uniformNegatives: 8, seed: 3, until: 100 * hour };
const unexpected = () => Promise.reject(new Error("this stage was run before"));

test("towers come back with their moments: fine-tuning them gives the same as without the interruption", async (t) => {
  await startBackend("js");
  const folder = await temporaryFolder(t);
  const stages = async () => (await Checkpoint.open(folder, identity, 5)).stages(community());
  const trained = await (await stages()).towers(() => trainTowers(community(), options));
  const resumed = await (await stages()).towers(unexpected);
  const further = { ...options, learningRate: 0.001 };
  const expected = await trainTowers(community(), further, undefined, undefined, trained);
  const found = await trainTowers(community(), further, undefined, undefined, resumed);
  assert.deepEqual(found.losses, expected.losses);
  for (const table of ["tokens", "userIdEmbeddings", "postIdEmbeddings"] as const)
    assert.deepEqual(found.towers[table].weights, expected.towers[table].weights, table);
  assert.deepEqual(found.towers.dense.matrices(), expected.towers.dense.matrices());
});

test("users and posts are found by id: some have gone and others come since", async (t) => {
  await startBackend("js");
  const folder = await temporaryFolder(t);
  const before = await (await Checkpoint.open(folder, identity, 5))
    .stages(community())
    .towers(() => trainTowers(community(), options));
  const now = community();
  // user 0 is gone, so all others have another number, and one has come
  now.users.ids = [...now.users.ids.slice(1), "user new"];
  const after = await (await Checkpoint.open(folder, identity, 5)).stages(now).towers(unexpected);
  const row = (values: Float32Array, number: number) => values.slice(number * 32, (number + 1) * 32);
  const [was, is] = [before, after].map(({ towers }) => towers.userIdEmbeddings.weights.values);
  for (let user = 1; user < 8; user++) assert.deepEqual(row(is, user - 1), row(was, user), `user ${user}`);
  assert.ok(row(was, 1).some((value) => value !== 0));
  assert.deepEqual(row(is, 7), new Float32Array(32));
});

test("the ranker comes back with its towers, and the time that it took", async (t) => {
  await startBackend("js");
  const folder = await temporaryFolder(t);
  const examples = randomExamples(new Random(1), 20, 12);
  const dlrm = newDlrm(examples, Uint32Array.from(examples.requests.keys()), testOptions, new Random(1));
  const sampled = sampledRequests(examples);
  const features = [{ feature: "log_age", edges: [1], shares: [0.4, 0.6] }];
  const ranker = { dlrm, dlrmLosses: [2, 1], heldOutLosses: [2], epoch: 1, requests: 20, sampled, features };
  const first = await Checkpoint.open(folder, identity, 5);
  first.stopwatch.startAt({ wall: 1000, processor: 500 });
  const towers = await trainTowers(community(), options);
  await first.stages(community()).ranker(() => Promise.resolve({ ranker, towers }));
  const second = await Checkpoint.open(folder, identity, 9);
  assert.equal(second.learnedUntil, 5, "it learns up to the instant at which it began");
  const kept = await second.stages(community()).ranker(unexpected);
  const { dlrm: read, ...rest } = kept.ranker;
  assert.deepEqual(kept.towers.towers.tokens.weights.values, towers.towers.tokens.weights.values);
  assert.equal(kept.towers.steps, towers.steps);
  assert.deepEqual(read.dense.matrices(), dlrm.dense.matrices());
  assert.deepEqual(rest, { dlrmLosses: [2, 1], heldOutLosses: [2], epoch: 1, requests: 20, sampled, features });
  const { wall, processor } = second.stopwatch.read();
  assert.ok(wall > 1000 && wall < 1100 && processor > 500 && processor < 600);
});

for (const [what, other] of Object.entries({
  community: { community: "1c9c1a52-6a3e-4f0d-9d0b-1d2f3a4b5c6d" },
  request: { request: 8 },
  "feature spec": { featureSpecDigest: "def" },
  settings: { configDigest: "another" },
  backend: { backend: "wasm" },
  "model to start from": { startedFrom: 3 },
}))
  test(`what was kept for another ${what} is thrown away`, async (t) => {
    const folder = await temporaryFolder(t);
    await Checkpoint.open(folder, identity, 5);
    await writeFile(join(folder, "towers.v8"), "");
    const opened = await Checkpoint.open(folder, { ...identity, ...other }, 9);
    assert.equal(opened.learnedUntil, 9);
    assert.deepEqual(await readdir(folder), ["training.json"]);
  });

test("a damaged stage is trained again, a half-written one was never there, and a damaged folder begins from scratch", async (t) => {
  const folder = await temporaryFolder(t);
  const examples = randomExamples(new Random(1), 20, 12);
  const dlrm = newDlrm(examples, Uint32Array.from(examples.requests.keys()), testOptions, new Random(1));
  await startBackend("js");
  const towers = await trainTowers(community(), options);
  let trained = 0;
  const train = async () => {
    trained++;
    const ranker = { dlrm, dlrmLosses: [], heldOutLosses: [], epoch: 0, requests: 20, sampled: [], features: [] };
    return { ranker, towers };
  };
  const run = async () => (await Checkpoint.open(folder, identity, 5)).stages(community()).ranker(train);
  await run();
  await run();
  assert.equal(trained, 1);
  const path = join(folder, "ranker-and-towers.v8");
  const whole = await readFile(path);
  await writeFile(path, whole.subarray(0, 1000));
  await run();
  assert.equal(trained, 2);
  await writeFile(`${path}.partial`, whole.subarray(0, 1000));
  await run();
  assert.equal(trained, 2);
  await writeFile(join(folder, "training.json"), "{");
  await run();
  assert.equal(trained, 3);
});
