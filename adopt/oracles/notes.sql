-- What the rules of the app in fixtures/notes.sql forbid, by its own tables alone: pairs of a reader ($1) and a note ($2), counted by the rule
-- that they break. A row with no rule counts those that break none.
select rule.why, count(*)::int as items
from unnest($1::uuid[], $2::text[]) as shown (reader, item)
join "user" as me on me."authId" = shown.reader
left join "note" as note on note."id" = shown.item
left join "user" as author on author."id" = note."userId"
left join lateral (
  select why from (values
    ('gone', note."id" is null),
    ('one''s own', note."userId" = me."id"),
    ('passed on without a word', note."renoteId" is not null and coalesce(note."text", note."cw") is null and note."fileIds" = '{}' and not note."hasPoll"),
    ('for followers only', note."visibility" = 'followers' and note."userId" <> me."id"
      and not exists (select from "following" where "followerId" = me."id" and "followeeId" = note."userId")),
    ('for the home timeline', note."visibility" = 'home'),
    ('for those it names', note."visibility" = 'specified'),
    ('of somebody suspended', author."isSuspended"),
    ('of somebody deleted', author."isDeleted"),
    ('of somebody muted', exists (select from "muting" where "muterId" = me."id" and "muteeId" = note."userId" and ("expiresAt" is null or "expiresAt" > now()))),
    ('of somebody blocked', exists (select from "blocking" where "blockerId" = me."id" and "blockeeId" = note."userId")),
    ('of somebody who blocked the reader', exists (select from "blocking" where "blockerId" = note."userId" and "blockeeId" = me."id"))
  ) as rules (why, broken) where broken
) as rule on true
group by rule.why
