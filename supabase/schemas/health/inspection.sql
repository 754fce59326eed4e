-- What a DBA asks of the engine's tables.

create view recsys_engine.posts_without_vector with (security_invoker = true) as
select posts.post_id, posts.title, posts.created_at, recsys.clock() - posts.created_at as age,
  case when job.entity_id is null then 'none waits' when job.is_dead then 'given up' else 'waits' end as job, job.failures, job.last_error
from recsys.models
cross join recsys.source_posts as posts
left join recsys_engine.embedding_jobs as job on job.kind = 'post' and job.entity_id = posts.post_id
where models.status = 'active'
  and not exists (select from recsys.post_embeddings as vectors where vectors.model_id = models.model_id and vectors.post_id = posts.post_id);
comment on view recsys_engine.posts_without_vector is 'Posts that the active model has no vector of, so that they are found by age and activity and not by what they say. Reads all posts.';
comment on column recsys_engine.posts_without_vector.post_id is 'The post.';
comment on column recsys_engine.posts_without_vector.title is 'Its title.';
comment on column recsys_engine.posts_without_vector.created_at is 'When it was written, by the app.';
comment on column recsys_engine.posts_without_vector.age is 'How long ago that was by the engine''s clock, whatever its shift.';
comment on column recsys_engine.posts_without_vector.job is 'waits: its vector is coming; given up: last_error says why; none waits: update its text, or publish again.';
comment on column recsys_engine.posts_without_vector.failures is 'How often it failed; null: no job.';
comment on column recsys_engine.posts_without_vector.last_error is 'Why it failed last.';

create view recsys_engine.sizes with (security_invoker = true) as
with recursive members as (
  select relations.oid as root, relations.oid from pg_catalog.pg_class as relations
  where relations.relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and relations.relkind in ('r', 'p') and not relations.relispartition
  union all
  select members.root, pg_inherits.inhrelid from members
  join pg_catalog.pg_inherits on pg_inherits.inhparent = members.oid
)
select pg_class.relname::text as name, count(*) - 1 as partitions,
  sum(greatest(parts.reltuples, 0))::bigint as rows,
  sum(pg_table_size(members.oid))::bigint as data_bytes, sum(pg_indexes_size(members.oid))::bigint as index_bytes,
  sum(pg_total_relation_size(members.oid))::bigint as bytes, pg_size_pretty(sum(pg_total_relation_size(members.oid))) as size
from members
join pg_catalog.pg_class on pg_class.oid = members.root
join pg_catalog.pg_class as parts on parts.oid = members.oid
group by pg_class.relname;
comment on view recsys_engine.sizes is 'How large the engine''s tables are, with their partitions, indexes and vectors. The sum of bytes is all that the engine takes besides the app''s own tables.';
comment on column recsys_engine.sizes.name is 'The table.';
comment on column recsys_engine.sizes.partitions is 'How many partitions it has.';
comment on column recsys_engine.sizes.rows is 'How many rows, as counted by the last analyze.';
comment on column recsys_engine.sizes.data_bytes is 'Of the rows, with what of them is kept apart (TOAST).';
comment on column recsys_engine.sizes.index_bytes is 'Of its indexes; those of vectors are most of it.';
comment on column recsys_engine.sizes.bytes is 'Of both.';
comment on column recsys_engine.sizes.size is 'The same as text.';

grant select on recsys_engine.posts_without_vector, recsys_engine.sizes to service_role;
