/** The weights of neighbours against the normal equations, solved by elimination. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../nn/random.ts";
import { learnNeighbours, toBipartite } from "./learn-neighbours.ts";

/** Who interacted with what: of three kinds of people and posts mostly one's own. */
function pairs(random: Random, people: number, posts: number) {
  const all = Array.from({ length: people * posts }, (_, i) => ({ user: Math.floor(i / posts), post: i % posts }));
  const some = all.filter(({ user, post }) => random.uniform() < (user % 3 === post % 3 ? 0.7 : 0.1));
  return {
    users: Int32Array.from(some, ({ user }) => user),
    posts: Int32Array.from(some, ({ post }) => post),
    cameTo: (user: number, post: number) => (some.some((one) => one.user === user && one.post === post) ? 1 : 0),
  };
}

/** x of a x = b by Gauss and Jordan. */
function solve(a: number[][], b: number[]): number[] {
  const rows = a.map((row, i) => [...row, b[i]]);
  for (let k = 0; k < rows.length; k++) {
    const pivot = rows[k][k];
    for (let j = k; j <= rows.length; j++) rows[k][j] /= pivot;
    for (let i = 0; i < rows.length; i++) {
      const factor = i === k ? 0 : rows[i][k];
      for (let j = k; j <= rows.length; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  return rows.map((row) => row[rows.length]);
}

test("a weight is what a post says of another given all others that are near it, in millionths", () => {
  const [people, posts] = [120, 12];
  const { cameTo, ...given } = pairs(new Random(1), people, posts);
  const numbers = [...Array(posts).keys()];
  const together = (a: number, b: number) =>
    Array.from({ length: people }, (_, user) => cameTo(user, a) * cameTo(user, b)).reduce((x, y) => x + y, 0);
  const expected = new Map<string, number>();
  for (const post of numbers) {
    const near = numbers.filter((other) => other !== post && together(post, other) >= 10);
    const gram = near.map((a) => near.map((b) => together(a, b) + (a === b ? 150 : 0)));
    const weights = solve(
      gram,
      near.map((other) => together(post, other)),
    );
    for (const [i, other] of near.entries()) {
      const weight = Math.round(1e6 * weights[i]);
      if (weight > 0) expected.set(`${other} ${post}`, weight);
    }
  }
  const found = learnNeighbours(toBipartite(given, { users: people, posts }));
  const actual = numbers.flatMap((post) =>
    Array.from(found.posts.subarray(found.starts[post], found.starts[post + 1]), (other, i): [string, number] => [
      `${post} ${other}`,
      found.weights[found.starts[post] + i],
    ]),
  );
  assert.ok(expected.size > 40);
  assert.deepEqual(new Map(actual), expected);
});

test("what nine people did together says nothing, what ten did does", () => {
  // ten people view two posts, nine of them a third
  const users = Int32Array.from({ length: 29 }, (_, i) => i % 10);
  const posts = Int32Array.from({ length: 29 }, (_, i) => Math.floor(i / 10));
  const found = learnNeighbours(toBipartite({ users, posts }, { users: 10, posts: 3 }));
  assert.deepEqual([...found.starts], [0, 1, 2, 2]);
  assert.deepEqual([...found.posts], [1, 0]);
});

test("a post has 50 neighbours at most, those for which most speaks first", () => {
  const [people, posts] = [40, 90];
  const users = Int32Array.from({ length: people * posts }, (_, i) => i % people);
  const of = Int32Array.from({ length: people * posts }, (_, i) => Math.floor(i / people));
  const found = learnNeighbours(toBipartite({ users, posts: of }, { users: people, posts }));
  const counts = Array.from({ length: posts }, (_, post) => found.starts[post + 1] - found.starts[post]);
  assert.equal(Math.max(...counts), 50);
  for (let post = 0; post < posts; post++) {
    const weights = found.weights.subarray(found.starts[post], found.starts[post + 1]);
    assert.deepEqual(weights, weights.toSorted().reverse());
  }
});
