-- New authors (accounts younger than 28 days) and their readers: on their first day people move no post of an author
-- without known readers (bursts.sql). One comment on a post of yesterday by such an author, or nine, changed 2.9 %
-- of the places of 60 people, and now 0.

create function recsys_engine.author_engagements(p_author_id uuid) returns table (user_id uuid, at timestamptz)
language sql stable security invoker set search_path = ''
as $$
  select came.user_id, came.created_at
  from (
    select acts.user_id, acts.created_at
    from (
      select source_posts.post_id from recsys.source_posts
      where source_posts.author_id = p_author_id order by source_posts.created_at, source_posts.post_id limit 20
    ) as written
    cross join lateral (
      select source_interactions.user_id, source_interactions.created_at
      from recsys.source_interactions where source_interactions.post_id = written.post_id
      order by source_interactions.created_at limit 50
    ) as acts
  ) as came
  where came.user_id <> p_author_id
    and not exists (select from recsys_engine.backdated_days where backdated_days.user_id = came.user_id and backdated_days.day = recsys_engine.day_of(came.created_at))
$$;
comment on function recsys_engine.author_engagements(uuid) is 'Interactions of others with posts of an author: of the first fifty with each of their first twenty posts, without backdated days.';

create function recsys_engine.author_known_since(p_author_id uuid) returns timestamptz
language sql stable security invoker set search_path = ''
as $$
  select coalesce((
    -- one after the other: of an author whom people met, few are asked when they began
    select came.at from (select * from recsys_engine.author_engagements(p_author_id) as each order by each.at) as came
    where recsys_engine.first_interaction_at(came.user_id) <= came.at - interval '1 day'
    limit 1
  ), 'infinity')
$$;
comment on function recsys_engine.author_known_since(uuid) is 'The first interaction of a known user with a post of an author (recsys_engine.author_engagements); a user is known a day after their first interaction with any post. Infinity: none.';

create function recsys_engine.engaged_new_authors(p_user_id uuid, p_from timestamptz, p_until timestamptz) returns table (author_id uuid, at timestamptz)
language sql stable security invoker set search_path = ''
as $$
  select posts.author_id, min(acts.created_at)
  from (
    select source_interactions.post_id, source_interactions.created_at
    from recsys.source_interactions
    where source_interactions.user_id = p_user_id
      and source_interactions.created_at >= p_from and source_interactions.created_at < p_until
    order by source_interactions.created_at
    limit 2000
  ) as acts
  cross join lateral (
    select source_posts.author_id from recsys.source_posts where source_posts.post_id = acts.post_id offset 0
  ) as posts
  join recsys.source_users as authors on authors.user_id = posts.author_id and authors.created_at > acts.created_at - interval '28 days'
  where posts.author_id <> p_user_id
  group by posts.author_id
  order by 2
  -- what comes after six posts is beyond anyway
  limit 6
$$;
comment on function recsys_engine.engaged_new_authors(uuid, timestamptz, timestamptz) is
  'The first six new authors (accounts younger than 28 days) whose posts a person interacted with between two instants of a day, and when first.';

revoke all on function recsys_engine.author_engagements(uuid), recsys_engine.author_known_since(uuid), recsys_engine.engaged_new_authors(uuid, timestamptz, timestamptz) from public;
grant execute on function recsys_engine.author_engagements(uuid), recsys_engine.author_known_since(uuid), recsys_engine.engaged_new_authors(uuid, timestamptz, timestamptz) to service_role;
