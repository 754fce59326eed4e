/** Feeds are made by the primary while the replica has a conflict, is down or hangs, and after it was promoted. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { codesOf, feedOf, replicatedCommunity, untilBy } from "../../../testing/replicated-community.ts";

const setting = await replicatedCommunity({ after });
const { skip, readers, replicaApp } = setting;

test("every reader gets a feed during a conflict with recovery", { skip }, async (t) => {
  const { database, replica } = setting;
  const app = replicaApp(t);
  await replica.set("max_standby_streaming_delay", "0");
  t.after(() => replica.set("max_standby_streaming_delay", "30s"));
  // nothing of the reader's own is read of it, so only the replica's session is in its way
  const lock = () =>
    database.pool.query("begin; lock table recsys_engine.circle_members in access exclusive mode; commit");
  let isOver = false;
  const locks = (async () => {
    while (!isOver) await lock();
  })();
  for (
    const end = Date.now() + 10_000;
    Date.now() < end && !app.logged.some(({ cause }) => /conflict with recovery/.test(String(cause)));
  )
    await Promise.all([feedOf(app, readers[0]), feedOf(app, readers[1]), feedOf(app, readers[2])]);
  isOver = true;
  await locks;
  assert.match(app.logged.map(({ cause }) => String(cause)).join(), /conflict with recovery/);
  await untilBy(true, app, readers[0]);
  assert.deepEqual([...new Set(codesOf(app))], ["replica_disabled", "replica_enabled"]);
});

test("when the replica is down or hangs, one feed waits and the primary serves; the replica serves again when it is back", {
  skip,
}, async (t) => {
  const { replica } = setting;
  const app = replicaApp(t);
  for (const [away, back, longest] of [
    [replica.stop, replica.start, 3_000],
    [replica.freeze, replica.thaw, 3_000],
  ] as const) {
    app.logged.length = 0;
    await untilBy(true, app, readers[6]);
    await away();
    const first = await feedOf(app, readers[6]);
    assert.ok(!first.byReplica && first.milliseconds < longest, `${first.milliseconds} ms`);
    for (let i = 0; i < 5; i++) {
      const { byReplica, milliseconds } = await feedOf(app, readers[6]);
      assert.ok(!byReplica && milliseconds < 1_400, `${milliseconds} ms`);
      await setTimeout(250);
    }
    assert.deepEqual(codesOf(app), ["replica_disabled"]);
    await back();
    await untilBy(true, app, readers[6]);
    assert.deepEqual(codesOf(app), ["replica_disabled", "replica_enabled"]);
  }
});

test("a promoted replica is not read any more", { skip }, async (t) => {
  const { replica } = setting;
  const app = replicaApp(t);
  await untilBy(true, app, readers[8]);
  await replica.promote();
  for (let i = 0; i < 5; i++) {
    assert.equal((await feedOf(app, readers[8])).byReplica, false);
    await setTimeout(250);
  }
  assert.deepEqual(codesOf(app), ["replica_disabled"]);
  assert.match(String(app.logged[0].cause), /promoted/);
});
