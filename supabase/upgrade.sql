-- What has to happen to tables and types that exist, since 1.0.0 (docs/architecture.md, "A change of the schema").

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
create type recsys_engine.reader as (
  user_id uuid, at timestamptz, feed text, passions text[], projects text[], bio text, created_at timestamptz,
  latest recsys_engine.dated_post[], history recsys_engine.dated_post[], follows uuid[]
);
comment on type recsys_engine.reader is 'What is a user''s own as of an instant: what their feed is made of (recsys_engine.feed_kind), their profile, their recsys_engine.latest_interactions and recsys_engine.user_history, and whom they follow (recsys_engine.followed_people). A visitor, and who wants no personalisation, is somebody who came at that instant. created_at null: no such user.';

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
select recsys_engine.schedule('recsys index window', '* 4 * * *', 'select recsys_engine.move_index_window()');

-- Where people and posts belong (app_views/source_views.sql).
create view recsys.source_memberships with (security_invoker = true) as
select null::uuid as user_id, null::text as scope where false;
create view recsys.source_post_scopes with (security_invoker = true) as
select null::uuid as post_id, null::text as scope where false;

-- The followed people who interacted with a post (retrieval/followed_sources.sql).
alter type recsys_engine.feed_request add attribute touchers uuid[], add attribute other_touchers uuid[], add attribute muted_titles text[], add attribute muted_descriptions text[];

-- What is popular (retrieval/sources.sql): a pool says it, too. The index is made by hand, as a table's, so its function comes with it.
alter type recsys_engine.pooled_post add attribute popularity double precision;
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
