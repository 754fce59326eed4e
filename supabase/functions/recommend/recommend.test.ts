import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { onBoth, testDatabase } from "../../../db/testing.ts";
import {
  clear,
  fillCommunity,
  people,
  post,
  privatePost,
  publishTinyModel,
  tinyGraphs,
  uuid,
} from "../../../testing/community.ts";
import { categories } from "../_shared/features/categories.ts";
import { pairFeatures, postFeatures, userFeatures } from "../_shared/features/ranker-features.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "recommend");
beforeEach(() => clear(pool));

test("without a model everyone gets what is fresh and popular, and is told so", async (t) => {
  await fillCommunity(pool);
  const app = testApp(t, url);
  const { status, body } = await app.call(people.ben, { limit: 6 });
  assert.equal(status, 200);
  assert.equal(body.model, null);
  assert.equal(body.basis, "community");
  // −log 5 − ¼ log 31 + 0.1 log 2 = −2.40: 30, voted for 4 hours ago, comes between 5 (−1¼ log 6 = −2.24) and 6 (−2.43)
  assert.deepEqual(
    body.items.map((item) => item.post_id),
    [1, 2, 3, 4, 5, 30].map(post),
  );
  assert.deepEqual(
    body.items.map((item) => item.position),
    [1, 2, 3, 4, 5, 6],
  );
  for (const item of body.items) {
    assert.equal(item.predictions, null);
    assert.ok(item.score > 0 && item.score < 1);
  }
  const [first] = body.items;
  assert.equal(first.title, "Post 1");
  assert.ok(Math.abs(Math.log(first.score / (1 - first.score)) + 1.25 * Math.log(2)) < 0.01);
  const order = body.items.map((item) => item.score);
  assert.deepEqual(
    order,
    order.toSorted((a, b) => b - a),
  );
});

onBoth("the model ranks by what the user did, and says what it expects", async (t, { pool, url }) => {
  await fillCommunity(pool);
  const id = await publishTinyModel(pool, { name: "tiny" });
  const app = testApp(t, url);
  const { status, body } = await app.call(people.ada, { limit: 100 });
  assert.equal(status, 200);
  assert.deepEqual(body.model, { id, name: "tiny" });
  assert.equal(body.basis, "history");
  // ada voted for even posts, so the even ones come first; her own votes and the private post are not there
  const even = body.items.slice(0, 13);
  assert.ok(even.every((item) => Number(item.post_id.slice(-2)) % 2 === 0));
  assert.equal(body.items.length, 28);
  const shown = body.items.map((item) => item.post_id);
  for (const unwanted of [post(28), post(30), privatePost]) assert.ok(!shown.includes(unwanted));
  // similarity 1 / √(1 + 0.01²), weights 0.2, 1, 1
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const s = 1 / Math.hypot(1, 0.01);
  const [{ predictions, score }] = even;
  assert.ok(predictions);
  for (const [p, expected] of [
    [predictions.view, sigmoid(s)],
    [predictions.vote, sigmoid(2 * s)],
    [predictions.comment, sigmoid(3 * s)],
    [score, 0.2 * sigmoid(s) + sigmoid(2 * s) + sigmoid(3 * s)],
  ])
    assert.ok(Math.abs(p - expected) < 1e-5, `${p} should be ${expected}`);
  assert.equal(even[0].source, "similar");
});

test("a profile alone is a basis, and so is nothing at all", async (t) => {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  const app = testApp(t, url);
  const ben = await app.call(people.ben);
  assert.equal(ben.body.basis, "profile");
  assert.equal(ben.body.items.length, 20);
  const eve = await app.call(people.eve);
  assert.equal(eve.body.basis, "community");
  assert.equal(eve.body.items.length, 20);
});

test("a vote committed a moment ago changes the next feed", async (t) => {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  const app = testApp(t, url);
  const before = await app.call(people.ben, { limit: 1 });
  assert.equal(Number(before.body.items[0].post_id.slice(-2)) % 2, 1, "the tiny model gives strangers odd posts");
  await pool.query("insert into public.post_votes (user_id, post_id) values ($1, $2)", [people.ben, post(6)]);
  const after = await app.call(people.ben, { limit: 100 });
  assert.equal(after.body.basis, "history");
  assert.equal(Number(after.body.items[0].post_id.slice(-2)) % 2, 0, "ben has voted for an even one");
  assert.ok(!after.body.items.some((item) => item.post_id === post(6)));
});

test("row level security decides what may be recommended", async (t) => {
  await fillCommunity(pool);
  await pool.query("update public.posts set author_id = $1 where id = $2", [people.ben, privatePost]);
  const app = testApp(t, url);
  for (const model of [null, "tiny"]) {
    if (model) await publishTinyModel(pool, { name: model });
    for (const [person, someone] of Object.entries(people)) {
      const { status, body } = await app.call(someone, { limit: 100 });
      assert.equal(status, 200);
      assert.ok(!body.items.some((item) => item.post_id === privatePost), `${person} is shown a private post`);
    }
  }
  // the policy is what hides it: once public, it is recommended
  await pool.query("update public.posts set visibility = 'public' where id = $1", [privatePost]);
  const { body } = await app.call(people.ada, { limit: 100 });
  assert.ok(body.items.some((item) => item.post_id === privatePost));
});

test("what was shown is logged as the user's own, after the answer", async (t) => {
  await fillCommunity(pool);
  const id = await publishTinyModel(pool, { name: "tiny" });
  const app = testApp(t, url);
  const { body } = await app.call(people.ada, { limit: 3 });
  await app.settled();
  const { rows } = await pool.query(
    `select request_id, user_id, post_id, position, score, source, model_id::int, features, degraded,
       view_probability as view, vote_probability as vote, comment_probability as comment
     from recsys.impressions order by position`,
  );
  const names = [...userFeatures, ...postFeatures, ...pairFeatures, ...categories.map(({ name }) => name)];
  for (const { features } of rows) {
    assert.equal(features.length, names.length);
    // 1 / √(1 + 0.01²): all three are about ada's topic
    assert.ok(Math.abs(features[names.indexOf("similarity")] - 0.99995) < 1e-5);
    assert.ok(Math.abs(features[names.indexOf("log_votes")] - Math.log(3)) < 1e-5, "the user's come first");
  }
  assert.deepEqual(
    rows.map(({ score, features: _, view, vote, comment, ...row }) => ({
      ...row,
      score: Number(score.toFixed(4)),
      predictions: [view, vote, comment].map((p) => p.toFixed(4)),
    })),
    body.items.map((item) => ({
      request_id: body.request_id,
      user_id: people.ada,
      post_id: item.post_id,
      position: item.position,
      source: item.source,
      model_id: id,
      degraded: null,
      score: Number(item.score.toFixed(4)),
      predictions: [item.predictions?.view, item.predictions?.vote, item.predictions?.comment].map((p) =>
        p?.toFixed(4),
      ),
    })),
  );
});

test("an operator who looks at a feed leaves no impressions", async (t) => {
  await fillCommunity(pool);
  const app = testApp(t, url, { preview: true });
  assert.equal((await app.call(people.ada, { limit: 3 })).body.items.length, 3);
  await app.settled();
  assert.equal((await pool.query("select from recsys.impressions")).rowCount, 0);
});

test("impressions that cannot be logged cost nobody their feed", async (t) => {
  await fillCommunity(pool);
  await pool.query("revoke insert on recsys.impressions from service_role");
  const app = testApp(t, url);
  const { status, body } = await app.call(people.ada);
  await app.settled();
  assert.equal(status, 200);
  assert.equal(body.items.length, 20);
  assert.deepEqual(
    app.logged.map(({ code }) => code),
    ["impressions_lost"],
  );
});

test("another model serves from the next request on, and a rollback brings the first one back", async (t) => {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "first" });
  const app = testApp(t, url);
  const feed = async () => {
    const { model, items } = (await app.call(people.ada)).body;
    return { model: model?.name, posts: items.map(({ post_id }) => post_id) };
  };
  const first = await feed();
  // as one that learned from an attack: what is worst comes first, and vectors are of something else
  const second = await publishTinyModel(pool, { name: "second", graphs: tinyGraphs({ slopes: [-1, -2, -3] }) });
  await pool.query(
    `update recsys.post_embeddings set embedding = array(select -each from unnest(embedding::real[]) as each)::extensions.vector
     where model_id = $1`,
    [second],
  );
  const other = await feed();
  assert.deepEqual([first.model, other.model], ["first", "second"]);
  assert.notDeepEqual(other.posts, first.posts);
  await pool.query("select recsys.rollback_model()");
  assert.deepEqual(await feed(), first);
});

test("a community without posts is an empty feed", async (t) => {
  const id = uuid("f", 1);
  await pool.query("insert into public.profiles (id) values ($1)", [id]);
  const app = testApp(t, url);
  assert.deepEqual((await app.call(id)).body.items, []);
  await publishTinyModel(pool, { name: "tiny" });
  const { status, body } = await app.call(id);
  assert.equal(status, 200);
  assert.deepEqual(body.items, []);
  assert.equal(body.basis, "community");
});
