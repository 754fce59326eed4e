/** Brings the feature store up to date before something is learned from it. */
import { sql } from "kysely";
import type { Database } from "../../../db/connect.ts";
import type { OnProgress } from "../../../db/progress.ts";
import { analyzeStates, rollingUp, rollUpWhole } from "../../../db/roll-up-whole.ts";
import { call, run } from "../../../supabase/functions/_shared/database/database.ts";
import { countOf, db } from "../../../supabase/functions/_shared/database/query.ts";

/** Each is a statement of its own, so that there is something to show; fewer would work out the same users more often. */
const portions = 10;
/** Changes that are worked off in less than a second. */
const fewest = 10_000;
/** Posts and people that wait from their beginning: fewer are worked out with all else that changed. */
const fewWhole = 1000;

/**
 * Works off what waits in recsys_engine.feature_changes: all there is, where the tables have just been watched and no roll-up ran yet. Posts and
 * people that wait from their beginning are worked out once each, in statements of a second. What comes meanwhile is left to the next.
 */
export async function rollUpAll({ pool }: Database, onProgress: OnProgress, signal?: AbortSignal): Promise<void> {
  const waiting = db.selectFrom("recsys_engine.feature_changes").select(countOf().as("total"));
  const wholeWaiting = waiting.where("at", "=", sql<Date>`'-infinity'`);
  const client = await pool.connect();
  try {
    const [{ total: whole }] = await run(client, wholeWaiting);
    if (whole > fewWhole) await rollUpWhole(client, { onProgress, signal });
    const [{ total }] = await run(client, waiting);
    const portion = Math.max(fewest, Math.ceil(total / portions));
    for (let done = 0; done < total; done += portion) {
      signal?.throwIfAborted();
      onProgress({ step: rollingUp, done, total });
      // a project ends a statement after 2 minutes, which a first roll-up of millions of events takes
      await client.query("begin; set local statement_timeout = 0");
      await run(client, call("recsys.roll_up", { p_most: portion, p_rewrites: null }));
      await client.query("commit");
    }
    if (total > fewest) await client.query(analyzeStates);
    if (total > 0) onProgress({ step: rollingUp, done: total, total });
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}
