/**
 * The statistics of interleavings against the same computed by hand in another way, and in simulations of many. SOAK sets how many: 60 by default, 500 in `npm run
 * test:soak`.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { compareVariants } from "../testing/experiments.ts";
import {
  compareTeams,
  drawReader,
  type ExpectedCredit,
  interleavedOutcome,
  type Models,
  noCredit,
  type Preference,
  readDrafted,
  splitOutcome,
} from "../testing/interleaving.ts";
import { stream } from "../trainer/synthetic/draws.ts";
import { eitherDatabase } from "./testing.ts";
import { density, integral, near, share, sum } from "./testing-statistics.ts";

const { pool } = await eitherDatabase({ after }, "interleaving_effects");
const number = Number(process.env.SOAK ?? 60);
const alike: Models = { noise: { 1: 1, 2: 1 }, shared: 0.5 };
const better: Models = { noise: { 1: 1, 2: 0.7 }, shared: 0.5 };

async function votes(people: ExpectedCredit[], alpha?: number): Promise<Preference> {
  return (await compareTeams(pool, people, alpha)).find(({ metric }) => metric === "vote") ?? assert.fail();
}

test("figures are those of another computation, to six digits", async () => {
  const random = stream(1, "teams by hand");
  const people = Array.from({ length: 400 }, () => interleavedOutcome(random, better));
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
  const stricter = await votes(people, 0.01);
  const looser = found.find(({ metric }) => metric === "vote") ?? assert.fail();
  assert.ok(stricter.always_low < looser.always_low && stricter.low === looser.low);
});

test("the teams change places, and so do all figures", async () => {
  const random = stream(2, "teams by hand");
  const people = Array.from({ length: 200 }, () => interleavedOutcome(random, better));
  const turned = people.map((row) => ({
    ...row,
    first_wins: row.second_wins,
    second_wins: row.first_wins,
    first_credit: row.second_credit,
    second_credit: row.first_credit,
  }));
  const [one, other] = [await votes(people), await votes(turned)];
  near(one.preference ?? Number.NaN, -(other.preference ?? Number.NaN), "preference");
  near(one.always_low, -other.always_high, "always low");
  near(one.p, other.p, "p");
});

/** Preferences of many experiments of the same truth. */
async function experiments(purpose: string, size: number, models: Models): Promise<Preference[]> {
  const found: Preference[] = [];
  for (let i = 0; i < number; i++) {
    const random = stream(i, purpose);
    found.push(
      await votes(
        Array.from({ length: size }, () => interleavedOutcome(random, models)),
        0.05,
      ),
    );
  }
  return found;
}

/** How many standard errors of so many trials a share may be off: never wrong by chance in years of test runs. */
const errors = (p: number, times: number) => times * Math.sqrt((p * (1 - p)) / number);

test("a model against one as good is significant at 5 % in 3 to 7 % of 500 experiments, and the always valid test errs less", async (t) => {
  const found = await experiments("teams a/a", 300, alike);
  const significant = share(found, ({ p }) => p < 0.05);
  const covered = share(found, ({ low, high }) => low <= 0 && 0 <= high);
  const always = share(found, ({ always_p }) => always_p < 0.05);
  t.diagnostic(
    `of ${number}: ${(100 * significant).toFixed(1)} % significant, ${(100 * covered).toFixed(1)} % covered, always valid ${(100 * always).toFixed(1)} %`,
  );
  // of 500 that is 2 standard errors, of fewer as many of theirs and one more
  const margin = Math.max(0.02, errors(0.05, 3));
  assert.ok(Math.abs(significant - 0.05) <= margin, `${significant}`);
  assert.ok(Math.abs(covered - 0.95) <= margin, `${covered}`);
  assert.ok(always <= 0.05 + errors(0.05, 3), `${always}`);
});

test("a difference is found with a fraction of the people that a split needs, on the same clicks", async (t) => {
  // how much one person tells, from many of them
  const random = stream(1, "teams or split");
  const many = 6000;
  const z = { power: 1.959964 + 0.841621, of: (p: Preference) => (p.high - p.low) / 2 / 1.959964 };
  const teams = await votes(Array.from({ length: many }, () => interleavedOutcome(random, better)));
  const people = Array.from({ length: many }, () => splitOutcome(random, better));
  const split = (await compareVariants(pool, people)).find(
    ({ variant, people_group }) => variant === "b" && people_group === "all",
  );
  assert.ok(split?.ratio && teams.preference);
  const needed = (effect: number, error: number) => many * ((z.power * error) / effect) ** 2;
  const bySplit = needed(Math.log(split.ratio), (Math.log(split.high) - Math.log(split.low)) / 2 / 1.959964);
  const byTeams = needed(teams.preference, z.of(teams));
  t.diagnostic(
    `votes ${(100 * (split.ratio - 1)).toFixed(1)} % more, preference ${teams.preference.toFixed(3)}: 80 of 100 find it with ${byTeams.toFixed(0)} people, and by a split with ${bySplit.toFixed(0)}: ${(bySplit / byTeams).toFixed(1)} times`,
  );
  assert.ok(bySplit > 3 * byTeams, `${bySplit} and ${byTeams}`);
  // and so it is: with as many people as theory asks for, as often as it says, where a split of the same people mostly finds nothing
  const size = Math.round(byTeams);
  const found = share(
    await experiments("teams found", size, better),
    ({ p, preference }) => p < 0.05 && (preference ?? 0) > 0,
  );
  let bySame = 0;
  for (let i = 0; i < number; i++) {
    const random = stream(i, "split found");
    const rows = await compareVariants(
      pool,
      Array.from({ length: size }, () => splitOutcome(random, better)),
    );
    const b = rows.find(({ variant, people_group }) => variant === "b" && people_group === "all");
    bySame += Number(b?.ratio && b.p < 0.05 && b.ratio > 1) / number;
  }
  t.diagnostic(`of ${number} with ${size} people each: found ${found.toFixed(3)}, and by a split ${bySame.toFixed(3)}`);
  // byTeams itself is an estimate
  assert.ok(Math.abs(found - 0.8) <= 0.1 + errors(0.8, 3), `${found}`);
  assert.ok(bySame < found - 0.2, `${bySame}`);
});

test("looked at every day while people return, the always valid test errs no more often than it says, and the other one does", async (t) => {
  const [days, arriving] = [14, 30];
  let [always, once] = [0, 0];
  for (let i = 0; i < number; i++) {
    const random = stream(i, "peeking at teams");
    const people: { reader: ReturnType<typeof drawReader>; credit: ExpectedCredit }[] = [];
    let [alwaysWrong, onceWrong] = [false, false];
    for (let day = 0; day < days; day++) {
      for (let j = 0; j < arriving; j++) people.push({ reader: drawReader(random), credit: noCredit() });
      for (const { reader, credit } of people)
        if (credit.pages === 0 || random.uniform() < 1 / 3) readDrafted(random, alike, { ...reader, pages: 1 }, credit);
      const { preference, p, always_p } = await votes(people.map(({ credit }) => credit));
      alwaysWrong ||= preference !== null && always_p < 0.05;
      onceWrong ||= preference !== null && p < 0.05;
    }
    always += Number(alwaysWrong);
    once += Number(onceWrong);
  }
  t.diagnostic(`of ${number}: wrong on any of ${days} days ${always} times, the test for one look ${once} times`);
  assert.ok(always / number <= 0.05 + errors(0.05, 3), `${always} of ${number}`);
  assert.ok(once > always, `${once} of ${number}`);
});

test("nothing is said where too little is known, and nothing breaks", async () => {
  const one = { ...noCredit(), pages: 1, first_wins: 1, first_credit: 1 };
  const other = { ...noCredit(), pages: 1, second_wins: 1, second_credit: 1 };
  const idle = { ...noCredit(), pages: 1 };
  const many = (row: ExpectedCredit, times: number) => Array.from({ length: times }, () => row);
  assert.deepEqual(await compareTeams(pool, []), []);
  for (const people of [[one], many(idle, 100), [...many(one, 24), ...many(other, 25), ...many(idle, 1000)]])
    for (const [name, figure] of Object.entries(await votes(people)))
      if (/preference|low|high|p$/.test(name)) assert.equal(figure, null, name);
  // all alike: no variance, so no interval
  assert.equal((await votes(many(one, 100))).preference, null);
  assert.equal((await votes([...many(one, 25), ...many(other, 25)])).preference, 0);
  const certain = await votes([...many(one, 10), ...many(other, 5000)]);
  assert.ok(certain.always_p < 1e-100 && certain.always_high <= 1 && certain.high <= 1);
  // one person who did more than all others together proves nothing
  const wild = await votes([...many(one, 100), ...many(other, 100), { ...other, second_credit: 1e6 }]);
  assert.ok(wild.always_p > 0.5 && wild.always_low === -1, `${wild.always_p}`);
});
