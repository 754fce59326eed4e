-- What has to happen to tables and types that exist, since 1.0.0 (docs/architecture.md, "A change of the schema").

-- Names of 1.1.0. What functions of 1.0.0 call keeps its name beside (compatibility/functions_of_1_0_0.sql).
alter type recsys_engine.told_post rename to post_row;
alter type recsys_engine.found_post rename to source_hit;
alter type recsys_engine.pooled_post rename to prefiltered_post;
alter type recsys_engine.dated_post rename to post_interaction;
-- squawk-ignore renaming-table
alter table recsys_engine.first_acts rename to first_day_interactions;
-- squawk-ignore renaming-table
alter table recsys_engine.late_days rename to backdated_days;
-- squawk-ignore renaming-table
alter table recsys_engine.set_aside_changes rename to failed_feature_changes;
-- squawk-ignore renaming-table
alter table recsys_engine.late_changes rename to deferred_changes;
-- squawk-ignore renaming-table
alter table recsys_engine.roll_up_share rename to roll_up_budget;
-- squawk-ignore renaming-table
alter table recsys_engine.thinning rename to pruning_progress;
-- squawk-ignore renaming-table
alter table recsys_engine.trials rename to exploration_stats;
-- squawk-ignore renaming-table
alter table recsys_engine.trial_impressions rename to exploration_impressions;
alter view recsys_engine.impersonal_people rename to personalization_opt_outs;
alter view recsys_engine.judged_interactions rename to interactions_with_bursts;
alter view recsys_engine.countable_interactions rename to non_burst_interactions;
alter view recsys_engine.tried_models rename to models_under_test;
alter view recsys_engine.optional_acts rename to optional_head_events;
alter view recsys_engine.chosen_impressions rename to recommended_impressions;
alter function recsys_engine.told_posts rename to post_columns;
alter function recsys_engine.told_ranked_posts rename to hydrate_ranked_posts;
alter function recsys_engine.pooled rename to prefilter_posts;
alter function recsys_engine.with_pool rename to with_prefiltered_pool;
alter function recsys_engine.with_came_to rename to with_engaged_posts;
alter function recsys_engine.with_touched rename to with_followee_engagements;
alter function recsys_engine.with_given rename to with_requested_posts;
alter function recsys_engine.given_posts rename to requested_posts;
alter function recsys_engine.request_with_mutes rename to mutes_only_request;
alter function recsys_engine.unwanted_originals rename to repost_originals;
alter function recsys_engine.few_readable rename to small_readable_set;
alter function recsys_engine.is_muted rename to matches_mute;
alter function recsys_engine.folded rename to fold_text;
alter function recsys_engine.not_in_words rename to word_separator_class;
alter function recsys_engine.feed_kind rename to feed_preference;
alter function recsys_engine.topics_wanted rename to topic_preferences;
alter function recsys_engine.common_sources rename to global_sources;
alter function recsys_engine.own_sources rename to personal_sources;
alter function recsys_engine.common_posts rename to global_candidates;
alter function recsys_engine.known_posts rename to post_snapshots;
alter function recsys_engine.within_share rename to cap_per_author;
alter function recsys_engine.is_enough rename to has_enough_after_cap;
alter function recsys_engine.author_share rename to max_per_author;
alter function recsys_engine.most_found rename to source_fetch_limit;
alter function recsys_engine.earlier_states rename to historical_post_states;
alter function recsys_engine.newest_matches rename to newest_filtered_posts;
alter function recsys_engine.new_posts rename to count_new_posts;
alter function recsys_engine.candidate_for rename to explain_candidate;
alter function recsys_engine.user_vectors rename to user_model_inputs;
alter function recsys_engine.keep_bursts rename to refresh_bursts;
alter function recsys_engine.keep_first_acts rename to refresh_first_day_interactions;
alter function recsys_engine.keep_affinities rename to refresh_user_affinities;
alter function recsys_engine.earlier_days rename to prior_active_days;
alter function recsys_engine.own_burst rename to burst_started_at;
alter function recsys_engine.admitted_newly rename to first_day_quota;
alter function recsys_engine.set_aside rename to record_failed_change;
alter function recsys_engine.put_off rename to defer_recompute;
alter function recsys_engine.take_changes rename to dequeue_changes;
alter function recsys_engine.work_off rename to recompute_states;
alter function recsys_engine.roll_up_portion rename to roll_up_batch;
alter function recsys_engine.states_since rename to count_states_since;
alter function recsys_engine.thin_feature_store rename to prune_feature_store;
alter function recsys_engine.thinned_state rename to reconstruct_state;
alter function recsys_engine.counted_before rename to state_before_interaction;
alter function recsys_engine.interactions_that_count rename to counted_interactions;
alter function recsys_engine.count_trials rename to update_exploration_stats;
alter function recsys_engine.purge_trials rename to purge_exploration_stats;
alter function recsys_engine.trial_age rename to exploration_max_age;
alter function recsys_engine.embeds_change rename to model_includes_change;
alter function recsys_engine.queue_everything rename to requeue_all;
alter function recsys_engine.follow_active_model rename to sync_jobs_with_active_model;
alter function recsys_engine.allot_buckets rename to assign_buckets;
alter function recsys_engine.checked_settings rename to validate_experiment_settings;
alter function recsys_engine.checked_variants rename to validate_experiment_variants;
alter function recsys_engine.optional_labels rename to optional_head_labels;
alter function recsys_engine.least_people rename to anonymity_threshold;
alter function recsys_engine.about_people rename to rounded_people_count;
alter function recsys_engine.posts_like rename to similar_posts_for_caller;
alter function recsys_engine.people_near rename to similar_people_for_caller;
alter function recsys_engine.why_to_follow rename to follow_reason;
alter function recsys_engine.take_request rename to consume_rate_limit;
alter function recsys_engine.batch_activity rename to batch_active_window;
alter function recsys_engine.members_read rename to member_readable_columns;
alter function recsys_engine.names_account rename to references_auth_user;
alter function recsys_engine.says_the_same rename to are_equivalent_columns;
alter function recsys_engine.read_whole rename to sequential_scans;
alter function recsys_engine.compared_in rename to plan_equalities;
alter function recsys_engine.order_of_posts rename to post_order_column;
alter function recsys_engine.alias_of_whole rename to partitioned_table_alias;
alter function recsys_engine.index_cure rename to index_fix;
alter function recsys_engine.number_of rename to parse_base_n;
alter table recsys_engine.first_day_interactions rename constraint first_acts_pkey to first_day_interactions_pkey;
alter table recsys_engine.deferred_changes rename constraint late_changes_check to deferred_changes_check;
alter table recsys_engine.deferred_changes rename constraint late_changes_pkey to deferred_changes_pkey;
alter table recsys_engine.backdated_days rename constraint late_days_pkey to backdated_days_pkey;
alter table recsys_engine.roll_up_budget rename constraint roll_up_share_only_row_check to roll_up_budget_only_row_check;
alter table recsys_engine.roll_up_budget rename constraint roll_up_share_pkey to roll_up_budget_pkey;
alter table recsys_engine.roll_up_budget rename constraint roll_up_share_share_check to roll_up_budget_share_check;
alter table recsys_engine.failed_feature_changes rename constraint set_aside_changes_check to failed_feature_changes_check;
alter table recsys_engine.failed_feature_changes rename constraint set_aside_changes_post_id_key to failed_feature_changes_post_id_key;
alter table recsys_engine.failed_feature_changes rename constraint set_aside_changes_user_id_key to failed_feature_changes_user_id_key;
alter table recsys_engine.pruning_progress rename constraint thinning_only_row_check to pruning_progress_only_row_check;
alter table recsys_engine.pruning_progress rename constraint thinning_pkey to pruning_progress_pkey;
alter table recsys_engine.exploration_impressions rename constraint trial_impressions_pkey to exploration_impressions_pkey;
alter table recsys_engine.exploration_stats rename constraint trials_pkey to exploration_stats_pkey;
alter index recsys_engine.first_acts_at_idx rename to first_day_interactions_at_idx;
alter index recsys_engine.late_changes_rewrites_idx rename to deferred_changes_rewrites_idx;
alter index recsys_engine.late_changes_user_id_idx rename to deferred_changes_user_id_idx;
alter index recsys_engine.trial_impressions_uncounted_idx rename to exploration_impressions_uncounted_idx;
alter index recsys_engine.trial_impressions_user_id_idx rename to exploration_impressions_user_id_idx;
alter index recsys_engine.trials_created_at_idx rename to exploration_stats_created_at_idx;
alter sequence recsys_engine.late_changes_late_change_id_seq rename to deferred_changes_late_change_id_seq;

-- Schedules call the new names, and keep the times that a DBA gave them.
do $$
declare
  renamed record;
begin
  for renamed in values
    ('recsys thinning', 'select recsys_engine.prune_feature_store()'),
    ('recsys purge of trials', 'select recsys_engine.purge_exploration_stats()')
  loop
    update recsys_engine.planned_schedules set command = renamed.column2 where planned_schedules.name = renamed.column1;
    if recsys_engine.has_cron() then
      perform cron.alter_job(job.jobid, command => renamed.column2) from cron.job where job.jobname = renamed.column1 and job.database = current_database();
    end if;
  end loop;
end
$$;

-- Vectors of posts and users that other models made (embeddings/text_vectors.sql).

create table recsys_engine.raw_vectors (
  post_id uuid not null primary key,
  encoder text not null check (encoder <> '' and length(encoder) <= 200),
  vector real[] not null check (array_ndims(vector) = 1 and array_lower(vector, 1) = 1 and cardinality(vector) between 2 and 4096 and array_position(vector, null) is null),
  made_of text
);

create table recsys_engine.vector_bases (
  basis_id text primary key,
  encoder text not null,
  dimension integer not null check (dimension between 2 and 4096),
  weights bytea not null check (length(weights) = dimension * 65 * 4),
  made_at timestamptz not null default now(),
  used_at timestamptz not null default now()
);

create table recsys_engine.reduced_vectors (
  post_id uuid not null,
  basis_id text not null references recsys_engine.vector_bases on delete cascade,
  components extensions.vector(64) not null,
  primary key (post_id, basis_id)
);

create table recsys_engine.raw_user_vectors (
  user_id uuid not null primary key,
  encoder text not null check (encoder <> '' and length(encoder) <= 200),
  vector real[] not null check (array_ndims(vector) = 1 and array_lower(vector, 1) = 1 and cardinality(vector) between 2 and 4096 and array_position(vector, null) is null)
);

create table recsys_engine.reduced_user_vectors (
  user_id uuid not null,
  basis_id text not null references recsys_engine.vector_bases on delete cascade,
  components extensions.vector(64) not null,
  primary key (user_id, basis_id)
);

create table recsys_engine.encoding_jobs (
  post_id uuid primary key,
  failures integer not null default 0,
  last_error text,
  due_at timestamptz not null default now()
);
create index encoding_jobs_due_idx on recsys_engine.encoding_jobs (failures, due_at, post_id) where failures < 5;

alter table recsys_engine.encoding_jobs enable row level security;
alter table recsys_engine.raw_vectors enable row level security;
alter table recsys_engine.vector_bases enable row level security;
alter table recsys_engine.reduced_vectors enable row level security;
alter table recsys_engine.raw_user_vectors enable row level security;
alter table recsys_engine.reduced_user_vectors enable row level security;

alter table recsys.settings add column text_encoder text check (text_encoder ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$');

alter table recsys.settings add column forwarded_headers text[] not null default '{}' check (cardinality(forwarded_headers) <= 20 and array_to_string(forwarded_headers, ' ', ' ') ~ '^([a-z0-9_.-]+( [a-z0-9_.-]+)*)?$');

-- Ideas name the posts that they come from.
alter table recsys_engine.idea_pool add column post_ids uuid[] not null default '{}';

-- Feeds from a replica.
create type recsys_engine.reader_profile as (
  user_id uuid, at timestamptz, feed text, passions text[], projects text[], bio text, created_at timestamptz,
  latest recsys_engine.post_interaction[], history recsys_engine.post_interaction[], follows uuid[]
);
comment on type recsys_engine.reader_profile is
  'A user''s own data at an instant: recsys_engine.feed_preference, profile, recsys_engine.latest_interactions, recsys_engine.user_history and recsys_engine.followed_people. A visitor, and a user without personalisation, is a new user of that instant. created_at null: no such user.';

-- Days of the exposure log, and those that were archived.
alter table recsys.settings add column impression_partition_interval text not null default 'month' check (impression_partition_interval in ('month', 'day'));

create table recsys_engine.archived_days (
  day date not null,
  part integer not null check (part >= 1),
  location text not null,
  path text not null,
  row_count bigint not null check (row_count >= 0),
  promoted_count bigint not null check (promoted_count >= 0),
  checksum numeric not null,
  bytes bigint not null check (bytes > 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  archived_at timestamptz not null default now(),
  restored_at timestamptz,
  primary key (day, part)
);

alter table recsys_engine.archived_days enable row level security;

-- The index window (roll_up/index_window.sql).
alter table recsys.settings add column index_window_days integer check (index_window_days between 1 and 36500);
alter table recsys.post_embeddings add column is_unindexed boolean;
create table recsys_engine.index_window (
  only_row boolean primary key default true check (only_row),
  since timestamptz not null default '-infinity'
);
insert into recsys_engine.index_window default values;
alter table recsys_engine.index_window enable row level security;
-- without statistics of the new column a search by the index was taken for one of few rows
analyze recsys.post_embeddings;
select recsys_engine.schedule('recsys index window', '* 4 * * *', 'select recsys_engine.advance_index_window()');

-- Where people and posts belong (app_views/source_views.sql).
create view recsys.source_memberships with (security_invoker = true) as
select null::uuid as user_id, null::text as scope where false;
create view recsys.source_post_scopes with (security_invoker = true) as
select null::uuid as post_id, null::text as scope where false;

-- The followed people who interacted with a post (retrieval/followed_sources.sql).
alter type recsys_engine.feed_request add attribute touchers uuid[], add attribute other_touchers uuid[], add attribute muted_titles text[], add attribute muted_descriptions text[];

-- What is popular (retrieval/sources.sql): a pool says it, too. The index is made by hand, as a table's, so its function comes with it.
alter type recsys_engine.prefiltered_post add attribute popularity double precision;
create function recsys_engine.popularity(p_recent double precision[], p_at timestamptz) returns double precision
language sql immutable
return ln(greatest(p_recent[5], 1e-30)) / ln(2::double precision) + extract(epoch from p_at - timestamptz '1970-01-01 00:00:00+00')::double precision / 3600 / 720;
create index latest_post_stats_popularity_idx on recsys_engine.latest_post_stats (recsys_engine.popularity(recent, last_active_at) desc, post_id);

-- Lists of people of whom nothing is known but whom they follow.
alter table recsys.batch_recommendations
  drop constraint batch_recommendations_basis_check,
  -- checked at once: there is a row for each user at most, and their lists are stored beside it
  -- squawk-ignore constraint-missing-not-valid
  add constraint batch_recommendations_basis_check check (basis in ('history', 'profile', 'followees', 'community'));

-- Who met an author (feature_store/author_readers.sql): newcomers' posts are candidates like all others, and a page bounds them.
drop policy "trials are read with their post" on recsys_engine.newcomer_posts;
-- the engine's own, which nothing reads any more
-- squawk-ignore ban-drop-table
drop table recsys_engine.newcomer_posts, recsys_engine.newcomer_days;
-- with all that asks it; the schema creates them again
alter type recsys_engine.feed_request drop attribute on_trial cascade;

-- What a worker asks for the candidates of a feed, and what sources found (retrieval/feed_candidates.sql).
create type recsys_engine.candidate_query as (
  role text, user_id uuid, model_id bigint, embedding extensions.vector(32), at double precision, filter jsonb, seed bigint, served bigint[],
  global_ids uuid[], global_texts integer[], global_at double precision, hits json, has_small_readable_set boolean, requested uuid[],
  request recsys_engine.feed_request
);
comment on type recsys_engine.candidate_query is 'What a worker asks of recsys_engine.feed_candidates. Fields: docs/design/feed.md.';

create type recsys_engine.found_candidates as (posts recsys_engine.post_row[], shown uuid[], ranks json, common json, lists json);
comment on type recsys_engine.found_candidates is 'Posts of the reader''s own sources, all posts that the reader may be shown, and in which order sources found them: ranks by post, or lists by source with the cached posts that may be shown (common).';
create table recsys_engine.author_readers (
  user_id uuid primary key,
  user_ids uuid[] not null
);
create index author_readers_user_ids_idx on recsys_engine.author_readers using gin (user_ids);
create table recsys_engine.usual_newcomers (
  only_row boolean primary key default true check (only_row),
  share double precision not null check (share between 0 and 1),
  counted_at timestamptz not null
);
alter table recsys_engine.author_readers enable row level security;
alter table recsys_engine.usual_newcomers enable row level security;
do $$
begin
  insert into recsys_engine.author_readers (user_id, user_ids)
  select met.author_id, (array_agg(met.user_id order by met.at, met.user_id))[:3]
  from (
    select posts.author_id, acts.user_id, min(acts.created_at) as at
    from recsys.source_interactions as acts
    join recsys.source_posts as posts on posts.post_id = acts.post_id
    where posts.author_id <> acts.user_id
    group by posts.author_id, acts.user_id
  ) as met
  join (
    select source_interactions.user_id, min(source_interactions.created_at) as began from recsys.source_interactions group by source_interactions.user_id
  ) as people on people.user_id = met.user_id and people.began <= met.at - interval '1 day'
  group by met.author_id;
exception when others then
  raise warning 'the source views cannot be read, so nobody counts as having met an author yet: once they can, select recsys_engine.keep_author_readers(array(select post_id from recsys.source_posts)). %', sqlerrm;
end
$$;

-- The newest posts, and what waits (feature_store/listed_posts.sql). All that is there is history.
create table recsys_engine.listed_posts (
  post_id uuid primary key,
  author_id uuid,
  created_at timestamptz not null,
  counted_on date,
  waits boolean not null default false
);
do $$
begin
  insert into recsys_engine.listed_posts (post_id, author_id, created_at)
  select source_posts.post_id, source_posts.author_id, source_posts.created_at from recsys.source_posts where source_posts.created_at is not null;
exception when others then
  raise warning 'recsys.source_posts cannot be read, so no post is listed: once it can, select recsys_engine.index_tags(null). %', sqlerrm;
end
$$;
create index listed_posts_newest_idx on recsys_engine.listed_posts (created_at desc, post_id) where not waits;
create index listed_posts_counted_idx on recsys_engine.listed_posts (author_id, counted_on) where counted_on is not null and not waits;
create index listed_posts_waiting_idx on recsys_engine.listed_posts (author_id, created_at) where waits;
alter table recsys_engine.listed_posts enable row level security;

-- The engine's locks (settings/locks.sql).
create table recsys_engine.roll_up_lock ();
create table recsys_engine.models_lock ();
create table recsys_engine.publish_lock ();
create table recsys_engine.topics_lock ();
create table recsys_engine.topics_made_lock ();
create table recsys_engine.circles_lock ();
create table recsys_engine.impressions_lock ();
create table recsys_engine.archive_lock ();
create table recsys_engine.training_lock ();
create table recsys_engine.batch_lock ();
create table recsys_engine.erasure_lock ();
create table recsys_engine.metrics_lock ();
alter table recsys_engine.roll_up_lock enable row level security;
alter table recsys_engine.models_lock enable row level security;
alter table recsys_engine.publish_lock enable row level security;
alter table recsys_engine.topics_lock enable row level security;
alter table recsys_engine.topics_made_lock enable row level security;
alter table recsys_engine.circles_lock enable row level security;
alter table recsys_engine.impressions_lock enable row level security;
alter table recsys_engine.archive_lock enable row level security;
alter table recsys_engine.training_lock enable row level security;
alter table recsys_engine.batch_lock enable row level security;
alter table recsys_engine.erasure_lock enable row level security;
alter table recsys_engine.metrics_lock enable row level security;

-- An import whose feeds are served before it is complete (settings/engine_schema.sql).
alter table recsys_engine.imports add column is_whole boolean not null default true;

-- What recsys.grant_reads grants is noted, for an uninstallation.
create table recsys_engine.granted_reads (
  role name not null,
  relation regclass not null,
  column_name name not null,
  primary key (role, relation, column_name)
);
alter table recsys_engine.granted_reads enable row level security;

-- A cure runs only the command that is installed: npx alone would take the name from the registry.
update recsys.health_bounds set cure = replace(cure, 'npx recsys', 'npx --no-install recsys') where cure like '%npx recsys%';

-- Indexes of posts and people that are recomputed whole (feature_store/feature_changes.sql). The queue is short.
-- squawk-ignore require-concurrent-index-creation
create index feature_changes_whole_posts_idx on recsys_engine.feature_changes (change_id) where user_id is null and at = '-infinity';
-- squawk-ignore require-concurrent-index-creation
create index feature_changes_whole_people_idx on recsys_engine.feature_changes (user_id) where post_id is null and at = '-infinity';
