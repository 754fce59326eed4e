-- For recsys_engine.check_upkeep(): the call of recsys.watch for a table that a source view reads, as far as keys, types and names say which column is
-- what. A guess that raised, or that took a comment's id for a post's, would be worse than none.

create function recsys_engine.references_auth_user(p_table regclass, p_column smallint) returns boolean
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return (
    with recursive chain as (
      select p_table::oid as relation, p_column as attnum
      union
      select pg_constraint.confrelid, pg_constraint.confkey[1]
      from chain
      join pg_catalog.pg_constraint on pg_constraint.conrelid = chain.relation and pg_constraint.contype = 'f' and pg_constraint.conkey = array[chain.attnum]
    )
    select coalesce(bool_or(
      chain.relation = to_regclass('auth.users')
      -- the key of people whom no foreign key leads further
      or (
        exists (select from recsys_engine.relations_under('recsys.source_users'::regclass) as under where under.relation = chain.relation)
        and exists (select from pg_catalog.pg_constraint where conrelid = chain.relation and contype = 'p' and conkey = array[chain.attnum])
        and not exists (select from pg_catalog.pg_constraint where conrelid = chain.relation and contype = 'f' and confrelid = to_regclass('auth.users'))
      )
    ), false) and (select atttypid = 'uuid'::regtype from pg_catalog.pg_attribute where attrelid = p_table and attnum = p_column)
    from chain
  );
end
$$;
comment on function recsys_engine.references_auth_user(regclass, smallint) is 'Whether a column is a uuid of auth.users: foreign keys lead from it there, or to the key of a table of people that recsys.source_users reads.';
revoke all on function recsys_engine.references_auth_user(regclass, smallint) from public;

create function recsys_engine.columns_read(p_view regclass, p_table regclass) returns table (name text, attnum smallint, type regtype, category "char")
language plpgsql stable security invoker set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select distinct pg_attribute.attname::text, pg_attribute.attnum, pg_attribute.atttypid::regtype, pg_type.typcategory
  from (select p_view as view union select under.relation from recsys_engine.relations_under(p_view) as under where under.kind in ('v', 'm')) as views
  join pg_catalog.pg_rewrite on pg_rewrite.ev_class = views.view
  join pg_catalog.pg_depend on pg_depend.classid = 'pg_catalog.pg_rewrite'::regclass and pg_depend.objid = pg_rewrite.oid
    and pg_depend.refclassid = 'pg_catalog.pg_class'::regclass and pg_depend.refobjid = p_table
  join pg_catalog.pg_attribute on pg_attribute.attrelid = p_table and pg_attribute.attnum = pg_depend.refobjsubid and pg_attribute.attnum > 0
  join pg_catalog.pg_type on pg_type.oid = pg_attribute.atttypid;
end
$$;
comment on function recsys_engine.columns_read(regclass, regclass) is 'The columns of a table that a view reads, itself or by views under it.';
revoke all on function recsys_engine.columns_read(regclass, regclass) from public;

create function recsys_engine.person_read(p_view regclass, p_table regclass, out name text, out lookup text[])
language plpgsql stable security invoker set search_path = ''
as $$
#variable_conflict use_column
begin
  with persons as (
    select columns.name, null::text[] as lookup, 1 as rank
    from recsys_engine.columns_read(p_view, p_table) as columns
    where recsys_engine.references_auth_user(p_table, columns.attnum)
    union all
    -- a number or name, for which the table that it refers to has the uuid that the view shows: of auth.users, or one that it makes up where there is none
    select columns.name, array[pg_constraint.confrelid::regclass::text, key.attname, uuid.attname], 2
    from recsys_engine.columns_read(p_view, p_table) as columns
    join pg_catalog.pg_constraint on pg_constraint.conrelid = p_table and pg_constraint.contype = 'f' and pg_constraint.conkey = array[columns.attnum]
    join pg_catalog.pg_attribute as key on key.attrelid = pg_constraint.confrelid and key.attnum = pg_constraint.confkey[1]
    cross join lateral (
      select read.name as attname from recsys_engine.columns_read(p_view, pg_constraint.confrelid::regclass) as read
      join pg_catalog.pg_attribute as shown on shown.attrelid = pg_constraint.confrelid and shown.attnum = read.attnum
      where read.type = 'uuid'::regtype and (
        recsys_engine.references_auth_user(pg_constraint.confrelid::regclass, read.attnum)
        or shown.attgenerated = 's' and exists (select from recsys_engine.relations_under('recsys.source_users'::regclass) as under where under.relation = pg_constraint.confrelid)
      )
    ) as uuid
    where columns.type = any ('{uuid,bigint,integer,smallint,text,varchar}'::regtype[]) and not recsys_engine.references_auth_user(p_table, columns.attnum)
    union all
    select columns.name, null, 3
    from recsys_engine.columns_read(p_view, p_table) as columns
    where columns.type = 'uuid'::regtype and columns.name ~ 'user|member|person|people|author|profile|account|owner|creator'
      and not exists (select from pg_catalog.pg_constraint where conrelid = p_table and contype = 'f' and conkey = array[columns.attnum])
  ),
  best as (select persons.*, count(*) over (partition by persons.rank) as alike from persons)
  select best.name, best.lookup into name, lookup from best
  where best.rank = (select min(persons.rank) from persons) and (best.alike = 1 or best.name = 'user_id');
end
$$;
comment on function recsys_engine.person_read(regclass, regclass) is 'The column by which rows of a table that a view reads name a person, and what recsys.watch needs as p_user_lookup. Nulls: none does, or several could.';
revoke all on function recsys_engine.person_read(regclass, regclass) from public;

create function recsys_engine.generated_from(p_table regclass, p_column smallint) returns table (attnum smallint)
language sql stable security invoker set search_path = ''
as $$
  select pg_depend.refobjsubid::smallint
  from pg_catalog.pg_attrdef
  join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_attrdef.adrelid and pg_attribute.attnum = pg_attrdef.adnum and pg_attribute.attgenerated <> ''
  join pg_catalog.pg_depend on pg_depend.classid = 'pg_catalog.pg_attrdef'::regclass and pg_depend.objid = pg_attrdef.oid
    and pg_depend.refclassid = 'pg_catalog.pg_class'::regclass and pg_depend.refobjid = p_table and pg_depend.refobjsubid > 0
  where pg_attrdef.adrelid = p_table and pg_attrdef.adnum = p_column and pg_depend.refobjsubid <> p_column
$$;
comment on function recsys_engine.generated_from(regclass, smallint) is 'The columns of which a generated column is made.';
revoke all on function recsys_engine.generated_from(regclass, smallint) from public;

create function recsys_engine.posts_read(p_view regclass, p_table regclass) returns table (name text)
language plpgsql stable security invoker set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select distinct columns.name
  from recsys.watches as posts
  join pg_catalog.pg_class on pg_class.oid = posts.table_name
  cross join recsys_engine.columns_read(p_view, p_table) as columns
  cross join lateral (select columns.attnum union select made.attnum from recsys_engine.generated_from(p_table, columns.attnum) as made) as base
  join pg_catalog.pg_attribute as base_column on base_column.attrelid = p_table and base_column.attnum = base.attnum
  left join lateral (
    select pg_constraint.confrelid from pg_catalog.pg_constraint
    where pg_constraint.conrelid = p_table and pg_constraint.contype = 'f' and pg_constraint.conkey = array[base.attnum] limit 1
  ) as key on true
  cross join lateral (select lower(base_column.attname) as name, regexp_replace(lower(base_column.attname), '_?id$', '') as stem) as called
  where posts.kind = 'posts' and columns.type = any ('{uuid,bigint,integer,smallint,text,varchar}'::regtype[])
    -- without a key, a name that says that table: post_id of posts, story_id of stories; in that table itself, one that says what it does with it
    and coalesce(key.confrelid = posts.table_name, called.name ~ '.id$' and case
      when posts.table_name = p_table then called.stem ~ '^(in_?)?(reply|repost|renote|reblog|boost|quote|parent|root)(_?(to|of))?$'
      else lower(pg_class.relname) in (called.stem, called.stem || 's', called.stem || 'es', regexp_replace(called.stem, 'y$', 'ies'))
    end);
end
$$;
comment on function recsys_engine.posts_read(regclass, regclass) is 'The columns by which rows of a table that a view reads name a post of the table that is watched as posts; of that table itself, those by which a post answers another one or passes it on.';
revoke all on function recsys_engine.posts_read(regclass, regclass) from public;

create function recsys_engine.proposed_watch(p_view regclass, p_kind text, p_table regclass, p_post text) returns text
language plpgsql stable security invoker set search_path = ''
as $$
declare
  by_person constant record := recsys_engine.person_read(p_view, p_table);
  person constant text := by_person.name;
  lookup constant text[] := by_person.lookup;
  post constant text := p_post;
  has_posts constant boolean := exists (select from recsys.watches where watches.kind = 'posts');
  -- which of its times it is, where there is but one
  created constant text := (
    select case when count(*) = 1 then min(name) when bool_or(name = 'created_at') then 'created_at' end
    from recsys_engine.columns_read(p_view, p_table) where type = 'timestamptz'::regtype
  );
  key constant text := (
    select case when bool_or(attname = 'id') then 'id' else min(attname)::text end
    from pg_catalog.pg_constraint
    join pg_catalog.pg_attribute on attrelid = p_table and attnum = any (conkey)
    where conrelid = p_table and contype = 'p'
  );
  -- with several tables of posts: the generated column that makes a uuid of the table's name and the key
  own constant text := (
    select columns.name
    from recsys_engine.columns_read(p_view, p_table) as columns
    join pg_catalog.pg_attrdef on pg_attrdef.adrelid = p_table and pg_attrdef.adnum = columns.attnum
    join pg_catalog.pg_attribute on pg_attribute.attrelid = p_table and pg_attribute.attname = key
    where p_kind = 'posts' and columns.type = 'uuid'::regtype and pg_get_expr(pg_attrdef.adbin, p_table) like '%||%'
      and array[pg_attribute.attnum] = array(select made.attnum from recsys_engine.generated_from(p_table, columns.attnum) as made)
    limit 1
  );
  kind text := p_kind;
  id text := coalesce(key, (select 'id' from recsys_engine.columns_read(p_view, p_table) where name = 'id'), person);
  texts text[];
  others text[];
begin
  if p_kind = 'users' then
    -- one row a person, or several
    if lookup is null and exists (
      select from pg_catalog.pg_index
      join pg_catalog.pg_attribute on attrelid = p_table and attnum = indkey[0]
      where indrelid = p_table and indisunique and indnkeyatts = 1 and attname = person
    ) then
      id := person;
    else
      kind := 'user_texts';
    end if;
  elsif own is not null then
    id := own;
  elsif p_kind = 'posts' and has_posts then
    kind := 'post_texts';
  elsif p_kind = 'posts' then
    -- the key of a partitioned table has its range next to the id
    id := (
      select key from pg_catalog.pg_constraint
      join pg_catalog.pg_attribute on attrelid = p_table and attname = key and attnum = any (conkey)
      where conrelid = p_table and contype = 'p' and (key = 'id' or cardinality(conkey) = 1)
        and atttypid = any ('{uuid,bigint,integer,smallint,text,varchar}'::regtype[])
    );
  end if;
  if not has_table_privilege(p_table, 'trigger')
    or (kind <> 'post_texts' and person is null)
    or (kind in ('interactions', 'post_texts') and post is null)
    or (kind in ('interactions', 'logins', 'posts') and (created is null or id is null))
  then
    return null;
  end if;
  select array_agg(name order by attnum) filter (where is_text), array_agg(name order by attnum) filter (where not is_text)
  into texts, others
  from (
    select name, attnum, kind in ('users', 'posts') and (category = 'S' or type = 'text[]'::regtype) or kind in ('post_texts', 'user_texts') as is_text
    from recsys_engine.columns_read(p_view, p_table)
    where name <> all (array_remove(array[id, case when kind <> 'post_texts' then person end, case when kind in ('interactions', 'post_texts') then post end, case when kind in ('interactions', 'logins', 'posts') then created end], null))
      -- what a trigger can compare
      and (category = any ('{B,N,S,D,E,T}') or type = any ('{uuid,jsonb,text[]}'::regtype[]))
  ) as further;
  return format('select recsys.watch(%s)', concat_ws(', ',
    recsys_engine.literal_sql(p_table::text), quote_literal(kind),
    case when kind in ('interactions', 'logins', 'posts', 'users') and id <> 'id' then 'p_id => ' || recsys_engine.literal_sql(id::text) end,
    case when kind in ('interactions', 'logins', 'user_texts') and person <> 'user_id' then 'p_user_id => ' || recsys_engine.literal_sql(person::text) end,
    case when kind in ('interactions', 'post_texts') and post <> 'post_id' then 'p_post_id => ' || recsys_engine.literal_sql(post::text) end,
    case when kind = 'posts' and person <> 'author_id' then 'p_author_id => ' || recsys_engine.literal_sql(person::text) end,
    case when kind in ('interactions', 'logins', 'posts') and created <> 'created_at' then 'p_created_at => ' || recsys_engine.literal_sql(created::text) end,
    case when kind in ('posts', 'users', 'post_texts', 'user_texts') then 'p_texts => ' || recsys_engine.literal_sql(coalesce(texts, '{}')::text) end,
    case when others is not null then 'p_others => ' || recsys_engine.literal_sql(others::text) end,
    case when kind <> 'post_texts' and lookup is not null then 'p_user_lookup => ' || recsys_engine.literal_sql(lookup::text) end));
end
$$;
comment on function recsys_engine.proposed_watch(regclass, text, regclass, text) is
  'A call of recsys.watch, as SQL, for a table that a source view reads; p_kind: the kind of its rows; p_post: the column that names a post, of recsys_engine.posts_read. Null: its columns do not suffice or are ambiguous, as where a join finds the person or post.';
revoke all on function recsys_engine.proposed_watch(regclass, text, regclass, text) from public;
