-- People and topics that a user might follow, asked by the function `similar` under the caller's own role: the app's
-- policies decide whose follows, posts and profiles it reads, so an app with private follows gets nothing from those
-- of others.

create function recsys_engine.follow_reason(p_posts bigint, p_people uuid[]) returns json
language sql stable security invoker set search_path = ''
as $$
  select case when coalesce(cardinality(p_people), 0) >= coalesce(p_posts, 0)
    then json_build_object('kind', 'followed_by', 'people', p_people[:3])
    else json_build_object('kind', 'came_to_posts', 'posts', p_posts)
  end
$$;
comment on function recsys_engine.follow_reason(bigint, uuid[]) is 'The strongest reason to follow an author or a topic: {kind: came_to_posts, posts} by the number of its posts that the user interacted with (null: none), or {kind: followed_by, people: three at most} by its followers among those whom the user follows (null: none).';

create function recsys_engine.people_to_follow(p_user_id uuid, p_limit integer)
returns table (is_known boolean, follows uuid[], items json)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  as_of constant timestamptz := recsys.clock();
  -- null: nothing of theirs is read
  reader constant uuid := case when recsys_engine.feed_preference(p_user_id) <> 'impersonal' then p_user_id end;
  muted constant uuid[] := coalesce((recsys_engine.mutes_only_request(p_user_id, as_of)).muted_authors, '{}');
  followed constant uuid[] := array(
    select latest.target::uuid from recsys_engine.latest_follows(reader, '{person}', as_of, 10000) as latest
    where pg_input_is_valid(latest.target, 'uuid')
  );
begin
  return query
  with authors as (
    select posts.author_id as user_id, count(distinct posts.post_id) as posts
    from unnest(recsys_engine.latest_interactions(reader, as_of)) as latest
    join recsys.source_posts as posts on posts.post_id = latest.post_id
    group by posts.author_id
  ),
  friends as (
    select theirs.user_id, array_agg(distinct friend.user_id) as people
    from unnest((recsys_engine.followed_people(reader, as_of))[:100]) as friend (user_id)
    cross join lateral (
      select followed.user_id from unnest(recsys_engine.followed_people(friend.user_id, as_of)) as followed (user_id) limit 100
    ) as theirs
    where friend.user_id <> all (muted) and exists (select from recsys.source_users where source_users.user_id = friend.user_id offset 0)
    group by theirs.user_id
  ),
  found as (
    select user_id, authors.posts, friends.people, coalesce(authors.posts, 0) + coalesce(cardinality(friends.people), 0) as weight
    from authors
    full join friends using (user_id)
    where user_id <> p_user_id and user_id <> all (followed) and user_id <> all (muted)
      and exists (select from recsys.source_users where source_users.user_id = coalesce(authors.user_id, friends.user_id) offset 0)
      and not exists (select from recsys.source_withheld where source_withheld.author_id = user_id)
    order by weight desc, user_id
    limit p_limit
  )
  select
    exists (select from recsys.source_users where source_users.user_id = p_user_id),
    followed,
    (
      select coalesce(json_agg(json_build_object('user_id', found.user_id, 'why', recsys_engine.follow_reason(found.posts, found.people)) order by found.weight desc, found.user_id), '[]')
      from found
    );
end
$$;
comment on function recsys_engine.people_to_follow(uuid, integer) is
  'Suggests people to a user: authors of their last 200 interactions, and people followed by those they follow; most posts and people first; without followed, muted and unreadable people. items: {user_id, why: recsys_engine.follow_reason}. is_known: the caller may read the user.';

create function recsys_engine.topics_to_follow(p_user_id uuid, p_limit integer, p_kind text)
returns table (is_known boolean, items json)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  as_of constant timestamptz := recsys.clock();
  -- null: nothing of theirs is read
  reader constant uuid := case when recsys_engine.feed_preference(p_user_id) <> 'impersonal' then p_user_id end;
  request constant recsys_engine.feed_request := recsys_engine.mutes_only_request(p_user_id, as_of);
  muted_people constant uuid[] := coalesce(request.muted_authors, '{}');
  muted constant text[] := coalesce(request.muted_topics, '{}');
  followed constant text[] := array(select lower(latest.target) from recsys_engine.latest_follows(p_user_id, '{topic,group}', as_of, 10000) as latest);
begin
  return query
  with met as (
    select lower(tag) as name, min(tag) as tag, count(distinct posts.post_id) as posts
    from unnest(recsys_engine.latest_interactions(reader, as_of)) as latest
    join recsys.source_posts as posts on posts.post_id = latest.post_id
    cross join unnest(posts.tags) as tag
    where posts.author_id is distinct from p_user_id and tag ~ '\S'
    group by lower(tag)
  ),
  tags as (
    select met.name, met.tag, met.posts from met
    where p_kind = 'topic'
    union all
    -- which tag names a group nothing but follows says, and of an id the capital letters count. For topics they are not read
    select met.name, min(source_follows.target), met.posts
    from met
    join recsys.source_follows on lower(source_follows.target) = met.name
    where p_kind = 'group' and source_follows.kind = 'group' and (source_follows.created_at <= as_of) is not false
    group by met.name, met.posts
  ),
  friends as (
    select lower(theirs.target) as name, min(theirs.target) as tag, array_agg(distinct friend.user_id) as people
    from unnest((recsys_engine.followed_people(reader, as_of))[:100]) as friend (user_id)
    cross join lateral (
      select latest.target from recsys_engine.latest_follows(friend.user_id, array[p_kind], as_of, 100) as latest
      order by latest.created_at desc nulls last, latest.target
      limit 100
    ) as theirs
    where friend.user_id <> all (muted_people) and exists (select from recsys.source_users where source_users.user_id = friend.user_id offset 0)
    group by lower(theirs.target)
  ),
  found as (
    select coalesce(tags.tag, friends.tag) as shown, name, tags.posts, friends.people, coalesce(tags.posts, 0) + coalesce(cardinality(friends.people), 0) as weight
    from tags
    full join friends using (name)
    where left(name, 100) <> all (muted)
      and not recsys_engine.has_muted_word(recsys_engine.text_for_mutes(null, array[coalesce(tags.tag, friends.tag)]), request.muted_words, request.muted_pattern)
      and not recsys_engine.contains_any(name, request.muted_titles)
      and name not in (select unnest(followed))
    order by weight desc, name
    limit p_limit
  )
  select
    exists (select from recsys.source_users where source_users.user_id = p_user_id),
    (
      select coalesce(json_agg(json_build_object(p_kind, found.shown, 'why', recsys_engine.follow_reason(found.posts, found.people)) order by found.weight desc, found.name), '[]')
      from found
    );
end
$$;
comment on function recsys_engine.topics_to_follow(uuid, integer, text) is
  'Suggests topics or groups (p_kind: topic, group) to a user: tags of their last 200 interactions (groups: those that are followed as one), and follows of people they follow: {topic, why} or {group, why}. Without followed and muted ones.';

revoke all on function recsys_engine.follow_reason(bigint, uuid[]), recsys_engine.people_to_follow(uuid, integer), recsys_engine.topics_to_follow(uuid, integer, text) from public;
grant execute on function recsys_engine.follow_reason(bigint, uuid[]), recsys_engine.people_to_follow(uuid, integer), recsys_engine.topics_to_follow(uuid, integer, text) to authenticated, service_role;
