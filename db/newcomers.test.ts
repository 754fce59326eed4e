/** Which posts of newcomers are on trial; what a roll-up decides is what a look at everything decides. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "./testing.ts";

const database = await testDatabase({ after }, "newcomers");
const { pool } = database;
const id = (letter: string, n: number) => `${letter.padStart(8, "0")}-0000-4000-8000-${String(n).padStart(12, "0")}`;
const person = (n: number) => id("a", n);
const post = (n: number) => id("b", n);
const rollUp = () => pool.query("select recsys.roll_up(null)");

/** The engine's clock is at six in the evening (UTC). */
const evening =
  "update recsys.settings set clock_shift = now() - (date_trunc('day', now(), 'UTC') - interval '6 hours')";
const noon = "date_trunc('day', recsys.clock(), 'UTC') + interval '12 hours'";

/** People who signed up so many hours before noon, and so long after each other in minutes. */
async function signUp(numbers: number[], hours: number): Promise<void> {
  await pool.query(
    `insert into public.profiles (id, created_at) select id, ${noon} - $2 * interval '1 hour' from unnest($1::uuid[]) as id`,
    [numbers.map(person), hours],
  );
}

/** Posts by number, author, and minutes after noon. */
async function write(...posts: [number: number, author: number, minutes: number][]): Promise<void> {
  await pool.query(
    `insert into public.posts (id, author_id, title, created_at)
     select post.id, post.author, '', ${noon} + post.minutes * interval '1 minute'
     from unnest($1::uuid[], $2::uuid[], $3::int[]) as post (id, author, minutes)`,
    [posts.map(([n]) => post(n)), posts.map(([, author]) => person(author)), posts.map(([, , minutes]) => minutes)],
  );
}

/** Numbers of the posts that are on trial so many minutes after noon. */
async function onTrial(minutes = 60): Promise<number[]> {
  const { rows } = await pool.query(
    `select right(post_id::text, 12)::int as n from recsys_engine.newcomer_posts where on_trial_until >= ${noon} + $1 * interval '1 minute' order by 1`,
    [minutes],
  );
  return rows.map(({ n }) => n);
}

const days = 24;
const readers = Array.from({ length: 10 }, (_, i) => 100 + i);

// people who have been there for two months; and a newcomer's post every two weeks: five times the mean is none
beforeEach(async () => {
  await pool.query(
    "truncate public.profiles, public.posts, recsys_engine.newcomer_days, recsys_engine.newcomer_posts cascade",
  );
  await pool.query(evening);
  await signUp(readers, 60 * days);
  await signUp([50], 40 * days);
  await write([900, 50, -60 * 24 * 39.9]);
});

/** So many posts by newcomers on each of the 28 days before, which is how many are usual. */
async function usually(posts: number): Promise<void> {
  for (let day = 1; day <= 28; day++) {
    await signUp([200 + day], day * days + 1);
    await write(
      ...Array.from({ length: posts }, (_, i): [number, number, number] => [
        1000 + 50 * day + i,
        200 + day,
        -day * 1440 + i,
      ]),
    );
  }
}

test("what newcomers write is on trial where they rarely write, and what others write is not", async () => {
  await signUp([1], 23);
  await signUp([2], 25);
  await write([1, 1, 0], [2, 2, 0], [3, 100, 0]);
  await rollUp();
  assert.deepEqual(await onTrial(), [1]);
});

test("five times as many as are usual are admitted: of each newcomer the first before the second of others", async () => {
  await usually(1);
  await signUp([1, 2, 3, 4, 5, 6], 1);
  // one who writes ten has five places, and takes none of them from those who write their first
  await write(...Array.from({ length: 10 }, (_, i): [number, number, number] => [i + 1, 1, i]));
  await write([21, 2, 20], [22, 2, 21], [23, 2, 22], [31, 3, 23], [41, 4, 24], [51, 5, 25], [61, 6, 26]);
  await rollUp();
  assert.deepEqual(await onTrial(), [6, 7, 8, 9, 10, 23, 61]);
});

test("a roll-up after each post decides what a look at everything does", async () => {
  await usually(1);
  await signUp([1, 2, 3, 4], 1);
  for (let n = 1; n <= 24; n++) {
    await write([n, 1 + (((n * n) % 7) % 4), n]);
    await rollUp();
  }
  await pool.query(
    `insert into public.post_views (user_id, post_id, created_at) values ($1, $2, ${noon} + interval '50 minutes')`,
    [person(100), post(20)],
  );
  await rollUp();
  const all = "select * from recsys_engine.newcomer_posts where on_trial_until is not null order by post_id";
  const { rows } = await pool.query(all);
  assert.ok(rows.length > 5);
  await pool.query(
    "truncate recsys_engine.newcomer_posts, recsys_engine.newcomer_days; insert into recsys_engine.feature_changes (post_id) select id from public.posts",
  );
  await rollUp();
  assert.deepEqual((await pool.query(all)).rows, rows);
});

test("the first act of somebody who is no newcomer and not the author ends a trial; without one it ends after a week", async () => {
  await signUp([1, 2], 1);
  await write([1, 1, 0], [2, 1, 1], [3, 1, 2]);
  const act = (table: string, who: number, n: number, minutes: number) =>
    pool.query(
      `insert into public.${table} (user_id, post_id, created_at) values ($1, $2, ${noon} + $3 * interval '1 minute')`,
      [person(who), post(n), minutes],
    );
  await rollUp();
  await act("post_views", 1, 1, 10);
  await act("post_views", 2, 1, 11);
  await act("post_votes", 2, 2, 12);
  await rollUp();
  assert.deepEqual(await onTrial(), [1, 2, 3]);
  await act("post_views", 100, 1, 30);
  await act("post_votes", 101, 2, 40);
  await rollUp();
  assert.deepEqual(await onTrial(29), [1, 2, 3]);
  assert.deepEqual(await onTrial(31), [2, 3]);
  assert.deepEqual(await onTrial(), [3]);
  assert.deepEqual(await onTrial(7 * 1440 + 2), [3]);
  assert.deepEqual(await onTrial(7 * 1440 + 3), []);
  // as if it had never been
  await pool.query("delete from public.post_views where user_id = $1", [person(100)]);
  await rollUp();
  assert.deepEqual(await onTrial(), [1, 3]);
});

test("nothing is on trial in the first 28 days, nor where most people came on the day before", async () => {
  await signUp([1], 1);
  await pool.query("delete from public.profiles where id = $1", [person(50)]);
  await pool.query(
    `update public.profiles set created_at = ${noon} - interval '20 days' where created_at < ${noon} - interval '20 days'`,
  );
  await write([1, 1, 0]);
  await rollUp();
  assert.deepEqual(await onTrial(), []);
  await pool.query(
    "truncate public.profiles, public.posts, recsys_engine.newcomer_days, recsys_engine.newcomer_posts cascade",
  );
  await signUp([100], 60 * days);
  await signUp([1, 2, 3], 14);
  await write([1, 1, 0], [2, 2, 1]);
  await rollUp();
  assert.deepEqual(await onTrial(), []);
});

test("posts that were never on trial are forgotten at night, those that were are not", async () => {
  await usually(1);
  await signUp([1], 1);
  await write([1, 1, 0], [2, 1, 1], [3, 1, 2], [4, 1, 3], [5, 1, 4], [6, 1, 5]);
  await rollUp();
  const kept = async () => {
    const { rows } = await pool.query(
      "select right(post_id::text, 12)::int as n from recsys_engine.newcomer_posts where user_id = $1 order by 1",
      [person(1)],
    );
    return rows.map(({ n }) => n);
  };
  assert.deepEqual(await kept(), [1, 2, 3, 4, 5, 6]);
  await pool.query(
    "update recsys.settings set clock_shift = clock_shift - interval '1 day'; select recsys_engine.purge_trials()",
  );
  assert.deepEqual(await kept(), [6]);
});
