-- Filling the feature store: what changed is worked out anew from the last state before it, so a roll-up costs what changed, not what is there.
-- The planner takes a third of all rows to lie behind an instant. "offset 0" makes it look them up by index, post by post and user by
-- user, whatever it expects: with 500 new events beside a million it now and then read and sorted the million (1.4 s of processor time
-- instead of 0.1 s). Events are then put together with their decayed counts in lockstep, in arrays, and not by a join: one that
-- expects few rows where there are thousands took 9 minutes for 12,000 events of one user.

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
    -- no state before: nothing had happened yet, or what had was thinned; so everything is worked out
    select late.post_id, case when before.last_active_at is null then '-infinity' else late.since end as since, posts.author_id, before.*
    from unnest(p_posts, p_since) as late (post_id, since)
    cross join lateral (select source_posts.author_id from recsys.source_posts where source_posts.post_id = late.post_id offset 0) as posts
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
      late.post_id, late.since, late.last_active_at, events.created_at, events.interaction_id, events.user_id, events.kind,
      events.user_id is not distinct from late.author_id as by_author,
      row_number() over (partition by late.post_id, events.user_id order by events.created_at, events.interaction_id) as number_of_user
    from late
    cross join lateral (
      select found.created_at, found.interaction_id, found.user_id, found.kind
      from recsys.source_interactions as found
      where found.post_id = late.post_id and found.created_at >= late.since
        and not (found.kind = 'view' and found.user_id is not distinct from late.author_id)
      offset 0
    ) as events
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
  series as (
    select
      history.post_id,
      array_agg(history.created_at order by history.created_at, history.interaction_id) as at,
      array_agg(history.interaction_id order by history.created_at, history.interaction_id) as interaction_ids,
      array_agg(history.user_id order by history.created_at, history.interaction_id) as user_ids,
      array_agg(history.kind order by history.created_at, history.interaction_id) as kinds,
      array_agg(history.by_author order by history.created_at, history.interaction_id) as by_author,
      array_agg(history.is_first order by history.created_at, history.interaction_id) as is_first
    from history
    group by history.post_id
  ),
  changes as (
    select
      late.post_id, late.views as views_before, late.votes as votes_before, late.comments as comments_before,
      late.participants as participants_before, late.last_comment_at as last_comment_before,
      events.*,
      count(*) filter (where events.kind = 'view') over so_far as views,
      count(*) filter (where events.kind = 'vote') over so_far as votes,
      count(*) filter (where events.kind = 'comment') over so_far as comments,
      count(*) filter (where events.is_first) over so_far as participants,
      max(events.created_at) filter (where events.kind = 'comment') over so_far as last_comment_at
    from series
    join late on late.post_id = series.post_id
    cross join lateral rows from (
      unnest(series.at, series.interaction_ids, series.user_ids, series.kinds, series.by_author, series.is_first),
      recsys.decayed_counts(series.at, array_fill(true, array[cardinality(series.at)]), late.last_active_at, late.recent)
    ) as events (created_at, interaction_id, user_id, kind, by_author, is_first, number, counts)
    window so_far as (partition by late.post_id order by events.number rows unbounded preceding)
  )
  insert into recsys.post_stats (post_id, last_active_at, interaction_id, user_id, kind, views, votes, comments, participants, last_comment_at, by_author, first_interaction, recent, trend)
  select
    post_id, created_at, interaction_id, user_id, kind,
    coalesce(views_before, 0) + views, coalesce(votes_before, 0) + votes, coalesce(comments_before, 0) + comments,
    coalesce(participants_before, 0) + participants, coalesce(last_comment_at, last_comment_before),
    by_author, is_first, counts,
    ln(counts[4]) / ln(2::double precision) + extract(epoch from created_at)::double precision / 3600 / (recsys.half_lives())[4]
  from changes
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
  thinned_before constant timestamptz := (select thinning.thinned_before from recsys.thinning);
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
    -- as for posts
    select late.user_id, case when before.last_active_at is null then '-infinity' else late.since end as since, before.*
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
      late.user_id, found.*, posts.created_at as post_created_at, posts.author_id,
      found.kind <> 'login' and not (found.kind = 'view' and posts.author_id is not distinct from late.user_id) as is_interaction
    from late
    cross join lateral (
      select user_events.event_id, user_events.sort_id, user_events.post_id, user_events.kind, user_events.created_at
      from recsys.user_events
      where user_events.user_id = late.user_id and user_events.created_at >= late.since
      offset 0
    ) as found
    -- one by one, so that a post that cannot be read fails those who came to it, and nobody else
    left join lateral (
      select source_posts.post_id, source_posts.author_id, source_posts.created_at
      from recsys.source_posts where source_posts.post_id = found.post_id
      offset 0
    ) as posts on true
    where found.kind = 'login' or posts.post_id is not null
  ),
  history as (
    -- how old and how idle each post was when this person came (in double precision: ln(numeric) took a fifth of the roll-up)
    select
      events.*,
      ln(1 + greatest(0, extract(epoch from events.created_at - events.post_created_at)::double precision) / 3600) as log_age,
      ln(1 + greatest(0, extract(epoch from events.created_at - coalesce(before.last_active_at, thinned.created_at, events.post_created_at))::double precision) / 3600) as log_idle
    from events
    left join lateral (
      select post_stats.last_active_at
      from recsys.post_stats
      where events.is_interaction and post_stats.post_id = events.post_id
        and (post_stats.last_active_at, post_stats.interaction_id) < (events.created_at, events.sort_id)
      order by post_stats.last_active_at desc, post_stats.interaction_id desc
      limit 1
    ) as before on true
    left join lateral (
      -- as in recsys.thinned_state(), which a bulk of rows cannot wait for
      select earlier.created_at
      from recsys.source_interactions as earlier
      where events.is_interaction and before.last_active_at is null and events.created_at < thinned_before
        and earlier.post_id = events.post_id and (earlier.created_at, earlier.interaction_id) < (events.created_at, events.sort_id)
        and not (earlier.kind = 'view' and earlier.user_id is not distinct from events.author_id)
      order by earlier.created_at desc
      limit 1
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
      count(*) filter (where events.kind = 'vote') over so_far as votes,
      count(*) filter (where events.kind = 'comment') over so_far as comments,
      count(*) filter (where events.kind = 'login') over so_far as logins,
      count(*) filter (where events.is_interaction) over so_far as interactions,
      coalesce(sum(events.log_age) filter (where events.is_interaction) over so_far, 0) as log_ages,
      coalesce(sum(events.log_idle) filter (where events.is_interaction) over so_far, 0) as log_idles
    from series
    join late on late.user_id = series.user_id
    cross join lateral rows from (
      unnest(series.at, series.event_ids, series.sort_ids, series.kinds, series.is_interaction, series.log_ages, series.log_idles),
      recsys.decayed_counts(series.at, series.is_interaction, late.last_active_at, late.recent),
      recsys.decayed_counts(series.at, series.is_login, late.last_active_at, late.recent_logins)
    ) as events (created_at, event_id, sort_id, kind, is_interaction, log_age, log_idle, number, counts, login_number, login_counts)
    window so_far as (partition by late.user_id order by events.number rows unbounded preceding)
  )
  insert into recsys.user_stats (user_id, last_active_at, event_id, sort_id, views, votes, comments, logins, recent, recent_logins, habit_log_age, habit_log_idle)
  select
    user_id, created_at, event_id, sort_id,
    coalesce(views_before, 0) + views, coalesce(votes_before, 0) + votes, coalesce(comments_before, 0) + comments, coalesce(logins_before, 0) + logins,
    counts, login_counts,
    -- the means go on from those before; null: there is no interaction yet
    (coalesce(habit_log_age, 0) * interactions_before + log_ages) / nullif(interactions_before + interactions, 0),
    (coalesce(habit_log_idle, 0) * interactions_before + log_idles) / nullif(interactions_before + interactions, 0)
  from changes
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

create function recsys.work_off(
  p_kind text,
  p_ids uuid[],
  p_since timestamptz[],
  p_touched uuid[],
  p_touched_at timestamptz[],
  p_everybody boolean,
  p_until timestamptz,
  out written bigint,
  out affected uuid[],
  out affected_since timestamptz[]
)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  number_of_ids constant integer := cardinality(p_ids);
  part_size constant integer := greatest(1, (number_of_ids + 19) / 20);
  until timestamptz;
  failed_code text;
  failed_reason text;
  part record;
begin
  affected := '{}';
  affected_since := '{}';
  begin
    if p_kind = 'user' then
      written := recsys.roll_up_users(p_ids, p_since);
    else
      written := recsys.roll_up_posts(p_ids, p_since);
      select coalesce(array_agg(changes.user_id), '{}'), coalesce(array_agg(changes.since), '{}') into affected, affected_since
      from (
        -- a post that changed itself: whoever came to it
        select later.user_id, min(later.created_at) as since
        from unnest(p_ids, p_since) as of_posts (post_id, since)
        cross join lateral (
          select found.user_id, found.created_at from recsys.source_interactions as found
          where found.post_id = of_posts.post_id and found.created_at >= of_posts.since
          offset 0
        ) as later
        where p_everybody or of_posts.since = '-infinity'
        group by later.user_id
        union all
        -- an interaction that changed makes the post more or less idle to whoever came at the same instant or next
        select next.user_id, next.last_active_at
        from unnest(p_touched, p_touched_at) as changed (post_id, at)
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
        ) as next
        where not p_everybody and changed.post_id = any (p_ids)
      ) as changes;
    end if;
    return;
  -- what a row can be guilty of. A lock that was not to be had, an end from outside, a missing table or right are nobody's fault:
  -- they end the roll-up, and everything stays queued
  exception
    when cardinality_violation or data_exception or integrity_constraint_violation or external_routine_exception
      or external_routine_invocation_exception or with_check_option_violation or program_limit_exceeded or plpgsql_error
    then
      get stacked diagnostics failed_code = returned_sqlstate, failed_reason = message_text;
  end;

  written := 0::bigint;
  affected := '{}';
  affected_since := '{}';
  if number_of_ids = 1 then
    update recsys.set_aside_changes as known
    set at = least(known.at, p_since[1]), error_code = failed_code, reason = failed_reason, failures = known.failures + 1, last_failed_at = clock_timestamp()
    where case when p_kind = 'user' then known.user_id else known.post_id end = p_ids[1];
    if not found then
      insert into recsys.set_aside_changes (user_id, post_id, at, error_code, reason)
      -- of a post, whoever came to it is to be worked out anew as well
      select case when p_kind = 'user' then p_ids[1] end, case when p_kind = 'post' then p_ids[1] end,
        case when p_kind = 'user' then p_since[1] else '-infinity' end, failed_code, failed_reason;
    end if;
    return;
  end if;
  -- a portion that failed is worked off in parts for so long, and the rest later: Supabase ends a statement after 2 minutes
  until := coalesce(p_until, clock_timestamp() + interval '20 seconds');
  for start in 1 .. number_of_ids by part_size loop
    if clock_timestamp() > until and start > 1 then
      insert into recsys.feature_changes (user_id, post_id, at)
      select case when p_kind = 'user' then id end, case when p_kind = 'post' then id end, case when p_kind = 'user' then since else '-infinity' end
      from unnest(p_ids[start :], p_since[start :]) as rest (id, since);
      return;
    end if;
    select * into part
    from recsys.work_off(p_kind, p_ids[start : start + part_size - 1], p_since[start : start + part_size - 1], p_touched, p_touched_at, p_everybody, until);
    written := written + part.written;
    affected := affected || part.affected;
    affected_since := affected_since || part.affected_since;
  end loop;
end
$$;
comment on function recsys.work_off(text, uuid[], timestamptz[], uuid[], timestamptz[], boolean, timestamptz) is 'Works out the states of posts or users (p_kind), each from its instant on. Where that fails, it is done in twentieths, and theirs, until it is known which ones fail: these go to recsys.set_aside_changes. p_touched, p_touched_at: the interactions of posts that changed; p_everybody: there are too many to look at each. p_until: what is not worked off in parts by then is queued again; null: 20 seconds from the first failure. Returns how many rows were written, and the users whose states depend on the posts.';

create function recsys.roll_up(p_most bigint default 100000) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  -- beyond this many changes, whoever came to a changed post later is worked out anew, instead of the next one only
  few constant integer := 20000;
  started constant timestamptz := clock_timestamp();
  until constant timestamptz := case when p_most is null then 'infinity'::timestamptz end;
  total bigint;
  posts uuid[];
  posts_since timestamptz[];
  users uuid[];
  users_since timestamptz[];
  -- each interaction that changed: its post and instant
  touched uuid[];
  touched_at timestamptz[];
  part record;
  done record;
  written bigint := 0::bigint;
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

  -- each that failed before is tried alone, so that it costs the others no second attempt
  for part in
    select array_agg(changed.post_id) as ids, array_agg(least(changed.since, failed.at)) as since
    from unnest(posts, posts_since) as changed (post_id, since)
    left join recsys.set_aside_changes as failed on failed.post_id = changed.post_id
    group by failed.post_id
  loop
    select * into done from recsys.work_off('post', part.ids, part.since, touched, touched_at, total > few, until);
    written := written + done.written;
    users := users || done.affected;
    users_since := users_since || done.affected_since;
  end loop;

  for part in
    select array_agg(changed.user_id) as ids, array_agg(least(changed.since, failed.at)) as since
    from (
      select of_users.user_id, min(of_users.since) as since from unnest(users, users_since) as of_users (user_id, since) group by of_users.user_id
    ) as changed
    left join recsys.set_aside_changes as failed on failed.user_id = changed.user_id
    group by failed.user_id
  loop
    select * into done from recsys.work_off('user', part.ids, part.since, '{}', '{}', false, until);
    written := written + done.written;
  end loop;

  delete from recsys.set_aside_changes
  where set_aside_changes.last_failed_at < started and (set_aside_changes.post_id = any (posts) or set_aside_changes.user_id = any (users));
  return written;
end
$$;
comment on function recsys.roll_up(bigint) is 'Brings the feature store up to date with the oldest changes in recsys.feature_changes, p_most at a time (null: all of them; a backlog is so worked off in portions that end within the 2 minutes Supabase gives a statement); returns the number of rows written. Posts and users whose states cannot be worked out are set aside (recsys.feature_store_failures), and the others go on. Called after an import and every 10 seconds by pg_cron.';
revoke all on function recsys.roll_up_latest_posts(uuid[]), recsys.roll_up_posts(uuid[], timestamptz[]), recsys.roll_up_users(uuid[], timestamptz[]), recsys.work_off(text, uuid[], timestamptz[], uuid[], timestamptz[], boolean, timestamptz), recsys.roll_up(bigint) from public;
grant execute on function recsys.roll_up_latest_posts(uuid[]), recsys.roll_up_posts(uuid[], timestamptz[]), recsys.roll_up_users(uuid[], timestamptz[]), recsys.work_off(text, uuid[], timestamptz[], uuid[], timestamptz[], boolean, timestamptz), recsys.roll_up(bigint) to service_role;

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
