import { type Expression, sql } from "kysely";
import type { FunctionRow, Query } from "../database/database.ts";
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
  /** What was assigned to the user beside settings and model, for whoever reads it; null: nothing. */
  assigned: object | null;
  /** recsys.feature_store_version. */
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
}

/** A recent interaction with the post that it was with. */
export interface NamedInteraction extends RecentInteraction {
  post_id: string;
}

/** What recsys.user_context would say of a visitor: a person who came this moment and of whom nothing is known. */
const visitorContext = sql<FunctionRow<"recsys.user_context">>`(
  select
    '{}'::text[] as passions, '{}'::text[] as projects, '' as bio, feed.now as created_at, null::text as id_embedding, '{}'::text as history,
    null::timestamptz as last_active_at, null::integer as views, null::integer as votes, null::integer as comments, null::integer as logins,
    null::double precision[] as recent, null::double precision[] as recent_logins, null::double precision as habit_log_age,
    null::double precision as habit_log_idle, 0 as follows, null::text as followed, '[]'::json as recent_interactions, '{}'::uuid[] as history_posts)`;

/** Model, settings and user (null: a visitor) as of recsys.clock(), in one row. `assigned`: what recsys.feed_context takes, as an expression in SQL. */
export function readContext(userId: string | null, assigned: Expression<unknown> | null = null): Query<ContextRow> {
  const userContext = (p_model_id: Expression<unknown>, p_now: Expression<unknown>) =>
    fn("recsys.user_context", { p_user_id: userId, p_model_id, p_now });
  return db
    .selectFrom(fn("recsys.feed_context", { p_assigned: assigned }).as("feed"))
    .leftJoinLateral(
      ({ ref }) =>
        (userId === null ? visitorContext : userContext(ref("feed.model_id"), ref("feed.now"))).as("context"),
      (join) => join.onTrue(),
    )
    .selectAll("feed")
    .select(({ ref }) => sql<boolean>`${ref("context.created_at")} is not null`.as("known"))
    .selectAll("context") as Query<ContextRow>;
}
