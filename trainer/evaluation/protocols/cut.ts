/**
 * Protocol 2, one cut: train on one part of the distinct (user, post) pairs, then rank the whole catalogue once for every
 * user with test pairs, leaving out only their training pairs and own posts. Comparable with the literature.
 */
import type { Community } from "../../data/replay/community.ts";
import { EventWalk } from "../history/event-walk.ts";
import { type ListMetrics, listMetrics } from "../metrics/list-metrics.ts";
import { listLength, targetRanks, topOf } from "./rank.ts";
import type { Recommender } from "./recommender.ts";
import type { Progress } from "./replay.ts";
import { randomSplit, timeSplit } from "./split.ts";

/** Random split: the chance that a pair is held out. */
export const testShare = 0.2;

export interface CutOptions {
  /** Random pairs, or the instant (milliseconds since 1970) from which pairs are the test. */
  split: "random" | number;
  seed?: number | undefined;
}

/** One user's list. */
interface CutList {
  user: number;
  test: number[];
  /** Rank of each test post, from 1; Infinity where the recommender left it out. */
  ranks: number[];
  top: Int32Array;
}

export interface CutResult {
  name: string;
  /** Of the same users in the same order, whatever ranked. */
  lists: CutList[];
  metrics: { all: ListMetrics };
  /** Seconds of this recommender alone. */
  seconds: { train: number; observe: number; score: number };
}

/** Trains each recommender on the training part and ranks for every user of the test; results in their order. */
export async function runCut(
  community: Community,
  options: CutOptions,
  recommenders: Recommender[],
  { onProgress, onTraining }: { onProgress?: Progress; onTraining?: (name: string) => void } = {},
): Promise<CutResult[]> {
  const { seed = 42 } = options;
  const { training, test, at } =
    options.split === "random" ? randomSplit(community, testShare, seed) : timeSplit(community, options.split);
  const seen = knownPosts(training);
  const users = [...test.keys()].sort((a, b) => a - b);
  const events = new EventWalk(training).until(training.interactions.at.length);
  const candidates = new Uint8Array(community.posts.ids.length).fill(1, 0, training.posts.ids.length);
  const scores = new Float64Array(community.posts.ids.length);
  const results: CutResult[] = [];
  for (const [r, recommender] of recommenders.entries()) {
    const started = performance.now();
    onTraining?.(recommender.name);
    for (const event of events) recommender.observe(event);
    const observed = performance.now();
    await recommender.train?.({ community: training, testFrom: at });
    const trained = performance.now();
    const lists: CutList[] = [];
    for (const [done, user] of users.entries()) {
      await recommender.scores(user, at, scores);
      const posts = test.get(user) ?? [];
      for (const post of seen[user]) candidates[post] = 0;
      lists.push({
        user,
        test: posts,
        ranks: targetRanks(posts, scores, candidates),
        top: topOf(scores, candidates, listLength),
      });
      for (const post of seen[user]) candidates[post] = 1;
      onProgress?.(r * users.length + done + 1, recommenders.length * users.length);
    }
    results.push({
      name: recommender.name,
      lists,
      metrics: { all: listMetrics(lists.map(({ ranks }) => ranks)) },
      seconds: {
        observe: (observed - started) / 1000,
        train: (trained - observed) / 1000,
        score: (performance.now() - trained) / 1000,
      },
    });
  }
  return results;
}

function knownPosts({ users, posts, interactions }: Community): Set<number>[] {
  const known = Array.from(users.ids, () => new Set<number>());
  for (const [i, user] of interactions.users.entries()) known[user].add(interactions.posts[i]);
  for (const [post, author] of posts.authors.entries()) if (author >= 0) known[author].add(post);
  return known;
}
