-- What an experiment says, for people who need to know no statistics.

create function recsys_engine.check_split(p_experiment_id bigint, p_people recsys_engine.person_outcome[])
returns table (variant text, share numeric, people bigint, expected numeric, p double precision)
language sql stable security invoker set search_path = ''
as $$
  with counted as (
    select
      variants.place, variants.variant, variants.share, variants.share / sum(variants.share) over () as part,
      (select count(*) from unnest(p_people) as person where person.variant = variants.variant and person.metric = 'view') as people
    from recsys.experiment_variants as variants
    where variants.experiment_id = p_experiment_id
  ),
  compared as (
    select counted.*, counted.part * sum(counted.people) over () as expected, count(*) over () as variants from counted
  )
  select
    compared.variant, compared.share, compared.people, round(compared.expected, 1),
    recsys_engine.chi_square_p(coalesce(sum((compared.people - compared.expected) ^ 2 / nullif(compared.expected, 0)) over (), 0)::double precision, compared.variants::integer - 1)
  from compared
  order by compared.place
$$;
comment on function recsys_engine.check_split(bigint, recsys_engine.person_outcome[]) is 'What recsys_engine.experiment_split shows, of people who have been read already.';

create function recsys_engine.experiment_split(p_name text)
returns table (variant text, share numeric, people bigint, expected numeric, p double precision)
language sql stable security invoker set search_path = ''
as $$
  select split.*
  from recsys.experiments
  cross join lateral recsys_engine.check_split(
    experiments.experiment_id, array(select outcomes from recsys_engine.experiment_outcomes(experiments.experiment_id) as outcomes)
  ) as split
  where experiments.name = p_name
$$;
comment on function recsys_engine.experiment_split(text) is
  'Compares the number of people per variant with their shares; p: the chance of such a difference. Below 0.001 (a sample ratio mismatch) the experiment is faulty and its results mean nothing. No row: no such experiment.';

create function recsys_engine.percent_more(p_ratio double precision) returns text
language sql immutable security invoker
return case when p_ratio >= 1 then pg_catalog.to_char(100 * (p_ratio - 1), 'FM999990.0') || ' % more' else pg_catalog.to_char(100 * (1 - p_ratio), 'FM999990.0') || ' % fewer' end;
comment on function recsys_engine.percent_more(double precision) is 'A ratio in words: 1.5 is "50.0 % more".';

create function recsys_engine.enumerate_words(p_words text[]) returns text
language sql immutable security invoker
return pg_catalog.regexp_replace(pg_catalog.array_to_string(p_words, ', '), ', ([^,]*)$', ' and \1');
comment on function recsys_engine.enumerate_words(text[]) is 'Words, none of which has a comma, in a sentence: "views, votes and comments". Null for null.';

create function recsys.experiment_report(p_name text)
returns table (
  variant text, people_group text, metric text, people bigint, impressions bigint, acted bigint, rate double precision,
  ratio double precision, low double precision, high double precision, p double precision,
  always_low double precision, always_high double precision, always_p double precision, variance_left double precision, conclusion text
)
language plpgsql stable security invoker set search_path = ''
as $$
declare
  experiment record;
  control text;
  outcomes recsys_engine.person_outcome[];
  chance_of_split double precision;
begin
  select * into experiment from recsys.experiments where experiments.name = p_name;
  if not found then
    raise exception 'there is no experiment %', coalesce(p_name, '(null)') using errcode = 'no_data_found', hint = 'select name, started_at, ended_at from recsys.experiments';
  elsif experiment.kind = 'interleaving' then
    raise exception 'experiment % interleaves two models', p_name using errcode = 'object_not_in_prerequisite_state', hint = format('select * from recsys.interleaving_report(%L)', p_name);
  end if;
  select variants.variant into control from recsys.experiment_variants as variants where variants.experiment_id = experiment.experiment_id and variants.place = 1;
  outcomes := array(select person from recsys_engine.experiment_outcomes(experiment.experiment_id) as person);
  select min(split.p) into chance_of_split from recsys_engine.check_split(experiment.experiment_id, outcomes) as split;
  return query
  select
    effects.variant, effects.people_group, effects.metric, effects.people, effects.shown, effects.acted, effects.rate,
    effects.ratio, effects.low, effects.high, effects.p, effects.always_low, effects.always_high, effects.always_p, effects.variance_left,
    case
      when chance_of_split < 0.001 then 'not to be believed: the variants do not have the people that their shares should bring; see recsys_engine.experiment_split'
      when effects.variant = control then 'what the others are compared with'
      when effects.ratio is null then format('too early: 50 people and 25 %s are needed in this variant and in %s', recsys_engine.acts_of(effects.metric), control)
      when effects.always_low > 1 then format('more %s than %s%s: %s to %s', recsys_engine.acts_of(effects.metric), control, case when heads.is_loss then ', which is worse' else '' end, recsys_engine.percent_more(effects.always_low), recsys_engine.percent_more(effects.always_high))
      when effects.always_high < 1 then format('fewer %s than %s%s: %s to %s', recsys_engine.acts_of(effects.metric), control, case when heads.is_loss then ', which is better' else '' end, recsys_engine.percent_more(effects.always_high), recsys_engine.percent_more(effects.always_low))
      else format('no difference shown: anything from %s to %s %s is possible', recsys_engine.percent_more(effects.always_low), recsys_engine.percent_more(effects.always_high), recsys_engine.acts_of(effects.metric))
    end
  from recsys_engine.compare_variants(outcomes, control) as effects
  join recsys_engine.heads on heads.head = effects.metric
  join recsys.experiment_variants as variants on variants.experiment_id = experiment.experiment_id and variants.variant = effects.variant
  order by array_position(array['all', 'new', 'old'], effects.people_group), heads.place, variants.place;
end
$$;
comment on function recsys.experiment_report(text) is
  'The effect of each variant on views, votes, comments, dismissals and optional heads, for all, new (younger than 28 days) and old people. impressions: distinct posts; acted: within outcome_window; rate: acted / impressions; see recsys_engine.compare_variants. Raises if interleaved.';

create function recsys_engine.split_verdict(p_name text) returns table (variant text, verdict text)
language sql stable security invoker set search_path = ''
as $$
  with shown as (
    select
      report.variant,
      bool_or(report.conclusion like 'not to be believed%') as is_broken,
      recsys_engine.enumerate_words(array_agg(effect.words order by report.ordinality) filter (where effect.is_better)) as better,
      recsys_engine.enumerate_words(array_agg(effect.words order by report.ordinality) filter (where not effect.is_better)) as worse,
      recsys_engine.enumerate_words(array_agg(recsys_engine.acts_of(report.metric) order by report.ordinality) filter (where effect.is_better is null)) as undecided,
      string_agg(format('%s between %s and %s', recsys_engine.acts_of(report.metric), recsys_engine.percent_more(report.always_low), recsys_engine.percent_more(report.always_high)), ', ' order by report.ordinality)
        filter (where report.ratio is not null) as possible
    from recsys.experiment_report(p_name) with ordinality as report
    join recsys_engine.heads on heads.head = report.metric
    -- null: no difference is shown, or too little is known
    cross join lateral (
      select
        case when report.always_low > 1 then 'more ' else 'fewer ' end || recsys_engine.acts_of(report.metric) as words,
        case when report.always_low > 1 then not heads.is_loss when report.always_high < 1 then heads.is_loss end as is_better
    ) as effect
    where report.people_group = 'all'
    group by report.variant
  )
  select
    others.variant,
    case
      when shown.variant is null or control.variant is null then 'Nothing was shown in it yet whose time to be acted on is over. Look again later.'
      when shown.is_broken then 'Nothing can be concluded: the variants do not have the people that their shares should bring (select * from recsys_engine.experiment_split(name)), so some are lost on the way. Find out why, and start again under another name.'
      when shown.better is not null and shown.worse is not null then format('A trade: %s, but %s than %s. Which of them matters more is for you to say.', shown.better, shown.worse, first.variant)
      when shown.better is not null then format('Better: %s than %s%s. What it was served with may be given to everybody.', shown.better, first.variant, coalesce(', while no difference is shown in ' || shown.undecided, ''))
      when shown.worse is not null then format('Worse: %s than %s%s. It is not worth going on with.', shown.worse, first.variant, coalesce(', while no difference is shown in ' || shown.undecided, ''))
      when shown.possible is null then format('Too early: 50 people and 25 acts are needed in %s and in %s before anything can be said.', others.variant, first.variant)
      else format('Undecided. Possible is %s than %s. With four times as many people that is half as wide; where it is narrow enough not to matter, both are as good.', shown.possible, first.variant)
    end
  from recsys.experiments
  join recsys.experiment_variants as first on first.experiment_id = experiments.experiment_id and first.place = 1
  join recsys.experiment_variants as others on others.experiment_id = experiments.experiment_id and others.place > 1
  left join shown on shown.variant = others.variant
  left join shown as control on control.variant = first.variant
  where experiments.name = p_name
  order by others.place
$$;
comment on function recsys_engine.split_verdict(text) is 'What to conclude of each variant of an experiment that splits people. Part of recsys.experiment_verdict.';

create function recsys.experiment_verdict(p_name text) returns table (variant text, verdict text)
language plpgsql stable security invoker set search_path = ''
as $$
begin
  if (select experiments.kind from recsys.experiments where experiments.name = p_name) = 'interleaving' then
    return query select * from recsys_engine.interleaving_verdict(p_name);
  else
    return query select * from recsys_engine.split_verdict(p_name);
  end if;
end
$$;
comment on function recsys.experiment_verdict(text) is 'What to conclude of each variant of an experiment and what to do, in a sentence or two; it holds whenever one looks. The figures behind it are in recsys.experiment_report, or recsys.interleaving_report.';

revoke all on function recsys_engine.check_split(bigint, recsys_engine.person_outcome[]), recsys_engine.experiment_split(text), recsys_engine.percent_more(double precision), recsys_engine.enumerate_words(text[]), recsys.experiment_report(text), recsys_engine.split_verdict(text), recsys.experiment_verdict(text) from public;
grant execute on function recsys_engine.check_split(bigint, recsys_engine.person_outcome[]), recsys_engine.experiment_split(text), recsys_engine.percent_more(double precision), recsys_engine.enumerate_words(text[]), recsys.experiment_report(text), recsys_engine.split_verdict(text), recsys.experiment_verdict(text) to service_role;
