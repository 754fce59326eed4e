/** What PostgreSQL expects of the query that every feed begins with, since it compiles what it takes for expensive; and how often a feed asks the policies of an app. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
import { toStatement } from "../_shared/database/database.ts";
import { variantModel } from "../_shared/plugins/variants/variant-model.ts";
import { readContext } from "../_shared/recommend/context/read-context.ts";

const { pool } = await testDatabase({ after }, "plans");

test("a feed's first query is too cheap to be compiled, also where no table was ever analysed", async () => {
  await fillCommunity(pool);
  const { text, values } = toStatement(variantModel.readContext(people.ada, false, readContext));
  const { rows } = await pool.query(`explain (format json) ${text}`, values);
  const cost = rows[0]["QUERY PLAN"][0].Plan["Total Cost"];
  // jit_above_cost is 100,000 by default
  assert.ok(cost < 10_000, `it is expected to cost ${cost}`);
});

test("a feed asks the policies of an app once for all posts that it may show", async () => {
  await pool.query(
    "create function public.is_in() returns boolean language sql stable security definer set search_path = '' as 'select true'",
  );
  for (const table of ["posts", "post_views", "post_votes", "comments"])
    await pool.query(
      `create policy counted on public.${table} as restrictive for select to authenticated using ((select public.is_in()))`,
    );
  const { rows } = await pool.query(
    "select post_id as id, author_id from recsys.source_posts where author_id <> $1 limit 1",
    [people.ada],
  );
  await pool.query(
    "insert into public.post_views (user_id, post_id, created_at) values ($1, $2, recsys.clock() - interval '1 minute')",
    [people.ada, rows[0].id],
  );
  // 8 where what may be shown was asked for in four questions, and what she did in two
  assert.equal(await callsForCandidates(), 4);
});

test("what is similar, of more than anybody is shown, reads no table of all posts", async () => {
  const model = await publishTinyModel(pool, { name: "plans" });
  await pool.query(
    "insert into public.posts (author_id, title, created_at) select $1, 'post ' || n, now() - interval '1 day' from generate_series(1, 3000) as n",
    [people.ada],
  );
  await pool.query(
    `insert into recsys.post_embeddings (model_id, post_id, embedding)
     select $1, id, ('[' || cos(n / 1000.0) || ',' || sin(n / 1000.0) || repeat(',0', 30) || ']')::extensions.vector
     from (select id, substring(title from 'post (.+)')::integer as n from public.posts where title like 'post %') as posts`,
    [model],
  );
  await pool.query("analyze");
  assert.deepEqual(await similar(model, "service_role", "160, 160, true"), { nearest: 1, found: 160, rows: 0 });
});

test("where the thousand nearest are hidden, the index goes on to those behind them", async () => {
  const { rows } = await pool.query("select model_id from recsys.models where status = 'active'");
  await pool.query(
    "create policy hidden on public.posts as restrictive for select to authenticated using (substring(title from 'post (.+)')::integer > 1200)",
  );
  const found = await similar(rows[0].model_id, "authenticated", "100, 100");
  assert.deepEqual(found, { nearest: 1201, found: 100, rows: 0 });
});

/** Of the 3,000 posts those nearest to the first: the number of the nearest, how many they are, and how many rows of the table of posts were read one after another. */
async function similar(model: number, role: string, most: string) {
  const client = await pool.connect();
  // with what the session did before and has not reported yet
  const read = async () =>
    (
      await client.query(
        "select coalesce(max(seq_tup_read), 0)::int as rows from pg_stat_xact_user_tables where relid = 'public.posts'::regclass",
      )
    ).rows[0].rows;
  try {
    await client.query("begin");
    const { rows: first } = await client.query(
      "select embedding from recsys.post_embeddings join public.posts on id = post_id where title = 'post 1'",
    );
    await client.query("select set_config('role', $1, true)", [role]);
    const before = await read();
    const { rows } = await client.query(
      `select post_id from recsys_engine.retrieve_similar(recsys_engine.feed_request($1, recsys.clock()), $2, $3::text::extensions.vector, ${most}) order by rank`,
      [people.ben, model, first[0].embedding],
    );
    const readBy = (await read()) - before;
    const { rows: nearest } = await client.query(
      "select substring(title from 'post (.+)')::int as number from public.posts where id = $1",
      [rows[0]?.post_id],
    );
    return { nearest: nearest[0]?.number, found: rows.length, rows: readBy };
  } finally {
    await client.query("rollback");
    client.release();
  }
}

/** How often public.is_in is called for ada's candidates besides those that are common. */
async function callsForCandidates(): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query("begin; set local track_functions = 'all'");
    await client.query("select set_config('request.jwt.claims', $1, true), set_config('role', 'service_role', true)", [
      JSON.stringify({ sub: people.ada, role: "authenticated" }),
    ]);
    await client.query(
      `select recsys_engine.feed_candidates(jsonb_build_object(
         'role', 'authenticated', 'user_id', $1::uuid, 'global_ids', array(select id from public.posts), 'global_at', 1000 * date_part('epoch', recsys.clock())))`,
      [people.ada],
    );
    await client.query("reset role");
    const { rows } = await client.query(
      "select pg_stat_get_xact_function_calls('public.is_in()'::regprocedure)::int as calls",
    );
    return rows[0].calls;
  } finally {
    await client.query("rollback");
    client.release();
  }
}
