-- Why a post is in a user's feed, or is not: asked from psql, answered as that user's own request would be.

create function recsys_engine.explain_candidate(p_user_id uuid, p_post_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz, p_title text default null)
returns table (is_visible boolean, is_candidate boolean, is_repost boolean, one_conversation uuid[], ranks jsonb, sizes jsonb, nearest jsonb)
language plpgsql stable security invoker set search_path = ''
-- the user's own role and claims, so that row level security decides as for a feed; what was set before comes back at the end, and
-- after an error too. The claims are not named here along with the role: only a superuser may name them in a function
set role = 'authenticated'
as $$
declare
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  nearest_post jsonb;
  request recsys_engine.feed_request;
  candidates uuid[];
  same uuid[];
  source_ranks jsonb;
  source_sizes jsonb;
begin
  perform set_config('request.jwt.claims', jsonb_build_object('sub', p_user_id, 'role', 'authenticated')::text, true);
  perform from recsys.source_posts where source_posts.post_id = p_post_id;
  if not found then
    perform set_config('request.jwt.claims', claims, true);
    return query select false, false, false, null::uuid[], null::jsonb, null::jsonb, null::jsonb;
    return;
  end if;

  request := recsys_engine.with_engaged_posts(recsys_engine.with_followee_engagements(recsys_engine.with_affinities(recsys_engine.feed_request(p_user_id, p_now))), p_model_id);
  request := recsys_engine.with_covisited(request, p_model_id);
  request.asked := p_post_id;
  request := recsys_engine.with_prefiltered_pool(request, p_model_id, p_embedding);
  select jsonb_object_agg(listed.source, listed.rank), jsonb_object_agg(listed.source, listed.size) into source_ranks, source_sizes
  from (
    select * from recsys_engine.personal_sources(request, p_model_id, p_embedding, 'all')
    union all
    select * from recsys_engine.global_sources(request, 'all')
  ) as listed
  where listed.post_id = p_post_id;

  select jsonb_build_object(
    'title', theirs.title,
    'similarity', round((-(theirs_embedded.embedding operator(extensions.<#>) mine.embedding))::numeric, 3),
    'at', latest.at
  ) into nearest_post
  from recsys.post_embeddings as mine
  cross join recsys_engine.user_history(p_user_id, p_now) as latest
  join recsys.post_embeddings as theirs_embedded on theirs_embedded.model_id = p_model_id and theirs_embedded.post_id = latest.post_id
  join recsys.source_posts as theirs on theirs.post_id = latest.post_id
  where mine.model_id = p_model_id and mine.post_id = p_post_id and latest.post_id <> p_post_id and recsys_engine.feed_preference(p_user_id) <> 'impersonal'
  order by theirs_embedded.embedding operator(extensions.<#>) mine.embedding, latest.at desc
  limit 1;

  candidates := array(select each.post_id from recsys_engine.retrieve(p_user_id, p_model_id, p_embedding, p_now) as each);
  -- as functions/_shared/recommend/selection/duplicates.ts compares titles: by their words, two at least, and four letters
  with titles as (
    select source_posts.post_id, source_posts.title from recsys.source_posts where source_posts.post_id = any (candidates || p_post_id)
    union all
    select null, each.title from unnest(request.original_titles) as each (title)
  ),
  words as (
    select titles.post_id, btrim(regexp_replace(recsys_engine.fold_text(titles.title), recsys_engine.word_separator_class() || '+', ' ', 'g')) as words from titles
  )
  select array_agg(words.post_id) into same from words
  -- a masked title reveals nothing of the title
  where (p_title is null or p_title = (select titles.title from titles where titles.post_id = p_post_id))
    and words.words like '% %' and length(replace(words.words, ' ', '')) >= 4 and words.post_id is distinct from p_post_id and words.words = (select each.words from words as each where each.post_id = p_post_id);
  same := same || array(
    select other.post_id
    from recsys.source_conversations as mine
    join recsys.source_conversations as other on other.conversation = mine.conversation
    where mine.post_id = p_post_id and other.post_id = any (candidates) and other.post_id <> p_post_id
    union all
    select null
    from recsys.source_conversations as mine
    join recsys.source_conversations as original on original.conversation = mine.conversation
    where mine.post_id = p_post_id and original.post_id = any (request.originals) and original.post_id <> p_post_id
  );

  return query select
    true,
    p_post_id = any (candidates) and array_position(same, null) is null,
    array_position(same, null) is not null,
    array_remove(same, null),
    coalesce(source_ranks, '{}'),
    source_sizes,
    nearest_post;
  perform set_config('request.jwt.claims', claims, true);
end
$$;
comment on function recsys_engine.explain_candidate(uuid, uuid, bigint, extensions.vector, timestamptz, text) is
  'Explains a candidate under the user''s own role: visibility, conversations with dismissed or seen posts, rank and limit in each source, and the nearest post of their history {title, similarity, at}. p_title: the original title; null: what the user reads. Reads whole tables.';

create function recsys.explain(p_user_id uuid, p_post_id uuid) returns table (topic text, item text, value text)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  instant constant timestamptz := recsys.clock();
  model record;
  post record;
  found_row record;
  mutes recsys_engine.feed_request;
  answer record;
  feed constant text := recsys_engine.feed_preference(p_user_id);
  shown record;
  ahead record;
  user_vector extensions.vector;
  post_vector extensions.vector;
  -- what keeps the post out of the feed: what, and since when or why
  reasons text[] := '{}'::text[];
  details text[] := '{}'::text[];
begin
  select source_posts.post_id, source_posts.author_id, source_posts.title, source_posts.tags, source_posts.description, source_posts.created_at into post from recsys.source_posts where source_posts.post_id = p_post_id;
  if not found then
    return query values ('verdict', 'not a candidate', 'there is no such post in recsys.source_posts'::text);
    return;
  end if;
  if not exists (select from recsys.source_users where source_users.user_id = p_user_id) then
    return query values ('verdict', 'no feed', 'there is no such user in recsys.source_users'::text);
    return;
  end if;
  select models.model_id, models.name, models.feature_spec -> 'sources' as sources into model from recsys.models where models.status = 'active';
  select user_embeddings.embedding into user_vector from recsys.user_embeddings where user_embeddings.model_id = model.model_id and user_embeddings.user_id = p_user_id and feed <> 'impersonal';
  select post_embeddings.embedding into post_vector from recsys.post_embeddings where post_embeddings.model_id = model.model_id and post_embeddings.post_id = p_post_id;
  select * into answer from recsys_engine.explain_candidate(p_user_id, p_post_id, model.model_id, user_vector, instant, post.title);

  -- and nothing more: what is hidden from the user is hidden from an answer about them, which may be shown to them
  if not answer.is_visible then
    return query values
      ('verdict', 'not a candidate', 'not visible'),
      ('why not', 'not visible', 'row level security hides it from this user'::text);
    return;
  end if;
  if post.author_id = p_user_id then
    reasons := reasons || 'own'::text;
    details := details || 'this user wrote it'::text;
  end if;
  if post.created_at > instant then
    reasons := reasons || 'in the future'::text;
    details := details || format('created %s, and the engine''s clock is at %s', post.created_at, instant);
  end if;
  for found_row in
    select source_interactions.kind, count(*) as times, max(source_interactions.created_at) as at from recsys.source_interactions
    where source_interactions.user_id = p_user_id and source_interactions.post_id = p_post_id and source_interactions.created_at <= instant
      and feed = 'personal'
    group by source_interactions.kind order by at
  loop
    reasons := reasons || ('has a ' || found_row.kind || ' by this user');
    details := details || format('%s, last %s', case found_row.times when 1 then 'once' else found_row.times || ' times' end, found_row.at);
  end loop;
  select min(source_dismissals.created_at) as at into found_row from recsys.source_dismissals
  where source_dismissals.user_id = p_user_id and source_dismissals.post_id = p_post_id and source_dismissals.created_at <= instant
    and feed <> 'impersonal';
  if found_row.at is not null then
    reasons := reasons || 'dismissed or voted against'::text;
    details := details || found_row.at::text;
  end if;
  mutes := recsys_engine.mutes_only_request(p_user_id, instant);
  if post.author_id = any (mutes.muted_authors) or lower(post.tags::text)::text[] && mutes.muted_topics
    or recsys_engine.has_muted_word(recsys_engine.text_for_mutes(post.title, post.tags), mutes.muted_words, mutes.muted_pattern)
    or recsys_engine.contains_any(lower(post.title), mutes.muted_titles) or recsys_engine.contains_any(lower(post.description), mutes.muted_descriptions) then
    reasons := reasons || 'muted'::text;
    details := details || concat_ws('; ',
      case when post.author_id = any (mutes.muted_authors) then 'its author' end,
      (select 'its topic ' || string_agg(tag, ', ') from unnest(post.tags) as tag where lower(tag) = any (mutes.muted_topics)),
      case when recsys_engine.has_muted_word(recsys_engine.text_for_mutes(post.title, post.tags), mutes.muted_words, mutes.muted_pattern) then 'a word of its title or tags' end,
      case when recsys_engine.contains_any(lower(post.title), mutes.muted_titles) then 'a text in its title' end,
      case when recsys_engine.contains_any(lower(post.description), mutes.muted_descriptions) then 'a text in its description' end);
  end if;
  select max(impressions.seen_at) as at into found_row from recsys.impressions
  where impressions.user_id = p_user_id and impressions.post_id = p_post_id and impressions.seen_at > instant - interval '30 days' and impressions.seen_at <= instant
    and feed = 'personal';
  if found_row.at is not null and not answer.is_candidate then
    reasons := reasons || 'seen in the last 30 days'::text;
    details := details || found_row.at::text;
  end if;
  if not answer.is_candidate and mutes.withholds and exists (
    select from recsys.source_withheld where source_withheld.post_id = p_post_id or source_withheld.author_id = post.author_id
  ) and (feed = 'impersonal' or post.author_id <> all (recsys_engine.followed_people(p_user_id, instant)) is not false) then
    reasons := reasons || 'withheld'::text;
    details := details || 'it is recommended to nobody but those who follow its author'::text;
  end if;
  if answer.is_repost and reasons = '{}' then
    reasons := reasons || 'a repost'::text;
    details := details || 'it is one conversation with what this user dismissed, or saw and wants no reposts of'::text;
  end if;
  if not answer.is_candidate and reasons = '{}' then
    reasons := reasons || 'no source brings it'::text;
    details := details || 'its ranks are behind what each source brings'::text;
  end if;

  return query select
    'verdict',
    case when answer.is_candidate then 'a candidate' else 'not a candidate' end,
    case when answer.is_candidate then 'in the feed where the ranker puts it among the best' else array_to_string(reasons, '; ') end;
  if feed <> 'personal' then
    return query select 'feed', feed, 'the user wants it so (recsys.source_preferences)'::text;
  end if;
  return query select 'post', post.title, format('%s, created %s', p_post_id, post.created_at);
  return query select 'why not', why.reason, why.detail from unnest(reasons, details) as why (reason, detail);
  if model.model_id is null then
    return query values ('model', 'none is active', 'feeds are fresh and popular: npx --no-install recsys publish'::text);
  else
    return query select 'model', model.name, format('model_id %s', model.model_id);
    if post_vector is null then
      return query select 'vector', 'the post has none', coalesce(
        (select case when job.is_dead then 'given up: ' || job.last_error else format('waits since %s', job.enqueued_at) end
          from recsys_engine.embedding_jobs as job where job.kind = 'post' and job.entity_id = p_post_id),
        'and none waits: update its text, or publish again');
    end if;
    if user_vector is null and feed <> 'impersonal' then
      return query values ('vector', 'the user has none stored', 'their feed computes one; ranks by similarity are unknown here'::text);
    end if;
  end if;

  return query
    select 'one conversation', other.post_id::text, format('created %s; of these a page has the one to which most people came, and the others folded into it', other.created_at)
    from recsys.source_posts as other where answer.is_candidate and other.post_id = any (answer.one_conversation)
    order by other.created_at, other.post_id;

  return query select
    'source', source,
    case
      when ranks.rank is null then 'not in it'
      when ranks.rank > ranks.size then format('rank %s, behind the %s that it brings', ranks.rank, ranks.size)
      else format('rank %s of %s', ranks.rank, ranks.size)
    end
  from (select each.key as source, each.value::bigint as rank, (answer.sizes ->> each.key)::integer as size from jsonb_each_text(answer.ranks) as each) as ranks
  full join (
    -- those of which the ranker is told are named also where they do not have it
    select listed.source ->> 'name' as source, listed.place
    from jsonb_array_elements(model.sources) with ordinality as listed (source, place)
  ) as known using (source)
  order by known.place, source;
  return query
    select 'similarity', 'to the user', round((-(user_vector operator(extensions.<#>) post_vector))::numeric, 3)::text
    where user_vector is not null and post_vector is not null;
  if answer.nearest is not null then
    return query select
      'history', answer.nearest ->> 'title', format('similarity %s, last there %s', answer.nearest ->> 'similarity', (answer.nearest ->> 'at')::timestamptz);
  end if;

  select lists.made_at, array_position(lists.post_ids, p_post_id) as place, lists.scores into ahead from recsys.batch_recommendations as lists
  where lists.user_id = p_user_id and p_post_id = any (lists.post_ids) and feed = 'personal';
  if found then
    return query select 'listed', format('rank %s', ahead.place), format('score %s, %s', ahead.scores[ahead.place], ahead.made_at);
  end if;

  select impressions.* into shown from recsys.impressions
  where impressions.user_id = p_user_id and impressions.post_id = p_post_id and feed <> 'impersonal'
  order by impressions.shown_at desc
  limit 1;
  if found then
    return query select 'shown', format('position %s', shown.position), concat_ws(', ', shown.shown_at, 'score ' || shown.score, 'source ' || shown.source, (
      select string_agg(format('p(%s) %s', predicted.key, round(predicted.value::numeric, 3)), ', ' order by predicted.key) from jsonb_each(shown.optional_probabilities) as predicted
    ), 'seen ' || shown.seen_at);
    return query
      select 'feature', features.part || ' ' || features.feature, round(features.value::numeric, 3)::text
      from recsys_engine.impression_features as features
      where features.request_id = shown.request_id and features.post_id = p_post_id and features.shown_at = shown.shown_at
      order by features.number;
  end if;
end
$$;
comment on function recsys.explain(uuid, uuid) is
  'Explains why a post is in a user''s feed, or not (topic why not): conversations, rank in each source and in the batch list, nearest post of the history, and the ranker''s features when it was last shown. Tells nothing that the user may not read. Similarity uses the stored vector.';

-- explain_candidate takes the place of any user: the owner's, and the service's, who can read all of it anyway
revoke all on function recsys_engine.explain_candidate(uuid, uuid, bigint, extensions.vector, timestamptz, text), recsys.explain(uuid, uuid) from public;
grant execute on function recsys_engine.explain_candidate(uuid, uuid, bigint, extensions.vector, timestamptz, text), recsys.explain(uuid, uuid) to service_role;
