-- An operator publishes models, activates one, and takes it back.
begin;
set local search_path = public, extensions;
select plan(33);

create function pg_temp.vector_of(p_length double precision) returns vector language sql as $$
  select (array[p_length] || array_fill(0::double precision, array[31]))::extensions.vector
$$;
create function pg_temp.publish(p_name text) returns bigint language plpgsql as $$
declare
  id bigint := recsys_engine.create_model(p_name, '{}', 'digest', '{}');
begin
  insert into recsys_engine.model_artifacts
  select id, graph, convert_to(graph, 'utf8'), encode(sha256(convert_to(graph, 'utf8')), 'hex')
  from unnest(array['user_tower', 'post_tower', 'dlrm']) as graph;
  execute format('insert into recsys_engine.post_embeddings_%s values ($1, gen_random_uuid(), $2)', id) using id, pg_temp.vector_of(1);
  perform recsys_engine.complete_model(id);
  return id;
end
$$;
create function pg_temp.id_of(p_name text) returns bigint language sql as $$ select model_id from recsys.models where name = p_name $$;
create function pg_temp.status_of(p_name text) returns text language sql as $$ select status from recsys.models where name = p_name $$;

select recsys_engine.create_model('unfinished', '{}', 'digest', '{}');
select is(pg_temp.status_of('unfinished'), 'candidate', 'a new model is a candidate');
select throws_like(
  'select recsys.activate_model(pg_temp.id_of(''unfinished''))', '%is not complete and cannot be activated', 'and cannot be activated');
select throws_like('select recsys_engine.complete_model(pg_temp.id_of(''unfinished''))', '%does not have its three graphs', 'nor completed without its graphs');
select throws_ok(
  format('insert into recsys_engine.post_embeddings_%1$s values (%1$s, gen_random_uuid(), pg_temp.vector_of(1.01))', pg_temp.id_of('unfinished')),
  '23514', null, 'a vector that is not of unit length is refused');
select lives_ok(
  format('insert into recsys_engine.post_embeddings_%1$s values (%1$s, gen_random_uuid(), pg_temp.vector_of(1.0005))', pg_temp.id_of('unfinished')),
  'float32 rounding is not');
select throws_ok(
  format('insert into recsys_engine.post_embeddings_%s values (-1, gen_random_uuid(), pg_temp.vector_of(1))', pg_temp.id_of('unfinished')),
  '23514', null, 'nor can vectors of two models meet in a table');
select throws_ok(
  $$insert into recsys_engine.model_artifacts values (pg_temp.id_of('unfinished'), 'dlrm', 'x', 'another checksum')$$,
  '23514', null, 'a graph whose checksum does not fit is refused');
select is_empty('select from recsys.post_embeddings', 'readers see no vector of a candidate');

select pg_temp.publish('first');
select is(pg_temp.status_of('first'), 'ready', 'a complete model is ready');
select isnt_empty('select from recsys.post_embeddings', 'and its vectors can be read');
select throws_like('select recsys.rollback_model()', '%is not active (any more)%', 'where nothing serves there is nothing to roll back');
select recsys.activate_model(pg_temp.id_of('first'));
select throws_like('select recsys.rollback_model()', 'there is no earlier model%', 'where nothing served before there is nothing to roll back to');
select pg_temp.publish('second');
select recsys.activate_model(pg_temp.id_of('second'));
select results_eq(
  'select name, status from recsys.models order by model_id',
  $$values ('unfinished', 'candidate'), ('first', 'retired'), ('second', 'active')$$, 'activating a model retires the one before');
select throws_ok(
  $$update recsys.models set status = 'active' where name = 'first'$$, '23505', null, 'there are never two active models');
select throws_like('select recsys_engine.drop_model(pg_temp.id_of(''second''))', 'model % is active', 'the active model cannot be dropped');
select throws_ok(
  'select recsys.activate_model(pg_temp.id_of(''first''), pg_temp.id_of(''first''))', '55000', null,
  'who would replace another model than the one that serves is told so');
select is(recsys.rollback_model(), pg_temp.id_of('first'), 'rolling back returns to the one before');
select results_eq(
  'select name, status from recsys.models order by model_id',
  $$values ('unfinished', 'candidate'), ('first', 'active'), ('second', 'rolled_back')$$, 'and takes the other out of service');
select throws_ok('select recsys.rollback_model(pg_temp.id_of(''second''))', '55000', null, 'who wants that one out is told that it is');
select throws_like('select recsys.rollback_model()', 'there is no earlier model%', 'a model that was rolled back is not returned to');

-- rolling back twice goes further back
select pg_temp.publish('third'), pg_temp.publish('fourth');
select recsys.activate_model(pg_temp.id_of('third')), recsys.activate_model(pg_temp.id_of('fourth'));
select is(recsys.rollback_model(), pg_temp.id_of('third'), 'the first rollback returns to the one before');
select is(recsys.rollback_model(), pg_temp.id_of('first'), 'the second to the one before that');
select results_eq(
  'select name, reason, ended_at is null from recsys_engine.model_activations order by activation_id',
  $$values ('first', 'activated', false), ('second', 'activated', false), ('first', 'rollback', false), ('third', 'activated', false),
    ('fourth', 'activated', false), ('third', 'rollback', false), ('first', 'rollback', true)$$,
  'and the history tells it');
select is_empty(
  'select from recsys_engine.model_activations where activated_by <> session_user or ended_at < activated_at', 'with who switched and when');

-- what the gate refuses has no vectors and does not serve
select recsys_engine.create_model('bad', '{}', 'digest', '{}');
select recsys_engine.reject_model(pg_temp.id_of('bad'), '{"passed": false, "reasons": ["worse", "and slower"]}');
select throws_like('select recsys.activate_model(pg_temp.id_of(''bad''))', '%rejected by the gate%', 'a rejected model cannot be activated');
select throws_like('select recsys_engine.reject_model(pg_temp.id_of(''first''), ''{}'')', '%is not a candidate', 'nor can one that serves be rejected');
select results_eq(
  $$select status, posts, gate from recsys.model_status where name = 'bad'$$, $$values ('rejected', 0::bigint, 'worse; and slower')$$,
  'the status says why');

-- what no rollback needs is dropped: retired ones beyond the kept, others after a while
update recsys.settings set retired_models_kept = 1;
select recsys.activate_model(pg_temp.id_of('third')), recsys.activate_model(pg_temp.id_of('fourth'));
select results_eq('select name from recsys_engine.droppable_models', $$values ('first')$$, 'a retired model beyond those that are kept can go');
update recsys.models set created_at = now() - interval '15 days' where name in ('unfinished', 'bad');
select set_eq('select name from recsys_engine.droppable_models', $$values ('first'), ('unfinished'), ('bad')$$, 'and others after a while');
select isnt(recsys_engine.drop_old_model(), null, 'one goes a call');
select recsys_engine.drop_old_model(), recsys_engine.drop_old_model();
select is(recsys_engine.drop_old_model(), null, 'until there is none');
select recsys_engine.drop_model(pg_temp.id_of('second'));
select results_eq('select name from recsys.models order by model_id', $$values ('third'), ('fourth')$$, 'any but the active model can be dropped');
select is(
  (select count(*) from pg_class where relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and relname ~ '^(post|user)_embeddings_\d+$'),
  4::bigint, 'with their tables');

select * from finish();
rollback;
