/** What the ranker is told in serving of the posts' own vectors is what it was told in training. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { parseVector } from "../../../supabase/functions/_shared/database/vectors.ts";
import type { Feeds } from "../../../supabase/functions/_shared/features/tensors.ts";
import { vectorMatches } from "../../../supabase/functions/_shared/features/vector-match.ts";
import { loadRuntime, type Runtime } from "../../../supabase/functions/_shared/models/inference.ts";
import { testApp } from "../../../supabase/functions/recommend/testing.ts";
import { embedAll } from "../../../testing/embed.ts";
import { assertClose } from "../../../testing/onnx/assert-close.ts";
import { readModelFolder } from "../../artifacts/model-folder/model-folder.ts";
import { startBackend } from "../../models/nn/backend.ts";
import { publish } from "../../release/publish/publish.ts";
import { fillSmallCommunity, temporaryFolder } from "../../testing.ts";
import { trainIntoFolder } from "../../train-into-folder.ts";
import { quickConfig } from "../../training/config/testing.ts";
import { fillArticleVectors, watchArticleVectors } from "./testing.ts";

before(async () => {
  await startBackend();
});

/** The runtime, which writes down what rankers are fed. */
async function noted(fed: Feeds[]): Promise<Runtime> {
  const runtime = await loadRuntime();
  return {
    ...runtime,
    createSession: async (onnx) => {
      const session = await runtime.createSession(onnx);
      if (!session.inputNames.includes("pair_features")) return session;
      return {
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        run: async (feeds) => {
          fed.push(feeds);
          return await session.run(feeds);
        },
      };
    },
  };
}

test("a feed tells the ranker how near each post's own vector is to the reader's history", async (t) => {
  const database = await testDatabase(t, "vector_match");
  const { pool, url } = database;
  await fillSmallCommunity(database);
  await watchArticleVectors(pool);
  await fillArticleVectors(pool, "letters-1");
  const folder = await temporaryFolder(t);
  const context = { database, onProgress: () => {}, signal: new AbortController().signal, print: () => {} };
  const path = await trainIntoFolder(context, { seed: 1, parent: folder, config: quickConfig });
  const modelId = await publish(database, await readModelFolder(path), { activate: true });
  await embedAll(database);

  const { rows: posts } = await pool.query(
    "select post_id, embedding::text, components::text from recsys.post_embeddings left join recsys_engine.reduced_vectors using (post_id) where model_id = $1",
    [modelId],
  );
  const componentsOf = new Map(
    posts.map(({ post_id, components }) => [post_id, components && parseVector(components)]),
  );
  const idOf = new Map(
    posts.map(({ post_id, embedding }) => [Float32Array.from(parseVector(embedding)).join(), post_id]),
  );
  const { rows: people } = await pool.query(
    "select user_id from recsys.source_interactions group by user_id order by count(*) desc limit 3",
  );
  const fed: Feeds[] = [];
  const app = testApp(t, url, { runtime: () => noted(fed) });
  for (const { user_id } of people) {
    fed.length = 0;
    const { status } = await app.call(user_id, { limit: 5 });
    assert.equal(status, 200);
    const { rows } = await pool.query("select history_posts from recsys_engine.user_context($1, $2, recsys.clock())", [
      user_id,
      modelId,
    ]);
    const history = rows[0].history_posts.map((id: string) => componentsOf.get(id) ?? null);
    assert.ok(history.length > 3);
    const [{ posts: vectors, vector_match }] = fed;
    const candidates = Array.from({ length: vectors.dims[0] }, (_, i) =>
      idOf.get(Float32Array.from(vectors.data.slice(32 * i, 32 * (i + 1)), Number).join()),
    );
    assert.ok(candidates.length > 20 && candidates.every((id) => id !== undefined));
    const expected = vectorMatches(
      history,
      candidates.map((id) => componentsOf.get(id) ?? null),
    );
    assertClose(Float32Array.from(vector_match.data, Number), expected, 1e-6, "matches");
    assert.ok(expected.some((value) => value > 0.1 && value < 1));
  }
});
