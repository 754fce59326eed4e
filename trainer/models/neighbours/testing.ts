/** For tests: a community in memory that has interactions and their times only. */
import { halfLives } from "../../../supabase/functions/_shared/features/decay.ts";
import { emptyPostState } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import type { LoadedCommunity } from "../../data/replay/from-database.ts";
import { type PostStats, Timeline } from "../../data/replay/timeline.ts";

export interface Visit {
  user: number;
  post: number;
  /** Milliseconds since 1970; those of all are in order of time. */
  at: number;
}

/** Of each post when it was created, in order of time. */
export function communityOf(createdAt: number[], visits: Visit[], users: number): LoadedCommunity {
  const timeline = new Timeline();
  const views = new Int32Array(createdAt.length);
  for (const { user, post, at } of visits) {
    const state: PostStats = { ...emptyPostState, views: ++views[post], recent: halfLives.map(() => 1) };
    timeline.push({ at, user, post, kind: 0, isFirst: true }, state, null);
  }
  const none = (length: number) => Array.from({ length }, () => "");
  const nothing = (length: number) => Array.from({ length }, (): string[] => []);
  const ids = (kind: string, length: number) =>
    Array.from({ length }, (_, i) => `${kind}0000000-0000-4000-8000-${String(i).padStart(12, "0")}`);
  const [n, posts] = [timeline.length, createdAt.length];
  return {
    community: {
      users: {
        ids: ids("a", users),
        passions: nothing(users),
        projects: nothing(users),
        bios: none(users),
        createdAt: new Float64Array(users),
      },
      posts: {
        ids: ids("b", posts),
        authors: new Int32Array(posts).fill(-1),
        titles: none(posts),
        descriptions: none(posts),
        tags: nothing(posts),
        createdAt: Float64Array.from(createdAt),
      },
      interactions: {
        users: timeline.users.slice(0, n),
        posts: timeline.posts.slice(0, n),
        kinds: timeline.kinds.slice(0, n),
        at: timeline.at.slice(0, n),
        first: timeline.first.slice(0, n),
      },
    },
    timeline,
    pages: [],
  } as LoadedCommunity;
}
