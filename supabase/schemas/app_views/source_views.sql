-- The seam between an app and the engine: ten views. An app redefines them over its own tables by "create or replace
-- view", as 20261125000300_example_views.sql does for the example app, and nothing else; until then they are empty.
-- They are security_invoker, so a reader sees what the app's own row level security allows. "create or replace view"
-- drops that where it is not repeated: recsys_engine.require_invoker_views() then refuses every feed.
--
-- Whatever the app's tables hold, no row of these views may end or slow the feeds of others, so an app's views keep:
-- - times are from 1990 to 2199: one view at -infinity made features of other posts infinite. "is true" hides from
--   the planner that this is a range; with it, it expected 1 row in 200 behind any instant, took indexes at random,
--   and 500 new events on top of a million took 15 times as long;
-- - a text has at most so many letters, a list so many entries, none of them null: a title of 5 MB made every feed
--   that held it 3 to 7 times slower. These limits are what trainer and functions read; the towers hash the first 8 to
--   64 different words of each.
-- A text or list that is null is read as an empty one. A future time is shown as it is: hiding it until then would
-- change rows without a change to queue. So an app whose users write times refuses future ones, as the policies of
-- the example app do.

create view recsys.source_users with (security_invoker = true) as
select null::uuid as user_id, null::text as external_id, null::text[] as passions, null::text[] as projects, null::text as bio, null::timestamptz as created_at where false;
comment on view recsys.source_users is 'People who get recommendations: (user_id, external_id, passions, projects, bio, created_at).';
comment on column recsys.source_users.user_id is 'The person: auth.uid() of their requests.';
comment on column recsys.source_users.external_id is 'The id they had in an imported bundle; null: none.';
comment on column recsys.source_users.passions is 'What they say they care about; the user tower reads it.';
comment on column recsys.source_users.projects is 'Titles of what they work on; the user tower reads them.';
comment on column recsys.source_users.bio is 'What they say of themselves; the user tower reads it.';
comment on column recsys.source_users.created_at is 'When they signed up.';

create view recsys.source_posts with (security_invoker = true) as
select null::uuid as post_id, null::text as external_id, null::uuid as author_id, null::text as title, null::text as description, null::text[] as tags, null::timestamptz as created_at, null::text as language where false;
comment on view recsys.source_posts is 'Posts that may be recommended: (post_id, external_id, author_id, title, description, tags, created_at, language). Rows a caller may not read are never recommended to them.';
comment on column recsys.source_posts.post_id is 'The post.';
comment on column recsys.source_posts.external_id is 'The id it had in an imported bundle; null: none.';
comment on column recsys.source_posts.author_id is
  'The author, to whom it is not recommended; null: unknown.';
comment on column recsys.source_posts.title is 'Its title; the post tower reads it.';
comment on column recsys.source_posts.description is 'Its text; the post tower reads it.';
comment on column recsys.source_posts.tags is 'What it is about; the post tower reads them.';
comment on column recsys.source_posts.created_at is 'When it was written; one of the future is not recommended yet.';
comment on column recsys.source_posts.language is 'Its language as a BCP 47 tag in small letters, such as en; null: unknown, or the app does not say. Only filters read it.';

create view recsys.source_interactions with (security_invoker = true) as
select null::bigint as interaction_id, null::uuid as user_id, null::uuid as post_id, null::text as kind, null::real as value, null::timestamptz as created_at, null::real as weight where false;
comment on view recsys.source_interactions is 'What people did with posts: (interaction_id, user_id, post_id, kind in view | vote | comment, value, created_at, weight), without votes against it. interaction_id is unique over all kinds and breaks ties of created_at.';
comment on column recsys.source_interactions.interaction_id is 'Unique over all kinds; of equal times the lower one came first.';
comment on column recsys.source_interactions.user_id is 'Who did it.';
comment on column recsys.source_interactions.post_id is 'With which post.';
comment on column recsys.source_interactions.kind is 'view, vote or comment.';
comment on column recsys.source_interactions.value is 'Of a view the seconds it took, of others a strength or rating; null: none. The engine reads that of views, where recsys.settings.long_view_seconds says so.';
comment on column recsys.source_interactions.created_at is 'When.';
comment on column recsys.source_interactions.weight is 'How much it counts compared with others of its kind, above 0 and at most 1000, such as recsys.kinds.weight of the app''s own word for it; null: 1. The next training from scratch learns from it what to put first; counts, probabilities and reports know nothing of it.';

create view recsys.source_logins with (security_invoker = true) as
select null::bigint as login_id, null::uuid as user_id, null::timestamptz as created_at where false;
comment on view recsys.source_logins is 'When people came back: (login_id, user_id, created_at).';
comment on column recsys.source_logins.login_id is 'Its number.';
comment on column recsys.source_logins.user_id is 'Who came back.';
comment on column recsys.source_logins.created_at is 'When.';

create view recsys.source_dismissals with (security_invoker = true) as
select dismissals.user_id, dismissals.post_id, dismissals.created_at from recsys.dismissals;
comment on view recsys.source_dismissals is 'What people do not want to be shown: (user_id, post_id, created_at). Dismissed posts and those voted against; they leave the feed of that person at once and are no interactions.';
comment on column recsys.source_dismissals.user_id is 'Who does not want it.';
comment on column recsys.source_dismissals.post_id is 'Which post.';
comment on column recsys.source_dismissals.created_at is 'Since when.';

create view recsys.source_mutes with (security_invoker = true) as
select null::uuid as user_id, null::text as kind, null::text as value, null::timestamptz as created_at where false;
comment on view recsys.source_mutes is 'Muted people, topics, words and texts of each user: (user_id, kind in person | topic | word | title_contains | contains, value, created_at). They hold in every answer to that person. Of each user 10,000 people and 100 of each other kind are read. Empty in an app without such a table.';
comment on column recsys.source_mutes.user_id is 'Who does not want to see it.';
comment on column recsys.source_mutes.kind is 'person: an author. topic: a tag. word: a whole word or phrase in title or tags. title_contains: a text anywhere in the title, within words, too. contains: one anywhere in title or description.';
comment on column recsys.source_mutes.value is 'The author''s id as text; the tag, word, phrase or text. Its first 100 letters are read, without regard to case. No character is a wildcard.';
comment on column recsys.source_mutes.created_at is 'Since when; null: the app does not say. A ranker learns from mutes that came within an hour of a shown post; what is muted is left out whatever it is.';

create view recsys.source_follows with (security_invoker = true) as
select null::uuid as user_id, null::text as kind, null::text as target, null::timestamptz as created_at where false;
comment on view recsys.source_follows is
  'The people, topics and groups that users follow: (user_id, kind in person | topic | group, target, created_at). Reads the latest 1,000 people of a user, and of the latest 100 topics and groups the 10 with the newest posts. Empty in an app without such a table.';
comment on column recsys.source_follows.user_id is 'Who follows.';
comment on column recsys.source_follows.kind is 'person: an author. topic: a tag. group: whatever else posts belong to, where recsys.source_posts shows it among their tags; it is read as a topic.';
comment on column recsys.source_follows.target is
  'The person''s id as text; the tag, or the group as tags name it: the first 100 letters, without regard to case.';
comment on column recsys.source_follows.created_at is
  'Since when; null: unknown, and it counts from the beginning. Training takes it that no follow existed before.';

create view recsys.source_preferences with (security_invoker = true) as
select null::uuid as user_id, null::text as kind, null::text as value where false;
comment on view recsys.source_preferences is 'What people decided about their own feed: (user_id, kind in feed | more | less | hide, value). Of each user 100 topics of each kind are read. Empty in an app without such a table.';
comment on column recsys.source_preferences.user_id is 'Whose feed.';
comment on column recsys.source_preferences.kind is 'feed: what it is made of. more, less: of a topic they want more or less. hide: what they want to see nothing of.';
comment on column recsys.source_preferences.value is
  'kind feed: following (newest posts of follows, by time) or impersonal (reads only mutes, learns nothing), else personal. more and less: the tag, its first 100 letters, without regard to case. hide: reposts, posts of one conversation with one that they interacted with, dismissed or saw.';

create view recsys.source_withheld with (security_invoker = true) as
select null::uuid as post_id, null::uuid as author_id where false;
comment on view recsys.source_withheld is
  'Posts that only followers of their author get recommended: (post_id, author_id), a row for a post or for all posts of an author, the other null. Set by authors or moderators. Every role has to be able to read it. Empty in an app without such a table.';
comment on column recsys.source_withheld.post_id is 'The post; null: all posts of the author.';
comment on column recsys.source_withheld.author_id is 'The author; null: the post alone.';

create view recsys.source_conversations with (security_invoker = true) as
select null::uuid as post_id, null::text as conversation where false;
comment on view recsys.source_conversations is 'Which posts are one conversation: (post_id, conversation), one row for a post at most. A page has one of them, and says how many more there are. Posts with the same title are one without it. Read by the service role alone, of posts that the reader may read. Empty in an app that does not say.';
comment on column recsys.source_conversations.post_id is 'The post.';
comment on column recsys.source_conversations.conversation is 'The same for all posts of one: the link that they share, or the id of the post that they answer or repost, also for that post itself; null: of none.';

grant select on recsys.source_users, recsys.source_posts, recsys.source_interactions, recsys.source_logins, recsys.source_dismissals, recsys.source_mutes, recsys.source_follows, recsys.source_preferences, recsys.source_withheld, recsys.source_conversations to authenticated, service_role;

-- not among what is promised, which has no room for it: nothing but the cost of feeds depends on these two. And source_posts takes no further column: an
-- app that replaced the view of an earlier version could not push its migrations again
create view recsys.source_memberships with (security_invoker = true) as
select null::uuid as user_id, null::text as scope where false;
comment on view recsys.source_memberships is
  'Scopes of users: (user_id, scope), a row for each organisation or closed group with posts of its own. A worker keeps common posts by scope (recsys.source_post_scopes); row level security still decides. Only the app may write it. Reads 100 scopes a user. Empty in an app without scopes.';
comment on column recsys.source_memberships.user_id is 'Who belongs there.';
comment on column recsys.source_memberships.scope is
  'The scope: any distinct name; its first 100 letters are read.';

create view recsys.source_post_scopes with (security_invoker = true) as
select null::uuid as post_id, null::text as scope where false;
comment on view recsys.source_post_scopes is 'Where posts belong: (post_id, scope), a row for each post, and more for one that belongs to several scopes of recsys.source_memberships. It decides about nothing, as that one. Read by the service role alone. Empty in an app that does not say.';
comment on column recsys.source_post_scopes.post_id is 'The post.';
comment on column recsys.source_post_scopes.scope is 'To which organisation, tenant or group, by the name that it has in recsys.source_memberships, of 100 letters at most; null: to none, so that everybody may read it.';

grant select on recsys.source_memberships to authenticated;
grant select on recsys.source_post_scopes to service_role;
