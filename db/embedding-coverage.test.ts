/** What recsys_engine.embedding_coverage says: how many posts have a vector of each model, and the newest without. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { clear, fillCommunity, post, privatePost, publishTinyModel, uuid } from "../testing/community.ts";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "embedding_coverage");

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
});

test("coverage: posts, those with a vector, and the newest without", async () => {
  await pool.query("insert into public.posts (id, title, created_at) values ($1, 'new', now() + interval '1 second')", [
    uuid("e", 4),
  ]);
  const { rows } = await pool.query(
    "select name, status, posts::int, posts_with_vector::int, newest_post_without from recsys_engine.embedding_coverage",
  );
  assert.deepEqual(rows, [
    { name: "tiny", status: "active", posts: 32, posts_with_vector: 31, newest_post_without: uuid("e", 4) },
  ]);
});

test("coverage of several models at once: each has its own newest post without, of equal ones the first by id", async () => {
  await pool.query("select recsys_engine.create_model('candidate', '{}', 'd', '{}')");
  const sparse = await publishTinyModel(pool, { name: "sparse" });
  await publishTinyModel(pool, { name: "whole" });
  await pool.query("update public.posts set created_at = now() - interval '1 day' where id = any ($1)", [
    [post(7), post(9), post(8)],
  ]);
  await pool.query("delete from recsys.post_embeddings where model_id = $1 and post_id = any ($2)", [
    sparse,
    [post(9), post(8), post(30)],
  ]);
  // a vector of a post that is not there any more counts for nothing
  await pool.query("insert into recsys.post_embeddings (model_id, post_id, embedding) values ($1, $2, $3)", [
    sparse,
    uuid("e", 9),
    JSON.stringify([1, ...Array(31).fill(0)]),
  ]);
  const coverage = async () => {
    const { rows } = await pool.query(
      `select name, posts::int, posts_with_vector::int as covered, newest_post_without as newest,
         newest_without_created_at = (select created_at from public.posts where id = newest_post_without) as is_its_time
       from recsys_engine.embedding_coverage order by name`,
    );
    return rows;
  };
  const none = { newest: null, is_its_time: null };
  assert.deepEqual(await coverage(), [
    { name: "candidate", posts: 31, covered: 0, newest: privatePost, is_its_time: true },
    { name: "sparse", posts: 31, covered: 28, newest: post(8), is_its_time: true },
    { name: "tiny", posts: 31, covered: 31, ...none },
    { name: "whole", posts: 31, covered: 31, ...none },
  ]);
  await pool.query("truncate public.posts cascade");
  assert.deepEqual(
    (await coverage()).map(({ posts, covered, newest }) => [posts, covered, newest]),
    Array(4).fill([0, 0, null]),
  );
});
