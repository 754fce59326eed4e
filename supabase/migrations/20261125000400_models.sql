-- Versioned models. Exactly one is active; activating and rolling back are single transactions.

create table recsys.models (
  model_id bigint primary key generated always as identity,
  name text not null unique,
  status text not null default 'building' check (status in ('building', 'ready', 'active', 'retired', 'rolled_back')),
  feature_spec jsonb not null,
  feature_spec_digest text not null,
  metrics jsonb not null default '{}',
  created_at timestamptz not null default now(),
  activated_at timestamptz
);
comment on table recsys.models is 'One row per trained model. building: its vectors are being written; ready: complete, never served; active: serves; retired: served before; rolled_back: taken out of service for cause.';
comment on column recsys.models.feature_spec is 'What the inputs of the three graphs are, as the trainer built them: names, order, and every value that changes a feature.';
comment on column recsys.models.feature_spec_digest is 'sha256 of feature_spec; a function whose own spec has another digest refuses to serve the model.';
comment on column recsys.models.model_id is 'Names the partitions of its vectors: recsys.post_embeddings_N and recsys.user_embeddings_N.';
comment on column recsys.models.name is 'What commands call it; model-DATE-TIME of its training.';
comment on column recsys.models.status is 'Where it is in its life; see the table.';
comment on column recsys.models.metrics is 'What its training says of itself: losses, numbers of examples, seed, backend, when it was trained.';
comment on column recsys.models.created_at is 'When its publish began.';
comment on column recsys.models.activated_at is 'When it was activated last; null: never.';
create unique index models_one_active_idx on recsys.models (status) where status = 'active';

create table recsys.model_artifacts (
  model_id bigint not null references recsys.models (model_id) on delete cascade,
  graph text not null check (graph in ('user_tower', 'post_tower', 'dlrm')),
  onnx bytea not null,
  sha256 text not null check (sha256 = encode(sha256(onnx), 'hex')),
  primary key (model_id, graph)
);
comment on table recsys.model_artifacts is 'The ONNX graphs of a model, as bytes; the checksum is verified when they are written and again when they are loaded.';
comment on column recsys.model_artifacts.model_id is 'Whose graph it is.';
comment on column recsys.model_artifacts.graph is 'user_tower, post_tower or dlrm.';
comment on column recsys.model_artifacts.onnx is 'The graph with its weights, as ONNX.';
comment on column recsys.model_artifacts.sha256 is 'Checksum of onnx, in hex.';
alter table recsys.model_artifacts alter column onnx set storage external;

alter table recsys.models enable row level security;
alter table recsys.model_artifacts enable row level security;
create policy "the callers of functions read models" on recsys.models for select to authenticated using (true);
create policy "the callers of functions read artifacts" on recsys.model_artifacts for select to authenticated using (true);
grant select on recsys.models, recsys.model_artifacts to authenticated;
grant select, insert, update, delete on recsys.models, recsys.model_artifacts to service_role;

create function recsys.activate_model(p_model_id bigint) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  -- one activation at a time, so that two operators cannot interleave
  perform pg_advisory_xact_lock(hashtext('recsys.activate_model'));
  if not exists (select from recsys.models where model_id = p_model_id and status <> 'building') then
    raise exception 'model % is not complete and cannot be activated', p_model_id
      using hint = 'select model_id, name, status from recsys.models';
  end if;
  update recsys.models set status = 'retired' where status = 'active' and model_id <> p_model_id;
  update recsys.models set status = 'active', activated_at = clock_timestamp() where model_id = p_model_id and status <> 'active';
end
$$;
comment on function recsys.activate_model(bigint) is 'Makes a complete model the one that serves and retires the one before, in one transaction.';

create function recsys.rollback_model() returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  previous_model_id bigint;
begin
  perform pg_advisory_xact_lock(hashtext('recsys.activate_model'));
  select model_id into previous_model_id from recsys.models where status = 'retired' order by activated_at desc limit 1;
  if previous_model_id is null then
    raise exception 'there is no earlier model to roll back to' using hint = 'select model_id, name, status from recsys.models';
  end if;
  update recsys.models set status = 'rolled_back' where status = 'active';
  update recsys.models set status = 'active', activated_at = clock_timestamp() where model_id = previous_model_id;
  return previous_model_id;
end
$$;
comment on function recsys.rollback_model() is 'Takes the active model out of service and puts the one that served before it back; returns that one''s model_id.';

revoke all on function recsys.activate_model(bigint), recsys.rollback_model() from public;
grant execute on function recsys.activate_model(bigint), recsys.rollback_model() to service_role;
