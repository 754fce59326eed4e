-- What each person of an experiment was shown and did, before it and in it: all that its statistics are made of.

create type recsys_engine.person_outcome as (variant text, is_new boolean, metric text, shown integer, acted integer, shown_before integer, acted_before integer);
comment on type recsys_engine.person_outcome is 'One person and one metric (a head of recsys_engine.heads): how many posts they were shown, each once, and with how many they then did that, in the experiment and in the 28 days before it. is_new: they signed up less than 28 days before it.';

create function recsys_engine.experiment_outcomes(p_experiment_id bigint) returns setof recsys_engine.person_outcome
language sql stable security invoker set search_path = ''
as $$
  with experiment as (
    select experiments.*,
      -- only what has had its time to be acted on, or a late look would see better people than an early one
      least(experiments.ended_at, recsys.clock() - experiments.outcome_window) as counted_until,
      experiments.started_at - interval '28 days' as looked_at_from
    from recsys.experiments
    where experiments.experiment_id = p_experiment_id
  ),
  shown as (
    -- what is shown again is the same post to the same person
    select impressions.user_id, impressions.post_id, min(impressions.shown_at) as shown_at, min(named.variant) as variant
    from experiment
    join recsys_engine.recommended_impressions as impressions on impressions.shown_at >= experiment.counted_from and impressions.shown_at < experiment.counted_until
    cross join lateral (
      select variants.variant from recsys.experiment_variants as variants
      where variants.experiment_id = experiment.experiment_id
        and experiment.name || '/' || variants.variant = any (string_to_array(impressions.variant, ','))
    ) as named
    where impressions.variant is not null
    group by impressions.user_id, impressions.post_id
  ),
  people as (
    select shown.user_id, min(shown.variant) as variant, coalesce(users.created_at >= experiment.looked_at_from, false) as is_new
    from experiment
    cross join shown
    left join recsys.source_users as users on users.user_id = shown.user_id
    group by shown.user_id, users.created_at, experiment.looked_at_from
  ),
  shown_before as (
    select impressions.user_id, impressions.post_id, min(impressions.shown_at) as shown_at
    from experiment
    -- nothing that could have been acted on in the experiment
    join recsys_engine.recommended_impressions as impressions on impressions.shown_at >= experiment.looked_at_from and impressions.shown_at < experiment.started_at - experiment.outcome_window
    where impressions.user_id in (select people.user_id from people)
    group by impressions.user_id, impressions.post_id
  ),
  both_times as (
    select shown.user_id, shown.post_id, shown.shown_at, false as is_before from shown
    union all
    select shown_before.user_id, shown_before.post_id, shown_before.shown_at, true from shown_before
  ),
  acted as (
    select both_times.user_id, both_times.is_before, interactions.kind, count(distinct both_times.post_id) as posts
    from experiment
    cross join both_times
    join recsys.source_interactions as interactions
      on interactions.user_id = both_times.user_id and interactions.post_id = both_times.post_id
      and interactions.created_at > both_times.shown_at and interactions.created_at <= both_times.shown_at + experiment.outcome_window
    group by both_times.user_id, both_times.is_before, interactions.kind
  ),
  acted_optionally as (
    select both_times.user_id, both_times.is_before, acts.head, count(distinct both_times.post_id) as posts
    from experiment
    cross join both_times
    join recsys_engine.optional_head_events as acts
      on acts.user_id = both_times.user_id and acts.post_id = both_times.post_id
      and acts.created_at > both_times.shown_at and acts.created_at <= both_times.shown_at + experiment.outcome_window
    group by both_times.user_id, both_times.is_before, acts.head
  ),
  counts as (
    select acted.user_id, acted.is_before, acted.kind as metric, acted.posts from acted
    union all
    select acted_optionally.user_id, acted_optionally.is_before, acted_optionally.head, acted_optionally.posts from acted_optionally
  ),
  metrics as (
    select heads.head as metric from recsys_engine.heads
    -- an app without dismissals reads of none
    where heads.is_known and (heads.head <> 'dismiss' or exists (select from acted_optionally where acted_optionally.head = 'dismiss'))
  ),
  totals as (
    select both_times.user_id, count(*) filter (where not both_times.is_before) as shown, count(*) filter (where both_times.is_before) as shown_before
    from both_times
    group by both_times.user_id
  )
  select people.variant, people.is_new, metrics.metric, totals.shown::integer, coalesce(now.posts, 0)::integer, totals.shown_before::integer, coalesce(before.posts, 0)::integer
  from people
  join totals on totals.user_id = people.user_id
  cross join metrics
  left join counts as now on now.user_id = people.user_id and now.metric = metrics.metric and not now.is_before
  left join counts as before on before.user_id = people.user_id and before.metric = metrics.metric and before.is_before
$$;
comment on function recsys_engine.experiment_outcomes(bigint) is
  'One row per person shown anything in a counted experiment and per head: impressions and actions within outcome_window, now and in the 28 days before. Dismiss: where there is any, without mutes; other optional heads: where known (recsys_engine.heads). Skips posts with an open window.';

revoke all on function recsys_engine.experiment_outcomes(bigint) from public;
grant execute on function recsys_engine.experiment_outcomes(bigint) to service_role;
