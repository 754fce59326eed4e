/**
 * The posts most similar to each of many users, exactly: all inner products of a page in one product of matrices, by the
 * runtime that runs the graphs.
 */
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { float32 } from "../../supabase/functions/_shared/features/tensors.ts";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { GraphBuilder } from "../artifacts/onnx/graph-builder.ts";
import type { Posts } from "../data/replay/community.ts";
import { nearestOf } from "../data/replay/most-similar.ts";

/** Numbers that one product may hold: 64 MB. */
const productSize = 16_000_000;

export interface NearestPosts {
  /**
   * The post numbers nearest to each of N vectors [N, 32], the nearest first, as many as the source `similar` brings, without
   * those that `excluded` [N] has for it.
   */
  to(vectors: Float32Array, excluded: Iterable<number>[]): Promise<Int32Array[]>;
}

/** Of `postVectors` [posts, 32] those that `searched` [posts] has 1 for. */
export async function nearestPosts(
  postVectors: Float32Array,
  searched: Uint8Array,
  community: Posts,
): Promise<NearestPosts> {
  /** The post number of each column, ascending, and the column of each. */
  const posts = Int32Array.from(searched.keys()).filter((post) => searched[post] === 1);
  if (posts.length === 0) return { to: async (_, excluded) => excluded.map(() => new Int32Array()) };
  const columns = new Map(Array.from(posts, (post, column) => [post, column]));
  const matrix = new Float32Array(dimensions * posts.length);
  for (const [column, post] of posts.entries())
    for (let d = 0; d < dimensions; d++) matrix[d * posts.length + column] = postVectors[post * dimensions + d];
  const g = new GraphBuilder("nearest_posts");
  const users = g.input("users", "float32", ["N", dimensions]);
  g.output("products", g.matMul(users, g.weights(matrix, [dimensions, posts.length])), ["N", posts.length]);
  const { createSession } = await loadRuntime();
  const session = await createSession(g.build());

  function nearest(products: Float32Array, excluded: Iterable<number>): Int32Array {
    for (const post of excluded) {
      const column = columns.get(post);
      if (column !== undefined) products[column] = Number.NEGATIVE_INFINITY;
    }
    return Int32Array.from(nearestOf(products, (column) => posts[column], community));
  }

  return {
    async to(vectors, excluded) {
      const step = Math.max(1, Math.floor(productSize / posts.length));
      const found: Int32Array[] = [];
      for (let first = 0; first < excluded.length; first += step) {
        const rows = Math.min(step, excluded.length - first);
        const page = vectors.subarray(first * dimensions, (first + rows) * dimensions);
        const { products } = await session.run({ users: float32(page, [rows, dimensions]) });
        const values = products.data as Float32Array;
        for (let row = 0; row < rows; row++)
          found.push(nearest(values.subarray(row * posts.length, (row + 1) * posts.length), excluded[first + row]));
      }
      return found;
    },
  };
}
