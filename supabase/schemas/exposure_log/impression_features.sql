-- The features of an impression with their names, from the feature_spec of the model that ranked it.

create view recsys_engine.model_features with (security_invoker = true) as
select models.model_id, row_number() over (partition by models.model_id order by parts.place, names.place)::integer as number, parts.part, names.feature
from recsys.models
-- the order in which the ranker is told: loggedFeatures in functions/_shared/recommend/scoring/run-ranker.ts
cross join (values (1, 'user', 'user'), (2, 'post', 'post'), (3, 'pair', 'pair'), (4, 'category', 'categories')) as parts (place, part, listed_under)
cross join lateral (
  select listed.place, case jsonb_typeof(listed.name) when 'object' then listed.name ->> 'name' else listed.name #>> '{}' end as feature
  from jsonb_array_elements(models.feature_spec -> 'ranker' -> parts.listed_under) with ordinality as listed (name, place)
) as names;
comment on view recsys_engine.model_features is 'The ranker inputs of each model, in order, from its feature_spec.';
comment on column recsys_engine.model_features.model_id is 'The model.';
comment on column recsys_engine.model_features.number is 'Its place in recsys.impressions.features, from 1.';
comment on column recsys_engine.model_features.part is 'What it says something about: user, post, pair (the user and the post); or category, which is a row of an embedding table.';
comment on column recsys_engine.model_features.feature is 'Its name.';

create view recsys_engine.impression_features with (security_invoker = true) as
select
  impressions.request_id, impressions.user_id, impressions.post_id, impressions.shown_at, impressions.position, impressions.model_id,
  model_features.number, model_features.part, model_features.feature, impressions.features[model_features.number] as value
from recsys.impressions
join recsys_engine.model_features on model_features.model_id = impressions.model_id
where impressions.features is not null;
comment on view recsys_engine.impression_features is 'The ranker inputs of each post that was shown, one row a feature. None of a feed without a model, or of a model whose row is gone.';
comment on column recsys_engine.impression_features.request_id is 'The feed.';
comment on column recsys_engine.impression_features.user_id is 'Whom it was shown to.';
comment on column recsys_engine.impression_features.post_id is 'What was shown.';
comment on column recsys_engine.impression_features.shown_at is 'When, by the engine''s clock.';
comment on column recsys_engine.impression_features.position is 'Where in the feed, from 1.';
comment on column recsys_engine.impression_features.model_id is 'The model that ranked.';
comment on column recsys_engine.impression_features.number is 'The feature''s place in recsys.impressions.features, from 1.';
comment on column recsys_engine.impression_features.part is 'What it says something about: user, post, pair or category.';
comment on column recsys_engine.impression_features.feature is 'Its name.';
comment on column recsys_engine.impression_features.value is 'Its value: counts and times as log(1 + x), times in hours; of a category, the row of the embedding table.';
grant select on recsys_engine.model_features, recsys_engine.impression_features to service_role;
