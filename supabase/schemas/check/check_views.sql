-- The first part of recsys.check(): whether the ten source views are what the engine reads.

create function recsys_engine.check_views() returns table (stops boolean, problem text, cure text)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return query
  select true, format('%s is not security_invoker: it shows everybody what its owner may see, and no feed is served from it', view.name),
    format('alter view %s set (security_invoker = true)  -- and in your migration: create or replace view %1$s with (security_invoker = true) as …', view.name)
  from pg_catalog.unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_logins,recsys.source_dismissals,recsys.source_mutes,recsys.source_follows,recsys.source_preferences,recsys.source_withheld,recsys.source_conversations,recsys.source_memberships,recsys.source_post_scopes}'::text[]) as view (name)
  where not recsys_engine.is_invoker_view(to_regclass(view.name));

  return query
  select false, format('%s reads the view %s, which is not security_invoker: row level security of the tables under it does not hold', view.name, recsys_engine.table_sql(under.relation)),
    format('unless it says itself who sees what: alter view %s set (security_invoker = true)', recsys_engine.table_sql(under.relation))
  from pg_catalog.unnest('{recsys.source_users,recsys.source_posts,recsys.source_interactions,recsys.source_logins,recsys.source_dismissals,recsys.source_mutes,recsys.source_follows,recsys.source_preferences,recsys.source_withheld,recsys.source_conversations,recsys.source_memberships,recsys.source_post_scopes}'::text[]) as view (name)
  cross join recsys_engine.relations_under(to_regclass(view.name)) as under
  where under.kind = 'v' and not recsys_engine.is_invoker_view(under.relation);

  return query
  select false, format('row level security is off for %s: everybody is recommended all of it', recsys_engine.table_sql(under.relation)),
    format('unless everybody may read all of it, say in a policy who reads what; then: alter table %s enable row level security', recsys_engine.table_sql(under.relation))
  from recsys_engine.relations_under('recsys.source_posts'::regclass) as under
  join pg_catalog.pg_class on pg_class.oid = under.relation
  where under.kind in ('r', 'p') and not pg_class.relrowsecurity;

  return query
  select true, format('%s has no column %s of type %s', expected.view, expected.name, format_type(expected.type, null)), 'docs/adopting.md names its columns'
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
      ('recsys.source_mutes', 'created_at', 'timestamptz'),
      ('recsys.source_follows', 'user_id', 'uuid'), ('recsys.source_follows', 'kind', 'text'), ('recsys.source_follows', 'target', 'text'),
      ('recsys.source_follows', 'created_at', 'timestamptz'),
      ('recsys.source_preferences', 'user_id', 'uuid'), ('recsys.source_preferences', 'kind', 'text'), ('recsys.source_preferences', 'value', 'text'),
      ('recsys.source_withheld', 'post_id', 'uuid'), ('recsys.source_withheld', 'author_id', 'uuid'),
      ('recsys.source_conversations', 'post_id', 'uuid'), ('recsys.source_conversations', 'conversation', 'text'),
      ('recsys.source_memberships', 'user_id', 'uuid'), ('recsys.source_memberships', 'scope', 'text'),
      ('recsys.source_post_scopes', 'post_id', 'uuid'), ('recsys.source_post_scopes', 'scope', 'text')
  ) as expected (view, name, type)
  where not exists (
    select from pg_catalog.pg_attribute
    where pg_attribute.attrelid = to_regclass(expected.view) and pg_attribute.attname = expected.name and pg_attribute.atttypid = expected.type
  );
end
$$;
comment on function recsys_engine.check_views() is 'What is wrong with the source views: not security_invoker, columns missing or of another type. stops: no feed or training is to be had until it is mended. Part of recsys.check().';

revoke all on function recsys_engine.check_views() from public;
