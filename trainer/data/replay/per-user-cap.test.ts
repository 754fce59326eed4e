import assert from "node:assert/strict";
import { test } from "node:test";
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { capPerUser, pagesCap, positivesCap, randomSplitCap, samplePerUser, topTenUserShare } from "./per-user-cap.ts";

/** Deeds of 100 people, one an hour, and in addition what ten do within ten minutes at the end. */
function deeds(floods: number) {
  const honest = Array.from({ length: 1500 }, (_, i) => ({ user: (i * 37) % 100, at: i * hour }));
  const flood = Array.from({ length: floods }, (_, i) => ({ user: 100 + (i % 10), at: 1500 * hour + i }));
  const all = [...honest, ...flood];
  return { users: all.map(({ user }) => user), at: all.map(({ at }) => at) };
}

function countOf(users: number[], taken: Uint32Array, isOne: (user: number) => boolean): number {
  return taken.filter((i) => isOne(users[i])).length;
}

test("where everybody does what people do, the latest are taken, all of them", () => {
  const all = deeds(0);
  assert.deepEqual([...capPerUser(all, pagesCap)], [...all.at.keys()]);
  assert.deepEqual([...capPerUser(all, pagesCap, 400)], [...all.at.keys()].slice(-400));
  assert.deepEqual([...capPerUser({ users: [], at: [] }, pagesCap)], []);
});

test("ten who do ten thousand things in ten minutes count for a day each", () => {
  const all = deeds(10_000);
  const isFlooder = (user: number) => user >= 100;
  const taken = capPerUser(all, pagesCap);
  // of a day of 24 pages three a person
  assert.equal(countOf(all.users, taken, isFlooder), 30);
  assert.equal(taken.length, 1530);
  assert.deepEqual(taken, taken.toSorted());
  // of each the latest
  assert.ok(taken.filter((i) => isFlooder(all.users[i])).every((i) => i >= all.at.length - 30));
  assert.equal(countOf(all.users, capPerUser(all, pagesCap, 800), isFlooder), 30);
  assert.equal(capPerUser(all, pagesCap, 800).length, 800);
  assert.equal(countOf(all.users, capPerUser(all, positivesCap), isFlooder), 200);
});

test("one who goes on for months is a twelfth of what is taken at most", () => {
  const others = deeds(0);
  const busy = Array.from({ length: 6000 }, (_, i) => ({ user: 100, at: (i * hour) / 4 }));
  const all = others.users.map((user, i) => ({ user, at: others.at[i] }));
  const both = [...all, ...busy].sort((a, b) => a.at - b.at);
  const columns = { users: both.map(({ user }) => user), at: both.map(({ at }) => at) };
  for (const most of [240, 1200, undefined]) {
    const taken = capPerUser(columns, { ...randomSplitCap, least: 5 }, most);
    const share = countOf(columns.users, taken, (user) => user === 100) / taken.length;
    assert.ok(share <= 1 / 12 && share > 0.05, `${share} of ${taken.length}`);
  }
});

test("a sample has one of everybody before a second of anybody, and stays what it was when others come", () => {
  const users = Array.from({ length: 900 }, (_, i) => (i < 300 ? i % 60 : 60 + (i % 3)));
  const keys = users.map((user, i) => `${user} ${i}`);
  const few = samplePerUser({ users, keys }, 5, 60);
  assert.equal(new Set(few.map((i) => users[i])).size, 60);
  const drawn = samplePerUser({ users, keys }, 5, 1000);
  assert.deepEqual(drawn, drawn.toSorted());
  assert.equal(drawn.length, 60 * 5 + 3 * 5);
  const before = samplePerUser({ users: users.slice(0, 300), keys: keys.slice(0, 300) }, 5, 1000);
  assert.deepEqual([...before], [...drawn.filter((i) => i < 300)]);
});

test("the share of the ten who did most", () => {
  const users = [...Array(10).fill(7), ...Array(80).keys(), ...Array(10).fill(8)];
  assert.deepEqual(topTenUserShare(users), { number: 80, ten: (11 + 11 + 8) / 100 });
});
