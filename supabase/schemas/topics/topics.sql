-- Topics: the subjects of the community's posts, found in the active model's vectors (trainer/topics/). They
-- diversify feeds, and show where more is wanted than is written. Remade after each publish next to the old ones, in
-- one transaction; a topic that has the posts of an earlier one keeps its id and name, so that references to it stay
-- valid.

create table recsys_engine.topics (
  topic_id bigint primary key generated always as identity,
  model_id bigint not null,
  label text not null,
  terms text[] not null,
  is_public boolean not null default false,
  centroid extensions.vector(32) not null check (abs(extensions.vector_norm(centroid) - 1) < 0.001),
  size integer not null default 0 check (size >= 0),
  demand real not null default 0 check (demand >= 0),
  supply real not null default 0 check (supply >= 0),
  people integer not null default 0 check (people >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table recsys_engine.topics is 'What the community''s posts are about: clusters of the active model''s vectors of posts (mini-batch k-means: Sculley, "Web-Scale K-Means Clustering", 2010), named by the terms that set their posts apart.';
comment on column recsys_engine.topics.topic_id is 'Stays when topics are remade and this one keeps most of its posts; never used again for another.';
comment on column recsys_engine.topics.model_id is
  'The model of the centroid''s vector. No foreign key: a topic outlives models.';
comment on column recsys_engine.topics.label is 'Its name: up to three of its terms. Every word stands in posts of several authors that any signed-in member may read. Empty: there are no such words.';
comment on column recsys_engine.topics.terms is 'Up to ten words and phrases that set its posts apart from the others, the strongest first; under the same condition as the label.';
comment on column recsys_engine.topics.is_public is 'Whether visitors may be told label and terms: each of them stands in posts of several authors that the role anon may read.';
comment on column recsys_engine.topics.centroid is 'Mean of its posts'' vectors, made unit length; a new post joins the topic with the highest inner product.';
comment on column recsys_engine.topics.size is 'How many posts it has, those included that not everybody may read; as of updated_at.';
comment on column recsys_engine.topics.demand is 'How many people a day interacted with its posts that any signed-in member may read in the last 28 days (as far back as the feature store has every state, where that is less), each once a day, authors with their own not counted.';
comment on column recsys_engine.topics.people is 'How many people interacted with these posts in that time, each once; users see recsys_engine.rounded_people_count() of it.';
comment on column recsys_engine.topics.supply is 'How many of these posts a day were written in the last 28 days.';
comment on column recsys_engine.topics.created_at is 'When it was first found.';
comment on column recsys_engine.topics.updated_at is 'When size, demand, people and supply were last counted.';

create function recsys_engine.anonymity_threshold() returns integer
language sql immutable security invoker set search_path = ''
return 10;
comment on function recsys_engine.anonymity_threshold() is 'The smallest number of people that answers tell users (k-anonymity).';

create function recsys_engine.rounded_people_count(p_people integer) returns integer
language sql immutable security invoker set search_path = ''
return nullif(p_people / recsys_engine.anonymity_threshold() * recsys_engine.anonymity_threshold(), 0);
comment on function recsys_engine.rounded_people_count(integer) is 'Rounds a number of people down to tens for users, so that one person more or less does not show. Null: fewer than recsys_engine.anonymity_threshold().';
revoke all on function recsys_engine.anonymity_threshold(), recsys_engine.rounded_people_count(integer) from public;
grant execute on function recsys_engine.anonymity_threshold(), recsys_engine.rounded_people_count(integer) to service_role;

create table recsys_engine.post_topics (
  post_id uuid primary key,
  -- no foreign key: a million rows are written at once, and what refers to a topic is written and removed with it, under one lock
  topic_id bigint not null,
  similarity real not null,
  assigned_at timestamptz not null default now()
);
comment on table recsys_engine.post_topics is 'The one topic of each post that has a vector. Read by the service alone: whether a post may be seen is not asked here.';
comment on column recsys_engine.post_topics.post_id is 'The post.';
comment on column recsys_engine.post_topics.topic_id is 'Its topic.';
comment on column recsys_engine.post_topics.similarity is 'Cosine of its vector with the topic''s centroid: how typical it is.';
comment on column recsys_engine.post_topics.assigned_at is 'When it joined, or was last looked at.';
create index post_topics_topic_id_idx on recsys_engine.post_topics (topic_id);

create table recsys_engine.topic_runs (
  run_id bigint primary key generated always as identity,
  model_id bigint not null,
  posts integer not null,
  topics integer not null,
  kept integer not null,
  took interval not null,
  finished_at timestamptz not null default now()
);
comment on table recsys_engine.topic_runs is 'When topics were made, and of which model''s vectors; the last one says whether they are those of the model that serves.';
comment on column recsys_engine.topic_runs.run_id is 'Ascending.';
comment on column recsys_engine.topic_runs.model_id is 'The model. No foreign key: the row outlives it.';
comment on column recsys_engine.topic_runs.posts is 'How many posts had a vector of it.';
comment on column recsys_engine.topic_runs.topics is 'How many topics were found.';
comment on column recsys_engine.topic_runs.kept is 'How many of them were there before.';
comment on column recsys_engine.topic_runs.took is 'From the first vector read to the last row written.';
comment on column recsys_engine.topic_runs.finished_at is 'When they took the place of the earlier ones.';

alter table recsys_engine.topics enable row level security;
alter table recsys_engine.post_topics enable row level security;
alter table recsys_engine.topic_runs enable row level security;
grant select, insert, update, delete on recsys_engine.topics, recsys_engine.post_topics, recsys_engine.topic_runs to service_role;

create function recsys_engine.assign_topics(p_model_id bigint, p_post_ids uuid[], p_vectors text[] default null) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  assigned integer;
begin
  -- while topics are being replaced, nothing waits: recsys_engine.refresh_topics() comes back to what lacks one
  if not recsys_engine.try_lock('topics', 'share') then
    return 0;
  end if;
  insert into recsys_engine.post_topics as joined (post_id, topic_id, similarity)
  select vectors.post_id, nearest.topic_id, nearest.similarity
  from (
    select given.post_id, given.vector::extensions.vector as vector from unnest(p_post_ids, p_vectors) as given (post_id, vector)
    where given.vector is not null
    union all
    select post_embeddings.post_id, post_embeddings.embedding from recsys.post_embeddings
    where p_vectors is null and post_embeddings.model_id = p_model_id and post_embeddings.post_id = any (p_post_ids)
  ) as vectors
  cross join lateral (
    select topics.topic_id, -(topics.centroid operator(extensions.<#>) vectors.vector) as similarity
    from recsys_engine.topics
    where topics.model_id = p_model_id
    order by topics.centroid operator(extensions.<#>) vectors.vector, topics.topic_id
    limit 1
  ) as nearest
  on conflict (post_id) do update set topic_id = excluded.topic_id, similarity = excluded.similarity, assigned_at = excluded.assigned_at;
  get diagnostics assigned = row_count;
  return assigned;
end
$$;
comment on function recsys_engine.assign_topics(bigint, uuid[], text[]) is
  'Joins posts to the topic with the nearest centroid, by the vectors that a model''s post tower gives for their text alone (p_vectors; null: by the served ones, which reflect readers as well), and returns how many. None where topics are of another model or are being replaced: they join afterwards.';
revoke all on function recsys_engine.assign_topics(bigint, uuid[], text[]) from public;
grant execute on function recsys_engine.assign_topics(bigint, uuid[], text[]) to service_role;
