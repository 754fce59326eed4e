/**
 * Whether the topics that are needed at an instant are those to write on: what the posts of the following quarter got, in topics with more of
 * all demand than of all supply, against the average topic.
 */
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { lately } from "../../../supabase/functions/_shared/ideas/idea-pool.ts";
import { neededFrom, needsOf } from "../../../supabase/functions/_shared/ideas/topic-needs.ts";
import type { Community } from "../../data/replay/community.ts";
import { Random } from "../../models/nn/random.ts";
import { assign, kMeans, numberOfTopics } from "../../topics/k-means.ts";
import { seed as seedCentroids } from "../../topics/seeding.ts";
import { audiencesOf } from "./forecast-protocol.ts";

const day = 86_400_000;
const quarter = 91 * day;

export interface NeededTopics {
  topics: number;
  needed: number;
  /** Mean audience of a post of the needed topics in the quarter, as a multiple of a post of the average topic. */
  lift: number;
}

/** `vectors` [posts, 32]: of towers that know nothing from `at` on. */
export async function neededTopics(
  community: Community,
  vectors: Float32Array,
  at: number,
  seed: number,
): Promise<NeededTopics> {
  const { createdAt, authors } = community.posts;
  const before = countBefore(createdAt, at);
  const known = vectors.subarray(0, before * dimensions);
  const start = seedCentroids(known, numberOfTopics(before), new Random(seed));
  const { centroids } = await kMeans(known, start, new Random(seed));
  const { nearest } = await assign(vectors, centroids);
  const k = centroids.length / dimensions;

  // as recsys_engine.refresh_topics() counts them: people a day, each once, authors on their own posts not; posts a day
  const visits = Array.from({ length: k }, () => new Set<string>());
  const { users, posts, at: times } = community.interactions;
  for (let i = 0; i < times.length && times[i] < at; i++)
    if (times[i] >= at - lately && authors[posts[i]] !== users[i])
      visits[nearest[posts[i]]].add(`${Math.floor(times[i] / day)} ${users[i]}`);
  const written = new Float64Array(k);
  for (let post = 0; post < before; post++) if (createdAt[post] >= at - lately) written[nearest[post]]++;
  const days = lately / day;
  const figures = Array.from(visits, (each, topic) => ({
    id: topic,
    demand: each.size / days,
    supply: written[topic] / days,
  }));
  const needs = needsOf(figures);

  const audiences = audiencesOf(community);
  const got = Array.from({ length: k }, () => ({ people: 0, posts: 0 }));
  for (let post = before; post < createdAt.length && createdAt[post] < at + quarter; post++) {
    got[nearest[post]].people += audiences[post];
    got[nearest[post]].posts++;
  }
  const isNeeded = (topic: number) => (needs.get(topic) ?? 0) > neededFrom;
  const all = got.filter(({ posts }) => posts > 0).map(({ people, posts }) => people / posts);
  const needed = got.filter((_, topic) => isNeeded(topic));
  const people = needed.reduce((sum, each) => sum + each.people, 0);
  const ofNeeded = needed.reduce((sum, each) => sum + each.posts, 0);
  const average = all.reduce((sum, each) => sum + each, 0) / all.length;
  return { topics: k, needed: needed.length, lift: people / ofNeeded / average };
}

function countBefore(times: Float64Array, until: number): number {
  let count = 0;
  while (count < times.length && times[count] < until) count++;
  return count;
}
