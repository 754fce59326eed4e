-- The eighth part of recsys.check(): tables without an index in the order in which a feed reads a user's latest
-- rows. A feed would read all rows of its user, and sort them.

create function recsys_engine.has_index_on(p_table regclass, p_columns text[]) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select exists (
    select from pg_catalog.pg_index
    where pg_index.indrelid = p_table and pg_index.indisvalid
      and (
        select array_agg(btrim(recsys_engine.without_casts(pg_get_indexdef(pg_index.indexrelid, place, false)), '()') order by place)
        from generate_series(1, cardinality(p_columns)) as place
      ) = p_columns
  )
$$;
comment on function recsys_engine.has_index_on(regclass, text[]) is 'Whether a table has an index, of all of its rows or some, that begins with some columns or expressions in this order.';

create function recsys_engine.check_latest() returns table (stops boolean, problem text, cure text)
language plpgsql volatile security invoker set search_path = '' set jit = off
as $$
declare
  nobody constant text := '00000000-0000-4000-8000-000000000000';
begin
  return query
  with asked as (
    select 'recsys.source_follows'::regclass as source, kind, format('select * from recsys.source_follows where user_id = %L::uuid and kind = %L', nobody, kind) as query, 'follows' as rows
    from unnest('{person,topic,group}'::text[]) as kinds (kind)
    union all
    select 'recsys.source_dismissals'::regclass, null, format('select * from recsys.source_dismissals where user_id = %L::uuid', nobody), 'dismissals'
    union all
    select 'recsys.source_interactions'::regclass, null, format('select * from recsys.source_interactions where user_id = %L::uuid', nobody), 'interactions'
  ),
  plans as materialized (select asked.*, recsys_engine.explained('authenticated', asked.query) as plan from asked),
  scans as materialized (
    select plans.rows, coalesce(pg_partition_root(nodes.relation), nodes.relation) as relation,
      (
        select min(recsys_engine.indexed_as(nodes.relation, nodes.alias, compared.one)) from recsys_engine.plan_equalities(plans.plan) as compared
        where compared.id = nodes.id and compared.alias = nodes.alias and compared.is_constant and position(nobody in compared.other) > 0
      ) as person,
      (
        select min(recsys_engine.indexed_as(nodes.relation, nodes.alias, compared.one)) from recsys_engine.plan_equalities(plans.plan) as compared
        where compared.id = nodes.id and compared.alias = nodes.alias and compared.is_constant and compared.other in (quote_literal(plans.kind), quote_literal(plans.kind) || '::text')
      ) as kind,
      (
        select case when count(*) = 1 then quote_ident(min(read.name)) when bool_or(read.name = 'created_at') then 'created_at' end
        from recsys_engine.columns_read(plans.source, coalesce(pg_partition_root(nodes.relation), nodes.relation)) as read
        where read.type = 'timestamptz'::regtype
      ) as time
    from plans
    cross join recsys_engine.plan_nodes(plans.plan) as nodes
    join pg_catalog.pg_class on pg_class.oid = nodes.relation
    where not nodes.is_of_subquery and pg_class.relkind in ('r', 'p') and pg_class.relnamespace not in ('recsys'::regnamespace, 'recsys_engine'::regnamespace)
  )
  select distinct false, format('%s has no index by which each feed finds the latest %s of its user', recsys_engine.table_sql(scans.relation), scans.rows),
    recsys_engine.index_fix(scans.relation, scans.person, concat_ws(', ', scans.kind, scans.time || ' desc'), null)
  from scans
  where scans.time is not null and not recsys_engine.is_small(scans.relation)
    -- without one that begins with the person, recsys_engine.check_indexes() says so
    and recsys_engine.has_index(scans.relation, scans.person)
    and not recsys_engine.has_index_on(scans.relation, array_remove(array[scans.person, scans.kind, scans.time], null))
  order by 2;
end
$$;
comment on function recsys_engine.check_latest() is 'Tables behind the views of follows, dismissals and interactions with an index by which a user''s rows are found, and none in the order of time. Part of recsys.check().';
revoke all on function recsys_engine.has_index_on(regclass, text[]), recsys_engine.check_latest() from public;
