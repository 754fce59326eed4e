-- Answers of the function `similar`: posts like one, people like the caller, and how many people a post of the
-- caller's may reach.
--
-- A user's vector tells what they did, so no user reads another's, and no answer gives a similarity: a user who
-- moves their own vector by edits or writes posts as probes could estimate another's. From 100 answers of one
-- decimal that gave a cosine of 0.92 to 0.96. So people are named in tens, once a day, and a post's reach is that of
-- its topic.

create function recsys_engine.similar_posts_for_caller(p_post_id uuid, p_limit integer)
returns table (is_known boolean, model_id bigint, model_name text, items json)
-- it keeps its plan, where an SQL function is planned at each call
language plpgsql stable security invoker set search_path = ''
as $$
begin
  perform recsys_engine.require_invoker_views();
  return query
  select
    exists (select from recsys.source_posts where source_posts.post_id = p_post_id),
    models.model_id,
    models.name,
    (
      select coalesce(json_agg(json_build_object('post_id', posts.post_id, 'app_id', recsys.app_id(posts.post_id, posts.external_id), 'title', coalesce(posts.title, ''))
        order by nearest.similarity desc, nearest.post_id), '[]')
      from recsys.post_embeddings as this
      cross join lateral recsys_engine.nearest_posts(
        models.model_id, this.embedding, recsys.clock(),
        p_post_id || array(select source_dismissals.post_id from recsys.source_dismissals where source_dismissals.user_id = (select auth.uid()) and source_dismissals.post_id is not null
          and (select recsys_engine.feed_preference(auth.uid())) <> 'impersonal'
          order by source_dismissals.created_at desc limit 5000),
        p_limit
      ) as nearest
      join recsys.source_posts as posts on posts.post_id = nearest.post_id
      where this.model_id = models.model_id and this.post_id = p_post_id
    )
  from (values (true)) as one (row)
  left join recsys.models on models.status = 'active';
end
$$;
comment on function recsys_engine.similar_posts_for_caller(uuid, integer) is 'The posts nearest to a post, as the caller may read them and without those they dismissed: {post_id, app_id, title}, nearest first; none where the post has no vector yet, or no model is active. is_known: the caller may read the post.';

create table recsys_engine.similar_people (
  user_id uuid primary key,
  model_id bigint not null,
  user_ids uuid[] not null,
  made_at timestamptz not null default now()
);
comment on table recsys_engine.similar_people is 'Results of recsys_engine.similar_people_for_caller(), cached for a day per user: a user who moves their own vector by editing their profile learns nothing more by a second request.';
comment on column recsys_engine.similar_people.user_id is 'Who asked.';
comment on column recsys_engine.similar_people.model_id is 'By whose vectors. No foreign key: a row of an earlier model is passed over.';
comment on column recsys_engine.similar_people.user_ids is 'The people, nearest first, whom they muted included: at most 100.';
comment on column recsys_engine.similar_people.made_at is 'When, by the wall clock.';
alter table recsys_engine.similar_people enable row level security;
grant select, insert, update, delete on recsys_engine.similar_people to service_role;

create function recsys_engine.readable_people(p_claims jsonb, p_user_ids uuid[]) returns uuid[]
-- volatile: it sets the role. Not definer: a definer cannot become the caller, and only the caller's own role knows whom they may read
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- what the transaction had before
  service constant text := current_setting('role');
  service_claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  readable uuid[];
begin
  perform set_config('role', 'authenticated', true), set_config('request.jwt.claims', p_claims::text, true);
  readable := array(
    select asked.user_id from unnest(p_user_ids) with ordinality as asked (user_id, place)
    where exists (select from recsys.source_users where source_users.user_id = asked.user_id offset 0)
    order by asked.place
  );
  perform set_config('role', service, true), set_config('request.jwt.claims', service_claims, true);
  return readable;
end
$$;
comment on function recsys_engine.readable_people(jsonb, uuid[]) is 'Those of some people, in their order, whose row in recsys.source_users the user of these claims may read: asked under their own role and claims.';

create function recsys_engine.nearest_readable_people(p_claims jsonb, p_model_id bigint) returns uuid[]
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me constant uuid := (p_claims ->> 'sub')::uuid;
  vector extensions.vector;
  page integer := 200;
  nearest uuid[];
  readable uuid[];
begin
  select user_embeddings.embedding into vector from recsys.user_embeddings where user_embeddings.model_id = p_model_id and user_embeddings.user_id = me;
  while vector is not null loop
    nearest := array(
      select user_embeddings.user_id from recsys.user_embeddings
      where user_embeddings.model_id = p_model_id and user_embeddings.user_id <> me
      order by user_embeddings.embedding operator(extensions.<#>) vector, user_embeddings.user_id
      limit page
    );
    readable := (recsys_engine.readable_people(p_claims, nearest))[:100];
    exit when cardinality(readable) = 100 or cardinality(nearest) < page;
    -- most of these the caller may not read: look further
    page := page * 10;
  end loop;
  return readable;
end
$$;
comment on function recsys_engine.nearest_readable_people(jsonb, bigint) is 'The 100 people nearest to the user of these claims by a model, nearest first, of those whom that user may read: never fewer where there are so many. Null: the user has no vector of it. Reads the vectors of all users once for each power of ten between what is found and what is readable.';

create function recsys_engine.similar_people_for_caller(p_claims jsonb, p_limit integer)
returns table (is_known boolean, model_id bigint, model_name text, items json)
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me constant uuid := (p_claims ->> 'sub')::uuid;
  found_ids uuid[];
  readable uuid[];
  muted uuid[];
begin
  perform recsys_engine.require_invoker_views();
  is_known := recsys_engine.readable_people(p_claims, array[me]) <> '{}';
  select models.model_id, models.name into model_id, model_name from recsys.models where models.status = 'active';
  if is_known and recsys_engine.feed_preference(me) <> 'impersonal' then
    select similar_people.user_ids into found_ids from recsys_engine.similar_people
    where similar_people.user_id = me and similar_people.model_id = similar_people_for_caller.model_id
      -- one of the future was made while the clock was wrong
      and similar_people.made_at > now() - interval '1 day' and similar_people.made_at <= now();
    if found_ids is null then
      found_ids := recsys_engine.nearest_readable_people(p_claims, similar_people_for_caller.model_id);
      -- an operator who looks at a user's answer leaves nothing behind
      if found_ids is not null and current_setting('transaction_read_only') = 'off' then
        insert into recsys_engine.similar_people as own (user_id, model_id, user_ids) values (me, similar_people_for_caller.model_id, found_ids)
        on conflict (user_id) do update set model_id = excluded.model_id, user_ids = excluded.user_ids, made_at = excluded.made_at;
      end if;
    end if;
  end if;
  readable := recsys_engine.readable_people(p_claims, found_ids);
  muted := coalesce((recsys_engine.mutes_only_request(me, recsys.clock())).muted_authors, '{}');
  items := (
    select coalesce(json_agg(json_build_object('user_id', near.user_id) order by near.place) filter (where near.place <= p_limit), '[]')
    from (
      select
        kept.user_id,
        row_number() over (order by (kept.place - 1) / recsys_engine.anonymity_threshold(), kept.user_id) as place,
        count(*) over () as people
      from unnest(found_ids) with ordinality as kept (user_id, place)
      where kept.user_id = any (readable) and kept.user_id <> all (muted)
        -- they may have been found before they wanted none
        and kept.user_id not in (select personalization_opt_outs.user_id from recsys_engine.personalization_opt_outs)
        and not exists (select from recsys.source_withheld where source_withheld.author_id = kept.user_id)
    ) as near
    where near.people >= recsys_engine.anonymity_threshold()
  );
  return next;
end
$$;
comment on function recsys_engine.similar_people_for_caller(jsonb, integer) is
  'The people nearest to the user of these claims, {user_id}, nearest ten first, in tens sorted by id, without muted and unreadable ones: up to 100, or none below recsys_engine.anonymity_threshold(). Computed once a day. None without a vector or an active model. is_known: the user exists.';

create function recsys_engine.post_reach(p_post_id uuid)
returns table (model_id bigint, model_name text, people integer)
language sql stable security invoker set search_path = ''
as $$
  select
    models.model_id,
    models.name,
    (
      select recsys_engine.rounded_people_count(topics.people)
      from recsys_engine.post_topics
      join recsys_engine.topics on topics.topic_id = post_topics.topic_id and topics.model_id = models.model_id
      where post_topics.post_id = p_post_id
    )
  from (values (true)) as one (row)
  left join recsys.models on models.status = 'active';
$$;
comment on function recsys_engine.post_reach(uuid) is 'Estimates how many users interacted with posts of a post''s topic that any signed-in member may read, in the last 28 days, by recsys_engine.rounded_people_count(). Null: too few, or no topic yet. All posts of a topic share the estimate. Always one row.';

create function recsys_engine.purge_similar_people() returns bigint
language sql volatile security invoker set search_path = ''
as $$
  with gone as (
    delete from recsys_engine.similar_people where made_at < now() - interval '1 day' returning 1
  )
  select count(*) from gone
$$;
comment on function recsys_engine.purge_similar_people() is 'Deletes lists of similar people that are older than a day, and returns how many. Called every night by pg_cron.';

revoke all on function recsys_engine.purge_similar_people(), recsys_engine.similar_posts_for_caller(uuid, integer), recsys_engine.readable_people(jsonb, uuid[]), recsys_engine.nearest_readable_people(jsonb, bigint),
  recsys_engine.similar_people_for_caller(jsonb, integer), recsys_engine.post_reach(uuid) from public;
grant execute on function recsys_engine.similar_posts_for_caller(uuid, integer) to authenticated, service_role;
-- the caller of similar_people_for_caller names the user: the Edge Function, which checked the token
grant execute on function recsys_engine.readable_people(jsonb, uuid[]), recsys_engine.nearest_readable_people(jsonb, bigint), recsys_engine.similar_people_for_caller(jsonb, integer),
  recsys_engine.post_reach(uuid), recsys_engine.purge_similar_people() to service_role;

select recsys_engine.schedule('recsys purge of similar people', '2 4 * * *', 'select recsys_engine.purge_similar_people()');
