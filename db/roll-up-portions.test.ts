/** What came late, or takes long, costs a roll-up no more rows than it may write, keeps nothing waiting that is new, and is right in the end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type pg from "pg";
import type { Database } from "./connect.ts";
import { onBoth, testDatabase, withOneSession } from "./testing.ts";

const oneSession = await withOneSession();

const person = (n: string) => `md5('person ' || ${n})::uuid`;
const post = (n: string) => `md5('post ' || ${n})::uuid`;

/** 20 posts by person 0, each viewed by 100 people within 27 days, and post 0 by another 300. */
async function community({ pool }: Pick<Database, "pool">): Promise<void> {
  await pool.query(`
    insert into public.profiles (id, created_at) select ${person("n")}, now() - interval '1 year' from generate_series(0, 519) as n;
    insert into public.posts (id, author_id, title, created_at) select ${post("n")}, ${person("0")}, 'a post', now() - interval '40 days' from generate_series(0, 19) as n;
    insert into public.post_views (user_id, post_id, created_at)
    select ${person("1 + u")}, ${post("p")}, now() - interval '27 days' + (u * 20 + p) * interval '15 minutes' from generate_series(0, 99) as u, generate_series(0, 19) as p;
    insert into public.post_views (user_id, post_id, created_at)
    select ${person("100 + n")}, ${post("0")}, now() - interval '1 day' + n * interval '1 second' from generate_series(1, 300) as n;
    select recsys.roll_up(null)`);
}

/** As one request brings them: views dated 28 days back, of all posts but the first, or of some. */
const late = (posts: string) =>
  `insert into public.post_views (user_id, post_id, created_at)
   select ${person("500 + n")}, ${post("p")}, now() - interval '28 days' + n * interval '1 second' from generate_series(1, 12) as n, ${posts} as p`;

const count = async (pool: pg.Pool, from: string) =>
  (await pool.query(`select count(*)::integer as number from ${from}`)).rows[0].number as number;
const rollUp = async (pool: pg.Pool, sizes: string) =>
  Number((await pool.query(`select recsys.roll_up(${sizes}) as written`)).rows[0].written);
const viewsOf = async (pool: pg.Pool, n: string) =>
  (await pool.query(`select views from recsys_engine.latest_post_stats where post_id = ${post(n)}`)).rows[0]
    .views as number;
const isExact = async (pool: pg.Pool) =>
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences() limit 3")).rows, []);

await onBoth(
  "228 late views, each roll-up writes as many rows as it may, what is new is counted at once, and in the end all",
  async (t, database) => {
    const { pool } = database;
    await community(database);
    await pool.query(late("generate_series(1, 19)"));
    await pool.query(
      `insert into public.post_votes (user_id, post_id) select ${person("260 + n")}, ${post("n")} from generate_series(1, 15) as n`,
    );
    const written: number[] = [];
    do {
      written.push(await rollUp(pool, "20000, 500, 300"));
      if (written.length === 1)
        assert.equal(await count(pool, "recsys_engine.latest_post_stats where votes = 1"), 15, "what is new");
      assert.ok(written.length < 100);
    } while ((await count(pool, "recsys_engine.deferred_changes")) > 0);
    t.diagnostic(`rows written: ${written.join(", ")}`);
    // as many states of posts as may be rewritten, as many of people who came next to them, and what is new itself
    assert.ok(Math.max(...written) <= 2 * 500 + 300, `${Math.max(...written)} rows`);
    assert.ok(written.length > 3, "else nothing was late");
    await isExact(pool);
  },
);

await onBoth(
  "what would rewrite more than the horizon waits for the night, and keeps nothing of its post waiting",
  async (_, database) => {
    const { pool } = database;
    await community(database);
    await pool.query(late("generate_series(0, 0)"));
    assert.ok((await rollUp(pool, "20000, 5000, 300")) < 100);
    assert.equal(await count(pool, "recsys_engine.deferred_changes"), 12);
    assert.equal(await viewsOf(pool, "0"), 400);
    await pool.query(`insert into public.post_views (user_id, post_id) values (${person("450")}, ${post("0")})`);
    await rollUp(pool, "20000, 5000, 300");
    assert.equal(await viewsOf(pool, "0"), 401);
    // as pg_cron does at night
    const { rows } = await pool.query("select command from recsys.schedules where name = 'recsys late roll-up'");
    await pool.query(rows[0]?.command ?? "select recsys.roll_up(20000, 200000, null)");
    assert.equal(await viewsOf(pool, "0"), 413);
    await isExact(pool);
  },
);

test("everything is worked off at once where no bound is set", async (t) => {
  const database = await testDatabase(t, "no_bound");
  const { pool } = database;
  await community(database);
  await pool.query(late("generate_series(0, 19)"));
  await rollUp(pool, "20000, 10, 10");
  assert.ok((await count(pool, "recsys_engine.deferred_changes")) > 0);
  await rollUp(pool, "null");
  assert.equal(await count(pool, "recsys_engine.deferred_changes"), 0);
  await isExact(pool);
});

test("a roll-up that reaches its statement limit takes half the next time, what does so alone is set aside, and the others go on", {
  skip: oneSession,
}, async (t) => {
  const database = await testDatabase(t, "limits");
  const { pool } = database;
  await community(database);
  const name = "recsys_engine.roll_up_posts(uuid[], timestamptz[], uuid[], uuid[], timestamptz[])";
  const { rows } = await pool.query("select pg_get_functiondef($1::regprocedure) as definition", [name]);
  const slow = `perform pg_sleep(0.05 * cardinality(p_posts)); if ${post("7")} = any (p_posts) then perform pg_sleep(10); end if;`;
  await pool.query(rows[0].definition.replace("\nbegin\n", `\nbegin\n  ${slow}\n`));
  await pool.query(
    `insert into public.post_votes (user_id, post_id) select ${person("250 + n")}, ${post("n")} from generate_series(1, 19) as n`,
  );
  const session = await pool.connect();
  let calls = 0;
  try {
    await session.query("set statement_timeout = '1s'");
    for (; (await count(pool, "recsys_engine.feature_changes")) > 0; calls++) {
      assert.ok(calls < 40);
      await session.query("select recsys.roll_up()");
    }
  } finally {
    session.release(true);
  }
  t.diagnostic(`${calls} roll-ups`);
  assert.equal(await count(pool, "recsys_engine.latest_post_stats where votes = 1"), 18);
  const aside = await pool.query("select kind, error_code from recsys.feature_store_failures order by kind");
  assert.deepEqual(aside.rows, [
    { kind: "post", error_code: "57014" },
    { kind: "user", error_code: "57014" },
  ]);
  // the next of it is for the night, too, and takes nothing from the others
  await pool.query(
    `insert into public.post_votes (user_id, post_id) select ${person("280 + n")}, ${post("n")} from generate_series(6, 8) as n`,
  );
  await rollUp(pool, "");
  assert.equal(await count(pool, "recsys_engine.latest_post_stats where votes = 2"), 2);
  await pool.query(rows[0].definition);
  for (let minute = 0; minute < 2; minute++) await rollUp(pool, "20000, 200000, null");
  assert.equal(await count(pool, "recsys_engine.failed_feature_changes"), 0);
  await isExact(pool);
});

test("twice as many views of one post by one person take twice as much reading, their own post or another's", {
  skip: oneSession,
}, async (t) => {
  const { pool } = await testDatabase(t, "repeats");
  await pool.query(`
    insert into public.profiles (id, created_at) select ${person("n")}, now() - interval '1 year' from generate_series(0, 1) as n;
    insert into public.posts (id, author_id, title, created_at) values (${post("0")}, ${person("0")}, 'a post', now() - interval '40 days')`);
  /** Pages of 8 kB that a roll-up of so many views looks at, once the planner knows them. */
  const pagesFor = async (who: string, views: number) => {
    await pool.query("truncate public.post_views");
    await pool.query("select recsys.roll_up(null)");
    await pool.query(
      `insert into public.post_views (user_id, post_id, created_at)
       select ${person(who)}, ${post("0")}, now() - n * interval '1 second' from generate_series(1, ${views}) as n`,
    );
    await pool.query("analyze");
    const { rows } = await pool.query("explain (analyze, buffers, format json) select recsys.roll_up(null)");
    return rows[0]["QUERY PLAN"][0].Plan["Shared Hit Blocks"] as number;
  };
  for (const who of ["0", "1"]) {
    const [some, twice] = [await pagesFor(who, 2000), await pagesFor(who, 4000)];
    t.diagnostic(`person ${who}: ${some} pages for 2,000 views, ${twice} for 4,000`);
    assert.ok(twice < 2.3 * some, `${some} pages for 2,000 views, ${twice} for 4,000`);
  }
});
