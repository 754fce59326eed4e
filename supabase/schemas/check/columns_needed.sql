-- The columns of the app's tables that roles need for the source views: the grants that recsys.check() proposes are
-- made of them. A table may hold a hash of a password next to a name, so no grant of ours names more than is read.

create function recsys_engine.columns_asked(p_role name, p_relation regclass) returns table (relation regclass, attnum smallint)
language sql stable security invoker set search_path = ''
as $$
  select pg_depend.refobjid::regclass, pg_depend.refobjsubid::smallint
  from (
    -- under a view that is not security_invoker its owner reads, and no caller
    select 'pg_catalog.pg_rewrite'::regclass as class, pg_rewrite.oid
    from pg_catalog.pg_rewrite where pg_rewrite.ev_class = p_relation and recsys_engine.is_invoker_view(p_relation)
    union all
    select 'pg_catalog.pg_policy'::regclass, pg_policy.oid
    from pg_catalog.pg_policy
    join pg_catalog.pg_class on pg_class.oid = pg_policy.polrelid and pg_class.relrowsecurity
    join pg_catalog.pg_roles on pg_roles.rolname = p_role and not pg_roles.rolbypassrls
    where pg_policy.polrelid = p_relation and pg_policy.polcmd in ('r', '*')
      and exists (select from unnest(pg_policy.polroles) as granted (role) where granted.role = 0 or pg_has_role(pg_roles.oid, granted.role, 'usage'))
  ) as asking
  join pg_catalog.pg_depend on pg_depend.classid = asking.class and pg_depend.objid = asking.oid and pg_depend.refclassid = 'pg_catalog.pg_class'::regclass
  -- a policy reads the row that it judges without a right to it
  where pg_depend.refobjid <> p_relation
$$;
comment on function recsys_engine.columns_asked(name, regclass) is 'The columns that a view, or the policies on a table, read as the role that asks, one step down; with a number of 0 for the table itself.';

create function recsys_engine.columns_needed(p_role name, p_view regclass) returns table (relation regclass, attnum smallint)
language sql stable security invoker set search_path = ''
as $$
  with recursive needed as (
    select p_view as relation, 0::smallint as attnum
    union
    select asked.relation, asked.attnum from needed cross join lateral recsys_engine.columns_asked(p_role, needed.relation) as asked
  )
  select needed.relation, needed.attnum from needed where needed.relation <> p_view
$$;
comment on function recsys_engine.columns_needed(name, regclass) is 'The columns that a role has to be allowed to read for a view to show it anything, those of views under it and of what policies read included; with a number of 0 for each table itself. What functions read is not among them: the catalog does not say it.';

create function recsys_engine.missing_reads(p_role name) returns table (relation regclass, views text, columns text, statement text)
language sql stable security invoker set search_path = ''
as $$
  select lacking.relation, string_agg(distinct lacking.view, ', ' order by lacking.view), named.columns,
    format('grant select (%s) on %s to %I', named.columns, recsys_engine.table_sql(lacking.relation), p_role)
  from (
    select reads.view, reads.relation, array_agg(reads.attnum) over (partition by reads.relation) as attnums
    from (
      select views.view, needed.relation, needed.attnum
      from unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_logins,recsys.source_dismissals,recsys.source_mutes,recsys.source_follows,recsys.source_preferences,recsys.source_withheld,recsys.source_conversations,recsys.source_memberships,recsys.source_post_scopes}'::text[]) as views (view)
      cross join recsys_engine.columns_needed(p_role, to_regclass(views.view)) as needed
      -- logins are read by the roll-up alone, and a user's scopes by their own feed
      where views.view <> all (case when p_role = 'service_role' then '{recsys.source_memberships}' else '{recsys.source_logins,recsys.source_post_scopes}' end::text[])
      union all
      -- no view is over vectors
      select 'recsys.watches', watches.table_name, pg_attribute.attnum
      from recsys.watches
      join pg_catalog.pg_attribute on pg_attribute.attrelid = watches.table_name and watches.watch -> 'columns' ? pg_attribute.attname::text
      where p_role = 'service_role' and watches.kind in ('vectors', 'user_vectors')
      union all
      select 'recsys.watches', pg_attribute.attrelid, pg_attribute.attnum
      from recsys.watches
      join pg_catalog.pg_attribute on pg_attribute.attrelid = to_regclass(watches.watch #>> '{lookup,0}') and pg_attribute.attname in (watches.watch #>> '{lookup,1}', watches.watch #>> '{lookup,2}')
      where p_role = 'service_role' and watches.kind = 'user_vectors'
    ) as reads
    join pg_catalog.pg_class on pg_class.oid = reads.relation and pg_class.relnamespace not in ('recsys'::regnamespace, 'recsys_engine'::regnamespace)
    where reads.attnum <> 0 and not has_column_privilege(p_role, reads.relation, reads.attnum, 'select')
  ) as lacking
  cross join lateral (
    select string_agg(recsys_engine.identifier_sql(pg_attribute.attname), ', ' order by pg_attribute.attnum) as columns
    from pg_catalog.pg_attribute where pg_attribute.attrelid = lacking.relation and pg_attribute.attnum = any (lacking.attnums)
  ) as named
  group by lacking.relation, named.columns
$$;
comment on function recsys_engine.missing_reads(name) is 'The columns of the app''s tables that a role may not read though a source view, or a watch of vectors, does so for it, a row for each table, with the statement that grants these and no others.';

create table recsys_engine.granted_reads (
  role name not null,
  relation regclass not null,
  column_name name not null,
  primary key (role, relation, column_name)
);
comment on table recsys_engine.granted_reads is 'Columns of the app''s tables that recsys.grant_reads let a role read, which recsys uninstall takes back: those that it could read before are not among them.';
comment on column recsys_engine.granted_reads.role is 'The role that was granted it.';
comment on column recsys_engine.granted_reads.relation is 'The table.';
comment on column recsys_engine.granted_reads.column_name is 'The column.';
alter table recsys_engine.granted_reads enable row level security;

create function recsys.grant_reads(p_role name) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- recsys_engine.missing_reads quotes what it names, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  missing record;
  unreadable name[];
begin
  if p_role is null or p_role not in ('service_role', 'authenticated') then
    raise exception 'recsys.grant_reads: the role is service_role, or authenticated where members are to read what the views show, not %', coalesce(quote_literal(p_role), 'null')
      using errcode = '22023';
  end if;
  for missing in select reads.relation, reads.statement from recsys_engine.missing_reads(p_role) as reads loop
    unreadable := array(
      select pg_attribute.attname from pg_catalog.pg_attribute
      where pg_attribute.attrelid = missing.relation and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
        and not has_column_privilege(p_role, missing.relation, pg_attribute.attnum, 'select')
    );
    execute missing.statement;
    insert into recsys_engine.granted_reads (role, relation, column_name)
    select p_role, missing.relation, names.name from unnest(unreadable) as names (name)
    where has_column_privilege(p_role, missing.relation, names.name::text, 'select')
    on conflict do nothing;
  end loop;
end
$$;
comment on function recsys.grant_reads(name) is
  'Grants a role the columns of the app''s tables that the source views read, as far as they are missing. Call it after each change of a view, for service_role, which reads all rows. authenticated needs only what feeds read; row level security has to choose the rows.';
revoke all on function recsys_engine.columns_asked(name, regclass), recsys_engine.columns_needed(name, regclass), recsys_engine.missing_reads(name), recsys.grant_reads(name) from public;
