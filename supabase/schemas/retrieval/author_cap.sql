-- Caps the posts per author in a source's results: a tenth of its size each. Posts beyond the cap fill the places that are left.

create type recsys_engine.source_hit as (post_id uuid, author_id uuid);
comment on type recsys_engine.source_hit is 'A post that a source found, with its author (null: unknown).';

create function recsys_engine.has_enough_after_cap(p_request recsys_engine.feed_request, p_hits recsys_engine.source_hit[], p_looked integer, p_limit integer, p_share integer) returns boolean
language sql immutable security invoker
begin atomic
  -- a filter by authors gets all of theirs; an unknown author is no author
  select p_limit is null or cardinality(p_hits) < p_looked or (p_request.filter).author_ids is not null
    or (
      select sum(greatest(least(each.number, p_share), each.unknown)) >= p_limit
      from (
        select count(*) as number, count(*) filter (where found.author_id is null) as unknown from unnest(p_hits) as found group by found.author_id
      ) as each
    );
end;
comment on function recsys_engine.has_enough_after_cap(recsys_engine.feed_request, recsys_engine.source_hit[], integer, integer, integer) is 'Whether the first p_looked posts of a source hold p_limit within the cap per author, or the source has no more.';

create function recsys_engine.cap_per_author(p_request recsys_engine.feed_request, p_hits recsys_engine.source_hit[], p_limit integer, p_share integer)
returns table (post_id uuid, author_id uuid, rank bigint, place bigint)
language sql immutable security invoker
begin atomic
  select shared.post_id, shared.author_id, row_number() over (order by shared.is_beyond, shared.place), shared.place
  from (
    select found.post_id, found.author_id, found.place,
      found.author_id is not null and (p_request.filter).author_ids is null
        and row_number() over (partition by found.author_id order by found.place) > p_share as is_beyond
    from unnest(p_hits) with ordinality as found (post_id, author_id, place)
  ) as shared
  order by shared.is_beyond, shared.place
  limit p_limit;
end;
comment on function recsys_engine.cap_per_author(recsys_engine.feed_request, recsys_engine.source_hit[], integer, integer) is 'The first p_limit of some posts, with at most p_share per author before all others''; posts beyond that cap fill the rest. place: position among all of them.';
