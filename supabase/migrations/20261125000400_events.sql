-- What the function `events` writes with. It is for apps that let it write their views, votes, comments and logins; an app that writes
-- its own tables needs neither the function nor this file, and leaves it out together with 20261125000100_app_tables.sql.

create table recsys_engine.event_ids (
  user_id uuid not null,
  event_id uuid not null,
  recorded_at timestamptz not null,
  primary key (user_id, event_id)
);
comment on table recsys_engine.event_ids is 'Events that were stored, by the ids that clients gave them: what is sent again changes nothing. One''s ids are one''s own, so nobody can take up those of others.';
comment on column recsys_engine.event_ids.user_id is 'Whose event it was.';
comment on column recsys_engine.event_ids.event_id is 'The id that the client gave it.';
comment on column recsys_engine.event_ids.recorded_at is 'When it was stored, by the wall clock.';
-- rows come in the order of time, so an index of a few pages finds the old ones
create index event_ids_recorded_at_idx on recsys_engine.event_ids using brin (recorded_at);
alter table recsys_engine.event_ids enable row level security;
create policy "people read the ids of their own events" on recsys_engine.event_ids for select to authenticated using (user_id = (select auth.uid()));
create policy "people record their own events" on recsys_engine.event_ids for insert to authenticated with check (user_id = (select auth.uid()));
grant select, insert on recsys_engine.event_ids to authenticated;
grant select, insert, update, delete on recsys_engine.event_ids to service_role;

-- inlined where it is asked
create function recsys_engine.time_refusal(p_occurred_at timestamptz) returns text
language sql stable security invoker
return case
  when p_occurred_at > pg_catalog.now() + interval '5 minutes' then 'in_the_future'
  when p_occurred_at < pg_catalog.now() - interval '30 days' then 'too_old'
end;
comment on function recsys_engine.time_refusal(timestamptz) is 'Why an event of this time is refused, by the wall clock: in_the_future or too_old; null: it is not. Called by recsys_engine.store_events and recsys_engine.store_seen.';

create function recsys_engine.store_events(p_events jsonb, p_before integer) returns text[]
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  outcomes text[];
  number_of_events constant integer := jsonb_array_length(p_events);
  part_size constant integer := greatest(1, number_of_events / 20);
begin
  begin
    with caller as (
      -- where the engine's clock is set back somebody may have signed up after it
      select own.user_id, own.clock, (
        select users.created_at from recsys.source_users as users where users.user_id = own.user_id and users.created_at <= own.clock
      ) as signed_up
      from (select auth.uid() as user_id, recsys.clock() as clock) as own
    ),
    given as (
      select
        event.id, event.type, event.post_id, event.value, event.body,
        p_before + event.number as number,
        coalesce(to_timestamp(event.occurred_at / 1000), now()) as occurred_at
      from rows from (
        jsonb_to_recordset(p_events) as (
          id uuid, type text, post_id uuid, value real, body text, occurred_at double precision
        )
      ) with ordinality as event (id, type, post_id, value, body, occurred_at, number)
    ),
    judged as (
      select
        given.*,
        -- a client's clock may be wrong: nothing happens later than now, before its post exists or before somebody signed up (with a view
        -- on each of the 28 days before, an account of an hour was as well known as others, and moved 100 posts). A microsecond each
        -- keeps the order of the batch, and keeps two comments of one instant apart; a thousandth of the age does so for what comes in
        -- two batches from a clock that is behind
        least(
          case
            when caller.clock - (now() - given.occurred_at) < earliest.at then earliest.at + (caller.clock - earliest.at) / 1000
            else caller.clock - (now() - given.occurred_at)
          end,
          caller.clock - interval '1 millisecond'
        ) + given.number * interval '1 microsecond' as at,
        coalesce(recsys_engine.time_refusal(given.occurred_at), case
          -- a vote or a dismissal can be taken back from a post that has been hidden since
          when posts.post_id is null and given.type <> 'login' and (given.type in ('vote', 'dismiss') and given.value = 0) is not true then 'unknown_post'
        end) as refusal
      from given
      cross join caller
      -- row level security says which posts there are
      left join recsys.source_posts as posts on posts.post_id = given.post_id
      cross join lateral (select greatest(posts.created_at, caller.signed_up) as at) as earliest
    ),
    acceptable as (
      select distinct on (judged.id) judged.* from judged where judged.refusal is null order by judged.id, judged.number
    ),
    recorded as (
      insert into recsys_engine.event_ids (user_id, event_id, recorded_at)
      select caller.user_id, acceptable.id, now() from acceptable cross join caller
      on conflict do nothing
      returning event_id
    ),
    stored as (
      select acceptable.*, caller.user_id
      from acceptable
      join recorded on recorded.event_id = acceptable.id
      cross join caller
    ),
    views as (
      insert into public.post_views (user_id, post_id, value, created_at)
      select user_id, post_id, value, at from stored where type = 'view' order by number
      on conflict do nothing
    ),
    last_votes as (
      select distinct on (post_id) user_id, post_id, value, at from stored where type = 'vote' order by post_id, number desc
    ),
    withdrawn as (
      delete from public.post_votes
      using last_votes
      where post_votes.user_id = last_votes.user_id and post_votes.post_id = last_votes.post_id
        and case when post_votes.value < 0 then -1 else 1 end <> last_votes.value
    ),
    votes as (
      insert into public.post_votes (user_id, post_id, value, created_at)
      select user_id, post_id, value, at
      from last_votes
      -- to vote the same again must not make a post look active
      where value <> 0 and not exists (
        select from public.post_votes
        where post_votes.user_id = last_votes.user_id and post_votes.post_id = last_votes.post_id
          and case when post_votes.value < 0 then -1 else 1 end = last_votes.value
      )
    ),
    comments as (
      insert into public.comments (user_id, post_id, body, created_at)
      select user_id, post_id, body, at from stored where type = 'comment' order by number
    ),
    logins as (
      insert into public.logins (user_id, created_at)
      select user_id, at from stored where type = 'login' order by number
      on conflict do nothing
    ),
    last_dismissals as (
      select distinct on (post_id) user_id, post_id, value, at from stored where type = 'dismiss' order by post_id, number desc
    ),
    dismissals_withdrawn as (
      delete from recsys.dismissals
      using last_dismissals
      where dismissals.user_id = last_dismissals.user_id and dismissals.post_id = last_dismissals.post_id and last_dismissals.value = 0
    ),
    dismissals as (
      insert into recsys.dismissals (user_id, post_id, created_at)
      select user_id, post_id, at from last_dismissals where value is null
      on conflict do nothing
    )
    select array_agg(
      coalesce(judged.refusal, case when stored.id is null then 'duplicate' else 'stored' end)
      order by judged.number
    )
    into outcomes
    from judged
    left join stored on stored.number = judged.number;
    return outcomes;
  exception when others then
    -- a policy, constraint or trigger of the app, or a post that went away just now, refuses one of them
    if number_of_events = 1 then
      if sqlstate = '23503' then
        return array['unknown_post'];
      elsif sqlstate in ('42501', 'P0001') or sqlstate ~ '^2[23]' then
        return array['not_allowed'];
      else
        raise;
      end if;
    end if;
  end;
  -- which one is found in parts: one bad event of 500 takes 46 statements, 500 bad ones 521
  outcomes := array[]::text[];
  for start in 0 .. number_of_events - 1 by part_size loop
    outcomes := outcomes || recsys_engine.store_events(
      jsonb_path_query_array(p_events, '$[$first to $last]', jsonb_build_object('first', start, 'last', start + part_size - 1)),
      p_before + start
    );
  end loop;
  return outcomes;
end
$$;
comment on function recsys_engine.store_events(jsonb, integer) is 'Stores events of the caller other than seen; for each in order: stored, duplicate, or why it alone is refused. A person has one vote on a post, so a vote takes the place of the one before, and 0 takes it back, as it does a dismissal. Called by recsys_engine.record_events, and by itself for parts of a batch. p_before: how many events of the batch came before these.';

create function recsys_engine.store_seen(p_events jsonb) returns text[]
language plpgsql volatile security invoker set search_path = ''
-- a partition that is being made or dropped locks the log: whoever sends events waits no longer
set lock_timeout = '200ms'
as $$
declare
  outcomes text[];
  -- no event is older, so that the log is looked into from there on, and not in each of its months
  oldest constant timestamptz := recsys.clock() - interval '31 days';
begin
  with given as (
    select event.id, event.post_id, event.request_id, event.number, coalesce(to_timestamp(event.occurred_at / 1000), now()) as occurred_at
    from rows from (
      jsonb_to_recordset(p_events) as (id uuid, post_id uuid, request_id uuid, occurred_at double precision)
    ) with ordinality as event (id, post_id, request_id, occurred_at, number)
  ),
  judged as (
    select
      given.*,
      recsys.clock() - greatest(now() - given.occurred_at, interval '1 millisecond') as at,
      coalesce(recsys_engine.time_refusal(given.occurred_at), case
        when not exists (
          select from recsys.impressions
          where impressions.request_id = given.request_id and impressions.post_id = given.post_id and impressions.user_id = (select auth.uid())
            and impressions.shown_at > oldest
        ) then 'unknown_impression'
      end) as refusal
    from given
  ),
  recorded as (
    insert into recsys_engine.event_ids (user_id, event_id, recorded_at)
    select distinct auth.uid(), judged.id, now() from judged where judged.refusal is null
    on conflict do nothing
    returning event_id
  ),
  stored as (
    select distinct on (judged.id) judged.* from judged join recorded on recorded.event_id = judged.id where judged.refusal is null order by judged.id, judged.number
  ),
  seen as (
    update recsys.impressions
    set seen_at = greatest(impressions.shown_at, first_seen.at)
    from (select request_id, post_id, min(at) as at from stored group by request_id, post_id) as first_seen
    where impressions.request_id = first_seen.request_id and impressions.post_id = first_seen.post_id
      and impressions.user_id = (select auth.uid()) and impressions.seen_at is null and impressions.shown_at > oldest
  )
  select array_agg(coalesce(judged.refusal, case when stored.id is null then 'duplicate' else 'stored' end) order by judged.number)
  into outcomes
  from judged
  left join stored on stored.number = judged.number;
  return outcomes;
end
$$;
comment on function recsys_engine.store_seen(jsonb) is 'Marks impressions of the caller as seen; for each event in order: stored, duplicate, or why it alone is refused. Raises 55P03 where the log of impressions is locked. Called by recsys_engine.record_events.';

-- definer: nobody counts their own days down
create function recsys_engine.count_events(p_events integer) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
  insert into recsys_engine.user_days as own (user_id, events) values (auth.uid(), greatest(p_events, 0))
  on conflict (user_id, day) do update set events = own.events + excluded.events
$$;
comment on function recsys_engine.count_events(integer) is 'Adds so many events to the caller''s day in recsys_engine.user_days. Called by recsys_engine.record_events.';

create function recsys_engine.record_events(p_events jsonb) returns text[]
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  limits constant recsys.settings := (select settings from recsys.settings);
  so_far recsys_engine.user_days;
  -- what is not kept is counted
  outcomes text[] := array_fill('counted'::text, array[jsonb_array_length(p_events)]);
  costs constant integer[] := array(
    select 1 + coalesce(octet_length(given.event ->> 'body'), 0) / 500 from jsonb_array_elements(p_events) with ordinality as given (event, place) order by given.place
  );
  is_seen boolean;
  places bigint[];
  part jsonb;
  found_outcomes text[];
begin
  -- a person's batches one after another, so that two of them cannot both cast that person's vote on a post
  perform pg_advisory_xact_lock(hashtextextended('recsys_engine.record_events ' || auth.uid(), 0));
  if not exists (select from recsys.source_users where source_users.user_id = auth.uid()) then
    return null;
  end if;
  select * into so_far from recsys_engine.user_days where user_days.user_id = auth.uid() and user_days.day = (now() at time zone 'utc')::date;
  foreach is_seen in array array[false, true] loop
    select array_agg(given.place order by given.place), jsonb_agg(given.event order by given.place) into places, part
    from (
      select listed.event, listed.place, sum(costs[listed.place]) over (order by listed.place) as cost
      from jsonb_array_elements(p_events) with ordinality as listed (event, place)
    ) as given
    where (given.event ->> 'type' = 'seen') = is_seen
      and (limits.events_per_day is null or coalesce(so_far.events, 0) + given.cost <= limits.events_per_day);
    begin
      found_outcomes := case when places is null then null when is_seen then recsys_engine.store_seen(part) else recsys_engine.store_events(part, 0) end;
      for i in 1 .. coalesce(cardinality(places), 0) loop
        outcomes[places[i]] := found_outcomes[i];
      end loop;
    exception when lock_not_available then
      if not is_seen then
        raise;
      end if;
    end;
  end loop;
  -- of what was shown and not kept nobody knows
  if so_far.impressions > limits.impressions_per_day then
    outcomes := array_replace(outcomes, 'unknown_impression', 'counted');
  end if;
  perform recsys_engine.count_events((
    select coalesce(sum(costs[made.place]), 0)::integer from unnest(outcomes) with ordinality as made (outcome, place)
    where made.outcome in ('stored', 'counted')
  ));
  return outcomes;
end
$$;
comment on function recsys_engine.record_events(jsonb) is 'Stores a batch of events of the caller (auth.uid()) as the function `events` has checked them: an array of {id, type, post_id?, request_id?, value?, body?, occurred_at?}, times in milliseconds since 1970. For each in order: stored, duplicate, counted, or why it alone is refused. counted: not kept, because the person''s day has settings.events_per_day already, its impression was not kept, or the log of impressions is locked. Null: no such user. An app that writes its own tables does not need it.';

create function recsys_engine.purge_event_ids() returns bigint
language sql volatile security invoker set search_path = ''
as $$
  with gone as (
    delete from recsys_engine.event_ids where recorded_at < now() - interval '31 days' returning 1
  )
  select count(*) from gone
$$;
comment on function recsys_engine.purge_event_ids() is 'Forgets the ids of events stored more than 31 days ago, and returns how many; events older than 30 days are refused anyway. Called every night by pg_cron.';

revoke all on function recsys_engine.time_refusal(timestamptz), recsys_engine.store_events(jsonb, integer), recsys_engine.store_seen(jsonb), recsys_engine.count_events(integer), recsys_engine.record_events(jsonb), recsys_engine.purge_event_ids() from public;
grant execute on function recsys_engine.time_refusal(timestamptz), recsys_engine.store_events(jsonb, integer), recsys_engine.store_seen(jsonb), recsys_engine.count_events(integer), recsys_engine.record_events(jsonb) to authenticated;
grant execute on function recsys_engine.purge_event_ids() to service_role;

select recsys_engine.schedule('recsys purge of event ids', '37 3 * * *', 'select recsys_engine.purge_event_ids()');
