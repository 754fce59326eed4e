-- The first part of recsys.check(): whether the six source views are what the engine reads.

create function recsys.relations_under(p_view regclass) returns table (relation regclass, kind "char")
language sql stable security invoker set search_path = ''
as $$
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
  where under.oid <> p_view
$$;
comment on function recsys.relations_under(regclass) is 'The tables (kind r, p, f) and views (v, m) that a view reads, however many views are between.';

create function recsys.is_invoker_view(p_view regclass) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select coalesce((
    select bool_or(lower(option.option_value) in ('true', 'on', 'yes', '1'))
    from pg_catalog.pg_class
    cross join pg_catalog.pg_options_to_table(pg_class.reloptions) as option
    where pg_class.oid = p_view and option.option_name = 'security_invoker'
  ), false)
$$;
comment on function recsys.is_invoker_view(regclass) is 'Whether a view shows its reader what the reader may see (security_invoker), and not what its owner may.';

create function recsys.check_views() returns table (stops boolean, problem text, cure text)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return query
  select true, format('%s is not security_invoker: it shows everybody what its owner may see, and no feed is served from it', view.name),
    format('alter view %s set (security_invoker = true); and in your migration: create or replace view %1$s with (security_invoker = true) as …', view.name)
  from pg_catalog.unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_logins,recsys.source_dismissals,recsys.source_mutes}'::text[]) as view (name)
  where not recsys.is_invoker_view(to_regclass(view.name));

  return query
  select false, format('%s reads the view %s, which is not security_invoker: row level security of the tables under it does not hold', view.name, under.relation),
    format('alter view %s set (security_invoker = true), unless it says itself who sees what', under.relation)
  from pg_catalog.unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_logins,recsys.source_dismissals,recsys.source_mutes}'::text[]) as view (name)
  cross join recsys.relations_under(to_regclass(view.name)) as under
  where under.kind = 'v' and not recsys.is_invoker_view(under.relation);

  return query
  select false, format('row level security is off for %s: everybody is recommended all of it', under.relation),
    format('alter table %s enable row level security, with a policy that says who reads what, unless everybody may', under.relation)
  from recsys.relations_under('recsys.source_posts'::regclass) as under
  join pg_catalog.pg_class on pg_class.oid = under.relation
  where under.kind in ('r', 'p') and not pg_class.relrowsecurity;

  return query
  select true, format('%s has no column %s of type %s', expected.view, expected.name, format_type(expected.type, null)), 'see the columns in 20261125000290_source_views.sql'
  from (
    values
      ('recsys.source_users', 'user_id', 'uuid'::regtype), ('recsys.source_users', 'external_id', 'text'), ('recsys.source_users', 'passions', 'text[]'),
      ('recsys.source_users', 'projects', 'text[]'), ('recsys.source_users', 'bio', 'text'), ('recsys.source_users', 'created_at', 'timestamptz'),
      ('recsys.source_posts', 'post_id', 'uuid'), ('recsys.source_posts', 'external_id', 'text'), ('recsys.source_posts', 'author_id', 'uuid'),
      ('recsys.source_posts', 'title', 'text'), ('recsys.source_posts', 'description', 'text'), ('recsys.source_posts', 'tags', 'text[]'),
      ('recsys.source_posts', 'created_at', 'timestamptz'), ('recsys.source_posts', 'language', 'text'),
      ('recsys.source_interactions', 'interaction_id', 'bigint'), ('recsys.source_interactions', 'user_id', 'uuid'), ('recsys.source_interactions', 'post_id', 'uuid'),
      ('recsys.source_interactions', 'kind', 'text'), ('recsys.source_interactions', 'created_at', 'timestamptz'),
      ('recsys.source_interactions', 'weight', 'real'),
      ('recsys.source_logins', 'login_id', 'bigint'), ('recsys.source_logins', 'user_id', 'uuid'), ('recsys.source_logins', 'created_at', 'timestamptz'),
      ('recsys.source_dismissals', 'user_id', 'uuid'), ('recsys.source_dismissals', 'post_id', 'uuid'), ('recsys.source_dismissals', 'created_at', 'timestamptz'),
      ('recsys.source_mutes', 'user_id', 'uuid'), ('recsys.source_mutes', 'kind', 'text'), ('recsys.source_mutes', 'value', 'text'),
      ('recsys.source_mutes', 'created_at', 'timestamptz')
  ) as expected (view, name, type)
  where not exists (
    select from pg_catalog.pg_attribute
    where pg_attribute.attrelid = to_regclass(expected.view) and pg_attribute.attname = expected.name and pg_attribute.atttypid = expected.type
  );
end
$$;
comment on function recsys.check_views() is 'What is wrong with the source views: not security_invoker, columns missing or of another type. stops: no feed or training is to be had until it is mended. Part of recsys.check().';

revoke all on function recsys.relations_under(regclass), recsys.is_invoker_view(regclass), recsys.check_views() from public;
