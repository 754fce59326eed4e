-- The sources by a reader's follows and habits: posts of these authors and topics, and posts that followed users interacted with.

create function recsys_engine.with_affinities(p_request recsys_engine.feed_request) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  -- a visitor has no follows; and mostly the kept ones are up to date
  if request.interacted <> '{}' then
    select array_agg(known.author_id order by known.affinity desc, known.author_id), array_agg(known.affinity order by known.affinity desc, known.author_id)
    into request.authors, request.affinities
    from (
      select each.author_id, sum(each.affinity)::integer as affinity
      from (
        select kept.author_id, kept.affinity from unnest(p_request.authors, p_request.affinities) as kept (author_id, affinity)
        union all
        -- their list, and not recsys.source_interactions once more: an app's views and policies may make one person's rows dear to read
        select posts.author_id, 1
        from unnest(p_request.interacted) as interactions (post_id)
        join recsys.source_posts as posts on posts.post_id = interactions.post_id
        where posts.author_id <> p_request.user_id
      ) as each
      group by each.author_id
    ) as known;
  end if;
  return request;
end
$$;
comment on function recsys_engine.with_affinities(recsys_engine.feed_request) is 'A request with the authors whose posts its user interacted with up to its instant, and how often, those of most interactions first.';

create function recsys_engine.with_followee_engagements(p_request recsys_engine.feed_request) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  if request.follows <> '{}' then
    select
      array_agg(touched.post_id order by touched.people desc, touched.at desc, touched.post_id),
      array_agg(touched.people order by touched.people desc, touched.at desc, touched.post_id),
      array_agg(touched.named[1] order by touched.people desc, touched.at desc, touched.post_id),
      array_agg(touched.named[2] order by touched.people desc, touched.at desc, touched.post_id)
    into request.touched, request.touches, request.touchers, request.other_touchers
    from (
      select
        came.post_id, count(*)::integer as people, max(came.at) as at,
        array_agg(came.named order by came.at desc, came.named) filter (where came.named is not null) as named
      from (
        select acts.post_id, followed.user_id, named.user_id as named, max(acts.created_at) as at
        from unnest(request.follows[:100]) as followed (user_id)
        -- who has a profile that the caller may read, and is not muted
        left join lateral (
          select source_users.user_id from recsys.source_users
          where source_users.user_id = followed.user_id and (followed.user_id = any (request.muted_authors)) is not true
          offset 0
        ) as named on true
        cross join lateral (
          select source_interactions.post_id, source_interactions.created_at
          from recsys.source_interactions
          where source_interactions.user_id = followed.user_id and source_interactions.created_at <= request.at
          order by source_interactions.created_at desc, source_interactions.interaction_id desc
          limit 50
        ) as acts
        group by acts.post_id, followed.user_id, named.user_id
      ) as came
      group by came.post_id
    ) as touched;
  end if;
  return request;
end
$$;
comment on function recsys_engine.with_followee_engagements(recsys_engine.feed_request) is
  'A request with the posts that followed people interacted with, as far as the caller may read that: the last 50 interactions of each of the 100 followed last. Posts of most people come first, then the latest. Names the two latest people of a post whose profile is readable and not muted.';

create function recsys_engine.retrieve_followed(p_request recsys_engine.feed_request, p_limit integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.source_hit[];
  of_each integer;
begin
  -- of each the share, and only where that is too little, or there is a pool to choose from, more
  foreach of_each in array array[p_share, p_limit] loop
    found := array(
      select row(newest.post_id, newest.author_id)::recsys_engine.source_hit
      from (
        select posts.post_id, posts.author_id, posts.created_at, authors.is_habit
        from (
          (
            -- the newest posts of a thousand people are by those who wrote last
            select followed.author_id, false as is_habit
            from unnest(p_request.follows) as followed (author_id)
            cross join lateral (
              select eligible.created_at from recsys_engine.eligible_posts(p_request) as eligible
              where eligible.author_id = followed.author_id and p_request.pool is null
                and (p_request.readable is null or eligible.post_id in (select unnest(p_request.readable)))
              order by eligible.created_at desc
              limit 1
            ) as last
            order by last.created_at desc
            fetch first (coalesce(p_limit, 1000)) rows with ties
          )
          union all
          select habit.author_id, true from unnest(p_request.authors[:50]) as habit (author_id)
          where (habit.author_id <> all (p_request.follows)) is not false
        ) as authors
        cross join lateral (
          select eligible.post_id, eligible.author_id, eligible.created_at from recsys_engine.eligible_posts(p_request) as eligible
          where eligible.author_id = authors.author_id and p_request.pool is null
            and (p_request.readable is null or eligible.post_id in (select unnest(p_request.readable)))
          order by eligible.created_at desc, eligible.post_id
          limit of_each
        ) as posts
        union all
        select posts.post_id, posts.author_id, posts.created_at, (posts.author_id = any (p_request.follows)) is not true
        from unnest(p_request.pool) as posts
        where posts.author_id = any (p_request.authors[:50]) or posts.author_id = any (p_request.follows)
      ) as newest
      order by newest.is_habit, newest.created_at desc, newest.post_id
      limit 20 * p_limit
    );
    exit when p_request.pool is null and cardinality(found) >= p_limit;
  end loop;
  return query select * from recsys_engine.cap_per_author(p_request, found, p_limit, p_share);
end
$$;
comment on function recsys_engine.retrieve_followed(recsys_engine.feed_request, integer, integer) is 'The p_limit newest posts of those whom the user follows and, after these, of the 50 authors with whose posts they interacted most; p_share of an author before all others''.';

create function recsys_engine.topic_posts(p_request recsys_engine.feed_request, p_topic text, p_limit integer) returns table (post_id uuid, author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  (
    select posts.post_id, posts.author_id, post_tags.created_at
    from recsys_engine.post_tags
    cross join lateral (
      select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = post_tags.post_id offset 0
    ) as posts
    where post_tags.tag = p_topic and post_tags.created_at <= p_request.at and p_request.pool is null
      and (p_request.readable is null or post_tags.post_id in (select unnest(p_request.readable)))
    order by post_tags.created_at desc, post_tags.post_id
    limit p_limit
  )
  union all
  select posts.post_id, posts.author_id, posts.created_at
  from unnest(p_request.pool) as posts
  join recsys_engine.post_tags on post_tags.post_id = posts.post_id and post_tags.tag = p_topic;
end;
comment on function recsys_engine.topic_posts(recsys_engine.feed_request, text, integer) is 'The p_limit newest posts of a topic; with a pool all of it.';

create function recsys_engine.listed_hits(p_request recsys_engine.feed_request, p_listed uuid[], p_limit integer) returns recsys_engine.source_hit[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return array(
    select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
    from unnest(p_listed) with ordinality as listed (post_id, place)
    cross join lateral (
      (
        select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible
        where eligible.post_id = listed.post_id and p_request.pool is null
          and (p_request.readable is null or listed.post_id in (select unnest(p_request.readable)))
        offset 0
      )
      union all
      select pooled.post_id, pooled.author_id from unnest(p_request.pool) as pooled where pooled.post_id = listed.post_id
    ) as posts
    order by listed.place
    limit p_limit
  );
end
$$;
comment on function recsys_engine.listed_hits(recsys_engine.feed_request, uuid[], integer) is 'The first p_limit posts of a list that may be in the feed, in its order: of recsys_engine.with_followee_engagements or recsys_engine.with_covisited.';
