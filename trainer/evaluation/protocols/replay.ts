/**
 * Protocol 1, live replay: train on events before `testFrom`, then walk through time; at each first interaction with another's post,
 * rank every post that exists at that instant, is not the user's own and has no earlier interaction of theirs.
 */
import type { Community } from "../../data/replay/community.ts";
import { coldUsers, firstInteractions } from "../../data/replay/first-interactions.ts";
import { type CommunityEvent, communityBefore, EventWalk } from "../history/event-walk.ts";
import { type ReplayEvent, type ReplayMetrics, replayMetrics } from "../metrics/list-metrics.ts";
import { Exclusion, listLength, rankOf, sample } from "./rank.ts";
import type { Recommender } from "./recommender.ts";

export interface ReplayOptions {
  /** Milliseconds since 1970; nothing is chosen between the two any more. */
  validFrom: number;
  testFrom: number;
  /** How many first interactions from testFrom on are asked for; all of them by default. */
  sample?: number | undefined;
  seed?: number | undefined;
}

export interface ReplayResult {
  name: string;
  events: ReplayEvent[];
  metrics: ReplayMetrics;
  /** Seconds of this recommender alone. */
  seconds: { train: number; observe: number; score: number };
}

/** By default the last tenth of the interactions is the test, the tenth before for validation. */
export function defaultWindow({ interactions: { at } }: Pick<Community, "interactions">): {
  validFrom: number;
  testFrom: number;
} {
  return { validFrom: at[Math.floor(0.8 * at.length)], testFrom: at[Math.floor(0.9 * at.length)] };
}

/** `done` of `total` lists have been ranked. */
export type Progress = (done: number, total: number) => void;

/** Walks the community once, all recommenders side by side on the same events; results in the recommenders' order. */
export async function runReplay(
  community: Community,
  options: ReplayOptions,
  recommenders: Recommender[],
  { onProgress, onTraining }: { onProgress?: Progress; onTraining?: (name: string) => void } = {},
): Promise<ReplayResult[]> {
  const { testFrom, seed = 1 } = options;
  const { interactions, posts } = community;
  const window = firstInteractions(posts, interactions).filter((index) => interactions.at[index] >= testFrom);
  const asked = sample(window.length, options.sample ?? window.length, seed).map((i) => window[i]);
  const isCold = coldUsers(community);
  const results = recommenders.map(
    ({ name }): Omit<ReplayResult, "metrics"> => ({ name, events: [], seconds: { train: 0, observe: 0, score: 0 } }),
  );
  const walk = new EventWalk(community);
  const exclusion = new Exclusion({ users: community.users.ids.length, posts: posts.ids.length });
  const observe = (events: CommunityEvent[]) => {
    for (const event of events) exclusion.observe(event);
    for (const [r, recommender] of recommenders.entries()) {
      const start = performance.now();
      for (const event of events) recommender.observe(event);
      results[r].seconds.observe += (performance.now() - start) / 1000;
    }
  };

  observe(walk.before(testFrom));
  const history = { community: communityBefore(community, testFrom), testFrom };
  for (const [r, recommender] of recommenders.entries()) {
    if (recommender.train) onTraining?.(recommender.name);
    const start = performance.now();
    await recommender.train?.(history);
    results[r].seconds.train = (performance.now() - start) / 1000;
  }

  const scores = recommenders.map(() => new Float64Array(posts.ids.length));
  for (const [done, index] of asked.entries()) {
    observe(walk.until(index));
    const user = interactions.users[index];
    const post = interactions.posts[index];
    const at = interactions.at[index];
    const candidates = exclusion.candidatesOf(user);
    for (const [r, recommender] of recommenders.entries()) {
      const start = performance.now();
      await recommender.scores(user, at, scores[r]);
      results[r].seconds.score += (performance.now() - start) / 1000;
      const ranking = rankOf(post, scores[r], candidates, listLength);
      results[r].events.push({ user, post, at, cold: isCold(index), age: at - posts.createdAt[post], ...ranking });
    }
    exclusion.release(user);
    onProgress?.(done + 1, asked.length);
  }
  return results.map((result) => ({ ...result, metrics: replayMetrics(result.events) }));
}
