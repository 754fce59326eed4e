-- Who may do what with the queue of re-embedding: people fill it by writing, and only the service works it.
begin;
set local search_path = public, extensions;
select plan(15);

insert into profiles (id, bio) values ('a0000000-0000-4000-8000-000000000000', 'Ana'), ('b0000000-0000-4000-8000-000000000000', 'Ben');
delete from recsys_engine.embedding_jobs;

set local role authenticated;
select set_config('request.jwt.claims', '{"sub": "b0000000-0000-4000-8000-000000000000", "role": "authenticated"}', true);
select lives_ok(
  $$insert into posts (author_id, title) values ('b0000000-0000-4000-8000-000000000000', 'a post')$$,
  'Ben writes a post');
select lives_ok($$update profiles set bio = 'Ben, who gardens' where id = 'b0000000-0000-4000-8000-000000000000'$$, 'and says more of himself');
select lives_ok($$update profiles set bio = 'Ana, says Ben'$$, 'of Ana he can say nothing: his policy leaves her row out');
select throws_ok('select from recsys_engine.embedding_jobs', '42501', null, 'he does not see the queue');
select throws_ok($$insert into recsys_engine.embedding_jobs (kind, entity_id) values ('user', gen_random_uuid())$$, '42501', null, 'nor fills it by hand');
select throws_ok('select from recsys_engine.embedding_changes', '42501', null, 'nor what was embedded');
select throws_ok('select from recsys.embedding_dead_letters', '42501', null, 'nor what failed');
select throws_ok('select from recsys.embedding_queue', '42501', null, 'nor how long it is');
select throws_ok('select from recsys_engine.embedding_coverage', '42501', null, 'nor how complete a model is');
select throws_ok($$select recsys_engine.claim_embedding_jobs(1, '1 minute')$$, '42501', null, 'he cannot take jobs');
select throws_ok($$select recsys_engine.complete_embedding_jobs(1, 1, '{}', '{}', '{}')$$, '42501', null, 'nor complete them with vectors of his own');
select throws_ok($$select recsys_engine.fail_embedding_jobs(1, '{}', '{}', '{}')$$, '42501', null, 'nor make others'' fail');
select throws_ok($$select recsys_engine.enqueue_embedding_jobs('post', '{}')$$, '42501', null, 'nor have others'' texts embedded again');
select throws_ok('select recsys_engine.call_embed()', '42501', null, 'nor call the function embed with the project''s key');

set local role service_role;
select results_eq(
  $$select kind, entity_id from recsys_engine.claim_embedding_jobs(10, '1 minute') order by kind$$,
  $$values ('post', (select posts.id from public.posts)), ('user', 'b0000000-0000-4000-8000-000000000000'::uuid)$$,
  'the service gets what Ben wrote');

select * from finish();
rollback;
