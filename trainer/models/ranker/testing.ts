import { categories, requestCategories } from "../../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { type Head, kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { userFeatures } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { Random } from "../nn/random.ts";
import { vectorAt } from "../nn/vector-at.ts";
import { denseWidth } from "./dense-features.ts";
import { dlrmDefaults } from "./hyperparameters.ts";
import { RankingExamples } from "./ranking-examples.ts";
import type { Request } from "./requests.ts";

export const testOptions = { ...dlrmDefaults, seed: 1, scoreWeights: [0.2, 1, 1] };

/** Requests with random features, all of whose rows stand for one candidate; `plant` changes row 0 of each. Nothing is dismissed or viewed for long. */
export function randomExamples(
  random: Random,
  requests: number,
  rows: number,
  plant: (dense: Float32Array) => void = () => {},
  heads: readonly Head[] = kinds,
): RankingExamples {
  const made = Array.from({ length: requests }, (_, event): Request => {
    return { event, user: 0, post: 0, at: event, labels: [0, event % 4 === 0 ? 1 : 0, 1] };
  });
  const examples = new RankingExamples(made, rows, heads);
  const vectors = randomVectors(new Random(5), rows);
  for (const [r, { labels }] of made.entries()) examples.labels.set(labels, examples.rowOf(r) * heads.length);
  for (let i = 0; i < examples.dense.length; i++) examples.dense[i] = 2 + random.normal();
  for (let i = 0; i < examples.users.length; i++) examples.users[i] = random.normal() / Math.sqrt(dimensions);
  for (let row = 0; row < requests * rows; row++) {
    examples.posts[row] = random.below(rows);
    examples.postVectors.set(vectorAt(vectors, examples.posts[row]), row * dimensions);
    examples.weights[row] = 1;
    examples.lossWeights[row] = 1;
    // one user and one moment per request
    const first = row - (row % rows);
    examples.dense.copyWithin(row * denseWidth, first * denseWidth, first * denseWidth + userFeatures.length);
    let offset = 0;
    for (const [c, { size }] of categories.entries()) {
      const at = row * categories.length + c;
      const shared = c < requestCategories && row > first;
      examples.categories[at] = shared
        ? examples.categories[first * categories.length + c]
        : offset + random.below(size);
      offset += size;
    }
    if (row % rows === 0) plant(examples.dense.subarray(row * denseWidth, (row + 1) * denseWidth));
  }
  examples.found.fill(1);
  return examples;
}

/** Random vectors [count, 32] of about unit length. */
export function randomVectors(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count * dimensions }, () => random.normal() / Math.sqrt(dimensions));
}
