-- The fourth part of recsys.check(): whether the changes of the app's tables reach the engine.

create function recsys_engine.are_equivalent_columns(p_table regclass, p_one text, p_other text) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select p_one = p_other or exists (
    select from pg_catalog.pg_attribute as one, pg_catalog.pg_attribute as other
    where one.attrelid = p_table and other.attrelid = p_table and one.attname = p_one and other.attname = p_other
      and (other.attnum in (select made.attnum from recsys_engine.generated_from(p_table, one.attnum) as made)
        or one.attnum in (select made.attnum from recsys_engine.generated_from(p_table, other.attnum) as made))
  )
$$;
comment on function recsys_engine.are_equivalent_columns(regclass, text, text) is 'Whether two columns of a table are the same, or one is generated from the other.';
revoke all on function recsys_engine.are_equivalent_columns(regclass, text, text) from public;

create function recsys_engine.check_upkeep() returns table (stops boolean, problem text, cure text)
language plpgsql stable security invoker set search_path = ''
-- compiling a plan for a few tables takes 2 s of its 3
set jit = off
as $$
declare
  waiting bigint;
begin
  return query
  select true, format('recsys.watch follows %s by a column that is gone (%s), and each statement that writes the table fails', recsys_engine.table_sql(watches.table_name), missing.names),
    format('select recsys.unwatch(%s)  -- and call recsys.watch with the columns there are', concat_ws(', ',
      recsys_engine.literal_sql(watches.table_name::text), recsys_engine.literal_sql(watches.kind),
      'p_user_id => ' || recsys_engine.literal_sql(watches.user_column), 'p_post_id => ' || recsys_engine.literal_sql(watches.post_column), 'p_created_at => ' || recsys_engine.literal_sql(watches.created_column)))
  from recsys.watches
  cross join lateral (
    select string_agg(recsys_engine.identifier_sql(used.name), ', ' order by used.name) as names
    from (select distinct each.name from jsonb_array_elements_text(watches.watch -> 'columns') as each (name)) as used
    where not recsys_engine.has_columns(watches.table_name, array[used.name])
  ) as missing
  where missing.names is not null;

  return query
  select distinct false, format('recsys.%s reads %s, whose changes nobody follows', read.view,
      case when asked.is_watched then coalesce(recsys_engine.identifier_sql(asked.post) || ' of ', format('what is of a %s in ', read.entity)) else '' end || recsys_engine.table_sql(read.relation)),
    coalesce(asked.proposal, format(
      'if columns of it say %s, call recsys.watch with their names (docs/adopting.md); if only the row of another table says so, its changes are seen when the %s is worked out for another reason, and no sooner',
      read.needed, read.entity))
  from (
    select views.view, views.kind, views.kinds, views.needed, views.entity, under.relation
    from (values
      ('source_users', 'users', '{users,user_texts}'::text[], 'whom it is of', 'person'), ('source_posts', 'posts', '{posts,post_texts}', 'which post it is of', 'post'),
      ('source_interactions', 'interactions', '{interactions}', 'who did it, with which post and when', 'person or post'), ('source_logins', 'logins', '{logins}', 'who came back and when', 'person')
    ) as views (view, kind, kinds, needed, entity)
    cross join recsys_engine.relations_under(to_regclass('recsys.' || views.view)) as under
    join pg_catalog.pg_class on pg_class.oid = under.relation
    where under.kind in ('r', 'p') and pg_class.relnamespace not in ('recsys'::regnamespace, 'recsys_engine'::regnamespace)
  ) as read
  -- each post that a row names asks for a watch of its own
  left join lateral recsys_engine.posts_read(to_regclass('recsys.' || read.view), read.relation) as named on read.kind in ('posts', 'interactions')
  cross join lateral (
    select exists (select from recsys.watches where watches.table_name = read.relation) as is_watched, named.name as post,
      recsys_engine.proposed_watch(to_regclass('recsys.' || read.view), read.kind, read.relation, named.name) as proposal
  ) as asked
  where not exists (
      select from recsys.watches
      where watches.table_name = read.relation and watches.kind = any (read.kinds)
        and (watches.kind not in ('interactions', 'post_texts') or named.name is null or recsys_engine.are_equivalent_columns(read.relation, watches.post_column, named.name))
    )
    -- a table that is followed for one view may only be looked up in another one
    and (not asked.is_watched or asked.proposal is not null and (read.kind not in ('posts', 'interactions') or named.name is not null))
  order by 2, 3;

  select count(*) into waiting from (select from recsys_engine.feature_changes limit 1000001) as changes;
  if not exists (select from recsys_engine.latest_post_stats) and exists (select from recsys.source_interactions) then
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
comment on function recsys_engine.check_upkeep() is 'Tables under the source views that recsys.watch was not called for, or not for each post that their rows name, watches of columns that are gone, and events that no roll-up has counted. Part of recsys.check().';
revoke all on function recsys_engine.check_upkeep() from public;
