-- Every post with its creation time, to walk the newest ones. An author's first 20 posts of a day are listed, and later ones wait. Otherwise each feed
-- walked past all of 30,000 posts of one account: 190 to 225 ms instead of 13. No author of Travel wrote more than eleven on a day.
-- Of a newcomer without a known reader one post a day is listed, where newcomers are few (02_author_readers.sql).

create table recsys_engine.listed_posts (
  post_id uuid primary key,
  author_id uuid,
  created_at timestamptz not null,
  counted_on date,
  waits boolean not null default false
);
comment on table recsys_engine.listed_posts is
  'Every post with its time, and whether it waits: its author wrote recsys_engine.posts_a_day() before it that day, or is a newcomer with an earlier post and no known reader, where newcomers are few. Kept by triggers of recsys.watch. recsys_engine.eligible_posts decides on visibility.';
comment on column recsys_engine.listed_posts.post_id is 'The post.';
comment on column recsys_engine.listed_posts.author_id is 'Its author; null: unknown.';
comment on column recsys_engine.listed_posts.created_at is 'When it was written.';
comment on column recsys_engine.listed_posts.counted_on is 'On which day (UTC) it counts as one of its author''s: when it came, whatever it says. Null: it is history, or its author is unknown.';
comment on column recsys_engine.listed_posts.waits is 'Whether the post waits: it is not in sources of new posts.';
-- rows beyond the first twenty are not counted
create index listed_posts_newest_idx on recsys_engine.listed_posts (created_at desc, post_id) where not waits;
create index listed_posts_counted_idx on recsys_engine.listed_posts (author_id, counted_on) where counted_on is not null and not waits;
create index listed_posts_waiting_idx on recsys_engine.listed_posts (author_id, created_at) where waits;

alter table recsys_engine.listed_posts enable row level security;
create policy "they are listed for who may read them" on recsys_engine.listed_posts for select to authenticated
  using (exists (select from recsys.source_posts where source_posts.post_id = listed_posts.post_id offset 0));
grant select (post_id, created_at, waits) on recsys_engine.listed_posts to authenticated;
grant select, insert, update, delete on recsys_engine.listed_posts to service_role;

create function recsys_engine.posts_a_day() returns integer
language sql immutable security invoker
return 20;
comment on function recsys_engine.posts_a_day() is 'How many posts of an author are listed per day. Later ones wait.';

create function recsys_engine.some_wait() returns boolean
-- over all posts, whatever the caller may read: all callers walk the same list
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select exists (select from recsys_engine.listed_posts where listed_posts.waits) $$;
comment on function recsys_engine.some_wait() is 'Whether any post waits. Nearly everywhere none does, and walks go down the app''s own index.';

create function recsys_engine.list_posts(p_post_ids uuid[], p_is_new boolean) returns void
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  now constant timestamptz := recsys.clock();
  -- posts by users count by the day they are written; imports may set created_at
  is_of_people constant boolean := current_setting('role') in ('authenticated', 'anon');
begin
  delete from recsys_engine.listed_posts as gone
  where (p_post_ids is null or gone.post_id = any (p_post_ids))
    and not exists (select from recsys.source_posts where source_posts.post_id = gone.post_id offset 0);
  with found as (
    select posts.post_id, posts.author_id, posts.created_at,
      case when authors.is_unmet then 1 else recsys_engine.posts_a_day() end as most,
      case when p_is_new and posts.author_id is not null and (is_of_people or posts.created_at > now - interval '10 minutes') then recsys_engine.day_of(now) end as counted_on
    from recsys.source_posts as posts
    left join lateral (
      select not exists (select from recsys_engine.author_readers where author_readers.user_id = posts.author_id and author_readers.user_ids <> '{}') as is_unmet
      from recsys.source_users as users
      -- only where newcomers are few: in a new community all authors are newcomers
      where p_is_new and users.user_id = posts.author_id and recsys_engine.is_newcomer(users.created_at, now) and recsys_engine.newcomer_share() < 0.5
      offset 0
    ) as authors on true
    where (p_post_ids is null or posts.post_id = any (p_post_ids)) and posts.created_at is not null
      and not exists (select from recsys_engine.listed_posts as known where known.post_id = posts.post_id and known.created_at = posts.created_at and known.author_id is not distinct from posts.author_id)
  ),
  numbered as (
    select found.*, row_number() over (partition by found.author_id, found.counted_on order by found.created_at, found.post_id) as number from found
  )
  insert into recsys_engine.listed_posts as listed (post_id, author_id, created_at, counted_on, waits)
  select numbered.post_id, numbered.author_id, numbered.created_at, numbered.counted_on,
    numbered.counted_on is not null and (numbered.number > numbered.most or numbered.number + (
      select count(*) from (
        select from recsys_engine.listed_posts as earlier
        where earlier.author_id = numbered.author_id and earlier.counted_on = numbered.counted_on and not earlier.waits
        limit recsys_engine.posts_a_day()
      ) as each
    ) > numbered.most)
  from numbered
  -- listed posts keep their count
  on conflict (post_id) do update set author_id = excluded.author_id, created_at = excluded.created_at;
end
$$;
comment on function recsys_engine.list_posts(uuid[], boolean) is
  'Lists some posts (null: all) in recsys_engine.listed_posts, and removes deleted ones. p_is_new: they count among their authors'' posts of today, unless a role that writes for others dates them more than ten minutes back.';

create function recsys_engine.list_posts_of(p_author_ids uuid[]) returns void
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  freed uuid[];
begin
  with numbered as (
    select waiting.post_id, row_number() over (partition by waiting.author_id, waiting.counted_on order by waiting.created_at, waiting.post_id) + (
      select count(*) from recsys_engine.listed_posts as listed
      where listed.author_id = waiting.author_id and listed.counted_on = waiting.counted_on and not listed.waits
    ) as number
    from recsys_engine.listed_posts as waiting where waiting.author_id = any (p_author_ids) and waiting.waits
  ),
  listed as (
    update recsys_engine.listed_posts set waits = false
    from numbered
    where numbered.number <= recsys_engine.posts_a_day() and listed_posts.post_id = numbered.post_id
    returning listed_posts.post_id
  )
  select array_agg(listed.post_id) into freed from listed;
  if freed is not null then
    perform recsys_engine.index_tags(freed);
  end if;
end
$$;
comment on function recsys_engine.list_posts_of(uuid[]) is 'Lists the waiting posts of some authors who now have a known reader, up to recsys_engine.posts_a_day() per day.';

revoke all on function recsys_engine.posts_a_day(), recsys_engine.some_wait(), recsys_engine.list_posts(uuid[], boolean), recsys_engine.list_posts_of(uuid[]) from public;
grant execute on function recsys_engine.some_wait() to authenticated, service_role;
grant execute on function recsys_engine.posts_a_day(), recsys_engine.list_posts(uuid[], boolean), recsys_engine.list_posts_of(uuid[]) to service_role;
