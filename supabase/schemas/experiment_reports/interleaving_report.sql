-- What an interleaving says, for people who need to know no statistics.

create function recsys.interleaving_report(p_name text)
returns table (
  metric text, first_model text, second_model text, people bigint, acting bigint, pages bigint, first_wins bigint, second_wins bigint,
  first_credit double precision, second_credit double precision, preference double precision, low double precision, high double precision, p double precision,
  always_low double precision, always_high double precision, always_p double precision, conclusion text
)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  experiment record;
begin
  select experiments.experiment_id, experiments.kind, coalesce(first.name, 'model ' || variants.model_id) as first_model, coalesce(second.name, 'model ' || variants.second_model_id) as second_model
  into experiment
  from recsys.experiments
  join recsys.experiment_variants as variants on variants.experiment_id = experiments.experiment_id and variants.place = 1
  left join recsys.models as first on first.model_id = variants.model_id
  left join recsys.models as second on second.model_id = variants.second_model_id
  where experiments.name = p_name;
  if not found then
    raise exception 'there is no experiment %', coalesce(p_name, '(null)') using errcode = 'no_data_found', hint = 'select name, started_at, ended_at from recsys.experiments';
  elsif experiment.kind <> 'interleaving' then
    raise exception 'experiment % splits people into variants', p_name using errcode = 'object_not_in_prerequisite_state', hint = format('select * from recsys.experiment_report(%L)', p_name);
  end if;
  return query
  select
    effects.metric, experiment.first_model, experiment.second_model, effects.people, effects.acting, effects.pages, effects.first_wins, effects.second_wins,
    effects.first_credit, effects.second_credit, effects.preference, effects.low, effects.high, effects.p, effects.always_low, effects.always_high, effects.always_p,
    case
      when effects.preference is null then format('too early: %s people acted, and 50 are needed who do not all do the same', effects.acting)
      when effects.always_low > 0 then format('%s is preferred: its picks get %s', experiment.second_model, recsys_engine.share_of_acts(effects.metric, effects.always_low, effects.always_high))
      when effects.always_high < 0 then format('%s is preferred: its picks get %s', experiment.first_model, recsys_engine.share_of_acts(effects.metric, -effects.always_high, -effects.always_low))
      else format('no preference shown: the picks of %s get anything from %s', experiment.second_model, recsys_engine.share_of_acts(effects.metric, effects.always_low, effects.always_high))
    end
  from recsys_engine.compare_teams(array(select person from recsys_engine.interleaving_credits(experiment.experiment_id) as person)) as effects
  order by array_position(array['score', 'view', 'vote', 'comment'], effects.metric);
end
$$;
comment on function recsys.interleaving_report(text) is
  'The preferred one of two interleaved models, by views, votes, comments and their weighted sum (score). pages: drafted by both; wins: pages won; credit: actions; see recsys_engine.compare_teams: above 0 is for the second. conclusion holds at any look. No row: no closed window. Raises for a split.';

create function recsys_engine.share_of_acts(p_metric text, p_from double precision, p_to double precision) returns text
language sql immutable security invoker
return pg_catalog.format('%s to %s %% of the %s', pg_catalog.to_char(50 * (1 + p_from), 'FM990.0'), pg_catalog.to_char(50 * (1 + p_to), 'FM990.0'), case p_metric when 'score' then 'weighted acts' else p_metric || 's' end);
comment on function recsys_engine.share_of_acts(text, double precision, double precision) is 'A preference from … to … in words: 0 and 0.1 of votes are "50.0 to 55.0 % of the votes".';

create function recsys_engine.interleaving_verdict(p_name text) returns table (variant text, verdict text)
language sql stable security invoker set search_path = ''
as $$
  with report as (
    select * from recsys.interleaving_report(p_name)
  ),
  heads as (
    select
      string_agg(report.metric || 's', ' and ' order by report.metric desc) filter (where report.always_low > 0) as to_second,
      string_agg(report.metric || 's', ' and ' order by report.metric desc) filter (where report.always_high < 0) as to_first
    from report
    where report.metric <> 'score'
  )
  select
    variants.variant,
    case
      when score.metric is null then 'Nothing was drafted yet whose time to be acted on is over. Look again later.'
      when score.always_low is null then 'Too early: 50 people who act are needed before anything can be said.'
      when score.always_low > 0 and heads.to_first is not null then format('A trade: %s is preferred by the weights in recsys.settings, but %s go to %s. Which of them matters more is for you to say.', score.second_model, heads.to_first, score.first_model)
      when score.always_high < 0 and heads.to_second is not null then format('A trade: %s is preferred by the weights in recsys.settings, but %s go to %s. Which of them matters more is for you to say.', score.first_model, heads.to_second, score.second_model)
      when score.always_low > 0 then format('Better: %s. How much more people do where it serves alone only an experiment that splits them says.', score.conclusion)
      when score.always_high < 0 then format('Worse: %s. %s is not worth going on with.', score.conclusion, score.second_model)
      else format('Undecided: %s. With four times as many people that is half as wide; where it is narrow enough not to matter, both are as good.', score.conclusion)
    end
  from recsys.experiments
  join recsys.experiment_variants as variants on variants.experiment_id = experiments.experiment_id and variants.place = 1
  cross join heads
  left join report as score on score.metric = 'score'
  where experiments.name = p_name
$$;
comment on function recsys_engine.interleaving_verdict(text) is 'What to conclude of an interleaving and what to do, in a sentence or two, by the metric score; it holds whenever one looks. Part of recsys.experiment_verdict.';

revoke all on function recsys.interleaving_report(text), recsys_engine.share_of_acts(text, double precision, double precision), recsys_engine.interleaving_verdict(text) from public;
grant execute on function recsys.interleaving_report(text), recsys_engine.share_of_acts(text, double precision, double precision), recsys_engine.interleaving_verdict(text) to service_role;
