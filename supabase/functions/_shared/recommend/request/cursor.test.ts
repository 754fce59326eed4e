import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { cursorAfter, emptyServedState, maxServedPosts, readCursor, servedPositions } from "./cursor.ts";

const text = (bytes: number[]) => Buffer.from(bytes).toString("base64url");
const seed = [0, 0, 0, 0, 0, 0, 0, 1];

test("a cursor says what was served, page after page", () => {
  let served = emptyServedState();
  const { seed } = served;
  const keys: number[] = [];
  for (let page = 0; page < 50; page++) {
    const all = Array.from({ length: 20 }, (_, i) => (page * 20 + i) * 4_000_000);
    keys.push(...all);
    const next = cursorAfter(served, all.slice(2), all.slice(0, 2));
    assert.ok(next && /^[\w-]+$/.test(next));
    served = readCursor(next) ?? assert.fail("it is not read back");
    assert.deepEqual([served.seed, served.keys.length, servedPositions(served)], [seed, keys.length, 18 * (page + 1)]);
    assert.deepEqual(new Set(served.keys), new Set(keys));
  }
  assert.ok((cursorAfter(served, [1])?.length ?? 0) < 5400, "1,000 posts fit into a URL");
});

test("feeds have seeds of their own, of both signs", () => {
  const seeds = Array.from({ length: 64 }, () => emptyServedState().seed);
  assert.equal(new Set(seeds).size, 64);
  assert.ok(seeds.some((seed) => seed < 0n) && seeds.some((seed) => seed > 0n));
});

test("a feed ends after 2,000 posts", () => {
  const served = { seed: 1n, keys: Array(maxServedPosts - 20).fill(1), folded: 0 };
  assert.equal(cursorAfter(served, Array(20).fill(2)), null);
  const last = cursorAfter(served, Array(19).fill(2));
  assert.equal(readCursor(last as string)?.keys.length, maxServedPosts - 1);
});

const refused: [string, string][] = [
  ["nothing", ""],
  ["a word", "next"],
  ["other letters", "AQAAAAAAAAAB+AAAQ="],
  ["white space", " AQAAAAAAAAABAAAAAQ"],
  ["no post", text([2, ...seed, 0, 0])],
  ["half a post", text([2, ...seed, 0, 0, 0, 0])],
  ["half a seed", text([2, 0, 0])],
  ["another version", text([1, ...seed, 0, 0, 0, 0, 0, 1])],
  ["as many folded as served", text([2, ...seed, 0, 1, 0, 0, 0, 1])],
  ["as many posts as no feed serves", text([2, ...seed, 0, 0, ...Array(4 * maxServedPosts).fill(0)])],
  ["a length that base64 does not have", "AQAAAAAAAAABAAAAAQAAA"],
];
for (const [what, cursor] of refused)
  test(`${what}: no cursor`, () => {
    assert.equal(readCursor(cursor), null);
  });

test("one that is read is one", () => {
  assert.deepEqual(readCursor(text([2, ...seed, 0, 0, 0, 0, 0, 7])), { seed: 1n, keys: [7], folded: 0 });
});
