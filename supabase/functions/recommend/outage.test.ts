/** A database that goes away while it serves, and one that is stuck. */
import assert from "node:assert/strict";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, publishTinyModel } from "../../../trainer/serve/testing.ts";
import { testApp } from "./testing.ts";

const { pool, url, embedded } = await testDatabase({ after }, "outage");
await fillCommunity(pool);
await publishTinyModel(pool, { name: "tiny" });

test("a database that goes away is an error, and a feed again when it is back", async (t) => {
  const wire = await severableWire(url);
  t.after(() => wire.sever());
  const app = testApp(t, wire.url);
  const status = async () => (await app.call(people.ada, { limit: 3 })).status;
  assert.equal(await status(), 200);
  await app.settled();

  // restarted between two requests: whoever asks next must not notice
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

  // more at once than the pool has connections, cut off in the middle: every one is answered
  const many = Array.from({ length: 20 }, () => app.call(people.ada, { limit: 3 }));
  await new Promise((later) => setTimeout(later, 20));
  await wire.sever();
  await wire.restore();
  for (const { status } of await Promise.all(many)) assert.ok(status === 200 || status === 503, String(status));
  assert.equal(await status(), 200);
  await app.settled();
});

test("a statement that hangs is given up", { skip: embedded && "it has one session" }, async (t) => {
  const app = testApp(t, url);
  const blocker = await pool.connect();
  await blocker.query("begin; lock table public.posts in access exclusive mode");
  const started = performance.now();
  const { status, body } = await app.call(people.ada);
  const seconds = (performance.now() - started) / 1000;
  await blocker.query("rollback");
  blocker.release();
  assert.deepEqual([status, body.error?.code], [503, "database_timeout"]);
  assert.ok(seconds < 7, `after ${seconds} s`);
  assert.equal((await app.call(people.ada)).status, 200);
});

/** A TCP proxy before the database that can be cut and mended. */
async function severableWire(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  const listen = (port: number) => new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  await listen(0);
  const { port } = server.address() as { port: number };
  const wire = new URL(databaseUrl);
  wire.host = `127.0.0.1:${port}`;
  return {
    url: wire.href,
    async sever() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    restore: () => listen(port),
  };
}
