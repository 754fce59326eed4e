-- The operator's promotions: a post at a fixed place, or posts that count for more or less. A feed asks here last,
-- for posts that its reader may see, did not mute or dismiss, and has not interacted with; it marks the posts that were
-- promoted (functions/_shared/plugins/promotions).

create table recsys.promotions (
  promotion_id bigint generated always as identity primary key,
  name text not null check (length(name) between 1 and 100 and name ~ '\S'),
  post_id uuid,
  filter jsonb check (filter <> '{}' and jsonb_typeof(filter) = 'object'),
  place smallint check (place between 1 and 100),
  factor real check (factor between 0.01::real and 100),
  people jsonb check (people <> '{}' and jsonb_typeof(people) = 'object'),
  starts_at timestamptz not null default recsys.clock(),
  ends_at timestamptz not null,
  per_person_and_day integer check (per_person_and_day between 1 and 1000),
  check (num_nonnulls(post_id, filter) = 1),
  check (num_nonnulls(place, factor) = 1),
  check (starts_at < ends_at)
);
comment on table recsys.promotions is 'Posts pinned or boosted by an operator. Row level security, mutes and dismissals still apply. Preview: recsys.preview_promotion. See docs/promotions.md.';
comment on column recsys.promotions.promotion_id is 'Its number. Of two that want one place the newer has it, and the older the next one; of two factors for a post that of the newer holds.';
comment on column recsys.promotions.name is 'What readers are told it is, such as Pinned by the editors: `promoted` of an item.';
comment on column recsys.promotions.post_id is 'The post; null: those of filter. A post that is deleted is shown no more.';
comment on column recsys.promotions.filter is 'Which posts, as of a request (recsys_engine.feed_filter): {"tags": ["sql"], "max_age_days": 7}. With a place, which needs author_ids, the one of them that the reader wants most; null: that of post_id.';
comment on column recsys.promotions.place is 'The place in the feed, from 1; null: what factor says. A feed with fewer posts has it at its end.';
comment on column recsys.promotions.factor is 'What the score is multiplied by, from 0.01 to 100; null: it has a place.';
comment on column recsys.promotions.people is 'For whom: {"user_ids": [...], "passions": ["chess"], "signed_up_days": 7} are those who are one of these, care about one of these (capital or small letters are the same) and signed up within so many days, each part only where it is said; null: for everybody, visitors too.';
comment on column recsys.promotions.starts_at is 'From when on, by recsys.clock().';
comment on column recsys.promotions.ends_at is 'Until when.';
comment on column recsys.promotions.per_person_and_day is
  'The limit of a person''s pages with it within 24 hours; pages that come faster than they are logged may exceed it. Visitors, who are not logged, then see none. Null: no limit.';
create index promotions_ends_at_idx on recsys.promotions (ends_at);
-- a deleted post takes its promotions along
create index promotions_post_id_idx on recsys.promotions (post_id);
alter table recsys.promotions enable row level security;
grant select, insert, update, delete on recsys.promotions to service_role;

create function recsys_engine.is_list(p_value jsonb, p_entry text, p_least integer, p_limit integer) returns boolean
language sql immutable security invoker set search_path = ''
return case
  when jsonb_typeof(p_value) is distinct from 'array' then false
  when jsonb_array_length(p_value) not between p_least and p_limit then false
  else (select coalesce(bool_and(jsonb_typeof(entry) = 'string' and entry #>> '{}' ~ p_entry), true) from jsonb_array_elements(p_value) as entry)
end;
comment on function recsys_engine.is_list(jsonb, text, integer, integer) is 'Whether a value is a list of p_least texts or more, p_limit at most, each of which the regular expression p_entry finds.';

create function recsys_engine.is_days(p_value jsonb) returns boolean
language sql immutable security invoker set search_path = ''
-- a hundred years: more is no interval that can be taken off any time
-- 7.0 is none: what reads it takes the text for an integer
return case when jsonb_typeof(p_value) is distinct from 'number' or p_value::text !~ '^[1-9][0-9]{0,4}$' then false else p_value::text::integer <= 36500 end;
comment on function recsys_engine.is_days(jsonb) is 'Whether a value is a whole number of days, from 1 to 36500.';

create function recsys_engine.may_pin(p_place smallint, p_filter jsonb) returns boolean
language sql immutable security invoker set search_path = ''
return p_place is null or p_filter is null or p_filter ? 'author_ids';
comment on function recsys_engine.may_pin(smallint, jsonb) is
  'Whether a promotion with a place names its posts or authors: any author may give their post a tag, language or date.';

create function recsys_engine.check_promotion() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  uuid constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
begin
  -- refused when it is written: one that cannot be read later would take all others from feeds. Who is erased may leave a list of ids empty
  if new.filter - array['tags', 'author_ids', 'max_age_days', 'languages'] <> '{}'
    or (new.filter ? 'tags' and not recsys_engine.is_list(new.filter -> 'tags', '^.{1,100}$', 1, 50))
    or (new.filter ? 'author_ids' and not recsys_engine.is_list(new.filter -> 'author_ids', uuid, 0, 50))
    or (new.filter ? 'languages' and not recsys_engine.is_list(new.filter -> 'languages', '^[a-z]{2,3}(-[a-z0-9]{2,8})*$', 1, 50))
    or (new.filter ? 'max_age_days' and not recsys_engine.is_days(new.filter -> 'max_age_days')) then
    raise exception 'filter has tags (texts of 1 to 100 characters), author_ids (uuids) and languages (such as en), 50 at most, and max_age_days (from 1 to 36500), not %', left(new.filter::text, 200)
      using errcode = '22023';
  end if;
  if new.people - array['user_ids', 'passions', 'signed_up_days'] <> '{}'
    or (new.people ? 'user_ids' and not recsys_engine.is_list(new.people -> 'user_ids', uuid, 0, 10000))
    or (new.people ? 'passions' and not recsys_engine.is_list(new.people -> 'passions', '^.{1,100}$', 1, 50))
    or (new.people ? 'signed_up_days' and not recsys_engine.is_days(new.people -> 'signed_up_days')) then
    raise exception 'people has user_ids (10000 uuids at most), passions (1 to 50 texts of 1 to 100 characters) and signed_up_days (a whole number from 1 to 36500), not %', left(new.people::text, 200)
      using errcode = '22023';
  end if;
  -- one of 1.0.0 may still be ended, and pins nothing
  if not recsys_engine.may_pin(new.place, new.filter) and (tg_op = 'INSERT' or (new.place, new.filter) is distinct from (old.place, old.filter)) then
    raise exception 'a place needs post_id, or author_ids in its filter, or whoever gives a post that tag has the place: name one of these, or give factor instead of place'
      using errcode = '22023';
  end if;
  return new;
end
$$;
comment on function recsys_engine.check_promotion() is 'Refuses a promotion whose filter or people say nothing, or what no feed can read.';

create function recsys_engine.is_promoted_to(p_people jsonb, p_user_id uuid, p_passions text[], p_created_at timestamptz) returns boolean
language sql stable security invoker set search_path = ''
return (p_people is null or (
  (not p_people ? 'user_ids' or coalesce(p_user_id = any (array(select jsonb_array_elements_text(p_people -> 'user_ids'))::uuid[]), false))
  and (not p_people ? 'passions' or lower(p_passions::text)::text[] && lower(array(select jsonb_array_elements_text(p_people -> 'passions'))::text)::text[])
  and (not p_people ? 'signed_up_days' or coalesce(p_created_at > recsys.clock() - make_interval(days => (p_people ->> 'signed_up_days')::integer), false))
  and p_user_id is not null
)) is true;
comment on function recsys_engine.is_promoted_to(jsonb, uuid, text[], timestamptz) is 'Whether a person with these passions who signed up then is among those whom recsys.promotions.people means. p_user_id null: a visitor.';

create trigger promotions_are_checked before insert or update on recsys.promotions for each row execute function recsys_engine.check_promotion();

create function recsys_engine.group_of(p_group_by text, p_language text, p_tags text[]) returns text
language sql immutable security invoker set search_path = ''
return case
  when p_group_by = 'language' then p_language
  else (select min(lower(tag)) from unnest(p_tags) as tag where starts_with(lower(tag), p_group_by))
end;
comment on function recsys_engine.group_of(text, text, text[]) is 'To which group a post belongs (recsys.settings.group_by): its language, or the first by the alphabet of its tags that begin so, in small letters; null: none.';

create function recsys_engine.small_group_posts(p_group_by text, p_now timestamptz default recsys.clock()) returns uuid[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    with written as materialized (
      select posts.post_id, posts.created_at, coalesce(posts.author_id, posts.post_id) as author_id, recsys_engine.group_of(p_group_by, posts.language, posts.tags) as name
      from recsys.source_posts as posts
      where posts.created_at <= p_now and posts.created_at > p_now - interval '28 days'
    ),
    -- a person counts once, whatever they wrote: 60 posts of an hour's account made 60 groups, and had a quarter of each page
    groups as (
      select each.name, sum(each.people) over (order by each.people, each.name) as so_far, sum(each.people) over () as total
      from (
        select parts.name, sum(parts.part) as people
        from (
          select written.name, count(*) / sum(count(*)) over (partition by written.author_id) as part
          from written where written.name is not null group by written.name, written.author_id
        ) as parts
        group by parts.name
      ) as each
    ),
    small as (
      select written.*, row_number() over (partition by written.name, written.author_id order by written.created_at desc, written.post_id) as number
      from written
      join groups using (name)
      where groups.so_far <= groups.total / 10
    ),
    turns as (
      select small.post_id, small.created_at, small.name, row_number() over (partition by small.author_id order by small.number, small.created_at desc, small.post_id) as turn
      from small
    )
    select numbered.post_id
    from (
      select turns.*, row_number() over (partition by turns.name order by turns.turn, turns.created_at desc, turns.post_id) as number from turns
    ) as numbered
    where numbered.number <= 20
    -- each author's first before any second one, and of these the first of each group
    order by numbered.turn, numbered.number, numbered.created_at desc, numbered.post_id
    limit 200
  );
end
$$;
comment on function recsys_engine.small_group_posts(text, timestamptz) is
  'The newest posts of small groups (recsys.settings.group_by), whose authors are together at most a tenth of those of the last 28 days: 20 of each and 200 at most. Each author''s first comes before any second one. A worker asks once a minute.';

create function recsys_engine.promoted_posts(
  p_role text, p_user_id uuid, p_now timestamptz, p_candidates uuid[], p_filter jsonb default null, p_seed bigint default null, p_served bigint[] default null,
  p_small_groups uuid[] default '{}', p_floor integer default 0
) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  -- null: a visitor, or a user who wants no personalisation
  reader uuid;
  person recsys.source_users;
  promotions recsys.promotions[];
  promotion recsys.promotions;
  request recsys_engine.feed_request;
  narrowed recsys_engine.feed_request;
  follows uuid[];
  known uuid[] := '{}'::uuid[];
  seen uuid[] := '{}'::uuid[];
  wanted uuid[];
  posts recsys_engine.post_row[] := '{}'::recsys_engine.post_row[];
  found json[] := '{}'::json[];
begin
  if p_user_id is not null and recsys_engine.feed_preference(p_user_id) <> 'impersonal' then
    reader := p_user_id;
  end if;
  select * into person from recsys.source_users where source_users.user_id = reader;
  promotions := array(
    select promotions
    from recsys.promotions
    where promotions.starts_at <= p_now and promotions.ends_at > p_now and recsys_engine.may_pin(promotions.place, promotions.filter)
      and recsys_engine.is_promoted_to(promotions.people, person.user_id, person.passions, person.created_at)
      -- visitors are not logged, nor are users who saw more today than is kept
      and (promotions.per_person_and_day is null or (reader is not null and promotions.per_person_and_day > (
        select count(distinct impressions.request_id) from recsys.impressions
        where impressions.user_id = reader and impressions.shown_at > p_now - interval '24 hours' and impressions.promotion_id = promotions.promotion_id
      ) and not exists (
        select from recsys_engine.user_days cross join recsys.settings
        where user_days.user_id = reader and user_days.day = (now() at time zone 'utc')::date and user_days.impressions >= settings.impressions_per_day
      )))
    order by promotions.promotion_id desc
    limit 50
  );

  if promotions <> '{}' or p_small_groups <> '{}' then
    request.at := p_now;
    -- withheld posts are for these
    request.follows := case when reader is not null then recsys_engine.followed_people(reader, p_now) end;
    perform set_config('role', p_role, true);
    follows := request.follows;
    request := recsys_engine.mutes_only_request(p_user_id, p_now);
    request.follows := follows;
    request.user_id := p_user_id;
    request.seed := p_seed;
    request.served := p_served;
    if reader is not null then
      known := array_remove(array(
        (
          select source_interactions.post_id from recsys.source_interactions
          where source_interactions.user_id = reader and source_interactions.created_at <= p_now
          order by source_interactions.created_at desc, source_interactions.interaction_id desc
          limit 2000
        )
        union
        select unnest(user_affinities.post_ids) from recsys_engine.user_affinities where user_affinities.user_id = reader
        union
        (
          select source_dismissals.post_id from recsys.source_dismissals
          where source_dismissals.user_id = reader and source_dismissals.created_at <= p_now
          order by source_dismissals.created_at desc
          limit 5000
        )
      ), null);
      seen := recsys_engine.seen_posts(reader, p_now);
    end if;
    foreach promotion in array promotions loop
      -- who pins a post for a day means it to stay when it was seen
      request.excluded := case when promotion.place is null then known || seen else known end;
      wanted := array[promotion.post_id];
      if promotion.filter is not null then
        narrowed := recsys_engine.with_filter(request, promotion.filter);
        wanted := array(
          select newest.post_id from unnest(recsys_engine.newest_filtered_posts(narrowed, 20)) as newest
          union
          select eligible.post_id from recsys_engine.eligible_posts(narrowed) as eligible where eligible.post_id = any (p_candidates)
        );
        -- a new account can use any tag, so a newcomer's post is promoted only by its id or its author
        if not promotion.filter ? 'author_ids' then
          wanted := array(select each.post_id from unnest(wanted) as each (post_id) where each.post_id <> all (recsys_engine.posts_of_newcomers(wanted)));
        end if;
      end if;
      -- what the reader asked of each post holds of these, too
      narrowed := recsys_engine.with_filter(request, p_filter);
      with shown as materialized (
        select eligible.* from unnest(wanted) as one (post_id)
        cross join lateral (select * from recsys_engine.eligible_posts(narrowed) as each where each.post_id = one.post_id offset 0) as eligible
      )
      select
        array_agg(shown.post_id),
        posts || array_agg(row(shown.*)::recsys_engine.post_row) filter (where shown.post_id <> all (p_candidates) and shown.post_id not in (select each.post_id from unnest(posts) as each))
      into wanted, posts
      from shown;
      if wanted is not null then
        found := found || json_build_object('promotion_id', promotion.promotion_id, 'name', promotion.name, 'place', promotion.place, 'factor', promotion.factor, 'post_ids', wanted);
      end if;
    end loop;
    request.excluded := known || seen;
    narrowed := recsys_engine.with_filter(request, p_filter);
    posts := posts || array(
      select row(eligible.*)::recsys_engine.post_row from unnest(p_small_groups) with ordinality as one (post_id, place)
      cross join lateral (select * from recsys_engine.eligible_posts(narrowed) as each where each.post_id = one.post_id offset 0) as eligible
      where one.post_id <> all (p_candidates) and one.post_id not in (select each.post_id from unnest(posts) as each)
        and one.post_id <> all (recsys_engine.posts_of_newcomers(p_small_groups))
      order by one.place
      limit p_floor
    );
    perform set_config('role', 'service_role', true);
  end if;
  return json_build_object(
    'promotions', array_to_json(found),
    'posts', recsys_engine.post_columns(posts),
    'served_keys', array(select recsys_engine.served_key(each.post_id, p_seed) from unnest(posts) as each)
  );
end
$$;
comment on function recsys_engine.promoted_posts(text, uuid, timestamptz, uuid[], jsonb, bigint, bigint[], uuid[], integer) is
  'The promotions for a user (p_user_id null: a visitor), newest first, with the posts that they may be shown, and details of those not in p_candidates; and the first p_floor readable posts of p_small_groups (recsys_engine.small_group_posts). Called by the service; p_role decides on visibility.';

revoke all on function recsys_engine.may_pin(smallint, jsonb), recsys_engine.is_list(jsonb, text, integer, integer), recsys_engine.is_days(jsonb), recsys_engine.group_of(text, text, text[]), recsys_engine.is_promoted_to(jsonb, uuid, text[], timestamptz), recsys_engine.check_promotion(), recsys_engine.promoted_posts(text, uuid, timestamptz, uuid[], jsonb, bigint, bigint[], uuid[], integer), recsys_engine.small_group_posts(text, timestamptz) from public;
grant execute on function recsys_engine.may_pin(smallint, jsonb), recsys_engine.is_list(jsonb, text, integer, integer), recsys_engine.is_days(jsonb), recsys_engine.group_of(text, text, text[]), recsys_engine.is_promoted_to(jsonb, uuid, text[], timestamptz), recsys_engine.check_promotion(), recsys_engine.promoted_posts(text, uuid, timestamptz, uuid[], jsonb, bigint, bigint[], uuid[], integer), recsys_engine.small_group_posts(text, timestamptz) to service_role;
