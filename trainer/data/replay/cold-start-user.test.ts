/** Users as they would be had they just come. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { communityOf } from "../../models/neighbours/testing.ts";
import { coldStartUserState } from "./cold-start-user.ts";
import { CommunityState } from "./state.ts";

const hour = 3_600_000;
const [regular, beginner, nobody] = [0, 1, 2];
const at = (number: number) => (1000 + number) * hour;
/** The regular did two things more, before all that the beginner did. */
const { community, timeline } = communityOf(
  Array.from({ length: 9 }, () => 0),
  [
    { user: regular, post: 0, at: at(1) },
    { user: regular, post: 1, at: at(2) },
    { user: regular, post: 2, at: at(10) },
    { user: beginner, post: 3, at: at(10) },
    { user: regular, post: 4, at: at(12) },
    { user: beginner, post: 5, at: at(12) },
    { user: regular, post: 6, at: at(40) },
    { user: beginner, post: 7, at: at(40) },
  ],
  3,
);
community.posts.authors.fill(nobody);
const state = new CommunityState(community, timeline);
state.advance(timeline.length, at(50));
const as = (user: number, acts: number) =>
  coldStartUserState(state, user, acts, at(50), { history: [], followsNobody: false });

test("a regular who is shown with three acts is like somebody who has done three things", () => {
  const { recent_interactions: found, ...shown } = as(regular, 3);
  const { recent_interactions: expected, ...others } = as(beginner, 50);
  assert.deepEqual(shown, others);
  assert.deepEqual(
    found.map(({ at }) => at),
    expected.map(({ at }) => at),
  );
  assert.deepEqual([shown.views + shown.votes + shown.comments, found.length], [3, 3]);
  assert.deepEqual([shown.created_at, shown.last_active_at], [at(10), at(40)]);
  assert.ok(Math.abs(shown.recent[2] - (1 + 0.5 ** (28 / 24) + 0.5 ** (30 / 24))) < 1e-9, "half-life of a day");
});

test("the last acts are the ones that are known, and what follows of them alone", () => {
  assert.deepEqual(
    as(regular, 1).recent_interactions.map(({ at }) => at),
    [at(40)],
  );
  const found = (acts: number) =>
    state
      .candidates(regular, at(50), new Float32Array(32), new Float32Array(9 * 32), { acts })
      .map(({ author_affinity }) => author_affinity);
  assert.deepEqual(new Set(found(3)), new Set([3]));
  assert.deepEqual(new Set(found(Number.POSITIVE_INFINITY)), new Set([5]));
});

test("without an act somebody has just signed up", () => {
  const signedUp = { created_at: at(50), last_active_at: null, views: 0, votes: 0, comments: 0, logins: 0 };
  for (const user of [as(regular, 0), as(nobody, 5)]) {
    assert.deepEqual({ ...user, ...signedUp }, user);
    assert.deepEqual([user.recent_interactions, user.habit_log_age], [[], null]);
  }
});
