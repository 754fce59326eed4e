import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { testDatabase } from "../../../db/testing.ts";
import { fuzz, mostly } from "../testing-fuzz.ts";
import { recommendFunction } from "./handler.ts";

const database = await testDatabase({ after }, "recommend_fuzz");

test("whatever recommend is sent, it answers as it says it does", async () => {
  const body = fc.record(
    { limit: mostly(fc.integer({ min: 1, max: 100 })), mode: mostly(fc.constantFrom("live", "batch")) },
    { requiredKeys: [] },
  );
  const statuses = await fuzz({ after }, database, recommendFunction, {
    body,
    writes: ["recsys.impressions", "recsys.rate_limits"],
  });
  for (const status of [200, 400, 401, 404, 405]) assert.ok(statuses.get(status), `${status} is among the answers`);
});
