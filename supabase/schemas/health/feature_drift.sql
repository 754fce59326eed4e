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
$$;
comment on function recsys_engine.shown_features(date, integer) is 'The ranker inputs of the first ten places of some p_feeds feeds of a day, without those for exploration.';

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
comment on function recsys_engine.feature_skew(date) is
  'The population stability index by feature of a day and model against training: sum over bins of (served - trained) * ln(served / trained). Below 0.1: equal; above 0.25: different (Siddiqi, 2006); by chance about 9 / people (Yurdakul, 2018). No rows without training_features.';

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
comment on function recsys_engine.feature_drift(date) is
  'The population stability index by feature of a day against the same weekday of four weeks before: sum over tenths of (now - before) * ln(now / before); and the independent people or posts behind it: by chance it is about 9 * (1 / now + 1 / before) (Yurdakul, 2018). Samples 1,000 feeds.';

revoke all on function recsys_engine.shown_features(date, integer), recsys_engine.feature_skew(date), recsys_engine.feature_drift(date) from public;
grant execute on function recsys_engine.shown_features(date, integer), recsys_engine.feature_skew(date), recsys_engine.feature_drift(date) to service_role;
