/** What is kept of scopes: when it is read, until when it is kept, and how much of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../database/database.ts";
import { createScopeCache } from "./scope-cache.ts";
import { packedPosts } from "./testing-scope-cache.ts";

const vector = new Float32Array(32).fill(1);

/** A database with so many posts of each scope, and what was asked of it; `fails`: by which statement. */
function made(counts: Record<string, number>) {
  const asked: string[][] = [];
  const state = { fails: false };
  const query = async (text: string, values: unknown[]) => {
    if (!text.includes("scope_candidates")) return { rows: [] };
    if (state.fails) throw new Error("gone");
    const [, scopes, most] = values as [number, (string | null)[], number];
    asked.push(scopes.map(String));
    const sum = scopes.reduce((all, scope) => all + (counts[String(scope)] ?? 0), 0);
    if (scopes.includes(null) && counts.null > most) return { rows: [{ scope: null, posts: null }] };
    if (sum > most) return { rows: [] };
    const rows = scopes.map((scope) => {
      const first = 100_000 * Object.keys(counts).indexOf(String(scope));
      const posts = Array.from({ length: counts[String(scope)] ?? 0 }, (_, n) => {
        return { number: first + n, author: first + n, fresh: n, active: n, trending: n, popular: n, vector };
      });
      return { scope, posts: packedPosts(posts) };
    });
    return { rows };
  };
  return { asked, state, connection: { query, release: () => undefined } as unknown as Connection };
}
type Made = ReturnType<typeof made>;
type Scopes = ReturnType<typeof createScopeCache>;

const asOf = (now: number, featureStore = 1, modelId: number | null = 1) => ({ modelId, featureStore, now });
const ask = (of: Scopes, { connection }: Made, scopes: string[], when = asOf(0)) =>
  of.of(connection, "authenticated", scopes, when);

test("scopes are read once for all who belong to them, and again after a minute or a roll-up", async () => {
  const database = made({ null: 10, a: 500, b: 3 });
  const scopes = createScopeCache();
  assert.equal(scopes.has(["a"], 1), false);
  assert.ok(await ask(scopes, database, ["a"]));
  assert.deepEqual(database.asked.splice(0), [["null", "a"]]);
  assert.deepEqual([scopes.has(["b"], 1), scopes.has([], 1), scopes.has(["a"], 2)], [true, true, false]);
  const both = await ask(scopes, database, ["a", "b"], asOf(5));
  assert.deepEqual(database.asked.splice(0), [["b"]]);
  // what was written since the first of them was read is asked for
  assert.equal(both?.at, 0);
  assert.equal(both?.best(vector).active?.length, 513);
  for (const [when, read] of [
    [asOf(60_000), []],
    [asOf(60_001), [["null", "a"]]],
    [asOf(60_001, 2), [["null", "a", "b"]]],
    // a clock that was set back
    [asOf(0, 2), [["null", "a", "b"]]],
    // another model has its own, and two in turn are not read again
    [asOf(0, 2, 2), [["null", "a", "b"]]],
    [asOf(0, 2, 1), []],
  ] as const) {
    assert.ok(await ask(scopes, database, ["a", "b"], when));
    assert.deepEqual(database.asked.splice(0), read);
  }
  // without a model nothing is near
  assert.equal(await ask(scopes, database, ["a"], asOf(0, 2, null)), null);
  assert.deepEqual(database.asked, []);
});

test("who belongs nowhere has what is of no scope, and in an app that says nothing of scopes nothing is kept", async () => {
  const open = made({ null: 500, a: 10 });
  const scopes = createScopeCache();
  assert.equal((await ask(scopes, open, []))?.best(vector).active?.length, 500);
  assert.ok(await ask(scopes, open, ["a"]));
  assert.deepEqual(open.asked, [["null"], ["a"]]);
  const silent = made({ null: 0 });
  const others = createScopeCache();
  for (let n = 0; n < 2; n++) assert.equal(await ask(others, silent, []), null);
  assert.deepEqual([silent.asked, others.has([], 1)], [[["null"]], false]);
});

test("where they are too few or too many nothing is kept of them, and none are read again for as long", async () => {
  const few = made({ null: 0, few: 419, enough: 1 });
  const scopes = createScopeCache();
  for (let n = 0; n < 3; n++) assert.equal(await ask(scopes, few, ["few"]), null);
  assert.ok(await ask(scopes, few, ["enough", "few"]));
  assert.deepEqual(few.asked, [["null", "few"], ["enough"]]);

  const large = made({ null: 100, large: 20_001, a: 500, b: 19_700 });
  const others = createScopeCache();
  // those of others are as they were
  for (let n = 0; n < 2; n++) assert.equal(await ask(others, large, ["a", "large"]), null);
  for (const scope of ["a", "b"]) assert.ok(await ask(others, large, [scope]));
  // each few enough, and together too many
  for (let n = 0; n < 2; n++) assert.equal(await ask(others, large, ["a", "b"]), null);
  assert.deepEqual(large.asked, [["null", "a", "large"], ["null", "a"], ["b"]]);
  // beyond this number others' posts are not read
  const open = made({ null: 20_001, a: 500 });
  const ofOpen = createScopeCache();
  for (let n = 0; n < 2; n++) assert.equal(await ask(ofOpen, open, ["a"]), null);
  assert.deepEqual([open.asked.length, ofOpen.has(["a"], 1)], [1, false]);
});

test("who comes while a scope is read waits for it, and makes do with what was while it is read again", async () => {
  const database = made({ null: 0, a: 500, b: 500 });
  const [scopes, openedLater] = [createScopeCache(), createScopeCache()];
  const first = await Promise.all(["a", "a", "b"].map((scope) => ask(scopes, database, [scope])));
  assert.deepEqual(first.map(Boolean), [true, true, true]);
  assert.deepEqual(database.asked.splice(0), [["null", "a"], ["b"]]);
  const later = await Promise.all([1, 2, 3].map(() => ask(scopes, database, ["a"], asOf(100_000))));
  assert.deepEqual(
    later.map((found) => found?.at),
    [100_000, 0, 0],
  );
  assert.equal(database.asked.length, 1);
  // one whose connection is lost leaves it to the next, and who waits for it asks for themselves
  database.state.fails = true;
  const lost = await Promise.allSettled([1, 2].map(() => ask(openedLater, database, ["a"])));
  assert.deepEqual(
    lost.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  await assert.rejects(ask(scopes, database, ["a"], asOf(200_000)), /gone/);
  database.state.fails = false;
  assert.equal((await ask(scopes, database, ["a"], asOf(200_000)))?.at, 200_000);
});

test("of more posts or scopes than there is room for those go that nobody asked for longest", async () => {
  for (const limits of [
    { posts: 1700, scopes: 64 },
    { posts: 1e6, scopes: 4 },
  ]) {
    const database = made({ null: 10, a: 500, b: 500, c: 500, d: 500 });
    const scopes = createScopeCache(limits);
    for (const scope of ["a", "b", "c", "a", "d"]) await ask(scopes, database, [scope]);
    database.asked.splice(0);
    for (const scope of ["a", "c", "d", "b"]) await ask(scopes, database, [scope]);
    assert.deepEqual(database.asked, [["b"]]);
  }
});
