-- What a DBA looks at first.

create view recsys.status with (security_invoker = true) as
with model as (
  select max(models.model_id) as model_id, max(models.name) as name from recsys.models where models.status = 'active'
),
newest as (
  -- a count of all posts reads whole tables: half a second at 155,000 posts. A gap shows among the newest
  select count(*) as posts, count(post_embeddings.post_id) as with_vector
  from (select source_posts.post_id from recsys.source_posts where source_posts.created_at <= recsys.clock() order by source_posts.created_at desc, source_posts.post_id limit 1000) as latest
  cross join model
  left join recsys.post_embeddings on post_embeddings.model_id = model.model_id and post_embeddings.post_id = latest.post_id
),
jobs as (
  select sum(embedding_queue.depth) as depth, max(embedding_queue.age) as age, sum(embedding_queue.dead) as dead from recsys.embedding_queue
),
erasing as (
  select count(*) as depth, now() - min(erasures.deleted_at) as age from recsys.erasures where erasures.erased_at is null
),
ahead as (
  select settings.impression_partition_interval as unit, pg_relation_size('recsys_engine.impressions_default') as bytes_in_default,
    exists (
      select from recsys_engine.impression_partitions as partitions
      where partitions.is_attached and partitions.next > recsys.clock() + case settings.impression_partition_interval when 'day' then interval '1 day' else interval '1 month' end
    ) as is_made
  from recsys.settings
),
runs as (
  select recsys_engine.has_cron() as are_run, count(*) as scheduled, string_agg(schedules.name, ', ') filter (where not schedules.is_active) as paused,
    string_agg(schedules.name, ', ') filter (where schedules.last_result like 'failed%') as failed
  from recsys.schedules
),
figures as (
  select count(*) as number, count(*) filter (where not health.ok) as out, string_agg(health.what, '; ') filter (where not health.ok) as names from recsys.health() as health
)
select concerns.concern, concerns.is_ok, concerns.state, case when concerns.is_ok then 'ok' else concerns.cure end as verdict
from model, newest, jobs, erasing, ahead, runs, figures, recsys_engine.roll_up_lag as lag, recsys.training_status as training
cross join lateral (
  values
    (1, 'model', model.model_id is not null, coalesce(model.name || ' serves', 'none is active: feeds are fresh and popular'), 'npx --no-install recsys train, then npx --no-install recsys publish'),
    (2, 'feature store', coalesce(lag.age < interval '1 minute', true), concat_ws(', the oldest for ', lag.depth || ' changes wait', lag.age),
      'is ''recsys roll-up'' among recsys.schedules, active, and what was its last result? Work a backlog off at once: select recsys.roll_up(null)'),
    (3, 'embedding queue', coalesce(jobs.age < interval '1 minute', true) or model.model_id is null, concat_ws(', the oldest for ', jobs.depth || ' jobs wait', jobs.age),
      'does pg_cron call embed (recsys.schedules), or does npx --no-install recsys worker run?'),
    (4, 'dead letters', jobs.dead = 0, jobs.dead || ' jobs were given up',
      'select * from recsys.embedding_dead_letters; to try again: update recsys_engine.embedding_jobs set failures = 0, attempts = 0, due_at = now() where is_dead'),
    (5, 'vectors', newest.with_vector >= 0.99 * newest.posts - 10 or model.model_id is null, format('%s of the newest %s posts have one', newest.with_vector, newest.posts),
      'select * from recsys_engine.embedding_coverage; where no job waits for them: npx --no-install recsys publish'),
    (6, 'erasure', coalesce(erasing.age < interval '10 minutes', true), concat_ws(', the oldest for ', erasing.depth || ' deleted posts and users wait', erasing.age),
      'is ''recsys erasure'' among recsys.schedules, active, and what was its last result? At once: select recsys.erase()'),
    (7, 'impressions', ahead.is_made and ahead.bytes_in_default < 100000000,
      format('next %s has %s partition', ahead.unit, case when ahead.is_made then 'its' else 'no' end)
        || case when ahead.bytes_in_default > 0 then ', ' || pg_size_pretty(ahead.bytes_in_default) || ' in the default one' else '' end,
      'select recsys_engine.make_impression_partitions()'),
    (8, 'schedules', runs.are_run and runs.paused is null and runs.failed is null,
      case when runs.are_run then coalesce(nullif(concat_ws('; ', 'paused: ' || runs.paused, 'failed: ' || runs.failed), ''), runs.scheduled || ' run') else 'pg_cron is missing' end,
      case when not runs.are_run then 'npx --no-install recsys serve or worker, and the commands of recsys.schedules by another scheduler'
        else 'select * from recsys.schedules; recsys.resume(name) ends a pause' end),
    (9, 'training', coalesce(now() - training.waiting_since < interval '1 day', true) and coalesce(training.last_failed_at <= training.last_done_at, training.last_failed_at is null),
      case
        when training.waiting_since is not null then 'a request has waited since ' || training.waiting_since::timestamptz(0)
        when training.last_failed_at > coalesce(training.last_done_at, '-infinity') then 'the last one failed: ' || training.last_error
        else coalesce('last done ' || training.last_done_at::timestamptz(0), 'none so far')
      end,
      'does npx --no-install recsys worker --train run? select * from recsys.training_status'),
    (10, 'health', figures.out = 0,
      case figures.out when 0 then format('%s figures are within their bounds', figures.number) else format('%s of %s figures are out of bounds: %s', figures.out, figures.number, figures.names) end,
      'select * from recsys.health(), or npx --no-install recsys health: each with its cure')
) as concerns (place, concern, is_ok, state, cure)
order by concerns.place;
comment on view recsys.status is 'What to look at first: a line for each concern, and what to do where it is not well.';
comment on column recsys.status.concern is 'What the line is about.';
comment on column recsys.status.is_ok is 'Whether all is well there.';
comment on column recsys.status.state is 'How it stands.';
comment on column recsys.status.verdict is 'ok, or what to do.';

grant select on recsys.status to service_role;
