-- Ana and Ben use the app: who sees what, and who may write what.
begin;
set local search_path = public, extensions;
select plan(20);

insert into profiles (id, bio) values
  ('a0000000-0000-4000-8000-000000000000', 'Ana'),
  ('b0000000-0000-4000-8000-000000000000', 'Ben');
insert into posts (id, author_id, title, visibility) values
  ('a1000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'Ana in public', 'public'),
  ('a2000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000000', 'Ana in private', 'private'),
  ('b1000000-0000-4000-8000-000000000000', 'b0000000-0000-4000-8000-000000000000', 'Ben in public', 'public');
insert into post_views (user_id, post_id) values ('a0000000-0000-4000-8000-000000000000', 'b1000000-0000-4000-8000-000000000000');
insert into post_votes (user_id, post_id) values
  ('a0000000-0000-4000-8000-000000000000', 'b1000000-0000-4000-8000-000000000000'),
  ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000');
insert into comments (user_id, post_id, body) values
  ('a0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', 'for all'),
  ('a0000000-0000-4000-8000-000000000000', 'a2000000-0000-4000-8000-000000000000', 'for me');
insert into logins (user_id) values ('a0000000-0000-4000-8000-000000000000');

set local role authenticated;
select set_config('request.jwt.claims', '{"sub": "b0000000-0000-4000-8000-000000000000", "role": "authenticated"}', true);

select set_eq('select title from posts', array['Ana in public', 'Ben in public'], 'Ben reads public posts and not Ana''s private one');
select set_eq('select body from comments', array['for all'], 'Ben reads the comments of posts that he may read');
select is_empty('select from post_views', 'Ben does not see what Ana viewed');
select results_eq('select user_id from post_votes', $$values ('b0000000-0000-4000-8000-000000000000'::uuid)$$, 'Ben sees his own votes only');
select is_empty('select from logins', 'Ben does not see when Ana came');
select throws_ok(
  $$insert into posts (author_id, title) values ('a0000000-0000-4000-8000-000000000000', 'forged')$$,
  '42501', null, 'Ben cannot post in Ana''s name');
select throws_ok(
  $$insert into post_views (user_id, post_id) values ('a0000000-0000-4000-8000-000000000000', 'b1000000-0000-4000-8000-000000000000')$$,
  '42501', null, 'Ben cannot view in Ana''s name');
select throws_ok(
  $$insert into post_votes (user_id, post_id) values ('a0000000-0000-4000-8000-000000000000', 'b1000000-0000-4000-8000-000000000000')$$,
  '42501', null, 'Ben cannot vote in Ana''s name');
select throws_ok(
  $$insert into comments (user_id, post_id) values ('a0000000-0000-4000-8000-000000000000', 'b1000000-0000-4000-8000-000000000000')$$,
  '42501', null, 'Ben cannot comment in Ana''s name');
select throws_ok(
  $$insert into logins (user_id) values ('a0000000-0000-4000-8000-000000000000')$$,
  '42501', null, 'Ben cannot log in for Ana');
select is_empty(
  $$update posts set title = 'changed' where id = 'a1000000-0000-4000-8000-000000000000' returning 1$$,
  'Ben cannot edit Ana''s post');
select throws_ok(
  $$update posts set author_id = 'a0000000-0000-4000-8000-000000000000' where id = 'b1000000-0000-4000-8000-000000000000'$$,
  '42501', null, 'Ben cannot give his post to Ana');
select throws_ok('delete from post_views', '42501', null, 'a view cannot be unseen');
select lives_ok(
  $$insert into post_views (user_id, post_id) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000')$$,
  'Ben records his own view');
select results_eq(
  'with gone as (delete from post_votes returning user_id) select user_id from gone',
  $$values ('b0000000-0000-4000-8000-000000000000'::uuid)$$,
  'Ben takes back all votes, and only his own go');

select set_config('request.jwt.claims', '{"sub": "a0000000-0000-4000-8000-000000000000", "role": "authenticated"}', true);
select set_eq('select title from posts', array['Ana in public', 'Ana in private', 'Ben in public'], 'Ana reads her private post');
select isnt_empty('select from post_votes', 'Ana''s vote is still there');

set local role anon;
select set_config('request.jwt.claims', '{"role": "anon"}', true);
select set_eq('select title from posts', array['Ana in public', 'Ben in public'], 'without an account one reads public posts');
select throws_ok('select from profiles', '42501', null, 'without an account one does not read profiles');
select throws_ok($$insert into posts (title) values ('spam')$$, '42501', null, 'without an account one does not post');

select * from finish();
rollback;
