/** The synthetic community of a seed and size: who is in it, what they write, and how it goes on. */
import { UserError } from "../../../db/user-error.ts";
import { communityStart, dayLength } from "./calendar.ts";
import { createPeople, type Person } from "./people.ts";
import { type Simulation, simulationOf } from "./simulation.ts";
import { type Dismissals, dismissalsOf } from "./taste.ts";
import { createWritings, type Writing } from "./writings.ts";

export class World {
  readonly seed: number;
  readonly days: number;
  /** All who ever join. */
  readonly people: Person[];
  /** All that is ever written, in order of time. */
  readonly writings: Writing[];
  readonly simulation: Simulation;
  /** undefined: no dismissals. */
  readonly dismissals: Dismissals | undefined;

  constructor(seed: number, size: SyntheticSize = {}, dismisses = false) {
    const { users, posts, days } = fullSize(size);
    this.seed = seed;
    this.days = days;
    this.people = createPeople(seed, users, days);
    this.writings = createWritings(seed, posts, days, this.people);
    this.dismissals = dismisses ? dismissalsOf(seed, this.people.length) : undefined;
    this.simulation = simulationOf(seed, days, this.people, this.writings, this.dismissals);
  }

  /** The instant at which that many days have passed. */
  readonly after = (days: number): number => communityStart(this.days) + days * dayLength;
}

/** How large a synthetic community is; what is left out has the value of `defaultSize`. */
export interface SyntheticSize {
  users?: number;
  posts?: number;
  /** How many days are simulated. */
  days?: number;
}

/** About 63,000 interactions: what `npm start` can import, learn and serve in three minutes on two cores. */
const defaultSize: Required<SyntheticSize> = { users: 1000, posts: 2500, days: 90 };

const smallest: Required<SyntheticSize> = { users: 20, posts: 10, days: 2 };

/** The size with its defaults. @throws UserError for one that is too small or no whole number */
export function fullSize(size: SyntheticSize): Required<SyntheticSize> {
  const full = { ...defaultSize, ...size };
  for (const key of ["users", "posts", "days"] as const) {
    if (!Number.isSafeInteger(full[key]) || full[key] < smallest[key]) {
      throw new UserError(
        `a synthetic community takes at least ${smallest[key]} ${key}, in whole numbers, not ${full[key]}`,
      );
    }
  }
  return full;
}
