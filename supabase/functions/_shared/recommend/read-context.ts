import type { Statement } from "../database/database.ts";
import type { RecentInteraction } from "../features/recent-habit.ts";
import type { UserTextRow } from "../towers/user-input.ts";
import type { FeedSettings } from "./feed-settings.ts";

/** What one feed needs to know first: the instant, the model, the settings, and the user. */
export interface ContextRow extends UserTextRow {
  now: Date;
  /** The model of the user's variant, or the active one; null: none is active. */
  model_id: string | null;
  model_name: string | null;
  feature_spec_digest: string | null;
  settings: FeedSettings;
  /** As recsys.impressions.variant; null: the user is in no experiment. */
  variant: string | null;
  /** The model of the user's variant; null: it has none of its own. It may be another than `model_id`, where it cannot serve. */
  variant_model_id: string | null;
  /** The model that drafts this feed together with `model_id`; null: none does. */
  second_model_id: string | null;
  /** null: it cannot serve. */
  second_model_name: string | null;
  second_feature_spec_digest: string | null;
  /** recsys.feature_store_version. */
  feature_store: string;
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
  recent_interactions: NamedInteraction[];
  /** Which posts the vectors of `history` are. */
  history_posts: string[];
}

/** A recent interaction with the post that it was with. */
export interface NamedInteraction extends RecentInteraction {
  post_id: string;
}

/** What `context` is for a visitor: a person who came this moment and of whom nothing is known. */
const visitorContext = `cross join lateral (
        select
          '{}'::text[] as passions, '{}'::text[] as projects, '' as bio, feed.now as created_at, null::text as id_embedding, '{}'::text as history,
          null::timestamptz as last_active_at, null::integer as views, null::integer as votes, null::integer as comments, null::integer as logins,
          null::double precision[] as recent, null::double precision[] as recent_logins, null::double precision as habit_log_age,
          null::double precision as habit_log_idle, '[]'::json as recent_interactions, '{}'::uuid[] as history_posts
      ) as context`;
const userContext = "left join lateral recsys.user_context($1::uuid, feed.model_id, feed.now) as context on true";

/**
 * Model, settings and user (null: a visitor) as of recsys.clock(), in one row. `withVariantModel` false: the active model serves, whatever the
 * user's variant in an experiment has.
 */
export function readContext(userId: string | null, withVariantModel = true): Statement<ContextRow> {
  return {
    text: `select feed.*, context.created_at is not null as known, context.*
      from recsys.feed_context($1::uuid, $2::boolean) as feed
      ${userId === null ? visitorContext : userContext}`,
    values: [userId, withVariantModel],
  };
}
