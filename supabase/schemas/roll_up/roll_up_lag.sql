-- How far the feature store is behind.

create view recsys_engine.roll_up_lag with (security_invoker = true) as
select
  count(*) as depth,
  now() - min(feature_changes.queued_at) as age,
  round(count(*) / nullif(extract(epoch from max(feature_changes.queued_at) - min(feature_changes.queued_at)), 0), 1) as arriving_per_second
from recsys_engine.feature_changes;
comment on view recsys_engine.roll_up_lag is 'How far the feature store is behind, in one row.';
comment on column recsys_engine.roll_up_lag.depth is 'Changes that wait for recsys.roll_up().';
comment on column recsys_engine.roll_up_lag.age is 'How long the oldest has waited; null: none waits.';
comment on column recsys_engine.roll_up_lag.arriving_per_second is 'How fast those that wait came in; null where all came at the same time.';
grant select on recsys_engine.roll_up_lag to service_role;
