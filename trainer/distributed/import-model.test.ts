/** What comes back from a training elsewhere: a model, or one clear line. Nothing is trained here: the weights are those that a training starts from. */
import assert from "node:assert/strict";
import { access, cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eitherDatabase } from "../../db/testing.ts";
import { readModelFolder } from "../artifacts/model-folder/model-folder.ts";
import { communityFromDatabase, trainingEvents } from "../data/replay/from-database.ts";
import { startBackend } from "../models/nn/backend.ts";
import type { Matrix } from "../models/nn/dense.ts";
import type { TrainedTowers } from "../models/towers/train.ts";
import { temporaryFolder } from "../testing.ts";
import { exportData, exportForRanker } from "./export-data.ts";
import { importTrained } from "./import-model.ts";
import { trainedElsewhere } from "./imported-model.ts";
import { readManifest } from "./manifest.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { wholeExport } from "./shard.ts";
import type { StageName } from "./stage.ts";
import { exportContext, exportOptions, fillCommunityToExport, quickConfig } from "./testing.ts";

const database = await eitherDatabase({ after }, "import");
const folder = await temporaryFolder({ after });
const context = exportContext(database);
const [users, posts] = [50, 120];

/** Weights of a stage as a trainer leaves them; `change` may spoil them, or what they say of themselves. */
async function leaveWeights(
  into: string,
  stage: StageName,
  change: (tensors: Record<string, Matrix>, metadata: Record<string, string>) => void = () => {},
): Promise<void> {
  const { weights, identity } = JSON.parse(await readFile(join(into, stage, "stage.json"), "utf8"));
  const start = stage === "fine-tuning" ? "towers" : stage;
  const { tensors } = await readSafetensors(join(into, start, "start.safetensors"));
  for (const [name, shape] of Object.entries<number[]>(weights))
    tensors[name] ??= { shape, values: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
  // ids must come back to whom they are of
  for (const name of ["user_id_embeddings", "post_id_embeddings"])
    tensors[name]?.values.forEach((_, i, values) => {
      values[i] = Math.floor(i / 32) + 1;
    });
  const metadata = { ...identity, losses: "[5, 4]", steps: "10", held_out_losses: "[3, 2]", epoch: "1" };
  change(tensors, metadata);
  await writeSafetensors(join(into, stage, "weights.safetensors"), tensors, metadata);
}

before(async () => {
  await startBackend();
  await fillCommunityToExport({ after: () => {} }, database, { users, posts });
  await exportData(context, exportOptions(folder));
  await leaveWeights(folder, "towers");
  await exportForRanker(context, folder, wholeExport);
  await leaveWeights(folder, "ranker");
  await leaveWeights(folder, "fine-tuning");
});

test("towers come from the start that the pipeline asks for, and are told apart", async () => {
  const { community } = await communityFromDatabase(database, undefined, trainingEvents);
  const others = ["from-factors", "without-post-ids"].map((way) =>
    join(folder, "towers", `weights-${way}.safetensors`),
  );
  for (const other of others) await cp(join(folder, "towers", "weights.safetensors"), other);
  const { towers, pathOf } = trainedElsewhere(folder, await readManifest(folder));
  const options = { ...quickConfig.towers, seed: 1, until: Number.POSITIVE_INFINITY };
  const read = (from?: TrainedTowers, withoutPostIds = false) =>
    towers(community, { ...options, withoutPostIds }, undefined, undefined, from);
  const fromZero = await read();
  const withoutIds = await read(undefined, true);
  const fromFactors = await read({ ...fromZero, losses: [], steps: 0 });
  const fineTuned = await read(fromFactors);
  assert.deepEqual([fromZero, withoutIds, fromFactors, fineTuned].map(pathOf), [
    "towers/weights",
    "towers/weights-without-post-ids",
    "towers/weights-from-factors",
    "fine-tuning/weights",
  ]);
  assert.deepEqual([fineTuned.steps, fineTuned.losses], [20, [5, 4, 5, 4]]);
  for (const other of others) await rm(other);
});

const modelOf = (into: string) => importTrained(context, { folder: into, folderOf: () => join(into, "model") });

test("the weights become a model folder, and each ID embedding stays with its user and post", async () => {
  const ids = async (name: string) =>
    (await database.pool.query(`select ${name}_id as id from recsys.source_${name}s order by created_at, ${name}_id`))
      .rows;
  const people = (await ids("user")).map(({ id }) => id);
  // a user who was not there yet comes first in the order of users
  await database.pool.query(
    "insert into public.profiles (id, created_at) values ('00000000-0000-4000-8000-000000000001', '2000-01-01')",
  );
  const model = await readModelFolder(await modelOf(folder));
  assert.equal(model.userIdEmbeddings.get(people[0])?.[0], 1);
  assert.equal(model.userIdEmbeddings.get(people[users - 1])?.[31], users);
  const newcomer = model.userIdEmbeddings.get("00000000-0000-4000-8000-000000000001");
  assert.ok(newcomer === undefined || newcomer.every((value) => value === 0));
  assert.equal(model.postIdEmbeddings.size, posts);
  assert.equal(model.backend, "another trainer");
});

const spoiled: [what: string, RegExp, StageName, Parameters<typeof leaveWeights>[2]][] = [
  [
    "a name is missing",
    /has no weights named post\/mix: train with this version's cluster\/$/,
    "towers",
    (t) => delete t["post/mix"],
  ],
  [
    "a name nobody knows",
    /has weights named more, which no network of this version has$/,
    "ranker",
    (t) => {
      t.more = { shape: [1], values: new Float32Array(1) };
    },
  ],
  [
    "another shape",
    /has user\/history of shape \[1024\], not \[32, 32\]$/,
    "fine-tuning",
    (t) => {
      t["user/history"].shape = [1024];
    },
  ],
  [
    "a number is missing",
    /has NaN in top\/2\/bias: the training diverged; try a lower learning rate$/,
    "ranker",
    (t) => {
      t["top/2/bias"].values[3] = Number.NaN;
    },
  ],
  [
    "infinity",
    /has Infinity in tokens: the training diverged/,
    "towers",
    (t) => {
      t.tokens.values[99] = Number.POSITIVE_INFINITY;
    },
  ],
  [
    "another vocabulary",
    /has user_id_embeddings of shape \[3, 32\], not \[50, 32\]$/,
    "towers",
    (t) => {
      t.user_id_embeddings = { shape: [3, 32], values: new Float32Array(96) };
    },
  ],
  [
    "other features",
    /was not trained on the export in .*: its feature_spec_digest is beef, not [0-9a-f]{64}$/,
    "ranker",
    (_, m) => {
      m.feature_spec_digest = "beef";
    },
  ],
  [
    "other people",
    /its users_digest is beef, not/,
    "towers",
    (_, m) => {
      m.users_digest = "beef";
    },
  ],
  [
    "of another stage",
    /its stage is ranker, not towers$/,
    "towers",
    (_, m) => {
      m.stage = "ranker";
    },
  ],
  ["another config", /its config_digest is missing, not/, "fine-tuning", (_, m) => delete m.config_digest],
];

for (const [what, message, stage, change] of spoiled)
  test(`${what}: a line that says so, and no model`, async () => {
    const copy = await copied();
    await leaveWeights(copy, stage, change);
    await assert.rejects(modelOf(copy), { name: "UserError", message });
    await assert.rejects(access(join(copy, "model")));
  });

async function copied(): Promise<string> {
  const copy = await temporaryFolder({ after });
  await cp(folder, copy, { recursive: true, filter: (path) => !path.endsWith("/model") });
  return copy;
}

test("a ranker of other towers: they were trained again, and what they bring it is another", async () => {
  const copy = await copied();
  await leaveWeights(copy, "towers", (tensors) => {
    tensors["user/mix"].values[0] += 0.1;
  });
  await assert.rejects(modelOf(copy), {
    name: "UserError",
    message:
      /ranker\/weights.safetensors goes on from other towers than \S+towers holds: `recsys export --stage ranker` again, and train again$/,
  });
});

test("a file that is cut off, of other numbers, or missing", async () => {
  const copy = await copied();
  const path = join(copy, "towers", "weights.safetensors");
  const bytes = await readFile(path);
  const halved = JSON.stringify({ tokens: { dtype: "F16", shape: [1], data_offsets: [0, 2] } });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(halved.length));
  for (const [content, message] of [
    [bytes.subarray(0, bytes.length - 4), /is no safetensors file of weights \(\S+ is cut off\): train again$/],
    [bytes.subarray(0, 20), /it ends within its header/],
    [Buffer.concat([length, Buffer.from(halved), Buffer.alloc(2)]), /tokens is of F16, not F32/],
    [Buffer.from("nothing of the kind, but longer than eight bytes"), /is no safetensors file/],
  ] as const) {
    await writeFile(path, content);
    await assert.rejects(modelOf(copy), { name: "UserError", message });
  }
  await assert.rejects(
    modelOf(join(copy, "towers")),
    /holds no manifest.json: name a folder that `recsys export` wrote/,
  );
});

test("an export of another community, of other features, and one that is only half made", async () => {
  const copy = await copied();
  const path = join(copy, "manifest.json");
  const manifest = JSON.parse(await readFile(path, "utf8"));
  const community = "00000000-0000-4000-8000-000000000009";
  await writeFile(path, JSON.stringify({ ...manifest, community }));
  await assert.rejects(modelOf(copy), /this was exported from the database of another community/);
  await writeFile(path, JSON.stringify({ ...manifest, feature_spec_digest: "beef" }));
  await assert.rejects(
    modelOf(copy),
    /was exported for other features than this version computes: export and train again/,
  );
  const vectors = { basis: "beef", encoder: "gte-small", dimension: 384 };
  await writeFile(path, JSON.stringify({ ...manifest, vectors }));
  await assert.rejects(modelOf(copy), /was not trained on the export in .*: its basis is missing, not beef/);
  await writeFile(path, JSON.stringify({ ...manifest, schema_version: 2 }));
  await assert.rejects(modelOf(copy), /is not what this version exports \(schema_version/);
  await writeFile(path, "{");
  await assert.rejects(modelOf(copy), /manifest.json is no JSON: export again/);
  const half = await temporaryFolder({ after });
  await exportData(context, exportOptions(half));
  await assert.rejects(
    modelOf(half),
    /there is no .*towers\/weights.safetensors: train there first \(cluster\/train.py\)/,
  );
});
