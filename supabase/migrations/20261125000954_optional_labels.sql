-- What the optional heads of a ranker learn from, and are held against: what people made of posts that they were shown, beside interactions.

create function recsys.optional_labels(p_from timestamptz, p_to timestamptz) returns table (head text, request_id uuid, post_id uuid)
language sql stable security invoker set search_path = ''
set jit = off
as $$
  -- dismissals are few, so each looks for what its person was shown on the day before
  select 'dismiss', shown.request_id, shown.post_id
  from recsys.source_dismissals as dismissals
  join recsys.impressions as shown on shown.user_id = dismissals.user_id and shown.post_id = dismissals.post_id
  where shown.shown_at >= p_from and shown.shown_at < p_to
    and dismissals.created_at > shown.shown_at and dismissals.created_at <= shown.shown_at + interval '1 day'
    -- says the same once more, for who looks for them by time
    and dismissals.created_at > p_from and dismissals.created_at < p_to + interval '1 day'
  union
  select 'dismiss', shown.request_id, shown.post_id
  from recsys.source_mutes as mutes
  join recsys.impressions as shown on shown.user_id = mutes.user_id
  join recsys.source_posts as posts on posts.post_id = shown.post_id
  where shown.shown_at >= p_from and shown.shown_at < p_to
    and mutes.created_at > shown.shown_at and mutes.created_at <= shown.shown_at + interval '1 day'
    and mutes.created_at > p_from and mutes.created_at < p_to + interval '1 day'
    and recsys.is_muted(mutes.kind, mutes.value, posts.author_id, posts.title, posts.tags)
  union
  select 'long_view', shown.request_id, shown.post_id
  from recsys.settings
  join recsys.source_interactions as views on views.kind = 'view' and views.value >= settings.long_view_seconds
  join recsys.impressions as shown on shown.user_id = views.user_id and shown.post_id = views.post_id
  where shown.shown_at >= p_from and shown.shown_at < p_to
    and views.created_at > shown.shown_at and views.created_at <= shown.shown_at + interval '1 day'
    and views.created_at > p_from and views.created_at < p_to + interval '1 day'
$$;
comment on function recsys.optional_labels(timestamptz, timestamptz) is 'Which posts shown from an instant on and before another were, within a day, dismissed (by name, by a vote against them, or by a mute of their author, a word or a topic of theirs), or viewed for recsys.settings.long_view_seconds: head is dismiss or long_view. What was taken back is not there, nor mutes of which the app does not say when they came.';

revoke all on function recsys.optional_labels(timestamptz, timestamptz) from public;
grant execute on function recsys.optional_labels(timestamptz, timestamptz) to service_role;
