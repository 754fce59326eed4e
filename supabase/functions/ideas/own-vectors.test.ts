/** Ideas by vectors of the app's own. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillForms, missing, publishTopics } from "../../../testing/ideas.ts";
import { openPool } from "../_shared/database/pool.ts";
import { type Feeds, float32 } from "../_shared/features/tensors.ts";
import { makeIdeaPool } from "../_shared/ideas/idea-pool.ts";
import { readIdeaSource } from "../_shared/ideas/read-idea-source.ts";
import type { InferenceSession } from "../_shared/models/inference.ts";

const { pool, url } = await testDatabase({ after }, "ideas_own_vectors");
const reading = openPool(url, () => undefined);
after(() => reading.end());

test("an idea lies where the vectors of its terms' posts are, by the basis of the model that serves and no other", async () => {
  await fillForms(pool);
  const model = await publishTopics(pool);
  const walked = 2;
  await pool.query(
    `insert into recsys_engine.vector_bases (basis_id, encoder, dimension, weights)
       select id, 'letters', 2, decode(repeat('00', 520), 'hex') from unnest('{read,other}'::text[]) as id on conflict do nothing;
     insert into recsys_engine.reduced_vectors (post_id, basis_id, components)
       select id, basis.name, array_fill(0::real, array[basis.at]) || 1::real || array_fill(0::real, array[63 - basis.at])
       from public.posts, (values ('read', ${walked}), ('other', 5)) as basis (name, at) where title like '%walk%'`,
  );
  const read = async () => {
    const source = await readIdeaSource(reading, model);
    return new Set(
      source.posts.map(
        ({ title, components }) => `${title.includes("walk")} ${components && Array.from(components).indexOf(1)}`,
      ),
    );
  };
  assert.deepEqual(await read(), new Set(["true null", "false null"]), "it reads none");
  await pool.query(
    `update recsys.models set feature_spec = feature_spec || '{"vectors": {"basis": "read", "encoder": "letters", "dimension": 2}}' where model_id = $1`,
    [model],
  );
  assert.deepEqual(await read(), new Set([`true ${walked}`, "false null"]));
  const fed: Feeds[] = [];
  const tower: InferenceSession = {
    inputNames: ["token_ids", "text_vector"],
    outputNames: ["embedding"],
    run: async (feeds) => {
      fed.push(feeds);
      const [count] = feeds.token_ids.dims;
      return {
        embedding: float32(
          Float32Array.from({ length: 32 * count }, (_, i) => (i % 32 === 0 ? 1 : 0)),
          [count, 32],
        ),
      };
    },
  };
  const { pool: made } = await makeIdeaPool(await readIdeaSource(reading, model), tower);
  assert.deepEqual(
    made.ideas.map(({ title }) => title),
    [missing],
  );
  const row = Array.from(fed[0].text_vector.data, Number);
  // "walk" and "night" stand in these posts alone, and Kyoto in none of them
  assert.ok(Math.abs(row[walked] - 1) < 1e-6 && row[64] === 1, `${row}`);
  assert.equal(row.reduce((sum, value) => sum + Math.abs(value), 0).toFixed(4), "2.0000");
  assert.equal((await readIdeaSource(reading, null)).posts.filter(({ components }) => components).length, 0);
});
