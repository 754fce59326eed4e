-- What recsys.roll_up() could not work out. It is set aside, so that everybody else's states go on.

create table recsys_engine.failed_feature_changes (
  user_id uuid unique,
  post_id uuid unique,
  at timestamptz not null,
  error_code text not null,
  reason text not null,
  failures integer not null default 1,
  first_failed_at timestamptz not null default clock_timestamp(),
  last_failed_at timestamptz not null default clock_timestamp(),
  check (num_nonnulls(user_id, post_id) = 1)
);
comment on table recsys_engine.failed_feature_changes is
  'Posts and users whose states failed to compute; they keep their last states. Each is tried again, alone, after its next change. To retry all: insert into recsys_engine.feature_changes (user_id, post_id, at) select user_id, post_id, at from recsys_engine.failed_feature_changes.';
comment on column recsys_engine.failed_feature_changes.user_id is 'The user; null: a post.';
comment on column recsys_engine.failed_feature_changes.post_id is 'The post; null: a user.';
comment on column recsys_engine.failed_feature_changes.at is 'From when on the states are to be recomputed. -infinity: all of them.';
comment on column recsys_engine.failed_feature_changes.error_code is 'SQLSTATE of the latest failure.';
comment on column recsys_engine.failed_feature_changes.reason is 'What the latest failure was.';
comment on column recsys_engine.failed_feature_changes.failures is 'How often it was tried in vain.';
comment on column recsys_engine.failed_feature_changes.first_failed_at is 'Since when its states are behind, by the wall clock.';
comment on column recsys_engine.failed_feature_changes.last_failed_at is 'When it was tried last, by the wall clock.';
alter table recsys_engine.failed_feature_changes enable row level security;
grant select, insert, update, delete on recsys_engine.failed_feature_changes to service_role;

create view recsys.feature_store_failures with (security_invoker = true) as
select
  case when post_id is null then 'user' else 'post' end as kind,
  coalesce(post_id, user_id) as entity_id,
  error_code,
  reason,
  failures,
  first_failed_at,
  last_failed_at,
  now() - first_failed_at as behind
from recsys_engine.failed_feature_changes;
comment on view recsys.feature_store_failures is 'Which posts and users the feature store is behind with, why, and since when; none should be. How to try again: see the table recsys_engine.failed_feature_changes.';
comment on column recsys.feature_store_failures.kind is 'post or user.';
comment on column recsys.feature_store_failures.entity_id is 'The post_id or user_id.';
comment on column recsys.feature_store_failures.error_code is 'SQLSTATE of the latest failure.';
comment on column recsys.feature_store_failures.reason is 'What the latest failure was.';
comment on column recsys.feature_store_failures.failures is 'How often it was tried in vain.';
comment on column recsys.feature_store_failures.first_failed_at is 'Since when it is behind.';
comment on column recsys.feature_store_failures.last_failed_at is 'When it was tried last.';
comment on column recsys.feature_store_failures.behind is 'For how long its states have been behind.';
grant select on recsys.feature_store_failures to service_role;
