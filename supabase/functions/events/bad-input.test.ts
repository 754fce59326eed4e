/** Everything that can be wrong with a batch as a whole: each has a status and a stable code, and nothing is stored. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, post, uuid } from "../../../testing/community.ts";
import { eventsFunction } from "./handler.ts";
import { event, testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "events_bad_input");
before(() => fillCommunity(pool));
const app = testApp({ after }, url);
const ada = { authorization: `Bearer ${people.ada}` };
const view = () => event("view", { post_id: post(1) });
const send = (body: BodyInit, headers: HeadersInit = ada) => ({ method: "POST", body, headers });
const batchOf = (events: unknown) => JSON.stringify({ events });

test("batches that are wrong", async (t) => {
  const views = async () => (await pool.query("select from public.post_views")).rowCount;
  const stranger = { authorization: `Bearer ${uuid("e", 1)}` };
  const table: [string, RequestInit, number, string][] = [
    ["no token", send(batchOf([view()]), {}), 401, "token_missing"],
    ["a bad token comes before a bad body", send("{", { authorization: "Bearer x" }), 401, "token_invalid"],
    ["someone without a profile", send(batchOf([view()]), stranger), 404, "unknown_user"],
    ["GET", { headers: ada }, 405, "method_not_allowed"],
    ["no body", { method: "POST", headers: ada }, 400, "malformed_json"],
    ["malformed JSON", send('{"events": ['), 400, "malformed_json"],
    ["bytes", send(new Uint8Array([255, 254, 0])), 400, "malformed_json"],
    ["an array", send(JSON.stringify([view()])), 400, "invalid_body"],
    ["null", send("null"), 400, "invalid_body"],
    ["an empty object", send("{}"), 400, "invalid_body"],
    ["one event instead of several", send(batchOf(view())), 400, "invalid_events"],
    ["events that are null", send(batchOf(null)), 400, "invalid_events"],
    ["events that look like an array", send(batchOf({ length: 1, 0: view() })), 400, "invalid_events"],
    ["somebody else's name", send(JSON.stringify({ events: [view()], user_id: people.ben })), 400, "unknown_field"],
    ["501 events", send(batchOf(Array.from({ length: 501 }, view))), 400, "too_many_events"],
    ["a quarter of a megabyte of nulls", send(batchOf(Array(50_000).fill(null))), 400, "too_many_events"],
    [
      "arrays within arrays",
      send(`{"events": ${"[".repeat(100_000)}${"]".repeat(100_000)}, "x": 1}`),
      400,
      "invalid_body",
    ],
    [
      "objects within objects",
      send(batchOf([JSON.parse(`${'{"a":'.repeat(9)}1${"}".repeat(9)}`)])),
      400,
      "invalid_body",
    ],
    ["more than 256 KB", send(batchOf([view()]) + " ".repeat(eventsFunction.maximumBodyBytes)), 413, "body_too_large"],
  ];
  for (const [name, init, status, code] of table)
    await t.test(name, async () => {
      const response = await app.request("/events", init);
      const body = await response.json();
      assert.deepEqual([response.status, body.error?.code], [status, code]);
      assert.match(body.error.message, /^[^\n]{10,200}$/, "one clear line");
    });
  assert.equal(await views(), 0);
  assert.deepEqual(await app.send(people.ada, view()), ["stored"], "the same app takes a good one");
  assert.equal(await views(), 1);
  assert.deepEqual(app.logged, [], "none of this is the operator's concern");
});

test("an empty batch is nothing to do", async () => {
  assert.deepEqual(await app.send(people.ada), []);
});

test("500 events with every field fit, and so do 8 comments of the greatest length in any script", async () => {
  const occurred_at = new Date().toISOString();
  const many = Array.from({ length: 500 }, () => event("view", { post_id: post(2), value: 123.456789, occurred_at }));
  assert.deepEqual(new Set(await app.send(people.ada, ...many)), new Set(["stored"]));
  const long = Array.from({ length: 8 }, () => event("comment", { post_id: post(2), body: "漢".repeat(10_000) }));
  assert.deepEqual(new Set(await app.send(people.ada, ...long)), new Set(["stored"]));
});

test("every refusal says in one line what is wrong", async () => {
  const { body } = await app.call(people.ada, {
    events: [null, { id: "x" }, event("like"), event("view", { post_id: uuid("f", 1) })],
  });
  assert.deepEqual(
    body.events.map(({ id, status, code }) => [typeof id, status, code]),
    [
      ["object", "refused", "invalid_event"],
      ["object", "refused", "unknown_type"],
      ["string", "refused", "unknown_type"],
      ["string", "refused", "unknown_post"],
    ],
  );
  for (const { message } of body.events) assert.match(message ?? "", /^[^\n]{10,200}$/);
});

test("an operator who looks at somebody's feed does nothing in their name", async (t) => {
  const { status, body } = await testApp(t, url, { preview: true }).call(people.ada, { events: [view()] });
  assert.deepEqual([status, body.error?.code], [401, "token_not_user"]);
});
