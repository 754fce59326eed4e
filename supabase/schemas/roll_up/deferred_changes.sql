-- What came late: an event of a month ago has all states of its post and its user since then recomputed. 500 views dated 28 days back, one
-- request, took 6.9 s of roll-up instead of 0.2. So changes that rewrite states wait here, and a roll-up takes as many as its rows allow, after all
-- that is new. What would rewrite more than the horizon alone is mended at night.

create table recsys_engine.deferred_changes (
  late_change_id bigint primary key generated always as identity,
  user_id uuid,
  post_id uuid,
  at timestamptz not null,
  of_post integer not null default 0,
  of_user integer not null default 0,
  rewrites integer not null generated always as (of_post + of_user) stored,
  queued_at timestamptz not null default now(),
  check (user_id is not null or post_id is not null)
);
comment on table recsys_engine.deferred_changes is 'Changes of recsys_engine.feature_changes that recompute history. recsys.roll_up() takes those of fewest states first; until then states lack them. To take all at once: select recsys.roll_up(null).';
comment on column recsys_engine.deferred_changes.late_change_id is 'Its number.';
comment on column recsys_engine.deferred_changes.user_id is 'As in recsys_engine.feature_changes.';
comment on column recsys_engine.deferred_changes.post_id is 'As in recsys_engine.feature_changes.';
comment on column recsys_engine.deferred_changes.at is 'As in recsys_engine.feature_changes.';
comment on column recsys_engine.deferred_changes.of_post is 'How many states of the post are recomputed for it, about: not counted on above the horizon.';
comment on column recsys_engine.deferred_changes.of_user is 'How many of the user.';
comment on column recsys_engine.deferred_changes.rewrites is 'How many together.';
comment on column recsys_engine.deferred_changes.queued_at is 'When the change was made.';
-- a user's own states are worked out once, from the earliest instant on
create unique index deferred_changes_user_id_idx on recsys_engine.deferred_changes (user_id) where post_id is null;
create index deferred_changes_rewrites_idx on recsys_engine.deferred_changes ((post_id is null), rewrites, post_id, late_change_id);
alter table recsys_engine.deferred_changes enable row level security;
grant select, insert, update, delete on recsys_engine.deferred_changes to service_role;

create table recsys_engine.roll_up_budget (
  only_row boolean primary key default true check (only_row),
  share double precision not null default 1 check (share > 0 and share <= 1)
);
comment on table recsys_engine.roll_up_budget is 'The share of its limits that a roll-up takes, in one row: halved after a run that reached the statement limit, doubled after any other, up to 1.';
comment on column recsys_engine.roll_up_budget.only_row is 'Always true: there is one row.';
comment on column recsys_engine.roll_up_budget.share is 'The share, 1 at most.';
insert into recsys_engine.roll_up_budget default values;
alter table recsys_engine.roll_up_budget enable row level security;
grant select, update on recsys_engine.roll_up_budget to service_role;

create function recsys_engine.count_states_since(p_kind text, p_id uuid, p_since timestamptz, p_limit integer) returns integer
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  if p_kind = 'post' then
    return greatest(
      (select count(*)::integer from (
        select from recsys_engine.post_stats where post_stats.post_id = p_id and post_stats.last_active_at >= p_since limit p_limit
      ) as stored),
      -- no state before: all there is is worked out
      (select count(*)::integer from (
        select from recsys.source_interactions
        where source_interactions.post_id = p_id
          and not exists (select from recsys_engine.post_stats as earlier where earlier.post_id = p_id and earlier.last_active_at < p_since)
        limit p_limit
      ) as events)
    );
  end if;
  return greatest(
    (select count(*)::integer from (
      select from recsys_engine.user_stats where user_stats.user_id = p_id and user_stats.last_active_at >= p_since limit p_limit
    ) as stored),
    (select count(*)::integer from (
      select from recsys_engine.user_events
      where user_events.user_id = p_id
        and not exists (select from recsys_engine.user_stats as earlier where earlier.user_id = p_id and earlier.last_active_at < p_since)
      limit p_limit
    ) as events)
  );
end
$$;
comment on function recsys_engine.count_states_since(text, uuid, timestamptz, integer) is 'How many states of a post or user (p_kind) a change of that instant has recomputed, p_limit at most.';

create function recsys_engine.defer_recompute(p_users uuid[], p_since timestamptz[], p_rewrites integer[]) returns void
language sql volatile security invoker set search_path = ''
as $$
  insert into recsys_engine.deferred_changes as waiting (user_id, at, of_user)
  select later.user_id, min(later.since), max(later.rewrites) from unnest(p_users, p_since, p_rewrites) as later (user_id, since, rewrites) group by later.user_id
  on conflict (user_id) where post_id is null do update
  set at = least(waiting.at, excluded.at), of_user = greatest(waiting.of_user, excluded.of_user)
$$;
comment on function recsys_engine.defer_recompute(uuid[], timestamptz[], integer[]) is 'Has the states of users worked out later, each from its instant on; p_rewrites: how many these are.';

create function recsys_engine.dequeue_changes(p_limit bigint, p_rewrites integer, p_horizon integer)
returns table (user_id uuid, post_id uuid, at timestamptz)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
#variable_conflict use_column
declare
  -- further ones are not counted
  most constant integer := coalesce(p_horizon, 1000000) + 1;
  users uuid[];
  posts uuid[];
  instants timestamptz[];
  queued timestamptz[];
begin
  with taken as (
    delete from recsys_engine.feature_changes
    where change_id <= (select max(change_id) from (select change_id from recsys_engine.feature_changes order by change_id limit p_limit) as oldest)
    returning feature_changes.user_id, feature_changes.post_id, feature_changes.at, feature_changes.queued_at
  )
  select array_agg(taken.user_id), array_agg(taken.post_id), array_agg(taken.at), array_agg(taken.queued_at)
  into users, posts, instants, queued
  from taken;
  if p_rewrites is null then
    return query
    with late as (delete from recsys_engine.deferred_changes returning deferred_changes.user_id, deferred_changes.post_id, deferred_changes.at)
    select * from unnest(users, posts, instants) union all select * from late;
    return;
  end if;

  -- of posts and users that have a state at that instant or later, how many; nearly all have none
  with changes as materialized (
    select each.* from unnest(users, posts, instants, queued) as each (user_id, post_id, at, queued_at)
  ),
  late as materialized (
    select each.kind, each.id, max(each.last_active_at) as last_active_at, bool_or(each.is_stuck) as is_stuck,
      case when bool_or(each.is_stuck) then most else recsys_engine.count_states_since(each.kind, each.id, min(each.at), most) end as number
    from (
      -- one that reached the limit alone is for the night
      select 'post' as kind, changes.post_id as id, changes.at, latest.last_active_at, stuck.post_id is not null as is_stuck
      from changes
      left join recsys_engine.latest_post_stats as latest on latest.post_id = changes.post_id
      left join recsys_engine.failed_feature_changes as stuck on stuck.post_id = changes.post_id and stuck.error_code = '57014'
      union all
      select 'user', changes.user_id, changes.at, latest.last_active_at, stuck.user_id is not null
      from changes
      left join recsys_engine.latest_user_stats as latest on latest.user_id = changes.user_id
      left join recsys_engine.failed_feature_changes as stuck on stuck.user_id = changes.user_id and stuck.error_code = '57014'
    ) as each
    where each.id is not null and (each.last_active_at >= each.at or each.last_active_at is null and each.at = '-infinity' or each.is_stuck)
    group by each.kind, each.id
  ),
  judged as materialized (
    select changes.*, coalesce(of_posts.number, 0) as of_post, coalesce(of_users.number, 0) as of_user
    from changes
    left join late as of_posts
      on of_posts.kind = 'post' and of_posts.id = changes.post_id and (of_posts.is_stuck or changes.at <= coalesce(of_posts.last_active_at, '-infinity'))
    left join late as of_users
      on of_users.kind = 'user' and of_users.id = changes.user_id and (of_users.is_stuck or changes.at <= coalesce(of_users.last_active_at, '-infinity'))
  ),
  put_off as (
    insert into recsys_engine.deferred_changes as waiting (user_id, post_id, at, of_post, of_user, queued_at)
    select judged.user_id, judged.post_id, min(judged.at), max(judged.of_post), max(judged.of_user), min(judged.queued_at)
    from judged
    where judged.of_post + judged.of_user > 0
    group by judged.user_id, judged.post_id, case when judged.post_id is not null then judged.at end
    on conflict (user_id) where post_id is null do update
    set at = least(waiting.at, excluded.at), of_user = greatest(waiting.of_user, excluded.of_user)
  )
  select array_agg(judged.user_id), array_agg(judged.post_id), array_agg(judged.at)
  into users, posts, instants
  from judged
  where judged.of_post + judged.of_user = 0;

  return query
  with waiting as (
    select deferred_changes.*, deferred_changes.ctid as at_place, row_number() over (order by (deferred_changes.post_id is null), deferred_changes.rewrites, deferred_changes.post_id, deferred_changes.late_change_id) as place
    from recsys_engine.deferred_changes
    -- posts first, since their users' states wait for them anyway, and the changes of one together
    where p_rewrites > 0 and (p_horizon is null or deferred_changes.rewrites <= p_horizon)
    order by (deferred_changes.post_id is null), deferred_changes.rewrites, deferred_changes.post_id, deferred_changes.late_change_id
    limit p_limit
  ),
  -- several changes of one post or user have the same states worked out
  counted as (
    select waiting.at_place, waiting.place,
      case when row_number() over (partition by waiting.post_id order by waiting.place) = 1 or waiting.post_id is null then waiting.of_post else 0 end
        + case when row_number() over (partition by waiting.user_id order by waiting.place) = 1 or waiting.user_id is null then waiting.of_user else 0 end as number
    from waiting
  ),
  summed as (
    select counted.at_place, counted.place, sum(counted.number) over (order by counted.place) as so_far from counted
  ),
  late as (
    delete from recsys_engine.deferred_changes
    -- by their places: joined, each read all the others where the planner knows of none, and 25,000 of one erased account took over 100 s instead of 4.7
    where deferred_changes.ctid = any (array(select summed.at_place from summed where summed.so_far <= p_rewrites or summed.place = 1))
    returning deferred_changes.user_id, deferred_changes.post_id, deferred_changes.at
  )
  select * from unnest(users, posts, instants) union all select * from late;
end
$$;
comment on function recsys_engine.dequeue_changes(bigint, integer, integer) is
  'Takes the oldest p_limit of recsys_engine.feature_changes. Recomputations go to recsys_engine.deferred_changes, and of these it takes the smallest first, p_rewrites states together (0: none) and p_horizon each (null: any). p_rewrites null: everything. Returns the work.';

revoke all on function recsys_engine.count_states_since(text, uuid, timestamptz, integer), recsys_engine.defer_recompute(uuid[], timestamptz[], integer[]), recsys_engine.dequeue_changes(bigint, integer, integer) from public;
grant execute on function recsys_engine.count_states_since(text, uuid, timestamptz, integer), recsys_engine.defer_recompute(uuid[], timestamptz[], integer[]), recsys_engine.dequeue_changes(bigint, integer, integer) to service_role;
