/** Outages as they look under the real Deno, whose sockets fail with other errors than Node's. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { testDatabase } from "../db/testing.ts";
import { fillCommunity, people } from "../testing/community.ts";
import { pickCases } from "../testing/courses.ts";
import { startGateway } from "./gateway.ts";
import { severableWire } from "./testing-wire.ts";

const { pool, url: databaseUrl } = await testDatabase({ after }, "gateway_outage");
await fillCommunity(pool);
const folder = await mkdtemp(join(tmpdir(), "recsys-"));
after(() => rm(folder, { recursive: true }));

/** Starts the functions on a database; what they answer ada, and how long it takes. */
async function functionsOn(url: string) {
  const lines: string[] = [];
  const gateway = await startGateway({ databaseUrl: url, port: 0, folder, onLog: (line) => lines.push(line) });
  const token = await gateway.tokenOf(people.ada);
  const ask = async () => {
    const started = performance.now();
    const response = await fetch(`${gateway.url}/functions/v1/recommend`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { error } = await response.json();
    return { status: response.status, code: error?.code, seconds: (performance.now() - started) / 1000 };
  };
  return { ask, lines, stop: gateway.stop };
}

test("a database that cannot be reached is 503 within seconds", async (t) => {
  const silent = createServer(() => undefined);
  await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
  t.after(() => silent.close());
  const { port } = silent.address() as { port: number };
  for (const [name, host] of pickCases([
    ["nothing listens", "127.0.0.1:1"],
    ["no such host", "nowhere.invalid:5432"],
    ["it never answers", `127.0.0.1:${port}`],
  ]))
    await t.test(name, async () => {
      const { ask, lines, stop } = await functionsOn(`postgres://postgres:postgres@${host}/postgres`);
      const { status, code, seconds } = await ask();
      await stop();
      assert.deepEqual([status, code], [503, "database_unavailable"], lines.join("\n"));
      assert.ok(seconds < 6, `after ${seconds} s`);
      assert.match(lines[0], /"code":"database_unavailable"/);
    });
});

test("a database that goes away and comes back brings the functions back with it", async (t) => {
  const wire = await severableWire(databaseUrl);
  t.after(() => wire.sever());
  const { ask, lines, stop } = await functionsOn(wire.url);
  t.after(stop);
  assert.equal((await ask()).status, 200);
  await wire.sever();
  await wire.restore();
  assert.equal((await ask()).status, 200);
  await wire.sever();
  const { status, code } = await ask();
  assert.deepEqual([status, code], [503, "database_unavailable"]);
  await wire.restore();
  assert.equal((await ask()).status, 200);
  // cut off while many wait: every one is answered, and the functions keep running
  const many = Array.from({ length: 20 }, ask);
  await new Promise((later) => setTimeout(later, 30));
  await wire.sever();
  await wire.restore();
  for (const { status } of await Promise.all(many))
    assert.ok(status === 200 || status === 503, `${status}: ${lines.join("\n")}`);
  assert.equal((await ask()).status, 200);
});
