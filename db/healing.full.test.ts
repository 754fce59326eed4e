/**
 * What accounts did within minutes is gone once they are deleted and erased: what the engine keeps of all others is, byte by byte, what it is where
 * they never were. SOAK: how many views one account has, 1,000 by default.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { clear } from "../testing/community.ts";
import { testDatabase } from "./testing.ts";

const views = Number(process.env.SOAK ?? 1000);
const { pool } = await testDatabase({ after }, "healing");
const kept = [
  "recsys.dismissals",
  "recsys.impressions",
  ...(
    "post_stats latest_post_stats user_stats latest_user_stats user_affinities first_day_interactions bursts circle_members author_readers " +
    "exploration_stats exploration_impressions post_tags"
  )
    .split(" ")
    .map((table) => `recsys_engine.${table}`),
];

/** So many days after today's noon, by the engine's clock, which is at six in the evening (UTC). */
const noon = (days: string | number) =>
  `date_trunc('day', recsys.clock(), 'UTC') + interval '12 hours' + (${days}) * interval '1 day'`;
const minutes = (number: string) => `(${number}) * interval '1 minute'`;
const person = (letter: string, number: string) => `md5('${letter}' || ${number})::uuid`;
const old = (number: string) => `md5('old' || 1 + (${number}) % 50)::uuid`;

/** 40 people have been there for two months; a day later than the one before each of 59 others came, wrote a post and viewed another. */
const community = `
  insert into public.profiles (id, created_at) select ${person("known", "n")}, ${noon(-62)} from generate_series(1, 40) as n;
  insert into public.profiles (id, created_at) select ${person("later", "n")}, ${noon("-n")} from generate_series(1, 59) as n;
  insert into public.posts (id, author_id, title, tags, created_at)
    select ${old("n")}, ${person("known", "1 + n % 40")}, 'old', array['tag ' || n % 7], ${noon(-61)} + ${minutes("n")} from generate_series(1, 50) as n;
  insert into public.posts (id, author_id, title, created_at)
    select md5('later post' || n)::uuid, ${person("later", "n")}, 'later', ${noon("-n")} + ${minutes("1")} from generate_series(1, 59) as n;
  insert into public.post_views (id, user_id, post_id, created_at)
    select 10010000 + n, ${person("later", "n")}, ${old("n")}, ${noon("-n")} + ${minutes("2")} from generate_series(1, 59) as n;
  insert into public.post_views (id, user_id, post_id, created_at)
    select 10020000 + 100 * day + n, ${person("known", "n")}, ${old("day + 3 * n")}, ${noon("-day")} + ${minutes("n")}
    from generate_series(1, 60, 2) as day, generate_series(1, 40) as n;
  insert into public.comments (id, user_id, post_id, created_at) select 30000 + id, user_id, post_id, created_at + ${minutes("5")} from public.post_views where id % 3 = 0`;

/** At noon ten accounts of twenty minutes write 20 posts each; eight interact with all there is and two with each other, and one of two days views 20 posts again and again. */
const attack = `
  insert into public.profiles (id, created_at) select ${person("ten", "n")}, ${noon(0)} - ${minutes("20")} from generate_series(1, 10) as n;
  insert into public.profiles (id, created_at) values (${person("one", "''")}, ${noon(-2)});
  insert into public.posts (id, author_id, title, tags, created_at)
    select md5('ten' || n || 'post' || i)::uuid, ${person("ten", "n")}, 'theirs', '{tag 1}', ${noon(0)} + ${minutes("i * .1")} from generate_series(1, 10) as n, generate_series(1, 20) as i;
  insert into public.post_views (user_id, post_id, created_at)
    select ${person("ten", "n")}, posts.id, ${noon(0)} + ${minutes("5 + n * .1")} from generate_series(1, 10) as n, public.posts
    where n <= 8 or author_id in (${person("ten", "9")}, ${person("ten", "10")});
  insert into public.comments (user_id, post_id, created_at) select user_id, post_id, created_at + ${minutes("1")} from public.post_views where created_at > ${noon(0)};
  insert into public.post_views (user_id, post_id, created_at)
    select ${person("one", "''")}, ${old("n % 20")}, ${noon(0)} + ${minutes("n * 0.00002")} from generate_series(1, ${views}) as n;
  insert into recsys.impressions (request_id, user_id, post_id, position, shown_at)
    select md5('page' || n || i)::uuid, ${person("ten", "n")}, ${old("i")}, 1, ${noon(0)} + ${minutes("1")} from generate_series(1, 10) as n, generate_series(1, 50) as i;
  insert into recsys_engine.exploration_impressions (post_id, user_id, shown_at) select md5('later post' || i)::uuid, ${person("ten", "n")}, ${noon(0)} from generate_series(1, 10) as n, generate_series(1, 6) as i;
  insert into recsys.dismissals select ${person("ten", "n")}, ${old("n")}, ${noon(0)} from generate_series(1, 10) as n`;

/** What people do who are taken in: they interact with the posts of the ten. */
const takenIn = `
  insert into public.post_views (user_id, post_id, created_at)
    select ${person("known", "n")}, md5('ten' || 1 + n % 10 || 'post1')::uuid, ${noon(0)} + ${minutes("30 + n")} from generate_series(1, 40) as n`;

/** An hour later others go on: three newcomers write and interact with old posts, and known people to all of that. */
const afterwards = `
  insert into public.profiles (id, created_at) select ${person("new", "n")}, ${noon(0)} - ${minutes("10")} from generate_series(1, 3) as n;
  insert into public.posts (id, author_id, title, created_at) select md5('new post' || n)::uuid, ${person("new", "n")}, 'new', ${noon(0)} + ${minutes("60 + n")} from generate_series(1, 3) as n;
  insert into public.post_views (id, user_id, post_id, created_at)
    select 20000000 + n, ${person("new", "n")}, ${old("n")}, ${noon(0)} + ${minutes("60 + 40 * n")} from generate_series(1, 3) as n;
  insert into public.post_votes (id, user_id, post_id, created_at)
    select 20000100 + n, ${person("known", "n")}, ${old("n * n")}, ${noon(0)} + ${minutes("70 + n")} from generate_series(1, 40) as n;
  insert into recsys_engine.exploration_impressions (post_id, user_id, shown_at) select md5('later post' || i)::uuid, ${person("known", "n")}, ${noon(0)} + ${minutes("70")} from generate_series(1, 40) as n, generate_series(1, 3) as i;
  insert into public.post_views (id, user_id, post_id, created_at)
    select 20000200 + n, ${person("known", "n")}, md5('later post' || 1 + n % 3)::uuid, ${noon(0)} + ${minutes("75 + n * .1")} from generate_series(1, 40) as n`;

async function evening(days: number): Promise<void> {
  await pool.query(
    "update recsys.settings set clock_shift = now() - (date_trunc('day', now(), 'UTC') - interval '6 hours') - $1 * interval '1 day'",
    [days],
  );
}

/**
 * Rolls up in portions as pg_cron does, since one of more than 50,000 changes (an import) does not look for bursts;
 * then does the night's work.
 */
async function rollUp(): Promise<void> {
  while (Number((await pool.query("select recsys.roll_up() as written")).rows[0].written) > 0);
  await pool.query("select recsys.roll_up(null), recsys_engine.find_circles()");
}

type Kept = Record<string, string[]>;

async function allKept(): Promise<Kept> {
  const tables: Kept = {};
  for (const table of kept) {
    const { rows } = await pool.query(`select each::text as row from ${table} as each order by 1`);
    tables[table] = rows.map(({ row }) => row);
  }
  return tables;
}

const differing = (is: Kept, was: Kept) => kept.filter((table) => is[table].join() !== was[table].join());

/** What is kept in the evening and on the day after. */
async function lived(isAttacked: boolean) {
  await clear(pool);
  await evening(0);
  await pool.query("select recsys_engine.make_impression_partitions()");
  await pool.query(community);
  // as an import does: without it this roll-up took 20 times as long
  await pool.query("analyze");
  await rollUp();
  if (isAttacked) {
    await pool.query(attack);
    await rollUp();
    await pool.query(takenIn);
  }
  await pool.query(afterwards);
  await rollUp();
  const attacked = await allKept();
  if (isAttacked) {
    await pool.query(
      "delete from public.profiles where id in (select md5('ten' || n)::uuid from generate_series(1, 10) as n) or id = md5('one')::uuid",
    );
    await pool.query("select recsys.erase()");
    await rollUp();
  }
  const today = await allKept();
  await evening(1);
  await rollUp();
  await pool.query("select recsys_engine.purge_exploration_stats()");
  return { attacked, today, tomorrow: await allKept() };
}

test("deleted and erased, they leave what is kept of all others as it is where they never were", async () => {
  const calm = await lived(false);
  const healed = await lived(true);
  assert.equal(differing(healed.attacked, calm.attacked).length, 14, "the attack reached all that is kept");
  assert.deepEqual(differing(healed.today, calm.today), ["recsys_engine.exploration_stats"]);
  assert.deepEqual(differing(healed.tomorrow, calm.tomorrow), []);
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
});
