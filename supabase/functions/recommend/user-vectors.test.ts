/** A user's own vector at work: in feeds, in lists made ahead, in drafts of two models, and in what a shadow says. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eitherDatabase } from "../../../db/testing.ts";
import { publishRandomModel, standingCommunity } from "../../../testing/batch.ts";
import { isFull } from "../../../testing/courses.ts";
import { embedAll, queue, vectorOf } from "../../../testing/embed.ts";
import { wordTowers } from "../../../testing/towers.ts";
import { runBatch } from "../../../trainer/batch/run-batch.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import { vectorInputs, vectorWidth } from "../_shared/features/text-vector.ts";
import { testApp } from "./testing.ts";

const database = await eitherDatabase({ after }, "user_vectors");
const { pool, url } = database;
const app = testApp({ after }, url);
/** What it shows counts for nothing. */
const preview = testApp({ after }, url, { preview: true });
const random = new Random(1);
const someVector = () => Array.from({ length: vectorWidth }, () => random.normal());
let reads: number;
let words: number;
/** The first fifteen have a vector. */
let users: string[];

before(async () => {
  await standingCommunity(database, { users: 40, posts: isFull ? 400 : 250, days: 30 });
  await pool.query("update recsys.settings set trial_place = 0, requests_per_minute = null, drawn_share = 0");
  // its components are the vector at length 1
  const weights = new Float32Array(vectorWidth * vectorInputs);
  for (let d = 0; d < vectorWidth; d++) weights[d * vectorInputs + 1 + d] = 1;
  await pool.query(
    "insert into recsys_engine.vector_bases (basis_id, encoder, dimension, weights) values ('as it is', 'letters', $1, $2)",
    [vectorWidth, Buffer.from(weights.buffer)],
  );
  const { rows } = await pool.query("select user_id as id from recsys.source_users order by 1");
  users = rows.map(({ id }) => id);
  for (const user of users.slice(0, 15))
    await pool.query("insert into recsys_engine.raw_user_vectors values ($1, 'letters', $2)", [user, someVector()]);
  words = await publishRandomModel(database, "words");
  const spec = { basis: "as it is", encoder: "letters", dimension: vectorWidth, users: true } as const;
  reads = await publishRandomModel(database, "reads", 1, { towers: wordTowers(1, 0.1, 30), vectors: spec });
  await embedAll(database);
});

/** The posts that a user is shown, and their scores. */
async function feedOf(user: string): Promise<Map<string, number>> {
  let { body } = await preview.call(user, { limit: 75 });
  // a first feed on a busy machine takes longer than its steps are given
  for (let more = 0; body.degraded && more < 5; more++) ({ body } = await preview.call(user, { limit: 75 }));
  assert.equal(body.degraded ?? null, null);
  return new Map(body.items.map(({ post_id, score }) => [post_id, score]));
}

/** The largest relative difference of scores of posts that both have. */
function apart(one: Map<string, number>, other: Map<string, number>): number {
  const both = [...one].filter(([post]) => other.has(post));
  assert.ok(both.length > 4, `${both.length} posts in both`);
  return Math.max(...both.map(([post, score]) => Math.abs(score - (other.get(post) as number)) / score));
}

test("lists made ahead are the feeds, of those with a vector and of those without", async () => {
  const feeds = new Map<string, Map<string, number>>();
  // one after another: a busy machine rejects too many requests at once
  for (const user of users.filter((_, i) => isFull || i % 4 === 0)) feeds.set(user, await feedOf(user));
  await runBatch({ database, onProgress: () => {}, signal: new AbortController().signal });
  const { rows } = await pool.query("select user_id, post_ids, scores from recsys.batch_recommendations");
  assert.ok(rows.length > 15, `${rows.length} lists`);
  const asked = rows.filter(({ user_id }) => feeds.has(user_id));
  assert.ok(
    asked.some(({ user_id }) => users.indexOf(user_id) < 15) &&
      asked.some(({ user_id }) => users.indexOf(user_id) >= 15),
  );
  for (const { user_id, post_ids, scores } of asked) {
    const list = new Map<string, number>(post_ids.map((post: string, i: number) => [post, scores[i]]));
    assert.ok(apart(list, feeds.get(user_id) ?? assert.fail()) < 0.01, user_id);
  }
});

test("a vector that changes, goes or comes is felt by the next feed, once its user was embedded again", async () => {
  const [changed, , other] = users;
  const before = await feedOf(changed);
  const earlier = await vectorOf(pool, "user", changed, reads);
  const { rows } = await pool.query("select vector from recsys_engine.raw_user_vectors where user_id = $1", [changed]);
  const keep = () =>
    pool.query("update recsys_engine.raw_user_vectors set vector = $2 where user_id = $1", [changed, rows[0].vector]);
  for (const change of [
    () =>
      pool.query(
        "update recsys_engine.raw_user_vectors set vector = (select vector from recsys_engine.raw_user_vectors where user_id = $2) where user_id = $1",
        [changed, other],
      ),
    () => pool.query("delete from recsys_engine.raw_user_vectors where user_id = $1", [changed]),
  ]) {
    await change();
    assert.deepEqual(await queue(pool), [`user ${changed}`]);
    assert.deepEqual(await embedAll(database), { completed: 1, failed: 0 });
    assert.ok(apart(before, await feedOf(changed)) > 0.01);
    assert.notDeepEqual(await vectorOf(pool, "user", changed, reads), earlier);
  }
  await keep();
  await pool.query("insert into recsys_engine.raw_user_vectors values ($1, 'letters', $2)", [changed, rows[0].vector]);
  await embedAll(database);
  assert.ok(apart(before, await feedOf(changed)) < 1e-5);
  const again = await vectorOf(pool, "user", changed, reads);
  assert.ok(again?.every((value, d) => Math.abs(value - (earlier as number[])[d]) < 1e-5));
});

test("a second model of drafts, and a shadow, read it by their own basis, also where it changes while another serves", async () => {
  const [user, , other] = users;
  const serve = async (model: number) => {
    await pool.query("select recsys.activate_model($1)", [model]);
    await embedAll(database);
    return await feedOf(user);
  };
  const before = await feedOf(user);
  const byWords = await serve(words);
  assert.ok(apart(before, byWords) > 0.01);
  await pool.query("select recsys.start_experiment('drafted', $1)", [
    JSON.stringify([{ name: "both", share: 1, interleave_with: "reads" }]),
  ]);
  // what was shown is not shown again, and whatever is left ranks otherwise
  const unsee = () => pool.query("delete from recsys.impressions");
  /** What the second model picks for a page, and its scores. */
  const picks = async () => {
    await unsee();
    const { body } = await app.call(user, { limit: 12 });
    await app.settled();
    const { rows } = await pool.query<{ post_id: string; score: number }>(
      "select post_id, score from recsys.impressions where request_id = $1 and team = 2",
      [body.request_id],
    );
    assert.equal(rows.length, 6);
    return new Map(rows.map(({ post_id, score }) => [post_id, score]));
  };
  const first = await picks();
  assert.ok(apart(first, before) < 0.01, "its picks have the scores that it gives alone");
  await pool.query(
    "update recsys_engine.raw_user_vectors set vector = (select vector from recsys_engine.raw_user_vectors where user_id = $2) where user_id = $1",
    [user, other],
  );
  await embedAll(database);
  const second = await picks();
  await pool.query("select recsys.stop_experiment('drafted'), recsys.start_shadow('reads', 1)");
  /** What the shadow says of the candidates that the model which serves found. */
  const shadowed = async () => {
    await unsee();
    const { body } = await app.call(user, { limit: 20 });
    await app.settled();
    const { rows } = await pool.query<{ post_id: string; score: number }>(
      "select post_id, score from recsys_engine.shadow_impressions where request_id = $1 and score is not null",
      [body.request_id],
    );
    return new Map(rows.map(({ post_id, score }) => [post_id, score]));
  };
  const said = await shadowed();
  assert.ok(apart(said, await shadowed()) < 1e-5);
  await pool.query("delete from recsys_engine.raw_user_vectors where user_id = $1", [user]);
  await embedAll(database);
  assert.ok(apart(said, await shadowed()) > 0.01);
  await pool.query(
    "insert into recsys_engine.raw_user_vectors select $1, encoder, vector from recsys_engine.raw_user_vectors where user_id = $2",
    [user, other],
  );
  await embedAll(database);
  assert.ok(apart(said, await shadowed()) < 1e-5);
  await pool.query("select recsys.stop_shadow('reads')");
  await unsee();
  assert.ok(apart(byWords, await feedOf(user)) < 1e-5, "the model that serves reads no vectors");
  const now = await serve(reads);
  assert.ok(apart(second, now) < 0.01);
  assert.ok(apart(before, now) > 0.01);
});

test("who wants no personalisation has no components any more, and nobody reads those of others", async () => {
  const [user, other] = users;
  const client = await pool.connect();
  try {
    await client.query("begin; set local role authenticated");
    await client.query("select set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ sub: user, role: "authenticated" }),
    ]);
    const { rows } = await client.query("select user_id from recsys_engine.reduced_user_vectors");
    assert.deepEqual(rows, [{ user_id: user }]);
    const asked = await client.query("select recsys_engine.user_components($1, $2) as components", [other, reads]);
    assert.deepEqual(asked.rows, [{ components: null }]);
  } finally {
    await client.query("rollback");
    client.release();
  }
  await pool.query("insert into public.preferences (user_id, kind, value) values ($1, 'feed', 'impersonal')", [user]);
  await pool.query("select recsys_engine.enqueue_embedding_jobs('user', array[$1::uuid])", [user]);
  await embedAll(database);
  const { rows } = await pool.query("select from recsys_engine.reduced_user_vectors where user_id = $1", [user]);
  assert.deepEqual(rows, []);
  const missing = await pool.query("select id from recsys_engine.missing_vectors('user', 'as it is', $1, 100)", [
    "00000000-0000-0000-0000-000000000000",
  ]);
  assert.deepEqual(missing.rows, []);
});
