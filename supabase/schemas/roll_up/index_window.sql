-- The index window: with settings.index_window_days the HNSW index has the posts that were written, or had
-- interactions of others, in the last so many days. It takes 335 to 435 bytes of memory for each, so a smaller
-- window saves more memory than any other setting. A post is idle where both lie before
-- recsys_engine.indexed_since(), which follows the clock. At night a job looks at the posts between the old and the
-- new instant; a roll-up and a publish look at their own posts.

create table recsys_engine.index_window (
  only_row boolean primary key default true check (only_row),
  since timestamptz not null default '-infinity'
);
comment on table recsys_engine.index_window is 'Up to where idle posts have been marked, in one row.';
comment on column recsys_engine.index_window.only_row is 'Always true: there is one row.';
comment on column recsys_engine.index_window.since is
  'Posts written before it, without later interactions, are marked as idle. -infinity: none are; 1900: those that a roll-up or a publish looked at.';
insert into recsys_engine.index_window default values;
alter table recsys_engine.index_window enable row level security;
grant select, insert, update, delete on recsys_engine.index_window to service_role;

create function recsys_engine.indexed_since() returns timestamptz
language sql stable security invoker set search_path = ''
as $$ select coalesce(recsys.clock() - make_interval(days => settings.index_window_days), '-infinity') from recsys.settings $$;
comment on function recsys_engine.indexed_since() is
  'The beginning of the index window: older posts without later interactions of others are idle. -infinity: none is.';

create function recsys_engine.idle_posts(p_post_ids uuid[]) returns setof uuid
language sql stable security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
  select posts.post_id
  from recsys.source_posts as posts
  left join recsys_engine.latest_post_stats as latest on latest.post_id = posts.post_id
  where posts.post_id = any (p_post_ids)
    and greatest(posts.created_at, latest.last_active_at) < (select recsys_engine.indexed_since())
$$;
comment on function recsys_engine.idle_posts(uuid[]) is
  'The idle posts among some: written before recsys_engine.indexed_since(), without later interactions of others.';

create function recsys_engine.mark_idle(p_post_ids uuid[]) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  idle uuid[];
  marked bigint := 0::bigint;
begin
  -- nearly everywhere: nothing is asked of the posts
  if cardinality(p_post_ids) > 0 and (recsys_engine.indexed_since() > '-infinity' or exists (select from recsys_engine.index_window where index_window.since > '-infinity')) then
    idle := array(select recsys_engine.idle_posts(p_post_ids));
    -- some are marked: where the setting is taken back, all are looked at
    update recsys_engine.index_window set since = '1900-01-01' where index_window.since = '-infinity' and idle <> '{}';
    update recsys.post_embeddings set is_unindexed = each.is_unindexed
    from (select named.post_id, nullif(named.post_id = any (idle), false) as is_unindexed from unnest(p_post_ids) as named (post_id)) as each
    where post_embeddings.post_id = each.post_id and post_embeddings.is_unindexed is distinct from each.is_unindexed;
    get diagnostics marked = row_count;
  end if;
  return marked;
end
$$;
comment on function recsys_engine.mark_idle(uuid[]) is 'Has the vectors of some posts, those of all models, say whether these are idle. Returns how many changed.';

create function recsys_engine.mark_model_idle(p_model_id bigint) returns bigint
language plpgsql volatile security invoker set search_path = ''
set jit = off
as $$
declare
  marked bigint := 0::bigint;
begin
  if recsys_engine.indexed_since() > '-infinity' then
    perform recsys_engine.take_lock('roll_up');
    execute format(
      'update recsys_engine.post_embeddings_%s as vectors set is_unindexed = each.is_unindexed
      from (
        select posts.post_id, nullif(greatest(posts.created_at, latest.last_active_at) < $1, false) as is_unindexed
        from recsys.source_posts as posts
        left join recsys_engine.latest_post_stats as latest on latest.post_id = posts.post_id
      ) as each
      where vectors.post_id = each.post_id and vectors.is_unindexed is distinct from each.is_unindexed', p_model_id)
    using recsys_engine.indexed_since();
    get diagnostics marked = row_count;
    update recsys_engine.index_window set since = '1900-01-01' where index_window.since = '-infinity';
  end if;
  return marked;
end
$$;
comment on function recsys_engine.mark_model_idle(bigint) is 'Has the vectors of a model whose partition is not attached yet say which posts are idle, and holds roll-ups until the transaction ends. Returns how many changed.';

create function recsys_engine.advance_index_window(p_limit integer default 20000) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  goal constant timestamptz := recsys_engine.indexed_since();
  since timestamptz;
  goes_to timestamptz;
  looked_at uuid[];
  marked bigint;
begin
  if p_limit is null or p_limit < 1 then
    raise exception 'the index window moves by at least one post, not %', coalesce(p_limit::text, 'null') using errcode = '22023';
  end if;
  perform recsys_engine.take_lock('roll_up');
  select index_window.since into strict since from recsys_engine.index_window;
  -- as far as p_limit posts lie, by the indexes that feeds read the newest and the active by; of equal instants all
  if goal > since then
    goes_to := least(
      goal,
      (select posts.created_at from recsys.source_posts as posts where posts.created_at >= since and posts.created_at < goal order by posts.created_at offset p_limit - 1 limit 1) + interval '1 microsecond',
      (select latest.last_active_at from recsys_engine.latest_post_stats as latest where latest.last_active_at >= since and latest.last_active_at < goal order by latest.last_active_at offset p_limit - 1 limit 1) + interval '1 microsecond'
    );
  elsif goal < since then
    goes_to := greatest(
      goal,
      (select posts.created_at from recsys.source_posts as posts where posts.created_at >= goal and posts.created_at < since order by posts.created_at desc offset p_limit - 1 limit 1),
      (select latest.last_active_at from recsys_engine.latest_post_stats as latest where latest.last_active_at >= goal and latest.last_active_at < since order by latest.last_active_at desc offset p_limit - 1 limit 1)
    );
  else
    return 0::bigint;
  end if;
  update recsys_engine.index_window set since = goes_to;
  if goes_to = '-infinity' then
    -- nothing asks any more which posts are idle
    update recsys.post_embeddings set is_unindexed = null where post_embeddings.is_unindexed;
    get diagnostics marked = row_count;
    return marked;
  end if;
  looked_at := array(
    select posts.post_id from recsys.source_posts as posts where posts.created_at >= least(since, goes_to) and posts.created_at < greatest(since, goes_to)
    union
    select latest.post_id from recsys_engine.latest_post_stats as latest where latest.last_active_at >= least(since, goes_to) and latest.last_active_at < greatest(since, goes_to)
  );
  perform recsys_engine.mark_idle(looked_at);
  return cardinality(looked_at)::bigint;
end
$$;
comment on function recsys_engine.advance_index_window(integer) is
  'Moves the index window along with settings.index_window_days, by about p_limit posts: idle posts leave the HNSW index, and others come back where the setting was raised or removed. Returns how many posts it looked at; 0: done. Called every minute of an hour of the night by pg_cron.';

revoke all on function recsys_engine.indexed_since(), recsys_engine.idle_posts(uuid[]), recsys_engine.mark_idle(uuid[]), recsys_engine.mark_model_idle(bigint), recsys_engine.advance_index_window(integer) from public;
grant execute on function recsys_engine.indexed_since(), recsys_engine.idle_posts(uuid[]), recsys_engine.mark_idle(uuid[]), recsys_engine.mark_model_idle(bigint), recsys_engine.advance_index_window(integer) to service_role;

select recsys_engine.schedule('recsys index window', '* 4 * * *', 'select recsys_engine.advance_index_window()');
