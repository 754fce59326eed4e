/** How often a feed waits for the database: the distance to it is paid once per round trip. */
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, publishTinyModel } from "../../../trainer/serve/testing.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "round_trips");
await fillCommunity(pool);
await publishTinyModel(pool, { name: "tiny" });

test("a feed takes two round trips to the database, and does not wait for the commit", async (t) => {
  const wire = await distantWire(url);
  const app = testApp(t, wire.url);
  t.after(wire.close);
  // the first one connects and loads the model
  assert.equal((await app.call(people.ada)).status, 200);
  await app.settled();
  await new Promise((later) => setTimeout(later, 100));
  wire.turns.length = 0;
  assert.equal((await app.call(people.ada)).status, 200);
  const turns = wire.turns.join(" ");
  assert.match(turns, /^ask answer ask answer( ask)?$/);
  await app.settled();
});

/** A TCP proxy whose answers take 30 ms; `turns` tells who spoke, repetitions left out. */
async function distantWire(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const turns: string[] = [];
  const note = (turn: string) => {
    if (turns.at(-1) !== turn) turns.push(turn);
  };
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    near.on("error", () => far.destroy()).on("close", () => far.destroy());
    far.on("error", () => near.destroy()).on("close", () => near.destroy());
    near.on("data", (chunk) => {
      note("ask");
      far.write(chunk);
    });
    far.on("data", (chunk) => {
      setTimeout(() => {
        note("answer");
        near.write(chunk);
      }, 30);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const wire = new URL(databaseUrl);
  wire.host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  return { url: wire.href, turns, close: () => new Promise<void>((done) => server.close(() => done())) };
}
