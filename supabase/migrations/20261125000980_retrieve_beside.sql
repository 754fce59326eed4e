-- Retrieval for a server that keeps what is common to all feeds: which posts are the last active, the newest and the trending is the same for
-- everybody but for what each may see. The function recommend reads recsys.common_posts every few seconds, and a feed then asks which of
-- them this caller may be shown, and for what is the caller's own. Both are made of the sources that recsys.retrieve is made of, and
-- supabase/functions/recommend/common-posts.test.ts holds the two ways to the same answer.

-- loads pgvector, as in 0960_sources.sql: each file may have a session of its own
do $$ begin perform '[1]'::extensions.vector; end $$;

create function recsys.common_posts(p_now timestamptz)
returns table (
  post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz,
  active_rank integer, fresh_rank integer, trending_rank integer
)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys.feed_request;
begin
  request.at := p_now;
  request.excluded := '{}';
  request.is_narrowed := false;
  return query
  select
    found.post_id, any_value(found.title), any_value(found.tags), any_value(found.author_id), any_value(found.created_at),
    min(found.rank) filter (where found.source = 'active')::integer,
    min(found.rank) filter (where found.source = 'fresh')::integer,
    min(found.rank) filter (where found.source = 'trending')::integer
  from (
    -- more than each source brings: some are hidden from a caller, or known to them, what is trending above all
    select 'active' as source, * from recsys.retrieve_active(request, 420)
    union all
    select 'fresh', * from recsys.retrieve_fresh(request, 140)
    union all
    select 'trending', * from recsys.retrieve_trending(request, 125)
  ) as found
  group by found.post_id;
end
$$;
comment on function recsys.common_posts(timestamptz) is 'The posts that the sources active, fresh and trending would bring somebody who may see everything and has seen nothing, more than they bring a caller, with their ranks. For the service role alone: it says which posts there are.';

create function recsys.post_states_in_columns(p_model_id bigint, p_post_ids uuid[], p_now timestamptz) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return (
    select json_build_object(
      'has_embedding', json_agg(states.embedding is not null),
      'embeddings', translate(encode(string_agg(extensions.vector_send(states.embedding), ''::bytea), 'base64'), E'\n', ''),
      'last_active_at', json_agg(1000 * date_part('epoch', states.last_active_at)),
      'kind', json_agg(states.kind),
      'views', json_agg(states.views),
      'votes', json_agg(states.votes),
      'comments', json_agg(states.comments),
      'participants', json_agg(states.participants),
      'last_comment_at', json_agg(1000 * date_part('epoch', states.last_comment_at)),
      'by_author', json_agg(states.by_author),
      'recent', json_agg(states.recent)
    )
    from (
      select states.*
      from unnest(p_post_ids) with ordinality as listed (post_id, place)
      join recsys.post_states(p_model_id, p_post_ids, p_now) as states on states.post_id = listed.post_id
      order by listed.place
    ) as states
  );
end
$$;
comment on function recsys.post_states_in_columns(bigint, uuid[], timestamptz) is 'The recsys.post_states of some posts in their order, as one object with a list for each column. Times are milliseconds since 1970; embeddings are the vectors there are, one after the other, in pgvector''s binary form and base64.';

create function recsys.retrieve_beside(
  p_role text, p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz, p_common uuid[], p_common_at timestamptz,
  p_seed bigint default null, p_served bigint[] default null
) returns json
language plpgsql stable security invoker set search_path = ''
set hnsw.iterative_scan = 'relaxed_order' set hnsw.ef_search = 200
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys.feed_request;
  authors uuid[];
  affinities json;
  nearest uuid[];
  distances double precision[];
  followed uuid[];
  since uuid[];
  common json;
  own_ids uuid[];
  own json;
  states json;
begin
  -- what they did, as they may see it
  perform set_config('role', p_role, true);
  request := recsys.feed_request(p_user_id, p_now);
  request.seed := p_seed;
  request.served := p_served;
  -- a visitor follows nobody, and has no rights on what people did
  if p_user_id is not null then
    select
      json_object_agg(known.author_id, known.affinity),
      (array_agg(known.author_id order by known.affinity desc, known.author_id))[:50]
    into affinities, authors
    from recsys.author_affinities(request) as known;
  end if;

  -- what might be theirs: policies that would ask of each vector whether its post is readable took as long as finding it
  perform set_config('role', 'service_role', true);
  select array_agg(near.post_id order by near.distance), array_agg(near.distance order by near.distance)
  into nearest, distances
  from (
    select post_embeddings.post_id, post_embeddings.embedding operator(extensions.<#>) p_embedding as distance
    from recsys.post_embeddings
    where post_embeddings.model_id = p_model_id and p_embedding is not null
      -- what is nearest to somebody is what they did something with: where half of 160 was, too few were left, and the feed was read twice
      and post_embeddings.post_id not in (select unnest(request.excluded))
      and recsys.served_key(post_embeddings.post_id, p_seed) not in (select unnest(p_served))
    order by post_embeddings.embedding operator(extensions.<#>) p_embedding
    limit 160
  ) as near;
  followed := array(select found.post_id from recsys.retrieve_followed(request, authors, 70) as found);
  -- what was written since the common posts were read
  since := array(
    select eligible.post_id from recsys.eligible_posts(request) as eligible
    where eligible.created_at > p_common_at
    order by eligible.created_at desc, eligible.post_id
    limit 420
  );

  -- what of it is, all in one question: with each mention of the posts an app's policies call their functions anew
  perform set_config('role', p_role, true);
  with listed as (
    select
      sources.post_id, min(sources.place) as place, min(sources.distance) as distance, bool_or(sources.source = 'followed') as is_followed,
      bool_or(sources.source = 'since') as is_since, bool_or(sources.source <> 'common') as is_own
    from (
      select 'common' as source, common.post_id, common.place, null::double precision as distance from unnest(p_common) with ordinality as common (post_id, place)
      union all
      select 'similar', near.post_id, null, near.distance from unnest(nearest, distances) as near (post_id, distance)
      union all
      select 'followed', unnest(followed), null, null
      union all
      select 'since', unnest(since), null, null
    ) as sources
    group by sources.post_id
  ),
  shown as materialized (
    select listed.place, listed.distance, listed.is_own, listed.is_followed, listed.is_since, posts.*
    from listed
    cross join lateral (
      select
        eligible.post_id, eligible.created_at,
        -- those that are common have theirs already
        case when listed.is_own then eligible.title end as title,
        case when listed.is_own then eligible.tags end as tags,
        case when listed.is_own then eligible.author_id end as author_id
      from recsys.eligible_posts(request) as eligible where eligible.post_id = listed.post_id
      offset 0
    ) as posts
  ),
  numbered as (
    select
      shown.*,
      case when shown.distance is not null then rank() over (order by shown.distance) end as nearness,
      case when shown.distance is not null then row_number() over (order by shown.distance) end as similar_number,
      case when shown.is_followed then row_number() over (partition by shown.is_followed order by shown.created_at desc, shown.post_id) end as followed_number,
      case when shown.is_since then row_number() over (partition by shown.is_since order by shown.created_at desc, shown.post_id) end as since_number
    from shown
    where shown.is_own
  ),
  found as materialized (
    select
      numbered.*,
      case when numbered.similar_number <= 100 then numbered.nearness end as similar_rank,
      case when numbered.followed_number <= 50 then numbered.followed_number end as followed_rank,
      case when numbered.since_number <= 300 then numbered.since_number end as since_rank
    from numbered
    where numbered.similar_number <= 100 or numbered.followed_number <= 50 or numbered.since_number <= 300
  )
  select
    (
      select json_build_object('place', json_agg(shown.place - 1), 'served_key', json_agg(recsys.served_key(shown.post_id, p_seed)))
      from shown where shown.place is not null
    ),
    array_agg(found.post_id),
    json_build_object(
      'post_id', json_agg(found.post_id),
      'title', json_agg(found.title),
      'tags', json_agg(found.tags),
      'author_id', json_agg(found.author_id),
      'created_at', json_agg(1000 * date_part('epoch', found.created_at)),
      'served_key', json_agg(recsys.served_key(found.post_id, p_seed)),
      'similar_rank', json_agg(found.similar_rank),
      'followed_rank', json_agg(found.followed_rank),
      'since_rank', json_agg(found.since_rank),
      'is_cut', coalesce(
        count(found.similar_rank) < 100 and cardinality(nearest) = 160 or count(found.followed_rank) < 50 and cardinality(followed) = 70
          or count(found.since_rank) < 300 and cardinality(since) = 420,
        false
      )
    )
  into common, own_ids, own
  from found;

  -- and how it stands with these
  perform set_config('role', 'service_role', true);
  states := recsys.post_states_in_columns(p_model_id, own_ids, p_now);
  return json_build_object(
    'model_gone', p_model_id is not null and to_regclass('recsys.post_embeddings_' || p_model_id) is null,
    'affinities', affinities,
    'common', common,
    'own', own,
    'states', states
  );
end
$$;
comment on function recsys.retrieve_beside(text, uuid, bigint, extensions.vector, timestamptz, uuid[], timestamptz, bigint, bigint[]) is 'What a feed needs beside the recsys.common_posts (p_common) of a moment ago (p_common_at), as one object. common: the places in p_common, from 0, of those that may be in the user''s feed, with their recsys.served_key; own, in columns: the posts that are similar, of followed authors, or written since p_common_at (is_cut: there may be more of them behind those that are hidden); states: the recsys.post_states_in_columns of these; affinities: how often the user interacted with posts of each author; model_gone: the model was dropped. The service role calls it, and what may be shown is decided under p_role, the caller''s, with the claims of the transaction. The other arguments are those of recsys.retrieve.';

revoke all on function recsys.common_posts(timestamptz), recsys.post_states_in_columns(bigint, uuid[], timestamptz), recsys.retrieve_beside(text, uuid, bigint, extensions.vector, timestamptz, uuid[], timestamptz, bigint, bigint[]) from public;
grant execute on function recsys.common_posts(timestamptz), recsys.post_states_in_columns(bigint, uuid[], timestamptz), recsys.retrieve_beside(text, uuid, bigint, extensions.vector, timestamptz, uuid[], timestamptz, bigint, bigint[]) to service_role;
