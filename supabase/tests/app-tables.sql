-- Ana and Ben use the app: who sees what, and who may write what.
begin;
set local search_path = public, extensions;
select plan(98);

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
select throws_ok(
  format($$insert into %s (user_id, post_id, id) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', 1)$$, kind),
  '42501', null, 'Ben cannot take the id of another''s interaction: ' || kind)
from unnest(array['post_views', 'post_votes', 'comments']) as kind;
select throws_ok(
  $$insert into posts (author_id, title, external_id) values ('b0000000-0000-4000-8000-000000000000', 'x', '42')$$,
  '42501', null, 'nor the id that an import may bring');
select throws_ok(
  format($$insert into posts (id, author_id, title) values ('%s', 'b0000000-0000-4000-8000-000000000000', 'x')$$, post),
  '42501', 'permission denied for table posts', 'Ben cannot tell by writing a post under an id whether Ana''s private one has it: ' || post)
from unnest(array['a2000000-0000-4000-8000-000000000000', 'ff000000-0000-4000-8000-000000000000']) as post;
select throws_ok(statement, '42501', null, 'Ben cannot write into the states of long ago: ' || statement)
from unnest(array[
  $$insert into post_views (user_id, post_id, created_at) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() - interval '31 days')$$,
  $$insert into post_votes (user_id, post_id, created_at) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() - interval '31 days')$$,
  $$insert into comments (user_id, post_id, created_at) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() - interval '31 days')$$,
  $$insert into logins (user_id, created_at) values ('b0000000-0000-4000-8000-000000000000', now() - interval '31 days')$$
]) as statement;
select throws_ok(statement, '42501', null, 'nor make themselves known of old, who signed up now: ' || statement)
from unnest(array[
  $$insert into profiles (id, created_at) values ('b0000000-0000-4000-8000-000000000000', now() - interval '1 hour')$$,
  $$insert into posts (author_id, title, created_at) values ('b0000000-0000-4000-8000-000000000000', 'x', now() - interval '1 hour')$$,
  $$insert into post_views (user_id, post_id, created_at) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() - interval '1 hour')$$,
  $$insert into post_votes (user_id, post_id, created_at) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() - interval '1 hour')$$,
  $$insert into comments (user_id, post_id, created_at) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() - interval '1 hour')$$
]) as statement;
select throws_ok(statement, '42501', null, 'Ben cannot write into the future: ' || statement)
from unnest(array[
  $$insert into posts (author_id, title, created_at) values ('b0000000-0000-4000-8000-000000000000', 'x', now() + interval '6 minutes')$$,
  $$insert into projects (owner_id, title, created_at) values ('b0000000-0000-4000-8000-000000000000', 'x', now() + interval '6 minutes')$$,
  $$insert into post_views (user_id, post_id, created_at) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() + interval '6 minutes')$$,
  $$insert into post_votes (user_id, post_id, created_at) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() + interval '6 minutes')$$,
  $$insert into comments (user_id, post_id, created_at) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() + interval '6 minutes')$$,
  $$insert into logins (user_id, created_at) values ('b0000000-0000-4000-8000-000000000000', now() + interval '6 minutes')$$,
  $$insert into recsys.dismissals (user_id, post_id, created_at) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000', now() + interval '6 minutes')$$
]) as statement;
select throws_ok(statement, '42501', null, 'nor make new what is old, to be the newest again: ' || statement)
from unnest(array[
  $$update posts set created_at = now() where id = 'b1000000-0000-4000-8000-000000000000'$$,
  $$update profiles set created_at = now() where id = 'b0000000-0000-4000-8000-000000000000'$$
]) as statement;
select lives_ok(
  $$insert into logins (user_id, created_at) values ('b0000000-0000-4000-8000-000000000000', now() + interval '4 minutes')$$,
  'a device''s clock may be a little ahead');
select lives_ok(
  $$insert into post_views (user_id, post_id) values ('b0000000-0000-4000-8000-000000000000', 'a1000000-0000-4000-8000-000000000000')$$,
  'Ben records his own view');
select throws_ok(
  format($$insert into %s (user_id, post_id) values ('b0000000-0000-4000-8000-000000000000', '%s')$$, kind, post),
  '42501', format('new row violates row-level security policy for table "%s"', kind), format('Ben cannot tell from %s whether Ana''s private post exists: %s', kind, post))
from unnest(array['post_views', 'post_votes', 'comments']) as kind,
  unnest(array['a2000000-0000-4000-8000-000000000000', 'ff000000-0000-4000-8000-000000000000']) as post;
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

-- nor can the owner write what would break the sums of others
reset role;
select throws_ok(format('update %s set created_at = %L', changed, at), '23514', null, format('%s at %s', changed, at))
from unnest(array['profiles', 'posts', 'post_views', 'post_votes', 'comments', 'logins']) as changed,
  unnest(array['-infinity', 'infinity', '0001-01-01 00:00Z', '1989-12-31 23:59:59Z', '2200-01-01 00:00Z', '4000-01-01 00:00Z']) as at;
select throws_ok(statement, '23514', null, statement)
from unnest(array[
  $$update posts set title = repeat('é', 1001)$$,
  $$update posts set description = repeat('x', 50001)$$,
  $$update posts set tags = array_fill('a'::text, array[101])$$,
  $$update posts set tags = array[repeat('x', 10001)]$$,
  $$update posts set tags = '{a,null}'$$,
  $$update posts set tags = '{{a},{b}}'$$,
  $$update profiles set passions = array_fill('a'::text, array[101])$$,
  $$update profiles set bio = repeat('x', 50001)$$,
  $$update comments set body = repeat('x', 10001)$$,
  $$insert into projects (owner_id, title) select id, repeat('x', 501) from profiles$$
]) as statement;
select lives_ok(
  $$update posts set title = repeat('💡', 1000), description = repeat('é', 50000), tags = array_fill(repeat('x', 100), array[100])$$,
  'texts as long as may be');

select * from finish();
rollback;
