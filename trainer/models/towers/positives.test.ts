import assert from "node:assert/strict";
import { test } from "node:test";
import { hour } from "../../evaluation/testing.ts";
import { Random } from "../nn/random.ts";
import { positivesBefore, withOlder } from "./positives.ts";
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

test("with what is new come as many older ones as are asked for, as far as there are any", () => {
  const at = Float64Array.from({ length: 100 }, (_, i) => i);
  const all = { users: Int32Array.from(at), posts: Int32Array.from(at), at };
  const some = withOlder(all, 90, 2, new Random(1));
  assert.deepEqual([...some.at].slice(-10), [90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
  assert.equal(new Set(some.at).size, 30);
  assert.deepEqual(
    [...some.at],
    [...some.at].sort((a, b) => a - b),
  );
  assert.deepEqual([...some.users, ...some.posts], [...some.at, ...some.at]);
  assert.notDeepEqual(withOlder(all, 90, 2, new Random(2)).at, some.at);
  assert.deepEqual(withOlder(all, 20, 2, new Random(1)).at, at);
  assert.equal(withOlder(all, 100, 2, new Random(1)).at.length, 0);
});
