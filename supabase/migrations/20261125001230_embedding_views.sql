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
left join recsys.embedding_jobs as job on job.kind = kinds.kind
group by kinds.kind;
comment on view recsys.embedding_queue is 'One row for posts and one for users: depth, of these in_work and failed_before; dead letters; age: how long the oldest has waited, null where none waits.';

create view recsys.embedding_dead_letters with (security_invoker = true) as
select job.kind, job.entity_id, job.failures, job.attempts, job.last_error, job.enqueued_at
from recsys.embedding_jobs as job
where job.is_dead;
comment on view recsys.embedding_dead_letters is 'Jobs given up after five failures, or after twenty claims that never came back. To try again: update recsys.embedding_jobs set failures = 0, attempts = 0, due_at = now() where is_dead.';

create view recsys.embedding_coverage with (security_invoker = true) as
select
  models.model_id, models.name, models.status,
  counted.posts, counted.posts_with_vector,
  newest.post_id as newest_post_without, newest.created_at as newest_without_created_at
from recsys.models
cross join lateral (
  select count(*) as posts, count(post_embeddings.post_id) as posts_with_vector
  from recsys.source_posts
  left join recsys.post_embeddings on post_embeddings.model_id = models.model_id and post_embeddings.post_id = source_posts.post_id
) as counted
left join lateral (
  select source_posts.post_id, source_posts.created_at
  from recsys.source_posts
  where not exists (
    select from recsys.post_embeddings where post_embeddings.model_id = models.model_id and post_embeddings.post_id = source_posts.post_id
  )
  order by source_posts.created_at desc, source_posts.post_id
  limit 1
) as newest on true;
comment on view recsys.embedding_coverage is 'Per model: posts, those with a vector of it, and the newest post without one, which cannot be found by its text. Only the active model gets vectors for new posts; another one gets them when it is activated.';

grant select on recsys.embedding_queue, recsys.embedding_dead_letters, recsys.embedding_coverage to service_role;
