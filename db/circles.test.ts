/** Closed circles: people who only ever interacted with each other's posts. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "circles");
const person = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

// everybody wrote a post; 101 to 110 are those to whom most people came
beforeEach(async () => {
  await pool.query("truncate public.profiles, public.posts, recsys_engine.circle_members cascade");
  const ids = from(1, 120).map(person);
  await pool.query("insert into public.profiles (id) select unnest($1::uuid[])", [ids]);
  await pool.query("insert into public.posts (id, author_id, title) select id, id, '' from unnest($1::uuid[]) as id", [
    ids,
  ]);
  for (const reader of from(111, 115)) await come(reader, ...from(101, 110));
});

/** A user interacts with posts of others, with some more than once. */
async function come(who: number, ...authors: number[]): Promise<void> {
  for (const table of ["post_views", "comments"])
    await pool.query(`insert into public.${table} (user_id, post_id) select $1, unnest($2::uuid[])`, [
      person(who),
      authors.map(person),
    ]);
}

async function members(): Promise<number[]> {
  await pool.query("select recsys_engine.find_circles()");
  const { rows } = await pool.query(
    "select right(user_id::text, 12)::int as n from recsys_engine.circle_members order by 1",
  );
  return rows.map(({ n }) => n);
}

test("who only ever interacted with each other's posts is in a circle, and who interacted with theirs alone", async () => {
  await come(1, 1, 2, 3);
  await come(2, 1);
  await come(3, 2);
  await come(4, 1, 3);
  // 20 has no interactions, so a user with posts of 20 alone is outside, and so are that user's own readers
  await come(5, 1, 20);
  await come(6, 5);
  await come(7, 6, 1);
  await come(8, 8);
  assert.deepEqual(await members(), [1, 2, 3, 4]);
});

test("it ends when one of them interacts with another user", async () => {
  await come(1, 2, 3);
  await come(2, 1, 3);
  await come(3, 1);
  await come(10, 11);
  await come(11, 10);
  assert.deepEqual(await members(), [1, 2, 3, 10, 11]);
  await come(3, 101);
  assert.deepEqual(await members(), [10, 11]);
});

test("nor is a community a circle in which all interacted with all", async () => {
  await pool.query("truncate public.post_views, public.comments");
  for (const each of from(1, 15)) await come(each, ...from(1, 15));
  for (const each of from(16, 18)) await come(each, ...from(16, 18));
  assert.deepEqual(await members(), [16, 17, 18]);
});
