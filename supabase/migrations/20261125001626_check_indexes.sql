-- The fifth part of recsys.check(): what a feed, a roll-up or a policy looks up without an index. It asks the planner, under the role that
-- asks in earnest, since a policy reads tables of its own, and row level security lets no index be used by an expression that could leak.

create function recsys.columns_compared(p_table regclass, p_condition text, p_value text) returns text[]
language sql stable security invoker set search_path = ''
as $$
  select array_agg(pg_attribute.attname::text order by pg_attribute.attnum)
  from pg_catalog.pg_attribute
  cross join lateral (select regexp_replace(quote_ident(pg_attribute.attname), '([][(){}.*+?|^$\\])', '\\\1', 'g')) as escaped (name)
  where pg_attribute.attrelid = p_table and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
    -- as explain prints it: (posts.group_id = …), ((slug)::text = …), or on the other side of the sign
    and p_condition ~ format('(^|[(. ])%s(\)::[a-z ]+)*\)? = %s|%2$s = \(*([a-z_0-9"]+\.)?%1$s($|[) ])', escaped.name,
      case when position(p_value in p_condition) > 0 then '\(*''' || p_value || '''(::[a-z]+)?' else '' end)
$$;
comment on function recsys.columns_compared(regclass, text, text) is 'The columns of a table that a condition, as explain prints it, compares by "=" with a value; where the value is not in it, with anything.';

create function recsys.unindexed(p_role text, p_query text) returns table (relation regclass, columns text)
-- volatile: it sets the role
language plpgsql volatile security invoker set search_path = ''
-- where there is any index to look a row up by, it is used now
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  nobody constant text := '00000000-0000-4000-8000-000000000000';
  before constant text := current_setting('role');
  before_claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  plan jsonb;
begin
  begin
    perform set_config('role', p_role, true), set_config('request.jwt.claims', format('{"sub": "%s", "role": "%s"}', gen_random_uuid(), p_role), true);
    execute 'explain (format json, verbose) ' || p_query using nobody::uuid into plan;
  exception when others then
    -- recsys.check_views() says why
    plan := null;
  end;
  perform set_config('role', before, true), set_config('request.jwt.claims', before_claims, true);
  return query
  select distinct found.relation, found.columns
  from (
    -- looked up by a condition
    select scans.relation, coalesce(
      (
        select 'recsys.id_of(' || min(substring(compared.part from '(?:to_hex|convert_to)\(+(?:[a-z_0-9]+\.)?("[^"]+"|[a-z_0-9]+)')) || ')'
        -- what is looked up and no other part: a view may ask of the same expression that it is not null
        from regexp_split_to_table(scans.condition, ' AND ') as compared (part)
        where compared.part ~ ' = ' and (position(nobody in compared.part) > 0 or position(nobody in scans.condition) = 0)
      ),
      (select string_agg(quote_ident(name), ', ') from pg_catalog.unnest(recsys.columns_compared(scans.relation, scans.condition, nobody)) as name)
    ) as columns
    from (
      select
        to_regclass(format('%I.%I', node ->> 'Schema', node ->> 'Relation Name')) as relation, node ->> 'Filter' as condition,
        node ->> 'Index Cond' is not null as by_index
      from jsonb_path_query(plan, '$.** ? (@."Relation Name" != "")') as node
      where node ->> 'Node Type' in ('Seq Scan', 'Index Scan', 'Index Only Scan')
    ) as scans
    -- by another index, and then row by row, is no better
    where p_query !~ 'order by' and (position(nobody in scans.condition) > 0 or (not scans.by_index and scans.condition ~ ' = '))
    union all
    -- read in an order, such as ["posts.published_at DESC"], of all rows or of those looked up
    select scans.relation, concat_ws(', ',
      (select string_agg(quote_ident(name), ', ') from pg_catalog.unnest(recsys.columns_compared(scans.relation, scans.condition, nobody)) as name where position(nobody in scans.condition) > 0),
      regexp_replace(split_part(sort_key, '.', 2), ' DESC', ' desc')
    )
    from jsonb_path_query(plan, '$.** ? (@."Node Type" == "Sort")') as sort
    cross join jsonb_array_elements_text(sort -> 'Sort Key') as sort_key
    join (
      select
        node ->> 'Alias' as alias, to_regclass(format('%I.%I', node ->> 'Schema', node ->> 'Relation Name')) as relation,
        concat_ws(' AND ', node ->> 'Filter', node ->> 'Index Cond', node ->> 'Recheck Cond') as condition
      from jsonb_path_query(plan, '$.** ? (@."Relation Name" != "")') as node
    ) as scans on scans.alias = split_part(sort_key, '.', 1)
    -- others are those of subqueries
    where p_query ~ 'order by' and sort_key ~ ' DESC$'
  ) as found
  where found.relation is not null and found.columns is not null
    -- a few pages are read faster than an index
    and pg_catalog.pg_relation_size(found.relation) > 65536
    and found.relation not in (select pg_class.oid from pg_catalog.pg_class where pg_class.relnamespace in ('recsys'::regnamespace, 'pg_catalog'::regnamespace));
end
$$;
comment on function recsys.unindexed(text, text) is 'The tables that a query, asked under a role, would read from end to end for want of an index, each with what the index would have to be on, as SQL. In the query $1 is a uuid that is nobody''s.';

create function recsys.check_indexes() returns table (stops boolean, problem text, cure text)
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  return query
  select false, format('%s has no index by which %s', missing.relation, min(missing.why)),
    case
      when missing.columns ~ '^recsys.id_of' and missing.relation = any (array(select under.relation from recsys.relations_under('recsys.source_posts'::regclass) as under)) then format(
        'alter table %s add column recsys_id uuid generated always as (%s) stored; create unique index on %1$s (recsys_id); and show recsys_id as post_id: row level security lets no index be used by recsys.id_of',
        missing.relation, missing.columns)
      else format('create index concurrently on %s (%s%s)', missing.relation, missing.columns,
        (
          select ', created_at' from pg_catalog.pg_attribute
          where pg_attribute.attrelid = missing.relation and pg_attribute.attname = 'created_at' and min(missing.why) ~ 'did|done'
        ))
    end
  from (
    select found.relation, found.columns, asked.why
    from (
      values
        ('authenticated', 'select * from recsys.source_posts where post_id = $1', 'each feed looks up its posts'),
        ('authenticated', 'select * from recsys.source_posts where author_id = $1 order by created_at desc limit 50', 'each feed finds the newest posts of an author'),
        ('authenticated', 'select * from recsys.source_posts order by created_at desc limit 100', 'each feed finds the newest posts'),
        ('authenticated', 'select * from recsys.source_users where user_id = $1', 'each feed looks up its user'),
        ('authenticated', 'select * from recsys.source_interactions where user_id = $1', 'each feed finds what its user did'),
        ('authenticated', 'select * from recsys.source_dismissals where user_id = $1', 'each feed finds what its user dismissed'),
        ('authenticated', 'select * from recsys.source_mutes where user_id = $1', 'each feed finds what its user muted'),
        ('service_role', 'select * from recsys.source_interactions where post_id = $1', 'each roll-up finds what was done with a post'),
        ('service_role', 'select * from recsys.source_logins where user_id = $1', 'each roll-up finds the logins of a user')
    ) as asked (role, query, why)
    cross join lateral recsys.unindexed(asked.role, asked.query) as found
  ) as missing
  group by missing.relation, missing.columns
  order by missing.relation::text, missing.columns;
end
$$;
comment on function recsys.check_indexes() is 'Indexes that are missing below the source views and the policies on their tables, each with the statement that adds it, as the planner sees it with the rows there are; tables of 8 pages or fewer need none. Part of recsys.check().';
revoke all on function recsys.columns_compared(regclass, text, text), recsys.unindexed(text, text), recsys.check_indexes() from public;
