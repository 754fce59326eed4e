import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { testDatabase } from "../../../db/testing.ts";
import { post, privatePost, uuid } from "../../../testing/community.ts";
import { isFull } from "../../../testing/courses.ts";
import { fuzz, mostly, nasty } from "../../../testing/fuzz.ts";
import { eventsFunction } from "./handler.ts";

const database = await testDatabase({ after }, "events_fuzz");

const event = fc.record(
  {
    // few, so that some are duplicates
    id: mostly(fc.nat(500).map((n) => uuid("f", n))),
    type: mostly(fc.constantFrom("view", "vote", "comment", "login", "dismiss", "seen")),
    post_id: mostly(fc.constantFrom(post(1), post(2), post(30), privatePost, uuid("d", 1))),
    request_id: mostly(fc.constant(uuid("d", 2))),
    value: mostly(fc.constantFrom(1, -1, 0, 12.5, 1e6)),
    body: mostly(fc.string({ minLength: 1, maxLength: 50, unit: "binary" })),
    occurred_at: mostly(fc.date({ noInvalidDate: true }).map((date) => date.toISOString())),
    unknown: nasty,
  },
  { requiredKeys: ["id", "type"] },
);

const fieldsOf = new Map<unknown, string[]>([
  ["view", ["post_id", "value"]],
  ["vote", ["post_id", "value"]],
  ["comment", ["post_id", "body"]],
  ["dismiss", ["post_id", "value"]],
  ["seen", ["post_id", "request_id"]],
]);

/** With the fields that its type has, so that most get as far as the database. */
const plausible = event.map((given) => {
  const kept = ["id", "type", ...(fieldsOf.get(given.type) ?? [])];
  return Object.fromEntries(Object.entries(given).filter(([name]) => kept.includes(name)));
});

test("whatever events is sent, it answers as it says it does", async () => {
  const batch = fc.array(
    fc.oneof({ weight: 5, arbitrary: plausible }, { weight: 1, arbitrary: event }, { weight: 1, arbitrary: nasty }),
    { maxLength: 12 },
  );
  await fuzz({ after }, database, eventsFunction, {
    body: fc.record({ events: mostly(batch) }),
    writes: [
      ...["views", "votes"].map((kind) => `post_${kind}`),
      "comments",
      "logins",
      "recsys.dismissals",
      "recsys.impressions",
      ...["event_ids", "feature_changes", "rate_limits", "user_days"].map((name) => `recsys_engine.${name}`),
    ],
    statuses: [200, 400, 401, 404, 405, 413],
  });
  const { rowCount } = await database.pool.query("select from recsys_engine.event_ids");
  assert.ok(Number(rowCount) > (isFull ? 20 : 0), `${rowCount} events got as far as the tables`);
  const { rows } = await database.pool.query(
    `select count(*)::int as n from (
       select post_id from public.post_views union all select post_id from public.post_votes union all select post_id from public.comments
     ) as acted where post_id = $1`,
    [privatePost],
  );
  // its author may
  const authors = await database.pool.query(
    `select count(*)::int as n from (
       select user_id, post_id from public.post_views union all select user_id, post_id from public.post_votes union all select user_id, post_id from public.comments
     ) as acted where post_id = $1 and user_id = (select author_id from public.posts where id = $1)`,
    [privatePost],
  );
  assert.equal(rows[0].n, authors.rows[0].n, "nobody else acted on a private post");
});
