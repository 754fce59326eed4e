-- What the engine lets callers do: read what ranks their feed, and nothing of what others did.
begin;
set local search_path = public, extensions;
select plan(37);

insert into profiles (id, bio) values
  ('a0000000-0000-4000-8000-000000000000', 'Ana'),
  ('b0000000-0000-4000-8000-000000000000', 'Ben');
insert into posts (id, author_id, title) values ('a1000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'a post');
insert into post_views (user_id, post_id) values
  ('a0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000'),
  ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000');
insert into logins (user_id) values ('a0000000-0000-4000-8000-000000000000');
select recsys_engine.create_model('story', '{}', 'digest', '{}') as model_id;
do $$
begin
  execute format(
    'insert into recsys_engine.user_embeddings_%1$s select %1$s, id, (array[1] || array_fill(0, array[31]))::extensions.vector from profiles',
    (select model_id from recsys.models));
  execute format('alter table recsys.user_embeddings attach partition recsys_engine.user_embeddings_%1$s for values in (%1$s)', (select model_id from recsys.models));
end
$$;
-- names that the story knows
do $$ begin execute format('alter table recsys_engine.user_embeddings_%s rename to user_embeddings_story', (select model_id from recsys.models)); end $$;
do $$ begin execute format('create table recsys_engine.post_neighbours_story partition of recsys_engine.post_neighbours for values in (%s)', (select model_id from recsys.models)); end $$;

set local role service_role;
select is(recsys.roll_up(), 4::bigint, 'the service rolls up: a view of somebody else''s post, and three events of users');
insert into posts (id, author_id, title, visibility) values ('a2000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'a draft', 'private');
insert into comments (user_id, post_id) values ('a0000000-0000-4000-8000-000000000000', 'a2000000-0000-4000-8000-000000000000');

insert into posts (id, author_id, title) values ('a3000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'another post');
insert into recsys_engine.post_neighbours
select model_id, post_id, neighbour_id, 1
from recsys.models cross join (select id as post_id from posts) as one cross join (select id as neighbour_id from posts) as other where post_id <> neighbour_id;

set local role authenticated;
select set_config('request.jwt.claims', '{"sub": "b0000000-0000-4000-8000-000000000000", "role": "authenticated"}', true);
select isnt_empty('select from recsys.models', 'Ben''s feed needs the model');
select throws_ok($$update recsys.models set status = 'active'$$, '42501', null, 'Ben cannot activate a model by hand');
select throws_ok('select recsys.activate_model(1)', '42501', null, 'nor by the function');
select throws_ok('select recsys.rollback_model()', '42501', null, 'nor roll back');
select throws_ok($$select recsys_engine.create_model('mine', '{}', '', '{}')$$, '42501', null, 'nor create a model');
select throws_ok('select recsys_engine.complete_model(1)', '42501', null, 'nor complete one');
select throws_ok('select recsys_engine.drop_model(1)', '42501', null, 'nor drop one');
select throws_ok('select recsys.roll_up()', '42501', null, 'nor roll up');
select throws_ok('select recsys_engine.feature_store_differences()', '42501', null, 'nor have the feature store recomputed');
select throws_ok($$select recsys.watch('public.posts', 'posts')$$, '42501', null, 'nor watch a table');
select throws_ok('select from recsys_engine.feature_changes', '42501', null, 'nor see what others just did');
select throws_ok($$insert into recsys_engine.feature_changes (post_id) values ('a1000000-0000-4000-8000-000000000000')$$, '42501', null, 'nor have a post recomputed');
select lives_ok($$insert into post_votes (user_id, post_id) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000')$$, 'but what Ben does is queued');
select throws_ok(
  $$insert into recsys_engine.model_artifacts values (1, 'dlrm', '', encode(sha256(''), 'hex'))$$,
  '42501', null, 'nor upload a graph');
select results_eq(
  'select user_id from recsys_engine.user_stats', $$values ('b0000000-0000-4000-8000-000000000000'::uuid)$$, 'Ben reads his own stats only');
select results_eq(
  'select user_id from recsys_engine.latest_user_stats', $$values ('b0000000-0000-4000-8000-000000000000'::uuid)$$, 'nor the latest of others');
select results_eq(
  'select user_id from recsys.user_embeddings', $$values ('b0000000-0000-4000-8000-000000000000'::uuid)$$, 'Ben reads his own vector only');
select results_eq(
  'select post_id, neighbour_id from recsys_engine.post_neighbours order by post_id',
  $$values ('a1000000-0000-4000-8000-000000000000'::uuid, 'a3000000-0000-4000-8000-000000000000'::uuid), ('a3000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000')$$,
  'Ben reads neighbours where he may read both, so not with Ana''s draft');
select throws_ok('select from recsys_engine.post_neighbours_story', '42501', null, 'nor does he get around that by the partition');
select throws_ok('select from recsys_engine.user_embeddings_story', '42501', null, 'nor does he get around that by the partition');
select throws_ok(
  $$select recsys.similar_posts('a1000000-0000-4000-8000-000000000000')$$, '42501', 'permission denied for function similar_posts', 'nor is he told how similar posts are');
select isnt_empty('select views from recsys_engine.post_stats', 'Ben reads how often a post was viewed');
select throws_ok('select user_id from recsys_engine.post_stats', '42501', null, 'but not by whom');
select is_empty(
  $$select from recsys_engine.reconstruct_state('a2000000-0000-4000-8000-000000000000', now() + interval '1 day', 0)$$, 'nor whether Ana''s draft is there and when she interacted with it last');
select is_empty(
  $$select from recsys_engine.reconstruct_state('a1000000-0000-4000-8000-000000000000', now() + interval '1 day', 0)$$, 'nor what happened to a post at times when he was not there');
select isnt_empty(
  $$select state.* from recsys.source_interactions as own
    cross join lateral recsys_engine.reconstruct_state(own.post_id, own.created_at, own.interaction_id) as state where own.kind = 'vote'$$,
  'but what he found when he voted');
select throws_ok('select from recsys_engine.timeline', '42501', null, 'nor the timeline of all');
select results_eq(
  'select distinct user_id from recsys.source_interactions', $$values ('b0000000-0000-4000-8000-000000000000'::uuid)$$, 'the source views obey the app''s own policies');
select throws_ok(
  $$insert into recsys.impressions (request_id, user_id, post_id, position, shown_at)
    values (gen_random_uuid(), 'b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', 1, now())$$,
  '42501', null, 'what was shown is logged by the engine, not by whom it was shown to');
select throws_ok('select score, features from recsys.impressions', '42501', null, 'nobody but the service reads why it was shown');
select throws_ok('select propensity from recsys.impressions', '42501', null, 'nor by which chance');
select throws_ok('select from recsys_engine.shadow_impressions', '42501', null, 'nor what a model thinks that is only tried');
select throws_ok('select from recsys.shadows', '42501', null, 'nor which these are');
select throws_ok($$select recsys.start_shadow('story', 1)$$, '42501', null, 'nor does Ben have one tried');
select lives_ok('select clock_shift from recsys.settings', 'Ben''s request reads the settings');
select throws_ok('update recsys.settings set vote_weight = 9', '42501', null, 'and cannot change them');

select * from finish();
rollback;
