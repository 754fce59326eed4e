-- What the function `recommend` asks: who this user is, and which posts they might want. Both run under the caller's own role.
-- The limits are those of functions/_shared/features/retrieval.ts; trainer/community/retrieval.test.ts holds the two together.

create function recsys.user_history(p_user_id uuid, p_now timestamptz)
returns table (post_id uuid, at timestamptz, sort_id bigint)
language sql stable security invoker set search_path = ''
as $$
  select known.post_id, max(known.at) as at, max(known.sort_id) as sort_id
  from (
    (
      select source_interactions.post_id, source_interactions.created_at as at, source_interactions.interaction_id as sort_id
      from recsys.source_interactions
      where source_interactions.user_id = p_user_id and source_interactions.created_at <= p_now
      order by source_interactions.created_at desc, source_interactions.interaction_id desc
      limit 200
    )
    union all
    (
      select source_posts.post_id, source_posts.created_at, 0
      from recsys.source_posts
      where source_posts.author_id = p_user_id and source_posts.created_at <= p_now
      order by source_posts.created_at desc, source_posts.post_id
      limit 50
    )
  ) as known
  group by known.post_id
  order by at desc, sort_id desc
  limit 50
$$;
comment on function recsys.user_history(uuid, timestamptz) is 'The last 50 posts a user wrote or, within their last 200 interactions, interacted with up to an instant, the latest first, each once: what the user tower pools.';

create function recsys.recent_interactions(p_user_id uuid, p_now timestamptz) returns jsonb
language sql stable security invoker set search_path = ''
as $$
  with latest as (
    select source_interactions.post_id, source_interactions.created_at as at, source_interactions.interaction_id
    from recsys.source_interactions
    where source_interactions.user_id = p_user_id and source_interactions.created_at <= p_now
    order by source_interactions.created_at desc, source_interactions.interaction_id desc
    limit 200
  ),
  earliest as (
    select distinct on (latest.post_id) latest.post_id, latest.at, latest.interaction_id
    from latest
    order by latest.post_id, latest.at, latest.interaction_id
  ),
  recent as (
    select posts.title, posts.tags, posts.created_at, earliest.*
    from earliest
    join recsys.source_posts as posts on posts.post_id = earliest.post_id
    where posts.author_id is distinct from p_user_id
    order by earliest.at desc, earliest.interaction_id desc
    limit 50
  )
  select coalesce(jsonb_agg(jsonb_build_object(
    'title', recent.title,
    'tags', recent.tags,
    'at', extract(epoch from recent.at) * 1000,
    'created_at', extract(epoch from recent.created_at) * 1000,
    'last_active_at', extract(epoch from coalesce(before.last_active_at, thinned.last_active_at)) * 1000,
    'comments', coalesce(before.comments, thinned.comments, 0)
  ) order by recent.at desc, recent.interaction_id desc), '[]')
  from recent
  left join lateral (
    select post_stats.last_active_at, post_stats.comments
    from recsys.post_stats
    where post_stats.post_id = recent.post_id and (post_stats.last_active_at, post_stats.interaction_id) < (recent.at, recent.interaction_id)
    order by post_stats.last_active_at desc, post_stats.interaction_id desc
    limit 1
  ) as before on true
  left join lateral (
    select state.last_active_at, state.comments
    from recsys.thinned_state(recent.post_id, recent.at, recent.interaction_id) as state
    where before.last_active_at is null and recent.at < (select thinning.thinned_before from recsys.thinning)
  ) as thinned on true
$$;
comment on function recsys.recent_interactions(uuid, timestamptz) is 'The last 50 posts of others within a user''s last 200 interactions up to an instant, each at the earliest of these, the latest first, with the post as it was just before: {title, tags, at, created_at, last_active_at, comments}, times in milliseconds. What the ranker compares candidates with.';

create function recsys.user_context(p_user_id uuid, p_model_id bigint, p_now timestamptz)
returns table (
  passions text[],
  projects text[],
  bio text,
  created_at timestamptz,
  id_embedding extensions.vector,
  history extensions.vector[],
  last_active_at timestamptz,
  views integer,
  votes integer,
  comments integer,
  logins integer,
  recent double precision[],
  recent_logins double precision[],
  habit_log_age double precision,
  habit_log_idle double precision,
  recent_interactions jsonb
)
language sql stable security invoker set search_path = ''
as $$
  select
    users.passions, users.projects, users.bio, users.created_at,
    user_embeddings.id_embedding,
    array(
      select post_embeddings.embedding
      from recsys.user_history(p_user_id, p_now) as latest
      join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = latest.post_id
      order by latest.at desc, latest.sort_id desc
    ),
    stats.last_active_at, stats.views, stats.votes, stats.comments, stats.logins, stats.recent, stats.recent_logins, stats.habit_log_age, stats.habit_log_idle,
    recsys.recent_interactions(p_user_id, p_now)
  from recsys.source_users as users
  left join recsys.user_embeddings on user_embeddings.model_id = p_model_id and user_embeddings.user_id = users.user_id
  left join lateral (
    -- as of now the first of the two, one row of a small table
    (
      select
        latest_user_stats.last_active_at, latest_user_stats.views, latest_user_stats.votes, latest_user_stats.comments, latest_user_stats.logins,
        latest_user_stats.recent, latest_user_stats.recent_logins, latest_user_stats.habit_log_age, latest_user_stats.habit_log_idle
      from recsys.latest_user_stats
      where latest_user_stats.user_id = users.user_id and latest_user_stats.last_active_at <= p_now
    )
    union all
    (
      select
        user_stats.last_active_at, user_stats.views, user_stats.votes, user_stats.comments, user_stats.logins,
        user_stats.recent, user_stats.recent_logins, user_stats.habit_log_age, user_stats.habit_log_idle
      from recsys.user_stats
      where user_stats.user_id = users.user_id and user_stats.last_active_at <= p_now
      order by user_stats.last_active_at desc, user_stats.sort_id desc, user_stats.event_id desc
      limit 1
    )
    limit 1
  ) as stats on true
  where users.user_id = p_user_id
$$;
comment on function recsys.user_context(uuid, bigint, timestamptz) is 'What the user tower needs to know of a user as of an instant: profile, learned ID embedding, the vectors of the last 50 posts they interacted with or wrote (latest first), their latest stats, and their recent interactions. No row: no such user. An interaction committed a moment ago is already in it.';

create function recsys.seen_posts(p_user_id uuid, p_now timestamptz) returns uuid[]
language plpgsql stable security invoker set search_path = ''
-- the log has partitions made, purged and indexed, and a feed must not wait for that: meanwhile seen posts may come again
set lock_timeout = '100ms'
as $$
begin
  return array(
    select distinct impressions.post_id
    from recsys.impressions
    where impressions.user_id = p_user_id and impressions.seen_at <= p_now and impressions.seen_at > p_now - interval '30 days'
  );
exception when lock_not_available then
  return '{}'::uuid[];
end
$$;
comment on function recsys.seen_posts(uuid, timestamptz) is 'The posts that came into view of a user (recsys.impressions.seen_at) within the 30 days up to an instant. None while the log is locked.';

create function recsys.candidates(p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz)
returns table (
  post_id uuid,
  title text,
  tags text[],
  author_id uuid,
  created_at timestamptz,
  embedding extensions.vector,
  similarity double precision,
  similar_rank integer,
  active_rank integer,
  fresh_rank integer,
  trending_rank integer,
  followed_rank integer,
  last_active_at timestamptz,
  kind text,
  views integer,
  votes integer,
  comments integer,
  participants integer,
  last_comment_at timestamptz,
  by_author boolean,
  recent double precision[],
  author_affinity integer
)
language sql stable security invoker set search_path = ''
-- without iterative scans a filter behind the index returns too few rows (pgvector#259)
set hnsw.iterative_scan = 'relaxed_order' set hnsw.ef_search = 200
-- it is planned for any instant, also those to which most of the past has to be looked up: by that cost it would be compiled
set jit = off
as $$
  with similar_posts as materialized (
    select post_embeddings.post_id, post_embeddings.embedding operator(extensions.<#>) p_embedding as distance
    from recsys.post_embeddings
    where post_embeddings.model_id = p_model_id and p_embedding is not null
      and exists (
        select from recsys.source_posts
        where source_posts.post_id = post_embeddings.post_id and source_posts.created_at <= p_now
        offset 0
      )
    order by post_embeddings.embedding operator(extensions.<#>) p_embedding
    limit 200
  ),
  -- the states as of p_now of posts that somebody came to later. Now there are none; a month ago they are many
  earlier_states as materialized (
    select latest_post_stats.post_id, earlier.last_active_at, earlier.trend
    from recsys.latest_post_stats
    cross join lateral (
      select post_stats.last_active_at, post_stats.trend
      from recsys.post_stats
      where post_stats.post_id = latest_post_stats.post_id and post_stats.last_active_at <= p_now
      order by post_stats.last_active_at desc, post_stats.interaction_id desc
      limit 1
    ) as earlier
    where latest_post_stats.last_active_at > p_now
      and exists (
        select from recsys.source_posts
        where source_posts.post_id = latest_post_stats.post_id and source_posts.created_at <= p_now
        offset 0
      )
  ),
  fresh as materialized (
    select source_posts.post_id, source_posts.created_at
    from recsys.source_posts
    where source_posts.created_at <= p_now
    order by source_posts.created_at desc, source_posts.post_id
    limit 300
  ),
  active as (
    select latest.post_id, max(latest.at) as at
    from (
      (
        select latest_post_stats.post_id, latest_post_stats.last_active_at as at
        from recsys.latest_post_stats
        where latest_post_stats.last_active_at <= p_now
          and exists (
            select from recsys.source_posts
            where source_posts.post_id = latest_post_stats.post_id and source_posts.created_at <= p_now
            offset 0
          )
        order by latest_post_stats.last_active_at desc, latest_post_stats.post_id
        limit 300
      )
      union all
      select earlier_states.post_id, earlier_states.last_active_at from earlier_states
      union all
      select fresh.post_id, fresh.created_at from fresh
    ) as latest
    group by latest.post_id
    order by at desc, post_id
    limit 300
  ),
  trending as (
    select hottest.post_id, hottest.trend
    from (
      (
        select latest_post_stats.post_id, latest_post_stats.trend
        from recsys.latest_post_stats
        -- implied by the next line, and ends the walk down the index: active in the last week is a count of 1 and more then
        where latest_post_stats.trend >= extract(epoch from p_now)::double precision / 3600 / 168 - 1.00001
          -- said as ages, which no index knows: by that of last_active_at all of a week's posts were fetched, to be sorted by trend
          and p_now - latest_post_stats.last_active_at >= interval '0' and p_now - latest_post_stats.last_active_at < interval '168 hours'
          and exists (
            select from recsys.source_posts
            where source_posts.post_id = latest_post_stats.post_id and source_posts.created_at <= p_now
            offset 0
          )
        order by latest_post_stats.trend desc, latest_post_stats.post_id
        limit 50
      )
      union all
      select earlier_states.post_id, earlier_states.trend
      from earlier_states
      where p_now - earlier_states.last_active_at < interval '168 hours'
    ) as hottest
    order by hottest.trend desc, hottest.post_id
    limit 50
  ),
  followed_authors as (
    select source_posts.author_id, count(*)::integer as affinity
    from recsys.source_interactions
    join recsys.source_posts on source_posts.post_id = source_interactions.post_id
    where source_interactions.user_id = p_user_id and source_interactions.created_at <= p_now and source_posts.author_id <> p_user_id
    group by source_posts.author_id
  ),
  followed as (
    select newest.post_id, newest.created_at
    from (select followed_authors.author_id from followed_authors order by followed_authors.affinity desc, followed_authors.author_id limit 50) as top_authors
    cross join lateral (
      select source_posts.post_id, source_posts.created_at
      from recsys.source_posts
      where source_posts.author_id = top_authors.author_id and source_posts.created_at <= p_now
      order by source_posts.created_at desc, source_posts.post_id
      limit 50
    ) as newest
    order by newest.created_at desc, newest.post_id
    limit 50
  ),
  pool as (
    select similar_posts.post_id, 'similar' as source, rank() over (order by similar_posts.distance) as rank from similar_posts
    union all
    select active.post_id, 'active', row_number() over (order by active.at desc, active.post_id) from active
    union all
    select fresh.post_id, 'fresh', row_number() over (order by fresh.created_at desc, fresh.post_id) from fresh
    union all
    select trending.post_id, 'trending', row_number() over (order by trending.trend desc, trending.post_id) from trending
    union all
    select followed.post_id, 'followed', row_number() over (order by followed.created_at desc, followed.post_id) from followed
  ),
  seen as materialized (
    select unnest(recsys.seen_posts(p_user_id, p_now)) as post_id
  ),
  ranked as (
    select
      pool.post_id,
      min(pool.rank) filter (where pool.source = 'similar')::integer as similar_rank,
      min(pool.rank) filter (where pool.source = 'active')::integer as active_rank,
      min(pool.rank) filter (where pool.source = 'fresh')::integer as fresh_rank,
      min(pool.rank) filter (where pool.source = 'trending')::integer as trending_rank,
      min(pool.rank) filter (where pool.source = 'followed')::integer as followed_rank
    from pool
    group by pool.post_id
  )
  select
    posts.post_id, posts.title, posts.tags, posts.author_id, posts.created_at,
    post_embeddings.embedding,
    -(post_embeddings.embedding operator(extensions.<#>) p_embedding),
    ranked.similar_rank, ranked.active_rank, ranked.fresh_rank, ranked.trending_rank, ranked.followed_rank,
    stats.last_active_at, stats.kind, stats.views, stats.votes, stats.comments, stats.participants, stats.last_comment_at, stats.by_author, stats.recent,
    coalesce(followed_authors.affinity, 0)
  from ranked
  join recsys.source_posts as posts on posts.post_id = ranked.post_id
  left join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = ranked.post_id
  left join followed_authors on followed_authors.author_id = posts.author_id
  left join lateral (
    (
      select
        latest_post_stats.last_active_at, latest_post_stats.kind, latest_post_stats.views, latest_post_stats.votes, latest_post_stats.comments,
        latest_post_stats.participants, latest_post_stats.last_comment_at, latest_post_stats.by_author, latest_post_stats.recent
      from recsys.latest_post_stats
      where latest_post_stats.post_id = ranked.post_id and latest_post_stats.last_active_at <= p_now
    )
    union all
    (
      select
        post_stats.last_active_at, post_stats.kind, post_stats.views, post_stats.votes, post_stats.comments,
        post_stats.participants, post_stats.last_comment_at, post_stats.by_author, post_stats.recent
      from recsys.post_stats
      where post_stats.post_id = ranked.post_id and post_stats.last_active_at <= p_now
      order by post_stats.last_active_at desc, post_stats.interaction_id desc
      limit 1
    )
    -- where both have one, it is the same
    limit 1
  ) as stats on true
  where posts.created_at <= p_now
    and posts.author_id is distinct from p_user_id
    and not exists (
      select from recsys.source_interactions
      where source_interactions.user_id = p_user_id and source_interactions.post_id = ranked.post_id and source_interactions.created_at <= p_now
    )
    -- the replay in trainer/community/state.ts knows neither dismissals nor what was seen: there such a post stays a candidate
    -- that was not chosen, which is what training should learn of it
    and not exists (
      select from recsys.source_dismissals
      where source_dismissals.user_id = p_user_id and source_dismissals.post_id = ranked.post_id and source_dismissals.created_at <= p_now
    )
    and not exists (select from seen where seen.post_id = ranked.post_id)
$$;
comment on function recsys.candidates(uuid, bigint, extensions.vector, timestamptz) is 'Posts that a user might want as of an instant, from five sources (similar by inner product, last active, fresh, trending, by followed authors), each of posts that the caller may read, without their own, those they interacted with or dismissed, and those they saw in the last 30 days, and with what the ranker needs to know of each. p_model_id and p_embedding null: no model, no similar posts. About 300 to 800 rows, unordered.';

revoke all on function recsys.user_history(uuid, timestamptz), recsys.recent_interactions(uuid, timestamptz), recsys.user_context(uuid, bigint, timestamptz), recsys.seen_posts(uuid, timestamptz), recsys.candidates(uuid, bigint, extensions.vector, timestamptz) from public;
grant execute on function recsys.user_history(uuid, timestamptz), recsys.recent_interactions(uuid, timestamptz), recsys.user_context(uuid, bigint, timestamptz), recsys.seen_posts(uuid, timestamptz), recsys.candidates(uuid, bigint, extensions.vector, timestamptz) to authenticated, service_role;
