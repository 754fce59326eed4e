/** What a feed reads of a person is bounded, whatever they did: the latest of it live, and what came before from what the roll-up kept. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { affinityDifferences } from "../testing/affinities.ts";
import { onBoth, testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "affinities");
const person = (name: string) => `md5('${name}')::uuid`;
const post = (n: string) => `md5('post ' || ${n})::uuid`;

/** Ten authors with 4,000 posts; `reader` interacted with 40 of them, `much` with 3,000, and `loud` 20,000 times with a post of their own. */
async function fill(): Promise<void> {
  await pool.query(`
    insert into public.profiles (id, created_at)
    select md5(name)::uuid, now() - interval '1 year' from (values ('reader'), ('much'), ('loud')) as people (name);
    insert into public.profiles (id, created_at) select ${person("author ' || n || '")}, now() - interval '1 year' from generate_series(0, 9) as n;
    insert into public.posts (id, author_id, title, created_at)
    select ${post("n")}, ${person("author ' || n % 10 || '")}, 'a post', now() - interval '100 days' from generate_series(1, 4000) as n;
    insert into public.posts (id, author_id, title, created_at) values (${post("0")}, ${person("loud")}, 'their own', now() - interval '100 days');
    insert into public.post_views (user_id, post_id, created_at)
    select ${person("reader")}, ${post("n")}, now() - n * interval '1 hour' from generate_series(1, 40) as n;
    insert into public.post_views (user_id, post_id, created_at)
    select ${person("much")}, ${post("n")}, now() - interval '10 days' - n * interval '1 minute' from generate_series(1, 3000) as n;
    insert into public.post_views (user_id, post_id, created_at)
    select ${person("loud")}, ${post("0")}, now() - interval '20 days' - n * interval '1 second' from generate_series(1, 20000) as n;
    select recsys.roll_up(null)`);
  await pool.query("analyze");
}
await fill();

/** Pages of 8 kB that a statement looks at as this person, in the cache or not, once its plans are made. */
async function pagesOf(name: string, statement: string): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows: of } = await client.query(`select ${person(name)} as id`);
    const claims = JSON.stringify({ sub: of[0].id, role: "authenticated" });
    await client.query("select set_config('request.jwt.claims', $1, true)", [claims]);
    await client.query(statement, [of[0].id]);
    const { rows } = await client.query(`explain (analyze, buffers, format json) ${statement}`, [of[0].id]);
    const [{ Plan: plan }] = rows[0]["QUERY PLAN"];
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
  } finally {
    await client.query("rollback");
    client.release();
  }
}

await onBoth("a new act counts at once, and one that was taken back no more after a roll-up", async (_, { pool }) => {
  await pool.query(
    `insert into public.profiles (id) select ${person("' || name || '")} from unnest('{reader,ana,ben}'::text[]) as people (name);
     insert into public.posts (id, author_id, title, created_at)
     select ${post("n")}, ${person("' || (array['ana', 'ben'])[1 + n % 2] || '")}, 'a post', now() - interval '30 days' from generate_series(1, 60) as n;
     insert into public.post_votes (user_id, post_id, created_at)
     select ${person("reader")}, ${post("n")}, now() - n * interval '1 hour' from generate_series(1, 30) as n;
     select recsys.roll_up()`,
  );
  const affinities = async () => {
    const { rows } = await pool.query(
      `select request.affinities, cardinality(request.excluded) as excluded
       from recsys_engine.with_affinities(recsys_engine.feed_request(${person("reader")}, recsys.clock())) as request`,
    );
    return [rows[0].affinities, rows[0].excluded];
  };
  const kept = async () => (await pool.query("select acts, affinities from recsys_engine.user_affinities")).rows;
  assert.deepEqual(await affinities(), [[15, 15], 30]);
  assert.deepEqual(await kept(), [{ acts: 30, affinities: [15, 15] }]);
  await pool.query(`insert into public.post_votes (user_id, post_id) values (${person("reader")}, ${post("31")})`);
  assert.deepEqual(await affinities(), [[16, 15], 31]);
  await pool.query("select recsys.roll_up()");
  assert.deepEqual(
    await kept(),
    [{ acts: 30, affinities: [15, 15] }],
    "one act is no reason to count all of them again",
  );
  await pool.query(
    `delete from public.post_votes where post_id in (select ${post("n")} from generate_series(2, 10, 2) as n)`,
  );
  assert.equal((await affinities())[1], 26, "it may come again at once");
  await pool.query("select recsys.roll_up()");
  assert.deepEqual(await affinities(), [[16, 10], 26]);
  await pool.query(`delete from public.posts where author_id = ${person("ana")}; select recsys.roll_up()`);
  assert.equal((await affinities())[0].length, 1);
  await pool.query("delete from public.post_votes; select recsys.roll_up()");
  assert.deepEqual([await affinities(), await kept()], [[null, 0], []]);
  assert.deepEqual(await affinityDifferences(pool), []);
});

test("who did much is offered nothing of it again, though a feed reads only the latest", async () => {
  const { rows } = await pool.query(
    `select request.excluded, request.affinities, (select sum(affinity) from unnest(request.affinities) as affinity)::integer as acts
     from recsys_engine.with_affinities(recsys_engine.feed_request(${person("much")}, recsys.clock())) as request`,
  );
  const [{ excluded, affinities, acts }] = rows;
  assert.equal(new Set(excluded).size, 3000);
  assert.deepEqual([affinities.length, acts], [10, 3000]);
  // as of an instant before all that was counted
  const before = await pool.query(
    `select cardinality(excluded) as excluded, cardinality(interacted) as interacted
     from recsys_engine.feed_request(${person("reader")}, now() - interval '90 minutes')`,
  );
  assert.deepEqual(before.rows, [{ excluded: 39, interacted: 39 }]);
});

test("a feed of somebody with 20,000 views looks at hardly more pages than another's", async (t) => {
  const candidates =
    "select recsys_engine.feed_candidates(jsonb_build_object('role', 'authenticated', 'user_id', $1::uuid))";
  const context = "select recsys_engine.user_context($1, null, recsys.clock())";
  for (const [statement, most] of [
    [candidates, 6_000],
    [context, 2_000],
  ] as const) {
    const [others, theirs] = [await pagesOf("reader", statement), await pagesOf("loud", statement)];
    t.diagnostic(`${statement}: ${others} pages, theirs ${theirs}`);
    assert.ok(theirs < others + most, `${theirs} pages instead of ${others}`);
  }
});
