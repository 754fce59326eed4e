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
