import type { Random } from "../../models/nn/random.ts";
import { topByScore } from "../replay/top-k.ts";
import { applauseOf } from "./applause.ts";
import { communityEnd, communityStart, dayLength, timeOfDay } from "./calendar.ts";
import { poisson, stream } from "./draws.ts";
import { impressionsOf } from "./impressions.ts";
import type { Person } from "./people.ts";
import type { Dismissals } from "./taste.ts";
import {
  commentProbability,
  expectedUtility,
  lookProbability,
  viewProbability,
  voteProbability,
  warmthOf,
} from "./taste.ts";
import type { Writing } from "./writings.ts";

/** Something that happened; users and posts by number. Impressions are the posts shown at one visit, in order. */
export type Happening =
  | { what: "login"; at: number; user: number }
  | { what: "impressions"; at: number; user: number; posts: number[] }
  | { what: "view" | "vote" | "comment" | "dismiss"; at: number; user: number; post: number };

/** The length of a page. */
export const impressionsPerVisit = 10;
const second = 1000;
const hour = dayLength / 24;

/** A visit of a person at an instant. */
interface Visit {
  user: number;
  at: number;
}

export type Simulation = ReturnType<typeof simulationOf>;

/** A community as it goes on day by day: popular posts, and who has seen which. Without `dismissals` there are none. */
export function simulationOf(
  seed: number,
  days: number,
  people: Person[],
  writings: Writing[],
  dismissals?: Dismissals,
) {
  const random = stream(seed, "life");
  const popularity = applauseOf(Float64Array.from(writings, (writing) => writing.createdAt));
  const shown = impressionsOf(random, people.length, writings, popularity);
  let day = 0;
  /** What happens past midnight. */
  let ahead: Happening[] = [];

  const warmth = (post: number, now: number) =>
    warmthOf(popularity.applause(post, now), (now - writings[post].createdAt) / dayLength);

  /** Who comes on the next day, what was begun before it and goes on, and when it ends. */
  function beginDay(): { visits: Visit[]; begun: Happening[]; end: number } {
    const start = communityStart(days) + day++ * dayLength;
    const begun = ahead;
    ahead = [];
    return { visits: visits(random, people, start), begun, end: start + dayLength };
  }

  /** What the app shows a user by itself. */
  const choose = (user: number, now: number) => shown.next(user, people[user], now, impressionsPerVisit);

  /** What a user does who is shown some posts, and what follows from it. Call in order of time. */
  function react(user: number, posts: number[], now: number): Happening[] {
    const person = people[user];
    const happenings: Happening[] = [
      { what: "login", at: now, user },
      { what: "impressions", at: now + second, user, posts },
    ];
    let at = now + second;
    for (const [i, post] of posts.entries()) {
      if (random.uniform() >= lookProbability(i + 1)) continue;
      at += Math.ceil(2 + 6 * random.uniform()) * second;
      const writing = writings[post];
      if (random.uniform() >= viewProbability(person, writing, warmth(post, now))) {
        if (dismissals?.happens(user, person, writing)) {
          happenings.push({ what: "dismiss", at, user, post });
          shown.leavesOut(user, post);
        }
        continue;
      }
      happenings.push({ what: "view", at, user, post });
      shown.leavesOut(user, post);
      at += Math.ceil(20 + 60 * random.uniform()) * second;
      if (random.uniform() < voteProbability(person, writing)) {
        happenings.push({ what: "vote", at, user, post });
        popularity.applaud(post, now);
      }
      if (random.uniform() < commentProbability(person, writing)) {
        at += Math.ceil(30 + 120 * random.uniform()) * second;
        happenings.push({ what: "comment", at, user, post });
        popularity.applaud(post, now);
        if (random.uniform() < 0.35) happenings.push(...reply(random, writing.author, post, at));
      }
    }
    return happenings;
  }

  /** What a user does who visits at an instant, and what follows from it. Call in order of time. */
  const visit = (user: number, now: number) => react(user, choose(user, now), now);

  /** What happens on the next day, in order of time. */
  function nextDay(): Happening[] {
    const { visits, begun, end } = beginDay();
    for (const { user, at } of visits) begun.push(...visit(user, at));
    begun.sort((a, b) => a.at - b.at);
    const tomorrow = begun.findIndex(({ at }) => at >= end);
    ahead = tomorrow < 0 ? [] : begun.splice(tomorrow).filter(({ at }) => at < communityEnd);
    return begun;
  }

  /** Expected utility of a post to a user who looks at it at an instant, with the warmth of the moment. */
  const utility = (user: number, post: number, now: number) =>
    expectedUtility(people[user], writings[post], warmth(post, now));

  /** The page of highest expected utility: an upper bound. Reads of long ago may come again. */
  function best(user: number, now: number): number[] {
    const leftOut = new Set(shown.leftOutOf(user));
    const left = [...writings.keys()].filter(
      (post) => writings[post].createdAt <= now && writings[post].author !== user && !leftOut.has(post),
    );
    const utilities = Float64Array.from(left, (post) => utility(user, post, now));
    return topByScore(utilities, impressionsPerVisit).map((i) => left[i]);
  }

  /** Expected utility of a page, whose places are looked at less from one to the next. */
  const worth = (user: number, posts: number[], now: number) =>
    posts.reduce((sum, post, i) => sum + lookProbability(i + 1) * utility(user, post, now), 0);

  return { nextDay, beginDay, visit, choose, react, utility, best, worth };
}

/** Who comes when on a day. New members look around right after they sign up. */
function visits(random: Random, people: Person[], start: number): Visit[] {
  const weekday = new Date(start).getUTCDay();
  const leisure = weekday === 0 || weekday === 6 ? 1.3 : 0.88;
  const end = start + dayLength - 1;
  const visits: Visit[] = [];
  for (const [user, person] of people.entries()) {
    if (person.isCold || person.createdAt > end) continue;
    if (person.createdAt >= start) visits.push({ user, at: Math.min(person.createdAt + 60 * second, end) });
    for (let left = poisson(random, person.rate * leisure); left > 0; left--) {
      const at = start + timeOfDay(person.hour, random.normal());
      if (at > person.createdAt) visits.push({ user, at });
    }
  }
  return visits.sort((a, b) => a.at - b.at);
}

/** The author comes back, in some hours, and answers under the post. */
function reply(random: Random, author: number, post: number, after: number): Happening[] {
  const at = after + Math.ceil((-5 * Math.log(1 - random.uniform()) * hour) / second + 60) * second;
  return [
    { what: "login", at: at - 30 * second, user: author },
    { what: "comment", at, user: author, post },
  ];
}
