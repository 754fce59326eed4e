-- Who and what is alike by the active model, to look at from psql. Members call nearest_posts alone, by way of recsys_engine.similar_posts_for_caller, which says
-- how similar nothing is.

-- loads pgvector: before that only a superuser may name its settings in a function, and `supabase db push` is none
do $$ begin perform '[1]'::extensions.vector; end $$;

create function recsys_engine.active_model_id() returns bigint
language plpgsql stable security invoker set search_path = ''
as $$
declare
  id bigint;
begin
  select model_id into id from recsys.models where status = 'active';
  if id is null then
    raise exception 'no model is active' using hint = 'npx --no-install recsys train, then npx --no-install recsys publish; or activate one of recsys.models';
  end if;
  return id;
end
$$;
comment on function recsys_engine.active_model_id() is 'The model that serves. Raises where none does.';

create function recsys_engine.nearest_posts(p_model_id bigint, p_embedding extensions.vector, p_now timestamptz, p_without uuid[], p_limit integer)
returns table (post_id uuid, similarity double precision)
language plpgsql stable security invoker set search_path = ''
-- without iterative scans a filter behind the index returns too few rows (pgvector#259)
set hnsw.iterative_scan = 'relaxed_order' set hnsw.ef_search = 200
as $$
declare
  -- by the caller's own mutes; none without a login
  request constant recsys_engine.feed_request := recsys_engine.mutes_only_request(auth.uid(), p_now);
  found_ids uuid[] := array(
    select post_embeddings.post_id
    from recsys.post_embeddings
    where post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null and post_embeddings.post_id <> all (p_without)
      and exists (select from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = post_embeddings.post_id offset 0)
    order by post_embeddings.embedding operator(extensions.<#>) p_embedding
    limit p_limit
  );
begin
  -- an iterative scan gives up after hnsw.max_scan_tuples, 20,000: a caller who may read few of many posts is
  -- answered from these, found by the index of their policy
  if cardinality(found_ids) < p_limit then
    found_ids := array(
      select eligible.post_id
      from recsys_engine.eligible_posts(request) as eligible
      join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null and post_embeddings.post_id = eligible.post_id
      where eligible.post_id <> all (p_without)
      -- no index is in this order
      order by (post_embeddings.embedding operator(extensions.<#>) p_embedding) + 0
      limit p_limit
    );
  end if;
  return query
  select post_embeddings.post_id, -(post_embeddings.embedding operator(extensions.<#>) p_embedding) as nearness
  from recsys.post_embeddings
  where post_embeddings.model_id = p_model_id and post_embeddings.post_id = any (found_ids)
  order by nearness desc, post_embeddings.post_id;
end
$$;
comment on function recsys_engine.nearest_posts(bigint, extensions.vector, timestamptz, uuid[], integer) is
  'Posts that the caller may read and did not mute, created up to an instant, by similarity to a vector of a model, without excluded and idle ones. Returns p_limit rows where so many exist. similarity: inner product of the vectors, from -1 to 1.';

create function recsys.similar_posts(p_post_id uuid, p_limit integer default 10)
returns table (post_id uuid, title text, author_id uuid, created_at timestamptz, similarity double precision)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  active constant bigint := recsys_engine.active_model_id();
  vector extensions.vector;
begin
  select post_embeddings.embedding into vector from recsys.post_embeddings where post_embeddings.model_id = active and post_embeddings.post_id = p_post_id;
  if vector is null then
    raise exception 'post % has no vector of the active model', p_post_id using hint = 'whether it waits for one: select * from recsys_engine.embedding_jobs where entity_id = …';
  end if;
  return query
  select posts.post_id, posts.title, posts.author_id, posts.created_at, nearest.similarity
  from recsys_engine.nearest_posts(active, vector, recsys.clock(), array[p_post_id], p_limit) as nearest
  join recsys.source_posts as posts on posts.post_id = nearest.post_id
  order by nearest.similarity desc, posts.post_id;
end
$$;
comment on function recsys.similar_posts(uuid, integer) is
  'The posts nearest to a post by the active model, nearest first: those that the caller may read and did not mute. similarity: inner product, from -1 to 1. For operators. Raises the same error where the post has no vector, does not exist, or is unreadable.';

create function recsys_engine.similar_users(p_user_id uuid, p_limit integer default 10)
returns table (user_id uuid, external_id text, passions text[], bio text, similarity double precision)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  active constant bigint := recsys_engine.active_model_id();
  vector extensions.vector;
begin
  select user_embeddings.embedding into vector from recsys.user_embeddings where user_embeddings.model_id = active and user_embeddings.user_id = p_user_id;
  if vector is null then
    raise exception 'user % has no vector of the active model', p_user_id using hint = 'whether they wait for one: select * from recsys_engine.embedding_jobs where entity_id = …';
  end if;
  return query
  select users.user_id, users.external_id, users.passions, left(users.bio, 60), -(others.embedding operator(extensions.<#>) vector)
  from recsys.user_embeddings as others
  join recsys.source_users as users on users.user_id = others.user_id
  where others.model_id = active and others.user_id <> p_user_id
  order by others.embedding operator(extensions.<#>) vector
  limit p_limit;
end
$$;
comment on function recsys_engine.similar_users(uuid, integer) is 'The users nearest to a user by the active model, nearest first, as they were when they were embedded: by publishing, or when their profile changed last. similarity: inner product of the vectors, from -1 to 1.';

revoke all on function recsys_engine.active_model_id(), recsys_engine.nearest_posts(bigint, extensions.vector, timestamptz, uuid[], integer),
  recsys.similar_posts(uuid, integer), recsys_engine.similar_users(uuid, integer) from public;
grant execute on function recsys_engine.active_model_id(), recsys_engine.nearest_posts(bigint, extensions.vector, timestamptz, uuid[], integer),
  recsys.similar_posts(uuid, integer), recsys_engine.similar_users(uuid, integer) to service_role;
grant execute on function recsys_engine.nearest_posts(bigint, extensions.vector, timestamptz, uuid[], integer) to authenticated;
