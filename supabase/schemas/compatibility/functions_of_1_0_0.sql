-- Names that the Edge Functions of 1.0.0 call, so that deployed ones serve after the database is upgraded. No other code calls them; 2.0.0 removes
-- this file. recsys_engine.user_vectors stands in retrieval/second_model.sql, which an app may leave out.

create function recsys_engine.candidates(
  p_role text, p_user_id uuid, p_model_id bigint, p_embedding extensions.vector, p_now timestamptz, p_filter jsonb default null, p_seed bigint default null,
  p_served bigint[] default null, p_common uuid[] default null, p_common_at timestamptz default null, p_is_few boolean default null, p_given uuid[] default null
) returns json
language sql stable set search_path = '' begin atomic
  select recsys_engine.feed_candidates(jsonb_build_object('role', p_role, 'user_id', p_user_id, 'model_id', p_model_id, 'embedding', p_embedding::text, 'at', 1000 * date_part('epoch', p_now), 'filter', p_filter, 'seed', p_seed,
    'served', p_served, 'global_ids', p_common, 'global_at', 1000 * date_part('epoch', p_common_at), 'has_small_readable_set', p_is_few, 'requested', p_given));
end;
comment on function recsys_engine.candidates(text, uuid, bigint, extensions.vector, timestamptz, jsonb, bigint, bigint[], uuid[], timestamptz, boolean, uuid[]) is 'recsys_engine.feed_candidates, for functions of 1.0.0.';

create function recsys_engine.common_posts(p_now timestamptz default recsys.clock()) returns json
language sql stable set search_path = '' return recsys_engine.global_candidates(p_now);
comment on function recsys_engine.common_posts(timestamptz) is 'recsys_engine.global_candidates, for functions of 1.0.0.';

create function recsys_engine.known_posts(p_model_id bigint, p_post_ids uuid[], p_now timestamptz default recsys.clock()) returns json
language sql stable set search_path = '' return recsys_engine.post_snapshots(p_model_id, p_post_ids, p_now);
comment on function recsys_engine.known_posts(bigint, uuid[], timestamptz) is 'recsys_engine.post_snapshots, for functions of 1.0.0.';

create function recsys_engine.with_pool(
  p_request recsys_engine.feed_request, p_model_id bigint, p_embedding extensions.vector, p_may_be_few boolean default true, p_share double precision default null
) returns recsys_engine.feed_request
language sql stable set search_path = '' return recsys_engine.with_prefiltered_pool(p_request, p_model_id, p_embedding, p_may_be_few, p_share);
comment on function recsys_engine.with_pool(recsys_engine.feed_request, bigint, extensions.vector, boolean, double precision) is 'recsys_engine.with_prefiltered_pool, for functions of 1.0.0.';

create function recsys_engine.common_sources(p_request recsys_engine.feed_request, p_extent text)
returns table (source text, size integer, kept integer, post_id uuid, author_id uuid, rank bigint, place bigint)
language sql stable set search_path = '' begin atomic
  select * from recsys_engine.global_sources(p_request, p_extent);
end;
comment on function recsys_engine.common_sources(recsys_engine.feed_request, text) is 'recsys_engine.global_sources, for functions of 1.0.0.';

create function recsys_engine.given_posts(p_user_id uuid, p_given uuid[], p_filter jsonb default null, p_seed bigint default null)
returns table (now timestamptz, post_id uuid, title text, served_key bigint)
language sql stable set search_path = '' begin atomic
  select * from recsys_engine.requested_posts(p_user_id, p_given, p_filter, p_seed);
end;
comment on function recsys_engine.given_posts(uuid, uuid[], jsonb, bigint) is 'recsys_engine.requested_posts, for functions of 1.0.0.';

create function recsys_engine.new_posts(p_user_id uuid, p_since timestamptz, p_filter jsonb default null, p_most integer default 100) returns integer
language sql stable set search_path = '' return recsys_engine.count_new_posts(p_user_id, p_since, p_filter, p_most);
comment on function recsys_engine.new_posts(uuid, timestamptz, jsonb, integer) is 'recsys_engine.count_new_posts, for functions of 1.0.0.';

create function recsys_engine.posts_like(p_post_id uuid, p_limit integer) returns table (is_known boolean, model_id bigint, model_name text, items json)
language sql stable set search_path = '' begin atomic
  select * from recsys_engine.similar_posts_for_caller(p_post_id, p_limit);
end;
comment on function recsys_engine.posts_like(uuid, integer) is 'recsys_engine.similar_posts_for_caller, for functions of 1.0.0.';

create function recsys_engine.people_near(p_claims jsonb, p_limit integer) returns table (is_known boolean, model_id bigint, model_name text, items json)
language sql set search_path = '' begin atomic
  select * from recsys_engine.similar_people_for_caller(p_claims, p_limit);
end;
comment on function recsys_engine.people_near(jsonb, integer) is 'recsys_engine.similar_people_for_caller, for functions of 1.0.0.';

create function recsys_engine.take_request(p_user_id uuid) returns double precision
language sql set search_path = '' return recsys_engine.consume_rate_limit(p_user_id);
comment on function recsys_engine.take_request(uuid) is 'recsys_engine.consume_rate_limit, for functions of 1.0.0.';

create function recsys_engine.trial_age() returns interval
language sql immutable set search_path = '' return recsys_engine.exploration_max_age();
comment on function recsys_engine.trial_age() is 'recsys_engine.exploration_max_age, for functions of 1.0.0.';

create view recsys_engine.impersonal_people with (security_invoker = true) as
select personalization_opt_outs.user_id from recsys_engine.personalization_opt_outs;
comment on view recsys_engine.impersonal_people is 'recsys_engine.personalization_opt_outs, for functions of 1.0.0.';
comment on column recsys_engine.impersonal_people.user_id is 'Who.';

create view recsys_engine.tried_models with (security_invoker = true) as
select models_under_test.model_id from recsys_engine.models_under_test;
comment on view recsys_engine.tried_models is 'recsys_engine.models_under_test, for functions of 1.0.0.';
comment on column recsys_engine.tried_models.model_id is 'The model.';

create view recsys_engine.trials with (security_invoker = true) as
select exploration_stats.post_id, exploration_stats.created_at, exploration_stats.impressions, exploration_stats.acted from recsys_engine.exploration_stats;
comment on view recsys_engine.trials is 'recsys_engine.exploration_stats, for functions of 1.0.0.';
comment on column recsys_engine.trials.post_id is 'The post.';
comment on column recsys_engine.trials.created_at is 'When it was created.';
comment on column recsys_engine.trials.impressions is 'To how many people it was shown.';
comment on column recsys_engine.trials.acted is 'How many of them interacted with it.';

-- functions of 1.0.0 insert here, on conflict do nothing
create view recsys_engine.trial_impressions with (security_invoker = true) as
select exploration_impressions.post_id, exploration_impressions.user_id, exploration_impressions.shown_at, exploration_impressions.acted
from recsys_engine.exploration_impressions;
comment on view recsys_engine.trial_impressions is 'recsys_engine.exploration_impressions, for functions of 1.0.0.';
comment on column recsys_engine.trial_impressions.post_id is 'The post.';
comment on column recsys_engine.trial_impressions.user_id is 'Who saw it.';
comment on column recsys_engine.trial_impressions.shown_at is 'When it was first shown to them.';
comment on column recsys_engine.trial_impressions.acted is 'Whether they interacted with it.';

grant select on recsys_engine.impersonal_people, recsys_engine.tried_models, recsys_engine.trials to service_role;
grant select, insert on recsys_engine.trial_impressions to service_role;
revoke all on function
  recsys_engine.candidates(text, uuid, bigint, extensions.vector, timestamptz, jsonb, bigint, bigint[], uuid[], timestamptz, boolean, uuid[]), recsys_engine.common_posts(timestamptz),
  recsys_engine.known_posts(bigint, uuid[], timestamptz), recsys_engine.with_pool(recsys_engine.feed_request, bigint, extensions.vector, boolean, double precision),
  recsys_engine.common_sources(recsys_engine.feed_request, text), recsys_engine.given_posts(uuid, uuid[], jsonb, bigint), recsys_engine.new_posts(uuid, timestamptz, jsonb, integer),
  recsys_engine.posts_like(uuid, integer), recsys_engine.people_near(jsonb, integer), recsys_engine.take_request(uuid),
  recsys_engine.trial_age()
from public;
grant execute on function
  recsys_engine.with_pool(recsys_engine.feed_request, bigint, extensions.vector, boolean, double precision), recsys_engine.common_sources(recsys_engine.feed_request, text),
  recsys_engine.given_posts(uuid, uuid[], jsonb, bigint), recsys_engine.new_posts(uuid, timestamptz, jsonb, integer),
  recsys_engine.posts_like(uuid, integer)
to authenticated, service_role;
grant execute on function
  recsys_engine.candidates(text, uuid, bigint, extensions.vector, timestamptz, jsonb, bigint, bigint[], uuid[], timestamptz, boolean, uuid[]), recsys_engine.common_posts(timestamptz),
  recsys_engine.known_posts(bigint, uuid[], timestamptz), recsys_engine.people_near(jsonb, integer), recsys_engine.take_request(uuid), recsys_engine.trial_age()
to service_role;
-- visitors, as in visitors/visitors.sql
grant execute on function
  recsys_engine.with_pool(recsys_engine.feed_request, bigint, extensions.vector, boolean, double precision), recsys_engine.common_sources(recsys_engine.feed_request, text),
  recsys_engine.given_posts(uuid, uuid[], jsonb, bigint), recsys_engine.new_posts(uuid, timestamptz, jsonb, integer)
to anon;
