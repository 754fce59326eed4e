/**
 * The posts most similar to each of many users, exactly: all inner products of a page in one product of matrices, by the
 * runtime that runs the graphs.
 */
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { sources } from "../../supabase/functions/_shared/features/retrieval.ts";
import { float32 } from "../../supabase/functions/_shared/features/tensors.ts";
import { type InferenceSession, loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { topByScore } from "../community/top.ts";
import { GraphBuilder } from "../onnx/graph-builder.ts";

/** Numbers that one product may hold: 64 MB. */
const productSize = 16_000_000;

export class NearestPosts {
  private readonly session: InferenceSession | undefined;
  /** The post number of each column, ascending. */
  private readonly posts: Int32Array;
  /** The column of each post number that has one. */
  private readonly columns: Map<number, number>;

  private constructor(session: InferenceSession | undefined, posts: Int32Array) {
    this.session = session;
    this.posts = posts;
    this.columns = new Map(Array.from(posts, (post, column) => [post, column]));
  }

  /** Of `postVectors` [posts, 32] those that `searched` [posts] has 1 for. */
  static async of(postVectors: Float32Array, searched: Uint8Array): Promise<NearestPosts> {
    const posts = Int32Array.from(searched.keys()).filter((post) => searched[post] === 1);
    if (posts.length === 0) return new NearestPosts(undefined, posts);
    const columns = new Float32Array(dimensions * posts.length);
    for (let column = 0; column < posts.length; column++)
      for (let d = 0; d < dimensions; d++)
        columns[d * posts.length + column] = postVectors[posts[column] * dimensions + d];
    const g = new GraphBuilder("nearest_posts");
    const users = g.input("users", "float32", ["N", dimensions]);
    const products = g.matMul(users, g.weights(columns, [dimensions, posts.length]));
    g.output("products", products, ["N", posts.length]);
    const { createSession } = await loadRuntime();
    return new NearestPosts(await createSession(g.build()), posts);
  }

  /**
   * The post numbers nearest to each of N vectors [N, 32], the nearest first, as many as the source `similar` brings, without
   * those that `excluded` [N] has for it.
   */
  async to(vectors: Float32Array, excluded: Iterable<number>[]): Promise<Int32Array[]> {
    const { session, posts, columns } = this;
    const count = vectors.length / dimensions;
    if (!session) return Array.from({ length: count }, () => new Int32Array());
    const step = Math.max(1, Math.floor(productSize / posts.length));
    const found: Int32Array[] = [];
    for (let first = 0; first < count; first += step) {
      const rows = Math.min(step, count - first);
      const users = float32(vectors.subarray(first * dimensions, (first + rows) * dimensions), [rows, dimensions]);
      const { products } = await session.run({ users });
      const values = products.data as Float32Array;
      for (let row = 0; row < rows; row++) {
        const ofRow = values.subarray(row * posts.length, (row + 1) * posts.length);
        for (const post of excluded[first + row]) {
          const column = columns.get(post);
          if (column !== undefined) ofRow[column] = Number.NEGATIVE_INFINITY;
        }
        const best = topByScore(ofRow, sources.similar.size).filter(
          (column) => ofRow[column] > Number.NEGATIVE_INFINITY,
        );
        found.push(Int32Array.from(best, (column) => posts[column]));
      }
    }
    return found;
  }
}
