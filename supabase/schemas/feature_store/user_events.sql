-- Interactions and logins in one stream: what the states of users are made of.

create view recsys_engine.user_events with (security_invoker = true) as
select
  judged_interactions.interaction_id::text as event_id,
  judged_interactions.interaction_id as sort_id,
  judged_interactions.user_id,
  judged_interactions.post_id,
  judged_interactions.kind,
  judged_interactions.created_at,
  -- of NaN both are not true: nothing is above it
  case when judged_interactions.weight > 0 and judged_interactions.weight <= 1000 then judged_interactions.weight else 1 end as weight,
  judged_interactions.in_burst
from recsys_engine.judged_interactions
union all
select 'L' || source_logins.login_id, source_logins.login_id, source_logins.user_id, null, 'login', source_logins.created_at, 1, false
from recsys.source_logins;
comment on view recsys_engine.user_events is 'Interactions and logins as one stream: what changes the state of a user.';
comment on column recsys_engine.user_events.event_id is 'interaction_id, or L followed by login_id.';
comment on column recsys_engine.user_events.sort_id is 'interaction_id or login_id: events of the same instant are in the order of (sort_id, event_id).';
comment on column recsys_engine.user_events.user_id is 'Whose event it is.';
comment on column recsys_engine.user_events.post_id is 'The post of an interaction; null: a login.';
comment on column recsys_engine.user_events.kind is 'view, vote, comment or login.';
comment on column recsys_engine.user_events.created_at is 'When.';
comment on column recsys_engine.user_events.weight is 'How much an interaction counts compared with others of its kind; 1 where the app says nothing, or something that is no weight.';
comment on column recsys_engine.user_events.in_burst is 'Whether an interaction counts for no post, since its user had done too much on that day.';
grant select on recsys_engine.user_events to service_role;
