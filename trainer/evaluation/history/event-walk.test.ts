import assert from "node:assert/strict";
import { test } from "node:test";
import { hour, smallCommunity } from "../testing.ts";
import { type CommunityEvent, EventWalk } from "./event-walk.ts";

const community = smallCommunity(
  1,
  [
    [-1, 1],
    [-1, 3],
    [-1, 9],
  ],
  [
    [0, 0, 3],
    [0, 1, 3],
    [0, 0, 4],
  ],
);
const short = (events: CommunityEvent[]) => events.map((event) => `${event.type} ${event.post} @${event.at / hour}`);

test("hands out everything once, in order: posts before interactions", () => {
  const walk = new EventWalk(community);
  assert.deepEqual(short(walk.before(3 * hour)), ["post 0 @1"]);
  assert.deepEqual(short(walk.until(0)), ["post 1 @3"]);
  assert.deepEqual(short(walk.until(2)), ["interaction 0 @3", "interaction 1 @3"]);
  assert.deepEqual(short(walk.until(99)), ["interaction 0 @4", "post 2 @9"]);
  assert.deepEqual(short(walk.until(99)), []);
});

test("refuses a community that is not in order of time", () => {
  const { interactions } = community;
  const wrong = { ...community, interactions: { ...interactions, at: Float64Array.of(3, 2, 4) } };
  assert.throws(() => new EventWalk(wrong), /not in order of time/);
});
