/**
 * What a community asks for and does not get, said before any idea: by its posts of the last four weeks that any member may read. Those of newcomers
 * say nothing yet where newcomers are few: accounts made for it would have their titles shown to all.
 */

import type { IdeaPost, IdeaTopic } from "./read-idea-source.ts";
import { neededFrom, needsOf } from "./topic-needs.ts";

/**
 * high_demand: a topic with more of all readers than of all posts. often_unanswered: one whose posts nobody else commented on, more than usual.
 * unanswered: posts that have waited for a comment longest, of those that most people came to.
 */
export type NeedKind = "unanswered" | "often_unanswered" | "high_demand";

export interface Need {
  kind: NeedKind;
  topic: Pick<IdeaTopic, "id" | "label"> | null;
  /** Posts that show it: those of `anonymityThreshold` and more, the most visited first, then the others, the oldest first. */
  posts: IdeaPost[];
}

/** A question may wait so long before it counts as unanswered, in milliseconds: of travel-se's posts that get a comment within a week, .99 have one by then. */
const patience = 2 * 24 * 3_600_000;
/** Of fewer posts a topic's share of unanswered ones is chance. */
const leastPosts = 5;
/** So many times the community's share of unanswered posts is more than usual. */
const moreThanUsual = 1.5;
const perNeed = 3;
/** Of fewer people nothing is said of how many came, as recsys_engine.anonymity_threshold() has it: an order by fewer shows each of them, and a few accounts make it. */
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
  // where most posts have no comment, having none says nothing
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

/** Of equally many people the earlier; fewer than `anonymityThreshold` are as none. */
function mostVisited(posts: IdeaPost[]): IdeaPost[] {
  const said = ({ people }: IdeaPost) => (people < anonymityThreshold ? 0 : people);
  return [...posts].sort((a, b) => said(b) - said(a) || a.createdAt - b.createdAt).slice(0, perNeed);
}
