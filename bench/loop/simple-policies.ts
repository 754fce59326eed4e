/** Policies that need no model: what the system is compared with, and between which bounds it lies. */
import { hour } from "../../supabase/functions/_shared/features/hours.ts";
import { topByScore } from "../../trainer/community/top.ts";
import { dayLength } from "../../trainer/synthetic/calendar.ts";
import type { Happening } from "../../trainer/synthetic/simulation.ts";
import { facets } from "../../trainer/synthetic/topics.ts";
import type { World } from "../../trainer/synthetic/world.ts";
import type { Policy } from "./closed-loop.ts";

/** Shows the posts with the highest scores, without the user's own and those they have read. */
abstract class Scored implements Policy {
  abstract readonly name: string;
  protected world!: World;
  /** Posts 0 to published − 1 exist. */
  protected published = 0;
  private read: Set<number>[] = [];

  async prepare(world: World, days: number): Promise<void> {
    this.world = world;
    this.read = world.people.map(() => new Set());
    for (let day = 0; day < days; day++) for (const happening of world.simulation.nextDay()) this.observe(happening);
  }

  observe(happening: Happening): void {
    if (happening.what === "login" || happening.what === "impressions") return;
    this.read[happening.user].add(happening.post);
    this.touched(happening.user, happening.post, happening.at, happening.what);
  }

  page(user: number, at: number, size: number): number[] {
    const { writings } = this.world;
    while (this.published < writings.length && writings[this.published].createdAt <= at) this.published++;
    const scores = new Float64Array(this.published);
    for (let post = 0; post < scores.length; post++)
      scores[post] =
        writings[post].author === user || this.read[user].has(post)
          ? Number.NEGATIVE_INFINITY
          : this.score(user, post, at);
    return topByScore(scores, size);
  }

  protected touched(_user: number, _post: number, _at: number, _what: string): void {}
  protected abstract score(user: number, post: number, at: number): number;

  protected ageInDays(post: number, at: number): number {
    return (at - this.world.writings[post].createdAt) / dayLength;
  }
}

export class MostRecent extends Scored {
  readonly name: string = "most recent";

  protected score(_user: number, post: number): number {
    return this.world.writings[post].createdAt;
  }
}

/** The recency baseline of the evaluation. */
export class LastActive extends Scored {
  readonly name = "last active, with age";
  private readonly activeAt = new Map<number, number>();

  protected override touched(_user: number, post: number, at: number): void {
    this.activeAt.set(post, at);
  }

  protected score(_user: number, post: number, at: number): number {
    const { createdAt } = this.world.writings[post];
    const hours = (since: number) => Math.log1p(Math.max(0, at - since) / hour);
    return -hours(this.activeAt.get(post) ?? createdAt) - 0.25 * hours(createdAt);
  }
}

/** Counts of each post that halve in a half-life. */
class Decayed {
  private readonly halfLife: number;
  private readonly counts = new Map<number, { count: number; at: number }>();

  constructor(halfLifeDays: number) {
    this.halfLife = halfLifeDays * dayLength;
  }

  add(post: number, at: number): void {
    this.counts.set(post, { count: 1 + this.of(post, at), at });
  }

  of(post: number, at: number): number {
    const counted = this.counts.get(post);
    return counted ? counted.count * 2 ** (-Math.max(0, at - counted.at) / this.halfLife) : 0;
  }
}

/** Interactions, each counting half as much after a half-life. */
export class Popularity extends Scored {
  readonly name: string;
  private readonly interactions: Decayed;

  constructor(halfLifeDays: number) {
    super();
    this.interactions = new Decayed(halfLifeDays);
    this.name = Number.isFinite(halfLifeDays) ? `popularity, ${halfLifeDays} days` : "popularity, all time";
  }

  protected override touched(_user: number, post: number, at: number): void {
    this.interactions.add(post, at);
  }

  protected score(_user: number, post: number, at: number): number {
    return this.interactions.of(post, at);
  }
}

/** What the community's own app shows. */
export class Generator extends Scored {
  readonly name = "the app's own pages";

  override page(user: number, at: number): number[] {
    return this.world.simulation.choose(user, at);
  }

  protected score(): number {
    return 0;
  }
}

/**
 * Somebody who was told the facet of each post: how much of what a user touched is of it, recent applause, age, and reactions per view, as the laws
 * of the simulation weigh them. With `profile` a user starts with the facets of their passions.
 */
export class FacetCounts extends Scored {
  readonly name: string;
  private readonly profile: boolean;
  /** [users · facets] */
  private counts = new Float64Array(0);
  private readonly applause = new Decayed(2);
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

  protected score(user: number, post: number, at: number): number {
    const { facet, second } = this.world.writings[post];
    const counts = this.counts.subarray(user * facets.length, (user + 1) * facets.length);
    const most = counts.reduce((a, b) => Math.max(a, b), 1);
    const taste = (0.75 * counts[facet] + 0.25 * counts[second]) / most;
    const applause = this.applause.of(post, at);
    const rate = ((this.reactions.get(post) ?? 0) + 2) / ((this.views.get(post) ?? 0) + 5);
    return 4.4 * taste + 0.3 * Math.log1p(applause) - 0.4 * Math.log1p(this.ageInDays(post, at)) + Math.log(rate);
  }
}

/** Somebody who knows everybody's taste and the laws: what nobody can beat. */
export class TrueLaw extends Scored {
  readonly name = "the true law";

  protected score(user: number, post: number, at: number): number {
    return this.world.simulation.worth(user, post, at);
  }
}
