-- Which models are tried alongside the active one: what tries models has its lines here, as it has in functions/_shared/plugins/plugins.ts.

create view recsys_engine.models_under_test with (security_invoker = true) as
select served.model_id
from recsys.experiments
join recsys.experiment_variants as variants using (experiment_id)
cross join lateral (values (variants.model_id), (variants.second_model_id)) as served (model_id)
where experiments.ended_at is null and served.model_id is not null
union
select shadows.model_id from recsys.shadows where shadows.ended_at is null;
comment on view recsys_engine.models_under_test is 'The models that running experiments serve or running shadows score with: they are not to be dropped, and get vectors of new posts.';
comment on column recsys_engine.models_under_test.model_id is 'The model.';
grant select on recsys_engine.models_under_test to service_role;
