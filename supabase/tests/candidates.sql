-- Ben asks for his feed: what may be recommended to him, and what the engine knows of him.
begin;
set local search_path = public, extensions;
select plan(17);

create function pg_temp.vector_at(p_place integer) returns vector language sql as $$
  select (array_fill(0, array[p_place - 1]) || array[1] || array_fill(0, array[32 - p_place]))::extensions.vector
$$;

insert into profiles (id, bio, passions) values
  ('a0000000-0000-4000-8000-000000000000', 'Ana', '{}'),
  ('b0000000-0000-4000-8000-000000000000', 'Ben', '{chess}'),
  ('d0000000-0000-4000-8000-000000000000', 'Dee', '{}');
insert into posts (id, author_id, title, visibility, created_at) values
  ('a1000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'public', 'public', now() - interval '3 hours'),
  ('a2000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'private', 'private', now() - interval '3 hours'),
  ('a3000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'viewed', 'public', now() - interval '3 hours'),
  ('a4000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'tomorrow', 'public', now() + interval '1 day'),
  ('a5000000-0000-4000-8000-000000000000', null, 'nobody''s', 'public', now() - interval '4 hours'),
  ('b1000000-0000-4000-8000-000000000000', 'b0000000-0000-4000-8000-000000000000', 'own', 'public', now() - interval '5 hours'),
  ('b2000000-0000-4000-8000-000000000000', 'b0000000-0000-4000-8000-000000000000', 'own private', 'private', now() - interval '6 hours');
insert into post_views (user_id, post_id, created_at) values
  ('b0000000-0000-4000-8000-000000000000', 'a3000000-0000-4000-8000-000000000000', now() - interval '2 hours');
insert into comments (user_id, post_id, created_at) values
  ('d0000000-0000-4000-8000-000000000000', 'a2000000-0000-4000-8000-000000000000', now() - interval '30 minutes'),
  ('d0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() - interval '1 hour'),
  ('d0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() - interval '20 minutes'),
  ('a0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() - interval '10 minutes');
select recsys.roll_up();

-- every post has a vector, the private ones too
select recsys_engine.create_model('story', '{}', 'digest', '{}');
insert into recsys_engine.model_artifacts
select model_id, graph, 'x', encode(sha256('x'), 'hex') from recsys.models, unnest(array['user_tower', 'post_tower', 'dlrm']) as graph;
do $$
declare
  id bigint := (select model_id from recsys.models);
begin
  execute format('insert into recsys_engine.post_embeddings_%s select $1, id, pg_temp.vector_at((row_number() over (order by id))::integer) from public.posts', id) using id;
  perform recsys_engine.complete_model(id);
end
$$;

set local role authenticated;
select set_config('request.jwt.claims', '{"sub": "b0000000-0000-4000-8000-000000000000", "role": "authenticated"}', true);

create temp view candidates as
select found.*, stats.* from recsys.models
cross join recsys_engine.retrieve('b0000000-0000-4000-8000-000000000000', model_id, pg_temp.vector_at(1), now()) as found
left join (select post_id as of_post, kind, views, comments, participants, last_active_at from recsys_engine.latest_post_stats) as stats on of_post = post_id;
select set_eq('select title from candidates', array['public', 'nobody''s'], 'no private post of others, none of his own, none he interacted with, none of the future');
select results_eq(
  $$select ranks from candidates where title = 'public'$$,
  $$values ('{"similar": 1, "active": 1, "fresh": 1, "trending": 1, "popular": 1, "followed": 1}'::jsonb)$$, 'most similar, last active (but for a private one), freshest, first of followed authors');
select results_eq(
  $$select kind, comments, participants, last_active_at = now() - interval '1 hour', author_affinity from candidates where title = 'public'$$,
  $$values ('comment', 1, 1, true, 1)$$, 'with what the ranker needs to know of the post, to which neither a repeat nor its author adds, and that Ben has read its author before');
select results_eq(
  $$select last_active_at is null, views is null, author_id is null, author_affinity from candidates where title = 'nobody''s'$$,
  $$values (true, true, true, 0)$$, 'a post without interactions and without author is recommended too');
select set_eq(
  $$select title from recsys_engine.retrieve('b0000000-0000-4000-8000-000000000000', null, null, now())$$,
  array['public', 'nobody''s'], 'without a model there are candidates all the same');
select is_empty(
  $$select from recsys_engine.retrieve('b0000000-0000-4000-8000-000000000000', null, null, now()) where ranks ? 'similar'$$,
  'but no similar ones');
select is_empty(
  $$select from recsys_engine.retrieve('b0000000-0000-4000-8000-000000000000', null, null, now() - interval '1 year')$$, 'a year ago there was nothing');
select lives_ok(
  $$insert into public.post_views (user_id, post_id) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000')$$,
  'Ben opens the public post');
select set_eq('select title from candidates', array['nobody''s'], 'and at once it is no candidate any more');

create temp view context as
select known.* from recsys.models, recsys_engine.user_context('b0000000-0000-4000-8000-000000000000', model_id, now()) as known;
select results_eq('select passions, bio, views from context', $$values (array['chess'], 'Ben', 1)$$, 'the engine knows Ben''s profile and what was rolled up');
select is(
  (select array_agg(array_position(vector_to_float4(vector, 32, true)::real[], 1::real)) from context, unnest(history) as vector),
  array[1, 3, 6, 7], 'and his history, the latest first: what he just opened, what he viewed, what he wrote');
select is_empty(
  $$select from recsys_engine.user_context('c0000000-0000-4000-8000-000000000000', null, now())$$, 'of people who do not exist it knows nothing');
select results_eq(
  $$select bio, cardinality(history), views from recsys_engine.user_context('a0000000-0000-4000-8000-000000000000', null, now())$$,
  $$values ('Ana', 0, null::integer)$$, 'and Ben learns nothing of what Ana did');

reset role;
-- as text '99999' comes after '100000', as a number before
insert into public.post_votes (id, user_id, post_id, created_at)
values (99999, 'b0000000-0000-4000-8000-000000000000', 'a5000000-0000-4000-8000-000000000000', now() - interval '1 minute');
insert into public.comments (id, user_id, post_id, created_at)
values (100000, 'b0000000-0000-4000-8000-000000000000', 'a5000000-0000-4000-8000-000000000000', now() - interval '1 minute');
select ok(recsys.roll_up() > 0, 'Ben votes and comments in the same instant, and that is rolled up');
select results_eq(
  $$select votes, comments from recsys_engine.user_context('b0000000-0000-4000-8000-000000000000', null, now() - interval '1 minute')$$,
  $$values (1, 1)$$, 'and his state is the one after the last of them');

create or replace view recsys.source_dismissals with (security_invoker = true) as
select 'b0000000-0000-4000-8000-000000000000'::uuid as user_id, null::uuid as post_id, pg_catalog.now() as created_at;
update recsys.models set status = 'active';
select set_config('request.jwt.claims', '{"sub": "b0000000-0000-4000-8000-000000000000", "role": "authenticated"}', true);
select isnt_empty(
  $$select from recsys_engine.retrieve('b0000000-0000-4000-8000-000000000000', null, null, now())$$,
  'that Ben dismissed nothing, which the view of another app may show as a null, leaves him his feed');
select isnt((select items::text from recsys_engine.similar_posts_for_caller('a1000000-0000-4000-8000-000000000000', 10)), '[]', 'and the posts like one');

select * from finish();
rollback;
