import { after, test } from "node:test";
import fc from "fast-check";
import { testDatabase } from "../../../db/testing.ts";
import { fuzz, mostly } from "../../../testing/fuzz.ts";
import { ideasFunction } from "./handler.ts";

const database = await testDatabase({ after }, "ideas_fuzz");

test("whatever ideas is sent, it answers as it says it does", async () => {
  const body = fc.record({ limit: mostly(fc.integer({ min: 1, max: 10 })) }, { requiredKeys: [] });
  await fuzz({ after }, database, ideasFunction, {
    body,
    parameters: [],
    writes: ["recsys_engine.rate_limits", "recsys_engine.idea_pool"],
    statuses: [200, 400, 401, 405],
  });
});
