/** What a run of the loop says of its policy. */

import { expectedUtility } from "../../trainer/data/synthetic/taste.ts";
import { topicOf, topics } from "../../trainer/data/synthetic/topics.ts";
import type { World } from "../../trainer/data/synthetic/world.ts";
import { gini } from "../../trainer/evaluation/metrics/diversity.ts";
import { type Day, type Exposure, earlyDays } from "./closed-loop.ts";

/** A run of one policy with one seed. */
export interface LoopRun {
  policy: string;
  seed: number;
  days: Day[];
  measures: Measures;
}

export interface Measures {
  /** Reward of a visit: over all days, the first ten, the last ten. */
  reward: number;
  first: number;
  last: number;
  /** Reward of a visit of people in their first three days. */
  newPeople: number;
  /** What their pages are expected to earn, through what the best pages of the same moments are: chance moves it less. */
  newPeopleExpected: number;
  /** Share of all posts that were shown ten times or more. */
  shown: number;
  /** Share of the best tenth of new posts, by true utility to everybody, that were shown 50 times within their first three days. */
  found: number;
  /** Gini coefficient of how often the posts of each author were shown. */
  authorGini: number;
  /** The exponential of the entropy of the topics shown: as many topics as if all were shown alike. */
  topics: number;
}

export function measuresOf(world: World, before: number, days: Day[], exposure: Exposure): Measures {
  const { people, writings } = world;
  const from = world.after(before);
  const until = world.after(before + days.length - earlyDays);
  const fresh = [...writings.keys()].filter(
    (post) => writings[post].createdAt >= from && writings[post].createdAt < until,
  );
  const utilities = new Map(
    fresh.map((post) => [post, people.reduce((sum, person) => sum + expectedUtility(person, writings[post]), 0)]),
  );
  fresh.sort((a, b) => (utilities.get(b) as number) - (utilities.get(a) as number));
  const best = fresh.slice(0, Math.ceil(fresh.length / 10));
  const written = [...writings.keys()].filter((post) => writings[post].createdAt < world.after(before + days.length));
  const ofAuthors = new Map<number, number>();
  const ofTopics = new Float64Array(topics.length);
  for (const post of written) {
    const { author, facet } = writings[post];
    ofAuthors.set(author, (ofAuthors.get(author) ?? 0) + exposure.shown[post]);
    ofTopics[topicOf[facet]] += exposure.shown[post];
  }
  return {
    reward: rewardOf(days),
    first: rewardOf(days.slice(0, 10)),
    last: rewardOf(days.slice(-10)),
    newPeople: sumOf(days, "new_people_reward") / sumOf(days, "new_people_visits"),
    newPeopleExpected: sumOf(days, "new_people_expected") / sumOf(days, "new_people_best"),
    shown: share(written, (post) => exposure.shown[post] >= 10),
    found: share(best, (post) => exposure.shownEarly[post] >= 50),
    authorGini: gini([...ofAuthors.values()]),
    topics: Math.exp(entropy(ofTopics)),
  };
}

function rewardOf(days: Day[]): number {
  return sumOf(days, "reward") / sumOf(days, "visits");
}

function sumOf(days: Day[], what: Exclude<keyof Day, "day">): number {
  return days.reduce((sum, day) => sum + day[what], 0);
}

function share(posts: number[], holds: (post: number) => boolean): number {
  return posts.filter(holds).length / posts.length;
}

function entropy(counts: Float64Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce((sum, count) => (count > 0 ? sum - (count / total) * Math.log(count / total) : sum), 0);
}
