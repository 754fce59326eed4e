-- What narrows a feed down: whose it is, as of when, and what is left out of it. Every source of retrieval asks recsys.eligible_posts, so
-- whatever is hidden or left out makes no page shorter while enough posts exist.

create type recsys.feed_request as (user_id uuid, at timestamptz, excluded uuid[], seed bigint, served bigint[]);
comment on type recsys.feed_request is 'Whose feed, as of which instant, and the posts that are left out of it because the user interacted with, dismissed or saw them, or because earlier pages of the same feed served them: `served` has their recsys.served_key with `seed`.';

-- 32 bits of a hash that nobody can foresee, since each feed has a seed of its own. A cursor carries 1,000 posts in 5.4 KB instead of
-- 21; one that was never served is taken for one of them with a chance of 1 to 4 million.
create function recsys.served_key(p_post_id uuid, p_seed bigint) returns bigint
language sql immutable security invoker
return pg_catalog.uuid_hash_extended(p_post_id, p_seed) & 4294967295;
comment on function recsys.served_key(uuid, bigint) is 'What the cursor of a feed remembers a served post by: 0 to 4294967295. The seed is the feed''s.';

create function recsys.seen_posts(p_user_id uuid, p_now timestamptz) returns uuid[]
language plpgsql stable security invoker set search_path = ''
-- the log has partitions made, purged and indexed, and a feed must not wait for that: meanwhile seen posts may come again
set lock_timeout = '100ms'
as $$
begin
  return array(
    select distinct impressions.post_id
    from recsys.impressions
    where impressions.user_id = p_user_id and impressions.seen_at <= p_now and impressions.seen_at > p_now - interval '30 days'
  );
exception when lock_not_available then
  return '{}'::uuid[];
end
$$;
comment on function recsys.seen_posts(uuid, timestamptz) is 'The posts that came into view of a user (recsys.impressions.seen_at) within the 30 days up to an instant. None while the log is locked.';

create function recsys.feed_request(p_user_id uuid, p_now timestamptz) returns recsys.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys.feed_request;
begin
  request.user_id := p_user_id;
  request.at := p_now;
  request.excluded := array(
    select source_interactions.post_id from recsys.source_interactions
    where source_interactions.user_id = p_user_id and source_interactions.created_at <= p_now
    union
    -- the replay in trainer/community/state.ts knows neither dismissals nor what was seen: there such a post stays a candidate
    -- that was not chosen, which is what training should learn of it
    select source_dismissals.post_id from recsys.source_dismissals
    where source_dismissals.user_id = p_user_id and source_dismissals.created_at <= p_now
    union
    select unnest(recsys.seen_posts(p_user_id, p_now))
  );
  return request;
end
$$;
comment on function recsys.feed_request(uuid, timestamptz) is 'The request for a user''s feed as of an instant, with what is left out of it.';

-- without "set", so that it becomes part of the query that asks it; with "begin atomic", so that its names are bound now, whatever the
-- search_path is later
create function recsys.eligible_posts(p_request recsys.feed_request)
returns table (post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  select posts.post_id, posts.title, posts.tags, posts.author_id, posts.created_at
  from recsys.source_posts as posts
  where posts.created_at <= p_request.at
    and posts.author_id is distinct from p_request.user_id
    and posts.post_id not in (select unnest(p_request.excluded))
    and recsys.served_key(posts.post_id, p_request.seed) not in (select unnest(p_request.served));
end;
comment on function recsys.eligible_posts(recsys.feed_request) is 'The posts that may be in a feed: those the caller may read, without the user''s own and what the request leaves out.';

revoke all on function recsys.served_key(uuid, bigint), recsys.seen_posts(uuid, timestamptz), recsys.feed_request(uuid, timestamptz), recsys.eligible_posts(recsys.feed_request) from public;
grant execute on function recsys.served_key(uuid, bigint), recsys.seen_posts(uuid, timestamptz), recsys.feed_request(uuid, timestamptz), recsys.eligible_posts(recsys.feed_request) to authenticated, service_role;
