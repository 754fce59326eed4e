/** A candidate as one row of numbers: all the ranker knows of it but the vectors, whose inner product is among them. */
import {
  categories,
  pairFeatures,
  postFeatures,
  userFeatures,
} from "../../../supabase/functions/_shared/features/ranker-features.ts";
import type { Feeds } from "../../../supabase/functions/_shared/models/tensors.ts";
import { denseWidth, type RankingExamples } from "../../dlrm/examples.ts";

/** The dense features, then the categories as whole numbers: each category's are in an order that means something. */
export const rowWidth = denseWidth + categories.length;

/** Writes a row of the ranker's training set into `out` [rowWidth]. */
export function readExample({ dense, categories: ids }: RankingExamples, row: number, out: Float32Array): void {
  out.set(dense.subarray(row * denseWidth, (row + 1) * denseWidth));
  out.set(ids.subarray(row * categories.length, (row + 1) * categories.length), denseWidth);
}

/** Writes candidate `i` of the ranker's feeds into `out` [rowWidth]. */
export function readFeeds(feeds: Feeds, i: number, out: Float32Array): void {
  let at = 0;
  const add = (name: string, row: number, width: number) => {
    const { data } = feeds[name];
    for (let f = row * width; f < (row + 1) * width; f++) out[at++] = Number(data[f]);
  };
  add("user_features", 0, userFeatures.length);
  add("post_features", i, postFeatures.length);
  add("pair_features", i, pairFeatures.length);
  add("categories", i, categories.length);
}
