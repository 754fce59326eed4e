-- One roll-up: what is queued is worked off, and what cannot be digested is set aside.

create function recsys.work_off(
  p_kind text,
  p_ids uuid[],
  p_since timestamptz[],
  p_touched_by uuid[],
  p_touched uuid[],
  p_touched_at timestamptz[],
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
      written := recsys.roll_up_users(p_ids, p_since, p_touched_by, p_touched, p_touched_at);
      perform recsys.keep_affinities(p_ids, p_since);
    else
      select rolled_up.written, rolled_up.known into written, known
      from recsys.roll_up_posts(p_ids, p_since, p_touched_by, p_touched, p_touched_at) as rolled_up;
      select
        coalesce(array_agg(changes.user_id), '{}'), coalesce(array_agg(changes.since), '{}'),
        coalesce(array_agg(changes.user_id) filter (where changes.is_revisited), '{}')
      into affected, affected_since, revisited
      from (
        -- a post that changed itself: whoever came to it
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
        -- an interaction that changed makes the post more or less idle to whoever came at the same instant or next
        select next.user_id, next.last_active_at, false
        from (
          select touched.post_id, touched.at from unnest(p_touched, p_touched_at) as touched (post_id, at)
          union all
          -- where a first one came or went, the same person's next of a kind counts no more, or counts now
          select touched.post_id, repeated.at
          from unnest(p_touched_by, p_touched, p_touched_at) as touched (user_id, post_id, at)
          cross join lateral (
            select min(repeats.created_at) as at
            from recsys.source_interactions as repeats
            where repeats.user_id = touched.user_id and repeats.post_id = touched.post_id and repeats.created_at > touched.at
            group by repeats.kind
            offset 0
          ) as repeated
          where not p_everybody and touched.post_id <> all (known)
        ) as changed
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
        -- the users of new interactions alone are worked out as it is
        where not p_everybody and changed.post_id = any (p_ids) and changed.post_id <> all (known)
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
  revisited := '{}';
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
    from recsys.work_off(p_kind, p_ids[start : start + part_size - 1], p_since[start : start + part_size - 1], p_touched_by, p_touched, p_touched_at, p_everybody, until);
    written := written + part.written;
    affected := affected || part.affected;
    affected_since := affected_since || part.affected_since;
    revisited := revisited || part.revisited;
  end loop;
end
$$;
comment on function recsys.work_off(text, uuid[], timestamptz[], uuid[], uuid[], timestamptz[], boolean, timestamptz) is 'Works out the states of posts or users (p_kind), each from its instant on. Where that fails, it is done in twentieths, and theirs, until it is known which ones fail: these go to recsys.set_aside_changes. p_touched_by, p_touched, p_touched_at: the interactions and logins that changed; p_everybody: there are too many to look at each. p_until: what is not worked off in parts by then is queued again; null: 20 seconds from the first failure. Returns how many rows were written, the users whose states depend on the posts, and which of them have events that may have had no state before (revisited).';

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
  -- each interaction or login that changed: its user, post and instant
  touched_by uuid[];
  touched uuid[];
  touched_at timestamptz[];
  -- who did something with which post while it may have been under trial
  acted_by uuid[];
  acted_on uuid[];
  revisited uuid[] := array[]::uuid[];
  part record;
  done record;
  written bigint := 0::bigint;
  version_now bigint;
begin
  -- one roll-up at a time; a second one waits, and then takes what came meanwhile
  perform pg_advisory_xact_lock(hashtext('recsys.roll_up'));
  -- what comes after this statement stays queued, even where the statements below see its effect already
  with taken as (
    delete from recsys.feature_changes
    where change_id <= (select max(change_id) from (select change_id from recsys.feature_changes order by change_id limit p_most) as oldest)
    returning user_id, post_id, at
  )
  select counted.total, of_posts.ids, of_posts.since, of_users.ids, of_users.since, of_instants.user_ids, of_instants.post_ids, of_instants.at, acts.user_ids, acts.post_ids
  into total, posts, posts_since, users, users_since, touched_by, touched, touched_at, acted_by, acted_on
  from
    (select count(*) as total from taken) as counted,
    (select coalesce(array_agg(post_id), '{}') as ids, coalesce(array_agg(since), '{}') as since
      from (select post_id, min(at) as since from taken where post_id is not null group by post_id) as each) as of_posts,
    (select coalesce(array_agg(user_id), '{}') as ids, coalesce(array_agg(since), '{}') as since
      from (select user_id, min(at) as since from taken where user_id is not null group by user_id) as each) as of_users,
    (select coalesce(array_agg(user_id), '{}') as user_ids, coalesce(array_agg(post_id), '{}') as post_ids, coalesce(array_agg(at), '{}') as at
      from (select user_id, post_id, at from taken where (select count(*) from taken) <= few group by user_id, post_id, at) as each) as of_instants,
    (select coalesce(array_agg(user_id), '{}') as user_ids, coalesce(array_agg(post_id), '{}') as post_ids
      from taken where num_nulls(user_id, post_id) = 0 and at > recsys.clock() - recsys.trial_age() * 2) as acts;

  begin
    perform recsys.count_trials(acted_by, acted_on);
  exception when others then
    -- the feature store goes on without it
    raise warning 'the trials of new posts were not counted: % (%)', sqlerrm, sqlstate;
  end;
  if total = 0 then
    return 0::bigint;
  end if;

  -- each that failed before is tried alone, so that it costs the others no second attempt
  for part in
    select array_agg(changed.post_id) as ids, array_agg(least(changed.since, failed.at)) as since
    from unnest(posts, posts_since) as changed (post_id, since)
    left join recsys.set_aside_changes as failed on failed.post_id = changed.post_id
    group by failed.post_id
  loop
    select * into done from recsys.work_off('post', part.ids, part.since, touched_by, touched, touched_at, total > few, until);
    written := written + done.written;
    users := users || done.affected;
    users_since := users_since || done.affected_since;
    revisited := revisited || done.revisited;
  end loop;
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
    left join recsys.set_aside_changes as failed on failed.user_id = changed.user_id
    group by failed.user_id
  loop
    -- what one that failed did since then is no longer queued
    select * into done
    from recsys.work_off('user', part.ids, part.since, case when part.has_failed then '{}' else touched_by end, touched, touched_at, false, until);
    written := written + done.written;
  end loop;

  delete from recsys.set_aside_changes
  where set_aside_changes.last_failed_at < started and (set_aside_changes.post_id = any (posts) or set_aside_changes.user_id = any (users));
  -- also after a deletion, which writes nothing
  update recsys.feature_store_version set version = feature_store_version.version + 1 returning feature_store_version.version into version_now;
  insert into recsys.rolled_up_posts (version, post_ids)
  -- one that is deleted is shown to nobody, and its id is to be forgotten; when it is there again, it is rolled up again
  values (version_now, case when cardinality(posts) <= few then array(select source_posts.post_id from recsys.source_posts where source_posts.post_id = any (posts)) end);
  delete from recsys.rolled_up_posts where rolled_up_posts.version <= version_now - 100;
  return written;
end
$$;
comment on function recsys.roll_up(bigint) is 'Brings the feature store up to date with the oldest changes in recsys.feature_changes, p_most at a time (null: all of them; a backlog is so worked off in portions that end within the 2 minutes Supabase gives a statement); returns the number of rows written. Posts and users whose states cannot be worked out are set aside (recsys.feature_store_failures), and the others go on. Called after an import and every 10 seconds by pg_cron.';
revoke all on function recsys.work_off(text, uuid[], timestamptz[], uuid[], uuid[], timestamptz[], boolean, timestamptz), recsys.roll_up(bigint) from public;
grant execute on function recsys.work_off(text, uuid[], timestamptz[], uuid[], uuid[], timestamptz[], boolean, timestamptz), recsys.roll_up(bigint) to service_role;
