import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { Random } from "../../engine/random.ts";
import type { CommunityEvent } from "../history/event-walk.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";
import { gramOf, solveRow } from "./als-step.ts";
import { InteractedPairs } from "./interacted-pairs.ts";

export interface AlsOptions {
  factors: number;
  regularisation: number;
  /** Confidence of a pair with an interaction; of any other it is 1. */
  alpha: number;
  iterations: number;
  seed: number;
}

/**
 * Implicit ALS (Hu, Koren, Volinsky 2008): minimises Σ c (p − x·y)² + regularisation (|x|² + |y|²) over all pairs, p = 1 and
 * c = alpha where there was one, p = 0 and c = 1 elsewhere, by turns for users and posts, three conjugate gradient steps per row.
 * A user's vector is solved anew from their posts at each list, the posts' stay as trained.
 */
export class Als implements Recommender {
  readonly name: string;
  private readonly options: AlsOptions;
  private readonly sizes: Sizes;
  private readonly pairs: InteractedPairs;
  private users = new Float64Array();
  private posts = new Float64Array();
  private gram: Float64Array = new Float64Array();

  constructor(sizes: Sizes, options: Partial<AlsOptions> = {}) {
    this.options = { factors: 128, regularisation: 30, alpha: 4, iterations: 60, seed: 42, ...options };
    this.name = `implicit ALS ${this.options.factors}`;
    this.sizes = sizes;
    this.pairs = new InteractedPairs(sizes);
  }

  observe(event: CommunityEvent): void {
    this.pairs.observe(event);
  }

  train(): void {
    const { factors, regularisation, alpha, iterations, seed } = this.options;
    const random = new Random(seed);
    const start = (rows: number) => Float64Array.from({ length: rows * factors }, () => random.uniform() * 0.01);
    this.users = start(this.sizes.users);
    this.posts = start(this.sizes.posts);
    const solveAll = (rows: Float64Array, others: Float64Array, positives: number[][]) => {
      const gram = gramOf(others, factors, regularisation);
      for (const [row, columns] of positives.entries()) {
        const x = rows.subarray(row * factors, (row + 1) * factors);
        if (columns.length === 0) x.fill(0);
        else solveRow(x, gram, others, columns, alpha, 3);
      }
    };
    for (let iteration = 0; iteration < iterations; iteration++) {
      solveAll(this.users, this.posts, this.pairs.postsOf);
      solveAll(this.posts, this.users, this.pairs.usersOf);
    }
    this.gram = gramOf(this.posts, factors, regularisation);
  }

  scores(user: number, _at: number, out: Float64Array): void {
    const { factors, alpha } = this.options;
    const x = this.users.slice(user * factors, (user + 1) * factors);
    solveRow(x, this.gram, this.posts, this.pairs.postsOf[user], alpha, 10);
    for (let post = 0; post < out.length; post++) out[post] = innerProduct(x, 0, this.posts, post * factors, factors);
  }
}
