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
