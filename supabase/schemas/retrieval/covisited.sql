-- Neighbours of the posts in a reader's history: posts that the same users interacted with (recsys_engine.post_neighbours).

create function recsys_engine.with_engaged_posts(p_request recsys_engine.feed_request, p_model_id bigint) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  -- a model without neighbours asks nothing more
  if request.interacted is not null and to_regclass('recsys_engine.post_neighbours_' || p_model_id) is not null then
    request.came_to := array(
      select distinct latest.post_id
      from (
        select source_interactions.post_id
        from recsys.source_interactions
        -- before they are counted: an app may hide comments with their post, and a list made ahead cannot know what it hides
        cross join lateral (select source_posts.post_id from recsys.source_posts where source_posts.post_id = source_interactions.post_id offset 0) as posts
        where source_interactions.user_id = request.user_id and source_interactions.created_at <= request.at
        order by source_interactions.created_at desc, source_interactions.interaction_id desc
        limit 200
      ) as latest
    );
  end if;
  return request;
end
$$;
comment on function recsys_engine.with_engaged_posts(recsys_engine.feed_request, bigint) is 'A request with the posts of its user''s last 200 interactions with posts that the caller may read, where the model has neighbours of posts.';

create function recsys_engine.with_covisited(p_request recsys_engine.feed_request, p_model_id bigint) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  if request.came_to <> '{}' then
    request.covisited := array(
      select post_neighbours.neighbour_id
      from recsys_engine.post_neighbours
      where post_neighbours.model_id = p_model_id and post_neighbours.post_id = any (request.came_to)
        and post_neighbours.neighbour_id not in (select unnest(request.excluded))
      group by post_neighbours.neighbour_id
      order by sum(post_neighbours.weight) desc, post_neighbours.neighbour_id
      -- 20 for each that the source brings: no source looks further
      limit 2000
    );
  end if;
  return request;
end
$$;
comment on function recsys_engine.with_covisited(recsys_engine.feed_request, bigint) is 'A request with the strongest neighbours of posts that its user interacted with (recsys_engine.with_engaged_posts). The service role may find posts that the caller may not read: each source checks its posts.';

revoke all on function recsys_engine.with_engaged_posts(recsys_engine.feed_request, bigint), recsys_engine.with_covisited(recsys_engine.feed_request, bigint) from public;
grant execute on function recsys_engine.with_engaged_posts(recsys_engine.feed_request, bigint), recsys_engine.with_covisited(recsys_engine.feed_request, bigint) to authenticated, service_role;
