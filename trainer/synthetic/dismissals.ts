/**
 * Dismissals, which people of a synthetic community are asked for only where a ranker is to learn of them. Who looks at a post and does not open it
 * dismisses it with
 *   p(dismiss | looked at, not opened) = σ(−3 − 5 taste − 1.2 quality + fussiness)
 * so what is dismissed is what is worth little to them.
 */
import { sigmoid, stream } from "./draws.ts";
import type { Person } from "./people.ts";
import { affinity } from "./taste.ts";
import type { Writing } from "./writings.ts";

export interface Dismissals {
  /** p(dismiss | looked at, not opened) */
  probability(user: number, person: Person, writing: Writing): number;
  /** Whether a user dismisses a post that they have looked at and not opened. */
  happens(user: number, person: Person, writing: Writing): boolean;
}

export function dismissalsOf(seed: number, people: number): Dismissals {
  const random = stream(seed, "dismissals");
  /** [people] Added to the logit. */
  const fussiness = Float64Array.from({ length: people }, () => 0.8 * random.normal());
  const probability = (user: number, person: Person, writing: Writing) =>
    sigmoid(-3 - 5 * affinity(person, writing) - 1.2 * writing.quality + fussiness[user]);
  return { probability, happens: (...who) => random.uniform() < probability(...who) };
}
