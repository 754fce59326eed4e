/** The cap on a person's events a day: more are accepted and counted, without an error to any user. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase, withOneSession } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, publishTinyModel, uuid } from "../../../testing/community.ts";
import { testApp as feedApp } from "../recommend/testing.ts";
import { event, testApp } from "./testing.ts";

const oneSession = await withOneSession();

const { pool, url } = await testDatabase({ after }, "events_caps");

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
  await pool.query("update recsys.settings set events_per_day = 6, impressions_per_day = 5");
});

const views = (n: number) => Array.from({ length: n }, (_, i) => event("view", { post_id: post(i + 1) }));
const count = async (table: string) =>
  (await pool.query(`select count(*)::int as n from ${table} where user_id = $1`, [people.ben])).rows[0].n;
const day = async (user = people.ben) =>
  (await pool.query("select impressions, events from recsys_engine.user_days where user_id = $1", [user])).rows[0];

test("events beyond the day's are counted, and the next day's are kept again", async (t) => {
  const app = testApp(t, url);
  assert.deepEqual(await app.send(people.ben, ...views(4)), Array(4).fill("stored"));
  const outcomes = await app.send(people.ben, ...views(3), event("login"));
  assert.deepEqual(outcomes, ["stored", "stored", "counted", "counted"]);
  assert.deepEqual(await app.send(people.ben, event("vote", { post_id: post(1), value: 1 })), ["counted"]);
  assert.deepEqual([await count("public.post_views"), await count("recsys_engine.event_ids")], [6, 6]);
  assert.deepEqual(await day(), { impressions: 0, events: 9 });
  assert.deepEqual(await app.send(people.eve, ...views(1)), ["stored"], "each has a day of their own");
  await pool.query("update recsys_engine.user_days set day = day - 1");
  assert.deepEqual(await app.send(people.ben, event("login")), ["stored"]);
  await pool.query("update recsys.settings set events_per_day = null");
  assert.deepEqual(await app.send(people.ben, ...views(20)), Array(20).fill("stored"));
});

test("what is refused or came before takes nothing of a day, and a long comment as much as several events", async (t) => {
  const app = testApp(t, url);
  const known = event("login");
  await app.send(people.ben, known);
  const nobodys = Array.from({ length: 9 }, (_, n) => event("view", { post_id: uuid("f", n) }));
  await app.send(people.ben, ...nobodys.slice(0, 4), known);
  assert.deepEqual(await day(), { impressions: 0, events: 1 });
  const long = event("comment", { post_id: post(1), body: "x".repeat(2000) });
  assert.deepEqual(await app.send(people.ben, long, event("login")), ["stored", "counted"]);
  assert.deepEqual(await day(), { impressions: 0, events: 7 });
});

test("impressions beyond the day's are counted, and what was seen of them is no error", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  const feeds = feedApp(t, url);
  const app = testApp(t, url);
  const seen = async () => {
    const { body } = await feeds.call(people.ben, { limit: 3 });
    await feeds.settled();
    await pool.query("update recsys.settings set events_per_day = null");
    const events = body.items.map(({ post_id }) => event("seen", { post_id, request_id: body.request_id }));
    return await app.send(people.ben, ...events);
  };
  assert.deepEqual(await seen(), ["stored", "stored", "stored"]);
  assert.deepEqual(await seen(), ["stored", "stored", "counted"]);
  assert.deepEqual(await seen(), ["counted", "counted", "counted"]);
  assert.deepEqual([await count("recsys.impressions"), (await day()).impressions], [5, 9]);
  assert.deepEqual(feeds.logged, []);
});

test("while the log of impressions is locked, all else is stored", { skip: oneSession }, async (t) => {
  const blocker = await pool.connect();
  t.after(() => blocker.release());
  await blocker.query("begin; lock table recsys.impressions in access exclusive mode");
  const seen = event("seen", { post_id: post(1), request_id: uuid("f", 1) });
  const started = performance.now();
  const outcomes = await testApp(t, url).send(people.ben, seen, ...views(2));
  const took = performance.now() - started;
  await blocker.query("rollback");
  assert.deepEqual(outcomes, ["counted", "stored", "stored"]);
  assert.ok(took < 2_000, `${took} ms`);
});
