import assert from "node:assert/strict";
import { test } from "node:test";
import { sayAge } from "./format.ts";

const second = 1000;
const day = 86_400 * second;
for (const [milliseconds, said] of [
  [-day, "just now"],
  [0, "just now"],
  [59.9 * second, "just now"],
  [60 * second, "1 minute ago"],
  [3599 * second, "59 minutes ago"],
  [3600 * second, "1 hour ago"],
  [day - 1, "23 hours ago"],
  [6.9 * day, "6 days ago"],
  [13 * day, "1 week ago"],
  [31 * day, "1 month ago"],
  [364 * day, "12 months ago"],
  [900 * day, "2 years ago"],
] as const)
  test(`${milliseconds} ms are “${said}”`, () => assert.equal(sayAge(milliseconds), said));
