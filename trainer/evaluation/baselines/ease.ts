import { invert } from "../../engine/invert.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";
import { InteractedPairs } from "./interacted-pairs.ts";

/** Only this many of the most popular posts take part: the time grows with the cube of their number (2,000: about 4 s). */
const mostPosts = 2000;

/**
 * EASE (Steck, WWW'19): the linear item-item model with no self-similarity that fits all users' rows best.
 * G = XᵀX + λI, P = G⁻¹, B = −P / diag(P) with diagonal 0; a user's scores are the sum of B's rows over their posts.
 */
export class Ease extends InteractedPairs implements Recommender {
  readonly name = "EASE";
  private readonly lambda: number;
  /** Column of a post in B, −1 where it is left out. */
  private readonly columns: Int32Array;
  private readonly posts: number[] = [];
  private weights: Float64Array = new Float64Array();

  constructor(sizes: Sizes, lambda = 300) {
    super(sizes);
    this.lambda = lambda;
    this.columns = new Int32Array(sizes.posts).fill(-1);
  }

  train(): void {
    const { usersOf, postsOf } = this;
    const posts = [...usersOf.keys()].filter((post) => usersOf[post].length > 0);
    posts.sort((a, b) => usersOf[b].length - usersOf[a].length);
    this.posts.push(...posts.slice(0, mostPosts));
    for (const [column, post] of this.posts.entries()) this.columns[post] = column;
    const n = this.posts.length;
    const gram = new Float64Array(n * n);
    for (const posts of postsOf) {
      const columns = posts.map((post) => this.columns[post]).filter((column) => column >= 0);
      for (const i of columns) for (const j of columns) gram[i * n + j]++;
    }
    for (let i = 0; i < n; i++) gram[i * n + i] += this.lambda;
    const inverse = invert(gram, n);
    const diagonal = Float64Array.from({ length: n }, (_, i) => inverse[i * n + i]);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) inverse[i * n + j] = i === j ? 0 : -inverse[i * n + j] / diagonal[j];
    }
    this.weights = inverse;
  }

  scores(user: number, _at: number, out: Float64Array): void {
    const n = this.posts.length;
    const sums = new Float64Array(n);
    for (const post of this.postsOf[user]) {
      const row = this.columns[post] * n;
      if (row >= 0) for (let j = 0; j < n; j++) sums[j] += this.weights[row + j];
    }
    out.fill(0);
    for (const [column, post] of this.posts.entries()) out[post] = sums[column];
  }
}
