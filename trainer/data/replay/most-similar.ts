import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { sources } from "../../../supabase/functions/_shared/features/retrieval.ts";
import { authorCappedPosts, overfetchFactor } from "./author-cap.ts";
import type { Posts } from "./community.ts";
import { topByScore } from "./top-k.ts";

/**
 * Of the first `count` posts the eligible ones nearest to a user's vector [32], the nearest first: the source `similar`, by exact search.
 * 25,000 posts take 0.7 ms, and 1.4 ms in a process that also calls innerProduct with arrays of another type.
 */
export function mostSimilar(
  vector: Float32Array,
  postVectors: Float32Array,
  posts: Posts,
  count: number,
  eligible: (post: number) => boolean,
): number[] {
  const similarity = new Float32Array(count);
  for (let post = 0; post < count; post++)
    similarity[post] = eligible(post)
      ? innerProduct(vector, 0, postVectors, post * dimensions, dimensions)
      : Number.NEGATIVE_INFINITY;
  return nearestOf(similarity, (post) => post, posts);
}

/**
 * The posts that the source `similar` brings of some whose similarity to a user is known (−∞: not eligible): the nearest first, of equally near ones that
 * with the lower id, and of an author their share before all others'. `postOf` gives the number of the i-th.
 */
export function nearestOf(similarity: Float32Array, postOf: (i: number) => number, { ids, authors }: Posts): number[] {
  const { size } = sources.similar;
  // nearly always the first do: 2,000 of 25,000 take ten times as long as 100
  for (const most of [size, 4 * size]) {
    const { posts, isFull } = authorCappedPosts(nearest(most), authors, sources.similar);
    if (isFull) return posts;
  }
  return authorCappedPosts(nearest(overfetchFactor * size), authors, sources.similar).posts;

  function nearest(most: number): number[] {
    const best = topByScore(similarity, Math.min(most, similarity.length));
    const least = similarity[best.at(-1) ?? 0];
    const found = best.filter((i) => similarity[i] > least);
    // which of those that are as near as the last one have a place is said by their ids
    if (least > Number.NEGATIVE_INFINITY)
      for (let i = 0; i < similarity.length; i++) if (similarity[i] === least) found.push(i);
    return found
      .map((i) => ({ post: postOf(i), near: similarity[i] }))
      .sort((a, b) => b.near - a.near || (ids[a.post] < ids[b.post] ? -1 : 1))
      .slice(0, most)
      .map(({ post }) => post);
  }
}
