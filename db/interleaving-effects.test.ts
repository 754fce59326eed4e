/** The statistics of interleavings, against the same computed by hand in another way. Simulations: interleaving-effects.full.test.ts. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  betterModel,
  compareTeams,
  type ExpectedCredit,
  interleavedOutcome,
  noCredit,
  votePreference,
} from "../testing/interleaving.ts";
import { stream } from "../trainer/data/synthetic/draws.ts";
import { eitherDatabase } from "./testing.ts";
import { density, integral, near, sum } from "./testing-statistics.ts";

const { pool } = await eitherDatabase({ after }, "interleaving_effects");

test("figures are those of another computation, to six digits", async () => {
  const random = stream(1, "teams by hand");
  const people = Array.from({ length: 400 }, () => interleavedOutcome(random, betterModel));
  const weighted = people.map((row) => ({
    ...row,
    metric: "score",
    first_credit: row.first_credit * random.uniform(),
    second_credit: row.second_credit * random.uniform(),
  }));
  const found = await compareTeams(pool, [...people, ...weighted]);
  for (const rows of [people, weighted]) {
    const figures = found.find(({ metric }) => metric === rows[0].metric) ?? assert.fail();
    const a = rows.map((row) => row.first_credit);
    const b = rows.map((row) => row.second_credit);
    const n = rows.length;
    assert.deepEqual(
      [figures.people, figures.acting, figures.pages, figures.first_wins, figures.second_wins].map(Number),
      [
        n,
        rows.filter((row) => row.first_credit + row.second_credit > 0).length,
        sum(rows.map((row) => row.pages)),
        sum(rows.map((row) => row.first_wins)),
        sum(rows.map((row) => row.second_wins)),
      ],
    );
    near(figures.first_credit, sum(a), "first credit");
    near(figures.second_credit, sum(b), "second credit");
    // the jackknife as it is written down: the same again without each person
    const preferenceOf = (those: ExpectedCredit[]) => {
      const [first, second] = [sum(those.map((row) => row.first_credit)), sum(those.map((row) => row.second_credit))];
      return (2 * second) / (first + second) - 1;
    };
    const preference = preferenceOf(rows);
    const without = rows.map((_, i) => preferenceOf(rows.filter((_, j) => j !== i)));
    const variance = ((n - 1) / n) * sum(without.map((value) => (value - sum(without) / n) ** 2));
    // for so many people it is the delta method's, with covariances of a and b
    const covariance = (x: number[], y: number[]) =>
      (sum(x.map((value, i) => value * y[i])) - (sum(x) * sum(y)) / n) / (n - 1);
    const total = (sum(a) + sum(b)) / n;
    const gradient = [(-2 * (sum(b) / n)) / total ** 2, (2 * (sum(a) / n)) / total ** 2];
    const delta =
      (gradient[0] ** 2 * covariance(a, a) +
        2 * gradient[0] * gradient[1] * covariance(a, b) +
        gradient[1] ** 2 * covariance(b, b)) /
      n;
    assert.ok(Math.abs(variance / delta - 1) < 0.05, `${variance}, and ${delta} by the delta method`);
    const error = Math.sqrt(variance);
    near(figures.preference ?? Number.NaN, preference, "preference");
    near(figures.low, preference - 1.959963984540054 * error, "low");
    near(figures.high, preference + 1.959963984540054 * error, "high");
    near(figures.p, 1 - 2 * integral(density, 0, Math.abs(preference) / error), "p");
    // the likelihood of the preference, mixed over true ones of variance 0.0025, relative to that of none
    const mixed = (d: number) =>
      integral((effect) => density(effect, 0.0025) * density(d - effect, variance), -2, 2) / density(d, variance);
    near(figures.always_p, Math.min(1, 1 / mixed(preference)), "always p");
    for (const bound of [figures.always_low, figures.always_high]) near(mixed(preference - bound), 20, "always");
  }
  const stricter = await votePreference(pool, people, 0.01);
  const looser = found.find(({ metric }) => metric === "vote") ?? assert.fail();
  assert.ok(stricter.always_low < looser.always_low && stricter.low === looser.low);
});

test("the teams change places, and so do all figures", async () => {
  const random = stream(2, "teams by hand");
  const people = Array.from({ length: 200 }, () => interleavedOutcome(random, betterModel));
  const turned = people.map((row) => ({
    ...row,
    first_wins: row.second_wins,
    second_wins: row.first_wins,
    first_credit: row.second_credit,
    second_credit: row.first_credit,
  }));
  const [one, other] = [await votePreference(pool, people), await votePreference(pool, turned)];
  near(one.preference ?? Number.NaN, -(other.preference ?? Number.NaN), "preference");
  near(one.always_low, -other.always_high, "always low");
  near(one.p, other.p, "p");
});

test("nothing is said where too little is known, and nothing breaks", async () => {
  const one = { ...noCredit(), pages: 1, first_wins: 1, first_credit: 1 };
  const other = { ...noCredit(), pages: 1, second_wins: 1, second_credit: 1 };
  const idle = { ...noCredit(), pages: 1 };
  const many = (row: ExpectedCredit, times: number) => Array.from({ length: times }, () => row);
  assert.deepEqual(await compareTeams(pool, []), []);
  for (const people of [[one], many(idle, 100), [...many(one, 24), ...many(other, 25), ...many(idle, 1000)]])
    for (const [name, figure] of Object.entries(await votePreference(pool, people)))
      if (/preference|low|high|p$/.test(name)) assert.equal(figure, null, name);
  // all alike: no variance, so no interval
  assert.equal((await votePreference(pool, many(one, 100))).preference, null);
  assert.equal((await votePreference(pool, [...many(one, 25), ...many(other, 25)])).preference, 0);
  const certain = await votePreference(pool, [...many(one, 10), ...many(other, 5000)]);
  assert.ok(certain.always_p < 1e-100 && certain.always_high <= 1 && certain.high <= 1);
  // one person who did more than all others together proves nothing
  const wild = await votePreference(pool, [...many(one, 100), ...many(other, 100), { ...other, second_credit: 1e6 }]);
  assert.ok(wild.always_p > 0.5 && wild.always_low === -1, `${wild.always_p}`);
});
