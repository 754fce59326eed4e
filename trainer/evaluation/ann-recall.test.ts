import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../db/testing.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { Random } from "../models/nn/random.ts";
import { annRecall, recallsOf } from "./ann-recall.ts";

const database = await testDatabase({ after }, "ann_recall");

test("recall by hand: similarities 4, 3, 3, 1; equal ones count alike, the order in which they were found does not count", () => {
  const vector = new Float32Array(dimensions);
  vector[0] = 1;
  const posts = new Float32Array(4 * dimensions);
  for (const [post, similarity] of [3, 1, 4, 3].entries()) posts[post * dimensions] = similarity;
  assert.deepEqual(recallsOf(vector, posts, [0, 2], [1, 2, 3, 4]), [1, 1, 2 / 3, 0.5]);
  assert.deepEqual(recallsOf(vector, posts, [3, 1], [1, 2, 4]), [0, 0.5, 0.5]);
});

test("the index brings nearly what exact search brings, and nothing stays in the database", async () => {
  const random = new Random(1);
  const vectors = (count: number) => Float32Array.from({ length: count * dimensions }, () => random.normal());
  const users = Array.from({ length: 20 }, () => vectors(1));
  const found = await annRecall(database, vectors(3000), users);
  assert.deepEqual([found.posts, found.users], [3000, 20]);
  assert.deepEqual(
    found.recall.map(({ k }) => k),
    [20, 100],
  );
  for (const { k, mean } of found.recall) assert.ok(mean > 0.8 && mean <= 1, `recall@${k} ${mean}`);
  const { rows } = await database.pool.query(
    "select to_regclass('ann_posts') as left_over, current_setting('hnsw.ef_search', true) as ef",
  );
  assert.equal(rows[0].left_over, null);
  assert.notEqual(rows[0].ef, "200");
});
