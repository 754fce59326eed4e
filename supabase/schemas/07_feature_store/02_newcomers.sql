-- Newcomers, who signed up less than a day before, and how many posts of theirs are usual: five times the mean of the 28 days before are posts like
-- all others. What they write beyond it is on trial (08_roll_up/04_newcomer_posts.sql).

create table recsys_engine.newcomer_days (
  day date primary key,
  posts integer not null,
  people bigint not null
);
comment on table recsys_engine.newcomer_days is 'What newcomers wrote a day, counted once the day (UTC) is over. A day without a row had nothing of it.';
comment on column recsys_engine.newcomer_days.day is 'The day.';
comment on column recsys_engine.newcomer_days.posts is 'How many posts were written on it by people who had signed up less than a day before.';
comment on column recsys_engine.newcomer_days.people is 'How many people had signed up by its end.';

alter table recsys_engine.newcomer_days enable row level security;
grant select, insert, update, delete on recsys_engine.newcomer_days to service_role;

create function recsys_engine.is_newcomer(p_signed_up timestamptz, p_at timestamptz) returns boolean
language sql immutable security invoker
return coalesce(p_signed_up > p_at - interval '1 day', false);
comment on function recsys_engine.is_newcomer(timestamptz, timestamptz) is 'Whether somebody who signed up at p_signed_up (null: unknown, who is none) is a newcomer at p_at.';

create function recsys_engine.day_of(p_at timestamptz) returns date
language sql immutable security invoker
return (p_at at time zone 'utc')::date;
comment on function recsys_engine.day_of(timestamptz) is 'The day (UTC) of an instant.';

create function recsys_engine.count_newcomer_days() returns void
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  today constant date := recsys_engine.day_of(recsys.clock());
  last_day constant date := (select max(newcomer_days.day) from recsys_engine.newcomer_days);
  first_day constant date := case when last_day is null then '-infinity' else least(last_day + 1, today - 28) end;
begin
  if last_day >= today - 1 then
    return;
  end if;
  -- an import may have brought more of the last 28 days since they were counted
  delete from recsys_engine.newcomer_days where newcomer_days.day >= first_day;
  insert into recsys_engine.newcomer_days (day, posts, people)
  select
    counted.day, sum(counted.posts),
    sum(sum(counted.people)) over (order by counted.day)
      + coalesce((select newcomer_days.people from recsys_engine.newcomer_days order by newcomer_days.day desc limit 1), 0)
  from (
    select recsys_engine.day_of(posts.created_at) as day, count(*) as posts, 0 as people
    from recsys.source_posts as posts
    join recsys.source_users as users on users.user_id = posts.author_id
    where posts.created_at >= first_day::timestamp at time zone 'utc' and posts.created_at < today::timestamp at time zone 'utc'
      and recsys_engine.is_newcomer(users.created_at, posts.created_at)
    group by 1
    union all
    select recsys_engine.day_of(users.created_at), 0, count(*)
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
comment on function recsys_engine.count_newcomer_days() is 'Brings recsys_engine.newcomer_days up to yesterday: once a day, with the last 28 days counted again, and the first time all there are.';

create function recsys_engine.admitted_of_newcomers(p_day date) returns integer
language sql stable security invoker set search_path = ''
as $$
  select (before.posts * 5 / 28)::integer
  from (select max(newcomer_days.people) as people from recsys_engine.newcomer_days where newcomer_days.day < p_day) as everybody,
    (select max(newcomer_days.people) as people from recsys_engine.newcomer_days where newcomer_days.day < p_day - 1) as older,
    (
      select coalesce(sum(newcomer_days.posts), 0) as posts
      from recsys_engine.newcomer_days where newcomer_days.day between p_day - 28 and p_day - 1
    ) as before
  where older.people * 2 >= greatest(everybody.people, 1) and exists (select from recsys_engine.newcomer_days where newcomer_days.day <= p_day - 28)
$$;
comment on function recsys_engine.admitted_of_newcomers(date) is 'How many posts that newcomers write on a day are posts like all others: five times the mean of the 28 days before, rounded down. Null: all, since the community is younger than that, or more than half of its people had signed up on the day before.';

revoke all on function recsys_engine.is_newcomer(timestamptz, timestamptz), recsys_engine.day_of(timestamptz), recsys_engine.count_newcomer_days(), recsys_engine.admitted_of_newcomers(date) from public;
grant execute on function recsys_engine.is_newcomer(timestamptz, timestamptz), recsys_engine.day_of(timestamptz), recsys_engine.count_newcomer_days(), recsys_engine.admitted_of_newcomers(date) to service_role;
