/** What the database knows of a request for another model than the one that served it. */

import { sql } from "kysely";
import type { Query } from "../../database/database.ts";
import { db, fn, unnest } from "../../database/query.ts";
import { sources } from "../../features/retrieval.ts";
import type { Page } from "../../recommend/cursor.ts";
import type { ContextRow } from "../../recommend/read-context.ts";

/** The columns of recsys.user_context, and the model. */
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
  | "recent_interactions"
  | "history_posts"
> & {
  model_name: string;
  feature_spec_digest: string;
  /** No more impressions of the user are kept today: what a shadow says of them would be beside nothing. */
  has_full_day: boolean;
};

/** A user as of an instant, with what a model learned of them; no row: the model cannot serve. */
export function readUser(userId: string, modelId: number, now: Date): Query<UserRow> {
  return db
    .selectFrom("recsys.models as models")
    .leftJoinLateral(
      ({ ref }) =>
        fn("recsys.user_context", { p_user_id: userId, p_model_id: ref("models.model_id"), p_now: now }).as("context"),
      (join) => join.onTrue(),
    )
    .selectAll("context")
    .select(({ ref }) => [
      "models.name as model_name",
      "models.feature_spec_digest",
      sql<boolean>`${ref("context.created_at")} is not null`.as("known"),
      sql<boolean>`exists (
        select from recsys.user_days cross join recsys.settings
        where user_days.user_id = ${userId}::uuid and user_days.day = (now() at time zone 'utc')::date
          and user_days.impressions >= settings.impressions_per_day
      )`.as("has_full_day"),
    ])
    .where("models.model_id", "=", modelId)
    .where("models.status", "in", ["ready", "active", "retired"]) as Query<UserRow>;
}

/** What a model has of the candidates, in their order. */
export interface CandidateRow {
  /** Among the posts nearest to the user's vector; null: it is none of the first hundred. */
  similar_rank: (number | null)[];
  has_embedding: boolean[];
  /** As in `unpackVectors`. */
  embeddings: string | null;
}

/** The vectors of the candidates, and where they stand among the posts that the feed's caller may be shown, by nearness to `vector` [32]. */
export function readCandidates(
  userId: string,
  modelId: number,
  vector: Float32Array,
  now: Date,
  { served, filter }: Page,
  postIds: string[],
): Query<CandidateRow> {
  const p_request = fn("recsys.feed_request", {
    p_user_id: userId,
    p_now: now,
    p_filter: filter ? JSON.stringify(filter) : null,
    p_seed: String(served.seed),
    p_served: served.keys,
  });
  const p_embedding = JSON.stringify(Array.from(vector));
  const near = {
    p_request,
    p_model_id: modelId,
    p_embedding,
    p_most: sources.similar.size,
    p_share: sources.similar.share,
  };
  return db
    .selectFrom(unnest({ post_id: ["uuid", postIds] }).as("listed"))
    .leftJoin("recsys.post_embeddings as vectors", (join) =>
      join.onRef("vectors.post_id", "=", "listed.post_id").on("vectors.model_id", "=", modelId),
    )
    .leftJoin(fn("recsys.retrieve_similar", near).as("near"), (join) =>
      join.onRef("near.post_id", "=", "listed.post_id"),
    )
    .select(({ ref }) => {
      const inOrder = sql`order by ${ref("listed.number")}`;
      const bytes = sql`string_agg(extensions.vector_send(${ref("vectors.embedding")}), ''::bytea ${inOrder})`;
      return [
        sql<(number | null)[]>`json_agg(${ref("near.rank")} ${inOrder})`.as("similar_rank"),
        sql<boolean[]>`json_agg(${ref("vectors.embedding")} is not null ${inOrder})`.as("has_embedding"),
        sql<string | null>`translate(encode(${bytes}, 'base64'), E'\\n', '')`.as("embeddings"),
      ];
    });
}
