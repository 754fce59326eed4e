import assert from "node:assert/strict";
import { test } from "node:test";
import { type Source, sourceNames } from "../features/retrieval.ts";
import { bestSource } from "./reasons.ts";

const none = Object.fromEntries(sourceNames.map((source) => [source, null])) as Record<Source, null>;

test("the source that ranks a post best is its source", () => {
  assert.equal(bestSource({ ...none, active: 7, fresh: 3, similar: 120 }), "fresh");
  assert.equal(bestSource({ ...none, trending: 9 }), "trending");
});

test("of equal ranks the one that says more wins", () => {
  assert.equal(bestSource({ ...none, similar: 1, active: 1, fresh: 1, trending: 1, followed: 1 }), "similar");
  assert.equal(bestSource({ ...none, active: 2, fresh: 2, trending: 2, followed: 2 }), "followed");
  assert.equal(bestSource({ ...none, active: 4, fresh: 4 }), "active");
});
