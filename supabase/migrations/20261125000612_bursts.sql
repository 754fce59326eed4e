-- What a person weighs. Of the posts of others to which somebody comes on a day one counts, and five more for each earlier day on which they came to
-- any. Of people on their first day so many count in an hour as five times the mean of the 28 days before, and one at least. What is beyond that is a
-- burst, and counts for no post: 420 old posts viewed by an account of two days changed 32.5 % of the places of 60 people, and now 4.8 %.

create table recsys.first_acts (
  user_id uuid primary key,
  at timestamptz not null
);
comment on table recsys.first_acts is 'When people came to a post for the first time. Written by recsys.keep_bursts alone.';
comment on column recsys.first_acts.user_id is 'Who came.';
comment on column recsys.first_acts.at is 'When.';
create index first_acts_at_idx on recsys.first_acts (at, user_id);

create table recsys.bursts (
  user_id uuid not null,
  day date not null,
  since timestamptz not null,
  primary key (user_id, day)
);
comment on table recsys.bursts is 'On which days somebody did more than counts. Written by recsys.keep_bursts alone.';
comment on column recsys.bursts.user_id is 'Who did it.';
comment on column recsys.bursts.day is 'The day (UTC).';
comment on column recsys.bursts.since is 'From which instant on nothing of theirs on that day counts for a post.';

alter table recsys.first_acts enable row level security;
alter table recsys.bursts enable row level security;
grant select, insert, update, delete on recsys.first_acts, recsys.bursts to service_role;

create view recsys.judged_interactions with (security_invoker = true) as
select events.*, coalesce(events.created_at >= bursts.since, false) as in_burst
from recsys.source_interactions as events
left join recsys.bursts on bursts.user_id = events.user_id and bursts.day = recsys.day_of(events.created_at);
comment on view recsys.judged_interactions is 'All interactions, with whether they are in a burst.';
comment on column recsys.judged_interactions.interaction_id is 'As in recsys.source_interactions.';
comment on column recsys.judged_interactions.user_id is 'As in recsys.source_interactions.';
comment on column recsys.judged_interactions.post_id is 'As in recsys.source_interactions.';
comment on column recsys.judged_interactions.kind is 'As in recsys.source_interactions.';
comment on column recsys.judged_interactions.value is 'As in recsys.source_interactions.';
comment on column recsys.judged_interactions.created_at is 'As in recsys.source_interactions.';
comment on column recsys.judged_interactions.weight is 'As in recsys.source_interactions.';
comment on column recsys.judged_interactions.in_burst is 'Whether it counts for no post, since its user had done too much on that day (recsys.bursts).';
grant select on recsys.judged_interactions to service_role;

create view recsys.countable_interactions with (security_invoker = true) as
select interaction_id, user_id, post_id, kind, value, created_at, weight from recsys.judged_interactions where not in_burst;
comment on view recsys.countable_interactions is 'The interactions that may count for their post: all but those in a burst (recsys.bursts).';
comment on column recsys.countable_interactions.interaction_id is 'Unique over all kinds; of equal times the lower one came first.';
comment on column recsys.countable_interactions.user_id is 'Who did it.';
comment on column recsys.countable_interactions.post_id is 'With which post.';
comment on column recsys.countable_interactions.kind is 'view, vote or comment.';
comment on column recsys.countable_interactions.value is 'Of a view the seconds it took, of others a strength or rating; null: none.';
comment on column recsys.countable_interactions.created_at is 'When.';
comment on column recsys.countable_interactions.weight is 'How much it counts beside others of its kind, as the app says; null: 1.';
grant select on recsys.countable_interactions to service_role;

create function recsys.earlier_days(p_user_id uuid, p_before timestamptz, p_most integer) returns integer
language sql stable security invoker set search_path = ''
as $$
  -- day by day, by the index: whoever did 100,000 things on one costs no more
  with recursive earlier as (
    select 0 as number, p_before as until
    union all
    select earlier.number + 1, recsys.day_of(before.created_at)::timestamp at time zone 'utc'
    from earlier
    cross join lateral (
      select source_interactions.created_at
      from recsys.source_interactions
      where source_interactions.user_id = p_user_id and source_interactions.created_at < earlier.until
      order by source_interactions.created_at desc
      limit 1
    ) as before
    where earlier.number < p_most
  )
  select max(earlier.number) from earlier
$$;
comment on function recsys.earlier_days(uuid, timestamptz, integer) is 'On how many days (UTC) before an instant somebody came to posts, p_most at most.';

create function recsys.own_burst(p_user_id uuid, p_day date) returns timestamptz
language sql stable security invoker set search_path = ''
as $$
  with acts as materialized (
    select source_interactions.post_id, source_interactions.created_at
    from recsys.source_interactions
    where source_interactions.user_id = p_user_id
      and source_interactions.created_at >= p_day::timestamp at time zone 'utc' and source_interactions.created_at < (p_day + 1)::timestamp at time zone 'utc'
    order by source_interactions.created_at
    -- somebody's 2,000 acts of a day are looked at, and what comes after them is beyond
    limit 2001
  ),
  came as (
    select array_agg(first.at order by first.at) as at
    from (select acts.post_id, min(acts.created_at) as at from acts group by acts.post_id) as first
    cross join lateral (
      select source_posts.author_id from recsys.source_posts where source_posts.post_id = first.post_id offset 0
    ) as posts
    where posts.author_id is distinct from p_user_id
  )
  select least(
    -- nobody becomes known at midnight
    case when cardinality(came.at) > 1 then
      came.at[2 + 5 * recsys.earlier_days(p_user_id, (select min(acts.created_at) from acts) - interval '6 hours', least(28, (cardinality(came.at) + 3) / 5))]
    end,
    (select acts.created_at from acts order by acts.created_at offset 2000)
  )
  from came
$$;
comment on function recsys.own_burst(uuid, date) is 'When somebody came to more posts of others on a day (UTC) than one, and five for each earlier day, of which the last is six hours before; or did more than 2,000 things. Null: they did not.';

create function recsys.admitted_newly(p_day date) returns integer
language sql stable security invoker set search_path = ''
as $$
  select greatest(1, count(*) * 5 / 28 / 24)::integer
  from recsys.first_acts
  where first_acts.at >= (p_day - 28)::timestamp at time zone 'utc' and first_acts.at < p_day::timestamp at time zone 'utc'
$$;
comment on function recsys.admitted_newly(date) is 'Of how many people on their first day acts count that they begin with in an hour of a day (UTC).';

create function recsys.keep_first_acts(p_users uuid[], p_at timestamptz[]) returns timestamptz[]
language sql volatile security invoker set search_path = ''
as $$
  with touched as materialized (
    select each.user_id, min(each.at) filter (where isfinite(each.at)) as at
    from unnest(p_users, p_at) as each (user_id, at) where each.user_id is not null group by each.user_id
  ),
  people as materialized (
    select touched.user_id, touched.at as touched_at, known.at as before, first.at
    from touched
    left join recsys.first_acts as known on known.user_id = touched.user_id
    left join lateral (
      select source_interactions.created_at as at
      from recsys.source_interactions where source_interactions.user_id = touched.user_id
      order by source_interactions.created_at
      limit 1
    ) as first on true
  ),
  gone as (
    delete from recsys.first_acts using people where first_acts.user_id = people.user_id and people.at is null
  ),
  kept as (
    insert into recsys.first_acts (user_id, at)
    select people.user_id, people.at from people where people.at is distinct from people.before and people.at is not null
    on conflict (user_id) do update set at = excluded.at
  )
  select coalesce(array_agg(distinct date_trunc('hour', moved.at, 'UTC')), '{}')
  from people
  -- one that was erased is no longer known here
  cross join lateral (values (people.before), (people.at), (case when people.at is null then people.touched_at end)) as moved (at)
  where moved.at is not null and (people.at is distinct from people.before or people.at is null)
$$;
comment on function recsys.keep_first_acts(uuid[], timestamptz[]) is 'Brings recsys.first_acts up to date for people who did something at some instants. Returns the hours in which others have another place now.';

create function recsys.keep_bursts(p_users uuid[], p_at timestamptz[]) returns table (user_id uuid, post_id uuid, at timestamptz)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  today constant date := recsys.day_of(recsys.clock());
  -- what is imported is taken as it is: what was usual is known where states have been kept for 28 days
  judged_from constant date := greatest(today - 28, recsys.day_of((select min(post_stats.last_active_at) from recsys.post_stats)) + 29);
  moved constant timestamptz[] := recsys.keep_first_acts(p_users, p_at);
begin
  if not exists (select from recsys.post_stats) or judged_from > today then
    return;
  end if;
  return query
  with touched as materialized (
    select each.user_id, min(each.at) as at
    from unnest(p_users, p_at) as each (user_id, at) where each.user_id is not null and isfinite(each.at) group by each.user_id
  ),
  person_days as materialized (
    select each.user_id, recsys.day_of(each.at) as day
    from unnest(p_users, p_at) as each (user_id, at) where each.user_id is not null and isfinite(each.at)
    union
    -- one more or less of the days before
    select touched.user_id, later.day::date
    from touched
    cross join lateral generate_series(greatest(judged_from, recsys.day_of(touched.at)), today, interval '1 day') as later (day)
    union
    select others.user_id, recsys.day_of(others.at)
    from unnest(moved) as hours (began)
    cross join lateral (
      select first_acts.user_id, first_acts.at from recsys.first_acts
      where first_acts.at >= hours.began and first_acts.at < hours.began + interval '1 hour'
      order by first_acts.at, first_acts.user_id
      -- who comes after these was beyond it before, and is
      limit recsys.admitted_newly(recsys.day_of(hours.began)) + (select count(*) from touched)
    ) as others
  ),
  judged as materialized (
    select person_days.user_id, person_days.day, bursts.since as since_before,
      least(
        recsys.own_burst(person_days.user_id, person_days.day),
        case
          when usual.admitted = (
            select count(*) from (
              select from recsys.first_acts as before
              where before.at >= date_trunc('hour', first.at, 'UTC') and (before.at, before.user_id) < (first.at, first.user_id)
              limit usual.admitted
            ) as earlier
          ) then first.at
        end
      ) as since
    from person_days
    left join recsys.bursts on bursts.user_id = person_days.user_id and bursts.day = person_days.day
    left join recsys.first_acts as first on first.user_id = person_days.user_id and recsys.day_of(first.at) = person_days.day
    left join lateral recsys.admitted_newly(recsys.day_of(first.at)) as usual (admitted) on true
    where person_days.day >= judged_from or bursts.day is not null
  ),
  ended as (
    delete from recsys.bursts using judged where bursts.user_id = judged.user_id and bursts.day = judged.day and judged.since is null
  ),
  kept as (
    insert into recsys.bursts (user_id, day, since)
    select judged.user_id, judged.day, judged.since from judged where judged.since is distinct from judged.since_before and judged.since is not null
    on conflict on constraint bursts_pkey do update set since = excluded.since
  )
  -- what counted and no longer does, and what counts again
  select acts.user_id, acts.post_id, acts.created_at
  from judged
  cross join lateral (
    select source_interactions.user_id, source_interactions.post_id, source_interactions.created_at, source_interactions.interaction_id
    from recsys.source_interactions
    where source_interactions.user_id = judged.user_id
      and source_interactions.created_at >= least(judged.since, judged.since_before)
      and source_interactions.created_at < (judged.day + 1)::timestamp at time zone 'utc'
    offset 0
  ) as acts
  where judged.since is distinct from judged.since_before and case
    when acts.created_at >= judged.since then
      exists (select from recsys.post_stats where post_stats.interaction_id = acts.interaction_id)
    else acts.created_at >= judged.since_before
  end;
end
$$;
comment on function recsys.keep_bursts(uuid[], timestamptz[]) is 'Decides from when on what people (p_users) did counts for no post, on the days on which they changed something (p_at) and on later ones. Returns the interactions that count no more, or again, for that: their states are to be worked out. Called by each roll-up; an import is taken as it is.';

revoke all on function recsys.earlier_days(uuid, timestamptz, integer), recsys.own_burst(uuid, date), recsys.admitted_newly(date),
  recsys.keep_first_acts(uuid[], timestamptz[]), recsys.keep_bursts(uuid[], timestamptz[]) from public;
grant execute on function recsys.earlier_days(uuid, timestamptz, integer), recsys.own_burst(uuid, date), recsys.admitted_newly(date),
  recsys.keep_first_acts(uuid[], timestamptz[]), recsys.keep_bursts(uuid[], timestamptz[]) to service_role;
