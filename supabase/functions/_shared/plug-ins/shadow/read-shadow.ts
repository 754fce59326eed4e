/** What the database knows of a request for another model than the one that served it. */

import { sql } from "kysely";
import type { Query, Statement } from "../../database/database.ts";
import { db, fn } from "../../database/query.ts";
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
): Statement<CandidateRow> {
  return {
    text: `select
        json_agg(near.rank order by listed.place) as similar_rank,
        json_agg(vectors.embedding is not null order by listed.place) as has_embedding,
        translate(encode(string_agg(extensions.vector_send(vectors.embedding), ''::bytea order by listed.place), 'base64'), E'\\n', '') as embeddings
      from unnest($8::uuid[]) with ordinality as listed (post_id, place)
      left join recsys.post_embeddings as vectors on vectors.model_id = $2::bigint and vectors.post_id = listed.post_id
      left join recsys.retrieve_similar(
        recsys.feed_request($1::uuid, $4::timestamptz, $7::jsonb, $5::bigint, $6::bigint[]), $2::bigint, $3::text::extensions.vector, ${sources.similar.size}
      ) as near on near.post_id = listed.post_id`,
    values: [
      userId,
      modelId,
      JSON.stringify(Array.from(vector)),
      now,
      String(served.seed),
      served.keys,
      filter ? JSON.stringify(filter) : null,
      postIds,
    ],
  };
}
