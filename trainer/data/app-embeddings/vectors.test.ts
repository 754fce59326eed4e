/** An app's own vectors, from its table to what serves. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { assertNear, embedAll, queue, vectorOf } from "../../../testing/embed.ts";
import { readModelFolder } from "../../artifacts/model-folder/model-folder.ts";
import { startBackend } from "../../models/nn/backend.ts";
import { publish } from "../../release/publish/publish.ts";
import { fillSmallCommunity, temporaryFolder } from "../../testing.ts";
import { trainIntoFolder } from "../../train-into-folder.ts";
import { quickConfig } from "../../training/config/testing.ts";
import { readWarmStart } from "../../warm-start.ts";
import { type PreparedVectors, preparedVectors, prepareVectors, vectorSpecOf } from "./prepare-vectors.ts";
import { fillArticleVectors, watchArticleVectors } from "./testing.ts";

before(async () => {
  await startBackend();
});

const quiet = () => {};

test("vectors of an app's own table are trained on, served, and followed when they change", async (t) => {
  const database = await testDatabase(t, "vectors");
  const { pool } = database;
  await fillSmallCommunity(database);
  assert.equal(await prepareVectors(pool, quiet), undefined, "no table has any");
  await watchArticleVectors(pool);
  await fillArticleVectors(pool, "letters-1");
  const prepared = await prepareVectors(pool, quiet);
  assert.deepEqual([prepared?.basis.encoder, prepared?.basis.dimension, prepared?.share], ["letters-1", 24, 0.95]);

  const folder = await temporaryFolder(t);
  const printed: string[] = [];
  const context = {
    database,
    onProgress: quiet,
    signal: new AbortController().signal,
    print: (line: string) => void printed.push(line),
  };
  const path = await trainIntoFolder(context, { seed: 1, config: quickConfig, parent: folder });
  assert.ok(printed.includes("95 % of posts have a vector by letters-1 (24 numbers), which the post tower reads"));
  const trained = await readModelFolder(path);
  assert.deepEqual(trained.vectors, { basis: prepared?.basis.id, encoder: "letters-1", dimension: 24 });
  const model = await publish(database, trained, { activate: true });
  await embedAll(database);

  // by hand, one of each: changed, gone, come
  const { rows } = await pool.query("select id from public.posts order by created_at, id");
  const [late, gone, changed] = [rows[0].id, rows[20].id, rows[30].id];
  const before = await Promise.all([late, gone, changed].map((post) => vectorOf(pool, "post", post, model)));
  await pool.query(
    "update public.article_vectors set embedding = (select embedding from public.article_vectors where post_id = $2) where post_id = $1",
    [changed, rows[40].id],
  );
  await pool.query("delete from public.article_vectors where post_id = $1", [gone]);
  await pool.query(
    "insert into public.article_vectors select $1, model, embedding from public.article_vectors where post_id = $2",
    [late, rows[50].id],
  );
  assert.deepEqual(await queue(pool), [late, gone, changed].map((post) => `post ${post}`).sort());
  assert.deepEqual(await embedAll(database), { completed: 3, failed: 0 });
  const again = await publish(database, { ...trained, name: "again" }, { activate: false });
  for (const [i, post] of [late, gone, changed].entries()) {
    const vector = await vectorOf(pool, "post", post, model);
    assert.notDeepEqual(vector, before[i]);
    assertNear(vector, await vectorOf(pool, "post", post, again), `post ${i}: as a publish has it`);
  }

  await pool.query("update public.article_vectors set model = 'letters-2'");
  const other = await prepareVectors(pool, quiet);
  assert.equal(other?.basis.encoder, "letters-2");
  assert.match(
    String(await readWarmStart(database, quickConfig, vectorSpecOf(other as PreparedVectors))),
    /^model .* reads other vectors of posts, and there are those by letters-2$/,
  );
  assert.match(
    String(await readWarmStart(database, quickConfig)),
    /reads other vectors of posts, and there are none to go on with$/,
  );
  assert.equal(
    typeof (await readWarmStart(database, quickConfig, vectorSpecOf(prepared as PreparedVectors))),
    "object",
  );
  // as of a training that found no more with them
  await pool.query(
    "update recsys.models set feature_spec = feature_spec - 'vectors', metrics = metrics || jsonb_build_object('without_vectors', jsonb_build_object('basis', $1::text, 'of', 'all')) where status = 'active'",
    [prepared?.basis.id],
  );
  const spec = vectorSpecOf(prepared as PreparedVectors);
  assert.equal(typeof (await readWarmStart(database, quickConfig, spec)), "object");
  assert.match(
    String(await readWarmStart(database, quickConfig, { ...spec, basis: "beef" })),
    /reads no vectors of posts/,
  );
  await pool.query("delete from recsys_engine.vector_bases");
  await assert.rejects(
    publish(database, { ...trained, name: "late" }, { activate: false }),
    /^UserError: model late reads vectors by a basis that this database does not have: train it here again$/,
  );
});

test("too few vectors, and those that say nothing, are as if there were none; an interrupted run goes on", async (t) => {
  const database = await testDatabase(t, "vectors");
  const { pool } = database;
  await fillSmallCommunity(database);
  await pool.query(
    "insert into recsys_engine.raw_vectors select id, 'few', array[1, random(), random()] from public.posts order by id limit 99",
  );
  assert.equal(await prepareVectors(pool, quiet), undefined);
  await pool.query(
    `insert into recsys_engine.raw_vectors select id, 'few', case when row_number() over (order by id) <= 20 then '{0,0,0}' else array[1, random(), random()] end
     from public.posts where id not in (select post_id from recsys_engine.raw_vectors)`,
  );
  await pool.query(
    "update recsys_engine.raw_vectors set vector = '{1,NaN,2}' where post_id in (select id from public.posts order by id limit 10)",
  );
  await pool.query(
    "update recsys_engine.raw_vectors set vector = '{1,2}' where post_id in (select id from public.posts order by id limit 10 offset 10)",
  );
  const first = await prepareVectors(pool, quiet);
  assert.equal(first?.share, 0.8);
  await pool.query(
    "delete from recsys_engine.reduced_vectors where post_id in (select post_id from recsys_engine.reduced_vectors limit 30)",
  );
  await pool.query("update recsys_engine.vector_bases set used_at = now() - interval '1 year'");
  const steps: number[] = [];
  const second = await prepareVectors(pool, ({ done }) => void steps.push(done));
  assert.deepEqual([second?.basis.id, second?.share], [first?.basis.id, 0.8]);
  assert.deepEqual(steps, [160], "what was reduced is not read again");
  const { rows } = await pool.query(
    "select used_at > now() - interval '1 hour' as lately from recsys_engine.vector_bases",
  );
  assert.deepEqual(rows, [{ lately: true }], "so it is kept for the model of this training");
  const known = vectorSpecOf(second as PreparedVectors);
  assert.deepEqual(await preparedVectors(pool, known, quiet), second);
  assert.equal(await preparedVectors(pool, null, quiet), undefined);
  await assert.rejects(preparedVectors(pool, { ...known, basis: "beef" }, quiet), {
    name: "UserError",
    message: "the basis of the vectors by few is not in this database any more: export and train again",
  });
  const stop = new AbortController();
  await pool.query("delete from recsys_engine.reduced_vectors");
  await assert.rejects(
    prepareVectors(pool, () => stop.abort(), { signal: stop.signal }).then(() =>
      prepareVectors(pool, quiet, { signal: stop.signal }),
    ),
    { name: "AbortError" },
  );
});
