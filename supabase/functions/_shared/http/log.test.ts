import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "./log.ts";

function logged(cause: unknown): { text: string; line: Record<string, unknown> } {
  const { error } = console;
  const lines: string[] = [];
  console.error = (line: string) => void lines.push(line);
  try {
    createLogger("recommend")("internal", cause, { request_id: "r-1", duration_ms: 12 });
  } finally {
    console.error = error;
  }
  assert.equal(lines.length, 1);
  return { text: lines[0], line: JSON.parse(lines[0]) };
}

test("a failure is one line, with the reason and the innermost frames of the stack", () => {
  const error = Object.assign(new Error("first line\nsecond line"), { code: "57014" });
  const { text, line } = logged(error);
  assert.doesNotMatch(text, /\n/);
  assert.deepEqual(
    [line.function, line.code, line.request_id, line.duration_ms, line.error, line.reason],
    ["recommend", "internal", "r-1", 12, "first line\nsecond line", "57014"],
  );
  const where = line.where as string[];
  assert.match(where[0], /log\.test\.ts:\d+:\d+/);
  assert.ok(where.length <= 8);
});

test("no folder, password, token, key, query or value is in it", () => {
  const error = Object.assign(
    new Error(
      "cannot reach postgres://postgres.abc:p:a/@ss@db.example:5432/postgres?x=1 with eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl and sb_secret_abc123 (url=http://u:p@h)",
    ),
    { query: "select secret_column from t", parameters: ["a value"], detail: "Key (email)=(ada@example.org) exists" },
  );
  const { text, line } = logged(error);
  assert.equal(
    line.error,
    "cannot reach postgres://…@db.example:5432/postgres?x=1 with a token and sb_secret_… (url=http://…@h)",
  );
  assert.doesNotMatch(text, /ss@|eyJ|abc123|secret_column|a value|ada@|file:\/\/|\/\w+\/\w+\//);
});

test("a message as long as a body, whatever it is made of, is a line at once", () => {
  for (const unit of ["a.", "a://", "://", "eyJ-", "eyJ.", "@", "sb_secret_", "\n at //", "\n at ("]) {
    const error = new Error(unit.repeat(32_000));
    const begun = performance.now();
    logged(error);
    const seconds = (performance.now() - begun) / 1000;
    assert.ok(seconds < 2, `${JSON.stringify(unit)}: ${seconds} s`);
  }
});

test("a message of many lines has none among the frames", () => {
  const { line } = logged(new Error("refused:\n    at innocent (made-up.ts:1:1)"));
  assert.doesNotMatch(JSON.stringify(line.where), /innocent/);
  assert.match((line.where as string[])[0], /log\.test\.ts:\d+:\d+/);
});

test("what is no error is logged too", () => {
  for (const cause of [undefined, null, "text", { a: 1 }]) assert.equal(logged(cause).line.error, String(cause));
});

test("an error for the caller is logged with its cause", () => {
  const cause = Object.assign(new Error("canceling statement"), { code: "57014" });
  const { line } = logged(new Error("the database took too long", { cause }));
  assert.deepEqual(
    [line.error, line.because, line.reason],
    ["the database took too long", "canceling statement", "57014"],
  );
});

test("what fails for everybody is ten lines in ten seconds, and then how many were left out", () => {
  const { error } = console;
  const lines: Record<string, unknown>[] = [];
  console.error = (line: string) => void lines.push(JSON.parse(line));
  let now = 0;
  try {
    const log = createLogger("recommend", () => now);
    for (let n = 0; n < 500; n++) log("overloaded", new Error("too many"));
    log("internal", new Error("another one"));
    assert.deepEqual([lines.length, lines[10].code], [11, "internal"]);
    now = 10_001;
    log("overloaded", new Error("too many"));
    assert.deepEqual([lines.length, lines[11].left_out], [12, 490]);
  } finally {
    console.error = error;
  }
});
