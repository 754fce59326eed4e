-- The fifth part of recsys.check(): what a feed, a roll-up or a policy looks up without an index, or in a way that no index could serve. It asks
-- the planner, under the role that asks in earnest, since a policy reads tables of its own, and row level security lets no index be used by an
-- expression that could leak.

create function recsys_engine.alias_pattern(p_alias text) returns text
language sql immutable security invoker set search_path = ''
as $$
  select '(^|[^[:alnum:]_."])' || regexp_replace(quote_ident(p_alias), '([][(){}.*+?|^$\\])', '\\\1', 'g') || '\.'
$$;
comment on function recsys_engine.alias_pattern(text) is 'What finds columns of an alias in a condition of a plan, as a regular expression.';

create function recsys_engine.partitioned_table_alias(p_alias text) returns text
language sql immutable security invoker set search_path = ''
as $$ select regexp_replace(p_alias, '_\d+$', '') $$;
comment on function recsys_engine.partitioned_table_alias(text) is 'The alias of a partitioned table in a plan, by the alias of one of its partitions.';

create function recsys_engine.plan_equalities(p_plan jsonb)
returns table (id text, is_of_subquery boolean, is_index_cond boolean, one text, other text, alias text, other_alias text, is_constant boolean)
language sql stable security invoker set search_path = '' set jit = off
as $$
  with nodes as materialized (select * from recsys_engine.plan_nodes(p_plan)),
  named as materialized (
    select each.alias, recsys_engine.alias_pattern(each.alias) as pattern
    from (
      select nodes.alias from nodes where nodes.alias is not null
      union
      -- its scans name partitions; the table above them is called as the query calls it
      select recsys_engine.partitioned_table_alias(nodes.alias) from nodes join pg_catalog.pg_class on pg_class.oid = nodes.relation where pg_class.relispartition
    ) as each
  ),
  compared as materialized (
    select nodes.id, nodes.is_of_subquery, condition.key = 'Index Cond' as is_index_cond, found.one, found.other
    from nodes
    cross join jsonb_each_text(nodes.node) as condition
    cross join recsys_engine.equalities(condition.value) as found
    where condition.key ~ ' (Cond|Filter)$' or condition.key = 'Filter'
  ),
  -- whose columns a side is made of: one alias, or none or several
  sides as materialized (
    select expression, array_agg(named.alias) filter (where named.alias is not null) as aliases
    from (select distinct compared.one as expression from compared) as distinct_sides
    left join named on expression ~ named.pattern
    group by expression
  )
  select compared.id, compared.is_of_subquery, compared.is_index_cond, compared.one, compared.other,
    case when cardinality(one.aliases) = 1 and compared.one !~ 'SubPlan ' then one.aliases[1] end,
    case when cardinality(other.aliases) = 1 and compared.other !~ 'SubPlan ' then other.aliases[1] end,
    other.aliases is null and compared.other !~ 'SubPlan ' and compared.other !~ '^(ANY|ALL) \('
  from compared
  join sides as one on one.expression = compared.one
  join sides as other on other.expression = compared.other
$$;
comment on function recsys_engine.plan_equalities(jsonb) is 'What a plan compares by "=", from both sides: the node that does, both expressions, and the alias of whose columns alone each is made.';

create function recsys_engine.without_casts(p_expression text) returns text
language sql immutable security invoker set search_path = ''
as $$
  select regexp_replace(p_expression, '^(recsys\.(?:person_)?id_of\()\(([^()]+)\)::(?:bigint|text)\)$', '\1\2)')
$$;
comment on function recsys_engine.without_casts(text) is
  'recsys.id_of(column) and recsys.person_id_of(column) as a developer writes them, of PostgreSQL''s print.';

create function recsys_engine.indexed_as(p_table regclass, p_alias text, p_expression text) returns text
language plpgsql stable security invoker set search_path = ''
as $$
declare
  -- as an index names it: without the alias
  expression text := regexp_replace(p_expression, recsys_engine.alias_pattern(p_alias), '\1', 'g');
  relabelled constant text := (regexp_match(expression, '^\((.*)\)::text$'))[1];
begin
  if exists (
    select from pg_catalog.pg_attribute
    where pg_attribute.attrelid = p_table and pg_attribute.attnum > 0 and quote_ident(pg_attribute.attname) = coalesce(relabelled, expression)
      and (relabelled is null or pg_attribute.atttypid in ('varchar'::regtype, 'text'::regtype) or (select typbasetype from pg_catalog.pg_type where oid = pg_attribute.atttypid) in ('varchar'::regtype, 'text'::regtype))
  ) then
    return coalesce(relabelled, expression);
  end if;
  -- recsys.id_of of a number has become part of the query
  expression := regexp_replace(expression, '^\("overlay"\(\(''726563737973800''::text \|\| lpad\(to_hex\((.*)\), 16, ''0''::text\)\), ''8''::text, 17, 0\)\)::uuid$', 'recsys.id_of(\1)');
  expression := regexp_replace(expression, '^\("overlay"\(\(''726563737973800''::text \|\| lpad\(to_hex\((.*)\), 16, ''0''::text\)\), ''9''::text, 17, 0\)\)::uuid$', 'recsys.person_id_of(\1)');
  expression := recsys_engine.without_casts(expression);
  -- an index takes nothing that may change
  if expression ~ '^''' or exists (
    select from regexp_matches(expression, '([[:alnum:]_$."]+)\(', 'g') as called (parts)
    join pg_catalog.pg_proc on pg_proc.proname = regexp_replace(replace(called.parts[1], '"', ''), '^.*\.', '') and pg_proc.provolatile <> 'i'
    where called.parts[1] !~ '^(pg_catalog\.)?"?(overlay|substring)"?$'
  ) then
    return null;
  end if;
  return case when expression ~ '^[[:alnum:]_.]+\([^()]*\)$' then expression else '(' || expression || ')' end;
end
$$;
comment on function recsys_engine.indexed_as(regclass, text, text) is 'How an index on an expression of a plan names it: a column, recsys.id_of(column), or another expression. Null: no index takes it.';

create function recsys_engine.has_index(p_table regclass, p_expression text) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select exists (
    select from pg_catalog.pg_index
    where pg_index.indrelid = p_table and pg_index.indisvalid and pg_index.indpred is null
      and btrim(p_expression, '()') = btrim(recsys_engine.without_casts(pg_get_indexdef(pg_index.indexrelid, 1, false)), '()')
  )
$$;
comment on function recsys_engine.has_index(regclass, text) is 'Whether a table has an index that begins with a column or expression, as recsys_engine.indexed_as names it.';

create function recsys_engine.sequential_scans(p_role text, p_query text)
returns table (relation regclass, columns text, is_expression boolean, tables text, looked_up text, functions text)
language plpgsql volatile security invoker set search_path = ''
-- just-in-time compilation took 8 s, and what it compiled a few milliseconds
set jit = off
as $$
declare
  nobody constant text := '00000000-0000-4000-8000-000000000000';
  plan constant jsonb := recsys_engine.explained(p_role, replace(p_query, '$1', quote_literal(nobody) || '::uuid'));
begin
  return query
  with recursive nodes as materialized (
    -- an index is that of the whole of a partitioned table
    select plan_nodes.*, coalesce(pg_partition_root(plan_nodes.relation), plan_nodes.relation) as root,
      plan_nodes.node ->> 'Node Type' <> 'Foreign Scan' and pg_class.relnamespace not in ('recsys'::regnamespace, 'recsys_engine'::regnamespace, 'pg_catalog'::regnamespace) as is_of_app
    from recsys_engine.plan_nodes(plan)
    left join pg_catalog.pg_class on pg_class.oid = plan_nodes.relation
  ),
  compared as materialized (select *, position(nobody in plan_equalities.other) > 0 as is_asked_for from recsys_engine.plan_equalities(plan)),
  -- above a union its columns are called by those of its first branch
  branches as materialized (
    select first.alias, shown.named, other.alias as other_alias, other.node -> 'Output' ->> (shown.place - 1)::integer as other_named
    from nodes as first
    join nodes as whole_union on whole_union.id = regexp_replace(first.id, '\.\d+$', '') and whole_union.node ->> 'Node Type' ~ 'Append$'
    join nodes as other on other.id <> first.id and regexp_replace(other.id, '\.\d+$', '') = whole_union.id
    cross join jsonb_array_elements_text(first.node -> 'Output') with ordinality as shown (named, place)
    where first.is_of_app and other.is_of_app
    union
    select compared.alias, compared.one, nodes.alias, regexp_replace(compared.one, recsys_engine.alias_pattern(compared.alias), '\1' || quote_ident(nodes.alias) || '.', 'g')
    from compared
    join nodes on nodes.root <> nodes.relation and recsys_engine.partitioned_table_alias(nodes.alias) = compared.alias
  ),
  -- what leads to the rows of each table: a column that is what was asked for, or one that is a column of a table that was reached
  reached as (
    select compared.alias, compared.one, 0 as steps
    from compared
    -- by the scan itself: what is asked above a join, which an outer one may be, narrows nothing down
    join nodes on nodes.id = compared.id and nodes.alias = compared.alias
    where compared.is_constant and compared.is_asked_for and not compared.is_of_subquery
    union
    -- or that a policy compares with who asks, or by which an index finds the row anyway
    select compared.alias, compared.one, 1
    from compared
    join nodes on nodes.id = compared.id and nodes.alias = compared.alias
    where compared.is_constant and not compared.is_of_subquery and (compared.is_index_cond or compared.other ~ 'InitPlan |current_setting\(|uid\(')
    union
    -- a subquery or policy is asked with all that is known by then
    select compared.alias, compared.one, 1
    from compared
    join nodes on nodes.alias = compared.alias and nodes.is_of_subquery
    where compared.alias is distinct from compared.other_alias
    union
    select branch.alias, branch.named, reached.steps + 1
    from reached
    join compared on compared.other_alias = reached.alias and compared.alias <> reached.alias and not compared.is_of_subquery
    cross join lateral (
      select compared.alias, compared.one as named
      union all
      select branches.other_alias, branches.other_named from branches
      where branches.alias = compared.alias and branches.named = compared.one and branches.other_named ~ recsys_engine.alias_pattern(branches.other_alias)
    ) as branch
    where reached.steps < 8
  ),
  whole as materialized (
    select nodes.*
    from nodes
    where nodes.is_of_app and (
      not exists (select from compared where compared.id = nodes.id and compared.is_index_cond)
      -- by another index, and then row by row, is no better
      or exists (select from compared where compared.id = nodes.id and compared.alias = nodes.alias and compared.is_asked_for and not compared.is_index_cond)
    )
    -- what is joined to every row alike, such as one row of settings
    and not (
      not nodes.node ? 'Filter' and not exists (select from compared where nodes.alias in (compared.alias, compared.other_alias))
      and exists (
        select from nodes as above
        where above.id = regexp_replace(nodes.id, '\.\d+$', '') and above.node ->> 'Node Type' = 'Nested Loop' and not above.node ? 'Join Filter'
      )
    )
  ),
  ways as materialized (
    select whole.id, whole.root, whole.is_of_subquery, found.columns,
      -- of few rows another way may be as good. Row level security may keep an index on an expression from the role
      recsys_engine.has_index(whole.root, found.columns) and (
        not found.is_direct or found.columns !~ '\('
        or coalesce(recsys_engine.explained(p_role, format('select from %s where %s = %L::uuid', whole.root, found.columns, nobody)) ? 'Index Cond', true)
      ) as is_there
    from whole
    cross join lateral (
      select distinct recsys_engine.indexed_as(whole.relation, whole.alias, reached.one) as columns, reached.steps = 0 as is_direct
      from reached
      where reached.alias = whole.alias and reached.steps = (select min(nearest.steps) from reached as nearest where nearest.alias = whole.alias)
    ) as found
    where found.columns is not null
  )
  -- a subquery or policy is asked by all of them, a table of the view by one
  select ways.root, case when bool_and(ways.is_of_subquery) then string_agg(ways.columns, ', ' order by ways.columns) else min(ways.columns) end,
    bool_or(ways.columns ~ '\('), null::text, null::text, null::text
  from ways
  group by ways.id, ways.root
  having not bool_or(ways.is_there)
  union
  select null, null, null, found.tables, found.looked_up, found.functions
  from (
    select
      (
        select string_agg(distinct recsys_engine.table_sql(whole.root), ', ') from whole
        where not whole.is_of_subquery and not exists (select from ways where ways.id = whole.id)
      ) as tables,
      (
        select string_agg(distinct recsys_engine.table_sql(below.root), ', ') from nodes as below
        join compared on compared.one ~ 'SubPlan ' and compared.is_asked_for and starts_with(below.id, compared.id || '.')
        where below.is_of_subquery and below.is_of_app
      ) as looked_up,
      (
        select string_agg(distinct format('%I.%I', calls.node ->> 'Schema', calls.node ->> 'Function Name'), ', ') from nodes as calls
        join compared on compared.id = calls.id and compared.is_asked_for
        where calls.node ? 'Function Name' and calls.node ->> 'Schema' <> 'pg_catalog'
      ) as functions
  ) as found
  where found.tables is not null or found.functions is not null;
end
$$;
comment on function recsys_engine.sequential_scans(text, text) is
  'Tables that a query, asked under a role, reads from end to end for the rows of one person or post, $1. With relation: an index on its columns is missing (is_expression: row level security may prevent an index). With tables or functions: no index could help; looked_up: a subquery would.';

create function recsys_engine.post_order_column(p_role text) returns table (relation regclass, columns text)
language sql volatile security invoker set search_path = ''
-- so that the order is made, and named, whether or not an index has it
set enable_indexscan = off set enable_indexonlyscan = off set jit = off
as $$
  with nodes as materialized (select * from recsys_engine.plan_nodes(recsys_engine.explained(p_role, 'select * from recsys.source_posts order by created_at desc limit 100')))
  select coalesce(pg_partition_root(scans.relation), scans.relation), min(recsys_engine.indexed_as(scans.relation, scans.alias, regexp_replace(sort_key.key, ' DESC$', '')))
  from nodes as sorts
  cross join jsonb_array_elements_text(sorts.node -> 'Sort Key') as sort_key (key)
  join nodes as scans on scans.relation is not null and not scans.is_of_subquery and position(quote_ident(scans.alias) || '.' in sort_key.key) > 0
  -- others are those of subqueries
  where not sorts.is_of_subquery and sort_key.key ~ ' DESC$'
  group by 1
$$;
comment on function recsys_engine.post_order_column(text) is 'The column, or expression, of a table that orders a role''s newest posts. No row: several tables, or a subquery, give the creation time.';

create function recsys_engine.is_small(p_table regclass) returns boolean
language sql stable security invoker set search_path = ''
as $$
  select greatest(pg_relation_size(p_table), (select sum(pg_relation_size(parts.relid)) from pg_partition_tree(p_table) as parts)) <= 65536
$$;
comment on function recsys_engine.is_small(regclass) is 'Whether a table has 8 pages or fewer, which are read faster than an index.';

create function recsys_engine.index_fix(p_table regclass, p_columns text, p_then text, p_shown_as text) returns text
language plpgsql stable security invoker set search_path = ''
as $$
declare
  added constant text := case p_shown_as when 'post_id' then 'recsys_id' else 'recsys_' || p_shown_as end;
  is_partitioned constant boolean := (select pg_class.relkind = 'p' from pg_catalog.pg_class where pg_class.oid = p_table);
begin
  if p_shown_as is null then
    -- a partitioned table takes none concurrently
    return format('create index %son %s (%s)', case when not is_partitioned then 'concurrently ' end, recsys_engine.table_sql(p_table), concat_ws(', ', coalesce(
      (select recsys_engine.identifier_sql(pg_attribute.attname) from pg_catalog.pg_attribute where pg_attribute.attrelid = p_table and pg_attribute.attnum > 0 and quote_ident(pg_attribute.attname) = p_columns),
      p_columns), p_then));
  end if;
  return coalesce(
    (
      select format('show %I as %s in the view', pg_attribute.attname, p_shown_as)
      from pg_catalog.pg_attribute
      join pg_catalog.pg_attrdef on pg_attrdef.adrelid = pg_attribute.attrelid and pg_attrdef.adnum = pg_attribute.attnum
      where pg_attribute.attrelid = p_table and pg_attribute.attgenerated = 's' and btrim(p_columns, '()') = btrim(recsys_engine.without_casts(pg_get_expr(pg_attrdef.adbin, p_table)), '()')
      limit 1
    ),
    format('alter table %s add column %s uuid generated always as (%s) stored; create %sindex on %1$s (%2$s); -- and show %2$s as %5$s in the view: row level security lets no index be used by an expression',
      recsys_engine.table_sql(p_table), added, p_columns, case when p_shown_as = 'post_id' and not is_partitioned then 'unique ' end, p_shown_as)
  );
end
$$;
comment on function recsys_engine.index_fix(regclass, text, text, text) is 'The statement that makes rows of a table be found by columns, in the order of p_then; p_shown_as: the column of the view, where what it shows has to become a column of the table.';

create function recsys_engine.check_indexes() returns table (stops boolean, problem text, cure text)
language plpgsql volatile security invoker set search_path = '' set jit = off
as $$
begin
  return query
  with found as materialized (
    select read_whole.*, asked.*, named.source
    from (
      values
        (1, 'authenticated', 'source_posts', 'post_id', 'post', 'each feed looks up its posts'),
        (2, 'authenticated', 'source_posts', 'author_id', 'author', 'each feed finds the newest posts of an author'),
        (3, 'authenticated', 'source_users', 'user_id', 'person', 'each feed looks up its user'),
        (4, 'authenticated', 'source_interactions', 'user_id', 'person', 'each feed finds what its user did'),
        (5, 'authenticated', 'source_dismissals', 'user_id', 'person', 'each feed finds what its user dismissed'),
        (6, 'authenticated', 'source_mutes', 'user_id', 'person', 'each feed finds what its user muted'),
        (7, 'authenticated', 'source_follows', 'user_id', 'person', 'each feed finds whom its user follows'),
        (8, 'authenticated', 'source_preferences', 'user_id', 'person', 'each feed finds what its user prefers'),
        (9, 'authenticated', 'source_withheld', 'post_id', 'post', 'each feed asks of its posts whether they are withheld'),
        (10, 'authenticated', 'source_withheld', 'author_id', 'author', 'each feed asks of authors whether they are withheld'),
        (11, 'service_role', 'source_posts', 'post_id', 'post', 'each roll-up looks up its posts'),
        (12, 'service_role', 'source_interactions', 'user_id', 'person', 'each roll-up finds what a user did'),
        (13, 'service_role', 'source_interactions', 'post_id', 'post', 'each roll-up finds what was done with a post'),
        (14, 'service_role', 'source_logins', 'user_id', 'person', 'each roll-up finds the logins of a user'),
        (15, 'service_role', 'source_conversations', 'post_id', 'post', 'feeds ask of their posts which conversation they belong to'),
        (16, 'authenticated', 'source_memberships', 'user_id', 'person', 'each feed finds where its user belongs'),
        (17, 'service_role', 'source_post_scopes', 'scope', 'organisation', 'feeds find the posts of an organisation')
    ) as asked (place, role, view, shown_as, entity, why)
    cross join lateral (select to_regclass('recsys.' || asked.view) as source) as named
    cross join lateral recsys_engine.sequential_scans(asked.role, format('select * from %s where %I = $1%s', named.source, asked.shown_as, case when asked.shown_as = 'scope' then '::text' end)) as read_whole
  ),
  newest as materialized (select * from recsys_engine.post_order_column('authenticated') as ordered where ordered.columns is not null),
  missing as materialized (
    select found.relation, found.columns, found.place, found.why,
      case
        when found.shown_as = 'author_id' then (select newest.columns || ' desc' from newest where newest.relation = found.relation)
        -- of several times, the one that is called so
        when found.view in ('source_interactions', 'source_follows', 'source_dismissals') then (
          select case when count(*) = 1 then quote_ident(min(read.name)) when bool_or(read.name = 'created_at') then 'created_at' end
          from recsys_engine.columns_read(found.source, found.relation) as read
          where read.type = 'timestamptz'::regtype
        )
      end as then,
      case
        when found.is_expression and found.role = 'authenticated'
          and exists (select from pg_catalog.pg_class where pg_class.oid = found.relation and pg_class.relrowsecurity)
        then found.shown_as
      end as to_show
    from found
    where found.relation is not null
    union all
    select newest.relation, newest.columns || ' desc', 0, 'each feed finds the newest posts', null, null
    from newest where not recsys_engine.has_index(newest.relation, newest.columns)
  )
  select found_out.stops, found_out.problem, found_out.cure
  from (
    select true, format('%s: the rows of one %s are found only by reading all of %s', shapes.source, shapes.entity, coalesce(shapes.tables, shapes.functions)),
      case
        when shapes.looked_up is not null then format(
          'a subquery on %s, (select … where …), says whose they are: join %1$s instead, in the same select, in each branch of a union: join %1$s as who on who.… = …', shapes.looked_up)
        when shapes.functions is not null then format('the function %s says whose they are: write its query into the view', shapes.functions)
        else 'what says whose they are comes from an outer join, a join around a union, a distinct or a function: show a column of the table itself, or join the table that has it in the same select, in each branch of a union'
      end
    from (
      select found.source, found.entity, found.tables, found.functions, min(found.looked_up) as looked_up
      from found where found.relation is null
      group by found.source, found.entity, found.tables, found.functions
    ) as shapes
    union all
    (
      select missing.to_show is not null, format('%s has no index by which %s', recsys_engine.table_sql(missing.relation), (array_agg(missing.why order by missing.place))[1]),
        recsys_engine.index_fix(missing.relation, missing.columns, min(missing.then), missing.to_show)
      from missing
      where missing.to_show is not null
        or not exists (select from missing as shown where shown.relation = missing.relation and shown.columns = missing.columns and shown.to_show is not null)
        and not recsys_engine.is_small(missing.relation)
      group by missing.relation, missing.columns, missing.to_show
      order by missing.relation::text, missing.columns
    )
  ) as found_out (stops, problem, cure);
end
$$;
comment on function recsys_engine.check_indexes() is 'What of the source views, and of the policies on their tables, is looked up without an index, as the planner sees it, each with its cure. stops: no index could help, since the view does not say by a column whose rows they are. Tables of 8 pages or fewer need none. Part of recsys.check().';
revoke all on function recsys_engine.partitioned_table_alias(text), recsys_engine.alias_pattern(text), recsys_engine.plan_equalities(jsonb), recsys_engine.without_casts(text), recsys_engine.indexed_as(regclass, text, text),
  recsys_engine.has_index(regclass, text), recsys_engine.is_small(regclass), recsys_engine.sequential_scans(text, text), recsys_engine.post_order_column(text), recsys_engine.index_fix(regclass, text, text, text), recsys_engine.check_indexes() from public;
