/** All questions that a console may ask the database: one statement each, which the page shows for copying. */
import * as z from "zod";

export interface Question {
  /** The statement; $1, $2 … are the `parameters` in order. */
  sql: string;
  /** Parameters by name in the request; each is sent as text, so the statement casts it. */
  parameters?: Record<string, z.ZodType<string | number>>;
  /** Whether it writes, so its transaction must not be read-only. */
  changes?: true;
}

const id = z.int().min(1);
export const uuid = z.guid();
const name = z.string().min(1).max(200);
const days = z.int().min(1).max(730);

/** The statement with its parameters filled in, for psql. */
export function filledSql({ sql }: Question, values: (string | number)[]): string {
  return sql.trim().replace(/\$(\d+)/g, (_, place) => {
    const value = values[Number(place) - 1];
    return typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
  });
}

const modelQuestions = {
  models: { sql: "select * from recsys.model_status order by model_id desc" },
  // as printed by `recsys train`; of a new model: its towers from before they were trained on these requests
  training: {
    sql: `
select models.name, held_out.metric, (models.metrics #>> '{held_out,requests}')::integer as requests,
  case (models.metrics #>> '{held_out,before_learning}')::boolean when true then 'new, before it learned from them' when false then 'held out' end as which,
  (held_out.figures ->> 'model')::double precision as model, (held_out.figures ->> 'baseline')::double precision as recency_baseline,
  (held_out.figures ->> 'difference')::double precision as difference, (held_out.figures ->> 'standard_error')::double precision as standard_error,
  (models.gate #>> '{parity,largest_difference}')::double precision as runtimes_differ_by,
  models.gate #>> '{comparison,skipped}' as gate_skipped_comparison_because
from recsys.models
left join lateral jsonb_each(nullif(models.metrics #> '{held_out,metrics}', 'null')) as held_out (metric, figures) on true
order by models.model_id desc, held_out.metric
limit 50`,
  },
  activations: {
    sql: `
select name, reason, activated_at, activated_by, ended_at
from recsys_engine.model_activations
order by activation_id desc
limit 20`,
  },
  // fails without a switch if another model is active than the page showed
  activate: {
    sql: "select recsys.activate_model($1::bigint, p_instead_of => $2::bigint)",
    parameters: { model_id: id, instead_of: id },
    changes: true,
  },
  // `model_id`: the model to replace by the previous one
  rollback: {
    sql: "select recsys.rollback_model($1::bigint) as model_id",
    parameters: { model_id: id },
    changes: true,
  },
} satisfies Record<string, Question>;

const healthQuestions = {
  // the time of all questions except publishing and training
  clock: { sql: "select recsys.clock() as now, clock_shift <> '0' as is_archive from recsys.settings" },
  status: { sql: "select * from recsys.status" },
  health: { sql: "select * from recsys.health()" },
  lag: { sql: "select * from recsys_engine.roll_up_lag" },
  queue: { sql: "select * from recsys.embedding_queue" },
  dead_letters: { sql: "select * from recsys.embedding_dead_letters order by enqueued_at desc limit 50" },
  coverage: { sql: "select * from recsys_engine.embedding_coverage order by model_id desc limit 5" },
  schedules: {
    sql: `
select name, purpose, schedule, is_active, last_run_at, last_took, last_result
from recsys.schedules
order by name`,
  },
} satisfies Record<string, Question>;

/**
 * A metric of recsys.daily_metrics over the last days: the mean over days and models, weighted by count. `by`: the
 * grouping; `order`: the order of rows, if another.
 */
function daily(metrics: string[], by: Record<string, string>, order = Object.keys(by).join(", ")): Question {
  const columns = Object.entries(by).map(([name, sql]) => (name === sql ? name : `${sql} as ${name}`));
  const sql = `
select ${columns.join(", ")}, sum(value * count) / nullif(sum(count), 0) as value, sum(count) as count
from recsys.daily_metrics
where metric in (${metrics.map((metric) => `'${metric}'`).join(", ")}) and day > (recsys.clock() at time zone 'UTC')::date - $1::integer
group by ${Object.keys(by).join(", ")}
order by ${order}`;
  return { sql, parameters: { days } };
}

const act = "split_part(slice, ' ', 1)";
const rest = "split_part(slice, ' ', 2)";

const shownQuestions = {
  rates: daily(["rate"], { day: "day", act: "slice" }),
  rates_by_position: daily(["rate by position"], { act, place: rest }, "act, length(min(slice)), place"),
  rates_by_source: daily(["rate by source"], { act, source: rest }, "act, value desc"),
  calibration: daily(["calibration"], { act: "slice" }),
  shown_topics: {
    sql: `
select topics.label as topic, count(*) as shown, count(*)::double precision / sum(count(*)) over () as share,
  topics.demand, topics.supply
from recsys.impressions
join recsys_engine.post_topics on post_topics.post_id = impressions.post_id
join recsys_engine.topics on topics.topic_id = post_topics.topic_id
where impressions.shown_at > recsys.clock() - interval '7 days'
group by topics.topic_id
order by shown desc
limit 15`,
  },
  shares: daily(["fresh", "authors", "coverage", "novelty", "feeds"], { day: "day", metric: "metric", slice: "slice" }),
} satisfies Record<string, Question>;

const postQuestions = {
  // 3,000 have about 800 KB of vectors, and are as many dots as a screen can show
  map: {
    sql: `
select posts.post_id, posts.title, posts.created_at, topics.topic_id, topics.label as topic, vectors.embedding::real[] as vector
from recsys.models
join recsys.post_embeddings as vectors on vectors.model_id = models.model_id
join recsys.source_posts as posts on posts.post_id = vectors.post_id
left join recsys_engine.post_topics on post_topics.post_id = posts.post_id
left join recsys_engine.topics on topics.topic_id = post_topics.topic_id
where models.status = 'active'
order by posts.created_at desc
limit 3000`,
  },
  post: {
    sql: `
select posts.post_id, posts.title, posts.tags, posts.author_id, posts.created_at, topics.label as topic,
  stats.views, stats.votes, stats.comments, stats.participants, stats.last_active_at
from recsys.source_posts as posts
left join recsys_engine.latest_post_stats as stats on stats.post_id = posts.post_id
left join recsys_engine.post_topics on post_topics.post_id = posts.post_id
left join recsys_engine.topics on topics.topic_id = post_topics.topic_id
where posts.post_id = $1::uuid`,
    parameters: { post_id: uuid },
  },
  neighbours: {
    sql: "select post_id, title, created_at, similarity from recsys.similar_posts($1::uuid, 10)",
    parameters: { post_id: uuid },
  },
  // with the service's role, so not limited to what a single user may read
  audience: {
    sql: `
select people.user_id, users.external_id, -(people.embedding operator(extensions.<#>) post.embedding) as similarity
from recsys.models
join recsys.post_embeddings as post on post.model_id = models.model_id and post.post_id = $1::uuid
join recsys.user_embeddings as people on people.model_id = models.model_id
join recsys.source_users as users on users.user_id = people.user_id
where models.status = 'active'
order by people.embedding operator(extensions.<#>) post.embedding
limit 10`,
    parameters: { post_id: uuid },
  },
} satisfies Record<string, Question>;

const experimentQuestions = {
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
  experiment_report: { sql: "select * from recsys.experiment_report($1::text)", parameters: { name } },
  interleaving_report: { sql: "select * from recsys.interleaving_report($1::text)", parameters: { name } },
} satisfies Record<string, Question>;

const promotionQuestions = {
  promotions: {
    sql: `
select promotions.promotion_id, promotions.name, coalesce(posts.title, promotions.filter::text) as posts, promotions.place, promotions.factor, promotions.people,
  promotions.starts_at, promotions.ends_at, promotions.per_person_and_day,
  (select count(*) from recsys.impressions where impressions.promotion_id = promotions.promotion_id and impressions.shown_at > recsys.clock() - interval '24 hours') as shown_in_a_day
from recsys.promotions
left join recsys.source_posts as posts on posts.post_id = promotions.post_id
order by promotions.ends_at desc
limit 50`,
  },
  preview_promotion: { sql: "select * from recsys.preview_promotion($1::bigint)", parameters: { promotion_id: id } },
} satisfies Record<string, Question>;

const peopleQuestions = {
  people: {
    sql: `
select users.user_id, users.external_id, stats.views, stats.votes, stats.comments, stats.last_active_at
from recsys.source_users as users
left join recsys_engine.latest_user_stats as stats on stats.user_id = users.user_id
order by stats.last_active_at desc nulls last, users.created_at desc
limit 50`,
  },
  person: {
    sql: `
select user_id, external_id, passions, projects, bio, created_at
from recsys.source_users
where external_id = $1 or user_id::text = lower($1)
limit 1`,
    parameters: { person: name },
  },
  explain: { sql: "select * from recsys.explain($1::uuid, $2::uuid)", parameters: { user_id: uuid, post_id: uuid } },
} satisfies Record<string, Question>;

export const questions = {
  ...modelQuestions,
  ...healthQuestions,
  ...shownQuestions,
  ...postQuestions,
  ...experimentQuestions,
  ...promotionQuestions,
  ...peopleQuestions,
} satisfies Record<string, Question>;

export type QuestionName = keyof typeof questions;
