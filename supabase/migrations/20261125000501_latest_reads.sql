-- A feed reads the latest rows of each kind of its reader, in the order of an index. Part of the example app, as its tables and views are.

create index follows_user_id_kind_created_at_idx on public.follows (user_id, kind, created_at desc);
-- votes against a post are dismissals, and others are interactions: neither is found by reading all of the other
create index post_votes_user_id_against_idx on public.post_votes (user_id, created_at desc) include (post_id) where value < 0;
create index post_votes_user_id_for_idx on public.post_votes (user_id, created_at, id) where value is null or value >= 0;

-- a branch of a union that has a "where" of its own is read whole and then sorted: here the condition comes behind the union
create or replace view recsys.source_interactions with (security_invoker = true) as
select interactions.*, null::real as weight from (
  select post_views.id as interaction_id, post_views.user_id, post_views.post_id, 'view' as kind, post_views.value, post_views.created_at from public.post_views
  union all
  select post_votes.id, post_votes.user_id, post_votes.post_id, 'vote', post_votes.value, post_votes.created_at from public.post_votes
  union all
  select comments.id, comments.user_id, comments.post_id, 'comment', comments.value, comments.created_at from public.comments
) as interactions
where (interactions.created_at >= '1990-01-01 00:00Z' and interactions.created_at < '2200-01-01 00:00Z') is true
  -- a vote against a post is a dismissal: as an interaction it would bring more of the same
  and (interactions.kind <> 'vote' or interactions.value is null or interactions.value >= 0);

create or replace view recsys.source_dismissals with (security_invoker = true) as
select dismissed.user_id, dismissed.post_id, dismissed.created_at from (
  select dismissals.user_id, dismissals.post_id, dismissals.created_at, (-1)::real as value from recsys.dismissals
  union all
  select post_votes.user_id, post_votes.post_id, post_votes.created_at, post_votes.value from public.post_votes
) as dismissed
where (dismissed.created_at >= '1990-01-01 00:00Z' and dismissed.created_at < '2200-01-01 00:00Z') is true and dismissed.value < 0;
