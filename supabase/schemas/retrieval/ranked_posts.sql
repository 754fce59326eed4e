-- Posts with their ranks in all sources, as the caller may read them: for feeds without a worker's cache, for recsys.explain and for tests.

-- loads pgvector, as in retrieval/nearest.sql: each file may have a session of its own
do $$ begin perform '[1]'::extensions.vector; end $$;

create type recsys_engine.ranked_post as (post_id uuid, ranks jsonb);
comment on type recsys_engine.ranked_post is 'A post with its ranks in the sources that brought it, as {source: rank}.';

create function recsys_engine.ranked_posts(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector) returns recsys_engine.ranked_post[]
-- PL/pgSQL keeps the plan of a session; planning this takes as long as running it
language plpgsql stable security invoker set search_path = ''
-- it is planned for any instant, also those to which most of the past has to be looked up: by that cost it would be compiled
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select row(each.post_id, jsonb_object_agg(each.source, each.rank))::recsys_engine.ranked_post
    from (
      select * from recsys_engine.personal_sources(p_request, p_model_id, p_embedding, 'feed')
      union all
      select * from recsys_engine.global_sources(p_request, 'feed')
    ) as each
    group by each.post_id
    -- one order whatever the plan: the last digits of scores depend on the order of a batch
    order by each.post_id
  );
end
$$;
comment on function recsys_engine.ranked_posts(recsys_engine.feed_request, bigint, extensions.vector) is 'What all sources bring for a request (recsys_engine.with_followee_engagements, recsys_engine.with_prefiltered_pool).';

create function recsys_engine.hydrate_ranked_posts(p_request recsys_engine.feed_request, p_ranked recsys_engine.ranked_post[])
returns table (post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz, ranks jsonb, author_affinity integer, follows_author boolean, touches integer)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  select
    posts.post_id, coalesce(posts.title, ''), array_remove(coalesce(posts.tags, '{}'), null), posts.author_id, posts.created_at, found.ranks,
    coalesce(p_request.affinities[array_position(p_request.authors, posts.author_id)], 0),
    coalesce(posts.author_id = any (p_request.follows), false),
    coalesce(p_request.touches[array_position(p_request.touched, posts.post_id)], 0)
  from unnest(p_ranked) as found
  cross join lateral (select * from recsys.source_posts where source_posts.post_id = found.post_id offset 0) as posts;
end
$$;
comment on function recsys_engine.hydrate_ranked_posts(recsys_engine.feed_request, recsys_engine.ranked_post[]) is 'What sources brought for a request, as recsys_engine.retrieve says it: of that what the caller may read.';

create function recsys_engine.retrieve(
  p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz, p_seed bigint default null, p_served bigint[] default null,
  p_filter jsonb default null
)
returns table (post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz, ranks jsonb, author_affinity integer, follows_author boolean, touches integer)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request constant recsys_engine.feed_request := recsys_engine.with_prefiltered_pool(recsys_engine.with_covisited(recsys_engine.with_engaged_posts(recsys_engine.with_followee_engagements(recsys_engine.with_affinities(recsys_engine.feed_request(p_user_id, p_now, p_filter, p_seed, p_served))), p_model_id), p_model_id), p_model_id, p_embedding);
begin
  return query select * from recsys_engine.hydrate_ranked_posts(request, recsys_engine.ranked_posts(request, p_model_id, p_embedding));
end
$$;
comment on function recsys_engine.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb) is
  'Posts for a user at an instant with {source: rank} (topic:NAME within followed), interactions with the author, whether followed, and interactions of followed people: readable, without own, known, dismissed, muted, seen and served ones (p_served). At most 1,000 rows, unordered.';

revoke all on function
  recsys_engine.ranked_posts(recsys_engine.feed_request, bigint, extensions.vector),
  recsys_engine.hydrate_ranked_posts(recsys_engine.feed_request, recsys_engine.ranked_post[]),
  recsys_engine.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb)
from public;
grant execute on function
  recsys_engine.ranked_posts(recsys_engine.feed_request, bigint, extensions.vector),
  recsys_engine.hydrate_ranked_posts(recsys_engine.feed_request, recsys_engine.ranked_post[]),
  recsys_engine.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb)
to authenticated, service_role;
