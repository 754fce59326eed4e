-- A summary of a user's whole past for feeds, kept by the roll-up in a row a person, so that no feed reads more than
-- their latest actions: five accounts with 200,000 views of their own had 52 of 63 others refused, each of their
-- feeds reading all of these.

create table recsys_engine.user_affinities (
  user_id uuid not null,
  until timestamptz not null,
  acts integer not null,
  authors uuid[] not null,
  affinities integer[] not null,
  post_ids uuid[],
  primary key (user_id)
)
-- a roll-up rewrites a row in its page, where there is room, and leaves the index alone
with (fillfactor = 70);
comment on table recsys_engine.user_affinities is 'Authors whose posts a user interacted with, and how often, one row per user; users with few interactions have none. A feed adds later interactions (recsys_engine.with_affinities). Only recsys_engine.refresh_user_affinities writes it.';
comment on column recsys_engine.user_affinities.user_id is 'The person.';
comment on column recsys_engine.user_affinities.until is 'When the last interaction was that is counted.';
comment on column recsys_engine.user_affinities.acts is 'How many interactions are counted: the latest 10,000 at most.';
comment on column recsys_engine.user_affinities.authors is 'Authors of posts that they interacted with, without themselves, those of most interactions first: 1,000 at most.';
comment on column recsys_engine.user_affinities.affinities is 'How many interactions they had with the posts of each of these.';
comment on column recsys_engine.user_affinities.post_ids is 'The posts of others among these interactions, which stay out of their feed; null: so few interactions that a feed reads all of them itself.';
alter table recsys_engine.user_affinities enable row level security;
create policy "people read their own affinities" on recsys_engine.user_affinities for select to authenticated using (user_id = (select auth.uid()));
grant select on recsys_engine.user_affinities to authenticated;
grant select, insert, update, delete on recsys_engine.user_affinities to service_role;

create function recsys_engine.refresh_user_affinities(p_users uuid[], p_since timestamptz[]) returns bigint
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  instant constant timestamptz := recsys.clock();
  due uuid[];
  written bigint;
begin
  -- A feed counts a few itself: counting all of them here with each action would read a user's past hundreds of
  -- times. So they are counted when a counted action changed, and else when a tenth came since, 20 at least.
  due := array(
    select changed.user_id
    from unnest(p_users, p_since) as changed (user_id, since)
    left join recsys_engine.user_affinities as kept on kept.user_id = changed.user_id
    where changed.since <= kept.until or 0 = (
      select greatest(20, kept.acts / 10) - count(*)
      from (
        select from recsys.source_interactions
        where source_interactions.user_id = changed.user_id and source_interactions.created_at <= instant
          and source_interactions.created_at > coalesce(kept.until, '-infinity')
        limit greatest(20, kept.acts / 10)
      ) as since
    )
  );

  with latest as materialized (
    select people.user_id, acts.post_id, acts.created_at, posts.author_id
    from unnest(due) as people (user_id)
    cross join lateral (
      select source_interactions.post_id, source_interactions.created_at
      from recsys.source_interactions
      where source_interactions.user_id = people.user_id and source_interactions.created_at <= instant
      order by source_interactions.created_at desc, source_interactions.interaction_id desc
      limit 10000
    ) as acts
    left join lateral (
      select source_posts.author_id from recsys.source_posts where source_posts.post_id = acts.post_id offset 0
    ) as posts on true
  ),
  counted as (
    select
      latest.user_id, latest.author_id, count(*)::integer as affinity,
      row_number() over (partition by latest.user_id order by count(*) desc, latest.author_id) as place
    from latest
    where latest.author_id <> latest.user_id
    group by latest.user_id, latest.author_id
  ),
  listed as (
    select counted.user_id, array_agg(counted.author_id order by counted.place) as authors, array_agg(counted.affinity order by counted.place) as affinities
    from counted
    where counted.place <= 1000
    group by counted.user_id
  )
  insert into recsys_engine.user_affinities as kept (user_id, until, acts, authors, affinities, post_ids)
  select totals.user_id, totals.until, totals.acts, coalesce(listed.authors, '{}'), coalesce(listed.affinities, '{}'), totals.post_ids
  from (
    select
      latest.user_id, max(latest.created_at) as until, count(*)::integer as acts,
      -- half of what a feed reads: the other half may come before they are counted again
      case when count(*) > 1000 then array_agg(distinct latest.post_id) filter (where latest.author_id is distinct from latest.user_id) end as post_ids
    from latest
    group by latest.user_id
  ) as totals
  left join listed on listed.user_id = totals.user_id
  on conflict (user_id) do update
  set until = excluded.until, acts = excluded.acts, authors = excluded.authors, affinities = excluded.affinities, post_ids = excluded.post_ids;
  get diagnostics written = row_count;

  if written < cardinality(due) then
    -- who did nothing any more
    delete from recsys_engine.user_affinities
    where user_affinities.user_id = any (due) and not exists (
      select from recsys.source_interactions
      where source_interactions.user_id = user_affinities.user_id and source_interactions.created_at <= instant
      offset 0
    );
  end if;
  return written;
end
$$;
comment on function recsys_engine.refresh_user_affinities(uuid[], timestamptz[]) is
  'Recounts recsys_engine.user_affinities of distinct users whose counted actions changed (p_since: from when on), or who did much since; returns how many rows were written.';
revoke all on function recsys_engine.refresh_user_affinities(uuid[], timestamptz[]) from public;
grant execute on function recsys_engine.refresh_user_affinities(uuid[], timestamptz[]) to service_role;
