-- What a source view without security_invoker shows is what its owner may see: a member of one app saw 950 posts instead of 903, and the feed
-- served them. So every feed asks the catalog first; the answer is in the session's cache of pg_class.

create function recsys_engine.require_invoker_views() returns void
language plpgsql stable security invoker set search_path = ''
as $$
declare
  open_view text;
begin
  select pg_class.oid::regclass::text into open_view
  from pg_catalog.pg_class
  where pg_class.oid in (
      'recsys.source_users'::regclass, 'recsys.source_posts'::regclass, 'recsys.source_interactions'::regclass,
      'recsys.source_logins'::regclass, 'recsys.source_dismissals'::regclass, 'recsys.source_mutes'::regclass, 'recsys.source_follows'::regclass,
      'recsys.source_preferences'::regclass, 'recsys.source_withheld'::regclass, 'recsys.source_conversations'::regclass,
      'recsys.source_memberships'::regclass, 'recsys.source_post_scopes'::regclass
    )
    and pg_class.relkind = 'v'
    -- as it is nearly always written
    and (pg_class.reloptions @> '{security_invoker=true}') is not true
    and coalesce(not lower(pg_class.reloptions::text)::text[] && '{security_invoker=true,security_invoker=on,security_invoker=yes,security_invoker=1}', true);
  if open_view is not null then
    raise exception '% is not security_invoker, so it shows everybody what its owner may see', open_view
      using errcode = 'RS001', hint = format('alter view %s set (security_invoker = true)', open_view);
  end if;
end
$$;
comment on function recsys_engine.require_invoker_views() is 'Raises RS001 where a source view is not security_invoker, which "create or replace view" makes of one where it is not said again. Every request for posts or people asks it, so that nothing is served from such a view.';
revoke all on function recsys_engine.require_invoker_views() from public;
grant execute on function recsys_engine.require_invoker_views() to anon, authenticated, service_role;
