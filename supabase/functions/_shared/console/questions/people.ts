import { name, type Question, uuid } from "../question.ts";

export const peopleQuestions = {
  people: {
    sql: `
select users.user_id, users.external_id, stats.views, stats.votes, stats.comments, stats.last_active_at
from recsys.source_users as users
left join recsys.latest_user_stats as stats on stats.user_id = users.user_id
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
  explain: {
    sql: "select * from recsys.explain($1::uuid, $2::uuid)",
    parameters: { user_id: uuid, post_id: uuid },
  },
} satisfies Record<string, Question>;
