import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fuzz, nasty } from "../../../testing/fuzz.ts";
import { embedFunction } from "./handler.ts";

const database = await testDatabase({ after }, "embed_fuzz");

test("whatever embed is sent, it answers as it says it does", async () => {
  const writes = [
    "recsys_engine.embedding_jobs",
    "recsys_engine.embedding_changes",
    "recsys.post_embeddings",
    "recsys.user_embeddings",
  ];
  await fuzz({ after }, database, embedFunction, { body: nasty, writes, statuses: [200, 401, 404, 405] });
});
