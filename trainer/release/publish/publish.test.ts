import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { readCommunityId } from "../../../db/settings.ts";
import { testDatabase, withOneSession } from "../../../db/testing.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { clear, fillCommunity, people, post, privatePost, publishTinyModel, uuid } from "../../../testing/community.ts";
import { handMadeModel } from "../../../testing/gate.ts";
import type { ModelFolder } from "../../artifacts/model-folder/model-folder.ts";
import { publish } from "./publish.ts";

const oneSession = await withOneSession();

const database = await testDatabase({ after });
const gone = uuid("c", 99);
const community = await readCommunityId(database);

beforeEach(async () => {
  await clear(database.pool);
  await fillCommunity(database.pool);
});

/** Posts are e0, e1, e2 … by number: the tiny post tower gives back their ID embeddings. */
async function model(name: string, given: Partial<ModelFolder> = {}): Promise<ModelFolder> {
  const id_embedding = (n: number) =>
    Float32Array.from({ length: dimensions }, (_, d) => (d === n % dimensions ? 2 : 0));
  const posts = [...Array.from({ length: 30 }, (_, i) => post(i + 1)), privatePost];
  return await handMadeModel({
    name,
    community,
    userIdEmbeddings: new Map([[people.eve, id_embedding(3)]]),
    postIdEmbeddings: new Map(posts.map((id, i) => [id, id_embedding(i)])),
    ...given,
  });
}

async function models() {
  const { rows } = await database.pool.query("select name, status from recsys.models order by model_id");
  return rows.map(({ name, status }) => `${name} ${status}`);
}

async function countOf(table: string): Promise<number> {
  return (await database.pool.query(`select count(*)::integer as n from ${table}`)).rows[0].n;
}

test("a published model has its graphs, a vector for every post and user, an index, and serves", async () => {
  await publishTinyModel(database.pool, { name: "old" });
  const training_features = [
    { feature: "post log_age", edges: [1.5, 2], shares: [0.5, 0.25, 0.25] },
    { feature: "pair similarity", edges: [-0.125], shares: [0.75, 0.25] },
  ];
  const id = await publish(database, await model("new", { training_features }), { activate: true });
  assert.deepEqual(await models(), ["old retired", "new active"]);
  const { rows: features } = await database.pool.query(
    "select feature, edges, shares from recsys_engine.training_features where model_id = $1 order by number",
    [id],
  );
  assert.deepEqual(features, training_features);
  assert.equal(await countOf(`recsys_engine.post_embeddings_${id}`), 31);
  assert.equal(await countOf(`recsys_engine.user_embeddings_${id}`), 4);
  const { rows: vectors } = await database.pool.query(
    "select embedding::text, id_embedding::text from recsys.user_embeddings where model_id = $1 and user_id = $2",
    [id, people.eve],
  );
  assert.equal(JSON.parse(vectors[0].id_embedding)[3], 2);
  assert.ok(JSON.parse(vectors[0].embedding)[3] > 0.99);
  const { rows: indexes } = await database.pool.query("select indexdef from pg_indexes where tablename = $1", [
    `post_embeddings_${id}`,
  ]);
  assert.ok(indexes.some(({ indexdef }) => indexdef.includes("hnsw") && indexdef.includes("vector_ip_ops")));
});

test("a user's published vector pools what they did last: ada's posts 28 and 30", async () => {
  const id = await publish(database, await model("history"), { activate: true });
  const { rows } = await database.pool.query(
    "select embedding::text from recsys.user_embeddings where model_id = $1 and user_id = $2",
    [id, people.ada],
  );
  const vector: number[] = JSON.parse(rows[0].embedding);
  // post 30 (e29) came last and weighs 1, post 28 (e27) 0.9; a hundredth of e1 is the tower's own
  assert.ok(Math.abs(vector[27] / vector[29] - 0.9) < 1e-3, `${vector[27]} / ${vector[29]}`);
});

test("neighbours of posts have a partition where a model has any, without posts that are gone, and it goes with the model", async () => {
  const tableOf = async (id: number) =>
    (
      await database.pool.query("select to_regclass($1) is not null as is_there", [
        `recsys_engine.post_neighbours_${id}`,
      ])
    ).rows[0].is_there;
  const without = await publish(database, await model("without"), { activate: true });
  assert.equal(await tableOf(without), false);
  const neighbours: ModelFolder["neighbours"] = new Map([
    [
      post(1),
      [
        [post(2), 7],
        [gone, 5],
        [post(3), 2],
      ],
    ],
    [gone, [[post(1), 1]]],
  ]);
  const having = await publish(database, await model("having", { neighbours }), { activate: true });
  const { rows } = await database.pool.query(
    "select model_id, post_id, neighbour_id, weight from recsys_engine.post_neighbours order by weight",
  );
  assert.deepEqual(rows, [
    { model_id: having, post_id: post(1), neighbour_id: post(3), weight: 2 },
    { model_id: having, post_id: post(1), neighbour_id: post(2), weight: 7 },
  ]);
  await database.pool.query("select recsys.rollback_model()");
  assert.deepEqual(await models(), ["without active", "having rolled_back"]);
  await database.pool.query("select recsys_engine.drop_model($1)", [having]);
  assert.equal(await tableOf(having), false);
  assert.equal(await countOf("recsys_engine.post_neighbours"), 0);
});

test("without activation the model waits in status ready", async () => {
  await publishTinyModel(database.pool, { name: "old" });
  await publish(database, await model("waiting"), { activate: false });
  assert.deepEqual(await models(), ["old active", "waiting ready"]);
});

test("stopped at any step it leaves the old model serving and nothing of its own", async () => {
  await publishTinyModel(database.pool, { name: "old" });
  const steps: string[] = [];
  await publish(database, await model("whole"), {
    activate: false,
    onProgress: ({ step, done }) => steps.push(`${step} ${done}`),
  });
  for (let stop = 0; stop < steps.length - 1; stop++) {
    let seen = 0;
    const run = publish(database, await model(`stopped ${stop}`), {
      activate: true,
      onProgress: () => {
        if (seen++ === stop) throw new Error("stopped");
      },
    });
    await assert.rejects(run, /stopped/);
    assert.deepEqual(await models(), ["old active", "whole ready"], `after ${steps[stop]}`);
  }
});

test("what a killed publish left is removed by the next one", async () => {
  await publishTinyModel(database.pool, { name: "old" });
  await database.pool.query("select recsys_engine.create_model('killed', '{}', '', '{}')");
  await publish(database, await model("next"), { activate: true });
  assert.deepEqual(await models(), ["old retired", "next active"]);
  const { rows } = await database.pool.query(
    "select count(*)::integer as n from pg_tables where tablename ~ '^post_embeddings_[0-9]+$'",
  );
  assert.equal(rows[0].n, 2, "the killed one's table is gone");
});

test("a connection that the server ends in the middle leaves the old model serving", {
  skip: oneSession,
}, async () => {
  await publishTinyModel(database.pool, { name: "old" });
  // another session holds the parent table, so that the publish is caught inside its last transaction
  const blocker = await database.pool.connect();
  let blocked: Promise<unknown> | undefined;
  const run = publish(database, await model("cut off"), {
    activate: true,
    onProgress: ({ step }) => {
      if (step === "embedding posts")
        blocked ??= blocker.query("begin; lock table recsys.user_embeddings in access exclusive mode");
    },
  });
  const refused = assert.rejects(run);
  while (!(await endWaiting())) await setTimeout(20);
  await refused;
  await blocked;
  await blocker.query("rollback");
  blocker.release();
  assert.equal((await models())[0], "old active");
  await publish(database, await model("next"), { activate: true });
  assert.deepEqual(await models(), ["old retired", "next active"]);
});

test("a name that is taken is refused with the cure", async () => {
  await publish(database, await model("twice"), { activate: true });
  await assert.rejects(
    publish(database, await model("twice"), { activate: true }),
    /twice is already published: `recsys activate twice`/,
  );
  assert.deepEqual(await models(), ["twice active"]);
});

/** Ends the session that waits for a lock; false where none does yet. */
async function endWaiting(): Promise<boolean> {
  const { rowCount } = await database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rowCount === 1;
}

test("a model of another community is refused, unless it is asked for", async () => {
  await publishTinyModel(database.pool, { name: "old" });
  const stranger = await model("stranger", { community: "0b9c1a52-6a3e-4f0d-9d0b-1d2f3a4b5c6d" });
  await assert.rejects(publish(database, stranger, { activate: true }), {
    name: "UserError",
    message: /^model stranger was trained on another community than this database holds: train here, or add --from-/,
  });
  assert.deepEqual(await models(), ["old active"]);
  await publish(database, stranger, { activate: true, fromAnotherCommunity: true });
  assert.deepEqual(await models(), ["old retired", "stranger active"]);
});
