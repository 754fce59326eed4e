-- Who a user is to a second model, where an experiment interleaves two: its candidates are those of recsys_engine.feed_candidates.

-- loads pgvector, as in retrieval/nearest.sql: each file may have a session of its own
do $$ begin perform '[1]'::extensions.vector; end $$;

create function recsys_engine.user_model_inputs(p_user_id uuid, p_model_id bigint, p_now timestamptz, p_history_posts uuid[])
returns table (id_embedding extensions.vector, history extensions.vector[], history_posts uuid[], followed extensions.vector, components extensions.vector)
language plpgsql stable security invoker set search_path = '' rows 1
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  select
    (select user_embeddings.id_embedding from recsys.user_embeddings where user_embeddings.model_id = p_model_id and user_embeddings.user_id = p_user_id),
    coalesce(array_agg(post_embeddings.embedding order by listed.place), '{}'),
    coalesce(array_agg(post_embeddings.post_id order by listed.place), '{}'),
    recsys_engine.followed_vector(recsys_engine.followed_people(p_user_id, p_now), p_model_id, p_now),
    recsys_engine.user_components(p_user_id, p_model_id)
  from unnest(p_history_posts) with ordinality as listed (post_id, place)
  join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = listed.post_id;
end
$$;
comment on function recsys_engine.user_model_inputs(uuid, bigint, timestamptz, uuid[]) is 'What recsys_engine.user_context says of a user that is different in each model: the learned ID embedding, the vectors of their history, of the posts that it says are in it, in the same order, recsys_engine.followed_vector and recsys_engine.user_components. One row.';

revoke all on function recsys_engine.user_model_inputs(uuid, bigint, timestamptz, uuid[]) from public;
grant execute on function recsys_engine.user_model_inputs(uuid, bigint, timestamptz, uuid[]) to authenticated, service_role;

-- what functions of 1.0.0 call
create function recsys_engine.user_vectors(p_user_id uuid, p_model_id bigint, p_now timestamptz, p_history_posts uuid[])
returns table (id_embedding extensions.vector, history extensions.vector[], history_posts uuid[], followed extensions.vector)
language sql stable set search_path = '' begin atomic
  select inputs.id_embedding, inputs.history, inputs.history_posts, inputs.followed
  from recsys_engine.user_model_inputs(p_user_id, p_model_id, p_now, p_history_posts) as inputs;
end;
comment on function recsys_engine.user_vectors(uuid, bigint, timestamptz, uuid[]) is 'recsys_engine.user_model_inputs, for functions of 1.0.0.';
revoke all on function recsys_engine.user_vectors(uuid, bigint, timestamptz, uuid[]) from public;
grant execute on function recsys_engine.user_vectors(uuid, bigint, timestamptz, uuid[]) to authenticated, service_role;
