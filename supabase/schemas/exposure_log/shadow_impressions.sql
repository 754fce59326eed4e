-- What shadows said of the posts that were shown, to go with recsys.impressions. Lists of three are of view, vote and comment.

create table recsys_engine.shadow_impressions (
  request_id uuid not null,
  post_id uuid not null,
  shadow_model_id bigint not null,
  user_id uuid not null,
  shown_at timestamptz not null,
  score real,
  probabilities real[] check (cardinality(probabilities) = 3),
  served_score real not null,
  served_probabilities real[] not null check (cardinality(served_probabilities) = 3),
  propensity real check (propensity between 0 and 1),
  support real check (support between 0 and 1.0001),
  expected real[] check (cardinality(expected) = 3),
  served_expected real[] check (cardinality(served_expected) = 3),
  weight_squared double precision check (weight_squared >= 0),
  weight_cubed double precision check (weight_cubed >= 0),
  primary key (request_id, post_id),
  check (num_nulls(support, expected, served_expected, weight_squared, weight_cubed) in (0, 5))
);
comment on table recsys_engine.shadow_impressions is
  'One row per post of a feed that a shadow scored: scores of shadow and served model, and the place in the shadow''s page. Kept as long as recsys.impressions, without people who reached settings.impressions_per_day.';
comment on column recsys_engine.shadow_impressions.request_id is 'The feed, as in recsys.impressions.';
comment on column recsys_engine.shadow_impressions.post_id is 'What was shown.';
comment on column recsys_engine.shadow_impressions.shadow_model_id is 'The model of the shadow.';
comment on column recsys_engine.shadow_impressions.user_id is 'Whom it was shown to.';
comment on column recsys_engine.shadow_impressions.shown_at is 'When, as in recsys.impressions.';
comment on column recsys_engine.shadow_impressions.score is 'What the post is worth to the user by the shadow; null: it cannot rank it.';
comment on column recsys_engine.shadow_impressions.probabilities is 'That the user views, votes for and comments on it, by the shadow.';
comment on column recsys_engine.shadow_impressions.served_score is 'Its score by the model that ranked the feed.';
comment on column recsys_engine.shadow_impressions.served_probabilities is 'The same three by that model.';
comment on column recsys_engine.shadow_impressions.propensity is 'The chance with which the shadow, under the same rules, would have given the place to this post, below the same posts: of a place that was not drawn 1 or 0. Null: a place of exploration.';
comment on column recsys_engine.shadow_impressions.support is 'Of a drawn place: the chance with which the shadow would have drawn one of the posts that could be drawn there. Null: it was not drawn.';
comment on column recsys_engine.shadow_impressions.expected is
  'Of a drawn place: the three probabilities, by the model that ranked the feed, for the shadow''s draw, in the mean over its chances.';
comment on column recsys_engine.shadow_impressions.served_expected is 'Of a drawn place: the same in the mean over the chances with which it was drawn.';
comment on column recsys_engine.shadow_impressions.weight_squared is 'Of a drawn place: the square of the weight, which is the shadow''s chance of a post through that by which it was drawn, in the mean over what could be drawn.';
comment on column recsys_engine.shadow_impressions.weight_cubed is 'Of a drawn place: the same of its third power.';
create index shadow_impressions_model_shown_at_idx on recsys_engine.shadow_impressions (shadow_model_id, shown_at);
-- a deleted post or user is erased from here too
create index shadow_impressions_post_id_idx on recsys_engine.shadow_impressions (post_id);
create index shadow_impressions_user_id_idx on recsys_engine.shadow_impressions (user_id);
create index shadow_impressions_shown_at_idx on recsys_engine.shadow_impressions using brin (shown_at);
alter table recsys_engine.shadow_impressions enable row level security;
grant select, insert, update, delete on recsys_engine.shadow_impressions to service_role;

create function recsys_engine.purge_shadow_impressions() returns bigint
language sql volatile security invoker set search_path = ''
as $$
  with purged as (
    delete from recsys_engine.shadow_impressions
    where shadow_impressions.shown_at < recsys.clock() - (select settings.impressions_kept from recsys.settings)
    returning 1
  )
  select count(*) from purged
$$;
comment on function recsys_engine.purge_shadow_impressions() is 'Deletes what shadows said of impressions that are older than settings.impressions_kept, and returns of how many.';
revoke all on function recsys_engine.purge_shadow_impressions() from public;
select recsys_engine.schedule('recsys purge of shadows', '52 3 * * *', 'select recsys_engine.purge_shadow_impressions()');
