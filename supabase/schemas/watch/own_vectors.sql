-- The vectors that other models, encoders, made of posts and users: where recsys.watch says that they are.

create function recsys_engine.sampled_share(p_table regclass, p_rows integer) returns double precision
language sql stable security invoker set search_path = ''
as $$
  -- a table without pages gives null, which least() passes over
  select least(1, p_rows / nullif(sum(pages.count * coalesce(nullif(pg_class.reltuples, -1) / nullif(pg_class.relpages, 0), 100)), 0))
  from pg_catalog.pg_class
  cross join lateral (select pg_relation_size(pg_class.oid) / current_setting('block_size')::integer) as pages (count)
  where pg_class.oid = p_table or pg_class.oid in (select tree.relid from pg_partition_tree(p_table) as tree where tree.isleaf)
$$;
comment on function recsys_engine.sampled_share(regclass, integer) is 'Which share of a table has about so many rows, by its size now and the rows a page at its last analyze (of one that never was: 100). 1: all of it.';

create function recsys_engine.own_vectors_sql(p_entity text, p_rows integer default null) returns text
language sql stable security invoker set search_path = ''
as $$
  select coalesce(
    string_agg(
      concat_ws(' ', format('select %s as id, %s as encoder, %s as vector, %s::double precision as stands_for from %s as changed%s', watches.watch ->> 'own_sql', watches.watch ->> 'encoder_sql', watches.watch ->> 'vector_sql',
        1 / sampled.share, watches.table_name, ' tablesample system (' || 100 * nullif(sampled.share, 1) || ') repeatable (1)'), watches.watch ->> 'join_sql'),
      ' union all ' order by watches.table_name::text, watches.watch::text),
    'select null::uuid as id, null::text as encoder, null::real[] as vector, null::double precision as stands_for where false')
  from recsys.watches
  cross join lateral (select coalesce(case when p_rows is not null then recsys_engine.sampled_share(watches.table_name, p_rows) end, 1) as share) as sampled
  where watches.kind = case p_entity when 'post' then 'vectors' else 'user_vectors' end
    -- a table that cannot be read prevents no embedding: recsys.check() names it
    and recsys_engine.reads_columns(watches.table_name, array(select jsonb_array_elements_text(watches.watch -> 'columns')))
    and (watches.watch -> 'lookup' is null or coalesce(recsys_engine.reads_columns(to_regclass(watches.watch #>> '{lookup,0}'), array[watches.watch #>> '{lookup,1}', watches.watch #>> '{lookup,2}']), false))
$$;
comment on function recsys_engine.own_vectors_sql(text, integer) is 'SQL for all vectors of posts, or of users, that watched tables have and the caller may read: (id, encoder, vector, stands_for). The encoder '''' of users is that of the posts. With p_rows: those of about so many rows of each table, whole pages drawn alike each time, where a row stands for so many.';

create function recsys_engine.own_vector_shapes(p_entity text) returns table (encoder text, dimension integer, entities bigint, is_estimate boolean)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  -- made of what recsys.watch quoted, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off, extra_warnings = off
  return query execute format('select one.encoder, one.dimension, round(sum(one.stands_for))::bigint, max(one.stands_for) > 1
    from (
      select own.encoder, cardinality(own.vector) as dimension, max(own.stands_for) as stands_for from (%s) as own
      where own.encoder is not null and cardinality(own.vector) between 2 and 4096 and own.id is not null group by 1, 2, own.id
    ) as one
    group by 1, 2', recsys_engine.own_vectors_sql(p_entity, 10000));
end
$$;
comment on function recsys_engine.own_vector_shapes(text) is
  'Counts posts, or users, with a vector by encoder and length; for a table of more than 10,000 rows an estimate (is_estimate), since 100,000 vectors of 1,536 numbers take a processor 2.05 s, and a sample 0.22.';

create function recsys_engine.posts_with_several_vectors() returns table (table_name regclass, posts bigint)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  found_row record;
begin
  for found_row in
    select watches.table_name as relation, watches.watch from recsys.watches
    where watches.kind = 'vectors' and recsys_engine.reads_columns(watches.table_name, array(select jsonb_array_elements_text(watches.watch -> 'columns')))
      -- nothing is read where there can be one only
      and not exists (
        select from pg_catalog.pg_index
        join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_index.indrelid and pg_attribute.attnum = pg_index.indkey[0]
        where pg_index.indrelid = watches.table_name and pg_index.indisunique and pg_index.indisvalid and pg_index.indpred is null and pg_index.indnkeyatts = 1 and pg_attribute.attname = watches.watch ->> 'post'
      )
    order by watches.table_name::text, watches.watch::text
  loop
    -- as above: @plpgsql_check_options: security_warnings = off, extra_warnings = off
    return query execute format('select %L::regclass, count(distinct several.post) from (select made.post from (select %I as post, %s as encoder from %s as changed where (%s) is not null) as made group by made.post, made.encoder having count(*) > 1) as several having count(*) > 0',
      found_row.relation, found_row.watch ->> 'post', found_row.watch ->> 'encoder_sql', found_row.relation,
      (select string_agg(distinct quote_ident(read.name), ', ') from jsonb_array_elements_text(found_row.watch -> 'columns') as read (name)));
  end loop;
end
$$;
comment on function recsys_engine.posts_with_several_vectors() is
  'Watched tables with several vectors of a post by the same encoder (recsys_engine.own_vectors takes the lowest), and the number of posts.';

create function recsys_engine.own_vectors(p_entity text, p_encoder text, p_ids uuid[]) returns table (id uuid, vector json)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  -- as above: @plpgsql_check_options: security_warnings = off, extra_warnings = off
  return query execute format('select distinct on (own.id) own.id, array_to_json(own.vector) from (%s) as own where own.id = any ($2) and own.encoder in ($1, %L) and own.vector is not null%s order by own.id, own.vector',
    recsys_engine.own_vectors_sql(p_entity), '', case p_entity when 'user' then ' and not exists (select from recsys_engine.personalization_opt_outs as nobody where nobody.user_id = own.id)' end)
  using p_encoder, p_ids;
end
$$;
comment on function recsys_engine.own_vectors(text, text, uuid[]) is 'The vectors by an encoder of those of some posts, or users, that have one, as JSON, which drivers read several times as fast as an array. Of who wants no personalisation nothing is read.';

create function recsys_engine.missing_vectors(p_entity text, p_basis text, p_after uuid, p_limit integer) returns table (id uuid, vector json)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  -- as above: @plpgsql_check_options: security_warnings = off, extra_warnings = off
  return query execute format('select distinct on (own.id) own.id, array_to_json(own.vector) from recsys_engine.vector_bases as basis join (%s) as own on own.encoder in (basis.encoder, %L) and own.vector is not null where basis.basis_id = $1 and own.id > $2 and not exists (select from recsys_engine.%I as reduced where reduced.%I = own.id and reduced.basis_id = basis.basis_id)%s order by own.id, own.vector limit $3',
    recsys_engine.own_vectors_sql(p_entity), '', case p_entity when 'post' then 'reduced_vectors' else 'reduced_user_vectors' end, p_entity || '_id',
    case p_entity when 'user' then ' and not exists (select from recsys_engine.personalization_opt_outs as nobody where nobody.user_id = own.id)' end)
  using p_basis, p_after, p_limit;
end
$$;
comment on function recsys_engine.missing_vectors(text, text, uuid, integer) is 'The first p_limit posts, or users, after p_after, in the order of their ids, whose vector by the encoder of a basis was not reduced yet.';

revoke all on function recsys_engine.sampled_share(regclass, integer), recsys_engine.own_vectors_sql(text, integer), recsys_engine.own_vector_shapes(text), recsys_engine.posts_with_several_vectors(), recsys_engine.own_vectors(text, text, uuid[]), recsys_engine.missing_vectors(text, text, uuid, integer) from public;
grant execute on function recsys_engine.sampled_share(regclass, integer), recsys_engine.own_vectors_sql(text, integer), recsys_engine.own_vector_shapes(text), recsys_engine.posts_with_several_vectors(), recsys_engine.own_vectors(text, text, uuid[]), recsys_engine.missing_vectors(text, text, uuid, integer) to service_role;

create function recsys_engine.queue_for_encoder() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into recsys_engine.encoding_jobs (post_id)
  select source_posts.post_id from recsys.source_posts
  where not exists (select from recsys_engine.raw_vectors where raw_vectors.post_id = source_posts.post_id and raw_vectors.encoder = new.text_encoder)
  on conflict (post_id) do update set failures = 0, last_error = null, due_at = excluded.due_at;
  return null;
end
$$;
comment on function recsys_engine.queue_for_encoder() is 'Trigger of recsys.settings: an encoder that is set makes a vector of every post that has none by it, also where it had failed.';
revoke all on function recsys_engine.queue_for_encoder() from public;
create trigger queue_for_encoder after update of text_encoder on recsys.settings
for each row when (new.text_encoder is not null and new.text_encoder is distinct from old.text_encoder) execute function recsys_engine.queue_for_encoder();

select recsys.watch('recsys_engine.raw_vectors', 'vectors', p_texts => '{vector}', p_others => '{encoder}');
select recsys.watch('recsys_engine.raw_user_vectors', 'user_vectors', p_texts => '{vector}', p_others => '{encoder}');
