/** Follows at an instant of the replay, and the order of posts that followed people interacted with. */
import { retrieval } from "../../../supabase/functions/_shared/features/retrieval.ts";
import type { Community, FollowedTopics, Follows } from "./community.ts";
import type { Timeline } from "./timeline.ts";

const nobody: number[] = [];

export class FollowReplay {
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

  /** Whom a user follows, the latest first, `most` at most. */
  of(user: number, most = retrieval.follows): number[] {
    return this.peopleOf.get(user)?.slice(-most).reverse() ?? nobody;
  }
}

export class TopicFollowReplay {
  private readonly topics: FollowedTopics | undefined;
  private readonly createdAt: Float64Array;
  private readonly follows: FollowReplay;
  /** How many posts of each there are. */
  private readonly counts: number[];

  constructor({ topics, posts }: Community) {
    this.topics = topics;
    this.createdAt = posts.createdAt;
    this.follows = new FollowReplay(topics?.follows);
    this.counts = topics?.posts.map(() => 0) ?? [];
  }

  /** Adds what was followed up to an instant, at which posts 0 to alive − 1 exist. */
  advance(now: number, alive: number): void {
    this.follows.advance(now);
    for (const [topic, posts] of this.topics?.posts.entries() ?? [])
      while (posts[this.counts[topic]] < alive) this.counts[topic]++;
  }

  /** The topics that recsys_engine.followed_topics finds: of each the posts that are not `hidden`, the newest first. */
  of(user: number, hidden?: Uint8Array): Iterable<number>[] {
    return this.found(user, hidden).map(({ topic }) => this.newest(topic, hidden));
  }

  /** These topics themselves, in lower case. */
  found(user: number, hidden?: Uint8Array): { topic: number; name: string }[] {
    const { topics, createdAt } = this;
    if (!topics) return [];
    // one that is spelled in two ways, or followed twice, is one
    const followed = [...new Set(this.follows.of(user, Number.POSITIVE_INFINITY))];
    const written = followed.slice(0, retrieval.topicsRead).flatMap((topic) => {
      const [last] = this.newest(topic, hidden);
      return last === undefined ? [] : [{ topic, name: topics.names[topic], at: createdAt[last] }];
    });
    written.sort((a, b) => b.at - a.at || (a.name < b.name ? -1 : 1));
    return written.slice(0, retrieval.topics);
  }

  private *newest(topic: number, hidden: Uint8Array | undefined): Generator<number> {
    const posts = this.topics?.posts[topic] ?? [];
    for (let i = this.counts[topic] - 1; i >= 0; i--) if (!hidden?.[posts[i]]) yield posts[i];
  }
}

/** How many of those whom a user follows interacted with a post, and when last. */
export interface FolloweeEngagement {
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
 * What recsys_engine.with_followee_engagements finds: the posts that those whom a user follows did something with. An act is read with its post: of a `hidden` one
 * it takes no place among the latest.
 */
export function followeeEngagements(
  follows: number[],
  soFar: SoFar,
  hidden?: Uint8Array,
): Map<number, FolloweeEngagement> {
  const { alive, lastInteraction, interactionBefore, community, timeline } = soFar;
  const touched = new Map<number, FolloweeEngagement>();
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

/** Posts in the order of recsys_engine.with_followee_engagements: those of most people first, of as many those that were touched last. */
export function sortByFolloweeCount(touched: Map<number, FolloweeEngagement>, ids: string[]): number[] {
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
