-- The sources of retrieval, each a function that brings its best posts with their ranks from 1, and at the end the two lists of them, by which
-- every way to candidates goes (docs/adding-a-source.md). As recsys.eligible_posts all but the first become part of the one query of what asks them,
-- whose plan a session keeps. With a filter they choose from the pool of the request. "trend" and "retrieve_trending" are quoted because
-- `supabase db push` takes the end of any other word for that of the body.

-- loads pgvector: before that only a superuser may name its settings in a function, and `supabase db push` is none
do $$ begin perform '[1]'::extensions.vector; end $$;

create type recsys.ranked_post as (post_id uuid, distance double precision);
comment on type recsys.ranked_post is 'A post with its distance to a vector: the inner product, negated, as pgvector has it.';

create function recsys.retrieve_similar(p_request recsys.feed_request, p_model_id bigint, p_embedding extensions.vector, p_most integer, p_is_quick boolean default false)
returns table (post_id uuid, rank bigint)
language plpgsql stable security invoker set search_path = ''
-- the index brings the 1,000 nearest of all posts, and not all that the caller may read of them are among the 100 wanted; an iterative scan,
-- which goes on until there are 100, missed 3 to 6 in 100 where a caller may read a tenth of all posts or fewer
set hnsw.iterative_scan = 'off' set hnsw.ef_search = 1000
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  nearest recsys.ranked_post[] := '{}'::recsys.ranked_post[];
begin
  if p_model_id is null or p_embedding is null then
    return;
  end if;
  if p_request.pool is null and p_is_quick then
    -- nearly all that are near may be read: whoever asks sees to what may not
    perform set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '200', true);
    nearest := array(
      select row(post_embeddings.post_id, post_embeddings.embedding operator(extensions.<#>) p_embedding)::recsys.ranked_post
      from recsys.post_embeddings
      where post_embeddings.model_id = p_model_id
        -- what is nearest to somebody is what they did something with: where half of 160 was, too few were left, and the feed was read twice
        and post_embeddings.post_id not in (select unnest(p_request.excluded))
        and recsys.served_key(post_embeddings.post_id, p_request.seed) not in (select unnest(p_request.served))
      order by post_embeddings.embedding operator(extensions.<#>) p_embedding
      limit p_most
    );
  elsif p_request.pool is null and p_most is not null then
    nearest := array(
      select row(post_embeddings.post_id, post_embeddings.embedding operator(extensions.<#>) p_embedding)::recsys.ranked_post
      from recsys.post_embeddings
      cross join lateral (
        select from recsys.eligible_posts(p_request) as eligible where eligible.post_id = post_embeddings.post_id offset 0
      ) as posts
      where post_embeddings.model_id = p_model_id
      order by post_embeddings.embedding operator(extensions.<#>) p_embedding
      limit p_most
    );
  end if;
  if p_request.pool is not null then
    nearest := array(
      select row(posts.post_id, post_embeddings.embedding operator(extensions.<#>) p_embedding)::recsys.ranked_post
      from unnest(p_request.pool) as posts
      join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = posts.post_id
      order by (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0
      limit p_most
    );
  elsif p_most is null or cardinality(nearest) < p_most and not p_is_quick then
    -- few of all are eligible, so it begins with these: where that is one post in 2,000, an iterative scan of the index brought 5 of 54, in many times the time
    nearest := array(
      select row(posts.post_id, post_embeddings.embedding operator(extensions.<#>) p_embedding)::recsys.ranked_post
      from recsys.eligible_posts(p_request) as posts
      join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = posts.post_id
      -- no index is in the order of this
      order by (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0
      limit p_most
    );
  end if;
  return query select near.post_id, rank() over (order by near.distance) from unnest(nearest) as near;
end
$$;
comment on function recsys.retrieve_similar(recsys.feed_request, bigint, extensions.vector, integer, boolean) is 'The p_most posts nearest to a user''s vector by inner product; equally near ones share a rank. By the HNSW index, which may miss one in a hundred; where the 1,000 nearest of all posts hold too few eligible ones, exactly. p_is_quick: of fewer that it looks at, never exactly, and whoever may see them. Without model or vector none.';

create function recsys.is_beyond(p_request recsys.feed_request, p_author_id uuid, p_number bigint, p_share integer) returns boolean
language sql immutable security invoker
begin atomic
  -- who asks for certain authors gets all of them; an unknown author is nobody
  select p_author_id is not null and p_number > p_share and (p_request.filter).author_ids is null;
end;
comment on function recsys.is_beyond(recsys.feed_request, uuid, bigint, integer) is 'Whether the p_number-th post of an author in a source comes after all others'', since p_share of theirs come before it.';

create function recsys.earlier_states(p_request recsys.feed_request)
returns table (post_id uuid, last_active_at timestamptz, "trend" double precision)
language sql stable security invoker
begin atomic
  select latest_post_stats.post_id, earlier.last_active_at, earlier."trend"
  from recsys.latest_post_stats
  cross join lateral (
    select post_stats.last_active_at, post_stats."trend"
    from recsys.post_stats
    where post_stats.post_id = latest_post_stats.post_id and post_stats.last_active_at <= p_request.at
    order by post_stats.last_active_at desc, post_stats.interaction_id desc
    limit 1
  ) as earlier
  where latest_post_stats.last_active_at > p_request.at;
end;
comment on function recsys.earlier_states(recsys.feed_request) is 'The states as of the request''s instant of posts that somebody came to later. Now there are none; a month ago they are many.';

create function recsys.newest_posts(p_request recsys.feed_request, p_most integer, p_share integer)
returns table (post_id uuid, author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  with newest as materialized (
    select posts.post_id, posts.author_id, posts.created_at
    from recsys.eligible_posts(p_request) as posts
    where p_request.pool is null
    order by posts.created_at desc, posts.post_id
    limit p_most
  )
  select newest.post_id, newest.author_id, newest.created_at from newest
  union all
  (
    -- an author is beyond their share: others come after
    select posts.post_id, posts.author_id, posts.created_at
    from recsys.eligible_posts(p_request) as posts
    where p_request.pool is null
    order by posts.created_at desc, posts.post_id
    offset p_most limit coalesce((
      select 19 * p_most where exists (select from newest where newest.author_id is not null group by newest.author_id having count(*) > p_share)
    ), 0)
  );
end;
comment on function recsys.newest_posts(recsys.feed_request, integer, integer) is 'The p_most newest posts and, where more than p_share of them are of one author, 19 times as many after them.';

-- in words of its own: since "-infinity" and up to an instant the planner expected 56 of 100,000 posts, so it read and sorted all: 32 ms instead of 2
create function recsys.newest_posts_since(p_request recsys.feed_request, p_most integer, p_share integer, p_since timestamptz)
returns table (post_id uuid, author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  with newest as materialized (
    select posts.post_id, posts.author_id, posts.created_at
    from recsys.eligible_posts(p_request) as posts
    where p_request.pool is null and posts.created_at >= p_since
    order by posts.created_at desc, posts.post_id
    limit p_most
  )
  select newest.post_id, newest.author_id, newest.created_at from newest
  union all
  (
    -- an author is beyond their share: others come after
    select posts.post_id, posts.author_id, posts.created_at
    from recsys.eligible_posts(p_request) as posts
    where p_request.pool is null and posts.created_at >= p_since
    order by posts.created_at desc, posts.post_id
    offset p_most limit coalesce((
      select 19 * p_most where exists (select from newest where newest.author_id is not null group by newest.author_id having count(*) > p_share)
    ), 0)
  );
end;
comment on function recsys.newest_posts_since(recsys.feed_request, integer, integer, timestamptz) is 'As recsys.newest_posts, of those since an instant.';

create function recsys.retrieve_active(p_request recsys.feed_request, p_most integer, p_share integer) returns table (post_id uuid, rank bigint)
language sql stable security invoker
begin atomic
  with touched as materialized (
    select posts.post_id, posts.author_id, latest_post_stats.last_active_at as at
    from recsys.latest_post_stats
    cross join lateral (
      select eligible.post_id, eligible.author_id from recsys.eligible_posts(p_request) as eligible where eligible.post_id = latest_post_stats.post_id offset 0
    ) as posts
    where latest_post_stats.last_active_at <= p_request.at and p_request.pool is null
    order by latest_post_stats.last_active_at desc, latest_post_stats.post_id
    limit p_most
  )
  select latest.post_id, row_number() over (order by latest.is_beyond, latest.at desc, latest.post_id)
  from (
    select found.post_id, max(found.at) as at,
      recsys.is_beyond(p_request, found.author_id, row_number() over (partition by found.author_id order by max(found.at) desc, found.post_id), p_share) as is_beyond
    from (
      select touched.post_id, touched.author_id, touched.at from touched
      union all
      (
        select posts.post_id, posts.author_id, latest_post_stats.last_active_at
        from recsys.latest_post_stats
        cross join lateral (
          select eligible.post_id, eligible.author_id from recsys.eligible_posts(p_request) as eligible where eligible.post_id = latest_post_stats.post_id offset 0
        ) as posts
        where latest_post_stats.last_active_at <= p_request.at and p_request.pool is null
        order by latest_post_stats.last_active_at desc, latest_post_stats.post_id
        offset p_most limit coalesce((
          select 19 * p_most where exists (select from touched where touched.author_id is not null group by touched.author_id having count(*) > p_share)
        ), 0)
      )
      union all
      select posts.post_id, posts.author_id, earlier.last_active_at
      from recsys.earlier_states(p_request) as earlier
      cross join lateral (
        select eligible.post_id, eligible.author_id from recsys.eligible_posts(p_request) as eligible where eligible.post_id = earlier.post_id offset 0
      ) as posts
      where p_request.pool is null
      union all
      -- nobody need have come to a post that is new; older ones come after p_most others: as one subquery, or the index would not know where to
      -- stop: 35 ms instead of 0.2
      select posts.post_id, posts.author_id, posts.created_at
      from recsys.newest_posts_since(p_request, p_most, p_share,
        (select coalesce((select touched.at from touched where p_most is not null order by touched.at desc offset p_most - 1 limit 1), '-infinity'))) as posts
      union all
      select posts.post_id, posts.author_id, greatest(posts.last_active_at, posts.created_at) from unnest(p_request.pool) as posts
    ) as found
    group by found.post_id, found.author_id
  ) as latest
  order by latest.is_beyond, latest.at desc, latest.post_id
  limit p_most;
end;
comment on function recsys.retrieve_active(recsys.feed_request, integer, integer) is 'The p_most posts that somebody came to or wrote last, p_share of an author before all others''.';

create function recsys.retrieve_fresh(p_request recsys.feed_request, p_most integer, p_share integer) returns table (post_id uuid, rank bigint)
language sql stable security invoker
begin atomic
  select shared.post_id, row_number() over (order by shared.is_beyond, shared.created_at desc, shared.post_id)
  from (
    select newest.post_id, newest.created_at,
      recsys.is_beyond(p_request, newest.author_id, row_number() over (partition by newest.author_id order by newest.created_at desc, newest.post_id), p_share) as is_beyond
    from (
      select posts.post_id, posts.author_id, posts.created_at from recsys.newest_posts(p_request, p_most, p_share) as posts
      union all
      select posts.post_id, posts.author_id, posts.created_at from unnest(p_request.pool) as posts
    ) as newest
  ) as shared
  order by shared.is_beyond, shared.created_at desc, shared.post_id
  limit p_most;
end;
comment on function recsys.retrieve_fresh(recsys.feed_request, integer, integer) is 'The p_most newest posts, p_share of an author before all others''.';

create function recsys.retrieve_trending(p_request recsys.feed_request, p_most integer, p_share integer) returns table (post_id uuid, rank bigint)
language sql stable security invoker
begin atomic
  with first as materialized (
    select posts.post_id, posts.author_id, latest_post_stats."trend"
    from recsys.latest_post_stats
    cross join lateral (
      select eligible.post_id, eligible.author_id from recsys.eligible_posts(p_request) as eligible where eligible.post_id = latest_post_stats.post_id offset 0
    ) as posts
    -- stops the walk down the index: one person a week ago is as much
    where latest_post_stats."trend" >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
      -- said as ages, which no index knows: by that of last_active_at all of a week's posts were fetched, to be sorted by trend
      and p_request.at - latest_post_stats.last_active_at >= interval '0' and p_request.at - latest_post_stats.last_active_at < interval '168 hours'
      and p_request.pool is null
    order by latest_post_stats."trend" desc, latest_post_stats.post_id
    limit p_most
  )
  select shared.post_id, row_number() over (order by shared.is_beyond, shared."trend" desc, shared.post_id)
  from (
    select hottest.post_id, hottest."trend",
      recsys.is_beyond(p_request, hottest.author_id, row_number() over (partition by hottest.author_id order by hottest."trend" desc, hottest.post_id), p_share) as is_beyond
    from (
      select first.post_id, first.author_id, first."trend" from first
      union all
      (
        select posts.post_id, posts.author_id, latest_post_stats."trend"
        from recsys.latest_post_stats
        cross join lateral (
          select eligible.post_id, eligible.author_id from recsys.eligible_posts(p_request) as eligible where eligible.post_id = latest_post_stats.post_id offset 0
        ) as posts
        where latest_post_stats."trend" >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
          and p_request.at - latest_post_stats.last_active_at >= interval '0' and p_request.at - latest_post_stats.last_active_at < interval '168 hours'
          and p_request.pool is null
        order by latest_post_stats."trend" desc, latest_post_stats.post_id
        offset p_most limit coalesce((
          select 19 * p_most where exists (select from first where first.author_id is not null group by first.author_id having count(*) > p_share)
        ), 0)
      )
      union all
      select posts.post_id, posts.author_id, earlier."trend"
      from recsys.earlier_states(p_request) as earlier
      cross join lateral (
        select eligible.post_id, eligible.author_id from recsys.eligible_posts(p_request) as eligible where eligible.post_id = earlier.post_id offset 0
      ) as posts
      where earlier."trend" >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
        and p_request.at - earlier.last_active_at < interval '168 hours' and p_request.pool is null
      union all
      select posts.post_id, posts.author_id, posts."trend" from unnest(p_request.pool) as posts
      where posts."trend" >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
        and p_request.at - posts.last_active_at < interval '168 hours'
    ) as hottest
  ) as shared
  order by shared.is_beyond, shared."trend" desc, shared.post_id
  limit p_most;
end;
comment on function recsys.retrieve_trending(recsys.feed_request, integer, integer) is 'The p_most posts to which somebody came in the last week, by the people who came, decayed with a half-life of a week: no fewer than came a week ago as one. p_share of an author before all others''.';

create function recsys.with_affinities(p_request recsys.feed_request) returns recsys.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys.feed_request := p_request;
begin
  -- a visitor follows nobody; and mostly nothing came since they were kept
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
comment on function recsys.with_affinities(recsys.feed_request) is 'A request with the authors whose posts its user interacted with up to its instant, and how often, those of most interactions first.';

create function recsys.with_touched(p_request recsys.feed_request) returns recsys.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys.feed_request := p_request;
begin
  if request.follows <> '{}' then
    select array_agg(touched.post_id order by touched.people desc, touched.at desc, touched.post_id), array_agg(touched.people order by touched.people desc, touched.at desc, touched.post_id)
    into request.touched, request.touches
    from (
      select acts.post_id, count(distinct followed.user_id)::integer as people, max(acts.created_at) as at
      from unnest(request.follows[:100]) as followed (user_id)
      cross join lateral (
        select source_interactions.post_id, source_interactions.created_at
        from recsys.source_interactions
        where source_interactions.user_id = followed.user_id and source_interactions.created_at <= request.at
        order by source_interactions.created_at desc, source_interactions.interaction_id desc
        limit 50
      ) as acts
      group by acts.post_id
    ) as touched;
  end if;
  return request;
end
$$;
comment on function recsys.with_touched(recsys.feed_request) is 'A request with the posts that those whom its user follows did something with, as far as the caller may read that: of the 100 followed last the last 50 interactions each. Posts of most people come first, of as many those that were touched last.';

create function recsys.retrieve_followed(p_request recsys.feed_request, p_most integer) returns table (post_id uuid, rank bigint)
language sql stable security invoker
begin atomic
  select newest.post_id, row_number() over (order by newest.is_habit, newest.created_at desc, newest.post_id)
  from (
    select posts.post_id, posts.created_at, authors.is_habit
    from (
      (
        -- the newest posts of a thousand people are by those who wrote last
        select followed.author_id, false as is_habit
        from unnest(p_request.follows) as followed (author_id)
        cross join lateral (
          select eligible.created_at from recsys.eligible_posts(p_request) as eligible
          where eligible.author_id = followed.author_id and p_request.pool is null
          order by eligible.created_at desc
          limit 1
        ) as last
        order by last.created_at desc
        fetch first (coalesce(p_most, 1000)) rows with ties
      )
      union all
      select habit.author_id, true from unnest(p_request.authors[:50]) as habit (author_id)
      where (habit.author_id <> all (p_request.follows)) is not false
    ) as authors
    cross join lateral (
      select eligible.post_id, eligible.created_at from recsys.eligible_posts(p_request) as eligible
      where eligible.author_id = authors.author_id and p_request.pool is null
      order by eligible.created_at desc, eligible.post_id
      limit p_most
    ) as posts
    union all
    select posts.post_id, posts.created_at, (posts.author_id = any (p_request.follows)) is not true
    from unnest(p_request.pool) as posts
    where posts.author_id = any (p_request.authors[:50]) or posts.author_id = any (p_request.follows)
  ) as newest
  order by newest.is_habit, newest.created_at desc, newest.post_id
  limit p_most;
end;
comment on function recsys.retrieve_followed(recsys.feed_request, integer) is 'The p_most newest posts of those whom the user follows and, after these, of the 50 authors with whose posts they interacted most.';

create function recsys.retrieve_touched(p_request recsys.feed_request, p_most integer) returns table (post_id uuid, rank bigint)
language sql stable security invoker
begin atomic
  select found.post_id, row_number() over (order by found.place)
  from (
    (
      select posts.post_id, touched.place
      from unnest(p_request.touched) with ordinality as touched (post_id, place)
      cross join lateral (
        select eligible.post_id from recsys.eligible_posts(p_request) as eligible where eligible.post_id = touched.post_id offset 0
      ) as posts
      where p_request.pool is null
      order by touched.place
      limit p_most
    )
    union all
    select touched.post_id, touched.place
    from unnest(p_request.touched) with ordinality as touched (post_id, place)
    where touched.post_id in (select posts.post_id from unnest(p_request.pool) as posts)
  ) as found
  order by found.place
  limit p_most;
end;
comment on function recsys.retrieve_touched(recsys.feed_request, integer) is 'The p_most posts that most of those whom the user follows did something with lately, as recsys.with_touched finds them.';

-- The lists. size: how many posts of a source are candidates; kept: how many are found before it is asked which of them a caller may see. The
-- last number of those that are common: how many of an author come before all others', a tenth of the size. Twice as many are kept, since a
-- caller may not see, or knows, some of them.
-- p_extent is feed, kept, or all: then there is no limit. As jsonb, since `supabase db push` takes the end of a "case" for that of the body.

create function recsys.common_sources(p_request recsys.feed_request, p_extent text) returns table (source text, size integer, kept integer, post_id uuid, rank bigint)
language sql stable security invoker
begin atomic
  select 'active', 300, 420, found.* from recsys.retrieve_active(p_request, (jsonb '{"feed": 300, "kept": 420}' ->> p_extent)::integer, (jsonb '{"feed": 30, "kept": 60, "all": 30}' ->> p_extent)::integer) as found
  union all
  select 'fresh', 100, 140, found.* from recsys.retrieve_fresh(p_request, (jsonb '{"feed": 100, "kept": 140}' ->> p_extent)::integer, (jsonb '{"feed": 10, "kept": 20, "all": 10}' ->> p_extent)::integer) as found
  union all
  select 'trending', 50, 125, found.* from recsys."retrieve_trending"(p_request, (jsonb '{"feed": 50, "kept": 125}' ->> p_extent)::integer, (jsonb '{"feed": 5, "kept": 10, "all": 5}' ->> p_extent)::integer) as found;
end;
comment on function recsys.common_sources(recsys.feed_request, text) is 'What the sources bring that are the same for everybody, but for what is hidden from them, known to them or served.';

create function recsys.own_sources(p_request recsys.feed_request, p_model_id bigint, p_embedding extensions.vector, p_extent text)
returns table (source text, size integer, kept integer, post_id uuid, rank bigint)
language sql stable security invoker
begin atomic
  select 'similar', 100, 160, found.*
  from recsys.retrieve_similar(p_request, p_model_id, p_embedding, (jsonb '{"feed": 100, "kept": 160}' ->> p_extent)::integer, p_extent = 'kept') as found
  union all
  select 'followed', 50, 70, found.* from recsys.retrieve_followed(p_request, (jsonb '{"feed": 50, "kept": 70}' ->> p_extent)::integer) as found
  union all
  select 'touched', 100, 140, found.* from recsys.retrieve_touched(p_request, (jsonb '{"feed": 100, "kept": 140}' ->> p_extent)::integer) as found;
end;
comment on function recsys.own_sources(recsys.feed_request, bigint, extensions.vector, text) is 'What the sources bring that are another for each reader: by a model and their vector in it, and by what they did.';

do $$
declare
  source regprocedure;
begin
  for source in select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'recsys'::regnamespace and proname ~ '^(retrieve_|is_beyond$|newest_posts|earlier_states$|with_affinities$|with_touched$|common_sources$|own_sources$)' loop
    execute format('revoke all on function %s from public', source);
    execute format('grant execute on function %s to authenticated, service_role', source);
  end loop;
end
$$;
