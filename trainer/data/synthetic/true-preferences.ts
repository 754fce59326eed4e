import { communityEnd, dayLength } from "./calendar.ts";
import { expectedUtility } from "./taste.ts";
import type { SyntheticSize } from "./world.ts";
import { World } from "./world.ts";

/** What the people of a synthetic community really like: the answers that a recommender is asked for. */
export interface TruePreferences {
  /** Users with a profile and no history. */
  coldUsers: string[];
  /** Expected utility of showing the post to the user (0.2 a view, 1 a vote, 1 a comment), whatever its position and age. */
  score(userId: string, postId: string): number;
}

/** The true preferences behind `writeSyntheticCommunity` with the same seed and size. */
export function truePreferences(seed: number, size: SyntheticSize = {}): TruePreferences {
  const { people, writings } = new World(seed, size);
  const personOf = new Map(people.map((person) => [person.id, person]));
  const writingOf = new Map(writings.map((writing) => [writing.id, writing]));
  const find = <T>(map: Map<string, T>, id: string): T => {
    const found = map.get(id);
    if (found === undefined) throw new Error(`the synthetic community of seed ${seed} has no "${id}"`);
    return found;
  };
  return {
    coldUsers: people.filter(({ isCold }) => isCold).map(({ id }) => id),
    score: (userId, postId) => expectedUtility(find(personOf, userId), find(writingOf, postId)),
  };
}

/** Visits of each cold user: with one, a third of them interact with nothing. */
const visits = 5;

/**
 * The next posts of cold users when the community of a seed ends: by user id, the ids of posts that they interact
 * with in their first visits, an hour apart. No post is written meanwhile.
 */
export function firstVisits(seed: number, size: SyntheticSize = {}): Map<string, string[]> {
  const { people, writings, days, simulation } = new World(seed, size);
  for (let day = 0; day < days; day++) simulation.nextDay();
  const interactions = new Map(people.filter(({ isCold }) => isCold).map(({ id }) => [id, new Set<string>()]));
  for (let visit = 0; visit < visits; visit++) {
    for (const [user, person] of people.entries()) {
      if (!person.isCold) continue;
      for (const happening of simulation.visit(user, communityEnd + (visit * dayLength) / 24)) {
        if (happening.user === user && "post" in happening)
          interactions.get(person.id)?.add(writings[happening.post].id);
      }
    }
  }
  return new Map([...interactions].map(([user, seen]) => [user, [...seen]]));
}
