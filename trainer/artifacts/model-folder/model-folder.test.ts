import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { handMadeModel } from "../../../testing/gate.ts";
import { newestModelFolder, readModelFolder, writeModelFolder } from "./model-folder.ts";
import { samplesToJson } from "./samples.ts";

const model = await handMadeModel({
  name: "tiny",
  community: "0b9c1a52-6a3e-4f0d-9d0b-1d2f3a4b5c6d",
  postIdEmbeddings: new Map([["a", Float32Array.from({ length: 32 }, (_, i) => i / 32)]]),
  training_features: [{ feature: "post log_age", edges: [1.5, 2], shares: [0.5, 0.25, 0.25] }],
});

test("what is written is read", async () => {
  await inFolder(async (folder) => {
    await writeModelFolder(folder, model);
    const read = await readModelFolder(folder);
    assert.equal(read.name, "tiny");
    assert.deepEqual(read.metrics, model.metrics);
    assert.deepEqual(read.training_features, model.training_features);
    assert.deepEqual(read.postIdEmbeddings, model.postIdEmbeddings);
    assert.deepEqual([...read.graphs.dlrm], [...model.graphs.dlrm]);
    assert.deepEqual(read.samples, model.samples);
    assert.deepEqual(read.heldBack.postIdEmbeddings, model.heldBack.postIdEmbeddings);
    assert.deepEqual(read.heldBack.from, model.heldBack.from);
    assert.deepEqual([...read.heldBack.graphs.post_tower], [...model.heldBack.graphs.post_tower]);
  });
});

test("a graph that breaks the contract is not written, and no folder stays", async () => {
  await inFolder(async (folder) => {
    const { user_tower, post_tower } = model.graphs;
    const swapped = { ...model, graphs: { ...model.graphs, user_tower: post_tower, post_tower: user_tower } };
    await assert.rejects(writeModelFolder(folder, swapped), /the graph has no input history/);
    await assert.rejects(readdir(folder), /ENOENT/);
  });
});

const damages: [name: string, file: string, change: (bytes: Buffer) => Buffer, error: RegExp][] = [
  ["a flipped bit in a graph", "dlrm.onnx", (bytes) => flipped(bytes), /is damaged \(dlrm.onnx\): train again/],
  ["a cut graph", "user_tower.onnx", (bytes) => bytes.subarray(0, 100), /is damaged \(user_tower.onnx\): train again/],
  ["a model.json that is not JSON", "model.json", () => Buffer.from("{"), /is damaged \(model.json\): train again/],
  [
    "a model.json of an older version",
    "model.json",
    (bytes) => Buffer.from(bytes.toString().replace(/"learned_until": "[^"]+",/, "")),
    /was written by an older version: train again/,
  ],
  [
    "samples of one graph only",
    "samples.json",
    () => Buffer.from(samplesToJson(model.samples.slice(0, 1))),
    /is damaged \(no sample of post_tower\)/,
  ],
  [
    "a cut graph held back",
    "held-back/post_tower.onnx",
    (bytes) => bytes.subarray(0, 100),
    /is damaged \(.*: train again/,
  ],
  ["a model.json without a name", "model.json", () => Buffer.from("{}"), /is damaged \(model.json\): train again/],
  [
    "ID embeddings that do not fit their ids",
    "post-id-embeddings.f32",
    (bytes) => bytes.subarray(4),
    /124 bytes for 1 ids/,
  ],
  [
    "features of another version",
    "model.json",
    (bytes) =>
      Buffer.from(bytes.toString().replace(/"feature_spec_digest": "[0-9a-f]+"/, '"feature_spec_digest": "0"')),
    /was trained for other features than this version computes: train again/,
  ],
];

const inModelJson = (field: string, value: string) => (bytes: Buffer) =>
  Buffer.from(JSON.stringify({ ...JSON.parse(bytes.toString()), [field]: value }));
for (const [name, field, value] of [
  ["a time of the year 275760", "learned_until", "9999-12-31T23:59:59Z"],
  ["a time before all times", "held_back_from", "0001-01-01T00:00:00Z"],
  ["a time that is a text", "trained_at", "\u001b[2Jyesterday"],
  ["a name of two lines", "name", "tiny\nand another"],
  ["an endless name", "name", "x".repeat(201)],
])
  damages.push([name, "model.json", inModelJson(field, value), /is damaged \(model.json\): train again/]);

for (const file of [
  "model.json",
  "dlrm.onnx",
  "post-id-embeddings.ids",
  "post-id-embeddings.f32",
  "samples.json",
  "held-back",
])
  test(`a link in place of ${file} is not followed`, async () => {
    await inFolder(async (folder) => {
      await writeModelFolder(folder, model);
      await rename(join(folder, file), `${folder}-elsewhere`);
      await symlink(`${folder}-elsewhere`, join(folder, file));
      await assert.rejects(readModelFolder(folder), /is damaged|holds no model.json/);
    });
  });

for (const [name, file, change, error] of damages) {
  test(`${name} is one line with the cure`, async () => {
    await inFolder(async (folder) => {
      await writeModelFolder(folder, model);
      await writeFile(join(folder, file), change(await readFile(join(folder, file))));
      await assert.rejects(readModelFolder(folder), error);
    });
  });
}

test("the newest model of a community is found among others, damaged and half-written ones", async () => {
  await inFolder(async (parent) => {
    const other = "1c9c1a52-6a3e-4f0d-9d0b-1d2f3a4b5c6d";
    for (const [name, community] of [
      ["model-1", model.community],
      ["model-2", model.community],
      ["model-3", other],
      ["model-4.partial", model.community],
    ])
      await writeModelFolder(join(parent, name), { ...model, community });
    await writeModelFolder(join(parent, "model-5"), model);
    await writeFile(join(parent, "model-5", "model.json"), "{");
    assert.equal(await newestModelFolder(parent, model.community), join(parent, "model-2"));
    assert.equal(await newestModelFolder(parent, other), join(parent, "model-3"));
    assert.equal(await newestModelFolder(parent, "2c9c1a52-6a3e-4f0d-9d0b-1d2f3a4b5c6d"), undefined);
    assert.equal(await newestModelFolder(join(parent, "nowhere"), other), undefined);
  });
});

test("a folder without a model says which command writes one", async () => {
  await inFolder(async (folder) => {
    await assert.rejects(readModelFolder(folder), /holds no model.json: name a folder that `recsys train` wrote/);
  });
});

function flipped(bytes: Buffer): Buffer {
  bytes[bytes.length >> 1] ^= 1;
  return bytes;
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), "recsys-model-"));
  try {
    await work(join(parent, "model"));
  } finally {
    await rm(parent, { recursive: true });
  }
}
