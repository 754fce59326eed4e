/** How far features moved, by hand: from what the ranker was trained on, and from the weeks before. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { clearFigures, type DailyFigure, figuresOf, insertModel, settledDay } from "../testing/daily-metrics.ts";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "feature_drift");
const day = settledDay();

beforeEach(() => clearFigures(pool));

/** The population stability index of two lists of counts by bin. */
function stabilityIndex(now: number[], before: number[]): number {
  const shares = (counts: number[]) => counts.map((n) => Math.max(n / counts.reduce((a, b) => a + b, 0), 1e-4));
  const [a, b] = [shares(now), shares(before)];
  return a.reduce((sum, share, i) => sum + (share - b[i]) * Math.log(share / b[i]), 0);
}

/** Feeds of one post each, to 20 people in turn, `ago` days before the day, whose first two features are given. */
const showFeatures = (model: number, ago: number, features: [number, number][], position = 1, explored = false) =>
  pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, model_id, features, explored)
     select gen_random_uuid(), md5((n % 20)::text)::uuid, md5(n::text)::uuid, $5, $1::date - $2::int + interval '1 hour', $3, array[first, second], $6
     from unnest($4::real[], $7::real[]) with ordinality as shown (first, second, n)`,
    [day, ago, model, features.map(([first]) => first), position, explored, features.map(([, second]) => second)],
  );

function assertNear(figures: Map<string, DailyFigure>, name: string, value: number, count = 20): void {
  const figure = figures.get(name) ?? assert.fail(name);
  assert.ok(Math.abs(figure.value - value) < 1e-6, `${name}: ${figure.value}, not ${value}`);
  assert.equal(figure.count, count, "people");
}

test("skew is the index against the training set by hand; exploration, later places and models without training have none", async () => {
  const model = await insertModel(pool, "a");
  const other = await insertModel(pool, "no training");
  for (const [i, [edges, shares]] of [
    [
      [1, 2],
      [0.5, 0.3, 0.2],
    ],
    [[0.5], [1, 0]],
  ].entries())
    await pool.query("insert into recsys_engine.training_features values ($1, $2, $3, $4, $5)", [
      model,
      i + 1,
      `pair ${i}`,
      edges,
      shares,
    ]);
  // 10 in the first bin, 30 in the second of which 5 on its edge, 60 in the third
  const values = [...Array(10).fill(0), ...Array(5).fill(1), ...Array(25).fill(1.5), ...Array(60).fill(9)];
  const features = values.map((value): [number, number] => [value, 0]);
  await showFeatures(model, 0, features);
  await showFeatures(other, 0, features);
  await showFeatures(model, 0, features.slice(0, 10), 2, true);
  await showFeatures(model, 0, features.slice(0, 10), 11);
  await pool.query("select recsys_engine.measure_day($1)", [day]);
  const figures = await figuresOf(pool, day);
  assertNear(figures, `skew|${model}|pair 0`, stabilityIndex([10, 30, 60], [50, 30, 20]));
  assertNear(figures, `skew|${model}|pair 1`, 0);
  assert.equal([...figures.keys()].filter((name) => name.startsWith("skew|")).length, 2);
});

test("drift is the index against the same weekday of four weeks by hand, whichever models ranked", async () => {
  const [before, now] = [await insertModel(pool, "before"), await insertModel(pool, "now")];
  const { rows } = await pool.query(
    "insert into recsys.models (name, feature_spec, feature_spec_digest) values ('other features', '{}', 'other') returning model_id::int as id",
  );
  // the first is spread over 0 to 99, the second nearly always 0
  const usual = Array.from({ length: 100 }, (_, i): [number, number] => [i, i < 95 ? 0 : 1]);
  await showFeatures(before, 7, usual.slice(0, 50));
  await showFeatures(now, 28, usual.slice(50));
  // no such weekday, too long ago, of other features
  for (const [model, ago] of [
    [before, 6],
    [before, 35],
    [rows[0].id, 14],
  ])
    await showFeatures(
      model,
      ago,
      usual.map(() => [-1000, 5]),
    );
  const served = Array.from({ length: 100 }, (_, i): [number, number] => [i / 2, i < 60 ? 0 : 1]);
  await showFeatures(now, 0, served);
  await pool.query("select recsys_engine.measure_day($1)", [day]);
  const figures = await figuresOf(pool, day);
  // in hundredths of their range, 99, tenths end at the tenth, twentieth … value, each the first of the next
  const units = (values: number[]) => values.map((value) => Math.round(value / 0.99));
  const ends = [9, 19, 29, 39, 49, 59, 69, 79, 89].map((value) => units([value])[0]);
  const counts = (values: number[]) =>
    Array.from(
      { length: 10 },
      (_, bin) => units(values).filter((v) => ends.filter((end) => end <= v).length === bin).length,
    );
  const column = (rows: [number, number][], f: number) => rows.map((row) => row[f]);
  // before, ten people were shown six posts and ten four: 100² / (10 · 6² + 10 · 4²) = 19.2 people who were shown as much as each other
  assertNear(
    figures,
    "drift|0|user log_views",
    stabilityIndex(counts(column(served, 0)), counts(column(usual, 0))),
    19,
  );
  assertNear(figures, "drift|0|user log_votes", stabilityIndex([60, 40], [95, 5]), 19);
  assert.equal([...figures.keys()].filter((name) => name.startsWith("drift|")).length, 2);
  await pool.query("delete from recsys.impressions where shown_at < $1::date", [day]);
  await pool.query("select recsys_engine.measure_day($1)", [day]);
  assert.equal([...(await figuresOf(pool, day)).keys()].filter((name) => name.startsWith("drift|")).length, 0);
});
