/** A person's weight: how much of a day's actions count. A roll-up decides as a read of everything would. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { assertExact } from "../testing/feature-store-definitions.ts";
import { testDatabase } from "./testing.ts";

const database = await testDatabase({ after }, "bursts");
const { pool } = database;
const id = (letter: string, n: number) => `${letter.padStart(8, "0")}-0000-4000-8000-${String(n).padStart(12, "0")}`;
const person = (n: number) => id("a", n);
const post = (n: number) => id("b", n);
const noon = "date_trunc('day', recsys.clock(), 'UTC') + interval '12 hours'";
const day = 24 * 60;

// the engine's clock is at 18:00 UTC; posts 1 to 30 were written 35 days before by an author without interactions
beforeEach(async () => {
  await pool.query(
    "truncate public.profiles, public.posts, recsys_engine.bursts, recsys_engine.first_day_interactions cascade",
  );
  await pool.query(
    "update recsys.settings set clock_shift = now() - (date_trunc('day', now(), 'UTC') - interval '6 hours')",
  );
  await pool.query(
    `insert into public.profiles (id, created_at) select id, ${noon} - interval '60 days' from unnest($1::uuid[]) as id`,
    [[1, 2, 3, 100, 101].map(person)],
  );
  await pool.query(
    `insert into public.posts (id, author_id, title, created_at) select id, $2, '', ${noon} - interval '35 days' from unnest($1::uuid[]) as id`,
    [Array.from({ length: 30 }, (_, i) => post(i + 1)), person(100)],
  );
  await act("post_views", 101, [30, -34 * day]);
  await rollUp();
});

const rollUp = () => pool.query("select recsys.roll_up(null)");

/** The actions of a person on posts, so many minutes after noon. */
async function act(table: string, who: number, ...posts: [number: number, minutes: number][]): Promise<void> {
  await pool.query(
    `insert into public.${table} (user_id, post_id, created_at)
     select $1, post.id, ${noon} + post.minutes * interval '1 minute' from unnest($2::uuid[], $3::int[]) as post (id, minutes)`,
    [person(who), posts.map(([n]) => post(n)), posts.map(([, minutes]) => minutes)],
  );
}

/** Views of posts from one number to another, a minute apart. */
const views = (who: number, from: number, to: number, minutes: number) =>
  act("post_views", who, ...Array.from({ length: to - from + 1 }, (_, i): [number, number] => [from + i, minutes + i]));

/** The posts whose interactions of a person count. The feature store is what its definitions say. */
async function counted(who: number): Promise<number[]> {
  await rollUp();
  await assertExact(database);
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
  const { rows } = await pool.query(
    "select right(post_id::text, 12)::int as n from recsys_engine.post_stats where user_id = $1 order by last_active_at",
    [person(who)],
  );
  return rows.map(({ n }) => n);
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("on the first day somebody moves one old post in half an hour, then six, and five more for each day before", async () => {
  await views(1, 1, 3, -3 * day);
  assert.deepEqual(await counted(1), [1]);
  await views(1, 4, 14, -2 * day);
  assert.deepEqual(await counted(1), [1, ...numbers(4, 9)]);
  await views(1, 15, 28, 0);
  assert.deepEqual(await counted(1), [1, ...numbers(4, 9), ...numbers(15, 25)]);
  // the same post again and one's own are no further ones
  await act("post_views", 100, ...[1, 2, 3].map((n, i): [number, number] => [n, i - 300]));
  await act("post_views", 2, ...[1, 1, 1, 2].map((n, i): [number, number] => [n, 2 * i - day]));
  await act("comments", 2, [1, 3 - day]);
  assert.deepEqual([await counted(2), await counted(100)], [[1, 1], []]);
});

test("of posts of the last day somebody moves six on the first day, whoever else comes", async () => {
  await pool.query(
    `update public.posts set created_at = ${noon} - (case id when $1 then 25 else 23 end) * interval '1 hour' where id <> $2`,
    [post(8), post(30)],
  );
  await rollUp();
  await act("post_views", 3, [8, -1]);
  await views(1, 1, 7, 0);
  await views(2, 1, 2, 1);
  await act("post_views", 2, [8, 4]);
  await act("post_views", 2, [3, 5]);
  assert.deepEqual([await counted(1), await counted(2), await counted(3)], [numbers(1, 6), [1, 2], [8]]);
});

test("nobody becomes known at midnight: a day counts that ended for them six hours before", async () => {
  const midnight = -12 * 60;
  await act("post_views", 1, [1, -2 * day], [2, midnight - 60]);
  await views(1, 3, 14, midnight + 299);
  await act("post_views", 2, [1, 40 - 2 * day], [2, midnight - 60]);
  await views(2, 3, 14, midnight + 301);
  assert.deepEqual([await counted(1), await counted(2)], [numbers(1, 8), numbers(1, 13)]);
});

test("of what people begin on their first day with old posts one counts in half an hour, where few come: the first", async () => {
  await views(1, 1, 2, 10);
  await views(2, 3, 4, 20);
  await views(101, 5, 6, 30);
  assert.deepEqual([await counted(1), await counted(2), await counted(101)], [[1], [], [30, 5, 6]]);
  await act("post_votes", 3, [7, 5]);
  assert.deepEqual([await counted(1), await counted(2), await counted(3)], [[], [], [7]]);
  await pool.query("delete from public.profiles where id = $1", [person(3)]);
  assert.deepEqual([await counted(1), await counted(2)], [[1], []]);
  await act("post_views", 2, [8, -21]);
  assert.deepEqual([await counted(1), await counted(2)], [[1], [8]]);
});

test("of such acts three count in three hours, whoever begins them, and these go over midnight", async () => {
  const midnight = -12 * 60 - 2 * day;
  await act("post_views", 1, [1, midnight - 65], [2, midnight - 34], [3, midnight - 3]);
  await act("post_views", 2, [4, midnight + 28]);
  await act("post_views", 3, [5, midnight + 150]);
  assert.deepEqual([await counted(1), await counted(2), await counted(3)], [[1, 2, 3], [], [5]]);
  await pool.query("delete from public.post_views where user_id = $1 and post_id = $2", [person(1), post(2)]);
  assert.deepEqual([await counted(1), await counted(2), await counted(3)], [[1, 3], [4], [5]]);
});

test("the first day is 24 hours, and what is beyond before midnight leaves no room after it", async () => {
  const midnight = -12 * 60 - day;
  await views(1, 1, 14, midnight - 40);
  await views(1, 15, 16, midnight + 1);
  await views(2, 1, 2, midnight - 300);
  await views(2, 17, 18, midnight + 23 * 60);
  assert.deepEqual([await counted(1), await counted(2)], [[1], [1, 17, 18]]);
});

test("where many come, five times as many as usual count in half an hour", async () => {
  const people = Array.from({ length: 560 }, (_, i) => 1000 + i);
  await pool.query("insert into public.profiles (id) select unnest($1::uuid[])", [people.map(person)]);
  await pool.query(
    `insert into public.post_views (user_id, post_id, created_at)
     select who.id, $2, ${noon} - who.number % 28 * interval '1 day' - interval '1 day' from unnest($1::uuid[]) with ordinality as who (id, number)`,
    [people.map(person), post(9)],
  );
  await rollUp();
  await act("post_views", 1, [1, 10]);
  await act("post_views", 2, [1, 11]);
  await act("post_views", 3, [1, 12]);
  await rollUp();
  const { rows } = await pool.query(
    "select right(user_id::text, 12)::int as n from recsys_engine.post_stats where post_id = $1 order by 1",
    [post(1)],
  );
  // twenty a day
  assert.deepEqual(
    rows.map(({ n }) => n),
    [1, 2],
  );
});

test("what came late counts for the days after it, and what is deleted does no more", async () => {
  await views(1, 1, 9, -day);
  await views(1, 10, 22, 0);
  assert.deepEqual(await counted(1), [1, ...numbers(10, 15)]);
  await act("post_views", 1, [23, -3 * day]);
  assert.deepEqual(await counted(1), [23, ...numbers(1, 6), ...numbers(10, 20)]);
  await pool.query(`delete from public.post_views where user_id = $1 and created_at < ${noon} - interval '12 hours'`, [
    person(1),
  ]);
  assert.deepEqual(await counted(1), [10]);
  const { rows } = await pool.query("select count(*)::int as n from recsys_engine.bursts where user_id = $1", [
    person(1),
  ]);
  assert.deepEqual(rows, [{ n: 1 }]);
});

test("what counts for no post is still what somebody chose first, and once", async () => {
  await act("post_views", 1, [1, -day], [2, 1 - day], [2, 1]);
  assert.deepEqual(await counted(1), [1, 2]);
  const { rows } = await pool.query(
    "select right(post_id::text, 12)::int as n, is_first from recsys_engine.timeline where user_id = any ($1) order by user_id, at",
    [[person(1), person(101)]],
  );
  assert.deepEqual(
    rows.map(({ n, is_first }) => [n, is_first]),
    [
      [1, true],
      [2, true],
      [2, false],
      [30, null],
    ],
  );
});

test("roll-ups of what comes piece by piece end as one of all of it does", async () => {
  for (let n = 1; n <= 40; n++) {
    const minutes = -(Math.floor(n / 3) % 3) * day + ((n * 7) % 25);
    await act(n % 2 === 0 ? "post_views" : "post_votes", 1 + (n % 3), [1 + ((n * n) % 23), minutes]);
    if (n % 8 === 0) await counted(1);
  }
  const all = "select * from recsys_engine.post_stats order by interaction_id";
  const bursts = "select * from recsys_engine.bursts order by user_id, day";
  await counted(1);
  const [{ rows }, before] = [await pool.query(all), await pool.query(bursts)];
  assert.ok(rows.length > 10 && before.rows.length > 2, `${rows.length} states, ${before.rows.length} bursts`);
  await pool.query(
    "truncate recsys_engine.bursts, recsys_engine.first_day_interactions; insert into recsys_engine.feature_changes (user_id, post_id, at) select user_id, post_id, created_at from recsys.source_interactions",
  );
  await counted(1);
  assert.deepEqual((await pool.query(bursts)).rows, before.rows);
  assert.deepEqual((await pool.query(all)).rows, rows);
});

test("who does more than 2,000 things on a day moves nothing beyond them", async () => {
  const again = `insert into public.post_views (user_id, post_id, created_at)
    select $1, $2, ${noon} + n * interval '1 millisecond' from generate_series(1, $3::int) as n`;
  const moved = async () => {
    await rollUp();
    const { rows } = await pool.query(
      "select right(post_id::text, 12)::int as n from recsys_engine.post_stats where user_id = $1 order by 1",
      [person(1)],
    );
    return rows.map(({ n }) => n);
  };
  await act("post_views", 1, [1, -5 * day], [2, 1]);
  await pool.query(again, [person(1), post(1), 1999]);
  assert.deepEqual(await moved(), [1, 2]);
  await pool.query(again, [person(1), post(3), 1]);
  assert.deepEqual(await moved(), [1, 3]);
});

test("a community that is young counts all", async () => {
  await pool.query("delete from public.post_views");
  await pool.query("delete from recsys_engine.post_stats");
  await act("post_views", 101, [30, -20 * day]);
  await rollUp();
  await views(1, 1, 9, 0);
  assert.deepEqual(await counted(1), numbers(1, 9));
});

/** Accounts that signed up some days before, and wrote a post an hour before noon: the number of the post is theirs, less 200. */
async function newAuthors(days: number, ...authors: number[]): Promise<void> {
  await pool.query(
    `insert into public.profiles (id, created_at) select id, ${noon} - $2::int * interval '1 day' from unnest($1::uuid[]) as id`,
    [authors.map(person), days],
  );
  await pool.query(
    `insert into public.posts (id, author_id, title, created_at)
     select post.id, post.author_id, '', ${noon} - interval '1 hour' from unnest($1::uuid[], $2::uuid[]) as post (id, author_id)`,
    [authors.map((n) => post(n - 200)), authors.map(person)],
  );
}

const undo = (who: number, n: number) =>
  pool.query("delete from public.post_views where user_id = $1 and post_id = $2", [person(who), post(n)]);

test("on their first day people move no post of a new author before somebody known has met the author", async () => {
  await newAuthors(27, 231, 232);
  await views(1, 31, 31, 0);
  await act("comments", 1, [31, 5]);
  // with this the day is over for them
  await views(1, 1, 1, 10);
  await views(2, 31, 31, 60);
  assert.deepEqual(await counted(1), []);
  assert.deepEqual(await counted(2), []);
  // who interacted with a post the day before is known, and an author does not meet themselves
  await act("post_views", 3, [30, -day - 5], [31, 30]);
  await act("post_views", 231, [31, -50]);
  assert.deepEqual(await counted(3), [30, 31]);
  assert.deepEqual(await counted(2), [31]);
  assert.deepEqual(await counted(1), []);
  // that goes for all posts of the author
  await pool.query("update public.posts set author_id = $1 where id = $2", [person(231), post(32)]);
  await views(101, 32, 32, 31);
  assert.deepEqual(await counted(101), [30, 32]);
  await undo(3, 31);
  await undo(101, 32);
  assert.deepEqual(await counted(2), []);
  // what became known later is as if it had been known
  await act("post_views", 3, [31, -1]);
  assert.deepEqual(await counted(1), [31, 31, 1]);
  await undo(3, 30);
  assert.deepEqual(await counted(1), []);
});

test("an author is new for 28 days, and known people move a new author's post", async () => {
  await newAuthors(28, 231);
  await newAuthors(1, 232);
  await views(1, 31, 31, 0);
  assert.deepEqual(await counted(1), [31]);
  await act("post_views", 2, [30, -day - 1], [32, 0]);
  assert.deepEqual(await counted(2), [30, 32]);
  // on the next day of the calendar, but on their first
  await act("post_views", 3, [1, 60 - day], [32, -1]);
  assert.deepEqual(await counted(3), [1]);
});

test("whoever meets new authors, early, late or no longer, roll-ups piece by piece end as one does", async () => {
  await newAuthors(3, 231, 232, 233);
  let seed = 7;
  const draw = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  const states = "select * from recsys_engine.post_stats order by interaction_id";
  const bursts = "select * from recsys_engine.bursts order by user_id, day";
  const sizes = new Set<number>();
  for (let change = 1; change <= 120; change++) {
    const [who, n] = [[1, 2, 3, 100, 101, 231, 232, 233][draw(8)], [1, 2, 31, 32, 33][draw(5)]];
    if (draw(3) === 0) await undo(who, n);
    else
      await act("post_views", who, [
        n,
        n > 30 ? ((change * 37) % 300) - 59 : ((change * 1013) % (3 * day)) - 2.5 * day,
      ]);
    if (draw(3) === 0) await rollUp();
    if (change % 12 > 0) continue;
    await counted(1);
    const before = [await pool.query(bursts), await pool.query(states)].map(({ rows }) => rows);
    await pool.query(
      "truncate recsys_engine.bursts, recsys_engine.first_day_interactions; insert into recsys_engine.feature_changes (user_id, post_id, at) select user_id, post_id, created_at from recsys.source_interactions",
    );
    await counted(1);
    const now = [await pool.query(bursts), await pool.query(states)].map(({ rows }) => rows);
    assert.deepEqual(before, now, `after ${change} changes`);
    sizes.add(before[0].length);
  }
  assert.ok(sizes.size > 3, [...sizes].join(", "));
});
