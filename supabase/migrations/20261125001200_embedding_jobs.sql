-- What waits for a vector: a post, profile or project that is new or whose text changed. Triggers enqueue it in the
-- transaction of the change itself, so that no change is lost and none that was rolled back is embedded.

create table recsys.embedding_jobs (
  kind text not null check (kind in ('post', 'user')),
  entity_id uuid not null,
  version bigint not null default 1,
  changed_by xid8 not null default pg_current_xact_id(),
  enqueued_at timestamptz not null default now(),
  due_at timestamptz not null default now(),
  attempts integer not null default 0,
  failures integer not null default 0,
  last_error text,
  claim bigint,
  claimed_version bigint,
  claimed_until timestamptz,
  -- lost claims count less than failures: a database that restarts again and again must not bury what was in work
  is_dead boolean not null generated always as (failures >= 5 or attempts >= 20) stored,
  primary key (kind, entity_id)
);
comment on table recsys.embedding_jobs is 'One row per post or user that waits to be embedded, however often it changes meanwhile. Worked by the function embed or by `recsys worker`.';
comment on column recsys.embedding_jobs.kind is 'post or user.';
comment on column recsys.embedding_jobs.entity_id is 'The post_id or user_id.';
comment on column recsys.embedding_jobs.version is 'Rises with each change while the job waits or is in work.';
comment on column recsys.embedding_jobs.changed_by is 'The transaction of the latest change: whether the vectors of a model include it is asked of the snapshot that its publishing began with.';
comment on column recsys.embedding_jobs.enqueued_at is 'Since when there is a change without a vector.';
comment on column recsys.embedding_jobs.due_at is 'Not to be claimed before; a failure moves it.';
comment on column recsys.embedding_jobs.attempts is 'Claims since the latest change, lost ones included.';
comment on column recsys.embedding_jobs.failures is 'Failures since the latest change.';
comment on column recsys.embedding_jobs.last_error is 'What the latest failure was.';
comment on column recsys.embedding_jobs.claim is 'Who works on it: the number of the claim. Only its holder can complete it, so a worker that comes back after its lease writes nothing.';
comment on column recsys.embedding_jobs.claimed_version is 'The version that was claimed; where version has risen since, the job stays for another run.';
comment on column recsys.embedding_jobs.claimed_until is 'When the lease ends and others may claim it.';
comment on column recsys.embedding_jobs.is_dead is 'Five failures, or twenty claims that never came back: it is left alone until it changes again.';
create index embedding_jobs_due_idx on recsys.embedding_jobs (due_at, entity_id) where not is_dead;

create sequence recsys.embedding_claim_seq;
comment on sequence recsys.embedding_claim_seq is 'Numbers of claims.';

create table recsys.embedding_changes (
  kind text not null check (kind in ('post', 'user')),
  entity_id uuid not null,
  changed_by xid8 not null,
  primary key (kind, entity_id)
);
comment on table recsys.embedding_changes is 'Changes that the active model has vectors for and another model, published earlier or just being published, has not: activating that one enqueues them again.';
comment on column recsys.embedding_changes.kind is 'post or user.';
comment on column recsys.embedding_changes.entity_id is 'The post_id or user_id.';
comment on column recsys.embedding_changes.changed_by is 'The transaction of the change.';

alter table recsys.embedding_jobs enable row level security;
alter table recsys.embedding_changes enable row level security;
grant select, insert, update, delete on recsys.embedding_jobs, recsys.embedding_changes to service_role;
grant usage on sequence recsys.embedding_claim_seq to service_role;

create function recsys.enqueue_embedding_jobs() returns trigger
language plpgsql volatile
-- definer: who writes a post may enqueue it, but neither read nor write the queue
security definer set search_path = ''
as $$
declare
  id_column constant text := tg_argv[1];
  compared constant text := format('%I as id, %s', id_column, tg_argv[2]);
  changed text;
begin
  changed := case tg_op
    when 'INSERT' then format('select %I as id from new_rows', id_column)
    when 'DELETE' then format('select %I as id from old_rows', id_column)
    -- what is in one of both only; an update that leaves the texts as they were enqueues nothing
    else format(
      'select id from (select %1$s from new_rows except all select %1$s from old_rows) as added
       union all
       select id from (select %1$s from old_rows except all select %1$s from new_rows) as removed', compared)
  end;
  if tg_op = 'DELETE' then
    -- of an entity that is gone nothing waits, and all that is known of it is to go; one that only lost a part of its text, such as
    -- a project, is embedded again
    changed := format('select id from (%s) as parts where exists (select from recsys.source_%ss as source where source.%I = parts.id)',
      changed, tg_argv[0], tg_argv[0] || '_id');
    execute format(
      'with gone as (
         select distinct %1$I as id from old_rows where %1$I is not null and not exists (select from recsys.source_%2$ss as source where source.%3$I = old_rows.%1$I)
       ),
       jobs as (delete from recsys.embedding_jobs as job using gone where job.kind = $1 and job.entity_id = gone.id)
       insert into recsys.erasures (kind, entity_id) select $1, id from gone',
      id_column, tg_argv[0], tg_argv[0] || '_id') using tg_argv[0];
  end if;
  -- in the order of the key, so that two statements cannot wait for each other
  execute format(
    'insert into recsys.embedding_jobs as job (kind, entity_id)
     select $1, id from (%s) as changed where id is not null group by id order by id
     on conflict (kind, entity_id) do update set
       version = job.version + 1, changed_by = excluded.changed_by, due_at = least(job.due_at, excluded.due_at),
       attempts = 0, failures = 0, last_error = null', changed)
  using tg_argv[0];
  return null;
end
$$;
comment on function recsys.enqueue_embedding_jobs() is 'Trigger: enqueues the entities of which a statement changed a text, once each, and for erasure those that it deleted. Attached by recsys.watch_texts().';
revoke all on function recsys.enqueue_embedding_jobs() from public;

create function recsys.watch_texts(p_table regclass, p_kind text, p_id_column text, p_text_columns text[]) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  missing text;
  table_schema name;
  table_name name;
  text_columns constant text := (select string_agg(format('%I', name), ', ') from unnest(p_text_columns) as name);
begin
  if p_kind is null or p_kind not in ('post', 'user') then
    raise exception 'kind must be post or user, not %', p_kind;
  end if;
  if text_columns is null then
    raise exception 'no text columns are named';
  end if;
  select name into missing
  from unnest(p_text_columns || p_id_column) as name
  where not exists (
    select from pg_catalog.pg_attribute
    where pg_attribute.attrelid = p_table and pg_attribute.attname = name and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
      and (name <> p_id_column or pg_attribute.atttypid = 'uuid'::regtype)
  );
  if found then
    raise exception '% has no column %', p_table, missing using hint = 'the id column must be a uuid';
  end if;
  select nspname, relname into table_schema, table_name
  from pg_catalog.pg_class join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
  where pg_class.oid = p_table;
  execute format(
    'create or replace trigger %I after insert on %I.%I referencing new table as new_rows
     for each statement execute function recsys.enqueue_embedding_jobs(%L, %L, %L)',
    'recsys_' || p_kind || '_texts_insert', table_schema, table_name, p_kind, p_id_column, text_columns);
  execute format(
    'create or replace trigger %I after update on %I.%I referencing old table as old_rows new table as new_rows
     for each statement execute function recsys.enqueue_embedding_jobs(%L, %L, %L)',
    'recsys_' || p_kind || '_texts_update', table_schema, table_name, p_kind, p_id_column, text_columns);
  execute format(
    'create or replace trigger %I after delete on %I.%I referencing old table as old_rows
     for each statement execute function recsys.enqueue_embedding_jobs(%L, %L, %L)',
    'recsys_' || p_kind || '_texts_delete', table_schema, table_name, p_kind, p_id_column, text_columns);
end
$$;
comment on function recsys.watch_texts(regclass, text, text, text[]) is 'Attaches a table of the app: from then on an insert, edit or delete of a row enqueues the post or user whose id is in p_id_column, and once that post or user is gone, recsys.erase() removes all that the engine knows of it. p_text_columns: those that make the entity''s text; a change of others enqueues nothing. Call it once per table; again to change the columns.';
revoke all on function recsys.watch_texts(regclass, text, text, text[]) from public;
