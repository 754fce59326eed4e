import type { Community } from "../../data/replay/community.ts";
import type { CommunityEvent } from "../history/event-walk.ts";

/** How many users and posts there will ever be, so that state can be held in flat arrays. Numbers say nothing else. */
export interface Sizes {
  users: number;
  posts: number;
}

/** What a recommender may learn its weights from: the community as it was just before `testFrom`. */
export interface History {
  /** Posts and interactions end before testFrom; users who came later are there with empty profiles. */
  community: Community;
  testFrom: number;
}

/** Anything that can be evaluated: the simple baselines, and the system itself. */
export interface Recommender {
  name: string;
  /** Called once, when the walk through time reaches testFrom. */
  train?(history: History): void | Promise<void>;
  /** Called with everything that happens, before and after testFrom, in order of time. */
  observe(event: CommunityEvent): void;
  /**
   * Scores of posts for a user at an instant into `out` (one entry per post); only posts that exist by then are read.
   * Higher is better; −Infinity means "not in the list". `out` comes with what the last call left in it.
   */
  scores(user: number, at: number, out: Float64Array): void | Promise<void>;
}
