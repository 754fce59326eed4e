-- What the planner would do, taken apart: for recsys.check(), which asks it how the source views are read. Nothing is read for that.

create function recsys_engine.explained(p_role text, p_query text) returns jsonb
-- volatile: it sets the role
language plpgsql volatile security invoker set search_path = ''
-- where there is any index to look a row up by, it is used now, however few rows there are
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off set enable_mergejoin = off
-- and where a table has two pages, reading all of it by an index for another reason is no cheaper than looking a row up
set cpu_tuple_cost = 100 set cpu_index_tuple_cost = 100
set max_parallel_workers_per_gather = 0 set jit = off
as $$
declare
  before constant text := current_setting('role');
  before_claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  plan jsonb;
begin
  begin
    perform set_config('role', p_role, true), set_config('request.jwt.claims', format('{"sub": "%s", "role": "%s"}', gen_random_uuid(), p_role), true);
    execute 'explain (format json, verbose) ' || p_query into plan;
  exception when others then
    -- recsys_engine.check_views() and check_access() say why
    plan := null;
  end;
  perform set_config('role', before, true), set_config('request.jwt.claims', before_claims, true);
  return plan #> '{0,Plan}';
end
$$;
comment on function recsys_engine.explained(text, text) is 'The plan of a query asked under a role, with what reads whole tables made as dear as can be. Null: it cannot be planned.';

create function recsys_engine.plan_nodes(p_plan jsonb) returns table (id text, node jsonb, is_of_subquery boolean, relation regclass, alias text)
language sql stable security invoker set search_path = ''
as $$
  with recursive nodes as (
    select '1' as id, p_plan as node, false as is_of_subquery
    union all
    select nodes.id || '.' || child.place, child.node,
      -- asked for each row, or once beforehand: subqueries, policies. What a "with" names is read as the view itself
      nodes.is_of_subquery or coalesce(child.node ->> 'Parent Relationship' in ('SubPlan', 'InitPlan') and child.node ->> 'Subplan Name' !~ '^CTE ', false)
    from nodes
    cross join jsonb_array_elements(nodes.node -> 'Plans') with ordinality as child (node, place)
  )
  select nodes.id, nodes.node - 'Plans', nodes.is_of_subquery,
    case when nodes.node ? 'Relation Name' then to_regclass(format('%I.%I', nodes.node ->> 'Schema', nodes.node ->> 'Relation Name')) end,
    nodes.node ->> 'Alias'
  from nodes
$$;
comment on function recsys_engine.plan_nodes(jsonb) is 'The nodes of a plan, each without those below it, whose id begins with its own. is_of_subquery: it belongs to a subquery or policy. relation: the table that it scans.';

create function recsys_engine.equalities(p_condition text) returns table (one text, other text)
language plpgsql immutable security invoker set search_path = ''
as $$
declare
  depth integer := 0;
  piece text := '';
  left_side text;
  -- whether the piece is one group in parentheses from its first to its last letter
  is_group boolean := true;
  token text;
begin
  -- several in one, ((a = b) AND (c = d)), or just one
  if p_condition !~ '^\(.*\)$' then
    return;
  end if;
  for token in
    select found.parts[1]
    from regexp_matches(substr(p_condition, 2, length(p_condition) - 2) || ' AND ', $r$'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]| AND | = |[^'"() ]+| $r$, 'g') with ordinality as found (parts, place)
    order by found.place
  loop
    if depth = 0 and token = ' AND ' then
      if left_side is not null then
        one := left_side;
        other := piece;
        return next;
        one := piece;
        other := left_side;
        return next;
      elsif is_group then
        return query select * from recsys_engine.equalities(piece);
      end if;
      piece := '';
      left_side := null;
      is_group := true;
    elsif depth = 0 and token = ' = ' and left_side is null then
      left_side := piece;
      piece := '';
    else
      is_group := is_group and (depth > 0 or (piece = '' and token = '('));
      depth := depth + case token when '(' then 1 when ')' then -1 else 0 end;
      piece := piece || token;
    end if;
  end loop;
end
$$;
comment on function recsys_engine.equalities(text) is 'What a condition, as explain prints it, compares by "=" in each row that it lets through, from both sides. What holds of some rows alone, behind OR, is none.';

revoke all on function recsys_engine.explained(text, text), recsys_engine.plan_nodes(jsonb), recsys_engine.equalities(text) from public;
