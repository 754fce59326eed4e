/** The synthetic community of a seed and size: who is in it, what they write, and how it goes on. */
import { communityStart, dayLength } from "./calendar.ts";
import { Dismissals } from "./dismissals.ts";
import { createPeople, type Person } from "./people.ts";
import { Simulation } from "./simulation.ts";
import { fullSize, type SyntheticSize } from "./size.ts";
import { createWritings, type Writing } from "./writings.ts";

export class World {
  readonly seed: number;
  readonly days: number;
  /** All who ever join. */
  readonly people: Person[];
  /** All that is ever written, in order of time. */
  readonly writings: Writing[];
  readonly simulation: Simulation;
  /** undefined: nobody dismisses anything. */
  readonly dismissals: Dismissals | undefined;

  constructor(seed: number, size: SyntheticSize = {}, dismisses = false) {
    const { users, posts, days } = fullSize(size);
    this.seed = seed;
    this.days = days;
    this.people = createPeople(seed, users, days);
    this.writings = createWritings(seed, posts, days, this.people);
    this.dismissals = dismisses ? new Dismissals(seed, this.people.length) : undefined;
    this.simulation = new Simulation(seed, days, this.people, this.writings, this.dismissals);
  }

  /** The instant at which that many days have passed. */
  readonly after = (days: number): number => communityStart(this.days) + days * dayLength;
}
