/**
 * The questions of a console: each is answered, with a statement that gives the same in psql, and only with the key.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { people, post, privatePost, uuid } from "../../../testing/community.ts";
import { embeddedCommunity, publishWordModel } from "../../../testing/embed.ts";
import { questions } from "../_shared/console/questions.ts";
import { secretKey, testFunction } from "../testing.ts";
import { consoleFunction } from "./handler.ts";

const database = await testDatabase({ after }, "console");
const { pool, url } = database;
const app = testFunction({ after }, url, consoleFunction);

type Row = Record<string, unknown>;
let first: number;

before(async () => {
  first = await embeddedCommunity(database);
  await pool.query("select recsys.roll_up()");
});

async function send(body: unknown, headers: Record<string, string> = { apikey: secretKey }) {
  const response = await app.request("/console", { method: "POST", body: JSON.stringify(body), headers });
  return { status: response.status, body: await response.json() };
}

async function rowsOf(ask: string, parameters = {}): Promise<Row[]> {
  const { status, body } = await send({ ask, parameters });
  assert.equal(status, 200, JSON.stringify(body));
  return body.rows;
}

const asked: Record<string, object> = {
  rates: { days: 28 },
  rates_by_position: { days: 28 },
  rates_by_source: { days: 28 },
  calibration: { days: 28 },
  shares: { days: 28 },
  post: { post_id: post(6) },
  neighbours: { post_id: post(6) },
  audience: { post_id: post(6) },
  person: { person: people.ada },
  explain: { user_id: people.ada, post_id: post(6) },
  experiment_report: { name: "trial" },
  interleaving_report: { name: "interleaved" },
};

test("every question that changes nothing is answered as its statement answers in psql", async (t) => {
  await publishWordModel(database, "other", { seed: 2, activate: false });
  for (const [name, variants] of Object.entries({
    trial: [
      { name: "control", share: 0.3 },
      { name: "varied", share: 0.3, settings: { diversity: 0.1 } },
    ],
    interleaved: [{ name: "both", share: 0.3, interleave_with: "other" }],
  }))
    await pool.query("select recsys.start_experiment($1, $2)", [name, JSON.stringify(variants)]);
  const { rows: promotions } = await pool.query(
    "insert into recsys.promotions (name, post_id, place, ends_at) values ('Pinned', $1, 1, now() + interval '1 day') returning promotion_id::int",
    [post(1)],
  );
  asked.preview_promotion = promotions[0];
  for (const [name, question] of Object.entries(questions)) {
    if ("changes" in question) continue;
    await t.test(name, async () => {
      const { status, body } = await send({ ask: name, parameters: asked[name] ?? {} });
      assert.equal(status, 200, JSON.stringify(body));
      const { rows } = await pool.query(`select row_to_json(answer) as row from (${body.sql}) as answer`);
      // ages, lags and clocks go on
      const still = (row: Row) => ({ ...row, age: null, now: null });
      assert.deepEqual(
        body.rows.map(still),
        rows.map(({ row }) => still(row)),
      );
    });
  }
});

test("a model is switched only where the one that was seen still serves, and back", async () => {
  const next = await publishWordModel(database, "next", { seed: 3, activate: false });
  const serving = async () => (await rowsOf("models")).find(({ status }) => status === "active")?.model_id;
  assert.equal(await serving(), first);
  const late = await send({ ask: "activate", parameters: { model_id: next, instead_of: next } });
  assert.deepEqual([late.status, late.body.error.code], [400, "refused"]);
  assert.match(late.body.error.message, /^[^\n]+$/);
  assert.equal(await serving(), first);
  await rowsOf("activate", { model_id: next, instead_of: first });
  assert.equal(await serving(), next);
  assert.deepEqual(await rowsOf("rollback", { model_id: next }), [{ model_id: first }]);
  assert.equal(await serving(), first);
});

test("somebody's feed comes with every candidate, where it stands and what the ranker was told; nothing is written", async () => {
  const { status, body } = await send({ ask: "feed", parameters: { user_id: people.ada, limit: 5 } });
  assert.equal(status, 200, JSON.stringify(body));
  const { candidates, items, feature_names: names } = body;
  assert.ok(candidates.length > 5);
  assert.ok(!candidates.some((each: Row) => each.post_id === privatePost), "what she may not see");
  const placed = candidates.filter((each: Row) => each.position !== null);
  assert.deepEqual(placed.map((each: Row) => each.post_id).sort(), items.map((each: Row) => each.post_id).sort());
  assert.equal(new Set(names).size, names.length, "no two of one name: each says whose it is");
  assert.ok(names.includes("user log_views") && names.includes("post log_views"));
  const { rows: asStored } = await pool.query(
    "select array_agg(part || ' ' || feature order by number) as names from recsys_engine.model_features where model_id = $1",
    [first],
  );
  assert.deepEqual(names, asStored[0].names, "as recsys.explain() names them");
  for (const [i, { rank, score, features }] of candidates.entries()) {
    assert.equal(rank, i + 1);
    assert.ok(i === 0 || score <= candidates[i - 1].score);
    assert.equal(features.length, names.length);
  }
  const { rows } = await pool.query("select count(*)::int as n from recsys.impressions");
  assert.equal(rows[0].n, 0);
});

test("how long the stages of a feed take is measured on people's feeds", async () => {
  const { body } = await send({ ask: "latency" });
  const whole = body.rows.find((row: Row) => row.stage === "a feed");
  assert.ok(whole?.feeds >= 4 && whole.median_ms > 0 && whole.slowest_ms >= whole.median_ms);
  assert.ok(body.rows.some((row: Row) => row.stage === "scores"));
});

test("what is wrong is said in one line", async (t) => {
  const table: [string, unknown, number, string][] = [
    ["no question", {}, 400, "invalid_ask"],
    ["an unknown question", { ask: "passwords" }, 400, "invalid_ask"],
    ["a question of every object", { ask: "toString" }, 400, "invalid_ask"],
    ["SQL", { ask: "models", sql: "select 1" }, 400, "unknown_field"],
    ["a parameter too few", { ask: "neighbours" }, 400, "invalid_parameters"],
    ["a parameter too many", { ask: "models", parameters: { id: 1 } }, 400, "invalid_parameters"],
    ["no uuid", { ask: "neighbours", parameters: { post_id: "'; drop table" } }, 400, "invalid_parameters"],
    ["days without end", { ask: "rates", parameters: { days: 1e9 } }, 400, "invalid_parameters"],
    ["a list", [], 400, "invalid_body"],
    ["a model that is not there", { ask: "activate", parameters: { model_id: 999, instead_of: 1 } }, 400, "refused"],
    ["nobody's feed", { ask: "feed", parameters: { user_id: uuid("f", 1) } }, 404, "unknown_user"],
  ];
  for (const [name, body, status, code] of table)
    await t.test(name, async () => {
      const answer = await send(body);
      assert.deepEqual([answer.status, answer.body.error?.code], [status, code], JSON.stringify(answer.body));
      assert.match(answer.body.error.message, /^[^\n]{10,500}$/);
    });
  await t.test("text is quoted where it is shown in a statement", async () => {
    const { body } = await send({ ask: "person", parameters: { person: "o'hara" } });
    assert.match(body.sql, /external_id = 'o''hara'/);
    assert.deepEqual(body.rows, []);
  });
});

test("without a secret key there is no answer", async () => {
  for (const headers of [{}, { apikey: "sb_publishable_test" }, { authorization: `Bearer ${people.ada}` }]) {
    const { status, body } = await send({ ask: "models" }, headers as Record<string, string>);
    assert.equal(status, 401);
    assert.ok(["key_missing", "key_invalid"].includes(body.error.code));
  }
});
