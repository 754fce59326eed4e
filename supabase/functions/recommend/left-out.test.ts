/** A post that cannot be ranked loses its own place in a feed, and no feed fails. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, plusNothing, post, publishTinyModel } from "../../../testing/community.ts";
import { GraphBuilder } from "../../../trainer/artifacts/onnx/graph-builder.ts";
import { kinds } from "../_shared/features/kinds.ts";
import { postFeatures } from "../_shared/features/ranker-features.ts";
import { contracts } from "../_shared/models/contracts.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "left_out");
beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
});

for (const model of [null, "tiny"])
  test(`posts with features that are not finite, ranked by ${model ?? "no model"}`, async (t) => {
    if (model) await publishTinyModel(pool, { name: model });
    const app = testApp(t, url);
    const whole = await app.call(people.ben, { limit: 100 });
    assert.equal(whole.body.items.length, 30);
    await pool.query("update recsys_engine.latest_post_stats set recent[4] = 'NaN' where post_id = $1", [post(28)]);
    await pool.query(
      "update recsys_engine.latest_post_stats set recent = array_fill('Infinity'::float8, array[5]) where post_id = $1",
      [post(30)],
    );
    await pool.query("update recsys_engine.feature_store_version set version = version + 1");
    const { status, body } = await app.call(people.ben, { limit: 100 });
    assert.equal(status, 200);
    assert.deepEqual(
      new Set(body.items.map((item) => item.post_id)),
      new Set(whole.body.items.map((item) => item.post_id).filter((id) => id !== post(28) && id !== post(30))),
    );
    assert.ok(body.items.every(({ score }) => Number.isFinite(score)));
    const [line, ...others] = app.logged;
    assert.deepEqual([line.code, others.length], ["candidates_left_out", 0], "one line");
    const feature = model ? "log_recent_(168|1)h" : "recency or popularity";
    const expected = `^post (${post(28)}|${post(30)}) is left out of a feed: its ${feature} is (NaN|Infinity); 1 more`;
    assert.match((line.cause as Error).message, new RegExp(expected));
  });

test("posts of which the model says what is not finite", async (t) => {
  // a comment is what this model cannot stand
  await pool.query("insert into public.comments (user_id, post_id) values ($1, $2)", [people.eve, post(7)]);
  await pool.query("select recsys.roll_up()");
  await publishTinyModel(pool, { name: "picky", graphs: { dlrm: notANumberWhere("has_comment") } });
  const app = testApp(t, url);
  const { status, body } = await app.call(people.ben, { limit: 100 });
  assert.equal(status, 200);
  assert.equal(body.items.length, 29);
  assert.ok(!body.items.some((item) => item.post_id === post(7)));
  assert.match(
    (app.logged[0].cause as Error).message,
    new RegExp(`^post ${post(7)} is left out of a feed: its score is NaN$`),
  );
});

test("a model that says nothing finite of any post is corrupt: then nobody ranks them", async (t) => {
  await publishTinyModel(pool, { name: "broken", graphs: { dlrm: notANumberWhere("log_age") } });
  const app = testApp(t, url);
  const { status, body } = await app.call(people.ben);
  assert.deepEqual([status, body.degraded, body.model, body.items.length], [200, "unranked", null, 20]);
  assert.deepEqual(
    app.logged.map(({ code }) => code),
    ["model_corrupt"],
  );
});

/** A ranker that returns 0.5 where a feature of the post is 0, and NaN elsewhere. */
function notANumberWhere(feature: string): Uint8Array {
  const g = new GraphBuilder("dlrm");
  const { post_features, ...unread } = g.inputsOf(contracts.dlrm);
  const weights = new Float32Array(postFeatures.length * kinds.length);
  weights.fill(1e38, postFeatures.indexOf(feature) * kinds.length, (postFeatures.indexOf(feature) + 1) * kinds.length);
  const product = g.matMul(post_features, g.weights(weights, [postFeatures.length, kinds.length]));
  const infinite = g.multiply(product, g.scalar(1e38));
  const logits = plusNothing(g, g.add(infinite, g.multiply(infinite, g.scalar(-1))), unread);
  g.output("probabilities", g.sigmoid(logits), contracts.dlrm.outputs.probabilities.dims);
  return g.build();
}
