/**
 * Finds unmet needs of a community from the last four weeks of posts that any member may read. Posts of newcomers on
 * probation are excluded: otherwise fake accounts could have their titles shown to all.
 */

import type { IdeaPost, IdeaTopic } from "./read-idea-source.ts";
import { neededFrom, needsOf } from "./topic-needs.ts";

/**
 * - high_demand: a topic with a larger share of readers than of posts.
 * - often_unanswered: a topic whose posts lack comments by other users more often than usual.
 * - unanswered: the most visited posts without a comment by another user.
 */
export type NeedKind = "unanswered" | "often_unanswered" | "high_demand";

export interface Need {
  kind: NeedKind;
  topic: Pick<IdeaTopic, "id" | "label"> | null;
  /**
   * Posts as evidence: those with `anonymityThreshold` people or more first, most visited
   * first; then the others, oldest first.
   */
  posts: IdeaPost[];
}

/** Age in milliseconds from which a post without comments counts as unanswered: almost all comments come sooner. */
const patience = 2 * 24 * 3_600_000;
/** Minimum number of a topic's posts; the unanswered share of fewer is noise. */
const leastPosts = 5;
/** Factor over the community's unanswered share from which on a topic counts as often unanswered. */
const moreThanUsual = 1.5;
const perNeed = 3;
/**
 * Minimum number of people for ordering by audience, as recsys_engine.anonymity_threshold(): with fewer, the order
 * would reveal single users, or a few accounts could change it.
 */
export const anonymityThreshold = 10;
const topicsPerKind = 2;

/** `lately`: posts of the last four weeks; `now`: milliseconds since 1970. */
export function findNeeds(lately: IdeaPost[], topics: IdeaTopic[], now: number): Need[] {
  const posts = lately.filter(({ isOfNewcomer }) => !isOfNewcomer);
  const old = posts.filter(({ createdAt }) => createdAt <= now - patience);
  const unanswered = old.filter(({ commenters }) => commenters === 0);
  const share = unanswered.length / Math.max(1, old.length);
  const ofTopic = (list: IdeaPost[], topic: IdeaTopic) => list.filter(({ topicId }) => topicId === topic.id);
  const named = ({ id, label }: IdeaTopic) => ({ id, label });

  const needs: Need[] = [];
  // if most posts have no comment, that is no need
  if (share < 0.5 && unanswered.length > 0)
    needs.push({ kind: "unanswered", topic: null, posts: mostVisited(unanswered) });
  const asked = topics
    .map((topic) => ({ topic, all: ofTopic(old, topic), open: ofTopic(unanswered, topic) }))
    .filter(
      ({ all, open }) => all.length >= leastPosts && open.length / all.length > Math.max(moreThanUsual * share, 0.25),
    )
    .sort((a, b) => b.open.length - a.open.length);
  for (const { topic, open } of asked.slice(0, topicsPerKind))
    needs.push({ kind: "often_unanswered", topic: named(topic), posts: mostVisited(open) });
  const need = needsOf(topics);
  const read = topics
    .filter(({ id }) => (need.get(id) ?? 1) > neededFrom)
    .sort((a, b) => b.demand * (need.get(b.id) ?? 1) - a.demand * (need.get(a.id) ?? 1));
  for (const topic of read.slice(0, topicsPerKind))
    needs.push({ kind: "high_demand", topic: named(topic), posts: mostVisited(ofTopic(posts, topic)) });
  return needs.filter(({ posts }) => posts.length > 0);
}

/** Most visited first, ties by age; fewer than `anonymityThreshold` people count as none. */
function mostVisited(posts: IdeaPost[]): IdeaPost[] {
  const said = ({ people }: IdeaPost) => (people < anonymityThreshold ? 0 : people);
  return [...posts].sort((a, b) => said(b) - said(a) || a.createdAt - b.createdAt).slice(0, perNeed);
}
