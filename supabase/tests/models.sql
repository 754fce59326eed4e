-- An operator publishes models, activates one, and takes it back.
begin;
set local search_path = public, extensions;
select plan(19);

create function pg_temp.vector_of(p_length double precision) returns vector language sql as $$
  select (array[p_length] || array_fill(0::double precision, array[31]))::extensions.vector
$$;
create function pg_temp.publish(p_name text) returns bigint language plpgsql as $$
declare
  id bigint := recsys.create_model(p_name, '{}', 'digest', '{}');
begin
  insert into recsys.model_artifacts
  select id, graph, convert_to(graph, 'utf8'), encode(sha256(convert_to(graph, 'utf8')), 'hex')
  from unnest(array['user_tower', 'post_tower', 'dlrm']) as graph;
  execute format('insert into recsys.post_embeddings_%s values ($1, gen_random_uuid(), $2)', id) using id, pg_temp.vector_of(1);
  perform recsys.complete_model(id);
  return id;
end
$$;
create function pg_temp.id_of(p_name text) returns bigint language sql as $$ select model_id from recsys.models where name = p_name $$;
create function pg_temp.status_of(p_name text) returns text language sql as $$ select status from recsys.models where name = p_name $$;

select recsys.create_model('unfinished', '{}', 'digest', '{}');
select is(pg_temp.status_of('unfinished'), 'building', 'a new model is being built');
select throws_like(
  'select recsys.activate_model(pg_temp.id_of(''unfinished''))', '%is not complete and cannot be activated', 'and cannot be activated');
select throws_like('select recsys.complete_model(pg_temp.id_of(''unfinished''))', '%does not have its three graphs', 'nor completed without its graphs');
select throws_ok(
  format('insert into recsys.post_embeddings_%1$s values (%1$s, gen_random_uuid(), pg_temp.vector_of(1.01))', pg_temp.id_of('unfinished')),
  '23514', null, 'a vector that is not of unit length is refused');
select lives_ok(
  format('insert into recsys.post_embeddings_%1$s values (%1$s, gen_random_uuid(), pg_temp.vector_of(1.0005))', pg_temp.id_of('unfinished')),
  'float32 rounding is not');
select throws_ok(
  format('insert into recsys.post_embeddings_%s values (-1, gen_random_uuid(), pg_temp.vector_of(1))', pg_temp.id_of('unfinished')),
  '23514', null, 'nor can vectors of two models meet in a table');
select throws_ok(
  $$insert into recsys.model_artifacts values (pg_temp.id_of('unfinished'), 'dlrm', 'x', 'another checksum')$$,
  '23514', null, 'a graph whose checksum does not fit is refused');
select is_empty('select from recsys.post_embeddings', 'readers see no vector of a model that is being built');

select pg_temp.publish('first');
select is(pg_temp.status_of('first'), 'ready', 'a complete model is ready');
select isnt_empty('select from recsys.post_embeddings', 'and its vectors can be read');
select throws_like('select recsys.rollback_model()', 'there is no earlier model%', 'where nothing served before there is nothing to roll back to');
select recsys.activate_model(pg_temp.id_of('first'));
select pg_temp.publish('second');
select recsys.activate_model(pg_temp.id_of('second'));
select results_eq(
  'select name, status from recsys.models order by model_id',
  $$values ('unfinished', 'building'), ('first', 'retired'), ('second', 'active')$$, 'activating a model retires the one before');
select throws_ok(
  $$update recsys.models set status = 'active' where name = 'first'$$, '23505', null, 'there are never two active models');
select throws_like('select recsys.drop_model(pg_temp.id_of(''second''))', 'model % is active', 'the active model cannot be dropped');
select is(recsys.rollback_model(), pg_temp.id_of('first'), 'rolling back returns to the one before');
select results_eq(
  'select name, status from recsys.models order by model_id',
  $$values ('unfinished', 'building'), ('first', 'active'), ('second', 'rolled_back')$$, 'and takes the other out of service');
select throws_like('select recsys.rollback_model()', 'there is no earlier model%', 'a model that was rolled back is not returned to');
select recsys.drop_model(pg_temp.id_of('second')), recsys.drop_model(pg_temp.id_of('unfinished'));
select results_eq('select name from recsys.models', $$values ('first')$$, 'other models can be dropped');
select is(
  (select count(*) from pg_class where relnamespace = 'recsys'::regnamespace and relname ~ '^(post|user)_embeddings_\d+$'),
  2::bigint, 'with their tables');

select * from finish();
rollback;
