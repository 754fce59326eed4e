-- Ben's events: what record_events lets him write and read, and that it is his own.
begin;
set local search_path = public, extensions;
select plan(24);

insert into profiles (id, bio) values
  ('a0000000-0000-4000-8000-000000000000', 'Ana'),
  ('b0000000-0000-4000-8000-000000000000', 'Ben');
insert into posts (id, author_id, title, visibility) values
  ('a1000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'public', 'public'),
  ('a2000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'private', 'private');
insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, score) values
  ('f0000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', 1, now(), 0.5),
  ('f1000000-0000-4000-8000-000000000000', 'b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', 1, now(), 0.5);
insert into recsys.dismissals values ('a0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now());
insert into recsys_engine.event_ids values
  ('a0000000-0000-4000-8000-000000000000', 'e0000000-0000-4000-8000-000000000000', now() - interval '32 days'),
  ('a0000000-0000-4000-8000-000000000000', 'e1000000-0000-4000-8000-000000000000', now() - interval '30 days');

create function pg_temp.event(p_number integer, p_type text, p_more text default '{}', p_post text default 'a1000000-0000-4000-8000-000000000000') returns jsonb
language sql as $$
  select jsonb_build_object('id', 'e' || p_number || '00000-0000-4000-8000-000000000000', 'type', p_type, 'post_id', p_post) || p_more::jsonb
$$;

set local role anon;
select throws_ok($$select recsys_engine.record_events('[]')$$, '42501', null, 'without an account one records nothing');
select throws_ok('select from recsys_engine.event_ids', '42501', null, 'nor reads what was recorded');
select throws_ok('select from recsys.dismissals', '42501', null, 'nor what was dismissed');

set local role authenticated;
select set_config('request.jwt.claims', '{"sub": "c0000000-0000-4000-8000-000000000000", "role": "authenticated"}', true);
select is(recsys_engine.record_events(jsonb_build_array(pg_temp.event(10, 'view'))), null, 'who has no profile has no events');

select set_config('request.jwt.claims', '{"sub": "b0000000-0000-4000-8000-000000000000", "role": "authenticated"}', true);
select is(
  recsys_engine.record_events(jsonb_build_array(pg_temp.event(10, 'view'), pg_temp.event(11, 'vote', '{"value": 1}'), pg_temp.event(12, 'dismiss'))),
  array['stored', 'stored', 'stored'], 'Ben views a post, votes for it and then does not want it any more');
select is(
  recsys_engine.record_events(jsonb_build_array(pg_temp.event(12, 'dismiss'), pg_temp.event(13, 'view', '{}', 'a2000000-0000-4000-8000-000000000000'))),
  array['duplicate', 'unknown_post'], 'sent again nothing happens, and what he may not read is not there');
select results_eq('select user_id, post_id, value from post_votes', $$values ('b0000000-0000-4000-8000-000000000000'::uuid, 'a1000000-0000-4000-8000-000000000000'::uuid, 1::real)$$, 'the vote is his');
select results_eq('select user_id from recsys.dismissals', $$values ('b0000000-0000-4000-8000-000000000000'::uuid)$$, 'Ben sees his own dismissals only');
select results_eq('select distinct user_id from recsys_engine.event_ids', $$values ('b0000000-0000-4000-8000-000000000000'::uuid)$$, 'and his own event ids only');
select is_empty($$select from recsys_engine.retrieve('b0000000-0000-4000-8000-000000000000', null, null, now())$$, 'the post is no candidate any more');
select throws_ok(
  $$insert into recsys.dismissals values ('a0000000-0000-4000-8000-000000000000', 'a2000000-0000-4000-8000-000000000000', now())$$,
  '42501', null, 'Ben cannot dismiss for Ana');
select throws_ok(
  $$insert into recsys_engine.event_ids values ('a0000000-0000-4000-8000-000000000000', 'e2000000-0000-4000-8000-000000000000', now())$$,
  '42501', null, 'nor use up an id of hers');
select throws_ok('delete from recsys_engine.event_ids', '42501', null, 'what was recorded stays recorded');
select throws_ok('select recsys_engine.purge_event_ids()', '42501', null, 'and he cannot purge');

select is(
  recsys_engine.record_events(jsonb_build_array(
    pg_temp.event(20, 'seen', '{"request_id": "f0000000-0000-4000-8000-000000000000"}'),
    pg_temp.event(21, 'seen', '{"request_id": "f1000000-0000-4000-8000-000000000000"}'))),
  array['unknown_impression', 'stored'], 'Ben has seen what he was shown, not what Ana was');
select results_eq(
  'select user_id, seen_at is not null from recsys.impressions', $$values ('b0000000-0000-4000-8000-000000000000'::uuid, true)$$,
  'he reads which posts he was shown');
select throws_ok('select score from recsys.impressions', '42501', null, 'not by which score');
select throws_ok('update recsys.impressions set position = 9', '42501', null, 'and changes nothing else of it');
with taken as (update recsys.impressions set seen_at = now() returning user_id)
select is((select count(*) from taken), 1::bigint, 'an update of all is one of his own');

-- a vote against a post, by hand or by import, counts as much
delete from post_votes;
insert into post_votes (user_id, post_id, value) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', -1);
select is_empty($$select from recsys.source_interactions where kind = 'vote'$$, 'a vote against a post is no interaction');
select is((select count(*) from recsys.source_dismissals), 2::bigint, 'it is a dismissal');
select is_empty(
  $$select from recsys.source_dismissals where user_id = 'a0000000-0000-4000-8000-000000000000'$$, 'and Ana''s are hers');

set local role service_role;
select is(recsys_engine.purge_event_ids(), 1::bigint, 'after 31 days an id is forgotten');
select isnt_empty($$select from recsys_engine.event_ids where event_id = 'e1000000-0000-4000-8000-000000000000'$$, 'not sooner');

select * from finish();
rollback;
