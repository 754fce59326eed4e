-- The feed of who wants the newest of whom and what they follow, in order of time: no model ranks it.

create function recsys_engine.following_feed(p_user_id uuid, p_now timestamptz, p_most integer, p_filter jsonb default null, p_seed bigint default null, p_served bigint[] default null)
returns table (post_id uuid, title text, author_id uuid, created_at timestamptz, follows_author boolean, topic text, served_key bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request constant recsys_engine.feed_request := recsys_engine.feed_request(p_user_id, p_now, p_filter, p_seed, p_served);
begin
  return query
  select
    posts.post_id, posts.title, posts.author_id, posts.created_at, coalesce(posts.author_id = any (request.follows), false),
    (select tag from unnest(posts.tags) as tag where left(lower(tag), 100) = any (request.topics) limit 1),
    recsys_engine.served_key(posts.post_id, p_seed)
  from (
    -- an author may have the whole page: it is in order of time
    select found.post_id from recsys_engine.retrieve_followed(request, p_most, p_most) as found
    union
    select found.post_id from unnest(request.topics) as followed (topic) cross join lateral recsys_engine.retrieve_source(request, 'topic', p_most, p_most, followed.topic) as found
  ) as brought
  cross join lateral (select * from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = brought.post_id offset 0) as posts
  order by posts.created_at desc, posts.post_id
  limit p_most;
end
$$;
comment on function recsys_engine.following_feed(uuid, timestamptz, integer, jsonb, bigint, bigint[]) is
  'The p_most newest posts of the people and topics that a user follows as of an instant, newest first, as far as readable: without own, muted, dismissed and served ones, but with seen ones. follows_author, topic: the reason; arguments as in recsys_engine.feed_request.';
revoke all on function recsys_engine.following_feed(uuid, timestamptz, integer, jsonb, bigint, bigint[]) from public;
grant execute on function recsys_engine.following_feed(uuid, timestamptz, integer, jsonb, bigint, bigint[]) to authenticated, service_role;
