/**
 * Dismissals, which people of a synthetic community are asked for only where a ranker is to learn of them. Who looks at a post and does not open it
 * dismisses it with
 *   p(dismiss | looked at, not opened) = σ(−3 − 5 taste − 1.2 quality + fussiness)
 * so what is dismissed is what is worth little to them.
 */
import type { Random } from "../engine/random.ts";
import { sigmoid, stream } from "./draws.ts";
import type { Person } from "./people.ts";
import { affinity } from "./taste.ts";
import type { Writing } from "./writings.ts";

export class Dismissals {
  private readonly random: Random;
  /** [people] Added to the logit. */
  private readonly fussiness: Float64Array;

  constructor(seed: number, people: number) {
    this.random = stream(seed, "dismissals");
    this.fussiness = Float64Array.from({ length: people }, () => 0.8 * this.random.normal());
  }

  /** p(dismiss | looked at, not opened) */
  probability(user: number, person: Person, writing: Writing): number {
    return sigmoid(-3 - 5 * affinity(person, writing) - 1.2 * writing.quality + this.fussiness[user]);
  }

  /** Whether a user dismisses a post that they have looked at and not opened. */
  happens(user: number, person: Person, writing: Writing): boolean {
    return this.random.uniform() < this.probability(user, person, writing);
  }
}
