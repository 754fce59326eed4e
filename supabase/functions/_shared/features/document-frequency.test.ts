import assert from "node:assert/strict";
import { test } from "node:test";
import { mostCounted } from "./document-frequency.ts";

test("four times the mean of those that have any", () => {
  assert.equal(mostCounted([1, 2, 3]), 8);
  assert.equal(mostCounted([0, 1, 0, 2, 3]), 8);
});

test("where none has any, none counts, and one alone does", () => {
  assert.equal(mostCounted([]), 0);
  assert.equal(mostCounted([0, 0]), 0);
  assert.ok(mostCounted([500]) >= 500);
});
