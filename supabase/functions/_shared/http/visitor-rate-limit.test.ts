import assert from "node:assert/strict";
import { test } from "node:test";
import { createVisitorRateLimiter, visitorRequestsPerMinute } from "./visitor-rate-limit.ts";

/** A rate limiter with a manual clock. */
function allowances() {
  const clock = { now: 5_000 };
  const { take } = createVisitorRateLimiter(() => clock.now);
  /** Sends `times` requests from an address; returns how many were allowed. */
  const visit = (address: string | undefined, times: number) => {
    let taken = 0;
    for (let n = 0; n < times; n++)
      try {
        take(new Headers(address === undefined ? {} : { "cf-connecting-ip": address }));
        taken++;
      } catch (error) {
        const { status, code, retryAfter } = error as { status: number; code: string; retryAfter: number };
        assert.deepEqual([status, code, retryAfter], [429, "too_many_requests", 1]);
      }
    return taken;
  };
  return { clock, visit };
}

test("a minute's allowance may be used at once, and comes back bit by bit", () => {
  const { clock, visit } = allowances();
  assert.equal(visit("203.0.113.7", 500), visitorRequestsPerMinute);
  assert.equal(visit("203.0.113.8", 500), visitorRequestsPerMinute, "another's is another");
  clock.now += 60_000 / visitorRequestsPerMinute;
  assert.equal(visit("203.0.113.7", 500), 1);
  clock.now += 30_000;
  assert.equal(visit("203.0.113.7", 500), visitorRequestsPerMinute / 2);
  clock.now += 3_600_000;
  assert.equal(visit("203.0.113.7", 500), visitorRequestsPerMinute, "more than a minute's is nobody's");
});

test("where nobody says who comes, nobody is refused", () => {
  const { visit } = allowances();
  assert.equal(visit(undefined, 500), 500);
  assert.equal(visit("", 500), 500);
});

test("whoever has an IPv6 network has one allowance for all of it", () => {
  const { visit } = allowances();
  assert.equal(visit("2001:db8:0:1::1", 100), 100);
  assert.equal(visit("2001:0DB8:0000:0001:ffff:0:0:2", 500), visitorRequestsPerMinute - 100);
  assert.equal(visit("2001:db8:0:2::1", 500), visitorRequestsPerMinute, "the next network is somebody else's");
  assert.equal(visit("2001:db8::1", 500), visitorRequestsPerMinute);
  assert.equal(visit("2001:db8::ffff:0:0:2", 1), 0, "zeros may be left out in the middle");
  assert.equal(visit("::1", 1), 1);
  for (const odd of [":", "::", ":::::::::", "a::b::c", "::ffff:203.0.113.7"]) visit(odd, 500);
});

test("what is too long for an address is not kept", () => {
  const { visit } = allowances();
  assert.equal(visit("0123:4567:89ab:cdef:0123:4567:255.255.255.255", 500), visitorRequestsPerMinute);
  assert.equal(visit("1".repeat(46), 500), 500);
});

test("ten thousand addresses are remembered, those that came last", () => {
  const { visit } = allowances();
  assert.equal(visit("203.0.113.7", visitorRequestsPerMinute), visitorRequestsPerMinute);
  assert.equal(visit("203.0.113.8", visitorRequestsPerMinute), visitorRequestsPerMinute);
  for (let n = 0; n < 9_999; n++) visit(`10.0.${n >> 8}.${n & 255}`, 1);
  assert.equal(visit("203.0.113.8", 1), 0);
  assert.equal(visit("203.0.113.7", 500), visitorRequestsPerMinute, "forgotten: whole again");
});
