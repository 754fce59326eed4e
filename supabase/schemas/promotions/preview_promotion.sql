-- What a promotion would change: the pages of the last day, had it been there.

create function recsys.preview_promotion(p_promotion_id bigint) returns table (figure text, value double precision, count bigint)
-- volatile: it asks under the roles of others
language plpgsql volatile security invoker set search_path = ''
as $$
#variable_conflict use_column
declare
  promotion recsys.promotions;
  day_ago constant timestamptz := recsys.clock() - interval '24 hours';
  request recsys_engine.feed_request;
  post_ids uuid[];
  people uuid[];
  -- looked up once: each of 100,000 people read a list of as many
  named uuid[];
  readers bigint;
begin
  select * into promotion from recsys.promotions where promotions.promotion_id = p_promotion_id;
  if promotion.promotion_id is null then
    raise exception 'there is no promotion %', coalesce(p_promotion_id::text, 'null') using errcode = 'P0002', hint = 'select promotion_id, name from recsys.promotions';
  end if;
  request.at := recsys.clock();
  request.excluded := '{}';
  request := recsys_engine.with_filter(request, promotion.filter);
  post_ids := case when not recsys_engine.may_pin(promotion.place, promotion.filter) then '{}' when promotion.filter is null then array[promotion.post_id]
    else array(select newest.post_id from unnest(recsys_engine.newest_filtered_posts(request, 100)) as newest) end;
  named := array(select jsonb_array_elements_text(promotion.people -> 'user_ids')::uuid);
  people := array(
    select came.user_id
    from (select distinct impressions.user_id from recsys.impressions where impressions.shown_at > day_ago and impressions.mode = 'live') as came
    join recsys.source_users as users on users.user_id = came.user_id
    -- a feed of follows has no promotions
    where (promotion.people -> 'user_ids' is null or users.user_id = any (named)) and recsys_engine.feed_preference(users.user_id) <> 'following' and recsys_engine.is_promoted_to(promotion.people - 'user_ids', users.user_id, users.passions, users.created_at)
  );
  select count(*) into readers
  from recsys_engine.readable_posts(array(select one from unnest(people) as one order by md5(one::text) limit 200), post_ids) as reader
  cross join lateral (select recsys_engine.feed_preference(reader.user_id) = 'impersonal' as is_impersonal) as kind
  where exists (
    select from recsys.source_posts as posts
    where posts.post_id = any (reader.post_ids) and (posts.author_id = reader.user_id) is not true
      and (kind.is_impersonal or (
        not exists (select from recsys.source_dismissals as dismissals where dismissals.user_id = reader.user_id and dismissals.post_id = posts.post_id)
        and not exists (select from recsys.source_interactions as acts where acts.user_id = reader.user_id and acts.post_id = posts.post_id)
      ))
      and not exists (
        select from recsys.source_mutes as mutes
        where mutes.user_id = reader.user_id and recsys_engine.matches_mute(mutes.kind, mutes.value, posts.author_id, posts.title, posts.tags, posts.description)
      )
      and (
        not exists (select from recsys.source_withheld as withheld where withheld.post_id = posts.post_id or withheld.author_id = posts.author_id)
        or not kind.is_impersonal and exists (
          select from recsys.source_follows as follows
          where follows.user_id = reader.user_id and follows.kind = 'person' and follows.target = posts.author_id::text
        )
      )
  );
  return query
  with pages as materialized (
    select impressions.request_id, impressions.post_id, impressions.position, impressions.score,
      -- what was promoted, by this one or another, is not what pages had anyway
      impressions.post_id = any (post_ids) and impressions.promotion_id is null as is_promoted
    from recsys.impressions
    where impressions.user_id = any (people) and impressions.shown_at > day_ago and impressions.mode = 'live'
      and impressions.request_id in (
        select first.request_id from recsys.impressions as first
        where first.user_id = any (people) and first.shown_at > day_ago and first.position = 1 and first.mode = 'live'
      )
  ),
  had as (
    select pages.*,
      case when promotion.place is not null then promotion.place
        else 1 + (select count(*) from pages as others where others.request_id = pages.request_id and others.post_id <> pages.post_id
          and others.score * case when others.is_promoted then promotion.factor else 1 end > pages.score * promotion.factor)
      end as place_then
    from pages where pages.is_promoted
  )
  select figures.figure, figures.value, figures.count
  from (
    select 0, 'it pins nothing: a place needs post_id, or author_ids in its filter', null, null where not recsys_engine.may_pin(promotion.place, promotion.filter)
    union all select 1, 'posts', cardinality(post_ids)::double precision, cardinality(post_ids)::bigint
    union all select 2, 'people of the last day whom it is for', cardinality(people), cardinality(people)
    union all select 3, 'of them who may be shown it', readers::double precision / nullif(least(200, cardinality(people)), 0), least(200, cardinality(people))
    union all select 4, 'first pages that had it', count(distinct had.request_id)::double precision / nullif((select count(distinct pages.request_id) from pages), 0), (select count(distinct pages.request_id) from pages) from had
    union all select 5, 'its place on these', avg(had.position), count(*) from had
    union all select 6, 'its place then', case when promotion.place is null then avg(had.place_then) else promotion.place end, count(*) from had
  ) as figures (number, figure, value, count)
  order by figures.number;
end
$$;
comment on function recsys.preview_promotion(bigint) is
  'What a promotion would change, one figure a row, by the last 24 hours: its posts (100 at most) and people, people who may be shown it (of 200), first pages that had it anyway, and its places before and after, with a factor by that page''s scores. Says where a place has no post or author.';

create function recsys_engine.check_promotions() returns table (stops boolean, problem text, cure text)
language sql stable security invoker set search_path = ''
begin atomic
  select false, format('recsys.promotions: promotion %s has place %s for posts that anybody may write, and pins nothing', promotions.promotion_id, promotions.place),
    format('update recsys.promotions set place = null, factor = 2 where promotion_id = %1$s; or keep the place for posts of some authors: set filter = filter || ''{"author_ids": ["ID"]}''', promotions.promotion_id)
  from recsys.promotions
  where promotions.ends_at > recsys.clock() and not recsys_engine.may_pin(promotions.place, promotions.filter)
  order by promotions.promotion_id
  limit 10;
end;
comment on function recsys_engine.check_promotions() is 'A part of recsys.check(): promotions of a place that pin nothing, as 1.0.0 let in.';

revoke all on function recsys_engine.check_promotions(), recsys.preview_promotion(bigint) from public;
grant execute on function recsys_engine.check_promotions() to service_role;
grant execute on function recsys.preview_promotion(bigint) to service_role;
