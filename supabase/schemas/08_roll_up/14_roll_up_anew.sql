-- The first roll-up of a community, while feeds are served already. In portions by time, posts and people would be worked out again with each portion:
-- 100,000 changes took minutes so, and 13 s as a whole. In portions of posts and then of people each is worked out once, in statements of a second.

create function recsys_engine.gather_changes() returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  -- as in recsys_engine.roll_up_portion
  few constant integer := 50000;
  gathered bigint;
  rest bigint;
begin
  perform recsys_engine.take_lock('roll_up');
  -- imports are no bursts; but a few changes record who acted when, as in any roll-up
  if not exists (select from recsys_engine.post_stats) and (select count(*) from recsys_engine.feature_changes) <= few then
    perform recsys_engine.keep_first_acts(array_agg(changed.user_id), array_agg(changed.at))
    from (select distinct waiting.user_id, waiting.at from recsys_engine.feature_changes as waiting where waiting.user_id is not null) as changed;
  end if;
  with gone as materialized (
    delete from recsys_engine.feature_changes returning feature_changes.user_id, feature_changes.post_id, feature_changes.at
  ),
  posts as (
    insert into recsys_engine.feature_changes (post_id)
    -- posts with the latest interactions first: they include the popular ones
    select gone.post_id from gone where gone.post_id is not null group by gone.post_id order by max(gone.at) desc, gone.post_id
    returning 1
  )
  select count(*) into gathered from posts;
  insert into recsys_engine.feature_changes (user_id)
  select people.user_id from recsys.source_users as people order by people.created_at, people.user_id;
  get diagnostics rest = row_count;
  return gathered + rest;
end
$$;
comment on function recsys_engine.gather_changes() is 'Replaces the rows of recsys_engine.feature_changes by one row per changed post and one per person, for recsys_engine.roll_up_anew(), and returns their number. For a community without a roll-up.';

create function recsys_engine.roll_up_anew(p_posts integer default 250, p_people integer default 100, out taken bigint, out written bigint)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
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
      order by feature_changes.change_id limit p_people
    ),
    gone as (
      delete from recsys_engine.feature_changes using next where feature_changes.change_id = next.change_id returning feature_changes.user_id
    )
    select coalesce(array_agg(distinct gone.user_id), '{}') into people from gone;
    taken := cardinality(people)::bigint;
    written := 0::bigint;
    if taken > 0 then
      select * into done from recsys_engine.work_off('user', people, array_fill('-infinity'::timestamptz, array[taken::integer]), '{}', '{}', '{}', false, null);
      written := done.written;
    end if;
    return;
  end if;
  taken := cardinality(posts)::bigint;
  perform recsys_engine.keep_author_readers(posts);
  perform recsys_engine.count_usual_newcomers();
  select * into done from recsys_engine.work_off('post', posts, array_fill('-infinity'::timestamptz, array[taken::integer]), '{}', '{}', '{}', false, null);
  written := done.written;
  perform recsys_engine.mark_idle(posts);
  update recsys_engine.feature_store_version set version = feature_store_version.version + 1 returning feature_store_version.version into version_now;
  insert into recsys_engine.rolled_up_posts (version, post_ids) values (version_now, posts);
  delete from recsys_engine.rolled_up_posts where rolled_up_posts.version <= version_now - 100;
end
$$;
comment on function recsys_engine.roll_up_anew(integer, integer) is 'A portion of a first roll-up, after recsys_engine.gather_changes(): works out p_posts of the posts that wait, and where none does p_people of the people, from their beginning; returns how many these were and how many rows were written. taken is 0 where none is left. Ended anywhere, what is left waits, for recsys.roll_up() too.';

revoke all on function recsys_engine.gather_changes(), recsys_engine.roll_up_anew(integer, integer) from public;
grant execute on function recsys_engine.gather_changes(), recsys_engine.roll_up_anew(integer, integer) to service_role;
