/**
 * A feature that nothing fills, such as one whose column was not passed on to where its formula reads it, is no number for anybody: training
 * stops there and says its name, instead of learning from it.
 */
import { UserError } from "../../db/user-error.ts";
import { categories, categoryStarts } from "../../supabase/functions/_shared/features/categories.ts";
import {
  pairFeatures,
  postFeatures,
  type RankerFeatures,
  userFeatures,
} from "../../supabase/functions/_shared/features/ranker-features.ts";

/** Throws a `UserError` that names the first feature which is no finite number, or a category that is none of its rows. */
export function assertFilled({ user, posts, pairs, categories: ids }: RankerFeatures): void {
  for (const [kind, names, values] of [
    ["user", userFeatures, user],
    ["post", postFeatures, posts],
    ["pair", pairFeatures, pairs],
  ] as const) {
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) throw notFilled(`${kind} ${names[wrong % names.length]}`, values[wrong]);
  }
  const width = categories.length;
  const wrong = ids.findIndex(
    (row, i) => row < categoryStarts[i % width] || row >= categoryStarts[i % width] + categories[i % width].size,
  );
  if (wrong >= 0) throw notFilled(`category ${categories[wrong % width].name}`, ids[wrong]);
}

function notFilled(name: string, value: number): UserError {
  return new UserError(
    `the feature "${name}" is ${value}: nothing fills it, or what it is made of is no number (docs/adding-a-feature.md)`,
  );
}
