-- The five sources of retrieval, each a function that brings its best posts with their ranks from 1. They carry what eligible_posts read of a post
-- while it decided whether it may be shown: looking it up again took a third of the time. As recsys.eligible_posts all but the first become
-- part of the one query of what asks them, whose plan a session keeps. "trend" is quoted because `supabase db push` takes the end of any other word
-- for that of the body. The numbers are those of functions/_shared/features/retrieval.ts.

-- loads pgvector: before that only a superuser may name its settings in a function, and `supabase db push` is none
do $$ begin perform '[1]'::extensions.vector; end $$;

create type recsys.similar_post as (post_id uuid, distance double precision, title text, tags text[], author_id uuid, created_at timestamptz);
comment on type recsys.similar_post is 'A post with its distance to a vector: the inner product, negated, as pgvector has it.';

create function recsys.retrieve_similar(p_request recsys.feed_request, p_model_id bigint, p_embedding extensions.vector)
returns table (post_id uuid, rank bigint, title text, tags text[], author_id uuid, created_at timestamptz)
language plpgsql stable security invoker set search_path = ''
-- the index brings the 1,000 nearest of all posts, and not all that the caller may read of them are among the 100 wanted; an iterative scan,
-- which goes on until there are 100, missed 3 to 6 in 100 where a caller may read a tenth of all posts or fewer
set hnsw.iterative_scan = 'off' set hnsw.ef_search = 1000
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys.similar_post[];
begin
  if p_model_id is null or p_embedding is null then
    return;
  end if;
  found := array(
    select row(posts.post_id, post_embeddings.embedding operator(extensions.<#>) p_embedding, posts.title, posts.tags, posts.author_id, posts.created_at)::recsys.similar_post
    from recsys.post_embeddings
    cross join lateral (
      select * from recsys.eligible_posts(p_request) as eligible where eligible.post_id = post_embeddings.post_id offset 0
    ) as posts
    where post_embeddings.model_id = p_model_id
    order by post_embeddings.embedding operator(extensions.<#>) p_embedding
    limit 100
  );
  if cardinality(found) < 100 then
    -- few of all are eligible, so it begins with these: where that is one post in 2,000, an iterative scan of the index brought 5 of 54, in many times the time
    found := array(
      select row(posts.post_id, post_embeddings.embedding operator(extensions.<#>) p_embedding, posts.title, posts.tags, posts.author_id, posts.created_at)::recsys.similar_post
      from recsys.eligible_posts(p_request) as posts
      join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = posts.post_id
      -- no index is in the order of this
      order by (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0
      limit 100
    );
  end if;
  return query
  select nearest.post_id, rank() over (order by nearest.distance), nearest.title, nearest.tags, nearest.author_id, nearest.created_at
  from unnest(found) as nearest;
end
$$;
comment on function recsys.retrieve_similar(recsys.feed_request, bigint, extensions.vector) is 'The 100 posts nearest to a user''s vector by inner product; equally near ones share a rank. By the HNSW index, which may miss one in a hundred; where the 1,000 nearest of all posts hold too few eligible ones, exactly. Without model or vector none.';

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

create function recsys.retrieve_active(p_request recsys.feed_request, p_most integer)
returns table (post_id uuid, rank bigint, title text, tags text[], author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  with touched as materialized (
    select posts.*, latest_post_stats.last_active_at as at
    from recsys.latest_post_stats
    cross join lateral (
      select * from recsys.eligible_posts(p_request) as eligible where eligible.post_id = latest_post_stats.post_id offset 0
    ) as posts
    where latest_post_stats.last_active_at <= p_request.at
    order by latest_post_stats.last_active_at desc, latest_post_stats.post_id
    limit p_most
  )
  select latest.post_id, row_number() over (order by latest.at desc, latest.post_id), latest.title, latest.tags, latest.author_id, latest.created_at
  from (
    select distinct on (found.post_id) found.*
    from (
      select * from touched
      union all
      select posts.*, earlier.last_active_at
      from recsys.earlier_states(p_request) as earlier
      cross join lateral (
        select * from recsys.eligible_posts(p_request) as eligible where eligible.post_id = earlier.post_id offset 0
      ) as posts
      union all
      -- nobody need have come to a post that is new
      (
        select posts.*, posts.created_at
        from recsys.eligible_posts(p_request) as posts
        -- older ones come after p_most others; as one subquery, or the index would not know where to stop: 35 ms instead of 0.2
        where posts.created_at >= (select coalesce((select touched.at from touched order by touched.at desc offset p_most - 1 limit 1), '-infinity'))
        order by posts.created_at desc, posts.post_id
        limit p_most
      )
    ) as found
    order by found.post_id, found.at desc
  ) as latest
  order by latest.at desc, latest.post_id
  limit p_most;
end;
comment on function recsys.retrieve_active(recsys.feed_request, integer) is 'The p_most posts that somebody came to or wrote last.';

create function recsys.retrieve_fresh(p_request recsys.feed_request, p_most integer)
returns table (post_id uuid, rank bigint, title text, tags text[], author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  select newest.post_id, row_number() over (order by newest.created_at desc, newest.post_id), newest.title, newest.tags, newest.author_id, newest.created_at
  from (select * from recsys.eligible_posts(p_request) as posts order by posts.created_at desc, posts.post_id limit p_most) as newest;
end;
comment on function recsys.retrieve_fresh(recsys.feed_request, integer) is 'The p_most newest posts.';

create function recsys.retrieve_trending(p_request recsys.feed_request, p_most integer)
returns table (post_id uuid, rank bigint, title text, tags text[], author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  select hottest.post_id, row_number() over (order by hottest."trend" desc, hottest.post_id), hottest.title, hottest.tags, hottest.author_id, hottest.created_at
  from (
    (
      select posts.*, latest_post_stats."trend"
      from recsys.latest_post_stats
      cross join lateral (
        select * from recsys.eligible_posts(p_request) as eligible where eligible.post_id = latest_post_stats.post_id offset 0
      ) as posts
      -- implied by the next line, and stops the walk down the index: active in the last week is a count of 1 and more then
      where latest_post_stats."trend" >= extract(epoch from p_request.at)::double precision / 3600 / 168 - 1.00001
        -- said as ages, which no index knows: by that of last_active_at all of a week's posts were fetched, to be sorted by trend
        and p_request.at - latest_post_stats.last_active_at >= interval '0' and p_request.at - latest_post_stats.last_active_at < interval '168 hours'
      order by latest_post_stats."trend" desc, latest_post_stats.post_id
      limit p_most
    )
    union all
    select posts.*, earlier."trend"
    from recsys.earlier_states(p_request) as earlier
    cross join lateral (
      select * from recsys.eligible_posts(p_request) as eligible where eligible.post_id = earlier.post_id offset 0
    ) as posts
    where p_request.at - earlier.last_active_at < interval '168 hours'
  ) as hottest
  order by hottest."trend" desc, hottest.post_id
  limit p_most;
end;
comment on function recsys.retrieve_trending(recsys.feed_request, integer) is 'The p_most posts with the most interactions of the last week, decayed with a half-life of a week.';

create function recsys.author_affinities(p_request recsys.feed_request) returns table (author_id uuid, affinity integer)
language sql stable security invoker
begin atomic
  select posts.author_id, count(*)::integer
  -- their list, and not recsys.source_interactions once more: an app's views and policies may make one person's rows dear to read
  from unnest(p_request.interacted) as interactions (post_id)
  join recsys.source_posts as posts on posts.post_id = interactions.post_id
  where posts.author_id <> p_request.user_id
  group by posts.author_id;
end;
comment on function recsys.author_affinities(recsys.feed_request) is 'How often the user of a request interacted with the posts of each other author up to its instant.';

create function recsys.retrieve_followed(p_request recsys.feed_request, p_authors uuid[], p_most integer)
returns table (post_id uuid, rank bigint, title text, tags text[], author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  select newest.post_id, row_number() over (order by newest.created_at desc, newest.post_id), newest.title, newest.tags, newest.author_id, newest.created_at
  from (
    select posts.*
    from unnest(p_authors) as followed (author_id)
    cross join lateral (
      select * from recsys.eligible_posts(p_request) as eligible
      where eligible.author_id = followed.author_id
      order by eligible.created_at desc, eligible.post_id
      limit p_most
    ) as posts
    order by posts.created_at desc, posts.post_id
    limit p_most
  ) as newest;
end;
comment on function recsys.retrieve_followed(recsys.feed_request, uuid[], integer) is 'The p_most newest posts of some authors.';
