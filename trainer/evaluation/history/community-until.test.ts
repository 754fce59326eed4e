import assert from "node:assert/strict";
import { test } from "node:test";
import { hour, smallCommunity } from "../testing.ts";
import { communityBefore } from "./event-walk.ts";

test("what came at or after the instant is cut off; later users keep their number and lose their profile", () => {
  const community = smallCommunity(
    2,
    [
      [0, 1, "early"],
      [1, 5, "late"],
    ],
    [
      [1, 0, 2],
      [0, 0, 5],
    ],
  );
  community.users.bios = ["here", "not yet"];
  community.users.createdAt[1] = 9 * hour;
  const before = communityBefore(community, 5 * hour);
  assert.deepEqual(before.posts.titles, ["early"]);
  assert.deepEqual([...before.posts.createdAt], [hour]);
  assert.deepEqual([...before.interactions.users], [1]);
  assert.deepEqual(before.users.ids, community.users.ids);
  assert.deepEqual(before.users.bios, ["here", ""]);
});
