-- Working the queue: claim, embed outside the database, and complete or fail. What happens to jobs when another model serves.

create function recsys_engine.model_includes_change(p_model recsys.models, p_changed_by xid8) returns boolean
language sql stable security invoker set search_path = ''
as $$ select p_model.embedded_in is not distinct from recsys_engine.cluster_id() and pg_visible_in_snapshot(p_changed_by, p_model.embedded_as_of) $$;
comment on function recsys_engine.model_includes_change(recsys.models, xid8) is 'Whether the vectors of a model include the change of a transaction. False for a model from a dump, whose transactions are unknown.';

create view recsys_engine.due_embedding_jobs with (security_invoker = true) as
select job.kind, job.entity_id, job.due_at, job.attempts
from recsys_engine.embedding_jobs as job
-- two ranges of the index, where recsys_engine.is_leased(due_at) would be none
where not job.is_dead and (job.due_at <= now() or job.due_at > now() + interval '3 hours') and not recsys_engine.is_leased(job.claimed_until);
comment on view recsys_engine.due_embedding_jobs is
  'Jobs that a worker may claim now: due, not failed for good, and not claimed.';
comment on column recsys_engine.due_embedding_jobs.kind is 'post or user.';
comment on column recsys_engine.due_embedding_jobs.entity_id is 'The post_id or user_id.';
comment on column recsys_engine.due_embedding_jobs.due_at is 'Since when it may be claimed.';
comment on column recsys_engine.due_embedding_jobs.attempts is 'Claims since the latest change, lost ones included.';
-- update: locking rows through the view takes it
grant select, update on recsys_engine.due_embedding_jobs to service_role;

create function recsys_engine.has_due_embedding_jobs() returns boolean
language sql stable security invoker set search_path = ''
as $$
  select exists (select from recsys.models where status = 'active') and exists (select from recsys_engine.due_embedding_jobs)
$$;
comment on function recsys_engine.has_due_embedding_jobs() is
  'Whether a worker would find something to embed: a due, unclaimed job, and a model to embed it with.';

create function recsys_engine.claim_embedding_jobs(p_limit integer, p_lease interval) returns table (kind text, entity_id uuid, claim bigint)
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  new_claim constant bigint := nextval('recsys_engine.embedding_claim_seq');
  -- every other time, where others wait too: those whose turn it is must not wait until hundreds were taken one at a time
  leaves_alone constant boolean := new_claim % 2 = 0 and exists (select from recsys_engine.due_embedding_jobs as due where due.attempts < 2);
begin
  if p_limit is null or p_limit < 1 then
    raise exception 'a claim takes at least one job, not %', p_limit;
  end if;
  if p_lease is null or p_lease <= interval '0' then
    raise exception 'a lease must last for a while, not %', p_lease;
  end if;
  return query
  with
  -- a job that two workers did not come back with comes alone: it may be what ended them, and would take others along
  again as (
    select due.kind, due.entity_id from recsys_engine.due_embedding_jobs as due where due.attempts >= 2 and not leaves_alone
    order by due.due_at, due.entity_id limit 1 for update skip locked
  ),
  -- half the oldest and half the newest: a new post does not wait behind an import, nor is the import forgotten
  oldest as (
    select due.kind, due.entity_id from recsys_engine.due_embedding_jobs as due where due.attempts < 2 and not exists (select from again)
    order by due.due_at, due.entity_id limit (p_limit + 1) / 2 for update skip locked
  ),
  newest as (
    select due.kind, due.entity_id from recsys_engine.due_embedding_jobs as due where due.attempts < 2 and not exists (select from again)
    order by due.due_at desc, due.entity_id desc limit p_limit / 2 for update skip locked
  ),
  picked as (select * from again union select * from oldest union select * from newest)
  update recsys_engine.embedding_jobs as job
  set claim = new_claim, claimed_version = job.version, claimed_until = now() + p_lease, attempts = job.attempts + 1
  from picked
  where job.kind = picked.kind and job.entity_id = picked.entity_id
  returning job.kind, job.entity_id, job.claim;
end
$$;
comment on function recsys_engine.claim_embedding_jobs(integer, interval) is
  'Claims up to p_limit due jobs for p_lease, half the oldest and half the newest. A job that was claimed twice before is returned alone, by every other claim at most while others wait.';

create function recsys_engine.complete_embedding_jobs(p_claim bigint, p_model_id bigint, p_kinds text[], p_entity_ids uuid[], p_embeddings text[], p_topic_vectors text[] default null) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  kinds text[];
  ids uuid[];
  embeddings text[];
  topic_vectors text[];
begin
  -- an activation of another model and this statement wait for each other: vectors and pointer cannot pass each
  -- other
  perform from recsys.models where models.model_id = p_model_id and models.status = 'active' for share;
  if not found then
    update recsys_engine.embedding_jobs as job
    set claim = null, claimed_until = null, attempts = job.attempts - 1
    from unnest(p_kinds, p_entity_ids) as given (kind, entity_id)
    where job.kind = given.kind and job.entity_id = given.entity_id and job.claim = p_claim;
    return 0;
  end if;
  -- a job that is locked is being changed right now, and by a transaction that may take its time: it is left to the next claim
  select array_agg(mine.kind), array_agg(mine.entity_id), array_agg(mine.embedding), array_agg(mine.topic_vector) into kinds, ids, embeddings, topic_vectors
  from (
    select job.kind, job.entity_id, given.embedding, given.topic_vector
    from unnest(p_kinds, p_entity_ids, p_embeddings, p_topic_vectors) as given (kind, entity_id, embedding, topic_vector)
    join recsys_engine.embedding_jobs as job on job.kind = given.kind and job.entity_id = given.entity_id
    where job.claim = p_claim
    for update of job skip locked
  ) as mine;
  -- no state of theirs changes, but workers keep vectors, and the next roll-up tells them
  insert into recsys_engine.feature_changes (post_id, at)
  select post_embeddings.post_id, 'infinity'
  from unnest(kinds, ids, embeddings) as done (kind, entity_id, embedding)
  join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = done.entity_id
  where done.kind = 'post' and done.embedding is not null;
  insert into recsys.post_embeddings (model_id, post_id, embedding)
  select p_model_id, done.entity_id, done.embedding::extensions.vector
  from unnest(kinds, ids, embeddings) as done (kind, entity_id, embedding)
  where done.kind = 'post' and done.embedding is not null
  on conflict (model_id, post_id) do update set embedding = excluded.embedding;
  -- an old post that is new to the engine
  perform recsys_engine.mark_idle(array_agg(done.entity_id)) from unnest(kinds, ids) as done (kind, entity_id) where done.kind = 'post';
  perform recsys_engine.assign_topics(p_model_id, array_agg(done.entity_id), array_agg(done.topic_vector))
  from unnest(kinds, ids, topic_vectors) as done (kind, entity_id, topic_vector)
  where done.kind = 'post' and done.topic_vector is not null;
  insert into recsys.user_embeddings (model_id, user_id, embedding)
  select p_model_id, done.entity_id, done.embedding::extensions.vector
  from unnest(kinds, ids, embeddings) as done (kind, entity_id, embedding)
  where done.kind = 'user' and done.embedding is not null
  on conflict (model_id, user_id) do update set embedding = excluded.embedding;
  delete from recsys.user_embeddings using unnest(kinds, ids) as done (kind, entity_id)
  where done.kind = 'user' and user_embeddings.user_id = done.entity_id and done.entity_id in (select personalization_opt_outs.user_id from recsys_engine.personalization_opt_outs);
  delete from recsys_engine.reduced_user_vectors using unnest(kinds, ids) as done (kind, entity_id)
  where done.kind = 'user' and reduced_user_vectors.user_id = done.entity_id and done.entity_id in (select personalization_opt_outs.user_id from recsys_engine.personalization_opt_outs);
  -- changed again while in work: it stays for another run
  update recsys_engine.embedding_jobs as job
  set claim = null, claimed_until = null, enqueued_at = now(), due_at = now()
  from unnest(kinds, ids) as done (kind, entity_id)
  where job.kind = done.kind and job.entity_id = done.entity_id and job.version <> job.claimed_version;
  with gone as (
    delete from recsys_engine.embedding_jobs as job using unnest(kinds, ids) as done (kind, entity_id)
    where job.kind = done.kind and job.entity_id = done.entity_id and job.version = job.claimed_version
    returning job.kind, job.entity_id, job.changed_by
  )
  insert into recsys_engine.embedding_changes (kind, entity_id, changed_by)
  select gone.kind, gone.entity_id, gone.changed_by from gone
  where exists (select from recsys.models where models.model_id <> p_model_id and not recsys_engine.model_includes_change(models, gone.changed_by))
  on conflict (kind, entity_id) do update set changed_by = excluded.changed_by;
  return coalesce(cardinality(ids), 0);
end
$$;
comment on function recsys_engine.complete_embedding_jobs(bigint, bigint, text[], uuid[], text[], text[]) is
  'Writes the vectors of model p_model_id for a claim''s jobs (null: the entity is gone), joins posts to topics near p_topic_vectors (of text alone; null: unknown) and removes the jobs. Returns how many. Skips jobs of later claims, and all when the model is inactive. Edited posts keep id_embedding.';

create function recsys_engine.fail_embedding_jobs(p_claim bigint, p_kinds text[], p_entity_ids uuid[], p_errors text[]) returns void
language sql volatile security invoker set search_path = ''
as $$
  update recsys_engine.embedding_jobs as job
  set claim = null, claimed_until = null,
    -- a failure with the text as it was before the latest change counts for nothing
    failures = case when job.version = job.claimed_version then job.failures + 1 else 0 end,
    last_error = left(failed.error, 1000),
    due_at = case when job.version = job.claimed_version then now() + interval '10 seconds' * 2 ^ job.failures else now() end
  from unnest(p_kinds, p_entity_ids, p_errors) as failed (kind, entity_id, error)
  where job.kind = failed.kind and job.entity_id = failed.entity_id and job.claim = p_claim
$$;
comment on function recsys_engine.fail_embedding_jobs(bigint, text[], uuid[], text[]) is 'Gives jobs of a claim back with the reason why they failed: due again after 10, 20, 40 and 80 seconds, and dead after the fifth failure.';

create function recsys_engine.sync_jobs_with_active_model() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  with superfluous as (
    -- a locked job is being changed or completed right now, so it is not superfluous
    select job.kind, job.entity_id from recsys_engine.embedding_jobs as job
    where recsys_engine.model_includes_change(new, job.changed_by)
    for update skip locked
  ),
  gone as (
    delete from recsys_engine.embedding_jobs as job using superfluous
    where job.kind = superfluous.kind and job.entity_id = superfluous.entity_id
    returning job.kind, job.entity_id, job.changed_by
  )
  insert into recsys_engine.embedding_changes (kind, entity_id, changed_by)
  select gone.kind, gone.entity_id, gone.changed_by from gone
  where exists (select from recsys.models where models.model_id <> new.model_id and not recsys_engine.model_includes_change(models, gone.changed_by))
  on conflict (kind, entity_id) do update set changed_by = excluded.changed_by;
  insert into recsys_engine.embedding_jobs (kind, entity_id, changed_by)
  select changes.kind, changes.entity_id, changes.changed_by
  from recsys_engine.embedding_changes as changes
  where not recsys_engine.model_includes_change(new, changes.changed_by)
  order by changes.kind, changes.entity_id
  on conflict (kind, entity_id) do nothing;
  delete from recsys_engine.embedding_changes as changes
  where not exists (select from recsys.models where not recsys_engine.model_includes_change(models, changes.changed_by));
  return null;
end
$$;
comment on function recsys_engine.sync_jobs_with_active_model() is 'Trigger: when a model becomes the active one, jobs of changes that its vectors include go, and changes that they lack are enqueued, so that neither a publish nor a rollback leaves a vector missing or of an earlier text.';
create trigger recsys_follow_active_model after update of status on recsys.models
for each row when (new.status = 'active' and old.status <> 'active')
execute function recsys_engine.sync_jobs_with_active_model();

revoke all on function recsys_engine.model_includes_change(recsys.models, xid8), recsys_engine.has_due_embedding_jobs(), recsys_engine.claim_embedding_jobs(integer, interval),
  recsys_engine.complete_embedding_jobs(bigint, bigint, text[], uuid[], text[], text[]), recsys_engine.fail_embedding_jobs(bigint, text[], uuid[], text[]), recsys_engine.sync_jobs_with_active_model() from public;
grant execute on function recsys_engine.model_includes_change(recsys.models, xid8), recsys_engine.has_due_embedding_jobs(), recsys_engine.claim_embedding_jobs(integer, interval),
  recsys_engine.complete_embedding_jobs(bigint, bigint, text[], uuid[], text[], text[]), recsys_engine.fail_embedding_jobs(bigint, text[], uuid[], text[]) to service_role;
