-- The candidates of a feed, from the sources (retrieval/sources.sql). A worker that keeps the posts common to all feeds adds those of the
-- reader alone. supabase/functions/recommend/common-posts.test.ts holds the two to the same answer.

-- loads pgvector, as in retrieval/nearest.sql: each file may have a session of its own
do $$ begin perform '[1]'::extensions.vector; end $$;

create type recsys_engine.ranked_post as (post_id uuid, ranks jsonb);
comment on type recsys_engine.ranked_post is 'A post with its ranks in the sources that brought it, as {source: rank}.';

create function recsys_engine.ranked_posts(p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector) returns recsys_engine.ranked_post[]
-- PL/pgSQL keeps the plan of a session; planning this takes as long as running it
language plpgsql stable security invoker set search_path = ''
-- it is planned for any instant, also those to which most of the past has to be looked up: by that cost it would be compiled
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select row(each.post_id, jsonb_object_agg(each.source, each.rank))::recsys_engine.ranked_post
    from (
      select * from recsys_engine.personal_sources(p_request, p_model_id, p_embedding, 'feed')
      union all
      select * from recsys_engine.global_sources(p_request, 'feed')
    ) as each
    group by each.post_id
  );
end
$$;
comment on function recsys_engine.ranked_posts(recsys_engine.feed_request, bigint, extensions.vector) is 'What all sources bring for a request (recsys_engine.with_followee_engagements, recsys_engine.with_prefiltered_pool).';

create function recsys_engine.hydrate_ranked_posts(p_request recsys_engine.feed_request, p_ranked recsys_engine.ranked_post[])
returns table (post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz, ranks jsonb, author_affinity integer, follows_author boolean, touches integer)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  select
    posts.post_id, coalesce(posts.title, ''), array_remove(coalesce(posts.tags, '{}'), null), posts.author_id, posts.created_at, found.ranks,
    coalesce(p_request.affinities[array_position(p_request.authors, posts.author_id)], 0),
    coalesce(posts.author_id = any (p_request.follows), false),
    coalesce(p_request.touches[array_position(p_request.touched, posts.post_id)], 0)
  from unnest(p_ranked) as found
  cross join lateral (select * from recsys.source_posts where source_posts.post_id = found.post_id offset 0) as posts;
end
$$;
comment on function recsys_engine.hydrate_ranked_posts(recsys_engine.feed_request, recsys_engine.ranked_post[]) is 'What sources brought for a request, as recsys_engine.retrieve says it: of that what the caller may read.';

create function recsys_engine.retrieve(
  p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz, p_seed bigint default null, p_served bigint[] default null,
  p_filter jsonb default null
)
returns table (post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz, ranks jsonb, author_affinity integer, follows_author boolean, touches integer)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  request constant recsys_engine.feed_request := recsys_engine.with_prefiltered_pool(recsys_engine.with_covisited(recsys_engine.with_engaged_posts(recsys_engine.with_followee_engagements(recsys_engine.with_affinities(recsys_engine.feed_request(p_user_id, p_now, p_filter, p_seed, p_served))), p_model_id), p_model_id), p_model_id, p_embedding);
begin
  return query select * from recsys_engine.hydrate_ranked_posts(request, recsys_engine.ranked_posts(request, p_model_id, p_embedding));
end
$$;
comment on function recsys_engine.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb) is 'Posts that a user might want as of an instant, with their ranks in the sources that brought them, as {source: rank} (topic:NAME: among the newest of a topic that they follow, which get turns in the source followed), how often the user interacted with posts of their author, whether they follow them, and how many of those whom they follow did something with the post (recsys_engine.with_followee_engagements): of posts that the caller may read, without the user''s own and those they interacted with, dismissed, muted, or saw in the last 30 days, and without those that earlier pages served (p_served: their recsys_engine.served_key with p_seed). p_filter: what else is asked of a post, as of recsys_engine.feed_request. p_user_id null: a visitor. p_model_id and p_embedding null: no model, no similar posts. At most 1000 rows, unordered.';

create type recsys_engine.post_row as (post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz);
comment on type recsys_engine.post_row is 'What the app says of a post.';

create function recsys_engine.post_columns(p_posts recsys_engine.post_row[]) returns json
language sql stable security invoker set search_path = ''
begin atomic
  select json_build_object('post_id', json_agg(told.post_id), 'title', json_agg(told.title), 'tags', json_agg(told.tags), 'author_id', json_agg(told.author_id),
    'created_at', json_agg(1000 * date_part('epoch', told.created_at)),
    'of_circle', json_agg(exists (select from recsys_engine.circle_members where circle_members.user_id = told.author_id)),
    'standing', json_agg(recsys_engine.standing(
      coalesce((select cardinality(author_readers.user_ids) from recsys_engine.author_readers where author_readers.user_id = told.author_id), nullif(3 * (told.author_id is null)::integer, 0)),
      exists (select from recsys.source_users as users where users.user_id = told.author_id and recsys_engine.is_newcomers_post(users.created_at, told.created_at, recsys.clock()))
    )))
  from unnest(p_posts) as told;
end;
comment on function recsys_engine.post_columns(recsys_engine.post_row[]) is 'Posts in columns, with times in milliseconds since 1970, whether their author is in a closed circle (recsys_engine.circle_members), and what a page bounds them by (recsys_engine.standing). Rows took the driver 4 ms for 500 posts.';

-- without "set", so that it becomes part of the query that asks it
create function recsys_engine.text_key(p_title text, p_tags text[], p_author_id uuid) returns integer
language sql stable security invoker
begin atomic
  select hashtext(p_title) # hash_array(p_tags) # coalesce(uuid_hash(p_author_id), 0);
end;
comment on function recsys_engine.text_key(text, text[], uuid) is 'A number for what is said of a post, its title, tags and author: another number, where a caller reads something else of it.';

create function recsys_engine.post_snapshots(p_model_id bigint, p_post_ids uuid[], p_now timestamptz default recsys.clock()) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  basis constant text := (select models.feature_spec #>> '{vectors,basis}' from recsys.models where models.model_id = p_model_id);
begin
  return (
    select json_build_object(
      'states', json_agg(known.state order by known.place),
      'has_embedding', json_agg(known.embedding is not null order by known.place),
      'embeddings', translate(encode(string_agg(extensions.vector_send(known.embedding), ''::bytea order by known.place), 'base64'), E'\n', ''),
      'has_components', json_agg(known.components is not null order by known.place) filter (where basis is not null),
      'components', translate(encode(string_agg(extensions.vector_send(known.components), ''::bytea order by known.place), 'base64'), E'\n', '')
    )
    from (
      select asked.place, to_json(state) as state, post_embeddings.embedding, reduced_vectors.components
      from unnest(p_post_ids) with ordinality as asked (post_id, place)
      left join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = asked.post_id
      left join recsys_engine.reduced_vectors on reduced_vectors.basis_id = basis and reduced_vectors.post_id = asked.post_id
      left join lateral (
        (
          select latest_post_stats.* from recsys_engine.latest_post_stats
          where latest_post_stats.post_id = asked.post_id and latest_post_stats.last_active_at <= p_now
        )
        union all
        (
          select post_stats.* from recsys_engine.post_stats
          where post_stats.post_id = asked.post_id and post_stats.last_active_at <= p_now
          order by post_stats.last_active_at desc, post_stats.interaction_id desc
          limit 1
        )
        -- where both have one, it is the same
        limit 1
      ) as state on true
    ) as known
  );
end
$$;
comment on function recsys_engine.post_snapshots(bigint, uuid[], timestamptz) is 'What the engine knows of some posts as of an instant, in their order, as one object. states: of each the row of recsys_engine.post_stats that holds then (null: nobody came yet); has_embedding: whether the model has a vector of it; embeddings: the vectors there are, one after the other, in pgvector''s binary form and base64; has_components and components: the same of the posts'' own vectors, null where the model reads none.';

create function recsys_engine.readable_by_strangers(p_post_ids uuid[]) returns uuid[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  role constant text := current_setting('role');
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  readable uuid[];
begin
  perform set_config('request.jwt.claims', json_build_object('sub', gen_random_uuid(), 'role', 'authenticated')::text, true), set_config('role', 'authenticated', true);
  readable := array(select posts.post_id from recsys.source_posts as posts where posts.post_id = any (p_post_ids));
  perform set_config('role', role, true), set_config('request.jwt.claims', claims, true);
  return readable;
exception when others then
  -- an app's policy may fail for an unknown account, and feeds must not fail with it
  return null;
end
$$;
comment on function recsys_engine.readable_by_strangers(uuid[]) is 'Which of some posts an authenticated account may read that is new and belongs to nothing. Null: the app''s policies fail for such an account.';

create function recsys_engine.global_candidates(p_now timestamptz default recsys.clock()) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys_engine.feed_request;
  extent text;
  short text[];
  sources text[];
  sizes integer[];
  kept integer[];
  found_ids uuid[];
  ranks bigint[];
  found_places bigint[];
  readable uuid[];
  told recsys_engine.post_row[];
  places json;
begin
  request.at := p_now;
  request.excluded := '{}';
  request.is_narrowed := false;
  -- more than each source returns: a caller may not read some or knows them, trending posts above all
  foreach extent in array array['kept', 'kept+100', 'kept+1000'] loop
    select array_agg(each.source), array_agg(each.size), array_agg(each.kept), array_agg(each.post_id), array_agg(each.rank), array_agg(each.place)
    into sources, sizes, kept, found_ids, ranks, found_places
    from (
      select * from unnest(sources, sizes, kept, found_ids, ranks, found_places) as found (source, size, kept, post_id, rank, place) where found.source <> all (short)
      union all
      select source, size, fetch_limit, post_id, rank, place from recsys_engine.global_sources(request, extent) as found where short is null or found.source = any (short)
    ) as each;
    readable := recsys_engine.readable_by_strangers(found_ids);
    -- if private posts of a few accounts fill a source, every feed queries all sources: a third of the surplus covers posts that readers know
    short := array(
      select found.source from unnest(sources, sizes, kept, found_ids) as found (source, size, kept, post_id)
      group by found.source
      having count(*) >= min(found.kept) and 3 * count(*) filter (where found.post_id in (select unnest(readable))) < min(2 * found.size + found.kept)
    );
    exit when readable is null or short = '{}';
  end loop;
  with found as materialized (
    select each.post_id, json_object_agg(each.source, each.place) as places
    from (
      select counted.*,
        -- a longer prefix helps only if strangers may read enough of it
        3 * max(counted.readable_before) over (partition by counted.source) >= 2 * counted.size + counted.kept
          and 3 * max(counted.readable_before) filter (where counted.rank <= counted.kept) over (partition by counted.source) < 2 * counted.size + counted.kept as goes_further
      from (
        select found.*, count(*) filter (where found.post_id in (select unnest(readable))) over (partition by found.source order by found.rank rows unbounded preceding) as readable_before
        from unnest(sources, sizes, kept, found_ids, ranks, found_places) as found (source, size, kept, post_id, rank, place)
      ) as counted
    ) as each
    where each.rank <= each.kept or (each.goes_further and each.readable_before <= each.kept)
    group by each.post_id
  )
  select array_agg(row(posts.*)::recsys_engine.post_row), json_agg(found.places)
  into told, places
  from found
  cross join lateral (select eligible.* from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = found.post_id offset 0) as posts;
  return json_build_object(
    'at', 1000 * date_part('epoch', p_now),
    'posts', recsys_engine.post_columns(told),
    'texts', array(select recsys_engine.text_key(each.title, each.tags, each.author_id) from unnest(told) with ordinality as each (post_id, title, tags, author_id, created_at, place) order by each.place),
    'places', places,
    'closed_authors', array(
      select each.author_id from unnest(told) as each
      where readable is not null and each.author_id is not null
      group by each.author_id having bool_and(each.post_id not in (select unnest(readable)))
    )
  );
end
$$;
comment on function recsys_engine.global_candidates(timestamptz) is 'What the common sources would bring somebody who has seen nothing and may see everything, more than they bring a caller, and up to 1,000 more of a source where strangers may read too few of these (recsys_engine.readable_by_strangers), as one object: posts, as recsys_engine.post_columns, texts, their recsys_engine.text_key as the service reads them, where they stand in the order of each source, the shares of authors aside, as {source: place}, and closed_authors, those of whom strangers may read none of these. For the service role alone: it says which posts there are.';

create function recsys_engine.feed_candidates(
  p_role text, p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz,
  p_filter jsonb default null, p_seed bigint default null, p_served bigint[] default null, p_global uuid[] default null, p_global_at timestamptz default null,
  p_has_small_readable_set boolean default null, p_requested uuid[] default null, p_request recsys_engine.feed_request default null, p_hits json default null, p_global_texts integer[] default null
) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys_engine.feed_request;
  affinities json;
  follows json;
  touches json;
  touchers json;
  sources text[];
  found_ids uuid[];
  authors uuid[];
  places bigint[];
  readable recsys_engine.post_row[];
  sizes integer[];
  kept integer[];
  common json;
  own recsys_engine.post_row[];
  ranks json;
  lists json;
  sample uuid[];
  readable_share double precision;
  ranked recsys_engine.ranked_post[];
begin
  -- what they did, as they may see it
  perform set_config('role', p_role, true);
  request := recsys_engine.with_followee_engagements(recsys_engine.with_affinities(coalesce(p_request, recsys_engine.with_engaged_posts(recsys_engine.feed_request(p_user_id, p_now, p_filter, p_seed, p_served), p_model_id))));
  perform set_config('role', 'service_role', true);
  request := recsys_engine.with_covisited(request, p_model_id);
  perform set_config('role', p_role, true);
  if p_requested is not null then
    request := recsys_engine.with_requested_posts(request, p_requested);
  elsif p_global is null or p_has_small_readable_set then
    if p_global is null and request.filter is null then
      -- as what everybody comes to: the caller's own role knows only those that they may read
      perform set_config('role', 'service_role', true);
      sample := array(select latest_post_stats.post_id from recsys_engine.latest_post_stats order by latest_post_stats.last_active_at desc limit 200);
      perform set_config('role', p_role, true);
      select count(*) / greatest(cardinality(sample), 1)::double precision into readable_share from recsys.source_posts where source_posts.post_id = any (sample);
    end if;
    request := recsys_engine.with_prefiltered_pool(request, p_model_id, p_embedding, p_has_small_readable_set is distinct from false, readable_share);
  end if;
  follows := to_json(request.follows);
  select json_object_agg(known.author_id, known.affinity) into affinities from unnest(request.authors, request.affinities) as known (author_id, affinity);
  if p_global is null or request.pool is not null then
    -- among what they may read; else each source would ask the app's policies of every post that it goes past
    if request.readable is not null then
      perform set_config('role', 'service_role', true);
    end if;
    ranked := recsys_engine.ranked_posts(request, p_model_id, p_embedding);
    perform set_config('role', p_role, true);
    if p_requested is not null then
      -- all are wanted, also those that no source would bring
      ranked := ranked || array(
        select row(pooled.post_id, '{}')::recsys_engine.ranked_post
        from unnest(request.pool) as pooled
        where pooled.post_id not in (select each.post_id from unnest(ranked) as each)
      );
    end if;
    select array_agg(row(found.post_id, found.title, found.tags, found.author_id, found.created_at)::recsys_engine.post_row), json_agg(found.ranks)
    into own, ranks
    from recsys_engine.hydrate_ranked_posts(request, ranked) as found;
  else
    -- what might be theirs: policies that would ask of each vector whether its post is readable took as long as finding it
    perform set_config('role', 'service_role', true);
    select array_agg(each.source), array_agg(each.size), array_agg(each.fetch_limit), array_agg(each.post_id), array_agg(each.author_id), array_agg(each.place)
    into sources, sizes, kept, found_ids, authors, places
    from (
      select * from recsys_engine.personal_sources(request, p_model_id, p_embedding, 'kept', p_hits)
      union all
      select * from recsys_engine.sources_from_hits(request, p_hits)
      union all
      -- written since the global candidates were read
      select 'since', most.size, most.fetch_limit, newest.post_id, newest.author_id, null, newest.place
      from (select max(sources.size) as size, max(sources.fetch_limit) as fetch_limit, min(sources.max_per_author) as share from recsys_engine.sources where sources.prepends_new_posts) as most
      cross join lateral (
        select numbered.post_id, numbered.author_id, row_number() over (order by numbered.created_at desc, numbered.post_id) as place
        from (
          select posts.*, row_number() over (partition by posts.author_id order by posts.created_at desc, posts.post_id) as number
          from recsys_engine.newest_posts_since(request, 20 * most.fetch_limit, p_global_at + interval '1 microsecond') as posts
        ) as numbered
        -- posts beyond the cap of an author wait until the global candidates are read again
        where numbered.author_id is null or numbered.number <= most.share
        order by numbered.created_at desc, numbered.post_id
        limit most.fetch_limit
      ) as newest
    ) as each;

    -- what of it is, all in one question: with each mention of the posts an app's policies call their functions again
    perform set_config('role', p_role, true);
    readable := array(
      select case
        when posts.is_told then row(posts.post_id, posts.title, posts.tags, posts.author_id, posts.created_at)::recsys_engine.post_row
        else row(posts.post_id, null, null, posts.author_id, posts.created_at)::recsys_engine.post_row
      end
      from (
        -- common posts have theirs already, unless the caller reads them in another form
        select eligible.*,
          eligible.post_id in (select unnest(found_ids))
          or (p_global_texts is not null and (eligible.post_id, recsys_engine.text_key(eligible.title, eligible.tags, eligible.author_id)) not in (select unnest(p_global), unnest(p_global_texts))) as is_told
        from recsys_engine.eligible_posts(request) as eligible
        -- by one scan of the index: for 860 posts it reads 1,840 pages, and looking up each read 3,440
        where eligible.post_id = any (p_global || found_ids)
      ) as posts
    );
    own := array(select row(shown.*)::recsys_engine.post_row from unnest(readable) as shown where shown.title is not null);
    select
      (
        select json_build_object('place', json_agg(common.place - 1), 'served_key', json_agg(recsys_engine.served_key(common.post_id, p_seed)))
        from unnest(p_global) with ordinality as common (post_id, place)
        where common.post_id in (select shown.post_id from unnest(readable) as shown)
      ),
      (
        select coalesce(json_agg(json_build_object('source', each.source, 'size', each.size, 'posts', each.posts, 'authors', each.authors)), '[]')
        from (
          select found.source, min(found.size) as size, json_agg(shown.place - 1 order by found.place) as posts,
            -- there may be more of it: whose posts fill it says whether these are needed
            case when count(*) = min(found.kept) then json_agg(found.author_id order by found.place) end as authors
          from unnest(sources, sizes, kept, found_ids, authors, places) as found (source, size, kept, post_id, author_id, place)
          left join unnest(own) with ordinality as shown (post_id, title, tags, author_id, created_at, place) on shown.post_id = found.post_id
          group by found.source
        ) as each
      )
    into common, lists;
  end if;
  select
    json_object_agg(touched.post_id, touched.people),
    json_object_agg(touched.post_id, array_remove(array[touched.toucher, touched.other], null)) filter (where touched.toucher is not null)
  into touches, touchers
  from unnest(request.touched, request.touches, request.touchers, request.other_touchers) as touched (post_id, people, toucher, other)
  where touched.post_id in (select shown.post_id from unnest(coalesce(readable, own)) as shown);

  perform set_config('role', 'service_role', true);
  return json_build_object(
    'model_gone', p_model_id is not null and to_regclass('recsys_engine.post_embeddings_' || p_model_id) is null,
    'is_few', request.filter is null and request.pool is not null and p_requested is null,
    'affinities', affinities,
    'follows', follows,
    'topics', request.topics,
    'more', request.more,
    'less', request.less,
    'dismissed', request.dismissed,
    'originals', case when request.originals is not null and p_requested is null then json_build_object('post_ids', request.originals, 'titles', request.original_titles) end,
    'touches', touches,
    'touchers', touchers,
    'muted_authors', request.muted_authors,
    'in_circle', request.interacted is not null and exists (select from recsys_engine.circle_members where circle_members.user_id = p_user_id),
    'common', common,
    'posts', recsys_engine.post_columns(own),
    'ranks', ranks,
    'lists', lists,
    'served_keys', array(select recsys_engine.served_key(each.post_id, p_seed) from unnest(own) as each)
  );
end
$$;
comment on function recsys_engine.feed_candidates(text, uuid, bigint, extensions.vector, timestamptz, jsonb, bigint, bigint[], uuid[], timestamptz, boolean, uuid[], recsys_engine.feed_request, json, integer[]) is 'Retrieves the candidates of one feed under the caller''s role, as one JSON object. Arguments and fields: docs/design/feed.md.';

revoke all on function
  recsys_engine.text_key(text, text[], uuid), recsys_engine.post_columns(recsys_engine.post_row[]), recsys_engine.ranked_posts(recsys_engine.feed_request, bigint, extensions.vector), recsys_engine.hydrate_ranked_posts(recsys_engine.feed_request, recsys_engine.ranked_post[]), recsys_engine.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb), recsys_engine.post_snapshots(bigint, uuid[], timestamptz), recsys_engine.readable_by_strangers(uuid[]), recsys_engine.global_candidates(timestamptz),
  recsys_engine.feed_candidates(text, uuid, bigint, extensions.vector, timestamptz, jsonb, bigint, bigint[], uuid[], timestamptz, boolean, uuid[], recsys_engine.feed_request, json, integer[])
from public;
grant execute on function recsys_engine.text_key(text, text[], uuid), recsys_engine.ranked_posts(recsys_engine.feed_request, bigint, extensions.vector), recsys_engine.hydrate_ranked_posts(recsys_engine.feed_request, recsys_engine.ranked_post[]), recsys_engine.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb) to authenticated, service_role;
grant execute on function
  recsys_engine.post_columns(recsys_engine.post_row[]), recsys_engine.post_snapshots(bigint, uuid[], timestamptz), recsys_engine.readable_by_strangers(uuid[]), recsys_engine.global_candidates(timestamptz),
  recsys_engine.feed_candidates(text, uuid, bigint, extensions.vector, timestamptz, jsonb, bigint, bigint[], uuid[], timestamptz, boolean, uuid[], recsys_engine.feed_request, json, integer[])
to service_role;
