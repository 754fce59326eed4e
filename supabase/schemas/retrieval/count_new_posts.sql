-- "12 new posts": how many a feed might show that were written since it was made. Nothing is ranked, and no more is read than their number needs.

create function recsys_engine.count_new_posts(p_user_id uuid, p_since timestamptz, p_filter jsonb default null, p_limit integer default 100) returns integer
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys_engine.feed_request := recsys_engine.with_filter(recsys_engine.mutes_only_request(p_user_id, recsys.clock()), p_filter);
  since constant timestamptz := greatest(p_since, request.at - interval '7 days');
  kind text;
  newest uuid[];
begin
  request.user_id := p_user_id;
  if p_user_id is not null then
    kind := recsys_engine.feed_preference(p_user_id);
  end if;
  if kind <> 'impersonal' then
    -- interactions after that instant are new: no more of the user is read
    request.excluded := array_remove(array(
      (
        select source_interactions.post_id from recsys.source_interactions
        where source_interactions.user_id = p_user_id and source_interactions.created_at > since
        order by source_interactions.created_at desc, source_interactions.interaction_id desc
        limit 2000
      )
      union all
      (
        select source_dismissals.post_id from recsys.source_dismissals
        where source_dismissals.user_id = p_user_id and source_dismissals.created_at > since
        order by source_dismissals.created_at desc
        limit 5000
      )
    ), null);
  end if;
  if kind = 'following' then
    return (
      select least(count(*), p_limit)::integer
      -- posts that they interacted with since are among the newest
      from recsys_engine.following_feed(p_user_id, request.at, p_limit + least(cardinality(request.excluded), 1000), p_filter) as posts
      where posts.created_at > since and posts.post_id <> all (request.excluded)
    );
  end if;
  if kind = 'personal' then
    request.follows := recsys_engine.followed_people(p_user_id, request.at);
  end if;
  if recsys_engine.some_wait() then
    return cardinality(recsys_engine.newest_listed(request, p_limit, since + interval '1 microsecond', case when request.is_narrowed then 300 end));
  elsif request.is_narrowed then
    -- a rare tag, or a muted word, had each post of a week looked at: 33 to 60 ms with 100,000 posts
    newest := array(
      select source_posts.post_id from recsys.source_posts
      where source_posts.created_at > since and source_posts.created_at <= request.at
      order by source_posts.created_at desc
      limit 300
    );
    return (
      select count(*)::integer
      from (
        select from unnest(newest) as one (post_id)
        cross join lateral (select from recsys_engine.eligible_posts(request) as posts where posts.post_id = one.post_id offset 0) as posts
        limit p_limit
      ) as found
    );
  end if;
  return (select count(*)::integer from recsys_engine.newest_posts_since(request, p_limit, since + interval '1 microsecond'));
end
$$;
comment on function recsys_engine.count_new_posts(uuid, timestamptz, jsonb, integer) is
  'Counts posts of the last seven days after an instant that might be in a user''s feed: without own, seen, dismissed, muted, filtered (p_filter) and waiting ones (recsys_engine.listed_posts); of follows alone for such feeds. Counts to p_limit; with a filter or mutes among the newest 300.';

revoke all on function recsys_engine.count_new_posts(uuid, timestamptz, jsonb, integer) from public;
grant execute on function recsys_engine.count_new_posts(uuid, timestamptz, jsonb, integer) to authenticated, service_role;
