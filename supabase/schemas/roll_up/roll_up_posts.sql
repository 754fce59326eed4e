-- Filling the feature store: what changed is recomputed from the last state before it, so a roll-up costs what changed, not what is there.
-- The planner takes a third of all rows to lie behind an instant. "offset 0" makes it look them up by index, post by post and user by
-- user, whatever it expects: with 500 new events on top of a million it now and then read and sorted the million (1.4 s of processor time
-- instead of 0.1 s). Events are then put together with their decayed counts in lockstep, in arrays, and not by a join: one that
-- expects few rows where there are thousands took 9 minutes for 12,000 events of one user.

create function recsys_engine.roll_up_posts(
  p_posts uuid[],
  p_since timestamptz[],
  p_changed_users uuid[],
  p_changed_posts uuid[],
  p_changed_at timestamptz[],
  out written bigint,
  out known uuid[]
)
language plpgsql volatile security invoker set search_path = ''
-- plans are made for the number of posts at hand; just-in-time compilation costs more than it saves
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  -- posts that have states at or after the instant, or none at all
  reopened uuid[];
  reopened_since timestamptz[];
begin
  select
    coalesce(array_agg(late.post_id) filter (where not late.goes_on), '{}'),
    coalesce(array_agg(late.since) filter (where not late.goes_on), '{}'),
    coalesce(array_agg(late.post_id) filter (where late.goes_on and late.is_known), '{}')
  into reopened, reopened_since, known
  from (
    select
      changed.post_id, changed.since, touched.is_known,
      exists (
        select from recsys_engine.latest_post_stats
        where latest_post_stats.post_id = changed.post_id and latest_post_stats.last_active_at < changed.since
        offset 0
      ) as goes_on
    from unnest(p_posts, p_since) as changed (post_id, since)
    left join (
      select each.post_id, bool_and(each.user_id is not null) as is_known
      from unnest(p_changed_users, p_changed_posts) as each (user_id, post_id)
      group by each.post_id
    ) as touched on touched.post_id = changed.post_id
  ) as late;

  delete from recsys_engine.post_stats
  where post_stats.ctid = any (array(
    select outdated.ctid
    from unnest(reopened, reopened_since) as late (post_id, since)
    cross join lateral (
      select post_stats.ctid from recsys_engine.post_stats where post_stats.post_id = late.post_id and post_stats.last_active_at >= late.since offset 0
    ) as outdated
  ));

  with late as (
    -- no state before: nothing had happened yet, or what had was thinned; so everything is worked out
    select late.post_id, case when before.last_active_at is null then '-infinity' else late.since end as since, posts.author_id, before.last_active_at, before
    from unnest(p_posts, p_since) as late (post_id, since)
    cross join lateral (select source_posts.author_id from recsys.source_posts where source_posts.post_id = late.post_id offset 0) as posts
    left join lateral (
      -- nearly always the first of the two: one row of a small table
      (
        select latest_post_stats.* from recsys_engine.latest_post_stats
        where latest_post_stats.post_id = late.post_id and latest_post_stats.last_active_at < late.since
      )
      union all
      (
        select post_stats.* from recsys_engine.post_stats
        where post_stats.post_id = late.post_id and post_stats.last_active_at < late.since
        order by post_stats.last_active_at desc, post_stats.interaction_id desc
        limit 1
      )
      limit 1
    ) as before on true
  ),
  pairs as (
    select touched.post_id, touched.user_id, min(touched.at) as since
    from unnest(p_changed_users, p_changed_posts, p_changed_at) as touched (user_id, post_id, at)
    where touched.post_id = any (known)
    group by touched.post_id, touched.user_id
  ),
  numbered as (
    select
      found.post_id, found.since, found.last_active_at, found.created_at, found.interaction_id, found.user_id, found.kind,
      row_number() over (partition by found.post_id, found.user_id order by found.created_at, found.interaction_id) as number_of_user,
      row_number() over (partition by found.post_id, found.user_id, found.kind order by found.created_at, found.interaction_id) as number_of_kind
    from (
      select late.post_id, late.since, late.last_active_at, late.author_id, events.*
      from late
      cross join lateral (
        select non_burst_interactions.created_at, non_burst_interactions.interaction_id, non_burst_interactions.user_id, non_burst_interactions.kind
        from recsys_engine.non_burst_interactions
        where non_burst_interactions.post_id = late.post_id and non_burst_interactions.created_at >= late.since
        offset 0
      ) as events
      where late.post_id <> all (known)
      union all
      -- by user and post: of 10 million interactions, the pages that say whether it is the user's first are read for it anyway
      select late.post_id, late.since, late.last_active_at, late.author_id, events.*
      from pairs
      join late on late.post_id = pairs.post_id
      cross join lateral (
        select non_burst_interactions.created_at, non_burst_interactions.interaction_id, non_burst_interactions.user_id, non_burst_interactions.kind
        from recsys_engine.non_burst_interactions
        where non_burst_interactions.user_id = pairs.user_id and non_burst_interactions.post_id = pairs.post_id
          and non_burst_interactions.created_at >= pairs.since
        offset 0
      ) as events
    ) as found
    where found.user_id is distinct from found.author_id
  ),
  history as (
    select
      numbered.*,
      case
        when numbered.number_of_user > 1 then false
        when numbered.last_active_at is null then true
        else not exists (
          select from recsys_engine.non_burst_interactions as earlier
          where earlier.user_id = numbered.user_id and earlier.post_id = numbered.post_id and earlier.created_at < numbered.since
        )
      end as is_first
    from numbered
    -- what counts: of each person the first of each kind
    where numbered.number_of_kind = 1 and (numbered.last_active_at is null or not exists (
      select from recsys_engine.non_burst_interactions as earlier
      where earlier.user_id = numbered.user_id and earlier.post_id = numbered.post_id and earlier.kind = numbered.kind and earlier.created_at < numbered.since
    ))
  ),
  series as (
    select
      history.post_id,
      array_agg(history.created_at order by history.created_at, history.interaction_id) as at,
      array_agg(history.interaction_id order by history.created_at, history.interaction_id) as interaction_ids,
      array_agg(history.user_id order by history.created_at, history.interaction_id) as user_ids,
      array_agg(history.kind order by history.created_at, history.interaction_id) as kinds,
      array_agg(history.is_first order by history.created_at, history.interaction_id) as is_first
    from history
    group by history.post_id
  ),
  changes as (
    select
      late.post_id, late.before, events.*,
      count(*) filter (where events.kind = 'view') over so_far as views,
      count(*) filter (where events.kind = 'vote') over so_far as votes,
      count(*) filter (where events.kind = 'comment') over so_far as comments,
      count(*) filter (where events.is_first) over so_far as participants,
      max(events.created_at) filter (where events.kind = 'comment') over so_far as last_comment_at
    from series
    join late on late.post_id = series.post_id
    cross join lateral rows from (
      unnest(series.at, series.interaction_ids, series.user_ids, series.kinds, series.is_first),
      recsys_engine.decayed_counts(series.at, series.is_first, late.last_active_at, (late.before).recent)
    ) as events (created_at, interaction_id, user_id, kind, is_first, number, counts)
    window so_far as (partition by late.post_id order by events.number rows unbounded preceding)
  )
  insert into recsys_engine.post_stats (post_id, last_active_at, interaction_id, user_id, kind, views, votes, comments, participants, last_comment_at, first_interaction, recent, trend)
  select
    post_id, created_at, interaction_id, user_id, kind,
    coalesce((before).views, 0) + views, coalesce((before).votes, 0) + votes, coalesce((before).comments, 0) + comments,
    coalesce((before).participants, 0) + participants, coalesce(last_comment_at, (before).last_comment_at),
    is_first, counts,
    ln(greatest(counts[4], 1e-30)) / ln(2::double precision) + extract(epoch from created_at)::double precision / 3600 / (recsys_engine.half_lives())[4]
  from changes
  -- an interaction that moved here from a post whose turn has not come yet
  on conflict (interaction_id) do update set
    post_id = excluded.post_id, last_active_at = excluded.last_active_at, user_id = excluded.user_id, kind = excluded.kind,
    views = excluded.views, votes = excluded.votes, comments = excluded.comments, participants = excluded.participants,
    last_comment_at = excluded.last_comment_at, first_interaction = excluded.first_interaction,
    recent = excluded.recent, trend = excluded.trend;
  get diagnostics written = row_count;

  -- whole rows, so that nothing here names what they hold
  delete from recsys_engine.latest_post_stats where latest_post_stats.post_id = any (p_posts);
  insert into recsys_engine.latest_post_stats
  select latest.*
  from unnest(p_posts) as late (post_id)
  cross join lateral (
    select post_stats.* from recsys_engine.post_stats
    where post_stats.post_id = late.post_id
    order by post_stats.last_active_at desc, post_stats.interaction_id desc
    limit 1
  ) as latest;
end
$$;
comment on function recsys_engine.roll_up_posts(uuid[], timestamptz[], uuid[], uuid[], timestamptz[]) is
  'Recomputes recsys_engine.post_stats and latest_post_stats of distinct posts from an instant on; returns rows written, and posts that only gained interactions of known users. p_changed_*: users, posts and times of changed interactions: for these posts only new interactions are read; for others, all.';

revoke all on function recsys_engine.roll_up_posts(uuid[], timestamptz[], uuid[], uuid[], timestamptz[]) from public;
grant execute on function recsys_engine.roll_up_posts(uuid[], timestamptz[], uuid[], uuid[], timestamptz[]) to service_role;
