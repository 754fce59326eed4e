-- A part of recsys.check(): vectors of posts that the app keeps and no tower reads.

create function recsys_engine.check_vectors() returns table (stops boolean, problem text, cure text)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return query
  with posts as (
    select under.relation from recsys_engine.relations_under('recsys.source_posts'::regclass) as under where under.kind in ('r', 'p')
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
    format('%s of %s has a vector of each post, which no tower reads%s', pg_attribute.attname, recsys_engine.table_sql(holders.relation),
      coalesce(format(': missing in %s %% of rows', round(100 * pg_stats.null_frac)), '')),
    format('select recsys.watch(%L, ''vectors''%s, p_texts => %L)', recsys_engine.table_sql(holders.relation),
      case when holders.post <> 'post_id' then format(', p_post_id => %L', holders.post) else '' end, array[pg_attribute.attname])
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
  select false,
    format('model %s reads vectors by %s, and %s posts have one by %s: their towers go by words alone', models.name, models.feature_spec #>> '{vectors,encoder}', shapes.posts, shapes.encoder),
    'npx recsys train, then npx recsys publish: from then on the others are read'
  from recsys.models
  join recsys_engine.own_vector_shapes() as shapes on shapes.encoder <> models.feature_spec #>> '{vectors,encoder}' or shapes.dimension <> (models.feature_spec #>> '{vectors,dimension}')::integer
  where models.status = 'active';
end
$$;
comment on function recsys_engine.check_vectors() is 'Columns with vectors of posts that recsys.watch was not told of, and vectors by another encoder than the active model reads. Part of recsys.check().';
revoke all on function recsys_engine.check_vectors() from public;
