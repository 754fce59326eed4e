import assert from "node:assert/strict";
import { test } from "node:test";
import { gramOf, solveRow } from "../../models/nn/implicit-als.ts";
import { scoresAfter, sizesOf, smallCommunity } from "../testing.ts";
import { als } from "./collaborative.ts";

test("a row by hand: x = 4y / (y² + z² + 3y² + 2) with one factor", () => {
  const others = new Float64Array([2, 1]);
  const gram = gramOf(others, 1, 2);
  assert.deepEqual([...gram], [7]);
  const x = new Float64Array(1);
  solveRow(x, gram, others, [0], 3);
  assert.ok(Math.abs(x[0] - 8 / 19) < 1e-12);
});

test("two camps: a user's unseen post of their own camp comes before the other camp's", async () => {
  const pairs: [number, number, number][] = [];
  for (let user = 0; user < 10; user++) {
    for (let post = 0; post < 3; post++) pairs.push([user, (user % 2) * 3 + post, user + post]);
  }
  const community = smallCommunity(
    10,
    Array.from({ length: 6 }, () => [-1, 0]),
    pairs.filter(([user, post]) => user !== 0 || post !== 2),
  );
  const recommender = als(sizesOf(community), { factors: 2, regularisation: 0.1, iterations: 20 });
  const scores = await scoresAfter(community, recommender, 0, 99);
  // one factor per camp leaves no room to fit the one missing pair
  assert.ok(scores[2] > 0.5, `own camp ${scores[2]}`);
  for (const other of scores.slice(3)) assert.ok(Math.abs(other) < 0.05, `other camp ${other}`);
});
