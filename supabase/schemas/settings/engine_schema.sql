-- The two schemas. recsys is what is promised: what it has keeps its name and its meaning until a major version. recsys_engine is how that is
-- done, and may be another in each version. Neither is exposed to the Data API: only the Edge Functions, the trainer and the DBA come here.

create schema if not exists extensions;
create extension if not exists vector with schema extensions;

create schema recsys;
create schema recsys_engine;
comment on schema recsys is 'The recommender, as it is promised: the source views, settings, models, experiments, the exposure log, health and status. Not exposed to the Data API.';
comment on schema recsys_engine is 'How the recommender works: feature store, retrieval, queues. Another version may have another. Not exposed to the Data API.';
revoke all on schema recsys, recsys_engine from public;
grant usage on schema recsys, recsys_engine to authenticated, service_role;

-- dismiss_weight: on synthetic communities (npm run bench -- dismissals, 3 seeds) -4 leaves a tenth fewer pages with
-- a dismissal, and is the most that cost none of them utility gate_margin: three seeds of one training (travel-se,
-- two windows of 900 requests) lay within 0.009 in MRR, 0.011 in recall@20 and 0.013 in the heads' cross-entropy;
-- this is some way beyond
create table recsys.settings (
  only_row boolean primary key default true check (only_row),
  community_id uuid not null default gen_random_uuid(),
  clock_shift interval not null default '0',
  view_weight real not null default 0.2 check (view_weight >= 0),
  vote_weight real not null default 1 check (vote_weight >= 0),
  comment_weight real not null default 1 check (comment_weight >= 0),
  dismiss_weight real not null default -4 check (dismiss_weight <= 0),
  long_view_weight real not null default 0 check (long_view_weight >= 0),
  long_view_seconds real check (long_view_seconds > 0),
  diversity real not null default 1 check (diversity between 0 and 10),
  author_decay real not null default 0.9 check (author_decay between 0.01 and 1),
  topic_share real not null default 1 check (topic_share > 0 and topic_share <= 1),
  group_by text not null default 'language' check (length(group_by) between 1 and 50 and group_by = lower(group_by)),
  group_share real not null default 1 check (group_share > 0 and group_share <= 1),
  group_floor integer not null default 0 check (group_floor between 0 and 20),
  trial_place integer not null default 5 check (trial_place between 0 and 1000),
  trial_impressions integer not null default 50 check (trial_impressions between 0 and 1000),
  drawn_share real not null default 0 check (drawn_share between 0 and 1),
  draw_temperature real not null default 0.5 check (draw_temperature between 0.05 and 5),
  gate_margin real not null default 0.02 check (gate_margin >= 0),
  retired_models_kept integer not null default 3 check (retired_models_kept >= 1),
  unserved_models_kept interval not null default '14 days' check (unserved_models_kept >= '0'),
  requests_per_minute integer default 120 check (requests_per_minute > 0),
  impressions_per_day integer default 5000 check (impressions_per_day >= 0),
  events_per_day integer default 10000 check (events_per_day >= 0),
  text_encoder text check (text_encoder ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'),
  index_window_days integer check (index_window_days between 1 and 36500),
  impression_partition_interval text not null default 'month' check (impression_partition_interval in ('month', 'day')),
  forwarded_headers text[] not null default '{}' check (cardinality(forwarded_headers) <= 20 and array_to_string(forwarded_headers, ' ', ' ') ~ '^([a-z0-9_.-]+( [a-z0-9_.-]+)*)?$'),
  impressions_kept interval not null default '6 months' check (impressions_kept > interval '0')
);
comment on table recsys.settings is 'What an operator may change, in one row.';
comment on column recsys.settings.only_row is 'Always true: there is one row.';
comment on column recsys.settings.community_id is 'Which community this database holds; a model carries the id of the one it was trained on, and publishing compares.';
comment on column recsys.settings.clock_shift is 'How far the engine''s clock is behind the wall clock: 0 in production; the import of an archived community sets it so that its last event is now.';
comment on column recsys.settings.view_weight is
  'A post''s score is view_weight * p(view) + vote_weight * p(vote) + comment_weight * p(comment), and where predicted long_view_weight * p(long view); dismiss_weight lowers it. A change counts in the next feed and in the listwise loss of the next training.';
comment on column recsys.settings.vote_weight is 'What a vote counts in the score, and in the next training, compared with a view and a comment.';
comment on column recsys.settings.comment_weight is 'What a comment counts in the score, and in the next training.';
comment on column recsys.settings.dismiss_weight is 'What it costs that a post is dismissed, 0 or below: a post of value g loses -dismiss_weight * p(dismiss) = l of it, and since a score is never negative exp(-l / g) of it is left, which for small l is g - l. Counts where the model has the head (recsys.models.heads). 0: nothing.';
comment on column recsys.settings.long_view_weight is 'What a view of long_view_seconds or more counts in the score, in addition to the view itself. Counts where the model has the head. 0: nothing.';
comment on column recsys.settings.long_view_seconds is 'From how many seconds on a view (the value of recsys.source_interactions) is a long one. Null: time spent does not count, and models trained from now on do not predict it.';
comment on column recsys.settings.diversity is
  'The loss of a post by similarity to one above it on the page: exp(-diversity * cosine of their vectors) of its score is left. For a user with n < 10 posts in their history n / 10 of it counts. 0: nothing.';
comment on column recsys.settings.author_decay is 'What is left of a post''s score for each post of its author that stands above it in a page. Below 1 an author with a tenth of the page, two posts at least, also stands behind all others. 1: everything is left.';
comment on column recsys.settings.topic_share is 'At most this share of a page, and one post at least, comes from one topic (recsys_engine.topics), as long as others are among its candidates. 1: as many as there are, and nothing is looked up for it.';
comment on column recsys.settings.group_by is 'To which group a post belongs: language, that of its language; or the beginning, in small letters, of the tag that names it, such as group: for posts with a tag like group:cooking.';
comment on column recsys.settings.group_share is 'At most this share of a page, and one post at least, comes from one group (group_by), as long as others are among its candidates. 1: as many as there are, and nothing is looked up for it.';
comment on column recsys.settings.group_floor is 'So many posts of the smallest groups are among the candidates of each feed, besides what its sources bring: of the groups whose authors are together at most a tenth of those of the last 28 days. 0: none.';
comment on column recsys.settings.trial_place is 'The first place of a feed that goes to a post under trial, and from there on every 20th, no more than one a page; those above it never do. 0: none.';
comment on column recsys.settings.trial_impressions is 'To how many people a post of the last 7 days (recsys_engine.exploration_max_age()) is shown before its trial is over. 0: no post is tried, and nothing is counted.';
comment on column recsys.settings.drawn_share is 'The chance with which a place of a signed-in person''s feed is drawn from the best candidates and not given to the best of them, each place by itself: what recsys.off_policy learns from. 0: none.';
comment on column recsys.settings.draw_temperature is 'How wide a drawn place is drawn: a candidate''s chance is proportional to score^(1 / draw_temperature), with the score as diversity and author_decay leave it. 0.05: nearly always the best; 5: nearly any.';
comment on column recsys.settings.gate_margin is 'How much worse than the active model a new one may be in a metric on requests that neither learned from, before the gate rejects it; beyond chance. 1000 lets every sound model pass.';
comment on column recsys.settings.retired_models_kept is 'How many retired models stay for a rollback, the latest that served; earlier ones are dropped with their vectors.';
comment on column recsys.settings.unserved_models_kept is 'How long a model stays that no rollback returns to: rejected, rolled back, or ready and never activated.';
comment on column recsys.settings.requests_per_minute is 'How many requests a person may send in a minute, to all functions together; who has been quiet for a minute may send them at once. More get 429. Null: no limit.';
comment on column recsys.settings.impressions_per_day is 'How many impressions of a person are kept a day (UTC); more are counted in recsys_engine.user_days and not kept. Null: all.';
comment on column recsys.settings.events_per_day is 'How many events of a person, sent to the function `events`, are kept a day (UTC), where a comment counts as one more for each 500 bytes; more are counted in recsys_engine.user_days and not kept. Null: all.';
comment on column recsys.settings.impressions_kept is 'How long impressions are kept at least. They go by whole partitions, so up to a month longer, or a day.';
comment on column recsys.settings.index_window_days is
  'Posts older than so many days, without interactions of others in that time, are not in the HNSW index: recsys_engine.advance_index_window() removes them at night, and the roll-up adds posts with new interactions. Feeds find them by other sources. Null: all posts are in it.';
comment on column recsys.settings.impression_partition_interval is 'What a partition of recsys.impressions holds: month, or day for a log so large that its days are archived (npx --no-install recsys archive). A change counts from the first month that has no row yet, and from recsys_engine.make_impression_partitions(), which runs each night.';
comment on column recsys.settings.text_encoder is 'Which model makes a vector of each post, for an app that keeps none itself: gte-small (English, 384 numbers), which the platform has, or the name of a folder with a model of your own, which a worker is given (RECSYS_ENCODERS). Where neither has it they say so. Null: none is made.';
comment on column recsys.settings.forwarded_headers is 'Which headers of a request the functions hand on to policies, by their names in lower case: as current_setting(''request.headers'', true)::json, where PostgREST has all of them. A change holds within a minute. A cookie, a token or a key is handed on only where it is named.';
insert into recsys.settings default values;

create function recsys.version() returns text
language sql immutable security invoker
return '1.0.0';
comment on function recsys.version() is 'The version of this schema: that of the command line and the functions that go with it (npx --no-install recsys doctor).';
revoke all on function recsys.version() from public;
grant execute on function recsys.version() to service_role;

create function recsys_engine.is_leased(p_until timestamptz) returns boolean
language sql stable security invoker
-- nothing is leased or put off for longer than 64 minutes and a lease
return coalesce(p_until > pg_catalog.now() and p_until <= pg_catalog.now() + interval '3 hours', false);
comment on function recsys_engine.is_leased(timestamptz) is 'Whether a lease, or a time until which something waits, holds still: one that ends more than 3 hours from now was set while the clock was ahead, and counts as over.';
revoke all on function recsys_engine.is_leased(timestamptz) from public;
grant execute on function recsys_engine.is_leased(timestamptz) to service_role;

alter table recsys.settings enable row level security;
create policy "settings are readable" on recsys.settings for select to authenticated using (true);
grant select on recsys.settings to authenticated;
grant select, update on recsys.settings to service_role;

create view recsys_engine.feed_settings with (security_invoker = true) as
select
  view_weight, vote_weight, comment_weight, dismiss_weight, long_view_weight, diversity, author_decay, topic_share, group_by, group_share, group_floor, trial_place, trial_impressions, drawn_share, draw_temperature
from recsys.settings;
comment on view recsys_engine.feed_settings is 'The settings that a feed reads, which an experiment may override for the people of a variant (recsys_engine.validate_experiment_settings).';
do $$
declare
  each_column record;
begin
  for each_column in
    select shown.attname as name, pg_catalog.col_description(settings.attrelid, settings.attnum) as comment
    from pg_catalog.pg_attribute as shown
    join pg_catalog.pg_attribute as settings on settings.attrelid = 'recsys.settings'::regclass and settings.attname = shown.attname
    where shown.attrelid = 'recsys_engine.feed_settings'::regclass
  loop
    execute format('comment on column recsys_engine.feed_settings.%I is %L', each_column.name, each_column.comment);
  end loop;
end
$$;
grant select on recsys_engine.feed_settings to authenticated, service_role;

create view recsys_engine.heads with (security_invoker = true) as
select listed.head, listed.place, listed.is_optional, listed.acts, listed.is_loss, listed.is_known
from (
  values
    ('view', 1, false, 'views', false, true),
    ('vote', 2, false, 'votes', false, true),
    ('comment', 3, false, 'comments', false, true),
    ('dismiss', 4, true, 'dismissals', true, true),
    ('long_view', 5, true, 'long views', false, (select settings.long_view_seconds is not null from recsys.settings))
) as listed (head, place, is_optional, acts, is_loss, is_known);
comment on view recsys_engine.heads is 'What a ranker may predict that people do with a post; each has a weight in recsys.settings. The same list as in functions/_shared/features/kinds.ts.';
comment on column recsys_engine.heads.head is 'Its name.';
comment on column recsys_engine.heads.place is 'Its place among the columns of a ranker''s graph, where it has them all.';
comment on column recsys_engine.heads.is_optional is 'A model has it only where it was trained on enough of them.';
comment on column recsys_engine.heads.acts is 'What people do, in words.';
comment on column recsys_engine.heads.is_loss is 'Fewer are better.';
comment on column recsys_engine.heads.is_known is 'Whether these acts are told apart from others.';
grant select on recsys_engine.heads to service_role;

create function recsys_engine.are_heads(p_heads text[]) returns boolean
language sql immutable security invoker set search_path = ''
return p_heads = array(select heads.head from recsys_engine.heads where not heads.is_optional or heads.head = any (p_heads) order by heads.place);
comment on function recsys_engine.are_heads(text[]) is 'Whether a ranker may have these heads: all that are not optional, and after them some of the others, in their order.';
revoke all on function recsys_engine.are_heads(text[]) from public;
grant execute on function recsys_engine.are_heads(text[]) to service_role;

create table recsys_engine.imports (
  bundle_digest text primary key,
  imported_at timestamptz not null default now(),
  is_whole boolean not null default true
);
comment on table recsys_engine.imports is 'Which community bundles this database holds, by the sha256 of their files.';
comment on column recsys_engine.imports.bundle_digest is 'sha256 of the bundle''s files, in hex.';
comment on column recsys_engine.imports.imported_at is 'When it was imported.';
comment on column recsys_engine.imports.is_whole is 'False: feeds are served of it, and its import goes on or was cut off; another import of the same ends it.';
alter table recsys_engine.imports enable row level security;
grant select, insert on recsys_engine.imports to service_role;

create function recsys.clock() returns timestamptz
language sql stable security invoker set search_path = ''
as $$ select now() - (select clock_shift from recsys.settings) $$;
comment on function recsys.clock() is 'The instant for which the engine recommends: now(), minus settings.clock_shift.';
revoke all on function recsys.clock() from public;
grant execute on function recsys.clock() to authenticated, service_role;
