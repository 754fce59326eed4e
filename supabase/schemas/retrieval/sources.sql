-- The sources of retrieval, each a function that brings its best posts with their ranks from 1, and at the end the two lists of them, by which
-- every way to candidates goes (docs/adding-a-source.md). In each an author has a share: a source looks at as many posts as it brings and, until
-- as many are within the shares, at 4 and 20 times as many; what is beyond a share takes places that are left. Each keeps its plans for a session.
-- With a filter they choose from the pool of the request. "trend" is quoted because `supabase db push` takes the end of any other word for that of the body.

create function recsys_engine.eligible_hits(p_request recsys_engine.feed_request, p_hits json, p_limit integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language sql stable security invoker
begin atomic
  select found.post_id::uuid, null::uuid, found.place, found.place
  from json_array_elements_text(p_hits) with ordinality as found (post_id, place)
  where found.post_id::uuid not in (select unnest(p_request.excluded))
    and recsys_engine.served_key(found.post_id::uuid, p_request.seed) not in (select unnest(p_request.served))
  order by found.place
  limit p_limit;
end;
comment on function recsys_engine.eligible_hits(recsys_engine.feed_request, json, integer) is 'Of posts that a worker found for a source, an array of their ids with the best first, the first p_limit that the request does not leave out; without their authors.';

create function recsys_engine.historical_post_states(p_request recsys_engine.feed_request)
returns table (post_id uuid, last_active_at timestamptz, "trend" double precision, popularity double precision)
language sql stable security invoker
begin atomic
  select latest_post_stats.post_id, earlier.last_active_at, earlier."trend", recsys_engine.popularity(earlier.recent, earlier.last_active_at)
  from recsys_engine.latest_post_stats
  cross join lateral (
    select post_stats.last_active_at, post_stats."trend", post_stats.recent
    from recsys_engine.post_stats
    where post_stats.post_id = latest_post_stats.post_id and post_stats.last_active_at <= p_request.at
    order by post_stats.last_active_at desc, post_stats.interaction_id desc
    limit 1
  ) as earlier
  where latest_post_stats.last_active_at > p_request.at
    and (p_request.readable is null or latest_post_stats.post_id in (select unnest(p_request.readable)));
end;
comment on function recsys_engine.historical_post_states(recsys_engine.feed_request) is 'States as of the request''s instant of posts with later interactions. Empty for a request of now.';

create function recsys_engine.newest_posts(p_request recsys_engine.feed_request, p_limit integer) returns table (post_id uuid, author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  (
    select posts.post_id, posts.author_id, posts.created_at
    from recsys_engine.eligible_posts(p_request) as posts
    where p_request.pool is null and p_request.readable is null and not (select recsys_engine.some_wait())
    order by posts.created_at desc, posts.post_id
    limit p_limit
  )
  union all
  (
    select posts.post_id, posts.author_id, posts.created_at
    from recsys_engine.listed_posts
    cross join lateral (
      select eligible.post_id, eligible.author_id, eligible.created_at from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = listed_posts.post_id offset 0
    ) as posts
    where p_request.pool is null and p_request.readable is null and (select recsys_engine.some_wait())
      and not listed_posts.waits and listed_posts.created_at <= p_request.at
    order by listed_posts.created_at desc, listed_posts.post_id
    limit p_limit
  )
  union all
  (
    -- past what others wrote since, a walk down the index read 3,800 pages for 190 posts
    select posts.post_id, posts.author_id, posts.created_at
    from unnest(p_request.readable) with ordinality as named (post_id, place)
    cross join lateral (
      select eligible.post_id, eligible.author_id, eligible.created_at from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = named.post_id offset 0
    ) as posts
    order by named.place
    limit p_limit
  )
  union all
  select posts.post_id, posts.author_id, posts.created_at from unnest(p_request.pool) as posts;
end;
comment on function recsys_engine.newest_posts(recsys_engine.feed_request, integer) is 'The p_limit newest posts, without those that wait (recsys_engine.listed_posts); with a pool all of it.';

-- in words of its own: since "-infinity" and up to an instant the planner expected 56 of 100,000 posts, so it read and sorted all: 32 ms instead of 2
create function recsys_engine.newest_posts_since(p_request recsys_engine.feed_request, p_limit integer, p_since timestamptz)
returns table (post_id uuid, author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  (
    select posts.post_id, posts.author_id, posts.created_at
    from recsys_engine.eligible_posts(p_request) as posts
    where p_request.pool is null and p_request.readable is null and not (select recsys_engine.some_wait()) and posts.created_at >= p_since
    order by posts.created_at desc, posts.post_id
    limit p_limit
  )
  union all
  (
    select posts.post_id, posts.author_id, posts.created_at
    from recsys_engine.listed_posts
    cross join lateral (
      select eligible.post_id, eligible.author_id, eligible.created_at from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = listed_posts.post_id offset 0
    ) as posts
    where p_request.pool is null and p_request.readable is null and (select recsys_engine.some_wait())
      and not listed_posts.waits and listed_posts.created_at <= p_request.at and listed_posts.created_at >= p_since
    order by listed_posts.created_at desc, listed_posts.post_id
    limit p_limit
  );
end;
comment on function recsys_engine.newest_posts_since(recsys_engine.feed_request, integer, timestamptz) is 'The p_limit newest posts since an instant, without those that wait; with a pool, or where what is readable is named, none.';

create function recsys_engine.active_posts(p_request recsys_engine.feed_request, p_limit integer) returns table (post_id uuid, author_id uuid, at timestamptz)
language sql stable security invoker
begin atomic
  with touched as materialized (
    select posts.post_id, posts.author_id, latest_post_stats.last_active_at as at
    from recsys_engine.latest_post_stats
    cross join lateral (
      select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = latest_post_stats.post_id offset 0
    ) as posts
    where latest_post_stats.last_active_at <= p_request.at and p_request.pool is null
      and (p_request.readable is null or latest_post_stats.post_id in (select unnest(p_request.readable)))
    order by latest_post_stats.last_active_at desc, latest_post_stats.post_id
    limit p_limit
  )
  select found.post_id, found.author_id, max(found.at) as at
  from (
    select touched.post_id, touched.author_id, touched.at from touched
    union all
    select posts.post_id, posts.author_id, earlier.last_active_at
    from recsys_engine.historical_post_states(p_request) as earlier
    cross join lateral (
      select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = earlier.post_id offset 0
    ) as posts
    where p_request.pool is null
    union all
    -- nobody need have come to a post that is new; older ones come after p_limit others: as one subquery, or the index would not know where to
    -- stop: 35 ms instead of 0.2
    select posts.post_id, posts.author_id, posts.created_at
    from recsys_engine.newest_posts_since(p_request, p_limit,
      (select coalesce((select touched.at from touched where p_limit is not null order by touched.at desc offset p_limit - 1 limit 1), '-infinity'))) as posts
    union all
    select posts.post_id, posts.author_id, posts.created_at from recsys_engine.newest_posts(p_request, p_limit) as posts where p_request.readable is not null
    union all
    select posts.post_id, posts.author_id, greatest(posts.last_active_at, posts.created_at) from unnest(p_request.pool) as posts
  ) as found
  group by found.post_id, found.author_id
  order by at desc, found.post_id
  limit p_limit;
end;
comment on function recsys_engine.active_posts(recsys_engine.feed_request, integer) is 'The p_limit posts with the latest interaction or creation, with that instant.';

create function recsys_engine.trending_posts(p_request recsys_engine.feed_request, p_limit integer) returns table (post_id uuid, author_id uuid, "trend" double precision)
language sql stable security invoker
begin atomic
  (
    select posts.post_id, posts.author_id, latest_post_stats."trend"
    from recsys_engine.latest_post_stats
    cross join lateral (
      select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = latest_post_stats.post_id offset 0
    ) as posts
    -- stops the walk down the index: one person a week ago is as much
    where latest_post_stats."trend" >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
      -- said as ages, which no index knows: by that of last_active_at all of a week's posts were fetched, to be sorted by trend
      and p_request.at - latest_post_stats.last_active_at >= interval '0' and p_request.at - latest_post_stats.last_active_at < interval '168 hours'
      and p_request.pool is null
      and (p_request.readable is null or latest_post_stats.post_id in (select unnest(p_request.readable)))
    order by latest_post_stats."trend" desc, latest_post_stats.post_id
    limit p_limit
  )
  union all
  select posts.post_id, posts.author_id, earlier."trend"
  from recsys_engine.historical_post_states(p_request) as earlier
  cross join lateral (
    select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = earlier.post_id offset 0
  ) as posts
  where earlier."trend" >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
    and p_request.at - earlier.last_active_at < interval '168 hours' and p_request.pool is null
  union all
  select posts.post_id, posts.author_id, posts."trend" from unnest(p_request.pool) as posts
  where posts."trend" >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
    and p_request.at - posts.last_active_at < interval '168 hours';
end;
comment on function recsys_engine.trending_posts(recsys_engine.feed_request, integer) is 'The p_limit posts with most users in the last week, decayed with a half-life of a week; the least counts as much as one user a week ago. Posts of earlier states or of a pool are added.';

create function recsys_engine.is_trend_sparse(p_request recsys_engine.feed_request) returns boolean
-- of all posts, whoever asks: the lists of everybody and of each must agree
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  request recsys_engine.feed_request := p_request;
  two_people constant double precision := extract(epoch from p_request.at)::double precision / 3600 / 168 + 1;
begin
  request.readable := null;
  return 50 > (
    select count(*)
    from (
      (
        select 1 from recsys_engine.latest_post_stats
        where latest_post_stats.trend >= two_people and latest_post_stats.last_active_at <= p_request.at
        order by latest_post_stats.trend desc
        limit 50
      )
      union all
      (select 1 from recsys_engine.historical_post_states(request) as earlier where earlier.trend >= two_people limit 50)
    ) as busy
  );
end
$$;
comment on function recsys_engine.is_trend_sparse(recsys_engine.feed_request) is 'Whether the last week says little about popularity: fewer than 50 posts have a decayed count (half-life of a week) of two users or more as of the request.';

create function recsys_engine.popular_posts(p_request recsys_engine.feed_request, p_limit integer) returns table (post_id uuid, author_id uuid, popularity double precision)
language sql stable security invoker
begin atomic
  (
    select posts.post_id, posts.author_id, recsys_engine.popularity(latest_post_stats.recent, latest_post_stats.last_active_at) as popularity
    from recsys_engine.latest_post_stats
    cross join lateral (
      select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = latest_post_stats.post_id offset 0
    ) as posts
    where latest_post_stats.last_active_at <= p_request.at and p_request.pool is null
      and (p_request.readable is null or latest_post_stats.post_id in (select unnest(p_request.readable)))
    order by recsys_engine.popularity(latest_post_stats.recent, latest_post_stats.last_active_at) desc, latest_post_stats.post_id
    limit p_limit
  )
  union all
  select posts.post_id, posts.author_id, earlier.popularity
  from recsys_engine.historical_post_states(p_request) as earlier
  cross join lateral (
    select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = earlier.post_id offset 0
  ) as posts
  where p_request.pool is null
  union all
  select posts.post_id, posts.author_id, posts.popularity from unnest(p_request.pool) as posts where posts.popularity is not null;
end;
comment on function recsys_engine.popular_posts(recsys_engine.feed_request, integer) is 'The p_limit posts with most users, decayed with a half-life of a month (recsys_engine.popularity). Posts of earlier states or of a pool are added.';

create function recsys_engine.retrieve_active(p_request recsys_engine.feed_request, p_limit integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.source_hit[];
  looked integer;
begin
  foreach looked in array array[p_limit, 4 * p_limit, 20 * p_limit] loop
    found := array(
      select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.active_posts(p_request, looked) as posts order by posts.at desc, posts.post_id limit looked
    );
    exit when recsys_engine.has_enough_after_cap(p_request, found, looked, p_limit, p_share);
  end loop;
  return query select * from recsys_engine.cap_per_author(p_request, found, p_limit, p_share);
end
$$;
comment on function recsys_engine.retrieve_active(recsys_engine.feed_request, integer, integer) is 'The p_limit posts with the latest interaction or creation, with at most p_share per author before all others''.';

create function recsys_engine.retrieve_fresh(p_request recsys_engine.feed_request, p_limit integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.source_hit[];
  looked integer;
begin
  foreach looked in array array[p_limit, 4 * p_limit, 20 * p_limit] loop
    found := array(
      select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.newest_posts(p_request, looked) as posts order by posts.created_at desc, posts.post_id limit looked
    );
    exit when recsys_engine.has_enough_after_cap(p_request, found, looked, p_limit, p_share);
  end loop;
  return query select * from recsys_engine.cap_per_author(p_request, found, p_limit, p_share);
end
$$;
comment on function recsys_engine.retrieve_fresh(recsys_engine.feed_request, integer, integer) is 'The p_limit newest posts, p_share of an author before all others''.';

create function recsys_engine.retrieve_trending(p_request recsys_engine.feed_request, p_limit integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.source_hit[];
  looked integer;
begin
  foreach looked in array array[p_limit, 4 * p_limit, 20 * p_limit] loop
    found := array(
      select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.trending_posts(p_request, looked) as posts order by posts.trend desc, posts.post_id limit looked
    );
    exit when recsys_engine.has_enough_after_cap(p_request, found, looked, p_limit, p_share);
  end loop;
  return query select * from recsys_engine.cap_per_author(p_request, found, p_limit, p_share);
end
$$;
comment on function recsys_engine.retrieve_trending(recsys_engine.feed_request, integer, integer) is 'The p_limit posts to which most people came in the last week (recsys_engine.trending_posts), p_share of an author before all others''.';

create function recsys_engine.retrieve_popular(p_request recsys_engine.feed_request, p_limit integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.source_hit[];
  looked integer;
begin
  -- where a week says enough it only puts what is older among the candidates: pages of a simulated community earned 2 % less
  if not recsys_engine.is_trend_sparse(p_request) then
    return;
  end if;
  foreach looked in array array[p_limit, 4 * p_limit, 20 * p_limit] loop
    found := array(
      select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.popular_posts(p_request, looked) as posts order by posts.popularity desc, posts.post_id limit looked
    );
    exit when recsys_engine.has_enough_after_cap(p_request, found, looked, p_limit, p_share);
  end loop;
  return query select * from recsys_engine.cap_per_author(p_request, found, p_limit, p_share);
end
$$;
comment on function recsys_engine.retrieve_popular(recsys_engine.feed_request, integer, integer) is 'The p_limit posts to which most people came of late (recsys_engine.popular_posts) where a week says little of that (recsys_engine.is_trend_sparse), p_share of an author before all others''.';


-- The lists. size: how many posts of a source are candidates; kept: how many are found before it is asked which of them a caller may see. Of an
-- author a tenth of the size comes before all others', and a fifth in what is kept, since a caller may not see, or knows, some of them.

create function recsys_engine.source_fetch_limit(p_size integer, p_kept integer, p_extent text) returns integer
language sql immutable
return nullif(p_size * (p_extent = 'feed')::integer + p_kept * (p_extent like 'kept%')::integer + coalesce(substring(p_extent from '^kept[+](.*)')::integer, 0), 0);
comment on function recsys_engine.source_fetch_limit(integer, integer, text) is 'How many posts of a source are looked for. p_extent feed: as many as are candidates; kept: as many as a worker keeps; kept+N: N more, where too many of these are hidden from strangers; all: null, without limit.';

create function recsys_engine.max_per_author(p_size integer, p_extent text) returns integer
language sql immutable
return p_size / 10 * (1 + (p_extent like 'kept%')::integer);
comment on function recsys_engine.max_per_author(integer, text) is 'How many posts of one author precede all others'' in a source of that size.';

create function recsys_engine.global_sources(p_request recsys_engine.feed_request, p_extent text) returns table (source text, size integer, kept integer, post_id uuid, author_id uuid, rank bigint, place bigint)
language sql stable security invoker
begin atomic
  select source.*, found.*
  from (values ('active', 300, 420)) as source (name, size, kept)
  cross join lateral recsys_engine.retrieve_active(p_request, recsys_engine.source_fetch_limit(size, kept, p_extent), recsys_engine.max_per_author(size, p_extent)) as found
  union all
  select source.*, found.*
  from (values ('fresh', 100, 140)) as source (name, size, kept)
  cross join lateral recsys_engine.retrieve_fresh(p_request, recsys_engine.source_fetch_limit(size, kept, p_extent), recsys_engine.max_per_author(size, p_extent)) as found
  union all
  select source.*, found.*
  from (values ('trending', 50, 125)) as source (name, size, kept)
  cross join lateral recsys_engine."retrieve_trending"(p_request, recsys_engine.source_fetch_limit(size, kept, p_extent), recsys_engine.max_per_author(size, p_extent)) as found
  union all
  select source.*, found.*
  from (values ('popular', 100, 250)) as source (name, size, kept)
  cross join lateral recsys_engine.retrieve_popular(p_request, recsys_engine.source_fetch_limit(size, kept, p_extent), recsys_engine.max_per_author(size, p_extent)) as found;
end;
comment on function recsys_engine.global_sources(recsys_engine.feed_request, text) is 'Hits of the sources that are the same for all users, without posts that are hidden from the user, known to them or served. p_extent as in recsys_engine.source_fetch_limit.';

create function recsys_engine.personal_sources(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector, p_extent text, p_hits json default null)
returns table (source text, size integer, kept integer, post_id uuid, author_id uuid, rank bigint, place bigint)
language sql stable security invoker
begin atomic
  select 'topic:' || followed.topic, size, kept, found.*
  from (values (20, 40)) as source (size, kept)
  cross join unnest(p_request.topics) as followed (topic)
  cross join lateral recsys_engine.retrieve_topic(p_request, followed.topic, recsys_engine.source_fetch_limit(size, kept, p_extent), recsys_engine.max_per_author(size, p_extent)) as found
  union all
  select source.*, found.*
  from (values ('similar', 100, 160)) as source (name, size, kept)
  cross join lateral (
    select * from recsys_engine.retrieve_similar(p_request, p_model_id, p_embedding, recsys_engine.source_fetch_limit(size, kept, p_extent), recsys_engine.max_per_author(size, p_extent), p_extent = 'kept') where p_hits is null
    union all
    select * from recsys_engine.eligible_hits(p_request, p_hits -> name, kept)
  ) as found
  union all
  select source.*, found.*
  from (values ('followed', 50, 100)) as source (name, size, kept)
  cross join lateral recsys_engine.retrieve_followed(p_request, recsys_engine.source_fetch_limit(size, kept, p_extent), recsys_engine.max_per_author(size, p_extent)) as found
  union all
  select source.*, found.*
  from (values ('touched', 100, 140)) as source (name, size, kept)
  cross join lateral recsys_engine.retrieve_from_list(p_request, p_request.touched, recsys_engine.source_fetch_limit(size, kept, p_extent), recsys_engine.max_per_author(size, p_extent)) as found
  union all
  select source.*, found.*
  from (values ('covisited', 100, 140)) as source (name, size, kept)
  cross join lateral recsys_engine.retrieve_from_list(p_request, p_request.covisited, recsys_engine.source_fetch_limit(size, kept, p_extent), recsys_engine.max_per_author(size, p_extent)) as found;
end;
comment on function recsys_engine.personal_sources(recsys_engine.feed_request, bigint, extensions.vector, text, json) is 'What the sources bring that are another for each reader: by a model and their vector in it, by what they did, and by whom and what they follow. Of each topic that they follow the newest posts are a list by itself: the functions give these turns in the source followed, or a busy topic or many would leave no place for anybody else. p_extent as in recsys_engine.source_fetch_limit. p_hits: of recsys_engine.sources_from_hits; null: the nearest are looked for.';

do $$
declare
  source regprocedure;
begin
  for source in select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'recsys_engine'::regnamespace and proname ~ '^(retrieve_|eligible_hits$|has_enough_after_cap$|cap_per_author$|is_trend_sparse$|historical_post_states$|(newest|active|trending|popular)_posts|with_affinities$|with_followee_engagements$|source_fetch_limit$|max_per_author$|global_sources$|personal_sources$)' loop
    execute format('revoke all on function %s from public', source);
    execute format('grant execute on function %s to authenticated, service_role', source);
  end loop;
end
$$;
