-- The recommender, the whole schema. Written by `npm run types` from supabase/schemas and supabase/upgrade.sql: change those.

-- 01_settings/01_engine_schema.sql

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

-- dismiss_weight: on synthetic communities (npm run bench -- dismissals, 3 seeds) -4 leaves a tenth fewer pages with a dismissal, and is the most that
-- cost none of them utility
-- gate_margin: three seeds of one training (travel-se, two windows of 900 requests) lay within .009 in MRR, .011 in recall@20 and
-- .013 in the heads' cross-entropy; this is some way beyond
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
  impressions_kept interval not null default '6 months' check (impressions_kept > interval '0')
);
comment on table recsys.settings is 'What an operator may change, in one row.';
comment on column recsys.settings.only_row is 'Always true: there is one row.';
comment on column recsys.settings.community_id is 'Which community this database holds; a model carries the id of the one it was trained on, and publishing compares.';
comment on column recsys.settings.clock_shift is 'How far the engine''s clock is behind the wall clock: 0 in production; the import of an archived community sets it so that its last event is now.';
comment on column recsys.settings.view_weight is 'The score of a post is view_weight * p(view) + vote_weight * p(vote) + comment_weight * p(comment), and of a model that predicts it long_view_weight * p(long view); and what speaks against the post makes it less, see dismiss_weight. A change of these three counts in the next feed, and in what the next training learns to put first: its listwise loss has the same weights.';
comment on column recsys.settings.vote_weight is 'What a vote counts in the score, and in the next training, compared with a view and a comment.';
comment on column recsys.settings.comment_weight is 'What a comment counts in the score, and in the next training.';
comment on column recsys.settings.dismiss_weight is 'What it costs that a post is dismissed, 0 or below: a post of value g loses -dismiss_weight * p(dismiss) = l of it, and since a score is never negative exp(-l / g) of it is left, which for small l is g - l. Counts where the model has the head (recsys.models.heads). 0: nothing.';
comment on column recsys.settings.long_view_weight is 'What a view of long_view_seconds or more counts in the score, in addition to the view itself. Counts where the model has the head. 0: nothing.';
comment on column recsys.settings.long_view_seconds is 'From how many seconds on a view (the value of recsys.source_interactions) is a long one. Null: time spent does not count, and models trained from now on do not predict it.';
comment on column recsys.settings.diversity is 'How much a post loses in a page by being like one above it: exp(-diversity * cosine of their vectors) of its score is left. Of somebody whose history has n posts, fewer than ten, n / 10 of it counts. 0: nothing.';
comment on column recsys.settings.author_decay is 'What is left of a post''s score for each post of its author that stands above it in a page. Below 1 an author with a tenth of the page, two posts at least, also stands behind all others. 1: everything is left.';
comment on column recsys.settings.topic_share is 'At most this share of a page, and one post at least, comes from one topic (recsys_engine.topics), as long as others are among its candidates. 1: as many as there are, and nothing is looked up for it.';
comment on column recsys.settings.group_by is 'To which group a post belongs: language, that of its language; or the beginning, in small letters, of the tag that names it, such as group: for posts with a tag like group:cooking.';
comment on column recsys.settings.group_share is 'At most this share of a page, and one post at least, comes from one group (group_by), as long as others are among its candidates. 1: as many as there are, and nothing is looked up for it.';
comment on column recsys.settings.group_floor is 'So many posts of the smallest groups are among the candidates of each feed, besides what its sources bring: of the groups whose authors are together at most a tenth of those of the last 28 days. 0: none.';
comment on column recsys.settings.trial_place is 'The first place of a feed that goes to a post under trial, and from there on every 20th, no more than one a page; those above it never do. 0: none.';
comment on column recsys.settings.trial_impressions is 'To how many people a post of the last 7 days (recsys_engine.trial_age()) is shown before its trial is over. 0: no post is tried, and nothing is counted.';
comment on column recsys.settings.drawn_share is 'The chance with which a place of a signed-in person''s feed is drawn from the best candidates and not given to the best of them, each place by itself: what recsys.off_policy learns from. 0: none.';
comment on column recsys.settings.draw_temperature is 'How wide a drawn place is drawn: a candidate''s chance is proportional to score^(1 / draw_temperature), with the score as diversity and author_decay leave it. 0.05: nearly always the best; 5: nearly any.';
comment on column recsys.settings.gate_margin is 'How much worse than the active model a new one may be in a metric on requests that neither learned from, before the gate rejects it; beyond chance. 1000 lets every sound model pass.';
comment on column recsys.settings.retired_models_kept is 'How many retired models stay for a rollback, the latest that served; earlier ones are dropped with their vectors.';
comment on column recsys.settings.unserved_models_kept is 'How long a model stays that no rollback returns to: rejected, rolled back, or ready and never activated.';
comment on column recsys.settings.requests_per_minute is 'How many requests a person may send in a minute, to all functions together; who has been quiet for a minute may send them at once. More get 429. Null: no limit.';
comment on column recsys.settings.impressions_per_day is 'How many impressions of a person are kept a day (UTC); more are counted in recsys_engine.user_days and not kept. Null: all.';
comment on column recsys.settings.events_per_day is 'How many events of a person, sent to the function `events`, are kept a day (UTC), where a comment counts as one more for each 500 bytes; more are counted in recsys_engine.user_days and not kept. Null: all.';
comment on column recsys.settings.impressions_kept is 'How long impressions are kept at least. They go by whole months, so up to a month longer.';
insert into recsys.settings default values;

create function recsys.version() returns text
language sql immutable security invoker
return '1.0.0';
comment on function recsys.version() is 'The version of this schema: that of the command line and the functions that go with it (npx recsys doctor).';
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
comment on view recsys_engine.feed_settings is 'The settings that a feed reads, which an experiment may override for the people of a variant (recsys_engine.checked_settings).';
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
  imported_at timestamptz not null default now()
);
comment on table recsys_engine.imports is 'Which community bundles this database holds, by the sha256 of their files.';
comment on column recsys_engine.imports.bundle_digest is 'sha256 of the bundle''s files, in hex.';
comment on column recsys_engine.imports.imported_at is 'When it was imported.';
alter table recsys_engine.imports enable row level security;
grant select, insert on recsys_engine.imports to service_role;

create function recsys.clock() returns timestamptz
language sql stable security invoker set search_path = ''
as $$ select now() - (select clock_shift from recsys.settings) $$;
comment on function recsys.clock() is 'The instant for which the engine recommends: now(), minus settings.clock_shift.';
revoke all on function recsys.clock() from public;
grant execute on function recsys.clock() to authenticated, service_role;


-- 01_settings/02_schedules.sql

-- What pg_cron does by itself, and how a DBA lists, pauses and changes it. Where pg_cron cannot run (the embedded database, a copy
-- for tests) nothing is scheduled, `recsys serve` does what cannot wait, and the list says what is left to another scheduler.

do $$
begin
  if exists (select from pg_available_extensions where name = 'pg_cron')
    and current_setting('cron.database_name', true) = current_database() then
    create extension if not exists pg_cron;
  end if;
end
$$;

-- definer: the service may not read pg_cron's settings
create function recsys_engine.has_cron() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select coalesce(current_setting('cron.database_name', true) = current_database(), false)
    and to_regclass('cron.job') is not null
$$;
comment on function recsys_engine.has_cron() is 'Whether pg_cron runs jobs in this database: its tables are in one database of a cluster.';

create table recsys_engine.planned_schedules (
  name text primary key,
  schedule text not null,
  command text not null
);
comment on table recsys_engine.planned_schedules is 'What the migrations schedule, kept for whoever has to do it where pg_cron is missing; recsys.schedules shows it.';
comment on column recsys_engine.planned_schedules.name is 'Its name, which begins with "recsys ".';
comment on column recsys_engine.planned_schedules.schedule is 'When: an interval in seconds, or minute, hour, day, month and weekday in GMT.';
comment on column recsys_engine.planned_schedules.command is 'What is to be run.';
alter table recsys_engine.planned_schedules enable row level security;

create function recsys_engine.schedule(p_name text, p_schedule text, p_command text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  if p_name is null or p_name not like 'recsys %' then
    raise exception 'the name of a schedule begins with "recsys ", not %', coalesce(quote_literal(p_name), 'null');
  end if;
  insert into recsys_engine.planned_schedules (name, schedule, command) values (p_name, p_schedule, p_command)
  on conflict (name) do update set schedule = excluded.schedule, command = excluded.command;
  if recsys_engine.has_cron() then
    perform cron.schedule(p_name, p_schedule, p_command);
  end if;
end
$$;
comment on function recsys_engine.schedule(text, text, text) is 'Has pg_cron run a command; where pg_cron is missing it only notes what would be run. p_name begins with "recsys ", p_schedule is "10 seconds" or five fields as in cron (times are GMT), p_command is one call of a function of recsys, whose comment says what it is for.';

create function recsys_engine.purpose_of(p_command text) returns text
language sql stable security invoker set search_path = ''
-- up to the first comma, semicolon, bracket or full stop that ends a part of the sentence
as $$ select substring(obj_description(to_regproc(substring(p_command from 'recsys(?:_engine)?\.\w+')), 'pg_proc') from '^.*?(?=[,;:] | \(|\. |\.?$)') $$;
comment on function recsys_engine.purpose_of(text) is 'What a scheduled command is for: the beginning of the comment of the function that it calls.';

-- definer: pg_cron shows jobs to their owner alone, and this to the service too
create function recsys_engine.read_schedules()
returns table (name text, purpose text, schedule text, command text, is_active boolean, last_run_at timestamptz, last_took interval, last_result text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not recsys_engine.has_cron() then
    return query
    select planned.name, recsys_engine.purpose_of(planned.command), planned.schedule, planned.command, false, null::timestamptz, null::interval, null::text
    from recsys_engine.planned_schedules as planned
    order by planned.name;
    return;
  end if;
  return query
  select
    job.jobname,
    recsys_engine.purpose_of(job.command),
    job.schedule, job.command, job.active,
    run.start_time, run.end_time - run.start_time,
    case run.status when 'failed' then concat_ws(': ', run.status, nullif(btrim(run.return_message, E' \n'), '')) else run.status end
  from cron.job
  left join (
    select details.jobid, max(details.runid) as runid from cron.job_run_details as details
    where details.jobid in (select own.jobid from cron.job as own where own.jobname like 'recsys %')
    group by details.jobid
  ) as last on last.jobid = job.jobid
  left join cron.job_run_details as run on run.runid = last.runid
  where job.jobname like 'recsys %' and job.database = current_database()
  order by job.jobname;
end
$$;
comment on function recsys_engine.read_schedules() is 'The rows of recsys.schedules.';

create view recsys.schedules with (security_invoker = true) as
select name, purpose, schedule, command, is_active, last_run_at, last_took, last_result from recsys_engine.read_schedules();
comment on view recsys.schedules is 'What pg_cron does for the engine, when, and how it went last; where pg_cron is missing, what another scheduler is to do, of which nothing is active. To change it: recsys.pause(name), recsys.resume(name), recsys.reschedule(name, schedule).';
comment on column recsys.schedules.name is 'Its name, also in cron.job.';
comment on column recsys.schedules.purpose is 'What it is for: the beginning of the comment of the function that it calls.';
comment on column recsys.schedules.schedule is 'When: an interval in seconds, or minute, hour, day, month and weekday in GMT.';
comment on column recsys.schedules.command is 'What is run.';
comment on column recsys.schedules.is_active is 'False: paused, or pg_cron is missing.';
comment on column recsys.schedules.last_run_at is 'When it last began; null: not yet, or longer ago than its history is kept.';
comment on column recsys.schedules.last_took is 'How long that run took; null: it has not ended.';
comment on column recsys.schedules.last_result is 'How it ended: succeeded, or failed and why; what pg_cron says while it runs.';

create function recsys_engine.schedule_id(p_name text) returns bigint
language plpgsql stable security invoker set search_path = ''
as $$
declare
  id bigint;
begin
  if not recsys_engine.has_cron() then
    raise exception 'pg_cron does not run in this database, so nothing is scheduled';
  end if;
  select jobid into id from cron.job where jobname = p_name and jobname like 'recsys %' and database = current_database();
  if id is null then
    raise exception 'nothing is scheduled as %', coalesce(quote_literal(p_name), 'null') using hint = 'select name from recsys.schedules';
  end if;
  return id;
end
$$;
comment on function recsys_engine.schedule_id(text) is 'The jobid by which pg_cron knows a schedule. Raises where there is none of that name.';

create function recsys.pause(p_name text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  id constant bigint := recsys_engine.schedule_id(p_name);
begin
  perform cron.alter_job(id, active => false);
end
$$;
comment on function recsys.pause(text) is 'Stops a schedule until recsys.resume(name); a run in progress ends by itself.';

create function recsys.resume(p_name text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  id constant bigint := recsys_engine.schedule_id(p_name);
begin
  perform cron.alter_job(id, active => true);
end
$$;
comment on function recsys.resume(text) is 'Lets a paused schedule run again.';

create function recsys.reschedule(p_name text, p_schedule text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  id constant bigint := recsys_engine.schedule_id(p_name);
begin
  perform cron.alter_job(id, schedule => p_schedule);
end
$$;
comment on function recsys.reschedule(text, text) is 'Changes when a schedule runs: "30 seconds", or minute, hour, day, month and weekday in GMT.';

create function recsys_engine.purge_cron_history() returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  purged bigint;
begin
  if not recsys_engine.has_cron() then
    return 0::bigint;
  end if;
  delete from cron.job_run_details
  where coalesce(end_time, start_time) < now() - interval '7 days'
    -- what else pg_cron does in this cluster is others' to keep
    and jobid in (select jobid from cron.job where jobname like 'recsys %' and database = current_database());
  get diagnostics purged = row_count;
  return purged;
end
$$;
comment on function recsys_engine.purge_cron_history() is 'Deletes what pg_cron noted of runs of the engine''s own schedules more than 7 days ago, and returns how many; pg_cron itself never does, and every 10 seconds are 8,640 runs a day.';

revoke all on function recsys_engine.has_cron(), recsys_engine.purpose_of(text), recsys_engine.schedule(text, text, text), recsys_engine.read_schedules(), recsys_engine.schedule_id(text), recsys.pause(text), recsys.resume(text),
  recsys.reschedule(text, text), recsys_engine.purge_cron_history() from public;
-- to schedule, pause and change is the owner's
grant execute on function recsys_engine.has_cron(), recsys_engine.purpose_of(text), recsys_engine.read_schedules() to service_role;
grant select on recsys_engine.planned_schedules, recsys.schedules to service_role;


-- 02_app_views/01_dismissals.sql

-- What people said they do not want to be shown. An app that has such a table already leaves this one empty and names its own in
-- recsys.source_dismissals (20261125000300_example_views.sql).

create table recsys.dismissals (
  user_id uuid not null,
  post_id uuid not null,
  created_at timestamptz not null check (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z'),
  primary key (user_id, post_id)
);
comment on table recsys.dismissals is 'Posts that a person called "not interesting": none of them is recommended to that person again.';
comment on column recsys.dismissals.user_id is 'Who dismissed the post.';
comment on column recsys.dismissals.post_id is 'The post, which may be gone by now.';
comment on column recsys.dismissals.created_at is 'When, by the engine''s clock (recsys.clock()).';
-- a feed reads the latest
create index dismissals_user_id_created_at_idx on recsys.dismissals (user_id, created_at desc);
-- a deleted post is erased from here too
create index dismissals_post_id_idx on recsys.dismissals (post_id);
alter table recsys.dismissals enable row level security;
create policy "people read their own dismissals" on recsys.dismissals for select to authenticated using (user_id = (select auth.uid()));
create policy "people dismiss for themselves" on recsys.dismissals for insert to authenticated
  with check (user_id = (select auth.uid()) and created_at <= now() + interval '5 minutes');
create policy "people take back their own dismissals" on recsys.dismissals for delete to authenticated using (user_id = (select auth.uid()));
grant select, insert, delete on recsys.dismissals to authenticated;
grant select, insert, update, delete on recsys.dismissals to service_role;


-- 02_app_views/02_source_views.sql

-- The seam between an app and the engine: ten views. An app redefines them over its own tables by "create or replace view", as
-- 20261125000300_example_views.sql does for the example app, and nothing else; until then they are empty.
-- They are security_invoker, so whoever reads them sees what the app's own row level security lets them see. "create or replace view" drops
-- that where it is not said again: recsys_engine.require_invoker_views() then refuses every feed.
--
-- Whatever the app's tables let in, nothing that these views show may end or slow the feeds of others, so an app's views keep:
-- - times are from 1990 to 2199: one view at -infinity made features of other posts infinite. "is true" hides from the planner that this is
--   a range; with it, it expected 1 row in 200 behind any instant, took indexes at random, and 500 new events on top of a million took 15
--   times as long;
-- - a text has at most so many letters, a list so many entries, none of them null: a title of 5 MB made every feed that held it 3 to
--   7 times slower. These limits are what trainer and functions read; the towers hash the first 8 to 64 different words of each.
-- A text or list that is null is read as an empty one.
-- A time to come is shown as it is: to leave it out until then would change what is there without any change to queue. So whoever
-- lets people write times into an app's tables refuses those to come, as the policies of the example app do.

create view recsys.source_users with (security_invoker = true) as
select null::uuid as user_id, null::text as external_id, null::text[] as passions, null::text[] as projects, null::text as bio, null::timestamptz as created_at where false;
comment on view recsys.source_users is 'People who get recommendations: (user_id, external_id, passions, projects, bio, created_at).';
comment on column recsys.source_users.user_id is 'The person: auth.uid() of their requests.';
comment on column recsys.source_users.external_id is 'The id they had in an imported bundle; null: none.';
comment on column recsys.source_users.passions is 'What they say they care about; the user tower reads it.';
comment on column recsys.source_users.projects is 'Titles of what they work on; the user tower reads them.';
comment on column recsys.source_users.bio is 'What they say of themselves; the user tower reads it.';
comment on column recsys.source_users.created_at is 'When they signed up.';

create view recsys.source_posts with (security_invoker = true) as
select null::uuid as post_id, null::text as external_id, null::uuid as author_id, null::text as title, null::text as description, null::text[] as tags, null::timestamptz as created_at, null::text as language where false;
comment on view recsys.source_posts is 'Posts that may be recommended: (post_id, external_id, author_id, title, description, tags, created_at, language). Rows a caller may not read are never recommended to them.';
comment on column recsys.source_posts.post_id is 'The post.';
comment on column recsys.source_posts.external_id is 'The id it had in an imported bundle; null: none.';
comment on column recsys.source_posts.author_id is 'Who wrote it, to whom it is not recommended; null: nobody who is known.';
comment on column recsys.source_posts.title is 'Its title; the post tower reads it.';
comment on column recsys.source_posts.description is 'Its text; the post tower reads it.';
comment on column recsys.source_posts.tags is 'What it is about; the post tower reads them.';
comment on column recsys.source_posts.created_at is 'When it was written; one of the future is not recommended yet.';
comment on column recsys.source_posts.language is 'Its language as a BCP 47 tag in small letters, such as en; null: unknown, or the app does not say. Only filters read it.';

create view recsys.source_interactions with (security_invoker = true) as
select null::bigint as interaction_id, null::uuid as user_id, null::uuid as post_id, null::text as kind, null::real as value, null::timestamptz as created_at, null::real as weight where false;
comment on view recsys.source_interactions is 'What people did with posts: (interaction_id, user_id, post_id, kind in view | vote | comment, value, created_at, weight), without votes against it. interaction_id is unique over all kinds and breaks ties of created_at.';
comment on column recsys.source_interactions.interaction_id is 'Unique over all kinds; of equal times the lower one came first.';
comment on column recsys.source_interactions.user_id is 'Who did it.';
comment on column recsys.source_interactions.post_id is 'With which post.';
comment on column recsys.source_interactions.kind is 'view, vote or comment.';
comment on column recsys.source_interactions.value is 'Of a view the seconds it took, of others a strength or rating; null: none. The engine reads that of views, where recsys.settings.long_view_seconds says so.';
comment on column recsys.source_interactions.created_at is 'When.';
comment on column recsys.source_interactions.weight is 'How much it counts compared with others of its kind, above 0 and at most 1000, such as recsys.kinds.weight of the app''s own word for it; null: 1. The next training from scratch learns from it what to put first; counts, probabilities and reports know nothing of it.';

create view recsys.source_logins with (security_invoker = true) as
select null::bigint as login_id, null::uuid as user_id, null::timestamptz as created_at where false;
comment on view recsys.source_logins is 'When people came back: (login_id, user_id, created_at).';
comment on column recsys.source_logins.login_id is 'Its number.';
comment on column recsys.source_logins.user_id is 'Who came back.';
comment on column recsys.source_logins.created_at is 'When.';

create view recsys.source_dismissals with (security_invoker = true) as
select dismissals.user_id, dismissals.post_id, dismissals.created_at from recsys.dismissals;
comment on view recsys.source_dismissals is 'What people do not want to be shown: (user_id, post_id, created_at). Dismissed posts and those voted against; they leave the feed of that person at once and are no interactions.';
comment on column recsys.source_dismissals.user_id is 'Who does not want it.';
comment on column recsys.source_dismissals.post_id is 'Which post.';
comment on column recsys.source_dismissals.created_at is 'Since when.';

create view recsys.source_mutes with (security_invoker = true) as
select null::uuid as user_id, null::text as kind, null::text as value, null::timestamptz as created_at where false;
comment on view recsys.source_mutes is 'People, words and topics of which somebody wants to see nothing: (user_id, kind in person | word | topic, value, created_at). They hold in every answer to that person. Of each user 10,000 people, 100 words and 100 topics are read. Empty in an app without such a table.';
comment on column recsys.source_mutes.user_id is 'Who does not want to see it.';
comment on column recsys.source_mutes.kind is 'person: an author. word: a word or phrase in title or tags. topic: a tag.';
comment on column recsys.source_mutes.value is 'The author''s id as text; the word, phrase or tag, of which 100 letters are read. Capital or small letters are the same.';
comment on column recsys.source_mutes.created_at is 'Since when; null: the app does not say. A ranker learns from mutes that came within an hour of a shown post; what is muted is left out whatever it is.';

create view recsys.source_follows with (security_invoker = true) as
select null::uuid as user_id, null::text as kind, null::text as target, null::timestamptz as created_at where false;
comment on view recsys.source_follows is 'Whom and what people follow: (user_id, kind in person | topic | group, target, created_at). Of each user the latest 1,000 people are read: their posts come first among those of followed authors, and what they came to is a source of its own. Of the latest 100 topics and groups the 10 in which somebody wrote last are read: their newest posts have every second turn among those of followed authors. Empty in an app without such a table.';
comment on column recsys.source_follows.user_id is 'Who follows.';
comment on column recsys.source_follows.kind is 'person: an author. topic: a tag. group: whatever else posts belong to, where recsys.source_posts shows it among their tags; it is read as a topic.';
comment on column recsys.source_follows.target is 'The person''s id as text; the tag, or the group as tags name it, of which 100 letters are read. Capital or small letters are the same.';
comment on column recsys.source_follows.created_at is 'Since when; null: the app does not say, and they count as followed from the beginning. Training believes that nobody was followed before.';

create view recsys.source_preferences with (security_invoker = true) as
select null::uuid as user_id, null::text as kind, null::text as value where false;
comment on view recsys.source_preferences is 'What people decided about their own feed: (user_id, kind in feed | more | less | hide, value). Of each user 100 topics of each kind are read. Empty in an app without such a table.';
comment on column recsys.source_preferences.user_id is 'Whose feed.';
comment on column recsys.source_preferences.kind is 'feed: what it is made of. more, less: of a topic they want more or less. hide: what they want to see nothing of.';
comment on column recsys.source_preferences.value is 'Of feed: following (the newest posts of whom and what they follow, in order of time) or impersonal (nothing of theirs is read but what they muted, and nothing learned from them); whatever else: a personal one. Of more and less: the tag, of which 100 letters are read. Capital or small letters are the same. Of hide: reposts, what is one conversation with a post that they came to, dismissed or saw, by its title or recsys.source_conversations.';

create view recsys.source_withheld with (security_invoker = true) as
select null::uuid as post_id, null::uuid as author_id where false;
comment on view recsys.source_withheld is 'What is recommended to nobody but those who follow its author: (post_id, author_id), a row for a post or for all posts of an author, the other null. Authors say it, or moderation. Everybody has to be able to read it. Empty in an app without such a table.';
comment on column recsys.source_withheld.post_id is 'The post; null: all posts of the author.';
comment on column recsys.source_withheld.author_id is 'The author; null: the post alone.';

create view recsys.source_conversations with (security_invoker = true) as
select null::uuid as post_id, null::text as conversation where false;
comment on view recsys.source_conversations is 'Which posts are one conversation: (post_id, conversation), one row for a post at most. A page has one of them, and says how many more there are. Posts with the same title are one without it. Read by the service role alone, of posts that the reader may read. Empty in an app that does not say.';
comment on column recsys.source_conversations.post_id is 'The post.';
comment on column recsys.source_conversations.conversation is 'The same for all posts of one: the link that they share, or the id of the post that they answer or repost, also for that post itself; null: of none.';

grant select on recsys.source_users, recsys.source_posts, recsys.source_interactions, recsys.source_logins, recsys.source_dismissals, recsys.source_mutes, recsys.source_follows, recsys.source_preferences, recsys.source_withheld, recsys.source_conversations to authenticated, service_role;


-- 02_app_views/03_app_ids.sql

-- Ids of apps whose posts have numbers or texts for keys. The engine knows a post by a uuid; these make one of the app's id, and turn it back.
-- A number is in the uuid itself (RFC 9562, version 8: whatever its maker wants), so turning it back asks nothing. A text may be longer
-- than a uuid, so its hash stands for it, and source_posts.external_id, read under the caller's role, says which it was: a table of ids next to
-- the app's would have to follow every insertion, and be hidden and erased with each post.

-- inlined where it is asked, so that an index on recsys.id_of(id) is found
create function recsys.id_of(p_id bigint) returns uuid
language sql immutable security invoker
return pg_catalog.overlay('7265637379738' || '00' || pg_catalog.lpad(pg_catalog.to_hex(p_id), 16, '0'), '8', 17, 0)::uuid;
comment on function recsys.id_of(bigint) is 'The uuid that stands for a post with a number for its id: 72656373-7973-8000-8000-000000000001 for 1. recsys.app_id turns it back. Null: null.';

create function recsys.id_of(p_id text) returns uuid
language sql immutable security invoker
return pg_catalog.overlay(pg_catalog.overlay(
  pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p_id, 'UTF8')), 'hex'), 1, 32), '8', 13, 1
), '8', 17, 1)::uuid;
comment on function recsys.id_of(text) is 'The uuid that stands for a post with a text for its id, such as a slug: 120 bits of its sha256. The view shows the text as external_id, by which recsys.app_id turns it back. Null: null.';

-- the same digits with 9 for 8, as no post has them
create function recsys.person_id_of(p_id bigint) returns uuid
language sql immutable security invoker
return pg_catalog.overlay('7265637379738' || '00' || pg_catalog.lpad(pg_catalog.to_hex(p_id), 16, '0'), '9', 17, 0)::uuid;
comment on function recsys.person_id_of(bigint) is 'The uuid that stands for a person with a number for a key and no account: 72656373-7973-8000-9000-000000000001 for 1. No post has it. Null: null.';

create function recsys.person_id_of(p_id text) returns uuid
language sql immutable security invoker
return pg_catalog.overlay(pg_catalog.overlay(
  pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p_id, 'UTF8')), 'hex'), 1, 32), '8', 13, 1
), '9', 17, 1)::uuid;
comment on function recsys.person_id_of(text) is 'The uuid that stands for a person with a text for a key and no account: 120 bits of its sha256. No post has it. Null: null.';

create function recsys.app_id(p_id uuid, p_external_id text default null) returns text
language sql immutable security invoker
return case
  when p_id::text like '72656373-7973-800_-8%' then
    ('x' || pg_catalog.substr(p_id::text, 18, 1) || pg_catalog.substr(p_id::text, 21, 3) || pg_catalog.substr(p_id::text, 25))::bit(64)::bigint::text
  when pg_catalog.substr(p_id::text, 15, 1) = '8' then coalesce(p_external_id, p_id::text)
  else p_id::text
end;
comment on function recsys.app_id(uuid, text) is 'The app''s own id of a post, as text: the number of which recsys.id_of(bigint) made the uuid; where recsys.id_of(text) may have made it, p_external_id, the external_id of its row in recsys.source_posts; any other uuid as it is.';

create function recsys.event_id_of(p_table integer, p_id bigint) returns bigint
language sql immutable security invoker
return case
  when p_id between -144115188075855872 and 144115188075855871 then p_id * 32 + p_table % 32
  else pg_catalog.hashint8extended(p_id, p_table)
end;
comment on function recsys.event_id_of(integer, bigint) is 'An interaction_id that no other table has: p_table numbers the tables of recsys.source_interactions, from 0 to 31. Of one table it keeps the order of ids up to 2^57; greater ones, such as snowflakes, become hashes.';

create function recsys.event_id_of(p_table integer, p_id text) returns bigint
language sql immutable security invoker
return pg_catalog.hashtextextended(p_id, p_table);
comment on function recsys.event_id_of(integer, text) is 'An interaction_id for a row whose key is a text, a uuid (id::text) or several columns (concat_ws('' '', user_id, post_id, emoji)): 64 bits of a hash, of which two among 10 million are the same with a chance of 1 to 370,000.';

-- Ids that say when their row came to be, for apps whose tables have no column of their own for it.

create function recsys_engine.number_of(p_digits text, p_alphabet text) returns numeric
language sql immutable strict security invoker
-- a sum of no rows is null, and so is what has a letter that is no digit
return (
  select case when bool_and(pg_catalog.strpos(p_alphabet, digit) > 0)
    then pg_catalog.sum((pg_catalog.strpos(p_alphabet, digit) - 1) * pg_catalog.length(p_alphabet)::numeric ^ (pg_catalog.length(p_digits) - place)) end
  from pg_catalog.string_to_table(pg_catalog.lower(p_digits), null) with ordinality as digits (digit, place)
);
comment on function recsys_engine.number_of(text, text) is 'The number that digits are; p_alphabet: the digits from 0 on, in small letters. Null: something in it is no digit.';

create function recsys.time_of_id(p_id text, p_form text) returns timestamptz
language sql immutable strict security invoker
return pg_catalog.to_timestamp((case p_form
  when 'aid' then 946684800000 + recsys_engine.number_of(pg_catalog.left(p_id, 8), '0123456789abcdefghijklmnopqrstuvwxyz')
  when 'meid' then recsys_engine.number_of(pg_catalog.left(p_id, 12), '0123456789abcdef') - 140737488355328
  when 'objectid' then recsys_engine.number_of(pg_catalog.left(p_id, 8), '0123456789abcdef') * 1000
  when 'ulid' then recsys_engine.number_of(pg_catalog.left(p_id, 10), '0123456789abcdefghjkmnpqrstvwxyz')
  when 'uuid v7' then recsys_engine.number_of(pg_catalog.left(p_id, 8) || pg_catalog.substr(p_id, 10, 4), '0123456789abcdef')
  when 'mastodon' then pg_catalog.div(recsys_engine.number_of(case when pg_catalog.length(p_id) < 20 then p_id end, '0123456789'), 65536)
  when 'twitter' then pg_catalog.div(recsys_engine.number_of(case when pg_catalog.length(p_id) < 20 then p_id end, '0123456789'), 4194304) + 1288834974657
  when 'discord' then pg_catalog.div(recsys_engine.number_of(case when pg_catalog.length(p_id) < 20 then p_id end, '0123456789'), 4194304) + 1420070400000
end / 1000)::double precision);
comment on function recsys.time_of_id(text, text) is 'When a row came to be whose id says so. p_form: aid (and aidx), meid, objectid, ulid, uuid v7, or the snowflakes of mastodon, twitter and discord. For a generated column: recsys.time_of_id(id::text, ''aid''). Null: no such form, or an id that is not of it.';

-- What every role may execute from the start stays so. Columns are generated by these functions with the rights of whoever writes the row, and an
-- app may write as a role of its own; they read nothing.


-- 02_app_views/04_require_invoker_views.sql

-- What a source view without security_invoker shows is what its owner may see: a member of one app saw 950 posts instead of 903, and the feed
-- served them. So every feed asks the catalog first; the answer is in the session's cache of pg_class.

create function recsys_engine.require_invoker_views() returns void
language plpgsql stable security invoker set search_path = ''
as $$
declare
  open_view text;
begin
  select pg_class.relname::text into open_view
  from pg_catalog.pg_class
  where pg_class.oid in (
      'recsys.source_users'::regclass, 'recsys.source_posts'::regclass, 'recsys.source_interactions'::regclass,
      'recsys.source_logins'::regclass, 'recsys.source_dismissals'::regclass, 'recsys.source_mutes'::regclass, 'recsys.source_follows'::regclass,
      'recsys.source_preferences'::regclass, 'recsys.source_withheld'::regclass, 'recsys.source_conversations'::regclass
    )
    and pg_class.relkind = 'v'
    -- as it is nearly always written
    and (pg_class.reloptions @> '{security_invoker=true}') is not true
    and coalesce(not lower(pg_class.reloptions::text)::text[] && '{security_invoker=true,security_invoker=on,security_invoker=yes,security_invoker=1}', true);
  if open_view is not null then
    raise exception 'recsys.% is not security_invoker, so it shows everybody what its owner may see', open_view
      using errcode = 'RS001', hint = format('alter view recsys.%I set (security_invoker = true)', open_view);
  end if;
end
$$;
comment on function recsys_engine.require_invoker_views() is 'Raises RS001 where a source view is not security_invoker, which "create or replace view" makes of one where it is not said again. Every request for posts or people asks it, so that nothing is served from such a view.';
revoke all on function recsys_engine.require_invoker_views() from public;
grant execute on function recsys_engine.require_invoker_views() to anon, authenticated, service_role;


-- 02_app_views/05_feed_kinds.sql

-- What readers decided about their feeds (recsys.source_preferences), as the engine asks for it.

create function recsys_engine.feed_kind(p_user_id uuid) returns text
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return coalesce(
    (
      -- of both the one that reads less
      select max(source_preferences.value) from recsys.source_preferences
      where source_preferences.user_id = p_user_id and source_preferences.kind = 'feed' and source_preferences.value in ('following', 'impersonal')
    ),
    'personal'
  );
end
$$;
comment on function recsys_engine.feed_kind(uuid) is 'What a user''s feed is made of: personal; following: the newest of whom and what they follow; impersonal: nothing of theirs is read but what they muted.';

create function recsys_engine.topics_wanted(p_user_id uuid, p_kind text) returns text[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select distinct left(lower(wanted.value), 100) as topic
    from (
      -- whoever wrote a million has a hundred of them read
      select source_preferences.value from recsys.source_preferences
      where source_preferences.user_id = p_user_id and source_preferences.kind = p_kind and source_preferences.value is not null
      order by source_preferences.value
      limit 100
    ) as wanted
    order by topic
  );
end
$$;
comment on function recsys_engine.topics_wanted(uuid, text) is 'The topics of which a user wants more or less (p_kind), in small letters, 100 at most.';

create view recsys_engine.impersonal_people with (security_invoker = true) as
select distinct source_preferences.user_id from recsys.source_preferences
where source_preferences.kind = 'feed' and source_preferences.value = 'impersonal'
  -- whoever is "not in" a list with a null is in no answer at all
  and source_preferences.user_id is not null;
comment on view recsys_engine.impersonal_people is 'Who wants no personalisation: nothing is learned from them, no vector of theirs is kept, and nothing is logged of what they are shown.';
comment on column recsys_engine.impersonal_people.user_id is 'Who.';

grant select on recsys_engine.impersonal_people to service_role;
revoke all on function recsys_engine.feed_kind(uuid), recsys_engine.topics_wanted(uuid, text) from public;
grant execute on function recsys_engine.feed_kind(uuid), recsys_engine.topics_wanted(uuid, text) to authenticated, service_role;


-- 02_app_views/06_kinds.sql

-- What people do in an app, such as likes, bookmarks and purchases, in the words of the ranker, which predicts views, votes and comments.

create table recsys.kinds (
  kind text primary key check (kind <> ''),
  head text check (head in ('view', 'vote', 'comment')),
  -- NaN is above all numbers
  weight real not null default 1 check (weight > 0 and weight <= 1000)
);
comment on table recsys.kinds is 'Which of view, vote and comment each of the app''s own kinds of interaction counts as. The app''s recsys.source_interactions joins it, so a kind without a row or head is left out. After a change of heads the next roll-up works everything out again, and the next training learns from that; after a change of weights the next training alone does.';
comment on column recsys.kinds.kind is 'The app''s word, as its table has it.';
comment on column recsys.kinds.head is 'What it counts as; null: as nothing, on purpose.';
comment on column recsys.kinds.weight is 'How much one counts compared with one of another kind, such as a purchase 5 and a like 1: the next training learns to put posts first with which people do what counts more. It is no part of counts, probabilities, reports of experiments or daily metrics, which go on counting what people did, and not of retrieval. How much all votes count compared with all views is recsys.settings.vote_weight.';
insert into recsys.kinds (kind, head) values ('view', 'view'), ('vote', 'vote'), ('comment', 'comment');
alter table recsys.kinds enable row level security;
create policy "kinds are readable" on recsys.kinds for select to authenticated using (true);
grant select on recsys.kinds to authenticated;
grant select, insert, update, delete on recsys.kinds to service_role;

create view recsys.source_kinds with (security_invoker = true) as
select null::text as of_table, null::text as kind, null::text as otherwise where false;
comment on view recsys.source_kinds is 'The words by which rows of the app''s tables say themselves what was done: (of_table, kind, otherwise), a row each. Only recsys.check() reads it, to say which of them recsys.kinds does not list. An app may redefine it; recsys draft does.';
comment on column recsys.source_kinds.of_table is 'The table, for a reader.';
comment on column recsys.source_kinds.kind is 'The word that the row has.';
comment on column recsys.source_kinds.otherwise is 'The kind of recsys.kinds as which recsys.source_interactions counts it where it is not listed; null: it counts as nothing.';
grant select on recsys.source_kinds to service_role;

create function recsys_engine.queue_everything() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into recsys_engine.feature_changes (post_id) select source_posts.post_id from recsys.source_posts;
  -- somebody whose every event counts for nothing now is not among those who came to these posts
  insert into recsys_engine.feature_changes (user_id) select latest_user_stats.user_id from recsys_engine.latest_user_stats;
  return null;
end
$$;
comment on function recsys_engine.queue_everything() is 'Trigger of recsys.kinds: queues every post and user to be recomputed.';
revoke all on function recsys_engine.queue_everything() from public;
-- no state depends on a weight
create trigger queue_everything after insert or update of kind, head or delete or truncate on recsys.kinds
for each statement execute function recsys_engine.queue_everything();


-- 03_models/01_models.sql

-- Versioned models and their life: a candidate that a publish writes and the gate judges, then ready or rejected; activated,
-- later retired or rolled back, in the end dropped. Exactly one is active; activating and rolling back are single transactions.

create function recsys_engine.cluster_id() returns bigint
language sql stable security invoker set search_path = ''
return (select pg_control_system.system_identifier from pg_catalog.pg_control_system());
comment on function recsys_engine.cluster_id() is 'Which cluster of PostgreSQL this is: its numbers of transactions say nothing of another''s, into which a dump of it is restored.';
revoke all on function recsys_engine.cluster_id() from public;
grant execute on function recsys_engine.cluster_id() to service_role;

create table recsys.models (
  model_id bigint primary key generated always as identity,
  name text not null unique,
  status text not null default 'candidate' check (status in ('candidate', 'ready', 'rejected', 'active', 'retired', 'rolled_back')),
  feature_spec jsonb not null,
  feature_spec_digest text not null,
  heads text[] not null default '{view,vote,comment}' check (recsys_engine.are_heads(heads)),
  metrics jsonb not null default '{}',
  learned_until timestamptz,
  gate jsonb,
  created_at timestamptz not null default now(),
  embedded_as_of pg_snapshot not null default pg_current_snapshot(),
  embedded_in bigint default recsys_engine.cluster_id()
);
comment on table recsys.models is 'One row per published model. candidate: a publish is writing its vectors and the gate has yet to judge it, or the publish was killed; ready: passed, never served; rejected: the gate refused it, and it has no vectors; active: serves; retired: served before; rolled_back: taken out of service for cause.';
comment on column recsys.models.model_id is 'Names the partitions of its vectors: recsys_engine.post_embeddings_N and recsys_engine.user_embeddings_N.';
comment on column recsys.models.name is 'What commands call it; model-DATE-TIME of its training.';
comment on column recsys.models.status is 'Where it is in its life; see the table.';
comment on column recsys.models.feature_spec is 'What the inputs of the three graphs are, as the trainer built them: names, order, and every value that changes a feature.';
comment on column recsys.models.feature_spec_digest is 'sha256 of feature_spec; a function whose own spec has another digest refuses to serve the model.';
comment on column recsys.models.heads is 'What its ranker predicts, in the order of its graph''s columns: always view, vote and comment, and after them those optional ones of recsys_engine.heads of which it was trained on enough.';
comment on column recsys.models.metrics is 'What its training says of itself: losses, numbers of examples, seed, backend, when it was trained.';
comment on column recsys.models.learned_until is 'What happened before this instant of the engine''s clock it learned from; what came later is new to it. null: not known.';
comment on column recsys.models.gate is 'What the gate said: {passed, reasons: [text], contract: "kept" or what breaks it, parity: {rows, largest_difference, tolerance}, comparison: {with, requests, from, margin, metrics: {name: {candidate, published, other, worse, standard_error}}} or {skipped: text}, either with earlier: {with, requests, margin, metrics} where there are requests that both models have learned from}. Each person counts once. null: not judged.';
comment on column recsys.models.created_at is 'When its publish began.';
comment on column recsys.models.embedded_as_of is 'What was committed when publishing began: the model''s vectors include these changes of texts, and may lack any other.';
comment on column recsys.models.embedded_in is 'The cluster that embedded_as_of is of, as recsys_engine.cluster_id().';
create unique index models_one_active_idx on recsys.models (status) where status = 'active';

create table recsys_engine.model_artifacts (
  model_id bigint not null references recsys.models (model_id) on delete cascade,
  graph text not null check (graph in ('user_tower', 'post_tower', 'dlrm')),
  onnx bytea not null,
  sha256 text not null check (sha256 = encode(sha256(onnx), 'hex')),
  primary key (model_id, graph)
);
comment on table recsys_engine.model_artifacts is 'The ONNX graphs of a model, as bytes; the checksum is verified when they are written and again when they are loaded.';
comment on column recsys_engine.model_artifacts.model_id is 'Whose graph it is.';
comment on column recsys_engine.model_artifacts.graph is 'user_tower, post_tower or dlrm.';
comment on column recsys_engine.model_artifacts.onnx is 'The graph with its weights, as ONNX.';
comment on column recsys_engine.model_artifacts.sha256 is 'Checksum of onnx, in hex.';
alter table recsys_engine.model_artifacts alter column onnx set storage external;

create table recsys_engine.model_activations (
  activation_id bigint primary key generated always as identity,
  model_id bigint not null,
  name text not null,
  reason text not null check (reason in ('activated', 'rollback')),
  activated_at timestamptz not null default clock_timestamp(),
  activated_by text not null default session_user,
  ended_at timestamptz
);
comment on table recsys_engine.model_activations is 'Which model served when, and why: one row per stretch of service, kept when its model is dropped. What ended a stretch is the reason of the next one.';
comment on column recsys_engine.model_activations.activation_id is 'Ascending in the order of the stretches.';
comment on column recsys_engine.model_activations.model_id is 'The model that served. No foreign key: the row outlives it.';
comment on column recsys_engine.model_activations.name is 'Its name.';
comment on column recsys_engine.model_activations.reason is 'activated: by a publish or by hand; rollback: it came back because the model before was taken out.';
comment on column recsys_engine.model_activations.activated_at is 'From when it served.';
comment on column recsys_engine.model_activations.activated_by is 'The database role that switched.';
comment on column recsys_engine.model_activations.ended_at is 'Until when; null: it serves now.';
create unique index model_activations_one_open_idx on recsys_engine.model_activations ((true)) where ended_at is null;

alter table recsys.models enable row level security;
alter table recsys_engine.model_artifacts enable row level security;
alter table recsys_engine.model_activations enable row level security;
create policy "the callers of functions read models" on recsys.models for select to authenticated using (true);
create policy "the callers of functions read artifacts" on recsys_engine.model_artifacts for select to authenticated using (true);
grant select on recsys.models, recsys_engine.model_artifacts to authenticated;
grant select, insert, update, delete on recsys.models, recsys_engine.model_artifacts, recsys_engine.model_activations to service_role;

create function recsys_engine.switch_model(p_model_id bigint, p_reason text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update recsys.models set status = case p_reason when 'rollback' then 'rolled_back' else 'retired' end where status = 'active';
  update recsys_engine.model_activations set ended_at = clock_timestamp() where ended_at is null;
  insert into recsys_engine.model_activations (model_id, name, reason)
  select models.model_id, models.name, p_reason from recsys.models where models.model_id = p_model_id;
  update recsys.models set status = 'active' where model_id = p_model_id;
end
$$;
comment on function recsys_engine.switch_model(bigint, text) is 'What activate_model and rollback_model share, under their lock: the active model goes out of service, p_model_id serves, the history says why (activated or rollback).';

create function recsys.activate_model(p_model_id bigint, p_instead_of bigint default null) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  found_status text;
begin
  -- one switch at a time, so that two operators cannot interleave; a drop holds it too, or it could take what is being activated
  perform pg_advisory_xact_lock(hashtext('recsys.activate_model'));
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
$$;
comment on function recsys.activate_model(bigint, bigint) is 'Makes a model the one that serves and retires the one before, in one transaction; the active one stays as it is. Raises for a candidate, a rejected model, and one that is not there; with p_instead_of also, and changes nothing, where another model than that one is active by now.';

create function recsys.rollback_model(p_model_id bigint default null) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- read before the lock: of two concurrent calls both mean the model they found, and the second finds it gone already
  unwanted_model_id constant bigint := coalesce(p_model_id, (select model_id from recsys.models where status = 'active'));
  previous_model_id bigint;
begin
  perform pg_advisory_xact_lock(hashtext('recsys.activate_model'));
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
$$;
comment on function recsys.rollback_model(bigint) is 'Takes the active model out of service and puts the one that served before it back; returns that one''s model_id. p_model_id says which model is to go (default: the one that is active when the call arrives): raises, and changes nothing, where that one does not serve any more. A model once rolled back is not returned to, so rolling back twice goes further back.';

revoke all on function recsys_engine.switch_model(bigint, text), recsys.activate_model(bigint, bigint), recsys.rollback_model(bigint) from public;
grant execute on function recsys_engine.switch_model(bigint, text), recsys.activate_model(bigint, bigint), recsys.rollback_model(bigint) to service_role;


-- 03_models/02_shadows.sql

-- A shadow is a model that scores a share of the requests after they were answered, and is shown to nobody: what it would have done is
-- known (recsys.shadow_report, recsys.off_policy) before anybody is served by it.

create table recsys.shadows (
  shadow_id bigint primary key generated always as identity,
  model_id bigint not null,
  name text not null,
  share numeric(5, 4) not null check (share > 0 and share <= 1),
  started_at timestamptz not null,
  started_by text not null default session_user,
  ended_at timestamptz
);
comment on table recsys.shadows is 'One row per shadow, running until ended_at. Begun by recsys.start_shadow, ended by recsys.stop_shadow; what it said is in recsys_engine.shadow_impressions.';
comment on column recsys.shadows.shadow_id is 'Ascending in the order of their start.';
comment on column recsys.shadows.model_id is 'The model that scores. No foreign key: the row outlives it.';
comment on column recsys.shadows.name is 'The model''s name.';
comment on column recsys.shadows.share is 'The share of the requests that it scores, as far as workers have time for it. Which ones: by the first 32 bits of the request_id, which nobody can choose.';
comment on column recsys.shadows.started_at is 'When it began, by the engine''s clock.';
comment on column recsys.shadows.started_by is 'The database role that started it.';
comment on column recsys.shadows.ended_at is 'When it ended, by the engine''s clock; null: it runs.';
create unique index shadows_running_idx on recsys.shadows (model_id) where ended_at is null;
alter table recsys.shadows enable row level security;
grant select, insert, update, delete on recsys.shadows to service_role;

create function recsys.start_shadow(p_model text, p_share real) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  wanted_model_id bigint;
  taken numeric;
  new_shadow_id bigint;
begin
  -- the lock of model switches: a model must not be dropped while a shadow of it begins
  perform pg_advisory_xact_lock(hashtext('recsys.activate_model'));
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
$$;
comment on function recsys.start_shadow(text, real) is 'Has a published model, by its name, score p_share of the feeds (0.0001 to 1) next to the model that serves, without being shown; returns the shadow_id. Workers know within ten seconds. Each request has one shadow at most, so the shares of all that run are 1 together at most. Raises 22023 where the share or the model is none, 23505 where a shadow of the model runs.';

create function recsys.stop_shadow(p_model text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update recsys.shadows set ended_at = recsys.clock() where shadows.name = p_model and shadows.ended_at is null;
  if not found then
    raise exception 'no shadow of % runs', coalesce(p_model, '(null)') using errcode = 'no_data_found', hint = 'select name from recsys.shadows where ended_at is null';
  end if;
end
$$;
comment on function recsys.stop_shadow(text) is 'Ends the shadow of a model; what it scored stays. Workers know within ten seconds. Raises P0002 where none runs.';

revoke all on function recsys.start_shadow(text, real), recsys.stop_shadow(text) from public;
grant execute on function recsys.start_shadow(text, real), recsys.stop_shadow(text) to service_role;


-- 03_models/03_training_features.sql

-- How each feature is distributed in what a model's ranker was trained on, so that what it is told in serving can be held against it.

create table recsys_engine.training_features (
  model_id bigint not null references recsys.models (model_id) on delete cascade,
  number integer not null check (number >= 1),
  feature text not null,
  edges real[] not null check (cardinality(edges) >= 1),
  shares real[] not null,
  primary key (model_id, number),
  check (cardinality(shares) = cardinality(edges) + 1)
);
comment on table recsys_engine.training_features is 'Tenths of each feature over what a model''s ranker was trained on: of each request the ten candidates that it ranks first, as in a feed. Some 10 KB a model, and gone with it. None of a model that learned from fewer than 200 requests.';
comment on column recsys_engine.training_features.model_id is 'The model. One that went on from another with fewer than 200 requests has those of that one.';
comment on column recsys_engine.training_features.number is 'The feature''s place in recsys.impressions.features, from 1.';
comment on column recsys_engine.training_features.feature is 'Its name.';
comment on column recsys_engine.training_features.edges is 'Where one bin ends and the next begins, ascending; the first and the last bin are open. Fewer than nine where many values are alike.';
comment on column recsys_engine.training_features.shares is 'How much of the training set is in each bin.';
alter table recsys_engine.training_features enable row level security;
grant select, insert, update, delete on recsys_engine.training_features to service_role;


-- 04_experiments/01_experiments.sql

-- Experiments in production: people are split into variants by a hash, and each variant is served with its own model, weights or
-- settings. Who is in which variant is written down nowhere, so there is nothing to keep in step and nothing to erase.

create table recsys.experiments (
  experiment_id bigint primary key generated always as identity,
  -- names are part of recsys.impressions.variant, which "/" and "," divide
  name text not null unique check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  kind text not null default 'split' check (kind in ('split', 'interleaving')),
  layer text not null check (layer ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  salt text not null,
  outcome_window interval not null check (outcome_window > interval '0' and outcome_window <= interval '30 days'),
  max_loss real not null check (max_loss between 0 and 1),
  started_at timestamptz not null,
  counted_from timestamptz not null,
  started_by text not null default session_user,
  ended_at timestamptz,
  end_reason text,
  check ((ended_at is null) = (end_reason is null))
);
comment on table recsys.experiments is 'One row per experiment, running until ended_at. Begun by recsys.start_experiment, read by recsys.experiment_report or, of kind interleaving, recsys.interleaving_report. At the same time experiments of one layer have different people, and those of different layers change different things.';
comment on column recsys.experiments.experiment_id is 'Ascending in the order of their start.';
comment on column recsys.experiments.name is 'What commands and recsys.impressions.variant call it; never used twice.';
comment on column recsys.experiments.kind is 'split: each person is in one of the variants. interleaving: all people of its one variant get feeds that two models draft.';
comment on column recsys.experiments.layer is 'Experiments of one layer share its people out; those of other layers have the same people independently of it.';
comment on column recsys.experiments.salt is 'What a person is hashed with. Experiments that run in a layer together have the same; when the layer was empty it is drawn again, so that no group of people goes through experiments one after another.';
comment on column recsys.experiments.outcome_window is 'How long after a post was shown an interaction with it, or its dismissal, counts.';
comment on column recsys.experiments.max_loss is 'The guardrail: the experiment is stopped once a variant has surely lost more than this share of the views, votes, comments or long views of the first variant, or has surely so many more dismissals. 1: never.';
comment on column recsys.experiments.started_at is 'When it began, by the engine''s clock.';
comment on column recsys.experiments.counted_from is 'From when the report counts: the start, or the last change of shares.';
comment on column recsys.experiments.started_by is 'The database role that started it.';
comment on column recsys.experiments.ended_at is 'When it ended, by the engine''s clock; null: it runs.';
comment on column recsys.experiments.end_reason is 'Why it ended; null: it runs.';
create index experiments_running_idx on recsys.experiments (layer) where ended_at is null;

create table recsys.experiment_variants (
  experiment_id bigint not null references recsys.experiments (experiment_id) on delete cascade,
  place smallint not null check (place >= 1),
  variant text not null check (variant ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  share numeric(5, 4) not null check (share > 0 and share <= 1),
  buckets int4multirange not null default '{}',
  model_id bigint,
  second_model_id bigint,
  settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  primary key (experiment_id, place),
  unique (experiment_id, variant)
);
comment on table recsys.experiment_variants is 'The variants of each experiment and what each is served with; what is null or not named is as for everybody: the active model, and recsys.settings.';
comment on column recsys.experiment_variants.experiment_id is 'The experiment.';
comment on column recsys.experiment_variants.place is 'Its number, from 1: the first is what the others are compared with.';
comment on column recsys.experiment_variants.variant is 'Its name.';
comment on column recsys.experiment_variants.share is 'The share of all people who are in it.';
comment on column recsys.experiment_variants.buckets is 'Which of the 10,000 buckets of people, of recsys_engine.bucket(), are in it.';
comment on column recsys.experiment_variants.model_id is 'The model that ranks. No foreign key: the row outlives it.';
comment on column recsys.experiment_variants.second_model_id is 'The model that drafts each feed together with model_id; null: nothing is interleaved. No foreign key: the row outlives it.';
comment on column recsys.experiment_variants.settings is 'What it is served with in place of recsys.settings, by name; checked when the experiment starts, by recsys_engine.checked_settings. {}: nothing.';

alter table recsys.experiments enable row level security;
alter table recsys.experiment_variants enable row level security;
create policy "the callers of functions read what runs" on recsys.experiments for select to authenticated using (ended_at is null);
create policy "the callers of functions read variants" on recsys.experiment_variants for select to authenticated using (true);
grant select on recsys.experiments, recsys.experiment_variants to authenticated;
grant select, insert, update, delete on recsys.experiments, recsys.experiment_variants to service_role;

-- db/experiments.test.ts holds it to sha256. Of 2^32 hashes 7,296 are left
-- over, so that no bucket is likelier than another by more than one in 429,000.
create function recsys_engine.bucket(p_user_id uuid, p_salt text) returns integer
language sql immutable security invoker
return (('x' || pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p_salt || ':' || p_user_id::text, 'UTF8')), 'hex'), 1, 8))::bit(32)::bigint % 10000)::integer;
comment on function recsys_engine.bucket(uuid, text) is 'Which of 10,000 buckets a person is in, 0 to 9999: the first 32 bits of sha256(salt:id), modulo 10000.';

create function recsys_engine.assignment(p_user_id uuid)
returns table (variant text, model_id bigint, second_model_id bigint, settings jsonb)
language plpgsql stable security invoker set search_path = '' rows 1
as $$
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
  if recsys_engine.feed_kind(p_user_id) <> 'personal' then
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
$$;
comment on function recsys_engine.assignment(uuid) is 'The variants that a person is in, as recsys.impressions.variant has them, and what they are served with; what is null or not named is as for everybody. No row: in none, as those are who want no personal feed.';

revoke all on function recsys_engine.bucket(uuid, text), recsys_engine.assignment(uuid) from public;
grant execute on function recsys_engine.bucket(uuid, text), recsys_engine.assignment(uuid) to authenticated, service_role;


-- 04_experiments/02_experiment_life.sql

-- An experiment's life: it is started, its shares may be changed, and it ends once. Each is one transaction under one lock.

create function recsys_engine.allot_buckets(p_experiment_id bigint) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  own_layer constant text := (select layer from recsys.experiments where experiment_id = p_experiment_id);
  each_variant record;
  given_up integer[] := '{}'::integer[];
  free_buckets integer[];
  missing integer;
begin
  -- who shrinks gives up; nobody else moves
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
$$;
comment on function recsys_engine.allot_buckets(bigint) is 'Gives each variant of an experiment as many buckets of people as its share says, with as few people as possible moving.';

create function recsys_engine.running_experiment(p_name text) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  found_experiment record;
begin
  -- the lock of model switches: a model must not be dropped while an experiment with it begins
  perform pg_advisory_xact_lock(hashtext('recsys.activate_model'));
  select experiment_id, ended_at into found_experiment from recsys.experiments where name = p_name;
  if not found then
    raise exception 'there is no experiment %', coalesce(p_name, '(null)') using errcode = 'no_data_found', hint = 'select name, started_at, ended_at from recsys.experiments';
  elsif found_experiment.ended_at is not null then
    raise exception 'experiment % ended at %', p_name, found_experiment.ended_at using errcode = 'object_not_in_prerequisite_state', hint = 'start another one under another name';
  end if;
  return found_experiment.experiment_id;
end
$$;
comment on function recsys_engine.running_experiment(text) is 'The id of an experiment that runs, under the lock of all changes to experiments. Raises where there is none of that name or it has ended.';

create function recsys_engine.servable_model(p_name text) returns bigint
language plpgsql stable security invoker set search_path = ''
as $$
declare
  found_id constant bigint := (select models.model_id from recsys.models where models.name = p_name and models.status in ('ready', 'active', 'retired'));
begin
  if found_id is null and p_name is not null then
    raise exception 'there is no model "%" that could serve', p_name
      using errcode = 'invalid_parameter_value', hint = 'select name, status from recsys.models where status in (''ready'', ''active'', ''retired'')';
  end if;
  return found_id;
end
$$;
comment on function recsys_engine.servable_model(text) is 'The id of a model by its name, published and not rolled back; null for null. Raises 22023 where there is none.';

create function recsys_engine.checked_settings(p_settings jsonb) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  -- the checks come from the catalog, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  each_setting record;
  each_check record;
  checked recsys.settings := (select settings from recsys.settings);
  holds boolean;
begin
  for each_setting in
    with overridable as (
      select pg_attribute.attname as name, format_type(pg_attribute.atttypid, pg_attribute.atttypmod) as type,
        case pg_type.typcategory when 'N' then 'number' when 'B' then 'boolean' else 'string' end as json_type
      from pg_catalog.pg_attribute
      join pg_catalog.pg_type on pg_type.oid = pg_attribute.atttypid
      -- how long a trial is cannot differ between people, who are counted together
      where pg_attribute.attrelid = 'recsys_engine.feed_settings'::regclass and pg_attribute.attname <> 'trial_impressions'
    )
    select given.key as name, given.value, overridable.type, overridable.json_type, (select string_agg(listed.name, ', ' order by listed.name) from overridable as listed) as names
    from jsonb_each(p_settings) as given
    left join overridable on overridable.name = given.key
  loop
    if each_setting.type is null then
      raise exception 'a variant cannot override %, only %', each_setting.name, each_setting.names using errcode = 'invalid_parameter_value';
    end if;
    begin
      checked := jsonb_populate_record(checked, jsonb_build_object(each_setting.name, each_setting.value));
      holds := jsonb_typeof(each_setting.value) = each_setting.json_type;
    exception
      when data_exception then holds := false;
    end;
    if not holds then
      raise exception 'setting % of a variant is %, not %', each_setting.name, each_setting.type, each_setting.value using errcode = 'invalid_parameter_value';
    end if;
  end loop;
  for each_check in
    select pg_constraint.conname as name, pg_get_expr(pg_constraint.conbin, pg_constraint.conrelid) as expression
    from pg_catalog.pg_constraint
    where pg_constraint.conrelid = 'recsys.settings'::regclass and pg_constraint.contype = 'c'
    order by pg_constraint.conname
  loop
    execute format('select (%s) is not false from (select ($1).*) as settings', each_check.expression) into holds using checked;
    if not holds then
      raise exception 'the settings % of a variant violate check constraint % of recsys.settings', p_settings, each_check.name
        using errcode = 'check_violation', detail = each_check.expression;
    end if;
  end loop;
  return (select coalesce(jsonb_object_agg(name, to_jsonb(checked) -> name), '{}') from jsonb_object_keys(p_settings) as name);
end
$$;
comment on function recsys_engine.checked_settings(jsonb) is 'The settings that a variant overrides, as they are kept: each is one that a feed reads (recsys_engine.feed_settings), has its type, and meets the checks of recsys.settings. Raises 22023 or 23514 where something is wrong with them.';

create function recsys_engine.checked_variants(p_variants jsonb) returns setof recsys.experiment_variants
language plpgsql stable security invoker set search_path = ''
as $$
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
    answer.settings := recsys_engine.checked_settings(coalesce(each_variant.value -> 'settings', '{}'));
    return next answer;
  end loop;
end
$$;
comment on function recsys_engine.checked_variants(jsonb) is 'The variants that an operator wrote down, as rows without experiment and buckets. Raises 22023 where something is wrong with them.';

create function recsys.start_experiment(
  p_name text, p_variants jsonb, p_layer text default 'feed', p_outcome_window interval default '1 hour', p_max_loss real default 0.1
) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  new_experiment_id bigint;
  disputed text;
begin
  perform pg_advisory_xact_lock(hashtext('recsys.activate_model'));
  if exists (select from recsys.experiments where name = p_name) then
    raise exception 'there was an experiment % already', p_name using errcode = 'unique_violation', hint = 'a name is never used twice: what was shown carries it';
  end if;
  if (select sum(share) from recsys_engine.checked_variants(p_variants)) > 1 then
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
  select new_experiment_id, place, variant, share, model_id, second_model_id, settings from recsys_engine.checked_variants(p_variants);
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
  perform recsys_engine.allot_buckets(new_experiment_id);
  return new_experiment_id;
end
$$;
comment on function recsys.start_experiment(text, jsonb, text, interval, real) is 'Starts an experiment from the next request on; returns its id. p_variants: [{"name", "share", "model", "settings"}], the first is what the others are compared with; or one alone, {"name", "share", "interleave_with", "model"}, whose people all get feeds that the two models draft (model left out: the one that is active now); shares may leave people out; model is the name of one that is published, settings are those of recsys_engine.feed_settings that it is to differ in. p_outcome_window: how long after a post was shown an interaction with it, or its dismissal, counts. p_max_loss: what share of views, votes, comments or long views a variant may lose, or add to dismissals, before recsys_engine.stop_harmful_experiments() ends it.';

create function recsys.change_shares(p_name text, p_shares jsonb) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
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
  perform recsys_engine.allot_buckets(found_id);
  -- with other shares another mixture of days is in each variant, and a good day would look like a good variant
  update recsys.experiments set counted_from = recsys.clock() where experiment_id = found_id;
end
$$;
comment on function recsys.change_shares(text, jsonb) is 'Changes how many people are in each variant of a running experiment, {"control": 0.5, "votes": 0.5}; as few as possible move. Its report starts counting again from here.';

create function recsys.stop_experiment(p_name text, p_reason text default 'stopped by hand') returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  found_id constant bigint := recsys_engine.running_experiment(p_name);
begin
  update recsys.experiments set ended_at = recsys.clock(), end_reason = coalesce(p_reason, 'stopped by hand') where experiment_id = found_id;
end
$$;
comment on function recsys.stop_experiment(text, text) is 'Ends an experiment: from the next request on its people are served as everybody, and its report stays.';

revoke all on function recsys_engine.allot_buckets(bigint), recsys_engine.running_experiment(text), recsys_engine.servable_model(text), recsys_engine.checked_settings(jsonb), recsys_engine.checked_variants(jsonb), recsys.start_experiment(text, jsonb, text, interval, real),
  recsys.change_shares(text, jsonb), recsys.stop_experiment(text, text) from public;
grant execute on function recsys_engine.allot_buckets(bigint), recsys_engine.running_experiment(text), recsys_engine.servable_model(text), recsys_engine.checked_settings(jsonb), recsys_engine.checked_variants(jsonb), recsys.start_experiment(text, jsonb, text, interval, real),
  recsys.change_shares(text, jsonb), recsys.stop_experiment(text, text) to service_role;


-- 04_experiments/03_tried_models.sql

-- Which models are tried alongside the active one: what tries models has its lines here, as it has in functions/_shared/plug-ins/plug-ins.ts.

create view recsys_engine.tried_models with (security_invoker = true) as
select served.model_id
from recsys.experiments
join recsys.experiment_variants as variants using (experiment_id)
cross join lateral (values (variants.model_id), (variants.second_model_id)) as served (model_id)
where experiments.ended_at is null and served.model_id is not null
union
select shadows.model_id from recsys.shadows where shadows.ended_at is null;
comment on view recsys_engine.tried_models is 'The models that running experiments serve or running shadows score with: they are not to be dropped, and get vectors of new posts.';
comment on column recsys_engine.tried_models.model_id is 'The model.';
grant select on recsys_engine.tried_models to service_role;


-- 05_embeddings/01_embeddings.sql

-- What a model knows of each post and user, one LIST partition per model: a new model's vectors and index are built next to the live ones. No foreign
-- key to recsys.models: a partition holds one model's rows by its bounds and goes with its model, and dropping a table that
-- has such a key takes ACCESS EXCLUSIVE on recsys.models too, which every feed reads.

create table recsys.post_embeddings (
  model_id bigint not null,
  post_id uuid not null,
  embedding extensions.vector(32) not null check (abs(extensions.vector_norm(embedding) - 1) < 0.001),
  id_embedding extensions.vector(32),
  -- the post first: an erasure looks for it in the partitions of all models
  primary key (post_id, model_id)
) partition by list (model_id);
comment on table recsys.post_embeddings is 'Post tower output, 32-d, unit length (pgvector#923: HNSW with inner product needs it). id_embedding: what the post''s own history taught beyond its text; null for a post the training never saw.';
comment on column recsys.post_embeddings.model_id is 'Whose vector it is; the partition.';
comment on column recsys.post_embeddings.post_id is 'Of recsys.source_posts.';
comment on column recsys.post_embeddings.embedding is 'What the post tower gives for the post as it was when it was embedded.';
comment on column recsys.post_embeddings.id_embedding is 'Input of the post tower, next to the text; null: zeros.';

create table recsys.user_embeddings (
  model_id bigint not null,
  user_id uuid not null,
  embedding extensions.vector(32) not null check (abs(extensions.vector_norm(embedding) - 1) < 0.001),
  id_embedding extensions.vector(32),
  primary key (user_id, model_id)
) partition by list (model_id);
comment on table recsys.user_embeddings is 'User tower output as of publishing, 32-d, unit length; serving computes a fresh one from what the user just did. id_embedding: as for posts.';
comment on column recsys.user_embeddings.model_id is 'Whose vector it is; the partition.';
comment on column recsys.user_embeddings.user_id is 'Of recsys.source_users.';
comment on column recsys.user_embeddings.embedding is 'What the user tower gave for the user when they were embedded.';
comment on column recsys.user_embeddings.id_embedding is 'Input of the user tower, next to profile and history; null: zeros.';

create table recsys_engine.post_neighbours (
  model_id bigint not null,
  post_id uuid not null,
  neighbour_id uuid not null,
  weight integer not null check (weight > 0),
  primary key (post_id, neighbour_id, model_id)
) partition by list (model_id);
comment on table recsys_engine.post_neighbours is 'Who came to a post also came to its neighbours, 50 of each at most: what recsys_engine.with_covisited adds up. Only a model that finds more by them has a partition.';
comment on column recsys_engine.post_neighbours.model_id is 'Whose neighbours they are; the partition.';
comment on column recsys_engine.post_neighbours.post_id is 'Of recsys.source_posts: what somebody came to.';
comment on column recsys_engine.post_neighbours.neighbour_id is 'Of recsys.source_posts: what they may come to next.';
comment on column recsys_engine.post_neighbours.weight is 'How much the one speaks for the other, in millionths: sums of whole numbers are the same in any order.';
-- an erasure looks for a post on either side
create index post_neighbours_neighbour_id_idx on recsys_engine.post_neighbours (neighbour_id);

alter table recsys.post_embeddings enable row level security;
alter table recsys.user_embeddings enable row level security;
alter table recsys_engine.post_neighbours enable row level security;
-- "offset 0" keeps it a look-up for each row that is read: else the planner may first make a list of all posts there are
create policy "vectors are read with their post" on recsys.post_embeddings for select to authenticated
  using (exists (select from recsys.source_posts where source_posts.post_id = post_embeddings.post_id offset 0));
create policy "neighbours are read with both posts" on recsys_engine.post_neighbours for select to authenticated
  using (
    exists (select from recsys.source_posts where source_posts.post_id = post_neighbours.post_id offset 0)
    and exists (select from recsys.source_posts where source_posts.post_id = post_neighbours.neighbour_id offset 0)
  );
create policy "people read their own vector" on recsys.user_embeddings for select to authenticated using (user_id = (select auth.uid()));
grant select on recsys.post_embeddings, recsys.user_embeddings, recsys_engine.post_neighbours to authenticated;
grant select, insert, update, delete on recsys.post_embeddings, recsys.user_embeddings, recsys_engine.post_neighbours to service_role;

create function recsys_engine.create_model(
  p_name text, p_feature_spec jsonb, p_feature_spec_digest text, p_metrics jsonb, p_learned_until timestamptz default null,
  p_heads text[] default '{view,vote,comment}'
) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  new_model_id bigint;
  told record;
begin
  insert into recsys.models (name, feature_spec, feature_spec_digest, metrics, learned_until, heads)
  values (p_name, p_feature_spec, p_feature_spec_digest, p_metrics, p_learned_until, p_heads)
  returning model_id into new_model_id;
  -- stand-alone tables, attached when complete: readers of the live partitions never wait
  for told in select * from (values ('recsys', 'post_embeddings', 'Vectors of posts'), ('recsys', 'user_embeddings', 'Vectors of users'), ('recsys_engine', 'post_neighbours', 'Neighbours of posts')) as parents (schema, name, what) loop
    execute format('create table recsys_engine.%I (like %I.%I including all, check (model_id = %s))', told.name || '_' || new_model_id, told.schema, told.name, new_model_id);
    execute format('alter table recsys_engine.%I enable row level security', told.name || '_' || new_model_id);
    execute format('comment on table recsys_engine.%I is %L', told.name || '_' || new_model_id, format('%s by model %s, %s.', told.what, new_model_id, p_name));
  end loop;
  return new_model_id;
end
$$;
comment on function recsys_engine.create_model(text, jsonb, text, jsonb, timestamptz, text[]) is 'Begins a model: its row as a candidate, and the stand-alone tables recsys_engine.post_embeddings_N, recsys_engine.user_embeddings_N and recsys_engine.post_neighbours_N. Returns N.';

create function recsys_engine.complete_model(p_model_id bigint, p_gate jsonb default null) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  posts bigint;
  has_neighbours boolean;
begin
  if (select count(*) from recsys_engine.model_artifacts where model_id = p_model_id) <> 3 then
    raise exception 'model % does not have its three graphs', p_model_id using hint = 'publish the model again';
  end if;
  execute format('select count(*) from recsys_engine.post_embeddings_%s', p_model_id) into posts;
  -- a graph that outgrows this memory goes on being built on disk, several times slower: it takes 843 bytes a post, so that the
  -- usual 64 MB end at 79,600 posts. 1 GB is for 1.2 million, and no more is taken from the others.
  perform set_config('maintenance_work_mem', least(greatest(64, posts / 1000 + 1), 1024) || 'MB', true);
  -- pgvector before 0.8.2 can overflow in a parallel build (CVE-2026-3172), and Debian ships 0.8.0
  perform set_config('max_parallel_maintenance_workers', '0', true);
  execute format('create index on recsys_engine.post_embeddings_%s using hnsw (embedding extensions.vector_ip_ops)', p_model_id);
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
$$;
comment on function recsys_engine.complete_model(bigint, jsonb) is 'Ends the building of a candidate that the gate let pass (p_gate: what it said): builds its HNSW index, attaches its partitions, without that of neighbours where there are none, marks it ready. Raises when an artifact is missing. Call it with statement_timeout 0.';

create function recsys_engine.reject_model(p_model_id bigint, p_gate jsonb) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update recsys.models set status = 'rejected', gate = p_gate where model_id = p_model_id and status = 'candidate';
  if not found then
    raise exception 'model % is not a candidate', p_model_id using hint = 'select model_id, name, status from recsys.models';
  end if;
  execute format('drop table recsys_engine.post_embeddings_%s', p_model_id);
  execute format('drop table recsys_engine.user_embeddings_%s', p_model_id);
  execute format('drop table recsys_engine.post_neighbours_%s', p_model_id);
end
$$;
comment on function recsys_engine.reject_model(bigint, jsonb) is 'Marks a candidate as refused by the gate (p_gate: what it said) and removes its vectors and neighbours, which no reader has seen; the row and the graphs stay for a while, for whoever asks why.';

create function recsys_engine.drop_model(p_model_id bigint) returns void
language plpgsql volatile security invoker set search_path = ''
-- dropping a partition takes ACCESS EXCLUSIVE on its parent, and every feed that comes meanwhile waits behind it: so it gives up
-- soon. There are up to six such locks; DETACH CONCURRENTLY takes none, but can run in no function and waits for every old transaction.
set lock_timeout = '25ms'
as $$
begin
  -- held against activations: one could make the model active between this look and its end
  perform pg_advisory_xact_lock(hashtext('recsys.activate_model'));
  if exists (select from recsys.models where model_id = p_model_id and status = 'active') then
    raise exception 'model % is active', p_model_id using hint = 'activate another model first';
  end if;
  if not exists (select from recsys.models where model_id = p_model_id) then
    raise exception 'there is no model %', coalesce(p_model_id::text, '(null)') using errcode = 'no_data_found', hint = 'select model_id, name, status from recsys.model_status';
  end if;
  if exists (select from recsys_engine.tried_models where model_id = p_model_id) then
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
$$;
comment on function recsys_engine.drop_model(bigint) is 'Removes a model that is neither active nor that of a running experiment or shadow, with its vectors and artifacts; also what an interrupted publish left behind. Raises no_data_found where there is no such model. Raises lock_not_available, and changes nothing, where readers do not let go within 25 ms: try again.';

revoke all on function recsys_engine.create_model(text, jsonb, text, jsonb, timestamptz, text[]), recsys_engine.complete_model(bigint, jsonb), recsys_engine.reject_model(bigint, jsonb), recsys_engine.drop_model(bigint) from public;


-- 05_embeddings/02_model_upkeep.sql

-- Old models go, with their vectors: one a call, so that each drop is a short transaction of its own.

create view recsys_engine.droppable_models with (security_invoker = true) as
with served as (
  select
    models.model_id, models.name, models.status, models.created_at,
    last.activation_id, last.ended_at,
    case models.status when 'retired' then row_number() over (partition by models.status order by last.activation_id desc) end as nth
  from recsys.models
  left join lateral (
    select activations.activation_id, activations.ended_at from recsys_engine.model_activations as activations
    where activations.model_id = models.model_id
    order by activations.activation_id desc
    limit 1
  ) as last on true
)
select served.model_id, served.name, served.status
from served
cross join recsys.settings
where (
    served.nth > settings.retired_models_kept
    or (served.status in ('candidate', 'ready', 'rejected', 'rolled_back') and coalesce(served.ended_at, served.created_at) < now() - settings.unserved_models_kept)
  )
  and served.model_id not in (select tried_models.model_id from recsys_engine.tried_models);
comment on view recsys_engine.droppable_models is 'Models that neither a rollback nor a running experiment or shadow needs: retired ones but for the latest settings.retired_models_kept, and others that have not served for settings.unserved_models_kept.';
comment on column recsys_engine.droppable_models.model_id is 'The model.';
comment on column recsys_engine.droppable_models.name is 'Its name.';
comment on column recsys_engine.droppable_models.status is 'As in recsys.models.';
grant select on recsys_engine.droppable_models to service_role;

create function recsys_engine.drop_old_model() returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  old_model_id constant bigint := (select min(model_id) from recsys_engine.droppable_models);
begin
  if old_model_id is not null then
    perform recsys_engine.drop_model(old_model_id);
  end if;
  return old_model_id;
exception
  -- another was faster
  when no_data_found then
    return null;
end
$$;
comment on function recsys_engine.drop_old_model() is 'Drops one of recsys_engine.droppable_models, the first published, and returns its model_id; null: there is none. Raises lock_not_available where the vectors are being read: try again.';
revoke all on function recsys_engine.drop_old_model() from public;

-- where pg_cron cannot run, each publish does it
select recsys_engine.schedule('recsys drop old model', '11 * * * *', 'select recsys_engine.drop_old_model()');


-- 05_embeddings/03_model_status.sql

-- What a DBA looks at: which models there are, how they came to be what they are, and what they weigh.

create view recsys.model_status with (security_invoker = true) as
select
  models.model_id, models.name, models.status,
  coalesce(case models.status when 'active' then last.activated_at else last.ended_at end, models.created_at) as since,
  coalesce(posts.vectors, 0) as posts,
  coalesce(users.vectors, 0) as users,
  pg_size_pretty(
    coalesce(pg_total_relation_size(to_regclass('recsys_engine.post_embeddings_' || models.model_id)), 0)
    + coalesce(pg_total_relation_size(to_regclass('recsys_engine.user_embeddings_' || models.model_id)), 0)
    + coalesce(pg_total_relation_size(to_regclass('recsys_engine.post_neighbours_' || models.model_id)), 0)
    + coalesce(artifacts.bytes, 0)
  ) as size,
  case
    when models.gate is null then 'not judged'
    when (models.gate ->> 'passed')::boolean then 'passed'
    else (select string_agg(reason, '; ') from jsonb_array_elements_text(models.gate -> 'reasons') as reason)
  end as gate,
  models.gate #>> '{comparison,with}' as compared_with,
  (models.gate #>> '{comparison,requests}')::integer as requests,
  round((models.gate #>> '{comparison,metrics,mrr,candidate}')::numeric, 3) as mrr,
  round((models.gate #>> '{comparison,metrics,mrr,other}')::numeric, 3) as mrr_of_other,
  models.learned_until
from recsys.models
left join lateral (
  select activations.activated_at, activations.ended_at from recsys_engine.model_activations as activations
  where activations.model_id = models.model_id
  order by activations.activation_id desc
  limit 1
) as last on true
left join (select model_id, count(*) as vectors from recsys.post_embeddings group by model_id) as posts on posts.model_id = models.model_id
left join (select model_id, count(*) as vectors from recsys.user_embeddings group by model_id) as users on users.model_id = models.model_id
left join (select model_id, sum(octet_length(onnx)) as bytes from recsys_engine.model_artifacts group by model_id) as artifacts on artifacts.model_id = models.model_id
order by models.model_id desc;
comment on view recsys.model_status is 'One row per model, the newest first: status and since when; posts and users with a vector of it; size on disk, with index and graphs; what the gate said (passed, or why not), what it was compared with (a model, or the recency baseline), on how many requests, and MRR of both; up to which instant it learned.';
comment on column recsys.model_status.model_id is 'The model.';
comment on column recsys.model_status.name is 'Its name.';
comment on column recsys.model_status.status is 'As in recsys.models.';
comment on column recsys.model_status.since is 'Since when it has that status.';
comment on column recsys.model_status.posts is 'Posts with a vector of it.';
comment on column recsys.model_status.users is 'Users with a vector of it.';
comment on column recsys.model_status.size is 'Its size on disk, with index and graphs.';
comment on column recsys.model_status.gate is 'What the gate said: passed, or why not.';
comment on column recsys.model_status.compared_with is 'What it was compared with: a model, or the recency baseline.';
comment on column recsys.model_status.requests is 'Over how many requests.';
comment on column recsys.model_status.mrr is 'Its mean reciprocal rank.';
comment on column recsys.model_status.mrr_of_other is 'That of what it was compared with.';
comment on column recsys.model_status.learned_until is 'Up to which instant it learned.';
grant select on recsys.model_status to service_role;


-- 06_topics/01_topics.sql

-- Topics: what the community's posts are about, found in the active model's vectors (trainer/topics/). They diversify feeds, and say where
-- more is wanted than is written. Remade after each publish next to those that are there, in one transaction; a topic that has the posts
-- of an earlier one keeps its id and name, so that whoever refers to it goes on doing so.

create table recsys_engine.topics (
  topic_id bigint primary key generated always as identity,
  model_id bigint not null,
  label text not null,
  terms text[] not null,
  is_public boolean not null default false,
  centroid extensions.vector(32) not null check (abs(extensions.vector_norm(centroid) - 1) < 0.001),
  size integer not null default 0 check (size >= 0),
  demand real not null default 0 check (demand >= 0),
  supply real not null default 0 check (supply >= 0),
  people integer not null default 0 check (people >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table recsys_engine.topics is 'What the community''s posts are about: clusters of the active model''s vectors of posts (mini-batch k-means: Sculley, "Web-Scale K-Means Clustering", 2010), named by the terms that set their posts apart.';
comment on column recsys_engine.topics.topic_id is 'Stays when topics are remade and this one keeps most of its posts; never used again for another.';
comment on column recsys_engine.topics.model_id is 'Of which model''s vectors the centroid is. No foreign key: a topic outlives models.';
comment on column recsys_engine.topics.label is 'Its name: up to three of its terms. Every word stands in posts of several authors that any signed-in member may read. Empty: there are no such words.';
comment on column recsys_engine.topics.terms is 'Up to ten words and phrases that set its posts apart from the others, the strongest first; under the same condition as the label.';
comment on column recsys_engine.topics.is_public is 'Whether visitors may be told label and terms: each of them stands in posts of several authors that the role anon may read.';
comment on column recsys_engine.topics.centroid is 'Mean of its posts'' vectors, made unit length; a new post joins the topic with the highest inner product.';
comment on column recsys_engine.topics.size is 'How many posts it has, those included that not everybody may read; as of updated_at.';
comment on column recsys_engine.topics.demand is 'How many people a day came to its posts that any signed-in member may read in the last 28 days (as far back as the feature store has every state, where that is less), each once a day, authors to their own not counted.';
comment on column recsys_engine.topics.people is 'How many people came to these posts in that time, each once; users are told recsys_engine.about_people() of it.';
comment on column recsys_engine.topics.supply is 'How many of these posts a day were written in the last 28 days.';
comment on column recsys_engine.topics.created_at is 'When it was first found.';
comment on column recsys_engine.topics.updated_at is 'When size, demand, people and supply were last counted.';

create function recsys_engine.least_people() returns integer
language sql immutable security invoker set search_path = ''
return 10;
comment on function recsys_engine.least_people() is 'Of so many people at least is what users are told of people.';

create function recsys_engine.about_people(p_people integer) returns integer
language sql immutable security invoker set search_path = ''
return nullif(p_people / recsys_engine.least_people() * recsys_engine.least_people(), 0);
comment on function recsys_engine.about_people(integer) is 'A number of people as users are told it: rounded down to tens, so that one person more or less is not seen; null: fewer than recsys_engine.least_people().';
revoke all on function recsys_engine.least_people(), recsys_engine.about_people(integer) from public;
grant execute on function recsys_engine.least_people(), recsys_engine.about_people(integer) to service_role;

create table recsys_engine.post_topics (
  post_id uuid primary key,
  -- no foreign key: a million rows are written at once, and what refers to a topic is written and removed with it, under one lock
  topic_id bigint not null,
  similarity real not null,
  assigned_at timestamptz not null default now()
);
comment on table recsys_engine.post_topics is 'The one topic of each post that has a vector. Read by the service alone: whether a post may be seen is not asked here.';
comment on column recsys_engine.post_topics.post_id is 'The post.';
comment on column recsys_engine.post_topics.topic_id is 'Its topic.';
comment on column recsys_engine.post_topics.similarity is 'Cosine of its vector with the topic''s centroid: how typical it is.';
comment on column recsys_engine.post_topics.assigned_at is 'When it joined, or was last looked at.';
create index post_topics_topic_id_idx on recsys_engine.post_topics (topic_id);

create table recsys_engine.topic_runs (
  run_id bigint primary key generated always as identity,
  model_id bigint not null,
  posts integer not null,
  topics integer not null,
  kept integer not null,
  took interval not null,
  finished_at timestamptz not null default now()
);
comment on table recsys_engine.topic_runs is 'When topics were made, and of which model''s vectors; the last one says whether they are those of the model that serves.';
comment on column recsys_engine.topic_runs.run_id is 'Ascending.';
comment on column recsys_engine.topic_runs.model_id is 'The model. No foreign key: the row outlives it.';
comment on column recsys_engine.topic_runs.posts is 'How many posts had a vector of it.';
comment on column recsys_engine.topic_runs.topics is 'How many topics were found.';
comment on column recsys_engine.topic_runs.kept is 'How many of them were there before.';
comment on column recsys_engine.topic_runs.took is 'From the first vector read to the last row written.';
comment on column recsys_engine.topic_runs.finished_at is 'When they took the place of the earlier ones.';

alter table recsys_engine.topics enable row level security;
alter table recsys_engine.post_topics enable row level security;
alter table recsys_engine.topic_runs enable row level security;
grant select, insert, update, delete on recsys_engine.topics, recsys_engine.post_topics, recsys_engine.topic_runs to service_role;

create function recsys_engine.assign_topics(p_model_id bigint, p_post_ids uuid[], p_vectors text[] default null) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  assigned integer;
begin
  -- while topics are being replaced, nothing waits: recsys_engine.refresh_topics() comes back to what lacks one
  if not pg_try_advisory_xact_lock_shared(hashtext('recsys_engine.topics')) then
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
$$;
comment on function recsys_engine.assign_topics(bigint, uuid[], text[]) is 'Has posts join the topic with the nearest centroid, by what the post tower of a model gives for their text alone (p_vectors; null: by the vectors that serve, which also say who comes to them), and returns how many did. None where topics are of another model''s vectors, or are being replaced just now: they join when that is done.';
revoke all on function recsys_engine.assign_topics(bigint, uuid[], text[]) from public;
grant execute on function recsys_engine.assign_topics(bigint, uuid[], text[]) to service_role;


-- 07_feature_store/01_feature_store.sql

-- The feature store: roll-ups, one row per event. The state "as of t" is the latest row at or before t.
-- Training walks through the rows in time order, serving reads the latest: one definition, no leakage, no skew.
-- An interaction counts where it is its user's first of its kind with a post of somebody else (docs/design/what-counts.md). Repeats
-- and what authors do with their own posts count for nothing, neither for the post (100 comments by an author brought it into 60 of 60
-- feeds) nor for the user: the post has no row of them. They remain events of the user, who was there. Interactions with posts that
-- source_posts does not show are none.

create function recsys_engine.half_lives() returns double precision[]
language sql immutable security invoker set search_path = ''
as $$ select array[1, 6, 24, 168, 720]::double precision[] $$;
comment on function recsys_engine.half_lives() is 'The half-lives of all decayed counts, in hours: 1 hour, 6 hours, 1 day, 7 days, 30 days.';

create function recsys_engine.decayed_counts(
  p_at timestamptz[],
  p_counted boolean[],
  p_before timestamptz default null,
  p_counts double precision[] default null
)
returns table (number integer, counts double precision[])
language plpgsql immutable security invoker set search_path = ''
as $$
declare
  half_lives constant double precision[] := recsys_engine.half_lives();
  one double precision;
  hours double precision := 0::double precision;
  running double precision[] := coalesce(p_counts, array_fill(0::double precision, array[cardinality(half_lives)]));
  before timestamptz := p_before;
begin
  for i in 1 .. cardinality(p_at) loop
    if before is not null then
      hours := extract(epoch from p_at[i] - before)::double precision / 3600;
    end if;
    before := p_at[i];
    one := case when p_counted[i] then 1::double precision else 0::double precision end;
    for h in 1 .. cardinality(half_lives) loop
      -- Postgres raises an error where a result underflows: what is below 1e-30 is nothing, and 900 half-lives are enough
      running[h] := one + case
        when running[h] > 1e-30 then running[h] * power(0.5, least(hours / half_lives[h], 900))
        else 0::double precision
      end;
    end loop;
    number := i;
    counts := running;
    return next;
  end loop;
end
$$;
comment on function recsys_engine.decayed_counts(timestamptz[], boolean[], timestamptz, double precision[]) is 'For each event of a series in ascending order, its number from 1 and, as of it, five exponentially decayed counts of those events so far that count; with p_before and p_counts the series goes on from that instant''s counts. Unlike counts over a window they can be aged to any later instant without reading the events again. Not an aggregate: an aggregate cannot set its search_path, of which the database advisors warn.';

revoke all on function recsys_engine.half_lives(), recsys_engine.decayed_counts(timestamptz[], boolean[], timestamptz, double precision[]) from public;
grant execute on function recsys_engine.half_lives(), recsys_engine.decayed_counts(timestamptz[], boolean[], timestamptz, double precision[]) to service_role;

create table recsys_engine.post_stats (
  post_id uuid not null,
  last_active_at timestamptz not null,
  interaction_id bigint not null,
  user_id uuid not null,
  kind text not null,
  views integer not null,
  votes integer not null,
  comments integer not null,
  participants integer not null,
  last_comment_at timestamptz,
  first_interaction boolean not null,
  recent double precision[] not null,
  trend double precision not null,
  primary key (interaction_id),
  -- what another app's views let through must not reach a feed; a roll-up sets it aside
  constraint post_stats_are_finite check (isfinite(last_active_at) and trend > '-Infinity' and trend < 'Infinity')
);
comment on table recsys_engine.post_stats is 'The state of a post right after each of the interactions that count (last_active_at): of each person with somebody else''s post the first of each kind. A post without a row has had none: its last activity is its creation.';
comment on column recsys_engine.post_stats.post_id is 'The post.';
comment on column recsys_engine.post_stats.last_active_at is 'When the interaction was: the state holds from then until the next row''s.';
comment on column recsys_engine.post_stats.interaction_id is 'The interaction; of equal times the lower one came first.';
comment on column recsys_engine.post_stats.user_id is 'Who did it.';
comment on column recsys_engine.post_stats.views is 'People who viewed it so far.';
comment on column recsys_engine.post_stats.votes is 'People who voted for it so far.';
comment on column recsys_engine.post_stats.comments is 'People who commented on it so far.';
comment on column recsys_engine.post_stats.last_comment_at is 'When the last of them commented; null: nobody did.';
comment on column recsys_engine.post_stats.kind is 'Kind of the interaction, which was the last activity at that time.';
comment on column recsys_engine.post_stats.first_interaction is 'Whether the interaction is its user''s first with the post: the earliest that counts, of equal times the one with the lower id.';
comment on column recsys_engine.post_stats.participants is 'Distinct users who interacted so far.';
comment on column recsys_engine.post_stats.recent is 'People who came, each at their first interaction, decayed with half-lives of 1 hour, 6 hours, 1 day, 7 days, 30 days, as of last_active_at.';
comment on column recsys_engine.post_stats.trend is 'When the count with the half-life of a week will have fallen to 1, in weeks since 1970: orders posts as that count does at any later instant.';
create index post_stats_post_id_last_active_at_idx on recsys_engine.post_stats (post_id, last_active_at desc, interaction_id desc);
create index post_stats_last_active_at_idx on recsys_engine.post_stats (last_active_at desc, interaction_id desc);
-- whoever is erased is looked for among all of them
create index post_stats_user_id_idx on recsys_engine.post_stats (user_id);

create table recsys_engine.latest_post_stats (like recsys_engine.post_stats including comments, primary key (post_id));
comment on table recsys_engine.latest_post_stats is 'The last state of each post that recsys_engine.post_stats has, one row a post: a feed reads what is active and what is trending from it, instead of from all events of a week, and the roll-up goes on from it. recsys.roll_up() is the only writer, so those who come to a viral post never wait for its row.';
create index latest_post_stats_last_active_at_idx on recsys_engine.latest_post_stats (last_active_at desc, post_id);
create index latest_post_stats_trend_idx on recsys_engine.latest_post_stats (trend desc, post_id);

create table recsys_engine.user_stats (
  user_id uuid not null,
  last_active_at timestamptz not null,
  event_id text not null,
  sort_id bigint not null,
  views integer not null,
  votes integer not null,
  comments integer not null,
  logins integer not null,
  recent double precision[] not null,
  recent_logins double precision[] not null,
  habit_log_age double precision,
  habit_log_idle double precision,
  primary key (event_id),
  constraint user_stats_are_finite check (isfinite(last_active_at) and habit_log_age < 'Infinity' and habit_log_idle < 'Infinity')
);
comment on table recsys_engine.user_stats is 'The state of a user right after each of their interactions and logins (last_active_at). After an interaction that does not count it is that before, aged.';
comment on column recsys_engine.user_stats.user_id is 'The user.';
comment on column recsys_engine.user_stats.last_active_at is 'When the event was: the state holds from then until the next row''s.';
comment on column recsys_engine.user_stats.views is 'Posts of others viewed so far.';
comment on column recsys_engine.user_stats.votes is 'Posts of others voted for so far.';
comment on column recsys_engine.user_stats.comments is 'Posts of others commented on so far.';
comment on column recsys_engine.user_stats.logins is 'Logins so far.';
comment on column recsys_engine.user_stats.event_id is 'interaction_id, or L followed by login_id.';
comment on column recsys_engine.user_stats.sort_id is 'interaction_id or login_id: events of the same instant are in the order of (sort_id, event_id).';
comment on column recsys_engine.user_stats.recent is 'Interactions that count, decayed with half-lives of 1 hour, 6 hours, 1 day, 7 days, 30 days, as of last_active_at.';
comment on column recsys_engine.user_stats.recent_logins is 'The same for logins: login frequency.';
comment on column recsys_engine.user_stats.habit_log_age is 'Mean of ln(1 + age of the post in hours) over the interactions that count so far: does this person turn to what is new?';
comment on column recsys_engine.user_stats.habit_log_idle is 'Mean of ln(1 + hours the post had been idle) over the interactions that count so far: does this person revive what is old?';
create index user_stats_user_id_last_active_at_idx on recsys_engine.user_stats (user_id, last_active_at desc, sort_id desc, event_id desc);

create table recsys_engine.latest_user_stats (
  user_id uuid not null,
  last_active_at timestamptz not null,
  views integer not null,
  votes integer not null,
  comments integer not null,
  logins integer not null,
  recent double precision[] not null,
  recent_logins double precision[] not null,
  habit_log_age double precision,
  habit_log_idle double precision,
  primary key (user_id)
)
-- a roll-up rewrites a row in its page, where there is room, and leaves the index alone
with (fillfactor = 70);
comment on table recsys_engine.latest_user_stats is 'The last state of each user who has one in recsys_engine.user_stats, one row a user: a feed reads it, and the roll-up goes on from it, without a look into the states of all events. recsys.roll_up() is the only writer.';
comment on column recsys_engine.latest_user_stats.user_id is 'The user.';
comment on column recsys_engine.latest_user_stats.last_active_at is 'When their last event was.';
comment on column recsys_engine.latest_user_stats.views is 'Posts of others viewed so far, as in recsys_engine.user_stats.';
comment on column recsys_engine.latest_user_stats.votes is 'Posts of others voted for so far.';
comment on column recsys_engine.latest_user_stats.comments is 'Posts of others commented on so far.';
comment on column recsys_engine.latest_user_stats.logins is 'Logins so far.';
comment on column recsys_engine.latest_user_stats.recent is 'Interactions that count, decayed with half-lives of 1 hour, 6 hours, 1 day, 7 days, 30 days, as of last_active_at.';
comment on column recsys_engine.latest_user_stats.recent_logins is 'The same for logins: login frequency.';
comment on column recsys_engine.latest_user_stats.habit_log_age is 'Mean of ln(1 + age of the post in hours) over the interactions so far; null: none yet.';
comment on column recsys_engine.latest_user_stats.habit_log_idle is 'Mean of ln(1 + hours the post had been idle) over the interactions so far; null: none yet.';

alter table recsys_engine.post_stats enable row level security;
alter table recsys_engine.latest_post_stats enable row level security;
alter table recsys_engine.user_stats enable row level security;
alter table recsys_engine.latest_user_stats enable row level security;
-- "offset 0" keeps it a look-up for each row that is read: else the planner may first make a list of all posts there are
create policy "stats are read with their post" on recsys_engine.post_stats for select to authenticated
  using (exists (select from recsys.source_posts where source_posts.post_id = post_stats.post_id offset 0));
create policy "stats are read with their post" on recsys_engine.latest_post_stats for select to authenticated
  using (exists (select from recsys.source_posts where source_posts.post_id = latest_post_stats.post_id offset 0));
create policy "people read their own stats" on recsys_engine.user_stats for select to authenticated using (user_id = (select auth.uid()));
create policy "people read their own stats" on recsys_engine.latest_user_stats for select to authenticated using (user_id = (select auth.uid()));
-- user_id of post_stats says who did what, so it is not granted
grant select (post_id, last_active_at, interaction_id, kind, views, votes, comments, participants, last_comment_at, recent, trend) on recsys_engine.post_stats, recsys_engine.latest_post_stats to authenticated;
grant select on recsys_engine.user_stats, recsys_engine.latest_user_stats to authenticated;
grant select, insert, update, delete on recsys_engine.post_stats, recsys_engine.latest_post_stats, recsys_engine.user_stats, recsys_engine.latest_user_stats to service_role;

create table recsys_engine.feature_store_version (
  only_row boolean primary key default true check (only_row),
  version bigint not null default 0
);
comment on table recsys_engine.feature_store_version is 'How often the feature store has changed, in one row: what a worker keeps of it holds until then.';
comment on column recsys_engine.feature_store_version.only_row is 'Always true: there is one row.';
comment on column recsys_engine.feature_store_version.version is 'Goes up with each roll-up that wrote something.';
insert into recsys_engine.feature_store_version default values;
alter table recsys_engine.feature_store_version enable row level security;
create policy "the version is readable" on recsys_engine.feature_store_version for select to authenticated using (true);
grant select on recsys_engine.feature_store_version to authenticated;
grant select, update on recsys_engine.feature_store_version to service_role;

create table recsys_engine.rolled_up_posts (
  version bigint not null,
  post_ids uuid[],
  primary key (version)
);
comment on table recsys_engine.rolled_up_posts is 'Which posts a roll-up rewrote, of the last hundred: a worker that keeps states and vectors of posts forgets these, and everything where it missed one.';
comment on column recsys_engine.rolled_up_posts.version is 'recsys_engine.feature_store_version after it.';
comment on column recsys_engine.rolled_up_posts.post_ids is 'The posts; null: too many to name.';
alter table recsys_engine.rolled_up_posts enable row level security;
grant select, insert, delete on recsys_engine.rolled_up_posts to service_role;


-- 07_feature_store/02_newcomers.sql

-- Newcomers, who signed up less than a day before, and how many posts of theirs are usual: five times the mean of the 28 days before are posts like
-- all others. What they write beyond it is on trial (08_roll_up/04_newcomer_posts.sql).

create table recsys_engine.newcomer_days (
  day date primary key,
  posts integer not null,
  people bigint not null
);
comment on table recsys_engine.newcomer_days is 'What newcomers wrote a day, counted once the day (UTC) is over. A day without a row had nothing of it.';
comment on column recsys_engine.newcomer_days.day is 'The day.';
comment on column recsys_engine.newcomer_days.posts is 'How many posts were written on it by people who had signed up less than a day before.';
comment on column recsys_engine.newcomer_days.people is 'How many people had signed up by its end.';

alter table recsys_engine.newcomer_days enable row level security;
grant select, insert, update, delete on recsys_engine.newcomer_days to service_role;

create function recsys_engine.is_newcomer(p_signed_up timestamptz, p_at timestamptz) returns boolean
language sql immutable security invoker
return coalesce(p_signed_up > p_at - interval '1 day', false);
comment on function recsys_engine.is_newcomer(timestamptz, timestamptz) is 'Whether somebody who signed up at p_signed_up (null: unknown, who is none) is a newcomer at p_at.';

create function recsys_engine.day_of(p_at timestamptz) returns date
language sql immutable security invoker
return (p_at at time zone 'utc')::date;
comment on function recsys_engine.day_of(timestamptz) is 'The day (UTC) of an instant.';

create function recsys_engine.count_newcomer_days() returns void
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  today constant date := recsys_engine.day_of(recsys.clock());
  last_day constant date := (select max(newcomer_days.day) from recsys_engine.newcomer_days);
  first_day constant date := case when last_day is null then '-infinity' else least(last_day + 1, today - 28) end;
begin
  if last_day >= today - 1 then
    return;
  end if;
  -- an import may have brought more of the last 28 days since they were counted
  delete from recsys_engine.newcomer_days where newcomer_days.day >= first_day;
  insert into recsys_engine.newcomer_days (day, posts, people)
  select
    counted.day, sum(counted.posts),
    sum(sum(counted.people)) over (order by counted.day)
      + coalesce((select newcomer_days.people from recsys_engine.newcomer_days order by newcomer_days.day desc limit 1), 0)
  from (
    select recsys_engine.day_of(posts.created_at) as day, count(*) as posts, 0 as people
    from recsys.source_posts as posts
    join recsys.source_users as users on users.user_id = posts.author_id
    where posts.created_at >= first_day::timestamp at time zone 'utc' and posts.created_at < today::timestamp at time zone 'utc'
      and recsys_engine.is_newcomer(users.created_at, posts.created_at)
    group by 1
    union all
    select recsys_engine.day_of(users.created_at), 0, count(*)
    from recsys.source_users as users
    where users.created_at >= first_day::timestamp at time zone 'utc' and users.created_at < today::timestamp at time zone 'utc'
    group by 1
    union all
    -- up to which day it is counted
    select today - 1, 0, 0
  ) as counted
  group by counted.day;
end
$$;
comment on function recsys_engine.count_newcomer_days() is 'Brings recsys_engine.newcomer_days up to yesterday: once a day, with the last 28 days counted again, and the first time all there are.';

create function recsys_engine.admitted_of_newcomers(p_day date) returns integer
language sql stable security invoker set search_path = ''
as $$
  select (before.posts * 5 / 28)::integer
  from (select max(newcomer_days.people) as people from recsys_engine.newcomer_days where newcomer_days.day < p_day) as everybody,
    (select max(newcomer_days.people) as people from recsys_engine.newcomer_days where newcomer_days.day < p_day - 1) as older,
    (
      select coalesce(sum(newcomer_days.posts), 0) as posts
      from recsys_engine.newcomer_days where newcomer_days.day between p_day - 28 and p_day - 1
    ) as before
  where older.people * 2 >= greatest(everybody.people, 1) and exists (select from recsys_engine.newcomer_days where newcomer_days.day <= p_day - 28)
$$;
comment on function recsys_engine.admitted_of_newcomers(date) is 'How many posts that newcomers write on a day are posts like all others: five times the mean of the 28 days before, rounded down. Null: all, since the community is younger than that, or more than half of its people had signed up on the day before.';

revoke all on function recsys_engine.is_newcomer(timestamptz, timestamptz), recsys_engine.day_of(timestamptz), recsys_engine.count_newcomer_days(), recsys_engine.admitted_of_newcomers(date) from public;
grant execute on function recsys_engine.is_newcomer(timestamptz, timestamptz), recsys_engine.day_of(timestamptz), recsys_engine.count_newcomer_days(), recsys_engine.admitted_of_newcomers(date) to service_role;


-- 07_feature_store/03_bursts.sql

-- What a person weighs. Of the posts of others to which somebody comes on a day six count, and five more for each earlier day but the first on which
-- they came to any. What people begin in their first 24 hours with posts older than a day counts together: one act in half an hour and three in three,
-- or five times the mean of the 28 days before. What is beyond that is a burst, and counts for no post: 420 old posts viewed by an account of two days
-- changed 32.5 % of the places of 60 people, and now 4.8 %. Posts of the last day are in feeds anyway: views of all of them changed .2 %.
-- What is written a day late counts for no post and makes nobody known: with one view that was dated to the day before, 23.7 % changed.

create table recsys_engine.first_acts (
  user_id uuid not null,
  number smallint not null,
  at timestamptz not null,
  primary key (user_id, number)
);
comment on table recsys_engine.first_acts is 'When people came to posts of others that were older than a day, within 24 hours from when they came to any post. Written by recsys_engine.keep_bursts alone.';
comment on column recsys_engine.first_acts.user_id is 'Who came.';
comment on column recsys_engine.first_acts.number is 'Which of these posts it was, in the order in which they came to them, from 1 to 12; what comes later is not kept.';
comment on column recsys_engine.first_acts.at is 'When they came to it first.';
create index first_acts_at_idx on recsys_engine.first_acts (at, user_id, number);

create table recsys_engine.bursts (
  user_id uuid not null,
  day date not null,
  since timestamptz not null,
  primary key (user_id, day)
);
comment on table recsys_engine.bursts is 'On which days somebody did more than counts. Written by recsys_engine.keep_bursts alone.';
comment on column recsys_engine.bursts.user_id is 'Who did it.';
comment on column recsys_engine.bursts.day is 'The day (UTC).';
comment on column recsys_engine.bursts.since is 'From which instant on nothing of theirs on that day counts for a post.';

create table recsys_engine.late_days (
  user_id uuid not null,
  day date not null,
  primary key (user_id, day)
);
comment on table recsys_engine.late_days is 'Days of which nothing was known of somebody until they wrote, more than six hours later, what they did on them. What they did then counts for no post, and makes nobody known. Written by recsys_engine.queue_feature_changes alone.';
comment on column recsys_engine.late_days.user_id is 'Whose.';
comment on column recsys_engine.late_days.day is 'The day (UTC).';

alter table recsys_engine.first_acts enable row level security;
alter table recsys_engine.bursts enable row level security;
alter table recsys_engine.late_days enable row level security;
grant select, insert, update, delete on recsys_engine.first_acts, recsys_engine.bursts, recsys_engine.late_days to service_role;

create view recsys_engine.judged_interactions with (security_invoker = true) as
select events.*, coalesce(events.created_at >= bursts.since, false) as in_burst
from recsys.source_interactions as events
left join recsys_engine.bursts on bursts.user_id = events.user_id and bursts.day = recsys_engine.day_of(events.created_at);
comment on view recsys_engine.judged_interactions is 'All interactions, with whether they are in a burst.';
comment on column recsys_engine.judged_interactions.interaction_id is 'As in recsys.source_interactions.';
comment on column recsys_engine.judged_interactions.user_id is 'As in recsys.source_interactions.';
comment on column recsys_engine.judged_interactions.post_id is 'As in recsys.source_interactions.';
comment on column recsys_engine.judged_interactions.kind is 'As in recsys.source_interactions.';
comment on column recsys_engine.judged_interactions.value is 'As in recsys.source_interactions.';
comment on column recsys_engine.judged_interactions.created_at is 'As in recsys.source_interactions.';
comment on column recsys_engine.judged_interactions.weight is 'As in recsys.source_interactions.';
comment on column recsys_engine.judged_interactions.in_burst is 'Whether it counts for no post, since its user had done too much on that day (recsys_engine.bursts).';
grant select on recsys_engine.judged_interactions to service_role;

create view recsys_engine.countable_interactions with (security_invoker = true) as
select interaction_id, user_id, post_id, kind, value, created_at, weight from recsys_engine.judged_interactions where not in_burst;
comment on view recsys_engine.countable_interactions is 'The interactions that may count for their post: all but those in a burst (recsys_engine.bursts).';
comment on column recsys_engine.countable_interactions.interaction_id is 'Unique over all kinds; of equal times the lower one came first.';
comment on column recsys_engine.countable_interactions.user_id is 'Who did it.';
comment on column recsys_engine.countable_interactions.post_id is 'With which post.';
comment on column recsys_engine.countable_interactions.kind is 'view, vote or comment.';
comment on column recsys_engine.countable_interactions.value is 'Of a view the seconds it took, of others a strength or rating; null: none.';
comment on column recsys_engine.countable_interactions.created_at is 'When.';
comment on column recsys_engine.countable_interactions.weight is 'How much it counts compared with others of its kind, as the app says; null: 1.';
grant select on recsys_engine.countable_interactions to service_role;

create function recsys_engine.earlier_days(p_user_id uuid, p_before timestamptz, p_most integer) returns integer
language sql stable security invoker set search_path = ''
as $$
  -- day by day, by the index: whoever did 100,000 things on one costs no more
  with recursive earlier as (
    select 0 as number, p_before as until
    union all
    select earlier.number + 1, recsys_engine.day_of(before.created_at)::timestamp at time zone 'utc'
    from earlier
    cross join lateral (
      select source_interactions.created_at
      from recsys.source_interactions
      where source_interactions.user_id = p_user_id and source_interactions.created_at < earlier.until
        and not exists (select from recsys_engine.late_days where late_days.user_id = p_user_id and late_days.day = recsys_engine.day_of(source_interactions.created_at))
      order by source_interactions.created_at desc
      limit 1
    ) as before
    where earlier.number < p_most
  )
  select max(earlier.number) from earlier
$$;
comment on function recsys_engine.earlier_days(uuid, timestamptz, integer) is 'On how many days (UTC) before an instant somebody came to posts, p_most at most, but for late days.';

create function recsys_engine.own_burst(p_user_id uuid, p_day date) returns timestamptz
language sql stable security invoker set search_path = ''
as $$
  with acts as materialized (
    select source_interactions.post_id, source_interactions.created_at
    from recsys.source_interactions
    where source_interactions.user_id = p_user_id
      and source_interactions.created_at >= p_day::timestamp at time zone 'utc' and source_interactions.created_at < (p_day + 1)::timestamp at time zone 'utc'
    order by source_interactions.created_at
    -- somebody's 2,000 acts of a day are looked at, and what comes after them is beyond
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
    -- nobody becomes known at midnight
    case when cardinality(came.at) > 6 then
      came.at[2 + 5 * greatest(1, recsys_engine.earlier_days(p_user_id, (select min(acts.created_at) from acts) - interval '6 hours', least(28, (cardinality(came.at) + 3) / 5)))]
    end,
    (select acts.created_at from acts order by acts.created_at offset 2000)
  )
  from came
$$;
comment on function recsys_engine.own_burst(uuid, date) is 'When somebody came to more posts of others on a day (UTC) than six, and five for each earlier day but the first, of which the last is six hours before; or did more than 2,000 things. Null: they did not.';

create function recsys_engine.admitted_newly(p_day date) returns table (span interval, most integer)
language sql stable security invoker set search_path = ''
as $$
  select bound.minutes * interval '1 minute', greatest(bound.least, before.number * 5 * bound.minutes / (28 * 24 * 60))::integer
  from (values (30, 1), (180, 3)) as bound (minutes, least)
  cross join (
    select count(*) as number
    from recsys_engine.first_acts
    where first_acts.at >= (p_day - 28)::timestamp at time zone 'utc' and first_acts.at < p_day::timestamp at time zone 'utc'
  ) as before
$$;
comment on function recsys_engine.admitted_newly(date) is 'How much of what people begin on their first day with posts older than a day counts on a day (UTC) in so long a time.';

create function recsys_engine.keep_first_acts(p_users uuid[], p_at timestamptz[]) returns timestamptz[]
language sql volatile security invoker set search_path = ''
as $$
  with people as materialized (
    select touched.user_id, first.at as began
    from (
      select each.user_id, min(each.at) as at from unnest(p_users, p_at) as each (user_id, at) where each.user_id is not null group by each.user_id
    ) as touched
    left join lateral (
      select source_interactions.created_at as at
      from recsys.source_interactions where source_interactions.user_id = touched.user_id
        and not exists (select from recsys_engine.late_days where late_days.user_id = touched.user_id and late_days.day = recsys_engine.day_of(source_interactions.created_at))
      order by source_interactions.created_at
      limit 1
    ) as first on true
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
        -- what comes after somebody's 2,000 acts of a day, or six posts, is beyond anyway
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
    from (select first_acts.* from recsys_engine.first_acts join people using (user_id)) as known
    full join begun using (user_id, number)
    where known.at is distinct from begun.at
  ),
  gone as (
    delete from recsys_engine.first_acts using moved where first_acts.user_id = moved.user_id and first_acts.number = moved.number and moved.at is null
  ),
  kept as (
    insert into recsys_engine.first_acts (user_id, number, at)
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
$$;
comment on function recsys_engine.keep_first_acts(uuid[], timestamptz[]) is 'Brings recsys_engine.first_acts up to date for people who did something at some instants. Returns the instants at which one came or went.';

create function recsys_engine.keep_bursts(p_users uuid[], p_at timestamptz[]) returns table (user_id uuid, post_id uuid, at timestamptz)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  today constant date := recsys_engine.day_of(recsys.clock());
  -- what is imported is taken as it is: what was usual is known where states have been kept for 28 days
  judged_from constant date := greatest(today - 28, recsys_engine.day_of((select min(post_stats.last_active_at) from recsys_engine.post_stats)) + 29);
  moved constant timestamptz[] := recsys_engine.keep_first_acts(p_users, p_at);
begin
  if not exists (select from recsys_engine.post_stats) or judged_from > today then
    return;
  end if;
  return query
  with touched as (
    select each.user_id, recsys_engine.day_of(each.at) as day
    from unnest(p_users, p_at) as each (user_id, at) where each.user_id is not null and isfinite(each.at)
  ),
  bounds as materialized (
    select days.day, admitted.span, admitted.most
    from (
      select distinct each.day + n as day
      from (select touched.day from touched union all select recsys_engine.day_of(each.at) from unnest(moved) as each (at)) as each
      cross join generate_series(0, 1) as n
    ) as days
    cross join lateral recsys_engine.admitted_newly(days.day) as admitted
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
      select first_acts.user_id, first_acts.at from recsys_engine.first_acts
      where first_acts.at >= each.at and first_acts.at < each.at + bounds.span
      order by first_acts.at, first_acts.user_id, first_acts.number
      -- what comes after these was beyond it before, and is; twice, since more may be usual on the next day
      limit 2 * bounds.most + cardinality(moved)
    ) as others
  ),
  judged as materialized (
    select person_days.user_id, person_days.day, bursts.since as since_before,
      least(recsys_engine.own_burst(person_days.user_id, person_days.day), first.at, case when late_days.day is not null then late_days.day::timestamp at time zone 'utc' end) as since
    from person_days
    left join recsys_engine.late_days on late_days.user_id = person_days.user_id and late_days.day = person_days.day
    left join recsys_engine.bursts on bursts.user_id = person_days.user_id and bursts.day = person_days.day
    left join lateral (
      select min(begun.at) as at
      from recsys_engine.first_acts as begun
      join bounds on bounds.day = recsys_engine.day_of(begun.at)
      where begun.user_id = person_days.user_id and bounds.day = person_days.day and bounds.most = (
        select count(*) from (
          select from recsys_engine.first_acts as before
          where before.at > begun.at - bounds.span and (before.at, before.user_id, before.number) < (begun.at, begun.user_id, begun.number)
          limit bounds.most
        ) as earlier
      )
    ) as first on true
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
$$;
comment on function recsys_engine.keep_bursts(uuid[], timestamptz[]) is 'Decides from when on what people (p_users) did counts for no post, on the days on which they changed something (p_at) and on later ones. Returns the interactions that count no more, or again, for that: their states are to be worked out. Called by each roll-up; an import is taken as it is.';

revoke all on function recsys_engine.earlier_days(uuid, timestamptz, integer), recsys_engine.own_burst(uuid, date), recsys_engine.admitted_newly(date),
  recsys_engine.keep_first_acts(uuid[], timestamptz[]), recsys_engine.keep_bursts(uuid[], timestamptz[]) from public;
grant execute on function recsys_engine.earlier_days(uuid, timestamptz, integer), recsys_engine.own_burst(uuid, date), recsys_engine.admitted_newly(date),
  recsys_engine.keep_first_acts(uuid[], timestamptz[]), recsys_engine.keep_bursts(uuid[], timestamptz[]) to service_role;


-- 07_feature_store/04_circles.sql

-- Closed circles: people who only ever came to each other's posts. On a page of somebody else their posts have one place together
-- (fullCircle in select/penalties.ts): ten accounts of two days with a post each had 50 % of the places of 60 people, and have 5.0 %. Of five authors
-- or more one may be outside: one view of a post of others by one of the ten freed them all.

create table recsys_engine.circle_members (
  user_id uuid primary key
);
comment on table recsys_engine.circle_members is 'Who is in a closed circle: the authors to whose posts they came are in one, too. Written by recsys_engine.find_circles alone.';
comment on column recsys_engine.circle_members.user_id is 'The user.';
alter table recsys_engine.circle_members enable row level security;
grant select, insert, delete on recsys_engine.circle_members to service_role;

create function recsys_engine.find_circles() returns integer
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  users uuid[];
  authors uuid[];
  number integer;
begin
  perform pg_advisory_xact_lock(hashtext('recsys_engine.find_circles'));
  with pairs as materialized (
    select distinct acts.user_id, posts.author_id
    from recsys.source_interactions as acts
    join recsys.source_posts as posts on posts.post_id = acts.post_id
    where posts.author_id is distinct from acts.user_id
  ),
  -- whoever came to somebody else than these is outside; the ten to whom most came are, since in a small community all may have come to all
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
  -- and whoever came to one who is outside; a longer chain is nobody's by accident
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
$$;
comment on function recsys_engine.find_circles() is 'Finds who is in a closed circle (recsys_engine.circle_members): those who only ever came to posts of others that are in one, but for one author where they are five or more, and to no post of the ten authors to whom most people came. Returns how many they are.';
revoke all on function recsys_engine.find_circles() from public;
grant execute on function recsys_engine.find_circles() to service_role;

select recsys_engine.schedule('recsys circles', '52 * * * *', 'select recsys_engine.find_circles()');


-- 07_feature_store/05_feature_changes.sql

-- What changed since the last roll-up. Triggers queue it in the transaction that makes the change, so nothing is lost or rolled up too early.

create table recsys_engine.feature_changes (
  change_id bigint primary key generated always as identity,
  user_id uuid,
  post_id uuid,
  at timestamptz not null default '-infinity',
  queued_at timestamptz not null default now(),
  check (user_id is not null or post_id is not null)
)
-- a busy queue is as dead as it is long: it is vacuumed by its dead rows alone, however few are alive
with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table recsys_engine.feature_changes is 'What recsys.roll_up() has to work off. Writers only ever append, so they never wait for each other. A post or user put in here by hand is recomputed: insert into recsys_engine.feature_changes (post_id) values (…).';
comment on column recsys_engine.feature_changes.change_id is 'Number of the change.';
comment on column recsys_engine.feature_changes.user_id is 'Whose interaction or login came, went or changed; null: the post itself did.';
comment on column recsys_engine.feature_changes.post_id is 'The post of the interaction; null: a login.';
comment on column recsys_engine.feature_changes.at is 'When the interaction or login happened: states before this instant stay right. -infinity: none does.';
comment on column recsys_engine.feature_changes.queued_at is 'When the change was made: how far the feature store is behind.';
alter table recsys_engine.feature_changes enable row level security;
grant select, insert, delete on recsys_engine.feature_changes to service_role;

create function recsys_engine.queue_feature_changes() returns trigger
-- definer: people who write the app's tables may neither read nor write the queue
-- pg_temp is named, and last: an empty path has it first, and with a temporary type called text, whose check is a function of theirs, whoever wrote
-- a watched table ran that as the owner
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
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
    -- what people themselves say that they did long before: whoever imports, or writes for others, knows when it was
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
        insert into recsys_engine.late_days (user_id, day)
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
$$;
comment on function recsys_engine.queue_feature_changes() is 'Trigger of watched tables: queues the rows that a statement inserted, deleted or changed; a truncation queues every post and user that has states. Of what people write of a day long over it notes recsys_engine.late_days. Its arguments are made by recsys.watch: user, post and time of a change, the columns without which a row is none, the columns whose change counts.';
revoke all on function recsys_engine.queue_feature_changes() from public;


-- 07_feature_store/06_set_aside_changes.sql

-- What recsys.roll_up() could not work out. It is set aside, so that everybody else's states go on.

create table recsys_engine.set_aside_changes (
  user_id uuid unique,
  post_id uuid unique,
  at timestamptz not null,
  error_code text not null,
  reason text not null,
  failures integer not null default 1,
  first_failed_at timestamptz not null default clock_timestamp(),
  last_failed_at timestamptz not null default clock_timestamp(),
  check (num_nonnulls(user_id, post_id) = 1)
);
comment on table recsys_engine.set_aside_changes is 'Posts and users whose states could not be worked out, one row each; their states stay as they were. Each is tried again, alone, when it changes again, and its row goes when that succeeds. All of them at once, after the cause is mended: insert into recsys_engine.feature_changes (user_id, post_id, at) select user_id, post_id, at from recsys_engine.set_aside_changes.';
comment on column recsys_engine.set_aside_changes.user_id is 'The user; null: a post.';
comment on column recsys_engine.set_aside_changes.post_id is 'The post; null: a user.';
comment on column recsys_engine.set_aside_changes.at is 'From when on the states are to be recomputed. -infinity: all of them.';
comment on column recsys_engine.set_aside_changes.error_code is 'SQLSTATE of the latest failure.';
comment on column recsys_engine.set_aside_changes.reason is 'What the latest failure was.';
comment on column recsys_engine.set_aside_changes.failures is 'How often it was tried in vain.';
comment on column recsys_engine.set_aside_changes.first_failed_at is 'Since when its states are behind, by the wall clock.';
comment on column recsys_engine.set_aside_changes.last_failed_at is 'When it was tried last, by the wall clock.';
alter table recsys_engine.set_aside_changes enable row level security;
grant select, insert, update, delete on recsys_engine.set_aside_changes to service_role;

create view recsys.feature_store_failures with (security_invoker = true) as
select
  case when post_id is null then 'user' else 'post' end as kind,
  coalesce(post_id, user_id) as entity_id,
  error_code,
  reason,
  failures,
  first_failed_at,
  last_failed_at,
  now() - first_failed_at as behind
from recsys_engine.set_aside_changes;
comment on view recsys.feature_store_failures is 'Which posts and users the feature store is behind with, why, and since when; none should be. How to try again: see the table recsys_engine.set_aside_changes.';
comment on column recsys.feature_store_failures.kind is 'post or user.';
comment on column recsys.feature_store_failures.entity_id is 'The post_id or user_id.';
comment on column recsys.feature_store_failures.error_code is 'SQLSTATE of the latest failure.';
comment on column recsys.feature_store_failures.reason is 'What the latest failure was.';
comment on column recsys.feature_store_failures.failures is 'How often it was tried in vain.';
comment on column recsys.feature_store_failures.first_failed_at is 'Since when it is behind.';
comment on column recsys.feature_store_failures.last_failed_at is 'When it was tried last.';
comment on column recsys.feature_store_failures.behind is 'For how long its states have been behind.';
grant select on recsys.feature_store_failures to service_role;


-- 07_feature_store/07_thinning.sql

-- Old states go. Training reads the latest 500,000 events, of each person the latest 10,000 at most, with the state each left; of what came before them it reads the last state
-- of each post and user, and what each interaction found, which the interactions themselves say. So that is what stays: from an
-- instant on every state, and before it the last one of each post and user. What is stored of a post or user is therefore always
-- complete from some state on, and whoever needs a state before that one works it out from the interactions:
-- - the roll-up, for a change that came so late, begins from scratch; the next thinning takes the older states again;
-- - what somebody found who came back then: recsys_engine.thinned_state().
-- To keep the states that histories need instead would keep nearly all: most people have fewer than 200 interactions.

create table recsys_engine.thinning (
  only_row boolean primary key default true check (only_row),
  thinned_before timestamptz not null default '-infinity',
  after_id uuid not null default '00000000-0000-0000-0000-000000000000'
);
comment on table recsys_engine.thinning is 'How far recsys_engine.thin_feature_store() has come, in one row.';
comment on column recsys_engine.thinning.only_row is 'Always true: there is one row.';
comment on column recsys_engine.thinning.thinned_before is 'Of the states before this instant only the last one of each post and user needs to be there. -infinity: nothing was thinned yet, or all is recomputed.';
comment on column recsys_engine.thinning.after_id is 'The post or user after which the next call goes on, in the order of their ids.';
insert into recsys_engine.thinning default values;
alter table recsys_engine.thinning enable row level security;
create policy "how far states are thinned is readable" on recsys_engine.thinning for select to authenticated using (true);
grant select on recsys_engine.thinning to authenticated;
grant select, insert, update, delete on recsys_engine.thinning to service_role;

create function recsys_engine.counted_before(p_post_id uuid, p_author_id uuid, p_at timestamptz, p_interaction_id bigint)
returns table (last_active_at timestamptz, comments integer)
language sql stable security invoker rows 1
begin atomic
  select max(firsts.created_at), (count(*) filter (where firsts.kind = 'comment'))::integer
  from (
    select earlier.kind, min(earlier.created_at) as created_at
    from recsys_engine.countable_interactions as earlier
    where earlier.post_id = p_post_id and earlier.created_at <= p_at and (earlier.created_at < p_at or earlier.interaction_id < p_interaction_id)
      and earlier.user_id is distinct from p_author_id
    group by earlier.user_id, earlier.kind
  ) as firsts
  having count(*) > 0;
end;
comment on function recsys_engine.counted_before(uuid, uuid, timestamptz, bigint) is 'last_active_at and comments of a post of an author just before an interaction, from the interactions that count. No row: none did.';

create function recsys_engine.thinned_state(p_post_id uuid, p_at timestamptz, p_interaction_id bigint)
returns table (last_active_at timestamptz, comments integer)
-- definer: what others did with a post is not the caller's to read; what they found when they came to it is, and no more, or it would say of
-- any post whether it is there, though it is hidden from them
language plpgsql stable security definer rows 1 set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select counted.last_active_at, counted.comments
  from recsys.source_posts as posts
  cross join lateral recsys_engine.counted_before(posts.post_id, posts.author_id, p_at, p_interaction_id) as counted
  where posts.post_id = p_post_id and (auth.uid() is null or exists (
    select from recsys.source_interactions as own
    where own.user_id = auth.uid() and own.post_id = p_post_id and own.created_at = p_at and own.interaction_id = p_interaction_id
  ));
end
$$;
comment on function recsys_engine.thinned_state(uuid, timestamptz, bigint) is 'last_active_at and comments of a post just before an interaction, worked out from the interactions: for where recsys_engine.post_stats has no state before it, and the interaction lies before thinning.thinned_before. No row: nothing had happened yet, or, where the claims say who asks, the interaction is not theirs.';

create function recsys_engine.training_start(p_events bigint, p_of_a_person bigint) returns table (at timestamptz, sort_id bigint)
language sql stable security invoker set search_path = ''
as $$
  select latest.last_active_at, latest.sort_id
  from recsys_engine.latest_user_stats as people
  -- by the index of each person: what one of them did beyond their share is not read
  cross join lateral (
    select user_stats.last_active_at, user_stats.sort_id from recsys_engine.user_stats
    where user_stats.user_id = people.user_id
    order by user_stats.last_active_at desc, user_stats.sort_id desc, user_stats.event_id desc
    limit p_of_a_person
  ) as latest
  order by latest.last_active_at desc, latest.sort_id desc
  offset greatest(p_events, 1) - 1
  limit 1
$$;
comment on function recsys_engine.training_start(bigint, bigint) is 'The first of the latest p_events events of which each person has p_of_a_person at most: what training reads begins there, and what is thinned ends there. No row: there are fewer.';

create function recsys_engine.thin_feature_store(p_keep bigint default 500000, p_most integer default 20000, p_of_a_person bigint default 10000) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  first_id constant uuid := '00000000-0000-0000-0000-000000000000'::uuid;
  progress recsys_engine.thinning;
  ids uuid[];
  thinned bigint;
  of_users bigint;
begin
  -- not while a roll-up goes on from a state that would go; feeds and writers do not wait
  perform pg_advisory_xact_lock(hashtext('recsys.roll_up'));
  select * into strict progress from recsys_engine.thinning;
  if progress.after_id = first_id then
    -- a tenth of what training reads is gone, as where those are erased who had flooded it: what was thinned for them is recomputed
    if progress.thinned_before > coalesce((select start.at from recsys_engine.training_start(p_keep * 9 / 10, p_of_a_person) as start), '-infinity') then
      insert into recsys_engine.feature_changes (post_id) select source_posts.post_id from recsys.source_posts;
      insert into recsys_engine.feature_changes (user_id) select source_users.user_id from recsys.source_users;
      update recsys_engine.thinning set thinned_before = '-infinity';
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
      (select distinct post_stats.post_id as id from recsys_engine.post_stats where post_stats.post_id > progress.after_id order by id limit p_most)
      union
      (select distinct user_stats.user_id as id from recsys_engine.user_stats where user_stats.user_id > progress.after_id order by id limit p_most)
    ) as either
    order by id
    limit p_most
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

  update recsys_engine.thinning
  set thinned_before = progress.thinned_before,
    after_id = case when cardinality(ids) < p_most then first_id else ids[cardinality(ids)] end;
  return thinned + of_users;
end
$$;
comment on function recsys_engine.thin_feature_store(bigint, integer, bigint) is 'Thins the states of the next p_most posts and users, in the order of their ids and from the first again after the last: of those before the latest p_keep events, of which each person has p_of_a_person at most, only the last one stays. Returns the number of rows deleted. Where a tenth of these events is gone since, as after an erasure, all posts and users are queued to be recomputed instead. p_keep and p_of_a_person must not be less than what training reads (trainingEvents, eventsOfPerson). Called every minute of an hour of the night by pg_cron.';

revoke all on function recsys_engine.counted_before(uuid, uuid, timestamptz, bigint), recsys_engine.thinned_state(uuid, timestamptz, bigint), recsys_engine.training_start(bigint, bigint), recsys_engine.thin_feature_store(bigint, integer, bigint) from public;
grant execute on function recsys_engine.thinned_state(uuid, timestamptz, bigint) to authenticated, service_role;
grant execute on function recsys_engine.counted_before(uuid, uuid, timestamptz, bigint), recsys_engine.training_start(bigint, bigint), recsys_engine.thin_feature_store(bigint, integer, bigint) to service_role;


-- 07_feature_store/08_user_events.sql

-- Interactions and logins in one stream: what the states of users are made of.

create view recsys_engine.user_events with (security_invoker = true) as
select
  judged_interactions.interaction_id::text as event_id,
  judged_interactions.interaction_id as sort_id,
  judged_interactions.user_id,
  judged_interactions.post_id,
  judged_interactions.kind,
  judged_interactions.created_at,
  -- of NaN both are not true: nothing is above it
  case when judged_interactions.weight > 0 and judged_interactions.weight <= 1000 then judged_interactions.weight else 1 end as weight,
  judged_interactions.in_burst
from recsys_engine.judged_interactions
union all
select 'L' || source_logins.login_id, source_logins.login_id, source_logins.user_id, null, 'login', source_logins.created_at, 1, false
from recsys.source_logins;
comment on view recsys_engine.user_events is 'Interactions and logins as one stream: what changes the state of a user.';
comment on column recsys_engine.user_events.event_id is 'interaction_id, or L followed by login_id.';
comment on column recsys_engine.user_events.sort_id is 'interaction_id or login_id: events of the same instant are in the order of (sort_id, event_id).';
comment on column recsys_engine.user_events.user_id is 'Whose event it is.';
comment on column recsys_engine.user_events.post_id is 'The post of an interaction; null: a login.';
comment on column recsys_engine.user_events.kind is 'view, vote, comment or login.';
comment on column recsys_engine.user_events.created_at is 'When.';
comment on column recsys_engine.user_events.weight is 'How much an interaction counts compared with others of its kind; 1 where the app says nothing, or something that is no weight.';
comment on column recsys_engine.user_events.in_burst is 'Whether an interaction counts for no post, since its user had done too much on that day.';
grant select on recsys_engine.user_events to service_role;


-- 08_roll_up/01_roll_up_posts.sql

-- Filling the feature store: what changed is recomputed from the last state before it, so a roll-up costs what changed, not what is there.
-- The planner takes a third of all rows to lie behind an instant. "offset 0" makes it look them up by index, post by post and user by
-- user, whatever it expects: with 500 new events on top of a million it now and then read and sorted the million (1.4 s of processor time
-- instead of 0.1 s). Events are then put together with their decayed counts in lockstep, in arrays, and not by a join: one that
-- expects few rows where there are thousands took 9 minutes for 12,000 events of one user.

create function recsys_engine.roll_up_posts(
  p_posts uuid[],
  p_since timestamptz[],
  p_touched_by uuid[],
  p_touched uuid[],
  p_touched_at timestamptz[],
  out written bigint,
  out known uuid[]
)
language plpgsql volatile security invoker set search_path = ''
-- plans are made for the number of posts at hand; just-in-time compilation costs more than it saves
set plan_cache_mode = force_custom_plan set jit = off
as $$
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
      from unnest(p_touched_by, p_touched) as each (user_id, post_id)
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
    from unnest(p_touched_by, p_touched, p_touched_at) as touched (user_id, post_id, at)
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
        select countable_interactions.created_at, countable_interactions.interaction_id, countable_interactions.user_id, countable_interactions.kind
        from recsys_engine.countable_interactions
        where countable_interactions.post_id = late.post_id and countable_interactions.created_at >= late.since
        offset 0
      ) as events
      where late.post_id <> all (known)
      union all
      -- by user and post: of 10 million interactions, the pages that say whether it is the user's first are read for it anyway
      select late.post_id, late.since, late.last_active_at, late.author_id, events.*
      from pairs
      join late on late.post_id = pairs.post_id
      cross join lateral (
        select countable_interactions.created_at, countable_interactions.interaction_id, countable_interactions.user_id, countable_interactions.kind
        from recsys_engine.countable_interactions
        where countable_interactions.user_id = pairs.user_id and countable_interactions.post_id = pairs.post_id
          and countable_interactions.created_at >= pairs.since
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
          select from recsys_engine.countable_interactions as earlier
          where earlier.user_id = numbered.user_id and earlier.post_id = numbered.post_id and earlier.created_at < numbered.since
        )
      end as is_first
    from numbered
    -- what counts: of each person the first of each kind
    where numbered.number_of_kind = 1 and (numbered.last_active_at is null or not exists (
      select from recsys_engine.countable_interactions as earlier
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
$$;
comment on function recsys_engine.roll_up_posts(uuid[], timestamptz[], uuid[], uuid[], timestamptz[]) is 'Works out recsys_engine.post_stats and recsys_engine.latest_post_stats of some posts, each named once, again from an instant on; returns the number of rows written, and the posts of which nothing but the new interactions of known users is written. p_touched_by, p_touched, p_touched_at: whose interaction with which post changed, and when. Of a post among p_touched, each time with a user, nothing else changed, so these interactions are all that is looked up where they are new; of any other post, all there are.';

revoke all on function recsys_engine.roll_up_posts(uuid[], timestamptz[], uuid[], uuid[], timestamptz[]) from public;
grant execute on function recsys_engine.roll_up_posts(uuid[], timestamptz[], uuid[], uuid[], timestamptz[]) to service_role;


-- 08_roll_up/02_roll_up_users.sql

-- The states of users, in the manner of those of posts (08_roll_up/01_roll_up_posts.sql), and after them.

create function recsys_engine.roll_up_users(p_users uuid[], p_since timestamptz[], p_touched_by uuid[], p_touched uuid[], p_touched_at timestamptz[])
returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  thinned_before constant timestamptz := (select thinning.thinned_before from recsys_engine.thinning);
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
      from unnest(p_touched_by, p_touched) as each (user_id, post_id)
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
    from unnest(p_touched_by, p_touched, p_touched_at) as touched (user_id, post_id, at)
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
    -- one by one, so that a post that cannot be read fails those who came to it, and nobody else
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
      -- what counts: their first of its kind with a post of somebody else
      numbered.kind <> 'login' and not numbered.in_burst and numbered.author_id is distinct from numbered.user_id and numbered.number_of_kind = 1 and not exists (
        select from recsys_engine.countable_interactions as earlier
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
      -- as in recsys_engine.thinned_state(), which a bulk of rows cannot wait for
      select counted.last_active_at
      from (select where events.is_interaction and before.last_active_at is null and events.created_at < thinned_before offset 0) as asked
      cross join lateral recsys_engine.counted_before(events.post_id, events.author_id, events.created_at, events.sort_id) as counted
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
  -- an event of somebody else whose turn has not come yet
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
$$;
comment on function recsys_engine.roll_up_users(uuid[], timestamptz[], uuid[], uuid[], timestamptz[]) is 'Works out recsys_engine.user_stats and recsys_engine.latest_user_stats of some users, each named once, again from an instant on, after the posts; returns the number of rows written. p_touched_by, p_touched, p_touched_at: as for posts; a post of null stands for anything the user did.';

revoke all on function recsys_engine.roll_up_users(uuid[], timestamptz[], uuid[], uuid[], timestamptz[]) from public;
grant execute on function recsys_engine.roll_up_users(uuid[], timestamptz[], uuid[], uuid[], timestamptz[]) to service_role;


-- 08_roll_up/03_user_affinities.sql

-- What a feed needs of somebody's whole past, kept by the roll-up in a row a person, so that no feed reads more of them than their latest acts:
-- five accounts with 200,000 views of their own had 52 of 63 others refused, each of their feeds reading all of these.

create table recsys_engine.user_affinities (
  user_id uuid not null,
  until timestamptz not null,
  acts integer not null,
  authors uuid[] not null,
  affinities integer[] not null,
  post_ids uuid[],
  primary key (user_id)
)
-- a roll-up rewrites a row in its page, where there is room, and leaves the index alone
with (fillfactor = 70);
comment on table recsys_engine.user_affinities is 'With posts of whom somebody interacted, and how often, in one row a person; who did little has none. A feed adds what they did since (recsys_engine.with_affinities). Written by recsys_engine.keep_affinities alone.';
comment on column recsys_engine.user_affinities.user_id is 'The person.';
comment on column recsys_engine.user_affinities.until is 'When the last interaction was that is counted.';
comment on column recsys_engine.user_affinities.acts is 'How many interactions are counted: the latest 10,000 at most.';
comment on column recsys_engine.user_affinities.authors is 'Authors of posts that they interacted with, without themselves, those of most interactions first: 1,000 at most.';
comment on column recsys_engine.user_affinities.affinities is 'How many interactions they had with the posts of each of these.';
comment on column recsys_engine.user_affinities.post_ids is 'The posts of others among these interactions, which stay out of their feed; null: so few interactions that a feed reads all of them itself.';
alter table recsys_engine.user_affinities enable row level security;
create policy "people read their own affinities" on recsys_engine.user_affinities for select to authenticated using (user_id = (select auth.uid()));
grant select on recsys_engine.user_affinities to authenticated;
grant select, insert, update, delete on recsys_engine.user_affinities to service_role;

create function recsys_engine.keep_affinities(p_users uuid[], p_since timestamptz[]) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  instant constant timestamptz := recsys.clock();
  due uuid[];
  written bigint;
begin
  -- A feed counts a few itself: counting them all here with each act would read somebody's past hundreds of times. So they are counted when something
  -- of what was counted changed, and else when a tenth came since, 20 at least.
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
$$;
comment on function recsys_engine.keep_affinities(uuid[], timestamptz[]) is 'Counts recsys_engine.user_affinities of those of some users, each named once, of whom something that was counted changed (p_since: from when on), or who did much since; returns how many rows were written.';
revoke all on function recsys_engine.keep_affinities(uuid[], timestamptz[]) from public;
grant execute on function recsys_engine.keep_affinities(uuid[], timestamptz[]) to service_role;


-- 08_roll_up/04_newcomer_posts.sql

-- What newcomers write (07_feature_store/02_newcomers.sql). Of their posts of a day (UTC) five times as many as usual, the mean of the
-- 28 days before, are posts like all others. Those beyond are on trial: places for trials alone bring them, what one follows, and a filter by the author.
-- The first act of somebody who is no newcomer and not the author ends a trial, and a week does. Of Travel's 12,292 posts by newcomers 4 were ever on
-- trial, with three times as many 54. Before, one post of a new account had a place in each feed of 60 people, and ten accounts had all.

create table recsys_engine.newcomer_posts (
  post_id uuid primary key,
  user_id uuid not null,
  created_at timestamptz not null,
  number integer not null,
  on_trial_until timestamptz
);
comment on table recsys_engine.newcomer_posts is 'Posts that newcomers wrote: those that are or were on trial, and of the others those of the last day. Written by recsys_engine.keep_newcomer_posts alone.';
comment on column recsys_engine.newcomer_posts.post_id is 'The post.';
comment on column recsys_engine.newcomer_posts.user_id is 'Its author.';
comment on column recsys_engine.newcomer_posts.created_at is 'When it was written.';
comment on column recsys_engine.newcomer_posts.number is 'Which of its author''s posts of that day it is, from 1.';
comment on column recsys_engine.newcomer_posts.on_trial_until is 'Until when it is on trial; null: it never was.';
create index newcomer_posts_on_trial_idx on recsys_engine.newcomer_posts (on_trial_until) where on_trial_until is not null;
-- a deleted user is erased from here too
create index newcomer_posts_user_id_idx on recsys_engine.newcomer_posts (user_id);

alter table recsys_engine.newcomer_posts enable row level security;
create policy "trials are read with their post" on recsys_engine.newcomer_posts for select to authenticated
  using (exists (select from recsys.source_posts where source_posts.post_id = newcomer_posts.post_id offset 0));
grant select on recsys_engine.newcomer_posts to authenticated;
grant select, insert, update, delete on recsys_engine.newcomer_posts to service_role;

create function recsys_engine.keep_newcomer_posts(p_written uuid[], p_touched uuid[]) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  judged_posts uuid[] := p_written;
  written bigint;
begin
  -- one at a time; within a roll-up it has this lock already
  perform pg_advisory_xact_lock(hashtext('recsys.roll_up'));
  perform recsys_engine.count_newcomer_days();
  if (select count(*) from recsys.source_posts where source_posts.post_id = any (p_written)) < cardinality(p_written) then
    -- one that is gone had the place of another: 200 posts that were erased left three of others on trial for a week
    judged_posts := array(
      select unnest(p_written) union select newcomer_posts.post_id from recsys_engine.newcomer_posts where newcomer_posts.on_trial_until > recsys.clock()
    );
  end if;
  delete from recsys_engine.newcomer_posts where newcomer_posts.post_id = any (judged_posts);
  with written as materialized (
    select posts.post_id, posts.author_id, posts.created_at, recsys_engine.day_of(posts.created_at) as day
    from unnest(judged_posts) as each (post_id)
    join recsys.source_posts as posts on posts.post_id = each.post_id
    join recsys.source_users as users on users.user_id = posts.author_id
    where recsys_engine.is_newcomer(users.created_at, posts.created_at)
  ),
  days as materialized (
    select each.day, recsys_engine.admitted_of_newcomers(each.day) as admitted from (select distinct written.day from written) as each
  ),
  -- all of these days, in order of time
  numbered as materialized (
    select
      posts.post_id, days.day, days.admitted,
      row_number() over (partition by days.day order by posts.created_at, posts.post_id) as place,
      row_number() over (partition by days.day, posts.author_id order by posts.created_at, posts.post_id) as number
    from days
    cross join lateral (
      select source_posts.post_id, source_posts.author_id, source_posts.created_at
      from recsys.source_posts
      join recsys.source_users as users on users.user_id = source_posts.author_id
      where source_posts.created_at >= days.day::timestamp at time zone 'utc' and source_posts.created_at < (days.day + 1)::timestamp at time zone 'utc'
        and recsys_engine.is_newcomer(users.created_at, source_posts.created_at)
      offset 0
    ) as posts
    order by days.day, place
  ),
  judged as (
    select
      written.post_id, written.author_id, written.created_at, numbered.number,
      -- somebody's second post has a place when fewer than are admitted came before it as others' first and second; most are decided by their places alone
      numbered.place > numbered.admitted and (
        numbered.number > numbered.admitted or numbered.admitted = (
          select count(*) from (
            select from numbered as before
            where before.day = numbered.day and before.place < numbered.place and before.number <= numbered.number
            limit numbered.admitted
          ) as earlier
        )
      ) as is_on_trial
    from written
    join numbered on numbered.post_id = written.post_id
  )
  insert into recsys_engine.newcomer_posts (post_id, user_id, created_at, number, on_trial_until)
  select judged.post_id, judged.author_id, judged.created_at, judged.number, case when judged.is_on_trial then judged.created_at + recsys_engine.trial_age() end
  from judged
  -- that another is none is known for a day: until then one that no roll-up has seen is told from it
  where judged.is_on_trial or judged.created_at > recsys.clock() - interval '1 day';
  get diagnostics written = row_count;
  update recsys_engine.newcomer_posts as tried
  set on_trial_until = least(tried.created_at + recsys_engine.trial_age(), (
    select acts.created_at
    from recsys.source_interactions as acts
    left join recsys.source_users as users on users.user_id = acts.user_id
    where acts.post_id = tried.post_id and acts.user_id <> tried.user_id and not recsys_engine.is_newcomer(users.created_at, acts.created_at)
    order by acts.created_at
    limit 1
  ))
  where tried.post_id = any (p_touched) and tried.on_trial_until is not null;
  return written;
end
$$;
comment on function recsys_engine.keep_newcomer_posts(uuid[], uuid[]) is 'Decides which of some posts (p_written, each named once) are on trial, and where one of them is gone, which others still are; and of p_touched until when: to whom somebody came. Returns how many it wrote down. Called by each roll-up.';

revoke all on function recsys_engine.keep_newcomer_posts(uuid[], uuid[]) from public;
grant execute on function recsys_engine.keep_newcomer_posts(uuid[], uuid[]) to service_role;


-- 08_roll_up/05_trials.sql

-- A fair trial for new posts: what nobody was shown nobody can have liked. A place of a feed goes to a post that few people were shown so far
-- (settings.trial_place, settings.trial_impressions), drawn by what came of showing it (functions/_shared/recommend/select/exploration.ts).
-- Whom it was shown to is noted by the statement that logs impressions, a row of its own for each person, so that concurrent writers have
-- no row in common; the roll-up alone counts them.

create table recsys_engine.trials (
  post_id uuid not null,
  created_at timestamptz not null,
  impressions integer not null,
  acted integer not null,
  primary key (post_id)
)
-- the roll-up rewrites a row in its page, where there is room, and leaves the indexes alone
with (fillfactor = 70);
comment on table recsys_engine.trials is 'How often each young post was shown and what came of it, for the draw of which one is tried next. A young post without a row was shown to nobody yet. Written by recsys_engine.count_trials alone.';
comment on column recsys_engine.trials.post_id is 'The post.';
comment on column recsys_engine.trials.created_at is 'When it was written.';
comment on column recsys_engine.trials.impressions is 'How many people were shown it, wherever in a feed: each counts once, however often they reload. What comes after settings.trial_impressions is not counted.';
comment on column recsys_engine.trials.acted is 'How many of these viewed, voted for or commented on it within an hour.';
create index trials_created_at_idx on recsys_engine.trials (created_at desc, post_id);

create table recsys_engine.trial_impressions (
  post_id uuid not null,
  user_id uuid not null,
  shown_at timestamptz not null,
  acted boolean,
  primary key (post_id, user_id)
);
comment on table recsys_engine.trial_impressions is 'To whom a young post was shown while it was under trial: what recsys_engine.trials counts. About settings.trial_impressions rows a post at most.';
comment on column recsys_engine.trial_impressions.post_id is 'The post.';
comment on column recsys_engine.trial_impressions.user_id is 'Whom it was shown to.';
comment on column recsys_engine.trial_impressions.shown_at is 'When for the first time, by the engine''s clock.';
comment on column recsys_engine.trial_impressions.acted is 'Whether they viewed, voted for or commented on it within an hour; null: no roll-up has counted it yet.';
create index trial_impressions_uncounted_idx on recsys_engine.trial_impressions (post_id) where acted is null;
-- a deleted user is erased from here too
create index trial_impressions_user_id_idx on recsys_engine.trial_impressions (user_id);

-- a feed reads them as the service, and asks them of posts that the caller may read
alter table recsys_engine.trials enable row level security;
alter table recsys_engine.trial_impressions enable row level security;
grant select, insert, update, delete on recsys_engine.trials, recsys_engine.trial_impressions to service_role;

create function recsys_engine.trial_age() returns interval
language sql immutable security invoker
return interval '7 days';
comment on function recsys_engine.trial_age() is 'How old a post may be and still be under trial: as old as what trends.';

create function recsys_engine.count_trials(p_users uuid[] default '{}', p_posts uuid[] default '{}') returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  counted bigint;
begin
  -- one at a time; within a roll-up it has this lock already
  perform pg_advisory_xact_lock(hashtext('recsys.roll_up'));
  -- An impression and an act are committed in any order. Whichever a count sees last finds the other: a new impression looks for acts
  -- that are there already, and a new act for impressions that were counted.
  with shown_since as (
    update recsys_engine.trial_impressions as shown
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
    update recsys_engine.trial_impressions as shown set acted = true
    from (select distinct each.user_id, each.post_id from unnest(p_users, p_posts) as each (user_id, post_id)) as acts
    where shown.post_id = acts.post_id and shown.user_id = acts.user_id and not shown.acted and exists (
      select from recsys.source_interactions as interactions
      where interactions.user_id = shown.user_id and interactions.post_id = shown.post_id
        and interactions.created_at >= shown.shown_at and interactions.created_at <= shown.shown_at + interval '1 hour'
      offset 0
    )
    returning shown.post_id, 0 as impressions, 1 as acted
  )
  insert into recsys_engine.trials as known (post_id, created_at, impressions, acted)
  select since.post_id, posts.created_at, sum(since.impressions), sum(since.acted)
  from (select * from shown_since union all select * from acted_since) as since
  join recsys.source_posts as posts on posts.post_id = since.post_id
  group by since.post_id, posts.created_at
  on conflict (post_id) do update
  set created_at = excluded.created_at, impressions = known.impressions + excluded.impressions, acted = known.acted + excluded.acted;
  get diagnostics counted = row_count;
  return counted;
end
$$;
comment on function recsys_engine.count_trials(uuid[], uuid[]) is 'Adds to recsys_engine.trials whom posts were shown to since the last count, and who of them acted within an hour; p_users and p_posts, by pairs, are those that did something since then. Returns how many posts have another count. Called by each roll-up; it costs what is new.';

create function recsys_engine.purge_trials() returns bigint
language sql volatile security invoker set search_path = ''
as $$
  -- no roll-up counts meanwhile
  select pg_advisory_xact_lock(hashtext('recsys.roll_up'));
  -- whoever was erased is in no count any more
  update recsys_engine.trials set impressions = shown.impressions, acted = shown.acted
  from (
    select trials.post_id, count(shown.acted) as impressions, count(*) filter (where shown.acted) as acted
    from recsys_engine.trials left join recsys_engine.trial_impressions as shown on shown.post_id = trials.post_id
    group by trials.post_id
  ) as shown
  where shown.post_id = trials.post_id and (shown.impressions, shown.acted) <> (trials.impressions, trials.acted);
  with gone as (
    delete from recsys_engine.trial_impressions as shown
    where shown.shown_at <= recsys.clock() - recsys_engine.trial_age() * 2
      or exists (select from recsys_engine.trials where trials.post_id = shown.post_id and trials.created_at <= recsys.clock() - recsys_engine.trial_age())
  ),
  ended as (
    delete from recsys_engine.trials where trials.created_at <= recsys.clock() - recsys_engine.trial_age() or trials.impressions = 0 returning 1
  ),
  never as (
    delete from recsys_engine.newcomer_posts where newcomer_posts.on_trial_until is null and newcomer_posts.created_at <= recsys.clock() - interval '1 day'
  )
  select count(*) from ended
$$;
comment on function recsys_engine.purge_trials() is 'Forgets the trials of posts that are older than recsys_engine.trial_age(), with whom they were shown to, posts of newcomers that were never on trial, and in the counts of others whoever was erased, and returns how many trials. Called every night by pg_cron.';

revoke all on function recsys_engine.trial_age(), recsys_engine.count_trials(uuid[], uuid[]), recsys_engine.purge_trials() from public;
grant execute on function recsys_engine.trial_age(), recsys_engine.count_trials(uuid[], uuid[]), recsys_engine.purge_trials() to service_role;

select recsys_engine.schedule('recsys purge of trials', '27 3 * * *', 'select recsys_engine.purge_trials()');


-- 08_roll_up/06_late_changes.sql

-- What came late: an event of a month ago has all states of its post and its user since then recomputed. 500 views dated 28 days back, one
-- request, took 6.9 s of roll-up instead of 0.2. So changes that rewrite states wait here, and a roll-up takes as many as its rows allow, after all
-- that is new. What would rewrite more than the horizon alone is mended at night.

create table recsys_engine.late_changes (
  late_change_id bigint primary key generated always as identity,
  user_id uuid,
  post_id uuid,
  at timestamptz not null,
  of_post integer not null default 0,
  of_user integer not null default 0,
  rewrites integer not null generated always as (of_post + of_user) stored,
  queued_at timestamptz not null default now(),
  check (user_id is not null or post_id is not null)
);
comment on table recsys_engine.late_changes is 'Changes of recsys_engine.feature_changes that have states recomputed; recsys.roll_up() takes those of fewest first. Until then states are as if they had not been made. All at once: select recsys.roll_up(null).';
comment on column recsys_engine.late_changes.late_change_id is 'Its number.';
comment on column recsys_engine.late_changes.user_id is 'As in recsys_engine.feature_changes.';
comment on column recsys_engine.late_changes.post_id is 'As in recsys_engine.feature_changes.';
comment on column recsys_engine.late_changes.at is 'As in recsys_engine.feature_changes.';
comment on column recsys_engine.late_changes.of_post is 'How many states of the post are recomputed for it, about: not counted on above the horizon.';
comment on column recsys_engine.late_changes.of_user is 'How many of the user.';
comment on column recsys_engine.late_changes.rewrites is 'How many together.';
comment on column recsys_engine.late_changes.queued_at is 'When the change was made.';
-- a user's own states are worked out once, from the earliest instant on
create unique index late_changes_user_id_idx on recsys_engine.late_changes (user_id) where post_id is null;
create index late_changes_rewrites_idx on recsys_engine.late_changes ((post_id is null), rewrites, post_id, late_change_id);
alter table recsys_engine.late_changes enable row level security;
grant select, insert, update, delete on recsys_engine.late_changes to service_role;

create table recsys_engine.roll_up_share (
  only_row boolean primary key default true check (only_row),
  share double precision not null default 1 check (share > 0 and share <= 1)
);
comment on table recsys_engine.roll_up_share is 'How much of what it may take a roll-up takes, in one row: half as much after each that reached its statement limit, and twice as much after each that did not, until it is all.';
comment on column recsys_engine.roll_up_share.only_row is 'Always true: there is one row.';
comment on column recsys_engine.roll_up_share.share is 'The share, 1 at most.';
insert into recsys_engine.roll_up_share default values;
alter table recsys_engine.roll_up_share enable row level security;
grant select, update on recsys_engine.roll_up_share to service_role;

create function recsys_engine.states_since(p_kind text, p_id uuid, p_since timestamptz, p_most integer) returns integer
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  if p_kind = 'post' then
    return greatest(
      (select count(*)::integer from (
        select from recsys_engine.post_stats where post_stats.post_id = p_id and post_stats.last_active_at >= p_since limit p_most
      ) as stored),
      -- no state before: all there is is worked out
      (select count(*)::integer from (
        select from recsys.source_interactions
        where source_interactions.post_id = p_id
          and not exists (select from recsys_engine.post_stats as earlier where earlier.post_id = p_id and earlier.last_active_at < p_since)
        limit p_most
      ) as events)
    );
  end if;
  return greatest(
    (select count(*)::integer from (
      select from recsys_engine.user_stats where user_stats.user_id = p_id and user_stats.last_active_at >= p_since limit p_most
    ) as stored),
    (select count(*)::integer from (
      select from recsys_engine.user_events
      where user_events.user_id = p_id
        and not exists (select from recsys_engine.user_stats as earlier where earlier.user_id = p_id and earlier.last_active_at < p_since)
      limit p_most
    ) as events)
  );
end
$$;
comment on function recsys_engine.states_since(text, uuid, timestamptz, integer) is 'How many states of a post or user (p_kind) a change of that instant has recomputed, p_most at most.';

create function recsys_engine.put_off(p_users uuid[], p_since timestamptz[], p_rewrites integer[]) returns void
language sql volatile security invoker set search_path = ''
as $$
  insert into recsys_engine.late_changes as waiting (user_id, at, of_user)
  select later.user_id, min(later.since), max(later.rewrites) from unnest(p_users, p_since, p_rewrites) as later (user_id, since, rewrites) group by later.user_id
  on conflict (user_id) where post_id is null do update
  set at = least(waiting.at, excluded.at), of_user = greatest(waiting.of_user, excluded.of_user)
$$;
comment on function recsys_engine.put_off(uuid[], timestamptz[], integer[]) is 'Has the states of users worked out later, each from its instant on; p_rewrites: how many these are.';

create function recsys_engine.take_changes(p_most bigint, p_rewrites integer, p_horizon integer)
returns table (user_id uuid, post_id uuid, at timestamptz)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
#variable_conflict use_column
declare
  -- nobody counts further
  most constant integer := coalesce(p_horizon, 1000000) + 1;
  users uuid[];
  posts uuid[];
  instants timestamptz[];
  queued timestamptz[];
begin
  with taken as (
    delete from recsys_engine.feature_changes
    where change_id <= (select max(change_id) from (select change_id from recsys_engine.feature_changes order by change_id limit p_most) as oldest)
    returning feature_changes.user_id, feature_changes.post_id, feature_changes.at, feature_changes.queued_at
  )
  select array_agg(taken.user_id), array_agg(taken.post_id), array_agg(taken.at), array_agg(taken.queued_at)
  into users, posts, instants, queued
  from taken;
  if p_rewrites is null then
    return query
    with late as (delete from recsys_engine.late_changes returning late_changes.user_id, late_changes.post_id, late_changes.at)
    select * from unnest(users, posts, instants) union all select * from late;
    return;
  end if;

  -- of posts and users that have a state at that instant or later, how many; nearly all have none
  with changes as materialized (
    select each.* from unnest(users, posts, instants, queued) as each (user_id, post_id, at, queued_at)
  ),
  late as materialized (
    select each.kind, each.id, max(each.last_active_at) as last_active_at, bool_or(each.is_stuck) as is_stuck,
      case when bool_or(each.is_stuck) then most else recsys_engine.states_since(each.kind, each.id, min(each.at), most) end as number
    from (
      -- one that reached the limit alone is for the night
      select 'post' as kind, changes.post_id as id, changes.at, latest.last_active_at, stuck.post_id is not null as is_stuck
      from changes
      left join recsys_engine.latest_post_stats as latest on latest.post_id = changes.post_id
      left join recsys_engine.set_aside_changes as stuck on stuck.post_id = changes.post_id and stuck.error_code = '57014'
      union all
      select 'user', changes.user_id, changes.at, latest.last_active_at, stuck.user_id is not null
      from changes
      left join recsys_engine.latest_user_stats as latest on latest.user_id = changes.user_id
      left join recsys_engine.set_aside_changes as stuck on stuck.user_id = changes.user_id and stuck.error_code = '57014'
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
    insert into recsys_engine.late_changes as waiting (user_id, post_id, at, of_post, of_user, queued_at)
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
    select late_changes.*, late_changes.ctid as at_place, row_number() over (order by (late_changes.post_id is null), late_changes.rewrites, late_changes.post_id, late_changes.late_change_id) as place
    from recsys_engine.late_changes
    -- posts first, since whoever came to them waits for them anyway, and the changes of one together
    where p_rewrites > 0 and (p_horizon is null or late_changes.rewrites <= p_horizon)
    order by (late_changes.post_id is null), late_changes.rewrites, late_changes.post_id, late_changes.late_change_id
    limit p_most
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
    delete from recsys_engine.late_changes
    -- by their places: joined, each read all the others where the planner knows of none, and 25,000 of one erased account took over 100 s instead of 4.7
    where late_changes.ctid = any (array(select summed.at_place from summed where summed.so_far <= p_rewrites or summed.place = 1))
    returning late_changes.user_id, late_changes.post_id, late_changes.at
  )
  select * from unnest(users, posts, instants) union all select * from late;
end
$$;
comment on function recsys_engine.take_changes(bigint, integer, integer) is 'Takes the oldest p_most of recsys_engine.feature_changes. Those that have states recomputed go to recsys_engine.late_changes, and of these it takes those of fewest first, of p_rewrites states together (0: none) and p_horizon each (null: any). p_rewrites null: everything. Returns what is to be worked off.';

revoke all on function recsys_engine.states_since(text, uuid, timestamptz, integer), recsys_engine.put_off(uuid[], timestamptz[], integer[]), recsys_engine.take_changes(bigint, integer, integer) from public;
grant execute on function recsys_engine.states_since(text, uuid, timestamptz, integer), recsys_engine.put_off(uuid[], timestamptz[], integer[]), recsys_engine.take_changes(bigint, integer, integer) to service_role;


-- 08_roll_up/07_roll_up.sql

-- One roll-up: what is queued is worked off, and what cannot be digested is set aside.

create function recsys_engine.work_off(
  p_kind text,
  p_ids uuid[],
  p_since timestamptz[],
  p_touched_by uuid[],
  p_touched uuid[],
  p_touched_at timestamptz[],
  p_everybody boolean,
  p_until timestamptz,
  out written bigint,
  out affected uuid[],
  out affected_since timestamptz[],
  out revisited uuid[]
)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
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
      written := recsys_engine.roll_up_users(p_ids, p_since, p_touched_by, p_touched, p_touched_at);
      perform recsys_engine.keep_affinities(p_ids, p_since);
    else
      select rolled_up.written, rolled_up.known into written, known
      from recsys_engine.roll_up_posts(p_ids, p_since, p_touched_by, p_touched, p_touched_at) as rolled_up;
      select
        coalesce(array_agg(changes.user_id), '{}'), coalesce(array_agg(changes.since), '{}'),
        coalesce(array_agg(changes.user_id) filter (where changes.is_revisited), '{}')
      into affected, affected_since, revisited
      from (
        -- a post that changed itself: whoever came to it
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
        -- an interaction that changed makes the post more or less idle to whoever came at the same instant or next
        select next.user_id, next.last_active_at, false
        from (
          select touched.post_id, touched.at from unnest(p_touched, p_touched_at) as touched (post_id, at)
          union all
          -- where a first one came or went, the same person's next of a kind counts no more, or counts now
          select touched.post_id, repeated.at
          from unnest(p_touched_by, p_touched, p_touched_at) as touched (user_id, post_id, at)
          cross join unnest(array['view', 'vote', 'comment']) as kinds (kind)
          -- the next alone: to read all that come later took 6 s for 4,000 views of one person, and four times as long for twice as many
          cross join lateral (
            select repeats.created_at as at
            from recsys_engine.countable_interactions as repeats
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
  -- what a row can be guilty of. A lock that was not to be had, an end from outside, a missing table or right are nobody's fault:
  -- they end the roll-up, and everything stays queued
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
    update recsys_engine.set_aside_changes as known
    set at = least(known.at, p_since[1]), error_code = failed_code, reason = failed_reason, failures = known.failures + 1, last_failed_at = clock_timestamp()
    where case when p_kind = 'user' then known.user_id else known.post_id end = p_ids[1];
    if not found then
      insert into recsys_engine.set_aside_changes (user_id, post_id, at, error_code, reason)
      -- of a post, whoever came to it is to be recomputed as well
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
    from recsys_engine.work_off(p_kind, p_ids[start : start + part_size - 1], p_since[start : start + part_size - 1], p_touched_by, p_touched, p_touched_at, p_everybody, until);
    written := written + part.written;
    affected := affected || part.affected;
    affected_since := affected_since || part.affected_since;
    revisited := revisited || part.revisited;
  end loop;
end
$$;
comment on function recsys_engine.work_off(text, uuid[], timestamptz[], uuid[], uuid[], timestamptz[], boolean, timestamptz) is 'Works out the states of posts or users (p_kind), each from its instant on. Where that fails, it is done in twentieths, and theirs, until it is known which ones fail: these go to recsys_engine.set_aside_changes. p_touched_by, p_touched, p_touched_at: the interactions and logins that changed; p_everybody: there are too many to look at each. p_until: what is not worked off in parts by then is queued again; null: 20 seconds from the first failure. Returns how many rows were written, the users whose states depend on the posts, and which of them have events that may have had no state before (revisited).';

create function recsys_engine.roll_up_portion(p_most bigint, p_late integer, p_rewrites integer, p_horizon integer, out taken bigint, out written bigint)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  -- beyond this many changes, whoever came to a changed post later is recomputed, instead of the next one only
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
    select * from recsys_engine.take_changes(p_most, p_late, p_horizon)
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
      from taken where num_nulls(user_id, post_id) = 0 and at > recsys.clock() - recsys_engine.trial_age() * 2) as acts;

  begin
    perform recsys_engine.count_trials(acted_by, acted_on);
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
    into more from recsys_engine.keep_bursts(touched_by, touched_at) as each;
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
    perform recsys_engine.keep_newcomer_posts(array(select written.post_id from unnest(posts, posts_since) as written (post_id, since) where written.since = '-infinity'), posts);
  exception when others then
    raise warning 'the posts of newcomers were not looked at: % (%)', sqlerrm, sqlstate;
  end;

  -- each that failed before is tried alone, so that it costs the others no second attempt
  for part in
    select array_agg(changed.post_id) as ids, array_agg(least(changed.since, failed.at)) as since
    from unnest(posts, posts_since) as changed (post_id, since)
    left join recsys_engine.set_aside_changes as failed on failed.post_id = changed.post_id
    group by failed.post_id
  loop
    select * into done from recsys_engine.work_off('post', part.ids, part.since, touched_by, touched, touched_at, taken > few, until);
    written := written + done.written;
    affected := affected || done.affected;
    affected_since := affected_since || done.affected_since;
    revisited := revisited || done.revisited;
  end loop;
  -- whoever else owes a state to one of these posts, as far as the rows go; who has states to work out beyond that waits
  with each as (
    select changed.user_id, min(changed.since) as since from unnest(affected, affected_since) as changed (user_id, since) group by changed.user_id
  ),
  judged as (
    select
      each.user_id, each.since,
      case when p_rewrites is null then 0 else recsys_engine.states_since('user', each.user_id, each.since, coalesce(p_horizon, 1000000) + 1) end as number
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
  perform recsys_engine.put_off(part.later, part.later_since, part.later_number);
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
    left join recsys_engine.set_aside_changes as failed on failed.user_id = changed.user_id
    group by failed.user_id
  loop
    -- what one that failed did since then is no longer queued
    select * into done
    from recsys_engine.work_off('user', part.ids, part.since, case when part.has_failed then '{}' else touched_by end, touched, touched_at, false, until);
    written := written + done.written;
  end loop;

  delete from recsys_engine.set_aside_changes
  where set_aside_changes.last_failed_at < started and (set_aside_changes.post_id = any (posts) or set_aside_changes.user_id = any (users));
  -- also after a deletion, which writes nothing
  update recsys_engine.feature_store_version set version = feature_store_version.version + 1 returning feature_store_version.version into version_now;
  insert into recsys_engine.rolled_up_posts (version, post_ids)
  -- one that is deleted is shown to nobody, and its id is to be forgotten; when it is there again, it is rolled up again
  values (version_now, case when cardinality(posts) <= few then array(select source_posts.post_id from recsys.source_posts where source_posts.post_id = any (posts)) end);
  delete from recsys_engine.rolled_up_posts where rolled_up_posts.version <= version_now - 100;
end
$$;
comment on function recsys_engine.roll_up_portion(bigint, integer, integer, integer) is 'A portion of recsys.roll_up(), which has its lock: the arguments of recsys_engine.take_changes, and in p_rewrites how many states of people who owe one to a changed post are worked out as well (null: all). Returns how many changes were taken and how many rows written.';

create function recsys_engine.set_aside(p_user_id uuid, p_post_id uuid, p_at timestamptz) returns void
language sql volatile security invoker set search_path = ''
as $$
  insert into recsys_engine.set_aside_changes as known (user_id, at, error_code, reason)
  select p_user_id, p_at, '57014', 'it reached the statement limit alone' where p_user_id is not null
  on conflict (user_id) do update
  set at = least(known.at, excluded.at), error_code = excluded.error_code, reason = excluded.reason, failures = known.failures + 1, last_failed_at = clock_timestamp();
  insert into recsys_engine.set_aside_changes as known (post_id, at, error_code, reason)
  select p_post_id, p_at, '57014', 'it reached the statement limit alone' where p_post_id is not null
  on conflict (post_id) do update
  set at = least(known.at, excluded.at), error_code = excluded.error_code, reason = excluded.reason, failures = known.failures + 1, last_failed_at = clock_timestamp();
  -- above any horizon
  insert into recsys_engine.late_changes as waiting (user_id, post_id, at, of_post) values (p_user_id, p_post_id, p_at, 1000001)
  on conflict (user_id) where post_id is null do update set at = least(waiting.at, excluded.at), of_post = excluded.of_post
$$;
comment on function recsys_engine.set_aside(uuid, uuid, timestamptz) is 'Sets aside the user and the post of a change that reached the statement limit alone. They are tried again at night.';

create function recsys.roll_up(p_most bigint default 20000, p_rewrites integer default 20000, p_horizon integer default 10000) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
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
begin
  -- one roll-up at a time; a second one waits, and then takes what came meanwhile
  perform pg_advisory_xact_lock(hashtext('recsys.roll_up'));
  if current_setting('lock_timeout') = '0' then
    -- whoever holds a table says nothing of how long a change takes
    perform set_config('lock_timeout', '5s', true);
  end if;
  if p_most is null or p_rewrites is null then
    select * into portion from recsys_engine.roll_up_portion(p_most, null, null, null);
    return portion.written;
  end if;
  select roll_up_share.share into strict before from recsys_engine.roll_up_share;
  most := greatest(1, floor(p_most * before)::bigint);
  rewrites := greatest(1, floor(p_rewrites * before)::integer);
  for number in 1 .. 1000 loop
    begin
      -- what came late is taken once, and after that only what is new; and one change is one of either
      late := case when number = 1 and (most > 1 or not exists (select from recsys_engine.feature_changes)) then rewrites else 0 end;
      select * into portion from recsys_engine.roll_up_portion(most, late, rewrites, p_horizon);
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
        update recsys_engine.roll_up_share set share = least(before, greatest(1, most) / p_most::double precision) / 2;
      else
        perform recsys_engine.set_aside(alone.user_id, alone.post_id, alone.at) from recsys_engine.take_changes(1, late, p_horizon) as alone;
      end if;
      return so_far;
    end;
    so_far := so_far + portion.written;
    exit when portion.taken < most or clock_timestamp() > least(started + interval '2 seconds', started + (due - started) / 4);
  end loop;
  update recsys_engine.roll_up_share set share = least(1, before * 2) where share < 1;
  return so_far;
end
$$;
comment on function recsys.roll_up(bigint, integer, integer) is 'Brings the feature store up to date with the oldest changes in recsys_engine.feature_changes, p_most at a time, for two seconds; returns the number of rows written. What came late has p_rewrites states recomputed at most, and waits in recsys_engine.late_changes; what would rewrite more than p_horizon alone (null: any) waits for the night. p_most or p_rewrites null: everything, without a bound. Where a statement limit is reached, the next roll-up takes half as much, down to one change, which is then set aside. Posts and users whose states cannot be worked out are set aside (recsys.feature_store_failures), and the others go on. Called after an import and every 10 seconds by pg_cron.';
revoke all on function recsys_engine.work_off(text, uuid[], timestamptz[], uuid[], uuid[], timestamptz[], boolean, timestamptz),
  recsys_engine.roll_up_portion(bigint, integer, integer, integer), recsys_engine.set_aside(uuid, uuid, timestamptz), recsys.roll_up(bigint, integer, integer) from public;
grant execute on function recsys_engine.work_off(text, uuid[], timestamptz[], uuid[], uuid[], timestamptz[], boolean, timestamptz),
  recsys_engine.roll_up_portion(bigint, integer, integer, integer), recsys_engine.set_aside(uuid, uuid, timestamptz), recsys.roll_up(bigint, integer, integer) to service_role;


-- 08_roll_up/08_timeline.sql

-- What training walks through: every event with the states that it left.

create view recsys_engine.timeline with (security_invoker = true) as
select
  user_events.created_at as at,
  user_events.event_id,
  user_events.sort_id,
  user_events.user_id,
  user_events.post_id,
  user_events.kind,
  user_stats.views as user_views,
  user_stats.votes as user_votes,
  user_stats.comments as user_comments,
  user_stats.logins,
  user_stats.recent as user_recent,
  user_stats.recent_logins,
  user_stats.habit_log_age,
  user_stats.habit_log_idle,
  user_events.weight,
  -- nearly always they never did too much
  case
    when user_events.post_id is null then false
    when not exists (select from recsys_engine.bursts where bursts.user_id = user_events.user_id) then null
    else not exists (
      select from recsys.source_interactions as earlier
      where earlier.user_id = user_events.user_id and earlier.post_id = user_events.post_id
        and earlier.created_at <= user_events.created_at
        and (earlier.created_at < user_events.created_at or earlier.interaction_id < user_events.sort_id)
    )
  end as is_first
from recsys_engine.user_events
join recsys_engine.user_stats on user_stats.event_id = user_events.event_id;
comment on view recsys_engine.timeline is 'Every event with the state of its user right after it; read in the order of (at, sort_id), and with the rows of recsys_engine.post_stats whose interaction_id is sort_id, it replays the community for training. An interaction without such a row, a repeat, one with an own post or in a burst, changed no post.';
comment on column recsys_engine.timeline.at is 'When the event was.';
comment on column recsys_engine.timeline.event_id is 'interaction_id, or L followed by login_id.';
comment on column recsys_engine.timeline.sort_id is 'interaction_id or login_id: events of the same instant are in the order of (sort_id, event_id).';
comment on column recsys_engine.timeline.user_id is 'Whose event it is.';
comment on column recsys_engine.timeline.post_id is 'The post of an interaction; null: a login.';
comment on column recsys_engine.timeline.kind is 'view, vote, comment or login.';
comment on column recsys_engine.timeline.user_views is 'Views by the user so far.';
comment on column recsys_engine.timeline.user_votes is 'Votes by the user so far.';
comment on column recsys_engine.timeline.user_comments is 'Comments by the user so far.';
comment on column recsys_engine.timeline.logins is 'Logins of the user so far.';
comment on column recsys_engine.timeline.user_recent is 'Interactions of the user, decayed, as in recsys_engine.user_stats.recent.';
comment on column recsys_engine.timeline.recent_logins is 'The same for logins.';
comment on column recsys_engine.timeline.habit_log_age is 'Mean of ln(1 + age of the post in hours) over the user''s interactions so far; null: none yet.';
comment on column recsys_engine.timeline.habit_log_idle is 'Mean of ln(1 + hours the post had been idle) over the user''s interactions so far; null: none yet.';
comment on column recsys_engine.timeline.weight is 'How much the event counts compared with others of its kind, as the app says it now (recsys.source_interactions.weight); no state depends on it.';
comment on column recsys_engine.timeline.is_first is 'Whether the user had not come to the post before; null: recsys_engine.post_stats.first_interaction says it, since all they did counts.';
grant select on recsys_engine.timeline to service_role;


-- 08_roll_up/09_feature_store_differences.sql

-- Is the feature store right? Every row worked out from the definitions, from scratch, and held against what is stored.

create function recsys_engine.interactions_that_count() returns setof recsys_engine.countable_interactions
language sql stable security invoker
begin atomic
  select distinct on (events.post_id, events.user_id, events.kind) events.*
  from recsys_engine.countable_interactions as events
  join recsys.source_posts as posts on posts.post_id = events.post_id
  where events.user_id is distinct from posts.author_id
  order by events.post_id, events.user_id, events.kind, events.created_at, events.interaction_id;
end;
comment on function recsys_engine.interactions_that_count() is 'The interactions that count: of each person with each post of somebody else the first of each kind, without those in a burst. The definition by which the feature store is checked.';

create function recsys_engine.post_stats_from_scratch() returns setof recsys_engine.post_stats
language sql stable security invoker set search_path = ''
set jit = off
as $$
  with history as (
    select
      counted.*,
      row_number() over (partition by counted.post_id order by counted.created_at, counted.interaction_id) as number,
      row_number() over (partition by counted.post_id, counted.user_id order by counted.created_at, counted.interaction_id) = 1 as is_first
    from recsys_engine.interactions_that_count() as counted
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
$$;
comment on function recsys_engine.post_stats_from_scratch() is 'What recsys_engine.post_stats has to be, worked out from all interactions: one row for each that counts.';

create function recsys_engine.user_stats_from_scratch() returns setof recsys_engine.user_stats
language sql stable security invoker set search_path = ''
set jit = off
as $$
  with moments as (
    select
      counted.interaction_id,
      ln(1 + greatest(0, extract(epoch from counted.created_at - posts.created_at)::double precision) / 3600) as log_age,
      ln(1 + greatest(0, extract(epoch from counted.created_at - lag(counted.created_at, 1, posts.created_at) over (
        partition by counted.post_id order by counted.created_at, counted.interaction_id))::double precision) / 3600) as log_idle
    from recsys_engine.interactions_that_count() as counted
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
$$;
comment on function recsys_engine.user_stats_from_scratch() is 'What recsys_engine.user_stats has to be, worked out from all interactions and logins: one row per event.';

create function recsys_engine.nearly_equal(p_some double precision[], p_others double precision[]) returns boolean
language sql immutable security invoker set search_path = ''
as $$
  select coalesce(bool_and(
    pair.one is not distinct from pair.other or coalesce(abs(pair.one - pair.other) <= 1e-9 * greatest(1, abs(pair.one), abs(pair.other)), false)
  ), true)
  from unnest(p_some, p_others) as pair (one, other)
$$;
comment on function recsys_engine.nearly_equal(double precision[], double precision[]) is 'Whether numbers are equal but for the last digits, in which sums taken in another order differ.';

create function recsys_engine.feature_store_differences()
returns table (stats text, event_id text, post_id uuid, user_id uuid, at timestamptz, stored jsonb, expected jsonb)
language sql stable security invoker set search_path = ''
set jit = off
as $$
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
      earliest.last_active_at < (select thinning.thinned_before from recsys_engine.thinning)
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
      earliest.last_active_at < (select thinning.thinned_before from recsys_engine.thinning)
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
$$;
comment on function recsys_engine.feature_store_differences() is 'The rows of recsys_engine.post_stats, recsys_engine.latest_post_stats, recsys_engine.user_stats and recsys_engine.latest_user_stats that are not what they have to be, as stored and as expected (null: there should be no row, or there is none). None is the answer after recsys.roll_up() as long as nobody writes, but for what was set aside (recsys.feature_store_failures); states that were thinned are none. It reads everything. Mend: insert into recsys_engine.feature_changes (post_id, user_id) select post_id, user_id from recsys_engine.feature_store_differences(), with an at of -infinity.';
revoke all on function recsys_engine.interactions_that_count(), recsys_engine.post_stats_from_scratch(), recsys_engine.user_stats_from_scratch(), recsys_engine.nearly_equal(double precision[], double precision[]), recsys_engine.feature_store_differences() from public;
grant execute on function recsys_engine.interactions_that_count(), recsys_engine.post_stats_from_scratch(), recsys_engine.user_stats_from_scratch(), recsys_engine.nearly_equal(double precision[], double precision[]), recsys_engine.feature_store_differences() to service_role;


-- 08_roll_up/10_roll_up_schedule.sql

-- The feature store is kept fresh by pg_cron; where that cannot run, `recsys serve` calls recsys.roll_up().

select recsys_engine.schedule('recsys roll-up', '10 seconds', 'select recsys.roll_up()');
-- what rewrites more than a roll-up by day may
select recsys_engine.schedule('recsys late roll-up', '* 1 * * *', 'select recsys.roll_up(20000, 200000, null)');
select recsys_engine.schedule('recsys purge of cron history', '17 3 * * *', 'select recsys_engine.purge_cron_history()');


-- 08_roll_up/11_thinning_schedule.sql

-- pg_cron thins the feature store at night, in portions of 20,000 posts and users a minute: 1.2 million a night. Each is a transaction of
-- a few seconds, and what one night does not reach the next one does.
select recsys_engine.schedule('recsys thinning', '* 2 * * *', 'select recsys_engine.thin_feature_store()');


-- 08_roll_up/12_roll_up_lag.sql

-- How far the feature store is behind.

create view recsys_engine.roll_up_lag with (security_invoker = true) as
select
  count(*) as depth,
  now() - min(feature_changes.queued_at) as age,
  round(count(*) / nullif(extract(epoch from max(feature_changes.queued_at) - min(feature_changes.queued_at)), 0), 1) as arriving_per_second
from recsys_engine.feature_changes;
comment on view recsys_engine.roll_up_lag is 'How far the feature store is behind, in one row.';
comment on column recsys_engine.roll_up_lag.depth is 'Changes that wait for recsys.roll_up().';
comment on column recsys_engine.roll_up_lag.age is 'How long the oldest has waited; null: none waits.';
comment on column recsys_engine.roll_up_lag.arriving_per_second is 'How fast those that wait came in; null where all came at the same time.';
grant select on recsys_engine.roll_up_lag to service_role;


-- 09_impressions/01_impressions.sql

-- The exposure log: what was shown to whom, where, and why. The reports of experiments read it; training takes its negatives from retrieval.

create table recsys.impressions (
  request_id uuid not null,
  user_id uuid not null,
  post_id uuid not null,
  position smallint not null check (position >= 1),
  shown_at timestamptz not null,
  score real,
  source text,
  model_id bigint,
  variant text,
  features real[],
  explored boolean not null default false,
  propensity real check (propensity > 0 and propensity <= 1),
  view_probability real,
  vote_probability real,
  comment_probability real,
  optional_probabilities jsonb,
  degraded text check (degraded in ('unranked', 'batch', 'community')),
  seen_at timestamptz,
  team smallint check (team in (1, 2)),
  promotion_id bigint,
  mode text not null default 'live' check (mode in ('live', 'batch', 'candidates')),
  primary key (request_id, post_id, shown_at)
) partition by range (shown_at);
comment on table recsys.impressions is 'One row per post shown: position from 1, its score and the model that gave it, its source, and the features as served. A partition for each month of shown_at, made ahead by recsys_engine.make_impression_partitions().';
comment on column recsys.impressions.request_id is 'The feed: the request_id of its answer.';
comment on column recsys.impressions.user_id is 'Whom it was shown to.';
comment on column recsys.impressions.post_id is 'What was shown.';
comment on column recsys.impressions.position is 'Where in the feed, from 1, counted through its pages: each page has a request_id of its own.';
comment on column recsys.impressions.shown_at is 'When, by the engine''s clock (recsys.clock()).';
comment on column recsys.impressions.score is 'Its value to the user by the ranker alone; the selection of the page may have put it elsewhere.';
comment on column recsys.impressions.source is 'The source that ranked it best: similar, active, fresh, trending, followed, touched or covisited.';
comment on column recsys.impressions.model_id is 'The model that ranked it; null: none was active.';
comment on column recsys.impressions.variant is 'The experiments that the person was in, each as experiment/variant, with commas between, such as weights/control; null: in none. It says who was meant to get what, even where the variant''s model failed and another one served.';
comment on column recsys.impressions.features is 'What the ranker was told, in the order of the model''s feature_spec; recsys_engine.impression_features gives each its name. Null: no model ranked.';
comment on column recsys.impressions.explored is 'It was there because it is under trial (recsys_engine.trials), and not by its score. In a list made ahead none is.';
comment on column recsys.impressions.propensity is 'The chance with which this post got this place, given what stands above it on its page and whether the place was drawn (recsys.settings.drawn_share): 1 where it was not. Null: not known, as in lists made ahead, in feeds that no model ranked, and for places of exploration.';
comment on column recsys.impressions.view_probability is 'How likely the ranker said a view was; null: no model ranked. Of a list made ahead, when that was made. recsys.daily_metrics holds it against what happened.';
comment on column recsys.impressions.vote_probability is 'The same of a vote.';
comment on column recsys.impressions.comment_probability is 'The same of a comment.';
comment on column recsys.impressions.optional_probabilities is 'The same of the optional heads that the model has (recsys.models.heads), by name: {"dismiss": 0.02}; null: it has none.';
comment on column recsys.impressions.degraded is 'What the feed was made of in place of what was asked for, as in its answer: unranked, batch or community; null: nothing had failed.';
comment on column recsys.impressions.seen_at is 'When the post really came into view, as the app told the function `events`; null: nobody said so. A seen post leaves the feed of that person for 30 days.';
comment on column recsys.impressions.team is 'Of a feed that two models drafted (an experiment of kind interleaving): whose pick it was, 1 the first model''s and 2 the second''s; model_id is that model. Null: nobody''s, or of any other feed.';
comment on column recsys.impressions.promotion_id is 'What of recsys.promotions put it there, or changed its score; null: nothing.';
comment on column recsys.impressions.mode is 'live: ranked for this request; batch: from the list made ahead; candidates: posts that the app named, ranked for this request.';
create index impressions_user_id_shown_at_idx on recsys.impressions (user_id, shown_at desc);
create index impressions_user_id_seen_at_idx on recsys.impressions (user_id, seen_at desc) include (post_id) where seen_at is not null;
-- a day of all people, for recsys_engine.measure_day; rows come in the order of their times, so a few bytes for each 128 pages do
create index impressions_shown_at_idx on recsys.impressions using brin (shown_at) with (autosummarize = on);
-- a deleted post is erased from here too
create index impressions_post_id_idx on recsys.impressions (post_id);
create index impressions_promotion_id_idx on recsys.impressions (promotion_id, shown_at) where promotion_id is not null;
alter table recsys.impressions enable row level security;
create policy "people read which posts they were shown" on recsys.impressions for select to authenticated using (user_id = (select auth.uid()));
create policy "people say what they have seen" on recsys.impressions for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
-- scores and features stay the operator's
grant select (request_id, user_id, post_id, shown_at, seen_at), update (seen_at) on recsys.impressions to authenticated;
grant select, insert, update, delete on recsys.impressions to service_role;

-- One account within settings.requests_per_minute could have 9.5 GB of impressions a day written, and 135 to 180 GB of events: beyond
-- settings.impressions_per_day and settings.events_per_day they are counted and not kept.
create table recsys_engine.user_days (
  user_id uuid not null,
  day date not null default (now() at time zone 'utc')::date,
  impressions integer not null default 0,
  events integer not null default 0,
  primary key (user_id, day)
);
comment on table recsys_engine.user_days is 'What came of each person on each of the last 31 days, kept or not: who is above settings.impressions_per_day or settings.events_per_day had the rest counted only.';
comment on column recsys_engine.user_days.user_id is 'Whose.';
comment on column recsys_engine.user_days.day is 'By UTC and the wall clock.';
comment on column recsys_engine.user_days.impressions is 'Impressions to be logged.';
comment on column recsys_engine.user_days.events is 'Events that were not refused, a long comment as several.';
create index user_days_day_idx on recsys_engine.user_days (day);
alter table recsys_engine.user_days enable row level security;
create policy "people read their own days" on recsys_engine.user_days for select to authenticated using (user_id = (select auth.uid()));
grant select on recsys_engine.user_days to authenticated;
grant select, insert, update, delete on recsys_engine.user_days to service_role;


-- 10_requests/01_post_tags.sql

-- The posts of each tag, the newest first: what a feed with a filter on tags begins with. No index on the app's table would do: row level
-- security lets none in that is asked by an operator on arrays, and the view cuts tags that are too long.

create table recsys_engine.post_tags (
  post_id uuid not null,
  tag text not null,
  created_at timestamptz not null,
  primary key (post_id, tag)
);
comment on table recsys_engine.post_tags is 'Each tag of each post, kept by the triggers of recsys.watch. Only to find posts by: whether they have the tag, and may be read, recsys_engine.eligible_posts decides.';
comment on column recsys_engine.post_tags.post_id is 'The post.';
comment on column recsys_engine.post_tags.tag is 'One of its tags, in small letters, of which 100 count.';
comment on column recsys_engine.post_tags.created_at is 'When the post was written.';
create index post_tags_tag_created_at_idx on recsys_engine.post_tags (tag, created_at desc, post_id);

alter table recsys_engine.post_tags enable row level security;
create policy "tags are read with their post" on recsys_engine.post_tags for select to authenticated
  using (exists (select from recsys.source_posts where source_posts.post_id = post_tags.post_id offset 0));
grant select on recsys_engine.post_tags to authenticated;
grant select, insert, update, delete on recsys_engine.post_tags to service_role;

create function recsys_engine.index_tags(p_post_ids uuid[]) returns void
language sql volatile security invoker set search_path = ''
as $$
  delete from recsys_engine.post_tags where p_post_ids is null or post_tags.post_id = any (p_post_ids);
  insert into recsys_engine.post_tags (post_id, tag, created_at)
  select distinct posts.post_id, left(lower(listed.tag), 100), posts.created_at
  from recsys.source_posts as posts
  cross join unnest(posts.tags) as listed (tag)
  where (p_post_ids is null or posts.post_id = any (p_post_ids)) and listed.tag is not null;
$$;
comment on function recsys_engine.index_tags(uuid[]) is 'Rewrites the recsys_engine.post_tags of some posts (null: of all), and removes those of posts that are gone.';

create function recsys_engine.index_changed_tags() returns trigger
-- definer: as recsys_engine.queue_feature_changes()
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  -- its columns were quoted by recsys.watch, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  ids uuid[];
  id uuid;
begin
  if tg_op <> 'TRUNCATE' then
    execute format('select coalesce(array_agg(distinct %s), ''{}'') from (%s) as changed', tg_argv[0], recsys_engine.changed_rows(tg_op, tg_argv[1])) into ids;
  end if;
  begin
    perform recsys_engine.index_tags(ids);
  exception when data_exception or raise_exception then
    -- a view that fails on a row must not end the app's own statement: the tags of that post are left out
    foreach id in array coalesce(ids, '{}') loop
      begin
        perform recsys_engine.index_tags(array[id]);
      exception when data_exception or raise_exception then
        delete from recsys_engine.post_tags where post_tags.post_id = id;
      end;
    end loop;
  end;
  return null;
end
$$;
comment on function recsys_engine.index_changed_tags() is 'Trigger of watched posts: recsys_engine.index_tags for the posts that a statement changed. Its arguments are made by recsys.watch: the column with the id, the columns whose change counts.';
revoke all on function recsys_engine.index_tags(uuid[]), recsys_engine.index_changed_tags() from public;
grant execute on function recsys_engine.index_tags(uuid[]) to service_role;


-- 10_requests/02_user_context.sql

-- Who a user is, which a feed asks first, under the caller's own role. PL/pgSQL keeps the plans of a session: PostgreSQL 17 plans a
-- function in SQL again at each call, and that took 6 of the 9 ms. The limits are those of functions/_shared/features/retrieval.ts;
-- trainer/community/retrieval.test.ts holds the two together.

create type recsys_engine.dated_post as (post_id uuid, at timestamptz, sort_id bigint);
comment on type recsys_engine.dated_post is 'A post that a user did something with, when, and what orders it among others of that instant.';

create function recsys_engine.latest_interactions(p_user_id uuid, p_now timestamptz) returns recsys_engine.dated_post[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select row(source_interactions.post_id, source_interactions.created_at, source_interactions.interaction_id)::recsys_engine.dated_post
    from recsys.source_interactions
    where source_interactions.user_id = p_user_id and source_interactions.created_at <= p_now
    order by source_interactions.created_at desc, source_interactions.interaction_id desc
    limit 200
  );
end
$$;
comment on function recsys_engine.latest_interactions(uuid, timestamptz) is 'The last 200 interactions of a user up to an instant, the latest first.';

-- whoever asks for both this and the next reads the interactions once for the two: an app's views and policies may make them dear
create function recsys_engine.user_history(p_user_id uuid, p_now timestamptz, p_latest recsys_engine.dated_post[] default null)
returns table (post_id uuid, at timestamptz, sort_id bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  select known.post_id, max(known.at) as at, max(known.sort_id) as sort_id
  from (
    select latest.post_id, latest.at, latest.sort_id from unnest(coalesce(p_latest, recsys_engine.latest_interactions(p_user_id, p_now))) as latest
    union all
    (
      select source_posts.post_id, source_posts.created_at, 0
      from recsys.source_posts
      where source_posts.author_id = p_user_id and source_posts.created_at <= p_now
      order by source_posts.created_at desc, source_posts.post_id
      limit 50
    )
  ) as known
  group by known.post_id
  order by at desc, sort_id desc
  limit 50;
end
$$;
comment on function recsys_engine.user_history(uuid, timestamptz, recsys_engine.dated_post[]) is 'The last 50 posts a user wrote or, within their last 200 interactions, interacted with up to an instant, the latest first, each once: what the user tower pools. p_latest: their recsys_engine.latest_interactions, where these were read already.';

create function recsys_engine.recent_interactions(p_user_id uuid, p_now timestamptz, p_latest recsys_engine.dated_post[] default null) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
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
      from (select where before.last_active_at is null and recent.at < (select thinning.thinned_before from recsys_engine.thinning) offset 0) as asked
      cross join lateral recsys_engine.thinned_state(recent.post_id, recent.at, recent.interaction_id) as state
    ) as thinned on true
  );
end
$$;
comment on function recsys_engine.recent_interactions(uuid, timestamptz, recsys_engine.dated_post[]) is 'The last 50 posts of others within a user''s last 200 interactions up to an instant, each at the earliest of these, the latest first, with the post as it was just before: {post_id, title, tags, at, created_at, last_active_at, comments}, times in milliseconds. What the ranker compares candidates with. p_latest: as of recsys_engine.user_history.';

create function recsys_engine.followed_people(p_user_id uuid, p_now timestamptz) returns uuid[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select followed.user_id
    from (
      select source_follows.target::uuid as user_id, max(source_follows.created_at) as since
      from recsys.source_follows
      where source_follows.user_id = p_user_id and source_follows.kind = 'person' and (source_follows.created_at <= p_now) is not false
        and pg_input_is_valid(source_follows.target, 'uuid')
      group by source_follows.target::uuid
    ) as followed
    where followed.user_id <> p_user_id
    order by followed.since desc nulls last, followed.user_id
    limit 1000
  );
end
$$;
comment on function recsys_engine.followed_people(uuid, timestamptz) is 'Whom a user follows as of an instant, the latest first, 1,000 at most.';

create function recsys_engine.followed_topics(p_user_id uuid, p_now timestamptz) returns text[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select followed.topic
    from (
      select left(lower(chosen.topic), 100) as topic
      from (
        select source_follows.target as topic, source_follows.created_at
        from recsys.source_follows
        where source_follows.user_id = p_user_id and source_follows.kind in ('topic', 'group') and (source_follows.created_at <= p_now) is not false
        union all
        select wanted.topic, null from unnest(recsys_engine.topics_wanted(p_user_id, 'more')) as wanted (topic)
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
$$;
comment on function recsys_engine.followed_topics(uuid, timestamptz) is 'Of the 100 topics and groups that a user followed last, as of an instant, or wants more of, the 10 in which somebody wrote last, as far as the caller may read that, that one first: as in recsys_engine.post_tags.';

create function recsys_engine.followed_vector(p_follows uuid[], p_model_id bigint, p_now timestamptz) returns extensions.vector
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  if p_follows = '{}' then
    return null;
  end if;
  return (
    select extensions.avg(post_embeddings.embedding)
    from unnest(p_follows[:50]) as followed (user_id)
    cross join lateral (
      (
        select source_interactions.post_id
        from recsys.source_interactions
        where source_interactions.user_id = followed.user_id and source_interactions.created_at <= p_now
        order by source_interactions.created_at desc, source_interactions.interaction_id desc
        limit 5
      )
      union all
      (
        select source_posts.post_id
        from recsys.source_posts
        where source_posts.author_id = followed.user_id and source_posts.created_at <= p_now
        order by source_posts.created_at desc, source_posts.post_id
        limit 5
      )
    ) as known
    join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = known.post_id
  );
end
$$;
comment on function recsys_engine.followed_vector(uuid[], bigint, timestamptz) is 'The mean vector of what people did and wrote lately, as far as the caller may read that: of the first 50 of a list the last 5 interactions and the last 5 own posts each. Null: nobody, or nothing of theirs that has a vector.';

create function recsys_engine.user_context(p_user_id uuid, p_model_id bigint, p_now timestamptz)
returns table (
  passions text[],
  projects text[],
  bio text,
  created_at timestamptz,
  id_embedding extensions.vector,
  history extensions.vector[],
  last_active_at timestamptz,
  views integer,
  votes integer,
  comments integer,
  logins integer,
  recent double precision[],
  recent_logins double precision[],
  habit_log_age double precision,
  habit_log_idle double precision,
  follows integer,
  recent_interactions json,
  history_posts uuid[],
  followed extensions.vector,
  feed text
)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  kind text := 'personal';
  latest recsys_engine.dated_post[];
  followed_now uuid[];
begin
  -- a visitor has no rights on what people prefer
  if p_user_id is not null then
    kind := recsys_engine.feed_kind(p_user_id);
  end if;
  if p_user_id is null or kind = 'impersonal' then
    -- who came this moment, and of whom nothing is known
    return query select
      '{}'::text[], '{}'::text[], '', p_now, null::extensions.vector, '{}'::extensions.vector[], null::timestamptz, 0, 0, 0, 0,
      null::double precision[], null::double precision[], null::double precision, null::double precision, 0, '[]'::json, '{}'::uuid[],
      null::extensions.vector, kind;
    return;
  end if;
  latest := recsys_engine.latest_interactions(p_user_id, p_now);
  followed_now := recsys_engine.followed_people(p_user_id, p_now);
  return query
  select
    array_remove(coalesce(users.passions, '{}'), null), array_remove(coalesce(users.projects, '{}'), null), coalesce(users.bio, ''), users.created_at,
    user_embeddings.id_embedding,
    coalesce(embedded.vectors, '{}'),
    stats.last_active_at, stats.views, stats.votes, stats.comments, stats.logins, stats.recent, stats.recent_logins, stats.habit_log_age, stats.habit_log_idle,
    cardinality(followed_now),
    recsys_engine.recent_interactions(p_user_id, p_now, latest), coalesce(embedded.post_ids, '{}'),
    recsys_engine.followed_vector(followed_now, p_model_id, p_now), kind
  from recsys.source_users as users
  left join recsys.user_embeddings on user_embeddings.model_id = p_model_id and user_embeddings.user_id = users.user_id
  cross join lateral (
    select
      array_agg(post_embeddings.embedding order by history.at desc, history.sort_id desc) as vectors,
      array_agg(history.post_id order by history.at desc, history.sort_id desc) as post_ids
    from recsys_engine.user_history(p_user_id, p_now, latest) as history
    join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = history.post_id
  ) as embedded
  left join lateral (
    -- as of now the first of the two, one row of a small table
    (
      select
        latest_user_stats.last_active_at, latest_user_stats.views, latest_user_stats.votes, latest_user_stats.comments, latest_user_stats.logins,
        latest_user_stats.recent, latest_user_stats.recent_logins, latest_user_stats.habit_log_age, latest_user_stats.habit_log_idle
      from recsys_engine.latest_user_stats
      where latest_user_stats.user_id = users.user_id and latest_user_stats.last_active_at <= p_now
    )
    union all
    (
      select
        user_stats.last_active_at, user_stats.views, user_stats.votes, user_stats.comments, user_stats.logins,
        user_stats.recent, user_stats.recent_logins, user_stats.habit_log_age, user_stats.habit_log_idle
      from recsys_engine.user_stats
      where user_stats.user_id = users.user_id and user_stats.last_active_at <= p_now
      order by user_stats.last_active_at desc, user_stats.sort_id desc, user_stats.event_id desc
      limit 1
    )
    limit 1
  ) as stats on true
  where users.user_id = p_user_id;
end
$$;
comment on function recsys_engine.user_context(uuid, bigint, timestamptz) is 'What the user tower needs to know of a user as of an instant: profile, learned ID embedding, the vectors of the last 50 posts they interacted with or wrote (latest first; history_posts says which these are), their latest stats, how many people they follow, the mean vector of what these did lately (recsys_engine.followed_vector), their recent interactions, and what their feed is made of (recsys_engine.feed_kind). Of a visitor (p_user_id null), and of who wants no personalisation, what is known of somebody who came this moment. No row: no such user. An interaction committed a moment ago is already in it.';

revoke all on function recsys_engine.latest_interactions(uuid, timestamptz), recsys_engine.user_history(uuid, timestamptz, recsys_engine.dated_post[]), recsys_engine.recent_interactions(uuid, timestamptz, recsys_engine.dated_post[]), recsys_engine.followed_people(uuid, timestamptz), recsys_engine.followed_topics(uuid, timestamptz), recsys_engine.followed_vector(uuid[], bigint, timestamptz), recsys_engine.user_context(uuid, bigint, timestamptz) from public;
grant execute on function recsys_engine.latest_interactions(uuid, timestamptz), recsys_engine.user_history(uuid, timestamptz, recsys_engine.dated_post[]), recsys_engine.recent_interactions(uuid, timestamptz, recsys_engine.dated_post[]), recsys_engine.followed_people(uuid, timestamptz), recsys_engine.followed_topics(uuid, timestamptz), recsys_engine.followed_vector(uuid[], bigint, timestamptz), recsys_engine.user_context(uuid, bigint, timestamptz) to authenticated, service_role;


-- 10_requests/03_feed_context.sql

-- What a feed is made with, asked first with the user's context. PL/pgSQL keeps the plan of a session, so that it costs a feed
-- less than planning the plain settings again each time did: this statement and the context took 0.51 ms in the median, compared with 0.60 before
-- and 0.63 in an experiment (of 300 each in a row, 2 loaded cores).

create function recsys_engine.feed_context(p_assigned jsonb)
returns table (now timestamptz, model_id bigint, model_name text, feature_spec_digest text, settings jsonb, assigned jsonb, feature_store bigint)
language plpgsql stable security invoker set search_path = '' rows 1
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  select
    recsys.clock(), serving.model_id, serving.name, serving.feature_spec_digest, to_jsonb(defaults) || coalesce(p_assigned -> 'settings', '{}'),
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
$$;
comment on function recsys_engine.feed_context(jsonb) is 'The instant, the model and the settings for a feed, in one row: the active model and recsys_engine.feed_settings, but for what p_assigned says for this user, null for most: settings, and the model_id, where that model can serve. assigned: what else it says. No row: recsys.settings is empty.';
revoke all on function recsys_engine.feed_context(jsonb) from public;
grant execute on function recsys_engine.feed_context(jsonb) to authenticated, service_role;


-- 10_requests/04_muted_posts.sql

-- Whether a mute is about a post: what a feed asks of all mutes of a person at once (recsys_engine.request_with_mutes), for one of them.

create function recsys_engine.folded(p_text text) returns text
language sql immutable security invoker
-- what is ASCII alone is nearly all text, and has nothing to fold. The classes are written out, as regular expressions here know no scripts: marks that are accents and what
-- has no width; letters of scripts without spaces. ς, and the letter that NFKD makes two of in Thai and in Lao, are as in words.ts
return case when pg_catalog.octet_length(p_text) = pg_catalog.length(p_text) then pg_catalog.lower(p_text)
  else pg_catalog.regexp_replace(
    pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
      pg_catalog."normalize"(pg_catalog.lower(pg_catalog.regexp_replace(pg_catalog."normalize"(p_text, 'NFKD'), '[\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1-\u05c2\u05c4-\u05c5\u05c7\u0600-\u0605\u0610-\u061a\u061c\u064b-\u065f\u0670\u06d6-\u06dd\u06df-\u06e4\u06e7-\u06e8\u06ea-\u06ed\u070f\u0711\u0730-\u074a\u0890-\u0891\u0897-\u089f\u08ca-\u08ff\u0951-\u0954\u115f-\u1160\u135d-\u135f\u17b4-\u17b5\u180b-\u180f\u1885-\u1886\u18a9\u1ab0-\u1add\u1ae0-\u1aeb\u1cd0-\u1cd2\u1cd4-\u1ce8\u1ced\u1cf4\u1cf7-\u1cf9\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u20d0-\u20f0\u2cef-\u2cf1\u2de0-\u2dff\u302a-\u302f\ua66f-\ua672\ua674-\ua67d\ua69e-\ua69f\ufb1e\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\ufff9-\ufffb\U000101fd\U000102e0\U00010efa-\U00010eff\U000110bd\U000110cd\U0001133b\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001cf00-\U0001cf2d\U0001cf30-\U0001cf46\U0001d165-\U0001d169\U0001d16d-\U0001d182\U0001d185-\U0001d18b\U0001d1aa-\U0001d1ad\U0001d242-\U0001d244\U0001e000-\U0001e006\U0001e008-\U0001e018\U0001e01b-\U0001e021\U0001e023-\U0001e024\U0001e026-\U0001e02a\U0001e08f\U000e0001\U000e0020-\U000e007f\U000e0100-\U000e01ef]+', '', 'g')), 'NFC'),
      'ς', 'σ'), E'\u0e4d\u0e32', E'\u0e33'), E'\u0ecd\u0eb2', E'\u0eb3'),
    '([\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59\u0e81-\u0e82\u0e84\u0e86-\u0e8a\u0e8c-\u0ea3\u0ea5\u0ea7-\u0ebd\u0ec0-\u0ec4\u0ec6\u0ec8-\u0ece\u0ed0-\u0ed9\u0edc-\u0edf\u1000-\u1049\u1050-\u109d\u1780-\u17d3\u17d7\u17dc-\u17dd\u17e0-\u17e9\u17f0-\u17f9\u3005\u3007\u3021-\u3029\u3038-\u303b\u3041-\u3096\u3099-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9fe\uaa60-\uaa76\uaa7a-\uaa7f\uf900-\ufa6d\ufa70-\ufad9\uff66-\uff6f\uff71-\uff9d\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001aff3\U0001aff5-\U0001affb\U0001affd-\U0001affe\U0001b000-\U0001b122\U0001b132\U0001b150-\U0001b152\U0001b155\U0001b164-\U0001b167\U00020000-\U0002a6df\U0002a700-\U0002b81d\U0002b820-\U0002cead\U0002ceb0-\U0002ebe0\U0002ebf0-\U0002ee5d\U0002f800-\U0002fa1d\U00030000-\U0003134a\U00031350-\U00033479])', ' \1 ', 'g') end;
comment on function recsys_engine.folded(text) is 'A text as muted words are looked for in it, both folded: in small letters, compatible forms as one (NFKD), without accents, soft hyphens and what else has no width. Letters of scripts without spaces stand apart, so that a word is found inside a sentence. The same as folded() in _shared/features/words.ts.';

create function recsys_engine.not_in_words() returns text
language sql immutable security invoker
-- which marks are letters depends on the database's locale: here they all are
return '[^[:alnum:]\u07a6-\u07b0\u07eb-\u07f3\u07fd\u0816-\u0819\u081b-\u0823\u0825-\u0827\u0829-\u082d\u0859-\u085b\u0900-\u0903\u093a-\u093c\u093e-\u094f\u0955-\u0957\u0962-\u0963\u0981-\u0983\u09bc\u09be-\u09c4\u09c7-\u09c8\u09cb-\u09cd\u09d7\u09e2-\u09e3\u09fe\u0a01-\u0a03\u0a3c\u0a3e-\u0a42\u0a47-\u0a48\u0a4b-\u0a4d\u0a51\u0a70-\u0a71\u0a75\u0a81-\u0a83\u0abc\u0abe-\u0ac5\u0ac7-\u0ac9\u0acb-\u0acd\u0ae2-\u0ae3\u0afa-\u0aff\u0b01-\u0b03\u0b3c\u0b3e-\u0b44\u0b47-\u0b48\u0b4b-\u0b4d\u0b55-\u0b57\u0b62-\u0b63\u0b82\u0bbe-\u0bc2\u0bc6-\u0bc8\u0bca-\u0bcd\u0bd7\u0c00-\u0c04\u0c3c\u0c3e-\u0c44\u0c46-\u0c48\u0c4a-\u0c4d\u0c55-\u0c56\u0c62-\u0c63\u0c81-\u0c83\u0cbc\u0cbe-\u0cc4\u0cc6-\u0cc8\u0cca-\u0ccd\u0cd5-\u0cd6\u0ce2-\u0ce3\u0cf3\u0d00-\u0d03\u0d3b-\u0d3c\u0d3e-\u0d44\u0d46-\u0d48\u0d4a-\u0d4d\u0d57\u0d62-\u0d63\u0d81-\u0d83\u0dca\u0dcf-\u0dd4\u0dd6\u0dd8-\u0ddf\u0df2-\u0df3\u0f18-\u0f19\u0f35\u0f37\u0f39\u0f3e-\u0f3f\u0f71-\u0f84\u0f86-\u0f87\u0f8d-\u0f97\u0f99-\u0fbc\u0fc6\u1712-\u1715\u1732-\u1734\u1752-\u1753\u1772-\u1773\u1920-\u192b\u1930-\u193b\u1a17-\u1a1b\u1a55-\u1a5e\u1a60-\u1a7c\u1a7f\u1b00-\u1b04\u1b34-\u1b44\u1b6b-\u1b73\u1b80-\u1b82\u1ba1-\u1bad\u1be6-\u1bf3\u1c24-\u1c37\u2d7f\ua6f0-\ua6f1\ua802\ua806\ua80b\ua823-\ua827\ua82c\ua880-\ua881\ua8b4-\ua8c5\ua8e0-\ua8f1\ua8ff\ua926-\ua92d\ua947-\ua953\ua980-\ua983\ua9b3-\ua9c0\uaa29-\uaa36\uaa43\uaa4c-\uaa4d\uaab0\uaab2-\uaab4\uaab7-\uaab8\uaabe-\uaabf\uaac1\uaaeb-\uaaef\uaaf5-\uaaf6\uabe3-\uabea\uabec-\uabed\U00010376-\U0001037a\U00010a01-\U00010a03\U00010a05-\U00010a06\U00010a0c-\U00010a0f\U00010a38-\U00010a3a\U00010a3f\U00010ae5-\U00010ae6\U00010d24-\U00010d27\U00010d69-\U00010d6d\U00010eab-\U00010eac\U00010f46-\U00010f50\U00010f82-\U00010f85\U00011000-\U00011002\U00011038-\U00011046\U00011070\U00011073-\U00011074\U0001107f-\U00011082\U000110b0-\U000110ba\U000110c2\U00011100-\U00011102\U00011127-\U00011134\U00011145-\U00011146\U00011173\U00011180-\U00011182\U000111b3-\U000111c0\U000111c9-\U000111cc\U000111ce-\U000111cf\U0001122c-\U00011237\U0001123e\U00011241\U000112df-\U000112ea\U00011300-\U00011303\U0001133c\U0001133e-\U00011344\U00011347-\U00011348\U0001134b-\U0001134d\U00011357\U00011362-\U00011363\U00011366-\U0001136c\U00011370-\U00011374\U000113b8-\U000113c0\U000113c2\U000113c5\U000113c7-\U000113ca\U000113cc-\U000113d0\U000113d2\U000113e1-\U000113e2\U00011435-\U00011446\U0001145e\U000114b0-\U000114c3\U000115af-\U000115b5\U000115b8-\U000115c0\U000115dc-\U000115dd\U00011630-\U00011640\U000116ab-\U000116b7\U0001171d-\U0001172b\U0001182c-\U0001183a\U00011930-\U00011935\U00011937-\U00011938\U0001193b-\U0001193e\U00011940\U00011942-\U00011943\U000119d1-\U000119d7\U000119da-\U000119e0\U000119e4\U00011a01-\U00011a0a\U00011a33-\U00011a39\U00011a3b-\U00011a3e\U00011a47\U00011a51-\U00011a5b\U00011a8a-\U00011a99\U00011b60-\U00011b67\U00011c2f-\U00011c36\U00011c38-\U00011c3f\U00011c92-\U00011ca7\U00011ca9-\U00011cb6\U00011d31-\U00011d36\U00011d3a\U00011d3c-\U00011d3d\U00011d3f-\U00011d45\U00011d47\U00011d8a-\U00011d8e\U00011d90-\U00011d91\U00011d93-\U00011d97\U00011ef3-\U00011ef6\U00011f00-\U00011f01\U00011f03\U00011f34-\U00011f3a\U00011f3e-\U00011f42\U00011f5a\U00013440\U00013447-\U00013455\U0001611e-\U0001612f\U00016af0-\U00016af4\U00016b30-\U00016b36\U00016f4f\U00016f51-\U00016f87\U00016f8f-\U00016f92\U00016fe4\U0001bc9d-\U0001bc9e\U0001da00-\U0001da36\U0001da3b-\U0001da6c\U0001da75\U0001da84\U0001da9b-\U0001da9f\U0001daa1-\U0001daaf\U0001e130-\U0001e136\U0001e2ae\U0001e2ec-\U0001e2ef\U0001e4ec-\U0001e4ef\U0001e5ee-\U0001e5ef\U0001e6e3\U0001e6e6\U0001e6ee-\U0001e6ef\U0001e6f5\U0001e8d0-\U0001e8d6\U0001e944-\U0001e94a]';
comment on function recsys_engine.not_in_words() is 'A class of regular expressions: what stands in no word of a text that is folded, as blanks, signs and the ends of lines.';

create function recsys_engine.without_controls(p_text text) returns text
language sql immutable security invoker
return pg_catalog.regexp_replace(pg_catalog.replace(p_text, E'\u0085', ' '), '[\u0001-\u0008\u000e-\u001f\u007f-\u009f]+', '', 'g');
comment on function recsys_engine.without_controls(text) is 'A text without control characters that nobody sees; U+0085, an end of a line, becomes a blank.';

create function recsys_engine.text_for_mutes(p_title text, p_tags text[]) returns text
language sql stable security invoker
-- parted by a sign that nobody types, since control characters, which nobody sees, are taken out: whoever mutes a sign that is seen, such as |, would
-- lose each post whose title ends in one
return pg_catalog.regexp_replace(recsys_engine.folded(pg_catalog.replace(recsys_engine.without_controls(
  pg_catalog.concat_ws(E'\f', pg_catalog.replace(p_title, E'\f', ' '), pg_catalog.array_to_string(p_tags, E'\f'))
), E'\f', E'\u001f')), '\s+', ' ', 'g');
comment on function recsys_engine.text_for_mutes(text, text[]) is 'What muted words are looked for in: the title and tags of a post without control characters, folded, with one blank for several, and no word or phrase across two of them. The same as MutedPosts does for lists made ahead.';

create function recsys_engine.muted_word(p_value text) returns text
language sql immutable security invoker
return nullif(pg_catalog.btrim(pg_catalog.regexp_replace(recsys_engine.folded(recsys_engine.without_controls(pg_catalog."left"(p_value, 100))), '\s+', ' ', 'g')), '');
comment on function recsys_engine.muted_word(text) is 'What a person muted as it is looked for in recsys_engine.text_for_mutes(): its first 100 characters, folded, with single blanks; null: nothing.';

create function recsys_engine.word_pattern(p_word text) returns text
language sql immutable security invoker
-- what a user wrote is text to be found, never an expression of its own. With any blanks between its words, and so between all letters of Chinese, an
-- expression of 100 words of five letters took 5 s to be made, and of eight 32
return pg_catalog.regexp_replace(p_word, '([][(){}.*+?|^$\\])', '\\\1', 'g');
comment on function recsys_engine.word_pattern(text) is 'A regular expression that finds a recsys_engine.muted_word().';

create function recsys_engine.muted_pattern(p_words text[]) returns text
language sql immutable security invoker
return '(^|' || recsys_engine.not_in_words() || ')(?:'
  || (select pg_catalog.string_agg(recsys_engine.word_pattern(each.word), '|') from pg_catalog.unnest(p_words) as each (word)) || ')(' || recsys_engine.not_in_words() || '|$)';
comment on function recsys_engine.muted_pattern(text[]) is 'A regular expression that finds one of some recsys_engine.muted_word()s, with neither letter nor digit next to it; null: of none.';

create function recsys_engine.has_muted_word(p_text text, p_words text[], p_pattern text) returns boolean
language plpgsql immutable security invoker set search_path = ''
as $$
declare
  word text;
begin
  -- of 1,000 titles with 100 words of eight Chinese letters 14 ms, and 97 where each was held against the expression
  foreach word in array coalesce(p_words, '{}'::text[]) loop
    if strpos(p_text, word) > 0 then
      return p_text ~ p_pattern;
    end if;
  end loop;
  return false;
end
$$;
comment on function recsys_engine.has_muted_word(text, text[], text) is 'Whether one of some recsys_engine.muted_word()s stands in the recsys_engine.text_for_mutes() of a post; p_pattern: their recsys_engine.muted_pattern().';

create function recsys_engine.is_muted(p_kind text, p_value text, p_author_id uuid, p_title text, p_tags text[]) returns boolean
language sql immutable security invoker
return case p_kind
  when 'person' then case when pg_catalog.pg_input_is_valid(p_value, 'uuid') then p_value::uuid = p_author_id end
  when 'topic' then pg_catalog.lower(pg_catalog."left"(p_value, 100)) = any (pg_catalog.lower(p_tags::text)::text[])
  when 'word' then case when recsys_engine.muted_word(p_value) is not null then
    recsys_engine.has_muted_word(recsys_engine.text_for_mutes(p_title, p_tags), array[recsys_engine.muted_word(p_value)], recsys_engine.muted_pattern(array[recsys_engine.muted_word(p_value)]))
  end
end is true;
comment on function recsys_engine.is_muted(text, text, uuid, text, text[]) is 'Whether a row of recsys.source_mutes, its kind and value, hides a post of that author with that title and these tags.';

revoke all on function recsys_engine.folded(text), recsys_engine.without_controls(text), recsys_engine.text_for_mutes(text, text[]), recsys_engine.not_in_words(), recsys_engine.muted_word(text), recsys_engine.word_pattern(text), recsys_engine.muted_pattern(text[]), recsys_engine.has_muted_word(text, text[], text), recsys_engine.is_muted(text, text, uuid, text, text[]) from public;
grant execute on function recsys_engine.folded(text), recsys_engine.without_controls(text), recsys_engine.text_for_mutes(text, text[]), recsys_engine.not_in_words(), recsys_engine.muted_word(text), recsys_engine.word_pattern(text), recsys_engine.muted_pattern(text[]), recsys_engine.has_muted_word(text, text[], text) to authenticated, service_role;
grant execute on function recsys_engine.is_muted(text, text, uuid, text, text[]) to service_role;


-- 10_requests/05_optional_labels.sql

-- What the optional heads of a ranker learn from, and are held against: what people made of posts that they were shown, besides interactions.

create view recsys_engine.optional_acts with (security_invoker = true) as
select 'dismiss' as head, dismissals.user_id, dismissals.post_id, dismissals.created_at
from recsys.source_dismissals as dismissals
union all
select 'long_view', views.user_id, views.post_id, views.created_at
from recsys.source_interactions as views
-- null: nothing is read
where (select settings.long_view_seconds from recsys.settings) is not null
  and views.kind = 'view' and views.value >= (select settings.long_view_seconds from recsys.settings);
comment on view recsys_engine.optional_acts is 'What people did with a post that an optional head predicts (recsys_engine.heads). That they muted what a post is of is not here but in recsys_engine.optional_labels.';
comment on column recsys_engine.optional_acts.head is 'Which head.';
comment on column recsys_engine.optional_acts.user_id is 'Who did it.';
comment on column recsys_engine.optional_acts.post_id is 'With which post.';
comment on column recsys_engine.optional_acts.created_at is 'When.';
grant select on recsys_engine.optional_acts to service_role;

create function recsys_engine.optional_labels(p_from timestamptz, p_to timestamptz) returns table (head text, request_id uuid, post_id uuid)
language sql stable security invoker set search_path = ''
set jit = off
as $$
  select acts.head, shown.request_id, shown.post_id
  from recsys_engine.optional_acts as acts
  join recsys.impressions as shown on shown.user_id = acts.user_id and shown.post_id = acts.post_id
  where shown.shown_at >= p_from and shown.shown_at < p_to
    and acts.created_at > shown.shown_at and acts.created_at <= shown.shown_at + interval '1 day'
    -- says the same once more, for who looks for them by time
    and acts.created_at > p_from and acts.created_at < p_to + interval '1 day'
  union
  -- of each person a bounded number of mutes and of posts, one mute after the other, so that its expression is compiled once: of all at once,
  -- 5,000 mutes of somebody who was shown 20,000 posts that day took minutes
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
  where recsys_engine.is_muted(mutes.kind, mutes.value, posts.author_id, posts.title, posts.tags)
$$;
comment on function recsys_engine.optional_labels(timestamptz, timestamptz) is 'With which posts shown from an instant on and before another their people did, within a day, what an optional head predicts (recsys_engine.optional_acts), or, for dismiss, within an hour muted them (their author, a word or a topic of theirs). Of a person the latest 20 mutes count, each for the 1,000 posts that they were shown last before it. What was taken back is not there, nor mutes of which the app does not say when they came.';

revoke all on function recsys_engine.optional_labels(timestamptz, timestamptz) from public;
grant execute on function recsys_engine.optional_labels(timestamptz, timestamptz) to service_role;


-- 10_requests/06_feed_request.sql

-- What narrows a feed down: whose it is, as of when, and what is left out of it. Every source of retrieval asks recsys_engine.eligible_posts, so
-- whatever is hidden or left out makes no page shorter while enough posts exist.

create type recsys_engine.feed_filter as (tags text[], author_ids uuid[], max_age_days integer, languages text[]);
comment on type recsys_engine.feed_filter is 'What a client asks of each post of a feed: one of the tags (capital or small letters are the same), one of the authors, so many days old at most, in one of the languages. What is null is not asked for.';

create type recsys_engine.pooled_post as (post_id uuid, author_id uuid, created_at timestamptz, last_active_at timestamptz, trend double precision);
comment on type recsys_engine.pooled_post is 'A post that passes the filter of a request, with what sources rank by: its author, its creation, and its state (null: nobody came yet).';

create type recsys_engine.feed_request as (
  user_id uuid, at timestamptz, interacted uuid[], excluded uuid[], seed bigint, served bigint[],
  is_narrowed boolean, filter recsys_engine.feed_filter, muted_authors uuid[], muted_topics text[], muted_words text[], muted_pattern text,
  authors uuid[], affinities integer[], follows uuid[], topics text[], touched uuid[], touches integer[], came_to uuid[], covisited uuid[], pool recsys_engine.pooled_post[], readable uuid[], asked uuid, on_trial uuid[],
  more text[], less text[], dismissed json, originals uuid[], original_titles text[], withholds boolean
);
comment on type recsys_engine.feed_request is 'Whose feed, as of which instant, the posts that the user interacted with since their affinities were kept (recsys_engine.user_affinities; interacted, each as often as they did), and those that are left out of it because the user interacted with, dismissed or saw them, or because earlier pages of the same feed served them: `served` has their recsys_engine.served_key with `seed`. is_narrowed: there is more to ask of each post: the filter, the authors and tags (in small letters) that the user muted, and the words, with their recsys_engine.muted_pattern; null: none. authors, affinities: how often the user interacted with posts of whom, most first: those that are kept, and with recsys_engine.with_affinities all. follows: whom the user follows, the latest first; topics: recsys_engine.followed_topics. touched, touches: with which posts these did something, and how many of them (recsys_engine.with_touched). came_to: what the user came to lately (recsys_engine.with_came_to); covisited: where those who came to that also came to (recsys_engine.with_covisited). pool: the posts that sources choose from (recsys_engine.with_pool); null: all. readable: all that the caller may read, where these are few enough to be named (recsys_engine.with_pool), the newest first; null: they are not named. asked: a post that is in it, whatever is left out. on_trial: posts that no source brings yet (recsys_engine.with_trials). more, less: topics of which the user wants more or less, in small letters. dismissed: author_id and tags of what the user dismissed within 14 days and may read, the latest 50, and how many days ago; null: nothing. originals, original_titles: of whose conversations the user wants nothing more (recsys_engine.unwanted_originals); null: of none. withholds: something is withheld from strangers (recsys.source_withheld).';

-- 32 bits of a hash that nobody can foresee, since each feed has a seed of its own. A cursor carries 1,000 posts in 5.4 KB instead of
-- 21; one that was never served is taken for one of them with a chance of 1 to 4 million.
create function recsys_engine.served_key(p_post_id uuid, p_seed bigint) returns bigint
language sql immutable security invoker
return pg_catalog.uuid_hash_extended(p_post_id, p_seed) & 4294967295;
comment on function recsys_engine.served_key(uuid, bigint) is 'What the cursor of a feed remembers a served post by: 0 to 4294967295. The seed is the feed''s.';

create function recsys_engine.seen_posts(p_user_id uuid, p_now timestamptz) returns uuid[]
language plpgsql stable security invoker set search_path = ''
-- the log has partitions made, purged and indexed, and a feed must not wait for that: meanwhile seen posts may come again
set lock_timeout = '100ms'
as $$
begin
  return array(
    select distinct latest.post_id
    from (
      select impressions.post_id from recsys.impressions
      where impressions.user_id = p_user_id and impressions.seen_at <= p_now and impressions.seen_at > p_now - interval '30 days'
      order by impressions.seen_at desc
      limit 5000
    ) as latest
  );
exception when lock_not_available then
  return '{}'::uuid[];
end
$$;
comment on function recsys_engine.seen_posts(uuid, timestamptz) is 'The posts that came into view of a user (recsys.impressions.seen_at) within the 30 days up to an instant, the latest 5,000. None while the log is locked.';

create function recsys_engine.dismissed_posts(p_user_id uuid, p_now timestamptz, out post_ids uuid[], out lately uuid[], out days double precision[])
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  select
    coalesce(array_agg(latest.post_id), '{}'),
    coalesce(array_agg(latest.post_id order by latest.created_at desc) filter (where latest.days < 14), '{}'),
    coalesce(array_agg(latest.days order by latest.created_at desc) filter (where latest.days < 14), '{}')
  into post_ids, lately, days
  from (
    select source_dismissals.post_id, source_dismissals.created_at, extract(epoch from p_now - source_dismissals.created_at)::double precision / 86400 as days
    from recsys.source_dismissals
    where source_dismissals.user_id = p_user_id and source_dismissals.created_at <= p_now and source_dismissals.post_id is not null
    order by source_dismissals.created_at desc
    limit 5000
  ) as latest;
end
$$;
comment on function recsys_engine.dismissed_posts(uuid, timestamptz) is 'The latest 5,000 posts that a user dismissed up to an instant, and of these the ones within 14 days (lately), the latest first, with how many days ago: their conversations are left out, and of the authors and tags of the latest 50 less is shown at once.';

create function recsys_engine.request_with_mutes(p_user_id uuid, p_now timestamptz) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
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
    array_agg(recsys_engine.muted_word(muted.value)) filter (where muted.kind = 'word' and recsys_engine.muted_word(muted.value) is not null)
  into request.muted_authors, request.muted_topics, request.muted_words
  from unnest(array['person', 'topic', 'word'], array[10000, 100, 100]) as kinds (kind, most)
  cross join lateral (
    select source_mutes.kind, source_mutes.value
    from recsys.source_mutes
    where source_mutes.user_id = p_user_id and source_mutes.kind = kinds.kind
    order by source_mutes.value
    limit kinds.most
  ) as muted;
  request.muted_pattern := recsys_engine.muted_pattern(request.muted_words);
  request.is_narrowed := request.muted_authors is not null or request.muted_topics is not null or request.muted_words is not null;
  return request;
end
$$;
comment on function recsys_engine.request_with_mutes(uuid, timestamptz) is 'A request as of an instant of which nothing is known but what a user muted: for answers that are not their feed. user_id null: nobody''s mutes.';

create function recsys_engine.with_filter(p_request recsys_engine.feed_request, p_filter jsonb) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  if p_filter is not null and p_filter <> '{}' then
    if (case when jsonb_typeof(p_filter) = 'object' then p_filter - array['tags', 'author_ids', 'max_age_days', 'languages'] <> '{}' else true end) then
      raise exception 'a filter is an object of tags, author_ids, max_age_days and languages, not %', p_filter using errcode = '22023';
    end if;
    request.filter := jsonb_populate_record(null::recsys_engine.feed_filter, p_filter);
    request.filter.tags := lower((request.filter).tags::text)::text[];
    request.is_narrowed := true;
  end if;
  return request;
end
$$;
comment on function recsys_engine.with_filter(recsys_engine.feed_request, jsonb) is 'A request that lets in what passes a filter: a recsys_engine.feed_filter as an object, such as {"tags": ["sql"], "max_age_days": 7}; null: all. Raises 22023 where it has other fields.';

create function recsys_engine.unwanted_originals(p_user_id uuid, p_seen uuid[], p_dismissed uuid[]) returns table (post_ids uuid[], titles text[])
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  hides constant boolean := exists (
    select from recsys.source_preferences
    where source_preferences.user_id = p_user_id and source_preferences.kind = 'hide' and source_preferences.value = 'reposts'
  );
begin
  if not hides and p_dismissed = '{}' then
    return;
  end if;
  return query
  select array_agg(posts.post_id), coalesce(array_agg(distinct posts.title) filter (where posts.title <> ''), '{}')
  from unnest(case when hides then p_seen else p_dismissed end) as seen (post_id)
  cross join lateral (select source_posts.post_id, source_posts.title from recsys.source_posts where source_posts.post_id = seen.post_id offset 0) as posts
  having count(*) > 0;
end
$$;
comment on function recsys_engine.unwanted_originals(uuid, uuid[], uuid[]) is 'Posts of whose conversations a user wants nothing more, as far as they may read them, and their titles: what they dismissed lately (p_dismissed), and all that they saw (p_seen) where they want no reposts of it. One row; none where there are none.';

create function recsys_engine.feed_request(p_user_id uuid, p_now timestamptz, p_filter jsonb default null, p_seed bigint default null, p_served bigint[] default null)
returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := recsys_engine.request_with_mutes(p_user_id, p_now);
  kind text;
  kept record;
  dismissed record;
begin
  request.user_id := p_user_id;
  request.seed := p_seed;
  request.served := p_served;
  if p_user_id is not null then
    kind := recsys_engine.feed_kind(p_user_id);
  end if;
  if kind = 'personal' then
    -- what was counted after this instant says nothing of what was before it
    select user_affinities.until, user_affinities.authors, user_affinities.affinities, user_affinities.post_ids into kept
    from recsys_engine.user_affinities where user_affinities.user_id = p_user_id and user_affinities.until <= p_now;
    request.authors := kept.authors;
    request.affinities := kept.affinities;
    -- No more is read of anybody: a feed of somebody with 200,000 views took a connection from others for seconds. What they did before is
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
    request.less := recsys_engine.topics_wanted(p_user_id, 'less');
    request.more := recsys_engine.topics_wanted(p_user_id, 'more');
  end if;
  if kind in ('personal', 'following') then
    -- the replay in trainer/community/state.ts knows neither dismissals nor mutes nor what was seen: there such a post stays a
    -- candidate that was not chosen, which is what training should learn of it
    dismissed := recsys_engine.dismissed_posts(p_user_id, p_now);
    request.excluded := request.excluded || dismissed.post_ids;
    if kind = 'personal' then
      select unwanted.post_ids, unwanted.titles into request.originals, request.original_titles from recsys_engine.unwanted_originals(p_user_id, request.excluded, dismissed.lately) as unwanted;
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
$$;
comment on function recsys_engine.feed_request(uuid, timestamptz, jsonb, bigint, bigint[]) is 'The request for a user''s feed as of an instant, with what is left out of it: what the user interacted with (the latest 10,000 times), dismissed (5,000) or saw (5,000), and with whom the user follows (the latest 1,000) and which topics; for a visitor''s (p_user_id null) nothing is, nor for that of who wants no personalisation; of a feed of follows only what was dismissed. p_filter: that of recsys_engine.with_filter. p_seed, p_served: what earlier pages served.';

-- without "set", so that it becomes part of the query that asks it; with "begin atomic", so that its names are bound now, whatever the
-- search_path is later
create function recsys_engine.eligible_posts(p_request recsys_engine.feed_request)
returns table (post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  select posts.post_id, coalesce(posts.title, ''), array_remove(coalesce(posts.tags, '{}'), null), posts.author_id, posts.created_at
  from recsys.source_posts as posts
  where posts.created_at <= p_request.at
    and (posts.post_id = p_request.asked or (
      -- both may be null: an unknown author, a request of nobody
      (posts.author_id = p_request.user_id) is not true
      and posts.post_id not in (select unnest(p_request.excluded || p_request.on_trial))
      and recsys_engine.served_key(posts.post_id, p_request.seed) not in (select unnest(p_request.served))
      -- nearly always nothing more is asked, and this is all it costs then
      and (not p_request.is_narrowed or (
        -- an unknown author is none of them
        (posts.author_id not in (select unnest(p_request.muted_authors))) is not false
        -- asked first whether there are any: an app may work a post's tags out of other rows, which would be done for each of these lines
        and (p_request.muted_topics is null or (lower(posts.tags::text)::text[] && p_request.muted_topics) is not true)
        and (p_request.muted_words is null or recsys_engine.has_muted_word(recsys_engine.text_for_mutes(posts.title, posts.tags), p_request.muted_words, p_request.muted_pattern) is not true)
        and ((p_request.filter).author_ids is null or posts.author_id = any ((p_request.filter).author_ids))
        and ((p_request.filter).max_age_days is null or posts.created_at >= p_request.at - make_interval(days => (p_request.filter).max_age_days))
        and ((p_request.filter).languages is null or posts.language = any ((p_request.filter).languages))
        and ((p_request.filter).tags is null or lower(posts.tags::text)::text[] && (p_request.filter).tags)
      ))
      and (p_request.withholds is not true or posts.author_id = any (p_request.follows) or (
        not exists (select from recsys.source_withheld as withheld where withheld.post_id = posts.post_id)
        and not exists (select from recsys.source_withheld as withheld where withheld.author_id = posts.author_id)
      ))
    ));
end;
comment on function recsys_engine.eligible_posts(recsys_engine.feed_request) is 'The posts that may be in a feed: those the caller may read, without the user''s own, what the request leaves out, what the user muted, what its filter does not let in, and what is withheld from those who do not follow its author (recsys.source_withheld).';

create function recsys_engine.with_trials(p_request recsys_engine.feed_request) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  -- who asks for certain authors gets all of theirs
  if (request.filter).author_ids is null then
    request.on_trial := array(
      select newcomer_posts.post_id
      from recsys_engine.newcomer_posts
      where newcomer_posts.on_trial_until >= request.at and newcomer_posts.created_at <= request.at
        and (newcomer_posts.user_id = any (request.follows)) is not true
    );
  end if;
  return request;
end
$$;
comment on function recsys_engine.with_trials(recsys_engine.feed_request) is 'A request with the posts of newcomers that are on trial at its instant (recsys_engine.newcomer_posts): without those of authors whom the user follows, and none where the filter asks for authors.';

create function recsys_engine.with_undecided(p_request recsys_engine.feed_request) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
  undecided uuid[];
begin
  if (request.filter).author_ids is null and request.at > recsys.clock() - interval '1 minute' then
    undecided := array(
      select posts.post_id
      from recsys.source_posts as posts
      where posts.created_at > request.at - interval '10 minutes' and posts.created_at <= request.at
        and (posts.author_id = any (request.follows)) is not true
        and exists (
          select from recsys.source_users as users
          where users.user_id = posts.author_id and recsys_engine.is_newcomer(users.created_at, posts.created_at)
          offset 0
        )
        and not exists (select from recsys_engine.newcomer_posts where newcomer_posts.post_id = posts.post_id offset 0)
    );
    -- nearly always there are none, and it is not asked how many are admitted: 45 pages of a feed's 1,382
    if undecided <> '{}' and recsys_engine.admitted_of_newcomers(recsys_engine.day_of(request.at)) is not null then
      request.on_trial := request.on_trial || undecided;
    end if;
  end if;
  return request;
end
$$;
comment on function recsys_engine.with_undecided(recsys_engine.feed_request) is 'A request as of now that has posts on trial (recsys_engine.with_trials) with those of newcomers that no roll-up has seen yet, of the last ten minutes: a burst would have its places until then. The service role calls it, since people may not read when others signed up.';

create function recsys_engine.tried_posts(p_request recsys_engine.feed_request) returns uuid[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  -- however many write, nine of ten feeds try what others wrote: in each feed one account had a quarter of the places for trials
  if p_request.on_trial <> '{}' and p_request.seed % 10 = 0 then
    return array(
      select one.post_id
      from (
        -- of somebody's first three of a day, so that who writes a thousand is tried as long as others
        select distinct on (newcomer_posts.user_id) newcomer_posts.post_id
        from recsys_engine.newcomer_posts
        where newcomer_posts.on_trial_until >= p_request.at and newcomer_posts.number <= 3 and newcomer_posts.post_id = any (p_request.on_trial)
        order by newcomer_posts.user_id, recsys_engine.served_key(newcomer_posts.post_id, p_request.seed)
      ) as one
      order by recsys_engine.served_key(one.post_id, p_request.seed)
      limit 20
    );
  end if;
  return '{}'::uuid[];
end
$$;
comment on function recsys_engine.tried_posts(recsys_engine.feed_request) is 'Which of the posts on trial a feed tries: in one of ten feeds 20 at most, each of another newcomer, drawn by the seed of the feed.';

revoke all on function recsys_engine.with_undecided(recsys_engine.feed_request), recsys_engine.tried_posts(recsys_engine.feed_request) from public;
grant execute on function recsys_engine.with_undecided(recsys_engine.feed_request), recsys_engine.tried_posts(recsys_engine.feed_request) to service_role;

revoke all on function recsys_engine.with_trials(recsys_engine.feed_request), recsys_engine.served_key(uuid, bigint), recsys_engine.seen_posts(uuid, timestamptz), recsys_engine.unwanted_originals(uuid, uuid[], uuid[]), recsys_engine.dismissed_posts(uuid, timestamptz), recsys_engine.request_with_mutes(uuid, timestamptz), recsys_engine.with_filter(recsys_engine.feed_request, jsonb), recsys_engine.feed_request(uuid, timestamptz, jsonb, bigint, bigint[]),
  recsys_engine.eligible_posts(recsys_engine.feed_request) from public;
grant execute on function recsys_engine.with_trials(recsys_engine.feed_request), recsys_engine.served_key(uuid, bigint), recsys_engine.seen_posts(uuid, timestamptz), recsys_engine.unwanted_originals(uuid, uuid[], uuid[]), recsys_engine.dismissed_posts(uuid, timestamptz), recsys_engine.request_with_mutes(uuid, timestamptz), recsys_engine.with_filter(recsys_engine.feed_request, jsonb), recsys_engine.feed_request(uuid, timestamptz, jsonb, bigint, bigint[]),
  recsys_engine.eligible_posts(recsys_engine.feed_request) to authenticated, service_role;


-- 11_retrieval/01_author_shares.sql

-- An author's share of a source: whoever writes a thousand posts has a tenth of each, and places that are left.

create type recsys_engine.found_post as (post_id uuid, author_id uuid);
comment on type recsys_engine.found_post is 'A post that a source found, with its author (null: unknown).';

create function recsys_engine.is_enough(p_request recsys_engine.feed_request, p_found recsys_engine.found_post[], p_looked integer, p_most integer, p_share integer) returns boolean
language sql immutable security invoker
begin atomic
  -- who asks for certain authors gets all of theirs; an unknown author is nobody
  select p_most is null or cardinality(p_found) < p_looked or (p_request.filter).author_ids is not null
    or (
      select sum(greatest(least(each.number, p_share), each.unknown)) >= p_most
      from (
        select count(*) as number, count(*) filter (where found.author_id is null) as unknown from unnest(p_found) as found group by found.author_id
      ) as each
    );
end;
comment on function recsys_engine.is_enough(recsys_engine.feed_request, recsys_engine.found_post[], integer, integer, integer) is 'Whether p_most of the first p_looked posts of a source are within the share of their authors, or there are no more.';

create function recsys_engine.within_share(p_request recsys_engine.feed_request, p_found recsys_engine.found_post[], p_most integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language sql immutable security invoker
begin atomic
  select shared.post_id, shared.author_id, row_number() over (order by shared.is_beyond, shared.place), shared.place
  from (
    select found.post_id, found.author_id, found.place,
      found.author_id is not null and (p_request.filter).author_ids is null
        and row_number() over (partition by found.author_id order by found.place) > p_share as is_beyond
    from unnest(p_found) with ordinality as found (post_id, author_id, place)
  ) as shared
  order by shared.is_beyond, shared.place
  limit p_most;
end;
comment on function recsys_engine.within_share(recsys_engine.feed_request, recsys_engine.found_post[], integer, integer) is 'The first p_most of some posts, p_share of an author before all others'': what is beyond it takes places that are left. place: where it was among all of them.';


-- 11_retrieval/02_followed_sources.sql

-- The sources of what a reader's own follows and habits bring: posts of these authors and topics, and what the followed came to (the other sources: 0960).

create function recsys_engine.with_affinities(p_request recsys_engine.feed_request) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  -- a visitor follows nobody; and mostly nothing came since they were kept
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
$$;
comment on function recsys_engine.with_affinities(recsys_engine.feed_request) is 'A request with the authors whose posts its user interacted with up to its instant, and how often, those of most interactions first.';

create function recsys_engine.with_touched(p_request recsys_engine.feed_request) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  if request.follows <> '{}' then
    select array_agg(touched.post_id order by touched.people desc, touched.at desc, touched.post_id), array_agg(touched.people order by touched.people desc, touched.at desc, touched.post_id)
    into request.touched, request.touches
    from (
      select acts.post_id, count(distinct followed.user_id)::integer as people, max(acts.created_at) as at
      from unnest(request.follows[:100]) as followed (user_id)
      cross join lateral (
        select source_interactions.post_id, source_interactions.created_at
        from recsys.source_interactions
        where source_interactions.user_id = followed.user_id and source_interactions.created_at <= request.at
        order by source_interactions.created_at desc, source_interactions.interaction_id desc
        limit 50
      ) as acts
      group by acts.post_id
    ) as touched;
  end if;
  return request;
end
$$;
comment on function recsys_engine.with_touched(recsys_engine.feed_request) is 'A request with the posts that those whom its user follows did something with, as far as the caller may read that: of the 100 followed last the last 50 interactions each. Posts of most people come first, of as many those that were touched last.';

create function recsys_engine.retrieve_followed(p_request recsys_engine.feed_request, p_most integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.found_post[];
  of_each integer;
begin
  -- of each the share, and only where that is too little, or there is a pool to choose from, more
  foreach of_each in array array[p_share, p_most] loop
    found := array(
      select row(newest.post_id, newest.author_id)::recsys_engine.found_post
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
            fetch first (coalesce(p_most, 1000)) rows with ties
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
      limit 20 * p_most
    );
    exit when p_request.pool is null and cardinality(found) >= p_most;
  end loop;
  return query select * from recsys_engine.within_share(p_request, found, p_most, p_share);
end
$$;
comment on function recsys_engine.retrieve_followed(recsys_engine.feed_request, integer, integer) is 'The p_most newest posts of those whom the user follows and, after these, of the 50 authors with whose posts they interacted most; p_share of an author before all others''.';

create function recsys_engine.retrieve_topic(p_request recsys_engine.feed_request, p_topic text, p_most integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.found_post[];
  looked integer;
begin
  foreach looked in array array[p_most, 4 * p_most, 20 * p_most] loop
    found := array(
      select row(newest.post_id, newest.author_id)::recsys_engine.found_post
      from (
        (
          select posts.post_id, posts.author_id, post_tags.created_at
          from recsys_engine.post_tags
          cross join lateral (
            select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = post_tags.post_id offset 0
          ) as posts
          where post_tags.tag = p_topic and post_tags.created_at <= p_request.at and p_request.pool is null
            and (p_request.readable is null or post_tags.post_id in (select unnest(p_request.readable)))
          order by post_tags.created_at desc, post_tags.post_id
          limit looked
        )
        union all
        select posts.post_id, posts.author_id, posts.created_at
        from unnest(p_request.pool) as posts
        join recsys_engine.post_tags on post_tags.post_id = posts.post_id and post_tags.tag = p_topic
      ) as newest
      order by newest.created_at desc, newest.post_id
      limit looked
    );
    exit when recsys_engine.is_enough(p_request, found, looked, p_most, p_share);
  end loop;
  return query select * from recsys_engine.within_share(p_request, found, p_most, p_share);
end
$$;
comment on function recsys_engine.retrieve_topic(recsys_engine.feed_request, text, integer, integer) is 'The p_most newest posts of a topic, p_share of an author before all others''.';

create function recsys_engine.retrieve_listed(p_request recsys_engine.feed_request, p_listed uuid[], p_most integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.found_post[];
  looked integer;
begin
  -- nearly always there are none of the two that are listed, and looking them up took .6 ms each
  if p_listed = '{}' or p_listed is null then
    return;
  end if;
  foreach looked in array array[p_most, 4 * p_most, 20 * p_most] loop
    found := array(
      select row(posts.post_id, posts.author_id)::recsys_engine.found_post
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
      limit looked
    );
    exit when recsys_engine.is_enough(p_request, found, looked, p_most, p_share);
  end loop;
  return query select * from recsys_engine.within_share(p_request, found, p_most, p_share);
end
$$;
comment on function recsys_engine.retrieve_listed(recsys_engine.feed_request, uuid[], integer, integer) is 'The first p_most of some posts that may be in the feed, p_share of an author before all others'': of what those whom the user follows did something with (recsys_engine.with_touched), or of recsys_engine.with_covisited.';


-- 11_retrieval/03_covisited.sql

-- Where those who came to what a reader came to also came to: by the neighbours of posts that a model keeps (recsys_engine.post_neighbours).

create function recsys_engine.with_came_to(p_request recsys_engine.feed_request, p_model_id bigint) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  -- a model without neighbours asks nothing more
  if request.interacted is not null and to_regclass('recsys_engine.post_neighbours_' || p_model_id) is not null then
    request.came_to := array(
      select distinct latest.post_id
      from (
        select source_interactions.post_id
        from recsys.source_interactions
        -- before they are counted: an app may hide comments with their post, and a list made ahead cannot know what it hides
        cross join lateral (select source_posts.post_id from recsys.source_posts where source_posts.post_id = source_interactions.post_id offset 0) as posts
        where source_interactions.user_id = request.user_id and source_interactions.created_at <= request.at
        order by source_interactions.created_at desc, source_interactions.interaction_id desc
        limit 200
      ) as latest
    );
  end if;
  return request;
end
$$;
comment on function recsys_engine.with_came_to(recsys_engine.feed_request, bigint) is 'A request with the posts of its user''s last 200 interactions with posts that the caller may read, where the model has neighbours of posts.';

create function recsys_engine.with_covisited(p_request recsys_engine.feed_request, p_model_id bigint) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  if request.came_to <> '{}' then
    request.covisited := array(
      select post_neighbours.neighbour_id
      from recsys_engine.post_neighbours
      where post_neighbours.model_id = p_model_id and post_neighbours.post_id = any (request.came_to)
        and post_neighbours.neighbour_id not in (select unnest(request.excluded))
      group by post_neighbours.neighbour_id
      order by sum(post_neighbours.weight) desc, post_neighbours.neighbour_id
      -- 20 for each that the source brings: no source looks further
      limit 2000
    );
  end if;
  return request;
end
$$;
comment on function recsys_engine.with_covisited(recsys_engine.feed_request, bigint) is 'A request with the neighbours of what its user came to (recsys_engine.with_came_to), those for which most speaks first. The service role may find what the caller may not see: sources ask that of each post.';

revoke all on function recsys_engine.with_came_to(recsys_engine.feed_request, bigint), recsys_engine.with_covisited(recsys_engine.feed_request, bigint) from public;
grant execute on function recsys_engine.with_came_to(recsys_engine.feed_request, bigint), recsys_engine.with_covisited(recsys_engine.feed_request, bigint) to authenticated, service_role;


-- 11_retrieval/04_sources.sql

-- The sources of retrieval, each a function that brings its best posts with their ranks from 1, and at the end the two lists of them, by which
-- every way to candidates goes (docs/adding-a-source.md). In each an author has a share: a source looks at as many posts as it brings and, until
-- as many are within the shares, at 4 and 20 times as many; what is beyond a share takes places that are left. Each keeps its plans for a session.
-- With a filter they choose from the pool of the request. "trend" is quoted because `supabase db push` takes the end of any other word for that of the body.

-- loads pgvector: before that only a superuser may name its settings in a function, and `supabase db push` is none
do $$ begin perform '[1]'::extensions.vector; end $$;

create function recsys_engine.retrieve_similar(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector, p_most integer, p_share integer, p_is_quick boolean default false)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
-- the index looks at 1,000 posts, and at as many more while too few of them are eligible; of a tenth or a twentieth it misses 4 in 100
set hnsw.iterative_scan = 'relaxed_order' set hnsw.ef_search = 1000
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.found_post[] := '{}'::recsys_engine.found_post[];
  looked integer;
  vectors double precision;
  is_exact boolean;
begin
  if p_model_id is null or p_embedding is null then
    return;
  end if;
  if p_is_quick then
    perform set_config('hnsw.ef_search', '200', true);
    -- Nearly all that are near may be read. Whoever sees to what may not learns the authors by that: looking them up here took 640 of the 6,190
    -- pages of recsys_engine.candidates.
    return query
    select near.post_id, null::uuid, row_number() over nearest, row_number() over nearest
    from (
      select post_embeddings.post_id, post_embeddings.embedding operator(extensions.<#>) p_embedding as distance
      from recsys.post_embeddings
      where post_embeddings.model_id = p_model_id
        -- what is nearest to somebody is what they did something with: where half of 160 was, too few were left, and the feed was read twice
        and post_embeddings.post_id not in (select unnest(p_request.excluded || p_request.on_trial))
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
        select row(posts.post_id, posts.author_id)::recsys_engine.found_post
        from unnest(p_request.pool) as posts
        join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = posts.post_id
        order by (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0, posts.post_id
        limit looked
      );
    elsif not is_exact then
      found := array(
        select row(near.post_id, near.author_id)::recsys_engine.found_post
        from (
          select posts.post_id, posts.author_id, post_embeddings.embedding operator(extensions.<#>) p_embedding as distance
          from recsys.post_embeddings
          cross join lateral (
            select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = post_embeddings.post_id offset 0
          ) as posts
          where post_embeddings.model_id = p_model_id
            and (p_request.readable is null or post_embeddings.post_id in (select unnest(p_request.readable)))
          order by post_embeddings.embedding operator(extensions.<#>) p_embedding, post_embeddings.post_id
          limit looked
        ) as near
        order by near.distance, near.post_id
      );
      -- null: nothing was found
      is_exact := cardinality(found) < looked and recsys_engine.is_enough(p_request, found, cardinality(found), p_most, p_share) is not true;
    end if;
    if p_request.pool is null and is_exact and p_request.readable is not null then
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.found_post
        from (
          select post_embeddings.post_id, (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0 as distance
          from recsys.post_embeddings
          where post_embeddings.model_id = p_model_id and post_embeddings.post_id = any (p_request.readable)
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
        select row(posts.post_id, posts.author_id)::recsys_engine.found_post
        from recsys_engine.eligible_posts(p_request) as posts
        join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = posts.post_id
        -- no index is in the order of this
        order by (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0, posts.post_id
        limit looked
      );
    end if;
    exit when recsys_engine.is_enough(p_request, found, looked, p_most, p_share);
  end loop;
  return query select * from recsys_engine.within_share(p_request, found, p_most, p_share);
end
$$;
comment on function recsys_engine.retrieve_similar(recsys_engine.feed_request, bigint, extensions.vector, integer, integer, boolean) is 'The p_most posts nearest to a user''s vector by inner product, p_share of an author before all others''; of equally near ones those with the lower id. By the HNSW index, which may miss one in a hundred, and four where a tenth of all posts are eligible; exactly where the request names what is readable and that takes less. p_is_quick: of fewer that it looks at, never exactly, whoever may see them, and without their authors and shares. Without model or vector none.';

create function recsys_engine.earlier_states(p_request recsys_engine.feed_request)
returns table (post_id uuid, last_active_at timestamptz, "trend" double precision)
language sql stable security invoker
begin atomic
  select latest_post_stats.post_id, earlier.last_active_at, earlier."trend"
  from recsys_engine.latest_post_stats
  cross join lateral (
    select post_stats.last_active_at, post_stats."trend"
    from recsys_engine.post_stats
    where post_stats.post_id = latest_post_stats.post_id and post_stats.last_active_at <= p_request.at
    order by post_stats.last_active_at desc, post_stats.interaction_id desc
    limit 1
  ) as earlier
  where latest_post_stats.last_active_at > p_request.at
    and (p_request.readable is null or latest_post_stats.post_id in (select unnest(p_request.readable)));
end;
comment on function recsys_engine.earlier_states(recsys_engine.feed_request) is 'The states as of the request''s instant of posts that somebody came to later. Now there are none; a month ago they are many.';

create function recsys_engine.newest_posts(p_request recsys_engine.feed_request, p_most integer) returns table (post_id uuid, author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  (
    select posts.post_id, posts.author_id, posts.created_at
    from recsys_engine.eligible_posts(p_request) as posts
    where p_request.pool is null and p_request.readable is null
    order by posts.created_at desc, posts.post_id
    limit p_most
  )
  union all
  (
    -- past what others wrote since, a walk down the index read 3,800 pages for 190 posts
    select posts.post_id, posts.author_id, posts.created_at
    from unnest(p_request.readable) with ordinality as named (post_id, place)
    cross join lateral (
      select eligible.post_id, eligible.author_id, eligible.created_at from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = named.post_id offset 0
    ) as posts
    order by named.place
    limit p_most
  )
  union all
  select posts.post_id, posts.author_id, posts.created_at from unnest(p_request.pool) as posts;
end;
comment on function recsys_engine.newest_posts(recsys_engine.feed_request, integer) is 'The p_most newest posts; with a pool all of it.';

-- in words of its own: since "-infinity" and up to an instant the planner expected 56 of 100,000 posts, so it read and sorted all: 32 ms instead of 2
create function recsys_engine.newest_posts_since(p_request recsys_engine.feed_request, p_most integer, p_since timestamptz)
returns table (post_id uuid, author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  select posts.post_id, posts.author_id, posts.created_at
  from recsys_engine.eligible_posts(p_request) as posts
  where p_request.pool is null and p_request.readable is null and posts.created_at >= p_since
  order by posts.created_at desc, posts.post_id
  limit p_most;
end;
comment on function recsys_engine.newest_posts_since(recsys_engine.feed_request, integer, timestamptz) is 'The p_most newest posts since an instant; with a pool, or where what is readable is named, none.';

create function recsys_engine.active_posts(p_request recsys_engine.feed_request, p_most integer) returns table (post_id uuid, author_id uuid, at timestamptz)
language sql stable security invoker
begin atomic
  with touched as materialized (
    select posts.post_id, posts.author_id, latest_post_stats.last_active_at as at
    from recsys_engine.latest_post_stats
    cross join lateral (
      select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = latest_post_stats.post_id offset 0
    ) as posts
    where latest_post_stats.last_active_at <= p_request.at and p_request.pool is null
      and (p_request.readable is null or latest_post_stats.post_id in (select unnest(p_request.readable)))
    order by latest_post_stats.last_active_at desc, latest_post_stats.post_id
    limit p_most
  )
  select found.post_id, found.author_id, max(found.at) as at
  from (
    select touched.post_id, touched.author_id, touched.at from touched
    union all
    select posts.post_id, posts.author_id, earlier.last_active_at
    from recsys_engine.earlier_states(p_request) as earlier
    cross join lateral (
      select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = earlier.post_id offset 0
    ) as posts
    where p_request.pool is null
    union all
    -- nobody need have come to a post that is new; older ones come after p_most others: as one subquery, or the index would not know where to
    -- stop: 35 ms instead of 0.2
    select posts.post_id, posts.author_id, posts.created_at
    from recsys_engine.newest_posts_since(p_request, p_most,
      (select coalesce((select touched.at from touched where p_most is not null order by touched.at desc offset p_most - 1 limit 1), '-infinity'))) as posts
    union all
    select posts.post_id, posts.author_id, posts.created_at from recsys_engine.newest_posts(p_request, p_most) as posts where p_request.readable is not null
    union all
    select posts.post_id, posts.author_id, greatest(posts.last_active_at, posts.created_at) from unnest(p_request.pool) as posts
  ) as found
  group by found.post_id, found.author_id
  order by at desc, found.post_id
  limit p_most;
end;
comment on function recsys_engine.active_posts(recsys_engine.feed_request, integer) is 'The p_most posts that somebody came to or wrote last, with when that was.';

create function recsys_engine.trending_posts(p_request recsys_engine.feed_request, p_most integer) returns table (post_id uuid, author_id uuid, "trend" double precision)
language sql stable security invoker
begin atomic
  (
    select posts.post_id, posts.author_id, latest_post_stats."trend"
    from recsys_engine.latest_post_stats
    cross join lateral (
      select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = latest_post_stats.post_id offset 0
    ) as posts
    -- stops the walk down the index: one person a week ago is as much
    where latest_post_stats."trend" >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
      -- said as ages, which no index knows: by that of last_active_at all of a week's posts were fetched, to be sorted by trend
      and p_request.at - latest_post_stats.last_active_at >= interval '0' and p_request.at - latest_post_stats.last_active_at < interval '168 hours'
      and p_request.pool is null
      and (p_request.readable is null or latest_post_stats.post_id in (select unnest(p_request.readable)))
    order by latest_post_stats."trend" desc, latest_post_stats.post_id
    limit p_most
  )
  union all
  select posts.post_id, posts.author_id, earlier."trend"
  from recsys_engine.earlier_states(p_request) as earlier
  cross join lateral (
    select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = earlier.post_id offset 0
  ) as posts
  where earlier."trend" >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
    and p_request.at - earlier.last_active_at < interval '168 hours' and p_request.pool is null
  union all
  select posts.post_id, posts.author_id, posts."trend" from unnest(p_request.pool) as posts
  where posts."trend" >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
    and p_request.at - posts.last_active_at < interval '168 hours';
end;
comment on function recsys_engine.trending_posts(recsys_engine.feed_request, integer) is 'The p_most posts to which somebody came in the last week, by the people who came, decayed with a half-life of a week: no fewer than came a week ago as one. Those of which earlier states or a pool tell come on top.';

create function recsys_engine.retrieve_active(p_request recsys_engine.feed_request, p_most integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.found_post[];
  looked integer;
begin
  foreach looked in array array[p_most, 4 * p_most, 20 * p_most] loop
    found := array(
      select row(posts.post_id, posts.author_id)::recsys_engine.found_post from recsys_engine.active_posts(p_request, looked) as posts order by posts.at desc, posts.post_id limit looked
    );
    exit when recsys_engine.is_enough(p_request, found, looked, p_most, p_share);
  end loop;
  return query select * from recsys_engine.within_share(p_request, found, p_most, p_share);
end
$$;
comment on function recsys_engine.retrieve_active(recsys_engine.feed_request, integer, integer) is 'The p_most posts that somebody came to or wrote last, p_share of an author before all others''.';

create function recsys_engine.retrieve_fresh(p_request recsys_engine.feed_request, p_most integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.found_post[];
  looked integer;
begin
  foreach looked in array array[p_most, 4 * p_most, 20 * p_most] loop
    found := array(
      select row(posts.post_id, posts.author_id)::recsys_engine.found_post from recsys_engine.newest_posts(p_request, looked) as posts order by posts.created_at desc, posts.post_id limit looked
    );
    exit when recsys_engine.is_enough(p_request, found, looked, p_most, p_share);
  end loop;
  return query select * from recsys_engine.within_share(p_request, found, p_most, p_share);
end
$$;
comment on function recsys_engine.retrieve_fresh(recsys_engine.feed_request, integer, integer) is 'The p_most newest posts, p_share of an author before all others''.';

create function recsys_engine.retrieve_trending(p_request recsys_engine.feed_request, p_most integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.found_post[];
  looked integer;
begin
  foreach looked in array array[p_most, 4 * p_most, 20 * p_most] loop
    found := array(
      select row(posts.post_id, posts.author_id)::recsys_engine.found_post from recsys_engine.trending_posts(p_request, looked) as posts order by posts.trend desc, posts.post_id limit looked
    );
    exit when recsys_engine.is_enough(p_request, found, looked, p_most, p_share);
  end loop;
  return query select * from recsys_engine.within_share(p_request, found, p_most, p_share);
end
$$;
comment on function recsys_engine.retrieve_trending(recsys_engine.feed_request, integer, integer) is 'The p_most posts to which most people came in the last week (recsys_engine.trending_posts), p_share of an author before all others''.';


-- The lists. size: how many posts of a source are candidates; kept: how many are found before it is asked which of them a caller may see. Of an
-- author a tenth of the size comes before all others', and a fifth in what is kept, since a caller may not see, or knows, some of them.

create function recsys_engine.most_found(p_size integer, p_kept integer, p_extent text) returns integer
language sql immutable
return nullif(p_size * (p_extent = 'feed')::integer + p_kept * (p_extent = 'kept')::integer, 0);
comment on function recsys_engine.most_found(integer, integer, text) is 'How many posts of a source are looked for. p_extent feed: as many as are candidates; kept: as many as a worker keeps; all: null, without limit.';

create function recsys_engine.author_share(p_size integer, p_extent text) returns integer
language sql immutable
return p_size / 10 * (1 + (p_extent = 'kept')::integer);
comment on function recsys_engine.author_share(integer, text) is 'How many posts of an author come before all others'' in a source of that size.';

create function recsys_engine.common_sources(p_request recsys_engine.feed_request, p_extent text) returns table (source text, size integer, kept integer, post_id uuid, author_id uuid, rank bigint, place bigint)
language sql stable security invoker
begin atomic
  select source.*, found.*
  from (values ('active', 300, 420)) as source (name, size, kept)
  cross join lateral recsys_engine.retrieve_active(p_request, recsys_engine.most_found(size, kept, p_extent), recsys_engine.author_share(size, p_extent)) as found
  union all
  select source.*, found.*
  from (values ('fresh', 100, 140)) as source (name, size, kept)
  cross join lateral recsys_engine.retrieve_fresh(p_request, recsys_engine.most_found(size, kept, p_extent), recsys_engine.author_share(size, p_extent)) as found
  union all
  select source.*, found.*
  from (values ('trending', 50, 125)) as source (name, size, kept)
  cross join lateral recsys_engine."retrieve_trending"(p_request, recsys_engine.most_found(size, kept, p_extent), recsys_engine.author_share(size, p_extent)) as found;
end;
comment on function recsys_engine.common_sources(recsys_engine.feed_request, text) is 'What the sources bring that are the same for everybody, but for what is hidden from them, known to them or served. p_extent as in recsys_engine.most_found.';

create function recsys_engine.own_sources(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector, p_extent text)
returns table (source text, size integer, kept integer, post_id uuid, author_id uuid, rank bigint, place bigint)
language sql stable security invoker
begin atomic
  select 'topic:' || followed.topic, size, kept, found.*
  from (values (20, 40)) as source (size, kept)
  cross join unnest(p_request.topics) as followed (topic)
  cross join lateral recsys_engine.retrieve_topic(p_request, followed.topic, recsys_engine.most_found(size, kept, p_extent), recsys_engine.author_share(size, p_extent)) as found
  union all
  select source.*, found.*
  from (values ('similar', 100, 160)) as source (name, size, kept)
  cross join lateral recsys_engine.retrieve_similar(p_request, p_model_id, p_embedding, recsys_engine.most_found(size, kept, p_extent), recsys_engine.author_share(size, p_extent), p_extent = 'kept') as found
  union all
  select source.*, found.*
  from (values ('followed', 50, 100)) as source (name, size, kept)
  cross join lateral recsys_engine.retrieve_followed(p_request, recsys_engine.most_found(size, kept, p_extent), recsys_engine.author_share(size, p_extent)) as found
  union all
  select source.*, found.*
  from (values ('touched', 100, 140)) as source (name, size, kept)
  cross join lateral recsys_engine.retrieve_listed(p_request, p_request.touched, recsys_engine.most_found(size, kept, p_extent), recsys_engine.author_share(size, p_extent)) as found
  union all
  select source.*, found.*
  from (values ('covisited', 100, 140)) as source (name, size, kept)
  cross join lateral recsys_engine.retrieve_listed(p_request, p_request.covisited, recsys_engine.most_found(size, kept, p_extent), recsys_engine.author_share(size, p_extent)) as found;
end;
comment on function recsys_engine.own_sources(recsys_engine.feed_request, bigint, extensions.vector, text) is 'What the sources bring that are another for each reader: by a model and their vector in it, by what they did, and by whom and what they follow. Of each topic that they follow the newest posts are a list by itself: the functions give these turns in the source followed, or a busy topic or many would leave no place for anybody else. p_extent as in recsys_engine.most_found.';

do $$
declare
  source regprocedure;
begin
  for source in select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'recsys_engine'::regnamespace and proname ~ '^(retrieve_|is_enough$|within_share$|earlier_states$|(newest|active|trending)_posts|with_affinities$|with_touched$|most_found$|author_share$|common_sources$|own_sources$)' loop
    execute format('revoke all on function %s from public', source);
    execute format('grant execute on function %s to authenticated, service_role', source);
  end loop;
end
$$;


-- 11_retrieval/05_filtered.sql

-- A feed with a filter, or of somebody who may read few posts. A source that walked down its index until enough posts pass would go through a
-- million of them for a tag that ten have, or for the hundred posts of an organisation. So it begins at the other end: with the posts that pass,
-- found by what is asked of them or by the indexes that serve the app's policies, of which then each source has its best.

create function recsys_engine.few_readable(p_share double precision default null) returns uuid[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  -- as statistics have it: in a community that is small all of it is nothing to be gone around
  posts constant double precision := (select greatest(0, pg_class.reltuples)::double precision from pg_catalog.pg_class where pg_class.oid = 'recsys_engine.latest_post_stats'::regclass);
  most integer := least(6000, posts / 2)::integer;
  readable uuid[];
begin
  if most > 2000 and p_share * posts <= most then
    -- no condition on time: with one, the planner also read an index over all posts for it. A number that the planner knows, or it would expect to
    -- find a tenth of them soon and go through all posts
    readable := array(
      select found.post_id
      from (select source_posts.post_id, source_posts.created_at from recsys.source_posts limit 6001) as found
      order by found.created_at desc, found.post_id
    );
  else
    most := least(2000, most);
    readable := array(select source_posts.post_id from recsys.source_posts limit most + 1);
  end if;
  return case when cardinality(readable) <= most then readable end;
end
$$;
comment on function recsys_engine.few_readable(double precision) is 'All posts that the caller may read, where these are fewer than half as many as somebody came to in the community and 2,000 at most, else null. p_share: how many of all the caller may read, 0 to 1; where by that these are 6,000 at most, as many are looked for, and are in order, the newest first. By the indexes that serve the app''s policies.';

create function recsys_engine.newest_matches(p_request recsys_engine.feed_request, p_most integer) returns recsys_engine.found_post[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  filter constant recsys_engine.feed_filter := p_request.filter;
  since constant timestamptz := coalesce(p_request.at - make_interval(days => filter.max_age_days), '-infinity');
begin
  -- by what is asked that mostly fewest posts have
  if filter.author_ids is not null then
    return array(
      select row(posts.post_id, posts.author_id)::recsys_engine.found_post
      from (select distinct unnest(filter.author_ids)) as wanted (author_id)
      cross join lateral (
        select * from recsys_engine.eligible_posts(p_request) as eligible
        where eligible.author_id = wanted.author_id and eligible.created_at >= since
        order by eligible.created_at desc, eligible.post_id
        limit p_most
      ) as posts
      order by posts.created_at desc, posts.post_id
      limit p_most
    );
  elsif filter.tags is not null then
    return array(
      select row(found.post_id, found.author_id)::recsys_engine.found_post
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
        limit p_most
      ) as found
      group by found.post_id, found.author_id
      order by max(found.created_at) desc, found.post_id
      limit p_most
    );
  elsif filter.languages is not null then
    return array(
      select row(found.post_id, found.author_id)::recsys_engine.found_post
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
        limit p_most
      ) as found
      order by found.created_at desc, found.post_id
      limit p_most
    );
  else
    return array(
      select row(eligible.post_id, eligible.author_id)::recsys_engine.found_post from recsys_engine.eligible_posts(p_request) as eligible
      where eligible.created_at >= since
      order by eligible.created_at desc, eligible.post_id
      limit p_most
    );
  end if;
end
$$;
comment on function recsys_engine.newest_matches(recsys_engine.feed_request, integer) is 'The newest posts that pass the filter of a request, p_most of them at most. It looks at the 20,000 newest of each tag or language, at all by the authors asked for, and at none that the filter does not ask for.';

create function recsys_engine.pooled(p_request recsys_engine.feed_request, p_post_ids uuid[]) returns recsys_engine.pooled_post[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return array(
    select row(posts.post_id, posts.author_id, posts.created_at, state.last_active_at, state.trend)::recsys_engine.pooled_post
    from (select distinct unnest(p_post_ids)) as pooled (post_id)
    cross join lateral (select * from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = pooled.post_id offset 0) as posts
    left join lateral (
      (
        select latest_post_stats.last_active_at, latest_post_stats.trend from recsys_engine.latest_post_stats
        where latest_post_stats.post_id = pooled.post_id and latest_post_stats.last_active_at <= p_request.at
      )
      union all
      (
        select post_stats.last_active_at, post_stats.trend from recsys_engine.post_stats
        where post_stats.post_id = pooled.post_id and post_stats.last_active_at <= p_request.at
        order by post_stats.last_active_at desc, post_stats.interaction_id desc
        limit 1
      )
      -- where both have one, it is the same
      limit 1
    ) as state on true
  );
end
$$;
comment on function recsys_engine.pooled(recsys_engine.feed_request, uuid[]) is 'Of some posts those that may be in the feed, each once, with their state as of the request''s instant.';

create function recsys_engine.with_pool(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector, p_may_be_few boolean default true, p_share double precision default null) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys_engine.feed_request := p_request;
  few uuid[];
  looked integer;
  found recsys_engine.found_post[];
  passing uuid[];
begin
  if p_may_be_few or p_share is not null then
    few := recsys_engine.few_readable(p_share);
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
      found := recsys_engine.newest_matches(p_request, looked);
      exit when recsys_engine.is_enough(p_request, found, looked, 1000, 100);
    end loop;
  end if;
  passing := coalesce(few, array(select newest.post_id from recsys_engine.within_share(p_request, found, 1000, 100) as newest));
  if few is null and cardinality(passing) = 1000 then
    -- where many pass, the best are not among the newest only, and are met soon on a walk
    passing := passing || array(select near.post_id from recsys_engine.retrieve_similar(p_request, p_model_id, p_embedding, 100, 10) as near);
    foreach looked in array array[300, 1200, 6000] loop
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.found_post
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
      exit when recsys_engine.is_enough(p_request, found, looked, 300, 30);
    end loop;
    passing := passing || array(select active.post_id from recsys_engine.within_share(p_request, found, 300, 30) as active);
    foreach looked in array array[50, 200, 1000] loop
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.found_post
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
      exit when recsys_engine.is_enough(p_request, found, looked, 50, 5);
    end loop;
    passing := passing || array(select hottest.post_id from recsys_engine.within_share(p_request, found, 50, 5) as hottest);
  end if;
  request.pool := recsys_engine.pooled(request, passing);
  return request;
end
$$;
comment on function recsys_engine.with_pool(recsys_engine.feed_request, bigint, extensions.vector, boolean, double precision) is 'A request with the pool that its sources choose from. Where the caller may read few posts (recsys_engine.few_readable), 2,000 at most, all of these that may be in the feed; where these are more, none, but the request names what is readable. Else where it has a filter: all posts that pass where these are fewer than 1,000; else the 1,000 newest of them, and the nearest, the last active and the trending that pass among the first 20,000 of each; an author has a tenth of each of these before all others, unless the filter asks for authors. p_may_be_few false: it is not asked whether they may read few. p_share: that of recsys_engine.few_readable, without a filter.';

revoke all on function recsys_engine.few_readable(double precision), recsys_engine.newest_matches(recsys_engine.feed_request, integer), recsys_engine.pooled(recsys_engine.feed_request, uuid[]), recsys_engine.with_pool(recsys_engine.feed_request, bigint, extensions.vector, boolean, double precision) from public;
grant execute on function recsys_engine.few_readable(double precision), recsys_engine.newest_matches(recsys_engine.feed_request, integer), recsys_engine.pooled(recsys_engine.feed_request, uuid[]), recsys_engine.with_pool(recsys_engine.feed_request, bigint, extensions.vector, boolean, double precision) to authenticated, service_role;


-- 11_retrieval/06_following_feed.sql

-- The feed of who wants the newest of whom and what they follow, in order of time: no model ranks it.

create function recsys_engine.following_feed(p_user_id uuid, p_now timestamptz, p_most integer, p_filter jsonb default null, p_seed bigint default null, p_served bigint[] default null)
returns table (post_id uuid, title text, author_id uuid, created_at timestamptz, follows_author boolean, topic text, served_key bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request constant recsys_engine.feed_request := recsys_engine.with_trials(recsys_engine.feed_request(p_user_id, p_now, p_filter, p_seed, p_served));
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
    select found.post_id from unnest(request.topics) as followed (topic) cross join lateral recsys_engine.retrieve_topic(request, followed.topic, p_most, p_most) as found
  ) as brought
  cross join lateral (select * from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = brought.post_id offset 0) as posts
  order by posts.created_at desc, posts.post_id
  limit p_most;
end
$$;
comment on function recsys_engine.following_feed(uuid, timestamptz, integer, jsonb, bigint, bigint[]) is 'The p_most newest posts of the people and topics that a user follows (recsys_engine.followed_people, recsys_engine.followed_topics) as of an instant, the newest first, as far as the caller may read them: without their own, what they muted or dismissed, and what earlier pages served. What they saw or did is not asked. follows_author, topic: why; arguments as of recsys_engine.feed_request.';
revoke all on function recsys_engine.following_feed(uuid, timestamptz, integer, jsonb, bigint, bigint[]) from public;
grant execute on function recsys_engine.following_feed(uuid, timestamptz, integer, jsonb, bigint, bigint[]) to authenticated, service_role;


-- 11_retrieval/07_given_posts.sql

-- Posts that the app names, such as what its own search found. What the caller may not read leaves no trace: nothing is counted,
-- ranked or looked up of it, so it is as an id that nobody has.

create function recsys_engine.with_given(p_request recsys_engine.feed_request, p_given uuid[]) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  -- who searches may look for what they know or wrote themselves, for what a newcomer wrote, and for what is withheld from strangers' feeds
  request.user_id := null;
  request.excluded := '{}';
  request.on_trial := null;
  request.withholds := false;
  request.pool := recsys_engine.pooled(request, p_given);
  return request;
end
$$;
comment on function recsys_engine.with_given(recsys_engine.feed_request, uuid[]) is 'A request whose pool is some posts: of these what the caller may read and did not mute, and what its filter lets in. What they interacted with, dismissed, saw or wrote themselves is left out of feeds alone.';

create function recsys_engine.given_posts(p_user_id uuid, p_given uuid[], p_filter jsonb default null, p_seed bigint default null)
returns table (now timestamptz, post_id uuid, title text, served_key bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request constant recsys_engine.feed_request := recsys_engine.with_given(recsys_engine.feed_request(p_user_id, recsys.clock(), p_filter), p_given);
begin
  return query
  select request.at, posts.post_id, posts.title, recsys_engine.served_key(posts.post_id, p_seed)
  from unnest(p_given) with ordinality as given (post_id, place)
  cross join lateral (select * from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = given.post_id offset 0) as posts
  order by given.place;
end
$$;
comment on function recsys_engine.given_posts(uuid, uuid[], jsonb, bigint) is 'Of some posts those that the caller may be shown (recsys_engine.with_given), in the order in which they are named, with their recsys_engine.served_key: where they cannot be ranked.';

revoke all on function recsys_engine.with_given(recsys_engine.feed_request, uuid[]), recsys_engine.given_posts(uuid, uuid[], jsonb, bigint) from public;
grant execute on function recsys_engine.with_given(recsys_engine.feed_request, uuid[]), recsys_engine.given_posts(uuid, uuid[], jsonb, bigint) to authenticated, service_role;


-- 11_retrieval/08_candidates.sql

-- Which posts somebody might want: the sources (11_retrieval/04_sources.sql) asked by whoever is to be shown them, or, by a worker that keeps what is common to
-- all feeds, in addition to that. supabase/functions/recommend/common-posts.test.ts holds the two to the same answer.

-- loads pgvector, as in 11_retrieval/04_sources.sql: each file may have a session of its own
do $$ begin perform '[1]'::extensions.vector; end $$;

create type recsys_engine.ranked_post as (post_id uuid, ranks jsonb);
comment on type recsys_engine.ranked_post is 'A post with its ranks in the sources that brought it, as {source: rank}.';

create function recsys_engine.ranked_posts(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector) returns recsys_engine.ranked_post[]
-- PL/pgSQL keeps the plan of a session; planning this takes as long as running it
language plpgsql stable security invoker set search_path = ''
-- it is planned for any instant, also those to which most of the past has to be looked up: by that cost it would be compiled
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select row(each.post_id, jsonb_object_agg(each.source, each.rank))::recsys_engine.ranked_post
    from (
      select * from recsys_engine.own_sources(p_request, p_model_id, p_embedding, 'feed')
      union all
      select * from recsys_engine.common_sources(p_request, 'feed')
    ) as each
    group by each.post_id
  );
end
$$;
comment on function recsys_engine.ranked_posts(recsys_engine.feed_request, bigint, extensions.vector) is 'What all sources bring for a request (recsys_engine.with_touched, recsys_engine.with_pool).';

create function recsys_engine.told_ranked_posts(p_request recsys_engine.feed_request, p_ranked recsys_engine.ranked_post[])
returns table (post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz, ranks jsonb, author_affinity integer, follows_author boolean, touches integer)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  select
    posts.post_id, coalesce(posts.title, ''), array_remove(coalesce(posts.tags, '{}'), null), posts.author_id, posts.created_at, found.ranks,
    coalesce(p_request.affinities[array_position(p_request.authors, posts.author_id)], 0),
    coalesce(posts.author_id = any (p_request.follows), false),
    coalesce(p_request.touches[array_position(p_request.touched, posts.post_id)], 0)
  from unnest(p_ranked) as found
  cross join lateral (select * from recsys.source_posts where source_posts.post_id = found.post_id offset 0) as posts;
end
$$;
comment on function recsys_engine.told_ranked_posts(recsys_engine.feed_request, recsys_engine.ranked_post[]) is 'What sources brought for a request, as recsys_engine.retrieve says it: of that what the caller may read.';

create function recsys_engine.retrieve(
  p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz, p_seed bigint default null, p_served bigint[] default null,
  p_filter jsonb default null
)
returns table (post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz, ranks jsonb, author_affinity integer, follows_author boolean, touches integer)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request constant recsys_engine.feed_request := recsys_engine.with_pool(recsys_engine.with_trials(recsys_engine.with_covisited(recsys_engine.with_came_to(recsys_engine.with_touched(recsys_engine.with_affinities(recsys_engine.feed_request(p_user_id, p_now, p_filter, p_seed, p_served))), p_model_id), p_model_id)), p_model_id, p_embedding);
begin
  return query select * from recsys_engine.told_ranked_posts(request, recsys_engine.ranked_posts(request, p_model_id, p_embedding));
end
$$;
comment on function recsys_engine.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb) is 'Posts that a user might want as of an instant, with their ranks in the sources that brought them, as {source: rank} (topic:NAME: among the newest of a topic that they follow, which get turns in the source followed), how often the user interacted with posts of their author, whether they follow them, and how many of those whom they follow did something with the post (recsys_engine.with_touched): of posts that the caller may read, without the user''s own and those they interacted with, dismissed, muted, or saw in the last 30 days, and without those that earlier pages served (p_served: their recsys_engine.served_key with p_seed). p_filter: what else is asked of a post, as of recsys_engine.feed_request. p_user_id null: a visitor. p_model_id and p_embedding null: no model, no similar posts. At most 1000 rows, unordered.';

create type recsys_engine.told_post as (post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz);
comment on type recsys_engine.told_post is 'What the app says of a post.';

create function recsys_engine.told_posts(p_posts recsys_engine.told_post[]) returns json
language sql stable security invoker set search_path = ''
begin atomic
  select json_build_object('post_id', json_agg(told.post_id), 'title', json_agg(told.title), 'tags', json_agg(told.tags), 'author_id', json_agg(told.author_id),
    'created_at', json_agg(1000 * date_part('epoch', told.created_at)),
    'of_circle', json_agg(exists (select from recsys_engine.circle_members where circle_members.user_id = told.author_id)))
  from unnest(p_posts) as told;
end;
comment on function recsys_engine.told_posts(recsys_engine.told_post[]) is 'Posts in columns, with times in milliseconds since 1970, and whether their author is in a closed circle (recsys_engine.circle_members): rows took the driver 4 ms for 500 posts.';

create function recsys_engine.known_posts(p_model_id bigint, p_post_ids uuid[], p_now timestamptz default recsys.clock()) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return (
    select json_build_object(
      'states', json_agg(known.state order by known.place),
      'has_embedding', json_agg(known.embedding is not null order by known.place),
      'embeddings', translate(encode(string_agg(extensions.vector_send(known.embedding), ''::bytea order by known.place), 'base64'), E'\n', '')
    )
    from (
      select asked.place, to_json(state) as state, post_embeddings.embedding
      from unnest(p_post_ids) with ordinality as asked (post_id, place)
      left join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = asked.post_id
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
$$;
comment on function recsys_engine.known_posts(bigint, uuid[], timestamptz) is 'What the engine knows of some posts as of an instant, in their order, as one object. states: of each the row of recsys_engine.post_stats that holds then (null: nobody came yet); has_embedding: whether the model has a vector of it; embeddings: the vectors there are, one after the other, in pgvector''s binary form and base64.';

create function recsys_engine.common_posts(p_now timestamptz default recsys.clock()) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys_engine.feed_request;
  told recsys_engine.told_post[];
  places json;
begin
  request.at := p_now;
  request.excluded := '{}';
  request.is_narrowed := false;
  request := recsys_engine.with_undecided(recsys_engine.with_trials(request));
  with found as materialized (
    select each.post_id, json_object_agg(each.source, each.place) as places
    -- more than each source brings: some are hidden from a caller, or known to them, what is trending above all
    from recsys_engine.common_sources(request, 'kept') as each
    group by each.post_id
  )
  select array_agg(row(posts.*)::recsys_engine.told_post), json_agg(found.places)
  into told, places
  from found
  cross join lateral (select eligible.* from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = found.post_id offset 0) as posts;
  return json_build_object(
    'at', 1000 * date_part('epoch', p_now),
    'posts', recsys_engine.told_posts(told),
    'places', places
  );
end
$$;
comment on function recsys_engine.common_posts(timestamptz) is 'What the common sources would bring somebody who may see everything and has seen nothing, more than they bring a caller, as one object: posts, as recsys_engine.told_posts, and where they stand in the order of each source, the shares of authors aside, as {source: place}. For the service role alone: it says which posts there are.';

create function recsys_engine.candidates(
  p_role text, p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz,
  p_filter jsonb default null, p_seed bigint default null, p_served bigint[] default null, p_common uuid[] default null, p_common_at timestamptz default null,
  p_is_few boolean default null, p_given uuid[] default null
) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys_engine.feed_request;
  affinities json;
  follows json;
  touches json;
  sources text[];
  found_ids uuid[];
  authors uuid[];
  places bigint[];
  readable recsys_engine.told_post[];
  sizes integer[];
  kept integer[];
  common json;
  own recsys_engine.told_post[];
  ranks json;
  lists json;
  tried uuid[];
  sample uuid[];
  readable_share double precision;
  ranked recsys_engine.ranked_post[];
  on_trial recsys_engine.told_post[] := '{}'::recsys_engine.told_post[];
  asked_for uuid[];
begin
  -- what they did, as they may see it
  perform set_config('role', p_role, true);
  request := recsys_engine.with_came_to(recsys_engine.with_touched(recsys_engine.with_affinities(recsys_engine.feed_request(p_user_id, p_now, p_filter, p_seed, p_served))), p_model_id);
  perform set_config('role', 'service_role', true);
  if p_given is null then
    request := recsys_engine.with_undecided(recsys_engine.with_trials(request));
    tried := recsys_engine.tried_posts(request);
  end if;
  request := recsys_engine.with_covisited(request, p_model_id);
  perform set_config('role', p_role, true);
  if tried <> '{}' then
    asked_for := request.on_trial;
    request.on_trial := '{}';
    on_trial := array(
      select row(posts.post_id, posts.title, posts.tags, posts.author_id, posts.created_at)::recsys_engine.told_post
      from unnest(tried) as one (post_id)
      cross join lateral (select * from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = one.post_id offset 0) as posts
    );
    request.on_trial := asked_for;
  end if;
  if p_given is not null then
    request := recsys_engine.with_given(request, p_given);
  elsif p_common is null or p_is_few then
    if p_common is null and request.filter is null then
      -- as what everybody comes to: the caller's own role knows only those that they may read
      perform set_config('role', 'service_role', true);
      sample := array(select latest_post_stats.post_id from recsys_engine.latest_post_stats order by latest_post_stats.last_active_at desc limit 200);
      perform set_config('role', p_role, true);
      select count(*) / greatest(cardinality(sample), 1)::double precision into readable_share from recsys.source_posts where source_posts.post_id = any (sample);
    end if;
    request := recsys_engine.with_pool(request, p_model_id, p_embedding, p_is_few is distinct from false, readable_share);
  end if;
  follows := to_json(request.follows);
  select json_object_agg(known.author_id, known.affinity) into affinities from unnest(request.authors, request.affinities) as known (author_id, affinity);
  if p_common is null or request.pool is not null then
    -- among what they may read; else each source would ask the app's policies of every post that it goes past
    if request.readable is not null then
      perform set_config('role', 'service_role', true);
    end if;
    ranked := recsys_engine.ranked_posts(request, p_model_id, p_embedding);
    perform set_config('role', p_role, true);
    if p_given is not null then
      -- all are wanted, also those that no source would bring
      ranked := ranked || array(
        select row(pooled.post_id, '{}')::recsys_engine.ranked_post
        from unnest(request.pool) as pooled
        where pooled.post_id not in (select each.post_id from unnest(ranked) as each)
      );
    end if;
    select
      array_agg(row(found.post_id, found.title, found.tags, found.author_id, found.created_at)::recsys_engine.told_post), json_agg(found.ranks),
      json_object_agg(found.post_id, found.touches) filter (where found.touches > 0)
    into own, ranks, touches
    from recsys_engine.told_ranked_posts(request, ranked) as found;
  else
    -- what might be theirs: policies that would ask of each vector whether its post is readable took as long as finding it
    perform set_config('role', 'service_role', true);
    select array_agg(each.source), array_agg(each.size), array_agg(each.kept), array_agg(each.post_id), array_agg(each.author_id), array_agg(each.place)
    into sources, sizes, kept, found_ids, authors, places
    from (
      select * from recsys_engine.own_sources(request, p_model_id, p_embedding, 'kept')
      union all
      -- what was written since the common posts were read
      (
        select 'since', 300, 420, newest.post_id, newest.author_id, null, row_number() over (order by newest.created_at desc, newest.post_id)
        from (
          select posts.*, row_number() over (partition by posts.author_id order by posts.created_at desc, posts.post_id) as number
          from recsys_engine.newest_posts_since(request, 20 * 420, p_common_at + interval '1 microsecond') as posts
        ) as newest
        -- what is beyond the share of an author waits until the common posts are read again
        where newest.author_id is null or newest.number <= 10
        order by newest.created_at desc, newest.post_id
        limit 420
      )
    ) as each;

    -- what of it is, all in one question: with each mention of the posts an app's policies call their functions again
    perform set_config('role', p_role, true);
    readable := array(
      select row(posts.post_id, case when posts.is_own then posts.title end, case when posts.is_own then posts.tags end, posts.author_id, posts.created_at)::recsys_engine.told_post
      from (
        -- those that are common have theirs already
        select eligible.*, eligible.post_id in (select unnest(found_ids)) as is_own
        from recsys_engine.eligible_posts(request) as eligible
        -- by one scan of the index: for 860 posts it reads 1,840 pages, and looking up each read 3,440
        where eligible.post_id = any (p_common || found_ids)
      ) as posts
    );
    own := array(select row(shown.*)::recsys_engine.told_post from unnest(readable) as shown where shown.title is not null);
    select
      (
        select json_build_object('place', json_agg(common.place - 1), 'served_key', json_agg(recsys_engine.served_key(common.post_id, p_seed)))
        from unnest(p_common) with ordinality as common (post_id, place)
        where common.post_id in (select shown.post_id from unnest(readable) as shown)
      ),
      (
        select json_object_agg(touched.post_id, touched.people)
        from unnest(request.touched, request.touches) as touched (post_id, people)
        where touched.post_id in (select shown.post_id from unnest(readable) as shown)
      ),
      (
        select coalesce(json_agg(json_build_object('source', each.source, 'size', each.size, 'posts', each.posts, 'authors', each.authors)), '[]')
        from (
          select found.source, min(found.size) as size, json_agg(shown.place - 1 order by found.place) as posts,
            -- there may be more of it: whose posts fill it says whether these are needed
            case when count(*) = min(found.kept) then json_agg(found.author_id order by found.place) end as authors
          from unnest(sources, sizes, kept, found_ids, authors, places) as found (source, size, kept, post_id, author_id, place)
          left join unnest(own) with ordinality as shown (post_id, title, tags, author_id, created_at, place) on shown.post_id = found.post_id
          group by found.source
        ) as each
      )
    into common, touches, lists;
  end if;

  -- behind all others: they have no ranks
  own := own || on_trial;
  perform set_config('role', 'service_role', true);
  return json_build_object(
    'model_gone', p_model_id is not null and to_regclass('recsys_engine.post_embeddings_' || p_model_id) is null,
    'is_few', request.filter is null and request.pool is not null and p_given is null,
    'affinities', affinities,
    'follows', follows,
    'topics', request.topics,
    'more', request.more,
    'less', request.less,
    'dismissed', request.dismissed,
    'originals', case when request.originals is not null and p_given is null then json_build_object('post_ids', request.originals, 'titles', request.original_titles) end,
    'touches', touches,
    'muted_authors', request.muted_authors,
    'in_circle', request.interacted is not null and exists (select from recsys_engine.circle_members where circle_members.user_id = p_user_id),
    'common', common,
    'posts', recsys_engine.told_posts(own),
    'on_trial', cardinality(on_trial),
    'ranks', ranks,
    'lists', lists,
    'served_keys', array(select recsys_engine.served_key(each.post_id, p_seed) from unnest(own) as each)
  );
end
$$;
comment on function recsys_engine.candidates(text, uuid, bigint, extensions.vector, timestamptz, jsonb, bigint, bigint[], uuid[], timestamptz, boolean, uuid[]) is 'The candidates of a feed, as one object. posts, ranks, served_keys: what recsys_engine.retrieve brings, each with its recsys_engine.served_key; affinities: how often the user interacted with posts of each author that recsys_engine.with_affinities has; follows: whom the user follows; topics: recsys_engine.followed_topics; more, less: topics of which the user wants more or less; dismissed: what the user dismissed lately; originals: recsys_engine.unwanted_originals; touches: how many of these did something with each post; muted_authors: whom the user muted; in_circle: whether the user is in a closed circle; on_trial: how many of posts, the last, are on trial (recsys_engine.tried_posts); model_gone: the model was dropped. With p_common, the recsys_engine.common_posts of a moment ago (p_common_at), posts are only those of the user''s own sources and, as a source called since, what was written meanwhile, without ranks: lists has of each source what was found, in its order, as places in posts from 0, null where it may not be in the feed, and, where there may be more, of whom; and common says which of p_common may be in the feed, by their places from 0, with their recsys_engine.served_key. is_few: the caller may read few posts (recsys_engine.few_readable), and got them from these, without p_common; p_is_few true: this is looked at first, false: it is not with p_common or a filter, null: it is without p_common. p_given: posts that an app names (recsys_engine.with_given), of which all that the caller may be shown are candidates, with the ranks that the sources give them among each other; without p_common and p_served. The service role calls it, and what may be shown is decided under p_role, the caller''s, with the claims of the transaction. The other arguments are those of recsys_engine.retrieve.';

revoke all on function
  recsys_engine.told_posts(recsys_engine.told_post[]), recsys_engine.ranked_posts(recsys_engine.feed_request, bigint, extensions.vector), recsys_engine.told_ranked_posts(recsys_engine.feed_request, recsys_engine.ranked_post[]), recsys_engine.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb), recsys_engine.known_posts(bigint, uuid[], timestamptz), recsys_engine.common_posts(timestamptz),
  recsys_engine.candidates(text, uuid, bigint, extensions.vector, timestamptz, jsonb, bigint, bigint[], uuid[], timestamptz, boolean, uuid[])
from public;
grant execute on function recsys_engine.ranked_posts(recsys_engine.feed_request, bigint, extensions.vector), recsys_engine.told_ranked_posts(recsys_engine.feed_request, recsys_engine.ranked_post[]), recsys_engine.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb) to authenticated, service_role;
grant execute on function
  recsys_engine.told_posts(recsys_engine.told_post[]), recsys_engine.known_posts(bigint, uuid[], timestamptz), recsys_engine.common_posts(timestamptz),
  recsys_engine.candidates(text, uuid, bigint, extensions.vector, timestamptz, jsonb, bigint, bigint[], uuid[], timestamptz, boolean, uuid[])
to service_role;


-- 11_retrieval/09_new_posts.sql

-- "12 new posts": how many a feed might show that were written since it was made. Nothing is ranked, and no more is read than their number needs.

create function recsys_engine.new_posts(p_user_id uuid, p_since timestamptz, p_filter jsonb default null, p_most integer default 100) returns integer
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys_engine.feed_request := recsys_engine.with_filter(recsys_engine.request_with_mutes(p_user_id, recsys.clock()), p_filter);
  since constant timestamptz := greatest(p_since, request.at - interval '7 days');
  kind text;
  newest uuid[];
begin
  request.user_id := p_user_id;
  if p_user_id is not null then
    kind := recsys_engine.feed_kind(p_user_id);
  end if;
  if kind <> 'impersonal' then
    -- what is new to somebody they came to since: no more of what they did is read
    request.excluded := array_remove(array(
      select source_interactions.post_id from recsys.source_interactions where source_interactions.user_id = p_user_id and source_interactions.created_at > since
      union all
      select source_dismissals.post_id from recsys.source_dismissals where source_dismissals.user_id = p_user_id and source_dismissals.created_at > since
    ), null);
  end if;
  if kind = 'following' then
    return (
      select least(count(*), p_most)::integer
      -- what they came to since is among the newest
      from recsys_engine.following_feed(p_user_id, request.at, p_most + least(cardinality(request.excluded), 1000), p_filter) as posts
      where posts.created_at > since and posts.post_id <> all (request.excluded)
    );
  end if;
  if kind = 'personal' then
    request.follows := recsys_engine.followed_people(p_user_id, request.at);
  end if;
  request := recsys_engine.with_trials(request);
  if request.is_narrowed then
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
        limit p_most
      ) as found
    );
  end if;
  return (select count(*)::integer from (select from recsys_engine.eligible_posts(request) as posts where posts.created_at > since limit p_most) as found);
end
$$;
comment on function recsys_engine.new_posts(uuid, timestamptz, jsonb, integer) is 'How many posts were written since an instant, of the last seven days at most, that might be in the user''s feed: without their own, what they came to, dismissed or muted, what p_filter (as of recsys_engine.feed_request) does not let in, and newcomers'' posts on trial; of whom and what they follow alone, where their feed is made of that. It counts to p_most and, where a filter or mutes have each post looked at, among the newest 300 alone. p_user_id null: a visitor''s.';

revoke all on function recsys_engine.new_posts(uuid, timestamptz, jsonb, integer) from public;
grant execute on function recsys_engine.new_posts(uuid, timestamptz, jsonb, integer) to authenticated, service_role;


-- 11_retrieval/10_second_model.sql

-- Who a user is to a second model, where an experiment interleaves two: its candidates are those of recsys_engine.candidates.

-- loads pgvector, as in 11_retrieval/04_sources.sql: each file may have a session of its own
do $$ begin perform '[1]'::extensions.vector; end $$;

create function recsys_engine.user_vectors(p_user_id uuid, p_model_id bigint, p_now timestamptz, p_history_posts uuid[])
returns table (id_embedding extensions.vector, history extensions.vector[], history_posts uuid[], followed extensions.vector)
language plpgsql stable security invoker set search_path = '' rows 1
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  select
    (select user_embeddings.id_embedding from recsys.user_embeddings where user_embeddings.model_id = p_model_id and user_embeddings.user_id = p_user_id),
    coalesce(array_agg(post_embeddings.embedding order by listed.place), '{}'),
    coalesce(array_agg(post_embeddings.post_id order by listed.place), '{}'),
    recsys_engine.followed_vector(recsys_engine.followed_people(p_user_id, p_now), p_model_id, p_now)
  from unnest(p_history_posts) with ordinality as listed (post_id, place)
  join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = listed.post_id;
end
$$;
comment on function recsys_engine.user_vectors(uuid, bigint, timestamptz, uuid[]) is 'What recsys_engine.user_context says of a user that is different in each model: the learned ID embedding, the vectors of their history, of the posts that it says are in it, in the same order, and recsys_engine.followed_vector. One row.';

revoke all on function recsys_engine.user_vectors(uuid, bigint, timestamptz, uuid[]) from public;
grant execute on function recsys_engine.user_vectors(uuid, bigint, timestamptz, uuid[]) to authenticated, service_role;


-- 12_promotions/01_promotions.sql

-- What whoever runs an app puts into feeds by hand: a post at a fixed place, or some that count for more or less. A feed asks here last, for what its
-- reader may see, did not mute or dismiss, and has not come to; of all it shows it says what was promoted (functions/_shared/plug-ins/promotions).

create table recsys.promotions (
  promotion_id bigint generated always as identity primary key,
  name text not null check (length(name) between 1 and 100 and name ~ '\S'),
  post_id uuid,
  filter jsonb check (filter <> '{}' and jsonb_typeof(filter) = 'object'),
  place smallint check (place between 1 and 100),
  factor real check (factor between 0.01::real and 100),
  people jsonb check (people <> '{}' and jsonb_typeof(people) = 'object'),
  starts_at timestamptz not null default recsys.clock(),
  ends_at timestamptz not null,
  per_person_and_day integer check (per_person_and_day between 1 and 1000),
  check (num_nonnulls(post_id, filter) = 1),
  check (num_nonnulls(place, factor) = 1),
  check (starts_at < ends_at)
);
comment on table recsys.promotions is 'What is put into feeds by hand. It is shown to nobody who may not read it, wrote, muted or dismissed it or came to it already, and not in search pages, lists made ahead and fallbacks. recsys.preview_promotion says what one would change.';
comment on column recsys.promotions.promotion_id is 'Its number. Of two that want one place the newer has it, and the older the next one; of two factors for a post that of the newer holds.';
comment on column recsys.promotions.name is 'What readers are told it is, such as Pinned by the editors: `promoted` of an item.';
comment on column recsys.promotions.post_id is 'The post; null: those of filter. A post that is deleted is shown no more.';
comment on column recsys.promotions.filter is 'Which posts, as of a request (recsys_engine.feed_filter): {"tags": ["sql"], "max_age_days": 7}. With a place, the one of them that the reader wants most; null: that of post_id.';
comment on column recsys.promotions.place is 'The place in the feed, from 1; null: what factor says. A feed with fewer posts has it at its end.';
comment on column recsys.promotions.factor is 'What the score is multiplied by, from 0.01 to 100; null: it has a place.';
comment on column recsys.promotions.people is 'For whom: {"user_ids": [...], "passions": ["chess"], "signed_up_days": 7} are those who are one of these, care about one of these (capital or small letters are the same) and signed up within so many days, each part only where it is said; null: for everybody, visitors too.';
comment on column recsys.promotions.starts_at is 'From when on, by recsys.clock().';
comment on column recsys.promotions.ends_at is 'Until when.';
comment on column recsys.promotions.per_person_and_day is 'In how many pages a person is shown it within 24 hours; more may be where pages come faster than they are logged. Visitors, of whom nothing is logged, are then shown none. Null: in all.';
create index promotions_ends_at_idx on recsys.promotions (ends_at);
-- a deleted post takes its promotions along
create index promotions_post_id_idx on recsys.promotions (post_id);
alter table recsys.promotions enable row level security;
grant select, insert, update, delete on recsys.promotions to service_role;

create function recsys_engine.is_list(p_value jsonb, p_entry text, p_least integer, p_most integer) returns boolean
language sql immutable security invoker set search_path = ''
return case
  when jsonb_typeof(p_value) is distinct from 'array' then false
  when jsonb_array_length(p_value) not between p_least and p_most then false
  else (select coalesce(bool_and(jsonb_typeof(entry) = 'string' and entry #>> '{}' ~ p_entry), true) from jsonb_array_elements(p_value) as entry)
end;
comment on function recsys_engine.is_list(jsonb, text, integer, integer) is 'Whether a value is a list of p_least texts or more, p_most at most, each of which the regular expression p_entry finds.';

create function recsys_engine.is_days(p_value jsonb) returns boolean
language sql immutable security invoker set search_path = ''
-- a hundred years: more is no interval that can be taken off any time
-- 7.0 is none: what reads it takes the text for an integer
return case when jsonb_typeof(p_value) is distinct from 'number' or p_value::text !~ '^[1-9][0-9]{0,4}$' then false else p_value::text::integer <= 36500 end;
comment on function recsys_engine.is_days(jsonb) is 'Whether a value is a whole number of days, from 1 to 36500.';

create function recsys_engine.check_promotion() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
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
  return new;
end
$$;
comment on function recsys_engine.check_promotion() is 'Refuses a promotion whose filter or people say nothing, or what no feed can read.';

create function recsys_engine.is_promoted_to(p_people jsonb, p_user_id uuid, p_passions text[], p_created_at timestamptz) returns boolean
language sql stable security invoker set search_path = ''
return (p_people is null or (
  (not p_people ? 'user_ids' or coalesce(p_user_id = any (array(select jsonb_array_elements_text(p_people -> 'user_ids'))::uuid[]), false))
  and (not p_people ? 'passions' or lower(p_passions::text)::text[] && lower(array(select jsonb_array_elements_text(p_people -> 'passions'))::text)::text[])
  and (not p_people ? 'signed_up_days' or coalesce(p_created_at > recsys.clock() - make_interval(days => (p_people ->> 'signed_up_days')::integer), false))
  and p_user_id is not null
)) is true;
comment on function recsys_engine.is_promoted_to(jsonb, uuid, text[], timestamptz) is 'Whether a person with these passions who signed up then is among those whom recsys.promotions.people means. p_user_id null: a visitor.';

create trigger promotions_are_checked before insert or update on recsys.promotions for each row execute function recsys_engine.check_promotion();

create function recsys_engine.group_of(p_group_by text, p_language text, p_tags text[]) returns text
language sql immutable security invoker set search_path = ''
return case
  when p_group_by = 'language' then p_language
  else (select min(lower(tag)) from unnest(p_tags) as tag where starts_with(lower(tag), p_group_by))
end;
comment on function recsys_engine.group_of(text, text, text[]) is 'To which group a post belongs (recsys.settings.group_by): its language, or the first by the alphabet of its tags that begin so, in small letters; null: none.';

create function recsys_engine.small_group_posts(p_group_by text, p_now timestamptz default recsys.clock()) returns uuid[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
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
    -- each author's first before anybody's second, and of these the first of each group
    order by numbered.turn, numbered.number, numbered.created_at desc, numbered.post_id
    limit 200
  );
end
$$;
comment on function recsys_engine.small_group_posts(text, timestamptz) is 'The newest posts of the groups (recsys.settings.group_by) whose authors are together at most a tenth of those of the last 28 days, one who wrote in several counted in parts: 20 of each and 200 at most. Each author''s first comes before anybody''s second, and of these the first of each group. A worker asks once a minute.';

create function recsys_engine.promoted_posts(
  p_role text, p_user_id uuid, p_now timestamptz, p_candidates uuid[], p_filter jsonb default null, p_seed bigint default null, p_served bigint[] default null,
  p_small_groups uuid[] default '{}', p_floor integer default 0
) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  -- null: a visitor, or somebody of whom nothing is read
  reader uuid;
  person recsys.source_users;
  promotions recsys.promotions[];
  promotion recsys.promotions;
  request recsys_engine.feed_request;
  narrowed recsys_engine.feed_request;
  trials uuid[];
  follows uuid[];
  known uuid[] := '{}'::uuid[];
  seen uuid[] := '{}'::uuid[];
  wanted uuid[];
  posts recsys_engine.told_post[] := '{}'::recsys_engine.told_post[];
  found json[] := '{}'::json[];
begin
  if p_user_id is not null and recsys_engine.feed_kind(p_user_id) <> 'impersonal' then
    reader := p_user_id;
  end if;
  select * into person from recsys.source_users where source_users.user_id = reader;
  promotions := array(
    select promotions
    from recsys.promotions
    where promotions.starts_at <= p_now and promotions.ends_at > p_now
      and recsys_engine.is_promoted_to(promotions.people, person.user_id, person.passions, person.created_at)
      -- of visitors nothing is logged, nor of somebody who saw more today than is kept
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
    -- what is withheld, or on trial, is for these
    request.follows := case when reader is not null then recsys_engine.followed_people(reader, p_now) end;
    trials := (recsys_engine.with_undecided(recsys_engine.with_trials(request))).on_trial;
    perform set_config('role', p_role, true);
    follows := request.follows;
    request := recsys_engine.request_with_mutes(p_user_id, p_now);
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
      -- what is on trial is promoted by its id or its author alone
      request.on_trial := case when promotion.post_id is null and not promotion.filter ? 'author_ids' then trials end;
      wanted := array[promotion.post_id];
      if promotion.filter is not null then
        narrowed := recsys_engine.with_filter(request, promotion.filter);
        wanted := array(
          select newest.post_id from unnest(recsys_engine.newest_matches(narrowed, 20)) as newest
          union
          select eligible.post_id from recsys_engine.eligible_posts(narrowed) as eligible where eligible.post_id = any (p_candidates)
        );
      end if;
      -- what the reader asked of each post holds of these, too
      narrowed := recsys_engine.with_filter(request, p_filter);
      with shown as materialized (
        select eligible.* from unnest(wanted) as one (post_id)
        cross join lateral (select * from recsys_engine.eligible_posts(narrowed) as each where each.post_id = one.post_id offset 0) as eligible
      )
      select
        array_agg(shown.post_id),
        posts || array_agg(row(shown.*)::recsys_engine.told_post) filter (where shown.post_id <> all (p_candidates) and shown.post_id not in (select each.post_id from unnest(posts) as each))
      into wanted, posts
      from shown;
      if wanted is not null then
        found := found || json_build_object('promotion_id', promotion.promotion_id, 'name', promotion.name, 'place', promotion.place, 'factor', promotion.factor, 'post_ids', wanted);
      end if;
    end loop;
    request.excluded := known || seen;
    request.on_trial := trials;
    narrowed := recsys_engine.with_filter(request, p_filter);
    posts := posts || array(
      select row(eligible.*)::recsys_engine.told_post from unnest(p_small_groups) with ordinality as one (post_id, place)
      cross join lateral (select * from recsys_engine.eligible_posts(narrowed) as each where each.post_id = one.post_id offset 0) as eligible
      where one.post_id <> all (p_candidates) and one.post_id not in (select each.post_id from unnest(posts) as each)
      order by one.place
      limit p_floor
    );
    perform set_config('role', 'service_role', true);
  end if;
  return json_build_object(
    'promotions', array_to_json(found),
    'posts', recsys_engine.told_posts(posts),
    'served_keys', array(select recsys_engine.served_key(each.post_id, p_seed) from unnest(posts) as each)
  );
end
$$;
comment on function recsys_engine.promoted_posts(text, uuid, timestamptz, uuid[], jsonb, bigint, bigint[], uuid[], integer) is 'What is promoted to a user now (p_user_id null: a visitor), the newest first, with which posts of it they may be shown, and those posts that are not among p_candidates; with them p_floor others, the first of p_small_groups (recsys_engine.small_group_posts) that they may be shown. As recsys_engine.candidates, the service role calls it, and what may be shown is decided under p_role.';

revoke all on function recsys_engine.is_list(jsonb, text, integer, integer), recsys_engine.is_days(jsonb), recsys_engine.group_of(text, text, text[]), recsys_engine.is_promoted_to(jsonb, uuid, text[], timestamptz), recsys_engine.check_promotion(), recsys_engine.promoted_posts(text, uuid, timestamptz, uuid[], jsonb, bigint, bigint[], uuid[], integer), recsys_engine.small_group_posts(text, timestamptz) from public;
grant execute on function recsys_engine.is_list(jsonb, text, integer, integer), recsys_engine.is_days(jsonb), recsys_engine.group_of(text, text, text[]), recsys_engine.is_promoted_to(jsonb, uuid, text[], timestamptz), recsys_engine.check_promotion(), recsys_engine.promoted_posts(text, uuid, timestamptz, uuid[], jsonb, bigint, bigint[], uuid[], integer), recsys_engine.small_group_posts(text, timestamptz) to service_role;


-- 12_promotions/02_preview_promotion.sql

-- What a promotion would change: the pages of the last day, had it been there.

create function recsys.preview_promotion(p_promotion_id bigint) returns table (figure text, value double precision, count bigint)
-- volatile: it asks under the roles of others
language plpgsql volatile security invoker set search_path = ''
as $$
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
  post_ids := case when promotion.filter is null then array[promotion.post_id]
    else array(select newest.post_id from unnest(recsys_engine.newest_matches(request, 100)) as newest) end;
  named := array(select jsonb_array_elements_text(promotion.people -> 'user_ids')::uuid);
  people := array(
    select came.user_id
    from (select distinct impressions.user_id from recsys.impressions where impressions.shown_at > day_ago and impressions.mode = 'live') as came
    join recsys.source_users as users on users.user_id = came.user_id
    -- a feed of follows has no promotions
    where (promotion.people -> 'user_ids' is null or users.user_id = any (named)) and recsys_engine.feed_kind(users.user_id) <> 'following' and recsys_engine.is_promoted_to(promotion.people - 'user_ids', users.user_id, users.passions, users.created_at)
  );
  select count(*) into readers
  from recsys_engine.readable_posts(array(select one from unnest(people) as one order by md5(one::text) limit 200), post_ids) as reader
  cross join lateral (select recsys_engine.feed_kind(reader.user_id) = 'impersonal' as is_impersonal) as kind
  where exists (
    select from recsys.source_posts as posts
    where posts.post_id = any (reader.post_ids) and (posts.author_id = reader.user_id) is not true
      and (kind.is_impersonal or (
        not exists (select from recsys.source_dismissals as dismissals where dismissals.user_id = reader.user_id and dismissals.post_id = posts.post_id)
        and not exists (select from recsys.source_interactions as acts where acts.user_id = reader.user_id and acts.post_id = posts.post_id)
      ))
      and not exists (
        select from recsys.source_mutes as mutes
        where mutes.user_id = reader.user_id and recsys_engine.is_muted(mutes.kind, mutes.value, posts.author_id, posts.title, posts.tags)
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
    select 1, 'posts', cardinality(post_ids)::double precision, cardinality(post_ids)::bigint
    union all select 2, 'people of the last day whom it is for', cardinality(people), cardinality(people)
    union all select 3, 'of them who may be shown it', readers::double precision / nullif(least(200, cardinality(people)), 0), least(200, cardinality(people))
    union all select 4, 'first pages that had it', count(distinct had.request_id)::double precision / nullif((select count(distinct pages.request_id) from pages), 0), (select count(distinct pages.request_id) from pages) from had
    union all select 5, 'its place on these', avg(had.position), count(*) from had
    union all select 6, 'its place then', case when promotion.place is null then avg(had.place_then) else promotion.place end, count(*) from had
  ) as figures (number, figure, value, count)
  order by figures.number;
end
$$;
comment on function recsys.preview_promotion(bigint) is 'What a promotion would change, one figure a row, by the pages of the last 24 hours: how many posts it is about (100 at most), to how many of the people it is, how many of these may be shown it (of 200 of them), how many first pages had it anyway, at which place, and at which it would be: with a factor by the scores of that page.';
revoke all on function recsys.preview_promotion(bigint) from public;
grant execute on function recsys.preview_promotion(bigint) to service_role;


-- 13_embedding_queue/01_embedding_jobs.sql

-- What waits for a vector: a post or user that is new or whose text changed. Triggers enqueue it in the
-- transaction of the change itself, so that no change is lost and none that was rolled back is embedded.

create table recsys_engine.embedding_jobs (
  kind text not null check (kind in ('post', 'user')),
  entity_id uuid not null,
  version bigint not null default 1,
  changed_by xid8 not null default pg_current_xact_id(),
  enqueued_at timestamptz not null default now(),
  due_at timestamptz not null default now(),
  attempts integer not null default 0,
  failures integer not null default 0,
  last_error text,
  claim bigint,
  claimed_version bigint,
  claimed_until timestamptz,
  -- lost claims count less than failures: a database that restarts again and again must not bury what was in work
  is_dead boolean not null generated always as (failures >= 5 or attempts >= 20) stored,
  primary key (kind, entity_id)
);
comment on table recsys_engine.embedding_jobs is 'One row per post or user that waits to be embedded, however often it changes meanwhile. Worked by the function embed or by `recsys worker`.';
comment on column recsys_engine.embedding_jobs.kind is 'post or user.';
comment on column recsys_engine.embedding_jobs.entity_id is 'The post_id or user_id.';
comment on column recsys_engine.embedding_jobs.version is 'Rises with each change while the job waits or is in work.';
comment on column recsys_engine.embedding_jobs.changed_by is 'The transaction of the latest change: whether the vectors of a model include it is asked of the snapshot that its publishing began with.';
comment on column recsys_engine.embedding_jobs.enqueued_at is 'Since when there is a change without a vector.';
comment on column recsys_engine.embedding_jobs.due_at is 'Not to be claimed before; a failure moves it.';
comment on column recsys_engine.embedding_jobs.attempts is 'Claims since the latest change, lost ones included.';
comment on column recsys_engine.embedding_jobs.failures is 'Failures since the latest change.';
comment on column recsys_engine.embedding_jobs.last_error is 'What the latest failure was.';
comment on column recsys_engine.embedding_jobs.claim is 'Who works on it: the number of the claim. Only its holder can complete it, so a worker that comes back after its lease writes nothing.';
comment on column recsys_engine.embedding_jobs.claimed_version is 'The version that was claimed; where version has risen since, the job stays for another run.';
comment on column recsys_engine.embedding_jobs.claimed_until is 'When the lease ends and others may claim it.';
comment on column recsys_engine.embedding_jobs.is_dead is 'Five failures, or twenty claims that never came back: it is left alone until it changes again.';
create index embedding_jobs_due_idx on recsys_engine.embedding_jobs (due_at, entity_id) where not is_dead;
-- each claim asks for one of these first: without it, of 50,000 jobs that wait it read all to find none
create index embedding_jobs_again_idx on recsys_engine.embedding_jobs (due_at, entity_id) where not is_dead and attempts >= 2;

create sequence recsys_engine.embedding_claim_seq;
comment on sequence recsys_engine.embedding_claim_seq is 'Numbers of claims.';

create table recsys_engine.embedding_changes (
  kind text not null check (kind in ('post', 'user')),
  entity_id uuid not null,
  changed_by xid8 not null,
  primary key (kind, entity_id)
);
comment on table recsys_engine.embedding_changes is 'Changes that the active model has vectors for and another model, published earlier or just being published, has not: activating that one enqueues them again.';
comment on column recsys_engine.embedding_changes.kind is 'post or user.';
comment on column recsys_engine.embedding_changes.entity_id is 'The post_id or user_id.';
comment on column recsys_engine.embedding_changes.changed_by is 'The transaction of the change.';

alter table recsys_engine.embedding_jobs enable row level security;
alter table recsys_engine.embedding_changes enable row level security;
grant select, insert, update, delete on recsys_engine.embedding_jobs, recsys_engine.embedding_changes to service_role;
grant usage on sequence recsys_engine.embedding_claim_seq to service_role;

create function recsys_engine.enqueue_embedding_jobs(p_kind text, p_entity_ids uuid[]) returns void
language sql volatile security invoker set search_path = ''
as $$
  insert into recsys_engine.embedding_jobs as job (kind, entity_id)
  select p_kind, changed.id from unnest(p_entity_ids) as changed (id)
  where changed.id is not null
  group by changed.id
  -- in the order of the key, so that two statements cannot wait for each other
  order by changed.id
  on conflict (kind, entity_id) do update set
    version = job.version + 1, changed_by = excluded.changed_by, due_at = least(job.due_at, excluded.due_at),
    attempts = 0, failures = 0, last_error = null
$$;
comment on function recsys_engine.enqueue_embedding_jobs(text, uuid[]) is 'Enqueues posts (p_kind: post) or users (p_kind: user) to be embedded again, each once.';

create table recsys_engine.edited_posts (
  post_id uuid primary key,
  edited_at timestamptz not null
);
comment on table recsys_engine.edited_posts is 'When the text of a post was changed last, kept by the triggers of recsys.watch. Of posts that say the same a feed has the one to which most people came: whoever edits an old post to say what a newer one does does not lead it.';
comment on column recsys_engine.edited_posts.post_id is 'The post.';
comment on column recsys_engine.edited_posts.edited_at is 'When, by recsys.clock().';
create index edited_posts_edited_at_idx on recsys_engine.edited_posts (edited_at);
alter table recsys_engine.edited_posts enable row level security;
grant select, insert, update, delete on recsys_engine.edited_posts to service_role;

create function recsys_engine.queue_text_changes() returns trigger
-- definer: as recsys_engine.queue_feature_changes()
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  -- its columns were quoted by recsys.watch, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  changed text;
  waiting text;
  ids uuid[];
begin
  if tg_op = 'TRUNCATE' then
    -- it does not say whose texts it took
    changed := format('select source.%1$s_id as id from recsys.source_%1$ss as source', tg_argv[0]);
  else
    changed := format('select %s as id from (%s) as changed', tg_argv[1], recsys_engine.changed_rows(tg_op, tg_argv[2]));
  end if;
  if tg_op in ('DELETE', 'TRUNCATE') then
    -- of an entity that is gone nothing waits; one that only lost a part of its text, such as a project, is embedded again
    foreach waiting in array array['embedding_jobs', 'embedding_changes'] loop
      execute format('delete from recsys_engine.%1$I as waiting
        where waiting.kind = $1 and %2$s and not exists (select from recsys.source_%3$ss as source where source.%3$s_id = waiting.entity_id)',
        waiting, case tg_op when 'DELETE' then format('waiting.entity_id in (%s)', changed) else 'true' end, tg_argv[0])
      using tg_argv[0];
    end loop;
    -- all that is known of it is to go as well
    execute format('insert into recsys.erasures (kind, entity_id)
      select distinct $1, known.id from (%1$s) as known
      where known.id is not null and not exists (select from recsys.source_%2$ss as source where source.%2$s_id = known.id)',
      case tg_op when 'DELETE' then changed else format('select known.%1$s_id as id from recsys.%1$s_embeddings as known', tg_argv[0]) end, tg_argv[0])
    using tg_argv[0];
    changed := format('select changed.id from (%1$s) as changed where exists (select from recsys.source_%2$ss as source where source.%2$s_id = changed.id)',
      changed, tg_argv[0]);
  end if;
  execute format('select array_agg(distinct changed.id) from (%s) as changed', changed) into ids;
  perform recsys_engine.enqueue_embedding_jobs(tg_argv[0], ids);
  if tg_op = 'UPDATE' and tg_argv[0] = 'post' then
    insert into recsys_engine.edited_posts as known (post_id, edited_at)
    select changed.id, recsys.clock() from unnest(ids) as changed (id) where changed.id is not null order by changed.id
    on conflict (post_id) do update set edited_at = excluded.edited_at;
  end if;
  return null;
end
$$;
comment on function recsys_engine.queue_text_changes() is 'Trigger of watched tables: enqueues the entities of which a statement changed a text, once each; posts whose text was changed are noted in recsys_engine.edited_posts; of entities that are gone nothing is left waiting, and recsys.erase() removes all that the engine knows of them. Its arguments are made by recsys.watch: post or user, the column with its id, the columns whose change counts.';

revoke all on function recsys_engine.enqueue_embedding_jobs(text, uuid[]), recsys_engine.queue_text_changes() from public;
grant execute on function recsys_engine.enqueue_embedding_jobs(text, uuid[]) to service_role;


-- 13_embedding_queue/02_embedding_queue.sql

-- Working the queue: claim, embed outside the database, and complete or fail. What happens to jobs when another model serves.

create function recsys_engine.embeds_change(p_model recsys.models, p_changed_by xid8) returns boolean
language sql stable security invoker set search_path = ''
as $$ select p_model.embedded_in is not distinct from recsys_engine.cluster_id() and pg_visible_in_snapshot(p_changed_by, p_model.embedded_as_of) $$;
comment on function recsys_engine.embeds_change(recsys.models, xid8) is 'Whether the vectors of a model include the change of a transaction. Of a model that came with a dump nobody knows, so they do not.';

create view recsys_engine.due_embedding_jobs with (security_invoker = true) as
select job.kind, job.entity_id, job.due_at, job.attempts
from recsys_engine.embedding_jobs as job
-- two ranges of the index, where recsys_engine.is_leased(due_at) would be none
where not job.is_dead and (job.due_at <= now() or job.due_at > now() + interval '3 hours') and not recsys_engine.is_leased(job.claimed_until);
comment on view recsys_engine.due_embedding_jobs is 'Jobs that a worker may claim now: due, alive and in nobody''s hands.';
comment on column recsys_engine.due_embedding_jobs.kind is 'post or user.';
comment on column recsys_engine.due_embedding_jobs.entity_id is 'The post_id or user_id.';
comment on column recsys_engine.due_embedding_jobs.due_at is 'Since when it may be claimed.';
comment on column recsys_engine.due_embedding_jobs.attempts is 'Claims since the latest change, lost ones included.';
-- update: locking rows through the view takes it
grant select, update on recsys_engine.due_embedding_jobs to service_role;

create function recsys_engine.has_due_embedding_jobs() returns boolean
language sql stable security invoker set search_path = ''
as $$
  select exists (select from recsys.models where status = 'active') and exists (select from recsys_engine.due_embedding_jobs)
$$;
comment on function recsys_engine.has_due_embedding_jobs() is 'Whether a worker would find something to embed: a job that is due and that nobody works on, and a model to embed it with.';

create function recsys_engine.claim_embedding_jobs(p_limit integer, p_lease interval) returns table (kind text, entity_id uuid, claim bigint)
language plpgsql volatile security invoker set search_path = ''
as $$
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
  -- half the oldest and half the newest: a new post does not wait behind somebody's import, nor is the import forgotten
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
$$;
comment on function recsys_engine.claim_embedding_jobs(integer, interval) is 'Takes up to p_limit due jobs for as long as p_lease, half the oldest and half the newest; nobody else gets them meanwhile. A job that was claimed twice before is given alone, by every other claim at most while others wait.';

create function recsys_engine.complete_embedding_jobs(p_claim bigint, p_model_id bigint, p_kinds text[], p_entity_ids uuid[], p_embeddings text[], p_topic_vectors text[] default null) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  kinds text[];
  ids uuid[];
  embeddings text[];
  topic_vectors text[];
begin
  -- whoever activates another model waits for us or we for them: vectors and pointer cannot pass each other
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
  perform recsys_engine.assign_topics(p_model_id, array_agg(done.entity_id), array_agg(done.topic_vector))
  from unnest(kinds, ids, topic_vectors) as done (kind, entity_id, topic_vector)
  where done.kind = 'post' and done.topic_vector is not null;
  insert into recsys.user_embeddings (model_id, user_id, embedding)
  select p_model_id, done.entity_id, done.embedding::extensions.vector
  from unnest(kinds, ids, embeddings) as done (kind, entity_id, embedding)
  where done.kind = 'user' and done.embedding is not null
  on conflict (model_id, user_id) do update set embedding = excluded.embedding;
  delete from recsys.user_embeddings using unnest(kinds, ids) as done (kind, entity_id)
  where done.kind = 'user' and user_embeddings.user_id = done.entity_id and done.entity_id in (select impersonal_people.user_id from recsys_engine.impersonal_people);
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
  where exists (select from recsys.models where models.model_id <> p_model_id and not recsys_engine.embeds_change(models, gone.changed_by))
  on conflict (kind, entity_id) do update set changed_by = excluded.changed_by;
  return coalesce(cardinality(ids), 0);
end
$$;
comment on function recsys_engine.complete_embedding_jobs(bigint, bigint, text[], uuid[], text[], text[]) is 'Writes the vectors that model p_model_id gave for the jobs of a claim, has posts join the topics that p_topic_vectors (of their text alone, null: unknown) are nearest to, and removes those jobs, in one transaction; a null vector means that the entity is gone. Returns how many were written or gone: not those that another claim took over, and none when the model is no longer the active one, whose jobs then wait for the one that is. An edited post keeps its id_embedding.';

create function recsys_engine.fail_embedding_jobs(p_claim bigint, p_kinds text[], p_entity_ids uuid[], p_errors text[]) returns void
language sql volatile security invoker set search_path = ''
as $$
  update recsys_engine.embedding_jobs as job
  set claim = null, claimed_until = null,
    -- a failure with the text as it was before the latest change counts for nothing
    failures = case when job.version = job.claimed_version then job.failures + 1 else 0 end,
    last_error = left(failed.error, 1000),
    due_at = case when job.version = job.claimed_version then now() + interval '10 seconds' * 2 ^ job.failures else now() end
  from unnest(p_kinds, p_entity_ids, p_errors) as failed (kind, entity_id, error)
  where job.kind = failed.kind and job.entity_id = failed.entity_id and job.claim = p_claim
$$;
comment on function recsys_engine.fail_embedding_jobs(bigint, text[], uuid[], text[]) is 'Gives jobs of a claim back with the reason why they failed: due again after 10, 20, 40 and 80 seconds, and dead after the fifth failure.';

create function recsys_engine.follow_active_model() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  with superfluous as (
    -- a locked job is being changed or completed right now, so it is not superfluous
    select job.kind, job.entity_id from recsys_engine.embedding_jobs as job
    where recsys_engine.embeds_change(new, job.changed_by)
    for update skip locked
  ),
  gone as (
    delete from recsys_engine.embedding_jobs as job using superfluous
    where job.kind = superfluous.kind and job.entity_id = superfluous.entity_id
    returning job.kind, job.entity_id, job.changed_by
  )
  insert into recsys_engine.embedding_changes (kind, entity_id, changed_by)
  select gone.kind, gone.entity_id, gone.changed_by from gone
  where exists (select from recsys.models where models.model_id <> new.model_id and not recsys_engine.embeds_change(models, gone.changed_by))
  on conflict (kind, entity_id) do update set changed_by = excluded.changed_by;
  insert into recsys_engine.embedding_jobs (kind, entity_id, changed_by)
  select changes.kind, changes.entity_id, changes.changed_by
  from recsys_engine.embedding_changes as changes
  where not recsys_engine.embeds_change(new, changes.changed_by)
  order by changes.kind, changes.entity_id
  on conflict (kind, entity_id) do nothing;
  delete from recsys_engine.embedding_changes as changes
  where not exists (select from recsys.models where not recsys_engine.embeds_change(models, changes.changed_by));
  return null;
end
$$;
comment on function recsys_engine.follow_active_model() is 'Trigger: when a model becomes the active one, jobs of changes that its vectors include go, and changes that they lack are enqueued, so that neither a publish nor a rollback leaves a vector missing or of an earlier text.';
create trigger recsys_follow_active_model after update of status on recsys.models
for each row when (new.status = 'active' and old.status <> 'active')
execute function recsys_engine.follow_active_model();

revoke all on function recsys_engine.embeds_change(recsys.models, xid8), recsys_engine.has_due_embedding_jobs(), recsys_engine.claim_embedding_jobs(integer, interval),
  recsys_engine.complete_embedding_jobs(bigint, bigint, text[], uuid[], text[], text[]), recsys_engine.fail_embedding_jobs(bigint, text[], uuid[], text[]), recsys_engine.follow_active_model() from public;
grant execute on function recsys_engine.embeds_change(recsys.models, xid8), recsys_engine.has_due_embedding_jobs(), recsys_engine.claim_embedding_jobs(integer, interval),
  recsys_engine.complete_embedding_jobs(bigint, bigint, text[], uuid[], text[], text[]), recsys_engine.fail_embedding_jobs(bigint, text[], uuid[], text[]) to service_role;


-- 13_embedding_queue/03_embedding_views.sql

-- What a DBA looks at: how much waits and since when, what was given up, and which posts have no vector.

create view recsys.embedding_queue with (security_invoker = true) as
select
  kinds.kind,
  count(job.entity_id) filter (where not job.is_dead) as depth,
  count(job.entity_id) filter (where not job.is_dead and job.claimed_until > now()) as in_work,
  count(job.entity_id) filter (where not job.is_dead and job.failures > 0) as failed_before,
  count(job.entity_id) filter (where job.is_dead) as dead,
  now() - min(job.enqueued_at) filter (where not job.is_dead) as age
from (values ('post'), ('user')) as kinds (kind)
left join recsys_engine.embedding_jobs as job on job.kind = kinds.kind
group by kinds.kind;
comment on view recsys.embedding_queue is 'One row for posts and one for users: depth, of these in_work and failed_before; dead letters; age: how long the oldest has waited, null where none waits.';
comment on column recsys.embedding_queue.kind is 'post or user.';
comment on column recsys.embedding_queue.depth is 'Jobs that wait or are in work.';
comment on column recsys.embedding_queue.in_work is 'Of these, those that a worker has now.';
comment on column recsys.embedding_queue.failed_before is 'Of these, those that failed before.';
comment on column recsys.embedding_queue.dead is 'Jobs that were given up.';
comment on column recsys.embedding_queue.age is 'How long the oldest has waited; null: none waits.';

create view recsys.embedding_dead_letters with (security_invoker = true) as
select job.kind, job.entity_id, job.failures, job.attempts, job.last_error, job.enqueued_at
from recsys_engine.embedding_jobs as job
where job.is_dead;
comment on view recsys.embedding_dead_letters is 'Jobs given up after five failures, or after twenty claims that never came back. To try again: update recsys_engine.embedding_jobs set failures = 0, attempts = 0, due_at = now() where is_dead.';
comment on column recsys.embedding_dead_letters.kind is 'post or user.';
comment on column recsys.embedding_dead_letters.entity_id is 'The post_id or user_id.';
comment on column recsys.embedding_dead_letters.failures is 'Failures since the latest change.';
comment on column recsys.embedding_dead_letters.attempts is 'Claims since the latest change, lost ones included.';
comment on column recsys.embedding_dead_letters.last_error is 'What the latest failure was.';
comment on column recsys.embedding_dead_letters.enqueued_at is 'Since when there is a change without a vector.';

create view recsys_engine.embedding_coverage with (security_invoker = true) as
select
  models.model_id, models.name, models.status,
  counted.posts, counted.posts_with_vector,
  newest.post_id as newest_post_without, counted.newest_at as newest_without_created_at
from recsys.models
-- a join for each model: all in one took 1.2 s with five models and 155,000 posts, this 0.9 s, and 0.1 s with one. To look for a post without
-- a vector from the newest on, where only old ones have none, took 0.3 s more
cross join lateral (
  select count(*) as posts, count(vectors.post_id) as posts_with_vector, max(posts.created_at) filter (where vectors.post_id is null) as newest_at
  from recsys.source_posts as posts
  left join recsys.post_embeddings as vectors on vectors.model_id = models.model_id and vectors.post_id = posts.post_id
) as counted
left join lateral (
  -- of equal times the first by id
  select source_posts.post_id
  from recsys.source_posts
  where source_posts.created_at = counted.newest_at and not exists (
    select from recsys.post_embeddings where post_embeddings.model_id = models.model_id and post_embeddings.post_id = source_posts.post_id
  )
  order by source_posts.post_id
  limit 1
) as newest on true;
comment on view recsys_engine.embedding_coverage is 'Per model: posts, those with a vector of it, and the newest post without one, which cannot be found by its text. Only the active model gets vectors for new posts; another one gets them when it is activated.';
comment on column recsys_engine.embedding_coverage.model_id is 'The model.';
comment on column recsys_engine.embedding_coverage.name is 'Its name.';
comment on column recsys_engine.embedding_coverage.status is 'As in recsys.models.';
comment on column recsys_engine.embedding_coverage.posts is 'Posts that there are.';
comment on column recsys_engine.embedding_coverage.posts_with_vector is 'Of these, those with a vector of the model.';
comment on column recsys_engine.embedding_coverage.newest_post_without is 'The newest post without one; null: every post has one.';
comment on column recsys_engine.embedding_coverage.newest_without_created_at is 'When that post was written.';

grant select on recsys.embedding_queue, recsys.embedding_dead_letters, recsys_engine.embedding_coverage to service_role;


-- 13_embedding_queue/04_embedding_schedule.sql

-- On Supabase pg_cron calls the function `embed` through pg_net. Where either is missing, `recsys worker` works the queue.

create function recsys_engine.call_embed() returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  project_url text;
  secret_key text;
begin
  -- an empty queue costs no call
  if not recsys_engine.has_due_embedding_jobs() then
    return null;
  end if;
  -- vault and net are looked up when these lines run: where they are missing, nobody calls this
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
$$;
comment on function recsys_engine.call_embed() is 'Calls the function embed where jobs are due, with the project''s URL and secret key from the Vault (recsys_project_url, recsys_secret_key). Returns pg_net''s request id; null: nothing to do.';
revoke all on function recsys_engine.call_embed() from public;

do $$
begin
  if recsys_engine.has_cron() and (select count(*) = 2 from pg_available_extensions where name in ('pg_net', 'supabase_vault')) then
    create extension if not exists pg_net with schema extensions;
    create extension if not exists supabase_vault;
    perform recsys_engine.schedule('recsys embed', '10 seconds', 'select recsys_engine.call_embed()');
  end if;
end
$$;


-- 13_embedding_queue/05_topic_figures.sql

-- How much each topic is wanted and written about, counted each hour: a view would read four weeks of interactions for each look.

create function recsys_engine.refresh_topics() returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  serving constant bigint := (select model_id from recsys.models where status = 'active');
  since constant timestamptz := recsys.clock() - interval '28 days';
  -- in a community of more than 500,000 interactions in 28 days earlier states are thinned, which would look as if nobody came
  known_since constant timestamptz := greatest(since, (select least(thinned_before, recsys.clock() - interval '1 day') from recsys_engine.thinning));
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
  -- each person once a day: whoever comes a thousand times makes nothing wanted by many
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
$$;
comment on function recsys_engine.refresh_topics() is 'Counts how many posts each topic has and, of those that any signed-in member may read, how much it is wanted and written about, and has posts join one that have none; returns how many topics there are. Called every hour by pg_cron and whenever topics are made.';
revoke all on function recsys_engine.refresh_topics() from public;
grant execute on function recsys_engine.refresh_topics() to service_role;

select recsys_engine.schedule('recsys topics', '33 * * * *', 'select recsys_engine.refresh_topics()');


-- 14_watch/01_watches.sql

-- What recsys.watch is made of: SQL for what a changed row names, and the record of what is watched, which the triggers themselves keep.

create function recsys_engine.changed_rows(p_operation text, p_columns text) returns text
language sql immutable security invoker set search_path = ''
as $$
  select case p_operation
    when 'INSERT' then format('select %s from new_rows', p_columns)
    when 'DELETE' then format('select %s from old_rows', p_columns)
    -- as they were and as they are, without the rows that are the same before and after
    else format('(select %1$s from old_rows except all select %1$s from new_rows) union all (select %1$s from new_rows except all select %1$s from old_rows)', p_columns)
  end
$$;
comment on function recsys_engine.changed_rows(text, text) is 'SQL for the triggers of watched tables: the rows that a statement (INSERT, UPDATE or DELETE) inserted, deleted or changed in some of the columns; p_columns: their list as SQL.';
revoke all on function recsys_engine.changed_rows(text, text) from public;

create function recsys_engine.id_sql(p_table regclass, p_column text) returns text
language sql stable security invoker set search_path = ''
as $$
  select case
    when pg_attribute.atttypid = any ('{bigint,integer,smallint}'::regtype[]) then format('recsys.id_of(%I::bigint)', p_column)
    when pg_attribute.atttypid = any ('{text,varchar}'::regtype[]) then format('recsys.id_of(%I::text)', p_column)
    when pg_attribute.atttypid = 'uuid'::regtype then quote_ident(p_column)
  end
  from pg_catalog.pg_attribute
  where pg_attribute.attrelid = p_table and pg_attribute.attname = p_column and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
$$;
comment on function recsys_engine.id_sql(regclass, text) is 'SQL for the uuid by which the engine knows what a column of an app''s table names: the column where it is a uuid, recsys.id_of of it where it is a number or text. Null: of another type, or missing.';
revoke all on function recsys_engine.id_sql(regclass, text) from public;

create function recsys_engine.person_sql(p_column text, p_lookup text[]) returns text
language plpgsql stable security invoker set search_path = ''
as $$
declare
  people regclass;
  wrong text;
begin
  if p_lookup is null then
    return 'changed.' || quote_ident(p_column);
  end if;
  people := to_regclass(p_lookup[1]);
  wrong := case
    when cardinality(p_lookup) <> 3 or array_position(p_lookup, null) is not null then 'names a table, its key and the column with the uuid of auth.users, as in ''{public.people,id,auth_id}'''
    when people is null then format('there is no table %s', p_lookup[1])
    when not exists (
      select from pg_catalog.pg_attribute
      where pg_attribute.attrelid = people and pg_attribute.attname = p_lookup[3] and pg_attribute.atttypid = 'uuid'::regtype and not pg_attribute.attisdropped
    ) then format('%s has no column %s that is a uuid', people, p_lookup[3])
    -- one row or none for a key, and found by an index with each change
    when not exists (
      select from pg_catalog.pg_index
      join pg_catalog.pg_attribute on pg_attribute.attrelid = people and pg_attribute.attname = p_lookup[2]
      where pg_index.indrelid = people and pg_index.indisunique and pg_index.indisvalid and pg_index.indpred is null and pg_index.indnkeyatts = 1 and pg_index.indkey[0] = pg_attribute.attnum
    ) then format('%s has no unique index on its column %s', people, p_lookup[2])
  end;
  if wrong is not null then
    raise exception 'recsys.watch: p_user_lookup: %', wrong using errcode = '42804';
  end if;
  return format('(select people.%I from %s as people where people.%I = changed.%I)', p_lookup[3], people, p_lookup[2], p_column);
end
$$;
comment on function recsys_engine.person_sql(text, text[]) is 'SQL for the uuid of the person whom a column of the row "changed" of an app''s table names: the column, or what p_lookup, {table,key,uuid}, has for it. Raises where that cannot be looked up.';
revoke all on function recsys_engine.person_sql(text, text[]) from public;

create function recsys_engine.watch_name(p_kind text, p_columns text[]) returns text
language sql immutable security invoker set search_path = ''
as $$
  -- names of columns are for whoever reads \d; six digits of a hash tell apart those that begin alike
  select p_kind || case when cardinality(p_columns) > 0 then format('_%s_%s',
    left(regexp_replace(lower(array_to_string(p_columns, '_')), '[^a-z0-9_]', '', 'g'), 18), left(md5(p_columns::text), 6)) else '' end
$$;
comment on function recsys_engine.watch_name(text, text[]) is 'What the triggers of a watch are named by: its kind and the columns that tell it from others of that kind on the same table.';

create function recsys_engine.trigger_arguments(p_arguments bytea) returns text[]
language plpgsql stable security invoker set search_path = ''
as $$
begin
  -- each ends with a byte of zero, which is \000 here, as no backslash is left that stands for itself
  return (
    select array_agg(convert_from(decode(listed.part, 'escape'), getdatabaseencoding()) order by listed.place)
    from (select string_to_array(replace(encode(p_arguments, 'escape'), '\\', '\134'), '\000') as list) as parts
    cross join unnest(parts.list) with ordinality as listed (part, place)
    where listed.place < cardinality(parts.list)
  );
end
$$;
comment on function recsys_engine.trigger_arguments(bytea) is 'The arguments of a trigger, from pg_trigger.tgargs.';

create view recsys.watches with (security_invoker = true) as
select distinct
  triggers.table_name, triggers.watch ->> 'kind' as kind, triggers.watch ->> 'user' as user_column, triggers.watch ->> 'post' as post_column,
  triggers.watch ->> 'created_at' as created_column,
  array(select jsonb_array_elements_text(triggers.watch -> 'others')) as others,
  triggers.watch
from (
  select pg_trigger.tgrelid::regclass as table_name, (arguments.list)[cardinality(arguments.list)]::jsonb as watch
  from pg_catalog.pg_trigger
  cross join lateral recsys_engine.trigger_arguments(pg_trigger.tgargs) as arguments (list)
  where pg_trigger.tgparentid = 0
    and pg_trigger.tgfoid in ('recsys_engine.queue_feature_changes()'::regprocedure, 'recsys_engine.queue_text_changes()'::regprocedure, 'recsys_engine.index_changed_tags()'::regprocedure)
) as triggers;
comment on view recsys.watches is 'What recsys.watch follows, a row for each call that holds.';
comment on column recsys.watches.table_name is 'The app''s table.';
comment on column recsys.watches.kind is 'What its rows are: interactions, logins, posts, users, post_texts or user_texts.';
comment on column recsys.watches.user_column is 'The column that names the person; null: none is asked for.';
comment on column recsys.watches.post_column is 'The column that names the post; null: none is asked for.';
comment on column recsys.watches.created_column is 'The column with the time; null: none is asked for.';
comment on column recsys.watches.others is 'Further columns whose change counts (p_others).';
comment on column recsys.watches.watch is 'The same as JSON, with the SQL by which a row names its person and post.';
grant select on recsys.watches to service_role;

create function recsys_engine.has_columns(p_table regclass, p_columns text[]) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select coalesce(bool_and(exists (
    select from pg_catalog.pg_attribute
    where pg_attribute.attrelid = p_table and pg_attribute.attname = wanted.name and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
  )), true)
  from unnest(p_columns) as wanted (name)
  where wanted.name is not null
$$;
comment on function recsys_engine.has_columns(regclass, text[]) is 'Whether a table has all of some columns; nulls do not count.';

create function recsys_engine.drop_watch(p_table regclass, p_watch jsonb) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  found record;
begin
  for found in
    select pg_trigger.tgname from pg_catalog.pg_trigger
    cross join lateral recsys_engine.trigger_arguments(pg_trigger.tgargs) as arguments (list)
    where pg_trigger.tgrelid = p_table and pg_trigger.tgparentid = 0 and pg_trigger.tgname ~ '^recsys_' and arguments.list[cardinality(arguments.list)] = p_watch::text
  loop
    execute format('drop trigger %I on %s', found.tgname, p_table);
  end loop;
end
$$;
comment on function recsys_engine.drop_watch(regclass, jsonb) is 'Drops the triggers of one watch, as recsys.watches has it.';

create function recsys_engine.queue_watched(p_table regclass, p_watch jsonb, p_with_users boolean) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- the SQL in p_watch was quoted by recsys.watch, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  changed_user constant text := p_watch ->> 'changed_user';
  changed_post constant text := p_watch ->> 'changed_post';
  entity constant text := p_watch ->> 'entity';
  entity_sql constant text := p_watch ->> 'entity_sql';
begin
  if changed_post is not null then
    execute format('insert into recsys_engine.feature_changes (post_id) select distinct %1$s from %2$s as changed where %1$s is not null', changed_post, p_table);
  end if;
  if changed_user is not null and (changed_post is null or p_with_users) then
    execute format('insert into recsys_engine.feature_changes (user_id) select distinct %1$s from %2$s as changed where %1$s is not null', changed_user, p_table);
  end if;
  if entity = 'post' then
    execute format('select recsys_engine.index_tags(coalesce(array_agg(distinct %1$s) filter (where %1$s is not null), ''{}'')) from %2$s as changed', entity_sql, p_table);
  end if;
  if entity is not null then
    execute format('select recsys_engine.enqueue_embedding_jobs($1, array_agg(distinct %s)) from %s as changed', entity_sql, p_table) using entity;
  end if;
end
$$;
comment on function recsys_engine.queue_watched(regclass, jsonb, boolean) is 'Queues all that a table names, for the feature store and the vectors. p_watch: as in recsys.watches. p_with_users: of interactions not the posts alone, so that somebody none of whose rows the view shows any more is worked out as well.';
revoke all on function recsys_engine.watch_name(text, text[]), recsys_engine.trigger_arguments(bytea), recsys_engine.has_columns(regclass, text[]), recsys_engine.drop_watch(regclass, jsonb), recsys_engine.queue_watched(regclass, jsonb, boolean) from public;
grant execute on function recsys_engine.trigger_arguments(bytea) to service_role;


-- 14_watch/02_watch.sql

-- One call a table: recsys.watch attaches what the feature store, re-embedding and filters by tag need to know of its changes.

create function recsys.watch(
  p_table regclass,
  p_kind text,
  p_id text default 'id',
  p_user_id text default 'user_id',
  p_post_id text default 'post_id',
  p_author_id text default 'author_id',
  p_created_at text default 'created_at',
  p_texts text[] default null,
  p_others text[] default '{}',
  p_user_lookup text[] default null
) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- its columns are quoted by recsys_engine.person_sql and id_sql, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  has_features constant boolean := p_kind in ('interactions', 'logins', 'posts');
  has_texts constant boolean := p_kind in ('posts', 'users', 'post_texts', 'user_texts');
  -- whose texts they are, and the column that says so
  entity constant text := case when p_kind in ('posts', 'post_texts') then 'post' else 'user' end;
  entity_id constant text := case p_kind when 'post_texts' then p_post_id when 'user_texts' then p_user_id else p_id end;
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
    when 'post_texts' then array[p_post_id] when 'user_texts' then array[p_user_id] else '{}' end;
  stem constant text := 'recsys_' || recsys_engine.watch_name(p_kind, key);
  described jsonb;
  -- what a change of features is, as SQL: whose, of which post, when
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
    when 'users', 'post_texts', 'user_texts' then
      null;
    else
      raise exception 'recsys.watch: kind is interactions, logins, posts, users, post_texts or user_texts, not %', coalesce(quote_literal(p_kind), 'null')
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
      -- of interactions of whom nobody is known any more, the post changes all the same
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
      'user', case when p_kind in ('interactions', 'logins', 'user_texts') then p_user_id when p_kind = 'users' then p_id when p_kind = 'posts' then p_author_id end,
      'post', case when p_kind in ('interactions', 'post_texts') then p_post_id when p_kind = 'posts' then p_id end,
      'created_at', case when has_features then p_created_at end, 'columns', compared || case when has_texts then read end,
      'changed_user', nullif(changed_user, 'null::uuid'), 'changed_post', nullif(changed_post, 'null::uuid'),
      'entity', case when has_texts then entity end, 'entity_sql', case when has_texts then entity_sql end));
    is_replaced := exists (select from pg_catalog.pg_trigger where tgrelid = p_table and tgname ~ format('^%s_(texts_|tags_)?insert$', stem) and tgparentid = 0);
    -- what follows a column that is gone fails each statement of the app's
    perform recsys_engine.drop_watch(watches.table_name, watches.watch)
    from recsys.watches
    where watches.table_name = p_table and not recsys_engine.has_columns(p_table, array[watches.user_column, watches.post_column, watches.created_column]);
    foreach listener in array array['queue_feature_changes', 'queue_text_changes', 'index_changed_tags'] loop
      if listener = 'queue_feature_changes' then
        continue when not has_features;
        suffix := '';
        arguments := concat_ws(', ', quote_literal(changed_user), quote_literal(changed_post), quote_literal(changed_at), quote_literal(needed_sql), quote_literal(compared_sql));
      elsif listener = 'index_changed_tags' then
        continue when not has_texts or entity <> 'post';
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
$$;
comment on function recsys.watch(regclass, text, text, text, text, text, text, text[], text[], text[]) is 'Makes changes of a table reach the feature store, the vectors and recsys_engine.post_tags, by triggers named recsys_…. p_kind: what its rows are: interactions, logins, posts or users, as in the source view that reads the table; or post_texts or user_texts, where they add to the text of a post (p_post_id) or user (p_user_id). p_texts: the columns that a tower reads. Ids of posts may be uuids, numbers or texts, as recsys.id_of takes them; those of people are the uuids of auth.users, or whatever p_user_lookup, {table,key,uuid} as in {public.people,id,auth_id}, has a uuid of auth.users for; the table with it is watched by that column (p_id => ''auth_id''). The names of the other columns follow where they are not these; p_others: further columns on which the view depends, such as the one of a soft deletion. What is in the table is queued: where that is millions of rows, call recsys.roll_up(null) once by hand, without a statement_timeout. May be called again: texts, p_others, p_id and p_user_lookup are then replaced. Calls of another kind, or of interactions, logins or texts by other columns for person, post or time, hold at the same time, as where a row answers one post and passes on another; recsys.watches lists them, recsys.unwatch ends one. An index on (post, time) and one on (user, time) keep the roll-up fast.';
revoke all on function recsys.watch(regclass, text, text, text, text, text, text, text[], text[], text[]) from public;


-- 14_watch/03_unwatch.sql

-- The end of a watch.

create function recsys.unwatch(p_table regclass, p_kind text default null, p_user_id text default null, p_post_id text default null, p_created_at text default null)
returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  ended record;
  number integer := 0;
begin
  if p_table is null then
    raise exception 'recsys.unwatch: the table is null' using errcode = '22004';
  end if;
  for ended in
    select watches.watch from recsys.watches
    where watches.table_name = p_table
      and (p_kind is null or watches.kind = p_kind) and (p_user_id is null or watches.user_column = p_user_id)
      and (p_post_id is null or watches.post_column = p_post_id) and (p_created_at is null or watches.created_column = p_created_at)
  loop
    number := number + 1;
    perform recsys_engine.drop_watch(p_table, ended.watch);
    begin
      perform recsys_engine.queue_watched(p_table, ended.watch, true);
    exception when undefined_column or undefined_table or undefined_function then
      -- columns that are gone no longer say what their rows were of
      insert into recsys_engine.feature_changes (post_id) select distinct post_stats.post_id from recsys_engine.post_stats;
      insert into recsys_engine.feature_changes (user_id) select distinct user_stats.user_id from recsys_engine.user_stats;
    end;
  end loop;
  return number;
end
$$;
comment on function recsys.unwatch(regclass, text, text, text, text) is 'Ends what recsys.watch began: drops its triggers from a table, and queues what its rows name, so that the next roll-up works that out from what the views show by then. Null for a kind or column: any. Returns how many watches ended, 0 where there was none. Before a watched column is dropped or renamed, or after a view reads the table no longer.';
revoke all on function recsys.unwatch(regclass, text, text, text, text) from public;


-- 15_training/01_training_requests.sql

-- Requests to train: pg_cron files one each night, `recsys worker --train` takes them, one at a time over all workers.

create table recsys_engine.training_requests (
  training_request_id bigint primary key generated always as identity,
  requested_at timestamptz not null default now(),
  requested_by text not null check (requested_by in ('schedule', 'person')),
  status text not null default 'queued' check (status in ('queued', 'running', 'done', 'failed')),
  due_at timestamptz not null default now(),
  attempts integer not null default 0,
  claim bigint,
  worker text,
  claimed_until timestamptz,
  heartbeat_at timestamptz,
  step text,
  started_at timestamptz,
  ended_at timestamptz,
  model_id bigint references recsys.models (model_id) on delete set null,
  new_interactions integer check (new_interactions >= 0),
  seconds real check (seconds >= 0),
  ratio real check (ratio >= 0),
  last_error text,
  check ((status in ('done', 'failed')) = (ended_at is not null)),
  check (status = 'running' or claimed_until is null)
);
comment on table recsys_engine.training_requests is 'One row per request to train, filed by pg_cron or a person and worked by `recsys worker --train`. At most one is queued and at most one is running.';
comment on column recsys_engine.training_requests.training_request_id is 'Number of the request; also the seed of its training, so that no two nights draw alike.';
comment on column recsys_engine.training_requests.requested_at is 'When it was filed; who asks again while it is queued gets the same one.';
comment on column recsys_engine.training_requests.requested_by is 'schedule (pg_cron) or person.';
comment on column recsys_engine.training_requests.status is 'queued: no worker has begun it; running: a worker is on it, or it waits to be continued; done; failed: given up, last_error says why.';
comment on column recsys_engine.training_requests.due_at is 'Not to be claimed before; a failure moves it.';
comment on column recsys_engine.training_requests.attempts is 'Claims, those that never came back included and those that were given back not. After five it has failed.';
comment on column recsys_engine.training_requests.claim is 'Who works on it: the number of the latest claim. Only its holder can go on, so a worker that comes back after its lease publishes nothing.';
comment on column recsys_engine.training_requests.worker is 'Host and process of the latest claim.';
comment on column recsys_engine.training_requests.claimed_until is 'When the lease ends and another worker may go on; null: in nobody''s hands. Heartbeats move it.';
comment on column recsys_engine.training_requests.heartbeat_at is 'When its worker was last heard of.';
comment on column recsys_engine.training_requests.step is 'What its worker was last doing.';
comment on column recsys_engine.training_requests.started_at is 'When it was first claimed.';
comment on column recsys_engine.training_requests.ended_at is 'When it was done or had failed.';
comment on column recsys_engine.training_requests.model_id is 'The model it brought; null while there is none, where nothing was new, and after that model was dropped.';
comment on column recsys_engine.training_requests.new_interactions is 'First interactions since the model it started from; all of them where it started from scratch.';
comment on column recsys_engine.training_requests.seconds is 'Wall time of the training, all attempts together, without publishing.';
comment on column recsys_engine.training_requests.ratio is 'Its seconds over those of the last training that started from scratch: 1 for that one.';
comment on column recsys_engine.training_requests.last_error is 'What the latest failure was, and the cure where one is known.';
-- these two make it one at a time, whatever the functions below do
create unique index training_requests_one_queued_idx on recsys_engine.training_requests (status) where status = 'queued';
create unique index training_requests_one_running_idx on recsys_engine.training_requests (status) where status = 'running';

create sequence recsys_engine.training_claim_seq;
comment on sequence recsys_engine.training_claim_seq is 'Numbers of claims.';

alter table recsys_engine.training_requests enable row level security;
grant select, insert, update, delete on recsys_engine.training_requests to service_role;
grant usage on sequence recsys_engine.training_claim_seq to service_role;

create function recsys.request_training(p_requested_by text default 'person') returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  request bigint;
begin
  loop
    insert into recsys_engine.training_requests (requested_by) values (p_requested_by)
    on conflict (status) where status = 'queued' do nothing
    returning training_request_id into request;
    if request is null then
      select training_request_id into request from recsys_engine.training_requests where status = 'queued';
    end if;
    -- null: the queued one was claimed between the two statements, so there is room for this one
    exit when request is not null;
  end loop;
  return request;
end
$$;
comment on function recsys.request_training(text) is 'Asks for a training and returns the number of the request; while one is queued, that one. One that is running already reads nothing new, so another is filed.';

create function recsys_engine.claim_training_request(p_worker text, p_lease interval) returns table (training_request_id bigint, claim bigint, attempts integer)
language plpgsql volatile security invoker set search_path = ''
as $$
#variable_conflict use_column
declare
  running recsys_engine.training_requests;
begin
  if p_lease is null or p_lease <= interval '0' then
    raise exception 'a lease must last for a while, not %', p_lease;
  end if;
  -- claims one after another: what is asked below stays true until it is written
  perform pg_advisory_xact_lock(hashtext('recsys_engine.claim_training_request'));
  select * into running from recsys_engine.training_requests where status = 'running';
  if recsys_engine.is_leased(running.claimed_until) or recsys_engine.is_leased(running.due_at) then
    return;
  end if;
  -- its last worker was lost too, so nobody has said why
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
$$;
comment on function recsys_engine.claim_training_request(text, interval) is 'Takes the request that is due for as long as p_lease: one that was begun and is in nobody''s hands, else the queued one. No row: there is none, or another worker is on it. A request whose fifth claim did not come back has failed.';

create function recsys_engine.heartbeat_training_request(p_claim bigint, p_lease interval, p_step text) returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update recsys_engine.training_requests
  set claimed_until = now() + p_lease, heartbeat_at = now(), step = p_step
  where claim = p_claim and status = 'running' and claimed_until is not null;
  return found;
end
$$;
comment on function recsys_engine.heartbeat_training_request(bigint, interval, text) is 'Says that the holder of a claim is alive and what it does; the lease then lasts p_lease from now. false: the claim is no longer its own, and it must not publish.';

create function recsys_engine.release_training_request(p_claim bigint) returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update recsys_engine.training_requests
  set claimed_until = null, due_at = now(), attempts = attempts - 1, step = null
  where claim = p_claim and status = 'running' and claimed_until is not null;
  return found;
end
$$;
comment on function recsys_engine.release_training_request(bigint) is 'Gives a claimed request back, as if it had not been claimed: its worker is told to end. false: the claim is no longer its own.';

create function recsys_engine.complete_training_request(p_claim bigint, p_model_id bigint, p_new_interactions integer, p_seconds real, p_ratio real) returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update recsys_engine.training_requests
  set status = 'done', ended_at = now(), claimed_until = null, step = null,
    model_id = p_model_id, new_interactions = p_new_interactions, seconds = p_seconds, ratio = p_ratio
  where claim = p_claim and status = 'running' and claimed_until is not null;
  return found;
end
$$;
comment on function recsys_engine.complete_training_request(bigint, bigint, integer, real, real) is 'Records what a claimed request brought. false: the claim is no longer its own.';

create function recsys_engine.fail_training_request(p_claim bigint, p_error text, p_is_final boolean) returns timestamptz
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  next_attempt timestamptz;
begin
  update recsys_engine.training_requests
  set claimed_until = null, step = null, last_error = left(p_error, 1000),
    status = case when p_is_final or attempts >= 5 then 'failed' else 'running' end,
    ended_at = case when p_is_final or attempts >= 5 then now() end,
    due_at = now() + interval '1 minute' * 4 ^ (attempts - 1)
  where claim = p_claim and status = 'running' and claimed_until is not null
  returning case when status = 'running' then due_at end into next_attempt;
  return next_attempt;
end
$$;
comment on function recsys_engine.fail_training_request(bigint, text, boolean) is 'Gives a claimed request back with the reason why it failed: due again after 1, 4, 16 and 64 minutes, and given up after the fifth attempt or where p_is_final says that no further one can help. Returns when it is due again; null: never, or the claim is no longer its own.';

create view recsys.training_status with (security_invoker = true) as
select
  done.ended_at as last_done_at,
  now() - done.ended_at as age,
  models.name as last_model,
  done.new_interactions, done.seconds, done.ratio,
  queued.requested_at as waiting_since,
  running.started_at as running_since, running.step, running.worker, running.attempts,
  now() - running.heartbeat_at as heartbeat_age,
  case when running.claimed_until is null then running.due_at end as next_attempt_at,
  failed.ended_at as last_failed_at,
  coalesce(running.last_error, failed.last_error) as last_error
from (select) as one_row
left join lateral (select * from recsys_engine.training_requests where status = 'done' order by ended_at desc limit 1) as done on true
left join recsys.models on models.model_id = done.model_id
left join lateral (select * from recsys_engine.training_requests where status = 'queued') as queued on true
left join lateral (select * from recsys_engine.training_requests where status = 'running') as running on true
left join lateral (select * from recsys_engine.training_requests where status = 'failed' order by ended_at desc limit 1) as failed on true;
comment on view recsys.training_status is 'One row: the last training that was done, its age, model and cost; since when a request waits for a worker; what runs, in which step, when its worker was last heard of, and when it is tried again where it waits; the last failure. A waiting_since of more than a day means that no worker runs.';
comment on column recsys.training_status.last_done_at is 'When the last training was done.';
comment on column recsys.training_status.age is 'How long ago that is.';
comment on column recsys.training_status.last_model is 'The model that it gave.';
comment on column recsys.training_status.new_interactions is 'How many interactions were new to it.';
comment on column recsys.training_status.seconds is 'How long it took.';
comment on column recsys.training_status.ratio is 'As in recsys_engine.training_requests.';
comment on column recsys.training_status.waiting_since is 'Since when a request waits for a worker; null: none waits.';
comment on column recsys.training_status.running_since is 'Since when one is worked; null: none is.';
comment on column recsys.training_status.step is 'In which step that is.';
comment on column recsys.training_status.worker is 'Whose work it is.';
comment on column recsys.training_status.attempts is 'How often it was begun.';
comment on column recsys.training_status.heartbeat_age is 'How long ago its worker was last heard of.';
comment on column recsys.training_status.next_attempt_at is 'When it is tried again after a failure.';
comment on column recsys.training_status.last_failed_at is 'When a training was last given up.';
comment on column recsys.training_status.last_error is 'Why the one that runs failed before, or the last one was given up.';
grant select on recsys.training_status to service_role;

revoke all on function recsys.request_training(text), recsys_engine.claim_training_request(text, interval), recsys_engine.heartbeat_training_request(bigint, interval, text),
  recsys_engine.release_training_request(bigint), recsys_engine.complete_training_request(bigint, bigint, integer, real, real), recsys_engine.fail_training_request(bigint, text, boolean) from public;
grant execute on function recsys.request_training(text), recsys_engine.claim_training_request(text, interval), recsys_engine.heartbeat_training_request(bigint, interval, text),
  recsys_engine.release_training_request(bigint), recsys_engine.complete_training_request(bigint, bigint, integer, real, real), recsys_engine.fail_training_request(bigint, text, boolean) to service_role;


-- 15_training/02_training_schedule.sql

-- pg_cron asks for a training each night; a worker or a scheduled job of a code host takes it (docs/retraining.md).
select recsys_engine.schedule('recsys training', '7 2 * * *', 'select recsys.request_training(''schedule'')');


-- 16_batch/01_read_by_people.sql

-- What many people may read, asked for them under their own role: for lists made ahead and for training, which serve nobody in particular. Both work
-- for whoever may become `authenticated`: the owner, and the functions, who are their own role within a transaction.

create function recsys_engine.readable_posts(p_user_ids uuid[], p_post_ids uuid[]) returns table (user_id uuid, post_ids uuid[])
-- volatile: it sets the role
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- what the transaction had before
  caller constant text := current_setting('role');
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
begin
  foreach user_id in array p_user_ids loop
    perform set_config('role', 'authenticated', true),
      set_config('request.jwt.claims', jsonb_build_object('sub', user_id, 'role', 'authenticated')::text, true);
    select coalesce(array_agg(source_posts.post_id), '{}') into post_ids
    from recsys.source_posts
    where p_post_ids is null or source_posts.post_id = any (p_post_ids);
    perform set_config('role', caller, true), set_config('request.jwt.claims', claims, true);
    return next;
  end loop;
end
$$;
comment on function recsys_engine.readable_posts(uuid[], uuid[]) is 'Which of some posts (null: of all) each of some users may read: asked under their own role, as the app''s row level security decides. Policies that ask for more than who it is, such as other claims of a token, say no here.';

create function recsys_engine.kinds_read_of_followed() returns text[]
-- volatile: it sets the role
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- what the transaction had before
  caller constant text := current_setting('role');
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
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
    perform set_config('role', 'authenticated', true),
      set_config('request.jwt.claims', jsonb_build_object('sub', follow.user_id, 'role', 'authenticated')::text, true);
    seen := array(select distinct source_interactions.kind from recsys.source_interactions where source_interactions.user_id = follow.person_id);
    perform set_config('role', caller, true), set_config('request.jwt.claims', claims, true);
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
$$;
comment on function recsys_engine.kinds_read_of_followed() is 'The kinds of interactions that people may read of those whom they follow, as the app''s row level security decides for half or more of 200 pairs. Training counts no others among what the followed did, since no feed will.';

revoke all on function recsys_engine.readable_posts(uuid[], uuid[]), recsys_engine.kinds_read_of_followed() from public;
grant execute on function recsys_engine.readable_posts(uuid[], uuid[]), recsys_engine.kinds_read_of_followed() to service_role;


-- 16_batch/02_batch_recommendations.sql

-- Lists made ahead for everyone who is active. `recsys batch` makes them in runs: a run is one model at one instant, cut into
-- pages of users that any number of workers claim. The function `recommend` serves them when asked to, and when the ranker fails.

create table recsys_engine.batch_runs (
  run_id bigint primary key generated always as identity,
  model_id bigint not null,
  model_name text not null,
  as_of timestamptz not null,
  status text not null default 'running' check (status in ('running', 'finished', 'superseded')),
  users integer not null default 0,
  users_done integer not null default 0,
  users_failed integer not null default 0,
  last_error text,
  started_at timestamptz not null default now(),
  finished_at timestamptz
);
comment on table recsys_engine.batch_runs is 'One row per run of `recsys batch`: one model at one instant. Another model or another instant is another run.';
comment on column recsys_engine.batch_runs.run_id is 'Number of the run.';
comment on column recsys_engine.batch_runs.model_id is 'The model that ranks: the active one when the run began.';
comment on column recsys_engine.batch_runs.model_name is 'Its name, which outlives the model.';
comment on column recsys_engine.batch_runs.as_of is 'The instant, by recsys.clock(), for which every list of the run holds, whichever worker makes it and whenever.';
comment on column recsys_engine.batch_runs.status is 'running: pages are open; finished: everyone has a list; superseded: another run began before it was done.';
comment on column recsys_engine.batch_runs.users is 'How many users were active at as_of.';
comment on column recsys_engine.batch_runs.users_done is 'How many lists were written; of a running run see recsys_engine.batch_progress.';
comment on column recsys_engine.batch_runs.users_failed is 'How many users have no list of this run; those of earlier runs stay.';
comment on column recsys_engine.batch_runs.last_error is 'Why one of them has none.';
comment on column recsys_engine.batch_runs.started_at is 'When it began, by the wall clock.';
comment on column recsys_engine.batch_runs.finished_at is 'When its last page was done, or another run took its place.';
create unique index batch_runs_one_running_idx on recsys_engine.batch_runs (status) where status = 'running';

create sequence recsys_engine.batch_claim_seq;
comment on sequence recsys_engine.batch_claim_seq is 'Numbers of claims.';

create table recsys_engine.batch_pages (
  run_id bigint not null references recsys_engine.batch_runs (run_id) on delete cascade,
  page integer not null,
  user_ids uuid[] not null,
  attempts integer not null default 0,
  claim bigint,
  claimed_until timestamptz,
  done_at timestamptz,
  users_done integer not null default 0,
  users_failed integer not null default 0,
  last_error text,
  primary key (run_id, page)
);
comment on table recsys_engine.batch_pages is 'What a running run is cut into: users who get their lists together. The pages go when the run ends.';
comment on column recsys_engine.batch_pages.run_id is 'The run.';
comment on column recsys_engine.batch_pages.page is 'Number of the page, from 0.';
comment on column recsys_engine.batch_pages.user_ids is 'Whose lists are made.';
comment on column recsys_engine.batch_pages.attempts is 'How often it was claimed; after five claims that nobody came back from it is left alone.';
comment on column recsys_engine.batch_pages.claim is 'Who works on it: the number of the claim. Only its holder can complete it, so a worker that comes back after its lease writes nothing.';
comment on column recsys_engine.batch_pages.claimed_until is 'When the lease ends and others may claim it.';
comment on column recsys_engine.batch_pages.done_at is 'When its lists were written; null: not yet.';
comment on column recsys_engine.batch_pages.users_done is 'How many lists were written.';
comment on column recsys_engine.batch_pages.users_failed is 'For how many users the ranking failed.';
comment on column recsys_engine.batch_pages.last_error is 'Why, of one of them.';

create table recsys.batch_recommendations (
  user_id uuid primary key,
  run_id bigint not null,
  model_id bigint not null,
  made_at timestamptz not null,
  basis text not null check (basis in ('history', 'profile', 'community')),
  post_ids uuid[] not null,
  scores real[] not null,
  views real[] not null,
  votes real[] not null,
  comments real[] not null,
  sources text[] not null,
  optional_probabilities jsonb,
  check (
    cardinality(scores) = cardinality(post_ids) and cardinality(views) = cardinality(post_ids) and cardinality(votes) = cardinality(post_ids)
    and cardinality(comments) = cardinality(post_ids) and cardinality(sources) = cardinality(post_ids)
  )
);
-- One row a user and not one a post: 12,800 lists took 0.2 ms each and 75 MB; as rows of posts with their two indexes, 3 to 5 ms
-- and 315 MB (at a load of 24 on 2 cores).
comment on table recsys.batch_recommendations is 'The list of each active user, best first, as arrays of one length: the 50 best posts and 25 to spare, since recsys_engine.batch_feed() leaves out what was seen, dismissed, muted, hidden or deleted after it was made. It stays until the next run replaces it, or removes it because its user is not active any more.';
comment on column recsys.batch_recommendations.user_id is 'Whose list it is.';
comment on column recsys.batch_recommendations.run_id is 'The run that made it.';
comment on column recsys.batch_recommendations.model_id is 'The model that ranked; it may be gone by now.';
comment on column recsys.batch_recommendations.made_at is 'The instant, by recsys.clock(), for which it holds.';
comment on column recsys.batch_recommendations.basis is 'What it is based on, as in the answer of `recommend`: history, profile or community.';
comment on column recsys.batch_recommendations.post_ids is 'The posts, best first; null where one was erased.';
comment on column recsys.batch_recommendations.scores is 'The score of each.';
comment on column recsys.batch_recommendations.views is 'The probability that the user views each.';
comment on column recsys.batch_recommendations.votes is 'The probability that the user votes for each.';
comment on column recsys.batch_recommendations.comments is 'The probability that the user comments on each.';
comment on column recsys.batch_recommendations.sources is 'What brought each: similar, active, fresh, trending, followed, touched or covisited.';
comment on column recsys.batch_recommendations.optional_probabilities is 'Of each optional head that the model has, by name, the probability of each: {"dismiss": [0.02, 0.01]}; null: it has none.';

alter table recsys_engine.batch_runs enable row level security;
alter table recsys_engine.batch_pages enable row level security;
alter table recsys.batch_recommendations enable row level security;
create policy "the callers of functions read which model made their lists" on recsys_engine.batch_runs for select to authenticated using (true);
create policy "people read their own list" on recsys.batch_recommendations for select to authenticated using (user_id = (select auth.uid()));
grant select (run_id, model_id, model_name, as_of) on recsys_engine.batch_runs to authenticated;
grant select on recsys.batch_recommendations to authenticated;
grant select, insert, update, delete on recsys_engine.batch_runs, recsys_engine.batch_pages, recsys.batch_recommendations to service_role;
grant usage on sequence recsys_engine.batch_claim_seq to service_role;

create view recsys_engine.batch_progress with (security_invoker = true) as
select
  batch_runs.run_id, batch_runs.model_name, batch_runs.as_of, batch_runs.status, batch_runs.users,
  coalesce(pages.users_done, batch_runs.users_done) as users_done,
  coalesce(pages.users_failed, batch_runs.users_failed) as users_failed,
  coalesce(pages.in_work, 0) as pages_in_work,
  coalesce(pages.last_done_at, batch_runs.finished_at, batch_runs.started_at) as last_done_at
from recsys_engine.batch_runs
left join (
  select
    batch_pages.run_id, sum(batch_pages.users_done)::integer as users_done, sum(batch_pages.users_failed)::integer as users_failed,
    count(*) filter (where batch_pages.done_at is null and batch_pages.claimed_until > now())::integer as in_work,
    max(batch_pages.done_at) as last_done_at
  from recsys_engine.batch_pages
  group by batch_pages.run_id
) as pages on pages.run_id = batch_runs.run_id;
comment on view recsys_engine.batch_progress is 'How far each run is: users done and failed of all, pages that a worker has in hand, and when a page was last done.';
comment on column recsys_engine.batch_progress.run_id is 'The run.';
comment on column recsys_engine.batch_progress.model_name is 'The model that ranks.';
comment on column recsys_engine.batch_progress.as_of is 'The instant for which its lists hold.';
comment on column recsys_engine.batch_progress.status is 'As in recsys_engine.batch_runs.';
comment on column recsys_engine.batch_progress.users is 'Users who get a list.';
comment on column recsys_engine.batch_progress.users_done is 'Users who have one.';
comment on column recsys_engine.batch_progress.users_failed is 'Users for whom the ranking failed.';
comment on column recsys_engine.batch_progress.pages_in_work is 'Pages that a worker has in hand.';
comment on column recsys_engine.batch_progress.last_done_at is 'When a page was last done, or the run began.';
grant select on recsys_engine.batch_progress to service_role;

create function recsys_engine.batch_activity() returns interval
language sql immutable security invoker set search_path = ''
as $$ select interval '30 days' $$;
comment on function recsys_engine.batch_activity() is 'A user is active who interacted or logged in within this long before the instant of a run.';

create function recsys_engine.begin_batch_run(p_page_size integer default 64) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  active recsys.models;
  now_running recsys_engine.batch_runs;
  new_run_id bigint;
begin
  -- one beginner at a time: whoever comes second joins
  perform pg_advisory_xact_lock(hashtext('recsys.batch_run'));
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
        and user_stats.last_active_at > recsys.clock() - recsys_engine.batch_activity()
    )
      and not exists (select from recsys.source_preferences where source_preferences.user_id = source_users.user_id)
  ) as numbered
  group by numbered.page;
  update recsys_engine.batch_runs
  set users = (select coalesce(sum(cardinality(batch_pages.user_ids)), 0) from recsys_engine.batch_pages where batch_pages.run_id = new_run_id)
  where batch_runs.run_id = new_run_id;
  return new_run_id;
end
$$;
comment on function recsys_engine.begin_batch_run(integer) is 'Begins a run of lists, and returns the run to work on: the one that is running if it is of the active model and less than 6 hours old, else a new one for everyone active now, in pages of p_page_size users; null: no model is active.';

create function recsys_engine.claim_batch_page(p_run_id bigint, p_lease interval) returns table (page integer, claim bigint, user_ids uuid[])
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  new_claim constant bigint := nextval('recsys_engine.batch_claim_seq');
begin
  if p_lease is null or p_lease <= interval '0' then
    raise exception 'a lease must last for a while, not %', p_lease;
  end if;
  return query
  -- materialized: a subquery that a nested loop ran again would give another page each time
  with picked as materialized (
    select open.page from recsys_engine.batch_pages as open
    where open.run_id = p_run_id and open.done_at is null and open.attempts < 5 and not recsys_engine.is_leased(open.claimed_until)
    order by open.page limit 1 for update skip locked
  )
  update recsys_engine.batch_pages as taken
  set claim = new_claim, claimed_until = now() + p_lease, attempts = taken.attempts + 1
  from picked
  where taken.run_id = p_run_id and taken.page = picked.page
  returning taken.page, taken.claim, taken.user_ids;
end
$$;
comment on function recsys_engine.claim_batch_page(bigint, interval) is 'Takes one page of a run for as long as p_lease; nobody else gets it meanwhile. No row: none is free, because all are done or in others'' hands, or the run has ended.';

create function recsys_engine.complete_batch_page(
  p_run_id bigint, p_claim bigint, p_user_ids uuid[], p_bases text[], p_post_ids text[], p_scores text[], p_views text[], p_votes text[], p_comments text[],
  p_sources text[], p_failed integer, p_error text, p_optional_probabilities text[]
) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
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
  -- whoever is gone meanwhile gets none
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
$$;
comment on function recsys_engine.complete_batch_page(bigint, bigint, uuid[], text[], text[], text[], text[], text[], text[], text[], integer, text, text[]) is 'Writes the lists of a claimed page and marks it done, in one transaction. Of each user one element: lists travel as array literals, since an array of arrays would be one array. Returns how many were written; null, and nothing is written, where another claim took the page over or the run has ended.';

create function recsys_engine.release_batch_page(p_run_id bigint, p_claim bigint) returns void
language sql volatile security invoker set search_path = ''
as $$
  update recsys_engine.batch_pages set claim = null, claimed_until = null, attempts = batch_pages.attempts - 1
  where batch_pages.run_id = p_run_id and batch_pages.claim = p_claim and batch_pages.done_at is null
$$;
comment on function recsys_engine.release_batch_page(bigint, bigint) is 'Gives a claimed page back undone, as if it had not been claimed.';

create function recsys_engine.end_batch_run(p_run_id bigint, p_status text) returns void
language sql volatile security invoker set search_path = ''
as $$
  update recsys_engine.batch_runs
  set status = p_status, finished_at = now(), users_done = coalesce(pages.done, 0), users_failed = coalesce(pages.failed, 0), last_error = pages.error
  from (
    select sum(batch_pages.users_done) as done,
      -- who stands on a page that was given up failed, too
      sum(case when batch_pages.done_at is null then cardinality(batch_pages.user_ids) else batch_pages.users_failed end) as failed,
      coalesce(max(batch_pages.last_error), max('five workers did not come back with page ' || batch_pages.page) filter (where batch_pages.done_at is null)) as error
    from recsys_engine.batch_pages where batch_pages.run_id = p_run_id
  ) as pages
  where batch_runs.run_id = p_run_id and batch_runs.status = 'running';
  delete from recsys_engine.batch_pages where batch_pages.run_id = p_run_id;
$$;
comment on function recsys_engine.end_batch_run(bigint, text) is 'Ends a run as finished or superseded: what its pages say is summed up in its row, and they go.';

create function recsys_engine.finish_batch_run(p_run_id bigint) returns text
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  ended text;
begin
  perform pg_advisory_xact_lock(hashtext('recsys.batch_run'));
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
$$;
comment on function recsys_engine.finish_batch_run(bigint) is 'Ends a run of which no page is open: lists of users who were not active at its instant are removed. Returns the status it then has: running where pages are still open or in work.';

-- definer: nobody reads the erasures of others; asked of ids that the caller has
create function recsys_engine.deleted_posts(p_post_ids uuid[], p_since timestamptz) returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return array(select erasures.entity_id from recsys.erasures where erasures.kind = 'post' and erasures.entity_id = any (p_post_ids) and erasures.deleted_at >= p_since);
end
$$;
comment on function recsys_engine.deleted_posts(uuid[], timestamptz) is 'Those of some posts that were deleted since an instant of the wall clock, in the last two days at most, be there another post under the id by now or not. Until recsys.erase() has been through the lists made ahead, these hold their ids.';

create function recsys_engine.batch_feed(p_user_id uuid, p_limit integer, p_seed bigint default null, p_served bigint[] default null, p_filter jsonb default null)
returns table (
  now timestamptz, made_at timestamptz, model_id bigint, model_name text, basis text, post_id uuid, title text, score real, view real, vote real, comment real, source text, author_id uuid, served_key bigint,
  optional_probabilities jsonb, follows_author boolean, topic text
)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys_engine.feed_request := recsys_engine.feed_request(p_user_id, recsys.clock(), p_filter);
begin
  request.seed := p_seed;
  request.served := p_served;
  return query
  select request.at, list.made_at, list.model_id, batch_runs.model_name, list.basis, posts.post_id, posts.title,
    listed.score, listed.view, listed.vote, listed.comment, listed.source, posts.author_id, recsys_engine.served_key(posts.post_id, p_seed),
    (
      select jsonb_object_agg(each_head.key, each_head.value -> (listed.number - 1)::integer) from jsonb_each(list.optional_probabilities) as each_head
    ),
    coalesce(posts.author_id = any (request.follows), false),
    (select tag from unnest(posts.tags) as tag where left(lower(tag), 100) = any (request.topics) limit 1)
  from recsys.batch_recommendations as list
  join recsys_engine.batch_runs on batch_runs.run_id = list.run_id
  cross join unnest(list.post_ids, list.scores, list.views, list.votes, list.comments, list.sources)
    with ordinality as listed (post_id, score, view, vote, comment, source, number)
  -- row level security decides here, and now, what may be recommended
  cross join lateral (
    select * from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = listed.post_id offset 0
  ) as posts
  where list.user_id = p_user_id
    -- it knows nothing of these
    and not exists (select from recsys.source_preferences where source_preferences.user_id = p_user_id)
    -- a post that was written under the id of a deleted one is another
    and posts.created_at <= list.made_at
    and posts.post_id <> all (recsys_engine.deleted_posts(list.post_ids, now() - (recsys.clock() - list.made_at)))
  order by listed.number
  limit p_limit;
end
$$;
comment on function recsys_engine.batch_feed(uuid, integer, bigint, bigint[], jsonb) is 'What is left of a user''s list for the caller to see now, best first: without posts that are gone or that the caller may not read, without the user''s own, those they interacted with, dismissed, saw or muted since, those that earlier pages served (p_served: their recsys_engine.served_key with p_seed), and what p_filter (as of recsys_engine.feed_request) does not let in. Nothing, where the user has preferences (recsys.source_preferences).';

revoke all on function recsys_engine.batch_activity(), recsys_engine.begin_batch_run(integer), recsys_engine.claim_batch_page(bigint, interval),
  recsys_engine.complete_batch_page(bigint, bigint, uuid[], text[], text[], text[], text[], text[], text[], text[], integer, text, text[]),
  recsys_engine.release_batch_page(bigint, bigint), recsys_engine.end_batch_run(bigint, text), recsys_engine.finish_batch_run(bigint),
  recsys_engine.deleted_posts(uuid[], timestamptz), recsys_engine.batch_feed(uuid, integer, bigint, bigint[], jsonb) from public;
grant execute on function recsys_engine.batch_activity(), recsys_engine.begin_batch_run(integer), recsys_engine.claim_batch_page(bigint, interval),
  recsys_engine.complete_batch_page(bigint, bigint, uuid[], text[], text[], text[], text[], text[], text[], text[], integer, text, text[]),
  recsys_engine.release_batch_page(bigint, bigint), recsys_engine.end_batch_run(bigint, text), recsys_engine.finish_batch_run(bigint),
  recsys_engine.batch_feed(uuid, integer, bigint, bigint[], jsonb) to service_role;
grant execute on function recsys_engine.batch_feed(uuid, integer, bigint, bigint[], jsonb), recsys_engine.deleted_posts(uuid[], timestamptz) to authenticated;


-- 16_batch/03_batch_schedule.sql

-- pg_cron cannot run Node, but a run is only rows: it begins one each night, which `recsys worker --batch` or `recsys batch` then work.
select recsys_engine.schedule('recsys batch', '41 3 * * *', 'select recsys_engine.begin_batch_run()');


-- 17_exposure_log/01_impression_partitions.sql

-- A partition of recsys.impressions for each month (UTC), made ahead, and dropped when its rows are older than they are kept. What
-- reads and writes go through is the parent's policies and grants; a partition itself is the owner's alone.

create table recsys_engine.impressions_default (like recsys.impressions including all);
alter table recsys.impressions attach partition recsys_engine.impressions_default default;
alter table recsys_engine.impressions_default enable row level security;
comment on table recsys_engine.impressions_default is 'Impressions of months that have no partition: none are made for what lies further ahead or was imported from long ago. recsys_engine.make_impression_partitions() moves them out.';

create function recsys_engine.make_impression_partitions(p_months_ahead integer default 2) returns integer
language plpgsql volatile security invoker set search_path = '' set timezone = 'UTC'
-- whoever waits for a lock makes those behind wait too; the next night will do
set lock_timeout = '2s'
as $$
declare
  this_month constant timestamptz := date_trunc('month', recsys.clock());
  kept_since constant timestamptz := recsys.clock() - (select settings.impressions_kept from recsys.settings);
  first timestamptz;
  name text;
  number integer := 0;
begin
  if p_months_ahead is null or p_months_ahead < 0 then
    raise exception 'partitions are made for 0 months ahead or more, not %', p_months_ahead;
  end if;
  perform pg_advisory_xact_lock(hashtext('recsys.impressions partitions'));
  for first in
    select months.first
    from (
      select this_month + make_interval(months => ahead) as first from generate_series(0, p_months_ahead) as ahead
      union
      select date_trunc('month', impressions_default.shown_at) from recsys_engine.impressions_default
      where impressions_default.shown_at >= kept_since and impressions_default.shown_at < this_month + make_interval(months => p_months_ahead + 1)
    ) as months
    where not exists (
      select from pg_catalog.pg_inherits
      join pg_catalog.pg_class on pg_class.oid = pg_inherits.inhrelid
      where pg_inherits.inhparent = 'recsys.impressions'::regclass and pg_class.relname = to_char(months.first, '"impressions_"YYYY_MM')
    )
    order by months.first
  loop
    name := to_char(first, '"impressions_"YYYY_MM');
    execute format('create table recsys_engine.%I (like recsys.impressions including all)', name);
    -- long before the lock, so that whoever logs an impression of this month waits for the last few rows only
    execute format('with moved as (delete from recsys_engine.impressions_default where shown_at >= %1$L and shown_at < %2$L returning *) insert into recsys_engine.%3$I select * from moved',
      first, first + interval '1 month', name);
    lock table recsys_engine.impressions_default in access exclusive mode;
    execute format('with moved as (delete from recsys_engine.impressions_default where shown_at >= %1$L and shown_at < %2$L returning *) insert into recsys_engine.%3$I select * from moved',
      first, first + interval '1 month', name);
    execute format('alter table recsys.impressions attach partition recsys_engine.%I for values from (%L) to (%L)', name, first, first + interval '1 month');
    execute format('alter table recsys_engine.%I enable row level security', name);
    execute format('comment on table recsys_engine.%I is %L', name, format('Impressions of %s, by UTC.', to_char(first, 'FMMonth YYYY')));
    number := number + 1;
  end loop;
  return number;
end
$$;
comment on function recsys_engine.make_impression_partitions(integer) is 'Makes the partitions of recsys.impressions for this month and those ahead, moves rows of theirs and of earlier months out of the default partition, and returns how many it made.';

create function recsys_engine.purge_impressions() returns integer
language plpgsql volatile security invoker set search_path = '' set timezone = 'UTC'
-- dropping a partition locks the whole table: feeds behind it wait this long at most, and another night will do
set lock_timeout = '1s'
as $$
declare
  kept_since constant timestamptz := recsys.clock() - (select settings.impressions_kept from recsys.settings);
  name text;
  number integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('recsys.impressions partitions'));
  delete from recsys_engine.user_days where user_days.day < (now() at time zone 'utc')::date - 31;
  delete from recsys_engine.impressions_default where impressions_default.shown_at < kept_since;
  for name in
    select pg_class.relname::text
    from pg_catalog.pg_inherits
    join pg_catalog.pg_class on pg_class.oid = pg_inherits.inhrelid
    where pg_inherits.inhparent = 'recsys.impressions'::regclass and pg_class.relname ~ '^impressions_\d+_\d\d$'
      and to_date(substring(pg_class.relname from '\d+_\d\d$'), 'YYYY_MM') + interval '1 month' <= kept_since
    order by pg_class.relname
  loop
    execute format('drop table recsys_engine.%I', name);
    number := number + 1;
  end loop;
  return number;
end
$$;
comment on function recsys_engine.purge_impressions() is 'Drops the months of recsys.impressions that are older than settings.impressions_kept, and returns how many; forgets what recsys_engine.user_days counted 31 days ago. Fails after a second where somebody has been reading impressions all that time.';
revoke all on function recsys_engine.make_impression_partitions(integer), recsys_engine.purge_impressions() from public;

select recsys_engine.make_impression_partitions();
select recsys_engine.schedule('recsys impression partitions', '7 3 * * *', 'select recsys_engine.make_impression_partitions()');
select recsys_engine.schedule('recsys purge of impressions', '47 3 * * *', 'select recsys_engine.purge_impressions()');


-- 17_exposure_log/02_shadow_impressions.sql

-- What shadows said of the posts that were shown, to go with recsys.impressions. Lists of three are of view, vote and comment.

create table recsys_engine.shadow_impressions (
  request_id uuid not null,
  post_id uuid not null,
  shadow_model_id bigint not null,
  user_id uuid not null,
  shown_at timestamptz not null,
  score real,
  probabilities real[] check (cardinality(probabilities) = 3),
  served_score real not null,
  served_probabilities real[] not null check (cardinality(served_probabilities) = 3),
  propensity real check (propensity between 0 and 1),
  support real check (support between 0 and 1.0001),
  expected real[] check (cardinality(expected) = 3),
  served_expected real[] check (cardinality(served_expected) = 3),
  weight_squared double precision check (weight_squared >= 0),
  weight_cubed double precision check (weight_cubed >= 0),
  primary key (request_id, post_id),
  check (num_nulls(support, expected, served_expected, weight_squared, weight_cubed) in (0, 5))
);
comment on table recsys_engine.shadow_impressions is 'One row per post shown in a feed that a shadow scored: what shadow and served model say of it, and where the shadow''s own page would have had it. Kept as long as recsys.impressions, and of nobody who has had settings.impressions_per_day.';
comment on column recsys_engine.shadow_impressions.request_id is 'The feed, as in recsys.impressions.';
comment on column recsys_engine.shadow_impressions.post_id is 'What was shown.';
comment on column recsys_engine.shadow_impressions.shadow_model_id is 'The model of the shadow.';
comment on column recsys_engine.shadow_impressions.user_id is 'Whom it was shown to.';
comment on column recsys_engine.shadow_impressions.shown_at is 'When, as in recsys.impressions.';
comment on column recsys_engine.shadow_impressions.score is 'What the post is worth to the user by the shadow; null: it cannot rank it.';
comment on column recsys_engine.shadow_impressions.probabilities is 'That the user views, votes for and comments on it, by the shadow.';
comment on column recsys_engine.shadow_impressions.served_score is 'Its score by the model that ranked the feed.';
comment on column recsys_engine.shadow_impressions.served_probabilities is 'The same three by that model.';
comment on column recsys_engine.shadow_impressions.propensity is 'The chance with which the shadow, under the same rules, would have given the place to this post, below the same posts: of a place that was not drawn 1 or 0. Null: a place of exploration.';
comment on column recsys_engine.shadow_impressions.support is 'Of a drawn place: the chance with which the shadow would have drawn one of the posts that could be drawn there. Null: it was not drawn.';
comment on column recsys_engine.shadow_impressions.expected is 'Of a drawn place: the three probabilities, by the model that ranked the feed, of what the shadow would have drawn there, in the mean over its chances.';
comment on column recsys_engine.shadow_impressions.served_expected is 'Of a drawn place: the same in the mean over the chances with which it was drawn.';
comment on column recsys_engine.shadow_impressions.weight_squared is 'Of a drawn place: the square of the weight, which is the shadow''s chance of a post through that by which it was drawn, in the mean over what could be drawn.';
comment on column recsys_engine.shadow_impressions.weight_cubed is 'Of a drawn place: the same of its third power.';
create index shadow_impressions_model_shown_at_idx on recsys_engine.shadow_impressions (shadow_model_id, shown_at);
-- a deleted post or user is erased from here too
create index shadow_impressions_post_id_idx on recsys_engine.shadow_impressions (post_id);
create index shadow_impressions_user_id_idx on recsys_engine.shadow_impressions (user_id);
create index shadow_impressions_shown_at_idx on recsys_engine.shadow_impressions using brin (shown_at);
alter table recsys_engine.shadow_impressions enable row level security;
grant select, insert, update, delete on recsys_engine.shadow_impressions to service_role;

create function recsys_engine.purge_shadow_impressions() returns bigint
language sql volatile security invoker set search_path = ''
as $$
  with purged as (
    delete from recsys_engine.shadow_impressions
    where shadow_impressions.shown_at < recsys.clock() - (select settings.impressions_kept from recsys.settings)
    returning 1
  )
  select count(*) from purged
$$;
comment on function recsys_engine.purge_shadow_impressions() is 'Deletes what shadows said of impressions that are older than settings.impressions_kept, and returns of how many.';
revoke all on function recsys_engine.purge_shadow_impressions() from public;
select recsys_engine.schedule('recsys purge of shadows', '52 3 * * *', 'select recsys_engine.purge_shadow_impressions()');


-- 17_exposure_log/03_chosen_impressions.sql

-- What feeds showed by their own choice: what reports count and training learns from. What an app named in a request was shown whatever the model
-- thought of it, and so was what somebody promoted.

create view recsys_engine.chosen_impressions with (security_invoker = true) as
-- as a case, half of whose rows are expected: "is null" is taken for one row of 200 where no statistics exist yet, and joins made for so few took minutes
select * from recsys.impressions where case when impressions.promotion_id is null then impressions.mode <> 'candidates' else false end;
comment on view recsys_engine.chosen_impressions is 'The impressions of what the recommender chose to show: without those of posts that the app named to be ranked (mode candidates) or promoted (promotion_id). Reports and training read these.';
grant select on recsys_engine.chosen_impressions to service_role;

-- each column says what that of the table says
do $$
declare
  column_of record;
begin
  for column_of in
    select shown.attname as name, pg_catalog.col_description(logged.attrelid, logged.attnum) as says
    from pg_catalog.pg_attribute as shown
    join pg_catalog.pg_attribute as logged on logged.attrelid = 'recsys.impressions'::regclass and logged.attname = shown.attname
    where shown.attrelid = 'recsys_engine.chosen_impressions'::regclass and shown.attnum > 0
  loop
    execute format('comment on column recsys_engine.chosen_impressions.%I is %L', column_of.name, column_of.says);
  end loop;
end
$$;


-- 17_exposure_log/04_impression_features.sql

-- The features of an impression with their names, from the feature_spec of the model that ranked it.

create view recsys_engine.model_features with (security_invoker = true) as
select models.model_id, row_number() over (partition by models.model_id order by parts.place, names.place)::integer as number, parts.part, names.feature
from recsys.models
-- the order in which the ranker is told: featuresOf in functions/_shared/recommend/rank.ts
cross join (values (1, 'user', 'user'), (2, 'post', 'post'), (3, 'pair', 'pair'), (4, 'category', 'categories')) as parts (place, part, listed_under)
cross join lateral (
  select listed.place, case jsonb_typeof(listed.name) when 'object' then listed.name ->> 'name' else listed.name #>> '{}' end as feature
  from jsonb_array_elements(models.feature_spec -> 'ranker' -> parts.listed_under) with ordinality as listed (name, place)
) as names;
comment on view recsys_engine.model_features is 'What the ranker of each model is told, in order, from its feature_spec.';
comment on column recsys_engine.model_features.model_id is 'The model.';
comment on column recsys_engine.model_features.number is 'Its place in recsys.impressions.features, from 1.';
comment on column recsys_engine.model_features.part is 'What it says something about: user, post, pair (the user and the post); or category, which is a row of an embedding table.';
comment on column recsys_engine.model_features.feature is 'Its name.';

create view recsys_engine.impression_features with (security_invoker = true) as
select
  impressions.request_id, impressions.user_id, impressions.post_id, impressions.shown_at, impressions.position, impressions.model_id,
  model_features.number, model_features.part, model_features.feature, impressions.features[model_features.number] as value
from recsys.impressions
join recsys_engine.model_features on model_features.model_id = impressions.model_id
where impressions.features is not null;
comment on view recsys_engine.impression_features is 'What the ranker was told of each post that was shown, one row a feature. None of a feed without a model, or of a model whose row is gone.';
comment on column recsys_engine.impression_features.request_id is 'The feed.';
comment on column recsys_engine.impression_features.user_id is 'Whom it was shown to.';
comment on column recsys_engine.impression_features.post_id is 'What was shown.';
comment on column recsys_engine.impression_features.shown_at is 'When, by the engine''s clock.';
comment on column recsys_engine.impression_features.position is 'Where in the feed, from 1.';
comment on column recsys_engine.impression_features.model_id is 'The model that ranked.';
comment on column recsys_engine.impression_features.number is 'The feature''s place in recsys.impressions.features, from 1.';
comment on column recsys_engine.impression_features.part is 'What it says something about: user, post, pair or category.';
comment on column recsys_engine.impression_features.feature is 'Its name.';
comment on column recsys_engine.impression_features.value is 'Its value: counts and times as log(1 + x), times in hours; of a category, the row of the embedding table.';
grant select on recsys_engine.model_features, recsys_engine.impression_features to service_role;


-- 18_erasure/01_erasure.sql

-- What is deleted in the app is forgotten here: a trigger notes it in the transaction of the deletion itself, which costs that
-- transaction a row and no lock, and recsys.erase() does the work afterwards.

create table recsys.erasures (
  erasure_id bigint primary key generated always as identity,
  kind text not null check (kind in ('post', 'user')),
  entity_id uuid not null,
  deleted_at timestamptz not null default now(),
  erased_at timestamptz,
  strikes integer not null default 0,
  tried_at timestamptz not null default '-infinity'
);
comment on table recsys.erasures is 'Posts and users that were deleted in the app, until recsys.erase() has removed all that the engine holds of them. To have one erased by hand: insert into recsys.erasures (kind, entity_id) values (''user'', …).';
comment on column recsys.erasures.erasure_id is 'Number of the erasure.';
comment on column recsys.erasures.kind is 'post or user.';
comment on column recsys.erasures.entity_id is 'The post_id or user_id that was.';
comment on column recsys.erasures.deleted_at is 'When it was deleted in the app.';
comment on column recsys.erasures.erased_at is 'When the engine''s rows were removed for the first time; null: not yet.';
comment on column recsys.erasures.strikes is 'How often a statement limit was reached on it: then half as many are erased together, after all others.';
comment on column recsys.erasures.tried_at is 'When a part of it was erased last; -infinity: not yet.';
-- what is to go now and what is to go once more: of a million deleted yesterday neither reads the rest, each minute
create index erasures_waiting_idx on recsys.erasures (strikes, tried_at, erasure_id) where erased_at is null;
create index erasures_deleted_at_idx on recsys.erasures (deleted_at);
-- a list made ahead asks which of its posts were deleted
create index erasures_entity_id_idx on recsys.erasures (entity_id);
alter table recsys.erasures enable row level security;
grant select, insert, update, delete on recsys.erasures to service_role;

create view recsys_engine.erasable_columns with (security_invoker = true) as
select pg_class.oid::regclass as table_name, pg_attribute.attname as column_name, names.kind, names.type
from (
  values
    ('post', 'post_id', 'uuid'::regtype), ('post', 'neighbour_id', 'uuid'), ('post', 'entity_id', 'uuid'), ('post', 'post_ids', 'uuid[]'),
    ('user', 'user_id', 'uuid'), ('user', 'entity_id', 'uuid'), ('user', 'user_ids', 'uuid[]')
) as names (kind, column_name, type)
join pg_catalog.pg_attribute on pg_attribute.attname = names.column_name and pg_attribute.atttypid = names.type and not pg_attribute.attisdropped
join pg_catalog.pg_class on pg_class.oid = pg_attribute.attrelid
where pg_class.relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and pg_class.relkind in ('r', 'p') and not pg_class.relispartition
  -- the roll-up recomputes what these hold: the states of others, too, owe something to what is gone
  and pg_class.relname not in ('feature_changes', 'late_changes', 'post_stats', 'user_stats')
  and (pg_class.relname, pg_attribute.attname) is distinct from ('latest_post_stats', 'user_id')
  -- gone in the transaction of the deletion, and there again for what the app has again under the same id
  and pg_class.relname <> 'post_tags'
  and pg_class.relname <> 'erasures';
comment on view recsys_engine.erasable_columns is 'Where the engine names posts and users outside of the feature store: every table with a column post_id, neighbour_id, user_id, post_ids or user_ids, or with kind and entity_id. What recsys.erase() clears; a new table is among them by itself.';
comment on column recsys_engine.erasable_columns.table_name is 'The table; also those of a model that is being published.';
comment on column recsys_engine.erasable_columns.column_name is 'The column that holds the id or ids.';
comment on column recsys_engine.erasable_columns.kind is 'Whose: post or user.';
comment on column recsys_engine.erasable_columns.type is 'uuid: the row goes. uuid[]: the id goes out of the list.';
grant select on recsys_engine.erasable_columns to service_role;

create function recsys_engine.without_ids(p_object jsonb, p_list text, p_ids uuid[]) returns jsonb
language sql immutable security invoker set search_path = ''
return case
  when p_object ? p_list then jsonb_set(p_object, array[p_list], (
    select coalesce(jsonb_agg(named.id order by named.place), '[]')
    from jsonb_array_elements_text(p_object -> p_list) with ordinality as named (id, place)
    where named.id::uuid <> all (p_ids)
  ))
  else p_object
end;
comment on function recsys_engine.without_ids(jsonb, text, uuid[]) is 'An object whose list of ids names none of these any more.';
revoke all on function recsys_engine.without_ids(jsonb, text, uuid[]) from public;
grant execute on function recsys_engine.without_ids(jsonb, text, uuid[]) to service_role;

create function recsys_engine.erase_entities(p_kind text, p_ids uuid[], p_with_lists boolean default true, p_rows bigint default null) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
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
    -- whoever came to it by a table that nobody watches
    insert into recsys_engine.feature_changes (user_id, post_id, at)
    select post_stats.user_id, post_stats.post_id, min(post_stats.last_active_at) from recsys_engine.post_stats
    where post_stats.post_id = any (p_ids) group by post_stats.user_id, post_stats.post_id;
  else
    -- an empty list is for nobody, or of nobody; without one it would be for everybody, or of all
    update recsys.promotions
    set people = recsys_engine.without_ids(people, 'user_ids', p_ids), filter = recsys_engine.without_ids(filter, 'author_ids', p_ids)
    where people <> recsys_engine.without_ids(people, 'user_ids', p_ids) or filter <> recsys_engine.without_ids(filter, 'author_ids', p_ids);
    get diagnostics removed = row_count;
    total := total + removed;
    insert into recsys_engine.feature_changes (user_id) select unnest(p_ids);
    -- posts that they came to by a table that nobody watches name them until this is worked off
    insert into recsys_engine.feature_changes (user_id, post_id, at)
    select post_stats.user_id, post_stats.post_id, post_stats.last_active_at from recsys_engine.post_stats where post_stats.user_id = any (p_ids);
    -- and one that cannot be worked out would name them for good
    delete from recsys_engine.post_stats
    where post_stats.user_id = any (p_ids) and exists (select from recsys_engine.set_aside_changes where set_aside_changes.post_id = post_stats.post_id);
    delete from recsys_engine.latest_post_stats
    where latest_post_stats.post_id in (select set_aside_changes.post_id from recsys_engine.set_aside_changes) and latest_post_stats.user_id = any (p_ids);
  end if;
  -- what the app has again under the same id begins from scratch
  execute format(
    'insert into recsys_engine.embedding_jobs as job (kind, entity_id)
     select $2, source.%1$s_id from recsys.source_%1$ss as source where source.%1$s_id = any ($1) order by 2
     on conflict (kind, entity_id) do update set version = job.version + 1, changed_by = excluded.changed_by', p_kind)
  using p_ids, p_kind;
  return total;
end
$$;
comment on function recsys_engine.erase_entities(text, uuid[], boolean, bigint) is 'Clears all of recsys_engine.erasable_columns of some posts or users (p_kind), and has the feature store work out what it owed to them, in the posts that a user came to and the users who came to a post as well, whether their table is watched or not; returns how many rows it removed or changed. p_with_lists: also lists of posts, of which every row is read. p_rows: so many rows at most (null: all); where it returns so many, there may be more, and it is to be called again.';

create function recsys.erase(p_most integer default 10000, p_again_after interval default '2 days', p_rows bigint default 100000) returns bigint
language plpgsql volatile security invoker set search_path = ''
-- a table that somebody holds, such as those of a model that is just being completed, is for the next run
set lock_timeout = '5s'
as $$
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
  perform pg_advisory_xact_lock(hashtext('recsys.erase'));
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
$$;
comment on function recsys.erase(integer, interval, bigint) is 'Removes what the engine holds of deleted posts and users, p_most of them and p_rows rows at a time; where a statement limit is reached, half as many the next time, after all others: at once, and again after p_again_after for what was begun before and written afterwards (vectors of a model being published, a feed''s impressions), an hour''s at a time, and then also out of lists of posts, which are read as a whole for it and serve no deleted post meanwhile; then it forgets the deletion too. Two days, so that with a clock that is a day ahead for a moment it is a day still. Returns the number of rows removed or changed. Called every minute by pg_cron.';
-- the owner's: the tables of a model that is being published are nobody else's
revoke all on function recsys_engine.erase_entities(text, uuid[], boolean, bigint), recsys.erase(integer, interval, bigint) from public;

select recsys_engine.schedule('recsys erasure', '* * * * *', 'select recsys.erase()');


-- 19_answers/01_similar.sql

-- Who and what is alike by the active model, to look at from psql. Members call nearest_posts alone, by way of recsys_engine.posts_like, which says
-- how similar nothing is.

-- loads pgvector: before that only a superuser may name its settings in a function, and `supabase db push` is none
do $$ begin perform '[1]'::extensions.vector; end $$;

create function recsys_engine.active_model_id() returns bigint
language plpgsql stable security invoker set search_path = ''
as $$
declare
  id bigint;
begin
  select model_id into id from recsys.models where status = 'active';
  if id is null then
    raise exception 'no model is active' using hint = 'npx recsys train, then npx recsys publish; or activate one of recsys.models';
  end if;
  return id;
end
$$;
comment on function recsys_engine.active_model_id() is 'The model that serves. Raises where none does.';

create function recsys_engine.nearest_posts(p_model_id bigint, p_embedding extensions.vector, p_now timestamptz, p_without uuid[], p_limit integer)
returns table (post_id uuid, similarity double precision)
language plpgsql stable security invoker set search_path = ''
-- without iterative scans a filter behind the index returns too few rows (pgvector#259)
set hnsw.iterative_scan = 'relaxed_order' set hnsw.ef_search = 200
as $$
declare
  -- of the caller's own mutes; nobody's, where nobody is signed in
  request constant recsys_engine.feed_request := recsys_engine.request_with_mutes(auth.uid(), p_now);
  found_ids uuid[] := array(
    select post_embeddings.post_id
    from recsys.post_embeddings
    where post_embeddings.model_id = p_model_id and post_embeddings.post_id <> all (p_without)
      and exists (select from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = post_embeddings.post_id offset 0)
    order by post_embeddings.embedding operator(extensions.<#>) p_embedding
    limit p_limit
  );
begin
  -- an iterative scan gives up after hnsw.max_scan_tuples, 20,000: whoever may read few of many posts is answered from these, found
  -- by whatever index their policy has
  if cardinality(found_ids) < p_limit then
    found_ids := array(
      select eligible.post_id
      from recsys_engine.eligible_posts(request) as eligible
      join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = eligible.post_id
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
$$;
comment on function recsys_engine.nearest_posts(bigint, extensions.vector, timestamptz, uuid[], integer) is 'The posts that the caller may read and did not mute, created up to an instant, nearest to a vector of a model, nearest first, without some: never fewer than p_limit where there are so many, whatever the caller may not read. similarity: inner product of the vectors, from -1 to 1.';

create function recsys.similar_posts(p_post_id uuid, p_limit integer default 10)
returns table (post_id uuid, title text, author_id uuid, created_at timestamptz, similarity double precision)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  active constant bigint := recsys_engine.active_model_id();
  vector extensions.vector;
begin
  select post_embeddings.embedding into vector from recsys.post_embeddings where post_embeddings.model_id = active and post_embeddings.post_id = p_post_id;
  if vector is null then
    raise exception 'post % has no vector of the active model', p_post_id using hint = 'whether it waits for one: select * from recsys_engine.embedding_jobs where entity_id = …';
  end if;
  return query
  select posts.post_id, posts.title, posts.author_id, posts.created_at, nearest.similarity
  from recsys_engine.nearest_posts(active, vector, recsys.clock(), array[p_post_id], p_limit) as nearest
  join recsys.source_posts as posts on posts.post_id = nearest.post_id
  order by nearest.similarity desc, posts.post_id;
end
$$;
comment on function recsys.similar_posts(uuid, integer) is 'The posts nearest to a post by the active model, nearest first: of those that the caller may read and did not mute. similarity: inner product of the vectors, from -1 to 1. For whoever runs the project. Raises alike where the post has no vector, is none, or is not for the caller to read.';

create function recsys_engine.similar_users(p_user_id uuid, p_limit integer default 10)
returns table (user_id uuid, external_id text, passions text[], bio text, similarity double precision)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  active constant bigint := recsys_engine.active_model_id();
  vector extensions.vector;
begin
  select user_embeddings.embedding into vector from recsys.user_embeddings where user_embeddings.model_id = active and user_embeddings.user_id = p_user_id;
  if vector is null then
    raise exception 'user % has no vector of the active model', p_user_id using hint = 'whether they wait for one: select * from recsys_engine.embedding_jobs where entity_id = …';
  end if;
  return query
  select users.user_id, users.external_id, users.passions, left(users.bio, 60), -(others.embedding operator(extensions.<#>) vector)
  from recsys.user_embeddings as others
  join recsys.source_users as users on users.user_id = others.user_id
  where others.model_id = active and others.user_id <> p_user_id
  order by others.embedding operator(extensions.<#>) vector
  limit p_limit;
end
$$;
comment on function recsys_engine.similar_users(uuid, integer) is 'The users nearest to a user by the active model, nearest first, as they were when they were embedded: by publishing, or when their profile changed last. similarity: inner product of the vectors, from -1 to 1.';

revoke all on function recsys_engine.active_model_id(), recsys_engine.nearest_posts(bigint, extensions.vector, timestamptz, uuid[], integer),
  recsys.similar_posts(uuid, integer), recsys_engine.similar_users(uuid, integer) from public;
grant execute on function recsys_engine.active_model_id(), recsys_engine.nearest_posts(bigint, extensions.vector, timestamptz, uuid[], integer),
  recsys.similar_posts(uuid, integer), recsys_engine.similar_users(uuid, integer) to service_role;
grant execute on function recsys_engine.nearest_posts(bigint, extensions.vector, timestamptz, uuid[], integer) to authenticated;


-- 19_answers/02_ideas.sql

-- What the function `ideas` reads: the posts that its language and forecasts come from, what came of them, topics, and the author; and
-- where it keeps what it made of them.

create table recsys_engine.idea_pool (
  is_only boolean primary key default true check (is_only),
  model_id bigint,
  pool jsonb not null,
  made_at timestamptz not null default now()
);
comment on table recsys_engine.idea_pool is 'The titles that the community''s own language gives, with what is forecast of each: one row, made with the topics of a model, by the first call of the function `ideas` where there is none, and after a call that found it a day old. Made of words and neighbouring words of several authors in posts that any signed-in member may read; nobody is named in it, and what was deleted is out of the next one.';
comment on column recsys_engine.idea_pool.is_only is 'There is one row.';
comment on column recsys_engine.idea_pool.model_id is 'Of which model''s vectors fit and topics are; null: none was active. No foreign key: it may outlive the model.';
comment on column recsys_engine.idea_pool.pool is 'The ideas, topics, and the weights of the forecast, as _shared/ideas/idea-pool.ts has them.';
comment on column recsys_engine.idea_pool.made_at is 'When.';
alter table recsys_engine.idea_pool enable row level security;
grant select, insert, update, delete on recsys_engine.idea_pool to service_role;

create function recsys_engine.idea_posts(p_limit integer)
returns table (now timestamptz, post_ids uuid[], author_ids uuid[], titles text[], created_at double precision[], tags jsonb)
language sql stable security invoker set search_path = ''
as $$
  select
    recsys.clock(),
    coalesce(array_agg(posts.post_id order by posts.created_at, posts.post_id), '{}'),
    coalesce(array_agg(posts.author_id order by posts.created_at, posts.post_id), '{}'),
    coalesce(array_agg(posts.title order by posts.created_at, posts.post_id), '{}'),
    coalesce(array_agg(1000 * date_part('epoch', posts.created_at) order by posts.created_at, posts.post_id), '{}'),
    coalesce(jsonb_agg(posts.tags order by posts.created_at, posts.post_id), '[]')
  from (
    select
      source_posts.post_id, source_posts.author_id, coalesce(source_posts.title, '') as title, source_posts.created_at, coalesce(source_posts.tags, '{}') as tags
    from recsys.source_posts
    where source_posts.created_at <= recsys.clock() and not exists (
      select from recsys.source_withheld as withheld where withheld.post_id = source_posts.post_id or withheld.author_id = source_posts.author_id
    )
    order by source_posts.created_at desc, source_posts.post_id desc
    limit p_limit
  ) as posts;
$$;
comment on function recsys_engine.idea_posts(integer) is 'The latest posts that the caller may read, but for what is withheld (recsys.source_withheld), as columns in order of time; created_at in milliseconds since 1970. Always one row. The function `ideas` asks as a member whom nobody knows, so that nothing in an idea comes from posts that only some may read.';

create function recsys_engine.post_audiences(p_post_ids uuid[])
returns table (people integer[], viewers integer[], voters integer[], commenters integer[], topic_ids bigint[])
language sql stable security invoker set search_path = ''
as $$
  select
    coalesce(array_agg(counted.people order by asked.place), '{}'),
    coalesce(array_agg(counted.viewers order by asked.place), '{}'),
    coalesce(array_agg(counted.voters order by asked.place), '{}'),
    coalesce(array_agg(counted.commenters order by asked.place), '{}'),
    coalesce(array_agg(post_topics.topic_id order by asked.place), '{}')
  from unnest(p_post_ids) with ordinality as asked (post_id, place)
  left join recsys.source_posts as posts on posts.post_id = asked.post_id
  left join recsys_engine.post_topics on post_topics.post_id = asked.post_id
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
$$;
comment on function recsys_engine.post_audiences(uuid[]) is 'Of each post, in their order: how many distinct people other than its author did something with it within 7 days of its creation, and how many of them viewed, voted and commented; and its topic (null: none). Of a post with more than 1,000 interactions in that time, 1,000 are counted, so that no post holds up the rest. Always one row.';

create function recsys_engine.idea_topics()
returns table (topic_id bigint, label text, terms text[], demand real, supply real, people integer, centroid text)
language sql stable security invoker set search_path = ''
as $$
  select topics.topic_id, topics.label, topics.terms, topics.demand, topics.supply, recsys_engine.about_people(topics.people), topics.centroid::text
  from recsys_engine.topics
  join recsys.models on models.model_id = topics.model_id and models.status = 'active'
  order by topics.topic_id;
$$;
comment on function recsys_engine.idea_topics() is 'The topics of the active model, with about how many people came to each; none where they are of another''s vectors.';

create function recsys_engine.idea_author()
returns table (
  is_known boolean, is_impersonal boolean, model_id bigint, model_name text, feature_spec_digest text, embedding text, muted text[], post_ids uuid[], titles text[]
)
language sql stable security invoker set search_path = ''
as $$
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
  from (select recsys_engine.feed_kind(auth.uid()) = 'impersonal') as caller (is_impersonal)
  left join recsys.models on models.status = 'active';
$$;
comment on function recsys_engine.idea_author() is 'Who asks for ideas: whether they have a profile, whether they want no personalisation, and then nothing of theirs but mutes, the active model (null: none) with their vector by it (null: none yet), the words and topics that they muted, in small letters, their latest 50 posts that are a week old, and the titles of their latest 100 and of all that were written in the last week (the latest 1,000): recsys_engine.idea_pool is a day old or more, and of these nobody needs an idea any more. Always one row.';

revoke all on function recsys_engine.idea_posts(integer), recsys_engine.post_audiences(uuid[]), recsys_engine.idea_topics(), recsys_engine.idea_author() from public;
grant execute on function recsys_engine.idea_posts(integer), recsys_engine.idea_author() to authenticated;
grant execute on function recsys_engine.post_audiences(uuid[]), recsys_engine.idea_topics() to service_role;

-- a definer, since the Vault is not the service's to read; only these three secrets leave it, for the service alone
create function recsys_engine.ideas_endpoint() returns table (url text, model text, key text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass('vault.decrypted_secrets') is null then
    return query select null::text, null::text, null::text;
    return;
  end if;
  -- the Vault is looked up when this line runs
  return query
  select
    max(secrets.decrypted_secret) filter (where secrets.name = 'recsys_ideas_url'),
    max(secrets.decrypted_secret) filter (where secrets.name = 'recsys_ideas_model'),
    max(secrets.decrypted_secret) filter (where secrets.name = 'recsys_ideas_key')
  from vault.decrypted_secrets as secrets;
end
$$;
comment on function recsys_engine.ideas_endpoint() is 'Which language model writes ideas, from the Vault: recsys_ideas_url, recsys_ideas_model and recsys_ideas_key; null: the Vault, or it, is not there. Always one row.';
revoke all on function recsys_engine.ideas_endpoint() from public;
grant execute on function recsys_engine.ideas_endpoint() to service_role;


-- 19_answers/03_explain.sql

-- Why a post is in somebody's feed, or is not: asked from psql, answered as that user's own request would be.

create function recsys_engine.candidate_for(p_user_id uuid, p_post_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz)
returns table (is_visible boolean, is_candidate boolean, is_repost boolean, one_conversation uuid[], ranks jsonb, nearest jsonb)
language plpgsql stable security invoker set search_path = ''
-- the user's own role and claims, so that row level security decides as for a feed; what was set before comes back at the end, and
-- after an error too. The claims are not named here along with the role: only a superuser may name them in a function
set role = 'authenticated'
as $$
declare
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  nearest_post jsonb;
  request recsys_engine.feed_request;
  candidates uuid[];
  same uuid[];
  source_ranks jsonb;
begin
  perform set_config('request.jwt.claims', jsonb_build_object('sub', p_user_id, 'role', 'authenticated')::text, true);
  perform from recsys.source_posts where source_posts.post_id = p_post_id;
  if not found then
    perform set_config('request.jwt.claims', claims, true);
    return query select false, false, false, null::uuid[], null::jsonb, null::jsonb;
    return;
  end if;

  request := recsys_engine.with_came_to(recsys_engine.with_touched(recsys_engine.with_affinities(recsys_engine.feed_request(p_user_id, p_now))), p_model_id);
  request := recsys_engine.with_trials(recsys_engine.with_covisited(request, p_model_id));
  request.asked := p_post_id;
  request := recsys_engine.with_pool(request, p_model_id, p_embedding);
  select jsonb_object_agg(listed.source, listed.rank) into source_ranks
  from (
    select * from recsys_engine.own_sources(request, p_model_id, p_embedding, 'all')
    union all
    select * from recsys_engine.common_sources(request, 'all')
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
  where mine.model_id = p_model_id and mine.post_id = p_post_id and latest.post_id <> p_post_id and recsys_engine.feed_kind(p_user_id) <> 'impersonal'
  order by theirs_embedded.embedding operator(extensions.<#>) mine.embedding, latest.at desc
  limit 1;

  candidates := array(select each.post_id from recsys_engine.retrieve(p_user_id, p_model_id, p_embedding, p_now) as each);
  -- as functions/_shared/recommend/select/fold.ts compares titles: by their words, two at least, and four letters
  with titles as (
    select source_posts.post_id, source_posts.title from recsys.source_posts where source_posts.post_id = any (candidates || p_post_id)
    union all
    select null, each.title from unnest(request.original_titles) as each (title)
  ),
  words as (
    select titles.post_id, btrim(regexp_replace(recsys_engine.folded(titles.title), recsys_engine.not_in_words() || '+', ' ', 'g')) as words from titles
  )
  select array_agg(words.post_id) into same from words
  where words.words like '% %' and length(replace(words.words, ' ', '')) >= 4 and words.post_id is distinct from p_post_id and words.words = (select each.words from words as each where each.post_id = p_post_id);
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
    nearest_post;
  perform set_config('request.jwt.claims', claims, true);
end
$$;
comment on function recsys_engine.candidate_for(uuid, uuid, bigint, extensions.vector, timestamptz) is 'Whether a user may see a post and whether it is among what recsys_engine.retrieve brings them as of an instant, whether it is one conversation with what they dismissed lately, or saw and want no reposts of, which other candidates are one conversation with it, its rank in each source that has it, without the limit on how many that source brings, and the post of their history that is nearest to it, as {title, similarity, at}: asked under the user''s own role. Policies that ask for more than who it is, such as other claims of a token, say no here. Reads whole tables.';

create function recsys.explain(p_user_id uuid, p_post_id uuid) returns table (topic text, item text, value text)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  instant constant timestamptz := recsys.clock();
  model record;
  post record;
  found_row record;
  mutes recsys_engine.feed_request;
  answer record;
  feed constant text := recsys_engine.feed_kind(p_user_id);
  shown record;
  ahead record;
  user_vector extensions.vector;
  post_vector extensions.vector;
  -- what keeps the post out of the feed: what, and since when or why
  reasons text[] := '{}'::text[];
  details text[] := '{}'::text[];
begin
  select source_posts.post_id, source_posts.author_id, source_posts.title, source_posts.tags, source_posts.created_at into post from recsys.source_posts where source_posts.post_id = p_post_id;
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
  select * into answer from recsys_engine.candidate_for(p_user_id, p_post_id, model.model_id, user_vector, instant);

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
  mutes := recsys_engine.request_with_mutes(p_user_id, instant);
  if post.author_id = any (mutes.muted_authors) or lower(post.tags::text)::text[] && mutes.muted_topics
    or recsys_engine.has_muted_word(recsys_engine.text_for_mutes(post.title, post.tags), mutes.muted_words, mutes.muted_pattern) then
    reasons := reasons || 'muted'::text;
    details := details || concat_ws('; ',
      case when post.author_id = any (mutes.muted_authors) then 'its author' end,
      (select 'its topic ' || string_agg(tag, ', ') from unnest(post.tags) as tag where lower(tag) = any (mutes.muted_topics)),
      case when recsys_engine.has_muted_word(recsys_engine.text_for_mutes(post.title, post.tags), mutes.muted_words, mutes.muted_pattern) then 'a word of its title or tags' end);
  end if;
  select max(impressions.seen_at) as at into found_row from recsys.impressions
  where impressions.user_id = p_user_id and impressions.post_id = p_post_id and impressions.seen_at > instant - interval '30 days' and impressions.seen_at <= instant
    and feed = 'personal';
  if found_row.at is not null and not answer.is_candidate then
    reasons := reasons || 'seen in the last 30 days'::text;
    details := details || found_row.at::text;
  end if;
  select newcomer_posts.on_trial_until as until into found_row from recsys_engine.newcomer_posts
  where newcomer_posts.post_id = p_post_id and newcomer_posts.on_trial_until >= instant;
  if found_row.until is not null and not answer.is_candidate then
    reasons := reasons || 'on trial'::text;
    details := details || format('newcomers wrote more than is usual: nobody but newcomers came to it yet, and it is over on %s', found_row.until);
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
    return query values ('model', 'none is active', 'feeds are fresh and popular: npx recsys publish'::text);
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
      when ranks.rank > sizes.size then format('rank %s, behind the %s that it brings', ranks.rank, sizes.size)
      else concat_ws(' of ', 'rank ' || ranks.rank, sizes.size)
    end
  from (select each.key as source, each.value::bigint as rank from jsonb_each_text(answer.ranks) as each) as ranks
  full join (
    select listed.source ->> 'name' as source, (listed.source ->> 'size')::integer as size, listed.place
    from jsonb_array_elements(model.sources) with ordinality as listed (source, place)
  ) as sizes using (source)
  order by sizes.place, source;
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
$$;
comment on function recsys.explain(uuid, uuid) is 'Why a post is among the candidates of a user''s feed now, or what keeps it out (topic why not); the candidates with which it is one conversation (topic one conversation); its rank in each source, the nearest post of the user''s history, its rank and score in the list made ahead for them (topic listed), and what the ranker was told when it was shown to them last. Nothing in it is of a post that the user may not read, nor of what somebody did who wants no personalisation. Ranks by similarity are those of the vector stored for the user: by publishing, or when their profile changed last; a feed computes a fresh one from what they did since.';

-- candidate_for takes the place of any user: the owner's, and the service's, who can read all of it anyway
revoke all on function recsys_engine.candidate_for(uuid, uuid, bigint, extensions.vector, timestamptz), recsys.explain(uuid, uuid) from public;
grant execute on function recsys_engine.candidate_for(uuid, uuid, bigint, extensions.vector, timestamptz), recsys.explain(uuid, uuid) to service_role;


-- 19_answers/04_similar_answers.sql

-- What the function `similar` asks: posts like one, people like the caller, and how many people a post of the caller's may reach.
--
-- Vectors of users say what they did, so nobody reads those of others, and no answer says how similar anybody is: whoever moves their own
-- vector by editing their profile, or writes posts to measure with, could work out that of another. From 100 answers of one decimal it
-- was found with a cosine of .92 to .96. So people are named in tens, once a day, and a post's reach is that of its topic.

create function recsys_engine.posts_like(p_post_id uuid, p_limit integer)
returns table (is_known boolean, model_id bigint, model_name text, items json)
-- it keeps its plan, where an SQL function is planned at each call
language plpgsql stable security invoker set search_path = ''
as $$
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
          and (select recsys_engine.feed_kind(auth.uid())) <> 'impersonal'),
        p_limit
      ) as nearest
      join recsys.source_posts as posts on posts.post_id = nearest.post_id
      where this.model_id = models.model_id and this.post_id = p_post_id
    )
  from (values (true)) as one (row)
  left join recsys.models on models.status = 'active';
end
$$;
comment on function recsys_engine.posts_like(uuid, integer) is 'The posts nearest to a post, as the caller may read them and without those they dismissed: {post_id, app_id, title}, nearest first; none where the post has no vector yet, or no model is active. is_known: the caller may read the post.';

create table recsys_engine.similar_people (
  user_id uuid primary key,
  model_id bigint not null,
  user_ids uuid[] not null,
  made_at timestamptz not null default now()
);
comment on table recsys_engine.similar_people is 'Whom recsys_engine.people_near() found for each person who asked, kept for a day: whoever moves their own vector by editing their profile learns nothing more by asking again.';
comment on column recsys_engine.similar_people.user_id is 'Who asked.';
comment on column recsys_engine.similar_people.model_id is 'By whose vectors. No foreign key: a row of an earlier model is passed over.';
comment on column recsys_engine.similar_people.user_ids is 'The people, nearest first, whom they muted included: at most 100.';
comment on column recsys_engine.similar_people.made_at is 'When, by the wall clock.';
alter table recsys_engine.similar_people enable row level security;
grant select, insert, update, delete on recsys_engine.similar_people to service_role;

create function recsys_engine.readable_people(p_claims jsonb, p_user_ids uuid[]) returns uuid[]
-- volatile: it sets the role. Not definer: a definer cannot become the caller, and only the caller's own role knows whom they may read
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- what the transaction had before
  service constant text := current_setting('role');
  service_claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  readable uuid[];
begin
  perform set_config('role', 'authenticated', true), set_config('request.jwt.claims', p_claims::text, true);
  readable := array(
    select asked.user_id from unnest(p_user_ids) with ordinality as asked (user_id, place)
    where exists (select from recsys.source_users where source_users.user_id = asked.user_id offset 0)
    order by asked.place
  );
  perform set_config('role', service, true), set_config('request.jwt.claims', service_claims, true);
  return readable;
end
$$;
comment on function recsys_engine.readable_people(jsonb, uuid[]) is 'Those of some people, in their order, whose row in recsys.source_users the user of these claims may read: asked under their own role and claims.';

create function recsys_engine.nearest_readable_people(p_claims jsonb, p_model_id bigint) returns uuid[]
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me constant uuid := (p_claims ->> 'sub')::uuid;
  vector extensions.vector;
  page integer := 200;
  nearest uuid[];
  readable uuid[];
begin
  select user_embeddings.embedding into vector from recsys.user_embeddings where user_embeddings.model_id = p_model_id and user_embeddings.user_id = me;
  while vector is not null loop
    nearest := array(
      select user_embeddings.user_id from recsys.user_embeddings
      where user_embeddings.model_id = p_model_id and user_embeddings.user_id <> me
      order by user_embeddings.embedding operator(extensions.<#>) vector, user_embeddings.user_id
      limit page
    );
    readable := (recsys_engine.readable_people(p_claims, nearest))[:100];
    exit when cardinality(readable) = 100 or cardinality(nearest) < page;
    -- most of these the caller may not read: look further
    page := page * 10;
  end loop;
  return readable;
end
$$;
comment on function recsys_engine.nearest_readable_people(jsonb, bigint) is 'The 100 people nearest to the user of these claims by a model, nearest first, of those whom that user may read: never fewer where there are so many. Null: the user has no vector of it. Reads the vectors of all users once for each power of ten between what is found and what is readable.';

create function recsys_engine.people_near(p_claims jsonb, p_limit integer)
returns table (is_known boolean, model_id bigint, model_name text, items json)
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me constant uuid := (p_claims ->> 'sub')::uuid;
  found_ids uuid[];
  readable uuid[];
  muted uuid[];
begin
  perform recsys_engine.require_invoker_views();
  is_known := recsys_engine.readable_people(p_claims, array[me]) <> '{}';
  select models.model_id, models.name into model_id, model_name from recsys.models where models.status = 'active';
  if is_known and recsys_engine.feed_kind(me) <> 'impersonal' then
    select similar_people.user_ids into found_ids from recsys_engine.similar_people
    where similar_people.user_id = me and similar_people.model_id = people_near.model_id
      -- one of the future was made while the clock was wrong
      and similar_people.made_at > now() - interval '1 day' and similar_people.made_at <= now();
    if found_ids is null then
      found_ids := recsys_engine.nearest_readable_people(p_claims, people_near.model_id);
      -- an operator who looks at what somebody gets leaves nothing behind
      if found_ids is not null and current_setting('transaction_read_only') = 'off' then
        insert into recsys_engine.similar_people as own (user_id, model_id, user_ids) values (me, people_near.model_id, found_ids)
        on conflict (user_id) do update set model_id = excluded.model_id, user_ids = excluded.user_ids, made_at = excluded.made_at;
      end if;
    end if;
  end if;
  readable := recsys_engine.readable_people(p_claims, found_ids);
  muted := coalesce((recsys_engine.request_with_mutes(me, recsys.clock())).muted_authors, '{}');
  items := (
    select coalesce(json_agg(json_build_object('user_id', near.user_id) order by near.place) filter (where near.place <= p_limit), '[]')
    from (
      select
        kept.user_id,
        row_number() over (order by (kept.place - 1) / recsys_engine.least_people(), kept.user_id) as place,
        count(*) over () as people
      from unnest(found_ids) with ordinality as kept (user_id, place)
      where kept.user_id = any (readable) and kept.user_id <> all (muted)
        -- they may have been found before they wanted none
        and kept.user_id not in (select impersonal_people.user_id from recsys_engine.impersonal_people)
        and not exists (select from recsys.source_withheld where source_withheld.author_id = kept.user_id)
    ) as near
    where near.people >= recsys_engine.least_people()
  );
  return next;
end
$$;
comment on function recsys_engine.people_near(jsonb, integer) is 'The people nearest to the user of these claims: {user_id}, the nearest ten first and within ten in the order of their ids, of those whom that user did not mute and whose row in recsys.source_users they may read; at most 100, and none at all where they are fewer than recsys_engine.least_people(). Who is near is worked out once a day (recsys_engine.similar_people). None where the user has no vector yet, or no model is active. is_known: there is that user.';

create function recsys_engine.post_reach(p_post_id uuid)
returns table (model_id bigint, model_name text, people integer)
language sql stable security invoker set search_path = ''
as $$
  select
    models.model_id,
    models.name,
    (
      select recsys_engine.about_people(topics.people)
      from recsys_engine.post_topics
      join recsys_engine.topics on topics.topic_id = post_topics.topic_id and topics.model_id = models.model_id
      where post_topics.post_id = p_post_id
    )
  from (values (true)) as one (row)
  left join recsys.models on models.status = 'active';
$$;
comment on function recsys_engine.post_reach(uuid) is 'About how many people came to posts of a post''s topic that any signed-in member may read in the last 28 days, as recsys_engine.about_people() says it; null also where the post has no topic yet. The same for all posts of a topic, whoever asks. Always one row.';

create function recsys_engine.purge_similar_people() returns bigint
language sql volatile security invoker set search_path = ''
as $$
  with gone as (
    delete from recsys_engine.similar_people where made_at < now() - interval '1 day' returning 1
  )
  select count(*) from gone
$$;
comment on function recsys_engine.purge_similar_people() is 'Deletes lists of similar people that are older than a day, and returns how many. Called every night by pg_cron.';

revoke all on function recsys_engine.purge_similar_people(), recsys_engine.posts_like(uuid, integer), recsys_engine.readable_people(jsonb, uuid[]), recsys_engine.nearest_readable_people(jsonb, bigint),
  recsys_engine.people_near(jsonb, integer), recsys_engine.post_reach(uuid) from public;
grant execute on function recsys_engine.posts_like(uuid, integer) to authenticated, service_role;
-- whoever calls people_near says who they are: the Edge Function, which checked the token
grant execute on function recsys_engine.readable_people(jsonb, uuid[]), recsys_engine.nearest_readable_people(jsonb, bigint), recsys_engine.people_near(jsonb, integer),
  recsys_engine.post_reach(uuid), recsys_engine.purge_similar_people() to service_role;

select recsys_engine.schedule('recsys purge of similar people', '2 4 * * *', 'select recsys_engine.purge_similar_people()');


-- 19_answers/05_follow_suggestions.sql

-- Whom and what somebody might follow, which the function `similar` asks under the caller's own role: the app's policies decide whose follows,
-- posts and profiles it may be made of, so an app whose follows are private gets nothing from those of others.

create function recsys_engine.why_to_follow(p_posts bigint, p_people uuid[]) returns json
language sql stable security invoker set search_path = ''
as $$
  select case when coalesce(cardinality(p_people), 0) >= coalesce(p_posts, 0)
    then json_build_object('kind', 'followed_by', 'people', p_people[:3])
    else json_build_object('kind', 'came_to_posts', 'posts', p_posts)
  end
$$;
comment on function recsys_engine.why_to_follow(bigint, uuid[]) is 'What speaks most for somebody or something that a user might follow, of how many posts of theirs or about it the user came to (null: none) and who follows it of those whom the user follows (null: nobody): {kind: came_to_posts, posts} or {kind: followed_by, people: three at most}.';

create function recsys_engine.people_to_follow(p_user_id uuid, p_limit integer)
returns table (is_known boolean, follows uuid[], items json)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  as_of constant timestamptz := recsys.clock();
  -- null: nothing of theirs is read
  reader constant uuid := case when recsys_engine.feed_kind(p_user_id) <> 'impersonal' then p_user_id end;
  muted constant uuid[] := coalesce((recsys_engine.request_with_mutes(p_user_id, as_of)).muted_authors, '{}');
  followed constant uuid[] := array(
    select source_follows.target::uuid from recsys.source_follows
    where source_follows.user_id = reader and source_follows.kind = 'person' and pg_input_is_valid(source_follows.target, 'uuid')
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
      select coalesce(json_agg(json_build_object('user_id', found.user_id, 'why', recsys_engine.why_to_follow(found.posts, found.people)) order by found.weight desc, found.user_id), '[]')
      from found
    );
end
$$;
comment on function recsys_engine.people_to_follow(uuid, integer) is 'Whom a user might follow: authors of what they came to in their last 200 interactions, and whom those follow whom they follow, of most posts and people together first; without those whom they follow or muted, and without whom the caller may not read. items: {user_id, why: as of recsys_engine.why_to_follow}. follows: whom they follow. is_known: the caller may read the user.';

create function recsys_engine.topics_to_follow(p_user_id uuid, p_limit integer)
returns table (is_known boolean, items json)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  as_of constant timestamptz := recsys.clock();
  -- null: nothing of theirs is read
  reader constant uuid := case when recsys_engine.feed_kind(p_user_id) <> 'impersonal' then p_user_id end;
  request constant recsys_engine.feed_request := recsys_engine.request_with_mutes(p_user_id, as_of);
  muted_people constant uuid[] := coalesce(request.muted_authors, '{}');
  muted constant text[] := coalesce(request.muted_topics, '{}');
begin
  return query
  with tags as (
    select lower(tag) as name, min(tag) as tag, count(distinct posts.post_id) as posts
    from unnest(recsys_engine.latest_interactions(reader, as_of)) as latest
    join recsys.source_posts as posts on posts.post_id = latest.post_id
    cross join unnest(posts.tags) as tag
    where posts.author_id is distinct from p_user_id and tag ~ '\S'
    group by lower(tag)
  ),
  friends as (
    select lower(theirs.target) as name, min(theirs.target) as tag, array_agg(distinct friend.user_id) as people
    from unnest((recsys_engine.followed_people(reader, as_of))[:100]) as friend (user_id)
    cross join lateral (
      select source_follows.target from recsys.source_follows
      where source_follows.user_id = friend.user_id and source_follows.kind = 'topic' and (source_follows.created_at <= as_of) is not false
      order by source_follows.created_at desc nulls last, source_follows.target
      limit 100
    ) as theirs
    where friend.user_id <> all (muted_people) and exists (select from recsys.source_users where source_users.user_id = friend.user_id offset 0)
    group by lower(theirs.target)
  ),
  found as (
    select coalesce(tags.tag, friends.tag) as topic, name, tags.posts, friends.people, coalesce(tags.posts, 0) + coalesce(cardinality(friends.people), 0) as weight
    from tags
    full join friends using (name)
    where left(name, 100) <> all (muted)
      and not exists (
        select from recsys.source_follows
        where source_follows.user_id = p_user_id and source_follows.kind in ('topic', 'group') and lower(source_follows.target) = name
      )
    order by weight desc, name
    limit p_limit
  )
  select
    exists (select from recsys.source_users where source_users.user_id = p_user_id),
    (
      select coalesce(json_agg(json_build_object('topic', found.topic, 'why', recsys_engine.why_to_follow(found.posts, found.people)) order by found.weight desc, found.name), '[]')
      from found
    );
end
$$;
comment on function recsys_engine.topics_to_follow(uuid, integer) is 'Which topics a user might follow: tags of what they came to in their last 200 interactions, and topics of those whom they follow, as recsys_engine.people_to_follow has people: {topic, why}, without those that they follow or muted.';

revoke all on function recsys_engine.why_to_follow(bigint, uuid[]), recsys_engine.people_to_follow(uuid, integer), recsys_engine.topics_to_follow(uuid, integer) from public;
grant execute on function recsys_engine.why_to_follow(bigint, uuid[]), recsys_engine.people_to_follow(uuid, integer), recsys_engine.topics_to_follow(uuid, integer) to authenticated, service_role;


-- 20_experiment_reports/01_experiment_outcomes.sql

-- What each person of an experiment was shown and did, before it and in it: all that its statistics are made of.

create type recsys_engine.person_outcome as (variant text, is_new boolean, metric text, shown integer, acted integer, shown_before integer, acted_before integer);
comment on type recsys_engine.person_outcome is 'One person and one metric (a head of recsys_engine.heads): how many posts they were shown, each once, and with how many they then did that, in the experiment and in the 28 days before it. is_new: they signed up less than 28 days before it.';

create function recsys_engine.experiment_outcomes(p_experiment_id bigint) returns setof recsys_engine.person_outcome
language sql stable security invoker set search_path = ''
as $$
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
    join recsys_engine.chosen_impressions as impressions on impressions.shown_at >= experiment.counted_from and impressions.shown_at < experiment.counted_until
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
    join recsys_engine.chosen_impressions as impressions on impressions.shown_at >= experiment.looked_at_from and impressions.shown_at < experiment.started_at - experiment.outcome_window
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
    join recsys_engine.optional_acts as acts
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
$$;
comment on function recsys_engine.experiment_outcomes(bigint) is 'Rows for each person who was shown something in an experiment since it is counted: what they were shown and did with it within its outcome_window, now and before. One each for view, vote and comment; for dismiss (dismissed by name or by a vote against it; mutes do not count) where any of its people did that, now or before; for each other optional head where it is known (recsys_engine.heads), by what recsys.settings says now. Posts whose window is not over yet do not count. Reads the impressions of the experiment and of 28 days before.';

revoke all on function recsys_engine.experiment_outcomes(bigint) from public;
grant execute on function recsys_engine.experiment_outcomes(bigint) to service_role;


-- 20_experiment_reports/02_experiment_effects.sql

-- The statistics of experiments. People are the unit, since what one person does with ten posts is not ten independent trials.

create function recsys_engine.chi_square_p(p_statistic double precision, p_degrees integer) returns double precision
language plpgsql immutable security invoker set search_path = ''
as $$
declare
  -- exp() of less raises an error
  half constant double precision := least(p_statistic / 2, 700);
  degrees integer := 2 - p_degrees % 2;
  tail double precision := case degrees when 1 then erfc(sqrt(half)) else exp(-half) end;
  -- half^(degrees/2) * exp(-half) / gamma(degrees/2 + 1)
  term double precision := case degrees when 1 then 2 * sqrt(half / pi()) * exp(-half) else half * exp(-half) end;
begin
  while degrees < p_degrees loop
    tail := tail + term;
    degrees := degrees + 2;
    term := term * half / (degrees / 2.0);
  end loop;
  return least(1, tail);
end
$$;
comment on function recsys_engine.chi_square_p(double precision, integer) is 'How likely chi-square with so many degrees of freedom is at least p_statistic, by chance alone.';

create function recsys_engine.compare_variants(p_people recsys_engine.person_outcome[], p_control text, p_alpha double precision default 0.05)
returns table (
  variant text, people_group text, metric text, people bigint, shown bigint, acted bigint, rate double precision,
  ratio double precision, low double precision, high double precision, p double precision,
  always_low double precision, always_high double precision, always_p double precision, variance_left double precision
)
language sql immutable security invoker set search_path = ''
as $$
  with grouped as (
    select person.variant, person.metric, groups.people_group, person.shown, person.acted, person.shown_before, person.acted_before
    from unnest(p_people) as person
    cross join lateral (values ('all'), (case when person.is_new then 'new' else 'old' end)) as groups (people_group)
    where person.shown > 0
  ),
  arms as (
    select
      grouped.people_group, grouped.metric, grouped.variant, count(*) as people, sum(grouped.shown) as shown, sum(grouped.acted) as acted,
      sum(grouped.acted)::double precision / sum(grouped.shown) as rate, avg(grouped.shown)::double precision as shown_each
    from grouped
    group by grouped.people_group, grouped.metric, grouped.variant
  ),
  rates_before as (
    select grouped.people_group, grouped.metric, sum(grouped.acted_before)::double precision / nullif(sum(grouped.shown_before), 0) as rate
    from grouped
    group by grouped.people_group, grouped.metric
  ),
  -- a rate is a ratio of two means, which by the delta method (Deng, Knoblich and Lu, 2018) varies as the mean of `deviation` does;
  -- `before` is the same of the time before (CUPED: Deng, Xu, Kohavi and Walker, 2013)
  people as (
    select
      grouped.people_group, grouped.metric, grouped.variant,
      (grouped.acted - arms.rate * grouped.shown) / arms.shown_each as deviation,
      coalesce(grouped.acted_before - rates_before.rate * grouped.shown_before, 0) as before
    from grouped
    join arms using (people_group, metric, variant)
    join rates_before using (people_group, metric)
  ),
  moments as (
    select people.people_group, people.metric, people.variant, count(*) as number, avg(people.before) as before, covar_pop(people.deviation, people.before) as covariance, var_pop(people.before) as variance
    from people
    group by people.people_group, people.metric, people.variant
  ),
  slopes as (
    select
      moments.people_group, moments.metric,
      coalesce(sum(moments.number * moments.covariance) / nullif(sum(moments.number * moments.variance), 0), 0) as slope,
      sum(moments.number * moments.before) / sum(moments.number) as before
    from moments
    group by moments.people_group, moments.metric
  ),
  estimates as (
    select
      arms.*,
      arms.rate - slopes.slope * (avg(people.before) - slopes.before) as adjusted,
      var_samp(people.deviation - slopes.slope * people.before) / count(*) as variance,
      var_samp(people.deviation) / count(*) as raw_variance
    from people
    join arms using (people_group, metric, variant)
    join slopes using (people_group, metric)
    group by arms.people_group, arms.metric, arms.variant, arms.people, arms.shown, arms.acted, arms.rate, arms.shown_each, slopes.slope, slopes.before
  ),
  differences as (
    select
      estimates.*,
      ln(nullif(estimates.adjusted, 0) / control.adjusted) as difference,
      estimates.variance / nullif(estimates.adjusted, 0) ^ 2 + control.variance / control.adjusted ^ 2 as spread,
      (estimates.variance + control.variance) / nullif(estimates.raw_variance + control.raw_variance, 0) as variance_left
    from estimates
    left join estimates as control
      on control.people_group = estimates.people_group and control.metric = estimates.metric and control.variant = p_control and estimates.variant <> p_control
      -- below this the sums are not normal enough for any interval
      and least(control.people, estimates.people) >= 50 and least(control.acted, estimates.acted) >= 25
      and least(control.adjusted, estimates.adjusted) > 0 and estimates.variance + control.variance > 0
  )
  select
    differences.variant, differences.people_group, differences.metric, differences.people, differences.shown, differences.acted, differences.rate,
    exp(differences.difference),
    exp(differences.difference - 1.959963984540054 * sqrt(differences.spread)),
    exp(differences.difference + 1.959963984540054 * sqrt(differences.spread)),
    erfc(abs(differences.difference) / sqrt(2 * differences.spread)),
    exp(differences.difference - always.width),
    exp(differences.difference + always.width),
    case when differences.spread is not null then least(1, sqrt((differences.spread + 0.01) / differences.spread) * exp(greatest(-700, -0.01 * differences.difference ^ 2 / (2 * differences.spread * (differences.spread + 0.01))))) end,
    differences.variance_left
  from differences
  -- the mixture sequential probability ratio test (Johari, Koomen, Pekelis and Walsh, "Always Valid Inference", 2022) effects of about
  -- 10 % for its mixture (variance 0.01 of the logarithm): with 5 % the interval is 34 % wider at a standard error of 7 %, as wide at 2.5 %
  -- and 5 % narrower at 1 %
  cross join lateral (
    select sqrt(2 * differences.spread * (differences.spread + 0.01) / 0.01 * ln(sqrt((differences.spread + 0.01) / differences.spread) / p_alpha)) as width
  ) as always
$$;
comment on function recsys_engine.compare_variants(recsys_engine.person_outcome[], text, double precision) is 'Each variant compared with p_control, for all people, new and old ones, and each metric: the rate at which shown posts are acted on; its ratio to the control''s with the interval that holds 95 times in 100 on a day chosen beforehand (low, high, p), and the one that does so on all days together (always_low, always_high, at p_alpha; always_p); what the time before left of the variance. Ratios are null for the control and below 50 people or 25 acts in either variant.';

create function recsys_engine.acts_of(p_metric text) returns text
language sql stable security invoker
return (select heads.acts from recsys_engine.heads where heads.head = p_metric);
comment on function recsys_engine.acts_of(text) is 'A metric of experiments in words: "dismissals" of dismiss.';

revoke all on function recsys_engine.chi_square_p(double precision, integer), recsys_engine.acts_of(text), recsys_engine.compare_variants(recsys_engine.person_outcome[], text, double precision) from public;
grant execute on function recsys_engine.chi_square_p(double precision, integer), recsys_engine.acts_of(text), recsys_engine.compare_variants(recsys_engine.person_outcome[], text, double precision) to service_role;


-- 20_experiment_reports/03_interleaving_credits.sql

-- What each person of an interleaving did with the picks of its two teams, and the statistics of it. As in experiments that split people, the
-- person is the unit: what one person does on ten pages is not ten independent trials.

create type recsys_engine.person_credit as (
  metric text, pages integer, first_wins integer, second_wins integer, first_credit double precision, second_credit double precision
);
comment on type recsys_engine.person_credit is 'One person and one metric: how many drafted pages they were shown, on how many of them they did more with the first team''s picks and on how many with the second''s, and how much with either: posts viewed, voted for or commented on; of the metric score, their sum weighted as in recsys.settings. Dismissals and long views do not count.';

create function recsys_engine.interleaving_credits(p_experiment_id bigint) returns setof recsys_engine.person_credit
language sql stable security invoker set search_path = ''
as $$
  with experiment as (
    select experiments.*, experiments.name || '/' || variants.variant as label, least(experiments.ended_at, recsys.clock() - experiments.outcome_window) as counted_until
    from recsys.experiments
    join recsys.experiment_variants as variants on variants.experiment_id = experiments.experiment_id and variants.second_model_id is not null
    where experiments.experiment_id = p_experiment_id
  ),
  shown as (
    select
      impressions.request_id, impressions.user_id, impressions.post_id, impressions.shown_at, impressions.team,
      -- an act is the doing of the page that showed the post last: on the one before, it may have been another team's
      lead(impressions.shown_at, 1, 'infinity') over (partition by impressions.user_id, impressions.post_id order by impressions.shown_at, impressions.request_id) as shown_again_at
    from experiment
    join recsys.impressions on impressions.shown_at >= experiment.counted_from and experiment.label = any (string_to_array(impressions.variant, ','))
    where impressions.variant is not null
  ),
  picks as (
    select shown.* from experiment join shown on shown.shown_at < experiment.counted_until and shown.team is not null
  ),
  pages as (
    select picks.user_id, picks.request_id from picks group by picks.user_id, picks.request_id
  ),
  acted as (
    select distinct picks.request_id, picks.team, picks.post_id, interactions.kind
    from experiment
    cross join picks
    join recsys.source_interactions as interactions
      on interactions.user_id = picks.user_id and interactions.post_id = picks.post_id
      and interactions.created_at > picks.shown_at and interactions.created_at <= picks.shown_at + experiment.outcome_window
      and interactions.created_at <= picks.shown_again_at
  ),
  weighed as (
    select kinds.kind, kinds.metric, kinds.credit
    from recsys.settings
    cross join lateral (
      values
        ('view', 'view', 1::double precision), ('vote', 'vote', 1), ('comment', 'comment', 1),
        ('view', 'score', settings.view_weight::numeric), ('vote', 'score', settings.vote_weight::numeric), ('comment', 'score', settings.comment_weight::numeric)
    ) as kinds (kind, metric, credit)
  ),
  credits as (
    select acted.request_id, weighed.metric, coalesce(sum(weighed.credit) filter (where acted.team = 1), 0) as first, coalesce(sum(weighed.credit) filter (where acted.team = 2), 0) as second
    from acted
    join weighed on weighed.kind = acted.kind
    group by acted.request_id, weighed.metric
  )
  select
    metrics.metric, count(*)::integer,
    -- sums of weights, whose last digit hangs on their order
    (count(*) filter (where credits.first - credits.second > 1e-9))::integer, (count(*) filter (where credits.second - credits.first > 1e-9))::integer,
    coalesce(sum(credits.first), 0), coalesce(sum(credits.second), 0)
  from pages
  cross join (values ('score'), ('view'), ('vote'), ('comment')) as metrics (metric)
  left join credits on credits.request_id = pages.request_id and credits.metric = metrics.metric
  group by pages.user_id, metrics.metric
$$;
comment on function recsys_engine.interleaving_credits(bigint) is 'Four rows for each person who was shown a drafted page since the experiment is counted, by page as by request_id: what they did within its outcome_window with each team''s picks. An act counts for the page that showed the post last before it. Pages whose window is not over yet do not count, nor do places of no team.';

create function recsys_engine.compare_teams(p_people recsys_engine.person_credit[], p_alpha double precision default 0.05)
returns table (
  metric text, people bigint, acting bigint, pages bigint, first_wins bigint, second_wins bigint, first_credit double precision, second_credit double precision,
  preference double precision, low double precision, high double precision, p double precision,
  always_low double precision, always_high double precision, always_p double precision
)
language sql immutable security invoker set search_path = ''
as $$
  with totals as (
    select
      person.metric, count(*) as people, count(*) filter (where person.first_credit + person.second_credit > 0) as acting, sum(person.pages) as pages,
      sum(person.first_wins) as first_wins, sum(person.second_wins) as second_wins, sum(person.first_credit) as first_credit, sum(person.second_credit) as second_credit,
      sum(person.second_credit - person.first_credit) / nullif(sum(person.second_credit + person.first_credit), 0) as preference
    from unnest(p_people) as person
    group by person.metric
  ),
  -- the preference without each person
  left_out as (
    select
      totals.metric,
      (totals.second_credit - totals.first_credit - (person.second_credit - person.first_credit))
        / (totals.second_credit + totals.first_credit - (person.second_credit + person.first_credit)) as preference
    from totals
    join unnest(p_people) as person on person.metric = totals.metric
    -- below this the sums are not normal enough for any interval
    where totals.acting >= 50
  ),
  -- the jackknife (Miller, "The Jackknife: A Review", 1974): for so many people what the delta method gives, but that leaves no doubt at all
  -- where one person does more than all others together
  estimates as (
    select totals.metric, totals.preference, totals.people, (count(*) - 1) * var_pop(left_out.preference) as variance
    from totals
    join left_out using (metric)
    group by totals.metric, totals.preference, totals.people
  )
  select
    totals.metric, totals.people, totals.acting, totals.pages, totals.first_wins, totals.second_wins, totals.first_credit, totals.second_credit,
    estimates.preference,
    bounds.low, bounds.high,
    erfc(abs(estimates.preference) / sqrt(2 * estimates.variance)),
    bounds.always_low, bounds.always_high,
    case when estimates.variance is not null then least(1, sqrt((estimates.variance + 0.0025) / estimates.variance) * exp(greatest(-700, -0.0025 * estimates.preference ^ 2 / (2 * estimates.variance * (estimates.variance + 0.0025))))) end
  from totals
  left join estimates on estimates.metric = totals.metric and estimates.variance > 0
  -- the test of recsys_engine.compare_variants; its mixture has a deviation of 0.05: models whose rates differ by 3 to 10 % had preferences
  -- of 0.025 to 0.07 in simulations
  cross join lateral (
    select sqrt(2 * estimates.variance * (estimates.variance + 0.0025) / 0.0025 * ln(sqrt((estimates.variance + 0.0025) / estimates.variance) / p_alpha)) as width
  ) as always
  left join lateral (
    select
      greatest(-1, estimates.preference - 1.959963984540054 * sqrt(estimates.variance)) as low,
      least(1, estimates.preference + 1.959963984540054 * sqrt(estimates.variance)) as high,
      greatest(-1, estimates.preference - always.width) as always_low,
      least(1, estimates.preference + always.width) as always_high
  ) as bounds on estimates.preference is not null
$$;
comment on function recsys_engine.compare_teams(recsys_engine.person_credit[], double precision) is 'Each metric: the preference for the second team, (second_credit - first_credit) / (second_credit + first_credit), from -1 to 1, with the interval that holds 95 times in 100 on a day chosen beforehand (low, high, p), and the one that does so on all days together (always_low, always_high, at p_alpha; always_p). acting: people who did anything with a pick. Null below 50 of these, and where all people do the same.';

revoke all on function recsys_engine.interleaving_credits(bigint), recsys_engine.compare_teams(recsys_engine.person_credit[], double precision) from public;
grant execute on function recsys_engine.interleaving_credits(bigint), recsys_engine.compare_teams(recsys_engine.person_credit[], double precision) to service_role;


-- 20_experiment_reports/04_interleaving_report.sql

-- What an interleaving says, for people who need to know no statistics.

create function recsys.interleaving_report(p_name text)
returns table (
  metric text, first_model text, second_model text, people bigint, acting bigint, pages bigint, first_wins bigint, second_wins bigint,
  first_credit double precision, second_credit double precision, preference double precision, low double precision, high double precision, p double precision,
  always_low double precision, always_high double precision, always_p double precision, conclusion text
)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  experiment record;
begin
  select experiments.experiment_id, experiments.kind, coalesce(first.name, 'model ' || variants.model_id) as first_model, coalesce(second.name, 'model ' || variants.second_model_id) as second_model
  into experiment
  from recsys.experiments
  join recsys.experiment_variants as variants on variants.experiment_id = experiments.experiment_id and variants.place = 1
  left join recsys.models as first on first.model_id = variants.model_id
  left join recsys.models as second on second.model_id = variants.second_model_id
  where experiments.name = p_name;
  if not found then
    raise exception 'there is no experiment %', coalesce(p_name, '(null)') using errcode = 'no_data_found', hint = 'select name, started_at, ended_at from recsys.experiments';
  elsif experiment.kind <> 'interleaving' then
    raise exception 'experiment % splits people into variants', p_name using errcode = 'object_not_in_prerequisite_state', hint = format('select * from recsys.experiment_report(%L)', p_name);
  end if;
  return query
  select
    effects.metric, experiment.first_model, experiment.second_model, effects.people, effects.acting, effects.pages, effects.first_wins, effects.second_wins,
    effects.first_credit, effects.second_credit, effects.preference, effects.low, effects.high, effects.p, effects.always_low, effects.always_high, effects.always_p,
    case
      when effects.preference is null then format('too early: %s people acted, and 50 are needed who do not all do the same', effects.acting)
      when effects.always_low > 0 then format('%s is preferred: its picks get %s', experiment.second_model, recsys_engine.share_of_acts(effects.metric, effects.always_low, effects.always_high))
      when effects.always_high < 0 then format('%s is preferred: its picks get %s', experiment.first_model, recsys_engine.share_of_acts(effects.metric, -effects.always_high, -effects.always_low))
      else format('no preference shown: the picks of %s get anything from %s', experiment.second_model, recsys_engine.share_of_acts(effects.metric, effects.always_low, effects.always_high))
    end
  from recsys_engine.compare_teams(array(select person from recsys_engine.interleaving_credits(experiment.experiment_id) as person)) as effects
  order by array_position(array['score', 'view', 'vote', 'comment'], effects.metric);
end
$$;
comment on function recsys.interleaving_report(text) is 'Which of two models people prefer where both draft each page: of views, votes and comments, and of their sum weighted as in recsys.settings (score); dismissals and long views do not count. pages: those that both drafted; wins: on how many of them more was done with that team''s picks; credit: how much in all; the rest as in recsys_engine.compare_teams: a preference above 0 is for the second model. conclusion holds however often and whenever one looks. No row: nothing was drafted whose time to be acted on is over. Raises where there is no such experiment, or it splits people.';

create function recsys_engine.share_of_acts(p_metric text, p_from double precision, p_to double precision) returns text
language sql immutable security invoker
return pg_catalog.format('%s to %s %% of the %s', pg_catalog.to_char(50 * (1 + p_from), 'FM990.0'), pg_catalog.to_char(50 * (1 + p_to), 'FM990.0'), case p_metric when 'score' then 'weighted acts' else p_metric || 's' end);
comment on function recsys_engine.share_of_acts(text, double precision, double precision) is 'A preference from … to … in words: 0 and 0.1 of votes are "50.0 to 55.0 % of the votes".';

create function recsys_engine.interleaving_verdict(p_name text) returns table (variant text, verdict text)
language sql stable security invoker set search_path = ''
as $$
  with report as (
    select * from recsys.interleaving_report(p_name)
  ),
  heads as (
    select
      string_agg(report.metric || 's', ' and ' order by report.metric desc) filter (where report.always_low > 0) as to_second,
      string_agg(report.metric || 's', ' and ' order by report.metric desc) filter (where report.always_high < 0) as to_first
    from report
    where report.metric <> 'score'
  )
  select
    variants.variant,
    case
      when score.metric is null then 'Nothing was drafted yet whose time to be acted on is over. Look again later.'
      when score.always_low is null then 'Too early: 50 people who act are needed before anything can be said.'
      when score.always_low > 0 and heads.to_first is not null then format('A trade: %s is preferred by the weights in recsys.settings, but %s go to %s. Which of them matters more is for you to say.', score.second_model, heads.to_first, score.first_model)
      when score.always_high < 0 and heads.to_second is not null then format('A trade: %s is preferred by the weights in recsys.settings, but %s go to %s. Which of them matters more is for you to say.', score.first_model, heads.to_second, score.second_model)
      when score.always_low > 0 then format('Better: %s. How much more people do where it serves alone only an experiment that splits them says.', score.conclusion)
      when score.always_high < 0 then format('Worse: %s. %s is not worth going on with.', score.conclusion, score.second_model)
      else format('Undecided: %s. With four times as many people that is half as wide; where it is narrow enough not to matter, both are as good.', score.conclusion)
    end
  from recsys.experiments
  join recsys.experiment_variants as variants on variants.experiment_id = experiments.experiment_id and variants.place = 1
  cross join heads
  left join report as score on score.metric = 'score'
  where experiments.name = p_name
$$;
comment on function recsys_engine.interleaving_verdict(text) is 'What to conclude of an interleaving and what to do, in a sentence or two, by the metric score; it holds whenever one looks. Part of recsys.experiment_verdict.';

revoke all on function recsys.interleaving_report(text), recsys_engine.share_of_acts(text, double precision, double precision), recsys_engine.interleaving_verdict(text) from public;
grant execute on function recsys.interleaving_report(text), recsys_engine.share_of_acts(text, double precision, double precision), recsys_engine.interleaving_verdict(text) to service_role;


-- 20_experiment_reports/05_experiment_report.sql

-- What an experiment says, for people who need to know no statistics.

create function recsys_engine.check_split(p_experiment_id bigint, p_people recsys_engine.person_outcome[])
returns table (variant text, share numeric, people bigint, expected numeric, p double precision)
language sql stable security invoker set search_path = ''
as $$
  with counted as (
    select
      variants.place, variants.variant, variants.share, variants.share / sum(variants.share) over () as part,
      (select count(*) from unnest(p_people) as person where person.variant = variants.variant and person.metric = 'view') as people
    from recsys.experiment_variants as variants
    where variants.experiment_id = p_experiment_id
  ),
  compared as (
    select counted.*, counted.part * sum(counted.people) over () as expected, count(*) over () as variants from counted
  )
  select
    compared.variant, compared.share, compared.people, round(compared.expected, 1),
    recsys_engine.chi_square_p(coalesce(sum((compared.people - compared.expected) ^ 2 / nullif(compared.expected, 0)) over (), 0)::double precision, compared.variants::integer - 1)
  from compared
  order by compared.place
$$;
comment on function recsys_engine.check_split(bigint, recsys_engine.person_outcome[]) is 'What recsys_engine.experiment_split shows, of people who have been read already.';

create function recsys_engine.experiment_split(p_name text)
returns table (variant text, share numeric, people bigint, expected numeric, p double precision)
language sql stable security invoker set search_path = ''
as $$
  select split.*
  from recsys.experiments
  cross join lateral recsys_engine.check_split(
    experiments.experiment_id, array(select outcomes from recsys_engine.experiment_outcomes(experiments.experiment_id) as outcomes)
  ) as split
  where experiments.name = p_name
$$;
comment on function recsys_engine.experiment_split(text) is 'How many people of each variant were shown something, and how many its share should have brought; p: how likely a difference like that is by chance. Below 0.001 something is wrong with the experiment (a sample ratio mismatch), and nothing that it says is to be believed. No row: there is no such experiment.';

create function recsys_engine.percent_more(p_ratio double precision) returns text
language sql immutable security invoker
return case when p_ratio >= 1 then pg_catalog.to_char(100 * (p_ratio - 1), 'FM999990.0') || ' % more' else pg_catalog.to_char(100 * (1 - p_ratio), 'FM999990.0') || ' % fewer' end;
comment on function recsys_engine.percent_more(double precision) is 'A ratio in words: 1.5 is "50.0 % more".';

create function recsys_engine.enumerate_words(p_words text[]) returns text
language sql immutable security invoker
return pg_catalog.regexp_replace(pg_catalog.array_to_string(p_words, ', '), ', ([^,]*)$', ' and \1');
comment on function recsys_engine.enumerate_words(text[]) is 'Words, none of which has a comma, in a sentence: "views, votes and comments". Null for null.';

create function recsys.experiment_report(p_name text)
returns table (
  variant text, people_group text, metric text, people bigint, impressions bigint, acted bigint, rate double precision,
  ratio double precision, low double precision, high double precision, p double precision,
  always_low double precision, always_high double precision, always_p double precision, variance_left double precision, conclusion text
)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  experiment record;
  control text;
  outcomes recsys_engine.person_outcome[];
  chance_of_split double precision;
begin
  select * into experiment from recsys.experiments where experiments.name = p_name;
  if not found then
    raise exception 'there is no experiment %', coalesce(p_name, '(null)') using errcode = 'no_data_found', hint = 'select name, started_at, ended_at from recsys.experiments';
  elsif experiment.kind = 'interleaving' then
    raise exception 'experiment % interleaves two models', p_name using errcode = 'object_not_in_prerequisite_state', hint = format('select * from recsys.interleaving_report(%L)', p_name);
  end if;
  select variants.variant into control from recsys.experiment_variants as variants where variants.experiment_id = experiment.experiment_id and variants.place = 1;
  outcomes := array(select person from recsys_engine.experiment_outcomes(experiment.experiment_id) as person);
  select min(split.p) into chance_of_split from recsys_engine.check_split(experiment.experiment_id, outcomes) as split;
  return query
  select
    effects.variant, effects.people_group, effects.metric, effects.people, effects.shown, effects.acted, effects.rate,
    effects.ratio, effects.low, effects.high, effects.p, effects.always_low, effects.always_high, effects.always_p, effects.variance_left,
    case
      when chance_of_split < 0.001 then 'not to be believed: the variants do not have the people that their shares should bring; see recsys_engine.experiment_split'
      when effects.variant = control then 'what the others are compared with'
      when effects.ratio is null then format('too early: 50 people and 25 %s are needed in this variant and in %s', recsys_engine.acts_of(effects.metric), control)
      when effects.always_low > 1 then format('more %s than %s%s: %s to %s', recsys_engine.acts_of(effects.metric), control, case when heads.is_loss then ', which is worse' else '' end, recsys_engine.percent_more(effects.always_low), recsys_engine.percent_more(effects.always_high))
      when effects.always_high < 1 then format('fewer %s than %s%s: %s to %s', recsys_engine.acts_of(effects.metric), control, case when heads.is_loss then ', which is better' else '' end, recsys_engine.percent_more(effects.always_high), recsys_engine.percent_more(effects.always_low))
      else format('no difference shown: anything from %s to %s %s is possible', recsys_engine.percent_more(effects.always_low), recsys_engine.percent_more(effects.always_high), recsys_engine.acts_of(effects.metric))
    end
  from recsys_engine.compare_variants(outcomes, control) as effects
  join recsys_engine.heads on heads.head = effects.metric
  join recsys.experiment_variants as variants on variants.experiment_id = experiment.experiment_id and variants.variant = effects.variant
  order by array_position(array['all', 'new', 'old'], effects.people_group), heads.place, variants.place;
end
$$;
comment on function recsys.experiment_report(text) is 'What each variant does to views, votes and comments, to dismissals and votes against posts (dismiss) where there are any, and to what else an optional head predicts (recsys_engine.heads): of all people, and of new (signed up less than 28 days before it) and old ones. impressions: posts shown, one shown again counts once; acted: those with which that was done within the outcome_window; of dismiss less is better (recsys_engine.heads.is_loss); rate: acted / impressions; the rest as in recsys_engine.compare_variants. conclusion holds however often and whenever one looks. Raises where there is no such experiment, or it interleaves.';

create function recsys_engine.split_verdict(p_name text) returns table (variant text, verdict text)
language sql stable security invoker set search_path = ''
as $$
  with shown as (
    select
      report.variant,
      bool_or(report.conclusion like 'not to be believed%') as is_broken,
      recsys_engine.enumerate_words(array_agg(effect.words order by report.ordinality) filter (where effect.is_better)) as better,
      recsys_engine.enumerate_words(array_agg(effect.words order by report.ordinality) filter (where not effect.is_better)) as worse,
      recsys_engine.enumerate_words(array_agg(recsys_engine.acts_of(report.metric) order by report.ordinality) filter (where effect.is_better is null)) as undecided,
      string_agg(format('%s between %s and %s', recsys_engine.acts_of(report.metric), recsys_engine.percent_more(report.always_low), recsys_engine.percent_more(report.always_high)), ', ' order by report.ordinality)
        filter (where report.ratio is not null) as possible
    from recsys.experiment_report(p_name) with ordinality as report
    join recsys_engine.heads on heads.head = report.metric
    -- null: no difference is shown, or too little is known
    cross join lateral (
      select
        case when report.always_low > 1 then 'more ' else 'fewer ' end || recsys_engine.acts_of(report.metric) as words,
        case when report.always_low > 1 then not heads.is_loss when report.always_high < 1 then heads.is_loss end as is_better
    ) as effect
    where report.people_group = 'all'
    group by report.variant
  )
  select
    others.variant,
    case
      when shown.variant is null or control.variant is null then 'Nothing was shown in it yet whose time to be acted on is over. Look again later.'
      when shown.is_broken then 'Nothing can be concluded: the variants do not have the people that their shares should bring (select * from recsys_engine.experiment_split(name)), so some are lost on the way. Find out why, and start again under another name.'
      when shown.better is not null and shown.worse is not null then format('A trade: %s, but %s than %s. Which of them matters more is for you to say.', shown.better, shown.worse, first.variant)
      when shown.better is not null then format('Better: %s than %s%s. What it was served with may be given to everybody.', shown.better, first.variant, coalesce(', while no difference is shown in ' || shown.undecided, ''))
      when shown.worse is not null then format('Worse: %s than %s%s. It is not worth going on with.', shown.worse, first.variant, coalesce(', while no difference is shown in ' || shown.undecided, ''))
      when shown.possible is null then format('Too early: 50 people and 25 acts are needed in %s and in %s before anything can be said.', others.variant, first.variant)
      else format('Undecided. Possible is %s than %s. With four times as many people that is half as wide; where it is narrow enough not to matter, both are as good.', shown.possible, first.variant)
    end
  from recsys.experiments
  join recsys.experiment_variants as first on first.experiment_id = experiments.experiment_id and first.place = 1
  join recsys.experiment_variants as others on others.experiment_id = experiments.experiment_id and others.place > 1
  left join shown on shown.variant = others.variant
  left join shown as control on control.variant = first.variant
  where experiments.name = p_name
  order by others.place
$$;
comment on function recsys_engine.split_verdict(text) is 'What to conclude of each variant of an experiment that splits people. Part of recsys.experiment_verdict.';

create function recsys.experiment_verdict(p_name text) returns table (variant text, verdict text)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  if (select experiments.kind from recsys.experiments where experiments.name = p_name) = 'interleaving' then
    return query select * from recsys_engine.interleaving_verdict(p_name);
  else
    return query select * from recsys_engine.split_verdict(p_name);
  end if;
end
$$;
comment on function recsys.experiment_verdict(text) is 'What to conclude of each variant of an experiment and what to do, in a sentence or two; it holds whenever one looks. The figures behind it are in recsys.experiment_report, or recsys.interleaving_report.';

revoke all on function recsys_engine.check_split(bigint, recsys_engine.person_outcome[]), recsys_engine.experiment_split(text), recsys_engine.percent_more(double precision), recsys_engine.enumerate_words(text[]), recsys.experiment_report(text), recsys_engine.split_verdict(text), recsys.experiment_verdict(text) from public;
grant execute on function recsys_engine.check_split(bigint, recsys_engine.person_outcome[]), recsys_engine.experiment_split(text), recsys_engine.percent_more(double precision), recsys_engine.enumerate_words(text[]), recsys.experiment_report(text), recsys_engine.split_verdict(text), recsys.experiment_verdict(text) to service_role;


-- 20_experiment_reports/06_experiment_guardrails.sql

-- A variant that drives people away, or shows them what they do not want, ends its experiment by itself.

create function recsys_engine.stop_harmful_experiments() returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  experiment record;
  harm record;
  -- also where nobody dismisses: as many as there are only once somebody did would be wrong more often than 5 % together
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
$$;
comment on function recsys_engine.stop_harmful_experiments() is 'Stops experiments in which a variant has surely lost more than max_loss of the views, votes, comments or long views of the first one, or has surely so many more dismissals, or the picks of the second of two interleaved models get that much less of them than the first''s, and returns how many. Of 100 harmless experiments it stops 5 at most, however often it is called; end_reason says why. Called every 15 minutes by pg_cron.';
revoke all on function recsys_engine.stop_harmful_experiments() from public;
grant execute on function recsys_engine.stop_harmful_experiments() to service_role;

select recsys_engine.schedule('recsys experiment guardrails', '*/15 * * * *', 'select recsys_engine.stop_harmful_experiments()');


-- 20_experiment_reports/07_shadow_report.sql

-- A shadow compared with the model that served, on the posts that were shown: how alike their orders are, and whose probabilities fit better
-- what people then did.

create function recsys_engine.shadow_model_id(p_model text) returns bigint
language plpgsql stable security invoker set search_path = ''
as $$
declare
  -- a name may come again after its model was dropped
  found_id constant bigint := (select shadows.model_id from recsys.shadows where shadows.name = p_model order by shadows.shadow_id desc limit 1);
begin
  if found_id is null then
    raise exception 'there was no shadow of %', coalesce(p_model, '(null)') using errcode = 'no_data_found', hint = 'select name, started_at, ended_at from recsys.shadows; recsys.start_shadow(name, share)';
  end if;
  return found_id;
end
$$;
comment on function recsys_engine.shadow_model_id(text) is 'The model_id of the latest shadow by a model of that name. Raises P0002 where there was none.';

create function recsys_engine.shadow_outcomes(p_model_id bigint, p_from timestamptz, p_to timestamptz)
returns table (
  request_id uuid, user_id uuid, post_id uuid, shown_at timestamptz, score real, probabilities real[], served_score real, served_probabilities real[],
  propensity real, support real, expected real[], served_expected real[], weight_squared double precision, weight_cubed double precision, acted integer[]
)
language sql stable security invoker set search_path = ''
as $$
  select
    shown.request_id, shown.user_id, shown.post_id, shown.shown_at, shown.score, shown.probabilities, shown.served_score, shown.served_probabilities,
    shown.propensity, shown.support, shown.expected, shown.served_expected, shown.weight_squared, shown.weight_cubed,
    -- only what has had its time to be acted on
    case when shown.shown_at <= recsys.clock() - interval '1 day' then acted.times end
  from recsys_engine.shadow_impressions as shown
  -- a look-up for each post, three index scans whatever the planner thinks of their number: as a join it took 21 s for 5,984 posts of which the
  -- statistics did not know yet
  cross join lateral (
    select array[
      count(distinct interactions.kind) filter (where interactions.kind = 'view'), count(distinct interactions.kind) filter (where interactions.kind = 'vote'),
      count(distinct interactions.kind) filter (where interactions.kind = 'comment')
    ]::integer[] as times
    from recsys.source_interactions as interactions
    where interactions.user_id = shown.user_id and interactions.post_id = shown.post_id
      and interactions.created_at > shown.shown_at and interactions.created_at <= shown.shown_at + interval '1 day'
  ) as acted
  where shown.shadow_model_id = p_model_id and shown.shown_at >= p_from and shown.shown_at < p_to
$$;
comment on function recsys_engine.shadow_outcomes(bigint, timestamptz, timestamptz) is 'The rows of recsys_engine.shadow_impressions of a model from an instant on and before another, with what the user did with the post within a day of being shown it: 1 or 0 each for view, vote and comment; null while the day is not over.';

create function recsys.shadow_report(p_model text, p_from timestamptz default '-infinity', p_to timestamptz default 'infinity')
returns table (
  head text, requests bigint, posts bigint, rank_correlation double precision, mean_score double precision, served_mean_score double precision,
  judged bigint, acted bigint, log_loss double precision, served_log_loss double precision
)
language plpgsql stable security invoker set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with outcomes as materialized (
    select * from recsys_engine.shadow_outcomes(recsys_engine.shadow_model_id(p_model), p_from, p_to) as outcomes where outcomes.score is not null
  ),
  -- equals share the mean of their places
  ranked as (
    select
      outcomes.request_id,
      rank() over own_order + (count(*) over own_equals - 1) / 2.0 as own_rank,
      rank() over served_order + (count(*) over served_equals - 1) / 2.0 as served_rank
    from outcomes
    window
      own_order as (partition by outcomes.request_id order by outcomes.score),
      own_equals as (partition by outcomes.request_id, outcomes.score),
      served_order as (partition by outcomes.request_id order by outcomes.served_score),
      served_equals as (partition by outcomes.request_id, outcomes.served_score)
  ),
  correlations as (
    select corr(ranked.own_rank, ranked.served_rank) as correlation from ranked group by ranked.request_id
  ),
  totals as (
    select count(distinct outcomes.request_id) as requests, count(*) as posts, avg(outcomes.score::double precision) as score, avg(outcomes.served_score::double precision) as served_score
    from outcomes
  )
  select
    heads.head, totals.requests, totals.posts, (select avg(correlations.correlation) from correlations), totals.score, totals.served_score,
    count(outcomes.acted), coalesce(sum(outcomes.acted[heads.number]), 0),
    -- a probability of 0 or 1 that was wrong would be infinitely so
    -avg(case outcomes.acted[heads.number] when 1 then ln(greatest(own.p, 1e-7)) when 0 then ln(greatest(1 - own.p, 1e-7)) end),
    -avg(case outcomes.acted[heads.number] when 1 then ln(greatest(own.served_p, 1e-7)) when 0 then ln(greatest(1 - own.served_p, 1e-7)) end)
  from totals
  cross join (values (1, 'view'), (2, 'vote'), (3, 'comment')) as heads (number, head)
  left join outcomes on true
  left join lateral (
    select outcomes.probabilities[heads.number]::double precision as p, outcomes.served_probabilities[heads.number]::double precision as served_p
  ) as own on true
  group by heads.number, heads.head, totals.requests, totals.posts, totals.score, totals.served_score
  order by heads.number;
end
$$;
comment on function recsys.shadow_report(text, timestamptz, timestamptz) is 'A shadow, by the name of its model, compared with the model that served, on the posts shown from p_from on and before p_to that it could rank; a row each for view, vote and comment, whatever else either model predicts. rank_correlation: Spearman''s, of the two scores within a feed, in the mean over feeds; null: no feed has two different scores. mean_score, served_mean_score: of the posts shown. judged: posts shown more than a day ago; acted: with how many of these the user did that within a day. log_loss, served_log_loss: of either model''s probabilities on these, in nats; lower is better, and null where none is judged. Raises P0002 where there was no such shadow.';

revoke all on function recsys_engine.shadow_model_id(text), recsys_engine.shadow_outcomes(bigint, timestamptz, timestamptz), recsys.shadow_report(text, timestamptz, timestamptz) from public;
grant execute on function recsys_engine.shadow_model_id(text), recsys_engine.shadow_outcomes(bigint, timestamptz, timestamptz), recsys.shadow_report(text, timestamptz, timestamptz) to service_role;


-- 20_experiment_reports/08_off_policy.sql

-- What a model would have earned that was shown to nobody. Each place that was drawn is a decision of its own: its context is the user and what
-- stands above it, its actions are the candidates left, and both the chance by which the post was drawn and the one by which the model
-- would have drawn it are known, so that one divided by the other says what the outcome counts.

create type recsys_engine.person_draws as (
  places bigint, unknown bigint, acted bigint, reward double precision, weight double precision, weight_squared double precision, weight_cubed double precision, support double precision,
  weighted_reward double precision, modelled_reward double precision, served_modelled_reward double precision
);
comment on type recsys_engine.person_draws is 'Sums over the places that were drawn for one person: how many; of how many more the propensity is not known; how many were acted on; the rewards, the weights (chance by the model through chance by which it was drawn); their squares and third powers, in the mean over what could be drawn; the support; weight times reward; and the doubly robust rewards of the model and of what was served.';

create function recsys_engine.draws_by_person(p_model_id bigint, p_from timestamptz, p_to timestamptz) returns setof recsys_engine.person_draws
language sql stable security invoker set search_path = ''
as $$
  with draws as (
    select
      outcomes.user_id, outcomes.propensity::double precision / impressions.propensity as weight, outcomes.weight_squared, outcomes.weight_cubed,
      outcomes.support::double precision as support,
      1 = any (outcomes.acted) as is_acted,
      settings.view_weight::double precision * outcomes.acted[1] + settings.vote_weight::double precision * outcomes.acted[2] + settings.comment_weight::double precision * outcomes.acted[3] as reward,
      settings.view_weight::double precision * outcomes.served_probabilities[1] + settings.vote_weight::double precision * outcomes.served_probabilities[2]
        + settings.comment_weight::double precision * outcomes.served_probabilities[3] as predicted,
      settings.view_weight::double precision * outcomes.expected[1] + settings.vote_weight::double precision * outcomes.expected[2] + settings.comment_weight::double precision * outcomes.expected[3] as expected,
      settings.view_weight::double precision * outcomes.served_expected[1] + settings.vote_weight::double precision * outcomes.served_expected[2]
        + settings.comment_weight::double precision * outcomes.served_expected[3] as served_expected
    from recsys.settings
    cross join recsys_engine.shadow_outcomes(p_model_id, p_from, p_to) as outcomes
    left join recsys.impressions
      on impressions.request_id = outcomes.request_id and impressions.post_id = outcomes.post_id and impressions.shown_at = outcomes.shown_at
    where outcomes.support is not null and outcomes.acted is not null
  )
  select
    count(draws.weight), count(*) - count(draws.weight), count(*) filter (where draws.is_acted and draws.weight is not null),
    sum(draws.reward) filter (where draws.weight is not null), sum(draws.weight), sum(draws.weight_squared) filter (where draws.weight is not null), sum(draws.weight_cubed) filter (where draws.weight is not null),
    sum(draws.support) filter (where draws.weight is not null),
    sum(draws.weight * draws.reward), sum(draws.expected + draws.weight * (draws.reward - draws.predicted)),
    sum(draws.served_expected + draws.reward - draws.predicted) filter (where draws.weight is not null)
  from draws
  group by draws.user_id
$$;
comment on function recsys_engine.draws_by_person(bigint, timestamptz, timestamptz) is 'A row for each person of the drawn places that a shadow of the model scored, shown from an instant on and before another, as far as their day is over. The reward of a place is view_weight, vote_weight and comment_weight of recsys.settings, each where the user did that with the post within a day.';

create function recsys_engine.off_policy_estimates(p_people recsys_engine.person_draws[])
returns table (
  estimator text, estimate double precision, low double precision, high double precision, gain double precision, gain_low double precision, gain_high double precision
)
language sql immutable security invoker set search_path = ''
as $$
  with sums as (
    select estimators.*, person.places::double precision as places
    from unnest(p_people) as person
    cross join lateral (
      values
        (1, 'logged', person.reward, person.places::double precision, null),
        -- Horvitz and Thompson, "A Generalization of Sampling Without Replacement from a Finite Universe", 1952
        (2, 'ips', person.weighted_reward, person.places, person.reward),
        -- Swaminathan and Joachims, "The Self-Normalized Estimator for Counterfactual Learning", 2015
        (3, 'snips', person.weighted_reward, person.weight, person.reward),
        -- Dudík, Langford and Li, "Doubly Robust Policy Evaluation and Learning", 2011; what was served is modelled alike, so that the gain is the surer
        (4, 'dr', person.modelled_reward, person.places, person.served_modelled_reward)
    ) as estimators (number, estimator, numerator, denominator, baseline)
    where person.places > 0
  ),
  -- each is a ratio of two sums over people
  estimates as (
    select
      sums.number, count(*)::double precision as people, sum(sums.places) as places, nullif(sum(sums.denominator), 0) as denominator,
      sum(sums.numerator) / nullif(sum(sums.denominator), 0) as estimate, sum(sums.baseline) / sum(sums.places) as baseline
    from sums
    group by sums.number
  ),
  -- people are the unit, since what one person does with ten posts is not ten independent trials. `beyond` is by how much a ratio falls where
  -- a person is left out: the delete-one jackknife (Efron, "The Jackknife, the Bootstrap and Other Resampling Plans", 1982). At 60 people the
  -- intervals of the delta method held the truth in 92.1 % of 2,000 simulations where these do in 93.6 %
  left_out as (
    select
      sums.number, sums.estimator, estimates.estimate, estimates.estimate - estimates.baseline as gain, estimates.people,
      (sums.numerator - estimates.estimate * sums.denominator) / nullif(estimates.denominator - sums.denominator, 0) as beyond,
      (sums.baseline - estimates.baseline * sums.places) / nullif(estimates.places - sums.places, 0) as beyond_baseline
    from estimates
    join sums on sums.number = estimates.number
  ),
  errors as (
    select
      left_out.number, left_out.estimator, left_out.estimate, left_out.gain,
      -- 97.5 % of Student's t, to the second order
      1.959963984540054 * (1 + (1.959963984540054 ^ 2 + 1) / (4 * nullif(left_out.people - 1, 0))) as quantile,
      sqrt((left_out.people - 1) / left_out.people * sum(left_out.beyond ^ 2)) as error,
      sqrt((left_out.people - 1) / left_out.people * sum((left_out.beyond - left_out.beyond_baseline) ^ 2)) as gain_error
    from left_out
    group by left_out.number, left_out.estimator, left_out.estimate, left_out.gain, left_out.people
  )
  select
    errors.estimator, errors.estimate, errors.estimate - errors.quantile * errors.error, errors.estimate + errors.quantile * errors.error,
    errors.gain, errors.gain - errors.quantile * errors.gain_error, errors.gain + errors.quantile * errors.gain_error
  from errors
  order by errors.number
$$;
comment on function recsys_engine.off_policy_estimates(recsys_engine.person_draws[]) is 'The figures of recsys.off_policy, of people who have been read already, whatever they are worth. Intervals are null for one person.';

create function recsys.off_policy(p_model text, p_from timestamptz default '-infinity', p_to timestamptz default 'infinity')
returns table (
  estimator text, estimate double precision, low double precision, high double precision, gain double precision, gain_low double precision, gain_high double precision,
  places bigint, people bigint, effective_sample_size double precision, mean_weight double precision, support double precision
)
language plpgsql stable security invoker set search_path = ''
as $$
#variable_conflict use_column
declare
  each_person constant recsys_engine.person_draws[] := array(select draws from recsys_engine.draws_by_person(recsys_engine.shadow_model_id(p_model), p_from, p_to) as draws);
  known record;
begin
  select
    coalesce(sum(person.places), 0)::bigint as places, coalesce(sum(person.unknown), 0)::bigint as unknown, coalesce(sum(person.acted), 0)::bigint as acted,
    count(*) filter (where person.places > 0) as people,
    -- by what could have been drawn: the largest weights are mostly not among those that were
    coalesce(sum(person.support) ^ 2 / nullif(sum(person.weight_squared), 0), 0) as effective,
    25 * sum(person.weight_cubed) ^ 2 / nullif(sum(person.weight_squared), 0) ^ 3 * sum(person.places)::double precision as needed,
    sum(person.weight) / nullif(sum(person.places), 0)::double precision as mean_weight,
    sum(person.support) / nullif(sum(person.places), 0)::double precision as support
  into known
  from unnest(each_person) as person;
  if known.places + known.unknown = 0 then
    raise exception 'no place that was drawn and scored by the shadow of % is a day old in that time', p_model
      using errcode = 'no_data_found', hint = 'update recsys.settings set drawn_share = 0.1, let the shadow run, and ask again in a day or more';
  elsif known.unknown > 0.01 * (known.places + known.unknown) then
    raise exception 'propensities are missing: % of % drawn places have none in recsys.impressions', known.unknown, known.places + known.unknown
      using errcode = 'object_not_in_prerequisite_state', hint = 'the log of the function recommend says impressions_lost where they could not be written: choose a time without that';
  elsif known.people < 50 or known.acted < 25 or known.effective < 30 then
    -- below these the sums are not normal enough for any interval
    raise exception 'too little is known: % people (50 are needed) acted on % drawn places (25), and % of them say as much as % drawn by the model itself (30)',
      known.people, known.acted, known.places, round(known.effective::numeric, 1)
      using errcode = 'object_not_in_prerequisite_state',
      hint = 'wait, or raise drawn_share or the share of the shadow; where most places say nothing, the two models agree on too little: raise draw_temperature';
  elsif known.places < known.needed then
    raise exception 'the weights differ too much: % drawn places would be needed for an interval that holds, and there are %', ceil(known.needed), known.places
      using errcode = 'object_not_in_prerequisite_state', hint = 'a few posts that are hardly ever drawn decide: raise draw_temperature, which draws them more often';
  elsif known.support < 0.95 then
    raise exception 'the support is too thin: % %% of what the model would have drawn could not be drawn', round((100 * (1 - known.support))::numeric, 1)
      using errcode = 'object_not_in_prerequisite_state',
      hint = 'the model finds its best where the other one has none of its best 100: lower draw_temperature, or try it in an experiment (recsys.start_experiment)';
  elsif abs(known.mean_weight - known.support) > greatest(0.001, 5 * (
    select sqrt(sum((person.weight - person.support - (known.mean_weight - known.support) * person.places) ^ 2)) from unnest(each_person) as person where person.places > 0
  ) / known.places) then
    -- in the mean a weight is the support, whatever the models say
    raise exception 'the propensities are not those by which places were drawn: the mean weight is % and has to be about %', round(known.mean_weight::numeric, 3), round(known.support::numeric, 3)
      using errcode = 'object_not_in_prerequisite_state', hint = 'was something written into recsys.impressions or recsys_engine.shadow_impressions by hand, or were rows of some posts deleted?';
  end if;
  return query
  select estimates.*, known.places, known.people, known.effective, known.mean_weight, known.support
  from recsys_engine.off_policy_estimates(each_person) as estimates;
end
$$;
comment on function recsys.off_policy(text, timestamptz, timestamptz) is 'What the model of a shadow would have earned by a drawn place shown from p_from on and before p_to: view_weight, vote_weight and comment_weight of recsys.settings for what people did with the post within a day; dismissals and long views do not count. A row each for what was earned (logged), inverse propensity scoring (ips), its self-normalised form (snips) and doubly robust (dr), with 95 % intervals clustered by person, and the gain over what was earned. effective_sample_size: square of the mean weight / mean of their squares, over what could have been drawn, times the places. mean_weight: about the support, the share of what the model would have drawn that could be. Raises where propensities are missing for more than 1 place in 100, below 50 people, 25 acts or an effective sample size of 30, below 25 times the squared skewness of the weights (Cochran, "Sampling Techniques", 1977, section 2.15), below a support of 0.95, and where the mean weight is more than 5 standard errors off.';

revoke all on function recsys_engine.draws_by_person(bigint, timestamptz, timestamptz), recsys_engine.off_policy_estimates(recsys_engine.person_draws[]), recsys.off_policy(text, timestamptz, timestamptz) from public;
grant execute on function recsys_engine.draws_by_person(bigint, timestamptz, timestamptz), recsys_engine.off_policy_estimates(recsys_engine.person_draws[]), recsys.off_policy(text, timestamptz, timestamptz) to service_role;


-- 21_health/01_feature_drift.sql

-- How far what the ranker is told of users and posts has moved: from what it was trained on (skew), and from weeks before (drift).

create function recsys_engine.shown_features(p_day date, p_feeds integer) returns table (model_id bigint, user_id uuid, post_id uuid, features real[])
language sql stable security invoker set search_path = ''
as $$
  with day as (
    select p_day::timestamp at time zone 'UTC' as begins, (p_day + 1)::timestamp at time zone 'UTC' as ends
  ),
  last as (
    -- ids of requests are random, so the first of them are a sample; one that has the first place has the others too
    select impressions.request_id
    from day
    join recsys_engine.chosen_impressions as impressions on impressions.shown_at >= day.begins and impressions.shown_at < day.ends
    where impressions.position = 1 and impressions.model_id is not null
    order by impressions.request_id
    offset p_feeds limit 1
  )
  select impressions.model_id, impressions.user_id, impressions.post_id, impressions.features
  from day
  join recsys_engine.chosen_impressions as impressions on impressions.shown_at >= day.begins and impressions.shown_at < day.ends
  where impressions.request_id < coalesce((select last.request_id from last), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    and impressions.position <= 10 and impressions.features is not null and not impressions.explored
$$;
comment on function recsys_engine.shown_features(date, integer) is 'What the ranker was told of the first ten places of some p_feeds feeds of a day, without those for exploration.';

create function recsys_engine.feature_skew(p_day date) returns table (model_id bigint, feature text, psi double precision, people bigint)
language sql stable security invoker set search_path = ''
as $$
  with shown as materialized (
    -- a tenth of 1,000 is known to a tenth of itself
    select * from recsys_engine.shown_features(p_day, 1000)
  ),
  totals as (
    select shown.model_id, count(*)::double precision as posts, count(distinct shown.user_id) as people from shown group by shown.model_id
  ),
  served as (
    select shown.model_id, trained.number, width_bucket(shown.features[trained.number], trained.edges) + 1 as bin, count(*) as posts
    from shown
    join recsys_engine.training_features as trained on trained.model_id = shown.model_id
    group by shown.model_id, trained.number, bin
  )
  select totals.model_id, trained.feature, sum((shares.served - shares.trained) * ln(shares.served / shares.trained)), totals.people
  from totals
  join recsys_engine.training_features as trained on trained.model_id = totals.model_id
  cross join lateral unnest(trained.shares) with ordinality as bins (share, bin)
  left join served on served.model_id = totals.model_id and served.number = trained.number and served.bin = bins.bin
  -- an empty bin has no logarithm
  cross join lateral (
    select greatest(coalesce(served.posts, 0) / totals.posts, 0.0001) as served, greatest(bins.share::double precision, 0.0001) as trained
  ) as shares
  group by totals.model_id, trained.number, trained.feature, totals.people
$$;
comment on function recsys_engine.feature_skew(date) is 'The population stability index of each feature of a day and model against what the ranker was trained on: the sum over the bins of recsys_engine.training_features of (served - trained) * ln(served / trained). No rows of a model without training_features. By custom below 0.1 nothing differs and above 0.25 much does (Siddiqi, "Credit Risk Scorecards", 2006); by chance alone it is about 9 / people (Yurdakul, "Statistical Properties of Population Stability Index", 2018). Some always differ: training asks at the instants at which people acted, serving when they come.';

create function recsys_engine.feature_drift(p_day date) returns table (feature text, psi double precision, independent bigint)
language sql stable security invoker set search_path = ''
as $$
  with sampled as materialized (
    select ago.days > 0 as is_usual, shown.user_id, shown.post_id, shown.features, models.model_id, models.feature_spec_digest
    -- a Saturday is no Friday
    from (values (0, 1000), (7, 250), (14, 250), (21, 250), (28, 250)) as ago (days, feeds)
    cross join lateral recsys_engine.shown_features(p_day - ago.days, ago.feeds) as shown
    join recsys.models on models.model_id = shown.model_id
  ),
  newest as (
    select models.model_id, models.feature_spec_digest
    from recsys.models
    where models.model_id = (select max(sampled.model_id) from sampled where not sampled.is_usual)
  ),
  shown as materialized (
    select sampled.is_usual, sampled.user_id, sampled.post_id, sampled.features
    from newest
    join sampled on sampled.feature_spec_digest = newest.feature_spec_digest
  ),
  names as (
    select model_features.number, model_features.part, model_features.part || ' ' || model_features.feature as feature
    from newest
    join recsys_engine.model_features on model_features.model_id = newest.model_id
  ),
  scales as (
    -- what is nearer than a hundredth of the range is alike: the seconds between a login and a feed are not what the ranker goes by
    select names.number, names.feature, names.part, min(shown.features[names.number]) as low,
      greatest((max(shown.features[names.number]) - min(shown.features[names.number])) / 100, 0.00001)::double precision as unit
    from names
    cross join shown
    where shown.is_usual
    group by names.number, names.feature, names.part
  ),
  valued as materialized (
    select scales.number, shown.is_usual, round((shown.features[scales.number] - scales.low) / scales.unit) as value
    from scales
    cross join shown
  ),
  tenths as (
    select valued.number,
      percentile_disc(array[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) within group (order by valued.value) filter (where valued.is_usual) as values
    from valued
    group by valued.number
  ),
  bins as (
    select tenths.number, array_agg(distinct edges.edge order by edges.edge) as edges
    from tenths
    cross join lateral (
      select value as edge from unnest(tenths.values) as value
      union all
      -- a value that more than a tenth have is a bin of its own
      select value + 1 from unnest(tenths.values) as value group by value having count(*) > 1
    ) as edges
    group by tenths.number
  ),
  counted as (
    select bins.number, width_bucket(valued.value, bins.edges) as bin,
      count(*) filter (where not valued.is_usual)::double precision as now, count(*) filter (where valued.is_usual)::double precision as before
    from valued
    join bins on bins.number = valued.number
    group by bins.number, bin
  ),
  totals as (
    select count(*) filter (where not shown.is_usual) as now, count(*) filter (where shown.is_usual) as before from shown
  ),
  independent as (
    -- a post that everybody is shown is one: Kish's effective size ("Survey Sampling", 1965), of the day or of those before, whichever is less
    select min(sizes.size) filter (where sizes.of_what = 'people') as people, min(sizes.size) filter (where sizes.of_what = 'posts') as posts
    from (
      select times.of_what, power(sum(times.shown), 2) / sum(power(times.shown, 2)) as size
      from (
        select 'people' as of_what, shown.is_usual, count(*)::double precision as shown from shown group by shown.is_usual, shown.user_id
        union all
        select 'posts', shown.is_usual, count(*)::double precision from shown group by shown.is_usual, shown.post_id
      ) as times
      group by times.of_what, times.is_usual
    ) as sizes
  )
  select scales.feature,
    sum((shares.now - shares.before) * ln(shares.now / shares.before)),
    round(case scales.part when 'user' then independent.people else least(independent.people, independent.posts) end)::bigint
  from independent
  cross join totals
  cross join counted
  join scales on scales.number = counted.number
  -- an empty bin has no logarithm
  cross join lateral (
    select greatest(counted.now / totals.now, 0.0001) as now, greatest(counted.before / totals.before, 0.0001) as before
  ) as shares
  group by scales.number, scales.feature, scales.part, independent.people, independent.posts
$$;
comment on function recsys_engine.feature_drift(date) is 'The population stability index of each feature of a day against the same weekday of the four weeks before: the sum over tenths of (now - before) * ln(now / before); and how many independent people (of what is about a post: people or posts, whichever are fewer) it rests on, since by chance alone it is about 9 * (1 / those now + 1 / those before) (Yurdakul, "Statistical Properties of Population Stability Index", 2018). Of 1,000 feeds of the day and 250 of each earlier one, by any models with the same feature_spec. No rows where none of those days has impressions.';

revoke all on function recsys_engine.shown_features(date, integer), recsys_engine.feature_skew(date), recsys_engine.feature_drift(date) from public;
grant execute on function recsys_engine.shown_features(date, integer), recsys_engine.feature_skew(date), recsys_engine.feature_drift(date) to service_role;


-- 21_health/02_daily_metrics.sql

-- The watch: what feeds were like and what people did with them, a few hundred numbers a day. Nothing in them is about one person.

create table recsys.daily_metrics (
  day date not null,
  metric text not null,
  model_id bigint not null,
  slice text not null,
  value double precision not null,
  count bigint not null check (count >= 0),
  primary key (day, metric, model_id, slice)
);
comment on table recsys.daily_metrics is 'Figures of each day, written by recsys_engine.measure_day() once the day''s labels are settled, and kept for two years. Days together: sum(value * count) / sum(count). metric is one of
  shown: posts shown, each once to a person; count: people.
  feeds: share of the feeds that were live, batch (asked for as a list), no model, or degraded to unranked, batch or community; count: all feeds.
  rate: share of the posts shown that the person then viewed, voted for or commented on within a day; count: posts shown. Also rate by position and rate by source.
  predicted: the mean probability of a view, vote or comment that live feeds were ranked by; count: posts shown with one.
  rate, predicted and calibration of optional heads (recsys_engine.heads): the same of posts shown live by models that predict these (recsys.models.heads), once each to a person.
  calibration: predicted / happened of these (He et al., "Practical Lessons from Predicting Clicks on Ads at Facebook", 2014); 1 is right, 2 is twice as many predicted; count: how many happened.
  drift: how far a feature is from what it was on the same weekday of the four weeks before, as a population stability index, see recsys_engine.feature_drift(); count: independent people or posts.
  skew: how far a feature is from what the ranker was trained on, see recsys_engine.feature_skew(); count: people.
  coverage: share of the posts of the last 30 days that were shown to anybody (Ge, Delgado-Battenfeld and Jannach, "Beyond Accuracy", 2010); count: these posts. None of a day on which nothing was shown.
  novelty: mean of -log2 of the share of people who had interacted with the post by the end of the day, in bits (Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems", 2010); count: posts shown.
  fresh: share of the posts shown that were 1 day, or 7 days, old at most; count: posts shown.
  authors: share of the posts shown that the tenth of the shown authors had who were shown most; count: posts shown.
  degraded: share of the feeds that were not what was asked for, in the hours before the looks of an hourly job; count: these feeds.
  lag: the longest that the oldest change waited for the roll-up, or the oldest embedding job, in seconds, over those looks; count: looks.';
comment on column recsys.daily_metrics.day is 'The day, UTC by the engine''s clock.';
comment on column recsys.daily_metrics.metric is 'What; see the table.';
comment on column recsys.daily_metrics.model_id is 'The model that ranked; 0: no model did, or all feeds together. No foreign key: the row outlives it.';
comment on column recsys.daily_metrics.slice is 'Of what, such as vote, view 3 (at position 3), comment similar (from that source), or a feature; empty: of all.';
comment on column recsys.daily_metrics.value is 'The figure.';
comment on column recsys.daily_metrics.count is 'How many of what the figure rests on.';
alter table recsys.daily_metrics enable row level security;
grant select, insert, update, delete on recsys.daily_metrics to service_role;

create function recsys_engine.measure_day(p_day date) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
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
  perform pg_advisory_xact_lock(hashtext('recsys_engine.measure_days'));
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
    from recsys_engine.chosen_impressions as impressions
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
    -- one more than there are, as if one more had come to each post: what nobody has come to is as novel as can be, and finite
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
    from recsys_engine.chosen_impressions as impressions
    where impressions.shown_at >= day_begins and impressions.shown_at < day_ends and impressions.mode = 'live'
      and impressions.optional_probabilities is not null
    order by impressions.user_id, impressions.post_id, impressions.shown_at
  ),
  labels as materialized (
    select labels.head, labels.request_id, labels.post_id
    from recsys_engine.optional_labels(day_begins, day_ends) as labels
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
$$;
comment on function recsys_engine.measure_day(date) is 'Works out all of recsys.daily_metrics of one day but lag and degraded, again if they are there, and returns how many figures it wrote. Raises for a day that ended less than a day ago, since what was shown last may still be acted on. Reads the impressions of that day, samples of four days before it, and the interactions of that day and the next; it locks nothing that a feed waits for.';

revoke all on function recsys_engine.measure_day(date) from public;
grant execute on function recsys_engine.measure_day(date) to service_role;


-- 21_health/03_measure_days.sql

-- Measures each day once its labels are settled, and each hour how far the engine is behind.

create function recsys_engine.unmeasured_days() returns table (day date)
language sql stable security invoker set search_path = ''
as $$
  with bounds as (
    select
      (recsys.clock() at time zone 'UTC')::date - 2 as settled,
      (select max(daily_metrics.day) from recsys.daily_metrics where daily_metrics.metric = 'shown') as last_measured,
      ((recsys.clock() - settings.impressions_kept) at time zone 'UTC')::date + 1 as kept_since
    from recsys.settings
  )
  select days.day::date
  from bounds
  cross join generate_series(greatest(bounds.kept_since, least(bounds.last_measured + 1, bounds.settled - 34))::timestamp, bounds.settled::timestamp, '1 day') as days (day)
  where not exists (select from recsys.daily_metrics as measured where measured.day = days.day::date and measured.metric = 'shown')
  order by days.day
$$;
comment on function recsys_engine.unmeasured_days() is 'The days that are settled and have no figures yet, in order: since the last measured day, and of the last 35 days any, since recsys_engine.feature_drift and recsys.health read so many.';

create function recsys_engine.measure_days(p_most integer default 1) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  today constant date := (recsys.clock() at time zone 'UTC')::date;
  missing date;
  number integer := 0;
begin
  if p_most is null or p_most < 0 then
    raise exception '0 days or more are measured at once, not %', coalesce(p_most::text, 'null');
  end if;
  -- of two at the same time the other does it
  if not pg_try_advisory_xact_lock(hashtext('recsys_engine.measure_days')) then
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
    select unmeasured.day from recsys_engine.unmeasured_days() as unmeasured order by unmeasured.day limit p_most
  loop
    perform recsys_engine.measure_day(missing);
    number := number + 1;
  end loop;
  delete from recsys.daily_metrics where daily_metrics.day < today - 731;
  return number;
end
$$;
comment on function recsys_engine.measure_days(integer) is 'Notes how far roll-up and embedding are behind and how many feeds of the last hour were degraded, measures the first p_most of recsys_engine.unmeasured_days(), deletes figures older than two years and those of days that are not settled, which a clock that was ahead has left, and returns how many days it measured. Called every hour by pg_cron, so that a day takes part of one run and missed days are caught up with one by one.';

revoke all on function recsys_engine.unmeasured_days(), recsys_engine.measure_days(integer) from public;
grant execute on function recsys_engine.unmeasured_days(), recsys_engine.measure_days(integer) to service_role;

select recsys_engine.schedule('recsys daily metrics', '27 * * * *', 'select recsys_engine.measure_days()');


-- 21_health/04_health_bounds.sql

-- Where each figure of recsys.health() should be, why, and what to do where it is not.

create table recsys.health_bounds (
  figure text primary key,
  low double precision,
  high double precision,
  enough bigint not null default 0 check (enough >= 0),
  reason text not null,
  cure text not null,
  check (low is not null or high is not null),
  check (low <= high)
);
comment on table recsys.health_bounds is 'The bounds of recsys.health(), one row a figure. Yours to change: update recsys.health_bounds set high = … where figure = ….';
comment on column recsys.health_bounds.figure is 'What is bounded, as recsys.health() begins its column what. "change of" is the last seven measured days by the 28 days before them.';
comment on column recsys.health_bounds.low is 'What it should not be below; null: no such bound.';
comment on column recsys.health_bounds.high is 'What it should not be above; null: no such bound.';
comment on column recsys.health_bounds.enough is 'Where the figure rests on fewer people, posts, feeds or acts than this, it is not judged.';
comment on column recsys.health_bounds.reason is 'Why the bound is there.';
comment on column recsys.health_bounds.cure is 'What to do where it is out of bounds.';
alter table recsys.health_bounds enable row level security;
grant select, insert, update, delete on recsys.health_bounds to service_role;

insert into recsys.health_bounds (figure, low, high, enough, reason, cure) values
  ('measuring', null, 1, 0,
    'An hourly job measures each day as soon as it is settled; a day late may be a night of maintenance, two are not.',
    'select recsys_engine.measure_days(35), as many days as the other figures look back on; then look why it does not run by itself: select * from recsys.schedules where name = ''recsys daily metrics''. Without pg_cron, npx recsys serve and npx recsys worker do it every hour'),
  ('model', 1, null, 0,
    'Without a model feeds are fresh and popular, the same for everybody.',
    'npx recsys train, then npx recsys publish'),
  ('model age', null, 45, 0,
    'On Travel a model that is not retrained for six weeks brings .887 of the posts that people act on next, one trained from scratch .894.',
    'npx recsys worker --train, and select * from recsys.training_status; where nothing new happened, all is well'),
  ('ten people', null, 0.6, 40,
    'Ten people are .22 of what a ranker learns of all of Travel, .38 of its first year. A night of which they are more was made by them, whatever each is bounded to.',
    'Who they are: select user_id, count(*) from recsys_engine.user_stats where last_active_at > recsys.clock() - interval ''7 days'' group by user_id order by count(*) desc limit 10. If they are no people, delete their accounts, npx recsys rollback, then npx recsys train and npx recsys publish: trained from scratch a model knows nothing of them'),
  ('calibration', 0.5, 2, 25,
    'The order of a feed does not suffer where all probabilities are too high alike, but whoever reads them does, and the weights of views, votes and comments no longer mean what they say. Of 25 acts the ratio is known to a fifth of itself.',
    'npx recsys train, then npx recsys publish: a training calibrates again. Where it comes back, people act on feeds more or less often than training supposes: widen this bound'),
  ('drift', null, 0.25, 200,
    'By custom above 0.25 much has changed. By chance alone it is .09 with 200 people on either side.',
    'Find out what changed: select * from recsys.daily_metrics where metric = ''drift'' order by day desc, value desc. Is the feature store up to date (select * from recsys_engine.roll_up_lag), and right (select * from recsys_engine.feature_store_differences())? If people or posts really changed: npx recsys train, then npx recsys publish'),
  ('change of rate', 0.7, null, 100,
    'Weeks of a community differ by a tenth or two; a third less is something that broke, or another public.',
    'select * from recsys_engine.model_activations order by activation_id desc limit 5: did another model come? npx recsys rollback. Otherwise compare with select * from recsys.daily_metrics where metric = ''rate by source'''),
  ('change of coverage', 0.5, null, 100,
    'Half as many posts reach anybody: a source of candidates has run dry, or many posts have no vector.',
    'select * from recsys_engine.embedding_coverage; select * from recsys.daily_metrics where metric = ''rate by source'' order by day desc: which source brings less?'),
  ('change of novelty', 0.8, null, 100,
    'A fifth fewer bits: feeds turn to what everybody knows.',
    'Compare retrieval by source as for coverage; more variety: update recsys.settings set diversity = 2'),
  ('change of fresh', 0.5, 2, 100,
    'Half or twice the share of new posts: either authors write much less or more, or new posts do not reach feeds.',
    'Do new posts get vectors (select * from recsys.embedding_queue) and features (select * from recsys_engine.roll_up_lag)? To show each of them more often: update recsys.settings set trial_impressions = 200'),
  ('change of authors', null, 1.3, 100,
    'A tenth of the authors has a third more of the feeds than before.',
    'update recsys.settings set author_decay = 0.8: each further post of an author in a page keeps that much of its score'),
  ('degraded feeds', null, 0.01, 100,
    'A restart or a switch of models costs a few feeds; one in a hundred is a fault that stays.',
    'Read the log of the function recommend: each degraded feed says why. A broken model: npx recsys rollback'),
  ('roll-up lag', null, 60, 0,
    'The roll-up runs every 10 seconds; features are that much older than feeds suppose.',
    'select * from recsys.schedules where name = ''recsys roll-up''; work a backlog off at once: select recsys.roll_up(null)'),
  ('late changes', null, 48, 0,
    'What came late is worked off at night at the latest; a night may be lost to maintenance, two are not.',
    'select * from recsys.schedules where name = ''recsys late roll-up''; all at once: set statement_timeout = 0; select recsys.roll_up(null). What fails then: select * from recsys.feature_store_failures'),
  ('embedding lag', null, 60, 0,
    'A new post is found by its text once it has its vector, seconds after it was written.',
    'Does pg_cron call embed (select * from recsys.schedules)? Otherwise: npx recsys worker');


-- 21_health/05_health.sql

-- What is out of bounds, and what to do about it.

create function recsys_engine.percent(p_share double precision) returns text
language sql immutable security invoker set search_path = ''
as $$ select trim_scale(round((100 * p_share)::numeric, case when p_share < 0.1 then 2 else 1 end)) || ' %' $$;
comment on function recsys_engine.percent(double precision) is 'A share as people read it: 0.0123 is 1.23 %.';

create function recsys_engine.health_figures() returns table (figure text, part text, value double precision, count bigint, state text)
language sql stable security invoker set search_path = ''
as $$
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
    end || case when recsys_engine.has_cron() then '' else ' pg_cron is missing here: npx recsys serve or npx recsys worker measures every hour, or another scheduler with select recsys_engine.measure_days().' end
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
  select 'late changes', 'the oldest, in hours', coalesce(extract(epoch from now() - min(late_changes.queued_at)) / 3600, 0), 0,
    format('%s changes that came late wait.', count(*))
  from recsys_engine.late_changes
  union all
  select 'embedding lag', 'in seconds', case when active.name is null then 0 else coalesce(extract(epoch from max(queue.age)), 0) end, 0,
    format('%s jobs wait.%s', sum(queue.depth), (select format(' The longest wait seen since yesterday: %s s.', round(seconds)) from worst_lag where slice = 'embedding'))
  from active, recsys.embedding_queue as queue
  group by active.name
$$;
comment on function recsys_engine.health_figures() is 'What recsys.health() holds against recsys.health_bounds: the last seven days of recsys.daily_metrics, and what can be seen now.';

create function recsys.health() returns table (what text, value text, bound text, ok boolean, state text, cure text)
language sql stable security invoker set search_path = ''
as $$
  with judged as (
    select concat_ws(': ', figures.figure, nullif(figures.part, '')) as what, figures.value, figures.state, bounds.low, bounds.high, bounds.cure, bounds.enough,
      figures.count < bounds.enough as is_early,
      -- how far out: 1 is on the bound
      greatest(
        case when bounds.high > 0 then figures.value / bounds.high end,
        case when bounds.low > 0 then bounds.low / greatest(figures.value, 0.000001) end
      ) as severity,
      coalesce(figures.value > bounds.high, false) or coalesce(figures.value < bounds.low, false) as is_out
    from recsys_engine.health_figures() as figures
    join recsys.health_bounds as bounds on bounds.figure = figures.figure
  )
  select judged.what,
    case when judged.value is null then 'none' when judged.value = 'Infinity' then 'never' else trim_scale(round(judged.value::numeric, 3))::text end,
    concat_ws(', ', 'at least ' || judged.low, 'at most ' || judged.high),
    not judged.is_out or judged.is_early,
    judged.state || case when judged.is_out and judged.is_early then format(' Too few to judge: that takes %s.', judged.enough) else '' end,
    case when judged.is_out and not judged.is_early then judged.cure else 'nothing to do' end
  from judged
  order by judged.is_out and not judged.is_early desc, judged.severity desc nulls last, judged.what
$$;
comment on function recsys.health() is 'What is out of bounds, the worst first, then what is not: what, its value, its bound in recsys.health_bounds, whether it is ok, a sentence on how it stands, and the cure. What rests on too little is ok. Where nothing was shown or measured yet only what can be seen now has rows. Reads 35 days of recsys.daily_metrics.';
revoke all on function recsys_engine.percent(double precision), recsys_engine.health_figures(), recsys.health() from public;
grant execute on function recsys_engine.percent(double precision), recsys_engine.health_figures(), recsys.health() to service_role;


-- 21_health/06_inspection.sql

-- What a DBA asks of the engine's tables.

create view recsys_engine.posts_without_vector with (security_invoker = true) as
select posts.post_id, posts.title, posts.created_at, recsys.clock() - posts.created_at as age,
  case when job.entity_id is null then 'none waits' when job.is_dead then 'given up' else 'waits' end as job, job.failures, job.last_error
from recsys.models
cross join recsys.source_posts as posts
left join recsys_engine.embedding_jobs as job on job.kind = 'post' and job.entity_id = posts.post_id
where models.status = 'active'
  and not exists (select from recsys.post_embeddings as vectors where vectors.model_id = models.model_id and vectors.post_id = posts.post_id);
comment on view recsys_engine.posts_without_vector is 'Posts that the active model has no vector of, so that they are found by age and activity and not by what they say. Reads all posts.';
comment on column recsys_engine.posts_without_vector.post_id is 'The post.';
comment on column recsys_engine.posts_without_vector.title is 'Its title.';
comment on column recsys_engine.posts_without_vector.created_at is 'When it was written, by the app.';
comment on column recsys_engine.posts_without_vector.age is 'How long ago that was by the engine''s clock, whatever its shift.';
comment on column recsys_engine.posts_without_vector.job is 'waits: its vector is coming; given up: last_error says why; none waits: update its text, or publish again.';
comment on column recsys_engine.posts_without_vector.failures is 'How often it failed; null: no job.';
comment on column recsys_engine.posts_without_vector.last_error is 'Why it failed last.';

create view recsys_engine.sizes with (security_invoker = true) as
with recursive members as (
  select relations.oid as root, relations.oid from pg_catalog.pg_class as relations
  where relations.relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and relations.relkind in ('r', 'p') and not relations.relispartition
  union all
  select members.root, pg_inherits.inhrelid from members
  join pg_catalog.pg_inherits on pg_inherits.inhparent = members.oid
)
select pg_class.relname::text as name, count(*) - 1 as partitions,
  sum(greatest(parts.reltuples, 0))::bigint as rows,
  sum(pg_table_size(members.oid))::bigint as data_bytes, sum(pg_indexes_size(members.oid))::bigint as index_bytes,
  sum(pg_total_relation_size(members.oid))::bigint as bytes, pg_size_pretty(sum(pg_total_relation_size(members.oid))) as size
from members
join pg_catalog.pg_class on pg_class.oid = members.root
join pg_catalog.pg_class as parts on parts.oid = members.oid
group by pg_class.relname;
comment on view recsys_engine.sizes is 'How large the engine''s tables are, with their partitions, indexes and vectors. The sum of bytes is all that the engine takes besides the app''s own tables.';
comment on column recsys_engine.sizes.name is 'The table.';
comment on column recsys_engine.sizes.partitions is 'How many partitions it has.';
comment on column recsys_engine.sizes.rows is 'How many rows, as counted by the last analyze.';
comment on column recsys_engine.sizes.data_bytes is 'Of the rows, with what of them is kept apart (TOAST).';
comment on column recsys_engine.sizes.index_bytes is 'Of its indexes; those of vectors are most of it.';
comment on column recsys_engine.sizes.bytes is 'Of both.';
comment on column recsys_engine.sizes.size is 'The same as text.';

grant select on recsys_engine.posts_without_vector, recsys_engine.sizes to service_role;


-- 21_health/07_status.sql

-- What a DBA looks at first.

create view recsys.status with (security_invoker = true) as
with model as (
  select max(models.model_id) as model_id, max(models.name) as name from recsys.models where models.status = 'active'
),
newest as (
  -- a count of all posts reads whole tables: half a second at 155,000 posts. A gap shows among the newest
  select count(*) as posts, count(post_embeddings.post_id) as with_vector
  from (select source_posts.post_id from recsys.source_posts where source_posts.created_at <= recsys.clock() order by source_posts.created_at desc, source_posts.post_id limit 1000) as latest
  cross join model
  left join recsys.post_embeddings on post_embeddings.model_id = model.model_id and post_embeddings.post_id = latest.post_id
),
jobs as (
  select sum(embedding_queue.depth) as depth, max(embedding_queue.age) as age, sum(embedding_queue.dead) as dead from recsys.embedding_queue
),
erasing as (
  select count(*) as depth, now() - min(erasures.deleted_at) as age from recsys.erasures where erasures.erased_at is null
),
months as (
  select count(*) as made, coalesce(sum(pg_relation_size(pg_class.oid)) filter (where pg_class.relname = 'impressions_default'), 0) as bytes_in_default
  from pg_catalog.pg_inherits
  join pg_catalog.pg_class on pg_class.oid = pg_inherits.inhrelid
  where pg_inherits.inhparent = 'recsys.impressions'::regclass
    and (pg_class.relname = 'impressions_default' or pg_class.relname >= to_char((recsys.clock() + interval '1 month') at time zone 'UTC', '"impressions_"YYYY_MM'))
),
runs as (
  select recsys_engine.has_cron() as are_run, count(*) as scheduled, string_agg(schedules.name, ', ') filter (where not schedules.is_active) as paused,
    string_agg(schedules.name, ', ') filter (where schedules.last_result like 'failed%') as failed
  from recsys.schedules
),
figures as (
  select count(*) as number, count(*) filter (where not health.ok) as out, string_agg(health.what, '; ') filter (where not health.ok) as names from recsys.health() as health
)
select concerns.concern, concerns.is_ok, concerns.state, case when concerns.is_ok then 'ok' else concerns.cure end as verdict
from model, newest, jobs, erasing, months, runs, figures, recsys_engine.roll_up_lag as lag, recsys.training_status as training
cross join lateral (
  values
    (1, 'model', model.model_id is not null, coalesce(model.name || ' serves', 'none is active: feeds are fresh and popular'), 'npx recsys train, then npx recsys publish'),
    (2, 'feature store', coalesce(lag.age < interval '1 minute', true), concat_ws(', the oldest for ', lag.depth || ' changes wait', lag.age),
      'is ''recsys roll-up'' among recsys.schedules, active, and what was its last result? Work a backlog off at once: select recsys.roll_up(null)'),
    (3, 'embedding queue', coalesce(jobs.age < interval '1 minute', true) or model.model_id is null, concat_ws(', the oldest for ', jobs.depth || ' jobs wait', jobs.age),
      'does pg_cron call embed (recsys.schedules), or does npx recsys worker run?'),
    (4, 'dead letters', jobs.dead = 0, jobs.dead || ' jobs were given up',
      'select * from recsys.embedding_dead_letters; to try again: update recsys_engine.embedding_jobs set failures = 0, attempts = 0, due_at = now() where is_dead'),
    (5, 'vectors', newest.with_vector >= 0.99 * newest.posts - 10 or model.model_id is null, format('%s of the newest %s posts have one', newest.with_vector, newest.posts),
      'select * from recsys_engine.embedding_coverage; where no job waits for them: npx recsys publish'),
    (6, 'erasure', coalesce(erasing.age < interval '10 minutes', true), concat_ws(', the oldest for ', erasing.depth || ' deleted posts and users wait', erasing.age),
      'is ''recsys erasure'' among recsys.schedules, active, and what was its last result? At once: select recsys.erase()'),
    (7, 'impressions', months.made > 1 and months.bytes_in_default < 100000000,
      case when months.made > 1 then 'next month has its partition' else 'next month has no partition' end
        || case when months.bytes_in_default > 0 then ', ' || pg_size_pretty(months.bytes_in_default) || ' in the default one' else '' end,
      'select recsys_engine.make_impression_partitions()'),
    (8, 'schedules', runs.are_run and runs.paused is null and runs.failed is null,
      case when runs.are_run then coalesce(nullif(concat_ws('; ', 'paused: ' || runs.paused, 'failed: ' || runs.failed), ''), runs.scheduled || ' run') else 'pg_cron is missing' end,
      case when not runs.are_run then 'npx recsys serve or worker, and the commands of recsys.schedules by another scheduler'
        else 'select * from recsys.schedules; recsys.resume(name) ends a pause' end),
    (9, 'training', coalesce(now() - training.waiting_since < interval '1 day', true) and coalesce(training.last_failed_at <= training.last_done_at, training.last_failed_at is null),
      case
        when training.waiting_since is not null then 'a request has waited since ' || training.waiting_since::timestamptz(0)
        when training.last_failed_at > coalesce(training.last_done_at, '-infinity') then 'the last one failed: ' || training.last_error
        else coalesce('last done ' || training.last_done_at::timestamptz(0), 'none so far')
      end,
      'does npx recsys worker --train run? select * from recsys.training_status'),
    (10, 'health', figures.out = 0,
      case figures.out when 0 then format('%s figures are within their bounds', figures.number) else format('%s of %s figures are out of bounds: %s', figures.out, figures.number, figures.names) end,
      'select * from recsys.health(), or npx recsys health: each with its cure')
) as concerns (place, concern, is_ok, state, cure)
order by concerns.place;
comment on view recsys.status is 'What to look at first: a line for each concern, and what to do where it is not well.';
comment on column recsys.status.concern is 'What the line is about.';
comment on column recsys.status.is_ok is 'Whether all is well there.';
comment on column recsys.status.state is 'How it stands.';
comment on column recsys.status.verdict is 'ok, or what to do.';

grant select on recsys.status to service_role;


-- 22_visitors/01_rate_limits.sql

-- How often one person may call: counted here, so that all workers of all functions count together.

-- unlogged: an update writes nothing to the write-ahead log, and a crash gives everybody a whole allowance
create unlogged table recsys_engine.rate_limits (
  user_id uuid primary key,
  whole_at timestamptz not null
) with (fillfactor = 50);
comment on table recsys_engine.rate_limits is 'How much of the allowance of settings.requests_per_minute each person has used up. A row may go at any time: it gives a whole allowance.';
comment on column recsys_engine.rate_limits.user_id is 'Whose.';
comment on column recsys_engine.rate_limits.whole_at is 'When the allowance is whole again: each request moves it on by a minute''s share, and it may not be more than a minute ahead.';
alter table recsys_engine.rate_limits enable row level security;
grant select, insert, update, delete on recsys_engine.rate_limits to service_role;

create function recsys_engine.take_request(p_user_id uuid) returns double precision
language plpgsql volatile security invoker set search_path = ''
-- whoever locks the table keeps no feed waiting
set lock_timeout = '100ms'
as $$
declare
  share constant interval := (select interval '1 minute' / settings.requests_per_minute from recsys.settings);
  at constant timestamptz := clock_timestamp();
begin
  if share is null then
    return null;
  end if;
  insert into recsys_engine.rate_limits as own (user_id, whole_at) values (p_user_id, at + share)
  on conflict (user_id) do update
    -- two minutes ahead is nobody but who called before the clock was set back: they begin from scratch
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
$$;
comment on function recsys_engine.take_request(uuid) is 'Counts a request of a person. Null: they may have it; otherwise in how many seconds they may have the next. Called by the functions before the transaction of the request, so that it counts whatever becomes of that, and nobody waits for a row until it ends.';

create function recsys_engine.purge_rate_limits() returns bigint
language sql volatile security invoker set search_path = ''
as $$
  with gone as (
    delete from recsys_engine.rate_limits where whole_at < now() returning 1
  )
  select count(*) from gone
$$;
comment on function recsys_engine.purge_rate_limits() is 'Deletes the rows of whoever has a whole allowance again, and returns how many. Called every night by pg_cron.';

revoke all on function recsys_engine.take_request(uuid), recsys_engine.purge_rate_limits() from public;
grant execute on function recsys_engine.take_request(uuid), recsys_engine.purge_rate_limits() to service_role;

select recsys_engine.schedule('recsys purge of rate limits', '57 3 * * *', 'select recsys_engine.purge_rate_limits()');


-- 22_visitors/02_visitors.sql

-- Visitors, who have not signed in, get a feed by the interests that their request names: under the role anon, so that the app's own row
-- level security decides which posts they see. This file is all that anon may do here. An app without it, or whose posts anon has no
-- right to read, tells visitors to sign in.
--
-- Nothing is said here of people, of what they did, of what was shown to them, and nothing may be written.

grant usage on schema recsys, recsys_engine to anon;

-- what the app shows them
grant select on recsys.source_posts, recsys.source_withheld to anon;

-- the instant, the weights, the model
grant select (clock_shift) on recsys.settings to anon;
grant select on recsys_engine.feed_settings to anon;
do $$
begin
  execute (
    select format('grant select (%s) on recsys.settings to anon', string_agg(quote_ident(attname), ', '))
    from pg_catalog.pg_attribute where attrelid = 'recsys_engine.feed_settings'::regclass and attnum > 0
  );
end
$$;
grant select (version) on recsys_engine.feature_store_version to anon;
grant select (model_id, name, status, feature_spec_digest, heads) on recsys.models to anon;
grant select (model_id, graph, onnx, sha256) on recsys_engine.model_artifacts to anon;
alter policy "settings are readable" on recsys.settings to anon, authenticated;
alter policy "the version is readable" on recsys_engine.feature_store_version to anon, authenticated;
alter policy "the callers of functions read models" on recsys.models to anon, authenticated;
alter policy "the callers of functions read artifacts" on recsys_engine.model_artifacts to anon, authenticated;

-- what the engine knows of posts, each read with its post
grant select (model_id, post_id, embedding) on recsys.post_embeddings to anon;
grant select (post_id, last_active_at, interaction_id, kind, views, votes, comments, participants, last_comment_at, recent, trend) on recsys_engine.post_stats, recsys_engine.latest_post_stats to anon;
grant select on recsys_engine.post_tags, recsys_engine.newcomer_posts to anon;
alter policy "vectors are read with their post" on recsys.post_embeddings to anon, authenticated;
alter policy "stats are read with their post" on recsys_engine.post_stats to anon, authenticated;
alter policy "stats are read with their post" on recsys_engine.latest_post_stats to anon, authenticated;
alter policy "trials are read with their post" on recsys_engine.newcomer_posts to anon, authenticated;
alter policy "tags are read with their post" on recsys_engine.post_tags to anon, authenticated;

grant execute on function
  recsys_engine.feed_context(jsonb), recsys_engine.user_context(uuid, bigint, timestamptz), recsys.clock(), recsys_engine.served_key(uuid, bigint), recsys_engine.folded(text), recsys_engine.without_controls(text), recsys_engine.text_for_mutes(text, text[]), recsys_engine.has_muted_word(text, text[], text), recsys_engine.request_with_mutes(uuid, timestamptz), recsys_engine.with_filter(recsys_engine.feed_request, jsonb), recsys_engine.new_posts(uuid, timestamptz, jsonb, integer), recsys_engine.feed_request(uuid, timestamptz, jsonb, bigint, bigint[]),
  recsys_engine.eligible_posts(recsys_engine.feed_request), recsys_engine.with_trials(recsys_engine.feed_request), recsys_engine.few_readable(double precision), recsys_engine.newest_matches(recsys_engine.feed_request, integer), recsys_engine.pooled(recsys_engine.feed_request, uuid[]), recsys_engine.with_given(recsys_engine.feed_request, uuid[]), recsys_engine.given_posts(uuid, uuid[], jsonb, bigint), recsys_engine.with_affinities(recsys_engine.feed_request), recsys_engine.with_touched(recsys_engine.feed_request), recsys_engine.with_came_to(recsys_engine.feed_request, bigint), recsys_engine.with_covisited(recsys_engine.feed_request, bigint),
  recsys_engine.with_pool(recsys_engine.feed_request, bigint, extensions.vector, boolean, double precision), recsys_engine.ranked_posts(recsys_engine.feed_request, bigint, extensions.vector), recsys_engine.told_ranked_posts(recsys_engine.feed_request, recsys_engine.ranked_post[]), recsys_engine.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb)
to anon;

-- the sources, whichever there are (11_retrieval/04_sources.sql)
do $$
declare
  source regprocedure;
begin
  for source in select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'recsys_engine'::regnamespace and proname ~ '^(retrieve_|is_enough$|within_share$|earlier_states$|(newest|active|trending)_posts|most_found$|author_share$|common_sources$|own_sources$)' loop
    execute format('grant execute on function %s to anon', source);
  end loop;
end
$$;


-- 23_check/01_sql_names.sql

-- Names as statements have them that a person is to run: right whatever an app calls its tables, and in one line.

-- Called thousands of times by recsys.check(), and in plpgsql, as are recsys_engine.trigger_arguments, names_account and person_read: a function in SQL is
-- planned at each call. With all four in SQL recsys.check() takes 333 ms of a processor instead of 237 for an app of 22 tables.
create function recsys_engine.quoted_sql(p_text text, p_quote text) returns text
language plpgsql immutable security invoker set search_path = ''
as $$
begin
  -- a line break within quotes would be one in the statement too, so it becomes U&"two\000alines"
  return case when p_text ~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029]' then (
    select 'U&' || p_quote || string_agg(case
      when letters.letter in ('\', p_quote) then letters.letter || letters.letter
      when letters.letter ~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029]' then '\' || lpad(to_hex(ascii(letters.letter)), 4, '0')
      else letters.letter
    end, '' order by letters.place) || p_quote
    from regexp_split_to_table(p_text, '') with ordinality as letters (letter, place)
  ) end;
end
$$;
comment on function recsys_engine.quoted_sql(text, text) is 'A text with line breaks or control characters in quotes of SQL, without them; null where it has none.';

create function recsys_engine.identifier_sql(p_name text) returns text
language sql immutable security invoker set search_path = ''
as $$ select coalesce(recsys_engine.quoted_sql(p_name, '"'), quote_ident(p_name)) $$;
comment on function recsys_engine.identifier_sql(text) is 'A name as SQL has it, quoted where that is needed, in one line.';

create function recsys_engine.literal_sql(p_text text) returns text
language sql immutable security invoker set search_path = ''
as $$ select coalesce(recsys_engine.quoted_sql(p_text, ''''), quote_literal(p_text)) $$;
comment on function recsys_engine.literal_sql(text) is 'A text as SQL has it, in quotes and in one line.';

create function recsys_engine.table_sql(p_relation regclass) returns text
language sql stable security invoker set search_path = ''
as $$
  select recsys_engine.identifier_sql(pg_namespace.nspname) || '.' || recsys_engine.identifier_sql(pg_class.relname)
  from pg_catalog.pg_class join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
  where pg_class.oid = p_relation
$$;
comment on function recsys_engine.table_sql(regclass) is 'A table or view as SQL has it, with its schema.';
revoke all on function recsys_engine.quoted_sql(text, text), recsys_engine.identifier_sql(text), recsys_engine.table_sql(regclass), recsys_engine.literal_sql(text) from public;


-- 23_check/02_views_read.sql

-- What is under a view, and under whose rights it is read.

create function recsys_engine.relations_under(p_view regclass) returns table (relation regclass, kind "char")
language plpgsql stable security invoker set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with recursive under as (
    select p_view::oid as oid
    union
    select pg_depend.refobjid
    from under
    join pg_catalog.pg_rewrite on pg_rewrite.ev_class = under.oid
    join pg_catalog.pg_depend on pg_depend.classid = 'pg_catalog.pg_rewrite'::regclass and pg_depend.objid = pg_rewrite.oid
      and pg_depend.refclassid = 'pg_catalog.pg_class'::regclass and pg_depend.refobjid <> under.oid
  )
  select under.oid::regclass, pg_class.relkind
  from under
  join pg_catalog.pg_class on pg_class.oid = under.oid
  where under.oid <> p_view;
end
$$;
comment on function recsys_engine.relations_under(regclass) is 'The tables (kind r, p, f) and views (v, m) that a view reads, however many views are between.';

create function recsys_engine.is_invoker_view(p_view regclass) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select coalesce((
    select bool_or(lower(option.option_value) in ('true', 'on', 'yes', '1'))
    from pg_catalog.pg_class
    cross join pg_catalog.pg_options_to_table(pg_class.reloptions) as option
    where pg_class.oid = p_view and option.option_name = 'security_invoker'
  ), false)
$$;
comment on function recsys_engine.is_invoker_view(regclass) is 'Whether a view shows its reader what the reader may see (security_invoker), and not what its owner may.';

revoke all on function recsys_engine.relations_under(regclass), recsys_engine.is_invoker_view(regclass) from public;
-- a feed asks whether an app says which posts are one conversation
grant execute on function recsys_engine.relations_under(regclass) to service_role;


-- 23_check/03_columns_needed.sql

-- Which columns of the app's tables somebody has to be allowed to read for the source views to be read: what the grants that recsys.check()
-- proposes are made of. A table may hold a hash of a password next to a name, so no grant of ours names more than is read.

create function recsys_engine.columns_asked(p_role name, p_relation regclass) returns table (relation regclass, attnum smallint)
language sql stable security invoker set search_path = ''
as $$
  select pg_depend.refobjid::regclass, pg_depend.refobjsubid::smallint
  from (
    -- under a view that is not security_invoker its owner reads, and no caller
    select 'pg_catalog.pg_rewrite'::regclass as class, pg_rewrite.oid
    from pg_catalog.pg_rewrite where pg_rewrite.ev_class = p_relation and recsys_engine.is_invoker_view(p_relation)
    union all
    select 'pg_catalog.pg_policy'::regclass, pg_policy.oid
    from pg_catalog.pg_policy
    join pg_catalog.pg_class on pg_class.oid = pg_policy.polrelid and pg_class.relrowsecurity
    join pg_catalog.pg_roles on pg_roles.rolname = p_role and not pg_roles.rolbypassrls
    where pg_policy.polrelid = p_relation and pg_policy.polcmd in ('r', '*')
      and exists (select from unnest(pg_policy.polroles) as granted (role) where granted.role = 0 or pg_has_role(pg_roles.oid, granted.role, 'usage'))
  ) as asking
  join pg_catalog.pg_depend on pg_depend.classid = asking.class and pg_depend.objid = asking.oid and pg_depend.refclassid = 'pg_catalog.pg_class'::regclass
  -- a policy reads the row that it judges without a right to it
  where pg_depend.refobjid <> p_relation
$$;
comment on function recsys_engine.columns_asked(name, regclass) is 'The columns that a view, or the policies on a table, read as the role that asks, one step down; with a number of 0 for the table itself.';

create function recsys_engine.columns_needed(p_role name, p_view regclass) returns table (relation regclass, attnum smallint)
language sql stable security invoker set search_path = ''
as $$
  with recursive needed as (
    select p_view as relation, 0::smallint as attnum
    union
    select asked.relation, asked.attnum from needed cross join lateral recsys_engine.columns_asked(p_role, needed.relation) as asked
  )
  select needed.relation, needed.attnum from needed where needed.relation <> p_view
$$;
comment on function recsys_engine.columns_needed(name, regclass) is 'The columns that a role has to be allowed to read for a view to show it anything, those of views under it and of what policies read included; with a number of 0 for each table itself. What functions read is not among them: the catalog does not say it.';

create function recsys_engine.missing_reads(p_role name) returns table (relation regclass, views text, columns text, statement text)
language sql stable security invoker set search_path = ''
as $$
  select lacking.relation, string_agg(distinct lacking.view, ', ' order by lacking.view), named.columns,
    format('grant select (%s) on %s to %I', named.columns, recsys_engine.table_sql(lacking.relation), p_role)
  from (
    select 'recsys.' || views.view as view, needed.relation, array_agg(needed.attnum) over (partition by needed.relation) as attnums
    from unnest('{source_users,source_posts,source_interactions,source_logins,source_dismissals,source_mutes,source_follows,source_preferences,source_withheld,source_conversations}'::text[]) as views (view)
    cross join recsys_engine.columns_needed(p_role, to_regclass('recsys.' || views.view)) as needed
    join pg_catalog.pg_class on pg_class.oid = needed.relation and pg_class.relnamespace not in ('recsys'::regnamespace, 'recsys_engine'::regnamespace)
    -- logins are read by the roll-up alone
    where (p_role = 'service_role' or views.view <> 'source_logins')
      and needed.attnum <> 0 and not has_column_privilege(p_role, needed.relation, needed.attnum, 'select')
  ) as lacking
  cross join lateral (
    select string_agg(recsys_engine.identifier_sql(pg_attribute.attname), ', ' order by pg_attribute.attnum) as columns
    from pg_catalog.pg_attribute where pg_attribute.attrelid = lacking.relation and pg_attribute.attnum = any (lacking.attnums)
  ) as named
  group by lacking.relation, named.columns
$$;
comment on function recsys_engine.missing_reads(name) is 'The columns of the app''s tables that a role may not read though a source view does so for it, a row for each table, with the statement that grants these and no others.';

create function recsys.grant_reads(p_role name) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- recsys_engine.missing_reads quotes what it names, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  missing record;
begin
  if p_role is null or p_role not in ('service_role', 'authenticated') then
    raise exception 'recsys.grant_reads: the role is service_role, or authenticated where members are to read what the views show, not %', coalesce(quote_literal(p_role), 'null')
      using errcode = '22023';
  end if;
  for missing in select reads.statement from recsys_engine.missing_reads(p_role) as reads loop
    execute missing.statement;
  end loop;
end
$$;
comment on function recsys.grant_reads(name) is 'Grants a role the columns that the source views read of the app''s tables, as far as it lacks them, and nothing else of these. Call it after each change of a view, for service_role, which reads all rows of them. Of authenticated it asks no more than each feed does: row level security has to say which rows these are.';
revoke all on function recsys_engine.columns_asked(name, regclass), recsys_engine.columns_needed(name, regclass), recsys_engine.missing_reads(name), recsys.grant_reads(name) from public;


-- 23_check/04_check_views.sql

-- The first part of recsys.check(): whether the ten source views are what the engine reads.

create function recsys_engine.check_views() returns table (stops boolean, problem text, cure text)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return query
  select true, format('%s is not security_invoker: it shows everybody what its owner may see, and no feed is served from it', view.name),
    format('alter view %s set (security_invoker = true)  -- and in your migration: create or replace view %1$s with (security_invoker = true) as …', view.name)
  from pg_catalog.unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_logins,recsys.source_dismissals,recsys.source_mutes,recsys.source_follows,recsys.source_preferences,recsys.source_withheld,recsys.source_conversations}'::text[]) as view (name)
  where not recsys_engine.is_invoker_view(to_regclass(view.name));

  return query
  select false, format('%s reads the view %s, which is not security_invoker: row level security of the tables under it does not hold', view.name, recsys_engine.table_sql(under.relation)),
    format('unless it says itself who sees what: alter view %s set (security_invoker = true)', recsys_engine.table_sql(under.relation))
  from pg_catalog.unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_logins,recsys.source_dismissals,recsys.source_mutes,recsys.source_follows,recsys.source_preferences,recsys.source_withheld,recsys.source_conversations}'::text[]) as view (name)
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
      ('recsys.source_conversations', 'post_id', 'uuid'), ('recsys.source_conversations', 'conversation', 'text')
  ) as expected (view, name, type)
  where not exists (
    select from pg_catalog.pg_attribute
    where pg_attribute.attrelid = to_regclass(expected.view) and pg_attribute.attname = expected.name and pg_attribute.atttypid = expected.type
  );
end
$$;
comment on function recsys_engine.check_views() is 'What is wrong with the source views: not security_invoker, columns missing or of another type. stops: no feed or training is to be had until it is mended. Part of recsys.check().';

revoke all on function recsys_engine.check_views() from public;


-- 23_check/05_check_access.sql

-- The second part of recsys.check(): whether the roles that feeds ask as may do what they ask. A feed that lacks a right comes down to what needs
-- none (…/recommend/fallbacks.ts), and nobody sees why. So that is asked which is asked in earnest: a right may be wanting to a table of the app's, a
-- function of its policies, a schema that a dashboard's script took away.

create function recsys_engine.members_read(p_relation regclass) returns text
language sql stable security invoker set search_path = ''
as $$
  select ' (' || granted.columns || ')'
  from (
    values
      ('recsys_engine.post_stats', 'post_id, last_active_at, interaction_id, kind, views, votes, comments, participants, last_comment_at, recent, trend'),
      ('recsys_engine.latest_post_stats', 'post_id, last_active_at, interaction_id, kind, views, votes, comments, participants, last_comment_at, recent, trend'),
      ('recsys.impressions', 'request_id, user_id, post_id, shown_at, seen_at'),
      ('recsys_engine.batch_runs', 'run_id, model_id, model_name, as_of')
  ) as granted (relation, columns)
  where to_regclass(granted.relation) = p_relation
$$;
comment on function recsys_engine.members_read(regclass) is 'Of a table of the engine that authenticated reads in part, the columns, as a grant has them: who did what, and what was shown to whom, is among the others.';

create function recsys_engine.missing_grant(p_role name, p_denied text, p_context text) returns text
language sql stable security invoker set search_path = ''
as $$
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
      when engine.relation is not null and denied.tables is null then format('grant select%s on %s to %I', case when p_role = 'authenticated' then recsys_engine.members_read(engine.relation) end, recsys_engine.table_sql(engine.relation), p_role)
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
$$;
comment on function recsys_engine.missing_grant(name, text, text) is 'The statement that gives a role what it lacks, from the words in which PostgreSQL denied it and the context of the error; where no statement would give that alone, what to do in words.';

create function recsys_engine.check_access() returns table (stops boolean, problem text, cure text)
-- volatile: it sets the role
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- what it asks is written here: @plpgsql_check_options: security_warnings = off
  -- of whom there is nothing to be found, so that all of this takes little
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
        ('authenticated', 'candidates', 'select recsys_engine.served_key(found.post_id, 1) from recsys_engine.retrieve($1, $2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock()) as found'),
        ('authenticated', 'candidates with a filter', 'select from recsys_engine.retrieve($1, $2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock(), p_filter => ''{"tags": [""]}'')'),
        ('authenticated', 'the model', 'select * from recsys_engine.model_artifacts limit 0'),
        ('authenticated', 'their variant of an experiment', 'select recsys_engine.bucket($1, ''''), * from recsys.experiments, recsys.experiment_variants limit 0'),
        ('authenticated', 'the vectors of a second model', 'select from recsys_engine.user_vectors($1, $2, now(), ''{}'')'),
        ('authenticated', 'states of before', 'select from recsys_engine.user_history($1, recsys.clock()), recsys_engine.thinned_state($1, recsys.clock(), 0), recsys_engine.thinning'),
        ('service_role', 'what is common to all feeds', 'select recsys_engine.common_posts(recsys.clock()), recsys_engine.known_posts($2, ''{}'', recsys.clock()), (select count(*) from recsys_engine.rolled_up_posts)'),
        ('service_role', 'candidates besides these',
          'select recsys_engine.candidates(''authenticated'', $1, $2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock(), p_common => ''{}'', p_common_at => recsys.clock())'),
        ('authenticated', 'the newest of whom they follow', 'select from recsys_engine.following_feed($1, recsys.clock(), 1)'),
        ('authenticated', 'posts that the app names', 'select from recsys_engine.given_posts($1, ''{}'')'),
        ('authenticated', 'how many posts are new', 'select recsys_engine.new_posts($1, recsys.clock())'),
        ('authenticated', 'a list made ahead', 'select from recsys_engine.batch_feed($1, 1)'),
        ('authenticated', 'what is fresh and popular',
          'with asked as materialized (select recsys_engine.feed_request($1, recsys.clock()) as request)
            select from asked cross join lateral recsys_engine.common_sources(asked.request, ''feed'') as each where each.source in (''fresh'', ''trending'')'),
        ('authenticated', 'posts like one',
          'select recsys.app_id(post.post_id), recsys_engine.posts_like(post.post_id, 1),
            recsys_engine.nearest_posts($2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock(), ''{}'', 1)
            from (select source_posts.post_id from recsys.source_posts limit 1) as post'),
        ('authenticated', 'ideas', 'select from recsys_engine.idea_author(), recsys_engine.idea_posts(1)'),
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
        -- nor once more for the service, which looks for candidates under the role of whoever asks
        if asked.role || regexp_replace(denied, 'for (materialized )?view', 'for table') <> all (known) and not (asked.query ~ 'recsys_engine.candidates\(''authenticated''' and 'authenticated' || denied = any (known)) then
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
$$;
comment on function recsys_engine.check_access() is 'What authenticated or service_role may not do of what feeds ask as them, each with the grant that is missing, and no more than that: columns of tables that the views read, else what is to be done in words; of tables and schemas of the app and of the engine, functions, and what policies call. stops: feeds come down to less, or to nothing, until it is granted. What is hidden behind it shows once it is. Part of recsys.check().';
revoke all on function recsys_engine.members_read(regclass), recsys_engine.missing_grant(name, text, text), recsys_engine.check_access() from public;


-- 23_check/06_check_rows.sql

-- The third part of recsys.check(): the rows that the source views show. It reads them all: 6 s for 500,000 events at a load of 18.

create function recsys_engine.check_rows() returns table (stops boolean, problem text, cure text)
language plpgsql stable security invoker set search_path = ''
set jit = off
as $$
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
        -- one word or two: whoever may write any text may write a secret, a line that looks like a finding, or what a terminal obeys
        cross join lateral (select length(source_kinds.kind) <= 24 and source_kinds.kind ~ '^[^[:space:][:cntrl:]@\u200e\u200f\u2028-\u202e\u2066-\u2069]+( [^[:space:][:cntrl:]@\u200e\u200f\u2028-\u202e\u2066-\u2069]+)?$') as spoken (is_sayable)
        where source_kinds.kind <> '' and source_kinds.kind not in (select kinds.kind from recsys.kinds)
        group by source_kinds.of_table, source_kinds.kind, source_kinds.otherwise, spoken.is_sayable
      ) as unlisted
      left join recsys.kinds as otherwise on otherwise.kind = unlisted.otherwise
      group by unlisted.of_table, unlisted.otherwise, otherwise.head
    ) as found
    -- of a thousand words of whoever it is nobody lists each
    where found.head is null or found.words <= 200;

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
$$;
comment on function recsys_engine.check_rows() is 'What is wrong with the rows of the source views: ids that are there twice, nulls, kinds that are none of the ranker''s, weights that are none, ids that do not match, posts younger than what was done with them. It reads every row. Part of recsys.check().';
revoke all on function recsys_engine.check_rows() from public;


-- 23_check/07_watch_proposals.sql

-- For recsys_engine.check_upkeep(): the call of recsys.watch for a table that a source view reads, as far as keys, types and names say which column is
-- what. A guess that raised, or that took a comment's id for a post's, would be worse than none.

create function recsys_engine.names_account(p_table regclass, p_column smallint) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (
    with recursive chain as (
      select p_table::oid as relation, p_column as attnum
      union
      select pg_constraint.confrelid, pg_constraint.confkey[1]
      from chain
      join pg_catalog.pg_constraint on pg_constraint.conrelid = chain.relation and pg_constraint.contype = 'f' and pg_constraint.conkey = array[chain.attnum]
    )
    select coalesce(bool_or(
      chain.relation = to_regclass('auth.users')
      -- the key of people whom no foreign key leads further
      or (
        exists (select from recsys_engine.relations_under('recsys.source_users'::regclass) as under where under.relation = chain.relation)
        and exists (select from pg_catalog.pg_constraint where conrelid = chain.relation and contype = 'p' and conkey = array[chain.attnum])
        and not exists (select from pg_catalog.pg_constraint where conrelid = chain.relation and contype = 'f' and confrelid = to_regclass('auth.users'))
      )
    ), false) and (select atttypid = 'uuid'::regtype from pg_catalog.pg_attribute where attrelid = p_table and attnum = p_column)
    from chain
  );
end
$$;
comment on function recsys_engine.names_account(regclass, smallint) is 'Whether a column is a uuid of auth.users: foreign keys lead from it there, or to the key of a table of people that recsys.source_users reads.';
revoke all on function recsys_engine.names_account(regclass, smallint) from public;

create function recsys_engine.columns_read(p_view regclass, p_table regclass) returns table (name text, attnum smallint, type regtype, category "char")
language plpgsql stable security invoker set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select distinct pg_attribute.attname::text, pg_attribute.attnum, pg_attribute.atttypid::regtype, pg_type.typcategory
  from (select p_view as view union select under.relation from recsys_engine.relations_under(p_view) as under where under.kind in ('v', 'm')) as views
  join pg_catalog.pg_rewrite on pg_rewrite.ev_class = views.view
  join pg_catalog.pg_depend on pg_depend.classid = 'pg_catalog.pg_rewrite'::regclass and pg_depend.objid = pg_rewrite.oid
    and pg_depend.refclassid = 'pg_catalog.pg_class'::regclass and pg_depend.refobjid = p_table
  join pg_catalog.pg_attribute on pg_attribute.attrelid = p_table and pg_attribute.attnum = pg_depend.refobjsubid and pg_attribute.attnum > 0
  join pg_catalog.pg_type on pg_type.oid = pg_attribute.atttypid;
end
$$;
comment on function recsys_engine.columns_read(regclass, regclass) is 'The columns of a table that a view reads, itself or by views under it.';
revoke all on function recsys_engine.columns_read(regclass, regclass) from public;

create function recsys_engine.person_read(p_view regclass, p_table regclass, out name text, out lookup text[])
language plpgsql stable security invoker set search_path = ''
as $$
#variable_conflict use_column
begin
  with persons as (
    select columns.name, null::text[] as lookup, 1 as rank
    from recsys_engine.columns_read(p_view, p_table) as columns
    where recsys_engine.names_account(p_table, columns.attnum)
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
        recsys_engine.names_account(pg_constraint.confrelid::regclass, read.attnum)
        or shown.attgenerated = 's' and exists (select from recsys_engine.relations_under('recsys.source_users'::regclass) as under where under.relation = pg_constraint.confrelid)
      )
    ) as uuid
    where columns.type = any ('{uuid,bigint,integer,smallint,text,varchar}'::regtype[]) and not recsys_engine.names_account(p_table, columns.attnum)
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
$$;
comment on function recsys_engine.person_read(regclass, regclass) is 'The column by which rows of a table that a view reads name a person, and what recsys.watch needs as p_user_lookup. Nulls: none does, or several could.';
revoke all on function recsys_engine.person_read(regclass, regclass) from public;

create function recsys_engine.generated_from(p_table regclass, p_column smallint) returns table (attnum smallint)
language sql stable security invoker set search_path = ''
as $$
  select pg_depend.refobjsubid::smallint
  from pg_catalog.pg_attrdef
  join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_attrdef.adrelid and pg_attribute.attnum = pg_attrdef.adnum and pg_attribute.attgenerated <> ''
  join pg_catalog.pg_depend on pg_depend.classid = 'pg_catalog.pg_attrdef'::regclass and pg_depend.objid = pg_attrdef.oid
    and pg_depend.refclassid = 'pg_catalog.pg_class'::regclass and pg_depend.refobjid = p_table and pg_depend.refobjsubid > 0
  where pg_attrdef.adrelid = p_table and pg_attrdef.adnum = p_column and pg_depend.refobjsubid <> p_column
$$;
comment on function recsys_engine.generated_from(regclass, smallint) is 'The columns of which a generated column is made.';
revoke all on function recsys_engine.generated_from(regclass, smallint) from public;

create function recsys_engine.posts_read(p_view regclass, p_table regclass) returns table (name text)
language plpgsql stable security invoker set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select distinct columns.name
  from recsys.watches as posts
  join pg_catalog.pg_class on pg_class.oid = posts.table_name
  cross join recsys_engine.columns_read(p_view, p_table) as columns
  cross join lateral (select columns.attnum union select made.attnum from recsys_engine.generated_from(p_table, columns.attnum) as made) as base
  join pg_catalog.pg_attribute as base_column on base_column.attrelid = p_table and base_column.attnum = base.attnum
  left join lateral (
    select pg_constraint.confrelid from pg_catalog.pg_constraint
    where pg_constraint.conrelid = p_table and pg_constraint.contype = 'f' and pg_constraint.conkey = array[base.attnum] limit 1
  ) as key on true
  cross join lateral (select lower(base_column.attname) as name, regexp_replace(lower(base_column.attname), '_?id$', '') as stem) as called
  where posts.kind = 'posts' and columns.type = any ('{uuid,bigint,integer,smallint,text,varchar}'::regtype[])
    -- without a key, a name that says that table: post_id of posts, story_id of stories; in that table itself, one that says what it does with it
    and coalesce(key.confrelid = posts.table_name, called.name ~ '.id$' and case
      when posts.table_name = p_table then called.stem ~ '^(in_?)?(reply|repost|renote|reblog|boost|quote|parent|root)(_?(to|of))?$'
      else lower(pg_class.relname) in (called.stem, called.stem || 's', called.stem || 'es', regexp_replace(called.stem, 'y$', 'ies'))
    end);
end
$$;
comment on function recsys_engine.posts_read(regclass, regclass) is 'The columns by which rows of a table that a view reads name a post of the table that is watched as posts; of that table itself, those by which a post answers another one or passes it on.';
revoke all on function recsys_engine.posts_read(regclass, regclass) from public;

create function recsys_engine.proposed_watch(p_view regclass, p_kind text, p_table regclass, p_post text) returns text
language plpgsql stable security invoker set search_path = ''
as $$
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
$$;
comment on function recsys_engine.proposed_watch(regclass, text, regclass, text) is 'A call of recsys.watch that follows a table which a source view reads, as SQL; p_kind: what the rows of the view are; p_post: the column that names a post, of recsys_engine.posts_read. Null: its columns do not suffice, as where a person or a post is found by a join alone, or do not say which is which.';
revoke all on function recsys_engine.proposed_watch(regclass, text, regclass, text) from public;


-- 23_check/08_check_upkeep.sql

-- The fourth part of recsys.check(): whether the changes of the app's tables reach the engine.

create function recsys_engine.says_the_same(p_table regclass, p_one text, p_other text) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select p_one = p_other or exists (
    select from pg_catalog.pg_attribute as one, pg_catalog.pg_attribute as other
    where one.attrelid = p_table and other.attrelid = p_table and one.attname = p_one and other.attname = p_other
      and (other.attnum in (select made.attnum from recsys_engine.generated_from(p_table, one.attnum) as made)
        or one.attnum in (select made.attnum from recsys_engine.generated_from(p_table, other.attnum) as made))
  )
$$;
comment on function recsys_engine.says_the_same(regclass, text, text) is 'Whether two columns of a table are the same, or one is generated from the other.';
revoke all on function recsys_engine.says_the_same(regclass, text, text) from public;

create function recsys_engine.check_upkeep() returns table (stops boolean, problem text, cure text)
language plpgsql stable security invoker set search_path = ''
-- compiling a plan for a few tables takes 2 s of its 3
set jit = off
as $$
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
        and (watches.kind not in ('interactions', 'post_texts') or named.name is null or recsys_engine.says_the_same(read.relation, watches.post_column, named.name))
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
$$;
comment on function recsys_engine.check_upkeep() is 'Tables under the source views that recsys.watch was not called for, or not for each post that their rows name, watches of columns that are gone, and events that no roll-up has counted. Part of recsys.check().';
revoke all on function recsys_engine.check_upkeep() from public;


-- 23_check/09_explained_plans.sql

-- What the planner would do, taken apart: for recsys.check(), which asks it how the source views are read. Nothing is read for that.

create function recsys_engine.explained(p_role text, p_query text) returns jsonb
-- volatile: it sets the role
language plpgsql volatile security invoker set search_path = ''
-- where there is any index to look a row up by, it is used now, however few rows there are
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off set enable_mergejoin = off
-- and where a table has two pages, reading all of it by an index for another reason is no cheaper than looking a row up
set cpu_tuple_cost = 100 set cpu_index_tuple_cost = 100
set max_parallel_workers_per_gather = 0 set jit = off
as $$
declare
  before constant text := current_setting('role');
  before_claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  plan jsonb;
begin
  begin
    perform set_config('role', p_role, true), set_config('request.jwt.claims', format('{"sub": "%s", "role": "%s"}', gen_random_uuid(), p_role), true);
    execute 'explain (format json, verbose) ' || p_query into plan;
  exception when others then
    -- recsys_engine.check_views() and check_access() say why
    plan := null;
  end;
  perform set_config('role', before, true), set_config('request.jwt.claims', before_claims, true);
  return plan #> '{0,Plan}';
end
$$;
comment on function recsys_engine.explained(text, text) is 'The plan of a query asked under a role, with what reads whole tables made as dear as can be. Null: it cannot be planned.';

create function recsys_engine.plan_nodes(p_plan jsonb) returns table (id text, node jsonb, is_of_subquery boolean, relation regclass, alias text)
language sql stable security invoker set search_path = ''
as $$
  with recursive nodes as (
    select '1' as id, p_plan as node, false as is_of_subquery
    union all
    select nodes.id || '.' || child.place, child.node,
      -- asked for each row, or once beforehand: subqueries, policies. What a "with" names is read as the view itself
      nodes.is_of_subquery or coalesce(child.node ->> 'Parent Relationship' in ('SubPlan', 'InitPlan') and child.node ->> 'Subplan Name' !~ '^CTE ', false)
    from nodes
    cross join jsonb_array_elements(nodes.node -> 'Plans') with ordinality as child (node, place)
  )
  select nodes.id, nodes.node - 'Plans', nodes.is_of_subquery,
    case when nodes.node ? 'Relation Name' then to_regclass(format('%I.%I', nodes.node ->> 'Schema', nodes.node ->> 'Relation Name')) end,
    nodes.node ->> 'Alias'
  from nodes
$$;
comment on function recsys_engine.plan_nodes(jsonb) is 'The nodes of a plan, each without those below it, whose id begins with its own. is_of_subquery: it belongs to a subquery or policy. relation: the table that it scans.';

create function recsys_engine.equalities(p_condition text) returns table (one text, other text)
language plpgsql immutable security invoker set search_path = ''
as $$
declare
  depth integer := 0;
  piece text := '';
  left_side text;
  -- whether the piece is one group in parentheses from its first to its last letter
  is_group boolean := true;
  token text;
begin
  -- several in one, ((a = b) AND (c = d)), or just one
  if p_condition !~ '^\(.*\)$' then
    return;
  end if;
  for token in
    select found.parts[1]
    from regexp_matches(substr(p_condition, 2, length(p_condition) - 2) || ' AND ', $r$'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]| AND | = |[^'"() ]+| $r$, 'g') with ordinality as found (parts, place)
    order by found.place
  loop
    if depth = 0 and token = ' AND ' then
      if left_side is not null then
        one := left_side;
        other := piece;
        return next;
        one := piece;
        other := left_side;
        return next;
      elsif is_group then
        return query select * from recsys_engine.equalities(piece);
      end if;
      piece := '';
      left_side := null;
      is_group := true;
    elsif depth = 0 and token = ' = ' and left_side is null then
      left_side := piece;
      piece := '';
    else
      is_group := is_group and (depth > 0 or (piece = '' and token = '('));
      depth := depth + case token when '(' then 1 when ')' then -1 else 0 end;
      piece := piece || token;
    end if;
  end loop;
end
$$;
comment on function recsys_engine.equalities(text) is 'What a condition, as explain prints it, compares by "=" in each row that it lets through, from both sides. What holds of some rows alone, behind OR, is none.';

revoke all on function recsys_engine.explained(text, text), recsys_engine.plan_nodes(jsonb), recsys_engine.equalities(text) from public;


-- 23_check/10_check_indexes.sql

-- The fifth part of recsys.check(): what a feed, a roll-up or a policy looks up without an index, or in a way that no index could serve. It asks
-- the planner, under the role that asks in earnest, since a policy reads tables of its own, and row level security lets no index be used by an
-- expression that could leak.

create function recsys_engine.alias_pattern(p_alias text) returns text
language sql immutable security invoker set search_path = ''
as $$
  select '(^|[^[:alnum:]_."])' || regexp_replace(quote_ident(p_alias), '([][(){}.*+?|^$\\])', '\\\1', 'g') || '\.'
$$;
comment on function recsys_engine.alias_pattern(text) is 'What finds columns of an alias in a condition of a plan, as a regular expression.';

create function recsys_engine.alias_of_whole(p_alias text) returns text
language sql immutable security invoker set search_path = ''
as $$ select regexp_replace(p_alias, '_\d+$', '') $$;
comment on function recsys_engine.alias_of_whole(text) is 'What a plan calls a partitioned table of which it calls a partition so.';

create function recsys_engine.compared_in(p_plan jsonb)
returns table (id text, is_of_subquery boolean, is_index_cond boolean, one text, other text, alias text, other_alias text, is_constant boolean)
language sql stable security invoker set search_path = '' set jit = off
as $$
  with nodes as materialized (select * from recsys_engine.plan_nodes(p_plan)),
  named as materialized (
    select each.alias, recsys_engine.alias_pattern(each.alias) as pattern
    from (
      select nodes.alias from nodes where nodes.alias is not null
      union
      -- above its partitions, of which the scans are, a table is called as the query calls it
      select recsys_engine.alias_of_whole(nodes.alias) from nodes join pg_catalog.pg_class on pg_class.oid = nodes.relation where pg_class.relispartition
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
$$;
comment on function recsys_engine.compared_in(jsonb) is 'What a plan compares by "=", from both sides: the node that does, both expressions, and the alias of whose columns alone each is made.';

create function recsys_engine.without_casts(p_expression text) returns text
language sql immutable security invoker set search_path = ''
as $$
  select regexp_replace(p_expression, '^(recsys\.(?:person_)?id_of\()\(([^()]+)\)::(?:bigint|text)\)$', '\1\2)')
$$;
comment on function recsys_engine.without_casts(text) is 'recsys.id_of(column) and recsys.person_id_of(column) as one would write them, of what PostgreSQL prints.';

create function recsys_engine.indexed_as(p_table regclass, p_alias text, p_expression text) returns text
language plpgsql stable security invoker set search_path = ''
as $$
declare
  -- as an index names it: without the alias
  expression text := regexp_replace(p_expression, recsys_engine.alias_pattern(p_alias), '\1', 'g');
  relabelled constant text := (regexp_match(expression, '^\((.*)\)::text$'))[1];
begin
  if exists (
    select from pg_catalog.pg_attribute
    where pg_attribute.attrelid = p_table and pg_attribute.attnum > 0 and quote_ident(pg_attribute.attname) = coalesce(relabelled, expression)
      and (relabelled is null or pg_attribute.atttypid in ('varchar'::regtype, 'text'::regtype) or (select typbasetype from pg_catalog.pg_type where oid = pg_attribute.atttypid) in ('varchar'::regtype, 'text'::regtype))
  ) then
    return coalesce(relabelled, expression);
  end if;
  -- recsys.id_of of a number has become part of the query
  expression := regexp_replace(expression, '^\("overlay"\(\(''726563737973800''::text \|\| lpad\(to_hex\((.*)\), 16, ''0''::text\)\), ''8''::text, 17, 0\)\)::uuid$', 'recsys.id_of(\1)');
  expression := regexp_replace(expression, '^\("overlay"\(\(''726563737973800''::text \|\| lpad\(to_hex\((.*)\), 16, ''0''::text\)\), ''9''::text, 17, 0\)\)::uuid$', 'recsys.person_id_of(\1)');
  expression := recsys_engine.without_casts(expression);
  -- an index takes nothing that may change
  if expression ~ '^''' or exists (
    select from regexp_matches(expression, '([[:alnum:]_$."]+)\(', 'g') as called (parts)
    join pg_catalog.pg_proc on pg_proc.proname = regexp_replace(replace(called.parts[1], '"', ''), '^.*\.', '') and pg_proc.provolatile <> 'i'
    where called.parts[1] !~ '^(pg_catalog\.)?"?(overlay|substring)"?$'
  ) then
    return null;
  end if;
  return case when expression ~ '^[[:alnum:]_.]+\([^()]*\)$' then expression else '(' || expression || ')' end;
end
$$;
comment on function recsys_engine.indexed_as(regclass, text, text) is 'How an index on an expression of a plan names it: a column, recsys.id_of(column), or another expression. Null: no index takes it.';

create function recsys_engine.has_index(p_table regclass, p_expression text) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select exists (
    select from pg_catalog.pg_index
    where pg_index.indrelid = p_table and pg_index.indisvalid and pg_index.indpred is null
      and btrim(p_expression, '()') = btrim(recsys_engine.without_casts(pg_get_indexdef(pg_index.indexrelid, 1, false)), '()')
  )
$$;
comment on function recsys_engine.has_index(regclass, text) is 'Whether a table has an index that begins with a column or expression, as recsys_engine.indexed_as names it.';

create function recsys_engine.read_whole(p_role text, p_query text)
returns table (relation regclass, columns text, is_expression boolean, tables text, looked_up text, functions text)
language plpgsql volatile security invoker set search_path = ''
-- just-in-time compilation took 8 s, and what it compiled a few milliseconds
set jit = off
as $$
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
  compared as materialized (select *, position(nobody in compared_in.other) > 0 as is_asked_for from recsys_engine.compared_in(plan)),
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
    join nodes on nodes.root <> nodes.relation and recsys_engine.alias_of_whole(nodes.alias) = compared.alias
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
$$;
comment on function recsys_engine.read_whole(text, text) is 'What a query, asked under a role, reads from end to end for the rows of one person or post, which is $1. Rows with a relation: an index on its columns is missing; is_expression: of which row level security may let no index be used. A row with tables or functions: no index could help, since none of their columns says whose rows these are; looked_up: a subquery on these does.';

create function recsys_engine.order_of_posts(p_role text) returns table (relation regclass, columns text)
language sql volatile security invoker set search_path = ''
-- so that the order is made, and named, whether or not an index has it
set enable_indexscan = off set enable_indexonlyscan = off set jit = off
as $$
  with nodes as materialized (select * from recsys_engine.plan_nodes(recsys_engine.explained(p_role, 'select * from recsys.source_posts order by created_at desc limit 100')))
  select coalesce(pg_partition_root(scans.relation), scans.relation), min(recsys_engine.indexed_as(scans.relation, scans.alias, regexp_replace(sort_key.key, ' DESC$', '')))
  from nodes as sorts
  cross join jsonb_array_elements_text(sorts.node -> 'Sort Key') as sort_key (key)
  join nodes as scans on scans.relation is not null and not scans.is_of_subquery and position(quote_ident(scans.alias) || '.' in sort_key.key) > 0
  -- others are those of subqueries
  where not sorts.is_of_subquery and sort_key.key ~ ' DESC$'
  group by 1
$$;
comment on function recsys_engine.order_of_posts(text) is 'The column, or expression, of a table by which a role''s newest posts are found. None: several tables, or a subquery, say when a post came to be.';

create function recsys_engine.is_small(p_table regclass) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select greatest(pg_relation_size(p_table), (select sum(pg_relation_size(parts.relid)) from pg_partition_tree(p_table) as parts)) <= 65536
$$;
comment on function recsys_engine.is_small(regclass) is 'Whether a table has 8 pages or fewer, which are read faster than an index.';

create function recsys_engine.index_cure(p_table regclass, p_columns text, p_then text, p_shown_as text) returns text
language plpgsql stable security invoker set search_path = ''
as $$
declare
  added constant text := case p_shown_as when 'post_id' then 'recsys_id' else 'recsys_' || p_shown_as end;
  is_partitioned constant boolean := (select pg_class.relkind = 'p' from pg_catalog.pg_class where pg_class.oid = p_table);
begin
  if p_shown_as is null then
    -- a partitioned table takes none concurrently
    return format('create index %son %s (%s)', case when not is_partitioned then 'concurrently ' end, recsys_engine.table_sql(p_table), concat_ws(', ', coalesce(
      (select recsys_engine.identifier_sql(pg_attribute.attname) from pg_catalog.pg_attribute where pg_attribute.attrelid = p_table and pg_attribute.attnum > 0 and quote_ident(pg_attribute.attname) = p_columns),
      p_columns), p_then));
  end if;
  return coalesce(
    (
      select format('show %I as %s in the view', pg_attribute.attname, p_shown_as)
      from pg_catalog.pg_attribute
      join pg_catalog.pg_attrdef on pg_attrdef.adrelid = pg_attribute.attrelid and pg_attrdef.adnum = pg_attribute.attnum
      where pg_attribute.attrelid = p_table and pg_attribute.attgenerated = 's' and btrim(p_columns, '()') = btrim(recsys_engine.without_casts(pg_get_expr(pg_attrdef.adbin, p_table)), '()')
      limit 1
    ),
    format('alter table %s add column %s uuid generated always as (%s) stored; create %sindex on %1$s (%2$s); -- and show %2$s as %5$s in the view: row level security lets no index be used by an expression',
      recsys_engine.table_sql(p_table), added, p_columns, case when p_shown_as = 'post_id' and not is_partitioned then 'unique ' end, p_shown_as)
  );
end
$$;
comment on function recsys_engine.index_cure(regclass, text, text, text) is 'The statement that makes rows of a table be found by columns, in the order of p_then; p_shown_as: the column of the view, where what it shows has to become a column of the table.';

create function recsys_engine.check_indexes() returns table (stops boolean, problem text, cure text)
language plpgsql volatile security invoker set search_path = '' set jit = off
as $$
begin
  return query
  with found as materialized (
    select read_whole.*, asked.*
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
        (15, 'service_role', 'source_conversations', 'post_id', 'post', 'feeds ask of their posts which conversation they belong to')
    ) as asked (place, role, view, shown_as, entity, why)
    cross join lateral recsys_engine.read_whole(asked.role, format('select * from recsys.%I where %I = $1', asked.view, asked.shown_as)) as read_whole
  ),
  newest as materialized (select * from recsys_engine.order_of_posts('authenticated') as ordered where ordered.columns is not null),
  missing as materialized (
    select found.relation, found.columns, found.place, found.why,
      case
        when found.shown_as = 'author_id' then (select newest.columns || ' desc' from newest where newest.relation = found.relation)
        -- of several times, the one that is called so
        when found.view = 'source_interactions' then (
          select case when count(*) = 1 then quote_ident(min(read.name)) when bool_or(read.name = 'created_at') then 'created_at' end
          from recsys_engine.columns_read('recsys.source_interactions'::regclass, found.relation) as read
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
    select true, format('recsys.%s: the rows of one %s are found only by reading all of %s', shapes.view, shapes.entity, coalesce(shapes.tables, shapes.functions)),
      case
        when shapes.looked_up is not null then format(
          'a subquery on %s, (select … where …), says whose they are: join %1$s instead, in the same select, in each branch of a union: join %1$s as who on who.… = …', shapes.looked_up)
        when shapes.functions is not null then format('the function %s says whose they are: write its query into the view', shapes.functions)
        else 'what says whose they are comes from an outer join, a join around a union, a distinct or a function: show a column of the table itself, or join the table that has it in the same select, in each branch of a union'
      end
    from (
      select found.view, found.entity, found.tables, found.functions, min(found.looked_up) as looked_up
      from found where found.relation is null
      group by found.view, found.entity, found.tables, found.functions
    ) as shapes
    union all
    (
      select missing.to_show is not null, format('%s has no index by which %s', recsys_engine.table_sql(missing.relation), (array_agg(missing.why order by missing.place))[1]),
        recsys_engine.index_cure(missing.relation, missing.columns, min(missing.then), missing.to_show)
      from missing
      where missing.to_show is not null
        or not exists (select from missing as shown where shown.relation = missing.relation and shown.columns = missing.columns and shown.to_show is not null)
        and not recsys_engine.is_small(missing.relation)
      group by missing.relation, missing.columns, missing.to_show
      order by missing.relation::text, missing.columns
    )
  ) as found_out (stops, problem, cure);
end
$$;
comment on function recsys_engine.check_indexes() is 'What of the source views, and of the policies on their tables, is looked up without an index, as the planner sees it, each with its cure. stops: no index could help, since the view does not say by a column whose rows they are. Tables of 8 pages or fewer need none. Part of recsys.check().';
revoke all on function recsys_engine.alias_of_whole(text), recsys_engine.alias_pattern(text), recsys_engine.compared_in(jsonb), recsys_engine.without_casts(text), recsys_engine.indexed_as(regclass, text, text),
  recsys_engine.has_index(regclass, text), recsys_engine.is_small(regclass), recsys_engine.read_whole(text, text), recsys_engine.order_of_posts(text), recsys_engine.index_cure(regclass, text, text, text), recsys_engine.check_indexes() from public;


-- 23_check/11_check.sql

-- What keeps an app's own tables from becoming good feeds, asked all at once: npx recsys check, and before recsys train and publish.

create function recsys.check() returns table (stops boolean, problem text, cure text)
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  return query
  select found.*
  from (
    select 1 as part, checked.* from recsys_engine.check_views() as checked
    union all select 2, checked.* from recsys_engine.check_access() as checked
    union all select 3, checked.* from recsys_engine.check_rows() as checked
    union all select 4, checked.* from recsys_engine.check_upkeep() as checked
    union all select 5, checked.* from recsys_engine.check_indexes() as checked
  ) as numbered (part, stops, problem, cure)
  cross join lateral (select numbered.stops, numbered.problem, numbered.cure) as found
  order by not numbered.stops, numbered.part;
end
$$;
comment on function recsys.check() is 'What is wrong with the tables and views that an app gives the engine, a row each with its cure; none: all is well. stops: with it no feed is right, and recsys train and publish refuse. It reads every row of the views. For the owner of the database: it asks as authenticated and as service_role.';
revoke all on function recsys.check() from public;
