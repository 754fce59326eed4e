-- What recsys.watch is made of: SQL for what a changed row names, and the record of what is watched, which the triggers themselves keep.

create function recsys_engine.changed_rows(p_operation text, p_columns text) returns text
language sql immutable security invoker set search_path = ''
as $$
  select case p_operation
    when 'INSERT' then format('select %s from new_rows', p_columns)
    when 'DELETE' then format('select %s from old_rows', p_columns)
    -- as they were and as they are, without the rows that are the same before and after
    else format('(select %1$s from old_rows except all select %1$s from new_rows) union all (select %1$s from new_rows except all select %1$s from old_rows)', p_columns)
  end
$$;
comment on function recsys_engine.changed_rows(text, text) is 'SQL for the triggers of watched tables: the rows that a statement (INSERT, UPDATE or DELETE) inserted, deleted or changed in some of the columns; p_columns: their list as SQL.';
revoke all on function recsys_engine.changed_rows(text, text) from public;

create function recsys_engine.id_sql(p_table regclass, p_column text) returns text
language sql stable security invoker set search_path = ''
as $$
  select case
    when pg_attribute.atttypid = any ('{bigint,integer,smallint}'::regtype[]) then format('recsys.id_of(%I::bigint)', p_column)
    when pg_attribute.atttypid = any ('{text,varchar}'::regtype[]) then format('recsys.id_of(%I::text)', p_column)
    when pg_attribute.atttypid = 'uuid'::regtype then quote_ident(p_column)
  end
  from pg_catalog.pg_attribute
  where pg_attribute.attrelid = p_table and pg_attribute.attname = p_column and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
$$;
comment on function recsys_engine.id_sql(regclass, text) is 'SQL for the uuid by which the engine knows what a column of an app''s table names: the column where it is a uuid, recsys.id_of of it where it is a number or text. Null: of another type, or missing.';
revoke all on function recsys_engine.id_sql(regclass, text) from public;

create function recsys_engine.person_sql(p_column text, p_lookup text[]) returns text
language plpgsql stable security invoker set search_path = ''
as $$
declare
  people regclass;
  wrong text;
begin
  if p_lookup is null then
    return 'changed.' || quote_ident(p_column);
  end if;
  people := to_regclass(p_lookup[1]);
  wrong := case
    when cardinality(p_lookup) <> 3 or array_position(p_lookup, null) is not null then 'names a table, its key and the column with the uuid of auth.users, as in ''{public.people,id,auth_id}'''
    when people is null then format('there is no table %s', p_lookup[1])
    when not exists (
      select from pg_catalog.pg_attribute
      where pg_attribute.attrelid = people and pg_attribute.attname = p_lookup[3] and pg_attribute.atttypid = 'uuid'::regtype and not pg_attribute.attisdropped
    ) then format('%s has no column %s that is a uuid', people, p_lookup[3])
    -- one row or none for a key, and found by an index with each change
    when not exists (
      select from pg_catalog.pg_index
      join pg_catalog.pg_attribute on pg_attribute.attrelid = people and pg_attribute.attname = p_lookup[2]
      where pg_index.indrelid = people and pg_index.indisunique and pg_index.indisvalid and pg_index.indpred is null and pg_index.indnkeyatts = 1 and pg_index.indkey[0] = pg_attribute.attnum
    ) then format('%s has no unique index on its column %s', people, p_lookup[2])
  end;
  if wrong is not null then
    raise exception 'recsys.watch: p_user_lookup: %', wrong using errcode = '42804';
  end if;
  return format('(select people.%I from %s as people where people.%I = changed.%I)', p_lookup[3], people, p_lookup[2], p_column);
end
$$;
comment on function recsys_engine.person_sql(text, text[]) is 'SQL for the uuid of the person whom a column of the row "changed" of an app''s table names: the column, or what p_lookup, {table,key,uuid}, has for it. Raises where that cannot be looked up.';
revoke all on function recsys_engine.person_sql(text, text[]) from public;

create function recsys_engine.watch_name(p_kind text, p_columns text[]) returns text
language sql immutable security invoker set search_path = ''
as $$
  -- names of columns are for readers of \d; six digits of a hash tell apart those that begin alike
  select p_kind || case when cardinality(p_columns) > 0 then format('_%s_%s',
    left(regexp_replace(lower(array_to_string(p_columns, '_')), '[^a-z0-9_]', '', 'g'), 18), left(md5(p_columns::text), 6)) else '' end
$$;
comment on function recsys_engine.watch_name(text, text[]) is 'What the triggers of a watch are named by: its kind and the columns that tell it from others of that kind on the same table.';

create function recsys_engine.trigger_arguments(p_arguments bytea) returns text[]
language plpgsql stable security invoker set search_path = ''
as $$
begin
  -- each ends with a byte of zero, which is \000 here, as no backslash is left that stands for itself
  return (
    select array_agg(convert_from(decode(listed.part, 'escape'), getdatabaseencoding()) order by listed.place)
    from (select string_to_array(replace(encode(p_arguments, 'escape'), '\\', '\134'), '\000') as list) as parts
    cross join unnest(parts.list) with ordinality as listed (part, place)
    where listed.place < cardinality(parts.list)
  );
end
$$;
comment on function recsys_engine.trigger_arguments(bytea) is 'The arguments of a trigger, from pg_trigger.tgargs.';

create view recsys.watches with (security_invoker = true) as
select distinct
  triggers.table_name, triggers.watch ->> 'kind' as kind, triggers.watch ->> 'user' as user_column, triggers.watch ->> 'post' as post_column,
  triggers.watch ->> 'created_at' as created_column,
  array(select jsonb_array_elements_text(triggers.watch -> 'others')) as others,
  triggers.watch
from (
  select pg_trigger.tgrelid::regclass as table_name, (arguments.list)[cardinality(arguments.list)]::jsonb as watch
  from pg_catalog.pg_trigger
  cross join lateral recsys_engine.trigger_arguments(pg_trigger.tgargs) as arguments (list)
  where pg_trigger.tgparentid = 0
    and pg_trigger.tgfoid in ('recsys_engine.queue_feature_changes()'::regprocedure, 'recsys_engine.queue_text_changes()'::regprocedure, 'recsys_engine.index_changed_tags()'::regprocedure)
) as triggers;
comment on view recsys.watches is 'What recsys.watch follows, a row for each call that holds.';
comment on column recsys.watches.table_name is 'The app''s table.';
comment on column recsys.watches.kind is 'What its rows are: interactions, logins, posts, users, post_texts, user_texts, vectors or user_vectors.';
comment on column recsys.watches.user_column is 'The column that names the person; null: none is asked for.';
comment on column recsys.watches.post_column is 'The column that names the post; null: none is asked for.';
comment on column recsys.watches.created_column is 'The column with the time; null: none is asked for.';
comment on column recsys.watches.others is 'Further columns whose change counts (p_others).';
comment on column recsys.watches.watch is 'The same as JSON, with the SQL by which a row names its person and post.';
grant select on recsys.watches to service_role;

create function recsys_engine.has_columns(p_table regclass, p_columns text[]) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select coalesce(bool_and(exists (
    select from pg_catalog.pg_attribute
    where pg_attribute.attrelid = p_table and pg_attribute.attname = wanted.name and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
  )), true)
  from unnest(p_columns) as wanted (name)
  where wanted.name is not null
$$;
comment on function recsys_engine.has_columns(regclass, text[]) is 'Whether a table has all of some columns; nulls do not count.';

create function recsys_engine.reads_columns(p_table regclass, p_columns text[]) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select has_schema_privilege(pg_class.relnamespace, 'usage') and not exists (
    select from unnest(p_columns) as wanted (name)
    left join pg_catalog.pg_attribute on pg_attribute.attrelid = p_table and pg_attribute.attname = wanted.name and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
    where pg_attribute.attname is null or not has_column_privilege(p_table, pg_attribute.attnum, 'select')
  )
  from pg_catalog.pg_class where pg_class.oid = p_table
$$;
comment on function recsys_engine.reads_columns(regclass, text[]) is 'Whether a table has all of some columns, and the caller may read them.';

create function recsys_engine.real_numbers(p_numbers double precision[]) returns real[]
language sql immutable strict security invoker set search_path = ''
as $$
  select array_agg((case when abs(given.number) > 3e38 then 'NaN' when abs(given.number) < 1e-37 then 0 else given.number end)::real order by given.place)
  from unnest(p_numbers) with ordinality as given (number, place)
$$;
comment on function recsys_engine.real_numbers(double precision[]) is 'The same as real[]: 0 for what is too small to be one, NaN for what is too large. A cast fails at either.';

create function recsys_engine.drop_watch(p_table regclass, p_watch jsonb) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  found record;
begin
  for found in
    select pg_trigger.tgname from pg_catalog.pg_trigger
    cross join lateral recsys_engine.trigger_arguments(pg_trigger.tgargs) as arguments (list)
    where pg_trigger.tgrelid = p_table and pg_trigger.tgparentid = 0 and pg_trigger.tgname ~ '^recsys_' and arguments.list[cardinality(arguments.list)] = p_watch::text
  loop
    execute format('drop trigger %I on %s', found.tgname, p_table);
  end loop;
end
$$;
comment on function recsys_engine.drop_watch(regclass, jsonb) is 'Drops the triggers of one watch, as recsys.watches has it.';

create function recsys_engine.queue_watched(p_table regclass, p_watch jsonb, p_with_users boolean) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- the SQL in p_watch was quoted by recsys.watch, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  changed_user constant text := p_watch ->> 'changed_user';
  changed_post constant text := p_watch ->> 'changed_post';
  entity constant text := p_watch ->> 'entity';
  entity_sql constant text := p_watch ->> 'entity_sql';
  -- rows that are queued already are skipped, if no roll-up can take them before this transaction commits
  waits constant text := case when recsys_engine.try_lock('roll_up') then
    'not exists (select from recsys_engine.feature_changes as waiting where waiting.%1$I = named.id and waiting.%2$I is null and waiting.at = ''-infinity'')' else 'true' end;
begin
  if changed_post is not null then
    execute format('insert into recsys_engine.feature_changes (post_id) select named.id from (select distinct %s as id from %s as changed) as named where named.id is not null and %s',
      changed_post, p_table, format(waits, 'post_id', 'user_id'));
  end if;
  if changed_user is not null and (changed_post is null or p_with_users) then
    execute format('insert into recsys_engine.feature_changes (user_id) select named.id from (select distinct %s as id from %s as changed) as named where named.id is not null and %s',
      changed_user, p_table, format(waits, 'user_id', 'post_id'));
  end if;
  if entity = 'post' then
    execute format('select recsys_engine.index_tags(coalesce(array_agg(distinct %1$s) filter (where %1$s is not null), ''{}'')) from %2$s as changed', entity_sql, p_table);
  end if;
  if entity is not null then
    execute format('select recsys_engine.enqueue_embedding_jobs($1, array_agg(distinct %s)) from %s as changed', entity_sql, p_table) using entity;
  end if;
end
$$;
comment on function recsys_engine.queue_watched(regclass, jsonb, boolean) is
  'Queues all entities of a table, for the feature store and the vectors; entities that wait already are not queued again. p_watch: as in recsys.watches. p_with_users: users of interactions as well, so that a user whose rows the view no longer shows is recomputed.';
revoke all on function recsys_engine.watch_name(text, text[]), recsys_engine.trigger_arguments(bytea), recsys_engine.has_columns(regclass, text[]), recsys_engine.reads_columns(regclass, text[]), recsys_engine.real_numbers(double precision[]), recsys_engine.drop_watch(regclass, jsonb), recsys_engine.queue_watched(regclass, jsonb, boolean) from public;
grant execute on function recsys_engine.trigger_arguments(bytea), recsys_engine.reads_columns(regclass, text[]), recsys_engine.real_numbers(double precision[]) to service_role;
