/** The loop and its simple policies on a small community; the system in it is `npm run bench -- loop` itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dayLength } from "../trainer/data/synthetic/calendar.ts";
import type { Happening } from "../trainer/data/synthetic/simulation.ts";
import { World } from "../trainer/data/synthetic/world.ts";
import { mostRecent } from "../trainer/evaluation/baselines/simple.ts";
import { closedLoop, type Day } from "./loop/closed-loop.ts";
import { type LoopRun, measuresOf } from "./loop/measures.ts";
import { asLines, loopPage, loopTable } from "./loop/report.ts";
import { Baseline, TrueLaw } from "./loop/simple-policies.ts";

const [before, days] = [15, 8];
const worldOf = (seed: number) => new World(seed, { users: 120, posts: 400, days: before + days });

/** Shows what is newest and remembers all it was told and asked. */
class Watched extends Baseline {
  readonly told: Happening[] = [];
  readonly pages: { user: number; at: number; posts: number[] }[] = [];
  nights = 0;

  constructor() {
    super("most recent", mostRecent);
  }

  override observe(happening: Happening): void {
    this.told.push(happening);
    super.observe(happening);
  }

  override page(user: number, at: number, size: number): number[] {
    const posts = super.page(user, at, size);
    this.pages.push({ user, at, posts });
    return posts;
  }

  async night(): Promise<void> {
    this.nights++;
  }
}

async function run(world: World, policy: Baseline | TrueLaw): Promise<LoopRun> {
  const lived: Day[] = [];
  const exposure = await closedLoop(world, policy, before, days, (day) => lived.push(day));
  return { policy: policy.name, seed: 1, days: lived, measures: measuresOf(world, before, lived, exposure) };
}

test("a policy chooses every page, is told in order of time of all that comes of it, and earns what people do with its pages", async () => {
  const world = worldOf(1);
  const policy = new Watched();
  const { days: lived, measures } = await run(world, policy);
  const from = world.after(before);
  assert.equal(lived.length, days);
  assert.equal(policy.nights, days - 1);
  assert.equal(
    lived.reduce((sum, { visits }) => sum + visits, 0),
    policy.pages.length,
  );
  const since = policy.told.filter(({ at }) => at >= from);
  const times = since.map(({ at }) => at);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  const shown = since.filter(({ what }) => what === "impressions").length;
  assert.ok(
    shown >= policy.pages.length - 2 && shown <= policy.pages.length,
    `${shown} of ${policy.pages.length} pages`,
  );
  for (const { user, at, posts } of policy.pages) {
    assert.ok(posts.length <= 10 && new Set(posts).size === posts.length);
    assert.ok(posts.every((post) => world.writings[post].createdAt <= at && world.writings[post].author !== user));
  }
  // what authors answer under their posts is not earned by the page
  const earned = since.reduce((sum, happening) => {
    if (!("post" in happening) || world.writings[happening.post].author === happening.user) return sum;
    return sum + (happening.what === "view" ? 0.2 : 1);
  }, 0);
  const reward = lived.reduce((sum, day) => sum + day.reward, 0);
  assert.ok(Math.abs(reward - earned) < 0.05 * earned, `${reward} of ${earned}`);
  const fresh = policy.pages.filter(({ user, at }) => at - world.people[user].createdAt < 3 * dayLength).length;
  assert.equal(
    lived.reduce((sum, day) => sum + day.new_people_visits, 0),
    fresh,
  );
  assert.ok(measures.authorGini > 0 && measures.authorGini < 1 && measures.topics > 1, JSON.stringify(measures));
});

test("who knows everybody's taste earns more than twice as much as who shows what is new, and the same seed gives the same", async () => {
  const [recent, again, law] = await Promise.all([
    run(worldOf(1), new Baseline("most recent", mostRecent)),
    run(worldOf(1), new Baseline("most recent", mostRecent)),
    run(worldOf(1), new TrueLaw()),
  ]);
  assert.deepEqual(again, recent);
  assert.ok(law.measures.reward > 2 * recent.measures.reward, `${law.measures.reward}, ${recent.measures.reward}`);
  assert.ok(Math.abs(law.measures.newPeopleExpected - 1) < 0.001, `${law.measures.newPeopleExpected}`);
  assert.ok(recent.measures.newPeopleExpected < 0.5, `${recent.measures.newPeopleExpected}`);
  const runs = [recent, law];
  const lines = asLines(runs)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(lines.length, 2 * days);
  assert.deepEqual(Object.keys(lines[0]), [
    "policy",
    "seed",
    "day",
    "visits",
    "reward",
    "dismissals",
    "new_people_visits",
    "new_people_reward",
    "new_people_expected",
    "new_people_best",
    "dismissal_visits",
    "dismissal_of_author",
    "dismissal_of_topic",
    "after_visits",
    "after_reward",
    "after_of_author",
    "after_of_topic",
  ]);
  assert.match(loopTable(runs), /the true law +1 +\d/);
  const html = loopPage(runs, { days });
  assert.ok(html.startsWith("<!doctype html>") && !html.includes("NaN"), "a page without holes");
});
