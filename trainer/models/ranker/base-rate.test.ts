import assert from "node:assert/strict";
import { test } from "node:test";
import { categories } from "../../../supabase/functions/_shared/features/categories.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { Random } from "../nn/random.ts";
import { denseWidth } from "./dense-features.ts";
import type { RankingExamples } from "./ranking-examples.ts";
import { randomExamples } from "./testing.ts";
import { fitBaseRate } from "./wide-prior.ts";

const [vote, comment] = [1, 2];
const asTheyAre = { mean: new Float32Array(denseWidth), deviation: new Float32Array(denseWidth).fill(1) };
const all = (examples: RankingExamples) => Uint32Array.from(examples.requests.keys());

test("finds who votes: log odds of −1 and 1.5 times their first feature, and two more in the first half of the day", () => {
  const random = new Random(1);
  const examples = randomExamples(random, 4000, 2);
  for (let r = 0; r < 4000; r++) {
    const row = 2 * r;
    examples.dense[row * denseWidth] -= 2;
    const logit =
      -1 + 1.5 * examples.dense[row * denseWidth] + (examples.categories[row * categories.length] < 12 ? 2 : 0);
    examples.labels[row * kinds.length + vote] = random.uniform() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
  }
  const rate = fitBaseRate(examples, all(examples), asTheyAre, 1);
  assert.ok(Math.abs(rate.dense[vote] - 1.5) < 0.15, `${rate.dense[vote]} times the feature`);
  const hour = (from: number) =>
    Array.from({ length: 12 }, (_, i) => rate.categories[(from + i) * kinds.length + vote]).reduce((a, b) => a + b) /
    12;
  assert.ok(Math.abs(hour(0) - hour(12) - 2) < 0.3, `${hour(0) - hour(12)} between the halves of the day`);
  const said = Array.from(examples.requests.keys(), (r) => rate.of[r * kinds.length + vote]).reduce((a, b) => a + b);
  const done = Array.from(examples.requests.keys(), (r) => examples.positives(r, vote)).reduce((a, b) => a + b);
  assert.ok(Math.abs(said / done - 1) < 0.01, `${said} of ${done}`);
});

test("an interaction that retrieval missed does not count; what nobody did stays possible", () => {
  const examples = randomExamples(new Random(2), 400, 2);
  examples.found.fill(0, 0, 100);
  const { of } = fitBaseRate(examples, all(examples), asTheyAre, 1);
  const mean = (head: number) =>
    Array.from({ length: 400 }, (_, r) => of[r * kinds.length + head]).reduce((a, b) => a + b) / 400;
  assert.ok(Math.abs(mean(comment) - 0.75) < 0.01, `comments ${mean(comment)}`);
  assert.ok(mean(0) > 1e-4 && mean(0) < 0.02, `views ${mean(0)}`);
});
