-- Filling the feature store. Where an event arrives late, the rows after it are written again, so the store is exact.

create view recsys.user_events with (security_invoker = true) as
select
  source_interactions.interaction_id::text as event_id,
  source_interactions.interaction_id as sort_id,
  source_interactions.user_id,
  source_interactions.post_id,
  source_interactions.kind,
  source_interactions.created_at
from recsys.source_interactions
union all
select 'L' || source_logins.login_id, source_logins.login_id, source_logins.user_id, null, 'login', source_logins.created_at
from recsys.source_logins;
comment on view recsys.user_events is 'Interactions and logins as one stream: what changes the state of a user.';
grant select on recsys.user_events to service_role;

create function recsys.roll_up_posts() returns bigint
language sql volatile security invoker set search_path = ''
-- the planner's estimates are far too high here, and just-in-time compilation costs more than it saves
set jit = off
as $$
  with late as (
    select source_interactions.post_id, min(source_interactions.created_at) as since
    from recsys.source_interactions
    where not exists (select from recsys.post_stats where post_stats.interaction_id = source_interactions.interaction_id)
    group by source_interactions.post_id
  ),
  outdated as (
    delete from recsys.post_stats using late
    where post_stats.post_id = late.post_id and post_stats.last_active_at >= late.since
  ),
  history as (
    select
      source_interactions.*,
      late.since,
      posts.author_id,
      row_number() over (partition by source_interactions.post_id order by source_interactions.created_at, source_interactions.interaction_id) as number,
      row_number() over (partition by source_interactions.post_id, source_interactions.user_id order by source_interactions.created_at, source_interactions.interaction_id) = 1 as is_first
    from late
    join recsys.source_interactions on source_interactions.post_id = late.post_id
    join recsys.source_posts as posts on posts.post_id = late.post_id
  ),
  decayed as (
    select series.post_id, events.number, events.counts
    from (
      select post_id, array_agg(created_at order by number) as at, array_agg(true) as is_counted
      from history group by post_id
    ) as series
    cross join lateral recsys.decayed_counts(series.at, series.is_counted) as events
  ),
  states as (
    select
      post_id, created_at, interaction_id, user_id, kind, since, number, is_first,
      (count(*) filter (where kind = 'view') over so_far)::integer as views,
      (count(*) filter (where kind = 'vote') over so_far)::integer as votes,
      (count(*) filter (where kind = 'comment') over so_far)::integer as comments,
      (count(*) filter (where is_first) over so_far)::integer as participants,
      max(created_at) filter (where kind = 'comment') over so_far as last_comment_at,
      user_id is not distinct from author_id as by_author
    from history
    window so_far as (partition by post_id order by number rows unbounded preceding)
  ),
  added as (
    insert into recsys.post_stats (post_id, last_active_at, interaction_id, user_id, kind, views, votes, comments, participants, last_comment_at, by_author, first_interaction, recent, trend)
    select post_id, created_at, interaction_id, user_id, kind, views, votes, comments, participants, last_comment_at, by_author, is_first, decayed.counts,
      ln(decayed.counts[4]) / ln(2::double precision) + extract(epoch from created_at)::double precision / 3600 / (recsys.half_lives())[4]
    from states join decayed using (post_id, number)
    where created_at >= since
    on conflict (interaction_id) do update set
      views = excluded.views, votes = excluded.votes, comments = excluded.comments, participants = excluded.participants,
      last_comment_at = excluded.last_comment_at, by_author = excluded.by_author, first_interaction = excluded.first_interaction,
      recent = excluded.recent, trend = excluded.trend
    returning 1
  )
  select count(*) from added
$$;
comment on function recsys.roll_up_posts() is 'Writes recsys.post_stats for the interactions that have no row yet; returns the number of rows written.';

create function recsys.roll_up_users() returns bigint
language sql volatile security invoker set search_path = ''
set jit = off
as $$
  with unseen as (
    select user_events.*
    from recsys.user_events
    where not exists (select from recsys.user_stats where user_stats.event_id = user_events.event_id)
  ),
  successors as (
    select
      source_interactions.interaction_id,
      lead(source_interactions.user_id) over so_far as user_id,
      lead(source_interactions.created_at) over so_far as created_at
    from recsys.source_interactions
    where source_interactions.post_id in (select unseen.post_id from unseen)
    window so_far as (partition by source_interactions.post_id order by source_interactions.created_at, source_interactions.interaction_id)
  ),
  late as (
    select changes.user_id, min(changes.created_at) as since
    from (
      select unseen.user_id, unseen.created_at from unseen
      union all
      -- an event that arrives late makes the post look less idle to whoever came next
      select successors.user_id, successors.created_at
      from unseen
      join successors on unseen.post_id is not null and successors.interaction_id = unseen.sort_id
      where successors.user_id is not null
    ) as changes
    group by changes.user_id
  ),
  interacted_posts as (
    select distinct user_events.post_id
    from late
    join recsys.user_events on user_events.user_id = late.user_id
    where user_events.post_id is not null
  ),
  moments as (
    -- how old and how idle each post was when this person came (in double precision: ln(numeric) took a fifth of the roll-up)
    select
      source_interactions.interaction_id,
      ln(1 + greatest(0, extract(epoch from source_interactions.created_at - posts.created_at)::double precision) / 3600) as log_age,
      ln(1 + greatest(0, extract(epoch from source_interactions.created_at - lag(source_interactions.created_at, 1, posts.created_at) over (
        partition by source_interactions.post_id order by source_interactions.created_at, source_interactions.interaction_id))::double precision) / 3600) as log_idle
    from interacted_posts
    join recsys.source_interactions on source_interactions.post_id = interacted_posts.post_id
    join recsys.source_posts as posts on posts.post_id = interacted_posts.post_id
  ),
  history as (
    select
      user_events.*, late.since, moments.log_age, moments.log_idle,
      row_number() over (partition by user_events.user_id order by user_events.created_at, user_events.sort_id, user_events.event_id) as number
    from late
    join recsys.user_events on user_events.user_id = late.user_id
    left join moments on user_events.post_id is not null and moments.interaction_id = user_events.sort_id
  ),
  decayed as (
    select series.user_id, events.number, events.counts, logins.counts as login_counts
    from (
      select
        user_id,
        array_agg(created_at order by number) as at,
        array_agg(kind <> 'login' order by number) as is_interaction,
        array_agg(kind = 'login' order by number) as is_login
      from history group by user_id
    ) as series
    cross join lateral recsys.decayed_counts(series.at, series.is_interaction) as events
    join lateral recsys.decayed_counts(series.at, series.is_login) as logins using (number)
  ),
  states as (
    select
      user_id, created_at, event_id, sort_id, since, number,
      (count(*) filter (where kind = 'view') over so_far)::integer as views,
      (count(*) filter (where kind = 'vote') over so_far)::integer as votes,
      (count(*) filter (where kind = 'comment') over so_far)::integer as comments,
      (count(*) filter (where kind = 'login') over so_far)::integer as logins,
      avg(log_age) over so_far as habit_log_age,
      avg(log_idle) over so_far as habit_log_idle
    from history
    window so_far as (partition by user_id order by number rows unbounded preceding)
  ),
  added as (
    insert into recsys.user_stats (user_id, last_active_at, event_id, sort_id, views, votes, comments, logins, recent, recent_logins, habit_log_age, habit_log_idle)
    select user_id, created_at, event_id, sort_id, views, votes, comments, logins,
      decayed.counts, decayed.login_counts, habit_log_age, habit_log_idle
    from states join decayed using (user_id, number)
    where created_at >= since
    on conflict (event_id) do update set
      views = excluded.views, votes = excluded.votes, comments = excluded.comments, logins = excluded.logins, recent = excluded.recent,
      recent_logins = excluded.recent_logins, habit_log_age = excluded.habit_log_age, habit_log_idle = excluded.habit_log_idle
    returning 1
  )
  select count(*) from added
$$;
comment on function recsys.roll_up_users() is 'Writes recsys.user_stats for the interactions and logins that have no row yet; returns the number of rows written.';

create function recsys.roll_up() returns bigint
language sql volatile security invoker set search_path = ''
as $$
  -- one roll-up at a time; a second one waits and then finds nothing to do
  select pg_advisory_xact_lock(hashtext('recsys.roll_up'));
  select recsys.roll_up_posts() + recsys.roll_up_users();
$$;
comment on function recsys.roll_up() is 'Brings the feature store up to date; returns the number of rows written. Called after an import and every minute by pg_cron.';
revoke all on function recsys.roll_up_posts(), recsys.roll_up_users(), recsys.roll_up() from public;
grant execute on function recsys.roll_up_posts(), recsys.roll_up_users(), recsys.roll_up() to service_role;

create view recsys.timeline with (security_invoker = true) as
select
  user_events.created_at as at,
  user_events.event_id,
  user_events.sort_id,
  user_events.user_id,
  user_events.post_id,
  user_events.kind,
  post_stats.views as post_views,
  post_stats.votes as post_votes,
  post_stats.comments as post_comments,
  post_stats.participants,
  post_stats.last_comment_at,
  post_stats.by_author,
  post_stats.first_interaction,
  post_stats.recent as post_recent,
  user_stats.views as user_views,
  user_stats.votes as user_votes,
  user_stats.comments as user_comments,
  user_stats.logins,
  user_stats.recent as user_recent,
  user_stats.recent_logins,
  user_stats.habit_log_age,
  user_stats.habit_log_idle
from recsys.user_events
join recsys.user_stats on user_stats.event_id = user_events.event_id
left join recsys.post_stats on user_events.post_id is not null and post_stats.interaction_id = user_events.sort_id;
comment on view recsys.timeline is 'Every event with the state of its post and its user right after it; read in the order of (at, sort_id) it replays the community for training.';
grant select on recsys.timeline to service_role;
