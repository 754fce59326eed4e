-- Filling the feature store: what changed is worked out anew from the last state before it, so a roll-up costs what changed, not what is there.
-- "offset 0" makes the planner look up by index what to delete. It takes far more rows to lie behind an instant than do, so for 500 new
-- events it read the whole of both tables (330 of 640 ms at 100,000 interactions). In the joins below it does harm: the planner
-- then expects one row where there may be thousands, and 12,000 events of one user took more than 9 minutes instead of 2 seconds.

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
comment on column recsys.user_events.event_id is 'interaction_id, or L followed by login_id.';
comment on column recsys.user_events.sort_id is 'interaction_id or login_id: events of the same instant are in the order of (sort_id, event_id).';
comment on column recsys.user_events.user_id is 'Whose event it is.';
comment on column recsys.user_events.post_id is 'The post of an interaction; null: a login.';
comment on column recsys.user_events.kind is 'view, vote, comment or login.';
comment on column recsys.user_events.created_at is 'When.';
grant select on recsys.user_events to service_role;

create function recsys.roll_up_latest_posts(p_posts uuid[]) returns void
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
begin
  delete from recsys.latest_post_stats
  where latest_post_stats.post_id = any (p_posts)
    and not exists (select from recsys.post_stats where post_stats.post_id = latest_post_stats.post_id offset 0);

  insert into recsys.latest_post_stats (post_id, last_active_at, kind, views, votes, comments, participants, last_comment_at, by_author, recent, trend)
  select late.post_id, latest.*
  from unnest(p_posts) as late (post_id)
  cross join lateral (
    select
      post_stats.last_active_at, post_stats.kind, post_stats.views, post_stats.votes, post_stats.comments, post_stats.participants,
      post_stats.last_comment_at, post_stats.by_author, post_stats.recent, post_stats.trend
    from recsys.post_stats
    where post_stats.post_id = late.post_id
    order by post_stats.last_active_at desc, post_stats.interaction_id desc
    limit 1
  ) as latest
  on conflict (post_id) do update set
    last_active_at = excluded.last_active_at, kind = excluded.kind, views = excluded.views, votes = excluded.votes,
    comments = excluded.comments, participants = excluded.participants, last_comment_at = excluded.last_comment_at,
    by_author = excluded.by_author, recent = excluded.recent, trend = excluded.trend;
end
$$;
comment on function recsys.roll_up_latest_posts(uuid[]) is 'Brings recsys.latest_post_stats of some posts, each named once, up to recsys.post_stats.';

create function recsys.roll_up_posts(p_posts uuid[], p_since timestamptz[]) returns bigint
language plpgsql volatile security invoker set search_path = ''
-- plans are made for the number of posts at hand; just-in-time compilation costs more than it saves
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  written bigint;
begin
  delete from recsys.post_stats
  where post_stats.ctid = any (array(
    select outdated.ctid
    from unnest(p_posts, p_since) as late (post_id, since)
    cross join lateral (
      select post_stats.ctid from recsys.post_stats where post_stats.post_id = late.post_id and post_stats.last_active_at >= late.since offset 0
    ) as outdated
  ));

  with late as (
    select late.post_id, late.since, posts.author_id, before.*
    from unnest(p_posts, p_since) as late (post_id, since)
    join recsys.source_posts as posts on posts.post_id = late.post_id
    left join lateral (
      select
        post_stats.last_active_at, post_stats.views, post_stats.votes, post_stats.comments, post_stats.participants,
        post_stats.last_comment_at, post_stats.recent
      from recsys.post_stats
      where post_stats.post_id = late.post_id and post_stats.last_active_at < late.since
      order by post_stats.last_active_at desc, post_stats.interaction_id desc
      limit 1
    ) as before on true
  ),
  numbered as (
    select
      events.post_id, events.created_at, events.interaction_id, events.user_id, events.kind, late.since, late.last_active_at,
      events.user_id is not distinct from late.author_id as by_author,
      row_number() over (partition by events.post_id order by events.created_at, events.interaction_id) as number,
      row_number() over (partition by events.post_id, events.user_id order by events.created_at, events.interaction_id) as number_of_user
    from late
    join recsys.source_interactions as events on events.post_id = late.post_id and events.created_at >= late.since
    where not (events.kind = 'view' and events.user_id is not distinct from late.author_id)
  ),
  history as (
    select
      numbered.*,
      case
        when numbered.number_of_user > 1 then false
        when numbered.last_active_at is null then true
        else not exists (
          select from recsys.source_interactions as earlier
          where earlier.user_id = numbered.user_id and earlier.post_id = numbered.post_id and earlier.created_at < numbered.since
            and not (earlier.kind = 'view' and numbered.by_author)
        )
      end as is_first
    from numbered
  ),
  decayed as (
    select series.post_id, events.number, events.counts
    from (
      select history.post_id, array_agg(history.created_at order by history.number) as at, array_agg(true) as is_counted
      from history group by history.post_id
    ) as series
    join late on late.post_id = series.post_id
    cross join lateral recsys.decayed_counts(series.at, series.is_counted, late.last_active_at, late.recent) as events
  ),
  changes as (
    select
      history.*,
      count(*) filter (where kind = 'view') over so_far as views,
      count(*) filter (where kind = 'vote') over so_far as votes,
      count(*) filter (where kind = 'comment') over so_far as comments,
      count(*) filter (where is_first) over so_far as participants,
      max(created_at) filter (where kind = 'comment') over so_far as last_comment_at
    from history
    window so_far as (partition by post_id order by number rows unbounded preceding)
  )
  insert into recsys.post_stats (post_id, last_active_at, interaction_id, user_id, kind, views, votes, comments, participants, last_comment_at, by_author, first_interaction, recent, trend)
  select
    changes.post_id, changes.created_at, changes.interaction_id, changes.user_id, changes.kind,
    coalesce(late.views, 0) + changes.views, coalesce(late.votes, 0) + changes.votes, coalesce(late.comments, 0) + changes.comments,
    coalesce(late.participants, 0) + changes.participants, coalesce(changes.last_comment_at, late.last_comment_at),
    changes.by_author, changes.is_first, decayed.counts,
    ln(decayed.counts[4]) / ln(2::double precision) + extract(epoch from changes.created_at)::double precision / 3600 / (recsys.half_lives())[4]
  from changes
  join late on late.post_id = changes.post_id
  join decayed on decayed.post_id = changes.post_id and decayed.number = changes.number
  -- an interaction that moved here from a post whose turn has not come yet
  on conflict (interaction_id) do update set
    post_id = excluded.post_id, last_active_at = excluded.last_active_at, user_id = excluded.user_id, kind = excluded.kind,
    views = excluded.views, votes = excluded.votes, comments = excluded.comments, participants = excluded.participants,
    last_comment_at = excluded.last_comment_at, by_author = excluded.by_author, first_interaction = excluded.first_interaction,
    recent = excluded.recent, trend = excluded.trend;
  get diagnostics written = row_count;
  perform recsys.roll_up_latest_posts(p_posts);
  return written;
end
$$;
comment on function recsys.roll_up_posts(uuid[], timestamptz[]) is 'Works out recsys.post_stats of some posts anew, each from an instant on; returns the number of rows written.';

create function recsys.roll_up_users(p_users uuid[], p_since timestamptz[]) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  written bigint;
begin
  delete from recsys.user_stats
  where user_stats.ctid = any (array(
    select outdated.ctid
    from unnest(p_users, p_since) as late (user_id, since)
    cross join lateral (
      select user_stats.ctid from recsys.user_stats where user_stats.user_id = late.user_id and user_stats.last_active_at >= late.since offset 0
    ) as outdated
  ));

  with late as (
    select late.user_id, late.since, before.*
    from unnest(p_users, p_since) as late (user_id, since)
    left join lateral (
      select
        user_stats.last_active_at, user_stats.views, user_stats.votes, user_stats.comments, user_stats.logins,
        user_stats.recent, user_stats.recent_logins, user_stats.habit_log_age, user_stats.habit_log_idle
      from recsys.user_stats
      where user_stats.user_id = late.user_id and user_stats.last_active_at < late.since
      order by user_stats.last_active_at desc, user_stats.sort_id desc, user_stats.event_id desc
      limit 1
    ) as before on true
  ),
  events as (
    select
      events.*, posts.created_at as post_created_at,
      events.kind <> 'login' and not (events.kind = 'view' and posts.author_id is not distinct from events.user_id) as is_interaction,
      row_number() over (partition by events.user_id order by events.created_at, events.sort_id, events.event_id) as number
    from late
    join recsys.user_events as events on events.user_id = late.user_id and events.created_at >= late.since
    left join recsys.source_posts as posts on posts.post_id = events.post_id
    where events.kind = 'login' or posts.post_id is not null
  ),
  history as (
    -- how old and how idle each post was when this person came (in double precision: ln(numeric) took a fifth of the roll-up)
    select
      events.*,
      ln(1 + greatest(0, extract(epoch from events.created_at - events.post_created_at)::double precision) / 3600) as log_age,
      ln(1 + greatest(0, extract(epoch from events.created_at - coalesce(before.last_active_at, events.post_created_at))::double precision) / 3600) as log_idle
    from events
    left join lateral (
      select post_stats.last_active_at
      from recsys.post_stats
      where events.is_interaction and post_stats.post_id = events.post_id
        and (post_stats.last_active_at, post_stats.interaction_id) < (events.created_at, events.sort_id)
      order by post_stats.last_active_at desc, post_stats.interaction_id desc
      limit 1
    ) as before on true
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
    join late on late.user_id = series.user_id
    cross join lateral recsys.decayed_counts(series.at, series.is_interaction, late.last_active_at, late.recent) as events
    join lateral recsys.decayed_counts(series.at, series.is_login, late.last_active_at, late.recent_logins) as logins using (number)
  ),
  changes as (
    select
      history.*,
      count(*) filter (where kind = 'view' and is_interaction) over so_far as views,
      count(*) filter (where kind = 'vote') over so_far as votes,
      count(*) filter (where kind = 'comment') over so_far as comments,
      count(*) filter (where kind = 'login') over so_far as logins,
      count(*) filter (where is_interaction) over so_far as interactions,
      coalesce(sum(log_age) filter (where is_interaction) over so_far, 0) as log_ages,
      coalesce(sum(log_idle) filter (where is_interaction) over so_far, 0) as log_idles
    from history
    window so_far as (partition by user_id order by number rows unbounded preceding)
  ),
  states as (
    select
      changes.*, late.habit_log_age, late.habit_log_idle, decayed.counts, decayed.login_counts,
      coalesce(late.views, 0) + changes.views as all_views,
      coalesce(late.votes, 0) + changes.votes as all_votes,
      coalesce(late.comments, 0) + changes.comments as all_comments,
      coalesce(late.logins, 0) + changes.logins as all_logins,
      coalesce(late.views + late.votes + late.comments, 0) as interactions_before
    from changes
    join late on late.user_id = changes.user_id
    join decayed on decayed.user_id = changes.user_id and decayed.number = changes.number
  )
  insert into recsys.user_stats (user_id, last_active_at, event_id, sort_id, views, votes, comments, logins, recent, recent_logins, habit_log_age, habit_log_idle)
  select
    user_id, created_at, event_id, sort_id, all_views, all_votes, all_comments, all_logins, counts, login_counts,
    -- the means go on from those before; null: there is no interaction yet
    (coalesce(habit_log_age, 0) * interactions_before + log_ages) / nullif(interactions_before + interactions, 0),
    (coalesce(habit_log_idle, 0) * interactions_before + log_idles) / nullif(interactions_before + interactions, 0)
  from states
  -- an event of somebody else whose turn has not come yet
  on conflict (event_id) do update set
    user_id = excluded.user_id, last_active_at = excluded.last_active_at, sort_id = excluded.sort_id,
    views = excluded.views, votes = excluded.votes, comments = excluded.comments, logins = excluded.logins, recent = excluded.recent,
    recent_logins = excluded.recent_logins, habit_log_age = excluded.habit_log_age, habit_log_idle = excluded.habit_log_idle;
  get diagnostics written = row_count;
  return written;
end
$$;
comment on function recsys.roll_up_users(uuid[], timestamptz[]) is 'Works out recsys.user_stats of some users anew, each from an instant on, after the posts; returns the number of rows written.';

create function recsys.roll_up(p_most bigint default 100000) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  -- beyond this many changes, whoever came to a changed post later is worked out anew, instead of the next one only
  few constant integer := 20000;
  total bigint;
  posts uuid[];
  posts_since timestamptz[];
  users uuid[];
  users_since timestamptz[];
  -- each interaction that changed: its post and instant
  touched uuid[];
  touched_at timestamptz[];
  written bigint;
begin
  -- one roll-up at a time; a second one waits, and then takes what came meanwhile
  perform pg_advisory_xact_lock(hashtext('recsys.roll_up'));
  if not exists (select from recsys.feature_changes) then
    return 0::bigint;
  end if;
  -- what comes after this statement stays queued, even where the statements below see its effect already
  with taken as (
    delete from recsys.feature_changes
    where change_id <= (select max(change_id) from (select change_id from recsys.feature_changes order by change_id limit p_most) as oldest)
    returning user_id, post_id, at
  )
  select counted.total, of_posts.ids, of_posts.since, of_users.ids, of_users.since, of_instants.ids, of_instants.at
  into total, posts, posts_since, users, users_since, touched, touched_at
  from
    (select count(*) as total from taken) as counted,
    (select coalesce(array_agg(post_id), '{}') as ids, coalesce(array_agg(since), '{}') as since
      from (select post_id, min(at) as since from taken where post_id is not null group by post_id) as each) as of_posts,
    (select coalesce(array_agg(user_id), '{}') as ids, coalesce(array_agg(since), '{}') as since
      from (select user_id, min(at) as since from taken where user_id is not null group by user_id) as each) as of_users,
    (select coalesce(array_agg(post_id), '{}') as ids, coalesce(array_agg(at), '{}') as at
      from (select distinct post_id, at from taken where post_id is not null limit few) as each) as of_instants;

  written := recsys.roll_up_posts(posts, posts_since);

  select array_agg(user_id), array_agg(since) into users, users_since
  from (
    select user_id, min(since) as since
    from (
      select * from unnest(users, users_since) as of_users (user_id, since)
      union all
      -- a post that changed itself: whoever came to it
      select later.user_id, min(later.created_at)
      from unnest(posts, posts_since) as of_posts (post_id, since)
      join recsys.source_interactions as later on later.post_id = of_posts.post_id and later.created_at >= of_posts.since
      where total > few or of_posts.since = '-infinity'
      group by later.user_id
      union all
      -- an interaction that changed makes the post more or less idle to whoever came at the same instant or next
      select affected.user_id, affected.last_active_at
      from unnest(touched, touched_at) as changed (post_id, at)
      cross join lateral (
        (
          select post_stats.user_id, post_stats.last_active_at
          from recsys.post_stats
          where post_stats.post_id = changed.post_id and post_stats.last_active_at = changed.at
        )
        union all
        (
          select post_stats.user_id, post_stats.last_active_at
          from recsys.post_stats
          where post_stats.post_id = changed.post_id and post_stats.last_active_at > changed.at
          order by post_stats.last_active_at, post_stats.interaction_id
          limit 1
        )
      ) as affected
      where total <= few
    ) as changes (user_id, since)
    group by user_id
  ) as late;

  return written + recsys.roll_up_users(users, users_since);
end
$$;
comment on function recsys.roll_up(bigint) is 'Brings the feature store up to date with the oldest changes in recsys.feature_changes, p_most at a time (null: all of them; a backlog is so worked off in portions that end within the 2 minutes Supabase gives a statement); returns the number of rows written. Called after an import and every 10 seconds by pg_cron.';
revoke all on function recsys.roll_up_latest_posts(uuid[]), recsys.roll_up_posts(uuid[], timestamptz[]), recsys.roll_up_users(uuid[], timestamptz[]), recsys.roll_up(bigint) from public;
grant execute on function recsys.roll_up_latest_posts(uuid[]), recsys.roll_up_posts(uuid[], timestamptz[]), recsys.roll_up_users(uuid[], timestamptz[]), recsys.roll_up(bigint) to service_role;

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
comment on view recsys.timeline is 'Every event with the state of its post and its user right after it; read in the order of (at, sort_id) it replays the community for training. The state of the post is null after a login and after a view of an own post, which change none.';
comment on column recsys.timeline.at is 'When the event was.';
comment on column recsys.timeline.event_id is 'interaction_id, or L followed by login_id.';
comment on column recsys.timeline.sort_id is 'interaction_id or login_id: events of the same instant are in the order of (sort_id, event_id).';
comment on column recsys.timeline.user_id is 'Whose event it is.';
comment on column recsys.timeline.post_id is 'The post of an interaction; null: a login.';
comment on column recsys.timeline.kind is 'view, vote, comment or login.';
comment on column recsys.timeline.post_views is 'Views of the post so far.';
comment on column recsys.timeline.post_votes is 'Votes for the post so far.';
comment on column recsys.timeline.post_comments is 'Comments on the post so far.';
comment on column recsys.timeline.participants is 'Distinct users who interacted with the post so far.';
comment on column recsys.timeline.last_comment_at is 'When the last comment on the post so far was; null: there was none.';
comment on column recsys.timeline.by_author is 'Whether the event is the author''s own.';
comment on column recsys.timeline.first_interaction is 'Whether it is the user''s first with the post.';
comment on column recsys.timeline.post_recent is 'Interactions with the post, decayed, as in recsys.post_stats.recent.';
comment on column recsys.timeline.user_views is 'Views by the user so far.';
comment on column recsys.timeline.user_votes is 'Votes by the user so far.';
comment on column recsys.timeline.user_comments is 'Comments by the user so far.';
comment on column recsys.timeline.logins is 'Logins of the user so far.';
comment on column recsys.timeline.user_recent is 'Interactions of the user, decayed, as in recsys.user_stats.recent.';
comment on column recsys.timeline.recent_logins is 'The same for logins.';
comment on column recsys.timeline.habit_log_age is 'Mean of ln(1 + age of the post in hours) over the user''s interactions so far; null: none yet.';
comment on column recsys.timeline.habit_log_idle is 'Mean of ln(1 + hours the post had been idle) over the user''s interactions so far; null: none yet.';
grant select on recsys.timeline to service_role;
