import { type Expression, sql } from "kysely";
import type { Query } from "../database/database.ts";
import { db, fn } from "../database/query.ts";
import type { RecentInteraction } from "../features/recent-habit.ts";
import type { UserTextRow } from "../towers/user-input.ts";
import type { FeedSettings } from "./feed-settings.ts";

/** What one feed needs to know first: the instant, the model, the settings, and the user. */
export interface ContextRow extends UserTextRow {
  now: Date;
  /** The model that was assigned to the user, or the active one; null: none is active. */
  model_id: number | null;
  model_name: string | null;
  feature_spec_digest: string | null;
  settings: FeedSettings;
  /** What was assigned to the user besides settings and model, for whoever reads it; null: nothing. */
  assigned: object | null;
  /** recsys_engine.feature_store_version. */
  feature_store: number;
  /** false: no such user, and everything below is null. */
  known: boolean;
  created_at: Date;
  last_active_at: Date | null;
  views: number | null;
  votes: number | null;
  comments: number | null;
  logins: number | null;
  recent: number[] | null;
  recent_logins: number[] | null;
  habit_log_age: number | null;
  habit_log_idle: number | null;
  follows: number | null;
  followed: string | null;
  recent_interactions: NamedInteraction[];
  /** Which posts the vectors of `history` are. */
  history_posts: string[];
  /** recsys_engine.feed_kind. Of an impersonal feed nothing of its reader is known. */
  feed: "personal" | "following" | "impersonal";
}

/** A recent interaction with the post that it was with. */
export interface NamedInteraction extends RecentInteraction {
  post_id: string;
}

/** Model, settings and user (null: a visitor) as of recsys.clock(), in one row. `assigned`: what recsys_engine.feed_context takes, as an expression in SQL. */
export function readContext(userId: string | null, assigned: Expression<unknown> | null = null): Query<ContextRow> {
  return db
    .selectFrom(fn("recsys_engine.feed_context", { p_assigned: assigned }).as("feed"))
    .leftJoinLateral(
      ({ ref }) =>
        fn("recsys_engine.user_context", {
          p_user_id: userId,
          p_model_id: ref("feed.model_id"),
          p_now: ref("feed.now"),
        }).as("context"),
      (join) => join.onTrue(),
    )
    .selectAll("feed")
    .select(({ ref }) => sql<boolean>`${ref("context.created_at")} is not null`.as("known"))
    .selectAll("context") as Query<ContextRow>;
}
