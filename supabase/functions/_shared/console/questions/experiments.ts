import { name, type Question } from "../question.ts";

export const experimentQuestions = {
  experiments: {
    sql: `
select experiments.name, experiments.kind, experiments.started_at, experiments.ended_at, experiments.end_reason,
  string_agg(format('%s %s %%', variants.variant, round(100 * variants.share, 1)), ', ' order by variants.place) as variants
from recsys.experiments
join recsys.experiment_variants as variants on variants.experiment_id = experiments.experiment_id
group by experiments.experiment_id
order by experiments.started_at desc
limit 50`,
  },
  experiment_report: {
    sql: "select * from recsys.experiment_report($1::text)",
    parameters: { name },
  },
  interleaving_report: {
    sql: "select * from recsys.interleaving_report($1::text)",
    parameters: { name },
  },
} satisfies Record<string, Question>;
