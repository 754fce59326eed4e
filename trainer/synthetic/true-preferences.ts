import type { SyntheticSize } from "./size.ts";
import { expectedUtility } from "./taste.ts";
import { World } from "./world.ts";

/** What the people of a synthetic community really like: the answers that a recommender is asked for. */
export interface TruePreferences {
  users: string[];
  posts: string[];
  /** Users with a profile and no history. */
  coldUsers: string[];
  /** Expected utility of showing the post to the user (0.2 a view, 1 a vote, 1 a comment), whatever its position and age. */
  score(userId: string, postId: string): number;
  /** The `count` posts of others with the highest utility to the user, best first. */
  favourites(userId: string, count: number): string[];
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
    users: people.map(({ id }) => id),
    posts: writings.map(({ id }) => id),
    coldUsers: people.filter(({ isCold }) => isCold).map(({ id }) => id),
    score: (userId, postId) => expectedUtility(find(personOf, userId), find(writingOf, postId)),
    favourites(userId, count) {
      const person = find(personOf, userId);
      return writings
        .filter((writing) => people[writing.author] !== person)
        .map((writing) => ({ id: writing.id, utility: expectedUtility(person, writing) }))
        .sort((a, b) => b.utility - a.utility)
        .slice(0, count)
        .map(({ id }) => id);
    },
  };
}
