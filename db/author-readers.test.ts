/** Author readers and the share of newcomers: incremental roll-ups write the same as a computation from scratch. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "author_readers");
const id = (letter: string, n: number) => `${letter.padStart(8, "0")}-0000-4000-8000-${String(n).padStart(12, "0")}`;
const person = (n: number) => id("a", n);
const post = (n: number) => id("b", n);
const rollUp = () => pool.query("select recsys.roll_up(null)");
const ago = (days: number) => `recsys.clock() - ${days} * interval '1 day'`;

const signUp = (n: number, days: number) =>
  pool.query(`insert into public.profiles (id, created_at) values ($1, ${ago(days)})`, [person(n)]);
const write = (n: number, author: number, days: number) =>
  pool.query(`insert into public.posts (id, author_id, title, created_at) values ($1, $2, '', ${ago(days)})`, [
    post(n),
    person(author),
  ]);
const view = (n: number, of: number, days: number) =>
  pool.query(`insert into public.post_views (user_id, post_id, created_at) values ($1, $2, ${ago(days)})`, [
    person(n),
    post(of),
  ]);

const readers = [101, 102, 103, 104];
const author = 1;
const metBy = async () => {
  const { rows } = await pool.query("select user_ids from recsys_engine.author_readers where user_id = $1", [
    person(author),
  ]);
  return (rows[0]?.user_ids ?? []).map((reader: string) => Number(reader.slice(-12)));
};

// an author whose old post all known people viewed, and yesterday's post of another author
beforeEach(async () => {
  await pool.query(
    "truncate public.profiles, public.posts, recsys_engine.author_readers, recsys_engine.usual_newcomers, recsys_engine.backdated_days cascade",
  );
  await signUp(900, 60);
  await write(900, 900, 50);
  for (const reader of readers) {
    await signUp(reader, 40);
    await view(reader, 900, 30);
  }
  await signUp(author, 2);
  await write(1, author, 1);
  await rollUp();
});

test("an author's readers are the first three known users who interact, without the author and new users", async () => {
  await view(author, 1, 0.9);
  await signUp(201, 0.5);
  await view(201, 1, 0.4);
  await rollUp();
  assert.deepEqual(await metBy(), []);
  await view(101, 1, 0.3);
  await view(101, 1, 0.29);
  await rollUp();
  assert.deepEqual(await metBy(), [101]);
  await write(2, author, 0.2);
  for (const [i, reader] of readers.entries()) await view(reader, 2, 0.19 - i / 100);
  await rollUp();
  assert.deepEqual(await metBy(), [101, 102, 103]);
  await pool.query("delete from public.profiles where id = $1", [person(102)]);
  await pool.query("select recsys.erase(), recsys.roll_up(null)");
  assert.deepEqual(await metBy(), [101, 103, 104]);
});

test("a known user still counts as the author's reader after a hundred new users", async () => {
  for (let n = 300; n < 400; n++) await signUp(n, 0.5);
  for (let n = 300; n < 400; n++) await view(n, 1, 0.4);
  await view(101, 1, 0.3);
  for (let n = 300; n < 340; n++) await view(n, 1, 0.2);
  await rollUp();
  assert.deepEqual(await metBy(), [101]);
});

test("roll-ups after each act keep what one over everything does", async () => {
  for (let n = 0; n < 40; n++) {
    if (n % 10 === 0) await signUp(500 + n, 20 - n / 4);
    await write(500 + n, 500 + 10 * Math.floor(n / 10), 19 - n / 4);
    await view(readers[n % 4], 500 + ((n * 7) % (n + 1)), 0.9 - n / 100);
    await rollUp();
  }
  const all =
    "select user_id, (select array_agg(each order by each) from unnest(user_ids) as each) from recsys_engine.author_readers order by user_id";
  const { rows } = await pool.query(all);
  assert.ok(rows.length > 3);
  await pool.query(
    "truncate recsys_engine.author_readers; insert into recsys_engine.feature_changes (post_id) select id from public.posts",
  );
  await rollUp();
  assert.deepEqual((await pool.query(all)).rows, rows);
});

test("newcomers have twice their usual share of a page, all of it where half of those who write are newcomers, and a little where none is", async () => {
  const share = async () => {
    await pool.query("update recsys_engine.usual_newcomers set counted_at = counted_at - interval '2 hours'");
    await write(Math.floor(1e6 * Math.random()), 900, 0.1);
    await rollUp();
    return (await pool.query("select recsys_engine.newcomer_share() as share")).rows[0].share;
  };
  const close = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-9, String(actual));
  // there is no post of a week ago
  close(await share(), 1 / 2);
  for (let n = 0; n < 8; n++) await write(600 + n, n < 4 ? 900 : readers[n % 4], 20);
  close(await share(), 1 / 12);
  await signUp(601, 15.5);
  // one author of six, however many posts they write
  for (let n = 0; n < 10; n++) await write(700 + n, 601, 15);
  close(await share(), 2 / 6);
  for (let n = 0; n < 4; n++) {
    await signUp(610 + n, 10.5);
    await write(800 + n, 610 + n, 10);
  }
  close(await share(), 1);
});
