-- What the function `ideas` reads: the posts that its language and forecasts come from, what came of them, topics, and the author; and
-- where it keeps what it made of them.

create table recsys_engine.idea_pool (
  is_only boolean primary key default true check (is_only),
  model_id bigint,
  pool jsonb not null,
  made_at timestamptz not null default now(),
  post_ids uuid[] not null default '{}'
);
comment on table recsys_engine.idea_pool is
  'Titles made of the community''s language, with forecasts: one row, made by the first call of the function `ideas` and again when a day old. Uses words and pairs of words of several authors in posts that any member may read. It names no person and forgets deleted posts.';
comment on column recsys_engine.idea_pool.is_only is 'There is one row.';
comment on column recsys_engine.idea_pool.model_id is
  'The model of the vectors, fit and topics; null: none was active. No foreign key: the row may outlive the model.';
comment on column recsys_engine.idea_pool.pool is 'The ideas, topics, and the weights of the forecast, as _shared/ideas/idea-pool.ts has them.';
comment on column recsys_engine.idea_pool.made_at is 'When.';
comment on column recsys_engine.idea_pool.post_ids is 'The posts that ideas come from and that say what is needed; the pool names them by their place in this list. Null takes the place of one that was deleted.';
alter table recsys_engine.idea_pool enable row level security;
grant select, insert, update, delete on recsys_engine.idea_pool to service_role;

create function recsys_engine.idea_posts(p_limit integer)
returns table (now timestamptz, post_ids uuid[], author_ids uuid[], titles text[], texts text[], created_at double precision[], tags jsonb)
language sql stable security invoker set search_path = ''
as $$
  select
    recsys.clock(),
    coalesce(array_agg(posts.post_id order by posts.created_at, posts.post_id), '{}'),
    coalesce(array_agg(posts.author_id order by posts.created_at, posts.post_id), '{}'),
    coalesce(array_agg(posts.title order by posts.created_at, posts.post_id), '{}'),
    coalesce(array_agg(posts.text order by posts.created_at, posts.post_id), '{}'),
    coalesce(array_agg(1000 * date_part('epoch', posts.created_at) order by posts.created_at, posts.post_id), '{}'),
    coalesce(jsonb_agg(posts.tags order by posts.created_at, posts.post_id), '[]')
  from (
    select
      source_posts.post_id, source_posts.author_id, coalesce(source_posts.title, '') as title, coalesce(left(source_posts.description, 300), '') as text,
      source_posts.created_at, coalesce(source_posts.tags, '{}') as tags
    from recsys.source_posts
    where source_posts.created_at <= recsys.clock() and not exists (
      select from recsys.source_withheld as withheld where withheld.post_id = source_posts.post_id or withheld.author_id = source_posts.author_id
    )
    order by source_posts.created_at desc, source_posts.post_id desc
    limit p_limit
  ) as posts;
$$;
comment on function recsys_engine.idea_posts(integer) is
  'The latest posts that the caller may read, without withheld ones (recsys.source_withheld), as columns in order of time, in one row. Texts: the first 300 letters; created_at: milliseconds since 1970. The function `ideas` asks as an unknown member, so ideas use no private posts.';

create function recsys_engine.post_audiences(p_post_ids uuid[])
returns table (people integer[], viewers integer[], voters integer[], commenters integer[], topic_ids bigint[], of_newcomers boolean[])
language sql stable security invoker set search_path = ''
as $$
  select
    coalesce(array_agg(counted.people order by asked.place), '{}'),
    coalesce(array_agg(counted.viewers order by asked.place), '{}'),
    coalesce(array_agg(counted.voters order by asked.place), '{}'),
    coalesce(array_agg(counted.commenters order by asked.place), '{}'),
    coalesce(array_agg(post_topics.topic_id order by asked.place), '{}'),
    coalesce(array_agg(asked.post_id = any (newcomers.post_ids) order by asked.place), '{}')
  from unnest(p_post_ids) with ordinality as asked (post_id, place)
  left join recsys.source_posts as posts on posts.post_id = asked.post_id
  left join recsys_engine.post_topics on post_topics.post_id = asked.post_id
  cross join (select recsys_engine.posts_of_newcomers(p_post_ids) as post_ids offset 0) as newcomers
  cross join lateral (
    select
      count(distinct first_thousand.user_id)::integer as people,
      count(distinct first_thousand.user_id) filter (where first_thousand.kind = 'view')::integer as viewers,
      count(distinct first_thousand.user_id) filter (where first_thousand.kind = 'vote')::integer as voters,
      count(distinct first_thousand.user_id) filter (where first_thousand.kind = 'comment')::integer as commenters
    from (
      select interactions.user_id, interactions.kind
      from recsys.source_interactions as interactions
      where interactions.post_id = asked.post_id
        and interactions.created_at >= posts.created_at and interactions.created_at <= posts.created_at + interval '7 days'
        and interactions.user_id is distinct from posts.author_id
      limit 1000
    ) as first_thousand
  ) as counted;
$$;
comment on function recsys_engine.post_audiences(uuid[]) is
  'For each post, in order: distinct people other than the author who interacted within 7 days of its creation, viewers, voters, commenters, topic (null: none), and whether it is in recsys_engine.posts_of_newcomers. Counts 1,000 interactions of a post at most. One row.';

create function recsys_engine.idea_topics()
returns table (topic_id bigint, label text, terms text[], demand real, supply real, people integer, centroid text)
language sql stable security invoker set search_path = ''
as $$
  select topics.topic_id, topics.label, topics.terms, topics.demand, topics.supply, recsys_engine.rounded_people_count(topics.people), topics.centroid::text
  from recsys_engine.topics
  join recsys.models on models.model_id = topics.model_id and models.status = 'active'
  order by topics.topic_id;
$$;
comment on function recsys_engine.idea_topics() is 'The topics of the active model, with about how many people interacted with each; none where they are of another''s vectors.';

create function recsys_engine.idea_author()
returns table (
  is_known boolean, is_impersonal boolean, model_id bigint, model_name text, feature_spec_digest text, embedding text, muted text[], muted_parts text[], post_ids uuid[], titles text[]
)
language sql stable security invoker set search_path = ''
as $$
  select
    exists (select from recsys.source_users where source_users.user_id = auth.uid()),
    caller.is_impersonal,
    models.model_id,
    models.name,
    models.feature_spec_digest,
    (
      select user_embeddings.embedding::text
      from recsys.user_embeddings
      where user_embeddings.model_id = models.model_id and user_embeddings.user_id = auth.uid() and not caller.is_impersonal
    ),
    array(
      select lower(left(source_mutes.value, 100))
      from recsys.source_mutes
      where source_mutes.user_id = auth.uid() and source_mutes.kind in ('word', 'topic')
      order by source_mutes.kind, source_mutes.value
      limit 200
    ),
    array(
      select recsys_engine.muted_part(source_mutes.value)
      from recsys.source_mutes
      where source_mutes.user_id = auth.uid() and source_mutes.kind in ('contains', 'title_contains') and recsys_engine.muted_part(source_mutes.value) is not null
      order by source_mutes.kind, source_mutes.value
      limit 200
    ),
    array(
      select source_posts.post_id
      from recsys.source_posts
      where source_posts.author_id = auth.uid() and source_posts.created_at <= recsys.clock() - interval '7 days' and not caller.is_impersonal
      order by source_posts.created_at desc, source_posts.post_id desc
      limit 50
    ),
    array(
      select coalesce(source_posts.title, '')
      from recsys.source_posts
      where source_posts.author_id = auth.uid() and source_posts.created_at <= recsys.clock() and not caller.is_impersonal
      order by source_posts.created_at desc, source_posts.post_id desc
      limit 100
    ) || array(
      select coalesce(source_posts.title, '')
      from recsys.source_posts
      where source_posts.created_at between recsys.clock() - interval '7 days' and recsys.clock()
      order by source_posts.created_at desc, source_posts.post_id desc
      limit 1000
    )
  from (select recsys_engine.feed_preference(auth.uid()) = 'impersonal') as caller (is_impersonal)
  left join recsys.models on models.status = 'active';
$$;
comment on function recsys_engine.idea_author() is
  'What ideas need of the caller: profile, impersonal (then only mutes), active model and vector (null: none), muted words (muted) and texts (muted_parts) in small letters, 50 posts older than a week, their latest 100 titles and the last week''s 1,000. One row.';

create function recsys_engine.readable_titled_posts(p_post_ids uuid[]) returns table (post_id uuid, app_id text, title text)
language sql stable security invoker set search_path = ''
as $$
  select posts.post_id, recsys.app_id(posts.post_id, posts.external_id), coalesce(posts.title, '')
  from recsys_engine.eligible_posts(recsys_engine.mutes_only_request(auth.uid(), recsys.clock())) as eligible
  join recsys.source_posts as posts on posts.post_id = eligible.post_id
  where eligible.post_id = any (p_post_ids) and eligible.author_id is distinct from auth.uid()
    and eligible.post_id <> all (recsys_engine.posts_of_newcomers(p_post_ids))
$$;
comment on function recsys_engine.readable_titled_posts(uuid[]) is 'Those of some posts that the caller may read, did not write and did not mute, without recsys_engine.posts_of_newcomers, with their titles as they are now.';

revoke all on function recsys_engine.readable_titled_posts(uuid[]), recsys_engine.idea_posts(integer), recsys_engine.post_audiences(uuid[]), recsys_engine.idea_topics(), recsys_engine.idea_author() from public;
grant execute on function recsys_engine.readable_titled_posts(uuid[]), recsys_engine.idea_posts(integer), recsys_engine.idea_author() to authenticated;
grant execute on function recsys_engine.post_audiences(uuid[]), recsys_engine.idea_topics() to service_role;

-- a definer, since the Vault is not the service's to read; only these three secrets leave it, for the service alone
create function recsys_engine.ideas_endpoint() returns table (url text, model text, key text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass('vault.decrypted_secrets') is null then
    return query select null::text, null::text, null::text;
    return;
  end if;
  -- the Vault is looked up when this line runs
  return query
  select
    max(secrets.decrypted_secret) filter (where secrets.name = 'recsys_ideas_url'),
    max(secrets.decrypted_secret) filter (where secrets.name = 'recsys_ideas_model'),
    max(secrets.decrypted_secret) filter (where secrets.name = 'recsys_ideas_key')
  from vault.decrypted_secrets as secrets;
end
$$;
comment on function recsys_engine.ideas_endpoint() is 'Which language model writes ideas, from the Vault: recsys_ideas_url, recsys_ideas_model and recsys_ideas_key; null: the Vault, or it, is not there. Always one row.';
revoke all on function recsys_engine.ideas_endpoint() from public;
grant execute on function recsys_engine.ideas_endpoint() to service_role;
