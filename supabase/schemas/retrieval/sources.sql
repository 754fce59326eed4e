-- The sources of retrieval (docs/adding-a-source.md). Each brings its best posts in its order. A source reads as many posts as it brings and, where one
-- author has more than the cap of them, 4 and 20 times as many. With a filter it chooses from the pool of the request. "trend" is quoted because
-- `supabase db push` takes the end of any other word for that of the body.

create view recsys_engine.sources with (security_invoker = true) as
select listed.*, listed.size / 10 as max_per_author
from (
  values
    (1, 'similar', 100, 160, false, false, 1, true, 'posts nearest to the user''s vector'),
    (2, 'active', 300, 420, true, true, 7, true, 'posts with the latest interaction or creation'),
    (3, 'fresh', 100, 140, true, true, 8, true, 'newest posts'),
    (4, 'trending', 50, 125, true, false, 5, true, 'posts with most users in the last week'),
    (5, 'popular', 100, 250, true, false, 6, false, 'posts with most users, by a half-life of a month, where the last week says little'),
    (6, 'followed', 50, 100, false, false, 3, true, 'newest posts by followed authors, in followed topics, and by authors the user interacted with most'),
    (7, 'touched', 100, 140, false, false, 4, true, 'posts that most followed people interacted with'),
    (8, 'covisited', 100, 140, false, false, 2, true, 'posts that users of the same posts interacted with'),
    (null, 'topic', 20, 40, false, false, null, false, 'newest posts of one followed topic, which take turns in the source followed')
) as listed (input, name, size, fetch_limit, is_global, prepends_new_posts, reason_priority, is_ranker_feature, finds);
comment on view recsys_engine.sources is 'The sources of retrieval, one row each. npm run types writes them into _shared/features/sources.ts, for the functions and the trainer.';
comment on column recsys_engine.sources.input is 'Position among the inputs of the ranker, from 1; null: not a source by itself.';
comment on column recsys_engine.sources.name is 'Name, as in ranks, reasons and reports.';
comment on column recsys_engine.sources.size is 'Number of posts that the source contributes at most. A post without a rank counts as one behind the last.';
comment on column recsys_engine.sources.fetch_limit is 'Number of posts that a worker fetches before it asks which of them a caller may see: more than size, because readers know some and may not see others.';
comment on column recsys_engine.sources.is_global is 'Whether the source is the same for all users, apart from posts that a user may not see, knows or was served.';
comment on column recsys_engine.sources.prepends_new_posts is 'Whether posts that were written after a worker read the source come first.';
comment on column recsys_engine.sources.reason_priority is 'Where two sources rank a post alike, the lower number gives the reason that a reader sees.';
comment on column recsys_engine.sources.is_ranker_feature is 'Whether the rank is an input of the ranker. Models of 1.0.0 have no input for popular, which the counts of a post tell anyway.';
comment on column recsys_engine.sources.finds is 'What the source finds.';
comment on column recsys_engine.sources.max_per_author is 'Number of posts of one author that precede all others: a tenth of size.';
grant select on recsys_engine.sources to authenticated, service_role;

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
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  -- a statement for each case: one plan for all of them, planned at each call, took 2 ms
  if p_request.pool is not null or p_request.readable is not null then
    return;
  elsif recsys_engine.some_wait() then
    return query
    select posts.post_id, posts.author_id, posts.created_at
    from recsys_engine.listed_posts
    cross join lateral (
      select eligible.post_id, eligible.author_id, eligible.created_at from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = listed_posts.post_id offset 0
    ) as posts
    where not listed_posts.waits and listed_posts.created_at <= p_request.at and listed_posts.created_at >= p_since
    order by listed_posts.created_at desc, listed_posts.post_id
    limit p_limit;
  else
    return query
    select posts.post_id, posts.author_id, posts.created_at from recsys_engine.eligible_posts(p_request) as posts
    where posts.created_at >= p_since
    order by posts.created_at desc, posts.post_id
    limit p_limit;
  end if;
end
$$;
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
    -- a new post needs no interactions; older ones come after p_limit others: as one subquery, or the index would
    -- not know where to stop: 35 ms instead of 0.2
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
-- of all posts, for any caller: the lists of all and of each must agree
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

create function recsys_engine.first_hits(p_request recsys_engine.feed_request, p_source text, p_limit integer, p_topic text default null) returns recsys_engine.source_hit[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  -- a statement for each source: an order that is chosen at run time would have no index
  case p_source
    when 'active' then
      return array(select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.active_posts(p_request, p_limit) as posts order by posts.at desc, posts.post_id limit p_limit);
    when 'fresh' then
      return array(select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.newest_posts(p_request, p_limit) as posts order by posts.created_at desc, posts.post_id limit p_limit);
    when 'trending' then
      return array(select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.trending_posts(p_request, p_limit) as posts order by posts."trend" desc, posts.post_id limit p_limit);
    when 'popular' then
      -- where the trend says enough, this source only adds older posts: pages of a simulated community earned 2 % less
      if not recsys_engine.is_trend_sparse(p_request) then
        return array[]::recsys_engine.source_hit[];
      end if;
      return array(select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.popular_posts(p_request, p_limit) as posts order by posts.popularity desc, posts.post_id limit p_limit);
    when 'topic' then
      return array(select row(posts.post_id, posts.author_id)::recsys_engine.source_hit from recsys_engine.topic_posts(p_request, p_topic, p_limit) as posts order by posts.created_at desc, posts.post_id limit p_limit);
    when 'touched' then
      return recsys_engine.listed_hits(p_request, p_request.touched, p_limit);
    when 'covisited' then
      return recsys_engine.listed_hits(p_request, p_request.covisited, p_limit);
    else
      raise exception 'recsys_engine.sources has a source % without a statement here', p_source;
  end case;
end
$$;
comment on function recsys_engine.first_hits(recsys_engine.feed_request, text, integer, text) is 'The first p_limit posts of a source of recsys_engine.sources in its order, without a cap per author. p_topic: of the source topic.';

create function recsys_engine.retrieve_source(p_request recsys_engine.feed_request, p_source text, p_limit integer, p_share integer, p_topic text default null)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  hits recsys_engine.source_hit[];
  looked integer;
begin
  foreach looked in array array[p_limit, 4 * p_limit, 20 * p_limit] loop
    hits := recsys_engine.first_hits(p_request, p_source, looked, p_topic);
    exit when recsys_engine.has_enough_after_cap(p_request, hits, looked, p_limit, p_share);
  end loop;
  return query select * from recsys_engine.cap_per_author(p_request, hits, p_limit, p_share);
end
$$;
comment on function recsys_engine.retrieve_source(recsys_engine.feed_request, text, integer, integer, text) is 'The first p_limit posts of a source, with at most p_share per author before all others''. For all sources but similar and followed, which have functions of their own.';

-- How many posts of a source are read depends on who asks: a feed that reads all sources, a worker that keeps them for many feeds, or recsys.explain.

create function recsys_engine.source_fetch_limit(p_size integer, p_kept integer, p_extent text) returns integer
language sql immutable
return nullif(p_size * (p_extent = 'feed')::integer + p_kept * (p_extent like 'kept%')::integer + coalesce(substring(p_extent from '^kept[+](.*)')::integer, 0), 0);
comment on function recsys_engine.source_fetch_limit(integer, integer, text) is 'How many posts of a source are looked for. p_extent feed: as many as are candidates; kept: as many as a worker keeps; kept+N: N more, where too many of these are hidden from strangers; all: null, without limit.';

create function recsys_engine.max_per_author(p_size integer, p_extent text) returns integer
language sql immutable
return p_size / 10 * (1 + (p_extent like 'kept%')::integer);
comment on function recsys_engine.max_per_author(integer, text) is 'How many posts of one author precede all others'' in a source of that size.';

create function recsys_engine.global_sources(p_request recsys_engine.feed_request, p_extent text)
returns table (source text, size integer, fetch_limit integer, post_id uuid, author_id uuid, rank bigint, place bigint)
language sql stable security invoker
begin atomic
  select sources.name, sources.size, sources.fetch_limit, found.*
  from recsys_engine.sources
  cross join lateral recsys_engine.retrieve_source(p_request, sources.name, recsys_engine.source_fetch_limit(sources.size, sources.fetch_limit, p_extent), recsys_engine.max_per_author(sources.size, p_extent)) as found
  where sources.is_global;
end;
comment on function recsys_engine.global_sources(recsys_engine.feed_request, text) is 'Hits of the sources that are the same for all users, without posts that are hidden from the user, known to them or served. p_extent as in recsys_engine.source_fetch_limit.';

create function recsys_engine.personal_sources(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector, p_extent text, p_hits json default null)
returns table (source text, size integer, fetch_limit integer, post_id uuid, author_id uuid, rank bigint, place bigint)
language sql stable security invoker
begin atomic
  select coalesce('topic:' || followed.topic, sources.name), sources.size, sources.fetch_limit, found.*
  from recsys_engine.sources
  left join unnest(p_request.topics) as followed (topic) on sources.name = 'topic'
  cross join lateral (values (
    recsys_engine.source_fetch_limit(sources.size, sources.fetch_limit, p_extent), recsys_engine.max_per_author(sources.size, p_extent)
  )) as asked (most, share)
  cross join lateral (
    select * from recsys_engine.retrieve_similar(p_request, p_model_id, p_embedding, asked.most, asked.share, p_extent = 'kept') where sources.name = 'similar' and p_hits is null
    union all
    select * from recsys_engine.eligible_hits(p_request, p_hits -> 'similar', sources.fetch_limit) where sources.name = 'similar'
    union all
    select * from recsys_engine.retrieve_followed(p_request, asked.most, asked.share) where sources.name = 'followed'
    union all
    select * from recsys_engine.retrieve_source(p_request, sources.name, asked.most, asked.share, followed.topic)
    -- both lists are mostly empty, and walking an empty one took 0.6 ms
    where (sources.name = 'touched' and p_request.touched <> '{}') or (sources.name = 'covisited' and p_request.covisited <> '{}') or followed.topic is not null
  ) as found
  where not sources.is_global;
end;
comment on function recsys_engine.personal_sources(recsys_engine.feed_request, bigint, extensions.vector, text, json) is 'Hits of the sources that differ by reader. Each followed topic is a list of its own (topic:NAME). p_extent as in recsys_engine.source_fetch_limit; p_hits: a worker''s hits for similar (recsys_engine.sources_from_hits), null: the nearest are searched for.';

do $$
declare
  source regprocedure;
begin
  for source in select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'recsys_engine'::regnamespace and proname ~ '^(retrieve_|eligible_hits$|first_hits$|listed_hits$|has_enough_after_cap$|cap_per_author$|is_trend_sparse$|historical_post_states$|(newest|active|trending|popular|topic)_posts|with_affinities$|with_followee_engagements$|source_fetch_limit$|max_per_author$|global_sources$|personal_sources$)' loop
    execute format('revoke all on function %s from public', source);
    execute format('grant execute on function %s to authenticated, service_role', source);
  end loop;
end
$$;
