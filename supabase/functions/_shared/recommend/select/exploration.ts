/**
 * What nobody has seen nobody can have liked: a share of the places is for new posts of which little is known. Which ones is no matter
 * of chance: each user gets those that the ranker gives them the most for, and the same request the same page.
 */
import type { Selectable } from "./selectable.ts";

/** Whether the place, from 1 and counted through all pages of a feed, is for exploration: with a share of 0.05 every 20th. */
export function isForExploration(place: number, share: number): boolean {
  return Math.floor(place * share) > Math.floor((place - 1) * share);
}

/** After as many views, votes and comments the ranker has something to go by. */
const knownFrom = 10;

/** Whether the post is among the newest and few have come to it. */
export function isUnexplored({ post }: Selectable): boolean {
  return post.ranks.fresh !== null && post.views + post.votes + post.comments < knownFrom;
}
