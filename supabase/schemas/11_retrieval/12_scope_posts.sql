-- What a worker keeps of the posts of an organisation, tenant or closed group. It says where to look, and nothing of what may be shown: each feed asks row
-- level security of every post.

-- loads pgvector, as in 11_retrieval/04_sources.sql
do $$ begin perform '[1]'::extensions.vector; end $$;

create function recsys_engine.scope_posts(p_model_id bigint, p_scopes text[], p_most integer, p_now timestamptz default recsys.clock()) returns setof text
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  wanted text;
  room integer := p_most;
  ids uuid[];
begin
  foreach wanted in array p_scopes loop
    if wanted is null then
      ids := array(select source_scopes.post_id from recsys_engine.source_scopes where source_scopes.scope is null limit room + 1);
    else
      ids := array(select source_scopes.post_id from recsys_engine.source_scopes where source_scopes.scope = wanted limit room + 1);
    end if;
    room := room - cardinality(ids);
    if room < 0 then
      return next null;
      return;
    end if;
    return query
    select translate(encode(coalesce(string_agg(
      uuid_send(posts.post_id) || int4send(coalesce(uuid_hash(posts.author_id), 0))
        || float8send(date_part('epoch', posts.created_at)) || float8send(date_part('epoch', greatest(state.last_active_at, posts.created_at)))
        || float8send(case when state.last_active_at > p_now - interval '168 hours' then state."trend" else '-infinity' end)
        || coalesce(extensions.vector_send(post_embeddings.embedding), decode(repeat('00', 132), 'hex')),
      ''::bytea order by posts.post_id
    ), ''), 'base64'), E'\n', '')
    from unnest(ids) as listed (post_id)
    cross join lateral (select source_posts.post_id, source_posts.author_id, source_posts.created_at from recsys.source_posts where source_posts.post_id = listed.post_id and source_posts.created_at <= p_now offset 0) as posts
    left join recsys_engine.latest_post_stats as state on state.post_id = listed.post_id and state.last_active_at <= p_now
    left join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.is_idle is null and post_embeddings.post_id = listed.post_id;
  end loop;
end
$$;
comment on function recsys_engine.scope_posts(bigint, text[], integer, timestamptz) is 'The posts of some scopes (recsys_engine.source_scopes; null: those of none) as of an instant, a row for each scope in their order: of each post 176 bytes in base64, in the order of their ids. These are its id, a hash of its author (0: unknown), when it was written, when somebody came to it or wrote it last, its trend (-infinity: nobody came in a week), and its vector in a model, each in PostgreSQL''s binary form; without a vector all of that is 0. As soon as they are more than p_most, the row of that scope is null, and the last. For the service role alone, which looks them up.';

revoke all on function recsys_engine.scope_posts(bigint, text[], integer, timestamptz) from public;
grant execute on function recsys_engine.scope_posts(bigint, text[], integer, timestamptz) to service_role;
