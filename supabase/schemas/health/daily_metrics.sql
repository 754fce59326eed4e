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
comment on table recsys.daily_metrics is
  'Daily figures, kept for two years: shown, feeds, rate, predicted, calibration, drift, skew, coverage, novelty, fresh, authors, degraded, lag (docs/experiments-in-production.md). recsys_engine.measure_day() writes them once labels are settled. Days together: sum(value * count) / sum(count).';
comment on column recsys.daily_metrics.day is 'The day, UTC by the engine''s clock.';
comment on column recsys.daily_metrics.metric is 'What; see the table.';
comment on column recsys.daily_metrics.model_id is 'The model that ranked; 0: no model did, or all feeds together. No foreign key: the row outlives it.';
comment on column recsys.daily_metrics.slice is
  'The subject of the figure, such as vote, view 3 (at position 3), comment similar (from that source), or a feature; empty: all.';
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
  perform recsys_engine.take_lock('metrics');
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
    from recsys_engine.recommended_impressions as impressions
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
    -- one more than there are, as if each post had one more participant: the novelty of a post without any stays
    -- finite
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
    from recsys_engine.recommended_impressions as impressions
    where impressions.shown_at >= day_begins and impressions.shown_at < day_ends and impressions.mode = 'live'
      and impressions.optional_probabilities is not null
    order by impressions.user_id, impressions.post_id, impressions.shown_at
  ),
  labels as materialized (
    select labels.head, labels.request_id, labels.post_id
    from recsys_engine.optional_head_labels(day_begins, day_ends) as labels
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
comment on function recsys_engine.measure_day(date) is
  'Computes the recsys.daily_metrics of one day but lag and degraded, again if they exist, and returns how many. Raises for a day that ended less than a day ago, since its labels are open. Reads that day''s impressions, samples of earlier days, and interactions; locks nothing of feeds.';

revoke all on function recsys_engine.measure_day(date) from public;
grant execute on function recsys_engine.measure_day(date) to service_role;
