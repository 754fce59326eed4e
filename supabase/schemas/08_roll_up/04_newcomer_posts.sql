-- What newcomers write (07_feature_store/02_newcomers.sql). Of their posts of a day (UTC) five times as many as usual, the mean of the
-- 28 days before, are posts like all others. Those beyond are on trial: places for trials alone bring them, what one follows, and a filter by the author.
-- The first act of somebody who is no newcomer and not the author ends a trial, and a week does. Of Travel's 12,292 posts by newcomers 4 were ever on
-- trial, with three times as many 54. Before, one post of a new account had a place in each feed of 60 people, and ten accounts had all.

create table recsys_engine.newcomer_posts (
  post_id uuid primary key,
  user_id uuid not null,
  created_at timestamptz not null,
  number integer not null,
  on_trial_until timestamptz
);
comment on table recsys_engine.newcomer_posts is 'Posts that newcomers wrote: those that are or were on trial, and of the others those of the last day. Written by recsys_engine.keep_newcomer_posts alone.';
comment on column recsys_engine.newcomer_posts.post_id is 'The post.';
comment on column recsys_engine.newcomer_posts.user_id is 'Its author.';
comment on column recsys_engine.newcomer_posts.created_at is 'When it was written.';
comment on column recsys_engine.newcomer_posts.number is 'Which of its author''s posts of that day it is, from 1.';
comment on column recsys_engine.newcomer_posts.on_trial_until is 'Until when it is on trial; null: it never was.';
create index newcomer_posts_on_trial_idx on recsys_engine.newcomer_posts (on_trial_until) where on_trial_until is not null;
-- a deleted user is erased from here too
create index newcomer_posts_user_id_idx on recsys_engine.newcomer_posts (user_id);

alter table recsys_engine.newcomer_posts enable row level security;
create policy "trials are read with their post" on recsys_engine.newcomer_posts for select to authenticated
  using (exists (select from recsys.source_posts where source_posts.post_id = newcomer_posts.post_id offset 0));
grant select on recsys_engine.newcomer_posts to authenticated;
grant select, insert, update, delete on recsys_engine.newcomer_posts to service_role;

create function recsys_engine.keep_newcomer_posts(p_written uuid[], p_touched uuid[]) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  judged_posts uuid[] := p_written;
  written bigint;
begin
  -- one at a time; within a roll-up it has this lock already
  perform pg_advisory_xact_lock(hashtext('recsys.roll_up'));
  perform recsys_engine.count_newcomer_days();
  if (select count(*) from recsys.source_posts where source_posts.post_id = any (p_written)) < cardinality(p_written) then
    -- one that is gone had the place of another: 200 posts that were erased left three of others on trial for a week
    judged_posts := array(
      select unnest(p_written) union select newcomer_posts.post_id from recsys_engine.newcomer_posts where newcomer_posts.on_trial_until > recsys.clock()
    );
  end if;
  delete from recsys_engine.newcomer_posts where newcomer_posts.post_id = any (judged_posts);
  with written as materialized (
    select posts.post_id, posts.author_id, posts.created_at, recsys_engine.day_of(posts.created_at) as day
    from unnest(judged_posts) as each (post_id)
    join recsys.source_posts as posts on posts.post_id = each.post_id
    join recsys.source_users as users on users.user_id = posts.author_id
    where recsys_engine.is_newcomer(users.created_at, posts.created_at)
  ),
  days as materialized (
    select each.day, recsys_engine.admitted_of_newcomers(each.day) as admitted from (select distinct written.day from written) as each
  ),
  -- all of these days, in order of time
  numbered as materialized (
    select
      posts.post_id, days.day, days.admitted,
      row_number() over (partition by days.day order by posts.created_at, posts.post_id) as place,
      row_number() over (partition by days.day, posts.author_id order by posts.created_at, posts.post_id) as number
    from days
    cross join lateral (
      select source_posts.post_id, source_posts.author_id, source_posts.created_at
      from recsys.source_posts
      join recsys.source_users as users on users.user_id = source_posts.author_id
      where source_posts.created_at >= days.day::timestamp at time zone 'utc' and source_posts.created_at < (days.day + 1)::timestamp at time zone 'utc'
        and recsys_engine.is_newcomer(users.created_at, source_posts.created_at)
      offset 0
    ) as posts
    order by days.day, place
  ),
  judged as (
    select
      written.post_id, written.author_id, written.created_at, numbered.number,
      -- somebody's second post has a place when fewer than are admitted came before it as others' first and second; most are decided by their places alone
      numbered.place > numbered.admitted and (
        numbered.number > numbered.admitted or numbered.admitted = (
          select count(*) from (
            select from numbered as before
            where before.day = numbered.day and before.place < numbered.place and before.number <= numbered.number
            limit numbered.admitted
          ) as earlier
        )
      ) as is_on_trial
    from written
    join numbered on numbered.post_id = written.post_id
  )
  insert into recsys_engine.newcomer_posts (post_id, user_id, created_at, number, on_trial_until)
  select judged.post_id, judged.author_id, judged.created_at, judged.number, case when judged.is_on_trial then judged.created_at + recsys_engine.trial_age() end
  from judged
  -- that another is none is known for a day: until then one that no roll-up has seen is told from it
  where judged.is_on_trial or judged.created_at > recsys.clock() - interval '1 day';
  get diagnostics written = row_count;
  update recsys_engine.newcomer_posts as tried
  set on_trial_until = least(tried.created_at + recsys_engine.trial_age(), (
    select acts.created_at
    from recsys.source_interactions as acts
    left join recsys.source_users as users on users.user_id = acts.user_id
    where acts.post_id = tried.post_id and acts.user_id <> tried.user_id and not recsys_engine.is_newcomer(users.created_at, acts.created_at)
    order by acts.created_at
    limit 1
  ))
  where tried.post_id = any (p_touched) and tried.on_trial_until is not null;
  return written;
end
$$;
comment on function recsys_engine.keep_newcomer_posts(uuid[], uuid[]) is 'Decides which of some posts (p_written, each named once) are on trial, and where one of them is gone, which others still are; and of p_touched until when: to whom somebody came. Returns how many it wrote down. Called by each roll-up.';

revoke all on function recsys_engine.keep_newcomer_posts(uuid[], uuid[]) from public;
grant execute on function recsys_engine.keep_newcomer_posts(uuid[], uuid[]) to service_role;
