import { id, type Question } from "../question.ts";

export const modelQuestions = {
  models: { sql: "select * from recsys.model_status order by model_id desc" },
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
