-- How much each topic is wanted and written about, counted each hour: a view would read four weeks of interactions for each look.

create function recsys_engine.refresh_topics() returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  serving constant bigint := (select model_id from recsys.models where status = 'active');
  since constant timestamptz := recsys.clock() - interval '28 days';
  -- in a community of more than 500,000 interactions in 28 days earlier states are thinned, and a post would seem to
  -- have had none
  known_since constant timestamptz := greatest(since, (select least(thinned_before, recsys.clock() - interval '1 day') from recsys_engine.pruning_progress));
  known_days constant double precision := extract(epoch from recsys.clock() - known_since)::double precision / 86400;
  lacking uuid[];
  -- members and ideas are told these figures, which would else say what an organisation of the community does
  readable constant uuid[] := (select post_ids from recsys_engine.readable_posts(array[gen_random_uuid()], null));
  counted integer;
begin
  -- what was embedded while topics were replaced, or by a publish of which topics are not made yet
  select array_agg(vectors.post_id) into lacking
  from recsys.post_embeddings as vectors
  where vectors.model_id = serving and not exists (select from recsys_engine.post_topics where post_topics.post_id = vectors.post_id)
    and exists (select from recsys_engine.topics where topics.model_id = serving);
  if lacking is not null then
    perform recsys_engine.assign_topics(serving, lacking);
  end if;
  with sizes as (
    select post_topics.topic_id, count(*) as posts from recsys_engine.post_topics group by post_topics.topic_id
  ),
  told as materialized (
    select post_topics.post_id, post_topics.topic_id
    from unnest(readable) as posts (post_id)
    join recsys_engine.post_topics on post_topics.post_id = posts.post_id
  ),
  written as (
    select told.topic_id, count(*) / 28.0 as supply
    from recsys.source_posts as posts
    join told on told.post_id = posts.post_id
    where posts.created_at > since and posts.created_at <= recsys.clock()
    group by told.topic_id
  ),
  -- each person once a day: one user's thousand interactions create no demand of many
  came as (
    select distinct told.topic_id, stats.user_id, floor(extract(epoch from recsys.clock() - stats.last_active_at) / 86400) as day
    from recsys_engine.post_stats as stats
    join told on told.post_id = stats.post_id
    where stats.last_active_at > known_since and stats.last_active_at <= recsys.clock()
  ),
  wanted as (
    select came.topic_id, count(*) / known_days as demand, count(distinct came.user_id)::integer as people from came group by came.topic_id
  )
  update recsys_engine.topics
  set size = coalesce(sizes.posts, 0), demand = coalesce(wanted.demand, 0), people = coalesce(wanted.people, 0), supply = coalesce(written.supply, 0), updated_at = now()
  from recsys_engine.topics as same
  left join sizes on sizes.topic_id = same.topic_id
  left join written on written.topic_id = same.topic_id
  left join wanted on wanted.topic_id = same.topic_id
  where topics.topic_id = same.topic_id;
  get diagnostics counted = row_count;
  return counted;
end
$$;
comment on function recsys_engine.refresh_topics() is 'Counts how many posts each topic has and, of those that any signed-in member may read, how much it is wanted and written about, and has posts join one that have none; returns how many topics there are. Called every hour by pg_cron and whenever topics are made.';
revoke all on function recsys_engine.refresh_topics() from public;
grant execute on function recsys_engine.refresh_topics() to service_role;

select recsys_engine.schedule('recsys topics', '33 * * * *', 'select recsys_engine.refresh_topics()');
