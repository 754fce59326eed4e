-- The states of users, in the manner of those of posts (roll_up/roll_up_posts.sql), and after them.

create function recsys_engine.roll_up_users(p_users uuid[], p_since timestamptz[], p_changed_users uuid[], p_changed_posts uuid[], p_changed_at timestamptz[])
returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  thinned_before constant timestamptz := (select pruning_progress.thinned_before from recsys_engine.pruning_progress);
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
      from unnest(p_changed_users, p_changed_posts) as each (user_id, post_id)
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
    from unnest(p_changed_users, p_changed_posts, p_changed_at) as touched (user_id, post_id, at)
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
    -- one by one, so that a post that cannot be read fails its own users alone
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
      -- counted interactions: the first of each kind with a post of another author
      numbered.kind <> 'login' and not numbered.in_burst and numbered.author_id is distinct from numbered.user_id and numbered.number_of_kind = 1 and not exists (
        select from recsys_engine.non_burst_interactions as earlier
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
      -- as in recsys_engine.reconstruct_state(), which a bulk of rows cannot wait for
      select counted.last_active_at
      from (select where events.is_interaction and before.last_active_at is null and events.created_at < thinned_before offset 0) as asked
      cross join lateral recsys_engine.state_before_interaction(events.post_id, events.author_id, events.created_at, events.sort_id) as counted
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
  -- an event of another user that comes later in the order
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
comment on function recsys_engine.roll_up_users(uuid[], timestamptz[], uuid[], uuid[], timestamptz[]) is 'Works out recsys_engine.user_stats and recsys_engine.latest_user_stats of some users, each named once, again from an instant on, after the posts; returns the number of rows written. p_changed_users, p_changed_posts, p_changed_at: as for posts; a post of null stands for anything the user did.';

revoke all on function recsys_engine.roll_up_users(uuid[], timestamptz[], uuid[], uuid[], timestamptz[]) from public;
grant execute on function recsys_engine.roll_up_users(uuid[], timestamptz[], uuid[], uuid[], timestamptz[]) to service_role;
