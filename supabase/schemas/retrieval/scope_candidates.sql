-- What a worker keeps of the posts of an organisation, tenant or closed group. It says where to look, and nothing of what may be shown: each feed asks row
-- level security of every post.

-- loads pgvector, as in retrieval/nearest.sql
do $$ begin perform '[1]'::extensions.vector; end $$;

create function recsys_engine.scope_candidates(p_model_id bigint, p_scopes text[], p_limit integer, p_now timestamptz default recsys.clock())
returns table (scope text, posts text)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  ids uuid[] := '{}'::uuid[];
  scopes text[] := '{}'::text[];
begin
  if array_position(p_scopes, null) is not null then
    ids := array(select source_post_scopes.post_id from recsys.source_post_scopes where source_post_scopes.scope is null limit p_limit + 1);
    if cardinality(ids) > p_limit then
      return query select null::text, null::text;
      return;
    end if;
    scopes := array_fill(null::text, array[cardinality(ids)]);
  end if;
  select ids || coalesce(array_agg(listed.post_id), '{}'), scopes || coalesce(array_agg(listed.scope), '{}')
  into ids, scopes
  from (
    select source_post_scopes.post_id, source_post_scopes.scope from recsys.source_post_scopes where source_post_scopes.scope = any (p_scopes) limit p_limit - cardinality(ids) + 1
  ) as listed;
  if cardinality(ids) > p_limit then
    return;
  end if;
  return query
  select wanted.scope, translate(encode(coalesce(string_agg(
    uuid_send(known.post_id) || int4send(known.author) || float8send(known.created) || float8send(known.active) || float8send(known."trend") || float8send(known.popularity) || known.vector,
    ''::bytea order by known.post_id
  ), ''), 'base64'), E'\n', '')
  from unnest(p_scopes) as wanted (scope)
  left join (
    select listed.scope, told.post_id, coalesce(uuid_hash(told.author_id), 0) as author, date_part('epoch', told.created_at) as created,
      date_part('epoch', greatest(state.last_active_at, told.created_at)) as active,
      case when state.last_active_at > p_now - interval '168 hours' then state."trend" else '-infinity' end as "trend",
      coalesce(recsys_engine.popularity(state.recent, state.last_active_at), '-infinity') as popularity,
      coalesce(extensions.vector_send(post_embeddings.embedding), decode(repeat('00', 132), 'hex')) as vector
    from unnest(ids, scopes) as listed (post_id, scope)
    -- by one scan of the index: looking up each took twice as long
    join (select source_posts.post_id, source_posts.author_id, source_posts.created_at from recsys.source_posts where source_posts.post_id = any (ids) and source_posts.created_at <= p_now offset 0) as told
      on told.post_id = listed.post_id
    left join recsys_engine.latest_post_stats as state on state.post_id = told.post_id and state.last_active_at <= p_now
    left join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.is_unindexed is null and post_embeddings.post_id = told.post_id
  ) as known on known.scope is not distinct from wanted.scope
  group by wanted.scope;
end
$$;
comment on function recsys_engine.scope_candidates(bigint, text[], integer, timestamptz) is
  'The posts of some scopes (recsys.source_post_scopes; null: without one) at an instant, 184 bytes each in base64, by id: id, author hash (0: unknown), creation, last activity, trend, popularity (-infinity: none) and vector, in binary form. No row above p_limit (null: an empty one). For the service.';

create function recsys_engine.sources_from_hits(p_request recsys_engine.feed_request, p_hits json)
returns table (source text, size integer, fetch_limit integer, post_id uuid, author_id uuid, rank bigint, place bigint)
language sql stable security invoker
begin atomic
  select sources.name, sources.size, sources.fetch_limit, found.*
  from recsys_engine.sources
  cross join lateral recsys_engine.eligible_hits(p_request, p_hits -> sources.name, sources.fetch_limit) as found
  -- most feeds have no hits: then the question about the trend is not worth its time
  where sources.is_global and (sources.name <> 'popular' or (p_hits is not null and recsys_engine.is_trend_sparse(p_request)));
end;
comment on function recsys_engine.sources_from_hits(recsys_engine.feed_request, json) is 'The rows of recsys_engine.global_sources, from a worker''s hits in the posts that it keeps: {source: post ids}, filtered by recsys_engine.eligible_hits. Null: no hits.';

revoke all on function recsys_engine.scope_candidates(bigint, text[], integer, timestamptz), recsys_engine.sources_from_hits(recsys_engine.feed_request, json) from public;
grant execute on function recsys_engine.scope_candidates(bigint, text[], integer, timestamptz), recsys_engine.sources_from_hits(recsys_engine.feed_request, json) to service_role;
