-- A part of recsys.check(): vectors of posts and users that the app keeps and no tower reads.

create function recsys_engine.check_vectors() returns table (stops boolean, problem text, cure text)
-- volatile: it sets the role
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  return query
  with posts as (
    select under.relation from recsys_engine.relations_under('recsys.source_posts'::regclass) as under where under.kind in ('r', 'p')
      -- the view may look at its people, too
      and not exists (select from recsys.watches where watches.table_name = under.relation and watches.kind = 'users')
  ),
  holders as (
    -- the post is its own row, or one that another table names, once each
    select posts.relation, pg_attribute.attname as post
    from posts
    join pg_catalog.pg_index on pg_index.indrelid = posts.relation and pg_index.indisprimary and pg_index.indnkeyatts = 1
    join pg_catalog.pg_attribute on pg_attribute.attrelid = posts.relation and pg_attribute.attnum = pg_index.indkey[0]
    union
    select pg_constraint.conrelid, pg_attribute.attname
    from posts
    join pg_catalog.pg_constraint on pg_constraint.confrelid = posts.relation and pg_constraint.contype = 'f' and cardinality(pg_constraint.conkey) = 1
    join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_constraint.conrelid and pg_attribute.attnum = pg_constraint.conkey[1]
    where exists (
      select from pg_catalog.pg_index
      where pg_index.indrelid = pg_constraint.conrelid and pg_index.indisunique and pg_index.indpred is null and pg_index.indnkeyatts = 1 and pg_index.indkey[0] = pg_constraint.conkey[1]
    )
  )
  select false,
    format('%s of %s has a vector of each post, which no tower reads%s', recsys_engine.identifier_sql(pg_attribute.attname), recsys_engine.table_sql(holders.relation),
      coalesce(': missing in ' || round(100 * pg_stats.null_frac) || ' % of rows', '')),
    format('select recsys.watch(%s, ''vectors''%s, p_texts => %s)', recsys_engine.literal_sql(recsys_engine.table_sql(holders.relation)),
      case when holders.post <> 'post_id' then ', p_post_id => ' || recsys_engine.literal_sql(holders.post) else '' end, recsys_engine.literal_sql(array[pg_attribute.attname]::text))
  from holders
  join pg_catalog.pg_attribute on pg_attribute.attrelid = holders.relation and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
    and pg_attribute.atttypid in ('extensions.vector'::regtype, 'extensions.halfvec'::regtype)
  join pg_catalog.pg_class on pg_class.oid = holders.relation
  left join pg_catalog.pg_stats on pg_stats.schemaname = pg_class.relnamespace::regnamespace::text and pg_stats.tablename = pg_class.relname and pg_stats.attname = pg_attribute.attname
  where not exists (
    select from recsys.watches
    where watches.table_name = holders.relation and watches.kind = 'vectors' and watches.watch -> 'columns' ? pg_attribute.attname::text
  );

  return query
  with people as (
    -- by the uuid of auth.users, as it is watched
    select watches.table_name as relation, watches.user_column as person from recsys.watches where watches.kind = 'users'
  ),
  holders as (
    select people.relation, people.person, null::text[] as lookup, 1 as rank from people
    union all
    select pg_constraint.conrelid::regclass, pg_attribute.attname::text,
      case when key.attname <> people.person then array[people.relation::text, key.attname::text, people.person] end, 2
    from people
    join pg_catalog.pg_constraint on pg_constraint.confrelid = people.relation and pg_constraint.contype = 'f' and cardinality(pg_constraint.conkey) = 1
    join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_constraint.conrelid and pg_attribute.attnum = pg_constraint.conkey[1]
    join pg_catalog.pg_attribute as key on key.attrelid = pg_constraint.confrelid and key.attnum = pg_constraint.confkey[1]
    union all
    select pg_constraint.conrelid::regclass, pg_attribute.attname::text, null, 3
    from pg_catalog.pg_constraint
    join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_constraint.conrelid and pg_attribute.attnum = pg_constraint.conkey[1]
    where pg_constraint.confrelid = to_regclass('auth.users') and pg_constraint.contype = 'f' and cardinality(pg_constraint.conkey) = 1
  )
  select distinct on (holders.relation::text, pg_attribute.attname) false,
    format('%s of %s has a vector of each user, which no tower reads%s', recsys_engine.identifier_sql(pg_attribute.attname), recsys_engine.table_sql(holders.relation),
      coalesce(': missing in ' || round(100 * pg_stats.null_frac) || ' % of rows', '')),
    format('select recsys.watch(%s, ''user_vectors''%s, p_texts => %s%s)', recsys_engine.literal_sql(recsys_engine.table_sql(holders.relation)),
      case when holders.person <> 'user_id' then ', p_user_id => ' || recsys_engine.literal_sql(holders.person) else '' end, recsys_engine.literal_sql(array[pg_attribute.attname]::text),
      case when holders.lookup is not null then ', p_user_lookup => ' || recsys_engine.literal_sql(holders.lookup::text) else '' end)
  from holders
  join pg_catalog.pg_attribute on pg_attribute.attrelid = holders.relation and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
    and pg_attribute.atttypid in ('extensions.vector'::regtype, 'extensions.halfvec'::regtype)
  join pg_catalog.pg_class on pg_class.oid = holders.relation
  left join pg_catalog.pg_stats on pg_stats.schemaname = pg_class.relnamespace::regnamespace::text and pg_stats.tablename = pg_class.relname and pg_stats.attname = pg_attribute.attname
  -- once each: a row count of many users says nothing of one alone
  where exists (
      select from pg_catalog.pg_index
      join pg_catalog.pg_attribute as person on person.attrelid = holders.relation and person.attnum = pg_index.indkey[0] and person.attname = holders.person
      where pg_index.indrelid = holders.relation and pg_index.indisunique and pg_index.indpred is null and pg_index.indnkeyatts = 1
    )
    and not exists (
      select from recsys.watches
      where watches.table_name = holders.relation and watches.kind in ('vectors', 'user_vectors') and watches.watch -> 'columns' ? pg_attribute.attname::text
    )
    -- posts are proposed above
    and not exists (select from recsys.watches where watches.table_name = holders.relation and watches.kind = 'posts')
  order by holders.relation::text, pg_attribute.attname, holders.rank;

  return query
  select false, format('service_role may not read the vectors of %s in %s, and their towers go by words alone',
    case when exists (select from recsys.watches where watches.table_name = unread.relation and watches.kind = 'vectors') then 'posts' else 'users' end, recsys_engine.table_sql(unread.relation)), unread.statement
  from (
    select reads.relation, reads.statement from recsys_engine.missing_reads('service_role') as reads where reads.views = 'recsys.watches'
    union
    select watches.table_name, format('grant usage on schema %s to service_role', recsys_engine.identifier_sql(pg_namespace.nspname))
    from recsys.watches
    join pg_catalog.pg_class on pg_class.oid = watches.table_name
    join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
    where watches.kind in ('vectors', 'user_vectors') and not has_schema_privilege('service_role', pg_namespace.oid, 'usage')
  ) as unread
  order by 2, 3;

  return query
  select distinct false, format('%s has no index by which a %s''s vector is found, and each batch of embedding reads all of it', recsys_engine.table_sql(watches.table_name), watches.watch ->> 'entity'),
    format('create index concurrently on %s (%s)', recsys_engine.table_sql(watches.table_name),
      coalesce(recsys_engine.identifier_sql(watches.user_column), regexp_replace(watches.watch ->> 'entity_sql', '\s+', ' ', 'g')))
  from recsys.watches
  cross join lateral recsys_engine.explained('service_role', concat_ws(' ', format('select from %s as changed', watches.table_name), watches.watch ->> 'join_sql', format('where %s = any (''{00000000-0000-4000-8000-000000000000,00000000-0000-4000-8000-000000000001}''::uuid[])', watches.watch ->> 'own_sql'))) as plan
  where watches.kind in ('vectors', 'user_vectors') and plan is not null
    and not exists (select from recsys_engine.plan_nodes(plan) as nodes where nodes.relation = watches.table_name and nodes.node ? 'Index Cond');

  return query
  select false, format('%s failed five times at the text of %s, such as with: %s', settings.text_encoder, case count(*) when 1 then 'a post' else count(*) || ' posts' end, regexp_replace(max(jobs.last_error), '\s+', ' ', 'g')),
    format('update recsys.settings set text_encoder = null; update recsys.settings set text_encoder = %L  -- which tries them again', settings.text_encoder)
  from recsys_engine.encoding_jobs as jobs cross join recsys.settings
  where jobs.failures >= 5 and settings.text_encoder is not null
  group by settings.text_encoder;

  return query
  select false,
    format('model %s reads vectors by %s, and %s%s posts have one by %s: these are embedded by their words alone', models.name, regexp_replace(models.feature_spec #>> '{vectors,encoder}', '\s+', ' ', 'g'), case when shapes.is_estimate then 'about ' else '' end, shapes.entities, regexp_replace(shapes.encoder, '\s+', ' ', 'g')),
    'npx --no-install recsys train, then npx --no-install recsys publish: from then on the others are read'
  from recsys.models
  join recsys_engine.own_vector_shapes('post') as shapes on shapes.encoder <> models.feature_spec #>> '{vectors,encoder}' or shapes.dimension <> (models.feature_spec #>> '{vectors,dimension}')::integer
  where models.status = 'active' and models.feature_spec ? 'vectors';

  return query
  select false,
    format('the basis by which model %s reads vectors by %s is missing, and its posts are embedded by their words alone', missing.name, regexp_replace(missing.encoder, '\s+', ' ', 'g')),
    'bring back the rows of recsys_engine.vector_bases from where this database comes from; or npx --no-install recsys train, then npx --no-install recsys publish, which make another'
  from recsys_engine.models_without_basis as missing
  order by missing.model_id;

  return query
  select false, format('%s has several vectors of %s, and of each the lowest is read', recsys_engine.table_sql(several.table_name), case several.posts when 1 then 'a post' else several.posts || ' posts' end),
    'keep the mean of each post''s vectors in a table of its own, and watch that in its place: recsys.watch, recsys.unwatch'
  from recsys_engine.posts_with_several_vectors() as several;

  return query
  -- whose vectors the posts have: what the active model reads, or the next training will
  with of_posts as (
    (select 1 as rank, models.feature_spec #>> '{vectors,encoder}' as encoder, (models.feature_spec #>> '{vectors,dimension}')::integer as dimension, 0::bigint as entities
    from recsys.models where models.status = 'active' and models.feature_spec ? 'vectors')
    union all
    select 2, shapes.encoder, shapes.dimension, shapes.entities from recsys_engine.own_vector_shapes('post') as shapes
    order by 1, 4 desc, 2
    limit 1
  )
  select false,
    format('%s%s users have a vector by %s (%s numbers), and the posts %s: these users are embedded by their words alone', case when shapes.is_estimate then 'about ' else '' end, shapes.entities,
      coalesce(nullif(regexp_replace(shapes.encoder, '\s+', ' ', 'g'), ''), 'a model without a name'), shapes.dimension,
      case when of_posts.encoder is null then 'have none' else format('have theirs by %s (%s numbers)', regexp_replace(of_posts.encoder, '\s+', ' ', 'g'), of_posts.dimension) end),
    'make the vectors of users with the model that makes those of posts, whose name p_others finds; where it was changed for the posts too: npx --no-install recsys train, then npx --no-install recsys publish'
  from recsys_engine.own_vector_shapes('user') as shapes
  left join of_posts on true
  where (of_posts.encoder is null or shapes.encoder not in (of_posts.encoder, '') or shapes.dimension <> of_posts.dimension);
end
$$;
comment on function recsys_engine.check_vectors() is
  'Finds vector columns that recsys.watch does not follow, that service_role may not read or without an index, posts whose encoding failed, vectors of another encoder than the model''s or the posts'', models without their basis, and tables with several vectors a post. Part of recsys.check().';
revoke all on function recsys_engine.check_vectors() from public;
