-- The ten views over the example app's tables, and how old what people do there may be. Another app leaves this file out and redefines them over its own (docs/adopting.md); what
-- they have to keep is said in 02_app_views/02_source_views.sql.

create or replace view recsys.source_users with (security_invoker = true) as
select
  profiles.id as user_id,
  profiles.external_id,
  case
    -- nearly always: nothing to cut
    when coalesce(array_ndims(profiles.passions), 1) = 1 and cardinality(profiles.passions) <= 100 and array_position(profiles.passions, null) is null and length(array_to_string(profiles.passions, '')) <= 10000 then profiles.passions
    else array(select left(entry, 100) from unnest(profiles.passions) with ordinality as listed (entry, place) where entry is not null order by place limit 100)
  end as passions,
  array(select left(projects.title, 500) from public.projects where projects.owner_id = profiles.id order by projects.title limit 100) as projects,
  left(profiles.bio, 50000) as bio,
  profiles.created_at
from public.profiles
where (profiles.created_at >= '1990-01-01 00:00Z' and profiles.created_at < '2200-01-01 00:00Z') is true;

create or replace view recsys.source_posts with (security_invoker = true) as
select
  posts.id as post_id,
  posts.external_id,
  posts.author_id,
  left(posts.title, 1000) as title,
  left(posts.description, 50000) as description,
  case
    -- nearly always: nothing to cut
    when coalesce(array_ndims(posts.tags), 1) = 1 and cardinality(posts.tags) <= 100 and array_position(posts.tags, null) is null and length(array_to_string(posts.tags, '')) <= 10000 then posts.tags
    else array(select left(entry, 100) from unnest(posts.tags) with ordinality as listed (entry, place) where entry is not null order by place limit 100)
  end as tags,
  posts.created_at,
  posts.language
from public.posts
where (posts.created_at >= '1990-01-01 00:00Z' and posts.created_at < '2200-01-01 00:00Z') is true;

create or replace view recsys.source_interactions with (security_invoker = true) as
select interactions.*, null::real as weight from (
  select post_views.id as interaction_id, post_views.user_id, post_views.post_id, 'view' as kind, post_views.value, post_views.created_at from public.post_views
  union all
  select post_votes.id, post_votes.user_id, post_votes.post_id, 'vote', post_votes.value, post_votes.created_at from public.post_votes
  -- a vote against a post is a dismissal: as an interaction it would bring more of the same
  where post_votes.value is null or post_votes.value >= 0
  union all
  select comments.id, comments.user_id, comments.post_id, 'comment', comments.value, comments.created_at from public.comments
) as interactions
where (interactions.created_at >= '1990-01-01 00:00Z' and interactions.created_at < '2200-01-01 00:00Z') is true;

create or replace view recsys.source_logins with (security_invoker = true) as
select logins.id as login_id, logins.user_id, logins.created_at from public.logins
where (logins.created_at >= '1990-01-01 00:00Z' and logins.created_at < '2200-01-01 00:00Z') is true;

create or replace view recsys.source_dismissals with (security_invoker = true) as
select dismissed.* from (
  select dismissals.user_id, dismissals.post_id, dismissals.created_at from recsys.dismissals
  union all
  select post_votes.user_id, post_votes.post_id, post_votes.created_at from public.post_votes where post_votes.value < 0
) as dismissed
where (dismissed.created_at >= '1990-01-01 00:00Z' and dismissed.created_at < '2200-01-01 00:00Z') is true;

create or replace view recsys.source_mutes with (security_invoker = true) as
select mutes.user_id, mutes.kind, mutes.value, mutes.created_at from public.mutes;

create or replace view recsys.source_follows with (security_invoker = true) as
select follows.user_id, follows.kind, follows.target, follows.created_at from public.follows;

create or replace view recsys.source_preferences with (security_invoker = true) as
select preferences.user_id, preferences.kind, preferences.value from public.preferences;

create or replace view recsys.source_withheld with (security_invoker = true) as
-- not one "case", which no index answers: with 4,000 rows the sources took 340 to 450 ms, and so 36 to 88
select withheld.post_id, null::uuid as author_id from public.withheld where withheld.post_id is not null
union all
select null, withheld.author_id from public.withheld where withheld.post_id is null;

create or replace view recsys.source_conversations with (security_invoker = true) as
-- a post whose text begins with a link is about what is there
select posts.id as post_id, left(substring(posts.description from '^\s*(https?://[^[:space:]<>"]+)'), 1000) as conversation
from public.posts
where posts.description ~ '^\s*https?://';

-- in a community that was imported the engine's clock is behind, and what follows by the machine's would begin in its future
alter table public.follows alter column created_at set default recsys.clock();

-- By the engine's clock, and so not in 20261125000100_app_tables.sql. 30 days, as function events takes them: one view of 1990 had the states of all 20,000
-- interactions of a post recomputed. Nor before somebody signed up, or a view on each of 28 days made an account of an hour one that is known.
-- A millisecond, since function events has all happen that much before its own clock.
create policy "views are no older than 30 days and their user" on public.post_views as restrictive for insert to authenticated
  with check (created_at >= greatest(recsys.clock() - interval '30 days', (select profiles.created_at - interval '1 millisecond' from public.profiles where profiles.id = (select auth.uid()) and profiles.created_at <= recsys.clock())));
create policy "votes are no older than 30 days and their user" on public.post_votes as restrictive for insert to authenticated
  with check (created_at >= greatest(recsys.clock() - interval '30 days', (select profiles.created_at - interval '1 millisecond' from public.profiles where profiles.id = (select auth.uid()) and profiles.created_at <= recsys.clock())));
create policy "comments are no older than 30 days and their user" on public.comments as restrictive for insert to authenticated
  with check (created_at >= greatest(recsys.clock() - interval '30 days', (select profiles.created_at - interval '1 millisecond' from public.profiles where profiles.id = (select auth.uid()) and profiles.created_at <= recsys.clock())));
create policy "logins are no older than 30 days" on public.logins as restrictive for insert to authenticated with check (created_at >= recsys.clock() - interval '30 days');
