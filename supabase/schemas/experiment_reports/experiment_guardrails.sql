-- A variant that drives people away, or shows them what they do not want, ends its experiment by itself.

create function recsys_engine.stop_harmful_experiments() returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  experiment record;
  harm record;
  -- also without any dismissals: a number that grew with the first one would be wrong more often than 5 % together
  metrics constant integer := (select count(*)::integer from recsys_engine.heads where heads.is_known);
  names text[] := '{}'::text[];
  reasons text[] := '{}'::text[];
begin
  for experiment in
    select experiments.experiment_id, experiments.name, experiments.max_loss, first.variant as control,
      (select count(*) - 1 from recsys.experiment_variants as variants where variants.experiment_id = experiments.experiment_id) as others
    from recsys.experiments
    join recsys.experiment_variants as first on first.experiment_id = experiments.experiment_id and first.place = 1
    where experiments.ended_at is null and experiments.max_loss < 1 and experiments.kind = 'split'
    order by experiments.experiment_id
  loop
    -- 5 % for all variants and metrics together, on all days together
    select effects.variant, effects.metric, at_best.ratio into harm
    from recsys_engine.compare_variants(
      array(select outcomes from recsys_engine.experiment_outcomes(experiment.experiment_id) as outcomes), experiment.control, 0.05 / (metrics * experiment.others)
    ) as effects
    join recsys_engine.heads on heads.head = effects.metric
    cross join lateral (select case when heads.is_loss then effects.always_low else effects.always_high end as ratio) as at_best
    where effects.people_group = 'all'
      and case when heads.is_loss then at_best.ratio > 1 + experiment.max_loss else at_best.ratio < 1 - experiment.max_loss end
    order by case when heads.is_loss then 1 / at_best.ratio else at_best.ratio end, effects.variant
    limit 1;
    if found then
      names := names || experiment.name;
      reasons := reasons || format('guardrail: %s has at least %s %s than %s', harm.variant, recsys_engine.percent_more(harm.ratio), recsys_engine.acts_of(harm.metric), experiment.control);
    end if;
  end loop;
  for experiment in
    select experiments.experiment_id, experiments.name, experiments.max_loss, models.name as second_model
    from recsys.experiments
    join recsys.experiment_variants as variants on variants.experiment_id = experiments.experiment_id and variants.place = 1
    left join recsys.models on models.model_id = variants.second_model_id
    where experiments.ended_at is null and experiments.max_loss < 1 and experiments.kind = 'interleaving'
    order by experiments.experiment_id
  loop
    select effects.metric, effects.always_high into harm
    from recsys_engine.compare_teams(array(select credits from recsys_engine.interleaving_credits(experiment.experiment_id) as credits), 0.05 / 3) as effects
    -- the second team's credit is less than 1 - max_loss of the first's
    where effects.metric <> 'score' and effects.always_high < -experiment.max_loss / (2 - experiment.max_loss)
    order by effects.always_high, effects.metric
    limit 1;
    if found then
      names := names || experiment.name;
      reasons := reasons || format('guardrail: the picks of %s get at most %s %% of the %ss', experiment.second_model, to_char(50 * (1 + harm.always_high), 'FM990.0'), harm.metric);
    end if;
  end loop;
  -- at the end, since this takes the lock of model switches, and some may have been stopped by hand meanwhile
  perform recsys.stop_experiment(harmful.name, harmful.reason)
  from unnest(names, reasons) as harmful (name, reason)
  join recsys.experiments on experiments.name = harmful.name and experiments.ended_at is null;
  return cardinality(names);
end
$$;
comment on function recsys_engine.stop_harmful_experiments() is
  'Stops experiments in which a variant has surely lost more than max_loss of views, votes, comments or long views, has surely more dismissals, or whose second interleaved model gets fewer picks; returns how many. Stops 5 of 100 harmless ones at most. end_reason tells why.';
revoke all on function recsys_engine.stop_harmful_experiments() from public;
grant execute on function recsys_engine.stop_harmful_experiments() to service_role;

select recsys_engine.schedule('recsys experiment guardrails', '*/15 * * * *', 'select recsys_engine.stop_harmful_experiments()');
