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
comment on function recsys.health() is 'Compares current metrics with recsys.health_bounds, worst first, with a verdict and a fix for each. Metrics of too few observations are ok. Reads 35 days of recsys.daily_metrics.';
revoke all on function recsys_engine.percent(double precision), recsys_engine.health_figures(), recsys.health() from public;
grant execute on function recsys_engine.percent(double precision), recsys_engine.health_figures(), recsys.health() to service_role;
