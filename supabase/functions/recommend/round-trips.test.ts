/** How often a feed waits for the database: the distance to it is paid once per round trip. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { distantWire } from "../../../serve/testing-wire.ts";
import { fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
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
