/** The figures of a day, held against another computation of the same; which days are measured, and what is no reason to fail. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { Random } from "../trainer/engine/random.ts";
import { clear, uuid } from "../trainer/serve/testing.ts";
import { onBoth, testDatabase, withoutPostgres } from "./testing.ts";
import {
  type Community,
  drawDay,
  fillDay,
  hours,
  insertModel,
  type Shown,
  settledDay,
} from "./testing-daily-metrics.ts";

const { pool } = await testDatabase({ after }, "daily_metrics");
const skip = await withoutPostgres();
const day = settledDay();

beforeEach(async () => {
  await clear(pool);
  await pool.query(
    "truncate recsys.daily_metrics, recsys.feature_changes; update recsys.settings set clock_shift = '0'",
  );
});

interface Figure {
  metric: string;
  model_id: number;
  slice: string;
  value: number;
  count: number;
}

async function figuresOf(of = day, db = pool): Promise<Map<string, Figure>> {
  const { rows } = await db.query<Figure>(
    "select metric, model_id::int, slice, value, count::int from recsys.daily_metrics where day = $1 and metric not in ('lag', 'degraded')",
    [of],
  );
  return new Map(rows.map((row) => [`${row.metric}|${row.model_id}|${row.slice}`, row]));
}

const measure = (of = day, db = pool) => db.query("select recsys.measure_day($1) as n", [of]);
const measureDays = async (most: number) => (await pool.query("select recsys.measure_days($1) as n", [most])).rows[0].n;

/** All figures but the drift of features, from the arrays that the fixture was drawn as. */
function byHand({ people, posts, acts, authors }: Community, impressions: Shown[]): Map<string, [number, number]> {
  const expected = new Map<string, [number, number]>();
  const first = new Map<string, Shown>();
  for (const shown of [...impressions].sort((a, b) => a.at - b.at)) {
    const key = `${shown.user} ${shown.post}`;
    if (!first.has(key)) first.set(key, shown);
  }
  const shown = [...first.values()];
  const did = ({ user, post, at }: Shown, kind: string) =>
    acts.some(
      (act) => act.user === user && act.post === post && act.kind === kind && act.at > at && act.at <= at + 24 * hours,
    );
  expected.set("shown|0|", [shown.length, new Set(shown.map(({ user }) => user)).size]);

  const feeds = new Map(impressions.map((one) => [one.request, one]));
  const kindOf = ({ degraded, model, mode }: Shown) =>
    degraded ? `degraded to ${degraded}` : model === null ? "no model" : mode;
  for (const kind of new Set([...feeds.values()].map(kindOf)))
    expected.set(`feeds|0|${kind}`, [
      [...feeds.values()].filter((feed) => kindOf(feed) === kind).length / feeds.size,
      feeds.size,
    ]);

  const placeOf = (position: number) =>
    position <= 10 ? `${position}` : position <= 20 ? "11-20" : position <= 50 ? "21-50" : "51 on";
  for (const [head, kind] of (["view", "vote", "comment"] as const).entries()) {
    const add = (name: string, those: Shown[]) =>
      expected.set(name, [those.filter((one) => did(one, kind)).length / those.length, those.length]);
    for (const model of new Set(shown.map((one) => one.model ?? 0))) {
      const ofModel = shown.filter((one) => (one.model ?? 0) === model);
      add(`rate|${model}|${kind}`, ofModel);
      for (const place of new Set(ofModel.map((one) => placeOf(one.position))))
        add(
          `rate by position|${model}|${kind} ${place}`,
          ofModel.filter((one) => placeOf(one.position) === place),
        );
      for (const source of new Set(ofModel.map((one) => one.source)))
        add(
          `rate by source|${model}|${kind} ${source ?? "unknown"}`,
          ofModel.filter((one) => one.source === source),
        );
      const predicted = ofModel.filter((one) => one.probabilities && one.mode === "live");
      const sum = predicted.reduce((total, one) => total + (one.probabilities?.[head] ?? 0), 0);
      const happened = predicted.filter((one) => did(one, kind)).length;
      if (predicted.length > 0) expected.set(`predicted|${model}|${kind}`, [sum / predicted.length, predicted.length]);
      if (happened > 0) expected.set(`calibration|${model}|${kind}`, [sum / happened, happened]);
    }
  }

  const begins = Date.parse(`${day}T00:00:00Z`);
  const ends = begins + 24 * hours;
  const known = shown.filter(({ post }) => posts[post] !== undefined);
  const recent = posts.flatMap((at, post) => (at >= ends - 30 * 24 * hours && at < ends ? [post] : []));
  const seen = new Set(known.map(({ post }) => post));
  expected.set("coverage|0|", [recent.filter((post) => seen.has(post)).length / recent.length, recent.length]);
  for (const [slice, age] of [
    ["1 day", 24],
    ["7 days", 168],
  ] as const)
    expected.set(`fresh|0|${slice}`, [
      known.filter(({ post, at }) => at <= posts[post] + age * hours).length / known.length,
      known.length,
    ]);
  const came = (post: number) =>
    new Set(acts.filter((act) => act.post === post && act.at < ends).map(({ user }) => user)).size;
  const bits = known.map(({ post }) => -Math.log2((came(post) + 1) / (people + authors + 1)));
  expected.set("novelty|0|", [bits.reduce((a, b) => a + b, 0) / known.length, known.length]);
  const times = Array.from({ length: authors }, (_, a) => known.filter(({ post }) => post % authors === a).length)
    .filter((n) => n > 0)
    .sort((a, b) => b - a);
  const top = times.slice(0, Math.ceil(times.length / 10)).reduce((a, b) => a + b, 0);
  expected.set("authors|0|", [top / known.length, known.length]);
  return expected;
}

function assertFigures(actual: Map<string, Figure>, expected: Map<string, [number, number]>): void {
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort());
  for (const [name, [value, count]] of expected) {
    const figure = actual.get(name) ?? assert.fail();
    assert.equal(figure.count, count, name);
    assert.ok(Math.abs(figure.value - value) <= 1e-6 * Math.abs(value), `${name}: ${figure.value}, not ${value}`);
  }
}

await onBoth("each figure of a day is that of another computation", async (_, { pool }) => {
  const models = [await insertModel(pool, "a"), await insertModel(pool, "b")];
  const { community, impressions } = drawDay(new Random(5), day, models);
  await fillDay(pool, community, impressions);
  await measure(day, pool);
  assertFigures(await figuresOf(day, pool), byHand(community, impressions));
});

test("measured once more, a day has the same figures, and none is left of before", async () => {
  const models = [await insertModel(pool, "a")];
  const { community, impressions } = drawDay(new Random(6), day, models);
  await fillDay(pool, community, impressions);
  await measure();
  const before = await figuresOf();
  await pool.query("insert into recsys.daily_metrics values ($1, 'rate', 77, 'view', 1, 1)", [day]);
  await measure();
  assert.deepEqual(await figuresOf(), before);
});

test("what a model that is gone ranked, a post that is gone and a person who is gone leave their figures as they are", async () => {
  const model = await insertModel(pool, "a");
  const { community, impressions } = drawDay(new Random(7), day, [model]);
  await fillDay(pool, community, impressions);
  await pool.query(
    "update recsys.models set status = 'retired'; select recsys.drop_model(model_id) from recsys.models",
  );
  await pool.query("delete from public.posts where id = $1", [uuid("b", 0)]);
  await pool.query("delete from public.profiles where id = $1", [uuid("a", 0)]);
  await pool.query("select recsys.erase()");
  await pool.query("select recsys.roll_up(null)");
  const left = impressions.filter(({ user, post }) => user !== 0 && post !== 0);
  const acts = community.acts.filter(({ user, post }) => user !== 0 && post !== 0);
  const remaining = { ...community, acts, people: community.people - 1, posts: [...community.posts] };
  delete remaining.posts[0];
  await measure();
  const measured = await figuresOf();
  assertFigures(measured, byHand(remaining, left));
  // and what was measured before stays
  await pool.query("delete from public.profiles where id = $1", [uuid("a", 1)]);
  await pool.query("select recsys.erase()");
  assert.deepEqual(await figuresOf(), measured);
  const { rowCount } = await pool.query(
    "select from recsys.erasable_columns where table_name = 'recsys.daily_metrics'::regclass",
  );
  assert.equal(rowCount, 0, "nothing in it is of one person or post");
});

test("a day of which a post is deleted and not erased yet counts it as shown", async () => {
  const { community, impressions } = drawDay(new Random(8), day, [await insertModel(pool, "a")]);
  await fillDay(pool, community, impressions);
  await pool.query("delete from public.posts where id = $1", [uuid("b", 0)]);
  const gone = { ...community, acts: community.acts.filter(({ post }) => post !== 0), posts: [...community.posts] };
  delete gone.posts[0];
  await measure();
  assertFigures(await figuresOf(), byHand(gone, impressions));
});

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

function assertNear(figures: Map<string, Figure>, name: string, value: number, count = 20): void {
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
    await pool.query("insert into recsys.training_features values ($1, $2, $3, $4, $5)", [
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
  await measure();
  const figures = await figuresOf();
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
  await measure();
  const figures = await figuresOf();
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
  await measure();
  assert.equal([...(await figuresOf()).keys()].filter((name) => name.startsWith("drift|")).length, 0);
});

test("a day without anything is measured too: nothing was shown", async () => {
  await measure();
  assert.deepEqual(
    [...(await figuresOf()).values()],
    [{ metric: "shown", model_id: 0, slice: "", value: 0, count: 0 }],
  );
});

test("a day is measured when its last labels are settled, and not before", async () => {
  const clock = (await pool.query("select (recsys.clock() at time zone 'UTC')::date::text as today")).rows[0].today;
  for (const [ago, settled] of [
    [0, false],
    [1, false],
    [2, true],
  ] as const) {
    const of = new Date(Date.parse(clock) - ago * 24 * hours).toISOString().slice(0, 10);
    if (settled) await measure(of);
    else await assert.rejects(measure(of), /labels of \d{4}-\d\d-\d\d are not settled/);
  }
  await assert.rejects(pool.query("select recsys.measure_day(null)"), /labels of no day are not settled/);
  await assert.rejects(pool.query("select recsys.measure_days(-1)"), /0 days or more are measured at once, not -1/);
  await assert.rejects(pool.query("select recsys.measure_days(null)"), /not null/);
});

const measuredDays = async () =>
  (
    await pool.query(
      `select ((recsys.clock() at time zone 'UTC')::date - day)::int as ago from recsys.daily_metrics where metric = 'shown' order by day`,
    )
  ).rows.map(({ ago }) => ago);

test("missed days are caught up with, the oldest first, so many a run, and then there is nothing to do", async () => {
  assert.equal(await measureDays(2), 2);
  assert.deepEqual(await measuredDays(), [36, 35]);
  assert.equal(await measureDays(100), 33);
  assert.equal(await measureDays(100), 0);
  assert.deepEqual((await measuredDays()).at(-1), 2);
  // one in the middle, by hand
  await pool.query("delete from recsys.daily_metrics where day = (recsys.clock() at time zone 'UTC')::date - 9");
  assert.equal(await measureDays(100), 1);
});

test("after months in which nothing was measured no day is left out, as far as there are impressions", async () => {
  await measureDays(100);
  await pool.query("update recsys.settings set clock_shift = '-100 days'");
  assert.equal(await measureDays(1000), 100);
  await pool.query("update recsys.settings set clock_shift = '-400 days'");
  // impressions_kept: six months
  const n = await measureDays(1000);
  assert.ok(n >= 177 && n <= 183, `${n} days`);
});

test("figures are kept for two years", async () => {
  await measureDays(1);
  await pool.query("update recsys.daily_metrics set day = day - 694 where metric = 'shown'");
  await measureDays(0);
  assert.deepEqual(await measuredDays(), [730]);
  await pool.query("update recsys.daily_metrics set day = day - 2 where metric = 'shown'");
  await measureDays(0);
  assert.deepEqual(await measuredDays(), []);
});

test("the lag of a day is the longest that was seen", async () => {
  const lag = async () =>
    (
      await pool.query(
        "select slice, round(value::numeric)::int as value, count::int from recsys.daily_metrics where metric = 'lag' order by slice",
      )
    ).rows;
  await pool.query("truncate recsys.embedding_jobs, recsys.feature_changes");
  await measureDays(0);
  assert.deepEqual(await lag(), [
    { slice: "embedding", value: 0, count: 1 },
    { slice: "roll-up", value: 0, count: 1 },
  ]);
  await pool.query(
    "insert into recsys.feature_changes (user_id, queued_at) values ($1, now() - interval '90 seconds')",
    [uuid("a", 0)],
  );
  await measureDays(0);
  await pool.query("truncate recsys.feature_changes");
  await measureDays(0);
  assert.deepEqual(await lag(), [
    { slice: "embedding", value: 0, count: 3 },
    { slice: "roll-up", value: 90, count: 3 },
  ]);
});

test("degraded feeds of a day are those of its hours together", async () => {
  const show = (feeds: number, degraded: number) =>
    pool.query(
      `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, degraded)
       select md5($1 || ' ' || n)::uuid, $3, md5(place::text)::uuid, place, recsys.clock() - interval '59 minutes', case when n <= $2::int then 'unranked' end
       from generate_series(1, $1::int) as n cross join generate_series(1, 3) as place`,
      [feeds, degraded, uuid("a", 0)],
    );
  const degraded = async () => {
    await measureDays(0);
    const { rows } = await pool.query("select value, count::int from recsys.daily_metrics where metric = 'degraded'");
    return rows;
  };
  assert.deepEqual(await degraded(), []);
  await show(10, 1);
  assert.deepEqual(await degraded(), [{ value: 0.1, count: 10 }]);
  await pool.query("update recsys.impressions set shown_at = shown_at - interval '5 minutes'");
  await show(30, 15);
  assert.deepEqual(await degraded(), [{ value: 0.4, count: 40 }]);
});

test("who measures holds up neither feeds nor events, and two at once do it once", {
  skip,
}, async (t) => {
  const model = await insertModel(pool, "a");
  const { community, impressions } = drawDay(new Random(9), day, [model]);
  await fillDay(pool, community, impressions);
  const [measuring, feed] = [await pool.connect(), await pool.connect()];
  t.after(async () => {
    for (const client of [measuring, feed]) {
      await client.query("rollback");
      client.release();
    }
  });
  await measuring.query("begin");
  assert.equal((await measuring.query("select recsys.measure_days(100) as n")).rows[0].n, 35);
  await feed.query("set lock_timeout = '100ms'");
  assert.equal((await feed.query("select recsys.measure_days(100) as n")).rows[0].n, 0, "the other one does it");
  await feed.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, model_id)
     values (gen_random_uuid(), $1, $2, 1, now(), $3), (gen_random_uuid(), $1, $2, 1, $4::date, $3)`,
    [uuid("a", 0), uuid("b", 1), model, day],
  );
  await feed.query("update recsys.impressions set seen_at = now()");
  await feed.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [uuid("a", 0), uuid("b", 1)]);
  await feed.query("select recsys.roll_up(null)");
  const { rows } = await pool.query(
    `select distinct relation::regclass::text as name, mode from pg_locks
     where pid = $1 and locktype = 'relation' and mode not in ('AccessShareLock') order by 1`,
    [(await measuring.query("select pg_backend_pid() as pid")).rows[0].pid],
  );
  assert.deepEqual(
    rows.map(({ name, mode }) => [name, mode]),
    [
      ["recsys.daily_metrics", "RowExclusiveLock"],
      ["recsys.daily_metrics_pkey", "RowExclusiveLock"],
    ],
  );
  await measuring.query("commit");
});
