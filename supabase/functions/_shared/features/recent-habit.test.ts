import assert from "node:assert/strict";
import { test } from "node:test";
import { recentHabit } from "./recent-habit.ts";

const hour = 3_600_000;
const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

test("no interactions, no habit", () => {
  assert.equal(recentHabit([]), null);
});

test("means that weigh the latest interaction most", () => {
  const interaction = { title: "", tags: [], at: 100 * hour };
  const habit = recentHabit([
    // three hours old, idle for one, two comments
    { ...interaction, created_at: 97 * hour, last_active_at: 99 * hour, comments: 2 },
    // seven hours old, without interactions
    { ...interaction, created_at: 93 * hour, last_active_at: null, comments: 0 },
  ]);
  assert.ok(habit);
  close(habit.logAge, (Math.log(4) + 0.9 * Math.log(8)) / 1.9);
  close(habit.logIdle, (Math.log(2) + 0.9 * Math.log(8)) / 1.9);
  close(habit.logComments, Math.log(3) / 1.9);
});

test("an interaction dated before its post is of age 0", () => {
  const habit = recentHabit([{ title: "", tags: [], at: 0, created_at: hour, last_active_at: null, comments: 0 }]);
  assert.deepEqual(habit, { logAge: 0, logIdle: 0, logComments: 0 });
});
