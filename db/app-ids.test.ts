/** Ids of apps whose posts have numbers or texts: into uuids and back, in SQL as in the functions. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { appIdOf } from "../supabase/functions/_shared/recommend/hydration/describe-items.ts";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "app_ids");

async function one<T>(sql: string, values: unknown[] = []): Promise<T> {
  const { rows } = await pool.query({ text: sql, values, rowMode: "array" });
  return rows[0][0];
}

test("every number has a uuid of its own, which says which number it is", async () => {
  assert.equal(await one("select recsys.id_of(1)"), "72656373-7973-8000-8000-000000000001");
  const edges = [0n, 1n, -1n, 4294967296n, 2n ** 60n, 2n ** 63n - 1n, -(2n ** 63n)];
  const random = Array.from({ length: 500 }, () => crypto.getRandomValues(new BigInt64Array(1))[0]);
  for (const number of [...edges, ...random]) {
    const id = await one<string>("select recsys.id_of($1::bigint)", [String(number)]);
    assert.match(id, /^72656373-7973-800.-8.{3}-.{12}$/);
    assert.equal(await one("select recsys.app_id($1)", [id]), String(number));
    assert.equal(appIdOf(id), String(number));
  }
  assert.equal(await one("select count(distinct recsys.id_of(n))::int from generate_series(-5000, 5000) as n"), 10001);
});

test("a text has a uuid, and its row says which text it is", async () => {
  const id = await one<string>("select recsys.id_of('the-best-bread'::text)");
  // sha256 by another hand, with version and variant of RFC 9562 in their places
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from("the-best-bread"))).toString("hex");
  assert.equal(id.replaceAll("-", ""), `${digest.slice(0, 12)}8${digest.slice(13, 16)}8${digest.slice(17, 32)}`);
  assert.equal(await one("select recsys.app_id($1, 'the-best-bread')", [id]), "the-best-bread");
  assert.equal(await one("select recsys.app_id($1)", [id]), id);
  assert.notEqual(await one("select recsys.id_of('1'::text)"), await one("select recsys.id_of(1)"));
});

test("a person without an account has a uuid that no post has", async () => {
  assert.equal(await one("select recsys.person_id_of(1)"), "72656373-7973-8000-9000-000000000001");
  assert.match(await one("select recsys.person_id_of(-1)"), /^72656373-7973-800f-9fff-ffffffffffff$/);
  const keys = "(select n::bigint as n, 'post ' || n as t from generate_series(-5000, 5000) as n) as keys";
  const all = `select recsys.id_of(n) as id from ${keys} union all select recsys.person_id_of(n) from ${keys}
    union all select recsys.id_of(t) from ${keys} union all select recsys.person_id_of(t) from ${keys}`;
  assert.equal(await one(`select count(distinct id)::int from (${all}) as ids`), 4 * 10001);
  // and so it is never taken for a post's number
  assert.equal(await one("select recsys.app_id(recsys.person_id_of(7))"), "72656373-7973-8000-9000-000000000007");
});

test("a uuid is its own, whatever an import called it", async () => {
  const id = crypto.randomUUID();
  assert.equal(await one("select recsys.app_id($1, 'post-7')", [id]), id);
  assert.equal(appIdOf(id), id);
});

test("nothing has no id", async () => {
  for (const sql of [
    "recsys.id_of(null::bigint)",
    "recsys.id_of(null::text)",
    "recsys.person_id_of(null::bigint)",
    "recsys.person_id_of(null::text)",
    "recsys.app_id(null)",
  ])
    assert.equal(await one(`select ${sql}`), null, sql);
});

test("ids of several tables do not collide, and keep their order", async () => {
  const numbered = `select table_number, id from generate_series(0, 31) as table_number cross join (
    select generate_series(1, 1000) union all select 9223372036854775807 - generate_series(0, 200)
    union all select (1::bigint << 57) - 100 + generate_series(0, 200)
  ) as ids (id)`;
  assert.equal(
    await one(`select count(*) - count(distinct recsys.event_id_of(table_number, id)) from (${numbered}) as rows`),
    0,
  );
  assert.equal(
    await one(
      `select bool_and(recsys.event_id_of(3, id) < recsys.event_id_of(3, id + 1)) from generate_series(1, 1000) as id`,
    ),
    true,
  );
  assert.notEqual(
    await one("select recsys.event_id_of(1, 'a b'::text)"),
    await one("select recsys.event_id_of(2, 'a b'::text)"),
  );
});

test("an app that writes as a role of its own goes on writing tables that have such ids", async () => {
  const client = await pool.connect();
  try {
    await client.query(`
      begin;
      create role recsys_test_writer;
      create table public.notes (
        id text primary key,
        recsys_id uuid generated always as (recsys.id_of(id)) stored,
        recsys_person uuid generated always as (recsys.person_id_of(7)) stored,
        recsys_created_at timestamptz generated always as (recsys.time_of_id(id, 'aid')) stored
      );
      grant insert, select on public.notes to recsys_test_writer;
      set local role recsys_test_writer;
      insert into public.notes (id) values ('9abcdefgh0'), ('no time!')`);
    const { rows } = await client.query(
      "select recsys_created_at is null as is_timeless from public.notes order by id",
    );
    assert.deepEqual(rows, [{ is_timeless: false }, { is_timeless: true }]);
  } finally {
    await client.query("rollback");
    client.release();
  }
});
