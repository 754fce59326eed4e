-- The second part of recsys.check(): whether the roles that feeds ask as may do what they ask. A feed that lacks a right comes down to what needs
-- none (…/recommend/ladder.ts), and nobody sees why. So that is asked which is asked in earnest: a right may be wanting to a table of the app's, a
-- function of its policies, a schema that a dashboard's script took away.

create function recsys.missing_grant(p_role text, p_denied text) returns text
language sql stable security invoker set search_path = ''
as $$
  select case culprit.kind
    when 'schema' then format('grant usage on schema %I to %I', culprit.name, p_role)
    when 'function' then coalesce((
      select format('grant execute on function %s to %I', string_agg(pg_proc.oid::regprocedure::text, ', ' order by pg_proc.oid), p_role)
      from pg_catalog.pg_proc
      where pg_proc.proname = culprit.name and pg_proc.pronamespace <> 'pg_catalog'::regnamespace and not has_function_privilege(p_role, pg_proc.oid, 'execute')
    ), format('grant execute on function %s to %I', culprit.name, p_role))
    when 'table' then format('grant select on %s to %I', coalesce((
      select string_agg(named.relation::text, ' or ') filter (where named.is_read or not named.one_is_read)
      from (
        select denied.relation, denied.is_read, bool_or(denied.is_read) over () as one_is_read
        from (
          select pg_class.oid::regclass as relation, exists (
            select from pg_catalog.unnest('{users,posts,interactions,logins,dismissals,mutes}'::text[]) as views (name)
            cross join recsys.relations_under(to_regclass('recsys.source_' || views.name)) as under
            where under.relation = pg_class.oid
          ) as is_read
          from pg_catalog.pg_class
          where pg_class.relname = culprit.name and pg_class.relkind in ('r', 'p', 'v', 'm', 'f') and pg_class.relnamespace <> 'pg_catalog'::regnamespace
            and not has_table_privilege(p_role, pg_class.oid, 'select')
        ) as denied
      ) as named
    ), culprit.name), p_role)
    else format('grant it to %I', p_role)
  end
  from (select) as always
  left join lateral (
    select replace(replace(said.words[1], 'materialized ', ''), 'view', 'table') as kind, said.words[2] as name
    from regexp_match(p_denied, '^permission denied for (table|view|materialized view|schema|function) (.+)$') as said (words)
  ) as culprit on true
$$;
comment on function recsys.missing_grant(text, text) is 'The statement that gives a role what it lacks, from the words in which PostgreSQL denied it.';

create function recsys.check_access() returns table (stops boolean, problem text, cure text)
-- volatile: it sets the role
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- what it asks is written here: @plpgsql_check_options: security_warnings = off
  -- of whom there is nothing to be found, so that all of this takes little
  nobody constant uuid := gen_random_uuid();
  before constant text := current_setting('role');
  before_claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  model constant bigint := (select models.model_id from recsys.models where models.status = 'active');
  vector constant text := array_fill(0.1::real, array[32])::text;
  asked record;
  known text[] := '{}'::text[];
begin
  for asked in
    select readers.role, readers.role || ' may not read recsys.' || views.name as what, format('select * from recsys.%I limit 0', views.name) as query
    from pg_catalog.unnest('{authenticated,service_role}'::text[]) with ordinality as readers (role, place)
    cross join pg_catalog.unnest('{source_users,source_posts,source_interactions,source_logins,source_dismissals,source_mutes}'::text[]) with ordinality as views (name, place)
    -- logins are read by the roll-up alone
    where readers.role = 'service_role' or views.name <> 'source_logins'
    union all
    select calls.role, format('%s may not ask for %s', calls.role, calls.what), calls.query
    from (
      values
        ('authenticated', 'who asks', 'select from recsys.feed_settings($1, true) as settings left join lateral recsys.user_context($1, $2, settings.now) on true'),
        ('authenticated', 'candidates', 'select recsys.served_key(found.post_id, 1) from recsys.candidates($1, $2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock()) as found'),
        ('authenticated', 'candidates with a filter', 'select from recsys.candidates($1, $2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock(), ''{"tags": [""]}'')'),
        ('authenticated', 'the model', 'select * from recsys.model_artifacts limit 0'),
        ('authenticated', 'their variant of an experiment', 'select recsys.bucket($1, ''''), * from recsys.experiments, recsys.experiment_variants limit 0'),
        ('authenticated', 'the vectors of a second model', 'select from recsys.user_vectors($1, $2, ''{}'')'),
        ('authenticated', 'states of before', 'select from recsys.user_history($1, recsys.clock()), recsys.thinned_state($1, recsys.clock(), 0), recsys.thinning'),
        ('service_role', 'what is common to all feeds', 'select from recsys.post_states($2, (select array_agg(common.post_id) from recsys.common_posts(recsys.clock()) as common), recsys.clock())'),
        ('service_role', 'candidates beside these',
          'select recsys.retrieve_beside(''authenticated'', $1, $2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock(), ''{}''::uuid[], recsys.clock())'),
        ('authenticated', 'a list made ahead', 'select from recsys.batch_feed($1, 1)'),
        ('authenticated', 'what is fresh and popular',
          'with asked as materialized (select recsys.feed_request($1, recsys.clock()) as request)
            select from recsys.retrieve_fresh((select request from asked), 1) union all select from recsys.retrieve_trending((select request from asked), 1)'),
        ('authenticated', 'posts like one', 
          -- the last fails where no model is active
          'select recsys.app_id(post.post_id), recsys.posts_like(post.post_id, 1),
            recsys.nearest_posts($2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock(), ''{}'', 1), recsys.similar_posts(post.post_id, 1)
            from (select source_posts.post_id from recsys.source_posts limit 1) as post'),
        ('authenticated', 'ideas', 'select from recsys.idea_author(), recsys.idea_posts(1)'),
        ('authenticated', 'having events stored', 'select recsys.record_events(''[]'')')
    ) as calls (role, what, query)
  loop
    begin
      perform set_config('role', asked.role, true), set_config('request.jwt.claims', format('{"sub": "%s", "role": "%s"}', nobody, asked.role), true);
      execute asked.query using nobody, model, vector;
    exception
      when insufficient_privilege then
        perform set_config('role', before, true);
        -- what one right is wanting to is said once
        if asked.role || sqlerrm <> all (known) then
          known := known || (asked.role || sqlerrm);
          return query select true, format('%s: %s', asked.what, sqlerrm), recsys.missing_grant(asked.role, sqlerrm);
        end if;
      when others then
        -- the other parts say why
        null;
    end;
    perform set_config('role', before, true), set_config('request.jwt.claims', before_claims, true);
  end loop;
end
$$;
comment on function recsys.check_access() is 'What authenticated or service_role may not do of what feeds ask as them, each with the grant that is missing: of tables and schemas of the app and of the engine, functions, and what policies call. stops: feeds come down to less, or to nothing, until it is granted. What is hidden behind it shows once it is. Part of recsys.check().';
revoke all on function recsys.missing_grant(text, text), recsys.check_access() from public;
