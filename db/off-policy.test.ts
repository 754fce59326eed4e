/** Off-policy estimates for a shadow model, against the same figures computed in another way. Simulations: off-policy.full.test.ts. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import {
  clearPlaces,
  drawPlaces,
  drawWorld,
  type LogEntry,
  model,
  offPolicy,
  scoreOf,
  writePlaces,
} from "../testing/off-policy.ts";
import { stream } from "../trainer/data/synthetic/draws.ts";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "off_policy");
beforeEach(async () => {
  await clearPlaces(pool);
  await pool.query("update recsys.settings set view_weight = 0.2, vote_weight = 1, comment_weight = 1");
});

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

function near(actual: number | null | undefined, expected: number, what: string): void {
  assert.ok(
    typeof actual === "number" && Math.abs(actual - expected) <= 1e-6 * Math.max(1e-3, Math.abs(expected)),
    `${what}: ${actual}, not ${expected}`,
  );
}

/** R = ΣA / ΣB over people and a baseline ΣC / ΣN, and how much both vary as each person is left out in turn. */
function ratio(a: number[], b: number[], c: number[], n: number[]) {
  const people = a.length;
  const without = (x: number[], left: number) => sum(x.filter((_, i) => i !== left));
  const [value, baseline] = [sum(a) / sum(b), sum(c) / sum(n)];
  const differences = a.map((_, i) => [
    without(a, i) / without(b, i) - value,
    without(c, i) / without(n, i) - baseline,
  ]);
  const error = (of: (pair: number[]) => number) =>
    Math.sqrt(((people - 1) / people) * sum(differences.map((pair) => of(pair) ** 2)));
  return { value, error: error(([own]) => own), gain: value - baseline, gainError: error(([own, base]) => own - base) };
}

/** The figures from the places themselves. */
function byHand(places: LogEntry[]) {
  const people = [...new Set(places.map(({ user }) => user))];
  const each = (of: (place: LogEntry) => number) =>
    people.map((person) => sum(places.filter(({ user }) => user === person).map(of)));
  const weight = (place: LogEntry) => place.shadowPropensity / place.propensity;
  const reward = (place: LogEntry) => scoreOf(place.acted);
  const [n, r] = [each(() => 1), each(reward)];
  const modelled = each((place) => scoreOf(place.expected) + weight(place) * (reward(place) - scoreOf(place.served)));
  const servedModelled = each((place) => scoreOf(place.servedExpected) + reward(place) - scoreOf(place.served));
  const weighted = each((place) => weight(place) * reward(place));
  return {
    estimates: {
      logged: ratio(r, n, r, n),
      ips: ratio(weighted, n, r, n),
      snips: ratio(weighted, each(weight), r, n),
      dr: ratio(modelled, n, servedModelled, n),
    },
    people: people.length,
    effective: sum(places.map(({ support }) => support)) ** 2 / sum(places.map(({ weightSquared }) => weightSquared)),
    meanWeight: sum(places.map(weight)) / places.length,
  };
}

/** 97.5 % of Student's t with so many degrees of freedom, to the second order of what Fisher and Cornish give. */
function studentQuantile(degrees: number): number {
  const z = 1.959963984540054;
  return z + (z ** 3 + z) / (4 * degrees);
}

test("figures are those of another computation, to six digits", async () => {
  const world = drawWorld(1);
  const places = drawPlaces(world, stream(1, "by hand"), 120);
  for (const place of places) place.support = Math.fround(0.97);
  await writePlaces(pool, places, 3);
  // in another time, not over a day ago, not drawn, or of another model
  await writePlaces(pool, drawPlaces(world, stream(2, "by hand"), 60), 5);
  await writePlaces(pool, drawPlaces(world, stream(3, "by hand"), 60), 0);
  await pool.query(
    "update recsys_engine.shadow_impressions set support = null, expected = null, served_expected = null, weight_squared = null, weight_cubed = null where shown_at > now() - interval '1 day'",
  );
  const found = await offPolicy(pool, 3);
  const expected = byHand(places);
  assert.deepEqual([...found.keys()], ["logged", "ips", "snips", "dr"]);
  for (const [estimator, { value, error, gain, gainError }] of Object.entries(expected.estimates)) {
    const row = found.get(estimator) ?? assert.fail();
    const quantile = studentQuantile(expected.people - 1);
    near(row.estimate, value, estimator);
    near(row.low, value - quantile * error, `${estimator}, low`);
    near(row.high, value + quantile * error, `${estimator}, high`);
    if (estimator === "logged") assert.deepEqual([row.gain, row.gain_low, row.gain_high], [null, null, null]);
    else {
      near(row.gain, gain, `${estimator}, gain`);
      near(row.gain_low, gain - quantile * gainError, `${estimator}, gain, low`);
      near(row.gain_high, gain + quantile * gainError, `${estimator}, gain, high`);
    }
    assert.deepEqual([Number(row.places), Number(row.people)], [places.length, expected.people]);
    near(row.effective_sample_size, expected.effective, "effective sample size");
    near(row.mean_weight, expected.meanWeight, "mean weight");
    near(row.support, Math.fround(0.97), "support");
  }
});

test("a model that draws as was drawn earns what was earned", async () => {
  const places = drawPlaces(drawWorld(1), stream(1, "alike"), 100);
  for (const place of places) {
    place.shadowPropensity = place.propensity;
    place.expected = place.servedExpected;
    place.weightSquared = place.weightCubed = 1;
  }
  await writePlaces(pool, places, 3);
  const found = await offPolicy(pool, 3);
  const logged = found.get("logged") ?? assert.fail();
  for (const estimator of ["ips", "snips"]) {
    const row = found.get(estimator) ?? assert.fail();
    for (const figure of ["estimate", "low", "high"] as const) near(row[figure], logged[figure], estimator);
  }
  for (const estimator of ["ips", "snips", "dr"]) {
    const row = found.get(estimator) ?? assert.fail();
    for (const figure of [row.gain, row.gain_low, row.gain_high])
      assert.ok(Math.abs(figure ?? 1) < 1e-6, `${estimator}: ${figure}`);
    near(row.effective_sample_size, places.length, "all count");
  }
});

test("that a model would earn more is seen without showing it to anybody", async () => {
  const world = drawWorld(5, 0.1);
  const gain = world.truth.shadow - world.truth.served;
  await writePlaces(pool, drawPlaces(world, stream(1, "better"), 2000), 3);
  const found = await offPolicy(pool, 3);
  for (const estimator of ["snips", "dr"]) {
    const { gain_low, gain_high } = found.get(estimator) ?? assert.fail();
    assert.ok(
      0 < Number(gain_low) && Number(gain_low) <= gain && gain <= Number(gain_high),
      `${gain_low} to ${gain_high}`,
    );
  }
});

const day = "now() - interval '3 days'";

/** What may be wrong with the places, and the one line that says so. */
const refusals: [what: string, message: RegExp, places: (all: LogEntry[]) => LogEntry[], afterwards?: string][] = [
  [
    "nothing was drawn",
    /^no place that was drawn and scored by the shadow of simulated is a day old in that time$/,
    () => [],
  ],
  [
    "the day is not over",
    /^no place that was drawn/,
    (all) => all,
    `with moved as (update recsys.impressions set shown_at = now() - interval '1 hour') update recsys_engine.shadow_impressions set shown_at = now() - interval '1 hour'`,
  ],
  [
    "propensities are missing",
    /^propensities are missing: \d+ of \d+ drawn places have none in recsys.impressions$/,
    (all) => all,
    "update recsys.impressions set propensity = null where ('x' || right(post_id::text, 2))::bit(8)::int % 20 = 0",
  ],
  [
    "impressions were lost",
    /^propensities are missing/,
    (all) => all,
    "delete from recsys.impressions where ('x' || right(post_id::text, 2))::bit(8)::int % 20 = 0",
  ],
  [
    "there are too few people",
    /^too little is known: 49 people \(50 are needed\)/,
    (all) => all.filter(({ user }) => user < 49),
  ],
  [
    "hardly anybody acted",
    /^too little is known: \d+ people \(50 are needed\) acted on 24 drawn places \(25\)/,
    (all) => all.map((place, i) => ({ ...place, acted: i < 24 ? [1, 0, 0] : [0, 0, 0] })),
  ],
  [
    "the effective sample size is small",
    /and \d+ of them say as much as 29\.\d drawn by the model itself \(30\)$/,
    (all) => all.map((place) => ({ ...place, weightSquared: all.length / 29.5, weightCubed: 1 })),
  ],
  [
    "a few rare posts decide",
    /^the weights differ too much: \d+ drawn places would be needed for an interval that holds, and there are \d+$/,
    (all) => all.map((place) => ({ ...place, weightSquared: 2, weightCubed: 20 })),
  ],
  [
    "the model finds others",
    /^the support is too thin: 6\.0 % of what the model would have drawn could not be drawn$/,
    (all) => all.map((place) => ({ ...place, support: 0.94, shadowPropensity: place.shadowPropensity * 0.94 })),
  ],
  [
    "the propensities are others",
    /^the propensities are not those by which places were drawn: the mean weight is 1\.99\d and has to be about 1\.000$/,
    (all) => all.map((place) => ({ ...place, propensity: place.propensity / 2 })),
  ],
];

for (const [what, message, places, afterwards] of refusals)
  test(`where ${what}, no figure is given but a line that says so, and what to do`, async () => {
    await writePlaces(pool, places(drawPlaces(drawWorld(1), stream(1, "refused"), 150)), 3);
    if (afterwards) await pool.query(afterwards);
    await assert.rejects(
      pool.query("select * from recsys.off_policy($1)", [model]),
      (error: Error & { hint?: string }) => {
        assert.match(error.message, message);
        assert.ok(error.hint && error.hint.length > 20);
        return true;
      },
    );
  });

test("a lost impression among a hundred is left out, and that is all", async () => {
  const places = drawPlaces(drawWorld(1), stream(1, "lost"), 150);
  await writePlaces(pool, places, 3);
  await pool.query(
    "delete from recsys.impressions where post_id in (select post_id from recsys.impressions order by post_id limit 3)",
  );
  const found = await offPolicy(pool, 3);
  assert.equal(Number(found.get("dr")?.places), places.length - 3);
});

test("what is asked for wrongly is refused, or nothing", async () => {
  await writePlaces(pool, drawPlaces(drawWorld(1), stream(1, "asked"), 150), 3);
  await assert.rejects(
    pool.query("select * from recsys.off_policy('another')"),
    /^error: there was no shadow of another$/,
  );
  await assert.rejects(pool.query("select * from recsys.off_policy(null)"), /there was no shadow of \(null\)/);
  await assert.rejects(
    pool.query(`select * from recsys.off_policy($1, ${day}, ${day} - interval '1 day')`, [model]),
    /no place that was drawn/,
  );
  await assert.rejects(pool.query("select * from recsys.off_policy($1, null)", [model]), /no place that was drawn/);
  await pool.query("update recsys.settings set view_weight = 0, vote_weight = 0, comment_weight = 0");
  const { rows } = await pool.query("select estimate, low, high from recsys.off_policy($1)", [model]);
  assert.deepEqual(rows, Array(4).fill({ estimate: 0, low: 0, high: 0 }));
});
