-- What each person of an interleaving did with the picks of its two teams, and the statistics of it. As in experiments that split people, the
-- person is the unit: what one person does on ten pages is not ten independent trials.

create type recsys_engine.person_credit as (
  metric text, pages integer, first_wins integer, second_wins integer, first_credit double precision, second_credit double precision
);
comment on type recsys_engine.person_credit is
  'One person and metric: drafted pages, pages won by the first and by the second team, and credit of each: posts viewed, voted for or commented on; of the metric score, their sum weighted as in recsys.settings. Without dismissals and long views.';

create function recsys_engine.interleaving_credits(p_experiment_id bigint) returns setof recsys_engine.person_credit
language sql stable security invoker set search_path = ''
as $$
  with experiment as (
    select experiments.*, experiments.name || '/' || variants.variant as label, least(experiments.ended_at, recsys.clock() - experiments.outcome_window) as counted_until
    from recsys.experiments
    join recsys.experiment_variants as variants on variants.experiment_id = experiments.experiment_id and variants.second_model_id is not null
    where experiments.experiment_id = p_experiment_id
  ),
  shown as (
    select
      impressions.request_id, impressions.user_id, impressions.post_id, impressions.shown_at, impressions.team,
      -- an act is the doing of the page that showed the post last: on the one before, it may have been another team's
      lead(impressions.shown_at, 1, 'infinity') over (partition by impressions.user_id, impressions.post_id order by impressions.shown_at, impressions.request_id) as shown_again_at
    from experiment
    join recsys.impressions on impressions.shown_at >= experiment.counted_from and experiment.label = any (string_to_array(impressions.variant, ','))
    where impressions.variant is not null
  ),
  picks as (
    select shown.* from experiment join shown on shown.shown_at < experiment.counted_until and shown.team is not null
  ),
  pages as (
    select picks.user_id, picks.request_id from picks group by picks.user_id, picks.request_id
  ),
  acted as (
    select distinct picks.request_id, picks.team, picks.post_id, interactions.kind
    from experiment
    cross join picks
    join recsys.source_interactions as interactions
      on interactions.user_id = picks.user_id and interactions.post_id = picks.post_id
      and interactions.created_at > picks.shown_at and interactions.created_at <= picks.shown_at + experiment.outcome_window
      and interactions.created_at <= picks.shown_again_at
  ),
  weighed as (
    select kinds.kind, kinds.metric, kinds.credit
    from recsys.settings
    cross join lateral (
      values
        ('view', 'view', 1::double precision), ('vote', 'vote', 1), ('comment', 'comment', 1),
        ('view', 'score', settings.view_weight::numeric), ('vote', 'score', settings.vote_weight::numeric), ('comment', 'score', settings.comment_weight::numeric)
    ) as kinds (kind, metric, credit)
  ),
  credits as (
    select acted.request_id, weighed.metric, coalesce(sum(weighed.credit) filter (where acted.team = 1), 0) as first, coalesce(sum(weighed.credit) filter (where acted.team = 2), 0) as second
    from acted
    join weighed on weighed.kind = acted.kind
    group by acted.request_id, weighed.metric
  )
  select
    metrics.metric, count(*)::integer,
    -- sums of weights, whose last digit hangs on their order
    (count(*) filter (where credits.first - credits.second > 1e-9))::integer, (count(*) filter (where credits.second - credits.first > 1e-9))::integer,
    coalesce(sum(credits.first), 0), coalesce(sum(credits.second), 0)
  from pages
  cross join (values ('score'), ('view'), ('vote'), ('comment')) as metrics (metric)
  left join credits on credits.request_id = pages.request_id and credits.metric = metrics.metric
  group by pages.user_id, metrics.metric
$$;
comment on function recsys_engine.interleaving_credits(bigint) is
  'Four rows for each person shown a drafted page of a counted experiment, by request_id: their actions within outcome_window on each team''s picks. An action counts for the page that showed the post last before it. Skips open windows and places of no team.';

create function recsys_engine.compare_teams(p_people recsys_engine.person_credit[], p_alpha double precision default 0.05)
returns table (
  metric text, people bigint, acting bigint, pages bigint, first_wins bigint, second_wins bigint, first_credit double precision, second_credit double precision,
  preference double precision, low double precision, high double precision, p double precision,
  always_low double precision, always_high double precision, always_p double precision
)
language sql immutable security invoker set search_path = ''
as $$
  with totals as (
    select
      person.metric, count(*) as people, count(*) filter (where person.first_credit + person.second_credit > 0) as acting, sum(person.pages) as pages,
      sum(person.first_wins) as first_wins, sum(person.second_wins) as second_wins, sum(person.first_credit) as first_credit, sum(person.second_credit) as second_credit,
      sum(person.second_credit - person.first_credit) / nullif(sum(person.second_credit + person.first_credit), 0) as preference
    from unnest(p_people) as person
    group by person.metric
  ),
  -- the preference without each person
  left_out as (
    select
      totals.metric,
      (totals.second_credit - totals.first_credit - (person.second_credit - person.first_credit))
        / (totals.second_credit + totals.first_credit - (person.second_credit + person.first_credit)) as preference
    from totals
    join unnest(p_people) as person on person.metric = totals.metric
    -- below this the sums are not normal enough for any interval
    where totals.acting >= 50
  ),
  -- the jackknife (Miller, "The Jackknife: A Review", 1974): for so many people what the delta method gives, but that leaves no doubt at all
  -- where one person does more than all others together
  estimates as (
    select totals.metric, totals.preference, totals.people, (count(*) - 1) * var_pop(left_out.preference) as variance
    from totals
    join left_out using (metric)
    group by totals.metric, totals.preference, totals.people
  )
  select
    totals.metric, totals.people, totals.acting, totals.pages, totals.first_wins, totals.second_wins, totals.first_credit, totals.second_credit,
    estimates.preference,
    bounds.low, bounds.high,
    erfc(abs(estimates.preference) / sqrt(2 * estimates.variance)),
    bounds.always_low, bounds.always_high,
    case when estimates.variance is not null then least(1, sqrt((estimates.variance + 0.0025) / estimates.variance) * exp(greatest(-700, -0.0025 * estimates.preference ^ 2 / (2 * estimates.variance * (estimates.variance + 0.0025))))) end
  from totals
  left join estimates on estimates.metric = totals.metric and estimates.variance > 0
  -- the test of recsys_engine.compare_variants; its mixture has a deviation of 0.05: models whose rates differ by 3 to 10 % had preferences
  -- of 0.025 to 0.07 in simulations
  cross join lateral (
    select sqrt(2 * estimates.variance * (estimates.variance + 0.0025) / 0.0025 * ln(sqrt((estimates.variance + 0.0025) / estimates.variance) / p_alpha)) as width
  ) as always
  left join lateral (
    select
      greatest(-1, estimates.preference - 1.959963984540054 * sqrt(estimates.variance)) as low,
      least(1, estimates.preference + 1.959963984540054 * sqrt(estimates.variance)) as high,
      greatest(-1, estimates.preference - always.width) as always_low,
      least(1, estimates.preference + always.width) as always_high
  ) as bounds on estimates.preference is not null
$$;
comment on function recsys_engine.compare_teams(recsys_engine.person_credit[], double precision) is
  'By metric: the preference for the second team, (second_credit - first_credit) / (second_credit + first_credit), from -1 to 1, with 95 % intervals for one planned day (low, high, p) and for all days (always_low, always_high at p_alpha; always_p). acting: people with an action. Null: below 50.';

revoke all on function recsys_engine.interleaving_credits(bigint), recsys_engine.compare_teams(recsys_engine.person_credit[], double precision) from public;
grant execute on function recsys_engine.interleaving_credits(bigint), recsys_engine.compare_teams(recsys_engine.person_credit[], double precision) to service_role;
