import assert from "node:assert/strict";
import { test } from "node:test";
import { hour, smallCommunity } from "../testing.ts";
import type { ReplayEvent } from "./list-metrics.ts";
import { worstOf } from "./worst.ts";

const community = smallCommunity(
  3,
  [
    [-1, 1, "oak"],
    [-1, 2, "tea"],
    [-1, 3, "pond"],
  ],
  [[0, 0, 4]],
);
const event = (user: number, post: number, at: number, rank: number): ReplayEvent => ({
  user,
  post,
  at: at * hour,
  cold: false,
  age: 0,
  rank,
  top: Int32Array.of(2, 1, 0),
});

test("those come first that lose most in sum, with the list of their worst event; who does not lose is not there", () => {
  const own = [event(0, 0, 5, 2), event(1, 1, 6, 4), event(1, 0, 7, Infinity), event(2, 2, 8, 1)];
  const base = [event(0, 0, 5, 1), event(1, 1, 6, 2), event(1, 0, 7, 1), event(2, 2, 8, 3)];
  const users = worstOf("user", own, base, community);
  assert.deepEqual(
    users.map(({ id, events, own, other }) => ({ id, events, own, other })),
    [
      { id: "user 1", events: 2, own: 0.125, other: 0.75 },
      { id: "user 0", events: 1, own: 0.5, other: 1 },
    ],
  );
  assert.deepEqual(users[0].example, {
    at: "1970-01-01T07:00:00.000Z",
    post: "oak",
    rank: null,
    otherRank: 1,
    top: ["pond", "tea", "oak"],
  });
  const posts = worstOf("post", own, base, community);
  assert.deepEqual(
    posts.map(({ id, title }) => [id, title]),
    [
      ["post 0", "oak"],
      ["post 1", "tea"],
    ],
  );
  assert.deepEqual(worstOf("user", base, base, community), []);
});
