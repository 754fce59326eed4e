import type { Happening } from "../../trainer/synthetic/simulation.ts";
import type { World } from "../../trainer/synthetic/world.ts";

/** What chooses every page of a synthetic community. */
export interface Policy {
  readonly name: string;
  /** Lets the community live its first days as it does, and learns from them. */
  prepare(world: World, days: number): Promise<void>;
  /** Told of everything that happens from then on, in order of time. */
  observe(happening: Happening): Promise<void> | void;
  /** The numbers of at most `size` posts for a user at an instant, the best first. */
  page(user: number, at: number, size: number): Promise<number[]> | number[];
  /** A day has ended. */
  night?(): Promise<void>;
  close?(): Promise<void>;
}
