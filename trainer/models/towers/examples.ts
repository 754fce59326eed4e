/** What an example of the towers sees of the past, and what they are told posts by. */
import type { Community } from "../../data/replay/community.ts";
import { Histories } from "./histories.ts";
import type { Positives } from "./positives.ts";

export interface HistoryOptions {
  /** Only what happened before this instant (milliseconds) is learned from. */
  until: number;
  /**
   * The history an example sees: what came before it, as in serving; or the latest of all the user's others, which tells nothing of the example's time. In a random
   * split the posts to be found lie between those of the history, too.
   */
  histories: "before" | "others";
}

export interface TowerExamples {
  /** Posts that negatives are drawn from. */
  trainable: Int32Array;
  /** [posts] Each one's share of the positives. */
  share: Float32Array;
  /** Posts of the history of a positive, by its number, the latest first. */
  historyOf(positive: number): number[];
  /** `Histories.followed` of a user. */
  followedOf(user: number): number[];
}

export function examplesOfTowers(
  community: Community,
  positives: Positives,
  { until, histories }: HistoryOptions,
): TowerExamples {
  const { createdAt, ids } = community.posts;
  const past = new Histories(community, until);
  const share = new Float32Array(ids.length);
  for (const post of positives.posts) share[post] += 1 / positives.at.length;
  return {
    // posts of the training window, so that negatives never come from a future the positives cannot reach
    trainable: Int32Array.from(ids.keys()).filter((post) => createdAt[post] < until),
    share,
    historyOf: (i) => {
      const before = histories === "before" ? positives.at[i] : Number.POSITIVE_INFINITY;
      return past.latest(positives.users[i], before, positives.posts[i]);
    },
    /**
     * Cold users have follows, too. Recent actions of followed people are as of the end for every example, as in a feed: as of the example
     * they reveal its time (correlation of cold users with their true taste 0.350, as of the end 0.491, without follows 0.427; synthetic).
     */
    followedOf: (user) => past.followed(user, Number.POSITIVE_INFINITY),
  };
}
