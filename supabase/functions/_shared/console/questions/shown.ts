import { days, type Question } from "../question.ts";

/** Days and models together, each with what it rests on: sum(value * count) / sum(count), as recsys.daily_metrics says. */
const mean = "sum(value * count) / nullif(sum(count), 0) as value, sum(count) as count";

export const shownQuestions = {
  rates: {
    sql: `
select day, slice as head, ${mean}
from recsys.daily_metrics
where metric = 'rate' and day > (recsys.clock() at time zone 'UTC')::date - $1::integer
group by day, slice
order by day, slice`,
    parameters: { days },
  },
  rates_by_position: {
    sql: `
select split_part(slice, ' ', 1) as head, split_part(slice, ' ', 2) as place, ${mean}
from recsys.daily_metrics
where metric = 'rate by position' and day > (recsys.clock() at time zone 'UTC')::date - $1::integer
group by slice
order by head, length(split_part(slice, ' ', 2)), place`,
    parameters: { days },
  },
  rates_by_source: {
    sql: `
select split_part(slice, ' ', 1) as head, split_part(slice, ' ', 2) as source, ${mean}
from recsys.daily_metrics
where metric = 'rate by source' and day > (recsys.clock() at time zone 'UTC')::date - $1::integer
group by slice
order by head, value desc`,
    parameters: { days },
  },
  calibration: {
    sql: `
select slice as head, ${mean}
from recsys.daily_metrics
where metric = 'calibration' and day > (recsys.clock() at time zone 'UTC')::date - $1::integer
group by slice
order by slice`,
    parameters: { days },
  },
  shown_topics: {
    sql: `
select topics.label as topic, count(*) as shown, count(*)::double precision / sum(count(*)) over () as share,
  topics.demand, topics.supply
from recsys.impressions
join recsys.post_topics on post_topics.post_id = impressions.post_id
join recsys.topics on topics.topic_id = post_topics.topic_id
where impressions.shown_at > recsys.clock() - interval '7 days'
group by topics.topic_id
order by shown desc
limit 15`,
  },
  shares: {
    sql: `
select day, metric, slice, ${mean}
from recsys.daily_metrics
where metric in ('fresh', 'authors', 'coverage', 'novelty', 'feeds') and day > (recsys.clock() at time zone 'UTC')::date - $1::integer
group by day, metric, slice
order by day, metric, slice`,
    parameters: { days },
  },
} satisfies Record<string, Question>;
