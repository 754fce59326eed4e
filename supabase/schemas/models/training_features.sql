-- How each feature is distributed in what a model's ranker was trained on, so that what it is told in serving can be held against it.

create table recsys_engine.training_features (
  model_id bigint not null references recsys.models (model_id) on delete cascade,
  number integer not null check (number >= 1),
  feature text not null,
  edges real[] not null check (cardinality(edges) >= 1),
  shares real[] not null,
  primary key (model_id, number),
  check (cardinality(shares) = cardinality(edges) + 1)
);
comment on table recsys_engine.training_features is 'Tenths of each feature over what a model''s ranker was trained on: of each request the ten candidates that it ranks first, as in a feed. Some 10 KB a model, and gone with it. None of a model that learned from fewer than 200 requests.';
comment on column recsys_engine.training_features.model_id is 'The model. One that went on from another with fewer than 200 requests has those of that one.';
comment on column recsys_engine.training_features.number is 'The feature''s place in recsys.impressions.features, from 1.';
comment on column recsys_engine.training_features.feature is 'Its name.';
comment on column recsys_engine.training_features.edges is 'Where one bin ends and the next begins, ascending; the first and the last bin are open. Fewer than nine where many values are alike.';
comment on column recsys_engine.training_features.shares is 'How much of the training set is in each bin.';
alter table recsys_engine.training_features enable row level security;
grant select, insert, update, delete on recsys_engine.training_features to service_role;
