/** Selection of ideas for an author. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dimensions } from "../features/history.ts";
import type { Idea } from "./idea.ts";
import { pickIdeas } from "./pick-ideas.ts";

const numbers = Array.from({ length: 60 }, (_, i) => i);

/** An idea whose vector has the cosine `fit` with the first axis. */
function idea(name: string, fit: number): Idea {
  const vector = Array.from({ length: dimensions }, (_, d) => [fit, Math.sqrt(1 - fit * fit)][d] ?? 0);
  return {
    ...{ title: name, points: [], tags: [], from: [], subject: name, subjects: [name], form: `${name} _`, vector },
    ...{ writer: "community", parts: { words: 1, nearest: 1, author: 1 }, topic: null },
    shares: { views: 1, votes: 0, comments: 0 },
  };
}

test("of many ideas an author is shown those that are near, and none that is hardly nearer than chance", () => {
  const weights = { words: 1, nearest: 1, author: 1 };
  const pool = {
    ...{ named: [], ideas: [], topics: [], lately: {}, needs: [], posts: 0, level: { sum: 1, count: 1 } },
    blend: { weights, means: weights, mean: 1, scale: 1 },
  };
  const vector = Array.from({ length: dimensions }, (_, d) => (d === 0 ? 1 : 0));
  const fitsOf = (ideas: Idea[]) =>
    pickIdeas(pool, ideas, { people: [], vector, muted: [], mutedParts: [], titles: [] }, 10).map(
      ({ fit }) => fit ?? 1,
    );
  const far = fitsOf(numbers.map((i) => idea(`subject${i}`, i < 4 ? 0.2 : 0.03)));
  assert.equal(far.length, 4);
  assert.ok(far.every((fit) => fit > 0.19));
  const near = fitsOf(numbers.map((i) => idea(`subject${i}`, i / 60)));
  assert.equal(near.length, 10);
  assert.ok(Math.min(...near) >= 0.75, "than three quarters of all");
});
