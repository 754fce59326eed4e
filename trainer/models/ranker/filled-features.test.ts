import assert from "node:assert/strict";
import { test } from "node:test";
import { categories, categoryStarts } from "../../../supabase/functions/_shared/features/categories.ts";
import {
  pairFeatures,
  postFeatures,
  type RankerFeatures,
  userFeatures,
} from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { assertFilled } from "./examples.ts";

/** The features of two candidates, each in the first row of every category. */
function features(): RankerFeatures {
  return {
    user: new Float32Array(userFeatures.length),
    posts: new Float32Array(2 * postFeatures.length),
    pairs: new Float32Array(2 * pairFeatures.length),
    categories: Int32Array.from([...categoryStarts, ...categoryStarts]),
  };
}

test("what is filled passes, and no candidates do", () => {
  assertFilled(features());
  assertFilled({ ...features(), posts: new Float32Array(), pairs: new Float32Array(), categories: new Int32Array() });
});

test("what is not is named, whichever it is", () => {
  for (const [kind, names, of] of [
    ["user", userFeatures, "user"],
    ["post", postFeatures, "posts"],
    ["pair", pairFeatures, "pairs"],
  ] as const)
    for (const [f, name] of names.entries()) {
      const broken = features();
      broken[of][broken[of].length - names.length + f] = Number.NaN;
      assert.throws(() => assertFilled(broken), {
        name: "UserError",
        message: new RegExp(`^the feature "${kind} ${name}" is NaN: nothing fills it`),
      });
    }
  for (const [c, { name, size }] of categories.entries())
    for (const row of [categoryStarts[c] - 1, categoryStarts[c] + size]) {
      const broken = features();
      broken.categories[categories.length + c] = row;
      assert.throws(() => assertFilled(broken), new RegExp(`^UserError: the feature "category ${name}" is ${row}`));
    }
});
