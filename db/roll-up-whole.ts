/** A roll-up of posts and people from their beginning, each once, in transactions short enough for feeds beside it. */
import type { ClientBase } from "pg";
import { call, run } from "../supabase/functions/_shared/database/database.ts";
import type { OnProgress } from "./progress.ts";

export const rollingUp = "roll up the feature store";

/** Updates planner statistics of the feature store: autovacuum is a minute late, and feeds read what is there already. */
export const analyzeStates =
  "analyze recsys_engine.post_stats, recsys_engine.latest_post_stats, recsys_engine.user_stats, recsys_engine.latest_user_stats";

/** Works off the posts and people that wait from their beginning; all there are, in a community without a roll-up. */
export async function rollUpWhole(
  client: ClientBase,
  { onProgress, signal }: { onProgress: OnProgress; signal?: AbortSignal | undefined },
): Promise<void> {
  const [{ gather_changes: total }] = await run(client, call("recsys_engine.gather_changes", {}));
  for (let done = 0, isAnalyzed = false; ; ) {
    signal?.throwIfAborted();
    onProgress({ step: rollingUp, done: Math.min(done, total), total });
    const [{ taken }] = await run(client, call("recsys_engine.roll_up_anew", {}));
    if (taken === 0) break;
    done += taken;
    if (isAnalyzed || done < total / 10) continue;
    await client.query(analyzeStates);
    isAnalyzed = true;
  }
  await client.query(analyzeStates);
}
