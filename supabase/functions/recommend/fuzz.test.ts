import { after, test } from "node:test";
import fc from "fast-check";
import { testDatabase } from "../../../db/testing.ts";
import { people } from "../../../testing/community.ts";
import { fuzz, mostly } from "../../../testing/fuzz.ts";
import { cursorAfter } from "../_shared/recommend/request/cursor.ts";
import { recommendFunction } from "./handler.ts";

const database = await testDatabase({ after }, "recommend_fuzz");

test("whatever recommend is sent, it answers as it says it does", async () => {
  const filter = fc.record(
    {
      tags: mostly(fc.array(mostly(fc.string({ minLength: 1, maxLength: 100, unit: "binary" })), { minLength: 1 })),
      author_ids: mostly(fc.array(mostly(fc.constantFrom(people.author, people.eve)), { minLength: 1 })),
      max_age_days: mostly(fc.integer({ min: 1, max: 36_500 })),
      languages: mostly(fc.array(mostly(fc.constantFrom("en", "PT-br")), { minLength: 1 })),
    },
    { requiredKeys: [] },
  );
  const body = fc.record(
    {
      limit: mostly(fc.integer({ min: 1, max: 100 })),
      mode: mostly(fc.constantFrom("live", "batch")),
      after: mostly(fc.constant(cursorAfter({ seed: 1n, keys: [], folded: 0 }, [1, 4294967295]))),
      filter: mostly(filter),
      interests: mostly(
        fc.array(mostly(fc.string({ minLength: 1, maxLength: 100, unit: "binary" })), { maxLength: 20 }),
      ),
    },
    { requiredKeys: [] },
  );
  await fuzz({ after }, database, recommendFunction, {
    body,
    parameters: ["after", "filter", "interests"],
    writes: [
      "recsys.impressions",
      "recsys_engine.rate_limits",
      "recsys_engine.exploration_impressions",
      "recsys_engine.user_days",
    ],
    statuses: [200, 400, 401, 404, 405],
  });
});
