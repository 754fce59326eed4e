import type { Question } from "../question.ts";

export const healthQuestions = {
  // the clock is that of everything the console shows but publishing and training
  clock: { sql: "select recsys.clock() as now, clock_shift <> '0' as is_archive from recsys.settings" },
  status: { sql: "select * from recsys.status" },
  health: { sql: "select * from recsys.health()" },
  lag: { sql: "select * from recsys.roll_up_lag" },
  queue: { sql: "select * from recsys.embedding_queue" },
  dead_letters: {
    sql: "select * from recsys.embedding_dead_letters order by enqueued_at desc limit 50",
  },
  coverage: { sql: "select * from recsys.embedding_coverage order by model_id desc limit 5" },
  schedules: {
    sql: `
select name, purpose, schedule, is_active, last_run_at, last_took, last_result
from recsys.schedules
order by name`,
  },
} satisfies Record<string, Question>;
