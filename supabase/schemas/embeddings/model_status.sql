-- What a DBA looks at: which models there are, how they were trained and released, and how large they are.

create view recsys.model_status with (security_invoker = true) as
select
  models.model_id, models.name, models.status,
  coalesce(case models.status when 'active' then last.activated_at else last.ended_at end, models.created_at) as since,
  coalesce(posts.vectors, 0) as posts,
  coalesce(users.vectors, 0) as users,
  pg_size_pretty(
    coalesce(pg_total_relation_size(to_regclass('recsys_engine.post_embeddings_' || models.model_id)), 0)
    + coalesce(pg_total_relation_size(to_regclass('recsys_engine.user_embeddings_' || models.model_id)), 0)
    + coalesce(pg_total_relation_size(to_regclass('recsys_engine.post_neighbours_' || models.model_id)), 0)
    + coalesce(artifacts.bytes, 0)
  ) as size,
  case
    when models.gate is null then 'not judged'
    when (models.gate ->> 'passed')::boolean then 'passed'
    else (select string_agg(reason, '; ') from jsonb_array_elements_text(models.gate -> 'reasons') as reason)
  end as gate,
  models.gate #>> '{comparison,with}' as compared_with,
  (models.gate #>> '{comparison,requests}')::integer as requests,
  round((models.gate #>> '{comparison,metrics,mrr,candidate}')::numeric, 3) as mrr,
  round((models.gate #>> '{comparison,metrics,mrr,other}')::numeric, 3) as mrr_of_other,
  models.learned_until
from recsys.models
left join lateral (
  select activations.activated_at, activations.ended_at from recsys_engine.model_activations as activations
  where activations.model_id = models.model_id
  order by activations.activation_id desc
  limit 1
) as last on true
left join (select model_id, count(*) as vectors from recsys.post_embeddings group by model_id) as posts on posts.model_id = models.model_id
left join (select model_id, count(*) as vectors from recsys.user_embeddings group by model_id) as users on users.model_id = models.model_id
left join (select model_id, sum(octet_length(onnx)) as bytes from recsys_engine.model_artifacts group by model_id) as artifacts on artifacts.model_id = models.model_id
order by models.model_id desc;
comment on view recsys.model_status is
  'One row per model, newest first: status and since when; posts and users with vectors; size on disk with index and graphs; the gate''s result (passed, or why not), its comparison (a model, or the recency baseline), number of requests and both MRRs; the time up to which it learned.';
comment on column recsys.model_status.model_id is 'The model.';
comment on column recsys.model_status.name is 'Its name.';
comment on column recsys.model_status.status is 'As in recsys.models.';
comment on column recsys.model_status.since is 'Since when it has that status.';
comment on column recsys.model_status.posts is 'Posts with a vector of it.';
comment on column recsys.model_status.users is 'Users with a vector of it.';
comment on column recsys.model_status.size is 'Its size on disk, with index and graphs.';
comment on column recsys.model_status.gate is 'What the gate said: passed, or why not.';
comment on column recsys.model_status.compared_with is 'What it was compared with: a model, or the recency baseline.';
comment on column recsys.model_status.requests is 'Over how many requests.';
comment on column recsys.model_status.mrr is 'Its mean reciprocal rank.';
comment on column recsys.model_status.mrr_of_other is 'That of what it was compared with.';
comment on column recsys.model_status.learned_until is 'Up to which instant it learned.';
grant select on recsys.model_status to service_role;
