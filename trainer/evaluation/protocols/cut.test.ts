import assert from "node:assert/strict";
import { test } from "node:test";
import { popularity } from "../baselines/simple.ts";
import { hour, sizesOf, smallCommunity } from "../testing.ts";
import { runCut } from "./cut.ts";
import { randomSplit, timeSplit } from "./split.ts";

const posts = Array.from({ length: 5 }, (_, post): [number, number] => [-1, post / 10]);
// before hour 10, 3 users interact with post 0, 2 with post 1 and 1 with post 2
const community = smallCommunity(4, posts, [
  [0, 0, 1],
  [1, 0, 2],
  [2, 0, 3],
  [0, 1, 4],
  [1, 1, 5],
  [0, 2, 6],
  [0, 2, 12],
  [2, 1, 13],
  [2, 3, 14],
  [2, 3, 15],
  [3, 1, 16],
]);

test("a cut in time: pairs that first happen after it are the test", () => {
  const { training, test: pairs, at } = timeSplit(community, 10 * hour);
  assert.equal(training.interactions.at.length, 6);
  assert.deepEqual(
    [...pairs],
    [
      [2, [1, 3]],
      [3, [1]],
    ],
  );
  assert.equal(at, 10 * hour);
});

test("a cut in time knows no later post, and nobody is tested on their own", () => {
  const later = smallCommunity(
    2,
    [
      [0, 1],
      [-1, 2],
      [1, 11],
    ],
    [
      [1, 1, 3],
      [0, 0, 12],
      [0, 1, 13],
      [0, 2, 14],
      [1, 0, 15],
    ],
  );
  const { training, test: pairs } = timeSplit(later, 10 * hour);
  assert.deepEqual(training.posts.ids, ["post 0", "post 1"]);
  assert.deepEqual(
    [...pairs],
    [
      [0, [1]],
      [1, [0]],
    ],
  );
});

test("ranks the whole catalogue minus training pairs, by hand", async () => {
  const [{ lists, metrics }] = await runCut(community, { split: 10 * hour }, [popularity(sizesOf(community))]);
  // popularity 3, 2, 1, 0, 0 and the newer first: user 2 (without post 0) sees 1, 2, 4, 3; user 3 sees 0, 1, 2, 4, 3
  assert.deepEqual(
    lists.map(({ user, ranks, top }) => ({ user, ranks, top: [...top] })),
    [
      { user: 2, ranks: [1, 4], top: [1, 2, 4, 3] },
      { user: 3, ranks: [2], top: [0, 1, 2, 4, 3] },
    ],
  );
  assert.equal(metrics.all.lists, 2);
  assert.equal(metrics.all.mrr.mean, 0.75);
  const ideal = 1 + 1 / Math.log2(3);
  assert.ok(Math.abs(metrics.all["ndcg@20"].mean - ((1 + 1 / Math.log2(5)) / ideal + 1 / Math.log2(3)) / 2) < 1e-12);
});

test("a random split holds back a fifth of the pairs with all their interactions, the same for the same seed", () => {
  const many = smallCommunity(
    100,
    Array.from({ length: 100 }, () => [-1, 0]),
    Array.from({ length: 20_000 }, (_, i) => [i % 100, Math.floor(i / 100) % 100, i]),
  );
  const { training, test: pairs } = randomSplit(many, 0.2, 42);
  const held = [...pairs].flatMap(([user, list]) => list.map((post) => `${user} ${post}`));
  // 10,000 pairs, each twice: 2,000 ± 40
  assert.ok(Math.abs(held.length - 2000) < 160, `${held.length} pairs`);
  assert.equal(training.interactions.at.length, 2 * (10_000 - held.length));
  const trained = new Set(training.interactions.users.map((user) => user));
  assert.equal(trained.size, 100);
  const heldSet = new Set(held);
  for (const [i, user] of training.interactions.users.entries()) {
    assert.ok(!heldSet.has(`${user} ${training.interactions.posts[i]}`));
  }
  assert.deepEqual(randomSplit(many, 0.2, 42).test, pairs);
  assert.notDeepEqual(randomSplit(many, 0.2, 43).test, pairs);
});
