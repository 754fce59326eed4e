-- The known readers of each author. A page limits what it shows of authors with few of them (functions/_shared/recommend/selection/penalties.ts).
-- Their posts stay candidates. A person is known a day after their first interaction.

create function recsys_engine.day_of(p_at timestamptz) returns date
language sql immutable security invoker
return (p_at at time zone 'utc')::date;
comment on function recsys_engine.day_of(timestamptz) is 'The day (UTC) of an instant.';

create table recsys_engine.author_readers (
  user_id uuid primary key,
  user_ids uuid[] not null
);
comment on table recsys_engine.author_readers is 'The first three known people who interacted with posts of an author. An author with three is proven. Only recsys_engine.keep_author_readers writes it.';
comment on column recsys_engine.author_readers.user_id is 'The author.';
comment on column recsys_engine.author_readers.user_ids is 'The readers. Each had interacted with some post at least a day earlier.';
-- a deleted user is removed from these lists
create index author_readers_user_ids_idx on recsys_engine.author_readers using gin (user_ids);

create table recsys_engine.usual_newcomers (
  only_row boolean primary key default true check (only_row),
  share double precision not null check (share between 0 and 1),
  counted_at timestamptz not null
);
comment on table recsys_engine.usual_newcomers is 'The share of a page that posts of newcomers may take. Only recsys_engine.count_usual_newcomers writes it.';
comment on column recsys_engine.usual_newcomers.only_row is 'Always true, so that there is one row.';
comment on column recsys_engine.usual_newcomers.share is 'The share, from 0 to 1. It is twice the share of newcomers among the authors of posts from 7 to 35 days ago.';
comment on column recsys_engine.usual_newcomers.counted_at is 'When the share was counted, by recsys.clock().';

alter table recsys_engine.author_readers enable row level security;
alter table recsys_engine.usual_newcomers enable row level security;
grant select, insert, update, delete on recsys_engine.author_readers, recsys_engine.usual_newcomers to service_role;

create function recsys_engine.is_newcomer(p_signed_up timestamptz, p_at timestamptz) returns boolean
language sql immutable security invoker
return coalesce(p_signed_up > p_at - interval '1 day', false);
comment on function recsys_engine.is_newcomer(timestamptz, timestamptz) is 'Whether a user is a newcomer at p_at: they signed up (p_signed_up) less than a day earlier. False where p_signed_up is null.';

create function recsys_engine.is_newcomers_post(p_signed_up timestamptz, p_written_at timestamptz, p_at timestamptz) returns boolean
language sql immutable security invoker
return recsys_engine.is_newcomer(p_signed_up, p_written_at) and p_written_at > p_at - interval '7 days';
comment on function recsys_engine.is_newcomers_post(timestamptz, timestamptz, timestamptz) is 'Whether a post counts as a newcomer''s at p_at: its author wrote it within a day of signing up, and it is less than seven days old.';

create function recsys_engine.standing(p_readers integer, p_is_newcomers boolean) returns text
language sql immutable security invoker
return (array['newcomer', 'unproven', 'unproven'])[1 + coalesce(p_readers, 1 - p_is_newcomers::integer)];
comment on function recsys_engine.standing(integer, boolean) is 'How a page limits a post. newcomer: its author has no known reader (p_readers null) and recsys_engine.is_newcomers_post holds. unproven: its author has fewer than three known readers. Null: no limit.';

create function recsys_engine.keep_author_readers(p_post_ids uuid[]) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  written bigint;
  met_first uuid[];
begin
  with authors as materialized (
    select posts.author_id as user_id, array_agg(posts.post_id) as post_ids, coalesce(known.user_ids, '{}') as user_ids
    from recsys.source_posts as posts
    left join recsys_engine.author_readers as known on known.user_id = posts.author_id
    where posts.post_id = any (p_post_ids) and posts.author_id is not null and cardinality(known.user_ids) is distinct from 3
    group by posts.author_id, known.user_ids
  ),
  met as (
    select authors.user_id, authors.user_ids || array(
      -- the limit stops at the third known reader, so began() runs for few
      select came.user_id
      from (
        select acts.user_id, min(acts.created_at) as at
        from unnest(authors.post_ids) as one (post_id)
        cross join lateral (
          select source_interactions.user_id, source_interactions.created_at
          from recsys.source_interactions where source_interactions.post_id = one.post_id
          order by source_interactions.created_at desc limit 50
        ) as acts
        where acts.user_id <> authors.user_id and acts.user_id <> all (authors.user_ids)
        group by acts.user_id
        order by at
        offset 0
      ) as came
      where recsys_engine.first_interaction_at(came.user_id) <= came.at - interval '1 day'
      limit 3 - cardinality(authors.user_ids)
    ) as user_ids
    from authors
  ),
  kept as (
    insert into recsys_engine.author_readers as known (user_id, user_ids)
    select met.user_id, met.user_ids from met where met.user_ids <> '{}'
    on conflict (user_id) do update set user_ids = excluded.user_ids where known.user_ids <> excluded.user_ids
    returning known.user_id
  )
  select count(*), array_agg(kept.user_id) filter (where authors.user_ids = '{}') into written, met_first
  from kept join authors on authors.user_id = kept.user_id;
  if met_first is not null then
    perform recsys_engine.list_posts_of(met_first);
  end if;
  return written;
end
$$;
comment on function recsys_engine.keep_author_readers(uuid[]) is 'Adds known readers of some posts to recsys_engine.author_readers. It reads the latest 50 interactions of each post. The waiting posts of an author with a first known reader are listed (recsys_engine.list_posts_of). Returns the number of changed authors. Called by each roll-up.';

create function recsys_engine.count_usual_newcomers() returns void
language sql volatile security invoker set search_path = ''
as $$
  insert into recsys_engine.usual_newcomers as known (share, counted_at)
  select least(1, greatest(2.0 * written.newcomers / nullif(written.authors, 0), 0.5 / (written.authors + 1))), recsys.clock()
  from (
    select count(distinct posts.author_id) as authors,
      count(distinct posts.author_id) filter (where recsys_engine.is_newcomer(users.created_at, posts.created_at)) as newcomers
    from (
      select source_posts.author_id, source_posts.created_at from recsys.source_posts
      where source_posts.created_at > recsys.clock() - interval '35 days' and source_posts.created_at <= recsys.clock() - interval '7 days'
      order by source_posts.created_at desc
      limit 10000
    ) as posts
    join recsys.source_users as users on users.user_id = posts.author_id
  ) as written
  where not exists (
    select from recsys_engine.usual_newcomers where usual_newcomers.counted_at > recsys.clock() - interval '1 hour' and usual_newcomers.counted_at <= recsys.clock()
  )
  on conflict (only_row) do update set share = excluded.share, counted_at = excluded.counted_at;
$$;
comment on function recsys_engine.count_usual_newcomers() is 'Updates recsys_engine.usual_newcomers from the 10,000 newest posts of 7 to 35 days ago. If none of n authors was a newcomer, the share is 1 / (2n + 2), Jeffreys'' estimate. Called by each roll-up; it counts once an hour.';

create function recsys_engine.newcomer_share() returns double precision
-- every role that asks for a feed reads it
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((select usual_newcomers.share from recsys_engine.usual_newcomers), 1);
end
$$;
comment on function recsys_engine.newcomer_share() is 'The share of a page that posts of newcomers may take, from 0 to 1 (recsys_engine.usual_newcomers). It is 1 until a roll-up has counted it.';

create function recsys_engine.posts_of_newcomers(p_post_ids uuid[]) returns uuid[]
-- ordinary roles may not read when other people signed up
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select posts.post_id
    from recsys.source_posts as posts
    join recsys.source_users as users on users.user_id = posts.author_id
    where posts.post_id = any (p_post_ids)
      and recsys_engine.is_newcomers_post(users.created_at, posts.created_at, recsys.clock()) and recsys_engine.newcomer_share() < 1
      and not exists (select from recsys_engine.author_readers where author_readers.user_id = posts.author_id and author_readers.user_ids <> '{}')
  );
end
$$;
comment on function recsys_engine.posts_of_newcomers(uuid[]) is 'Filters some posts to those of newcomers (recsys_engine.is_newcomers_post) without a known reader (recsys_engine.author_readers). Returns none if recsys_engine.newcomer_share() is 1, since newcomers are usual then.';

revoke all on function recsys_engine.day_of(timestamptz), recsys_engine.is_newcomer(timestamptz, timestamptz), recsys_engine.is_newcomers_post(timestamptz, timestamptz, timestamptz), recsys_engine.standing(integer, boolean), recsys_engine.keep_author_readers(uuid[]), recsys_engine.count_usual_newcomers(), recsys_engine.newcomer_share(), recsys_engine.posts_of_newcomers(uuid[]) from public;
grant execute on function recsys_engine.newcomer_share(), recsys_engine.posts_of_newcomers(uuid[]) to authenticated;
grant execute on function recsys_engine.day_of(timestamptz), recsys_engine.is_newcomer(timestamptz, timestamptz), recsys_engine.is_newcomers_post(timestamptz, timestamptz, timestamptz), recsys_engine.standing(integer, boolean), recsys_engine.keep_author_readers(uuid[]), recsys_engine.count_usual_newcomers(), recsys_engine.newcomer_share(), recsys_engine.posts_of_newcomers(uuid[]) to service_role;
