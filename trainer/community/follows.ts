/** Who follows whom at an instant of the replay, and the order of what those whom somebody follows came to. */
import { retrieval } from "../../supabase/functions/_shared/features/retrieval.ts";
import type { Follows } from "./community.ts";

const nobody: number[] = [];

export class FollowsSoFar {
  private next = 0;
  private readonly follows: Follows | undefined;
  /** By user, the latest last. */
  private readonly peopleOf = new Map<number, number[]>();

  constructor(follows: Follows | undefined) {
    this.follows = follows;
  }

  /** Adds what was followed up to an instant. */
  advance(now: number): void {
    if (!this.follows) return;
    const { users, people, at } = this.follows;
    for (; this.next < at.length && at[this.next] <= now; this.next++) {
      const theirs = this.peopleOf.get(users[this.next]);
      if (theirs) theirs.push(people[this.next]);
      else this.peopleOf.set(users[this.next], [people[this.next]]);
    }
  }

  /** Whom a user follows, the latest first. */
  of(user: number): number[] {
    return this.peopleOf.get(user)?.slice(-retrieval.follows).reverse() ?? nobody;
  }
}

/** How many of those whom a user follows came to a post, and when last. */
export interface Touched {
  people: number;
  at: number;
  /** Who came last in the count: each counts once. */
  last: number;
}

/** Posts in the order of recsys.with_touched: those of most people first, of as many those that were touched last. */
export function byTouches(touched: Map<number, Touched>, ids: string[]): number[] {
  const order = [...touched].sort(
    ([a, one], [b, other]) => other.people - one.people || other.at - one.at || (ids[a] < ids[b] ? -1 : 1),
  );
  return order.map(([post]) => post);
}
