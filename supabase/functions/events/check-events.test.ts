import assert from "node:assert/strict";
import { test } from "node:test";
import { checkEvent } from "./check-events.ts";

const id = "0000000e-0000-4000-8000-000000000001";
const post_id = "0000000b-0000-4000-8000-000000000001";
const request_id = "0000000c-0000-4000-8000-000000000001";
const occurred_at = "2026-01-31T17:05:00.250+01:00";

const good: [string, object][] = [
  ["a view", { id, type: "view", post_id }],
  ["a view that was measured", { id, type: "view", post_id, value: 12.5 }],
  ["a vote for", { id, type: "vote", post_id, value: 1 }],
  ["a vote against", { id, type: "vote", post_id, value: -1 }],
  ["a vote taken back", { id, type: "vote", post_id, value: 0 }],
  ["a comment as long as may be", { id, type: "comment", post_id, body: "é".repeat(10_000) }],
  ["a comment with pairs of surrogates", { id, type: "comment", post_id, body: "👍 “quoted” \\u0000 \n" }],
  ["a login", { id, type: "login" }],
  ["a dismissal", { id, type: "dismiss", post_id }],
  ["a dismissal taken back", { id, type: "dismiss", post_id, value: 0 }],
  ["an impression seen", { id, type: "seen", post_id, request_id }],
  ["ids in capitals", { id: id.toUpperCase(), type: "view", post_id: post_id.toUpperCase() }],
  ["ids of no version", { id: "11111111-1111-1111-1111-111111111111", type: "login" }],
];
for (const [name, event] of good)
  test(`${name} is taken as it is`, () => {
    assert.deepEqual(checkEvent(event), { id: (event as { id: string }).id, event });
  });

test("a time is milliseconds since 1970, whatever its zone", () => {
  const checked = checkEvent({ id, type: "login", occurred_at });
  assert.deepEqual(checked, { id, event: { id, type: "login", occurred_at: Date.parse(occurred_at) } });
  assert.ok("event" in checkEvent({ id, type: "login", occurred_at: "0000-01-01T00:00:00Z" }), "old, but a time");
});

const view = { id, type: "view", post_id };
const comment = { id, type: "comment", post_id };
const vote = { id, type: "vote", post_id };
const login = { id, type: "login" };
const refused: [string, unknown, string][] = [
  ["nothing", null, "invalid_event"],
  ["a text", "view", "invalid_event"],
  ["a number", 5, "invalid_event"],
  ["an array", [view], "invalid_event"],
  ["an empty object", {}, "unknown_type"],
  ["no type", { id, post_id }, "unknown_type"],
  ["an unknown type", { id, type: "like", post_id }, "unknown_type"],
  ["a type of another case", { ...view, type: "View" }, "unknown_type"],
  ["a type that is an object", { ...view, type: { $ne: "" } }, "unknown_type"],
  ["a type that every object has", { ...view, type: "constructor" }, "unknown_type"],
  ["no id", { type: "view", post_id }, "invalid_id"],
  ["an id that is null", { ...view, id: null }, "invalid_id"],
  ["an id that is a number", { ...view, id: 7 }, "invalid_id"],
  ["an id that is no uuid", { ...view, id: "1' or '1'='1" }, "invalid_id"],
  ["an id with something behind it", { ...view, id: `${id}\n` }, "invalid_id"],
  ["no post", { id, type: "view" }, "invalid_post_id"],
  ["a post that is no uuid", { ...view, post_id: "42" }, "invalid_post_id"],
  ["several posts", { ...view, post_id: [post_id] }, "invalid_post_id"],
  ["a comment without a post", { id, type: "comment", body: "x" }, "invalid_post_id"],
  ["a dismissal of nothing", { id, type: "dismiss" }, "invalid_post_id"],
  ["seen, but in no feed", { id, type: "seen", post_id }, "invalid_request_id"],
  ["a user", { ...view, user_id: id }, "unknown_field"],
  ["a text where none belongs", { ...view, body: "x" }, "unknown_field"],
  ["a value where none belongs", { ...comment, body: "x", value: 1 }, "unknown_field"],
  ["a post where none belongs", { ...login, post_id }, "unknown_field"],
  ["a prototype", JSON.parse(`{"id": "${id}", "type": "login", "__proto__": {}}`), "unknown_field"],
  ["a vote without a value", vote, "invalid_value"],
  ["half a vote", { ...vote, value: 0.5 }, "invalid_value"],
  ["two votes", { ...vote, value: 2 }, "invalid_value"],
  ["a vote as a text", { ...vote, value: "1" }, "invalid_value"],
  ["a vote that is null", { ...vote, value: null }, "invalid_value"],
  ["a view of negative length", { ...view, value: -1 }, "invalid_value"],
  ["an endless view", { ...view, value: JSON.parse("1e400") }, "invalid_value"],
  ["a view longer than a real holds exactly", { ...view, value: 1e39 }, "invalid_value"],
  ["a comment without a text", comment, "invalid_comment"],
  ["an empty comment", { ...comment, body: "" }, "invalid_comment"],
  ["a comment that is no text", { ...comment, body: { html: "x" } }, "invalid_comment"],
  ["a comment too long by one", { ...comment, body: "x".repeat(10_001) }, "invalid_comment"],
  ["a comment with a NUL", { ...comment, body: "a\0b" }, "invalid_comment"],
  ["a comment with half a surrogate pair", { ...comment, body: "a\ud83d" }, "invalid_comment"],
  ["a time as a number", { ...login, occurred_at: 1_800_000_000_000 }, "invalid_time"],
  ["an infinite time", { ...login, occurred_at: "-infinity" }, "invalid_time"],
  ["a time without a zone", { ...login, occurred_at: "2026-01-31T17:05:00" }, "invalid_time"],
  ["a day", { ...login, occurred_at: "2026-01-31" }, "invalid_time"],
  ["a day that does not exist", { ...login, occurred_at: "2026-02-30T00:00:00Z" }, "invalid_time"],
  ["a zone that does not exist", { ...login, occurred_at: "2026-01-31T17:05:00+99:00" }, "invalid_time"],
  ["a year of five digits", { ...login, occurred_at: "+10000-01-01T00:00:00Z" }, "invalid_time"],
];
for (const [name, event, refusal] of refused)
  test(`${name} is refused as ${refusal}`, () => {
    const given = (event as { id?: unknown } | null)?.id;
    const { message: _, ...checked } = checkEvent(event) as { message?: string };
    assert.deepEqual(checked, { id: given === id ? id : null, refusal });
  });
