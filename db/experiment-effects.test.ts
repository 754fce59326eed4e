/** The statistics of experiments, against the same computed by hand in another way. Simulations: experiment-effects.full.test.ts. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { compareVariants, drawOutcome, type PersonOutcome, treatmentEffect } from "../testing/experiments.ts";
import { stream } from "../trainer/data/synthetic/draws.ts";
import { eitherDatabase } from "./testing.ts";
import { density, integral, near, sum } from "./testing-statistics.ts";

const { pool } = await eitherDatabase({ after }, "experiment_effects");

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
    const b = treatmentEffect(effects, group);
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
  const unadjusted = treatmentEffect(effects, "new");
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
  assert.equal(treatmentEffect(lonely).ratio, null);
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
  assert.equal(
    treatmentEffect(await compareVariants(pool, [...many("control", 100, 1), ...many("b", 100, 1)])).ratio,
    null,
  );
  const wild = treatmentEffect(await compareVariants(pool, [...many("control", 100, 1), ...many("b", 100, 1e6)]));
  assert.ok(Number.isFinite(wild.always_low) && Number.isFinite(wild.always_high) && wild.always_p > 0.5);
  // a difference beyond all doubt
  const certain = [...many("control", 5000, 2), ...many("b", 5000, 2).map((row) => ({ ...row, acted: row.acted * 9 }))];
  assert.ok(treatmentEffect(await compareVariants(pool, certain)).always_p < 1e-100);
});
