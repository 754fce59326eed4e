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
comment on table recsys.daily_metrics is 'Figures of each day, written by recsys.measure_day() once the day''s labels are settled, and kept for two years. Days together: sum(value * count) / sum(count). metric is one of
  shown: posts shown, each once to a person; count: people.
  feeds: share of the feeds that were live, batch (asked for as a list), no model, or degraded to unranked, batch or community; count: all feeds.
  rate: share of the posts shown that the person then viewed, voted for or commented on within a day; count: posts shown. Also rate by position and rate by source.
  predicted: the mean probability of a view, vote or comment that live feeds were ranked by; count: posts shown with one.
  rate, predicted and calibration of dismiss and long_view: the same of posts shown live by models that predict these (recsys.models.heads), once each to a person.
  calibration: predicted / happened of these (He et al., "Practical Lessons from Predicting Clicks on Ads at Facebook", 2014); 1 is right, 2 is twice as many predicted; count: how many happened.
  drift: how far a feature is from what it was on the same weekday of the four weeks before, as a population stability index, see recsys.feature_drift(); count: independent people or posts.
  skew: how far a feature is from what the ranker was trained on, see recsys.feature_skew(); count: people.
  coverage: share of the posts of the last 30 days that were shown to anybody (Ge, Delgado-Battenfeld and Jannach, "Beyond Accuracy", 2010); count: these posts.
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

create function recsys.shown_features(p_day date, p_feeds integer) returns table (model_id bigint, user_id uuid, post_id uuid, features real[])
language sql stable security invoker set search_path = ''
as $$
  with day as (
    select p_day::timestamp at time zone 'UTC' as begins, (p_day + 1)::timestamp at time zone 'UTC' as ends
  ),
  last as (
    -- ids of requests are random, so the first of them are a sample; one that has the first place has the others too
    select impressions.request_id
    from day
    join recsys.impressions on impressions.shown_at >= day.begins and impressions.shown_at < day.ends
    where impressions.position = 1 and impressions.model_id is not null
    order by impressions.request_id
    offset p_feeds limit 1
  )
  select impressions.model_id, impressions.user_id, impressions.post_id, impressions.features
  from day
  join recsys.impressions on impressions.shown_at >= day.begins and impressions.shown_at < day.ends
  where impressions.request_id < coalesce((select last.request_id from last), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    and impressions.position <= 10 and impressions.features is not null and not impressions.explored
$$;
comment on function recsys.shown_features(date, integer) is 'What the ranker was told of the first ten places of some p_feeds feeds of a day, without those for exploration.';

create function recsys.feature_skew(p_day date) returns table (model_id bigint, feature text, psi double precision, people bigint)
language sql stable security invoker set search_path = ''
as $$
  with shown as materialized (
    -- a tenth of 1,000 is known to a tenth of itself
    select * from recsys.shown_features(p_day, 1000)
  ),
  totals as (
    select shown.model_id, count(*)::double precision as posts, count(distinct shown.user_id) as people from shown group by shown.model_id
  ),
  served as (
    select shown.model_id, trained.number, width_bucket(shown.features[trained.number], trained.edges) + 1 as bin, count(*) as posts
    from shown
    join recsys.training_features as trained on trained.model_id = shown.model_id
    group by shown.model_id, trained.number, bin
  )
  select totals.model_id, trained.feature, sum((shares.served - shares.trained) * ln(shares.served / shares.trained)), totals.people
  from totals
  join recsys.training_features as trained on trained.model_id = totals.model_id
  cross join lateral unnest(trained.shares) with ordinality as bins (share, bin)
  left join served on served.model_id = totals.model_id and served.number = trained.number and served.bin = bins.bin
  -- an empty bin has no logarithm
  cross join lateral (
    select greatest(coalesce(served.posts, 0) / totals.posts, 0.0001) as served, greatest(bins.share::double precision, 0.0001) as trained
  ) as shares
  group by totals.model_id, trained.number, trained.feature, totals.people
$$;
comment on function recsys.feature_skew(date) is 'The population stability index of each feature of a day and model against what the ranker was trained on: the sum over the bins of recsys.training_features of (served - trained) * ln(served / trained). No rows of a model without training_features. By custom below 0.1 nothing differs and above 0.25 much does (Siddiqi, "Credit Risk Scorecards", 2006); by chance alone it is about 9 / people (Yurdakul, "Statistical Properties of Population Stability Index", 2018). Some always differ: training asks at the instants at which people acted, serving when they come.';

create function recsys.feature_drift(p_day date) returns table (feature text, psi double precision, independent bigint)
language sql stable security invoker set search_path = ''
as $$
  with sampled as materialized (
    select ago.days > 0 as is_usual, shown.user_id, shown.post_id, shown.features, models.model_id, models.feature_spec_digest
    -- a Saturday is no Friday
    from (values (0, 1000), (7, 250), (14, 250), (21, 250), (28, 250)) as ago (days, feeds)
    cross join lateral recsys.shown_features(p_day - ago.days, ago.feeds) as shown
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
    join recsys.model_features on model_features.model_id = newest.model_id
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
comment on function recsys.feature_drift(date) is 'The population stability index of each feature of a day against the same weekday of the four weeks before: the sum over tenths of (now - before) * ln(now / before); and how many independent people (of what is about a post: people or posts, whichever are fewer) it rests on, since by chance alone it is about 9 * (1 / those now + 1 / those before) (Yurdakul, "Statistical Properties of Population Stability Index", 2018). Of 1,000 feeds of the day and 250 of each earlier one, by any models with the same feature_spec. No rows where none of those days has impressions.';

create function recsys.measure_day(p_day date) returns integer
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
      using hint = 'select recsys.measure_days()';
  end if;
  -- of two at once the second measures what is the same by then
  perform pg_advisory_xact_lock(hashtext('recsys.measure_days'));
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
    from recsys.impressions
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
    select 'drift', 0, drift.feature, drift.psi, drift.independent from recsys.feature_drift(p_day) as drift
    union all
    select 'skew', skew.model_id, skew.feature, skew.psi, skew.people from recsys.feature_skew(p_day) as skew
    union all
    select 'coverage', 0, '', count(by_post.post_id) / count(*)::double precision, count(*)
    from recsys.source_posts
    left join by_post on by_post.post_id = source_posts.post_id
    where source_posts.created_at >= day_ends - interval '30 days' and source_posts.created_at < day_ends
    having count(*) > 0
    union all
    select 'novelty', 0, '', sum(by_post.times * -ln((coalesce(state.participants, 0) + 1) / people.number::double precision) / ln(2::double precision)) / sum(by_post.times), sum(by_post.times)::bigint
    from people
    cross join by_post
    left join lateral (
      select post_stats.participants from recsys.post_stats
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
      impressions.request_id, impressions.post_id, impressions.model_id, impressions.dismiss_probability, impressions.long_view_probability
    from recsys.impressions
    where impressions.shown_at >= day_begins and impressions.shown_at < day_ends and impressions.mode = 'live'
      and (impressions.dismiss_probability is not null or impressions.long_view_probability is not null)
    order by impressions.user_id, impressions.post_id, impressions.shown_at
  ),
  labels as materialized (
    select labels.head, labels.request_id, labels.post_id
    from recsys.optional_labels(day_begins, day_ends) as labels
    where exists (select from shown)
  ),
  heads as (
    select shown.model_id, head.head, count(*) as predicted, sum(head.probability::double precision) as expected, count(labels.post_id) as happened
    from shown
    cross join lateral (values ('dismiss', shown.dismiss_probability), ('long_view', shown.long_view_probability)) as head (head, probability)
    left join labels on labels.head = head.head and labels.request_id = shown.request_id and labels.post_id = shown.post_id
    where head.probability is not null
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
comment on function recsys.measure_day(date) is 'Works out all of recsys.daily_metrics of one day but lag and degraded, anew if they are there, and returns how many figures it wrote. Raises for a day that ended less than a day ago, since what was shown last may still be acted on. Reads the impressions of that day, samples of four days before it, and the interactions of that day and the next; it locks nothing that a feed waits for.';

create function recsys.unmeasured_days() returns table (day date)
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
comment on function recsys.unmeasured_days() is 'The days that are settled and have no figures yet, in order: since the last measured day, and of the last 35 days any, since recsys.feature_drift and recsys.health read so many.';

create function recsys.measure_days(p_most integer default 1) returns integer
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
  -- of two at once the other does it
  if not pg_try_advisory_xact_lock(hashtext('recsys.measure_days')) then
    return 0;
  end if;
  insert into recsys.daily_metrics as earlier (day, metric, model_id, slice, value, count)
  select today, 'lag', 0, 'roll-up', coalesce(extract(epoch from roll_up_lag.age), 0), 1 from recsys.roll_up_lag
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
  for missing in
    select unmeasured.day from recsys.unmeasured_days() as unmeasured order by unmeasured.day limit p_most
  loop
    perform recsys.measure_day(missing);
    number := number + 1;
  end loop;
  delete from recsys.daily_metrics where daily_metrics.day < today - 731;
  return number;
end
$$;
comment on function recsys.measure_days(integer) is 'Notes how far roll-up and embedding are behind and how many feeds of the last hour were degraded, measures the first p_most of recsys.unmeasured_days(), deletes figures older than two years, and returns how many days it measured. Called every hour by pg_cron, so that a day takes part of one run and missed days are caught up with one by one.';

revoke all on function recsys.shown_features(date, integer), recsys.feature_skew(date), recsys.feature_drift(date), recsys.measure_day(date), recsys.unmeasured_days(), recsys.measure_days(integer) from public;
grant execute on function recsys.shown_features(date, integer), recsys.feature_skew(date), recsys.feature_drift(date), recsys.measure_day(date), recsys.unmeasured_days(), recsys.measure_days(integer) to service_role;

select recsys.schedule('recsys daily metrics', '27 * * * *', 'select recsys.measure_days()');
