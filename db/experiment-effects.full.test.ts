/**
 * The statistics of experiments where the truth is known, in simulations of many. SOAK sets how many are looked at day after day: 40 by
 * default, 500 in `npm run test:soak`.
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
  treatmentEffect,
} from "../testing/experiments.ts";
import { stream } from "../trainer/data/synthetic/draws.ts";
import { eitherDatabase } from "./testing.ts";
import { density, integral, share, sum } from "./testing-statistics.ts";

const { pool } = await eitherDatabase({ after }, "experiment_simulations");
const mean = (values: number[]) => sum(values) / values.length;

/** Many experiments of the same truth; each of `size` people, half in each variant. */
async function experiments(purpose: string, number: number, size: number, lift: number): Promise<Effect[]> {
  const found: Effect[] = [];
  for (let i = 0; i < number; i++) {
    const random = stream(i, purpose);
    const people = Array.from({ length: size }, () =>
      random.uniform() < 0.5 ? drawOutcome(random, "control") : drawOutcome(random, "b", lift),
    );
    found.push(treatmentEffect(await compareVariants(pool, people)));
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
      // each person comes back on a third of the days
      for (const { person, row } of people)
        if (row.shown === 0 || random.uniform() < 1 / 3) {
          const { shown, acted } = drawPeriod(random, person);
          row.shown += shown;
          row.acted += acted;
        }
      const b = treatmentEffect(
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
