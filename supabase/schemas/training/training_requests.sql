-- Requests to train: pg_cron files one each night, `recsys worker --train` takes them, one at a time over all workers.

create table recsys_engine.training_requests (
  training_request_id bigint primary key generated always as identity,
  requested_at timestamptz not null default now(),
  requested_by text not null check (requested_by in ('schedule', 'person')),
  status text not null default 'queued' check (status in ('queued', 'running', 'done', 'failed')),
  due_at timestamptz not null default now(),
  attempts integer not null default 0,
  claim bigint,
  worker text,
  claimed_until timestamptz,
  heartbeat_at timestamptz,
  step text,
  started_at timestamptz,
  ended_at timestamptz,
  model_id bigint references recsys.models (model_id) on delete set null,
  new_interactions integer check (new_interactions >= 0),
  seconds real check (seconds >= 0),
  ratio real check (ratio >= 0),
  last_error text,
  check ((status in ('done', 'failed')) = (ended_at is not null)),
  check (status = 'running' or claimed_until is null)
);
comment on table recsys_engine.training_requests is 'One row per request to train, filed by pg_cron or a person and worked by `recsys worker --train`. At most one is queued and at most one is running.';
comment on column recsys_engine.training_requests.training_request_id is 'Number of the request; also the seed of its training, so that no two nights draw alike.';
comment on column recsys_engine.training_requests.requested_at is 'When it was filed; who asks again while it is queued gets the same one.';
comment on column recsys_engine.training_requests.requested_by is 'schedule (pg_cron) or person.';
comment on column recsys_engine.training_requests.status is 'queued: no worker has begun it; running: a worker is on it, or it waits to be continued; done; failed: given up, last_error says why.';
comment on column recsys_engine.training_requests.due_at is 'Not to be claimed before; a failure moves it.';
comment on column recsys_engine.training_requests.attempts is 'Claims, those that never came back included and those that were given back not. After five it has failed.';
comment on column recsys_engine.training_requests.claim is 'Who works on it: the number of the latest claim. Only its holder can go on, so a worker that comes back after its lease publishes nothing.';
comment on column recsys_engine.training_requests.worker is 'Host and process of the latest claim.';
comment on column recsys_engine.training_requests.claimed_until is
  'When the lease ends and another worker may go on; null: unclaimed. Heartbeats move it.';
comment on column recsys_engine.training_requests.heartbeat_at is 'When its worker was last heard of.';
comment on column recsys_engine.training_requests.step is 'What its worker was last doing.';
comment on column recsys_engine.training_requests.started_at is 'When it was first claimed.';
comment on column recsys_engine.training_requests.ended_at is 'When it was done or had failed.';
comment on column recsys_engine.training_requests.model_id is 'The model it brought; null while there is none, where nothing was new, and after that model was dropped.';
comment on column recsys_engine.training_requests.new_interactions is 'First interactions since the model it started from; all of them where it started from scratch.';
comment on column recsys_engine.training_requests.seconds is 'Wall time of the training, all attempts together, without publishing.';
comment on column recsys_engine.training_requests.ratio is 'Its seconds over those of the last training that started from scratch: 1 for that one.';
comment on column recsys_engine.training_requests.last_error is 'What the latest failure was, and the cure where one is known.';
-- these two make it one at a time, whatever the functions below do
create unique index training_requests_one_queued_idx on recsys_engine.training_requests (status) where status = 'queued';
create unique index training_requests_one_running_idx on recsys_engine.training_requests (status) where status = 'running';

create sequence recsys_engine.training_claim_seq;
comment on sequence recsys_engine.training_claim_seq is 'Numbers of claims.';

alter table recsys_engine.training_requests enable row level security;
grant select, insert, update, delete on recsys_engine.training_requests to service_role;
grant usage on sequence recsys_engine.training_claim_seq to service_role;

create function recsys.request_training(p_requested_by text default 'person') returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  request bigint;
begin
  loop
    insert into recsys_engine.training_requests (requested_by) values (p_requested_by)
    on conflict (status) where status = 'queued' do nothing
    returning training_request_id into request;
    if request is null then
      select training_request_id into request from recsys_engine.training_requests where status = 'queued';
    end if;
    -- null: the queued one was claimed between the two statements, so there is room for this one
    exit when request is not null;
  end loop;
  return request;
end
$$;
comment on function recsys.request_training(text) is 'Asks for a training and returns the number of the request; while one is queued, that one. One that is running already reads nothing new, so another is filed.';

create function recsys_engine.claim_training_request(p_worker text, p_lease interval) returns table (training_request_id bigint, claim bigint, attempts integer)
language plpgsql volatile security invoker set search_path = ''
as $$
#variable_conflict use_column
declare
  running recsys_engine.training_requests;
begin
  if p_lease is null or p_lease <= interval '0' then
    raise exception 'a lease must last for a while, not %', p_lease;
  end if;
  -- claims one after another: what is asked below stays true until it is written
  perform recsys_engine.take_lock('training');
  select * into running from recsys_engine.training_requests where status = 'running';
  if recsys_engine.is_leased(running.claimed_until) or recsys_engine.is_leased(running.due_at) then
    return;
  end if;
  -- its last worker was lost too, so there is no reason to report
  if running.attempts >= 5 then
    update recsys_engine.training_requests
    set status = 'failed', ended_at = now(), claimed_until = null,
      last_error = coalesce(last_error || '; then ', '') || 'no worker came back with it, five times: give the worker more memory or time, then select recsys.request_training()'
    where training_request_id = running.training_request_id;
    running := null;
  end if;
  return query
  update recsys_engine.training_requests as request
  set status = 'running', claim = nextval('recsys_engine.training_claim_seq'), worker = p_worker, claimed_until = now() + p_lease,
    heartbeat_at = now(), step = null, started_at = coalesce(started_at, now()), attempts = attempts + 1
  -- what was begun comes first
  where request.training_request_id = coalesce(
    running.training_request_id,
    (select training_request_id from recsys_engine.training_requests where status = 'queued' and due_at <= now())
  )
  returning request.training_request_id, request.claim, request.attempts;
end
$$;
comment on function recsys_engine.claim_training_request(text, interval) is
  'Claims the due request for p_lease: a started one without a worker, else the queued one. No row: there is none, or another worker is on it. A request whose fifth claim did not come back has failed.';

create function recsys_engine.heartbeat_training_request(p_claim bigint, p_lease interval, p_step text) returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update recsys_engine.training_requests
  set claimed_until = now() + p_lease, heartbeat_at = now(), step = p_step
  where claim = p_claim and status = 'running' and claimed_until is not null;
  return found;
end
$$;
comment on function recsys_engine.heartbeat_training_request(bigint, interval, text) is 'Says that the holder of a claim is alive and what it does; the lease then lasts p_lease from now. false: the claim is no longer its own, and it must not publish.';

create function recsys_engine.release_training_request(p_claim bigint) returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update recsys_engine.training_requests
  set claimed_until = null, due_at = now(), attempts = attempts - 1, step = null
  where claim = p_claim and status = 'running' and claimed_until is not null;
  return found;
end
$$;
comment on function recsys_engine.release_training_request(bigint) is 'Gives a claimed request back, as if it had not been claimed: its worker is told to end. false: the claim is no longer its own.';

create function recsys_engine.complete_training_request(p_claim bigint, p_model_id bigint, p_new_interactions integer, p_seconds real, p_ratio real) returns boolean
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update recsys_engine.training_requests
  set status = 'done', ended_at = now(), claimed_until = null, step = null,
    model_id = p_model_id, new_interactions = p_new_interactions, seconds = p_seconds, ratio = p_ratio
  where claim = p_claim and status = 'running' and claimed_until is not null;
  return found;
end
$$;
comment on function recsys_engine.complete_training_request(bigint, bigint, integer, real, real) is 'Records what a claimed request brought. false: the claim is no longer its own.';

create function recsys_engine.fail_training_request(p_claim bigint, p_error text, p_is_final boolean) returns timestamptz
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  next_attempt timestamptz;
begin
  update recsys_engine.training_requests
  set claimed_until = null, step = null, last_error = left(p_error, 1000),
    status = case when p_is_final or attempts >= 5 then 'failed' else 'running' end,
    ended_at = case when p_is_final or attempts >= 5 then now() end,
    due_at = now() + interval '1 minute' * 4 ^ (attempts - 1)
  where claim = p_claim and status = 'running' and claimed_until is not null
  returning case when status = 'running' then due_at end into next_attempt;
  return next_attempt;
end
$$;
comment on function recsys_engine.fail_training_request(bigint, text, boolean) is 'Gives a claimed request back with the reason why it failed: due again after 1, 4, 16 and 64 minutes, and given up after the fifth attempt or where p_is_final says that no further one can help. Returns when it is due again; null: never, or the claim is no longer its own.';

create view recsys.training_status with (security_invoker = true) as
select
  done.ended_at as last_done_at,
  now() - done.ended_at as age,
  models.name as last_model,
  done.new_interactions, done.seconds, done.ratio,
  queued.requested_at as waiting_since,
  running.started_at as running_since, running.step, running.worker, running.attempts,
  now() - running.heartbeat_at as heartbeat_age,
  case when running.claimed_until is null then running.due_at end as next_attempt_at,
  failed.ended_at as last_failed_at,
  coalesce(running.last_error, failed.last_error) as last_error
from (select) as one_row
left join lateral (select * from recsys_engine.training_requests where status = 'done' order by ended_at desc limit 1) as done on true
left join recsys.models on models.model_id = done.model_id
left join lateral (select * from recsys_engine.training_requests where status = 'queued') as queued on true
left join lateral (select * from recsys_engine.training_requests where status = 'running') as running on true
left join lateral (select * from recsys_engine.training_requests where status = 'failed' order by ended_at desc limit 1) as failed on true;
comment on view recsys.training_status is 'One row: the last training that was done, its age, model and cost; since when a request waits for a worker; what runs, in which step, when its worker was last heard of, and when it is tried again where it waits; the last failure. A waiting_since of more than a day means that no worker runs.';
comment on column recsys.training_status.last_done_at is 'When the last training was done.';
comment on column recsys.training_status.age is 'How long ago that is.';
comment on column recsys.training_status.last_model is 'The model that it gave.';
comment on column recsys.training_status.new_interactions is 'How many interactions were new to it.';
comment on column recsys.training_status.seconds is 'How long it took.';
comment on column recsys.training_status.ratio is 'As in recsys_engine.training_requests.';
comment on column recsys.training_status.waiting_since is 'Since when a request waits for a worker; null: none waits.';
comment on column recsys.training_status.running_since is 'Since when one is worked; null: none is.';
comment on column recsys.training_status.step is 'In which step that is.';
comment on column recsys.training_status.worker is 'Whose work it is.';
comment on column recsys.training_status.attempts is 'How often it was begun.';
comment on column recsys.training_status.heartbeat_age is 'How long ago its worker was last heard of.';
comment on column recsys.training_status.next_attempt_at is 'When it is tried again after a failure.';
comment on column recsys.training_status.last_failed_at is 'When a training was last given up.';
comment on column recsys.training_status.last_error is 'Why the one that runs failed before, or the last one was given up.';
grant select on recsys.training_status to service_role;

revoke all on function recsys.request_training(text), recsys_engine.claim_training_request(text, interval), recsys_engine.heartbeat_training_request(bigint, interval, text),
  recsys_engine.release_training_request(bigint), recsys_engine.complete_training_request(bigint, bigint, integer, real, real), recsys_engine.fail_training_request(bigint, text, boolean) from public;
grant execute on function recsys.request_training(text), recsys_engine.claim_training_request(text, interval), recsys_engine.heartbeat_training_request(bigint, interval, text),
  recsys_engine.release_training_request(bigint), recsys_engine.complete_training_request(bigint, bigint, integer, real, real), recsys_engine.fail_training_request(bigint, text, boolean) to service_role;
