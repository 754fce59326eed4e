-- Ana withholds a post, then all of hers; Ben follows her, Eve does not. Moderation withholds one of Ben's.
begin;
set local search_path = public, extensions;
select plan(14);

insert into profiles (id) values
  ('a0000000-0000-4000-8000-000000000000'), ('b0000000-0000-4000-8000-000000000000'), ('e0000000-0000-4000-8000-000000000000');
insert into posts (id, author_id, title) values
  ('a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000000', 'Ana 1'),
  ('a0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000000', 'Ana 2'),
  ('b0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000000', 'Ben'),
  ('e0000000-0000-4000-8000-000000000001', null, 'Nobody');
insert into follows (user_id, kind, target) values ('b0000000-0000-4000-8000-000000000000', 'person', 'a0000000-0000-4000-8000-000000000000');

create function pg_temp.shown(p_person text) returns text[] language plpgsql as $$
begin
  perform set_config('request.jwt.claims', format('{"sub": "%s0000000-0000-4000-8000-000000000000", "role": "authenticated"}', p_person), true);
  return array(select title from recsys_engine.retrieve(auth.uid(), null, null, now()) order by title);
end
$$;
set local role authenticated;
select is(pg_temp.shown('e'), '{Ana 1,Ana 2,Ben,Nobody}', 'a stranger is shown all');

select is(pg_temp.shown('a'), '{Ben,Nobody}', 'Ana is shown all but her own');
insert into withheld (author_id, post_id) values ('a0000000-0000-4000-8000-000000000000', 'a0000000-0000-4000-8000-000000000001');
select throws_ok(
  $$insert into withheld (author_id, post_id) values ('a0000000-0000-4000-8000-000000000000', 'b0000000-0000-4000-8000-000000000001')$$, '42501', null, 'nobody withholds what others wrote');
select throws_ok($$insert into withheld (author_id) values ('b0000000-0000-4000-8000-000000000000')$$, '42501', null, 'nor others');
select is(pg_temp.shown('e'), '{Ana 2,Ben,Nobody}', 'what is withheld is gone from the feed of a stranger');
select is(pg_temp.shown('b'), '{Ana 1,Ana 2,Nobody}', 'not from that of a follower');
select is((select count(*) from posts where title = 'Ana 1'), 1::bigint, 'and whoever may read it may');

select is(pg_temp.shown('a'), '{Ben,Nobody}', 'Ana withdraws with all of hers');
insert into withheld (author_id) values ('a0000000-0000-4000-8000-000000000000');
select is(pg_temp.shown('e'), '{Ben,Nobody}', 'and a stranger is shown nothing of hers');

reset role;
insert into withheld (author_id, post_id, by_moderation) values
  ('b0000000-0000-4000-8000-000000000000', 'b0000000-0000-4000-8000-000000000001', true);
set local role authenticated;
select is(pg_temp.shown('b'), '{Ana 1,Ana 2,Nobody}', 'Ben goes on');
select throws_ok($$select by_moderation from withheld$$, '42501', null, 'nobody reads whether that was moderation');
delete from withheld;
select is(pg_temp.shown('e'), '{Nobody}', 'what moderation withheld its author does not take back');
select is(pg_temp.shown('a'), '{Nobody}', 'Ana returns');
delete from withheld;
select is(pg_temp.shown('e'), '{Ana 1,Ana 2,Nobody}', 'and strangers are shown hers again');
select * from finish();
rollback;
