-- One person's batches of events wait for each other by a row lock. Before it was an advisory lock, which every role may take: whoever knew
-- somebody's id could hold up that person's events. Goes with 20261125000400_events.sql, and is left out together with it.

-- definer: ordinary roles cannot lock these rows, since they may not update them
create function recsys_engine.hold_own_day() returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
  insert into recsys_engine.user_days as own (user_id, day)
  select auth.uid(), days.day
  -- a batch that began before midnight holds the day before
  from (select distinct (moments.moment at time zone 'utc')::date as day from (values (now() - interval '1 minute'), (now())) as moments (moment)) as days
  order by days.day
  -- where false: the row is locked and not written
  on conflict (user_id, day) do update set events = own.events where false
$$;
comment on function recsys_engine.hold_own_day() is 'Waits for the row of today in recsys_engine.user_days of the caller, and holds it to the end of the transaction. Called by recsys_engine.record_events.';

create or replace function recsys_engine.record_events(p_events jsonb) returns text[]
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
  if not exists (select from recsys.source_users where source_users.user_id = auth.uid()) then
    return null;
  end if;
  -- a person's batches one after another, so that two of them cannot both cast that person's vote on a post
  perform recsys_engine.hold_own_day();
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

revoke all on function recsys_engine.hold_own_day() from public;
grant execute on function recsys_engine.hold_own_day() to authenticated;
