/** What the ranker is told of a user and of a candidate. Times are milliseconds since 1970; null: never. */
import type { Kind } from "./kinds.ts";
import type { RecentInteraction } from "./recent-habit.ts";
import type { Source } from "./retrieval.ts";

/** State of the user as of an instant. */
export interface UserState {
  created_at: number;
  last_active_at: number | null;
  views: number;
  votes: number;
  comments: number;
  logins: number;
  /** Decayed counts as of last_active_at, one per half-life. */
  recent: ArrayLike<number>;
  /** The same for logins. */
  recent_logins: ArrayLike<number>;
  habit_log_age: number | null;
  habit_log_idle: number | null;
  /** What recsys.recent_interactions returns, the latest first. */
  recent_interactions: RecentInteraction[];
  /** Vectors [32] of the posts of their history, latest first, as the user tower sees them. */
  history: ArrayLike<number>[];
}

/** What recsys.candidates returns of a post, as of an instant. */
export interface Candidate {
  title: string;
  tags: string[];
  author_id: string | null;
  created_at: number;
  /** The post tower's vector [32]; null where the post has none yet. */
  embedding: ArrayLike<number> | null;
  similarity: number;
  /** Its rank in each source, from 1; null: that one did not bring it. */
  ranks: Record<Source, number | null>;
  last_active_at: number | null;
  /** Of the last interaction. */
  kind: Kind | null;
  views: number;
  votes: number;
  comments: number;
  participants: number;
  last_comment_at: number | null;
  by_author: boolean;
  /** Decayed counts as of last_active_at, one per half-life. */
  recent: ArrayLike<number>;
  author_affinity: number;
}
