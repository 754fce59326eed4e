import assert from "node:assert/strict";
import { test } from "node:test";
import { openStalls } from "./stalls.ts";

test("after three people in a row one tries every five seconds, and when it works everybody does", () => {
  let now = 0;
  const stalls = openStalls(() => now);
  for (const user of ["ada", "ben", "eve"]) {
    assert.ok(stalls.mayTry());
    stalls.tookTooLong(user);
  }
  assert.ok(!stalls.mayTry());
  now = 5_000;
  assert.deepEqual([stalls.mayTry(), stalls.mayTry()], [true, false], "one tries, the others do not wait for it");
  stalls.tookTooLong("ada");
  now = 9_999;
  assert.ok(!stalls.mayTry());
  now = 10_000;
  assert.ok(stalls.mayTry());
  stalls.made();
  assert.deepEqual([stalls.mayTry(), stalls.mayTry()], [true, true]);
});

test("one person alone, or people in between whom it serves, take nobody's live feed", () => {
  const stalls = openStalls(() => 0);
  for (let n = 0; n < 10; n++) stalls.tookTooLong("ada");
  assert.ok(stalls.mayTry());
  for (const user of ["ben", "eve", "zoe"]) {
    stalls.made();
    stalls.tookTooLong(user);
    stalls.tookTooLong("ada");
  }
  assert.ok(stalls.mayTry());
});
