-- The fourth part of recsys.check(): whether the changes of the app's tables reach the engine.

create function recsys.check_upkeep() returns table (stops boolean, problem text, cure text)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  waiting bigint;
begin
  return query
  select false, format('recsys.%s reads %s, whose changes nobody follows', read.view, read.relation),
    coalesce(recsys.proposed_watch(to_regclass('recsys.' || read.view), read.kind, read.relation), format(
      'if columns of it say %s, call recsys.watch with their names (docs/adopting.md); if only the row of another table says so, its changes are seen when the %s is worked out for another reason, and no sooner',
      read.needed, read.entity))
  from (
    select views.view, views.kind, views.needed, views.entity, under.relation
    from (values
      ('source_users', 'users', 'whom it is of', 'person'), ('source_posts', 'posts', 'which post it is of', 'post'),
      ('source_interactions', 'interactions', 'who did it, with which post and when', 'person or post'), ('source_logins', 'logins', 'who came back and when', 'person')
    ) as views (view, kind, needed, entity)
    cross join recsys.relations_under(to_regclass('recsys.' || views.view)) as under
    join pg_catalog.pg_class on pg_class.oid = under.relation
    where under.kind in ('r', 'p') and pg_class.relnamespace <> 'recsys'::regnamespace
  ) as read
  where not exists (select from pg_catalog.pg_trigger where pg_trigger.tgrelid = read.relation and pg_trigger.tgname like 'recsys\_%')
  order by read.view, read.relation::text;

  select count(*) into waiting from (select from recsys.feature_changes limit 1000001) as changes;
  if not exists (select from recsys.latest_post_stats) and exists (select from recsys.source_interactions) then
    return query select false, 'no events are rolled up yet'::text,
      case waiting
        when 0 then 'call recsys.watch for each table, as above: that queues them'
        else 'recsys train does it; or by hand: set statement_timeout = 0; select recsys.roll_up(null)'
      end;
  elsif waiting > 100000 then
    return query select false, format('%s changes wait to be rolled up', case when waiting > 1000000 then 'more than a million' else waiting::text end),
      'recsys train does it; or by hand: set statement_timeout = 0; select recsys.roll_up(null)'::text;
  end if;
end
$$;
comment on function recsys.check_upkeep() is 'Tables under the source views that recsys.watch was not called for, and events that no roll-up has counted. Part of recsys.check().';
revoke all on function recsys.check_upkeep() from public;
