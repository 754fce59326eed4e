/** Shadows in SQL: how they are started and stopped, what that keeps a model from, and the report compared with figures worked out in another way. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { clear, fillCommunity, people, post, publishTinyModel, uuid } from "../testing/community.ts";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "shadows");
let model: number;

beforeEach(async () => {
  await pool.query("truncate recsys.shadows, recsys_engine.shadow_impressions");
  await clear(pool);
  await fillCommunity(pool);
  model = await publishTinyModel(pool, { name: "shadow" });
  await publishTinyModel(pool, { name: "served" });
});

const start = async (name: string | null, share: number | string | null) =>
  await pool.query("select recsys.start_shadow($1, $2)", [name, share]);

for (const share of [0, -0.1, 1.1, 0.00005, 0.12345, "nan", "infinity", null])
  test(`a share of ${share} is refused`, async () => {
    await assert.rejects(start("shadow", share), /the share of a shadow is from 0.0001 to 1 in steps of 0.0001, not/);
  });

test("a shadow is of a model that could serve, runs once, and all have 1 together at most", async () => {
  await assert.rejects(start("nobody", 0.1), /there is no model nobody that could serve/);
  await assert.rejects(start(null, 0.1), /there is no model \(null\) that could serve/);
  await pool.query("update recsys.models set status = 'rolled_back' where name = 'shadow'");
  await assert.rejects(start("shadow", 0.1), /there is no model shadow that could serve/);
  await pool.query("update recsys.models set status = 'ready' where name = 'shadow'");
  await start("shadow", 0.0001);
  await assert.rejects(start("shadow", 0.1), /a shadow of shadow runs already/);
  await assert.rejects(
    start("served", 1),
    /the shares of all running shadows are 1 together at most, and 0.0001 is taken/,
  );
  await start("served", 0.9999);
  await pool.query("select recsys.stop_shadow('shadow')");
  await assert.rejects(pool.query("select recsys.stop_shadow('shadow')"), /no shadow of shadow runs/);
  await assert.rejects(pool.query("select recsys.stop_shadow(null)"), /no shadow of \(null\) runs/);
  await start("shadow", 0.0001);
  const { rows } = await pool.query(
    "select name, share::float8, ended_at is null as runs from recsys.shadows order by shadow_id",
  );
  assert.deepEqual(rows, [
    { name: "shadow", share: 0.0001, runs: false },
    { name: "served", share: 0.9999, runs: true },
    { name: "shadow", share: 0.0001, runs: true },
  ]);
});

test("the model of a running shadow is not dropped, and gets vectors of new posts", async () => {
  await start("shadow", 0.5);
  await assert.rejects(
    pool.query("select recsys_engine.drop_model($1)", [model]),
    /is that of a running experiment or shadow/,
  );
  await pool.query("update recsys.models set status = 'rolled_back' where name = 'shadow'");
  await pool.query(
    "update recsys_engine.model_activations set ended_at = now() - interval '1 year' where name = 'shadow'",
  );
  const droppable = async () =>
    (await pool.query("select model_id::int from recsys_engine.droppable_models")).rows.map(({ model_id }) => model_id);
  assert.deepEqual(await droppable(), []);
  assert.deepEqual((await pool.query("select model_id::int from recsys_engine.models_under_test")).rows, [
    { model_id: model },
  ]);
  await pool.query("select recsys.stop_shadow('shadow')");
  assert.deepEqual(await droppable(), [model]);
  await pool.query("select recsys_engine.drop_model($1)", [model]);
});

interface Said {
  request: number;
  post: number;
  score: number | null;
  served: number;
  probabilities: number[];
  servedProbabilities: number[];
  hoursAgo: number;
  acted: string[];
}

async function write(said: Said[]): Promise<void> {
  for (const each of said) {
    const [request, id] = [uuid("d", each.request), post(each.post)];
    await pool.query(
      `insert into recsys_engine.shadow_impressions (request_id, post_id, shadow_model_id, user_id, shown_at, score, probabilities, served_score, served_probabilities, propensity)
       values ($1, $2, $3, $4, now() - $5 * interval '1 hour', $6, $7, $8, $9, 1)`,
      [
        request,
        id,
        model,
        people.ben,
        each.hoursAgo,
        each.score,
        each.probabilities,
        each.served,
        each.servedProbabilities,
      ],
    );
    for (const table of each.acted)
      await pool.query(
        `insert into public.${table} (user_id, post_id, created_at) values ($1, $2, now() - ($3 - 0.5) * interval '1 hour')`,
        [people.ben, id, each.hoursAgo],
      );
  }
}

test("the report is what working it out in another way gives", async () => {
  await start("shadow", 0.5);
  const lists = [
    {
      scores: [3, 1, 2, 2],
      served: [4, 1, 1, 3],
      hoursAgo: 30,
      acted: [["post_views", "comments"], [], ["post_views"], []],
    },
    { scores: [1, 2, 5], served: [3, 2, 1], hoursAgo: 50, acted: [[], ["post_votes"], []] },
    // the day is not over: it counts for the order alone
    { scores: [1, 2], served: [1, 2], hoursAgo: 5, acted: [["post_views"], []] },
    // one post has no order
    { scores: [1], served: [1], hoursAgo: 40, acted: [[]] },
  ];
  const probability = (i: number, j: number, head: number) =>
    Math.fround(((7 * i + 3 * j + 5 * head) % 19) / 20 + 0.02);
  let number = 0;
  const said = lists.flatMap(({ scores, served, hoursAgo, acted }, i) =>
    scores.map((score, j) => ({
      request: i + 1,
      post: ++number,
      score,
      served: served[j],
      probabilities: [0, 1, 2].map((head) => probability(i, j, head)),
      servedProbabilities: [0, 1, 2].map((head) => probability(j, i, head)),
      hoursAgo,
      acted: acted[j],
    })),
  );
  await write(said);
  // what the shadow cannot rank does not count
  await write([{ ...said[0], post: 20, request: 1, score: null }]);
  // by hand: ranks 4 1 2.5 2.5 and 4 1.5 1.5 3; 1 2 3 and 3 2 1; 1 2 and 1 2
  const pearson = (x: number[], y: number[]) => {
    const mean = (of: number[]) => of.reduce((a, b) => a + b, 0) / of.length;
    const product = (a: number[], b: number[]) => mean(a.map((value, i) => (value - mean(a)) * (b[i] - mean(b))));
    return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
  };
  const correlation = (pearson([4, 1, 2.5, 2.5], [4, 1.5, 1.5, 3]) - 1 + 1) / 3;
  const { rows } = await pool.query("select * from recsys.shadow_report('shadow')");
  assert.equal(rows.length, 3);
  const tables = ["post_views", "post_votes", "comments"];
  const judged = said.filter(({ hoursAgo }) => hoursAgo > 24);
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}, not ${expected}`);
  for (const [head, row] of rows.entries()) {
    assert.deepEqual(
      [row.head, row.requests, row.posts, row.judged, row.acted].map(String),
      [
        ["view", "vote", "comment"][head],
        4,
        10,
        8,
        judged.filter(({ acted }) => acted.includes(tables[head])).length,
      ].map(String),
    );
    near(row.rank_correlation, correlation);
    near(row.mean_score, said.reduce((sum, { score }) => sum + score, 0) / 10);
    near(row.served_mean_score, said.reduce((sum, { served }) => sum + served, 0) / 10);
    const loss = (of: "probabilities" | "servedProbabilities") =>
      -judged.reduce((sum, each) => {
        const p = each[of][head];
        return sum + Math.log(each.acted.includes(tables[head]) ? p : 1 - p);
      }, 0) / judged.length;
    near(row.log_loss, loss("probabilities"));
    near(row.served_log_loss, loss("servedProbabilities"));
  }
});

test("a report of nothing has no figures, one of no shadow is refused, and a certainty that was wrong is not infinite", async () => {
  await assert.rejects(pool.query("select * from recsys.shadow_report('shadow')"), /there was no shadow of shadow/);
  await start("shadow", 0.5);
  const report = async () =>
    (
      await pool.query(
        "select head, posts::int, rank_correlation, mean_score, acted::int, log_loss from recsys.shadow_report('shadow')",
      )
    ).rows;
  const none = { posts: 0, rank_correlation: null, mean_score: null, acted: 0, log_loss: null };
  assert.deepEqual(
    await report(),
    ["view", "vote", "comment"].map((head) => ({ head, ...none })),
  );
  const wrong = { request: 1, post: 1, score: 1, served: 1, probabilities: [0, 1, 0], servedProbabilities: [0, 1, 0] };
  await write([{ ...wrong, hoursAgo: 30, acted: ["post_views"] }]);
  assert.deepEqual(
    (await report()).map(({ log_loss }) => Math.abs(log_loss) < 1e-9 || Math.abs(log_loss + Math.log(1e-7)) < 1e-9),
    [true, true, true],
  );
});

test("what shadows said goes with the impressions", async () => {
  const old = {
    request: 1,
    post: 1,
    score: 1,
    served: 1,
    probabilities: [0, 1, 0],
    servedProbabilities: [0, 1, 0],
    acted: [],
  };
  await write([
    { ...old, hoursAgo: 24 * 200 },
    { ...old, request: 2, hoursAgo: 24 * 100 },
  ]);
  await pool.query("select recsys_engine.purge_shadow_impressions()");
  const { rows } = await pool.query("select request_id from recsys_engine.shadow_impressions");
  assert.deepEqual(rows, [{ request_id: uuid("d", 2) }]);
});
