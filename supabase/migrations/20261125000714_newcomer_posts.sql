-- What newcomers write; a newcomer signed up less than a day before. Of their posts of a day (UTC) five times as many as usual, the mean of the
-- 28 days before, are posts like all others. Those beyond are on trial: places for trials alone bring them, what one follows, and a filter by the author.
-- The first act of somebody who is no newcomer and not the author ends a trial, and a week does. Of Travel's 12,292 posts by newcomers 4 were ever on
-- trial, with three times as many 54. Before, one post of a new account had a place in each feed of 60 people, and ten accounts had all.

create table recsys.newcomer_days (
  day date primary key,
  posts integer not null,
  people bigint not null
);
comment on table recsys.newcomer_days is 'How many posts newcomers wrote a day, counted once the day (UTC) is over. A day without a row had none.';
comment on column recsys.newcomer_days.day is 'The day.';
comment on column recsys.newcomer_days.posts is 'How many posts were written on it by people who had signed up less than a day before.';
comment on column recsys.newcomer_days.people is 'How many people had signed up by its end.';

create table recsys.newcomer_posts (
  post_id uuid primary key,
  user_id uuid not null,
  created_at timestamptz not null,
  number integer not null,
  on_trial_until timestamptz
);
comment on table recsys.newcomer_posts is 'Posts that newcomers wrote: those that are or were on trial, and of the others those of the last day. Written by recsys.keep_newcomer_posts alone.';
comment on column recsys.newcomer_posts.post_id is 'The post.';
comment on column recsys.newcomer_posts.user_id is 'Its author.';
comment on column recsys.newcomer_posts.created_at is 'When it was written.';
comment on column recsys.newcomer_posts.number is 'Which of its author''s posts of that day it is, from 1.';
comment on column recsys.newcomer_posts.on_trial_until is 'Until when it is on trial; null: it never was.';
create index newcomer_posts_on_trial_idx on recsys.newcomer_posts (on_trial_until) where on_trial_until is not null;
-- a deleted user is erased from here too
create index newcomer_posts_user_id_idx on recsys.newcomer_posts (user_id);

alter table recsys.newcomer_days enable row level security;
alter table recsys.newcomer_posts enable row level security;
create policy "trials are read with their post" on recsys.newcomer_posts for select to authenticated
  using (exists (select from recsys.source_posts where source_posts.post_id = newcomer_posts.post_id offset 0));
grant select on recsys.newcomer_posts to authenticated;
grant select, insert, update, delete on recsys.newcomer_days, recsys.newcomer_posts to service_role;

create function recsys.is_newcomer(p_signed_up timestamptz, p_at timestamptz) returns boolean
language sql immutable security invoker
return coalesce(p_signed_up > p_at - interval '1 day', false);
comment on function recsys.is_newcomer(timestamptz, timestamptz) is 'Whether somebody who signed up at p_signed_up (null: unknown, who is none) is a newcomer at p_at.';

create function recsys.day_of(p_at timestamptz) returns date
language sql immutable security invoker
return (p_at at time zone 'utc')::date;
comment on function recsys.day_of(timestamptz) is 'The day (UTC) of an instant.';

create function recsys.count_newcomer_days() returns void
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  today constant date := recsys.day_of(recsys.clock());
  last_day constant date := (select max(newcomer_days.day) from recsys.newcomer_days);
  first_day constant date := case when last_day is null then '-infinity' else least(last_day + 1, today - 28) end;
begin
  if last_day >= today - 1 then
    return;
  end if;
  -- an import may have brought more of the last 28 days since they were counted
  delete from recsys.newcomer_days where newcomer_days.day >= first_day;
  insert into recsys.newcomer_days (day, posts, people)
  select
    counted.day, sum(counted.posts),
    sum(sum(counted.people)) over (order by counted.day)
      + coalesce((select newcomer_days.people from recsys.newcomer_days order by newcomer_days.day desc limit 1), 0)
  from (
    select recsys.day_of(posts.created_at) as day, count(*) as posts, 0 as people
    from recsys.source_posts as posts
    join recsys.source_users as users on users.user_id = posts.author_id
    where posts.created_at >= first_day::timestamp at time zone 'utc' and posts.created_at < today::timestamp at time zone 'utc'
      and recsys.is_newcomer(users.created_at, posts.created_at)
    group by 1
    union all
    select recsys.day_of(users.created_at), 0, count(*)
    from recsys.source_users as users
    where users.created_at >= first_day::timestamp at time zone 'utc' and users.created_at < today::timestamp at time zone 'utc'
    group by 1
    union all
    -- up to which day it is counted
    select today - 1, 0, 0
  ) as counted
  group by counted.day;
end
$$;
comment on function recsys.count_newcomer_days() is 'Brings recsys.newcomer_days up to yesterday: once a day, with the last 28 days counted anew, and the first time all there are.';

create function recsys.newcomer_posts_admitted(p_day date) returns integer
language sql stable security invoker set search_path = ''
as $$
  select case
    when older.people * 2 >= greatest(everybody.people, 1) and exists (select from recsys.newcomer_days where newcomer_days.day <= p_day - 28) then
      (select coalesce(sum(newcomer_days.posts), 0) * 5 / 28 from recsys.newcomer_days where newcomer_days.day between p_day - 28 and p_day - 1)
  end::integer
  from (select max(newcomer_days.people) as people from recsys.newcomer_days where newcomer_days.day < p_day) as everybody,
    (select max(newcomer_days.people) as people from recsys.newcomer_days where newcomer_days.day < p_day - 1) as older
$$;
comment on function recsys.newcomer_posts_admitted(date) is 'How many posts of newcomers are like all others on a day: five times the mean of the 28 days before, rounded down. null: all, since the community is younger than that, or more than half of its people had signed up on the day before.';

create function recsys.keep_newcomer_posts(p_written uuid[], p_touched uuid[]) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  written bigint;
begin
  -- one at a time; within a roll-up it has this lock already
  perform pg_advisory_xact_lock(hashtext('recsys.roll_up'));
  perform recsys.count_newcomer_days();
  delete from recsys.newcomer_posts where newcomer_posts.post_id = any (p_written);
  with written as materialized (
    select posts.post_id, posts.author_id, posts.created_at, recsys.day_of(posts.created_at) as day
    from unnest(p_written) as each (post_id)
    join recsys.source_posts as posts on posts.post_id = each.post_id
    join recsys.source_users as users on users.user_id = posts.author_id
    where recsys.is_newcomer(users.created_at, posts.created_at)
  ),
  days as materialized (
    select each.day, recsys.newcomer_posts_admitted(each.day) as admitted from (select distinct written.day from written) as each
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
        and recsys.is_newcomer(users.created_at, source_posts.created_at)
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
  insert into recsys.newcomer_posts (post_id, user_id, created_at, number, on_trial_until)
  select judged.post_id, judged.author_id, judged.created_at, judged.number, case when judged.is_on_trial then judged.created_at + recsys.trial_age() end
  from judged
  -- that another is none is known for a day: until then one that no roll-up has seen is told from it
  where judged.is_on_trial or judged.created_at > recsys.clock() - interval '1 day';
  get diagnostics written = row_count;
  update recsys.newcomer_posts as tried
  set on_trial_until = least(tried.created_at + recsys.trial_age(), (
    select acts.created_at
    from recsys.source_interactions as acts
    left join recsys.source_users as users on users.user_id = acts.user_id
    where acts.post_id = tried.post_id and acts.user_id <> tried.user_id and not recsys.is_newcomer(users.created_at, acts.created_at)
    order by acts.created_at
    limit 1
  ))
  where tried.post_id = any (p_touched) and tried.on_trial_until is not null;
  return written;
end
$$;
comment on function recsys.keep_newcomer_posts(uuid[], uuid[]) is 'Decides which of some posts (p_written, each named once) are on trial, and of p_touched until when: to whom somebody came. Returns how many it wrote down. Called by each roll-up.';

revoke all on function recsys.is_newcomer(timestamptz, timestamptz), recsys.day_of(timestamptz), recsys.count_newcomer_days(), recsys.newcomer_posts_admitted(date),
  recsys.keep_newcomer_posts(uuid[], uuid[]) from public;
grant execute on function recsys.is_newcomer(timestamptz, timestamptz), recsys.day_of(timestamptz), recsys.count_newcomer_days(), recsys.newcomer_posts_admitted(date),
  recsys.keep_newcomer_posts(uuid[], uuid[]) to service_role;
