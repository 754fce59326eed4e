import assert from "node:assert/strict";
import { test } from "node:test";
import { openStalls } from "./stalls.ts";

test("after three people in a row one tries every five seconds, and when it works everybody does", () => {
  let now = 0;
  const stalls = openStalls(() => now);
  for (const user of ["ada", "ben", "eve"]) {
    assert.ok(stalls.mayTry(user));
    stalls.tookTooLong(user);
  }
  assert.ok(!stalls.mayTry("ada"));
  assert.deepEqual([stalls.mayTry("zoe"), stalls.mayTry("uma")], [true, false], "one of the others tries at once");
  stalls.tookTooLong("zoe");
  now = 5_000;
  assert.deepEqual(
    [stalls.mayTry("ada"), stalls.mayTry("ben"), stalls.mayTry("uma"), stalls.mayTry("ida")],
    [true, false, true, false],
    "one tries, and one of the others, who do not wait for it",
  );
  stalls.tookTooLong("ada");
  stalls.tookTooLong("uma");
  now = 9_999;
  assert.ok(!stalls.mayTry("ada") && !stalls.mayTry("ida"));
  now = 10_000;
  assert.ok(stalls.mayTry("ida"));
  stalls.made();
  assert.deepEqual([stalls.mayTry("ada"), stalls.mayTry("ada")], [true, true]);
});

test("people whose feeds take too long, however many, keep nobody else from trying", () => {
  const stalls = openStalls(() => 0);
  for (let n = 0; n < 50; n++) {
    for (let heavy = 0; heavy < 5; heavy++) stalls.tookTooLong(`heavy ${heavy}`);
    assert.ok(!stalls.mayTry("heavy 0"));
    assert.ok(stalls.mayTry("honest"));
    stalls.made();
  }
});

test("one person alone, or people in between whom it serves, take nobody's live feed", () => {
  const stalls = openStalls(() => 0);
  for (let n = 0; n < 10; n++) stalls.tookTooLong("ada");
  assert.ok(stalls.mayTry("ada"));
  for (const user of ["ben", "eve", "zoe"]) {
    stalls.made();
    stalls.tookTooLong(user);
    stalls.tookTooLong("ada");
  }
  assert.ok(stalls.mayTry("ada"));
});
