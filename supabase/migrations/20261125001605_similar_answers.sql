-- What the function `similar` asks: posts like one, people like the caller, and whom a post of the caller's might interest.
--
-- Vectors of users say what they did, so nobody reads those of others, and what leaves these functions is only who and how similar to
-- one decimal. With more decimals somebody who moves their own vector by editing their profile, or writes posts to measure with, could
-- work out that of another: 32 exact answers are enough.

create function recsys.posts_like(p_post_id uuid, p_limit integer)
returns table (is_known boolean, model_id bigint, model_name text, items json)
-- it keeps its plan, where an SQL function is planned at each call
language plpgsql stable security invoker set search_path = ''
as $$
begin
  perform recsys.require_invoker_views();
  return query
  select
    exists (select from recsys.source_posts where source_posts.post_id = p_post_id),
    models.model_id,
    models.name,
    (
      select coalesce(json_agg(json_build_object('post_id', posts.post_id, 'app_id', recsys.app_id(posts.post_id, posts.external_id), 'title', coalesce(posts.title, ''), 'similarity', nearest.similarity)
        order by nearest.similarity desc, nearest.post_id), '[]')
      from recsys.post_embeddings as this
      cross join lateral recsys.nearest_posts(
        models.model_id, this.embedding, recsys.clock(),
        p_post_id || array(select source_dismissals.post_id from recsys.source_dismissals where source_dismissals.user_id = (select auth.uid()) and source_dismissals.post_id is not null),
        p_limit
      ) as nearest
      join recsys.source_posts as posts on posts.post_id = nearest.post_id
      where this.model_id = models.model_id and this.post_id = p_post_id
    )
  from (values (true)) as one (row)
  left join recsys.models on models.status = 'active';
end
$$;
comment on function recsys.posts_like(uuid, integer) is 'The posts nearest to a post, as the caller may read them and without those they dismissed: {post_id, app_id, title, similarity}, nearest first; none where the post has no vector yet, or no model is active. is_known: the caller may read the post.';

create function recsys.people_near(p_claims jsonb, p_post_id uuid, p_limit integer)
returns table (is_known boolean, model_id bigint, model_name text, items json)
-- volatile: it sets the role. Not definer: a definer cannot become the caller, and only the caller's own role knows whom they may read
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  me constant uuid := (p_claims ->> 'sub')::uuid;
  -- what the transaction had before
  service constant text := current_setting('role');
  service_claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  vector extensions.vector;
  page integer := 200;
  nearest uuid[];
  readable uuid[] := '{}'::uuid[];
  muted uuid[];
begin
  perform recsys.require_invoker_views();
  perform set_config('role', 'authenticated', true), set_config('request.jwt.claims', p_claims::text, true);
  if p_post_id is null then
    is_known := exists (select from recsys.source_users where source_users.user_id = me);
  else
    is_known := exists (select from recsys.source_posts where source_posts.post_id = p_post_id and source_posts.author_id = me);
  end if;
  muted := coalesce((recsys.request_with_mutes(me, recsys.clock())).muted_authors, '{}');
  perform set_config('role', service, true), set_config('request.jwt.claims', service_claims, true);

  select models.model_id, models.name into model_id, model_name from recsys.models where models.status = 'active';
  if is_known then
    if p_post_id is null then
      select user_embeddings.embedding into vector from recsys.user_embeddings where user_embeddings.model_id = people_near.model_id and user_embeddings.user_id = me;
    else
      select post_embeddings.embedding into vector from recsys.post_embeddings where post_embeddings.model_id = people_near.model_id and post_embeddings.post_id = p_post_id;
    end if;
  end if;

  while vector is not null loop
    nearest := array(
      select user_embeddings.user_id from recsys.user_embeddings
      where user_embeddings.model_id = people_near.model_id and user_embeddings.user_id <> me
      order by user_embeddings.embedding operator(extensions.<#>) vector, user_embeddings.user_id
      limit page
    );
    perform set_config('role', 'authenticated', true), set_config('request.jwt.claims', p_claims::text, true);
    readable := array(
      select near.user_id from unnest(nearest) with ordinality as near (user_id, place)
      where near.user_id <> all (muted) and exists (select from recsys.source_users where source_users.user_id = near.user_id offset 0)
      order by near.place
      limit p_limit
    );
    perform set_config('role', service, true), set_config('request.jwt.claims', service_claims, true);
    exit when cardinality(readable) = p_limit or cardinality(nearest) < page;
    -- most of these the caller may not read: look further
    page := page * 10;
  end loop;

  items := (
    select coalesce(json_agg(json_build_object('user_id', near.user_id, 'similarity', round(-(theirs.embedding operator(extensions.<#>) vector)::numeric, 1)) order by near.place), '[]')
    from unnest(readable) with ordinality as near (user_id, place)
    join recsys.user_embeddings as theirs on theirs.model_id = people_near.model_id and theirs.user_id = near.user_id
  );
  return next;
end
$$;
comment on function recsys.people_near(jsonb, uuid, integer) is 'The people nearest to the user of these claims, or to a post of theirs: {user_id, similarity}, nearest first, of those whom that user did not mute and whose row in recsys.source_users they may read, asked under their own role and claims; never fewer than p_limit where there are so many. similarity has one decimal. None where user or post has no vector yet, or no model is active. is_known: there is that user; they wrote that post. Reads the vectors of all users once for each power of ten between what is found and what is readable.';

revoke all on function recsys.posts_like(uuid, integer), recsys.people_near(jsonb, uuid, integer) from public;
grant execute on function recsys.posts_like(uuid, integer) to authenticated, service_role;
-- whoever calls people_near says who they are: the Edge Function, which checked the token
grant execute on function recsys.people_near(jsonb, uuid, integer) to service_role;
