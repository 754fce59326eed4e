/** recsys.health(): each figure in and out of its bounds, what rests on too little, and databases in which there is nothing yet. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import type pg from "pg";
import type { HealthRow } from "../cli/commands/health.ts";
import { clear, fillCommunity, people, post, publishTinyModel } from "../testing/community.ts";
import { onBoth, testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "health");
let model: number;

/** A community of which 35 days are measured, each like the others, with a model of yesterday. */
beforeEach(async () => {
  await clear(pool);
  await pool.query(
    `truncate recsys.daily_metrics, recsys_engine.embedding_jobs, recsys_engine.feature_changes, recsys_engine.deferred_changes; update recsys.settings set clock_shift = '0';
     select recsys_engine.make_impression_partitions()`,
  );
  await fillCommunity(pool);
  model = await publishTinyModel(pool, { name: "tiny" });
  await pool.query(
    `update recsys.models set learned_until = recsys.clock() - interval '1 day', metrics = '{"people": {"number": 200, "ten": 0.2}}'`,
  );
  await pool.query("truncate recsys_engine.embedding_jobs, recsys_engine.feature_changes");
  await measured(36, 2, steady);
  await measured(0, 0, () => [["degraded", 0, "", 0, 100]]);
});

type Figures = [metric: string, model: number, slice: string, value: number, count: number][];

const steady = (): Figures => [
  ["shown", 0, "", 1000, 300],
  ["feeds", 0, "live", 1, 100],
  ...["view", "vote", "comment"].flatMap(
    (kind): Figures => [
      ["rate", model, kind, 0.05, 1000],
      ["predicted", model, kind, 0.05, 1000],
      ["calibration", model, kind, 1, 50],
    ],
  ),
  ["coverage", 0, "", 0.4, 500],
  ["novelty", 0, "", 6, 1000],
  ["fresh", 0, "1 day", 0.1, 1000],
  ["fresh", 0, "7 days", 0.3, 1000],
  ["authors", 0, "", 0.3, 1000],
  ["drift", 0, "user log_views", 0.05, 300],
  ["drift", 0, "post log_age", 0.07, 300],
];

/** Writes figures for the days from one so many days ago to another. */
async function measured(from: number, to: number, figures: () => Figures): Promise<void> {
  const rows = figures();
  await pool.query(
    `insert into recsys.daily_metrics as earlier
     select (recsys.clock() at time zone 'UTC')::date - ago, figure.*
     from generate_series($1::int, $2::int) as ago
     cross join unnest($3::text[], $4::bigint[], $5::text[], $6::float8[], $7::bigint[]) as figure
     on conflict (day, metric, model_id, slice) do update set value = excluded.value, count = excluded.count`,
    [to, from, ...[0, 1, 2, 3, 4].map((column) => rows.map((row) => row[column]))],
  );
}

/** What the last seven days were like. */
const lately = (...figures: Figures) => measured(8, 2, () => figures);

async function health(db: pg.Pool = pool): Promise<HealthRow[]> {
  const { rows } = await db.query<HealthRow>("select * from recsys.health()");
  for (const row of rows) {
    for (const [column, value] of Object.entries(row))
      assert.ok(value !== null && value !== "", `${row.what}: ${column}`);
    assert.match(row.state, /^[A-Z0-9a-z].*\.$/, `${row.what}: a sentence`);
    assert.equal(row.cure === "nothing to do", row.ok, row.what);
  }
  // what is out of bounds comes first
  assert.deepEqual(
    rows.map(({ ok }) => ok),
    rows.map(({ ok }) => ok).sort((a, b) => Number(a) - Number(b)),
  );
  return rows;
}

const out = async () => (await health()).filter(({ ok }) => !ok);
const status = async () =>
  (await pool.query("select is_ok, state, verdict from recsys.status where concern = 'health'")).rows[0];

test("where each day was like the others, all is within bounds, and every bound is asked for", async () => {
  const rows = await health();
  assert.deepEqual(await out(), []);
  const { rows: bounds } = await pool.query("select figure from recsys.health_bounds order by figure");
  assert.deepEqual(
    [...new Set(rows.map(({ what }) => what.split(": ")[0]))].sort(),
    bounds.map(({ figure }) => figure),
  );
  assert.deepEqual(await status(), {
    is_ok: true,
    state: `${rows.length} figures are within their bounds`,
    verdict: "ok",
  });
});

const changes: [what: string, value: string, change: () => Promise<unknown>][] = [
  [
    "calibration: votes by tiny",
    "3",
    () => lately(["predicted", model, "vote", 0.06, 1000], ["calibration", model, "vote", 3, 20]),
  ],
  [
    "calibration: comments by tiny",
    "0.25",
    () => lately(["predicted", model, "comment", 0.05, 1000], ["calibration", model, "comment", 0.25, 200]),
  ],
  ["drift: post log_age", "0.8", () => lately(["drift", 0, "post log_age", 0.8, 300])],
  ["change of rate: views", "0.6", () => lately(["rate", model, "view", 0.03, 1000])],
  ["change of coverage", "0.4", () => lately(["coverage", 0, "", 0.16, 500])],
  ["change of novelty", "0.75", () => lately(["novelty", 0, "", 4.5, 1000])],
  ["change of fresh: posts of up to 1 day", "0.1", () => lately(["fresh", 0, "1 day", 0.01, 1000])],
  ["change of fresh: posts of up to 7 days", "2.5", () => lately(["fresh", 0, "7 days", 0.75, 1000])],
  ["change of authors", "1.5", () => lately(["authors", 0, "", 0.45, 1000])],
  [
    `degraded feeds: on ${new Date().toISOString().slice(0, 10)}`,
    "0.5",
    async () => {
      await pool.query("delete from recsys.daily_metrics where metric = 'degraded'");
      await pool.query(
        `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, degraded)
         select gen_random_uuid(), $1, $2, 1, recsys.clock() - n * interval '20 seconds', case when n % 2 = 0 then 'community' end from generate_series(1, 120) as n`,
        [people.ada, post(1)],
      );
      await pool.query("select recsys_engine.measure_days(0)");
    },
  ],
  [
    "measuring",
    "2",
    () => pool.query("delete from recsys.daily_metrics where day > (recsys.clock() at time zone 'UTC')::date - 4"),
  ],
  [
    "ten people: of those that the ranker learned from",
    "0.8",
    () => pool.query(`update recsys.models set metrics = '{"people": {"number": 40, "ten": 0.8}}'`),
  ],
  [
    "model age: in days",
    "50",
    () => pool.query("update recsys.models set learned_until = recsys.clock() - interval '50 days'"),
  ],
  [
    "roll-up lag: in seconds",
    "600",
    () =>
      pool.query(
        "insert into recsys_engine.feature_changes (user_id, queued_at) values ($1, now() - interval '600 seconds')",
        [people.ada],
      ),
  ],
  [
    "late changes: the oldest, in hours",
    "50",
    () =>
      pool.query(
        "insert into recsys_engine.deferred_changes (user_id, at, queued_at) values ($1, now(), now() - interval '50 hours')",
        [people.ada],
      ),
  ],
  [
    "embedding lag: in seconds",
    "600",
    () =>
      pool.query(
        "insert into recsys_engine.embedding_jobs (kind, entity_id, enqueued_at) values ('post', $1, now() - interval '600 seconds')",
        [post(1)],
      ),
  ],
];

for (const [what, value, change] of changes)
  test(`out of bounds: ${what}`, async () => {
    await change();
    const [row, ...others] = await out();
    assert.deepEqual(others, []);
    assert.equal(row.what, what);
    // a lag goes on while the test does
    if (what.includes("lag")) assert.ok(Number(row.value) >= 600 && Number(row.value) < 630);
    else assert.equal(row.value, value);
    assert.match(row.bound, /^at (least|most) [\d.]+(, at most [\d.]+)?$/);
    const of = await pool.query("select cure from recsys.health_bounds where figure = $1", [what.split(": ")[0]]);
    assert.equal(row.cure, of.rows[0].cure);
    const { is_ok, state } = await status();
    assert.equal(is_ok, false);
    assert.match(state, /^1 of \d+ figures are out of bounds: /);
    assert.ok(state.endsWith(what));
  });

test("what is furthest out comes first, and the bounds are the operator's", async () => {
  await lately(
    ["drift", 0, "post log_age", 0.3, 300],
    ["drift", 0, "user log_views", 4, 300],
    ["coverage", 0, "", 0.1, 500],
  );
  assert.deepEqual(
    (await out()).map(({ what }) => what),
    ["drift: user log_views", "change of coverage", "drift: post log_age"],
  );
  await pool.query("update recsys.health_bounds set high = 5 where figure = 'drift'");
  try {
    assert.deepEqual(
      (await out()).map(({ what }) => what),
      ["change of coverage"],
    );
    assert.deepEqual(
      (await health()).filter(({ what }) => what.startsWith("drift")).map(({ what }) => what),
      ["drift: user log_views"],
      "of those within bounds the furthest",
    );
  } finally {
    await pool.query("update recsys.health_bounds set high = 0.25 where figure = 'drift'");
  }
});

test("what rests on too little is not judged, and says so", async () => {
  await lately(
    ["predicted", model, "vote", 0.03, 100],
    ["calibration", model, "vote", 3, 1],
    ["drift", 0, "post log_age", 3, 199],
    ["coverage", 0, "", 0.01, 14],
  );
  const rows = await health();
  assert.deepEqual(await out(), []);
  const state = (what: string) => rows.find((row) => row.what === what)?.state ?? assert.fail(what);
  assert.match(
    state("calibration: votes by tiny"),
    /^21 votes were predicted .*, 7 happened\. Too few to judge: that takes 25\.$/,
  );
  assert.match(state("drift: post log_age"), /Too few to judge: that takes 200\.$/);
  assert.match(state("change of coverage"), /Too few to judge: that takes 100\.$/);
});

test("two weeks after the first day nothing is compared with a time before of less than a week", async () => {
  await pool.query("delete from recsys.daily_metrics where day < (recsys.clock() at time zone 'UTC')::date - 14");
  await lately(["coverage", 0, "", 0.01, 500]);
  assert.deepEqual(await out(), []);
  await measured(15, 15, steady);
  assert.deepEqual(
    (await out()).map(({ what }) => what),
    ["change of coverage"],
  );
});

test("votes that were predicted and never happened are out of bounds too", async () => {
  await pool.query("delete from recsys.daily_metrics where metric = 'calibration' and slice = 'vote'");
  const [row] = await out();
  assert.deepEqual([row.what, row.value], ["calibration: votes by tiny", "350"]);
  assert.equal(row.state, "350 votes were predicted of what it showed in the last 7 days, 0 happened.");
});

test("a model that is gone is called by its number, and one that does not rank any more is not judged", async () => {
  await lately(["predicted", 777, "vote", 0.5, 1000], ["calibration", 777, "vote", 5, 100]);
  assert.equal((await out())[0].what, "calibration: votes by model 777");
  await pool.query(
    "delete from recsys.daily_metrics where model_id = 777 and day >= (recsys.clock() at time zone 'UTC')::date - 2",
  );
  assert.deepEqual(await out(), []);
});

test("feeds were shown and nobody measures: that is what is wrong", async () => {
  await pool.query("truncate recsys.daily_metrics");
  assert.deepEqual(await out(), []);
  await pool.query(
    "insert into recsys.impressions (request_id, user_id, post_id, position, shown_at) values (gen_random_uuid(), $1, $2, 1, recsys.clock() - interval '3 days')",
    [people.ada, post(1)],
  );
  const [row, ...others] = await out();
  assert.deepEqual([row.what, row.value, others], ["measuring", "never", []]);
  await pool.query("select recsys_engine.measure_days(100)");
  assert.deepEqual(await out(), []);
});

await onBoth(
  "an empty database without model and without pg_cron says what is missing, and that nothing was shown",
  async (_, { pool }) => {
    const rows = await health(pool);
    assert.deepEqual(
      rows.map(({ what, ok }) => [what, ok]),
      [
        ["model", false],
        ["embedding lag: in seconds", true],
        ["late changes: the oldest, in hours", true],
        ["measuring", true],
        ["roll-up lag: in seconds", true],
      ],
    );
    assert.match(
      rows[3].state,
      /^Nothing was shown .* pg_cron is missing here: .* select recsys_engine\.measure_days\(\)/,
    );
    // and a day later nothing was shown still
    await pool.query("select recsys_engine.measure_days(100)");
    assert.deepEqual(
      (await health(pool)).map(({ what, ok }) => [what, ok]),
      rows.map(({ what, ok }) => [what, ok]),
    );
  },
);

test("a cure that changes a setting names one that there is", async (t) => {
  const { pool } = await testDatabase(t, "cures");
  const { rows } = await pool.query("select cure from recsys.health_bounds");
  const updates = rows.flatMap(({ cure }) => cure.match(/update recsys\.settings set [^.,;]+(, \w+ = [\d.]+)*/g) ?? []);
  assert.ok(updates.length >= 2);
  for (const update of updates) await pool.query(`explain ${update}`);
});
