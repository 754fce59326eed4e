-- Newcomers, who signed up less than a day before, and days on which they do more than usual. Five times as much as usual, the mean of the 28 days
-- before, counts as what others do counts. What they come to beyond that counts for no post: one new account that viewed 420 old posts changed
-- 30 % of the places of 60 people, and now changes none. What they write beyond it is on trial (20261125000714_newcomer_posts.sql).

create table recsys.newcomer_days (
  day date primary key,
  posts integer not null,
  acts bigint not null,
  people bigint not null
);
comment on table recsys.newcomer_days is 'What newcomers did a day, counted once the day (UTC) is over. A day without a row had nothing of it.';
comment on column recsys.newcomer_days.day is 'The day.';
comment on column recsys.newcomer_days.posts is 'How many posts were written on it by people who had signed up less than a day before.';
comment on column recsys.newcomer_days.acts is 'How many posts newcomers came to on it, each person and post once.';
comment on column recsys.newcomer_days.people is 'How many people had signed up by its end.';

create table recsys.newcomer_bursts (
  day date primary key,
  since timestamptz not null
);
comment on table recsys.newcomer_bursts is 'Days on which newcomers came to more than five times as many posts as usual: what else they did on such a day counts for no post. Written by recsys.keep_newcomer_bursts alone.';
comment on column recsys.newcomer_bursts.day is 'The day (UTC).';
comment on column recsys.newcomer_bursts.since is 'From which instant on nothing of theirs counts.';

alter table recsys.newcomer_days enable row level security;
alter table recsys.newcomer_bursts enable row level security;
grant select, insert, update, delete on recsys.newcomer_days, recsys.newcomer_bursts to service_role;

create function recsys.is_newcomer(p_signed_up timestamptz, p_at timestamptz) returns boolean
language sql immutable security invoker
return coalesce(p_signed_up > p_at - interval '1 day', false);
comment on function recsys.is_newcomer(timestamptz, timestamptz) is 'Whether somebody who signed up at p_signed_up (null: unknown, who is none) is a newcomer at p_at.';

create function recsys.day_of(p_at timestamptz) returns date
language sql immutable security invoker
return (p_at at time zone 'utc')::date;
comment on function recsys.day_of(timestamptz) is 'The day (UTC) of an instant.';

create function recsys.in_newcomer_burst(p_user_id uuid, p_at timestamptz) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select exists (
    select
    from recsys.newcomer_bursts as bursts
    cross join lateral (select source_users.created_at from recsys.source_users where source_users.user_id = p_user_id offset 0) as users
    where bursts.day = recsys.day_of(p_at) and p_at >= bursts.since and recsys.is_newcomer(users.created_at, p_at)
  )
$$;
comment on function recsys.in_newcomer_burst(uuid, timestamptz) is 'Whether what somebody did at an instant counts for no post, since newcomers had done too much on that day.';

create view recsys.countable_interactions with (security_invoker = true) as
select events.*
from recsys.source_interactions as events
-- nearly always there is none, which is asked once
where not exists (select from recsys.newcomer_bursts) or not recsys.in_newcomer_burst(events.user_id, events.created_at);
comment on view recsys.countable_interactions is 'The interactions that may count for their post: all but those of newcomers in a burst.';
comment on column recsys.countable_interactions.interaction_id is 'Unique over all kinds; of equal times the lower one came first.';
comment on column recsys.countable_interactions.user_id is 'Who did it.';
comment on column recsys.countable_interactions.post_id is 'With which post.';
comment on column recsys.countable_interactions.kind is 'view, vote or comment.';
comment on column recsys.countable_interactions.value is 'Of a view the seconds it took, of others a strength or rating; null: none.';
comment on column recsys.countable_interactions.created_at is 'When.';
comment on column recsys.countable_interactions.weight is 'How much it counts beside others of its kind, as the app says; null: 1.';
grant select on recsys.countable_interactions to service_role;

create function recsys.newcomer_acts(p_day date, p_of_each bigint) returns table (user_id uuid, post_id uuid, at timestamptz)
language sql stable security invoker set search_path = ''
as $$
  select came.user_id, came.post_id, came.at
  from recsys.source_users as users
  cross join lateral (
    select users.user_id, acts.post_id, min(acts.created_at) as at
    from recsys.source_interactions as acts
    where acts.user_id = users.user_id and recsys.is_newcomer(users.created_at, acts.created_at)
      and acts.created_at >= p_day::timestamp at time zone 'utc' and acts.created_at < (p_day + 1)::timestamp at time zone 'utc'
    group by acts.post_id
    order by min(acts.created_at), acts.post_id
    limit p_of_each
  ) as came
  where users.created_at > (p_day - 1)::timestamp at time zone 'utc'
$$;
comment on function recsys.newcomer_acts(date, bigint) is 'The posts to which newcomers came on a day (UTC), each person and post once, and when first. Of each person the first p_of_each; null: all.';

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
  insert into recsys.newcomer_days (day, posts, acts, people)
  select
    counted.day, sum(counted.posts), sum(counted.acts),
    sum(sum(counted.people)) over (order by counted.day)
      + coalesce((select newcomer_days.people from recsys.newcomer_days order by newcomer_days.day desc limit 1), 0)
  from (
    select recsys.day_of(posts.created_at) as day, count(*) as posts, 0 as acts, 0 as people
    from recsys.source_posts as posts
    join recsys.source_users as users on users.user_id = posts.author_id
    where posts.created_at >= first_day::timestamp at time zone 'utc' and posts.created_at < today::timestamp at time zone 'utc'
      and recsys.is_newcomer(users.created_at, posts.created_at)
    group by 1
    union all
    select recsys.day_of(users.created_at), 0, 0, count(*)
    from recsys.source_users as users
    where users.created_at >= first_day::timestamp at time zone 'utc' and users.created_at < today::timestamp at time zone 'utc'
    group by 1
    union all
    select came.day, 0, count(*), 0
    from recsys.source_users as users
    cross join lateral (
      select distinct recsys.day_of(acts.created_at) as day, acts.post_id
      from recsys.source_interactions as acts
      where acts.user_id = users.user_id and recsys.is_newcomer(users.created_at, acts.created_at)
        and acts.created_at >= first_day::timestamp at time zone 'utc' and acts.created_at < today::timestamp at time zone 'utc'
      offset 0
    ) as came
    where users.created_at > (first_day - 1)::timestamp at time zone 'utc'
    group by came.day
    union all
    -- up to which day it is counted
    select today - 1, 0, 0, 0
  ) as counted
  group by counted.day;
end
$$;
comment on function recsys.count_newcomer_days() is 'Brings recsys.newcomer_days up to yesterday: once a day, with the last 28 days counted anew, and the first time all there are.';

create function recsys.admitted_of_newcomers(p_day date) returns table (posts integer, acts bigint)
language sql stable security invoker set search_path = ''
as $$
  select (before.posts * 5 / 28)::integer, (before.acts * 5 / 28)::bigint
  from (select max(newcomer_days.people) as people from recsys.newcomer_days where newcomer_days.day < p_day) as everybody,
    (select max(newcomer_days.people) as people from recsys.newcomer_days where newcomer_days.day < p_day - 1) as older,
    (
      select coalesce(sum(newcomer_days.posts), 0) as posts, coalesce(sum(newcomer_days.acts), 0) as acts
      from recsys.newcomer_days where newcomer_days.day between p_day - 28 and p_day - 1
    ) as before
  where older.people * 2 >= greatest(everybody.people, 1) and exists (select from recsys.newcomer_days where newcomer_days.day <= p_day - 28)
$$;
comment on function recsys.admitted_of_newcomers(date) is 'How many posts that newcomers write, and how many posts that they come to, count on a day: five times the mean of the 28 days before, rounded down. No row: all, since the community is younger than that, or more than half of its people had signed up on the day before.';

create function recsys.keep_newcomer_bursts(p_users uuid[], p_at timestamptz[]) returns table (user_id uuid, post_id uuid, at timestamptz)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  touched_days date[];
begin
  touched_days := array(
    select distinct recsys.day_of(touched.at)
    from (select distinct each.user_id, each.at from unnest(p_users, p_at) as each (user_id, at) where isfinite(each.at)) as touched
    left join lateral (
      select source_users.created_at from recsys.source_users where source_users.user_id = touched.user_id offset 0
    ) as users on true
    where recsys.is_newcomer(users.created_at, touched.at)
      -- where somebody is deleted, others may count again
      or recsys.day_of(touched.at) in (select bursts.day from recsys.newcomer_bursts as bursts)
  );
  if touched_days = '{}' then
    return;
  end if;
  perform recsys.count_newcomer_days();
  return query
  with days as materialized (
    select
      each.day, bursts.since as since_before,
      (select acts.at from recsys.newcomer_acts(each.day, usual.acts + 1) as acts order by acts.at offset usual.acts limit 1) as since
    from unnest(touched_days) as each (day)
    join lateral recsys.admitted_of_newcomers(each.day) as usual on true
    left join recsys.newcomer_bursts as bursts on bursts.day = each.day
    -- what is imported is taken as it is: what was usual is known where states have been kept for 28 days
    where (each.day >= recsys.day_of(recsys.clock()) - 28 or bursts.day is not null)
      and exists (select from recsys.post_stats where post_stats.last_active_at < (each.day - 28)::timestamp at time zone 'utc')
  ),
  ended as (
    delete from recsys.newcomer_bursts as bursts using days where bursts.day = days.day and days.since is null
  ),
  kept as (
    insert into recsys.newcomer_bursts (day, since)
    select days.day, days.since from days where days.since is not null
    on conflict (day) do update set since = excluded.since
  )
  -- what counted and no longer does, and what counts again
  select acts.user_id, acts.post_id, acts.created_at
  from days
  join recsys.source_users as users on users.created_at > (days.day - 1)::timestamp at time zone 'utc'
  cross join lateral (
    select source_interactions.user_id, source_interactions.post_id, source_interactions.created_at, source_interactions.interaction_id
    from recsys.source_interactions
    where source_interactions.user_id = users.user_id and recsys.is_newcomer(users.created_at, source_interactions.created_at)
      and source_interactions.created_at >= least(days.since, days.since_before)
      and source_interactions.created_at < (days.day + 1)::timestamp at time zone 'utc'
    offset 0
  ) as acts
  where days.since is distinct from days.since_before and case
    when acts.created_at >= days.since then
      exists (select from recsys.post_stats where post_stats.interaction_id = acts.interaction_id)
    else acts.created_at >= days.since_before
  end;
end
$$;
comment on function recsys.keep_newcomer_bursts(uuid[], timestamptz[]) is 'Decides from when on what newcomers do counts for no post, on the days on which some people (p_users) changed something (p_at). Returns the interactions that count no more, or again, for that: their states are to be worked out. Called by each roll-up; an import is taken as it is.';

revoke all on function recsys.is_newcomer(timestamptz, timestamptz), recsys.day_of(timestamptz), recsys.in_newcomer_burst(uuid, timestamptz),
  recsys.newcomer_acts(date, bigint), recsys.count_newcomer_days(), recsys.admitted_of_newcomers(date), recsys.keep_newcomer_bursts(uuid[], timestamptz[]) from public;
grant execute on function recsys.is_newcomer(timestamptz, timestamptz), recsys.day_of(timestamptz), recsys.in_newcomer_burst(uuid, timestamptz),
  recsys.newcomer_acts(date, bigint), recsys.count_newcomer_days(), recsys.admitted_of_newcomers(date), recsys.keep_newcomer_bursts(uuid[], timestamptz[]) to service_role;
