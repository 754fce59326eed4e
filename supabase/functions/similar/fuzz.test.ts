import { after, test } from "node:test";
import fc from "fast-check";
import { testDatabase } from "../../../db/testing.ts";
import { post, privatePost } from "../../../testing/community.ts";
import { fuzz, mostly } from "../../../testing/fuzz.ts";
import { similarFunction } from "./handler.ts";

const database = await testDatabase({ after }, "similar_fuzz");

test("whatever similar is sent, it answers as it says it does", async () => {
  const body = fc.record(
    {
      find: mostly(
        fc.constantFrom("posts", "people", "reach", "people_to_follow", "topics_to_follow", "groups_to_follow"),
      ),
      post_id: mostly(fc.oneof(fc.integer({ min: 1, max: 40 }).map(post), fc.constant(privatePost), fc.uuid())),
      limit: mostly(fc.integer({ min: 1, max: 100 })),
    },
    { requiredKeys: [] },
  );
  await fuzz({ after }, database, similarFunction, {
    body,
    parameters: [],
    writes: ["recsys_engine.rate_limits", "recsys_engine.similar_people"],
    statuses: [200, 400, 401, 404, 405],
  });
});
