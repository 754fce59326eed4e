import type { Database } from "../../db/connect.ts";

/** Whether a model serves of which no topics were made since it does: those that there are come from another one's vectors. */
export async function topicsAreStale({ pool }: Pick<Database, "pool">): Promise<boolean> {
  const { rows } = await pool.query(
    `select exists (
       select from recsys.models
       where models.status = 'active'
         and models.model_id is distinct from (select topic_runs.model_id from recsys.topic_runs order by topic_runs.run_id desc limit 1)
     ) as stale`,
  );
  return rows[0].stale;
}
