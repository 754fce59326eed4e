-- Visitors have not signed in. They get candidates of what the app shows to all, and learn nothing of people.
begin;
set local search_path = public, extensions;
select plan(25);

insert into profiles (id, bio) values
  ('a0000000-0000-4000-8000-000000000000', 'Ana'),
  ('b0000000-0000-4000-8000-000000000000', 'Ben');
insert into posts (id, author_id, title, tags, visibility) values
  ('a1000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'for all', '{chess}', 'public'),
  ('a2000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'for Ana', '{chess}', 'private');
insert into post_views (user_id, post_id) select 'b0000000-0000-4000-8000-000000000000', id from posts;
insert into mutes (user_id, kind, value) values ('b0000000-0000-4000-8000-000000000000', 'topic', 'chess');
insert into recsys.dismissals values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now());
select recsys.roll_up(null);
select recsys_engine.create_model('story', '{}', 'digest', '{}');
insert into recsys_engine.model_artifacts
select model_id, graph, 'x', encode(sha256('x'), 'hex') from recsys.models, unnest(array['user_tower', 'post_tower', 'dlrm']) as graph;
do $$
declare
  id bigint := (select model_id from recsys.models);
begin
  execute format(
    'insert into recsys_engine.post_embeddings_%s select $1, posts.id, (array[1] || array_fill(0, array[31]))::vector from public.posts', id) using id;
  perform recsys_engine.complete_model(id);
end
$$;

set local role anon;
select results_eq(
  $$select title, (ranks ->> 'similar')::integer, (ranks ->> 'fresh')::integer, (ranks ->> 'trending')::integer, author_affinity
    from recsys_engine.retrieve(null, (select model_id from recsys.models), (array[1] || array_fill(0, array[31]))::vector, now())$$,
  $$values ('for all', 1, 1, 1, 0)$$, 'a visitor gets what is for all, whatever others muted and dismissed');
select results_eq(
  $$select title from recsys_engine.retrieve(null, null, null, now(), p_filter => '{"tags": ["chess"]}')$$, $$values ('for all')$$, 'with a filter, too');
select is_empty(
  $$select from recsys_engine.retrieve(null, null, null, now(), p_filter => '{"author_ids": ["b0000000-0000-4000-8000-000000000000"]}')$$, 'of nobody who wrote nothing');
select results_eq('select post_id from recsys.post_embeddings', $$values ('a1000000-0000-4000-8000-000000000000'::uuid)$$, 'vectors are read with their post');
select results_eq('select post_id from recsys_engine.latest_post_stats', $$values ('a1000000-0000-4000-8000-000000000000'::uuid)$$, 'so is what happened to it');
select results_eq('select post_id from recsys_engine.post_stats', $$values ('a1000000-0000-4000-8000-000000000000'::uuid)$$, 'each time');
select results_eq('select post_id from recsys_engine.post_tags', $$values ('a1000000-0000-4000-8000-000000000000'::uuid)$$, 'and its tags');
select throws_ok('select user_id from recsys_engine.post_stats', '42501', null, 'but not who did it');
select throws_ok('select community_id from recsys.settings', '42501', null, 'of the settings a visitor reads what a feed needs');
select throws_ok('select metrics from recsys.models', '42501', null, 'of the models, too');
select throws_ok(
  $$select from recsys_engine.retrieve('b0000000-0000-4000-8000-000000000000', null, null, now())$$,
  '42501', null, 'a visitor does not get Ben''s candidates');
select throws_ok(
  $$select recsys_engine.feed_request('b0000000-0000-4000-8000-000000000000', now())$$,
  '42501', null, 'nor what Ben muted or interacted with');
select throws_ok(statement, '42501', null, 'a visitor may not: ' || statement)
from unnest(array[
  'select from recsys.source_users', 'select from recsys.source_interactions', 'select from recsys.source_dismissals', 'select from recsys.source_mutes',
  'select from recsys.user_embeddings', 'select from recsys_engine.latest_user_stats', 'select from recsys.impressions', 'select from recsys.batch_recommendations',
  'select from recsys_engine.rate_limits', 'select recsys_engine.feed_candidates(''{"role": "anon", "user_id": "b0000000-0000-4000-8000-000000000000"}'')',
  'select recsys_engine.similar_posts_for_caller(''a1000000-0000-4000-8000-000000000000'', 1)', 'select recsys.roll_up()', 'delete from recsys_engine.post_tags'
]) as statement;

select * from finish();
rollback;
