/** Events beside migrations that replace policies of the tables that they read and write: both go through, and each event is stored once. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { testDatabase, withoutPostgres } from "../../../db/testing.ts";
import { fillCommunity, people, post } from "../../../testing/community.ts";
import { event, testApp } from "./testing.ts";

const skip = await withoutPostgres();
const { pool, url } = await testDatabase({ after }, "events_migrations");
if (!skip) await fillCommunity(pool);

/** Replaces a policy of the table that events write last, waits, and does so of the one that they read first. */
async function replacePolicies(): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    for (const table of ["public.post_views", "public.profiles"]) {
      await client.query(`drop policy if exists extra on ${table}; create policy extra on ${table} using (false)`);
      await setTimeout(40);
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

test("policies pushed in a loop while events are sent", { skip }, async (t) => {
  const app = testApp(t, url);
  let done = false;
  const outcomes: string[] = [];
  const ids: string[] = [];
  const send = async (person: string) => {
    while (!done) {
      const views = [1, 2, 3].map((n) => event("view", { post_id: post(n) }));
      ids.push(...views.map(({ id }) => id as string));
      outcomes.push(...(await app.send(person, ...views)));
    }
  };
  const sending = [people.ada, people.ben, people.ben, people.eve].map(send);
  for (let n = 0; n < 12; n++) {
    await replacePolicies();
    await setTimeout(30);
  }
  done = true;
  await Promise.all(sending);
  assert.deepEqual([...new Set(outcomes)], ["stored"]);
  assert.ok(outcomes.length >= 30, `${outcomes.length} events`);
  const { rows } = await pool.query(
    "select (select count(*)::int from public.post_views) as views, (select count(*)::int from recsys_engine.event_ids) as ids",
  );
  assert.deepEqual(rows, [{ views: ids.length, ids: ids.length }]);
});

test("where a table stays locked the answer is 503 with Retry-After, and the same events are stored afterwards", {
  skip,
}, async (t) => {
  const app = testApp(t, url);
  const view = event("view", { post_id: post(4) });
  const client = await pool.connect();
  try {
    await client.query("begin; lock table public.post_views in access exclusive mode");
    const init = {
      method: "POST",
      headers: { authorization: `Bearer ${people.ada}` },
      body: JSON.stringify({ events: [view] }),
    };
    const response = await app.request("/events", init);
    assert.equal(response.status, 503);
    assert.ok(Number(response.headers.get("retry-after")) > 0);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    assert.deepEqual(error, { code: "database_timeout", message: "a table is locked, as by a migration: try again" });
    await client.query("commit");
  } finally {
    client.release();
  }
  assert.deepEqual(await app.send(people.ada, view), ["stored"]);
  assert.deepEqual(await app.send(people.ada, view), ["duplicate"]);
});
