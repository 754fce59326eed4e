import { decay } from "../../../supabase/functions/_shared/features/decay.ts";
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { recencyBaseline } from "../../../supabase/functions/_shared/features/recency-baseline.ts";
import type { CommunityEvent } from "../history/event-walk.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";

/** The post with the latest activity first: any interaction, or the post's own creation. */
export class LastActive implements Recommender {
  readonly name = "last active";
  private readonly lastActiveAt: Float64Array;

  constructor(sizes: Sizes) {
    this.lastActiveAt = new Float64Array(sizes.posts);
  }

  observe(event: CommunityEvent): void {
    if (event.type !== "user") this.lastActiveAt[event.post] = event.at;
  }

  scores(_user: number, _at: number, out: Float64Array): void {
    out.set(this.lastActiveAt);
  }
}

/** The newest post first: what most communities show. */
export class MostRecent implements Recommender {
  readonly name = "most recent";
  private readonly createdAt: Float64Array;

  constructor(sizes: Sizes) {
    this.createdAt = new Float64Array(sizes.posts);
  }

  observe(event: CommunityEvent): void {
    if (event.type === "post") this.createdAt[event.post] = event.at;
  }

  scores(_user: number, _at: number, out: Float64Array): void {
    out.set(this.createdAt);
  }
}

/** The post with the most interactions first; with a half-life (in hours) each interaction counts less as it ages. */
export class Popularity implements Recommender {
  readonly name: string;
  private readonly halfLife: number;
  /** Decayed as of `countedAt`. */
  private readonly counts: Float64Array;
  private readonly countedAt: Float64Array;

  constructor(sizes: Sizes, halfLifeHours = Number.POSITIVE_INFINITY) {
    this.halfLife = halfLifeHours * hour;
    this.name = Number.isFinite(halfLifeHours) ? `popularity, ${halfLifeHours / 24}-day half-life` : "popularity";
    this.counts = new Float64Array(sizes.posts);
    this.countedAt = new Float64Array(sizes.posts);
  }

  observe(event: CommunityEvent): void {
    if (event.type !== "interaction") return;
    this.counts[event.post] = this.countAt(event.post, event.at) + 1;
    this.countedAt[event.post] = event.at;
  }

  scores(_user: number, at: number, out: Float64Array): void {
    for (let post = 0; post < out.length; post++) out[post] = this.countAt(post, at);
  }

  private countAt(post: number, at: number): number {
    const count = this.counts[post];
    return count === 0 ? 0 : decay(count, at - this.countedAt[post], this.halfLife);
  }
}

/** −log(1 + hours since the last activity) − ¼ log(1 + age in hours): the simple ranking to beat. */
export class RecencyBaseline implements Recommender {
  readonly name = "recency baseline";
  private readonly posts: { created_at: number; last_active_at: number }[] = [];

  observe(event: CommunityEvent): void {
    if (event.type === "post") this.posts[event.post] = { created_at: event.at, last_active_at: event.at };
    if (event.type === "interaction" && this.posts[event.post]) this.posts[event.post].last_active_at = event.at;
  }

  scores(_user: number, at: number, out: Float64Array): void {
    for (const [i, post] of this.posts.entries()) out[i] = recencyBaseline(post.created_at, post.last_active_at, at);
  }
}
