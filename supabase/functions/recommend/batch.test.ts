/** The list made ahead, as it is served: what may be shown now. fallbacks.test.ts says when it stands in for the live feed. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, publishTinyModel, uuid } from "../../../testing/community.ts";
import { runBatch } from "../../../trainer/batch/run-batch.ts";
import { testApp } from "./testing.ts";

const database = await testDatabase({ after }, "recommend_batch");
const { pool, url } = database;
let model: number;

async function makeLists(): Promise<void> {
  await runBatch({ database, onProgress: () => {}, signal: new AbortController().signal });
}

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
  // ben looked in, eve did not
  await pool.query("insert into public.logins (user_id) values ($1)", [people.ben]);
  model = await publishTinyModel(pool, { name: "tiny" });
  await makeLists();
});

const ids = (items: { post_id: string }[]) => items.map(({ post_id }) => post_id);

test("mode batch serves the list, says so, and logs impressions that say so", async (t) => {
  const app = testApp(t, url);
  const live = await app.call(people.ada, { limit: 10 });
  // what happened since changes the live feed and not the list
  await pool.query("insert into public.post_votes (user_id, post_id) values ($1, $2)", [people.ada, post(1)]);
  const { status, body } = await app.call(people.ada, { limit: 10, mode: "batch" });
  assert.equal(status, 200);
  assert.deepEqual([body.mode, live.body.mode], ["batch", "live"]);
  assert.deepEqual(body.model, { id: model, name: "tiny" });
  assert.equal(body.basis, "history");
  assert.deepEqual(ids(body.items), ids(live.body.items));
  const { rows } = await pool.query("select as_of from recsys_engine.batch_runs");
  assert.equal(body.made_at, rows[0].as_of.toISOString());
  const [first] = body.items;
  assert.equal(first.title, `Post ${Number(first.post_id.slice(-2))}`);
  assert.deepEqual([first.position, first.source], [1, live.body.items[0].source]);
  assert.ok(first.predictions && Math.abs(first.predictions.vote - (live.body.items[0].predictions?.vote ?? 0)) < 1e-6);
  await app.settled();
  const { rows: shown } = await pool.query(
    "select mode, request_id, post_id, source, model_id::int from recsys.impressions where mode = 'batch' order by position",
  );
  assert.deepEqual(
    shown,
    body.items.map(({ post_id, source }) => ({
      mode: "batch",
      request_id: body.request_id,
      post_id,
      source,
      model_id: model,
    })),
  );
  const query = await app.request("/recommend?limit=3&mode=batch", {
    headers: { authorization: `Bearer ${people.ada}` },
  });
  assert.deepEqual(ids((await query.json()).items), ids(body.items).slice(0, 3));
});

test("what is seen, dismissed, hidden or deleted since is left out, and made up for", async (t) => {
  const app = testApp(t, url);
  const asked = { limit: 5, mode: "batch" };
  const [viewed, against, dismissed, hidden, gone, shown, ...rest] = ids(
    (await app.call(people.ada, { limit: 11, mode: "batch" })).body.items,
  );
  await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [people.ada, viewed]);
  await pool.query("insert into public.post_votes (user_id, post_id, value) values ($1, $2, -1)", [
    people.ada,
    against,
  ]);
  await pool.query("insert into recsys.dismissals (user_id, post_id, created_at) values ($1, $2, recsys.clock())", [
    people.ada,
    dismissed,
  ]);
  await pool.query("update public.posts set visibility = 'private' where id = $1", [hidden]);
  await pool.query("delete from public.posts where id = $1", [gone]);
  await app.settled();
  await pool.query("update recsys.impressions set seen_at = recsys.clock() where user_id = $1 and post_id = $2", [
    people.ada,
    shown,
  ]);
  const { body } = await app.call(people.ada, asked);
  assert.deepEqual(ids(body.items), rest);
  assert.deepEqual(
    body.items.map(({ position }) => position),
    [1, 2, 3, 4, 5],
  );
});

test("what is erased is in no list, and the lists keep their order", async (t) => {
  const app = testApp(t, url);
  const asked = { limit: 10, mode: "batch" };
  const [first, ...rest] = ids((await app.call(people.ada, asked)).body.items);
  await pool.query("select recsys_engine.begin_batch_run()");
  await pool.query("select recsys_engine.erase_entities('user', $1)", [[people.ben]]);
  await pool.query("select recsys_engine.erase_entities('post', $1)", [[first]]);
  const { body } = await app.call(people.ada, { ...asked, limit: 9 });
  assert.deepEqual([body.mode, ids(body.items)], ["batch", rest]);
  const { rows } = await pool.query(
    `select (select string_agg(lists::text, '') from recsys.batch_recommendations as lists) as lists,
       (select string_agg(pages::text, '') from recsys_engine.batch_pages as pages) as pages`,
  );
  for (const id of [people.ben, first]) assert.ok(!`${rows[0].lists}${rows[0].pages}`.includes(id), id);
  assert.ok(rows[0].pages.includes(people.ada));
});

test("a post that is written under the id of a deleted one takes no place of its in a list", async (t) => {
  const app = testApp(t, url);
  const asked = { limit: 10, mode: "batch" };
  const [first, second, ...rest] = ids((await app.call(people.ada, asked)).body.items);
  await pool.query("delete from public.posts where id = any ($1)", [[first, second]]);
  await pool.query(
    `insert into public.posts (id, author_id, title, created_at)
     values ($1, $3, 'Taken over', now() - interval '2 days'), ($2, $3, 'And this', now())`,
    [first, second, people.ben],
  );
  const left = async () => ids((await app.call(people.ada, { ...asked, limit: 8 })).body.items);
  assert.deepEqual(await left(), rest, "dated back or not");
  await pool.query("select recsys.erase()");
  assert.deepEqual(await left(), rest);
  await pool.query(
    "update recsys.erasures set deleted_at = deleted_at - interval '3 days' where entity_id = any ($1)",
    [[first, second]],
  );
  await pool.query("select recsys.erase()");
  assert.equal(
    (await pool.query("select from recsys.erasures where entity_id = any ($1)", [[first, second]])).rowCount,
    0,
  );
  assert.deepEqual(await left(), rest, "also when the deletion is forgotten");
});

test("nobody reads the list of another", async () => {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ sub: people.ben, role: "authenticated" }),
    ]);
    const { rows } = await client.query("select user_id from recsys.batch_recommendations");
    assert.deepEqual(rows, [{ user_id: people.ben }]);
    const { rowCount } = await client.query("select from recsys_engine.batch_feed($1, 50)", [people.ada]);
    assert.equal(rowCount, 0);
    await assert.rejects(client.query("select user_ids from recsys_engine.batch_pages"), /permission denied/);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("without a list, or when nothing is left of it, the feed is live", async (t) => {
  const app = testApp(t, url);
  const eve = await app.call(people.eve, { mode: "batch" });
  assert.deepEqual([eve.status, eve.body.mode, eve.body.items.length], [200, "live", 20]);
  await pool.query(
    "update recsys.batch_recommendations set post_ids = array_fill(null::uuid, array[cardinality(post_ids)])",
  );
  const ben = await app.call(people.ben, { mode: "batch" });
  assert.deepEqual([ben.status, ben.body.mode, ben.body.items.length], [200, "live", 20]);
  const stranger = await app.call(uuid("e", 9), { mode: "batch" });
  assert.deepEqual([stranger.status, stranger.body.error?.code], [404, "unknown_user"]);
});
