/** Clocks that jump: the engine's, and the worker's, which no feed depends on. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "clock_jump");
const app = testApp({ after }, url);

before(async () => {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
});

async function shown() {
  const { status, body } = await app.call(people.ada, { limit: 100 });
  assert.deepEqual([status, body.degraded], [200, null], JSON.stringify(body));
  for (const { score } of body.items) assert.ok(Number.isFinite(score));
  return body;
}
const ids = (feed: { items: { post_id: string }[] }) => feed.items.map(({ post_id }) => post_id).sort();

test("the engine's clock goes back and forth: a feed is as of its instant, and as before when the clock is right again", async () => {
  const whole = await shown();
  // post n is n hours old
  for (const [shift, posts] of [
    // ada had not voted yet
    ["12 hours", 19],
    ["30 days", 0],
    ["-400 days", 28],
    ["0", 28],
  ] as const) {
    await pool.query("update recsys.settings set clock_shift = $1::interval", [shift]);
    const { rows } = await pool.query("select recsys.clock() as now");
    const feed = await shown();
    assert.ok(Math.abs(Date.parse(feed.made_at) - Number(rows[0].now)) < 60_000);
    assert.equal(feed.items.length, posts, shift);
  }
  assert.deepEqual(ids(await shown()), ids(whole));
  assert.deepEqual(app.logged, []);
});

test("the worker's clock goes back and forth, and feeds are the same", async (t) => {
  const whole = ids(await shown());
  for (const year of [1980, 2090, 2026]) {
    t.mock.timers.enable({ apis: ["Date"], now: Date.UTC(year) });
    assert.deepEqual(ids(await shown()), whole);
    t.mock.timers.reset();
  }
  assert.deepEqual(app.logged, []);
});
