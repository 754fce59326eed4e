import assert from "node:assert/strict";
import { test } from "node:test";
import { createThrottledWarning } from "./background-loops.ts";

test("a trouble is told when it begins and every ten minutes, another one at once, and the same the next night again", () => {
  const clock = { now: 0 };
  const lines: string[] = [];
  const onError = createThrottledWarning(
    "embedding",
    (line) => lines.push(line),
    () => clock.now,
  );
  const failFor = (minutes: number, message: string) => {
    for (const end = clock.now + 60_000 * minutes; clock.now < end; clock.now += 2_000) onError(new Error(message));
  };
  failFor(15, "no database");
  assert.deepEqual(lines, Array(2).fill("embedding failed and will be retried: no database"));
  failFor(1, "a broken model");
  assert.deepEqual(lines.slice(2), ["embedding failed and will be retried: a broken model"]);
  clock.now += 24 * 3_600_000;
  failFor(1, "a broken model");
  assert.equal(lines.length, 4);
});

test("two troubles by turns are two lines", () => {
  const lines: string[] = [];
  const onError = createThrottledWarning(
    "feature store",
    (line) => lines.push(line),
    () => 0,
  );
  for (let n = 0; n < 10; n++) for (const message of ["no roll-up", "no erasure"]) onError(new Error(message));
  assert.deepEqual(lines, [
    "feature store failed and will be retried: no roll-up",
    "feature store failed and will be retried: no erasure",
  ]);
});
