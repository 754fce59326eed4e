-- What a model knows of each post and user, one LIST partition per model: a new model's vectors and index are built next to the live ones. No foreign
-- key to recsys.models: a partition holds one model's rows by its bounds and goes with its model, and dropping a table that
-- has such a key takes ACCESS EXCLUSIVE on recsys.models too, which every feed reads.

create table recsys.post_embeddings (
  model_id bigint not null,
  post_id uuid not null,
  embedding extensions.vector(32) not null check (abs(extensions.vector_norm(embedding) - 1) < 0.001),
  id_embedding extensions.vector(32),
  -- null and true alone: a null takes no byte of a row
  is_unindexed boolean,
  -- the post first: an erasure looks for it in the partitions of all models
  primary key (post_id, model_id)
) partition by list (model_id);
comment on table recsys.post_embeddings is 'Post tower output, 32-d, unit length (pgvector#923: HNSW with inner product needs it). id_embedding: what the post''s own history taught beyond its text; null for a post the training never saw.';
comment on column recsys.post_embeddings.model_id is 'Whose vector it is; the partition.';
comment on column recsys.post_embeddings.post_id is 'Of recsys.source_posts.';
comment on column recsys.post_embeddings.embedding is 'What the post tower gives for the post as it was when it was embedded.';
comment on column recsys.post_embeddings.id_embedding is 'Input of the post tower, next to the text; null: zeros.';
comment on column recsys.post_embeddings.is_unindexed is 'True: nothing happened to the post for settings.index_window_days, so searches go without it. Null: it is found. Written by recsys_engine.mark_idle alone.';

create table recsys.user_embeddings (
  model_id bigint not null,
  user_id uuid not null,
  embedding extensions.vector(32) not null check (abs(extensions.vector_norm(embedding) - 1) < 0.001),
  id_embedding extensions.vector(32),
  primary key (user_id, model_id)
) partition by list (model_id);
comment on table recsys.user_embeddings is 'User tower output as of publishing, 32-d, unit length; serving computes a fresh one from what the user just did. id_embedding: as for posts.';
comment on column recsys.user_embeddings.model_id is 'Whose vector it is; the partition.';
comment on column recsys.user_embeddings.user_id is 'Of recsys.source_users.';
comment on column recsys.user_embeddings.embedding is 'What the user tower gave for the user when they were embedded.';
comment on column recsys.user_embeddings.id_embedding is 'Input of the user tower, next to profile and history; null: zeros.';

create table recsys_engine.post_neighbours (
  model_id bigint not null,
  post_id uuid not null,
  neighbour_id uuid not null,
  weight integer not null check (weight > 0),
  primary key (post_id, neighbour_id, model_id)
) partition by list (model_id);
comment on table recsys_engine.post_neighbours is 'Neighbours of a post, 50 at most: posts that the same users interacted with. recsys_engine.with_covisited sums their weights. Only a model that finds more by them has a partition.';
comment on column recsys_engine.post_neighbours.model_id is 'Whose neighbours they are; the partition.';
comment on column recsys_engine.post_neighbours.post_id is
  'Of recsys.source_posts: the post of an interaction.';
comment on column recsys_engine.post_neighbours.neighbour_id is 'The neighbour, of recsys.source_posts.';
comment on column recsys_engine.post_neighbours.weight is 'How much the one speaks for the other, in millionths: sums of whole numbers are the same in any order.';
-- an erasure looks for a post on either side
create index post_neighbours_neighbour_id_idx on recsys_engine.post_neighbours (neighbour_id);

alter table recsys.post_embeddings enable row level security;
alter table recsys.user_embeddings enable row level security;
alter table recsys_engine.post_neighbours enable row level security;
-- "offset 0" keeps it a look-up for each row that is read: else the planner may first make a list of all posts there are
create policy "vectors are read with their post" on recsys.post_embeddings for select to authenticated
  using (exists (select from recsys.source_posts where source_posts.post_id = post_embeddings.post_id offset 0));
create policy "neighbours are read with both posts" on recsys_engine.post_neighbours for select to authenticated
  using (
    exists (select from recsys.source_posts where source_posts.post_id = post_neighbours.post_id offset 0)
    and exists (select from recsys.source_posts where source_posts.post_id = post_neighbours.neighbour_id offset 0)
  );
create policy "people read their own vector" on recsys.user_embeddings for select to authenticated using (user_id = (select auth.uid()));
grant select on recsys.post_embeddings, recsys.user_embeddings, recsys_engine.post_neighbours to authenticated;
grant select, insert, update, delete on recsys.post_embeddings, recsys.user_embeddings, recsys_engine.post_neighbours to service_role;

create function recsys_engine.create_model(
  p_name text, p_feature_spec jsonb, p_feature_spec_digest text, p_metrics jsonb, p_learned_until timestamptz default null,
  p_heads text[] default '{view,vote,comment}'
) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  new_model_id bigint;
  told record;
begin
  insert into recsys.models (name, feature_spec, feature_spec_digest, metrics, learned_until, heads)
  values (p_name, p_feature_spec, p_feature_spec_digest, p_metrics, p_learned_until, p_heads)
  returning model_id into new_model_id;
  -- stand-alone tables, attached when complete: readers of the live partitions never wait
  for told in select * from (values ('recsys', 'post_embeddings', 'Vectors of posts'), ('recsys', 'user_embeddings', 'Vectors of users'), ('recsys_engine', 'post_neighbours', 'Neighbours of posts')) as parents (schema, name, what) loop
    execute format('create table recsys_engine.%I (like %I.%I including all, check (model_id = %s))', told.name || '_' || new_model_id, told.schema, told.name, new_model_id);
    execute format('alter table recsys_engine.%I enable row level security', told.name || '_' || new_model_id);
    execute format('comment on table recsys_engine.%I is %L', told.name || '_' || new_model_id, format('%s by model %s, %s.', told.what, new_model_id, p_name));
  end loop;
  return new_model_id;
end
$$;
comment on function recsys_engine.create_model(text, jsonb, text, jsonb, timestamptz, text[]) is 'Begins a model: its row as a candidate, and the stand-alone tables recsys_engine.post_embeddings_N, recsys_engine.user_embeddings_N and recsys_engine.post_neighbours_N. Returns N.';

create function recsys_engine.complete_model(p_model_id bigint, p_gate jsonb default null) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  posts bigint;
  has_neighbours boolean;
begin
  if (select count(*) from recsys_engine.model_artifacts where model_id = p_model_id) <> 3 then
    raise exception 'model % does not have its three graphs', p_model_id using hint = 'publish the model again';
  end if;
  execute format('select count(*) from recsys_engine.post_embeddings_%s where is_unindexed is null', p_model_id) into posts;
  -- a graph that outgrows this memory goes on being built on disk, several times slower: it takes 843 bytes a post, so that the
  -- usual 64 MB end at 79,600 posts. 1 GB is for 1.2 million, and no more is taken from the others.
  perform set_config('maintenance_work_mem', least(greatest(64, posts / 1000 + 1), 1024) || 'MB', true);
  -- pgvector before 0.8.2 can overflow in a parallel build (CVE-2026-3172), and Debian ships 0.8.0
  perform set_config('max_parallel_maintenance_workers', '0', true);
  execute format('create index on recsys_engine.post_embeddings_%s using hnsw (embedding extensions.vector_ip_ops)%s', p_model_id,
    -- an app's own searches of all vectors have the whole index, where there is no window
    (select ' where is_unindexed is null' from recsys.settings where settings.index_window_days is not null));
  -- posts that became idle or active since their vectors were written; no roll-up goes on before they are attached
  perform recsys_engine.mark_model_idle(p_model_id);
  execute format('alter table recsys.post_embeddings attach partition recsys_engine.post_embeddings_%s for values in (%s)', p_model_id, p_model_id);
  execute format('alter table recsys.user_embeddings attach partition recsys_engine.user_embeddings_%s for values in (%s)', p_model_id, p_model_id);
  execute format('analyze recsys_engine.post_embeddings_%s', p_model_id);
  execute format('select exists (select from recsys_engine.post_neighbours_%s)', p_model_id) into has_neighbours;
  if has_neighbours then
    execute format('alter table recsys_engine.post_neighbours attach partition recsys_engine.post_neighbours_%s for values in (%s)', p_model_id, p_model_id);
    execute format('analyze recsys_engine.post_neighbours_%s', p_model_id);
  else
    -- so that a feed knows by the catalog alone that there are none
    execute format('drop table recsys_engine.post_neighbours_%s', p_model_id);
  end if;
  update recsys.models set status = 'ready', gate = p_gate where model_id = p_model_id;
end
$$;
comment on function recsys_engine.complete_model(bigint, jsonb) is 'Ends the building of a candidate that the gate let pass (p_gate: what it said): builds its HNSW index of the posts that are not idle, attaches its partitions, without that of neighbours where there are none, marks it ready. Raises when an artifact is missing. Call it with statement_timeout 0.';

create function recsys_engine.reject_model(p_model_id bigint, p_gate jsonb) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  update recsys.models set status = 'rejected', gate = p_gate where model_id = p_model_id and status = 'candidate';
  if not found then
    raise exception 'model % is not a candidate', p_model_id using hint = 'select model_id, name, status from recsys.models';
  end if;
  execute format('drop table recsys_engine.post_embeddings_%s', p_model_id);
  execute format('drop table recsys_engine.user_embeddings_%s', p_model_id);
  execute format('drop table recsys_engine.post_neighbours_%s', p_model_id);
end
$$;
comment on function recsys_engine.reject_model(bigint, jsonb) is
  'Marks a candidate as refused by the gate (p_gate: the reason) and removes its vectors and neighbours, which no reader has seen; keeps the row and the graphs for a while, for an engineer who asks why.';

create function recsys_engine.drop_model(p_model_id bigint) returns void
language plpgsql volatile security invoker set search_path = ''
-- dropping a partition takes ACCESS EXCLUSIVE on its parent, and every feed that comes meanwhile waits behind it: so it gives up
-- soon. There are up to six such locks; DETACH CONCURRENTLY takes none, but can run in no function and waits for every old transaction.
set lock_timeout = '25ms'
as $$
begin
  -- held against activations: one could make the model active between this look and its end
  perform recsys_engine.take_lock('models');
  if exists (select from recsys.models where model_id = p_model_id and status = 'active') then
    raise exception 'model % is active', p_model_id using hint = 'activate another model first';
  end if;
  if not exists (select from recsys.models where model_id = p_model_id) then
    raise exception 'there is no model %', coalesce(p_model_id::text, '(null)') using errcode = 'no_data_found', hint = 'select model_id, name, status from recsys.model_status';
  end if;
  if exists (select from recsys_engine.models_under_test where model_id = p_model_id) then
    raise exception 'model % is that of a running experiment or shadow', p_model_id
      using hint = 'select name from recsys.experiments where ended_at is null; recsys.stop_experiment(name). select name from recsys.shadows where ended_at is null; recsys.stop_shadow(name)';
  end if;
  -- in the order in which a feed locks them: the other way round each could wait for the other
  execute format('drop table if exists recsys_engine.user_embeddings_%s', p_model_id);
  execute format('drop table if exists recsys_engine.post_embeddings_%s', p_model_id);
  execute format('drop table if exists recsys_engine.post_neighbours_%s', p_model_id);
  delete from recsys.models where model_id = p_model_id;
exception
  when lock_not_available then
    raise exception 'the vectors are being read, and model % stays', p_model_id using errcode = 'lock_not_available', hint = 'try again';
end
$$;
comment on function recsys_engine.drop_model(bigint) is
  'Removes a model, its vectors and artifacts, or the remains of an interrupted publish; not an active model or one of a running experiment or shadow. Raises no_data_found for an unknown model, and lock_not_available where readers hold it for 25 ms: try again.';

revoke all on function recsys_engine.create_model(text, jsonb, text, jsonb, timestamptz, text[]), recsys_engine.complete_model(bigint, jsonb), recsys_engine.reject_model(bigint, jsonb), recsys_engine.drop_model(bigint) from public;
