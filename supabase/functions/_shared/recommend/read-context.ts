import type { Statement } from "../database/database.ts";
import type { RecentInteraction } from "../features/recent-habit.ts";

/** What the user tower is told, as the driver hands it over. */
export interface UserTextRow {
  passions: string[];
  projects: string[];
  bio: string;
  id_embedding: string | null;
  history: string;
}

/** What one feed needs to know first: the instant, the active model, the weights, and the user. */
export interface ContextRow extends UserTextRow {
  now: Date;
  /** null: no model is active. */
  model_id: string | null;
  model_name: string | null;
  feature_spec_digest: string | null;
  view_weight: number;
  vote_weight: number;
  comment_weight: number;
  diversity: number;
  author_decay: number;
  exploration_share: number;
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
          '{}'::text[] as passions, '{}'::text[] as projects, '' as bio, clock.now as created_at, null::text as id_embedding, '{}'::text as history,
          null::timestamptz as last_active_at, null::integer as views, null::integer as votes, null::integer as comments, null::integer as logins,
          null::double precision[] as recent, null::double precision[] as recent_logins, null::double precision as habit_log_age,
          null::double precision as habit_log_idle, '[]'::json as recent_interactions, '{}'::uuid[] as history_posts
      ) as context`;
const userContext = "left join lateral recsys.user_context($1::uuid, models.model_id, clock.now) as context on true";

/**
 * Model, weights and user (null: a visitor) as of recsys.clock(), in one row. The tables of one row say so by `limit`: PostgreSQL takes
 * one that was never analysed for 2,200 rows, and where it may it compiled this query at each call, which took 0.8 s.
 */
export function readContext(userId: string | null): Statement<ContextRow> {
  return {
    text: `select
        clock.now, models.model_id, models.name as model_name, models.feature_spec_digest,
        settings.view_weight, settings.vote_weight, settings.comment_weight, settings.diversity, settings.author_decay, settings.exploration_share,
        feature_store_version.version as feature_store,
        context.created_at is not null as known, context.*
      from (
        select view_weight, vote_weight, comment_weight, diversity, author_decay, exploration_share from recsys.settings limit 1
      ) as settings
      cross join (select version from recsys.feature_store_version limit 1) as feature_store_version
      cross join (select recsys.clock() as now) as clock
      left join recsys.models on models.status = 'active'
      ${userId === null ? visitorContext : userContext}`,
    values: userId === null ? [] : [userId],
  };
}
