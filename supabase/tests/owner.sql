-- Triggers of the app's tables write the engine's queues with the rights of the engine's owner. Whoever fires them gets none of these.
begin;
set local search_path = public, extensions;
select plan(7);

insert into profiles (id) values ('a0000000-0000-4000-8000-000000000000');

-- a session looks for a type among its own temporary ones first, before those of PostgreSQL, unless a function names pg_temp last
create function pg_temp.is_not_the_owner() returns boolean language sql as $$
  select current_user = 'authenticated' from pg_catalog.pg_sleep(0)
$$;
do $$
declare
  name pg_catalog.text;
begin
  foreach name in array array['uuid', 'timestamptz', 'jsonb', 'xid8', 'regclass', 'text'] loop
    execute pg_catalog.format('create domain pg_temp.%1$I as pg_catalog.%1$I check (pg_temp.is_not_the_owner())', name);
  end loop;
end
$$;

set local role authenticated;
select set_config('request.jwt.claims', '{"sub": "a0000000-0000-4000-8000-000000000000", "role": "authenticated"}', true);
select lives_ok($$update profiles set bio = 'Ana'$$, 'a profile is edited with nobody''s types but PostgreSQL''s');
select lives_ok($$insert into projects (owner_id, title) values ('a0000000-0000-4000-8000-000000000000', 'a project')$$, 'a project is begun');
select lives_ok(
  $$insert into posts (author_id, title, tags) values ('a0000000-0000-4000-8000-000000000000', 'a post', '{sql}')$$,
  'a post is written');
select lives_ok(
  $$insert into post_votes (user_id, post_id) select 'a0000000-0000-4000-8000-000000000000', posts.id from posts$$,
  'a vote is cast');
select lives_ok($$insert into logins (user_id) values ('a0000000-0000-4000-8000-000000000000')$$, 'a login is noted');
select lives_ok($$select recsys_engine.reconstruct_state('a1000000-0000-4000-8000-000000000000', pg_catalog.now(), 0)$$, 'an older state is asked for');
select lives_ok('delete from posts', 'and a post is deleted');

select * from finish();
rollback;
