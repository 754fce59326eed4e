-- Versioned models and their life: a candidate that a publish writes and the gate judges, then ready or rejected; activated,
-- later retired or rolled back, in the end dropped. Exactly one is active; activating and rolling back are single transactions.

create function recsys_engine.cluster_id() returns bigint
language sql stable security invoker set search_path = ''
return (select pg_control_system.system_identifier from pg_catalog.pg_control_system());
comment on function recsys_engine.cluster_id() is 'Which cluster of PostgreSQL this is: its numbers of transactions say nothing of another''s, into which a dump of it is restored.';
revoke all on function recsys_engine.cluster_id() from public;
grant execute on function recsys_engine.cluster_id() to service_role;

create table recsys.models (
  model_id bigint primary key generated always as identity,
  name text not null unique,
  status text not null default 'candidate' check (status in ('candidate', 'ready', 'rejected', 'active', 'retired', 'rolled_back')),
  feature_spec jsonb not null,
  feature_spec_digest text not null,
  heads text[] not null default '{view,vote,comment}' check (recsys_engine.are_heads(heads)),
  metrics jsonb not null default '{}',
  learned_until timestamptz,
  gate jsonb,
  created_at timestamptz not null default now(),
  embedded_as_of pg_snapshot not null default pg_current_snapshot(),
  embedded_in bigint default recsys_engine.cluster_id()
);
comment on table recsys.models is
  'One row per published model. candidate: being published or judged, or its publish was killed; ready: passed, never served; rejected: refused by the gate, without vectors; active: serves; retired: served before; rolled_back: taken out of service for a fault.';
comment on column recsys.models.model_id is 'Names the partitions of its vectors: recsys_engine.post_embeddings_N and recsys_engine.user_embeddings_N.';
comment on column recsys.models.name is 'What commands call it; model-DATE-TIME of its training.';
comment on column recsys.models.status is 'Where it is in its life; see the table.';
comment on column recsys.models.feature_spec is 'What the inputs of the three graphs are, as the trainer built them: names, order, and every value that changes a feature.';
comment on column recsys.models.feature_spec_digest is 'sha256 of feature_spec; a function whose own spec has another digest refuses to serve the model.';
comment on column recsys.models.heads is 'What its ranker predicts, in the order of its graph''s columns: always view, vote and comment, and after them those optional ones of recsys_engine.heads of which it was trained on enough.';
comment on column recsys.models.metrics is 'What its training says of itself: losses, numbers of examples, seed, backend, when it was trained.';
comment on column recsys.models.learned_until is 'What happened before this instant of the engine''s clock it learned from; what came later is new to it. null: not known.';
comment on column recsys.models.gate is
  'The gate''s result: {passed, reasons, contract: kept or the breach, parity: {rows, largest_difference, tolerance}, comparison: {with, requests, from, margin, metrics: {name: {candidate, published, other, worse, standard_error}}, earlier} or {skipped}}. Each person counts once. null: not judged.';
comment on column recsys.models.created_at is 'When its publish began.';
comment on column recsys.models.embedded_as_of is 'What was committed when publishing began: the model''s vectors include these changes of texts, and may lack any other.';
comment on column recsys.models.embedded_in is 'The cluster that embedded_as_of is of, as recsys_engine.cluster_id().';
create unique index models_one_active_idx on recsys.models (status) where status = 'active';

create table recsys_engine.model_artifacts (
  model_id bigint not null references recsys.models (model_id) on delete cascade,
  graph text not null check (graph in ('user_tower', 'post_tower', 'dlrm')),
  onnx bytea not null,
  sha256 text not null check (sha256 = encode(sha256(onnx), 'hex')),
  primary key (model_id, graph)
);
comment on table recsys_engine.model_artifacts is 'The ONNX graphs of a model, as bytes; the checksum is verified when they are written and again when they are loaded.';
comment on column recsys_engine.model_artifacts.model_id is 'Whose graph it is.';
comment on column recsys_engine.model_artifacts.graph is 'user_tower, post_tower or dlrm.';
comment on column recsys_engine.model_artifacts.onnx is 'The graph with its weights, as ONNX.';
comment on column recsys_engine.model_artifacts.sha256 is 'Checksum of onnx, in hex.';
alter table recsys_engine.model_artifacts alter column onnx set storage external;

create table recsys_engine.model_activations (
  activation_id bigint primary key generated always as identity,
  model_id bigint not null,
  name text not null,
  reason text not null check (reason in ('activated', 'rollback')),
  activated_at timestamptz not null default clock_timestamp(),
  activated_by text not null default session_user,
  ended_at timestamptz
);
comment on table recsys_engine.model_activations is 'Which model served when, and why: one row per stretch of service, kept when its model is dropped. What ended a stretch is the reason of the next one.';
comment on column recsys_engine.model_activations.activation_id is 'Ascending in the order of the stretches.';
comment on column recsys_engine.model_activations.model_id is 'The model that served. No foreign key: the row outlives it.';
comment on column recsys_engine.model_activations.name is 'Its name.';
comment on column recsys_engine.model_activations.reason is 'activated: by a publish or by hand; rollback: it came back because the model before was taken out.';
comment on column recsys_engine.model_activations.activated_at is 'From when it served.';
comment on column recsys_engine.model_activations.activated_by is 'The database role that switched.';
comment on column recsys_engine.model_activations.ended_at is 'Until when; null: it serves now.';
create unique index model_activations_one_open_idx on recsys_engine.model_activations ((true)) where ended_at is null;

alter table recsys.models enable row level security;
alter table recsys_engine.model_artifacts enable row level security;
alter table recsys_engine.model_activations enable row level security;
create policy "the callers of functions read models" on recsys.models for select to authenticated using (true);
create policy "the callers of functions read artifacts" on recsys_engine.model_artifacts for select to authenticated using (true);
grant select on recsys.models, recsys_engine.model_artifacts to authenticated;
grant select, insert, update, delete on recsys.models, recsys_engine.model_artifacts, recsys_engine.model_activations to service_role;

create function recsys_engine.switch_model(p_model_id bigint, p_reason text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update recsys.models set status = case p_reason when 'rollback' then 'rolled_back' else 'retired' end where status = 'active';
  update recsys_engine.model_activations set ended_at = clock_timestamp() where ended_at is null;
  insert into recsys_engine.model_activations (model_id, name, reason)
  select models.model_id, models.name, p_reason from recsys.models where models.model_id = p_model_id;
  update recsys.models set status = 'active' where model_id = p_model_id;
end
$$;
comment on function recsys_engine.switch_model(bigint, text) is 'What activate_model and rollback_model share, under their lock: the active model goes out of service, p_model_id serves, the history says why (activated or rollback).';

create function recsys.activate_model(p_model_id bigint, p_instead_of bigint default null) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  found_status text;
begin
  -- one switch at a time, so that two operators cannot interleave; a drop holds it too, or it could take what is being activated
  perform recsys_engine.take_lock('models');
  select status into found_status from recsys.models where model_id = p_model_id;
  if found_status = 'active' then
    return;
  end if;
  if p_instead_of is not null and not exists (select from recsys.models where model_id = p_instead_of and status = 'active') then
    raise exception 'model % is not active any more, and nothing was changed', p_instead_of
      using errcode = 'object_not_in_prerequisite_state', hint = 'select * from recsys_engine.model_activations order by activation_id desc limit 5';
  end if;
  if found_status is null or found_status in ('candidate', 'rejected') then
    raise exception 'model % is % and cannot be activated', p_model_id, case found_status
        when 'candidate' then 'not complete' when 'rejected' then 'rejected by the gate' else 'not there' end
      using hint = 'select model_id, name, status, gate -> ''reasons'' from recsys.models';
  end if;
  perform recsys_engine.switch_model(p_model_id, 'activated');
end
$$;
comment on function recsys.activate_model(bigint, bigint) is 'Makes a model the one that serves and retires the one before, in one transaction; the active one stays as it is. Raises for a candidate, a rejected model, and one that is not there; with p_instead_of also, and changes nothing, where another model than that one is active by now.';

create function recsys.rollback_model(p_model_id bigint default null) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- read before the lock: of two concurrent calls both mean the model they found, and the second finds it gone already
  unwanted_model_id constant bigint := coalesce(p_model_id, (select model_id from recsys.models where status = 'active'));
  previous_model_id bigint;
begin
  perform recsys_engine.take_lock('models');
  if not exists (select from recsys.models where model_id = unwanted_model_id and status = 'active') then
    raise exception 'model % is not active (any more), and nothing was changed', coalesce(unwanted_model_id::text, '(none)')
      using errcode = 'object_not_in_prerequisite_state', hint = 'select * from recsys_engine.model_activations order by activation_id desc limit 5';
  end if;
  select activations.model_id into previous_model_id
  from recsys_engine.model_activations as activations
  join recsys.models on models.model_id = activations.model_id and models.status = 'retired'
  order by activations.activation_id desc
  limit 1;
  if previous_model_id is null then
    raise exception 'there is no earlier model to roll back to' using hint = 'select model_id, name, status from recsys.models';
  end if;
  perform recsys_engine.switch_model(previous_model_id, 'rollback');
  return previous_model_id;
end
$$;
comment on function recsys.rollback_model(bigint) is
  'Takes the active model out of service and activates the one that served before it; returns its model_id. p_model_id: the model to remove (default: the active one); raises, and changes nothing, where it does not serve. A rolled-back model is skipped later, so a second call goes further back.';

revoke all on function recsys_engine.switch_model(bigint, text), recsys.activate_model(bigint, bigint), recsys.rollback_model(bigint) from public;
grant execute on function recsys_engine.switch_model(bigint, text), recsys.activate_model(bigint, bigint), recsys.rollback_model(bigint) to service_role;
