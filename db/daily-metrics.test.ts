/** The figures of a day, held against another computation of the same. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { uuid } from "../testing/community.ts";
import {
  clearFigures,
  type DailyFigure,
  drawDay,
  figuresOf,
  fillDay,
  hours,
  insertModel,
  type MeasuredCommunity,
  type ShownPost,
  settledDay,
} from "../testing/daily-metrics.ts";
import { Random } from "../trainer/models/nn/random.ts";
import { onBoth, testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "daily_metrics");
const day = settledDay();

beforeEach(() => clearFigures(pool));

const measure = (of = day, db = pool) => db.query("select recsys_engine.measure_day($1) as n", [of]);

/** All figures but the drift of features, from the arrays that the fixture was drawn as. */
function byHand(
  { people, posts, acts, authors }: MeasuredCommunity,
  impressions: ShownPost[],
): Map<string, [number, number]> {
  const expected = new Map<string, [number, number]>();
  const first = new Map<string, ShownPost>();
  for (const shown of [...impressions].sort((a, b) => a.at - b.at)) {
    const key = `${shown.user} ${shown.post}`;
    if (!first.has(key)) first.set(key, shown);
  }
  const shown = [...first.values()];
  const did = ({ user, post, at }: ShownPost, kind: string) =>
    acts.some(
      (act) => act.user === user && act.post === post && act.kind === kind && act.at > at && act.at <= at + 24 * hours,
    );
  expected.set("shown|0|", [shown.length, new Set(shown.map(({ user }) => user)).size]);

  const feeds = new Map(impressions.map((one) => [one.request, one]));
  const kindOf = ({ degraded, model, mode }: ShownPost) =>
    degraded ? `degraded to ${degraded}` : model === null ? "no model" : mode;
  for (const kind of new Set([...feeds.values()].map(kindOf)))
    expected.set(`feeds|0|${kind}`, [
      [...feeds.values()].filter((feed) => kindOf(feed) === kind).length / feeds.size,
      feeds.size,
    ]);

  const placeOf = (position: number) =>
    position <= 10 ? `${position}` : position <= 20 ? "11-20" : position <= 50 ? "21-50" : "51 on";
  for (const [head, kind] of (["view", "vote", "comment"] as const).entries()) {
    const add = (name: string, those: ShownPost[]) =>
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

function assertFigures(actual: Map<string, DailyFigure>, expected: Map<string, [number, number]>): void {
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
  assertFigures(await figuresOf(pool, day), byHand(community, impressions));
});

test("measured once more, a day has the same figures, and none is left of before", async () => {
  const models = [await insertModel(pool, "a")];
  const { community, impressions } = drawDay(new Random(6), day, models);
  await fillDay(pool, community, impressions);
  await measure();
  const before = await figuresOf(pool, day);
  await pool.query("insert into recsys.daily_metrics values ($1, 'rate', 77, 'view', 1, 1)", [day]);
  await measure();
  assert.deepEqual(await figuresOf(pool, day), before);
});

test("what a model that is gone ranked, a post that is gone and a person who is gone leave their figures as they are", async () => {
  const model = await insertModel(pool, "a");
  const { community, impressions } = drawDay(new Random(7), day, [model]);
  await fillDay(pool, community, impressions);
  await pool.query(
    "update recsys.models set status = 'retired'; select recsys_engine.drop_model(model_id) from recsys.models",
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
  const measured = await figuresOf(pool, day);
  assertFigures(measured, byHand(remaining, left));
  // and what was measured before stays
  await pool.query("delete from public.profiles where id = $1", [uuid("a", 1)]);
  await pool.query("select recsys.erase()");
  assert.deepEqual(await figuresOf(pool, day), measured);
  const { rowCount } = await pool.query(
    "select from recsys_engine.erasable_columns where table_name = 'recsys.daily_metrics'::regclass",
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
  assertFigures(await figuresOf(pool, day), byHand(gone, impressions));
});

test("a day without anything is measured too: nothing was shown", async () => {
  await measure();
  assert.deepEqual(
    [...(await figuresOf(pool, day)).values()],
    [{ metric: "shown", model_id: 0, slice: "", value: 0, count: 0 }],
  );
});
