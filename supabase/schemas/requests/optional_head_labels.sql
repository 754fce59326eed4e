-- What the optional heads of a ranker learn from, and are held against: what people made of posts that they were shown, besides interactions.

create view recsys_engine.optional_head_events with (security_invoker = true) as
select 'dismiss' as head, dismissals.user_id, dismissals.post_id, dismissals.created_at
from recsys.source_dismissals as dismissals
union all
select 'long_view', views.user_id, views.post_id, views.created_at
from recsys.source_interactions as views
-- null: nothing is read
where (select settings.long_view_seconds from recsys.settings) is not null
  and views.kind = 'view' and views.value >= (select settings.long_view_seconds from recsys.settings);
comment on view recsys_engine.optional_head_events is 'What people did with a post that an optional head predicts (recsys_engine.heads). That they muted what a post is of is not here but in recsys_engine.optional_head_labels.';
comment on column recsys_engine.optional_head_events.head is 'Which head.';
comment on column recsys_engine.optional_head_events.user_id is 'Who did it.';
comment on column recsys_engine.optional_head_events.post_id is 'With which post.';
comment on column recsys_engine.optional_head_events.created_at is 'When.';
grant select on recsys_engine.optional_head_events to service_role;

create function recsys_engine.optional_head_labels(p_from timestamptz, p_to timestamptz) returns table (head text, request_id uuid, post_id uuid)
language sql stable security invoker set search_path = ''
set jit = off
as $$
  select acts.head, shown.request_id, shown.post_id
  from recsys_engine.optional_head_events as acts
  join recsys.impressions as shown on shown.user_id = acts.user_id and shown.post_id = acts.post_id
  where shown.shown_at >= p_from and shown.shown_at < p_to
    and acts.created_at > shown.shown_at and acts.created_at <= shown.shown_at + interval '1 day'
    -- says the same once more, for who looks for them by time
    and acts.created_at > p_from and acts.created_at < p_to + interval '1 day'
  union
  -- a bounded number of mutes and posts a person, one mute after the other, so that its expression is compiled once:
  -- all at once, 5,000 mutes of a person who was shown 20,000 posts that day took minutes
  select 'dismiss', shown.request_id, shown.post_id
  from (
    select distinct source_mutes.user_id from recsys.source_mutes
    where source_mutes.created_at > p_from and source_mutes.created_at < p_to + interval '1 hour'
  ) as people
  cross join lateral (
    select source_mutes.kind, source_mutes.value, source_mutes.created_at
    from recsys.source_mutes
    where source_mutes.user_id = people.user_id and source_mutes.created_at > p_from and source_mutes.created_at < p_to + interval '1 hour'
    order by source_mutes.created_at desc
    limit 20
  ) as mutes
  cross join lateral (
    select impressions.request_id, impressions.post_id
    from recsys.impressions
    where impressions.user_id = people.user_id
      and impressions.shown_at >= greatest(p_from, mutes.created_at - interval '1 hour') and impressions.shown_at < least(p_to, mutes.created_at)
    order by impressions.shown_at desc
    limit 1000
  ) as shown
  join recsys.source_posts as posts on posts.post_id = shown.post_id
  where recsys_engine.matches_mute(mutes.kind, mutes.value, posts.author_id, posts.title, posts.tags, posts.description)
$$;
comment on function recsys_engine.optional_head_labels(timestamptz, timestamptz) is
  'Actions that an optional head predicts (recsys_engine.optional_head_events) on posts shown in an interval, within a day, or, for dismiss, mutes within an hour (author, topic or text). The latest 20 mutes of a person count, each for 1,000 posts shown before. Without withdrawn and undated ones.';

revoke all on function recsys_engine.optional_head_labels(timestamptz, timestamptz) from public;
grant execute on function recsys_engine.optional_head_labels(timestamptz, timestamptz) to service_role;
