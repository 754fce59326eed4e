-- What is under a view, and under whose rights it is read.

create function recsys_engine.relations_under(p_view regclass) returns table (relation regclass, kind "char")
language plpgsql stable security invoker set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with recursive under as (
    select p_view::oid as oid
    union
    select pg_depend.refobjid
    from under
    join pg_catalog.pg_rewrite on pg_rewrite.ev_class = under.oid
    join pg_catalog.pg_depend on pg_depend.classid = 'pg_catalog.pg_rewrite'::regclass and pg_depend.objid = pg_rewrite.oid
      and pg_depend.refclassid = 'pg_catalog.pg_class'::regclass and pg_depend.refobjid <> under.oid
  )
  select under.oid::regclass, pg_class.relkind
  from under
  join pg_catalog.pg_class on pg_class.oid = under.oid
  where under.oid <> p_view;
end
$$;
comment on function recsys_engine.relations_under(regclass) is 'The tables (kind r, p, f) and views (v, m) that a view reads, however many views are between.';

create function recsys_engine.is_invoker_view(p_view regclass) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select coalesce((
    select bool_or(lower(option.option_value) in ('true', 'on', 'yes', '1'))
    from pg_catalog.pg_class
    cross join pg_catalog.pg_options_to_table(pg_class.reloptions) as option
    where pg_class.oid = p_view and option.option_name = 'security_invoker'
  ), false)
$$;
comment on function recsys_engine.is_invoker_view(regclass) is 'Whether a view shows its reader what the reader may see (security_invoker), and not what its owner may.';

revoke all on function recsys_engine.relations_under(regclass), recsys_engine.is_invoker_view(regclass) from public;
-- a feed asks whether an app says which posts are one conversation
grant execute on function recsys_engine.relations_under(regclass) to service_role;
