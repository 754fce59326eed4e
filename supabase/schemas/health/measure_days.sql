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

create function recsys_engine.measure_days(p_limit integer default 1) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
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
$$;
comment on function recsys_engine.measure_days(integer) is
  'Notes how far roll-up and embedding are behind and how many feeds of the last hour were degraded, measures the first p_limit of recsys_engine.unmeasured_days(), deletes figures older than two years or of open days, and returns how many days it measured. pg_cron calls it hourly.';

revoke all on function recsys_engine.unmeasured_days(), recsys_engine.measure_days(integer) from public;
grant execute on function recsys_engine.unmeasured_days(), recsys_engine.measure_days(integer) to service_role;

select recsys_engine.schedule('recsys daily metrics', '27 * * * *', 'select recsys_engine.measure_days()');
