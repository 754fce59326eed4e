-- What many people may read, asked under their own roles: for batch lists and for training, which have no user of
-- their own. Both work for roles that may become `authenticated`: the owner, and the functions, who are their own
-- role within a transaction.

create function recsys_engine.readable_posts(p_user_ids uuid[], p_post_ids uuid[]) returns table (user_id uuid, post_ids uuid[])
-- volatile: it sets the role
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- the earlier settings of the transaction
  caller constant text := current_setting('role');
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  headers constant text := coalesce(nullif(current_setting('request.headers', true), ''), '{}');
begin
  foreach user_id in array p_user_ids loop
    perform set_config('role', 'authenticated', true), set_config('request.headers', '{}', true),
      set_config('request.jwt.claims', jsonb_build_object('sub', user_id, 'role', 'authenticated')::text, true);
    select coalesce(array_agg(source_posts.post_id), '{}') into post_ids
    from recsys.source_posts
    where p_post_ids is null or source_posts.post_id = any (p_post_ids);
    perform set_config('role', caller, true), set_config('request.jwt.claims', claims, true), set_config('request.headers', headers, true);
    return next;
  end loop;
end
$$;
comment on function recsys_engine.readable_posts(uuid[], uuid[]) is 'Which of some posts (null: of all) each of some users may read: asked under their own role, as the app''s row level security decides. Policies that ask for more than who it is, such as other claims of a token or a header, say no here.';

create function recsys_engine.titles_read(p_user_ids uuid[], p_post_ids uuid[]) returns table (user_id uuid, post_ids uuid[])
-- volatile: it sets the role
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- the earlier settings of the transaction
  caller constant text := current_setting('role');
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  headers constant text := coalesce(nullif(current_setting('request.headers', true), ''), '{}');
  ids uuid[];
  titles text[];
begin
  select array_agg(source_posts.post_id), array_agg(source_posts.title) into ids, titles from recsys.source_posts where source_posts.post_id = any (p_post_ids);
  foreach user_id in array p_user_ids loop
    perform set_config('role', 'authenticated', true), set_config('request.headers', '{}', true),
      set_config('request.jwt.claims', jsonb_build_object('sub', user_id, 'role', 'authenticated')::text, true);
    select coalesce(array_agg(source_posts.post_id), '{}') into post_ids
    from unnest(ids, titles) as told (post_id, title)
    join recsys.source_posts on source_posts.post_id = told.post_id and source_posts.title is not distinct from told.title;
    perform set_config('role', caller, true), set_config('request.jwt.claims', claims, true), set_config('request.headers', headers, true);
    return next;
  end loop;
end
$$;
comment on function recsys_engine.titles_read(uuid[], uuid[]) is
  'For some users, the posts whose original title each reads rather than a title that the app shows instead: asked under their own role, as recsys_engine.readable_posts.';

create function recsys_engine.kinds_read_of_followed() returns text[]
-- volatile: it sets the role
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- the earlier settings of the transaction
  caller constant text := current_setting('role');
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  headers constant text := coalesce(nullif(current_setting('request.headers', true), ''), '{}');
  follow record;
  there text[];
  seen text[];
  all_there text[] := '{}'::text[];
  all_seen text[] := '{}'::text[];
begin
  for follow in
    select source_follows.user_id, source_follows.target::uuid as person_id
    from recsys.source_follows
    where source_follows.kind = 'person' and pg_input_is_valid(source_follows.target, 'uuid')
    order by md5(source_follows.user_id::text || source_follows.target)
    limit 200
  loop
    there := array(select distinct source_interactions.kind from recsys.source_interactions where source_interactions.user_id = follow.person_id);
    perform set_config('role', 'authenticated', true), set_config('request.headers', '{}', true),
      set_config('request.jwt.claims', jsonb_build_object('sub', follow.user_id, 'role', 'authenticated')::text, true);
    seen := array(select distinct source_interactions.kind from recsys.source_interactions where source_interactions.user_id = follow.person_id);
    perform set_config('role', caller, true), set_config('request.jwt.claims', claims, true), set_config('request.headers', headers, true);
    all_there := all_there || there;
    all_seen := all_seen || seen;
  end loop;
  return array(
    select known.kind from unnest(all_there) as known (kind)
    group by known.kind
    having 2 * (select count(*) from unnest(all_seen) as shown (kind) where shown.kind = known.kind) >= count(*)
    order by known.kind
  );
end
$$;
comment on function recsys_engine.kinds_read_of_followed() is 'The kinds of interactions that people may read of those whom they follow, as the app''s row level security decides for half or more of 200 pairs. Training counts no others among what the followed did, since no feed will.';

revoke all on function recsys_engine.readable_posts(uuid[], uuid[]), recsys_engine.titles_read(uuid[], uuid[]), recsys_engine.kinds_read_of_followed() from public;
grant execute on function recsys_engine.readable_posts(uuid[], uuid[]), recsys_engine.titles_read(uuid[], uuid[]), recsys_engine.kinds_read_of_followed() to service_role;
