-- The first roll-up of a community, and any other of many posts that are worked out from their beginning, as after a table is watched again. In portions by
-- time posts and people would be worked out again with each portion: 100,000 changes took minutes so, and 13 s as a whole. In portions of posts and
-- then of people each is worked out once, in statements of a second, so that feeds are answered meanwhile.

create function recsys_engine.gather_changes() returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  -- as in recsys_engine.roll_up_batch
  few constant integer := 50000;
  acts record;
begin
  perform recsys_engine.take_lock('roll_up');
  if exists (select from recsys_engine.user_stats) then
    delete from recsys_engine.feature_changes using (
      select changes.change_id, row_number() over (partition by changes.user_id, changes.post_id order by changes.change_id) as number
      from recsys_engine.feature_changes as changes
      where changes.at = '-infinity' and num_nulls(changes.user_id, changes.post_id) = 1
    ) as repeated
    where feature_changes.change_id = repeated.change_id and repeated.number > 1;
  else
    if not exists (select from recsys_engine.post_stats) then
      select array_agg(recent.user_id) as user_ids, array_agg(recent.post_id) as post_ids into acts
      from recsys_engine.feature_changes as recent
      where num_nulls(recent.user_id, recent.post_id) = 0 and recent.at > recsys.clock() - recsys_engine.exploration_max_age() * 2;
      perform recsys_engine.update_exploration_stats(acts.user_ids, acts.post_ids);
      -- imports are no bursts; but a few changes record who acted when, as in any roll-up
      if (select count(*) from recsys_engine.feature_changes) <= few then
        perform recsys_engine.refresh_first_day_interactions(array_agg(changed.user_id), array_agg(changed.at))
        from (select distinct waiting.user_id, waiting.at from recsys_engine.feature_changes as waiting where waiting.user_id is not null) as changed;
      end if;
    end if;
    with gone as materialized (
      delete from recsys_engine.feature_changes returning feature_changes.post_id, feature_changes.at
    )
    insert into recsys_engine.feature_changes (post_id)
    -- posts with the latest interactions first: they include the popular ones
    select gone.post_id from gone where gone.post_id is not null group by gone.post_id order by max(gone.at) desc, gone.post_id;
    insert into recsys_engine.feature_changes (user_id)
    select people.user_id from recsys.source_users as people order by people.created_at, people.user_id;
  end if;
  return (select count(*) from recsys_engine.feature_changes as whole where whole.at = '-infinity' and num_nulls(whole.user_id, whole.post_id) = 1);
end
$$;
comment on function recsys_engine.gather_changes() is
  'Leaves one row of recsys_engine.feature_changes per post, and one per person, to compute from the beginning (at is -infinity), for recsys_engine.roll_up_anew(), and returns their number. Without states of people these are all changed posts and all people; else other rows stay.';

create function recsys_engine.begins_anew() returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- fewer are worked out with all else that changed
  few constant integer := 1000;
  is_first constant boolean := not exists (select from recsys_engine.user_stats) and few < (
    select count(*) from (
      select from recsys_engine.feature_changes as whole where whole.at = '-infinity' and num_nulls(whole.user_id, whole.post_id) = 1 limit few + 1
    ) as waiting
  );
begin
  if is_first and not exists (select from recsys_engine.post_stats) then
    perform recsys_engine.gather_changes();
  end if;
  return is_first;
end
$$;
comment on function recsys_engine.begins_anew() is 'Whether a first roll-up of more than 1,000 posts and people is due or half done: recsys.roll_up() then takes its portions from recsys_engine.roll_up_anew(). Gathers the changes (recsys_engine.gather_changes) before the first portion.';

create function recsys_engine.roll_up_anew(p_posts integer default 250, p_people integer default 100, out taken bigint, out written bigint)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  started constant timestamptz := clock_timestamp();
  posts uuid[];
  people uuid[];
  done record;
  version_now bigint;
begin
  perform recsys_engine.take_lock('roll_up');
  with next as (
    select feature_changes.change_id from recsys_engine.feature_changes
    where feature_changes.user_id is null and feature_changes.at = '-infinity'
    order by feature_changes.change_id limit p_posts
  ),
  gone as (
    delete from recsys_engine.feature_changes using next where feature_changes.change_id = next.change_id returning feature_changes.post_id
  )
  select coalesce(array_agg(distinct gone.post_id), '{}') into posts from gone;
  if cardinality(posts) = 0 then
    with next as (
      select feature_changes.change_id from recsys_engine.feature_changes
      where feature_changes.post_id is null and feature_changes.at = '-infinity'
      order by feature_changes.user_id limit p_people
    ),
    gone as (
      delete from recsys_engine.feature_changes using next where feature_changes.change_id = next.change_id returning feature_changes.user_id
    )
    select coalesce(array_agg(distinct gone.user_id), '{}') into people from gone;
    taken := cardinality(people)::bigint;
    written := 0::bigint;
    if taken > 0 then
      select * into done from recsys_engine.recompute_states('user', people, array_fill('-infinity'::timestamptz, array[taken::integer]), '{}', '{}', '{}', false, null);
      written := done.written;
      delete from recsys_engine.failed_feature_changes where failed_feature_changes.last_failed_at < started and failed_feature_changes.user_id = any (people);
    end if;
    return;
  end if;
  taken := cardinality(posts)::bigint;
  perform recsys_engine.keep_author_readers(posts);
  perform recsys_engine.count_usual_newcomers();
  select * into done from recsys_engine.recompute_states('post', posts, array_fill('-infinity'::timestamptz, array[taken::integer]), '{}', '{}', '{}', false, null);
  written := done.written;
  -- people who interacted with these posts are recomputed once, after all posts
  insert into recsys_engine.feature_changes (user_id)
  select distinct affected.user_id from unnest(done.affected) as affected (user_id)
  where not exists (
    select from recsys_engine.feature_changes as waiting where waiting.user_id = affected.user_id and waiting.post_id is null and waiting.at = '-infinity'
  );
  perform recsys_engine.mark_idle(posts);
  delete from recsys_engine.failed_feature_changes where failed_feature_changes.last_failed_at < started and failed_feature_changes.post_id = any (posts);
  update recsys_engine.feature_store_version set version = feature_store_version.version + 1 returning feature_store_version.version into version_now;
  insert into recsys_engine.rolled_up_posts (version, post_ids) values (version_now, posts);
  delete from recsys_engine.rolled_up_posts where rolled_up_posts.version <= version_now - 100;
end
$$;
comment on function recsys_engine.roll_up_anew(integer, integer) is
  'Recomputes up to p_posts posts queued whole in recsys_engine.feature_changes, then up to p_people people, and queues people who interacted with these posts. Returns how many it took (0: none is left) and rows written. If it is stopped, the rest stays queued, also for recsys.roll_up().';

revoke all on function recsys_engine.gather_changes(), recsys_engine.begins_anew(), recsys_engine.roll_up_anew(integer, integer) from public;
grant execute on function recsys_engine.gather_changes(), recsys_engine.begins_anew(), recsys_engine.roll_up_anew(integer, integer) to service_role;
