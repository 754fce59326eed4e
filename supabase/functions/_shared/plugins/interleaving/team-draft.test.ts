/** The draft by its properties, on random rankings. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { array, boolean, assert as holds, integer, property, record, shuffledSubarray } from "fast-check";
import { coinsOf, type Drafted, teamDraft } from "./team-draft.ts";

interface Ranked {
  post: { post_id: string };
}
const ranking = (ids: readonly (number | string)[], explored: boolean[] = []) =>
  ids.map((id, i) => ({ chosen: { post: { post_id: `${id}` } }, explored: explored[i] ?? false }));
const idsOf = (page: Drafted<Ranked>[]) => page.map(({ chosen }) => chosen.post.post_id);
const coins = (heads: boolean[]) => (place: number) => heads[(place - 1) % heads.length];

test("by hand: the example with three of four posts in common", () => {
  const rankings = { 1: ranking(["a", "b", "c", "d"]), 2: ranking(["b", "e", "a", "c"]) };
  const page = (...heads: boolean[]) =>
    teamDraft(rankings, 4, coins(heads))
      .map(({ chosen, team }) => `${chosen.post.post_id}${team}`)
      .join(" ");
  // the coin of the second round is that of place 3
  assert.equal(page(true, false, true, false), "a1 b2 c1 e2");
  assert.equal(page(false, false, true, false), "b2 a1 c1 e2");
  assert.equal(page(true, false, false, false), "a1 b2 e2 c1");
  assert.equal(page(false, true, false, true), "b2 a1 e2 c1");
});

test("by hand: what one ranking folded into a post, the other does not bring as a second one", () => {
  const [first] = ranking(["a"]);
  const rankings = { 1: [{ ...first, folded: ranking(["b"]).map(({ chosen }) => chosen) }], 2: ranking(["b", "c"]) };
  const page = (heads: boolean) => idsOf(teamDraft(rankings, 3, () => heads)).join(" ");
  assert.equal(page(true), "a c");
  assert.equal(page(false), "b c");
});

const posts = Array.from({ length: 12 }, (_, i) => i);
const drawn = record({
  first: shuffledSubarray(posts),
  second: shuffledSubarray(posts),
  explored: array(boolean(), { minLength: 12, maxLength: 12 }),
  heads: array(boolean(), { minLength: 12, maxLength: 12 }),
  limit: integer({ min: 0, max: 15 }),
});

test("no post twice, no place empty, each team in the order of its ranking, and as many of one as of the other", () => {
  holds(
    property(drawn, ({ first, second, heads, limit }) => {
      const rankings = { 1: ranking(first), 2: ranking(second) };
      const page = teamDraft(rankings, limit, coins(heads));
      const ids = idsOf(page);
      assert.equal(new Set(ids).size, ids.length);
      assert.equal(ids.length, Math.min(limit, new Set([...first, ...second]).size));
      for (const team of [1, 2] as const) {
        const places = page.flatMap((each) =>
          each.by === team ? [rankings[team].findIndex((r) => r.chosen === each.chosen)] : [],
        );
        assert.ok(places.every((place, i) => place >= 0 && (i === 0 || place > places[i - 1])));
      }
      // whatever stands above a post in the ranking that picked it is above it on the page
      for (const [i, { chosen, by }] of page.entries()) {
        const list = rankings[by].map((each) => each.chosen.post.post_id);
        for (const above of list.slice(0, list.indexOf(chosen.post.post_id)))
          assert.ok(ids.indexOf(above) < i && ids.includes(above));
      }
      const counted = (end: number, team: number) => page.slice(0, end).filter((each) => each.team === team).length;
      for (let end = 0; end <= page.length; end++) assert.ok(Math.abs(counted(end, 1) - counted(end, 2)) <= 1);
      // only the posts that one of them could not rank belong to neither
      const unpicked = page.findIndex(({ team }) => team === null);
      if (unpicked >= 0) assert.ok(page.slice(unpicked).every(({ team }) => team === null));
      assert.deepEqual(idsOf(teamDraft(rankings, limit, coins(heads))), ids);
    }),
    { numRuns: 2000 },
  );
});

test("places to explore are nobody's, come where their ranking has them, and no team loses a turn by them", () => {
  holds(
    property(drawn, ({ first, second, explored, heads, limit }) => {
      const rankings = { 1: ranking(first, explored), 2: ranking(second, explored) };
      const page = teamDraft(rankings, limit, coins(heads));
      assert.equal(page.length, Math.min(limit, new Set([...first, ...second]).size));
      assert.equal(new Set(idsOf(page)).size, page.length);
      for (const { team, explored } of page) if (explored) assert.equal(team, null);
      const counted = (team: number) => page.filter((each) => each.team === team).length;
      assert.ok(Math.abs(counted(1) - counted(2)) <= 1);
    }),
    { numRuns: 2000 },
  );
  const rankings = { 1: ranking(["a", "x", "b"], [false, true]), 2: ranking(["c", "y", "d"], [false, true]) };
  const page = teamDraft(rankings, 4, () => true);
  assert.deepEqual(
    page.map(({ chosen, team, by }) => [chosen.post.post_id, team, by]),
    [
      ["a", 1, 1],
      ["y", null, 2],
      ["c", 2, 2],
      ["b", 1, 1],
    ],
  );
});

test("where the other team has taken the post to explore, another one is explored", () => {
  const rankings = { 1: ranking(["a", "c", "b"], [false, true]), 2: ranking(["c", "a", "d"], [false, true]) };
  const heads = [false, true];
  const left: string[] = [];
  const explored = (others: Ranked["post"][]) => {
    const page = teamDraft(rankings, 4, coins(heads), 0, (by, isLeft) => {
      left.push(`${by}`);
      return others.map((post) => ({ post })).find(isLeft);
    });
    return page.map(({ chosen, team, explored }) => [chosen.post.post_id, team, explored]);
  };
  assert.deepEqual(explored([{ post_id: "c" }, { post_id: "x" }]), [
    ["c", 2, false],
    ["x", null, true],
    ["a", 1, false],
    ["b", 1, false],
  ]);
  assert.deepEqual(left, ["1"]);
  assert.deepEqual(explored([{ post_id: "c" }])[1], ["a", 1, false]);
});

test("the same ranking twice is drafted into itself", () => {
  holds(
    property(drawn, ({ first, heads, limit }) => {
      const page = teamDraft({ 1: ranking(first), 2: ranking(first) }, limit, coins(heads));
      assert.deepEqual(idsOf(page), first.slice(0, limit).map(String));
    }),
  );
});

test("coins are fair at each place and over all places of a feed, and the same for the same seed", () => {
  for (const place of [1, 3, 20, 1999]) {
    let heads = 0;
    for (let seed = 0n; seed < 4000n; seed++) heads += Number(coinsOf(seed * 0x100000001n - (1n << 62n))(place));
    assert.ok(Math.abs(heads - 2000) < 4 * Math.sqrt(1000), `${heads} at place ${place}`);
  }
  for (const seed of [0n, -1n, 42n, -(1n << 63n), (1n << 63n) - 1n]) {
    const all = Array.from({ length: 2000 }, (_, i) => coinsOf(seed)(i + 1));
    assert.deepEqual(
      all,
      Array.from({ length: 2000 }, (_, i) => coinsOf(seed)(i + 1)),
    );
    const heads = all.filter(Boolean).length;
    const alike = all.filter((each, i) => each === all[i + 1]).length;
    assert.ok(Math.abs(heads - 1000) < 4 * Math.sqrt(500), `${heads} with seed ${seed}`);
    assert.ok(Math.abs(alike - 1000) < 4 * Math.sqrt(500), `${alike} like the next with seed ${seed}`);
  }
});
