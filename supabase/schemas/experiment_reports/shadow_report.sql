-- A shadow compared with the model that served, on the posts that were shown: how alike their orders are, and whose probabilities fit better
-- what people then did.

create function recsys_engine.shadow_model_id(p_model text) returns bigint
language plpgsql stable security invoker set search_path = ''
as $$
declare
  -- a name may come again after its model was dropped
  found_id constant bigint := (select shadows.model_id from recsys.shadows where shadows.name = p_model order by shadows.shadow_id desc limit 1);
begin
  if found_id is null then
    raise exception 'there was no shadow of %', coalesce(p_model, '(null)') using errcode = 'no_data_found', hint = 'select name, started_at, ended_at from recsys.shadows; recsys.start_shadow(name, share)';
  end if;
  return found_id;
end
$$;
comment on function recsys_engine.shadow_model_id(text) is 'The model_id of the latest shadow by a model of that name. Raises P0002 where there was none.';

create function recsys_engine.shadow_outcomes(p_model_id bigint, p_from timestamptz, p_to timestamptz)
returns table (
  request_id uuid, user_id uuid, post_id uuid, shown_at timestamptz, score real, probabilities real[], served_score real, served_probabilities real[],
  propensity real, support real, expected real[], served_expected real[], weight_squared double precision, weight_cubed double precision, acted integer[]
)
language sql stable security invoker set search_path = ''
as $$
  select
    shown.request_id, shown.user_id, shown.post_id, shown.shown_at, shown.score, shown.probabilities, shown.served_score, shown.served_probabilities,
    shown.propensity, shown.support, shown.expected, shown.served_expected, shown.weight_squared, shown.weight_cubed,
    -- only what has had its time to be acted on
    case when shown.shown_at <= recsys.clock() - interval '1 day' then acted.times end
  from recsys_engine.shadow_impressions as shown
  -- a look-up for each post, three index scans whatever the planner thinks of their number: as a join it took 21 s for 5,984 posts of which the
  -- statistics did not know yet
  cross join lateral (
    select array[
      count(distinct interactions.kind) filter (where interactions.kind = 'view'), count(distinct interactions.kind) filter (where interactions.kind = 'vote'),
      count(distinct interactions.kind) filter (where interactions.kind = 'comment')
    ]::integer[] as times
    from recsys.source_interactions as interactions
    where interactions.user_id = shown.user_id and interactions.post_id = shown.post_id
      and interactions.created_at > shown.shown_at and interactions.created_at <= shown.shown_at + interval '1 day'
  ) as acted
  where shown.shadow_model_id = p_model_id and shown.shown_at >= p_from and shown.shown_at < p_to
$$;
comment on function recsys_engine.shadow_outcomes(bigint, timestamptz, timestamptz) is 'The rows of recsys_engine.shadow_impressions of a model from an instant on and before another, with what the user did with the post within a day of being shown it: 1 or 0 each for view, vote and comment; null while the day is not over.';

create function recsys.shadow_report(p_model text, p_from timestamptz default '-infinity', p_to timestamptz default 'infinity')
returns table (
  head text, requests bigint, posts bigint, rank_correlation double precision, mean_score double precision, served_mean_score double precision,
  judged bigint, acted bigint, log_loss double precision, served_log_loss double precision
)
language plpgsql stable security invoker set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with outcomes as materialized (
    select * from recsys_engine.shadow_outcomes(recsys_engine.shadow_model_id(p_model), p_from, p_to) as outcomes where outcomes.score is not null
  ),
  -- equals share the mean of their places
  ranked as (
    select
      outcomes.request_id,
      rank() over own_order + (count(*) over own_equals - 1) / 2.0 as own_rank,
      rank() over served_order + (count(*) over served_equals - 1) / 2.0 as served_rank
    from outcomes
    window
      own_order as (partition by outcomes.request_id order by outcomes.score),
      own_equals as (partition by outcomes.request_id, outcomes.score),
      served_order as (partition by outcomes.request_id order by outcomes.served_score),
      served_equals as (partition by outcomes.request_id, outcomes.served_score)
  ),
  correlations as (
    select corr(ranked.own_rank, ranked.served_rank) as correlation from ranked group by ranked.request_id
  ),
  totals as (
    select count(distinct outcomes.request_id) as requests, count(*) as posts, avg(outcomes.score::double precision) as score, avg(outcomes.served_score::double precision) as served_score
    from outcomes
  )
  select
    heads.head, totals.requests, totals.posts, (select avg(correlations.correlation) from correlations), totals.score, totals.served_score,
    count(outcomes.acted), coalesce(sum(outcomes.acted[heads.number]), 0),
    -- a probability of 0 or 1 that was wrong would be infinitely so
    -avg(case outcomes.acted[heads.number] when 1 then ln(greatest(own.p, 1e-7)) when 0 then ln(greatest(1 - own.p, 1e-7)) end),
    -avg(case outcomes.acted[heads.number] when 1 then ln(greatest(own.served_p, 1e-7)) when 0 then ln(greatest(1 - own.served_p, 1e-7)) end)
  from totals
  cross join (values (1, 'view'), (2, 'vote'), (3, 'comment')) as heads (number, head)
  left join outcomes on true
  left join lateral (
    select outcomes.probabilities[heads.number]::double precision as p, outcomes.served_probabilities[heads.number]::double precision as served_p
  ) as own on true
  group by heads.number, heads.head, totals.requests, totals.posts, totals.score, totals.served_score
  order by heads.number;
end
$$;
comment on function recsys.shadow_report(text, timestamptz, timestamptz) is
  'Compares a shadow with the serving model on posts shown in [p_from, p_to), by view, vote and comment. rank_correlation: Spearman, mean over feeds; judged: shown a day ago; acted: within a day; log_loss in nats (lower is better; null: none judged). Raises P0002: no such shadow.';

revoke all on function recsys_engine.shadow_model_id(text), recsys_engine.shadow_outcomes(bigint, timestamptz, timestamptz), recsys.shadow_report(text, timestamptz, timestamptz) from public;
grant execute on function recsys_engine.shadow_model_id(text), recsys_engine.shadow_outcomes(bigint, timestamptz, timestamptz), recsys.shadow_report(text, timestamptz, timestamptz) to service_role;
