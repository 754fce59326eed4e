-- What a DBA looks at: how much waits and since when, what was given up, and which posts have no vector.

create view recsys.embedding_queue with (security_invoker = true) as
select
  kinds.kind,
  count(job.entity_id) filter (where not job.is_dead) as depth,
  count(job.entity_id) filter (where not job.is_dead and job.claimed_until > now()) as in_work,
  count(job.entity_id) filter (where not job.is_dead and job.failures > 0) as failed_before,
  count(job.entity_id) filter (where job.is_dead) as dead,
  now() - min(job.enqueued_at) filter (where not job.is_dead) as age
from (values ('post'), ('user')) as kinds (kind)
left join recsys_engine.embedding_jobs as job on job.kind = kinds.kind
group by kinds.kind;
comment on view recsys.embedding_queue is 'One row for posts and one for users: depth, of these in_work and failed_before; dead letters; age: how long the oldest has waited, null where none waits.';
comment on column recsys.embedding_queue.kind is 'post or user.';
comment on column recsys.embedding_queue.depth is 'Jobs that wait or are in work.';
comment on column recsys.embedding_queue.in_work is 'Of these, those that a worker has now.';
comment on column recsys.embedding_queue.failed_before is 'Of these, those that failed before.';
comment on column recsys.embedding_queue.dead is 'Jobs that were given up.';
comment on column recsys.embedding_queue.age is 'How long the oldest has waited; null: none waits.';

create view recsys.embedding_dead_letters with (security_invoker = true) as
select job.kind, job.entity_id, job.failures, job.attempts, job.last_error, job.enqueued_at
from recsys_engine.embedding_jobs as job
where job.is_dead;
comment on view recsys.embedding_dead_letters is 'Jobs given up after five failures, or after twenty claims that never came back. To try again: update recsys_engine.embedding_jobs set failures = 0, attempts = 0, due_at = now() where is_dead.';
comment on column recsys.embedding_dead_letters.kind is 'post or user.';
comment on column recsys.embedding_dead_letters.entity_id is 'The post_id or user_id.';
comment on column recsys.embedding_dead_letters.failures is 'Failures since the latest change.';
comment on column recsys.embedding_dead_letters.attempts is 'Claims since the latest change, lost ones included.';
comment on column recsys.embedding_dead_letters.last_error is 'What the latest failure was.';
comment on column recsys.embedding_dead_letters.enqueued_at is 'Since when there is a change without a vector.';

create view recsys_engine.embedding_coverage with (security_invoker = true) as
select
  models.model_id, models.name, models.status,
  counted.posts, counted.posts_with_vector,
  newest.post_id as newest_post_without, counted.newest_at as newest_without_created_at
from recsys.models
-- a join for each model: all in one took 1.2 s with five models and 155,000 posts, this 0.9 s, and 0.1 s with one. To look for a post without
-- a vector from the newest on, where only old ones have none, took 0.3 s more
cross join lateral (
  select count(*) as posts, count(vectors.post_id) as posts_with_vector, max(posts.created_at) filter (where vectors.post_id is null) as newest_at
  from recsys.source_posts as posts
  left join recsys.post_embeddings as vectors on vectors.model_id = models.model_id and vectors.post_id = posts.post_id
) as counted
left join lateral (
  -- of equal times the first by id
  select source_posts.post_id
  from recsys.source_posts
  where source_posts.created_at = counted.newest_at and not exists (
    select from recsys.post_embeddings where post_embeddings.model_id = models.model_id and post_embeddings.post_id = source_posts.post_id
  )
  order by source_posts.post_id
  limit 1
) as newest on true;
comment on view recsys_engine.embedding_coverage is 'Per model: posts, those with a vector of it, and the newest post without one, which cannot be found by its text. Only the active model gets vectors for new posts; another one gets them when it is activated.';
comment on column recsys_engine.embedding_coverage.model_id is 'The model.';
comment on column recsys_engine.embedding_coverage.name is 'Its name.';
comment on column recsys_engine.embedding_coverage.status is 'As in recsys.models.';
comment on column recsys_engine.embedding_coverage.posts is 'Posts that there are.';
comment on column recsys_engine.embedding_coverage.posts_with_vector is 'Of these, those with a vector of the model.';
comment on column recsys_engine.embedding_coverage.newest_post_without is 'The newest post without one; null: every post has one.';
comment on column recsys_engine.embedding_coverage.newest_without_created_at is 'When that post was written.';

grant select on recsys.embedding_queue, recsys.embedding_dead_letters, recsys_engine.embedding_coverage to service_role;
