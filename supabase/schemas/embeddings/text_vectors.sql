-- Vectors that another model, an encoder such as text-embedding-3-small or gte-small, made of posts and users. Where an app keeps them recsys.watch says
-- ('vectors', 'user_vectors'); each is read once: what the towers are told are its first 64 principal components among the community's posts, which are kept here.

create table recsys_engine.raw_vectors (
  post_id uuid not null primary key,
  encoder text not null check (encoder <> '' and length(encoder) <= 200),
  vector real[] not null check (array_ndims(vector) = 1 and array_lower(vector, 1) = 1 and cardinality(vector) between 2 and 4096 and array_position(vector, null) is null),
  made_of text
);
comment on table recsys_engine.raw_vectors is 'Vectors of posts in an app that keeps none itself: those of an imported bundle, or what the function embed made.';
comment on column recsys_engine.raw_vectors.post_id is 'The post.';
comment on column recsys_engine.raw_vectors.encoder is 'The model that made it.';
comment on column recsys_engine.raw_vectors.vector is 'What it made, of whatever length.';
comment on column recsys_engine.raw_vectors.made_of is 'The sha256 of the text that it was made of; null: not known. Of another text another is made.';

create table recsys_engine.vector_bases (
  basis_id text primary key,
  encoder text not null,
  dimension integer not null check (dimension between 2 and 4096),
  weights bytea not null check (length(weights) = dimension * 65 * 4),
  made_at timestamptz not null default now(),
  used_at timestamptz not null default now()
);
comment on table recsys_engine.vector_bases is 'How the vectors of an encoder are reduced to 64 numbers: the principal components of the community''s posts when the basis was made. A model names its own in recsys.models.feature_spec; the first training that finds vectors of another encoder or length makes another.';
comment on column recsys_engine.vector_bases.basis_id is 'The beginning of the sha256 of encoder and weights.';
comment on column recsys_engine.vector_bases.encoder is 'Whose vectors it reduces.';
comment on column recsys_engine.vector_bases.dimension is 'How many numbers these have.';
comment on column recsys_engine.vector_bases.weights is '[dimension, 65] 4-byte floats, little-endian: of each number its mean among vectors of length 1, and its part in each of the 64 components.';
comment on column recsys_engine.vector_bases.made_at is 'When.';
comment on column recsys_engine.vector_bases.used_at is 'When a training or an export last read vectors by it: its model may still be published.';

create table recsys_engine.reduced_vectors (
  post_id uuid not null,
  basis_id text not null references recsys_engine.vector_bases on delete cascade,
  components extensions.vector(64) not null,
  primary key (post_id, basis_id)
);
comment on table recsys_engine.reduced_vectors is 'What is kept of each post''s own vector: 64 numbers, by which kNN finds nearly what it finds by the whole vector. The post tower reads them.';
comment on column recsys_engine.reduced_vectors.post_id is 'The post.';
comment on column recsys_engine.reduced_vectors.basis_id is 'By which they were made.';
comment on column recsys_engine.reduced_vectors.components is 'Its components, the widest first.';

create table recsys_engine.raw_user_vectors (
  user_id uuid not null primary key,
  encoder text not null check (encoder <> '' and length(encoder) <= 200),
  vector real[] not null check (array_ndims(vector) = 1 and array_lower(vector, 1) = 1 and cardinality(vector) between 2 and 4096 and array_position(vector, null) is null)
);
comment on table recsys_engine.raw_user_vectors is 'Vectors of users of an imported bundle.';
comment on column recsys_engine.raw_user_vectors.user_id is 'The user.';
comment on column recsys_engine.raw_user_vectors.encoder is 'The model that made it.';
comment on column recsys_engine.raw_user_vectors.vector is 'What it made, of whatever length.';

create table recsys_engine.reduced_user_vectors (
  user_id uuid not null,
  basis_id text not null references recsys_engine.vector_bases on delete cascade,
  components extensions.vector(64) not null,
  primary key (user_id, basis_id)
);
comment on table recsys_engine.reduced_user_vectors is 'What is kept of each user''s own vector: its components by the basis of the posts, so that users and posts lie in one space. The user tower reads them.';
comment on column recsys_engine.reduced_user_vectors.user_id is 'The user.';
comment on column recsys_engine.reduced_user_vectors.basis_id is 'By which they were made.';
comment on column recsys_engine.reduced_user_vectors.components is 'Its components, the widest first.';

create table recsys_engine.encoding_jobs (
  post_id uuid primary key,
  failures integer not null default 0,
  last_error text,
  due_at timestamptz not null default now()
);
comment on table recsys_engine.encoding_jobs is 'Posts whose text waits for recsys.settings.text_encoder, which makes a few vectors a call. Left alone after five failures, until the text changes.';
comment on column recsys_engine.encoding_jobs.post_id is 'The post.';
comment on column recsys_engine.encoding_jobs.failures is 'How often the encoder failed at it.';
comment on column recsys_engine.encoding_jobs.last_error is 'At what it failed last.';
comment on column recsys_engine.encoding_jobs.due_at is
  'Since when it waits, so that frequent edits are served no sooner; in the future: a worker has claimed it until then.';
-- each call takes some of these, and each schedule asks whether there are any
create index encoding_jobs_due_idx on recsys_engine.encoding_jobs (failures, due_at, post_id) where failures < 5;

alter table recsys_engine.encoding_jobs enable row level security;
alter table recsys_engine.raw_vectors enable row level security;
alter table recsys_engine.vector_bases enable row level security;
alter table recsys_engine.reduced_vectors enable row level security;
alter table recsys_engine.raw_user_vectors enable row level security;
alter table recsys_engine.reduced_user_vectors enable row level security;
create policy "people read their own components" on recsys_engine.reduced_user_vectors for select to authenticated using (user_id = (select auth.uid()));
grant select on recsys_engine.reduced_user_vectors to authenticated;
grant select, insert, update, delete on recsys_engine.raw_vectors, recsys_engine.vector_bases, recsys_engine.reduced_vectors, recsys_engine.raw_user_vectors, recsys_engine.reduced_user_vectors, recsys_engine.encoding_jobs to service_role;

create view recsys_engine.models_without_basis with (security_invoker = true) as
select models.model_id, models.name, models.feature_spec #>> '{vectors,encoder}' as encoder
from recsys.models
where (models.status = 'active' or models.model_id in (select models_under_test.model_id from recsys_engine.models_under_test))
  and models.feature_spec #>> '{vectors,basis}' is not null
  and not exists (select from recsys_engine.vector_bases where vector_bases.basis_id = models.feature_spec #>> '{vectors,basis}');
comment on view recsys_engine.models_without_basis is 'Models that serve or are tried, and read vectors of posts by a basis that is missing, as in a dump without it: their posts are embedded by words alone.';
comment on column recsys_engine.models_without_basis.model_id is 'The model.';
comment on column recsys_engine.models_without_basis.name is 'Its name.';
comment on column recsys_engine.models_without_basis.encoder is 'Whose vectors it reads.';
grant select on recsys_engine.models_without_basis to service_role;

create function recsys_engine.drop_unread_bases() returns bigint
language sql volatile security invoker set search_path = ''
as $$
  with dropped as (
    delete from recsys_engine.vector_bases
    where vector_bases.used_at < now() - (select settings.unserved_models_kept from recsys.settings)
      and not exists (select from recsys.models where models.feature_spec #>> '{vectors,basis}' = vector_bases.basis_id)
    returning 1
  )
  select count(*) from dropped
$$;
comment on function recsys_engine.drop_unread_bases() is 'Removes bases, with what was reduced by them, that no model reads and no training used for settings.unserved_models_kept, and returns how many.';
revoke all on function recsys_engine.drop_unread_bases() from public;

create function recsys_engine.user_components(p_user_id uuid, p_model_id bigint) returns extensions.vector
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return (
    select reduced.components
    from recsys.models join recsys_engine.reduced_user_vectors as reduced on reduced.basis_id = models.feature_spec #>> '{vectors,basis}'
    where models.model_id = p_model_id and (models.feature_spec #> '{vectors,users}')::boolean and reduced.user_id = p_user_id
  );
end
$$;
comment on function recsys_engine.user_components(uuid, bigint) is 'The components of a user''s own vector by the basis of a model. Null: the user has none, or the model reads none of users.';
revoke all on function recsys_engine.user_components(uuid, bigint) from public;
grant execute on function recsys_engine.user_components(uuid, bigint) to authenticated, service_role;
