-- The fourth part of recsys.check(): whether the changes of the app's tables reach the engine.

create function recsys.check_upkeep() returns table (stops boolean, problem text, cure text)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  waiting bigint;
begin
  return query
  select false, format('recsys.%s reads %s, whose changes nobody follows', read.view, read.relation),
    format('select recsys.watch(%L, %L%s)', read.relation::text, read.kind, case when read.kind in ('users', 'posts') then ', p_texts => ''{…}''' else '' end)
  from (
    select views.view, views.kind, under.relation
    from (values ('source_users', 'users'), ('source_posts', 'posts'), ('source_interactions', 'interactions'), ('source_logins', 'logins')) as views (view, kind)
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
        when 0 then 'select recsys.watch(…) for each table, as above, queues them'
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
