/** Policies that need no model: what the system is compared with, and between which bounds it lies. */
import { decay } from "../../supabase/functions/_shared/features/decay.ts";
import { topByScore } from "../../trainer/data/replay/top-k.ts";
import { dayLength } from "../../trainer/data/synthetic/calendar.ts";
import type { Happening } from "../../trainer/data/synthetic/simulation.ts";
import { facets } from "../../trainer/data/synthetic/topics.ts";
import type { World } from "../../trainer/data/synthetic/world.ts";
import type { Recommender, Sizes } from "../../trainer/evaluation/protocols/recommender.ts";
import type { Policy } from "./closed-loop.ts";

/** Shows the posts with the highest scores, without the user's own and those they have read. */
abstract class Scored implements Policy {
  abstract readonly name: string;
  protected world!: World;
  /** Posts 0 to published − 1 exist. */
  private published = 0;
  private read: Set<number>[] = [];

  async prepare(world: World, days: number): Promise<void> {
    this.world = world;
    this.read = world.people.map(() => new Set());
    for (let day = 0; day < days; day++) for (const happening of world.simulation.nextDay()) this.observe(happening);
  }

  observe(happening: Happening): void {
    if (happening.what === "login" || happening.what === "impressions") return;
    this.publish(happening.at);
    this.read[happening.user].add(happening.post);
    this.touched(happening.user, happening.post, happening.at, happening.what);
  }

  page(user: number, at: number, size: number): number[] {
    this.publish(at);
    const scores = new Float64Array(this.world.writings.length);
    this.scores(user, at, scores);
    const there = scores.subarray(0, this.published);
    for (let post = 0; post < there.length; post++)
      if (this.world.writings[post].author === user || this.read[user].has(post))
        there[post] = Number.NEGATIVE_INFINITY;
    return topByScore(there, size);
  }

  private publish(at: number): void {
    const { writings } = this.world;
    while (this.published < writings.length && writings[this.published].createdAt <= at)
      this.appeared(this.published++);
  }

  protected scores(user: number, at: number, out: Float64Array): void {
    for (let post = 0; post < this.published; post++) out[post] = this.score(user, post, at);
  }

  protected appeared(_post: number): void {}
  protected touched(_user: number, _post: number, _at: number, _what: string): void {}
  protected score(_user: number, _post: number, _at: number): number {
    return 0;
  }
}

/** A ranking of the evaluation. */
export class Baseline extends Scored {
  readonly name: string;
  private readonly open: (sizes: Sizes) => Recommender;
  private ranking!: Recommender;

  constructor(name: string, open: (sizes: Sizes) => Recommender) {
    super();
    this.name = name;
    this.open = open;
  }

  override async prepare(world: World, days: number): Promise<void> {
    this.ranking = this.open({ users: world.people.length, posts: world.writings.length });
    await super.prepare(world, days);
  }

  protected override appeared(post: number): void {
    const { createdAt: at, author: user } = this.world.writings[post];
    this.ranking.observe({ type: "post", at, post, user, title: "", description: "", tags: [] });
  }

  protected override touched(user: number, post: number, at: number): void {
    this.ranking.observe({ type: "interaction", at, user, post, kind: 0 });
  }

  protected override scores(user: number, at: number, out: Float64Array): void {
    void this.ranking.scores(user, at, out);
  }
}

/** What the community's own app shows. */
export class Generator extends Scored {
  readonly name = "the app's own pages";

  override page(user: number, at: number): number[] {
    return this.world.simulation.choose(user, at);
  }
}

/** Counts of each post that halve in two days. */
class Applause {
  private readonly counts = new Map<number, { count: number; at: number }>();

  add(post: number, at: number): void {
    this.counts.set(post, { count: 1 + this.of(post, at), at });
  }

  of(post: number, at: number): number {
    const { count = 0, at: countedAt = at } = this.counts.get(post) ?? {};
    return decay(count, at - countedAt, 2 * dayLength);
  }
}

/**
 * A policy that knows the facet of each post: it weighs facets of touched posts, applause, age and reactions per
 * view as the laws do. With `profile` a user starts with the facets of their passions.
 */
export class FacetCounts extends Scored {
  readonly name: string;
  private readonly profile: boolean;
  /** [users · facets] */
  private counts = new Float64Array(0);
  private readonly applause = new Applause();
  private readonly views = new Map<number, number>();
  private readonly reactions = new Map<number, number>();

  constructor(profile: boolean) {
    super();
    this.profile = profile;
    this.name = profile ? "facet counts, profile" : "facet counts";
  }

  override async prepare(world: World, days: number): Promise<void> {
    this.counts = new Float64Array(world.people.length * facets.length);
    if (this.profile)
      for (const [user, { passions }] of world.people.entries())
        for (const [rank, facet] of passions.entries()) this.counts[user * facets.length + facet] += 3 - 0.6 * rank;
    await super.prepare(world, days);
  }

  protected override touched(user: number, post: number, at: number, what: string): void {
    const { facet, second } = this.world.writings[post];
    this.counts[user * facets.length + facet] += 0.75;
    this.counts[user * facets.length + second] += 0.25;
    if (what === "view") this.views.set(post, (this.views.get(post) ?? 0) + 1);
    else {
      this.reactions.set(post, (this.reactions.get(post) ?? 0) + 1);
      this.applause.add(post, at);
    }
  }

  protected override score(user: number, post: number, at: number): number {
    const { facet, second, createdAt } = this.world.writings[post];
    const ageInDays = (at - createdAt) / dayLength;
    const counts = this.counts.subarray(user * facets.length, (user + 1) * facets.length);
    const most = counts.reduce((a, b) => Math.max(a, b), 1);
    const taste = (0.75 * counts[facet] + 0.25 * counts[second]) / most;
    const applause = this.applause.of(post, at);
    const rate = ((this.reactions.get(post) ?? 0) + 2) / ((this.views.get(post) ?? 0) + 5);
    return 4.4 * taste + 0.3 * Math.log1p(applause) - 0.4 * Math.log1p(ageInDays) + Math.log(rate);
  }
}

/** A policy that knows all tastes and the laws: an upper bound. */
export class TrueLaw extends Scored {
  readonly name = "the true law";

  protected override score(user: number, post: number, at: number): number {
    return this.world.simulation.utility(user, post, at);
  }
}
