import type { CommunityEvent } from "../history/event-walk.ts";
import type { Sizes } from "./recommender.ts";

/** Which posts a user may be shown now: 1 for posts that exist, are not theirs and they did not interact with. */
export class Exclusion {
  private readonly candidates: Uint8Array;
  private readonly seen: number[][];

  constructor({ users, posts }: Sizes) {
    this.candidates = new Uint8Array(posts);
    this.seen = Array.from({ length: users }, () => []);
  }

  observe(event: CommunityEvent): void {
    if (event.type === "post") this.candidates[event.post] = 1;
    if (event.type !== "user" && event.user >= 0) this.seen[event.user].push(event.post);
  }

  /** Valid until `release`. */
  candidatesOf(user: number): Uint8Array {
    for (const post of this.seen[user]) this.candidates[post] = 0;
    return this.candidates;
  }

  release(user: number): void {
    for (const post of this.seen[user]) this.candidates[post] = 1;
  }
}
