/** Who follows whom at an instant of the replay, and the order of what those whom somebody follows came to. */
import { retrieval } from "../../supabase/functions/_shared/features/retrieval.ts";
import type { Community, Follows } from "./community.ts";
import type { Timeline } from "./timeline.ts";

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
    for (; this.next < at.length && at[this.next] <= now; this.next++)
      getOrAdd(this.peopleOf, users[this.next], () => []).push(people[this.next]);
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

/** What everybody did so far, the latest first: events by user, −1: no more. */
interface SoFar {
  /** Posts 0 to alive − 1 exist. */
  alive: number;
  lastInteraction: Int32Array;
  interactionBefore: Int32Array;
  community: Community;
  timeline: Timeline;
}

/**
 * What recsys.with_touched finds: the posts that those whom a user follows did something with. An act is read with its post: of a `hidden` one
 * it takes no place among the latest.
 */
export function touchedBy(follows: number[], soFar: SoFar, hidden?: Uint8Array): Map<number, Touched> {
  const { alive, lastInteraction, interactionBefore, community, timeline } = soFar;
  const touched = new Map<number, Touched>();
  for (const person of follows.slice(0, retrieval.touchedBy)) {
    let left = retrieval.touchedInteractions;
    for (let event = lastInteraction[person]; event >= 0 && left > 0; event = interactionBefore[event]) {
      if (hidden?.[timeline.posts[event]]) continue;
      if (community.readable && !community.readable.includes(timeline.kinds[event])) continue;
      left--;
      const known = getOrAdd(touched, timeline.posts[event], () => ({ people: 0, at: 0, last: -1 }));
      if (known.last !== person) known.people++;
      known.last = person;
      known.at = Math.max(known.at, timeline.at[event]);
    }
  }
  // dated before it was written
  for (const post of touched.keys()) if (post >= alive) touched.delete(post);
  return touched;
}

/** Posts in the order of recsys.with_touched: those of most people first, of as many those that were touched last. */
export function byTouches(touched: Map<number, Touched>, ids: string[]): number[] {
  const order = [...touched].sort(
    ([a, one], [b, other]) => other.people - one.people || other.at - one.at || (ids[a] < ids[b] ? -1 : 1),
  );
  return order.map(([post]) => post);
}

/** What a map has under a key; what it has not is made and added. */
export function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
