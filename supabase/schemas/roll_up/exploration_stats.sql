-- Exploration of new posts, which have no interactions before their first impressions. A place of a feed goes to a post that few people were shown so far
-- (settings.trial_place, settings.trial_impressions), drawn by what came of showing it (functions/_shared/recommend/selection/exploration.ts).
-- Whom it was shown to is noted by the statement that logs impressions, a row of its own for each person, so that concurrent writers have
-- no row in common; the roll-up alone counts them.

create table recsys_engine.exploration_stats (
  post_id uuid not null,
  created_at timestamptz not null,
  impressions integer not null,
  acted integer not null,
  primary key (post_id)
)
-- the roll-up rewrites a row in its page, where there is room, and leaves the indexes alone
with (fillfactor = 70);
comment on table recsys_engine.exploration_stats is 'Impressions and interactions of each young post, from which the next explored post is drawn. No row: the post has no impression yet. Only recsys_engine.update_exploration_stats writes it.';
comment on column recsys_engine.exploration_stats.post_id is 'The post.';
comment on column recsys_engine.exploration_stats.created_at is 'When it was written.';
comment on column recsys_engine.exploration_stats.impressions is 'How many people were shown it, wherever in a feed: each counts once, however often they reload. What comes after settings.trial_impressions is not counted.';
comment on column recsys_engine.exploration_stats.acted is 'How many of these viewed, voted for or commented on it within an hour.';
create index exploration_stats_created_at_idx on recsys_engine.exploration_stats (created_at desc, post_id);

create table recsys_engine.exploration_impressions (
  post_id uuid not null,
  user_id uuid not null,
  shown_at timestamptz not null,
  acted boolean,
  primary key (post_id, user_id)
);
comment on table recsys_engine.exploration_impressions is 'To whom a young post was shown while it was under trial: what recsys_engine.exploration_stats counts. About settings.trial_impressions rows a post at most.';
comment on column recsys_engine.exploration_impressions.post_id is 'The post.';
comment on column recsys_engine.exploration_impressions.user_id is 'Whom it was shown to.';
comment on column recsys_engine.exploration_impressions.shown_at is 'When for the first time, by the engine''s clock.';
comment on column recsys_engine.exploration_impressions.acted is 'Whether they viewed, voted for or commented on it within an hour; null: no roll-up has counted it yet.';
create index exploration_impressions_uncounted_idx on recsys_engine.exploration_impressions (post_id) where acted is null;
-- a deleted user is erased from here too
create index exploration_impressions_user_id_idx on recsys_engine.exploration_impressions (user_id);

-- a feed reads them as the service, and asks them of posts that the caller may read
alter table recsys_engine.exploration_stats enable row level security;
alter table recsys_engine.exploration_impressions enable row level security;
grant select, insert, update, delete on recsys_engine.exploration_stats, recsys_engine.exploration_impressions to service_role;

create function recsys_engine.exploration_max_age() returns interval
language sql immutable security invoker
return interval '7 days';
comment on function recsys_engine.exploration_max_age() is 'How old a post may be and still be under trial: as old as what trends.';

create function recsys_engine.update_exploration_stats(p_users uuid[] default '{}', p_posts uuid[] default '{}') returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  counted bigint;
begin
  -- one at a time; within a roll-up it has this lock already
  perform recsys_engine.take_lock('roll_up');
  -- An impression and an act are committed in any order. Whichever a count sees last finds the other: a new impression looks for acts
  -- that are there already, and a new act for impressions that were counted.
  with shown_since as (
    update recsys_engine.exploration_impressions as shown
    set acted = exists (
      select from recsys.source_interactions as interactions
      where interactions.user_id = shown.user_id and interactions.post_id = shown.post_id
        and interactions.created_at >= shown.shown_at and interactions.created_at <= shown.shown_at + interval '1 hour'
      -- a look-up by user for each, whatever the planner expects
      offset 0
    )
    where shown.acted is null
    returning shown.post_id, 1 as impressions, shown.acted::int as acted
  ),
  acted_since as (
    update recsys_engine.exploration_impressions as shown set acted = true
    from (select distinct each.user_id, each.post_id from unnest(p_users, p_posts) as each (user_id, post_id)) as acts
    where shown.post_id = acts.post_id and shown.user_id = acts.user_id and not shown.acted and exists (
      select from recsys.source_interactions as interactions
      where interactions.user_id = shown.user_id and interactions.post_id = shown.post_id
        and interactions.created_at >= shown.shown_at and interactions.created_at <= shown.shown_at + interval '1 hour'
      offset 0
    )
    returning shown.post_id, 0 as impressions, 1 as acted
  )
  insert into recsys_engine.exploration_stats as known (post_id, created_at, impressions, acted)
  select since.post_id, posts.created_at, sum(since.impressions), sum(since.acted)
  from (select * from shown_since union all select * from acted_since) as since
  join recsys.source_posts as posts on posts.post_id = since.post_id
  group by since.post_id, posts.created_at
  on conflict (post_id) do update
  set created_at = excluded.created_at, impressions = known.impressions + excluded.impressions, acted = known.acted + excluded.acted;
  get diagnostics counted = row_count;
  return counted;
end
$$;
comment on function recsys_engine.update_exploration_stats(uuid[], uuid[]) is 'Adds to recsys_engine.exploration_stats whom posts were shown to since the last count, and who of them acted within an hour; p_users and p_posts, by pairs, are those that did something since then. Returns how many posts have another count. Called by each roll-up; it costs what is new.';

create function recsys_engine.purge_exploration_stats() returns bigint
language sql volatile security invoker set search_path = ''
as $$
  -- no roll-up counts meanwhile
  select recsys_engine.take_lock('roll_up');
  -- erased users are in no count any more
  update recsys_engine.exploration_stats set impressions = shown.impressions, acted = shown.acted
  from (
    select exploration_stats.post_id, count(shown.acted) as impressions, count(*) filter (where shown.acted) as acted
    from recsys_engine.exploration_stats left join recsys_engine.exploration_impressions as shown on shown.post_id = exploration_stats.post_id
    group by exploration_stats.post_id
  ) as shown
  where shown.post_id = exploration_stats.post_id and (shown.impressions, shown.acted) <> (exploration_stats.impressions, exploration_stats.acted);
  with gone as (
    delete from recsys_engine.exploration_impressions as shown
    where shown.shown_at <= recsys.clock() - recsys_engine.exploration_max_age() * 2
      or exists (select from recsys_engine.exploration_stats where exploration_stats.post_id = shown.post_id and exploration_stats.created_at <= recsys.clock() - recsys_engine.exploration_max_age())
  ),
  ended as (
    delete from recsys_engine.exploration_stats where exploration_stats.created_at <= recsys.clock() - recsys_engine.exploration_max_age() or exploration_stats.impressions = 0 returning 1
  )
  select count(*) from ended
$$;
comment on function recsys_engine.purge_exploration_stats() is
  'Removes trials of posts older than recsys_engine.exploration_max_age(), their viewers, and erased users from other counts, and returns how many trials. Called every night by pg_cron.';

revoke all on function recsys_engine.exploration_max_age(), recsys_engine.update_exploration_stats(uuid[], uuid[]), recsys_engine.purge_exploration_stats() from public;
grant execute on function recsys_engine.exploration_max_age(), recsys_engine.update_exploration_stats(uuid[], uuid[]), recsys_engine.purge_exploration_stats() to service_role;

select recsys_engine.schedule('recsys purge of trials', '27 3 * * *', 'select recsys_engine.purge_exploration_stats()');
