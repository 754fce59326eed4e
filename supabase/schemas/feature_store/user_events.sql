-- Interactions and logins in one stream: what the states of users are made of.

create view recsys_engine.user_events with (security_invoker = true) as
select
  interactions_with_bursts.interaction_id::text as event_id,
  interactions_with_bursts.interaction_id as sort_id,
  interactions_with_bursts.user_id,
  interactions_with_bursts.post_id,
  interactions_with_bursts.kind,
  interactions_with_bursts.created_at,
  -- of NaN both are not true: nothing is above it
  case when interactions_with_bursts.weight > 0 and interactions_with_bursts.weight <= 1000 then interactions_with_bursts.weight else 1 end as weight,
  interactions_with_bursts.in_burst
from recsys_engine.interactions_with_bursts
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
