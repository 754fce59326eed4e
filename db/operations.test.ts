/** The SQL of docs/operations.md runs as it stands, in its order, and gives the columns that the document shows. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fillCommunity, people, post, publishTinyModel } from "../testing/community.ts";
import { createReverseScope } from "./testing.ts";
import { cronDatabase, withoutCluster } from "./testing-cluster.ts";
import { runBlock, sqlBlocks } from "./testing-documents.ts";

const noCluster = await withoutCluster();

const text = await readFile(new URL("../docs/operations.md", import.meta.url), "utf8");

const blocks = sqlBlocks(text);

test("the SQL of docs/operations.md", { skip: noCluster }, async (t) => {
  const scope = createReverseScope(t);
  const { pool } = await cronDatabase(scope);
  await fillCommunity(pool);
  const model = await publishTinyModel(pool, { name: "tiny" });
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, model_id, features)
     values (gen_random_uuid(), $1, $2, 1, now(), $3, array_fill(0, array[100]))`,
    [people.ada, post(4), model],
  );
  // the people and posts that the document names, with vectors
  const [, user, shown] =
    /explain\('([0-9a-f-]{36})', '([0-9a-f-]{36})'\)/.exec(text) ?? assert.fail("it explains a feed");
  await pool.query("update public.posts set id = $1 where id = $2", [shown, post(6)]);
  await pool.query("update public.profiles set id = $1 where id = $2", [user, people.eve]);
  await pool.query("update recsys.post_embeddings set post_id = $1 where post_id = $2", [shown, post(6)]);
  await pool.query(
    `insert into recsys.user_embeddings (model_id, user_id, embedding)
     select $1, id, (array[1] || array_fill(0, array[31]))::extensions.vector from public.profiles`,
    [model],
  );

  assert.ok(blocks.filter(({ output }) => output !== undefined).length >= 12, "blocks with their output are found");
  for (const block of blocks) await t.test(block.sql.trim().split("\n")[0], () => runBlock(pool, block));
});
