/** A kept training is found again until its code, config, community or seed changes. */
import assert from "node:assert/strict";
import { readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { dlrmGraph } from "./artifacts/onnx/dlrm.ts";
import { hour, smallCommunity } from "./evaluation/testing.ts";
import { startBackend } from "./models/nn/backend.ts";
import { Random } from "./models/nn/random.ts";
import { newDlrm } from "./models/ranker/model.ts";
import { sampledRequests } from "./models/ranker/ranking-examples.ts";
import { randomExamples, testOptions } from "./models/ranker/testing.ts";
import { type TrainedTowers, trainTowers } from "./models/towers/train.ts";
import type { RankerStage } from "./pipeline.ts";
import { temporaryFolder } from "./testing.ts";
import { digestOfFiles, keptStages, trainingDigest } from "./testing-models.ts";
import { configSchema, defaultConfig } from "./training/config/config.ts";

const config = configSchema.parse({ towers: { tokenRows: 1024 } });
const community = (title = "post") =>
  smallCommunity(
    8,
    Array.from({ length: 12 }, (_, p) => [-1, 0, `${title} word${p}`]),
    Array.from({ length: 60 }, (_, i) => [i % 8, (i * 5) % 12, 1 + i]),
  );
const training = () => ({ community: community(), config, others: { seed: 1 } });
let towers: TrainedTowers;
let stage: RankerStage;

before(async () => {
  await startBackend("js");
  const until = 100 * hour;
  towers = await trainTowers(community(), {
    ...config.towers,
    epochs: 1,
    batch: 16,
    uniformNegatives: 8,
    seed: 3,
    until,
  });
  const examples = randomExamples(new Random(1), 20, 12);
  const dlrm = newDlrm(examples, Uint32Array.from(examples.requests.keys()), testOptions, new Random(1));
  const sampled = sampledRequests(examples);
  const ranker = { dlrm, dlrmLosses: [2, 1], heldOutLosses: [2], epoch: 1, requests: 20, sampled, features: [] };
  stage = { ranker, towers };
});

/** Runs both stages of a training; gives what the second left, and how many had to be trained. */
async function run(folder: string, of = training()) {
  let trained = 0;
  const stages = keptStages(of, folder);
  await stages.towers(async () => {
    trained++;
    return towers;
  });
  const left = await stages.ranker(async () => {
    trained++;
    return stage;
  });
  return { left, trained };
}

test("the digest changes with the sources, the config, the community, the seed and the backend", async (t) => {
  const known = trainingDigest(training());
  assert.equal(trainingDigest(training()), known);
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "train.ts"), "export const rate = 1;");
  const code = digestOfFiles(folder, ["train.ts"]);
  const before = trainingDigest(training(), code);
  await writeFile(join(folder, "train.ts"), "export const rate = 2;");
  const others = [
    before,
    trainingDigest(training(), digestOfFiles(folder, ["train.ts"])),
    trainingDigest({ ...training(), config: defaultConfig }),
    trainingDigest({ ...training(), community: community("another") }),
    trainingDigest({ ...training(), others: { seed: 2 } }),
  ];
  await startBackend("wasm");
  others.push(trainingDigest(training()));
  await startBackend("js");
  assert.equal(new Set([known, ...others]).size, 1 + others.length);
});

test("a training is kept, and found again in another run, to the last weight", async (t) => {
  const folder = await temporaryFolder(t);
  assert.equal((await run(folder)).trained, 2);
  const { left, trained } = await run(folder);
  assert.equal(trained, 0);
  assert.deepEqual(dlrmGraph(left.ranker.dlrm), dlrmGraph(stage.ranker.dlrm));
  assert.deepEqual(left.towers.towers.tokens.weights, towers.towers.tokens.weights);
  assert.equal((await run(folder, { ...training(), others: { seed: 2 } })).trained, 2);
});

test("of equal trainings at the same time one is kept, complete", async (t) => {
  const folder = await temporaryFolder(t);
  await Promise.all(Array.from({ length: 4 }, () => run(folder)));
  assert.deepEqual(await readdir(folder), [trainingDigest(training())]);
  assert.equal((await run(folder)).trained, 0);
});

test("a training that no test used for a week is removed", async (t) => {
  const folder = await temporaryFolder(t);
  const old = { ...training(), others: { seed: 2 } };
  const longAgo = new Date(Date.now() - 8 * 86_400_000);
  for (const each of [training(), old]) await run(folder, each);
  for (const each of [training(), old]) await utimes(join(folder, trainingDigest(each)), longAgo, longAgo);
  assert.equal((await run(folder)).trained, 0);
  assert.deepEqual(await readdir(folder), [trainingDigest(training())]);
});
