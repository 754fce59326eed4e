import type { CommunityEvent } from "../history/event-walk.ts";
import type { Sizes } from "../protocols/recommender.ts";

/**
 * How many of a user's latest posts the neighbourhood baselines look at in a replay: the length with which item kNN agrees
 * with an independent implementation (recall@20 .174 and .173 on the same community; whole history .048, 50 posts .126).
 * Shorter would score higher, but only because no neighbour at all means newest first.
 */
export const latest = 32;

/**
 * Who has interacted with what so far: the distinct (user, post) pairs in both directions. An author's own posts count as
 * such, because writing a post says as much about taste as interacting with one.
 */
export class InteractedPairs {
  readonly postsOf: number[][];
  readonly usersOf: number[][];
  private readonly seen: Set<number>[];

  constructor(sizes: Sizes) {
    this.postsOf = Array.from({ length: sizes.users }, () => []);
    this.usersOf = Array.from({ length: sizes.posts }, () => []);
    this.seen = Array.from({ length: sizes.users }, () => new Set());
  }

  observe(event: CommunityEvent): void {
    if (event.type === "user" || event.user < 0 || this.seen[event.user].has(event.post)) return;
    this.seen[event.user].add(event.post);
    this.postsOf[event.user].push(event.post);
    this.usersOf[event.post].push(event.user);
  }
}
