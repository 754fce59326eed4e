-- How often one person may call: counted here, so that all workers of all functions count together.

-- unlogged: an update writes nothing to the write-ahead log, and a crash gives everybody a whole allowance
create unlogged table recsys_engine.rate_limits (
  user_id uuid primary key,
  whole_at timestamptz not null
) with (fillfactor = 50);
comment on table recsys_engine.rate_limits is 'How much of the allowance of settings.requests_per_minute each person has used up. A row may go at any time: it gives a whole allowance.';
comment on column recsys_engine.rate_limits.user_id is 'Whose.';
comment on column recsys_engine.rate_limits.whole_at is 'When the allowance is whole again: each request moves it on by a minute''s share, and it may not be more than a minute ahead.';
alter table recsys_engine.rate_limits enable row level security;
grant select, insert, update, delete on recsys_engine.rate_limits to service_role;

create function recsys_engine.consume_rate_limit(p_user_id uuid) returns double precision
language plpgsql volatile security invoker set search_path = ''
-- a lock on the table keeps no feed waiting
set lock_timeout = '100ms'
as $$
declare
  share constant interval := (select interval '1 minute' / settings.requests_per_minute from recsys.settings);
  at constant timestamptz := clock_timestamp();
begin
  if share is null then
    return null;
  end if;
  insert into recsys_engine.rate_limits as own (user_id, whole_at) values (p_user_id, at + share)
  on conflict (user_id) do update
    -- a time more than two minutes ahead is left from before the clock was set back: such callers begin from scratch
    set whole_at = case when own.whole_at > at + interval '2 minutes' then at else greatest(own.whole_at, at) end + share
    where greatest(own.whole_at, at) + share <= at + interval '1 minute' or own.whole_at > at + interval '2 minutes';
  if found then
    return null;
  end if;
  return (
    select extract(epoch from rate_limits.whole_at + share - interval '1 minute' - at)::double precision
    from recsys_engine.rate_limits where rate_limits.user_id = p_user_id
  );
end
$$;
comment on function recsys_engine.consume_rate_limit(uuid) is 'Counts a request of a user. Null: allowed; otherwise the seconds until the next one is. Functions call it before the transaction of the request, so that a failed request counts too and no request waits for the row.';

create function recsys_engine.purge_rate_limits() returns bigint
language sql volatile security invoker set search_path = ''
as $$
  with gone as (
    delete from recsys_engine.rate_limits where whole_at < now() returning 1
  )
  select count(*) from gone
$$;
comment on function recsys_engine.purge_rate_limits() is
  'Deletes the rows of callers who have a whole allowance again, and returns how many. Called every night by pg_cron.';

revoke all on function recsys_engine.consume_rate_limit(uuid), recsys_engine.purge_rate_limits() from public;
grant execute on function recsys_engine.consume_rate_limit(uuid), recsys_engine.purge_rate_limits() to service_role;

select recsys_engine.schedule('recsys purge of rate limits', '57 3 * * *', 'select recsys_engine.purge_rate_limits()');
