-- What a DBA finds with \d+ and \df+: everything says what it is, and nothing is everybody's.
begin;
set local search_path = public, extensions;
select plan(9);

-- with the tables of a model and of further months
select recsys.create_model('story', '{}', 'digest', '{}');
select recsys.make_impression_partitions(5);

create temporary view relations as
select pg_class.oid, pg_class.oid::regclass::text as name, relkind, relrowsecurity, relacl
from pg_class
where relkind in ('r', 'p', 'v', 'm', 'S', 'f')
  and (relnamespace = 'recsys'::regnamespace
    or pg_class.oid::regclass::text in ('profiles', 'projects', 'posts', 'post_views', 'post_votes', 'comments', 'logins', 'interaction_id_seq'))
  -- the sequence of an identity column is that column's
  and not (relkind = 'S' and exists (select from pg_depend where objid = pg_class.oid and deptype = 'i'));

select is_empty(
  $$select name from relations where obj_description(oid, 'pg_class') is null$$,
  'every table, partition, view and sequence has its comment');
select is_empty(
  $$select name, attname from relations join pg_attribute on attrelid = oid and attnum > 0 and not attisdropped
    where relkind <> 'S' and col_description(oid, attnum) is null$$,
  'every column of them, too');
select is_empty(
  $$select oid::regprocedure from pg_proc where pronamespace = 'recsys'::regnamespace and obj_description(oid, 'pg_proc') is null$$,
  'every function has its comment');
select is_empty(
  $$select oid::regtype from pg_type
    where typnamespace = 'recsys'::regnamespace and typelem = 0 and (typrelid = 0 or typrelid in (select oid from pg_class where relkind = 'c'))
      and obj_description(oid, 'pg_type') is null$$,
  'every type has its comment');
select is_empty(
  $$select oid::regprocedure from pg_proc
    where (pronamespace = 'recsys'::regnamespace or oid = 'public.delete_profiles_of_accounts'::regproc)
      and (proacl is null or exists (select from aclexplode(proacl) where grantee = 0))$$,
  'no function may be executed by PUBLIC');
select is_empty(
  $$select name from relations where exists (select from aclexplode(relacl) where grantee = 0)$$,
  'no table, view or sequence is PUBLIC''s');
select is_empty(
  $$select name from relations where relkind in ('r', 'p') and not relrowsecurity$$,
  'row level security is on for every table and partition');
select is_empty(
  $$select oid::regprocedure from pg_proc
    where pronamespace = 'recsys'::regnamespace and not coalesce(proconfig && '{"search_path=\"\"","search_path=pg_catalog, pg_temp"}', false) and prosqlbody is null$$,
  'every function has its search path set, or a body whose names were bound when it was made');
select is_empty(
  $$select oid::regprocedure from pg_proc
    where pronamespace in ('recsys'::regnamespace, 'public'::regnamespace) and prosecdef and not coalesce(proconfig @> '{"search_path=pg_catalog, pg_temp"}', false)$$,
  'one that has its owner''s rights names pg_temp last: where it is not named, types and tables of the caller''s session come first');

select * from finish();
rollback;
