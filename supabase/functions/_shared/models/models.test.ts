import assert from "node:assert/strict";
import { test } from "node:test";
import { tinyGraphs } from "../../../../testing/community.ts";
import type { Connection } from "../database/database.ts";
import { featureSpecDigest } from "../features/feature-spec.ts";
import { kinds } from "../features/kinds.ts";
import { loadRuntime } from "./inference.ts";
import { modelCache } from "./models.ts";

const { user_tower, dlrm } = tinyGraphs();
const graphs = { user_tower, dlrm };
const needed = ["user_tower", "dlrm"] as const;

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A fake database that counts its reads and fails them while `failure` is set. */
async function database() {
  const rows = await Promise.all(
    Object.entries(graphs).map(async ([graph, onnx]) => ({
      graph,
      bytes: onnx,
      sha256: await sha256(onnx),
      heads: kinds,
    })),
  );
  const state = { reads: 0, failure: undefined as Error | undefined, rows };
  const connection: Connection = {
    async query() {
      state.reads++;
      if (state.failure) throw state.failure;
      return { rows: state.rows };
    },
    release() {},
  };
  return { state, connection };
}

const active = async (id: number) => ({ id, name: `model ${id}`, featureSpecDigest: await featureSpecDigest() });

test("a model is read once, however many ask at the same time", async () => {
  const { state, connection } = await database();
  const models = modelCache(loadRuntime);
  const first = await active(1);
  const [a, b] = await Promise.all([models(first, connection, needed), models(first, connection, needed)]);
  assert.equal(a, b);
  await models(first, connection, needed);
  assert.equal(state.reads, 1);
});

test("four models are kept, the latest that were asked for", async () => {
  const { state, connection } = await database();
  const models = modelCache(loadRuntime);
  const ids: number[] = [];
  const ask = async (id: number) => ids.push((await models(await active(id), connection, needed)).id);
  for (const id of [1, 2, 3, 4, 2, 1, 3, 4]) await ask(id);
  assert.deepEqual(ids, [1, 2, 3, 4, 2, 1, 3, 4]);
  assert.equal(state.reads, 4);
  // 2 is dropped
  for (const id of [5, 1, 3, 4, 5]) await ask(id);
  assert.equal(state.reads, 5);
  await ask(2);
  assert.equal(state.reads, 6);
});

test("a database that failed during a load is asked again at once, a corrupt model only after ten seconds", async () => {
  const { state, connection } = await database();
  let now = 0;
  const models = modelCache(loadRuntime, () => now);
  const first = await active(1);
  state.failure = new Error("Connection terminated");
  await assert.rejects(models(first, connection, needed), state.failure);
  state.failure = undefined;
  state.rows[0].sha256 = "0".repeat(64);
  await assert.rejects(models(first, connection, needed), { code: "model_corrupt" });
  assert.equal(state.reads, 2);
  state.rows[0].sha256 = await sha256(user_tower);
  now = 9_999;
  await assert.rejects(models(first, connection, needed), { code: "model_corrupt" });
  assert.equal(state.reads, 2);
  now = 10_000;
  assert.equal((await models(first, connection, needed)).id, 1);
});

test("a graph with another shape than the contract is refused", async () => {
  const { state, connection } = await database();
  // the post tower lacks the input history
  const { post_tower } = tinyGraphs();
  Object.assign(state.rows[0], { bytes: post_tower, sha256: await sha256(post_tower) });
  const models = modelCache(loadRuntime);
  await assert.rejects(models(await active(1), connection, needed), {
    code: "model_corrupt",
    message: /user_tower of model model 1 has other inputs or outputs than the contract/,
  });
});
