import { communityEnd, dayLength } from "./calendar.ts";
import { createPeople } from "./people.ts";
import { Life } from "./simulation.ts";
import { fullSize, type SyntheticSize } from "./size.ts";
import { createWritings } from "./writings.ts";

/** Visits of each newcomer: with one, a third of them touch nothing. */
const visits = 5;

/**
 * What those do next who have a profile and no history when the community of a seed ends: the ids of the posts they touch
 * in their first visits, an hour apart, by their ids. Nobody writes anything new meanwhile.
 */
export function firstVisits(seed: number, size: SyntheticSize = {}): Map<string, string[]> {
  const { users, posts, days } = fullSize(size);
  const people = createPeople(seed, users, days);
  const writings = createWritings(seed, posts, days, people);
  const life = new Life(seed, days, people, writings);
  for (let day = 0; day < days; day++) life.nextDay();
  const touched = new Map(people.filter(({ isCold }) => isCold).map(({ id }) => [id, new Set<string>()]));
  for (let visit = 0; visit < visits; visit++) {
    for (const [user, person] of people.entries()) {
      if (!person.isCold) continue;
      for (const happening of life.visit(user, communityEnd + (visit * dayLength) / 24)) {
        if (happening.user === user && "post" in happening) touched.get(person.id)?.add(writings[happening.post].id);
      }
    }
  }
  return new Map([...touched].map(([user, seen]) => [user, [...seen]]));
}
