-- What a feed needs of a second model beside the first, where an experiment interleaves the two: who the user is to it, its own nearest
-- posts, and its vectors of the first one's candidates. All else is the same for both, and was asked for the first: which posts are active,
-- fresh, trending or of followed authors, and how they stand.

-- loads pgvector, as in 0960_sources.sql: each file may have a session of its own
do $$ begin perform '[1]'::extensions.vector; end $$;

create function recsys.user_vectors(p_user_id uuid, p_model_id bigint, p_history_posts uuid[])
returns table (id_embedding extensions.vector, history extensions.vector[], history_posts uuid[])
language plpgsql stable security invoker set search_path = '' rows 1
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  select
    (select user_embeddings.id_embedding from recsys.user_embeddings where user_embeddings.model_id = p_model_id and user_embeddings.user_id = p_user_id),
    coalesce(array_agg(post_embeddings.embedding order by listed.place), '{}'),
    coalesce(array_agg(post_embeddings.post_id order by listed.place), '{}')
  from unnest(p_history_posts) with ordinality as listed (post_id, place)
  join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = listed.post_id;
end
$$;
comment on function recsys.user_vectors(uuid, bigint, uuid[]) is 'What recsys.user_context says of a user that is different in each model: the learned ID embedding, and the vectors of their history, of the posts that it says are in it, in the same order. One row.';

create function recsys.retrieve_second(
  p_role text, p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz, p_listed uuid[], p_seed bigint, p_served bigint[]
) returns json
language plpgsql stable security invoker set search_path = ''
set hnsw.iterative_scan = 'relaxed_order' set hnsw.ef_search = 200
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys.feed_request;
  nearest uuid[];
  distances double precision[];
  own_ids uuid[];
  own json;
  states json;
  listed json;
begin
  perform set_config('role', p_role, true);
  request := recsys.feed_request(p_user_id, p_now);
  request.seed := p_seed;
  request.served := p_served;

  -- as recsys.retrieve_beside: the engine's service finds, and what of it may be shown is decided under the caller's role
  perform set_config('role', 'service_role', true);
  select array_agg(near.post_id order by near.distance), array_agg(near.distance order by near.distance)
  into nearest, distances
  from (
    select post_embeddings.post_id, post_embeddings.embedding operator(extensions.<#>) p_embedding as distance
    from recsys.post_embeddings
    where post_embeddings.model_id = p_model_id
      and post_embeddings.post_id not in (select unnest(request.excluded))
      and recsys.served_key(post_embeddings.post_id, p_seed) not in (select unnest(p_served))
    order by post_embeddings.embedding operator(extensions.<#>) p_embedding
    limit 160
  ) as near;

  perform set_config('role', p_role, true);
  select
    array_agg(found.post_id),
    json_build_object(
      'post_id', json_agg(found.post_id),
      'title', json_agg(found.title),
      'tags', json_agg(found.tags),
      'author_id', json_agg(found.author_id),
      'created_at', json_agg(1000 * date_part('epoch', found.created_at)),
      'served_key', json_agg(recsys.served_key(found.post_id, p_seed)),
      'similar_rank', json_agg(found.rank),
      'author_affinity', json_agg(coalesce(known.affinity, 0)),
      'is_cut', coalesce(count(found.post_id) < 100 and cardinality(nearest) = 160, false)
    )
  into own_ids, own
  from (
    select rank() over (order by near.distance) as rank, near.*
    from (
      select posts.*, listed.distance
      from unnest(nearest, distances) as listed (post_id, distance)
      cross join lateral (select * from recsys.eligible_posts(request) as eligible where eligible.post_id = listed.post_id offset 0) as posts
      order by listed.distance
      limit 100
    ) as near
  ) as found
  left join recsys.author_affinities(request) as known on known.author_id = found.author_id;

  perform set_config('role', 'service_role', true);
  states := recsys.post_states_in_columns(p_model_id, own_ids, p_now);
  select json_build_object(
    'has_embedding', json_agg(vectors.embedding is not null order by asked.place),
    'embeddings', translate(encode(string_agg(extensions.vector_send(vectors.embedding), ''::bytea order by asked.place), 'base64'), E'\n', '')
  )
  into listed
  from unnest(p_listed) with ordinality as asked (post_id, place)
  left join lateral (
    select post_embeddings.embedding from recsys.post_embeddings
    where post_embeddings.model_id = p_model_id and post_embeddings.post_id = asked.post_id
  ) as vectors on true;
  perform set_config('role', p_role, true);
  return json_build_object(
    'model_gone', to_regclass('recsys.post_embeddings_' || p_model_id) is null,
    'own', own,
    'states', states,
    'listed', listed
  );
end
$$;
comment on function recsys.retrieve_second(text, uuid, bigint, extensions.vector, timestamptz, uuid[], bigint, bigint[]) is 'What a feed needs of a second model, as one object. own, in columns: the 100 posts nearest to the user''s vector in it that may be in the user''s feed (is_cut: there may be more of them behind those that are hidden), with how often the user interacted with posts of their authors; states: their recsys.post_states_in_columns; listed: the model''s vectors of p_listed, the candidates of the first model, in their order; model_gone: the model was dropped. The service role calls it, and what may be shown is decided under p_role, the caller''s. The other arguments are those of recsys.retrieve_beside.';

revoke all on function recsys.user_vectors(uuid, bigint, uuid[]), recsys.retrieve_second(text, uuid, bigint, extensions.vector, timestamptz, uuid[], bigint, bigint[]) from public;
grant execute on function recsys.user_vectors(uuid, bigint, uuid[]) to authenticated, service_role;
grant execute on function recsys.retrieve_second(text, uuid, bigint, extensions.vector, timestamptz, uuid[], bigint, bigint[]) to service_role;
