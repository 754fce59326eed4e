// What several watches of one community queue: each post and person waits once, whatever the number of watches, and a roll-up works each out once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rollUpAll } from "../trainer/data/replay/roll-up.ts";
import type { Database } from "./connect.ts";
import { testDatabase, withoutPostgres } from "./testing.ts";

const posts = 1050;
const people = 60;

/** Posts with tags and pictures, and what people did with them in three tables; nothing is watched yet. */
async function useForum({ pool }: Database): Promise<void> {
  const acts = ["views", "likes", "replies"];
  const ids = (what: string, number: string) =>
    `('${what}0000000-0000-4000-8000-' || lpad((${number})::text, 12, '0'))::uuid`;
  await pool.query(`
    create schema forum;
    create table forum.members (id uuid primary key, bio text, at timestamptz not null);
    create table forum.posts (id uuid primary key, author_id uuid, title text, at timestamptz not null);
    create table forum.tags (post_id uuid, tag text, primary key (post_id, tag));
    create table forum.pictures (id bigint primary key generated always as identity, post_id uuid, caption text);
    ${acts.map((act) => `create table forum.${act} (id bigint primary key generated always as identity, user_id uuid not null, post_id uuid not null, at timestamptz not null);`).join("\n")}
    create table forum.visits (id bigint primary key generated always as identity, user_id uuid not null, at timestamptz not null);
    insert into forum.members select ${ids("a", "n")}, 'I bake', now() - interval '200 days' from generate_series(1, ${people}) as n;
    insert into forum.posts select ${ids("b", "n")}, ${ids("a", `1 + n % ${people}`)}, 'bread ' || n, now() - interval '100 days' + n * interval '1 hour' from generate_series(1, ${posts}) as n;
    insert into forum.tags select id, 'bread' from forum.posts;
    insert into forum.pictures (post_id, caption) select id, 'a loaf' from forum.posts;
    ${acts.map((act, k) => `insert into forum.${act} (user_id, post_id, at) select ${ids("a", `1 + (n * 7 + ${k}) % ${people}`)}, posts.id, posts.at + interval '90 minutes' + n % 11 * interval '5 hours' from forum.posts join generate_series(1, ${posts}) as n on posts.id = ${ids("b", "n")};`).join("\n")}
    insert into forum.visits (user_id, at) select user_id, at from forum.views;
    create or replace view recsys.source_users with (security_invoker = true) as
    select id as user_id, null::text as external_id, '{}'::text[] as passions, '{}'::text[] as projects, bio, at as created_at from forum.members;
    create or replace view recsys.source_posts with (security_invoker = true) as
    select posts.id as post_id, null::text as external_id, author_id, title, '' as description, array(select tag from forum.tags where tags.post_id = posts.id) as tags, at as created_at, null::text as language
    from forum.posts;
    create or replace view recsys.source_interactions with (security_invoker = true) as
    ${acts.map((act, k) => `select recsys.event_id_of(${k + 1}, id) as interaction_id, user_id, post_id, '${["view", "vote", "comment"][k]}' as kind, null::real as value, at as created_at, null::real as weight from forum.${act}`).join(" union all ")};
    create or replace view recsys.source_logins with (security_invoker = true) as select id as login_id, user_id, at as created_at from forum.visits;
    delete from recsys_engine.feature_changes; delete from recsys_engine.embedding_jobs`);
}

const watches = [
  "select recsys.watch('forum.members', 'users', p_texts => '{bio}')",
  "select recsys.watch('forum.posts', 'posts', p_created_at => 'at', p_texts => '{title}')",
  "select recsys.watch('forum.tags', 'post_texts', p_texts => '{tag}')",
  "select recsys.watch('forum.pictures', 'post_texts', p_texts => '{caption}')",
  "select recsys.watch('forum.views', 'interactions', p_created_at => 'at')",
  "select recsys.watch('forum.likes', 'interactions', p_created_at => 'at')",
  "select recsys.watch('forum.replies', 'interactions', p_created_at => 'at')",
  "select recsys.watch('forum.visits', 'logins', p_created_at => 'at')",
];

const queued = `select count(*) filter (where post_id is not null)::int as posts, count(distinct post_id)::int as different_posts,
  count(*) filter (where user_id is not null)::int as people, count(distinct user_id)::int as different_people from recsys_engine.feature_changes`;
const once = { posts, different_posts: posts, people, different_people: people };

/** Rows that were ever written into a table, beside those that it has. */
async function writesOf({ pool }: Database): Promise<Record<string, { written: number; rows: number }>> {
  const client = await pool.connect();
  try {
    await client.query("select pg_stat_force_next_flush()");
    const { rows } = await client.query(`
      select relname as name, n_tup_ins::int as written, case relname when 'post_stats' then (select count(*)::int from recsys_engine.post_stats) else (select count(*)::int from recsys_engine.user_stats) end as rows
      from pg_stat_user_tables where schemaname = 'recsys_engine' and relname in ('post_stats', 'user_stats')`);
    return Object.fromEntries(rows.map(({ name, written, rows }) => [name, { written, rows }]));
  } finally {
    client.release();
  }
}

const skip = await withoutPostgres();

test("eight watches queue each post and person once, and a first roll-up works each out once", { skip }, async (t) => {
  const database = await testDatabase(t, "watch_queue");
  const { pool } = database;
  await useForum(database);
  for (const round of ["at first", "watched again"]) {
    for (const watch of watches) await pool.query(watch);
    assert.deepEqual((await pool.query(queued)).rows, [once], round);
    const { rows } = await pool.query(
      "select kind, count(*)::int from recsys_engine.embedding_jobs group by kind order by kind",
    );
    assert.deepEqual(
      rows,
      [
        { kind: "post", count: posts },
        { kind: "user", count: people },
      ],
      round,
    );
  }
  const steps: number[] = [];
  await rollUpAll(database, ({ done, total }) => void steps.push(done / (total ?? done)));
  const writes = await writesOf(database);
  assert.ok(writes.post_stats.rows > 2 * posts && writes.user_stats.rows > 2 * posts, JSON.stringify(writes));
  for (const { written, rows } of Object.values(writes)) assert.equal(written, rows, JSON.stringify(writes));
  assert.ok(steps.length > 5, "in small portions, each with its progress");
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);

  // the queue of a community that has states
  for (const watch of [...watches, ...watches]) await pool.query(watch);
  assert.deepEqual((await pool.query(queued)).rows, [once]);
  await rollUpAll(database, () => {});
  const again = await writesOf(database);
  assert.ok(again.user_stats.written <= 2 * again.user_stats.rows, JSON.stringify(again));
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
  assert.deepEqual((await pool.query("select count(*)::int from recsys_engine.feature_changes")).rows, [{ count: 0 }]);
});

test("roll-ups by schedule do a first one in portions, too, each post and person once", { skip }, async (t) => {
  const database = await testDatabase(t, "watch_scheduled");
  const { pool } = database;
  await useForum(database);
  for (const watch of watches) await pool.query(watch);
  for (let round = 0; round < 20; round++) await pool.query("select recsys.roll_up()");
  for (const { written, rows } of Object.values(await writesOf(database))) assert.equal(written, rows);
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
});

test("where a roll-up runs, a watch queues again what that may have read too early", { skip }, async (t) => {
  const database = await testDatabase(t, "watch_beside");
  const { pool } = database;
  await useForum(database);
  await pool.query(watches[1]);
  const other = await pool.connect();
  await other.query("begin; select recsys_engine.take_lock('roll_up'); delete from recsys_engine.feature_changes");
  await pool.query(watches[4]);
  await other.query("commit");
  other.release();
  assert.deepEqual((await pool.query("select count(*)::int from recsys_engine.feature_changes")).rows, [
    { count: posts },
  ]);
});

test("watches of one transaction write each job of the vectors once", { skip }, async (t) => {
  const database = await testDatabase(t, "watch_jobs");
  await useForum(database);
  await database.pool.query(`begin; ${watches.join("; ")}; commit`);
  const { rows } = await database.pool.query("select max(version)::int as version from recsys_engine.embedding_jobs");
  assert.deepEqual(rows, [{ version: 1 }]);
});
