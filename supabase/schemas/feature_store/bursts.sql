-- A person's weight. Six posts of others a day count, and five more for each earlier active day but the first. In
-- their first 24 hours old posts count for one act in half an hour and three in three hours, or five times the mean
-- of 28 days. Anything beyond is a burst and counts for no post: 420 old posts viewed by an account of two days
-- changed 32.5 % of the places of 60 people, and now 4.8 %. Views of all posts of the last day changed 0.2 %. On a
-- first day, people move no post of a new author whom no known person has met (engaged_new_authors.sql). An action
-- written a day late counts for no post and makes no person known: one view dated back a day changed 23.7 %.

create table recsys_engine.first_day_interactions (
  user_id uuid not null,
  number smallint not null,
  at timestamptz not null,
  primary key (user_id, number)
);
comment on table recsys_engine.first_day_interactions is 'Interactions of users with posts of others older than a day, within 24 hours of the user''s first interaction. Only recsys_engine.refresh_bursts writes it.';
comment on column recsys_engine.first_day_interactions.user_id is 'Who came.';
comment on column recsys_engine.first_day_interactions.number is 'Rank of the interaction among these, in order of time, from 1 to 12; later ones are not kept.';
comment on column recsys_engine.first_day_interactions.at is 'First interaction of the user with the post.';
create index first_day_interactions_at_idx on recsys_engine.first_day_interactions (at, user_id, number);

create table recsys_engine.bursts (
  user_id uuid not null,
  day date not null,
  since timestamptz not null,
  primary key (user_id, day)
);
comment on table recsys_engine.bursts is 'Days on which a user''s interactions exceed what counts, with the instant of each. Only recsys_engine.refresh_bursts writes it.';
comment on column recsys_engine.bursts.user_id is 'Who did it.';
comment on column recsys_engine.bursts.day is 'The day (UTC).';
comment on column recsys_engine.bursts.since is 'From which instant on nothing of theirs on that day counts for a post.';

create table recsys_engine.backdated_days (
  user_id uuid not null,
  day date not null,
  primary key (user_id, day)
);
comment on table recsys_engine.backdated_days is 'Days of a user that the engine learned of more than six hours late. Interactions of such a day count for no post and make no user known. Only recsys_engine.queue_feature_changes writes it.';
comment on column recsys_engine.backdated_days.user_id is 'Whose.';
comment on column recsys_engine.backdated_days.day is 'The day (UTC).';

alter table recsys_engine.first_day_interactions enable row level security;
alter table recsys_engine.bursts enable row level security;
alter table recsys_engine.backdated_days enable row level security;
grant select, insert, update, delete on recsys_engine.first_day_interactions, recsys_engine.bursts, recsys_engine.backdated_days to service_role;

create view recsys_engine.interactions_with_bursts with (security_invoker = true) as
select events.*, coalesce(events.created_at >= bursts.since, false) as in_burst
from recsys.source_interactions as events
left join recsys_engine.bursts on bursts.user_id = events.user_id and bursts.day = recsys_engine.day_of(events.created_at);
comment on view recsys_engine.interactions_with_bursts is 'All interactions, with whether they are in a burst.';
comment on column recsys_engine.interactions_with_bursts.interaction_id is 'As in recsys.source_interactions.';
comment on column recsys_engine.interactions_with_bursts.user_id is 'As in recsys.source_interactions.';
comment on column recsys_engine.interactions_with_bursts.post_id is 'As in recsys.source_interactions.';
comment on column recsys_engine.interactions_with_bursts.kind is 'As in recsys.source_interactions.';
comment on column recsys_engine.interactions_with_bursts.value is 'As in recsys.source_interactions.';
comment on column recsys_engine.interactions_with_bursts.created_at is 'As in recsys.source_interactions.';
comment on column recsys_engine.interactions_with_bursts.weight is 'As in recsys.source_interactions.';
comment on column recsys_engine.interactions_with_bursts.in_burst is 'Whether it counts for no post, since its user had done too much on that day (recsys_engine.bursts).';
grant select on recsys_engine.interactions_with_bursts to service_role;

create view recsys_engine.non_burst_interactions with (security_invoker = true) as
select interaction_id, user_id, post_id, kind, value, created_at, weight from recsys_engine.interactions_with_bursts where not in_burst;
comment on view recsys_engine.non_burst_interactions is 'The interactions that may count for their post: all but those in a burst (recsys_engine.bursts).';
comment on column recsys_engine.non_burst_interactions.interaction_id is 'Unique over all kinds; of equal times the lower one came first.';
comment on column recsys_engine.non_burst_interactions.user_id is 'Who did it.';
comment on column recsys_engine.non_burst_interactions.post_id is 'With which post.';
comment on column recsys_engine.non_burst_interactions.kind is 'view, vote or comment.';
comment on column recsys_engine.non_burst_interactions.value is 'Of a view the seconds it took, of others a strength or rating; null: none.';
comment on column recsys_engine.non_burst_interactions.created_at is 'When.';
comment on column recsys_engine.non_burst_interactions.weight is 'How much it counts compared with others of its kind, as the app says; null: 1.';
grant select on recsys_engine.non_burst_interactions to service_role;

create function recsys_engine.first_interaction_at(p_user_id uuid) returns timestamptz
language sql stable security invoker set search_path = ''
as $$
  select source_interactions.created_at
  from recsys.source_interactions where source_interactions.user_id = p_user_id
    and not exists (select from recsys_engine.backdated_days where backdated_days.user_id = p_user_id and backdated_days.day = recsys_engine.day_of(source_interactions.created_at))
  order by source_interactions.created_at
  limit 1
$$;
comment on function recsys_engine.first_interaction_at(uuid) is 'A user''s first interaction with any post, without backdated days. Null: none.';

create function recsys_engine.prior_active_days(p_user_id uuid, p_before timestamptz, p_limit integer) returns integer
language sql stable security invoker set search_path = ''
as $$
  -- day by day, by the index: 100,000 actions on one day cost no more
  with recursive earlier as (
    select 0 as number, p_before as until
    union all
    select earlier.number + 1, recsys_engine.day_of(before.created_at)::timestamp at time zone 'utc'
    from earlier
    cross join lateral (
      select source_interactions.created_at
      from recsys.source_interactions
      where source_interactions.user_id = p_user_id and source_interactions.created_at < earlier.until
        and not exists (select from recsys_engine.backdated_days where backdated_days.user_id = p_user_id and backdated_days.day = recsys_engine.day_of(source_interactions.created_at))
      order by source_interactions.created_at desc
      limit 1
    ) as before
    where earlier.number < p_limit
  )
  select max(earlier.number) from earlier
$$;
comment on function recsys_engine.prior_active_days(uuid, timestamptz, integer) is 'Counts the days (UTC) before an instant on which a user interacted with posts, up to p_limit, without backdated days.';

create function recsys_engine.burst_started_at(p_user_id uuid, p_day date) returns timestamptz
language sql stable security invoker set search_path = ''
as $$
  with acts as materialized (
    select source_interactions.post_id, source_interactions.created_at
    from recsys.source_interactions
    where source_interactions.user_id = p_user_id
      and source_interactions.created_at >= p_day::timestamp at time zone 'utc' and source_interactions.created_at < (p_day + 1)::timestamp at time zone 'utc'
    order by source_interactions.created_at
    -- a person's first 2,000 acts of a day are read, and later ones are beyond
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
    -- no person becomes known at midnight
    case when cardinality(came.at) > 6 then
      came.at[2 + 5 * greatest(1, recsys_engine.prior_active_days(p_user_id, (select min(acts.created_at) from acts) - interval '6 hours', least(28, (cardinality(came.at) + 3) / 5)))]
    end,
    (select acts.created_at from acts order by acts.created_at offset 2000)
  )
  from came
$$;
comment on function recsys_engine.burst_started_at(uuid, date) is
  'When a person exceeded the quota of a day (UTC): six posts of others, and five for each earlier active day but the first, up to six hours before; or 2,000 actions. Null: never.';

create function recsys_engine.first_day_quota(p_day date) returns table (span interval, most integer)
language sql stable security invoker set search_path = ''
as $$
  select bound.minutes * interval '1 minute', greatest(bound.least, before.number * 5 * bound.minutes / (28 * 24 * 60))::integer
  from (values (30, 1), (180, 3)) as bound (minutes, least)
  cross join (
    select count(*) as number
    from recsys_engine.first_day_interactions
    where first_day_interactions.at >= (p_day - 28)::timestamp at time zone 'utc' and first_day_interactions.at < p_day::timestamp at time zone 'utc'
  ) as before
$$;
comment on function recsys_engine.first_day_quota(date) is 'How much of what people begin on their first day with posts older than a day counts on a day (UTC) in so long a time.';

create function recsys_engine.refresh_first_day_interactions(p_users uuid[], p_at timestamptz[]) returns timestamptz[]
language sql volatile security invoker set search_path = ''
as $$
  with people as materialized (
    select touched.user_id, first.at as began
    from (
      select each.user_id, min(each.at) as at from unnest(p_users, p_at) as each (user_id, at) where each.user_id is not null group by each.user_id
    ) as touched
    cross join lateral (select recsys_engine.first_interaction_at(touched.user_id) as at) as first
    -- of all others that day is as it was
    where first.at is null or touched.at < first.at + interval '1 day'
  ),
  begun as materialized (
    select people.user_id, (row_number() over (partition by people.user_id order by first.at))::smallint as number, first.at
    from people
    cross join lateral (
      select (recsys_engine.day_of(people.began) + n)::timestamp at time zone 'utc' as began from generate_series(0, 1) as n
    ) as day
    cross join lateral (
      select min(acts.created_at) as at
      from (
        select source_interactions.post_id, source_interactions.created_at
        from recsys.source_interactions
        where source_interactions.user_id = people.user_id and source_interactions.created_at >= day.began
          and source_interactions.created_at < least(people.began, day.began) + interval '1 day'
        order by source_interactions.created_at
        -- a person's later acts than 2,000 a day, or six posts, are beyond anyway
        limit 2000
      ) as acts
      cross join lateral (
        select from recsys.source_posts
        where source_posts.post_id = acts.post_id and source_posts.author_id is distinct from people.user_id
          and source_posts.created_at < acts.created_at - interval '1 day'
        offset 0
      ) as old
      group by acts.post_id
      order by 1
      limit 6
    ) as first
  ),
  moved as materialized (
    select user_id, number, known.at as before, begun.at
    from (select first_day_interactions.* from recsys_engine.first_day_interactions join people using (user_id)) as known
    full join begun using (user_id, number)
    where known.at is distinct from begun.at
  ),
  gone as (
    delete from recsys_engine.first_day_interactions using moved where first_day_interactions.user_id = moved.user_id and first_day_interactions.number = moved.number and moved.at is null
  ),
  kept as (
    insert into recsys_engine.first_day_interactions (user_id, number, at)
    select moved.user_id, moved.number, moved.at from moved where moved.at is not null
    on conflict (user_id, number) do update set at = excluded.at
  )
  select coalesce(array_agg(distinct each.at), '{}')
  from (
    select unnest(array[moved.before, moved.at]) as at from moved
    union all
    -- one that was erased is no longer known here
    select touched.at from unnest(p_users, p_at) as touched (user_id, at) join people using (user_id) where people.began is null
  ) as each
  where isfinite(each.at)
$$;
comment on function recsys_engine.refresh_first_day_interactions(uuid[], timestamptz[]) is 'Brings recsys_engine.first_day_interactions up to date for people who did something at some instants. Returns the instants at which one came or went.';

create function recsys_engine.refresh_bursts(p_users uuid[], p_posts uuid[], p_at timestamptz[]) returns table (user_id uuid, post_id uuid, at timestamptz)
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  today constant date := recsys_engine.day_of(recsys.clock());
  -- what is imported is taken as it is: what was usual is known where states have been kept for 28 days
  judged_from constant date := greatest(today - 28, recsys_engine.day_of((select min(post_stats.last_active_at) from recsys_engine.post_stats)) + 29);
  moved constant timestamptz[] := recsys_engine.refresh_first_day_interactions(p_users, p_at);
begin
  if not exists (select from recsys_engine.post_stats) or judged_from > today then
    return;
  end if;
  return query
  with touched as (
    select each.user_id, each.post_id, each.at, recsys_engine.day_of(each.at) as day
    from unnest(p_users, p_posts, p_at) as each (user_id, post_id, at) where each.user_id is not null and isfinite(each.at)
  ),
  -- the acts by which a person is known, or was
  known as materialized (
    select came.post_id, came.at
    from (
      select touched.user_id, min(touched.at) as at, recsys_engine.first_interaction_at(touched.user_id) as began, array_agg(distinct touched.at) as touched_at
      from touched group by touched.user_id
    ) as first
    cross join lateral (
      select touched.post_id, touched.at from touched where touched.user_id = first.user_id
      union all
      -- where their first act came or went, those of the day after the next one may be other than they were
      select acts.post_id, acts.created_at
      from (
        select min(others.created_at) as at
        from (
          select source_interactions.created_at from recsys.source_interactions
          where source_interactions.user_id = first.user_id and source_interactions.created_at > first.at and first.began >= first.at
          order by source_interactions.created_at
          limit 2000
        ) as others
        where others.created_at <> all (first.touched_at)
      ) as next
      cross join lateral (
        select source_interactions.post_id, source_interactions.created_at from recsys.source_interactions
        where source_interactions.user_id = first.user_id
          and source_interactions.created_at >= next.at and source_interactions.created_at < next.at + interval '1 day'
        order by source_interactions.created_at
        limit 2000
      ) as acts
    ) as came
    where came.at >= least(first.at, first.began) + interval '1 day'
  ),
  met as materialized (
    select posts.author_id, min(known.at) as since
    from known
    join recsys.source_posts as posts on posts.post_id = known.post_id
    join recsys.source_users as authors on authors.user_id = posts.author_id and authors.created_at > known.at - interval '28 days'
    group by posts.author_id
  ),
  bounds as materialized (
    select days.day, admitted.span, admitted.most
    from (
      select distinct each.day + n as day
      from (select touched.day from touched union all select recsys_engine.day_of(each.at) from unnest(moved) as each (at)) as each
      cross join generate_series(0, 1) as n
    ) as days
    cross join lateral recsys_engine.first_day_quota(days.day) as admitted
  ),
  person_days as materialized (
    select touched.user_id, touched.day from touched
    union
    -- one more or less of the days before
    select first.user_id, later.day::date
    from (select touched.user_id, min(touched.day) as day from touched group by touched.user_id) as first
    cross join lateral generate_series(greatest(judged_from, first.day), today, interval '1 day') as later (day)
    union
    select others.user_id, recsys_engine.day_of(others.at)
    from unnest(moved) as each (at)
    join bounds on bounds.day = recsys_engine.day_of(each.at)
    cross join lateral (
      select first_day_interactions.user_id, first_day_interactions.at from recsys_engine.first_day_interactions
      where first_day_interactions.at >= each.at and first_day_interactions.at < each.at + bounds.span
      order by first_day_interactions.at, first_day_interactions.user_id, first_day_interactions.number
      -- what comes after these was beyond it before, and is; twice, since more may be usual on the next day
      limit 2 * bounds.most + cardinality(moved)
    ) as others
    union
    -- and people who met an author before or after a known person did
    select others.user_id, recsys_engine.day_of(others.at)
    from (
      select came.user_id, came.at
      from (select met.author_id, met.since from met where met.since <= recsys_engine.author_known_since(met.author_id) offset 0) as newly
      cross join lateral recsys_engine.author_engagements(newly.author_id) as came
      where came.at >= newly.since and came.at < recsys_engine.first_interaction_at(came.user_id) + interval '1 day'
      -- so many are judged in a second; where there are more, the others are when they do something again
      limit 500
    ) as others
  ),
  beginners as materialized (
    select people.user_id, recsys_engine.first_interaction_at(people.user_id) as at from (select distinct person_days.user_id from person_days) as people
  ),
  first_met as materialized (
    select person_days.user_id, person_days.day, first.author_id, first.at
    from person_days
    join beginners on beginners.user_id = person_days.user_id and beginners.at + interval '1 day' > person_days.day::timestamp at time zone 'utc'
    cross join lateral recsys_engine.engaged_new_authors(
      person_days.user_id, person_days.day::timestamp at time zone 'utc', least(beginners.at + interval '1 day', (person_days.day + 1)::timestamp at time zone 'utc')
    ) as first
    where person_days.day >= judged_from
  ),
  authors as materialized (
    select each.author_id, recsys_engine.author_known_since(each.author_id) as met_at from (select distinct first_met.author_id from first_met) as each
  ),
  -- when users on their first day interacted with a new author without known readers
  unmet as materialized (
    select first_met.user_id, first_met.day, min(first_met.at) as at
    from first_met join authors on authors.author_id = first_met.author_id and first_met.at < authors.met_at
    group by first_met.user_id, first_met.day
  ),
  judged as materialized (
    select person_days.user_id, person_days.day, bursts.since as since_before,
      least(recsys_engine.burst_started_at(person_days.user_id, person_days.day), first.at, unmet.at, case when backdated_days.day is not null then backdated_days.day::timestamp at time zone 'utc' end) as since
    from person_days
    left join recsys_engine.backdated_days on backdated_days.user_id = person_days.user_id and backdated_days.day = person_days.day
    left join recsys_engine.bursts on bursts.user_id = person_days.user_id and bursts.day = person_days.day
    left join lateral (
      select min(begun.at) as at
      from recsys_engine.first_day_interactions as begun
      join bounds on bounds.day = recsys_engine.day_of(begun.at)
      where begun.user_id = person_days.user_id and bounds.day = person_days.day and bounds.most = (
        select count(*) from (
          select from recsys_engine.first_day_interactions as before
          where before.at > begun.at - bounds.span and (before.at, before.user_id, before.number) < (begun.at, begun.user_id, begun.number)
          limit bounds.most
        ) as earlier
      )
    ) as first on true
    left join unmet on unmet.user_id = person_days.user_id and unmet.day = person_days.day
    where person_days.day >= judged_from or bursts.day is not null
  ),
  ended as (
    delete from recsys_engine.bursts using judged where bursts.user_id = judged.user_id and bursts.day = judged.day and judged.since is null
  ),
  kept as (
    insert into recsys_engine.bursts (user_id, day, since)
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
      exists (select from recsys_engine.post_stats where post_stats.interaction_id = acts.interaction_id)
    else acts.created_at >= judged.since_before
  end;
end
$$;
comment on function recsys_engine.refresh_bursts(uuid[], uuid[], timestamptz[]) is
  'Decides from when on actions of people (p_users) count for no post, on the days of their changes (p_at) with posts (p_posts; null: a login) and later. Returns the interactions that stop or start counting: their states have to be recomputed. Called by each roll-up; skips imports.';

revoke all on function recsys_engine.first_interaction_at(uuid), recsys_engine.prior_active_days(uuid, timestamptz, integer), recsys_engine.burst_started_at(uuid, date), recsys_engine.first_day_quota(date),
  recsys_engine.refresh_first_day_interactions(uuid[], timestamptz[]), recsys_engine.refresh_bursts(uuid[], uuid[], timestamptz[]) from public;
grant execute on function recsys_engine.first_interaction_at(uuid), recsys_engine.prior_active_days(uuid, timestamptz, integer), recsys_engine.burst_started_at(uuid, date), recsys_engine.first_day_quota(date),
  recsys_engine.refresh_first_day_interactions(uuid[], timestamptz[]), recsys_engine.refresh_bursts(uuid[], uuid[], timestamptz[]) to service_role;
