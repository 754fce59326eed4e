/** Feeds of people in an experiment: what they are made with, what is logged, and what happens where a variant's model fails. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "feeds_of_experiments");
beforeEach(async () => {
  await pool.query("truncate recsys.experiments cascade");
  await clear(pool);
  await fillCommunity(pool);
});

/** Starts an experiment in which everybody, but for one in 10,000, is in the variant `b`. */
async function startWith(b: object, name = "tried", layer = "feed"): Promise<void> {
  // no user of this test is in the bucket of the others
  for (;;) {
    const variants = [
      { name: "control", share: 0.0001 },
      { name: "b", share: 0.9999, ...b },
    ];
    await pool.query("select recsys.start_experiment($1, $2, $3)", [name, JSON.stringify(variants), layer]);
    const { rowCount } = await pool.query(
      "select from recsys.experiments cross join unnest($2::uuid[]) as id where name = $1 and recsys_engine.bucket(id, salt) = 0",
      [name, Object.values(people)],
    );
    if (rowCount === 0) return;
    await pool.query("delete from recsys.experiments where name = $1", [name]);
  }
}

async function logged(requestId: string): Promise<{ variant: string | null; model_id: number | null }> {
  const { rows } = await pool.query("select distinct variant, model_id from recsys.impressions where request_id = $1", [
    requestId,
  ]);
  assert.equal(rows.length, 1);
  return rows[0];
}

test("weights and settings are those of the variant; what it does not name is as for everybody", async (t) => {
  const id = await publishTinyModel(pool, { name: "tiny" });
  const app = testApp(t, url);
  const before = await app.call(people.ada, { limit: 3 });
  await app.settled();
  assert.deepEqual(await logged(before.body.request_id), { variant: null, model_id: id });
  await startWith({ settings: { vote_weight: 5, trial_place: 2 } });
  const { body } = await app.call(people.ada, { limit: 3 });
  await app.settled();
  const [{ predictions, score }, { why }] = body.items;
  assert.ok(predictions);
  assert.ok(Math.abs(score - (0.2 * predictions.view + 5 * predictions.vote + predictions.comment)) < 1e-5);
  assert.equal(why.kind, "exploration");
  assert.deepEqual(await logged(body.request_id), { variant: "tried/b", model_id: id });
  await startWith({ settings: { diversity: 1 } }, "second", "other");
  const both = await app.call(people.ada, { limit: 3 });
  await app.settled();
  assert.deepEqual(await logged(both.body.request_id), { variant: "second/b,tried/b", model_id: id });
  await pool.query("select recsys.stop_experiment('tried'), recsys.stop_experiment('second')");
  const stopped = await app.call(people.ada, { limit: 3 });
  await app.settled();
  assert.deepEqual(
    stopped.body.items.map((item) => item.score),
    before.body.items.map((item) => item.score),
  );
  assert.deepEqual(await logged(stopped.body.request_id), { variant: null, model_id: id });
  assert.deepEqual(app.logged, []);
});

test("the model of the variant ranks, unless it was rolled back", async (t) => {
  const tried = await publishTinyModel(pool, { name: "new" });
  const active = await publishTinyModel(pool, { name: "active" });
  await startWith({ model: "new" });
  const app = testApp(t, url);
  const { body } = await app.call(people.ada, { limit: 3 });
  await app.settled();
  assert.deepEqual(body.model, { id: tried, name: "new" });
  assert.deepEqual(await logged(body.request_id), { variant: "tried/b", model_id: tried });
  // taken out of service for cause: not even an experiment serves it
  await pool.query("update recsys.models set status = 'rolled_back' where name = 'new'");
  const later = await app.call(people.ada, { limit: 3 });
  await app.settled();
  assert.deepEqual(later.body.model, { id: active, name: "active" });
  assert.deepEqual(await logged(later.body.request_id), { variant: "tried/b", model_id: active });
  assert.deepEqual(
    app.logged.map(({ code, cause }) => [code, (cause as Error).message]),
    [
      [
        "chosen_model_failed",
        `model ${tried} of the experiment in tried/b does not serve any more: the active model serves`,
      ],
    ],
  );
});

for (const graph of ["user_tower", "dlrm"] as const)
  test(`where the ${graph} of the variant's model is broken, the active model serves`, async (t) => {
    await publishTinyModel(pool, { name: "new", graphs: { [graph]: new Uint8Array([1, 2, 3]) } });
    const active = await publishTinyModel(pool, { name: "active" });
    await startWith({ model: "new" });
    const app = testApp(t, url);
    for (let i = 0; i < 2; i++) {
      const { status, body } = await app.call(people.ada, { limit: 3 });
      await app.settled();
      assert.deepEqual([status, body.model, body.degraded], [200, { id: active, name: "active" }, null]);
      assert.deepEqual(await logged(body.request_id), { variant: "tried/b", model_id: active });
    }
    assert.deepEqual(
      app.logged.map(({ code }) => code),
      ["chosen_model_failed", "chosen_model_failed"],
    );
    assert.match(
      (app.logged[0].cause as Error).message,
      /^model \d+ of the experiment in tried\/b cannot (serve|rank)/,
    );
  });

test("where the active model is the variant's and fails, the feed is as without an experiment", async (t) => {
  await publishTinyModel(pool, { name: "only", graphs: { dlrm: new Uint8Array([1]) } });
  await startWith({ model: "only" });
  const app = testApp(t, url);
  const { status, body } = await app.call(people.ada, { limit: 3 });
  assert.deepEqual([status, body.degraded], [200, "unranked"]);
});

test("a dropped model of a variant is said, and the active one serves", async (t) => {
  const tried = await publishTinyModel(pool, { name: "new" });
  const active = await publishTinyModel(pool, { name: "active" });
  await startWith({ model: "new" });
  const app = testApp(t, url);
  assert.equal((await app.call(people.ada, { limit: 3 })).body.model?.id, tried);
  // as only an owner could: the function that drops models refuses
  await pool.query(`drop table recsys_engine.post_embeddings_${tried}, recsys_engine.user_embeddings_${tried}`);
  await pool.query("delete from recsys.models where model_id = $1", [tried]);
  assert.equal((await app.call(people.ada, { limit: 3 })).body.model?.id, active);
  assert.deepEqual(
    app.logged.map(({ code }) => code),
    ["chosen_model_failed"],
  );
});

test("a feed from a fallback carries the variant too: who was meant to get what does not hang on what failed", async (t) => {
  await startWith({ settings: { vote_weight: 2 } });
  await publishTinyModel(pool, { name: "tiny", graphs: { user_tower: new Uint8Array([1]) } });
  const app = testApp(t, url);
  const { body } = await app.call(people.ada, { limit: 3 });
  await app.settled();
  assert.equal(body.degraded, "community");
  assert.deepEqual(await logged(body.request_id), { variant: "tried/b", model_id: null });
});

test("what a feed shows and its reader does is in the report", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update recsys.settings set clock_shift = '2 minutes'");
  t.after(async () => void (await pool.query("update recsys.settings set clock_shift = '0'")));
  await startWith({ settings: { vote_weight: 2 } });
  await pool.query("update recsys.experiments set outcome_window = '1 minute'");
  const app = testApp(t, url);
  const { body } = await app.call(people.ada, { limit: 3 });
  await app.settled();
  await pool.query("insert into public.post_votes (user_id, post_id, created_at) values ($1, $2, recsys.clock())", [
    people.ada,
    body.items[1].post_id,
  ]);
  await pool.query("update recsys.settings set clock_shift = '0'");
  const { rows } = await pool.query(
    "select variant, metric, people::int, impressions::int, acted::int, conclusion from recsys.experiment_report('tried') where people_group = 'all'",
  );
  const conclusion = (metric: string) =>
    `too early: 50 people and 25 ${metric}s are needed in this variant and in control`;
  assert.deepEqual(
    rows,
    [
      ["view", 0],
      ["vote", 1],
      ["comment", 0],
    ].map(([metric, acted]) => ({
      variant: "b",
      metric,
      people: 1,
      impressions: 3,
      acted,
      conclusion: conclusion(String(metric)),
    })),
  );
});
