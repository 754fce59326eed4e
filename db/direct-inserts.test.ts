/**
 * No cap of the function `events` reaches what people write into an app's tables themselves. A day of thousands of such rows of one person counts for each
 * post once, costs the database bytes in proportion, and others nothing.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isFull } from "../testing/courses.ts";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "direct_inserts");
const person = (name: string) => `md5('${name}')::uuid`;
const post = (n: string) => `md5('post ' || ${n})::uuid`;
const rows = isFull ? 20_000 : 4_000;

before(async () => {
  await pool.query(`
    insert into public.profiles (id, created_at)
    select md5(name)::uuid, now() - interval '1 year' from (values ('author'), ('loud'), ('reader'), ('other')) as people (name);
    insert into public.posts (id, author_id, title, created_at)
    select ${post("n")}, ${person("author")}, 'a post', now() - interval '10 days' from generate_series(1, 100) as n;
    insert into public.post_views (user_id, post_id, created_at)
    select people.id, ${post("n")}, now() - interval '9 days' + n * interval '1 minute'
    from generate_series(1, 100) as n, unnest(array[${person("reader")}, ${person("other")}]) as people (id);
    select recsys.roll_up(null);
    analyze`);
});

/** Runs SQL as the Data API does; the role authenticated is a signed-in user. */
async function as(name: string, role: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query(
      `select set_config('request.jwt.claims', json_build_object('sub', ${person(name)}, 'role', 'authenticated')::text, true),
         set_config('role', '${role}', true)`,
    );
    const found = await client.query(sql);
    await client.query("commit");
    return found.rows;
  } finally {
    client.release();
  }
}

/** Pages of 8 kB that the candidates of a feed read, once plans are made. */
async function pagesOf(name: string): Promise<number> {
  const candidates = `explain (analyze, buffers, format json) select recsys_engine.feed_candidates(jsonb_build_object('role', 'authenticated', 'user_id', ${person(name)}))`;
  await as(name, "service_role", candidates);
  const [found] = await as(name, "service_role", candidates);
  const [{ Plan: plan }] = found["QUERY PLAN"] as { Plan: Record<string, number> }[];
  return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
}

async function engineBytes(): Promise<number> {
  const { rows } = await pool.query(
    "select sum(pg_total_relation_size(oid))::integer as bytes from pg_class where relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and relkind = 'r'",
  );
  return rows[0].bytes;
}

const numbers = async (sql: string): Promise<number[]> =>
  (await pool.query({ text: sql, rowMode: "array" })).rows[0].map(Number);
const shown = "select sum(views), sum(participants), max(trend) from recsys_engine.latest_post_stats";
const states = "select count(*) from recsys_engine.post_stats";

test("thousands of views of one person in a day are one view of each post, and bytes in proportion", async (t) => {
  const [[views, people], [states_before]] = [await numbers(shown), await numbers(states)];
  const bytes = await engineBytes();
  const own = (from: number, to: number) =>
    as(
      "loud",
      "authenticated",
      `insert into public.post_views (user_id, post_id, created_at)
       select ${person("loud")}, ${post("1 + n % 100")}, now() - interval '1 day' + n * interval '4 seconds' from generate_series(${from}, ${to}) as n`,
    );
  // one view of each post, and then the others
  await own(1, 100);
  await pool.query("select recsys.roll_up()");
  const [, , trend] = await numbers(shown);
  const reader = await pagesOf("reader");
  await own(101, rows);
  let calls = 0;
  while ((await numbers("select recsys.roll_up()"))[0] > 0) assert.ok(++calls < 10);
  await pool.query("analyze");
  assert.deepEqual(await numbers(shown), [views + 100, people + 100, trend], "the others count for nothing");
  assert.deepEqual(await numbers(states), [states_before + 100]);
  const grown = (await engineBytes()) - bytes;
  t.diagnostic(`${(grown / rows).toFixed(0)} bytes of the engine's for each`);
  // a state of theirs for each
  assert.ok(grown < 600 * rows, `${grown} bytes`);
  const now = await pagesOf("reader");
  t.diagnostic(`${now} pages of another's feed, ${reader} before`);
  // indexes have a level more
  assert.ok(now <= 1.5 * reader, `${now} pages instead of ${reader}`);
});
