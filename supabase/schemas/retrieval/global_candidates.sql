-- The posts that a worker caches for all readers.

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
comment on function recsys_engine.global_candidates(timestamptz) is
  'The posts of global sources for a user without history who may read all, and up to 1,000 more of a source where strangers may read too few: posts (recsys_engine.post_columns), texts, text_key, {source: place}, and closed_authors, whose posts are hidden from strangers. For the service alone.';

revoke all on function
  recsys_engine.readable_by_strangers(uuid[]),
  recsys_engine.global_candidates(timestamptz)
from public;
grant execute on function
  recsys_engine.readable_by_strangers(uuid[]),
  recsys_engine.global_candidates(timestamptz)
to service_role;
