/** Posts by a decayed count: at every moment in the order of what is left of it, however many are asked for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decay, halfLives, weekHalfLifeIndex } from "../../../supabase/functions/_shared/features/decay.ts";
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { Random } from "../../models/nn/random.ts";
import { DecayedCounts } from "./decayed-counts.ts";

const count = 60;
const any = () => true;

/** People interact with random posts, some with the same; returns each post's decayed count at an instant. */
function happenings(random: Random, heat: DecayedCounts, times: number) {
  const counts = new Map<number, { count: number; at: number }>();
  const left = (post: number, at: number) => {
    const known = counts.get(post);
    return known ? decay(known.count, (at - known.at) / hour, halfLives[weekHalfLifeIndex]) : 0;
  };
  for (let at = hour, i = 0; i < times; i++, at += random.below(20) * hour) {
    const post = random.below(count);
    const recent = halfLives.map((_, h) => (h === weekHalfLifeIndex ? 1 + left(post, at) : 0));
    counts.set(post, { count: recent[weekHalfLifeIndex], at });
    heat.came(post, at, recent);
  }
  return left;
}

test("the hottest come first, of those that exist and to which anybody came, past what is sorted first", () => {
  for (const seed of [1, 2, 3, 4]) {
    const random = new Random(seed);
    const heat = new DecayedCounts(count, weekHalfLifeIndex, 7);
    const left = happenings(random, heat, 90);
    const at = 10_000 * hour;
    for (const alive of [count, 40, 5, count]) {
      const expected = Array.from({ length: alive }, (_, post) => post)
        .filter((post) => left(post, at) > 0)
        .sort((a, b) => left(b, at) - left(a, at) || a - b);
      assert.deepEqual([...heat.hottest(alive, any)], expected, `seed ${seed}, ${alive} posts`);
    }
  }
});

test("it ends where less is left than is asked for", () => {
  const heat = new DecayedCounts(3, weekHalfLifeIndex, 500);
  heat.came(0, 0, [0, 0, 0, 8]);
  heat.came(1, heat.halfLife, [0, 0, 0, 1]);
  heat.came(2, 2 * heat.halfLife, [0, 0, 0, 1]);
  // 8 people fall to one in three half-lives
  assert.deepEqual([...heat.hottest(3, any)], [0, 2, 1]);
  assert.deepEqual([...heat.hottest(3, any, 2)], [0, 2]);
  assert.deepEqual([...heat.hottest(3, any, 4)], []);
});
