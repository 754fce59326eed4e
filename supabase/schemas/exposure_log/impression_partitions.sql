-- Partitions of recsys.impressions (UTC), a month or a day each (settings.impression_partition_interval), made ahead, and dropped when their rows are older
-- than they are kept. What reads and writes go through is the parent's policies and grants; a partition itself is the owner's alone.

create table recsys_engine.impressions_default (like recsys.impressions including all);
alter table recsys.impressions attach partition recsys_engine.impressions_default default;
alter table recsys_engine.impressions_default enable row level security;
comment on table recsys_engine.impressions_default is 'Impressions of months or days that have no partition: none are made for what lies further ahead or was imported from long ago. recsys_engine.make_impression_partitions() moves them out.';

create view recsys_engine.impression_partitions with (security_invoker = true) as
select
  named.name, named.is_day, named.first at time zone 'UTC' as first,
  (named.first + case when named.is_day then interval '1 day' else interval '1 month' end) at time zone 'UTC' as next,
  named.is_attached
from (
  select
    pg_class.relname::text as name, pg_class.relname ~ '_\d\d_\d\d$' as is_day, pg_class.relispartition as is_attached,
    to_date(substring(pg_class.relname from '\d{4}_\d\d') || coalesce(substring(pg_class.relname from '\d{4}_\d\d(_\d\d)$'), '_01'), 'YYYY_MM_DD')::timestamp as first
  from pg_catalog.pg_class
  where pg_class.relnamespace = 'recsys_engine'::regnamespace and pg_class.relkind = 'r' and pg_class.relname ~ '^impressions_\d{4}_\d\d(_\d\d)?$'
) as named;
comment on view recsys_engine.impression_partitions is 'The months and days of recsys.impressions that have a table of their own.';
comment on column recsys_engine.impression_partitions.name is 'The table, in recsys_engine.';
comment on column recsys_engine.impression_partitions.is_day is 'It holds a day; false: a month.';
comment on column recsys_engine.impression_partitions.first is 'Its first instant, by UTC.';
comment on column recsys_engine.impression_partitions.next is 'The first instant after it.';
comment on column recsys_engine.impression_partitions.is_attached is 'It is a partition of recsys.impressions; false: a day that was archived and is about to be dropped.';
grant select on recsys_engine.impression_partitions to service_role;

create function recsys_engine.attach_impressions(p_name text, p_first timestamptz, p_next timestamptz) returns void
language plpgsql volatile security invoker set search_path = '' set timezone = 'UTC'
-- a statement that waits for a lock makes those behind wait too; the next night will do
set lock_timeout = '2s'
as $$
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
$$;
comment on function recsys_engine.attach_impressions(text, timestamptz, timestamptz) is 'Makes a table of recsys_engine, which has the columns of recsys.impressions, its partition for the time from an instant on and before another, and moves the rows of that time there out of the default partition.';

create function recsys_engine.make_impression_partitions(p_months_ahead integer default 2) returns integer
language plpgsql volatile security invoker set search_path = '' set timezone = 'UTC'
set lock_timeout = '2s'
as $$
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
$$;
comment on function recsys_engine.make_impression_partitions(integer) is
  'Makes the partitions of recsys.impressions for now and the time ahead, moves their rows and earlier ones out of the default partition, and returns how many it made: p_months_ahead months, or 7 days for each of them (settings.impression_partition_interval).';

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
$$;
comment on function recsys_engine.purge_impressions() is
  'Drops the months and days of recsys.impressions that are older than settings.impressions_kept, and returns how many; removes rows of recsys_engine.user_days after 31 days. Keeps restored partitions for a week. Fails after a second where readers hold impressions.';
revoke all on function recsys_engine.attach_impressions(text, timestamptz, timestamptz), recsys_engine.make_impression_partitions(integer), recsys_engine.purge_impressions() from public;

select recsys_engine.make_impression_partitions();
select recsys_engine.schedule('recsys impression partitions', '7 3 * * *', 'select recsys_engine.make_impression_partitions()');
select recsys_engine.schedule('recsys purge of impressions', '47 3 * * *', 'select recsys_engine.purge_impressions()');
