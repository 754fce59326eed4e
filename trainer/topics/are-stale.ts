import type { Database } from "../../db/connect.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";

/** Whether a model serves of which no topics were made since it does: those that there are come from another one's vectors. */
export async function topicsAreStale({ pool }: Pick<Database, "pool">): Promise<boolean> {
  const latest = db.selectFrom("recsys_engine.topic_runs").select("model_id").orderBy("run_id", "desc").limit(1);
  const stale = db
    .selectFrom("recsys.models")
    .select("name")
    .where("status", "=", "active")
    .where("model_id", "is distinct from", latest);
  return (await run(pool, stale)).length > 0;
}
