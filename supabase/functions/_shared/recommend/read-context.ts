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

/** What one feed needs to know first: the instant, the model, the weights, and the user. */
export interface ContextRow extends UserTextRow {
  now: Date;
  /** The model of the user's variant, or the active one; null: none is active. */
  model_id: string | null;
  model_name: string | null;
  feature_spec_digest: string | null;
  view_weight: number;
  vote_weight: number;
  comment_weight: number;
  diversity: number;
  author_decay: number;
  exploration_share: number;
  /** As recsys.impressions.variant; null: the user is in no experiment. */
  variant: string | null;
  /** The model of the user's variant; null: it has none of its own. It may be another than `model_id`, where it cannot serve. */
  variant_model_id: string | null;
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

/**
 * Model, weights and user as of recsys.clock(), in one row. The tables of one row say so by `limit`: PostgreSQL takes one that was never
 * analysed for 2,200 rows, and where it may it compiled this query at each call, which took 0.8 s. `withVariantModel` false: the active
 * model serves, whatever the user's variant has.
 */
export function readContext(userId: string, withVariantModel = true): Statement<ContextRow> {
  return {
    text: `select
        clock.now, models.model_id, models.name as model_name, models.feature_spec_digest,
        coalesce(assigned.view_weight, settings.view_weight) as view_weight,
        coalesce(assigned.vote_weight, settings.vote_weight) as vote_weight,
        coalesce(assigned.comment_weight, settings.comment_weight) as comment_weight,
        coalesce(assigned.diversity, settings.diversity) as diversity,
        coalesce(assigned.author_decay, settings.author_decay) as author_decay,
        coalesce(assigned.exploration_share, settings.exploration_share) as exploration_share,
        assigned.variant,
        case when $2::boolean then assigned.model_id end as variant_model_id,
        feature_store_version.version as feature_store,
        context.created_at is not null as known, context.*
      from (select * from recsys.settings limit 1) as settings
      cross join (select version from recsys.feature_store_version limit 1) as feature_store_version
      cross join (select recsys.clock() as now) as clock
      left join recsys.assignment($1::uuid) as assigned on true
      left join recsys.models on models.model_id = coalesce(
        (select variant.model_id from recsys.models as variant where $2::boolean and variant.model_id = assigned.model_id and variant.status in ('ready', 'active', 'retired')),
        (select active.model_id from recsys.models as active where active.status = 'active')
      )
      left join lateral recsys.user_context($1::uuid, models.model_id, clock.now) as context on true`,
    values: [userId, withVariantModel],
  };
}
