-- Who a user is, which a feed asks first, under the caller's own role. PL/pgSQL keeps the plans of a session: PostgreSQL 17 plans a
-- function in SQL again at each call, and that took 6 of the 9 ms. The limits are those of functions/_shared/features/retrieval.ts;
-- trainer/data/replay/retrieval.test.ts holds the two together.

create type recsys_engine.post_interaction as (post_id uuid, at timestamptz, sort_id bigint);
comment on type recsys_engine.post_interaction is 'A post that a user did something with, when, and what orders it among others of that instant.';

create function recsys_engine.latest_interactions(p_user_id uuid, p_now timestamptz) returns recsys_engine.post_interaction[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select row(source_interactions.post_id, source_interactions.created_at, source_interactions.interaction_id)::recsys_engine.post_interaction
    from recsys.source_interactions
    where source_interactions.user_id = p_user_id and source_interactions.created_at <= p_now
    order by source_interactions.created_at desc, source_interactions.interaction_id desc
    limit 200
  );
end
$$;
comment on function recsys_engine.latest_interactions(uuid, timestamptz) is 'The last 200 interactions of a user up to an instant, the latest first.';

-- callers of both this and the next read the interactions once: an app's views and policies may make them dear
create function recsys_engine.user_history(p_user_id uuid, p_now timestamptz, p_latest recsys_engine.post_interaction[] default null)
returns table (post_id uuid, at timestamptz, sort_id bigint)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  select known.post_id, max(known.at) as at, max(known.sort_id) as sort_id
  from (
    select latest.post_id, latest.at, latest.sort_id from unnest(coalesce(p_latest, recsys_engine.latest_interactions(p_user_id, p_now))) as latest
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
  limit 50;
end
$$;
comment on function recsys_engine.user_history(uuid, timestamptz, recsys_engine.post_interaction[]) is 'The last 50 posts a user wrote or, within their last 200 interactions, interacted with up to an instant, the latest first, each once: what the user tower pools. p_latest: their recsys_engine.latest_interactions, where these were read already.';

create function recsys_engine.recent_interactions(p_user_id uuid, p_now timestamptz, p_latest recsys_engine.post_interaction[] default null) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return (
    with latest as (
      select listed.post_id, listed.at, listed.sort_id as interaction_id
      from unnest(coalesce(p_latest, recsys_engine.latest_interactions(p_user_id, p_now))) as listed
    ),
    earliest as (
      select distinct on (latest.post_id) latest.post_id, latest.at, latest.interaction_id
      from latest
      order by latest.post_id, latest.at, latest.interaction_id
    ),
    -- posts are looked up from the latest on until there are 50
    recent as materialized (
      select posts.title, posts.tags, posts.created_at, sorted.*
      from (select * from earliest order by earliest.at desc, earliest.interaction_id desc offset 0) as sorted
      cross join lateral (
        select coalesce(source_posts.title, '') as title, array_remove(coalesce(source_posts.tags, '{}'), null) as tags, source_posts.created_at
        from recsys.source_posts
        where source_posts.post_id = sorted.post_id and source_posts.author_id is distinct from p_user_id
        offset 0
      ) as posts
      order by sorted.at desc, sorted.interaction_id desc
      limit 50
    )
    select coalesce(json_agg(json_build_object(
      'post_id', recent.post_id,
      'title', recent.title,
      'tags', recent.tags,
      'at', 1000 * date_part('epoch', recent.at),
      'created_at', 1000 * date_part('epoch', recent.created_at),
      'last_active_at', 1000 * date_part('epoch', coalesce(before.last_active_at, thinned.last_active_at)),
      'comments', coalesce(before.comments, thinned.comments, 0)
    ) order by recent.at desc, recent.interaction_id desc), '[]')
    from recent
    left join lateral (
      select post_stats.last_active_at, post_stats.comments
      from recsys_engine.post_stats
      where post_stats.post_id = recent.post_id and (post_stats.last_active_at, post_stats.interaction_id) < (recent.at, recent.interaction_id)
      order by post_stats.last_active_at desc, post_stats.interaction_id desc
      limit 1
    ) as before on true
    left join lateral (
      -- asked in a row of its own, or the function would be called for each of the 50 first: 4 of 6 ms
      select state.last_active_at, state.comments
      from (select where before.last_active_at is null and recent.at < (select pruning_progress.thinned_before from recsys_engine.pruning_progress) offset 0) as asked
      cross join lateral recsys_engine.reconstruct_state(recent.post_id, recent.at, recent.interaction_id) as state
    ) as thinned on true
  );
end
$$;
comment on function recsys_engine.recent_interactions(uuid, timestamptz, recsys_engine.post_interaction[]) is 'The last 50 posts of others in a user''s last 200 interactions up to an instant, each at its earliest, latest first, with the post''s state before: {post_id, title, tags, at, created_at, last_active_at, comments}, in ms. For the ranker. p_latest: see recsys_engine.user_history.';

create function recsys_engine.latest_follows(p_user_id uuid, p_kinds text[], p_now timestamptz, p_limit integer default 1000)
returns table (target text, created_at timestamptz)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  select latest.target, latest.created_at
  from unnest(p_kinds) as kinds (kind)
  -- two branches, or no index would have the order
  cross join lateral (
    (
      select source_follows.target, source_follows.created_at from recsys.source_follows
      where source_follows.user_id = p_user_id and source_follows.kind = kinds.kind and source_follows.created_at <= p_now
      order by source_follows.created_at desc limit p_limit
    )
    union all
    (
      select source_follows.target, null from recsys.source_follows
      where source_follows.user_id = p_user_id and source_follows.kind = kinds.kind and source_follows.created_at is null limit p_limit
    )
  ) as latest;
end
$$;
comment on function recsys_engine.latest_follows(uuid, text[], timestamptz, integer) is 'Of each kind the latest p_limit follows of a user as of an instant and, in no order, p_limit of unknown time, as far as the caller may read them.';

create function recsys_engine.followed_people(p_user_id uuid, p_now timestamptz) returns uuid[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select followed.user_id
    from (
      select latest.target::uuid as user_id, max(latest.created_at) as since
      from recsys_engine.latest_follows(p_user_id, '{person}', p_now) as latest
      where pg_input_is_valid(latest.target, 'uuid')
      group by latest.target::uuid
    ) as followed
    where followed.user_id <> p_user_id
    order by followed.since desc nulls last, followed.user_id
    limit 1000
  );
end
$$;
comment on function recsys_engine.followed_people(uuid, timestamptz) is 'Whom a user follows as of an instant, the latest first, 1,000 at most.';

create function recsys_engine.followed_topics(p_user_id uuid, p_now timestamptz) returns text[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select followed.topic
    from (
      select left(lower(chosen.topic), 100) as topic
      from (
        select latest.target as topic, latest.created_at from recsys_engine.latest_follows(p_user_id, '{topic,group}', p_now) as latest
        union all
        select wanted.topic, null from unnest(recsys_engine.topic_preferences(p_user_id, 'more')) as wanted (topic)
      ) as chosen
      group by left(lower(chosen.topic), 100)
      order by max(chosen.created_at) desc nulls last, left(lower(chosen.topic), 100) collate "C"
      limit 100
    ) as followed
    cross join lateral (
      select post_tags.created_at from recsys_engine.post_tags
      where post_tags.tag = followed.topic and post_tags.created_at <= p_now
      order by post_tags.created_at desc
      limit 1
    ) as last
    order by last.created_at desc, followed.topic collate "C"
    limit 10
  );
end
$$;
comment on function recsys_engine.followed_topics(uuid, timestamptz) is 'Of the 100 topics and groups that a user followed last, as of an instant, or wants more of, the 10 with the newest readable posts, that one first: as in recsys_engine.post_tags.';

create function recsys_engine.followed_vector(p_follows uuid[], p_model_id bigint, p_now timestamptz) returns extensions.vector
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  if p_follows = '{}' then
    return null;
  end if;
  return (
    select extensions.avg(post_embeddings.embedding)
    from unnest(p_follows[:50]) as followed (user_id)
    cross join lateral (
      (
        select source_interactions.post_id
        from recsys.source_interactions
        where source_interactions.user_id = followed.user_id and source_interactions.created_at <= p_now
        order by source_interactions.created_at desc, source_interactions.interaction_id desc
        limit 5
      )
      union all
      (
        select source_posts.post_id
        from recsys.source_posts
        where source_posts.author_id = followed.user_id and source_posts.created_at <= p_now
        order by source_posts.created_at desc, source_posts.post_id
        limit 5
      )
    ) as known
    join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = known.post_id
  );
end
$$;
comment on function recsys_engine.followed_vector(uuid[], bigint, timestamptz) is 'The mean vector of recent actions of people, as far as the caller may read these: of the first 50 people the last 5 interactions and 5 own posts each. Null: no people, or no vectors.';

create type recsys_engine.reader_profile as (
  user_id uuid, at timestamptz, feed text, passions text[], projects text[], bio text, created_at timestamptz,
  latest recsys_engine.post_interaction[], history recsys_engine.post_interaction[], follows uuid[]
);
comment on type recsys_engine.reader_profile is 'A user''s own data at an instant: recsys_engine.feed_preference, profile, recsys_engine.latest_interactions, recsys_engine.user_history and recsys_engine.followed_people. A visitor, and a user without personalisation, is a new user of that instant. created_at null: no such user.';

create function recsys_engine.load_reader_profile(p_user_id uuid, p_now timestamptz) returns recsys_engine.reader_profile
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  reader recsys_engine.reader_profile;
begin
  reader.at := p_now;
  reader.feed := 'personal';
  -- a visitor has no rights on what people prefer
  if p_user_id is not null then
    reader.feed := recsys_engine.feed_preference(p_user_id);
  end if;
  if p_user_id is null or reader.feed = 'impersonal' then
    -- who came this moment, and of whom nothing is known
    reader.created_at := p_now;
    return reader;
  end if;
  reader.user_id := p_user_id;
  select array_remove(coalesce(users.passions, '{}'), null), array_remove(coalesce(users.projects, '{}'), null), coalesce(users.bio, ''), users.created_at
  into reader.passions, reader.projects, reader.bio, reader.created_at
  from recsys.source_users as users
  where users.user_id = p_user_id;
  if found then
    reader.latest := recsys_engine.latest_interactions(p_user_id, p_now);
    reader.history := array(
      select row(history.post_id, history.at, history.sort_id)::recsys_engine.post_interaction from recsys_engine.user_history(p_user_id, p_now, reader.latest) as history
    );
    reader.follows := recsys_engine.followed_people(p_user_id, p_now);
  end if;
  return reader;
end
$$;
comment on function recsys_engine.load_reader_profile(uuid, timestamptz) is 'What is a user''s own as of an instant. p_user_id null: a visitor.';

create function recsys_engine.keep_readable_interactions(p_reader recsys_engine.reader_profile) returns recsys_engine.reader_profile
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  reader recsys_engine.reader_profile := p_reader;
  readable uuid[];
begin
  if reader.latest <> '{}' or reader.history <> '{}' then
    readable := array(
      select posts.post_id
      from (select each.post_id from unnest(reader.latest) as each union select each.post_id from unnest(reader.history) as each) as known
      cross join lateral (select source_posts.post_id from recsys.source_posts where source_posts.post_id = known.post_id offset 0) as posts
    );
    reader.latest := array(select each from unnest(reader.latest) as each where each.post_id in (select unnest(readable)));
    reader.history := array(select each from unnest(reader.history) as each where each.post_id in (select unnest(readable)));
  end if;
  return reader;
end
$$;
comment on function recsys_engine.keep_readable_interactions(recsys_engine.reader_profile) is 'A reader with those of their interactions alone whose posts the caller may read now: a replica may not know yet that one was taken from them.';

create function recsys_engine.reader_context(p_reader recsys_engine.reader_profile, p_model_id bigint)
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
  follows integer,
  recent_interactions json,
  history_posts uuid[],
  followed extensions.vector,
  components extensions.vector,
  feed text
)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  if p_reader.created_at is null then
    return;
  end if;
  if p_reader.user_id is null then
    return query select
      '{}'::text[], '{}'::text[], '', p_reader.created_at, null::extensions.vector, '{}'::extensions.vector[], null::timestamptz, 0, 0, 0, 0,
      null::double precision[], null::double precision[], null::double precision, null::double precision, 0, '[]'::json, '{}'::uuid[],
      null::extensions.vector, null::extensions.vector, p_reader.feed;
    return;
  end if;
  return query
  select
    p_reader.passions, p_reader.projects, p_reader.bio, p_reader.created_at,
    user_embeddings.id_embedding,
    coalesce(embedded.vectors, '{}'),
    stats.last_active_at, stats.views, stats.votes, stats.comments, stats.logins, stats.recent, stats.recent_logins, stats.habit_log_age, stats.habit_log_idle,
    cardinality(p_reader.follows),
    recsys_engine.recent_interactions(p_reader.user_id, p_reader.at, p_reader.latest), coalesce(embedded.post_ids, '{}'),
    recsys_engine.followed_vector(p_reader.follows, p_model_id, p_reader.at), recsys_engine.user_components(p_reader.user_id, p_model_id), p_reader.feed
  from (
    select
      array_agg(post_embeddings.embedding order by history.at desc, history.sort_id desc) as vectors,
      array_agg(history.post_id order by history.at desc, history.sort_id desc) as post_ids
    from unnest(p_reader.history) as history
    join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = history.post_id
  ) as embedded
  left join recsys.user_embeddings on user_embeddings.model_id = p_model_id and user_embeddings.user_id = p_reader.user_id
  left join lateral (
    -- as of now the first of the two, one row of a small table
    (
      select
        latest_user_stats.last_active_at, latest_user_stats.views, latest_user_stats.votes, latest_user_stats.comments, latest_user_stats.logins,
        latest_user_stats.recent, latest_user_stats.recent_logins, latest_user_stats.habit_log_age, latest_user_stats.habit_log_idle
      from recsys_engine.latest_user_stats
      where latest_user_stats.user_id = p_reader.user_id and latest_user_stats.last_active_at <= p_reader.at
    )
    union all
    (
      select
        user_stats.last_active_at, user_stats.views, user_stats.votes, user_stats.comments, user_stats.logins,
        user_stats.recent, user_stats.recent_logins, user_stats.habit_log_age, user_stats.habit_log_idle
      from recsys_engine.user_stats
      where user_stats.user_id = p_reader.user_id and user_stats.last_active_at <= p_reader.at
      order by user_stats.last_active_at desc, user_stats.sort_id desc, user_stats.event_id desc
      limit 1
    )
    limit 1
  ) as stats on true;
end
$$;
comment on function recsys_engine.reader_context(recsys_engine.reader_profile, bigint) is 'What recsys_engine.user_context says, of a reader of whom their own is known: where that came from the primary, a replica says the rest.';

create function recsys_engine.user_context(p_user_id uuid, p_model_id bigint, p_now timestamptz)
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
  follows integer,
  recent_interactions json,
  history_posts uuid[],
  followed extensions.vector,
  components extensions.vector,
  feed text
)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return query select * from recsys_engine.reader_context(recsys_engine.load_reader_profile(p_user_id, p_now), p_model_id);
end
$$;
comment on function recsys_engine.user_context(uuid, bigint, timestamptz) is 'The user tower''s inputs for a user at an instant: profile, ID embedding, vectors of the last 50 posts (history_posts), stats, number of follows and recsys_engine.followed_vector, recsys_engine.user_components, recent interactions, feed_preference. A visitor is a new user. No row: unknown user.';

revoke all on function recsys_engine.latest_interactions(uuid, timestamptz), recsys_engine.user_history(uuid, timestamptz, recsys_engine.post_interaction[]), recsys_engine.recent_interactions(uuid, timestamptz, recsys_engine.post_interaction[]), recsys_engine.latest_follows(uuid, text[], timestamptz, integer), recsys_engine.followed_people(uuid, timestamptz), recsys_engine.followed_topics(uuid, timestamptz), recsys_engine.followed_vector(uuid[], bigint, timestamptz), recsys_engine.user_context(uuid, bigint, timestamptz), recsys_engine.load_reader_profile(uuid, timestamptz), recsys_engine.keep_readable_interactions(recsys_engine.reader_profile), recsys_engine.reader_context(recsys_engine.reader_profile, bigint) from public;
grant execute on function recsys_engine.latest_interactions(uuid, timestamptz), recsys_engine.user_history(uuid, timestamptz, recsys_engine.post_interaction[]), recsys_engine.recent_interactions(uuid, timestamptz, recsys_engine.post_interaction[]), recsys_engine.latest_follows(uuid, text[], timestamptz, integer), recsys_engine.followed_people(uuid, timestamptz), recsys_engine.followed_topics(uuid, timestamptz), recsys_engine.followed_vector(uuid[], bigint, timestamptz), recsys_engine.user_context(uuid, bigint, timestamptz), recsys_engine.load_reader_profile(uuid, timestamptz), recsys_engine.keep_readable_interactions(recsys_engine.reader_profile), recsys_engine.reader_context(recsys_engine.reader_profile, bigint) to authenticated, service_role;
