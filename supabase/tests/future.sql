-- What comes after an instant is never visible as of it: not to training, which asks as of past instants, and not to a feed of now,
-- in which there may be events of clocks that run ahead. Each thing that may come is let come, and no answer as of noon changes.
begin;
set local search_path = public, extensions;
select plan(15);

create function pg_temp.id(kind text, number integer) returns uuid language sql as $$
  select (kind || '0000000-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid
$$;
create function pg_temp.vector_near(p_away double precision) returns vector language sql as $$
  select l2_normalize((array[1, p_away] || array_fill(0, array[30]))::vector)
$$;
create function pg_temp.ana() returns uuid language sql as $$ select pg_temp.id('a', 1) $$;
create function pg_temp.ben() returns uuid language sql as $$ select pg_temp.id('a', 2) $$;
create function pg_temp.noon() returns timestamptz language sql as $$ select now() - interval '12 hours' $$;

-- until noon: 400 posts of Ana's, one an hour; people interacted with every third; Ben viewed ten and wrote one
insert into profiles (id, bio, passions, created_at) select pg_temp.id('a', number), 'somebody', '{chess}', pg_temp.noon() - interval '40 days' from generate_series(1, 20) as number;
insert into posts (id, author_id, title, tags, created_at)
select pg_temp.id('b', number), pg_temp.ana(), 'post ' || number, array['topic ' || number % 5], pg_temp.noon() - number * interval '1 hour' from generate_series(1, 400) as number
union all select pg_temp.id('c', 1), pg_temp.ben(), 'Ben''s', '{}', pg_temp.noon() - interval '20 days';
insert into comments (user_id, post_id, created_at)
select pg_temp.id('a', 3 + number % 10), pg_temp.id('b', number), pg_temp.noon() - number * interval '20 minutes' from generate_series(3, 400, 3) as number;
insert into post_views (user_id, post_id, created_at)
select pg_temp.ben(), pg_temp.id('b', number), pg_temp.noon() - number * interval '10 minutes' from generate_series(10, 100, 10) as number;
insert into logins (user_id, created_at) values (pg_temp.ben(), pg_temp.noon() - interval '1 hour');
select recsys.roll_up(null);
select recsys_engine.create_model('story', '{}', 'digest', '{}');
insert into recsys_engine.model_artifacts
select model_id, graph, 'x', encode(sha256('x'), 'hex') from recsys.models, unnest(array['user_tower', 'post_tower', 'dlrm']) as graph;
do $$
declare
  id bigint := (select model_id from recsys.models);
begin
  execute format('insert into recsys_engine.post_embeddings_%s select $1, id, pg_temp.vector_near(1 + right(posts.id::text, 3)::double precision / 1000) from public.posts', id) using id;
  perform recsys_engine.complete_model(id);
end
$$;

-- what is answered as of an instant
create function pg_temp.answers(p_at timestamptz) returns table (name text, answer text[]) language sql as $$
  with candidates as materialized (
    select found.* from recsys.models, recsys_engine.retrieve(pg_temp.ben(), model_id, pg_temp.vector_near(0), p_at) as found
  )
  select 'similar', array_agg(format('%s %s', ranks -> 'similar', post_id) order by (ranks ->> 'similar')::integer, post_id) from candidates where ranks ? 'similar'
  union all
  select 'active', array_agg(format('%s %s', ranks -> 'active', post_id) order by (ranks ->> 'active')::integer) from candidates where ranks ? 'active'
  union all
  select 'fresh', array_agg(format('%s %s', ranks -> 'fresh', post_id) order by (ranks ->> 'fresh')::integer) from candidates where ranks ? 'fresh'
  union all
  select 'trending', array_agg(format('%s %s', ranks -> 'trending', post_id) order by (ranks ->> 'trending')::integer) from candidates where ranks ? 'trending'
  union all
  select 'popular', array_agg(format('%s %s', ranks -> 'popular', post_id) order by (ranks ->> 'popular')::integer) from candidates where ranks ? 'popular'
  union all
  select 'followed', array_agg(format('%s %s', ranks -> 'followed', post_id) order by (ranks ->> 'followed')::integer) from candidates where ranks ? 'followed'
  union all
  select 'states', array_agg(to_jsonb(candidates)::text order by post_id) from candidates
  union all
  select 'known', array[(select recsys_engine.post_snapshots((select model_id from recsys.models), (select array_agg(post_id order by post_id) from candidates), p_at)::text)]
  union all
  select 'user_history', array_agg(known::text) from recsys_engine.user_history(pg_temp.ben(), p_at) as known
  union all
  select 'recent_interactions', array_agg(known::text) from json_array_elements(recsys_engine.recent_interactions(pg_temp.ben(), p_at)) as known
  union all
  select 'user_context', array_agg(to_jsonb(known)::text) from recsys.models, recsys_engine.user_context(pg_temp.ben(), model_id, p_at) as known
$$;
create temp table at_noon as select * from pg_temp.answers(pg_temp.noon());
create function pg_temp.stays(p_what text) returns setof text language plpgsql as $$
begin
  perform recsys.roll_up(null);
  return next is_empty(
    'select answers.name from pg_temp.answers(pg_temp.noon()) as answers join at_noon using (name) where answers.answer is distinct from at_noon.answer', p_what);
end
$$;
select results_eq(
  'select name, cardinality(answer) from at_noon order by name',
  $$values ('active', 300), ('followed', 50), ('fresh', 100), ('known', 1), ('popular', 100), ('recent_interactions', 10), ('similar', 100), ('states', 300), ('trending', 50), ('user_context', 1), ('user_history', 11)$$,
  'at noon every source brings posts, without those that Ben viewed, and every function has an answer');

insert into posts (id, author_id, title, created_at)
select pg_temp.id('d', number), pg_temp.ana(), 'new ' || number, pg_temp.noon() + number * interval '1 minute' from generate_series(1, 60) as number;
insert into recsys.post_embeddings (model_id, post_id, embedding) select model_id, pg_temp.id('d', number), pg_temp.vector_near(0) from recsys.models, generate_series(1, 60) as number;
select pg_temp.stays('60 new posts of Ana''s, nearer to Ben than all others');

insert into post_views (user_id, post_id, created_at)
select pg_temp.id('a', crowd), pg_temp.id('b', number), pg_temp.noon() + number * interval '1 second' from generate_series(350, 399) as number, generate_series(3, 12) as crowd;
select pg_temp.stays('500 views of 50 old posts');

insert into post_votes (user_id, post_id, created_at)
select pg_temp.id('a', 5), pg_temp.id('b', number), pg_temp.noon() + interval '1 millisecond' from generate_series(1, 400) as number;
select pg_temp.stays('a vote for every post, a millisecond later');

insert into comments (user_id, post_id, created_at)
select pg_temp.id('a', 6), id, pg_temp.noon() + interval '11 hours' from posts where id <> pg_temp.id('c', 1);
select pg_temp.stays('a comment on every post');

insert into posts (id, author_id, title, created_at) select pg_temp.id('e', 1), pg_temp.ben(), 'another one of Ben''s', pg_temp.noon() + interval '1 hour';
insert into post_views (user_id, post_id, created_at) select pg_temp.ben(), pg_temp.id('b', number), pg_temp.noon() + interval '2 hours' from generate_series(1, 20) as number;
select pg_temp.stays('what Ben does later: a post, and views of 20 posts');

insert into logins (user_id, created_at) values (pg_temp.ben(), pg_temp.noon() + interval '3 hours');
select pg_temp.stays('that Ben comes back');

insert into recsys.dismissals (user_id, post_id, created_at) values (pg_temp.ben(), pg_temp.id('b', 31), pg_temp.noon() + interval '4 hours');
select pg_temp.stays('a post that Ben dismisses');

insert into post_votes (user_id, post_id, value, created_at) values (pg_temp.ben(), pg_temp.id('b', 32), -1, pg_temp.noon() + interval '4 hours');
select pg_temp.stays('one that he votes against');

insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, seen_at)
values (pg_temp.id('f', 1), pg_temp.ben(), pg_temp.id('b', 33), 1, pg_temp.noon() - interval '1 minute', pg_temp.noon() + interval '1 minute');
select pg_temp.stays('one that he sees, of a feed from before');

delete from post_votes where user_id = pg_temp.id('a', 5);
update posts set author_id = null where id = pg_temp.id('d', 1);
select pg_temp.stays('votes that are taken back again, and a new post without its author');

-- and all of it shows now
select results_eq(
  'select name from pg_temp.answers(now()) as answers join at_noon using (name) where answers.answer is distinct from at_noon.answer order by name',
  'select name from at_noon order by name', 'as of now every source and every function has another answer');
select results_eq(
  $$select (ranks ->> 'similar')::integer, (ranks ->> 'fresh')::integer, (ranks ->> 'followed')::integer from recsys.models, recsys_engine.retrieve(pg_temp.ben(), model_id, pg_temp.vector_near(0), now()) where title = 'new 60'$$,
  'values (60, 1, 1)', 'the newest post is freshest and first of Ana''s, and of 60 equally near ones the last by its id');
select is_empty(
  $$select from recsys.models, recsys_engine.retrieve(pg_temp.ben(), model_id, pg_temp.vector_near(0), now()) where post_id in (select pg_temp.id('b', number) from unnest(array[1, 31, 32, 33]) as number)$$,
  'and what Ben viewed, dismissed, voted against and saw is gone');
select is_empty('select recsys_engine.feature_store_differences()', 'the feature store is what it has to be');

select * from finish();
rollback;
