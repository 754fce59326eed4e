/** What the queue makes of changes: the vectors, whose they are, and which model's. */
import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import type pg from "pg";
import { bundleFolder, soundBundle } from "../../../db/bundle/testing.ts";
import { importBundle } from "../../../db/import/import-bundle.ts";
import { externalUuid } from "../../../db/import/known-ids.ts";
import { testDatabase } from "../../../db/testing.ts";
import { people, post, publishTinyModel, uuid } from "../../../testing/community.ts";
import { assertNear, embedAll, embeddedCommunity, publishWordModel, queue, vectorOf } from "../../../testing/embed.ts";

const newPost = uuid("d", 1);
const insertPost = (pool: pg.Pool, id: string, title: string) =>
  pool.query("insert into public.posts (id, author_id, title) values ($1, $2, $3)", [id, people.author, title]);

test("new and edited posts, profiles and projects get the vectors that a publish gives", async (t) => {
  const database = await testDatabase(t, "embed");
  const { pool } = database;
  const first = await embeddedCommunity(database);
  assert.deepEqual(await queue(pool), [], "a publish embeds all that waits");
  await insertPost(pool, newPost, "A tower of wooden blocks");
  await pool.query("update public.posts set title = 'Quite another title', tags = '{wood}' where id = $1", [post(3)]);
  await pool.query("update public.profiles set bio = 'Now I carve wood' where id = $1", [people.eve]);
  await pool.query("insert into public.projects (owner_id, title) values ($1, 'A wooden boat')", [people.ben]);
  const before = await vectorOf(pool, "post", post(3), first);
  assert.deepEqual(await queue(pool), [
    `post ${post(3)}`,
    `post ${newPost}`,
    `user ${people.ben}`,
    `user ${people.eve}`,
  ]);
  assert.deepEqual(await embedAll(database), { completed: 4, failed: 0 });
  assert.deepEqual(await queue(pool), []);
  assert.notDeepEqual(await vectorOf(pool, "post", post(3), first), before);
  const second = await publishWordModel(database, "second", { activate: false });
  for (const id of [newPost, post(3), post(4)])
    assertNear(await vectorOf(pool, "post", id, first), await vectorOf(pool, "post", id, second), id);
  for (const id of [people.ben, people.eve, people.ada])
    assertNear(await vectorOf(pool, "user", id, first), await vectorOf(pool, "user", id, second), id);
});

test("an import with edited profiles, projects and posts gives them their new vectors", async (t) => {
  const database = await testDatabase(t, "embed");
  const { pool } = database;
  const [ann, bob] = soundBundle.users;
  const [rye, oak] = soundBundle.posts;
  // without events and authors a vector is of the text alone
  const bundle = { ...soundBundle, posts: [{ ...rye, author_id: null }, oak], interactions: [], impressions: null };
  await importBundle(database, await bundleFolder(t, bundle));
  const first = await publishWordModel(database, "first");
  const entities = [
    ["post", externalUuid("post", rye.id)],
    ["post", externalUuid("post", oak.id)],
    ["user", externalUuid("user", ann.id)],
    ["user", externalUuid("user", bob.id)],
  ] as const;
  const vectors = (model: number) => Promise.all(entities.map(([kind, id]) => vectorOf(pool, kind, id, model)));
  const before = await vectors(first);
  const edited = {
    ...bundle,
    users: [
      { ...ann, projects: ["A new one"] },
      { ...bob, bio: "Carves wood" },
    ],
    posts: [bundle.posts[0], { ...oak, title: "Oak, seasoned" }],
  };
  await importBundle(database, await bundleFolder(t, edited));
  assert.deepEqual(await embedAll(database), { completed: 3, failed: 0 });
  const after = await vectors(first);
  assert.deepEqual(after[0], before[0], "a text that was not edited");
  const fresh = await vectors(await publishWordModel(database, "second", { activate: false }));
  for (const [i, [kind]] of entities.entries()) {
    if (i > 0) assert.notDeepEqual(after[i], before[i]);
    assertNear(after[i], fresh[i], `${kind} ${i}`);
  }
  // the same once more: nothing to embed
  await importBundle(database, await bundleFolder(t, edited));
  assert.deepEqual(await queue(pool), []);
});

const shared = await testDatabase({ after }, "embed");
let sharedModel: Promise<number> | undefined;

/** A community with a model for tests that add posts of their own, which are gone when the test is over. */
async function sharedCommunity(t: TestContext) {
  sharedModel ??= embeddedCommunity(shared);
  const model = await sharedModel;
  const { pool } = shared;
  t.after(() => pool.query("delete from public.posts where id::text like '0000000d-%'"));
  return { database: shared, pool, model };
}

test("a post that is gone before its turn is acknowledged, and leaves no vector", async (t) => {
  const { database, pool, model } = await sharedCommunity(t);
  await insertPost(pool, newPost, "Soon gone");
  await pool.query("alter table public.posts disable trigger all");
  await pool.query("delete from public.posts where id = $1", [newPost]);
  await pool.query("alter table public.posts enable trigger all");
  assert.deepEqual(await embedAll(database), { completed: 1, failed: 0 });
  assert.deepEqual([await queue(pool), await vectorOf(pool, "post", newPost, model)], [[], undefined]);
});

test("one text that a tower makes nothing of fails alone, backs off, and is tried again when it changes", async (t) => {
  const { database, pool, model } = await sharedCommunity(t);
  // without an author and a word there is nothing to sum: a vector of length 0
  const silent = uuid("d", 2);
  await pool.query("insert into public.posts (id, title) values ($1, '!?')", [silent]);
  await insertPost(pool, newPost, "A tower of wooden blocks");
  assert.deepEqual(await embedAll(database), { completed: 1, failed: 1 });
  const state = async () =>
    (
      await pool.query(
        "select failures, is_dead, last_error, extract(epoch from due_at - now())::int as due from recsys_engine.embedding_jobs",
      )
    ).rows[0];
  const { due, ...failed } = await state();
  assert.deepEqual(failed, { failures: 1, is_dead: false, last_error: "the tower gives a vector of length 0, not 1" });
  assert.ok(due > 8 && due <= 10, `${due} s`);
  for (const seconds of [20, 40, 80]) {
    await pool.query("update recsys_engine.embedding_jobs set due_at = now()");
    assert.deepEqual(await embedAll(database), { completed: 0, failed: 1 });
    const { due } = await state();
    assert.ok(due > seconds - 2 && due <= seconds, `${due} s`);
  }
  assert.equal((await pool.query("select from recsys.embedding_dead_letters")).rowCount, 0);
  await pool.query("update recsys_engine.embedding_jobs set due_at = now()");
  await embedAll(database);
  const { rows: dead } = await pool.query("select kind, entity_id, failures from recsys.embedding_dead_letters");
  assert.deepEqual(dead, [{ kind: "post", entity_id: silent, failures: 5 }]);
  await pool.query("update recsys_engine.embedding_jobs set due_at = now()");
  assert.deepEqual(await embedAll(database), { completed: 0, failed: 0 }, "a dead letter is left alone");
  const { rows: waiting } = await pool.query(
    "select kind, depth::int, dead::int from recsys.embedding_queue order by kind",
  );
  assert.deepEqual(waiting, [
    { kind: "post", depth: 0, dead: 1 },
    { kind: "user", depth: 0, dead: 0 },
  ]);
  await pool.query("update public.posts set title = 'Words' where id = $1", [silent]);
  assert.deepEqual(await embedAll(database), { completed: 1, failed: 0 });
  assert.ok(await vectorOf(pool, "post", silent, model));
});

test("texts as long as may be are embedded with the others, and in time", async (t) => {
  const { database, pool } = await sharedCommunity(t);
  for (let i = 0; i < 20; i++)
    await pool.query(
      "insert into public.posts (id, title, description, tags) values ($1, $2, repeat('word ', 10000), $3)",
      [uuid("d", i), `Long ${i}`, Array(100).fill("t".repeat(100))],
    );
  const { user: before } = process.cpuUsage();
  assert.deepEqual(await embedAll(database), { completed: 20, failed: 0 });
  const seconds = (process.cpuUsage().user - before) / 1e6;
  assert.ok(seconds < 10, `${seconds} s of a processor`);
});

test("an edited post keeps the ID embedding it had, a new one has none", async (t) => {
  const { database, pool } = await sharedCommunity(t);
  const own = Float32Array.from({ length: 32 }, (_, d) => (d === 5 ? 40 : 0));
  const model = await publishWordModel(database, "with ids", { ids: new Map([[post(3), own]]) });
  await pool.query("update public.posts set title = 'Quite another title' where id = $1", [post(3)]);
  await insertPost(pool, newPost, "Quite another title");
  await embedAll(database);
  const { rows } = await pool.query(
    "select post_id, id_embedding::text from recsys.post_embeddings where model_id = $1 and post_id = any($2) order by post_id",
    [model, [post(3), newPost]],
  );
  assert.deepEqual(rows, [
    { post_id: post(3), id_embedding: JSON.stringify([...own]) },
    { post_id: newPost, id_embedding: null },
  ]);
  const vector = await vectorOf(pool, "post", post(3), model);
  assert.ok(vector && vector[5] > 0.9, "and it counts in the new vector");
});

test("what changes while another model is published and activated is embedded for that one", async (t) => {
  const database = await testDatabase(t, "embed");
  const { pool } = database;
  const first = await embeddedCommunity(database);
  const second = await publishWordModel(database, "second", { seed: 2, activate: false });
  // after its snapshot: the second model has no vector of it
  await insertPost(pool, newPost, "Late for the publish");
  await embedAll(database);
  assert.ok(await vectorOf(pool, "post", newPost, first));
  assert.equal(await vectorOf(pool, "post", newPost, second), undefined);
  await pool.query("update public.profiles set bio = 'Edited, and not embedded yet' where id = $1", [people.eve]);
  await pool.query("select recsys.activate_model($1)", [second]);
  assert.deepEqual(await queue(pool), [`post ${newPost}`, `user ${people.eve}`]);
  await embedAll(database);
  assert.ok(await vectorOf(pool, "post", newPost, second));
  // the first has the post already, and gets the profile
  await pool.query("update public.posts set title = 'Edited under the second' where id = $1", [newPost]);
  await embedAll(database);
  await pool.query("select recsys.rollback_model()");
  const waits = await queue(pool);
  assert.ok(waits.includes(`post ${newPost}`) && waits.includes(`user ${people.eve}`), waits.join());
  await embedAll(database);
  const third = await publishWordModel(database, "third");
  assertNear(await vectorOf(pool, "post", newPost, first), await vectorOf(pool, "post", newPost, third), "post");
  assertNear(await vectorOf(pool, "user", people.eve, first), await vectorOf(pool, "user", people.eve, third), "user");
});

test("without a model, or with one that cannot be loaded, jobs wait and lose no attempt", async (t) => {
  const database = await testDatabase(t, "embed");
  const { pool } = database;
  await insertPost(pool, newPost, "First of all").catch(() => undefined);
  await embeddedCommunity(database);
  await pool.query("update recsys.models set status = 'retired'");
  await insertPost(pool, uuid("d", 3), "Nobody embeds this");
  assert.deepEqual(await embedAll(database), { completed: 0, failed: 0 });
  await publishTinyModel(pool, { name: "older", digest: "0".repeat(64) });
  await insertPost(pool, uuid("d", 4), "Nor this");
  await assert.rejects(embedAll(database), { code: "model_incompatible" });
  await pool.query("select recsys.rollback_model()");
  const { rows } = await pool.query("select attempts, failures, claim from recsys_engine.embedding_jobs");
  for (const row of rows) assert.deepEqual(row, { attempts: 0, failures: 0, claim: null });
  assert.equal(rows.length, 2);
  assert.deepEqual(await embedAll(database), { completed: 2, failed: 0 });
});

test("what is new gets a vector of an experiment's model too, and of no other", async (t) => {
  const database = await testDatabase(t, "embed");
  const { pool } = database;
  const first = await embeddedCommunity(database);
  const tried = await publishWordModel(database, "tried", { seed: 2, activate: false });
  const other = await publishWordModel(database, "other", { seed: 3, activate: false });
  await insertPost(pool, newPost, "A tower of wooden blocks");
  await pool.query("update public.posts set title = 'Quite another title' where id = $1", [post(3)]);
  const edited = await vectorOf(pool, "post", post(3), tried);
  await embedAll(database);
  assert.equal(await vectorOf(pool, "post", newPost, tried), undefined, "no experiment, no vector");
  await pool.query("select recsys.start_experiment('models', $1)", [
    JSON.stringify([
      { name: "control", share: 0.5 },
      { name: "tried", share: 0.5, model: "tried" },
    ]),
  ]);
  // what was written before the experiment began is made up for, without a job that waits
  assert.deepEqual(await embedAll(database), { completed: 1, failed: 0 });
  await insertPost(pool, uuid("d", 2), "A boat of oak");
  assert.deepEqual(await embedAll(database), { completed: 2, failed: 0 });
  assert.deepEqual(await embedAll(database), { completed: 0, failed: 0 });
  const again = await publishWordModel(database, "again", { seed: 2, activate: false });
  for (const id of [newPost, uuid("d", 2)]) {
    assertNear(await vectorOf(pool, "post", id, tried), await vectorOf(pool, "post", id, again), id);
    assert.ok(await vectorOf(pool, "post", id, first));
    assert.equal(await vectorOf(pool, "post", id, other), undefined);
  }
  assert.deepEqual(await vectorOf(pool, "post", post(3), tried), edited, "an edited post keeps its vector there");
  // until the model serves everybody
  await pool.query("select recsys.activate_model($1)", [tried]);
  await embedAll(database);
  assertNear(await vectorOf(pool, "post", post(3), tried), await vectorOf(pool, "post", post(3), again), "edited");
});

test("an experiment's model that cannot be loaded is reported, and other models get their vectors", async (t) => {
  const database = await testDatabase(t, "embed");
  const { pool } = database;
  await embeddedCommunity(database);
  const broken = await publishWordModel(database, "broken", { seed: 2, activate: false });
  const whole = await publishWordModel(database, "whole", { seed: 3, activate: false });
  const variants = [
    { name: "control", share: 0.3 },
    { name: "broken", share: 0.3, model: "broken" },
    { name: "whole", share: 0.3, model: "whole" },
  ];
  await pool.query("select recsys.start_experiment('models', $1)", [JSON.stringify(variants)]);
  await pool.query("update recsys.models set feature_spec_digest = 'of other features' where model_id = $1", [broken]);
  await insertPost(pool, newPost, "A tower of wooden blocks");
  await assert.rejects(embedAll(database), { code: "model_incompatible", message: /^model broken / });
  assert.ok(await vectorOf(pool, "post", newPost, whole));
});
