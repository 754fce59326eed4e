-- The vectors that other models, encoders, made of posts: where recsys.watch says that they are.

create function recsys_engine.own_vectors_sql() returns text
language sql stable security invoker set search_path = ''
as $$
  select coalesce(
    string_agg(
      format('select %s as post_id, %s as encoder, %s as vector from %s as given', watches.watch ->> 'entity_sql', watches.watch ->> 'encoder_sql', watches.watch ->> 'vector_sql', watches.table_name),
      ' union all ' order by watches.table_name::text, watches.watch::text),
    'select null::uuid as post_id, null::text as encoder, null::real[] as vector where false')
  from recsys.watches
  -- a table that cannot be read keeps no post from being embedded: recsys.check() names it
  where watches.kind = 'vectors' and recsys_engine.reads_columns(watches.table_name, array(select jsonb_array_elements_text(watches.watch -> 'columns')))
$$;
comment on function recsys_engine.own_vectors_sql() is 'SQL for all vectors of posts that watched tables have and the caller may read: (post_id, encoder, vector).';

create function recsys_engine.own_vector_shapes() returns table (encoder text, dimension integer, posts bigint)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  -- made of what recsys.watch quoted, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off, extra_warnings = off
  return query execute format('select own.encoder, cardinality(own.vector), count(distinct own.post_id) from (%s) as own where own.encoder is not null and cardinality(own.vector) between 2 and 4096 and own.post_id is not null group by 1, 2', recsys_engine.own_vectors_sql());
end
$$;
comment on function recsys_engine.own_vector_shapes() is 'How many posts have a vector of each encoder and length.';

create function recsys_engine.own_vectors(p_encoder text, p_posts uuid[]) returns table (post_id uuid, vector json)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  -- as above: @plpgsql_check_options: security_warnings = off, extra_warnings = off
  return query execute format('select distinct on (own.post_id) own.post_id, array_to_json(own.vector) from (%s) as own where own.post_id = any ($2) and own.encoder = $1 and own.vector is not null order by own.post_id, own.vector', recsys_engine.own_vectors_sql())
  using p_encoder, p_posts;
end
$$;
comment on function recsys_engine.own_vectors(text, uuid[]) is 'The vectors by an encoder of those of some posts that have one, as JSON, which drivers read several times as fast as an array.';

create function recsys_engine.missing_vectors(p_basis text, p_after uuid, p_limit integer) returns table (post_id uuid, vector json)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  -- as above: @plpgsql_check_options: security_warnings = off, extra_warnings = off
  return query execute format('select distinct on (own.post_id) own.post_id, array_to_json(own.vector) from recsys_engine.vector_bases as basis join (%s) as own on own.encoder = basis.encoder and own.vector is not null where basis.basis_id = $1 and own.post_id > $2 and not exists (select from recsys_engine.reduced_vectors as reduced where reduced.post_id = own.post_id and reduced.basis_id = basis.basis_id) order by own.post_id, own.vector limit $3', recsys_engine.own_vectors_sql())
  using p_basis, p_after, p_limit;
end
$$;
comment on function recsys_engine.missing_vectors(text, uuid, integer) is 'The first p_limit posts after p_after, in the order of their ids, whose vector by the encoder of a basis was not reduced yet.';

revoke all on function recsys_engine.own_vectors_sql(), recsys_engine.own_vector_shapes(), recsys_engine.own_vectors(text, uuid[]), recsys_engine.missing_vectors(text, uuid, integer) from public;
grant execute on function recsys_engine.own_vectors_sql(), recsys_engine.own_vector_shapes(), recsys_engine.own_vectors(text, uuid[]), recsys_engine.missing_vectors(text, uuid, integer) to service_role;

create function recsys_engine.queue_for_encoder() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  insert into recsys_engine.encoding_jobs (post_id)
  select source_posts.post_id from recsys.source_posts
  where not exists (select from recsys_engine.raw_vectors where raw_vectors.post_id = source_posts.post_id and raw_vectors.encoder = new.encoder)
  on conflict (post_id) do update set failures = 0, last_error = null, due_at = excluded.due_at;
  return null;
end
$$;
comment on function recsys_engine.queue_for_encoder() is 'Trigger of recsys.settings: an encoder that is set makes a vector of every post that has none by it, also where it had failed.';
revoke all on function recsys_engine.queue_for_encoder() from public;
create trigger queue_for_encoder after update of encoder on recsys.settings
for each row when (new.encoder is not null and new.encoder is distinct from old.encoder) execute function recsys_engine.queue_for_encoder();

select recsys.watch('recsys_engine.raw_vectors', 'vectors', p_texts => '{vector}', p_others => '{encoder}');
