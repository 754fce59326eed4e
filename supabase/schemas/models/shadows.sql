-- A shadow is a model that scores a share of the requests after they were answered, without being shown: its effect
-- is known (recsys.shadow_report, recsys.off_policy) before it serves any user.

create table recsys.shadows (
  shadow_id bigint primary key generated always as identity,
  model_id bigint not null,
  name text not null,
  share numeric(5, 4) not null check (share > 0 and share <= 1),
  started_at timestamptz not null,
  started_by text not null default session_user,
  ended_at timestamptz
);
comment on table recsys.shadows is 'One row per shadow, running until ended_at. Begun by recsys.start_shadow, ended by recsys.stop_shadow; what it said is in recsys_engine.shadow_impressions.';
comment on column recsys.shadows.shadow_id is 'Ascending in the order of their start.';
comment on column recsys.shadows.model_id is 'The model that scores. No foreign key: the row outlives it.';
comment on column recsys.shadows.name is 'The model''s name.';
comment on column recsys.shadows.share is
  'The share of the requests that it scores, as far as workers have time, chosen by the first 32 bits of the random request_id.';
comment on column recsys.shadows.started_at is 'When it began, by the engine''s clock.';
comment on column recsys.shadows.started_by is 'The database role that started it.';
comment on column recsys.shadows.ended_at is 'When it ended, by the engine''s clock; null: it runs.';
create unique index shadows_running_idx on recsys.shadows (model_id) where ended_at is null;
alter table recsys.shadows enable row level security;
grant select, insert, update, delete on recsys.shadows to service_role;

create function recsys.start_shadow(p_model text, p_share real) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  wanted_model_id bigint;
  taken numeric;
  new_shadow_id bigint;
begin
  -- the lock of model switches: a model must not be dropped while a shadow of it begins
  perform recsys_engine.take_lock('models');
  if (p_share::numeric between 0.0001 and 1) is not true or p_share::numeric * 10000 % 1 <> 0 then
    raise exception 'the share of a shadow is from 0.0001 to 1 in steps of 0.0001, not %', coalesce(p_share::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  select models.model_id into wanted_model_id from recsys.models where models.name = p_model and models.status in ('ready', 'active', 'retired');
  if wanted_model_id is null then
    raise exception 'there is no model % that could serve', coalesce(p_model, '(null)')
      using errcode = 'invalid_parameter_value', hint = 'select name, status from recsys.models where status in (''ready'', ''active'', ''retired'')';
  end if;
  if exists (select from recsys.shadows where shadows.model_id = wanted_model_id and shadows.ended_at is null) then
    raise exception 'a shadow of % runs already', p_model using errcode = 'unique_violation', hint = 'to change its share: recsys.stop_shadow(name), and start it again';
  end if;
  taken := (select coalesce(sum(shadows.share), 0) from recsys.shadows where shadows.ended_at is null);
  if taken + p_share::numeric > 1 then
    raise exception 'the shares of all running shadows are 1 together at most, and % is taken', taken
      using errcode = 'invalid_parameter_value', hint = 'select name, share from recsys.shadows where ended_at is null; recsys.stop_shadow(name)';
  end if;
  insert into recsys.shadows (model_id, name, share, started_at) values (wanted_model_id, p_model, p_share::numeric, recsys.clock())
  returning shadow_id into new_shadow_id;
  return new_shadow_id;
end
$$;
comment on function recsys.start_shadow(text, real) is
  'Makes a published model a shadow that scores p_share of the feeds (0.0001 to 1) without being shown; returns the shadow_id. Workers start within ten seconds. A request has one shadow, so all shares are 1 together at most. Raises 22023 for a wrong share or model, 23505 where it runs.';

create function recsys.stop_shadow(p_model text) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update recsys.shadows set ended_at = recsys.clock() where shadows.name = p_model and shadows.ended_at is null;
  if not found then
    raise exception 'no shadow of % runs', coalesce(p_model, '(null)') using errcode = 'no_data_found', hint = 'select name from recsys.shadows where ended_at is null';
  end if;
end
$$;
comment on function recsys.stop_shadow(text) is 'Ends the shadow of a model; what it scored stays. Workers know within ten seconds. Raises P0002 where none runs.';

revoke all on function recsys.start_shadow(text, real), recsys.stop_shadow(text) from public;
grant execute on function recsys.start_shadow(text, real), recsys.stop_shadow(text) to service_role;
