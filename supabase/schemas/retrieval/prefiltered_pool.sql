-- A feed with a filter, or of a user who may read few posts. A source that walked down its index until enough posts
-- pass would read a million of them for a tag that ten have, or for the hundred posts of an organisation. So it
-- begins with the posts that pass, found by the filter or by the indexes that serve the app's policies, and each
-- source takes the best of these.

create function recsys_engine.small_readable_set(p_share double precision default null) returns uuid[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  -- as statistics have it: in a community that is small all of it is nothing to be gone around
  posts constant double precision := (select greatest(0, pg_class.reltuples)::double precision from pg_catalog.pg_class where pg_class.oid = 'recsys_engine.latest_post_stats'::regclass);
  most integer := least(6000, posts / 2)::integer;
  readable uuid[];
begin
  if most > 2000 and p_share * posts <= most then
    -- no condition on time: with one, the planner also read an index over all posts for it. A number that the planner knows, or it would expect to
    -- find a tenth of them soon and go through all posts
    readable := array(
      select found.post_id
      from (select source_posts.post_id, source_posts.created_at from recsys.source_posts limit 6001) as found
      order by found.created_at desc, found.post_id
    );
  else
    most := least(2000, most);
    readable := array(select source_posts.post_id from recsys.source_posts limit most + 1);
  end if;
  return case when cardinality(readable) <= most then readable end;
end
$$;
comment on function recsys_engine.small_readable_set(double precision) is
  'All posts that the caller may read, where these are at most 2,000 and less than half of the posts with interactions, else null. p_share: the share that the caller may read, 0 to 1; where that makes 6,000 posts at most, up to as many, newest first. By the indexes of the app''s policies.';

create function recsys_engine.newest_listed(p_request recsys_engine.feed_request, p_limit integer, p_since timestamptz, p_looks integer default null) returns recsys_engine.source_hit[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  caller constant text := current_setting('role');
  found recsys_engine.source_hit[] := array[]::recsys_engine.source_hit[];
  listed uuid[];
  looked integer := coalesce(p_looks, p_limit * 3 / 2);
  skipped integer := 0;
begin
  loop
    -- The list as service_role: its policy would look each post up once more. What is returned the caller may read.
    perform set_config('role', 'service_role', true);
    listed := array(
      select listed_posts.post_id from recsys_engine.listed_posts
      where not listed_posts.waits and listed_posts.created_at <= p_request.at and listed_posts.created_at >= p_since
      order by listed_posts.created_at desc, listed_posts.post_id
      limit looked offset skipped
    );
    perform set_config('role', caller, true);
    found := found || array(
      select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
      from recsys_engine.eligible_posts(p_request) as posts
      -- by one scan of the index: looking up each read three times as many pages
      where posts.post_id = any (listed)
      order by posts.created_at desc, posts.post_id
      limit p_limit - cardinality(found)
    );
    exit when p_looks is not null or cardinality(found) >= p_limit or cardinality(listed) < looked;
    skipped := skipped + looked;
    looked := 4 * looked;
  end loop;
  return found;
end
$$;
comment on function recsys_engine.newest_listed(recsys_engine.feed_request, integer, timestamptz, integer) is 'The p_limit newest posts since an instant, the newest first, without those that wait (recsys_engine.listed_posts). p_looks: among so many of the newest; null: all.';

create function recsys_engine.newest_filtered_posts(p_request recsys_engine.feed_request, p_limit integer) returns recsys_engine.source_hit[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  filter constant recsys_engine.feed_filter := p_request.filter;
  since constant timestamptz := coalesce(p_request.at - make_interval(days => filter.max_age_days), '-infinity');
begin
  -- by what is asked that mostly fewest posts have
  if filter.author_ids is not null then
    return array(
      select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
      from (select distinct unnest(filter.author_ids)) as wanted (author_id)
      cross join lateral (
        select * from recsys_engine.eligible_posts(p_request) as eligible
        where eligible.author_id = wanted.author_id and eligible.created_at >= since
        order by eligible.created_at desc, eligible.post_id
        limit p_limit
      ) as posts
      order by posts.created_at desc, posts.post_id
      limit p_limit
    );
  elsif filter.tags is not null then
    return array(
      select row(found.post_id, found.author_id)::recsys_engine.source_hit
      from (select distinct left(unnest(filter.tags), 100)) as wanted (tag)
      cross join lateral (
        select posts.post_id, posts.author_id, posts.created_at
        from (
          select post_tags.post_id from recsys_engine.post_tags
          where post_tags.tag = wanted.tag and post_tags.created_at <= p_request.at and post_tags.created_at >= since
          order by post_tags.created_at desc, post_tags.post_id
          limit 20000
        ) as listed
        cross join lateral (select * from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = listed.post_id offset 0) as posts
        limit p_limit
      ) as found
      group by found.post_id, found.author_id
      order by max(found.created_at) desc, found.post_id
      limit p_limit
    );
  elsif filter.languages is not null then
    return array(
      select row(found.post_id, found.author_id)::recsys_engine.source_hit
      from (select distinct unnest(filter.languages)) as wanted (language)
      cross join lateral (
        select posts.post_id, posts.author_id, posts.created_at
        from (
          select source_posts.post_id from recsys.source_posts
          where source_posts.language = wanted.language and source_posts.created_at <= p_request.at and source_posts.created_at >= since
          order by source_posts.created_at desc, source_posts.post_id
          limit 20000
        ) as listed
        cross join lateral (select * from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = listed.post_id offset 0) as posts
        limit p_limit
      ) as found
      order by found.created_at desc, found.post_id
      limit p_limit
    );
  elsif recsys_engine.some_wait() then
    return recsys_engine.newest_listed(p_request, p_limit, since);
  else
    return array(
      select row(newest.post_id, newest.author_id)::recsys_engine.source_hit
      from recsys_engine.newest_posts_since(p_request, p_limit, since) as newest
      order by newest.created_at desc, newest.post_id
    );
  end if;
end
$$;
comment on function recsys_engine.newest_filtered_posts(recsys_engine.feed_request, integer) is 'The newest p_limit posts that pass the filter of a request, at most. Reads the 20,000 newest of each tag or language, all by the requested authors, and nothing that the filter leaves out.';

create function recsys_engine.prefilter_posts(p_request recsys_engine.feed_request, p_post_ids uuid[]) returns recsys_engine.prefiltered_post[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return array(
    select row(posts.post_id, posts.author_id, posts.created_at, state.last_active_at, state.trend, recsys_engine.popularity(state.recent, state.last_active_at))::recsys_engine.prefiltered_post
    from (select distinct unnest(p_post_ids)) as pooled (post_id)
    cross join lateral (select * from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = pooled.post_id offset 0) as posts
    left join lateral (
      (
        select latest_post_stats.last_active_at, latest_post_stats.trend, latest_post_stats.recent from recsys_engine.latest_post_stats
        where latest_post_stats.post_id = pooled.post_id and latest_post_stats.last_active_at <= p_request.at
      )
      union all
      (
        select post_stats.last_active_at, post_stats.trend, post_stats.recent from recsys_engine.post_stats
        where post_stats.post_id = pooled.post_id and post_stats.last_active_at <= p_request.at
        order by post_stats.last_active_at desc, post_stats.interaction_id desc
        limit 1
      )
      -- where both have one, it is the same
      limit 1
    ) as state on true
  );
end
$$;
comment on function recsys_engine.prefilter_posts(recsys_engine.feed_request, uuid[]) is 'Those of some posts that may be in the feed, each once, with their state as of the request''s instant.';

create function recsys_engine.with_prefiltered_pool(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector, p_may_be_few boolean default true, p_share double precision default null) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys_engine.feed_request := p_request;
  few uuid[];
  looked integer;
  found recsys_engine.source_hit[];
  passing uuid[];
begin
  if p_may_be_few or p_share is not null then
    few := recsys_engine.small_readable_set(p_share);
  end if;
  if cardinality(few) > 2000 then
    -- to look up the state of each takes longer than to go past those of others
    request.readable := few;
    return request;
  end if;
  -- "is null": asks for tags, authors, age and languages at once
  if few is null and request.filter is null then
    return request;
  end if;
  if few is null then
    -- of the pool, too, an author has a tenth before all others
    foreach looked in array array[1000, 4000, 20000] loop
      found := recsys_engine.newest_filtered_posts(p_request, looked);
      exit when recsys_engine.has_enough_after_cap(p_request, found, looked, 1000, 100);
    end loop;
  end if;
  passing := coalesce(few, array(select newest.post_id from recsys_engine.cap_per_author(p_request, found, 1000, 100) as newest));
  if few is null and cardinality(passing) = 1000 then
    -- where many pass, the best are not among the newest only, and are met soon on a walk
    passing := passing || array(select near.post_id from recsys_engine.retrieve_similar(p_request, p_model_id, p_embedding, 100, 10) as near);
    foreach looked in array array[300, 1200, 6000] loop
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
        from (
          select latest_post_stats.post_id from recsys_engine.latest_post_stats
          where latest_post_stats.last_active_at <= p_request.at
          order by latest_post_stats.last_active_at desc, latest_post_stats.post_id
          limit 20000
        ) as latest
        cross join lateral (
          select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = latest.post_id offset 0
        ) as posts
        limit looked
      );
      exit when recsys_engine.has_enough_after_cap(p_request, found, looked, 300, 30);
    end loop;
    passing := passing || array(select active.post_id from recsys_engine.cap_per_author(p_request, found, 300, 30) as active);
    foreach looked in array array[50, 200, 1000] loop
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
        from (
          select latest_post_stats.post_id from recsys_engine.latest_post_stats
          where latest_post_stats.trend >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
          order by latest_post_stats.trend desc, latest_post_stats.post_id
          limit 20000
        ) as hottest
        cross join lateral (
          select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = hottest.post_id offset 0
        ) as posts
        limit looked
      );
      exit when recsys_engine.has_enough_after_cap(p_request, found, looked, 50, 5);
    end loop;
    passing := passing || array(select hottest.post_id from recsys_engine.cap_per_author(p_request, found, 50, 5) as hottest);
  end if;
  request.pool := recsys_engine.prefilter_posts(request, passing);
  return request;
end
$$;
comment on function recsys_engine.with_prefiltered_pool(recsys_engine.feed_request, bigint, extensions.vector, boolean, double precision) is
  'A request with the pool of its sources: all posts of a small readable set (recsys_engine.small_readable_set, up to 2,000); with a filter all that pass, below 1,000, else 1,000 newest and the nearest, active and trending of 20,000. p_may_be_few false: skips the set. p_share: as there.';

revoke all on function recsys_engine.small_readable_set(double precision), recsys_engine.newest_listed(recsys_engine.feed_request, integer, timestamptz, integer), recsys_engine.newest_filtered_posts(recsys_engine.feed_request, integer), recsys_engine.prefilter_posts(recsys_engine.feed_request, uuid[]), recsys_engine.with_prefiltered_pool(recsys_engine.feed_request, bigint, extensions.vector, boolean, double precision) from public;
grant execute on function recsys_engine.small_readable_set(double precision), recsys_engine.newest_listed(recsys_engine.feed_request, integer, timestamptz, integer), recsys_engine.newest_filtered_posts(recsys_engine.feed_request, integer), recsys_engine.prefilter_posts(recsys_engine.feed_request, uuid[]), recsys_engine.with_prefiltered_pool(recsys_engine.feed_request, bigint, extensions.vector, boolean, double precision) to authenticated, service_role;
