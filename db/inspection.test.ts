/** What a DBA asks of the engine's tables, in one statement each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { post, uuid } from "../testing/community.ts";
import { embeddedCommunity } from "../testing/embed.ts";
import { testDatabase } from "./testing.ts";

test("posts without a vector, and whether one is coming", async (t) => {
  const database = await testDatabase(t, "inspection");
  const { pool } = database;
  await embeddedCommunity(database);
  const missing = async () =>
    (await pool.query("select post_id, job, last_error from recsys_engine.posts_without_vector order by post_id")).rows;
  assert.deepEqual(await missing(), []);
  await pool.query("delete from recsys.post_embeddings where post_id = $1", [post(6)]);
  const fresh = uuid("d", 1);
  await pool.query("insert into public.posts (id, title) values ($1, 'A new one')", [fresh]);
  assert.deepEqual(await missing(), [
    { post_id: post(6), job: "none waits", last_error: null },
    { post_id: fresh, job: "waits", last_error: null },
  ]);
  await pool.query("update recsys_engine.embedding_jobs set failures = 100, attempts = 100, last_error = 'no words'");
  assert.deepEqual((await missing())[1], { post_id: fresh, job: "given up", last_error: "no words" });
  const { rows } = await pool.query(
    "select age < interval '1 minute' as is_new from recsys_engine.posts_without_vector where post_id = $1",
    [fresh],
  );
  assert.equal(rows[0].is_new, true);
});

test("sizes are those that PostgreSQL counts, partitions and indexes among them", async (t) => {
  const database = await testDatabase(t, "inspection");
  const { pool } = database;
  await embeddedCommunity(database);
  await pool.query("analyze");
  const { rows } = await pool.query("select * from recsys_engine.sizes order by bytes desc");
  const { rows: counted } = await pool.query(
    `select sum(pg_total_relation_size(oid))::text as bytes from pg_class
     where relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and relkind in ('r', 'p')`,
  );
  assert.equal(
    rows.reduce((sum, { bytes }) => sum + BigInt(bytes), 0n),
    BigInt(counted[0].bytes),
  );
  const vectors = rows.find(({ name }) => name === "post_embeddings");
  assert.equal(vectors.partitions, 1);
  assert.ok(Number(vectors.rows) >= 30 && Number(vectors.index_bytes) > 0);
  assert.equal(BigInt(vectors.bytes), BigInt(vectors.data_bytes) + BigInt(vectors.index_bytes));
});

test("a model that is not there is not dropped in silence", async (t) => {
  const { pool } = await testDatabase(t, "inspection");
  await assert.rejects(pool.query("select recsys_engine.drop_model(999)"), {
    code: "P0002",
    message: "there is no model 999",
  });
  await assert.rejects(pool.query("select recsys_engine.drop_model(null)"), /there is no model \(null\)/);
  assert.equal((await pool.query("select recsys_engine.drop_old_model() as id")).rows[0].id, null);
});
