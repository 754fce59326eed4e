import assert from "node:assert/strict";
import { test } from "node:test";
import type { Happening } from "./simulation.ts";
import { expectedUtility } from "./taste.ts";
import { World } from "./world.ts";

const size = { users: 200, posts: 300, days: 20 };

function lived(world: World): Happening[] {
  return Array.from({ length: size.days }, () => world.simulation.nextDay()).flat();
}

test("without being asked nobody dismisses, and a community is as it was", () => {
  const world = new World(1, size);
  const happenings = lived(world);
  assert.equal(world.dismissals, undefined);
  assert.ok(happenings.every(({ what }) => what !== "dismiss"));
  const same = new World(1, size);
  assert.deepEqual(lived(same), happenings);
});

test("as much is dismissed as the law says, what is worth little, and never what was opened", () => {
  const world = new World(1, size, true);
  const happenings = lived(world);
  const { people, writings, dismissals } = world;
  const opened = new Set(
    happenings.flatMap((each) => (each.what === "view" ? [`${each.user} ${each.post} ${each.at}`] : [])),
  );
  const dismissed = happenings.flatMap((each) => (each.what === "dismiss" ? [each] : []));
  const shown = happenings.flatMap((each) =>
    each.what === "impressions" ? each.posts.map((post) => ({ user: each.user, post })) : [],
  );
  for (const { user, post, at } of dismissed) assert.ok(!opened.has(`${user} ${post} ${at}`));
  const mean = (of: { user: number; post: number }[], value: (user: number, post: number) => number) =>
    of.reduce((sum, { user, post }) => sum + value(user, post), 0) / of.length;
  const utility = (user: number, post: number) => expectedUtility(people[user], writings[post]);
  const ofDismissed = mean(dismissed, utility);
  const ofShown = mean(shown, utility);
  assert.ok(ofDismissed < 0.8 * ofShown, `${ofDismissed} compared with ${ofShown}`);
  // of those who look, which falls with the place, and do not open; so below the law's own mean and not far from it
  const law = mean(shown, (user, post) => dismissals?.probability(user, people[user], writings[post]) ?? 0);
  const rate = dismissed.length / shown.length;
  assert.ok(rate > 0.3 * law && rate < law, `${rate} of ${law}`);
});

test("what was dismissed is not shown to that person by the app's own page again", () => {
  const world = new World(2, size, true);
  const gone = new Set<string>();
  for (const each of lived(world)) {
    if (each.what === "dismiss") gone.add(`${each.user} ${each.post}`);
    // within a visit the page was chosen before
    if (each.what === "impressions")
      for (const post of each.posts) assert.ok(!gone.has(`${each.user} ${post}`), "shown again");
  }
  assert.ok(gone.size > 50, `${gone.size}`);
});
