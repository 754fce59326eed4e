/** The limit on one person's calls: over all functions and workers, for all outcomes, and without delay to others. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { testDatabase, withOneSession } from "../../../db/testing.ts";
import { distantWire } from "../../../serve/testing-wire.ts";
import { clear, fillCommunity, people, post, uuid } from "../../../testing/community.ts";
import { event, testApp as eventsApp } from "../events/testing.ts";
import { testApp as similarApp } from "../similar/testing.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "rate_limit");
const app = testApp({ after }, url);
const skip = await withOneSession();
let next = 0;
/** A user without a counted request. */
let user: string;

before(async () => {
  // in one: after an await of the file's own, hooks begin together and do not wait for each other
  await clear(pool);
  await fillCommunity(pool);
});
beforeEach(async () => {
  user = uuid("ab", ++next);
  await pool.query("insert into public.profiles (id) values ($1)", [user]);
  await limitTo(3);
});

async function limitTo(requests: number | null): Promise<void> {
  await pool.query("update recsys.settings set requests_per_minute = $1", [requests]);
}

/** Has the person used up their allowance, in however many requests. */
async function useUp(id: string): Promise<void> {
  await pool.query("insert into recsys_engine.rate_limits values ($1, now() + interval '1 minute')", [id]);
}

async function statuses(number: number, call: () => Promise<{ status: number }>): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < number; n++) found.push((await call()).status);
  return found;
}

test("who sends more than a minute's requests is told when to come again", async () => {
  assert.deepEqual(await statuses(4, () => app.call(user)), [200, 200, 200, 429]);
  const headers = { authorization: `Bearer ${user}`, origin: "https://app.example" };
  const refused = await app.request("/recommend", { headers });
  const { error } = await refused.json();
  const seconds = Number(refused.headers.get("retry-after"));
  assert.ok(seconds >= 1 && seconds <= 20, `${seconds}: a third of a minute`);
  assert.equal(error.code, "too_many_requests");
  assert.match(error.message, new RegExp(`^rate limit exceeded: retry in ${seconds} s$`));
  assert.match(refused.headers.get("access-control-expose-headers") ?? "", /retry-after/i, "a page can read it");
  assert.equal((await app.call(people.ben)).status, 200, "others are none the worse");
  assert.deepEqual(app.logged, [], "none of this is the operator's concern");
});

test("they get the next when they were told to come again, and not before", async () => {
  await limitTo(40);
  await useUp(user);
  const started = performance.now();
  assert.equal((await app.call(user)).status, 429);
  let status = 429;
  while (status === 429 && performance.now() - started < 10_000) {
    await new Promise((later) => setTimeout(later, 50));
    status = (await app.call(user)).status;
  }
  assert.equal(status, 200);
  assert.ok(performance.now() - started > 1_000, "a fortieth of a minute is 1.5 s, of which the test itself took some");
});

test("workers and functions count together", async (t) => {
  const other = testApp(t, url);
  const events = eventsApp(t, url);
  const body = { events: [event("view", { post_id: post(1) })] };
  const calls = [app, other].map((worker) => () => worker.call(user));
  const answers: number[] = [];
  for (const call of [...calls, () => events.call(user, body), ...calls]) answers.push((await call()).status);
  assert.deepEqual(answers, [200, 200, 200, 429, 429]);
  assert.equal((await events.call(user, body)).status, 429);
});

test("who looks for people has as many requests as for posts, though the engine's service asks", async (t) => {
  const similar = similarApp(t, url);
  const call = () => similar.call(user, { find: "people" });
  assert.deepEqual(await statuses(4, call), [200, 200, 200, 429]);
  const preview = similarApp(t, url, { preview: true });
  assert.equal((await preview.call(user, { find: "people" })).status, 200, "an operator's looks are not theirs");
});

test("of many at the same time no more get through", { skip }, async (t) => {
  await limitTo(10);
  const started = performance.now();
  const workers = Array.from({ length: 4 }, () => testApp(t, url));
  const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => workers[n % 4].call(user)));
  const served = answers.filter(({ status }) => status === 200).length;
  const more = Math.floor((performance.now() - started) / 6_000);
  assert.ok(served >= 10 && served <= 10 + more, `${served} of 60`);
  assert.ok(answers.every(({ status }) => status === 200 || status === 429));
});

test("a request counts whatever becomes of it, and once however many transactions it takes", async () => {
  const stranger = uuid("ac", next);
  assert.deepEqual(await statuses(4, () => app.call(stranger)), [404, 404, 404, 429]);
  // no list was made ahead, so each reads that and then the live feed
  assert.deepEqual(await statuses(4, () => app.call(user, { mode: "batch" })), [200, 200, 200, 429]);
});

test("what is wrong before the database is asked counts for nothing", async () => {
  assert.deepEqual(await statuses(5, () => app.call(user, { limit: 0 })), [400, 400, 400, 400, 400]);
  assert.equal((await app.call(user)).status, 200);
});

test("an operator's looks are not the user's requests", async (t) => {
  const preview = testApp(t, url, { preview: true });
  assert.deepEqual(new Set(await statuses(5, () => preview.call(user))), new Set([200]));
});

test("without a limit nothing is counted", async () => {
  await limitTo(null);
  assert.deepEqual(new Set(await statuses(20, () => app.call(user))), new Set([200]));
  const { rowCount } = await pool.query("select from recsys_engine.rate_limits where user_id = $1", [user]);
  assert.equal(rowCount, 0);
});

test("who was refused does not reach the database again until then", async (t) => {
  await useUp(user);
  const wire = await distantWire(url);
  const distant = testApp(t, wire.url);
  t.after(wire.close);
  assert.equal((await distant.call(user)).status, 429);
  await new Promise((later) => setTimeout(later, 100));
  wire.turns.length = 0;
  assert.deepEqual(new Set(await statuses(100, () => distant.call(user))), new Set([429]));
  assert.deepEqual(wire.turns, []);
});

test("a clock that was set back keeps nobody out", async () => {
  await pool.query("insert into recsys_engine.rate_limits values ($1, now() + interval '10 years')", [user]);
  assert.deepEqual(await statuses(4, () => app.call(user)), [200, 200, 200, 429]);
});

test("a smaller allowance holds at once, a larger one too", async () => {
  assert.deepEqual(await statuses(2, () => app.call(user)), [200, 200]);
  await limitTo(1);
  assert.equal((await app.call(user)).status, 429);
  await limitTo(1_000_000);
  const { rows } = await pool.query("select recsys_engine.consume_rate_limit($1) as seconds", [user]);
  assert.equal(rows[0].seconds, null);
});

test("whoever locks the table takes no feed away", { skip }, async () => {
  const holder = await pool.connect();
  try {
    await holder.query("begin; lock table recsys_engine.rate_limits in access exclusive mode");
    const started = performance.now();
    assert.equal((await app.call(user)).status, 200);
    assert.ok(performance.now() - started < 2_000);
  } finally {
    await holder.query("rollback");
    holder.release();
  }
});

test("nor does a database that a full disk made read-only", { skip }, async (t) => {
  const name = new URL(url).pathname.slice(1);
  await pool.query(`alter database ${name} set default_transaction_read_only = on`);
  try {
    const readOnly = testApp(t, url, { ownConnections: true });
    assert.deepEqual(await statuses(4, () => readOnly.call(user)), [200, 200, 200, 200]);
    await readOnly.settled();
  } finally {
    // a session that was there before
    await pool.query(`alter database ${name} reset default_transaction_read_only`);
  }
});

test("nor does a database that lacks the migration yet", async () => {
  await pool.query("alter function recsys_engine.consume_rate_limit rename to taken");
  try {
    assert.deepEqual(await statuses(4, () => app.call(user)), [200, 200, 200, 200]);
  } finally {
    await pool.query("alter function recsys_engine.taken rename to consume_rate_limit");
  }
});

test("rows of whoever has a whole allowance again are purged", async () => {
  await useUp(user);
  await pool.query("insert into recsys_engine.rate_limits values ($1, now() - interval '1 second')", [
    uuid("ad", next),
  ]);
  const { rows } = await pool.query("select recsys_engine.purge_rate_limits()::int as gone");
  assert.ok(rows[0].gone >= 1);
  const left = await pool.query("select from recsys_engine.rate_limits where user_id = any ($1)", [
    [user, uuid("ad", next)],
  ]);
  assert.equal(left.rowCount, 1);
});
