import assert from "node:assert/strict";
import { test } from "node:test";
import { createCircuitBreaker } from "./circuit-breaker.ts";

test("after three people in a row one tries every five seconds, and when it works everybody does", () => {
  let now = 0;
  const breaker = createCircuitBreaker(() => now);
  for (const user of ["ada", "ben", "eve"]) {
    assert.ok(breaker.mayTry(user));
    breaker.tookTooLong(user);
  }
  assert.ok(!breaker.mayTry("ada"));
  assert.deepEqual([breaker.mayTry("zoe"), breaker.mayTry("uma")], [true, false], "one of the others tries at once");
  breaker.tookTooLong("zoe");
  now = 5_000;
  assert.deepEqual(
    [breaker.mayTry("ada"), breaker.mayTry("ben"), breaker.mayTry("uma"), breaker.mayTry("ida")],
    [true, false, true, false],
    "one tries, and one of the others, who do not wait for it",
  );
  breaker.tookTooLong("ada");
  breaker.tookTooLong("uma");
  now = 9_999;
  assert.ok(!breaker.mayTry("ada") && !breaker.mayTry("ida"));
  now = 10_000;
  assert.ok(breaker.mayTry("ida"));
  breaker.made();
  assert.deepEqual([breaker.mayTry("ada"), breaker.mayTry("ada")], [true, true]);
});

test("people whose feeds take too long, however many, keep nobody else from trying", () => {
  const breaker = createCircuitBreaker(() => 0);
  for (let n = 0; n < 50; n++) {
    for (let heavy = 0; heavy < 5; heavy++) breaker.tookTooLong(`heavy ${heavy}`);
    assert.ok(!breaker.mayTry("heavy 0"));
    assert.ok(breaker.mayTry("honest"));
    breaker.made();
  }
});

test("one person alone, or people in between whom it serves, take nobody's live feed", () => {
  const breaker = createCircuitBreaker(() => 0);
  for (let n = 0; n < 10; n++) breaker.tookTooLong("ada");
  assert.ok(breaker.mayTry("ada"));
  for (const user of ["ben", "eve", "zoe"]) {
    breaker.made();
    breaker.tookTooLong(user);
    breaker.tookTooLong("ada");
  }
  assert.ok(breaker.mayTry("ada"));
});
