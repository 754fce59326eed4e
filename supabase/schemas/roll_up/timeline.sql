-- What training walks through: every event with the states that it left.

create view recsys_engine.timeline with (security_invoker = true) as
select
  user_events.created_at as at,
  user_events.event_id,
  user_events.sort_id,
  user_events.user_id,
  user_events.post_id,
  user_events.kind,
  user_stats.views as user_views,
  user_stats.votes as user_votes,
  user_stats.comments as user_comments,
  user_stats.logins,
  user_stats.recent as user_recent,
  user_stats.recent_logins,
  user_stats.habit_log_age,
  user_stats.habit_log_idle,
  user_events.weight,
  -- nearly always they never did too much
  case
    when user_events.post_id is null then false
    when not exists (select from recsys_engine.bursts where bursts.user_id = user_events.user_id) then null
    else not exists (
      select from recsys.source_interactions as earlier
      where earlier.user_id = user_events.user_id and earlier.post_id = user_events.post_id
        and earlier.created_at <= user_events.created_at
        and (earlier.created_at < user_events.created_at or earlier.interaction_id < user_events.sort_id)
    )
  end as is_first
from recsys_engine.user_events
join recsys_engine.user_stats on user_stats.event_id = user_events.event_id;
comment on view recsys_engine.timeline is
  'Every event with its user''s state right after it; in the order of (at, sort_id), with rows of recsys_engine.post_stats by interaction_id, it replays the community for training. Without such a row it changed no post: a repeat, an own post, a burst.';
comment on column recsys_engine.timeline.at is 'When the event was.';
comment on column recsys_engine.timeline.event_id is 'interaction_id, or L followed by login_id.';
comment on column recsys_engine.timeline.sort_id is 'interaction_id or login_id: events of the same instant are in the order of (sort_id, event_id).';
comment on column recsys_engine.timeline.user_id is 'Whose event it is.';
comment on column recsys_engine.timeline.post_id is 'The post of an interaction; null: a login.';
comment on column recsys_engine.timeline.kind is 'view, vote, comment or login.';
comment on column recsys_engine.timeline.user_views is 'Views by the user so far.';
comment on column recsys_engine.timeline.user_votes is 'Votes by the user so far.';
comment on column recsys_engine.timeline.user_comments is 'Comments by the user so far.';
comment on column recsys_engine.timeline.logins is 'Logins of the user so far.';
comment on column recsys_engine.timeline.user_recent is 'Interactions of the user, decayed, as in recsys_engine.user_stats.recent.';
comment on column recsys_engine.timeline.recent_logins is 'The same for logins.';
comment on column recsys_engine.timeline.habit_log_age is 'Mean of ln(1 + age of the post in hours) over the user''s interactions so far; null: none yet.';
comment on column recsys_engine.timeline.habit_log_idle is 'Mean of ln(1 + hours the post had been idle) over the user''s interactions so far; null: none yet.';
comment on column recsys_engine.timeline.weight is 'How much the event counts compared with others of its kind, as the app says it now (recsys.source_interactions.weight); no state depends on it.';
comment on column recsys_engine.timeline.is_first is 'Whether the user had not interacted with the post before; null: recsys_engine.post_stats.first_interaction says it, since all they did counts.';
grant select on recsys_engine.timeline to service_role;
