// What the columns of recsys_engine.post_stats and recsys_engine.user_stats mean, event by event and without any recursion, and whether they are it.
import assert from "node:assert/strict";
import type { Database } from "../db/connect.ts";

export interface StoredEvent {
  id: number;
  kind: "view" | "vote" | "comment" | "login";
  user: string;
  post: string | null;
  at: Date;
  /** In a burst: it counts for no post. */
  in_burst: boolean;
}
export interface StoredPost {
  id: string;
  author: string | null;
  at: Date;
}

const halfLives = [1, 6, 24, 168, 720];
const hours = (milliseconds: number) => milliseconds / 3_600_000;

export async function readEvents({ pool }: Database): Promise<StoredEvent[]> {
  const { rows } = await pool.query<StoredEvent>(
    `select events.*, exists (select from recsys_engine.bursts where bursts.user_id = events.user and bursts.day = recsys_engine.day_of(events.at) and bursts.since <= events.at) as in_burst
     from (
       select id, 'view' as kind, user_id as user, post_id as post, created_at as at from public.post_views
       union all select id, 'vote', user_id, post_id, created_at from public.post_votes where value is null or value >= 0
       union all select id, 'comment', user_id, post_id, created_at from public.comments
       union all select id, 'login', user_id, null, created_at from public.logins
     ) as events`,
  );
  return rows;
}

// of two events of the same instant and number, one is a login, and comes second
const isBefore = (a: StoredEvent, b: StoredEvent) =>
  a.at < b.at || (+a.at === +b.at && (a.id < b.id || (a.id === b.id && a.kind !== "login" && b.kind === "login")));
const count = (events: StoredEvent[], kind: string) => events.filter((event) => event.kind === kind).length;
const decayed = (events: StoredEvent[], now: Date) =>
  halfLives.map((halfLife) => events.reduce((sum, event) => sum + 0.5 ** (hours(+now - +event.at) / halfLife), 0));
const mean = (values: number[]) => (values.length === 0 ? null : values.reduce((a, b) => a + b) / values.length);

/** The first interaction of each kind by each person with each post of another author, without bursts. */
export function thatCount(events: StoredEvent[], posts: StoredPost[]): StoredEvent[] {
  const authors = new Map(posts.map((post) => [post.id, post.author]));
  const withOthers = events.filter(
    ({ kind, user, post, in_burst }) => kind !== "login" && !in_burst && authors.get(post as string) !== user,
  );
  const same = ({ kind, user, post }: StoredEvent) => [kind, user, post].join();
  return Object.values(Object.groupBy(withOthers, same)).map((repeats = []) =>
    repeats.reduce((first, event) => (isBefore(event, first) ? event : first)),
  );
}

function expectedPostStats(events: StoredEvent[], posts: StoredPost[]) {
  const interactions = thatCount(events, posts);
  return interactions.map((last) => {
    const soFar = interactions.filter((event) => event.post === last.post && (event === last || isBefore(event, last)));
    const came = soFar.filter((event) => !soFar.some((other) => other.user === event.user && isBefore(other, event)));
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
      recent: decayed(came, last.at),
      trend: Math.log2(Math.max(decayed(came, last.at)[3], 1e-30)) + hours(+last.at) / 168,
    };
  });
}

/** For each post with interactions: its state after the last one. */
/** The events of which none of the same post, or user, is after it. */
const latestOf = (events: StoredEvent[], entity: "post" | "user") =>
  events.filter((event) => !events.some((other) => other[entity] === event[entity] && isBefore(event, other)));

function expectedLatestOfPosts(events: StoredEvent[], posts: StoredPost[]) {
  const states = new Map(expectedPostStats(events, posts).map((state) => [state.key, state]));
  return latestOf(thatCount(events, posts), "post").map((event) => {
    const { user_id: _, first_interaction: __, ...state } = states.get(String(event.id)) as Row;
    return { ...state, key: event.post };
  });
}

const eventId = (event: StoredEvent) => (event.kind === "login" ? `L${event.id}` : String(event.id));

function expectedUserStats(events: StoredEvent[], posts: StoredPost[]) {
  const counting = new Set(thatCount(events, posts));
  /** ln(1 + hours) that a post had existed and had been idle when an interaction came. */
  const moment = (event: StoredEvent) => {
    const createdAt = +(posts.find((post) => post.id === event.post)?.at as Date);
    const before = [...counting]
      .filter((other) => other.post === event.post && isBefore(other, event))
      .map((other) => +other.at);
    const idleSince = before.length > 0 ? Math.max(...before) : createdAt;
    const log = (since: number) => Math.log(1 + Math.max(0, hours(+event.at - since)));
    return { age: log(createdAt), idle: log(idleSince) };
  };
  return events.map((last) => {
    const soFar = events.filter((event) => event.user === last.user && (event === last || isBefore(event, last)));
    const interactions = soFar.filter((event) => counting.has(event));
    const logins = soFar.filter((event) => event.kind === "login");
    return {
      key: eventId(last),
      user_id: last.user,
      last_active_at: last.at,
      views: count(interactions, "view"),
      votes: count(interactions, "vote"),
      comments: count(interactions, "comment"),
      logins: logins.length,
      recent: decayed(interactions, last.at),
      recent_logins: decayed(logins, last.at),
      habit_log_age: mean(interactions.map((event) => moment(event).age)),
      habit_log_idle: mean(interactions.map((event) => moment(event).idle)),
    };
  });
}

function expectedLatestOfUsers(events: StoredEvent[], posts: StoredPost[]) {
  const states = new Map(expectedUserStats(events, posts).map((state) => [state.key, state]));
  return latestOf(events, "user").map((event) => ({ ...(states.get(eventId(event)) as Row), key: event.user }));
}

type Row = Record<string, unknown>;

/** Rows by key; floating-point sums taken in another order differ in their last digits, so what is near is taken for the same. */
function assertSame(actual: Row[], expected: Row[]): void {
  const near = (value: unknown, other: unknown): unknown => {
    if (Array.isArray(value) && Array.isArray(other)) return value.map((each, i) => near(each, other[i]));
    if (typeof value !== "number" || typeof other !== "number") return value;
    return Math.abs(value - other) <= 1e-9 * Math.max(1, Math.abs(other)) ? other : value;
  };
  const rows = new Map(expected.map((row) => [row.key, row]));
  const compared = actual.map((row) => {
    const other = rows.get(row.key) ?? {};
    return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, near(value, other[column])]));
  });
  const byKey = (a: Row, b: Row) => String(a.key).localeCompare(String(b.key));
  assert.deepEqual(compared.sort(byKey), expected.sort(byKey));
}

/**
 * The states that have to be stored of those there could be: of each `entity` all from some one on, and that one is the last
 * before the instant of thinning, or the very first.
 */
function notThinned(expected: Row[], stored: Row[], entity: "post_id" | "user_id", thinnedBefore: number): Row[] {
  const keys = new Set(stored.map(({ key }) => key));
  const order = (row: Row) => [Number(row.last_active_at), Number(String(row.key).replace("L", "")), row.key];
  const inOrder = expected.toSorted((a, b) => {
    const [at, number, key] = order(a);
    const [otherAt, otherNumber, otherKey] = order(b);
    if (at !== otherAt) return Number(at) - Number(otherAt);
    return number === otherNumber ? (String(key) < String(otherKey) ? -1 : 1) : Number(number) - Number(otherNumber);
  });
  return Object.values(Object.groupBy(inOrder, (row) => String(row[entity]))).flatMap((states = []) => {
    const lastThinnable = states.findLastIndex((state) => Number(state.last_active_at) < thinnedBefore);
    const first = states.findIndex(({ key }) => keys.has(key));
    return first > 0 && first <= lastThinnable ? states.slice(first) : states;
  });
}

/** Fails unless the feature store is what its definitions say of the events that are there now. */
export async function assertExact(database: Database): Promise<void> {
  const events = await readEvents(database);
  const { rows: posts } = await database.pool.query<StoredPost>(
    "select id, author_id as author, created_at as at from public.posts",
  );
  const { rows: postStats } = await database.pool.query(
    `select interaction_id::text as key, post_id, user_id, kind, last_active_at, views, votes, comments, participants, last_comment_at, first_interaction, recent, trend
     from recsys_engine.post_stats`,
  );
  const { rows: userStats } = await database.pool.query(
    `select event_id as key, user_id, last_active_at, views, votes, comments, logins, recent, recent_logins, habit_log_age, habit_log_idle
     from recsys_engine.user_stats`,
  );
  const { rows: thinning } = await database.pool.query(
    "select (extract(epoch from thinned_before) * 1000)::double precision as before from recsys_engine.pruning_progress",
  );
  const { before } = thinning[0];
  assertSame(postStats, notThinned(expectedPostStats(events, posts), postStats, "post_id", before));
  assertSame(userStats, notThinned(expectedUserStats(events, posts), userStats, "user_id", before));
  const { rows: latestOfPosts } = await database.pool.query(
    `select post_id as key, post_id, kind, last_active_at, views, votes, comments, participants, last_comment_at, recent, trend
     from recsys_engine.latest_post_stats`,
  );
  assertSame(latestOfPosts, expectedLatestOfPosts(events, posts));
  const { rows: latestOfUsers } = await database.pool.query(
    `select user_id as key, user_id, last_active_at, views, votes, comments, logins, recent, recent_logins, habit_log_age, habit_log_idle
     from recsys_engine.latest_user_stats`,
  );
  assertSame(latestOfUsers, expectedLatestOfUsers(events, posts));
}
