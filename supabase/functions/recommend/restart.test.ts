/** A PostgreSQL that is ended without any order and started again, as in an upgrade of the platform or a power cut. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { connect } from "../../../db/connect.ts";
import { migrate } from "../../../db/migrate.ts";
import { createReverseScope } from "../../../db/testing.ts";
import { testCluster, withoutCluster } from "../../../db/testing-cluster.ts";
import { fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
import { testApp } from "./testing.ts";

const noCluster = await withoutCluster();

test("feeds before, 503 while it is away, feeds as soon as it answers", { skip: noCluster }, async (t) => {
  // what was opened first is closed last
  const scope = createReverseScope(t);
  const cluster = await testCluster(scope);
  const database = await connect(`${cluster.url}?sslmode=disable`, { embedded: false });
  await migrate(database);
  await fillCommunity(database.pool);
  await publishTinyModel(database.pool, { name: "tiny" });
  await database.pool.query("update recsys.settings set requests_per_minute = null");
  await database.close();
  const app = testApp(scope, cluster.url);
  const whole = await app.call(people.ada);
  assert.deepEqual([whole.status, whole.body.degraded], [200, null]);

  for (const signal of ["SIGQUIT", "SIGKILL"] as const) {
    const codes = new Map<string, number>();
    let back = false;
    const client = (async () => {
      while (!back) {
        const { status, body } = await app.call(people.ada);
        const code = status === 200 ? String(body.degraded) : `${status} ${body.error?.code}`;
        codes.set(code, (codes.get(code) ?? 0) + 1);
        await setTimeout(5);
      }
    })();
    await setTimeout(200);
    await cluster.crash(signal);
    const started = performance.now();
    // the first request once it answers
    const first = await app.call(people.ben);
    const took = performance.now() - started;
    back = true;
    await client;
    assert.deepEqual([first.status, first.body.degraded], [200, null], JSON.stringify(first.body));
    t.diagnostic(
      `${signal}: ${JSON.stringify(Object.fromEntries(codes))}; the first feed after it took ${took.toFixed(0)} ms`,
    );
    for (const code of codes.keys()) assert.match(code, /^(null|503 database_unavailable)$/);
    assert.ok((codes.get("503 database_unavailable") ?? 0) > 0, "somebody asked while it was away");
  }
});
