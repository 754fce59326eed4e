/**
 * The statistics of interleavings where the truth is known, in simulations of many. SOAK sets how many: 60 by default, 500 in `npm run
 * test:soak`.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { compareVariants } from "../testing/experiments.ts";
import {
  betterModel,
  drawReader,
  type ExpectedCredit,
  equalModels,
  interleavedOutcome,
  type Models,
  noCredit,
  type Preference,
  readDrafted,
  splitOutcome,
  votePreference,
} from "../testing/interleaving.ts";
import { stream } from "../trainer/data/synthetic/draws.ts";
import { eitherDatabase } from "./testing.ts";
import { share } from "./testing-statistics.ts";

const { pool } = await eitherDatabase({ after }, "interleaving_simulations");
const number = Number(process.env.SOAK ?? 60);

/** Preferences of many experiments of the same truth. */
async function experiments(purpose: string, size: number, models: Models): Promise<Preference[]> {
  const found: Preference[] = [];
  for (let i = 0; i < number; i++) {
    const random = stream(i, purpose);
    found.push(
      await votePreference(
        pool,
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
  const found = await experiments("teams a/a", 300, equalModels);
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
  const teams = await votePreference(
    pool,
    Array.from({ length: many }, () => interleavedOutcome(random, betterModel)),
  );
  const people = Array.from({ length: many }, () => splitOutcome(random, betterModel));
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
    await experiments("teams found", size, betterModel),
    ({ p, preference }) => p < 0.05 && (preference ?? 0) > 0,
  );
  let bySame = 0;
  for (let i = 0; i < number; i++) {
    const random = stream(i, "split found");
    const rows = await compareVariants(
      pool,
      Array.from({ length: size }, () => splitOutcome(random, betterModel)),
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
        if (credit.pages === 0 || random.uniform() < 1 / 3)
          readDrafted(random, equalModels, { ...reader, pages: 1 }, credit);
      const { preference, p, always_p } = await votePreference(
        pool,
        people.map(({ credit }) => credit),
      );
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
