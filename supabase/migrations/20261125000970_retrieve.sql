-- Retrieval: which posts a user might want. A source is a function and a line here; its name, size and place among the ranker's inputs are in
-- functions/_shared/features/retrieval.ts, and trainer/community/retrieval.test.ts holds the two together.

create function recsys.retrieve(
  p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz, p_seed bigint default null, p_served bigint[] default null,
  p_filter jsonb default null
)
returns table (
  post_id uuid,
  title text,
  tags text[],
  author_id uuid,
  created_at timestamptz,
  similar_rank integer,
  active_rank integer,
  fresh_rank integer,
  trending_rank integer,
  followed_rank integer,
  author_affinity integer
)
-- PL/pgSQL keeps the plan of a session; planning this takes as long as running it
language plpgsql stable security invoker set search_path = ''
-- it is planned for any instant, also those to which most of the past has to be looked up: by that cost it would be compiled
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys.feed_request := recsys.feed_request(p_user_id, p_now, p_filter);
  authors uuid[];
  affinities integer[];
  followed uuid[];
begin
  request.seed := p_seed;
  request.served := p_served;
  -- a visitor follows nobody, and has no rights on what people did
  if p_user_id is not null then
    select
      array_agg(known.author_id order by known.affinity desc, known.author_id),
      array_agg(known.affinity order by known.affinity desc, known.author_id)
    into authors, affinities
    from recsys.author_affinities(request) as known;
  end if;

  followed := authors[:50];

  -- "is not null" would be: asks for tags, authors, age and languages at once
  if not request.filter is null then
    return query
    select
      found.post_id, found.title, found.tags, found.author_id, found.created_at,
      found.similar_rank::integer, found.active_rank::integer, found.fresh_rank::integer, found.trending_rank::integer, found.followed_rank::integer,
      coalesce(affinities[array_position(authors, found.author_id)], 0)
    from recsys.retrieve_filtered(request, p_model_id, p_embedding, followed) as found;
    return;
  end if;
  return query
  select
    found.post_id, any_value(found.title), any_value(found.tags), any_value(found.author_id), any_value(found.created_at),
    min(found.rank) filter (where found.source = 'similar')::integer,
    min(found.rank) filter (where found.source = 'active')::integer,
    min(found.rank) filter (where found.source = 'fresh')::integer,
    min(found.rank) filter (where found.source = 'trending')::integer,
    min(found.rank) filter (where found.source = 'followed')::integer,
    coalesce(affinities[array_position(authors, any_value(found.author_id))], 0)
  from (
    select 'similar' as source, * from recsys.retrieve_similar(request, p_model_id, p_embedding)
    union all
    select 'active', * from recsys.retrieve_active(request, 300)
    union all
    select 'fresh', * from recsys.retrieve_fresh(request, 100)
    union all
    select 'trending', * from recsys.retrieve_trending(request, 50)
    union all
    select 'followed', * from recsys.retrieve_followed(request, followed, 50)
  ) as found
  group by found.post_id;
end
$$;
comment on function recsys.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb) is 'Posts that a user might want as of an instant, with their ranks in the sources that brought them and how often the user interacted with posts of their author: of posts that the caller may read, without the user''s own and those they interacted with, dismissed, muted, or saw in the last 30 days, and without those that earlier pages served (p_served: their recsys.served_key with p_seed). p_filter: what else is asked of a post, as of recsys.feed_request. p_user_id null: a visitor. p_model_id and p_embedding null: no model, no similar posts. At most 600 rows, unordered.';

create function recsys.post_states(p_model_id bigint, p_post_ids uuid[], p_now timestamptz)
returns table (
  post_id uuid,
  embedding extensions.vector,
  last_active_at timestamptz,
  kind text,
  views integer,
  votes integer,
  comments integer,
  participants integer,
  last_comment_at timestamptz,
  by_author boolean,
  recent double precision[]
)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  select
    asked.post_id, post_embeddings.embedding,
    stats.last_active_at, stats.kind, stats.views, stats.votes, stats.comments, stats.participants, stats.last_comment_at, stats.by_author, stats.recent
  from unnest(p_post_ids) as asked (post_id)
  left join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = asked.post_id
  left join lateral (
    (
      select
        latest_post_stats.last_active_at, latest_post_stats.kind, latest_post_stats.views, latest_post_stats.votes, latest_post_stats.comments,
        latest_post_stats.participants, latest_post_stats.last_comment_at, latest_post_stats.by_author, latest_post_stats.recent
      from recsys.latest_post_stats
      where latest_post_stats.post_id = asked.post_id and latest_post_stats.last_active_at <= p_now
    )
    union all
    (
      select
        post_stats.last_active_at, post_stats.kind, post_stats.views, post_stats.votes, post_stats.comments,
        post_stats.participants, post_stats.last_comment_at, post_stats.by_author, post_stats.recent
      from recsys.post_stats
      where post_stats.post_id = asked.post_id and post_stats.last_active_at <= p_now
      order by post_stats.last_active_at desc, post_stats.interaction_id desc
      limit 1
    )
    -- where both have one, it is the same
    limit 1
  ) as stats on true;
end
$$;
comment on function recsys.post_states(bigint, uuid[], timestamptz) is 'What the engine knows of each of some posts as of an instant: its vector in a model (null: none yet) and its state (null: nobody came yet).';

create function recsys.candidates(
  p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz, p_filter jsonb default null, p_seed bigint default null,
  p_served bigint[] default null
)
returns table (
  post_id uuid,
  title text,
  tags text[],
  author_id uuid,
  created_at timestamptz,
  embedding extensions.vector,
  similarity double precision,
  similar_rank integer,
  active_rank integer,
  fresh_rank integer,
  trending_rank integer,
  followed_rank integer,
  last_active_at timestamptz,
  kind text,
  views integer,
  votes integer,
  comments integer,
  participants integer,
  last_comment_at timestamptz,
  by_author boolean,
  recent double precision[],
  author_affinity integer
)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  with found as materialized (
    select * from recsys.retrieve(p_user_id, p_model_id, p_embedding, p_now, p_seed, p_served, p_filter)
  )
  select
    found.post_id, found.title, found.tags, found.author_id, found.created_at,
    states.embedding,
    -(states.embedding operator(extensions.<#>) p_embedding),
    found.similar_rank, found.active_rank, found.fresh_rank, found.trending_rank, found.followed_rank,
    states.last_active_at, states.kind, states.views, states.votes, states.comments, states.participants, states.last_comment_at, states.by_author, states.recent,
    found.author_affinity
  from found
  join recsys.post_states(p_model_id, (select array_agg(found.post_id) from found), p_now) as states on states.post_id = found.post_id;
end
$$;
comment on function recsys.candidates(uuid, bigint, extensions.vector, timestamptz, jsonb, bigint, bigint[]) is 'What recsys.retrieve brings, each with its recsys.post_states and its similarity to the user''s vector: all that the ranker is told of a post.';

revoke all on function
  recsys.retrieve_similar(recsys.feed_request, bigint, extensions.vector), recsys.earlier_states(recsys.feed_request), recsys.retrieve_active(recsys.feed_request, integer),
  recsys.retrieve_fresh(recsys.feed_request, integer), recsys.retrieve_trending(recsys.feed_request, integer), recsys.author_affinities(recsys.feed_request),
  recsys.retrieve_followed(recsys.feed_request, uuid[], integer), recsys.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb),
  recsys.post_states(bigint, uuid[], timestamptz), recsys.candidates(uuid, bigint, extensions.vector, timestamptz, jsonb, bigint, bigint[])
from public;
grant execute on function
  recsys.retrieve_similar(recsys.feed_request, bigint, extensions.vector), recsys.earlier_states(recsys.feed_request), recsys.retrieve_active(recsys.feed_request, integer),
  recsys.retrieve_fresh(recsys.feed_request, integer), recsys.retrieve_trending(recsys.feed_request, integer), recsys.author_affinities(recsys.feed_request),
  recsys.retrieve_followed(recsys.feed_request, uuid[], integer), recsys.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb),
  recsys.post_states(bigint, uuid[], timestamptz), recsys.candidates(uuid, bigint, extensions.vector, timestamptz, jsonb, bigint, bigint[])
to authenticated, service_role;
