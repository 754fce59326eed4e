/**
 * The statistics of experiments where the truth is known: by hand in another way, and in simulations of many experiments. SOAK sets how
 * many are looked at day after day: 40 by default, 500 in `npm run test:soak`.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  compareVariants,
  drawOutcome,
  drawPeriod,
  drawPerson,
  type Effect,
  type PersonOutcome,
} from "../testing/experiments.ts";
import { stream } from "../trainer/synthetic/draws.ts";
import { eitherDatabase } from "./testing.ts";
import { density, integral, near, share, sum } from "./testing-statistics.ts";

const { pool } = await eitherDatabase({ after }, "experiment_effects");
const mean = (values: number[]) => sum(values) / values.length;

function treatment(effects: Effect[], group = "all", metric = "vote"): Effect {
  return (
    effects.find((row) => row.variant === "b" && row.people_group === group && row.metric === metric) ?? assert.fail()
  );
}

/** The same by sums of products in place of deviations: Var(R) = (Vy − 2R·Cyn + R²·Vn) / (k·n̄²), and so on with the time before. */
function byHand(people: PersonOutcome[]) {
  const arms = ["control", "b"].map((variant) => people.filter((person) => person.variant === variant));
  const columns = (rows: PersonOutcome[]) => [
    rows.map((row) => row.acted),
    rows.map((row) => row.shown),
    rows.map((row) => row.acted_before),
    rows.map((row) => row.shown_before),
  ];
  const covariances = (rows: PersonOutcome[]) => {
    const all = columns(rows);
    return all.map((a) =>
      all.map((b) => (sum(a.map((value, i) => value * b[i])) - (sum(a) * sum(b)) / rows.length) / (rows.length - 1)),
    );
  };
  const rateBefore = sum(people.map((row) => row.acted_before)) / sum(people.map((row) => row.shown_before));
  const parts = arms.map((rows) => {
    const [acted, shown, actedBefore, shownBefore] = columns(rows).map(sum);
    const rate = acted / shown;
    const scale = shown / rows.length;
    const c = covariances(rows);
    // of a·(Y, N, Y0, N0) and b·(Y, N, Y0, N0)
    const of = (a: number[], b: number[]) => sum(a.map((x, i) => sum(b.map((y, j) => x * y * c[i][j]))));
    const deviation = [1 / scale, -rate / scale, 0, 0];
    const before = [0, 0, 1, -rateBefore];
    return { rows, rate, of, deviation, before, meanBefore: (actedBefore - rateBefore * shownBefore) / rows.length };
  });
  const freedom = (part: (typeof parts)[number]) => part.rows.length - 1;
  const slope =
    sum(parts.map((part) => freedom(part) * part.of(part.deviation, part.before))) /
    sum(parts.map((part) => freedom(part) * part.of(part.before, part.before)));
  const overall = sum(parts.map((part) => part.rows.length * part.meanBefore)) / people.length;
  const estimates = parts.map((part) => {
    const both = part.deviation.map((value, i) => value - slope * part.before[i]);
    return {
      rate: part.rate - slope * (part.meanBefore - overall),
      variance: part.of(both, both) / part.rows.length,
      raw: part.of(part.deviation, part.deviation) / part.rows.length,
    };
  });
  const [control, b] = estimates;
  const ratio = b.rate / control.rate;
  const spread = b.variance / b.rate ** 2 + control.variance / control.rate ** 2;
  return { ratio, spread, variance_left: (b.variance + control.variance) / (b.raw + control.raw) };
}

test("figures are those of another computation, to six digits", async () => {
  const random = stream(1, "by hand");
  const people = Array.from({ length: 900 }, (_, i) => drawOutcome(random, i % 3 ? "control" : "b", i % 3 ? 1 : 1.2));
  const effects = await compareVariants(pool, people);
  for (const [group, those] of [
    ["all", people],
    ["new", people.filter(({ is_new }) => is_new)],
    ["old", people.filter(({ is_new }) => !is_new)],
  ] as const) {
    const b = treatment(effects, group);
    const mine = those.filter(({ variant }) => variant === "b");
    assert.deepEqual([b.people, b.shown, b.acted].map(Number), [
      mine.length,
      sum(mine.map(({ shown }) => shown)),
      sum(mine.map(({ acted }) => acted)),
    ]);
    near(b.rate, sum(mine.map(({ acted }) => acted)) / sum(mine.map(({ shown }) => shown)), "rate");
    if (group === "new") continue; // of them nothing is known from before, and by hand that is 0 / 0
    const { ratio, spread, variance_left } = byHand([...those]);
    const [difference, error] = [Math.log(ratio), Math.sqrt(spread)];
    near(b.ratio ?? Number.NaN, ratio, "ratio");
    near(b.variance_left, variance_left, "variance left");
    near(Math.log(b.high), difference + 1.959963984540054 * error, "high");
    near(Math.log(b.low), difference - 1.959963984540054 * error, "low");
    near(b.p, 1 - 2 * integral(density, 0, Math.abs(difference) / error), "p");
    // the likelihood of the difference, mixed over effects of variance 0.01, relative to that of no effect
    const mixed = (d: number) =>
      integral((effect) => density(effect, 0.01) * density(d - effect, spread), -3, 3) / density(d, spread);
    near(b.always_p, Math.min(1, 1 / mixed(difference)), "always p");
    // an effect e is in the interval while the mixture around e says less than 20 to 1 against it
    for (const bound of [b.always_low, b.always_high]) near(mixed(difference - Math.log(bound)), 20, "always");
  }
  const unadjusted = treatment(effects, "new");
  near(unadjusted.variance_left, 1, "without a time before nothing is gained");
});

test("chi-square is what integrating its density gives", async () => {
  for (const [statistic, degrees] of [
    [0.5, 1],
    [3.84, 1],
    [5.99, 2],
    [0.1, 2],
    [11.3, 3],
    [9.5, 4],
    [30, 7],
  ]) {
    const gamma = integral((x) => 2 * x ** (degrees - 1) * Math.exp(-x * x), 0, 12);
    const expected = integral(
      // with x = y², so that nothing is infinite at 0
      (y) => (2 * y ** (degrees - 1) * Math.exp((-y * y) / 2)) / (2 ** (degrees / 2) * gamma),
      Math.sqrt(statistic),
      20,
    );
    const { rows } = await pool.query("select recsys_engine.chi_square_p($1, $2) as p", [statistic, degrees]);
    near(rows[0].p, expected, `chi-square ${statistic} with ${degrees} degrees`);
  }
  const { rows } = await pool.query(
    "select recsys_engine.chi_square_p(1e9, 1) as huge, recsys_engine.chi_square_p(0, 3) as none",
  );
  assert.ok(rows[0].huge < 1e-300 && rows[0].none === 1);
});

/** Many experiments of the same truth; each of `size` people, half in each variant. */
async function experiments(purpose: string, number: number, size: number, lift: number): Promise<Effect[]> {
  const found: Effect[] = [];
  for (let i = 0; i < number; i++) {
    const random = stream(i, purpose);
    const people = Array.from({ length: size }, () =>
      random.uniform() < 0.5 ? drawOutcome(random, "control") : drawOutcome(random, "b", lift),
    );
    found.push(treatment(await compareVariants(pool, people)));
  }
  return found;
}

test("of 500 experiments without a difference 3 to 7 % are significant at 5 %, and intervals hold 93 to 97 %", async (t) => {
  const found = await experiments("a/a", 500, 400, 1);
  const significant = share(found, ({ p }) => p < 0.05);
  const covered = share(found, ({ low, high }) => low <= 1 && 1 <= high);
  const always = share(found, ({ always_p }) => always_p < 0.05);
  t.diagnostic(
    `${(100 * significant).toFixed(1)} % significant, ${(100 * covered).toFixed(1)} % covered, always valid ${(100 * always).toFixed(1)} %`,
  );
  assert.ok(significant >= 0.03 && significant <= 0.07, `${significant}`);
  assert.ok(covered >= 0.93 && covered <= 0.97, `${covered}`);
  assert.ok(always <= 0.05, `${always}`);
});

test("a difference is found as often as its power says, and the time before makes that more often", async (t) => {
  const [number, size, lift] = [500, 500, 1.25];
  const found = await experiments("a/b", number, size, lift);
  // the standard error from 200,000 people of each kind; the regression on the time before by its closed form
  const random = stream(1, "power");
  const variances = [1, lift].map((times) => {
    const people = Array.from({ length: 200_000 }, () => drawOutcome(random, "any", times));
    const rateOf = (a: "acted" | "acted_before", n: "shown" | "shown_before") =>
      sum(people.map((row) => row[a])) / sum(people.map((row) => row[n]));
    const [rate, before] = [rateOf("acted", "shown"), rateOf("acted_before", "shown_before")];
    const shown = mean(people.map((row) => row.shown));
    const z = people.map((row) => (row.acted - rate * row.shown) / (shown * rate));
    const x = people.map((row) => row.acted_before - before * row.shown_before);
    const [zz, xx, zx] = [mean(z.map((v) => v * v)), mean(x.map((v) => v * v)), mean(z.map((v, i) => v * x[i]))];
    return { raw: zz, left: zz - zx ** 2 / xx };
  });
  const powerOf = (variance: number) => {
    const error = Math.sqrt(variance / (size / 2));
    return 0.5 + integral(density, 0, Math.log(lift) / error - 1.96);
  };
  const power = powerOf(sum(variances.map(({ left }) => left)));
  const without = powerOf(sum(variances.map(({ raw }) => raw)));
  const discovered = share(found, ({ p, ratio }) => p < 0.05 && (ratio ?? 0) > 1);
  const covered = share(found, ({ low, high }) => low <= lift && lift <= high);
  const left = mean(found.map(({ variance_left }) => variance_left));
  t.diagnostic(
    `power ${power.toFixed(3)} (without the time before ${without.toFixed(3)}), found ${discovered.toFixed(3)}, covered ${covered.toFixed(3)}, variance left ${left.toFixed(2)}`,
  );
  // 3 standard errors of 500 trials
  assert.ok(
    Math.abs(discovered - power) < 3 * Math.sqrt((power * (1 - power)) / number),
    `${discovered}, and ${power} by theory`,
  );
  assert.ok(covered >= 0.93 && covered <= 0.97, `${covered}`);
  assert.ok(power > without + 0.02 && left < 0.9, `${left}`);
});

test("looked at every day, the always valid test errs no more often than it says, and the other one does", async (t) => {
  const number = Number(process.env.SOAK ?? 40);
  const [days, arriving] = [14, 40];
  let [always, once] = [0, 0];
  for (let i = 0; i < number; i++) {
    const random = stream(i, "peeking");
    const people: { person: ReturnType<typeof drawPerson>; row: PersonOutcome }[] = [];
    let [alwaysWrong, onceWrong] = [false, false];
    for (let day = 0; day < days; day++) {
      for (let j = 0; j < arriving; j++) {
        const row = drawOutcome(random, random.uniform() < 0.5 ? "control" : "b");
        people.push({
          person: drawPerson(random),
          row: { ...row, shown: 0, acted: 0, shown_before: 0, acted_before: 0 },
        });
      }
      // whoever came once comes back on a third of the days
      for (const { person, row } of people)
        if (row.shown === 0 || random.uniform() < 1 / 3) {
          const { shown, acted } = drawPeriod(random, person);
          row.shown += shown;
          row.acted += acted;
        }
      const b = treatment(
        await compareVariants(
          pool,
          people.map(({ row }) => row),
        ),
      );
      alwaysWrong ||= b.ratio !== null && b.always_p < 0.05;
      onceWrong ||= b.ratio !== null && b.p < 0.05;
    }
    always += Number(alwaysWrong);
    once += Number(onceWrong);
  }
  t.diagnostic(`of ${number}: wrong on any of ${days} days ${always} times, the test for one look ${once} times`);
  // 5 %, and 3 standard errors of so many trials
  assert.ok(always / number <= 0.05 + 3 * Math.sqrt(0.0475 / number), `${always} of ${number}`);
  assert.ok(once > always, `${once} of ${number}`);
});

test("nothing is said where too little is known, and nothing breaks", async () => {
  const one = {
    variant: "control",
    is_new: false,
    metric: "vote",
    shown: 1,
    acted: 0,
    shown_before: 0,
    acted_before: 0,
  };
  assert.deepEqual(await compareVariants(pool, []), []);
  const lonely = await compareVariants(pool, [one, { ...one, variant: "b" }]);
  assert.equal(treatment(lonely).ratio, null);
  const many = (variant: string, number: number, acted: number) =>
    Array.from({ length: number }, (_, i) => ({ ...one, variant, shown: 10, acted: i === 0 ? acted : 1 }));
  for (const [what, b] of [
    ["few people", many("b", 49, 30)],
    ["few acts", many("b", 200, 1).map((row, i) => ({ ...row, acted: i < 24 ? 1 : 0 }))],
    ["none that was shown anything", many("b", 200, 1).map((row) => ({ ...row, shown: 0 }))],
  ] as const) {
    const b_ = (await compareVariants(pool, [...many("control", 200, 1), ...b])).find((row) => row.variant === "b");
    assert.equal(b_?.ratio ?? null, null, what);
  }
  // all of them alike: no variance, so no interval; and one like none of the others: a wide one
  assert.equal(treatment(await compareVariants(pool, [...many("control", 100, 1), ...many("b", 100, 1)])).ratio, null);
  const wild = treatment(await compareVariants(pool, [...many("control", 100, 1), ...many("b", 100, 1e6)]));
  assert.ok(Number.isFinite(wild.always_low) && Number.isFinite(wild.always_high) && wild.always_p > 0.5);
  // a difference beyond all doubt
  const certain = [...many("control", 5000, 2), ...many("b", 5000, 2).map((row) => ({ ...row, acted: row.acted * 9 }))];
  assert.ok(treatment(await compareVariants(pool, certain)).always_p < 1e-100);
});
