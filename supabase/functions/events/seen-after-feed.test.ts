/** Impressions are written after the answer that shows them, and an app may say sooner than that which posts were seen. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { distantWire } from "../../../serve/testing-wire.ts";
import { fillCommunity, people, publishTinyModel, uuid } from "../../../testing/community.ts";
import { testApp as feedApp } from "../recommend/testing.ts";
import { event, testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "events_seen_after_feed");
await fillCommunity(pool);
await publishTinyModel(pool, { name: "tiny" });
beforeEach(() => pool.query("delete from recsys.impressions"));

const seen = (post_id: string, request_id: string, fields = {}) => event("seen", { post_id, request_id, ...fields });
const seenOf = async (userId: string) =>
  (await pool.query("select from recsys.impressions where user_id = $1 and seen_at is not null", [userId])).rowCount;

test("seen straight after a feed, in another function, is stored: 20 of 20", async (t) => {
  const feeds = feedApp(t, url);
  const { body } = await feeds.call(people.ben, { limit: 20 });
  assert.equal(await seenOf(people.ben), 0, "nothing is written yet");
  const outcomes = await testApp(t, url).send(
    people.ben,
    ...body.items.map(({ post_id }) => seen(post_id, body.request_id)),
  );
  assert.deepEqual(outcomes, Array(20).fill("stored"));
  assert.equal(await seenOf(people.ben), 20);
});

test("what came with them is stored once, and each has its own outcome in order", async (t) => {
  const { body } = await feedApp(t, url).call(people.ben, { limit: 2 });
  const [first, second] = body.items.map(({ post_id }) => seen(post_id, body.request_id));
  const comment = event("comment", { post_id: body.items[0].post_id, body: "once" });
  const outcomes = await testApp(t, url).send(
    people.ben,
    comment,
    first,
    { type: "seen" },
    seen(body.items[0].post_id, uuid("f", 1)),
    second,
    first,
    event("login"),
  );
  const expected = ["stored", "stored", "invalid_id", "unknown_impression", "stored", "duplicate", "stored"];
  assert.deepEqual(outcomes, expected);
  const { rowCount } = await pool.query("select from public.comments where body = 'once'");
  assert.equal(rowCount, 1);
});

test("nobody claims what another was shown, however soon", async (t) => {
  const { body } = await feedApp(t, url).call(people.ben, { limit: 3 });
  const claims = body.items.map(({ post_id }) => seen(post_id, body.request_id));
  assert.deepEqual(await testApp(t, url).send(people.ada, ...claims), Array(3).fill("unknown_impression"));
  const { rows } = await pool.query("select user_id, seen_at from recsys.impressions");
  assert.deepEqual(
    rows,
    Array.from({ length: 3 }, () => ({ user_id: people.ben, seen_at: null })),
  );
});

test("what happened a while ago is not waited for, and what just happened a few times", async (t) => {
  const wire = await distantWire(url);
  const app = testApp(t, wire.url);
  t.after(wire.close);
  const roundTrips = async (occurred_at: string) => {
    wire.turns.length = 0;
    const forged = seen(uuid("b", 1), uuid("f", 1), { occurred_at });
    assert.deepEqual(await app.send(people.ada, forged), ["unknown_impression"]);
    return wire.turns.filter((turn) => turn === "ask").length;
  };
  // the first one connects
  await app.send(people.ada, event("login"));
  await new Promise((later) => setTimeout(later, 100));
  assert.equal(await roundTrips(new Date(Date.now() - 60_000).toISOString()), 2);
  const waited = await roundTrips(new Date().toISOString());
  assert.ok(waited > 4 && waited <= 10, `${waited}`);
});

test("where the log of impressions cannot be written it is refused in the end", async (t) => {
  const feeds = feedApp(t, url);
  await pool.query(`
    create function public.fail() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$;
    create trigger fail before insert on recsys.impressions for each row execute function public.fail()`);
  t.after(() => pool.query("drop function public.fail() cascade"));
  const { body } = await feeds.call(people.ben, { limit: 1 });
  const [{ post_id }] = body.items;
  const outcomes = await testApp(t, url).send(people.ben, seen(post_id, body.request_id), event("login"));
  assert.deepEqual(outcomes, ["unknown_impression", "stored"]);
  assert.deepEqual(
    feeds.logged.map(({ code }) => code),
    ["impressions_lost"],
  );
});
