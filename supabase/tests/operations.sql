-- What the views and functions for a DBA show, and to whom: the owner and the service, and none of the app's users.
begin;
set local search_path = public, extensions;
select plan(25);

insert into profiles (id, bio) values
  ('a0000000-0000-4000-8000-000000000000', 'Ana'),
  ('b0000000-0000-4000-8000-000000000000', 'Ben');
insert into posts (id, author_id, title, visibility) values
  ('a1000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'a post', 'public'),
  ('a2000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'a secret', 'private');

set local role authenticated;
select set_config('request.jwt.claims', '{"sub": "b0000000-0000-4000-8000-000000000000", "role": "authenticated"}', true);
select throws_ok('select from recsys.status', '42501', null, 'Ben does not see how all stands');
select throws_ok('select from recsys.schedules', '42501', null, 'nor what is scheduled');
select throws_ok('select from recsys.daily_metrics', '42501', null, 'nor what days were like');
select throws_ok('select recsys.health()', '42501', null, 'nor what is out of bounds');
select throws_ok('select recsys_engine.measure_days()', '42501', null, 'nor measures');
select throws_ok('select from recsys_engine.roll_up_lag', '42501', null, 'nor how much happens');
select throws_ok('select from recsys.erasures', '42501', null, 'nor who left');
select throws_ok('select from recsys_engine.impression_features', '42501', null, 'nor what the ranker was told');
select throws_ok(
  $$select recsys.explain('a0000000-0000-4000-8000-000000000000', 'a2000000-0000-4000-8000-000000000000')$$,
  '42501', null, 'nor what Ana''s feed holds');
select throws_ok(
  $$select recsys_engine.explain_candidate('a0000000-0000-4000-8000-000000000000', 'a2000000-0000-4000-8000-000000000000', null, null, now())$$,
  '42501', null, 'nor can he take her place');
select throws_ok($$select recsys_engine.similar_users('a0000000-0000-4000-8000-000000000000')$$, '42501', null, 'nor who is like her');
select throws_ok('select recsys.erase()', '42501', null, 'nor erases anybody');
select throws_ok($$insert into recsys.erasures (kind, entity_id) values ('user', 'a0000000-0000-4000-8000-000000000000')$$, '42501', null, 'nor has anybody erased');
select throws_ok($$select recsys.pause('recsys roll-up')$$, '42501', null, 'nor pauses a schedule');
select throws_ok($$select recsys_engine.schedule('recsys mine', '1 seconds', 'select 1')$$, '42501', null, 'nor makes one');
select throws_ok('select recsys_engine.purge_impressions()', '42501', null, 'nor drops a month');
select lives_ok($$delete from posts where author_id = 'b0000000-0000-4000-8000-000000000000'$$, 'but what Ben deletes is erased without rights of his own');

set local role service_role;
select isnt_empty('select from recsys.status', 'the service sees how all stands');
select lives_ok('select from recsys.schedules', 'and what is scheduled');
select lives_ok('select recsys_engine.measure_days(100), recsys.health()', 'and measures what is out of bounds');
select throws_ok($$select recsys.pause('recsys roll-up')$$, '42501', null, 'but does not change it');
select results_eq(
  $$select item, value from recsys.explain('b0000000-0000-4000-8000-000000000000', 'a2000000-0000-4000-8000-000000000000') where topic = 'verdict'$$,
  $$values ('not a candidate', 'not visible')$$, 'asked for Ben, the service does not find what Ben may not see');
select results_eq(
  $$select item from recsys.explain('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000') where topic = 'verdict'$$,
  $$values ('a candidate')$$, 'and finds what he may');
select is(current_user::text, 'service_role', 'and is itself again afterwards');

set local role authenticated;
select is_empty($$select from recsys.source_posts where title = 'a secret'$$, 'Ben''s own request still sees what is his to see');

select * from finish();
rollback;
