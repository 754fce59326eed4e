/** Feeds of models that predict more than views, votes and comments: what is answered, logged and shown first. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, publishTinyModel, tinyGraphs } from "../../../testing/community.ts";
import { runBatch } from "../../../trainer/batch/run-batch.ts";
import type { Head } from "../_shared/features/kinds.ts";
import { testApp } from "./testing.ts";

const database = await testDatabase({ after }, "optional_heads");
const { pool, url } = database;
beforeEach(async () => {
  await pool.query("truncate recsys.experiments, recsys.shadows, recsys_engine.shadow_impressions cascade");
  await clear(pool);
  await fillCommunity(pool);
  await pool.query(
    "update recsys.settings set requests_per_minute = null, dismiss_weight = -1, long_view_weight = 0, drawn_share = 0",
  );
});

const three = ["view", "vote", "comment"] as const;
const five = [...three, "dismiss", "long_view"] as const;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-4, `${actual}, not ${expected}`);

/** Ada has interacted with even posts: their similarity is about 1, that of odd ones about 0. */
const isLiked = (postId: string) => Number(postId.at(-1)) % 2 === 0;

async function publishWith(heads: readonly Head[], slopes: number[], name = "more heads"): Promise<number> {
  return await publishTinyModel(pool, { name, heads, graphs: { dlrm: tinyGraphs({ slopes }).dlrm } });
}

test("a model of three heads answers and logs as it always did, whatever the weights of the others", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  const app = testApp(t, url);
  const { body } = await app.call(people.ada, { limit: 28 });
  await pool.query("update recsys.settings set dismiss_weight = -1000, long_view_weight = 1000");
  const { body: same } = await app.call(people.ada, { limit: 28 });
  assert.deepEqual(
    same.items.map(({ post_id, score }) => [post_id, score]),
    body.items.map(({ post_id, score }) => [post_id, score]),
  );
  for (const { predictions } of body.items) assert.deepEqual(Object.keys(predictions ?? {}), [...three]);
  await app.settled();
  const { rows } = await pool.query(
    "select count(*)::int as n from recsys.impressions where optional_probabilities is null",
  );
  assert.equal(rows[0].n, 56);
});

test("what else a model predicts is answered and logged along with the three", async (t) => {
  await publishWith(five, [1, 2, 3, -2, 0.5]);
  const app = testApp(t, url);
  const { body } = await app.call(people.ada, { limit: 28 });
  const liked = body.items.find(({ post_id }) => isLiked(post_id));
  assert.deepEqual(Object.keys(liked?.predictions ?? {}), [...five]);
  near(liked?.predictions?.dismiss ?? 0, sigmoid(-2));
  near(liked?.predictions?.long_view ?? 0, sigmoid(0.5));
  await app.settled();
  const { rows } = await pool.query(
    "select post_id, view_probability as view, vote_probability as vote, comment_probability as comment, optional_probabilities from recsys.impressions order by position",
  );
  assert.equal(rows.length, 28);
  for (const [i, { post_id, optional_probabilities, ...three }] of rows.entries()) {
    assert.equal(post_id, body.items[i].post_id);
    for (const head of five)
      near({ ...three, ...optional_probabilities }[head], body.items[i].predictions?.[head] ?? Number.NaN);
  }
});

test("a model may have either of them alone: each has its own name and weight", async (t) => {
  const app = testApp(t, url);
  for (const head of ["dismiss", "long_view"] as const) {
    await publishWith([...three, head], [1, 2, 3, 4], head);
    const { body } = await app.call(people.ada, { limit: 5 });
    assert.deepEqual(Object.keys(body.items[0].predictions ?? {}), [...three, head]);
    await app.settled();
    const { rows } = await pool.query(
      "select optional_probabilities as logged from recsys.impressions where request_id = $1 and position = 1",
      [body.request_id],
    );
    assert.deepEqual(Object.keys(rows[0].logged), [head]);
    near(rows[0].logged[head], body.items[0].predictions?.[head] ?? Number.NaN);
  }
});

test("the score goes by the weights: a loss turns the order round, long views count where the operator says, and no score is negative", async (t) => {
  // what is liked is likelier viewed, and likelier dismissed
  await publishWith(five, [1, 1, 1, 3, 5]);
  const app = testApp(t, url);
  const scores = async (dismiss: number, long: number) => {
    await pool.query("update recsys.settings set dismiss_weight = $1, long_view_weight = $2", [dismiss, long]);
    const { items } = (await app.call(people.ada, { limit: 28 })).body;
    for (const { score } of items) assert.ok(score > 0, `${score}`);
    for (const { score, predictions } of items) {
      const { view = 0, vote = 0, comment = 0, dismiss: p = 0, long_view = 0 } = predictions ?? {};
      const gain = 0.2 * view + vote + comment + long * long_view;
      near(score, gain * Math.exp((dismiss * p) / gain));
    }
    return isLiked(items[0].post_id);
  };
  assert.equal(await scores(0, 0), true);
  assert.equal(await scores(-4, 0), false);
  assert.equal(await scores(-4, 20), true);
});

test("a person who dismisses everything gets a feed in order all the same, as long as a page is asked for", async (t) => {
  await publishWith([...three, "dismiss"], [2, 2, 2, 0.1]);
  await pool.query(
    "update recsys.settings set dismiss_weight = -10, diversity = 1, author_decay = 0.9, drawn_share = 1",
  );
  const app = testApp(t, url);
  const { body } = await app.call(people.ada, { limit: 28 });
  assert.equal(body.items.length, 28);
  await pool.query("update recsys.settings set drawn_share = 0, diversity = 0, author_decay = 1");
  const { items } = (await app.call(people.ada, { limit: 28 })).body;
  const liked = items.map(({ post_id }) => isLiked(post_id));
  assert.equal(liked.lastIndexOf(true), liked.filter(Boolean).length - 1, "what is liked comes first");
});

test("weights of an experiment hold for its people alone", async (t) => {
  await publishWith([...three, "dismiss"], [1, 1, 1, 3]);
  await pool
    .query(
      `select recsys.start_experiment('losses', '[{"name": "all", "share": 1, "settings": {"dismiss_weight": -4}}, {"name": "none", "share": 0.0001}]'::jsonb)`,
    )
    .catch(() => undefined);
  const { rows } = await pool.query("select count(*)::int as n from recsys.experiments");
  assert.equal(rows[0].n, 0, "shares above 1");
  await pool.query(
    `select recsys.start_experiment('losses', '[{"name": "all", "share": 0.9999, "settings": {"dismiss_weight": -4}}, {"name": "none", "share": 0.0001}]'::jsonb)`,
  );
  const app = testApp(t, url);
  const { items } = (await app.call(people.ada, { limit: 28 })).body;
  assert.equal(isLiked(items[0].post_id), false);
  await pool.query("select recsys.stop_experiment('losses', 'tried')");
  assert.equal(isLiked((await app.call(people.ada, { limit: 28 })).body.items[0].post_id), true);
});

for (const weight of ["1", '"much"', "null"])
  test(`a variant may not have a dismiss_weight of ${weight}`, async () => {
    await assert.rejects(
      pool.query(
        `select recsys.start_experiment('wrong', '[{"name": "a", "share": 0.5, "settings": {"dismiss_weight": ${weight}}}, {"name": "b", "share": 0.5}]'::jsonb)`,
      ),
    );
  });

for (const [what, wrong] of [
  ["dismiss_weight above 0", "dismiss_weight = 0.1"],
  ["long_view_weight below 0", "long_view_weight = -0.1"],
  ["long_view_seconds of 0", "long_view_seconds = 0"],
  ["no dismiss_weight", "dismiss_weight = null"],
])
  test(`settings may not have ${what}`, async () => {
    await assert.rejects(pool.query(`update recsys.settings set ${wrong}`), /constraint/);
  });

test("a model whose row names other heads than its graph has is broken, and its feed is unranked", async (t) => {
  await publishWith([...three, "dismiss"], [1, 2, 3], "lacks one");
  const app = testApp(t, url);
  const { status, body } = await app.call(people.ada, { limit: 5 });
  assert.deepEqual([status, body.degraded, body.items.length], [200, "unranked", 5]);
  assert.equal(app.logged[0].code, "model_corrupt");
});

test("a row can name no head that there is not, nor an order that there is not", async () => {
  for (const heads of ["{}", "{view,vote}", "{view,vote,comment,share}", "{view,vote,comment,long_view,dismiss}"])
    await assert.rejects(
      pool.query("select recsys_engine.create_model('wrong', '{}', '', '{}', null, $1)", [heads]),
      /check/,
    );
});

test("a visitor's feed has them too", async (t) => {
  await publishWith(five, [1, 2, 3, -2, 0.5]);
  const app = testApp(t, url);
  const { body } = await app.visit({ interests: ["chess"], limit: 5 });
  assert.deepEqual(Object.keys(body.items[0].predictions ?? {}), [...five]);
});

test("lists made ahead go by the same weights, and say the same", async (t) => {
  await publishWith([...three, "dismiss"], [1, 1, 1, 3]);
  await pool.query("update recsys.settings set dismiss_weight = -4");
  await runBatch({ database, onProgress: () => {}, signal: new AbortController().signal });
  const app = testApp(t, url);
  const live = (await app.call(people.ada, { limit: 28 })).body.items;
  const { mode, items } = (await app.call(people.ada, { limit: 28, mode: "batch" })).body;
  assert.equal(mode, "batch");
  assert.equal(isLiked(items[0].post_id), false);
  for (const { post_id, score, predictions } of items) {
    const same = live.find((item) => item.post_id === post_id);
    near(score, same?.score ?? Number.NaN);
    assert.deepEqual(Object.keys(predictions ?? {}), [...three, "dismiss"]);
    near(predictions?.dismiss ?? 0, same?.predictions?.dismiss ?? Number.NaN);
  }
});

test("a model with more heads drafts a feed with one of three; each place has what its own model says", async (t) => {
  await publishWith(five, [1, 2, 3, -2, 0.5], "five");
  await publishTinyModel(pool, { name: "three" });
  await pool.query(
    `select recsys.start_experiment('both', '[{"name": "drafted", "share": 1, "model": "three", "interleave_with": "five"}]'::jsonb)`,
  );
  const app = testApp(t, url);
  const { items } = (await app.call(people.ada, { limit: 20 })).body;
  await app.settled();
  const { rows } = await pool.query(
    "select post_id, name, optional_probabilities from recsys.impressions join recsys.models using (model_id) order by position",
  );
  assert.deepEqual(new Set(rows.map(({ name }) => name)), new Set(["five", "three"]));
  for (const [i, { name, optional_probabilities }] of rows.entries()) {
    assert.equal(optional_probabilities !== null, name === "five");
    assert.equal(items[i].predictions?.dismiss !== undefined, name === "five");
  }
});

test("a shadow with more heads than the model that serves is logged by views, votes and comments", async (t) => {
  const shadow = await publishWith(five, [2, -1, 1, 3, 0.5], "shadow");
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("select recsys.start_shadow('shadow', 1)");
  const app = testApp(t, url);
  await app.call(people.ada, { limit: 6 });
  await app.settled();
  const { rows } = await pool.query(
    "select shadow_model_id::int as id, score, probabilities from recsys_engine.shadow_impressions",
  );
  assert.equal(rows.length, 6);
  for (const { id, score, probabilities } of rows) {
    assert.equal(id, shadow);
    assert.equal(probabilities.length, 3);
    const gain = 0.2 * probabilities[0] + probabilities[1] + probabilities[2];
    assert.ok(score < gain, "its score has what speaks against the post");
  }
});
