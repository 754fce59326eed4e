-- Who may do what with training requests: only the service files, works and reads them.
begin;
set local search_path = public, extensions;
select plan(11);

set local role authenticated;
select throws_ok('select from recsys_engine.training_requests', '42501', null, 'a signed-in user does not see the requests');
select throws_ok('select from recsys.training_status', '42501', null, 'nor how training stands');
select throws_ok($$insert into recsys_engine.training_requests (requested_by) values ('person')$$, '42501', null, 'nor files one by hand');
select throws_ok('select recsys.request_training()', '42501', null, 'nor by the function: a training costs minutes');
select throws_ok($$select recsys_engine.claim_training_request('me', '1 minute')$$, '42501', null, 'nor takes one');
select throws_ok($$select recsys_engine.heartbeat_training_request(1, '1 minute', 'x')$$, '42501', null, 'nor keeps one alive');
select throws_ok('select recsys_engine.release_training_request(1)', '42501', null, 'nor gives one back');
select throws_ok('select recsys_engine.complete_training_request(1, null, 0, 0, 0)', '42501', null, 'nor says it is done');
select throws_ok($$select recsys_engine.fail_training_request(1, 'x', true)$$, '42501', null, 'nor makes one fail');

set local role service_role;
select lives_ok('select recsys.request_training()', 'the service files one');
select results_eq(
  $$select attempts from recsys_engine.claim_training_request('a worker', '1 minute')$$, 'values (1)', 'and takes it');

select * from finish();
rollback;
