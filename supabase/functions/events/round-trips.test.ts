/** How often a batch waits for the database: distance to it is paid once a round trip, not once an event. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { distantWire } from "../../../serve/testing-wire.ts";
import { fillCommunity, people, post } from "../../../testing/community.ts";
import { event, testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "events_round_trips");
await fillCommunity(pool);

test("500 events take two round trips: one statement, and the commit that the answer waits for", async (t) => {
  const wire = await distantWire(url);
  const app = testApp(t, wire.url);
  t.after(wire.close);
  const view = () => event("view", { post_id: post(1) });
  // the first one connects
  await app.send(people.ada, view());
  await new Promise((later) => setTimeout(later, 100));
  wire.turns.length = 0;
  await app.send(people.ada, ...Array.from({ length: 500 }, view));
  assert.deepEqual(wire.turns, ["ask", "answer", "ask", "answer"]);
});
