-- Locks of the engine's jobs: each locks an empty table on which ordinary roles have no rights. Any role can take an advisory lock whose number pg_locks
-- shows: one session could delay roll-ups for as long as it wished.

create table recsys_engine.roll_up_lock ();
create table recsys_engine.models_lock ();
create table recsys_engine.publish_lock ();
create table recsys_engine.topics_lock ();
create table recsys_engine.topics_made_lock ();
create table recsys_engine.circles_lock ();
create table recsys_engine.impressions_lock ();
create table recsys_engine.archive_lock ();
create table recsys_engine.training_lock ();
create table recsys_engine.batch_lock ();
create table recsys_engine.erasure_lock ();
create table recsys_engine.metrics_lock ();
comment on table recsys_engine.roll_up_lock is 'Held by who changes states of the feature store, for a transaction. Empty.';
comment on table recsys_engine.models_lock is 'Held by who switches, tries or drops models, for a transaction. Empty.';
comment on table recsys_engine.publish_lock is 'Held by recsys publish, from its begin to its end. Empty.';
comment on table recsys_engine.topics_lock is 'Held by who replaces topics, for a transaction; and shared by those who have posts join them. Empty.';
comment on table recsys_engine.topics_made_lock is 'Held by recsys topics, from its begin to its end. Empty.';
comment on table recsys_engine.circles_lock is 'Held by who looks for closed circles, for a transaction. Empty.';
comment on table recsys_engine.impressions_lock is 'Held by who makes or drops partitions of the exposure log, for a transaction. Empty.';
comment on table recsys_engine.archive_lock is 'Held by recsys archive, from its begin to its end. Empty.';
comment on table recsys_engine.training_lock is 'Held by who claims a request for training, for a transaction. Empty.';
comment on table recsys_engine.batch_lock is 'Held by who begins or ends a run of recommendations made ahead, for a transaction. Empty.';
comment on table recsys_engine.erasure_lock is 'Held by who erases, for a transaction. Empty.';
comment on table recsys_engine.metrics_lock is 'Held by who measures a day, for a transaction. Empty.';

do $$
declare
  name text;
begin
  for name in select pg_class.oid::regclass::text from pg_catalog.pg_class where pg_class.relnamespace = 'recsys_engine'::regnamespace and pg_class.relkind = 'r' and pg_class.relname ~ '_lock$' loop
    execute format('alter table %s enable row level security; grant update on %s to service_role', name, name);
  end loop;
end
$$;

create function recsys_engine.take_lock(p_name text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  execute format('lock table recsys_engine.%I in exclusive mode', p_name || '_lock');
end
$$;
comment on function recsys_engine.take_lock(text) is 'Waits for one of the engine''s locks, recsys_engine.NAME_lock, and holds it to the end of the transaction.';

create function recsys_engine.try_lock(p_name text, p_mode text default 'exclusive') returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  -- what is executed is named here alone: @plpgsql_check_options: performance_warnings = off
  execute format('lock table recsys_engine.%I in %s mode nowait', p_name || '_lock', case p_mode when 'share' then 'share' else 'exclusive' end);
  return true;
exception when lock_not_available then
  return false;
end
$$;
comment on function recsys_engine.try_lock(text, text) is 'Takes one of the engine''s locks as recsys_engine.take_lock() does, and says whether it was to be had at once. p_mode share: others may share it.';

revoke all on function recsys_engine.take_lock(text), recsys_engine.try_lock(text, text) from public;
grant execute on function recsys_engine.take_lock(text), recsys_engine.try_lock(text, text) to service_role;
