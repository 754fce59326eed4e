// recsys.roll_up() against the definitions of its columns (feature-store-definitions.ts).
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertExact, readEvents, type StoredPost, thatCount } from "../testing/feature-store-definitions.ts";
import { Random } from "../trainer/models/nn/random.ts";
import type { Database } from "./connect.ts";
import { testDatabase } from "./testing.ts";

const tables = { view: "post_views", vote: "post_votes", comment: "comments", login: "logins" };
const start = Date.parse("2026-01-01T00:00:00Z");
const random = new Random(11);
const pick = <T>(values: T[]): T => values[random.below(values.length)] as T;

/** Whole hours of ten days, so that many events share an instant; some come before their post exists. */
const someTime = () => new Date(start + random.below(240) * 3_600_000);

async function createCommunity({ pool }: Database): Promise<{ users: string[]; posts: StoredPost[] }> {
  const { rows: users } = await pool.query<{ id: string }>(
    "insert into public.profiles (bio) select 'x' from generate_series(1, 8) returning id",
  );
  const ids = users.map((user) => user.id);
  const posts: StoredPost[] = [];
  for (let i = 0; i < 10; i++) {
    const author = i === 0 ? null : pick(ids);
    const at = someTime();
    const { rows } = await pool.query<{ id: string }>(
      "insert into public.posts (author_id, title, created_at) values ($1, 'a post', $2) returning id",
      [author, at],
    );
    posts.push({ id: rows[0]?.id as string, author, at });
  }
  return { users: ids, posts };
}

/** Adds events at random instants. A repetition of person, post, kind and instant is left out, as the tables demand. */
async function addEvents(
  { pool }: Database,
  users: string[],
  posts: StoredPost[],
  number: number,
  when: () => Date,
): Promise<void> {
  for (let i = 0; i < number; i++) {
    const kind = pick(["view", "view", "vote", "comment", "login"] as const);
    const values = kind === "login" ? [pick(users), when()] : [pick(users), when(), pick(posts).id];
    const columns = kind === "login" ? "user_id, created_at" : "user_id, created_at, post_id";
    const placeholders = values.map((_, i) => `$${i + 1}`).join(", ");
    await pool.query(
      `insert into public.${tables[kind]} (${columns}) values (${placeholders}) on conflict do nothing`,
      values,
    );
  }
}

test("the feature store holds what its definitions say", async (t) => {
  const database = await testDatabase(t, "feature_store");
  const { users, posts } = await createCommunity(database);
  const rollUp = async () =>
    (await database.pool.query("select recsys.roll_up() as written")).rows[0].written as number;

  await addEvents(database, users, posts, 300, someTime);
  await t.test("after a first roll-up of everything, with many events of the same instant", async () => {
    const events = await readEvents(database);
    assert.ok(
      new Set(events.map((event) => +event.at)).size < events.length * 0.8,
      "the test has events of one instant",
    );
    assert.equal(await rollUp(), thatCount(events, posts).length + events.length);
    await assertExact(database);
  });
  await t.test("a second roll-up changes nothing", async () => {
    assert.equal(await rollUp(), 0);
    await assertExact(database);
  });
  await t.test("after events that follow the first ones", async () => {
    await addEvents(database, users, posts, 40, () => new Date(start + (240 + random.below(24)) * 3_600_000));
    await rollUp();
    await assertExact(database);
  });
  await t.test("after events that come late, in the midst of earlier ones", async () => {
    for (let round = 0; round < 5; round++) {
      await addEvents(database, users, posts, 4, someTime);
      await rollUp();
      await assertExact(database);
    }
    assert.equal(await rollUp(), 0);
  });
});
