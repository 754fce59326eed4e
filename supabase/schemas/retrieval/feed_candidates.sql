-- The candidates of one feed. Posts that a worker caches for all readers (retrieval/global_candidates.sql) are checked here, and those of the
-- reader's own sources are added; without a cache all sources are asked. common-posts.test.ts holds both ways to the same answer.

-- loads pgvector, as in retrieval/nearest.sql: each file may have a session of its own
do $$ begin perform '[1]'::extensions.vector; end $$;

create type recsys_engine.candidate_query as (
  role text, user_id uuid, model_id bigint, embedding extensions.vector(32), at double precision, filter jsonb, seed bigint, served bigint[],
  global_ids uuid[], global_texts integer[], global_at double precision, hits json, has_small_readable_set boolean, requested uuid[],
  request recsys_engine.feed_request
);
comment on type recsys_engine.candidate_query is 'What a worker asks of recsys_engine.feed_candidates. Fields: docs/design/feed.md.';

create type recsys_engine.found_candidates as (posts recsys_engine.post_row[], shown uuid[], ranks json, common json, lists json);
comment on type recsys_engine.found_candidates is 'Posts of the reader''s own sources, all posts that the reader may be shown, and in which order sources found them: ranks by post, or lists by source with the cached posts that may be shown (common).';

-- The functions below begin and end as the service role, which calls them. They become the reader for what the app's policies decide.

create function recsys_engine.readable_share(p_role text) returns double precision
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  latest constant uuid[] := array(select latest_post_stats.post_id from recsys_engine.latest_post_stats order by latest_post_stats.last_active_at desc limit 200);
  readable bigint;
begin
  perform set_config('role', p_role, true);
  readable := (select count(*) from recsys.source_posts where source_posts.post_id = any (latest));
  perform set_config('role', 'service_role', true);
  return readable / greatest(cardinality(latest), 1)::double precision;
end
$$;
comment on function recsys_engine.readable_share(text) is 'The fraction of the 200 last active posts that a role may read with the claims of the transaction, from 0 to 1.';

create function recsys_engine.candidate_request(p_query recsys_engine.candidate_query) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_query.request;
  share double precision;
begin
  -- the reader's interactions and follows, as the reader may read them
  perform set_config('role', p_query.role, true);
  if request is not distinct from null then
    request := recsys_engine.with_engaged_posts(recsys_engine.feed_request(p_query.user_id, coalesce(to_timestamp(p_query.at / 1000), recsys.clock()), p_query.filter, p_query.seed, p_query.served), p_query.model_id);
  end if;
  request := recsys_engine.with_followee_engagements(recsys_engine.with_affinities(request));
  perform set_config('role', 'service_role', true);
  request := recsys_engine.with_covisited(request, p_query.model_id);
  if p_query.requested is not null or p_query.global_ids is null or p_query.has_small_readable_set then
    if p_query.global_ids is null and request.filter is null and p_query.requested is null then
      share := recsys_engine.readable_share(p_query.role);
    end if;
    perform set_config('role', p_query.role, true);
    if p_query.requested is not null then
      request := recsys_engine.with_requested_posts(request, p_query.requested);
    else
      request := recsys_engine.with_prefiltered_pool(request, p_query.model_id, p_query.embedding, p_query.has_small_readable_set is distinct from false, share);
    end if;
    perform set_config('role', 'service_role', true);
  end if;
  return request;
end
$$;
comment on function recsys_engine.candidate_request(recsys_engine.candidate_query) is 'The request of a feed, with what its sources look for.';

create function recsys_engine.source_since(p_request recsys_engine.feed_request, p_since timestamptz)
returns table (source text, size integer, fetch_limit integer, post_id uuid, author_id uuid, rank bigint, place bigint)
language sql stable security invoker
begin atomic
  select 'since'::text as source, most.size, most.fetch_limit, newest.post_id, newest.author_id, null::bigint as rank, newest.place
  from (select max(sources.size) as size, max(sources.fetch_limit) as fetch_limit, min(sources.max_per_author) as max_per_author from recsys_engine.sources where sources.prepends_new_posts) as most
  cross join lateral (
    select numbered.post_id, numbered.author_id, row_number() over (order by numbered.created_at desc, numbered.post_id) as place
    from (
      select posts.post_id, posts.author_id, posts.created_at, row_number() over (partition by posts.author_id order by posts.created_at desc, posts.post_id) as number
      from recsys_engine.newest_posts_since(p_request, 20 * most.fetch_limit, p_since + interval '1 microsecond') as posts
    ) as numbered
    -- posts beyond the cap of an author wait until the global candidates are read again
    where numbered.author_id is null or numbered.number <= most.max_per_author
    order by numbered.created_at desc, numbered.post_id
    limit most.fetch_limit
  ) as newest;
end;
comment on function recsys_engine.source_since(recsys_engine.feed_request, timestamptz) is 'Posts written since a worker read the global candidates, newest first, as a source named since.';

create function recsys_engine.find_in_all_sources(p_query recsys_engine.candidate_query, p_request recsys_engine.feed_request) returns recsys_engine.found_candidates
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  ranked recsys_engine.ranked_post[];
  found recsys_engine.found_candidates;
begin
  -- where the request names what is readable, sources walk as the service role: the app's policies would be asked of every post on the way
  if p_request.readable is null then
    perform set_config('role', p_query.role, true);
  end if;
  ranked := recsys_engine.ranked_posts(p_request, p_query.model_id, p_query.embedding);
  perform set_config('role', p_query.role, true);
  if p_query.requested is not null then
    -- requested posts that no source brings are candidates, too
    ranked := ranked || array(
      select row(pooled.post_id, '{}')::recsys_engine.ranked_post
      from unnest(p_request.pool) as pooled
      where pooled.post_id not in (select each.post_id from unnest(ranked) as each)
    );
  end if;
  select
    array_agg(row(hydrated.post_id, hydrated.title, hydrated.tags, hydrated.author_id, hydrated.created_at)::recsys_engine.post_row),
    array_agg(hydrated.post_id),
    json_agg(hydrated.ranks)
  into found.posts, found.shown, found.ranks
  from recsys_engine.hydrate_ranked_posts(p_request, ranked) as hydrated;
  perform set_config('role', 'service_role', true);
  return found;
end
$$;
comment on function recsys_engine.find_in_all_sources(recsys_engine.candidate_query, recsys_engine.feed_request) is 'Candidates from all sources, global ones included, with their ranks.';

create function recsys_engine.find_beside_global(p_query recsys_engine.candidate_query, p_request recsys_engine.feed_request) returns recsys_engine.found_candidates
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  sources text[];
  sizes integer[];
  fetch_limits integer[];
  hits uuid[];
  authors uuid[];
  places bigint[];
  readable recsys_engine.post_row[];
  found recsys_engine.found_candidates;
begin
  -- as the service role: policies that look up the post of each vector took as long as the search
  select array_agg(each.source), array_agg(each.size), array_agg(each.fetch_limit), array_agg(each.post_id), array_agg(each.author_id), array_agg(each.place)
  into sources, sizes, fetch_limits, hits, authors, places
  from (
    select * from recsys_engine.personal_sources(p_request, p_query.model_id, p_query.embedding, 'kept', p_query.hits)
    union all
    select * from recsys_engine.sources_from_hits(p_request, p_query.hits)
    union all
    select * from recsys_engine.source_since(p_request, to_timestamp(p_query.global_at / 1000))
  ) as each;

  -- check as the reader, in one statement: an app's policies call their functions again for each
  perform set_config('role', p_query.role, true);
  readable := array(
    select case
      when posts.is_full then row(posts.post_id, posts.title, posts.tags, posts.author_id, posts.created_at)::recsys_engine.post_row
      else row(posts.post_id, null, null, posts.author_id, posts.created_at)::recsys_engine.post_row
    end
    from (
      -- a worker has the text of global candidates, unless the reader reads another
      select eligible.*,
        eligible.post_id in (select unnest(hits))
        or (
          p_query.global_texts is not null
          and (eligible.post_id, recsys_engine.text_key(eligible.title, eligible.tags, eligible.author_id)) not in (select unnest(p_query.global_ids), unnest(p_query.global_texts))
        ) as is_full
      from recsys_engine.eligible_posts(p_request) as eligible
      -- by one scan of the index: looking up each of 860 posts read twice as many pages
      where eligible.post_id = any (p_query.global_ids || hits)
    ) as posts
  );
  perform set_config('role', 'service_role', true);
  found.posts := array(select row(each.*)::recsys_engine.post_row from unnest(readable) as each where each.title is not null);
  found.shown := array(select each.post_id from unnest(readable) as each);
  found.common := (
    select json_build_object('place', json_agg(cached.place - 1), 'served_key', json_agg(recsys_engine.served_key(cached.post_id, p_query.seed)))
    from unnest(p_query.global_ids) with ordinality as cached (post_id, place)
    where cached.post_id in (select unnest(found.shown))
  );
  found.lists := (
    select coalesce(json_agg(json_build_object('source', each.source, 'size', each.size, 'posts', each.posts, 'authors', each.authors)), '[]')
    from (
      select listed.source, min(listed.size) as size, json_agg(own.place - 1 order by listed.place) as posts,
        -- a full list may go on: the authors tell whether the rest is needed
        case when count(*) = min(listed.fetch_limit) then json_agg(listed.author_id order by listed.place) end as authors
      from unnest(sources, sizes, fetch_limits, hits, authors, places) as listed (source, size, fetch_limit, post_id, author_id, place)
      left join unnest(found.posts) with ordinality as own (post_id, title, tags, author_id, created_at, place) on own.post_id = listed.post_id
      group by listed.source
    ) as each
  );
  return found;
end
$$;
comment on function recsys_engine.find_beside_global(recsys_engine.candidate_query, recsys_engine.feed_request) is 'Candidates of the reader''s own sources, and which of the worker''s global candidates the reader may be shown. Sources search as the service role; what is returned passed recsys_engine.eligible_posts as the reader.';

create function recsys_engine.encode_candidates(p_query recsys_engine.candidate_query, p_request recsys_engine.feed_request, p_found recsys_engine.found_candidates) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  affinities constant json := (select json_object_agg(known.author_id, known.affinity) from unnest(p_request.authors, p_request.affinities) as known (author_id, affinity));
  touches json;
  touchers json;
begin
  select
    json_object_agg(touched.post_id, touched.people),
    json_object_agg(touched.post_id, array_remove(array[touched.toucher, touched.other], null)) filter (where touched.toucher is not null)
  into touches, touchers
  from unnest(p_request.touched, p_request.touches, p_request.touchers, p_request.other_touchers) as touched (post_id, people, toucher, other)
  where touched.post_id in (select unnest(p_found.shown));
  return json_build_object(
    'model_gone', p_query.model_id is not null and to_regclass('recsys_engine.post_embeddings_' || p_query.model_id) is null,
    'is_few', p_request.filter is null and p_request.pool is not null and p_query.requested is null,
    'affinities', affinities,
    'follows', to_json(p_request.follows),
    'topics', p_request.topics,
    'more', p_request.more,
    'less', p_request.less,
    'dismissed', p_request.dismissed,
    'originals', case when p_request.originals is not null and p_query.requested is null then json_build_object('post_ids', p_request.originals, 'titles', p_request.original_titles) end,
    'touches', touches,
    'touchers', touchers,
    'muted_authors', p_request.muted_authors,
    'in_circle', p_request.interacted is not null and exists (select from recsys_engine.circle_members where circle_members.user_id = p_query.user_id),
    'common', p_found.common,
    'posts', recsys_engine.post_columns(p_found.posts),
    'ranks', p_found.ranks,
    'lists', p_found.lists,
    'served_keys', array(select recsys_engine.served_key(each.post_id, p_query.seed) from unnest(p_found.posts) as each)
  );
end
$$;
comment on function recsys_engine.encode_candidates(recsys_engine.candidate_query, recsys_engine.feed_request, recsys_engine.found_candidates) is 'Candidates and what the ranker reads of their reader, as one JSON object. Fields: docs/design/feed.md.';

create function recsys_engine.feed_candidates(p_query jsonb) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  query constant recsys_engine.candidate_query := jsonb_populate_record(null::recsys_engine.candidate_query, p_query);
  request constant recsys_engine.feed_request := recsys_engine.candidate_request(query);
  found recsys_engine.found_candidates;
begin
  if query.global_ids is null or request.pool is not null then
    found := recsys_engine.find_in_all_sources(query, request);
  else
    found := recsys_engine.find_beside_global(query, request);
  end if;
  return recsys_engine.encode_candidates(query, request, found);
end
$$;
comment on function recsys_engine.feed_candidates(jsonb) is 'The candidates of one feed as one JSON object, for a recsys_engine.candidate_query. The service role calls it; the reader''s role decides which posts are candidates.';

revoke all on function
  recsys_engine.readable_share(text), recsys_engine.source_since(recsys_engine.feed_request, timestamptz), recsys_engine.candidate_request(recsys_engine.candidate_query),
  recsys_engine.find_in_all_sources(recsys_engine.candidate_query, recsys_engine.feed_request),
  recsys_engine.find_beside_global(recsys_engine.candidate_query, recsys_engine.feed_request),
  recsys_engine.encode_candidates(recsys_engine.candidate_query, recsys_engine.feed_request, recsys_engine.found_candidates),
  recsys_engine.feed_candidates(jsonb)
from public;
grant execute on function
  recsys_engine.readable_share(text), recsys_engine.source_since(recsys_engine.feed_request, timestamptz),
  recsys_engine.candidate_request(recsys_engine.candidate_query),
  recsys_engine.find_in_all_sources(recsys_engine.candidate_query, recsys_engine.feed_request),
  recsys_engine.find_beside_global(recsys_engine.candidate_query, recsys_engine.feed_request),
  recsys_engine.encode_candidates(recsys_engine.candidate_query, recsys_engine.feed_request, recsys_engine.found_candidates),
  recsys_engine.feed_candidates(jsonb)
to service_role;
