-- What waits for a vector: a post or user that is new or whose text changed. Triggers enqueue it in the
-- transaction of the change itself, so that no change is lost and none that was rolled back is embedded.

create table recsys_engine.embedding_jobs (
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
comment on table recsys_engine.embedding_jobs is 'One row per post or user that waits to be embedded, however often it changes meanwhile. Worked by the function embed or by `recsys worker`.';
comment on column recsys_engine.embedding_jobs.kind is 'post or user.';
comment on column recsys_engine.embedding_jobs.entity_id is 'The post_id or user_id.';
comment on column recsys_engine.embedding_jobs.version is 'Rises with each change while the job waits or is in work.';
comment on column recsys_engine.embedding_jobs.changed_by is 'The transaction of the latest change: whether the vectors of a model include it is asked of the snapshot that its publishing began with.';
comment on column recsys_engine.embedding_jobs.enqueued_at is 'Since when there is a change without a vector.';
comment on column recsys_engine.embedding_jobs.due_at is 'Not to be claimed before; a failure moves it.';
comment on column recsys_engine.embedding_jobs.attempts is 'Claims since the latest change, lost ones included.';
comment on column recsys_engine.embedding_jobs.failures is 'Failures since the latest change.';
comment on column recsys_engine.embedding_jobs.last_error is 'What the latest failure was.';
comment on column recsys_engine.embedding_jobs.claim is 'Who works on it: the number of the claim. Only its holder can complete it, so a worker that comes back after its lease writes nothing.';
comment on column recsys_engine.embedding_jobs.claimed_version is 'The version that was claimed; where version has risen since, the job stays for another run.';
comment on column recsys_engine.embedding_jobs.claimed_until is 'When the lease ends and others may claim it.';
comment on column recsys_engine.embedding_jobs.is_dead is 'Five failures, or twenty claims that never came back: it is left alone until it changes again.';
create index embedding_jobs_due_idx on recsys_engine.embedding_jobs (due_at, entity_id) where not is_dead;
-- each claim asks for one of these first: without it, of 50,000 jobs that wait it read all to find none
create index embedding_jobs_again_idx on recsys_engine.embedding_jobs (due_at, entity_id) where not is_dead and attempts >= 2;

create sequence recsys_engine.embedding_claim_seq;
comment on sequence recsys_engine.embedding_claim_seq is 'Numbers of claims.';

create table recsys_engine.embedding_changes (
  kind text not null check (kind in ('post', 'user')),
  entity_id uuid not null,
  changed_by xid8 not null,
  primary key (kind, entity_id)
);
comment on table recsys_engine.embedding_changes is 'Changes that the active model has vectors for and another model, published earlier or just being published, has not: activating that one enqueues them again.';
comment on column recsys_engine.embedding_changes.kind is 'post or user.';
comment on column recsys_engine.embedding_changes.entity_id is 'The post_id or user_id.';
comment on column recsys_engine.embedding_changes.changed_by is 'The transaction of the change.';

alter table recsys_engine.embedding_jobs enable row level security;
alter table recsys_engine.embedding_changes enable row level security;
grant select, insert, update, delete on recsys_engine.embedding_jobs, recsys_engine.embedding_changes to service_role;
grant usage on sequence recsys_engine.embedding_claim_seq to service_role;

create function recsys_engine.enqueue_embedding_jobs(p_kind text, p_entity_ids uuid[]) returns void
language sql volatile security invoker set search_path = ''
as $$
  insert into recsys_engine.embedding_jobs as job (kind, entity_id)
  select p_kind, changed.id from unnest(p_entity_ids) as changed (id)
  where changed.id is not null
  group by changed.id
  -- in the order of the key, so that two statements cannot wait for each other
  order by changed.id
  on conflict (kind, entity_id) do update set
    version = job.version + 1, changed_by = excluded.changed_by, due_at = least(job.due_at, excluded.due_at),
    attempts = 0, failures = 0, last_error = null
  -- queued by this transaction: no worker has seen that version yet
  where job.changed_by <> excluded.changed_by
$$;
comment on function recsys_engine.enqueue_embedding_jobs(text, uuid[]) is 'Enqueues posts (p_kind: post) or users (p_kind: user) to be embedded again, each once.';

create table recsys_engine.edited_posts (
  post_id uuid primary key,
  edited_at timestamptz not null
);
comment on table recsys_engine.edited_posts is
  'When the text of a post was changed last, kept by the triggers of recsys.watch. Of posts with the same text a feed shows the one with most participants; an edited post does not lead posts that are older than its edit.';
comment on column recsys_engine.edited_posts.post_id is 'The post.';
comment on column recsys_engine.edited_posts.edited_at is 'When, by recsys.clock().';
create index edited_posts_edited_at_idx on recsys_engine.edited_posts (edited_at);
alter table recsys_engine.edited_posts enable row level security;
grant select, insert, update, delete on recsys_engine.edited_posts to service_role;

create function recsys_engine.clean_up_deleted_entities(p_kind text, p_ids uuid[], p_is_known boolean default true) returns uuid[]
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  gone uuid[];
begin
  if p_kind = 'post' then
    gone := array(select listed.id from unnest(p_ids) as listed (id) where listed.id is not null and not exists (select from recsys.source_posts as source where source.post_id = listed.id));
  else
    gone := array(select listed.id from unnest(p_ids) as listed (id) where listed.id is not null and not exists (select from recsys.source_users as source where source.user_id = listed.id));
  end if;
  delete from recsys_engine.embedding_jobs as waiting where waiting.kind = p_kind and waiting.entity_id = any (gone);
  delete from recsys_engine.embedding_changes as waiting where waiting.kind = p_kind and waiting.entity_id = any (gone);
  -- all that is known of it is to go as well
  insert into recsys.erasures (kind, entity_id) select p_kind, listed.id from unnest(gone) as listed (id) where p_is_known;
  return array(select unnest(p_ids) except select unnest(gone));
end
$$;
comment on function recsys_engine.clean_up_deleted_entities(text, uuid[], boolean) is 'Returns those of some posts or users (p_kind) that still exist after a row of theirs was deleted. Removes jobs and pending changes of the others, and queues them for recsys.erase() where the engine has data of them (p_is_known).';

create function recsys_engine.record_edits(p_post_ids uuid[]) returns void
language sql volatile security invoker set search_path = ''
as $$
  insert into recsys_engine.edited_posts as known (post_id, edited_at)
  select changed.id, recsys.clock() from unnest(p_post_ids) as changed (id) where changed.id is not null order by changed.id
  on conflict (post_id) do update set edited_at = excluded.edited_at
$$;
comment on function recsys_engine.record_edits(uuid[]) is 'Notes that the texts of some posts were changed now (recsys_engine.edited_posts).';

create function recsys_engine.queue_text_changes() returns trigger
-- definer: as recsys_engine.queue_feature_changes()
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  -- its columns were quoted by recsys.watch, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  changed text;
  ids uuid[];
  known uuid[];
begin
  if tg_op = 'TRUNCATE' then
    -- it does not say whose texts it took
    changed := format('select source.%1$s_id as id from recsys.source_%1$ss as source', tg_argv[0]);
  else
    changed := format('select %s as id from (%s) as changed', tg_argv[1], recsys_engine.changed_rows(tg_op, tg_argv[2]));
  end if;
  execute format('select array_agg(distinct changed.id) from (%s) as changed', changed) into ids;
  if tg_op = 'DELETE' then
    -- one that only lost a part of its text, such as a project, is embedded again
    ids := recsys_engine.clean_up_deleted_entities(tg_argv[0], ids);
  elsif tg_op = 'TRUNCATE' then
    execute format('select array_agg(distinct known.%1$s_id) from recsys.%1$s_embeddings as known', tg_argv[0]) into known;
    perform recsys_engine.clean_up_deleted_entities(tg_argv[0], known);
    -- entities with waiting jobs alone have nothing to erase, and the app may insert them again under the same id
    perform recsys_engine.clean_up_deleted_entities(tg_argv[0], array(
      select waiting.entity_id from recsys_engine.embedding_jobs as waiting where waiting.kind = tg_argv[0]
      union select waiting.entity_id from recsys_engine.embedding_changes as waiting where waiting.kind = tg_argv[0]
    ), false);
  end if;
  perform recsys_engine.enqueue_embedding_jobs(tg_argv[0], ids);
  -- a vector that the app made again is no edit
  if tg_op = 'UPDATE' and tg_argv[0] = 'post' and tg_argv[tg_nargs - 1]::jsonb ->> 'kind' is distinct from 'vectors' then
    perform recsys_engine.record_edits(ids);
  end if;
  return null;
end
$$;
comment on function recsys_engine.queue_text_changes() is
  'Trigger of watched tables: enqueues the entities whose text a statement changed, once each, notes changed posts in recsys_engine.edited_posts, and erases deleted entities as recsys.erase() does. recsys.watch sets its arguments: post or user, the id column, the columns whose change counts.';

revoke all on function recsys_engine.enqueue_embedding_jobs(text, uuid[]), recsys_engine.clean_up_deleted_entities(text, uuid[], boolean), recsys_engine.record_edits(uuid[]), recsys_engine.queue_text_changes() from public;
grant execute on function recsys_engine.enqueue_embedding_jobs(text, uuid[]) to service_role;
