-- Old models go, with their vectors: one a call, so that each drop is a short transaction of its own.

create view recsys_engine.droppable_models with (security_invoker = true) as
with served as (
  select
    models.model_id, models.name, models.status, models.created_at,
    last.activation_id, last.ended_at,
    case models.status when 'retired' then row_number() over (partition by models.status order by last.activation_id desc) end as nth
  from recsys.models
  left join lateral (
    select activations.activation_id, activations.ended_at from recsys_engine.model_activations as activations
    where activations.model_id = models.model_id
    order by activations.activation_id desc
    limit 1
  ) as last on true
)
select served.model_id, served.name, served.status
from served
cross join recsys.settings
where (
    served.nth > settings.retired_models_kept
    or (served.status in ('candidate', 'ready', 'rejected', 'rolled_back') and coalesce(served.ended_at, served.created_at) < now() - settings.unserved_models_kept)
  )
  and served.model_id not in (select models_under_test.model_id from recsys_engine.models_under_test);
comment on view recsys_engine.droppable_models is 'Models that neither a rollback nor a running experiment or shadow needs: retired ones but for the latest settings.retired_models_kept, and others that have not served for settings.unserved_models_kept.';
comment on column recsys_engine.droppable_models.model_id is 'The model.';
comment on column recsys_engine.droppable_models.name is 'Its name.';
comment on column recsys_engine.droppable_models.status is 'As in recsys.models.';
grant select on recsys_engine.droppable_models to service_role;

create function recsys_engine.drop_old_model() returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  old_model_id constant bigint := (select min(model_id) from recsys_engine.droppable_models);
begin
  if old_model_id is not null then
    perform recsys_engine.drop_model(old_model_id);
  end if;
  perform recsys_engine.drop_unread_bases();
  return old_model_id;
exception
  -- another was faster
  when no_data_found then
    return null;
end
$$;
comment on function recsys_engine.drop_old_model() is 'Drops one of recsys_engine.droppable_models, the first published, and returns its model_id; null: there is none. Bases of vectors that no model reads any more go, too (recsys_engine.drop_unread_bases). Raises lock_not_available where the vectors are being read: try again.';
revoke all on function recsys_engine.drop_old_model() from public;

-- where pg_cron cannot run, each publish does it
select recsys_engine.schedule('recsys drop old model', '11 * * * *', 'select recsys_engine.drop_old_model()');
