-- Is the feature store right? Every row worked out from the definitions, from scratch, and held against what is stored.

create function recsys_engine.counted_interactions() returns setof recsys_engine.non_burst_interactions
language sql stable security invoker
begin atomic
  select distinct on (events.post_id, events.user_id, events.kind) events.*
  from recsys_engine.non_burst_interactions as events
  join recsys.source_posts as posts on posts.post_id = events.post_id
  where events.user_id is distinct from posts.author_id
  order by events.post_id, events.user_id, events.kind, events.created_at, events.interaction_id;
end;
comment on function recsys_engine.counted_interactions() is 'The interactions that count: the first of each kind per user and post of another author, without bursts. Checks of the feature store use this definition.';

create function recsys_engine.post_stats_from_scratch() returns setof recsys_engine.post_stats
language sql stable security invoker set search_path = ''
set jit = off
as $$
  with history as (
    select
      counted.*,
      row_number() over (partition by counted.post_id order by counted.created_at, counted.interaction_id) as number,
      row_number() over (partition by counted.post_id, counted.user_id order by counted.created_at, counted.interaction_id) = 1 as is_first
    from recsys_engine.counted_interactions() as counted
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
    from recsys_engine.counted_interactions() as counted
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
      earliest.last_active_at < (select pruning_progress.thinned_before from recsys_engine.pruning_progress)
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
      earliest.last_active_at < (select pruning_progress.thinned_before from recsys_engine.pruning_progress)
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
comment on function recsys_engine.feature_store_differences() is
  'The rows of recsys_engine.post_stats, latest_post_stats, user_stats and latest_user_stats that differ from the expected ones (null: no row). Empty after recsys.roll_up() without writers, but for recsys.feature_store_failures and thinned states. To mend: queue them with at -infinity.';
revoke all on function recsys_engine.counted_interactions(), recsys_engine.post_stats_from_scratch(), recsys_engine.user_stats_from_scratch(), recsys_engine.nearly_equal(double precision[], double precision[]), recsys_engine.feature_store_differences() from public;
grant execute on function recsys_engine.counted_interactions(), recsys_engine.post_stats_from_scratch(), recsys_engine.user_stats_from_scratch(), recsys_engine.nearly_equal(double precision[], double precision[]), recsys_engine.feature_store_differences() to service_role;
