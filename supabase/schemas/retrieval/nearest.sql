-- The nearest to a reader's vector: by the HNSW index, or exactly where that takes less.

-- loads pgvector: before that only a superuser may name its settings in a function, and `supabase db push` is none
do $$ begin perform '[1]'::extensions.vector; end $$;

create function recsys_engine.retrieve_similar(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector, p_most integer, p_share integer, p_is_quick boolean default false)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language plpgsql stable security invoker set search_path = ''
-- the index looks at 1,000 posts, and at as many more while too few of them are eligible; of a tenth or a twentieth it misses 4 in 100
set hnsw.iterative_scan = 'relaxed_order' set hnsw.ef_search = 1000
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  found recsys_engine.source_hit[] := '{}'::recsys_engine.source_hit[];
  looked integer;
  vectors double precision;
  is_exact boolean;
begin
  if p_model_id is null or p_embedding is null then
    return;
  end if;
  if p_is_quick then
    perform set_config('hnsw.ef_search', '200', true);
    -- Nearly all near posts are readable. The step that checks visibility reads the authors: looking them up here
    -- took 640 of the 6,190 pages of recsys_engine.feed_candidates.
    return query
    select near.post_id, null::uuid, row_number() over nearest, row_number() over nearest
    from (
      select post_embeddings.post_id, post_embeddings.embedding operator(extensions.<#>) p_embedding as distance
      from recsys.post_embeddings
      where post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null
        -- the posts nearest to a user are those of their history: where half of 160 was, too few were left, and the
        -- feed was read twice
        and post_embeddings.post_id not in (select unnest(p_request.excluded))
        and recsys_engine.served_key(post_embeddings.post_id, p_request.seed) not in (select unnest(p_request.served))
      order by post_embeddings.embedding operator(extensions.<#>) p_embedding, post_embeddings.post_id
      limit p_most
    ) as near
    window nearest as (order by near.distance, near.post_id);
    return;
  end if;
  if p_request.readable is not null then
    -- no vacuum counted them yet: as many that the index is asked
    select coalesce(nullif(greatest(pg_class.reltuples, 0), 0), 'infinity')::double precision into vectors from pg_catalog.pg_class where pg_class.oid = to_regclass('recsys_engine.post_embeddings_' || p_model_id);
  end if;
  foreach looked in array array[p_most, 4 * p_most, 20 * p_most] loop
    -- of those that are named exact search looks at all, and the index at looked * vectors / readable of all, each of which takes 13 times as long
    is_exact := looked is null or coalesce(cardinality(p_request.readable) ^ 2 < 13 * looked * vectors, false);
    if p_request.pool is not null then
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
        from unnest(p_request.pool) as posts
        join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = posts.post_id
        order by (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0, posts.post_id
        limit looked
      );
    elsif not is_exact then
      found := array(
        select row(near.post_id, near.author_id)::recsys_engine.source_hit
        from (
          select posts.post_id, posts.author_id, post_embeddings.embedding operator(extensions.<#>) p_embedding as distance
          from recsys.post_embeddings
          cross join lateral (
            select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = post_embeddings.post_id offset 0
          ) as posts
          where post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null
            and (p_request.readable is null or post_embeddings.post_id in (select unnest(p_request.readable)))
          order by post_embeddings.embedding operator(extensions.<#>) p_embedding, post_embeddings.post_id
          limit looked
        ) as near
        order by near.distance, near.post_id
      );
      -- null: nothing was found
      is_exact := cardinality(found) < looked and recsys_engine.has_enough_after_cap(p_request, found, cardinality(found), p_most, p_share) is not true;
    end if;
    if p_request.pool is null and is_exact and p_request.readable is not null then
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
        from (
          select post_embeddings.post_id, (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0 as distance
          from recsys.post_embeddings
          where post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null and post_embeddings.post_id = any (p_request.readable)
          order by distance, post_embeddings.post_id
        ) as near
        cross join lateral (select eligible.post_id, eligible.author_id from recsys_engine.eligible_posts(p_request) as eligible where eligible.post_id = near.post_id offset 0) as posts
        order by near.distance, near.post_id
        limit looked
      );
    elsif p_request.pool is null and is_exact then
      -- few of all are eligible, so it begins with these. Or the index ended early: many equal vectors, as of one who writes the same again and
      -- again, hide what lies behind them
      found := array(
        select row(posts.post_id, posts.author_id)::recsys_engine.source_hit
        from recsys_engine.eligible_posts(p_request) as posts
        join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null and post_embeddings.post_id = posts.post_id
        -- no index is in the order of this
        order by (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0, posts.post_id
        limit looked
      );
    end if;
    exit when recsys_engine.has_enough_after_cap(p_request, found, looked, p_most, p_share);
  end loop;
  return query select * from recsys_engine.cap_per_author(p_request, found, p_most, p_share);
end
$$;
comment on function recsys_engine.retrieve_similar(recsys_engine.feed_request, bigint, extensions.vector, integer, integer, boolean) is
  'The p_most posts nearest to a user''s vector by inner product, p_share of an author before all others''; ties by id. By the HNSW index (misses 1 to 4 %), or exactly where the readable posts are few. Without idle posts, unless pooled. p_is_quick: no exact search, visibility or shares.';
