-- The ninth part of recsys.check(): policies that go by a header of the request, such as a tenant's, which a function hands on only where it is named.

create function recsys_engine.request_readers() returns table (reader text, source text)
language sql stable security invoker set search_path = ''
as $$
  with recursive views as materialized (
    select to_regclass(views.name) as relation
    from unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_logins,recsys.source_dismissals,recsys.source_mutes,recsys.source_follows,recsys.source_preferences,recsys.source_withheld,recsys.source_conversations,recsys.source_memberships,recsys.source_post_scopes}'::text[]) as views (name)
  ), relations as materialized (
    select views.relation from views
    union
    select needed.relation
    from views cross join unnest('{authenticated,anon}'::name[]) as callers (role) cross join lateral recsys_engine.columns_needed(callers.role, views.relation) as needed
  ), rules as materialized (
    select 'pg_catalog.pg_policy'::regclass as class, pg_policy.oid,
      format('the policy %s on %s', recsys_engine.identifier_sql(pg_policy.polname), recsys_engine.table_sql(pg_policy.polrelid)) as reader,
      pg_get_expr(pg_policy.polqual, pg_policy.polrelid) as source
    from relations
    join pg_catalog.pg_class on pg_class.oid = relations.relation and pg_class.relrowsecurity
    join pg_catalog.pg_policy on pg_policy.polrelid = relations.relation and pg_policy.polcmd in ('r', '*')
    where exists (
      select from unnest(pg_policy.polroles) as granted (role) cross join unnest('{authenticated,anon}'::name[]) as callers (role)
      where granted.role = 0 or pg_has_role(callers.role, granted.role, 'usage')
    )
    union all
    select 'pg_catalog.pg_rewrite'::regclass, pg_rewrite.oid, format('the view %s', recsys_engine.table_sql(pg_rewrite.ev_class)), pg_get_viewdef(pg_rewrite.ev_class)
    from relations join pg_catalog.pg_rewrite on pg_rewrite.ev_class = relations.relation
  ), functions as materialized (
    select pg_proc.oid, format('%s.%s', recsys_engine.identifier_sql(pg_namespace.nspname), recsys_engine.identifier_sql(pg_proc.proname)) as name,
      coalesce(pg_get_function_sqlbody(pg_proc.oid), pg_proc.prosrc) as source, lower(pg_proc.proname) as looked_for,
      -- a call of it, with its schema or with none
      format('(^|[^[:alnum:]_.$"])("?%s"?\s*\.\s*)?"?%s"?\s*\(', recsys_engine.word_pattern(pg_namespace.nspname), recsys_engine.word_pattern(pg_proc.proname)) as call
    from pg_catalog.pg_proc
    join pg_catalog.pg_namespace on pg_namespace.oid = pg_proc.pronamespace and pg_namespace.nspname not in ('pg_catalog', 'information_schema', 'recsys', 'recsys_engine')
    where not exists (
      select from pg_catalog.pg_depend
      where pg_depend.classid = 'pg_catalog.pg_proc'::regclass and pg_depend.objid = pg_proc.oid and pg_depend.deptype = 'e'
    )
  ), calls (reader, oid, depth) as (
    select rules.reader, pg_depend.refobjid, 1
    from rules
    join pg_catalog.pg_depend on pg_depend.classid = rules.class and pg_depend.objid = rules.oid and pg_depend.refclassid = 'pg_catalog.pg_proc'::regclass
    union
    -- what a function calls is in its text alone; those that call each other end with the fifth
    select calls.reader, called.oid, calls.depth + 1
    from calls
    join functions as caller on caller.oid = calls.oid
    join functions as called on called.oid <> caller.oid and strpos(lower(caller.source), called.looked_for) > 0 and caller.source ~* called.call
    where calls.depth < 5
  )
  select rules.reader, rules.source from rules
  union
  select format('%s by %s', calls.reader, functions.name), functions.source
  from calls join functions on functions.oid = calls.oid
$$;
comment on function recsys_engine.request_readers() is 'What a member or visitor is judged by when they read the source views: the policies and views under these, and the functions that they call, and those that these call, five deep, each with its source text.';

create function recsys_engine.check_headers() returns table (stops boolean, problem text, cure text)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  handed_on constant text[] := coalesce((select settings.forwarded_headers from recsys.settings), '{}');
begin
  return query
  with readers as materialized (
    select distinct readers.reader, readers.source from recsys_engine.request_readers() as readers where readers.source ~ '''request\.(headers|cookies)'''
  ), headers as materialized (
    select distinct readers.reader, named.header[1] as header
    from readers
    -- a name behind the first arrow, with at most '' or '{}' before it
    cross join lateral regexp_matches(readers.source, '''request\.headers''(?:[^''-]|-(?!>)|''''|''\{\}'')*->>?\s*''([a-z0-9_.-]+)''', 'g') as named (header)
  )
  select false,
    format('%s reads the header %s, which the functions do not hand on: a feed is made as if it was not sent', string_agg(headers.reader, ', ' order by headers.reader), headers.header),
    case when headers.header in ('cookie', 'authorization', 'apikey') then 'unless SQL is not to see that secret: ' else '' end
      || format('update recsys.settings set forwarded_headers = forwarded_headers || %s::text where %1$s <> all (forwarded_headers)', recsys_engine.literal_sql(headers.header))
  from headers
  where headers.header <> all (handed_on)
  group by headers.header
  union all
  select false,
    format('%s reads request.headers, and the functions hand on no header: recsys.settings.forwarded_headers is empty', string_agg(readers.reader, ', ' order by readers.reader)),
    'name the headers that it reads, in lower case: update recsys.settings set forwarded_headers = ''{…}'''
  from readers
  where handed_on = '{}' and readers.source ~ '''request\.headers''' and readers.reader not in (select headers.reader from headers)
  having count(*) > 0
  union all
  select false, format('%s reads request.cookies, which the functions do not set', string_agg(readers.reader, ', ' order by readers.reader)),
    'let it read a header of the app''s own, and name that in recsys.settings.forwarded_headers (docs/adopting.md)'
  from readers
  where readers.source ~ '''request\.cookies'''
  having count(*) > 0;
end
$$;
comment on function recsys_engine.check_headers() is 'Policies and views, and functions that they call, which read headers or cookies of a request that the functions do not hand on to them. Part of recsys.check().';

revoke all on function recsys_engine.request_readers(), recsys_engine.check_headers() from public;
