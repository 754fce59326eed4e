/** How often a feed waits for the database: the distance to it is paid once per round trip. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { distantWire } from "../../../serve/testing-wire.ts";
import { fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
import { openPool } from "../_shared/database/pool.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "round_trips");
await fillCommunity(pool);
await publishTinyModel(pool, { name: "tiny" });

for (const reader of ["user", "visitor"])
  test(`a ${reader}'s feed takes three round trips to the database, and does not wait for the commit`, async (t) => {
    const wire = await distantWire(url);
    const app = testApp(t, wire.url);
    t.after(wire.close);
    const ask = () => (reader === "user" ? app.call(people.ada) : app.visit({ interests: ["chess"] }));
    // the first one connects, loads the model, and reads what is common
    assert.equal((await ask()).status, 200);
    await app.settled();
    await new Promise((later) => setTimeout(later, 100));
    wire.turns.length = 0;
    assert.equal((await ask()).status, 200);
    const turns = wire.turns.join(" ");
    assert.match(turns, /^ask answer ask answer ask answer( ask)?$/);
    await app.settled();
  });

test("what is sent in one turn goes to the network as one", async (t) => {
  const pool = openPool(url, () => undefined);
  t.after(() => pool.end());
  const connection = await pool.connect();
  const { stream } = (connection as unknown as { connection: { stream: Socket } }).connection;
  let writes = 0;
  for (const write of ["_write", "_writev"] as const) {
    const written = stream[write] as (...chunks: unknown[]) => void;
    stream[write] = (...chunks: unknown[]) => {
      writes++;
      Reflect.apply(written, stream, chunks);
    };
  }
  const answers = await Promise.all([
    connection.query("begin"),
    connection.query("select $1::integer as number", [1]),
    connection.query("select $1::integer as number", [2]),
    connection.query("commit"),
  ]);
  connection.release();
  assert.deepEqual(
    answers.map(({ rows }) => rows),
    [[], [{ number: 1 }], [{ number: 2 }], []],
  );
  assert.equal(writes, 1);
});
