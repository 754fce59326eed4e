/** What the database knows of a request for another model than the one that served it. */

import { sql } from "kysely";
import type { Query } from "../../database/database.ts";
import { db, fn, unnest } from "../../database/query.ts";
import { sources } from "../../features/retrieval.ts";
import type { ContextRow } from "../../recommend/context/read-context.ts";
import type { Page } from "../../recommend/request/cursor.ts";

/** The columns of recsys_engine.user_context, and the model. */
export type UserRow = Pick<
  ContextRow,
  | "known"
  | "passions"
  | "projects"
  | "bio"
  | "id_embedding"
  | "history"
  | "created_at"
  | "last_active_at"
  | "views"
  | "votes"
  | "comments"
  | "logins"
  | "recent"
  | "recent_logins"
  | "habit_log_age"
  | "habit_log_idle"
  | "follows"
  | "followed"
  | "components"
  | "recent_interactions"
  | "history_posts"
> & {
  model_name: string;
  feature_spec_digest: string;
  /** No more impressions of the user are kept today: what a shadow says of them would have nothing to be compared with. */
  has_full_day: boolean;
};

/** A user as of an instant, with what a model learned of them; no row: the model cannot serve. */
export function readUser(userId: string, modelId: number, now: Date): Query<UserRow> {
  return db
    .selectFrom("recsys.models as models")
    .leftJoinLateral(
      ({ ref }) =>
        fn("recsys_engine.user_context", { p_user_id: userId, p_model_id: ref("models.model_id"), p_now: now }).as(
          "context",
        ),
      (join) => join.onTrue(),
    )
    .selectAll("context")
    .select(({ ref }) => [
      "models.name as model_name",
      "models.feature_spec_digest",
      sql<boolean>`${ref("context.created_at")} is not null`.as("known"),
    ])
    .select(({ exists, selectFrom }) =>
      exists(
        selectFrom(["recsys_engine.user_days as days", "recsys.settings as settings"])
          .select("days.day")
          .where("days.user_id", "=", userId)
          .where("days.day", "=", sql<Date>`(now() at time zone 'utc')::date`)
          .whereRef("days.impressions", ">=", "settings.impressions_per_day"),
      ).as("has_full_day"),
    )
    .where("models.model_id", "=", modelId)
    .where("models.status", "in", ["ready", "active", "retired"]) as Query<UserRow>;
}

/** Where each candidate stands among the posts that the feed's caller may be shown, by nearness to `vector` [32]; null: it is none of the first hundred. */
export function readNearness(
  userId: string,
  modelId: number,
  vector: Float32Array,
  now: Date,
  { served, filter }: Page,
  postIds: string[],
): Query<{ rank: number | null }> {
  const p_request = fn("recsys_engine.feed_request", {
    p_user_id: userId,
    p_now: now,
    p_filter: filter ? JSON.stringify(filter) : null,
    p_seed: String(served.seed),
    p_served: served.keys,
  });
  const near = {
    p_request,
    p_model_id: modelId,
    p_embedding: JSON.stringify(Array.from(vector)),
    p_most: sources.similar.size,
    p_share: sources.similar.maxPerAuthor,
  };
  return db
    .selectFrom(unnest({ post_id: ["uuid", postIds] }).as("listed"))
    .leftJoin(fn("recsys_engine.retrieve_similar", near).as("near"), (join) =>
      join.onRef("near.post_id", "=", "listed.post_id"),
    )
    .select(({ ref }) => sql<number | null>`${ref("near.rank")}::integer`.as("rank"))
    .orderBy("listed.number");
}
