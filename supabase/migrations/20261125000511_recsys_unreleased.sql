-- The recommender, from 1.0.0 on. Written by `npm run types` from supabase/schemas and supabase/upgrade.sql: change those.

set local lock_timeout = '1s';
do $$ begin perform '[1]'::extensions.vector; end $$;

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

drop function recsys_engine.topics_to_follow(uuid,integer);

drop function recsys_engine.explain_candidate(uuid,uuid,bigint,extensions.vector,timestamp with time zone);

drop function recsys_engine.personal_sources(recsys_engine.feed_request,bigint,extensions.vector,text);

drop function recsys_engine.global_sources(recsys_engine.feed_request,text);

drop function recsys_engine.retrieve_trending(recsys_engine.feed_request,integer,integer);

drop function recsys_engine.retrieve_fresh(recsys_engine.feed_request,integer,integer);

drop function recsys_engine.retrieve_active(recsys_engine.feed_request,integer,integer);

drop function recsys_engine.retrieve_listed(recsys_engine.feed_request,uuid[],integer,integer);

drop function recsys_engine.retrieve_topic(recsys_engine.feed_request,text,integer,integer);

drop function recsys_engine.tried_posts(recsys_engine.feed_request);

drop function recsys_engine.with_undecided(recsys_engine.feed_request);

drop function recsys_engine.with_trials(recsys_engine.feed_request);

drop function recsys_engine.matches_mute(text,text,uuid,text,text[]);

drop function recsys_engine.index_tags(uuid[]);

drop function recsys_engine.keep_newcomer_posts(uuid[],uuid[]);

drop function recsys_engine.refresh_bursts(uuid[],timestamp with time zone[]);

drop function recsys_engine.admitted_of_newcomers(date);

drop function recsys_engine.count_newcomer_days();

CREATE OR REPLACE FUNCTION recsys_engine.take_lock(p_name text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  execute format('lock table recsys_engine.%I in exclusive mode', p_name || '_lock');
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.try_lock(p_name text, p_mode text DEFAULT 'exclusive'::text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  -- what is executed is named here alone: @plpgsql_check_options: performance_warnings = off
  execute format('lock table recsys_engine.%I in %s mode nowait', p_name || '_lock', case p_mode when 'share' then 'share' else 'exclusive' end);
  return true;
exception when lock_not_available then
  return false;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.require_invoker_views()
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  open_view text;
begin
  select pg_class.oid::regclass::text into open_view
  from pg_catalog.pg_class
  where pg_class.oid in (
      'recsys.source_users'::regclass, 'recsys.source_posts'::regclass, 'recsys.source_interactions'::regclass,
      'recsys.source_logins'::regclass, 'recsys.source_dismissals'::regclass, 'recsys.source_mutes'::regclass, 'recsys.source_follows'::regclass,
      'recsys.source_preferences'::regclass, 'recsys.source_withheld'::regclass, 'recsys.source_conversations'::regclass,
      'recsys.source_memberships'::regclass, 'recsys.source_post_scopes'::regclass
    )
    and pg_class.relkind = 'v'
    -- as it is nearly always written
    and (pg_class.reloptions @> '{security_invoker=true}') is not true
    and coalesce(not lower(pg_class.reloptions::text)::text[] && '{security_invoker=true,security_invoker=on,security_invoker=yes,security_invoker=1}', true);
  if open_view is not null then
    raise exception '% is not security_invoker, so it shows everybody what its owner may see', open_view
      using errcode = 'RS001', hint = format('alter view %s set (security_invoker = true)', open_view);
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.topic_preferences(p_user_id uuid, p_kind text)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  return array(
    select left(lower(wanted.value), 100) as topic
    from (values (p_kind, true), (case p_kind when 'more' then 'less' else 'more' end, false)) as kinds (kind, is_asked)
    cross join lateral (
      -- a user who wrote a million has a hundred of them read
      select source_preferences.value from recsys.source_preferences
      where source_preferences.user_id = p_user_id and source_preferences.kind = kinds.kind and source_preferences.value is not null
      order by source_preferences.value
      limit 100
    ) as wanted
    group by left(lower(wanted.value), 100)
    -- both at once count as neither: rows bear no time, so neither is the later one
    having bool_and(kinds.is_asked)
    order by topic
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.requeue_all()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  insert into recsys_engine.feature_changes (post_id) select source_posts.post_id from recsys.source_posts;
  -- a user all of whose events now count for nothing is no participant of these posts
  insert into recsys_engine.feature_changes (user_id) select latest_user_stats.user_id from recsys_engine.latest_user_stats;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION recsys.activate_model(p_model_id bigint, p_instead_of bigint DEFAULT NULL::bigint)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  found_status text;
begin
  -- one switch at a time, so that two operators cannot interleave; a drop holds it too, or it could take what is being activated
  perform recsys_engine.take_lock('models');
  select status into found_status from recsys.models where model_id = p_model_id;
  if found_status = 'active' then
    return;
  end if;
  if p_instead_of is not null and not exists (select from recsys.models where model_id = p_instead_of and status = 'active') then
    raise exception 'model % is not active any more, and nothing was changed', p_instead_of
      using errcode = 'object_not_in_prerequisite_state', hint = 'select * from recsys_engine.model_activations order by activation_id desc limit 5';
  end if;
  if found_status is null or found_status in ('candidate', 'rejected') then
    raise exception 'model % is % and cannot be activated', p_model_id, case found_status
        when 'candidate' then 'not complete' when 'rejected' then 'rejected by the gate' else 'not there' end
      using hint = 'select model_id, name, status, gate -> ''reasons'' from recsys.models';
  end if;
  perform recsys_engine.switch_model(p_model_id, 'activated');
end
$function$;

CREATE OR REPLACE FUNCTION recsys.rollback_model(p_model_id bigint DEFAULT NULL::bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  -- read before the lock: of two concurrent calls both mean the model they found, and the second finds it gone already
  unwanted_model_id constant bigint := coalesce(p_model_id, (select model_id from recsys.models where status = 'active'));
  previous_model_id bigint;
begin
  perform recsys_engine.take_lock('models');
  if not exists (select from recsys.models where model_id = unwanted_model_id and status = 'active') then
    raise exception 'model % is not active (any more), and nothing was changed', coalesce(unwanted_model_id::text, '(none)')
      using errcode = 'object_not_in_prerequisite_state', hint = 'select * from recsys_engine.model_activations order by activation_id desc limit 5';
  end if;
  select activations.model_id into previous_model_id
  from recsys_engine.model_activations as activations
  join recsys.models on models.model_id = activations.model_id and models.status = 'retired'
  order by activations.activation_id desc
  limit 1;
  if previous_model_id is null then
    raise exception 'there is no earlier model to roll back to' using hint = 'select model_id, name, status from recsys.models';
  end if;
  perform recsys_engine.switch_model(previous_model_id, 'rollback');
  return previous_model_id;
end
$function$;

CREATE OR REPLACE FUNCTION recsys.start_shadow(p_model text, p_share real)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  wanted_model_id bigint;
  taken numeric;
  new_shadow_id bigint;
begin
  -- the lock of model switches: a model must not be dropped while a shadow of it begins
  perform recsys_engine.take_lock('models');
  if (p_share::numeric between 0.0001 and 1) is not true or p_share::numeric * 10000 % 1 <> 0 then
    raise exception 'the share of a shadow is from 0.0001 to 1 in steps of 0.0001, not %', coalesce(p_share::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  select models.model_id into wanted_model_id from recsys.models where models.name = p_model and models.status in ('ready', 'active', 'retired');
  if wanted_model_id is null then
    raise exception 'there is no model % that could serve', coalesce(p_model, '(null)')
      using errcode = 'invalid_parameter_value', hint = 'select name, status from recsys.models where status in (''ready'', ''active'', ''retired'')';
  end if;
  if exists (select from recsys.shadows where shadows.model_id = wanted_model_id and shadows.ended_at is null) then
    raise exception 'a shadow of % runs already', p_model using errcode = 'unique_violation', hint = 'to change its share: recsys.stop_shadow(name), and start it again';
  end if;
  taken := (select coalesce(sum(shadows.share), 0) from recsys.shadows where shadows.ended_at is null);
  if taken + p_share::numeric > 1 then
    raise exception 'the shares of all running shadows are 1 together at most, and % is taken', taken
      using errcode = 'invalid_parameter_value', hint = 'select name, share from recsys.shadows where ended_at is null; recsys.stop_shadow(name)';
  end if;
  insert into recsys.shadows (model_id, name, share, started_at) values (wanted_model_id, p_model, p_share::numeric, recsys.clock())
  returning shadow_id into new_shadow_id;
  return new_shadow_id;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.assignment(p_user_id uuid)
 RETURNS TABLE(variant text, model_id bigint, second_model_id bigint, settings jsonb)
 LANGUAGE plpgsql
 STABLE ROWS 1
 SET search_path TO ''
AS $function$
begin
  -- a visitor is in none, and has no rights on them
  if p_user_id is null then
    return;
  end if;
  -- nearly always: no experiment runs, and this is all that a feed pays
  if not exists (select from recsys.experiments where experiments.ended_at is null) then
    return;
  end if;
  -- whose feed no variant can change
  if recsys_engine.feed_preference(p_user_id) <> 'personal' then
    return;
  end if;
  return query
  select
    string_agg(experiments.name || '/' || variants.variant, ',' order by experiments.name),
    -- recsys.start_experiment saw to it that of each no more than one is not null, and no setting is named twice
    max(variants.model_id), max(variants.second_model_id),
    (
      select coalesce(jsonb_object_agg(setting.key, setting.value), '{}')
      from unnest(array_agg(variants.settings)) as overrides (settings) cross join lateral jsonb_each(overrides.settings) as setting
    )
  from recsys.experiments
  join recsys.experiment_variants as variants on variants.experiment_id = experiments.experiment_id
  where experiments.ended_at is null and variants.buckets @> recsys_engine.bucket(p_user_id, experiments.salt)
  having count(*) > 0;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.assign_buckets(p_experiment_id bigint)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  own_layer constant text := (select layer from recsys.experiments where experiment_id = p_experiment_id);
  each_variant record;
  given_up integer[] := '{}'::integer[];
  free_buckets integer[];
  missing integer;
begin
  -- a variant that shrinks gives people up; all others stay
  for each_variant in
    select variants.place, (variants.share * 10000)::integer as wanted, held.buckets
    from recsys.experiment_variants as variants
    cross join lateral (
      select coalesce(array_agg(bucket order by bucket), '{}') as buckets from unnest(variants.buckets) as run cross join generate_series(lower(run), upper(run) - 1) as bucket
    ) as held
    where variants.experiment_id = p_experiment_id and cardinality(held.buckets) > variants.share * 10000
    order by variants.place
  loop
    given_up := given_up || each_variant.buckets[each_variant.wanted + 1:];
    update recsys.experiment_variants
    set buckets = coalesce((select range_agg(int4range(bucket, bucket + 1)) from unnest(each_variant.buckets[:each_variant.wanted]) as bucket), '{}')
    where experiment_id = p_experiment_id and place = each_variant.place;
  end loop;
  -- what was given up goes first: who has to move anyway moves to another variant
  free_buckets := given_up || array(
    select bucket from generate_series(0, 9999) as bucket
    where bucket <> all (given_up) and not exists (
      select from recsys.experiment_variants as variants
      join recsys.experiments using (experiment_id)
      where experiments.layer = own_layer and experiments.ended_at is null and variants.buckets @> bucket
    )
    order by bucket
  );
  for each_variant in
    select variants.place, variants.variant, (variants.share * 10000 - held.number)::integer as lacking
    from recsys.experiment_variants as variants
    cross join lateral (select coalesce(sum(upper(run) - lower(run)), 0) as number from unnest(variants.buckets) as run) as held
    where variants.experiment_id = p_experiment_id and variants.share * 10000 > held.number
    order by variants.place
  loop
    missing := each_variant.lacking - cardinality(free_buckets);
    if missing > 0 then
      raise exception 'layer % has no room for variant %: % %% of all people are missing', own_layer, each_variant.variant, missing / 100.0
        using hint = 'stop an experiment of that layer, ask for smaller shares, or take another layer';
    end if;
    update recsys.experiment_variants
    set buckets = buckets + (select range_agg(int4range(bucket, bucket + 1)) from unnest(free_buckets[:each_variant.lacking]) as bucket)
    where experiment_id = p_experiment_id and place = each_variant.place;
    free_buckets := free_buckets[each_variant.lacking + 1:];
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.running_experiment(p_name text)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  found_experiment record;
begin
  -- the lock of model switches: a model must not be dropped while an experiment with it begins
  perform recsys_engine.take_lock('models');
  select experiment_id, ended_at into found_experiment from recsys.experiments where name = p_name;
  if not found then
    raise exception 'there is no experiment %', coalesce(p_name, '(null)') using errcode = 'no_data_found', hint = 'select name, started_at, ended_at from recsys.experiments';
  elsif found_experiment.ended_at is not null then
    raise exception 'experiment % ended at %', p_name, found_experiment.ended_at using errcode = 'object_not_in_prerequisite_state', hint = 'start another one under another name';
  end if;
  return found_experiment.experiment_id;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.validate_experiment_variants(p_variants jsonb)
 RETURNS SETOF recsys.experiment_variants
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  each_variant record;
  wanted_model_id bigint;
  wanted_second_id bigint;
  answer recsys.experiment_variants;
begin
  if jsonb_typeof(p_variants) is distinct from 'array'
    or jsonb_array_length(p_variants) not between (case when p_variants #> '{0,interleave_with}' is null then 2 else 1 end) and 20 then
    raise exception 'variants are an array of 2 to 20, such as [{"name": "control", "share": 0.5}, {"name": "votes", "share": 0.5, "settings": {"vote_weight": 2}}]'
      using errcode = 'invalid_parameter_value';
  end if;
  for each_variant in select listed.value, listed.place::smallint as place from jsonb_array_elements(p_variants) with ordinality as listed (value, place) loop
    if jsonb_typeof(each_variant.value) <> 'object' or each_variant.value - array['name', 'share', 'model', 'interleave_with', 'settings'] <> '{}'
      or jsonb_typeof(each_variant.value -> 'name') is distinct from 'string' or jsonb_typeof(each_variant.value -> 'share') is distinct from 'number'
      or coalesce(jsonb_typeof(each_variant.value -> 'model'), 'string') <> 'string' or coalesce(jsonb_typeof(each_variant.value -> 'interleave_with'), 'string') <> 'string'
      or coalesce(jsonb_typeof(each_variant.value -> 'settings'), 'object') <> 'object' then
      raise exception 'a variant has a name, a share, and if it is to differ a model (its name), a model to interleave_with, and settings, not %', each_variant.value using errcode = 'invalid_parameter_value';
    end if;
    if (each_variant.value ->> 'share')::numeric not between 0.0001 and 1 or (each_variant.value ->> 'share')::numeric * 10000 % 1 <> 0 then
      raise exception 'the share of a variant is from 0.0001 to 1 in steps of 0.0001, not %', each_variant.value -> 'share' using errcode = 'invalid_parameter_value';
    end if;
    wanted_model_id := recsys_engine.servable_model(each_variant.value ->> 'model');
    wanted_second_id := recsys_engine.servable_model(each_variant.value ->> 'interleave_with');
    if wanted_second_id is not null then
      if jsonb_array_length(p_variants) > 1 or each_variant.value ? 'settings' then
        raise exception 'a variant that interleaves is the only one of its experiment, and has no settings: all else is the same for both models'
          using errcode = 'invalid_parameter_value';
      end if;
      -- as it is now: were another activated meanwhile, the verdict would be on a mixture
      wanted_model_id := coalesce(wanted_model_id, (select models.model_id from recsys.models where models.status = 'active'));
      if wanted_model_id is null then
        raise exception 'no model is active that could be interleaved with %', each_variant.value -> 'interleave_with'
          using errcode = 'invalid_parameter_value', hint = 'name the first one, too, as "model"';
      end if;
    end if;
    answer.place := each_variant.place;
    answer.variant := each_variant.value ->> 'name';
    answer.share := (each_variant.value ->> 'share')::numeric;
    answer.model_id := wanted_model_id;
    answer.second_model_id := wanted_second_id;
    answer.settings := recsys_engine.validate_experiment_settings(coalesce(each_variant.value -> 'settings', '{}'));
    return next answer;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION recsys.start_experiment(p_name text, p_variants jsonb, p_layer text DEFAULT 'feed'::text, p_outcome_window interval DEFAULT '01:00:00'::interval, p_max_loss real DEFAULT 0.1)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  new_experiment_id bigint;
  disputed text;
begin
  perform recsys_engine.take_lock('models');
  if exists (select from recsys.experiments where name = p_name) then
    raise exception 'there was an experiment % already', p_name using errcode = 'unique_violation', hint = 'a name is never used twice: what was shown carries it';
  end if;
  if (select sum(share) from recsys_engine.validate_experiment_variants(p_variants)) > 1 then
    raise exception 'the shares of all variants are 1 together at most' using errcode = 'invalid_parameter_value';
  end if;
  insert into recsys.experiments (name, kind, layer, salt, outcome_window, max_loss, started_at, counted_from)
  values (
    p_name, case when p_variants #> '{0,interleave_with}' is null then 'split' else 'interleaving' end, p_layer,
    coalesce((select salt from recsys.experiments where layer = p_layer and ended_at is null limit 1), gen_random_uuid()::text),
    p_outcome_window, p_max_loss, recsys.clock(), recsys.clock()
  )
  returning experiment_id into new_experiment_id;
  insert into recsys.experiment_variants (experiment_id, place, variant, share, model_id, second_model_id, settings)
  select new_experiment_id, place, variant, share, model_id, second_model_id, settings from recsys_engine.validate_experiment_variants(p_variants);
  with changes as (
    select experiments.experiment_id, experiments.name, experiments.layer, changed.key
    from recsys.experiments
    join recsys.experiment_variants as variants using (experiment_id)
    cross join lateral (
      select jsonb_object_keys(variants.settings) union all select 'model_id' where variants.model_id is not null
    ) as changed (key)
    where experiments.ended_at is null
  )
  select format('%s of experiment %s', theirs.key, theirs.name) into disputed
  from changes as own
  join changes as theirs on theirs.key = own.key and theirs.layer <> own.layer
  where own.experiment_id = new_experiment_id
  limit 1;
  if disputed is not null then
    raise exception 'experiments of different layers may not change the same thing: %', disputed
      using errcode = 'invalid_parameter_value', hint = 'start it in that one''s layer, where each has other people';
  end if;
  perform recsys_engine.assign_buckets(new_experiment_id);
  return new_experiment_id;
end
$function$;

CREATE OR REPLACE FUNCTION recsys.change_shares(p_name text, p_shares jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  found_id constant bigint := recsys_engine.running_experiment(p_name);
begin
  if jsonb_typeof(p_shares) is distinct from 'object'
    or array(select jsonb_object_keys(p_shares) order by 1) <> array(select variant from recsys.experiment_variants where experiment_id = found_id order by 1)
    or exists (
      select from jsonb_each(p_shares) as given
      where case jsonb_typeof(given.value) when 'number' then given.value::numeric not between 0.0001 and 1 or given.value::numeric * 10000 % 1 <> 0 else true end
    )
    or (select sum(given.value::numeric) from jsonb_each(p_shares) as given) > 1 then
    raise exception 'shares name each variant of % once, from 0.0001 to 1 in steps of 0.0001 and 1 together at most, such as %, not %', p_name,
      (select jsonb_object_agg(variant, share) from recsys.experiment_variants where experiment_id = found_id), coalesce(p_shares::text, 'null')
      using errcode = 'invalid_parameter_value';
  end if;
  update recsys.experiment_variants set share = (p_shares ->> variant)::numeric where experiment_id = found_id;
  perform recsys_engine.assign_buckets(found_id);
  -- with other shares another mixture of days is in each variant, and a good day would look like a good variant
  update recsys.experiments set counted_from = recsys.clock() where experiment_id = found_id;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.complete_model(p_model_id bigint, p_gate jsonb DEFAULT NULL::jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  posts bigint;
  has_neighbours boolean;
begin
  if (select count(*) from recsys_engine.model_artifacts where model_id = p_model_id) <> 3 then
    raise exception 'model % does not have its three graphs', p_model_id using hint = 'publish the model again';
  end if;
  execute format('select count(*) from recsys_engine.post_embeddings_%s where is_unindexed is null', p_model_id) into posts;
  -- a graph that outgrows this memory goes on being built on disk, several times slower: it takes 843 bytes a post, so that the
  -- usual 64 MB end at 79,600 posts. 1 GB is for 1.2 million, and no more is taken from the others.
  perform set_config('maintenance_work_mem', least(greatest(64, posts / 1000 + 1), 1024) || 'MB', true);
  -- pgvector before 0.8.2 can overflow in a parallel build (CVE-2026-3172), and Debian ships 0.8.0
  perform set_config('max_parallel_maintenance_workers', '0', true);
  execute format('create index on recsys_engine.post_embeddings_%s using hnsw (embedding extensions.vector_ip_ops)%s', p_model_id,
    -- an app's own searches of all vectors have the whole index, where there is no window
    (select ' where is_unindexed is null' from recsys.settings where settings.index_window_days is not null));
  -- posts that became idle or active since their vectors were written; no roll-up goes on before they are attached
  perform recsys_engine.mark_model_idle(p_model_id);
  execute format('alter table recsys.post_embeddings attach partition recsys_engine.post_embeddings_%s for values in (%s)', p_model_id, p_model_id);
  execute format('alter table recsys.user_embeddings attach partition recsys_engine.user_embeddings_%s for values in (%s)', p_model_id, p_model_id);
  execute format('analyze recsys_engine.post_embeddings_%s', p_model_id);
  execute format('select exists (select from recsys_engine.post_neighbours_%s)', p_model_id) into has_neighbours;
  if has_neighbours then
    execute format('alter table recsys_engine.post_neighbours attach partition recsys_engine.post_neighbours_%s for values in (%s)', p_model_id, p_model_id);
    execute format('analyze recsys_engine.post_neighbours_%s', p_model_id);
  else
    -- so that a feed knows by the catalog alone that there are none
    execute format('drop table recsys_engine.post_neighbours_%s', p_model_id);
  end if;
  update recsys.models set status = 'ready', gate = p_gate where model_id = p_model_id;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.drop_model(p_model_id bigint)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
 SET lock_timeout TO '25ms'
AS $function$
begin
  -- held against activations: one could make the model active between this look and its end
  perform recsys_engine.take_lock('models');
  if exists (select from recsys.models where model_id = p_model_id and status = 'active') then
    raise exception 'model % is active', p_model_id using hint = 'activate another model first';
  end if;
  if not exists (select from recsys.models where model_id = p_model_id) then
    raise exception 'there is no model %', coalesce(p_model_id::text, '(null)') using errcode = 'no_data_found', hint = 'select model_id, name, status from recsys.model_status';
  end if;
  if exists (select from recsys_engine.models_under_test where model_id = p_model_id) then
    raise exception 'model % is that of a running experiment or shadow', p_model_id
      using hint = 'select name from recsys.experiments where ended_at is null; recsys.stop_experiment(name). select name from recsys.shadows where ended_at is null; recsys.stop_shadow(name)';
  end if;
  -- in the order in which a feed locks them: the other way round each could wait for the other
  execute format('drop table if exists recsys_engine.user_embeddings_%s', p_model_id);
  execute format('drop table if exists recsys_engine.post_embeddings_%s', p_model_id);
  execute format('drop table if exists recsys_engine.post_neighbours_%s', p_model_id);
  delete from recsys.models where model_id = p_model_id;
exception
  when lock_not_available then
    raise exception 'the vectors are being read, and model % stays', p_model_id using errcode = 'lock_not_available', hint = 'try again';
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.drop_old_model()
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  old_model_id constant bigint := (select min(model_id) from recsys_engine.droppable_models);
begin
  if old_model_id is not null then
    perform recsys_engine.drop_model(old_model_id);
  end if;
  perform recsys_engine.drop_unread_bases();
  return old_model_id;
exception
  -- another was faster
  when no_data_found then
    return null;
end
$function$;

create or replace view recsys_engine.models_without_basis with (security_invoker=true) as
 SELECT model_id,
    name,
    (feature_spec #>> '{vectors,encoder}'::text[]) AS encoder
   FROM recsys.models
  WHERE (((status = 'active'::text) OR (model_id IN ( SELECT models_under_test.model_id
           FROM recsys_engine.models_under_test))) AND ((feature_spec #>> '{vectors,basis}'::text[]) IS NOT NULL) AND (NOT (EXISTS ( SELECT
           FROM recsys_engine.vector_bases
          WHERE (vector_bases.basis_id = (models.feature_spec #>> '{vectors,basis}'::text[]))))));

CREATE OR REPLACE FUNCTION recsys_engine.drop_unread_bases()
 RETURNS bigint
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  with dropped as (
    delete from recsys_engine.vector_bases
    where vector_bases.used_at < now() - (select settings.unserved_models_kept from recsys.settings)
      and not exists (select from recsys.models where models.feature_spec #>> '{vectors,basis}' = vector_bases.basis_id)
    returning 1
  )
  select count(*) from dropped
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.user_components(p_user_id uuid, p_model_id bigint)
 RETURNS extensions.vector
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  return (
    select reduced.components
    from recsys.models join recsys_engine.reduced_user_vectors as reduced on reduced.basis_id = models.feature_spec #>> '{vectors,basis}'
    where models.model_id = p_model_id and (models.feature_spec #> '{vectors,users}')::boolean and reduced.user_id = p_user_id
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.assign_topics(p_model_id bigint, p_post_ids uuid[], p_vectors text[] DEFAULT NULL::text[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  assigned integer;
begin
  -- while topics are being replaced, nothing waits: recsys_engine.refresh_topics() comes back to what lacks one
  if not recsys_engine.try_lock('topics', 'share') then
    return 0;
  end if;
  insert into recsys_engine.post_topics as joined (post_id, topic_id, similarity)
  select vectors.post_id, nearest.topic_id, nearest.similarity
  from (
    select given.post_id, given.vector::extensions.vector as vector from unnest(p_post_ids, p_vectors) as given (post_id, vector)
    where given.vector is not null
    union all
    select post_embeddings.post_id, post_embeddings.embedding from recsys.post_embeddings
    where p_vectors is null and post_embeddings.model_id = p_model_id and post_embeddings.post_id = any (p_post_ids)
  ) as vectors
  cross join lateral (
    select topics.topic_id, -(topics.centroid operator(extensions.<#>) vectors.vector) as similarity
    from recsys_engine.topics
    where topics.model_id = p_model_id
    order by topics.centroid operator(extensions.<#>) vectors.vector, topics.topic_id
    limit 1
  ) as nearest
  on conflict (post_id) do update set topic_id = excluded.topic_id, similarity = excluded.similarity, assigned_at = excluded.assigned_at;
  get diagnostics assigned = row_count;
  return assigned;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.is_newcomers_post(p_signed_up timestamp with time zone, p_written_at timestamp with time zone, p_at timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
RETURN (recsys_engine.is_newcomer(p_signed_up, p_written_at) AND (p_written_at > (p_at - '7 days'::interval)));

CREATE OR REPLACE FUNCTION recsys_engine.standing(p_readers integer, p_is_newcomers boolean)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
RETURN (ARRAY['newcomer'::text, 'unproven'::text, 'unproven'::text])[(1 + COALESCE(p_readers, (1 - (p_is_newcomers)::integer)))];

CREATE OR REPLACE FUNCTION recsys_engine.keep_author_readers(p_post_ids uuid[])
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  written bigint;
  met_first uuid[];
begin
  with authors as materialized (
    select posts.author_id as user_id, array_agg(posts.post_id) as post_ids, coalesce(known.user_ids, '{}') as user_ids
    from recsys.source_posts as posts
    left join recsys_engine.author_readers as known on known.user_id = posts.author_id
    where posts.post_id = any (p_post_ids) and posts.author_id is not null and cardinality(known.user_ids) is distinct from 3
    group by posts.author_id, known.user_ids
  ),
  met as (
    select authors.user_id, authors.user_ids || array(
      -- the limit stops at the third known reader, so began() runs for few
      select came.user_id
      from (
        select acts.user_id, min(acts.created_at) as at
        from unnest(authors.post_ids) as one (post_id)
        cross join lateral (
          select source_interactions.user_id, source_interactions.created_at
          from recsys.source_interactions where source_interactions.post_id = one.post_id
          order by source_interactions.created_at desc limit 50
        ) as acts
        where acts.user_id <> authors.user_id and acts.user_id <> all (authors.user_ids)
        group by acts.user_id
        order by at
        offset 0
      ) as came
      where recsys_engine.first_interaction_at(came.user_id) <= came.at - interval '1 day'
      limit 3 - cardinality(authors.user_ids)
    ) as user_ids
    from authors
  ),
  kept as (
    insert into recsys_engine.author_readers as known (user_id, user_ids)
    select met.user_id, met.user_ids from met where met.user_ids <> '{}'
    on conflict (user_id) do update set user_ids = excluded.user_ids where known.user_ids <> excluded.user_ids
    returning known.user_id
  )
  select count(*), array_agg(kept.user_id) filter (where authors.user_ids = '{}') into written, met_first
  from kept join authors on authors.user_id = kept.user_id;
  if met_first is not null then
    perform recsys_engine.list_posts_of(met_first);
  end if;
  return written;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.count_usual_newcomers()
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  insert into recsys_engine.usual_newcomers as known (share, counted_at)
  select least(1, greatest(2.0 * written.newcomers / nullif(written.authors, 0), 0.5 / (written.authors + 1))), recsys.clock()
  from (
    select count(distinct posts.author_id) as authors,
      count(distinct posts.author_id) filter (where recsys_engine.is_newcomer(users.created_at, posts.created_at)) as newcomers
    from (
      select source_posts.author_id, source_posts.created_at from recsys.source_posts
      where source_posts.created_at > recsys.clock() - interval '35 days' and source_posts.created_at <= recsys.clock() - interval '7 days'
      order by source_posts.created_at desc
      limit 10000
    ) as posts
    join recsys.source_users as users on users.user_id = posts.author_id
  ) as written
  where not exists (
    select from recsys_engine.usual_newcomers where usual_newcomers.counted_at > recsys.clock() - interval '1 hour' and usual_newcomers.counted_at <= recsys.clock()
  )
  on conflict (only_row) do update set share = excluded.share, counted_at = excluded.counted_at;
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.newcomer_share()
 RETURNS double precision
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce((select usual_newcomers.share from recsys_engine.usual_newcomers), 1);
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.posts_of_newcomers(p_post_ids uuid[])
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return array(
    select posts.post_id
    from recsys.source_posts as posts
    join recsys.source_users as users on users.user_id = posts.author_id
    where posts.post_id = any (p_post_ids)
      and recsys_engine.is_newcomers_post(users.created_at, posts.created_at, recsys.clock()) and recsys_engine.newcomer_share() < 1
      and not exists (select from recsys_engine.author_readers where author_readers.user_id = posts.author_id and author_readers.user_ids <> '{}')
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.first_interaction_at(p_user_id uuid)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select source_interactions.created_at
  from recsys.source_interactions where source_interactions.user_id = p_user_id
    and not exists (select from recsys_engine.backdated_days where backdated_days.user_id = p_user_id and backdated_days.day = recsys_engine.day_of(source_interactions.created_at))
  order by source_interactions.created_at
  limit 1
$function$;

drop function recsys_engine.prior_active_days(uuid,timestamp with time zone,integer);

CREATE OR REPLACE FUNCTION recsys_engine.prior_active_days(p_user_id uuid, p_before timestamp with time zone, p_limit integer)
 RETURNS integer
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  -- day by day, by the index: 100,000 actions on one day cost no more
  with recursive earlier as (
    select 0 as number, p_before as until
    union all
    select earlier.number + 1, recsys_engine.day_of(before.created_at)::timestamp at time zone 'utc'
    from earlier
    cross join lateral (
      select source_interactions.created_at
      from recsys.source_interactions
      where source_interactions.user_id = p_user_id and source_interactions.created_at < earlier.until
        and not exists (select from recsys_engine.backdated_days where backdated_days.user_id = p_user_id and backdated_days.day = recsys_engine.day_of(source_interactions.created_at))
      order by source_interactions.created_at desc
      limit 1
    ) as before
    where earlier.number < p_limit
  )
  select max(earlier.number) from earlier
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.burst_started_at(p_user_id uuid, p_day date)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  with acts as materialized (
    select source_interactions.post_id, source_interactions.created_at
    from recsys.source_interactions
    where source_interactions.user_id = p_user_id
      and source_interactions.created_at >= p_day::timestamp at time zone 'utc' and source_interactions.created_at < (p_day + 1)::timestamp at time zone 'utc'
    order by source_interactions.created_at
    -- a person's first 2,000 acts of a day are read, and later ones are beyond
    limit 2001
  ),
  came as (
    select array_agg(first.at order by first.at) as at
    from (select acts.post_id, min(acts.created_at) as at from acts group by acts.post_id) as first
    cross join lateral (
      select source_posts.author_id from recsys.source_posts where source_posts.post_id = first.post_id offset 0
    ) as posts
    where posts.author_id is distinct from p_user_id
  )
  select least(
    -- no person becomes known at midnight
    case when cardinality(came.at) > 6 then
      came.at[2 + 5 * greatest(1, recsys_engine.prior_active_days(p_user_id, (select min(acts.created_at) from acts) - interval '6 hours', least(28, (cardinality(came.at) + 3) / 5)))]
    end,
    (select acts.created_at from acts order by acts.created_at offset 2000)
  )
  from came
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.first_day_quota(p_day date)
 RETURNS TABLE(span interval, most integer)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select bound.minutes * interval '1 minute', greatest(bound.least, before.number * 5 * bound.minutes / (28 * 24 * 60))::integer
  from (values (30, 1), (180, 3)) as bound (minutes, least)
  cross join (
    select count(*) as number
    from recsys_engine.first_day_interactions
    where first_day_interactions.at >= (p_day - 28)::timestamp at time zone 'utc' and first_day_interactions.at < p_day::timestamp at time zone 'utc'
  ) as before
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.refresh_first_day_interactions(p_users uuid[], p_at timestamp with time zone[])
 RETURNS timestamp with time zone[]
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  with people as materialized (
    select touched.user_id, first.at as began
    from (
      select each.user_id, min(each.at) as at from unnest(p_users, p_at) as each (user_id, at) where each.user_id is not null group by each.user_id
    ) as touched
    cross join lateral (select recsys_engine.first_interaction_at(touched.user_id) as at) as first
    -- of all others that day is as it was
    where first.at is null or touched.at < first.at + interval '1 day'
  ),
  begun as materialized (
    select people.user_id, (row_number() over (partition by people.user_id order by first.at))::smallint as number, first.at
    from people
    cross join lateral (
      select (recsys_engine.day_of(people.began) + n)::timestamp at time zone 'utc' as began from generate_series(0, 1) as n
    ) as day
    cross join lateral (
      select min(acts.created_at) as at
      from (
        select source_interactions.post_id, source_interactions.created_at
        from recsys.source_interactions
        where source_interactions.user_id = people.user_id and source_interactions.created_at >= day.began
          and source_interactions.created_at < least(people.began, day.began) + interval '1 day'
        order by source_interactions.created_at
        -- a person's later acts than 2,000 a day, or six posts, are beyond anyway
        limit 2000
      ) as acts
      cross join lateral (
        select from recsys.source_posts
        where source_posts.post_id = acts.post_id and source_posts.author_id is distinct from people.user_id
          and source_posts.created_at < acts.created_at - interval '1 day'
        offset 0
      ) as old
      group by acts.post_id
      order by 1
      limit 6
    ) as first
  ),
  moved as materialized (
    select user_id, number, known.at as before, begun.at
    from (select first_day_interactions.* from recsys_engine.first_day_interactions join people using (user_id)) as known
    full join begun using (user_id, number)
    where known.at is distinct from begun.at
  ),
  gone as (
    delete from recsys_engine.first_day_interactions using moved where first_day_interactions.user_id = moved.user_id and first_day_interactions.number = moved.number and moved.at is null
  ),
  kept as (
    insert into recsys_engine.first_day_interactions (user_id, number, at)
    select moved.user_id, moved.number, moved.at from moved where moved.at is not null
    on conflict (user_id, number) do update set at = excluded.at
  )
  select coalesce(array_agg(distinct each.at), '{}')
  from (
    select unnest(array[moved.before, moved.at]) as at from moved
    union all
    -- one that was erased is no longer known here
    select touched.at from unnest(p_users, p_at) as touched (user_id, at) join people using (user_id) where people.began is null
  ) as each
  where isfinite(each.at)
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.refresh_bursts(p_users uuid[], p_posts uuid[], p_at timestamp with time zone[])
 RETURNS TABLE(user_id uuid, post_id uuid, at timestamp with time zone)
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  today constant date := recsys_engine.day_of(recsys.clock());
  -- what is imported is taken as it is: what was usual is known where states have been kept for 28 days
  judged_from constant date := greatest(today - 28, recsys_engine.day_of((select min(post_stats.last_active_at) from recsys_engine.post_stats)) + 29);
  moved constant timestamptz[] := recsys_engine.refresh_first_day_interactions(p_users, p_at);
begin
  if not exists (select from recsys_engine.post_stats) or judged_from > today then
    return;
  end if;
  return query
  with touched as (
    select each.user_id, each.post_id, each.at, recsys_engine.day_of(each.at) as day
    from unnest(p_users, p_posts, p_at) as each (user_id, post_id, at) where each.user_id is not null and isfinite(each.at)
  ),
  -- the acts by which a person is known, or was
  known as materialized (
    select came.post_id, came.at
    from (
      select touched.user_id, min(touched.at) as at, recsys_engine.first_interaction_at(touched.user_id) as began, array_agg(distinct touched.at) as touched_at
      from touched group by touched.user_id
    ) as first
    cross join lateral (
      select touched.post_id, touched.at from touched where touched.user_id = first.user_id
      union all
      -- where their first act came or went, those of the day after the next one may be other than they were
      select acts.post_id, acts.created_at
      from (
        select min(others.created_at) as at
        from (
          select source_interactions.created_at from recsys.source_interactions
          where source_interactions.user_id = first.user_id and source_interactions.created_at > first.at and first.began >= first.at
          order by source_interactions.created_at
          limit 2000
        ) as others
        where others.created_at <> all (first.touched_at)
      ) as next
      cross join lateral (
        select source_interactions.post_id, source_interactions.created_at from recsys.source_interactions
        where source_interactions.user_id = first.user_id
          and source_interactions.created_at >= next.at and source_interactions.created_at < next.at + interval '1 day'
        order by source_interactions.created_at
        limit 2000
      ) as acts
    ) as came
    where came.at >= least(first.at, first.began) + interval '1 day'
  ),
  met as materialized (
    select posts.author_id, min(known.at) as since
    from known
    join recsys.source_posts as posts on posts.post_id = known.post_id
    join recsys.source_users as authors on authors.user_id = posts.author_id and authors.created_at > known.at - interval '28 days'
    group by posts.author_id
  ),
  bounds as materialized (
    select days.day, admitted.span, admitted.most
    from (
      select distinct each.day + n as day
      from (select touched.day from touched union all select recsys_engine.day_of(each.at) from unnest(moved) as each (at)) as each
      cross join generate_series(0, 1) as n
    ) as days
    cross join lateral recsys_engine.first_day_quota(days.day) as admitted
  ),
  person_days as materialized (
    select touched.user_id, touched.day from touched
    union
    -- one more or less of the days before
    select first.user_id, later.day::date
    from (select touched.user_id, min(touched.day) as day from touched group by touched.user_id) as first
    cross join lateral generate_series(greatest(judged_from, first.day), today, interval '1 day') as later (day)
    union
    select others.user_id, recsys_engine.day_of(others.at)
    from unnest(moved) as each (at)
    join bounds on bounds.day = recsys_engine.day_of(each.at)
    cross join lateral (
      select first_day_interactions.user_id, first_day_interactions.at from recsys_engine.first_day_interactions
      where first_day_interactions.at >= each.at and first_day_interactions.at < each.at + bounds.span
      order by first_day_interactions.at, first_day_interactions.user_id, first_day_interactions.number
      -- what comes after these was beyond it before, and is; twice, since more may be usual on the next day
      limit 2 * bounds.most + cardinality(moved)
    ) as others
    union
    -- and people who met an author before or after a known person did
    select others.user_id, recsys_engine.day_of(others.at)
    from (
      select came.user_id, came.at
      from (select met.author_id, met.since from met where met.since <= recsys_engine.author_known_since(met.author_id) offset 0) as newly
      cross join lateral recsys_engine.author_engagements(newly.author_id) as came
      where came.at >= newly.since and came.at < recsys_engine.first_interaction_at(came.user_id) + interval '1 day'
      -- so many are judged in a second; where there are more, the others are when they do something again
      limit 500
    ) as others
  ),
  beginners as materialized (
    select people.user_id, recsys_engine.first_interaction_at(people.user_id) as at from (select distinct person_days.user_id from person_days) as people
  ),
  first_met as materialized (
    select person_days.user_id, person_days.day, first.author_id, first.at
    from person_days
    join beginners on beginners.user_id = person_days.user_id and beginners.at + interval '1 day' > person_days.day::timestamp at time zone 'utc'
    cross join lateral recsys_engine.engaged_new_authors(
      person_days.user_id, person_days.day::timestamp at time zone 'utc', least(beginners.at + interval '1 day', (person_days.day + 1)::timestamp at time zone 'utc')
    ) as first
    where person_days.day >= judged_from
  ),
  authors as materialized (
    select each.author_id, recsys_engine.author_known_since(each.author_id) as met_at from (select distinct first_met.author_id from first_met) as each
  ),
  -- when users on their first day interacted with a new author without known readers
  unmet as materialized (
    select first_met.user_id, first_met.day, min(first_met.at) as at
    from first_met join authors on authors.author_id = first_met.author_id and first_met.at < authors.met_at
    group by first_met.user_id, first_met.day
  ),
  judged as materialized (
    select person_days.user_id, person_days.day, bursts.since as since_before,
      least(recsys_engine.burst_started_at(person_days.user_id, person_days.day), first.at, unmet.at, case when backdated_days.day is not null then backdated_days.day::timestamp at time zone 'utc' end) as since
    from person_days
    left join recsys_engine.backdated_days on backdated_days.user_id = person_days.user_id and backdated_days.day = person_days.day
    left join recsys_engine.bursts on bursts.user_id = person_days.user_id and bursts.day = person_days.day
    left join lateral (
      select min(begun.at) as at
      from recsys_engine.first_day_interactions as begun
      join bounds on bounds.day = recsys_engine.day_of(begun.at)
      where begun.user_id = person_days.user_id and bounds.day = person_days.day and bounds.most = (
        select count(*) from (
          select from recsys_engine.first_day_interactions as before
          where before.at > begun.at - bounds.span and (before.at, before.user_id, before.number) < (begun.at, begun.user_id, begun.number)
          limit bounds.most
        ) as earlier
      )
    ) as first on true
    left join unmet on unmet.user_id = person_days.user_id and unmet.day = person_days.day
    where person_days.day >= judged_from or bursts.day is not null
  ),
  ended as (
    delete from recsys_engine.bursts using judged where bursts.user_id = judged.user_id and bursts.day = judged.day and judged.since is null
  ),
  kept as (
    insert into recsys_engine.bursts (user_id, day, since)
    select judged.user_id, judged.day, judged.since from judged where judged.since is distinct from judged.since_before and judged.since is not null
    on conflict on constraint bursts_pkey do update set since = excluded.since
  )
  -- what counted and no longer does, and what counts again
  select acts.user_id, acts.post_id, acts.created_at
  from judged
  cross join lateral (
    select source_interactions.user_id, source_interactions.post_id, source_interactions.created_at, source_interactions.interaction_id
    from recsys.source_interactions
    where source_interactions.user_id = judged.user_id
      and source_interactions.created_at >= least(judged.since, judged.since_before)
      and source_interactions.created_at < (judged.day + 1)::timestamp at time zone 'utc'
    offset 0
  ) as acts
  where judged.since is distinct from judged.since_before and case
    when acts.created_at >= judged.since then
      exists (select from recsys_engine.post_stats where post_stats.interaction_id = acts.interaction_id)
    else acts.created_at >= judged.since_before
  end;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.find_circles()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  users uuid[];
  authors uuid[];
  number integer;
begin
  perform recsys_engine.take_lock('circles');
  with pairs as materialized (
    select distinct acts.user_id, posts.author_id
    from recsys.source_interactions as acts
    join recsys.source_posts as posts on posts.post_id = acts.post_id
    where posts.author_id is distinct from acts.user_id
  ),
  -- users who interacted with another author are outside, and so are the ten authors with most readers: in a small
  -- community all users may have interacted with all posts
  inside as materialized (
    (select pairs.user_id from pairs)
    except
    (select pairs.author_id from pairs where pairs.author_id is not null group by pairs.author_id order by count(*) desc, pairs.author_id limit 10)
  ),
  closed as (
    select pairs.user_id from pairs left join inside on inside.user_id = pairs.author_id group by pairs.user_id having count(inside.user_id) >= count(*) - case when count(*) >= 5 then 1 else 0 end
  )
  select array_agg(pairs.user_id), array_agg(pairs.author_id) into users, authors
  from pairs
  join inside on inside.user_id = pairs.user_id
  join closed on closed.user_id = pairs.user_id;
  -- and users who interacted with an author outside; longer chains do not arise by accident
  for round in 1 .. 100 loop
    number := cardinality(users);
    with pairs as materialized (
      select pair.user_id, pair.author_id from unnest(users, authors) as pair (user_id, author_id)
    ),
    inside as (
      select distinct pairs.user_id from pairs
    ),
    closed as (
      select pairs.user_id from pairs left join inside on inside.user_id = pairs.author_id group by pairs.user_id having count(inside.user_id) >= count(*) - case when count(*) >= 5 then 1 else 0 end
    )
    select array_agg(pairs.user_id), array_agg(pairs.author_id) into users, authors
    from pairs join closed on closed.user_id = pairs.user_id;
    exit when cardinality(users) is not distinct from number;
  end loop;
  delete from recsys_engine.circle_members;
  insert into recsys_engine.circle_members (user_id) select distinct unnest(users);
  get diagnostics number = row_count;
  return number;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.queue_feature_changes()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- its columns were quoted by recsys.watch, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  changed constant text := recsys_engine.changed_rows(tg_op, tg_argv[4]);
begin
  if tg_op = 'TRUNCATE' then
    -- it does not say which rows it took
    insert into recsys_engine.feature_changes (post_id) select distinct post_stats.post_id from recsys_engine.post_stats;
    insert into recsys_engine.feature_changes (user_id) select distinct user_stats.user_id from recsys_engine.user_stats;
  else
    execute format('insert into recsys_engine.feature_changes (user_id, post_id, at) select %s, %s, %s from (%s) as changed where num_nulls(%s) = 0',
      tg_argv[0], tg_argv[1], tg_argv[2], changed, tg_argv[3]);
    -- times that people report for long before: an import, or a service that writes for others, knows when it was
    if tg_op = 'INSERT' and current_setting('role') in ('authenticated', 'anon') then
      execute format('
        with queued as materialized (
          select each.user_id, each.at
          from (select %1$s as user_id, %2$s as post_id, %3$s as at from (%4$s) as changed where num_nulls(%5$s) = 0) as each
          where num_nulls(each.user_id, each.post_id) = 0 and isfinite(each.at) and each.at < recsys.clock() - interval ''6 hours''
        ),
        days as (
          select distinct queued.user_id, recsys_engine.day_of(queued.at) as day from queued
        )
        insert into recsys_engine.backdated_days (user_id, day)
        select days.user_id, days.day from days
        where not exists (
          select from recsys.source_interactions as others
          where others.user_id = days.user_id
            and others.created_at >= days.day::timestamp at time zone ''utc'' and others.created_at < (days.day + 1)::timestamp at time zone ''utc''
            and others.created_at not in (select queued.at from queued where queued.user_id = days.user_id)
        )
        order by days.user_id, days.day
        on conflict do nothing', tg_argv[0], tg_argv[1], tg_argv[2], changed, tg_argv[3]);
    end if;
  end if;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.reconstruct_state(p_post_id uuid, p_at timestamp with time zone, p_interaction_id bigint)
 RETURNS TABLE(last_active_at timestamp with time zone, comments integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER ROWS 1
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  select counted.last_active_at, counted.comments
  from recsys.source_posts as posts
  cross join lateral recsys_engine.state_before_interaction(posts.post_id, posts.author_id, p_at, p_interaction_id) as counted
  where posts.post_id = p_post_id and (auth.uid() is null or exists (
    select from recsys.source_interactions as own
    where own.user_id = auth.uid() and own.post_id = p_post_id and own.created_at = p_at and own.interaction_id = p_interaction_id
  ));
end
$function$;

drop function recsys_engine.prune_feature_store(bigint,integer,bigint);

CREATE OR REPLACE FUNCTION recsys_engine.prune_feature_store(p_keep bigint DEFAULT 500000, p_limit integer DEFAULT 20000, p_of_a_person bigint DEFAULT 10000)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  first_id constant uuid := '00000000-0000-0000-0000-000000000000'::uuid;
  progress recsys_engine.pruning_progress;
  ids uuid[];
  thinned bigint;
  of_users bigint;
begin
  -- not while a roll-up goes on from a state that would go; feeds and writers do not wait
  perform recsys_engine.take_lock('roll_up');
  select * into strict progress from recsys_engine.pruning_progress;
  if progress.after_id = first_id then
    -- a tenth of what training reads is gone, as where those are erased who had flooded it: what was thinned for them is recomputed
    if progress.thinned_before > coalesce((select start.at from recsys_engine.training_start(p_keep * 9 / 10, p_of_a_person) as start), '-infinity') then
      insert into recsys_engine.feature_changes (post_id) select source_posts.post_id from recsys.source_posts;
      insert into recsys_engine.feature_changes (user_id) select source_users.user_id from recsys.source_users;
      update recsys_engine.pruning_progress set thinned_before = '-infinity';
      return 0::bigint;
    end if;
    progress.thinned_before := greatest(progress.thinned_before, (select start.at from recsys_engine.training_start(p_keep, p_of_a_person) as start));
  end if;
  if progress.thinned_before = '-infinity' then
    return 0::bigint;
  end if;

  select coalesce(array_agg(id order by id), '{}') into ids
  from (
    select id from (
      (select distinct post_stats.post_id as id from recsys_engine.post_stats where post_stats.post_id > progress.after_id order by id limit p_limit)
      union
      (select distinct user_stats.user_id as id from recsys_engine.user_stats where user_stats.user_id > progress.after_id order by id limit p_limit)
    ) as either
    order by id
    limit p_limit
  ) as next;

  delete from recsys_engine.post_stats
  where post_stats.ctid = any (array(
    select outdated.ctid
    from unnest(ids) as entity (id)
    cross join lateral (
      select post_stats.last_active_at, post_stats.interaction_id from recsys_engine.post_stats
      where post_stats.post_id = entity.id and post_stats.last_active_at < progress.thinned_before
      order by post_stats.last_active_at desc, post_stats.interaction_id desc
      limit 1
    ) as kept
    cross join lateral (
      select post_stats.ctid from recsys_engine.post_stats
      where post_stats.post_id = entity.id
        and (post_stats.last_active_at, post_stats.interaction_id) < (kept.last_active_at, kept.interaction_id)
      offset 0
    ) as outdated
  ));
  get diagnostics thinned = row_count;

  delete from recsys_engine.user_stats
  where user_stats.ctid = any (array(
    select outdated.ctid
    from unnest(ids) as entity (id)
    cross join lateral (
      select user_stats.last_active_at, user_stats.sort_id, user_stats.event_id from recsys_engine.user_stats
      where user_stats.user_id = entity.id and user_stats.last_active_at < progress.thinned_before
      order by user_stats.last_active_at desc, user_stats.sort_id desc, user_stats.event_id desc
      limit 1
    ) as kept
    cross join lateral (
      select user_stats.ctid from recsys_engine.user_stats
      where user_stats.user_id = entity.id
        and (user_stats.last_active_at, user_stats.sort_id, user_stats.event_id) < (kept.last_active_at, kept.sort_id, kept.event_id)
      offset 0
    ) as outdated
  ));
  get diagnostics of_users = row_count;

  update recsys_engine.pruning_progress
  set thinned_before = progress.thinned_before,
    after_id = case when cardinality(ids) < p_limit then first_id else ids[cardinality(ids)] end;
  return thinned + of_users;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.author_engagements(p_author_id uuid)
 RETURNS TABLE(user_id uuid, at timestamp with time zone)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select came.user_id, came.created_at
  from (
    select acts.user_id, acts.created_at
    from (
      select source_posts.post_id from recsys.source_posts
      where source_posts.author_id = p_author_id order by source_posts.created_at, source_posts.post_id limit 20
    ) as written
    cross join lateral (
      select source_interactions.user_id, source_interactions.created_at
      from recsys.source_interactions where source_interactions.post_id = written.post_id
      order by source_interactions.created_at limit 50
    ) as acts
  ) as came
  where came.user_id <> p_author_id
    and not exists (select from recsys_engine.backdated_days where backdated_days.user_id = came.user_id and backdated_days.day = recsys_engine.day_of(came.created_at))
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.author_known_since(p_author_id uuid)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select coalesce((
    -- one after the other: of an author whom people met, few are asked when they began
    select came.at from (select * from recsys_engine.author_engagements(p_author_id) as each order by each.at) as came
    where recsys_engine.first_interaction_at(came.user_id) <= came.at - interval '1 day'
    limit 1
  ), 'infinity')
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.engaged_new_authors(p_user_id uuid, p_from timestamp with time zone, p_until timestamp with time zone)
 RETURNS TABLE(author_id uuid, at timestamp with time zone)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select posts.author_id, min(acts.created_at)
  from (
    select source_interactions.post_id, source_interactions.created_at
    from recsys.source_interactions
    where source_interactions.user_id = p_user_id
      and source_interactions.created_at >= p_from and source_interactions.created_at < p_until
    order by source_interactions.created_at
    limit 2000
  ) as acts
  cross join lateral (
    select source_posts.author_id from recsys.source_posts where source_posts.post_id = acts.post_id offset 0
  ) as posts
  join recsys.source_users as authors on authors.user_id = posts.author_id and authors.created_at > acts.created_at - interval '28 days'
  where posts.author_id <> p_user_id
  group by posts.author_id
  order by 2
  -- what comes after six posts is beyond anyway
  limit 6
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.posts_a_day()
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
RETURN 20;

CREATE OR REPLACE FUNCTION recsys_engine.some_wait()
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$ select exists (select from recsys_engine.listed_posts where listed_posts.waits) $function$;

CREATE OR REPLACE FUNCTION recsys_engine.list_posts(p_post_ids uuid[], p_is_new boolean)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  now constant timestamptz := recsys.clock();
  -- posts by users count by the day they are written; imports may set created_at
  is_of_people constant boolean := current_setting('role') in ('authenticated', 'anon');
begin
  delete from recsys_engine.listed_posts as gone
  where (p_post_ids is null or gone.post_id = any (p_post_ids))
    and not exists (select from recsys.source_posts where source_posts.post_id = gone.post_id offset 0);
  with found as (
    select posts.post_id, posts.author_id, posts.created_at,
      case when authors.is_unmet then 1 else recsys_engine.posts_a_day() end as most,
      case when p_is_new and posts.author_id is not null and (is_of_people or posts.created_at > now - interval '10 minutes') then recsys_engine.day_of(now) end as counted_on
    from recsys.source_posts as posts
    left join lateral (
      select not exists (select from recsys_engine.author_readers where author_readers.user_id = posts.author_id and author_readers.user_ids <> '{}') as is_unmet
      from recsys.source_users as users
      -- only where newcomers are few: in a new community all authors are newcomers
      where p_is_new and users.user_id = posts.author_id and recsys_engine.is_newcomer(users.created_at, now) and recsys_engine.newcomer_share() < 0.5
      offset 0
    ) as authors on true
    where (p_post_ids is null or posts.post_id = any (p_post_ids)) and posts.created_at is not null
      and not exists (select from recsys_engine.listed_posts as known where known.post_id = posts.post_id and known.created_at = posts.created_at and known.author_id is not distinct from posts.author_id)
  ),
  numbered as (
    select found.*, row_number() over (partition by found.author_id, found.counted_on order by found.created_at, found.post_id) as number from found
  )
  insert into recsys_engine.listed_posts as listed (post_id, author_id, created_at, counted_on, waits)
  select numbered.post_id, numbered.author_id, numbered.created_at, numbered.counted_on,
    numbered.counted_on is not null and (numbered.number > numbered.most or numbered.number + (
      select count(*) from (
        select from recsys_engine.listed_posts as earlier
        where earlier.author_id = numbered.author_id and earlier.counted_on = numbered.counted_on and not earlier.waits
        limit recsys_engine.posts_a_day()
      ) as each
    ) > numbered.most)
  from numbered
  -- listed posts keep their count
  on conflict (post_id) do update set author_id = excluded.author_id, created_at = excluded.created_at;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.list_posts_of(p_author_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  freed uuid[];
begin
  with numbered as (
    select waiting.post_id, row_number() over (partition by waiting.author_id, waiting.counted_on order by waiting.created_at, waiting.post_id) + (
      select count(*) from recsys_engine.listed_posts as listed
      where listed.author_id = waiting.author_id and listed.counted_on = waiting.counted_on and not listed.waits
    ) as number
    from recsys_engine.listed_posts as waiting where waiting.author_id = any (p_author_ids) and waiting.waits
  ),
  listed as (
    update recsys_engine.listed_posts set waits = false
    from numbered
    where numbered.number <= recsys_engine.posts_a_day() and listed_posts.post_id = numbered.post_id
    returning listed_posts.post_id
  )
  select array_agg(listed.post_id) into freed from listed;
  if freed is not null then
    perform recsys_engine.index_tags(freed);
  end if;
end
$function$;

drop function recsys_engine.roll_up_posts(uuid[],timestamp with time zone[],uuid[],uuid[],timestamp with time zone[]);

CREATE OR REPLACE FUNCTION recsys_engine.roll_up_posts(p_posts uuid[], p_since timestamp with time zone[], p_changed_users uuid[], p_changed_posts uuid[], p_changed_at timestamp with time zone[], OUT written bigint, OUT known uuid[])
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  -- posts that have states at or after the instant, or none at all
  reopened uuid[];
  reopened_since timestamptz[];
begin
  select
    coalesce(array_agg(late.post_id) filter (where not late.goes_on), '{}'),
    coalesce(array_agg(late.since) filter (where not late.goes_on), '{}'),
    coalesce(array_agg(late.post_id) filter (where late.goes_on and late.is_known), '{}')
  into reopened, reopened_since, known
  from (
    select
      changed.post_id, changed.since, touched.is_known,
      exists (
        select from recsys_engine.latest_post_stats
        where latest_post_stats.post_id = changed.post_id and latest_post_stats.last_active_at < changed.since
        offset 0
      ) as goes_on
    from unnest(p_posts, p_since) as changed (post_id, since)
    left join (
      select each.post_id, bool_and(each.user_id is not null) as is_known
      from unnest(p_changed_users, p_changed_posts) as each (user_id, post_id)
      group by each.post_id
    ) as touched on touched.post_id = changed.post_id
  ) as late;

  delete from recsys_engine.post_stats
  where post_stats.ctid = any (array(
    select outdated.ctid
    from unnest(reopened, reopened_since) as late (post_id, since)
    cross join lateral (
      select post_stats.ctid from recsys_engine.post_stats where post_stats.post_id = late.post_id and post_stats.last_active_at >= late.since offset 0
    ) as outdated
  ));

  with late as (
    -- no state before: nothing had happened yet, or what had was thinned; so everything is worked out
    select late.post_id, case when before.last_active_at is null then '-infinity' else late.since end as since, posts.author_id, before.last_active_at, before
    from unnest(p_posts, p_since) as late (post_id, since)
    cross join lateral (select source_posts.author_id from recsys.source_posts where source_posts.post_id = late.post_id offset 0) as posts
    left join lateral (
      -- nearly always the first of the two: one row of a small table
      (
        select latest_post_stats.* from recsys_engine.latest_post_stats
        where latest_post_stats.post_id = late.post_id and latest_post_stats.last_active_at < late.since
      )
      union all
      (
        select post_stats.* from recsys_engine.post_stats
        where post_stats.post_id = late.post_id and post_stats.last_active_at < late.since
        order by post_stats.last_active_at desc, post_stats.interaction_id desc
        limit 1
      )
      limit 1
    ) as before on true
  ),
  pairs as (
    select touched.post_id, touched.user_id, min(touched.at) as since
    from unnest(p_changed_users, p_changed_posts, p_changed_at) as touched (user_id, post_id, at)
    where touched.post_id = any (known)
    group by touched.post_id, touched.user_id
  ),
  numbered as (
    select
      found.post_id, found.since, found.last_active_at, found.created_at, found.interaction_id, found.user_id, found.kind,
      row_number() over (partition by found.post_id, found.user_id order by found.created_at, found.interaction_id) as number_of_user,
      row_number() over (partition by found.post_id, found.user_id, found.kind order by found.created_at, found.interaction_id) as number_of_kind
    from (
      select late.post_id, late.since, late.last_active_at, late.author_id, events.*
      from late
      cross join lateral (
        select non_burst_interactions.created_at, non_burst_interactions.interaction_id, non_burst_interactions.user_id, non_burst_interactions.kind
        from recsys_engine.non_burst_interactions
        where non_burst_interactions.post_id = late.post_id and non_burst_interactions.created_at >= late.since
        offset 0
      ) as events
      where late.post_id <> all (known)
      union all
      -- by user and post: of 10 million interactions, the pages that say whether it is the user's first are read for it anyway
      select late.post_id, late.since, late.last_active_at, late.author_id, events.*
      from pairs
      join late on late.post_id = pairs.post_id
      cross join lateral (
        select non_burst_interactions.created_at, non_burst_interactions.interaction_id, non_burst_interactions.user_id, non_burst_interactions.kind
        from recsys_engine.non_burst_interactions
        where non_burst_interactions.user_id = pairs.user_id and non_burst_interactions.post_id = pairs.post_id
          and non_burst_interactions.created_at >= pairs.since
        offset 0
      ) as events
    ) as found
    where found.user_id is distinct from found.author_id
  ),
  history as (
    select
      numbered.*,
      case
        when numbered.number_of_user > 1 then false
        when numbered.last_active_at is null then true
        else not exists (
          select from recsys_engine.non_burst_interactions as earlier
          where earlier.user_id = numbered.user_id and earlier.post_id = numbered.post_id and earlier.created_at < numbered.since
        )
      end as is_first
    from numbered
    -- what counts: of each person the first of each kind
    where numbered.number_of_kind = 1 and (numbered.last_active_at is null or not exists (
      select from recsys_engine.non_burst_interactions as earlier
      where earlier.user_id = numbered.user_id and earlier.post_id = numbered.post_id and earlier.kind = numbered.kind and earlier.created_at < numbered.since
    ))
  ),
  series as (
    select
      history.post_id,
      array_agg(history.created_at order by history.created_at, history.interaction_id) as at,
      array_agg(history.interaction_id order by history.created_at, history.interaction_id) as interaction_ids,
      array_agg(history.user_id order by history.created_at, history.interaction_id) as user_ids,
      array_agg(history.kind order by history.created_at, history.interaction_id) as kinds,
      array_agg(history.is_first order by history.created_at, history.interaction_id) as is_first
    from history
    group by history.post_id
  ),
  changes as (
    select
      late.post_id, late.before, events.*,
      count(*) filter (where events.kind = 'view') over so_far as views,
      count(*) filter (where events.kind = 'vote') over so_far as votes,
      count(*) filter (where events.kind = 'comment') over so_far as comments,
      count(*) filter (where events.is_first) over so_far as participants,
      max(events.created_at) filter (where events.kind = 'comment') over so_far as last_comment_at
    from series
    join late on late.post_id = series.post_id
    cross join lateral rows from (
      unnest(series.at, series.interaction_ids, series.user_ids, series.kinds, series.is_first),
      recsys_engine.decayed_counts(series.at, series.is_first, late.last_active_at, (late.before).recent)
    ) as events (created_at, interaction_id, user_id, kind, is_first, number, counts)
    window so_far as (partition by late.post_id order by events.number rows unbounded preceding)
  )
  insert into recsys_engine.post_stats (post_id, last_active_at, interaction_id, user_id, kind, views, votes, comments, participants, last_comment_at, first_interaction, recent, trend)
  select
    post_id, created_at, interaction_id, user_id, kind,
    coalesce((before).views, 0) + views, coalesce((before).votes, 0) + votes, coalesce((before).comments, 0) + comments,
    coalesce((before).participants, 0) + participants, coalesce(last_comment_at, (before).last_comment_at),
    is_first, counts,
    ln(greatest(counts[4], 1e-30)) / ln(2::double precision) + extract(epoch from created_at)::double precision / 3600 / (recsys_engine.half_lives())[4]
  from changes
  -- an interaction that moved here from a post whose turn has not come yet
  on conflict (interaction_id) do update set
    post_id = excluded.post_id, last_active_at = excluded.last_active_at, user_id = excluded.user_id, kind = excluded.kind,
    views = excluded.views, votes = excluded.votes, comments = excluded.comments, participants = excluded.participants,
    last_comment_at = excluded.last_comment_at, first_interaction = excluded.first_interaction,
    recent = excluded.recent, trend = excluded.trend;
  get diagnostics written = row_count;

  -- whole rows, so that nothing here names what they hold
  delete from recsys_engine.latest_post_stats where latest_post_stats.post_id = any (p_posts);
  insert into recsys_engine.latest_post_stats
  select latest.*
  from unnest(p_posts) as late (post_id)
  cross join lateral (
    select post_stats.* from recsys_engine.post_stats
    where post_stats.post_id = late.post_id
    order by post_stats.last_active_at desc, post_stats.interaction_id desc
    limit 1
  ) as latest;
end
$function$;

drop function recsys_engine.roll_up_users(uuid[],timestamp with time zone[],uuid[],uuid[],timestamp with time zone[]);

CREATE OR REPLACE FUNCTION recsys_engine.roll_up_users(p_users uuid[], p_since timestamp with time zone[], p_changed_users uuid[], p_changed_posts uuid[], p_changed_at timestamp with time zone[])
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  thinned_before constant timestamptz := (select pruning_progress.thinned_before from recsys_engine.pruning_progress);
  written bigint;
  -- users who have states at or after the instant, or none at all
  reopened uuid[];
  reopened_since timestamptz[];
  -- users who did nothing new but to certain posts
  known uuid[];
begin
  select
    coalesce(array_agg(late.user_id) filter (where not late.goes_on), '{}'),
    coalesce(array_agg(late.since) filter (where not late.goes_on), '{}'),
    coalesce(array_agg(late.user_id) filter (where late.goes_on and late.is_known), '{}')
  into reopened, reopened_since, known
  from (
    select
      changed.user_id, changed.since, touched.is_known,
      exists (
        select from recsys_engine.latest_user_stats
        where latest_user_stats.user_id = changed.user_id and latest_user_stats.last_active_at < changed.since
        offset 0
      ) as goes_on
    from unnest(p_users, p_since) as changed (user_id, since)
    left join (
      select each.user_id, bool_and(each.post_id is not null) as is_known
      from unnest(p_changed_users, p_changed_posts) as each (user_id, post_id)
      group by each.user_id
    ) as touched on touched.user_id = changed.user_id
  ) as late;

  delete from recsys_engine.user_stats
  where user_stats.ctid = any (array(
    select outdated.ctid
    from unnest(reopened, reopened_since) as late (user_id, since)
    cross join lateral (
      select user_stats.ctid from recsys_engine.user_stats where user_stats.user_id = late.user_id and user_stats.last_active_at >= late.since offset 0
    ) as outdated
  ));

  with late as (
    -- as for posts
    select late.user_id, case when before.last_active_at is null then '-infinity' else late.since end as since, before.*
    from unnest(p_users, p_since) as late (user_id, since)
    left join lateral (
      (
        select
          latest_user_stats.last_active_at, latest_user_stats.views, latest_user_stats.votes, latest_user_stats.comments, latest_user_stats.logins,
          latest_user_stats.recent, latest_user_stats.recent_logins, latest_user_stats.habit_log_age, latest_user_stats.habit_log_idle
        from recsys_engine.latest_user_stats
        where latest_user_stats.user_id = late.user_id and latest_user_stats.last_active_at < late.since
      )
      union all
      (
        select
          user_stats.last_active_at, user_stats.views, user_stats.votes, user_stats.comments, user_stats.logins,
          user_stats.recent, user_stats.recent_logins, user_stats.habit_log_age, user_stats.habit_log_idle
        from recsys_engine.user_stats
        where user_stats.user_id = late.user_id and user_stats.last_active_at < late.since
        order by user_stats.last_active_at desc, user_stats.sort_id desc, user_stats.event_id desc
        limit 1
      )
      limit 1
    ) as before on true
  ),
  pairs as (
    select touched.user_id, touched.post_id, min(touched.at) as since
    from unnest(p_changed_users, p_changed_posts, p_changed_at) as touched (user_id, post_id, at)
    where touched.user_id = any (known)
    group by touched.user_id, touched.post_id
  ),
  found as (
    select late.user_id, events.*
    from late
    cross join lateral (
      select user_events.event_id, user_events.sort_id, user_events.post_id, user_events.kind, user_events.created_at, user_events.in_burst
      from recsys_engine.user_events
      where user_events.user_id = late.user_id and user_events.created_at >= late.since
      offset 0
    ) as events
    where late.user_id <> all (known)
    union all
    select pairs.user_id, events.*
    from pairs
    cross join lateral (
      select user_events.event_id, user_events.sort_id, user_events.post_id, user_events.kind, user_events.created_at, user_events.in_burst
      from recsys_engine.user_events
      where user_events.user_id = pairs.user_id and user_events.post_id = pairs.post_id and user_events.created_at >= pairs.since
      offset 0
    ) as events
  ),
  numbered as (
    select
      found.*, posts.created_at as post_created_at, posts.author_id,
      row_number() over (partition by found.user_id, found.post_id, found.kind, found.in_burst order by found.created_at, found.sort_id) as number_of_kind
    from found
    -- one by one, so that a post that cannot be read fails its own users alone
    left join lateral (
      select source_posts.post_id, source_posts.author_id, source_posts.created_at
      from recsys.source_posts where source_posts.post_id = found.post_id
      offset 0
    ) as posts on true
    where found.kind = 'login' or posts.post_id is not null
  ),
  -- each is asked once whether it counts, and of those read only the first of a kind, which alone can: to ask it of all took 18 s for 13,000 views of
  -- an own post, 41 s of another's, and four times as long for twice as many
  events as materialized (
    select
      numbered.*,
      -- counted interactions: the first of each kind with a post of another author
      numbered.kind <> 'login' and not numbered.in_burst and numbered.author_id is distinct from numbered.user_id and numbered.number_of_kind = 1 and not exists (
        select from recsys_engine.non_burst_interactions as earlier
        where earlier.user_id = numbered.user_id and earlier.post_id = numbered.post_id and earlier.kind = numbered.kind
          and earlier.created_at <= numbered.created_at and (earlier.created_at < numbered.created_at or earlier.interaction_id < numbered.sort_id)
      ) as is_interaction
    from numbered
  ),
  history as (
    -- how old and how idle each post was when this person came (in double precision: ln(numeric) took a fifth of the roll-up)
    select
      events.*,
      ln(1 + greatest(0, extract(epoch from events.created_at - events.post_created_at)::double precision) / 3600) as log_age,
      ln(1 + greatest(0, extract(epoch from events.created_at - coalesce(before.last_active_at, thinned.last_active_at, events.post_created_at))::double precision) / 3600) as log_idle
    from events
    left join lateral (
      select post_stats.last_active_at
      from recsys_engine.post_stats
      where events.is_interaction and post_stats.post_id = events.post_id
        and (post_stats.last_active_at, post_stats.interaction_id) < (events.created_at, events.sort_id)
      order by post_stats.last_active_at desc, post_stats.interaction_id desc
      limit 1
    ) as before on true
    left join lateral (
      -- as in recsys_engine.reconstruct_state(), which a bulk of rows cannot wait for
      select counted.last_active_at
      from (select where events.is_interaction and before.last_active_at is null and events.created_at < thinned_before offset 0) as asked
      cross join lateral recsys_engine.state_before_interaction(events.post_id, events.author_id, events.created_at, events.sort_id) as counted
    ) as thinned on true
  ),
  series as (
    select
      history.user_id,
      array_agg(history.created_at order by history.created_at, history.sort_id, history.event_id) as at,
      array_agg(history.event_id order by history.created_at, history.sort_id, history.event_id) as event_ids,
      array_agg(history.sort_id order by history.created_at, history.sort_id, history.event_id) as sort_ids,
      array_agg(history.kind order by history.created_at, history.sort_id, history.event_id) as kinds,
      array_agg(history.is_interaction order by history.created_at, history.sort_id, history.event_id) as is_interaction,
      array_agg(history.kind = 'login' order by history.created_at, history.sort_id, history.event_id) as is_login,
      array_agg(history.log_age order by history.created_at, history.sort_id, history.event_id) as log_ages,
      array_agg(history.log_idle order by history.created_at, history.sort_id, history.event_id) as log_idles
    from history
    group by history.user_id
  ),
  changes as (
    select
      late.user_id, late.views as views_before, late.votes as votes_before, late.comments as comments_before, late.logins as logins_before,
      late.habit_log_age, late.habit_log_idle, coalesce(late.views + late.votes + late.comments, 0) as interactions_before,
      events.*,
      count(*) filter (where events.kind = 'view' and events.is_interaction) over so_far as views,
      count(*) filter (where events.kind = 'vote' and events.is_interaction) over so_far as votes,
      count(*) filter (where events.kind = 'comment' and events.is_interaction) over so_far as comments,
      count(*) filter (where events.kind = 'login') over so_far as logins,
      count(*) filter (where events.is_interaction) over so_far as interactions,
      coalesce(sum(events.log_age) filter (where events.is_interaction) over so_far, 0) as log_ages,
      coalesce(sum(events.log_idle) filter (where events.is_interaction) over so_far, 0) as log_idles
    from series
    join late on late.user_id = series.user_id
    cross join lateral rows from (
      unnest(series.at, series.event_ids, series.sort_ids, series.kinds, series.is_interaction, series.log_ages, series.log_idles),
      recsys_engine.decayed_counts(series.at, series.is_interaction, late.last_active_at, late.recent),
      recsys_engine.decayed_counts(series.at, series.is_login, late.last_active_at, late.recent_logins)
    ) as events (created_at, event_id, sort_id, kind, is_interaction, log_age, log_idle, number, counts, login_number, login_counts)
    window so_far as (partition by late.user_id order by events.number rows unbounded preceding)
  )
  insert into recsys_engine.user_stats (user_id, last_active_at, event_id, sort_id, views, votes, comments, logins, recent, recent_logins, habit_log_age, habit_log_idle)
  select
    user_id, created_at, event_id, sort_id,
    coalesce(views_before, 0) + views, coalesce(votes_before, 0) + votes, coalesce(comments_before, 0) + comments, coalesce(logins_before, 0) + logins,
    counts, login_counts,
    -- the means go on from those before; null: there is no interaction yet
    (coalesce(habit_log_age, 0) * interactions_before + log_ages) / nullif(interactions_before + interactions, 0),
    (coalesce(habit_log_idle, 0) * interactions_before + log_idles) / nullif(interactions_before + interactions, 0)
  from changes
  -- an event of another user that comes later in the order
  on conflict (event_id) do update set
    user_id = excluded.user_id, last_active_at = excluded.last_active_at, sort_id = excluded.sort_id,
    views = excluded.views, votes = excluded.votes, comments = excluded.comments, logins = excluded.logins, recent = excluded.recent,
    recent_logins = excluded.recent_logins, habit_log_age = excluded.habit_log_age, habit_log_idle = excluded.habit_log_idle;
  get diagnostics written = row_count;

  delete from recsys_engine.latest_user_stats
  where latest_user_stats.user_id = any (reopened)
    and not exists (select from recsys_engine.user_stats where user_stats.user_id = latest_user_stats.user_id offset 0);

  insert into recsys_engine.latest_user_stats (user_id, last_active_at, views, votes, comments, logins, recent, recent_logins, habit_log_age, habit_log_idle)
  select late.user_id, latest.*
  from unnest(p_users) as late (user_id)
  cross join lateral (
    select
      user_stats.last_active_at, user_stats.views, user_stats.votes, user_stats.comments, user_stats.logins,
      user_stats.recent, user_stats.recent_logins, user_stats.habit_log_age, user_stats.habit_log_idle
    from recsys_engine.user_stats
    where user_stats.user_id = late.user_id
    order by user_stats.last_active_at desc, user_stats.sort_id desc, user_stats.event_id desc
    limit 1
  ) as latest
  on conflict (user_id) do update set
    last_active_at = excluded.last_active_at, views = excluded.views, votes = excluded.votes, comments = excluded.comments,
    logins = excluded.logins, recent = excluded.recent, recent_logins = excluded.recent_logins,
    habit_log_age = excluded.habit_log_age, habit_log_idle = excluded.habit_log_idle;
  return written;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.refresh_user_affinities(p_users uuid[], p_since timestamp with time zone[])
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  instant constant timestamptz := recsys.clock();
  due uuid[];
  written bigint;
begin
  -- A feed counts a few itself: counting all of them here with each action would read a user's past hundreds of
  -- times. So they are counted when a counted action changed, and else when a tenth came since, 20 at least.
  due := array(
    select changed.user_id
    from unnest(p_users, p_since) as changed (user_id, since)
    left join recsys_engine.user_affinities as kept on kept.user_id = changed.user_id
    where changed.since <= kept.until or 0 = (
      select greatest(20, kept.acts / 10) - count(*)
      from (
        select from recsys.source_interactions
        where source_interactions.user_id = changed.user_id and source_interactions.created_at <= instant
          and source_interactions.created_at > coalesce(kept.until, '-infinity')
        limit greatest(20, kept.acts / 10)
      ) as since
    )
  );

  with latest as materialized (
    select people.user_id, acts.post_id, acts.created_at, posts.author_id
    from unnest(due) as people (user_id)
    cross join lateral (
      select source_interactions.post_id, source_interactions.created_at
      from recsys.source_interactions
      where source_interactions.user_id = people.user_id and source_interactions.created_at <= instant
      order by source_interactions.created_at desc, source_interactions.interaction_id desc
      limit 10000
    ) as acts
    left join lateral (
      select source_posts.author_id from recsys.source_posts where source_posts.post_id = acts.post_id offset 0
    ) as posts on true
  ),
  counted as (
    select
      latest.user_id, latest.author_id, count(*)::integer as affinity,
      row_number() over (partition by latest.user_id order by count(*) desc, latest.author_id) as place
    from latest
    where latest.author_id <> latest.user_id
    group by latest.user_id, latest.author_id
  ),
  listed as (
    select counted.user_id, array_agg(counted.author_id order by counted.place) as authors, array_agg(counted.affinity order by counted.place) as affinities
    from counted
    where counted.place <= 1000
    group by counted.user_id
  )
  insert into recsys_engine.user_affinities as kept (user_id, until, acts, authors, affinities, post_ids)
  select totals.user_id, totals.until, totals.acts, coalesce(listed.authors, '{}'), coalesce(listed.affinities, '{}'), totals.post_ids
  from (
    select
      latest.user_id, max(latest.created_at) as until, count(*)::integer as acts,
      -- half of what a feed reads: the other half may come before they are counted again
      case when count(*) > 1000 then array_agg(distinct latest.post_id) filter (where latest.author_id is distinct from latest.user_id) end as post_ids
    from latest
    group by latest.user_id
  ) as totals
  left join listed on listed.user_id = totals.user_id
  on conflict (user_id) do update
  set until = excluded.until, acts = excluded.acts, authors = excluded.authors, affinities = excluded.affinities, post_ids = excluded.post_ids;
  get diagnostics written = row_count;

  if written < cardinality(due) then
    -- who did nothing any more
    delete from recsys_engine.user_affinities
    where user_affinities.user_id = any (due) and not exists (
      select from recsys.source_interactions
      where source_interactions.user_id = user_affinities.user_id and source_interactions.created_at <= instant
      offset 0
    );
  end if;
  return written;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.update_exploration_stats(p_users uuid[] DEFAULT '{}'::uuid[], p_posts uuid[] DEFAULT '{}'::uuid[])
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  counted bigint;
begin
  -- one at a time; within a roll-up it has this lock already
  perform recsys_engine.take_lock('roll_up');
  -- An impression and an act are committed in any order. Whichever a count sees last finds the other: a new impression looks for acts
  -- that are there already, and a new act for impressions that were counted.
  with shown_since as (
    update recsys_engine.exploration_impressions as shown
    set acted = exists (
      select from recsys.source_interactions as interactions
      where interactions.user_id = shown.user_id and interactions.post_id = shown.post_id
        and interactions.created_at >= shown.shown_at and interactions.created_at <= shown.shown_at + interval '1 hour'
      -- a look-up by user for each, whatever the planner expects
      offset 0
    )
    where shown.acted is null
    returning shown.post_id, 1 as impressions, shown.acted::int as acted
  ),
  acted_since as (
    update recsys_engine.exploration_impressions as shown set acted = true
    from (select distinct each.user_id, each.post_id from unnest(p_users, p_posts) as each (user_id, post_id)) as acts
    where shown.post_id = acts.post_id and shown.user_id = acts.user_id and not shown.acted and exists (
      select from recsys.source_interactions as interactions
      where interactions.user_id = shown.user_id and interactions.post_id = shown.post_id
        and interactions.created_at >= shown.shown_at and interactions.created_at <= shown.shown_at + interval '1 hour'
      offset 0
    )
    returning shown.post_id, 0 as impressions, 1 as acted
  )
  insert into recsys_engine.exploration_stats as known (post_id, created_at, impressions, acted)
  select since.post_id, posts.created_at, sum(since.impressions), sum(since.acted)
  from (select * from shown_since union all select * from acted_since) as since
  join recsys.source_posts as posts on posts.post_id = since.post_id
  group by since.post_id, posts.created_at
  on conflict (post_id) do update
  set created_at = excluded.created_at, impressions = known.impressions + excluded.impressions, acted = known.acted + excluded.acted;
  get diagnostics counted = row_count;
  return counted;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.purge_exploration_stats()
 RETURNS bigint
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  -- no roll-up counts meanwhile
  select recsys_engine.take_lock('roll_up');
  -- erased users are in no count any more
  update recsys_engine.exploration_stats set impressions = shown.impressions, acted = shown.acted
  from (
    select exploration_stats.post_id, count(shown.acted) as impressions, count(*) filter (where shown.acted) as acted
    from recsys_engine.exploration_stats left join recsys_engine.exploration_impressions as shown on shown.post_id = exploration_stats.post_id
    group by exploration_stats.post_id
  ) as shown
  where shown.post_id = exploration_stats.post_id and (shown.impressions, shown.acted) <> (exploration_stats.impressions, exploration_stats.acted);
  with gone as (
    delete from recsys_engine.exploration_impressions as shown
    where shown.shown_at <= recsys.clock() - recsys_engine.exploration_max_age() * 2
      or exists (select from recsys_engine.exploration_stats where exploration_stats.post_id = shown.post_id and exploration_stats.created_at <= recsys.clock() - recsys_engine.exploration_max_age())
  ),
  ended as (
    delete from recsys_engine.exploration_stats where exploration_stats.created_at <= recsys.clock() - recsys_engine.exploration_max_age() or exploration_stats.impressions = 0 returning 1
  )
  select count(*) from ended
$function$;

drop function recsys_engine.count_states_since(text,uuid,timestamp with time zone,integer);

CREATE OR REPLACE FUNCTION recsys_engine.count_states_since(p_kind text, p_id uuid, p_since timestamp with time zone, p_limit integer)
 RETURNS integer
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  if p_kind = 'post' then
    return greatest(
      (select count(*)::integer from (
        select from recsys_engine.post_stats where post_stats.post_id = p_id and post_stats.last_active_at >= p_since limit p_limit
      ) as stored),
      -- no state before: all there is is worked out
      (select count(*)::integer from (
        select from recsys.source_interactions
        where source_interactions.post_id = p_id
          and not exists (select from recsys_engine.post_stats as earlier where earlier.post_id = p_id and earlier.last_active_at < p_since)
        limit p_limit
      ) as events)
    );
  end if;
  return greatest(
    (select count(*)::integer from (
      select from recsys_engine.user_stats where user_stats.user_id = p_id and user_stats.last_active_at >= p_since limit p_limit
    ) as stored),
    (select count(*)::integer from (
      select from recsys_engine.user_events
      where user_events.user_id = p_id
        and not exists (select from recsys_engine.user_stats as earlier where earlier.user_id = p_id and earlier.last_active_at < p_since)
      limit p_limit
    ) as events)
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.defer_recompute(p_users uuid[], p_since timestamp with time zone[], p_rewrites integer[])
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  insert into recsys_engine.deferred_changes as waiting (user_id, at, of_user)
  select later.user_id, min(later.since), max(later.rewrites) from unnest(p_users, p_since, p_rewrites) as later (user_id, since, rewrites) group by later.user_id
  on conflict (user_id) where post_id is null do update
  set at = least(waiting.at, excluded.at), of_user = greatest(waiting.of_user, excluded.of_user)
$function$;

drop function recsys_engine.dequeue_changes(bigint,integer,integer);

CREATE OR REPLACE FUNCTION recsys_engine.dequeue_changes(p_limit bigint, p_rewrites integer, p_horizon integer)
 RETURNS TABLE(user_id uuid, post_id uuid, at timestamp with time zone)
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  -- further ones are not counted
  most constant integer := coalesce(p_horizon, 1000000) + 1;
  users uuid[];
  posts uuid[];
  instants timestamptz[];
  queued timestamptz[];
begin
  with taken as (
    delete from recsys_engine.feature_changes
    where change_id <= (select max(change_id) from (select change_id from recsys_engine.feature_changes order by change_id limit p_limit) as oldest)
    returning feature_changes.user_id, feature_changes.post_id, feature_changes.at, feature_changes.queued_at
  )
  select array_agg(taken.user_id), array_agg(taken.post_id), array_agg(taken.at), array_agg(taken.queued_at)
  into users, posts, instants, queued
  from taken;
  if p_rewrites is null then
    return query
    with late as (delete from recsys_engine.deferred_changes returning deferred_changes.user_id, deferred_changes.post_id, deferred_changes.at)
    select * from unnest(users, posts, instants) union all select * from late;
    return;
  end if;

  -- of posts and users that have a state at that instant or later, how many; nearly all have none
  with changes as materialized (
    select each.* from unnest(users, posts, instants, queued) as each (user_id, post_id, at, queued_at)
  ),
  late as materialized (
    select each.kind, each.id, max(each.last_active_at) as last_active_at, bool_or(each.is_stuck) as is_stuck,
      case when bool_or(each.is_stuck) then most else recsys_engine.count_states_since(each.kind, each.id, min(each.at), most) end as number
    from (
      -- one that reached the limit alone is for the night
      select 'post' as kind, changes.post_id as id, changes.at, latest.last_active_at, stuck.post_id is not null as is_stuck
      from changes
      left join recsys_engine.latest_post_stats as latest on latest.post_id = changes.post_id
      left join recsys_engine.failed_feature_changes as stuck on stuck.post_id = changes.post_id and stuck.error_code = '57014'
      union all
      select 'user', changes.user_id, changes.at, latest.last_active_at, stuck.user_id is not null
      from changes
      left join recsys_engine.latest_user_stats as latest on latest.user_id = changes.user_id
      left join recsys_engine.failed_feature_changes as stuck on stuck.user_id = changes.user_id and stuck.error_code = '57014'
    ) as each
    where each.id is not null and (each.last_active_at >= each.at or each.last_active_at is null and each.at = '-infinity' or each.is_stuck)
    group by each.kind, each.id
  ),
  judged as materialized (
    select changes.*, coalesce(of_posts.number, 0) as of_post, coalesce(of_users.number, 0) as of_user
    from changes
    left join late as of_posts
      on of_posts.kind = 'post' and of_posts.id = changes.post_id and (of_posts.is_stuck or changes.at <= coalesce(of_posts.last_active_at, '-infinity'))
    left join late as of_users
      on of_users.kind = 'user' and of_users.id = changes.user_id and (of_users.is_stuck or changes.at <= coalesce(of_users.last_active_at, '-infinity'))
  ),
  put_off as (
    insert into recsys_engine.deferred_changes as waiting (user_id, post_id, at, of_post, of_user, queued_at)
    select judged.user_id, judged.post_id, min(judged.at), max(judged.of_post), max(judged.of_user), min(judged.queued_at)
    from judged
    where judged.of_post + judged.of_user > 0
    group by judged.user_id, judged.post_id, case when judged.post_id is not null then judged.at end
    on conflict (user_id) where post_id is null do update
    set at = least(waiting.at, excluded.at), of_user = greatest(waiting.of_user, excluded.of_user)
  )
  select array_agg(judged.user_id), array_agg(judged.post_id), array_agg(judged.at)
  into users, posts, instants
  from judged
  where judged.of_post + judged.of_user = 0;

  return query
  with waiting as (
    select deferred_changes.*, deferred_changes.ctid as at_place, row_number() over (order by (deferred_changes.post_id is null), deferred_changes.rewrites, deferred_changes.post_id, deferred_changes.late_change_id) as place
    from recsys_engine.deferred_changes
    -- posts first, since their users' states wait for them anyway, and the changes of one together
    where p_rewrites > 0 and (p_horizon is null or deferred_changes.rewrites <= p_horizon)
    order by (deferred_changes.post_id is null), deferred_changes.rewrites, deferred_changes.post_id, deferred_changes.late_change_id
    limit p_limit
  ),
  -- several changes of one post or user have the same states worked out
  counted as (
    select waiting.at_place, waiting.place,
      case when row_number() over (partition by waiting.post_id order by waiting.place) = 1 or waiting.post_id is null then waiting.of_post else 0 end
        + case when row_number() over (partition by waiting.user_id order by waiting.place) = 1 or waiting.user_id is null then waiting.of_user else 0 end as number
    from waiting
  ),
  summed as (
    select counted.at_place, counted.place, sum(counted.number) over (order by counted.place) as so_far from counted
  ),
  late as (
    delete from recsys_engine.deferred_changes
    -- by their places: joined, each read all the others where the planner knows of none, and 25,000 of one erased account took over 100 s instead of 4.7
    where deferred_changes.ctid = any (array(select summed.at_place from summed where summed.so_far <= p_rewrites or summed.place = 1))
    returning deferred_changes.user_id, deferred_changes.post_id, deferred_changes.at
  )
  select * from unnest(users, posts, instants) union all select * from late;
end
$function$;

drop function recsys_engine.recompute_states(text,uuid[],timestamp with time zone[],uuid[],uuid[],timestamp with time zone[],boolean,timestamp with time zone);

CREATE OR REPLACE FUNCTION recsys_engine.recompute_states(p_kind text, p_ids uuid[], p_since timestamp with time zone[], p_changed_users uuid[], p_changed_posts uuid[], p_changed_at timestamp with time zone[], p_everybody boolean, p_until timestamp with time zone, OUT written bigint, OUT affected uuid[], OUT affected_since timestamp with time zone[], OUT revisited uuid[])
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  number_of_ids constant integer := cardinality(p_ids);
  part_size constant integer := greatest(1, (number_of_ids + 19) / 20);
  known uuid[];
  until timestamptz;
  failed_code text;
  failed_reason text;
  part record;
begin
  affected := '{}';
  affected_since := '{}';
  revisited := '{}';
  begin
    if p_kind = 'user' then
      written := recsys_engine.roll_up_users(p_ids, p_since, p_changed_users, p_changed_posts, p_changed_at);
      perform recsys_engine.refresh_user_affinities(p_ids, p_since);
    else
      select rolled_up.written, rolled_up.known into written, known
      from recsys_engine.roll_up_posts(p_ids, p_since, p_changed_users, p_changed_posts, p_changed_at) as rolled_up;
      select
        coalesce(array_agg(changes.user_id), '{}'), coalesce(array_agg(changes.since), '{}'),
        coalesce(array_agg(changes.user_id) filter (where changes.is_revisited), '{}')
      into affected, affected_since, revisited
      from (
        -- a post that changed itself: all users who interacted with it
        select later.user_id, min(later.created_at) as since, true as is_revisited
        from unnest(p_ids, p_since) as of_posts (post_id, since)
        cross join lateral (
          select found.user_id, found.created_at from recsys.source_interactions as found
          where found.post_id = of_posts.post_id and found.created_at >= of_posts.since
          offset 0
        ) as later
        where p_everybody or of_posts.since = '-infinity'
        group by later.user_id
        union all
        -- a changed interaction makes the post more or less idle for users who came at the same instant or next
        select next.user_id, next.last_active_at, false
        from (
          select touched.post_id, touched.at from unnest(p_changed_posts, p_changed_at) as touched (post_id, at)
          union all
          -- where a first one came or went, the same person's next of a kind counts no more, or counts now
          select touched.post_id, repeated.at
          from unnest(p_changed_users, p_changed_posts, p_changed_at) as touched (user_id, post_id, at)
          cross join unnest(array['view', 'vote', 'comment']) as kinds (kind)
          -- the next alone: to read all that come later took 6 s for 4,000 views of one person, and four times as long for twice as many
          cross join lateral (
            select repeats.created_at as at
            from recsys_engine.non_burst_interactions as repeats
            where repeats.user_id = touched.user_id and repeats.post_id = touched.post_id and repeats.kind = kinds.kind and repeats.created_at > touched.at
            order by repeats.created_at
            limit 1
          ) as repeated
          where not p_everybody and touched.post_id <> all (known)
        ) as changed
        cross join lateral (
          (
            select post_stats.user_id, post_stats.last_active_at
            from recsys_engine.post_stats
            where post_stats.post_id = changed.post_id and post_stats.last_active_at = changed.at
          )
          union all
          (
            select post_stats.user_id, post_stats.last_active_at
            from recsys_engine.post_stats
            where post_stats.post_id = changed.post_id and post_stats.last_active_at > changed.at
            order by post_stats.last_active_at, post_stats.interaction_id
            limit 1
          )
        ) as next
        -- the users of new interactions alone are worked out as it is
        where not p_everybody and changed.post_id = any (p_ids) and changed.post_id <> all (known)
      ) as changes;
    end if;
    return;
  -- faults of a row. A lock timeout, an end from outside, a missing table or right are no row's fault: they end the
  -- roll-up, and everything stays queued
  exception
    when cardinality_violation or data_exception or integrity_constraint_violation or external_routine_exception
      or external_routine_invocation_exception or with_check_option_violation or program_limit_exceeded or plpgsql_error
    then
      get stacked diagnostics failed_code = returned_sqlstate, failed_reason = message_text;
  end;

  written := 0::bigint;
  affected := '{}';
  affected_since := '{}';
  revisited := '{}';
  if number_of_ids = 1 then
    update recsys_engine.failed_feature_changes as known
    set at = least(known.at, p_since[1]), error_code = failed_code, reason = failed_reason, failures = known.failures + 1, last_failed_at = clock_timestamp()
    where case when p_kind = 'user' then known.user_id else known.post_id end = p_ids[1];
    if not found then
      insert into recsys_engine.failed_feature_changes (user_id, post_id, at, error_code, reason)
      -- of a post, all users who interacted with it are recomputed as well
      select case when p_kind = 'user' then p_ids[1] end, case when p_kind = 'post' then p_ids[1] end,
        case when p_kind = 'user' then p_since[1] else '-infinity' end, failed_code, failed_reason;
    end if;
    return;
  end if;
  -- a portion that failed is worked off in parts for so long, and the rest later: Supabase ends a statement after 2 minutes
  until := coalesce(p_until, clock_timestamp() + interval '20 seconds');
  for start in 1 .. number_of_ids by part_size loop
    if clock_timestamp() > until and start > 1 then
      insert into recsys_engine.feature_changes (user_id, post_id, at)
      select case when p_kind = 'user' then id end, case when p_kind = 'post' then id end, case when p_kind = 'user' then since else '-infinity' end
      from unnest(p_ids[start :], p_since[start :]) as rest (id, since);
      return;
    end if;
    select * into part
    from recsys_engine.recompute_states(p_kind, p_ids[start : start + part_size - 1], p_since[start : start + part_size - 1], p_changed_users, p_changed_posts, p_changed_at, p_everybody, until);
    written := written + part.written;
    affected := affected || part.affected;
    affected_since := affected_since || part.affected_since;
    revisited := revisited || part.revisited;
  end loop;
end
$function$;

drop function recsys_engine.roll_up_batch(bigint,integer,integer,integer);

CREATE OR REPLACE FUNCTION recsys_engine.roll_up_batch(p_limit bigint, p_late integer, p_rewrites integer, p_horizon integer, OUT taken bigint, OUT written bigint)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  -- beyond this many changes, all later users of a changed post are recomputed, instead of the next one only
  few constant integer := 50000;
  started constant timestamptz := clock_timestamp();
  until constant timestamptz := case when p_rewrites is null then 'infinity'::timestamptz end;
  posts uuid[];
  posts_since timestamptz[];
  users uuid[];
  users_since timestamptz[];
  -- each interaction or login that changed: its user, post and instant
  touched_by uuid[];
  touched uuid[];
  touched_at timestamptz[];
  -- who did something with which post while it may have been under trial
  acted_by uuid[];
  acted_on uuid[];
  affected uuid[] := array[]::uuid[];
  affected_since timestamptz[] := array[]::timestamptz[];
  revisited uuid[] := array[]::uuid[];
  more record;
  part record;
  done record;
  version_now bigint;
begin
  written := 0::bigint;
  -- what comes after this statement stays queued, even where the statements below see its effect already
  with taken as materialized (
    select * from recsys_engine.dequeue_changes(p_limit, p_late, p_horizon)
  )
  select counted.total, of_posts.ids, of_posts.since, of_users.ids, of_users.since, of_instants.user_ids, of_instants.post_ids, of_instants.at, acts.user_ids, acts.post_ids
  into taken, posts, posts_since, users, users_since, touched_by, touched, touched_at, acted_by, acted_on
  from
    (select count(*) as total from taken) as counted,
    (select coalesce(array_agg(post_id), '{}') as ids, coalesce(array_agg(since), '{}') as since
      from (select post_id, min(at) as since from taken where post_id is not null group by post_id) as each) as of_posts,
    (select coalesce(array_agg(user_id), '{}') as ids, coalesce(array_agg(since), '{}') as since
      from (select user_id, min(at) as since from taken where user_id is not null group by user_id) as each) as of_users,
    (select coalesce(array_agg(user_id), '{}') as user_ids, coalesce(array_agg(post_id), '{}') as post_ids, coalesce(array_agg(at), '{}') as at
      from (select user_id, post_id, at from taken where (select count(*) from taken) <= few group by user_id, post_id, at) as each) as of_instants,
    (select coalesce(array_agg(user_id), '{}') as user_ids, coalesce(array_agg(post_id), '{}') as post_ids
      from taken where num_nulls(user_id, post_id) = 0 and at > recsys.clock() - recsys_engine.exploration_max_age() * 2) as acts;

  begin
    perform recsys_engine.update_exploration_stats(acted_by, acted_on);
  exception when others then
    -- the feature store goes on without it
    raise warning 'the trials of new posts were not counted: % (%)', sqlerrm, sqlstate;
  end;
  if taken = 0 then
    return;
  end if;
  begin
    -- what no longer counts, or counts again, is as if it had changed
    select array_agg(each.user_id) as user_ids, array_agg(each.post_id) as post_ids, array_agg(each.at) as at
    into more from recsys_engine.refresh_bursts(touched_by, touched, touched_at) as each;
    if more.user_ids is not null then
      touched_by := touched_by || more.user_ids;
      touched := touched || more.post_ids;
      touched_at := touched_at || more.at;
      select array_agg(each.post_id), array_agg(each.since) into posts, posts_since
      from (select post_id, min(at) as since from unnest(posts || more.post_ids, posts_since || more.at) as changed (post_id, at) group by post_id) as each;
      select array_agg(each.user_id), array_agg(each.since) into users, users_since
      from (select user_id, min(at) as since from unnest(users || more.user_ids, users_since || more.at) as changed (user_id, at) group by user_id) as each;
    end if;
  exception when others then
    raise warning 'bursts were not looked for: % (%)', sqlerrm, sqlstate;
  end;
  begin
    perform recsys_engine.keep_author_readers(posts);
    perform recsys_engine.count_usual_newcomers();
  exception when others then
    raise warning 'who met new authors was not looked at: % (%)', sqlerrm, sqlstate;
  end;

  -- each that failed before is tried alone, so that it costs the others no second attempt
  for part in
    select array_agg(changed.post_id) as ids, array_agg(least(changed.since, failed.at)) as since
    from unnest(posts, posts_since) as changed (post_id, since)
    left join recsys_engine.failed_feature_changes as failed on failed.post_id = changed.post_id
    group by failed.post_id
  loop
    select * into done from recsys_engine.recompute_states('post', part.ids, part.since, touched_by, touched, touched_at, taken > few, until);
    written := written + done.written;
    affected := affected || done.affected;
    affected_since := affected_since || done.affected_since;
    revisited := revisited || done.revisited;
  end loop;
  -- other users who owe a state to one of these posts, as far as the rows go; users with more states wait
  with each as (
    select changed.user_id, min(changed.since) as since from unnest(affected, affected_since) as changed (user_id, since) group by changed.user_id
  ),
  judged as (
    select
      each.user_id, each.since,
      case when p_rewrites is null then 0 else recsys_engine.count_states_since('user', each.user_id, each.since, coalesce(p_horizon, 1000000) + 1) end as number
    from each
  ),
  summed as (
    select judged.*, sum(judged.number) over (order by judged.number, judged.user_id) as so_far from judged
  )
  select
    users || coalesce(array_agg(summed.user_id) filter (where p_rewrites is null or summed.so_far <= p_rewrites), '{}') as now,
    users_since || coalesce(array_agg(summed.since) filter (where p_rewrites is null or summed.so_far <= p_rewrites), '{}') as now_since,
    array_agg(summed.user_id) filter (where summed.so_far > p_rewrites) as later,
    array_agg(summed.since) filter (where summed.so_far > p_rewrites) as later_since,
    array_agg(summed.number) filter (where summed.so_far > p_rewrites) as later_number
  into part
  from summed;
  users := part.now;
  users_since := part.now_since;
  perform recsys_engine.defer_recompute(part.later, part.later_since, part.later_number);
  -- of these, everything is read that they did
  touched_by := touched_by || revisited;
  touched := touched || array_fill(null::uuid, array[cardinality(revisited)]);
  touched_at := touched_at || array_fill('-infinity'::timestamptz, array[cardinality(revisited)]);

  for part in
    select
      array_agg(changed.user_id) as ids, array_agg(least(changed.since, failed.at)) as since, failed.user_id is not null as has_failed
    from (
      select of_users.user_id, min(of_users.since) as since from unnest(users, users_since) as of_users (user_id, since) group by of_users.user_id
    ) as changed
    left join recsys_engine.failed_feature_changes as failed on failed.user_id = changed.user_id
    group by failed.user_id
  loop
    -- what one that failed did since then is no longer queued
    select * into done
    from recsys_engine.recompute_states('user', part.ids, part.since, case when part.has_failed then '{}' else touched_by end, touched, touched_at, false, until);
    written := written + done.written;
  end loop;

  perform recsys_engine.mark_idle(posts);

  delete from recsys_engine.failed_feature_changes
  where failed_feature_changes.last_failed_at < started and (failed_feature_changes.post_id = any (posts) or failed_feature_changes.user_id = any (users));
  -- also after a deletion, which writes nothing
  update recsys_engine.feature_store_version set version = feature_store_version.version + 1 returning feature_store_version.version into version_now;
  insert into recsys_engine.rolled_up_posts (version, post_ids)
  -- a deleted post is not shown, and its id is to be forgotten; when it exists again, it is rolled up again
  values (version_now, case when cardinality(posts) <= few then array(select source_posts.post_id from recsys.source_posts where source_posts.post_id = any (posts)) end);
  delete from recsys_engine.rolled_up_posts where rolled_up_posts.version <= version_now - 100;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.record_failed_change(p_user_id uuid, p_post_id uuid, p_at timestamp with time zone)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  insert into recsys_engine.failed_feature_changes as known (user_id, at, error_code, reason)
  select p_user_id, p_at, '57014', 'it reached the statement limit alone' where p_user_id is not null
  on conflict (user_id) do update
  set at = least(known.at, excluded.at), error_code = excluded.error_code, reason = excluded.reason, failures = known.failures + 1, last_failed_at = clock_timestamp();
  insert into recsys_engine.failed_feature_changes as known (post_id, at, error_code, reason)
  select p_post_id, p_at, '57014', 'it reached the statement limit alone' where p_post_id is not null
  on conflict (post_id) do update
  set at = least(known.at, excluded.at), error_code = excluded.error_code, reason = excluded.reason, failures = known.failures + 1, last_failed_at = clock_timestamp();
  -- above any horizon
  insert into recsys_engine.deferred_changes as waiting (user_id, post_id, at, of_post) values (p_user_id, p_post_id, p_at, 1000001)
  on conflict (user_id) where post_id is null do update set at = least(waiting.at, excluded.at), of_post = excluded.of_post
$function$;

CREATE OR REPLACE FUNCTION recsys.roll_up(p_most bigint DEFAULT 20000, p_rewrites integer DEFAULT 20000, p_horizon integer DEFAULT 10000)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  started constant timestamptz := clock_timestamp();
  -- a statement limit that was reached says so once, and then the statement may go on; an end from outside comes before it
  due constant timestamptz := statement_timestamp() + nullif(current_setting('statement_timeout')::interval, interval '0');
  most bigint := p_most;
  rewrites integer := p_rewrites;
  late integer;
  so_far bigint := 0::bigint;
  portion record;
  before double precision;
  is_first boolean;
begin
  -- one roll-up at a time; a second one waits, and then takes what came meanwhile
  perform recsys_engine.take_lock('roll_up');
  if current_setting('lock_timeout') = '0' then
    -- waiting for a lock tells nothing of the cost of a change; and a migration that waits for a table read here must get it before PostgreSQL
    -- detects a deadlock, after a second (deadlock_timeout)
    perform set_config('lock_timeout', '500ms', true);
  end if;
  if p_most is null or p_rewrites is null then
    select * into portion from recsys_engine.roll_up_batch(p_most, null, null, null);
    return portion.written;
  end if;
  select roll_up_budget.share into strict before from recsys_engine.roll_up_budget;
  most := greatest(1, floor(p_most * before)::bigint);
  rewrites := greatest(1, floor(p_rewrites * before)::integer);
  -- a single change takes the usual path, which can set it aside
  is_first := most > 1 and recsys_engine.begins_anew();
  for number in 1 .. 1000 loop
    begin
      -- what came late is taken once, and after that only what is new; and one change is one of either
      late := case when number = 1 and (most > 1 or not exists (select from recsys_engine.feature_changes)) then rewrites else 0 end;
      if is_first then
        select * into portion from recsys_engine.roll_up_anew(greatest(1, most / 80)::integer, greatest(1, most / 200)::integer);
      else
        select * into portion from recsys_engine.roll_up_batch(most, late, rewrites, p_horizon);
      end if;
    exception when query_canceled then
      if due is null or clock_timestamp() < due then
        raise;
      end if;
      if number > 1 then
        -- what was worked off before stays so
        return so_far;
      elsif most > 1 then
        -- it took no more than waits
        most := least(most, greatest(1, (select count(*) from (select from recsys_engine.feature_changes limit most) as waiting)));
        update recsys_engine.roll_up_budget set share = least(before, greatest(1, most) / p_most::double precision) / 2;
      else
        perform recsys_engine.record_failed_change(alone.user_id, alone.post_id, alone.at) from recsys_engine.dequeue_changes(1, late, p_horizon) as alone;
      end if;
      return so_far;
    end;
    so_far := so_far + portion.written;
    exit when portion.taken < case when is_first then 1 else most end or clock_timestamp() > least(started + interval '2 seconds', started + (due - started) / 4);
  end loop;
  update recsys_engine.roll_up_budget set share = least(1, before * 2) where share < 1;
  return so_far;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.post_stats_from_scratch()
 RETURNS SETOF recsys_engine.post_stats
 LANGUAGE sql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
AS $function$
  with history as (
    select
      counted.*,
      row_number() over (partition by counted.post_id order by counted.created_at, counted.interaction_id) as number,
      row_number() over (partition by counted.post_id, counted.user_id order by counted.created_at, counted.interaction_id) = 1 as is_first
    from recsys_engine.counted_interactions() as counted
  ),
  decayed as (
    select series.post_id, events.number, events.counts
    from (
      select history.post_id, array_agg(history.created_at order by history.number) as at, array_agg(history.is_first order by history.number) as is_counted
      from history group by history.post_id
    ) as series
    cross join lateral recsys_engine.decayed_counts(series.at, series.is_counted) as events
  )
  select
    post_id, created_at, interaction_id, user_id, kind,
    (count(*) filter (where kind = 'view') over so_far)::integer,
    (count(*) filter (where kind = 'vote') over so_far)::integer,
    (count(*) filter (where kind = 'comment') over so_far)::integer,
    (count(*) filter (where is_first) over so_far)::integer,
    max(created_at) filter (where kind = 'comment') over so_far,
    is_first, decayed.counts,
    ln(greatest(decayed.counts[4], 1e-30)) / ln(2::double precision) + extract(epoch from created_at)::double precision / 3600 / (recsys_engine.half_lives())[4]
  from history join decayed using (post_id, number)
  window so_far as (partition by post_id order by number rows unbounded preceding)
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.user_stats_from_scratch()
 RETURNS SETOF recsys_engine.user_stats
 LANGUAGE sql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
AS $function$
  with moments as (
    select
      counted.interaction_id,
      ln(1 + greatest(0, extract(epoch from counted.created_at - posts.created_at)::double precision) / 3600) as log_age,
      ln(1 + greatest(0, extract(epoch from counted.created_at - lag(counted.created_at, 1, posts.created_at) over (
        partition by counted.post_id order by counted.created_at, counted.interaction_id))::double precision) / 3600) as log_idle
    from recsys_engine.counted_interactions() as counted
    join recsys.source_posts as posts on posts.post_id = counted.post_id
  ),
  history as (
    select
      events.*, moments.log_age, moments.log_idle, moments.interaction_id is not null as is_interaction,
      row_number() over (partition by events.user_id order by events.created_at, events.sort_id, events.event_id) as number
    from recsys_engine.user_events as events
    left join moments on events.post_id is not null and moments.interaction_id = events.sort_id
    where events.kind = 'login' or exists (select from recsys.source_posts as posts where posts.post_id = events.post_id)
  ),
  decayed as (
    select series.user_id, events.number, events.counts, logins.counts as login_counts
    from (
      select
        history.user_id,
        array_agg(history.created_at order by history.number) as at,
        array_agg(history.is_interaction order by history.number) as is_interaction,
        array_agg(history.kind = 'login' order by history.number) as is_login
      from history group by history.user_id
    ) as series
    cross join lateral recsys_engine.decayed_counts(series.at, series.is_interaction) as events
    join lateral recsys_engine.decayed_counts(series.at, series.is_login) as logins using (number)
  )
  select
    user_id, created_at, event_id, sort_id,
    (count(*) filter (where kind = 'view' and is_interaction) over so_far)::integer,
    (count(*) filter (where kind = 'vote' and is_interaction) over so_far)::integer,
    (count(*) filter (where kind = 'comment' and is_interaction) over so_far)::integer,
    (count(*) filter (where kind = 'login') over so_far)::integer,
    decayed.counts, decayed.login_counts,
    avg(log_age) over so_far,
    avg(log_idle) over so_far
  from history join decayed using (user_id, number)
  window so_far as (partition by user_id order by number rows unbounded preceding)
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.feature_store_differences()
 RETURNS TABLE(stats text, event_id text, post_id uuid, user_id uuid, at timestamp with time zone, stored jsonb, expected jsonb)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
AS $function$
  with posts_from_scratch as materialized (select * from recsys_engine.post_stats_from_scratch()),
  users_from_scratch as materialized (select * from recsys_engine.user_stats_from_scratch())
  select
    'post_stats', coalesce(stored.interaction_id, expected.interaction_id)::text, coalesce(stored.post_id, expected.post_id),
    coalesce(stored.user_id, expected.user_id), coalesce(stored.last_active_at, expected.last_active_at), to_jsonb(stored), to_jsonb(expected)
  from recsys_engine.post_stats as stored
  full join posts_from_scratch as expected on expected.interaction_id = stored.interaction_id
  left join (
    select distinct on (post_stats.post_id) post_stats.post_id, post_stats.last_active_at, post_stats.interaction_id
    from recsys_engine.post_stats
    order by post_stats.post_id, post_stats.last_active_at, post_stats.interaction_id
  ) as earliest on earliest.post_id = expected.post_id
  where (stored.interaction_id is null and not coalesce(
      -- thinned: before the first state that is stored, which is before that instant too
      earliest.last_active_at < (select pruning_progress.thinned_before from recsys_engine.pruning_progress)
        and (expected.last_active_at, expected.interaction_id) < (earliest.last_active_at, earliest.interaction_id), false))
    or expected.interaction_id is null
    or stored.interaction_id is not null and (
      to_jsonb(stored) - '{recent,trend}'::text[] is distinct from to_jsonb(expected) - '{recent,trend}'::text[]
      or not recsys_engine.nearly_equal(stored.recent || stored.trend, expected.recent || expected.trend)
    )
  union all
  select
    'latest_post_stats', null, coalesce(stored.post_id, expected.post_id), null,
    coalesce(stored.last_active_at, expected.last_active_at), to_jsonb(stored), to_jsonb(expected)
  from recsys_engine.latest_post_stats as stored
  full join (
    select distinct on (post_id) * from posts_from_scratch
    order by post_id, last_active_at desc, interaction_id desc
  ) as expected on expected.post_id = stored.post_id
  where stored.post_id is null or expected.post_id is null
    or to_jsonb(stored) - '{recent,trend}'::text[] is distinct from to_jsonb(expected) - '{recent,trend}'::text[]
    or not recsys_engine.nearly_equal(stored.recent || stored.trend, expected.recent || expected.trend)
  union all
  select
    'user_stats', coalesce(stored.event_id, expected.event_id), null,
    coalesce(stored.user_id, expected.user_id), coalesce(stored.last_active_at, expected.last_active_at), to_jsonb(stored), to_jsonb(expected)
  from recsys_engine.user_stats as stored
  full join users_from_scratch as expected on expected.event_id = stored.event_id
  left join (
    select distinct on (user_stats.user_id) user_stats.user_id, user_stats.last_active_at, user_stats.sort_id, user_stats.event_id
    from recsys_engine.user_stats
    order by user_stats.user_id, user_stats.last_active_at, user_stats.sort_id, user_stats.event_id
  ) as earliest on earliest.user_id = expected.user_id
  where (stored.event_id is null and not coalesce(
      earliest.last_active_at < (select pruning_progress.thinned_before from recsys_engine.pruning_progress)
        and (expected.last_active_at, expected.sort_id, expected.event_id) < (earliest.last_active_at, earliest.sort_id, earliest.event_id), false))
    or expected.event_id is null
    or stored.event_id is not null and (
      (stored.user_id, stored.last_active_at, stored.sort_id, stored.views, stored.votes, stored.comments, stored.logins)
        is distinct from
        (expected.user_id, expected.last_active_at, expected.sort_id, expected.views, expected.votes, expected.comments, expected.logins)
      or not recsys_engine.nearly_equal(
        stored.recent || stored.recent_logins || stored.habit_log_age || stored.habit_log_idle,
        expected.recent || expected.recent_logins || expected.habit_log_age || expected.habit_log_idle)
    )
  union all
  select
    'latest_user_stats', null, null, coalesce(stored.user_id, expected.user_id),
    coalesce(stored.last_active_at, expected.last_active_at), to_jsonb(stored), to_jsonb(expected)
  from recsys_engine.latest_user_stats as stored
  full join (
    select distinct on (user_id) user_id, last_active_at, views, votes, comments, logins, recent, recent_logins, habit_log_age, habit_log_idle
    from users_from_scratch
    order by user_id, last_active_at desc, sort_id desc, event_id desc
  ) as expected on expected.user_id = stored.user_id
  where stored.user_id is null or expected.user_id is null
    or (stored.last_active_at, stored.views, stored.votes, stored.comments, stored.logins)
      is distinct from (expected.last_active_at, expected.views, expected.votes, expected.comments, expected.logins)
    or not recsys_engine.nearly_equal(
      stored.recent || stored.recent_logins || stored.habit_log_age || stored.habit_log_idle,
      expected.recent || expected.recent_logins || expected.habit_log_age || expected.habit_log_idle)
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.indexed_since()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$ select coalesce(recsys.clock() - make_interval(days => settings.index_window_days), '-infinity') from recsys.settings $function$;

CREATE OR REPLACE FUNCTION recsys_engine.idle_posts(p_post_ids uuid[])
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
  select posts.post_id
  from recsys.source_posts as posts
  left join recsys_engine.latest_post_stats as latest on latest.post_id = posts.post_id
  where posts.post_id = any (p_post_ids)
    and greatest(posts.created_at, latest.last_active_at) < (select recsys_engine.indexed_since())
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.mark_idle(p_post_ids uuid[])
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  idle uuid[];
  marked bigint := 0::bigint;
begin
  -- nearly everywhere: nothing is asked of the posts
  if cardinality(p_post_ids) > 0 and (recsys_engine.indexed_since() > '-infinity' or exists (select from recsys_engine.index_window where index_window.since > '-infinity')) then
    idle := array(select recsys_engine.idle_posts(p_post_ids));
    -- some are marked: where the setting is taken back, all are looked at
    update recsys_engine.index_window set since = '1900-01-01' where index_window.since = '-infinity' and idle <> '{}';
    update recsys.post_embeddings set is_unindexed = each.is_unindexed
    from (select named.post_id, nullif(named.post_id = any (idle), false) as is_unindexed from unnest(p_post_ids) as named (post_id)) as each
    where post_embeddings.post_id = each.post_id and post_embeddings.is_unindexed is distinct from each.is_unindexed;
    get diagnostics marked = row_count;
  end if;
  return marked;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.mark_model_idle(p_model_id bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
 SET jit TO 'off'
AS $function$
declare
  marked bigint := 0::bigint;
begin
  if recsys_engine.indexed_since() > '-infinity' then
    perform recsys_engine.take_lock('roll_up');
    execute format(
      'update recsys_engine.post_embeddings_%s as vectors set is_unindexed = each.is_unindexed
      from (
        select posts.post_id, nullif(greatest(posts.created_at, latest.last_active_at) < $1, false) as is_unindexed
        from recsys.source_posts as posts
        left join recsys_engine.latest_post_stats as latest on latest.post_id = posts.post_id
      ) as each
      where vectors.post_id = each.post_id and vectors.is_unindexed is distinct from each.is_unindexed', p_model_id)
    using recsys_engine.indexed_since();
    get diagnostics marked = row_count;
    update recsys_engine.index_window set since = '1900-01-01' where index_window.since = '-infinity';
  end if;
  return marked;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.advance_index_window(p_limit integer DEFAULT 20000)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  goal constant timestamptz := recsys_engine.indexed_since();
  since timestamptz;
  goes_to timestamptz;
  looked_at uuid[];
  marked bigint;
begin
  if p_limit is null or p_limit < 1 then
    raise exception 'the index window moves by at least one post, not %', coalesce(p_limit::text, 'null') using errcode = '22023';
  end if;
  perform recsys_engine.take_lock('roll_up');
  select index_window.since into strict since from recsys_engine.index_window;
  -- as far as p_limit posts lie, by the indexes that feeds read the newest and the active by; of equal instants all
  if goal > since then
    goes_to := least(
      goal,
      (select posts.created_at from recsys.source_posts as posts where posts.created_at >= since and posts.created_at < goal order by posts.created_at offset p_limit - 1 limit 1) + interval '1 microsecond',
      (select latest.last_active_at from recsys_engine.latest_post_stats as latest where latest.last_active_at >= since and latest.last_active_at < goal order by latest.last_active_at offset p_limit - 1 limit 1) + interval '1 microsecond'
    );
  elsif goal < since then
    goes_to := greatest(
      goal,
      (select posts.created_at from recsys.source_posts as posts where posts.created_at >= goal and posts.created_at < since order by posts.created_at desc offset p_limit - 1 limit 1),
      (select latest.last_active_at from recsys_engine.latest_post_stats as latest where latest.last_active_at >= goal and latest.last_active_at < since order by latest.last_active_at desc offset p_limit - 1 limit 1)
    );
  else
    return 0::bigint;
  end if;
  update recsys_engine.index_window set since = goes_to;
  if goes_to = '-infinity' then
    -- nothing asks any more which posts are idle
    update recsys.post_embeddings set is_unindexed = null where post_embeddings.is_unindexed;
    get diagnostics marked = row_count;
    return marked;
  end if;
  looked_at := array(
    select posts.post_id from recsys.source_posts as posts where posts.created_at >= least(since, goes_to) and posts.created_at < greatest(since, goes_to)
    union
    select latest.post_id from recsys_engine.latest_post_stats as latest where latest.last_active_at >= least(since, goes_to) and latest.last_active_at < greatest(since, goes_to)
  );
  perform recsys_engine.mark_idle(looked_at);
  return cardinality(looked_at)::bigint;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.gather_changes()
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  -- as in recsys_engine.roll_up_batch
  few constant integer := 50000;
  acts record;
begin
  perform recsys_engine.take_lock('roll_up');
  if exists (select from recsys_engine.user_stats) then
    delete from recsys_engine.feature_changes using (
      select changes.change_id, row_number() over (partition by changes.user_id, changes.post_id order by changes.change_id) as number
      from recsys_engine.feature_changes as changes
      where changes.at = '-infinity' and num_nulls(changes.user_id, changes.post_id) = 1
    ) as repeated
    where feature_changes.change_id = repeated.change_id and repeated.number > 1;
  else
    if not exists (select from recsys_engine.post_stats) then
      select array_agg(recent.user_id) as user_ids, array_agg(recent.post_id) as post_ids into acts
      from recsys_engine.feature_changes as recent
      where num_nulls(recent.user_id, recent.post_id) = 0 and recent.at > recsys.clock() - recsys_engine.exploration_max_age() * 2;
      perform recsys_engine.update_exploration_stats(acts.user_ids, acts.post_ids);
      -- imports are no bursts; but a few changes record who acted when, as in any roll-up
      if (select count(*) from recsys_engine.feature_changes) <= few then
        perform recsys_engine.refresh_first_day_interactions(array_agg(changed.user_id), array_agg(changed.at))
        from (select distinct waiting.user_id, waiting.at from recsys_engine.feature_changes as waiting where waiting.user_id is not null) as changed;
      end if;
    end if;
    with gone as materialized (
      delete from recsys_engine.feature_changes returning feature_changes.post_id, feature_changes.at
    )
    insert into recsys_engine.feature_changes (post_id)
    -- posts with the latest interactions first: they include the popular ones
    select gone.post_id from gone where gone.post_id is not null group by gone.post_id order by max(gone.at) desc, gone.post_id;
    insert into recsys_engine.feature_changes (user_id)
    select people.user_id from recsys.source_users as people order by people.created_at, people.user_id;
  end if;
  return (select count(*) from recsys_engine.feature_changes as whole where whole.at = '-infinity' and num_nulls(whole.user_id, whole.post_id) = 1);
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.begins_anew()
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  -- fewer are worked out with all else that changed
  few constant integer := 1000;
  is_first constant boolean := not exists (select from recsys_engine.user_stats) and few < (
    select count(*) from (
      select from recsys_engine.feature_changes as whole where whole.at = '-infinity' and num_nulls(whole.user_id, whole.post_id) = 1 limit few + 1
    ) as waiting
  );
begin
  if is_first and not exists (select from recsys_engine.post_stats) then
    perform recsys_engine.gather_changes();
  end if;
  return is_first;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.roll_up_anew(p_posts integer DEFAULT 250, p_people integer DEFAULT 100, OUT taken bigint, OUT written bigint)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  started constant timestamptz := clock_timestamp();
  posts uuid[];
  people uuid[];
  done record;
  version_now bigint;
begin
  perform recsys_engine.take_lock('roll_up');
  with next as (
    select feature_changes.change_id from recsys_engine.feature_changes
    where feature_changes.user_id is null and feature_changes.at = '-infinity'
    order by feature_changes.change_id limit p_posts
  ),
  gone as (
    delete from recsys_engine.feature_changes using next where feature_changes.change_id = next.change_id returning feature_changes.post_id
  )
  select coalesce(array_agg(distinct gone.post_id), '{}') into posts from gone;
  if cardinality(posts) = 0 then
    with next as (
      select feature_changes.change_id from recsys_engine.feature_changes
      where feature_changes.post_id is null and feature_changes.at = '-infinity'
      order by feature_changes.user_id limit p_people
    ),
    gone as (
      delete from recsys_engine.feature_changes using next where feature_changes.change_id = next.change_id returning feature_changes.user_id
    )
    select coalesce(array_agg(distinct gone.user_id), '{}') into people from gone;
    taken := cardinality(people)::bigint;
    written := 0::bigint;
    if taken > 0 then
      select * into done from recsys_engine.recompute_states('user', people, array_fill('-infinity'::timestamptz, array[taken::integer]), '{}', '{}', '{}', false, null);
      written := done.written;
      delete from recsys_engine.failed_feature_changes where failed_feature_changes.last_failed_at < started and failed_feature_changes.user_id = any (people);
    end if;
    return;
  end if;
  taken := cardinality(posts)::bigint;
  perform recsys_engine.keep_author_readers(posts);
  perform recsys_engine.count_usual_newcomers();
  select * into done from recsys_engine.recompute_states('post', posts, array_fill('-infinity'::timestamptz, array[taken::integer]), '{}', '{}', '{}', false, null);
  written := done.written;
  -- people who interacted with these posts are recomputed once, after all posts
  insert into recsys_engine.feature_changes (user_id)
  select distinct affected.user_id from unnest(done.affected) as affected (user_id)
  where not exists (
    select from recsys_engine.feature_changes as waiting where waiting.user_id = affected.user_id and waiting.post_id is null and waiting.at = '-infinity'
  );
  perform recsys_engine.mark_idle(posts);
  delete from recsys_engine.failed_feature_changes where failed_feature_changes.last_failed_at < started and failed_feature_changes.post_id = any (posts);
  update recsys_engine.feature_store_version set version = feature_store_version.version + 1 returning feature_store_version.version into version_now;
  insert into recsys_engine.rolled_up_posts (version, post_ids) values (version_now, posts);
  delete from recsys_engine.rolled_up_posts where rolled_up_posts.version <= version_now - 100;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.index_tags(p_post_ids uuid[], p_is_new boolean DEFAULT false)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  select recsys_engine.list_posts(p_post_ids, p_is_new);
  with wanted as materialized (
    select distinct posts.post_id, left(lower(listed.tag), 100) as tag, posts.created_at
    from recsys.source_posts as posts
    cross join unnest(posts.tags) as listed (tag)
    where (p_post_ids is null or posts.post_id = any (p_post_ids)) and listed.tag is not null
      -- posts beyond an author's daily limit are not among the newest of their tags either
      and not exists (select from recsys_engine.listed_posts as waiting where waiting.post_id = posts.post_id and waiting.waits)
  ),
  gone as (
    delete from recsys_engine.post_tags
    where (p_post_ids is null or post_tags.post_id = any (p_post_ids))
      and not exists (select from wanted where wanted.post_id = post_tags.post_id and wanted.tag = post_tags.tag)
  )
  -- unchanged rows are not written again: each watch of a table of texts indexes all posts
  insert into recsys_engine.post_tags as known (post_id, tag, created_at)
  select wanted.post_id, wanted.tag, wanted.created_at from wanted
  where not exists (select from recsys_engine.post_tags as same where same.post_id = wanted.post_id and same.tag = wanted.tag and same.created_at = wanted.created_at)
  on conflict (post_id, tag) do update set created_at = excluded.created_at;
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.index_sound_tags(p_post_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  id uuid;
begin
  begin
    perform recsys_engine.index_tags(p_post_ids, true);
  exception when data_exception or raise_exception then
    -- a view that fails on a row must not end the app's own statement: the tags of that post are left out
    foreach id in array coalesce(p_post_ids, '{}') loop
      begin
        perform recsys_engine.index_tags(array[id], true);
      exception when data_exception or raise_exception then
        delete from recsys_engine.post_tags where post_tags.post_id = id;
        delete from recsys_engine.listed_posts where listed_posts.post_id = id;
      end;
    end loop;
  end;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.index_changed_tags()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- its columns were quoted by recsys.watch, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  ids uuid[];
begin
  if tg_op <> 'TRUNCATE' then
    execute format('select coalesce(array_agg(distinct %s), ''{}'') from (%s) as changed', tg_argv[0], recsys_engine.changed_rows(tg_op, tg_argv[1])) into ids;
  end if;
  perform recsys_engine.index_sound_tags(ids);
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.latest_interactions(p_user_id uuid, p_now timestamp with time zone)
 RETURNS recsys_engine.post_interaction[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  return array(
    select row(source_interactions.post_id, source_interactions.created_at, source_interactions.interaction_id)::recsys_engine.post_interaction
    from recsys.source_interactions
    where source_interactions.user_id = p_user_id and source_interactions.created_at <= p_now
    order by source_interactions.created_at desc, source_interactions.interaction_id desc
    limit 200
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.recent_interactions(p_user_id uuid, p_now timestamp with time zone, p_latest recsys_engine.post_interaction[] DEFAULT NULL::recsys_engine.post_interaction[])
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  return (
    with latest as (
      select listed.post_id, listed.at, listed.sort_id as interaction_id
      from unnest(coalesce(p_latest, recsys_engine.latest_interactions(p_user_id, p_now))) as listed
    ),
    earliest as (
      select distinct on (latest.post_id) latest.post_id, latest.at, latest.interaction_id
      from latest
      order by latest.post_id, latest.at, latest.interaction_id
    ),
    -- posts are looked up from the latest on until there are 50
    recent as materialized (
      select posts.title, posts.tags, posts.created_at, sorted.*
      from (select * from earliest order by earliest.at desc, earliest.interaction_id desc offset 0) as sorted
      cross join lateral (
        select coalesce(source_posts.title, '') as title, array_remove(coalesce(source_posts.tags, '{}'), null) as tags, source_posts.created_at
        from recsys.source_posts
        where source_posts.post_id = sorted.post_id and source_posts.author_id is distinct from p_user_id
        offset 0
      ) as posts
      order by sorted.at desc, sorted.interaction_id desc
      limit 50
    )
    select coalesce(json_agg(json_build_object(
      'post_id', recent.post_id,
      'title', recent.title,
      'tags', recent.tags,
      'at', 1000 * date_part('epoch', recent.at),
      'created_at', 1000 * date_part('epoch', recent.created_at),
      'last_active_at', 1000 * date_part('epoch', coalesce(before.last_active_at, thinned.last_active_at)),
      'comments', coalesce(before.comments, thinned.comments, 0)
    ) order by recent.at desc, recent.interaction_id desc), '[]')
    from recent
    left join lateral (
      select post_stats.last_active_at, post_stats.comments
      from recsys_engine.post_stats
      where post_stats.post_id = recent.post_id and (post_stats.last_active_at, post_stats.interaction_id) < (recent.at, recent.interaction_id)
      order by post_stats.last_active_at desc, post_stats.interaction_id desc
      limit 1
    ) as before on true
    left join lateral (
      -- asked in a row of its own, or the function would be called for each of the 50 first: 4 of 6 ms
      select state.last_active_at, state.comments
      from (select where before.last_active_at is null and recent.at < (select pruning_progress.thinned_before from recsys_engine.pruning_progress) offset 0) as asked
      cross join lateral recsys_engine.reconstruct_state(recent.post_id, recent.at, recent.interaction_id) as state
    ) as thinned on true
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.latest_follows(p_user_id uuid, p_kinds text[], p_now timestamp with time zone, p_limit integer DEFAULT 1000)
 RETURNS TABLE(target text, created_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
begin
  return query
  select latest.target, latest.created_at
  from unnest(p_kinds) as kinds (kind)
  -- two branches, or no index would have the order
  cross join lateral (
    (
      select source_follows.target, source_follows.created_at from recsys.source_follows
      where source_follows.user_id = p_user_id and source_follows.kind = kinds.kind and source_follows.created_at <= p_now
      order by source_follows.created_at desc limit p_limit
    )
    union all
    (
      select source_follows.target, null from recsys.source_follows
      where source_follows.user_id = p_user_id and source_follows.kind = kinds.kind and source_follows.created_at is null limit p_limit
    )
  ) as latest;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.followed_people(p_user_id uuid, p_now timestamp with time zone)
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  return array(
    select followed.user_id
    from (
      select latest.target::uuid as user_id, max(latest.created_at) as since
      from recsys_engine.latest_follows(p_user_id, '{person}', p_now) as latest
      where pg_input_is_valid(latest.target, 'uuid')
      group by latest.target::uuid
    ) as followed
    where followed.user_id <> p_user_id
    order by followed.since desc nulls last, followed.user_id
    limit 1000
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.followed_topics(p_user_id uuid, p_now timestamp with time zone)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  return array(
    select followed.topic
    from (
      select left(lower(chosen.topic), 100) as topic
      from (
        select latest.target as topic, latest.created_at from recsys_engine.latest_follows(p_user_id, '{topic,group}', p_now) as latest
        union all
        select wanted.topic, null from unnest(recsys_engine.topic_preferences(p_user_id, 'more')) as wanted (topic)
      ) as chosen
      group by left(lower(chosen.topic), 100)
      order by max(chosen.created_at) desc nulls last, left(lower(chosen.topic), 100) collate "C"
      limit 100
    ) as followed
    cross join lateral (
      select post_tags.created_at from recsys_engine.post_tags
      where post_tags.tag = followed.topic and post_tags.created_at <= p_now
      order by post_tags.created_at desc
      limit 1
    ) as last
    order by last.created_at desc, followed.topic collate "C"
    limit 10
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.load_reader_profile(p_user_id uuid, p_now timestamp with time zone)
 RETURNS recsys_engine.reader_profile
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  reader recsys_engine.reader_profile;
begin
  reader.at := p_now;
  reader.feed := 'personal';
  -- a visitor has no rights on what people prefer
  if p_user_id is not null then
    reader.feed := recsys_engine.feed_preference(p_user_id);
  end if;
  if p_user_id is null or reader.feed = 'impersonal' then
    -- who came this moment, and of whom nothing is known
    reader.created_at := p_now;
    return reader;
  end if;
  reader.user_id := p_user_id;
  select array_remove(coalesce(users.passions, '{}'), null), array_remove(coalesce(users.projects, '{}'), null), coalesce(users.bio, ''), users.created_at
  into reader.passions, reader.projects, reader.bio, reader.created_at
  from recsys.source_users as users
  where users.user_id = p_user_id;
  if found then
    reader.latest := recsys_engine.latest_interactions(p_user_id, p_now);
    reader.history := array(
      select row(history.post_id, history.at, history.sort_id)::recsys_engine.post_interaction from recsys_engine.user_history(p_user_id, p_now, reader.latest) as history
    );
    reader.follows := recsys_engine.followed_people(p_user_id, p_now);
  end if;
  return reader;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.keep_readable_interactions(p_reader recsys_engine.reader_profile)
 RETURNS recsys_engine.reader_profile
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  reader recsys_engine.reader_profile := p_reader;
  readable uuid[];
begin
  if reader.latest <> '{}' or reader.history <> '{}' then
    readable := array(
      select posts.post_id
      from (select each.post_id from unnest(reader.latest) as each union select each.post_id from unnest(reader.history) as each) as known
      cross join lateral (select source_posts.post_id from recsys.source_posts where source_posts.post_id = known.post_id offset 0) as posts
    );
    reader.latest := array(select each from unnest(reader.latest) as each where each.post_id in (select unnest(readable)));
    reader.history := array(select each from unnest(reader.history) as each where each.post_id in (select unnest(readable)));
  end if;
  return reader;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.reader_context(p_reader recsys_engine.reader_profile, p_model_id bigint)
 RETURNS TABLE(passions text[], projects text[], bio text, created_at timestamp with time zone, id_embedding extensions.vector, history extensions.vector[], last_active_at timestamp with time zone, views integer, votes integer, comments integer, logins integer, recent double precision[], recent_logins double precision[], habit_log_age double precision, habit_log_idle double precision, follows integer, recent_interactions json, history_posts uuid[], followed extensions.vector, components extensions.vector, feed text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
begin
  if p_reader.created_at is null then
    return;
  end if;
  if p_reader.user_id is null then
    return query select
      '{}'::text[], '{}'::text[], '', p_reader.created_at, null::extensions.vector, '{}'::extensions.vector[], null::timestamptz, 0, 0, 0, 0,
      null::double precision[], null::double precision[], null::double precision, null::double precision, 0, '[]'::json, '{}'::uuid[],
      null::extensions.vector, null::extensions.vector, p_reader.feed;
    return;
  end if;
  return query
  select
    p_reader.passions, p_reader.projects, p_reader.bio, p_reader.created_at,
    user_embeddings.id_embedding,
    coalesce(embedded.vectors, '{}'),
    stats.last_active_at, stats.views, stats.votes, stats.comments, stats.logins, stats.recent, stats.recent_logins, stats.habit_log_age, stats.habit_log_idle,
    cardinality(p_reader.follows),
    recsys_engine.recent_interactions(p_reader.user_id, p_reader.at, p_reader.latest), coalesce(embedded.post_ids, '{}'),
    recsys_engine.followed_vector(p_reader.follows, p_model_id, p_reader.at), recsys_engine.user_components(p_reader.user_id, p_model_id), p_reader.feed
  from (
    select
      array_agg(post_embeddings.embedding order by history.at desc, history.sort_id desc) as vectors,
      array_agg(history.post_id order by history.at desc, history.sort_id desc) as post_ids
    from unnest(p_reader.history) as history
    join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = history.post_id
  ) as embedded
  left join recsys.user_embeddings on user_embeddings.model_id = p_model_id and user_embeddings.user_id = p_reader.user_id
  left join lateral (
    -- as of now the first of the two, one row of a small table
    (
      select
        latest_user_stats.last_active_at, latest_user_stats.views, latest_user_stats.votes, latest_user_stats.comments, latest_user_stats.logins,
        latest_user_stats.recent, latest_user_stats.recent_logins, latest_user_stats.habit_log_age, latest_user_stats.habit_log_idle
      from recsys_engine.latest_user_stats
      where latest_user_stats.user_id = p_reader.user_id and latest_user_stats.last_active_at <= p_reader.at
    )
    union all
    (
      select
        user_stats.last_active_at, user_stats.views, user_stats.votes, user_stats.comments, user_stats.logins,
        user_stats.recent, user_stats.recent_logins, user_stats.habit_log_age, user_stats.habit_log_idle
      from recsys_engine.user_stats
      where user_stats.user_id = p_reader.user_id and user_stats.last_active_at <= p_reader.at
      order by user_stats.last_active_at desc, user_stats.sort_id desc, user_stats.event_id desc
      limit 1
    )
    limit 1
  ) as stats on true;
end
$function$;

drop function recsys_engine.user_context(uuid,bigint,timestamp with time zone);

CREATE OR REPLACE FUNCTION recsys_engine.user_context(p_user_id uuid, p_model_id bigint, p_now timestamp with time zone)
 RETURNS TABLE(passions text[], projects text[], bio text, created_at timestamp with time zone, id_embedding extensions.vector, history extensions.vector[], last_active_at timestamp with time zone, views integer, votes integer, comments integer, logins integer, recent double precision[], recent_logins double precision[], habit_log_age double precision, habit_log_idle double precision, follows integer, recent_interactions json, history_posts uuid[], followed extensions.vector, components extensions.vector, feed text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  return query select * from recsys_engine.reader_context(recsys_engine.load_reader_profile(p_user_id, p_now), p_model_id);
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.feed_context(p_assigned jsonb)
 RETURNS TABLE(now timestamp with time zone, model_id bigint, model_name text, feature_spec_digest text, settings jsonb, assigned jsonb, feature_store bigint)
 LANGUAGE plpgsql
 STABLE ROWS 1
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
begin
  return query
  select
    recsys.clock(), serving.model_id, serving.name, serving.feature_spec_digest,
    to_jsonb(defaults) || coalesce(p_assigned -> 'settings', '{}') || jsonb_build_object('newcomer_share', recsys_engine.newcomer_share()),
    p_assigned - 'settings', feature_store_version.version
  from recsys_engine.feed_settings as defaults
  cross join recsys_engine.feature_store_version
  left join recsys.models as serving on serving.model_id = coalesce(
    (
      select wanted.model_id from recsys.models as wanted
      -- one that was rolled back was taken out for cause
      where wanted.model_id = (p_assigned ->> 'model_id')::bigint and wanted.status in ('ready', 'active', 'retired')
    ),
    (select active.model_id from recsys.models as active where active.status = 'active')
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.contains_any(p_text text, p_parts text[])
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
declare
  part text;
begin
  foreach part in array coalesce(p_parts, '{}'::text[]) loop
    if strpos(p_text, part) > 0 then
      return true;
    end if;
  end loop;
  return false;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.has_muted_word(p_text text, p_words text[], p_pattern text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
RETURN CASE WHEN recsys_engine.contains_any(p_text, p_words) THEN (p_text ~ p_pattern) ELSE false END;

CREATE OR REPLACE FUNCTION recsys_engine.muted_part(p_value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
RETURN CASE WHEN (p_value ~ '\S'::text) THEN lower("left"(p_value, 100)) ELSE NULL::text END;

CREATE OR REPLACE FUNCTION recsys_engine.matches_mute(p_kind text, p_value text, p_author_id uuid, p_title text, p_tags text[], p_description text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
RETURN (CASE p_kind WHEN 'person'::text THEN CASE WHEN pg_input_is_valid(p_value, 'uuid'::text) THEN ((p_value)::uuid = p_author_id) ELSE NULL::boolean END WHEN 'topic'::text THEN (lower("left"(p_value, 100)) = ANY ((lower((p_tags)::text))::text[])) WHEN 'word'::text THEN CASE WHEN (recsys_engine.muted_word(p_value) IS NOT NULL) THEN recsys_engine.has_muted_word(recsys_engine.text_for_mutes(p_title, p_tags), ARRAY[recsys_engine.muted_word(p_value)], recsys_engine.muted_pattern(ARRAY[recsys_engine.muted_word(p_value)])) ELSE NULL::boolean END WHEN 'title_contains'::text THEN (strpos(lower(p_title), recsys_engine.muted_part(p_value)) > 0) WHEN 'contains'::text THEN ((strpos(lower(p_title), recsys_engine.muted_part(p_value)) > 0) OR (strpos(lower(p_description), recsys_engine.muted_part(p_value)) > 0)) ELSE NULL::boolean END IS TRUE);

CREATE OR REPLACE FUNCTION recsys_engine.optional_head_labels(p_from timestamp with time zone, p_to timestamp with time zone)
 RETURNS TABLE(head text, request_id uuid, post_id uuid)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
AS $function$
  select acts.head, shown.request_id, shown.post_id
  from recsys_engine.optional_head_events as acts
  join recsys.impressions as shown on shown.user_id = acts.user_id and shown.post_id = acts.post_id
  where shown.shown_at >= p_from and shown.shown_at < p_to
    and acts.created_at > shown.shown_at and acts.created_at <= shown.shown_at + interval '1 day'
    -- says the same once more, for who looks for them by time
    and acts.created_at > p_from and acts.created_at < p_to + interval '1 day'
  union
  -- a bounded number of mutes and posts a person, one mute after the other, so that its expression is compiled once:
  -- all at once, 5,000 mutes of a person who was shown 20,000 posts that day took minutes
  select 'dismiss', shown.request_id, shown.post_id
  from (
    select distinct source_mutes.user_id from recsys.source_mutes
    where source_mutes.created_at > p_from and source_mutes.created_at < p_to + interval '1 hour'
  ) as people
  cross join lateral (
    select source_mutes.kind, source_mutes.value, source_mutes.created_at
    from recsys.source_mutes
    where source_mutes.user_id = people.user_id and source_mutes.created_at > p_from and source_mutes.created_at < p_to + interval '1 hour'
    order by source_mutes.created_at desc
    limit 20
  ) as mutes
  cross join lateral (
    select impressions.request_id, impressions.post_id
    from recsys.impressions
    where impressions.user_id = people.user_id
      and impressions.shown_at >= greatest(p_from, mutes.created_at - interval '1 hour') and impressions.shown_at < least(p_to, mutes.created_at)
    order by impressions.shown_at desc
    limit 1000
  ) as shown
  join recsys.source_posts as posts on posts.post_id = shown.post_id
  where recsys_engine.matches_mute(mutes.kind, mutes.value, posts.author_id, posts.title, posts.tags, posts.description)
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.mutes_only_request(p_user_id uuid, p_now timestamp with time zone)
 RETURNS recsys_engine.feed_request
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  request recsys_engine.feed_request;
begin
  perform recsys_engine.require_invoker_views();
  request.at := p_now;
  request.excluded := '{}';
  request.is_narrowed := false;
  request.withholds := exists (select from recsys.source_withheld);
  -- a visitor has no rights on what people muted, and need not have
  if p_user_id is null then
    return request;
  end if;
  select
    array_agg(muted.value::uuid) filter (where muted.kind = 'person' and pg_input_is_valid(muted.value, 'uuid')),
    array_agg(lower(left(muted.value, 100))) filter (where muted.kind = 'topic'),
    array_agg(recsys_engine.muted_word(muted.value)) filter (where muted.kind = 'word' and recsys_engine.muted_word(muted.value) is not null),
    array_agg(recsys_engine.muted_part(muted.value)) filter (where muted.kind in ('contains', 'title_contains') and recsys_engine.muted_part(muted.value) is not null),
    array_agg(recsys_engine.muted_part(muted.value)) filter (where muted.kind = 'contains' and recsys_engine.muted_part(muted.value) is not null)
  into request.muted_authors, request.muted_topics, request.muted_words, request.muted_titles, request.muted_descriptions
  from unnest(array['person', 'topic', 'word', 'contains', 'title_contains'], array[10000, 100, 100, 100, 100]) as kinds (kind, most)
  cross join lateral (
    select source_mutes.kind, source_mutes.value
    from recsys.source_mutes
    where source_mutes.user_id = p_user_id and source_mutes.kind = kinds.kind
    order by source_mutes.value
    limit kinds.most
  ) as muted;
  request.muted_pattern := recsys_engine.muted_pattern(request.muted_words);
  request.is_narrowed := request.muted_authors is not null or request.muted_topics is not null or request.muted_words is not null or request.muted_titles is not null;
  return request;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.feed_request(p_user_id uuid, p_now timestamp with time zone, p_filter jsonb DEFAULT NULL::jsonb, p_seed bigint DEFAULT NULL::bigint, p_served bigint[] DEFAULT NULL::bigint[])
 RETURNS recsys_engine.feed_request
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  request recsys_engine.feed_request := recsys_engine.mutes_only_request(p_user_id, p_now);
  kind text;
  kept record;
  dismissed record;
begin
  request.user_id := p_user_id;
  request.seed := p_seed;
  request.served := p_served;
  if p_user_id is not null then
    kind := recsys_engine.feed_preference(p_user_id);
  end if;
  if kind = 'personal' then
    -- what was counted after this instant says nothing of what was before it
    select user_affinities.until, user_affinities.authors, user_affinities.affinities, user_affinities.post_ids into kept
    from recsys_engine.user_affinities where user_affinities.user_id = p_user_id and user_affinities.until <= p_now;
    request.authors := kept.authors;
    request.affinities := kept.affinities;
    -- A feed reads no more of a user: with 200,000 views one took a connection for seconds. Earlier actions are
    -- known from the roll-up.
    with latest as materialized (
      select source_interactions.post_id, source_interactions.created_at
      from recsys.source_interactions
      where source_interactions.user_id = p_user_id and source_interactions.created_at <= p_now
      order by source_interactions.created_at desc, source_interactions.interaction_id desc
      limit 2000
    )
    select
      array(select latest.post_id from latest where (latest.created_at <= kept.until) is not true),
      -- a null among them, which another app's view may show, would leave out everything
      array_remove(array(
        select latest.post_id from latest
        union
        select unnest(kept.post_ids) where (select count(*) from latest) = 2000
        union
        select unnest(recsys_engine.seen_posts(p_user_id, p_now))
      ), null)
    into request.interacted, request.excluded;
    request.less := recsys_engine.topic_preferences(p_user_id, 'less');
    request.more := recsys_engine.topic_preferences(p_user_id, 'more');
  end if;
  if kind in ('personal', 'following') then
    -- the replay in trainer/data/replay/state.ts knows neither dismissals nor mutes nor what was seen: there such a post stays a
    -- candidate that was not chosen, which is what training should learn of it
    dismissed := recsys_engine.dismissed_posts(p_user_id, p_now);
    request.excluded := request.excluded || dismissed.post_ids;
    if kind = 'personal' then
      select unwanted.post_ids, unwanted.titles into request.originals, request.original_titles from recsys_engine.repost_originals(p_user_id, request.excluded, dismissed.lately) as unwanted;
    end if;
    if kind = 'personal' and dismissed.lately <> '{}' then
      request.dismissed := (
        select json_agg(json_build_object('author_id', posts.author_id, 'tags', array_remove(posts.tags, null), 'days', latest.days))
        from unnest(dismissed.lately[:50], dismissed.days[:50]) as latest (post_id, days)
        cross join lateral (select source_posts.author_id, source_posts.tags from recsys.source_posts where source_posts.post_id = latest.post_id offset 0) as posts
      );
    end if;
    request.follows := recsys_engine.followed_people(p_user_id, p_now);
    request.topics := recsys_engine.followed_topics(p_user_id, p_now);
  end if;
  if p_filter is not null then
    request := recsys_engine.with_filter(request, p_filter);
  end if;
  return request;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.eligible_posts(p_request recsys_engine.feed_request)
 RETURNS TABLE(post_id uuid, title text, tags text[], author_id uuid, created_at timestamp with time zone)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT posts.post_id,
     COALESCE(posts.title, ''::text) AS "coalesce",
     array_remove(COALESCE(posts.tags, '{}'::text[]), NULL::text) AS array_remove,
     posts.author_id,
     posts.created_at
    FROM recsys.source_posts posts
   WHERE ((posts.created_at <= (eligible_posts.p_request).at) AND ((posts.post_id = (eligible_posts.p_request).asked) OR (((posts.author_id = (eligible_posts.p_request).user_id) IS NOT TRUE) AND (NOT (posts.post_id IN ( SELECT unnest((eligible_posts.p_request).excluded) AS unnest))) AND (NOT (recsys_engine.served_key(posts.post_id, (eligible_posts.p_request).seed) IN ( SELECT unnest((eligible_posts.p_request).served) AS unnest))) AND ((NOT (eligible_posts.p_request).is_narrowed) OR (((NOT (posts.author_id IN ( SELECT unnest((eligible_posts.p_request).muted_authors) AS unnest))) IS NOT FALSE) AND (((eligible_posts.p_request).muted_topics IS NULL) OR (((lower((posts.tags)::text))::text[] && (eligible_posts.p_request).muted_topics) IS NOT TRUE)) AND (((eligible_posts.p_request).muted_words IS NULL) OR (recsys_engine.has_muted_word(recsys_engine.text_for_mutes(posts.title, posts.tags), (eligible_posts.p_request).muted_words, (eligible_posts.p_request).muted_pattern) IS NOT TRUE)) AND (((eligible_posts.p_request).filter.author_ids IS NULL) OR (posts.author_id = ANY ((eligible_posts.p_request).filter.author_ids))) AND (((eligible_posts.p_request).filter.max_age_days IS NULL) OR (posts.created_at >= ((eligible_posts.p_request).at - make_interval(days => (eligible_posts.p_request).filter.max_age_days)))) AND (((eligible_posts.p_request).filter.languages IS NULL) OR (posts.language = ANY ((eligible_posts.p_request).filter.languages))) AND (((eligible_posts.p_request).filter.tags IS NULL) OR ((lower((posts.tags)::text))::text[] && (eligible_posts.p_request).filter.tags)) AND (((eligible_posts.p_request).muted_titles IS NULL) OR (recsys_engine.contains_any(lower(posts.title), (eligible_posts.p_request).muted_titles) IS NOT TRUE)) AND (((eligible_posts.p_request).muted_descriptions IS NULL) OR (recsys_engine.contains_any(lower(posts.description), (eligible_posts.p_request).muted_descriptions) IS NOT TRUE)))) AND (((eligible_posts.p_request).withholds IS NOT TRUE) OR (posts.author_id = ANY ((eligible_posts.p_request).follows)) OR ((NOT (EXISTS ( SELECT
            FROM recsys.source_withheld withheld
           WHERE (withheld.post_id = posts.post_id)))) AND (NOT (EXISTS ( SELECT
            FROM recsys.source_withheld withheld
           WHERE (withheld.author_id = posts.author_id)))))))));
END;

drop function recsys_engine.has_enough_after_cap(recsys_engine.feed_request,recsys_engine.source_hit[],integer,integer,integer);

CREATE OR REPLACE FUNCTION recsys_engine.has_enough_after_cap(p_request recsys_engine.feed_request, p_hits recsys_engine.source_hit[], p_looked integer, p_limit integer, p_share integer)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
BEGIN ATOMIC
 SELECT ((p_limit IS NULL) OR (cardinality(p_hits) < p_looked) OR ((p_request).filter.author_ids IS NOT NULL) OR ( SELECT (sum(GREATEST(LEAST(each.number, (has_enough_after_cap.p_share)::bigint), each.unknown)) >= (has_enough_after_cap.p_limit)::numeric)
            FROM ( SELECT count(*) AS number,
                     count(*) FILTER (WHERE (found.author_id IS NULL)) AS unknown
                    FROM unnest(has_enough_after_cap.p_hits) found(post_id, author_id)
                   GROUP BY found.author_id) each));
END;

drop function recsys_engine.cap_per_author(recsys_engine.feed_request,recsys_engine.source_hit[],integer,integer);

CREATE OR REPLACE FUNCTION recsys_engine.cap_per_author(p_request recsys_engine.feed_request, p_hits recsys_engine.source_hit[], p_limit integer, p_share integer)
 RETURNS TABLE(post_id uuid, author_id uuid, rank bigint, place bigint)
 LANGUAGE sql
 IMMUTABLE
BEGIN ATOMIC
 SELECT shared.post_id,
     shared.author_id,
     row_number() OVER (ORDER BY shared.is_beyond, shared.place) AS row_number,
     shared.place
    FROM ( SELECT found.post_id,
             found.author_id,
             found.place,
             ((found.author_id IS NOT NULL) AND ((cap_per_author.p_request).filter.author_ids IS NULL) AND (row_number() OVER (PARTITION BY found.author_id ORDER BY found.place) > cap_per_author.p_share)) AS is_beyond
            FROM unnest(cap_per_author.p_hits) WITH ORDINALITY found(post_id, author_id, place)) shared
   ORDER BY shared.is_beyond, shared.place
  LIMIT cap_per_author.p_limit;
END;

CREATE OR REPLACE FUNCTION recsys_engine.with_affinities(p_request recsys_engine.feed_request)
 RETURNS recsys_engine.feed_request
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  request recsys_engine.feed_request := p_request;
begin
  -- a visitor has no follows; and mostly the kept ones are up to date
  if request.interacted <> '{}' then
    select array_agg(known.author_id order by known.affinity desc, known.author_id), array_agg(known.affinity order by known.affinity desc, known.author_id)
    into request.authors, request.affinities
    from (
      select each.author_id, sum(each.affinity)::integer as affinity
      from (
        select kept.author_id, kept.affinity from unnest(p_request.authors, p_request.affinities) as kept (author_id, affinity)
        union all
        -- their list, and not recsys.source_interactions once more: an app's views and policies may make one person's rows dear to read
        select posts.author_id, 1
        from unnest(p_request.interacted) as interactions (post_id)
        join recsys.source_posts as posts on posts.post_id = interactions.post_id
        where posts.author_id <> p_request.user_id
      ) as each
      group by each.author_id
    ) as known;
  end if;
  return request;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.with_followee_engagements(p_request recsys_engine.feed_request)
 RETURNS recsys_engine.feed_request
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  request recsys_engine.feed_request := p_request;
begin
  if request.follows <> '{}' then
    select
      array_agg(touched.post_id order by touched.people desc, touched.at desc, touched.post_id),
      array_agg(touched.people order by touched.people desc, touched.at desc, touched.post_id),
      array_agg(touched.named[1] order by touched.people desc, touched.at desc, touched.post_id),
      array_agg(touched.named[2] order by touched.people desc, touched.at desc, touched.post_id)
    into request.touched, request.touches, request.touchers, request.other_touchers
    from (
      select
        came.post_id, count(*)::integer as people, max(came.at) as at,
        array_agg(came.named order by came.at desc, came.named) filter (where came.named is not null) as named
      from (
        select acts.post_id, followed.user_id, named.user_id as named, max(acts.created_at) as at
        from unnest(request.follows[:100]) as followed (user_id)
        -- who has a profile that the caller may read, and is not muted
        left join lateral (
          select source_users.user_id from recsys.source_users
          where source_users.user_id = followed.user_id and (followed.user_id = any (request.muted_authors)) is not true
          offset 0
        ) as named on true
        cross join lateral (
          select source_interactions.post_id, source_interactions.created_at
          from recsys.source_interactions
          where source_interactions.user_id = followed.user_id and source_interactions.created_at <= request.at
          order by source_interactions.created_at desc, source_interactions.interaction_id desc
          limit 50
        ) as acts
        group by acts.post_id, followed.user_id, named.user_id
      ) as came
      group by came.post_id
    ) as touched;
  end if;
  return request;
end
$function$;

drop function recsys_engine.retrieve_followed(recsys_engine.feed_request,integer,integer);

CREATE OR REPLACE FUNCTION recsys_engine.retrieve_followed(p_request recsys_engine.feed_request, p_limit integer, p_share integer)
 RETURNS TABLE(post_id uuid, author_id uuid, rank bigint, place bigint)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  found recsys_engine.source_hit[];
  of_each integer;
begin
  -- of each the share, and only where that is too little, or there is a pool to choose from, more
  foreach of_each in array array[p_share, p_limit] loop
    found := array(
      select row(newest.post_id, newest.author_id)::recsys_engine.source_hit
      from (
        select posts.post_id, posts.author_id, posts.created_at, authors.is_habit
        from (
          (
            -- the newest posts of a thousand people are by those who wrote last
            select followed.author_id, false as is_habit
            from unnest(p_request.follows) as followed (author_id)
            cross join lateral (
              select eligible.created_at from recsys_engine.eligible_posts(p_request) as eligible
              where eligible.author_id = followed.author_id and p_request.pool is null
                and (p_request.readable is null or eligible.post_id in (select unnest(p_request.readable)))
              order by eligible.created_at desc
              limit 1
            ) as last
            order by last.created_at desc
            fetch first (coalesce(p_limit, 1000)) rows with ties
          )
          union all
          select habit.author_id, true from unnest(p_request.authors[:50]) as habit (author_id)
          where (habit.author_id <> all (p_request.follows)) is not false
        ) as authors
        cross join lateral (
          select eligible.post_id, eligible.author_id, eligible.created_at from recsys_engine.eligible_posts(p_request) as eligible
          where eligible.author_id = authors.author_id and p_request.pool is null
            and (p_request.readable is null or eligible.post_id in (select unnest(p_request.readable)))
          order by eligible.created_at desc, eligible.post_id
          limit of_each
        ) as posts
        union all
        select posts.post_id, posts.author_id, posts.created_at, (posts.author_id = any (p_request.follows)) is not true
        from unnest(p_request.pool) as posts
        where posts.author_id = any (p_request.authors[:50]) or posts.author_id = any (p_request.follows)
      ) as newest
      order by newest.is_habit, newest.created_at desc, newest.post_id
      limit 20 * p_limit
    );
    exit when p_request.pool is null and cardinality(found) >= p_limit;
  end loop;
  return query select * from recsys_engine.cap_per_author(p_request, found, p_limit, p_share);
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.topic_posts(p_request recsys_engine.feed_request, p_topic text, p_limit integer)
 RETURNS TABLE(post_id uuid, author_id uuid, created_at timestamp with time zone)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
( SELECT posts.post_id,
     posts.author_id,
     post_tags.created_at
    FROM (recsys_engine.post_tags
      CROSS JOIN LATERAL ( SELECT eligible.post_id,
             eligible.author_id
            FROM recsys_engine.eligible_posts(topic_posts.p_request) eligible(post_id, title, tags, author_id, created_at)
           WHERE (eligible.post_id = post_tags.post_id)
          OFFSET 0) posts)
   WHERE ((post_tags.tag = topic_posts.p_topic) AND (post_tags.created_at <= (topic_posts.p_request).at) AND ((topic_posts.p_request).pool IS NULL) AND (((topic_posts.p_request).readable IS NULL) OR (post_tags.post_id IN ( SELECT unnest((topic_posts.p_request).readable) AS unnest))))
   ORDER BY post_tags.created_at DESC, post_tags.post_id
  LIMIT topic_posts.p_limit)
 UNION ALL
  SELECT posts.post_id,
     posts.author_id,
     posts.created_at
    FROM (unnest((topic_posts.p_request).pool) posts(post_id, author_id, created_at, last_active_at, "trend", popularity)
      JOIN recsys_engine.post_tags ON (((post_tags.post_id = posts.post_id) AND (post_tags.tag = topic_posts.p_topic))));
END;

CREATE OR REPLACE FUNCTION recsys_engine.listed_hits(p_request recsys_engine.feed_request, p_listed uuid[], p_limit integer)
 RETURNS recsys_engine.source_hit[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
begin
  return array(
    select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
    from unnest(p_listed) with ordinality as listed (post_id, place)
    cross join lateral (
      (
        select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible
        where eligible.post_id = listed.post_id and p_request.pool is null
          and (p_request.readable is null or listed.post_id in (select unnest(p_request.readable)))
        offset 0
      )
      union all
      select pooled.post_id, pooled.author_id from unnest(p_request.pool) as pooled where pooled.post_id = listed.post_id
    ) as posts
    order by listed.place
    limit p_limit
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.retrieve_similar(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector, p_most integer, p_share integer, p_is_quick boolean DEFAULT false)
 RETURNS TABLE(post_id uuid, author_id uuid, rank bigint, place bigint)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET "hnsw.iterative_scan" TO 'relaxed_order'
 SET "hnsw.ef_search" TO '1000'
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  found recsys_engine.source_hit[] := '{}'::recsys_engine.source_hit[];
  looked integer;
  vectors double precision;
  is_exact boolean;
begin
  if p_model_id is null or p_embedding is null then
    return;
  end if;
  if p_is_quick then
    perform set_config('hnsw.ef_search', '200', true);
    -- Nearly all near posts are readable. The step that checks visibility reads the authors: looking them up here
    -- took 640 of the 6,190 pages of recsys_engine.feed_candidates.
    return query
    select near.post_id, null::uuid, row_number() over nearest, row_number() over nearest
    from (
      select post_embeddings.post_id, post_embeddings.embedding operator(extensions.<#>) p_embedding as distance
      from recsys.post_embeddings
      where post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null
        -- the posts nearest to a user are those of their history: where half of 160 was, too few were left, and the
        -- feed was read twice
        and post_embeddings.post_id not in (select unnest(p_request.excluded))
        and recsys_engine.served_key(post_embeddings.post_id, p_request.seed) not in (select unnest(p_request.served))
      order by post_embeddings.embedding operator(extensions.<#>) p_embedding, post_embeddings.post_id
      limit p_most
    ) as near
    window nearest as (order by near.distance, near.post_id);
    return;
  end if;
  if p_request.readable is not null then
    -- no vacuum counted them yet: as many that the index is asked
    select coalesce(nullif(greatest(pg_class.reltuples, 0), 0), 'infinity')::double precision into vectors from pg_catalog.pg_class where pg_class.oid = to_regclass('recsys_engine.post_embeddings_' || p_model_id);
  end if;
  foreach looked in array array[p_most, 4 * p_most, 20 * p_most] loop
    -- of those that are named exact search looks at all, and the index at looked * vectors / readable of all, each of which takes 13 times as long
    is_exact := looked is null or coalesce(cardinality(p_request.readable) ^ 2 < 13 * looked * vectors, false);
    if p_request.pool is not null then
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
        from unnest(p_request.pool) as posts
        join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = posts.post_id
        order by (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0, posts.post_id
        limit looked
      );
    elsif not is_exact then
      found := array(
        select row(near.post_id, near.author_id)::recsys_engine.source_hit
        from (
          select posts.post_id, posts.author_id, post_embeddings.embedding operator(extensions.<#>) p_embedding as distance
          from recsys.post_embeddings
          cross join lateral (
            select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = post_embeddings.post_id offset 0
          ) as posts
          where post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null
            and (p_request.readable is null or post_embeddings.post_id in (select unnest(p_request.readable)))
          order by post_embeddings.embedding operator(extensions.<#>) p_embedding, post_embeddings.post_id
          limit looked
        ) as near
        order by near.distance, near.post_id
      );
      -- null: nothing was found
      is_exact := cardinality(found) < looked and recsys_engine.has_enough_after_cap(p_request, found, cardinality(found), p_most, p_share) is not true;
    end if;
    if p_request.pool is null and is_exact and p_request.readable is not null then
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
        from (
          select post_embeddings.post_id, (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0 as distance
          from recsys.post_embeddings
          where post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null and post_embeddings.post_id = any (p_request.readable)
          order by distance, post_embeddings.post_id
        ) as near
        cross join lateral (select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = near.post_id offset 0) as posts
        order by near.distance, near.post_id
        limit looked
      );
    elsif p_request.pool is null and is_exact then
      -- few of all are eligible, so it begins with these. Or the index ended early: many equal vectors, as of one who writes the same again and
      -- again, hide what lies behind them
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
        from recsys_engine.eligible_posts(p_request) as posts
        join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null and post_embeddings.post_id = posts.post_id
        -- no index is in the order of this
        order by (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0, posts.post_id
        limit looked
      );
    end if;
    exit when recsys_engine.has_enough_after_cap(p_request, found, looked, p_most, p_share);
  end loop;
  return query select * from recsys_engine.cap_per_author(p_request, found, p_most, p_share);
end
$function$;

create or replace view recsys_engine.sources with (security_invoker=true) as
 SELECT input,
    name,
    size,
    fetch_limit,
    is_global,
    prepends_new_posts,
    reason_priority,
    is_ranker_feature,
    finds,
    (size / 10) AS max_per_author
   FROM ( VALUES (1,'similar'::text,100,160,false,false,1,true,'posts nearest to the user''s vector'::text), (2,'active'::text,300,420,true,true,7,true,'posts with the latest interaction or creation'::text), (3,'fresh'::text,100,140,true,true,8,true,'newest posts'::text), (4,'trending'::text,50,125,true,false,5,true,'posts with most users in the last week'::text), (5,'popular'::text,100,250,true,false,6,false,'posts with most users, by a half-life of a month, where the last week says little'::text), (6,'followed'::text,50,100,false,false,3,true,'newest posts by followed authors, in followed topics, and by authors the user interacted with most'::text), (7,'touched'::text,100,140,false,false,4,true,'posts that most followed people interacted with'::text), (8,'covisited'::text,100,140,false,false,2,true,'posts that users of the same posts interacted with'::text), (NULL::integer,'topic'::text,20,40,false,false,NULL::integer,false,'newest posts of one followed topic, which take turns in the source followed'::text)) listed(input, name, size, fetch_limit, is_global, prepends_new_posts, reason_priority, is_ranker_feature, finds);

CREATE OR REPLACE FUNCTION recsys_engine.eligible_hits(p_request recsys_engine.feed_request, p_hits json, p_limit integer)
 RETURNS TABLE(post_id uuid, author_id uuid, rank bigint, place bigint)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT (found.post_id)::uuid AS post_id,
     NULL::uuid AS uuid,
     found.place,
     found.place
    FROM json_array_elements_text(eligible_hits.p_hits) WITH ORDINALITY found(post_id, place)
   WHERE ((NOT ((found.post_id)::uuid IN ( SELECT unnest((eligible_hits.p_request).excluded) AS unnest))) AND (NOT (recsys_engine.served_key((found.post_id)::uuid, (eligible_hits.p_request).seed) IN ( SELECT unnest((eligible_hits.p_request).served) AS unnest))))
   ORDER BY found.place
  LIMIT eligible_hits.p_limit;
END;

drop function recsys_engine.historical_post_states(recsys_engine.feed_request);

CREATE OR REPLACE FUNCTION recsys_engine.historical_post_states(p_request recsys_engine.feed_request)
 RETURNS TABLE(post_id uuid, last_active_at timestamp with time zone, trend double precision, popularity double precision)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT latest_post_stats.post_id,
     earlier.last_active_at,
     earlier."trend",
     recsys_engine.popularity(earlier.recent, earlier.last_active_at) AS popularity
    FROM (recsys_engine.latest_post_stats
      CROSS JOIN LATERAL ( SELECT post_stats.last_active_at,
             post_stats."trend",
             post_stats.recent
            FROM recsys_engine.post_stats
           WHERE ((post_stats.post_id = latest_post_stats.post_id) AND (post_stats.last_active_at <= (historical_post_states.p_request).at))
           ORDER BY post_stats.last_active_at DESC, post_stats.interaction_id DESC
          LIMIT 1) earlier)
   WHERE ((latest_post_stats.last_active_at > (historical_post_states.p_request).at) AND (((historical_post_states.p_request).readable IS NULL) OR (latest_post_stats.post_id IN ( SELECT unnest((historical_post_states.p_request).readable) AS unnest))));
END;

CREATE OR REPLACE FUNCTION recsys_engine.newest_posts(p_request recsys_engine.feed_request, p_limit integer)
 RETURNS TABLE(post_id uuid, author_id uuid, created_at timestamp with time zone)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
( SELECT posts.post_id,
     posts.author_id,
     posts.created_at
    FROM recsys_engine.eligible_posts(newest_posts.p_request) posts(post_id, title, tags, author_id, created_at)
   WHERE (((newest_posts.p_request).pool IS NULL) AND ((newest_posts.p_request).readable IS NULL) AND (NOT ( SELECT recsys_engine.some_wait() AS some_wait)))
   ORDER BY posts.created_at DESC, posts.post_id
  LIMIT newest_posts.p_limit)
 UNION ALL
 ( SELECT posts.post_id,
     posts.author_id,
     posts.created_at
    FROM (recsys_engine.listed_posts
      CROSS JOIN LATERAL ( SELECT eligible.post_id,
             eligible.author_id,
             eligible.created_at
            FROM recsys_engine.eligible_posts(newest_posts.p_request) eligible(post_id, title, tags, author_id, created_at)
           WHERE (eligible.post_id = listed_posts.post_id)
          OFFSET 0) posts)
   WHERE (((newest_posts.p_request).pool IS NULL) AND ((newest_posts.p_request).readable IS NULL) AND ( SELECT recsys_engine.some_wait() AS some_wait) AND (NOT listed_posts.waits) AND (listed_posts.created_at <= (newest_posts.p_request).at))
   ORDER BY listed_posts.created_at DESC, listed_posts.post_id
  LIMIT newest_posts.p_limit)
 UNION ALL
 ( SELECT posts.post_id,
     posts.author_id,
     posts.created_at
    FROM (unnest((newest_posts.p_request).readable) WITH ORDINALITY named(post_id, place)
      CROSS JOIN LATERAL ( SELECT eligible.post_id,
             eligible.author_id,
             eligible.created_at
            FROM recsys_engine.eligible_posts(newest_posts.p_request) eligible(post_id, title, tags, author_id, created_at)
           WHERE (eligible.post_id = named.post_id)
          OFFSET 0) posts)
   ORDER BY named.place
  LIMIT newest_posts.p_limit)
 UNION ALL
  SELECT posts.post_id,
     posts.author_id,
     posts.created_at
    FROM unnest((newest_posts.p_request).pool) posts(post_id, author_id, created_at, last_active_at, "trend", popularity);
END;

CREATE OR REPLACE FUNCTION recsys_engine.newest_posts_since(p_request recsys_engine.feed_request, p_limit integer, p_since timestamp with time zone)
 RETURNS TABLE(post_id uuid, author_id uuid, created_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
begin
  -- a statement for each case: one plan for all of them, planned at each call, took 2 ms
  if p_request.pool is not null or p_request.readable is not null then
    return;
  elsif recsys_engine.some_wait() then
    return query
    select posts.post_id, posts.author_id, posts.created_at
    from recsys_engine.listed_posts
    cross join lateral (
      select eligible.post_id, eligible.author_id, eligible.created_at from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = listed_posts.post_id offset 0
    ) as posts
    where not listed_posts.waits and listed_posts.created_at <= p_request.at and listed_posts.created_at >= p_since
    order by listed_posts.created_at desc, listed_posts.post_id
    limit p_limit;
  else
    return query
    select posts.post_id, posts.author_id, posts.created_at from recsys_engine.eligible_posts(p_request) as posts
    where posts.created_at >= p_since
    order by posts.created_at desc, posts.post_id
    limit p_limit;
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.active_posts(p_request recsys_engine.feed_request, p_limit integer)
 RETURNS TABLE(post_id uuid, author_id uuid, at timestamp with time zone)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 WITH touched AS MATERIALIZED (
          SELECT posts.post_id,
             posts.author_id,
             latest_post_stats.last_active_at AS at
            FROM (recsys_engine.latest_post_stats
              CROSS JOIN LATERAL ( SELECT eligible.post_id,
                     eligible.author_id
                    FROM recsys_engine.eligible_posts(active_posts.p_request) eligible(post_id, title, tags, author_id, created_at)
                   WHERE (eligible.post_id = latest_post_stats.post_id)
                  OFFSET 0) posts)
           WHERE ((latest_post_stats.last_active_at <= (active_posts.p_request).at) AND ((active_posts.p_request).pool IS NULL) AND (((active_posts.p_request).readable IS NULL) OR (latest_post_stats.post_id IN ( SELECT unnest((active_posts.p_request).readable) AS unnest))))
           ORDER BY latest_post_stats.last_active_at DESC, latest_post_stats.post_id
          LIMIT active_posts.p_limit
         )
  SELECT found.post_id,
     found.author_id,
     max(found.at) AS at
    FROM ( SELECT touched.post_id,
             touched.author_id,
             touched.at
            FROM touched
         UNION ALL
          SELECT posts.post_id,
             posts.author_id,
             earlier.last_active_at
            FROM (recsys_engine.historical_post_states(active_posts.p_request) earlier(post_id, last_active_at, "trend", popularity)
              CROSS JOIN LATERAL ( SELECT eligible.post_id,
                     eligible.author_id
                    FROM recsys_engine.eligible_posts(active_posts.p_request) eligible(post_id, title, tags, author_id, created_at)
                   WHERE (eligible.post_id = earlier.post_id)
                  OFFSET 0) posts)
           WHERE ((active_posts.p_request).pool IS NULL)
         UNION ALL
          SELECT posts.post_id,
             posts.author_id,
             posts.created_at
            FROM recsys_engine.newest_posts_since(active_posts.p_request, active_posts.p_limit, ( SELECT COALESCE(( SELECT touched.at
                            FROM touched
                           WHERE (active_posts.p_limit IS NOT NULL)
                           ORDER BY touched.at DESC
                          OFFSET (active_posts.p_limit - 1)
                          LIMIT 1), '-infinity'::timestamp with time zone) AS "coalesce")) posts(post_id, author_id, created_at)
         UNION ALL
          SELECT posts.post_id,
             posts.author_id,
             posts.created_at
            FROM recsys_engine.newest_posts(active_posts.p_request, active_posts.p_limit) posts(post_id, author_id, created_at)
           WHERE ((active_posts.p_request).readable IS NOT NULL)
         UNION ALL
          SELECT posts.post_id,
             posts.author_id,
             GREATEST(posts.last_active_at, posts.created_at) AS "greatest"
            FROM unnest((active_posts.p_request).pool) posts(post_id, author_id, created_at, last_active_at, "trend", popularity)) found
   GROUP BY found.post_id, found.author_id
   ORDER BY (max(found.at)) DESC, found.post_id
  LIMIT active_posts.p_limit;
END;

CREATE OR REPLACE FUNCTION recsys_engine.trending_posts(p_request recsys_engine.feed_request, p_limit integer)
 RETURNS TABLE(post_id uuid, author_id uuid, trend double precision)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
( SELECT posts.post_id,
     posts.author_id,
     latest_post_stats."trend"
    FROM (recsys_engine.latest_post_stats
      CROSS JOIN LATERAL ( SELECT eligible.post_id,
             eligible.author_id
            FROM recsys_engine.eligible_posts("trending_posts".p_request) eligible(post_id, title, tags, author_id, created_at)
           WHERE (eligible.post_id = latest_post_stats.post_id)
          OFFSET 0) posts)
   WHERE ((latest_post_stats."trend" >= ((((EXTRACT(epoch FROM ("trending_posts".p_request).at))::double precision / (3600)::double precision) / (168)::double precision) - (1.00001)::double precision)) AND ((("trending_posts".p_request).at - latest_post_stats.last_active_at) >= '00:00:00'::interval) AND ((("trending_posts".p_request).at - latest_post_stats.last_active_at) < '168:00:00'::interval) AND (("trending_posts".p_request).pool IS NULL) AND ((("trending_posts".p_request).readable IS NULL) OR (latest_post_stats.post_id IN ( SELECT unnest(("trending_posts".p_request).readable) AS unnest))))
   ORDER BY latest_post_stats."trend" DESC, latest_post_stats.post_id
  LIMIT "trending_posts".p_limit)
 UNION ALL
  SELECT posts.post_id,
     posts.author_id,
     earlier."trend"
    FROM (recsys_engine.historical_post_states("trending_posts".p_request) earlier(post_id, last_active_at, "trend", popularity)
      CROSS JOIN LATERAL ( SELECT eligible.post_id,
             eligible.author_id
            FROM recsys_engine.eligible_posts("trending_posts".p_request) eligible(post_id, title, tags, author_id, created_at)
           WHERE (eligible.post_id = earlier.post_id)
          OFFSET 0) posts)
   WHERE ((earlier."trend" >= ((((EXTRACT(epoch FROM ("trending_posts".p_request).at))::double precision / (3600)::double precision) / (168)::double precision) - (1.00001)::double precision)) AND ((("trending_posts".p_request).at - earlier.last_active_at) < '168:00:00'::interval) AND (("trending_posts".p_request).pool IS NULL))
 UNION ALL
  SELECT posts.post_id,
     posts.author_id,
     posts."trend"
    FROM unnest(("trending_posts".p_request).pool) posts(post_id, author_id, created_at, last_active_at, "trend", popularity)
   WHERE ((posts."trend" >= ((((EXTRACT(epoch FROM ("trending_posts".p_request).at))::double precision / (3600)::double precision) / (168)::double precision) - (1.00001)::double precision)) AND ((("trending_posts".p_request).at - posts.last_active_at) < '168:00:00'::interval));
END;

CREATE OR REPLACE FUNCTION recsys_engine.is_trend_sparse(p_request recsys_engine.feed_request)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  request recsys_engine.feed_request := p_request;
  two_people constant double precision := extract(epoch from p_request.at)::double precision / 3600 / 168 + 1;
begin
  request.readable := null;
  return 50 > (
    select count(*)
    from (
      (
        select 1 from recsys_engine.latest_post_stats
        where latest_post_stats.trend >= two_people and latest_post_stats.last_active_at <= p_request.at
        order by latest_post_stats.trend desc
        limit 50
      )
      union all
      (select 1 from recsys_engine.historical_post_states(request) as earlier where earlier.trend >= two_people limit 50)
    ) as busy
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.popular_posts(p_request recsys_engine.feed_request, p_limit integer)
 RETURNS TABLE(post_id uuid, author_id uuid, popularity double precision)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
( SELECT posts.post_id,
     posts.author_id,
     recsys_engine.popularity(latest_post_stats.recent, latest_post_stats.last_active_at) AS popularity
    FROM (recsys_engine.latest_post_stats
      CROSS JOIN LATERAL ( SELECT eligible.post_id,
             eligible.author_id
            FROM recsys_engine.eligible_posts(popular_posts.p_request) eligible(post_id, title, tags, author_id, created_at)
           WHERE (eligible.post_id = latest_post_stats.post_id)
          OFFSET 0) posts)
   WHERE ((latest_post_stats.last_active_at <= (popular_posts.p_request).at) AND ((popular_posts.p_request).pool IS NULL) AND (((popular_posts.p_request).readable IS NULL) OR (latest_post_stats.post_id IN ( SELECT unnest((popular_posts.p_request).readable) AS unnest))))
   ORDER BY (recsys_engine.popularity(latest_post_stats.recent, latest_post_stats.last_active_at)) DESC, latest_post_stats.post_id
  LIMIT popular_posts.p_limit)
 UNION ALL
  SELECT posts.post_id,
     posts.author_id,
     earlier.popularity
    FROM (recsys_engine.historical_post_states(popular_posts.p_request) earlier(post_id, last_active_at, "trend", popularity)
      CROSS JOIN LATERAL ( SELECT eligible.post_id,
             eligible.author_id
            FROM recsys_engine.eligible_posts(popular_posts.p_request) eligible(post_id, title, tags, author_id, created_at)
           WHERE (eligible.post_id = earlier.post_id)
          OFFSET 0) posts)
   WHERE ((popular_posts.p_request).pool IS NULL)
 UNION ALL
  SELECT posts.post_id,
     posts.author_id,
     posts.popularity
    FROM unnest((popular_posts.p_request).pool) posts(post_id, author_id, created_at, last_active_at, "trend", popularity)
   WHERE (posts.popularity IS NOT NULL);
END;

CREATE OR REPLACE FUNCTION recsys_engine.first_hits(p_request recsys_engine.feed_request, p_source text, p_limit integer, p_topic text DEFAULT NULL::text)
 RETURNS recsys_engine.source_hit[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
begin
  -- a statement for each source: an order that is chosen at run time would have no index
  case p_source
    when 'active' then
      return array(select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.active_posts(p_request, p_limit) as posts order by posts.at desc, posts.post_id limit p_limit);
    when 'fresh' then
      return array(select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.newest_posts(p_request, p_limit) as posts order by posts.created_at desc, posts.post_id limit p_limit);
    when 'trending' then
      return array(select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.trending_posts(p_request, p_limit) as posts order by posts."trend" desc, posts.post_id limit p_limit);
    when 'popular' then
      -- where the trend says enough, this source only adds older posts: pages of a simulated community earned 2 % less
      if not recsys_engine.is_trend_sparse(p_request) then
        return array[]::recsys_engine.source_hit[];
      end if;
      return array(select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.popular_posts(p_request, p_limit) as posts order by posts.popularity desc, posts.post_id limit p_limit);
    when 'topic' then
      return array(select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.topic_posts(p_request, p_topic, p_limit) as posts order by posts.created_at desc, posts.post_id limit p_limit);
    when 'touched' then
      return recsys_engine.listed_hits(p_request, p_request.touched, p_limit);
    when 'covisited' then
      return recsys_engine.listed_hits(p_request, p_request.covisited, p_limit);
    else
      raise exception 'recsys_engine.sources has a source % without a statement here', p_source;
  end case;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.retrieve_source(p_request recsys_engine.feed_request, p_source text, p_limit integer, p_share integer, p_topic text DEFAULT NULL::text)
 RETURNS TABLE(post_id uuid, author_id uuid, rank bigint, place bigint)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  hits recsys_engine.source_hit[];
  looked integer;
begin
  foreach looked in array array[p_limit, 4 * p_limit, 20 * p_limit] loop
    hits := recsys_engine.first_hits(p_request, p_source, looked, p_topic);
    exit when recsys_engine.has_enough_after_cap(p_request, hits, looked, p_limit, p_share);
  end loop;
  return query select * from recsys_engine.cap_per_author(p_request, hits, p_limit, p_share);
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.source_fetch_limit(p_size integer, p_kept integer, p_extent text)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
RETURN NULLIF((((p_size * ((p_extent = 'feed'::text))::integer) + (p_kept * ((p_extent ~~ 'kept%'::text))::integer)) + COALESCE(("substring"(p_extent, '^kept[+](.*)'::text))::integer, 0)), 0);

CREATE OR REPLACE FUNCTION recsys_engine.max_per_author(p_size integer, p_extent text)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
RETURN ((p_size / 10) * (1 + ((p_extent ~~ 'kept%'::text))::integer));

CREATE OR REPLACE FUNCTION recsys_engine.global_sources(p_request recsys_engine.feed_request, p_extent text)
 RETURNS TABLE(source text, size integer, fetch_limit integer, post_id uuid, author_id uuid, rank bigint, place bigint)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT sources.name,
     sources.size,
     sources.fetch_limit,
     found.post_id,
     found.author_id,
     found.rank,
     found.place
    FROM (recsys_engine.sources
      CROSS JOIN LATERAL recsys_engine.retrieve_source(global_sources.p_request, sources.name, recsys_engine.source_fetch_limit(sources.size, sources.fetch_limit, global_sources.p_extent), recsys_engine.max_per_author(sources.size, global_sources.p_extent)) found(post_id, author_id, rank, place))
   WHERE sources.is_global;
END;

CREATE OR REPLACE FUNCTION recsys_engine.personal_sources(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector, p_extent text, p_hits json DEFAULT NULL::json)
 RETURNS TABLE(source text, size integer, fetch_limit integer, post_id uuid, author_id uuid, rank bigint, place bigint)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT COALESCE(('topic:'::text || followed.topic), sources.name) AS "coalesce",
     sources.size,
     sources.fetch_limit,
     found.post_id,
     found.author_id,
     found.rank,
     found.place
    FROM (((recsys_engine.sources
      LEFT JOIN unnest((personal_sources.p_request).topics) followed(topic) ON ((sources.name = 'topic'::text)))
      CROSS JOIN LATERAL ( VALUES (recsys_engine.source_fetch_limit(sources.size, sources.fetch_limit, personal_sources.p_extent),recsys_engine.max_per_author(sources.size, personal_sources.p_extent))) asked(most, share))
      CROSS JOIN LATERAL ( SELECT retrieve_similar.post_id,
             retrieve_similar.author_id,
             retrieve_similar.rank,
             retrieve_similar.place
            FROM recsys_engine.retrieve_similar(personal_sources.p_request, personal_sources.p_model_id, personal_sources.p_embedding, asked.most, asked.share, (personal_sources.p_extent = 'kept'::text)) retrieve_similar(post_id, author_id, rank, place)
           WHERE ((sources.name = 'similar'::text) AND (personal_sources.p_hits IS NULL))
         UNION ALL
          SELECT eligible_hits.post_id,
             eligible_hits.author_id,
             eligible_hits.rank,
             eligible_hits.place
            FROM recsys_engine.eligible_hits(personal_sources.p_request, (personal_sources.p_hits -> 'similar'::text), sources.fetch_limit) eligible_hits(post_id, author_id, rank, place)
           WHERE (sources.name = 'similar'::text)
         UNION ALL
          SELECT retrieve_followed.post_id,
             retrieve_followed.author_id,
             retrieve_followed.rank,
             retrieve_followed.place
            FROM recsys_engine.retrieve_followed(personal_sources.p_request, asked.most, asked.share) retrieve_followed(post_id, author_id, rank, place)
           WHERE (sources.name = 'followed'::text)
         UNION ALL
          SELECT retrieve_source.post_id,
             retrieve_source.author_id,
             retrieve_source.rank,
             retrieve_source.place
            FROM recsys_engine.retrieve_source(personal_sources.p_request, sources.name, asked.most, asked.share, followed.topic) retrieve_source(post_id, author_id, rank, place)
           WHERE (((sources.name = 'touched'::text) AND ((personal_sources.p_request).touched <> '{}'::uuid[])) OR ((sources.name = 'covisited'::text) AND ((personal_sources.p_request).covisited <> '{}'::uuid[])) OR (followed.topic IS NOT NULL))) found)
   WHERE (NOT sources.is_global);
END;

CREATE OR REPLACE FUNCTION recsys_engine.newest_listed(p_request recsys_engine.feed_request, p_limit integer, p_since timestamp with time zone, p_looks integer DEFAULT NULL::integer)
 RETURNS recsys_engine.source_hit[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  caller constant text := current_setting('role');
  found recsys_engine.source_hit[] := array[]::recsys_engine.source_hit[];
  listed uuid[];
  looked integer := coalesce(p_looks, p_limit * 3 / 2);
  skipped integer := 0;
begin
  loop
    -- The list as service_role: its policy would look each post up once more. What is returned the caller may read.
    perform set_config('role', 'service_role', true);
    listed := array(
      select listed_posts.post_id from recsys_engine.listed_posts
      where not listed_posts.waits and listed_posts.created_at <= p_request.at and listed_posts.created_at >= p_since
      order by listed_posts.created_at desc, listed_posts.post_id
      limit looked offset skipped
    );
    perform set_config('role', caller, true);
    found := found || array(
      select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
      from recsys_engine.eligible_posts(p_request) as posts
      -- by one scan of the index: looking up each read three times as many pages
      where posts.post_id = any (listed)
      order by posts.created_at desc, posts.post_id
      limit p_limit - cardinality(found)
    );
    exit when p_looks is not null or cardinality(found) >= p_limit or cardinality(listed) < looked;
    skipped := skipped + looked;
    looked := 4 * looked;
  end loop;
  return found;
end
$function$;

drop function recsys_engine.newest_filtered_posts(recsys_engine.feed_request,integer);

CREATE OR REPLACE FUNCTION recsys_engine.newest_filtered_posts(p_request recsys_engine.feed_request, p_limit integer)
 RETURNS recsys_engine.source_hit[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  filter constant recsys_engine.feed_filter := p_request.filter;
  since constant timestamptz := coalesce(p_request.at - make_interval(days => filter.max_age_days), '-infinity');
begin
  -- by what is asked that mostly fewest posts have
  if filter.author_ids is not null then
    return array(
      select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
      from (select distinct unnest(filter.author_ids)) as wanted (author_id)
      cross join lateral (
        select * from recsys_engine.eligible_posts(p_request) as eligible
        where eligible.author_id = wanted.author_id and eligible.created_at >= since
        order by eligible.created_at desc, eligible.post_id
        limit p_limit
      ) as posts
      order by posts.created_at desc, posts.post_id
      limit p_limit
    );
  elsif filter.tags is not null then
    return array(
      select row(found.post_id, found.author_id)::recsys_engine.source_hit
      from (select distinct left(unnest(filter.tags), 100)) as wanted (tag)
      cross join lateral (
        select posts.post_id, posts.author_id, posts.created_at
        from (
          select post_tags.post_id from recsys_engine.post_tags
          where post_tags.tag = wanted.tag and post_tags.created_at <= p_request.at and post_tags.created_at >= since
          order by post_tags.created_at desc, post_tags.post_id
          limit 20000
        ) as listed
        cross join lateral (select * from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = listed.post_id offset 0) as posts
        limit p_limit
      ) as found
      group by found.post_id, found.author_id
      order by max(found.created_at) desc, found.post_id
      limit p_limit
    );
  elsif filter.languages is not null then
    return array(
      select row(found.post_id, found.author_id)::recsys_engine.source_hit
      from (select distinct unnest(filter.languages)) as wanted (language)
      cross join lateral (
        select posts.post_id, posts.author_id, posts.created_at
        from (
          select source_posts.post_id from recsys.source_posts
          where source_posts.language = wanted.language and source_posts.created_at <= p_request.at and source_posts.created_at >= since
          order by source_posts.created_at desc, source_posts.post_id
          limit 20000
        ) as listed
        cross join lateral (select * from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = listed.post_id offset 0) as posts
        limit p_limit
      ) as found
      order by found.created_at desc, found.post_id
      limit p_limit
    );
  elsif recsys_engine.some_wait() then
    return recsys_engine.newest_listed(p_request, p_limit, since);
  else
    return array(
      select row(newest.post_id, newest.author_id)::recsys_engine.source_hit
      from recsys_engine.newest_posts_since(p_request, p_limit, since) as newest
      order by newest.created_at desc, newest.post_id
    );
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.prefilter_posts(p_request recsys_engine.feed_request, p_post_ids uuid[])
 RETURNS recsys_engine.prefiltered_post[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
begin
  return array(
    select row(posts.post_id, posts.author_id, posts.created_at, state.last_active_at, state.trend, recsys_engine.popularity(state.recent, state.last_active_at))::recsys_engine.prefiltered_post
    from (select distinct unnest(p_post_ids)) as pooled (post_id)
    cross join lateral (select * from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = pooled.post_id offset 0) as posts
    left join lateral (
      (
        select latest_post_stats.last_active_at, latest_post_stats.trend, latest_post_stats.recent from recsys_engine.latest_post_stats
        where latest_post_stats.post_id = pooled.post_id and latest_post_stats.last_active_at <= p_request.at
      )
      union all
      (
        select post_stats.last_active_at, post_stats.trend, post_stats.recent from recsys_engine.post_stats
        where post_stats.post_id = pooled.post_id and post_stats.last_active_at <= p_request.at
        order by post_stats.last_active_at desc, post_stats.interaction_id desc
        limit 1
      )
      -- where both have one, it is the same
      limit 1
    ) as state on true
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.with_prefiltered_pool(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector, p_may_be_few boolean DEFAULT true, p_share double precision DEFAULT NULL::double precision)
 RETURNS recsys_engine.feed_request
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  request recsys_engine.feed_request := p_request;
  few uuid[];
  looked integer;
  found recsys_engine.source_hit[];
  passing uuid[];
begin
  if p_may_be_few or p_share is not null then
    few := recsys_engine.small_readable_set(p_share);
  end if;
  if cardinality(few) > 2000 then
    -- to look up the state of each takes longer than to go past those of others
    request.readable := few;
    return request;
  end if;
  -- "is null": asks for tags, authors, age and languages at once
  if few is null and request.filter is null then
    return request;
  end if;
  if few is null then
    -- of the pool, too, an author has a tenth before all others
    foreach looked in array array[1000, 4000, 20000] loop
      found := recsys_engine.newest_filtered_posts(p_request, looked);
      exit when recsys_engine.has_enough_after_cap(p_request, found, looked, 1000, 100);
    end loop;
  end if;
  passing := coalesce(few, array(select newest.post_id from recsys_engine.cap_per_author(p_request, found, 1000, 100) as newest));
  if few is null and cardinality(passing) = 1000 then
    -- where many pass, the best are not among the newest only, and are met soon on a walk
    passing := passing || array(select near.post_id from recsys_engine.retrieve_similar(p_request, p_model_id, p_embedding, 100, 10) as near);
    foreach looked in array array[300, 1200, 6000] loop
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
        from (
          select latest_post_stats.post_id from recsys_engine.latest_post_stats
          where latest_post_stats.last_active_at <= p_request.at
          order by latest_post_stats.last_active_at desc, latest_post_stats.post_id
          limit 20000
        ) as latest
        cross join lateral (
          select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = latest.post_id offset 0
        ) as posts
        limit looked
      );
      exit when recsys_engine.has_enough_after_cap(p_request, found, looked, 300, 30);
    end loop;
    passing := passing || array(select active.post_id from recsys_engine.cap_per_author(p_request, found, 300, 30) as active);
    foreach looked in array array[50, 200, 1000] loop
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
        from (
          select latest_post_stats.post_id from recsys_engine.latest_post_stats
          where latest_post_stats.trend >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
          order by latest_post_stats.trend desc, latest_post_stats.post_id
          limit 20000
        ) as hottest
        cross join lateral (
          select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = hottest.post_id offset 0
        ) as posts
        limit looked
      );
      exit when recsys_engine.has_enough_after_cap(p_request, found, looked, 50, 5);
    end loop;
    passing := passing || array(select hottest.post_id from recsys_engine.cap_per_author(p_request, found, 50, 5) as hottest);
  end if;
  request.pool := recsys_engine.prefilter_posts(request, passing);
  return request;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.following_feed(p_user_id uuid, p_now timestamp with time zone, p_most integer, p_filter jsonb DEFAULT NULL::jsonb, p_seed bigint DEFAULT NULL::bigint, p_served bigint[] DEFAULT NULL::bigint[])
 RETURNS TABLE(post_id uuid, title text, author_id uuid, created_at timestamp with time zone, follows_author boolean, topic text, served_key bigint)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  request constant recsys_engine.feed_request := recsys_engine.feed_request(p_user_id, p_now, p_filter, p_seed, p_served);
begin
  return query
  select
    posts.post_id, posts.title, posts.author_id, posts.created_at, coalesce(posts.author_id = any (request.follows), false),
    (select tag from unnest(posts.tags) as tag where left(lower(tag), 100) = any (request.topics) limit 1),
    recsys_engine.served_key(posts.post_id, p_seed)
  from (
    -- an author may have the whole page: it is in order of time
    select found.post_id from recsys_engine.retrieve_followed(request, p_most, p_most) as found
    union
    select found.post_id from unnest(request.topics) as followed (topic) cross join lateral recsys_engine.retrieve_source(request, 'topic', p_most, p_most, followed.topic) as found
  ) as brought
  cross join lateral (select * from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = brought.post_id offset 0) as posts
  order by posts.created_at desc, posts.post_id
  limit p_most;
end
$function$;

drop function recsys_engine.with_requested_posts(recsys_engine.feed_request,uuid[]);

CREATE OR REPLACE FUNCTION recsys_engine.with_requested_posts(p_request recsys_engine.feed_request, p_requested uuid[])
 RETURNS recsys_engine.feed_request
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  request recsys_engine.feed_request := p_request;
begin
  -- a search may find posts that the caller wrote or viewed, and posts withheld from strangers' feeds
  request.user_id := null;
  request.excluded := '{}';
  request.withholds := false;
  request.pool := recsys_engine.prefilter_posts(request, p_requested);
  return request;
end
$function$;

drop function recsys_engine.requested_posts(uuid,uuid[],jsonb,bigint);

CREATE OR REPLACE FUNCTION recsys_engine.requested_posts(p_user_id uuid, p_requested uuid[], p_filter jsonb DEFAULT NULL::jsonb, p_seed bigint DEFAULT NULL::bigint)
 RETURNS TABLE(now timestamp with time zone, post_id uuid, title text, served_key bigint)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  request constant recsys_engine.feed_request := recsys_engine.with_requested_posts(recsys_engine.feed_request(p_user_id, recsys.clock(), p_filter), p_requested);
begin
  return query
  select request.at, posts.post_id, posts.title, recsys_engine.served_key(posts.post_id, p_seed)
  from unnest(p_requested) with ordinality as given (post_id, place)
  cross join lateral (select * from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = given.post_id offset 0) as posts
  order by given.place;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.ranked_posts(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector)
 RETURNS recsys_engine.ranked_post[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  return array(
    select row(each.post_id, jsonb_object_agg(each.source, each.rank))::recsys_engine.ranked_post
    from (
      select * from recsys_engine.personal_sources(p_request, p_model_id, p_embedding, 'feed')
      union all
      select * from recsys_engine.global_sources(p_request, 'feed')
    ) as each
    group by each.post_id
    -- one order whatever the plan: the last digits of scores depend on the order of a batch
    order by each.post_id
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.retrieve(p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamp with time zone, p_seed bigint DEFAULT NULL::bigint, p_served bigint[] DEFAULT NULL::bigint[], p_filter jsonb DEFAULT NULL::jsonb)
 RETURNS TABLE(post_id uuid, title text, tags text[], author_id uuid, created_at timestamp with time zone, ranks jsonb, author_affinity integer, follows_author boolean, touches integer)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  request constant recsys_engine.feed_request := recsys_engine.with_prefiltered_pool(recsys_engine.with_covisited(recsys_engine.with_engaged_posts(recsys_engine.with_followee_engagements(recsys_engine.with_affinities(recsys_engine.feed_request(p_user_id, p_now, p_filter, p_seed, p_served))), p_model_id), p_model_id), p_model_id, p_embedding);
begin
  return query select * from recsys_engine.hydrate_ranked_posts(request, recsys_engine.ranked_posts(request, p_model_id, p_embedding));
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.post_columns(p_posts recsys_engine.post_row[])
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  now constant timestamptz := recsys.clock();
begin
  return (
    -- authors are looked up once, not for each of their posts
    with authors as materialized (
      select distinct posts.author_id from unnest(p_posts) as posts where posts.author_id is not null
    ),
    known as materialized (
      select authors.author_id, circle_members.user_id is not null as is_in_circle, cardinality(author_readers.user_ids) as readers,
        (select max(users.created_at) from recsys.source_users as users where users.user_id = authors.author_id) as signed_up_at
      from authors
      left join recsys_engine.circle_members on circle_members.user_id = authors.author_id
      left join recsys_engine.author_readers on author_readers.user_id = authors.author_id
    )
    select json_build_object(
      'post_id', json_agg(posts.post_id order by posts.place),
      'title', json_agg(posts.title order by posts.place),
      'tags', json_agg(posts.tags order by posts.place),
      'author_id', json_agg(posts.author_id order by posts.place),
      'created_at', json_agg(1000 * date_part('epoch', posts.created_at) order by posts.place),
      'of_circle', json_agg(coalesce(known.is_in_circle, false) order by posts.place),
      'standing', json_agg(
        recsys_engine.standing(
          coalesce(known.readers, nullif(3 * (posts.author_id is null)::integer, 0)),
          coalesce(recsys_engine.is_newcomers_post(known.signed_up_at, posts.created_at, now), false)
        )
        order by posts.place
      )
    )
    from unnest(p_posts) with ordinality as posts (post_id, title, tags, author_id, created_at, place)
    left join known on known.author_id = posts.author_id
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.text_key(p_title text, p_tags text[], p_author_id uuid)
 RETURNS integer
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT ((hashtext(p_title) # hash_array(p_tags)) # COALESCE(uuid_hash(p_author_id), 0));
END;

CREATE OR REPLACE FUNCTION recsys_engine.post_snapshots(p_model_id bigint, p_post_ids uuid[], p_now timestamp with time zone DEFAULT recsys.clock())
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  basis constant text := (select models.feature_spec #>> '{vectors,basis}' from recsys.models where models.model_id = p_model_id);
begin
  return (
    select json_build_object(
      'states', json_agg(known.state order by known.place),
      'has_embedding', json_agg(known.embedding is not null order by known.place),
      'embeddings', translate(encode(string_agg(extensions.vector_send(known.embedding), ''::bytea order by known.place), 'base64'), E'\n', ''),
      'has_components', json_agg(known.components is not null order by known.place) filter (where basis is not null),
      'components', translate(encode(string_agg(extensions.vector_send(known.components), ''::bytea order by known.place), 'base64'), E'\n', '')
    )
    from (
      select asked.place, to_json(state) as state, post_embeddings.embedding, reduced_vectors.components
      from unnest(p_post_ids) with ordinality as asked (post_id, place)
      left join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = asked.post_id
      left join recsys_engine.reduced_vectors on reduced_vectors.basis_id = basis and reduced_vectors.post_id = asked.post_id
      left join lateral (
        (
          select latest_post_stats.* from recsys_engine.latest_post_stats
          where latest_post_stats.post_id = asked.post_id and latest_post_stats.last_active_at <= p_now
        )
        union all
        (
          select post_stats.* from recsys_engine.post_stats
          where post_stats.post_id = asked.post_id and post_stats.last_active_at <= p_now
          order by post_stats.last_active_at desc, post_stats.interaction_id desc
          limit 1
        )
        -- where both have one, it is the same
        limit 1
      ) as state on true
    ) as known
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.readable_by_strangers(p_post_ids uuid[])
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  role constant text := current_setting('role');
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  readable uuid[];
begin
  perform set_config('request.jwt.claims', json_build_object('sub', gen_random_uuid(), 'role', 'authenticated')::text, true), set_config('role', 'authenticated', true);
  readable := array(select posts.post_id from recsys.source_posts as posts where posts.post_id = any (p_post_ids));
  perform set_config('role', role, true), set_config('request.jwt.claims', claims, true);
  return readable;
exception when others then
  -- an app's policy may fail for an unknown account, and feeds must not fail with it
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.global_candidates(p_now timestamp with time zone DEFAULT recsys.clock())
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  request recsys_engine.feed_request;
  extent text;
  short text[];
  sources text[];
  sizes integer[];
  kept integer[];
  found_ids uuid[];
  ranks bigint[];
  found_places bigint[];
  readable uuid[];
  told recsys_engine.post_row[];
  places json;
begin
  request.at := p_now;
  request.excluded := '{}';
  request.is_narrowed := false;
  -- more than each source returns: a caller may not read some or knows them, trending posts above all
  foreach extent in array array['kept', 'kept+100', 'kept+1000'] loop
    select array_agg(each.source), array_agg(each.size), array_agg(each.kept), array_agg(each.post_id), array_agg(each.rank), array_agg(each.place)
    into sources, sizes, kept, found_ids, ranks, found_places
    from (
      select * from unnest(sources, sizes, kept, found_ids, ranks, found_places) as found (source, size, kept, post_id, rank, place) where found.source <> all (short)
      union all
      select source, size, fetch_limit, post_id, rank, place from recsys_engine.global_sources(request, extent) as found where short is null or found.source = any (short)
    ) as each;
    readable := recsys_engine.readable_by_strangers(found_ids);
    -- if private posts of a few accounts fill a source, every feed queries all sources: a third of the surplus covers posts that readers know
    short := array(
      select found.source from unnest(sources, sizes, kept, found_ids) as found (source, size, kept, post_id)
      group by found.source
      having count(*) >= min(found.kept) and 3 * count(*) filter (where found.post_id in (select unnest(readable))) < min(2 * found.size + found.kept)
    );
    exit when readable is null or short = '{}';
  end loop;
  with found as materialized (
    select each.post_id, json_object_agg(each.source, each.place) as places
    from (
      select counted.*,
        -- a longer prefix helps only if strangers may read enough of it
        3 * max(counted.readable_before) over (partition by counted.source) >= 2 * counted.size + counted.kept
          and 3 * max(counted.readable_before) filter (where counted.rank <= counted.kept) over (partition by counted.source) < 2 * counted.size + counted.kept as goes_further
      from (
        select found.*, count(*) filter (where found.post_id in (select unnest(readable))) over (partition by found.source order by found.rank rows unbounded preceding) as readable_before
        from unnest(sources, sizes, kept, found_ids, ranks, found_places) as found (source, size, kept, post_id, rank, place)
      ) as counted
    ) as each
    where each.rank <= each.kept or (each.goes_further and each.readable_before <= each.kept)
    group by each.post_id
  )
  select array_agg(row(posts.*)::recsys_engine.post_row), json_agg(found.places)
  into told, places
  from found
  cross join lateral (select eligible.* from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = found.post_id offset 0) as posts;
  return json_build_object(
    'at', 1000 * date_part('epoch', p_now),
    'posts', recsys_engine.post_columns(told),
    'texts', array(select recsys_engine.text_key(each.title, each.tags, each.author_id) from unnest(told) with ordinality as each (post_id, title, tags, author_id, created_at, place) order by each.place),
    'places', places,
    'closed_authors', array(
      select each.author_id from unnest(told) as each
      where readable is not null and each.author_id is not null
      group by each.author_id having bool_and(each.post_id not in (select unnest(readable)))
    )
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.scope_candidates(p_model_id bigint, p_scopes text[], p_limit integer, p_now timestamp with time zone DEFAULT recsys.clock())
 RETURNS TABLE(scope text, posts text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  ids uuid[] := '{}'::uuid[];
  scopes text[] := '{}'::text[];
begin
  if array_position(p_scopes, null) is not null then
    ids := array(select source_post_scopes.post_id from recsys.source_post_scopes where source_post_scopes.scope is null limit p_limit + 1);
    if cardinality(ids) > p_limit then
      return query select null::text, null::text;
      return;
    end if;
    scopes := array_fill(null::text, array[cardinality(ids)]);
  end if;
  select ids || coalesce(array_agg(listed.post_id), '{}'), scopes || coalesce(array_agg(listed.scope), '{}')
  into ids, scopes
  from (
    select source_post_scopes.post_id, source_post_scopes.scope from recsys.source_post_scopes where source_post_scopes.scope = any (p_scopes) limit p_limit - cardinality(ids) + 1
  ) as listed;
  if cardinality(ids) > p_limit then
    return;
  end if;
  return query
  select wanted.scope, translate(encode(coalesce(string_agg(
    uuid_send(known.post_id) || int4send(known.author) || float8send(known.created) || float8send(known.active) || float8send(known."trend") || float8send(known.popularity) || known.vector,
    ''::bytea order by known.post_id
  ), ''), 'base64'), E'\n', '')
  from unnest(p_scopes) as wanted (scope)
  left join (
    select listed.scope, told.post_id, coalesce(uuid_hash(told.author_id), 0) as author, date_part('epoch', told.created_at) as created,
      date_part('epoch', greatest(state.last_active_at, told.created_at)) as active,
      case when state.last_active_at > p_now - interval '168 hours' then state."trend" else '-infinity' end as "trend",
      coalesce(recsys_engine.popularity(state.recent, state.last_active_at), '-infinity') as popularity,
      coalesce(extensions.vector_send(post_embeddings.embedding), decode(repeat('00', 132), 'hex')) as vector
    from unnest(ids, scopes) as listed (post_id, scope)
    -- by one scan of the index: looking up each took twice as long
    join (select source_posts.post_id, source_posts.author_id, source_posts.created_at from recsys.source_posts where source_posts.post_id = any (ids) and source_posts.created_at <= p_now offset 0) as told
      on told.post_id = listed.post_id
    left join recsys_engine.latest_post_stats as state on state.post_id = told.post_id and state.last_active_at <= p_now
    left join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null and post_embeddings.post_id = told.post_id
  ) as known on known.scope is not distinct from wanted.scope
  group by wanted.scope;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.sources_from_hits(p_request recsys_engine.feed_request, p_hits json)
 RETURNS TABLE(source text, size integer, fetch_limit integer, post_id uuid, author_id uuid, rank bigint, place bigint)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT sources.name,
     sources.size,
     sources.fetch_limit,
     found.post_id,
     found.author_id,
     found.rank,
     found.place
    FROM (recsys_engine.sources
      CROSS JOIN LATERAL recsys_engine.eligible_hits(sources_from_hits.p_request, (sources_from_hits.p_hits -> sources.name), sources.fetch_limit) found(post_id, author_id, rank, place))
   WHERE (sources.is_global AND ((sources.name <> 'popular'::text) OR ((sources_from_hits.p_hits IS NOT NULL) AND recsys_engine."is_trend_sparse"(sources_from_hits.p_request))));
END;

CREATE OR REPLACE FUNCTION recsys_engine.readable_share(p_role text)
 RETURNS double precision
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  latest constant uuid[] := array(select latest_post_stats.post_id from recsys_engine.latest_post_stats order by latest_post_stats.last_active_at desc limit 200);
  readable bigint;
begin
  perform set_config('role', p_role, true);
  readable := (select count(*) from recsys.source_posts where source_posts.post_id = any (latest));
  perform set_config('role', 'service_role', true);
  return readable / greatest(cardinality(latest), 1)::double precision;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.candidate_request(p_query recsys_engine.candidate_query)
 RETURNS recsys_engine.feed_request
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  request recsys_engine.feed_request := p_query.request;
  share double precision;
begin
  -- the reader's interactions and follows, as the reader may read them
  perform set_config('role', p_query.role, true);
  if request is not distinct from null then
    request := recsys_engine.with_engaged_posts(recsys_engine.feed_request(p_query.user_id, coalesce(to_timestamp(p_query.at / 1000), recsys.clock()), p_query.filter, p_query.seed, p_query.served), p_query.model_id);
  end if;
  request := recsys_engine.with_followee_engagements(recsys_engine.with_affinities(request));
  perform set_config('role', 'service_role', true);
  request := recsys_engine.with_covisited(request, p_query.model_id);
  if p_query.requested is not null or p_query.global_ids is null or p_query.has_small_readable_set then
    if p_query.global_ids is null and request.filter is null and p_query.requested is null then
      share := recsys_engine.readable_share(p_query.role);
    end if;
    perform set_config('role', p_query.role, true);
    if p_query.requested is not null then
      request := recsys_engine.with_requested_posts(request, p_query.requested);
    else
      request := recsys_engine.with_prefiltered_pool(request, p_query.model_id, p_query.embedding, p_query.has_small_readable_set is distinct from false, share);
    end if;
    perform set_config('role', 'service_role', true);
  end if;
  return request;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.source_since(p_request recsys_engine.feed_request, p_since timestamp with time zone)
 RETURNS TABLE(source text, size integer, fetch_limit integer, post_id uuid, author_id uuid, rank bigint, place bigint)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT 'since'::text AS source,
     most.size,
     most.fetch_limit,
     newest.post_id,
     newest.author_id,
     NULL::bigint AS rank,
     newest.place
    FROM (( SELECT max(sources.size) AS size,
             max(sources.fetch_limit) AS fetch_limit,
             min(sources.max_per_author) AS max_per_author
            FROM recsys_engine.sources
           WHERE sources."prepends_new_posts") most
      CROSS JOIN LATERAL ( SELECT numbered.post_id,
             numbered.author_id,
             row_number() OVER (ORDER BY numbered.created_at DESC, numbered.post_id) AS place
            FROM ( SELECT posts.post_id,
                     posts.author_id,
                     posts.created_at,
                     row_number() OVER (PARTITION BY posts.author_id ORDER BY posts.created_at DESC, posts.post_id) AS number
                    FROM recsys_engine.newest_posts_since(source_since.p_request, (20 * most.fetch_limit), (source_since.p_since + '00:00:00.000001'::interval)) posts(post_id, author_id, created_at)) numbered
           WHERE ((numbered.author_id IS NULL) OR (numbered.number <= most.max_per_author))
           ORDER BY numbered.created_at DESC, numbered.post_id
          LIMIT most.fetch_limit) newest);
END;

CREATE OR REPLACE FUNCTION recsys_engine.find_in_all_sources(p_query recsys_engine.candidate_query, p_request recsys_engine.feed_request)
 RETURNS recsys_engine.found_candidates
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  ranked recsys_engine.ranked_post[];
  found recsys_engine.found_candidates;
begin
  -- where the request names what is readable, sources walk as the service role: the app's policies would be asked of every post on the way
  if p_request.readable is null then
    perform set_config('role', p_query.role, true);
  end if;
  ranked := recsys_engine.ranked_posts(p_request, p_query.model_id, p_query.embedding);
  perform set_config('role', p_query.role, true);
  if p_query.requested is not null then
    -- requested posts that no source brings are candidates, too
    ranked := ranked || array(
      select row(pooled.post_id, '{}')::recsys_engine.ranked_post
      from unnest(p_request.pool) as pooled
      where pooled.post_id not in (select each.post_id from unnest(ranked) as each)
    );
  end if;
  select
    array_agg(row(hydrated.post_id, hydrated.title, hydrated.tags, hydrated.author_id, hydrated.created_at)::recsys_engine.post_row),
    array_agg(hydrated.post_id),
    json_agg(hydrated.ranks)
  into found.posts, found.shown, found.ranks
  from recsys_engine.hydrate_ranked_posts(p_request, ranked) as hydrated;
  perform set_config('role', 'service_role', true);
  return found;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.find_beside_global(p_query recsys_engine.candidate_query, p_request recsys_engine.feed_request)
 RETURNS recsys_engine.found_candidates
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  sources text[];
  sizes integer[];
  fetch_limits integer[];
  hits uuid[];
  authors uuid[];
  places bigint[];
  readable recsys_engine.post_row[];
  found recsys_engine.found_candidates;
begin
  -- as the service role: policies that look up the post of each vector took as long as the search
  select array_agg(each.source), array_agg(each.size), array_agg(each.fetch_limit), array_agg(each.post_id), array_agg(each.author_id), array_agg(each.place)
  into sources, sizes, fetch_limits, hits, authors, places
  from (
    select * from recsys_engine.personal_sources(p_request, p_query.model_id, p_query.embedding, 'kept', p_query.hits)
    union all
    select * from recsys_engine.sources_from_hits(p_request, p_query.hits)
    union all
    select * from recsys_engine.source_since(p_request, to_timestamp(p_query.global_at / 1000))
  ) as each;

  -- check as the reader, in one statement: an app's policies call their functions again for each
  perform set_config('role', p_query.role, true);
  readable := array(
    select case
      when posts.is_full then row(posts.post_id, posts.title, posts.tags, posts.author_id, posts.created_at)::recsys_engine.post_row
      else row(posts.post_id, null, null, posts.author_id, posts.created_at)::recsys_engine.post_row
    end
    from (
      -- a worker has the text of global candidates, unless the reader reads another
      select eligible.*,
        eligible.post_id in (select unnest(hits))
        or (
          p_query.global_texts is not null
          and (eligible.post_id, recsys_engine.text_key(eligible.title, eligible.tags, eligible.author_id)) not in (select unnest(p_query.global_ids), unnest(p_query.global_texts))
        ) as is_full
      from recsys_engine.eligible_posts(p_request) as eligible
      -- by one scan of the index: looking up each of 860 posts read twice as many pages
      where eligible.post_id = any (p_query.global_ids || hits)
    ) as posts
  );
  perform set_config('role', 'service_role', true);
  found.posts := array(select row(each.*)::recsys_engine.post_row from unnest(readable) as each where each.title is not null);
  found.shown := array(select each.post_id from unnest(readable) as each);
  found.common := (
    select json_build_object('place', json_agg(cached.place - 1), 'served_key', json_agg(recsys_engine.served_key(cached.post_id, p_query.seed)))
    from unnest(p_query.global_ids) with ordinality as cached (post_id, place)
    where cached.post_id in (select unnest(found.shown))
  );
  found.lists := (
    select coalesce(json_agg(json_build_object('source', each.source, 'size', each.size, 'posts', each.posts, 'authors', each.authors)), '[]')
    from (
      select listed.source, min(listed.size) as size, json_agg(own.place - 1 order by listed.place) as posts,
        -- a full list may go on: the authors tell whether the rest is needed
        case when count(*) = min(listed.fetch_limit) then json_agg(listed.author_id order by listed.place) end as authors
      from unnest(sources, sizes, fetch_limits, hits, authors, places) as listed (source, size, fetch_limit, post_id, author_id, place)
      left join unnest(found.posts) with ordinality as own (post_id, title, tags, author_id, created_at, place) on own.post_id = listed.post_id
      group by listed.source
    ) as each
  );
  return found;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.encode_candidates(p_query recsys_engine.candidate_query, p_request recsys_engine.feed_request, p_found recsys_engine.found_candidates)
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  affinities constant json := (select json_object_agg(known.author_id, known.affinity) from unnest(p_request.authors, p_request.affinities) as known (author_id, affinity));
  touches json;
  touchers json;
begin
  select
    json_object_agg(touched.post_id, touched.people),
    json_object_agg(touched.post_id, array_remove(array[touched.toucher, touched.other], null)) filter (where touched.toucher is not null)
  into touches, touchers
  from unnest(p_request.touched, p_request.touches, p_request.touchers, p_request.other_touchers) as touched (post_id, people, toucher, other)
  where touched.post_id in (select unnest(p_found.shown));
  return json_build_object(
    'model_gone', p_query.model_id is not null and to_regclass('recsys_engine.post_embeddings_' || p_query.model_id) is null,
    'is_few', p_request.filter is null and p_request.pool is not null and p_query.requested is null,
    'affinities', affinities,
    'follows', to_json(p_request.follows),
    'topics', p_request.topics,
    'more', p_request.more,
    'less', p_request.less,
    'dismissed', p_request.dismissed,
    'originals', case when p_request.originals is not null and p_query.requested is null then json_build_object('post_ids', p_request.originals, 'titles', p_request.original_titles) end,
    'touches', touches,
    'touchers', touchers,
    'muted_authors', p_request.muted_authors,
    'in_circle', p_request.interacted is not null and exists (select from recsys_engine.circle_members where circle_members.user_id = p_query.user_id),
    'common', p_found.common,
    'posts', recsys_engine.post_columns(p_found.posts),
    'ranks', p_found.ranks,
    'lists', p_found.lists,
    'served_keys', array(select recsys_engine.served_key(each.post_id, p_query.seed) from unnest(p_found.posts) as each)
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.feed_candidates(p_query jsonb)
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  query constant recsys_engine.candidate_query := jsonb_populate_record(null::recsys_engine.candidate_query, p_query);
  request constant recsys_engine.feed_request := recsys_engine.candidate_request(query);
  found recsys_engine.found_candidates;
begin
  if query.global_ids is null or request.pool is not null then
    found := recsys_engine.find_in_all_sources(query, request);
  else
    found := recsys_engine.find_beside_global(query, request);
  end if;
  return recsys_engine.encode_candidates(query, request, found);
end
$function$;

drop function recsys_engine.count_new_posts(uuid,timestamp with time zone,jsonb,integer);

CREATE OR REPLACE FUNCTION recsys_engine.count_new_posts(p_user_id uuid, p_since timestamp with time zone, p_filter jsonb DEFAULT NULL::jsonb, p_limit integer DEFAULT 100)
 RETURNS integer
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  request recsys_engine.feed_request := recsys_engine.with_filter(recsys_engine.mutes_only_request(p_user_id, recsys.clock()), p_filter);
  since constant timestamptz := greatest(p_since, request.at - interval '7 days');
  kind text;
  newest uuid[];
begin
  request.user_id := p_user_id;
  if p_user_id is not null then
    kind := recsys_engine.feed_preference(p_user_id);
  end if;
  if kind <> 'impersonal' then
    -- interactions after that instant are new: no more of the user is read
    request.excluded := array_remove(array(
      (
        select source_interactions.post_id from recsys.source_interactions
        where source_interactions.user_id = p_user_id and source_interactions.created_at > since
        order by source_interactions.created_at desc, source_interactions.interaction_id desc
        limit 2000
      )
      union all
      (
        select source_dismissals.post_id from recsys.source_dismissals
        where source_dismissals.user_id = p_user_id and source_dismissals.created_at > since
        order by source_dismissals.created_at desc
        limit 5000
      )
    ), null);
  end if;
  if kind = 'following' then
    return (
      select least(count(*), p_limit)::integer
      -- posts that they interacted with since are among the newest
      from recsys_engine.following_feed(p_user_id, request.at, p_limit + least(cardinality(request.excluded), 1000), p_filter) as posts
      where posts.created_at > since and posts.post_id <> all (request.excluded)
    );
  end if;
  if kind = 'personal' then
    request.follows := recsys_engine.followed_people(p_user_id, request.at);
  end if;
  if recsys_engine.some_wait() then
    return cardinality(recsys_engine.newest_listed(request, p_limit, since + interval '1 microsecond', case when request.is_narrowed then 300 end));
  elsif request.is_narrowed then
    -- a rare tag, or a muted word, had each post of a week looked at: 33 to 60 ms with 100,000 posts
    newest := array(
      select source_posts.post_id from recsys.source_posts
      where source_posts.created_at > since and source_posts.created_at <= request.at
      order by source_posts.created_at desc
      limit 300
    );
    return (
      select count(*)::integer
      from (
        select from unnest(newest) as one (post_id)
        cross join lateral (select from recsys_engine.eligible_posts(request) as posts where posts.post_id = one.post_id offset 0) as posts
        limit p_limit
      ) as found
    );
  end if;
  return (select count(*)::integer from recsys_engine.newest_posts_since(request, p_limit, since + interval '1 microsecond'));
end
$function$;

drop function recsys_engine.user_model_inputs(uuid,bigint,timestamp with time zone,uuid[]);

CREATE OR REPLACE FUNCTION recsys_engine.user_model_inputs(p_user_id uuid, p_model_id bigint, p_now timestamp with time zone, p_history_posts uuid[])
 RETURNS TABLE(id_embedding extensions.vector, history extensions.vector[], history_posts uuid[], followed extensions.vector, components extensions.vector)
 LANGUAGE plpgsql
 STABLE ROWS 1
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
begin
  return query
  select
    (select user_embeddings.id_embedding from recsys.user_embeddings where user_embeddings.model_id = p_model_id and user_embeddings.user_id = p_user_id),
    coalesce(array_agg(post_embeddings.embedding order by listed.place), '{}'),
    coalesce(array_agg(post_embeddings.post_id order by listed.place), '{}'),
    recsys_engine.followed_vector(recsys_engine.followed_people(p_user_id, p_now), p_model_id, p_now),
    recsys_engine.user_components(p_user_id, p_model_id)
  from unnest(p_history_posts) with ordinality as listed (post_id, place)
  join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = listed.post_id;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.user_vectors(p_user_id uuid, p_model_id bigint, p_now timestamp with time zone, p_history_posts uuid[])
 RETURNS TABLE(id_embedding extensions.vector, history extensions.vector[], history_posts uuid[], followed extensions.vector)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
BEGIN ATOMIC
 SELECT inputs.id_embedding,
     inputs.history,
     inputs.history_posts,
     inputs.followed
    FROM recsys_engine.user_model_inputs(user_vectors.p_user_id, user_vectors.p_model_id, user_vectors.p_now, user_vectors.p_history_posts) inputs(id_embedding, history, history_posts, followed, components);
END;

CREATE OR REPLACE FUNCTION recsys_engine.visible_posts(p_user_id uuid, p_post_ids uuid[], p_filter jsonb DEFAULT NULL::jsonb, p_is_named boolean DEFAULT false)
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  request recsys_engine.feed_request := recsys_engine.with_filter(recsys_engine.mutes_only_request(p_user_id, recsys.clock()), p_filter);
begin
  if p_is_named then
    request.withholds := false;
  else
    request.user_id := p_user_id;
    -- visitors have no follows, and no rights on preferences
    if request.withholds and p_user_id is not null then
      -- of who wants no personalisation nothing is read, not even whom they follow
      if recsys_engine.feed_preference(p_user_id) <> 'impersonal' then
        request.follows := recsys_engine.followed_people(p_user_id, request.at);
      end if;
    end if;
  end if;
  return array(
    select posts.post_id
    from unnest(p_post_ids) as one (post_id)
    cross join lateral (select eligible.post_id from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = one.post_id offset 0) as posts
  );
end
$function$;

drop function recsys_engine.is_list(jsonb,text,integer,integer);

CREATE OR REPLACE FUNCTION recsys_engine.is_list(p_value jsonb, p_entry text, p_least integer, p_limit integer)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
RETURN CASE WHEN (jsonb_typeof(p_value) IS DISTINCT FROM 'array'::text) THEN false WHEN ((jsonb_array_length(p_value) < p_least) OR (jsonb_array_length(p_value) > p_limit)) THEN false ELSE (SELECT COALESCE(bool_and(((jsonb_typeof(entry.value) = 'string'::text) AND ((entry.value #>> '{}'::text[]) ~ is_list.p_entry))), true) AS "coalesce" FROM jsonb_array_elements(is_list.p_value) entry(value)) END;

CREATE OR REPLACE FUNCTION recsys_engine.may_pin(p_place smallint, p_filter jsonb)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
RETURN ((p_place IS NULL) OR (p_filter IS NULL) OR (p_filter ? 'author_ids'::text));

CREATE OR REPLACE FUNCTION recsys_engine.check_promotion()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  uuid constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
begin
  -- refused when it is written: one that cannot be read later would take all others from feeds. Who is erased may leave a list of ids empty
  if new.filter - array['tags', 'author_ids', 'max_age_days', 'languages'] <> '{}'
    or (new.filter ? 'tags' and not recsys_engine.is_list(new.filter -> 'tags', '^.{1,100}$', 1, 50))
    or (new.filter ? 'author_ids' and not recsys_engine.is_list(new.filter -> 'author_ids', uuid, 0, 50))
    or (new.filter ? 'languages' and not recsys_engine.is_list(new.filter -> 'languages', '^[a-z]{2,3}(-[a-z0-9]{2,8})*$', 1, 50))
    or (new.filter ? 'max_age_days' and not recsys_engine.is_days(new.filter -> 'max_age_days')) then
    raise exception 'filter has tags (texts of 1 to 100 characters), author_ids (uuids) and languages (such as en), 50 at most, and max_age_days (from 1 to 36500), not %', left(new.filter::text, 200)
      using errcode = '22023';
  end if;
  if new.people - array['user_ids', 'passions', 'signed_up_days'] <> '{}'
    or (new.people ? 'user_ids' and not recsys_engine.is_list(new.people -> 'user_ids', uuid, 0, 10000))
    or (new.people ? 'passions' and not recsys_engine.is_list(new.people -> 'passions', '^.{1,100}$', 1, 50))
    or (new.people ? 'signed_up_days' and not recsys_engine.is_days(new.people -> 'signed_up_days')) then
    raise exception 'people has user_ids (10000 uuids at most), passions (1 to 50 texts of 1 to 100 characters) and signed_up_days (a whole number from 1 to 36500), not %', left(new.people::text, 200)
      using errcode = '22023';
  end if;
  -- one of 1.0.0 may still be ended, and pins nothing
  if not recsys_engine.may_pin(new.place, new.filter) and (tg_op = 'INSERT' or (new.place, new.filter) is distinct from (old.place, old.filter)) then
    raise exception 'a place needs post_id, or author_ids in its filter, or whoever gives a post that tag has the place: name one of these, or give factor instead of place'
      using errcode = '22023';
  end if;
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.small_group_posts(p_group_by text, p_now timestamp with time zone DEFAULT recsys.clock())
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
  return array(
    with written as materialized (
      select posts.post_id, posts.created_at, coalesce(posts.author_id, posts.post_id) as author_id, recsys_engine.group_of(p_group_by, posts.language, posts.tags) as name
      from recsys.source_posts as posts
      where posts.created_at <= p_now and posts.created_at > p_now - interval '28 days'
    ),
    -- a person counts once, whatever they wrote: 60 posts of an hour's account made 60 groups, and had a quarter of each page
    groups as (
      select each.name, sum(each.people) over (order by each.people, each.name) as so_far, sum(each.people) over () as total
      from (
        select parts.name, sum(parts.part) as people
        from (
          select written.name, count(*) / sum(count(*)) over (partition by written.author_id) as part
          from written where written.name is not null group by written.name, written.author_id
        ) as parts
        group by parts.name
      ) as each
    ),
    small as (
      select written.*, row_number() over (partition by written.name, written.author_id order by written.created_at desc, written.post_id) as number
      from written
      join groups using (name)
      where groups.so_far <= groups.total / 10
    ),
    turns as (
      select small.post_id, small.created_at, small.name, row_number() over (partition by small.author_id order by small.number, small.created_at desc, small.post_id) as turn
      from small
    )
    select numbered.post_id
    from (
      select turns.*, row_number() over (partition by turns.name order by turns.turn, turns.created_at desc, turns.post_id) as number from turns
    ) as numbered
    where numbered.number <= 20
    -- each author's first before any second one, and of these the first of each group
    order by numbered.turn, numbered.number, numbered.created_at desc, numbered.post_id
    limit 200
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.promoted_posts(p_role text, p_user_id uuid, p_now timestamp with time zone, p_candidates uuid[], p_filter jsonb DEFAULT NULL::jsonb, p_seed bigint DEFAULT NULL::bigint, p_served bigint[] DEFAULT NULL::bigint[], p_small_groups uuid[] DEFAULT '{}'::uuid[], p_floor integer DEFAULT 0)
 RETURNS json
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  -- null: a visitor, or a user who wants no personalisation
  reader uuid;
  person recsys.source_users;
  promotions recsys.promotions[];
  promotion recsys.promotions;
  request recsys_engine.feed_request;
  narrowed recsys_engine.feed_request;
  follows uuid[];
  known uuid[] := '{}'::uuid[];
  seen uuid[] := '{}'::uuid[];
  wanted uuid[];
  posts recsys_engine.post_row[] := '{}'::recsys_engine.post_row[];
  found json[] := '{}'::json[];
begin
  if p_user_id is not null and recsys_engine.feed_preference(p_user_id) <> 'impersonal' then
    reader := p_user_id;
  end if;
  select * into person from recsys.source_users where source_users.user_id = reader;
  promotions := array(
    select promotions
    from recsys.promotions
    where promotions.starts_at <= p_now and promotions.ends_at > p_now and recsys_engine.may_pin(promotions.place, promotions.filter)
      and recsys_engine.is_promoted_to(promotions.people, person.user_id, person.passions, person.created_at)
      -- visitors are not logged, nor are users who saw more today than is kept
      and (promotions.per_person_and_day is null or (reader is not null and promotions.per_person_and_day > (
        select count(distinct impressions.request_id) from recsys.impressions
        where impressions.user_id = reader and impressions.shown_at > p_now - interval '24 hours' and impressions.promotion_id = promotions.promotion_id
      ) and not exists (
        select from recsys_engine.user_days cross join recsys.settings
        where user_days.user_id = reader and user_days.day = (now() at time zone 'utc')::date and user_days.impressions >= settings.impressions_per_day
      )))
    order by promotions.promotion_id desc
    limit 50
  );

  if promotions <> '{}' or p_small_groups <> '{}' then
    request.at := p_now;
    -- withheld posts are for these
    request.follows := case when reader is not null then recsys_engine.followed_people(reader, p_now) end;
    perform set_config('role', p_role, true);
    follows := request.follows;
    request := recsys_engine.mutes_only_request(p_user_id, p_now);
    request.follows := follows;
    request.user_id := p_user_id;
    request.seed := p_seed;
    request.served := p_served;
    if reader is not null then
      known := array_remove(array(
        (
          select source_interactions.post_id from recsys.source_interactions
          where source_interactions.user_id = reader and source_interactions.created_at <= p_now
          order by source_interactions.created_at desc, source_interactions.interaction_id desc
          limit 2000
        )
        union
        select unnest(user_affinities.post_ids) from recsys_engine.user_affinities where user_affinities.user_id = reader
        union
        (
          select source_dismissals.post_id from recsys.source_dismissals
          where source_dismissals.user_id = reader and source_dismissals.created_at <= p_now
          order by source_dismissals.created_at desc
          limit 5000
        )
      ), null);
      seen := recsys_engine.seen_posts(reader, p_now);
    end if;
    foreach promotion in array promotions loop
      -- who pins a post for a day means it to stay when it was seen
      request.excluded := case when promotion.place is null then known || seen else known end;
      wanted := array[promotion.post_id];
      if promotion.filter is not null then
        narrowed := recsys_engine.with_filter(request, promotion.filter);
        wanted := array(
          select newest.post_id from unnest(recsys_engine.newest_filtered_posts(narrowed, 20)) as newest
          union
          select eligible.post_id from recsys_engine.eligible_posts(narrowed) as eligible where eligible.post_id = any (p_candidates)
        );
        -- a new account can use any tag, so a newcomer's post is promoted only by its id or its author
        if not promotion.filter ? 'author_ids' then
          wanted := array(select each.post_id from unnest(wanted) as each (post_id) where each.post_id <> all (recsys_engine.posts_of_newcomers(wanted)));
        end if;
      end if;
      -- what the reader asked of each post holds of these, too
      narrowed := recsys_engine.with_filter(request, p_filter);
      with shown as materialized (
        select eligible.* from unnest(wanted) as one (post_id)
        cross join lateral (select * from recsys_engine.eligible_posts(narrowed) as each where each.post_id = one.post_id offset 0) as eligible
      )
      select
        array_agg(shown.post_id),
        posts || array_agg(row(shown.*)::recsys_engine.post_row) filter (where shown.post_id <> all (p_candidates) and shown.post_id not in (select each.post_id from unnest(posts) as each))
      into wanted, posts
      from shown;
      if wanted is not null then
        found := found || json_build_object('promotion_id', promotion.promotion_id, 'name', promotion.name, 'place', promotion.place, 'factor', promotion.factor, 'post_ids', wanted);
      end if;
    end loop;
    request.excluded := known || seen;
    narrowed := recsys_engine.with_filter(request, p_filter);
    posts := posts || array(
      select row(eligible.*)::recsys_engine.post_row from unnest(p_small_groups) with ordinality as one (post_id, place)
      cross join lateral (select * from recsys_engine.eligible_posts(narrowed) as each where each.post_id = one.post_id offset 0) as eligible
      where one.post_id <> all (p_candidates) and one.post_id not in (select each.post_id from unnest(posts) as each)
        and one.post_id <> all (recsys_engine.posts_of_newcomers(p_small_groups))
      order by one.place
      limit p_floor
    );
    perform set_config('role', 'service_role', true);
  end if;
  return json_build_object(
    'promotions', array_to_json(found),
    'posts', recsys_engine.post_columns(posts),
    'served_keys', array(select recsys_engine.served_key(each.post_id, p_seed) from unnest(posts) as each)
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys.preview_promotion(p_promotion_id bigint)
 RETURNS TABLE(figure text, value double precision, count bigint)
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
#variable_conflict use_column
declare
  promotion recsys.promotions;
  day_ago constant timestamptz := recsys.clock() - interval '24 hours';
  request recsys_engine.feed_request;
  post_ids uuid[];
  people uuid[];
  -- looked up once: each of 100,000 people read a list of as many
  named uuid[];
  readers bigint;
begin
  select * into promotion from recsys.promotions where promotions.promotion_id = p_promotion_id;
  if promotion.promotion_id is null then
    raise exception 'there is no promotion %', coalesce(p_promotion_id::text, 'null') using errcode = 'P0002', hint = 'select promotion_id, name from recsys.promotions';
  end if;
  request.at := recsys.clock();
  request.excluded := '{}';
  request := recsys_engine.with_filter(request, promotion.filter);
  post_ids := case when not recsys_engine.may_pin(promotion.place, promotion.filter) then '{}' when promotion.filter is null then array[promotion.post_id]
    else array(select newest.post_id from unnest(recsys_engine.newest_filtered_posts(request, 100)) as newest) end;
  named := array(select jsonb_array_elements_text(promotion.people -> 'user_ids')::uuid);
  people := array(
    select came.user_id
    from (select distinct impressions.user_id from recsys.impressions where impressions.shown_at > day_ago and impressions.mode = 'live') as came
    join recsys.source_users as users on users.user_id = came.user_id
    -- a feed of follows has no promotions
    where (promotion.people -> 'user_ids' is null or users.user_id = any (named)) and recsys_engine.feed_preference(users.user_id) <> 'following' and recsys_engine.is_promoted_to(promotion.people - 'user_ids', users.user_id, users.passions, users.created_at)
  );
  select count(*) into readers
  from recsys_engine.readable_posts(array(select one from unnest(people) as one order by md5(one::text) limit 200), post_ids) as reader
  cross join lateral (select recsys_engine.feed_preference(reader.user_id) = 'impersonal' as is_impersonal) as kind
  where exists (
    select from recsys.source_posts as posts
    where posts.post_id = any (reader.post_ids) and (posts.author_id = reader.user_id) is not true
      and (kind.is_impersonal or (
        not exists (select from recsys.source_dismissals as dismissals where dismissals.user_id = reader.user_id and dismissals.post_id = posts.post_id)
        and not exists (select from recsys.source_interactions as acts where acts.user_id = reader.user_id and acts.post_id = posts.post_id)
      ))
      and not exists (
        select from recsys.source_mutes as mutes
        where mutes.user_id = reader.user_id and recsys_engine.matches_mute(mutes.kind, mutes.value, posts.author_id, posts.title, posts.tags, posts.description)
      )
      and (
        not exists (select from recsys.source_withheld as withheld where withheld.post_id = posts.post_id or withheld.author_id = posts.author_id)
        or not kind.is_impersonal and exists (
          select from recsys.source_follows as follows
          where follows.user_id = reader.user_id and follows.kind = 'person' and follows.target = posts.author_id::text
        )
      )
  );
  return query
  with pages as materialized (
    select impressions.request_id, impressions.post_id, impressions.position, impressions.score,
      -- what was promoted, by this one or another, is not what pages had anyway
      impressions.post_id = any (post_ids) and impressions.promotion_id is null as is_promoted
    from recsys.impressions
    where impressions.user_id = any (people) and impressions.shown_at > day_ago and impressions.mode = 'live'
      and impressions.request_id in (
        select first.request_id from recsys.impressions as first
        where first.user_id = any (people) and first.shown_at > day_ago and first.position = 1 and first.mode = 'live'
      )
  ),
  had as (
    select pages.*,
      case when promotion.place is not null then promotion.place
        else 1 + (select count(*) from pages as others where others.request_id = pages.request_id and others.post_id <> pages.post_id
          and others.score * case when others.is_promoted then promotion.factor else 1 end > pages.score * promotion.factor)
      end as place_then
    from pages where pages.is_promoted
  )
  select figures.figure, figures.value, figures.count
  from (
    select 0, 'it pins nothing: a place needs post_id, or author_ids in its filter', null, null where not recsys_engine.may_pin(promotion.place, promotion.filter)
    union all select 1, 'posts', cardinality(post_ids)::double precision, cardinality(post_ids)::bigint
    union all select 2, 'people of the last day whom it is for', cardinality(people), cardinality(people)
    union all select 3, 'of them who may be shown it', readers::double precision / nullif(least(200, cardinality(people)), 0), least(200, cardinality(people))
    union all select 4, 'first pages that had it', count(distinct had.request_id)::double precision / nullif((select count(distinct pages.request_id) from pages), 0), (select count(distinct pages.request_id) from pages) from had
    union all select 5, 'its place on these', avg(had.position), count(*) from had
    union all select 6, 'its place then', case when promotion.place is null then avg(had.place_then) else promotion.place end, count(*) from had
  ) as figures (number, figure, value, count)
  order by figures.number;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.check_promotions()
 RETURNS TABLE(stops boolean, problem text, cure text)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
BEGIN ATOMIC
 SELECT false,
     format('recsys.promotions: promotion %s has place %s for posts that anybody may write, and pins nothing'::text, promotions.promotion_id, promotions.place) AS format,
     format('update recsys.promotions set place = null, factor = 2 where promotion_id = %1$s; or keep the place for posts of some authors: set filter = filter || ''{"author_ids": ["ID"]}'''::text, promotions.promotion_id) AS format
    FROM recsys.promotions
   WHERE ((promotions."ends_at" > recsys.clock()) AND (NOT recsys_engine.may_pin(promotions.place, promotions.filter)))
   ORDER BY promotions.promotion_id
  LIMIT 10;
END;

CREATE OR REPLACE FUNCTION recsys_engine.enqueue_embedding_jobs(p_kind text, p_entity_ids uuid[])
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  insert into recsys_engine.embedding_jobs as job (kind, entity_id)
  select p_kind, changed.id from unnest(p_entity_ids) as changed (id)
  where changed.id is not null
  group by changed.id
  -- in the order of the key, so that two statements cannot wait for each other
  order by changed.id
  on conflict (kind, entity_id) do update set
    version = job.version + 1, changed_by = excluded.changed_by, due_at = least(job.due_at, excluded.due_at),
    attempts = 0, failures = 0, last_error = null
  -- queued by this transaction: no worker has seen that version yet
  where job.changed_by <> excluded.changed_by
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.clean_up_deleted_entities(p_kind text, p_ids uuid[], p_is_known boolean DEFAULT true)
 RETURNS uuid[]
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  gone uuid[];
begin
  if p_kind = 'post' then
    gone := array(select listed.id from unnest(p_ids) as listed (id) where listed.id is not null and not exists (select from recsys.source_posts as source where source.post_id = listed.id));
  else
    gone := array(select listed.id from unnest(p_ids) as listed (id) where listed.id is not null and not exists (select from recsys.source_users as source where source.user_id = listed.id));
  end if;
  delete from recsys_engine.embedding_jobs as waiting where waiting.kind = p_kind and waiting.entity_id = any (gone);
  delete from recsys_engine.embedding_changes as waiting where waiting.kind = p_kind and waiting.entity_id = any (gone);
  -- all that is known of it is to go as well
  insert into recsys.erasures (kind, entity_id) select p_kind, listed.id from unnest(gone) as listed (id) where p_is_known;
  return array(select unnest(p_ids) except select unnest(gone));
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.record_edits(p_post_ids uuid[])
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  insert into recsys_engine.edited_posts as known (post_id, edited_at)
  select changed.id, recsys.clock() from unnest(p_post_ids) as changed (id) where changed.id is not null order by changed.id
  on conflict (post_id) do update set edited_at = excluded.edited_at
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.queue_text_changes()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- its columns were quoted by recsys.watch, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  changed text;
  ids uuid[];
  known uuid[];
begin
  if tg_op = 'TRUNCATE' then
    -- it does not say whose texts it took
    changed := format('select source.%1$s_id as id from recsys.source_%1$ss as source', tg_argv[0]);
  else
    changed := format('select %s as id from (%s) as changed', tg_argv[1], recsys_engine.changed_rows(tg_op, tg_argv[2]));
  end if;
  execute format('select array_agg(distinct changed.id) from (%s) as changed', changed) into ids;
  if tg_op = 'DELETE' then
    -- one that only lost a part of its text, such as a project, is embedded again
    ids := recsys_engine.clean_up_deleted_entities(tg_argv[0], ids);
  elsif tg_op = 'TRUNCATE' then
    execute format('select array_agg(distinct known.%1$s_id) from recsys.%1$s_embeddings as known', tg_argv[0]) into known;
    perform recsys_engine.clean_up_deleted_entities(tg_argv[0], known);
    -- entities with waiting jobs alone have nothing to erase, and the app may insert them again under the same id
    perform recsys_engine.clean_up_deleted_entities(tg_argv[0], array(
      select waiting.entity_id from recsys_engine.embedding_jobs as waiting where waiting.kind = tg_argv[0]
      union select waiting.entity_id from recsys_engine.embedding_changes as waiting where waiting.kind = tg_argv[0]
    ), false);
  end if;
  perform recsys_engine.enqueue_embedding_jobs(tg_argv[0], ids);
  -- a vector that the app made again is no edit
  if tg_op = 'UPDATE' and tg_argv[0] = 'post' and tg_argv[tg_nargs - 1]::jsonb ->> 'kind' is distinct from 'vectors' then
    perform recsys_engine.record_edits(ids);
  end if;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.claim_embedding_jobs(p_limit integer, p_lease interval)
 RETURNS TABLE(kind text, entity_id uuid, claim bigint)
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  new_claim constant bigint := nextval('recsys_engine.embedding_claim_seq');
  -- every other time, where others wait too: those whose turn it is must not wait until hundreds were taken one at a time
  leaves_alone constant boolean := new_claim % 2 = 0 and exists (select from recsys_engine.due_embedding_jobs as due where due.attempts < 2);
begin
  if p_limit is null or p_limit < 1 then
    raise exception 'a claim takes at least one job, not %', p_limit;
  end if;
  if p_lease is null or p_lease <= interval '0' then
    raise exception 'a lease must last for a while, not %', p_lease;
  end if;
  return query
  with
  -- a job that two workers did not come back with comes alone: it may be what ended them, and would take others along
  again as (
    select due.kind, due.entity_id from recsys_engine.due_embedding_jobs as due where due.attempts >= 2 and not leaves_alone
    order by due.due_at, due.entity_id limit 1 for update skip locked
  ),
  -- half the oldest and half the newest: a new post does not wait behind an import, nor is the import forgotten
  oldest as (
    select due.kind, due.entity_id from recsys_engine.due_embedding_jobs as due where due.attempts < 2 and not exists (select from again)
    order by due.due_at, due.entity_id limit (p_limit + 1) / 2 for update skip locked
  ),
  newest as (
    select due.kind, due.entity_id from recsys_engine.due_embedding_jobs as due where due.attempts < 2 and not exists (select from again)
    order by due.due_at desc, due.entity_id desc limit p_limit / 2 for update skip locked
  ),
  picked as (select * from again union select * from oldest union select * from newest)
  update recsys_engine.embedding_jobs as job
  set claim = new_claim, claimed_version = job.version, claimed_until = now() + p_lease, attempts = job.attempts + 1
  from picked
  where job.kind = picked.kind and job.entity_id = picked.entity_id
  returning job.kind, job.entity_id, job.claim;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.complete_embedding_jobs(p_claim bigint, p_model_id bigint, p_kinds text[], p_entity_ids uuid[], p_embeddings text[], p_topic_vectors text[] DEFAULT NULL::text[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  kinds text[];
  ids uuid[];
  embeddings text[];
  topic_vectors text[];
begin
  -- an activation of another model and this statement wait for each other: vectors and pointer cannot pass each
  -- other
  perform from recsys.models where models.model_id = p_model_id and models.status = 'active' for share;
  if not found then
    update recsys_engine.embedding_jobs as job
    set claim = null, claimed_until = null, attempts = job.attempts - 1
    from unnest(p_kinds, p_entity_ids) as given (kind, entity_id)
    where job.kind = given.kind and job.entity_id = given.entity_id and job.claim = p_claim;
    return 0;
  end if;
  -- a job that is locked is being changed right now, and by a transaction that may take its time: it is left to the next claim
  select array_agg(mine.kind), array_agg(mine.entity_id), array_agg(mine.embedding), array_agg(mine.topic_vector) into kinds, ids, embeddings, topic_vectors
  from (
    select job.kind, job.entity_id, given.embedding, given.topic_vector
    from unnest(p_kinds, p_entity_ids, p_embeddings, p_topic_vectors) as given (kind, entity_id, embedding, topic_vector)
    join recsys_engine.embedding_jobs as job on job.kind = given.kind and job.entity_id = given.entity_id
    where job.claim = p_claim
    for update of job skip locked
  ) as mine;
  -- no state of theirs changes, but workers keep vectors, and the next roll-up tells them
  insert into recsys_engine.feature_changes (post_id, at)
  select post_embeddings.post_id, 'infinity'
  from unnest(kinds, ids, embeddings) as done (kind, entity_id, embedding)
  join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = done.entity_id
  where done.kind = 'post' and done.embedding is not null;
  insert into recsys.post_embeddings (model_id, post_id, embedding)
  select p_model_id, done.entity_id, done.embedding::extensions.vector
  from unnest(kinds, ids, embeddings) as done (kind, entity_id, embedding)
  where done.kind = 'post' and done.embedding is not null
  on conflict (model_id, post_id) do update set embedding = excluded.embedding;
  -- an old post that is new to the engine
  perform recsys_engine.mark_idle(array_agg(done.entity_id)) from unnest(kinds, ids) as done (kind, entity_id) where done.kind = 'post';
  perform recsys_engine.assign_topics(p_model_id, array_agg(done.entity_id), array_agg(done.topic_vector))
  from unnest(kinds, ids, topic_vectors) as done (kind, entity_id, topic_vector)
  where done.kind = 'post' and done.topic_vector is not null;
  insert into recsys.user_embeddings (model_id, user_id, embedding)
  select p_model_id, done.entity_id, done.embedding::extensions.vector
  from unnest(kinds, ids, embeddings) as done (kind, entity_id, embedding)
  where done.kind = 'user' and done.embedding is not null
  on conflict (model_id, user_id) do update set embedding = excluded.embedding;
  delete from recsys.user_embeddings using unnest(kinds, ids) as done (kind, entity_id)
  where done.kind = 'user' and user_embeddings.user_id = done.entity_id and done.entity_id in (select personalization_opt_outs.user_id from recsys_engine.personalization_opt_outs);
  delete from recsys_engine.reduced_user_vectors using unnest(kinds, ids) as done (kind, entity_id)
  where done.kind = 'user' and reduced_user_vectors.user_id = done.entity_id and done.entity_id in (select personalization_opt_outs.user_id from recsys_engine.personalization_opt_outs);
  -- changed again while in work: it stays for another run
  update recsys_engine.embedding_jobs as job
  set claim = null, claimed_until = null, enqueued_at = now(), due_at = now()
  from unnest(kinds, ids) as done (kind, entity_id)
  where job.kind = done.kind and job.entity_id = done.entity_id and job.version <> job.claimed_version;
  with gone as (
    delete from recsys_engine.embedding_jobs as job using unnest(kinds, ids) as done (kind, entity_id)
    where job.kind = done.kind and job.entity_id = done.entity_id and job.version = job.claimed_version
    returning job.kind, job.entity_id, job.changed_by
  )
  insert into recsys_engine.embedding_changes (kind, entity_id, changed_by)
  select gone.kind, gone.entity_id, gone.changed_by from gone
  where exists (select from recsys.models where models.model_id <> p_model_id and not recsys_engine.model_includes_change(models, gone.changed_by))
  on conflict (kind, entity_id) do update set changed_by = excluded.changed_by;
  return coalesce(cardinality(ids), 0);
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.sync_jobs_with_active_model()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  with superfluous as (
    -- a locked job is being changed or completed right now, so it is not superfluous
    select job.kind, job.entity_id from recsys_engine.embedding_jobs as job
    where recsys_engine.model_includes_change(new, job.changed_by)
    for update skip locked
  ),
  gone as (
    delete from recsys_engine.embedding_jobs as job using superfluous
    where job.kind = superfluous.kind and job.entity_id = superfluous.entity_id
    returning job.kind, job.entity_id, job.changed_by
  )
  insert into recsys_engine.embedding_changes (kind, entity_id, changed_by)
  select gone.kind, gone.entity_id, gone.changed_by from gone
  where exists (select from recsys.models where models.model_id <> new.model_id and not recsys_engine.model_includes_change(models, gone.changed_by))
  on conflict (kind, entity_id) do update set changed_by = excluded.changed_by;
  insert into recsys_engine.embedding_jobs (kind, entity_id, changed_by)
  select changes.kind, changes.entity_id, changes.changed_by
  from recsys_engine.embedding_changes as changes
  where not recsys_engine.model_includes_change(new, changes.changed_by)
  order by changes.kind, changes.entity_id
  on conflict (kind, entity_id) do nothing;
  delete from recsys_engine.embedding_changes as changes
  where not exists (select from recsys.models where not recsys_engine.model_includes_change(models, changes.changed_by));
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.call_embed()
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  project_url text;
  secret_key text;
begin
  -- an empty queue costs no call
  if not recsys_engine.has_due_embedding_jobs() and not exists (select from recsys_engine.encoding_jobs where encoding_jobs.failures < 5) then
    return null;
  end if;
  -- vault and net are looked up when these lines run: where they are missing, nothing calls this
  select max(decrypted_secret) filter (where name = 'recsys_project_url'), max(decrypted_secret) filter (where name = 'recsys_secret_key')
  into project_url, secret_key
  from vault.decrypted_secrets;
  if project_url is null or secret_key is null then
    raise exception 'posts wait to be embedded, and the Vault does not say where and with which key'
      using hint = 'select vault.create_secret(''https://PROJECT.supabase.co'', ''recsys_project_url''), vault.create_secret(''sb_secret_…'', ''recsys_secret_key'')';
  end if;
  return net.http_post(
    url := rtrim(project_url, '/') || '/functions/v1/embed',
    headers := jsonb_build_object('content-type', 'application/json', 'apikey', secret_key),
    timeout_milliseconds := 15000
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.refresh_topics()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  serving constant bigint := (select model_id from recsys.models where status = 'active');
  since constant timestamptz := recsys.clock() - interval '28 days';
  -- in a community of more than 500,000 interactions in 28 days earlier states are thinned, and a post would seem to
  -- have had none
  known_since constant timestamptz := greatest(since, (select least(thinned_before, recsys.clock() - interval '1 day') from recsys_engine.pruning_progress));
  known_days constant double precision := extract(epoch from recsys.clock() - known_since)::double precision / 86400;
  lacking uuid[];
  -- members and ideas are told these figures, which would else say what an organisation of the community does
  readable constant uuid[] := (select post_ids from recsys_engine.readable_posts(array[gen_random_uuid()], null));
  counted integer;
begin
  -- what was embedded while topics were replaced, or by a publish of which topics are not made yet
  select array_agg(vectors.post_id) into lacking
  from recsys.post_embeddings as vectors
  where vectors.model_id = serving and not exists (select from recsys_engine.post_topics where post_topics.post_id = vectors.post_id)
    and exists (select from recsys_engine.topics where topics.model_id = serving);
  if lacking is not null then
    perform recsys_engine.assign_topics(serving, lacking);
  end if;
  with sizes as (
    select post_topics.topic_id, count(*) as posts from recsys_engine.post_topics group by post_topics.topic_id
  ),
  told as materialized (
    select post_topics.post_id, post_topics.topic_id
    from unnest(readable) as posts (post_id)
    join recsys_engine.post_topics on post_topics.post_id = posts.post_id
  ),
  written as (
    select told.topic_id, count(*) / 28.0 as supply
    from recsys.source_posts as posts
    join told on told.post_id = posts.post_id
    where posts.created_at > since and posts.created_at <= recsys.clock()
    group by told.topic_id
  ),
  -- each person once a day: one user's thousand interactions create no demand of many
  came as (
    select distinct told.topic_id, stats.user_id, floor(extract(epoch from recsys.clock() - stats.last_active_at) / 86400) as day
    from recsys_engine.post_stats as stats
    join told on told.post_id = stats.post_id
    where stats.last_active_at > known_since and stats.last_active_at <= recsys.clock()
  ),
  wanted as (
    select came.topic_id, count(*) / known_days as demand, count(distinct came.user_id)::integer as people from came group by came.topic_id
  )
  update recsys_engine.topics
  set size = coalesce(sizes.posts, 0), demand = coalesce(wanted.demand, 0), people = coalesce(wanted.people, 0), supply = coalesce(written.supply, 0), updated_at = now()
  from recsys_engine.topics as same
  left join sizes on sizes.topic_id = same.topic_id
  left join written on written.topic_id = same.topic_id
  left join wanted on wanted.topic_id = same.topic_id
  where topics.topic_id = same.topic_id;
  get diagnostics counted = row_count;
  return counted;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.watch_name(p_kind text, p_columns text[])
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  -- names of columns are for readers of \d; six digits of a hash tell apart those that begin alike
  select p_kind || case when cardinality(p_columns) > 0 then format('_%s_%s',
    left(regexp_replace(lower(array_to_string(p_columns, '_')), '[^a-z0-9_]', '', 'g'), 18), left(md5(p_columns::text), 6)) else '' end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.reads_columns(p_table regclass, p_columns text[])
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select has_schema_privilege(pg_class.relnamespace, 'usage') and not exists (
    select from unnest(p_columns) as wanted (name)
    left join pg_catalog.pg_attribute on pg_attribute.attrelid = p_table and pg_attribute.attname = wanted.name and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
    where pg_attribute.attname is null or not has_column_privilege(p_table, pg_attribute.attnum, 'select')
  )
  from pg_catalog.pg_class where pg_class.oid = p_table
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.real_numbers(p_numbers double precision[])
 RETURNS real[]
 LANGUAGE sql
 IMMUTABLE STRICT
 SET search_path TO ''
AS $function$
  select array_agg((case when abs(given.number) > 3e38 then 'NaN' when abs(given.number) < 1e-37 then 0 else given.number end)::real order by given.place)
  from unnest(p_numbers) with ordinality as given (number, place)
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.queue_watched(p_table regclass, p_watch jsonb, p_with_users boolean)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  -- the SQL in p_watch was quoted by recsys.watch, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  changed_user constant text := p_watch ->> 'changed_user';
  changed_post constant text := p_watch ->> 'changed_post';
  entity constant text := p_watch ->> 'entity';
  entity_sql constant text := p_watch ->> 'entity_sql';
  -- rows that are queued already are skipped, if no roll-up can take them before this transaction commits
  waits constant text := case when recsys_engine.try_lock('roll_up') then
    'not exists (select from recsys_engine.feature_changes as waiting where waiting.%1$I = named.id and waiting.%2$I is null and waiting.at = ''-infinity'')' else 'true' end;
begin
  if changed_post is not null then
    execute format('insert into recsys_engine.feature_changes (post_id) select named.id from (select distinct %s as id from %s as changed) as named where named.id is not null and %s',
      changed_post, p_table, format(waits, 'post_id', 'user_id'));
  end if;
  if changed_user is not null and (changed_post is null or p_with_users) then
    execute format('insert into recsys_engine.feature_changes (user_id) select named.id from (select distinct %s as id from %s as changed) as named where named.id is not null and %s',
      changed_user, p_table, format(waits, 'user_id', 'post_id'));
  end if;
  if entity = 'post' then
    execute format('select recsys_engine.index_tags(coalesce(array_agg(distinct %1$s) filter (where %1$s is not null), ''{}'')) from %2$s as changed', entity_sql, p_table);
  end if;
  if entity is not null then
    execute format('select recsys_engine.enqueue_embedding_jobs($1, array_agg(distinct %s)) from %s as changed', entity_sql, p_table) using entity;
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION recsys.watch(p_table regclass, p_kind text, p_id text DEFAULT 'id'::text, p_user_id text DEFAULT 'user_id'::text, p_post_id text DEFAULT 'post_id'::text, p_author_id text DEFAULT 'author_id'::text, p_created_at text DEFAULT 'created_at'::text, p_texts text[] DEFAULT NULL::text[], p_others text[] DEFAULT '{}'::text[], p_user_lookup text[] DEFAULT NULL::text[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  -- its columns are quoted by recsys_engine.person_sql and id_sql, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  has_features constant boolean := p_kind in ('interactions', 'logins', 'posts');
  has_texts constant boolean := p_kind in ('posts', 'users', 'post_texts', 'user_texts', 'vectors', 'user_vectors');
  has_vectors constant boolean := p_kind in ('vectors', 'user_vectors');
  -- whose texts they are, and the column that says so
  entity constant text := case when p_kind in ('posts', 'post_texts', 'vectors') then 'post' else 'user' end;
  entity_id constant text := case p_kind when 'post_texts' then p_post_id when 'vectors' then p_post_id when 'user_texts' then p_user_id when 'user_vectors' then p_user_id else p_id end;
  -- as SQL: the uuid of the entity
  entity_sql constant text := case entity
    when 'post' then coalesce(recsys_engine.id_sql(p_table, entity_id), quote_ident(entity_id))
    else recsys_engine.person_sql(entity_id, p_user_lookup)
  end;
  user_sql constant text := recsys_engine.person_sql(p_user_id, p_user_lookup);
  post_sql constant text := recsys_engine.id_sql(p_table, p_post_id);
  -- what tells it from another watch of the same table: a row may name two posts, two people or two times
  key constant text[] := case p_kind
    when 'interactions' then array[p_user_id, p_post_id, p_created_at] when 'logins' then array[p_user_id, p_created_at]
    when 'post_texts' then array[p_post_id] when 'vectors' then array[p_post_id] || p_texts when 'user_texts' then array[p_user_id]
    when 'user_vectors' then array[p_user_id] || p_texts else '{}' end;
  stem constant text := 'recsys_' || recsys_engine.watch_name(p_kind, key);
  described jsonb;
  -- a change of features as SQL: user, post, and time
  changed_user text := 'null::uuid';
  changed_post text := 'null::uuid';
  changed_at text := quote_ident(p_created_at);
  -- ids of people, which are uuids where they are not looked up
  person_types constant regtype[] := case when p_user_lookup is null then '{uuid}'::regtype[] else '{uuid,bigint,integer,smallint,text,varchar}'::regtype[] end;
  -- columns without which a row is none; whose change is one of features; whose change is one of a text
  needed text[];
  compared text[];
  read text[] := array[entity_id] || case p_kind when 'posts' then array[p_author_id] end || p_texts || p_others;
  wrong text;
begin
  case p_kind
    when 'interactions' then
      changed_user := user_sql;
      changed_post := post_sql;
      needed := array[p_user_id, p_post_id, p_created_at];
      compared := needed || p_id;
    when 'logins' then
      changed_user := user_sql;
      needed := array[p_user_id, p_created_at];
      compared := needed || p_id;
    when 'posts' then
      changed_post := entity_sql;
      changed_at := quote_literal('-infinity') || '::timestamptz';
      needed := array[p_id];
      compared := array[p_id, p_author_id, p_created_at];
    when 'users', 'post_texts', 'user_texts', 'vectors', 'user_vectors' then
      null;
    else
      raise exception 'recsys.watch: kind is interactions, logins, posts, users, post_texts, user_texts, vectors or user_vectors, not %', coalesce(quote_literal(p_kind), 'null')
        using errcode = '22023';
  end case;
  compared := compared || p_others;
  if p_table is null then
    raise exception 'recsys.watch: the table is null' using errcode = '22004';
  end if;
  if (select relkind not in ('r', 'p') from pg_catalog.pg_class where oid = p_table) then
    raise exception 'recsys.watch: % is not a table: watch the tables that a view reads', p_table using errcode = '42809';
  end if;
  if has_texts and p_texts is null then
    raise exception 'recsys.watch: which columns of % does a tower read? p_texts names them; {}: none', p_table using errcode = '22004';
  end if;
  if p_texts is not null and not has_texts then
    raise exception 'recsys.watch: % have no texts: watch % a second time, as post_texts or user_texts', p_kind, p_table using errcode = '22023';
  end if;
  if has_vectors and (cardinality(p_texts) <> 1 or cardinality(p_others) > 1) then
    raise exception 'recsys.watch: p_texts names the column with the vector, and p_others, if any, the one that says which model made it' using errcode = '22023';
  end if;
  select format('column %s of %s is %s', coalesce(expected.name, 'null'), p_table,
    concat_ws(', not ', coalesce(format_type(columns.atttypid, null), 'missing'), (
      select string_agg(format_type(type, null), ', ') from unnest(expected.types) as type
    )))
  into wrong
  from (
    -- people are those of auth.users; posts are whatever the app calls them
    select entity_id, person_types where has_texts and entity = 'user'
    union all select entity_id, '{uuid,bigint,integer,smallint,text,varchar}'::regtype[] where has_texts and entity = 'post'
    union all select p_created_at, '{timestamptz}'::regtype[] where has_features
    union all select p_user_id, person_types where p_kind in ('interactions', 'logins')
    union all select p_post_id, '{uuid,bigint,integer,smallint,text,varchar}'::regtype[] where p_kind = 'interactions'
    union all select p_texts[1], array['extensions.vector', 'extensions.halfvec', 'real[]', 'double precision[]']::regtype[] where has_vectors
    union all select p_others[1], '{text,varchar}'::regtype[] where has_vectors and cardinality(p_others) = 1
    union all select p_author_id, person_types where p_kind = 'posts'
    union all select unnest(compared || case when has_texts then read end), null
  ) as expected (name, types)
  left join pg_catalog.pg_attribute as columns
    on columns.attrelid = p_table and columns.attname = expected.name and columns.attnum > 0 and not columns.attisdropped
  where columns.attname is null or columns.atttypid <> all (expected.types)
  limit 1;
  if wrong is not null then
    raise exception 'recsys.watch: %', wrong using errcode = '42804';
  end if;

  declare
    needed_sql constant text := concat_ws(', ',
      (select string_agg(quote_ident(name), ', ') from unnest(needed) as name),
      -- the post changes even where all users of its interactions are unknown by now
      case when p_kind = 'logins' and p_user_lookup is not null then user_sql end);
    compared_sql constant text := (select string_agg(distinct quote_ident(name), ', ') from unnest(compared) as name);
    texts_sql constant text := (select string_agg(distinct quote_ident(name), ', ') from unnest(read) as name);
    listener text;
    suffix text;
    arguments text;
    operation text;
    rows_sql text;
    is_replaced boolean;
  begin
    -- fails here, and not in the app's next statement, where a column cannot be compared
    execute format('select %1$s from %2$s where false except all select %1$s from %2$s where false',
      (select string_agg(distinct quote_ident(name), ', ') from unnest(compared || case when has_texts then read end) as name), p_table);
    execute format('select %s from %s as changed where false', case when entity = 'user' and has_texts then entity_sql when changed_user = user_sql then user_sql else 'null' end, p_table);
    described := jsonb_strip_nulls(jsonb_build_object(
      'kind', p_kind, 'others', p_others,
      'user', case when p_kind in ('interactions', 'logins', 'user_texts', 'user_vectors') then p_user_id when p_kind = 'users' then p_id when p_kind = 'posts' then p_author_id end,
      'post', case when p_kind in ('interactions', 'post_texts', 'vectors') then p_post_id when p_kind = 'posts' then p_id end,
      'created_at', case when has_features then p_created_at end, 'columns', compared || case when has_texts then read end,
      'changed_user', nullif(changed_user, 'null::uuid'), 'changed_post', nullif(changed_post, 'null::uuid'),
      'entity', case when has_texts then entity end, 'entity_sql', case when has_texts then entity_sql end,
      -- who is looked up is joined, so that an index finds whom a batch asks for
      'lookup', case when p_kind = 'user_vectors' then p_user_lookup end,
      'own_sql', case when has_vectors then case when entity = 'post' then entity_sql when p_user_lookup is null then format('changed.%I', p_user_id) else format('people.%I', p_user_lookup[3]) end end,
      'join_sql', case when p_kind = 'user_vectors' and p_user_lookup is not null
        then format('join %s as people on people.%I = changed.%I', to_regclass(p_user_lookup[1]), p_user_lookup[2], p_user_id) end,
      'vector_sql', case when has_vectors then format(
        case (select pg_attribute.atttypid from pg_catalog.pg_attribute where pg_attribute.attrelid = p_table and pg_attribute.attname = p_texts[1])
          when 'double precision[]'::regtype then 'recsys_engine.real_numbers(changed.%I)' else 'changed.%I::real[]' end, p_texts[1]) end,
      -- which model made it, or else the column itself stands for it; of users, the one that made those of the posts
      'encoder_sql', case when has_vectors then coalesce('changed.' || quote_ident(p_others[1]) || '::text', quote_literal(case entity when 'user' then '' else format('%s.%s', p_table, p_texts[1]) end)) end));
    is_replaced := exists (select from pg_catalog.pg_trigger where tgrelid = p_table and tgname ~ format('^%s_(texts_|tags_)?insert$', stem) and tgparentid = 0);
    -- what follows a column that is gone fails each statement of the app's
    perform recsys_engine.drop_watch(watches.table_name, watches.watch)
    from recsys.watches
    where watches.table_name = p_table and not recsys_engine.has_columns(p_table, case watches.kind
      -- a vector's other column is another watch
      when 'vectors' then array(select jsonb_array_elements_text(watches.watch -> 'columns'))
      when 'user_vectors' then array(select jsonb_array_elements_text(watches.watch -> 'columns'))
      else array[watches.user_column, watches.post_column, watches.created_column] end);
    foreach listener in array array['queue_feature_changes', 'queue_text_changes', 'index_changed_tags'] loop
      if listener = 'queue_feature_changes' then
        continue when not has_features;
        suffix := '';
        arguments := concat_ws(', ', quote_literal(changed_user), quote_literal(changed_post), quote_literal(changed_at), quote_literal(needed_sql), quote_literal(compared_sql));
      elsif listener = 'index_changed_tags' then
        continue when not has_texts or entity <> 'post' or has_vectors;
        suffix := '_tags';
        arguments := concat_ws(', ', quote_literal(entity_sql),
          quote_literal((select string_agg(distinct quote_ident(name), ', ') from unnest(read || case p_kind when 'posts' then p_created_at end) as name)));
      else
        continue when not has_texts;
        suffix := '_texts';
        arguments := concat_ws(', ', quote_literal(entity), quote_literal(entity_sql), quote_literal(texts_sql));
      end if;
      foreach operation in array array['insert', 'update', 'delete', 'truncate'] loop
        rows_sql := case operation
          when 'insert' then 'referencing new table as new_rows'
          when 'update' then 'referencing old table as old_rows new table as new_rows'
          when 'delete' then 'referencing old table as old_rows'
        end;
        execute format('create or replace trigger %I after %s on %s %s for each statement execute function recsys_engine.%I(%s, %L)',
          stem || suffix || '_' || operation, operation, p_table, rows_sql, listener, arguments, described);
      end loop;
    end loop;
    -- what is there already; the triggers hold back writers until this is committed
    perform recsys_engine.queue_watched(p_table, described, is_replaced);
  end;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.sampled_share(p_table regclass, p_rows integer)
 RETURNS double precision
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  -- a table without pages gives null, which least() passes over
  select least(1, p_rows / nullif(sum(pages.count * coalesce(nullif(pg_class.reltuples, -1) / nullif(pg_class.relpages, 0), 100)), 0))
  from pg_catalog.pg_class
  cross join lateral (select pg_relation_size(pg_class.oid) / current_setting('block_size')::integer) as pages (count)
  where pg_class.oid = p_table or pg_class.oid in (select tree.relid from pg_partition_tree(p_table) as tree where tree.isleaf)
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.own_vectors_sql(p_entity text, p_rows integer DEFAULT NULL::integer)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select coalesce(
    string_agg(
      concat_ws(' ', format('select %s as id, %s as encoder, %s as vector, %s::double precision as stands_for from %s as changed%s', watches.watch ->> 'own_sql', watches.watch ->> 'encoder_sql', watches.watch ->> 'vector_sql',
        1 / sampled.share, watches.table_name, ' tablesample system (' || 100 * nullif(sampled.share, 1) || ') repeatable (1)'), watches.watch ->> 'join_sql'),
      ' union all ' order by watches.table_name::text, watches.watch::text),
    'select null::uuid as id, null::text as encoder, null::real[] as vector, null::double precision as stands_for where false')
  from recsys.watches
  cross join lateral (select coalesce(case when p_rows is not null then recsys_engine.sampled_share(watches.table_name, p_rows) end, 1) as share) as sampled
  where watches.kind = case p_entity when 'post' then 'vectors' else 'user_vectors' end
    -- a table that cannot be read prevents no embedding: recsys.check() names it
    and recsys_engine.reads_columns(watches.table_name, array(select jsonb_array_elements_text(watches.watch -> 'columns')))
    and (watches.watch -> 'lookup' is null or coalesce(recsys_engine.reads_columns(to_regclass(watches.watch #>> '{lookup,0}'), array[watches.watch #>> '{lookup,1}', watches.watch #>> '{lookup,2}']), false))
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.own_vector_shapes(p_entity text)
 RETURNS TABLE(encoder text, dimension integer, entities bigint, is_estimate boolean)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  -- made of what recsys.watch quoted, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off, extra_warnings = off
  return query execute format('select one.encoder, one.dimension, round(sum(one.stands_for))::bigint, max(one.stands_for) > 1
    from (
      select own.encoder, cardinality(own.vector) as dimension, max(own.stands_for) as stands_for from (%s) as own
      where own.encoder is not null and cardinality(own.vector) between 2 and 4096 and own.id is not null group by 1, 2, own.id
    ) as one
    group by 1, 2', recsys_engine.own_vectors_sql(p_entity, 10000));
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.posts_with_several_vectors()
 RETURNS TABLE(table_name regclass, posts bigint)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  found_row record;
begin
  for found_row in
    select watches.table_name as relation, watches.watch from recsys.watches
    where watches.kind = 'vectors' and recsys_engine.reads_columns(watches.table_name, array(select jsonb_array_elements_text(watches.watch -> 'columns')))
      -- nothing is read where there can be one only
      and not exists (
        select from pg_catalog.pg_index
        join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_index.indrelid and pg_attribute.attnum = pg_index.indkey[0]
        where pg_index.indrelid = watches.table_name and pg_index.indisunique and pg_index.indisvalid and pg_index.indpred is null and pg_index.indnkeyatts = 1 and pg_attribute.attname = watches.watch ->> 'post'
      )
    order by watches.table_name::text, watches.watch::text
  loop
    -- as above: @plpgsql_check_options: security_warnings = off, extra_warnings = off
    return query execute format('select %L::regclass, count(distinct several.post) from (select made.post from (select %I as post, %s as encoder from %s as changed where (%s) is not null) as made group by made.post, made.encoder having count(*) > 1) as several having count(*) > 0',
      found_row.relation, found_row.watch ->> 'post', found_row.watch ->> 'encoder_sql', found_row.relation,
      (select string_agg(distinct quote_ident(read.name), ', ') from jsonb_array_elements_text(found_row.watch -> 'columns') as read (name)));
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.own_vectors(p_entity text, p_encoder text, p_ids uuid[])
 RETURNS TABLE(id uuid, vector json)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  -- as above: @plpgsql_check_options: security_warnings = off, extra_warnings = off
  return query execute format('select distinct on (own.id) own.id, array_to_json(own.vector) from (%s) as own where own.id = any ($2) and own.encoder in ($1, %L) and own.vector is not null%s order by own.id, own.vector',
    recsys_engine.own_vectors_sql(p_entity), '', case p_entity when 'user' then ' and not exists (select from recsys_engine.personalization_opt_outs as nobody where nobody.user_id = own.id)' end)
  using p_encoder, p_ids;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.missing_vectors(p_entity text, p_basis text, p_after uuid, p_limit integer)
 RETURNS TABLE(id uuid, vector json)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  -- as above: @plpgsql_check_options: security_warnings = off, extra_warnings = off
  return query execute format('select distinct on (own.id) own.id, array_to_json(own.vector) from recsys_engine.vector_bases as basis join (%s) as own on own.encoder in (basis.encoder, %L) and own.vector is not null where basis.basis_id = $1 and own.id > $2 and not exists (select from recsys_engine.%I as reduced where reduced.%I = own.id and reduced.basis_id = basis.basis_id)%s order by own.id, own.vector limit $3',
    recsys_engine.own_vectors_sql(p_entity), '', case p_entity when 'post' then 'reduced_vectors' else 'reduced_user_vectors' end, p_entity || '_id',
    case p_entity when 'user' then ' and not exists (select from recsys_engine.personalization_opt_outs as nobody where nobody.user_id = own.id)' end)
  using p_basis, p_after, p_limit;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.queue_for_encoder()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  insert into recsys_engine.encoding_jobs (post_id)
  select source_posts.post_id from recsys.source_posts
  where not exists (select from recsys_engine.raw_vectors where raw_vectors.post_id = source_posts.post_id and raw_vectors.encoder = new.text_encoder)
  on conflict (post_id) do update set failures = 0, last_error = null, due_at = excluded.due_at;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.queue_replicated_row()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- its columns were quoted by recsys.watch, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  watch constant jsonb := tg_argv[0]::jsonb;
  kind constant text := watch ->> 'kind';
  entity constant text := watch ->> 'entity';
  as_it_was jsonb;
  as_it_is jsonb;
  -- as it was and as it is, as SQL
  versions constant text := format('select (jsonb_populate_record(null::%s, version.content)).* from unnest($1::jsonb[]) as version (content) where version.content is not null', tg_relid::regclass);
  needed text;
  ids uuid[];
begin
  if tg_op <> 'INSERT' then
    as_it_was := to_jsonb(old);
  end if;
  if tg_op <> 'DELETE' then
    as_it_is := to_jsonb(new);
  end if;
  if tg_op = 'UPDATE' and not exists (
    select from jsonb_array_elements_text(watch -> 'columns') as compared (name) where as_it_was -> compared.name is distinct from as_it_is -> compared.name
  ) then
    return null;
  end if;
  if kind in ('interactions', 'logins', 'posts') then
    needed := concat_ws(', ', case when kind <> 'posts' then quote_ident(watch ->> 'user') end, quote_ident(watch ->> 'post'), case when kind <> 'posts' then quote_ident(watch ->> 'created_at') end);
    execute format('insert into recsys_engine.feature_changes (user_id, post_id, at) select distinct %s, %s, %s from (%s) as changed where num_nulls(%s) = 0',
      coalesce(watch ->> 'changed_user', 'null::uuid'), coalesce(watch ->> 'changed_post', 'null::uuid'),
      case kind when 'posts' then quote_literal('-infinity') || '::timestamptz' else quote_ident(watch ->> 'created_at') end, versions, needed)
    using array[as_it_was, as_it_is];
  end if;
  if entity is not null then
    execute format('select array_remove(array_agg(distinct %s), null) from (%s) as changed', watch ->> 'entity_sql', versions) into ids using array[as_it_was, as_it_is];
    if entity = 'post' and kind <> 'vectors' then
      perform recsys_engine.index_sound_tags(ids);
    end if;
    if tg_op = 'DELETE' then
      ids := recsys_engine.clean_up_deleted_entities(entity, ids);
    end if;
    perform recsys_engine.enqueue_embedding_jobs(entity, ids);
    if tg_op = 'UPDATE' and entity = 'post' and kind <> 'vectors' then
      perform recsys_engine.record_edits(ids);
    end if;
  end if;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.follow_replication()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  each record;
  truncation name;
  followed integer := 0;
begin
  for each in select watches.table_name, watches.watch from recsys.watches loop
    execute format('create or replace trigger %1$I after insert or update or delete on %2$s for each row execute function recsys_engine.queue_replicated_row(%3$L)',
      'recsys_replicated_' || left(md5(each.watch::text), 12), each.table_name, each.watch);
    -- not of what is written here: the triggers of statements have that
    execute format('alter table %s enable replica trigger %I', each.table_name, 'recsys_replicated_' || left(md5(each.watch::text), 12));
    for truncation in
      select pg_trigger.tgname from pg_catalog.pg_trigger where pg_trigger.tgrelid = each.table_name and pg_trigger.tgname ~ '^recsys_.*truncate$' and pg_trigger.tgenabled = 'O'
    loop
      execute format('alter table %s enable always trigger %I', each.table_name, truncation);
    end loop;
    -- what was copied before
    perform recsys_engine.queue_watched(each.table_name, each.watch, true);
    followed := followed + 1;
  end loop;
  if followed = 0 then
    raise exception 'no table is watched' using hint = 'call recsys.watch for the app''s tables first';
  end if;
  return followed;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.claim_training_request(p_worker text, p_lease interval)
 RETURNS TABLE(training_request_id bigint, claim bigint, attempts integer)
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
#variable_conflict use_column
declare
  running recsys_engine.training_requests;
begin
  if p_lease is null or p_lease <= interval '0' then
    raise exception 'a lease must last for a while, not %', p_lease;
  end if;
  -- claims one after another: what is asked below stays true until it is written
  perform recsys_engine.take_lock('training');
  select * into running from recsys_engine.training_requests where status = 'running';
  if recsys_engine.is_leased(running.claimed_until) or recsys_engine.is_leased(running.due_at) then
    return;
  end if;
  -- its last worker was lost too, so there is no reason to report
  if running.attempts >= 5 then
    update recsys_engine.training_requests
    set status = 'failed', ended_at = now(), claimed_until = null,
      last_error = coalesce(last_error || '; then ', '') || 'no worker came back with it, five times: give the worker more memory or time, then select recsys.request_training()'
    where training_request_id = running.training_request_id;
    running := null;
  end if;
  return query
  update recsys_engine.training_requests as request
  set status = 'running', claim = nextval('recsys_engine.training_claim_seq'), worker = p_worker, claimed_until = now() + p_lease,
    heartbeat_at = now(), step = null, started_at = coalesce(started_at, now()), attempts = attempts + 1
  -- what was begun comes first
  where request.training_request_id = coalesce(
    running.training_request_id,
    (select training_request_id from recsys_engine.training_requests where status = 'queued' and due_at <= now())
  )
  returning request.training_request_id, request.claim, request.attempts;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.readable_posts(p_user_ids uuid[], p_post_ids uuid[])
 RETURNS TABLE(user_id uuid, post_ids uuid[])
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  -- the earlier settings of the transaction
  caller constant text := current_setting('role');
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  headers constant text := coalesce(nullif(current_setting('request.headers', true), ''), '{}');
begin
  foreach user_id in array p_user_ids loop
    perform set_config('role', 'authenticated', true), set_config('request.headers', '{}', true),
      set_config('request.jwt.claims', jsonb_build_object('sub', user_id, 'role', 'authenticated')::text, true);
    select coalesce(array_agg(source_posts.post_id), '{}') into post_ids
    from recsys.source_posts
    where p_post_ids is null or source_posts.post_id = any (p_post_ids);
    perform set_config('role', caller, true), set_config('request.jwt.claims', claims, true), set_config('request.headers', headers, true);
    return next;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.titles_read(p_user_ids uuid[], p_post_ids uuid[])
 RETURNS TABLE(user_id uuid, post_ids uuid[])
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  -- the earlier settings of the transaction
  caller constant text := current_setting('role');
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  headers constant text := coalesce(nullif(current_setting('request.headers', true), ''), '{}');
  ids uuid[];
  titles text[];
begin
  select array_agg(source_posts.post_id), array_agg(source_posts.title) into ids, titles from recsys.source_posts where source_posts.post_id = any (p_post_ids);
  foreach user_id in array p_user_ids loop
    perform set_config('role', 'authenticated', true), set_config('request.headers', '{}', true),
      set_config('request.jwt.claims', jsonb_build_object('sub', user_id, 'role', 'authenticated')::text, true);
    select coalesce(array_agg(source_posts.post_id), '{}') into post_ids
    from unnest(ids, titles) as told (post_id, title)
    join recsys.source_posts on source_posts.post_id = told.post_id and source_posts.title is not distinct from told.title;
    perform set_config('role', caller, true), set_config('request.jwt.claims', claims, true), set_config('request.headers', headers, true);
    return next;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.kinds_read_of_followed()
 RETURNS text[]
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  -- the earlier settings of the transaction
  caller constant text := current_setting('role');
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  headers constant text := coalesce(nullif(current_setting('request.headers', true), ''), '{}');
  follow record;
  there text[];
  seen text[];
  all_there text[] := '{}'::text[];
  all_seen text[] := '{}'::text[];
begin
  for follow in
    select source_follows.user_id, source_follows.target::uuid as person_id
    from recsys.source_follows
    where source_follows.kind = 'person' and pg_input_is_valid(source_follows.target, 'uuid')
    order by md5(source_follows.user_id::text || source_follows.target)
    limit 200
  loop
    there := array(select distinct source_interactions.kind from recsys.source_interactions where source_interactions.user_id = follow.person_id);
    perform set_config('role', 'authenticated', true), set_config('request.headers', '{}', true),
      set_config('request.jwt.claims', jsonb_build_object('sub', follow.user_id, 'role', 'authenticated')::text, true);
    seen := array(select distinct source_interactions.kind from recsys.source_interactions where source_interactions.user_id = follow.person_id);
    perform set_config('role', caller, true), set_config('request.jwt.claims', claims, true), set_config('request.headers', headers, true);
    all_there := all_there || there;
    all_seen := all_seen || seen;
  end loop;
  return array(
    select known.kind from unnest(all_there) as known (kind)
    group by known.kind
    having 2 * (select count(*) from unnest(all_seen) as shown (kind) where shown.kind = known.kind) >= count(*)
    order by known.kind
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.begin_batch_run(p_page_size integer DEFAULT 64)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  active recsys.models;
  now_running recsys_engine.batch_runs;
  new_run_id bigint;
begin
  -- one run begins at a time: the second caller joins it
  perform recsys_engine.take_lock('batch');
  select * into active from recsys.models where models.status = 'active';
  if not found then
    return null;
  end if;
  select * into now_running from recsys_engine.batch_runs where batch_runs.status = 'running';
  if found then
    -- after half a night a run is about a community that is no more
    if now_running.model_id = active.model_id and now_running.started_at > now() - interval '6 hours' and now_running.started_at <= now() then
      return now_running.run_id;
    end if;
    perform recsys_engine.end_batch_run(now_running.run_id, 'superseded');
  end if;
  insert into recsys_engine.batch_runs (model_id, model_name, as_of) values (active.model_id, active.name, recsys.clock())
  returning batch_runs.run_id into new_run_id;
  insert into recsys_engine.batch_pages (run_id, page, user_ids)
  select new_run_id, numbered.page, array_agg(numbered.user_id order by numbered.user_id)
  from (
    select source_users.user_id, ((row_number() over (order by source_users.user_id) - 1) / p_page_size)::integer as page
    from recsys.source_users
    where exists (
      select from recsys_engine.user_stats
      where user_stats.user_id = source_users.user_id and user_stats.last_active_at <= recsys.clock()
        and user_stats.last_active_at > recsys.clock() - recsys_engine.batch_active_window()
    )
      and not exists (select from recsys.source_preferences where source_preferences.user_id = source_users.user_id)
  ) as numbered
  group by numbered.page;
  update recsys_engine.batch_runs
  set users = (select coalesce(sum(cardinality(batch_pages.user_ids)), 0) from recsys_engine.batch_pages where batch_pages.run_id = new_run_id)
  where batch_runs.run_id = new_run_id;
  return new_run_id;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.complete_batch_page(p_run_id bigint, p_claim bigint, p_user_ids uuid[], p_bases text[], p_post_ids text[], p_scores text[], p_views text[], p_votes text[], p_comments text[], p_sources text[], p_failed integer, p_error text, p_optional_probabilities text[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  written integer;
begin
  perform from recsys_engine.batch_pages where batch_pages.run_id = p_run_id and batch_pages.claim = p_claim and batch_pages.done_at is null for update;
  if not found then
    return null;
  end if;
  insert into recsys.batch_recommendations as list (user_id, run_id, model_id, made_at, basis, post_ids, scores, views, votes, comments, sources, optional_probabilities)
  select made.user_id, p_run_id, batch_runs.model_id, batch_runs.as_of, made.basis, made.post_ids::uuid[], made.scores::real[], made.views::real[],
    made.votes::real[], made.comments::real[], made.sources::text[], made.optional_probabilities::jsonb
  from unnest(p_user_ids, p_bases, p_post_ids, p_scores, p_views, p_votes, p_comments, p_sources, p_optional_probabilities)
    as made (user_id, basis, post_ids, scores, views, votes, comments, sources, optional_probabilities)
  join recsys_engine.batch_runs on batch_runs.run_id = p_run_id
  -- a user deleted meanwhile gets none
  where exists (select from recsys.source_users where source_users.user_id = made.user_id)
  order by made.user_id
  on conflict (user_id) do update set
    run_id = excluded.run_id, model_id = excluded.model_id, made_at = excluded.made_at, basis = excluded.basis, post_ids = excluded.post_ids,
    scores = excluded.scores, views = excluded.views, votes = excluded.votes, comments = excluded.comments, sources = excluded.sources,
    optional_probabilities = excluded.optional_probabilities;
  get diagnostics written = row_count;
  update recsys_engine.batch_pages set done_at = clock_timestamp(), users_done = written, users_failed = p_failed, last_error = left(p_error, 1000)
  where batch_pages.run_id = p_run_id and batch_pages.claim = p_claim;
  return written;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.finish_batch_run(p_run_id bigint)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  ended text;
begin
  perform recsys_engine.take_lock('batch');
  select batch_runs.status into ended from recsys_engine.batch_runs where batch_runs.run_id = p_run_id;
  if ended is distinct from 'running' then
    return ended;
  end if;
  if exists (
    select from recsys_engine.batch_pages
    where batch_pages.run_id = p_run_id and batch_pages.done_at is null and (batch_pages.attempts < 5 or recsys_engine.is_leased(batch_pages.claimed_until))
  ) then
    return 'running';
  end if;
  delete from recsys.batch_recommendations as list
  where list.run_id <> p_run_id and not exists (
    select from recsys_engine.batch_pages cross join unnest(batch_pages.user_ids) as active (user_id)
    where batch_pages.run_id = p_run_id and active.user_id = list.user_id
  );
  perform recsys_engine.end_batch_run(p_run_id, 'finished');
  return 'finished';
end
$function$;

create or replace view recsys_engine.impression_partitions with (security_invoker=true) as
 SELECT name,
    is_day,
    (first AT TIME ZONE 'UTC'::text) AS first,
    ((first +
        CASE
            WHEN is_day THEN '1 day'::interval
            ELSE '1 mon'::interval
        END) AT TIME ZONE 'UTC'::text) AS next,
    is_attached
   FROM ( SELECT (pg_class.relname)::text AS name,
            (pg_class.relname ~ '_\d\d_\d\d$'::text) AS is_day,
            pg_class.relispartition AS is_attached,
            (to_date(("substring"((pg_class.relname)::text, '\d{4}_\d\d'::text) || COALESCE("substring"((pg_class.relname)::text, '\d{4}_\d\d(_\d\d)$'::text), '_01'::text)), 'YYYY_MM_DD'::text))::timestamp without time zone AS first
           FROM pg_class
          WHERE ((pg_class.relnamespace = ('recsys_engine'::regnamespace)::oid) AND (pg_class.relkind = 'r'::"char") AND (pg_class.relname ~ '^impressions_\d{4}_\d\d(_\d\d)?$'::text))) named;

CREATE OR REPLACE FUNCTION recsys_engine.attach_impressions(p_name text, p_first timestamp with time zone, p_next timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
 SET "TimeZone" TO 'UTC'
 SET lock_timeout TO '2s'
AS $function$
-- the name is quoted, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off, extra_warnings = off
declare
  move constant text := format(
    'with moved as (delete from recsys_engine.impressions_default where shown_at >= %1$L and shown_at < %2$L returning *) insert into recsys_engine.%3$I select * from moved',
    p_first, p_next, p_name);
begin
  -- long before the lock, so that an impression of that time waits for the last few rows only
  execute move;
  lock table recsys_engine.impressions_default in access exclusive mode;
  execute move;
  execute format('alter table recsys.impressions attach partition recsys_engine.%I for values from (%L) to (%L)', p_name, p_first, p_next);
  execute format('alter table recsys_engine.%I enable row level security', p_name);
  execute format('comment on table recsys_engine.%I is %L', p_name,
    format('Impressions of %s, by UTC.', to_char(p_first, case when p_next - p_first > interval '1 day' then 'FMMonth YYYY' else 'FMDD FMMonth YYYY' end)));
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.make_impression_partitions(p_months_ahead integer DEFAULT 2)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
 SET "TimeZone" TO 'UTC'
 SET lock_timeout TO '2s'
AS $function$
-- names are quoted, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off, extra_warnings = off
declare
  by_day constant boolean := (select settings.impression_partition_interval = 'day' from recsys.settings);
  today constant timestamptz := date_trunc('day', recsys.clock());
  this_month constant timestamptz := date_trunc('month', today);
  until constant timestamptz := case when by_day then today + make_interval(days => 7 * p_months_ahead + 1) else this_month + make_interval(months => p_months_ahead + 1) end;
  kept_since constant timestamptz := recsys.clock() - (select settings.impressions_kept from recsys.settings);
  each_one record;
  is_empty boolean;
  name text;
  number integer := 0;
begin
  if p_months_ahead is null or p_months_ahead < 0 then
    raise exception 'partitions are made for 0 months ahead or more, not %', p_months_ahead;
  end if;
  perform recsys_engine.take_lock('impressions');
  if by_day then
    -- made before the setting said days: a month without rows makes room for days
    for each_one in
      select partitions.name from recsys_engine.impression_partitions as partitions
      where partitions.is_attached and not partitions.is_day and partitions.next > today order by partitions.first
    loop
      execute format('lock table recsys_engine.%I in share mode', each_one.name);
      execute format('select not exists (select from recsys_engine.%I)', each_one.name) into is_empty;
      if is_empty then
        execute format('drop table recsys_engine.%I', each_one.name);
      end if;
    end loop;
  end if;
  for each_one in
    with waiting as (
      select distinct date_trunc('day', impressions_default.shown_at) as first from recsys_engine.impressions_default
      where impressions_default.shown_at >= kept_since and impressions_default.shown_at < until
    ),
    months as (
      select ahead as first from generate_series(this_month, until - interval '1 day', interval '1 month') as ahead
      union
      select date_trunc('month', waiting.first) from waiting
    ),
    days as (
      select ahead as first from generate_series(today, until - interval '1 day', interval '1 day') as ahead
      union
      select waiting.first from waiting
    ),
    wanted as (
      select months.first, months.first + interval '1 month' as next, to_char(months.first, '"impressions_"YYYY_MM') as name from months where not by_day
      union all
      select days.first, days.first + interval '1 day', to_char(days.first, '"impressions_"YYYY_MM_DD')
      from days
      -- a month that has days goes on with days
      where by_day or exists (
        select from recsys_engine.impression_partitions as partitions
        where partitions.is_day and date_trunc('month', partitions.first) = date_trunc('month', days.first)
      )
    )
    select wanted.first, wanted.next, wanted.name
    from wanted
    where not exists (
      select from recsys_engine.impression_partitions as partitions where partitions.first < wanted.next and partitions.next > wanted.first
    )
    order by wanted.first
  loop
    name := each_one.name;
    execute format('create table recsys_engine.%I (like recsys.impressions including all)', name);
    perform recsys_engine.attach_impressions(name, each_one.first, each_one.next);
    number := number + 1;
  end loop;
  return number;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.purge_impressions()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
 SET "TimeZone" TO 'UTC'
 SET lock_timeout TO '1s'
AS $function$
declare
  kept_since constant timestamptz := recsys.clock() - (select settings.impressions_kept from recsys.settings);
  name text;
  number integer := 0;
begin
  perform recsys_engine.take_lock('impressions');
  delete from recsys_engine.user_days where user_days.day < (now() at time zone 'utc')::date - 31;
  delete from recsys_engine.impressions_default where impressions_default.shown_at < kept_since;
  for name in
    select partitions.name from recsys_engine.impression_partitions as partitions
    where partitions.is_attached and partitions.next <= kept_since
      and not exists (
        select from recsys_engine.archived_days
        where archived_days.restored_at > now() - interval '7 days'
          and archived_days.day >= (partitions.first at time zone 'UTC')::date and archived_days.day < (partitions.next at time zone 'UTC')::date
      )
    order by partitions.first
  loop
    execute format('drop table recsys_engine.%I', name);
    number := number + 1;
  end loop;
  -- what was restored and is gone again is read from its file again
  update recsys_engine.archived_days set restored_at = null
  where archived_days.restored_at is not null and not exists (
    select from recsys_engine.impression_partitions as partitions
    where partitions.first <= archived_days.day::timestamp at time zone 'UTC' and partitions.next > archived_days.day::timestamp at time zone 'UTC'
  );
  return number;
end
$function$;

create or replace view recsys_engine.erasable_columns with (security_invoker=true) as
 SELECT (pg_class.oid)::regclass AS table_name,
    pg_attribute.attname AS column_name,
    names.kind,
    names.type
   FROM ((( VALUES ('post'::text,'post_id'::text,'uuid'::regtype), ('post'::text,'neighbour_id'::text,'uuid'::regtype), ('post'::text,'entity_id'::text,'uuid'::regtype), ('post'::text,'post_ids'::text,'uuid[]'::regtype), ('user'::text,'user_id'::text,'uuid'::regtype), ('user'::text,'entity_id'::text,'uuid'::regtype), ('user'::text,'user_ids'::text,'uuid[]'::regtype)) names(kind, column_name, type)
     JOIN pg_attribute ON (((pg_attribute.attname = names.column_name) AND (pg_attribute.atttypid = (names.type)::oid) AND (NOT pg_attribute.attisdropped))))
     JOIN pg_class ON ((pg_class.oid = pg_attribute.attrelid)))
  WHERE ((pg_class.relnamespace = ANY (ARRAY[('recsys'::regnamespace)::oid, ('recsys_engine'::regnamespace)::oid])) AND (pg_class.relkind = ANY (ARRAY['r'::"char", 'p'::"char"])) AND (NOT pg_class.relispartition) AND (pg_class.relname <> ALL (ARRAY['feature_changes'::name, 'deferred_changes'::name, 'post_stats'::name, 'user_stats'::name])) AND ((pg_class.relname IS DISTINCT FROM 'latest_post_stats'::name) OR (pg_attribute.attname IS DISTINCT FROM 'user_id'::name)) AND (pg_class.relname <> ALL (ARRAY['post_tags'::name, 'listed_posts'::name])) AND (pg_class.relname <> 'erasures'::name));

CREATE OR REPLACE FUNCTION recsys_engine.erase_entities(p_kind text, p_ids uuid[], p_with_lists boolean DEFAULT true, p_rows bigint DEFAULT NULL::bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  place record;
  removed bigint;
  total bigint := 0::bigint;
begin
  -- their names come from the catalog, quoted, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  for place in
    select coalesce(leaves.relid, columns.table_name) as table_name, columns.column_name, columns.type
    from recsys_engine.erasable_columns as columns
    -- a row is found again by its place in its partition; a table that has none is no tree
    left join lateral pg_catalog.pg_partition_tree(columns.table_name) as leaves on true
    where columns.kind = p_kind and (p_with_lists or columns.column_name <> 'post_ids') and leaves.isleaf is not false
    order by coalesce(leaves.relid, columns.table_name)::text
  loop
    begin
      execute format(
        case
          when place.column_name = 'entity_id' then 'delete from %1$s where ctid = any (array(select ctid from %1$s where %2$I = any ($1) and kind = $2 limit $3))'
          when place.type = 'uuid'::regtype then 'delete from %1$s where ctid = any (array(select ctid from %1$s where %2$I = any ($1) limit $3))'
          when p_kind = 'user' then 'update %1$s set %2$I = array(select id from unnest(%2$I) with ordinality as list (id, place) where id <> all ($1) order by place) where ctid = any (array(select ctid from %1$s where %2$I && $1 limit $3))'
          -- null takes the place of a post, so that its score and the rest, in lists next to this one, stay where they belong
          else 'update %1$s set %2$I = array(select case when id <> all ($1) then id end from unnest(%2$I) with ordinality as list (id, place) order by place) where ctid = any (array(select ctid from %1$s where %2$I && $1 limit $3))'
        end, place.table_name, place.column_name)
      using p_ids, p_kind, p_rows - total;
      get diagnostics removed = row_count;
      total := total + removed;
      if total >= p_rows then
        return total;
      end if;
    exception
      -- the tables of a model that was dropped just now
      when undefined_table then null;
    end;
  end loop;
  if p_kind = 'post' then
    insert into recsys_engine.feature_changes (post_id) select unnest(p_ids);
    -- a user who interacted with it by a table that is not watched
    insert into recsys_engine.feature_changes (user_id, post_id, at)
    select post_stats.user_id, post_stats.post_id, min(post_stats.last_active_at) from recsys_engine.post_stats
    where post_stats.post_id = any (p_ids) group by post_stats.user_id, post_stats.post_id;
  else
    -- an empty list is for no user, or of no author; without the list it would be for all, or of all
    update recsys.promotions
    set people = recsys_engine.without_ids(people, 'user_ids', p_ids), filter = recsys_engine.without_ids(filter, 'author_ids', p_ids)
    where people <> recsys_engine.without_ids(people, 'user_ids', p_ids) or filter <> recsys_engine.without_ids(filter, 'author_ids', p_ids);
    get diagnostics removed = row_count;
    total := total + removed;
    insert into recsys_engine.feature_changes (user_id) select unnest(p_ids);
    -- posts that they interacted with by an unwatched table name them until this is worked off
    insert into recsys_engine.feature_changes (user_id, post_id, at)
    select post_stats.user_id, post_stats.post_id, post_stats.last_active_at from recsys_engine.post_stats where post_stats.user_id = any (p_ids);
    -- and one that cannot be worked out would name them for good
    delete from recsys_engine.post_stats
    where post_stats.user_id = any (p_ids) and exists (select from recsys_engine.failed_feature_changes where failed_feature_changes.post_id = post_stats.post_id);
    delete from recsys_engine.latest_post_stats
    where latest_post_stats.post_id in (select failed_feature_changes.post_id from recsys_engine.failed_feature_changes) and latest_post_stats.user_id = any (p_ids);
  end if;
  -- what the app has again under the same id begins from scratch
  execute format(
    'insert into recsys_engine.embedding_jobs as job (kind, entity_id)
     select $2, source.%1$s_id from recsys.source_%1$ss as source where source.%1$s_id = any ($1) order by 2
     on conflict (kind, entity_id) do update set version = job.version + 1, changed_by = excluded.changed_by', p_kind)
  using p_ids, p_kind;
  return total;
end
$function$;

CREATE OR REPLACE FUNCTION recsys.erase(p_most integer DEFAULT 10000, p_again_after interval DEFAULT '2 days'::interval, p_rows bigint DEFAULT 100000)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
 SET lock_timeout TO '500ms'
AS $function$
declare
  -- an hour's together: what a list of posts holds is known only from reading those of everybody
  is_again constant boolean := exists (select from recsys.erasures where erasures.deleted_at < now() - p_again_after - interval '1 hour');
  due bigint[];
  posts uuid[];
  posts_again uuid[];
  posts_back uuid[];
  users uuid[];
  -- as in recsys.roll_up(): when a statement limit is reached
  limit_at constant timestamptz := statement_timestamp() + nullif(current_setting('statement_timeout')::interval, interval '0');
  struck integer;
  most integer;
  rows_left bigint;
  removed bigint := 0::bigint;
begin
  perform recsys_engine.take_lock('erasure');
  struck := coalesce(
    (select min(erasures.strikes) from recsys.erasures where erasures.erased_at is null),
    (select min(erasures.strikes) from recsys.erasures where is_again and erasures.deleted_at < now() - p_again_after),
    0
  );
  most := case when p_most > 0 then greatest(1, p_most >> least(struck, 30)) else p_most end;
  rows_left := greatest(1000, p_rows >> least(struck, 30));
  select
    array_agg(oldest.erasure_id),
    array_agg(distinct oldest.entity_id) filter (where oldest.kind = 'post' and oldest.is_to_go and not oldest.is_last),
    array_agg(distinct oldest.entity_id) filter (where oldest.kind = 'post' and oldest.is_to_go and oldest.is_last),
    array_agg(distinct oldest.entity_id) filter (where oldest.kind = 'post' and oldest.is_last and not oldest.is_to_go),
    array_agg(distinct oldest.entity_id) filter (where oldest.kind = 'user' and oldest.is_to_go)
  into due, posts, posts_again, posts_back, users
  from (
    select
      noted.erasure_id, noted.kind, noted.entity_id, noted.is_last,
      -- the second time nothing is taken from what the app has again under the same id
      noted.erased_at is null or not (
        exists (select from recsys.source_posts where source_posts.post_id = noted.entity_id)
        or exists (select from recsys.source_users where source_users.user_id = noted.entity_id)
      ) as is_to_go
    from (
      (
        select *, deleted_at < now() - p_again_after as is_last from recsys.erasures
        where erased_at is null and strikes = struck
        order by tried_at, erasure_id
        limit most
      )
      union all
      (
        select *, true from recsys.erasures
        where is_again and erased_at is not null and deleted_at < now() - p_again_after and strikes <= struck
        order by deleted_at
        limit most
      )
    ) as noted
    order by noted.tried_at, noted.erasure_id
    limit most
  ) as oldest;
  begin
    if posts is not null then
      removed := recsys_engine.erase_entities('post', posts, false, rows_left);
    end if;
    if posts_again is not null and removed < rows_left then
      removed := removed + recsys_engine.erase_entities('post', posts_again, true, rows_left - removed);
    end if;
    if users is not null and removed < rows_left then
      removed := removed + recsys_engine.erase_entities('user', users, true, rows_left - removed);
    end if;
  exception when query_canceled then
    if limit_at is null or clock_timestamp() < limit_at then
      raise;
    end if;
    update recsys.erasures set strikes = erasures.strikes + 1, tried_at = now() where erasures.erasure_id = any (due);
    return 0::bigint;
  end;
  if removed >= rows_left then
    -- there may be more of them, after those that wait
    update recsys.erasures set tried_at = now() where erasures.erasure_id = any (due);
    return removed;
  end if;
  -- what is there again under the id keeps all of its own, and takes no place of what was deleted
  update recsys.batch_recommendations
  set post_ids = array(select case when id <> all (posts_back) then id end from unnest(post_ids) with ordinality as list (id, place) order by place)
  where posts_back is not null and post_ids && posts_back;
  delete from recsys.erasures where erasure_id = any (due) and deleted_at < now() - p_again_after;
  update recsys.erasures set erased_at = now() where erasure_id = any (due);
  return removed;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.active_model_id()
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  id bigint;
begin
  select model_id into id from recsys.models where status = 'active';
  if id is null then
    raise exception 'no model is active' using hint = 'npx --no-install recsys train, then npx --no-install recsys publish; or activate one of recsys.models';
  end if;
  return id;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.nearest_posts(p_model_id bigint, p_embedding extensions.vector, p_now timestamp with time zone, p_without uuid[], p_limit integer)
 RETURNS TABLE(post_id uuid, similarity double precision)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET "hnsw.iterative_scan" TO 'relaxed_order'
 SET "hnsw.ef_search" TO '200'
AS $function$
declare
  -- by the caller's own mutes; none without a login
  request constant recsys_engine.feed_request := recsys_engine.mutes_only_request(auth.uid(), p_now);
  found_ids uuid[] := array(
    select post_embeddings.post_id
    from recsys.post_embeddings
    where post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null and post_embeddings.post_id <> all (p_without)
      and exists (select from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = post_embeddings.post_id offset 0)
    order by post_embeddings.embedding operator(extensions.<#>) p_embedding
    limit p_limit
  );
begin
  -- an iterative scan gives up after hnsw.max_scan_tuples, 20,000: a caller who may read few of many posts is
  -- answered from these, found by the index of their policy
  if cardinality(found_ids) < p_limit then
    found_ids := array(
      select eligible.post_id
      from recsys_engine.eligible_posts(request) as eligible
      join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null and post_embeddings.post_id = eligible.post_id
      where eligible.post_id <> all (p_without)
      -- no index is in this order
      order by (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0
      limit p_limit
    );
  end if;
  return query
  select post_embeddings.post_id, -(post_embeddings.embedding operator(extensions.<#>) p_embedding) as nearness
  from recsys.post_embeddings
  where post_embeddings.model_id = p_model_id and post_embeddings.post_id = any (found_ids)
  order by nearness desc, post_embeddings.post_id;
end
$function$;

drop function recsys_engine.idea_posts(integer);

CREATE OR REPLACE FUNCTION recsys_engine.idea_posts(p_limit integer)
 RETURNS TABLE(now timestamp with time zone, post_ids uuid[], author_ids uuid[], titles text[], texts text[], created_at double precision[], tags jsonb)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select
    recsys.clock(),
    coalesce(array_agg(posts.post_id order by posts.created_at, posts.post_id), '{}'),
    coalesce(array_agg(posts.author_id order by posts.created_at, posts.post_id), '{}'),
    coalesce(array_agg(posts.title order by posts.created_at, posts.post_id), '{}'),
    coalesce(array_agg(posts.text order by posts.created_at, posts.post_id), '{}'),
    coalesce(array_agg(1000 * date_part('epoch', posts.created_at) order by posts.created_at, posts.post_id), '{}'),
    coalesce(jsonb_agg(posts.tags order by posts.created_at, posts.post_id), '[]')
  from (
    select
      source_posts.post_id, source_posts.author_id, coalesce(source_posts.title, '') as title, coalesce(left(source_posts.description, 300), '') as text,
      source_posts.created_at, coalesce(source_posts.tags, '{}') as tags
    from recsys.source_posts
    where source_posts.created_at <= recsys.clock() and not exists (
      select from recsys.source_withheld as withheld where withheld.post_id = source_posts.post_id or withheld.author_id = source_posts.author_id
    )
    order by source_posts.created_at desc, source_posts.post_id desc
    limit p_limit
  ) as posts;
$function$;

drop function recsys_engine.post_audiences(uuid[]);

CREATE OR REPLACE FUNCTION recsys_engine.post_audiences(p_post_ids uuid[])
 RETURNS TABLE(people integer[], viewers integer[], voters integer[], commenters integer[], topic_ids bigint[], of_newcomers boolean[])
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select
    coalesce(array_agg(counted.people order by asked.place), '{}'),
    coalesce(array_agg(counted.viewers order by asked.place), '{}'),
    coalesce(array_agg(counted.voters order by asked.place), '{}'),
    coalesce(array_agg(counted.commenters order by asked.place), '{}'),
    coalesce(array_agg(post_topics.topic_id order by asked.place), '{}'),
    coalesce(array_agg(asked.post_id = any (newcomers.post_ids) order by asked.place), '{}')
  from unnest(p_post_ids) with ordinality as asked (post_id, place)
  left join recsys.source_posts as posts on posts.post_id = asked.post_id
  left join recsys_engine.post_topics on post_topics.post_id = asked.post_id
  cross join (select recsys_engine.posts_of_newcomers(p_post_ids) as post_ids offset 0) as newcomers
  cross join lateral (
    select
      count(distinct first_thousand.user_id)::integer as people,
      count(distinct first_thousand.user_id) filter (where first_thousand.kind = 'view')::integer as viewers,
      count(distinct first_thousand.user_id) filter (where first_thousand.kind = 'vote')::integer as voters,
      count(distinct first_thousand.user_id) filter (where first_thousand.kind = 'comment')::integer as commenters
    from (
      select interactions.user_id, interactions.kind
      from recsys.source_interactions as interactions
      where interactions.post_id = asked.post_id
        and interactions.created_at >= posts.created_at and interactions.created_at <= posts.created_at + interval '7 days'
        and interactions.user_id is distinct from posts.author_id
      limit 1000
    ) as first_thousand
  ) as counted;
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.idea_topics()
 RETURNS TABLE(topic_id bigint, label text, terms text[], demand real, supply real, people integer, centroid text)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select topics.topic_id, topics.label, topics.terms, topics.demand, topics.supply, recsys_engine.rounded_people_count(topics.people), topics.centroid::text
  from recsys_engine.topics
  join recsys.models on models.model_id = topics.model_id and models.status = 'active'
  order by topics.topic_id;
$function$;

drop function recsys_engine.idea_author();

CREATE OR REPLACE FUNCTION recsys_engine.idea_author()
 RETURNS TABLE(is_known boolean, is_impersonal boolean, model_id bigint, model_name text, feature_spec_digest text, embedding text, muted text[], muted_parts text[], post_ids uuid[], titles text[])
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select
    exists (select from recsys.source_users where source_users.user_id = auth.uid()),
    caller.is_impersonal,
    models.model_id,
    models.name,
    models.feature_spec_digest,
    (
      select user_embeddings.embedding::text
      from recsys.user_embeddings
      where user_embeddings.model_id = models.model_id and user_embeddings.user_id = auth.uid() and not caller.is_impersonal
    ),
    array(
      select lower(left(source_mutes.value, 100))
      from recsys.source_mutes
      where source_mutes.user_id = auth.uid() and source_mutes.kind in ('word', 'topic')
      order by source_mutes.kind, source_mutes.value
      limit 200
    ),
    array(
      select recsys_engine.muted_part(source_mutes.value)
      from recsys.source_mutes
      where source_mutes.user_id = auth.uid() and source_mutes.kind in ('contains', 'title_contains') and recsys_engine.muted_part(source_mutes.value) is not null
      order by source_mutes.kind, source_mutes.value
      limit 200
    ),
    array(
      select source_posts.post_id
      from recsys.source_posts
      where source_posts.author_id = auth.uid() and source_posts.created_at <= recsys.clock() - interval '7 days' and not caller.is_impersonal
      order by source_posts.created_at desc, source_posts.post_id desc
      limit 50
    ),
    array(
      select coalesce(source_posts.title, '')
      from recsys.source_posts
      where source_posts.author_id = auth.uid() and source_posts.created_at <= recsys.clock() and not caller.is_impersonal
      order by source_posts.created_at desc, source_posts.post_id desc
      limit 100
    ) || array(
      select coalesce(source_posts.title, '')
      from recsys.source_posts
      where source_posts.created_at between recsys.clock() - interval '7 days' and recsys.clock()
      order by source_posts.created_at desc, source_posts.post_id desc
      limit 1000
    )
  from (select recsys_engine.feed_preference(auth.uid()) = 'impersonal') as caller (is_impersonal)
  left join recsys.models on models.status = 'active';
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.readable_titled_posts(p_post_ids uuid[])
 RETURNS TABLE(post_id uuid, app_id text, title text)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select posts.post_id, recsys.app_id(posts.post_id, posts.external_id), coalesce(posts.title, '')
  from recsys_engine.eligible_posts(recsys_engine.mutes_only_request(auth.uid(), recsys.clock())) as eligible
  join recsys.source_posts as posts on posts.post_id = eligible.post_id
  where eligible.post_id = any (p_post_ids) and eligible.author_id is distinct from auth.uid()
    and eligible.post_id <> all (recsys_engine.posts_of_newcomers(p_post_ids))
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.explain_candidate(p_user_id uuid, p_post_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamp with time zone, p_title text DEFAULT NULL::text)
 RETURNS TABLE(is_visible boolean, is_candidate boolean, is_repost boolean, one_conversation uuid[], ranks jsonb, sizes jsonb, nearest jsonb)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET role TO 'authenticated'
AS $function$
declare
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  nearest_post jsonb;
  request recsys_engine.feed_request;
  candidates uuid[];
  same uuid[];
  source_ranks jsonb;
  source_sizes jsonb;
begin
  perform set_config('request.jwt.claims', jsonb_build_object('sub', p_user_id, 'role', 'authenticated')::text, true);
  perform from recsys.source_posts where source_posts.post_id = p_post_id;
  if not found then
    perform set_config('request.jwt.claims', claims, true);
    return query select false, false, false, null::uuid[], null::jsonb, null::jsonb, null::jsonb;
    return;
  end if;

  request := recsys_engine.with_engaged_posts(recsys_engine.with_followee_engagements(recsys_engine.with_affinities(recsys_engine.feed_request(p_user_id, p_now))), p_model_id);
  request := recsys_engine.with_covisited(request, p_model_id);
  request.asked := p_post_id;
  request := recsys_engine.with_prefiltered_pool(request, p_model_id, p_embedding);
  select jsonb_object_agg(listed.source, listed.rank), jsonb_object_agg(listed.source, listed.size) into source_ranks, source_sizes
  from (
    select * from recsys_engine.personal_sources(request, p_model_id, p_embedding, 'all')
    union all
    select * from recsys_engine.global_sources(request, 'all')
  ) as listed
  where listed.post_id = p_post_id;

  select jsonb_build_object(
    'title', theirs.title,
    'similarity', round((-(theirs_embedded.embedding operator(extensions.<#>) mine.embedding))::numeric, 3),
    'at', latest.at
  ) into nearest_post
  from recsys.post_embeddings as mine
  cross join recsys_engine.user_history(p_user_id, p_now) as latest
  join recsys.post_embeddings as theirs_embedded on theirs_embedded.model_id = p_model_id and theirs_embedded.post_id = latest.post_id
  join recsys.source_posts as theirs on theirs.post_id = latest.post_id
  where mine.model_id = p_model_id and mine.post_id = p_post_id and latest.post_id <> p_post_id and recsys_engine.feed_preference(p_user_id) <> 'impersonal'
  order by theirs_embedded.embedding operator(extensions.<#>) mine.embedding, latest.at desc
  limit 1;

  candidates := array(select each.post_id from recsys_engine.retrieve(p_user_id, p_model_id, p_embedding, p_now) as each);
  -- as functions/_shared/recommend/selection/duplicates.ts compares titles: by their words, two at least, and four letters
  with titles as (
    select source_posts.post_id, source_posts.title from recsys.source_posts where source_posts.post_id = any (candidates || p_post_id)
    union all
    select null, each.title from unnest(request.original_titles) as each (title)
  ),
  words as (
    select titles.post_id, btrim(regexp_replace(recsys_engine.fold_text(titles.title), recsys_engine.word_separator_class() || '+', ' ', 'g')) as words from titles
  )
  select array_agg(words.post_id) into same from words
  -- a masked title reveals nothing of the title
  where (p_title is null or p_title = (select titles.title from titles where titles.post_id = p_post_id))
    and words.words like '% %' and length(replace(words.words, ' ', '')) >= 4 and words.post_id is distinct from p_post_id and words.words = (select each.words from words as each where each.post_id = p_post_id);
  same := same || array(
    select other.post_id
    from recsys.source_conversations as mine
    join recsys.source_conversations as other on other.conversation = mine.conversation
    where mine.post_id = p_post_id and other.post_id = any (candidates) and other.post_id <> p_post_id
    union all
    select null
    from recsys.source_conversations as mine
    join recsys.source_conversations as original on original.conversation = mine.conversation
    where mine.post_id = p_post_id and original.post_id = any (request.originals) and original.post_id <> p_post_id
  );

  return query select
    true,
    p_post_id = any (candidates) and array_position(same, null) is null,
    array_position(same, null) is not null,
    array_remove(same, null),
    coalesce(source_ranks, '{}'),
    source_sizes,
    nearest_post;
  perform set_config('request.jwt.claims', claims, true);
end
$function$;

CREATE OR REPLACE FUNCTION recsys.explain(p_user_id uuid, p_post_id uuid)
 RETURNS TABLE(topic text, item text, value text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  instant constant timestamptz := recsys.clock();
  model record;
  post record;
  found_row record;
  mutes recsys_engine.feed_request;
  answer record;
  feed constant text := recsys_engine.feed_preference(p_user_id);
  shown record;
  ahead record;
  user_vector extensions.vector;
  post_vector extensions.vector;
  -- what keeps the post out of the feed: what, and since when or why
  reasons text[] := '{}'::text[];
  details text[] := '{}'::text[];
begin
  select source_posts.post_id, source_posts.author_id, source_posts.title, source_posts.tags, source_posts.description, source_posts.created_at into post from recsys.source_posts where source_posts.post_id = p_post_id;
  if not found then
    return query values ('verdict', 'not a candidate', 'there is no such post in recsys.source_posts'::text);
    return;
  end if;
  if not exists (select from recsys.source_users where source_users.user_id = p_user_id) then
    return query values ('verdict', 'no feed', 'there is no such user in recsys.source_users'::text);
    return;
  end if;
  select models.model_id, models.name, models.feature_spec -> 'sources' as sources into model from recsys.models where models.status = 'active';
  select user_embeddings.embedding into user_vector from recsys.user_embeddings where user_embeddings.model_id = model.model_id and user_embeddings.user_id = p_user_id and feed <> 'impersonal';
  select post_embeddings.embedding into post_vector from recsys.post_embeddings where post_embeddings.model_id = model.model_id and post_embeddings.post_id = p_post_id;
  select * into answer from recsys_engine.explain_candidate(p_user_id, p_post_id, model.model_id, user_vector, instant, post.title);

  -- and nothing more: what is hidden from the user is hidden from an answer about them, which may be shown to them
  if not answer.is_visible then
    return query values
      ('verdict', 'not a candidate', 'not visible'),
      ('why not', 'not visible', 'row level security hides it from this user'::text);
    return;
  end if;
  if post.author_id = p_user_id then
    reasons := reasons || 'own'::text;
    details := details || 'this user wrote it'::text;
  end if;
  if post.created_at > instant then
    reasons := reasons || 'in the future'::text;
    details := details || format('created %s, and the engine''s clock is at %s', post.created_at, instant);
  end if;
  for found_row in
    select source_interactions.kind, count(*) as times, max(source_interactions.created_at) as at from recsys.source_interactions
    where source_interactions.user_id = p_user_id and source_interactions.post_id = p_post_id and source_interactions.created_at <= instant
      and feed = 'personal'
    group by source_interactions.kind order by at
  loop
    reasons := reasons || ('has a ' || found_row.kind || ' by this user');
    details := details || format('%s, last %s', case found_row.times when 1 then 'once' else found_row.times || ' times' end, found_row.at);
  end loop;
  select min(source_dismissals.created_at) as at into found_row from recsys.source_dismissals
  where source_dismissals.user_id = p_user_id and source_dismissals.post_id = p_post_id and source_dismissals.created_at <= instant
    and feed <> 'impersonal';
  if found_row.at is not null then
    reasons := reasons || 'dismissed or voted against'::text;
    details := details || found_row.at::text;
  end if;
  mutes := recsys_engine.mutes_only_request(p_user_id, instant);
  if post.author_id = any (mutes.muted_authors) or lower(post.tags::text)::text[] && mutes.muted_topics
    or recsys_engine.has_muted_word(recsys_engine.text_for_mutes(post.title, post.tags), mutes.muted_words, mutes.muted_pattern)
    or recsys_engine.contains_any(lower(post.title), mutes.muted_titles) or recsys_engine.contains_any(lower(post.description), mutes.muted_descriptions) then
    reasons := reasons || 'muted'::text;
    details := details || concat_ws('; ',
      case when post.author_id = any (mutes.muted_authors) then 'its author' end,
      (select 'its topic ' || string_agg(tag, ', ') from unnest(post.tags) as tag where lower(tag) = any (mutes.muted_topics)),
      case when recsys_engine.has_muted_word(recsys_engine.text_for_mutes(post.title, post.tags), mutes.muted_words, mutes.muted_pattern) then 'a word of its title or tags' end,
      case when recsys_engine.contains_any(lower(post.title), mutes.muted_titles) then 'a text in its title' end,
      case when recsys_engine.contains_any(lower(post.description), mutes.muted_descriptions) then 'a text in its description' end);
  end if;
  select max(impressions.seen_at) as at into found_row from recsys.impressions
  where impressions.user_id = p_user_id and impressions.post_id = p_post_id and impressions.seen_at > instant - interval '30 days' and impressions.seen_at <= instant
    and feed = 'personal';
  if found_row.at is not null and not answer.is_candidate then
    reasons := reasons || 'seen in the last 30 days'::text;
    details := details || found_row.at::text;
  end if;
  if not answer.is_candidate and mutes.withholds and exists (
    select from recsys.source_withheld where source_withheld.post_id = p_post_id or source_withheld.author_id = post.author_id
  ) and (feed = 'impersonal' or post.author_id <> all (recsys_engine.followed_people(p_user_id, instant)) is not false) then
    reasons := reasons || 'withheld'::text;
    details := details || 'it is recommended to nobody but those who follow its author'::text;
  end if;
  if answer.is_repost and reasons = '{}' then
    reasons := reasons || 'a repost'::text;
    details := details || 'it is one conversation with what this user dismissed, or saw and wants no reposts of'::text;
  end if;
  if not answer.is_candidate and reasons = '{}' then
    reasons := reasons || 'no source brings it'::text;
    details := details || 'its ranks are behind what each source brings'::text;
  end if;

  return query select
    'verdict',
    case when answer.is_candidate then 'a candidate' else 'not a candidate' end,
    case when answer.is_candidate then 'in the feed where the ranker puts it among the best' else array_to_string(reasons, '; ') end;
  if feed <> 'personal' then
    return query select 'feed', feed, 'the user wants it so (recsys.source_preferences)'::text;
  end if;
  return query select 'post', post.title, format('%s, created %s', p_post_id, post.created_at);
  return query select 'why not', why.reason, why.detail from unnest(reasons, details) as why (reason, detail);
  if model.model_id is null then
    return query values ('model', 'none is active', 'feeds are fresh and popular: npx --no-install recsys publish'::text);
  else
    return query select 'model', model.name, format('model_id %s', model.model_id);
    if post_vector is null then
      return query select 'vector', 'the post has none', coalesce(
        (select case when job.is_dead then 'given up: ' || job.last_error else format('waits since %s', job.enqueued_at) end
          from recsys_engine.embedding_jobs as job where job.kind = 'post' and job.entity_id = p_post_id),
        'and none waits: update its text, or publish again');
    end if;
    if user_vector is null and feed <> 'impersonal' then
      return query values ('vector', 'the user has none stored', 'their feed computes one; ranks by similarity are unknown here'::text);
    end if;
  end if;

  return query
    select 'one conversation', other.post_id::text, format('created %s; of these a page has the one to which most people came, and the others folded into it', other.created_at)
    from recsys.source_posts as other where answer.is_candidate and other.post_id = any (answer.one_conversation)
    order by other.created_at, other.post_id;

  return query select
    'source', source,
    case
      when ranks.rank is null then 'not in it'
      when ranks.rank > ranks.size then format('rank %s, behind the %s that it brings', ranks.rank, ranks.size)
      else format('rank %s of %s', ranks.rank, ranks.size)
    end
  from (select each.key as source, each.value::bigint as rank, (answer.sizes ->> each.key)::integer as size from jsonb_each_text(answer.ranks) as each) as ranks
  full join (
    -- those of which the ranker is told are named also where they do not have it
    select listed.source ->> 'name' as source, listed.place
    from jsonb_array_elements(model.sources) with ordinality as listed (source, place)
  ) as known using (source)
  order by known.place, source;
  return query
    select 'similarity', 'to the user', round((-(user_vector operator(extensions.<#>) post_vector))::numeric, 3)::text
    where user_vector is not null and post_vector is not null;
  if answer.nearest is not null then
    return query select
      'history', answer.nearest ->> 'title', format('similarity %s, last there %s', answer.nearest ->> 'similarity', (answer.nearest ->> 'at')::timestamptz);
  end if;

  select lists.made_at, array_position(lists.post_ids, p_post_id) as place, lists.scores into ahead from recsys.batch_recommendations as lists
  where lists.user_id = p_user_id and p_post_id = any (lists.post_ids) and feed = 'personal';
  if found then
    return query select 'listed', format('rank %s', ahead.place), format('score %s, %s', ahead.scores[ahead.place], ahead.made_at);
  end if;

  select impressions.* into shown from recsys.impressions
  where impressions.user_id = p_user_id and impressions.post_id = p_post_id and feed <> 'impersonal'
  order by impressions.shown_at desc
  limit 1;
  if found then
    return query select 'shown', format('position %s', shown.position), concat_ws(', ', shown.shown_at, 'score ' || shown.score, 'source ' || shown.source, (
      select string_agg(format('p(%s) %s', predicted.key, round(predicted.value::numeric, 3)), ', ' order by predicted.key) from jsonb_each(shown.optional_probabilities) as predicted
    ), 'seen ' || shown.seen_at);
    return query
      select 'feature', features.part || ' ' || features.feature, round(features.value::numeric, 3)::text
      from recsys_engine.impression_features as features
      where features.request_id = shown.request_id and features.post_id = p_post_id and features.shown_at = shown.shown_at
      order by features.number;
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.similar_posts_for_caller(p_post_id uuid, p_limit integer)
 RETURNS TABLE(is_known boolean, model_id bigint, model_name text, items json)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  perform recsys_engine.require_invoker_views();
  return query
  select
    exists (select from recsys.source_posts where source_posts.post_id = p_post_id),
    models.model_id,
    models.name,
    (
      select coalesce(json_agg(json_build_object('post_id', posts.post_id, 'app_id', recsys.app_id(posts.post_id, posts.external_id), 'title', coalesce(posts.title, ''))
        order by nearest.similarity desc, nearest.post_id), '[]')
      from recsys.post_embeddings as this
      cross join lateral recsys_engine.nearest_posts(
        models.model_id, this.embedding, recsys.clock(),
        p_post_id || array(select source_dismissals.post_id from recsys.source_dismissals where source_dismissals.user_id = (select auth.uid()) and source_dismissals.post_id is not null
          and (select recsys_engine.feed_preference(auth.uid())) <> 'impersonal'
          order by source_dismissals.created_at desc limit 5000),
        p_limit
      ) as nearest
      join recsys.source_posts as posts on posts.post_id = nearest.post_id
      where this.model_id = models.model_id and this.post_id = p_post_id
    )
  from (values (true)) as one (row)
  left join recsys.models on models.status = 'active';
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.similar_people_for_caller(p_claims jsonb, p_limit integer)
 RETURNS TABLE(is_known boolean, model_id bigint, model_name text, items json)
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  me constant uuid := (p_claims ->> 'sub')::uuid;
  found_ids uuid[];
  readable uuid[];
  muted uuid[];
begin
  perform recsys_engine.require_invoker_views();
  is_known := recsys_engine.readable_people(p_claims, array[me]) <> '{}';
  select models.model_id, models.name into model_id, model_name from recsys.models where models.status = 'active';
  if is_known and recsys_engine.feed_preference(me) <> 'impersonal' then
    select similar_people.user_ids into found_ids from recsys_engine.similar_people
    where similar_people.user_id = me and similar_people.model_id = similar_people_for_caller.model_id
      -- one of the future was made while the clock was wrong
      and similar_people.made_at > now() - interval '1 day' and similar_people.made_at <= now();
    if found_ids is null then
      found_ids := recsys_engine.nearest_readable_people(p_claims, similar_people_for_caller.model_id);
      -- an operator who looks at a user's answer leaves nothing behind
      if found_ids is not null and current_setting('transaction_read_only') = 'off' then
        insert into recsys_engine.similar_people as own (user_id, model_id, user_ids) values (me, similar_people_for_caller.model_id, found_ids)
        on conflict (user_id) do update set model_id = excluded.model_id, user_ids = excluded.user_ids, made_at = excluded.made_at;
      end if;
    end if;
  end if;
  readable := recsys_engine.readable_people(p_claims, found_ids);
  muted := coalesce((recsys_engine.mutes_only_request(me, recsys.clock())).muted_authors, '{}');
  items := (
    select coalesce(json_agg(json_build_object('user_id', near.user_id) order by near.place) filter (where near.place <= p_limit), '[]')
    from (
      select
        kept.user_id,
        row_number() over (order by (kept.place - 1) / recsys_engine.anonymity_threshold(), kept.user_id) as place,
        count(*) over () as people
      from unnest(found_ids) with ordinality as kept (user_id, place)
      where kept.user_id = any (readable) and kept.user_id <> all (muted)
        -- they may have been found before they wanted none
        and kept.user_id not in (select personalization_opt_outs.user_id from recsys_engine.personalization_opt_outs)
        and not exists (select from recsys.source_withheld where source_withheld.author_id = kept.user_id)
    ) as near
    where near.people >= recsys_engine.anonymity_threshold()
  );
  return next;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.post_reach(p_post_id uuid)
 RETURNS TABLE(model_id bigint, model_name text, people integer)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select
    models.model_id,
    models.name,
    (
      select recsys_engine.rounded_people_count(topics.people)
      from recsys_engine.post_topics
      join recsys_engine.topics on topics.topic_id = post_topics.topic_id and topics.model_id = models.model_id
      where post_topics.post_id = p_post_id
    )
  from (values (true)) as one (row)
  left join recsys.models on models.status = 'active';
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.people_to_follow(p_user_id uuid, p_limit integer)
 RETURNS TABLE(is_known boolean, follows uuid[], items json)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
declare
  as_of constant timestamptz := recsys.clock();
  -- null: nothing of theirs is read
  reader constant uuid := case when recsys_engine.feed_preference(p_user_id) <> 'impersonal' then p_user_id end;
  muted constant uuid[] := coalesce((recsys_engine.mutes_only_request(p_user_id, as_of)).muted_authors, '{}');
  followed constant uuid[] := array(
    select latest.target::uuid from recsys_engine.latest_follows(reader, '{person}', as_of, 10000) as latest
    where pg_input_is_valid(latest.target, 'uuid')
  );
begin
  return query
  with authors as (
    select posts.author_id as user_id, count(distinct posts.post_id) as posts
    from unnest(recsys_engine.latest_interactions(reader, as_of)) as latest
    join recsys.source_posts as posts on posts.post_id = latest.post_id
    group by posts.author_id
  ),
  friends as (
    select theirs.user_id, array_agg(distinct friend.user_id) as people
    from unnest((recsys_engine.followed_people(reader, as_of))[:100]) as friend (user_id)
    cross join lateral (
      select followed.user_id from unnest(recsys_engine.followed_people(friend.user_id, as_of)) as followed (user_id) limit 100
    ) as theirs
    where friend.user_id <> all (muted) and exists (select from recsys.source_users where source_users.user_id = friend.user_id offset 0)
    group by theirs.user_id
  ),
  found as (
    select user_id, authors.posts, friends.people, coalesce(authors.posts, 0) + coalesce(cardinality(friends.people), 0) as weight
    from authors
    full join friends using (user_id)
    where user_id <> p_user_id and user_id <> all (followed) and user_id <> all (muted)
      and exists (select from recsys.source_users where source_users.user_id = coalesce(authors.user_id, friends.user_id) offset 0)
      and not exists (select from recsys.source_withheld where source_withheld.author_id = user_id)
    order by weight desc, user_id
    limit p_limit
  )
  select
    exists (select from recsys.source_users where source_users.user_id = p_user_id),
    followed,
    (
      select coalesce(json_agg(json_build_object('user_id', found.user_id, 'why', recsys_engine.follow_reason(found.posts, found.people)) order by found.weight desc, found.user_id), '[]')
      from found
    );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.topics_to_follow(p_user_id uuid, p_limit integer, p_kind text)
 RETURNS TABLE(is_known boolean, items json)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  as_of constant timestamptz := recsys.clock();
  -- null: nothing of theirs is read
  reader constant uuid := case when recsys_engine.feed_preference(p_user_id) <> 'impersonal' then p_user_id end;
  request constant recsys_engine.feed_request := recsys_engine.mutes_only_request(p_user_id, as_of);
  muted_people constant uuid[] := coalesce(request.muted_authors, '{}');
  muted constant text[] := coalesce(request.muted_topics, '{}');
  followed constant text[] := array(select lower(latest.target) from recsys_engine.latest_follows(p_user_id, '{topic,group}', as_of, 10000) as latest);
begin
  return query
  with met as (
    select lower(tag) as name, min(tag) as tag, count(distinct posts.post_id) as posts
    from unnest(recsys_engine.latest_interactions(reader, as_of)) as latest
    join recsys.source_posts as posts on posts.post_id = latest.post_id
    cross join unnest(posts.tags) as tag
    where posts.author_id is distinct from p_user_id and tag ~ '\S'
    group by lower(tag)
  ),
  tags as (
    select met.name, met.tag, met.posts from met
    where p_kind = 'topic'
    union all
    -- which tag names a group nothing but follows says, and of an id the capital letters count. For topics they are not read
    select met.name, min(source_follows.target), met.posts
    from met
    join recsys.source_follows on lower(source_follows.target) = met.name
    where p_kind = 'group' and source_follows.kind = 'group' and (source_follows.created_at <= as_of) is not false
    group by met.name, met.posts
  ),
  friends as (
    select lower(theirs.target) as name, min(theirs.target) as tag, array_agg(distinct friend.user_id) as people
    from unnest((recsys_engine.followed_people(reader, as_of))[:100]) as friend (user_id)
    cross join lateral (
      select latest.target from recsys_engine.latest_follows(friend.user_id, array[p_kind], as_of, 100) as latest
      order by latest.created_at desc nulls last, latest.target
      limit 100
    ) as theirs
    where friend.user_id <> all (muted_people) and exists (select from recsys.source_users where source_users.user_id = friend.user_id offset 0)
    group by lower(theirs.target)
  ),
  found as (
    select coalesce(tags.tag, friends.tag) as shown, name, tags.posts, friends.people, coalesce(tags.posts, 0) + coalesce(cardinality(friends.people), 0) as weight
    from tags
    full join friends using (name)
    where left(name, 100) <> all (muted)
      and not recsys_engine.has_muted_word(recsys_engine.text_for_mutes(null, array[coalesce(tags.tag, friends.tag)]), request.muted_words, request.muted_pattern)
      and not recsys_engine.contains_any(name, request.muted_titles)
      and name not in (select unnest(followed))
    order by weight desc, name
    limit p_limit
  )
  select
    exists (select from recsys.source_users where source_users.user_id = p_user_id),
    (
      select coalesce(json_agg(json_build_object(p_kind, found.shown, 'why', recsys_engine.follow_reason(found.posts, found.people)) order by found.weight desc, found.name), '[]')
      from found
    );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.experiment_outcomes(p_experiment_id bigint)
 RETURNS SETOF recsys_engine.person_outcome
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  with experiment as (
    select experiments.*,
      -- only what has had its time to be acted on, or a late look would see better people than an early one
      least(experiments.ended_at, recsys.clock() - experiments.outcome_window) as counted_until,
      experiments.started_at - interval '28 days' as looked_at_from
    from recsys.experiments
    where experiments.experiment_id = p_experiment_id
  ),
  shown as (
    -- what is shown again is the same post to the same person
    select impressions.user_id, impressions.post_id, min(impressions.shown_at) as shown_at, min(named.variant) as variant
    from experiment
    join recsys_engine.recommended_impressions as impressions on impressions.shown_at >= experiment.counted_from and impressions.shown_at < experiment.counted_until
    cross join lateral (
      select variants.variant from recsys.experiment_variants as variants
      where variants.experiment_id = experiment.experiment_id
        and experiment.name || '/' || variants.variant = any (string_to_array(impressions.variant, ','))
    ) as named
    where impressions.variant is not null
    group by impressions.user_id, impressions.post_id
  ),
  people as (
    select shown.user_id, min(shown.variant) as variant, coalesce(users.created_at >= experiment.looked_at_from, false) as is_new
    from experiment
    cross join shown
    left join recsys.source_users as users on users.user_id = shown.user_id
    group by shown.user_id, users.created_at, experiment.looked_at_from
  ),
  shown_before as (
    select impressions.user_id, impressions.post_id, min(impressions.shown_at) as shown_at
    from experiment
    -- nothing that could have been acted on in the experiment
    join recsys_engine.recommended_impressions as impressions on impressions.shown_at >= experiment.looked_at_from and impressions.shown_at < experiment.started_at - experiment.outcome_window
    where impressions.user_id in (select people.user_id from people)
    group by impressions.user_id, impressions.post_id
  ),
  both_times as (
    select shown.user_id, shown.post_id, shown.shown_at, false as is_before from shown
    union all
    select shown_before.user_id, shown_before.post_id, shown_before.shown_at, true from shown_before
  ),
  acted as (
    select both_times.user_id, both_times.is_before, interactions.kind, count(distinct both_times.post_id) as posts
    from experiment
    cross join both_times
    join recsys.source_interactions as interactions
      on interactions.user_id = both_times.user_id and interactions.post_id = both_times.post_id
      and interactions.created_at > both_times.shown_at and interactions.created_at <= both_times.shown_at + experiment.outcome_window
    group by both_times.user_id, both_times.is_before, interactions.kind
  ),
  acted_optionally as (
    select both_times.user_id, both_times.is_before, acts.head, count(distinct both_times.post_id) as posts
    from experiment
    cross join both_times
    join recsys_engine.optional_head_events as acts
      on acts.user_id = both_times.user_id and acts.post_id = both_times.post_id
      and acts.created_at > both_times.shown_at and acts.created_at <= both_times.shown_at + experiment.outcome_window
    group by both_times.user_id, both_times.is_before, acts.head
  ),
  counts as (
    select acted.user_id, acted.is_before, acted.kind as metric, acted.posts from acted
    union all
    select acted_optionally.user_id, acted_optionally.is_before, acted_optionally.head, acted_optionally.posts from acted_optionally
  ),
  metrics as (
    select heads.head as metric from recsys_engine.heads
    -- an app without dismissals reads of none
    where heads.is_known and (heads.head <> 'dismiss' or exists (select from acted_optionally where acted_optionally.head = 'dismiss'))
  ),
  totals as (
    select both_times.user_id, count(*) filter (where not both_times.is_before) as shown, count(*) filter (where both_times.is_before) as shown_before
    from both_times
    group by both_times.user_id
  )
  select people.variant, people.is_new, metrics.metric, totals.shown::integer, coalesce(now.posts, 0)::integer, totals.shown_before::integer, coalesce(before.posts, 0)::integer
  from people
  join totals on totals.user_id = people.user_id
  cross join metrics
  left join counts as now on now.user_id = people.user_id and now.metric = metrics.metric and not now.is_before
  left join counts as before on before.user_id = people.user_id and before.metric = metrics.metric and before.is_before
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.stop_harmful_experiments()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  experiment record;
  harm record;
  -- also without any dismissals: a number that grew with the first one would be wrong more often than 5 % together
  metrics constant integer := (select count(*)::integer from recsys_engine.heads where heads.is_known);
  names text[] := '{}'::text[];
  reasons text[] := '{}'::text[];
begin
  for experiment in
    select experiments.experiment_id, experiments.name, experiments.max_loss, first.variant as control,
      (select count(*) - 1 from recsys.experiment_variants as variants where variants.experiment_id = experiments.experiment_id) as others
    from recsys.experiments
    join recsys.experiment_variants as first on first.experiment_id = experiments.experiment_id and first.place = 1
    where experiments.ended_at is null and experiments.max_loss < 1 and experiments.kind = 'split'
    order by experiments.experiment_id
  loop
    -- 5 % for all variants and metrics together, on all days together
    select effects.variant, effects.metric, at_best.ratio into harm
    from recsys_engine.compare_variants(
      array(select outcomes from recsys_engine.experiment_outcomes(experiment.experiment_id) as outcomes), experiment.control, 0.05 / (metrics * experiment.others)
    ) as effects
    join recsys_engine.heads on heads.head = effects.metric
    cross join lateral (select case when heads.is_loss then effects.always_low else effects.always_high end as ratio) as at_best
    where effects.people_group = 'all'
      and case when heads.is_loss then at_best.ratio > 1 + experiment.max_loss else at_best.ratio < 1 - experiment.max_loss end
    order by case when heads.is_loss then 1 / at_best.ratio else at_best.ratio end, effects.variant
    limit 1;
    if found then
      names := names || experiment.name;
      reasons := reasons || format('guardrail: %s has at least %s %s than %s', harm.variant, recsys_engine.percent_more(harm.ratio), recsys_engine.acts_of(harm.metric), experiment.control);
    end if;
  end loop;
  for experiment in
    select experiments.experiment_id, experiments.name, experiments.max_loss, models.name as second_model
    from recsys.experiments
    join recsys.experiment_variants as variants on variants.experiment_id = experiments.experiment_id and variants.place = 1
    left join recsys.models on models.model_id = variants.second_model_id
    where experiments.ended_at is null and experiments.max_loss < 1 and experiments.kind = 'interleaving'
    order by experiments.experiment_id
  loop
    select effects.metric, effects.always_high into harm
    from recsys_engine.compare_teams(array(select credits from recsys_engine.interleaving_credits(experiment.experiment_id) as credits), 0.05 / 3) as effects
    -- the second team's credit is less than 1 - max_loss of the first's
    where effects.metric <> 'score' and effects.always_high < -experiment.max_loss / (2 - experiment.max_loss)
    order by effects.always_high, effects.metric
    limit 1;
    if found then
      names := names || experiment.name;
      reasons := reasons || format('guardrail: the picks of %s get at most %s %% of the %ss', experiment.second_model, to_char(50 * (1 + harm.always_high), 'FM990.0'), harm.metric);
    end if;
  end loop;
  -- at the end, since this takes the lock of model switches, and some may have been stopped by hand meanwhile
  perform recsys.stop_experiment(harmful.name, harmful.reason)
  from unnest(names, reasons) as harmful (name, reason)
  join recsys.experiments on experiments.name = harmful.name and experiments.ended_at is null;
  return cardinality(names);
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.shown_features(p_day date, p_feeds integer)
 RETURNS TABLE(model_id bigint, user_id uuid, post_id uuid, features real[])
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  with day as (
    select p_day::timestamp at time zone 'UTC' as begins, (p_day + 1)::timestamp at time zone 'UTC' as ends
  ),
  last as (
    -- ids of requests are random, so the first of them are a sample; one that has the first place has the others too
    select impressions.request_id
    from day
    join recsys_engine.recommended_impressions as impressions on impressions.shown_at >= day.begins and impressions.shown_at < day.ends
    where impressions.position = 1 and impressions.model_id is not null
    order by impressions.request_id
    offset p_feeds limit 1
  )
  select impressions.model_id, impressions.user_id, impressions.post_id, impressions.features
  from day
  join recsys_engine.recommended_impressions as impressions on impressions.shown_at >= day.begins and impressions.shown_at < day.ends
  where impressions.request_id < coalesce((select last.request_id from last), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    and impressions.position <= 10 and impressions.features is not null and not impressions.explored
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.measure_day(p_day date)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  day_begins constant timestamptz := p_day::timestamp at time zone 'UTC';
  day_ends constant timestamptz := (p_day + 1)::timestamp at time zone 'UTC';
  written integer;
  optional_written integer;
begin
  if p_day is null or day_ends + interval '1 day' > recsys.clock() then
    raise exception 'the labels of % are not settled: a day is measured a day after its end', coalesce(p_day::text, 'no day')
      using hint = 'select recsys_engine.measure_days()';
  end if;
  -- of two at the same time the second measures what is the same by then
  perform recsys_engine.take_lock('metrics');
  delete from recsys.daily_metrics where daily_metrics.day = p_day and daily_metrics.metric not in ('lag', 'degraded');
  insert into recsys.daily_metrics (day, metric, model_id, slice, value, count)
  with shown as materialized (
    -- what is shown again is the same post to the same person
    select distinct on (impressions.user_id, impressions.post_id)
      impressions.user_id, impressions.post_id, impressions.shown_at, coalesce(impressions.model_id, 0) as model_id,
      coalesce(impressions.source, 'unknown') as source,
      case
        when impressions.position <= 10 then impressions.position::text
        when impressions.position <= 20 then '11-20'
        when impressions.position <= 50 then '21-50'
        else '51 on'
      end as place,
      -- a list made ahead predicted for another instant
      case impressions.mode when 'live' then impressions.view_probability end as view_probability,
      case impressions.mode when 'live' then impressions.vote_probability end as vote_probability,
      case impressions.mode when 'live' then impressions.comment_probability end as comment_probability
    from recsys_engine.recommended_impressions as impressions
    where impressions.shown_at >= day_begins and impressions.shown_at < day_ends
    order by impressions.user_id, impressions.post_id, impressions.shown_at
  ),
  acted as (
    select shown.user_id, shown.post_id,
      bool_or(interactions.kind = 'view') as viewed, bool_or(interactions.kind = 'vote') as voted, bool_or(interactions.kind = 'comment') as commented
    from shown
    join recsys.source_interactions as interactions on interactions.user_id = shown.user_id and interactions.post_id = shown.post_id
    where interactions.created_at > shown.shown_at and interactions.created_at <= shown.shown_at + interval '1 day'
      -- says the same once more, for who looks for them by time
      and interactions.created_at >= day_begins and interactions.created_at < day_ends + interval '1 day'
    group by shown.user_id, shown.post_id
  ),
  totals as materialized (
    select shown.model_id, shown.place, shown.source, count(*) as posts,
      count(*) filter (where acted.viewed) as viewed, count(*) filter (where acted.voted) as voted, count(*) filter (where acted.commented) as commented,
      count(shown.view_probability) as predicted,
      sum(shown.view_probability::double precision) as views, sum(shown.vote_probability::double precision) as votes,
      sum(shown.comment_probability::double precision) as comments,
      count(*) filter (where acted.viewed and shown.view_probability is not null) as viewed_of_these,
      count(*) filter (where acted.voted and shown.view_probability is not null) as voted_of_these,
      count(*) filter (where acted.commented and shown.view_probability is not null) as commented_of_these
    from shown
    left join acted on acted.user_id = shown.user_id and acted.post_id = shown.post_id
    group by shown.model_id, shown.place, shown.source
  ),
  heads as (
    select totals.model_id, totals.place, totals.source, totals.posts, totals.predicted, head.kind, head.acted, head.expected, head.acted_of_these
    from totals
    cross join lateral (
      values ('view', viewed, views, viewed_of_these), ('vote', voted, votes, voted_of_these), ('comment', commented, comments, commented_of_these)
    ) as head (kind, acted, expected, acted_of_these)
  ),
  by_post as materialized (
    select shown.post_id, count(*) as times, posts.created_at, posts.author_id,
      count(*) filter (where shown.shown_at <= posts.created_at + interval '1 day') as within_a_day,
      count(*) filter (where shown.shown_at <= posts.created_at + interval '7 days') as within_a_week
    from shown
    join recsys.source_posts as posts on posts.post_id = shown.post_id
    group by shown.post_id, posts.created_at, posts.author_id
  ),
  by_author as (
    select sum(by_post.times) as times, row_number() over (order by sum(by_post.times) desc) as place, count(*) over () as authors
    from by_post
    where by_post.author_id is not null
    group by by_post.author_id
  ),
  people as (
    -- one more than there are, as if each post had one more participant: the novelty of a post without any stays
    -- finite
    select count(*) + 1 as number from recsys.source_users where source_users.created_at < day_ends
  )
  select p_day, figures.metric, figures.model_id, figures.slice, figures.value, figures.count
  from (
    select 'shown' as metric, 0 as model_id, '' as slice, count(*)::double precision as value, count(distinct shown.user_id) as count from shown
    union all
    select 'feeds', 0, feeds.kind, count(*) / sum(count(*)) over (), (sum(count(*)) over ())::bigint
    from (
      select distinct impressions.request_id,
        coalesce('degraded to ' || impressions.degraded, case when impressions.model_id is null then 'no model' else impressions.mode end) as kind
      from recsys.impressions
      where impressions.shown_at >= day_begins and impressions.shown_at < day_ends
    ) as feeds
    group by feeds.kind
    union all
    select 'rate', heads.model_id, heads.kind, sum(heads.acted) / sum(heads.posts), sum(heads.posts)::bigint
    from heads group by heads.model_id, heads.kind
    union all
    select 'rate by position', heads.model_id, heads.kind || ' ' || heads.place, sum(heads.acted) / sum(heads.posts), sum(heads.posts)::bigint
    from heads group by heads.model_id, heads.kind, heads.place
    union all
    select 'rate by source', heads.model_id, heads.kind || ' ' || heads.source, sum(heads.acted) / sum(heads.posts), sum(heads.posts)::bigint
    from heads group by heads.model_id, heads.kind, heads.source
    union all
    select 'predicted', heads.model_id, heads.kind, sum(heads.expected) / sum(heads.predicted), sum(heads.predicted)::bigint
    from heads group by heads.model_id, heads.kind having sum(heads.predicted) > 0
    union all
    select 'calibration', heads.model_id, heads.kind, sum(heads.expected) / sum(heads.acted_of_these), sum(heads.acted_of_these)::bigint
    from heads group by heads.model_id, heads.kind having sum(heads.acted_of_these) > 0
    union all
    select 'drift', 0, drift.feature, drift.psi, drift.independent from recsys_engine.feature_drift(p_day) as drift
    union all
    select 'skew', skew.model_id, skew.feature, skew.psi, skew.people from recsys_engine.feature_skew(p_day) as skew
    union all
    select 'coverage', 0, '', count(by_post.post_id) / count(*)::double precision, count(*)
    from recsys.source_posts
    left join by_post on by_post.post_id = source_posts.post_id
    where source_posts.created_at >= day_ends - interval '30 days' and source_posts.created_at < day_ends
    -- on a day without feeds there was nothing to cover anything
    having count(*) > 0 and exists (select from shown)
    union all
    select 'novelty', 0, '', sum(by_post.times * -ln((coalesce(state.participants, 0) + 1) / people.number::double precision) / ln(2::double precision)) / sum(by_post.times), sum(by_post.times)::bigint
    from people
    cross join by_post
    left join lateral (
      select post_stats.participants from recsys_engine.post_stats
      where post_stats.post_id = by_post.post_id and post_stats.last_active_at < day_ends
      order by post_stats.last_active_at desc, post_stats.interaction_id desc
      limit 1
    ) as state on true
    having sum(by_post.times) > 0
    union all
    select 'fresh', 0, ages.slice, sum(ages.times) / sum(by_post.times), sum(by_post.times)::bigint
    from by_post
    cross join lateral (values ('1 day', by_post.within_a_day), ('7 days', by_post.within_a_week)) as ages (slice, times)
    group by ages.slice
    union all
    select 'authors', 0, '', sum(by_author.times) filter (where by_author.place <= ceil(by_author.authors / 10.0)) / sum(by_author.times), sum(by_author.times)::bigint
    from by_author
    having count(*) > 0
  ) as figures;
  get diagnostics written = row_count;
  -- heads that not every model has; where none does this reads the day once more and looks for nothing
  insert into recsys.daily_metrics (day, metric, model_id, slice, value, count)
  with shown as materialized (
    select distinct on (impressions.user_id, impressions.post_id)
      impressions.request_id, impressions.post_id, impressions.model_id, impressions.optional_probabilities
    from recsys_engine.recommended_impressions as impressions
    where impressions.shown_at >= day_begins and impressions.shown_at < day_ends and impressions.mode = 'live'
      and impressions.optional_probabilities is not null
    order by impressions.user_id, impressions.post_id, impressions.shown_at
  ),
  labels as materialized (
    select labels.head, labels.request_id, labels.post_id
    from recsys_engine.optional_head_labels(day_begins, day_ends) as labels
    where exists (select from shown)
  ),
  heads as (
    select shown.model_id, head.head, count(*) as predicted, sum(head.probability::double precision) as expected, count(labels.post_id) as happened
    from shown
    cross join lateral jsonb_each(shown.optional_probabilities) as head (head, probability)
    left join labels on labels.head = head.head and labels.request_id = shown.request_id and labels.post_id = shown.post_id
    group by shown.model_id, head.head
  )
  select p_day, figures.metric, heads.model_id, heads.head, figures.value, figures.count
  from heads
  cross join lateral (
    values ('rate', heads.happened / heads.predicted::double precision, heads.predicted), ('predicted', heads.expected / heads.predicted, heads.predicted),
      ('calibration', heads.expected / nullif(heads.happened, 0), heads.happened)
  ) as figures (metric, value, count)
  where figures.value is not null;
  get diagnostics optional_written = row_count;
  return written + optional_written;
end
$function$;

drop function recsys_engine.measure_days(integer);

CREATE OR REPLACE FUNCTION recsys_engine.measure_days(p_limit integer DEFAULT 1)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  today constant date := (recsys.clock() at time zone 'UTC')::date;
  missing date;
  number integer := 0;
begin
  if p_limit is null or p_limit < 0 then
    raise exception '0 days or more are measured at once, not %', coalesce(p_limit::text, 'null');
  end if;
  -- of two at the same time the other does it
  if not recsys_engine.try_lock('metrics') then
    return 0;
  end if;
  insert into recsys.daily_metrics as earlier (day, metric, model_id, slice, value, count)
  select today, 'lag', 0, 'roll-up', coalesce(extract(epoch from roll_up_lag.age), 0), 1 from recsys_engine.roll_up_lag
  union all
  select today, 'lag', 0, 'embedding', coalesce(extract(epoch from max(embedding_queue.age)), 0), 1 from recsys.embedding_queue
  on conflict (day, metric, model_id, slice) do update set value = greatest(earlier.value, excluded.value), count = earlier.count + 1;
  -- what fails shows at once, and not when labels are settled
  insert into recsys.daily_metrics as earlier (day, metric, model_id, slice, value, count)
  select today, 'degraded', 0, '', last_hour.degraded / last_hour.feeds::double precision, last_hour.feeds
  from (
    select count(distinct impressions.request_id) as feeds, count(distinct impressions.request_id) filter (where impressions.degraded is not null) as degraded
    from recsys.impressions
    where impressions.shown_at > recsys.clock() - interval '1 hour' and impressions.shown_at <= recsys.clock()
  ) as last_hour
  where last_hour.feeds > 0
  on conflict (day, metric, model_id, slice) do update
  set value = (earlier.value * earlier.count + excluded.value * excluded.count) / (earlier.count + excluded.count), count = earlier.count + excluded.count;
  -- of days that are not over yet, or not settled: from while the clock was ahead
  delete from recsys.daily_metrics
  where daily_metrics.day > today or (daily_metrics.day > today - 2 and daily_metrics.metric not in ('lag', 'degraded'));
  for missing in
    select unmeasured.day from recsys_engine.unmeasured_days() as unmeasured order by unmeasured.day limit p_limit
  loop
    perform recsys_engine.measure_day(missing);
    number := number + 1;
  end loop;
  delete from recsys.daily_metrics where daily_metrics.day < today - 731;
  return number;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.health_figures()
 RETURNS TABLE(figure text, part text, value double precision, count bigint, state text)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  with measured as (
    select max(day) as last, count(*) as days from recsys.daily_metrics where metric = 'shown'
  ),
  today as (
    select (recsys.clock() at time zone 'UTC')::date as day
  ),
  recent as (
    select metrics.*, coalesce(models.name, 'model ' || metrics.model_id) as model
    from measured
    join recsys.daily_metrics as metrics on metrics.day > measured.last - 7 and metrics.day <= measured.last
    left join recsys.models on models.model_id = metrics.model_id
  ),
  -- what ranked on the last measured day: of those before it nothing is to be done any more
  ranking as (
    select distinct recent.model_id from measured join recent on recent.day = measured.last where recent.metric = 'predicted'
  ),
  calibration as (
    select recent.model, recent.slice, sum(recent.value * recent.count) filter (where recent.metric = 'predicted') as expected,
      coalesce(sum(recent.count) filter (where recent.metric = 'calibration'), 0) as happened
    from ranking
    join recent on recent.model_id = ranking.model_id
    where recent.metric in ('predicted', 'calibration')
    group by recent.model, recent.slice
  ),
  weeks as (
    select metrics.metric, metrics.slice,
      sum(metrics.value * metrics.count) filter (where metrics.day > measured.last - 7) / nullif(sum(metrics.count) filter (where metrics.day > measured.last - 7), 0) as now,
      sum(metrics.value * metrics.count) filter (where metrics.day <= measured.last - 7) / nullif(sum(metrics.count) filter (where metrics.day <= measured.last - 7), 0) as before,
      least(sum(metrics.count) filter (where metrics.day > measured.last - 7), sum(metrics.count) filter (where metrics.day <= measured.last - 7))::bigint as count,
      count(distinct metrics.day) filter (where metrics.day <= measured.last - 7) as days_before
    from measured
    join recsys.daily_metrics as metrics on metrics.day > measured.last - 35 and metrics.day <= measured.last
    -- fewer dismissals are no fault
    where metrics.metric in ('rate', 'coverage', 'novelty', 'fresh', 'authors') and metrics.slice not in (select heads.head from recsys_engine.heads where heads.is_loss)
    group by metrics.metric, metrics.slice
  ),
  drifting as (
    select recent.slice, recent.value, recent.count, row_number() over (order by recent.value desc, recent.slice) as place
    from measured join recent on recent.day = measured.last
    where recent.metric = 'drift'
  ),
  active as (
    select max(models.name) as name, max(models.learned_until) as learned_until, max((models.metrics #>> '{people,ten}')::double precision) as ten_people,
      max((models.metrics #>> '{people,number}')::bigint) as people
    from recsys.models where models.status = 'active'
  ),
  worst_lag as (
    select metrics.slice, max(metrics.value) as seconds
    from today join recsys.daily_metrics as metrics on metrics.day >= today.day - 1
    where metrics.metric = 'lag'
    group by metrics.slice
  )
  select 'measuring', '',
    case when measured.last is not null then greatest(today.day - 2 - measured.last, 0)::double precision when settled.is_there then 'Infinity' else 0 end, 0::bigint,
    case
      when measured.last is not null then format('The last measured day is %s, and today is %s: a day is measured when its labels have had a day.', measured.last, today.day)
      when settled.is_there then 'No day was ever measured, though feeds were shown on days that are settled.'
      else 'Nothing was shown on a day that is settled yet, so there is nothing to measure.'
    end || case when recsys_engine.has_cron() then '' else ' pg_cron is missing here: npx --no-install recsys serve or npx --no-install recsys worker measures every hour, or another scheduler with select recsys_engine.measure_days().' end
  from measured, today
  cross join lateral (
    select measured.last is null and exists (
      select from recsys.impressions where impressions.shown_at < (today.day - 1)::timestamp at time zone 'UTC'
    ) as is_there
  ) as settled
  union all
  select 'model', '', case when active.name is null then 0 else 1 end, 0,
    coalesce(active.name || ' serves' || coalesce(' since ' || (
      select activations.activated_at::timestamptz(0) from recsys_engine.model_activations as activations where activations.ended_at is null
    ), '') || '.', 'None is active.')
  from active
  union all
  select 'model age', 'in days', extract(epoch from recsys.clock() - active.learned_until) / 86400, 0,
    format('%s learned from what happened until %s.', active.name, active.learned_until::timestamptz(0))
  from active
  where active.learned_until is not null
  union all
  select 'ten people', 'of those that the ranker learned from', active.ten_people, active.people,
    format('The ten who did most are %s of what %s learned last, from %s people.', recsys_engine.percent(active.ten_people), active.name, active.people)
  from active
  where active.ten_people is not null
  union all
  select 'calibration', calibration.slice || 's by ' || calibration.model, calibration.expected / greatest(calibration.happened, 1),
    greatest(calibration.expected, calibration.happened)::bigint,
    format('%s %ss were predicted of what it showed in the last 7 days, %s happened.', round(calibration.expected::numeric), calibration.slice, calibration.happened)
  from calibration
  union all
  select 'drift', drifting.slice, drifting.value, drifting.count,
    format('On %s, against the same weekday of the four weeks before.', measured.last)
  from measured, drifting
  cross join recsys.health_bounds as bounds
  -- the furthest, and all that are out of bounds
  where bounds.figure = 'drift' and (drifting.place = 1 or drifting.value > bounds.high)
  union all
  select 'change of ' || weeks.metric, case weeks.metric when 'rate' then weeks.slice || 's' when 'fresh' then 'posts of up to ' || weeks.slice else '' end,
    weeks.now / weeks.before, case when weeks.days_before < 7 then 0 else weeks.count end,
    case weeks.metric
      when 'rate' then format('%s of the posts shown brought a %s in the last 7 days, %s in the 28 before.', recsys_engine.percent(weeks.now), weeks.slice, recsys_engine.percent(weeks.before))
      when 'coverage' then format('%s of the posts of a month were shown to anybody on a day of the last 7, %s in the 28 before.', recsys_engine.percent(weeks.now), recsys_engine.percent(weeks.before))
      when 'novelty' then format('A post shown was worth %s bits in the last 7 days, %s in the 28 before.', round(weeks.now::numeric, 2), round(weeks.before::numeric, 2))
      when 'fresh' then format('%s of the posts shown were at most %s old in the last 7 days, %s in the 28 before.', recsys_engine.percent(weeks.now), weeks.slice, recsys_engine.percent(weeks.before))
      else format('The tenth of the authors shown most had %s of the posts shown in the last 7 days, %s in the 28 before.', recsys_engine.percent(weeks.now), recsys_engine.percent(weeks.before))
    end
  from weeks
  where weeks.before > 0 and weeks.now is not null
  union all
  select 'degraded feeds', 'on ' || metrics.day, metrics.value, metrics.count,
    format('%s of %s feeds were not what was asked for.', round(metrics.value * metrics.count), metrics.count)
  from today
  join recsys.daily_metrics as metrics on metrics.day >= today.day - 1
  where metrics.metric = 'degraded'
  union all
  select 'roll-up lag', 'in seconds', coalesce(extract(epoch from lag.age), 0), 0,
    format('%s changes wait.%s', lag.depth, (select format(' The longest wait seen since yesterday: %s s.', round(seconds)) from worst_lag where slice = 'roll-up'))
  from recsys_engine.roll_up_lag as lag
  union all
  select 'late changes', 'the oldest, in hours', coalesce(extract(epoch from now() - min(deferred_changes.queued_at)) / 3600, 0), 0,
    format('%s changes that came late wait.', count(*))
  from recsys_engine.deferred_changes
  union all
  select 'embedding lag', 'in seconds', case when active.name is null then 0 else coalesce(extract(epoch from max(queue.age)), 0) end, 0,
    format('%s jobs wait.%s', sum(queue.depth), (select format(' The longest wait seen since yesterday: %s s.', round(seconds)) from worst_lag where slice = 'embedding'))
  from active, recsys.embedding_queue as queue
  group by active.name
$function$;

create or replace view recsys.status with (security_invoker=true) as
 WITH model AS (
         SELECT max(models.model_id) AS model_id,
            max(models.name) AS name
           FROM recsys.models
          WHERE (models.status = 'active'::text)
        ), newest AS (
         SELECT count(*) AS posts,
            count(post_embeddings.post_id) AS with_vector
           FROM ((( SELECT source_posts.post_id
                   FROM recsys.source_posts
                  WHERE (source_posts.created_at <= recsys.clock())
                  ORDER BY source_posts.created_at DESC, source_posts.post_id
                 LIMIT 1000) latest
             CROSS JOIN model model_1)
             LEFT JOIN recsys.post_embeddings ON (((post_embeddings.model_id = model_1.model_id) AND (post_embeddings.post_id = latest.post_id))))
        ), jobs AS (
         SELECT sum(embedding_queue.depth) AS depth,
            max(embedding_queue.age) AS age,
            sum(embedding_queue.dead) AS dead
           FROM recsys.embedding_queue
        ), erasing AS (
         SELECT count(*) AS depth,
            (now() - min(erasures.deleted_at)) AS age
           FROM recsys.erasures
          WHERE (erasures.erased_at IS NULL)
        ), ahead AS (
         SELECT settings.impression_partition_interval AS unit,
            pg_relation_size('recsys_engine.impressions_default'::regclass) AS bytes_in_default,
            (EXISTS ( SELECT
                   FROM recsys_engine.impression_partitions partitions
                  WHERE (partitions.is_attached AND (partitions.next > (recsys.clock() +
                        CASE settings.impression_partition_interval
                            WHEN 'day'::text THEN '1 day'::interval
                            ELSE '1 mon'::interval
                        END))))) AS is_made
           FROM recsys.settings
        ), runs AS (
         SELECT recsys_engine.has_cron() AS are_run,
            count(*) AS scheduled,
            string_agg(schedules.name, ', '::text) FILTER (WHERE (NOT schedules.is_active)) AS paused,
            string_agg(schedules.name, ', '::text) FILTER (WHERE (schedules.last_result ~~ 'failed%'::text)) AS failed
           FROM recsys.schedules
        ), figures AS (
         SELECT count(*) AS number,
            count(*) FILTER (WHERE (NOT health.ok)) AS "out",
            string_agg(health.what, '; '::text) FILTER (WHERE (NOT health.ok)) AS names
           FROM recsys.health() health(what, value, bound, ok, state, cure)
        )
 SELECT concerns.concern,
    concerns.is_ok,
    concerns.state,
        CASE
            WHEN concerns.is_ok THEN 'ok'::text
            ELSE concerns.cure
        END AS verdict
   FROM model,
    newest,
    jobs,
    erasing,
    ahead,
    runs,
    figures,
    recsys_engine.roll_up_lag lag,
    (recsys.training_status training
     CROSS JOIN LATERAL ( VALUES (1,'model'::text,(model.model_id IS NOT NULL),COALESCE((model.name || ' serves'::text), 'none is active: feeds are fresh and popular'::text),'npx --no-install recsys train, then npx --no-install recsys publish'::text), (2,'feature store'::text,COALESCE((lag.age < '00:01:00'::interval), true),concat_ws(', the oldest for '::text, (lag.depth || ' changes wait'::text), lag.age),'is ''recsys roll-up'' among recsys.schedules, active, and what was its last result? Work a backlog off at once: select recsys.roll_up(null)'::text), (3,'embedding queue'::text,(COALESCE((jobs.age < '00:01:00'::interval), true) OR (model.model_id IS NULL)),concat_ws(', the oldest for '::text, (jobs.depth || ' jobs wait'::text), jobs.age),'does pg_cron call embed (recsys.schedules), or does npx --no-install recsys worker run?'::text), (4,'dead letters'::text,(jobs.dead = (0)::numeric),(jobs.dead || ' jobs were given up'::text),'select * from recsys.embedding_dead_letters; to try again: update recsys_engine.embedding_jobs set failures = 0, attempts = 0, due_at = now() where is_dead'::text), (5,'vectors'::text,(((newest.with_vector)::numeric >= ((0.99 * (newest.posts)::numeric) - (10)::numeric)) OR (model.model_id IS NULL)),format('%s of the newest %s posts have one'::text, newest.with_vector, newest.posts),'select * from recsys_engine.embedding_coverage; where no job waits for them: npx --no-install recsys publish'::text), (6,'erasure'::text,COALESCE((erasing.age < '00:10:00'::interval), true),concat_ws(', the oldest for '::text, (erasing.depth || ' deleted posts and users wait'::text), erasing.age),'is ''recsys erasure'' among recsys.schedules, active, and what was its last result? At once: select recsys.erase()'::text), (7,'impressions'::text,(ahead.is_made AND (ahead.bytes_in_default < 100000000)),(format('next %s has %s partition'::text, ahead.unit,
                CASE
                    WHEN ahead.is_made THEN 'its'::text
                    ELSE 'no'::text
                END) ||
                CASE
                    WHEN (ahead.bytes_in_default > 0) THEN ((', '::text || pg_size_pretty(ahead.bytes_in_default)) || ' in the default one'::text)
                    ELSE ''::text
                END),'select recsys_engine.make_impression_partitions()'::text), (8,'schedules'::text,(runs.are_run AND (runs.paused IS NULL) AND (runs.failed IS NULL)),
                CASE
                    WHEN runs.are_run THEN COALESCE(NULLIF(concat_ws('; '::text, ('paused: '::text || runs.paused), ('failed: '::text || runs.failed)), ''::text), (runs.scheduled || ' run'::text))
                    ELSE 'pg_cron is missing'::text
                END,
                CASE
                    WHEN (NOT runs.are_run) THEN 'npx --no-install recsys serve or worker, and the commands of recsys.schedules by another scheduler'::text
                    ELSE 'select * from recsys.schedules; recsys.resume(name) ends a pause'::text
                END), (9,'training'::text,(COALESCE(((now() - training.waiting_since) < '1 day'::interval), true) AND COALESCE((training.last_failed_at <= training.last_done_at), (training.last_failed_at IS NULL))),
                CASE
                    WHEN (training.waiting_since IS NOT NULL) THEN ('a request has waited since '::text || (training.waiting_since)::timestamp(0) with time zone)
                    WHEN (training.last_failed_at > COALESCE(training.last_done_at, '-infinity'::timestamp with time zone)) THEN ('the last one failed: '::text || training.last_error)
                    ELSE COALESCE(('last done '::text || (training.last_done_at)::timestamp(0) with time zone), 'none so far'::text)
                END,'does npx --no-install recsys worker --train run? select * from recsys.training_status'::text), (10,'health'::text,(figures."out" = 0),
                CASE figures."out"
                    WHEN 0 THEN format('%s figures are within their bounds'::text, figures.number)
                    ELSE format('%s of %s figures are out of bounds: %s'::text, figures."out", figures.number, figures.names)
                END,'select * from recsys.health(), or npx --no-install recsys health: each with its cure'::text)) concerns(place, concern, is_ok, state, cure))
  ORDER BY concerns.place;

CREATE OR REPLACE FUNCTION recsys_engine.consume_rate_limit(p_user_id uuid)
 RETURNS double precision
 LANGUAGE plpgsql
 SET search_path TO ''
 SET lock_timeout TO '100ms'
AS $function$
declare
  share constant interval := (select interval '1 minute' / settings.requests_per_minute from recsys.settings);
  at constant timestamptz := clock_timestamp();
begin
  if share is null then
    return null;
  end if;
  insert into recsys_engine.rate_limits as own (user_id, whole_at) values (p_user_id, at + share)
  on conflict (user_id) do update
    -- a time more than two minutes ahead is left from before the clock was set back: such callers begin from scratch
    set whole_at = case when own.whole_at > at + interval '2 minutes' then at else greatest(own.whole_at, at) end + share
    where greatest(own.whole_at, at) + share <= at + interval '1 minute' or own.whole_at > at + interval '2 minutes';
  if found then
    return null;
  end if;
  return (
    select extract(epoch from rate_limits.whole_at + share - interval '1 minute' - at)::double precision
    from recsys_engine.rate_limits where rate_limits.user_id = p_user_id
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.missing_reads(p_role name)
 RETURNS TABLE(relation regclass, views text, columns text, statement text)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select lacking.relation, string_agg(distinct lacking.view, ', ' order by lacking.view), named.columns,
    format('grant select (%s) on %s to %I', named.columns, recsys_engine.table_sql(lacking.relation), p_role)
  from (
    select reads.view, reads.relation, array_agg(reads.attnum) over (partition by reads.relation) as attnums
    from (
      select views.view, needed.relation, needed.attnum
      from unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_logins,recsys.source_dismissals,recsys.source_mutes,recsys.source_follows,recsys.source_preferences,recsys.source_withheld,recsys.source_conversations,recsys.source_memberships,recsys.source_post_scopes}'::text[]) as views (view)
      cross join recsys_engine.columns_needed(p_role, to_regclass(views.view)) as needed
      -- logins are read by the roll-up alone, and a user's scopes by their own feed
      where views.view <> all (case when p_role = 'service_role' then '{recsys.source_memberships}' else '{recsys.source_logins,recsys.source_post_scopes}' end::text[])
      union all
      -- no view is over vectors
      select 'recsys.watches', watches.table_name, pg_attribute.attnum
      from recsys.watches
      join pg_catalog.pg_attribute on pg_attribute.attrelid = watches.table_name and watches.watch -> 'columns' ? pg_attribute.attname::text
      where p_role = 'service_role' and watches.kind in ('vectors', 'user_vectors')
      union all
      select 'recsys.watches', pg_attribute.attrelid, pg_attribute.attnum
      from recsys.watches
      join pg_catalog.pg_attribute on pg_attribute.attrelid = to_regclass(watches.watch #>> '{lookup,0}') and pg_attribute.attname in (watches.watch #>> '{lookup,1}', watches.watch #>> '{lookup,2}')
      where p_role = 'service_role' and watches.kind = 'user_vectors'
    ) as reads
    join pg_catalog.pg_class on pg_class.oid = reads.relation and pg_class.relnamespace not in ('recsys'::regnamespace, 'recsys_engine'::regnamespace)
    where reads.attnum <> 0 and not has_column_privilege(p_role, reads.relation, reads.attnum, 'select')
  ) as lacking
  cross join lateral (
    select string_agg(recsys_engine.identifier_sql(pg_attribute.attname), ', ' order by pg_attribute.attnum) as columns
    from pg_catalog.pg_attribute where pg_attribute.attrelid = lacking.relation and pg_attribute.attnum = any (lacking.attnums)
  ) as named
  group by lacking.relation, named.columns
$function$;

CREATE OR REPLACE FUNCTION recsys.grant_reads(p_role name)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  -- recsys_engine.missing_reads quotes what it names, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  missing record;
  unreadable name[];
begin
  if p_role is null or p_role not in ('service_role', 'authenticated') then
    raise exception 'recsys.grant_reads: the role is service_role, or authenticated where members are to read what the views show, not %', coalesce(quote_literal(p_role), 'null')
      using errcode = '22023';
  end if;
  for missing in select reads.relation, reads.statement from recsys_engine.missing_reads(p_role) as reads loop
    unreadable := array(
      select pg_attribute.attname from pg_catalog.pg_attribute
      where pg_attribute.attrelid = missing.relation and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
        and not has_column_privilege(p_role, missing.relation, pg_attribute.attnum, 'select')
    );
    execute missing.statement;
    insert into recsys_engine.granted_reads (role, relation, column_name)
    select p_role, missing.relation, names.name from unnest(unreadable) as names (name)
    where has_column_privilege(p_role, missing.relation, names.name::text, 'select')
    on conflict do nothing;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.check_views()
 RETURNS TABLE(stops boolean, problem text, cure text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return query
  select true, format('%s is not security_invoker: it shows everybody what its owner may see, and no feed is served from it', view.name),
    format('alter view %s set (security_invoker = true)  -- and in your migration: create or replace view %1$s with (security_invoker = true) as …', view.name)
  from pg_catalog.unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_logins,recsys.source_dismissals,recsys.source_mutes,recsys.source_follows,recsys.source_preferences,recsys.source_withheld,recsys.source_conversations,recsys.source_memberships,recsys.source_post_scopes}'::text[]) as view (name)
  where not recsys_engine.is_invoker_view(to_regclass(view.name));

  return query
  select false, format('%s reads the view %s, which is not security_invoker: row level security of the tables under it does not hold', view.name, recsys_engine.table_sql(under.relation)),
    format('unless it says itself who sees what: alter view %s set (security_invoker = true)', recsys_engine.table_sql(under.relation))
  from pg_catalog.unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_logins,recsys.source_dismissals,recsys.source_mutes,recsys.source_follows,recsys.source_preferences,recsys.source_withheld,recsys.source_conversations,recsys.source_memberships,recsys.source_post_scopes}'::text[]) as view (name)
  cross join recsys_engine.relations_under(to_regclass(view.name)) as under
  where under.kind = 'v' and not recsys_engine.is_invoker_view(under.relation);

  return query
  select false, format('row level security is off for %s: everybody is recommended all of it', recsys_engine.table_sql(under.relation)),
    format('unless everybody may read all of it, say in a policy who reads what; then: alter table %s enable row level security', recsys_engine.table_sql(under.relation))
  from recsys_engine.relations_under('recsys.source_posts'::regclass) as under
  join pg_catalog.pg_class on pg_class.oid = under.relation
  where under.kind in ('r', 'p') and not pg_class.relrowsecurity;

  return query
  select true, format('%s has no column %s of type %s', expected.view, expected.name, format_type(expected.type, null)), 'docs/adopting.md names its columns'
  from (
    values
      ('recsys.source_users', 'user_id', 'uuid'::regtype), ('recsys.source_users', 'external_id', 'text'), ('recsys.source_users', 'passions', 'text[]'),
      ('recsys.source_users', 'projects', 'text[]'), ('recsys.source_users', 'bio', 'text'), ('recsys.source_users', 'created_at', 'timestamptz'),
      ('recsys.source_posts', 'post_id', 'uuid'), ('recsys.source_posts', 'external_id', 'text'), ('recsys.source_posts', 'author_id', 'uuid'),
      ('recsys.source_posts', 'title', 'text'), ('recsys.source_posts', 'description', 'text'), ('recsys.source_posts', 'tags', 'text[]'),
      ('recsys.source_posts', 'created_at', 'timestamptz'), ('recsys.source_posts', 'language', 'text'),
      ('recsys.source_interactions', 'interaction_id', 'bigint'), ('recsys.source_interactions', 'user_id', 'uuid'), ('recsys.source_interactions', 'post_id', 'uuid'),
      ('recsys.source_interactions', 'kind', 'text'), ('recsys.source_interactions', 'created_at', 'timestamptz'),
      ('recsys.source_interactions', 'weight', 'real'),
      ('recsys.source_logins', 'login_id', 'bigint'), ('recsys.source_logins', 'user_id', 'uuid'), ('recsys.source_logins', 'created_at', 'timestamptz'),
      ('recsys.source_dismissals', 'user_id', 'uuid'), ('recsys.source_dismissals', 'post_id', 'uuid'), ('recsys.source_dismissals', 'created_at', 'timestamptz'),
      ('recsys.source_mutes', 'user_id', 'uuid'), ('recsys.source_mutes', 'kind', 'text'), ('recsys.source_mutes', 'value', 'text'),
      ('recsys.source_mutes', 'created_at', 'timestamptz'),
      ('recsys.source_follows', 'user_id', 'uuid'), ('recsys.source_follows', 'kind', 'text'), ('recsys.source_follows', 'target', 'text'),
      ('recsys.source_follows', 'created_at', 'timestamptz'),
      ('recsys.source_preferences', 'user_id', 'uuid'), ('recsys.source_preferences', 'kind', 'text'), ('recsys.source_preferences', 'value', 'text'),
      ('recsys.source_withheld', 'post_id', 'uuid'), ('recsys.source_withheld', 'author_id', 'uuid'),
      ('recsys.source_conversations', 'post_id', 'uuid'), ('recsys.source_conversations', 'conversation', 'text'),
      ('recsys.source_memberships', 'user_id', 'uuid'), ('recsys.source_memberships', 'scope', 'text'),
      ('recsys.source_post_scopes', 'post_id', 'uuid'), ('recsys.source_post_scopes', 'scope', 'text')
  ) as expected (view, name, type)
  where not exists (
    select from pg_catalog.pg_attribute
    where pg_attribute.attrelid = to_regclass(expected.view) and pg_attribute.attname = expected.name and pg_attribute.atttypid = expected.type
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.member_readable_columns(p_relation regclass)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select ' (' || granted.columns || ')'
  from (
    values
      ('recsys_engine.post_stats', 'post_id, last_active_at, interaction_id, kind, views, votes, comments, participants, last_comment_at, recent, trend'),
      ('recsys_engine.latest_post_stats', 'post_id, last_active_at, interaction_id, kind, views, votes, comments, participants, last_comment_at, recent, trend'),
      ('recsys_engine.listed_posts', 'post_id, created_at, waits'),
      ('recsys.impressions', 'request_id, user_id, post_id, shown_at, seen_at'),
      ('recsys_engine.batch_runs', 'run_id, model_id, model_name, as_of')
  ) as granted (relation, columns)
  where to_regclass(granted.relation) = p_relation
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.missing_grant(p_role name, p_denied text, p_context text)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select coalesce(case culprit.kind
    when 'schema' then case
      -- the engine's, and those that Supabase lets everybody use
      when culprit.name in ('recsys', 'recsys_engine', 'extensions', 'auth') or opened.rights is null then format('grant usage on schema %s to %I', recsys_engine.identifier_sql(culprit.name), p_role)
      else format('%s looks into the schema %s: let it be security definer with a search_path of its own; to use that schema would let %s %s, too', reader.name, recsys_engine.identifier_sql(culprit.name), p_role, opened.rights)
    end
    when 'function' then case functions.number
      when 1 then format('grant execute on function %s to %I', functions.names, p_role)
      else format('%s may not execute %s: grant it the one that the views and policies call', p_role, coalesce(functions.names, culprit.name))
    end
    when 'table' then case
      when engine.relation is not null and denied.tables is null then format('grant select%s on %s to %I', case when p_role = 'authenticated' then recsys_engine.member_readable_columns(engine.relation) end, recsys_engine.table_sql(engine.relation), p_role)
      else format('%s reads %s, and the catalog does not say which columns of it: name them in the view, let the function be security definer with a search_path of its own, or grant %s the columns that it reads', reader.name, coalesce(denied.tables, culprit.name), p_role)
    end
  end, format('give %s the right that is wanting: %s', p_role, regexp_replace(p_denied, '\s+', ' ', 'g')))
  from (select) as always
  left join lateral (
    select replace(replace(said.words[1], 'materialized ', ''), 'view', 'table') as kind, said.words[2] as name
    from regexp_match(p_denied, '^permission denied for (table|view|materialized view|schema|function) (.+)$') as said (words)
  ) as culprit on true
  left join lateral (
    -- the innermost function that is none of ours
    select coalesce('the function ' || (
      select named.function[1] from regexp_matches(p_context, '(?:SQL|PL/pgSQL) function "?([^"\n ]+)"? ?(?:statement|line|during)', 'g') with ordinality as named (function, place)
      where named.function[1] !~ '^recsys(_engine)?\.' order by named.place limit 1
    ), 'a function that the views or policies call, or a whole row in one of them,') as name
  ) as reader on true
  left join lateral (
    -- what was granted there counts for nothing while the schema is shut: functions are granted to all from the start
    select string_agg(granted.right, ', ' order by granted.right) as rights
    from (
      select 'read ' || recsys_engine.table_sql(pg_class.oid) as right
      from pg_catalog.pg_class
      where pg_class.relnamespace = to_regnamespace(quote_ident(culprit.name)) and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
        and has_any_column_privilege(p_role, pg_class.oid, 'select')
      union
      select format('call %s.%s as its owner', recsys_engine.identifier_sql(culprit.name), recsys_engine.identifier_sql(pg_proc.proname))
      from pg_catalog.pg_proc
      where pg_proc.pronamespace = to_regnamespace(quote_ident(culprit.name)) and pg_proc.prosecdef and has_function_privilege(p_role, pg_proc.oid, 'execute')
    ) as granted
    where culprit.kind = 'schema'
  ) as opened on true
  left join lateral (
    select count(*) as number, string_agg(signed.name, ' or ' order by signed.name) as names
    from (
      select format('%s.%s(%s)', recsys_engine.identifier_sql(pg_namespace.nspname), recsys_engine.identifier_sql(pg_proc.proname), pg_get_function_identity_arguments(pg_proc.oid)) as name,
        pg_depend.objid is not null as is_called, bool_or(pg_depend.objid is not null) over () as one_is_called
      from pg_catalog.pg_proc
      join pg_catalog.pg_namespace on pg_namespace.oid = pg_proc.pronamespace
      left join lateral (
        -- called by a view or policy itself
        select pg_depend.objid from pg_catalog.pg_depend
        where pg_depend.refclassid = 'pg_catalog.pg_proc'::regclass and pg_depend.refobjid = pg_proc.oid
          and pg_depend.classid in ('pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_policy'::regclass)
        limit 1
      ) as pg_depend on true
      where culprit.kind = 'function' and pg_proc.proname = culprit.name and pg_proc.pronamespace <> 'pg_catalog'::regnamespace
        and not has_function_privilege(p_role, pg_proc.oid, 'execute')
    ) as signed
    where signed.is_called or not signed.one_is_called
  ) as functions on true
  left join lateral (
    select pg_class.oid::regclass as relation from pg_catalog.pg_class
    where culprit.kind = 'table' and pg_class.relname = culprit.name and pg_class.relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and not has_table_privilege(p_role, pg_class.oid, 'select')
  ) as engine on true
  left join lateral (
    select string_agg(recsys_engine.table_sql(pg_class.oid), ' or ' order by pg_class.oid) as tables from pg_catalog.pg_class
    where culprit.kind = 'table' and pg_class.relname = culprit.name and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
      and pg_class.relnamespace <> all (array['pg_catalog', 'recsys', 'recsys_engine']::regnamespace[]) and not has_table_privilege(p_role, pg_class.oid, 'select')
  ) as denied on true
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.check_access()
 RETURNS TABLE(stops boolean, problem text, cure text)
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  -- what it asks is written here: @plpgsql_check_options: security_warnings = off
  -- a user without any rows, so that all of this takes little
  nobody constant uuid := gen_random_uuid();
  before constant text := current_setting('role');
  before_claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  model constant bigint := (select models.model_id from recsys.models where models.status = 'active');
  vector constant text := array_fill(0.1::real, array[32])::text;
  asked record;
  missing record;
  denied text;
  context text;
  known text[] := '{}'::text[];
begin
  for asked in
    select readers.role, readers.role || ' may not read recsys.' || views.name as what, true as is_view, format('select * from recsys.%I limit 0', views.name) as query
    from pg_catalog.unnest('{authenticated,service_role}'::text[]) with ordinality as readers (role, place)
    cross join pg_catalog.unnest('{source_users,source_posts,source_interactions,source_logins,source_dismissals,source_mutes,source_follows,source_preferences,source_withheld,source_conversations}'::text[]) with ordinality as views (name, place)
    -- logins are read by the roll-up alone
    where readers.role = 'service_role' or views.name <> 'source_logins'
    union all
    select calls.role, format('%s may not ask for %s', calls.role, calls.what), false, calls.query
    from (
      values
        ('authenticated', 'who asks', 'select from recsys_engine.feed_context((select to_jsonb(assigned) from recsys_engine.assignment($1) as assigned)) as settings left join lateral recsys_engine.user_context($1, $2, settings.now) on true'),
        ('authenticated', 'where they belong', 'select from recsys.source_memberships where user_id = $1'),
        ('authenticated', 'candidates', 'select recsys_engine.served_key(found.post_id, 1), recsys_engine.text_key(found.title, found.tags, found.author_id) from recsys_engine.retrieve($1, $2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock()) as found'),
        ('authenticated', 'candidates with a filter', 'select from recsys_engine.retrieve($1, $2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock(), p_filter => ''{"tags": [""]}'')'),
        ('authenticated', 'posts of a topic, and of those whom they follow', 'select from recsys_engine.topic_posts(recsys_engine.feed_request($1, recsys.clock()), '''', 1), recsys_engine.listed_hits(recsys_engine.feed_request($1, recsys.clock()), ''{}'', 1)'),
        ('authenticated', 'the model', 'select * from recsys_engine.model_artifacts limit 0'),
        ('authenticated', 'their variant of an experiment', 'select recsys_engine.bucket($1, ''''), * from recsys.experiments, recsys.experiment_variants limit 0'),
        ('authenticated', 'the vectors of a second model', 'select recsys_engine.user_components($1, $2) from recsys_engine.user_model_inputs($1, $2, now(), ''{}'')'),
        ('authenticated', 'states of before', 'select from recsys_engine.user_history($1, recsys.clock()), recsys_engine.reconstruct_state($1, recsys.clock(), 0), recsys_engine.pruning_progress'),
        ('authenticated', 'what they did',
          'select recsys_engine.latest_interactions($1, recsys.clock()), recsys_engine.recent_interactions($1, recsys.clock(), ''{}''), exists (select from recsys_engine.latest_user_stats), exists (select from recsys_engine.user_stats)'),
        ('authenticated', 'what a replica''s page may show', 'select recsys_engine.visible_posts($1, ''{}''), recsys_engine.keep_readable_interactions(null)'),
        ('service_role', 'what is common to all feeds', 'select recsys_engine.global_candidates(recsys.clock()), (select count(*) from recsys_engine.scope_candidates($2, ''{a,null}'', 10)), recsys_engine.post_snapshots($2, ''{}'', recsys.clock()), (select count(*) from recsys_engine.rolled_up_posts)'),
        ('service_role', 'candidates besides these',
          'select recsys_engine.feed_candidates(jsonb_build_object(''role'', ''authenticated'', ''user_id'', $1::uuid, ''model_id'', $2::bigint, ''embedding'', translate($3, ''{}'', ''[]''), ''global_ids'', ''{}'', ''global_at'', 0))'),
        ('authenticated', 'the newest of whom they follow', 'select from recsys_engine.following_feed($1, recsys.clock(), 1)'),
        ('authenticated', 'posts that the app names', 'select from recsys_engine.requested_posts($1, ''{}'')'),
        ('authenticated', 'how many posts are new', 'select recsys_engine.count_new_posts($1, recsys.clock())'),
        ('authenticated', 'a list made ahead', 'select from recsys_engine.batch_feed($1, 1)'),
        ('authenticated', 'what is fresh and popular',
          'with asked as materialized (select recsys_engine.feed_request($1, recsys.clock()) as request)
            select from asked cross join lateral recsys_engine.global_sources(asked.request, ''feed'') as each where each.source in (''fresh'', ''trending'')'),
        ('authenticated', 'posts like one',
          'select recsys.app_id(post.post_id), recsys_engine.similar_posts_for_caller(post.post_id, 1),
            recsys_engine.nearest_posts($2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock(), ''{}'', 1)
            from (select source_posts.post_id from recsys.source_posts limit 1) as post'),
        ('authenticated', 'ideas', 'select from recsys_engine.idea_author(), recsys_engine.idea_posts(1), recsys_engine.readable_titled_posts(''{}'')'),
        ('authenticated', 'having events stored', 'select recsys_engine.record_events(''[]'')')
    ) as calls (role, what, query)
  loop
    begin
      perform set_config('role', asked.role, true), set_config('request.jwt.claims', format('{"sub": "%s", "role": "%s"}', nobody, asked.role), true);
      execute asked.query using nobody, model, vector;
    exception
      when insufficient_privilege then
        get stacked diagnostics denied = message_text, context = pg_exception_context;
        perform set_config('role', before, true);
        -- what one right is wanting to is said once
        if asked.is_view then
          for missing in select * from recsys_engine.missing_reads(asked.role) as reads loop
            if missing.statement <> all (known) then
              known := known || missing.statement || (asked.role || 'permission denied for table ' || (select pg_class.relname from pg_catalog.pg_class where pg_class.oid = missing.relation));
              return query select true, format('%s may not read %s: it lacks %s of %s', asked.role, missing.views, missing.columns, recsys_engine.table_sql(missing.relation)),
                case
                  -- a grant would let every member read everybody's rows, such as who blocked whom
                  when asked.role = 'authenticated' and exists (select from pg_catalog.pg_class where pg_class.oid = missing.relation and pg_class.relkind in ('r', 'p') and not pg_class.relrowsecurity)
                  then format('unless every member may read these columns in all rows, say in a policy who reads which, and: alter table %s enable row level security; then: %s', recsys_engine.table_sql(missing.relation), missing.statement)
                  else missing.statement
                end;
            end if;
          end loop;
        end if;
        -- nor again for the service, which looks for candidates under the caller's role
        if asked.role || regexp_replace(denied, 'for (materialized )?view', 'for table') <> all (known) and not (asked.query ~ '''authenticated''' and 'authenticated' || denied = any (known)) then
          known := known || (asked.role || denied);
          return query select true, format('%s: %s', asked.what, regexp_replace(denied, '\s+', ' ', 'g')), recsys_engine.missing_grant(asked.role, denied, context);
        end if;
      when others then
        -- the other parts say why
        null;
    end;
    perform set_config('role', before, true), set_config('request.jwt.claims', before_claims, true);
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.check_rows()
 RETURNS TABLE(stops boolean, problem text, cure text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
AS $function$
declare
  posts bigint;
  events record;
  example text;
begin
  -- each of them by itself, so that what cannot be read is told along with the rest
  begin
    return query
    select true, format('recsys.source_users: %s is there %s times', doubled.user_id, doubled.times), 'the view has to show one row a person'
    from (select source_users.user_id, count(*) as times from recsys.source_users group by source_users.user_id having count(*) > 1 limit 1) as doubled;
    return query
    select true, format('recsys.source_posts: %s (%s in the app) is there %s times', doubled.post_id, recsys.app_id(doubled.post_id), doubled.times),
      'the view has to show one row a post: what is joined, such as tags, belongs into a subquery, array(select …)'
    from (select source_posts.post_id, count(*) as times from recsys.source_posts group by source_posts.post_id having count(*) > 1 limit 1) as doubled;
    return query
    select true, format('recsys.source_interactions: interaction_id %s is there %s times, as %s', doubled.interaction_id, doubled.times, doubled.kinds),
      'number the tables: recsys.event_id_of(1, reactions.id), recsys.event_id_of(2, comments.id)'
    from (
      select source_interactions.interaction_id, count(*) as times, string_agg(distinct source_interactions.kind, ' and ') as kinds
      from recsys.source_interactions group by source_interactions.interaction_id having count(*) > 1 limit 1
    ) as doubled;
    return query
    select true, format('recsys.source_logins: login_id %s is there %s times', doubled.login_id, doubled.times), 'number the tables: recsys.event_id_of(1, logins.id)'
    from (select source_logins.login_id, count(*) as times from recsys.source_logins group by source_logins.login_id having count(*) > 1 limit 1) as doubled;

    return query
    select true, format('%s: %s rows have no %s, or a time before 1990 or after 2199', found.view, found.count, found.columns),
      'leave them out of the view: where … is not null, and bring times into 1990 to 2199'
    from (
      select 'recsys.source_users' as view, 'user_id or created_at' as columns, count(*) from recsys.source_users
      where user_id is null or not (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z') or created_at is null
      union all
      select 'recsys.source_posts', 'post_id or created_at', count(*) from recsys.source_posts
      where post_id is null or not (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z') or created_at is null
      union all
      select 'recsys.source_interactions', 'interaction_id, user_id, post_id, kind or created_at', count(*) from recsys.source_interactions
      where num_nulls(interaction_id, user_id, post_id, kind, created_at) > 0 or not (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z')
      union all
      select 'recsys.source_logins', 'login_id, user_id or created_at', count(*) from recsys.source_logins
      where num_nulls(login_id, user_id, created_at) > 0 or not (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z')
    ) as found
    where found.count > 0;

    return query
    select true, format('recsys.source_interactions: %s are of kind %s, which is not view, vote or comment', found.count, recsys_engine.literal_sql(found.kind)),
      format('say what it counts as, insert into recsys.kinds (kind, head) values (%s, ''vote''), and let the view join recsys.kinds on kinds.kind = …, with kinds.head as kind', recsys_engine.literal_sql(found.kind))
    from (
      select source_interactions.kind, count(*) from recsys.source_interactions
      where source_interactions.kind not in ('view', 'vote', 'comment') group by source_interactions.kind order by count(*) desc, source_interactions.kind limit 10
    ) as found;

    return query
    select false, format('recsys.source_follows: %s rows such as %s %s count for nothing', found.count, recsys_engine.literal_sql(found.kind), recsys_engine.literal_sql(left(found.target, 100))),
      'kind is person, topic or group; the target of a person is their user_id as text, and nobody follows themselves'::text
    from (
      select count(*), min(source_follows.kind) as kind, min(source_follows.target) as target from recsys.source_follows
      where num_nulls(source_follows.user_id, source_follows.kind, source_follows.target) > 0 or source_follows.kind not in ('person', 'topic', 'group')
        or (source_follows.kind = 'person' and (not pg_input_is_valid(source_follows.target, 'uuid') or source_follows.target = source_follows.user_id::text))
    ) as found
    where found.count > 0;

    return query
    select false, format('recsys.source_follows: of %s rows, %s are by and %s of people that recsys.source_users does not show', found.total, found.by_nobody, found.of_nobody),
      'they count for nothing; that is as it should be where these are deleted or hidden, else both views have to show the same ids: recsys.id_of in both or neither'::text
    from (
      select count(*) as total, count(*) filter (where who.user_id is null) as by_nobody, count(*) filter (where follows.kind = 'person' and whom.target is null) as of_nobody,
        count(*) filter (where who.user_id is null or follows.kind = 'person' and whom.target is null) as for_nothing
      from recsys.source_follows as follows
      left join (select source_users.user_id from recsys.source_users) as who on who.user_id = follows.user_id
      left join (select source_users.user_id::text as target from recsys.source_users) as whom on follows.kind = 'person' and whom.target = lower(follows.target)
    ) as found
    where found.for_nothing > 0.5 * found.total;
    return query
    select false, format('recsys.source_follows: none of %s topics and groups is a tag of a post (such as %s)', found.total, recsys_engine.literal_sql(found.target)),
      'the target of a topic or a group is a tag as recsys.source_posts shows it, in capital or small letters'::text
    from (
      select count(*) as total, min(followed.target) as target, count(tagged.tag) as tags
      from (select distinct lower(left(source_follows.target, 100)) as target from recsys.source_follows where source_follows.kind in ('topic', 'group')) as followed
      left join (
        select distinct lower(left(listed.tag, 100)) as tag from recsys.source_posts cross join unnest(source_posts.tags) as listed (tag)
      ) as tagged on tagged.tag = followed.target
    ) as found
    where found.total > 0 and found.tags = 0;

    return query
    select false, format('recsys.source_preferences: %s rows such as %s %s count for nothing', found.count, recsys_engine.literal_sql(found.kind), recsys_engine.literal_sql(left(found.value, 100))),
      'kind is feed, more or less, or hide; the value of feed is following or impersonal, that of hide reposts'::text
    from (
      select count(*), min(source_preferences.kind) as kind, min(source_preferences.value) as value from recsys.source_preferences
      where num_nulls(source_preferences.user_id, source_preferences.kind, source_preferences.value) > 0 or source_preferences.kind not in ('feed', 'more', 'less', 'hide')
        or (source_preferences.kind = 'feed' and source_preferences.value not in ('personal', 'following', 'impersonal'))
        or (source_preferences.kind = 'hide' and source_preferences.value <> 'reposts')
    ) as found
    where found.count > 0;

    return query
    select false, format('recsys.source_withheld: %s rows name a post and its author, so all that these wrote is withheld', found.count),
      'show the author''s id only where all of theirs is meant, else null'::text
    from (select count(*) from recsys.source_withheld where source_withheld.post_id is not null and source_withheld.author_id is not null) as found
    where found.count > 0;

    return query
    select false, format('recsys.source_interactions: %s have a weight such as %s, and count as if it were 1', found.count, found.example),
      'a weight is above 0 and at most 1000, as recsys.kinds.weight is; null: 1'::text
    from (
      select count(*), min(source_interactions.weight) as example from recsys.source_interactions
      where not (source_interactions.weight > 0 and source_interactions.weight <= 1000)
    ) as found
    where found.count > 0;

    return query
    select false,
      format('%s: %s rows say one of %s words that recsys.kinds does not list%s and count as %s', found.of_table, found.rows, found.words, ', such as ' || found.examples || ',',
        case when found.head is null then 'nothing' else format('%s, by its row %L', found.head, found.otherwise) end),
      -- as they count now, but listed: what comes later is told of again
      format('insert into recsys.kinds (kind, head, weight) select distinct source_kinds.kind, kinds.head, coalesce(kinds.weight, 1) from recsys.source_kinds left join recsys.kinds on kinds.kind = source_kinds.otherwise where source_kinds.of_table = %L and source_kinds.kind <> '''' on conflict (kind) do nothing', found.of_table)
    from (
      select unlisted.of_table, unlisted.otherwise, otherwise.head, sum(unlisted.times) as rows, count(*) as words,
        string_agg(format('%s (%s)', unlisted.kind, unlisted.times), ', ' order by unlisted.times desc, unlisted.kind) filter (where unlisted.is_sayable and unlisted.place <= 5) as examples
      from (
        select source_kinds.of_table, source_kinds.kind, source_kinds.otherwise, count(*) as times, spoken.is_sayable,
          row_number() over (partition by source_kinds.of_table, source_kinds.otherwise, spoken.is_sayable order by count(*) desc, source_kinds.kind) as place
        from recsys.source_kinds
        -- one word or two: text that users write may be a secret, a line that looks like a finding, or an escape
        -- sequence of terminals
        cross join lateral (select length(source_kinds.kind) <= 24 and source_kinds.kind ~ '^[^[:space:][:cntrl:]@\u200e\u200f\u2028-\u202e\u2066-\u2069]+( [^[:space:][:cntrl:]@\u200e\u200f\u2028-\u202e\u2066-\u2069]+)?$') as spoken (is_sayable)
        where source_kinds.kind <> '' and source_kinds.kind not in (select kinds.kind from recsys.kinds)
        group by source_kinds.of_table, source_kinds.kind, source_kinds.otherwise, spoken.is_sayable
      ) as unlisted
      left join recsys.kinds as otherwise on otherwise.kind = unlisted.otherwise
      group by unlisted.of_table, unlisted.otherwise, otherwise.head
    ) as found
    -- of thousands of users' words, not each is listed
    where found.head is null or found.words <= 200;

    select source_memberships.scope into example from recsys.source_memberships where source_memberships.scope is not null limit 1;
    if example is not null and not exists (select from recsys.source_memberships join recsys.source_post_scopes on source_post_scopes.scope = source_memberships.scope) then
      return query select false, format('recsys.source_memberships: people belong to scopes such as %s, and no post belongs to any of them', quote_literal(example)),
        'show in recsys.source_post_scopes where posts belong, by the same names: until then feeds cost as if nothing were said'::text;
    end if;

    select count(*) into posts from recsys.source_posts;
    select
      count(*) as total,
      count(*) filter (where known.post_id is null) as of_no_post,
      count(*) filter (where someone.user_id is null) as of_nobody,
      count(*) filter (where interactions.created_at < known.created_at) as before_post
    into events
    from recsys.source_interactions as interactions
    left join (select source_posts.post_id, source_posts.created_at from recsys.source_posts) as known on known.post_id = interactions.post_id
    left join (select source_users.user_id from recsys.source_users) as someone on someone.user_id = interactions.user_id;
    if posts = 0 then
      return query select false, 'recsys.source_posts is empty'::text, 'redefine the ten source views over the tables of your app (docs/adopting.md)'::text;
    elsif events.total = 0 then
      return query select false, 'recsys.source_interactions is empty: nobody has done anything'::text, 'redefine it over the tables that say who viewed, liked or commented on what (docs/adopting.md)'::text;
    elsif not exists (select from recsys.source_users) then
      return query select false, 'recsys.source_users is empty'::text, 'redefine it over the table of people (docs/adopting.md)'::text;
    else
      if events.of_no_post = events.total or events.of_nobody = events.total then
        select format('%s and %s', interactions.post_id, interactions.user_id) into example from recsys.source_interactions as interactions limit 1;
        return query select true, format('recsys.source_interactions: none of %s is of a post and a person that source_posts and source_users show (such as %s)', events.total, example),
          'the ids of the views have to be the same: recsys.id_of in both or neither; user_id is that of auth.users'::text;
      elsif events.of_no_post + events.of_nobody > 0.5 * events.total then
        return query select false, format('recsys.source_interactions: of %s, %s are of posts and %s of people that the other views do not show', events.total, events.of_no_post, events.of_nobody),
          'they count for nothing; that is as it should be where these are deleted or hidden'::text;
      end if;
      if events.before_post > 0.01 * events.total then
        return query select false, format('recsys.source_interactions: %s of %s are older than their posts', events.before_post, events.total),
          'nothing is learned from them: show as created_at of a post when it was first to be seen, not when the row was written or changed'::text;
      end if;
    end if;
  exception
    when data_exception or insufficient_privilege or undefined_function or undefined_table then
      return query select true, format('the source views cannot be read to the end: %s', sqlerrm), 'mend the view'::text;
  end;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.person_read(p_view regclass, p_table regclass, OUT name text, OUT lookup text[])
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
#variable_conflict use_column
begin
  with persons as (
    select columns.name, null::text[] as lookup, 1 as rank
    from recsys_engine.columns_read(p_view, p_table) as columns
    where recsys_engine.references_auth_user(p_table, columns.attnum)
    union all
    -- a number or name, for which the table that it refers to has the uuid that the view shows: of auth.users, or one that it makes up where there is none
    select columns.name, array[pg_constraint.confrelid::regclass::text, key.attname, uuid.attname], 2
    from recsys_engine.columns_read(p_view, p_table) as columns
    join pg_catalog.pg_constraint on pg_constraint.conrelid = p_table and pg_constraint.contype = 'f' and pg_constraint.conkey = array[columns.attnum]
    join pg_catalog.pg_attribute as key on key.attrelid = pg_constraint.confrelid and key.attnum = pg_constraint.confkey[1]
    cross join lateral (
      select read.name as attname from recsys_engine.columns_read(p_view, pg_constraint.confrelid::regclass) as read
      join pg_catalog.pg_attribute as shown on shown.attrelid = pg_constraint.confrelid and shown.attnum = read.attnum
      where read.type = 'uuid'::regtype and (
        recsys_engine.references_auth_user(pg_constraint.confrelid::regclass, read.attnum)
        or shown.attgenerated = 's' and exists (select from recsys_engine.relations_under('recsys.source_users'::regclass) as under where under.relation = pg_constraint.confrelid)
      )
    ) as uuid
    where columns.type = any ('{uuid,bigint,integer,smallint,text,varchar}'::regtype[]) and not recsys_engine.references_auth_user(p_table, columns.attnum)
    union all
    select columns.name, null, 3
    from recsys_engine.columns_read(p_view, p_table) as columns
    where columns.type = 'uuid'::regtype and columns.name ~ 'user|member|person|people|author|profile|account|owner|creator'
      and not exists (select from pg_catalog.pg_constraint where conrelid = p_table and contype = 'f' and conkey = array[columns.attnum])
  ),
  best as (select persons.*, count(*) over (partition by persons.rank) as alike from persons)
  select best.name, best.lookup into name, lookup from best
  where best.rank = (select min(persons.rank) from persons) and (best.alike = 1 or best.name = 'user_id');
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.proposed_watch(p_view regclass, p_kind text, p_table regclass, p_post text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  by_person constant record := recsys_engine.person_read(p_view, p_table);
  person constant text := by_person.name;
  lookup constant text[] := by_person.lookup;
  post constant text := p_post;
  has_posts constant boolean := exists (select from recsys.watches where watches.kind = 'posts');
  -- which of its times it is, where there is but one
  created constant text := (
    select case when count(*) = 1 then min(name) when bool_or(name = 'created_at') then 'created_at' end
    from recsys_engine.columns_read(p_view, p_table) where type = 'timestamptz'::regtype
  );
  key constant text := (
    select case when bool_or(attname = 'id') then 'id' else min(attname)::text end
    from pg_catalog.pg_constraint
    join pg_catalog.pg_attribute on attrelid = p_table and attnum = any (conkey)
    where conrelid = p_table and contype = 'p'
  );
  -- with several tables of posts: the generated column that makes a uuid of the table's name and the key
  own constant text := (
    select columns.name
    from recsys_engine.columns_read(p_view, p_table) as columns
    join pg_catalog.pg_attrdef on pg_attrdef.adrelid = p_table and pg_attrdef.adnum = columns.attnum
    join pg_catalog.pg_attribute on pg_attribute.attrelid = p_table and pg_attribute.attname = key
    where p_kind = 'posts' and columns.type = 'uuid'::regtype and pg_get_expr(pg_attrdef.adbin, p_table) like '%||%'
      and array[pg_attribute.attnum] = array(select made.attnum from recsys_engine.generated_from(p_table, columns.attnum) as made)
    limit 1
  );
  kind text := p_kind;
  id text := coalesce(key, (select 'id' from recsys_engine.columns_read(p_view, p_table) where name = 'id'), person);
  texts text[];
  others text[];
begin
  if p_kind = 'users' then
    -- one row a person, or several
    if lookup is null and exists (
      select from pg_catalog.pg_index
      join pg_catalog.pg_attribute on attrelid = p_table and attnum = indkey[0]
      where indrelid = p_table and indisunique and indnkeyatts = 1 and attname = person
    ) then
      id := person;
    else
      kind := 'user_texts';
    end if;
  elsif own is not null then
    id := own;
  elsif p_kind = 'posts' and has_posts then
    kind := 'post_texts';
  elsif p_kind = 'posts' then
    -- the key of a partitioned table has its range next to the id
    id := (
      select key from pg_catalog.pg_constraint
      join pg_catalog.pg_attribute on attrelid = p_table and attname = key and attnum = any (conkey)
      where conrelid = p_table and contype = 'p' and (key = 'id' or cardinality(conkey) = 1)
        and atttypid = any ('{uuid,bigint,integer,smallint,text,varchar}'::regtype[])
    );
  end if;
  if not has_table_privilege(p_table, 'trigger')
    or (kind <> 'post_texts' and person is null)
    or (kind in ('interactions', 'post_texts') and post is null)
    or (kind in ('interactions', 'logins', 'posts') and (created is null or id is null))
  then
    return null;
  end if;
  select array_agg(name order by attnum) filter (where is_text), array_agg(name order by attnum) filter (where not is_text)
  into texts, others
  from (
    select name, attnum, kind in ('users', 'posts') and (category = 'S' or type = 'text[]'::regtype) or kind in ('post_texts', 'user_texts') as is_text
    from recsys_engine.columns_read(p_view, p_table)
    where name <> all (array_remove(array[id, case when kind <> 'post_texts' then person end, case when kind in ('interactions', 'post_texts') then post end, case when kind in ('interactions', 'logins', 'posts') then created end], null))
      -- what a trigger can compare
      and (category = any ('{B,N,S,D,E,T}') or type = any ('{uuid,jsonb,text[]}'::regtype[]))
  ) as further;
  return format('select recsys.watch(%s)', concat_ws(', ',
    recsys_engine.literal_sql(p_table::text), quote_literal(kind),
    case when kind in ('interactions', 'logins', 'posts', 'users') and id <> 'id' then 'p_id => ' || recsys_engine.literal_sql(id::text) end,
    case when kind in ('interactions', 'logins', 'user_texts') and person <> 'user_id' then 'p_user_id => ' || recsys_engine.literal_sql(person::text) end,
    case when kind in ('interactions', 'post_texts') and post <> 'post_id' then 'p_post_id => ' || recsys_engine.literal_sql(post::text) end,
    case when kind = 'posts' and person <> 'author_id' then 'p_author_id => ' || recsys_engine.literal_sql(person::text) end,
    case when kind in ('interactions', 'logins', 'posts') and created <> 'created_at' then 'p_created_at => ' || recsys_engine.literal_sql(created::text) end,
    case when kind in ('posts', 'users', 'post_texts', 'user_texts') then 'p_texts => ' || recsys_engine.literal_sql(coalesce(texts, '{}')::text) end,
    case when others is not null then 'p_others => ' || recsys_engine.literal_sql(others::text) end,
    case when kind <> 'post_texts' and lookup is not null then 'p_user_lookup => ' || recsys_engine.literal_sql(lookup::text) end));
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.check_upkeep()
 RETURNS TABLE(stops boolean, problem text, cure text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
AS $function$
declare
  waiting bigint;
begin
  return query
  select true, format('recsys.watch follows %s by a column that is gone (%s), and each statement that writes the table fails', recsys_engine.table_sql(watches.table_name), missing.names),
    format('select recsys.unwatch(%s)  -- and call recsys.watch with the columns there are', concat_ws(', ',
      recsys_engine.literal_sql(watches.table_name::text), recsys_engine.literal_sql(watches.kind),
      'p_user_id => ' || recsys_engine.literal_sql(watches.user_column), 'p_post_id => ' || recsys_engine.literal_sql(watches.post_column), 'p_created_at => ' || recsys_engine.literal_sql(watches.created_column)))
  from recsys.watches
  cross join lateral (
    select string_agg(recsys_engine.identifier_sql(used.name), ', ' order by used.name) as names
    from (select distinct each.name from jsonb_array_elements_text(watches.watch -> 'columns') as each (name)) as used
    where not recsys_engine.has_columns(watches.table_name, array[used.name])
  ) as missing
  where missing.names is not null;

  return query
  select distinct false, format('recsys.%s reads %s, whose changes nobody follows', read.view,
      case when asked.is_watched then coalesce(recsys_engine.identifier_sql(asked.post) || ' of ', format('what is of a %s in ', read.entity)) else '' end || recsys_engine.table_sql(read.relation)),
    coalesce(asked.proposal, format(
      'if columns of it say %s, call recsys.watch with their names (docs/adopting.md); if only the row of another table says so, its changes are seen when the %s is worked out for another reason, and no sooner',
      read.needed, read.entity))
  from (
    select views.view, views.kind, views.kinds, views.needed, views.entity, under.relation
    from (values
      ('source_users', 'users', '{users,user_texts}'::text[], 'whom it is of', 'person'), ('source_posts', 'posts', '{posts,post_texts}', 'which post it is of', 'post'),
      ('source_interactions', 'interactions', '{interactions}', 'who did it, with which post and when', 'person or post'), ('source_logins', 'logins', '{logins}', 'who came back and when', 'person')
    ) as views (view, kind, kinds, needed, entity)
    cross join recsys_engine.relations_under(to_regclass('recsys.' || views.view)) as under
    join pg_catalog.pg_class on pg_class.oid = under.relation
    where under.kind in ('r', 'p') and pg_class.relnamespace not in ('recsys'::regnamespace, 'recsys_engine'::regnamespace)
  ) as read
  -- each post that a row names asks for a watch of its own
  left join lateral recsys_engine.posts_read(to_regclass('recsys.' || read.view), read.relation) as named on read.kind in ('posts', 'interactions')
  cross join lateral (
    select exists (select from recsys.watches where watches.table_name = read.relation) as is_watched, named.name as post,
      recsys_engine.proposed_watch(to_regclass('recsys.' || read.view), read.kind, read.relation, named.name) as proposal
  ) as asked
  where not exists (
      select from recsys.watches
      where watches.table_name = read.relation and watches.kind = any (read.kinds)
        and (watches.kind not in ('interactions', 'post_texts') or named.name is null or recsys_engine.are_equivalent_columns(read.relation, watches.post_column, named.name))
    )
    -- a table that is followed for one view may only be looked up in another one
    and (not asked.is_watched or asked.proposal is not null and (read.kind not in ('posts', 'interactions') or named.name is not null))
  order by 2, 3;

  select count(*) into waiting from (select from recsys_engine.feature_changes limit 1000001) as changes;
  if not exists (select from recsys_engine.latest_post_stats) and exists (select from recsys.source_interactions) then
    return query select false, 'no events are rolled up yet'::text,
      case waiting
        when 0 then 'call recsys.watch for each table, as above: that queues them'
        else 'recsys train does it; or by hand: set statement_timeout = 0; select recsys.roll_up(null)'
      end;
  elsif waiting > 100000 then
    return query select false, format('%s changes wait to be rolled up', case when waiting > 1000000 then 'more than a million' else waiting::text end),
      'recsys train does it; or by hand: set statement_timeout = 0; select recsys.roll_up(null)'::text;
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.plan_equalities(p_plan jsonb)
 RETURNS TABLE(id text, is_of_subquery boolean, is_index_cond boolean, one text, other text, alias text, other_alias text, is_constant boolean)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
 SET jit TO 'off'
AS $function$
  with nodes as materialized (select * from recsys_engine.plan_nodes(p_plan)),
  named as materialized (
    select each.alias, recsys_engine.alias_pattern(each.alias) as pattern
    from (
      select nodes.alias from nodes where nodes.alias is not null
      union
      -- its scans name partitions; the table above them is called as the query calls it
      select recsys_engine.partitioned_table_alias(nodes.alias) from nodes join pg_catalog.pg_class on pg_class.oid = nodes.relation where pg_class.relispartition
    ) as each
  ),
  compared as materialized (
    select nodes.id, nodes.is_of_subquery, condition.key = 'Index Cond' as is_index_cond, found.one, found.other
    from nodes
    cross join jsonb_each_text(nodes.node) as condition
    cross join recsys_engine.equalities(condition.value) as found
    where condition.key ~ ' (Cond|Filter)$' or condition.key = 'Filter'
  ),
  -- whose columns a side is made of: one alias, or none or several
  sides as materialized (
    select expression, array_agg(named.alias) filter (where named.alias is not null) as aliases
    from (select distinct compared.one as expression from compared) as distinct_sides
    left join named on expression ~ named.pattern
    group by expression
  )
  select compared.id, compared.is_of_subquery, compared.is_index_cond, compared.one, compared.other,
    case when cardinality(one.aliases) = 1 and compared.one !~ 'SubPlan ' then one.aliases[1] end,
    case when cardinality(other.aliases) = 1 and compared.other !~ 'SubPlan ' then other.aliases[1] end,
    other.aliases is null and compared.other !~ 'SubPlan ' and compared.other !~ '^(ANY|ALL) \('
  from compared
  join sides as one on one.expression = compared.one
  join sides as other on other.expression = compared.other
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.sequential_scans(p_role text, p_query text)
 RETURNS TABLE(relation regclass, columns text, is_expression boolean, tables text, looked_up text, functions text)
 LANGUAGE plpgsql
 SET search_path TO ''
 SET jit TO 'off'
AS $function$
declare
  nobody constant text := '00000000-0000-4000-8000-000000000000';
  plan constant jsonb := recsys_engine.explained(p_role, replace(p_query, '$1', quote_literal(nobody) || '::uuid'));
begin
  return query
  with recursive nodes as materialized (
    -- an index is that of the whole of a partitioned table
    select plan_nodes.*, coalesce(pg_partition_root(plan_nodes.relation), plan_nodes.relation) as root,
      plan_nodes.node ->> 'Node Type' <> 'Foreign Scan' and pg_class.relnamespace not in ('recsys'::regnamespace, 'recsys_engine'::regnamespace, 'pg_catalog'::regnamespace) as is_of_app
    from recsys_engine.plan_nodes(plan)
    left join pg_catalog.pg_class on pg_class.oid = plan_nodes.relation
  ),
  compared as materialized (select *, position(nobody in plan_equalities.other) > 0 as is_asked_for from recsys_engine.plan_equalities(plan)),
  -- above a union its columns are called by those of its first branch
  branches as materialized (
    select first.alias, shown.named, other.alias as other_alias, other.node -> 'Output' ->> (shown.place - 1)::integer as other_named
    from nodes as first
    join nodes as whole_union on whole_union.id = regexp_replace(first.id, '\.\d+$', '') and whole_union.node ->> 'Node Type' ~ 'Append$'
    join nodes as other on other.id <> first.id and regexp_replace(other.id, '\.\d+$', '') = whole_union.id
    cross join jsonb_array_elements_text(first.node -> 'Output') with ordinality as shown (named, place)
    where first.is_of_app and other.is_of_app
    union
    select compared.alias, compared.one, nodes.alias, regexp_replace(compared.one, recsys_engine.alias_pattern(compared.alias), '\1' || quote_ident(nodes.alias) || '.', 'g')
    from compared
    join nodes on nodes.root <> nodes.relation and recsys_engine.partitioned_table_alias(nodes.alias) = compared.alias
  ),
  -- what leads to the rows of each table: a column that is what was asked for, or one that is a column of a table that was reached
  reached as (
    select compared.alias, compared.one, 0 as steps
    from compared
    -- by the scan itself: what is asked above a join, which an outer one may be, narrows nothing down
    join nodes on nodes.id = compared.id and nodes.alias = compared.alias
    where compared.is_constant and compared.is_asked_for and not compared.is_of_subquery
    union
    -- or that a policy compares with who asks, or by which an index finds the row anyway
    select compared.alias, compared.one, 1
    from compared
    join nodes on nodes.id = compared.id and nodes.alias = compared.alias
    where compared.is_constant and not compared.is_of_subquery and (compared.is_index_cond or compared.other ~ 'InitPlan |current_setting\(|uid\(')
    union
    -- a subquery or policy is asked with all that is known by then
    select compared.alias, compared.one, 1
    from compared
    join nodes on nodes.alias = compared.alias and nodes.is_of_subquery
    where compared.alias is distinct from compared.other_alias
    union
    select branch.alias, branch.named, reached.steps + 1
    from reached
    join compared on compared.other_alias = reached.alias and compared.alias <> reached.alias and not compared.is_of_subquery
    cross join lateral (
      select compared.alias, compared.one as named
      union all
      select branches.other_alias, branches.other_named from branches
      where branches.alias = compared.alias and branches.named = compared.one and branches.other_named ~ recsys_engine.alias_pattern(branches.other_alias)
    ) as branch
    where reached.steps < 8
  ),
  whole as materialized (
    select nodes.*
    from nodes
    where nodes.is_of_app and (
      not exists (select from compared where compared.id = nodes.id and compared.is_index_cond)
      -- by another index, and then row by row, is no better
      or exists (select from compared where compared.id = nodes.id and compared.alias = nodes.alias and compared.is_asked_for and not compared.is_index_cond)
    )
    -- what is joined to every row alike, such as one row of settings
    and not (
      not nodes.node ? 'Filter' and not exists (select from compared where nodes.alias in (compared.alias, compared.other_alias))
      and exists (
        select from nodes as above
        where above.id = regexp_replace(nodes.id, '\.\d+$', '') and above.node ->> 'Node Type' = 'Nested Loop' and not above.node ? 'Join Filter'
      )
    )
  ),
  ways as materialized (
    select whole.id, whole.root, whole.is_of_subquery, found.columns,
      -- of few rows another way may be as good. Row level security may keep an index on an expression from the role
      recsys_engine.has_index(whole.root, found.columns) and (
        not found.is_direct or found.columns !~ '\('
        or coalesce(recsys_engine.explained(p_role, format('select from %s where %s = %L::uuid', whole.root, found.columns, nobody)) ? 'Index Cond', true)
      ) as is_there
    from whole
    cross join lateral (
      select distinct recsys_engine.indexed_as(whole.relation, whole.alias, reached.one) as columns, reached.steps = 0 as is_direct
      from reached
      where reached.alias = whole.alias and reached.steps = (select min(nearest.steps) from reached as nearest where nearest.alias = whole.alias)
    ) as found
    where found.columns is not null
  )
  -- a subquery or policy is asked by all of them, a table of the view by one
  select ways.root, case when bool_and(ways.is_of_subquery) then string_agg(ways.columns, ', ' order by ways.columns) else min(ways.columns) end,
    bool_or(ways.columns ~ '\('), null::text, null::text, null::text
  from ways
  group by ways.id, ways.root
  having not bool_or(ways.is_there)
  union
  select null, null, null, found.tables, found.looked_up, found.functions
  from (
    select
      (
        select string_agg(distinct recsys_engine.table_sql(whole.root), ', ') from whole
        where not whole.is_of_subquery and not exists (select from ways where ways.id = whole.id)
      ) as tables,
      (
        select string_agg(distinct recsys_engine.table_sql(below.root), ', ') from nodes as below
        join compared on compared.one ~ 'SubPlan ' and compared.is_asked_for and starts_with(below.id, compared.id || '.')
        where below.is_of_subquery and below.is_of_app
      ) as looked_up,
      (
        select string_agg(distinct format('%I.%I', calls.node ->> 'Schema', calls.node ->> 'Function Name'), ', ') from nodes as calls
        join compared on compared.id = calls.id and compared.is_asked_for
        where calls.node ? 'Function Name' and calls.node ->> 'Schema' <> 'pg_catalog'
      ) as functions
  ) as found
  where found.tables is not null or found.functions is not null;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.check_indexes()
 RETURNS TABLE(stops boolean, problem text, cure text)
 LANGUAGE plpgsql
 SET search_path TO ''
 SET jit TO 'off'
AS $function$
begin
  return query
  with found as materialized (
    select read_whole.*, asked.*, named.source
    from (
      values
        (1, 'authenticated', 'source_posts', 'post_id', 'post', 'each feed looks up its posts'),
        (2, 'authenticated', 'source_posts', 'author_id', 'author', 'each feed finds the newest posts of an author'),
        (3, 'authenticated', 'source_users', 'user_id', 'person', 'each feed looks up its user'),
        (4, 'authenticated', 'source_interactions', 'user_id', 'person', 'each feed finds what its user did'),
        (5, 'authenticated', 'source_dismissals', 'user_id', 'person', 'each feed finds what its user dismissed'),
        (6, 'authenticated', 'source_mutes', 'user_id', 'person', 'each feed finds what its user muted'),
        (7, 'authenticated', 'source_follows', 'user_id', 'person', 'each feed finds whom its user follows'),
        (8, 'authenticated', 'source_preferences', 'user_id', 'person', 'each feed finds what its user prefers'),
        (9, 'authenticated', 'source_withheld', 'post_id', 'post', 'each feed asks of its posts whether they are withheld'),
        (10, 'authenticated', 'source_withheld', 'author_id', 'author', 'each feed asks of authors whether they are withheld'),
        (11, 'service_role', 'source_posts', 'post_id', 'post', 'each roll-up looks up its posts'),
        (12, 'service_role', 'source_interactions', 'user_id', 'person', 'each roll-up finds what a user did'),
        (13, 'service_role', 'source_interactions', 'post_id', 'post', 'each roll-up finds what was done with a post'),
        (14, 'service_role', 'source_logins', 'user_id', 'person', 'each roll-up finds the logins of a user'),
        (15, 'service_role', 'source_conversations', 'post_id', 'post', 'feeds ask of their posts which conversation they belong to'),
        (16, 'authenticated', 'source_memberships', 'user_id', 'person', 'each feed finds where its user belongs'),
        (17, 'service_role', 'source_post_scopes', 'scope', 'organisation', 'feeds find the posts of an organisation')
    ) as asked (place, role, view, shown_as, entity, why)
    cross join lateral (select to_regclass('recsys.' || asked.view) as source) as named
    cross join lateral recsys_engine.sequential_scans(asked.role, format('select * from %s where %I = $1%s', named.source, asked.shown_as, case when asked.shown_as = 'scope' then '::text' end)) as read_whole
  ),
  newest as materialized (select * from recsys_engine.post_order_column('authenticated') as ordered where ordered.columns is not null),
  missing as materialized (
    select found.relation, found.columns, found.place, found.why,
      case
        when found.shown_as = 'author_id' then (select newest.columns || ' desc' from newest where newest.relation = found.relation)
        -- of several times, the one that is called so
        when found.view in ('source_interactions', 'source_follows', 'source_dismissals') then (
          select case when count(*) = 1 then quote_ident(min(read.name)) when bool_or(read.name = 'created_at') then 'created_at' end
          from recsys_engine.columns_read(found.source, found.relation) as read
          where read.type = 'timestamptz'::regtype
        )
      end as then,
      case
        when found.is_expression and found.role = 'authenticated'
          and exists (select from pg_catalog.pg_class where pg_class.oid = found.relation and pg_class.relrowsecurity)
        then found.shown_as
      end as to_show
    from found
    where found.relation is not null
    union all
    select newest.relation, newest.columns || ' desc', 0, 'each feed finds the newest posts', null, null
    from newest where not recsys_engine.has_index(newest.relation, newest.columns)
  )
  select found_out.stops, found_out.problem, found_out.cure
  from (
    select true, format('%s: the rows of one %s are found only by reading all of %s', shapes.source, shapes.entity, coalesce(shapes.tables, shapes.functions)),
      case
        when shapes.looked_up is not null then format(
          'a subquery on %s, (select … where …), says whose they are: join %1$s instead, in the same select, in each branch of a union: join %1$s as who on who.… = …', shapes.looked_up)
        when shapes.functions is not null then format('the function %s says whose they are: write its query into the view', shapes.functions)
        else 'what says whose they are comes from an outer join, a join around a union, a distinct or a function: show a column of the table itself, or join the table that has it in the same select, in each branch of a union'
      end
    from (
      select found.source, found.entity, found.tables, found.functions, min(found.looked_up) as looked_up
      from found where found.relation is null
      group by found.source, found.entity, found.tables, found.functions
    ) as shapes
    union all
    (
      select missing.to_show is not null, format('%s has no index by which %s', recsys_engine.table_sql(missing.relation), (array_agg(missing.why order by missing.place))[1]),
        recsys_engine.index_fix(missing.relation, missing.columns, min(missing.then), missing.to_show)
      from missing
      where missing.to_show is not null
        or not exists (select from missing as shown where shown.relation = missing.relation and shown.columns = missing.columns and shown.to_show is not null)
        and not recsys_engine.is_small(missing.relation)
      group by missing.relation, missing.columns, missing.to_show
      order by missing.relation::text, missing.columns
    )
  ) as found_out (stops, problem, cure);
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.check_vectors()
 RETURNS TABLE(stops boolean, problem text, cure text)
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  return query
  with posts as (
    select under.relation from recsys_engine.relations_under('recsys.source_posts'::regclass) as under where under.kind in ('r', 'p')
      -- the view may look at its people, too
      and not exists (select from recsys.watches where watches.table_name = under.relation and watches.kind = 'users')
  ),
  holders as (
    -- the post is its own row, or one that another table names, once each
    select posts.relation, pg_attribute.attname as post
    from posts
    join pg_catalog.pg_index on pg_index.indrelid = posts.relation and pg_index.indisprimary and pg_index.indnkeyatts = 1
    join pg_catalog.pg_attribute on pg_attribute.attrelid = posts.relation and pg_attribute.attnum = pg_index.indkey[0]
    union
    select pg_constraint.conrelid, pg_attribute.attname
    from posts
    join pg_catalog.pg_constraint on pg_constraint.confrelid = posts.relation and pg_constraint.contype = 'f' and cardinality(pg_constraint.conkey) = 1
    join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_constraint.conrelid and pg_attribute.attnum = pg_constraint.conkey[1]
    where exists (
      select from pg_catalog.pg_index
      where pg_index.indrelid = pg_constraint.conrelid and pg_index.indisunique and pg_index.indpred is null and pg_index.indnkeyatts = 1 and pg_index.indkey[0] = pg_constraint.conkey[1]
    )
  )
  select false,
    format('%s of %s has a vector of each post, which no tower reads%s', recsys_engine.identifier_sql(pg_attribute.attname), recsys_engine.table_sql(holders.relation),
      coalesce(': missing in ' || round(100 * pg_stats.null_frac) || ' % of rows', '')),
    format('select recsys.watch(%s, ''vectors''%s, p_texts => %s)', recsys_engine.literal_sql(recsys_engine.table_sql(holders.relation)),
      case when holders.post <> 'post_id' then ', p_post_id => ' || recsys_engine.literal_sql(holders.post) else '' end, recsys_engine.literal_sql(array[pg_attribute.attname]::text))
  from holders
  join pg_catalog.pg_attribute on pg_attribute.attrelid = holders.relation and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
    and pg_attribute.atttypid in ('extensions.vector'::regtype, 'extensions.halfvec'::regtype)
  join pg_catalog.pg_class on pg_class.oid = holders.relation
  left join pg_catalog.pg_stats on pg_stats.schemaname = pg_class.relnamespace::regnamespace::text and pg_stats.tablename = pg_class.relname and pg_stats.attname = pg_attribute.attname
  where not exists (
    select from recsys.watches
    where watches.table_name = holders.relation and watches.kind = 'vectors' and watches.watch -> 'columns' ? pg_attribute.attname::text
  );

  return query
  with people as (
    -- by the uuid of auth.users, as it is watched
    select watches.table_name as relation, watches.user_column as person from recsys.watches where watches.kind = 'users'
  ),
  holders as (
    select people.relation, people.person, null::text[] as lookup, 1 as rank from people
    union all
    select pg_constraint.conrelid::regclass, pg_attribute.attname::text,
      case when key.attname <> people.person then array[people.relation::text, key.attname::text, people.person] end, 2
    from people
    join pg_catalog.pg_constraint on pg_constraint.confrelid = people.relation and pg_constraint.contype = 'f' and cardinality(pg_constraint.conkey) = 1
    join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_constraint.conrelid and pg_attribute.attnum = pg_constraint.conkey[1]
    join pg_catalog.pg_attribute as key on key.attrelid = pg_constraint.confrelid and key.attnum = pg_constraint.confkey[1]
    union all
    select pg_constraint.conrelid::regclass, pg_attribute.attname::text, null, 3
    from pg_catalog.pg_constraint
    join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_constraint.conrelid and pg_attribute.attnum = pg_constraint.conkey[1]
    where pg_constraint.confrelid = to_regclass('auth.users') and pg_constraint.contype = 'f' and cardinality(pg_constraint.conkey) = 1
  )
  select distinct on (holders.relation::text, pg_attribute.attname) false,
    format('%s of %s has a vector of each user, which no tower reads%s', recsys_engine.identifier_sql(pg_attribute.attname), recsys_engine.table_sql(holders.relation),
      coalesce(': missing in ' || round(100 * pg_stats.null_frac) || ' % of rows', '')),
    format('select recsys.watch(%s, ''user_vectors''%s, p_texts => %s%s)', recsys_engine.literal_sql(recsys_engine.table_sql(holders.relation)),
      case when holders.person <> 'user_id' then ', p_user_id => ' || recsys_engine.literal_sql(holders.person) else '' end, recsys_engine.literal_sql(array[pg_attribute.attname]::text),
      case when holders.lookup is not null then ', p_user_lookup => ' || recsys_engine.literal_sql(holders.lookup::text) else '' end)
  from holders
  join pg_catalog.pg_attribute on pg_attribute.attrelid = holders.relation and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
    and pg_attribute.atttypid in ('extensions.vector'::regtype, 'extensions.halfvec'::regtype)
  join pg_catalog.pg_class on pg_class.oid = holders.relation
  left join pg_catalog.pg_stats on pg_stats.schemaname = pg_class.relnamespace::regnamespace::text and pg_stats.tablename = pg_class.relname and pg_stats.attname = pg_attribute.attname
  -- once each: a row count of many users says nothing of one alone
  where exists (
      select from pg_catalog.pg_index
      join pg_catalog.pg_attribute as person on person.attrelid = holders.relation and person.attnum = pg_index.indkey[0] and person.attname = holders.person
      where pg_index.indrelid = holders.relation and pg_index.indisunique and pg_index.indpred is null and pg_index.indnkeyatts = 1
    )
    and not exists (
      select from recsys.watches
      where watches.table_name = holders.relation and watches.kind in ('vectors', 'user_vectors') and watches.watch -> 'columns' ? pg_attribute.attname::text
    )
    -- posts are proposed above
    and not exists (select from recsys.watches where watches.table_name = holders.relation and watches.kind = 'posts')
  order by holders.relation::text, pg_attribute.attname, holders.rank;

  return query
  select false, format('service_role may not read the vectors of %s in %s, and their towers go by words alone',
    case when exists (select from recsys.watches where watches.table_name = unread.relation and watches.kind = 'vectors') then 'posts' else 'users' end, recsys_engine.table_sql(unread.relation)), unread.statement
  from (
    select reads.relation, reads.statement from recsys_engine.missing_reads('service_role') as reads where reads.views = 'recsys.watches'
    union
    select watches.table_name, format('grant usage on schema %s to service_role', recsys_engine.identifier_sql(pg_namespace.nspname))
    from recsys.watches
    join pg_catalog.pg_class on pg_class.oid = watches.table_name
    join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
    where watches.kind in ('vectors', 'user_vectors') and not has_schema_privilege('service_role', pg_namespace.oid, 'usage')
  ) as unread
  order by 2, 3;

  return query
  select distinct false, format('%s has no index by which a %s''s vector is found, and each batch of embedding reads all of it', recsys_engine.table_sql(watches.table_name), watches.watch ->> 'entity'),
    format('create index concurrently on %s (%s)', recsys_engine.table_sql(watches.table_name),
      coalesce(recsys_engine.identifier_sql(watches.user_column), regexp_replace(watches.watch ->> 'entity_sql', '\s+', ' ', 'g')))
  from recsys.watches
  cross join lateral recsys_engine.explained('service_role', concat_ws(' ', format('select from %s as changed', watches.table_name), watches.watch ->> 'join_sql', format('where %s = any (''{00000000-0000-4000-8000-000000000000,00000000-0000-4000-8000-000000000001}''::uuid[])', watches.watch ->> 'own_sql'))) as plan
  where watches.kind in ('vectors', 'user_vectors') and plan is not null
    and not exists (select from recsys_engine.plan_nodes(plan) as nodes where nodes.relation = watches.table_name and nodes.node ? 'Index Cond');

  return query
  select false, format('%s failed five times at the text of %s, such as with: %s', settings.text_encoder, case count(*) when 1 then 'a post' else count(*) || ' posts' end, regexp_replace(max(jobs.last_error), '\s+', ' ', 'g')),
    format('update recsys.settings set text_encoder = null; update recsys.settings set text_encoder = %L  -- which tries them again', settings.text_encoder)
  from recsys_engine.encoding_jobs as jobs cross join recsys.settings
  where jobs.failures >= 5 and settings.text_encoder is not null
  group by settings.text_encoder;

  return query
  select false,
    format('model %s reads vectors by %s, and %s%s posts have one by %s: these are embedded by their words alone', models.name, regexp_replace(models.feature_spec #>> '{vectors,encoder}', '\s+', ' ', 'g'), case when shapes.is_estimate then 'about ' else '' end, shapes.entities, regexp_replace(shapes.encoder, '\s+', ' ', 'g')),
    'npx --no-install recsys train, then npx --no-install recsys publish: from then on the others are read'
  from recsys.models
  join recsys_engine.own_vector_shapes('post') as shapes on shapes.encoder <> models.feature_spec #>> '{vectors,encoder}' or shapes.dimension <> (models.feature_spec #>> '{vectors,dimension}')::integer
  where models.status = 'active' and models.feature_spec ? 'vectors';

  return query
  select false,
    format('the basis by which model %s reads vectors by %s is missing, and its posts are embedded by their words alone', missing.name, regexp_replace(missing.encoder, '\s+', ' ', 'g')),
    'bring back the rows of recsys_engine.vector_bases from where this database comes from; or npx --no-install recsys train, then npx --no-install recsys publish, which make another'
  from recsys_engine.models_without_basis as missing
  order by missing.model_id;

  return query
  select false, format('%s has several vectors of %s, and of each the lowest is read', recsys_engine.table_sql(several.table_name), case several.posts when 1 then 'a post' else several.posts || ' posts' end),
    'keep the mean of each post''s vectors in a table of its own, and watch that in its place: recsys.watch, recsys.unwatch'
  from recsys_engine.posts_with_several_vectors() as several;

  return query
  -- whose vectors the posts have: what the active model reads, or the next training will
  with of_posts as (
    (select 1 as rank, models.feature_spec #>> '{vectors,encoder}' as encoder, (models.feature_spec #>> '{vectors,dimension}')::integer as dimension, 0::bigint as entities
    from recsys.models where models.status = 'active' and models.feature_spec ? 'vectors')
    union all
    select 2, shapes.encoder, shapes.dimension, shapes.entities from recsys_engine.own_vector_shapes('post') as shapes
    order by 1, 4 desc, 2
    limit 1
  )
  select false,
    format('%s%s users have a vector by %s (%s numbers), and the posts %s: these users are embedded by their words alone', case when shapes.is_estimate then 'about ' else '' end, shapes.entities,
      coalesce(nullif(regexp_replace(shapes.encoder, '\s+', ' ', 'g'), ''), 'a model without a name'), shapes.dimension,
      case when of_posts.encoder is null then 'have none' else format('have theirs by %s (%s numbers)', regexp_replace(of_posts.encoder, '\s+', ' ', 'g'), of_posts.dimension) end),
    'make the vectors of users with the model that makes those of posts, whose name p_others finds; where it was changed for the posts too: npx --no-install recsys train, then npx --no-install recsys publish'
  from recsys_engine.own_vector_shapes('user') as shapes
  left join of_posts on true
  where (of_posts.encoder is null or shapes.encoder not in (of_posts.encoder, '') or shapes.dimension <> of_posts.dimension);
end
$function$;

CREATE OR REPLACE FUNCTION recsys."check"()
 RETURNS TABLE(stops boolean, problem text, cure text)
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  -- as the functions have it without a request; policies may read it as if it was always there
  perform set_config('request.headers', coalesce(nullif(current_setting('request.headers', true), ''), '{}'), true);
  return query
  select found.*
  from (
    select 1 as part, checked.* from recsys_engine.check_views() as checked
    union all select 2, checked.* from recsys_engine.check_access() as checked
    union all select 3, checked.* from recsys_engine.check_rows() as checked
    union all select 4, checked.* from recsys_engine.check_upkeep() as checked
    union all select 5, checked.* from recsys_engine.check_indexes() as checked
    union all select 6, checked.* from recsys_engine.check_vectors() as checked
    union all select 7, checked.* from recsys_engine.check_promotions() as checked
    union all select 8, checked.* from recsys_engine.check_latest() as checked
    union all select 9, checked.* from recsys_engine.check_headers() as checked
  ) as numbered (part, stops, problem, cure)
  cross join lateral (select numbered.stops, numbered.problem, numbered.cure) as found
  order by not numbered.stops, numbered.part;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.has_index_on(p_table regclass, p_columns text[])
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select exists (
    select from pg_catalog.pg_index
    where pg_index.indrelid = p_table and pg_index.indisvalid
      and (
        select array_agg(btrim(recsys_engine.without_casts(pg_get_indexdef(pg_index.indexrelid, place, false)), '()') order by place)
        from generate_series(1, cardinality(p_columns)) as place
      ) = p_columns
  )
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.check_latest()
 RETURNS TABLE(stops boolean, problem text, cure text)
 LANGUAGE plpgsql
 SET search_path TO ''
 SET jit TO 'off'
AS $function$
declare
  nobody constant text := '00000000-0000-4000-8000-000000000000';
begin
  return query
  with asked as (
    select 'recsys.source_follows'::regclass as source, kind, format('select * from recsys.source_follows where user_id = %L::uuid and kind = %L', nobody, kind) as query, 'follows' as rows
    from unnest('{person,topic,group}'::text[]) as kinds (kind)
    union all
    select 'recsys.source_dismissals'::regclass, null, format('select * from recsys.source_dismissals where user_id = %L::uuid', nobody), 'dismissals'
    union all
    select 'recsys.source_interactions'::regclass, null, format('select * from recsys.source_interactions where user_id = %L::uuid', nobody), 'interactions'
  ),
  plans as materialized (select asked.*, recsys_engine.explained('authenticated', asked.query) as plan from asked),
  scans as materialized (
    select plans.rows, coalesce(pg_partition_root(nodes.relation), nodes.relation) as relation,
      (
        select min(recsys_engine.indexed_as(nodes.relation, nodes.alias, compared.one)) from recsys_engine.plan_equalities(plans.plan) as compared
        where compared.id = nodes.id and compared.alias = nodes.alias and compared.is_constant and position(nobody in compared.other) > 0
      ) as person,
      (
        select min(recsys_engine.indexed_as(nodes.relation, nodes.alias, compared.one)) from recsys_engine.plan_equalities(plans.plan) as compared
        where compared.id = nodes.id and compared.alias = nodes.alias and compared.is_constant and compared.other in (quote_literal(plans.kind), quote_literal(plans.kind) || '::text')
      ) as kind,
      (
        select case when count(*) = 1 then quote_ident(min(read.name)) when bool_or(read.name = 'created_at') then 'created_at' end
        from recsys_engine.columns_read(plans.source, coalesce(pg_partition_root(nodes.relation), nodes.relation)) as read
        where read.type = 'timestamptz'::regtype
      ) as time
    from plans
    cross join recsys_engine.plan_nodes(plans.plan) as nodes
    join pg_catalog.pg_class on pg_class.oid = nodes.relation
    where not nodes.is_of_subquery and pg_class.relkind in ('r', 'p') and pg_class.relnamespace not in ('recsys'::regnamespace, 'recsys_engine'::regnamespace)
  )
  select distinct false, format('%s has no index by which each feed finds the latest %s of its user', recsys_engine.table_sql(scans.relation), scans.rows),
    recsys_engine.index_fix(scans.relation, scans.person, concat_ws(', ', scans.kind, scans.time || ' desc'), null)
  from scans
  where scans.time is not null and not recsys_engine.is_small(scans.relation)
    -- without one that begins with the person, recsys_engine.check_indexes() says so
    and recsys_engine.has_index(scans.relation, scans.person)
    and not recsys_engine.has_index_on(scans.relation, array_remove(array[scans.person, scans.kind, scans.time], null))
  order by 2;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.request_readers()
 RETURNS TABLE(reader text, source text)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  with recursive views as materialized (
    select to_regclass(views.name) as relation
    from unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_logins,recsys.source_dismissals,recsys.source_mutes,recsys.source_follows,recsys.source_preferences,recsys.source_withheld,recsys.source_conversations,recsys.source_memberships,recsys.source_post_scopes}'::text[]) as views (name)
  ), relations as materialized (
    select views.relation from views
    union
    select needed.relation
    from views cross join unnest('{authenticated,anon}'::name[]) as callers (role) cross join lateral recsys_engine.columns_needed(callers.role, views.relation) as needed
  ), rules as materialized (
    select 'pg_catalog.pg_policy'::regclass as class, pg_policy.oid,
      format('the policy %s on %s', recsys_engine.identifier_sql(pg_policy.polname), recsys_engine.table_sql(pg_policy.polrelid)) as reader,
      pg_get_expr(pg_policy.polqual, pg_policy.polrelid) as source
    from relations
    join pg_catalog.pg_class on pg_class.oid = relations.relation and pg_class.relrowsecurity
    join pg_catalog.pg_policy on pg_policy.polrelid = relations.relation and pg_policy.polcmd in ('r', '*')
    where exists (
      select from unnest(pg_policy.polroles) as granted (role) cross join unnest('{authenticated,anon}'::name[]) as callers (role)
      where granted.role = 0 or pg_has_role(callers.role, granted.role, 'usage')
    )
    union all
    select 'pg_catalog.pg_rewrite'::regclass, pg_rewrite.oid, format('the view %s', recsys_engine.table_sql(pg_rewrite.ev_class)), pg_get_viewdef(pg_rewrite.ev_class)
    from relations join pg_catalog.pg_rewrite on pg_rewrite.ev_class = relations.relation
  ), functions as materialized (
    select pg_proc.oid, format('%s.%s', recsys_engine.identifier_sql(pg_namespace.nspname), recsys_engine.identifier_sql(pg_proc.proname)) as name,
      coalesce(pg_get_function_sqlbody(pg_proc.oid), pg_proc.prosrc) as source, lower(pg_proc.proname) as looked_for,
      -- a call of it, with its schema or with none
      format('(^|[^[:alnum:]_.$"])("?%s"?\s*\.\s*)?"?%s"?\s*\(', recsys_engine.word_pattern(pg_namespace.nspname), recsys_engine.word_pattern(pg_proc.proname)) as call
    from pg_catalog.pg_proc
    join pg_catalog.pg_namespace on pg_namespace.oid = pg_proc.pronamespace and pg_namespace.nspname not in ('pg_catalog', 'information_schema', 'recsys', 'recsys_engine')
    where not exists (
      select from pg_catalog.pg_depend
      where pg_depend.classid = 'pg_catalog.pg_proc'::regclass and pg_depend.objid = pg_proc.oid and pg_depend.deptype = 'e'
    )
  ), calls (reader, oid, depth) as (
    select rules.reader, pg_depend.refobjid, 1
    from rules
    join pg_catalog.pg_depend on pg_depend.classid = rules.class and pg_depend.objid = rules.oid and pg_depend.refclassid = 'pg_catalog.pg_proc'::regclass
    union
    -- what a function calls is in its text alone; those that call each other end with the fifth
    select calls.reader, called.oid, calls.depth + 1
    from calls
    join functions as caller on caller.oid = calls.oid
    join functions as called on called.oid <> caller.oid and strpos(lower(caller.source), called.looked_for) > 0 and caller.source ~* called.call
    where calls.depth < 5
  )
  select rules.reader, rules.source from rules
  union
  select format('%s by %s', calls.reader, functions.name), functions.source
  from calls join functions on functions.oid = calls.oid
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.check_headers()
 RETURNS TABLE(stops boolean, problem text, cure text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  handed_on constant text[] := coalesce((select settings.forwarded_headers from recsys.settings), '{}');
begin
  return query
  with readers as materialized (
    select distinct readers.reader, readers.source from recsys_engine.request_readers() as readers where readers.source ~ '''request\.(headers|cookies)'''
  ), headers as materialized (
    select distinct readers.reader, named.header[1] as header
    from readers
    -- a name behind the first arrow, with at most '' or '{}' before it
    cross join lateral regexp_matches(readers.source, '''request\.headers''(?:[^''-]|-(?!>)|''''|''\{\}'')*->>?\s*''([a-z0-9_.-]+)''', 'g') as named (header)
  )
  select false,
    format('%s reads the header %s, which the functions do not hand on: a feed is made as if it was not sent', string_agg(headers.reader, ', ' order by headers.reader), headers.header),
    case when headers.header in ('cookie', 'authorization', 'apikey') then 'unless SQL is not to see that secret: ' else '' end
      || format('update recsys.settings set forwarded_headers = forwarded_headers || %s::text where %1$s <> all (forwarded_headers)', recsys_engine.literal_sql(headers.header))
  from headers
  where headers.header <> all (handed_on)
  group by headers.header
  union all
  select false,
    format('%s reads request.headers, and the functions hand on no header: recsys.settings.forwarded_headers is empty', string_agg(readers.reader, ', ' order by readers.reader)),
    'name the headers that it reads, in lower case: update recsys.settings set forwarded_headers = ''{…}'''
  from readers
  where handed_on = '{}' and readers.source ~ '''request\.headers''' and readers.reader not in (select headers.reader from headers)
  having count(*) > 0
  union all
  select false, format('%s reads request.cookies, which the functions do not set', string_agg(readers.reader, ', ' order by readers.reader)),
    'let it read a header of the app''s own, and name that in recsys.settings.forwarded_headers (docs/adopting.md)'
  from readers
  where readers.source ~ '''request\.cookies'''
  having count(*) > 0;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.candidates(p_role text, p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamp with time zone, p_filter jsonb DEFAULT NULL::jsonb, p_seed bigint DEFAULT NULL::bigint, p_served bigint[] DEFAULT NULL::bigint[], p_common uuid[] DEFAULT NULL::uuid[], p_common_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_is_few boolean DEFAULT NULL::boolean, p_given uuid[] DEFAULT NULL::uuid[])
 RETURNS json
 LANGUAGE sql
 STABLE
 SET search_path TO ''
BEGIN ATOMIC
 SELECT recsys_engine.feed_candidates(jsonb_build_object('role', p_role, 'user_id', p_user_id, 'model_id', p_model_id, 'embedding', (p_embedding)::text, 'at', ((1000)::double precision * date_part('epoch'::text, p_now)), 'filter', p_filter, 'seed', p_seed, 'served', p_served, 'global_ids', p_common, 'global_at', ((1000)::double precision * date_part('epoch'::text, p_common_at)), 'has_small_readable_set', p_is_few, 'requested', p_given)) AS feed_candidates;
END;

CREATE OR REPLACE FUNCTION recsys_engine.common_posts(p_now timestamp with time zone DEFAULT recsys.clock())
 RETURNS json
 LANGUAGE sql
 STABLE
 SET search_path TO ''
RETURN recsys_engine.global_candidates(p_now);

CREATE OR REPLACE FUNCTION recsys_engine.known_posts(p_model_id bigint, p_post_ids uuid[], p_now timestamp with time zone DEFAULT recsys.clock())
 RETURNS json
 LANGUAGE sql
 STABLE
 SET search_path TO ''
RETURN recsys_engine.post_snapshots(p_model_id, p_post_ids, p_now);

CREATE OR REPLACE FUNCTION recsys_engine.with_pool(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector, p_may_be_few boolean DEFAULT true, p_share double precision DEFAULT NULL::double precision)
 RETURNS recsys_engine.feed_request
 LANGUAGE sql
 STABLE
 SET search_path TO ''
RETURN recsys_engine.with_prefiltered_pool(p_request, p_model_id, p_embedding, p_may_be_few, p_share);

CREATE OR REPLACE FUNCTION recsys_engine.common_sources(p_request recsys_engine.feed_request, p_extent text)
 RETURNS TABLE(source text, size integer, kept integer, post_id uuid, author_id uuid, rank bigint, place bigint)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
BEGIN ATOMIC
 SELECT global_sources.source,
     global_sources.size,
     global_sources.fetch_limit,
     global_sources.post_id,
     global_sources.author_id,
     global_sources.rank,
     global_sources.place
    FROM recsys_engine.global_sources(common_sources.p_request, common_sources.p_extent) global_sources(source, size, fetch_limit, post_id, author_id, rank, place);
END;

CREATE OR REPLACE FUNCTION recsys_engine.given_posts(p_user_id uuid, p_given uuid[], p_filter jsonb DEFAULT NULL::jsonb, p_seed bigint DEFAULT NULL::bigint)
 RETURNS TABLE(now timestamp with time zone, post_id uuid, title text, served_key bigint)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
BEGIN ATOMIC
 SELECT requested_posts.now,
     requested_posts.post_id,
     requested_posts.title,
     requested_posts.served_key
    FROM recsys_engine.requested_posts(given_posts.p_user_id, given_posts.p_given, given_posts.p_filter, given_posts.p_seed) requested_posts(now, post_id, title, served_key);
END;

CREATE OR REPLACE FUNCTION recsys_engine.new_posts(p_user_id uuid, p_since timestamp with time zone, p_filter jsonb DEFAULT NULL::jsonb, p_most integer DEFAULT 100)
 RETURNS integer
 LANGUAGE sql
 STABLE
 SET search_path TO ''
RETURN recsys_engine.count_new_posts(p_user_id, p_since, p_filter, p_most);

CREATE OR REPLACE FUNCTION recsys_engine.posts_like(p_post_id uuid, p_limit integer)
 RETURNS TABLE(is_known boolean, model_id bigint, model_name text, items json)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
BEGIN ATOMIC
 SELECT similar_posts_for_caller.is_known,
     similar_posts_for_caller.model_id,
     similar_posts_for_caller.model_name,
     similar_posts_for_caller.items
    FROM recsys_engine.similar_posts_for_caller(posts_like.p_post_id, posts_like.p_limit) similar_posts_for_caller(is_known, model_id, model_name, items);
END;

CREATE OR REPLACE FUNCTION recsys_engine.people_near(p_claims jsonb, p_limit integer)
 RETURNS TABLE(is_known boolean, model_id bigint, model_name text, items json)
 LANGUAGE sql
 SET search_path TO ''
BEGIN ATOMIC
 SELECT similar_people_for_caller.is_known,
     similar_people_for_caller.model_id,
     similar_people_for_caller.model_name,
     similar_people_for_caller.items
    FROM recsys_engine.similar_people_for_caller(people_near.p_claims, people_near.p_limit) similar_people_for_caller(is_known, model_id, model_name, items);
END;

CREATE OR REPLACE FUNCTION recsys_engine.take_request(p_user_id uuid)
 RETURNS double precision
 LANGUAGE sql
 SET search_path TO ''
RETURN recsys_engine.consume_rate_limit(p_user_id);

CREATE OR REPLACE FUNCTION recsys_engine.trial_age()
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
RETURN recsys_engine.exploration_max_age();

create or replace view recsys_engine.impersonal_people with (security_invoker=true) as
 SELECT user_id
   FROM recsys_engine.personalization_opt_outs;

create or replace view recsys_engine.tried_models with (security_invoker=true) as
 SELECT model_id
   FROM recsys_engine.models_under_test;

create or replace view recsys_engine.trials with (security_invoker=true) as
 SELECT post_id,
    created_at,
    impressions,
    acted
   FROM recsys_engine.exploration_stats;

create or replace view recsys_engine.trial_impressions with (security_invoker=true) as
 SELECT post_id,
    user_id,
    shown_at,
    acted
   FROM recsys_engine.exploration_impressions;

create policy "people read their own components" on recsys_engine.reduced_user_vectors as permissive for select to authenticated using ((user_id = ( SELECT auth.uid() AS uid)));

create policy "they are listed for who may read them" on recsys_engine.listed_posts as permissive for select to anon, authenticated using ((EXISTS ( SELECT
   FROM recsys.source_posts
  WHERE (source_posts.post_id = listed_posts.post_id)
 OFFSET 0)));

CREATE TRIGGER queue_for_encoder AFTER UPDATE OF text_encoder ON recsys.settings FOR EACH ROW WHEN (((new.text_encoder IS NOT NULL) AND (new.text_encoder IS DISTINCT FROM old.text_encoder))) EXECUTE FUNCTION recsys_engine.queue_for_encoder();

CREATE TRIGGER recsys_vectors_post_id_vector_21fffa_texts_insert AFTER INSERT ON recsys_engine.raw_vectors REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION recsys_engine.queue_text_changes('post', 'post_id', 'encoder, post_id, vector', '{"kind": "vectors", "post": "post_id", "entity": "post", "others": ["encoder"], "columns": ["encoder", "post_id", "vector", "encoder"], "own_sql": "post_id", "entity_sql": "post_id", "vector_sql": "changed.vector::real[]", "encoder_sql": "changed.encoder::text"}');

CREATE TRIGGER recsys_vectors_post_id_vector_21fffa_texts_update AFTER UPDATE ON recsys_engine.raw_vectors REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION recsys_engine.queue_text_changes('post', 'post_id', 'encoder, post_id, vector', '{"kind": "vectors", "post": "post_id", "entity": "post", "others": ["encoder"], "columns": ["encoder", "post_id", "vector", "encoder"], "own_sql": "post_id", "entity_sql": "post_id", "vector_sql": "changed.vector::real[]", "encoder_sql": "changed.encoder::text"}');

CREATE TRIGGER recsys_vectors_post_id_vector_21fffa_texts_delete AFTER DELETE ON recsys_engine.raw_vectors REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION recsys_engine.queue_text_changes('post', 'post_id', 'encoder, post_id, vector', '{"kind": "vectors", "post": "post_id", "entity": "post", "others": ["encoder"], "columns": ["encoder", "post_id", "vector", "encoder"], "own_sql": "post_id", "entity_sql": "post_id", "vector_sql": "changed.vector::real[]", "encoder_sql": "changed.encoder::text"}');

CREATE TRIGGER recsys_vectors_post_id_vector_21fffa_texts_truncate AFTER TRUNCATE ON recsys_engine.raw_vectors FOR EACH STATEMENT EXECUTE FUNCTION recsys_engine.queue_text_changes('post', 'post_id', 'encoder, post_id, vector', '{"kind": "vectors", "post": "post_id", "entity": "post", "others": ["encoder"], "columns": ["encoder", "post_id", "vector", "encoder"], "own_sql": "post_id", "entity_sql": "post_id", "vector_sql": "changed.vector::real[]", "encoder_sql": "changed.encoder::text"}');

CREATE TRIGGER recsys_user_vectors_user_id_vector_09828f_texts_insert AFTER INSERT ON recsys_engine.raw_user_vectors REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION recsys_engine.queue_text_changes('user', 'changed.user_id', 'encoder, user_id, vector', '{"kind": "user_vectors", "user": "user_id", "entity": "user", "others": ["encoder"], "columns": ["encoder", "user_id", "vector", "encoder"], "own_sql": "changed.user_id", "entity_sql": "changed.user_id", "vector_sql": "changed.vector::real[]", "encoder_sql": "changed.encoder::text"}');

CREATE TRIGGER recsys_user_vectors_user_id_vector_09828f_texts_update AFTER UPDATE ON recsys_engine.raw_user_vectors REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION recsys_engine.queue_text_changes('user', 'changed.user_id', 'encoder, user_id, vector', '{"kind": "user_vectors", "user": "user_id", "entity": "user", "others": ["encoder"], "columns": ["encoder", "user_id", "vector", "encoder"], "own_sql": "changed.user_id", "entity_sql": "changed.user_id", "vector_sql": "changed.vector::real[]", "encoder_sql": "changed.encoder::text"}');

CREATE TRIGGER recsys_user_vectors_user_id_vector_09828f_texts_delete AFTER DELETE ON recsys_engine.raw_user_vectors REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION recsys_engine.queue_text_changes('user', 'changed.user_id', 'encoder, user_id, vector', '{"kind": "user_vectors", "user": "user_id", "entity": "user", "others": ["encoder"], "columns": ["encoder", "user_id", "vector", "encoder"], "own_sql": "changed.user_id", "entity_sql": "changed.user_id", "vector_sql": "changed.vector::real[]", "encoder_sql": "changed.encoder::text"}');

CREATE TRIGGER recsys_user_vectors_user_id_vector_09828f_texts_truncate AFTER TRUNCATE ON recsys_engine.raw_user_vectors FOR EACH STATEMENT EXECUTE FUNCTION recsys_engine.queue_text_changes('user', 'changed.user_id', 'encoder, user_id, vector', '{"kind": "user_vectors", "user": "user_id", "entity": "user", "others": ["encoder"], "columns": ["encoder", "user_id", "vector", "encoder"], "own_sql": "changed.user_id", "entity_sql": "changed.user_id", "vector_sql": "changed.vector::real[]", "encoder_sql": "changed.encoder::text"}');

comment on column recsys.settings.view_weight is 'A post''s score is view_weight * p(view) + vote_weight * p(vote) + comment_weight * p(comment), and where predicted long_view_weight * p(long view); dismiss_weight lowers it. A change counts in the next feed and in the listwise loss of the next training.';

comment on column recsys.settings.diversity is 'The loss of a post by similarity to one above it on the page: exp(-diversity * cosine of their vectors) of its score is left. For a user with n < 10 posts in their history n / 10 of it counts. 0: nothing.';

comment on column recsys.settings.trial_impressions is 'To how many people a post of the last 7 days (recsys_engine.exploration_max_age()) is shown before its trial is over. 0: no post is tried, and nothing is counted.';

comment on column recsys.settings.text_encoder is 'Which model makes a vector of each post, for an app that keeps none itself: gte-small (English, 384 numbers), which the platform has, or the name of a folder with a model of your own, which a worker is given (RECSYS_ENCODERS). Where neither has it they say so. Null: none is made.';

comment on column recsys.settings.index_window_days is 'Posts older than so many days, without interactions of others in that time, are not in the HNSW index: recsys_engine.advance_index_window() removes them at night, and the roll-up adds posts with new interactions. Feeds find them by other sources. Null: all posts are in it.';

comment on column recsys.settings.impression_partition_interval is 'What a partition of recsys.impressions holds: month, or day for a log so large that its days are archived (npx --no-install recsys archive). A change counts from the first month that has no row yet, and from recsys_engine.make_impression_partitions(), which runs each night.';

comment on column recsys.settings.forwarded_headers is 'Which headers of a request the functions hand on to policies, by their names in lower case: as current_setting(''request.headers'', true)::json, where PostgREST has all of them. A change holds within a minute. A cookie, a token or a key is handed on only where it is named.';

comment on column recsys.settings.impressions_kept is 'How long impressions are kept at least. They go by whole partitions, so up to a month longer, or a day.';

comment on function recsys.version() is 'The version of this schema: that of the command line and the functions that go with it (npx --no-install recsys doctor).';

comment on view recsys_engine.feed_settings is 'The settings that a feed reads, which an experiment may override for the people of a variant (recsys_engine.validate_experiment_settings).';

comment on column recsys_engine.feed_settings.view_weight is 'A post''s score is view_weight * p(view) + vote_weight * p(vote) + comment_weight * p(comment), and where predicted long_view_weight * p(long view); dismiss_weight lowers it. A change counts in the next feed and in the listwise loss of the next training.';

comment on column recsys_engine.feed_settings.diversity is 'The loss of a post by similarity to one above it on the page: exp(-diversity * cosine of their vectors) of its score is left. For a user with n < 10 posts in their history n / 10 of it counts. 0: nothing.';

comment on column recsys_engine.feed_settings.trial_impressions is 'To how many people a post of the last 7 days (recsys_engine.exploration_max_age()) is shown before its trial is over. 0: no post is tried, and nothing is counted.';

comment on column recsys_engine.imports.is_whole is 'False: feeds are served of it, and its import goes on or was cut off; another import of the same ends it.';

comment on table recsys_engine.planned_schedules is 'The schedules of the migrations, for another scheduler where pg_cron is missing; recsys.schedules shows them.';

comment on view recsys.schedules is 'The jobs of pg_cron for the engine, their times and last results; without pg_cron the same jobs for another scheduler, none of them active. To change one: recsys.pause(name), recsys.resume(name), recsys.reschedule(name, schedule).';

comment on table recsys_engine.roll_up_lock is 'Held by who changes states of the feature store, for a transaction. Empty.';

comment on table recsys_engine.models_lock is 'Held by who switches, tries or drops models, for a transaction. Empty.';

comment on table recsys_engine.publish_lock is 'Held by recsys publish, from its begin to its end. Empty.';

comment on table recsys_engine.topics_lock is 'Held by who replaces topics, for a transaction; and shared by those who have posts join them. Empty.';

comment on table recsys_engine.topics_made_lock is 'Held by recsys topics, from its begin to its end. Empty.';

comment on table recsys_engine.circles_lock is 'Held by who looks for closed circles, for a transaction. Empty.';

comment on table recsys_engine.impressions_lock is 'Held by who makes or drops partitions of the exposure log, for a transaction. Empty.';

comment on table recsys_engine.archive_lock is 'Held by recsys archive, from its begin to its end. Empty.';

comment on table recsys_engine.training_lock is 'Held by who claims a request for training, for a transaction. Empty.';

comment on table recsys_engine.batch_lock is 'Held by who begins or ends a run of recommendations made ahead, for a transaction. Empty.';

comment on table recsys_engine.erasure_lock is 'Held by who erases, for a transaction. Empty.';

comment on table recsys_engine.metrics_lock is 'Held by who measures a day, for a transaction. Empty.';

comment on function recsys_engine.take_lock(text) is 'Waits for one of the engine''s locks, recsys_engine.NAME_lock, and holds it to the end of the transaction.';

comment on function recsys_engine.try_lock(text,text) is 'Takes one of the engine''s locks as recsys_engine.take_lock() does, and says whether it was to be had at once. p_mode share: others may share it.';

comment on column recsys.source_posts.author_id is 'The author, to whom it is not recommended; null: unknown.';

comment on view recsys.source_mutes is 'Muted people, topics, words and texts of each user: (user_id, kind in person | topic | word | title_contains | contains, value, created_at). They hold in every answer to that person. Of each user 10,000 people and 100 of each other kind are read. Empty in an app without such a table.';

comment on column recsys.source_mutes.kind is 'person: an author. topic: a tag. word: a whole word or phrase in title or tags. title_contains: a text anywhere in the title, within words, too. contains: one anywhere in title or description.';

comment on column recsys.source_mutes.value is 'The author''s id as text; the tag, word, phrase or text. Its first 100 letters are read, without regard to case. No character is a wildcard.';

comment on view recsys.source_follows is 'The people, topics and groups that users follow: (user_id, kind in person | topic | group, target, created_at). Reads the latest 1,000 people of a user, and of the latest 100 topics and groups the 10 with the newest posts. Empty in an app without such a table.';

comment on column recsys.source_follows.target is 'The person''s id as text; the tag, or the group as tags name it: the first 100 letters, without regard to case.';

comment on column recsys.source_follows.created_at is 'Since when; null: unknown, and it counts from the beginning. Training takes it that no follow existed before.';

comment on column recsys.source_preferences.value is 'kind feed: following (newest posts of follows, by time) or impersonal (reads only mutes, learns nothing), else personal. more and less: the tag, its first 100 letters, without regard to case. hide: reposts, posts of one conversation with one that they interacted with, dismissed or saw.';

comment on view recsys.source_withheld is 'Posts that only followers of their author get recommended: (post_id, author_id), a row for a post or for all posts of an author, the other null. Set by authors or moderators. Every role has to be able to read it. Empty in an app without such a table.';

comment on view recsys.source_memberships is 'Scopes of users: (user_id, scope), a row for each organisation or closed group with posts of its own. A worker keeps common posts by scope (recsys.source_post_scopes); row level security still decides. Only the app may write it. Reads 100 scopes a user. Empty in an app without scopes.';

comment on column recsys.source_memberships.user_id is 'Who belongs there.';

comment on column recsys.source_memberships.scope is 'The scope: any distinct name; its first 100 letters are read.';

comment on view recsys.source_post_scopes is 'Where posts belong: (post_id, scope), a row for each post, and more for one that belongs to several scopes of recsys.source_memberships. It decides about nothing, as that one. Read by the service role alone. Empty in an app that does not say.';

comment on column recsys.source_post_scopes.post_id is 'The post.';

comment on column recsys.source_post_scopes.scope is 'To which organisation, tenant or group, by the name that it has in recsys.source_memberships, of 100 letters at most; null: to none, so that everybody may read it.';

comment on function recsys.event_id_of(integer,text) is 'An interaction_id for a row whose key is a text, a uuid (id::text) or several columns (concat_ws('' '', user_id, post_id, emoji)): 64 bits of a hash. Two of 10 million collide with a chance of 1 to 370,000.';

comment on function recsys.time_of_id(text,text) is 'When a row was created whose id says so. p_form: aid (and aidx), meid, objectid, ulid, uuid v7, or the snowflakes of mastodon, twitter and discord. For a generated column: recsys.time_of_id(id::text, ''aid''). Null: no such form, or an id that is not of it.';

comment on function recsys_engine.topic_preferences(uuid,text) is 'A user''s topics of one kind of preference (p_kind: more or less) that are not of the other kind too, in small letters, 100 at most.';

comment on view recsys_engine.personalization_opt_outs is 'Users without personalisation: the engine learns nothing from them, keeps no vector of theirs and logs no impression of theirs.';

comment on table recsys.kinds is 'Maps the app''s kinds of interaction to view, vote and comment. recsys.source_interactions joins it, so a kind without a row or head is left out. After a change of heads the next roll-up recounts everything and the next training uses it; a change of weights affects training alone.';

comment on column recsys.kinds.weight is 'The weight of one interaction compared with other kinds, such as a purchase 5 and a like 1: the next training learns to rank by it. It affects neither counts, probabilities, reports and daily metrics nor retrieval. The weight of votes against views is recsys.settings.vote_weight.';

comment on table recsys.models is 'One row per published model. candidate: being published or judged, or its publish was killed; ready: passed, never served; rejected: refused by the gate, without vectors; active: serves; retired: served before; rolled_back: taken out of service for a fault.';

comment on column recsys.models.gate is 'The gate''s result: {passed, reasons, contract: kept or the breach, parity: {rows, largest_difference, tolerance}, comparison: {with, requests, from, margin, metrics: {name: {candidate, published, other, worse, standard_error}}, earlier} or {skipped}}. Each person counts once. null: not judged.';

comment on function recsys.rollback_model(bigint) is 'Takes the active model out of service and activates the one that served before it; returns its model_id. p_model_id: the model to remove (default: the active one); raises, and changes nothing, where it does not serve. A rolled-back model is skipped later, so a second call goes further back.';

comment on column recsys.shadows.share is 'The share of the requests that it scores, as far as workers have time, chosen by the first 32 bits of the random request_id.';

comment on function recsys.start_shadow(text,real) is 'Makes a published model a shadow that scores p_share of the feeds (0.0001 to 1) without being shown; returns the shadow_id. Workers start within ten seconds. A request has one shadow, so all shares are 1 together at most. Raises 22023 for a wrong share or model, 23505 where it runs.';

comment on column recsys.experiment_variants.settings is 'What it is served with in place of recsys.settings, by name; checked when the experiment starts, by recsys_engine.validate_experiment_settings. {}: nothing.';

comment on function recsys.start_experiment(text,jsonb,text,interval,real) is 'Starts an experiment and returns its id. p_variants: [{name, share, model, settings}], the first is the control; or one {name, share, interleave_with, model}. Shares may leave people out. p_outcome_window: time for an action after an impression. p_max_loss: the loss that ends it.';

comment on column recsys.post_embeddings.is_unindexed is 'True: nothing happened to the post for settings.index_window_days, so searches go without it. Null: it is found. Written by recsys_engine.mark_idle alone.';

comment on table recsys_engine.post_neighbours is 'Neighbours of a post, 50 at most: posts that the same users interacted with. recsys_engine.with_covisited sums their weights. Only a model that finds more by them has a partition.';

comment on column recsys_engine.post_neighbours.post_id is 'Of recsys.source_posts: the post of an interaction.';

comment on column recsys_engine.post_neighbours.neighbour_id is 'The neighbour, of recsys.source_posts.';

comment on function recsys_engine.complete_model(bigint,jsonb) is 'Ends the building of a candidate that the gate let pass (p_gate: what it said): builds its HNSW index of the posts that are not idle, attaches its partitions, without that of neighbours where there are none, marks it ready. Raises when an artifact is missing. Call it with statement_timeout 0.';

comment on function recsys_engine.reject_model(bigint,jsonb) is 'Marks a candidate as refused by the gate (p_gate: the reason) and removes its vectors and neighbours, which no reader has seen; keeps the row and the graphs for a while, for an engineer who asks why.';

comment on function recsys_engine.drop_model(bigint) is 'Removes a model, its vectors and artifacts, or the remains of an interrupted publish; not an active model or one of a running experiment or shadow. Raises no_data_found for an unknown model, and lock_not_available where readers hold it for 25 ms: try again.';

comment on function recsys_engine.drop_old_model() is 'Drops one of recsys_engine.droppable_models, the first published, and returns its model_id; null: there is none. Bases of vectors that no model reads any more go, too (recsys_engine.drop_unread_bases). Raises lock_not_available where the vectors are being read: try again.';

comment on view recsys.model_status is 'One row per model, newest first: status and since when; posts and users with vectors; size on disk with index and graphs; the gate''s result (passed, or why not), its comparison (a model, or the recency baseline), number of requests and both MRRs; the time up to which it learned.';

comment on table recsys_engine.raw_vectors is 'Vectors of posts in an app that keeps none itself: those of an imported bundle, or what the function embed made.';

comment on column recsys_engine.raw_vectors.post_id is 'The post.';

comment on column recsys_engine.raw_vectors.encoder is 'The model that made it.';

comment on column recsys_engine.raw_vectors.vector is 'What it made, of whatever length.';

comment on column recsys_engine.raw_vectors.made_of is 'The sha256 of the text that it was made of; null: not known. Of another text another is made.';

comment on table recsys_engine.vector_bases is 'How the vectors of an encoder are reduced to 64 numbers: the principal components of the community''s posts when the basis was made. A model names its own in recsys.models.feature_spec; the first training that finds vectors of another encoder or length makes another.';

comment on column recsys_engine.vector_bases.basis_id is 'The beginning of the sha256 of encoder and weights.';

comment on column recsys_engine.vector_bases.encoder is 'Whose vectors it reduces.';

comment on column recsys_engine.vector_bases.dimension is 'How many numbers these have.';

comment on column recsys_engine.vector_bases.weights is '[dimension, 65] 4-byte floats, little-endian: of each number its mean among vectors of length 1, and its part in each of the 64 components.';

comment on column recsys_engine.vector_bases.made_at is 'When.';

comment on column recsys_engine.vector_bases.used_at is 'When a training or an export last read vectors by it: its model may still be published.';

comment on table recsys_engine.reduced_vectors is 'What is kept of each post''s own vector: 64 numbers, by which kNN finds nearly what it finds by the whole vector. The post tower reads them.';

comment on column recsys_engine.reduced_vectors.post_id is 'The post.';

comment on column recsys_engine.reduced_vectors.basis_id is 'By which they were made.';

comment on column recsys_engine.reduced_vectors.components is 'Its components, the widest first.';

comment on table recsys_engine.raw_user_vectors is 'Vectors of users of an imported bundle.';

comment on column recsys_engine.raw_user_vectors.user_id is 'The user.';

comment on column recsys_engine.raw_user_vectors.encoder is 'The model that made it.';

comment on column recsys_engine.raw_user_vectors.vector is 'What it made, of whatever length.';

comment on table recsys_engine.reduced_user_vectors is 'What is kept of each user''s own vector: its components by the basis of the posts, so that users and posts lie in one space. The user tower reads them.';

comment on column recsys_engine.reduced_user_vectors.user_id is 'The user.';

comment on column recsys_engine.reduced_user_vectors.basis_id is 'By which they were made.';

comment on column recsys_engine.reduced_user_vectors.components is 'Its components, the widest first.';

comment on table recsys_engine.encoding_jobs is 'Posts whose text waits for recsys.settings.text_encoder, which makes a few vectors a call. Left alone after five failures, until the text changes.';

comment on column recsys_engine.encoding_jobs.post_id is 'The post.';

comment on column recsys_engine.encoding_jobs.failures is 'How often the encoder failed at it.';

comment on column recsys_engine.encoding_jobs.last_error is 'At what it failed last.';

comment on column recsys_engine.encoding_jobs.due_at is 'Since when it waits, so that frequent edits are served no sooner; in the future: a worker has claimed it until then.';

comment on view recsys_engine.models_without_basis is 'Models that serve or are tried, and read vectors of posts by a basis that is missing, as in a dump without it: their posts are embedded by words alone.';

comment on column recsys_engine.models_without_basis.model_id is 'The model.';

comment on column recsys_engine.models_without_basis.name is 'Its name.';

comment on column recsys_engine.models_without_basis.encoder is 'Whose vectors it reads.';

comment on function recsys_engine.drop_unread_bases() is 'Removes bases, with what was reduced by them, that no model reads and no training used for settings.unserved_models_kept, and returns how many.';

comment on function recsys_engine.user_components(uuid,bigint) is 'The components of a user''s own vector by the basis of a model. Null: the user has none, or the model reads none of users.';

comment on column recsys_engine.topics.model_id is 'The model of the centroid''s vector. No foreign key: a topic outlives models.';

comment on column recsys_engine.topics.demand is 'How many people a day interacted with its posts that any signed-in member may read in the last 28 days (as far back as the feature store has every state, where that is less), each once a day, authors with their own not counted.';

comment on column recsys_engine.topics.people is 'How many people interacted with these posts in that time, each once; users see recsys_engine.rounded_people_count() of it.';

comment on function recsys_engine.anonymity_threshold() is 'The smallest number of people that answers tell users (k-anonymity).';

comment on function recsys_engine.rounded_people_count(integer) is 'Rounds a number of people down to tens for users, so that one person more or less does not show. Null: fewer than recsys_engine.anonymity_threshold().';

comment on function recsys_engine.assign_topics(bigint,uuid[],text[]) is 'Joins posts to the topic with the nearest centroid, by the vectors that a model''s post tower gives for their text alone (p_vectors; null: by the served ones, which reflect readers as well), and returns how many. None where topics are of another model or are being replaced: they join afterwards.';

comment on function recsys_engine.decayed_counts(timestamp with time zone[],boolean[],timestamp with time zone,double precision[]) is 'For a series of events in ascending order: number from 1, and five exponentially decayed counts of those that count; p_before and p_counts continue a series. Decayed counts can be aged without the events. Not an aggregate, since an aggregate cannot set its search_path.';

comment on function recsys_engine.popularity(double precision[],timestamp with time zone) is 'When a count with the half-life of 30 days, the last of recsys_engine.half_lives(), as of an instant will have fallen to 1, in such months since 1970: orders posts as that count does at any later instant.';

comment on table recsys_engine.post_stats is 'The state of a post right after each counted interaction (last_active_at): the first of each kind by each other person. A post without a row has had none: its last activity is its creation.';

comment on column recsys_engine.post_stats.last_comment_at is 'The time of the last comment; null: none.';

comment on table recsys_engine.latest_post_stats is 'The last state of each post that recsys_engine.post_stats has, one row a post: feeds read active and trending posts from it, and the roll-up continues from it. Only recsys.roll_up() writes it, so users of a viral post never wait for its row.';

comment on column recsys_engine.latest_post_stats.last_comment_at is 'The time of the last comment; null: none.';

comment on table recsys_engine.author_readers is 'The first three known people who interacted with posts of an author. An author with three is proven. Only recsys_engine.keep_author_readers writes it.';

comment on column recsys_engine.author_readers.user_id is 'The author.';

comment on column recsys_engine.author_readers.user_ids is 'The readers. Each had interacted with some post at least a day earlier.';

comment on table recsys_engine.usual_newcomers is 'The share of a page that posts of newcomers may take. Only recsys_engine.count_usual_newcomers writes it.';

comment on column recsys_engine.usual_newcomers.only_row is 'Always true, so that there is one row.';

comment on column recsys_engine.usual_newcomers.share is 'The share, from 0 to 1. It is twice the share of newcomers among the authors of posts from 7 to 35 days ago.';

comment on column recsys_engine.usual_newcomers.counted_at is 'When the share was counted, by recsys.clock().';

comment on function recsys_engine.is_newcomer(timestamp with time zone,timestamp with time zone) is 'Whether a user is a newcomer at p_at: they signed up (p_signed_up) less than a day earlier. False where p_signed_up is null.';

comment on function recsys_engine.is_newcomers_post(timestamp with time zone,timestamp with time zone,timestamp with time zone) is 'Whether a post counts as a newcomer''s at p_at: its author wrote it within a day of signing up, and it is less than seven days old.';

comment on function recsys_engine.standing(integer,boolean) is 'How a page limits a post. newcomer: its author has no known reader (p_readers null) and recsys_engine.is_newcomers_post holds. unproven: its author has fewer than three known readers. Null: no limit.';

comment on function recsys_engine.keep_author_readers(uuid[]) is 'Adds known readers of some posts to recsys_engine.author_readers. It reads the latest 50 interactions of each post. The waiting posts of an author with a first known reader are listed (recsys_engine.list_posts_of). Returns the number of changed authors. Called by each roll-up.';

comment on function recsys_engine.count_usual_newcomers() is 'Updates recsys_engine.usual_newcomers from the 10,000 newest posts of 7 to 35 days ago. If none of n authors was a newcomer, the share is 1 / (2n + 2), Jeffreys'' estimate. Called by each roll-up; it counts once an hour.';

comment on function recsys_engine.newcomer_share() is 'The share of a page that posts of newcomers may take, from 0 to 1 (recsys_engine.usual_newcomers). It is 1 until a roll-up has counted it.';

comment on function recsys_engine.posts_of_newcomers(uuid[]) is 'Filters some posts to those of newcomers (recsys_engine.is_newcomers_post) without a known reader (recsys_engine.author_readers). Returns none if recsys_engine.newcomer_share() is 1, since newcomers are usual then.';

comment on table recsys_engine.first_day_interactions is 'Interactions of users with posts of others older than a day, within 24 hours of the user''s first interaction. Only recsys_engine.refresh_bursts writes it.';

comment on column recsys_engine.first_day_interactions.number is 'Rank of the interaction among these, in order of time, from 1 to 12; later ones are not kept.';

comment on column recsys_engine.first_day_interactions.at is 'First interaction of the user with the post.';

comment on table recsys_engine.bursts is 'Days on which a user''s interactions exceed what counts, with the instant of each. Only recsys_engine.refresh_bursts writes it.';

comment on table recsys_engine.backdated_days is 'Days of a user that the engine learned of more than six hours late. Interactions of such a day count for no post and make no user known. Only recsys_engine.queue_feature_changes writes it.';

comment on function recsys_engine.first_interaction_at(uuid) is 'A user''s first interaction with any post, without backdated days. Null: none.';

comment on function recsys_engine.prior_active_days(uuid,timestamp with time zone,integer) is 'Counts the days (UTC) before an instant on which a user interacted with posts, up to p_limit, without backdated days.';

comment on function recsys_engine.burst_started_at(uuid,date) is 'When a person exceeded the quota of a day (UTC): six posts of others, and five for each earlier active day but the first, up to six hours before; or 2,000 actions. Null: never.';

comment on function recsys_engine.refresh_first_day_interactions(uuid[],timestamp with time zone[]) is 'Brings recsys_engine.first_day_interactions up to date for people who did something at some instants. Returns the instants at which one came or went.';

comment on function recsys_engine.refresh_bursts(uuid[],uuid[],timestamp with time zone[]) is 'Decides from when on actions of people (p_users) count for no post, on the days of their changes (p_at) with posts (p_posts; null: a login) and later. Returns the interactions that stop or start counting: their states have to be recomputed. Called by each roll-up; skips imports.';

comment on function recsys_engine.find_circles() is 'Finds the members of closed circles (recsys_engine.circle_members): users who only interacted with posts of other members. Users with five authors or more may have one outside. Readers of the ten authors with most readers are no members. Returns the number of members.';

comment on function recsys_engine.queue_feature_changes() is 'Trigger of watched tables: queues the rows that a statement inserted, deleted or changed; a truncation queues every post and user with states. Notes late writes in recsys_engine.backdated_days. recsys.watch sets its arguments: user, post and time, required columns, and columns whose change counts.';

comment on table recsys_engine.failed_feature_changes is 'Posts and users whose states failed to compute; they keep their last states. Each is tried again, alone, after its next change. To retry all: insert into recsys_engine.feature_changes (user_id, post_id, at) select user_id, post_id, at from recsys_engine.failed_feature_changes.';

comment on view recsys.feature_store_failures is 'Which posts and users the feature store is behind with, why, and since when; none should be. How to try again: see the table recsys_engine.failed_feature_changes.';

comment on table recsys_engine.pruning_progress is 'How far recsys_engine.prune_feature_store() has come, in one row.';

comment on function recsys_engine.reconstruct_state(uuid,timestamp with time zone,bigint) is 'last_active_at and comments of a post just before an interaction, computed from interactions older than pruning_progress.thinned_before, where recsys_engine.post_stats has no state. No row: no earlier event, or an interaction of another user than the claims name.';

comment on function recsys_engine.prune_feature_store(bigint,integer,bigint) is 'Thins the states of the next p_limit posts and users, in order of ids, around and around: before the latest p_keep events (p_of_a_person each) only the last stays. Returns deleted rows. Recomputes all where a tenth of the events is gone. The limits must not be below those of training.';

comment on function recsys_engine.author_engagements(uuid) is 'Interactions of others with posts of an author: of the first fifty with each of their first twenty posts, without backdated days.';

comment on function recsys_engine.author_known_since(uuid) is 'The first interaction of a known user with a post of an author (recsys_engine.author_engagements); a user is known a day after their first interaction with any post. Infinity: none.';

comment on function recsys_engine.engaged_new_authors(uuid,timestamp with time zone,timestamp with time zone) is 'The first six new authors (accounts younger than 28 days) whose posts a person interacted with between two instants of a day, and when first.';

comment on table recsys_engine.listed_posts is 'Every post with its time, and whether it waits: its author wrote recsys_engine.posts_a_day() before it that day, or is a newcomer with an earlier post and no known reader, where newcomers are few. Kept by triggers of recsys.watch. recsys_engine.eligible_posts decides on visibility.';

comment on column recsys_engine.listed_posts.post_id is 'The post.';

comment on column recsys_engine.listed_posts.author_id is 'Its author; null: unknown.';

comment on column recsys_engine.listed_posts.created_at is 'When it was written.';

comment on column recsys_engine.listed_posts.counted_on is 'On which day (UTC) it counts as one of its author''s: when it came, whatever it says. Null: it is history, or its author is unknown.';

comment on column recsys_engine.listed_posts.waits is 'Whether the post waits: it is not in sources of new posts.';

comment on function recsys_engine.posts_a_day() is 'How many posts of an author are listed per day. Later ones wait.';

comment on function recsys_engine.some_wait() is 'Whether any post waits. Nearly everywhere none does, and walks go down the app''s own index.';

comment on function recsys_engine.list_posts(uuid[],boolean) is 'Lists some posts (null: all) in recsys_engine.listed_posts, and removes deleted ones. p_is_new: they count among their authors'' posts of today, unless a role that writes for others dates them more than ten minutes back.';

comment on function recsys_engine.list_posts_of(uuid[]) is 'Lists the waiting posts of some authors who now have a known reader, up to recsys_engine.posts_a_day() per day.';

comment on function recsys_engine.roll_up_posts(uuid[],timestamp with time zone[],uuid[],uuid[],timestamp with time zone[]) is 'Recomputes recsys_engine.post_stats and latest_post_stats of distinct posts from an instant on; returns rows written, and posts that only gained interactions of known users. p_changed_*: users, posts and times of changed interactions: for these posts only new interactions are read; for others, all.';

comment on function recsys_engine.roll_up_users(uuid[],timestamp with time zone[],uuid[],uuid[],timestamp with time zone[]) is 'Works out recsys_engine.user_stats and recsys_engine.latest_user_stats of some users, each named once, again from an instant on, after the posts; returns the number of rows written. p_changed_users, p_changed_posts, p_changed_at: as for posts; a post of null stands for anything the user did.';

comment on table recsys_engine.user_affinities is 'Authors whose posts a user interacted with, and how often, one row per user; users with few interactions have none. A feed adds later interactions (recsys_engine.with_affinities). Only recsys_engine.refresh_user_affinities writes it.';

comment on function recsys_engine.refresh_user_affinities(uuid[],timestamp with time zone[]) is 'Recounts recsys_engine.user_affinities of distinct users whose counted actions changed (p_since: from when on), or who did much since; returns how many rows were written.';

comment on table recsys_engine.exploration_stats is 'Impressions and interactions of each young post, from which the next explored post is drawn. No row: the post has no impression yet. Only recsys_engine.update_exploration_stats writes it.';

comment on table recsys_engine.exploration_impressions is 'To whom a young post was shown while it was under trial: what recsys_engine.exploration_stats counts. About settings.trial_impressions rows a post at most.';

comment on function recsys_engine.update_exploration_stats(uuid[],uuid[]) is 'Adds to recsys_engine.exploration_stats whom posts were shown to since the last count, and who of them acted within an hour; p_users and p_posts, by pairs, are those that did something since then. Returns how many posts have another count. Called by each roll-up; it costs what is new.';

comment on function recsys_engine.purge_exploration_stats() is 'Removes trials of posts older than recsys_engine.exploration_max_age(), their viewers, and erased users from other counts, and returns how many trials. Called every night by pg_cron.';

comment on table recsys_engine.deferred_changes is 'Changes of recsys_engine.feature_changes that recompute history. recsys.roll_up() takes those of fewest states first; until then states lack them. To take all at once: select recsys.roll_up(null).';

comment on table recsys_engine.roll_up_budget is 'The share of its limits that a roll-up takes, in one row: halved after a run that reached the statement limit, doubled after any other, up to 1.';

comment on function recsys_engine.count_states_since(text,uuid,timestamp with time zone,integer) is 'How many states of a post or user (p_kind) a change of that instant has recomputed, p_limit at most.';

comment on function recsys_engine.dequeue_changes(bigint,integer,integer) is 'Takes the oldest p_limit of recsys_engine.feature_changes. Recomputations go to recsys_engine.deferred_changes, and of these it takes the smallest first, p_rewrites states together (0: none) and p_horizon each (null: any). p_rewrites null: everything. Returns the work.';

comment on function recsys_engine.recompute_states(text,uuid[],timestamp with time zone[],uuid[],uuid[],timestamp with time zone[],boolean,timestamp with time zone) is 'Computes the states of posts or users (p_kind), each from its instant on; on failure in twentieths, until the failing ones are in recsys_engine.failed_feature_changes. p_changed_*: changed interactions and logins; p_until: queues the rest. Returns rows, dependent users, revisited.';

comment on function recsys_engine.roll_up_batch(bigint,integer,integer,integer) is 'A portion of recsys.roll_up(), which has its lock: the arguments of recsys_engine.dequeue_changes, and in p_rewrites how many states of people who owe one to a changed post are worked out as well (null: all). Returns how many changes were taken and how many rows written.';

comment on function recsys.roll_up(bigint,integer,integer) is 'Updates the feature store from queued changes (at most p_most, for two seconds) and returns the number of rows written. Arguments and failures: docs/design/feature-store.md.';

comment on view recsys_engine.timeline is 'Every event with its user''s state right after it; in the order of (at, sort_id), with rows of recsys_engine.post_stats by interaction_id, it replays the community for training. Without such a row it changed no post: a repeat, an own post, a burst.';

comment on column recsys_engine.timeline.is_first is 'Whether the user had not interacted with the post before; null: recsys_engine.post_stats.first_interaction says it, since all they did counts.';

comment on function recsys_engine.counted_interactions() is 'The interactions that count: the first of each kind per user and post of another author, without bursts. Checks of the feature store use this definition.';

comment on function recsys_engine.feature_store_differences() is 'The rows of recsys_engine.post_stats, latest_post_stats, user_stats and latest_user_stats that differ from the expected ones (null: no row). Empty after recsys.roll_up() without writers, but for recsys.feature_store_failures and thinned states. To mend: queue them with at -infinity.';

comment on table recsys_engine.index_window is 'Up to where idle posts have been marked, in one row.';

comment on column recsys_engine.index_window.only_row is 'Always true: there is one row.';

comment on column recsys_engine.index_window.since is 'Posts written before it, without later interactions, are marked as idle. -infinity: none are; 1900: those that a roll-up or a publish looked at.';

comment on function recsys_engine.indexed_since() is 'The beginning of the index window: older posts without later interactions of others are idle. -infinity: none is.';

comment on function recsys_engine.idle_posts(uuid[]) is 'The idle posts among some: written before recsys_engine.indexed_since(), without later interactions of others.';

comment on function recsys_engine.mark_idle(uuid[]) is 'Has the vectors of some posts, those of all models, say whether these are idle. Returns how many changed.';

comment on function recsys_engine.mark_model_idle(bigint) is 'Has the vectors of a model whose partition is not attached yet say which posts are idle, and holds roll-ups until the transaction ends. Returns how many changed.';

comment on function recsys_engine.advance_index_window(integer) is 'Moves the index window along with settings.index_window_days, by about p_limit posts: idle posts leave the HNSW index, and others come back where the setting was raised or removed. Returns how many posts it looked at; 0: done. Called every minute of an hour of the night by pg_cron.';

comment on function recsys_engine.gather_changes() is 'Leaves one row of recsys_engine.feature_changes per post, and one per person, to compute from the beginning (at is -infinity), for recsys_engine.roll_up_anew(), and returns their number. Without states of people these are all changed posts and all people; else other rows stay.';

comment on function recsys_engine.begins_anew() is 'Whether a first roll-up of more than 1,000 posts and people is due or half done: recsys.roll_up() then takes its portions from recsys_engine.roll_up_anew(). Gathers the changes (recsys_engine.gather_changes) before the first portion.';

comment on function recsys_engine.roll_up_anew(integer,integer) is 'Recomputes up to p_posts posts queued whole in recsys_engine.feature_changes, then up to p_people people, and queues people who interacted with these posts. Returns how many it took (0: none is left) and rows written. If it is stopped, the rest stays queued, also for recsys.roll_up().';

comment on column recsys.impressions.source is 'The source that ranked it best: similar, active, fresh, trending, popular, followed, touched or covisited.';

comment on column recsys.impressions.features is 'The ranker inputs, in the order of the model''s feature_spec; recsys_engine.impression_features gives each its name. Null: no model ranked.';

comment on column recsys.impressions.explored is 'It was there because it is under trial (recsys_engine.exploration_stats), and not by its score. In a list made ahead none is.';

comment on column recsys.impressions.seen_at is 'When the post was visible on the reader''s screen, as the app reported to the function `events`; null: unknown. A seen post leaves the feed of that person for 30 days.';

comment on column recsys.impressions.team is 'Of a feed that two models drafted (an experiment of kind interleaving): the team of the pick, 1 the first model''s and 2 the second''s; model_id is that model. Null: neither, or any other feed.';

comment on column recsys_engine.post_tags.tag is 'One of its tags, in small letters; the first 100 count.';

comment on function recsys_engine.index_tags(uuid[],boolean) is 'Lists some posts (null: all; recsys_engine.list_posts), rewrites their recsys_engine.post_tags, which those that wait have none of, and removes those of posts that are gone.';

comment on function recsys_engine.index_sound_tags(uuid[]) is 'Indexes some posts that came or changed (null: all) as recsys_engine.index_tags does, without those of posts on which the app''s view fails.';

comment on function recsys_engine.recent_interactions(uuid,timestamp with time zone,recsys_engine.post_interaction[]) is 'The last 50 posts of others in a user''s last 200 interactions up to an instant, each at its earliest, latest first, with the post''s state before: {post_id, title, tags, at, created_at, last_active_at, comments}, in ms. For the ranker. p_latest: see recsys_engine.user_history.';

comment on function recsys_engine.latest_follows(uuid,text[],timestamp with time zone,integer) is 'Of each kind the latest p_limit follows of a user as of an instant and, in no order, p_limit of unknown time, as far as the caller may read them.';

comment on function recsys_engine.followed_topics(uuid,timestamp with time zone) is 'Of the 100 topics and groups that a user followed last, as of an instant, or wants more of, the 10 with the newest readable posts, that one first: as in recsys_engine.post_tags.';

comment on function recsys_engine.followed_vector(uuid[],bigint,timestamp with time zone) is 'The mean vector of recent actions of people, as far as the caller may read these: of the first 50 people the last 5 interactions and 5 own posts each. Null: no people, or no vectors.';

comment on function recsys_engine.load_reader_profile(uuid,timestamp with time zone) is 'What is a user''s own as of an instant. p_user_id null: a visitor.';

comment on function recsys_engine.keep_readable_interactions(recsys_engine.reader_profile) is 'A reader with those of their interactions alone whose posts the caller may read now: a replica may not know yet that one was taken from them.';

comment on function recsys_engine.reader_context(recsys_engine.reader_profile,bigint) is 'What recsys_engine.user_context says, of a reader of whom their own is known: where that came from the primary, a replica says the rest.';

comment on function recsys_engine.user_context(uuid,bigint,timestamp with time zone) is 'The user tower''s inputs for a user at an instant: profile, ID embedding, vectors of the last 50 posts (history_posts), stats, number of follows and recsys_engine.followed_vector, recsys_engine.user_components, recent interactions, feed_preference. A visitor is a new user. No row: unknown user.';

comment on function recsys_engine.feed_context(jsonb) is 'The instant, the model and the settings for a feed, in one row: the active model and recsys_engine.feed_settings, overridden by p_assigned (null for most users): settings without recsys_engine.newcomer_share, and model_id, if it can serve. assigned: other keys. No row: recsys.settings is empty.';

comment on function recsys_engine.fold_text(text) is 'Folds a text for the search of muted words: small letters, compatible forms as one (NFKD), no accents, soft hyphens or other letters without width. Letters of scripts without spaces stand apart, so that words are found in a sentence. Same as folded() in _shared/features/words.ts.';

comment on function recsys_engine.word_separator_class() is 'A regular expression class of the characters that separate words in folded text: blanks, signs, line ends.';

comment on function recsys_engine.without_controls(text) is 'A text without invisible control characters; U+0085, an end of a line, becomes a blank.';

comment on function recsys_engine.contains_any(text,text[]) is 'Whether one of some texts stands anywhere in a text, letter by letter.';

comment on function recsys_engine.muted_part(text) is 'A text of a mute of the kind contains or title_contains as it is looked for in small letters: its first 100 characters; null: nothing.';

comment on function recsys_engine.matches_mute(text,text,uuid,text,text[],text) is 'Whether a mute (kind and value of a row of recsys.source_mutes) hides a post with this author, title, tags and description.';

comment on view recsys_engine.optional_head_events is 'What people did with a post that an optional head predicts (recsys_engine.heads). That they muted what a post is of is not here but in recsys_engine.optional_head_labels.';

comment on function recsys_engine.optional_head_labels(timestamp with time zone,timestamp with time zone) is 'Actions that an optional head predicts (recsys_engine.optional_head_events) on posts shown in an interval, within a day, or, for dismiss, mutes within an hour (author, topic or text). The latest 20 mutes of a person count, each for 1,000 posts shown before. Without withdrawn and undated ones.';

comment on function recsys_engine.seen_posts(uuid,timestamp with time zone) is 'The posts that a user saw (recsys.impressions.seen_at) within the 30 days up to an instant, the latest 5,000. None while the log is locked.';

comment on function recsys_engine.mutes_only_request(uuid,timestamp with time zone) is 'A request with a user''s mutes alone, as of an instant: for answers other than their feed. user_id null: no mutes.';

comment on function recsys_engine.feed_request(uuid,timestamp with time zone,jsonb,bigint,bigint[]) is 'The request for a user''s feed as of an instant, with the interactions (10,000), dismissals (5,000), seen posts (5,000), follows (1,000) and topics. Empty for a visitor (p_user_id null) and without personalisation. p_filter: see recsys_engine.with_filter. p_seed, p_served: earlier pages.';

comment on function recsys_engine.eligible_posts(recsys_engine.feed_request) is 'The posts that may be in a feed: those the caller may read, without the user''s own, what the request leaves out, what the user muted, what its filter does not let in, and what is withheld from those who do not follow its author (recsys.source_withheld).';

comment on function recsys_engine.has_enough_after_cap(recsys_engine.feed_request,recsys_engine.source_hit[],integer,integer,integer) is 'Whether the first p_looked posts of a source hold p_limit within the cap per author, or the source has no more.';

comment on function recsys_engine.cap_per_author(recsys_engine.feed_request,recsys_engine.source_hit[],integer,integer) is 'The first p_limit of some posts, with at most p_share per author before all others''; posts beyond that cap fill the rest. place: position among all of them.';

comment on function recsys_engine.with_followee_engagements(recsys_engine.feed_request) is 'A request with the posts that followed people interacted with, as far as the caller may read that: the last 50 interactions of each of the 100 followed last. Posts of most people come first, then the latest. Names the two latest people of a post whose profile is readable and not muted.';

comment on function recsys_engine.retrieve_followed(recsys_engine.feed_request,integer,integer) is 'The p_limit newest posts of those whom the user follows and, after these, of the 50 authors with whose posts they interacted most; p_share of an author before all others''.';

comment on function recsys_engine.topic_posts(recsys_engine.feed_request,text,integer) is 'The p_limit newest posts of a topic; with a pool all of it.';

comment on function recsys_engine.listed_hits(recsys_engine.feed_request,uuid[],integer) is 'The first p_limit posts of a list that may be in the feed, in its order: of recsys_engine.with_followee_engagements or recsys_engine.with_covisited.';

comment on function recsys_engine.with_covisited(recsys_engine.feed_request,bigint) is 'A request with the strongest neighbours of posts that its user interacted with (recsys_engine.with_engaged_posts). The service role may find posts that the caller may not read: each source checks its posts.';

comment on function recsys_engine.retrieve_similar(recsys_engine.feed_request,bigint,extensions.vector,integer,integer,boolean) is 'The p_most posts nearest to a user''s vector by inner product, p_share of an author before all others''; ties by id. By the HNSW index (misses 1 to 4 %), or exactly where the readable posts are few. Without idle posts, unless pooled. p_is_quick: no exact search, visibility or shares.';

comment on view recsys_engine.sources is 'The sources of retrieval, one row each. npm run types writes them into _shared/features/sources.ts, for the functions and the trainer.';

comment on column recsys_engine.sources.input is 'Position among the inputs of the ranker, from 1; null: not a source by itself.';

comment on column recsys_engine.sources.name is 'Name, as in ranks, reasons and reports.';

comment on column recsys_engine.sources.size is 'Number of posts that the source contributes at most. A post without a rank counts as one behind the last.';

comment on column recsys_engine.sources.fetch_limit is 'Number of posts that a worker fetches before it asks which of them a caller may see: more than size, because readers know some and may not see others.';

comment on column recsys_engine.sources.is_global is 'Whether the source is the same for all users, apart from posts that a user may not see, knows or was served.';

comment on column recsys_engine.sources.prepends_new_posts is 'Whether posts that were written after a worker read the source come first.';

comment on column recsys_engine.sources.reason_priority is 'Where two sources rank a post alike, the lower number gives the reason that a reader sees.';

comment on column recsys_engine.sources.is_ranker_feature is 'Whether the rank is an input of the ranker. Models of 1.0.0 have no input for popular, which the counts of a post tell anyway.';

comment on column recsys_engine.sources.finds is 'What the source finds.';

comment on column recsys_engine.sources.max_per_author is 'Number of posts of one author that precede all others: a tenth of size.';

comment on function recsys_engine.eligible_hits(recsys_engine.feed_request,json,integer) is 'Of posts that a worker found for a source, an array of their ids with the best first, the first p_limit that the request does not leave out; without their authors.';

comment on function recsys_engine.historical_post_states(recsys_engine.feed_request) is 'States as of the request''s instant of posts with later interactions. Empty for a request of now.';

comment on function recsys_engine.newest_posts(recsys_engine.feed_request,integer) is 'The p_limit newest posts, without those that wait (recsys_engine.listed_posts); with a pool all of it.';

comment on function recsys_engine.newest_posts_since(recsys_engine.feed_request,integer,timestamp with time zone) is 'The p_limit newest posts since an instant, without those that wait; with a pool, or where what is readable is named, none.';

comment on function recsys_engine.active_posts(recsys_engine.feed_request,integer) is 'The p_limit posts with the latest interaction or creation, with that instant.';

comment on function recsys_engine.trending_posts(recsys_engine.feed_request,integer) is 'The p_limit posts with most users in the last week, decayed with a half-life of a week; the least counts as much as one user a week ago. Posts of earlier states or of a pool are added.';

comment on function recsys_engine.is_trend_sparse(recsys_engine.feed_request) is 'Whether the last week says little about popularity: fewer than 50 posts have a decayed count (half-life of a week) of two users or more as of the request.';

comment on function recsys_engine.popular_posts(recsys_engine.feed_request,integer) is 'The p_limit posts with most users, decayed with a half-life of a month (recsys_engine.popularity). Posts of earlier states or of a pool are added.';

comment on function recsys_engine.first_hits(recsys_engine.feed_request,text,integer,text) is 'The first p_limit posts of a source of recsys_engine.sources in its order, without a cap per author. p_topic: of the source topic.';

comment on function recsys_engine.retrieve_source(recsys_engine.feed_request,text,integer,integer,text) is 'The first p_limit posts of a source, with at most p_share per author before all others''. For all sources but similar and followed, which have functions of their own.';

comment on function recsys_engine.source_fetch_limit(integer,integer,text) is 'How many posts of a source are looked for. p_extent feed: as many as are candidates; kept: as many as a worker keeps; kept+N: N more, where too many of these are hidden from strangers; all: null, without limit.';

comment on function recsys_engine.max_per_author(integer,text) is 'How many posts of one author precede all others'' in a source of that size.';

comment on function recsys_engine.global_sources(recsys_engine.feed_request,text) is 'Hits of the sources that are the same for all users, without posts that are hidden from the user, known to them or served. p_extent as in recsys_engine.source_fetch_limit.';

comment on function recsys_engine.personal_sources(recsys_engine.feed_request,bigint,extensions.vector,text,json) is 'Hits of the sources that differ by reader. Each followed topic is a list of its own (topic:NAME). p_extent as in recsys_engine.source_fetch_limit; p_hits: a worker''s hits for similar (recsys_engine.sources_from_hits), null: the nearest are searched for.';

comment on function recsys_engine.small_readable_set(double precision) is 'All posts that the caller may read, where these are at most 2,000 and less than half of the posts with interactions, else null. p_share: the share that the caller may read, 0 to 1; where that makes 6,000 posts at most, up to as many, newest first. By the indexes of the app''s policies.';

comment on function recsys_engine.newest_listed(recsys_engine.feed_request,integer,timestamp with time zone,integer) is 'The p_limit newest posts since an instant, the newest first, without those that wait (recsys_engine.listed_posts). p_looks: among so many of the newest; null: all.';

comment on function recsys_engine.newest_filtered_posts(recsys_engine.feed_request,integer) is 'The newest p_limit posts that pass the filter of a request, at most. Reads the 20,000 newest of each tag or language, all by the requested authors, and nothing that the filter leaves out.';

comment on function recsys_engine.prefilter_posts(recsys_engine.feed_request,uuid[]) is 'Those of some posts that may be in the feed, each once, with their state as of the request''s instant.';

comment on function recsys_engine.with_prefiltered_pool(recsys_engine.feed_request,bigint,extensions.vector,boolean,double precision) is 'A request with the pool of its sources: all posts of a small readable set (recsys_engine.small_readable_set, up to 2,000); with a filter all that pass, below 1,000, else 1,000 newest and the nearest, active and trending of 20,000. p_may_be_few false: skips the set. p_share: as there.';

comment on function recsys_engine.following_feed(uuid,timestamp with time zone,integer,jsonb,bigint,bigint[]) is 'The p_most newest posts of the people and topics that a user follows as of an instant, newest first, as far as readable: without own, muted, dismissed and served ones, but with seen ones. follows_author, topic: the reason; arguments as in recsys_engine.feed_request.';

comment on function recsys_engine.with_requested_posts(recsys_engine.feed_request,uuid[]) is 'A request whose pool is some posts: of these what the caller may read and did not mute, and what its filter lets in. What they interacted with, dismissed, saw or wrote themselves is left out of feeds alone.';

comment on function recsys_engine.requested_posts(uuid,uuid[],jsonb,bigint) is 'Those of some posts that the caller may be shown (recsys_engine.with_requested_posts), in the order of the request, with their recsys_engine.served_key. For posts that no model can rank.';

comment on function recsys_engine.ranked_posts(recsys_engine.feed_request,bigint,extensions.vector) is 'What all sources bring for a request (recsys_engine.with_followee_engagements, recsys_engine.with_prefiltered_pool).';

comment on function recsys_engine.retrieve(uuid,bigint,extensions.vector,timestamp with time zone,bigint,bigint[],jsonb) is 'Posts for a user at an instant with {source: rank} (topic:NAME within followed), interactions with the author, whether followed, and interactions of followed people: readable, without own, known, dismissed, muted, seen and served ones (p_served). At most 1,000 rows, unordered.';

comment on function recsys_engine.post_columns(recsys_engine.post_row[]) is 'Posts in columns, with times in milliseconds since 1970, whether their author is in a closed circle (recsys_engine.circle_members), and what a page bounds them by (recsys_engine.standing). Rows took the driver 4 ms for 500 posts.';

comment on function recsys_engine.text_key(text,text[],uuid) is 'A number for what is said of a post, its title, tags and author: another number, where a caller reads something else of it.';

comment on function recsys_engine.post_snapshots(bigint,uuid[],timestamp with time zone) is 'Columns of posts at an instant, in order, as one object. states: their rows of recsys_engine.post_stats (null: no interaction); has_embedding, embeddings: vectors of the model in pgvector''s binary form and base64; has_components, components: the same of own vectors, null where unused.';

comment on function recsys_engine.readable_by_strangers(uuid[]) is 'Which of some posts an authenticated account may read that is new and belongs to nothing. Null: the app''s policies fail for such an account.';

comment on function recsys_engine.global_candidates(timestamp with time zone) is 'The posts of global sources for a user without history who may read all, and up to 1,000 more of a source where strangers may read too few: posts (recsys_engine.post_columns), texts, text_key, {source: place}, and closed_authors, whose posts are hidden from strangers. For the service alone.';

comment on function recsys_engine.scope_candidates(bigint,text[],integer,timestamp with time zone) is 'The posts of some scopes (recsys.source_post_scopes; null: without one) at an instant, 184 bytes each in base64, by id: id, author hash (0: unknown), creation, last activity, trend, popularity (-infinity: none) and vector, in binary form. No row above p_limit (null: an empty one). For the service.';

comment on function recsys_engine.sources_from_hits(recsys_engine.feed_request,json) is 'The rows of recsys_engine.global_sources, from a worker''s hits in the posts that it keeps: {source: post ids}, filtered by recsys_engine.eligible_hits. Null: no hits.';

comment on function recsys_engine.readable_share(text) is 'The fraction of the 200 last active posts that a role may read with the claims of the transaction, from 0 to 1.';

comment on function recsys_engine.candidate_request(recsys_engine.candidate_query) is 'The request of a feed, with what its sources look for.';

comment on function recsys_engine.source_since(recsys_engine.feed_request,timestamp with time zone) is 'Posts written since a worker read the global candidates, newest first, as a source named since.';

comment on function recsys_engine.find_in_all_sources(recsys_engine.candidate_query,recsys_engine.feed_request) is 'Candidates from all sources, global ones included, with their ranks.';

comment on function recsys_engine.find_beside_global(recsys_engine.candidate_query,recsys_engine.feed_request) is 'Candidates of the reader''s own sources, and which of the worker''s global candidates the reader may be shown. Sources search as the service role; what is returned passed recsys_engine.eligible_posts as the reader.';

comment on function recsys_engine.encode_candidates(recsys_engine.candidate_query,recsys_engine.feed_request,recsys_engine.found_candidates) is 'Candidates and what the ranker reads of their reader, as one JSON object. Fields: docs/design/feed.md.';

comment on function recsys_engine.feed_candidates(jsonb) is 'The candidates of one feed as one JSON object, for a recsys_engine.candidate_query. The service role calls it; the reader''s role decides which posts are candidates.';

comment on function recsys_engine.count_new_posts(uuid,timestamp with time zone,jsonb,integer) is 'Counts posts of the last seven days after an instant that might be in a user''s feed: without own, seen, dismissed, muted, filtered (p_filter) and waiting ones (recsys_engine.listed_posts); of follows alone for such feeds. Counts to p_limit; with a filter or mutes among the newest 300.';

comment on function recsys_engine.user_model_inputs(uuid,bigint,timestamp with time zone,uuid[]) is 'What recsys_engine.user_context says of a user that is different in each model: the learned ID embedding, the vectors of their history, of the posts that it says are in it, in the same order, recsys_engine.followed_vector and recsys_engine.user_components. One row.';

comment on function recsys_engine.user_vectors(uuid,bigint,timestamp with time zone,uuid[]) is 'recsys_engine.user_model_inputs, for functions of 1.0.0.';

comment on function recsys_engine.visible_posts(uuid,uuid[],jsonb,boolean) is 'The posts among some that a user''s feed (p_user_id null: a visitor''s) may show now: readable, not own, not muted, not withheld, and passing the filter (recsys_engine.with_filter). p_is_named: the app named them (recsys_engine.with_requested_posts), so they may be own or withheld.';

comment on table recsys.promotions is 'Posts pinned or boosted by an operator. Row level security, mutes and dismissals still apply. Preview: recsys.preview_promotion. See docs/promotions.md.';

comment on column recsys.promotions.filter is 'Which posts, as of a request (recsys_engine.feed_filter): {"tags": ["sql"], "max_age_days": 7}. With a place, which needs author_ids, the one of them that the reader wants most; null: that of post_id.';

comment on column recsys.promotions.per_person_and_day is 'The limit of a person''s pages with it within 24 hours; pages that come faster than they are logged may exceed it. Visitors, who are not logged, then see none. Null: no limit.';

comment on function recsys_engine.is_list(jsonb,text,integer,integer) is 'Whether a value is a list of p_least texts or more, p_limit at most, each of which the regular expression p_entry finds.';

comment on function recsys_engine.may_pin(smallint,jsonb) is 'Whether a promotion with a place names its posts or authors: any author may give their post a tag, language or date.';

comment on function recsys_engine.small_group_posts(text,timestamp with time zone) is 'The newest posts of small groups (recsys.settings.group_by), whose authors are together at most a tenth of those of the last 28 days: 20 of each and 200 at most. Each author''s first comes before any second one. A worker asks once a minute.';

comment on function recsys_engine.promoted_posts(text,uuid,timestamp with time zone,uuid[],jsonb,bigint,bigint[],uuid[],integer) is 'The promotions for a user (p_user_id null: a visitor), newest first, with the posts that they may be shown, and details of those not in p_candidates; and the first p_floor readable posts of p_small_groups (recsys_engine.small_group_posts). Called by the service; p_role decides on visibility.';

comment on function recsys.preview_promotion(bigint) is 'What a promotion would change, one figure a row, by the last 24 hours: its posts (100 at most) and people, people who may be shown it (of 200), first pages that had it anyway, and its places before and after, with a factor by that page''s scores. Says where a place has no post or author.';

comment on function recsys_engine.check_promotions() is 'A part of recsys.check(): promotions of a place that pin nothing, as 1.0.0 let in.';

comment on table recsys_engine.edited_posts is 'When the text of a post was changed last, kept by the triggers of recsys.watch. Of posts with the same text a feed shows the one with most participants; an edited post does not lead posts that are older than its edit.';

comment on function recsys_engine.clean_up_deleted_entities(text,uuid[],boolean) is 'Returns those of some posts or users (p_kind) that still exist after a row of theirs was deleted. Removes jobs and pending changes of the others, and queues them for recsys.erase() where the engine has data of them (p_is_known).';

comment on function recsys_engine.record_edits(uuid[]) is 'Notes that the texts of some posts were changed now (recsys_engine.edited_posts).';

comment on function recsys_engine.queue_text_changes() is 'Trigger of watched tables: enqueues the entities whose text a statement changed, once each, notes changed posts in recsys_engine.edited_posts, and erases deleted entities as recsys.erase() does. recsys.watch sets its arguments: post or user, the id column, the columns whose change counts.';

comment on function recsys_engine.model_includes_change(recsys.models,xid8) is 'Whether the vectors of a model include the change of a transaction. False for a model from a dump, whose transactions are unknown.';

comment on view recsys_engine.due_embedding_jobs is 'Jobs that a worker may claim now: due, not failed for good, and not claimed.';

comment on function recsys_engine.has_due_embedding_jobs() is 'Whether a worker would find something to embed: a due, unclaimed job, and a model to embed it with.';

comment on function recsys_engine.claim_embedding_jobs(integer,interval) is 'Claims up to p_limit due jobs for p_lease, half the oldest and half the newest. A job that was claimed twice before is returned alone, by every other claim at most while others wait.';

comment on function recsys_engine.complete_embedding_jobs(bigint,bigint,text[],uuid[],text[],text[]) is 'Writes the vectors of model p_model_id for a claim''s jobs (null: the entity is gone), joins posts to topics near p_topic_vectors (of text alone; null: unknown) and removes the jobs. Returns how many. Skips jobs of later claims, and all when the model is inactive. Edited posts keep id_embedding.';

comment on function recsys_engine.call_embed() is 'Calls the function embed where jobs are due, or texts wait for an encoder, with the project''s URL and secret key from the Vault (recsys_project_url, recsys_secret_key). Returns pg_net''s request id; null: nothing to do.';

comment on column recsys.watches.kind is 'What its rows are: interactions, logins, posts, users, post_texts, user_texts, vectors or user_vectors.';

comment on function recsys_engine.reads_columns(regclass,text[]) is 'Whether a table has all of some columns, and the caller may read them.';

comment on function recsys_engine.real_numbers(double precision[]) is 'The same as real[]: 0 for what is too small to be one, NaN for what is too large. A cast fails at either.';

comment on function recsys_engine.queue_watched(regclass,jsonb,boolean) is 'Queues all entities of a table, for the feature store and the vectors; entities that wait already are not queued again. p_watch: as in recsys.watches. p_with_users: users of interactions as well, so that a user whose rows the view no longer shows is recomputed.';

comment on function recsys.watch(regclass,text,text,text,text,text,text,text[],text[],text[]) is 'Follows a table by triggers (recsys_…) into feature store, vectors and recsys_engine.post_tags. p_kind: interactions, logins, posts, users, post_texts, user_texts, vectors, user_vectors. Queues present rows. A second call replaces texts, p_others, p_id, p_user_lookup. See docs/adopting.md.';

comment on function recsys.unwatch(regclass,text,text,text,text) is 'Ends what recsys.watch began: drops its triggers from a table and queues the entities of its rows, so the next roll-up follows the views. Null for a kind or column: any. Returns how many watches ended. Call it before a watched column is dropped or renamed, or after a view stops reading the table.';

comment on function recsys_engine.sampled_share(regclass,integer) is 'Which share of a table has about so many rows, by its size now and the rows a page at its last analyze (of one that never was: 100). 1: all of it.';

comment on function recsys_engine.own_vectors_sql(text,integer) is 'SQL for all vectors of posts, or of users, that watched tables have and the caller may read: (id, encoder, vector, stands_for). The encoder '''' of users is that of the posts. With p_rows: those of about so many rows of each table, whole pages drawn alike each time, where a row stands for so many.';

comment on function recsys_engine.own_vector_shapes(text) is 'Counts posts, or users, with a vector by encoder and length; for a table of more than 10,000 rows an estimate (is_estimate), since 100,000 vectors of 1,536 numbers take a processor 2.05 s, and a sample 0.22.';

comment on function recsys_engine.posts_with_several_vectors() is 'Watched tables with several vectors of a post by the same encoder (recsys_engine.own_vectors takes the lowest), and the number of posts.';

comment on function recsys_engine.own_vectors(text,text,uuid[]) is 'The vectors by an encoder of those of some posts, or users, that have one, as JSON, which drivers read several times as fast as an array. Of who wants no personalisation nothing is read.';

comment on function recsys_engine.missing_vectors(text,text,uuid,integer) is 'The first p_limit posts, or users, after p_after, in the order of their ids, whose vector by the encoder of a basis was not reduced yet.';

comment on function recsys_engine.queue_for_encoder() is 'Trigger of recsys.settings: an encoder that is set makes a vector of every post that has none by it, also where it had failed.';

comment on function recsys_engine.queue_replicated_row() is 'Trigger of tables that a subscription fills: queues a row that came, went or changed, as the triggers of recsys.watch queue a statement''s. Its argument is the watch, as in recsys.watches.';

comment on function recsys_engine.follow_replication() is 'For a project whose app tables arrive by logical replication, which fires no statement trigger: queues each arriving row of watched tables for feature store and vectors, and the present rows. Call it after subscribing and after each recsys.watch. Returns how many watches it follows.';

comment on column recsys_engine.training_requests.claimed_until is 'When the lease ends and another worker may go on; null: unclaimed. Heartbeats move it.';

comment on function recsys_engine.claim_training_request(text,interval) is 'Claims the due request for p_lease: a started one without a worker, else the queued one. No row: there is none, or another worker is on it. A request whose fifth claim did not come back has failed.';

comment on function recsys_engine.readable_posts(uuid[],uuid[]) is 'Which of some posts (null: of all) each of some users may read: asked under their own role, as the app''s row level security decides. Policies that ask for more than who it is, such as other claims of a token or a header, say no here.';

comment on function recsys_engine.titles_read(uuid[],uuid[]) is 'For some users, the posts whose original title each reads rather than a title that the app shows instead: asked under their own role, as recsys_engine.readable_posts.';

comment on column recsys_engine.batch_pages.attempts is 'How many claims it had; after five claims without a result it is left alone.';

comment on table recsys.batch_recommendations is 'The list of each active user, best first, as arrays of one length: 50 posts and 25 spare ones, since recsys_engine.batch_feed() drops posts that were seen, dismissed, muted, hidden or deleted later. The next run replaces it, or removes it for an inactive user.';

comment on column recsys.batch_recommendations.basis is 'What it is based on, as in the answer of `recommend`: history, profile, followed or community.';

comment on column recsys.batch_recommendations.sources is 'What brought each: similar, active, fresh, trending, popular, followed, touched or covisited.';

comment on function recsys_engine.claim_batch_page(bigint,interval) is 'Claims one page of a run for p_lease. No row: no page is free, since all are done or claimed, or the run has ended.';

comment on function recsys_engine.batch_feed(uuid,integer,bigint,bigint[],jsonb) is 'A user''s batch list as the caller may see it now, best first: without deleted, unreadable, own, interacted, dismissed, seen or muted posts, those served (p_served: recsys_engine.served_key with p_seed), and those outside p_filter. Empty for users with preferences.';

comment on table recsys_engine.impressions_default is 'Impressions of months or days that have no partition: none are made for what lies further ahead or was imported from long ago. recsys_engine.make_impression_partitions() moves them out.';

comment on column recsys_engine.impressions_default.source is 'The source that ranked it best: similar, active, fresh, trending, popular, followed, touched or covisited.';

comment on column recsys_engine.impressions_default.features is 'The ranker inputs, in the order of the model''s feature_spec; recsys_engine.impression_features gives each its name. Null: no model ranked.';

comment on column recsys_engine.impressions_default.explored is 'It was there because it is under trial (recsys_engine.exploration_stats), and not by its score. In a list made ahead none is.';

comment on column recsys_engine.impressions_default.seen_at is 'When the post was visible on the reader''s screen, as the app reported to the function `events`; null: unknown. A seen post leaves the feed of that person for 30 days.';

comment on column recsys_engine.impressions_default.team is 'Of a feed that two models drafted (an experiment of kind interleaving): the team of the pick, 1 the first model''s and 2 the second''s; model_id is that model. Null: neither, or any other feed.';

comment on view recsys_engine.impression_partitions is 'The months and days of recsys.impressions that have a table of their own.';

comment on column recsys_engine.impression_partitions.name is 'The table, in recsys_engine.';

comment on column recsys_engine.impression_partitions.is_day is 'It holds a day; false: a month.';

comment on column recsys_engine.impression_partitions.first is 'Its first instant, by UTC.';

comment on column recsys_engine.impression_partitions.next is 'The first instant after it.';

comment on column recsys_engine.impression_partitions.is_attached is 'It is a partition of recsys.impressions; false: a day that was archived and is about to be dropped.';

comment on function recsys_engine.attach_impressions(text,timestamp with time zone,timestamp with time zone) is 'Makes a table of recsys_engine, which has the columns of recsys.impressions, its partition for the time from an instant on and before another, and moves the rows of that time there out of the default partition.';

comment on function recsys_engine.make_impression_partitions(integer) is 'Makes the partitions of recsys.impressions for now and the time ahead, moves their rows and earlier ones out of the default partition, and returns how many it made: p_months_ahead months, or 7 days for each of them (settings.impression_partition_interval).';

comment on function recsys_engine.purge_impressions() is 'Drops the months and days of recsys.impressions that are older than settings.impressions_kept, and returns how many; removes rows of recsys_engine.user_days after 31 days. Keeps restored partitions for a week. Fails after a second where readers hold impressions.';

comment on table recsys_engine.shadow_impressions is 'One row per post of a feed that a shadow scored: scores of shadow and served model, and the place in the shadow''s page. Kept as long as recsys.impressions, without people who reached settings.impressions_per_day.';

comment on column recsys_engine.shadow_impressions.expected is 'Of a drawn place: the three probabilities, by the model that ranked the feed, for the shadow''s draw, in the mean over its chances.';

comment on view recsys_engine.recommended_impressions is 'Impressions that the recommender chose, without posts that the app requested (mode candidates) or promoted (promotion_id). Reports and training read these.';

comment on column recsys_engine.recommended_impressions.source is 'The source that ranked it best: similar, active, fresh, trending, popular, followed, touched or covisited.';

comment on column recsys_engine.recommended_impressions.features is 'The ranker inputs, in the order of the model''s feature_spec; recsys_engine.impression_features gives each its name. Null: no model ranked.';

comment on column recsys_engine.recommended_impressions.explored is 'It was there because it is under trial (recsys_engine.exploration_stats), and not by its score. In a list made ahead none is.';

comment on column recsys_engine.recommended_impressions.seen_at is 'When the post was visible on the reader''s screen, as the app reported to the function `events`; null: unknown. A seen post leaves the feed of that person for 30 days.';

comment on column recsys_engine.recommended_impressions.team is 'Of a feed that two models drafted (an experiment of kind interleaving): the team of the pick, 1 the first model''s and 2 the second''s; model_id is that model. Null: neither, or any other feed.';

comment on view recsys_engine.model_features is 'The ranker inputs of each model, in order, from its feature_spec.';

comment on view recsys_engine.impression_features is 'The ranker inputs of each post that was shown, one row a feature. None of a feed without a model, or of a model whose row is gone.';

comment on table recsys_engine.archived_days is 'The files that `recsys archive` made of days of recsys.impressions. Training reads them, and `recsys archive --restore` brings a day back.';

comment on column recsys_engine.archived_days.day is 'The day, by UTC.';

comment on column recsys_engine.archived_days.part is 'From 1; more than one where rows came later, or where what was restored had changed.';

comment on column recsys_engine.archived_days.location is 'The folder, or s3://BUCKET/PREFIX. An operator who moves the files updates it.';

comment on column recsys_engine.archived_days.path is 'The file within it.';

comment on column recsys_engine.archived_days.row_count is 'How many rows it holds.';

comment on column recsys_engine.archived_days.promoted_count is 'How many of them name a promotion.';

comment on column recsys_engine.archived_days.checksum is 'Over its rows, in whatever order: of each row the first 64 bits of the sha256 of what PostgreSQL sends of it in binary, signed, summed.';

comment on column recsys_engine.archived_days.bytes is 'The size of the file.';

comment on column recsys_engine.archived_days.sha256 is 'That of the file, in hex.';

comment on column recsys_engine.archived_days.archived_at is 'When the day was detached.';

comment on column recsys_engine.archived_days.restored_at is 'Since when the rows are in recsys.impressions again; null: they are not.';

comment on function recsys_engine.erase_entities(text,uuid[],boolean,bigint) is 'Clears all of recsys_engine.erasable_columns of posts or users (p_kind) and recomputes dependent states; returns how many rows it changed. p_with_lists: also lists of posts, read as a whole. p_rows: at most so many rows (null: all); call it again where it returns so many.';

comment on function recsys.erase(integer,interval,bigint) is 'Removes what the engine holds of deleted posts and users, p_most of them and p_rows rows at a time, and halves that after a timeout. After p_again_after (two days survive a clock one day ahead) it removes later writes and clears lists, then forgets the deletion. Returns the number of changed rows.';

comment on function recsys_engine.nearest_posts(bigint,extensions.vector,timestamp with time zone,uuid[],integer) is 'Posts that the caller may read and did not mute, created up to an instant, by similarity to a vector of a model, without excluded and idle ones. Returns p_limit rows where so many exist. similarity: inner product of the vectors, from -1 to 1.';

comment on function recsys.similar_posts(uuid,integer) is 'The posts nearest to a post by the active model, nearest first: those that the caller may read and did not mute. similarity: inner product, from -1 to 1. For operators. Raises the same error where the post has no vector, does not exist, or is unreadable.';

comment on table recsys_engine.idea_pool is 'Titles made of the community''s language, with forecasts: one row, made by the first call of the function `ideas` and again when a day old. Uses words and pairs of words of several authors in posts that any member may read. It names no person and forgets deleted posts.';

comment on column recsys_engine.idea_pool.model_id is 'The model of the vectors, fit and topics; null: none was active. No foreign key: the row may outlive the model.';

comment on column recsys_engine.idea_pool.post_ids is 'The posts that ideas come from and that say what is needed; the pool names them by their place in this list. Null takes the place of one that was deleted.';

comment on function recsys_engine.idea_posts(integer) is 'The latest posts that the caller may read, without withheld ones (recsys.source_withheld), as columns in order of time, in one row. Texts: the first 300 letters; created_at: milliseconds since 1970. The function `ideas` asks as an unknown member, so ideas use no private posts.';

comment on function recsys_engine.post_audiences(uuid[]) is 'For each post, in order: distinct people other than the author who interacted within 7 days of its creation, viewers, voters, commenters, topic (null: none), and whether it is in recsys_engine.posts_of_newcomers. Counts 1,000 interactions of a post at most. One row.';

comment on function recsys_engine.idea_topics() is 'The topics of the active model, with about how many people interacted with each; none where they are of another''s vectors.';

comment on function recsys_engine.idea_author() is 'What ideas need of the caller: profile, impersonal (then only mutes), active model and vector (null: none), muted words (muted) and texts (muted_parts) in small letters, 50 posts older than a week, their latest 100 titles and the last week''s 1,000. One row.';

comment on function recsys_engine.readable_titled_posts(uuid[]) is 'Those of some posts that the caller may read, did not write and did not mute, without recsys_engine.posts_of_newcomers, with their titles as they are now.';

comment on function recsys_engine.explain_candidate(uuid,uuid,bigint,extensions.vector,timestamp with time zone,text) is 'Explains a candidate under the user''s own role: visibility, conversations with dismissed or seen posts, rank and limit in each source, and the nearest post of their history {title, similarity, at}. p_title: the original title; null: what the user reads. Reads whole tables.';

comment on function recsys.explain(uuid,uuid) is 'Explains why a post is in a user''s feed, or not (topic why not): conversations, rank in each source and in the batch list, nearest post of the history, and the ranker''s features when it was last shown. Tells nothing that the user may not read. Similarity uses the stored vector.';

comment on table recsys_engine.similar_people is 'Results of recsys_engine.similar_people_for_caller(), cached for a day per user: a user who moves their own vector by editing their profile learns nothing more by a second request.';

comment on function recsys_engine.similar_people_for_caller(jsonb,integer) is 'The people nearest to the user of these claims, {user_id}, nearest ten first, in tens sorted by id, without muted and unreadable ones: up to 100, or none below recsys_engine.anonymity_threshold(). Computed once a day. None without a vector or an active model. is_known: the user exists.';

comment on function recsys_engine.post_reach(uuid) is 'Estimates how many users interacted with posts of a post''s topic that any signed-in member may read, in the last 28 days, by recsys_engine.rounded_people_count(). Null: too few, or no topic yet. All posts of a topic share the estimate. Always one row.';

comment on function recsys_engine.follow_reason(bigint,uuid[]) is 'The strongest reason to follow an author or a topic: {kind: came_to_posts, posts} by the number of its posts that the user interacted with (null: none), or {kind: followed_by, people: three at most} by its followers among those whom the user follows (null: none).';

comment on function recsys_engine.people_to_follow(uuid,integer) is 'Suggests people to a user: authors of their last 200 interactions, and people followed by those they follow; most posts and people first; without followed, muted and unreadable people. items: {user_id, why: recsys_engine.follow_reason}. is_known: the caller may read the user.';

comment on function recsys_engine.topics_to_follow(uuid,integer,text) is 'Suggests topics or groups (p_kind: topic, group) to a user: tags of their last 200 interactions (groups: those that are followed as one), and follows of people they follow: {topic, why} or {group, why}. Without followed and muted ones.';

comment on function recsys_engine.experiment_outcomes(bigint) is 'One row per person shown anything in a counted experiment and per head: impressions and actions within outcome_window, now and in the 28 days before. Dismiss: where there is any, without mutes; other optional heads: where known (recsys_engine.heads). Skips posts with an open window.';

comment on function recsys_engine.compare_variants(recsys_engine.person_outcome[],text,double precision) is 'Compares each variant with p_control, for all, new and old people and each metric: rate, ratio, its 95 % interval for one planned day (low, high, p) and for all days (always_low, always_high at p_alpha; always_p), and the variance left. Null: the control, or below 50 people or 25 acts.';

comment on function recsys_engine.interleaving_credits(bigint) is 'Four rows for each person shown a drafted page of a counted experiment, by request_id: their actions within outcome_window on each team''s picks. An action counts for the page that showed the post last before it. Skips open windows and places of no team.';

comment on function recsys_engine.compare_teams(recsys_engine.person_credit[],double precision) is 'By metric: the preference for the second team, (second_credit - first_credit) / (second_credit + first_credit), from -1 to 1, with 95 % intervals for one planned day (low, high, p) and for all days (always_low, always_high at p_alpha; always_p). acting: people with an action. Null: below 50.';

comment on function recsys.interleaving_report(text) is 'The preferred one of two interleaved models, by views, votes, comments and their weighted sum (score). pages: drafted by both; wins: pages won; credit: actions; see recsys_engine.compare_teams: above 0 is for the second. conclusion holds at any look. No row: no closed window. Raises for a split.';

comment on function recsys_engine.experiment_split(text) is 'Compares the number of people per variant with their shares; p: the chance of such a difference. Below 0.001 (a sample ratio mismatch) the experiment is faulty and its results mean nothing. No row: no such experiment.';

comment on function recsys.experiment_report(text) is 'The effect of each variant on views, votes, comments, dismissals and optional heads, for all, new (younger than 28 days) and old people. impressions: distinct posts; acted: within outcome_window; rate: acted / impressions; see recsys_engine.compare_variants. Raises if interleaved.';

comment on function recsys_engine.stop_harmful_experiments() is 'Stops experiments in which a variant has surely lost more than max_loss of views, votes, comments or long views, has surely more dismissals, or whose second interleaved model gets fewer picks; returns how many. Stops 5 of 100 harmless ones at most. end_reason tells why.';

comment on function recsys.shadow_report(text,timestamp with time zone,timestamp with time zone) is 'Compares a shadow with the serving model on posts shown in [p_from, p_to), by view, vote and comment. rank_correlation: Spearman, mean over feeds; judged: shown a day ago; acted: within a day; log_loss in nats (lower is better; null: none judged). Raises P0002: no such shadow.';

comment on function recsys.off_policy(text,timestamp with time zone,timestamp with time zone) is 'The reward that a shadow''s model would have earned in drawn places shown in [p_from, p_to): logged, ips, snips, dr, with 95 % intervals clustered by person. Raises where support, people, acts, effective sample size, skewness or mean weight forbid an estimate (docs/experiments-in-production.md).';

comment on function recsys_engine.shown_features(date,integer) is 'The ranker inputs of the first ten places of some p_feeds feeds of a day, without those for exploration.';

comment on function recsys_engine.feature_skew(date) is 'The population stability index by feature of a day and model against training: sum over bins of (served - trained) * ln(served / trained). Below 0.1: equal; above 0.25: different (Siddiqi, 2006); by chance about 9 / people (Yurdakul, 2018). No rows without training_features.';

comment on function recsys_engine.feature_drift(date) is 'The population stability index by feature of a day against the same weekday of four weeks before: sum over tenths of (now - before) * ln(now / before); and the independent people or posts behind it: by chance it is about 9 * (1 / now + 1 / before) (Yurdakul, 2018). Samples 1,000 feeds.';

comment on table recsys.daily_metrics is 'Daily figures, kept for two years: shown, feeds, rate, predicted, calibration, drift, skew, coverage, novelty, fresh, authors, degraded, lag (docs/experiments-in-production.md). recsys_engine.measure_day() writes them once labels are settled. Days together: sum(value * count) / sum(count).';

comment on column recsys.daily_metrics.slice is 'The subject of the figure, such as vote, view 3 (at position 3), comment similar (from that source), or a feature; empty: all.';

comment on function recsys_engine.measure_day(date) is 'Computes the recsys.daily_metrics of one day but lag and degraded, again if they exist, and returns how many. Raises for a day that ended less than a day ago, since its labels are open. Reads that day''s impressions, samples of earlier days, and interactions; locks nothing of feeds.';

comment on function recsys_engine.measure_days(integer) is 'Notes how far roll-up and embedding are behind and how many feeds of the last hour were degraded, measures the first p_limit of recsys_engine.unmeasured_days(), deletes figures older than two years or of open days, and returns how many days it measured. pg_cron calls it hourly.';

comment on function recsys.health() is 'Compares current metrics with recsys.health_bounds, worst first, with a verdict and a fix for each. Metrics of too few observations are ok. Reads 35 days of recsys.daily_metrics.';

comment on function recsys_engine.consume_rate_limit(uuid) is 'Counts a request of a user. Null: allowed; otherwise the seconds until the next one is. Functions call it before the transaction of the request, so that a failed request counts too and no request waits for the row.';

comment on function recsys_engine.purge_rate_limits() is 'Deletes the rows of callers who have a whole allowance again, and returns how many. Called every night by pg_cron.';

comment on function recsys_engine.missing_reads(name) is 'The columns of the app''s tables that a role may not read though a source view, or a watch of vectors, does so for it, a row for each table, with the statement that grants these and no others.';

comment on table recsys_engine.granted_reads is 'Columns of the app''s tables that recsys.grant_reads let a role read, which recsys uninstall takes back: those that it could read before are not among them.';

comment on column recsys_engine.granted_reads.role is 'The role that was granted it.';

comment on column recsys_engine.granted_reads.relation is 'The table.';

comment on column recsys_engine.granted_reads.column_name is 'The column.';

comment on function recsys.grant_reads(name) is 'Grants a role the columns of the app''s tables that the source views read, as far as they are missing. Call it after each change of a view, for service_role, which reads all rows. authenticated needs only what feeds read; row level security has to choose the rows.';

comment on function recsys_engine.check_access() is 'The rights that authenticated or service_role lack for feeds, each with its grant: columns of tables that views read, else a description; tables, schemas, functions and what policies call. stops: feeds fall back until it is granted. A hidden one shows after that. Part of recsys.check().';

comment on function recsys_engine.check_rows() is 'Finds faults in the rows of the source views: duplicate ids, nulls, unknown kinds and weights, ids without a match, follows of no user or tag, posts younger than their interactions. Reads every row. Part of recsys.check().';

comment on function recsys_engine.proposed_watch(regclass,text,regclass,text) is 'A call of recsys.watch, as SQL, for a table that a source view reads; p_kind: the kind of its rows; p_post: the column that names a post, of recsys_engine.posts_read. Null: its columns do not suffice or are ambiguous, as where a join finds the person or post.';

comment on function recsys_engine.partitioned_table_alias(text) is 'The alias of a partitioned table in a plan, by the alias of one of its partitions.';

comment on function recsys_engine.without_casts(text) is 'recsys.id_of(column) and recsys.person_id_of(column) as a developer writes them, of PostgreSQL''s print.';

comment on function recsys_engine.sequential_scans(text,text) is 'Tables that a query, asked under a role, reads from end to end for the rows of one person or post, $1. With relation: an index on its columns is missing (is_expression: row level security may prevent an index). With tables or functions: no index could help; looked_up: a subquery would.';

comment on function recsys_engine.post_order_column(text) is 'The column, or expression, of a table that orders a role''s newest posts. No row: several tables, or a subquery, give the creation time.';

comment on function recsys_engine.check_vectors() is 'Finds vector columns that recsys.watch does not follow, that service_role may not read or without an index, posts whose encoding failed, vectors of another encoder than the model''s or the posts'', models without their basis, and tables with several vectors a post. Part of recsys.check().';

comment on function recsys."check"() is 'Checks the app''s tables and source views: one row per problem with its fix. stops = true blocks training and publishing. For the database owner; reads every row of the views.';

comment on function recsys_engine.has_index_on(regclass,text[]) is 'Whether a table has an index, of all of its rows or some, that begins with some columns or expressions in this order.';

comment on function recsys_engine.check_latest() is 'Tables behind the views of follows, dismissals and interactions with an index by which a user''s rows are found, and none in the order of time. Part of recsys.check().';

comment on function recsys_engine.request_readers() is 'What a member or visitor is judged by when they read the source views: the policies and views under these, and the functions that they call, and those that these call, five deep, each with its source text.';

comment on function recsys_engine.check_headers() is 'Policies and views, and functions that they call, which read headers or cookies of a request that the functions do not hand on to them. Part of recsys.check().';

comment on function recsys_engine.candidates(text,uuid,bigint,extensions.vector,timestamp with time zone,jsonb,bigint,bigint[],uuid[],timestamp with time zone,boolean,uuid[]) is 'recsys_engine.feed_candidates, for functions of 1.0.0.';

comment on function recsys_engine.common_posts(timestamp with time zone) is 'recsys_engine.global_candidates, for functions of 1.0.0.';

comment on function recsys_engine.known_posts(bigint,uuid[],timestamp with time zone) is 'recsys_engine.post_snapshots, for functions of 1.0.0.';

comment on function recsys_engine.with_pool(recsys_engine.feed_request,bigint,extensions.vector,boolean,double precision) is 'recsys_engine.with_prefiltered_pool, for functions of 1.0.0.';

comment on function recsys_engine.common_sources(recsys_engine.feed_request,text) is 'recsys_engine.global_sources, for functions of 1.0.0.';

comment on function recsys_engine.given_posts(uuid,uuid[],jsonb,bigint) is 'recsys_engine.requested_posts, for functions of 1.0.0.';

comment on function recsys_engine.new_posts(uuid,timestamp with time zone,jsonb,integer) is 'recsys_engine.count_new_posts, for functions of 1.0.0.';

comment on function recsys_engine.posts_like(uuid,integer) is 'recsys_engine.similar_posts_for_caller, for functions of 1.0.0.';

comment on function recsys_engine.people_near(jsonb,integer) is 'recsys_engine.similar_people_for_caller, for functions of 1.0.0.';

comment on function recsys_engine.take_request(uuid) is 'recsys_engine.consume_rate_limit, for functions of 1.0.0.';

comment on function recsys_engine.trial_age() is 'recsys_engine.exploration_max_age, for functions of 1.0.0.';

comment on view recsys_engine.impersonal_people is 'recsys_engine.personalization_opt_outs, for functions of 1.0.0.';

comment on column recsys_engine.impersonal_people.user_id is 'Who.';

comment on view recsys_engine.tried_models is 'recsys_engine.models_under_test, for functions of 1.0.0.';

comment on column recsys_engine.tried_models.model_id is 'The model.';

comment on view recsys_engine.trials is 'recsys_engine.exploration_stats, for functions of 1.0.0.';

comment on column recsys_engine.trials.post_id is 'The post.';

comment on column recsys_engine.trials.created_at is 'When it was created.';

comment on column recsys_engine.trials.impressions is 'To how many people it was shown.';

comment on column recsys_engine.trials.acted is 'How many of them interacted with it.';

comment on view recsys_engine.trial_impressions is 'recsys_engine.exploration_impressions, for functions of 1.0.0.';

comment on column recsys_engine.trial_impressions.post_id is 'The post.';

comment on column recsys_engine.trial_impressions.user_id is 'Who saw it.';

comment on column recsys_engine.trial_impressions.shown_at is 'When it was first shown to them.';

comment on column recsys_engine.trial_impressions.acted is 'Whether they interacted with it.';

revoke execute on function recsys_engine.popularity(double precision[],timestamp with time zone) from public;

grant execute on function recsys_engine.popularity(double precision[],timestamp with time zone) to anon, authenticated, service_role;

revoke execute on function recsys_engine.take_lock(text) from public;

grant execute on function recsys_engine.take_lock(text) to service_role;

revoke execute on function recsys_engine.try_lock(text,text) from public;

grant execute on function recsys_engine.try_lock(text,text) to service_role;

revoke execute on function recsys_engine.drop_unread_bases() from public;

revoke execute on function recsys_engine.user_components(uuid,bigint) from public;

grant execute on function recsys_engine.user_components(uuid,bigint) to authenticated, service_role;

revoke execute on function recsys_engine.is_newcomers_post(timestamp with time zone,timestamp with time zone,timestamp with time zone) from public;

grant execute on function recsys_engine.is_newcomers_post(timestamp with time zone,timestamp with time zone,timestamp with time zone) to service_role;

revoke execute on function recsys_engine.standing(integer,boolean) from public;

grant execute on function recsys_engine.standing(integer,boolean) to service_role;

revoke execute on function recsys_engine.keep_author_readers(uuid[]) from public;

grant execute on function recsys_engine.keep_author_readers(uuid[]) to service_role;

revoke execute on function recsys_engine.count_usual_newcomers() from public;

grant execute on function recsys_engine.count_usual_newcomers() to service_role;

revoke execute on function recsys_engine.newcomer_share() from public;

grant execute on function recsys_engine.newcomer_share() to anon, authenticated, service_role;

revoke execute on function recsys_engine.posts_of_newcomers(uuid[]) from public;

grant execute on function recsys_engine.posts_of_newcomers(uuid[]) to anon, authenticated, service_role;

revoke execute on function recsys_engine.first_interaction_at(uuid) from public;

grant execute on function recsys_engine.first_interaction_at(uuid) to service_role;

revoke execute on function recsys_engine.prior_active_days(uuid,timestamp with time zone,integer) from public;

grant execute on function recsys_engine.prior_active_days(uuid,timestamp with time zone,integer) to service_role;

revoke execute on function recsys_engine.refresh_bursts(uuid[],uuid[],timestamp with time zone[]) from public;

grant execute on function recsys_engine.refresh_bursts(uuid[],uuid[],timestamp with time zone[]) to service_role;

revoke execute on function recsys_engine.prune_feature_store(bigint,integer,bigint) from public;

grant execute on function recsys_engine.prune_feature_store(bigint,integer,bigint) to service_role;

revoke execute on function recsys_engine.author_engagements(uuid) from public;

grant execute on function recsys_engine.author_engagements(uuid) to service_role;

revoke execute on function recsys_engine.author_known_since(uuid) from public;

grant execute on function recsys_engine.author_known_since(uuid) to service_role;

revoke execute on function recsys_engine.engaged_new_authors(uuid,timestamp with time zone,timestamp with time zone) from public;

grant execute on function recsys_engine.engaged_new_authors(uuid,timestamp with time zone,timestamp with time zone) to service_role;

revoke execute on function recsys_engine.posts_a_day() from public;

grant execute on function recsys_engine.posts_a_day() to service_role;

revoke execute on function recsys_engine.some_wait() from public;

grant execute on function recsys_engine.some_wait() to anon, authenticated, service_role;

revoke execute on function recsys_engine.list_posts(uuid[],boolean) from public;

grant execute on function recsys_engine.list_posts(uuid[],boolean) to service_role;

revoke execute on function recsys_engine.list_posts_of(uuid[]) from public;

grant execute on function recsys_engine.list_posts_of(uuid[]) to service_role;

revoke execute on function recsys_engine.roll_up_posts(uuid[],timestamp with time zone[],uuid[],uuid[],timestamp with time zone[]) from public;

grant execute on function recsys_engine.roll_up_posts(uuid[],timestamp with time zone[],uuid[],uuid[],timestamp with time zone[]) to service_role;

revoke execute on function recsys_engine.roll_up_users(uuid[],timestamp with time zone[],uuid[],uuid[],timestamp with time zone[]) from public;

grant execute on function recsys_engine.roll_up_users(uuid[],timestamp with time zone[],uuid[],uuid[],timestamp with time zone[]) to service_role;

revoke execute on function recsys_engine.count_states_since(text,uuid,timestamp with time zone,integer) from public;

grant execute on function recsys_engine.count_states_since(text,uuid,timestamp with time zone,integer) to service_role;

revoke execute on function recsys_engine.dequeue_changes(bigint,integer,integer) from public;

grant execute on function recsys_engine.dequeue_changes(bigint,integer,integer) to service_role;

revoke execute on function recsys_engine.recompute_states(text,uuid[],timestamp with time zone[],uuid[],uuid[],timestamp with time zone[],boolean,timestamp with time zone) from public;

grant execute on function recsys_engine.recompute_states(text,uuid[],timestamp with time zone[],uuid[],uuid[],timestamp with time zone[],boolean,timestamp with time zone) to service_role;

revoke execute on function recsys_engine.roll_up_batch(bigint,integer,integer,integer) from public;

grant execute on function recsys_engine.roll_up_batch(bigint,integer,integer,integer) to service_role;

revoke execute on function recsys_engine.indexed_since() from public;

grant execute on function recsys_engine.indexed_since() to service_role;

revoke execute on function recsys_engine.idle_posts(uuid[]) from public;

grant execute on function recsys_engine.idle_posts(uuid[]) to service_role;

revoke execute on function recsys_engine.mark_idle(uuid[]) from public;

grant execute on function recsys_engine.mark_idle(uuid[]) to service_role;

revoke execute on function recsys_engine.mark_model_idle(bigint) from public;

grant execute on function recsys_engine.mark_model_idle(bigint) to service_role;

revoke execute on function recsys_engine.advance_index_window(integer) from public;

grant execute on function recsys_engine.advance_index_window(integer) to service_role;

revoke execute on function recsys_engine.gather_changes() from public;

grant execute on function recsys_engine.gather_changes() to service_role;

revoke execute on function recsys_engine.begins_anew() from public;

grant execute on function recsys_engine.begins_anew() to service_role;

revoke execute on function recsys_engine.roll_up_anew(integer,integer) from public;

grant execute on function recsys_engine.roll_up_anew(integer,integer) to service_role;

revoke execute on function recsys_engine.index_tags(uuid[],boolean) from public;

grant execute on function recsys_engine.index_tags(uuid[],boolean) to service_role;

revoke execute on function recsys_engine.index_sound_tags(uuid[]) from public;

revoke execute on function recsys_engine.latest_follows(uuid,text[],timestamp with time zone,integer) from public;

grant execute on function recsys_engine.latest_follows(uuid,text[],timestamp with time zone,integer) to authenticated, service_role;

revoke execute on function recsys_engine.load_reader_profile(uuid,timestamp with time zone) from public;

grant execute on function recsys_engine.load_reader_profile(uuid,timestamp with time zone) to anon, authenticated, service_role;

revoke execute on function recsys_engine.keep_readable_interactions(recsys_engine.reader_profile) from public;

grant execute on function recsys_engine.keep_readable_interactions(recsys_engine.reader_profile) to anon, authenticated, service_role;

revoke execute on function recsys_engine.reader_context(recsys_engine.reader_profile,bigint) from public;

grant execute on function recsys_engine.reader_context(recsys_engine.reader_profile,bigint) to anon, authenticated, service_role;

revoke execute on function recsys_engine.user_context(uuid,bigint,timestamp with time zone) from public;

grant execute on function recsys_engine.user_context(uuid,bigint,timestamp with time zone) to anon, authenticated, service_role;

revoke execute on function recsys_engine.contains_any(text,text[]) from public;

grant execute on function recsys_engine.contains_any(text,text[]) to anon, authenticated, service_role;

revoke execute on function recsys_engine.muted_part(text) from public;

grant execute on function recsys_engine.muted_part(text) to authenticated, service_role;

revoke execute on function recsys_engine.matches_mute(text,text,uuid,text,text[],text) from public;

grant execute on function recsys_engine.matches_mute(text,text,uuid,text,text[],text) to service_role;

revoke execute on function recsys_engine.eligible_posts(recsys_engine.feed_request) from public;

grant execute on function recsys_engine.eligible_posts(recsys_engine.feed_request) to anon, authenticated, service_role;

revoke execute on function recsys_engine.has_enough_after_cap(recsys_engine.feed_request,recsys_engine.source_hit[],integer,integer,integer) from public;

grant execute on function recsys_engine.has_enough_after_cap(recsys_engine.feed_request,recsys_engine.source_hit[],integer,integer,integer) to anon, authenticated, service_role;

revoke execute on function recsys_engine.cap_per_author(recsys_engine.feed_request,recsys_engine.source_hit[],integer,integer) from public;

grant execute on function recsys_engine.cap_per_author(recsys_engine.feed_request,recsys_engine.source_hit[],integer,integer) to anon, authenticated, service_role;

revoke execute on function recsys_engine.retrieve_followed(recsys_engine.feed_request,integer,integer) from public;

grant execute on function recsys_engine.retrieve_followed(recsys_engine.feed_request,integer,integer) to anon, authenticated, service_role;

revoke execute on function recsys_engine.topic_posts(recsys_engine.feed_request,text,integer) from public;

grant execute on function recsys_engine.topic_posts(recsys_engine.feed_request,text,integer) to authenticated, service_role;

revoke execute on function recsys_engine.listed_hits(recsys_engine.feed_request,uuid[],integer) from public;

grant execute on function recsys_engine.listed_hits(recsys_engine.feed_request,uuid[],integer) to authenticated, service_role;

revoke execute on function recsys_engine.eligible_hits(recsys_engine.feed_request,json,integer) from public;

grant execute on function recsys_engine.eligible_hits(recsys_engine.feed_request,json,integer) to anon, authenticated, service_role;

revoke execute on function recsys_engine.historical_post_states(recsys_engine.feed_request) from public;

grant execute on function recsys_engine.historical_post_states(recsys_engine.feed_request) to anon, authenticated, service_role;

revoke execute on function recsys_engine.newest_posts(recsys_engine.feed_request,integer) from public;

grant execute on function recsys_engine.newest_posts(recsys_engine.feed_request,integer) to anon, authenticated, service_role;

revoke execute on function recsys_engine.newest_posts_since(recsys_engine.feed_request,integer,timestamp with time zone) from public;

grant execute on function recsys_engine.newest_posts_since(recsys_engine.feed_request,integer,timestamp with time zone) to anon, authenticated, service_role;

revoke execute on function recsys_engine.active_posts(recsys_engine.feed_request,integer) from public;

grant execute on function recsys_engine.active_posts(recsys_engine.feed_request,integer) to anon, authenticated, service_role;

revoke execute on function recsys_engine.trending_posts(recsys_engine.feed_request,integer) from public;

grant execute on function recsys_engine.trending_posts(recsys_engine.feed_request,integer) to anon, authenticated, service_role;

revoke execute on function recsys_engine.is_trend_sparse(recsys_engine.feed_request) from public;

grant execute on function recsys_engine.is_trend_sparse(recsys_engine.feed_request) to anon, authenticated, service_role;

revoke execute on function recsys_engine.popular_posts(recsys_engine.feed_request,integer) from public;

grant execute on function recsys_engine.popular_posts(recsys_engine.feed_request,integer) to anon, authenticated, service_role;

revoke execute on function recsys_engine.first_hits(recsys_engine.feed_request,text,integer,text) from public;

grant execute on function recsys_engine.first_hits(recsys_engine.feed_request,text,integer,text) to anon, authenticated, service_role;

revoke execute on function recsys_engine.retrieve_source(recsys_engine.feed_request,text,integer,integer,text) from public;

grant execute on function recsys_engine.retrieve_source(recsys_engine.feed_request,text,integer,integer,text) to anon, authenticated, service_role;

revoke execute on function recsys_engine.global_sources(recsys_engine.feed_request,text) from public;

grant execute on function recsys_engine.global_sources(recsys_engine.feed_request,text) to anon, authenticated, service_role;

revoke execute on function recsys_engine.personal_sources(recsys_engine.feed_request,bigint,extensions.vector,text,json) from public;

grant execute on function recsys_engine.personal_sources(recsys_engine.feed_request,bigint,extensions.vector,text,json) to anon, authenticated, service_role;

revoke execute on function recsys_engine.newest_listed(recsys_engine.feed_request,integer,timestamp with time zone,integer) from public;

grant execute on function recsys_engine.newest_listed(recsys_engine.feed_request,integer,timestamp with time zone,integer) to anon, authenticated, service_role;

revoke execute on function recsys_engine.newest_filtered_posts(recsys_engine.feed_request,integer) from public;

grant execute on function recsys_engine.newest_filtered_posts(recsys_engine.feed_request,integer) to anon, authenticated, service_role;

revoke execute on function recsys_engine.with_requested_posts(recsys_engine.feed_request,uuid[]) from public;

grant execute on function recsys_engine.with_requested_posts(recsys_engine.feed_request,uuid[]) to anon, authenticated, service_role;

revoke execute on function recsys_engine.requested_posts(uuid,uuid[],jsonb,bigint) from public;

grant execute on function recsys_engine.requested_posts(uuid,uuid[],jsonb,bigint) to anon, authenticated, service_role;

revoke execute on function recsys_engine.text_key(text,text[],uuid) from public;

grant execute on function recsys_engine.text_key(text,text[],uuid) to anon, authenticated, service_role;

revoke execute on function recsys_engine.readable_by_strangers(uuid[]) from public;

grant execute on function recsys_engine.readable_by_strangers(uuid[]) to service_role;

revoke execute on function recsys_engine.scope_candidates(bigint,text[],integer,timestamp with time zone) from public;

grant execute on function recsys_engine.scope_candidates(bigint,text[],integer,timestamp with time zone) to service_role;

revoke execute on function recsys_engine.sources_from_hits(recsys_engine.feed_request,json) from public;

grant execute on function recsys_engine.sources_from_hits(recsys_engine.feed_request,json) to service_role;

revoke execute on function recsys_engine.readable_share(text) from public;

grant execute on function recsys_engine.readable_share(text) to service_role;

revoke execute on function recsys_engine.candidate_request(recsys_engine.candidate_query) from public;

grant execute on function recsys_engine.candidate_request(recsys_engine.candidate_query) to service_role;

revoke execute on function recsys_engine.source_since(recsys_engine.feed_request,timestamp with time zone) from public;

grant execute on function recsys_engine.source_since(recsys_engine.feed_request,timestamp with time zone) to service_role;

revoke execute on function recsys_engine.find_in_all_sources(recsys_engine.candidate_query,recsys_engine.feed_request) from public;

grant execute on function recsys_engine.find_in_all_sources(recsys_engine.candidate_query,recsys_engine.feed_request) to service_role;

revoke execute on function recsys_engine.find_beside_global(recsys_engine.candidate_query,recsys_engine.feed_request) from public;

grant execute on function recsys_engine.find_beside_global(recsys_engine.candidate_query,recsys_engine.feed_request) to service_role;

revoke execute on function recsys_engine.encode_candidates(recsys_engine.candidate_query,recsys_engine.feed_request,recsys_engine.found_candidates) from public;

grant execute on function recsys_engine.encode_candidates(recsys_engine.candidate_query,recsys_engine.feed_request,recsys_engine.found_candidates) to service_role;

revoke execute on function recsys_engine.feed_candidates(jsonb) from public;

grant execute on function recsys_engine.feed_candidates(jsonb) to service_role;

revoke execute on function recsys_engine.count_new_posts(uuid,timestamp with time zone,jsonb,integer) from public;

grant execute on function recsys_engine.count_new_posts(uuid,timestamp with time zone,jsonb,integer) to anon, authenticated, service_role;

revoke execute on function recsys_engine.user_model_inputs(uuid,bigint,timestamp with time zone,uuid[]) from public;

grant execute on function recsys_engine.user_model_inputs(uuid,bigint,timestamp with time zone,uuid[]) to authenticated, service_role;

revoke execute on function recsys_engine.user_vectors(uuid,bigint,timestamp with time zone,uuid[]) from public;

grant execute on function recsys_engine.user_vectors(uuid,bigint,timestamp with time zone,uuid[]) to authenticated, service_role;

revoke execute on function recsys_engine.visible_posts(uuid,uuid[],jsonb,boolean) from public;

grant execute on function recsys_engine.visible_posts(uuid,uuid[],jsonb,boolean) to anon, authenticated, service_role;

revoke execute on function recsys_engine.is_list(jsonb,text,integer,integer) from public;

grant execute on function recsys_engine.is_list(jsonb,text,integer,integer) to service_role;

revoke execute on function recsys_engine.may_pin(smallint,jsonb) from public;

grant execute on function recsys_engine.may_pin(smallint,jsonb) to service_role;

revoke execute on function recsys_engine.check_promotions() from public;

grant execute on function recsys_engine.check_promotions() to service_role;

revoke execute on function recsys_engine.clean_up_deleted_entities(text,uuid[],boolean) from public;

revoke execute on function recsys_engine.record_edits(uuid[]) from public;

revoke execute on function recsys_engine.reads_columns(regclass,text[]) from public;

grant execute on function recsys_engine.reads_columns(regclass,text[]) to service_role;

revoke execute on function recsys_engine.real_numbers(double precision[]) from public;

grant execute on function recsys_engine.real_numbers(double precision[]) to service_role;

revoke execute on function recsys_engine.sampled_share(regclass,integer) from public;

grant execute on function recsys_engine.sampled_share(regclass,integer) to service_role;

revoke execute on function recsys_engine.own_vectors_sql(text,integer) from public;

grant execute on function recsys_engine.own_vectors_sql(text,integer) to service_role;

revoke execute on function recsys_engine.own_vector_shapes(text) from public;

grant execute on function recsys_engine.own_vector_shapes(text) to service_role;

revoke execute on function recsys_engine.posts_with_several_vectors() from public;

grant execute on function recsys_engine.posts_with_several_vectors() to service_role;

revoke execute on function recsys_engine.own_vectors(text,text,uuid[]) from public;

grant execute on function recsys_engine.own_vectors(text,text,uuid[]) to service_role;

revoke execute on function recsys_engine.missing_vectors(text,text,uuid,integer) from public;

grant execute on function recsys_engine.missing_vectors(text,text,uuid,integer) to service_role;

revoke execute on function recsys_engine.queue_for_encoder() from public;

revoke execute on function recsys_engine.queue_replicated_row() from public;

revoke execute on function recsys_engine.follow_replication() from public;

revoke execute on function recsys_engine.titles_read(uuid[],uuid[]) from public;

grant execute on function recsys_engine.titles_read(uuid[],uuid[]) to service_role;

revoke execute on function recsys_engine.attach_impressions(text,timestamp with time zone,timestamp with time zone) from public;

revoke execute on function recsys_engine.idea_posts(integer) from public;

grant execute on function recsys_engine.idea_posts(integer) to authenticated;

revoke execute on function recsys_engine.post_audiences(uuid[]) from public;

grant execute on function recsys_engine.post_audiences(uuid[]) to service_role;

revoke execute on function recsys_engine.idea_author() from public;

grant execute on function recsys_engine.idea_author() to authenticated;

revoke execute on function recsys_engine.readable_titled_posts(uuid[]) from public;

grant execute on function recsys_engine.readable_titled_posts(uuid[]) to authenticated;

revoke execute on function recsys_engine.explain_candidate(uuid,uuid,bigint,extensions.vector,timestamp with time zone,text) from public;

grant execute on function recsys_engine.explain_candidate(uuid,uuid,bigint,extensions.vector,timestamp with time zone,text) to service_role;

revoke execute on function recsys_engine.topics_to_follow(uuid,integer,text) from public;

grant execute on function recsys_engine.topics_to_follow(uuid,integer,text) to authenticated, service_role;

revoke execute on function recsys_engine.measure_days(integer) from public;

grant execute on function recsys_engine.measure_days(integer) to service_role;

revoke execute on function recsys_engine.check_vectors() from public;

revoke execute on function recsys_engine.has_index_on(regclass,text[]) from public;

revoke execute on function recsys_engine.check_latest() from public;

revoke execute on function recsys_engine.request_readers() from public;

revoke execute on function recsys_engine.check_headers() from public;

revoke execute on function recsys_engine.common_posts(timestamp with time zone) from public;

grant execute on function recsys_engine.common_posts(timestamp with time zone) to service_role;

revoke execute on function recsys_engine.known_posts(bigint,uuid[],timestamp with time zone) from public;

grant execute on function recsys_engine.known_posts(bigint,uuid[],timestamp with time zone) to service_role;

revoke execute on function recsys_engine.with_pool(recsys_engine.feed_request,bigint,extensions.vector,boolean,double precision) from public;

grant execute on function recsys_engine.with_pool(recsys_engine.feed_request,bigint,extensions.vector,boolean,double precision) to anon, authenticated, service_role;

revoke execute on function recsys_engine.common_sources(recsys_engine.feed_request,text) from public;

grant execute on function recsys_engine.common_sources(recsys_engine.feed_request,text) to anon, authenticated, service_role;

revoke execute on function recsys_engine.given_posts(uuid,uuid[],jsonb,bigint) from public;

grant execute on function recsys_engine.given_posts(uuid,uuid[],jsonb,bigint) to anon, authenticated, service_role;

revoke execute on function recsys_engine.new_posts(uuid,timestamp with time zone,jsonb,integer) from public;

grant execute on function recsys_engine.new_posts(uuid,timestamp with time zone,jsonb,integer) to anon, authenticated, service_role;

revoke execute on function recsys_engine.posts_like(uuid,integer) from public;

grant execute on function recsys_engine.posts_like(uuid,integer) to authenticated, service_role;

revoke execute on function recsys_engine.people_near(jsonb,integer) from public;

grant execute on function recsys_engine.people_near(jsonb,integer) to service_role;

revoke execute on function recsys_engine.take_request(uuid) from public;

grant execute on function recsys_engine.take_request(uuid) to service_role;

revoke execute on function recsys_engine.trial_age() from public;

grant execute on function recsys_engine.trial_age() to service_role;

grant update on table recsys_engine.roll_up_lock to service_role;

grant update on table recsys_engine.models_lock to service_role;

grant update on table recsys_engine.publish_lock to service_role;

grant update on table recsys_engine.topics_lock to service_role;

grant update on table recsys_engine.topics_made_lock to service_role;

grant update on table recsys_engine.circles_lock to service_role;

grant update on table recsys_engine.impressions_lock to service_role;

grant update on table recsys_engine.archive_lock to service_role;

grant update on table recsys_engine.training_lock to service_role;

grant update on table recsys_engine.batch_lock to service_role;

grant update on table recsys_engine.erasure_lock to service_role;

grant update on table recsys_engine.metrics_lock to service_role;

grant select on table recsys.source_memberships to authenticated;

grant select on table recsys.source_post_scopes to service_role;

grant select (is_unindexed) on table recsys.post_embeddings to anon;

grant delete on table recsys_engine.raw_vectors to service_role;

grant insert on table recsys_engine.raw_vectors to service_role;

grant select on table recsys_engine.raw_vectors to service_role;

grant update on table recsys_engine.raw_vectors to service_role;

grant delete on table recsys_engine.vector_bases to service_role;

grant insert on table recsys_engine.vector_bases to service_role;

grant select on table recsys_engine.vector_bases to service_role;

grant update on table recsys_engine.vector_bases to service_role;

grant delete on table recsys_engine.reduced_vectors to service_role;

grant insert on table recsys_engine.reduced_vectors to service_role;

grant select on table recsys_engine.reduced_vectors to service_role;

grant update on table recsys_engine.reduced_vectors to service_role;

grant delete on table recsys_engine.raw_user_vectors to service_role;

grant insert on table recsys_engine.raw_user_vectors to service_role;

grant select on table recsys_engine.raw_user_vectors to service_role;

grant update on table recsys_engine.raw_user_vectors to service_role;

grant select on table recsys_engine.reduced_user_vectors to authenticated, service_role;

grant delete on table recsys_engine.reduced_user_vectors to service_role;

grant insert on table recsys_engine.reduced_user_vectors to service_role;

grant update on table recsys_engine.reduced_user_vectors to service_role;

grant delete on table recsys_engine.encoding_jobs to service_role;

grant insert on table recsys_engine.encoding_jobs to service_role;

grant select on table recsys_engine.encoding_jobs to service_role;

grant update on table recsys_engine.encoding_jobs to service_role;

grant select on table recsys_engine.models_without_basis to service_role;

grant delete on table recsys_engine.author_readers to service_role;

grant insert on table recsys_engine.author_readers to service_role;

grant select on table recsys_engine.author_readers to service_role;

grant update on table recsys_engine.author_readers to service_role;

grant delete on table recsys_engine.usual_newcomers to service_role;

grant insert on table recsys_engine.usual_newcomers to service_role;

grant select on table recsys_engine.usual_newcomers to service_role;

grant update on table recsys_engine.usual_newcomers to service_role;

grant delete on table recsys_engine.listed_posts to service_role;

grant insert on table recsys_engine.listed_posts to service_role;

grant select on table recsys_engine.listed_posts to service_role;

grant update on table recsys_engine.listed_posts to service_role;

grant select (post_id) on table recsys_engine.listed_posts to anon, authenticated;

grant select (created_at) on table recsys_engine.listed_posts to anon, authenticated;

grant select (waits) on table recsys_engine.listed_posts to anon, authenticated;

grant delete on table recsys_engine.index_window to service_role;

grant insert on table recsys_engine.index_window to service_role;

grant select on table recsys_engine.index_window to service_role;

grant update on table recsys_engine.index_window to service_role;

grant select on table recsys_engine.sources to anon, authenticated, service_role;

grant select on table recsys_engine.impression_partitions to service_role;

grant select on table recsys_engine.archived_days to service_role;

grant select on table recsys_engine.impersonal_people to service_role;

grant select on table recsys_engine.tried_models to service_role;

grant select on table recsys_engine.trials to service_role;

grant insert on table recsys_engine.trial_impressions to service_role;

grant select on table recsys_engine.trial_impressions to service_role;
