-- The last check of a page whose posts a replica found: that the primary, too, would show each of them.

create function recsys_engine.visible_posts(p_user_id uuid, p_post_ids uuid[], p_filter jsonb default null, p_is_named boolean default false) returns uuid[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := recsys_engine.with_filter(recsys_engine.mutes_only_request(p_user_id, recsys.clock()), p_filter);
begin
  if p_is_named then
    request.withholds := false;
  else
    request.user_id := p_user_id;
    -- visitors have no follows, and no rights on preferences
    if request.withholds and p_user_id is not null then
      -- of who wants no personalisation nothing is read, not even whom they follow
      if recsys_engine.feed_preference(p_user_id) <> 'impersonal' then
        request.follows := recsys_engine.followed_people(p_user_id, request.at);
      end if;
    end if;
  end if;
  return array(
    select posts.post_id
    from unnest(p_post_ids) as one (post_id)
    cross join lateral (select eligible.post_id from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = one.post_id offset 0) as posts
  );
end
$$;
comment on function recsys_engine.visible_posts(uuid, uuid[], jsonb, boolean) is
  'The posts among some that a user''s feed (p_user_id null: a visitor''s) may show now: readable, not own, not muted, not withheld, and passing the filter (recsys_engine.with_filter). p_is_named: the app named them (recsys_engine.with_requested_posts), so they may be own or withheld.';
revoke all on function recsys_engine.visible_posts(uuid, uuid[], jsonb, boolean) from public;
grant execute on function recsys_engine.visible_posts(uuid, uuid[], jsonb, boolean) to authenticated, service_role;
