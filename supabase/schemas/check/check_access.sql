-- The second part of recsys.check(): whether the roles of feeds have the rights that feeds need. A feed without a
-- right falls back to one that needs none (…/recommend/feed-with-fallbacks.ts) without any sign. So it runs the real
-- queries: a right may be missing on a table of the app, a function of its policies, or a schema that a dashboard's
-- script changed.

create function recsys_engine.member_readable_columns(p_relation regclass) returns text
language sql stable security invoker set search_path = ''
as $$
  select ' (' || granted.columns || ')'
  from (
    values
      ('recsys_engine.post_stats', 'post_id, last_active_at, interaction_id, kind, views, votes, comments, participants, last_comment_at, recent, trend'),
      ('recsys_engine.latest_post_stats', 'post_id, last_active_at, interaction_id, kind, views, votes, comments, participants, last_comment_at, recent, trend'),
      ('recsys_engine.listed_posts', 'post_id, created_at, waits'),
      ('recsys.impressions', 'request_id, user_id, post_id, shown_at, seen_at'),
      ('recsys_engine.batch_runs', 'run_id, model_id, model_name, as_of')
  ) as granted (relation, columns)
  where to_regclass(granted.relation) = p_relation
$$;
comment on function recsys_engine.member_readable_columns(regclass) is 'Of a table of the engine that authenticated reads in part, the columns, as a grant has them: who did what, and what was shown to whom, is among the others.';

create function recsys_engine.missing_grant(p_role name, p_denied text, p_context text) returns text
language sql stable security invoker set search_path = ''
as $$
  select coalesce(case culprit.kind
    when 'schema' then case
      -- the engine's, and those that Supabase lets everybody use
      when culprit.name in ('recsys', 'recsys_engine', 'extensions', 'auth') or opened.rights is null then format('grant usage on schema %s to %I', recsys_engine.identifier_sql(culprit.name), p_role)
      else format('%s looks into the schema %s: let it be security definer with a search_path of its own; to use that schema would let %s %s, too', reader.name, recsys_engine.identifier_sql(culprit.name), p_role, opened.rights)
    end
    when 'function' then case functions.number
      when 1 then format('grant execute on function %s to %I', functions.names, p_role)
      else format('%s may not execute %s: grant it the one that the views and policies call', p_role, coalesce(functions.names, culprit.name))
    end
    when 'table' then case
      when engine.relation is not null and denied.tables is null then format('grant select%s on %s to %I', case when p_role = 'authenticated' then recsys_engine.member_readable_columns(engine.relation) end, recsys_engine.table_sql(engine.relation), p_role)
      else format('%s reads %s, and the catalog does not say which columns of it: name them in the view, let the function be security definer with a search_path of its own, or grant %s the columns that it reads', reader.name, coalesce(denied.tables, culprit.name), p_role)
    end
  end, format('give %s the right that is wanting: %s', p_role, regexp_replace(p_denied, '\s+', ' ', 'g')))
  from (select) as always
  left join lateral (
    select replace(replace(said.words[1], 'materialized ', ''), 'view', 'table') as kind, said.words[2] as name
    from regexp_match(p_denied, '^permission denied for (table|view|materialized view|schema|function) (.+)$') as said (words)
  ) as culprit on true
  left join lateral (
    -- the innermost function that is none of ours
    select coalesce('the function ' || (
      select named.function[1] from regexp_matches(p_context, '(?:SQL|PL/pgSQL) function "?([^"\n ]+)"? ?(?:statement|line|during)', 'g') with ordinality as named (function, place)
      where named.function[1] !~ '^recsys(_engine)?\.' order by named.place limit 1
    ), 'a function that the views or policies call, or a whole row in one of them,') as name
  ) as reader on true
  left join lateral (
    -- what was granted there counts for nothing while the schema is shut: functions are granted to all from the start
    select string_agg(granted.right, ', ' order by granted.right) as rights
    from (
      select 'read ' || recsys_engine.table_sql(pg_class.oid) as right
      from pg_catalog.pg_class
      where pg_class.relnamespace = to_regnamespace(quote_ident(culprit.name)) and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
        and has_any_column_privilege(p_role, pg_class.oid, 'select')
      union
      select format('call %s.%s as its owner', recsys_engine.identifier_sql(culprit.name), recsys_engine.identifier_sql(pg_proc.proname))
      from pg_catalog.pg_proc
      where pg_proc.pronamespace = to_regnamespace(quote_ident(culprit.name)) and pg_proc.prosecdef and has_function_privilege(p_role, pg_proc.oid, 'execute')
    ) as granted
    where culprit.kind = 'schema'
  ) as opened on true
  left join lateral (
    select count(*) as number, string_agg(signed.name, ' or ' order by signed.name) as names
    from (
      select format('%s.%s(%s)', recsys_engine.identifier_sql(pg_namespace.nspname), recsys_engine.identifier_sql(pg_proc.proname), pg_get_function_identity_arguments(pg_proc.oid)) as name,
        pg_depend.objid is not null as is_called, bool_or(pg_depend.objid is not null) over () as one_is_called
      from pg_catalog.pg_proc
      join pg_catalog.pg_namespace on pg_namespace.oid = pg_proc.pronamespace
      left join lateral (
        -- called by a view or policy itself
        select pg_depend.objid from pg_catalog.pg_depend
        where pg_depend.refclassid = 'pg_catalog.pg_proc'::regclass and pg_depend.refobjid = pg_proc.oid
          and pg_depend.classid in ('pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_policy'::regclass)
        limit 1
      ) as pg_depend on true
      where culprit.kind = 'function' and pg_proc.proname = culprit.name and pg_proc.pronamespace <> 'pg_catalog'::regnamespace
        and not has_function_privilege(p_role, pg_proc.oid, 'execute')
    ) as signed
    where signed.is_called or not signed.one_is_called
  ) as functions on true
  left join lateral (
    select pg_class.oid::regclass as relation from pg_catalog.pg_class
    where culprit.kind = 'table' and pg_class.relname = culprit.name and pg_class.relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and not has_table_privilege(p_role, pg_class.oid, 'select')
  ) as engine on true
  left join lateral (
    select string_agg(recsys_engine.table_sql(pg_class.oid), ' or ' order by pg_class.oid) as tables from pg_catalog.pg_class
    where culprit.kind = 'table' and pg_class.relname = culprit.name and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
      and pg_class.relnamespace <> all (array['pg_catalog', 'recsys', 'recsys_engine']::regnamespace[]) and not has_table_privilege(p_role, pg_class.oid, 'select')
  ) as denied on true
$$;
comment on function recsys_engine.missing_grant(name, text, text) is 'The statement that gives a role what it lacks, from the words in which PostgreSQL denied it and the context of the error; where no statement would give that alone, what to do in words.';

create function recsys_engine.check_access() returns table (stops boolean, problem text, cure text)
-- volatile: it sets the role
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- what it asks is written here: @plpgsql_check_options: security_warnings = off
  -- a user without any rows, so that all of this takes little
  nobody constant uuid := gen_random_uuid();
  before constant text := current_setting('role');
  before_claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  model constant bigint := (select models.model_id from recsys.models where models.status = 'active');
  vector constant text := array_fill(0.1::real, array[32])::text;
  asked record;
  missing record;
  denied text;
  context text;
  known text[] := '{}'::text[];
begin
  for asked in
    select readers.role, readers.role || ' may not read recsys.' || views.name as what, true as is_view, format('select * from recsys.%I limit 0', views.name) as query
    from pg_catalog.unnest('{authenticated,service_role}'::text[]) with ordinality as readers (role, place)
    cross join pg_catalog.unnest('{source_users,source_posts,source_interactions,source_logins,source_dismissals,source_mutes,source_follows,source_preferences,source_withheld,source_conversations}'::text[]) with ordinality as views (name, place)
    -- logins are read by the roll-up alone
    where readers.role = 'service_role' or views.name <> 'source_logins'
    union all
    select calls.role, format('%s may not ask for %s', calls.role, calls.what), false, calls.query
    from (
      values
        ('authenticated', 'who asks', 'select from recsys_engine.feed_context((select to_jsonb(assigned) from recsys_engine.assignment($1) as assigned)) as settings left join lateral recsys_engine.user_context($1, $2, settings.now) on true'),
        ('authenticated', 'where they belong', 'select from recsys.source_memberships where user_id = $1'),
        ('authenticated', 'candidates', 'select recsys_engine.served_key(found.post_id, 1), recsys_engine.text_key(found.title, found.tags, found.author_id) from recsys_engine.retrieve($1, $2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock()) as found'),
        ('authenticated', 'candidates with a filter', 'select from recsys_engine.retrieve($1, $2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock(), p_filter => ''{"tags": [""]}'')'),
        ('authenticated', 'posts of a topic, and of those whom they follow', 'select from recsys_engine.topic_posts(recsys_engine.feed_request($1, recsys.clock()), '''', 1), recsys_engine.listed_hits(recsys_engine.feed_request($1, recsys.clock()), ''{}'', 1)'),
        ('authenticated', 'the model', 'select * from recsys_engine.model_artifacts limit 0'),
        ('authenticated', 'their variant of an experiment', 'select recsys_engine.bucket($1, ''''), * from recsys.experiments, recsys.experiment_variants limit 0'),
        ('authenticated', 'the vectors of a second model', 'select recsys_engine.user_components($1, $2) from recsys_engine.user_model_inputs($1, $2, now(), ''{}'')'),
        ('authenticated', 'states of before', 'select from recsys_engine.user_history($1, recsys.clock()), recsys_engine.reconstruct_state($1, recsys.clock(), 0), recsys_engine.pruning_progress'),
        ('authenticated', 'what they did',
          'select recsys_engine.latest_interactions($1, recsys.clock()), recsys_engine.recent_interactions($1, recsys.clock(), ''{}''), exists (select from recsys_engine.latest_user_stats), exists (select from recsys_engine.user_stats)'),
        ('authenticated', 'what a replica''s page may show', 'select recsys_engine.visible_posts($1, ''{}''), recsys_engine.keep_readable_interactions(null)'),
        ('service_role', 'what is common to all feeds', 'select recsys_engine.global_candidates(recsys.clock()), (select count(*) from recsys_engine.scope_candidates($2, ''{a,null}'', 10)), recsys_engine.post_snapshots($2, ''{}'', recsys.clock()), (select count(*) from recsys_engine.rolled_up_posts)'),
        ('service_role', 'candidates besides these',
          'select recsys_engine.feed_candidates(jsonb_build_object(''role'', ''authenticated'', ''user_id'', $1::uuid, ''model_id'', $2::bigint, ''embedding'', translate($3, ''{}'', ''[]''), ''global_ids'', ''{}'', ''global_at'', 0))'),
        ('authenticated', 'the newest of whom they follow', 'select from recsys_engine.following_feed($1, recsys.clock(), 1)'),
        ('authenticated', 'posts that the app names', 'select from recsys_engine.requested_posts($1, ''{}'')'),
        ('authenticated', 'how many posts are new', 'select recsys_engine.count_new_posts($1, recsys.clock())'),
        ('authenticated', 'a list made ahead', 'select from recsys_engine.batch_feed($1, 1)'),
        ('authenticated', 'what is fresh and popular',
          'with asked as materialized (select recsys_engine.feed_request($1, recsys.clock()) as request)
            select from asked cross join lateral recsys_engine.global_sources(asked.request, ''feed'') as each where each.source in (''fresh'', ''trending'')'),
        ('authenticated', 'posts like one',
          'select recsys.app_id(post.post_id), recsys_engine.similar_posts_for_caller(post.post_id, 1),
            recsys_engine.nearest_posts($2, translate($3, ''{}'', ''[]'')::extensions.vector, recsys.clock(), ''{}'', 1)
            from (select source_posts.post_id from recsys.source_posts limit 1) as post'),
        ('authenticated', 'ideas', 'select from recsys_engine.idea_author(), recsys_engine.idea_posts(1), recsys_engine.readable_titled_posts(''{}'')'),
        ('authenticated', 'having events stored', 'select recsys_engine.record_events(''[]'')')
    ) as calls (role, what, query)
  loop
    begin
      perform set_config('role', asked.role, true), set_config('request.jwt.claims', format('{"sub": "%s", "role": "%s"}', nobody, asked.role), true);
      execute asked.query using nobody, model, vector;
    exception
      when insufficient_privilege then
        get stacked diagnostics denied = message_text, context = pg_exception_context;
        perform set_config('role', before, true);
        -- what one right is wanting to is said once
        if asked.is_view then
          for missing in select * from recsys_engine.missing_reads(asked.role) as reads loop
            if missing.statement <> all (known) then
              known := known || missing.statement || (asked.role || 'permission denied for table ' || (select pg_class.relname from pg_catalog.pg_class where pg_class.oid = missing.relation));
              return query select true, format('%s may not read %s: it lacks %s of %s', asked.role, missing.views, missing.columns, recsys_engine.table_sql(missing.relation)),
                case
                  -- a grant would let every member read everybody's rows, such as who blocked whom
                  when asked.role = 'authenticated' and exists (select from pg_catalog.pg_class where pg_class.oid = missing.relation and pg_class.relkind in ('r', 'p') and not pg_class.relrowsecurity)
                  then format('unless every member may read these columns in all rows, say in a policy who reads which, and: alter table %s enable row level security; then: %s', recsys_engine.table_sql(missing.relation), missing.statement)
                  else missing.statement
                end;
            end if;
          end loop;
        end if;
        -- nor again for the service, which looks for candidates under the caller's role
        if asked.role || regexp_replace(denied, 'for (materialized )?view', 'for table') <> all (known) and not (asked.query ~ '''authenticated''' and 'authenticated' || denied = any (known)) then
          known := known || (asked.role || denied);
          return query select true, format('%s: %s', asked.what, regexp_replace(denied, '\s+', ' ', 'g')), recsys_engine.missing_grant(asked.role, denied, context);
        end if;
      when others then
        -- the other parts say why
        null;
    end;
    perform set_config('role', before, true), set_config('request.jwt.claims', before_claims, true);
  end loop;
end
$$;
comment on function recsys_engine.check_access() is
  'The rights that authenticated or service_role lack for feeds, each with its grant: columns of tables that views read, else a description; tables, schemas, functions and what policies call. stops: feeds fall back until it is granted. A hidden one shows after that. Part of recsys.check().';
revoke all on function recsys_engine.member_readable_columns(regclass), recsys_engine.missing_grant(name, text, text), recsys_engine.check_access() from public;
