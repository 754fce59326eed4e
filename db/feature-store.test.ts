// recsys.roll_up() against the definitions of its columns, worked out here event by event and without any recursion.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../trainer/engine/random.ts";
import type { Database } from "./connect.ts";
import { testDatabase } from "./testing.ts";

interface Event {
  id: number;
  kind: "view" | "vote" | "comment" | "login";
  user: string;
  post: string | null;
  at: Date;
}
interface Post {
  id: string;
  author: string | null;
  at: Date;
}

const tables = { view: "post_views", vote: "post_votes", comment: "comments", login: "logins" };
const halfLives = [1, 6, 24, 168, 720];
const hours = (milliseconds: number) => milliseconds / 3_600_000;
const start = Date.parse("2026-01-01T00:00:00Z");
const random = new Random(11);
const pick = <T>(values: T[]): T => values[random.below(values.length)] as T;

/** Whole hours of ten days, so that many events share an instant; some come before their post exists. */
const someTime = () => new Date(start + random.below(240) * 3_600_000);

async function createCommunity({ pool }: Database): Promise<{ users: string[]; posts: Post[] }> {
  const { rows: users } = await pool.query<{ id: string }>(
    "insert into public.profiles (bio) select 'x' from generate_series(1, 8) returning id",
  );
  const ids = users.map((user) => user.id);
  const posts: Post[] = [];
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
  posts: Post[],
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

async function readEvents({ pool }: Database): Promise<Event[]> {
  const { rows } = await pool.query<Event>(
    `select id, 'view' as kind, user_id as user, post_id as post, created_at as at from public.post_views
     union all select id, 'vote', user_id, post_id, created_at from public.post_votes
     union all select id, 'comment', user_id, post_id, created_at from public.comments
     union all select id, 'login', user_id, null, created_at from public.logins`,
  );
  return rows;
}

// of two events of the same instant and number, one is a login, and comes second
const isBefore = (a: Event, b: Event) =>
  a.at < b.at || (+a.at === +b.at && (a.id < b.id || (a.id === b.id && a.kind !== "login" && b.kind === "login")));
const count = (events: Event[], kind: string) => events.filter((event) => event.kind === kind).length;
const decayed = (events: Event[], now: Date) =>
  halfLives.map((halfLife) => events.reduce((sum, event) => sum + 0.5 ** (hours(+now - +event.at) / halfLife), 0));
const mean = (values: number[]) => (values.length === 0 ? null : values.reduce((a, b) => a + b) / values.length);

function expectedPostStats(events: Event[], posts: Post[]) {
  const interactions = events.filter((event) => event.kind !== "login");
  return interactions.map((last) => {
    const soFar = interactions.filter((event) => event.post === last.post && (event === last || isBefore(event, last)));
    const commented = soFar.filter((event) => event.kind === "comment").map((event) => +event.at);
    return {
      key: String(last.id),
      post_id: last.post,
      user_id: last.user,
      kind: last.kind,
      last_active_at: last.at,
      views: count(soFar, "view"),
      votes: count(soFar, "vote"),
      comments: count(soFar, "comment"),
      participants: new Set(soFar.map((event) => event.user)).size,
      last_comment_at: commented.length > 0 ? new Date(Math.max(...commented)) : null,
      first_interaction: soFar.filter((event) => event.user === last.user).length === 1,
      by_author: posts.find((post) => post.id === last.post)?.author === last.user,
      recent: decayed(soFar, last.at),
      trend: Math.log2(decayed(soFar, last.at)[3]) + hours(+last.at) / 168,
    };
  });
}

function expectedUserStats(events: Event[], posts: Post[]) {
  /** ln(1 + hours) that a post had existed and had been idle when an interaction came. */
  const moment = (event: Event) => {
    const createdAt = +(posts.find((post) => post.id === event.post)?.at as Date);
    const before = events
      .filter((other) => other.post === event.post && isBefore(other, event))
      .map((other) => +other.at);
    const idleSince = before.length > 0 ? Math.max(...before) : createdAt;
    const log = (since: number) => Math.log(1 + Math.max(0, hours(+event.at - since)));
    return { age: log(createdAt), idle: log(idleSince) };
  };
  return events.map((last) => {
    const soFar = events.filter((event) => event.user === last.user && (event === last || isBefore(event, last)));
    const interactions = soFar.filter((event) => event.kind !== "login");
    const logins = soFar.filter((event) => event.kind === "login");
    return {
      key: last.kind === "login" ? `L${last.id}` : String(last.id),
      user_id: last.user,
      last_active_at: last.at,
      views: count(soFar, "view"),
      votes: count(soFar, "vote"),
      comments: count(soFar, "comment"),
      logins: logins.length,
      recent: decayed(interactions, last.at),
      recent_logins: decayed(logins, last.at),
      habit_log_age: mean(interactions.map((event) => moment(event).age)),
      habit_log_idle: mean(interactions.map((event) => moment(event).idle)),
    };
  });
}

/** Floating-point sums taken in another order differ in their last digits. */
function rounded(row: Record<string, unknown>) {
  const round = (value: unknown): unknown => {
    if (typeof value === "number") return Number(value.toFixed(9));
    return Array.isArray(value) ? value.map(round) : value;
  };
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, round(value)]));
}
const byKey = (rows: Record<string, unknown>[]) =>
  rows.map(rounded).sort((a, b) => String(a.key).localeCompare(String(b.key)));

async function assertExact(database: Database, posts: Post[]): Promise<void> {
  const events = await readEvents(database);
  const { rows: postStats } = await database.pool.query(
    `select interaction_id::text as key, post_id, user_id, kind, last_active_at, views, votes, comments, participants, last_comment_at, by_author, first_interaction, recent, trend
     from recsys.post_stats`,
  );
  const { rows: userStats } = await database.pool.query(
    `select event_id as key, user_id, last_active_at, views, votes, comments, logins, recent, recent_logins, habit_log_age, habit_log_idle
     from recsys.user_stats`,
  );
  assert.deepEqual(byKey(postStats), byKey(expectedPostStats(events, posts)));
  assert.deepEqual(byKey(userStats), byKey(expectedUserStats(events, posts)));
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
    assert.equal(await rollUp(), expectedPostStats(events, posts).length + events.length);
    await assertExact(database, posts);
  });
  await t.test("a second roll-up changes nothing", async () => {
    assert.equal(await rollUp(), 0);
    await assertExact(database, posts);
  });
  await t.test("after events that follow the first ones", async () => {
    await addEvents(database, users, posts, 40, () => new Date(start + (240 + random.below(24)) * 3_600_000));
    await rollUp();
    await assertExact(database, posts);
  });
  await t.test("after events that come late, in the midst of earlier ones", async () => {
    for (let round = 0; round < 5; round++) {
      await addEvents(database, users, posts, 4, someTime);
      await rollUp();
      await assertExact(database, posts);
    }
    assert.equal(await rollUp(), 0);
  });
});
