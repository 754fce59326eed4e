-- Ben blocks Ana, mutes words and topics; Eve mutes nothing.
begin;
set local search_path = public, extensions;
select plan(38);

insert into profiles (id) values
  ('a0000000-0000-4000-8000-000000000000'), ('b0000000-0000-4000-8000-000000000000'), ('e0000000-0000-4000-8000-000000000000');
insert into posts (author_id, title, tags) values
  ('a0000000-0000-4000-8000-000000000000', 'by Ana', '{}'),
  ('e0000000-0000-4000-8000-000000000000', 'Chess for all', '{}'),
  ('e0000000-0000-4000-8000-000000000000', 'Chessboards', '{}'),
  ('e0000000-0000-4000-8000-000000000000', 'C', '{}'),
  ('e0000000-0000-4000-8000-000000000000', 'Templates in C++', '{}'),
  ('e0000000-0000-4000-8000-000000000000', E'Two \n words here', '{}'),
  ('e0000000-0000-4000-8000-000000000000', 'Tagged', '{Deno,"a|b"}'),
  (null, 'By nobody', '{}'),
  (null, '去Paris旅行签证过境', '{}'),
  (null, 'दिल्ली', '{}');

create temp view titles as select title from recsys_engine.retrieve(auth.uid(), null, null, now());
grant select on titles to authenticated;
create function pg_temp.mute(p_kind text, p_value text) returns void language sql as $$
  insert into public.mutes (user_id, kind, value) values (auth.uid(), p_kind, p_value)
$$;

set local role authenticated;
select set_config('request.jwt.claims', '{"sub": "b0000000-0000-4000-8000-000000000000", "role": "authenticated"}', true);
select is((select count(*) from titles), 10::bigint, 'whoever mutes nothing is shown all');

-- word, and what it hides
create temp table cases (kind text, value text, hidden text[]);
insert into cases values
  ('person', 'a0000000-0000-4000-8000-000000000000', '{by Ana}'),
  ('person', 'A0000000-0000-4000-8000-000000000000', '{by Ana}'),
  ('word', 'CHESS', '{Chess for all}'),
  ('word', 'hess', '{}'),
  ('word', 'c++', '{Templates in C++}'),
  ('word', 'C', '{C,Templates in C++}'),
  ('word', '.', '{}'),
  ('word', '.*', '{}'),
  ('word', '(a+)+$', '{}'),
  ('word', 'a|b', '{Tagged}'),
  ('word', '\', '{}'),
  ('word', '[', '{}'),
  ('word', '***:(?i)x', '{}'),
  ('word', ' two words ', E'{"Two \n words here"}'),
  ('word', 'deno', '{Tagged}'),
  ('word', repeat('(', 100), '{}'),
  ('word', '签证', '{去Paris旅行签证过境}'),
  ('word', 'PARIS', '{去Paris旅行签证过境}'),
  ('word', '证签', '{}'),
  ('word', 'दिल', '{}'),
  ('word', 'दिल्ली', '{दिल्ली}'),
  ('topic', 'dENO', '{Tagged}'),
  ('topic', 'den', '{}'),
  ('topic', 'a|b', '{Tagged}');
create function pg_temp.hidden(p_kind text, p_value text) returns text[] language plpgsql as $$
declare
  titles text[];
begin
  perform pg_temp.mute(p_kind, p_value);
  titles := array(select posts.title from public.posts where posts.title not in (select titles.title from titles) order by posts.title);
  delete from public.mutes;
  return titles;
end
$$;
select is(pg_temp.hidden(kind, value), hidden, format('muting the %s "%s" hides %s', kind, left(value, 40), hidden)) from cases;

select throws_ok($$select pg_temp.mute('person', 'Ana')$$, '22P02', null, 'a person is muted by their id');
select throws_ok($$select pg_temp.mute('person', gen_random_uuid()::text)$$, '23503', null, 'who is somebody');
select throws_ok($$select pg_temp.mute('mood', 'x')$$, '23514', null, 'people, words and topics, and nothing else');
select throws_ok($$select pg_temp.mute('word', ' ')$$, '23514', null, 'nothing cannot be muted');
select throws_ok($$select pg_temp.mute('word', repeat('x', 101))$$, '23514', null, 'nor a story');
select lives_ok($$select pg_temp.mute('word', 'word ' || n) from generate_series(1, 100) as n$$, 'a hundred words can be muted');
select throws_ok($$select pg_temp.mute('word', 'one more')$$, '54000', null, 'and no more');
select is((select count(*) from titles), 10::bigint, 'with a hundred of them there is a feed');
select throws_ok(
  $$insert into public.mutes (user_id, kind, value) values ('e0000000-0000-4000-8000-000000000000', 'word', 'x')$$, '42501', null, 'nobody mutes for others');
delete from mutes;
select pg_temp.mute('person', 'a0000000-0000-4000-8000-000000000000');

select set_config('request.jwt.claims', '{"sub": "a0000000-0000-4000-8000-000000000000", "role": "authenticated"}', true);
select is_empty('select from mutes union all select from recsys.source_mutes', 'nor sees what others muted: Ana does not learn that she is blocked');
select is((select count(*) from titles), 9::bigint, 'and is shown all but her own');

reset role;
delete from profiles where id = 'a0000000-0000-4000-8000-000000000000';
select is_empty('select from mutes', 'who is deleted is in nobody''s mutes');

create function pg_temp.words(p_view text) returns bigint language plpgsql as $$
begin
  execute 'create or replace view recsys.source_mutes with (security_invoker = true) as ' || p_view;
  return (select count(*) from recsys_engine.retrieve('b0000000-0000-4000-8000-000000000000', null, null, now()));
end
$$;
select is(pg_temp.words($$select 'b0000000-0000-4000-8000-000000000000'::uuid as user_id, kind, value, now() as created_at from (values ('person', 'no uuid'), ('word', ''), ('word', E'\t'), ('mood', 'x'), (null, null)) as t (kind, value)$$),
  9::bigint, 'what a view of another app shows by mistake hides nothing and breaks nothing');
select * from finish();
rollback;
