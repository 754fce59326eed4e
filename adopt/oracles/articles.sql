-- What the rules of the app in fixtures/articles.sql forbid, by its own tables alone: pairs of a reader ($1) and an article ($2), counted by the
-- rule that they break. A row with no rule counts those that break none.
select rule.why, count(*)::int as items
from unnest($1::uuid[], $2::text[]) as shown (reader, item)
join users as me on me.auth_id = shown.reader
left join articles as article on article.id::text = shown.item
left join lateral (
  select why from (values
    ('gone', article.id is null),
    ('one''s own', article.user_id = me.id),
    ('not published', article.published is not true),
    ('of a later day', article.published and article.published_at > now() at time zone 'utc'),
    ('archived', article.archived),
    ('of somebody suspended', exists (select from users_roles join roles on roles.id = role_id where roles.name = 'suspended' and users_roles.user_id = article.user_id)),
    ('of somebody blocked', exists (select from user_blocks where blocker_id = me.id and blocked_id = article.user_id)),
    ('called bad by the reader', exists (
      select from reactions where reactions.user_id = me.id and reactable_type = 'Article' and reactable_id = article.id and category in ('vomit', 'thumbsdown') and status in ('valid', 'confirmed')
    ))
  ) as rules (why, broken) where broken
) as rule on true
group by rule.why
