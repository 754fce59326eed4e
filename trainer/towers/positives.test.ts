import assert from "node:assert/strict";
import { test } from "node:test";
import { hour } from "../evaluation/testing.ts";
import { positivesBefore } from "./positives.ts";
import { community } from "./testing.ts";

test("positives are first interactions of others' posts before the instant", () => {
  const { users, posts, at } = positivesBefore(community, 8 * hour);
  assert.deepEqual(
    [...at].map((time, i) => [users[i], posts[i], time / hour]),
    [
      [0, 1, 2],
      [1, 2, 3],
      [0, 2, 6],
    ],
  );
});

test("where there are too many positives, the latest stay", () => {
  const all = positivesBefore(community, 9 * hour);
  const latest = positivesBefore(community, 9 * hour, 2);
  assert.deepEqual([...latest.at], [...all.at].slice(-2));
  assert.deepEqual([...latest.users, ...latest.posts], [0, 1, 2, 0]);
});
