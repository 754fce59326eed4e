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
-- for posts and people that are recomputed whole (roll_up/roll_up_anew.sql): without these indexes each portion scanned the queue
create index feature_changes_whole_posts_idx on recsys_engine.feature_changes (change_id) where user_id is null and at = '-infinity';
create index feature_changes_whole_people_idx on recsys_engine.feature_changes (user_id) where post_id is null and at = '-infinity';
alter table recsys_engine.feature_changes enable row level security;
grant select, insert, delete on recsys_engine.feature_changes to service_role;

create function recsys_engine.queue_feature_changes() returns trigger
-- definer: people who write the app's tables may neither read nor write the queue
-- pg_temp is named, and last: an empty path has it first, and with a temporary type called text, whose check is a
-- function of theirs, a user who wrote a watched table would run that as the owner
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
$$;
comment on function recsys_engine.queue_feature_changes() is
  'Trigger of watched tables: queues the rows that a statement inserted, deleted or changed; a truncation queues every post and user with states. Notes late writes in recsys_engine.backdated_days. recsys.watch sets its arguments: user, post and time, required columns, and columns whose change counts.';
revoke all on function recsys_engine.queue_feature_changes() from public;
