-- Ana floods the community with private posts. They take nobody's place in Ben's feed, whatever source they would come first in,
-- and Ben learns nothing of what happens to them.
begin;
set local search_path = public, extensions;
select plan(15);

create function pg_temp.id(kind text, number integer) returns uuid language sql as $$
  select (kind || '0000000-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid
$$;
-- of length 1, the nearer to the first axis the smaller p_away
create function pg_temp.vector_near(p_away double precision) returns vector language sql as $$
  select l2_normalize((array[1, p_away] || array_fill(0, array[30]))::vector)
$$;

insert into profiles (id, created_at) select pg_temp.id('a', number), now() - interval '200 days' from generate_series(1, 200) as number;
create function pg_temp.ana() returns uuid language sql as $$ select pg_temp.id('a', 1) $$;
create function pg_temp.ben() returns uuid language sql as $$ select pg_temp.id('a', 2) $$;

-- 450 public posts a month old, and 450 private ones of today; a post that Ben viewed long ago, so that he follows Ana
insert into posts (id, author_id, title, created_at)
select pg_temp.id('b', number), pg_temp.ana(), 'public ' || number, now() - interval '30 days' - number * interval '1 minute' from generate_series(1, 450) as number
union all select pg_temp.id('d', 1), pg_temp.ana(), 'the one Ben viewed', now() - interval '120 days';
insert into posts (id, author_id, title, visibility, created_at)
select pg_temp.id('c', number), pg_temp.ana(), 'private ' || number, 'private', now() - number * interval '1 minute' from generate_series(1, 450) as number;
insert into post_views (user_id, post_id, created_at) values (pg_temp.ben(), pg_temp.id('d', 1), now() - interval '100 days');

-- this week two people viewed each of 60 public posts, and 190 people each of 50 private ones; the other private posts have 3,200 votes
insert into post_views (user_id, post_id, created_at)
select pg_temp.id('a', 10 + crowd), pg_temp.id('b', number), now() - interval '3 days' + number * interval '1 second'
from generate_series(1, 60) as number, generate_series(1, 2) as crowd;
insert into post_views (user_id, post_id, created_at)
select pg_temp.id('a', 3 + crowd % 190), pg_temp.id('c', number), now() - interval '1 day' + crowd * interval '1 second'
from generate_series(1, 50) as number, generate_series(1, 190) as crowd;
insert into post_votes (user_id, post_id, created_at)
select pg_temp.id('a', 3 + crowd), pg_temp.id('c', number), now() - interval '1 hour'
from generate_series(51, 450) as number, generate_series(1, 8) as crowd;
select recsys.roll_up(null);

select recsys_engine.create_model('story', '{}', 'digest', '{}');
insert into recsys_engine.model_artifacts
select model_id, graph, 'x', encode(sha256('x'), 'hex') from recsys.models, unnest(array['user_tower', 'post_tower', 'dlrm']) as graph;
do $$
declare
  id bigint := (select model_id from recsys.models);
begin
  -- the private posts are the nearest, the one that Ben viewed the farthest
  execute format(
    'insert into recsys_engine.post_embeddings_%s
     select $1, posts.id, pg_temp.vector_near(case when posts.visibility = ''private'' then 0 when posts.id = pg_temp.id(''d'', 1) then 9 else 1 end + right(posts.id::text, 3)::double precision / 1000)
     from public.posts', id) using id;
  perform recsys_engine.complete_model(id);
end
$$;

create temp view found as
select found.* from recsys.models, recsys_engine.retrieve(auth.uid(), model_id, pg_temp.vector_near(0), now()) as found;
grant select on found to authenticated;

set local role authenticated;
select set_config('request.jwt.claims', jsonb_build_object('sub', pg_temp.ben(), 'role', 'authenticated')::text, true);
select is((select count(*) from found where (ranks ->> 'similar')::integer <= 100), 100::bigint, 'of the similar posts Ben gets all 100, though 450 private ones are nearer');
select is((select count(*) from found where (ranks ->> 'active')::integer <= 300), 300::bigint, 'of the last active all 300, though all 450 private ones were active later');
select is((select count(*) from found where (ranks ->> 'fresh')::integer <= 100), 100::bigint, 'of the fresh all 100, though all 450 private ones are newer');
select is((select count(*) from found where (ranks ->> 'trending')::integer <= 50), 50::bigint, 'of the trending all 50, though 12,700 views and votes went to private ones');
select is((select count(*) from found where (ranks ->> 'followed')::integer <= 50), 50::bigint, 'and of those by Ana, whom he follows, all 50, though her newest are private');
select is_empty($$select from found where title like 'private%'$$, 'none of them is private');
select is_empty(
  $$select from recsys_engine.post_stats where post_id = pg_temp.id('c', 1)$$, 'Ben cannot read how often a private post was viewed');
select is_empty(
  $$select from recsys_engine.latest_post_stats where post_id = pg_temp.id('c', 1)$$, 'nor what its last state is');
select is_empty(
  $$select from recsys.post_embeddings where post_id = pg_temp.id('c', 1)$$, 'nor its vector');
select results_eq(
  $$select views, (select views from recsys_engine.post_stats where post_stats.post_id = latest.post_id order by views desc limit 1), cardinality(recent)
    from recsys_engine.latest_post_stats as latest where post_id = pg_temp.id('b', 1)$$,
  $$values (2, 2, 5)$$, 'those of a public post he can read');
select isnt_empty($$select from recsys.post_embeddings where post_id = pg_temp.id('b', 1)$$, 'and its vector');
select throws_ok($$delete from recsys_engine.latest_post_stats$$, '42501', null, 'but not change them');

select set_config('request.jwt.claims', jsonb_build_object('sub', pg_temp.ana(), 'role', 'authenticated')::text, true);
select is((select views from recsys_engine.latest_post_stats where post_id = pg_temp.id('c', 1)), 190, 'Ana reads how many people viewed her private post');
select isnt_empty($$select from recsys.post_embeddings where post_id = pg_temp.id('c', 1)$$, 'and its vector');

reset role;
update posts set visibility = 'public' where id = pg_temp.id('c', 1);
set local role authenticated;
select set_config('request.jwt.claims', jsonb_build_object('sub', pg_temp.ben(), 'role', 'authenticated')::text, true);
select results_eq(
  $$select ranks, views from found join recsys_engine.latest_post_stats as stats using (post_id) where title = 'private 1'$$,
  $$values ('{"similar": 1, "active": 1, "fresh": 1, "trending": 1, "followed": 1}'::jsonb, 190)$$, 'once Ana makes it public it comes first in every source of a busy week');

select * from finish();
rollback;
