-- Closed circles: people who only interact with each other's posts. On a page of another reader their posts share
-- one place (closedCirclePenalty in selection/penalties.ts): ten accounts of two days with a post each had 50 % of
-- the places of 60 people, and have 5.0 %. Of five authors or more one may be outside: one view of a post of others
-- by one of the ten freed them all.

create table recsys_engine.circle_members (
  user_id uuid primary key
);
comment on table recsys_engine.circle_members is 'Who is in a closed circle: the authors to whose posts they came are in one, too. Written by recsys_engine.find_circles alone.';
comment on column recsys_engine.circle_members.user_id is 'The user.';
alter table recsys_engine.circle_members enable row level security;
grant select, insert, delete on recsys_engine.circle_members to service_role;

create function recsys_engine.find_circles() returns integer
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  users uuid[];
  authors uuid[];
  number integer;
begin
  perform recsys_engine.take_lock('circles');
  with pairs as materialized (
    select distinct acts.user_id, posts.author_id
    from recsys.source_interactions as acts
    join recsys.source_posts as posts on posts.post_id = acts.post_id
    where posts.author_id is distinct from acts.user_id
  ),
  -- users who interacted with another author are outside, and so are the ten authors with most readers: in a small
  -- community all users may have interacted with all posts
  inside as materialized (
    (select pairs.user_id from pairs)
    except
    (select pairs.author_id from pairs where pairs.author_id is not null group by pairs.author_id order by count(*) desc, pairs.author_id limit 10)
  ),
  closed as (
    select pairs.user_id from pairs left join inside on inside.user_id = pairs.author_id group by pairs.user_id having count(inside.user_id) >= count(*) - case when count(*) >= 5 then 1 else 0 end
  )
  select array_agg(pairs.user_id), array_agg(pairs.author_id) into users, authors
  from pairs
  join inside on inside.user_id = pairs.user_id
  join closed on closed.user_id = pairs.user_id;
  -- and users who interacted with an author outside; longer chains do not arise by accident
  for round in 1 .. 100 loop
    number := cardinality(users);
    with pairs as materialized (
      select pair.user_id, pair.author_id from unnest(users, authors) as pair (user_id, author_id)
    ),
    inside as (
      select distinct pairs.user_id from pairs
    ),
    closed as (
      select pairs.user_id from pairs left join inside on inside.user_id = pairs.author_id group by pairs.user_id having count(inside.user_id) >= count(*) - case when count(*) >= 5 then 1 else 0 end
    )
    select array_agg(pairs.user_id), array_agg(pairs.author_id) into users, authors
    from pairs join closed on closed.user_id = pairs.user_id;
    exit when cardinality(users) is not distinct from number;
  end loop;
  delete from recsys_engine.circle_members;
  insert into recsys_engine.circle_members (user_id) select distinct unnest(users);
  get diagnostics number = row_count;
  return number;
end
$$;
comment on function recsys_engine.find_circles() is 'Finds the members of closed circles (recsys_engine.circle_members): users who only interacted with posts of other members. Users with five authors or more may have one outside. Readers of the ten authors with most readers are no members. Returns the number of members.';
revoke all on function recsys_engine.find_circles() from public;
grant execute on function recsys_engine.find_circles() to service_role;

select recsys_engine.schedule('recsys circles', '52 * * * *', 'select recsys_engine.find_circles()');
