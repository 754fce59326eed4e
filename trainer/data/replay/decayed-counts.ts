/**
 * Interactions of each post, decayed with one half-life, as of any later instant: all counts decay alike, so their
 * order changes only with an interaction. As recsys_engine.post_stats.trend and recsys_engine.popularity.
 */
import { halfLives } from "../../../supabase/functions/_shared/features/decay.ts";
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { topByScore } from "./top-k.ts";

export class DecayedCounts {
  /** The half-life in milliseconds. */
  readonly halfLife: number;
  private readonly counted: number;
  private readonly most: number;
  /** By post: when its count will have fallen to 1, in half-lives; −∞: no interactions. */
  private readonly values: Float64Array;
  private kept: { alive: number; first: number[]; all?: number[] } | undefined;

  /** Of `posts` posts, by number `counted` of `halfLives`. It sorts no more than the `most` hottest until more are asked for. */
  constructor(posts: number, counted: number, most: number) {
    this.halfLife = halfLives[counted] * hour;
    this.counted = counted;
    this.most = most;
    this.values = new Float64Array(posts).fill(Number.NEGATIVE_INFINITY);
  }

  /** Adds an interaction with a post at an instant; `recent`: its decayed counts as of then. */
  came(post: number, at: number, recent: ArrayLike<number>): void {
    // as in SQL: a person's second action long after their first finds almost nothing left of the count
    this.values[post] = Math.log2(Math.max(recent[this.counted], 1e-30)) + at / this.halfLife;
    this.kept = undefined;
  }

  /** The posts from 0 to alive − 1 for which `is` holds and whose value is `least` or more, the hottest first. */
  *hottest(alive: number, is: (post: number) => boolean, least = -Number.MAX_VALUE): Iterable<number> {
    if (this.kept?.alive !== alive) this.kept = { alive, first: this.sorted(alive, this.most) };
    for (let place = 0; place < alive; place++) {
      if (place === this.most) this.kept.all ??= this.sorted(alive, alive);
      const post = (this.kept.all ?? this.kept.first)[place];
      if (this.values[post] < least) return;
      if (is(post)) yield post;
    }
  }

  private sorted(alive: number, count: number): number[] {
    return topByScore(this.values.subarray(0, alive), Math.min(count, alive));
  }
}
