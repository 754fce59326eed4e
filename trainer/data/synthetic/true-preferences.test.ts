import assert from "node:assert/strict";
import { test } from "node:test";
import { firstVisits, truePreferences } from "./true-preferences.ts";
import { World } from "./world.ts";

const seed = 5;
const size = { users: 600, posts: 1200, days: 60 };
const preferences = truePreferences(seed, size);

test("of who is not there nothing is known", () => {
  assert.throws(() => preferences.score("nobody", "post-1"), /has no "nobody"/);
});

test("for cold users, true preferences find what they like far better than popularity", () => {
  const { people, writings, simulation } = new World(seed, size);
  const votes = new Float64Array(writings.length);
  const active = new Set<number>();
  let [coldUsers, oracleHits, popularHits] = [0, 0, 0];
  for (let day = 0; day < size.days; day++) {
    for (const happening of simulation.nextDay()) {
      if (happening.what === "login" || happening.what === "impressions") continue;
      const { user, post, at, what } = happening;
      if (!active.has(user) && writings[post].author !== user && people[user].createdAt > writings[200].createdAt) {
        const candidates = [...writings.keys()].filter(
          (i) => writings[i].createdAt <= at && writings[i].author !== user,
        );
        const rank = (score: (i: number) => number) => candidates.filter((i) => score(i) > score(post)).length;
        coldUsers++;
        oracleHits += Number(rank((i) => preferences.score(people[user].id, writings[i].id)) < 20);
        popularHits += Number(rank((i) => votes[i]) < 20);
      }
      active.add(user);
      if (what === "vote") votes[post]++;
    }
  }
  assert.ok(coldUsers > 100, `${coldUsers} cold users`);
  const [oracle, popular] = [oracleHits / coldUsers, popularHits / coldUsers];
  assert.ok(oracle > 2 * popular, `recall@20 ${oracle} of the truth, ${popular} of popularity`);
});

test("those who signed up last come back, the same way each time, and interact with posts of more utility to them than most", () => {
  const visits = firstVisits(seed, size);
  assert.deepEqual([...visits.keys()], preferences.coldUsers);
  assert.deepEqual(firstVisits(seed, size), visits);
  const all = new World(seed, size).writings.map(({ id }) => id);
  const mean = (user: string, posts: string[]) =>
    posts.reduce((sum, post) => sum + preferences.score(user, post), 0) / posts.length;
  let [utility, usual] = [0, 0];
  for (const [user, posts] of visits) {
    if (posts.length === 0) continue;
    utility += mean(user, posts);
    usual += mean(user, all);
  }
  assert.ok(utility > 3 * usual, `${utility} of what they interact with, ${usual} of all`);
});
