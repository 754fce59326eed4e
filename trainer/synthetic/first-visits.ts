import { communityEnd, dayLength } from "./calendar.ts";
import type { SyntheticSize } from "./size.ts";
import { World } from "./world.ts";

/** Visits of each cold user: with one, a third of them interact with nothing. */
const visits = 5;

/**
 * What the cold users do next when the community of a seed ends: by user id, the ids of the posts they interact with in
 * their first visits, an hour apart. Nobody writes anything new meanwhile.
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
