/** A database that goes away while it serves, one that is stuck, and one that is asked by more than there are connections. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase, withOneSession } from "../../../db/testing.ts";
import { severableWire } from "../../../serve/testing-wire.ts";
import { fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
import { poolSize } from "../_shared/database/pool.ts";
import { testApp } from "./testing.ts";

const oneSession = await withOneSession();

const { pool, url } = await testDatabase({ after }, "outage");
await fillCommunity(pool);
await publishTinyModel(pool, { name: "tiny" });

test("a database that goes away is an error, and a feed again when it is back", async (t) => {
  const wire = await severableWire(url);
  t.after(() => wire.sever());
  const app = testApp(t, wire.url);
  const status = async () => (await app.call(people.ada, { limit: 3 })).status;
  assert.equal(await status(), 200);
  await app.settled();

  // restarted between two requests: the next user must not notice
  await wire.sever();
  await wire.restore();
  assert.equal(await status(), 200);
  await app.settled();

  await wire.sever();
  for (const _ of [1, 2, 3]) {
    const { status, body } = await app.call(people.ada);
    assert.deepEqual([status, body.error?.code], [503, "database_unavailable"]);
  }
  await wire.restore();
  assert.equal(await status(), 200);
  await app.settled();

  // more at the same time than the pool has connections, cut off in the middle: every one is answered
  const many = Array.from({ length: 20 }, () => app.call(people.ada, { limit: 3 }));
  await new Promise((later) => setTimeout(later, 20));
  await wire.sever();
  await wire.restore();
  for (const { status } of await Promise.all(many)) assert.ok(status === 200 || status === 503, String(status));
  assert.equal(await status(), 200);
  await app.settled();
});

test("while a table is locked, one request and more requests than there are connections get an error within seconds; after it, all get feeds", {
  skip: oneSession,
}, async (t) => {
  // two workers, each with connections of its own
  const own = { ownConnections: true };
  const [quiet, busy] = [testApp(t, url, own), testApp(t, url, own)];
  const blocker = await pool.connect();
  await blocker.query("begin; lock table public.posts in access exclusive mode");
  const started = performance.now();
  const ask = async (app: typeof quiet, person: string) => {
    const { status, body } = await app.call(person);
    return { status, code: body.error?.code ?? "", seconds: (performance.now() - started) / 1000 };
  };
  const [alone, ...answers] = await Promise.all([
    ask(quiet, people.ada),
    ...Array.from({ length: 3 * poolSize }, () => ask(busy, people.ben)),
  ]);
  await blocker.query("rollback");
  blocker.release();
  assert.deepEqual([alone.status, alone.code], [503, "database_timeout"]);
  assert.ok(alone.seconds < 7, `after ${alone.seconds} s`);
  for (const { status, code, seconds } of answers) {
    assert.equal(status, 503);
    assert.match(code, /^database_(timeout|unavailable)$/);
    assert.ok(seconds < 12, `after ${seconds} s`);
  }
  assert.equal((await quiet.call(people.ada)).status, 200);
  for (const { status, body } of await Promise.all(Array.from({ length: 3 * poolSize }, () => busy.call(people.ben))))
    assert.deepEqual([status, body.degraded], [200, null]);
});
