import type { FollowRecord } from "../../../db/bundle/records.ts";
import { dayLength } from "./calendar.ts";
import { geometric, pickWeighted, stream } from "./draws.ts";
import type { Person } from "./people.ts";

/*
 * The follows of a synthetic community: 5 on average, and one person in six has none. The first three are found while
 * signing up, before the first visit; each further one takes a week on average. Three in twenty are known from
 * elsewhere; the others are drawn in proportion to
 *   rate · writing · taste²
 * where rate · writing is how much they write, whose tail makes a few of them known to many, and taste the cosine of
 * both tastes.
 */

/** A person follows another from an instant on; both by number. */
export interface NewFollow {
  user: number;
  target: number;
  at: number;
}

const averageFollows = 5;
const atSignUp = 3;
const second = 1000;

/** The follows of a seed in order of time. No person follows one who joined later, or on the last day. */
export function createFollows(seed: number, people: Person[]): NewFollow[] {
  const random = stream(seed, "follows");
  const follows = people.flatMap((person, user) => {
    const chosen = new Set<number>();
    const follow: NewFollow[] = [];
    const isKnown = (target: number) => people[target].createdAt < person.createdAt && !people[target].isCold;
    const strangers = Float64Array.from(people, (_, target) => Number(isKnown(target)));
    const weights = strangers.map((known, target) => {
      const { rate, writing, tastes } = people[target];
      return known && rate * writing * cosine(person.tastes, tastes) ** 2;
    });
    let at = person.createdAt;
    for (let left = geometric(random, 1 / (averageFollows + 1)); left > 0; left--) {
      at += follow.length < atSignUp ? 10 * second : Math.ceil(-7 * dayLength * Math.log(1 - random.uniform()));
      const target = pickWeighted(random, random.uniform() < 0.15 ? strangers : weights);
      if (!isKnown(target) || chosen.has(target)) continue;
      chosen.add(target);
      follow.push({ user, target, at });
    }
    return follow;
  });
  return follows.sort((a, b) => a.at - b.at);
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    ofA += a[i] ** 2;
    ofB += b[i] ** 2;
  }
  return dot / Math.sqrt(ofA * ofB);
}

/** A follow as a bundle has it. */
export function followRecordOf({ user, target, at }: NewFollow, people: Person[]): FollowRecord {
  const created_at = new Date(at).toISOString();
  return { user_id: people[user].id, kind: "person", target_id: people[target].id, created_at };
}
