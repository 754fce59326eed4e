-- Posts that the app names, such as what its own search found, as candidates. What the caller may not read leaves no trace: nothing is counted,
-- ranked or looked up of it, so it is as an id that nobody has.

-- loads pgvector, as in 0960_sources.sql: each file may have a session of its own
do $$ begin perform '[1]'::extensions.vector; end $$;

create function recsys.with_given(p_request recsys.feed_request, p_given uuid[]) returns recsys.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys.feed_request := p_request;
begin
  -- who searches may look for what they know or wrote themselves, for what a newcomer wrote, and for what is withheld from strangers' feeds
  request.user_id := null;
  request.excluded := '{}';
  request.on_trial := null;
  request.withholds := false;
  request.pool := recsys.pooled(request, p_given);
  return request;
end
$$;
comment on function recsys.with_given(recsys.feed_request, uuid[]) is 'A request whose pool is some posts: of these what the caller may read and did not mute, and what its filter lets in. What they interacted with, dismissed, saw or wrote themselves is left out of feeds alone.';

create function recsys.given_candidates(
  p_role text, p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz, p_given uuid[], p_filter jsonb default null, p_seed bigint default null
) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys.feed_request;
  ranked recsys.ranked_post[];
  posts recsys.told_post[];
  ranks json;
  affinities json;
  follows json;
  touches json;
begin
  -- what they did, as they may see it
  perform set_config('role', p_role, true);
  request := recsys.with_came_to(recsys.with_touched(recsys.with_affinities(recsys.feed_request(p_user_id, p_now, p_filter))), p_model_id);
  perform set_config('role', 'service_role', true);
  request := recsys.with_covisited(request, p_model_id);
  perform set_config('role', p_role, true);
  request := recsys.with_given(request, p_given);
  ranked := recsys.ranked_posts(request, p_model_id, p_embedding);
  -- all are wanted, also those that no source would bring
  ranked := ranked || array(
    select row(pooled.post_id, '{}')::recsys.ranked_post
    from unnest(request.pool) as pooled
    where pooled.post_id not in (select each.post_id from unnest(ranked) as each)
  );
  select
    array_agg(row(told.post_id, told.title, told.tags, told.author_id, told.created_at)::recsys.told_post), json_agg(told.ranks),
    json_object_agg(told.author_id, told.author_affinity) filter (where told.author_affinity > 0),
    json_agg(told.author_id) filter (where told.follows_author),
    json_object_agg(told.post_id, told.touches) filter (where told.touches > 0)
  into posts, ranks, affinities, follows, touches
  from recsys.told_ranked_posts(request, ranked) as told;
  perform set_config('role', 'service_role', true);
  return json_build_object(
    'model_gone', p_model_id is not null and to_regclass('recsys.post_embeddings_' || p_model_id) is null,
    'is_few', false,
    'affinities', affinities,
    'follows', follows,
    'topics', request.topics,
    'more', request.more,
    'less', request.less,
    'dismissed', request.dismissed,
    'touches', touches,
    'in_circle', request.interacted is not null and exists (select from recsys.circle_members where circle_members.user_id = p_user_id),
    'posts', recsys.told_posts(posts),
    'on_trial', 0,
    'ranks', ranks,
    'served_keys', array(select recsys.served_key(each.post_id, p_seed) from unnest(posts) as each)
  );
end
$$;
comment on function recsys.given_candidates(text, uuid, bigint, extensions.vector, timestamptz, uuid[], jsonb, bigint) is 'Posts that an app names (recsys.with_given) as candidates, as recsys.candidates says them, without p_common: all of them, with the ranks that the sources give them among each other. The service role calls it, and what may be shown is decided under p_role, the caller''s, with the claims of the transaction.';

create function recsys.given_posts(p_user_id uuid, p_given uuid[], p_filter jsonb default null, p_seed bigint default null)
returns table (now timestamptz, post_id uuid, title text, served_key bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request constant recsys.feed_request := recsys.with_given(recsys.feed_request(p_user_id, recsys.clock(), p_filter), p_given);
begin
  return query
  select request.at, posts.post_id, posts.title, recsys.served_key(posts.post_id, p_seed)
  from unnest(p_given) with ordinality as given (post_id, place)
  cross join lateral (select * from recsys.eligible_posts(request) as eligible where eligible.post_id = given.post_id offset 0) as posts
  order by given.place;
end
$$;
comment on function recsys.given_posts(uuid, uuid[], jsonb, bigint) is 'Of some posts those that the caller may be shown (recsys.with_given), in the order in which they are named, with their recsys.served_key: where they cannot be ranked.';

revoke all on function recsys.with_given(recsys.feed_request, uuid[]), recsys.given_candidates(text, uuid, bigint, extensions.vector, timestamptz, uuid[], jsonb, bigint),
  recsys.given_posts(uuid, uuid[], jsonb, bigint) from public;
grant execute on function recsys.with_given(recsys.feed_request, uuid[]), recsys.given_posts(uuid, uuid[], jsonb, bigint) to authenticated, service_role;
grant execute on function recsys.given_candidates(text, uuid, bigint, extensions.vector, timestamptz, uuid[], jsonb, bigint) to service_role;
