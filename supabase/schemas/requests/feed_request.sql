-- What narrows a feed down: whose it is, as of when, and what is left out of it. Every source of retrieval asks recsys_engine.eligible_posts, so
-- whatever is hidden or left out makes no page shorter while enough posts exist.

create type recsys_engine.feed_filter as (tags text[], author_ids uuid[], max_age_days integer, languages text[]);
comment on type recsys_engine.feed_filter is 'What a client asks of each post of a feed: one of the tags (capital or small letters are the same), one of the authors, so many days old at most, in one of the languages. What is null is not asked for.';

create type recsys_engine.prefiltered_post as (post_id uuid, author_id uuid, created_at timestamptz, last_active_at timestamptz, trend double precision, popularity double precision);
comment on type recsys_engine.prefiltered_post is 'A post that passes the filter of a request, with the columns that sources rank by: author, creation, state (null: no interaction yet).';

create type recsys_engine.feed_request as (
  user_id uuid, at timestamptz, interacted uuid[], excluded uuid[], seed bigint, served bigint[],
  is_narrowed boolean, filter recsys_engine.feed_filter, muted_authors uuid[], muted_topics text[], muted_words text[], muted_pattern text,
  authors uuid[], affinities integer[], follows uuid[], topics text[], touched uuid[], touches integer[], came_to uuid[], covisited uuid[], pool recsys_engine.prefiltered_post[], readable uuid[], asked uuid,
  more text[], less text[], dismissed json, originals uuid[], original_titles text[], withholds boolean, touchers uuid[], other_touchers uuid[], muted_titles text[], muted_descriptions text[]
);
comment on type recsys_engine.feed_request is
  'A feed''s request: user_id, instant, rules (excluded, served by seed, filter, muted_*, withholds; is_narrowed: any per post) and wishes (authors, affinities, follows, topics, touched, covisited, more, less). pool, readable: posts to choose from. See the functions with_* that fill the fields.';

-- 32 bits of an unpredictable hash, since each feed has a seed of its own. A cursor carries 1,000 posts in 5.4 KB
-- instead of 21; an unserved post collides with one of them with a chance of 1 to 4 million.
create function recsys_engine.served_key(p_post_id uuid, p_seed bigint) returns bigint
language sql immutable security invoker
return pg_catalog.uuid_hash_extended(p_post_id, p_seed) & 4294967295;
comment on function recsys_engine.served_key(uuid, bigint) is 'What the cursor of a feed remembers a served post by: 0 to 4294967295. The seed is the feed''s.';

create function recsys_engine.seen_posts(p_user_id uuid, p_now timestamptz) returns uuid[]
language plpgsql stable security invoker set search_path = ''
-- the log has partitions made, purged and indexed, and a feed must not wait for that: meanwhile seen posts may come again
set lock_timeout = '100ms'
as $$
begin
  return array(
    select distinct latest.post_id
    from (
      select impressions.post_id from recsys.impressions
      where impressions.user_id = p_user_id and impressions.seen_at <= p_now and impressions.seen_at > p_now - interval '30 days'
      order by impressions.seen_at desc
      limit 5000
    ) as latest
  );
exception when lock_not_available then
  return '{}'::uuid[];
end
$$;
comment on function recsys_engine.seen_posts(uuid, timestamptz) is 'The posts that a user saw (recsys.impressions.seen_at) within the 30 days up to an instant, the latest 5,000. None while the log is locked.';

create function recsys_engine.dismissed_posts(p_user_id uuid, p_now timestamptz, out post_ids uuid[], out lately uuid[], out days double precision[])
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  select
    coalesce(array_agg(latest.post_id), '{}'),
    coalesce(array_agg(latest.post_id order by latest.created_at desc) filter (where latest.days < 14), '{}'),
    coalesce(array_agg(latest.days order by latest.created_at desc) filter (where latest.days < 14), '{}')
  into post_ids, lately, days
  from (
    select source_dismissals.post_id, source_dismissals.created_at, extract(epoch from p_now - source_dismissals.created_at)::double precision / 86400 as days
    from recsys.source_dismissals
    where source_dismissals.user_id = p_user_id and source_dismissals.created_at <= p_now and source_dismissals.post_id is not null
    order by source_dismissals.created_at desc
    limit 5000
  ) as latest;
end
$$;
comment on function recsys_engine.dismissed_posts(uuid, timestamptz) is 'The latest 5,000 posts that a user dismissed up to an instant, and of these the ones within 14 days (lately), the latest first, with how many days ago: their conversations are left out, and of the authors and tags of the latest 50 less is shown at once.';

create function recsys_engine.mutes_only_request(p_user_id uuid, p_now timestamptz) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request;
begin
  perform recsys_engine.require_invoker_views();
  request.at := p_now;
  request.excluded := '{}';
  request.is_narrowed := false;
  request.withholds := exists (select from recsys.source_withheld);
  -- a visitor has no rights on what people muted, and need not have
  if p_user_id is null then
    return request;
  end if;
  select
    array_agg(muted.value::uuid) filter (where muted.kind = 'person' and pg_input_is_valid(muted.value, 'uuid')),
    array_agg(lower(left(muted.value, 100))) filter (where muted.kind = 'topic'),
    array_agg(recsys_engine.muted_word(muted.value)) filter (where muted.kind = 'word' and recsys_engine.muted_word(muted.value) is not null),
    array_agg(recsys_engine.muted_part(muted.value)) filter (where muted.kind in ('contains', 'title_contains') and recsys_engine.muted_part(muted.value) is not null),
    array_agg(recsys_engine.muted_part(muted.value)) filter (where muted.kind = 'contains' and recsys_engine.muted_part(muted.value) is not null)
  into request.muted_authors, request.muted_topics, request.muted_words, request.muted_titles, request.muted_descriptions
  from unnest(array['person', 'topic', 'word', 'contains', 'title_contains'], array[10000, 100, 100, 100, 100]) as kinds (kind, most)
  cross join lateral (
    select source_mutes.kind, source_mutes.value
    from recsys.source_mutes
    where source_mutes.user_id = p_user_id and source_mutes.kind = kinds.kind
    order by source_mutes.value
    limit kinds.most
  ) as muted;
  request.muted_pattern := recsys_engine.muted_pattern(request.muted_words);
  request.is_narrowed := request.muted_authors is not null or request.muted_topics is not null or request.muted_words is not null or request.muted_titles is not null;
  return request;
end
$$;
comment on function recsys_engine.mutes_only_request(uuid, timestamptz) is 'A request with a user''s mutes alone, as of an instant: for answers other than their feed. user_id null: no mutes.';

create function recsys_engine.with_filter(p_request recsys_engine.feed_request, p_filter jsonb) returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := p_request;
begin
  if p_filter is not null and p_filter <> '{}' then
    if (case when jsonb_typeof(p_filter) = 'object' then p_filter - array['tags', 'author_ids', 'max_age_days', 'languages'] <> '{}' else true end) then
      raise exception 'a filter is an object of tags, author_ids, max_age_days and languages, not %', p_filter using errcode = '22023';
    end if;
    request.filter := jsonb_populate_record(null::recsys_engine.feed_filter, p_filter);
    request.filter.tags := lower((request.filter).tags::text)::text[];
    request.is_narrowed := true;
  end if;
  return request;
end
$$;
comment on function recsys_engine.with_filter(recsys_engine.feed_request, jsonb) is 'A request that lets in what passes a filter: a recsys_engine.feed_filter as an object, such as {"tags": ["sql"], "max_age_days": 7}; null: all. Raises 22023 where it has other fields.';

create function recsys_engine.repost_originals(p_user_id uuid, p_seen uuid[], p_dismissed uuid[]) returns table (post_ids uuid[], titles text[])
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  hides constant boolean := exists (
    select from recsys.source_preferences
    where source_preferences.user_id = p_user_id and source_preferences.kind = 'hide' and source_preferences.value = 'reposts'
  );
begin
  if not hides and p_dismissed = '{}' then
    return;
  end if;
  return query
  select array_agg(posts.post_id), coalesce(array_agg(distinct posts.title) filter (where posts.title <> ''), '{}')
  from unnest(case when hides then p_seen else p_dismissed end) as seen (post_id)
  cross join lateral (select source_posts.post_id, source_posts.title from recsys.source_posts where source_posts.post_id = seen.post_id offset 0) as posts
  having count(*) > 0;
end
$$;
comment on function recsys_engine.repost_originals(uuid, uuid[], uuid[]) is 'Posts of whose conversations a user wants nothing more, as far as they may read them, and their titles: what they dismissed lately (p_dismissed), and all that they saw (p_seen) where they want no reposts of it. One row; none where there are none.';

create function recsys_engine.feed_request(p_user_id uuid, p_now timestamptz, p_filter jsonb default null, p_seed bigint default null, p_served bigint[] default null)
returns recsys_engine.feed_request
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request recsys_engine.feed_request := recsys_engine.mutes_only_request(p_user_id, p_now);
  kind text;
  kept record;
  dismissed record;
begin
  request.user_id := p_user_id;
  request.seed := p_seed;
  request.served := p_served;
  if p_user_id is not null then
    kind := recsys_engine.feed_preference(p_user_id);
  end if;
  if kind = 'personal' then
    -- what was counted after this instant says nothing of what was before it
    select user_affinities.until, user_affinities.authors, user_affinities.affinities, user_affinities.post_ids into kept
    from recsys_engine.user_affinities where user_affinities.user_id = p_user_id and user_affinities.until <= p_now;
    request.authors := kept.authors;
    request.affinities := kept.affinities;
    -- A feed reads no more of a user: with 200,000 views one took a connection for seconds. Earlier actions are
    -- known from the roll-up.
    with latest as materialized (
      select source_interactions.post_id, source_interactions.created_at
      from recsys.source_interactions
      where source_interactions.user_id = p_user_id and source_interactions.created_at <= p_now
      order by source_interactions.created_at desc, source_interactions.interaction_id desc
      limit 2000
    )
    select
      array(select latest.post_id from latest where (latest.created_at <= kept.until) is not true),
      -- a null among them, which another app's view may show, would leave out everything
      array_remove(array(
        select latest.post_id from latest
        union
        select unnest(kept.post_ids) where (select count(*) from latest) = 2000
        union
        select unnest(recsys_engine.seen_posts(p_user_id, p_now))
      ), null)
    into request.interacted, request.excluded;
    request.less := recsys_engine.topic_preferences(p_user_id, 'less');
    request.more := recsys_engine.topic_preferences(p_user_id, 'more');
  end if;
  if kind in ('personal', 'following') then
    -- the replay in trainer/data/replay/state.ts knows neither dismissals nor mutes nor what was seen: there such a post stays a
    -- candidate that was not chosen, which is what training should learn of it
    dismissed := recsys_engine.dismissed_posts(p_user_id, p_now);
    request.excluded := request.excluded || dismissed.post_ids;
    if kind = 'personal' then
      select unwanted.post_ids, unwanted.titles into request.originals, request.original_titles from recsys_engine.repost_originals(p_user_id, request.excluded, dismissed.lately) as unwanted;
    end if;
    if kind = 'personal' and dismissed.lately <> '{}' then
      request.dismissed := (
        select json_agg(json_build_object('author_id', posts.author_id, 'tags', array_remove(posts.tags, null), 'days', latest.days))
        from unnest(dismissed.lately[:50], dismissed.days[:50]) as latest (post_id, days)
        cross join lateral (select source_posts.author_id, source_posts.tags from recsys.source_posts where source_posts.post_id = latest.post_id offset 0) as posts
      );
    end if;
    request.follows := recsys_engine.followed_people(p_user_id, p_now);
    request.topics := recsys_engine.followed_topics(p_user_id, p_now);
  end if;
  if p_filter is not null then
    request := recsys_engine.with_filter(request, p_filter);
  end if;
  return request;
end
$$;
comment on function recsys_engine.feed_request(uuid, timestamptz, jsonb, bigint, bigint[]) is
  'The request for a user''s feed as of an instant, with the interactions (10,000), dismissals (5,000), seen posts (5,000), follows (1,000) and topics. Empty for a visitor (p_user_id null) and without personalisation. p_filter: see recsys_engine.with_filter. p_seed, p_served: earlier pages.';

-- without "set", so that it becomes part of the query that asks it; with "begin atomic", so that its names are bound now, whatever the
-- search_path is later
create function recsys_engine.eligible_posts(p_request recsys_engine.feed_request)
returns table (post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz)
language sql stable security invoker
begin atomic
  select posts.post_id, coalesce(posts.title, ''), array_remove(coalesce(posts.tags, '{}'), null), posts.author_id, posts.created_at
  from recsys.source_posts as posts
  where posts.created_at <= p_request.at
    and (posts.post_id = p_request.asked or (
      -- both may be null: an unknown author, a request of a visitor
      (posts.author_id = p_request.user_id) is not true
      and posts.post_id not in (select unnest(p_request.excluded))
      and recsys_engine.served_key(posts.post_id, p_request.seed) not in (select unnest(p_request.served))
      -- nearly always nothing more is asked, and this is all it costs then
      and (not p_request.is_narrowed or (
        -- an unknown author is none of them
        (posts.author_id not in (select unnest(p_request.muted_authors))) is not false
        -- asked first whether there are any: an app may work a post's tags out of other rows, which would be done for each of these lines
        and (p_request.muted_topics is null or (lower(posts.tags::text)::text[] && p_request.muted_topics) is not true)
        and (p_request.muted_words is null or recsys_engine.has_muted_word(recsys_engine.text_for_mutes(posts.title, posts.tags), p_request.muted_words, p_request.muted_pattern) is not true)
        and ((p_request.filter).author_ids is null or posts.author_id = any ((p_request.filter).author_ids))
        and ((p_request.filter).max_age_days is null or posts.created_at >= p_request.at - make_interval(days => (p_request.filter).max_age_days))
        and ((p_request.filter).languages is null or posts.language = any ((p_request.filter).languages))
        and ((p_request.filter).tags is null or lower(posts.tags::text)::text[] && (p_request.filter).tags)
        and (p_request.muted_titles is null or recsys_engine.contains_any(lower(posts.title), p_request.muted_titles) is not true)
        -- last, since a description is the longest column
        and (p_request.muted_descriptions is null or recsys_engine.contains_any(lower(posts.description), p_request.muted_descriptions) is not true)
      ))
      and (p_request.withholds is not true or posts.author_id = any (p_request.follows) or (
        not exists (select from recsys.source_withheld as withheld where withheld.post_id = posts.post_id)
        and not exists (select from recsys.source_withheld as withheld where withheld.author_id = posts.author_id)
      ))
    ));
end;
comment on function recsys_engine.eligible_posts(recsys_engine.feed_request) is 'The posts that may be in a feed: those the caller may read, without the user''s own, what the request leaves out, what the user muted, what its filter does not let in, and what is withheld from those who do not follow its author (recsys.source_withheld).';

revoke all on function recsys_engine.served_key(uuid, bigint), recsys_engine.seen_posts(uuid, timestamptz), recsys_engine.repost_originals(uuid, uuid[], uuid[]), recsys_engine.dismissed_posts(uuid, timestamptz), recsys_engine.mutes_only_request(uuid, timestamptz), recsys_engine.with_filter(recsys_engine.feed_request, jsonb), recsys_engine.feed_request(uuid, timestamptz, jsonb, bigint, bigint[]),
  recsys_engine.eligible_posts(recsys_engine.feed_request) from public;
grant execute on function recsys_engine.served_key(uuid, bigint), recsys_engine.seen_posts(uuid, timestamptz), recsys_engine.repost_originals(uuid, uuid[], uuid[]), recsys_engine.dismissed_posts(uuid, timestamptz), recsys_engine.mutes_only_request(uuid, timestamptz), recsys_engine.with_filter(recsys_engine.feed_request, jsonb), recsys_engine.feed_request(uuid, timestamptz, jsonb, bigint, bigint[]),
  recsys_engine.eligible_posts(recsys_engine.feed_request) to authenticated, service_role;
