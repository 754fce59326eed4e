-- Removes old states. Training reads the latest 500,000 events, of each person the latest 10,000 at most, with the
-- state after each. Before them it
-- reads the last state of each post and user, and what each interaction found, which the interactions
-- themselves say. So from an
-- instant on every state stays, and before it the last one of each post and user. The states of a post or user are
-- therefore always
-- complete from some state on, and earlier ones are computed from the interactions:
-- - the roll-up, for a change that came so late, begins from scratch; the next thinning takes the older states
-- again;
-- - what a returning user found then: recsys_engine.reconstruct_state().
-- To keep the states that histories need instead would keep nearly all: most people have fewer than 200
-- interactions.

create table recsys_engine.pruning_progress (
  only_row boolean primary key default true check (only_row),
  thinned_before timestamptz not null default '-infinity',
  after_id uuid not null default '00000000-0000-0000-0000-000000000000'
);
comment on table recsys_engine.pruning_progress is 'How far recsys_engine.prune_feature_store() has come, in one row.';
comment on column recsys_engine.pruning_progress.only_row is 'Always true: there is one row.';
comment on column recsys_engine.pruning_progress.thinned_before is 'Of the states before this instant only the last one of each post and user needs to be there. -infinity: nothing was thinned yet, or all is recomputed.';
comment on column recsys_engine.pruning_progress.after_id is 'The post or user after which the next call goes on, in the order of their ids.';
insert into recsys_engine.pruning_progress default values;
alter table recsys_engine.pruning_progress enable row level security;
create policy "how far states are thinned is readable" on recsys_engine.pruning_progress for select to authenticated using (true);
grant select on recsys_engine.pruning_progress to authenticated;
grant select, insert, update, delete on recsys_engine.pruning_progress to service_role;

create function recsys_engine.state_before_interaction(p_post_id uuid, p_author_id uuid, p_at timestamptz, p_interaction_id bigint)
returns table (last_active_at timestamptz, comments integer)
language sql stable security invoker rows 1
begin atomic
  select max(firsts.created_at), (count(*) filter (where firsts.kind = 'comment'))::integer
  from (
    select earlier.kind, min(earlier.created_at) as created_at
    from recsys_engine.non_burst_interactions as earlier
    where earlier.post_id = p_post_id and earlier.created_at <= p_at and (earlier.created_at < p_at or earlier.interaction_id < p_interaction_id)
      and earlier.user_id is distinct from p_author_id
    group by earlier.user_id, earlier.kind
  ) as firsts
  having count(*) > 0;
end;
comment on function recsys_engine.state_before_interaction(uuid, uuid, timestamptz, bigint) is 'last_active_at and comments of a post of an author just before an interaction, from the interactions that count. No row: none did.';

create function recsys_engine.reconstruct_state(p_post_id uuid, p_at timestamptz, p_interaction_id bigint)
returns table (last_active_at timestamptz, comments integer)
-- definer: callers may not read others' interactions. They get the state at their own interaction only: any other would reveal
-- that a post exists which is hidden from them
language plpgsql stable security definer rows 1 set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select counted.last_active_at, counted.comments
  from recsys.source_posts as posts
  cross join lateral recsys_engine.state_before_interaction(posts.post_id, posts.author_id, p_at, p_interaction_id) as counted
  where posts.post_id = p_post_id and (auth.uid() is null or exists (
    select from recsys.source_interactions as own
    where own.user_id = auth.uid() and own.post_id = p_post_id and own.created_at = p_at and own.interaction_id = p_interaction_id
  ));
end
$$;
comment on function recsys_engine.reconstruct_state(uuid, timestamptz, bigint) is
  'last_active_at and comments of a post just before an interaction, computed from interactions older than pruning_progress.thinned_before, where recsys_engine.post_stats has no state. No row: no earlier event, or an interaction of another user than the claims name.';

create function recsys_engine.training_start(p_events bigint, p_of_a_person bigint) returns table (at timestamptz, sort_id bigint)
language sql stable security invoker set search_path = ''
as $$
  select latest.last_active_at, latest.sort_id
  from recsys_engine.latest_user_stats as people
  -- by the index of each person: what one of them did beyond their share is not read
  cross join lateral (
    select user_stats.last_active_at, user_stats.sort_id from recsys_engine.user_stats
    where user_stats.user_id = people.user_id
    order by user_stats.last_active_at desc, user_stats.sort_id desc, user_stats.event_id desc
    limit p_of_a_person
  ) as latest
  order by latest.last_active_at desc, latest.sort_id desc
  offset greatest(p_events, 1) - 1
  limit 1
$$;
comment on function recsys_engine.training_start(bigint, bigint) is 'The first of the latest p_events events of which each person has p_of_a_person at most: what training reads begins there, and what is thinned ends there. No row: there are fewer.';

create function recsys_engine.prune_feature_store(p_keep bigint default 500000, p_limit integer default 20000, p_of_a_person bigint default 10000) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  first_id constant uuid := '00000000-0000-0000-0000-000000000000'::uuid;
  progress recsys_engine.pruning_progress;
  ids uuid[];
  thinned bigint;
  of_users bigint;
begin
  -- not while a roll-up goes on from a state that would go; feeds and writers do not wait
  perform recsys_engine.take_lock('roll_up');
  select * into strict progress from recsys_engine.pruning_progress;
  if progress.after_id = first_id then
    -- a tenth of what training reads is gone, as where those are erased who had flooded it: what was thinned for them is recomputed
    if progress.thinned_before > coalesce((select start.at from recsys_engine.training_start(p_keep * 9 / 10, p_of_a_person) as start), '-infinity') then
      insert into recsys_engine.feature_changes (post_id) select source_posts.post_id from recsys.source_posts;
      insert into recsys_engine.feature_changes (user_id) select source_users.user_id from recsys.source_users;
      update recsys_engine.pruning_progress set thinned_before = '-infinity';
      return 0::bigint;
    end if;
    progress.thinned_before := greatest(progress.thinned_before, (select start.at from recsys_engine.training_start(p_keep, p_of_a_person) as start));
  end if;
  if progress.thinned_before = '-infinity' then
    return 0::bigint;
  end if;

  select coalesce(array_agg(id order by id), '{}') into ids
  from (
    select id from (
      (select distinct post_stats.post_id as id from recsys_engine.post_stats where post_stats.post_id > progress.after_id order by id limit p_limit)
      union
      (select distinct user_stats.user_id as id from recsys_engine.user_stats where user_stats.user_id > progress.after_id order by id limit p_limit)
    ) as either
    order by id
    limit p_limit
  ) as next;

  delete from recsys_engine.post_stats
  where post_stats.ctid = any (array(
    select outdated.ctid
    from unnest(ids) as entity (id)
    cross join lateral (
      select post_stats.last_active_at, post_stats.interaction_id from recsys_engine.post_stats
      where post_stats.post_id = entity.id and post_stats.last_active_at < progress.thinned_before
      order by post_stats.last_active_at desc, post_stats.interaction_id desc
      limit 1
    ) as kept
    cross join lateral (
      select post_stats.ctid from recsys_engine.post_stats
      where post_stats.post_id = entity.id
        and (post_stats.last_active_at, post_stats.interaction_id) < (kept.last_active_at, kept.interaction_id)
      offset 0
    ) as outdated
  ));
  get diagnostics thinned = row_count;

  delete from recsys_engine.user_stats
  where user_stats.ctid = any (array(
    select outdated.ctid
    from unnest(ids) as entity (id)
    cross join lateral (
      select user_stats.last_active_at, user_stats.sort_id, user_stats.event_id from recsys_engine.user_stats
      where user_stats.user_id = entity.id and user_stats.last_active_at < progress.thinned_before
      order by user_stats.last_active_at desc, user_stats.sort_id desc, user_stats.event_id desc
      limit 1
    ) as kept
    cross join lateral (
      select user_stats.ctid from recsys_engine.user_stats
      where user_stats.user_id = entity.id
        and (user_stats.last_active_at, user_stats.sort_id, user_stats.event_id) < (kept.last_active_at, kept.sort_id, kept.event_id)
      offset 0
    ) as outdated
  ));
  get diagnostics of_users = row_count;

  update recsys_engine.pruning_progress
  set thinned_before = progress.thinned_before,
    after_id = case when cardinality(ids) < p_limit then first_id else ids[cardinality(ids)] end;
  return thinned + of_users;
end
$$;
comment on function recsys_engine.prune_feature_store(bigint, integer, bigint) is
  'Thins the states of the next p_limit posts and users, in order of ids, around and around: before the latest p_keep events (p_of_a_person each) only the last stays. Returns deleted rows. Recomputes all where a tenth of the events is gone. The limits must not be below those of training.';

revoke all on function recsys_engine.state_before_interaction(uuid, uuid, timestamptz, bigint), recsys_engine.reconstruct_state(uuid, timestamptz, bigint), recsys_engine.training_start(bigint, bigint), recsys_engine.prune_feature_store(bigint, integer, bigint) from public;
grant execute on function recsys_engine.reconstruct_state(uuid, timestamptz, bigint) to authenticated, service_role;
grant execute on function recsys_engine.state_before_interaction(uuid, uuid, timestamptz, bigint), recsys_engine.training_start(bigint, bigint), recsys_engine.prune_feature_store(bigint, integer, bigint) to service_role;
