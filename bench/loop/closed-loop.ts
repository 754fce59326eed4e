/** Lets a policy choose every page of a synthetic community for some days, with its own consequences. */
import { dayLength } from "../../trainer/data/synthetic/calendar.ts";
import { type Happening, impressionsPerVisit } from "../../trainer/data/synthetic/simulation.ts";
import { topicOf } from "../../trainer/data/synthetic/topics.ts";
import type { World } from "../../trainer/data/synthetic/world.ts";

/** What came of the visits of one day. */
export interface Day {
  /** From 1: days of the policy. */
  day: number;
  visits: number;
  /** 0.2 a view, 1 a vote, 1 a comment of the pages' posts. */
  reward: number;
  /** How many of the pages' posts were dismissed. */
  dismissals: number;
  /** Visits and reward of people who signed up within the last three days. */
  new_people_visits: number;
  new_people_reward: number;
  /** What these visits' pages are expected to earn, and what the best pages of the same moments are. */
  new_people_expected: number;
  new_people_best: number;
  /** Pages on which something was dismissed, and how many of their places have the author, and the topic, of that. */
  dismissal_visits: number;
  dismissal_of_author: number;
  dismissal_of_topic: number;
  /** The same of the later pages of who dismissed something within 14 days, and what these earn. */
  after_visits: number;
  after_reward: number;
  after_of_author: number;
  after_of_topic: number;
}

/** How often each post was shown, and how soon. */
export interface Exposure {
  /** [posts] Times shown. */
  shown: Float64Array;
  /** [posts] The same within its first three days. */
  shownEarly: Float64Array;
}

export const earlyDays = 3;
const newPeopleDays = 3;
const dismissalDays = 14;
const value = { view: 0.2, vote: 1, comment: 1, dismiss: 0 };

/** The community lives `before` days as it does and `days` days with the policy's pages. `onDay` hears of each. */
export async function closedLoop(
  world: World,
  policy: Policy,
  before: number,
  days: number,
  onDay: (day: Day) => void,
): Promise<Exposure> {
  const { people, writings, simulation } = world;
  await policy.prepare(world, before);
  const exposure = { shown: new Float64Array(writings.length), shownEarly: new Float64Array(writings.length) };
  const dismissed = new Map<number, Dismissed[]>();
  let pending: Happening[] = [];
  /** Tells the policy of what happened before an instant. */
  const tell = async (until: number) => {
    pending.sort((a, b) => a.at - b.at);
    const later = pending.findIndex(({ at }) => at >= until);
    const due = later < 0 ? pending : pending.slice(0, later);
    pending = later < 0 ? [] : pending.slice(later);
    for (const happening of due) await policy.observe(happening);
  };
  for (let number = 1; number <= days; number++) {
    const { visits, begun, end } = simulation.beginDay();
    pending.push(...begun);
    const day = dayOf(number);
    for (const { user, at } of visits) {
      await tell(at);
      const posts = await policy.page(user, at, impressionsPerVisit);
      const isNew = at - people[user].createdAt < newPeopleDays * dayLength;
      if (isNew) {
        day.new_people_visits++;
        // before the reactions, which change both
        day.new_people_expected += simulation.worth(user, posts, at);
        day.new_people_best += simulation.worth(user, simulation.best(user, at), at);
      }
      const happenings = simulation.react(user, posts, at);
      pending.push(...happenings);
      let reward = 0;
      const before = (dismissed.get(user) ?? []).filter((each) => each.at > at - dismissalDays * dayLength);
      const dismissedNow: Dismissed[] = [];
      for (const happening of happenings)
        if (happening.user === user && "post" in happening) {
          reward += value[happening.what];
          if (happening.what === "dismiss") dismissedNow.push(happening);
        }
      day.dismissals += dismissedNow.length;
      if (dismissedNow.length > 0) {
        day.dismissal_visits++;
        day.dismissal_of_author += places(posts, dismissedNow, (post) => writings[post].author);
        day.dismissal_of_topic += places(posts, dismissedNow, (post) => topicOf[writings[post].facet]);
      }
      if (before.length > 0) {
        day.after_visits++;
        day.after_reward += reward;
        day.after_of_author += places(posts, before, (post) => writings[post].author);
        day.after_of_topic += places(posts, before, (post) => topicOf[writings[post].facet]);
      }
      dismissed.set(user, [...before, ...dismissedNow]);
      for (const post of posts) {
        exposure.shown[post]++;
        if (at - writings[post].createdAt < earlyDays * dayLength) exposure.shownEarly[post]++;
      }
      day.visits++;
      day.reward += reward;
      day.new_people_reward += isNew ? reward : 0;
    }
    await tell(end);
    onDay(day);
    if (number < days) await policy.night?.();
  }
  return exposure;
}

type Dismissed = { post: number; at: number };

/** How many of some posts have a property in common with one that was dismissed. */
function places(posts: number[], dismissed: Dismissed[], of: (post: number) => number): number {
  const those = new Set(dismissed.map(({ post }) => of(post)));
  return posts.filter((post) => those.has(of(post))).length;
}

function dayOf(day: number): Day {
  return {
    ...{ day, visits: 0, reward: 0, dismissals: 0 },
    ...{ new_people_visits: 0, new_people_reward: 0, new_people_expected: 0, new_people_best: 0 },
    ...{ dismissal_visits: 0, dismissal_of_author: 0, dismissal_of_topic: 0 },
    ...{ after_visits: 0, after_reward: 0, after_of_author: 0, after_of_topic: 0 },
  };
}

/** What chooses every page of a synthetic community. */
export interface Policy {
  readonly name: string;
  /** Lets the community live its first days as it does, and learns from them. */
  prepare(world: World, days: number): Promise<void>;
  /** Told of everything that happens from then on, in order of time. */
  observe(happening: Happening): Promise<void> | void;
  /** The numbers of at most `size` posts for a user at an instant, the best first. */
  page(user: number, at: number, size: number): Promise<number[]> | number[];
  /** A day has ended. */
  night?(): Promise<void>;
  close?(): Promise<void>;
}
