/** recsys_engine.check_indexes() over the blog of docs/adopting.md: each index that feeds lack is named, with the statement that makes it. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type pg from "pg";
import { adoptedBlog } from "../adopt/testing-blog.ts";
import { isFull } from "../testing/courses.ts";
import type { Database } from "./connect.ts";
import { withoutPostgres } from "./testing.ts";
import { asInvoker, blogPosts, findingsOf } from "./testing-check.ts";

const skip = await withoutPostgres();
const { pool } = (skip ? {} : await adoptedBlog({ after }, "check_indexes")) as Database;

const withoutIndex = async (client: pg.PoolClient) =>
  (await findingsOf(client, "indexes", "latest")).filter(({ problem }) => problem.includes("has no index"));

test("each statement that adds an index takes its line away", { skip }, async () => {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const missing = await withoutIndex(client);
    assert.equal(missing.length, 9);
    for (const { problem, cure } of missing) {
      await client.query(cure.replace(" concurrently", ""));
      if (isFull) assert.ok(!(await withoutIndex(client)).some((left) => left.problem === problem), cure);
    }
    const left = new Set((await withoutIndex(client)).map(({ problem }) => problem));
    for (const { problem, cure } of missing) assert.ok(!left.has(problem), cure);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("the same indexes are missing where the views ask that nothing is null", { skip }, async () => {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const before = await withoutIndex(client);
    assert.equal(before.length, 9);
    await client.query(`do $$ begin
      execute 'create or replace view recsys.source_posts ${asInvoker} as select * from (' ||
        rtrim(pg_get_viewdef('recsys.source_posts'), ';') || ') as it where post_id is not null and author_id is not null';
      execute 'create or replace view recsys.source_interactions ${asInvoker} as select * from (' ||
        rtrim(pg_get_viewdef('recsys.source_interactions'), ';') || ') as it where post_id is not null and user_id is not null';
    end $$`);
    assert.deepEqual(await withoutIndex(client), before);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("posts that are shown by an expression are named with the column that an index finds", { skip }, async () => {
  const broken = blogPosts().replace("posts.recsys_id", "recsys.id_of(posts.id)").replace("WITH", asInvoker);
  const client = await pool.connect();
  const lines = async () =>
    (await findingsOf(client, "indexes")).filter(({ problem }) =>
      /blog\.posts has no index by which each feed looks up/.test(problem),
    );
  try {
    await client.query(
      `begin; ${broken}; alter table blog.posts drop column recsys_id; create index on blog.posts (recsys.id_of(id))`,
    );
    const [{ stops, cure }, ...more] = await lines();
    assert.deepEqual([stops, more], [true, []], "under row level security no role can use that index");
    assert.match(
      cure,
      /^alter table blog\.posts add column recsys_id uuid generated always as \(recsys\.id_of\(id\)\) stored; create unique index on blog\.posts \(recsys_id\); -- and show recsys_id as post_id/,
    );
    await client.query(cure);
    assert.deepEqual(
      (await lines()).map(({ cure }) => cure),
      ["show recsys_id as post_id in the view"],
    );
    await client.query(blogPosts().replace("WITH", asInvoker));
    assert.deepEqual(await lines(), []);
  } finally {
    await client.query("rollback");
    client.release();
  }
});
