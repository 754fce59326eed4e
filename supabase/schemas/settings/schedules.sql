-- What pg_cron does by itself, and how a DBA lists, pauses and changes it. Where pg_cron cannot run (the embedded database, a copy
-- for tests) nothing is scheduled, `recsys serve` does what cannot wait, and the list says what is left to another scheduler.

do $$
begin
  if exists (select from pg_available_extensions where name = 'pg_cron')
    and current_setting('cron.database_name', true) = current_database() then
    create extension if not exists pg_cron;
  end if;
end
$$;

-- definer: the service may not read pg_cron's settings
create function recsys_engine.has_cron() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select coalesce(current_setting('cron.database_name', true) = current_database(), false)
    and to_regclass('cron.job') is not null
$$;
comment on function recsys_engine.has_cron() is 'Whether pg_cron runs jobs in this database: its tables are in one database of a cluster.';

create table recsys_engine.planned_schedules (
  name text primary key,
  schedule text not null,
  command text not null
);
comment on table recsys_engine.planned_schedules is
  'The schedules of the migrations, for another scheduler where pg_cron is missing; recsys.schedules shows them.';
comment on column recsys_engine.planned_schedules.name is 'Its name, which begins with "recsys ".';
comment on column recsys_engine.planned_schedules.schedule is 'When: an interval in seconds, or minute, hour, day, month and weekday in GMT.';
comment on column recsys_engine.planned_schedules.command is 'What is to be run.';
alter table recsys_engine.planned_schedules enable row level security;

create function recsys_engine.schedule(p_name text, p_schedule text, p_command text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  if p_name is null or p_name not like 'recsys %' then
    raise exception 'the name of a schedule begins with "recsys ", not %', coalesce(quote_literal(p_name), 'null');
  end if;
  insert into recsys_engine.planned_schedules (name, schedule, command) values (p_name, p_schedule, p_command)
  on conflict (name) do update set schedule = excluded.schedule, command = excluded.command;
  if recsys_engine.has_cron() then
    perform cron.schedule(p_name, p_schedule, p_command);
  end if;
end
$$;
comment on function recsys_engine.schedule(text, text, text) is 'Has pg_cron run a command; where pg_cron is missing it only notes what would be run. p_name begins with "recsys ", p_schedule is "10 seconds" or five fields as in cron (times are GMT), p_command is one call of a function of recsys, whose comment says what it is for.';

create function recsys_engine.purpose_of(p_command text) returns text
language sql stable security invoker set search_path = ''
-- up to the first comma, semicolon, bracket or full stop that ends a part of the sentence
as $$ select substring(obj_description(to_regproc(substring(p_command from 'recsys(?:_engine)?\.\w+')), 'pg_proc') from '^.*?(?=[,;:] | \(|\. |\.?$)') $$;
comment on function recsys_engine.purpose_of(text) is 'What a scheduled command is for: the beginning of the comment of the function that it calls.';

-- definer: pg_cron shows jobs to their owner alone, and this to the service too
create function recsys_engine.read_schedules()
returns table (name text, purpose text, schedule text, command text, is_active boolean, last_run_at timestamptz, last_took interval, last_result text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not recsys_engine.has_cron() then
    return query
    select planned.name, recsys_engine.purpose_of(planned.command), planned.schedule, planned.command, false, null::timestamptz, null::interval, null::text
    from recsys_engine.planned_schedules as planned
    order by planned.name;
    return;
  end if;
  return query
  select
    job.jobname,
    recsys_engine.purpose_of(job.command),
    job.schedule, job.command, job.active,
    run.start_time, run.end_time - run.start_time,
    case run.status when 'failed' then concat_ws(': ', run.status, nullif(btrim(run.return_message, E' \n'), '')) else run.status end
  from cron.job
  left join (
    select details.jobid, max(details.runid) as runid from cron.job_run_details as details
    where details.jobid in (select own.jobid from cron.job as own where own.jobname like 'recsys %')
    group by details.jobid
  ) as last on last.jobid = job.jobid
  left join cron.job_run_details as run on run.runid = last.runid
  where job.jobname like 'recsys %' and job.database = current_database()
  order by job.jobname;
end
$$;
comment on function recsys_engine.read_schedules() is 'The rows of recsys.schedules.';

create view recsys.schedules with (security_invoker = true) as
select name, purpose, schedule, command, is_active, last_run_at, last_took, last_result from recsys_engine.read_schedules();
comment on view recsys.schedules is
  'The jobs of pg_cron for the engine, their times and last results; without pg_cron the same jobs for another scheduler, none of them active. To change one: recsys.pause(name), recsys.resume(name), recsys.reschedule(name, schedule).';
comment on column recsys.schedules.name is 'Its name, also in cron.job.';
comment on column recsys.schedules.purpose is 'What it is for: the beginning of the comment of the function that it calls.';
comment on column recsys.schedules.schedule is 'When: an interval in seconds, or minute, hour, day, month and weekday in GMT.';
comment on column recsys.schedules.command is 'What is run.';
comment on column recsys.schedules.is_active is 'False: paused, or pg_cron is missing.';
comment on column recsys.schedules.last_run_at is 'When it last began; null: not yet, or longer ago than its history is kept.';
comment on column recsys.schedules.last_took is 'How long that run took; null: it has not ended.';
comment on column recsys.schedules.last_result is 'How it ended: succeeded, or failed and why; what pg_cron says while it runs.';

create function recsys_engine.schedule_id(p_name text) returns bigint
language plpgsql stable security invoker set search_path = ''
as $$
declare
  id bigint;
begin
  if not recsys_engine.has_cron() then
    raise exception 'pg_cron does not run in this database, so nothing is scheduled';
  end if;
  select jobid into id from cron.job where jobname = p_name and jobname like 'recsys %' and database = current_database();
  if id is null then
    raise exception 'nothing is scheduled as %', coalesce(quote_literal(p_name), 'null') using hint = 'select name from recsys.schedules';
  end if;
  return id;
end
$$;
comment on function recsys_engine.schedule_id(text) is 'The jobid by which pg_cron knows a schedule. Raises where there is none of that name.';

create function recsys.pause(p_name text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  id constant bigint := recsys_engine.schedule_id(p_name);
begin
  perform cron.alter_job(id, active => false);
end
$$;
comment on function recsys.pause(text) is 'Stops a schedule until recsys.resume(name); a run in progress ends by itself.';

create function recsys.resume(p_name text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  id constant bigint := recsys_engine.schedule_id(p_name);
begin
  perform cron.alter_job(id, active => true);
end
$$;
comment on function recsys.resume(text) is 'Lets a paused schedule run again.';

create function recsys.reschedule(p_name text, p_schedule text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  id constant bigint := recsys_engine.schedule_id(p_name);
begin
  perform cron.alter_job(id, schedule => p_schedule);
end
$$;
comment on function recsys.reschedule(text, text) is 'Changes when a schedule runs: "30 seconds", or minute, hour, day, month and weekday in GMT.';

create function recsys_engine.purge_cron_history() returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  purged bigint;
begin
  if not recsys_engine.has_cron() then
    return 0::bigint;
  end if;
  delete from cron.job_run_details
  where coalesce(end_time, start_time) < now() - interval '7 days'
    -- what else pg_cron does in this cluster is others' to keep
    and jobid in (select jobid from cron.job where jobname like 'recsys %' and database = current_database());
  get diagnostics purged = row_count;
  return purged;
end
$$;
comment on function recsys_engine.purge_cron_history() is 'Deletes what pg_cron noted of runs of the engine''s own schedules more than 7 days ago, and returns how many; pg_cron itself never does, and every 10 seconds are 8,640 runs a day.';

revoke all on function recsys_engine.has_cron(), recsys_engine.purpose_of(text), recsys_engine.schedule(text, text, text), recsys_engine.read_schedules(), recsys_engine.schedule_id(text), recsys.pause(text), recsys.resume(text),
  recsys.reschedule(text, text), recsys_engine.purge_cron_history() from public;
-- to schedule, pause and change is the owner's
grant execute on function recsys_engine.has_cron(), recsys_engine.purpose_of(text), recsys_engine.read_schedules() to service_role;
grant select on recsys_engine.planned_schedules, recsys.schedules to service_role;
