-- One roll-up: what is queued is worked off, and what cannot be digested is set aside.

create function recsys_engine.recompute_states(
  p_kind text,
  p_ids uuid[],
  p_since timestamptz[],
  p_changed_users uuid[],
  p_changed_posts uuid[],
  p_changed_at timestamptz[],
  p_everybody boolean,
  p_until timestamptz,
  out written bigint,
  out affected uuid[],
  out affected_since timestamptz[],
  out revisited uuid[]
)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  number_of_ids constant integer := cardinality(p_ids);
  part_size constant integer := greatest(1, (number_of_ids + 19) / 20);
  known uuid[];
  until timestamptz;
  failed_code text;
  failed_reason text;
  part record;
begin
  affected := '{}';
  affected_since := '{}';
  revisited := '{}';
  begin
    if p_kind = 'user' then
      written := recsys_engine.roll_up_users(p_ids, p_since, p_changed_users, p_changed_posts, p_changed_at);
      perform recsys_engine.refresh_user_affinities(p_ids, p_since);
    else
      select rolled_up.written, rolled_up.known into written, known
      from recsys_engine.roll_up_posts(p_ids, p_since, p_changed_users, p_changed_posts, p_changed_at) as rolled_up;
      select
        coalesce(array_agg(changes.user_id), '{}'), coalesce(array_agg(changes.since), '{}'),
        coalesce(array_agg(changes.user_id) filter (where changes.is_revisited), '{}')
      into affected, affected_since, revisited
      from (
        -- a post that changed itself: all users who interacted with it
        select later.user_id, min(later.created_at) as since, true as is_revisited
        from unnest(p_ids, p_since) as of_posts (post_id, since)
        cross join lateral (
          select found.user_id, found.created_at from recsys.source_interactions as found
          where found.post_id = of_posts.post_id and found.created_at >= of_posts.since
          offset 0
        ) as later
        where p_everybody or of_posts.since = '-infinity'
        group by later.user_id
        union all
        -- a changed interaction makes the post more or less idle for users who came at the same instant or next
        select next.user_id, next.last_active_at, false
        from (
          select touched.post_id, touched.at from unnest(p_changed_posts, p_changed_at) as touched (post_id, at)
          union all
          -- where a first one came or went, the same person's next of a kind counts no more, or counts now
          select touched.post_id, repeated.at
          from unnest(p_changed_users, p_changed_posts, p_changed_at) as touched (user_id, post_id, at)
          cross join unnest(array['view', 'vote', 'comment']) as kinds (kind)
          -- the next alone: to read all that come later took 6 s for 4,000 views of one person, and four times as long for twice as many
          cross join lateral (
            select repeats.created_at as at
            from recsys_engine.non_burst_interactions as repeats
            where repeats.user_id = touched.user_id and repeats.post_id = touched.post_id and repeats.kind = kinds.kind and repeats.created_at > touched.at
            order by repeats.created_at
            limit 1
          ) as repeated
          where not p_everybody and touched.post_id <> all (known)
        ) as changed
        cross join lateral (
          (
            select post_stats.user_id, post_stats.last_active_at
            from recsys_engine.post_stats
            where post_stats.post_id = changed.post_id and post_stats.last_active_at = changed.at
          )
          union all
          (
            select post_stats.user_id, post_stats.last_active_at
            from recsys_engine.post_stats
            where post_stats.post_id = changed.post_id and post_stats.last_active_at > changed.at
            order by post_stats.last_active_at, post_stats.interaction_id
            limit 1
          )
        ) as next
        -- the users of new interactions alone are worked out as it is
        where not p_everybody and changed.post_id = any (p_ids) and changed.post_id <> all (known)
      ) as changes;
    end if;
    return;
  -- faults of a row. A lock timeout, an end from outside, a missing table or right are no row's fault: they end the
  -- roll-up, and everything stays queued
  exception
    when cardinality_violation or data_exception or integrity_constraint_violation or external_routine_exception
      or external_routine_invocation_exception or with_check_option_violation or program_limit_exceeded or plpgsql_error
    then
      get stacked diagnostics failed_code = returned_sqlstate, failed_reason = message_text;
  end;

  written := 0::bigint;
  affected := '{}';
  affected_since := '{}';
  revisited := '{}';
  if number_of_ids = 1 then
    update recsys_engine.failed_feature_changes as known
    set at = least(known.at, p_since[1]), error_code = failed_code, reason = failed_reason, failures = known.failures + 1, last_failed_at = clock_timestamp()
    where case when p_kind = 'user' then known.user_id else known.post_id end = p_ids[1];
    if not found then
      insert into recsys_engine.failed_feature_changes (user_id, post_id, at, error_code, reason)
      -- of a post, all users who interacted with it are recomputed as well
      select case when p_kind = 'user' then p_ids[1] end, case when p_kind = 'post' then p_ids[1] end,
        case when p_kind = 'user' then p_since[1] else '-infinity' end, failed_code, failed_reason;
    end if;
    return;
  end if;
  -- a portion that failed is worked off in parts for so long, and the rest later: Supabase ends a statement after 2 minutes
  until := coalesce(p_until, clock_timestamp() + interval '20 seconds');
  for start in 1 .. number_of_ids by part_size loop
    if clock_timestamp() > until and start > 1 then
      insert into recsys_engine.feature_changes (user_id, post_id, at)
      select case when p_kind = 'user' then id end, case when p_kind = 'post' then id end, case when p_kind = 'user' then since else '-infinity' end
      from unnest(p_ids[start :], p_since[start :]) as rest (id, since);
      return;
    end if;
    select * into part
    from recsys_engine.recompute_states(p_kind, p_ids[start : start + part_size - 1], p_since[start : start + part_size - 1], p_changed_users, p_changed_posts, p_changed_at, p_everybody, until);
    written := written + part.written;
    affected := affected || part.affected;
    affected_since := affected_since || part.affected_since;
    revisited := revisited || part.revisited;
  end loop;
end
$$;
comment on function recsys_engine.recompute_states(text, uuid[], timestamptz[], uuid[], uuid[], timestamptz[], boolean, timestamptz) is
  'Computes the states of posts or users (p_kind), each from its instant on; on failure in twentieths, until the failing ones are in recsys_engine.failed_feature_changes. p_changed_*: changed interactions and logins; p_until: queues the rest. Returns rows, dependent users, revisited.';

create function recsys_engine.roll_up_batch(p_limit bigint, p_late integer, p_rewrites integer, p_horizon integer, out taken bigint, out written bigint)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  -- beyond this many changes, all later users of a changed post are recomputed, instead of the next one only
  few constant integer := 50000;
  started constant timestamptz := clock_timestamp();
  until constant timestamptz := case when p_rewrites is null then 'infinity'::timestamptz end;
  posts uuid[];
  posts_since timestamptz[];
  users uuid[];
  users_since timestamptz[];
  -- each interaction or login that changed: its user, post and instant
  touched_by uuid[];
  touched uuid[];
  touched_at timestamptz[];
  -- who did something with which post while it may have been under trial
  acted_by uuid[];
  acted_on uuid[];
  affected uuid[] := array[]::uuid[];
  affected_since timestamptz[] := array[]::timestamptz[];
  revisited uuid[] := array[]::uuid[];
  more record;
  part record;
  done record;
  version_now bigint;
begin
  written := 0::bigint;
  -- what comes after this statement stays queued, even where the statements below see its effect already
  with taken as materialized (
    select * from recsys_engine.dequeue_changes(p_limit, p_late, p_horizon)
  )
  select counted.total, of_posts.ids, of_posts.since, of_users.ids, of_users.since, of_instants.user_ids, of_instants.post_ids, of_instants.at, acts.user_ids, acts.post_ids
  into taken, posts, posts_since, users, users_since, touched_by, touched, touched_at, acted_by, acted_on
  from
    (select count(*) as total from taken) as counted,
    (select coalesce(array_agg(post_id), '{}') as ids, coalesce(array_agg(since), '{}') as since
      from (select post_id, min(at) as since from taken where post_id is not null group by post_id) as each) as of_posts,
    (select coalesce(array_agg(user_id), '{}') as ids, coalesce(array_agg(since), '{}') as since
      from (select user_id, min(at) as since from taken where user_id is not null group by user_id) as each) as of_users,
    (select coalesce(array_agg(user_id), '{}') as user_ids, coalesce(array_agg(post_id), '{}') as post_ids, coalesce(array_agg(at), '{}') as at
      from (select user_id, post_id, at from taken where (select count(*) from taken) <= few group by user_id, post_id, at) as each) as of_instants,
    (select coalesce(array_agg(user_id), '{}') as user_ids, coalesce(array_agg(post_id), '{}') as post_ids
      from taken where num_nulls(user_id, post_id) = 0 and at > recsys.clock() - recsys_engine.exploration_max_age() * 2) as acts;

  begin
    perform recsys_engine.update_exploration_stats(acted_by, acted_on);
  exception when others then
    -- the feature store goes on without it
    raise warning 'the trials of new posts were not counted: % (%)', sqlerrm, sqlstate;
  end;
  if taken = 0 then
    return;
  end if;
  begin
    -- what no longer counts, or counts again, is as if it had changed
    select array_agg(each.user_id) as user_ids, array_agg(each.post_id) as post_ids, array_agg(each.at) as at
    into more from recsys_engine.refresh_bursts(touched_by, touched, touched_at) as each;
    if more.user_ids is not null then
      touched_by := touched_by || more.user_ids;
      touched := touched || more.post_ids;
      touched_at := touched_at || more.at;
      select array_agg(each.post_id), array_agg(each.since) into posts, posts_since
      from (select post_id, min(at) as since from unnest(posts || more.post_ids, posts_since || more.at) as changed (post_id, at) group by post_id) as each;
      select array_agg(each.user_id), array_agg(each.since) into users, users_since
      from (select user_id, min(at) as since from unnest(users || more.user_ids, users_since || more.at) as changed (user_id, at) group by user_id) as each;
    end if;
  exception when others then
    raise warning 'bursts were not looked for: % (%)', sqlerrm, sqlstate;
  end;
  begin
    perform recsys_engine.keep_author_readers(posts);
    perform recsys_engine.count_usual_newcomers();
  exception when others then
    raise warning 'who met new authors was not looked at: % (%)', sqlerrm, sqlstate;
  end;

  -- each that failed before is tried alone, so that it costs the others no second attempt
  for part in
    select array_agg(changed.post_id) as ids, array_agg(least(changed.since, failed.at)) as since
    from unnest(posts, posts_since) as changed (post_id, since)
    left join recsys_engine.failed_feature_changes as failed on failed.post_id = changed.post_id
    group by failed.post_id
  loop
    select * into done from recsys_engine.recompute_states('post', part.ids, part.since, touched_by, touched, touched_at, taken > few, until);
    written := written + done.written;
    affected := affected || done.affected;
    affected_since := affected_since || done.affected_since;
    revisited := revisited || done.revisited;
  end loop;
  -- other users who owe a state to one of these posts, as far as the rows go; users with more states wait
  with each as (
    select changed.user_id, min(changed.since) as since from unnest(affected, affected_since) as changed (user_id, since) group by changed.user_id
  ),
  judged as (
    select
      each.user_id, each.since,
      case when p_rewrites is null then 0 else recsys_engine.count_states_since('user', each.user_id, each.since, coalesce(p_horizon, 1000000) + 1) end as number
    from each
  ),
  summed as (
    select judged.*, sum(judged.number) over (order by judged.number, judged.user_id) as so_far from judged
  )
  select
    users || coalesce(array_agg(summed.user_id) filter (where p_rewrites is null or summed.so_far <= p_rewrites), '{}') as now,
    users_since || coalesce(array_agg(summed.since) filter (where p_rewrites is null or summed.so_far <= p_rewrites), '{}') as now_since,
    array_agg(summed.user_id) filter (where summed.so_far > p_rewrites) as later,
    array_agg(summed.since) filter (where summed.so_far > p_rewrites) as later_since,
    array_agg(summed.number) filter (where summed.so_far > p_rewrites) as later_number
  into part
  from summed;
  users := part.now;
  users_since := part.now_since;
  perform recsys_engine.defer_recompute(part.later, part.later_since, part.later_number);
  -- of these, everything is read that they did
  touched_by := touched_by || revisited;
  touched := touched || array_fill(null::uuid, array[cardinality(revisited)]);
  touched_at := touched_at || array_fill('-infinity'::timestamptz, array[cardinality(revisited)]);

  for part in
    select
      array_agg(changed.user_id) as ids, array_agg(least(changed.since, failed.at)) as since, failed.user_id is not null as has_failed
    from (
      select of_users.user_id, min(of_users.since) as since from unnest(users, users_since) as of_users (user_id, since) group by of_users.user_id
    ) as changed
    left join recsys_engine.failed_feature_changes as failed on failed.user_id = changed.user_id
    group by failed.user_id
  loop
    -- what one that failed did since then is no longer queued
    select * into done
    from recsys_engine.recompute_states('user', part.ids, part.since, case when part.has_failed then '{}' else touched_by end, touched, touched_at, false, until);
    written := written + done.written;
  end loop;

  perform recsys_engine.mark_idle(posts);

  delete from recsys_engine.failed_feature_changes
  where failed_feature_changes.last_failed_at < started and (failed_feature_changes.post_id = any (posts) or failed_feature_changes.user_id = any (users));
  -- also after a deletion, which writes nothing
  update recsys_engine.feature_store_version set version = feature_store_version.version + 1 returning feature_store_version.version into version_now;
  insert into recsys_engine.rolled_up_posts (version, post_ids)
  -- a deleted post is not shown, and its id is to be forgotten; when it exists again, it is rolled up again
  values (version_now, case when cardinality(posts) <= few then array(select source_posts.post_id from recsys.source_posts where source_posts.post_id = any (posts)) end);
  delete from recsys_engine.rolled_up_posts where rolled_up_posts.version <= version_now - 100;
end
$$;
comment on function recsys_engine.roll_up_batch(bigint, integer, integer, integer) is 'A portion of recsys.roll_up(), which has its lock: the arguments of recsys_engine.dequeue_changes, and in p_rewrites how many states of people who owe one to a changed post are worked out as well (null: all). Returns how many changes were taken and how many rows written.';

create function recsys_engine.record_failed_change(p_user_id uuid, p_post_id uuid, p_at timestamptz) returns void
language sql volatile security invoker set search_path = ''
as $$
  insert into recsys_engine.failed_feature_changes as known (user_id, at, error_code, reason)
  select p_user_id, p_at, '57014', 'it reached the statement limit alone' where p_user_id is not null
  on conflict (user_id) do update
  set at = least(known.at, excluded.at), error_code = excluded.error_code, reason = excluded.reason, failures = known.failures + 1, last_failed_at = clock_timestamp();
  insert into recsys_engine.failed_feature_changes as known (post_id, at, error_code, reason)
  select p_post_id, p_at, '57014', 'it reached the statement limit alone' where p_post_id is not null
  on conflict (post_id) do update
  set at = least(known.at, excluded.at), error_code = excluded.error_code, reason = excluded.reason, failures = known.failures + 1, last_failed_at = clock_timestamp();
  -- above any horizon
  insert into recsys_engine.deferred_changes as waiting (user_id, post_id, at, of_post) values (p_user_id, p_post_id, p_at, 1000001)
  on conflict (user_id) where post_id is null do update set at = least(waiting.at, excluded.at), of_post = excluded.of_post
$$;
comment on function recsys_engine.record_failed_change(uuid, uuid, timestamptz) is 'Sets aside the user and the post of a change that reached the statement limit alone. They are tried again at night.';

create function recsys.roll_up(p_most bigint default 20000, p_rewrites integer default 20000, p_horizon integer default 10000) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  started constant timestamptz := clock_timestamp();
  -- a statement limit that was reached says so once, and then the statement may go on; an end from outside comes before it
  due constant timestamptz := statement_timestamp() + nullif(current_setting('statement_timeout')::interval, interval '0');
  most bigint := p_most;
  rewrites integer := p_rewrites;
  late integer;
  so_far bigint := 0::bigint;
  portion record;
  before double precision;
  is_first boolean;
begin
  -- one roll-up at a time; a second one waits, and then takes what came meanwhile
  perform recsys_engine.take_lock('roll_up');
  if current_setting('lock_timeout') = '0' then
    -- waiting for a lock tells nothing of the cost of a change; and a migration that waits for a table read here must get it before PostgreSQL
    -- detects a deadlock, after a second (deadlock_timeout)
    perform set_config('lock_timeout', '500ms', true);
  end if;
  if p_most is null or p_rewrites is null then
    select * into portion from recsys_engine.roll_up_batch(p_most, null, null, null);
    return portion.written;
  end if;
  select roll_up_budget.share into strict before from recsys_engine.roll_up_budget;
  most := greatest(1, floor(p_most * before)::bigint);
  rewrites := greatest(1, floor(p_rewrites * before)::integer);
  -- a single change takes the usual path, which can set it aside
  is_first := most > 1 and recsys_engine.begins_anew();
  for number in 1 .. 1000 loop
    begin
      -- what came late is taken once, and after that only what is new; and one change is one of either
      late := case when number = 1 and (most > 1 or not exists (select from recsys_engine.feature_changes)) then rewrites else 0 end;
      if is_first then
        select * into portion from recsys_engine.roll_up_anew(greatest(1, most / 80)::integer, greatest(1, most / 200)::integer);
      else
        select * into portion from recsys_engine.roll_up_batch(most, late, rewrites, p_horizon);
      end if;
    exception when query_canceled then
      if due is null or clock_timestamp() < due then
        raise;
      end if;
      if number > 1 then
        -- what was worked off before stays so
        return so_far;
      elsif most > 1 then
        -- it took no more than waits
        most := least(most, greatest(1, (select count(*) from (select from recsys_engine.feature_changes limit most) as waiting)));
        update recsys_engine.roll_up_budget set share = least(before, greatest(1, most) / p_most::double precision) / 2;
      else
        perform recsys_engine.record_failed_change(alone.user_id, alone.post_id, alone.at) from recsys_engine.dequeue_changes(1, late, p_horizon) as alone;
      end if;
      return so_far;
    end;
    so_far := so_far + portion.written;
    exit when portion.taken < case when is_first then 1 else most end or clock_timestamp() > least(started + interval '2 seconds', started + (due - started) / 4);
  end loop;
  update recsys_engine.roll_up_budget set share = least(1, before * 2) where share < 1;
  return so_far;
end
$$;
comment on function recsys.roll_up(bigint, integer, integer) is 'Updates the feature store from queued changes (at most p_most, for two seconds) and returns the number of rows written. Arguments and failures: docs/design/feature-store.md.';
revoke all on function recsys_engine.recompute_states(text, uuid[], timestamptz[], uuid[], uuid[], timestamptz[], boolean, timestamptz),
  recsys_engine.roll_up_batch(bigint, integer, integer, integer), recsys_engine.record_failed_change(uuid, uuid, timestamptz), recsys.roll_up(bigint, integer, integer) from public;
grant execute on function recsys_engine.recompute_states(text, uuid[], timestamptz[], uuid[], uuid[], timestamptz[], boolean, timestamptz),
  recsys_engine.roll_up_batch(bigint, integer, integer, integer), recsys_engine.record_failed_change(uuid, uuid, timestamptz), recsys.roll_up(bigint, integer, integer) to service_role;
