/** What a user's latest interactions have in common: some users prefer new posts, others unanswered ones. */
import { logHours } from "./hours.ts";

/**
 * A user's first interaction with another user's post, and that post as of just
 * before. Times are milliseconds since 1970.
 */
export interface RecentInteraction {
  title: string;
  tags: string[];
  at: number;
  created_at: number;
  /** Null if the post had no interaction before. */
  last_active_at: number | null;
  comments: number;
}

export interface RecentHabit {
  logAge: number;
  logIdle: number;
  logComments: number;
}

/** Decay factor per step back. */
export const habitDecay = 0.9;

/**
 * Recency-weighted means over interactions, latest first: log(1 + hours) of age and idle time, log(1 +
 * comments). Null without interactions.
 */
export function recentHabit(interactions: RecentInteraction[]): RecentHabit | null {
  if (interactions.length === 0) return null;
  const sums = { logAge: 0, logIdle: 0, logComments: 0 };
  let weight = 1;
  let total = 0;
  for (const { at, created_at, last_active_at, comments } of interactions) {
    sums.logAge += weight * logHours(created_at, at);
    sums.logIdle += weight * logHours(last_active_at ?? created_at, at);
    sums.logComments += weight * Math.log1p(comments);
    total += weight;
    weight *= habitDecay;
  }
  return { logAge: sums.logAge / total, logIdle: sums.logIdle / total, logComments: sums.logComments / total };
}
