-- Posts that the app names, such as results of its own search. Unreadable ones leave no trace: they are neither
-- counted, ranked nor looked up, like ids that do not exist.

create function recsys_engine.with_requested_posts(p_request recsys_engine.feed_request, p_requested uuid[]) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  -- a search may find posts that the caller wrote or viewed, and posts withheld from strangers' feeds
  request.user_id := null;
  request.excluded := '{}';
  request.withholds := false;
  request.pool := recsys_engine.prefilter_posts(request, p_requested);
  return request;
end
$$;
comment on function recsys_engine.with_requested_posts(recsys_engine.feed_request, uuid[]) is 'A request whose pool is some posts: of these what the caller may read and did not mute, and what its filter lets in. What they interacted with, dismissed, saw or wrote themselves is left out of feeds alone.';

create function recsys_engine.requested_posts(p_user_id uuid, p_requested uuid[], p_filter jsonb default null, p_seed bigint default null)
returns table (now timestamptz, post_id uuid, title text, served_key bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request constant recsys_engine.feed_request := recsys_engine.with_requested_posts(recsys_engine.feed_request(p_user_id, recsys.clock(), p_filter), p_requested);
begin
  return query
  select request.at, posts.post_id, posts.title, recsys_engine.served_key(posts.post_id, p_seed)
  from unnest(p_requested) with ordinality as given (post_id, place)
  cross join lateral (select * from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = given.post_id offset 0) as posts
  order by given.place;
end
$$;
comment on function recsys_engine.requested_posts(uuid, uuid[], jsonb, bigint) is 'Those of some posts that the caller may be shown (recsys_engine.with_requested_posts), in the order of the request, with their recsys_engine.served_key. For posts that no model can rank.';

revoke all on function recsys_engine.with_requested_posts(recsys_engine.feed_request, uuid[]), recsys_engine.requested_posts(uuid, uuid[], jsonb, bigint) from public;
grant execute on function recsys_engine.with_requested_posts(recsys_engine.feed_request, uuid[]), recsys_engine.requested_posts(uuid, uuid[], jsonb, bigint) to authenticated, service_role;
