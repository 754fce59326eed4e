/** Importance on a ranker whose formula is known: it reads one feature of the post and one of the user, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { categories } from "../../../supabase/functions/_shared/features/categories.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import {
  pairFeatures,
  postFeatures,
  userFeatures,
} from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { type Feeds, float32, int64 } from "../../../supabase/functions/_shared/features/tensors.ts";
import type { RankingModel } from "../../../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import { Random } from "../../models/nn/random.ts";
import { permutationImportance, type RankerInputList } from "./importance.ts";

const n = 12;
const age = postFeatures.indexOf("log_age");
const votes = userFeatures.indexOf("log_votes");
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Views depend on the post's age, votes on the user, comments on nothing; history does not predict dismissals. */
const ranker = {
  name: "known",
  heads: [...kinds, "dismiss"],
  graphs: {
    dlrm: {
      run: async ({ user_features, post_features }: Feeds) => {
        const out = Float32Array.from({ length: n * 4 }, (_, i) => {
          const row = Math.floor(i / 4);
          const old = Number(post_features.data[row * postFeatures.length + age]);
          return [sigmoid(3 - 2 * old), sigmoid(Number(user_features.data[votes]) - 3), 0.1, sigmoid(old)][i % 4];
        });
        return { probabilities: float32(out, [n, 4]) };
      },
    },
  },
} as unknown as RankingModel;

function listsOf(count: number): RankerInputList[] {
  const random = new Random(4);
  const numbers = (length: number) => Float32Array.from({ length }, () => 3 * random.uniform());
  return Array.from({ length: count }, () => {
    const posts = numbers(n * postFeatures.length);
    const youngest = Array.from({ length: n }, (_, row) => posts[row * postFeatures.length + age]);
    const post = youngest.indexOf(Math.min(...youngest));
    const user = numbers(userFeatures.length);
    return {
      posts: Int32Array.from({ length: n }, (_, i) => i),
      feeds: {
        user: float32(numbers(32), [1, 32]),
        posts: float32(numbers(n * 32), [n, 32]),
        user_features: float32(user, [1, userFeatures.length]),
        post_features: float32(posts, [n, postFeatures.length]),
        pair_features: float32(numbers(n * pairFeatures.length), [n, pairFeatures.length]),
        categories: int64(new Int32Array(n * categories.length), [n, categories.length]),
      },
      outcome: { post, labels: [1, user[votes] > 2 ? 1 : 0, 0] },
    };
  });
}

test("what a head reads is worth something to it, surely; what it does not read is worth exactly nothing", async () => {
  const lists = listsOf(80);
  const { features, positives, lists: asked } = await permutationImportance(ranker, lists, 1);
  assert.equal(asked, 80);
  assert.deepEqual(positives, {
    view: 80,
    vote: lists.filter(({ outcome }) => outcome.labels[1] === 1).length,
    comment: 0,
  });
  const of = (name: string) => features.find(({ feature }) => feature === name)?.added ?? assert.fail(name);
  assert.equal(features[0].feature, "post log_age");
  assert.ok(of("post log_age").view.mean > 3 * of("post log_age").view.error);
  assert.equal(of("post log_age").vote.mean, 0);
  assert.notEqual(of("user log_votes").vote.mean, 0);
  for (const { feature, added } of features)
    if (feature !== "post log_age" && feature !== "user log_votes")
      for (const { mean } of Object.values(added)) assert.equal(mean, 0, feature);
  assert.equal(features.length, userFeatures.length + postFeatures.length + pairFeatures.length + categories.length);
});

test("what the ranker was told is as it was afterwards, and the same seed shuffles alike", async () => {
  const [lists, untouched] = [listsOf(5), listsOf(5)];
  const one = await permutationImportance(ranker, lists, 3);
  assert.deepEqual(lists, untouched);
  assert.deepEqual(await permutationImportance(ranker, lists, 3), one);
});
