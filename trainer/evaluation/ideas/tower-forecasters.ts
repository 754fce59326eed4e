/**
 * What the two towers alone say of a new post's audience: what the posts nearest to its vector got, and how near it is to active people.
 * They are trained on the time before, once for both.
 */
import type { OnProgress } from "../../../db/progress.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import type { SettledPost } from "../../../supabase/functions/_shared/ideas/forecast/written-post.ts";
import type { Community } from "../../data/replay/community.ts";
import { embedPosts, embedUsersAt } from "../../models/towers/embed.ts";
import { Histories } from "../../models/towers/histories.ts";
import { trainTowers } from "../../models/towers/train.ts";
import { type Config, defaultConfig } from "../../training/config/config.ts";
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
type VectorsAt = (until: number) => Promise<Vectors>;

/**
 * Both forecasters, on the same towers, and the vectors of these. `community`: the whole one, whose later posts are read as text alone.
 */
export function towerForecasters(
  community: Community,
  options: TowerOptions,
): { forecasters: AudienceForecaster[]; vectorsAt: VectorsAt } {
  let training: Promise<Vectors> | undefined;
  const vectorsAt = (until: number) => {
    training ??= train(community, until, options);
    return training;
  };
  return { forecasters: [nearestByTower(vectorsAt), nearToPeople(vectorsAt)], vectorsAt };
}

async function train(
  community: Community,
  until: number,
  { seed, config = defaultConfig, onProgress, signal }: TowerOptions,
): Promise<Vectors> {
  const { towers, data } = await trainTowers(community, { ...config.towers, seed, until }, onProgress, signal);
  const posts = embedPosts(towers, data, community.posts.ids.length);
  const { at, users } = community.interactions;
  const active = new Set(users.filter((_, i) => at[i] < until && at[i] >= until - activeFor));
  const histories = new Histories(community, until);
  const moments = Array.from(active, (user) => ({
    user,
    history: histories.latest(user, until),
    followed: histories.followed(user, until),
  }));
  return { posts, people: embedUsersAt(towers, data, moments, posts) };
}

function nearestByTower(vectorsAt: VectorsAt): AudienceForecaster {
  let vectors: Float32Array = new Float32Array();
  const known: { post: number; value: number }[] = [];
  const add = ({ post, people }: NumberedPost & SettledPost) => void known.push({ post, value: Math.log1p(people) });
  return {
    name: "100 nearest by the post tower",
    async train(posts, _, until) {
      vectors = (await vectorsAt(until)).posts;
      for (const post of posts) add(post);
    },
    add,
    forecast({ post }) {
      const similarities = Float64Array.from(known, (each) =>
        innerProduct(vectors, post * dimensions, vectors, each.post * dimensions, dimensions),
      );
      const least = similarities.slice().sort()[Math.max(0, known.length - neighbours)];
      const near = known.filter((_, i) => similarities[i] >= least);
      return near.reduce((sum, { value }) => sum + value, 0) / Math.max(1, near.length);
    },
  };
}

function nearToPeople(vectorsAt: VectorsAt): AudienceForecaster {
  let vectors: Float32Array = new Float32Array();
  /** The sum of the people's vectors: its product with a post's is that of their mean similarity. */
  const sum = new Float32Array(dimensions);
  return {
    name: "near to active people by both towers",
    async train(_posts, _community, until) {
      const { posts, people } = await vectorsAt(until);
      vectors = posts;
      for (const [i, value] of people.entries()) sum[i % dimensions] += value;
    },
    add() {},
    forecast: ({ post }) => innerProduct(sum, 0, vectors, post * dimensions, dimensions),
  };
}
