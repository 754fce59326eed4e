/**
 * What the two towers alone say of a new post's audience: what the posts nearest to its vector got, and how near it is to active people.
 * They are trained on the time before, once for both.
 */
import type { OnProgress } from "../../../db/progress.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import type { SettledPost } from "../../../supabase/functions/_shared/ideas/forecast/written-post.ts";
import type { Community } from "../../community/community.ts";
import { type Config, defaultConfig } from "../../config/config.ts";
import { embedPosts, embedUsersAt } from "../../towers/embed.ts";
import { Histories } from "../../towers/histories.ts";
import { TowerData } from "../../towers/model.ts";
import { trainTowers } from "../../towers/train.ts";
import type { AudienceForecaster, NumberedPost } from "./forecast-protocol.ts";

const neighbours = 100;
/** Active: did something in the last 60 days. */
const activeFor = 60 * 24 * 3_600_000;

interface TowerOptions {
  seed: number;
  config?: Config | undefined;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/** The vectors of all posts and of who is active when the test begins, by towers that know nothing of it. */
interface Vectors {
  posts: Float32Array;
  people: Float32Array;
}

/**
 * Both forecasters, on the same towers, and the vectors of these. `community`: the whole one, whose later posts are read as text alone.
 */
export function towerForecasters(
  community: Community,
  options: TowerOptions,
): { forecasters: AudienceForecaster[]; vectorsAt: (until: number) => Promise<Vectors> } {
  let training: Promise<Vectors> | undefined;
  const vectorsAt = (until: number) => {
    training ??= train(community, until, options);
    return training;
  };
  return { forecasters: [new NearestByTower(vectorsAt), new NearToPeople(vectorsAt)], vectorsAt };
}

async function train(
  community: Community,
  until: number,
  { seed, config = defaultConfig, onProgress, signal }: TowerOptions,
): Promise<Vectors> {
  const { towers } = await trainTowers(community, { ...config.towers, seed, until }, onProgress, signal);
  const data = new TowerData(community);
  const posts = embedPosts(towers, data, community.posts.ids.length);
  const { at, users } = community.interactions;
  const active = new Set(users.filter((_, i) => at[i] < until && at[i] >= until - activeFor));
  const histories = new Histories(community, until);
  const moments = Array.from(active, (user) => ({ user, history: histories.latest(user, until) }));
  return { posts, people: embedUsersAt(towers, data, moments, posts) };
}

class NearestByTower implements AudienceForecaster {
  readonly name = "100 nearest by the post tower";
  private vectors: Float32Array = new Float32Array();
  private readonly known: { post: number; value: number }[] = [];
  private readonly vectorsAt: (until: number) => Promise<Vectors>;

  constructor(vectorsAt: (until: number) => Promise<Vectors>) {
    this.vectorsAt = vectorsAt;
  }

  async train(posts: (NumberedPost & SettledPost)[], _: Community, until: number): Promise<void> {
    this.vectors = (await this.vectorsAt(until)).posts;
    for (const post of posts) this.add(post);
  }

  add({ post, people }: NumberedPost & SettledPost): void {
    this.known.push({ post, value: Math.log1p(people) });
  }

  forecast({ post }: NumberedPost): number {
    const { vectors, known } = this;
    const similarities = new Float64Array(known.length);
    for (let i = 0; i < known.length; i++)
      similarities[i] = innerProduct(vectors, post * dimensions, vectors, known[i].post * dimensions, dimensions);
    const least = similarities.slice().sort()[Math.max(0, known.length - neighbours)];
    const near = known.filter((_, i) => similarities[i] >= least);
    return near.reduce((sum, { value }) => sum + value, 0) / Math.max(1, near.length);
  }
}

class NearToPeople implements AudienceForecaster {
  readonly name = "near to active people by both towers";
  private vectors: Float32Array = new Float32Array();
  /** The sum of the people's vectors: its product with a post's is that of their mean similarity. */
  private readonly sum = new Float32Array(dimensions);
  private readonly vectorsAt: (until: number) => Promise<Vectors>;

  constructor(vectorsAt: (until: number) => Promise<Vectors>) {
    this.vectorsAt = vectorsAt;
  }

  async train(_posts: unknown, _community: unknown, until: number): Promise<void> {
    const { posts, people } = await this.vectorsAt(until);
    this.vectors = posts;
    for (const [i, value] of people.entries()) this.sum[i % dimensions] += value;
  }

  add(): void {}

  forecast({ post }: NumberedPost): number {
    return innerProduct(this.sum, 0, this.vectors, post * dimensions, dimensions);
  }
}
