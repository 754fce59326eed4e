import { id, type Question } from "../question.ts";

export const modelQuestions = {
  models: { sql: "select * from recsys.model_status order by model_id desc" },
  // as `recsys train` printed it; the model's towers as they were before they learned from these requests
  training: {
    sql: `
select models.name, held_out.metric, (models.metrics #>> '{held_out,requests}')::integer as requests,
  case (models.metrics #>> '{held_out,before_learning}')::boolean when true then 'new, before it learned from them' when false then 'held out' end as which,
  (held_out.figures ->> 'model')::double precision as model, (held_out.figures ->> 'baseline')::double precision as recency_baseline,
  (held_out.figures ->> 'difference')::double precision as difference, (held_out.figures ->> 'standard_error')::double precision as standard_error,
  (models.gate #>> '{parity,largest_difference}')::double precision as runtimes_differ_by,
  models.gate #>> '{comparison,skipped}' as gate_compared_it_with_none_since
from recsys.models
left join lateral jsonb_each(nullif(models.metrics #> '{held_out,metrics}', 'null')) as held_out (metric, figures) on true
order by models.model_id desc, held_out.metric
limit 50`,
  },
  activations: {
    sql: `
select name, reason, activated_at, activated_by, ended_at
from recsys.model_activations
order by activation_id desc
limit 20`,
  },
  // whoever saw another model serve is told, and nothing is switched
  activate: {
    sql: "select recsys.activate_model($1::bigint, p_instead_of => $2::bigint)",
    parameters: { model_id: id, instead_of: id },
    changes: true,
  },
  // the model that is not to serve any more; the one before it does
  rollback: {
    sql: "select recsys.rollback_model($1::bigint) as model_id",
    parameters: { model_id: id },
    changes: true,
  },
} satisfies Record<string, Question>;
