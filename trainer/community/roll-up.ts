/** Brings the feature store up to date before something is learned from it. */
import type { Database } from "../../db/connect.ts";
import type { OnProgress } from "../../db/progress.ts";
import { call, run } from "../../supabase/functions/_shared/database/database.ts";
import { countOf, db } from "../../supabase/functions/_shared/database/query.ts";

/** Each is a statement of its own, so that there is something to show; fewer would work out the same users more often. */
const portions = 10;
/** Changes that are worked off in less than a second. */
const fewest = 10_000;

/**
 * Works off what waits in recsys_engine.feature_changes: all there is, where the tables have just been watched and no roll-up ran yet. What comes
 * meanwhile is left to the next.
 */
export async function rollUpAll({ pool }: Database, onProgress: OnProgress, signal?: AbortSignal): Promise<void> {
  const [{ total }] = await run(pool, db.selectFrom("recsys_engine.feature_changes").select(countOf().as("total")));
  if (total === 0) return;
  const step = "roll up the feature store";
  const portion = Math.max(fewest, Math.ceil(total / portions));
  const client = await pool.connect();
  try {
    for (let done = 0; done < total; done += portion) {
      signal?.throwIfAborted();
      onProgress({ step, done, total });
      // a project ends a statement after 2 minutes, which a first roll-up of millions of events takes
      await client.query("begin; set local statement_timeout = 0");
      await run(client, call("recsys.roll_up", { p_most: portion, p_rewrites: null }));
      await client.query("commit");
    }
    if (total > fewest)
      await client.query(
        "analyze recsys_engine.post_stats, recsys_engine.latest_post_stats, recsys_engine.user_stats, recsys_engine.latest_user_stats",
      );
    onProgress({ step, done: total, total });
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}
